from pathlib import Path

import pytest

from slipway.components.model import located, model_folder
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
