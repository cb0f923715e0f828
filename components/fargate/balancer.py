"""What brings requests to a service: its load balancer, or a rule on an existing one; and who is let in."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import pulumi
import pulumi_aws as aws

from ..drawn_names import drawn_name
from . import names
from .network import EVERYWHERE, Network
from .spec import FargateSpec

# PAWS lb.Listener.ssl_policy: TLS 1.2 and 1.3; what AWS recommends.
_TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
_HEALTH_INTERVAL_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Balancer:
    """url: without a trailing slash. label: `app/<name>/<id>`, as metrics name it. records: for the domain.

    made: what a service must wait for.
    """

    target_group: aws.lb.TargetGroup
    task_group: aws.ec2.SecurityGroup
    url: pulumi.Output[str]
    label: pulumi.Output[str]
    records: pulumi.Output[list[str]]
    made: tuple[pulumi.Resource, ...]


def balancer_of(spec: FargateSpec, network: Network, parent: pulumi.Resource) -> Balancer:
    groups = _Groups.of(spec, network, parent)
    target_group = _target_group(spec, network, parent)
    if spec.listener_arn is not None:
        rule = _rule(spec, target_group, parent)
        url = pulumi.Output.from_input(f"https://{spec.domain}")
        nothing: list[str] = []
        label = pulumi.Output.from_input(spec.listener_arn).apply(label_of)
        records = pulumi.Output.from_input(nothing)
        return Balancer(target_group, groups.task, url, label, records, (rule, *groups.rules))
    balancer = _load_balancer(spec, network, groups, parent)
    listeners = _listeners(spec, balancer, target_group, parent)
    if spec.domain:
        url = pulumi.Output.from_input(f"https://{spec.domain}")
        records = balancer.dns_name.apply(lambda address: [f"CNAME {spec.domain} {address}."])
    else:
        url = pulumi.Output.concat("http://", balancer.dns_name)
        records = pulumi.Output.from_input(list[str]())
    made = (*listeners, *groups.rules)
    return Balancer(target_group, groups.task, url, balancer.arn_suffix, records, made)


def label_of(listener_arn: str) -> str:
    """`app/<name>/<id>` of a listener's load balancer."""
    return "/".join(listener_arn.split(":listener/")[1].split("/")[:3])


@dataclass(frozen=True, slots=True)
class _Groups:
    """task: of the tasks. balancer: of an own load balancer. rules: which open only what is meant."""

    task: aws.ec2.SecurityGroup
    balancer: aws.ec2.SecurityGroup | None
    rules: tuple[pulumi.Resource, ...]

    @classmethod
    def of(cls, spec: FargateSpec, network: Network, parent: pulumi.Resource) -> Self:
        task = _group(spec, "task", network, parent)
        balancer = _group(spec, "balancer", network, parent) if spec.own_balancer else None
        source = balancer.id if balancer else spec.listener_security_group_id
        rules: list[pulumi.Resource] = [
            _ingress(spec, "task", parent, task, spec.service.port, referenced_security_group_id=source)
        ]
        rules += _ways_out(spec, network, parent, task)
        if balancer:
            rules.append(
                _egress(
                    spec,
                    "balancer-egress",
                    parent,
                    balancer,
                    spec.service.port,
                    referenced_security_group_id=task.id,
                )
            )
            rules += _ways_in(spec, parent, balancer)
        return cls(task, balancer, tuple(rules))


