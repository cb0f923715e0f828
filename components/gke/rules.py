"""Whether Google would make a cluster and its pools, and a pod could be placed: all faults together.

Pure. A fault says what it got, what is allowed and the nearest valid choice; a warning lets it pass.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ..arguments import readable_arguments
from ..spec import refuse, was_checked
from .args import GkeClusterArgs
from .image_rules import image_faults, image_warnings
from .name_rules import name_faults
from .pool_rules import pool_faults
from .pool_warnings import cluster_warnings, gpu_warnings
from .spec import GkeClusterSpec


def checked_spec(name: str, args: Mapping[str, Any], checked: GkeClusterSpec | None = None) -> GkeClusterSpec:
    """The arguments of GkeCluster, complete. Raises one ValueError with all their faults.

    Arguments that cannot be read, by name or type, are reported before the others. checked: what they made
    when they were checked before; only others are checked again.
    """
    spec = GkeClusterSpec.read(name, readable_arguments(name, args, GkeClusterArgs))
    if not was_checked(spec, checked, ()):
        refuse(name, spec_faults(spec))
    return spec


def spec_faults(spec: GkeClusterSpec) -> Iterator[str]:
    """What Google would refuse, or take and then not run."""
    yield from name_faults(spec)
    yield from image_faults(spec)
    yield from pool_faults(spec)


def spec_warnings(spec: GkeClusterSpec) -> Iterator[str]:
    """What a person should know though it is allowed."""
    yield from cluster_warnings(spec)
    yield from image_warnings(spec)
    yield from gpu_warnings(spec)
