"""The model's quality online: what it predicts, how that drifts from a reference, what feedback says."""

from .quality import Quality

__all__ = ["Quality"]
