"""The inputs of every cloud's service that may be known only at apply time: image digest and API key."""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, cast

import pulumi
import pulumi_random as random

from .api_key import API_KEY
from .fault import ComponentError, Fault
from .input_rules import image_fault, key_fault

_KEY_LENGTH = 40


class ApplyError(ComponentError, pulumi.RunError):
    """A fault that shows only once values are known, in the middle of an update.

    Of a RunError the engine prints the message alone; of any other error a traceback around it, and the SDK
    wraps a ValueError in others of its own.
    """


def with_digest(
    image_ref: pulumi.Input[str], target_fault: Callable[[str], Fault | None] = lambda _: None
) -> pulumi.Output[str]:
    """Return the image, failing at apply time if it has no digest or the target does not accept it.

    target_fault: returns what the target does not allow of a reference with its digest, else None.
    """

    def check(text: str) -> str:
        if fault := image_fault(text) or target_fault(text):
            raise ApplyError(str(fault))
        return text

    return pulumi.Output.from_input(image_ref).apply(check)


def api_key_of(name: str, given: pulumi.Input[str] | None, parent: pulumi.Resource) -> pulumi.Output[str]:
    """Return the given or a created key, as a secret; an unusable one fails without being shown."""
    if given is not None:
        return pulumi.Output.secret(given).apply(_usable_key)
    created = random.RandomPassword(
        f"{name}-api-key", length=_KEY_LENGTH, special=False, opts=pulumi.ResourceOptions(parent=parent)
    )
    return pulumi.Output.secret(created.result)


def checked_secret(name: str, value: pulumi.Input[str], most_bytes: int) -> pulumi.Output[str]:
    """Return the value as a secret; one of the wrong size fails without being shown."""

    def check(text: str) -> str:
        size = len(text.encode())
        if not 1 <= size <= most_bytes:
            raise ApplyError(f"secret {name} has {size} bytes; it must have from 1 to {most_bytes}.")
        return text

    return pulumi.Output.secret(value).apply(check)


def recorded(args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments as the state records them, with the values of secrets encrypted."""
    shown = {key: value.value if isinstance(value, Enum) else value for key, value in args.items()}
    if (key := args.get("api_key")) is not None:
        shown["api_key"] = pulumi.Output.secret(key)
    values = cast("Mapping[str, pulumi.Input[str]]", args.get("secret_values") or {})
    if values:
        shown["secret_values"] = {name: pulumi.Output.secret(value) for name, value in values.items()}
    return shown


def _usable_key(key: str) -> str:
    if not API_KEY.fullmatch(key):
        raise ApplyError(str(key_fault(key)))
    return key
