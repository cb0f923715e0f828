"""Checks whether Cloud Run would accept a service, against every limit of limits.py, and collects all faults.

Pure. A fault says what was given, what is allowed and the nearest valid choice; a warning lets the service
pass.
"""

from collections.abc import Iterator

from ..checking import Rules
from ..fault import Fault
from ..google.log_buckets import google_retention_faults
from ..rollouts.kinds import KINDS
from ..traces import traces_faults
from .args import CloudRunServiceArgs
from .collector import collector_warnings
from .image_rules import image_warnings
from .job_rules import job_faults, job_warnings
from .model import model_faults, model_warnings
from .monitoring import monitoring_faults
from .name_rules import name_faults, name_warnings
from .size_rules import size_faults, size_warnings
from .spec import CloudRunSpec


def spec_faults(spec: CloudRunSpec) -> Iterator[Fault]:
    """Yield what Cloud Run would refuse, or accept and then not run."""
    yield from spec.service.faults()
    yield from name_faults(spec)
    yield from size_faults(spec)
    yield from model_faults(spec)
    yield from google_retention_faults(spec.log_retention)
    yield from traces_faults(spec.traces, spec.service.env)
    if spec.rollout not in KINDS:
        yield Fault("rollout", repr(spec.rollout), f"allowed are {', '.join(KINDS)}")
    yield from monitoring_faults(spec)
    yield from job_faults(spec)


checked_spec = Rules(CloudRunSpec, CloudRunServiceArgs, spec_faults).checked


def spec_warnings(spec: CloudRunSpec) -> Iterator[str]:
    """Yield what may still be refused, for reasons outside the arguments."""
    yield from size_warnings(spec)
    yield from name_warnings(spec)
    yield from image_warnings(spec)
    yield from model_warnings(spec)
    yield from collector_warnings(spec)
    yield from job_warnings(spec)
