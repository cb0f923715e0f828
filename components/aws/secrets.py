"""Secrets of one service in AWS Secrets Manager: values kept there, and references to existing ones.

Owns the secrets it makes and their current version. A new value makes a new version, and the reference that
pins its id rolls the service. The previous version is kept, because tasks of the previous revision start with
it if the new one is rolled back. Deleting the secret deletes all its versions.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import pulumi
import pulumi_aws as aws

from ..drawn_names import drawn_name
from ..inputs import checked_secret

# docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
VALUE_BYTES = 65536
# botocore 1.44.5, secretsmanager SecretVersionIdType, SecretVersionStageType; ssm PSParameterName.
_VERSION = re.compile(r"[A-Za-z0-9-]{32,64}")
_STAGE = re.compile(r"[A-Za-z0-9_-]{1,256}")
_PARAMETER = re.compile(
    r"arn:aws[a-z-]*:ssm:[a-z0-9-]+:[0-9]{12}:parameter/[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*"
)
# docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html: json key, stage and
# version stand after the ARN. Secrets Manager ends every ARN with a hyphen and six characters.
_REFERENCE = re.compile(
    r"(?P<arn>arn:aws[a-z-]*:secretsmanager:(?P<region>[a-z0-9-]+):[0-9]{12}:secret:"
    r"(?P<name>[A-Za-z0-9/_+=.@-]+)-[A-Za-z0-9]{6})"
    r"(?::(?P<key>[^:\s]*):(?P<stage>[^:\s]*):(?P<version>[^:\s]*))?"
)
_FORM = (
    "arn:aws:secretsmanager:<region>:<account>:secret:<name>-<6 characters>, with "
    ":<JSON key or empty>::<version id> to pin it, or arn:aws:ssm:<region>:<account>:parameter/<name>"
)


# The right that reads a secret; a parameter has another one.
READ_SECRET = "secretsmanager:GetSecretValue"  # noqa: S105  a name of a right


@dataclass(frozen=True, slots=True)
class SecretReference:
    """An existing secret, or a parameter of Systems Manager.

    key: selects a value of the JSON in the secret; '' is the whole secret. version: '' follows the label
    `stage`; if that is '' too, AWSCURRENT.
    """

    arn: str
    key: str = ""
    version: str = ""
    stage: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a reference.

        Raises ValueError, which says what is allowed but not `text`: that may be a secret by mistake.
        """
        if _PARAMETER.fullmatch(text):
            return cls(text)
        found = _REFERENCE.fullmatch(text)
        version, stage = (found["version"] or "", found["stage"] or "") if found else ("", "")
        if found is None or (version and stage):
            raise ValueError(f"it must be {_FORM}")
        if (version and not _VERSION.fullmatch(version)) or (stage and not _STAGE.fullmatch(stage)):
            raise ValueError(
                f"its version is none: it must be {_FORM}. Find the version with `aws secretsmanager "
                f"list-secret-version-ids --region {found['region']} --secret-id {found['name']}`"
            )
        return cls(found["arn"], found["key"] or "", version, stage)

    @property
    def is_pinned(self) -> bool:
        """Return whether a new value of the secret needs a new reference, which rolls the service."""
        return bool(self.version)

    @property
    def value_from(self) -> str:
        further = f":{self.key}:{self.stage}:{self.version}"
        return self.arn if further == ":::" else f"{self.arn}{further}"


def read_action(arn: str) -> str:
    """Return the IAM action that reads the secret or the parameter with this ARN."""
    return "ssm:GetParameters" if is_parameter(arn) else READ_SECRET


def is_parameter(arn: str) -> bool:
    """Return whether it is a parameter of Systems Manager, and no secret of Secrets Manager."""
    return arn.split(":")[2:3] == ["ssm"]


def region_of(arn: str) -> str:
    """Return the region of a secret or a parameter; '' for a string that is no ARN."""
    return next(iter(arn.split(":")[3:4]), "")


@dataclass(frozen=True, slots=True)
class SecretHome:
    """Where the secrets of one service are created.

    recovery_days: for which a deleted one can be restored, or 0.
    """

    service: str
    region: str
    tags: Mapping[str, str]
    parent: pulumi.Resource
    recovery_days: int


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of one service, ready to use.

    environment: name -> ECS's `valueFrom`. arns: the secrets that a task must be allowed to read.
    """

    environment: Mapping[str, pulumi.Input[str]]
    arns: tuple[pulumi.Input[str], ...]


def secrets_of(
    home: SecretHome, values: Mapping[str, pulumi.Input[str]], references: Mapping[str, str]
) -> Secrets:
    """Create a secret for each of `values` and refer to `references`.

    Both are keyed by environment name, and were checked before.
    """
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
    """Return the beginning of a secret's name; random characters follow, new for each secret."""
    return f"{service}/{name}"


def _kept(
    home: SecretHome, name: str, value: pulumi.Input[str]
) -> tuple[aws.secretsmanager.Secret, aws.secretsmanager.SecretVersion]:
    """Create a secret. A deleted one keeps its name for its recovery days, so no name is used twice."""
    resource = f"{home.service}-{name}-secret"
    base, keepers = secret_name(home.service, name), {"region": home.region}
    secret = aws.secretsmanager.Secret(
        resource,
        name=drawn_name(resource, base, keepers, home.parent),
        region=home.region,
        recovery_window_in_days=home.recovery_days,
        tags=home.tags or None,
        opts=pulumi.ResourceOptions(parent=home.parent, ignore_changes=["name"]),
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
