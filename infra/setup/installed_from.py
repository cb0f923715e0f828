"""Knows where pip got this Slipway from, so that another machine can install the same one.

On pypi.org another project is called slipway: a requirement with the name alone could install that one.
"""

import json
import re
from collections.abc import Mapping
from importlib.metadata import Distribution, distribution, version
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from slipway.infra.errors import Refused

ALLOWED = (
    "`https://…` of a wheel or a source archive, or `git+https://…@<commit or tag>`; a private repository's "
    "token belongs in pip's own configuration"
)
_ARCHIVE = re.compile(r"https://[^\s#]+\.(whl|tar\.gz|zip)(#sha256=[0-9a-f]{64})?")
_GIT = re.compile(r"git\+(https|ssh)://[^\s#]+@[^\s@#/]+(#subdirectory=\S+)?")


def running_version() -> str:
    """Return the version of this Slipway, such as `0.2.0`."""
    return version("slipway")


def address_of(given: str | None) -> str | None:
    """Return the address to install this Slipway from: the given one, else this installation's, or None.

    Raises Refused for one that another machine could not use, or that may change without a word.
    """
    if given is None:
        return _recorded(distribution("slipway"))
    if not (_ARCHIVE.fullmatch(given) or _GIT.fullmatch(given)) or _has_password(given):
        raise Refused(f"--from is {_without_login(given)!r}; allowed: {ALLOWED}.")
    return given


def requirement(address: str) -> str:
    """Return the line of a requirements file that installs Slipway with every SDK from the address."""
    return f"slipway[all] @ {address}"


def _recorded(installed: Distribution) -> str | None:
    """Read the address of PEP 610. None where it is of this machine alone, or where an index was asked."""
    try:
        written: Mapping[str, Any] = json.loads(installed.read_text("direct_url.json") or "{}")
    except ValueError:
        return None
    url = _without_login(str(written.get("url", "")))
    if commit := written.get("vcs_info", {}).get("commit_id"):
        subdirectory = written.get("subdirectory")
        end = f"#subdirectory={subdirectory}" if subdirectory else ""
        found = f"git+{url}@{commit}{end}"
        return found if _GIT.fullmatch(found) else None
    archive = written.get("archive_info", {})
    digest = archive.get("hashes", {}).get("sha256") or str(archive.get("hash", "")).removeprefix("sha256=")
    found = f"{url.partition('#')[0]}#sha256={digest}" if digest else url
    return found if _ARCHIVE.fullmatch(found) else None


def _without_login(address: str) -> str:
    """Return the address without a name and a password in it; `git@` of ssh stays."""
    parts = urlsplit(address)
    user, at, host = parts.netloc.rpartition("@")
    kept = f"{user}{at}{host}" if user == "git" else host
    return urlunsplit(parts._replace(netloc=kept))


def _has_password(address: str) -> bool:
    return _without_login(address) != address
