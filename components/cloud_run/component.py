"""A Cloud Run service for one inference image.

Owns the service, its service account, its secrets and every grant to that account, and enables the APIs it
needs. Does not own the image, the project, the network or a bucket: those arrive as arguments.
"""

from collections.abc import Sequence
from dataclasses import replace

import pulumi
import pulumi_gcp as gcp

from ..input_rules import API_KEY_NAME
from ..inputs import api_key_of, recorded, with_digest
from ..secret_manager import SecretHome, Secrets, secrets_of
from . import model, names
from .args import CloudRunServiceArgs
from .image_rules import registry_fault
from .rules import checked_spec, spec_warnings
from .spec import CloudRunSpec
from .template import template_of

APIS = ("iam.googleapis.com", "run.googleapis.com", "secretmanager.googleapis.com")
INVOKER = "roles/run.invoker"
# A revision that never gets ready fails on its own after 240 s; an image of 10 GB takes minutes before that.
_TIMEOUTS = pulumi.CustomTimeouts(create="20m", update="20m", delete="10m")


class CloudRunService(pulumi.ComponentResource):
    """Run one inference image on Cloud Run."""

    url: pulumi.Output[str]
    """HTTPS address that Cloud Run gives it, without a trailing slash."""
    image_ref: pulumi.Output[str]
    """The image it runs, with its digest."""
    service_name: pulumi.Output[str]
    """The service's name in Cloud Run."""
    console_url: pulumi.Output[str]
    """Its page in Google Cloud's console."""
    logs_command: pulumi.Output[str]
    """Shell command that follows the log."""
    api_key: pulumi.Output[str]
    """Bearer key of the service, a secret."""
    domain_records: pulumi.Output[list[str]]
    """What the DNS of `domain` must say, as `<type> <name> <data>`; empty without a domain."""

    def __init__(
        self,
        name: str,
        args: CloudRunServiceArgs,
        opts: pulumi.ResourceOptions | None = None,
        *,
        checked: CloudRunSpec | None = None,
    ) -> None:
        """checked: what rules.checked_spec made of these arguments, with an image that stands for the one
        that is made; they are not checked again then.
        """
        spec = checked_spec(name, args, checked)
        super().__init__("slipway:index:CloudRunService", name, recorded(args), opts)
        for warning in spec_warnings(replace(spec, image_ref=checked.image_ref) if checked else spec):
            pulumi.log.warn(warning, self)
        apis = _apis(spec, self)
        account = _account(spec, self, apis)
        api_key = api_key_of(name, spec.api_key, self)
        secrets = _secrets(spec, self, apis, account, api_key)
        grants = [*secrets.grants, *_model_grants(spec, self, account)]
        image_ref = with_digest(spec.image_ref, registry_fault)
        service = _service(spec, self, [*apis, *grants], account, image_ref, secrets)
        _invokers(spec, self, service)
        self.url = service.uri
        self.image_ref = image_ref
        self.service_name = service.name
        self.console_url = pulumi.Output.from_input(names.console_url(spec.project, spec.region, name))
        self.logs_command = pulumi.Output.from_input(names.logs_command(spec.project, spec.region, name))
        self.api_key = api_key
        self.domain_records = _domain_records(spec, self, service)
        self.register_outputs(
            {
                "url": self.url,
                "image_ref": self.image_ref,
                "service_name": self.service_name,
                "console_url": self.console_url,
                "logs_command": self.logs_command,
                "api_key": self.api_key,
                "domain_records": self.domain_records,
            }
        )


def _apis(spec: CloudRunSpec, parent: pulumi.Resource) -> list[pulumi.Resource]:
    """Enabled before everything; never disabled, for the project may need them otherwise."""
    if not spec.enable_apis:
        return []
    return [
        gcp.projects.Service(
            f"{spec.name}-{api.removesuffix('.googleapis.com')}-api",
            service=api,
            project=spec.project,
            disable_on_destroy=False,
            disable_dependent_services=False,
            opts=pulumi.ResourceOptions(parent=parent),
        )
        for api in APIS
    ]


