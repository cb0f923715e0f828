"""What no cloud allows of an image, an API key and the names of secrets. Pure; no value is shown."""

import re
from collections.abc import Iterator

import pulumi

from .image_reference import ImageReference
from .spec import ENVIRONMENT_NAME, OWN_ENVIRONMENT, InferenceServiceSpec

_WITH_DIGEST = re.compile(r"\S+@sha256:[0-9a-f]{64}")
# service/settings.py; the server refuses another key.
API_KEY = re.compile(r"[\x21-\x7e]{16,4096}")
API_KEY_NAME = "MODEL_API_KEY"


def image_fault(image_ref: str) -> str:
    """What is wrong with a known image; empty where nothing is."""
    if not image_ref:
        return "image_ref is missing; give the image with its digest, host/repository@sha256:<64 hex digits>."
    image = ImageReference.parse(image_ref)
    if image is None and _WITH_DIGEST.fullmatch(image_ref):
        return (
            f"image_ref is {image_ref!r}, which is no reference to an image; it must be "
            "host/repository@sha256:<64 hex digits>, the repository in lowercase letters, digits, ., _ and -."
        )
    if image is None:
        return (
            f"image_ref is {image_ref!r}; it must have its digest, host/repository@sha256:<64 hex digits>, "
            "because what a tag means can change under a running service."
        )
    if image.needs_repository and image.google_repository is None:
        form = "<project>/<repository>/<image>" if image.is_artifact_registry else "<project>/<image>"
        host = "<location>-docker.pkg.dev" if image.is_artifact_registry else image.host
        return f"image_ref is {image_ref!r}; an image there is named {host}/{form}@sha256:<64 hex digits>."
    return ""


def key_fault(key: str) -> str:
    return (
        f"api_key has {len(key)} characters (they are not shown); allowed are 16 to 4096 printable ASCII "
        "characters without spaces."
    )


def image_ref_faults(image_ref: pulumi.Input[str]) -> Iterator[str]:
    """Yield the fault of a plain string; an Output is checked when it is applied."""
    if isinstance(image_ref, str) and (fault := image_fault(image_ref)):
        yield fault


def api_key_faults(api_key: pulumi.Input[str] | None) -> Iterator[str]:
    """Of one that is known already."""
    if isinstance(api_key, str) and not API_KEY.fullmatch(api_key):
        yield key_fault(api_key)


def secret_name_fault(service: InferenceServiceSpec, key: str) -> str:
    """Of a name in `secret_values`; empty where it has none."""
    if not ENVIRONMENT_NAME.fullmatch(key):
        return f"secret {key!r} is no environment name; allowed are letters, digits and _, no digit first."
    if key in OWN_ENVIRONMENT:
        hint = "give it as `api_key`" if key == API_KEY_NAME else "leave it out"
        return f"secret {key} is set by the service itself; {hint}."
    if key in service.env or key in service.secrets:
        return f"secret {key} stands twice, in `secret_values` and in `env` or `secrets`; keep one."
    return ""


def unpinned_fault(model: str, bucket: str, folder: str) -> str:
    """Of a model in Cloud Storage that names no generation."""
    return (
        f"model is {model!r} without a generation, so the next start could serve another model; "
        "find it with `gcloud storage objects describe "
        f"gs://{bucket}/{folder}/manifest.json "
        "--format='value(generation)'` and write `@<generation>` after the folder."
    )
