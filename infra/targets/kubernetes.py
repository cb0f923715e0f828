"""The Kubernetes target: any cluster in the stack's own kubeconfig, queried through `kubectl`."""

from collections.abc import Iterator
from pathlib import Path

from slipway.components.observability.prometheus import OPERATOR_API
from slipway.infra.errors import Refused
from slipway.infra.targets.kubeconfig import checked_kubeconfig, kubeconfig_path
from slipway.infra.targets.kubectl import (
    KubernetesPlace,
    following,
    kubernetes_logs,
    kubernetes_status,
    serves,
)
from slipway.infra.targets.status import Status
from slipway.infra.targets.target import Access, CloudTarget
from slipway.stacks.settings.common import Settings
from slipway.stacks.settings.kubernetes import KubernetesSettings


class Cluster(CloudTarget[KubernetesPlace]):
    """What `kubectl` answers is the same on every cluster."""

    def status_at(self, stack: str, place: KubernetesPlace) -> Status:
        return kubernetes_status(stack, place)

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