def _group(spec: FargateSpec, role: str, network: Network, parent: pulumi.Resource) -> aws.ec2.SecurityGroup:
    """Has no name of ours: a VPC takes each but once, and a new one is made before the old one goes."""
    return aws.ec2.SecurityGroup(
        f"{spec.name}-{role}-group",
        region=spec.region,
        description=f"{role.capitalize()} of the inference service {spec.name}",
        vpc_id=network.vpc_id,
        tags=spec.service.labels or None,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def _ways_in(
    spec: FargateSpec, parent: pulumi.Resource, balancer: aws.ec2.SecurityGroup
) -> Iterable[pulumi.Resource]:
    """Named for the network and port: a renamed rule would be deleted after its copy is made."""
    cidrs = [EVERYWHERE] if spec.service.public else sorted(set(spec.allowed_cidrs))
    ports = (80, 443) if spec.certificate_arn is not None else (80,)
    for cidr in cidrs:
        for port in ports:
            yield _ingress(spec, f"balancer-{cidr}-{port}", parent, balancer, port, cidr_ipv4=cidr)


def _ways_out(
    spec: FargateSpec, network: Network, parent: pulumi.Resource, task: aws.ec2.SecurityGroup
) -> Iterable[pulumi.Resource]:
    """HTTPS alone: for the image, the log, secrets and a model. DNS of the VPC needs no rule."""
    ways = network.ways
    for cidr in ways.cidrs:
        yield _egress(spec, "task-egress", parent, task, 443, cidr_ipv4=cidr)
    for prefix_list in ways.prefix_lists:
        yield _egress(spec, "task-s3-egress", parent, task, 443, prefix_list_id=prefix_list)
    for group in ways.security_groups:
        yield _egress(spec, "task-endpoint-egress", parent, task, 443, referenced_security_group_id=group)


def _ingress(
    spec: FargateSpec,
    role: str,
    parent: pulumi.Resource,
    group: aws.ec2.SecurityGroup,
    port: int,
    **peer: Any,
) -> pulumi.Resource:
    return aws.vpc.SecurityGroupIngressRule(
        f"{spec.name}-{role}-ingress",
        region=spec.region,
        security_group_id=group.id,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        opts=pulumi.ResourceOptions(parent=parent),
        **peer,
    )


def _egress(
    spec: FargateSpec,
    role: str,
    parent: pulumi.Resource,
    group: aws.ec2.SecurityGroup,
    port: int,
    **peer: Any,
) -> pulumi.Resource:
    return aws.vpc.SecurityGroupEgressRule(
        f"{spec.name}-{role}",
        region=spec.region,
        security_group_id=group.id,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        opts=pulumi.ResourceOptions(parent=parent),
        **peer,
    )


def _target_group(spec: FargateSpec, network: Network, parent: pulumi.Resource) -> aws.lb.TargetGroup:
    """Tasks have addresses of their own, so it holds those and no instances."""
    port, resource = spec.service.port, f"{spec.name}-targets"
    keepers = {"region": spec.region, "vpc_id": network.vpc_id, "port": str(port)}
    return aws.lb.TargetGroup(
        resource,
        name=drawn_name(resource, names.target_group_name(spec.name, port), keepers, parent),
        region=spec.region,
        vpc_id=network.vpc_id,
        target_type="ip",
        protocol="HTTP",
        port=port,
        deregistration_delay=spec.deregistration_seconds,
        slow_start=int(spec.slow_start_seconds),
        load_balancing_algorithm_type=spec.balancing.value,
        health_check={
            "path": "/ready",
            "port": "traffic-port",
            "protocol": "HTTP",
            "matcher": "200",
            "interval": _HEALTH_INTERVAL_SECONDS,
            "timeout": _HEALTH_INTERVAL_SECONDS // 2,
            "healthy_threshold": 2,
            "unhealthy_threshold": 3,
        },
        tags=spec.service.labels or None,
        opts=pulumi.ResourceOptions(parent=parent, ignore_changes=["name"]),
    )


def _load_balancer(
    spec: FargateSpec, network: Network, groups: _Groups, parent: pulumi.Resource
) -> aws.lb.LoadBalancer:
    resource, keepers = f"{spec.name}-balancer", {"region": spec.region, "internal": str(spec.internal)}
    return aws.lb.LoadBalancer(
        resource,
        name=drawn_name(resource, names.balancer_name(spec.name, spec.internal), keepers, parent),
        region=spec.region,
        load_balancer_type="application",
        internal=spec.internal,
        ip_address_type="ipv4",
        subnets=network.subnets,
        security_groups=[groups.balancer.id] if groups.balancer else None,
        idle_timeout=int(spec.idle_timeout_seconds),
        drop_invalid_header_fields=True,
        enable_deletion_protection=spec.deletion_protection,
        tags=spec.service.labels or None,
        opts=pulumi.ResourceOptions(
            parent=parent,
            depends_on=list(network.made),
            protect=spec.deletion_protection,
            ignore_changes=["name"],
        ),
    )


def _listeners(
    spec: FargateSpec,
    balancer: aws.lb.LoadBalancer,
    target_group: aws.lb.TargetGroup,
    parent: pulumi.Resource,
) -> list[pulumi.Resource]:
    forward: aws.lb.ListenerDefaultActionArgsDict = {
        "type": "forward",
        "target_group_arn": target_group.arn,
    }
    if spec.certificate_arn is None:
        return [
            _listener(spec, "http", balancer, parent, port=80, protocol="HTTP", default_actions=[forward])
        ]
    redirect: aws.lb.ListenerDefaultActionArgsDict = {
        "type": "redirect",
        "redirect": {"port": "443", "protocol": "HTTPS", "status_code": "HTTP_301"},
    }
    secure = _listener(
        spec,
        "https",
        balancer,
        parent,
        port=443,
        protocol="HTTPS",
        ssl_policy=_TLS_POLICY,
        certificate_arn=spec.certificate_arn,
        default_actions=[forward],
    )
    return [
        secure,
        _listener(spec, "http", balancer, parent, port=80, protocol="HTTP", default_actions=[redirect]),
    ]


def _listener(
    spec: FargateSpec, role: str, balancer: aws.lb.LoadBalancer, parent: pulumi.Resource, **of_it: Any
) -> aws.lb.Listener:
    return aws.lb.Listener(
        f"{spec.name}-{role}-listener",
        region=spec.region,
        load_balancer_arn=balancer.arn,
        tags=spec.service.labels or None,
        opts=pulumi.ResourceOptions(parent=parent),
        **of_it,
    )


def _rule(
    spec: FargateSpec, target_group: aws.lb.TargetGroup, parent: pulumi.Resource
) -> aws.lb.ListenerRule:
    assert spec.listener_arn is not None  # the caller's condition
    conditions: list[aws.lb.ListenerRuleConditionArgsDict] = [{"host_header": {"values": [spec.domain]}}]
    if spec.listener_paths:
        conditions.append({"path_pattern": {"values": list(spec.listener_paths)}})
    return aws.lb.ListenerRule(
        f"{spec.name}-listener-rule",
        region=spec.region,
        listener_arn=spec.listener_arn,
        priority=None if spec.listener_priority is None else int(spec.listener_priority),
        conditions=conditions,
        actions=[{"type": "forward", "target_group_arn": target_group.arn}],
        tags=spec.service.labels or None,
        opts=pulumi.ResourceOptions(parent=parent),
    )
