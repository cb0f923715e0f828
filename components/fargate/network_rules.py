"""Checks of network, load balancer and who may call a service, against limits.py. Pure."""

import ipaddress
import math
import re
from collections.abc import Iterable, Iterator

import pulumi

from ..aws.name_rules import region_warnings
from ..aws.secrets import region_of
from ..domain_name import domain_fault
from ..endpoints import endpoints_of, later_address_warnings
from ..fault import Fault
from ..model_address import Source
from ..networks import cover_everyone
from ..observability.args import Observability
from ..traces import OFF
from . import limits
from .args import Balancing, Egress
from .spec import FargateSpec, SubnetIds

_OF_OWN_NETWORK = ("zones", "vpc_cidr", "egress")
_OF_EXISTING_NETWORK = ("subnet_ids", "task_subnet_ids", "assign_public_ip", "dual_stack")
_OF_OWN_BALANCER = ("internal", "dual_stack", "certificate_arn", "allowed_cidrs", "idle_timeout_seconds")
_OF_EXISTING_BALANCER = ("listener_security_group_id", "listener_paths", "listener_priority")


def network_faults(spec: FargateSpec) -> Iterator[Fault]:
    if spec.cluster_arn is not None:
        reason = "with `cluster_arn`, whose owner decides it"
        yield from _misplaced(spec, ("container_insights",), reason, "leave one of them out")
    if spec.service.port < limits.PORT_FROM and spec.service.port >= 1:
        allowed = f"the server is not root and opens {limits.PORT_FROM} to 65535"
        yield Fault("port", f"{spec.service.port}", allowed, nearest=8080)
    yield from _own_network_faults(spec) if spec.own_network else _existing_network_faults(spec)
    yield from _own_balancer_faults(spec) if spec.own_balancer else _existing_balancer_faults(spec)
    yield from _time_faults(spec)
    if fault := domain_fault(spec.domain, limits.DOMAIN_CHARACTERS):
        yield fault


def _misplaced(spec: FargateSpec, keys: Iterable[str], without: str, allowed: str) -> Iterator[Fault]:
    for key in keys:
        if key in spec.given:
            yield Fault(key, "given", allowed, without)


def _own_network_faults(spec: FargateSpec) -> Iterator[Fault]:
    yield from _misplaced(spec, _OF_EXISTING_NETWORK, "without `vpc_id`", "give both or neither")
    if spec.region in limits.LACKING_ZONES and "zones" not in spec.given:
        allowed = (
            "name two that your account has; `aws ec2 describe-availability-zones --region "
            f"{spec.region}` lists them"
        )
        yield Fault("zones", "missing", allowed, f"in {spec.region}, where many accounts lack a or b")
    if len(set(spec.zones)) not in limits.ZONES or len(set(spec.zones)) != len(spec.zones):
        allowed = (
            f"it must name {limits.ZONES[0]} to {limits.ZONES[-1]} different ones, such as {spec.region}a "
            f"and {spec.region}b: a load balancer needs two"
        )
        yield Fault("zones", ", ".join(spec.zones) or "empty", allowed)
    for zone in spec.zones:
        letters = f"{limits.ZONE_LETTERS[0]}-{limits.ZONE_LETTERS[-1]}"
        if not re.fullmatch(rf"{re.escape(spec.region)}[{letters}]", zone) and spec.region:
            allowed = f"a zone of {spec.region} is {spec.region} and a letter from a to h"
            yield Fault("zones", repr(zone), allowed, verb="has")
    yield from _vpc_cidr_faults(spec)
    if spec.egress is Egress.ENDPOINTS:
        yield from _endpoint_faults(spec)


