"""The inference server's image.

Owns the build, and the repository if `registry` requests one. Does not own an existing repository, the
login to it (the host's own, or a docker-build provider in the options) or the images of earlier builds: they
stay until the repository's clean-up, because a service may run them.
"""

from pathlib import Path

import pulumi

from .args import InferenceImageArgs
from .build import build, build_inputs
from .context import LOCATION, stage
from .registry import repository_of
from .rules import checked_spec

# They differ between machines, and the component's inputs must not.
_OF_THIS_MACHINE = ("ca", "source")


class InferenceImage(pulumi.ComponentResource):
    """Build the inference server's image and push it, or take an existing one by its digest."""

    image_ref: pulumi.Output[str]
    """Image with its digest, `host/name@sha256:...`."""
    repository: pulumi.Output[str]
    """Name of the image, `host/name`, without tag and digest."""

    def __init__(
        self, name: str, args: InferenceImageArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        spec = checked_spec(name, args)
        build_args: dict[str, str] = {}
        if spec.builds:
            files, build_args = build_inputs(spec)
            stage(files, Path(LOCATION))
        inputs = {key: value for key, value in args.items() if key not in _OF_THIS_MACHINE}
        super().__init__("slipway:index:InferenceImage", name, inputs, opts)
        child = pulumi.ResourceOptions(parent=self)
        repository = repository_of(spec, child)
        self.repository = pulumi.Output.from_input(repository.address)
        if spec.builds:
            digest = build(spec, repository, build_args, child)
            self.image_ref = pulumi.Output.concat(repository.address, "@", digest)
        else:
            self.image_ref = pulumi.Output.from_input(spec.image)
        self.register_outputs({"image_ref": self.image_ref, "repository": self.repository})
