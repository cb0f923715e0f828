"""Says in a sentence why a bucket refused a request, and what its owner must grant.

Of an answer only the store's code and message are repeated: Amazon S3 also returns the access key and what
was signed.
"""

import re

from slipway.components.model_address import ModelAddress, Source
from slipway.infra.errors import Failed, Refused, SlipwayError

_STATUS = re.compile(r"status code: (\d{3})")
_ELEMENT = {name: re.compile(rf"<{name}>([^<]{{1,200}})</{name}>") for name in ("Code", "Message")}
_LOGIN = {
    Source.GOOGLE: "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS",
    Source.AMAZON: "run `aws sso login` or `aws configure`, or set AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY",
}
_NEEDS = {
    Source.GOOGLE: "storage.objects.create, storage.objects.get and storage.objects.delete, as in "
    "roles/storage.objectUser, on gs://{bucket}",
    Source.AMAZON: "s3:PutObject, s3:GetObject, s3:GetObjectVersion and s3:AbortMultipartUpload on "
    "arn:aws:s3:::{bucket}/{folder}/*, and s3:ListBucket on the bucket",
}
_NEEDS_TO_FETCH = {
    Source.GOOGLE: "storage.objects.get, as in roles/storage.objectViewer, on gs://{bucket}",
    Source.AMAZON: "s3:GetObject and s3:GetObjectVersion on arn:aws:s3:::{bucket}/{folder}/*, and "
    "s3:ListBucket on the bucket",
}
_PINS = {
    Source.GOOGLE: "the pin is the generation of its manifest.json, as `gcloud storage objects describe "
    "--format='value(generation)'` shows it",
    Source.AMAZON: "the pin is the versionId of its manifest.json, as `aws s3api head-object --query "
    "VersionId` shows it",
}
_OWNER = {Source.GOOGLE: "another project", Source.AMAZON: "another account"}


def bucket_error(error: Exception, address: ModelAddress, verb: str, name: str) -> SlipwayError:
    """Return the error to raise. verb, name: what was tried with which object."""
    assert address.source is not None
    text = str(error).partition("\n\nDebug source:")[0]
    status = found[1] if (found := _STATUS.search(text)) else ""
    words = _words(text, status)
    bucket = f"{address.source.value}{address.bucket}"
    is_fetched = verb == "fetch"
    if "NoSuchBucket" in text or (status == "404" and verb not in ("read", "fetch")):
        how = "Correct the address." if is_fetched else "Create it, or correct the address."
        return Refused(f"There is no bucket {bucket}. {how}")
    if is_fetched and (status in ("400", "404") or isinstance(error, FileNotFoundError)):
        version = f"such version of {address.folder}/{name} ({words})"
        return Refused(f"{bucket} has no {version}: {_PINS[address.source]}.")
    if "incorrectly configured region" in text or status == "301":
        return Refused(f"{bucket} is in another region: set AWS_REGION to the bucket's.")
    if _is_without_login(text, status):
        return Refused(f"{bucket}: nobody is logged in ({words}): {_LOGIN[address.source]}.")
    if status in ("401", "403"):
        needs = (_NEEDS_TO_FETCH if is_fetched else _NEEDS)[address.source].format(
            bucket=address.bucket, folder=address.folder
        )
        return Refused(
            f"{bucket}: you may not {verb} {address.folder}/{name} ({words}). Your login needs {needs}. If "
            f"the bucket belongs to {_OWNER[address.source]}, its owner must grant that."
        )
    next_step = "Run this again." if is_fetched else "What was uploaded stays there: push again to go on."
    return Failed(f"{bucket}: could not {verb} {address.folder}/{name}: {words}. {next_step}")


def _is_without_login(text: str, status: str) -> bool:
    """Return whether it was the request for credentials that failed, at whatever issues them."""
    asked_for_them = "metadata" in text or ("token" in text.lower() and "oauth2" in text)
    return asked_for_them or ("redential" in text and not status)


def _words(text: str, status: str) -> str:
    said = ": ".join(found[1] for pattern in _ELEMENT.values() if (found := pattern.search(text)))
    if status:
        return f"HTTP {status}" + (f", {said}" if said else "")
    return re.sub(r"\s+", " ", text.rpartition("error: ")[2] or text)[:200].rstrip(". ")
