"""Names of what belongs to one cluster. Pure: the same input always gets the same names."""

from ..google import accounts


def account_id(name: str) -> str:
    """Return the ID of the nodes' service account."""
    return accounts.account_id(f"{name}-nodes")


def console_url(project: str, location: str, cluster: str) -> str:
    return (
        f"https://console.cloud.google.com/kubernetes/clusters/details/{location}/{cluster}/details"
        f"?project={project}"
    )
