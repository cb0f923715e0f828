"""Whether Cloud Run would take a service: every limit of limits.py over the arguments, all faults together.

Pure. A fault says what it got, what is allowed and the nearest valid choice; a warning lets the service pass.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ..arguments import readable_arguments
from ..spec import refuse, was_checked
from .args import CloudRunServiceArgs
from .image_rules import image_warnings
from .model import model_faults, model_warnings
from .name_rules import name_faults, name_warnings
from .size_rules import size_faults, size_warnings
from .spec import CloudRunSpec


def checked_spec(name: str, args: Mapping[str, Any], checked: CloudRunSpec | None = None) -> CloudRunSpec:
    """The arguments of CloudRunService, complete. Raises one ValueError with all their faults.

    Arguments that cannot be read, by name or type, are reported before the others. checked: what they made
    when they were checked before; only others are checked again.
    """
    spec = CloudRunSpec.read(name, readable_arguments(name, args, CloudRunServiceArgs))
    if not was_checked(spec, checked):
        refuse(name, [*spec.service.faults(), *spec_faults(spec)])
    return spec


def spec_faults(spec: CloudRunSpec) -> Iterator[str]:
    """What Cloud Run would refuse, or take and then not run."""
    yield from name_faults(spec)
    yield from size_faults(spec)
    yield from model_faults(spec)


def spec_warnings(spec: CloudRunSpec) -> Iterator[str]:
    """What may still be refused, for reasons outside the arguments."""
    yield from size_warnings(spec)
    yield from name_warnings(spec)
    yield from image_warnings(spec)
    yield from model_warnings(spec)
