"""The inference server's image: built from a checkout and pushed, or an existing one given by its digest."""

from .args import InferenceImageArgs, Platform, Registry, Variant
from .component import InferenceImage

__all__ = ["InferenceImage", "InferenceImageArgs", "Platform", "Registry", "Variant"]
