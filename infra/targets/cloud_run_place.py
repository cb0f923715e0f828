"""Where a Cloud Run service is, and the program that Google Cloud is asked through."""

from dataclasses import dataclass

from slipway.infra.targets.cloud_cli import Command

GCLOUD = Command(
    "gcloud",
    "A Cloud Run stack needs the Google Cloud CLI, `gcloud`, which is not on PATH: "
    "https://cloud.google.com/sdk/docs/install shows how to install it; then `gcloud auth login`.",
)


@dataclass(frozen=True, slots=True)
class CloudRunPlace:
    """Which service it is. jobs: whether its stack has workers too."""

    service: str
    project: str
    region: str
    jobs: bool = False

    @property
    def flags(self) -> list[str]:
        return [self.service, "--project", self.project, "--region", self.region]
