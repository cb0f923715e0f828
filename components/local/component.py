"""A local service: one server process on this machine's loopback address.

Owns the process, its run folder and an API key where none is given. Memory is in GiB. Replicas do not
apply: there is one process.
"""

from pathlib import Path
from typing import NotRequired

import pulumi
from pulumi.dynamic import Resource

from ..checkout import ROOT
from ..load_time import load_seconds_of
from ..model import model_folder, model_version, require_memory, source_digest
from ..need import need_of
from ..spec import InferenceServiceArgs, InferenceServiceSpec
from .process import HOST
from .provider import LocalProcessProvider


class LocalServiceArgs(InferenceServiceArgs):
    """What a local service takes beyond every target's arguments."""

    api_key: NotRequired[pulumi.Input[str]]
    """Bearer key of the service, 16 characters or more. One is created when none is given."""
    run_folder: NotRequired[str]
    """Folder of its log and records, relative to the project. Default `.slipway/<name>`."""


def with_hidden_key(args: LocalServiceArgs) -> dict[str, object]:
    """The arguments as the state may hold them, also where a program gave the key in clear."""
    hidden = {"api_key": pulumi.Output.secret(args["api_key"])} if "api_key" in args else {}
    return {**args, **hidden}


class LocalProcess(Resource, module="slipway", name="LocalProcess"):
    """The server process itself; outputs as the provider returns them."""

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
        spec = InferenceServiceSpec.of(name, args)
        inputs = _process_inputs(spec, args)
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
        self.logs_command = pulumi.Output.from_input(f"tail -f {inputs['run_folder']}/server.log")
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


def _process_inputs(spec: InferenceServiceSpec, args: LocalServiceArgs) -> dict[str, object]:
    """What the provider gets. The model is looked at here, so that a wrong one registers nothing."""
    model = model_folder(spec.name, spec.model, spec.task)
    require_memory(spec.name, spec.model, need_of(model.manifest, spec.cpu), spec.memory_gib, spec.cpu)
    api_key = args.get("api_key")
    return {
        "service": spec.name,
        "run_folder": args.get("run_folder") or str(Path(".slipway") / spec.name),
        "port": spec.port,
        "cpu": spec.cpu,
        "memory_gib": spec.memory_gib,
        "timeout_seconds": spec.request_timeout_seconds,
        "model": spec.model,
        "model_folder": model.path,
        "model_digest": model.digest,
        "expected_model": spec.expected_model or model_version(model.manifest),
        "load_seconds": args.get("load_seconds") or load_seconds_of(model.manifest, spec.cpu, gpu=False),
        "code_digest": source_digest(ROOT / "service"),
        "api_key_given": api_key is not None,
        "api_key": None if api_key is None else pulumi.Output.secret(api_key),
        "url": f"http://{HOST}:{spec.port}",
    }
