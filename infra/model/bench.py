"""`slipway model bench`: latency, throughput, memory and start of every form of a model, side by side.

A form is an engine whose files lie in a folder; several folders hold several precisions of one model. Each is
run as the local target runs it, as `slipway fit` does.
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.components.model import ModelFolder, model_folder
from slipway.components.tasks import TASKS
from slipway.infra.errors import Refused
from slipway.infra.local.optional import require_engine
from slipway.infra.model import torch_env as training
from slipway.infra.model.fit import Fit, measured_keys, observed, write_manifest
from slipway.infra.model.measured_server import LoadProfile


@dataclass(frozen=True, slots=True)
class ModelForm:
    """One engine of one model folder. source: the folder as it was named."""

    source: str
    folder: ModelFolder
    engine: str

    @property
    def precision(self) -> str:
        """Return the manifest's precision of converted weights, and fp32 for torch on a CPU."""
        return "fp32" if self.engine == "torch" else str(self.folder.manifest.get("precision", "fp32"))


@dataclass(frozen=True, slots=True)
class Benched:
    form: ModelForm
    fit: Fit

    @property
    def requests_per_vcpu_second(self) -> float:
        """Return the rate of the shortest requests per CPU second, which other load distorts least."""
        return self.fit.requests_per_vcpu_second or 0.0


def forms_of(sources: Sequence[tuple[str, ModelFolder]]) -> list[ModelForm]:
    """List every form in the folders. Raises Refused for folders of different tasks."""
    tasks = sorted({folder.manifest["task"] for _, folder in sources})
    if len(tasks) > 1:
        raise Refused(f"The folders are of the tasks {', '.join(tasks)}; compared are forms of one model.")
    return [
        ModelForm(source, folder, engine)
        for source, folder in sources
        for engine, files in TASKS[tasks[0]].files.items()
        if set(files) <= set(folder.manifest["files"]) and _is_of(engine, folder)
    ]


def _is_of(engine: str, folder: ModelFolder) -> bool:
    """Return whether the folder can be for the engine: CTranslate2 has a config.json of its own."""
    own = folder.manifest.get("engine", "onnx")
    return engine == own or "ctranslate2" not in (engine, own)


def can_run(form: ModelForm) -> bool:
    """Return whether this machine has the form's engine: torch only in the training environment."""
    return form.engine != "torch" or training.environment().is_dir()


def benched(
    forms: Sequence[ModelForm], cpu: float, work: LoadProfile, say: Callable[[str], None]
) -> list[Benched]:
    """Measure the forms one after the other. Raises Failed or StartFailed, as `fit` does."""
    found: list[Benched] = []
    for form in forms:
        require_engine(form.source, {"engine": form.engine}, say)
        with _folder_of(form) as folder:
            python_path = training.beside_torch()["PYTHONPATH"] if form.engine == "torch" else ""
            name = f"{form.source} on {form.engine}"
            found.append(Benched(form, observed(name, folder, cpu, work, say, python_path)))
    return found


def best_of(found: Sequence[Benched]) -> Benched:
    """Choose the form with the most requests per CPU second. `slipway model check` judges its answers."""
    return max(found, key=lambda one: one.requests_per_vcpu_second)


def write_best(found: Sequence[Benched]) -> None:
    """Write into each folder's manifest its best engine and that engine's measurements."""
    for source in {one.form.source for one in found}:
        best = best_of([one for one in found if one.form.source == source])
        manifest = dict(best.form.folder.manifest)
        write_manifest(
            best.form.folder,
            manifest | {"engine": best.form.engine, "measured": measured_keys(best.fit)},
        )


@contextmanager
def _folder_of(form: ModelForm) -> Generator[ModelFolder]:
    """Yield the model's own folder, or a temporary one with the same files for the other engine."""
    manifest: dict[str, Any] = dict(form.folder.manifest)
    if manifest.get("engine", "onnx") == form.engine:
        yield form.folder
        return
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as name:
        for file in manifest["files"]:
            _linked(form.folder.location / file, Path(name) / file)
        (Path(name) / "manifest.json").write_text(json.dumps(manifest | {"engine": form.engine}))
        yield model_folder("bench", f"file:{name}", None)


def _linked(file: Path, name: Path) -> None:
    """Give the file another name, or copy it: the server opens no link that leads out of a model's folder."""
    try:
        name.hardlink_to(file.resolve())
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(file, name)
