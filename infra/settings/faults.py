"""The faults of a stack's settings, in the words of the user who wrote them."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from slipway.components.fault import ArgumentsError, Fault, in_words, shown, with_clauses
from slipway.infra.errors import Refused
from slipway.stacks.settings.common import Settings
from slipway.stacks.settings.setting import Setting


@dataclass(frozen=True, slots=True)
class SettingFault:
    """One wrong setting: its key, what it got, what is allowed, where to fix it, and a nearby value that is.

    reason: what is wrong with it, if `got` does not say it. needs_memory: the model does not fit.
    verb: between key and `got`, where a component found the fault; '' where its declaration did.
    """

    key: str
    got: str
    allowed: str
    file: str
    hint: str = ""
    reason: str = ""
    needs_memory: bool = False
    verb: str = ""

    def __str__(self) -> str:
        text = f"{self.key} {self.verb} {self.got}" if self.verb else f"{self.key}: got {self.got}"
        text = text if self.key else self.got
        text = with_clauses(text, self.reason, self.allowed.removesuffix("."))
        hint = f" Did you mean {self.hint}?" if self.hint else ""
        return f"{text}.{hint} Fix it in {self.file}."


class SettingsError(Refused):
    """All faults of one stack's settings together."""

    def __init__(
        self, stack: str, faults: Iterable[SettingFault], environments: Collection[str] = ()
    ) -> None:
        """environments: Pulumi environments that were not read, and could set what is missing."""
        self.stack = stack
        self.faults = list(faults)
        count = "1 setting is" if len(self.faults) == 1 else f"{len(self.faults)} settings are"
        lines = [f"Stack {stack}: {count} wrong.", *(f"  {fault}" for fault in self.faults)]
        super().__init__("\n".join([*lines, *([f"  {unread(environments)}"] if environments else [])]))


def unread(environments: Collection[str]) -> str:
    """Explain that the environments which a stack's file imports were not read."""
    names = ", ".join(environments)
    return (
        f"The stack's environment was not read ({names}): only Pulumi's service has its values. What it sets "
        "counts as unset here."
    )


def in_settings(
    error: ArgumentsError, settings: Settings, place: Callable[[str], str], wrong: Collection[str]
) -> list[SettingFault]:
    """Translate the faults of a component's arguments into faults of the settings that they come from.

    place: key -> the file that set it. wrong: keys that have a fault of their own: what follows from them is
    left out.
    """
    words = settings.words()
    rows = {row.field: row for row in settings.rows()}
    by_key = {row.key: row for row in settings.rows()}
    found: list[SettingFault] = []
    for fault in error.faults:
        if any(words.get(argument) in wrong for argument in fault.arguments):
            continue
        row = rows.get(fault.root) or by_key.get(words.get(fault.root, fault.root))
        if wrong and fault.root not in rows and (row is None or row.field not in settings.given):
            continue  # it is made of other settings
        made = _in_setting(fault, settings, words, row, place)
        # The image's name is the service's with an end, and its `image` is the service's `image_ref`.
        if made not in found and not (fault.argument == "name" and any(each.key == "name" for each in found)):
            found.append(made)
    return found


def _in_setting(
    fault: Fault,
    settings: Settings,
    words: Mapping[str, str],
    row: Setting | None,
    place: Callable[[str], str],
) -> SettingFault:
    """row: of the setting that the fault's argument comes from."""
    root, path = words.get(fault.root, fault.root), fault.argument[len(fault.root) :]
    row = None if path else row  # what is wrong is a part of it, which has no unit of its own
    got = fault.given
    if row is not None and fault.verb == "is":
        got = _written(row, got, settings.texts.get(row.field))
    near = "" if fault.nearest is None else row.check.show(fault.nearest) if row else shown(fault.nearest)
    file = place(root)
    if fault.argument == "name" and row is None:
        file = "Pulumi.yaml, or name the stack otherwise"
    elif fault.argument == "name" and not settings.texts.get("name"):
        file = f"{file}: set `name`"
    return SettingFault(
        key=root + path,
        got=got,
        allowed=in_words(fault.allowed, words),
        file=file,
        hint=near,
        reason=in_words(fault.reason, words),
        needs_memory=fault.needs_memory,
        verb=fault.verb,
    )


def _written(row: Setting, given: str, text: str | None) -> str:
    """Return the setting as written; if it is unset, its default, in the setting's own unit."""
    if row.type == "choice":
        return row.check.show(given)  # another text than the component's, such as `mps` for MPS
    if text is not None:
        return text if row.type in ("number", "integer", "quantity", "flag") else given
    if row.type != "quantity":
        return given
    try:
        return f"{row.check.show(float(given))}, the default,"
    except ValueError:
        return given
