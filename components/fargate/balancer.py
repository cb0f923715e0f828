"""Routes requests to a service: its own load balancer, or a rule on an existing one; and who may call it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Network
from typing import Any, Self

import pulumi
import pulumi_aws as aws

from ..aws.traces import ENVIRONMENT
from ..drawn_names import Replacing, drawn_name
from ..endpoints import endpoints_of
from ..traces import with_collector
from . import names
from .network import EVERYWHERE, Network
from .spec import FAILED_TARGET_CHECKS, TARGET_CHECK_SECONDS, FargateSpec

HTTPS_PORT = 443
# PAWS lb.Listener.ssl_policy: TLS 1.2 and 1.3; what AWS recommends.
_TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
_EVERYWHERE_IPV6 = "::/0"
# In place of what names a shared load balancer: a target group cannot move between the two.
_DEDICATED = "dedicated"


@dataclass(frozen=True, slots=True)
class Balancer:
    """What brings requests to the tasks.

    url: without a trailing slash. label: `app/<name>/<id>`, as metrics name it. records: DNS for the domain.
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
    if spec.listener_arn is not None:
        label = pulumi.Output.from_input(spec.listener_arn).apply(label_of)
        target_group = _target_group(spec, network, parent, Replacing(trigger=label))
        rule = _rule(spec, target_group, parent)
        url = pulumi.Output.from_input(f"https://{spec.domain}")
        nothing: list[str] = []
        records = pulumi.Output.from_input(nothing)
        return Balancer(target_group, groups.task, url, label, records, (rule, *groups.rules))
    balancer = _load_balancer(spec, network, groups, parent)
    # By its ARN too: an update that was cut off may have made the load balancer anew already.
    target_group = _target_group(spec, network, parent, Replacing((balancer,), balancer.arn))
    listeners = _listeners(spec, balancer, target_group, groups.rules, parent)
    if spec.domain:
        url = pulumi.Output.from_input(f"https://{spec.domain}")
        records = balancer.dns_name.apply(lambda address: [f"CNAME {spec.domain} {address}."])
    else:
        url = pulumi.Output.concat("http://", balancer.dns_name)
        records = pulumi.Output.from_input(list[str]())
    made = (*listeners, *groups.rules)
    return Balancer(target_group, groups.task, url, balancer.arn_suffix, records, made)


def label_of(listener_arn: str) -> str:
    """Return `app/<name>/<id>` of a listener's load balancer."""
    return "/".join(listener_arn.split(":listener/")[1].split("/")[:3])


@dataclass(frozen=True, slots=True)
class _Groups:
    """The security groups and their rules.

    task: of the tasks. balancer: of a load balancer that is created here. rules: allow only the intended
    traffic.
    """

    task: aws.ec2.SecurityGroup
    balancer: aws.ec2.SecurityGroup | None
    rules: tuple[pulumi.Resource, ...]

    @classmethod
    def of(cls, spec: FargateSpec, network: Network, parent: pulumi.Resource) -> Self:
        balancer = _group(spec, "balancer", network, parent) if spec.own_balancer else None
        source = balancer.id if balancer else spec.listener_security_group_id
        # A rule that is changed in place would cut off the tasks that still run: they keep their group.
        callers = spec.listener_security_group_id or _DEDICATED
        trigger = pulumi.Output.concat(str(spec.service.port), " from ", callers)
        task = _group(spec, "task", network, parent, trigger)
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


def _group(
    spec: FargateSpec,
    role: str,
    network: Network,
    parent: pulumi.Resource,
    trigger: pulumi.Input[str] | None = None,
) -> aws.ec2.SecurityGroup:
    """Create a security group and let AWS name it.

    Names are unique in a VPC, and a replacement is created before the old group is deleted.
    """
    return aws.ec2.SecurityGroup(
        f"{spec.name}-{role}-group",
        region=spec.region,
        description=f"{role.capitalize()} of the inference service {spec.name}",
        vpc_id=network.vpc_id,
        tags=spec.service.labels or None,
        opts=pulumi.ResourceOptions(parent=parent, replacement_trigger=trigger),
    )


def _ways_in(
    spec: FargateSpec, parent: pulumi.Resource, balancer: aws.ec2.SecurityGroup
) -> Iterable[pulumi.Resource]:
    """Let the allowed callers reach the load balancer, with one rule for each network and port.

    Rules are named for both: a renamed rule would be deleted after its copy is made, closing the port.
    """
    everyone = [EVERYWHERE, _EVERYWHERE_IPV6] if spec.dual_stack else [EVERYWHERE]
    sources = everyone if spec.service.public else sorted(set(spec.allowed_cidrs))
    ports = (80, 443) if spec.certificate_arn is not None else (80,)
    for source in sources:
        for port in ports:
            role = f"balancer-{_written(source)}-{port}"
            yield _ingress(spec, role, parent, balancer, port, **{_kind_of(source): source})


def _kind_of(source: str) -> str:
    """Return the name of the rule's input for `source`: a network, a prefix list or a security group."""
    kinds = {"pl-": "prefix_list_id", "sg-": "referenced_security_group_id"}
    network = "cidr_ipv6" if ":" in source else "cidr_ipv4"
    return next((kind for prefix, kind in kinds.items() if source.startswith(prefix)), network)


def _written(source: str) -> str:
    """Return the source as part of a resource's name, in which two colons would part a URN."""
    return IPv6Network(source).exploded if ":" in source else source


