"""Which resource types cost what: those that are priced, those that are free and why. Pure.

A type that stands in neither is unknown, never free.
"""

import re
from collections.abc import Callable, Mapping

from slipway.infra.cost import aws, cloud_run, gcp
from slipway.infra.cost.charge import Free, NotPriced, Scene, Verdict, is_forwarding_rule
from slipway.infra.plan.reading import Resource

_PRICED: Mapping[str, Callable[[Resource, Scene], Verdict]] = {
    "gcp:cloudrunv2/service:Service": cloud_run.service,
    "gcp:container/cluster:Cluster": gcp.cluster,
    "gcp:container/nodePool:NodePool": gcp.node_pool,
    "gcp:compute/forwardingRule:ForwardingRule": gcp.forwarding_rule,
    "gcp:compute/globalForwardingRule:GlobalForwardingRule": gcp.forwarding_rule,
    "gcp:compute/routerNat:RouterNat": gcp.router_nat,
    "gcp:artifactregistry/repository:Repository": gcp.image_repository,
    "gcp:secretmanager/secretVersion:SecretVersion": gcp.secret_version,
    "kubernetes:core/v1:PersistentVolumeClaim": gcp.volume_claim,
    "aws:ecs/service:Service": aws.service,
    "aws:ecs/cluster:Cluster": aws.cluster,
    "aws:lb/loadBalancer:LoadBalancer": aws.load_balancer,
    "aws:ec2/vpcEndpoint:VpcEndpoint": aws.vpc_endpoint,
    "aws:ec2/natGateway:NatGateway": aws.nat_gateway,
    "aws:cloudwatch/logGroup:LogGroup": aws.log_group,
    "aws:ecr/repository:Repository": aws.image_repository,
    "aws:secretsmanager/secret:Secret": aws.secret,
}

_PERMISSION = "a permission has no charge"
_WIRING = "part of a network, without a charge of its own"
_ON_SERVICE = "billed with the service that it belongs to"
_ON_NODES = "runs on the cluster's nodes, which are billed"
_HERE = "on this machine"
_FREE: Mapping[str, str] = {
    "docker-build:index:Image": "built on this machine; the registry bills what it stores",
    "docker:index/container:Container": _HERE,
    "docker:index/remoteImage:RemoteImage": _HERE,
    "pulumi:providers:kubernetes": _HERE,
    "gcp:projects/service:Service": "enabling an API has no charge",
    "gcp:serviceaccount/account:Account": _PERMISSION,
    "gcp:secretmanager/secret:Secret": "billed by its versions",
    "gcp:cloudrun/domainMapping:DomainMapping": _ON_SERVICE,
    "gcp:compute/network:Network": _WIRING,
    "gcp:compute/subnetwork:Subnetwork": _WIRING,
    "gcp:compute/router:Router": _WIRING,
    "gcp:compute/firewall:Firewall": _WIRING,
    "gcp:compute/globalAddress:GlobalAddress": "no charge while a load balancer uses it",
    "gcp:compute/managedSslCertificate:ManagedSslCertificate": "Google issues it for nothing",
    "aws:ecs/taskDefinition:TaskDefinition": _ON_SERVICE,
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": _ON_SERVICE,
    "aws:lb/listener:Listener": "billed with its load balancer",
    "aws:lb/listenerRule:ListenerRule": "billed with its load balancer",
    "aws:lb/targetGroup:TargetGroup": "billed with its load balancer",
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": "a rule of the registry",
    "aws:ecr/repositoryPolicy:RepositoryPolicy": _PERMISSION,
    "aws:secretsmanager/secretVersion:SecretVersion": "billed with its secret",
}
# A whole family, by how the type begins.
_FREE_FAMILIES: tuple[tuple[str, str], ...] = (
    ("random:", _HERE),
    ("pulumi-python:dynamic", _HERE),
    ("pulumi:providers:", _HERE),
    ("gcp:serviceaccount/", _PERMISSION),
    ("aws:iam/", _PERMISSION),
    ("aws:appautoscaling/", "scaling has no charge; the alarms that it makes are not counted"),
    ("aws:ec2/vpc:", _WIRING),
    ("aws:ec2/subnet:", _WIRING),
    ("aws:ec2/route", _WIRING),
    ("aws:ec2/internetGateway:", _WIRING),
    ("aws:ec2/securityGroup", _WIRING),
    ("aws:ec2/defaultSecurityGroup:", _WIRING),
    ("aws:vpc/securityGroup", _WIRING),
)
_GRANT = re.compile(r"gcp:.*iam(member|binding|policy):", re.IGNORECASE)
_OWN_KINDS = ("slipway:", "pulumi:pulumi:")


def is_component(resource: Resource) -> bool:
    """What only groups others: ours, and the stack itself."""
    return resource.type.startswith(_OWN_KINDS) or getattr(resource, "custom", True) is False


def verdict_of(resource: Resource, scene: Scene) -> Verdict:
    if is_forwarding_rule(resource):
        return gcp.forwarding_rule(resource, scene)
    priced = _PRICED.get(resource.type)
    if priced is not None:
        return priced(resource, scene)
    reason = _FREE.get(resource.type) or _family(resource.type)
    if reason:
        return Free(reason)
    return NotPriced(f"no price is known for the type {resource.type}")


def _family(type_: str) -> str:
    if _GRANT.match(type_):
        return _PERMISSION
    if type_.startswith("kubernetes:"):
        return "" if type_.endswith((":PersistentVolume", ":PodMonitoring")) else _ON_NODES
    return next((reason for start, reason in _FREE_FAMILIES if type_.startswith(start)), "")
