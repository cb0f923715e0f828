from pathlib import Path
from typing import Any

import pytest

from slipway.components.model import example_request, located, model_folder
from tests.checkout import ROOT


def test_a_relative_model_folder_is_below_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models/mine").symlink_to(ROOT / "service/models/sms-spam")
    monkeypatch.chdir(tmp_path)
    mine = model_folder("api", "file:models/mine", "classify")
    assert (mine.path, mine.location) == ("models/mine", (ROOT / "service/models/sms-spam").resolve())
    bundled = model_folder("api", "bundled:sms-spam", "classify")
    assert (bundled.path, bundled.location) == ("service/models/sms-spam", mine.location)
    assert located("bundled:sms-spam", "service/models/sms-spam") == bundled.location


COLUMNS = [
    "height",
    {"name": "age", "type": "int", "example": 41},
    {"name": "city", "type": "string", "values": ["Bern", "Lima"]},
    {"name": "member", "type": "bool"},
]


@pytest.mark.parametrize(
    ("keys", "request_"),
    [
        ({"features": COLUMNS}, {"features": [0.0, 41, "Bern", False]}),
        ({"features": COLUMNS, "example": [1, 2, "Lima", True]}, {"features": [1, 2, "Lima", True]}),
        ({"examples": ["Win a prize", "See you at six"]}, {"text": "Win a prize"}),
        ({"task": "generate", "examples": ["Dear"]}, {"prompt": "Dear", "max_tokens": 32}),
    ],
)
def test_the_request_to_try_is_one_that_the_model_takes(
    keys: dict[str, Any], request_: dict[str, Any]
) -> None:
    assert example_request({"task": "classify"} | keys) == request_
