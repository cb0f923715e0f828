"""Who reaches the pods and by what address: Service, Ingress, NetworkPolicy, monitoring. Pure."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pulumi

from .. import keda_api
from ..content_hash import hashed
from ..endpoints import Endpoint, endpoints_of
from ..google.traces import google_traces
from ..model_address import Source
from ..traces import CLOUD, with_collector
from . import interceptor, job_database, limits, monitoring, names
from .pod import METRICS
from .second_version import traffic_selector
from .spec import KubernetesSpec

HTTP_PORT, HTTPS_PORT = 80, 443
# To DNS inside the cluster, whatever answers there: pods, or a cache on the node.
_TO_DNS: dict[str, Any] = {
    "ports": [{"port": 53, "protocol": protocol} for protocol in ("TCP", "UDP")],
    "to": [{"namespaceSelector": {}}, {"ipBlock": {"cidr": limits.LINK_LOCAL}}],
}


def service_type(spec: KubernetesSpec) -> str:
    """Return the type of the Service: a load balancer for a public service without a domain."""
    return "LoadBalancer" if spec.service.public and not spec.domain else "ClusterIP"


def service_annotations(spec: KubernetesSpec) -> dict[str, str]:
    """Return what makes Google's load balancer send to the pods directly and probe them by `backend_spec`.

    A service that may have no pod is not waited for.
    """
    if spec.service.min_replicas == 0:
        return dict(interceptor.UNWAITED)
    if not (spec.on_gke and spec.domain):
        return {}
    return {
        "cloud.google.com/backend-config": json.dumps({"default": spec.name}),
        "cloud.google.com/neg": json.dumps({"ingress": True}),
    }


def service_spec(spec: KubernetesSpec) -> dict[str, Any]:
    return {
        "type": service_type(spec),
        "selector": traffic_selector(spec),
        "ports": [{"name": "http", "port": HTTP_PORT, "targetPort": "http", "protocol": "TCP"}],
    }


def url_of(spec: KubernetesSpec) -> str:
    """Return the URL; '' if only the load balancer knows it."""
    if spec.domain:
        return f"http{'s' if has_tls(spec) else ''}://{spec.domain}"
    if spec.with_interceptor:
        return keda_api.proxy_url(spec.name, spec.namespace)
    if service_type(spec) == "LoadBalancer" and not spec.with_kserve:
        return ""
    return f"http://{names.cluster_host(spec.name, spec.namespace)}"


def has_tls(spec: KubernetesSpec) -> bool:
    return spec.on_gke or bool(spec.tls_secret)


def address_name(spec: KubernetesSpec) -> str:
    """Return the name of Google's global address, which is unique in the project, whatever the cluster."""
    return hashed(spec.name, {"cluster": spec.cluster_name, "namespace": spec.namespace})


def ingress_annotations(spec: KubernetesSpec, address: pulumi.Input[str]) -> dict[str, pulumi.Input[str]]:
    """Return the annotations of the Ingress. address: name of Google's global address; '' elsewhere."""
    return {**spec.ingress_annotations, **own_ingress_annotations(spec, address)}


def own_ingress_annotations(
    spec: KubernetesSpec, address: pulumi.Input[str] = ""
) -> dict[str, pulumi.Input[str]]:
    """Return the annotations of the Ingress that the other arguments decide."""
    if spec.on_gke:
        return {
            # GKE reads this annotation, not `ingressClassName`: GKE concepts/ingress.
            limits.CLASS_ANNOTATION: "gce",
            "kubernetes.io/ingress.global-static-ip-name": address,
            "networking.gke.io/managed-certificates": spec.name,
            "networking.gke.io/v1beta1.FrontendConfig": spec.name,
        }
    return {"cert-manager.io/cluster-issuer": spec.cert_issuer} if spec.cert_issuer else {}


