"""A repository of Google Artifact Registry, and what gives an account the right to read it. Pure."""

import re
from dataclasses import dataclass
from typing import Self

READER = "roles/artifactregistry.reader"
# docs.cloud.google.com/artifact-registry/docs/repositories/create-repos: 1 to 63 lowercase letters, digits
# and hyphens; a dot is only in the names of the gcr.io repositories, DOCS transition/gcr-repositories.
_FULL_NAME = re.compile(
    r"projects/(?P<project>[a-z0-9:.-]+)/locations/(?P<location>[a-z0-9-]+)/repositories/"
    r"(?P<name>[a-z][a-z0-9-]{0,62}|(?:(?:us|eu|asia)\.)?gcr\.io)"
)


@dataclass(frozen=True, slots=True)
class ImageRepository:
    """project: its ID, of an old one with the domain, `example.com:acme`. location: such as `us`."""

    project: str
    location: str
    name: str

    @classmethod
    def named(cls, full_name: str) -> Self | None:
        """Read `projects/<project>/locations/<location>/repositories/<name>`; None for any other string."""
        found = _FULL_NAME.fullmatch(full_name)
        return cls(found["project"], found["location"], found["name"]) if found else None

    def grant_command(self, account: str) -> str:
        """Return the shell command with which the repository's owner lets a service account read it."""
        return (
            f"gcloud artifacts repositories add-iam-policy-binding {self.name} --project={self.project} "
            f'--location={self.location} --role={READER} --member="serviceAccount:{account}"'
        )
