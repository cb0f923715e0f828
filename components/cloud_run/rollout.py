"""How a new revision gets its requests: from the program, or from a command that moves them step by step.

With `rolling` the newest revision that is ready gets them all, as the program says. Otherwise each revision
has a name made of its template, and only the first one gets requests from the program; the command moves them
afterwards, and the program leaves them where they are.
"""

import hashlib

import pulumi
import pulumi_gcp as gcp

from ..google.limits import TRAFFIC_TO_LATEST, TRAFFIC_TO_REVISION
from ..rollouts.kinds import ROLLING
from .spec import CloudRunSpec

# RUNPB RevisionTemplate.revision: at most 63 characters, the service's name and a hyphen first.
_DIGITS = 8


def moved_by_command(spec: CloudRunSpec) -> bool:
    """Return whether a command moves the requests from one revision to the next."""
    return spec.rollout != ROLLING


def with_revision_name(
    spec: CloudRunSpec, template: gcp.cloudrunv2.ServiceTemplateArgsDict
) -> gcp.cloudrunv2.ServiceTemplateArgsDict:
    """Return the template with its revision's name, where a command moves the requests.

    The same template gets the same name again: Cloud Run then has that revision already, and refuses the name
    for any other template.
    """
    if not moved_by_command(spec):
        return template
    text = pulumi.Output.unsecret(pulumi.Output.json_dumps(template, sort_keys=True))
    return {**template, "revision": text.apply(lambda known: revision_name(spec.name, known))}


def revision_name(service: str, template: str) -> str:
    return f"{service}-{hashlib.sha256(template.encode()).hexdigest()[:_DIGITS]}"


def traffic_of(
    spec: CloudRunSpec, template: gcp.cloudrunv2.ServiceTemplateArgsDict
) -> list[gcp.cloudrunv2.ServiceTrafficArgsDict]:
    """Return who gets the requests: of a service whose requests a command moves, only when it is made."""
    if not moved_by_command(spec) or "revision" not in template:
        return [{"type": TRAFFIC_TO_LATEST, "percent": 100}]
    return [{"type": TRAFFIC_TO_REVISION, "revision": template["revision"], "percent": 100}]
