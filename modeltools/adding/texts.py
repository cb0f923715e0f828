"""Makes a model folder of an ONNX export over texts: copied as it is, described, and tried as served."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from tokenizers import Tokenizer

from slipway.service.backends.onnx import TEXT_VECTOR, TOKEN_VECTORS, OnnxModel
from slipway.service.backends.onnx_graph import OnnxGraph, read_graph
from slipway.service.faults import BadModel, BadSettings
from slipway.service.manifest import CONFIG_FILE, MODEL_FILE, PICKLES, TOKENIZER_FILE

from ..importing.card import UNKNOWN, license_of
from ..importing.config import Classifier, max_tokens
from ..importing.embedder import POOLINGS
from ..importing.texts import texts
from .onnx_files import MODULES, POOLING_CONFIG, SENTENCE_CONFIG, TOKENIZER_CONFIG, TextFiles
from .options import Options
from .report import Report, served, write_manifest

TASKS = ("classify", "embed")
WEIGHTS_FILE = f"{MODEL_FILE}.data"
# They count positions from the row after the padding's: transformers, create_position_ids_from_input_ids.
_POSITIONS_AFTER_PADDING = ("roberta", "xlm-roberta", "camembert", "mpnet", "longformer", "xlm-roberta-xl")
_FEW_TOKENS = 8


def make(source: Path, made: Path, options: Options) -> Report:
    """Fill the folder `made`. Raises BadModel or BadSettings if the server could not serve it."""
    files = TextFiles.of(source)
    graph = _copied(files, made)
    model = OnnxModel(made / MODEL_FILE)
    task = _task(source, model, options)
    tokenizer = _tokenizer(files, made)
    keys = _labels(files, options) if task == "classify" else _pooling(files, model, options)
    tokens = _max_tokens(files, options)
    report = Report()
    license_ = license_of(card if (card := files.home / "README.md").is_file() else None)
    described = {"precision": graph.precision, "heads": _heads(files)}
    known = {name: value for name, value in described.items() if value is not None}
    write_manifest(made, {"task": task, **keys, "max_tokens": tokens, "license": license_, **known})
    _tell(report, model, task, keys, tokens, tokenizer, license_, (files.home / MODULES).is_file())
    _try(made, task, keys, tokenizer, tokens, options, report)
    return report


def _copied(files: TextFiles, made: Path) -> OnnxGraph:
    """Copy the graph, and the files next to it in which it keeps weights."""
    graph = read_graph(files.graph.parent, files.graph.name)
    for name in sorted(graph.external_files):
        beside = files.graph.parent / name
        if "/" in name or not beside.is_file():
            raise BadModel(
                f"{files.graph} keeps its weights in {name[:200]!r}, which is not next to it. Put that file "
                "there, or save the model again as one file: onnx.save(onnx.load(…), …)."
            )
        if name.endswith(PICKLES):
            raise BadModel(
                f"{files.graph} keeps its weights in {name[:200]!r}; a server takes a file of that name "
                f"for a pickle, which runs code. Save it with another: onnx.save(onnx.load({MODEL_FILE!r}), "
                f"{MODEL_FILE!r}, save_as_external_data=True, location={WEIGHTS_FILE!r})."
            )
        shutil.copyfile(beside, made / name)
    shutil.copyfile(files.graph, made / MODEL_FILE)
    return graph


def _task(source: Path, model: OnnxModel, options: Options) -> str:
    """Return what the outputs are for. Raises BadModel, or BadSettings if the caller asks for another."""
    port = model.outputs.get("logits")
    if port is not None and len(port.shape) == 2:
        found = "classify"
    elif {"emb", TEXT_VECTOR, *TOKEN_VECTORS} & model.outputs.keys():
        found = "embed"
    else:
        shown = ", ".join(f"{name} {list(port.shape)}" for name, port in model.outputs.items())
        raise BadModel(
            f"{source} outputs {shown}; served are classifiers, with logits [batch, labels] (--task "
            f"classify), and embeddings, with {TEXT_VECTOR} [batch, width] or {TOKEN_VECTORS[0]} [batch, "
            "tokens, width] (--task embed). Export it for one of these, such as with `optimum-cli export "
            "onnx --task text-classification`."
        )
    if options.task not in (None, found):
        raise BadSettings(f"--task: got {options.task!r}; allowed: {found!r}, as the outputs are for that.")
    return found


def _tokenizer(files: TextFiles, made: Path) -> Tokenizer:
    """Write tokenizer.json, which neither pads nor cuts: the server does that."""
    path = files.home / TOKENIZER_FILE
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises plain Exception
        raise BadModel(f"{path} cannot be loaded: {str(error)[:300]}") from None
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.save(str(made / TOKENIZER_FILE))
    return tokenizer


def _labels(files: TextFiles, options: Options) -> dict[str, Any]:
    if options.labels:
        return {"labels": list(options.labels)}
    config = files.described(CONFIG_FILE)
    if not config:
        raise BadSettings(
            f"{files.home} has no {CONFIG_FILE}, whose id2label names the labels. Give them in the order of "
            "the logits: --labels negative,positive."
        )
    place = str(files.home)
    named = {"architectures": ["ForSequenceClassification"], **config}
    return Classifier.of(place, named, files.described(TOKENIZER_CONFIG)).manifest_keys


def _pooling(files: TextFiles, model: OnnxModel, options: Options) -> dict[str, Any]:
    """Return how one vector is made of the tokens'; nothing where the graph does it."""
    if "emb" in model.outputs:
        return {}
    normalize = not (files.home / MODULES).is_file() or b"Normalize" in (files.home / MODULES).read_bytes()
    if TEXT_VECTOR in model.outputs:
        return {"normalize": normalize}
    stated = files.described(POOLING_CONFIG)
    modes = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
    found = [pooling for mode, pooling in modes.items() if stated.get(mode) is True]
    pooling = options.pooling or (found[0] if len(found) == 1 else stated.get("pooling_mode"))
    if pooling not in POOLINGS:
        raise BadSettings(
            f"{files.home} gives a vector for each token, and no {POOLING_CONFIG} says how they become one. "
            "Say for which task it is and how: --task embed --pooling mean, or --pooling cls."
        )
    return {"pooling": pooling, "normalize": normalize}


