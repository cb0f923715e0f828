"""Measures what a model needs in this serving engine, or estimates it: memory, start, throughput.

The server runs as the local target runs it, from a cold page cache, with no limit first; then once more
under the limit that is recommended, which proves it. Memory is MiB of anonymous memory: mapped and
cached files can be dropped, so they do not count.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from slipway.components.local import process
from slipway.components.local.record import write_json
from slipway.components.model import ModelFolder, model_folder
from slipway.components.model_address import ModelAddress
from slipway.components.need import Need, need_of
from slipway.components.sizes import Size
from slipway.infra.errors import Failed, Refused
from slipway.infra.local.optional import require_engine
from slipway.infra.model.load_generator import Rate
from slipway.infra.model.measured_server import (
    LoadProfile,
    MeasuredServer,
    all_memory_mib,
    drop_cached,
    is_tabular,
    unit_of,
)
from slipway.infra.targets.registry import smallest_sizes

_PROOF_STEP_MIB = 64
_PROOF_TRIES = 4
# cloud.google.com/run/docs/configuring/healthchecks: period x threshold of a start-up probe.
_STARTUP_LIMIT_SECONDS = 240
# service/settings.py, MAX_TEXTS
_MOST_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Fit:
    """What is known of a model. proof: the limit it ran within, and how that was enforced; None = not run."""

    model: str
    cpu: float
    need: Need
    ready_seconds: float | None = None
    rates: tuple[Rate, ...] = ()
    proof: tuple[int, str] | None = None
    sizes: list[Size] = field(default_factory=list[Size])
    unit: str = "tokens"

    @property
    def requests_per_vcpu_second(self) -> float | None:
        """Return the rate of the shortest texts per CPU second, because a server may use several CPUs."""
        costs_ms = [one.cpu_ms_per_request for one in self.rates if one.tokens == self.rates[0].tokens]
        return 1000 / min(costs_ms) if costs_ms and min(costs_ms) > 0 else None

    @property
    def startup_probe(self) -> dict[str, int] | None:
        """Allow three times the measured start, from 10 s up to what Cloud Run allows."""
        if self.ready_seconds is None:
            return None
        patience = min(_STARTUP_LIMIT_SECONDS, max(10, math.ceil(self.ready_seconds * 3)))
        period = 1 if patience <= 30 else 5
        return {"period_seconds": period, "failure_threshold": math.ceil(patience / period)}


def model_of(text: str, command: str = "fit") -> tuple[str, ModelFolder]:
    """Find a model named as in a setting, or by its folder. Raises Refused, in the words of the command."""
    source = text if ModelAddress.parse(text).is_here else f"file:{Path(text).resolve()}"
    try:
        return source, model_folder(command, source, None)
    except ValueError as error:
        raise Refused(str(error)) from None


def require_one_vcpu(write: bool, cpu: float) -> None:
    """Raise Refused if measurements with several vCPU would be written into a manifest."""
    if write and cpu > 1:
        raise Refused("--write records one vCPU: the need with more is derived from it. Omit --cpu.")


def work_of(model: ModelFolder, tokens: str, concurrency: str, seconds: float) -> LoadProfile:
    """Read a load profile from comma-separated numbers; `max` is the model's limit. Raises Refused.

    A tabular model has no tokens: the numbers are rows per request, and `max` is the limit of one call.
    """
    least, limit = (1, _MOST_ROWS) if is_tabular(model) else (3, int(model.manifest["max_tokens"]))
    lengths = _numbers("tokens", tokens.replace("max", str(limit)), least, limit)
    return LoadProfile(lengths, _numbers("concurrency", concurrency, 1, 256), seconds)


def _numbers(option: str, text: str, low: int, high: int) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not all(re.fullmatch("[0-9]{1,6}", part) and low <= int(part) <= high for part in parts):
        raise Refused(f"--{option} got {text!r}; allowed: numbers from {low} to {high}, comma between them.")
    return tuple(sorted({int(part) for part in parts}))


def estimated(source: str, model: ModelFolder, cpu: float) -> Fit:
    """Estimate the need from the manifest, without running anything."""
    need = need_of(model.manifest, cpu)
    return Fit(source, cpu, need, sizes=smallest_sizes(need.with_margin_mib, cpu))


def measured(
    source: str, model: ModelFolder, cpu: float, work: LoadProfile, say: Callable[[str], None]
) -> Fit:
    """Run the model, then verify the limit. Raises Failed or StartFailed, as `observed` does."""
    found = observed(source, model, cpu, work, say)
    proof = _proved(model, cpu, found.sizes[0].memory_mib, work, say)
    if proof[0] > found.sizes[0].memory_mib:
        return replace(found, proof=proof, sizes=smallest_sizes(proof[0], cpu))
    return replace(found, proof=proof)


def observed(
    source: str,
    model: ModelFolder,
    cpu: float,
    work: LoadProfile,
    say: Callable[[str], None],
    python_path: str = "",
) -> Fit:
    """Run the model once. Raises Failed if it cannot be served, StartFailed if it does not start.

    python_path: where the server finds packages in addition to its own, such as torch.
    """
    require_engine(source, model.manifest, say)
    say(f"Starting {source} from a cold page cache")
    drop_cached(model.location)
    with MeasuredServer(model, cpu, all_memory_mib(), python_path) as server, server.peak_mib() as peak:
        ready_seconds = server.start()
        rates = tuple(server.rates(work, say))
    need = Need(round(peak[0], 1), measured=True)
    sizes = smallest_sizes(need.with_margin_mib, cpu)
    return Fit(source, cpu, need, round(ready_seconds, 2), rates, sizes=sizes, unit=unit_of(model))


def write_measured(model: ModelFolder, fit: Fit) -> None:
    """Put what was measured at one vCPU into the model's manifest, whole or not at all."""
    write_manifest(model, dict(model.manifest) | {"measured": measured_keys(fit)})


def measured_keys(fit: Fit) -> dict[str, Any]:
    """Return the measurements as a manifest records them."""
    return {
        "memory_mib": round(fit.need.memory_mib),
        "load_seconds": fit.ready_seconds,
        "texts_per_second": round(fit.requests_per_vcpu_second or 0, 1),
    }


def write_manifest(model: ModelFolder, manifest: dict[str, Any]) -> None:
    """Whole or not at all."""
    write_json(model.location / "manifest.json", manifest)
    (model.location / "manifest.json").chmod(0o644)


def _proved(
    model: ModelFolder, cpu: float, memory_mib: int, work: LoadProfile, say: Callable[[str], None]
) -> tuple[int, str]:
    """Find the smallest limit, upwards from `memory_mib` in steps, within which the server does the work."""
    hardest = LoadProfile((max(work.tokens),), (max(work.concurrency),), work.seconds)
    for _ in range(_PROOF_TRIES):
        say(f"Running it once more with a limit of {memory_mib} MiB")
        drop_cached(model.location)
        try:
            with MeasuredServer(model, cpu, memory_mib) as server:
                server.start()
                list(server.rates(hardest, lambda _text: None))
                return memory_mib, server.enforced_by
        except (process.StartFailed, Failed):
            memory_mib += _PROOF_STEP_MIB
    raise Failed(
        f"It did not run within {memory_mib} MiB either, although it used less before. Measure again."
    )
