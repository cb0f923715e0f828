"""The arguments of `InferenceImage`.

They are published for other languages: hence enums, no literals or unions.
"""

from enum import StrEnum
from typing import NotRequired, TypedDict

import pulumi


class Registry(StrEnum):
    """Where the component creates a repository."""

    ARTIFACT_REGISTRY = "artifact-registry"
    """Google Artifact Registry."""
    ECR = "ecr"
    """Amazon Elastic Container Registry."""


class Variant(StrEnum):
    """The software that runs the models."""

    CPU = "cpu"
    """ONNX Runtime or CTranslate2, without torch."""
    TORCH_CPU = "torch-cpu"
    """torch on a CPU."""
    CUDA = "cuda"
    """torch on an NVIDIA GPU."""


class Platform(StrEnum):
    """Operating system and processor of the image."""

    LINUX_AMD64 = "linux/amd64"
    """x86-64; Cloud Run takes no other."""
    LINUX_ARM64 = "linux/arm64"
    """64-bit Arm, such as Graviton."""


class InferenceImageArgs(TypedDict):
    """The arguments of an image. Give it one place: `registry`, `repository`, or the finished `image`."""

    image: NotRequired[str]
    """Existing image with its digest, `host/name@sha256:...`: nothing is built, and Docker is not needed."""
    registry: NotRequired[Registry]
    """Create a repository: `artifact-registry` or `ecr`. It is kept if `image` is given too."""
    repository: NotRequired[str]
    """Existing repository, `host/name` without a tag; its clean-up and scanning are not changed."""
    project: NotRequired[pulumi.Input[str]]
    """Google Cloud project of the repository; for `artifact-registry`."""
    region: NotRequired[str]
    """Region of the repository, such as `europe-west4` or `eu-west-1`."""
    model: NotRequired[str]
    """`bundled:<name>`, `file:<folder>` (relative to the project) or `hf:<repo>@<commit>`, put into the
    image; `gs://` or `s3://`, fetched at start. Default `bundled:sms-spam`."""
    task: NotRequired[str]
    """Task that an `hf:` model must be for: `classify`, `embed`, `summarize` or `generate`. Default: any."""
    variant: NotRequired[Variant]
    """`cpu`, `torch-cpu` or `cuda`. For `cpu` an `hf:` model is converted, to ONNX or for CTranslate2; for
    the others it is not changed. Default `cpu`."""
    ctranslate2: NotRequired[bool]
    """Whether the image has CTranslate2, the engine of models that write text on a CPU. Default: true if the
    folder of `model` is made for it, or the `task` of an `hf:` model writes text and `variant` is `cpu`."""
    buckets: NotRequired[bool]
    """Whether the image can fetch a model from a bucket. Default: true if `model` is in one."""
    platform: NotRequired[Platform]
    """`linux/amd64` or `linux/arm64`. Default `linux/amd64`."""
    python_image: NotRequired[str]
    """Base image with Python 3.11. Default: the image that the Dockerfile pins."""
    build_args: NotRequired[dict[str, str]]
    """Further build arguments. They are readable in the image, so give no secrets."""
    cache: NotRequired[bool]
    """Whether the registry keeps every layer for later builds. Default true."""
    provenance: NotRequired[bool]
    """Attach SLSA provenance. The machine's own docker-buildx builds it then, and `image_ref` names the index
    around the image. Default false."""
    builder: NotRequired[str]
    """Name of a buildx builder, not of the `docker` driver. Another name is a change, and builds again.
    Default: one of the machine's, or a new one."""
    ca: NotRequired[str]
    """File with the CA certificates that a build behind a TLS proxy trusts; no layer keeps it."""
    source: NotRequired[str]
    """Checkout of Slipway to build. Default: the sources that the installed package carries."""
    keep_images: NotRequired[int]
    """Newest images that the clean-up keeps, whatever their age. Default 10."""
    expire_days: NotRequired[int]
    """Days after which other images, and layers without a tag, are deleted. Default 7."""
    scan: NotRequired[bool]
    """Whether pushed images are scanned for vulnerabilities. Default true; on Artifact Registry only in a
    project with the API `containerscanning.googleapis.com`, which is not enabled here: Google then scans, and
    charges for, every new image of the project."""
    force_delete: NotRequired[bool]
    """Whether the repository may be deleted with images in it. Default false."""
    enable_apis: NotRequired[bool]
    """Whether Artifact Registry's API is enabled in the project; it is never disabled. Default true."""
    labels: NotRequired[dict[str, str]]
    """Labels of the repository; tags on AWS."""
