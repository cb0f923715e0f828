"""The command: `python -m slipway.modeltools.importing MODEL FOLDER`.

Exit codes: 0 done; 1 it began and failed (network, disk); 2 refused, or interrupted.
"""

import argparse
import importlib.util
import json
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from slipway.service.faults import BadSettings, DiskFull, ModelSourceUnavailable, StartFault
from slipway.service.manifest import CT2_FILE, SAFETENSORS_FILE
from slipway.service.printable import printable

from .address import HubAddress
from .embedder import POOLINGS
from .files import is_weights
from .folder import COPIES, new_folder, require_free, write_manifest
from .heads import TASKS
from .hub import Hub
from .local import LocalFolder
from .plan import Choices, ImportPlan, fetch, plan_import, plan_local_import
from .writer import Writer

Facts = dict[str, Any]
# Of a converted model: int8 has a scale for each row of a matrix in addition.
_BYTES_PER_PARAMETER = {"int8": 1, "fp32": 4}
FAILED = (DiskFull, ModelSourceUnavailable)


def main() -> int:
    # A stop request unwinds as an exception does, so that nothing half-made stays.
    signal.signal(signal.SIGTERM, _stop)
    arguments = _arguments()
    try:
        _run(arguments)
    except StartFault as fault:
        print(fault, file=sys.stderr)
        return 1 if isinstance(fault, FAILED) else 2
    except KeyboardInterrupt:
        print("Interrupted. Nothing was made; files that were fetched whole are kept.", file=sys.stderr)
        return 2
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m slipway.modeltools.importing", description=__doc__)
    parser.add_argument("model", help="hf:<owner>/<name>@<commit>, or a folder as save_pretrained writes it")
    parser.add_argument("folder", type=Path, help="a new or an empty folder for the model")
    parser.add_argument("--task", choices=TASKS, help="what it is for, if its files do not say")
    parser.add_argument(
        "--engine",
        choices=("onnx", "ctranslate2", "torch"),
        help="what is to serve it; by default ctranslate2 where it writes text, if that takes its family",
    )
    parser.add_argument(
        "--precision",
        choices=("int8", "fp32"),
        help="of converted weights; by default int8. torch keeps them",
    )
    parser.add_argument("--max-tokens", type=int, help="longest text, if fewer than the model takes")
    parser.add_argument("--pooling", choices=POOLINGS, help="of an embedding model that does not say it")
    parser.add_argument("--token-file", type=Path, help="file with a token of the Hub; else HF_TOKEN")
    parser.add_argument(
        "--check",
        action="store_true",
        help="only report as JSON whether it can be imported, and what is known of it",
    )
    return parser.parse_args()


def _run(arguments: argparse.Namespace) -> None:
    source = _source(arguments.model, arguments.folder)
    if arguments.max_tokens is not None and arguments.max_tokens < 3:
        raise BadSettings(f"--max-tokens: got {arguments.max_tokens}; allowed: 3 or more.")
    require_free(arguments.folder)
    hub = Hub(_token(arguments.token_file))
    choices = Choices(arguments.task, arguments.engine, arguments.pooling)
    plan = (
        plan_local_import(source, choices)
        if isinstance(source, LocalFolder)
        else plan_import(hub, source, choices)
    )
    _require_options(plan, arguments)
    _say(
        f"{source}: {plan.head.architecture}, {plan.head.summary}, licence {plan.license}, "
        f"{plan.total_bytes / 1e6:.1f} MB"
    )
    if isinstance(plan.head, Writer) and plan.head.refusal and arguments.engine is None:
        _say(f"CTranslate2 does not take {plan.head.architecture} ({plan.head.refusal}): torch serves it")
    if arguments.check:
        print(json.dumps(_foreseen(plan, arguments)))
    else:
        _import(hub, plan, arguments)


