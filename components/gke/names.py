"""Names of what belongs to one cluster. Pure: the same input always gets the same ones."""

import hashlib

from .limits import ACCOUNT_CHARACTERS

_ACCOUNT_HASH_DIGITS = 8


def account_id(name: str) -> str:
    """The nodes' service account's; with a hash where the name is long."""
    whole = f"{name}-nodes"
    if len(whole) <= ACCOUNT_CHARACTERS:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:_ACCOUNT_HASH_DIGITS]
    return f"{name[: ACCOUNT_CHARACTERS - _ACCOUNT_HASH_DIGITS - 1].rstrip('-')}-{digest}"


def account_email(name: str, project: str) -> str:
    """Return the email of the nodes' account before it is there.

    cloud.google.com/iam/docs/service-account-overview: the domain of an old project comes after its ID.
    """
    domain, _, identifier = project.rpartition(":")
    return f"{account_id(name)}@{'.'.join(filter(None, (identifier, domain)))}.iam.gserviceaccount.com"


def workload_pool(project: str) -> str:
    return f"{project}.svc.id.goog"


def console_url(project: str, location: str, cluster: str) -> str:
    return (
        f"https://console.cloud.google.com/kubernetes/clusters/details/{location}/{cluster}/details"
        f"?project={project}"
    )
