"""What `slipway status` and `slipway logs` ask, by target."""

import os
from collections.abc import Iterator
from pathlib import Path

from slipway.components.gke_login import context_name, credentials_command
from slipway.components.local.process import running
from slipway.components.local.record import LOG
from slipway.infra.errors import Refused
from slipway.infra.plan.config import StackConfig
from slipway.infra.settings.checked import Settings
from slipway.infra.settings.stackfile import settings_from
from slipway.infra.targets.cloud_run import CloudRunPlace, cloud_run_logs, cloud_run_status, following
from slipway.infra.targets.fargate import FargatePlace, fargate_logs, fargate_status
from slipway.infra.targets.fargate import following as following_fargate
from slipway.infra.targets.kubernetes import (
    KubernetesPlace,
    kubernetes_logs,
    kubernetes_status,
    require_plugin,
)
from slipway.infra.targets.kubernetes import following as following_kubernetes
from slipway.infra.targets.local_container import container_status, show_container_log
from slipway.infra.targets.logs import lines_of
from slipway.infra.targets.status import Status, local_status

Place = CloudRunPlace | FargatePlace | KubernetesPlace


def target_of(config: StackConfig) -> str:
    """As the stack says it, before anything is checked; `local` where it says nothing."""
    return config.values.get(f"{config.project}:target", "") or "local"


def applied_here(config: StackConfig) -> bool:
    """Whether `slipway up` applies the stack itself: a process on this machine. All else is Pulumi's work."""
    return target_of(config) == "local" and not is_container(config)


def is_container(config: StackConfig) -> bool:
    runtime = config.values.get(f"{config.project}:runtime", "")
    return target_of(config) == "local" and runtime == "container"


def require_access(config: StackConfig) -> None:
    """Raise Refused where this machine lacks what the stack's cluster is reached with, before it is made."""
    if target_of(config) == "gke":
        require_plugin()


def status_of(config: StackConfig) -> Status:
    if _asks_docker(config):
        return container_status(config.stack, f"{config.project}-{config.stack}")
    if target_of(config) == "local":
        return local_status(config.stack, config.run_folder)
    place = _place(config, settings_from(config))
    match place:
        case FargatePlace():
            return fargate_status(config.stack, place)
        case KubernetesPlace():
            return kubernetes_status(config.stack, place)
        case CloudRunPlace():
            return cloud_run_status(config.stack, place)


def log_of(config: StackConfig, tail: int, follow: bool) -> Iterator[str]:
    """Lines of the service's log. With `follow` on a cloud this process becomes the cloud's own command."""
    if _asks_docker(config):
        show_container_log(f"{config.project}-{config.stack}", tail, follow)
    if target_of(config) == "local":
        return lines_of(config.run_folder / LOG, tail, follow)
    place = _place(config, settings_from(config))
    if follow:
        command = _following(place)
        os.execv(command[0], command)  # noqa: S606 no shell is wanted
    match place:
        case FargatePlace():
            return fargate_logs(place, tail)
        case KubernetesPlace():
            return kubernetes_logs(place, tail)
        case CloudRunPlace():
            return cloud_run_logs(place, tail)


def _following(place: Place) -> list[str]:
    match place:
        case FargatePlace():
            return following_fargate(place)
        case KubernetesPlace():
            return following_kubernetes(place)
        case CloudRunPlace():
            return following(place)


def cloud_run_place(config: StackConfig) -> CloudRunPlace:
    """Raises Refused for a stack of another target."""
    if target_of(config) != "cloud-run":
        raise Refused(f"Stack {config.stack} has the target {target_of(config)}; this is for cloud-run.")
    place = _place(config, settings_from(config))
    assert isinstance(place, CloudRunPlace)
    return place


def _asks_docker(config: StackConfig) -> bool:
    """A process that was started before `runtime` changed is what runs, until it is stopped."""
    return is_container(config) and not running(config.run_folder)


def _place(config: StackConfig, settings: Settings) -> Place:
    service = f"{config.project}-{config.stack}"
    if settings.target == "fargate":
        cluster = settings.cluster or service
        return FargatePlace(service, cluster, settings.region, settings.domain)
    if settings.target in ("gke", "kubernetes"):
        return _kubernetes_place(service, settings)
    if settings.target != "cloud-run":
        raise Refused(f"Stack {config.stack}: `slipway` cannot ask the target {settings.target} yet.")
    return CloudRunPlace(service, settings.project, settings.region)


def _kubernetes_place(service: str, settings: Settings) -> KubernetesPlace:
    """A cluster of Google's by the context that `gcloud` writes; another by the stack's own kubeconfig."""
    namespace = settings.namespace or service
    with_kserve = settings.serving == "kserve"
    if settings.target == "gke":
        where = (settings.project, settings.location or settings.region, settings.cluster or service)
        login = credentials_command(*where)
        url = f"https://{settings.domain}" if settings.domain else ""
        return KubernetesPlace("gke", service, namespace, context_name(*where), "", login, with_kserve, url)
    scheme = "https" if settings.tls_secret else "http"
    url = f"{scheme}://{settings.domain}" if settings.domain else ""
    kubeconfig = str(Path(settings.kubeconfig).expanduser()) if settings.kubeconfig else ""
    return KubernetesPlace(
        "kubernetes", service, namespace, settings.context, kubeconfig, "", with_kserve, url
    )
