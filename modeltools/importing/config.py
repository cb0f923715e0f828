"""Reads from config.json whether a model is a classifier that Slipway serves, and its labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, cast

from slipway.service.faults import BadModel

KIND = "ForSequenceClassification"
_HALF = ("float16", "bfloat16")
# transformers' own default where a configuration gives neither labels nor their number.
_DEFAULT_LABELS = 2
# Tokenizers without a limit of their own say 10^30.
_NO_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Classifier:
    task: ClassVar = "classify"
    limit: ClassVar[int | None] = None

    architecture: str
    labels: tuple[str, ...]
    half: bool
    """The weights are stored with 16 bits."""

    @property
    def manifest_keys(self) -> dict[str, Any]:
        return {"labels": list(self.labels)}

    @property
    def summary(self) -> str:
        """Return the model's labels in a few words."""
        shown = ", ".join(self.labels[:10]) + (", …" if len(self.labels) > 10 else "")
        return f"{len(self.labels)} labels ({shown})"

    @classmethod
    def of(cls, place: str, config: Mapping[str, Any], tokenizer: Mapping[str, Any]) -> Self:
        """Read the classifier's configuration. Raises BadModel if Slipway does not serve it.

        config, tokenizer: config.json and tokenizer_config.json. place: the model's address, for messages.
        """
        refuse_code(place, config, tokenizer)
        return cls(_architecture(place, config), _labels(place, config), is_half(config))


def refuse_code(place: str, config: Mapping[str, Any], tokenizer: Mapping[str, Any]) -> None:
    """Raise BadModel for a model that brings Python of its own."""
    for name, content in (("config.json", config), ("tokenizer_config.json", tokenizer)):
        if content.get("auto_map"):
            raise BadModel(
                f"{place}: {name} has `auto_map`, which asks to run Python code of the repository. "
                "Slipway runs none: choose a model of an architecture that transformers itself has."
            )


def is_half(config: Mapping[str, Any]) -> bool:
    """Return whether the weights are stored with 16 bits."""
    return str(config.get("dtype", config.get("torch_dtype", ""))).removeprefix("torch.") in _HALF


def architectures(config: Mapping[str, Any]) -> list[str]:
    found = config.get("architectures")
    return [str(name) for name in cast("list[Any]", found)] if isinstance(found, list) else []


def max_tokens(positions: int | None, padding_index: int | None, tokenizer_limit: float | None) -> int | None:
    """Return the maximum tokens of a model, special ones included; None if no file states a limit.

    positions: rows of its position embedding. padding_index: RoBERTa and similar models count positions from
    the row after this one, so the rows up to it are not for tokens; None elsewhere. tokenizer_limit: its
    model_max_length.
    """
    limits: list[int] = []
    if positions is not None and positions > 0:
        limits.append(positions if padding_index is None else positions - padding_index - 1)
    if tokenizer_limit is not None and 0 < tokenizer_limit < _NO_LIMIT:
        limits.append(int(tokenizer_limit))
    return min(limits, default=None)


def _architecture(place: str, config: Mapping[str, Any]) -> str:
    names = architectures(config)
    if len(names) != 1 or not names[0].endswith(KIND):
        got = ", ".join(names) or "nothing"
        raise BadModel(
            f"{place}: config.json says the architecture is {got}; allowed is one for classification, "
            f"…{KIND}, an embedding model as sentence-transformers saves it, with modules.json, or one that "
            "writes text: …ForCausalLM, or an encoder-decoder such as T5. Fine-tune the model for it, or "
            "choose another."
        )
    return names[0]


def _labels(place: str, config: Mapping[str, Any]) -> tuple[str, ...]:
    labels = _listed_labels(place, config.get("id2label"), config.get("num_labels", _DEFAULT_LABELS))
    kind = config.get("problem_type")
    if kind in ("regression", "multi_label_classification") or len(labels) == 1:
        got = f"problem_type {kind!r}" if kind else "one label, as a regression has"
        raise BadModel(
            f"{place}: config.json has {got}; allowed is a model that gives each text one of at least two "
            "labels."
        )
    if len(set(labels)) < len(labels) or not all(labels):
        raise BadModel(
            f"{place}: config.json has the labels {list(labels)[:20]}; each must be a name of its own."
        )
    return labels


def _listed_labels(place: str, id2label: Any, count: Any) -> tuple[str, ...]:
    if not id2label and isinstance(count, int) and 1 <= count <= 100_000:
        return tuple(f"LABEL_{index}" for index in range(count))
    labels = cast("dict[str, Any]", id2label) if isinstance(id2label, dict) else {}
    numbers = [str(index) for index in range(len(labels))]
    if not labels or sorted(labels) != sorted(numbers):
        raise BadModel(
            f"{place}: id2label in config.json is {str(cast(object, id2label))[:200]}; expected an object "
            'that gives "0", "1", … each a name.'
        )
    return tuple(str(labels[number]) for number in numbers)
