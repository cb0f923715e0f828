"""`slipway model add`: makes a checked model folder of what a person has, whole or not at all.

What a source is and how it becomes a model is modeltools' own, in processes of their own; this chooses the
environment, asks for consent, measures the model in the real server, and puts the folder in its place.
"""

import json
import re
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway.components.local.process import StartFailed
from slipway.components.model import model_folder, model_version
from slipway.infra.errors import Failed, Refused
from slipway.infra.model import fit
from slipway.infra.model.bucket_model import fetched_from_bucket
from slipway.infra.model.conversion_env import TABLES
from slipway.infra.model.import_model import imported
from slipway.infra.model.reference import counted, require_data, write_reference
from slipway.infra.model.table_conversion import converted, warning
from slipway.infra.model.torch_env import beside_torch, printed_by

MODELS = Path("models")
_MODULE = "slipway.modeltools.adding"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_ADDRESSES = ("hf:", "gs://", "s3://")
# As transformers calls them where nobody did.
_UNNAMED_LABEL = re.compile(r"LABEL_[0-9]+")
_TOKENS, _MEASURED_SECONDS = "16", 1.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class AddOptions:
    """What the caller says of the model; None, or nothing: as its files say.

    confirm: asks whether to open a pickle, with a warning; it returns the answer, or raises Refused.
    python: an interpreter with the library that wrote a pickle. examples: texts, or a table as CSV.
    reference: data like that of its use, as `slipway model reference` takes it.
    """

    confirm: Callable[[str], bool]
    task: str | None = None
    labels: str | None = None
    max_tokens: int | None = None
    pooling: str | None = None
    precision: str | None = None
    engine: str | None = None
    examples: Path | None = None
    python: Path | None = None
    reference: Path | None = None


@dataclass(frozen=True, slots=True)
class Added:
    """A model that was added. difference: the largest to the original's answers; None: not converted."""

    folder: Path
    manifest: dict[str, Any]
    found: list[str] = field(default_factory=list[str])
    assumed: list[str] = field(default_factory=list[str])
    difference: float | None = None
    tolerance: float | None = None


def added(source: str, name: str, options: AddOptions, say: Say) -> Added:
    """Make models/NAME. Raises Refused, Failed or ProgramFailed; nothing is left then."""
    folder = _free_folder(name)
    _require_files(options)
    known = _described(source, options)
    with _folder_in_making(folder) as (made, scratch):
        report = _made(source, known, made, scratch, options, say)
        _measure(made, say)
        if options.reference is not None:
            _refer(made, options.reference, say)
        manifest: dict[str, Any] = json.loads((made / "manifest.json").read_bytes())
        made.rename(folder)
    return Added(folder, manifest, **report)


def _free_folder(name: str) -> Path:
    plain = name.removeprefix(f"{MODELS}/")
    if not _NAME.fullmatch(plain):
        raise Refused(
            f"NAME is {name[:120]!r}; allowed are letters, digits, '.', '_' and '-', a letter or digit "
            f"first: the model becomes the folder {MODELS}/NAME."
        )
    folder = MODELS / plain
    if folder.exists() or folder.is_symlink():
        raise Refused(f"{folder} exists already. Choose another name, or delete it: rm -r {folder}.")
    return folder


def _require_files(options: AddOptions) -> None:
    if options.examples is not None and not options.examples.is_file():
        raise Refused(f"--examples is {options.examples}, which is no file here.")
    if options.reference is not None:
        require_data(options.reference, "--reference")
    if options.python is not None and not options.python.is_file():
        raise Refused(
            f"--python is {options.python}, which is no interpreter; give one such as .venv/bin/python."
        )


def _described(source: str, options: AddOptions) -> dict[str, Any]:
    arguments = ["describe", _path(source), *(["--any-version"] if options.python else [])]
    return json.loads(printed_by(_MODULE, arguments, {}))


def _made(
    source: str, known: dict[str, Any], made: Path, scratch: Path, options: AddOptions, say: Say
) -> dict[str, Any]:
    """Fill the folder and return the report on it: found, assumed, difference, tolerance."""
    match known["environment"]:
        case "torch":
            return _from_torch(source, made, options, say)
        case "tables":
            return _from_table(source, known, made, scratch, options, say)
        case "bucket":
            return _from_bucket(source, made, options, say)
        case _:
            _refuse_options(
                options, "an ONNX model is served as it is", precision=None, engine=None, python=None
            )
            say(f"Checking {source}")
            return _report(["text", _path(source), str(made), *_told(options)])


def _from_torch(source: str, made: Path, options: AddOptions, say: Say) -> dict[str, Any]:
    reason = "the model's own files say it"
    _refuse_options(options, reason, labels=None, python=None, examples=None)
    given = {
        "--task": options.task,
        "--engine": options.engine,
        "--precision": options.precision,
        "--max-tokens": options.max_tokens,
        "--pooling": options.pooling,
    }
    line = [part for name, value in given.items() if value is not None for part in (name, str(value))]
    manifest = imported(_path(source), made, line, say)
    return _import_report(manifest)


