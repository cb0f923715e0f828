"""The command: `python -m service.models.importing hf:<owner>/<name>@<commit> FOLDER`.

Exit codes: 0 done; 1 it began and failed (network, disk); 2 refused, or interrupted.
"""

import argparse
import importlib.util
import signal
import sys
from pathlib import Path
from types import FrameType

from service.faults import BadSettings, DiskFull, ModelSourceUnavailable, StartFault
from service.models.importing.address import HubAddress
from service.models.importing.folder import new_folder, require_free, write_manifest
from service.models.importing.hub import Hub
from service.models.importing.plan import Plan, fetch, planned

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
    parser = argparse.ArgumentParser(prog="python -m service.models.importing", description=__doc__)
    parser.add_argument("model", help="hf:<owner>/<name>@<commit>")
    parser.add_argument("folder", type=Path, help="a new or an empty folder for the model")
    parser.add_argument("--precision", choices=("int8", "fp32"), default="int8", help="of the weights")
    parser.add_argument("--max-tokens", type=int, help="longest text, if fewer than the model takes")
    parser.add_argument("--token-file", type=Path, help="file with a token of the Hub; else HF_TOKEN")
    parser.add_argument("--check", action="store_true", help="only tell whether it can be imported")
    return parser.parse_args()


def _run(arguments: argparse.Namespace) -> None:
    try:
        address = HubAddress.parse(arguments.model)
    except ValueError as error:
        raise BadSettings(f"MODEL: got {arguments.model[:200]!r}; allowed: {error}.") from None
    if arguments.max_tokens is not None and arguments.max_tokens < 3:
        raise BadSettings(f"--max-tokens: got {arguments.max_tokens}; allowed: 3 or more.")
    require_free(arguments.folder)
    hub = Hub(_token(arguments.token_file))
    plan = planned(hub, address)
    labels = ", ".join(plan.classifier.labels[:10]) + (", …" if len(plan.classifier.labels) > 10 else "")
    _say(
        f"{address}: {plan.classifier.architecture}, {len(plan.classifier.labels)} labels ({labels}), "
        f"licence {plan.license}, {plan.total_bytes / 1e6:.1f} MB"
    )
    if not arguments.check:
        _import(hub, plan, arguments)


def _import(hub: Hub, plan: Plan, arguments: argparse.Namespace) -> None:
    if importlib.util.find_spec("torch") is None:
        raise BadSettings(
            "torch, which converts the model, is not installed here. `make import MODEL=… TO=…` makes an "
            "environment that has it; or install service/requirements-train.txt."
        )
    with new_folder(arguments.folder, plan.float32_bytes) as (made, scratch):
        _say("Fetching what the Hub's cache does not hold yet")
        fetch(hub, plan, scratch / "fetched")
        _say("Loading torch")
        from service.models.importing.convert import converted

        facts = converted(
            plan, scratch / "fetched", made, scratch, arguments.precision, arguments.max_tokens, _say
        )
        manifest = write_manifest(made, plan, facts)
    size = sum(file.bytes for file in manifest.files.values())
    found = facts["conversion"]
    _say(
        f"{arguments.folder}: {manifest.model_version}, {size / 1e6:.1f} MB, {arguments.precision}, at most "
        f"{manifest.max_tokens} tokens. On {found['texts_compared']} texts it gives the original's labels; a "
        f"probability differs by {found['max_proba_difference']:.4f} at most."
    )


def _token(file: Path | None) -> str | None:
    """Of the file, where one is named. Raises BadSettings; no message holds what it read."""
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
    print(text, file=sys.stderr, flush=True)


def _stop(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
