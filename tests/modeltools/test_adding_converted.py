"""What CTranslate2's converter wrote is no source: it is told apart, with its version."""

from pathlib import Path

import pytest

from slipway.modeltools.adding.kind import kind_of
from slipway.service.faults import BadModel


@pytest.mark.parametrize(
    ("version", "told"),
    [(6, r"in its format 6\. Give what"), (5, r"in its format 5, while the server reads format 6\. Give")],
)
def test_a_folder_that_is_converted_already_is_refused_with_its_version(
    tmp_path: Path, version: int, told: str
) -> None:
    (tmp_path / "model.bin").write_bytes(version.to_bytes(4, "little") + b"\x10\x00TransformerSpec\x00")
    for name in ("config.json", "shared_vocabulary.json"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(BadModel, match=told):
        kind_of(tmp_path)


def test_a_folder_of_transformers_with_a_pickle_is_no_converted_one(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"PK")
    (tmp_path / "config.json").write_text("{}")
    assert kind_of(tmp_path)[0] == "transformers"
