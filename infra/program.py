"""The program that `pulumi up`, the local runner and the offline plan all run."""

import importlib
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import pulumi
from pulumi.runtime import is_config_secret
from pulumi.runtime.config import CONFIG, get_config_env

from slipway.components.fault import ArgumentsError, reader_words
from slipway.components.sdks import installed_by
from slipway.infra.errors import Refused
from slipway.infra.plan.config import ENCRYPTED, StackConfig
from slipway.infra.settings.faults import SettingsError, in_settings
from slipway.infra.settings.reading import read
from slipway.infra.settings.stackfile import given_by, values_of_secrets
from slipway.infra.targets.registry import target_named
from slipway.infra.targets.rollout_step import ROLLOUT_STEP, step_of
from slipway.infra.targets.target import Target
from slipway.stacks.secrets import StackSecrets
from slipway.stacks.settings.common import Settings

# What the DNS of a domain needs, on the targets that have one: output of the component -> of the stack.
_OF_A_DOMAIN = {"domain_records": "domainRecords", "load_balancer": "loadBalancer"}


class MissingSdk(pulumi.RunError):
    """The stack's cloud needs a package that this environment lacks."""


def main(config: StackConfig | None = None) -> None:
    """Read the stack's settings, make its service and export the outputs of every target.

    config: as its files hold it, so that a fault names the file; by default what the engine hands over.

    Every fault of the settings, the components, the model and the image is found before anything is
    registered, and raised as one pulumi.RunError, whose cause is a SettingsError.
    """
    try:
        service = _made(config or _config())
    except (Refused, ValueError) as error:
        raise pulumi.RunError(str(error)) from error
    pulumi.export("url", service.url)
    pulumi.export("imageRef", service.image_ref)
    pulumi.export("serviceName", service.service_name)
    pulumi.export("consoleUrl", service.console_url)
    pulumi.export("logsCommand", service.logs_command)
    pulumi.export("apiKey", service.api_key)
    for name, key in _OF_A_DOMAIN.items():
        if (output := getattr(service, name, None)) is not None:
            pulumi.export(key, output)


def refusal_of(error: pulumi.RunError) -> Refused:
    """Why the program ended, with its faults as values where it named them."""
    cause = error.__cause__
    return cause if isinstance(cause, Refused) else Refused(str(error))


def _made(config: StackConfig) -> Any:
    """Create the stack's service. Raises Refused, before it creates anything, with every fault."""
    given = given_by(config)
    settings, faults = read(given)
    if settings is None:
        raise SettingsError(config.stack, faults)
    with _sdk_of(settings.target, config.stack), reader_words(settings.words()):
        make: Callable[[], Any] | None = None
        target = target_named(settings.target)
        stack = importlib.import_module(target.stack_module)
        name = settings.service_name(config.project, config.stack)
        wrong = {fault.key for fault in faults}
        try:
            make = stack.prepare(name, settings, _secrets(target, settings))
        except ArgumentsError as error:
            faults += in_settings(error, settings, given.place, wrong)
        except Refused:
            if not faults:
                raise
        if faults or make is None:
            raise SettingsError(config.stack, faults)
        try:
            return make()
        except ArgumentsError as error:
            raise SettingsError(config.stack, in_settings(error, settings, given.place, set())) from error


@contextmanager
def _sdk_of(target: str, stack: str) -> Generator[None]:
    """Raise MissingSdk if the target's SDK, which is installed separately, is missing inside the block."""
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
    return StackSecrets(
        _secret("apiKey"),
        _secret_values(),
        kubeconfig,
        access.cluster,
        access.has_operator,
        step_of(os.environ.get(ROLLOUT_STEP, "")),
    )


def _secret(key: str) -> pulumi.Output[str] | None:
    """Return a secret of the stack; unknown if only the engine can decrypt it; None if it is unset."""
    value = pulumi.Config().get(key)
    if not value:
        return None
    return _hidden(value)


def _secret_values() -> dict[str, pulumi.Output[str]]:
    """Return the encrypted values of the setting `secrets`, environment name -> secret; no references."""
    found = values_of_secrets(pulumi.Config().get("secrets") or "")
    return {name: _hidden(value) for name, value in found.items()}


def _hidden(value: str) -> pulumi.Output[str]:
    """Wrap a value as a secret; unknown if only the engine can decrypt it."""
    unknown: Any = pulumi.UNKNOWN
    return pulumi.Output.secret(unknown if value == ENCRYPTED else value)
