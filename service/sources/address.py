"""The address of a model in a bucket: `s3://bucket/folder@<versionId>`, `gs://bucket/folder@<generation>`.

The pin is the version of the folder's manifest.json. The manifest holds the size and hash of every other
file, so the pin fixes the whole model.
"""

import re
from dataclasses import dataclass
from typing import Self

# Object keys that need no escaping in a URL; what a bucket may be called is checked by the cloud.
_ADDRESS = re.compile(
    r"(?P<scheme>s3|gs)://(?P<bucket>[a-z0-9][a-z0-9._-]{1,220}[a-z0-9])/"
    r"(?P<folder>[A-Za-z0-9!_.=+-]+(?:/[A-Za-z0-9!_.=+-]+)*)/?(?:@(?P<pin>.*))?"
)


@dataclass(frozen=True, slots=True)
class _Pin:
    pattern: re.Pattern[str]
    rule: str
    example: str
    found_by: str


_PINS = {
    "s3": _Pin(
        re.compile(r"(?!null$)[A-Za-z0-9._-]{1,1024}"),
        "the versionId of its manifest.json (not `null`: that one can be overwritten)",
        "s3://models/spam@3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY",
        "aws s3api head-object --bucket {bucket} --key {folder}/manifest.json --query VersionId",
    ),
    "gs": _Pin(
        re.compile(r"[1-9][0-9]{0,18}"),
        "the generation of its manifest.json, a whole number",
        "gs://models/spam@1763721600000000",
        "gcloud storage objects describe gs://{bucket}/{folder}/manifest.json --format='value(generation)'",
    ),
}


@dataclass(frozen=True, slots=True)
class Address:
    scheme: str
    """`s3` or `gs`."""
    bucket: str
    folder: str
    """Without a slash at its end."""
    pin: str
    """versionId or generation of the folder's manifest.json."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an address. Raises ValueError that says what is allowed."""
        found = _ADDRESS.fullmatch(text)
        if found is None or {".", ".."} & set(found["folder"].split("/")):
            examples = " or ".join(pin.example for pin in _PINS.values())
            raise ValueError(f"a folder in a bucket and the version of its manifest.json, such as {examples}")
        scheme, bucket, folder = found["scheme"], found["bucket"], found["folder"]
        rule = _PINS[scheme]
        if found["pin"] is None or not rule.pattern.fullmatch(found["pin"]):
            command = rule.found_by.format(bucket=bucket, folder=folder)
            raise ValueError(
                f"{scheme}://{bucket}/{folder}@ and {rule.rule}, such as {rule.example}, because without it "
                f"the next start could serve another model; find it with `{command}`"
            )
        return cls(scheme, bucket, folder, found["pin"])

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}/{self.folder}@{self.pin}"

    def key(self, name: str) -> str:
        return f"{self.folder}/{name}"
