"""Which arguments of `InferenceImage` are refused. It reads the sources and the CA file, no more."""

import importlib.util
import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..arguments import usable_arguments
from ..image_reference import REPOSITORY
from ..sdks import installed_by
from ..spec import ENVIRONMENT_NAME, SECRET_WORDS, refuse
from ..tasks import TASKS
from .args import InferenceImageArgs, Platform, Registry, Variant
from .context import bundled_models
from .spec import ImageSpec


@dataclass(frozen=True, slots=True)
class _LabelRule:
    key: re.Pattern[str]
    value: re.Pattern[str]
    text: str


# A repository of Artifact Registry is called so; ECR allows more, Pulumi anything.
_NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_REGION = re.compile(r"[a-z]+(?:-[a-z0-9]+)*")
_PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
_BUILDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# A branch or tag can be moved: the image would not be built again, and its model would depend on the day.
_MODEL = re.compile(r"bundled:[a-z0-9][a-z0-9.-]*|hf:[\w.-]+/[\w.-]+@[0-9a-f]{40}|(?:gs|s3)://\S+", re.ASCII)
_MODEL_RULE = (
    "allowed are bundled:<name>, hf:<owner>/<name>@<commit of 40 hexadecimal digits>, gs://<bucket>/<folder> "
    "and s3://<bucket>/<folder>"
)
_LABELS = {
    # docs.cloud.google.com/artifact-registry/docs/repositories/label-repos
    Registry.ARTIFACT_REGISTRY: _LabelRule(
        re.compile(r"[a-z][a-z0-9_-]{0,62}"),
        re.compile(r"[a-z0-9_-]{0,63}"),
        "allowed are up to 63 lowercase letters, digits, _ and -, a letter first in the key",
    ),
    # docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-using-tags.html
    Registry.ECR: _LabelRule(
        re.compile(r"(?!aws:)[\w .:/=+@-]{1,128}"),
        re.compile(r"[\w .:/=+@-]{0,256}"),
        "allowed are letters, digits, spaces and .:/=+@_-, at most 128 and 256, and not aws: first",
    ),
}
# Linux: one string of an environment has at most 128 KiB (execve(2), MAX_ARG_STRLEN), its name included.
_CA_BYTES = 130_000
_ENGINES = {Variant.CPU: "onnx", Variant.TORCH_CPU: "torch", Variant.CUDA: "torch"}
# Set from the other arguments.
OWN_BUILD_ARGS = (
    "PYTHON_IMAGE",
    "VARIANT",
    "BUNDLED",
    "MODEL",
    "TASK",
    "BUCKETS",
    "REVISION",
    "MODEL_VERSION",
)


def checked_spec(name: str, args: InferenceImageArgs) -> ImageSpec:
    """Raises one ValueError with every fault."""
    usable, faults = usable_arguments(args, InferenceImageArgs)
    spec = ImageSpec.filled(name, usable)
    refuse(name, [*faults, *_faults(spec)])
    return spec


def _faults(spec: ImageSpec) -> Iterator[str]:
    if not _NAME.fullmatch(spec.name):
        yield (
            f"the name is {spec.name!r}; allowed are 1 to 63 lowercase letters, digits and hyphens, "
            "starting with a letter and not ending with a hyphen."
        )
    yield from _place_faults(spec)
    yield from _retention_faults(spec)
    yield from _label_faults(spec)
    if spec.builds:
        yield from _build_faults(spec)
        yield from _source_faults(spec)
    for package in _packages(spec):
        if importlib.util.find_spec(package) is None:
            yield f"the package {package} is not installed; run {installed_by(package)}."


def _place_faults(spec: ImageSpec) -> Iterator[str]:
    if spec.image and not spec.image_name:
        yield (
            f"image is {spec.image!r}; it must name its registry and digest, as host/name@sha256:<64 "
            "hexadecimal digits>. `docker buildx imagetools inspect <image>` tells the digest."
        )
    if spec.registry and spec.repository:
        yield "registry and repository are both given; keep one: make a repository, or use an existing one."
    if not (spec.image or spec.registry or spec.repository):
        yield (
            "no place for the image is given; give registry (artifact-registry or ecr), the repository of an "
            "existing one, or a finished image."
        )
    if spec.repository and not REPOSITORY.fullmatch(spec.repository):
        yield f"repository is {spec.repository!r}; it must be host/name in lowercase, without tag and digest."
    yield from _registry_faults(spec)


def _registry_faults(spec: ImageSpec) -> Iterator[str]:
    google = spec.registry is Registry.ARTIFACT_REGISTRY
    yield from _text_fault("project", spec.project, _PROJECT, google, "a Google Cloud project ID")
    yield from _text_fault(
        "region", spec.region, _REGION, spec.registry is not None, "a region of that cloud"
    )
    if spec.registry is Registry.ECR and spec.project:
        yield "project is given with registry ecr; it is for artifact-registry: leave it out."
    if spec.registry is Registry.ECR and "--" in spec.name:
        yield f"the name is {spec.name!r}; ECR allows no two hyphens in a row in the name of a repository."


