"""The address of a model on the Hugging Face Hub: `hf:<owner>/<name>@<commit>`."""

import re
from dataclasses import dataclass
from typing import Self

from huggingface_hub.utils import HFValidationError, validate_repo_id

EXAMPLE = (
    "hf:distilbert/distilbert-base-uncased-finetuned-sst-2-english@714eb0fa89d2f80546fda750413ed43d93601a13"
)

_ADDRESS = re.compile(r"hf:(?P<repo>[^\s/@]+/[^\s/@]+)(?:@(?P<revision>[^\s@]{1,200}))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class HubAddress:
    repo: str
    """`owner/name`."""
    revision: str
    """A commit, a branch or a tag."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an address; without a revision it is `main`. Raises ValueError that says what is allowed."""
        allowed = f"hf:<owner>/<name>@<commit>, such as {EXAMPLE}"
        found = _ADDRESS.fullmatch(text)
        if found is None:
            raise ValueError(allowed)
        try:
            validate_repo_id(found["repo"])
        except HFValidationError as error:
            raise ValueError(f"{allowed} ({error})") from None
        return cls(found["repo"], found["revision"] or "main")

    @property
    def is_pinned(self) -> bool:
        """Return whether the revision is a commit; a branch or a tag can be moved to other weights."""
        return _COMMIT.fullmatch(self.revision) is not None

    def at(self, revision: str) -> "HubAddress":
        return HubAddress(self.repo, revision)

    def __str__(self) -> str:
        return f"hf:{self.repo}@{self.revision}"
