"""What breaks each rule in one resource, told in sentences. Pure: plain type, name and inputs.

What is not known before the cloud tells it breaks nothing.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.components.spec import SECRET_WORDS
from slipway.infra.plan.reading import UNKNOWN, Resource, at, items_at
from slipway.infra.policy.containers import CLOUD_RUN, containers_of

SECRET = "[secret]"  # noqa: S105 how a Plan writes a value that is secret in the state
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
# What well-known credentials look like: AWS, GitHub, Hugging Face, OpenAI, Google, a private key.
_CREDENTIAL = re.compile(
    r"^(AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,}|hf_[A-Za-z0-9]{30,}|sk-[A-Za-z0-9_-]{20,}|AIza[\w-]{35})$"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
_EVERYBODY = ("allUsers", "allAuthenticatedUsers")
_ANYWHERE = ("0.0.0.0/0", "::/0")
_WIDE_ROLES = ("roles/owner", "roles/editor", "roles/viewer")
_GRANT = re.compile(r"gcp:.*iam(member|binding|policy):", re.IGNORECASE)
# These cannot be granted on less than a project.
_ONLY_ON_PROJECTS = (
    "roles/logging.",
    "roles/monitoring.",
    "roles/cloudtrace.",
    "roles/container.defaultNodeServiceAccount",
    "roles/serviceusage.serviceUsageConsumer",
)
_PROJECT_GRANTS = re.compile(r"^gcp:(projects|organizations|folder)/iAM(Member|Binding|Policy):")
_WIDE_POLICIES = re.compile(r"/(AdministratorAccess|PowerUserAccess|\w+FullAccess)$")
# IAM: these cannot be narrowed to a resource.
_ONLY_EVERYWHERE = frozenset(
    {"ecr:GetAuthorizationToken", "ec2:DescribeNetworkInterfaces", "xray:PutTraceSegments"}
)


@dataclass(frozen=True, slots=True)
class Context:
    """What a stack says of itself. public: it is meant to be called by anybody."""

    public: bool = False


def public(resource: Resource, context: Context) -> Iterator[str]:
    if context.public:
        return
    members = [at(resource.inputs, "member"), *items_at(resource.inputs, "members")]
    if _GRANT.match(resource.type):
        for member in members:
            if member in _EVERYBODY:
                yield f"{member} may call it."
    if resource.type == "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":
        for cidr in (at(resource.inputs, "cidrIpv4"), at(resource.inputs, "cidrIpv6")):
            if cidr in _ANYWHERE:
                yield f"{cidr} may reach port {at(resource.inputs, 'fromPort')}."
    if resource.type == "aws:ec2/securityGroup:SecurityGroup":
        for rule in items_at(resource.inputs, "ingress"):
            if set(_ANYWHERE).intersection(
                [*items_at(rule, "cidrBlocks"), *items_at(rule, "ipv6CidrBlocks")]
            ):
                yield f"everybody may reach port {at(rule, 'fromPort')}."
    if resource.type == CLOUD_RUN and at(resource.inputs, "invokerIamDisabled") is True:
        yield "its invoker check is off."
    if resource.type == "kubernetes:core/v1:Service" and _is_open_balancer(resource):
        yield "its load balancer lets in every address."
    kind = at(resource.inputs, "metadata", "annotations", "kubernetes.io/ingress.class")
    if resource.type == "kubernetes:networking.k8s.io/v1:Ingress" and kind == "gce":
        yield "its load balancer has a public address."


def _is_open_balancer(resource: Resource) -> bool:
    if at(resource.inputs, "spec", "type") != "LoadBalancer":
        return False
    kind = at(resource.inputs, "metadata", "annotations", "networking.gke.io/load-balancer-type")
    if kind == "Internal":
        return False
    ranges = items_at(resource.inputs, "spec", "loadBalancerSourceRanges")
    return not ranges or bool(set(_ANYWHERE).intersection(ranges))


def memory_limit(resource: Resource, _context: Context) -> Iterator[str]:
    for container in containers_of(resource):
        if not container.memory_limited:
            yield f"{container.name} has none."


def max_instances(resource: Resource, _context: Context) -> Iterator[str]:
    if resource.type == CLOUD_RUN:
        service = at(resource.inputs, "scaling", "maxInstanceCount")
        revision = at(resource.inputs, "template", "scaling", "maxInstanceCount")
        if service is None and revision is None:
            yield "Cloud Run then goes up to 100."
    if resource.type == "gcp:container/nodePool:NodePool":
        scaling = at(resource.inputs, "autoscaling")
        most = (at(scaling, "maxNodeCount"), at(scaling, "totalMaxNodeCount"))
        if scaling is not None and most == (None, None):
            yield "the pool is autoscaled without a limit."
    scaler = re.fullmatch(r"kubernetes:autoscaling/v\w+:HorizontalPodAutoscaler", resource.type)
    if scaler and at(resource.inputs, "spec", "maxReplicas") is None:
        yield "its autoscaler has no maxReplicas."


def image_digest(resource: Resource, _context: Context) -> Iterator[str]:
    for container in containers_of(resource):
        if container.image is not None and not _DIGEST.search(container.image):
            yield f"{container.name} runs {container.image}."


def plain_secret(resource: Resource, _context: Context) -> Iterator[str]:
    """Names the variable, never its value."""
    for container in containers_of(resource):
        yield from _secrets_in(container.env, container.name)
    if resource.type == "kubernetes:core/v1:ConfigMap":
        data: Mapping[str, Any] = at(resource.inputs, "data") or {}
        yield from _secrets_in({name: data[name] for name in data if data[name] != UNKNOWN}, "the map")


def _secrets_in(env: Mapping[str, Any], place: str) -> Iterator[str]:
    for name, value in env.items():
        text = str(value)
        if text == SECRET:
            yield f"{name} of {place} holds a secret as plain text."
        elif text and (SECRET_WORDS.search(name) or _CREDENTIAL.search(text)):
            yield f"{name} of {place} looks like a secret."


def wide_role(resource: Resource, _context: Context) -> Iterator[str]:
    role = str(at(resource.inputs, "role") or "")
    if _GRANT.match(resource.type):
        if role in _WIDE_ROLES or role.endswith(("admin", "Admin")):
            yield f"{role} is more than a service that answers requests uses."
        elif _PROJECT_GRANTS.match(resource.type) and not role.startswith(_ONLY_ON_PROJECTS):
            yield f"{role or 'its role'} is granted on the whole project."
    policy_arn = str(at(resource.inputs, "policyArn") or "")
    if resource.type.startswith("aws:iam/") and _WIDE_POLICIES.search(policy_arn):
        yield f"{policy_arn.rpartition('/')[2]} is more than a service that answers requests uses."
    if resource.type in ("aws:iam/rolePolicy:RolePolicy", "aws:iam/policy:Policy"):
        yield from _wide_statements(at(resource.inputs, "policy"))


def _wide_statements(text: Any) -> Iterator[str]:
    try:
        document: Any = json.loads(text) if isinstance(text, str) and text not in (UNKNOWN, SECRET) else {}
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


def log_retention(resource: Resource, _context: Context) -> Iterator[str]:
    if resource.type == "aws:cloudwatch/logGroup:LogGroup" and not at(resource.inputs, "retentionInDays"):
        yield "CloudWatch then keeps the log for ever."
    bucket = resource.type == "gcp:logging/projectBucketConfig:ProjectBucketConfig"
    if bucket and not at(resource.inputs, "retentionDays"):
        yield "the bucket names no number of days."


# Type -> the input that protects it. A resource that has no such input is not judged.
_PROTECTION: Mapping[str, str] = {
    CLOUD_RUN: "deletionProtection",
    "gcp:container/cluster:Cluster": "deletionProtection",
    "aws:lb/loadBalancer:LoadBalancer": "enableDeletionProtection",
}
# pulumi-gcp: true where nothing is said.
_PROTECTED_UNSAID = (CLOUD_RUN, "gcp:container/cluster:Cluster")


def deletion_protection(resource: Resource, _context: Context) -> Iterator[str]:
    field = _PROTECTION.get(resource.type)
    if field is None:
        return
    value = at(resource.inputs, field)
    if value is False or (value is None and resource.type not in _PROTECTED_UNSAID):
        yield f"{field} is {'false' if value is False else 'not set'}."


def probe(resource: Resource, _context: Context) -> Iterator[str]:
    for container in containers_of(resource):
        if container.takes_requests and not container.has_probe:
            yield f"{container.name} has none."
    group = resource.type == "aws:lb/targetGroup:TargetGroup"
    if group and at(resource.inputs, "healthCheck", "enabled") is False:
        yield "the health check of its target group is off."


def _gpus(resource: Resource) -> list[Any]:
    if resource.type != "gcp:container/nodePool:NodePool":
        return []
    return items_at(resource.inputs, "nodeConfig", "guestAccelerators")


def gpu_taint(resource: Resource, _context: Context) -> Iterator[str]:
    taints = items_at(resource.inputs, "nodeConfig", "taints")
    if _gpus(resource) and not any(at(taint, "key") == "nvidia.com/gpu" for taint in taints):
        yield "its nodes have a GPU and no taint nvidia.com/gpu."


def gpu_spot(resource: Resource, _context: Context) -> Iterator[str]:
    config = at(resource.inputs, "nodeConfig")
    thought_of = ("spot", "preemptible", "flexStart", "reservationAffinity")
    if _gpus(resource) and all(at(config, field) is None for field in thought_of):
        yield "its nodes say neither that they are on Spot nor that they are not."
