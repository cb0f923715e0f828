"""Computes one shard of a batch in this process: reads, checks, loads the model, and works off its parts."""

import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..loading import chosen_device, load_model, model_origin, require_engine, require_expected
from ..logs import log
from ..manifest import Manifest
from ..settings import Settings
from ..sizing import batching_for, threads_for
from ..tasks import TASKS, Limits, Task
from .addresses import refuse_overlap
from .checkpoint import Checkpoint
from .computing import Computer
from .faults import COMPLETE, TOO_MANY_FAILED, BatchRefused, BatchStopped
from .identity import claim, code_digest, identity_of
from .in_flight import InFlight, Phase
from .inventory import take_inventory
from .parts import Shard, ShardParts
from .places import place_of
from .progress import ShardProgress
from .reading import RowFile, TextOptions, require_parquet, row_files
from .requests import Requests, RowOptions, operation_of
from .settings import BatchSettings, FileFormat
from .sources import InputSource, format_of, sources_of
from .writing import PartWriter

# At Python's 5 ms a thread that has its answer would wait as long for the one that writes a part.
SWITCH_SECONDS = 0.0005


@dataclass(frozen=True, slots=True)
class BatchInput:
    sources: Sequence[InputSource]
    form: FileFormat
    files: Sequence[RowFile]
    columns: tuple[str, ...] | None


class BatchWorker:
    """One start of one shard."""

    def __init__(
        self,
        settings: Settings,
        batch: BatchSettings,
        in_flight: InFlight,
        suspects: Sequence[int] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare. suspects: rows that may have ended an earlier process, computed alone first."""
        self._settings, self._batch = settings, batch
        self._in_flight, self._suspects = in_flight, suspects
        self._clock = clock
        self._computer: Computer | None = None
        self._stopping = False
        self.progress = ShardProgress(
            batch.batch_shard, batch.batch_shards, batch.batch_progress_seconds, clock
        )

    def stop(self) -> None:
        """Stop at a checkpoint. May be called by a signal's handler."""
        self._stopping = True
        if self._computer is not None:
            self._computer.stop()

    def run(self) -> int:
        """Compute the shard; return the exit code.

        Raises a StartFault or BatchFailed where it cannot, and BatchStopped after `stop`.
        """
        sys.setswitchinterval(SWITCH_SECONDS)
        manifest, task = self._task()
        shard = self._shard(manifest, task)
        progress, complete = self.progress, self._complete(shard)
        progress.parts, progress.rows = len(shard.parts), sum(map(shard.inventory.rows_of, shard.parts))
        for part in complete:
            done = shard.checkpoint.done(part)
            progress.found(done.rows, done.failed)
            progress.parts_done += 1
        progress.log("running")
        if len(complete) < len(shard.parts):
            self._compute(shard, task, manifest, [part for part in shard.parts if part not in complete])
        self._report(shard)
        progress.log("complete")
        return TOO_MANY_FAILED if progress.failed > self._batch.batch_max_failed else COMPLETE

    def _task(self) -> tuple[Manifest, Task]:
        settings = self._settings
        manifest = asyncio.run(model_origin(settings).manifest(TASKS))
        require_expected(settings.expected_model, manifest)
        require_engine(manifest, settings.device)
        limits = Limits(settings.max_texts, settings.max_text_characters)
        return manifest, TASKS[manifest.task](manifest, limits)

    def _shard(self, manifest: Manifest, task: Task) -> Shard:
        batch = self._batch
        given = _input(batch)
        place = place_of(batch.batch_output)
        refuse_overlap(batch.batch_input, [each.place for each in given.sources], batch.batch_output)
        form = batch.batch_output_format or given.form
        if form == "parquet":
            require_parquet()
        inventory = take_inventory(given.sources, given.files, batch.batch_part_rows)
        operation = operation_of(task, batch.batch_route)
        options = RowOptions(batch.batch_columns, batch.batch_fields, batch.batch_keep)
        requests = Requests(operation, options, given.columns, inventory.first)
        batching = batching_for(self._settings, manifest)
        limits = {
            "max_text_characters": self._settings.max_text_characters,
            "batches": None if batching is None else [batching.max_batch_size, batching.max_batch_tokens],
        }
        claim(place, identity_of(batch, inventory, manifest.model_version, limits), batch.batch_overwrite)
        checkpoint = Checkpoint(place, inventory.parts)
        writer = PartWriter(form, requests.result_columns, operation.answer_models[0])
        return Shard(batch, place, inventory, requests, checkpoint, writer, form, manifest.model_version)

    def _complete(self, shard: Shard) -> set[int]:
        return set(shard.checkpoint.complete_parts()) & set(shard.parts)

    def _compute(self, shard: Shard, task: Task, manifest: Manifest, parts: Sequence[int]) -> None:
        self._load(task, manifest)
        operation = operation_of(task, self._batch.batch_route)
        names = [str(facts["name"]) for facts in shard.inventory.facts]
        threads, batching = threads_for(self._settings, manifest), batching_for(self._settings, manifest)
        computer = Computer(operation, shard.requests, names, threads, batching, self._in_flight)
        computer.crashed = shard.checkpoint.crashed()
        self._computer = computer
        try:
            self._in_flight.begin(Phase.ALONE)
            self._try_suspects(shard, computer)
            self._in_flight.begin(Phase.ALL)
            self.progress.begins()
            ShardParts(shard, computer, self.progress, self._clock).work_off(parts)
        finally:
            computer.close()

    def _load(self, task: Task, manifest: Manifest) -> None:
        settings = self._settings
        self._refuse_stopped()
        device = chosen_device(manifest, settings.device)
        folder = asyncio.run(model_origin(settings).folder(manifest))
        load_model(folder, manifest, task, device.kind)
        log.info("Model %s ready, computing on %s", manifest.model_version, device)
        self._refuse_stopped()

    def _try_suspects(self, shard: Shard, computer: Computer) -> None:
        for suspect in self._suspects:
            part, skip = divmod(suspect - 1, shard.inventory.part_rows)
            if suspect not in computer.crashed:
                computer.alone(next(shard.inventory.read(part, skip)))

    def _report(self, shard: Shard) -> None:
        """Write the report where every shard's parts are complete."""
        parts = range(shard.inventory.parts)
        if len(shard.checkpoint.complete_parts()) == len(parts):
            facts: dict[str, Any] = {"model": shard.model_version, "code": code_digest()}
            shard.checkpoint.report(facts, [shard.checkpoint.done(part) for part in parts])

    def _refuse_stopped(self) -> None:
        if self._stopping:
            raise BatchStopped


def _input(batch: BatchSettings) -> BatchInput:
    sources = sources_of(batch.batch_input)
    form = format_of(sources, batch.batch_format)
    files = row_files(sources, form, TextOptions(batch.batch_encoding, batch.batch_delimiter))
    columns = files[0].columns()
    for source, file in zip(sources[1:], files[1:], strict=True):
        if (other := file.columns()) != columns:
            raise BatchRefused(
                f"{source.name} has the columns {', '.join(other or ())}, and {sources[0].name} has "
                f"{', '.join(columns or ())}. A batch reads files with the same columns."
            )
    return BatchInput(sources, form, files, columns)
