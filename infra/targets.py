"""What `slipway status` and `slipway logs` ask, by target."""

import os
from collections.abc import Iterator

from components.local.process import running
from components.local.record import LOG
from infra.aws import FargatePlace, fargate_logs, fargate_status
from infra.aws import following as following_fargate
from infra.container import container_status, show_container_log
from infra.errors import Refused
from infra.gcloud import CloudRunPlace, cloud_run_logs, cloud_run_status, following
from infra.logs import lines_of
from infra.settings import Settings
from infra.stackfile import StackConfig, settings_from
from infra.status import Status, local_status


def target_of(config: StackConfig) -> str:
    """As the stack says it, before anything is checked; `local` where it says nothing."""
    return config.values.get(f"{config.project}:target", "") or "local"


def applied_here(config: StackConfig) -> bool:
    """Whether `slipway up` applies the stack itself: a process on this machine. All else is Pulumi's work."""
    return target_of(config) == "local" and not is_container(config)


def is_container(config: StackConfig) -> bool:
    runtime = config.values.get(f"{config.project}:runtime", "")
    return target_of(config) == "local" and runtime == "container"


def status_of(config: StackConfig) -> Status:
    if _asks_docker(config):
        return container_status(config.stack, f"{config.project}-{config.stack}")
    if target_of(config) == "local":
        return local_status(config.stack, config.run_folder)
    place = _place(config, settings_from(config))
    if isinstance(place, FargatePlace):
        return fargate_status(config.stack, place)
    return cloud_run_status(config.stack, place)


def log_of(config: StackConfig, tail: int, follow: bool) -> Iterator[str]:
    """Lines of the service's log. With `follow` on a cloud this process becomes the cloud's own command."""
    if _asks_docker(config):
        show_container_log(f"{config.project}-{config.stack}", tail, follow)
    if target_of(config) == "local":
        return lines_of(config.run_folder / LOG, tail, follow)
    place = _place(config, settings_from(config))
    if follow:
        command = following_fargate(place) if isinstance(place, FargatePlace) else following(place)
        os.execv(command[0], command)  # noqa: S606 no shell is wanted
    return fargate_logs(place, tail) if isinstance(place, FargatePlace) else cloud_run_logs(place, tail)


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


def _place(config: StackConfig, settings: Settings) -> CloudRunPlace | FargatePlace:
    service = f"{config.project}-{config.stack}"
    if settings.target == "fargate":
        cluster = settings.cluster or service
        return FargatePlace(service, cluster, settings.region, settings.domain)
    if settings.target != "cloud-run":
        raise Refused(f"Stack {config.stack}: `slipway` cannot ask the target {settings.target} yet.")
    return CloudRunPlace(service, settings.project, settings.region)