def _max_tokens(files: TextFiles, options: Options) -> int:
    config, tokenizer = files.described(CONFIG_FILE), files.described(TOKENIZER_CONFIG)
    after = config.get("model_type") in _POSITIONS_AFTER_PADDING
    padding = config.get("pad_token_id", 1) if after else None
    longest = max_tokens(config.get("max_position_embeddings"), padding, tokenizer.get("model_max_length"))
    limit = files.described(SENTENCE_CONFIG).get("max_seq_length")
    limits = [number for number in (longest, limit) if isinstance(number, int) and number > 0]
    if options.max_tokens is None and not limits:
        raise BadSettings(f"{files.home} states no longest text; give one, for example --max-tokens 512.")
    most = min(limits, default=options.max_tokens or 0)
    if options.max_tokens is not None and options.max_tokens > most:
        raise BadSettings(f"--max-tokens: got {options.max_tokens}; {files.home} takes at most {most}.")
    return options.max_tokens or most


def _heads(files: TextFiles) -> int | None:
    heads = files.described(CONFIG_FILE).get("num_attention_heads")
    return heads if isinstance(heads, int) and heads > 0 else None


def _tell(
    report: Report,
    model: OnnxModel,
    task: str,
    keys: Mapping[str, Any],
    tokens: int,
    tokenizer: Tokenizer,
    license_: str,
    has_modules: bool,
) -> None:
    report.found.append(f"inputs {', '.join(model.inputs)}; outputs {', '.join(model.outputs)}")
    report.found.append(f"task {task}, {_said(keys)}, at most {tokens} tokens")
    if license_ == UNKNOWN:
        report.assumed.append("license unknown: the folder has no README.md that states one")
    if keys.get("normalize") and not has_modules:
        report.assumed.append(
            f"vectors get the length 1, as there is no {MODULES}: `normalize` in manifest.json"
        )
    if tokenizer.num_special_tokens_to_add(is_pair=False) == 0:
        report.assumed.append("the model needs no special tokens, as tokenizer.json adds none")


def _said(keys: Mapping[str, Any]) -> str:
    if "labels" in keys:
        return f"{len(keys['labels'])} labels ({', '.join(keys['labels'][:10])})"
    pooling = f"pooling {keys['pooling']}" if "pooling" in keys else "pooled in the graph"
    return f"{pooling}, normalised" if keys.get("normalize") else pooling


def _try(
    made: Path,
    task: str,
    keys: Mapping[str, Any],
    tokenizer: Tokenizer,
    tokens: int,
    options: Options,
    report: Report,
) -> None:
    """Serve the model in this process, and request an answer to each text."""
    _require_labels(made, keys)
    _require_rows(made, tokenizer)
    work_of = served(made).operations[0].work
    tried = _examples(options.examples) if options.examples else texts(min(tokens, _FEW_TOKENS))
    for text in tried:
        work = work_of(orjson.dumps({"text": text, "truncate": True}), 0.0)
        for step in range(work.size):
            work.step(step)
        answer = orjson.loads(work.result())
        if task == "classify" and text is tried[0]:
            report.found.append(f"it answers {text[:60]!r} with {answer['label']} ({answer['proba']:.3f})")
    report.found.append(f"served as it is, not converted; it answers {len(tried)} texts")


def _require_labels(made: Path, keys: Mapping[str, Any]) -> None:
    model = OnnxModel(made / MODEL_FILE)
    labels, width = keys.get("labels"), model.outputs.get("logits")
    if labels and width is not None and width.shape[1] not in (None, len(labels)):
        raise BadModel(
            f"the graph gives {width.shape[1]} logits; config.json or --labels names {len(labels)} labels. "
            "Take the config.json that was saved with the graph, or give the labels in the order of the "
            "logits: --labels negative,positive."
        )


def _require_rows(made: Path, tokenizer: Tokenizer) -> None:
    """Raise BadModel if the graph does not know the highest token, also an added one."""
    import numpy as np

    model = OnnxModel(made / MODEL_FILE)
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    token, highest = max(vocabulary.items(), key=lambda item: item[1], default=("", 0))
    types = {"tensor(int32)": np.int32, "tensor(int64)": np.int64}
    if any(port.type not in types for port in model.inputs.values()):
        return  # the server's own words say more of other inputs
    feed = {name: np.zeros((1, 1), types[port.type]) for name, port in model.inputs.items()}
    feed = {name: value + (name == "attention_mask") for name, value in feed.items()}
    if "input_ids" not in feed:
        return
    feed["input_ids"] += feed["input_ids"].dtype.type(highest)
    try:
        model.run(list(model.outputs), feed)
    except Exception as error:  # its error classes share no base that is public
        raise BadModel(
            f"tokenizer.json has {len(vocabulary)} tokens, up to {token!r} ({highest}); the graph fails on "
            f"that: {str(error).strip()[:200]}. They are of two models, or the embedding was not resized: "
            "take the tokenizer that was saved with the model."
        ) from None


def _examples(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise BadSettings(f"--examples: {path} cannot be read: {str(error)[:200]}.") from None
    found = [line for line in lines if line.strip()][:1000]
    if not found:
        raise BadSettings(f"--examples: {path} is empty; expected one text per line.")
    return found
