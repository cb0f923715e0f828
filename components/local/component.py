"""A local service: one server process on this machine's loopback address, and one worker where it takes jobs.

Owns the processes, its run folder and an API key if none is given. Memory is in GiB. Replicas do not
apply: there is one process.
"""

import pulumi
from pulumi.dynamic import Resource

from ..checkout import ROOT
from ..model import source_digest
from .args import LocalServiceArgs, LocalSpec
from .launch import HOST
from .provider import LocalProcessProvider
from .rules import LocalRun, checked_process


def with_hidden_key(args: LocalServiceArgs) -> dict[str, object]:
    """Return the arguments with the key as a secret, also if a program gave it in clear text."""
    key = args.get("api_key")
    return {**args, **({} if key is None else {"api_key": pulumi.Output.secret(key)})}


class LocalProcess(Resource, module="slipway", name="LocalProcess"):
    """The server process itself; its outputs are those that the provider returns."""

    url: pulumi.Output[str]
    api_key: pulumi.Output[str]


class LocalService(pulumi.ComponentResource):
    """Run one inference server on this machine."""

    url: pulumi.Output[str]
    """HTTP address on the loopback interface, without a trailing slash."""
    image_ref: pulumi.Output[str]
    """Empty: the server runs from this checkout, without an image."""
    service_name: pulumi.Output[str]
    """The component's name."""
    console_url: pulumi.Output[str]
    """The page where a person tries the model."""
    logs_command: pulumi.Output[str]
    """Shell command that follows the log."""
    api_key: pulumi.Output[str]
    """Bearer key of the service, a secret."""

    def __init__(self, name: str, args: LocalServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        run = checked_process(name, args)  # the model is looked at too, so that a wrong one registers nothing
        inputs = _process_inputs(run)
        super().__init__("slipway:index:LocalService", name, with_hidden_key(args), opts)
        process = LocalProcess(
            LocalProcessProvider(),
            f"{name}-process",
            inputs,
            pulumi.ResourceOptions(parent=self, additional_secret_outputs=["api_key"]),
        )
        self.url = process.url
        self.image_ref = pulumi.Output.from_input("")
        self.service_name = pulumi.Output.from_input(name)
        self.console_url = process.url.apply(lambda url: f"{url}/")
        self.logs_command = pulumi.Output.from_input(f"tail -F {inputs['run_folder']}/server.log")
        self.api_key = process.api_key
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


def _rollout_inputs(spec: LocalSpec) -> dict[str, object]:
    """Return how a new version takes over; what is unset is left out."""
    given = {
        "rollout": spec.rollout,
        "canary_percent": spec.canary_percent,
        "bake_minutes": spec.bake_minutes,
        "rollback_on": list(spec.rollback_on),
        "smoke_tests": spec.smoke_tests,
    }
    return {name: value for name, value in given.items() if value}


def _jobs_inputs(spec: LocalSpec) -> dict[str, object]:
    """Return what the server and its worker get of jobs; nothing without jobs."""
    if not spec.jobs.jobs:
        return {}
    return {"jobs": spec.jobs.environment, "worker_memory_gib": spec.jobs.worker_memory_gib}


def _process_inputs(run: LocalRun) -> dict[str, object]:
    """Return the inputs of the process for its provider."""
    spec, service = run.spec, run.spec.service
    return {
        "service": spec.name,
        "run_folder": spec.run_folder,
        "port": service.port,
        "cpu": service.cpu,
        "memory_gib": service.memory_gib,
        "timeout_seconds": service.request_timeout_seconds,
        "model": service.model,
        "model_folder": run.model.path,
        "model_digest": run.model.digest,
        "expected_model": run.expected_model,
        "load_seconds": run.load_seconds,
        **_rollout_inputs(spec),
        **_jobs_inputs(spec),
        "code_digest": source_digest(ROOT / "service"),
        "api_key_given": spec.api_key is not None,
        "api_key": None if spec.api_key is None else pulumi.Output.secret(spec.api_key),
        "url": f"http://{HOST}:{service.port}",
    }
