"""Network, load balancer and who may call a service, against limits.py. Pure."""

import ipaddress
import math
import re
from collections.abc import Iterable, Iterator

import pulumi

from . import limits
from .args import Balancing, Egress
from .spec import FargateSpec

_OF_OWN_NETWORK = ("zones", "vpc_cidr", "egress")
_OF_EXISTING_NETWORK = ("subnet_ids", "task_subnet_ids", "assign_public_ip")
_OF_OWN_BALANCER = ("internal", "certificate_arn", "allowed_cidrs", "idle_timeout_seconds")
_OF_EXISTING_BALANCER = ("listener_security_group_id", "listener_paths", "listener_priority")


def network_faults(spec: FargateSpec) -> Iterator[str]:
    if spec.service.port < limits.PORT_FROM and spec.service.port >= 1:
        yield (
            f"port is {spec.service.port}; the server is not root and opens {limits.PORT_FROM} to 65535; "
            "nearest: 8080."
        )
    yield from _own_network_faults(spec) if spec.own_network else _existing_network_faults(spec)
    yield from _own_balancer_faults(spec) if spec.own_balancer else _existing_balancer_faults(spec)
    yield from _time_faults(spec)
    if spec.domain and not limits.DOMAIN.fullmatch(spec.domain):
        yield f"domain is {spec.domain!r}; allowed is a domain's name in lowercase, such as api.example.com."


def _misplaced(spec: FargateSpec, keys: Iterable[str], without: str) -> Iterator[str]:
    for key in keys:
        if key in spec.given:
            yield f"{key} is given {without}; leave one of them out."


def _own_network_faults(spec: FargateSpec) -> Iterator[str]:
    yield from _misplaced(spec, _OF_EXISTING_NETWORK, "without vpc_id")
    if len(set(spec.zones)) not in limits.ZONES or len(set(spec.zones)) != len(spec.zones):
        yield (
            f"zones is {', '.join(spec.zones) or 'empty'}; it must name {limits.ZONES[0]} to "
            f"{limits.ZONES[-1]} different ones, such as {spec.region}a and {spec.region}b: a load balancer "
            "needs two."
        )
    for zone in spec.zones:
        if not re.fullmatch(rf"{re.escape(spec.region)}[a-z]", zone) and spec.region:
            yield f"zones has {zone!r}; a zone of {spec.region} is {spec.region} and a letter."
    yield from _vpc_cidr_faults(spec)
    if spec.egress is Egress.ENDPOINTS:
        yield from _endpoint_faults(spec)


def _endpoint_faults(spec: FargateSpec) -> Iterator[str]:
    """What a task could not reach from subnets without a way to the internet."""
    if spec.service.model.startswith("gs://"):
        yield (
            f"egress is endpoints with model {spec.service.model!r}; from there is no way to Google: take "
            "public-address, or a model in S3."
        )


def _vpc_cidr_faults(spec: FargateSpec) -> Iterator[str]:
    network = _network(spec.vpc_cidr)
    if network is None or not network.is_private or network.prefixlen not in limits.VPC_PREFIX:
        yield (
            f"vpc_cidr is {spec.vpc_cidr!r}; it must be a private IPv4 network of /{limits.VPC_PREFIX[0]} to "
            f"/{limits.VPC_PREFIX[-1]}, such as 10.0.0.0/16."
        )


def _network(text: str) -> ipaddress.IPv4Network | None:
    """None where it is none, or has host bits set: 10.0.0.1/16 is more likely a slip than meant."""
    try:
        return ipaddress.IPv4Network(text) if "/" in text else None
    except ValueError:
        return None


def _existing_network_faults(spec: FargateSpec) -> Iterator[str]:
    yield from _misplaced(spec, _OF_OWN_NETWORK, "with vpc_id, whose network is its owner's")
    yield from _id_faults("vpc_id", [spec.vpc_id], limits.VPC_ID, "vpc-<17 hex digits>")
    for key, ids in (("subnet_ids", spec.subnet_ids), ("task_subnet_ids", spec.task_subnet_ids)):
        if key == "task_subnet_ids" and not ids:
            continue
        known = [subnet for subnet in ids if isinstance(subnet, str)]
        if len(ids) < limits.LEAST_ZONES or len(set(known)) != len(known):
            yield (
                f"{key} has {len(ids)} "
                f"subnets{', one of them twice' if len(set(known)) != len(known) else ''}; it must have "
                f"{limits.LEAST_ZONES} different ones or more, in {limits.LEAST_ZONES} zones or more."
            )
        if len(ids) > limits.SUBNETS:
            yield f"{key} has {len(ids)} subnets; ECS allows {limits.SUBNETS}."
        yield from _id_faults(key, ids, limits.SUBNET_ID, "subnet-<17 hex digits>")


def _id_faults(
    key: str, values: Iterable[pulumi.Input[str] | None], pattern: re.Pattern[str], form: str
) -> Iterator[str]:
    for value in values:
        if isinstance(value, str) and not pattern.fullmatch(value):
            yield f"{key} has {value!r}; it must be {form}."


