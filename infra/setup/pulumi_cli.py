"""Offers to install the Pulumi CLI, with Pulumi's own installer, where there is none on PATH."""

import shutil
import sys
from pathlib import Path

from pulumi.automation import PulumiCommand

_HOW = "https://www.pulumi.com/docs/install/"


def main() -> int:
    found = shutil.which("pulumi")
    if found:
        print(f"The Pulumi CLI is at {found}.")
        return 0
    target = Path.home() / ".pulumi"
    if not sys.stdin.isatty():
        print(f"There is no `pulumi` on PATH. Install it as {_HOW} says.")
        return 0
    if input(f"There is no `pulumi` on PATH. Install it into {target}? [y/N] ").strip().lower() != "y":
        print(f"Not installed. {_HOW} shows how to install it by hand.")
        return 0
    try:
        PulumiCommand.install(root=str(target))
    except Exception as error:  # the installer is a download of a script that may fail in any way
        print(f"It could not be installed: {error}\n{_HOW} shows how to install it by hand.", file=sys.stderr)
        return 1
    print(f"Installed. Put it on PATH: export PATH={target / 'bin'}:$PATH")
    return 0


if __name__ == "__main__":
    sys.exit(main())
