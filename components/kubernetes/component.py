"""An inference service on Kubernetes: GKE, or any other cluster by its kubeconfig.

Owns every object of the service; on GKE its Google identity and its address; and the provider if a kubeconfig
is given. Does not own the cluster, its nodes, the image or a bucket: those arrive as arguments.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from ..fault import in_words
from ..input_rules import API_KEY_NAME
from ..inputs import api_key_of, recorded, with_digest
from . import google, kserve, names, network, timing, workers
from .args import KubernetesServiceArgs
from .later import applied
from .objects import KubernetesObject, ground_of, workload_of
from .pod import CONTAINER, SERVICE_LABEL, Wiring
from .registration import Registrar
from .rollout import surge_of
from .rules import checked_spec, spec_warnings
from .second_version import runs_second
from .spec import KubernetesSpec

# Apart from the pods' end.
_DELETE_SECONDS = 1800


class KubernetesService(pulumi.ComponentResource):
    """Run one inference image on GKE, or on any other Kubernetes cluster."""

    url: pulumi.Output[str]
    """Address of the domain or the load balancer, else inside the cluster; without a trailing slash."""
    image_ref: pulumi.Output[str]
    """The image it runs, with its digest."""
    service_name: pulumi.Output[str]
    """Name of its objects in the namespace."""
    console_url: pulumi.Output[str]
    """Its page in Google Cloud's console; empty elsewhere than on GKE."""
    logs_command: pulumi.Output[str]
    """Shell command that follows the log."""
    api_key: pulumi.Output[str]
    """Bearer key of the service, a secret."""
    domain_records: pulumi.Output[list[str]]
    """DNS records that `domain` needs, as `<type> <name> <data>`; empty if only the cluster knows them."""

    def __init__(
        self,
        name: str,
        args: KubernetesServiceArgs,
        opts: pulumi.ResourceOptions | None = None,
        *,
        checked: KubernetesSpec | None = None,
    ) -> None:
        """Create every object of the service.

        checked: the spec that rules.checked_spec made of these arguments, with a placeholder for the image if
        the image is still to be built; only what differs from it is checked again.
        """
        spec = checked_spec(name, args, checked)
        # The type it had when it was for GKE alone: a state of then is taken over, children and all.
        aliases = pulumi.ResourceOptions(aliases=[pulumi.Alias(type_="slipway:index:GkeService")])
        opts = pulumi.ResourceOptions.merge(opts, aliases)
        super().__init__("slipway:index:KubernetesService", name, _recorded(args), opts)
        for warning in spec_warnings(replace(spec, image_ref=checked.image_ref) if checked else spec):
            pulumi.log.warn(in_words(warning), self)
        api_key = api_key_of(name, spec.api_key, self)
        image_ref = with_digest(spec.image_ref)
        values = {**spec.secret_values, API_KEY_NAME: api_key}
        provider = _provider(spec, self)
        identity = google.identity_of(spec, self, provider)
        address = google.address_of(spec, self, provider)
        google.keep_logs(spec, self, provider)
        google.monitor(spec, self)
        # With the namespace goes all that uses these; they go after it.
        before = {"namespace": [*identity, *address]}
        before |= {"deployment": identity, "canary": identity, "inference": identity, "ingress": address}
        before["worker"] = identity
        registrar = Registrar(name, self, provider, _timeouts(spec), before)
        for manifest in ground_of(spec, values):
            registrar.register(manifest, protect=_is_protected(spec, manifest))
        address_name = address[0].name if address else ""
        wiring = _wiring(registrar, image_ref, "", address_name)
        second = _wiring(registrar, image_ref, "canary-") if runs_second(spec) else None
        for manifest in workload_of(spec, wiring, second):
            registrar.register(manifest, protect=_is_protected(spec, manifest))
        made = registrar.made
        self.url = _url(spec, made)
        self.image_ref = image_ref
        self.service_name = pulumi.Output.from_input(name)
        self.console_url = _console_url(spec)
        self.logs_command = pulumi.Output.from_input(_logs_command(spec))
        self.api_key = api_key
        self.domain_records = google.domain_records(spec, address)
        self.register_outputs(
            {
                "url": self.url,
                "image_ref": self.image_ref,
                "service_name": self.service_name,
                "console_url": self.console_url,
                "logs_command": self.logs_command,
                "api_key": self.api_key,
                "domain_records": self.domain_records,
            }
        )


