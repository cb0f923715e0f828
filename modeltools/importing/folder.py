"""The model folder that an import makes: filled next to its place, checked, renamed; or nothing at all."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ConfigDict

from slipway.service.faults import BadSettings, DiskFull, StartFault
from slipway.service.manifest import CAUSAL_FILES, SEQ2SEQ_FILES, TEXT_FILES, EngineFiles, TextManifest

from .failures import write_fault
from .local import LocalFolder, Source
from .plan import ImportPlan

# Exported, optimised and fused, each as large as the float32 weights, are there at once.
COPIES = 3
MANIFEST = "manifest.json"
# By task, of models that write text; of the others they are the same.
_FILES: Mapping[str, EngineFiles] = {"summarize": SEQ2SEQ_FILES, "generate": CAUSAL_FILES}
_NEARLY_FULL_BYTES = 1 << 16


class ImportedManifest(TextManifest):
    """The manifest keys of every text model; those of one task are checked where it is served."""

    model_config = ConfigDict(extra="ignore")


@contextmanager
def new_folder(out: Path, copy_bytes: int, copies: int = COPIES) -> Generator[tuple[Path, Path]]:
    """Make two new folders next to `out`: one that becomes `out` at the end, and one for temporary files.

    After an exception neither is left. Raises BadSettings if `out` is taken or cannot be written, DiskFull.
    """
    require_free(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _require_room(out.parent, copy_bytes * copies)
        # Next to `out`, because a rename is atomic only within one file system.
        with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as name:
            made, scratch = Path(name) / "made", Path(name) / "scratch"
            made.mkdir()
            scratch.mkdir()
            try:
                yield made, scratch
            except (StartFault, OSError):
                raise
            except Exception:  # ONNX Runtime's and torch's own words for a full disk
                if shutil.disk_usage(scratch).free < _NEARLY_FULL_BYTES:
                    raise DiskFull(
                        f"no room is left for {out}. Make room there, or name another place."
                    ) from None
                raise
            made.rename(out)
    except OSError as error:
        raise write_fault(out, error) from None


def write_manifest(folder: Path, plan: ImportPlan, facts: Mapping[str, Any]) -> TextManifest:
    """Write manifest.json for the folder's files, and read it as the server does.

    facts: what making the files showed; its keys are added to those that come from the Hub.
    """
    made = sorted(path.name for path in folder.iterdir() if path.name != MANIFEST)
    content = {
        **_identity(plan.address),
        "task": plan.head.task,
        **plan.head.manifest_keys,
        "license": plan.license,
        "engine": plan.engine,
        **facts,
        "files": {name: listed_file(folder / name) for name in made},
    }
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    manifest = ImportedManifest.checked(
        text.encode(), str(folder / MANIFEST), _FILES.get(plan.head.task, TEXT_FILES)
    )
    manifest.check_files(folder)
    return manifest


def _identity(source: Source) -> dict[str, str]:
    """Return the manifest's name, version and source; no source for a local folder, whose path is private."""
    if isinstance(source, LocalFolder):
        return {"name": source.name, "version": "1.0.0"}
    name, commit = source.repo.partition("/")[2].lstrip("_"), source.revision
    return {"name": name, "version": commit[:12], "source": str(source)}


def listed_file(path: Path) -> dict[str, object]:
    """Return the size and the hash of a file, as a manifest lists them."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"sha256": digest, "bytes": path.stat().st_size}


def require_free(out: Path) -> None:
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise BadSettings(f"FOLDER is {out}, which is a file or a link; allowed: a new or an empty folder.")
    if out.is_dir() and (held := sorted(path.name for path in out.iterdir())):
        shown = ", ".join(held[:5]) + (", …" if len(held) > 5 else "")
        raise BadSettings(
            f"FOLDER is {out}, which holds {shown}; allowed: a new or an empty folder, as each commit of a "
            "model is a model of its own. Name another, or delete that one."
        )


def _require_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DiskFull(
            f"making the model needs {needed / 1e6:.1f} MB in {folder}, which has {free / 1e6:.1f} MB free. "
            "Make room there, or name another place."
        )
