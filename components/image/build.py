"""The inputs of docker-build, which are the same on every machine for the same checkout and arguments.

Nothing here depends on the commit, the clock or the machine: each would be a diff, and a diff is a build.
"""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pulumi

from ..model_address import Source
from .baked_model import baked_model
from .context import DOCKERFILE, LOCATION, MODELS, Files, content_digest, context_files
from .engines import CTRANSLATE2, engine_of
from .registry import TAG_PREFIX, Repository
from .spec import ImageSpec

if TYPE_CHECKING:
    from pulumi_docker_build import CacheMode, CacheToArgsDict

# The secret's name in the Dockerfile.
_CA = "ca"


def build_inputs(spec: ImageSpec) -> tuple[Files, dict[str, str]]:
    """Return the context's files and the build arguments, without a model in a bucket, which is fetched."""
    model = baked_model(spec)
    files = context_files(spec.source, model)
    args = {"VARIANT": spec.variant.value, "REVISION": f"sha256:{content_digest(files)}"}
    if model:
        args |= {"MODELS": MODELS, "BUNDLED": model.name}
    if model and spec.address.is_here:
        args["MODEL_VERSION"] = model.version
    elif spec.address.source is Source.HUB:
        args["MODEL"] = args["MODEL_VERSION"] = spec.model
        if spec.task:
            args["TASK"] = spec.task
    if engine_of(spec, model) == CTRANSLATE2:
        args["CTRANSLATE2"] = "1"
    if spec.buckets:
        args["BUCKETS"] = "1"
    if spec.python_image:
        args["PYTHON_IMAGE"] = spec.python_image
    return files, dict(sorted((dict(spec.build_args) | args).items()))


def tag_of(spec: ImageSpec, build_args: dict[str, str]) -> str:
    """Return a different tag for each content, so that the clean-up counts images and not moved tags.

    docker-build sees no difference in `exec`: provenance shows in the tag, or changing it would do nothing.
    """
    inputs = json.dumps([build_args, spec.platform.value, spec.provenance], sort_keys=True)
    return TAG_PREFIX + hashlib.sha256(inputs.encode()).hexdigest()[:12]


def build(
    spec: ImageSpec, repository: Repository, build_args: dict[str, str], opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """Build and push the image, and return its digest.

    The image outlives this resource, until the repository's clean-up: a service may still name it.
    """
    import pulumi_docker_build as docker_build

    ca = Path(spec.ca).read_text() if spec.ca else ""
    image = docker_build.Image(
        f"{spec.name}-build",
        context={"location": LOCATION},
        dockerfile={"location": f"{LOCATION}/{DOCKERFILE}"},
        platforms=[docker_build.Platform(spec.platform.value)],
        build_args=build_args,
        tags=[pulumi.Output.concat(repository.address, ":", tag_of(spec, build_args))],
        push=True,
        build_on_preview=False,
        cache_from=[{"registry": {"ref": repository.cache_ref}}] if spec.cache else None,
        cache_to=[_cache_to(docker_build.CacheMode.MAX, repository)] if spec.cache else None,
        builder={"name": spec.builder} if spec.builder else None,
        # Always there, empty for most: only a secret that both sides have is left out of a diff.
        secrets={_CA: ca},
        ignore_secrets_in_diff_calculation=[_CA],
        # The embedded client attaches nothing; docker-buildx attaches provenance where BuildKit can.
        exec_=True if spec.provenance else None,
        opts=pulumi.ResourceOptions.merge(
            opts, pulumi.ResourceOptions(depends_on=repository.made, retain_on_delete=True)
        ),
    )
    return image.digest


def _cache_to(mode: "CacheMode", repository: Repository) -> "CacheToArgsDict":
    """Export the cache as one OCI manifest, which ECR requires; a failed export does not fail the build."""
    return {
        "registry": {
            "ref": repository.cache_ref,
            "mode": mode,
            "image_manifest": True,
            "oci_media_types": True,
            "ignore_error": True,
        }
    }