def _endpoint_faults(spec: FargateSpec) -> Iterator[Fault]:
    """Yield what a task could not reach from subnets without access to the internet."""
    if spec.service.address.source is Source.GOOGLE:
        allowed = "Google cannot be reached from there: take public-address, or a model in S3"
        yield Fault("egress", spec.egress.value, allowed, f"with `model` {spec.service.model!r}")
    collected = {"traces": spec.traces} if spec.traces != OFF else {}
    if spec.observability is Observability.FULL:
        collected["observability"] = spec.observability.value
    for key, given in collected.items():
        allowed = "no collector, and no image of one, can be reached from there: take public-address"
        yield Fault("egress", spec.egress.value, allowed, f"with `{key}` {given}")
    for name, reference in spec.service.secrets.items():
        if (region := region_of(reference)) and region != spec.region:
            allowed = f"from there only {spec.region} can be reached: take public-address, or a copy there"
            reason = f"with `secrets` {name}, which is in {region}"
            yield Fault("egress", spec.egress.value, allowed, reason)


def _vpc_cidr_faults(spec: FargateSpec) -> Iterator[Fault]:
    network = _network(spec.vpc_cidr)
    if network is None or not network.is_private or network.prefixlen not in limits.VPC_PREFIX:
        allowed = (
            f"it must be a private IPv4 network of /{limits.VPC_PREFIX[0]} to /{limits.VPC_PREFIX[-1]}, such "
            "as 10.0.0.0/16"
        )
        yield Fault("vpc_cidr", repr(spec.vpc_cidr), allowed)


def _network(text: str) -> ipaddress.IPv4Network | None:
    """Return the network; None if it is invalid or has host bits set.

    10.0.0.1/16 is more likely a slip than meant.
    """
    try:
        return ipaddress.IPv4Network(text) if "/" in text else None
    except ValueError:
        return None


def _existing_network_faults(spec: FargateSpec) -> Iterator[Fault]:
    reason = "with `vpc_id`, which is its owner's"
    yield from _misplaced(spec, _OF_OWN_NETWORK, reason, "leave one of them out")
    yield from _id_faults("vpc_id", [spec.vpc_id], limits.VPC_ID, "vpc-<17 hex digits>")
    yield from _subnet_faults("subnet_ids", spec.subnet_ids)
    if spec.task_subnet_ids != ():
        yield from _subnet_faults("task_subnet_ids", spec.task_subnet_ids, least=1)


def _subnet_faults(key: str, ids: SubnetIds, least: int = limits.LEAST_ZONES) -> Iterator[Fault]:
    """Yield what is wrong with a list of IDs of known length; AWS checks the others.

    least: the minimum number of them; a load balancer needs two zones, tasks one.
    """
    if isinstance(ids, tuple):
        known = [subnet for subnet in ids if isinstance(subnet, str)]
        if len(ids) < least or len(set(known)) != len(known):
            zones = f", in {least} zones or more" if least > 1 else ""
            allowed = f"it must have {least} different ones or more{zones}" if zones else "name each once"
            twice = ", including duplicates" if len(set(known)) != len(known) else ""
            given = "1 subnet" if len(ids) == 1 else f"{len(ids)} subnets"
            yield Fault(key, given, allowed, twice, verb="has")
        if len(ids) > limits.SUBNETS:
            yield Fault(key, f"{len(ids)} subnets", f"ECS allows {limits.SUBNETS}", verb="has")
        yield from _id_faults(key, ids, limits.SUBNET_ID, "subnet-<17 hex digits>", "has")


def _id_faults(
    key: str,
    values: Iterable[pulumi.Input[str] | None],
    pattern: re.Pattern[str],
    form: str,
    verb: str = "is",
) -> Iterator[Fault]:
    for value in values:
        if isinstance(value, str) and not pattern.fullmatch(value):
            yield Fault(key, repr(value), f"it must be {form}", verb=verb)