def _account(
    spec: CloudRunSpec, parent: pulumi.Resource, apis: list[pulumi.Resource]
) -> gcp.serviceaccount.Account:
    """The service's own identity, so that another service's rights are never its own."""
    return gcp.serviceaccount.Account(
        f"{spec.name}-account",
        account_id=names.account_id(spec.name),
        display_name=f"Inference service {spec.name}",
        project=spec.project,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=apis),
    )


def _secrets(
    spec: CloudRunSpec,
    parent: pulumi.Resource,
    apis: list[pulumi.Resource],
    account: gcp.serviceaccount.Account,
    api_key: pulumi.Output[str],
) -> Secrets:
    home = SecretHome(spec.name, spec.project, spec.service.labels, account.member, parent, tuple(apis))
    return secrets_of(home, {**spec.secret_values, API_KEY_NAME: api_key}, spec.service.secrets)


def _model_grants(
    spec: CloudRunSpec, parent: pulumi.Resource, account: gcp.serviceaccount.Account
) -> list[pulumi.Resource]:
    bucket = model.bucket_of(spec)
    if bucket is None:
        return []
    grant = gcp.storage.BucketIAMMember(
        f"{spec.name}-{bucket.name}-reader",
        bucket=bucket.name,
        role=model.READER,
        member=account.member,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return [grant]


def _service(
    spec: CloudRunSpec,
    parent: pulumi.Resource,
    after: list[pulumi.Resource],
    account: gcp.serviceaccount.Account,
    image_ref: pulumi.Output[str],
    secrets: Secrets,
) -> gcp.cloudrunv2.Service:
    service = spec.service
    return gcp.cloudrunv2.Service(
        f"{spec.name}-service",
        name=spec.name,
        project=spec.project,
        location=spec.region,
        labels=service.labels or None,
        ingress=spec.ingress.value,
        deletion_protection=spec.deletion_protection,
        custom_audiences=[f"https://{spec.domain}"] if spec.domain else None,
        scaling={"min_instance_count": service.min_replicas, "max_instance_count": service.max_replicas},
        template=template_of(spec, image_ref, account.email, secrets.environment),
        traffics=[{"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent": 100}],
        opts=pulumi.ResourceOptions(parent=parent, depends_on=after, custom_timeouts=_TIMEOUTS),
    )


def _invokers(spec: CloudRunSpec, parent: pulumi.Resource, service: gcp.cloudrunv2.Service) -> None:
    """Named for the member: a renamed grant would be deleted after its copy is made."""
    everybody = {"allUsers"} if spec.service.public else set[str]()
    for member in sorted(everybody.union(spec.invokers)):
        gcp.cloudrunv2.ServiceIamMember(
            f"{spec.name}-invoker-{member}",
            name=service.name,
            project=spec.project,
            location=spec.region,
            role=INVOKER,
            member=member,
            opts=pulumi.ResourceOptions(parent=parent),
        )


def _domain_records(
    spec: CloudRunSpec, parent: pulumi.Resource, service: gcp.cloudrunv2.Service
) -> pulumi.Output[list[str]]:
    if not spec.domain:
        nothing: list[str] = []
        return pulumi.Output.from_input(nothing)
    mapping = gcp.cloudrun.DomainMapping(
        f"{spec.name}-domain",
        name=spec.domain,
        project=spec.project,
        location=spec.region,
        metadata={"namespace": spec.project},
        spec={"route_name": service.name},
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return mapping.statuses.apply(_records)


def _records(statuses: Sequence[gcp.cloudrun.outputs.DomainMappingStatus]) -> list[str]:
    found = [record for status in statuses for record in status.resource_records or []]
    return [f"{record.type} {record.name or '@'} {record.rrdata}" for record in found]
