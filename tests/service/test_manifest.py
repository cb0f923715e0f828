import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from slipway.service.faults import BadModel, ModelNotFound
from slipway.service.manifest import SEQ2SEQ_FILES, Manifest
from slipway.service.settings import BUNDLED_MODEL
from slipway.service.tasks.classify import Classify
from slipway.service.tasks.summarize import Summarize

TASKS = {"classify": Classify, "summarize": Summarize}
MEASURED = {"memory_mib": 123.4, "load_seconds": 0.2, "texts_per_second": 900}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Copy the bundled model, for a test to damage."""
    return Path(shutil.copytree(BUNDLED_MODEL, tmp_path / "model"))


def changed_manifest(model: Path, **changes: Any) -> None:
    path = model / "manifest.json"
    content = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({name: value for name, value in content.items() if value is not None}))


def test_the_version_in_answers_is_name_version_and_the_start_of_the_model_files_hash():
    manifest = Manifest.read(BUNDLED_MODEL, TASKS)
    manifest.check_files(BUNDLED_MODEL)
    digest = manifest.files["model.onnx"].sha256
    assert manifest.model_version == f"{manifest.name}-{manifest.version}+{digest[:12]}"


def test_the_version_of_a_torch_model_has_the_hash_of_its_safetensors(model: Path):
    weights = {"sha256": "ab" * 32, "bytes": 1}
    files = json.loads((model / "manifest.json").read_text())["files"]
    changed_manifest(
        model, engine="torch", files=files | {"model.safetensors": weights, "config.json": weights}
    )
    assert Manifest.read(model, TASKS).model_version == "sms-spam-1.0.0+abababababab"


@pytest.mark.parametrize("key", ["name", "version", "task", "max_tokens", "license", "files"])
def test_a_missing_key_is_named(model: Path, key: str):
    changed_manifest(model, **{key: None})
    with pytest.raises(BadModel, match=rf"manifest\.json cannot be used: {key}: Field required"):
        Manifest.read(model, TASKS)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"task": "sing"}, r"task is 'sing'; this server has \['classify', 'summarize'\]"),
        ({"labels": ["one"]}, "labels"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"name": "a b"}, "name"),
        ({"files": {}}, r"files lacks \['model.onnx', 'tokenizer.json'\]; engine 'onnx' needs"),
        (
            {"engine": "torch"},
            r"files lacks \['config.json', 'model.safetensors'\]; "
            "engine 'torch' needs model.safetensors, config.json, tokenizer.json",
        ),
        ({"files": {"../model.onnx": {"sha256": "0" * 64, "bytes": 1}}}, "files"),
        ({"files": {"model.onnx": {"sha256": "0", "bytes": 1}}}, "files.model.onnx.sha256"),
        ({"engine": "jax"}, "engine: Input should be 'onnx', 'torch' or 'ctranslate2'"),
        ({"measured": {"memory_mib": 100}}, "measured.load_seconds: Field required"),
        ({"measured": MEASURED | {"memory_mib": 0}}, "measured.memory_mib: Input should be greater than 0"),
        (
            {"measured": MEASURED | {"memory_mib": "100"}},
            "measured.memory_mib: Input should be a valid number",
        ),
        ({"measured": MEASURED | {"load_seconds": -1}}, "measured.load_seconds"),
        ({"measured": MEASURED | {"texts_per_second": float("inf")}}, "measured.texts_per_second"),
        ({"measured": 12}, "measured"),
    ],
    ids=[
        "task",
        "one label",
        "no tokens",
        "name",
        "no files",
        "files of another engine",
        "outside",
        "hash",
        "engine",
        "not all measured",
        "no memory",
        "memory as text",
        "negative time",
        "infinite",
        "not an object",
    ],
)
def test_a_manifest_that_cannot_be_served_is_refused(model: Path, changes: dict[str, Any], told: str):
    changed_manifest(model, **changes)
    with pytest.raises(BadModel, match=told):
        Manifest.read(model, TASKS)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("../model.onnx", "is not a plain file name"),
        ("/etc/passwd", "is not a plain file name"),
        ("a/b", "is not a plain file name"),
        ("a\\b", "is not a plain file name"),
        ("..", "is not a plain file name"),
        (".lock", "is not a plain file name"),
        ("a\nb", "is not a plain file name"),
        ("", "is not a plain file name"),
        ("a" * 201, "is not a plain file name"),
        ("model.onnx.part", "is not a plain file name"),
        ("weights.pkl", "is a pickle, which runs code when it is loaded"),
        ("pytorch_model.BIN", "is a pickle"),
        ("model.pt", "is a pickle"),
        ("model.pth", "is a pickle"),
    ],
)
def test_a_path_or_a_pickle_among_the_files_is_refused(model: Path, name: str, told: str):
    files = json.loads((model / "manifest.json").read_text())["files"]
    changed_manifest(model, files=files | {name: {"sha256": "0" * 64, "bytes": 1}})
    with pytest.raises(BadModel, match=f"(?s)files.*{told}"):
        Manifest.read(model, TASKS)


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_model_bin_is_refused_as_a_pickle_for_any_engine_but_ctranslate2(model: Path, engine: str):
    digest = {"sha256": "0" * 64, "bytes": 1}
    changed_manifest(model, engine=engine, files=dict.fromkeys(["model.onnx", "model.bin"], digest))
    with pytest.raises(BadModel, match=r"files lists model\.bin, which only engine 'ctranslate2' has"):
        Manifest.read(model, TASKS)


def test_the_version_of_a_model_of_ctranslate2_is_that_of_its_model_bin(model: Path):
    digest = {"sha256": "ab" * 32, "bytes": 1}
    changed_manifest(
        model,
        task="summarize",
        engine="ctranslate2",
        labels=None,
        files=dict.fromkeys(SEQ2SEQ_FILES["ctranslate2"], digest),
    )
    assert Manifest.read(model, TASKS).model_version.endswith("+abababababab")


def test_engine_and_what_was_measured_may_stand_in_it(model: Path):
    changed_manifest(model, engine="onnx", measured=MEASURED)
    manifest = Manifest.read(model, TASKS)
    assert manifest.engine == "onnx"
    assert manifest.measured is not None
    assert manifest.measured.model_dump(exclude_none=True) == MEASURED


def test_without_them_the_engine_is_onnx_and_nothing_is_measured(model: Path):
    changed_manifest(model, engine=None, measured=None)
    manifest = Manifest.read(model, TASKS)
    assert (manifest.engine, manifest.measured) == ("onnx", None)


def test_what_its_makers_note_may_stand_in_it(model: Path):
    noted: Any = {"trained_by": ["us"], "when": 2026}
    changed_manifest(
        model, metadata=noted, conversion=noted, tried=noted, measured=MEASURED | {"machine": "a laptop"}
    )
    assert Manifest.read(model, TASKS).name == "sms-spam"


FILES = json.loads((BUNDLED_MODEL / "manifest.json").read_text())["files"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"max_token": 12}, "max_token: is no key of a manifest; did you mean 'max_tokens'?"),
        ({"Labels": ["a", "b"]}, "Labels: is no key of a manifest; did you mean 'labels'?"),
        ({"pooling": "cls"}, "pooling: is no key of a manifest; allowed are conversion, engine, examples, "),
        (
            {"measured": MEASURED | {"load_second": 1}},
            "measured.load_second: is no key of a manifest; did you mean 'load_seconds'?",
        ),
        (
            {"files": FILES | {"a.json": {"sha265": "0" * 64, "sha256": "0" * 64, "bytes": 1}}},
            "files.a.json.sha265: is no key of a manifest; did you mean 'sha256'?",
        ),
    ],
    ids=["misspelt", "another case", "of another task", "of what was measured", "of a file"],
)
def test_a_key_that_nothing_reads_is_refused_with_the_nearest_that_something_does(
    model: Path, changes: dict[str, Any], told: str
):
    changed_manifest(model, **changes)
    with pytest.raises(BadModel, match=re.escape(told)):
        Manifest.read(model, TASKS)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"max_tokens": 10**18}, "max_tokens: Input should be less than or equal to 1048576"),
        ({"max_tokens": "512"}, "max_tokens: Input should be a valid integer"),
        ({"max_tokens": True}, "max_tokens: Input should be a valid integer"),
        ({"max_tokens": 511.5}, "max_tokens: Input should be a valid integer"),
        ({"heads": 10**9}, "heads: Input should be less than or equal to"),
        ({"labels": ["ham", "spam", "ham"]}, "labels: 'ham' occurs more than once"),
        ({"labels": ["", "spam"]}, "labels.0: String should have at least 1 character"),
        (
            {"files": FILES | {"a.json": {"sha256": "0" * 64, "bytes": "1"}}},
            "files.a.json.bytes: Input should be",
        ),
    ],
    ids=["huge", "a text", "true", "half a token", "heads", "a label twice", "no label", "bytes as text"],
)
def test_a_number_or_name_that_no_model_has_is_refused(model: Path, changes: dict[str, Any], told: str):
    changed_manifest(model, **changes)
    with pytest.raises(BadModel, match=re.escape(told)):
        Manifest.read(model, TASKS)


def test_a_manifest_with_thousands_of_faults_is_told_in_few_words(model: Path):
    changed_manifest(model, **{f"key-{number}": number for number in range(5000)})
    with pytest.raises(BadModel, match="and 4990 more") as refused:
        Manifest.read(model, TASKS)
    assert len(str(refused.value)) < 5000


def test_a_manifest_of_a_megabyte_and_more_is_not_read(model: Path):
    changed_manifest(model, metadata="x" * (1 << 20))
    with pytest.raises(BadModel, match="has more than 1048576 bytes"):
        Manifest.read(model, TASKS)


def test_a_missing_file_is_named(model: Path):
    (model / "tokenizer.json").unlink()
    with pytest.raises(BadModel, match=r"tokenizer\.json cannot be read: No such file"):
        Manifest.read(model, TASKS).check_files(model)


def test_a_file_cut_short_is_named_with_both_sizes(model: Path):
    content = (model / "model.onnx").read_bytes()
    (model / "model.onnx").write_bytes(content[:-1])
    with pytest.raises(BadModel, match=f"has {len(content) - 1} bytes; manifest.json says {len(content)}"):
        Manifest.read(model, TASKS).check_files(model)


def test_a_file_with_one_changed_byte_is_named(model: Path):
    content = bytearray((model / "model.onnx").read_bytes())
    content[-1] ^= 1
    (model / "model.onnx").write_bytes(content)
    with pytest.raises(BadModel, match=r"model\.onnx has sha256 .*; manifest\.json says"):
        Manifest.read(model, TASKS).check_files(model)


def test_a_folder_that_is_not_there_is_not_found(tmp_path: Path):
    with pytest.raises(ModelNotFound, match="does not exist; MODEL_DIR must name"):
        Manifest.read(tmp_path / "absent", TASKS)


def test_what_was_measured_may_have_the_older_name_of_its_memory(model: Path):
    measured = {"memory_mb": 67, "load_seconds": 0.5, "texts_per_second": 900}
    changed_manifest(model, measured=measured)
    found = Manifest.read(model, TASKS).measured
    assert found is not None
    assert found.memory_mib == 67
