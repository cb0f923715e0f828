"""How a batch's progress is shown: a bar on a terminal, elsewhere a line now and then."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from slipway.infra.cli.console import ERR
from slipway.infra.targets.batch_run import BatchProgress, BatchState

ENDS = (BatchState.COMPLETE, BatchState.FAILED, BatchState.STOPPED)
# How often a line is written where there is no terminal.
_LINE_SECONDS = 10.0


@contextmanager
def shown_progress() -> Generator[Callable[[BatchProgress], None]]:
    """Show progress: a bar on a terminal, elsewhere a line now and then."""
    if not ERR.is_terminal:
        yield _ProgressLines()
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[left]}"),
        console=ERR,
        transient=True,
    ) as bar:
        task = bar.add_task("Reading the input", total=None, left="")

        def show(progress: BatchProgress) -> None:
            words = "Computing" if progress.rows else _before(progress)
            bar.update(
                task,
                description=words,
                total=progress.rows,
                completed=progress.rows_done,
                left=_left(progress),
            )

        yield show


class _ProgressLines:
    """Prints a line at most every few seconds."""

    def __init__(self) -> None:
        self._next, self._said = 0.0, ""

    def __call__(self, progress: BatchProgress) -> None:
        now, words = time.monotonic(), _before(progress)
        if progress.state is BatchState.WAITING and progress.detail and words != self._said:
            self._said = words
            ERR.print(words, markup=False)
        if progress.rows and now >= self._next and progress.state not in ENDS:
            self._next = now + _LINE_SECONDS
            ERR.print(f"{progress.rows_done:,} of {progress.rows:,} rows{_left(progress)}", markup=False)


def _before(progress: BatchProgress) -> str:
    """Return what happens before the first row is computed."""
    if progress.state is not BatchState.WAITING:
        return "Reading the input"
    return f"Waiting for an instance: {progress.detail}" if progress.detail else "Waiting for an instance"


def _left(progress: BatchProgress) -> str:
    failed = f", {progress.rows_failed:,} failed" if progress.rows_failed else ""
    if not progress.rows_per_second:
        return failed
    left = "" if progress.seconds_left is None else f", {duration_words(progress.seconds_left)} left"
    return f"{failed}, {progress.rows_per_second:,.0f} a second{left}"


def duration_words(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
