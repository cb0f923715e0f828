"""Secrets of one service in Google Secret Manager: values kept there, references to existing ones, grants.

Owns the secrets it makes, their current version and one accessor grant for each secret. A new value makes a
new version, and the reference that pins its number rolls the service. The previous version is abandoned: it
stays in Secret Manager, because older revisions start with it. Deleting the secret deletes all its versions.
Nothing here deletes old versions while the secret lives; that would need to know which revisions run.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import pulumi
import pulumi_gcp as gcp

from ..inputs import checked_secret

ACCESSOR = "roles/secretmanager.secretAccessor"
# cloud.google.com/secret-manager/quotas: a version holds 64 KiB; an environment variable of Cloud Run 32 KiB.
VALUE_BYTES = 32768
_REFERENCE = re.compile(
    r"projects/(?P<project>[^/\s]+)/secrets/(?P<secret>[A-Za-z0-9_-]{1,255})(/versions/(?P<version>[^/\s]+))?"
)
_LATEST = "latest"
_VERSION = re.compile(rf"[1-9][0-9]*|{_LATEST}")


@dataclass(frozen=True, slots=True)
class SecretReference:
    """An existing secret. version: its number, or `latest`."""

    project: str
    secret: str
    version: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a reference.

        Raises ValueError, which says what is allowed but not `text`: that may be a secret by mistake.
        """
        found = _REFERENCE.fullmatch(text)
        if found is None:
            raise ValueError("it must be projects/<project>/secrets/<name>/versions/<number>")
        version = found["version"] or _LATEST
        if not _VERSION.fullmatch(version):
            raise ValueError(
                f"its version is {version!r}; it must be a number, or {_LATEST} for the newest value. "
                f"Find it with `gcloud secrets versions list {found['secret']} --project {found['project']}`"
            )
        return cls(found["project"], found["secret"], version)

    @property
    def is_pinned(self) -> bool:
        """Return whether a new value of the secret needs a new reference, which rolls the service."""
        return self.version != _LATEST


@dataclass(frozen=True, slots=True)
class EnvironmentSecret:
    """The secret behind an environment name. secret: its name, or projects/<p>/secrets/<s> elsewhere."""

    secret: pulumi.Input[str]
    version: pulumi.Input[str]


@dataclass(frozen=True, slots=True)
class SecretHome:
    """Where the secrets of one service are created. member: who reads them. after: what they wait for.

    others: further readers, by the word for them that the names of their grants have.
    """

    service: str
    project: pulumi.Input[str]
    labels: Mapping[str, str]
    member: pulumi.Input[str]
    parent: pulumi.Resource
    after: tuple[pulumi.Resource, ...]
    others: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])

    @property
    def options(self) -> pulumi.ResourceOptions:
        """Return the options of every secret: its name comes back when a move of the project is undone."""
        return pulumi.ResourceOptions(
            parent=self.parent, depends_on=list(self.after), delete_before_replace=True
        )


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of one service. environment: name -> its secret. grants: what the service waits for."""

    environment: Mapping[str, EnvironmentSecret]
    grants: tuple[pulumi.Resource, ...]


def secrets_of(
    home: SecretHome, values: Mapping[str, pulumi.Input[str]], references: Mapping[str, str]
) -> Secrets:
    """Create a secret for each of `values` and refer to `references`.

    Both are keyed by environment name, and were checked before.
    """
    environment: dict[str, EnvironmentSecret] = {}
    grants: list[pulumi.Resource] = []
    for name in sorted(values):
        environment[name], readers = _kept(home, name, values[name])
        grants += readers
    parsed = {name: SecretReference.parse(references[name]) for name in sorted(references)}
    for project, secret in sorted({(reference.project, reference.secret) for reference in parsed.values()}):
        grants += _grants(home, f"{home.service}-{project}-{secret}", project, secret)
    for name, reference in parsed.items():
        there = reference.project == home.project
        secret = reference.secret if there else f"projects/{reference.project}/secrets/{reference.secret}"
        environment[name] = EnvironmentSecret(secret, reference.version)
    return Secrets(environment, tuple(grants))


def _kept(
    home: SecretHome, name: str, value: pulumi.Input[str]
) -> tuple[EnvironmentSecret, list[pulumi.Resource]]:
    base = f"{home.service}-{name}"
    secret = gcp.secretmanager.Secret(
        f"{base}-secret",
        secret_id=base,
        project=home.project,
        replication={"auto": {}},
        labels=home.labels or None,
        opts=home.options,
    )
    version = gcp.secretmanager.SecretVersion(
        f"{base}-version",
        secret=secret.id,
        secret_data=checked_secret(name, value, VALUE_BYTES),
        deletion_policy="ABANDON",
        opts=pulumi.ResourceOptions(parent=home.parent, additional_secret_outputs=["secretData"]),
    )
    return EnvironmentSecret(secret.secret_id, version.version), _grants(
        home, base, home.project, secret.secret_id
    )


def _grants(
    home: SecretHome, base: str, project: pulumi.Input[str], secret: pulumi.Input[str]
) -> list[pulumi.Resource]:
    """Let each reader read the secret, by grants named for the secret and not for the variable.

    A renamed grant would be deleted after its copy is made, which takes the right away.
    """
    readers = {f"{base}-access": home.member}
    readers |= {f"{base}-{word}-access": member for word, member in home.others.items()}
    return [
        gcp.secretmanager.SecretIamMember(
            name, project=project, secret_id=secret, role=ACCESSOR, member=member, opts=home.options
        )
        for name, member in readers.items()
    ]
