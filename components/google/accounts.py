"""Names of service accounts and of their pool. Pure: the same input always gets the same names."""

from ..content_hash import shortened
from .limits import ACCOUNT_CHARACTERS, ACCOUNT_ID


def account_id(name: str) -> str:
    """Return the name if it has 6 to 30 characters, else its beginning and a hash."""
    return name if ACCOUNT_ID.fullmatch(name) else shortened(name, ACCOUNT_CHARACTERS, name)


def account_email(account: str, project: str) -> str:
    """Return the email of an account from its ID, before it exists.

    cloud.google.com/iam/docs/service-account-types: the domain of an old project comes after its ID.
    """
    domain, _, identifier = project.rpartition(":")
    host = f"{identifier}.{domain}" if domain else identifier
    return f"{account}@{host}.iam.gserviceaccount.com"


def workload_pool(project: str) -> str:
    """Return the workload identity pool that comes with the project's first cluster."""
    return f"{project}.svc.id.goog"
