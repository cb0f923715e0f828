"""Checks of the names, references and strings of a service, against limits.py. Pure; shows no secret."""

from collections.abc import Iterator

from ..domain_name import domain_fault
from ..environment import OWN_ENVIRONMENT
from ..fault import Fault
from ..google.limits import SECRET_ID_CHARACTERS
from ..google.name_rules import label_faults, network_faults, place_warnings, project_faults, region_faults
from ..google.secrets import SecretReference
from ..input_rules import api_key_faults, secret_name_faults, unpinned_secret
from . import limits
from .args import Ingress, VpcEgress
from .image_rules import image_faults
from .spec import CloudRunSpec

# Variables that template.py adds.
_OWN_VARIABLES = 6


def name_faults(spec: CloudRunSpec) -> Iterator[Fault]:
    yield from project_faults(spec.project)
    yield from region_faults(spec.region)
    yield from image_faults(spec)
    yield from _environment_faults(spec)
    yield from _secret_faults(spec)
    yield from label_faults(spec.service.labels, _reserved_key)
    yield from _access_faults(spec)


def _environment_faults(spec: CloudRunSpec) -> Iterator[Fault]:
    service = spec.service
    reserved = limits.RESERVED_NAMES.difference(OWN_ENVIRONMENT)
    for where, names in (
        ("env", service.env),
        ("secrets", service.secrets),
        ("secret_values", spec.secret_values),
    ):
        for key in sorted(key for key in names if key in reserved or key.startswith(limits.RESERVED_PREFIX)):
            yield Fault(where, key, "choose another name", ", which Cloud Run itself sets", verb="has")
    for key, value in service.known_env.items():
        size = len(value.encode())
        if size > limits.ENVIRONMENT_BYTES:
            allowed = f"Cloud Run allows {limits.ENVIRONMENT_BYTES}: put it into the image or a bucket"
            yield Fault(f"env.{key}", f"{size} bytes", allowed, verb="has")
    count = len(service.env) + len(service.secrets) + len(spec.secret_values) + _OWN_VARIABLES
    if count > limits.ENVIRONMENT_NAMES:
        reason = f"together with the secrets and {_OWN_VARIABLES} of the service's own"
        allowed = f"Cloud Run allows {limits.ENVIRONMENT_NAMES}"
        yield Fault("env", f"{count} environment variables", allowed, reason, verb="has")


def _secret_faults(spec: CloudRunSpec) -> Iterator[Fault]:
    service = spec.service
    for key in spec.secret_values:
        faults = list(secret_name_faults(service, key))
        yield from faults
        if not faults and len(service.name) + 1 + len(key) > SECRET_ID_CHARACTERS:
            allowed = f"with the service's name in front Secret Manager allows {SECRET_ID_CHARACTERS}"
            yield Fault("secret_values", key, allowed, f", which has {len(key)} characters", verb="has")
    for key, text in service.secrets.items():
        try:
            SecretReference.parse(text)
        except ValueError as error:
            yield Fault(f"secrets.{key}", "no reference", str(error), "(its value is not shown)")


def _reserved_key(key: str) -> Fault | None:
    """Return what is wrong with a label's key in a namespace reserved by Cloud Run; None for other keys."""
    namespace = key.split("/")[0]
    if "/" not in key or not namespace.endswith(limits.LABEL_NAMESPACES):
        return None
    reason = f", in the namespace {namespace}, which Cloud Run reserves"
    return Fault("labels", repr(key), "choose another key", reason, verb="has")


def _access_faults(spec: CloudRunSpec) -> Iterator[Fault]:
    for member in spec.invokers:
        if member in ("allUsers", "allAuthenticatedUsers"):
            allowed = "set `public` to true if that is meant"
            yield Fault("invokers", repr(member), allowed, ", which is everyone", verb="has")
        elif not limits.INVOKER.fullmatch(member):
            allowed = "allowed are members of IAM, such as user:ada@example.com or serviceAccount:<email>"
            yield Fault("invokers", repr(member), allowed, verb="has")
    if not spec.check_invokers and not spec.service.public:
        allowed = "set `public` to true if everyone may call, or leave this out"
        yield Fault("check_invokers", "false", allowed, "with `public` false: nobody would be checked")
    if not spec.check_invokers and spec.invokers:
        reason = "with `check_invokers` false, after which everyone may call"
        yield Fault("invokers", "given", "leave one of them out", reason)
    yield from api_key_faults(spec.api_key)
    if spec.vpc_egress is not None and not (spec.vpc_network or spec.vpc_subnetwork):
        allowed = "name `vpc_network` or `vpc_subnetwork`, or leave it out"
        yield Fault("vpc_egress", spec.vpc_egress.value, allowed, "without a network")
    yield from network_faults(
        "vpc_network", spec.vpc_network, "vpc_subnetwork", spec.vpc_subnetwork, spec.region
    )
    yield from _domain_faults(spec)


def _domain_faults(spec: CloudRunSpec) -> Iterator[Fault]:
    """Yield why a domain could not be mapped, or not be reached."""
    if fault := domain_fault(spec.domain):
        yield fault
    if not spec.domain:
        return
    if spec.region not in limits.DOMAIN_REGIONS:
        regions = ", ".join(sorted(limits.DOMAIN_REGIONS))
        allowed = f"Cloud Run maps domains in {regions}: take one, or a load balancer in front"
        yield Fault("domain", spec.domain, allowed, f"in `region` {spec.region}")
    if spec.ingress is not Ingress.ALL:
        allowed = "a domain mapping brings requests from the internet: leave one of them out"
        yield Fault("domain", spec.domain, allowed, f"with `ingress` {spec.ingress.value}")


def name_warnings(spec: CloudRunSpec) -> Iterator[str]:
    yield from place_warnings(spec.project, spec.region)
    if spec.service.public and spec.check_invokers:
        # cloud.google.com/resource-manager/docs/organization-policy/restricting-domains
        yield (
            "it is public by a grant to allUsers, which an organisation with Domain Restricted Sharing "
            "refuses; `check_invokers` false needs none."
        )
    # DOCS/configuring/vpc-direct-vpc: an instance has no public address there.
    if spec.vpc_egress is VpcEgress.ALL_TRAFFIC:
        yield (
            "by `vpc_egress` every request of the service goes through its network: the internet is reached "
            "only where that network has a Cloud NAT in the region."
        )
    for key, text in spec.service.secrets.items():
        if not SecretReference.parse(text).is_pinned:
            yield unpinned_secret(f"`secrets` has {key}, whose reference", "instances")
    # cloud.google.com/sdk/gcloud/reference/beta/run/domain-mappings
    if spec.domain:
        yield (
            f"domain {spec.domain} becomes a domain mapping, which Cloud Run has in beta and not in every "
            "region; it answers once the DNS has the records that the output domain_records "
            "(domainRecords of a stack) lists."
        )
