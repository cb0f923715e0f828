"""What breaks each rule in one resource, in sentences. Pure: plain type, name and inputs.

Of what is not known before `up` a rule says that it is not judged, and why.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from slipway.components.environment import looks_secret
from slipway.infra.resources import aws, google, kubernetes
from slipway.infra.resources.containers import Container
from slipway.infra.resources.credentials import holds_credential
from slipway.infra.resources.reading import SECRET, UNKNOWN, Resource, at, items_at
from slipway.infra.resources.row import Role
from slipway.infra.resources.table import accelerators_of, containers_of, role_of, row_of, ways_in

_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_WIDE_ROLES = ("roles/owner", "roles/editor", "roles/viewer")
# These cannot be granted on less than a project.
_ONLY_ON_PROJECTS = (
    "roles/logging.",
    "roles/monitoring.",
    "roles/cloudtrace.",
    "roles/container.defaultNodeServiceAccount",
    "roles/serviceusage.serviceUsageConsumer",
    "roles/cloudsql.client",
)
# docs.cloud.google.com/sql/docs/postgres/admin-api/rest/v1/instances: values of `sslMode`.
_ENCRYPTED = ("ENCRYPTED_ONLY", "TRUSTED_CLIENT_CERTIFICATE_REQUIRED")
_WIDE_POLICIES = re.compile(r"/(AdministratorAccess|PowerUserAccess|\w+FullAccess)$")
# IAM: these cannot be narrowed to a resource.
_ONLY_EVERYWHERE = frozenset(
    {"ecr:GetAuthorizationToken", "ec2:DescribeNetworkInterfaces", "xray:PutTraceSegments"}
)


@dataclass(frozen=True, slots=True)
class Context:
    """What a stack says of itself.

    public: anybody is meant to call it. components: URN -> the component, whose recorded arguments
    are read where the inputs of its resources are not known yet.
    """

    public: bool = False
    components: Mapping[str, Resource] = field(default_factory=dict[str, Resource])

    def containers(self, resource: Resource) -> Iterator[Container]:
        """Yield the containers that a resource runs."""
        return containers_of(resource, self.components.get(resource.parent or ""))


@dataclass(frozen=True, slots=True)
class Unjudged:
    """A rule that cannot be judged of a resource before `up`. why: what is not known."""

    why: str


Detail = str | Unjudged


def public(resource: Resource, context: Context) -> Iterator[Detail]:
    if not context.public:
        yield from (f"{way[0].upper()}{way[1:]} lets everybody in." for way in ways_in(resource))


def memory_limit(resource: Resource, context: Context) -> Iterator[Detail]:
    for container in context.containers(resource):
        if not container.memory_limited:
            yield f"{container.name} has none."


def max_instances(resource: Resource, _context: Context) -> Iterator[Detail]:
    if resource.type == google.CLOUD_RUN:
        service = at(resource.inputs, "scaling", "maxInstanceCount")
        revision = at(resource.inputs, "template", "scaling", "maxInstanceCount")
        if service is None and revision is None:
            yield "Cloud Run then goes up to 100."
    if role_of(resource.type) is Role.NODE_POOL:
        scaling = at(resource.inputs, "autoscaling")
        most = (at(scaling, "maxNodeCount"), at(scaling, "totalMaxNodeCount"))
        if scaling is not None and most == (None, None):
            yield "the pool is autoscaled without a limit."
    scaler = kubernetes.AUTOSCALER.fullmatch(resource.type)
    if scaler and at(resource.inputs, "spec", "maxReplicas") is None:
        yield "its autoscaler has no maxReplicas."
    if resource.type == kubernetes.SCALED_OBJECT and at(resource.inputs, "spec", "maxReplicaCount") is None:
        yield "KEDA then goes up to 100."


def image_digest(resource: Resource, context: Context) -> Iterator[Detail]:
    for container in context.containers(resource):
        if container.image is None:
            if not container.builds_image:
                yield Unjudged(f"the image of {container.name} is known after `up`")
        elif not _DIGEST.search(container.image):
            yield f"{container.name} runs {container.image}."


def plain_secret(resource: Resource, context: Context) -> Iterator[Detail]:
    """Yield the name of each variable that looks like a secret, never its value."""
    for container in context.containers(resource):
        if container.env is None:
            yield Unjudged(f"the environment of {container.name} is known after `up`")
        else:
            yield from _secrets_in(container.env, container.name, container.plain_names)
    if resource.type == kubernetes.CONFIG_MAP:
        data: Any = at(resource.inputs, "data") or {}
        if isinstance(data, Mapping):
            known = cast("Mapping[str, Any]", data)
            yield from _secrets_in({name: known[name] for name in known if known[name] != UNKNOWN}, "the map")
        else:
            yield Unjudged("what the map holds is known after `up`")


def _secrets_in(
    env: Mapping[str, Any], place: str, plain_names: frozenset[str] = frozenset()
) -> Iterator[Detail]:
    for name, value in env.items():
        text = str(value)
        if text == SECRET:
            yield f"{name} of {place} holds a secret as plain text."
        elif holds_credential(text) or (name not in plain_names and looks_secret(name, text)):
            yield f"{name} of {place} looks like a secret."


def wide_role(resource: Resource, _context: Context) -> Iterator[Detail]:
    role, row = str(at(resource.inputs, "role") or ""), row_of(resource.type)
    if row and row.role is Role.GRANT and role:
        if role in _WIDE_ROLES or role.endswith(("admin", "Admin")):
            yield f"{role} is more than a service that answers requests uses."
        elif row.on_project and not role.startswith(_ONLY_ON_PROJECTS):
            yield f"{role} is granted on the whole project."
    policy_arn = str(at(resource.inputs, "policyArn") or "")
    if _WIDE_POLICIES.search(policy_arn):
        yield f"{policy_arn.rpartition('/')[2]} is more than a service that answers requests uses."
    policy = at(resource.inputs, "policy")
    if row and row.role is Role.ROLE_POLICY and policy is not None:
        if policy in (UNKNOWN, SECRET):
            yield Unjudged("its statements are known after `up`")
        else:
            yield from _wide_statements(policy)


def _wide_statements(text: Any) -> Iterator[Detail]:
    try:
        document: Any = json.loads(text) if isinstance(text, str) else {}
    except json.JSONDecodeError:
        return
    statements = items_at(document, "Statement") or [at(document, "Statement")]
    for statement in statements:
        if at(statement, "Effect") != "Allow":
            continue
        actions, places = _texts(at(statement, "Action")), _texts(at(statement, "Resource"))
        wild = [action for action in actions if action == "*" or action.endswith(":*")]
        if wild:
            yield f"it allows {', '.join(wild)}."
        elif "*" in places and not _ONLY_EVERYWHERE.issuperset(actions):
            yield f"it allows {', '.join(actions)} on every resource."


def _texts(value: Any) -> list[str]:
    return (
        [str(item) for item in items_at(value)] if isinstance(value, list) else [str(value)] if value else []
    )


def log_retention(resource: Resource, _context: Context) -> Iterator[Detail]:
    if resource.type == aws.LOG_GROUP and not at(resource.inputs, "retentionInDays"):
        yield "CloudWatch then keeps the log forever."
    bucket = resource.type == google.LOG_BUCKET
    if bucket and not at(resource.inputs, "retentionDays"):
        yield "the bucket names no number of days."


def stored_data(resource: Resource, _context: Context) -> Iterator[Detail]:
    if resource.type == aws.DATABASE:
        yield from _rds(resource.inputs)
    elif resource.type == google.SQL_INSTANCE:
        yield from _cloud_sql(at(resource.inputs, "settings"))


def _rds(inputs: Mapping[str, Any]) -> Iterator[Detail]:
    if at(inputs, "storageEncrypted") is not True:
        yield "its disk is not encrypted."
    if not at(inputs, "backupRetentionPeriod"):
        yield "it keeps no backups."
    if at(inputs, "publiclyAccessible") is True:
        yield "it has a public address."


def _cloud_sql(settings: Any) -> Iterator[Detail]:
    """Yield what is wrong with an instance; Google encrypts every disk.

    An address is public unless it is turned off. Where Google's connectors are required, they alone reach it,
    each with a login of its own: docs.cloud.google.com/sql/docs/postgres/connect-connectors.
    """
    if settings == UNKNOWN:
        yield Unjudged("its settings are known after `up`")
        return
    if at(settings, "backupConfiguration", "enabled") is not True:
        yield "it keeps no backups."
    is_public = at(settings, "ipConfiguration", "ipv4Enabled") is not False
    if is_public and at(settings, "connectorEnforcement") != "REQUIRED":
        yield "it has a public address, and takes connections there of more than Google's connectors."
    if at(settings, "ipConfiguration", "sslMode") not in _ENCRYPTED:
        yield "it takes connections without TLS."


def deletion_protection(resource: Resource, _context: Context) -> Iterator[Detail]:
    row = row_of(resource.type)
    if row is None or row.protection is None or not row.protection.input:
        return
    field = row.protection.input
    value = at(resource.inputs, field)
    if value is False or (value is None and not row.protection.by_default):
        yield f"{field} is {'false' if value is False else 'not set'}."


def probe(resource: Resource, context: Context) -> Iterator[Detail]:
    for container in context.containers(resource):
        if container.has_probe is None:
            yield Unjudged(f"the health check of {container.name} is known after `up`")
        elif container.takes_requests and not container.has_probe:
            yield f"{container.name} has none."
    group = resource.type == aws.TARGET_GROUP
    if group and at(resource.inputs, "healthCheck", "enabled") is False:
        yield "the health check of its target group is off."


def gpu_taint(resource: Resource, _context: Context) -> Iterator[Detail]:
    taints = items_at(resource.inputs, "nodeConfig", "taints")
    if accelerators_of(resource) and not any(at(taint, "key") == "nvidia.com/gpu" for taint in taints):
        yield "its nodes have a GPU and no taint nvidia.com/gpu."


def gpu_spot(resource: Resource, _context: Context) -> Iterator[Detail]:
    config = at(resource.inputs, "nodeConfig")
    thought_of = ("spot", "preemptible", "flexStart", "reservationAffinity")
    if accelerators_of(resource) and all(at(config, field) is None for field in thought_of):
        yield "its nodes say neither that they are on Spot nor that they are not."
