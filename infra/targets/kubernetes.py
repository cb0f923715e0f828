"""The Kubernetes target: any cluster in the stack's own kubeconfig, queried through `kubectl`."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from slipway.components import keda_api
from slipway.components.kubernetes import job_database
from slipway.components.observability.prometheus import OPERATOR_API
from slipway.infra.errors import Failed, Refused
from slipway.infra.plan.config import StackConfig
from slipway.infra.settings.faults import SettingsError
from slipway.infra.settings.stackfile import settings_from
from slipway.infra.targets.batch_run import BatchOrder, BatchRun
from slipway.infra.targets.kubeconfig import checked_kubeconfig, kubeconfig_path
from slipway.infra.targets.kubectl import (
    KubernetesPlace,
    following,
    kubernetes_logs,
    kubernetes_status,
    served_apis,
)
from slipway.infra.targets.kubernetes_batch import KubernetesBatch
from slipway.infra.targets.kubernetes_jobs import kubernetes_jobs
from slipway.infra.targets.kubernetes_objects import ServiceObjects
from slipway.infra.targets.kubernetes_record import PAUSE, PROMOTE, ClusterRecord
from slipway.infra.targets.kubernetes_releases import KubernetesReleases
from slipway.infra.targets.kubernetes_rollback import ask_rollout, take_back
from slipway.infra.targets.kubernetes_up import KubernetesUp
from slipway.infra.targets.status import Status
from slipway.infra.targets.target import Access, CloudTarget, CommandRollout, release_number
from slipway.stacks.settings.common import Settings
from slipway.stacks.settings.kubernetes import KubernetesSettings, WorkloadSettings


class Cluster(CloudTarget[KubernetesPlace]):
    """What `kubectl` answers is the same on every cluster.

    has_spot_nodes: whether it is known by which label nodes on Spot capacity are found.
    """

    has_spot_nodes: ClassVar[bool] = False

    def how_to_roll_back(self, config: StackConfig) -> str:
        if self.place_of(config).with_kserve:
            return "`canaryPercent: 0` gives every request to KServe's previous revision"
        return f"`slipway rollback --stack {config.stack}` brings the release before back"

    def command_rollout(
        self, config: StackConfig, again: bool, say: Callable[[str], None]
    ) -> CommandRollout | None:
        try:
            settings = settings_from(config)
        except SettingsError:
            if not config.environments:
                raise
            say("Settings of the stack are in an environment of Pulumi: no rollout is driven or recorded.")
            return None
        assert isinstance(settings, WorkloadSettings)
        place = self.place_of(config)
        return None if place.with_kserve else KubernetesUp(config, settings, place, again, say)

    def releases(self, config: StackConfig) -> list[dict[str, Any]]:
        objects = self._objects(config)
        rollout = ClusterRecord(objects).read().rollout
        share = 100.0 if rollout is None or not rollout.is_open else 100 - rollout.percent
        return KubernetesReleases(objects).listed(share)

    def promote(self, config: StackConfig) -> dict[str, Any]:
        return ask_rollout(self._objects(config), PROMOTE)

    def pause(self, config: StackConfig) -> dict[str, Any]:
        return ask_rollout(self._objects(config), PAUSE)

    def roll_back(
        self,
        config: StackConfig,
        release: str | None,
        secrets: bool,
        settings: bool,
        say: Callable[[str], None],
    ) -> tuple[str, str]:
        if not settings:
            raise Refused(
                f"--keep-settings is not for target {self.name}: a release's ConfigMap has its model and its "
                "settings. Leave it out."
            )
        number = release_number(release, "a cluster")
        left, serving = take_back(config, self._objects(config), number, secrets, say)
        return str(left), str(serving)

    def batch(self, config: StackConfig, order: BatchOrder, say: Callable[[str], None]) -> BatchRun:
        place = self.place_of(config)
        if place.with_kserve:
            raise Refused("`serving` is kserve, whose pods are its own: a batch is made of a Deployment.")
        if order.spot and not self.has_spot_nodes:
            raise Refused(
                f"--spot: the target {self.name} does not know which nodes of the cluster are on Spot "
                "capacity. Leave it out; `nodeSelector` and `tolerations` say where the pods run."
            )
        return KubernetesBatch(place, order, say)

    def _objects(self, config: StackConfig) -> ServiceObjects:
        """Return the service's objects. Raises Refused with KServe, whose revisions are its own."""
        place = self.place_of(config)
        if place.with_kserve:
            raise Refused(self._elsewhere(config))
        return ServiceObjects(place)

    def status_at(self, stack: str, place: KubernetesPlace) -> Status:
        found = kubernetes_status(stack, place)
        if place.with_kserve or found.state == "stopped":
            return found
        found = replace(found, jobs=kubernetes_jobs(place))
        with suppress(Failed):  # whoever may not read it sees the rest
            rollout = ClusterRecord(ServiceObjects(place)).read().rollout
            return replace(found, rollout=rollout.to_json() if rollout else None)
        return found

    def log_at(self, place: KubernetesPlace, tail: int) -> Iterator[str]:
        return kubernetes_logs(place, tail)

    def following(self, place: KubernetesPlace) -> list[str]:
        return following(place)


