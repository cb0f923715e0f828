"""Rules, dashboard and load of a service in a chart, which name the namespace that its values choose."""

import re
from collections.abc import Mapping
from typing import Any

from slipway.components.keda_api import proxy_name
from slipway.components.kubernetes.monitoring import dashboard_file
from slipway.components.observability.grafana import dashboard_uid, title_of
from slipway.components.observability.prometheus import Subject

# The label with the name of the service: components/kubernetes/pod.py, SERVICE_LABEL.
SERVICE = "app.kubernetes.io/name"
_OF_A_NAMESPACE = ("PrometheusRule", "Rules", "ScaledObject", "InterceptorRoute")
_NAMESPACE = "{{ .Values.namespace }}"


def is_watching(body: Mapping[str, Any]) -> bool:
    """Return whether an object's contents name the namespace: rules, a dashboard, a query, hosts.

    The ConfigMap with the settings, which do not, is immutable.
    """
    return body["kind"] in _OF_A_NAMESPACE or (body["kind"] == "ConfigMap" and not body.get("immutable"))


def in_any_namespace(text: str, namespace: str, service: str) -> str:
    """Return a template whose queries, titles and names are of the namespace in the values."""
    subject, any_namespace = Subject(service, namespace), Subject(service, _NAMESPACE)
    hashed = f'dict "name" "{service}" "namespace" .Values.namespace | toJson | sha256sum | trunc 8'
    replaced = {
        f'namespace="{namespace}"': f'namespace="{_NAMESPACE}"',
        f'namespace=\\"{namespace}\\"': f'namespace=\\"{_NAMESPACE}\\"',
        f"{proxy_name(service)}.{namespace}": f"{proxy_name(service)}.{_NAMESPACE}",
        dashboard_file(subject): dashboard_file(any_namespace),
        f"Slipway: {title_of(subject)}": f"Slipway: {title_of(any_namespace)}",
        dashboard_uid(subject): f"slipway-{{{{ {hashed} }}}}",
    }
    for old, new in replaced.items():
        text = text.replace(old, new)
    label = re.compile(rf"^( +namespace: )'?{re.escape(namespace)}'?$", re.MULTILINE)
    return label.sub(r"\1{{ .Values.namespace | quote }}", text)
