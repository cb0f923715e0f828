"""Checks of the names, references and strings of a service, against limits.py. Pure; shows no secret."""

from collections.abc import Iterator, Mapping

import pulumi

from ..domain_name import domain_fault
from ..fault import Fault
from ..google.limits import PROJECT
from ..input_rules import api_key_faults, image_ref_faults, secret_name_faults
from . import limits, network
from .args import Toleration
from .spec import KubernetesSpec

_LABEL_RULE = "1 to 63 letters, digits, -, _ and ., a letter or digit first and last"


def name_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    """Yield what is wrong with a name, a reference or a string."""
    yield from _namespace_faults(spec)
    yield from image_ref_faults(spec.image_ref)
    yield from _environment_faults(spec.service.env)
    yield from _secret_faults(spec)
    yield from _label_faults(spec.service.labels)
    yield from _placement_faults(spec)
    yield from _front_faults(spec)
    yield from _annotation_faults(spec)
    yield from _account_faults(spec)
    yield from _google_faults(spec)
    if spec.service.port < limits.PORT_FROM:
        allowed = f"the server is not root, and opens ports from {limits.PORT_FROM}"
        yield Fault("port", f"{spec.service.port}", allowed, nearest=limits.PORT_FROM)
    yield from api_key_faults(spec.api_key)


def _namespace_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    rule = "1 to 63 lowercase letters, digits and hyphens, a letter or digit first and last"
    if not limits.LABEL_NAME.fullmatch(spec.namespace):
        lower = spec.namespace.lower()
        nearest = lower if limits.LABEL_NAME.fullmatch(lower) else None
        yield Fault("namespace", repr(spec.namespace), f"allowed are {rule}", nearest=nearest)
    elif spec.create_namespace and spec.namespace in limits.RESERVED_NAMESPACES:
        allowed = "choose another one, or set `create_namespace` to false"
        yield Fault("namespace", spec.namespace, allowed, ", which every cluster has")
    for namespace in spec.allowed_namespaces:
        if not limits.LABEL_NAME.fullmatch(namespace):
            yield Fault("allowed_namespaces", repr(namespace), f"a namespace has {rule}", verb="has")
    if spec.allowed_namespaces and spec.service.public:
        reason = "with `public` true, which admits everyone"
        yield Fault("allowed_namespaces", "given", "leave one of them out", reason)
    if spec.allowed_namespaces and not spec.network_policy:
        reason = "with `network_policy` false, and only that policy limits callers"
        yield Fault("allowed_namespaces", "given", "leave one out", reason)


def _environment_faults(env: Mapping[str, pulumi.Input[str]]) -> Iterator[Fault]:
    """Yield if the known values are too large together."""
    known = {key: value for key, value in env.items() if isinstance(value, str)}
    size = sum(len(key.encode()) + len(value.encode()) for key, value in known.items())
    most = limits.OBJECT_BYTES // 2
    if size > most:
        allowed = (
            f"allowed are {most}, because a ConfigMap holds {limits.OBJECT_BYTES} with all that is about it; "
            "put large values into the image or a bucket"
        )
        yield Fault("env", f"{size} bytes together", allowed, verb="has")


def _secret_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    for key in spec.secret_values:
        yield from secret_name_faults(spec.service, key)
    for key, text in spec.service.secrets.items():
        if not limits.SECRET_REFERENCE.fullmatch(text):
            allowed = (
                "it must be <secret>/<key>, a Secret of the namespace and a key in it; a value of Secret "
                "Manager comes in by an operator such as External Secrets, or as `secret_values`"
            )
            reason = ", which is no reference (its value is not shown)"
            yield Fault("secrets", key, allowed, reason, verb="has")


def _label_faults(labels: Mapping[str, str]) -> Iterator[Fault]:
    for key, value in labels.items():
        prefix = key.rpartition("/")[0] + "/"
        if prefix.endswith(limits.RESERVED_LABELS):
            reason = ", whose domain Kubernetes reserves"
            yield Fault("labels", repr(key), "choose another", reason, verb="has")
        elif not limits.LABEL_KEY.fullmatch(key):
            allowed = f"a key has {_LABEL_RULE}, and may have a domain and / in front"
            yield Fault("labels", repr(key), allowed, ", which is no key of a label", verb="has")
        if not limits.LABEL_VALUE.fullmatch(value):
            yield Fault(f"labels.{key}", repr(value), f"a value is empty or has {_LABEL_RULE}")


def _placement_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    for key, value in spec.node_selector.items():
        if not limits.LABEL_KEY.fullmatch(key):
            reason = ", which is no key of a label"
            yield Fault("node_selector", repr(key), f"a key has {_LABEL_RULE}", reason, verb="has")
        if isinstance(value, str) and not limits.LABEL_VALUE.fullmatch(value):
            yield Fault(f"node_selector.{key}", repr(value), f"a value is empty or has {_LABEL_RULE}")
    for position, toleration in enumerate(spec.tolerations):
        yield from _toleration_faults(f"tolerations[{position}]", toleration)


def _toleration_faults(path: str, toleration: Toleration) -> Iterator[Fault]:
    key, operator = toleration["key"], toleration.get("operator", "Equal")
    effect, value = toleration.get("effect"), toleration.get("value")
    if not limits.LABEL_KEY.fullmatch(key):
        yield Fault(f"{path}.key", repr(key), f"as the key of a label it has {_LABEL_RULE}")
    if operator not in limits.OPERATORS:
        yield Fault(f"{path}.operator", repr(operator), f"allowed are {', '.join(limits.OPERATORS)}")
    if effect is not None and effect not in limits.EFFECTS:
        yield Fault(f"{path}.effect", repr(effect), f"allowed are {', '.join(limits.EFFECTS)}")
    if operator == "Exists" and value:
        reason = "with the operator Exists, which takes none"
        yield Fault(f"{path}.value", repr(value), "leave it out", reason)


