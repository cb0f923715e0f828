"""Builds the command line of a confined program, and lists what it must read to run at all."""

import json
import os
import site
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from slipway.infra.confinement import landlock, seccomp

_LAUNCH = (
    "import sys; sys.path.insert(0, sys.argv[1]); from slipway.infra.confinement.launch import main; main()"
)
# Programs, libraries and plain facts of the system. Of /etc no more: it holds keys and logins too.
_SYSTEM = (
    *("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/nix/store", "/gnu/store"),
    *("/etc/ld.so.cache", "/etc/localtime", "/etc/passwd", "/etc/group", "/etc/nsswitch.conf"),
    *("/etc/mime.types", "/etc/ssl/certs", "/etc/pki/tls/certs"),
    *("/dev/zero", "/dev/random", "/dev/urandom"),
)
_DEVICES = ("/dev/null",)


def confined(command: Sequence[str], readable: Iterable[str], writable: Iterable[str]) -> list[str]:
    """Return the command line that runs `command` with only these paths, the system and this interpreter."""
    given = {
        "readable": [*_SYSTEM, *_interpreter(), *readable],
        "writable": [*_DEVICES, *writable],
        "command": list(command),
    }
    root = str(Path(__file__).absolute().parents[3])
    return [sys.executable, "-I", "-S", "-c", _LAUNCH, root, json.dumps(given)]


def open_doors() -> list[str]:
    """Return what this system cannot withhold from a confined program, in words: empty where all is."""
    doors = [] if landlock.version() else ["read your files"]
    if not seccomp.is_available():
        doors.append("use the network")
    return doors


def library_path() -> dict[str, str]:
    """Return the variables without which this interpreter may not start, or not find a user's packages."""
    kept = {"LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", "")}
    if site.ENABLE_USER_SITE:
        kept["PYTHONUSERBASE"] = site.getuserbase()
    return {name: value for name, value in kept.items() if value}


def _interpreter() -> list[str]:
    """Return the folders of this interpreter, its packages and the libraries that it has loaded."""
    folders = [sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix]
    folders.append(str(Path(sys.executable).resolve().parent))
    folders += filter(None, os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep))
    if site.ENABLE_USER_SITE:
        folders.append(site.getusersitepackages())
    return [*dict.fromkeys(folders), *_loaded_libraries()]


def _loaded_libraries() -> list[str]:
    """Files that are mapped into this process, wherever the loader found them."""
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return []
    places = {line.split(maxsplit=5)[5] for line in lines if line.count("/") > 0 and ".so" in line}
    return sorted(place for place in places if not place.startswith((*_SYSTEM, sys.prefix, sys.base_prefix)))
