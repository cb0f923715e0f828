"""Writes what the settings table says into Pulumi.yaml and README.md, between their markers.

Run as `python -m slipway.infra.settings.reference`; a test fails when either is not what this would write.
"""

from pathlib import Path

from slipway.infra.settings.common import TABLE
from slipway.infra.settings.setting import Setting

ROOT = Path(__file__).resolve().parents[2]
README_MARKS = ("<!-- settings: made by `make reference` -->", "<!-- settings end -->")
PULUMI_MARKS = ("config: # made by `make reference`", "")


def settings_table() -> str:
    """Every key as a row of Markdown."""
    rows = ["| key | type | unit | default | allowed | what |", "|---|---|---|---|---|---|"]
    return "\n".join([*rows, *(_row(setting) for setting in TABLE)])


def pulumi_config() -> str:
    """The keys that are not secret, as the `config` of Pulumi.yaml; empty = unset."""
    return "\n".join(_declared(setting) for setting in TABLE if not setting.secret)


def _declared(setting: Setting) -> str:
    kinds = {"list": "array\n    items:\n      type: string\n    default: []"}
    kinds |= dict.fromkeys(("map", "secret map"), "object\n    default: {}")
    kind = kinds.get(setting.type, "string\n    default: ''")
    return f"  {setting.key}:\n    type: {kind}\n    description: {setting.description!r}"


def _row(setting: Setting) -> str:
    default = f"`{setting.default}`" if setting.default else "required" if setting.required else ""
    default += "".join(f"; `{text}` on `{target}`" for target, text in setting.elsewhere)
    what = setting.description
    if setting.targets:
        what += f" Only for {', '.join(f'`{target}`' for target in setting.targets)}."
    cells = (f"`{setting.key}`", setting.type, setting.unit, default, setting.allowed, what)
    return f"| {' | '.join(cells)} |"


def between(text: str, marks: tuple[str, str], content: str) -> str:
    """`text` with what stands between the two marks replaced; an empty second mark is the end."""
    head, _, rest = text.partition(marks[0])
    tail = rest[rest.index(marks[1]) :] if marks[1] else ""
    return f"{head}{marks[0]}\n{content}\n{tail}"


def main() -> None:
    for name, marks, content in (
        ("README.md", README_MARKS, settings_table()),
        ("Pulumi.yaml", PULUMI_MARKS, pulumi_config()),
    ):
        path = ROOT / name
        path.write_text(between(path.read_text(), marks, content))


if __name__ == "__main__":
    main()
