"""The local target: a process of this machine, or a container of its Docker."""

from collections.abc import Callable, Iterator
from typing import Any

from slipway.components.local.process import running
from slipway.components.local.rollout import as_json
from slipway.components.model import model_folder, model_version
from slipway.components.spec import InferenceServiceSpec
from slipway.infra.errors import Refused
from slipway.infra.local import releases as local
from slipway.infra.plan.config import StackConfig
from slipway.infra.settings.stackfile import settings_from
from slipway.infra.targets.batch_run import BatchOrder, BatchRun
from slipway.infra.targets.local_batch import LocalBatch
from slipway.infra.targets.local_container import container_status, show_container_log
from slipway.infra.targets.logs import lines_of
from slipway.infra.targets.status import Status, local_status
from slipway.infra.targets.target import Say, Target, release_number


class Local(Target):
    """The target of this machine: `slipway up` applies a process, Pulumi a container."""

    name = "local"

    def applied_here(self, config: StackConfig) -> bool:
        return not self.in_container(config)

    def in_container(self, config: StackConfig) -> bool:
        return config.values.get(f"{config.project}:runtime", "") == "container"

    def status(self, config: StackConfig) -> Status:
        if self._asks_docker(config):
            return container_status(config.stack, f"{config.project}-{config.stack}")
        return local_status(config.stack, config.run_folder)

    def log(self, config: StackConfig, tail: int, follow: bool) -> Iterator[str]:
        if self._asks_docker(config):
            show_container_log(f"{config.project}-{config.stack}", tail, follow)
        return lines_of(config.run_folder, tail, follow)

    def releases(self, config: StackConfig) -> list[dict[str, Any]]:
        self._require_process(config)
        return local.listed(config.run_folder)

    def promote(self, config: StackConfig) -> dict[str, Any]:
        self._require_process(config)
        return as_json(local.promote(config.run_folder))

    def pause(self, config: StackConfig) -> dict[str, Any]:
        self._require_process(config)
        return as_json(local.pause(config.run_folder))

    def roll_back(
        self,
        config: StackConfig,
        release: str | None,
        secrets: bool,
        settings: bool,
        say: Callable[[str], None],
    ) -> tuple[str, str]:
        self._require_process(config)
        number = release_number(release, "this machine")
        options = local.RollbackOptions(secrets, settings)
        left, serving = local.roll_back(config.run_folder, number, options, say)
        return str(left), str(serving)

    def batch(self, config: StackConfig, order: BatchOrder, say: Say) -> BatchRun:
        settings = settings_from(config)
        model = model_folder(config.stack, settings.model, settings.task)
        given = {} if settings.memory_gib is None else {"memory_gib": settings.memory_gib}
        spec = InferenceServiceSpec.read("service", given)
        say(f"Starting a batch with the model {model_version(model.manifest)}")
        return LocalBatch(order, config.run_folder, model.location, int(spec.memory_gib * 2**30))

    def _require_process(self, config: StackConfig) -> None:
        """Raise Refused for a container, which Docker replaces at once and of which nothing is kept."""
        if self._asks_docker(config):
            raise Refused(
                "A stack with `runtime: container` keeps no releases: Docker replaces its container. Bring "
                "the earlier image or commit back and run `pulumi up`."
            )

    def _asks_docker(self, config: StackConfig) -> bool:
        """Return whether Docker runs the service, not a process that was started before `runtime` changed."""
        return self.in_container(config) and not running(config.run_folder)


TARGET = Local()
