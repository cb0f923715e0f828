"""A Cloud Run service for one inference image.

Owns the service, its service account, its secrets and every grant to that account, and enables the APIs it
needs; with jobs also their workers, and the database unless one is given. Does not own the image, the
project, the network or a bucket: those arrive as arguments.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pulumi
import pulumi_gcp as gcp

from ..fault import in_words
from ..google import cloud_sql, traces
from ..google.apis import enabled
from ..google.identity import bucket_reader, service_account
from ..google.log_buckets import LogSource, log_buckets
from ..google.monitoring import resources as monitoring
from ..google.secrets import SecretHome, Secrets, secrets_of
from ..input_rules import API_KEY_NAME
from ..inputs import api_key_of, recorded, with_digest
from ..log_retention import days_by_kind
from ..observability.args import Observability
from ..traces import CLOUD
from . import collector, names
from .args import CloudRunServiceArgs
from .image_rules import registry_fault
from .job_store import JobConnection, connecting_grants, job_store
from .monitoring import monitor
from .rollout import moved_by_command, traffic_of, with_revision_name
from .rules import checked_spec, spec_warnings
from .spec import CloudRunSpec
from .template import template_of
from .workers import file_grants, worker_pool, workers_account

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
    """DNS records that `domain` needs, as `<type> <name> <data>`; empty without a domain."""

    def __init__(
        self,
        name: str,
        args: CloudRunServiceArgs,
        opts: pulumi.ResourceOptions | None = None,
        *,
        checked: CloudRunSpec | None = None,
    ) -> None:
        """Create the service and everything it owns.

        checked: the spec that rules.checked_spec made of these arguments, with a placeholder for the image if
        the image is still to be built; only what differs from it is checked again.
        """
        spec = checked_spec(name, args, checked)
        super().__init__("slipway:index:CloudRunService", name, recorded(args), opts)
        for warning in spec_warnings(replace(spec, image_ref=checked.image_ref) if checked else spec):
            pulumi.log.warn(in_words(warning), self)
        apis = enabled(name, spec.project, _apis(spec), self) if spec.enable_apis else []
        first = pulumi.ResourceOptions(parent=self, depends_on=list(apis), delete_before_replace=True)
        account = service_account(name, spec.project, first)
        accounts = {name: account}
        if spec.jobs.jobs:
            accounts[names.workers(name)] = workers_account(spec, first)
        api_key = api_key_of(name, spec.api_key, self)
        store = job_store(spec, self, apis)
        secrets = _secrets(spec, self, apis, accounts, api_key, store)
        grants = [
            *secrets.grants,
            *_model_grants(spec, self, accounts),
            *_telemetry_grants(spec, self, account),
            *connecting_grants(store, accounts, self),
        ]
        image_ref = with_digest(spec.image_ref, registry_fault)
        service = _service(spec, self, [*apis, *grants], account, image_ref, secrets, store)
        if worker := accounts.get(names.workers(name)):
            after = [*apis, *grants, *file_grants(spec, worker, self), service]
            worker_pool(spec, self, after, worker, image_ref, secrets.environment, store)
        _invokers(spec, self, service)
        _keep_logs(spec, self, apis)
        monitor(spec, service.uri, pulumi.ResourceOptions(parent=self, depends_on=list(apis)))
        self.url = service.uri
        self.image_ref = image_ref
        self.service_name = service.name
        project = pulumi.Output.from_input(spec.project)
        self.console_url = project.apply(lambda known: names.console_url(known, spec.region, name))
        self.logs_command = project.apply(lambda known: names.logs_command(known, spec.region, name))
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


def _secrets(
    spec: CloudRunSpec,
    parent: pulumi.Resource,
    apis: list[pulumi.Resource],
    accounts: Mapping[str, gcp.serviceaccount.Account],
    api_key: pulumi.Output[str],
    store: JobConnection,
) -> Secrets:
    others = {key.removeprefix(f"{spec.name}-"): each.member for key, each in accounts.items()}
    member = others.pop(spec.name)
    home = SecretHome(spec.name, spec.project, spec.service.labels, member, parent, tuple(apis), others)
    values = {**spec.secret_values, **store.secret_values, API_KEY_NAME: api_key}
    if collector.collects(spec):
        values[collector.SETTINGS] = collector.settings_of(spec)
    return secrets_of(home, values, {**spec.service.secrets, **store.references})


def _model_grants(
    spec: CloudRunSpec, parent: pulumi.Resource, accounts: Mapping[str, gcp.serviceaccount.Account]
) -> list[pulumi.Resource]:
    bucket = spec.service.address.google_bucket
    return [bucket_reader(name, bucket, each, parent) for name, each in accounts.items()] if bucket else []


def _apis(spec: CloudRunSpec) -> tuple[str, ...]:
    traced = (traces.API,) if spec.traces == CLOUD else ()
    watched = () if spec.observability is Observability.OFF else (monitoring.API,)
    mounted = spec.jobs.jobs and (spec.jobs_database_instance or not spec.jobs.jobs_database)
    return (*APIS, *traced, *watched, *((cloud_sql.API,) if mounted else ()))


def _telemetry_grants(
    spec: CloudRunSpec, parent: pulumi.Resource, account: gcp.serviceaccount.Account
) -> list[pulumi.Resource]:
    options = pulumi.ResourceOptions(parent=parent, delete_before_replace=True)
    grants: list[pulumi.Resource] = []
    if spec.traces == CLOUD:
        grants.append(traces.trace_writer(spec.name, spec.project, account.member, options))
    if collector.collects(spec):
        grants.append(collector.writer(spec, account.member, options))
    return grants


def _service(
    spec: CloudRunSpec,
    parent: pulumi.Resource,
    after: list[pulumi.Resource],
    account: gcp.serviceaccount.Account,
    image_ref: pulumi.Output[str],
    secrets: Secrets,
    store: JobConnection,
) -> gcp.cloudrunv2.Service:
    """Create the service, replacing it only after the old one is deleted.

    Its name, like every other name here, comes back when a move to another region or project is undone, and
    is free only after the first resource of that name is gone.
    """
    service = spec.service
    template = template_of(spec, image_ref, account.email, secrets.environment, store)
    template = with_revision_name(spec, template)
    return gcp.cloudrunv2.Service(
        f"{spec.name}-service",
        name=spec.name,
        project=spec.project,
        location=spec.region,
        labels=service.labels or None,
        ingress=spec.ingress.value,
        deletion_protection=spec.deletion_protection,
        invoker_iam_disabled=None if spec.check_invokers else True,
        custom_audiences=[f"https://{spec.domain}"] if spec.domain else None,
        scaling={"min_instance_count": service.min_replicas, "max_instance_count": service.max_replicas},
        template=template,
        traffics=traffic_of(spec, template),
        opts=pulumi.ResourceOptions(
            parent=parent,
            depends_on=after,
            custom_timeouts=_TIMEOUTS,
            delete_before_replace=True,
            ignore_changes=["traffics"] if moved_by_command(spec) else None,
            # The provider refuses only once it deletes; with this the preview refuses it.
            protect=spec.deletion_protection,
        ),
    )


def _invokers(spec: CloudRunSpec, parent: pulumi.Resource, service: gcp.cloudrunv2.Service) -> None:
    """Let each invoker call the service, with one grant named for each member.

    Under another name the grant would be deleted after its copy is made, which takes the right away.
    """
    everybody = {"allUsers"} if spec.service.public and spec.check_invokers else set[str]()
    for member in sorted(everybody.union(spec.invokers)):
        gcp.cloudrunv2.ServiceIamMember(
            f"{spec.name}-invoker-{member}",
            name=service.name,
            project=spec.project,
            location=spec.region,
            role=INVOKER,
            member=member,
            opts=pulumi.ResourceOptions(parent=parent, delete_before_replace=True),
        )


def _keep_logs(spec: CloudRunSpec, parent: pulumi.Resource, apis: list[pulumi.Resource]) -> None:
    """Keep each kind of line for its own time; the platform's line of each request too, with the server's."""
    revision = names.resource_filter(spec.region, spec.name)
    worker = names.workers_filter(spec.region, spec.name)
    log_buckets(
        LogSource(
            spec.name,
            spec.project,
            spec.region,
            lines=f"({revision}) OR ({worker})" if spec.jobs.jobs else revision,
            access=f'{revision} AND log_id("run.googleapis.com/requests")',
        ),
        days_by_kind(spec.log_retention),
        pulumi.ResourceOptions(parent=parent, depends_on=apis),
        spec.deletion_protection,
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
        opts=pulumi.ResourceOptions(parent=parent, delete_before_replace=True),
    )
    return mapping.statuses.apply(_records)


def _records(statuses: Sequence[gcp.cloudrun.outputs.DomainMappingStatus]) -> list[str]:
    found = [record for status in statuses for record in status.resource_records or []]
    return [f"{record.type} {record.name or '@'} {record.rrdata}" for record in found]
