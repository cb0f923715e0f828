"""What no cloud allows of an image, an API key and the names of secrets. Pure; shows no value."""

import re
from collections.abc import Iterator

import pulumi

from .api_key import ALLOWED, API_KEY
from .environment import ENVIRONMENT_NAME, OWN_ENVIRONMENT
from .fault import Fault
from .image_reference import ImageReference
from .model_address import ModelAddress, Source
from .spec import InferenceServiceSpec

_WITH_DIGEST = re.compile(r"\S+@sha256:[0-9a-f]{64}")
API_KEY_NAME = "MODEL_API_KEY"


def image_fault(image_ref: str) -> Fault | None:
    """Return what is wrong with a known image; None if it is valid."""
    form = "host/repository@sha256:<64 hex digits>"
    if not image_ref:
        return Fault("image_ref", "missing", f"give the image with its digest, {form}")
    image, given = ImageReference.parse(image_ref), repr(image_ref)
    if image is None and _WITH_DIGEST.fullmatch(image_ref):
        allowed = f"it must be {form}, the repository in lowercase letters, digits, ., _ and -"
        return Fault("image_ref", given, allowed, ", which is no reference to an image")
    if image is None:
        why = "because what a tag means can change under a running service"
        find = "`docker buildx imagetools inspect <image>` shows it"
        return Fault("image_ref", given, f"it must have its digest, {form}, {why}; {find}")
    if image.needs_repository and image.google_repository is None:
        path = "<project>/<repository>/<image>" if image.is_artifact_registry else "<project>/<image>"
        host = "<location>-docker.pkg.dev" if image.is_artifact_registry else image.host
        return Fault("image_ref", given, f"an image there is named {host}/{path}@sha256:<64 hex digits>")
    return None


def key_fault(key: str) -> Fault:
    """Return what is wrong with an unusable key, without showing it."""
    return Fault(
        "api_key", f"{len(key)} characters (they are not shown)", f"allowed are {ALLOWED}", verb="has"
    )


def image_ref_faults(image_ref: pulumi.Input[str]) -> Iterator[Fault]:
    """Yield what is wrong with `image_ref` if it is a plain string; an Output is checked at apply time."""
    if isinstance(image_ref, str) and (fault := image_fault(image_ref)):
        yield fault


def api_key_faults(api_key: pulumi.Input[str] | None) -> Iterator[Fault]:
    """Yield what is wrong with a key that is a plain string; an Output is checked at apply time."""
    if isinstance(api_key, str) and not API_KEY.fullmatch(api_key):
        yield key_fault(api_key)


def secret_name_faults(service: InferenceServiceSpec, key: str) -> Iterator[Fault]:
    """Yield what is wrong with a name in `secret_values`."""
    if not ENVIRONMENT_NAME.fullmatch(key):
        allowed = "allowed are letters, digits and _, no digit first"
        yield Fault("secret_values", repr(key), allowed, ", which is no environment name", verb="has")
    elif key in OWN_ENVIRONMENT:
        hint = "give it as `api_key`" if key == API_KEY_NAME else "leave it out"
        yield Fault("secret_values", key, hint, ", which the service itself sets", verb="has")
    elif key in service.env or key in service.secrets:
        reason = f", which `{'env' if key in service.env else 'secrets'}` has too"
        yield Fault("secret_values", key, "keep one", reason, verb="has")


def unpinned_secret(given: str, instances: str) -> str:
    """Return the warning for a reference that follows its secret's newest value.

    given: where the reference is, such as "`secrets` has DB_PASSWORD, whose reference".
    instances: the cloud's word for them.
    """
    then = f"a new value rolls nothing, and reaches the {instances} that start after it"
    return f"{given} names no version: {then}."


def served_model_faults(address: ModelAddress, target: str, own: Source) -> Iterator[Fault]:
    """Yield why servers at `target` would have no model: neither in the image nor fetchable at start.

    own: the kinds of bucket of the target's cloud, whose users can look up the missing pin.
    """
    if address.source is own and address.has_plain_folder and not address.pin:
        yield _unpinned_fault(address)
    elif not address.is_fetchable and not address.is_in_image:
        buckets = ("gs://<bucket>/<folder>@<generation>", "s3://<bucket>/<folder>@<versionId>")
        listed = " and ".join(buckets if own is Source.GOOGLE else reversed(buckets))
        allowed = f"{target} takes bundled:<name>, file:<folder> and hf:<repository> in the image, {listed}"
        yield Fault("model", repr(address.text), allowed)


def _unpinned_fault(address: ModelAddress) -> Fault:
    """Return the fault that says how to find the pin of a folder in a bucket."""
    if address.source is Source.GOOGLE:
        pin, what = "generation", "a generation"
        manifest = f"gs://{address.bucket}/{address.folder}/manifest.json"
        find = f"gcloud storage objects describe {manifest} --format='value(generation)'"
    else:
        pin, what = "versionId", "a version"
        key = f"{address.folder}/manifest.json"
        find = f"aws s3api head-object --bucket {address.bucket} --key {key} --query VersionId"
    allowed = f"find it with `{find}` and write `@<{pin}>` after the folder"
    return Fault(
        "model", repr(address.text), allowed, f"without {what}, so the next start could serve another model"
    )
