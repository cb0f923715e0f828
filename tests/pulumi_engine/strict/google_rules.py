"""What Cloud Run, Secret Manager, IAM and Artifact Registry refuse; and whether a revision starts.

DOCS: cloud.google.com. PROVIDER: terraform-provider-google, google/services/. A grant is no rule's matter: to
give it twice is no error, and to take it once takes it away.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.contract.cloud import made_of
from tests.pulumi_engine.standin import BROKEN
from tests.pulumi_engine.strict.account import (
    Account,
    AnswerLost,
    Refusal,
    Request,
    Rule,
    Thing,
    Verb,
    values_at,
)

_ACCESSOR = "roles/secretmanager.secretAccessor"


def name_once(account: Account, request: Request) -> Iterator[str]:
    """DOCS apis/design/errors: ALREADY_EXISTS, for what has a name in its project and place.

    The name of a deleted one is free at once. A service account that returns under its name is another one:
    DOCS iam/docs/service-accounts-delete-undelete.
    """
    if request.verb is Verb.CREATE:
        id_ = str(made_of(request.type, request.inputs)["id"])
        if account.get(id_):
            yield f"googleapi: Error 409: Resource '{id_}' already exists., alreadyExists"


def domain_once(account: Account, request: Request) -> Iterator[str]:
    """DOCS run/docs/mapping-custom-domains: a domain maps to one service, in whichever region."""
    taken = {each.inputs["name"] for each in account.of_kind("cloudrun.DomainMapping")}
    if request.verb is Verb.CREATE and request.inputs["name"] in taken:
        yield f"googleapi: Error 409: Domain {request.inputs['name']} is already mapped to a service."


def mapped_service_exists(account: Account, request: Request) -> Iterator[str]:
    """DOCS run/docs/reference/rest/v1/namespaces.domainmappings: `routeName` is in the mapping's region."""
    name, place = request.inputs["spec"]["routeName"], request.inputs["location"]
    if request.verb is not Verb.DELETE and not _service_at(account, name, place):
        yield f"googleapi: Error 404: Route {name} not found in {place}"


def called_service_exists(account: Account, request: Request) -> Iterator[str]:
    """DOCS run/docs/reference/rest/v2/projects.locations.services/setIamPolicy: NOT_FOUND."""
    name, place = request.inputs["name"], request.inputs["location"]
    if request.verb is Verb.CREATE and not _service_at(account, name, place):
        yield f"googleapi: Error 404: Resource '{name}' of {place} was not found"


def secret_exists(account: Account, request: Request) -> Iterator[str]:
    """DOCS secret-manager/docs/reference/rest/v1/projects.secrets/addVersion, setIamPolicy: NOT_FOUND."""
    wanted = str(request.inputs.get("secret") or request.inputs.get("secretId")).rpartition("/")[2]
    if request.verb is Verb.CREATE and wanted not in {
        each.inputs["secretId"] for each in account.of_kind("secretmanager.Secret")
    }:
        yield f"googleapi: Error 404: Secret [{wanted}] not found or has no versions."


def member_exists(account: Account, request: Request) -> Iterator[str]:
    """DOCS iam/docs/troubleshoot-policies: a policy names no service account that is not there."""
    member = str(request.inputs["member"])
    if request.verb is Verb.CREATE and member.startswith("serviceAccount:") and not is_there(account, member):
        yield f"googleapi: Error 400: {member.partition(':')[2]} does not exist., badRequest"


def service_unprotected(account: Account, request: Request) -> Iterator[str]:
    """Refuse a protected service, from the state alone: PROVIDER resource_cloud_run_v2_service.go, Delete."""
    if request.verb is Verb.DELETE and request.inputs.get("deletionProtection"):
        yield (
            "cannot destroy service without setting deletion_protection=false and running `terraform apply`"
        )


def repository_deletable(account: Account, request: Request) -> Iterator[str]:
    """Check `deletion_policy`: PROVIDER resource_artifact_registry_repository.go, Delete."""
    if request.verb is Verb.DELETE and request.inputs.get("deletionPolicy") == "PREVENT":
        yield "cannot destroy repository without setting deletion_policy=DELETE"