def _text_fault(
    key: str, value: str, pattern: re.Pattern[str], required: bool, allowed: str
) -> Iterator[str]:
    if required and not value:
        yield f"{key} is missing; it must be {allowed}: set it in Pulumi.<stack>.yaml."
    elif value and not pattern.fullmatch(value):
        yield f"{key} is {value!r}; it must be {allowed}."


def _retention_faults(spec: ImageSpec) -> Iterator[str]:
    for key, value, most in (
        ("keep_images", spec.keep_images, 1000),
        ("expire_days", spec.expire_days, 3650),
    ):
        if not math.isfinite(value) or value != int(value) or not 1 <= value <= most:
            yield f"{key} is {value:g}; it must be a whole number from 1 to {most}."


def _label_faults(spec: ImageSpec) -> Iterator[str]:
    if spec.registry is None:
        return
    rule = _LABELS[spec.registry]
    for key, value in spec.labels.items():
        if not (rule.key.fullmatch(key) and rule.value.fullmatch(value)):
            yield f"labels has {key!r}: {value!r}; {rule.text}."


def _build_faults(spec: ImageSpec) -> Iterator[str]:
    if not _MODEL.fullmatch(spec.model):
        yield f"model is {spec.model!r}; {_MODEL_RULE}. A `file:` model is mounted."
    if spec.variant is Variant.CUDA and spec.platform is not Platform.LINUX_AMD64:
        yield f"variant is cuda with platform {spec.platform.value}; GPU images are built for linux/amd64."
    if spec.builder and not _BUILDER.fullmatch(spec.builder):
        yield f"builder is {spec.builder!r}; it must be a name that `docker buildx ls` lists."
    if re.search(r"\s", spec.python_image):
        yield f"python_image is {spec.python_image!r}; it must be an image reference, without spaces."
    yield from _engine_faults(spec)
    yield from _ca_faults(spec)
    for key, value in spec.build_args.items():
        if key in OWN_BUILD_ARGS:
            yield f"build_args has {key}, which is set from the other arguments; leave it out."
        elif not ENVIRONMENT_NAME.fullmatch(key):
            yield f"build_args has {key!r}; a name has letters, digits and _, and no digit first."
        elif SECRET_WORDS.search(key) and value:
            yield f"build_args has {key}, which looks like a secret; the image would keep it readable."


def _engine_faults(spec: ImageSpec) -> Iterator[str]:
    """What the build would refuse, or what would run beside a GPU that nothing uses."""
    if spec.task and spec.task not in TASKS:
        yield f"task is {spec.task!r}; allowed are {', '.join(TASKS)}."
    elif spec.task and not spec.model.startswith("hf:"):
        yield f"task is given with model {spec.model!r}; it is for hf: models: leave it out."
    elif spec.task and _ENGINES[spec.variant] not in TASKS[spec.task].files:
        allowed = [variant.value for variant, engine in _ENGINES.items() if engine in TASKS[spec.task].files]
        yield f"variant is {spec.variant.value} with task {spec.task}; allowed are {', '.join(allowed)}."
    if spec.variant is not Variant.CPU and spec.model.startswith("hf:") and spec.build_args.get("PRECISION"):
        yield (
            f"build_args has PRECISION with variant {spec.variant.value}; it is for cpu, as torch keeps the "
            "weights as they are: leave it out."
        )
    folder = spec.source / "service/models" / spec.model.removeprefix("bundled:") / "manifest.json"
    if spec.variant is Variant.CUDA and spec.model.startswith("bundled:") and folder.is_file():
        engine = json.loads(folder.read_bytes()).get("engine", "onnx")
        if engine != "torch":
            yield (
                f"variant is cuda with {spec.model}, made for {engine}, which uses no GPU; allowed are "
                "cpu, or an hf: model."
            )


def _ca_faults(spec: ImageSpec) -> Iterator[str]:
    try:
        size = len(Path(spec.ca).read_bytes()) if spec.ca else None
    except OSError:
        size = 0
    if size == 0:
        yield f"ca is {spec.ca!r}, which cannot be read or is empty; it must be a file of PEM certificates."
    elif size and spec.provenance and size > _CA_BYTES:
        yield (
            f"ca has {size} bytes with provenance; docker-buildx is given it in an environment variable, "
            f"which holds {_CA_BYTES}. Name a file with the proxy's certificates alone, or drop provenance."
        )


def _source_faults(spec: ImageSpec) -> Iterator[str]:
    missing = [
        name
        for name in (".dockerignore", "LICENSE", "service/Dockerfile")
        if not (spec.source / name).is_file()
    ]
    if missing:
        yield (
            f"{spec.source} has no {' and no '.join(missing)}: Slipway's sources are not there. Name a "
            "checkout of it in `source`, or leave `source` out: the installed package has them."
        )
        return
    models = bundled_models(spec.source)
    kind, _, model = spec.model.partition(":")
    if kind == "bundled" and model not in models:
        yield f"model is {spec.model!r}; bundled are {', '.join(models)}."


def _packages(spec: ImageSpec) -> list[str]:
    needs: list[tuple[str, Callable[[], bool]]] = [
        ("pulumi_gcp", lambda: spec.registry is Registry.ARTIFACT_REGISTRY),
        ("pulumi_aws", lambda: spec.registry is Registry.ECR),
        ("pulumi_docker_build", lambda: spec.builds),
    ]
    return [package for package, needed in needs if needed()]
