"""The command: `python -m slipway.modeltools.adding describe|text|table`.

`describe SOURCE` prints as JSON of which kind a source is. `text SOURCE FOLDER` makes a model folder of an
ONNX export; `table CONVERTED FOLDER` makes one of what `tables.worker` wrote; both print a report as JSON.
Exit codes: 0 done; 1 failed; 2 refused.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from slipway.service.faults import BadSettings, StartFault

from .kind import kind_of
from .options import Options
from .pickles import require_version


def main() -> int:
    arguments = _arguments()
    try:
        print(json.dumps(_COMMANDS[arguments.command](arguments)))
    except StartFault as fault:
        print(fault, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{error.filename or arguments.source}: {error.strerror}.", file=sys.stderr)
        return 1
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m slipway.modeltools.adding", description=__doc__)
    parser.add_argument("command", choices=sorted(_COMMANDS))
    parser.add_argument("source", type=Path, help="what to recognise or convert")
    parser.add_argument("folder", type=Path, nargs="?", help="the folder to fill")
    parser.add_argument("--task")
    parser.add_argument("--labels", default="", help="comma-separated, in the order of the outputs")
    parser.add_argument("--max-tokens", type=int)
    parser.add_argument("--pooling")
    parser.add_argument("--examples", type=Path)
    parser.add_argument("--any-version", action="store_true", help="do not compare a pickle's version")
    return parser.parse_args()


def _describe(arguments: argparse.Namespace) -> dict[str, Any]:
    name, kind = kind_of(arguments.source)
    if kind.runs_code and not arguments.any_version:
        require_version(arguments.source)
    return {
        "kind": name,
        "words": kind.words,
        "environment": kind.environment,
        "runs_code": kind.runs_code,
    }


def _text(arguments: argparse.Namespace) -> dict[str, Any]:
    from .texts import make

    return make(arguments.source, arguments.folder, _options(arguments)).to_json()


def _table(arguments: argparse.Namespace) -> dict[str, Any]:
    from .table import make

    return make(arguments.source, arguments.folder, _options(arguments)).to_json()


def _options(arguments: argparse.Namespace) -> Options:
    if arguments.max_tokens is not None and arguments.max_tokens < 3:
        raise BadSettings(f"--max-tokens: got {arguments.max_tokens}; allowed: 3 or more.")
    labels = tuple(label.strip() for label in arguments.labels.split(",") if label.strip())
    return Options(arguments.task, labels, arguments.max_tokens, arguments.pooling, arguments.examples)


_COMMANDS = {"describe": _describe, "text": _text, "table": _table}

if __name__ == "__main__":
    sys.exit(main())