def url_to_wake(service: str, settings: WorkloadSettings) -> str:
    """Return the URL of a service without a domain that KEDA's interceptor wakes; '' for any other."""
    if settings.scale_on != "interceptor":
        return ""
    return keda_api.proxy_url(service, settings.namespace or service)


@dataclass(frozen=True, slots=True)
class _Extension:
    """What a setting needs of a cluster. api: which it brings. otherwise: what to do without it."""

    setting: str
    name: str
    api: str
    otherwise: str


_OPERATOR = _Extension(
    "monitoring",
    "Prometheus Operator",
    OPERATOR_API,
    "set `monitoring` to none, or to auto, which does without",
)
_KEDA = _Extension("scaleOn", "KEDA", keda_api.API, "set `scaleOn` to cpu")
_HTTP_ADD_ON = _Extension(
    "scaleOn", "HTTP add-on of KEDA", keda_api.HTTP_ADD_ON_API, "set `scaleOn` to requests or cpu"
)
_POSTGRES = _Extension(
    "jobs",
    "CloudNativePG",
    job_database.API,
    "set `jobsDatabase` to kubernetes:<secret>/<key>, a Secret with the address of a PostgreSQL database",
)
_KEDA_FOR_WORKERS = _Extension(
    "maxWorkers", "KEDA", keda_api.API, "set it and `minWorkers` to the same number, 1 or more"
)


def _needed_of(settings: KubernetesSettings) -> Iterator[tuple[_Extension, str]]:
    """Yield what the cluster must have, each with the value that needs it."""
    if settings.monitoring == "operator":
        yield _OPERATOR, settings.monitoring
    if settings.scale_on not in ("", "cpu"):
        yield _KEDA, settings.scale_on
    if settings.scale_on == "interceptor":
        yield _HTTP_ADD_ON, settings.scale_on
    if settings.needs_database_operator:
        yield _POSTGRES, "true"
    if settings.scales_workers:
        yield _KEDA_FOR_WORKERS, f"{settings.max_workers or 1}"


def _require(needed: Sequence[tuple[_Extension, str]], apis: Collection[str], cluster: str) -> None:
    """Raise Refused for the first extension that the cluster lacks."""
    for extension, value in needed:
        if extension.api not in apis:
            raise Refused(
                f"`{extension.setting}` is {value}, but the cluster {cluster} has no {extension.name} (no "
                f"{extension.api}). Install it, or {extension.otherwise}."
            )


class Kubernetes(Cluster):
    """An existing cluster."""

    name = "kubernetes"

    def place(self, service: str, settings: Settings) -> KubernetesPlace:
        assert isinstance(settings, KubernetesSettings)
        scheme = "https" if settings.tls_secret else "http"
        return KubernetesPlace(
            target=self.name,
            service=service,
            namespace=settings.namespace or service,
            context=settings.context,
            kubeconfig=str(Path(settings.kubeconfig_path).expanduser()) if settings.kubeconfig_path else "",
            with_kserve=settings.serving == "kserve",
            url=f"{scheme}://{settings.domain}" if settings.domain else url_to_wake(service, settings),
            may_sleep=settings.min_replicas == 0,
            jobs=bool(settings.jobs),
            workers_may_sleep=settings.min_workers == 0,
        )

    def access(self, settings: Settings, *, applies: bool) -> Access:
        assert isinstance(settings, KubernetesSettings)
        path = kubeconfig_path(settings.kubeconfig_path)
        if not applies and not path.is_file():
            return Access("", settings.context)
        found = checked_kubeconfig(path, settings.context, reach=applies)
        needed = list(_needed_of(settings))
        if not applies or not (needed or settings.monitoring == "auto"):
            return Access(found.text, found.server)
        apis = served_apis(path, settings.context)
        _require(needed, apis, found.server)
        return Access(found.text, found.server, OPERATOR_API in apis)


TARGET = Kubernetes()
