"""Names of what belongs to one service. Pure: the same service always gets the same ones."""

import hashlib

from .limits import ACCOUNT_ID

_HASH_DIGITS = 8
_ACCOUNT_CHARACTERS = 30


def account_id(name: str) -> str:
    """The Google service account's: the service's name where it fits 6 to 30 characters, else with a hash."""
    if ACCOUNT_ID.fullmatch(name):
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_HASH_DIGITS]
    return f"{name[: _ACCOUNT_CHARACTERS - _HASH_DIGITS - 1].rstrip('-')}-{digest}"


def account_email(name: str, project: str) -> str:
    """A project of a domain turns it around: cloud.google.com/iam/docs/service-account-types."""
    domain, _, project_id = project.rpartition(":")
    host = f"{project_id}.{domain}" if domain else project_id
    return f"{account_id(name)}@{host}.iam.gserviceaccount.com"


def cluster_host(name: str, namespace: str) -> str:
    """Where the service answers inside its cluster."""
    return f"{name}.{namespace}.svc.cluster.local"


def console_url(project: str, location: str, cluster: str, namespace: str, name: str) -> str:
    return (
        f"https://console.cloud.google.com/kubernetes/deployment/{location}/{cluster}/{namespace}/{name}/"
        f"overview?project={project}"
    )


def logs_command(namespace: str, context: str, selector: str, container: str) -> str:
    chosen = f"--context {context} " if context else ""
    return (
        f"kubectl {chosen}logs --namespace {namespace} --selector {selector} "
        f"--container {container} --prefix --follow"
    )


def curl(url: str) -> str:
    """A call to print; the key is in `$API_KEY`."""
    lines = [f"curl {url}/predict", '-H "Authorization: Bearer $API_KEY"']
    lines += ["-H 'Content-Type: application/json'", """-d '{"text": "Your parcel is waiting"}'"""]
    return " \\\n  ".join(lines)
