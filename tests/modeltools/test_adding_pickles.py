"""The version in a pickle is read without opening it. The bytes are what pickle and scikit-learn write."""

import bz2
import gzip
import lzma
import pickle
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.modeltools.adding.pickles import require_version, scikit_learn_of
from slipway.service.faults import BadModel

# A scaler and a logistic regression, saved by pickle, and by joblib with compression.
PICKLES = Path(__file__).parent / "pickles"


class Estimator:
    """Holds its version as scikit-learn's do."""

    def __init__(self, version: str) -> None:
        self._version = version
        self.names = ["_sklearn"]

    def __getstate__(self) -> dict[str, object]:
        return {"alpha": 1.0, "names": self.names, "_sklearn_version": self._version}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol_of_pickle_is_read(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps([Estimator("1.5.2"), Estimator("1.5.2")], protocol))
    assert scikit_learn_of(path) == "1.5.2"


@pytest.mark.parametrize("compress", [zlib.compress, gzip.compress, bz2.compress, lzma.compress])
def test_what_joblib_compressed_is_read(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "model.joblib"
    path.write_bytes(compress(pickle.dumps(Estimator("1.6.1"))))
    assert scikit_learn_of(path) == "1.6.1"


@pytest.mark.parametrize("kind", ["pkl", "joblib"])
@pytest.mark.parametrize("version", ["1.2.2", "1.5.2", "1.7.2"])
def test_the_version_of_a_pipeline_that_scikit_learn_saved_is_read(version: str, kind: str) -> None:
    assert scikit_learn_of(PICKLES / f"scikit-learn-{version}.{kind}") == version


def test_another_version_is_refused_with_both_and_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(Estimator("1.2.2")))
    with pytest.raises(BadModel, match=r"scikit-learn 1\.2\.2; .* with 1\.9\.1, .*--python"):
        require_version(path, "1.9.1")
    with pytest.raises(BadModel, match=r"saved with scikit-learn 1\.2\.2"):
        require_version(path)


def test_the_same_minor_version_and_a_pickle_without_one_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(Estimator("1.9.0")))
    require_version(path, "1.9.1")
    path.write_bytes(pickle.dumps({"a": 1}))
    assert scikit_learn_of(path) is None
    require_version(path)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.joblib"
    path.write_bytes(zlib.compress(b"x" * 100)[:5] + b"\xff\xff\xff")
    with pytest.raises(BadModel, match="cannot be read"):
        scikit_learn_of(path)
