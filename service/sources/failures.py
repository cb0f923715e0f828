"""Explains a failed request to a bucket, and whether to try again.

The client gives one error class for most failures; the HTTP status, the store's own error code and the
operating system's words are in its text. Of an answer only `Code` and `Message` are repeated: S3 also
returns the access key and the string that was signed.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from ..faults import BadSettings, ModelAccessDenied, ModelNotFound, ModelSourceUnavailable
from .address import Address
from .tries import Unreachable

_STATUS = re.compile(r"status code: (\d{3})")
_REQUEST = re.compile(r"Error performing [A-Z]+ (\S+) in ")
_SYSTEM = re.compile(r'(?:message|error): "([^"]{1,200})"')
_CAUSE = re.compile(r"source: (TimedOut|IncompleteBody|UnexpectedEof|ConnectionReset)")
# A file with a token that the platform mounts, unreadable: reported without any request.
_LOCAL = re.compile(r"token file|[Cc]redential")
_TRANSIENT = {408, 425, 429}

_NEEDS = {
    "s3": "s3:GetObject and s3:GetObjectVersion on arn:aws:s3:::{bucket}/{folder}/* (S3 says the same of an "
    "object that is not there, unless s3:ListBucket on the bucket is granted too)",
    "gs": "storage.objects.get, as in roles/storage.objectViewer, on gs://{bucket}",
}
_IDENTITY = {
    "s3": "Give the task or instance a role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; "
    "for a public bucket set AWS_SKIP_SIGNATURE=true",
    "gs": "Give the service a service account (Workload Identity on GKE), or set "
    "GOOGLE_APPLICATION_CREDENTIALS; for a public bucket set GOOGLE_SKIP_SIGNATURE=true",
}


@dataclass(frozen=True, slots=True)
class Failure:
    text: str
    """What the client said, without its debug part."""
    status: int
    """HTTP status, 0 if there was no answer."""
    code: str
    """The store's own error code, for example `NoSuchBucket`."""
    about_credentials: bool
    """It was the request for credentials that failed."""
    words: str
    """In plain words, for a message."""

    @classmethod
    def of(cls, error: Exception, folder: str) -> "Failure":
        text, _, debug = str(error).partition("\n\nDebug source:")
        found = _STATUS.search(text)
        status = int(found[1]) if found else 0
        code, message = _element("Code", text), _element("Message", text)
        request = _REQUEST.search(text)
        asked_the_bucket = request is not None and f"/{folder}/" in unquote(request[1])
        about_credentials = not asked_the_bucket if request else bool(_LOCAL.search(text))
        if status:
            said = ": ".join(filter(None, (code, message)))
            words = f"HTTP {status}" + (f" ({said[:200]})" if said else "")
        else:
            words = _without_answer(text, debug)
        return cls(text, status, code, about_credentials, words)

    @property
    def is_transient(self) -> bool:
        """Return whether it is a 5xx, too many requests, or an incomplete answer."""
        return self.status == 0 or self.status >= 500 or self.status in _TRANSIENT


def fault_of(error: Exception, address: Address, name: str, newest: str | None = None) -> Exception:
    """Return the StartFault to raise, or Unreachable if trying again may help.

    name: the requested file. newest: manifest.json's newest version, if it has one.
    """
    failure = Failure.of(error, address.folder)
    place = f"MODEL_SOURCE {address}"
    if "incorrectly configured region" in failure.text:
        return BadSettings(f"{place}: the bucket is in another region; set AWS_REGION to the bucket's.")
    if failure.about_credentials:
        words = f"no credentials are available: {failure.words}"
        refusal = ModelAccessDenied(f"{place}: {words}. {_IDENTITY[address.scheme]}.")
        # A pod's metadata server may need a moment after the pod's start.
        return Unreachable(words, refusal) if failure.is_transient else refusal
    if failure.is_transient and not isinstance(error, FileNotFoundError):
        return Unreachable(failure.words)
    if failure.status in (401, 403) or failure.code in ("ExpiredToken", "InvalidToken"):
        needs = _NEEDS[address.scheme].format(bucket=address.bucket, folder=address.folder)
        return ModelAccessDenied(
            f"{place}: reading {name} is not allowed: {failure.words}. This server's identity needs {needs}."
        )
    if failure.status in (400, 404, 405):
        return ModelNotFound(f"model not found: {place}: {_absent(failure, address, name, newest)}")
    return ModelSourceUnavailable(f"{place}: {name} could not be fetched: {failure.words}.")


def _absent(failure: Failure, address: Address, name: str, newest: str | None) -> str:
    folder = f"{address.scheme}://{address.bucket}/{address.folder}"
    if failure.code == "NoSuchBucket":
        return f"there is no bucket {address.bucket}. Correct MODEL_SOURCE."
    if name != "manifest.json":
        return f"manifest.json lists {name}, which is not in {folder}. Upload it, or correct MODEL_SOURCE."
    if newest is not None:
        return (
            f"manifest.json has no version {address.pin} (any more); its newest is {newest}. "
            f"Set MODEL_SOURCE to {folder}@{newest} if that is the model you mean."
        )
    return (
        f"{folder} holds no manifest.json: the folder is empty or not a model ({failure.words}). "
        "It needs manifest.json, model.onnx and tokenizer.json."
    )


def _without_answer(text: str, debug: str) -> str:
    if "non-partial response" in text:
        return "the store ignores range requests"
    if _LOCAL.search(text):
        return text.partition("error: ")[2][:200]
    if "InvalidCertificate" in debug:
        return "no whole answer (the server's certificate is not trusted)"
    found = _SYSTEM.search(debug) or _CAUSE.search(debug)
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", found[1]).lower() if found else text.rpartition(": ")[2][:200]
    return f"no whole answer ({words})"


def _element(name: str, text: str) -> str:
    found = re.search(rf"<{name}>([^<]{{1,200}})</{name}>", text)
    return found[1] if found else ""
