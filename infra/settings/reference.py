"""Renders the settings' declarations: the `config` of Pulumi.yaml, a page of all targets and one of each."""

import dataclasses
import importlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from slipway.stacks.settings.setting import Setting
from slipway.stacks.settings.targets import SETTINGS, keys, rows_of

ROOT = Path(__file__).resolve().parents[2]
PULUMI_MARKS = ("config: # made by `make reference`", "")
PAGES = Path("docs/reference/settings")


def files() -> Mapping[Path, str]:
    """Return every file with the reference, relative to the project, and its whole text."""
    pulumi_yaml = between((ROOT / "Pulumi.yaml").read_text(), PULUMI_MARKS, pulumi_config())
    pages = {PAGES / f"{target}.md": page(target) for target in SETTINGS}
    return {Path("Pulumi.yaml"): pulumi_yaml, PAGES / "index.md": overview(), **pages}


def overview() -> str:
    """Render the settings that every target has, with links to each target's own."""
    common = [row for row in SETTINGS["local"].rows() if len(rows_of(row.key)) == len(SETTINGS)]
    pages = ", ".join(f"[`{target}`]({target}.md)" for target in SETTINGS)
    return (
        "# Settings\n\nA stack is a file, `Pulumi.<stack>.yaml`. Every target has these settings; the pages "
        f"of the targets have their own too: {pages}.\n\n{_table('cloud-run', common)}\n"
    )


def page(target: str) -> str:
    """Render the reference of one target."""
    return (
        f"# Settings of the target `{target}`\n\n"
        f"Set one with `pulumi config set --stack <stack> <key> <value>`, or in `Pulumi.<stack>.yaml`.\n\n"
        f"{_table(target, SETTINGS[target].rows())}\n"
    )


def pulumi_config() -> str:
    """Render the keys that are not secret as the `config` of Pulumi.yaml; empty = unset."""
    return "\n".join(_declared(list(rows_of(key).values())) for key in keys() if key != "apiKey")


def _declared(rows: list[Setting]) -> str:
    kinds = {"list": "array\n    items:\n      type: string\n    default: []"}
    kinds |= dict.fromkeys(("map", "secret map"), "object\n    default: {}")
    kind = kinds.get(rows[0].type, "string\n    default: ''")
    sentence = " Or: ".join(dict.fromkeys(row.sentence for row in rows))
    return f"  {rows[0].key}:\n    type: {kind}\n    description: {sentence!r}"


def _table(target: str, rows: Iterable[Setting]) -> str:
    defaults = _defaults(target)
    head = ["| key | type | unit | default | allowed | what |", "|---|---|---|---|---|---|"]
    return "\n".join([*head, *(_row(row, defaults) for row in rows)])


def _row(row: Setting, defaults: Mapping[str, Any]) -> str:
    default = "required" if row.required else ""
    value = defaults.get(row.field)
    if row.default:
        default = f"`{row.default}`"
    elif not row.unset and not row.secret and value not in (None, "", (), {}):
        default = f"`{row.check.show(getattr(value, 'value', value))}`"
    cells = (f"`{row.key}`", row.type, row.unit, default, row.allowed, row.sentence)
    return f"| {' | '.join(cells)} |"


def _defaults(target: str) -> dict[str, Any]:
    """Argument -> what the target's components take where it is not given."""
    return {name: value for spec in SETTINGS[target].specs for name, value in _fields(_spec_of(spec))}


def _spec_of(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(f"slipway.components.{module}"), name).read("service", {})


def _fields(spec: Any) -> Iterator[tuple[str, Any]]:
    for name in spec.__dataclass_fields__:
        value = getattr(spec, name)
        if name in ("service", "jobs") and dataclasses.is_dataclass(value):
            yield from _fields(value)
        else:
            yield name, value


def between(text: str, marks: tuple[str, str], content: str) -> str:
    """`text` with what is between the two marks replaced; an empty second mark is the end."""
    head, _, rest = text.partition(marks[0])
    tail = rest[rest.index(marks[1]) :] if marks[1] else ""
    return f"{head}{marks[0]}\n{content}\n{tail}"
