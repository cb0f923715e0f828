"""The address that pip installed Slipway from becomes a pin; one of this machine, or an index's, does not."""

import json
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

import pytest

from slipway.infra.setup import installed_from

COMMIT = "c" * 40
WHEEL = "https://example.com/slipway-0.2.0-py3-none-any.whl"


@pytest.mark.parametrize(
    ("recorded", "address"),
    [
        (None, None),
        ({"url": "file:///home/ada/slipway", "dir_info": {"editable": True}}, None),
        ({"url": "file:///tmp/slipway-0.2.0-py3-none-any.whl", "archive_info": {}}, None),
        ({"url": WHEEL, "archive_info": {}}, WHEEL),
        ({"url": WHEEL, "archive_info": {"hashes": {"sha256": "0" * 64}}}, f"{WHEEL}#sha256={'0' * 64}"),
        ({"url": WHEEL, "archive_info": {"hash": f"sha256={'1' * 64}"}}, f"{WHEEL}#sha256={'1' * 64}"),
        (
            {"url": WHEEL.replace("https://", "https://ada:hush@"), "archive_info": {}},
            WHEEL,
        ),
        (
            {"url": "https://example.com/slipway", "vcs_info": {"vcs": "git", "commit_id": COMMIT}},
            f"git+https://example.com/slipway@{COMMIT}",
        ),
        (
            {"url": "ssh://git@example.com/slipway.git", "vcs_info": {"vcs": "git", "commit_id": COMMIT}},
            f"git+ssh://git@example.com/slipway.git@{COMMIT}",
        ),
    ],
)
def test_what_pip_recorded_is_pinned_where_another_machine_can_reach_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorded: dict[str, Any] | None, address: str | None
) -> None:
    info = tmp_path / "slipway-0.2.0.dist-info"
    info.mkdir()
    if recorded is not None:
        (info / "direct_url.json").write_text(json.dumps(recorded))

    def installation(_name: str) -> Distribution:
        return Distribution.at(info)

    monkeypatch.setattr(installed_from, "distribution", installation)
    assert installed_from.address_of(None) == address
