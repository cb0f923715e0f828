"""Names of what belongs to one cluster. Pure: the same input always gets the same ones."""

import hashlib

from components.gke.limits import ACCOUNT_CHARACTERS

_ACCOUNT_HASH_DIGITS = 8


def account_id(name: str) -> str:
    """The nodes' service account's; with a hash where the name is long."""
    whole = f"{name}-nodes"
    if len(whole) <= ACCOUNT_CHARACTERS:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:_ACCOUNT_HASH_DIGITS]
    return f"{name[: ACCOUNT_CHARACTERS - _ACCOUNT_HASH_DIGITS - 1].rstrip('-')}-{digest}"


def workload_pool(project: str) -> str:
    return f"{project}.svc.id.goog"


def console_url(project: str, location: str, cluster: str) -> str:
    return (
        f"https://console.cloud.google.com/kubernetes/clusters/details/{location}/{cluster}/details"
        f"?project={project}"
    )
