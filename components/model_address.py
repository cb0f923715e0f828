"""Where a model comes from, as named by the setting and the argument `model`. Pure; knows no target's rules.

The server reads the addresses of buckets itself: service/sources/address.py. A test checks that the two
agree.
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Self


class Source(Enum):
    """The prefix of an address, which names the kind of place."""

    BUNDLED = "bundled:"
    FILE = "file:"
    HUB = "hf:"
    GOOGLE = "gs://"
    AMAZON = "s3://"


_PATTERNS = {
    Source.BUNDLED: re.compile(r"[a-z0-9][a-z0-9.-]*"),
    Source.FILE: re.compile(r"[^\0\n]+"),
    # A branch or tag can move: the image would not be built again, and its model would depend on the day.
    Source.HUB: re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+@[0-9a-f]{40}"),
    Source.GOOGLE: re.compile(r"\S+"),
    Source.AMAZON: re.compile(r"\S+"),
}
_BUCKETS = {
    # The pin is the generation of the folder's manifest.json.
    Source.GOOGLE: re.compile(
        r"(?P<bucket>[a-z0-9][a-z0-9._-]{1,220}[a-z0-9])/(?P<folder>[^@\s]+?)/?(?:@(?P<pin>[1-9][0-9]{0,18}))?"
    ),
    # Its versionId. `null` can be overwritten.
    Source.AMAZON: re.compile(
        r"(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(?P<folder>[^@\s]+?)/?"
        r"(?:@(?P<pin>(?!null$)[A-Za-z0-9._-]{1,1024}))?"
    ),
}
# Keys that need no escaping in a URL.
_PLAIN_FOLDER = re.compile(r"(?!.*(?:^|/)\.{1,2}(?:/|$))[A-Za-z0-9!_.=+-]+(?:/[A-Za-z0-9!_.=+-]+)*")

# What the server reads to log in at a bucket elsewhere than in its own cloud: service/settings.py.
AWS_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
GOOGLE_CREDENTIALS = (
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_SKIP_SIGNATURE",
)


@dataclass(frozen=True, slots=True)
class ModelAddress:
    """An address of a model, split into its parts.

    source: None if the address has no known prefix. place: what follows the prefix.
    bucket, folder, pin: '' if the address names no folder of a bucket; pin also if the address has none.
    """

    text: str
    source: Source | None
    place: str
    bucket: str = ""
    folder: str = ""
    pin: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read any string; `is_valid` says whether it is an address."""
        source = next((source for source in Source if text.startswith(source.value)), None)
        place = text.removeprefix(source.value) if source else text
        pattern = _BUCKETS.get(source) if source else None
        found = pattern.fullmatch(place) if pattern else None
        if found is None:
            return cls(text, source, place)
        return cls(text, source, place, found["bucket"], found["folder"], found["pin"] or "")

    @property
    def is_valid(self) -> bool:
        """Return whether the place has the form that its source requires.

        The target that reads a bucket checks its address.
        """
        return self.source is not None and _PATTERNS[self.source].fullmatch(self.place) is not None

    @property
    def is_here(self) -> bool:
        """Return whether the model's folder is on this machine."""
        return self.source in (Source.BUNDLED, Source.FILE)

    @property
    def is_in_image(self) -> bool:
        """Return whether the image holds the model, so that nothing is left to fetch."""
        return (self.is_here or self.source is Source.HUB) and bool(self.place)

    @property
    def is_in_bucket(self) -> bool:
        return self.source in (Source.GOOGLE, Source.AMAZON)

    @property
    def has_plain_folder(self) -> bool:
        """Return whether the server accepts the folder's name, which it puts into URLs."""
        return _PLAIN_FOLDER.fullmatch(self.folder) is not None

    @property
    def google_bucket(self) -> str:
        """Return the bucket of Cloud Storage that holds the model; '' if none does."""
        return self.bucket if self.source is Source.GOOGLE else ""

    @property
    def is_fetchable(self) -> bool:
        """Return whether the server can fetch it: a plain folder of a bucket, with its pin."""
        return self.has_plain_folder and bool(self.pin)
