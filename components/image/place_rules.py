"""Checks of where an image is stored: the registry, the repository and its labels, or the finished image.

Pure.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from ..aws.name_rules import tag_faults
from ..fault import Fault
from ..google.name_rules import label_faults, project_faults
from ..image_reference import REPOSITORY
from ..input_rules import image_fault
from .args import Registry
from .spec import ImageSpec

# Also the multi-regions of Artifact Registry, such as `europe`.
_REGION = re.compile(r"[a-z]+(?:-[a-z0-9]+)*")


def place_faults(spec: ImageSpec) -> Iterator[Fault]:
    yield from _image_faults(spec)
    if spec.registry and spec.repository:
        allowed = "keep one: `registry` makes a repository, `repository` names an existing one"
        yield Fault("repository", repr(spec.repository), allowed, f"with `registry` {spec.registry.value}")
    if not (spec.image or spec.registry or spec.repository):
        allowed = (
            "give `registry` (artifact-registry or ecr), the `repository` of an existing one, or a finished "
            "`image`"
        )
        yield Fault("", "no place for the image is given", allowed)
    if spec.repository and not REPOSITORY.fullmatch(spec.repository):
        allowed = "it must be host/name in lowercase, without tag and digest"
        yield Fault("repository", repr(spec.repository), allowed)
    yield from _registry_faults(spec)
    if spec.registry is Registry.ARTIFACT_REGISTRY:
        yield from label_faults(spec.labels)
    elif spec.registry is Registry.ECR:
        yield from tag_faults(spec.labels)


def _image_faults(spec: ImageSpec) -> Iterator[Fault]:
    if not spec.image:
        return
    if fault := image_fault(spec.image):
        yield replace(fault, argument="image")
    elif not spec.image_name:
        allowed = "it must name its registry, as host/name@sha256:<64 hex digits>"
        yield Fault("image", repr(spec.image), allowed)


def _registry_faults(spec: ImageSpec) -> Iterator[Fault]:
    if spec.registry is Registry.ARTIFACT_REGISTRY or (spec.registry is None and spec.project):
        yield from project_faults(spec.project)
    if spec.registry is not None and not spec.region:
        allowed = "give a region of that cloud, such as europe-west4 or eu-west-1"
        yield Fault("region", "missing", allowed, f"with `registry` {spec.registry.value}")
    elif spec.region and not _REGION.fullmatch(spec.region):
        allowed = "it must be a region of that cloud, such as europe-west4 or eu-west-1"
        yield Fault("region", repr(spec.region), allowed)
    if spec.registry is Registry.ECR and spec.project:
        given = repr(spec.project) if isinstance(spec.project, str) else "given"
        yield Fault("project", given, "it is for artifact-registry: leave it out", "with `registry` ecr")
    if spec.registry is Registry.ECR and "--" in spec.name:
        allowed = "ECR allows no two hyphens in a row in the name of a repository"
        yield Fault("name", repr(spec.name), allowed)
