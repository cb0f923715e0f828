"""Checks one stack's settings against their declarations. Pure: no engine, no file is touched here.

The keys are flat and camelCase, so that `pulumi config set memory 4Gi` is the whole edit. A value is
text as the stack file holds it; '' means unset. Memory is a Kubernetes quantity outside, GiB inside.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.infra.settings.faults import SettingFault, SettingsError
from slipway.stacks.settings.common import TARGETS, Settings
from slipway.stacks.settings.setting import Setting
from slipway.stacks.settings.targets import SETTINGS, keys, row_of, rows_of

_FEW = 3
# The CLI hands on the defaults that Pulumi.yaml declares.
_EMPTY = ("{}", "[]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Given:
    """What was given to one stack. values: key -> text; '', {}, [] or absent = unset.

    where: key -> the file or option that set it. in_clear: secret keys whose value is not encrypted.
    faults: of the file itself, such as a key that it has twice.
    """

    stack: str
    values: Mapping[str, str]
    where: Mapping[str, str]
    in_clear: tuple[str, ...] = ()
    faults: tuple[SettingFault, ...] = ()

    def place(self, key: str) -> str:
        """Return the file or option where the key is set, or would be."""
        return self.where.get(key, f"Pulumi.{self.stack}.yaml")

    def text(self, key: str) -> str:
        text = self.values.get(key, "")
        return "" if text in _EMPTY else text


def settings_of(
    stack: str,
    values: Mapping[str, str],
    where: Mapping[str, str] | None = None,
    in_clear: Iterable[str] = (),
) -> Settings:
    """Check and return the settings. Raises SettingsError with all faults at once."""
    settings, faults = read(Given(stack, values, where or {}, tuple(in_clear)))
    if faults or settings is None:
        raise SettingsError(stack, faults)
    return settings


def read(given: Given) -> tuple[Settings | None, list[SettingFault]]:
    """Return the settings that are valid, and all faults. None: there are no settings without a target."""
    target = given.text("target")
    declared = SETTINGS.get(target)
    faults = [
        *given.faults,
        *_unknown_keys(given, declared),
        *(_in_clear(key, given) for key in given.in_clear),
    ]
    values: dict[str, Any] = {}
    for key in keys():
        row = rows_of(key).get(target) or row_of(key)
        text = given.text(key)
        if row is None or (declared is not None and target not in rows_of(key)):
            continue
        if text:
            try:
                values[key] = _parsed(row, text)
            except ValueError as error:
                faults.append(_wrong(row, text, str(error), given.place(key)))
    faults += _target_faults(given, target)
    faults += _pair_faults(values, given)
    if declared is None:
        return None, faults
    shown = {row.key: given.text(row.key) for row in declared.rows() if row.shown and row.key in values}
    settings = declared.of({key: value for key, value in values.items() if key != "apiKey"}, shown)
    return settings, [*faults, *_image_faults(settings, given)]


def _parsed(row: Setting, text: str) -> Any:
    if _CONTROL.search(text):
        raise ValueError("")
    return row.parse(text)


def _wrong(row: Setting, text: str, near: str, file: str) -> SettingFault:
    got = repr(text) if row.shown else f"a value of {len(text)} characters (not shown)"
    reason = "with a control character" if _CONTROL.search(text) else ""
    return SettingFault(row.key, got, f"allowed: {row.allowed}", file, near, reason)


def _unknown_keys(given: Given, declared: type[Settings] | None) -> Iterator[SettingFault]:
    known = [row.key for row in declared.rows()] if declared else list(keys())
    for key in given.values:
        if row_of(key) is not None:
            continue
        near = difflib.get_close_matches(key, known, 1, cutoff=0.5) or difflib.get_close_matches(
            key, keys(), 1
        )
        yield SettingFault(
            key,
            "an unknown key",
            "" if near else _nearest(key, known, given.text("target")),
            given.place(key),
            near[0] if near else "",
        )


def _nearest(key: str, known: list[str], target: str) -> str:
    """Name the few keys that are most like an unknown one, and the page that lists them all."""
    nearest = difflib.get_close_matches(key.lower(), known, _FEW, cutoff=0)
    page = target if target in TARGETS else "index"
    return f"nearest: {', '.join(nearest)}; docs/reference/settings/{page}.md lists all {len(known)}"


def _in_clear(key: str, given: Given) -> SettingFault:
    path = "--path " if "." in key else ""
    allowed = f"allowed: an encrypted value (`pulumi config set --secret {path}{key}`), or none"
    if key == "apiKey":
        allowed += ": then one is created"
    return SettingFault(key, "a value in clear (not shown)", allowed, given.place(key))


def _target_faults(given: Given, target: str) -> Iterator[SettingFault]:
    """Yield the required settings that are missing, and the settings that the target does not have."""
    if not target:
        yield SettingFault("target", "nothing", f"allowed: {', '.join(TARGETS)}", given.place("target"))
    if target not in TARGETS:
        return
    for key in keys():
        rows, place = rows_of(key), given.place(key)
        row = rows.get(target)
        if row is None and given.text(key):
            allowed = f"allowed: nothing with target {target}; it is for {', '.join(rows)}"
            yield SettingFault(key, "a value", allowed, place)
        elif row is not None and row.required and not given.text(key):
            yield SettingFault(key, "nothing", f"allowed: {row.allowed}", place)


def _pair_faults(values: Mapping[str, Any], given: Given) -> Iterator[SettingFault]:
    low, high = values.get("minInstances"), values.get("maxInstances")
    if low is not None and high is not None and high < low:
        allowed = f"allowed: {low} or more, which is minInstances"
        yield SettingFault("maxInstances", repr(str(high)), allowed, given.place("maxInstances"), str(low))


def _image_faults(settings: Settings, given: Given) -> Iterator[SettingFault]:
    """Refuse an image named by a tag, except for a local container: only there its current image is known."""
    image, place = settings.image, given.place("image")
    if image and settings.target != "local" and "@sha256:" not in image:
        allowed = "allowed: a reference with its digest, `host/repository@sha256:…`"
        yield SettingFault("image", repr(image), allowed, place)
    elif image and settings.target == "local" and getattr(settings, "runtime", "") == "process":
        allowed = "allowed: nothing with runtime process; it is for runtime container"
        yield SettingFault("image", "a value", allowed, place)
