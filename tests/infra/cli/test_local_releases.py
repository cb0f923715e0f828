"""Releases of the local stack by the command: what it lists, previews and refuses."""

from pathlib import Path

from tests.conftest import write_stack
from tests.infra.command import refused, slipway


def test_a_rollback_without_a_release_refuses_before_it_says_that_it_begins(project: Path) -> None:
    said = refused(project, "rollback")
    assert (
        said == "Error: No release serves on this stack, so there is none to roll back. Run `slipway up`.\n"
    )


def test_releases_are_a_table_and_a_preview_says_what_up_would_do(started: Path, free_port: int) -> None:
    header, first = slipway(started, "releases").stdout.splitlines()
    assert header.split() == ["release", "since", "commit", "model", "remarks"]
    assert first.split()[0] == "1"
    assert first.rstrip().endswith("serves")
    assert "imageRef" not in slipway(started, "output").stdout
    assert "~" not in slipway(started, "preview").stdout
    write_stack(started, {"target": "local", "memory": "900Mi", "port": str(free_port)})
    said = slipway(started, "preview").stdout
    assert "Release 1 serves. `slipway up` starts a new one next to it, for memory." in said
    assert "~ slipway-local-process" in said
    assert slipway(started, "up").returncode == 0
    done = slipway(started, "rollback")
    assert done.returncode == 0
    assert done.stderr.startswith("Rolling back\nStarting release 3 next to release 2\n")
    assert "serves; brings back release 1" in slipway(started, "releases").stdout
