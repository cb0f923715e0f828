"""A local service in a container: one image on this machine's Docker engine, with the limits of a cloud.

Owns the container and an API key if none is given; the image stays when the service is destroyed. Memory is
in GiB. Replicas do not apply: there is one container.
"""

from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_docker as docker
import pulumi_random as random
from pulumi.dynamic import Resource

from ..model_address import Source
from ..need import inference_threads
from ..spec import InferenceServiceSpec
from .args import LocalContainerArgs
from .component import with_hidden_key
from .container_provider import ContainerImageProvider, ContainerReadyProvider
from .docker import MODEL_LABEL, SERVICE_LABEL
from .launch import HOST
from .rules import LocalRun, checked_container

# As service/Dockerfile has them.
_PORT = 8080
_USER = "10001:10001"
_MODELS = "/app/service/models"
_MOUNTED = "/model"
_DRAIN_SECONDS = 25
# After the drain, for what ends after it.
_STOP_SECONDS = _DRAIN_SECONDS + 5
_RESTARTS = 5
_KEY_LENGTH = 40
_CPU_PERIOD_US = 100_000


class ContainerImage(Resource, module="slipway", name="ContainerImage"):
    """The image that a name refers to at present, so that a new image of that name is a change."""

    image_id: pulumi.Output[str]


class ContainerReady(Resource, module="slipway", name="ContainerReady"):
    """The moment when the server in a container answers."""

    url: pulumi.Output[str]


class LocalContainer(pulumi.ComponentResource):
    """Run one inference server in a container on this machine."""

    url: pulumi.Output[str]
    """HTTP address on the loopback interface, without a trailing slash."""
    image_ref: pulumi.Output[str]
    """Id of the image that runs, `sha256:…`."""
    service_name: pulumi.Output[str]
    """The component's name, and the container's."""
    console_url: pulumi.Output[str]
    """The page where a person tries the model."""
    logs_command: pulumi.Output[str]
    """Shell command that follows the log."""
    api_key: pulumi.Output[str]
    """Bearer key of the service, a secret."""

    def __init__(
        self, name: str, args: LocalContainerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        run = checked_container(name, args)  # the model is looked at too: a wrong one registers nothing
        spec = run.spec
        super().__init__("slipway:index:LocalContainer", name, with_hidden_key(args), opts)
        image = ContainerImage(
            ContainerImageProvider(),
            f"{name}-image",
            {
                "image": spec.image,
                "service": name,
                "port": spec.service.port,
                "run_folder": spec.run_folder,
                "image_id": None,
            },
            pulumi.ResourceOptions(parent=self),
        )
        key = pulumi.Output.secret(self._created_key(name) if spec.api_key is None else spec.api_key)
        container = _container(run, image.image_id, key, pulumi.ResourceOptions(parent=self))
        ready = ContainerReady(
            ContainerReadyProvider(),
            f"{name}-ready",
            {
                "service": name,
                "container": container.id,
                "url": f"http://{HOST}:{spec.service.port}",
                "load_seconds": run.load_seconds,
            },
            pulumi.ResourceOptions(parent=self),
        )
        self.url = ready.url
        self.image_ref = image.image_id
        self.service_name = pulumi.Output.from_input(name)
        self.console_url = ready.url.apply(lambda url: f"{url}/")
        self.logs_command = pulumi.Output.from_input(f"docker logs -f {name}")
        self.api_key = key
        self.register_outputs(
            {
                "url": self.url,
                "image_ref": self.image_ref,
                "service_name": self.service_name,
                "console_url": self.console_url,
                "logs_command": self.logs_command,
                "api_key": self.api_key,
            }
        )

    def _created_key(self, name: str) -> pulumi.Output[str]:
        opts = pulumi.ResourceOptions(parent=self)
        return random.RandomPassword(f"{name}-api-key", length=_KEY_LENGTH, special=False, opts=opts).result


@dataclass(frozen=True, slots=True)
class _Container:
    """The inputs of the container. A model in a folder of its own is mounted."""

    run: LocalRun

    @property
    def spec(self) -> InferenceServiceSpec:
        return self.run.spec.service

    @property
    def is_mounted(self) -> bool:
        return self.spec.address.source is Source.FILE

    @property
    def memory_mib(self) -> int:
        """Return the memory in whole MiB, as Docker's provider requires, rounded down."""
        return int(self.spec.memory_mib)

    @property
    def env(self) -> dict[str, pulumi.Input[str]]:
        return {
            **self.spec.env,
            "PORT": str(_PORT),
            "MODEL_DIR": _MOUNTED if self.is_mounted else f"{_MODELS}/{Path(self.run.model.path).name}",
            "EXPECTED_MODEL": self.run.expected_model,
            "INFERENCE_THREADS": str(inference_threads(self.spec.cpu)),
            "REQUEST_TIMEOUT_SECONDS": f"{self.spec.request_timeout_seconds:g}",
            "DRAIN_SECONDS": str(_DRAIN_SECONDS),
        }

    @property
    def labels(self) -> dict[str, str]:
        """Return the labels; the digest among them makes a changed model replace the container."""
        own = {SERVICE_LABEL: self.spec.name, MODEL_LABEL: self.spec.model}
        digest = {"slipway.model.digest": self.run.model.digest} if self.is_mounted else {}
        return {**self.spec.labels, **own, **digest}


def _container(
    run: LocalRun, image_id: pulumi.Output[str], key: pulumi.Output[str], opts: pulumi.ResourceOptions
) -> docker.Container:
    """Create the container, locked down.

    A new `memory` replaces it, because only a start proves that it fits.
    """
    container, spec = _Container(run), run.spec.service
    plain = [pulumi.Output.concat(f"{name}=", value) for name, value in container.env.items()]
    version = image_id.apply(lambda image: f"SERVICE_VERSION={image.removeprefix('sha256:')[:12]}")
    mount = docker.ContainerMountArgs(
        type="bind", source=str(run.model.location), target=_MOUNTED, read_only=True
    )
    return docker.Container(
        f"{spec.name}-container",
        name=spec.name,
        image=image_id,
        envs=[*plain, version, pulumi.Output.concat("MODEL_API_KEY=", key)],
        ports=[{"internal": _PORT, "external": spec.port, "ip": HOST, "protocol": "tcp"}],
        mounts=[mount] if container.is_mounted else [],
        labels=[{"label": name, "value": value} for name, value in sorted(container.labels.items())],
        # Not `cpus`: the provider reads 1 back as 1.0, 10 as `10.` and 0.08 as 0.1, each a change.
        cpu_period=_CPU_PERIOD_US,
        cpu_quota=round(spec.cpu * _CPU_PERIOD_US),
        memory=container.memory_mib,
        memory_swap=container.memory_mib,  # both together: the same means no swap
        user=_USER,
        read_only=True,
        tmpfs={"/tmp": "rw,noexec,nosuid,nodev,size=16m,mode=1777"},  # noqa: S108 the container's own
        capabilities={"drops": ["ALL"]},
        security_opts=["no-new-privileges:true"],
        restart="on-failure",
        max_retry_count=_RESTARTS,
        stop_timeout=_STOP_SECONDS,
        destroy_grace_seconds=_STOP_SECONDS,
        log_driver="json-file",
        log_opts={"max-size": "10m", "max-file": "3"},
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(
                additional_secret_outputs=["envs"],
                replace_on_changes=["cpuQuota", "memory", "memorySwap"],  # `cpuQuota` would be left as it is
                delete_before_replace=True,  # its name and its port are one
            ),
        ),
    )
