"""The command that makes the bundled model: `python -m slipway.modeltools.training --data sms_spam.tsv`."""

import argparse
import sys
from pathlib import Path

from .dataset import DataFileError
from .export import ExportError
from .pipeline import train_model
from .recipe import Recipe

MODEL_FOLDER = Path(__file__).parents[2] / "service/models/sms-spam"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m slipway.modeltools.training", description="Make sms-spam."
    )
    parser.add_argument("--data", type=Path, required=True, help="the SMS Spam Collection, `label<TAB>text`")
    parser.add_argument("--out", type=Path, default=MODEL_FOLDER, help="the folder to replace")
    arguments = parser.parse_args()
    try:
        metrics = train_model(arguments.data, arguments.out, Recipe())
    except (DataFileError, ExportError) as error:
        print(error, file=sys.stderr)
        return 1
    for precision in ("fp32", "int8"):
        rates = ", ".join(f"{name} {rate['value']:.4f}" for name, rate in metrics[precision]["rates"].items())
        print(f"{precision} on test: {rates}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
