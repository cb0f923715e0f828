"""Turns the fetched files into a folder that torch serves: the same bytes, loaded and tried once."""

import platform
import shutil
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from slipway.service.manifest import SAFETENSORS_FILE

from .files import is_weights
from .plan import ImportPlan
from .shards import join_shards, parameters_of, precision_of
from .trial import try_model

PACKAGES = ("torch", "transformers")


def copy_model(
    plan: ImportPlan, fetched: Path, made: Path, limit: int | None, say: Callable[[str], None]
) -> dict[str, Any]:
    """Fill the folder `made` and return the facts for its manifest. Raises BadModel if it cannot be served.

    limit: fewer tokens than the model takes.
    """
    weights = sorted(name for name in plan.files if is_weights(name))
    if weights == [SAFETENSORS_FILE]:
        shutil.copyfile(fetched / SAFETENSORS_FILE, made / SAFETENSORS_FILE)
    else:
        say(f"Joining {len(weights)} files of weights")
        join_shards([fetched / name for name in weights], made / SAFETENSORS_FILE)
    precision = precision_of(made / SAFETENSORS_FILE)
    for name in plan.files.keys() - set(weights):
        shutil.copyfile(fetched / name, made / name)
    say("Loading it as the server does")
    trial = try_model(made, str(plan.address), plan.head, limit)
    return {
        "max_tokens": trial.max_tokens,
        "precision": precision,
        "tried": {
            "architecture": plan.head.architecture,
            "parameters": parameters_of(made / SAFETENSORS_FILE),
            "answered": trial.summary,
            **{name: version(name) for name in PACKAGES},
            "machine": platform.machine(),
        },
    }