def _own_balancer_faults(spec: FargateSpec) -> Iterator[str]:
    yield from _misplaced(spec, _OF_EXISTING_BALANCER, "without listener_arn")
    if spec.certificate_arn is not None and not spec.domain:
        yield "certificate_arn is given without `domain`; name the domain that the certificate is for."
    if spec.domain and spec.certificate_arn is None:
        yield (
            f"domain is {spec.domain} without `certificate_arn`; give the ACM certificate for it in "
            f"{spec.region or 'the same region'}, or leave the domain out."
        )
    if spec.service.public and spec.allowed_cidrs:
        yield "allowed_cidrs is given while public is true, which is everybody; leave one of them out."
    for cidr in spec.allowed_cidrs:
        yield from _cidr_faults(cidr)


def _cidr_faults(cidr: str) -> Iterator[str]:
    network = _network(cidr)
    if network is None:
        near = _nearest_cidr(cidr)
        yield (
            f"allowed_cidrs has {cidr!r}; allowed are IPv4 networks, such as 203.0.113.0/24"
            f"{f'; nearest: {near}' if near else ''}."
        )
    elif network.prefixlen == 0:
        yield f"allowed_cidrs has {cidr}, which is everybody; say `public` if that is meant."


def _nearest_cidr(text: str) -> str:
    try:
        return str(ipaddress.IPv4Network(text, strict=False))
    except ValueError:
        return ""


def _existing_balancer_faults(spec: FargateSpec) -> Iterator[str]:
    yield from _misplaced(spec, _OF_OWN_BALANCER, "with listener_arn, whose load balancer is its owner's")
    if spec.service.public:
        yield "public is true with listener_arn; who may call it is up to that load balancer: leave it out."
    if spec.own_network:
        yield "listener_arn is given without `vpc_id`; the tasks must be in the load balancer's VPC."
    if spec.listener_security_group_id is None:
        yield (
            "listener_arn is given without `listener_security_group_id`; the tasks let in the load "
            "balancer's security group alone."
        )
    yield from _id_faults(
        "listener_security_group_id",
        [spec.listener_security_group_id],
        limits.SECURITY_GROUP_ID,
        "sg-<17 hex digits>",
    )
    if not spec.domain:
        yield "listener_arn is given without `domain`; its rule sends the requests of one domain here."
    yield from _rule_faults(spec)


def _rule_faults(spec: FargateSpec) -> Iterator[str]:
    if len(spec.listener_paths) > limits.RULE_VALUES - 1:
        yield (
            f"listener_paths has {len(spec.listener_paths)}; beside the domain a rule holds "
            f"{limits.RULE_VALUES - 1}."
        )
    for path in spec.listener_paths:
        if not limits.PATH.fullmatch(path):
            yield (
                f"listener_paths has {path!r}; allowed is /<at most 127 characters of a path>, * and ? in it."
            )
    priority = spec.listener_priority
    if priority is not None and priority not in limits.PRIORITY:
        yield (
            f"listener_priority is {priority:g}; it must be a whole number from {limits.PRIORITY[0]} to "
            f"{limits.PRIORITY[-1]}."
        )


def _time_faults(spec: FargateSpec) -> Iterator[str]:
    idle, slow, timeout = (
        spec.idle_timeout_seconds,
        spec.slow_start_seconds,
        spec.service.request_timeout_seconds,
    )
    if idle not in limits.IDLE_TIMEOUT_SECONDS:
        yield f"idle_timeout_seconds is {idle:g}; it must be a whole number from 1 to 4000."
    elif timeout > idle:
        yield (
            f"idle_timeout_seconds is {idle:g}, below request_timeout_seconds {timeout:g}; the load balancer "
            f"would drop requests that are computed; nearest: {math.ceil(min(timeout, 3600))}."
        )
    allowed = limits.SLOW_START_SECONDS
    if slow and slow not in allowed:
        near = min(max(round(slow), allowed[0]), allowed[-1]) if math.isfinite(slow) else 0
        yield (
            f"slow_start_seconds is {slow:g}; it must be 0, or a whole number from {allowed[0]} to "
            f"{allowed[-1]}; nearest: {near}."
        )
    if slow and spec.balancing is not Balancing.ROUND_ROBIN:
        yield (
            f"slow_start_seconds is {slow:g} with balancing {spec.balancing.value}; a slow start needs "
            "round_robin: leave `balancing` out, or the slow start."
        )


def network_warnings(spec: FargateSpec) -> Iterator[str]:
    if spec.own_balancer and spec.certificate_arn is None:
        yield (
            "without a certificate the API key and the texts travel in the clear to the load balancer; give "
            "`certificate_arn` and `domain`."
        )
    if spec.own_balancer and not (spec.service.public or spec.allowed_cidrs):
        yield "nobody can call the service: give `allowed_cidrs`, or `public`."
    if spec.idle_timeout_seconds >= limits.KEEP_ALIVE_SECONDS:
        yield (
            f"idle_timeout_seconds is {spec.idle_timeout_seconds:g}; the server closes idle connections "
            f"after {limits.KEEP_ALIVE_SECONDS} s, before the load balancer does: expect a rare 502, and let "
            "callers try again."
        )
    if spec.deregistration_seconds + spec.drain_seconds > 600:
        yield (
            f"a task may take {spec.deregistration_seconds + spec.drain_seconds} s to stop, as long as its "
            "requests may take; so do deployments."
        )
