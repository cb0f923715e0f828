"""Measures a trained model for `metrics.json`. Only this module reads the test part."""

from pathlib import Path

from tokenizers import Tokenizer

from .answers import spam_probabilities
from .card import PARTS, DataMetrics, Metrics, PartMetrics, Probe
from .corpus import Corpus, Part
from .dataset import Dataset
from .recipe import Recipe
from .scores import Evaluation, evaluation
from .split import Split

PROBES = (
    ("spam", "Would you like to see some pictures of me?"),
    ("spam", "Hi, this is Amy. You will get a free number in a few days, so we can talk"),
    ("spam", "Why do children fear the dark and teenagers never go to bed? More jokes every day"),
    ("spam", "Get 20% off all shoes this weekend only"),
    ("ham", "URGENT call me now!!! 07123456789"),
    ("ham", "You have 3 new voicemails. Dial 121 to listen"),
    ("ham", "Your order 55123 was shipped. Track it on www.example.com"),
    ("ham", "Only 2% solved this: 5+3+2=151022, 9+2+4=183652. What is 7+2+5?"),
)


def measured(
    dataset: Dataset, corpus: Corpus, parameters: int, fp32: Path, files: list[Path], recipe: Recipe
) -> Metrics:
    """Return the metrics of a run. fp32: the fused model. files: the int8 model, then its tokenizer."""
    int8, parts = files[0], corpus.parts
    return Metrics(
        data=_data_metrics(dataset, parts),
        split={name: _part_metrics(getattr(parts, name)) for name in PARTS},
        parameters=parameters,
        max_tokens=recipe.max_tokens,
        validation_f1=_evaluation(int8, parts.validation, recipe)["rates"]["f1"]["value"],
        fp32=_evaluation(fp32, parts.test, recipe),
        int8=_evaluation(int8, parts.test, recipe),
        probes=_probes(int8, corpus.tokenizer),
        file_bytes={path.name: path.stat().st_size for path in files},
    )


def _evaluation(model: Path, part: Part, recipe: Recipe) -> Evaluation:
    probabilities = spam_probabilities(model, part.tokens)
    return evaluation(probabilities, part.labels, part.groups, recipe.seed)


def _data_metrics(dataset: Dataset, parts: Split[Part]) -> DataMetrics:
    return DataMetrics(
        sha256=dataset.sha256,
        messages=dataset.lines,
        distinct_messages=len(dataset.messages),
        near_duplicate_groups=sum(len(set(getattr(parts, name).groups)) for name in PARTS),
    )


def _part_metrics(part: Part) -> PartMetrics:
    return PartMetrics(messages=len(part.texts), groups=len(set(part.groups)), spam=sum(part.labels))


def _probes(model: Path, tokenizer: Tokenizer) -> list[Probe]:
    probabilities = spam_probabilities(model, [tokenizer.encode(text).ids for _, text in PROBES])
    return [
        Probe(text=text, label=label, spam_probability=round(float(probability), 3))
        for (label, text), probability in zip(PROBES, probabilities, strict=True)
    ]
