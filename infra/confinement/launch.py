"""Runs between the caller and the confined program: confines itself, then becomes that program.

Run by its own interpreter, with one argument: JSON with the lists `readable`, `writable` and `command`.
"""

import json
import os
import sys

from slipway.infra.confinement import landlock, seccomp


def main() -> None:
    """Replace this process by the command. Raises OSError where what the kernel has cannot be used."""
    given = json.loads(sys.argv[-1])
    if sys.platform == "linux":
        seccomp.set_no_new_privileges()
    if landlock.version():
        landlock.restrict(given["readable"], given["writable"])
    if seccomp.is_available():
        seccomp.restrict()
    os.execv(given["command"][0], given["command"])  # noqa: S606 no shell is wanted
