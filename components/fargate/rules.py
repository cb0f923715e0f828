"""Checks whether Fargate would run a service, against every limit of limits.py, and collects all faults.

Pure. A fault says what was given, what is allowed and the nearest valid choice; a warning lets the service
pass.
"""

from collections.abc import Iterator

from ..checking import Rules
from ..fault import Fault
from ..traces import traces_faults
from .args import FargateServiceArgs
from .image_rules import image_warnings
from .jobs.rules import worker_faults, worker_warnings
from .model import model_faults, model_warnings
from .name_rules import name_faults, name_warnings
from .network_rules import network_faults, network_warnings
from .rollout_rules import traffic_faults, traffic_warnings
from .size_rules import size_faults, size_warnings
from .spec import FargateSpec
from .watching_rules import watching_faults, watching_warnings


def spec_faults(spec: FargateSpec) -> Iterator[Fault]:
    """Yield what AWS would refuse, or accept and then not run."""
    yield from spec.service.faults()
    yield from name_faults(spec)
    yield from size_faults(spec)
    yield from network_faults(spec)
    yield from model_faults(spec)
    yield from traffic_faults(spec)
    yield from traces_faults(spec.traces, spec.service.env)
    yield from watching_faults(spec)
    yield from worker_faults(spec)


checked_spec = Rules(FargateSpec, FargateServiceArgs, spec_faults).checked


def spec_warnings(spec: FargateSpec) -> Iterator[str]:
    """Warn of what is allowed but needs attention."""
    yield from size_warnings(spec)
    yield from network_warnings(spec)
    yield from image_warnings(spec)
    yield from name_warnings(spec)
    yield from model_warnings(spec)
    yield from traffic_warnings(spec)
    yield from watching_warnings(spec)
    yield from worker_warnings(spec)
