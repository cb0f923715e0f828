"""The files of the generated reference: settings, command line, components, HTTP API, metrics."""

from collections.abc import Mapping
from pathlib import Path

from slipway.infra.reference import command_line, components, observability, server
from slipway.infra.settings import reference as settings

ROOT = settings.ROOT
_FOLDER = Path("docs/reference")


def files() -> Mapping[Path, str]:
    """Return every file with a part of the reference, relative to the project, and its whole text."""
    return {
        **settings.files(),
        **observability.files(),
        _FOLDER / "command-line.md": command_line.page(),
        _FOLDER / "components.md": components.page(),
        _FOLDER / "http-api.md": server.http_page(),
        _FOLDER / "metrics.md": server.metrics_page(),
    }
