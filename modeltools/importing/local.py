"""A model in a local folder, as Transformers' save_pretrained or sentence-transformers' save wrote it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.service.faults import BadSettings

from .address import HubAddress
from .hub import HubFile


@dataclass(frozen=True, slots=True)
class LocalFolder:
    path: Path
    name: str
    """What the model is to be called."""

    @classmethod
    def of(cls, path: Path, out: Path) -> "LocalFolder":
        """Read a folder and name the model like `out`. Raises BadSettings if it is no folder."""
        if not path.is_dir():
            raise BadSettings(
                f"MODEL: got {str(path)[:200]!r}, which is not a folder here; allowed: "
                "hf:<owner>/<name>@<commit>, or a folder as save_pretrained writes it."
            )
        name = re.sub(r"[^A-Za-z0-9._+-]+", "-", out.resolve().name).lstrip("._+-")[:100]
        return cls(path, name or "model")

    def files(self) -> Mapping[str, HubFile]:
        """Return the files in the folder and in those directly below it."""
        found = [path for pattern in ("*", "*/*") for path in self.path.glob(pattern) if path.is_file()]
        return {
            path.relative_to(self.path).as_posix(): HubFile(path.stat().st_size, "", "") for path in found
        }

    def __str__(self) -> str:
        return str(self.path)


Source = HubAddress | LocalFolder