def _front_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    if fault := domain_fault(spec.domain):
        yield fault
    elif spec.domain and spec.on_gke and not spec.service.public:
        allowed = "set `public` to true (the API key is required even so), or leave this out"
        reason = (
            "with `public` false: on GKE a domain has an external load balancer, which everyone can reach"
        )
        yield Fault("domain", spec.domain, allowed, reason)
    elif spec.on_gke and len(spec.domain) > limits.MANAGED_DOMAIN_CHARACTERS:
        allowed = f"Google's certificates take {limits.MANAGED_DOMAIN_CHARACTERS}"
        yield Fault("domain", f"{len(spec.domain)} characters", allowed, verb="has")
    for key in ("ingress_class", "tls_secret", "cert_issuer"):
        if value := getattr(spec, key):
            yield from _ingress_faults(spec, key, value)
    if spec.cert_issuer and not spec.tls_secret:
        yield Fault(
            "cert_issuer", _given(spec.cert_issuer), "name one", "without `tls_secret`, which it fills"
        )
    if spec.metrics_path and not limits.PATH.fullmatch(spec.metrics_path):
        yield Fault("metrics_path", repr(spec.metrics_path), "allowed is a path such as /metrics")


def _ingress_faults(spec: KubernetesSpec, key: str, value: pulumi.Input[str]) -> Iterator[Fault]:
    given = _given(value)
    if not spec.domain:
        yield Fault(key, given, "name one, or leave this out", "without `domain`, so there is no Ingress")
    elif spec.on_gke:
        reason = "on GKE, which has a class and certificates of its own"
        yield Fault(key, given, "leave it out", reason)
    elif isinstance(value, str) and not limits.SUBDOMAIN.fullmatch(value):
        yield Fault(key, given, "a name has at most 253 lowercase letters, digits, - and .")


def _annotation_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    own_class = {limits.CLASS_ANNOTATION} if spec.ingress_class else set[str]()
    own = {
        "ingress_annotations": {*network.own_ingress_annotations(spec), *own_class},
        "service_account_annotations": {limits.GOOGLE_ACCOUNT_ANNOTATION} if spec.on_gke else set[str](),
    }
    for argument, reserved in own.items():
        for key in getattr(spec, argument):
            if not limits.LABEL_KEY.fullmatch(key.lower()):
                allowed = f"a key has {_LABEL_RULE}, and may have a domain and / in front"
                yield Fault(argument, repr(key), allowed, ", which is no key of an annotation", verb="has")
            elif key in reserved:
                yield Fault(argument, repr(key), "leave it out", ", which is set here", verb="has")
    if spec.ingress_annotations and not spec.domain:
        reason = "without `domain`, so there is no Ingress"
        yield Fault("ingress_annotations", "given", "name one, or leave this out", reason)


def _account_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    """Yield what is wrong with the account that the pods run as, and their logins to a registry."""
    name = "a name has at most 253 lowercase letters, digits, - and ."
    if spec.service_account and not limits.SUBDOMAIN.fullmatch(spec.service_account):
        yield Fault("service_account", repr(spec.service_account), name)
    if spec.service_account and spec.service_account_annotations:
        reason = "with `service_account`, which is its owner's"
        yield Fault("service_account_annotations", "given", "leave one of them out", reason)
    for secret in spec.image_pull_secrets:
        if isinstance(secret, str) and not limits.SUBDOMAIN.fullmatch(secret):
            yield Fault("image_pull_secrets", repr(secret), name, verb="has")


def _google_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    project = spec.google_project
    if isinstance(project, str) and project and not PROJECT.fullmatch(project):
        allowed = "allowed are 6 to 30 lowercase letters, digits and hyphens, a letter first, no hyphen last"
        yield Fault("google_project", repr(project), allowed)
    for key in ("google_region", "cluster_name", "workload_pool"):
        if (value := getattr(spec, key)) and not project:
            yield Fault(key, _given(value), "name it, or leave this out", "without `google_project`")


def _given(value: pulumi.Input[str]) -> str:
    return repr(value) if isinstance(value, str) else "an Output"


def name_warnings(spec: KubernetesSpec) -> Iterator[str]:
    """Warn of what is in clear text, not pinned, or not available at once."""
    for key, text in spec.service.secrets.items():
        yield (
            f"`secrets` has {key}, which refers to {text}, and Kubernetes does not pin that: another value "
            "there is read when pods start next, and rolls none."
        )
    if spec.service.public and not spec.domain and not spec.with_kserve:
        yield (
            "it is public without a domain: an address of its own with plain HTTP, and so the API key in "
            "clear. Name a `domain`."
        )
    if spec.domain and not spec.on_gke and not spec.tls_secret:
        yield f"`domain` {spec.domain} has no `tls_secret`: plain HTTP, and so the API key in clear."
    if spec.domain and not spec.on_gke and spec.allowed_namespaces:
        yield "the namespace of the Ingress controller must be among `allowed_namespaces`."
    if spec.domain and spec.on_gke:
        yield (
            f"`domain` {spec.domain} answers once its DNS has the A record that the output domain_records "
            "(domainRecords of a stack) shows, and Google has made the certificate, up to an hour later."
        )
