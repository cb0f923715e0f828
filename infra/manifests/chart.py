"""Renders the objects as a Helm chart: what users change is in values.yaml, everything else in templates.

`helm template` of an unchanged chart renders the plain objects.
"""

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from slipway.components.observability.signal import WORKER_SUFFIX
from slipway.infra.manifests.objects import Manifests, dumped, head_lines, made_by
from slipway.infra.manifests.watching import SERVICE, in_any_namespace, is_watching
from slipway.infra.resources.reading import at

_VERSION = "0.1.0"
# Marks an expression in an object until it is rendered. YAML quotes it because it begins with @.
_MARKED = re.compile(r"'@@(.*?)@@'")
_SETTINGS_NAME = re.compile(r"(?P<base>.+-settings)-[0-9a-f]{8}")


def chart_files(manifests: Manifests) -> dict[str, str]:
    """Chart.yaml, values.yaml and a template for each object."""
    values: dict[str, Any] = {"secretName": manifests.missing[0].name} if manifests.missing else {}
    mark = made_by(manifests.stack)
    head = f"{{{{- /* {mark} */}}}}\n"  # a comment of the template, which nothing is rendered of
    templates = {
        f"templates/{each.name}.yaml": head + _template(each.body, values) for each in manifests.objects
    }
    name = next(each.body["metadata"]["name"] for each in manifests.objects if "spec" in each.body)
    chart = {
        "apiVersion": "v2",
        "name": name,
        "description": f"Inference service {name}",
        "type": "application",
        "version": _VERSION,
    }
    comment = "".join(f"# {line}\n" for line in head_lines(manifests))
    return {"Chart.yaml": f"# {mark}\n" + dumped(chart), "values.yaml": comment + dumped(values), **templates}


def _template(body: Mapping[str, Any], values: dict[str, Any]) -> str:
    """Render an object as a template, and add to `values` what the template reads from them."""
    marked: dict[str, Any] = deepcopy(dict(body))
    _take_namespace(marked, values)
    if marked["kind"] in _TAKING:
        _TAKING[marked["kind"]](marked, values)
    text = dumped(marked).replace("{{", '{{ "{{" }}')
    if is_watching(body):
        text = in_any_namespace(text, body["metadata"]["namespace"], body["metadata"]["labels"][SERVICE])
    text = _MARKED.sub(lambda found: "{{ " + found[1].replace("''", "'") + " }}", text)
    if marked["kind"] == "Namespace":
        values["createNamespace"] = True
        return "{{- if .Values.createNamespace }}\n" + text + "{{- end }}\n"
    return text


def _mark(expression: str) -> str:
    return f"@@{expression}@@"


def _take_namespace(body: dict[str, Any], values: dict[str, Any]) -> None:
    metadata = body["metadata"]
    key = "name" if body["kind"] == "Namespace" else "namespace"
    values["namespace"] = metadata[key]
    metadata[key] = _mark(".Values.namespace | quote")


def _take_settings(body: dict[str, Any], values: dict[str, Any]) -> None:
    if is_watching(body):
        return
    values["settings"] = body["data"]
    body["data"] = _mark("toJson .Values.settings")
    body["metadata"]["name"] = _settings_name(body["metadata"]["name"])


def _settings_name(name: str) -> str:
    """Name the ConfigMap after its values, because Kubernetes does not allow changes to an immutable one."""
    found = _SETTINGS_NAME.fullmatch(name)
    if found is None:
        return name
    return _mark(f'printf "{found["base"]}-%s" (.Values.settings | toJson | sha256sum | trunc 8)')


def _is_of_workers(body: Mapping[str, Any]) -> bool:
    return str(body["metadata"]["name"]).endswith(WORKER_SUFFIX)


def _take_deployment(body: dict[str, Any], values: dict[str, Any]) -> None:
    _take_pod(body["spec"]["template"]["spec"], values)


def _take_inference_service(body: dict[str, Any], values: dict[str, Any]) -> None:
    _take_least_and_most(body["spec"]["predictor"], values)
    _take_pod(body["spec"]["predictor"], values)


def _take_autoscaler(body: dict[str, Any], values: dict[str, Any]) -> None:
    _take_least_and_most(body["spec"], values, part=_part(body))


def _take_scaled_object(body: dict[str, Any], values: dict[str, Any]) -> None:
    _take_least_and_most(body["spec"], values, "Count", _part(body))


def _part(body: Mapping[str, Any]) -> str:
    """Return the part of the values with the range of an autoscaler: of the instances, or of the workers."""
    return "workers" if _is_of_workers(body) else "autoscaling"


def _take_least_and_most(
    spec: dict[str, Any], values: dict[str, Any], ending: str = "", part: str = "autoscaling"
) -> None:
    """Take the range from a part of the values. ending: of KEDA's names for its two ends."""
    ends = {"minReplicas": f"minReplica{ending or 's'}", "maxReplicas": f"maxReplica{ending or 's'}"}
    for key, field in ends.items():
        values.setdefault(part, {})[key] = spec[field]
        spec[field] = _mark(f"int .Values.{part}.{key}")


def _take_database(body: dict[str, Any], values: dict[str, Any]) -> None:
    spec = body["spec"]
    values["jobsDatabase"] = {"size": spec["storage"]["size"]}
    spec["storage"]["size"] = _mark(".Values.jobsDatabase.size | quote")


def _take_pod(pod: dict[str, Any], values: dict[str, Any]) -> None:
    for key in ("nodeSelector", "tolerations"):
        if key in pod:
            values[key] = pod[key]
            pod[key] = _mark(f"toJson .Values.{key}")
    for container in (*pod["containers"], *pod.get("initContainers", ())):
        _take_container(container, values)


def _take_container(container: dict[str, Any], values: dict[str, Any]) -> None:
    values["image"] = container["image"]
    container["image"] = _mark(".Values.image | quote")
    values.setdefault("resources", {})[container["name"]] = container["resources"]
    container["resources"] = _mark(f'toJson (index .Values.resources "{container["name"]}")')
    for variable in container["env"]:
        name = at(variable, "valueFrom", "secretKeyRef", "name")
        if name is not None and name == values.get("secretName"):
            reference = variable["valueFrom"]["secretKeyRef"]
            reference["name"] = _mark(".Values.secretName | quote")
    for source in container["envFrom"]:
        source["configMapRef"]["name"] = _settings_name(source["configMapRef"]["name"])


_TAKING: Mapping[str, Callable[[dict[str, Any], dict[str, Any]], None]] = {
    "ConfigMap": _take_settings,
    "Deployment": _take_deployment,
    "InferenceService": _take_inference_service,
    "HorizontalPodAutoscaler": _take_autoscaler,
    "ScaledObject": _take_scaled_object,
    "Cluster": _take_database,
}