def _own_balancer_faults(spec: FargateSpec) -> Iterator[Fault]:
    yield from _misplaced(spec, _OF_EXISTING_BALANCER, "without `listener_arn`", "give both or neither")
    if spec.certificate_arn is not None and not spec.domain:
        allowed = "name the domain that the certificate is for"
        yield Fault("certificate_arn", "given", allowed, "without `domain`")
    if spec.domain and spec.certificate_arn is None:
        where = spec.region or "the same region"
        allowed = f"give the ACM certificate for it in {where}, or leave the domain out"
        yield Fault("domain", spec.domain, allowed, "without `certificate_arn`")
    if spec.service.public and spec.allowed_cidrs:
        reason = "while `public` is true, which is everyone"
        yield Fault("allowed_cidrs", "given", "leave one of them out", reason)
    for source in spec.allowed_cidrs:
        if not (limits.PREFIX_LIST_ID.fullmatch(source) or limits.SECURITY_GROUP_ID.fullmatch(source)):
            yield from _cidr_faults(source, spec.dual_stack)
    whole = any(source.endswith("/0") for source in spec.allowed_cidrs)  # named by itself
    if cover_everyone(spec.allowed_cidrs) and not whole:
        given = ", ".join(spec.allowed_cidrs)
        reason = ", which together are everyone"
        yield Fault("allowed_cidrs", given, "say `public` if that is meant", reason, verb="has")
    ports = 1 if spec.certificate_arn is None else 2
    if (rules := len(set(spec.allowed_cidrs)) * ports) > limits.RULES:
        each = "one for each port of HTTP and HTTPS, " if ports == 2 else ""
        allowed = f"a security group holds {limits.RULES}: name a prefix list (pl-…), or wider networks"
        given = f"{len(set(spec.allowed_cidrs))} sources"
        yield Fault("allowed_cidrs", given, allowed, f"in {rules} rules, {each}".rstrip(", "), verb="has")


def _cidr_faults(cidr: str, dual_stack: bool) -> Iterator[Fault]:
    network = _network(cidr) or (_ipv6_network(cidr) if dual_stack else None)
    if network is None:
        networks = "networks of IPv4 and IPv6" if dual_stack else "IPv4 networks"
        examples = "such as 203.0.113.0/24, prefix lists (pl-…) and security groups (sg-…)"
        allowed = f"allowed are {networks}, {examples}"
        if ":" in cidr and not dual_stack:
            allowed += "; the load balancer has IPv6 addresses only with `dual_stack`, in a VPC of yours"
        yield Fault("allowed_cidrs", repr(cidr), allowed, nearest=_nearest_cidr(cidr), verb="has")
    elif network.prefixlen == 0:
        allowed = "say `public` if that is meant"
        yield Fault("allowed_cidrs", cidr, allowed, ", which is everyone", verb="has")


def _ipv6_network(text: str) -> ipaddress.IPv6Network | None:
    try:
        return ipaddress.IPv6Network(text) if "/" in text else None
    except ValueError:
        return None


def _nearest_cidr(text: str) -> str | None:
    try:
        return str(ipaddress.IPv4Network(text, strict=False))
    except ValueError:
        return None


def _existing_balancer_faults(spec: FargateSpec) -> Iterator[Fault]:
    reason = "with `listener_arn`, whose load balancer is its owner's"
    yield from _misplaced(spec, _OF_OWN_BALANCER, reason, "leave one of them out")
    if spec.service.public:
        allowed = "who may call it is up to that load balancer: leave it out"
        yield Fault("public", "true", allowed, "with `listener_arn`")
    if spec.own_network:
        allowed = "the tasks must be in the load balancer's VPC"
        yield Fault("listener_arn", "given", allowed, "without `vpc_id`")
    if spec.listener_security_group_id is None:
        allowed = "the tasks admit only the load balancer's security group"
        yield Fault("listener_arn", "given", allowed, "without `listener_security_group_id`")
    yield from _id_faults(
        "listener_security_group_id",
        [spec.listener_security_group_id],
        limits.SECURITY_GROUP_ID,
        "sg-<17 hex digits>",
    )
    if not spec.domain:
        allowed = "its rule sends the requests of one domain here"
        yield Fault("listener_arn", "given", allowed, "without `domain`")
    yield from _rule_faults(spec)


def _rule_faults(spec: FargateSpec) -> Iterator[Fault]:
    if len(spec.listener_paths) > limits.RULE_VALUES - 1:
        allowed = f"in addition to the domain a rule holds {limits.RULE_VALUES - 1}"
        yield Fault("listener_paths", f"{len(spec.listener_paths)} paths", allowed, verb="has")
    for path in spec.listener_paths:
        if isinstance(path, str) and not limits.PATH.fullmatch(path):
            allowed = "allowed is /<at most 127 characters of a path>, * and ? in it"
            yield Fault("listener_paths", repr(path), allowed, verb="has")
    priority = spec.listener_priority
    if priority is not None and priority not in limits.PRIORITY:
        allowed = f"it must be a whole number from {limits.PRIORITY[0]} to {limits.PRIORITY[-1]}"
        yield Fault("listener_priority", f"{priority:g}", allowed)


