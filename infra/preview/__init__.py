"""Shows what a stack's program would register, and what a change would do: as data, text or pages.

Reads Plans only. Nothing here asks a cloud, the Pulumi CLI or a state.
"""

from slipway.infra.preview.plans import Previews, findings_of, previews_of

__all__ = ["Previews", "findings_of", "previews_of"]
