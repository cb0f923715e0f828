"""The program that `pulumi up`, the local runner and the offline plan all run."""

import importlib
from types import ModuleType
from typing import Any

import pulumi
from pulumi.runtime import is_config_secret
from pulumi.runtime.config import CONFIG, get_config_env

from infra.settings import SettingsError
from infra.stackfile import ENCRYPTED, StackConfig, settings_from

TARGETS = {"local": "stacks.local"}


def main() -> None:
    """Read the stack's settings, check them, make its service and export the outputs of every target."""
    config = _config()
    try:
        settings = settings_from(config)
        stack = _stack_module(settings.target, config.stack)
        service = stack.service(f"{config.project}-{config.stack}", settings, _secret("apiKey"))
    except (SettingsError, ValueError) as error:
        raise pulumi.RunError(str(error)) from error
    pulumi.export("url", service.url)
    pulumi.export("imageRef", service.image_ref)
    pulumi.export("serviceName", service.service_name)
    pulumi.export("consoleUrl", service.console_url)
    pulumi.export("logsCommand", service.logs_command)
    pulumi.export("apiKey", service.api_key)


def _stack_module(target: str, stack: str) -> ModuleType:
    """The module of a target, imported only when asked for: its cloud's SDK is installed apart."""
    try:
        return importlib.import_module(TARGETS[target])
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("pulumi_"):
            raise
        raise pulumi.RunError(
            f"Stack {stack} has the target {target}, which needs {error.name}; it is not installed. "
            "Run `make setup-cloud`."
        ) from None


def _config() -> StackConfig:
    values = {**get_config_env(), **CONFIG.get()}
    return StackConfig(
        project=pulumi.get_project(),
        stack=pulumi.get_stack(),
        values={key: str(value) for key, value in values.items()},
        secret_keys=frozenset(key for key in values if is_config_secret(key)),
        where={},
    )


def _secret(key: str) -> pulumi.Output[str] | None:
    """A secret of the stack; unknown where only the engine can decrypt it; None when it is unset."""
    value = pulumi.Config().get(key)
    if not value:
        return None
    if value == ENCRYPTED:
        unknown: Any = pulumi.UNKNOWN
        return pulumi.Output.secret(unknown)
    return pulumi.Output.secret(value)