def revision_gets_ready(account: Account, request: Request) -> Iterator[str]:
    """Wait for the revision: PROVIDER resource_cloud_run_v2_service.go, Create and Update.

    A service that is made stays, although the provider forgets its id ("The resource didn't actually
    create"); one that is changed serves with the revision before.
    """
    if request.verb is Verb.DELETE:
        return
    reason = next(_starting(account, Thing("", request.type, "", request.inputs)), "")
    what = request.kind.partition(".")[2]
    text = f"Error waiting to {request.verb.value} {what}: resource is in failed state: {reason}"
    if reason and request.verb is Verb.CREATE:
        raise AnswerLost(text)
    if reason:
        raise Refusal(text)
    yield from ()


def starts(account: Account) -> Iterator[str]:
    """Check the invariant that every service's and pool's instances could start again, at every moment."""
    for service in account.of_kind("cloudrunv2.Service", "cloudrunv2.WorkerPool"):
        for reason in _starting(account, service):
            if BROKEN not in reason:
                yield f"{service.name}: {reason}"


def _starting(account: Account, service: Thing) -> Iterator[str]:
    """Why an instance would not start now; nothing where it would."""
    member = f"serviceAccount:{service.inputs['template']['serviceAccount']}"
    if not is_there(account, member):
        yield f"{member} does not exist"
    for image in values_at(service.inputs["template"], "image"):
        if BROKEN in image:
            yield f"Image '{image}' not found."
    for reference in values_at(service.inputs["template"], "secretKeyRef"):
        yield from _unreadable(account, reference, member)
    for name in values_at(service.inputs["template"], "instances"):
        yield from _unmountable(account, name[0], member)
    for volume in service.inputs["template"].get("volumes", ()):
        for item in volume.get("secret", {}).get("items", ()):
            kept = {"secret": volume["secret"]["secret"], "version": item["version"]}
            yield from _unreadable(account, kept, member)


def _unreadable(account: Account, reference: Mapping[str, Any], member: str) -> Iterator[str]:
    """DOCS run/docs/configuring/services/secrets: access is checked when an instance starts."""
    secret, version = reference["secret"], reference["version"]
    versions = {each.id for each in account.of_kind("secretmanager.SecretVersion")}
    if not any(each.endswith(f"/secrets/{secret}/versions/{version}") for each in versions):
        yield f"secret {secret} has no version {version}"
    grant = {"secretId": secret, "role": _ACCESSOR, "member": member}
    grants = account.of_kind("secretmanager.SecretIamMember")
    if not any(grant.items() <= each.inputs.items() for each in grants):
        yield f"Permission denied on secret {secret} for the revision's service account {member}"


def _unmountable(account: Account, connection: str, member: str) -> Iterator[str]:
    """DOCS sql/docs/postgres/connect-run: the instance is there, and the account may connect to it."""
    project, _, name = connection.rsplit(":", 2)
    instances = account.of_kind("sql.DatabaseInstance")
    if not any(each.outputs["connectionName"] == connection for each in instances):
        yield f"Cloud SQL instance {connection} does not exist"
    right = {"project": project, "role": "roles/cloudsql.client", "member": member}
    grants = [
        each.inputs for each in account.of_kind("projects.IAMMember") if right.items() <= each.inputs.items()
    ]
    if not any(f"/instances/{name}'" in str(each.get("condition")) for each in grants):
        yield f"{member} is not allowed to connect to {connection}"


def _service_at(account: Account, name: str, place: str) -> bool:
    wanted = {"name": name, "location": place}
    return any(wanted.items() <= each.inputs.items() for each in account.of_kind("cloudrunv2.Service"))


def is_there(account: Account, member: str) -> bool:
    """Return whether the service account of a member is there."""
    return any(each.outputs["member"] == member for each in account.of_kind("serviceaccount.Account"))


GOOGLE_RULES: Mapping[str, tuple[Rule, ...]] = {
    "serviceaccount.Account": (name_once,),
    "secretmanager.Secret": (name_once,),
    "secretmanager.SecretVersion": (secret_exists,),
    "secretmanager.SecretIamMember": (secret_exists, member_exists),
    "artifactregistry.Repository": (name_once, repository_deletable),
    "cloudrunv2.Service": (name_once, service_unprotected, revision_gets_ready),
    "cloudrunv2.ServiceIamMember": (called_service_exists, member_exists),
    "cloudrun.DomainMapping": (domain_once, mapped_service_exists),
}
