"""What a stack's program would register, and what a change of it would do: as data, as text, as pages.

Reads Plans only. Nothing here asks a cloud, the Pulumi CLI or a state.
"""

from slipway.infra.preview.plans import Previews, findings_of, previews_of
from slipway.infra.preview.report import preview_json
from slipway.infra.preview.text import preview_tree

__all__ = ["Previews", "findings_of", "preview_json", "preview_tree", "previews_of"]
