"""The whole run, from data file to model folder. Nothing reaches the folder before every check has passed."""

import hashlib
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from .answers import require_same_answers
from .card import Metrics, model_card
from .corpus import tokenised_corpus
from .dataset import LABELS, Dataset, read_dataset
from .export import ExportError, export_fused, quantize
from .measurement import measured
from .network import trained_network
from .recipe import Recipe

MODEL, TOKENIZER = "model.onnx", "tokenizer.json"
FILES = (MODEL, TOKENIZER, "manifest.json", "metrics.json", "README.md")
MAX_BYTES = 3_000_000
MAX_F1_LOSS = 0.002
# Texts to try, spam and ham by turns, as people write them.
EXAMPLES = (
    "WINNER!! You have won a 1000 cash prize. Call 09061701461 now to claim.",
    "Are we still on for lunch tomorrow?",
    'FREE entry in our weekly draw!\nText "WIN" to 80082 now.\nIt\'s £1.50 per msg',
    "I'm running late, don't wait for me. See you at gate 4 at 18:30",
)


def train_model(data: Path, out: Path, recipe: Recipe) -> Metrics:
    """Train the model and write its folder. Raises DataFileError or ExportError, leaving `out` unchanged."""
    dataset = read_dataset(data)
    _require_replaceable(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    # Next to `out`, because a rename is atomic only within one file system.
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        metrics = _fill(made, dataset, recipe, fused=Path(scratch) / "fused.onnx")
        if out.exists():
            out.rename(Path(scratch) / "replaced")
        made.rename(out)
    return metrics


def _require_replaceable(out: Path) -> None:
    foreign = sorted(path.name for path in out.iterdir() if path.name not in FILES) if out.is_dir() else []
    if foreign or (out.exists() and not out.is_dir()):
        found = f"holds {', '.join(foreign)}" if foreign else "is a file"
        raise ExportError(f"--out is {out}, which {found}; expected a new folder or an earlier model's")


def _fill(folder: Path, dataset: Dataset, recipe: Recipe, fused: Path) -> Metrics:
    corpus = tokenised_corpus(dataset.messages, recipe)
    files = [folder / MODEL, folder / TOKENIZER]
    corpus.tokenizer.save(str(folder / TOKENIZER))
    network = trained_network(corpus.parts.train, corpus.parts.validation, recipe)
    export_fused(network, fused)
    quantize(fused, folder / MODEL, recipe.layers)
    require_same_answers(network, fused, folder / MODEL, corpus.parts.validation.tokens)
    parameters = sum(weights.numel() for weights in network.parameters())
    metrics = measured(dataset, corpus, parameters, fused, files, recipe)
    _require_small(metrics)
    _require_true_to_fp32(metrics)
    _write_json(folder / "metrics.json", metrics)
    _write_json(folder / "manifest.json", _manifest(files, recipe))
    (folder / "README.md").write_text(model_card(metrics), encoding="utf-8")
    return metrics


def _require_small(metrics: Metrics) -> None:
    total = sum(metrics["file_bytes"].values())
    if total > MAX_BYTES:
        raise ExportError(f"{MODEL} and {TOKENIZER} take {total:,} bytes; allowed are {MAX_BYTES:,}")


def _require_true_to_fp32(metrics: Metrics) -> None:
    fp32, int8 = (metrics[precision]["rates"]["f1"]["value"] for precision in ("fp32", "int8"))
    if fp32 - int8 > MAX_F1_LOSS:
        raise ExportError(f"F1 on test is {int8:.4f} in int8, {fp32:.4f} in fp32; it may lose {MAX_F1_LOSS}")


def _manifest(files: list[Path], recipe: Recipe) -> dict[str, object]:
    """Return the content of manifest.json: the model's task, labels, limits and files."""
    return {
        "name": "sms-spam",
        "version": "1.0.0",
        "task": "classify",
        "labels": list(LABELS),
        "examples": list(EXAMPLES),
        "max_tokens": recipe.max_tokens,
        "license": "Apache-2.0",
        "precision": "int8",
        "heads": recipe.heads,
        "files": {
            path.name: {
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "bytes": path.stat().st_size,
            }
            for path in files
        },
    }


def _write_json(path: Path, content: Mapping[str, object]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
