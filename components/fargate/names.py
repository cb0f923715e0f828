"""Names of what belongs to one service. Pure: the same service always gets the same names."""

from ..aws.regions import console_host
from ..content_hash import shortened
from ..drawn_names import SUFFIX_CHARACTERS
from .limits import BALANCER_NAME_CHARACTERS, ROLE_NAME_CHARACTERS


def short(name: str, longest: int) -> str:
    """Return the name if it fits, else its beginning and a hash."""
    return name if len(name) <= longest else shortened(name, longest, f"{name}\0")


def balancer_name(name: str, internal: bool) -> str:
    """Return the beginning of a load balancer's name; random characters follow, new for each one."""
    return short(f"{name}-internal" if internal else name, BALANCER_NAME_CHARACTERS - SUFFIX_CHARACTERS)


def target_group_name(name: str, port: int, which: str = "") -> str:
    """Return the beginning of a target group's name; random characters follow, new for each target group.

    which: tells a second one apart.
    """
    return short(f"{name}-{port}{which}", BALANCER_NAME_CHARACTERS - SUFFIX_CHARACTERS)


def role_name(name: str, region: str, role: str) -> str:
    """Return the name of a role, with the region in it because roles are global and services are not."""
    return short(f"{name}-{region}-{role}", ROLE_NAME_CHARACTERS)


def workers_name(name: str) -> str:
    """Return what the workers of a service are called: their ECS service, task definition and log streams."""
    return f"{name}-workers"


def log_group_name(name: str) -> str:
    return f"/ecs/{name}"


def metrics_group_name(name: str) -> str:
    """Return the name of the log group whose lines CloudWatch turns into metrics."""
    return f"{log_group_name(name)}/metrics"


def console_url(region: str, cluster: str, name: str) -> str:
    return f"https://{console_host(region)}/ecs/v2/clusters/{cluster}/services/{name}/health?region={region}"


def logs_command(region: str, name: str) -> str:
    return f"aws logs tail {log_group_name(name)} --follow --region {region}"


def curl(url: str) -> str:
    """Return a curl command that calls the service, with the key in `$API_KEY`."""
    lines = [f"curl {url}/predict", '-H "Authorization: Bearer $API_KEY"']
    lines += ["-H 'Content-Type: application/json'", """-d '{"text": "Your parcel is waiting"}'"""]
    return " \\\n  ".join(lines)


def topic_name(name: str) -> str:
    """Return the name of the topic that alarms are sent to, unique in an account and region."""
    return f"{name}-alarms"


def deployments_rule_name(name: str) -> str:
    """Return the name of the rule that finds failed deployments. EventBridge allows 64 characters."""
    return f"{name}-deployments"


def dashboard_name(name: str, region: str) -> str:
    """Return the name of the dashboard, with the region in it because dashboards have none."""
    return f"{name}-{region}"
