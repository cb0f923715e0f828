"""The GKE target: a cluster in the context that `gcloud` writes, queried through `kubectl`."""

import shutil

from slipway.components.google.gke_login import PLUGIN, PLUGIN_HINT, context_name, credentials_command
from slipway.infra.errors import Refused
from slipway.infra.plan.config import StackConfig
from slipway.infra.settings.stackfile import settings_from
from slipway.infra.targets.batch_run import BatchOrder, BatchRun
from slipway.infra.targets.kubectl import KubernetesPlace
from slipway.infra.targets.kubernetes import Cluster, url_to_wake
from slipway.infra.targets.target import Access, Say
from slipway.stacks.settings.common import Settings
from slipway.stacks.settings.gke import GkeSettings


class Gke(Cluster):
    """Reaching the cluster takes a plugin of Google's; the program makes the kubeconfig itself."""

    name = "gke"
    has_spot_nodes = True

    def place(self, service: str, settings: Settings) -> KubernetesPlace:
        assert isinstance(settings, GkeSettings)
        where = (settings.project, settings.location or settings.region, settings.cluster or service)
        return KubernetesPlace(
            target=self.name,
            service=service,
            namespace=settings.namespace or service,
            context=context_name(*where),
            login=credentials_command(*where),
            with_kserve=settings.serving == "kserve",
            url=f"https://{settings.domain}" if settings.domain else url_to_wake(service, settings),
            may_sleep=settings.min_replicas == 0,
            jobs=bool(settings.jobs),
            workers_may_sleep=settings.min_workers == 0,
        )

    def batch(self, config: StackConfig, order: BatchOrder, say: Say) -> BatchRun:
        settings = settings_from(config)
        assert isinstance(settings, GkeSettings)
        if order.spot and not settings.cluster and not (settings.gpu and settings.spot):
            say(
                "--spot: this stack has no nodes on Spot capacity (`spot: true` puts those with a GPU on "
                "it), so pods start only if the cluster has a pool of yours that is."
            )
        return super().batch(config, order, say)

    def require_access(self) -> None:
        """Raise Refused without the plugin: a cluster would be paid for that nothing can be put on."""
        if shutil.which(PLUGIN) is None:
            raise Refused(
                f"A GKE cluster is reached through `{PLUGIN}`, which is not on PATH; nothing was changed. "
                f"{PLUGIN_HINT}."
            )

    def access(self, settings: Settings, *, applies: bool) -> Access:  # noqa: ARG002 some targets read them
        if applies:
            self.require_access()
        return Access()


TARGET = Gke()
