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
_OWNER = {Source.GOOGLE: "another project", Source.AMAZON: "another account"}


def bucket_error(error: Exception, address: ModelAddress, verb: str, name: str) -> SlipwayError:
    """Return the error to raise. verb, name: what was tried with which object."""
    assert address.source is not None
    text = str(error).partition("\n\nDebug source:")[0]
    status = found[1] if (found := _STATUS.search(text)) else ""
    words = _words(text, status)
    bucket = f"{address.source.value}{address.bucket}"
    if "NoSuchBucket" in text or (status == "404" and verb != "read"):
        return Refused(f"There is no bucket {bucket}. Create it, or correct the address.")
    if "incorrectly configured region" in text or status == "301":
        return Refused(f"{bucket} is in another region: set AWS_REGION to the bucket's.")
    if _is_without_login(text, status):
        return Refused(f"{bucket}: nobody is logged in ({words}): {_LOGIN[address.source]}.")
    if status in ("401", "403"):
        needs = _NEEDS[address.source].format(bucket=address.bucket, folder=address.folder)
        return Refused(
            f"{bucket}: you may not {verb} {address.folder}/{name} ({words}). Your login needs {needs}. If "
            f"the bucket belongs to {_OWNER[address.source]}, its owner must grant that."
        )
    return Failed(
        f"{bucket}: could not {verb} {address.folder}/{name}: {words}. What was uploaded stays there: push "
        "again to go on."
    )


def _is_without_login(text: str, status: str) -> bool:
    """Return whether it was the request for credentials that failed, at whatever issues them."""
    asked_for_them = "metadata" in text or ("token" in text.lower() and "oauth2" in text)
    return asked_for_them or ("redential" in text and not status)


def _words(text: str, status: str) -> str:
    said = ": ".join(found[1] for pattern in _ELEMENT.values() if (found := pattern.search(text)))
    if status:
        return f"HTTP {status}" + (f", {said}" if said else "")
    return re.sub(r"\s+", " ", text.rpartition("error: ")[2] or text)[:200].rstrip(". ")
