import hashlib
import shutil
import subprocess
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def copy_of_the_checkout(target: Path) -> Path:
    """Copy the files that git tracks or would track, as they are now: a clone of the next commit."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in listed:
        if (ROOT / name).is_file() or (ROOT / name).is_symlink():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name, follow_symlinks=False)
    return target


def give_environment(checkout: Path) -> None:
    """Make a `.venv` that runs the checkout's own code with the packages that are installed in this one's."""
    venv.create(checkout / ".venv", symlinks=True)
    [packages] = (checkout / ".venv/lib").glob("python3*/site-packages")
    [shared] = (ROOT / ".venv/lib").glob("python3*/site-packages")
    (packages / "__editable__.slipway-0.pth").write_text(f"{checkout.resolve()}\n")
    (packages / "packages.pth").write_text(f"{shared}\n")
    command = checkout / ".venv/bin/slipway"
    command.write_text(
        f"#!{checkout / '.venv/bin/python'}\nfrom slipway.infra.cli.entry import main\n\nmain()\n"
    )
    command.chmod(0o755)
    content = b"".join(
        (checkout / name).read_bytes() for name in ("requirements-local.txt", "pyproject.toml")
    )
    (checkout / ".venv/.installed-local").write_text(hashlib.sha256(content).hexdigest())
