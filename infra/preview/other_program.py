"""Makes the command line and the environment in which the program of another commit runs, from nothing.

A commit that is compared may be anybody's. Its program gets a home of its own, and of the caller's variables
those that a plan is made of; where the system can withhold them, no file of the caller and no network.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from slipway.components.checkout import ROOT
from slipway.infra.confinement.command import confined, library_path

_COMMAND = "from slipway.infra.cli.app import main; main()"
# Of commits before the package had one name.
_OLDER_COMMAND = "from infra.cli import main; main()"
# What the providers' SDKs put into a plan: `get_env` in the provider.py and config/vars.py of pulumi_aws 7,
# pulumi_gcp 9 and pulumi_kubernetes 4. Neither is a secret.
_OF_A_PLAN = (
    *("AWS_REGION", "AWS_DEFAULT_REGION"),
    *("GOOGLE_PROJECT", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT"),
    *("GOOGLE_REGION", "GCLOUD_REGION", "CLOUDSDK_COMPUTE_REGION"),
    *("GOOGLE_ZONE", "GCLOUD_ZONE", "CLOUDSDK_COMPUTE_ZONE"),
)
_PREFIX_OF_A_PLAN = "PULUMI_K8S_"


def preview_command(checkout: Path, home: Path, root: Path, arguments: Iterable[str]) -> list[str]:
    """Return the command line of the preview in `checkout`. root: this project's folder."""
    return _command(checkout, home, root, ["preview", *arguments])


def policy_command(checkout: Path, home: Path, root: Path, report: Path) -> list[str]:
    """Return the command line by which the rules in `checkout` judge a report that lies in its home."""
    return _command(checkout, home, root, ["policy", "--report", str(report)])


def _command(checkout: Path, home: Path, root: Path, arguments: Iterable[str]) -> list[str]:
    program = _COMMAND if (checkout / "slipway").is_dir() else _OLDER_COMMAND
    command = [sys.executable, "-c", program, *arguments, "--format", "json"]
    return confined(command, readable=_package_folders(root), writable=[str(checkout), str(home)])


def environment(checkout: Path, home: Path, root: Path) -> dict[str, str]:
    """Return the whole environment of that program."""
    return {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "HOME": str(home),
        "TMPDIR": str(home),
        "PYTHONPATH": os.pathsep.join([str(checkout), *_package_folders(root)]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NO_COLOR": "1",
        **library_path(),
        **{name: value for name, value in os.environ.items() if _is_of_a_plan(name)},
    }


def _is_of_a_plan(name: str) -> bool:
    return name in _OF_A_PLAN or name.startswith(_PREFIX_OF_A_PLAN)


def _package_folders(root: Path) -> list[str]:
    """Return the caller's PYTHONPATH, which may hold packages, without this project: it is the other side."""
    entries = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    return [entry for entry in entries if Path(entry).resolve() not in (root.resolve(), ROOT.resolve())]
