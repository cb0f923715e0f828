"""A local service in a container: one image on this machine's Docker engine, with the limits of a cloud.

Owns the container and an API key where none is given; the image stays when the service goes. Memory is
in GiB. Replicas do not apply: there is one container.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NotRequired, Self

import pulumi
import pulumi_docker as docker
import pulumi_random as random
from pulumi.dynamic import Resource

from ..load_time import load_seconds_of
from ..model import model_folder, model_version, require_memory
from ..need import inference_threads, need_of
from ..spec import InferenceServiceSpec, refuse
from .component import LocalServiceArgs, with_hidden_key
from .container_provider import ContainerImageProvider, ContainerReadyProvider
from .docker import MODEL_LABEL, SERVICE_LABEL
from .process import HOST

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


class LocalContainerArgs(LocalServiceArgs):
    """What a local container takes beyond a local process."""

    image: NotRequired[str]
    """Image that the Docker engine has: a name or an id; or a digest reference to pull. Default `slipway`."""


class ContainerImage(Resource, module="slipway", name="ContainerImage"):
    """The image that a name stands for now, so that a new one is a change."""

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
        run = _Run.of(InferenceServiceSpec.read(name, args), args)
        super().__init__("slipway:index:LocalContainer", name, with_hidden_key(args), opts)
        image = ContainerImage(
            ContainerImageProvider(),
            f"{name}-image",
            {
                "image": run.image,
                "service": name,
                "port": run.spec.port,
                "run_folder": run.run_folder,
                "image_id": None,
            },
            pulumi.ResourceOptions(parent=self),
        )
        key = pulumi.Output.secret(args["api_key"] if "api_key" in args else self._created_key(name))
        container = _container(run, image.image_id, key, pulumi.ResourceOptions(parent=self))
        ready = ContainerReady(
            ContainerReadyProvider(),
            f"{name}-ready",
            {
                "service": name,
                "container": container.id,
                "url": f"http://{HOST}:{run.spec.port}",
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
class _Run:
    """What runs, complete and checked. mount: the host's folder of a mounted model, or empty."""

    spec: InferenceServiceSpec
    image: str
    run_folder: str
    model_dir: str
    mount: str
    model_digest: str
    expected_model: str
    load_seconds: float

    @classmethod
    def of(cls, spec: InferenceServiceSpec, args: LocalContainerArgs) -> Self:
        """The model is looked at here, so that a wrong one registers nothing. Raises ValueError."""
        refuse(spec.name, (*spec.faults(), *_faults(spec)))
        model = model_folder(spec.name, spec.model, spec.task)
        require_memory(spec.name, spec.model, need_of(model.manifest, spec.cpu), spec.memory_gib, spec.cpu)
        mounted = spec.model.startswith("file:")
        return cls(
            spec=spec,
            image=args.get("image") or "slipway",
            run_folder=args.get("run_folder") or str(Path(".slipway") / spec.name),
            model_dir=_MOUNTED if mounted else f"{_MODELS}/{Path(model.path).name}",
            mount=str(model.location) if mounted else "",
            model_digest=model.digest if mounted else "",
            expected_model=spec.expected_model or model_version(model.manifest),
            load_seconds=args.get("load_seconds") or load_seconds_of(model.manifest, spec.cpu, gpu=False),
        )

    @property
    def memory_mib(self) -> int:
        """Docker's provider takes whole MiB; rounded down, so that the limit is never above the setting."""
        return int(self.spec.memory_gib * 1024)

    @property
    def env(self) -> dict[str, str]:
        return {
            **self.spec.env,
            "PORT": str(_PORT),
            "MODEL_DIR": self.model_dir,
            "EXPECTED_MODEL": self.expected_model,
            "INFERENCE_THREADS": str(inference_threads(self.spec.cpu)),
            "REQUEST_TIMEOUT_SECONDS": f"{self.spec.request_timeout_seconds:g}",
            "DRAIN_SECONDS": str(_DRAIN_SECONDS),
        }

    @property
    def labels(self) -> dict[str, str]:
        """A model that changed in its folder is another label, and so another container."""
        own = {SERVICE_LABEL: self.spec.name, MODEL_LABEL: self.spec.model}
        digest = {"slipway.model.digest": self.model_digest} if self.model_digest else {}
        return {**self.spec.labels, **own, **digest}


def _faults(spec: InferenceServiceSpec) -> Iterator[str]:
    if spec.gpu:
        yield f"gpu is {spec.gpu}; a local container has none. Leave it out."
    if spec.secrets:
        yield f"secrets are {', '.join(spec.secrets)}; a local container has no secret store. Leave them out."


def _container(
    run: _Run, image_id: pulumi.Output[str], key: pulumi.Output[str], opts: pulumi.ResourceOptions
) -> docker.Container:
    """The container, locked down. Another `memory` makes a new one: its start under it is the proof."""
    plain = [f"{name}={value}" for name, value in run.env.items()]
    version = image_id.apply(lambda image: f"SERVICE_VERSION={image.removeprefix('sha256:')[:12]}")
    mount = docker.ContainerMountArgs(type="bind", source=run.mount, target=_MOUNTED, read_only=True)
    return docker.Container(
        f"{run.spec.name}-container",
        name=run.spec.name,
        image=image_id,
        envs=[*plain, version, pulumi.Output.concat("MODEL_API_KEY=", key)],
        ports=[{"internal": _PORT, "external": run.spec.port, "ip": HOST, "protocol": "tcp"}],
        mounts=[mount] if run.mount else [],
        labels=[{"label": name, "value": value} for name, value in sorted(run.labels.items())],
        # Not `cpus`: the provider reads 1 back as 1.0, 10 as `10.` and 0.08 as 0.1, each a change.
        cpu_period=_CPU_PERIOD_US,
        cpu_quota=round(run.spec.cpu * _CPU_PERIOD_US),
        memory=run.memory_mib,
        memory_swap=run.memory_mib,  # both together: the same means no swap
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