def _foreseen(plan: ImportPlan, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what of the manifest is known before anything large is fetched."""
    known: dict[str, Any] = {
        "source": str(plan.address),
        "task": plan.head.task,
        "engine": plan.engine,
        "license": plan.license,
    }
    if not isinstance(plan.head, Writer):
        return known
    size = sum(file.bytes for name, file in plan.files.items() if is_weights(name))
    known["max_tokens"] = plan.head.tokens(str(plan.address), arguments.max_tokens, plan.engine)
    if plan.engine == "ctranslate2":
        precision = arguments.precision or "int8"
        parameters = size // (2 if plan.head.half else 4)
        converted = {CT2_FILE: {"bytes": parameters * _BYTES_PER_PARAMETER[precision]}}
        return known | {"precision": precision, "files": converted}
    stored = "bf16" if plan.head.half else "fp32"
    return known | {"precision": stored, "files": {SAFETENSORS_FILE: {"bytes": size}}}


def _require_options(plan: ImportPlan, arguments: argparse.Namespace) -> None:
    if plan.engine == "torch" and arguments.precision is not None:
        raise BadSettings(
            f"--precision: got {arguments.precision!r}; allowed: nothing with engine torch, which is given "
            "the weights as they are stored; it computes in bf16 on a GPU that has it, else in fp32."
        )
    if isinstance(plan.head, Writer):
        plan.head.tokens(str(plan.address), arguments.max_tokens, plan.engine)


def _import(hub: Hub, plan: ImportPlan, arguments: argparse.Namespace) -> None:
    if importlib.util.find_spec("torch") is None:
        raise BadSettings(
            "torch, which converts or tries the model, is not installed here. `make train-env` makes an "
            "environment that has it; or install modeltools/requirements-train.txt."
        )
    converts = plan.engine != "torch"
    with new_folder(arguments.folder, plan.made_bytes, COPIES if converts else 1) as (made, scratch):
        if not isinstance(plan.address, LocalFolder):
            _say("Fetching what the Hub's cache does not hold yet")
        fetch(hub, plan, scratch / "fetched")
        _say("Loading torch")
        facts, summary = (_converted if converts else _copied)(plan, made, scratch, arguments)
        manifest = write_manifest(made, plan, facts)
    size = sum(file.bytes for file in manifest.files.values())
    _say(
        f"{arguments.folder}: {manifest.model_version}, {size / 1e6:.1f} MB, {facts['precision']}, at most "
        f"{manifest.max_tokens} tokens. {summary}."
    )


def _converted(
    plan: ImportPlan, made: Path, scratch: Path, arguments: argparse.Namespace
) -> tuple[Facts, str]:
    if plan.engine == "ctranslate2":
        from .writer_conversion import convert_writer as convert
    else:
        from .convert import convert_model as convert

    precision = arguments.precision or "int8"
    facts = convert(plan, scratch / "fetched", made, scratch, precision, arguments.max_tokens, _say)
    return facts, _likeness(facts["conversion"])


def _copied(plan: ImportPlan, made: Path, scratch: Path, arguments: argparse.Namespace) -> tuple[Facts, str]:
    from .copying import copy_model

    facts = copy_model(plan, scratch / "fetched", made, arguments.max_tokens, _say)
    return facts, f"torch loads it, and it answered with {facts['tried']['answered']}"


def _likeness(found: Mapping[str, Any]) -> str:
    if "answers_compared" in found:
        return (
            f"On {found['drawn_tokens_compared']} tokens of the original's the probabilities diverge from "
            f"its by {found['divergence']:.4f} nats; on {found['answers_compared']} given answers a token's "
            f"log-probability differs by {found['mean_logprob_difference']:.4f} on average"
        )
    texts = f"On {found['texts_compared']} texts"
    if "min_cosine" in found:
        return f"{texts} the cosine to the original's vector is {found['min_cosine']:.4f} or more"
    moved = found["max_proba_difference"]
    return f"{texts} it gives the original's labels; a probability differs by {moved:.4f} at most"


def _source(model: str, out: Path) -> HubAddress | LocalFolder:
    """Read MODEL: a folder if it starts with a point or a slash or exists, else an address."""
    if not model.startswith("hf:") and (model.startswith((".", "/", "~")) or Path(model).exists()):
        return LocalFolder.of(Path(model).expanduser(), out)
    try:
        return HubAddress.parse(model)
    except ValueError as error:
        raise BadSettings(f"MODEL: got {model[:200]!r}; allowed: {error}; or a folder.") from None


def _token(file: Path | None) -> str | None:
    """Read the token from the file, if one is given. Raises BadSettings; no message contains the token."""
    if file is None:
        return None
    try:
        token = file.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not ASCII text"
        raise BadSettings(f"--token-file: {file} cannot be read ({reason}).") from None
    if not token or not token.isprintable() or " " in token:
        raise BadSettings(f"--token-file: {file} holds no token; expected one line, such as hf_….")
    return token


def _say(text: str) -> None:
    print(printable(text), file=sys.stderr, flush=True)


def _stop(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