def _time_faults(spec: FargateSpec) -> Iterator[Fault]:
    if "idle_timeout_seconds" in spec.given:  # what is derived fits the time of a request
        yield from _idle_faults(spec.idle_timeout_seconds, spec.service.request_timeout_seconds)
    slow, allowed = spec.slow_start_seconds, limits.SLOW_START_SECONDS
    if slow and slow not in allowed:
        near = min(max(round(slow), allowed[0]), allowed[-1]) if math.isfinite(slow) else 0
        text = f"it must be 0, or a whole number from {allowed[0]} to {allowed[-1]}"
        yield Fault("slow_start_seconds", f"{slow:g}", text, nearest=near)
    if slow and spec.balancing is not Balancing.ROUND_ROBIN:
        text = "a slow start needs round_robin: leave `balancing` out, or the slow start"
        yield Fault("slow_start_seconds", f"{slow:g}", text, f"with `balancing` {spec.balancing.value}")


def _idle_faults(idle: float, timeout: float) -> Iterator[Fault]:
    """Yield why the idle timeout is out of range or cuts off requests.

    timeout: seconds that a request may take.
    """
    if idle not in limits.IDLE_TIMEOUT_SECONDS:
        allowed = f"it must be a whole number from 1 to {limits.IDLE_TIMEOUT_SECONDS[-1]}"
        yield Fault("idle_timeout_seconds", f"{idle:g}", allowed)
    elif timeout > idle:
        reason = f", below `request_timeout_seconds` {timeout:g}"
        allowed = "the load balancer would drop requests that are computed"
        near = math.ceil(min(timeout, 3600))
        yield Fault("idle_timeout_seconds", f"{idle:g}", allowed, reason, nearest=near)


def network_warnings(spec: FargateSpec) -> Iterator[str]:
    yield from region_warnings(spec.region)
    if spec.own_network and spec.egress is Egress.ENDPOINTS and endpoints_of(spec.service.known_env):
        yield (
            "`env` names addresses, and tasks with `egress` endpoints reach only those in their own network."
        )
    if spec.internal and spec.own_network:
        yield (
            "`internal` is true in a new network: nothing reaches its private addresses until that network "
            "is peered with another; `vpc_id` and `subnet_ids` take a network that callers are in already."
        )
    if spec.own_balancer and spec.certificate_arn is None:
        yield (
            "without a certificate the API key and requests travel unencrypted to the load balancer; give "
            "`certificate_arn` and `domain`."
        )
    if spec.own_balancer and not (spec.service.public or spec.allowed_cidrs):
        yield "no one can call the service: give `allowed_cidrs`, or `public`."
    if isinstance(spec.listener_arn, str) and spec.domain:
        name = spec.listener_arn.split("/")[2]
        yield (
            f"the DNS of `domain` {spec.domain} must lead to the existing load balancer {name}: "
            f"`aws elbv2 describe-load-balancers --names {name} --region {spec.region} --query "
            "'LoadBalancers[0].DNSName'` shows the target of its CNAME record."
        )
    if spec.idle_timeout_seconds >= limits.KEEP_ALIVE_SECONDS:
        cause = "idle_timeout_seconds" if "idle_timeout_seconds" in spec.given else "request_timeout_seconds"
        yield (
            f"by `{cause}` the load balancer keeps idle connections for {spec.idle_timeout_seconds:g} s, and "
            f"the server closes idle connections after {limits.KEEP_ALIVE_SECONDS} s, before the load "
            "balancer does: expect a rare 502, and let callers try again."
        )
    yield from later_address_warnings(spec.service.env, "the tasks' security group")
    if spec.deregistration_seconds + spec.drain_seconds > 600:
        yield (
            f"a task may take {spec.deregistration_seconds + spec.drain_seconds} s to stop, as long as its "
            "requests may take; so do deployments."
        )
