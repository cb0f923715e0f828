"""The version of Slipway that a project was made with, or last accepted: the file `.slipway-version`."""

import re
from pathlib import Path

from slipway.infra.errors import Refused
from slipway.infra.setup.changelog import is_version, number_of
from slipway.infra.setup.installed_from import requirement
from slipway.infra.setup.project_workflows import REQUIREMENTS

RECORD = Path(".slipway-version")
_LINE = re.compile(r"^slipway(\[.*\])?\s*[@=].*$", re.MULTILINE)


def recorded_version(root: Path) -> str | None:
    """Return the recorded version; None without a record. Raises Refused for one that is no version."""
    try:
        text = (root / RECORD).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{RECORD} cannot be read: {error}.") from None
    if not is_version(text):
        raise Refused(f"{RECORD} has {text[:40]!r}; allowed is a version, such as 0.2.0.")
    return text


def version_note(root: Path, running: str) -> str:
    """Return what to know before another version than the recorded one runs a command; '' for nothing."""
    recorded = recorded_version(root)
    if recorded is None or recorded == running or not is_version(running):
        return ""
    if number_of(recorded) < number_of(running):
        return (
            f"This project is at Slipway {recorded}, and {running} runs: `slipway changes` shows what that "
            "means for its stacks."
        )
    way = f"`pip install -r {REQUIREMENTS}`" if (root / REQUIREMENTS).is_file() else "pip"
    return f"This project is at Slipway {recorded}, and the older {running} runs: upgrade it with {way}."


def accept(root: Path, running: str, address: str | None) -> list[Path]:
    """Record the running version, and pin its address for the workflows. Return what was written.

    address: None where it is not known, which leaves the workflows' pin as it is.
    """
    written = [RECORD]
    (root / RECORD).write_text(f"{running}\n", encoding="utf-8")
    pin = root / REQUIREMENTS
    if address is not None and pin.is_file():
        text = pin.read_text(encoding="utf-8")
        changed = _LINE.sub(lambda _: requirement(address), text)
        if changed != text:
            pin.write_text(changed, encoding="utf-8")
            written.append(REQUIREMENTS)
    return written
