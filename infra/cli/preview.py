"""Prints a preview in the format that was asked for. Each format's own imports wait until it is."""

import sys

from rich.text import Text

from slipway.infra.cli.console import ERR, OUT, PreviewFormat, print_json
from slipway.infra.plan.run import without_collector
from slipway.infra.preview.command import Shown


def show(shown: Shown, format_: PreviewFormat) -> None:
    with without_collector():
        if format_ is PreviewFormat.JSON:
            from slipway.infra.preview.document import document_of

            print_json(document_of(shown))
        elif format_ is PreviewFormat.MARKDOWN:
            from slipway.infra.preview.markdown import comment_of

            sys.stdout.write(comment_of(shown))
        elif format_ is PreviewFormat.HTML:
            from slipway.infra.preview.page import page_of

            sys.stdout.write(page_of(shown))
        else:
            _show_text(shown)


def _show_text(shown: Shown) -> None:
    from slipway.infra.preview.text import preview_text

    for stack, reason in shown.left_out.items():
        ERR.print(f"Left out {stack}: {reason}", markup=False)
    if shown.base:
        OUT.print(Text.assemble("Against ", (shown.base, "bold")))
        for note in shown.notes:
            OUT.print(Text(note, style="dim"))
    for preview in shown.stacks:
        for part in preview_text(preview):
            OUT.print(part, soft_wrap=False)  # a value that is too long is folded, not cut
