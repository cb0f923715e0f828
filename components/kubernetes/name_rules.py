"""Names, references and texts of a service, against limits.py. Pure; no secret value is read or shown."""

from collections.abc import Iterator

from ..input_rules import api_key_faults, image_ref_faults, secret_name_fault
from . import limits
from .spec import KubernetesSpec

_LABEL_RULE = "1 to 63 letters, digits, -, _ and ., a letter or digit first and last"


def name_faults(spec: KubernetesSpec) -> Iterator[str]:
    yield from _namespace_faults(spec)
    yield from image_ref_faults(spec.image_ref)
    yield from _environment_faults(spec)
    yield from _secret_faults(spec)
    yield from _label_faults(spec)
    yield from _placement_faults(spec)
    yield from _front_faults(spec)
    yield from _google_faults(spec)
    if spec.service.port < limits.PORT_FROM:
        yield f"port is {spec.service.port}; the server is not root, and opens ports from {limits.PORT_FROM}."
    yield from api_key_faults(spec.api_key)


def _namespace_faults(spec: KubernetesSpec) -> Iterator[str]:
    rule = "1 to 63 lowercase letters, digits and hyphens, a letter or digit first and last"
    if not limits.LABEL_NAME.fullmatch(spec.namespace):
        lower = spec.namespace.lower()
        near = f"; nearest: {lower}" if limits.LABEL_NAME.fullmatch(lower) else ""
        yield f"namespace is {spec.namespace!r}; allowed are {rule}{near}."
    elif spec.create_namespace and spec.namespace in limits.RESERVED_NAMESPACES:
        yield (
            f"namespace is {spec.namespace}, which every cluster has; choose another one, or set "
            "`create_namespace` to false."
        )
    for namespace in spec.allowed_namespaces:
        if not limits.LABEL_NAME.fullmatch(namespace):
            yield f"allowed_namespaces has {namespace!r}; a namespace has {rule}."
    if spec.allowed_namespaces and not spec.network_policy:
        yield "allowed_namespaces is set without a network policy, which would limit them; leave one out."


def _environment_faults(spec: KubernetesSpec) -> Iterator[str]:
    size = sum(len(key.encode()) + len(value.encode()) for key, value in spec.service.env.items())
    most = limits.OBJECT_BYTES // 2
    if size > most:
        yield (
            f"env has {size} bytes together; allowed are {most}, for a ConfigMap holds "
            f"{limits.OBJECT_BYTES} with all that is about it. Put large ones into the image or a bucket."
        )


def _secret_faults(spec: KubernetesSpec) -> Iterator[str]:
    service = spec.service
    for key in spec.secret_values:
        if fault := secret_name_fault(service, key):
            yield fault
    for key, text in service.secrets.items():
        if not limits.SECRET_REFERENCE.fullmatch(text):
            yield (
                f"secret {key} is no reference (its value is not shown): it must be <secret>/<key>, a Secret "
                "of the namespace and a key in it. A value of Secret Manager comes in by an operator such as "
                "External Secrets, or as `secret_values`."
            )


def _label_faults(spec: KubernetesSpec) -> Iterator[str]:
    for key, value in spec.service.labels.items():
        prefix = key.rpartition("/")[0] + "/"
        if prefix.endswith(limits.RESERVED_LABELS):
            yield f"label {key!r} is in a namespace that Kubernetes keeps for itself; choose another."
        elif not limits.LABEL_KEY.fullmatch(key):
            yield f"label {key!r} is no label; a key has {_LABEL_RULE}, and may have a domain and / in front."
        if not limits.LABEL_VALUE.fullmatch(value):
            yield f"label {key} is {value!r}; a value is empty or has {_LABEL_RULE}."


