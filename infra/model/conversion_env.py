"""The environments that convert models, each made once, when the first model needs it.

Neither contains anything that serves. They are apart because each brings hundreds of megabytes.
"""

import hashlib
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from slipway.components.checkout import IS_CHECKOUT, ROOT
from slipway.infra.errors import Failed

_LISTS = ROOT / "modeltools"
_INCOMPLETE, _INSTALLED = ".incomplete", ".installed"
_MOST_LINES_SHOWN = 15


@dataclass(frozen=True, slots=True)
class ConversionEnvironment:
    """name: of its folder. requirements: its list in modeltools/. cost: what making it takes, in words."""

    name: str
    requirements: str
    cost: str

    @property
    def folder(self) -> Path:
        """Return where it is: in the checkout, or for an installed Slipway in the project."""
        return ROOT / self.name if IS_CHECKOUT else Path(self.name).absolute()

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def is_made(self) -> bool:
        """Return whether it is complete, and of the list as it is now."""
        if not self.python.exists() or (self.folder / _INCOMPLETE).exists():
            return False
        stamp = self.folder / _INSTALLED  # `make train-env` writes none
        return not stamp.exists() or stamp.read_text() == self._digest()

    def require(self, say: Callable[[str], None]) -> Path:
        """Return its interpreter, and make the environment first if need be. Raises Failed."""
        if not self.is_made():
            say(f"Making {self.name}, once: {self.cost}")
            self._make()
        return self.python

    def _make(self) -> None:
        try:
            if not self.python.exists():
                shutil.rmtree(self.folder, ignore_errors=True)
                venv.create(self.folder, with_pip=True)
            (self.folder / _INCOMPLETE).touch()
            self._install()
        except (OSError, subprocess.CalledProcessError) as error:
            output = getattr(error, "output", None) or str(error)
            said = "\n".join(str(output).strip().splitlines()[-_MOST_LINES_SHOWN:])
            raise Failed(
                f"{self.name} could not be made: {said}\nCheck the network and the disk, and run this again: "
                "it continues where it stopped."
            ) from None
        (self.folder / _INSTALLED).write_text(self._digest())
        (self.folder / _INCOMPLETE).unlink()

    def _install(self) -> None:
        """Install the list, every package with its hash; pip has nothing to resolve."""
        pip = [str(self.python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run(
            [*pip, "--require-hashes", "--no-deps", "-r", str(_LISTS / self.requirements)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        )

    def _digest(self) -> str:
        content = (_LISTS / self.requirements).read_bytes() + sys.version.encode()
        return hashlib.sha256(content).hexdigest()


TORCH = ConversionEnvironment(
    ".venv-train", "requirements-train.txt", "2.9 GB to download, 5.7 GB on disk, about 4 minutes"
)
TABLES = ConversionEnvironment(
    ".venv-convert", "requirements-tables.txt", "90 MB to download, 460 MB on disk, about 2 minutes"
)