def _ways_out(
    spec: FargateSpec, network: Network, parent: pulumi.Resource, task: aws.ec2.SecurityGroup
) -> Iterable[pulumi.Resource]:
    """Let the tasks make HTTPS calls for the image, the log, secrets and a model, and those of `env`.

    DNS of the VPC needs no rule.
    """
    ways = network.ways
    for cidr in ways.cidrs:
        yield _egress(spec, "task-egress", parent, task, HTTPS_PORT, cidr_ipv4=cidr)
    for prefix_list in ways.prefix_lists:
        yield _egress(spec, "task-s3-egress", parent, task, HTTPS_PORT, prefix_list_id=prefix_list)
    for group in ways.security_groups:
        yield _egress(
            spec, "task-endpoint-egress", parent, task, HTTPS_PORT, referenced_security_group_id=group
        )
    addresses = with_collector(spec.service.known_env, spec.traces, ENVIRONMENT)
    called = {(each.network or EVERYWHERE, each.port) for each in endpoints_of(addresses)}
    for place, port in sorted(called):
        if port == HTTPS_PORT and EVERYWHERE in ways.cidrs:
            continue
        kind = "cidr_ipv6" if ":" in place else "cidr_ipv4"
        yield _egress(spec, f"task-{place}-{port}-egress", parent, task, port, **{kind: place})


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
    """Create an outgoing rule, which is replaced if the group that it leads to changes.

    The rule for the new group is made before the one for the old group is deleted, because tasks of both are
    called meanwhile.
    """
    return aws.vpc.SecurityGroupEgressRule(
        f"{spec.name}-{role}",
        region=spec.region,
        security_group_id=group.id,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        opts=pulumi.ResourceOptions(parent=parent, replace_on_changes=["referencedSecurityGroupId"]),
        **peer,
    )


def _target_group(
    spec: FargateSpec, network: Network, parent: pulumi.Resource, replacing: Replacing
) -> aws.lb.TargetGroup:
    """Create the target group, which holds addresses, not instances, because each task has its own address.

    It belongs to one load balancer for good. ECS registers each task with its own port, so a new port does
    not replace the group: an empty one in its place would answer 503 until the new tasks are ready.
    """
    port, resource = spec.service.port, f"{spec.name}-targets"
    keepers = {"region": spec.region, "vpc_id": network.vpc_id, "port": str(port)}
    return aws.lb.TargetGroup(
        resource,
        name=drawn_name(resource, names.target_group_name(spec.name, port), keepers, parent, replacing),
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
            "interval": TARGET_CHECK_SECONDS,
            "timeout": TARGET_CHECK_SECONDS // 2,
            "healthy_threshold": 2,
            "unhealthy_threshold": FAILED_TARGET_CHECKS,
        },
        tags=spec.service.labels or None,
        opts=replacing.into(pulumi.ResourceOptions(parent=parent, ignore_changes=["name", "port"])),
    )


def _load_balancer(
    spec: FargateSpec, network: Network, groups: _Groups, parent: pulumi.Resource
) -> aws.lb.LoadBalancer:
    """Create the load balancer, and replace it together with its security group and for another VPC.

    It cannot leave its VPC, which the provider does not know (terraform-provider-aws#18317). An update that was
    cut off may have made the group anew already, so the group alone would not replace it.
    """
    resource, keepers = f"{spec.name}-balancer", {"region": spec.region, "internal": str(spec.internal)}
    replacing = Replacing([groups.balancer] if groups.balancer else [], network.vpc_id)
    return aws.lb.LoadBalancer(
        resource,
        name=drawn_name(resource, names.balancer_name(spec.name, spec.internal), keepers, parent, replacing),
        region=spec.region,
        load_balancer_type="application",
        internal=spec.internal,
        ip_address_type="dualstack" if spec.dual_stack else "ipv4",
        subnets=network.subnets,
        security_groups=[groups.balancer.id] if groups.balancer else None,
        idle_timeout=int(spec.idle_timeout_seconds),
        drop_invalid_header_fields=True,
        enable_deletion_protection=spec.deletion_protection,
        tags=spec.service.labels or None,
        opts=replacing.into(
            pulumi.ResourceOptions(
                parent=parent,
                depends_on=list(network.made),
                protect=spec.deletion_protection,
                ignore_changes=["name"],
            )
        ),
    )


def _listeners(
    spec: FargateSpec,
    balancer: aws.lb.LoadBalancer,
    target_group: aws.lb.TargetGroup,
    rules: Iterable[pulumi.Resource],
    parent: pulumi.Resource,
) -> list[pulumi.Resource]:
    """Create the listeners. rules: open the ports. HTTP redirects to HTTPS only once HTTPS answers."""
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
    plain = _listener(
        spec,
        "http",
        balancer,
        parent,
        after=[secure, *rules],
        port=80,
        protocol="HTTP",
        default_actions=[redirect],
    )
    return [secure, plain]


def _listener(
    spec: FargateSpec,
    role: str,
    balancer: aws.lb.LoadBalancer,
    parent: pulumi.Resource,
    after: Sequence[pulumi.Resource] = (),
    **of_it: Any,
) -> aws.lb.Listener:
    return aws.lb.Listener(
        f"{spec.name}-{role}-listener",
        region=spec.region,
        load_balancer_arn=balancer.arn,
        tags=spec.service.labels or None,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=list(after)),
        **of_it,
    )


def _rule(
    spec: FargateSpec, target_group: aws.lb.TargetGroup, parent: pulumi.Resource
) -> aws.lb.ListenerRule:
    """Create the rule. A given priority is taken while a rule has it, so that rule goes first."""
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
        opts=pulumi.ResourceOptions(parent=parent, delete_before_replace=spec.listener_priority is not None),
    )
