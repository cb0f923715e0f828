"""An ONNX export over texts becomes a model folder, or a sentence says what to do."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from onnx import TensorProto

from slipway.modeltools.adding.kind import kind_of
from slipway.modeltools.adding.options import Options
from slipway.modeltools.adding.report import Report, served
from slipway.modeltools.adding.texts import make
from slipway.service.faults import BadModel, BadSettings, StartFault
from tests.modeltools.onnx_exports import CONFIG, WORDS, export, probabilities, table, token_ids

TEXT = "the film was good"
PLAIN = ("input_ids", "attention_mask")


@pytest.fixture
def made(tmp_path: Path) -> Path:
    folder = tmp_path / "made" / "mine"
    folder.mkdir(parents=True)
    return folder


def added(source: Path, made: Path, **options: Any) -> Report:
    _, kind = kind_of(source)
    assert kind.environment == "server"
    return make(source, made, Options(**options))


def answer(folder: Path, text: str) -> dict[str, Any]:
    work = served(folder).operations[0].work(orjson.dumps({"text": text}), 0.0)
    work.step(0)
    return orjson.loads(work.result())


def manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text())


@pytest.mark.parametrize("kind", [TensorProto.INT64, TensorProto.INT32])
def test_an_export_with_token_type_ids_answers_as_its_numbers_say(
    tmp_path: Path, made: Path, kind: int
) -> None:
    added(export(tmp_path / "export", kind=kind), made)
    expected = probabilities(TEXT)
    got = answer(made, TEXT)
    assert got["label"] == ["negative", "neutral", "positive"][int(expected.argmax())]
    assert got["proba"] == pytest.approx(float(expected.max()), abs=1e-5)


def test_labels_length_and_heads_come_from_the_files_and_the_tokenizer_neither_pads_nor_cuts(
    tmp_path: Path, made: Path
) -> None:
    report = added(export(tmp_path / "export"), made)
    written = manifest(made)
    assert written["labels"] == ["negative", "neutral", "positive"]
    assert (written["name"], written["task"], written["max_tokens"]) == ("mine", "classify", 32)
    assert (written["heads"], written["precision"], written["license"]) == (2, "fp32", "unknown")
    tokenizer = json.loads((made / "tokenizer.json").read_text())
    assert tokenizer["padding"] is None
    assert tokenizer["truncation"] is None
    assert any("license" in line for line in report.assumed)


def test_a_file_and_a_folder_with_the_graph_below_it_are_taken_as_well(tmp_path: Path, made: Path) -> None:
    source = export(tmp_path / "export")
    (source / "onnx").mkdir()
    (source / "model.onnx").rename(source / "onnx" / "model.onnx")
    added(source, made)
    other = made.parent / "other"
    other.mkdir()
    added(source / "onnx" / "model.onnx", other)
    assert manifest(made)["files"] == manifest(other)["files"]


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_vectors_of_tokens_become_one_as_the_pooling_says(tmp_path: Path, made: Path, pooling: str) -> None:
    source = export(tmp_path / "export", output="last_hidden_state")
    added(source, made, pooling=pooling)
    rows = table()[token_ids(TEXT)]
    vector = rows.mean(axis=0) if pooling == "mean" else rows[0]
    got = answer(made, TEXT)["embedding"]
    assert got == pytest.approx((vector / np.linalg.norm(vector)).tolist(), abs=1e-5)


def test_the_pooling_is_read_from_the_files_of_sentence_transformers(tmp_path: Path, made: Path) -> None:
    source = export(tmp_path / "export", output="last_hidden_state")
    (source / "1_Pooling").mkdir()
    (source / "1_Pooling/config.json").write_text('{"pooling_mode_cls_token": true}')
    (source / "modules.json").write_text('[{"type": "sentence_transformers.models.Normalize"}]')
    (source / "sentence_bert_config.json").write_text('{"max_seq_length": 16}')
    added(source, made)
    written = manifest(made)
    assert (written["task"], written["pooling"], written["normalize"]) == ("embed", "cls", True)
    assert written["max_tokens"] == 16


def test_weights_next_to_the_graph_come_along(tmp_path: Path, made: Path) -> None:
    source = export(tmp_path / "export")
    _move_weights(source / "model.onnx", "model.onnx_data")
    added(source, made)
    assert "model.onnx_data" in manifest(made)["files"]
    assert answer(made, TEXT)["label"] in ("negative", "neutral", "positive")


def test_weights_with_the_name_of_a_pickle_are_refused_with_how_to_rename_them(
    tmp_path: Path, made: Path
) -> None:
    source = export(tmp_path / "export")
    _move_weights(source / "model.onnx", "weights.bin")
    said = refused(source, made)
    assert "keeps its weights in 'weights.bin'; a server takes a file of that name for a pickle" in said
    assert "location='model.onnx.data'" in said


def _move_weights(path: Path, name: str) -> None:
    import onnx

    any_onnx: Any = onnx
    model = any_onnx.load(path)
    any_onnx.save(model, path, save_as_external_data=True, location=name, size_threshold=100)


def test_given_texts_are_answered_and_counted(tmp_path: Path, made: Path) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("good film\n\nbad food\n")
    report = added(export(tmp_path / "export"), made, examples=texts)
    assert any("answers 2 texts" in line for line in report.found)


def refused(source: Path, made: Path, **options: Any) -> str:
    with pytest.raises(StartFault) as fault:
        added(source, made, **options)
    return str(fault.value)


def test_other_inputs_are_refused_with_those_that_are_expected(tmp_path: Path, made: Path) -> None:
    said = refused(export(tmp_path / "export", inputs=(*PLAIN, "position_ids")), made)
    assert "position_ids" in said
    assert "with or without token_type_ids" in said
    assert str(made) not in said


def test_weights_that_are_elsewhere_are_refused(tmp_path: Path, made: Path) -> None:
    source = export(tmp_path / "export")
    _move_weights(source / "model.onnx", "weights.data")
    (source / "weights.data").unlink()
    assert "keeps its weights in 'weights.data', which is not next to it" in refused(source, made)


def test_labels_that_do_not_match_the_outputs_are_refused(tmp_path: Path, made: Path) -> None:
    config = {**CONFIG, "id2label": {"0": "no", "1": "yes"}}
    said = refused(export(tmp_path / "export", config=config), made)
    assert "gives 3 logits" in said
    assert "names 2 labels" in said
    assert "--labels" in said


def test_a_tokenizer_larger_than_the_embedding_is_refused(tmp_path: Path, made: Path) -> None:
    said = refused(export(tmp_path / "export", rows=len(WORDS) - 2), made)
    assert f"tokenizer.json has {len(WORDS)} tokens" in said
    assert "two models" in said


def test_without_config_the_labels_are_asked_for_and_can_be_given(tmp_path: Path, made: Path) -> None:
    source = export(tmp_path / "export")
    (source / "config.json").unlink()
    assert "--labels negative,positive" in refused(source, made, max_tokens=32)
    other = made.parent / "other"
    other.mkdir()
    added(source, other, max_tokens=32, labels=("a", "b", "c"))
    assert manifest(other)["labels"] == ["a", "b", "c"]


def test_without_a_stated_length_or_pooling_the_option_is_named(tmp_path: Path, made: Path) -> None:
    unstated = {name: value for name, value in CONFIG.items() if name != "max_position_embeddings"}
    assert "--max-tokens 512" in refused(export(tmp_path / "a", config=unstated), made)
    other = made.parent / "other"
    other.mkdir()
    source = export(tmp_path / "b", output="last_hidden_state")
    assert "--task embed --pooling mean" in refused(source, other)


def test_another_task_than_that_of_the_outputs_is_refused(tmp_path: Path, made: Path) -> None:
    assert "--task: got 'embed'; allowed: 'classify'" in refused(
        export(tmp_path / "export"), made, task="embed"
    )


def test_outputs_of_no_task_are_refused_with_those_that_are_served(tmp_path: Path, made: Path) -> None:
    assert "--task" in refused(export(tmp_path / "export", output="start_positions"), made)


def test_a_git_lfs_pointer_is_refused_before_it_is_read(tmp_path: Path, made: Path) -> None:
    source = export(tmp_path / "export")
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n"
    (source / "model.onnx").write_text(pointer)
    assert "Git LFS pointer" in refused(source, made)
    (source / "model.onnx").unlink()
    (source / "model.safetensors").write_text(pointer)
    with pytest.raises(BadModel, match=r"model.safetensors is a Git LFS pointer.*git lfs pull"):
        kind_of(source)


def test_a_folder_with_nothing_known_is_refused_with_the_kinds_that_are(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("none")
    with pytest.raises(BadModel, match=r"holds notes\.md\. Known are .*hf:.*tokenizer\.json.*\.joblib"):
        kind_of(tmp_path)
    with pytest.raises(BadSettings, match="is no file or folder here"):
        kind_of(tmp_path / "nowhere")


def test_a_graph_without_a_tokenizer_is_refused(tmp_path: Path, made: Path) -> None:
    source = export(tmp_path / "export")
    (source / "tokenizer.json").unlink()
    assert "holds no tokenizer.json" in refused(source, made)
