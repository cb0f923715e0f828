"""Which sets of packages the processes of a local stack need beyond those of every stack."""

from collections.abc import Callable, Mapping
from typing import Any

from slipway.components.local.worker import takes_jobs
from slipway.infra.setup.optional_sets import require_set


def require_sets(props: Mapping[str, Any], say: Callable[[str], None]) -> None:
    """Install what a process with these inputs needs, where it is missing. Raises Refused, Failed."""
    if takes_jobs(props):
        require_set("jobs", "`jobs: true`", say)
