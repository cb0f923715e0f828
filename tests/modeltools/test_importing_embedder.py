"""What sentence-transformers' files say of a model, and a model that lies in a folder."""

import json
from pathlib import Path
from typing import Any

import pytest

from slipway.modeltools.importing.config import Classifier
from slipway.modeltools.importing.embedder import Embedder, pooling_file
from slipway.modeltools.importing.folder import write_manifest
from slipway.modeltools.importing.heads import head_of
from slipway.modeltools.importing.local import LocalFolder
from slipway.modeltools.importing.plan import plan_local_import
from slipway.service.faults import BadModel, BadSettings
from slipway.service.tasks import TASKS
from slipway.service.tasks.embed import EmbedManifest
from tests.modeltools.hub_fixtures import model_files

CONFIG = {"architectures": ["BertModel"]}
POOLING = {"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}


def modules(*kinds: str, package: str = "sentence_transformers.models") -> list[dict[str, Any]]:
    return [
        {"idx": place, "path": f"{place}_{kind}" if place else "", "type": f"{package}.{kind}"}
        for place, kind in enumerate(kinds)
    ]


def described(pooling: dict[str, Any] | None = None, *kinds: str, **more: Any) -> dict[str, Any]:
    kinds = kinds or ("Transformer", "Pooling", "Normalize")
    files = {"config.json": CONFIG, "modules.json": modules(*kinds)}
    return files | {"1_Pooling/config.json": pooling or POOLING} | more


def embedder(pooling: dict[str, Any] | None = None, *kinds: str, **more: Any) -> Embedder:
    head = head_of("hf:acme/vectors", described(pooling, *kinds, **more))
    assert isinstance(head, Embedder)
    return head


@pytest.mark.parametrize(
    ("pooling", "found"),
    [
        (POOLING, "mean"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode": "mean"}, "mean"),
        ({"pooling_mode": "cls"}, "cls"),
    ],
)
def test_the_pooling_is_what_its_file_says(pooling: dict[str, Any], found: str) -> None:
    assert embedder(pooling).pooling == found


def test_vectors_are_normalised_where_the_modules_say_so() -> None:
    assert embedder().normalize
    assert not embedder(None, "Transformer", "Pooling").normalize


def test_the_longest_text_it_was_trained_with_is_its_limit() -> None:
    assert embedder(**{"sentence_bert_config.json": {"max_seq_length": 256}}).limit == 256
    assert embedder().limit is None


@pytest.mark.parametrize(
    ("pooling", "kinds", "told"),
    [
        (
            {"pooling_mode_max_tokens": True},
            (),
            "its pooling is pooling_mode_max_tokens; allowed is the mean",
        ),
        ({"pooling_mode": "lasttoken"}, (), "its pooling is lasttoken"),
        (
            POOLING | {"pooling_mode_cls_token": True},
            (),
            "its pooling is pooling_mode_cls_token, pooling_mode",
        ),
        (None, ("Transformer", "Pooling", "Dense"), "has Transformer, Pooling, Dense; allowed are"),
        (None, ("WordEmbeddings",), "has WordEmbeddings; allowed are"),
    ],
)
def test_what_is_not_served_is_refused(
    pooling: dict[str, Any] | None, kinds: tuple[str, ...], told: str
) -> None:
    with pytest.raises(BadModel, match=told):
        head_of("hf:acme/vectors", described(pooling, *kinds))


def test_without_modules_it_embeds_only_where_the_pooling_is_given() -> None:
    head = head_of("hf:acme/bert", {"config.json": CONFIG}, "cls")
    assert isinstance(head, Embedder)
    assert (head.pooling, head.normalize) == ("cls", True)
    with pytest.raises(BadModel, match=r"the architecture is BertModel; allowed is .* with modules\.json"):
        head_of("hf:acme/bert", {"config.json": CONFIG})


def test_a_classifier_stays_one() -> None:
    config = {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "a", "1": "b"}}
    assert isinstance(head_of("hf:acme/spam", described(**{"config.json": config})), Classifier)


def test_code_of_the_repository_is_not_run() -> None:
    with pytest.raises(BadModel, match="auto_map"):
        embedder(**{"config.json": CONFIG | {"auto_map": {"AutoModel": "evil.Model"}}})


def test_where_the_pooling_is_described_is_told_by_the_modules() -> None:
    assert pooling_file(modules("Transformer", "Pooling")) == "1_Pooling/config.json"
    assert pooling_file(None) is None


def saved(folder: Path, **files: Any) -> Path:
    folder.mkdir()
    for name, content in (model_files(architectures=["BertModel"]) | files).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def sentence_files() -> dict[str, bytes]:
    files = {"modules.json": modules("Transformer", "Pooling"), "1_Pooling/config.json": POOLING}
    return {name: json.dumps(content).encode() for name, content in files.items()}


def test_a_folder_is_planned_as_a_repository_is(tmp_path: Path) -> None:
    folder = saved(tmp_path / "saved", **sentence_files())
    plan = plan_local_import(LocalFolder.of(folder, tmp_path / "my vectors"))
    assert (plan.head.task, plan.license) == ("embed", "apache-2.0")
    assert set(plan.files) == {
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "model.safetensors",
    }


def test_the_manifest_is_named_for_the_new_folder_and_tells_no_path(tmp_path: Path) -> None:
    folder = saved(tmp_path / "saved", **sentence_files())
    plan = plan_local_import(LocalFolder.of(folder, tmp_path / "my vectors"))
    made = tmp_path / "my vectors"
    made.mkdir()
    for name in ("model.onnx", "tokenizer.json"):
        (made / name).write_bytes(b"{}")
    write_manifest(made, plan, {"max_tokens": 64, "precision": "int8"})
    manifest = EmbedManifest.read(made, TASKS)
    assert (manifest.name, manifest.version, manifest.pooling) == ("my-vectors", "1.0.0", "mean")
    assert not manifest.normalize
    assert str(tmp_path) not in (made / "manifest.json").read_text()


def test_a_folder_that_lacks_a_file_or_is_none_is_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path / "saved")
    (folder / "model.safetensors").unlink()
    with pytest.raises(BadModel, match=r"has no model\.safetensors"):
        plan_local_import(LocalFolder.of(folder, tmp_path / "out"))
    with pytest.raises(BadSettings, match="is not a folder here"):
        LocalFolder.of(tmp_path / "nowhere", tmp_path / "out")
