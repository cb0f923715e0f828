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
from slipway.components.need import Need, need_of
from slipway.components.sizes import Size
from slipway.infra.errors import Failed, Refused
from slipway.infra.model.load_generator import Rate
from slipway.infra.model.measured_server import (
    MeasuredServer,
    Work,
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
    """What is known of a model. proof: the limit it lived under and how it was enforced; None = not run."""

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
        """Of the shortest texts, by the CPU time that they took: a server may use more CPUs than one."""
        costs_ms = [one.cpu_ms_per_request for one in self.rates if one.tokens == self.rates[0].tokens]
        return 1000 / min(costs_ms) if costs_ms and min(costs_ms) > 0 else None

    @property
    def startup_probe(self) -> dict[str, int] | None:
        """Thrice the start that was measured, at least 10 s and at most what Cloud Run allows."""
        if self.ready_seconds is None:
            return None
        patience = min(_STARTUP_LIMIT_SECONDS, max(10, math.ceil(self.ready_seconds * 3)))
        period = 1 if patience <= 30 else 5
        return {"period_seconds": period, "failure_threshold": math.ceil(patience / period)}


def model_of(text: str) -> tuple[str, ModelFolder]:
    """A model as a setting names it, or as a plain folder. Raises Refused."""
    source = text if text.startswith(("bundled:", "file:")) else f"file:{Path(text).resolve()}"
    try:
        return source, model_folder("fit", source, None)
    except ValueError as error:
        raise Refused(str(error)) from None


def work_of(model: ModelFolder, tokens: str, concurrency: str, seconds: float) -> Work:
    """From comma-separated numbers; `max` stands for the model's limit. Raises Refused.

    A tabular model has no tokens: the numbers are rows of a request, and `max` is what one call may have.
    """
    least, limit = (1, _MOST_ROWS) if is_tabular(model) else (3, int(model.manifest["max_tokens"]))
    lengths = _numbers("tokens", tokens.replace("max", str(limit)), least, limit)
    return Work(lengths, _numbers("concurrency", concurrency, 1, 256), seconds)


def _numbers(option: str, text: str, low: int, high: int) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not all(re.fullmatch("[0-9]{1,6}", part) and low <= int(part) <= high for part in parts):
        raise Refused(f"--{option} got {text!r}; allowed: numbers from {low} to {high}, comma between them.")
    return tuple(sorted({int(part) for part in parts}))


def estimated(source: str, model: ModelFolder, cpu: float) -> Fit:
    """From the manifest alone: nothing runs."""
    need = need_of(model.manifest, cpu)
    return Fit(source, cpu, need, sizes=smallest_sizes(need.with_margin_mib, cpu))


def measured(source: str, model: ModelFolder, cpu: float, work: Work, say: Callable[[str], None]) -> Fit:
    """Run it, then prove the limit. Raises Failed or StartFailed, as `observed` does."""
    found = observed(source, model, cpu, work, say)
    proof = _proved(model, cpu, found.sizes[0].memory_mib, work, say)
    if proof[0] > found.sizes[0].memory_mib:
        return replace(found, proof=proof, sizes=smallest_sizes(proof[0], cpu))
    return replace(found, proof=proof)


def observed(
    source: str,
    model: ModelFolder,
    cpu: float,
    work: Work,
    say: Callable[[str], None],
    python_path: str = "",
) -> Fit:
    """Run it once. Raises Failed where the model cannot be served, StartFailed where it does not start.

    python_path: where the server finds packages beside its own, such as torch.
    """
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
    """What a manifest says of it."""
    return {
        "memory_mb": round(fit.need.memory_mib),
        "load_seconds": fit.ready_seconds,
        "texts_per_second": round(fit.requests_per_vcpu_second or 0, 1),
    }


def write_manifest(model: ModelFolder, manifest: dict[str, Any]) -> None:
    """Whole or not at all."""
    write_json(model.location / "manifest.json", manifest)
    (model.location / "manifest.json").chmod(0o644)


def _proved(
    model: ModelFolder, cpu: float, memory_mib: int, work: Work, say: Callable[[str], None]
) -> tuple[int, str]:
    """The smallest limit from `memory_mib` on, in steps, under which the server lived through the work."""
    hardest = Work((max(work.tokens),), (max(work.concurrency),), work.seconds)
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
        f"It did not live under {memory_mib} MiB either, though it was seen to use less: measure again."
    )
