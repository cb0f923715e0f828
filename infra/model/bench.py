"""`slipway model bench`: latency, throughput, memory and start of every form of a model, side by side.

A form is an engine whose files lie in a folder; several folders hold several precisions of one model. Each is
run as the local target runs it, as `slipway fit` does.
"""

import json
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.components.model import ModelFolder, model_folder
from slipway.components.tasks import TASKS
from slipway.infra.errors import Refused
from slipway.infra.model import torch_env as training
from slipway.infra.model.fit import Fit, measured_keys, observed, write_manifest
from slipway.infra.model.measured_server import Work


@dataclass(frozen=True, slots=True)
class Form:
    """One engine of one model folder. source: the folder as it was named."""

    source: str
    folder: ModelFolder
    engine: str

    @property
    def precision(self) -> str:
        """The manifest tells that of model.onnx; on a CPU torch computes in fp32."""
        return str(self.folder.manifest.get("precision", "fp32")) if self.engine == "onnx" else "fp32"


@dataclass(frozen=True, slots=True)
class Benched:
    form: Form
    fit: Fit

    @property
    def requests_per_vcpu_second(self) -> float:
        """Of the shortest requests, by the CPU time that they took, which neighbours spoil least."""
        return self.fit.requests_per_vcpu_second or 0.0


def forms_of(sources: Sequence[tuple[str, ModelFolder]]) -> list[Form]:
    """Every form that lies in the folders. Raises Refused for folders of different tasks."""
    tasks = sorted({folder.manifest["task"] for _, folder in sources})
    if len(tasks) > 1:
        raise Refused(f"The folders are of the tasks {', '.join(tasks)}; compared are forms of one model.")
    return [
        Form(source, folder, engine)
        for source, folder in sources
        for engine, files in TASKS[tasks[0]].files.items()
        if set(files) <= set(folder.manifest["files"])
    ]


def can_run(form: Form) -> bool:
    """torch is only where models are made."""
    return form.engine != "torch" or training.environment().is_dir()


def benched(forms: Sequence[Form], cpu: float, work: Work, say: Callable[[str], None]) -> list[Benched]:
    """One after the other. Raises Failed or StartFailed, as `fit` does."""
    found: list[Benched] = []
    for form in forms:
        with _folder_of(form) as folder:
            python_path = training.beside_torch()["PYTHONPATH"] if form.engine == "torch" else ""
            name = f"{form.source} on {form.engine}"
            found.append(Benched(form, observed(name, folder, cpu, work, say, python_path)))
    return found


def best_of(found: Sequence[Benched]) -> Benched:
    """The one that gives most requests; what its answers are worth, `slipway model check` judges."""
    return max(found, key=lambda one: one.requests_per_vcpu_second)


def write_best(found: Sequence[Benched]) -> None:
    """Into each folder's manifest its best engine, and what was measured of it."""
    for source in {one.form.source for one in found}:
        best = best_of([one for one in found if one.form.source == source])
        manifest = dict(best.form.folder.manifest)
        write_manifest(
            best.form.folder,
            manifest | {"engine": best.form.engine, "measured": measured_keys(best.fit)},
        )


@contextmanager
def _folder_of(form: Form) -> Generator[ModelFolder]:
    """The model's own folder, or one of links to it whose manifest names the other engine."""
    manifest: dict[str, Any] = dict(form.folder.manifest)
    if manifest.get("engine", "onnx") == form.engine:
        yield form.folder
        return
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as name:
        for file in manifest["files"]:
            (Path(name) / file).symlink_to(form.folder.location / file)
        (Path(name) / "manifest.json").write_text(json.dumps(manifest | {"engine": form.engine}))
        yield model_folder("bench", f"file:{name}", None)