def _from_bucket(source: str, made: Path, options: AddOptions, say: Say) -> dict[str, Any]:
    unused = ("labels", "max_tokens", "pooling", "precision", "engine", "examples", "python")
    _refuse_options(options, "its manifest.json says it", **dict.fromkeys(unused))
    manifest = fetched_from_bucket(source, made, say).manifest
    if options.task not in (None, manifest["task"]):
        raise Refused(f"--task is {options.task}; allowed is {manifest['task']}, as its manifest.json says.")
    return {
        "found": [f"{model_version(manifest)}, task {manifest['task']}, fetched from {source}"],
        "assumed": [],
    }


def _from_table(
    source: str, known: dict[str, Any], made: Path, scratch: Path, options: AddOptions, say: Say
) -> dict[str, Any]:
    reason = "a table model has none"
    _refuse_options(options, reason, precision=None, engine=None, max_tokens=None, pooling=None)
    if known["runs_code"] and not options.confirm(warning(source)):
        raise Refused(f"{source} was not opened, and nothing was made.")
    python = options.python.absolute() if options.python else TABLES.require(say)
    out, home = scratch / "converted", scratch / "home"
    out.mkdir()
    home.mkdir()
    say(f"Converting {source}")
    examples = options.examples.resolve() if options.examples else None
    converted(python, known["kind"], Path(source).resolve(), out, home, examples)
    say("Comparing its answers with the original's")
    return _report(["table", str(out), str(made), *_told(options)])


def _report(arguments: Sequence[str]) -> dict[str, Any]:
    return json.loads(printed_by(_MODULE, arguments, {}))


def _import_report(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the report that the importer's manifest holds."""
    found: dict[str, Any] = manifest.get("conversion") or manifest.get("tried") or {}
    labels = manifest.get("labels")
    what = f", {len(labels)} labels ({', '.join(labels[:10])})" if labels else ""
    said = [
        f"{found.get('architecture', 'a model')}, task {manifest['task']}{what}, at most "
        f"{manifest['max_tokens']} tokens, {manifest.get('precision', 'fp32')} on {manifest['engine']}"
    ]
    if "texts_compared" in found:
        said.append(f"compared with the original on {found['texts_compared']} texts")
    if "divergence" in found:
        said.append(
            f"the probabilities of the next token diverge by {found['divergence']:.4f} nats, on "
            f"{found['drawn_tokens_compared']} tokens of answers that the original wrote"
        )
    if "answers_compared" in found:
        said.append(
            f"scored {found['answers_compared']} given answers, {found['tokens_compared']} tokens, as the "
            f"original does: a log-probability differs by {found['mean_logprob_difference']:.4f} on average"
        )
    if "min_cosine" in found:
        said.append(f"the cosine to the original's vectors is {found['min_cosine']} or more")
    assumed = ["license unknown: put it into manifest.json"] if manifest["license"] == "unknown" else []
    if labels and all(_UNNAMED_LABEL.fullmatch(label) for label in labels):
        assumed.append("the labels' names: put them into id2label of config.json, and add the model again")
    return {"found": said, "assumed": assumed, "difference": found.get("max_proba_difference")}


def _told(options: AddOptions) -> list[str]:
    given = {
        "--task": options.task,
        "--labels": options.labels,
        "--max-tokens": options.max_tokens,
        "--pooling": options.pooling,
        "--examples": options.examples.resolve() if options.examples else None,
    }
    return [f"{name}={value}" for name, value in given.items() if value is not None]


def _refuse_options(options: AddOptions, reason: str, **unused: None) -> None:
    for name in unused:
        if getattr(options, name) is not None:
            option = f"--{name.replace('_', '-')}"
            raise Refused(f"{option} is {getattr(options, name)}; allowed is nothing here: {reason}.")


def _path(source: str) -> str:
    """Return a path for a process in another folder; an address as it is."""
    return source if source.startswith(_ADDRESSES) else str(Path(source).expanduser().absolute())


def _measure(made: Path, say: Say) -> None:
    """Serve the model once, and record its memory, its start and its rate in the manifest."""
    try:
        model = model_folder("add", f"file:{made.absolute()}", None)
        path = beside_torch()["PYTHONPATH"] if model.manifest.get("engine") == "torch" else ""
        profile = fit.work_of(model, _tokens_of(model.manifest), "1", _MEASURED_SECONDS)
        fit.write_measured(model, fit.observed("the model", model, 1, profile, say, path))
    except (StartFailed, ValueError) as error:
        raise Failed(f"The model does not run in the server: {error}") from None


def _refer(made: Path, data: Path, say: Say) -> None:
    """Record what the model predicts for `data` in its manifest."""
    model = model_folder("add", f"file:{made.absolute()}", None)
    found = counted(model, data, say)
    if found.predictions == 0:
        raise Failed(f"The model predicted nothing for {data}, so it has no reference.")
    write_reference(model, found)


def _tokens_of(manifest: Any) -> str:
    return "1" if "features" in manifest else str(min(int(_TOKENS), int(manifest["max_tokens"])))


@contextmanager
def _folder_in_making(folder: Path) -> Generator[tuple[Path, Path]]:
    """Yield a folder that is to become `folder`, and one for temporary files; neither is left in the end."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Next to its place, because a rename is atomic only within one file system.
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent.absolute()) as name:
            made, scratch = Path(name) / folder.name, Path(name) / "scratch"
            made.mkdir()
            scratch.mkdir()
            yield made, scratch
    except OSError as error:
        place = error.filename or folder.parent
        raise Failed(f"{folder} could not be made: {place}: {error.strerror or error}.") from None
