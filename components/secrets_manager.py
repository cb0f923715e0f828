"""Secrets of one service in AWS Secrets Manager: values kept there, and references to existing ones.

Owns the secrets it makes and their current version. A new value makes a new version, and the reference that
pins its id rolls the service. The version before is left where it is, as the previous one: tasks of the
revision before start with it, should the new one be rolled back. Deleting the secret deletes all its
versions.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import pulumi
import pulumi_aws as aws

from .inputs import checked_secret

# docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
VALUE_BYTES = 65536
# botocore 1.44.5, secretsmanager SecretVersionIdType.
_VERSION = re.compile(r"[A-Za-z0-9-]{32,64}")
# docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html: json key, stage and
# version stand after the ARN. Secrets Manager ends every ARN with a hyphen and six characters.
_REFERENCE = re.compile(
    r"(?P<arn>arn:aws[a-z-]*:secretsmanager:(?P<region>[a-z0-9-]+):[0-9]{12}:secret:"
    r"(?P<name>[A-Za-z0-9/_+=.@-]+)-[A-Za-z0-9]{6})"
    r"(?::(?P<key>[^:\s]*):(?P<stage>[^:\s]*):(?P<version>[^:\s]*))?"
)
_FORM = (
    "arn:aws:secretsmanager:<region>:<account>:secret:<name>-<6 characters>:<JSON key or empty>::<version id>"
)


@dataclass(frozen=True, slots=True)
class SecretReference:
    """An existing secret, its version pinned. key: of the JSON in it; '' is the whole value."""

    arn: str
    key: str
    version: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError, whose text says what is allowed; `text` itself may be a secret by mistake."""
        found = _REFERENCE.fullmatch(text)
        if found is None or found["stage"]:
            raise ValueError(f"it must be {_FORM}")
        if not _VERSION.fullmatch(found["version"] or ""):
            raise ValueError(
                f"it names no version; without one another value would roll nothing: it must be {_FORM}. "
                "Find the version with `aws secretsmanager list-secret-version-ids --region "
                f"{found['region']} --secret-id {found['name']}`"
            )
        return cls(found["arn"], found["key"], found["version"])

    @property
    def value_from(self) -> str:
        return f"{self.arn}:{self.key}::{self.version}"


@dataclass(frozen=True, slots=True)
class SecretHome:
    """Where the secrets of one service belong. recovery_days: in which a deleted one can come back, or 0."""

    service: str
    region: str
    tags: Mapping[str, str]
    parent: pulumi.Resource
    recovery_days: int


@dataclass(frozen=True, slots=True)
class Secrets:
    """environment: name -> ECS's `valueFrom`. arns: the secrets that a task must be allowed to read."""

    environment: Mapping[str, pulumi.Input[str]]
    arns: tuple[pulumi.Input[str], ...]


def secrets_of(
    home: SecretHome, values: Mapping[str, pulumi.Input[str]], references: Mapping[str, str]
) -> Secrets:
    """Keep `values` and point at `references`; both by environment name. Everything was checked before."""
    environment: dict[str, pulumi.Input[str]] = {}
    arns: list[pulumi.Input[str]] = []
    for name in sorted(values):
        secret, version = _kept(home, name, values[name])
        environment[name] = pulumi.Output.concat(secret.arn, ":::", version.version_id)
        arns.append(secret.arn)
    parsed = {name: SecretReference.parse(references[name]) for name in sorted(references)}
    environment |= {name: reference.value_from for name, reference in parsed.items()}
    arns += sorted({reference.arn for reference in parsed.values()})
    return Secrets(environment, tuple(arns))


def secret_name(service: str, name: str) -> str:
    return f"{service}/{name}"


def _kept(
    home: SecretHome, name: str, value: pulumi.Input[str]
) -> tuple[aws.secretsmanager.Secret, aws.secretsmanager.SecretVersion]:
    secret = aws.secretsmanager.Secret(
        f"{home.service}-{name}-secret",
        name=secret_name(home.service, name),
        region=home.region,
        recovery_window_in_days=home.recovery_days,
        tags=home.tags or None,
        opts=pulumi.ResourceOptions(parent=home.parent),
    )
    version = aws.secretsmanager.SecretVersion(
        f"{home.service}-{name}-version",
        secret_id=secret.id,
        region=home.region,
        secret_string=checked_secret(name, value, VALUE_BYTES),
        opts=pulumi.ResourceOptions(
            parent=home.parent, additional_secret_outputs=["secretString"], retain_on_delete=True
        ),
    )
    return secret, version