def _wiring(
    registrar: Registrar,
    image_ref: pulumi.Input[str],
    prefix: str,
    address_name: pulumi.Input[str] = "",
) -> Wiring:
    """Return what a version refers to. prefix: of the roles of its ConfigMap and Secret."""
    settings, secrets = (registrar.name_of(f"{prefix}{role}") for role in ("settings", "secrets"))
    return Wiring(image_ref, settings, secrets, address_name)


def _recorded(args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments as the state records them; a kubeconfig is secret, as it may hold a token."""
    shown = recorded(args)
    if args.get("kubeconfig") is not None:
        shown["kubeconfig"] = pulumi.Output.secret(args["kubeconfig"])
    return shown


def _provider(spec: KubernetesSpec, parent: pulumi.Resource) -> k8s.Provider | None:
    """Create a provider for the kubeconfig; None without one, which leaves the provider of the options."""
    if spec.kubeconfig is None:
        return None
    return k8s.Provider(
        f"{spec.name}-cluster",
        kubeconfig=pulumi.Output.secret(spec.kubeconfig),
        context=spec.context or None,
        cluster_identifier=spec.cluster_identifier or None,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def _timeouts(spec: KubernetesSpec) -> pulumi.CustomTimeouts:
    """Allow just enough time for every pod to start: one that never does is waited for as long."""
    seconds = timing.apply_seconds(spec, surge_of(spec))
    if spec.jobs.jobs:  # the workers are replaced one by one
        seconds = max(seconds, timing.apply_seconds(workers.sized_as_worker(spec), 1))
    delete = _DELETE_SECONDS + timing.end_seconds(spec)
    return pulumi.CustomTimeouts(create=f"{seconds}s", update=f"{seconds}s", delete=f"{delete}s")


# Where an outage would begin: `destroy --skip-preview` deletes what is not protected before it meets these.
_PROTECTED = ("namespace", "deployment", "service", "inference", "model", "job-database")


def _is_protected(spec: KubernetesSpec, manifest: KubernetesObject) -> bool:
    return spec.deletion_protection and manifest.role in _PROTECTED


def _url(spec: KubernetesSpec, made: Mapping[str, pulumi.CustomResource]) -> pulumi.Output[str]:
    if known := network.url_of(spec):
        return pulumi.Output.from_input(known)
    service = made["service"]
    assert isinstance(service, k8s.core.v1.Service)
    return service.status.apply(_balancer_url)


def _balancer_url(status: Any) -> str:
    """Return the load balancer's URL: an IP address on Google Cloud and Azure, a host name on AWS."""
    first = status.load_balancer.ingress[0]
    return f"http://{first.ip or first.hostname}"


def _logs_command(spec: KubernetesSpec) -> pulumi.Input[str]:
    label = kserve.SERVICE_LABEL if spec.with_kserve else SERVICE_LABEL
    container = kserve.CONTAINER if spec.with_kserve else CONTAINER
    return applied(
        lambda context: names.logs_command(spec.namespace, context, f"{label}={spec.name}", container),
        spec.context,
    )


def _console_url(spec: KubernetesSpec) -> pulumi.Output[str]:
    if not (spec.google_project and spec.google_region and spec.cluster_name):
        return pulumi.Output.from_input("")
    place = pulumi.Output.all(project=spec.google_project, location=spec.google_region)
    return place.apply(
        lambda known: names.console_url(
            known["project"], known["location"], spec.cluster_name, spec.namespace, spec.name
        )
    )
