"""Whether Kubernetes would run a service: every limit of limits.py over the arguments, all faults together.

Pure. A fault says what it got, what is allowed and where to change it; a warning lets the service pass.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from ..arguments import readable_arguments
from ..spec import refuse, was_checked
from .args import KubernetesServiceArgs
from .capacity import capacity_faults
from .driver import driver_faults, driver_warnings
from .image_rules import image_warnings
from .kserve import kserve_faults, kserve_warnings
from .model import model_faults, model_warnings
from .name_rules import name_faults, name_warnings
from .rollout import rollout_faults, rollout_warnings
from .scaling import scaling_faults, scaling_warnings
from .spec import KubernetesSpec

# What a stack knows once the image and the cluster are made.
LATER = ("image_ref", "node_selector", "kubeconfig")


def checked_spec(name: str, args: Mapping[str, Any], checked: KubernetesSpec | None = None) -> KubernetesSpec:
    """The arguments of KubernetesService, complete. Raises one ValueError with all their faults.

    Arguments that cannot be read, by name or type, are reported before the others. checked: what they made
    when they were checked before; only others are checked again.
    """
    spec = KubernetesSpec.read(name, readable_arguments(name, args, KubernetesServiceArgs))
    if not was_checked(spec, checked, LATER):
        refuse(name, [*spec.service.faults(), *spec_faults(spec)])
    return spec


def spec_faults(spec: KubernetesSpec) -> Iterator[str]:
    """What Kubernetes would refuse, or take and then not run."""
    yield from name_faults(spec)
    yield from _quantity_faults(spec)
    if math.isfinite(spec.service.cpu) and math.isfinite(spec.service.memory_gib):
        yield from capacity_faults(spec)
    yield from driver_faults(spec)
    yield from rollout_faults(spec)
    yield from scaling_faults(spec)
    yield from model_faults(spec)
    yield from kserve_faults(spec)


def spec_warnings(spec: KubernetesSpec) -> Iterator[str]:
    """What a person should know though it is allowed."""
    yield from driver_warnings(spec)
    yield from rollout_warnings(spec)
    yield from scaling_warnings(spec)
    yield from name_warnings(spec)
    yield from image_warnings(spec)
    yield from model_warnings(spec)
    yield from kserve_warnings(spec)


def _quantity_faults(spec: KubernetesSpec) -> Iterator[str]:
    cpu, mib = spec.service.cpu, spec.service.memory_gib * 1024
    if math.isfinite(cpu) and not math.isclose(cpu * 1000, round(cpu * 1000), abs_tol=1e-6):
        yield f"cpu is {cpu:.10g}; Kubernetes counts in thousandths; nearest: {round(cpu, 3):g}."
    if math.isfinite(mib) and mib != int(mib):
        yield (
            f"memory_gib is {spec.service.memory_gib:.10g}, which is {mib:.10g} MiB; "
            f"it must be whole MiB; nearest: {math.floor(mib)}Mi or {math.ceil(mib)}Mi."
        )
    seconds = spec.node_start_seconds
    if not 0 <= seconds <= 7200:
        yield f"node_start_seconds is {seconds:g}; it must be from 0 to 7200."
