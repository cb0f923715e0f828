"""What the API's schemas let through of a service that takes jobs. Each rule: whether it holds."""

from collections.abc import Mapping
from typing import Any

from tests.contract.kubernetes_reading import Objects, of_kind

_ADDRESS = "JOBS_DATABASE"


def _address_of(deployment: Mapping[str, Any]) -> Mapping[str, str] | None:
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    found = [each for each in container["env"] if each["name"] == _ADDRESS]
    return found[0]["valueFrom"]["secretKeyRef"] if found else None


def workers_are_next_to_the_service(objects: Objects) -> bool:
    """Whether who takes jobs has workers of the same database and account that no Service selects."""
    deployments = {each["metadata"]["name"]: each for each in of_kind(objects, "Deployment")}
    workers = {name: each for name, each in deployments.items() if name.endswith("-worker")}
    servers = {name: each for name, each in deployments.items() if name not in workers}
    addresses = [_address_of(each) for each in deployments.values()]
    if not workers:
        return not any(addresses)
    pods = [each["spec"]["template"] for each in deployments.values()]
    selected = [
        each["spec"]["selector"] for each in of_kind(objects, "Service") if "selector" in each["spec"]
    ]
    return (
        len(workers) == 1
        and bool(servers)
        and all(address == addresses[0] for address in addresses)
        and len({pod["spec"]["serviceAccountName"] for pod in pods}) == 1
        and all(_role(each) == "worker" for each in workers.values())
        and all(_role(each) == "" for each in servers.values())
        and not any(
            selector.items() <= each["spec"]["template"]["metadata"]["labels"].items()
            for each in workers.values()
            for selector in selected
        )
    )


def _role(deployment: Mapping[str, Any]) -> str:
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    return next((each["value"] for each in container["env"] if each["name"] == "ROLE"), "")


def database_is_there(objects: Objects) -> bool:
    """Whether pods and KEDA read the Secret of the database's operator, where it is one's own."""
    clusters = [each["metadata"]["name"] for each in of_kind(objects, "Cluster")]
    addresses = [address for each in of_kind(objects, "Deployment") if (address := _address_of(each))]
    logins = [
        {"name": target["name"], "key": target["key"]}
        for each in of_kind(objects, "TriggerAuthentication")
        for target in each["spec"].get("secretTargetRef", ())
    ]
    if not clusters:
        return all(login in addresses for login in logins)
    own = {"name": f"{clusters[0]}-app", "key": "uri"}
    return len(clusters) == 1 and all(each == own for each in (*addresses, *logins)) and bool(addresses)


def policies_let_to_the_database(objects: Objects) -> bool:
    """Whether each policy lets pods reach port 5432: of the database's pods, or anywhere for another one."""
    if not any(_address_of(each) for each in of_kind(objects, "Deployment")):
        return True
    clusters = [each["metadata"]["name"] for each in of_kind(objects, "Cluster")]
    wanted = [{"podSelector": {"matchLabels": {"cnpg.io/cluster": clusters[0]}}}] if clusters else None
    return all(
        any(
            rule.get("to") == wanted and [port["port"] for port in rule.get("ports", ())] == [5432]
            for rule in policy["spec"]["egress"]
        )
        for policy in of_kind(objects, "NetworkPolicy")
    )


def nobody_calls_a_worker(objects: Objects) -> bool:
    """Whether a worker's policy admits nothing apart from what reads its metrics."""
    return all(
        all([port["port"] for port in rule["ports"]] == ["metrics"] for rule in policy["spec"]["ingress"])
        for policy in of_kind(objects, "NetworkPolicy")
        if policy["metadata"]["name"].endswith("-worker")
    )


def database_survives_an_instance(objects: Objects) -> bool:
    """Whether fewer standbys must have a commit than there are."""
    return all(
        each["spec"].get("postgresql", {}).get("synchronous", {}).get("number", 0) < each["spec"]["instances"]
        for each in of_kind(objects, "Cluster")
    )