def _placement_faults(spec: KubernetesSpec) -> Iterator[str]:
    for key, value in spec.node_selector.items():
        known = value if isinstance(value, str) else ""  # an Output is known only when it is applied
        if not (limits.LABEL_KEY.fullmatch(key) and limits.LABEL_VALUE.fullmatch(known)):
            yield f"node_selector has {key!r}: {value!r}; as a label it has {_LABEL_RULE}."
    for toleration in spec.tolerations:
        key, operator = toleration["key"], toleration.get("operator", "Equal")
        effect = toleration.get("effect")
        if not limits.LABEL_KEY.fullmatch(key):
            yield f"tolerations has the key {key!r}; as a label it has {_LABEL_RULE}."
        if operator not in limits.OPERATORS:
            yield f"toleration {key} has the operator {operator!r}; allowed: {', '.join(limits.OPERATORS)}."
        if effect is not None and effect not in limits.EFFECTS:
            yield f"toleration {key} has the effect {effect!r}; allowed are {', '.join(limits.EFFECTS)}."
        if operator == "Exists" and toleration.get("value"):
            yield f"toleration {key} has a value with Exists, which asks for none; leave it out."


def _front_faults(spec: KubernetesSpec) -> Iterator[str]:
    if spec.domain and not limits.DOMAIN.fullmatch(spec.domain):
        yield f"domain is {spec.domain!r}; allowed is a domain's name in lowercase, such as api.example.com."
    elif spec.domain and spec.on_gke and not spec.service.public:
        yield (
            f"domain is {spec.domain} and public is false; on GKE a domain has an external load balancer, "
            "which anybody reaches: set `public` to true (the API key is asked for all the same), or leave "
            "it out."
        )
    elif spec.on_gke and len(spec.domain) > limits.MANAGED_DOMAIN_CHARACTERS:
        yield (
            f"domain has {len(spec.domain)} characters; Google's certificates take "
            f"{limits.MANAGED_DOMAIN_CHARACTERS}."
        )
    for key in ("ingress_class", "tls_secret", "cert_issuer"):
        value: str = getattr(spec, key)
        if not value:
            continue
        if not spec.domain:
            yield f"{key} is {value!r} without a domain, so there is no Ingress; name `domain`."
        elif spec.on_gke:
            yield f"{key} is {value!r} on GKE, which has a class and certificates of its own; leave it out."
        elif not limits.SUBDOMAIN.fullmatch(value):
            yield f"{key} is {value!r}; a name has lowercase letters, digits, - and ., at most 253."
    if spec.cert_issuer and not spec.tls_secret:
        yield f"cert_issuer is {spec.cert_issuer!r} without `tls_secret`, which it would fill; name one."
    if spec.metrics_path and not limits.PATH.fullmatch(spec.metrics_path):
        yield f"metrics_path is {spec.metrics_path!r}; allowed is a path such as /metrics."
    if spec.metrics_path and not spec.on_gke:
        yield "metrics_path is for GKE's Managed Prometheus; elsewhere leave it out and let your own read it."


def _google_faults(spec: KubernetesSpec) -> Iterator[str]:
    if spec.google_project and not limits.PROJECT.fullmatch(spec.google_project):
        yield f"google_project is {spec.google_project!r}; allowed: 6 to 30 lowercase letters, digits and -."
    for key in ("google_region", "cluster_name", "workload_pool"):
        if getattr(spec, key) and not spec.google_project:
            yield f"{key} is {getattr(spec, key)!r} without `google_project`; name it, or leave it out."


def name_warnings(spec: KubernetesSpec) -> Iterator[str]:
    for key, text in spec.service.secrets.items():
        yield (
            f"secret {key} refers to {text}, which Kubernetes does not pin: another value there is read when "
            "pods start next, and rolls none."
        )
    if spec.service.public and not spec.domain and not spec.with_kserve:
        yield (
            "it is public without a domain: an address of its own with plain HTTP, and so the API key in "
            "clear. Set `domain`."
        )
    if spec.domain and not spec.on_gke and not spec.tls_secret:
        yield f"domain {spec.domain} has no `tls_secret`: plain HTTP, and so the API key in clear."
    if spec.domain and not spec.on_gke and spec.allowed_namespaces:
        yield "the namespace of the Ingress controller must be among `allowed_namespaces`."
    if spec.domain and spec.on_gke:
        yield (
            f"domain {spec.domain} answers once its DNS says what `domain_records` tells and Google has made "
            "the certificate, up to an hour later."
        )
