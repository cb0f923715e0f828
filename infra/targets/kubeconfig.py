"""Reads the kubeconfig of an existing cluster, and says what is wrong with it before anything is made.

Only the chosen context goes on, its files read into it: it is handed to a provider, which knows no folder.
"""

import base64
import json
import os
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import yaml

from slipway.infra.errors import Refused

_REACH_SECONDS = 5.0
_HTTPS_PORT = 443
# A field that names a file -> the field that holds the same, in Base64.
_FILES = {
    "certificate-authority": "certificate-authority-data",
    "client-certificate": "client-certificate-data",
    "client-key": "client-key-data",
}
_WHERE = "set `kubeconfig` and `context` in Pulumi.<stack>.yaml"


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """text: JSON with only the chosen context. context: its name. server: the URL of its cluster."""

    text: str = field(repr=False)
    context: str
    server: str


def kubeconfig_path(setting: str) -> Path:
    """Return the file of the setting; for '' kubectl's own: the first of $KUBECONFIG, else ~/.kube/config."""
    if setting:
        return Path(setting).expanduser()
    named = [entry for entry in os.environ.get("KUBECONFIG", "").split(os.pathsep) if entry]
    return Path(named[0]).expanduser() if named else Path.home() / ".kube" / "config"


def checked_kubeconfig(path: Path, context: str, *, reach: bool) -> Kubeconfig:
    """Read a kubeconfig and check it.

    context: '' for the current one. reach: also check that its server answers.

    Raises Refused, and never shows anything from a kubeconfig except names and addresses.
    """
    config = _parsed(path)
    chosen = context or str(config.get("current-context") or "")
    if not chosen:
        raise Refused(f"{path} has no current-context; {_WHERE}. It has {_names(config, 'contexts')}.")
    link = _named(path, config, "contexts", chosen)
    cluster = _with_files(path, _named(path, config, "clusters", str(link.get("cluster", ""))))
    user = _with_files(path, _named(path, config, "users", str(link.get("user", ""))))
    server = str(cluster.get("server", ""))
    address = _address(path, chosen, server)
    user = _with_command(path, user)
    if reach and not cluster.get("proxy-url"):
        _require_answer(path, chosen, server, address)
    return Kubeconfig(_text(chosen, link, cluster, user), chosen, server)


def _parsed(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise Refused(f"There is no kubeconfig at {path}; {_WHERE}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"The kubeconfig {path} cannot be read: {type(error).__name__}; {_WHERE}.") from None
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", -1) + 1
        at = f" (line {line})" if line else ""
        raise Refused(f"The kubeconfig {path} is not YAML{at}; {_WHERE}.") from None
    if not isinstance(found, dict) or cast("dict[str, Any]", found).get("kind", "Config") != "Config":
        raise Refused(f"{path} is no kubeconfig, which is a map with the kind Config; {_WHERE}.")
    return cast("dict[str, Any]", found)


def _entries(config: Mapping[str, Any], part: str) -> dict[str, dict[str, Any]]:
    """Return the entries of `clusters`, `contexts` or `users` by name."""
    listed = config.get(part)
    entries = cast("list[Any]", listed) if isinstance(listed, list) else []
    maps = [cast("dict[str, Any]", entry) for entry in entries if isinstance(entry, dict)]
    inner = part.removesuffix("s")
    return {
        str(entry["name"]): entry[inner]
        for entry in maps
        if "name" in entry and isinstance(entry.get(inner), dict)
    }


def _names(config: Mapping[str, Any], part: str) -> str:
    return ", ".join(sorted(_entries(config, part))) or "none"


def _named(path: Path, config: Mapping[str, Any], part: str, name: str) -> dict[str, Any]:
    entries = _entries(config, part)
    if name not in entries:
        raise Refused(
            f"{path} has no {part.removesuffix('s')} {name!r}; it has {_names(config, part)}. Correct it, or "
            f"{_WHERE}."
        )
    return entries[name]


def _with_files(path: Path, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Relative paths are the kubeconfig's own: kubernetes.io/docs, organize-cluster-access-kubeconfig."""
    read = dict(fields)
    for key, data_key in _FILES.items():
        if key not in read:
            continue
        file = path.parent / str(read.pop(key))
        try:
            read[data_key] = base64.b64encode(file.read_bytes()).decode()
        except OSError as error:
            raise Refused(f"{path} names the {key} {file}, which cannot be read: {error.strerror}.") from None
    if "tokenFile" in read:
        read["tokenFile"] = str(path.parent / str(read["tokenFile"]))
    return read


def _with_command(path: Path, user: Mapping[str, Any]) -> dict[str, Any]:
    """Make the path of a user's login command absolute. Raises Refused if the command is not installed."""
    if not isinstance(user.get("exec"), dict):
        return dict(user)
    run: dict[str, Any] = dict(user["exec"])
    command = str(run.get("command", ""))
    if "/" in command:
        command = str((path.parent / command).absolute())
    if shutil.which(command) is None:
        hint = " ".join(str(run.get("installHint", "")).split())
        raise Refused(
            f"{path} gets its login from {command or 'a command without a name'}, which is not on PATH. "
            f"{hint or 'Install it.'}"
        )
    return {**user, "exec": {**run, "command": command}}


def _address(path: Path, context: str, server: str) -> tuple[str, int]:
    try:
        parts = urlsplit(server)
        host, port = parts.hostname or "", parts.port or (80 if parts.scheme == "http" else _HTTPS_PORT)
    except ValueError:
        parts, host, port = urlsplit(""), "", 0
    if parts.scheme not in ("http", "https") or not host:
        raise Refused(
            f"{path}: the cluster of the context {context} has the server {server!r}; it must be "
            "https://<host>[:<port>]."
        )
    return host, port


def _require_answer(path: Path, context: str, server: str, address: tuple[str, int]) -> None:
    try:
        socket.create_connection(address, timeout=_REACH_SECONDS).close()
    except OSError as error:
        why = f"no answer within {_REACH_SECONDS:g} s" if isinstance(error, TimeoutError) else str(error)
        raise Refused(
            f"The cluster of the context {context} in {path} does not answer at {server}: {why}. Start it, "
            f"connect to its network, or {_WHERE}."
        ) from None


def _text(context: str, link: Mapping[str, Any], cluster: Mapping[str, Any], user: Mapping[str, Any]) -> str:
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": link["cluster"], "cluster": cluster}],
            "users": [{"name": link["user"], "user": user}],
            "contexts": [{"name": context, "context": link}],
            "current-context": context,
        },
        sort_keys=True,
    )
