"""The command: `python -m slipway.modeltools.comparing MODEL REFERENCE TEXTS` prints the figures as JSON.

The exit code is 2 if one of the three cannot be used.
"""

import argparse
import json
import sys
from pathlib import Path

from slipway.service.faults import StartFault
from slipway.service.tasks.classify import ClassifyManifest

from .examples import examples
from .figures import figures
from .models import opened, reference


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m slipway.modeltools.comparing", description=__doc__)
    parser.add_argument("model", type=Path, help="a model folder")
    parser.add_argument("reference", type=Path, help="another, or what save_pretrained wrote")
    parser.add_argument("texts", type=Path, help="a text a line, or label<TAB>text")
    arguments = parser.parse_args()
    try:
        model = opened(arguments.model)
        labels = model.manifest.labels if isinstance(model.manifest, ClassifyManifest) else ()
        compared = examples(arguments.texts, labels)
        found = figures(model, reference(arguments.reference, model), compared)
    except StartFault as fault:
        print(fault, file=sys.stderr)
        return 2
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
