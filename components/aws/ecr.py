"""A private repository of Amazon ECR. Pure."""

from dataclasses import dataclass

from .regions import partition


@dataclass(frozen=True, slots=True)
class EcrRepository:
    """A private repository of Amazon ECR. account: 12 digits."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        return f"arn:{partition(self.region)}:ecr:{self.region}:{self.account}:repository/{self.name}"
