"""The files of a new project: Pulumi's, a local stack, a place for models, lines of .gitignore, workflows."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from slipway.infra.errors import Refused
from slipway.infra.setup.installed_from import requirement, running_version
from slipway.infra.setup.project_version import RECORD
from slipway.infra.setup.project_workflows import REQUIREMENTS, workflows

# A service's name begins with its project's and goes into names that allow no more than these.
_NAME = re.compile(r"[a-z][a-z0-9-]{0,29}")
_PINNED = (
    "# What the workflows in .github/workflows/slipway-*.yml install. `slipway changes --accept` renews it.\n"
)
_IGNORED = (".venv/", ".slipway/", "__pycache__/")


def name_for(folder: Path, given: str | None) -> str:
    """Return the project's name: the one that is given, else one made of the folder's. Raises Refused."""
    name = given if given is not None else re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-")
    if not _NAME.fullmatch(name):
        source = "--name is" if given is not None else f"The folder is called {folder.name!r}, which makes"
        raise Refused(
            f"{source} {name!r}; a project's name has 1 to 30 lower-case letters, digits and `-`, and begins "
            "with a letter. Choose one with --name."
        )
    return name


def new_files(folder: Path, name: str, address: str | None = None) -> Mapping[Path, str]:
    """Return each file to write and its text. Raises Refused where one of them already exists.

    address: where the workflows install Slipway from; None writes no workflow.
    """
    files = {
        Path("Pulumi.yaml"): (
            f"name: {name}\ndescription: A model as an HTTP service\nruntime:\n  name: python\n"
            "  options:\n    virtualenv: .venv\n"
        ),
        Path("__main__.py"): "from slipway.infra.program import main\n\nmain()\n",
        Path("Pulumi.local.yaml"): "\n".join(_local_stack(name)) + "\n",
        Path("models/.gitkeep"): "",
        RECORD: f"{running_version()}\n",
    }
    if address is not None:
        files |= {REQUIREMENTS: f"{_PINNED}{requirement(address)}\n", **workflows()}
    there = [str(path) for path in files if (folder / path).exists() and path.name != ".gitkeep"]
    if there:
        ways = "it is a project, in which every command of slipway works"
        if "Pulumi.yaml" not in there:
            ways = "run `slipway init` in a folder of its own, such as `deploy`"
            if all(name.startswith(".github") or name == str(REQUIREMENTS) for name in there):
                ways = "add --no-workflows, or move them"
        raise Refused(f"{folder} has {', '.join(there)} already. Nothing was written: {ways}.")
    files = {path: text for path, text in files.items() if not (folder / path).exists()}
    ignore = _ignore_file(folder / ".gitignore")
    return {**files, Path(".gitignore"): ignore} if ignore is not None else files


def write(folder: Path, files: Mapping[Path, str]) -> None:
    """Write the files; take back what was written where one cannot be."""
    before = folder / ".gitignore"
    kept = before.read_bytes() if before.exists() else None
    done: list[Path] = []
    try:
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            done.append(folder / path)
            (folder / path).write_text(text, encoding="utf-8")
    except OSError as error:
        for path in done:
            path.unlink(missing_ok=True)
        if kept is not None:
            before.write_bytes(kept)
        raise Refused(f"{error.filename} cannot be written: {error.strerror}. Nothing was left.") from None


def _local_stack(name: str) -> Iterator[str]:
    yield "# One process on this machine: no cloud, Docker, GPU or account."
    yield "config:"
    settings = {
        "target": "local",
        "model": "bundled:sms-spam",
        "cpu": '"1"',
        "memory": "1Gi",
        "port": '"8000"',
    }
    for key, value in settings.items():
        yield f"  {name}:{key}: {value}"


def _ignore_file(path: Path) -> str | None:
    """Return the text of .gitignore with the lines that it lacks; None where it has them all."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    missing = [line for line in _IGNORED if line not in text.splitlines()]
    if not missing:
        return None
    return text + ("\n" if text and not text.endswith("\n") else "") + "\n".join(missing) + "\n"
