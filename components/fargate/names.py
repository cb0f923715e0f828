"""Names of what belongs to one service. Pure: the same service always gets the same ones."""

import hashlib

from ..drawn_names import SUFFIX_CHARACTERS
from .limits import BALANCER_NAME_CHARACTERS, ROLE_NAME_CHARACTERS

_HASH_DIGITS = 8
# Parts of AWS that are apart from the rest: DOCS IAM/latest/UserGuide/reference-arns
_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}


def short(name: str, longest: int) -> str:
    """Return the name where it fits, else its beginning and a hash."""
    if len(name) <= longest:
        return name
    digest = hashlib.sha256(f"{name}\0".encode()).hexdigest()[:_HASH_DIGITS]
    return f"{name[: longest - _HASH_DIGITS - 1].rstrip('-')}-{digest}"


def balancer_name(name: str, internal: bool) -> str:
    """Return how the name of a load balancer begins; what is drawn for each new one follows."""
    return short(f"{name}-internal" if internal else name, BALANCER_NAME_CHARACTERS - SUFFIX_CHARACTERS)


def target_group_name(name: str, port: int) -> str:
    """Return how the name of a target group begins; what is drawn for each new one follows."""
    return short(f"{name}-{port}", BALANCER_NAME_CHARACTERS - SUFFIX_CHARACTERS)


def role_name(name: str, region: str, role: str) -> str:
    """Roles have no region: the same service in another one has its own."""
    return short(f"{name}-{region}-{role}", ROLE_NAME_CHARACTERS)


def log_group_name(name: str) -> str:
    return f"/ecs/{name}"


def partition(region: str) -> str:
    """The first part of an ARN there."""
    return next((name for prefix, name in _PARTITIONS.items() if region.startswith(prefix)), "aws")


def console_url(region: str, cluster: str, name: str) -> str:
    host = {
        "aws": f"{region}.console.aws.amazon.com",
        "aws-cn": "console.amazonaws.cn",
        "aws-us-gov": "console.amazonaws-us-gov.com",
    }[partition(region)]
    return f"https://{host}/ecs/v2/clusters/{cluster}/services/{name}/health?region={region}"


def logs_command(region: str, name: str) -> str:
    return f"aws logs tail {log_group_name(name)} --follow --region {region}"


def curl(url: str) -> str:
    """A call to print; the key is in `$API_KEY`."""
    lines = [f"curl {url}/predict", '-H "Authorization: Bearer $API_KEY"']
    lines += ["-H 'Content-Type: application/json'", """-d '{"text": "Your parcel is waiting"}'"""]
    return " \\\n  ".join(lines)
