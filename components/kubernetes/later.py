"""Builds a string from a value that may be known only at apply time."""

from collections.abc import Callable

import pulumi


def applied(make: Callable[[str], str], value: pulumi.Input[str]) -> pulumi.Input[str]:
    """Return `make(value)`; an Output of it if the value is not plain."""
    return make(value) if isinstance(value, str) else pulumi.Output.from_input(value).apply(make)
