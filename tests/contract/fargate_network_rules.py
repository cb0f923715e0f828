"""Our rules for the load balancer and the network, read backwards from the calls that make them."""

import ipaddress
import re
from collections.abc import Callable, Mapping

from slipway.components.fargate import limits
from tests.contract.fargate_calls import Made


def _port_is_one(made: Made) -> bool:
    balancers, [mapping] = made.service["loadBalancers"], made.server["portMappings"]
    ports = {
        *(balancer["containerPort"] for balancer in balancers),
        mapping["containerPort"],
        mapping["hostPort"],
        made.target_group["Port"],
    }
    return (
        ports == {int(made.environment["PORT"])}
        and {balancer["containerName"] for balancer in balancers} == {made.server["name"]}
        and all(1024 <= port <= 65535 for port in ports)
    )


def _targets_are_addresses(made: Made) -> bool:
    return made.target_group["TargetType"] == "ip"


def _targets_are_asked(made: Made) -> bool:
    group = made.target_group
    times = group["HealthCheckIntervalSeconds"], group["HealthCheckTimeoutSeconds"]
    thresholds = group["HealthyThresholdCount"], group["UnhealthyThresholdCount"]
    return (
        group["HealthCheckPath"] == "/ready"
        and times[0] in limits.TARGET_INTERVAL_SECONDS
        and times[1] in limits.TARGET_TIMEOUT_SECONDS
        and times[1] < times[0]
        and all(threshold in limits.TARGET_THRESHOLD for threshold in thresholds)
    )


def _slow_start_is_paired(made: Made) -> bool:
    seconds = int(made.of_target_group("slow_start.duration_seconds"))
    algorithm = made.of_target_group("load_balancing.algorithm.type")
    return seconds == 0 or (30 <= seconds <= 900 and algorithm == "round_robin")


def _requests_outlive_the_balancer(made: Made) -> bool:
    """No connection is dropped, and no task is stopped, under a request that may still take its time."""
    timeout = float(made.environment["REQUEST_TIMEOUT_SECONDS"])
    idle = made.attribute("ModifyLoadBalancerAttributes", "idle_timeout.timeout_seconds")
    delay = int(made.of_target_group("deregistration_delay.timeout_seconds"))
    patient = idle is None or (timeout <= int(idle) and int(idle) in limits.IDLE_TIMEOUT_SECONDS)
    return timeout <= delay and delay in limits.DEREGISTRATION_SECONDS and patient


def _names_fit(made: Made) -> bool:
    names = [
        params["Name"] for kind in ("LoadBalancer", "TargetGroup") for params in made.all(f"Create{kind}")
    ]
    roles = [params["RoleName"] for params in made.all("CreateRole")]
    return all(
        re.fullmatch(r"(?!internal-)[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?", name) for name in names
    ) and (all(re.fullmatch(r"[\w+=,.@-]{1,64}", role) for role in roles))


def _https_is_whole(made: Made) -> bool:
    """With a certificate the plain listener only redirects; without one there is none but it."""
    by_port = {params["Port"]: params for params in made.all("CreateListener")}
    if not by_port:
        return bool(made.all("CreateRule"))
    kinds = {port: params["DefaultActions"][0]["Type"] for port, params in by_port.items()}
    if 443 not in by_port:
        return kinds == {80: "forward"}
    secure = by_port[443]
    has_certificate = bool(secure.get("Certificates")) and secure["Protocol"] == "HTTPS"
    return kinds == {80: "redirect", 443: "forward"} and has_certificate and "TLS13" in secure["SslPolicy"]


def _only_the_balancer_gets_in(made: Made) -> bool:
    """Check that the tasks' port admits only a group; address rules open a listener or the endpoints."""
    port = made.server["portMappings"][0]["containerPort"]
    for permission in made.permissions("AuthorizeSecurityGroupIngress"):
        opened = permission["FromPort"]
        if permission["ToPort"] != opened or permission["IpProtocol"] != "tcp":
            return False
        if "IpRanges" in permission and (opened == port or opened not in (80, 443)):
            return False
        if "UserIdGroupPairs" in permission and opened != port:
            return False
    return True


def _only_https_gets_out(made: Made) -> bool:
    return all(
        permission["FromPort"] == permission["ToPort"] == 443 or "UserIdGroupPairs" in permission
        for permission in made.permissions("AuthorizeSecurityGroupEgress")
    )


def _zones_are_two(made: Made) -> bool:
    own = {params["AvailabilityZone"] for params in made.all("CreateSubnet")}
    subnets = made.service["networkConfiguration"]["awsvpcConfiguration"]["subnets"]
    return 2 <= len(set(subnets)) <= 16 and (not own or len(own) >= 2)


def _subnets_lie_in_the_vpc(made: Made) -> bool:
    subnets = [ipaddress.ip_network(params["CidrBlock"]) for params in made.all("CreateSubnet")]
    whole = [ipaddress.ip_network(params["CidrBlock"]) for params in made.all("CreateVpc")]
    apart = not any(a.overlaps(b) for a in subnets for b in subnets if a is not b)
    return apart and all(any(subnet.subnet_of(vpc) for vpc in whole) for subnet in subnets)  # pyright: ignore[reportArgumentType]


def _public_tasks_have_a_way_out(made: Made) -> bool:
    """In an own network: a public address, or an endpoint for each service that a task needs."""
    if not made.all("CreateVpc"):
        return True
    address = made.service["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"] == "ENABLED"
    endpoints = {params["ServiceName"].split(".", 3)[-1] for params in made.all("CreateVpcEndpoint")}
    return address != (endpoints >= {"ecr.api", "ecr.dkr", "logs", "secretsmanager", "s3"})


NETWORK_RULES: Mapping[str, Callable[[Made], bool]] = {
    "there is one port": _port_is_one,
    "targets are addresses": _targets_are_addresses,
    "targets are asked within limits": _targets_are_asked,
    "a slow start comes with round robin": _slow_start_is_paired,
    "requests may take their time": _requests_outlive_the_balancer,
    "names fit": _names_fit,
    "HTTPS is whole": _https_is_whole,
    "only the load balancer gets to a task": _only_the_balancer_gets_in,
    "only HTTPS gets out": _only_https_gets_out,
    "there are two zones": _zones_are_two,
    "subnets lie apart in their VPC": _subnets_lie_in_the_vpc,
    "tasks have one way out": _public_tasks_have_a_way_out,
}
