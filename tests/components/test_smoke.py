import json
from pathlib import Path
from typing import Any

import pytest

from slipway.components.smoke import Case, Unanswered, smoke_cases, smoke_test

HEALTH = {"model_version": "spam-1+0123456789ab"}


def fault_of(answer: Any, expected: Any, status: int) -> str:
    def ask(method: str, _path: str, _body: Any) -> tuple[int, Any]:
        return (200, HEALTH) if method == "GET" else (status, answer)

    return smoke_test(ask, "classify", [Case({"text": "x"}, expected, "line 1")]).fault


@pytest.mark.parametrize(
    ("answer", "expected", "fault"),
    [
        ({"label": "spam", "score": 0.91}, None, ""),
        ({"label": "spam", "score": 0.91}, {"label": "spam"}, ""),
        ({"label": "spam", "score": 0.913}, {"score": 0.91}, ""),
        ({"label": "spam", "score": 0.7}, {"score": 0.91}, "line 1 has score 0.7, expected 0.91"),
        ({"label": "ham"}, {"label": "spam"}, 'line 1 has label "ham", expected "spam"'),
        ({"label": "ham"}, {"lable": "ham"}, "line 1 has no lable"),
        ({"rows": [[1, 2.0]]}, {"rows": [[1, 2]]}, ""),
        ({"rows": [[1, 2]]}, {"rows": [[1, 3]]}, "line 1 has rows[0][1] 2, expected 3"),
        ({"rows": [1]}, {"rows": [1, 2]}, "line 1 has rows [1], expected [1, 2]"),
        ({"ok": True}, {"ok": 1}, "line 1 has ok true, expected 1"),
    ],
)
def test_an_answer_must_hold_what_is_expected_and_may_hold_more(
    answer: Any, expected: Any, fault: str
) -> None:
    assert fault_of(answer, expected, 200) == fault


def test_another_status_than_200_is_wrong_whatever_is_expected() -> None:
    assert fault_of({"detail": "overloaded"}, None, 503).startswith("line 1 was answered with 503")


def test_another_model_and_no_answer_are_wrong() -> None:
    def ask(_method: str, _path: str, _body: Any) -> tuple[int, Any]:
        return 200, HEALTH

    result = smoke_test(ask, "classify", [Case({})], expected_model="spam-2+0123456789ab")
    assert result.fault == "spam-1+0123456789ab serves, and spam-2+0123456789ab should"

    def silent(_method: str, _path: str, _body: Any) -> tuple[int, Any]:
        raise Unanswered("timed out")

    assert smoke_test(silent, "classify", [Case({})]).fault == "no answer: timed out"


def test_a_file_has_a_request_and_an_answer_in_each_line(tmp_path: Path) -> None:
    path = tmp_path / "smoke.jsonl"
    line = json.dumps({"request": {"text": "x"}, "answer": {"label": "ham"}})
    path.write_text(f"{line}\n\n{line}\n")
    first, *others = smoke_cases({"task": "classify", "examples": ["hello"]}, str(path))
    assert (first.request, first.answer) == ({"text": "hello"}, None)
    assert [case.answer for case in others] == [{"label": "ham"}] * 2
    assert others[1].place.endswith("line 3")
    path.write_text(f'{line}\n{{"request": 1}}\n')
    with pytest.raises(ValueError, match="line 2 is not"):
        smoke_cases({"task": "classify"}, str(path))
    with pytest.raises(ValueError, match="cannot be read"):
        smoke_cases({"task": "classify"}, str(tmp_path / "none"))
