"""The program that `pulumi up`, the local runner and the offline plan all run."""

import importlib
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pulumi
from pulumi.runtime import is_config_secret
from pulumi.runtime.config import CONFIG, get_config_env

from slipway.components.sdks import installed_by
from slipway.infra.errors import Refused
from slipway.infra.plan.config import ENCRYPTED, StackConfig
from slipway.infra.settings.checked import Settings
from slipway.infra.settings.stackfile import settings_from, values_of_secrets
from slipway.infra.targets.registry import target_named
from slipway.infra.targets.target import Target
from slipway.stacks.secrets import StackSecrets


class MissingSdk(pulumi.RunError):
    """The stack's cloud needs a package that this environment lacks."""


def main() -> None:
    """Read the stack's settings, check them, make its service and export the outputs of every target."""
    config = _config()
    try:
        settings = settings_from(config)
        name = f"{config.project}-{config.stack}"
        with _sdk_of(settings.target, config.stack):
            target = target_named(settings.target)
            stack = importlib.import_module(target.stack_module)
            service = stack.service(name, settings, _secrets(target, settings))
    except (Refused, ValueError) as error:
        raise pulumi.RunError(str(error)) from error
    pulumi.export("url", service.url)
    pulumi.export("imageRef", service.image_ref)
    pulumi.export("serviceName", service.service_name)
    pulumi.export("consoleUrl", service.console_url)
    pulumi.export("logsCommand", service.logs_command)
    pulumi.export("apiKey", service.api_key)


@contextmanager
def _sdk_of(target: str, stack: str) -> Generator[None]:
    """A target's modules are imported only when asked for: its SDK is installed apart, and may be missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("pulumi_"):
            raise
        raise MissingSdk(
            f"Stack {stack} has the target {target}, which needs {error.name}; it is not installed. "
            f"Run {installed_by(error.name or '')}."
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


def _secrets(target: Target, settings: Settings) -> StackSecrets:
    access = target.access(settings, applies=not pulumi.runtime.is_dry_run())
    kubeconfig = None if access.kubeconfig is None else _hidden(access.kubeconfig or ENCRYPTED)
    return StackSecrets(_secret("apiKey"), _secret_values(), kubeconfig, access.cluster)


def _secret(key: str) -> pulumi.Output[str] | None:
    """A secret of the stack; unknown where only the engine can decrypt it; None when it is unset."""
    value = pulumi.Config().get(key)
    if not value:
        return None
    return _hidden(value)


def _secret_values() -> dict[str, pulumi.Output[str]]:
    """The values of the `secrets` setting, environment name -> secret; its references are settings."""
    found = values_of_secrets(pulumi.Config().get("secrets") or "")
    return {name: _hidden(value) for name, value in found.items()}


def _hidden(value: str) -> pulumi.Output[str]:
    """As a secret; unknown where it cannot be read here."""
    unknown: Any = pulumi.UNKNOWN
    return pulumi.Output.secret(unknown if value == ENCRYPTED else value)
