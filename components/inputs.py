"""What every cloud's service takes, and may know only when it is applied: the image's digest, the API key."""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, cast

import pulumi
import pulumi_random as random

from .input_rules import API_KEY, image_fault, key_fault

_KEY_LENGTH = 40


def with_digest(
    image_ref: pulumi.Input[str], target_fault: Callable[[str], str] = lambda _: ""
) -> pulumi.Output[str]:
    """Return the image; an Output that turns out to have no digest, or a fault of the target, fails.

    target_fault: returns what the target does not allow of a reference with its digest, else an empty string.
    """

    def check(text: str) -> str:
        if fault := image_fault(text) or target_fault(text):
            raise ValueError(fault)
        return text

    return pulumi.Output.from_input(image_ref).apply(check)


def api_key_of(name: str, given: pulumi.Input[str] | None, parent: pulumi.Resource) -> pulumi.Output[str]:
    """The given key, or one that is created, as a secret; an unusable one fails without being shown."""
    if given is not None:
        return pulumi.Output.secret(given).apply(_usable_key)
    created = random.RandomPassword(
        f"{name}-api-key", length=_KEY_LENGTH, special=False, opts=pulumi.ResourceOptions(parent=parent)
    )
    return pulumi.Output.secret(created.result)


def checked_secret(name: str, value: pulumi.Input[str], most_bytes: int) -> pulumi.Output[str]:
    """The value as a secret; an impossible one fails without being shown."""

    def check(text: str) -> str:
        size = len(text.encode())
        if not 1 <= size <= most_bytes:
            raise ValueError(f"secret {name} has {size} bytes; it must have from 1 to {most_bytes}.")
        return text

    return pulumi.Output.secret(value).apply(check)


def recorded(args: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as they stand in the state: what is secret by meaning is one there too."""
    shown = {key: value.value if isinstance(value, Enum) else value for key, value in args.items()}
    if (key := args.get("api_key")) is not None:
        shown["api_key"] = pulumi.Output.secret(key)
    values = cast("Mapping[str, pulumi.Input[str]]", args.get("secret_values") or {})
    if values:
        shown["secret_values"] = {name: pulumi.Output.secret(value) for name, value in values.items()}
    return shown


def _usable_key(key: str) -> str:
    if not API_KEY.fullmatch(key):
        raise ValueError(key_fault(key))
    return key
