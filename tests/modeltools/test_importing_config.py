from pathlib import Path
from typing import Any

import pytest

from slipway.modeltools.importing.card import license_of
from slipway.modeltools.importing.config import Classifier, max_tokens
from slipway.service.faults import BadModel

CONFIG = {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "no", "1": "yes"}}


def classifier(**changes: Any) -> Classifier:
    return Classifier.of("hf:acme/spam", CONFIG | changes, {})


def refusal(**changes: Any) -> str:
    with pytest.raises(BadModel) as refused:
        classifier(**changes)
    return str(refused.value)


def test_the_labels_are_in_the_order_of_their_numbers() -> None:
    labels = {str(number): f"label {number}" for number in reversed(range(12))}
    assert classifier(id2label=labels).labels == tuple(f"label {number}" for number in range(12))


def test_labels_without_a_name_get_the_names_that_transformers_gives_them() -> None:
    assert classifier(id2label=None).labels == ("LABEL_0", "LABEL_1")
    assert classifier(id2label=None, num_labels=3).labels == ("LABEL_0", "LABEL_1", "LABEL_2")


@pytest.mark.parametrize(
    ("key", "stored", "half"),
    [
        ("dtype", "float32", False),
        ("dtype", "bfloat16", True),
        ("torch_dtype", "float16", True),
        ("torch_dtype", "torch.float16", True),
        ("dtype", None, False),
    ],
)
def test_it_is_known_whether_the_weights_have_16_bits(key: str, stored: str | None, half: bool) -> None:
    assert classifier(**{key: stored}).half is half


@pytest.mark.parametrize(
    ("architectures", "told"),
    [
        (["BertForMaskedLM"], "BertForMaskedLM"),
        (["T5ForConditionalGeneration"], "T5ForConditionalGeneration"),
        (["BertModel"], "BertModel"),
        (["BertForTokenClassification"], "BertForTokenClassification"),
        ([], "nothing"),
        (None, "nothing"),
        ("BertForSequenceClassification", "nothing"),
        (
            ["BertForSequenceClassification", "BertForMaskedLM"],
            "BertForSequenceClassification, BertForMaskedLM",
        ),
    ],
)
def test_a_model_of_another_task_is_refused_by_what_it_is(architectures: Any, told: str) -> None:
    message = refusal(architectures=architectures)
    assert f"the architecture is {told}; allowed is one for classification" in message
    assert "…ForSequenceClassification" in message


@pytest.mark.parametrize("place", ["config.json", "tokenizer_config.json"])
def test_code_of_the_repository_is_refused(place: str) -> None:
    remote = {"auto_map": {"AutoModelForSequenceClassification": "modeling.Model"}}
    config, tokenizer = (CONFIG | remote, {}) if place == "config.json" else (CONFIG, remote)
    with pytest.raises(BadModel, match=f"{place} has `auto_map`, which asks to run Python code"):
        Classifier.of("hf:acme/spam", config, tokenizer)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"problem_type": "multi_label_classification"}, "problem_type 'multi_label_classification'"),
        ({"problem_type": "regression"}, "problem_type 'regression'"),
        ({"id2label": {"0": "score"}}, "one label, as a regression has"),
        ({"id2label": None, "num_labels": 1}, "one label, as a regression has"),
    ],
)
def test_a_model_that_does_not_choose_one_label_is_refused(changes: dict[str, Any], told: str) -> None:
    message = refusal(**changes)
    assert told in message
    assert "allowed is a model that gives each text one of at least two labels" in message


@pytest.mark.parametrize(
    "labels",
    [
        {"0": "no", "2": "yes"},
        {"1": "no", "2": "yes"},
        {"a": "no"},
        ["no", "yes"],
        "no",
        {"0": "no", "00": "yes"},
    ],
)
def test_labels_that_are_not_numbered_from_zero_are_refused(labels: Any) -> None:
    assert "id2label in config.json is" in refusal(id2label=labels)


@pytest.mark.parametrize("labels", [{"0": "same", "1": "same"}, {"0": "", "1": "yes"}])
def test_labels_that_nobody_can_tell_apart_are_refused(labels: dict[str, str]) -> None:
    assert "each must be a name of its own" in refusal(id2label=labels)


@pytest.mark.parametrize(
    ("positions", "padding_index", "tokenizer_limit", "most"),
    [
        (512, None, 512, 512),
        (512, None, 128, 128),
        (512, None, 10**30, 512),
        (512, None, None, 512),
        (514, 1, 512, 512),
        (514, 1, 10**30, 512),
        (514, 0, None, 513),
        (None, None, 256, 256),
        (None, None, 10**30, None),
        (None, None, None, None),
        (-1, None, None, None),
    ],
)
def test_the_longest_text_is_what_positions_and_tokenizer_both_allow(
    positions: int | None, padding_index: int | None, tokenizer_limit: float | None, most: int | None
) -> None:
    assert max_tokens(positions, padding_index, tokenizer_limit) == most


@pytest.mark.parametrize(
    ("front_matter", "told"),
    [
        ("license: mit", "mit"),
        ("license: apache-2.0\ntags:\n- a", "apache-2.0"),
        ("license: [mit, cc-by-4.0]", "mit or cc-by-4.0"),
        ("license: other\nlicense_name: gemma", "gemma"),
        ("license: other", "other"),
        ("tags: [a]", "unknown"),
        ("license:", "unknown"),
        ("a: [", "unknown"),
        ("- license", "unknown"),
    ],
)
def test_the_licence_is_the_one_that_the_card_states(tmp_path: Path, front_matter: str, told: str) -> None:
    card = tmp_path / "README.md"
    card.write_text(f"---\n{front_matter}\n---\n# A model\nlicense: wtfpl\n")
    assert license_of(card) == told


def test_without_a_readable_card_the_licence_is_unknown(tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    card.write_bytes(b"---\nlicense: \xff\n---\n")
    assert (license_of(None), license_of(card)) == ("unknown", "unknown")
