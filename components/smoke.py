"""The smoke test of a service: its answers to the model's own example and to a file of requests.

A file has one JSON object in each line: `{"request": {...}, "answer": {...}}`. Of the answer only what is
named there is compared; numbers may differ by a hundredth, as another machine's do. Times are milliseconds.
"""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from .model import example_request
from .tasks import TASKS

# Sends a request, and returns the status and the JSON. Raises Unanswered.
Ask = Callable[[str, str, Any], tuple[int, Any]]
Answer = dict[str, Any]
_TOLERANCE = 0.01
_SHOWN_CHARACTERS = 200


class Unanswered(Exception):
    """The service gave no answer; the text says why."""


@dataclass(frozen=True, slots=True)
class Case:
    """A request, and what its answer must hold; None: any answer with 200."""

    request: Any
    answer: Any = None
    place: str = "the model's own example"


@dataclass(frozen=True, slots=True)
class SmokeResult:
    """What came of a smoke test. fault: what was wrong; '' if it passed.

    answer, latency_ms: of the first request. model_version: as `/health` shows it. cases: requests sent.
    """

    fault: str
    answer: Any
    latency_ms: float | None
    model_version: str
    cases: int

    @property
    def passed(self) -> bool:
        return not self.fault

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def smoke_cases(manifest: Mapping[str, Any], file: str = "") -> list[Case]:
    """Return the requests for a model. file: of further ones; ''. Raises ValueError for an unusable file."""
    return [Case(example_request(manifest)), *(file_cases(Path(file)) if file else ())]


def smoke_test(ask: Ask, task: str, cases: list[Case], expected_model: str = "") -> SmokeResult:
    """Send the requests one after the other and compare. Ends at the first wrong answer.

    expected_model: the model's version that must serve; '' if that is not known.
    """
    answer, latency_ms, version, sent = None, None, "", 0
    try:
        status, health = ask("GET", "/health", None)
        version = str(health.get("model_version", "")) if isinstance(health, Mapping) else ""  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        if status != 200 or not version:
            return SmokeResult(f"/health answered {status}", None, None, version, 0)
        if expected_model and version != expected_model:
            fault = f"{version} serves, and {expected_model} should"
            return SmokeResult(fault, None, None, version, 0)
        for case in cases:
            begun = time.perf_counter()
            status, got = ask("POST", TASKS[task].route, case.request)
            sent += 1
            if latency_ms is None:
                answer, latency_ms = got, round((time.perf_counter() - begun) * 1000, 2)
            if status != 200:
                fault = f"{case.place} was answered with {status}: {_shown(got)}"
                return SmokeResult(fault, answer, latency_ms, version, sent)
            if case.answer is not None and (wrong := _difference(case.answer, got, "")):
                return SmokeResult(f"{case.place} {wrong}", answer, latency_ms, version, sent)
    except Unanswered as error:
        return SmokeResult(f"no answer: {error}", answer, latency_ms, version, sent)
    return SmokeResult("", answer, latency_ms, version, sent)


def file_cases(path: Path) -> Iterator[Case]:
    """Read a file of requests and answers. Raises ValueError, naming the line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        raise ValueError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            content = json.loads(line)
        except ValueError:
            content = None
        if not isinstance(content, dict) or content.keys() != {"request", "answer"}:  # pyright: ignore[reportUnknownMemberType]
            raise ValueError(f'{path} line {number} is not {{"request": …, "answer": …}}')
        yield Case(content["request"], content["answer"], f"{path} line {number}")


def _difference(wanted: Any, got: Any, place: str) -> str:
    """Return the first difference in words; '' if the answer holds all that is wanted."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        return _difference_of_objects(cast(Answer, wanted), cast(Answer, got), place)
    if isinstance(wanted, list) and isinstance(got, list):
        ours, theirs = cast(list[Any], wanted), cast(list[Any], got)
        if len(ours) == len(theirs):
            found = (
                _difference(a, b, f"{place}[{at}]")
                for at, (a, b) in enumerate(zip(ours, theirs, strict=True))
            )
            return next((wrong for wrong in found if wrong), "")
    if _is_number(wanted) and _is_number(got):
        equal = math.isclose(
            float(cast(float, wanted)), cast(float, got), rel_tol=_TOLERANCE, abs_tol=_TOLERANCE
        )
    else:
        equal = bool(wanted == got) and type(cast(Any, wanted)) is type(cast(Any, got))
    what = f"has {place} " if place else "has "
    return "" if equal else f"{what}{_shown(got)}, expected {_shown(wanted)}"


def _difference_of_objects(wanted: Answer, got: Answer, place: str) -> str:
    for key, value in wanted.items():
        inside = f"{place}.{key}" if place else key
        if key not in got:
            return f"has no {inside}"
        if wrong := _difference(value, got[key], inside):
            return wrong
    return ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