def ingress_spec(spec: KubernetesSpec) -> dict[str, Any]:
    service = keda_api.proxy_name(spec.name) if spec.with_interceptor else spec.name
    backend = {"service": {"name": service, "port": {"name": "http"}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    ingress: dict[str, Any] = {"rules": [{"host": spec.domain, "http": {"paths": [path]}}]}
    if not spec.on_gke and spec.ingress_class:
        ingress["ingressClassName"] = spec.ingress_class
    if not spec.on_gke and spec.tls_secret:
        ingress["tls"] = [{"hosts": [spec.domain], "secretName": spec.tls_secret}]
    return ingress


def backend_spec(spec: KubernetesSpec) -> dict[str, Any]:
    """Return the spec of GKE's BackendConfig: timeouts of requests and draining, and the health check."""
    seconds = math.ceil(spec.service.request_timeout_seconds)
    return {
        "timeoutSec": seconds + 5,
        "connectionDraining": {"drainingTimeoutSec": min(spec.drain_seconds, limits.DRAINING_SECONDS)},
        "healthCheck": {
            "type": "HTTP",
            "requestPath": "/ready",
            "port": spec.service.port,
            "checkIntervalSec": 5,
            "timeoutSec": 5,
        },
    }


def policy_spec(spec: KubernetesSpec, selector: Mapping[str, str]) -> dict[str, Any]:
    """Return a policy that admits calls and scrapes of the pods with these labels.

    It lets pods reach the cluster's DNS, models, and the addresses that their environment names.
    """
    return {
        "podSelector": {"matchLabels": dict(selector)},
        "policyTypes": ["Egress", "Ingress"],
        "ingress": [_incoming(spec), *_scrapes(spec)],
        "egress": _outgoing(spec),
    }


def worker_policy_spec(spec: KubernetesSpec, selector: Mapping[str, str]) -> dict[str, Any]:
    """Return a policy that lets nobody call the workers, apart from what reads their metrics."""
    return {
        "podSelector": {"matchLabels": dict(selector)},
        "policyTypes": ["Egress", "Ingress"],
        "ingress": _scrapes(spec),
        "egress": _outgoing(spec),
    }


def _incoming(spec: KubernetesSpec) -> dict[str, Any]:
    rule: dict[str, Any] = {"ports": [{"port": "http", "protocol": "TCP"}]}
    if service_type(spec) == "LoadBalancer":
        return rule
    if spec.with_interceptor:
        return {**rule, "from": [{"namespaceSelector": _named([spec.keda_namespace])}]}
    balancers = limits.GOOGLE_BALANCERS if spec.on_gke and spec.domain else ()
    blocks = [{"ipBlock": {"cidr": cidr}} for cidr in balancers]
    return {**rule, "from": [{"namespaceSelector": _namespaces(spec)}, *blocks]}


def _namespaces(spec: KubernetesSpec) -> dict[str, Any]:
    if not spec.allowed_namespaces:
        return {}
    return _named(sorted({spec.namespace, *spec.allowed_namespaces}))


def _named(namespaces: Sequence[str]) -> dict[str, Any]:
    expression = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": list(namespaces)}
    return {"matchExpressions": [expression]}


def _scrapes(spec: KubernetesSpec) -> list[dict[str, Any]]:
    """Return the rule that lets what monitors the pods, and nobody else, read the metrics page."""
    if not spec.is_monitored:
        return []
    collectors = [{"namespaceSelector": _named(monitoring.scraping_namespaces(spec))}]
    return [{"ports": [{"port": METRICS, "protocol": "TCP"}], "from": collectors}]


def _outgoing(spec: KubernetesSpec) -> list[dict[str, Any]]:
    rules = [_TO_DNS, *_to_database(spec)]
    has_files = bool(spec.jobs.jobs and spec.jobs.prefixes)
    if spec.in_bucket or has_files or spec.jobs.webhook_hosts:
        rules.append(_to("", HTTPS_PORT))
    if (spec.in_bucket or has_files or spec.traces == CLOUD) and spec.on_gke:
        rules += [_to(cidr, port) for cidr, port in limits.GOOGLE_METADATA]
    if spec.service.address.source is Source.AMAZON or spec.jobs.buckets("s3://"):
        agent, port = limits.EKS_POD_IDENTITY
        rules.append(_to(agent, port))
    for endpoint in endpoints_of(_addresses(spec)):
        rules += _to_endpoint(spec, endpoint)
    return [rule for position, rule in enumerate(rules) if rule not in rules[:position]]


def _to_database(spec: KubernetesSpec) -> Iterator[dict[str, Any]]:
    """Yield the rule for the database: the pods of one's own, and of another the port, wherever it is."""
    if job_database.makes_database(spec):
        labels = {job_database.CLUSTER_LABEL: job_database.cluster_name(spec.name)}
        yield {**_to("", job_database.PORT), "to": [{"podSelector": {"matchLabels": labels}}]}
    elif spec.jobs.jobs:
        yield _to("", job_database.PORT)


def _addresses(spec: KubernetesSpec) -> dict[str, str]:
    return with_collector(spec.service.known_env, spec.traces, google_traces(spec.google_project))


def _to(cidr: str, port: int) -> dict[str, Any]:
    """Return a rule for one port. cidr: '' for every address."""
    rule: dict[str, Any] = {"ports": [{"port": port, "protocol": "TCP"}]}
    if cidr:
        rule["to"] = [{"ipBlock": {"cidr": cidr}}]
    return rule


def _to_endpoint(spec: KubernetesSpec, endpoint: Endpoint) -> Iterator[dict[str, Any]]:
    """Yield the rules for an address of `env`.

    A Service's own port may be another than its pods', to which a policy applies: its namespace is open.
    """
    yield _to(endpoint.network, endpoint.port)
    host, _, rest = endpoint.name.partition(".")
    namespace, _, zone = rest.partition(".")
    if host and not rest:
        yield {"to": [{"podSelector": {}}]}
    elif namespace != spec.namespace and zone.split(".")[0] == "svc":
        yield {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}]}
    elif zone.split(".")[0] == "svc":
        yield {"to": [{"podSelector": {}}]}
