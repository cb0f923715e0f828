"""Prints a preview in the requested format, and imports only what that format needs."""

import sys

from slipway.infra.cli.console import OUT, PreviewFormat, print_json
from slipway.infra.cli.table import print_table
from slipway.infra.plan.run import without_collector
from slipway.infra.preview.command import Shown


def show(shown: Shown, format_: PreviewFormat, details: bool = False) -> None:
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
            _show_text(shown, details)


def _show_text(shown: Shown, details: bool) -> None:
    from slipway.infra.preview.stack_table import HEADER, NUMBERS, stack_rows
    from slipway.infra.preview.text import text_of

    for part in text_of(shown, details):
        OUT.print(part, soft_wrap=False)  # a value that is too long is folded, not cut
    if len(shown.stacks) > 1:
        print_table(HEADER, stack_rows(shown), right=NUMBERS)
