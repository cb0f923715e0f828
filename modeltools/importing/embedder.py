"""Reads from sentence-transformers' files that a model embeds, and how it pools the tokens' vectors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self, cast

from slipway.service.faults import BadModel

from .config import architectures, is_half, refuse_code

MODULES, SENTENCE_CONFIG = "modules.json", "sentence_bert_config.json"
Pooling = Literal["mean", "cls"]
POOLINGS: tuple[Pooling, ...] = ("mean", "cls")
_MODES: dict[str, Pooling] = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}


@dataclass(frozen=True, slots=True)
class Embedder:
    task: ClassVar = "embed"

    architecture: str
    pooling: Pooling
    normalize: bool
    """Whether a vector's length is made 1."""
    half: bool
    limit: int | None = None
    """Fewer tokens than the network takes, where it was trained with fewer."""

    @property
    def manifest_keys(self) -> dict[str, Any]:
        return {"pooling": self.pooling, "normalize": self.normalize}

    @property
    def summary(self) -> str:
        """Return what the model produces, in a few words."""
        return f"embeddings ({self.pooling}{', normalised' if self.normalize else ''})"

    @classmethod
    def of(cls, place: str, described: Mapping[str, Any], pooling: str | None = None) -> Self:
        """Read the embedding model's configuration. Raises BadModel if Slipway does not serve it.

        described: the contents of the small files, by name. pooling: the caller's, if no file states it.
        """
        config = described["config.json"]
        refuse_code(place, config, described.get("tokenizer_config.json", {}))
        names = architectures(config)
        if len(names) != 1:
            raise BadModel(f"{place}: config.json says the architecture is {', '.join(names) or 'nothing'}.")
        said, normalize = _modules(place, described) if MODULES in described else (None, True)
        sentence: Mapping[str, Any] = described.get(SENTENCE_CONFIG, {})
        limit = sentence.get("max_seq_length")
        return cls(
            names[0],
            _pooling(place, said or pooling),
            normalize,
            is_half(config),
            limit if isinstance(limit, int) and limit > 0 else None,
        )


def pooling_file(modules: Any) -> str | None:
    """Return where modules.json says the configuration of the pooling is."""
    return next((f"{path}/config.json" for kind, path in _listed(modules) if kind == "Pooling"), None)


def _modules(place: str, described: Mapping[str, Any]) -> tuple[Pooling | None, bool]:
    kinds = [kind for kind, _ in _listed(described[MODULES])]
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        raise BadModel(
            f"{place}: {MODULES} has {', '.join(kinds) or 'nothing'}; allowed are Transformer, Pooling and, "
            "after them, Normalize."
        )
    file: Mapping[str, Any] = described.get(pooling_file(described[MODULES]) or "", {})
    named = str(file.get("pooling_mode", ""))
    modes = [name for name, on in file.items() if name.startswith("pooling_mode_") and on is True]
    if named in POOLINGS:
        return named, "Normalize" in kinds
    if len(modes) != 1 or modes[0] not in _MODES:
        raise BadModel(
            f"{place}: its pooling is {named or ', '.join(modes) or 'nothing'}; allowed is the mean of the "
            "tokens or the first token's vector (cls)."
        )
    return _MODES[modes[0]], "Normalize" in kinds


def _listed(modules: Any) -> list[tuple[str, str]]:
    """Return each module's class and folder."""
    listed = cast("list[Any]", modules) if isinstance(modules, list) else []
    entries = [cast("dict[str, Any]", entry) for entry in listed if isinstance(entry, dict)]
    return [(str(entry.get("type", "")).rpartition(".")[2], str(entry.get("path", ""))) for entry in entries]


def _pooling(place: str, pooling: str | None) -> Pooling:
    for each in POOLINGS:
        if pooling == each:
            return each
    raise BadModel(f"{place}: --pooling: got {pooling!r}; allowed: {', '.join(POOLINGS)}.")
