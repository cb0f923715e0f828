"""Checks whether Google would create a cluster and its pools, and a pod would fit; collects all faults.

Pure. A fault says what was given, what is allowed and the nearest valid choice; a warning lets it pass.
"""

from collections.abc import Iterator

from ..checking import Rules
from ..fault import Fault
from .args import GkeClusterArgs
from .image_rules import image_faults, image_warnings
from .name_rules import name_faults
from .pool_rules import pool_faults
from .pool_warnings import cluster_warnings, gpu_warnings
from .spec import GkeClusterSpec


def spec_faults(spec: GkeClusterSpec) -> Iterator[Fault]:
    """Yield what Google would refuse, or accept and then not run."""
    yield from name_faults(spec)
    yield from image_faults(spec)
    yield from pool_faults(spec)


checked_spec = Rules(GkeClusterSpec, GkeClusterArgs, spec_faults, later=()).checked


def spec_warnings(spec: GkeClusterSpec) -> Iterator[str]:
    """Warn of what is allowed but needs attention."""
    yield from cluster_warnings(spec)
    yield from image_warnings(spec)
    yield from gpu_warnings(spec)
