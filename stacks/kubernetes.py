"""The `kubernetes` target: the service on any cluster, by its kubeconfig; creates no cloud resource."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

import pulumi

from slipway.components.fault import Fault, Faults, refuse
from slipway.components.image import InferenceImageArgs
from slipway.components.kubernetes import KubernetesService, KubernetesServiceArgs
from slipway.components.kubernetes.args import Monitoring
from slipway.components.kubernetes.limits import SECRET_REFERENCE
from slipway.components.kubernetes.rules import checked_spec
from slipway.components.kubernetes.spec import GPU_TOLERATION, KubernetesSpec, software_gib
from slipway.components.rollouts.faults import RolloutArguments, rollout_faults
from slipway.components.spec import InferenceServiceSpec
from slipway.stacks.engine import image_cuda_version
from slipway.stacks.parts import (
    ANY_DIGEST,
    ANY_IMAGE,
    baked_gib,
    image_maker,
    image_model_args,
    model_args,
    require_known_memory,
    resolved_args,
    secret_args,
)
from slipway.stacks.secrets import StackSecrets
from slipway.stacks.settings.kubernetes import KubernetesSettings, WorkloadSettings

_REFERENCE = re.compile(rf"kubernetes:(?P<reference>{SECRET_REFERENCE.pattern})")


def prepare(
    name: str, settings: KubernetesSettings, secrets: StackSecrets
) -> Callable[[], KubernetesService]:
    """Check a `kubernetes` stack and return the function that makes its service, and the image it builds.

    Raises ArgumentsError with all faults of the service, the model and the image, before any is registered.
    """
    found = Faults()
    given = _monitored(settings.args_for(KubernetesServiceArgs), settings, secrets)
    service = KubernetesSpec.read(name, given).service
    args = {**given, **_resolved_args(settings, secrets, service)}
    args |= found.of(lambda: model_args(name, settings, service, model_gib=settings.model_gib)) or {}
    args |= found.of(lambda: image_size_args(name, settings)) or {}
    found.of(lambda: refuse(name, [*reference_faults(settings), *watching_faults(settings)]))
    spec = found.of(lambda: checked_spec(name, args))
    found.of(lambda: require_known_memory(name, settings, service, "kubernetes"))
    image = found.of(lambda: image_maker(name, _image_args(name, settings)))
    found.refuse(name)
    assert image is not None
    assert spec is not None
    place = f"{settings.repository}@{ANY_DIGEST}"  # where it is built, for what is warned of

    def make() -> KubernetesService:
        built = image()  # also where an image is given: the repository stays
        args["image_ref"] = settings.image or built.image_ref
        checked = replace(spec, image_ref=settings.image or place)
        return KubernetesService(name, cast("KubernetesServiceArgs", args), checked=checked)

    return make


# What only alarms, or whatever reads the metrics, have a use for.
_OF_MONITORING = (
    *("monitoring", "monitoring_namespaces", "monitoring_labels", "metrics_path"),
    *("objective", "thresholds", "runbooks_url"),
)


def _monitored(
    given: Mapping[str, Any], settings: KubernetesSettings, secrets: StackSecrets
) -> dict[str, Any]:
    """Return the arguments with what `monitoring: auto` means: none where the cluster has no operator.

    A preview contacts no cluster, and shows what there is where it has one.
    """
    if settings.monitoring != "auto":
        return dict(given)
    if secrets.has_operator is False:
        pulumi.log.warn("The cluster has no Prometheus Operator: `monitoring` auto creates nothing.")
        return {key: value for key, value in given.items() if key not in _OF_MONITORING}
    return {**given, "monitoring": Monitoring.OPERATOR}


def workload_args(
    settings: WorkloadSettings, secrets: StackSecrets, service: InferenceServiceSpec, image_ref: str
) -> dict[str, Any]:
    """Return the arguments of the component on every cluster, apart from the settings that were given."""
    args = {
        **resolved_args(settings, service),
        **secret_args(secrets),
        "secrets": {name: found["reference"] for name, found in _references(settings) if found},
        "image_ref": image_ref,
    }
    if settings.jobs_database:
        args["jobs_database"] = settings.jobs_database.removeprefix("kubernetes:")
    args |= _step_args(secrets)
    if cuda := image_cuda_version(settings):
        args["cuda_version"] = cuda
    if settings.tolerations and settings.gpu:
        args["tolerations"] = [GPU_TOLERATION, *settings.tolerations]
    return args


def _step_args(secrets: StackSecrets) -> dict[str, Any]:
    if secrets.step is None:
        return {}
    args: dict[str, Any] = {"rollout_step": secrets.step.name}
    return args if secrets.step.instances is None else {**args, "second_replicas": secrets.step.instances}


def watching_faults(settings: WorkloadSettings) -> Iterator[Fault]:
    """Yield what is wrong with how `slipway up` watches a rollout, which no component has arguments for."""
    faults = rollout_faults(RolloutArguments.of(settings))
    yield from (fault for fault in faults if fault.root in ("bake_minutes", "rollback_on"))


def image_size_args(name: str, settings: WorkloadSettings) -> dict[str, Any]:
    """Return the size of an image that holds a large model: nodes need room, and a start needs time."""
    model_gib = round(baked_gib(name, settings), 1)
    if settings.model_gib is not None and baked_gib(name, settings):
        reason = f"with `model` {settings.model}, whose size is known"
        refuse(name, [Fault("model_gib", "given", "leave it out", reason)])
    return {"image_gib": software_gib(settings.gpu) + model_gib} if model_gib else {}


def reference_faults(settings: WorkloadSettings) -> Iterator[Fault]:
    """Yield which values do not refer to a Secret of the cluster, without showing them."""
    for variable, found in _references(settings):
        if not found:
            allowed = (
                "write `kubernetes:<secret>/<key>`, a Secret of the namespace and a key in it, or give the "
                "value itself, encrypted"
            )
            reason = ", which refers to no Secret of a cluster (its value is not shown)"
            yield Fault("secrets", variable, allowed, reason, verb="has")


def _references(settings: WorkloadSettings) -> Iterator[tuple[str, re.Match[str] | None]]:
    """Yield each environment name with its matched reference, which the group `reference` holds."""
    for variable, text in settings.secrets.items():
        yield variable, _REFERENCE.fullmatch(text)


def _image_args(name: str, settings: KubernetesSettings) -> InferenceImageArgs:
    if not (settings.image or settings.repository):
        allowed = (
            "name it with its digest, host/repository@sha256:<64 hex digits>, or set `repository`, "
            "host/name, where it is pushed to when it is built"
        )
        refuse(name, [Fault("image", "missing", allowed)])
    args = image_model_args(name, settings)
    if settings.image:
        args["image"] = settings.image
    else:
        args["repository"] = settings.repository
    return args


def _resolved_args(
    settings: KubernetesSettings, secrets: StackSecrets, service: InferenceServiceSpec
) -> dict[str, Any]:
    args = workload_args(settings, secrets, service, settings.image or ANY_IMAGE)
    if settings.platform:
        processor = settings.platform.partition("/")[2]
        args["node_selector"] = {"kubernetes.io/arch": processor, **settings.node_selector}
    if secrets.kubeconfig is not None:
        args["kubeconfig"] = secrets.kubeconfig
    if secrets.cluster:
        args["cluster_identifier"] = secrets.cluster
    return args
