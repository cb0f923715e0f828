"""The rules' names, and how strictly each is taken in a stack. Pure."""

import re
from collections.abc import Mapping

# What cannot be taken back once it happened is mandatory from the start.
_MANDATORY = ("public", "plain-secret")
_PRODUCTION = re.compile(r"(^|[-_.])prod(uction)?($|[-_.])")


def is_production(stack: str) -> bool:
    """By its name: `prod`, `prod-aws`, `eu-production`."""
    return _PRODUCTION.search(stack) is not None


def level_of(rule: str, stack: str, given: Mapping[str, str]) -> str:
    """given: the setting `policy`, rule -> level."""
    if rule in given:
        return given[rule]
    if rule == "deletion-protection" and not is_production(stack):
        return "off"
    return "mandatory" if rule in _MANDATORY else "advisory"
