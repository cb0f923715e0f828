"""Makes a model folder from the Hub.

`python -m slipway.modeltools.importing hf:<owner>/<name>@<commit> FOLDER`

The serving process imports nothing from here. `convert`, `loading` and `agreement` need what
`modeltools/requirements-train.txt` lists; the rest needs huggingface-hub alone, so that a model that cannot
be imported is refused before torch is there.
"""

import os

# The Hub's client reports the programs around it, unless this is set before its import. 0 allows it.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
