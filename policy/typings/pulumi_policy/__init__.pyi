"""The parts of pulumi-policy 1.21.0 that the pack uses, for the type checker.

The SDK itself is in the pack's own environment only, and it carries no types.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import Enum
from typing import Any

class EnforcementLevel(Enum):
    ADVISORY = "advisory"
    MANDATORY = "mandatory"
    REMEDIATE = "remediate"
    DISABLED = "disabled"

class Policy:
    name: str
    description: str

class PolicyPack:
    def __init__(self, name: str, policies: list[Policy]) -> None: ...

ReportViolation = Callable[[str, str | None], None]

class ResourceValidationArgs:
    resource_type: str
    props: Mapping[str, Any]
    urn: str
    name: str

class PolicyResource:
    resource_type: str
    props: Mapping[str, Any]
    urn: str
    name: str
    parent: PolicyResource | None
    dependencies: Sequence[PolicyResource]

class StackValidationArgs:
    resources: Sequence[PolicyResource]

class ResourceValidationPolicy(Policy):
    def __init__(
        self,
        name: str,
        description: str,
        validate: Callable[[ResourceValidationArgs, ReportViolation], Awaitable[None] | None],
        enforcement_level: EnforcementLevel | None = None,
    ) -> None: ...

class StackValidationPolicy(Policy):
    def __init__(
        self,
        name: str,
        description: str,
        validate: Callable[[StackValidationArgs, ReportViolation], Awaitable[None] | None],
        enforcement_level: EnforcementLevel | None = None,
    ) -> None: ...
