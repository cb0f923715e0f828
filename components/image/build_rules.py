"""Checks what can be built: the model, the engine, the platform, the CA file and the sources.

Reads files only.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ..environment import ENVIRONMENT_NAME, looks_secret
from ..fault import Fault
from ..model_address import Source
from ..tasks import TASKS
from .args import Platform, Variant
from .baked_model import baked_model, baking_faults
from .engines import CTRANSLATE2, ONNX, TORCH, engine_of
from .spec import ImageSpec

_BUILDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_MODEL_RULE = (
    "allowed are bundled:<name>, file:<folder>, hf:<owner>/<name>@<commit of 40 hexadecimal digits>, "
    "gs://<bucket>/<folder> and s3://<bucket>/<folder>"
)
# Linux: one string of an environment has at most 128 KiB (execve(2), MAX_ARG_STRLEN), its name included.
_CA_BYTES = 130_000
# Those that an image of the variant can have; each has ONNX Runtime too.
_ENGINES = {Variant.CPU: (ONNX, CTRANSLATE2), Variant.TORCH_CPU: (TORCH,), Variant.CUDA: (TORCH,)}
# Set from the other arguments.
OWN_BUILD_ARGS = (
    "PYTHON_IMAGE",
    "VARIANT",
    "CTRANSLATE2",
    "MODELS",
    "BUNDLED",
    "MODEL",
    "TASK",
    "REVISION",
    "MODEL_VERSION",
)


def build_faults(spec: ImageSpec) -> Iterator[Fault]:
    if not spec.address.is_valid:
        yield Fault("model", repr(spec.model), _MODEL_RULE)
    if spec.variant is Variant.CUDA and spec.platform is not Platform.LINUX_AMD64:
        allowed, reason = "GPU images are built for linux/amd64", f"with `platform` {spec.platform.value}"
        yield Fault("variant", spec.variant.value, allowed, reason)
    if spec.builder and not _BUILDER.fullmatch(spec.builder):
        yield Fault("builder", repr(spec.builder), "it must be a name that `docker buildx ls` lists")
    if re.search(r"\s", spec.python_image):
        allowed = "it must be a reference to an image, without spaces"
        yield Fault("python_image", repr(spec.python_image), allowed)
    yield from _engine_faults(spec)
    yield from _ctranslate2_faults(spec)
    yield from _ca_faults(spec)
    yield from _build_args_faults(spec)
    yield from _source_faults(spec)


def _engine_faults(spec: ImageSpec) -> Iterator[Fault]:
    """Yield engines that the build would refuse, or that would not use the machine's GPU."""
    from_hub = spec.address.source is Source.HUB
    if spec.task and spec.task not in TASKS:
        yield Fault("task", repr(spec.task), f"allowed are {', '.join(TASKS)}")
    elif spec.task and not from_hub:
        allowed = "it is for hf: models: leave it out"
        yield Fault("task", repr(spec.task), allowed, f"with `model` {spec.model!r}")
    elif spec.task and not _serves(spec.variant, spec.task):
        allowed = [variant.value for variant in _ENGINES if _serves(variant, spec.task)]
        reason = f"with `task` {spec.task}"
        yield Fault("variant", spec.variant.value, f"allowed are {', '.join(allowed)}", reason)
    if spec.variant is not Variant.CPU and from_hub and spec.build_args.get("PRECISION"):
        allowed = "it is for cpu, as torch keeps the weights as they are: leave it out"
        yield Fault("build_args", "PRECISION", allowed, f"with `variant` {spec.variant.value}", verb="has")


def _serves(variant: Variant, task: str) -> bool:
    return any(engine in TASKS[task].files for engine in _ENGINES[variant])


def _ctranslate2_faults(spec: ImageSpec) -> Iterator[Fault]:
    """Yield why CTranslate2 would have nothing to compute in the image, or is missing there."""
    if spec.ctranslate2 and spec.variant is Variant.CUDA:
        allowed, reason = "CTranslate2 computes on the CPU here: leave it out", "with `variant` cuda"
        yield Fault("ctranslate2", "true", allowed, reason)
    if spec.ctranslate2 is False and engine_of(replace(spec, ctranslate2=None), None) == CTRANSLATE2:
        allowed = f"allowed is true, as no other engine of a cpu image serves `task` {spec.task}"
        yield Fault("ctranslate2", "false", allowed, f"with `model` {spec.model}")


def _ca_faults(spec: ImageSpec) -> Iterator[Fault]:
    try:
        size = len(Path(spec.ca).read_bytes()) if spec.ca else None
    except OSError:
        size = 0
    if size == 0:
        allowed = "it must be a file of PEM certificates"
        yield Fault("ca", repr(spec.ca), allowed, ", which cannot be read or is empty")
    elif size and spec.provenance and size > _CA_BYTES:
        allowed = (
            f"docker-buildx is given it in an environment variable, which holds {_CA_BYTES}: name a file "
            "with the proxy's certificates alone, or leave `provenance` out"
        )
        yield Fault("ca", f"{size} bytes", allowed, "with `provenance`", verb="has")


def _build_args_faults(spec: ImageSpec) -> Iterator[Fault]:
    for key, value in spec.build_args.items():
        if key in OWN_BUILD_ARGS:
            reason = ", which is set from the other arguments"
            yield Fault("build_args", key, "leave it out", reason, verb="has")
        elif not ENVIRONMENT_NAME.fullmatch(key):
            allowed = "a name has letters, digits and _, and no digit first"
            yield Fault("build_args", repr(key), allowed, verb="has")
        elif looks_secret(key, value):
            reason = ", which looks like a secret (its value is not shown)"
            yield Fault("build_args", key, "the image would keep it readable", reason, verb="has")


def _source_faults(spec: ImageSpec) -> Iterator[Fault]:
    missing = [
        name
        for name in (".dockerignore", "LICENSE", "service/Dockerfile")
        if not (spec.source / name).is_file()
    ]
    if missing:
        reason = f", which has no {' and no '.join(missing)}: Slipway's sources are not there"
        allowed = "name a checkout of it, or leave `source` out: the installed package has them"
        yield Fault("source", repr(str(spec.source)), allowed, reason)
        return
    if spec.address.is_here and spec.address.is_valid:
        yield from _model_faults(spec)


def _model_faults(spec: ImageSpec) -> Iterator[Fault]:
    """Yield why the model's folder cannot go into the image, or cannot be served by its software."""
    faults = list(baking_faults(spec))
    yield from faults
    model = None if faults else baked_model(spec)
    engine = model.manifest.get("engine", ONNX) if model else _ENGINES[spec.variant][0]
    if engine == CTRANSLATE2 and spec.ctranslate2 is False:
        reason = f"with `model` {spec.model}, made for it"
        yield Fault("ctranslate2", "false", "allowed is true: leave it out", reason)
    if engine in _ENGINES[spec.variant] or spec.variant is Variant.TORCH_CPU:
        return  # every image has ONNX Runtime, and what is built for CTranslate2 gets that
    uses = "which uses no GPU" if spec.variant is Variant.CUDA else "which that image lacks"
    allowed = "cpu, or a model for torch" if spec.variant is Variant.CUDA else "torch-cpu and cuda"
    reason = f"with `model` {spec.model}, made for {engine}, {uses}"
    yield Fault("variant", spec.variant.value, f"allowed are {allowed}", reason)
