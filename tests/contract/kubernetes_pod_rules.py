"""What the API's schemas let through of a pod and its containers. Each rule: whether it holds."""

import re
from collections.abc import Mapping
from typing import Any

from tests.contract.kubernetes_reading import Objects, containers, of_kind, pods, quantity, servers


def quantities_are_ones(objects: Objects) -> bool:
    texts = [text for c in containers(objects) for side in c["resources"].values() for text in side.values()]
    texts += [
        volume["emptyDir"]["sizeLimit"]
        for pod in pods(objects)
        for volume in pod["spec"]["volumes"]
        if "sizeLimit" in volume.get("emptyDir", {})
    ]
    texts += [
        claim["spec"]["resources"]["requests"]["storage"]
        for claim in of_kind(objects, "PersistentVolumeClaim")
    ]
    for scaler in of_kind(objects, "HorizontalPodAutoscaler"):
        texts += [
            m["pods"]["target"]["averageValue"] for m in scaler["spec"]["metrics"] if m["type"] == "Pods"
        ]
    return all((found := quantity(text)) is not None and found > 0 for text in texts)


def requests_are_within_limits(objects: Objects) -> bool:
    def within(container: Any) -> bool:
        limits, requests = container["resources"]["limits"], container["resources"]["requests"]
        return all(
            name in limits and (quantity(text) or 0) <= (quantity(limits[name]) or 0)
            for name, text in requests.items()
        )

    return all(within(container) for container in containers(objects))


def gpus_are_limits(objects: Objects) -> bool:
    """Whole ones, requested as they are limited, and never in an init container."""

    def right(container: Any) -> bool:
        limits = container["resources"]["limits"].get("nvidia.com/gpu")
        requests = container["resources"]["requests"].get("nvidia.com/gpu")
        return limits == requests and (limits is None or bool(re.fullmatch("[1-9][0-9]*", limits)))

    starting = [c for pod in pods(objects) for c in pod["spec"].get("initContainers", ())]
    return all(map(right, containers(objects))) and not any(
        "nvidia.com/gpu" in c["resources"]["limits"] for c in starting
    )


def tolerations_are_ones(objects: Objects) -> bool:
    def right(toleration: Mapping[str, str]) -> bool:
        operator = toleration.get("operator", "Equal")
        effect = toleration.get("effect", "NoSchedule")
        known = operator in ("Equal", "Exists") and effect in ("NoSchedule", "PreferNoSchedule", "NoExecute")
        return known and not (operator == "Exists" and "value" in toleration)

    return all(right(found) for pod in pods(objects) for found in pod["spec"].get("tolerations", ()))


def end_is_longer_than_the_drain(objects: Objects) -> bool:
    drain = int(of_kind(objects, "ConfigMap")[0]["data"]["DRAIN_SECONDS"])

    def long_enough(pod: Any) -> bool:
        [container] = pod["spec"]["containers"]
        grace = pod["spec"]["terminationGracePeriodSeconds"]
        if container["name"] != "server":  # which alone gets requests, and goes on for a while
            return grace > drain
        before = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        return grace > before + drain and before > 0

    return all(long_enough(d["spec"]["template"]) for d in of_kind(objects, "Deployment"))


def deadline_is_longer_than_the_start(objects: Objects) -> bool:
    def long_enough(deployment: Any) -> bool:
        probe = deployment["spec"]["template"]["spec"]["containers"][0]["startupProbe"]
        patience = probe["periodSeconds"] * probe["failureThreshold"]
        return deployment["spec"]["progressDeadlineSeconds"] > patience + deployment["spec"].get(
            "minReadySeconds", 0
        )

    return all(map(long_enough, of_kind(objects, "Deployment")))


def probes_end_before_the_next(objects: Objects) -> bool:
    probes = [c[name] for c in servers(objects) for name in c if name.endswith("Probe")]
    return bool(probes) and all(
        1 <= p["timeoutSeconds"] <= p["periodSeconds"] and p["failureThreshold"] >= 1 for p in probes
    )


def pods_are_restricted(objects: Objects) -> bool:
    """K8S concepts/security/pod-security-standards, restricted; and a read-only root."""

    def right(context: Mapping[str, Any]) -> bool:
        return (
            context["runAsNonRoot"] is True
            and context["runAsUser"] > 0
            and context["readOnlyRootFilesystem"] is True
            and context["allowPrivilegeEscalation"] is False
            and context["capabilities"] == {"drop": ["ALL"]}
            and context["seccompProfile"] == {"type": "RuntimeDefault"}
        )

    return all(right(container["securityContext"]) for container in containers(objects))


def volumes_are_mounted(objects: Objects) -> bool:
    def right(pod: Any) -> bool:
        volumes = [volume["name"] for volume in pod["spec"]["volumes"]]
        every = (*pod["spec"]["containers"], *pod["spec"].get("initContainers", ()))
        mounted = [{mount["name"] for mount in container["volumeMounts"]} for container in every]
        return all(names == set(volumes) for names in mounted) and len(volumes) == len(set(volumes))

    claims = {claim["metadata"]["name"] for claim in of_kind(objects, "PersistentVolumeClaim")}
    named = {
        volume["persistentVolumeClaim"]["claimName"]
        for pod in pods(objects)
        for volume in pod["spec"]["volumes"]
        if "persistentVolumeClaim" in volume
    }
    return all(map(right, pods(objects))) and claims == named


def environment_is_there(objects: Objects) -> bool:
    """Its ConfigMap and its Secret are among the objects; no name twice; both immutable.

    A dashboard is no environment: it changes, and Grafana reads it by its label.
    """
    settings = {
        found["metadata"]["name"]: found
        for found in of_kind(objects, "ConfigMap")
        if "grafana_dashboard" not in found["metadata"]["labels"]
    }
    own = {found["metadata"]["name"]: found for found in of_kind(objects, "Secret")}

    def right(container: Any) -> bool:
        named = [source["configMapRef"]["name"] for source in container["envFrom"]]
        names = [variable["name"] for variable in container["env"]]
        plain = [name for found in named for name in settings.get(found, {}).get("data", {})]
        secret = [variable for variable in container["env"] if "value" not in variable]
        references = [variable["valueFrom"]["secretKeyRef"] for variable in secret]
        kept = [r for r in references if r["name"] in own]
        return (
            set(named) <= settings.keys()
            and len(set(names)) == len(names)
            and not {variable["name"] for variable in secret} & set(plain)
            and {r["key"] for r in kept} == set(next(iter(own.values()))["stringData"])
        )

    immutable = all(found.get("immutable") is True for found in (*settings.values(), *own.values()))
    return all(map(right, containers(objects))) and immutable


def images_have_their_digest(objects: Objects) -> bool:
    return all(re.search(r"@sha256:[0-9a-f]{64}$", container["image"]) for container in containers(objects))


def identity_is_there(objects: Objects) -> bool:
    accounts = {found["metadata"]["name"] for found in of_kind(objects, "ServiceAccount")}
    return all(pod["spec"]["serviceAccountName"] in accounts for pod in pods(objects))
