"""What Cloud SQL, worker pools and metrics of the log refuse.

DOCS: docs.cloud.google.com. PROVIDER: terraform-provider-google-beta, google-beta/services/sql.
"""

from collections.abc import Iterator, Mapping

from tests.contract.cloud_sql_judge import RULES, edition_of
from tests.pulumi_engine.strict.account import Account, Request, Rule, Verb
from tests.pulumi_engine.strict.google_rules import member_exists, name_once, revision_gets_ready

_API = "sqladmin.googleapis.com"


def instance_name_unused(account: Account, request: Request) -> Iterator[str]:
    """Refuse the name of an instance that is there: DOCS sql/docs/postgres/delete-instance.

    That page says that the name of a deleted one is free at once; earlier ones said that it stays taken for
    up to a week.
    """
    if request.verb is Verb.CREATE and account.get(request.inputs["name"]):
        yield f"googleapi: Error 409: The Cloud SQL instance already exists: {request.inputs['name']}."


def sql_api_enabled(account: Account, request: Request) -> Iterator[str]:
    """DOCS service-usage/docs/enabled-service: SERVICE_DISABLED."""
    wanted = {"service": _API, "project": request.inputs["project"]}
    enabled = (each.inputs for each in account.of_kind("projects.Service"))
    if request.verb is Verb.CREATE and not any(wanted.items() <= each.items() for each in enabled):
        yield f"googleapi: Error 403: Cloud SQL Admin API has not been used in project {wanted['project']}"


def tier_fits_the_edition(_account: Account, request: Request) -> Iterator[str]:
    """Compare tier and edition: PROVIDER resource_sql_database_instance.go, edition; the API's own error."""
    if request.verb is not Verb.DELETE and not RULES["the edition has the tier"](request.inputs):
        tier, edition = request.inputs["settings"]["tier"], edition_of(request.inputs)
        yield f"googleapi: Error 400: Invalid request: Invalid Tier ({tier}) for ({edition}) Edition"


def instance_unprotected(_account: Account, request: Request) -> Iterator[str]:
    """Refuse as the provider does, PROVIDER resource_sql_database_instance.go, and then the service."""
    if request.verb is not Verb.DELETE:
        return
    if request.inputs.get("deletionProtection"):
        yield "Error, failed to delete instance because deletion_protection is set to true."
    if request.inputs["settings"].get("deletionProtectionEnabled"):
        yield "googleapi: Error 400: The instance is protected."


def pool_unprotected(_account: Account, request: Request) -> Iterator[str]:
    """Protect where nothing is said: PROVIDER resource_cloud_run_v2_worker_pool.go, Delete."""
    if request.verb is Verb.DELETE and request.inputs.get("deletionProtection", True):
        yield "cannot destroy workerpool without setting deletion_protection=false"


JOB_RULES: Mapping[str, tuple[Rule, ...]] = {
    "sql.DatabaseInstance": (
        instance_name_unused,
        sql_api_enabled,
        tier_fits_the_edition,
        instance_unprotected,
    ),
    "cloudrunv2.WorkerPool": (name_once, pool_unprotected, revision_gets_ready),
    "projects.IAMMember": (member_exists,),
    "storage.BucketIAMMember": (member_exists,),
    "logging.Metric": (name_once,),
}
