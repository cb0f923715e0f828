"""Decides which arguments of `InferenceImage` are refused. Reads only the sources and the CA file."""

import importlib.util
import math
import re
from collections.abc import Callable, Iterator

from ..arguments import usable_arguments
from ..fault import Fault, refuse
from ..sdks import installed_by
from .args import InferenceImageArgs, Registry
from .build_rules import build_faults
from .place_rules import place_faults
from .spec import ImageSpec

# A repository of Artifact Registry is called so; ECR allows more, Pulumi anything.
_NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
# The policies of both registries keep whole numbers; no more of either is of use.
_MOST_IMAGES, _MOST_DAYS = 1000, 3650


def checked_spec(name: str, args: InferenceImageArgs) -> ImageSpec:
    """Fill in the defaults and check the arguments. Raises one ArgumentsError with every fault."""
    usable, faults = usable_arguments(args, InferenceImageArgs)
    spec = ImageSpec.read(name, usable)
    refuse(name, [*faults, *_faults(spec)])
    return spec


def _faults(spec: ImageSpec) -> Iterator[Fault]:
    if not _NAME.fullmatch(spec.name):
        allowed = "allowed are 1 to 63 lowercase letters, digits and hyphens, a letter first, no hyphen last"
        yield Fault("name", repr(spec.name), allowed)
    yield from place_faults(spec)
    yield from _retention_faults(spec)
    if spec.builds:
        yield from build_faults(spec)
    for key in () if spec.builds else ("python_image", "build_args", "ca"):
        if getattr(spec, key):
            yield Fault(key, "given", "leave one of them out", "with `image`, which is built already")
    for package in _packages(spec):
        if importlib.util.find_spec(package) is None:
            yield Fault("", f"the package {package} is not installed", f"run {installed_by(package)}")


def _retention_faults(spec: ImageSpec) -> Iterator[Fault]:
    for key, value, most in (
        ("keep_images", spec.keep_images, _MOST_IMAGES),
        ("expire_days", spec.expire_days, _MOST_DAYS),
    ):
        if not math.isfinite(value) or value != int(value) or not 1 <= value <= most:
            nearest = min(max(round(value), 1), most) if math.isfinite(value) else None
            yield Fault(key, f"{value:g}", f"it must be a whole number from 1 to {most}", nearest=nearest)


def _packages(spec: ImageSpec) -> list[str]:
    needs: list[tuple[str, Callable[[], bool]]] = [
        ("pulumi_gcp", lambda: spec.registry is Registry.ARTIFACT_REGISTRY),
        ("pulumi_aws", lambda: spec.registry is Registry.ECR),
        ("pulumi_docker_build", lambda: spec.builds),
    ]
    return [package for package, needed in needs if needed()]
