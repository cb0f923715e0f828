"""Names, references and texts of a service, against limits.py. Pure; no secret value is read or shown."""

from collections.abc import Iterator

from ..input_rules import api_key_faults, secret_name_fault
from ..secret_manager import SecretReference
from ..spec import OWN_ENVIRONMENT
from . import limits
from .image_rules import image_faults
from .spec import CloudRunSpec

# What template.py sets besides what it is given.
_OWN_VARIABLES = 6


def name_faults(spec: CloudRunSpec) -> Iterator[str]:
    yield from _place_faults(spec)
    yield from image_faults(spec)
    yield from _environment_faults(spec)
    yield from _secret_faults(spec)
    yield from _label_faults(spec)
    yield from _access_faults(spec)


def _place_faults(spec: CloudRunSpec) -> Iterator[str]:
    for key, value, pattern, example in (
        ("project", spec.project, limits.PROJECT, "6 to 30 lowercase letters, digits and hyphens"),
        ("region", spec.region, limits.REGION, "a region's name, such as europe-west4"),
    ):
        if not value:
            yield f"{key} is missing; set `{key}` in Pulumi.<stack>.yaml."
        elif not pattern.fullmatch(value):
            yield f"{key} is {value!r}; allowed is {example}."


def _environment_faults(spec: CloudRunSpec) -> Iterator[str]:
    service = spec.service
    reserved = limits.RESERVED_NAMES.difference(OWN_ENVIRONMENT)
    for key in sorted(reserved & {*service.env, *service.secrets, *spec.secret_values}):
        yield f"env {key} is set by Cloud Run itself; choose another name."
    for key, value in service.env.items():
        size = len(value.encode())
        if size > limits.ENVIRONMENT_BYTES:
            yield (
                f"env {key} has {size} bytes; Cloud Run allows {limits.ENVIRONMENT_BYTES}. "
                "Put it into the image or a bucket."
            )
    count = len(service.env) + len(service.secrets) + len(spec.secret_values) + _OWN_VARIABLES
    if count > limits.ENVIRONMENT_NAMES:
        yield (
            f"there are {count} environment variables, {_OWN_VARIABLES} of them the service's own; "
            f"Cloud Run allows {limits.ENVIRONMENT_NAMES}."
        )


def _secret_faults(spec: CloudRunSpec) -> Iterator[str]:
    service = spec.service
    for key in spec.secret_values:
        if fault := secret_name_fault(service, key):
            yield fault
        elif len(service.name) + 1 + len(key) > limits.SECRET_ID_CHARACTERS:
            yield (
                f"secret {key} has {len(key)} characters; with the service's name in front Secret Manager "
                f"allows {limits.SECRET_ID_CHARACTERS}."
            )
    for key, text in service.secrets.items():
        try:
            SecretReference.parse(text)
        except ValueError as error:
            yield f"secret {key} is no reference (its value is not shown): {error}."


def _label_faults(spec: CloudRunSpec) -> Iterator[str]:
    labels = spec.service.labels
    if len(labels) > limits.LABELS:
        yield f"there are {len(labels)} labels; Google Cloud allows {limits.LABELS} of one's own."
    for key, value in labels.items():
        namespace = key.split("/")[0]
        if "/" in key and namespace.endswith(limits.LABEL_NAMESPACES):
            yield f"label {key!r} is in the namespace {namespace}, which Cloud Run keeps for itself."
        elif not limits.LABEL_KEY.fullmatch(key):
            yield (
                f"label {key!r} is no label; a key has 1 to 63 lowercase letters, digits, _ and -, "
                "a letter first."
            )
        if not limits.LABEL_VALUE.fullmatch(value):
            yield f"label {key} is {value!r}; a value has at most 63 lowercase letters, digits, _ and -."


def _access_faults(spec: CloudRunSpec) -> Iterator[str]:
    for member in spec.invokers:
        if member in ("allUsers", "allAuthenticatedUsers"):
            yield f"invokers has {member}, which is everybody; say `public` if that is meant."
        elif not limits.INVOKER.fullmatch(member):
            yield (
                f"invokers has {member!r}; allowed are members of IAM, such as "
                "user:ada@example.com or serviceAccount:<email>."
            )
    yield from api_key_faults(spec.api_key)
    if spec.vpc_egress is not None and not (spec.vpc_network or spec.vpc_subnetwork):
        yield (
            f"vpc_egress is {spec.vpc_egress.value} without a network; "
            "name `vpc_network` or `vpc_subnetwork`, or leave it out."
        )
    if spec.domain and not limits.DOMAIN.fullmatch(spec.domain):
        yield f"domain is {spec.domain!r}; allowed is a domain's name in lowercase, such as api.example.com."


def name_warnings(spec: CloudRunSpec) -> Iterator[str]:
    # cloud.google.com/sdk/gcloud/reference/beta/run/domain-mappings
    if spec.domain:
        yield (
            f"domain {spec.domain} becomes a domain mapping, which Cloud Run has in beta and not in every "
            "region; it answers once the DNS says what `domain_records` tells."
        )
