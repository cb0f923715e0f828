"""Copies kubeconfigs without logins, for the program of another commit.

A plan for Kubernetes names the cluster that the stack's kubeconfig leads to, so both sides of a comparison
must know it; the tokens and keys in it stay with the caller.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from slipway.infra.errors import Refused
from slipway.infra.plan.config import StackConfig
from slipway.infra.settings.stackfile import stack_config
from slipway.infra.targets.kubeconfig import kubeconfig_path

# etcd.io/docs, system limits: an object of Kubernetes has at most 1.5 MiB; a kubeconfig is far smaller.
_MOST_BYTES = 2**20


def give_clusters(checkout: Path, stack: str, home: Path) -> list[str]:
    """Put what the stack's kubeconfig says of clusters into `home`, where the program looks for it.

    Returns the options of the preview by which it finds one that lies elsewhere.
    """
    try:
        config = stack_config(checkout, stack)
    except Refused:
        return []
    setting = _setting(config, "kubeconfig")
    path = kubeconfig_path(setting)
    if _setting(config, "target") != "kubernetes" or (setting and not path.is_absolute()):
        return []  # a relative path leads into the checkout
    text = _without_logins(path)
    if text is None:
        return []
    if not setting:
        place = home / ".kube/config"
    elif setting.startswith("~/"):
        place = home / setting.removeprefix("~/")
    else:
        place = home / "kubeconfigs" / stack
    if not place.resolve().is_relative_to(home.resolve()):
        return []
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    return ["--set", f"kubeconfig={place}"] if setting and not setting.startswith("~/") else []


def _setting(config: StackConfig, key: str) -> str:
    return config.values.get(f"{config.project}:{key}", "")


def _without_logins(path: Path) -> str | None:
    """Return the kubeconfig; None if it is unreadable: the plan of this checkout says what is wrong."""
    try:
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:
            return None
        found: Any = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    if not isinstance(found, dict):
        return None
    config = cast("dict[str, Any]", found)
    kept = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": str(config.get("current-context") or ""),
        "contexts": _entries(config, "contexts", ("cluster", "user", "namespace")),
        "clusters": _entries(config, "clusters", ("server",)),
        "users": _entries(config, "users", ()),
    }
    return json.dumps(kept)


def _entries(config: Mapping[str, Any], part: str, fields: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the named entries of a part, with these fields alone."""
    kind, listed = part.removesuffix("s"), config.get(part)
    kept: list[dict[str, Any]] = []
    for entry in cast("list[Any]", listed) if isinstance(listed, list) else []:
        named = cast("dict[str, Any]", entry) if isinstance(entry, dict) else {}
        inner = named.get(kind)
        if isinstance(inner, dict):
            known = cast("dict[str, Any]", inner)
            plain = {name: str(known[name]) for name in fields if name in known}
            kept.append({"name": str(named.get("name", "")), kind: plain})
    return kept
