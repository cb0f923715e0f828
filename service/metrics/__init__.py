"""What the server reports about itself in Prometheus' format: instruments, readings and the page."""

from .instruments import Instruments

__all__ = ["Instruments"]
