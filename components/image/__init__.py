"""The inference server's image: built from a checkout and pushed, or an existing one, by its digest."""

from components.image.args import InferenceImageArgs, Platform, Registry, Variant
from components.image.component import InferenceImage

__all__ = ["InferenceImage", "InferenceImageArgs", "Platform", "Registry", "Variant"]
