"""The Kubernetes target: any cluster in the stack's own kubeconfig, queried through `kubectl`."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from slipway.components.observability.prometheus import OPERATOR_API
from slipway.infra.errors import Failed, Refused
from slipway.infra.plan.config import StackConfig
from slipway.infra.settings.faults import SettingsError
from slipway.infra.settings.stackfile import settings_from
from slipway.infra.targets.kubeconfig import checked_kubeconfig, kubeconfig_path
from slipway.infra.targets.kubectl import (
    KubernetesPlace,
    following,
    kubernetes_logs,
    kubernetes_status,
    serves,
)
from slipway.infra.targets.kubernetes_objects import ServiceObjects
from slipway.infra.targets.kubernetes_record import PAUSE, PROMOTE, ClusterRecord
from slipway.infra.targets.kubernetes_releases import KubernetesReleases
from slipway.infra.targets.kubernetes_rollback import ask_rollout, take_back
from slipway.infra.targets.kubernetes_up import KubernetesUp
from slipway.infra.targets.status import Status
from slipway.infra.targets.target import Access, CloudTarget, CommandRollout
from slipway.stacks.settings.common import Settings
from slipway.stacks.settings.kubernetes import KubernetesSettings, WorkloadSettings


class Cluster(CloudTarget[KubernetesPlace]):
    """What `kubectl` answers is the same on every cluster."""

    how_to_roll_back = "`canaryPercent: 0` gives every request to KServe's previous revision"

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
        if release is not None and not (release.isascii() and release.isdigit()):
            raise Refused(f"Releases of a cluster are numbers, and {release!r} is none.")
        objects = self._objects(config)
        left, serving = take_back(config, objects, int(release) if release else None, secrets, say)
        return str(left), str(serving)

    def _objects(self, config: StackConfig) -> ServiceObjects:
        """Return the service's objects. Raises Refused with KServe, whose revisions are its own."""
        place = self.place_of(config)
        if place.with_kserve:
            raise Refused(self._elsewhere)
        return ServiceObjects(place)

    def status_at(self, stack: str, place: KubernetesPlace) -> Status:
        found = kubernetes_status(stack, place)
        if place.with_kserve or found.state == "stopped":
            return found
        with suppress(Failed):  # whoever may not read it sees the rest
            rollout = ClusterRecord(ServiceObjects(place)).read().rollout
            return replace(found, rollout=rollout.to_json() if rollout else None)
        return found

    def log_at(self, place: KubernetesPlace, tail: int) -> Iterator[str]:
        return kubernetes_logs(place, tail)

    def following(self, place: KubernetesPlace) -> list[str]:
        return following(place)


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
            url=f"{scheme}://{settings.domain}" if settings.domain else "",
        )

    def access(self, settings: Settings, *, applies: bool) -> Access:
        assert isinstance(settings, KubernetesSettings)
        path = kubeconfig_path(settings.kubeconfig_path)
        if not applies and not path.is_file():
            return Access("", settings.context)
        found = checked_kubeconfig(path, settings.context, reach=applies)
        if not (applies and settings.monitoring in ("auto", "operator")):
            return Access(found.text, found.server)
        has_operator = serves(OPERATOR_API, path, settings.context)
        if settings.monitoring == "operator" and not has_operator:
            raise Refused(
                f"`monitoring` is operator, but the cluster {found.server} has no Prometheus Operator (no "
                f"{OPERATOR_API}). Install it, or set `monitoring` to none, or to auto, which does without."
            )
        return Access(found.text, found.server, has_operator)


TARGET = Kubernetes()
