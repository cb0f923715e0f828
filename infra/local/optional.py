"""Which sets of packages the processes of a local stack need beyond those of every stack."""

from collections.abc import Callable, Mapping
from typing import Any

from slipway.components.local.worker import takes_jobs
from slipway.components.model import model_folder
from slipway.infra.setup.optional_sets import require_set

_CTRANSLATE2 = "ctranslate2"


def require_sets(props: Mapping[str, Any], say: Callable[[str], None]) -> None:
    """Install what a process with these inputs needs, where it is missing. Raises Refused, Failed."""
    if takes_jobs(props):
        require_set("jobs", "`jobs: true`", say)
    if source := props.get("model"):
        require_engine(str(source), model_folder("local", str(source), None).manifest, say)


def require_engine(source: str, manifest: Mapping[str, Any], say: Callable[[str], None]) -> None:
    """Install the engine that a model's manifest names, where it is missing. Raises Refused, Failed."""
    if manifest.get("engine") == _CTRANSLATE2:
        require_set("text", f"{source}, a model that CTranslate2 runs,", say)
