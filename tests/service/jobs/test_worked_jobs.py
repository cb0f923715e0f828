"""Jobs from their acceptance to their end, with a real server and a real worker."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service.running_server import HAM, SPAM, RunningServer, running_server


@pytest.fixture(scope="module", autouse=True)
def jobs_worker(
    tmp_path_factory: pytest.TempPathFactory, jobs_server: RunningServer, jobs_settings: dict[str, str]
) -> Iterator[RunningServer]:
    log = tmp_path_factory.mktemp("worker") / "log"
    with running_server(log, ROLE="worker", **jobs_settings) as running:
        yield running


def ended(client: httpx.Client, body: Any) -> dict[str, Any]:
    answer = client.post("/jobs", json=body)
    assert answer.status_code == 202, answer.text
    end = time.monotonic() + 60
    while time.monotonic() < end:
        job = client.get(f"/jobs/{answer.json()['id']}?wait=30").json()
        if job["ended_at"]:
            return job
    raise AssertionError(job)


def test_a_job_has_the_answer_of_its_route(caller: httpx.Client):
    job = ended(caller, {"request": {"text": SPAM}})
    assert (job["state"], job["attempts"], job["progress"]) == ("succeeded", 1, {"done": 1, "total": 1})
    answer = caller.post("/predict", json={"text": SPAM}).json()
    assert (job["result"]["label"], job["result"]["proba"]) == (answer["label"], answer["proba"])


def test_a_list_has_an_answer_for_each_request_in_its_order(caller: httpx.Client):
    job = ended(caller, {"requests": [{"text": SPAM}, {"text": [HAM, SPAM]}], "priority": 5})
    one, many = job["result"]
    assert one["label"] == "spam"
    assert [each["label"] for each in many["predictions"]] == ["ham", "spam"]


def test_a_worker_answers_no_caller(jobs_worker: RunningServer):
    assert httpx.get(f"{jobs_worker.url}/ready").status_code == 200
    assert httpx.post(f"{jobs_worker.url}/predict").status_code == 404
    assert httpx.post(f"{jobs_worker.url}/jobs").status_code == 404


def test_each_line_of_a_file_has_its_answer_or_its_reason(caller: httpx.Client, jobs_folder: Path):
    lines = [json.dumps({"text": SPAM}), json.dumps({"text": ""}), "no json", "", json.dumps({"text": HAM})]
    (jobs_folder / "lines.jsonl").write_text("\n".join(lines))
    address = f"file:{jobs_folder}"
    job = ended(caller, {"file": f"{address}/lines.jsonl", "output": f"{address}/out/answers.jsonl"})
    assert job["result"] == {"rows": 4, "refused": 2, "output": f"{address}/out/answers.jsonl"}
    answers = [json.loads(line) for line in (jobs_folder / "out/answers.jsonl").read_text().splitlines()]
    assert [each.get("label") for each in answers] == ["spam", None, None, "ham"]
    assert [each["problem"]["type"] for each in answers if "problem" in each] == [
        "urn:slipway:problem:invalid-input",
        "urn:slipway:problem:invalid-json",
    ]
    assert sorted(os.listdir(jobs_folder / "out")) == ["answers.jsonl"]


def test_each_row_of_a_csv_file_is_a_request(caller: httpx.Client, jobs_folder: Path):
    (jobs_folder / "rows.csv").write_text(f'id,text\n1,"{SPAM}"\n2\n3,"{HAM}"\n')
    address = f"file:{jobs_folder}"
    job = ended(caller, {"file": f"{address}/rows.csv", "output": f"{address}/rows.jsonl"})
    assert job["progress"] == {"done": 3, "total": 3}
    answers = [json.loads(line) for line in (jobs_folder / "rows.jsonl").read_text().splitlines()]
    assert [each.get("label") for each in answers] == ["spam", None, "ham"]
    assert "line 3 has 1 cells; the header has 2" in answers[1]["problem"]["detail"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("latin.csv", "text\nfine\ncafé\n".encode("latin-1"), "line 3 is not in utf-8: byte 0xe9"),
        ("wide.csv", "text\nfine\n".encode("utf-16"), "is in UTF-16"),
        ("latin.jsonl", '{"text":"café"}\n'.encode("latin-1"), "line 1 is not in utf-8"),
        ("empty.csv", b"", "is empty"),
        ("open.csv", b'text\n"never closed\n', "a quote that opens here is not closed"),
        ("twice.csv", b"text,text\na,b\n", "is there 2 times"),
        ("other.csv", b"a,b\n1,2\n", "has no column 'text'"),
    ],
)
def test_a_file_that_cannot_be_read_ends_the_job_with_its_cause(
    caller: httpx.Client, jobs_folder: Path, name: str, content: bytes, words: str
):
    (jobs_folder / name).write_bytes(content)
    output = jobs_folder / f"{name}.answers"
    job = ended(caller, {"file": f"file:{jobs_folder}/{name}", "output": f"file:{output}"})
    assert job["state"] == "failed"
    assert words in job["problem"]["detail"]
    assert "BATCH_" not in job["problem"]["detail"]
    assert not output.exists()


def test_no_link_leads_out_of_the_prefix(caller: httpx.Client, jobs_folder: Path, tmp_path: Path):
    (tmp_path / "secret.jsonl").write_text('{"text":"x"}\n')
    (jobs_folder / "link.jsonl").symlink_to(tmp_path / "secret.jsonl")
    (jobs_folder / "folder").symlink_to(tmp_path)
    (jobs_folder / "ok.jsonl").write_text('{"text":"x"}\n')
    address = f"file:{jobs_folder}"
    for source, output in (
        ("link.jsonl", "never.jsonl"),
        ("folder/secret.jsonl", "never.jsonl"),
        ("ok.jsonl", "folder/written.jsonl"),
    ):
        job = ended(caller, {"file": f"{address}/{source}", "output": f"{address}/{output}"})
        assert "it is a link" in job["problem"]["detail"] or "no folder" in job["problem"]["detail"]
    assert os.listdir(tmp_path) == ["secret.jsonl"]


def test_what_is_no_regular_file_is_not_read(caller: httpx.Client, jobs_folder: Path):
    os.mkfifo(jobs_folder / "pipe.jsonl")
    address = f"file:{jobs_folder}"
    job = ended(caller, {"file": f"{address}/pipe.jsonl", "output": f"{address}/never.jsonl"})
    assert "no regular file" in job["problem"]["detail"]


def test_an_output_that_is_a_link_is_replaced_and_not_followed(
    caller: httpx.Client, jobs_folder: Path, tmp_path: Path
):
    (tmp_path / "victim").write_text("kept")
    (jobs_folder / "out-link.jsonl").symlink_to(tmp_path / "victim")
    (jobs_folder / "ok.jsonl").write_text('{"text":"x"}\n')
    address = f"file:{jobs_folder}"
    ended(caller, {"file": f"{address}/ok.jsonl", "output": f"{address}/out-link.jsonl"})
    assert (tmp_path / "victim").read_text() == "kept"


def test_a_result_that_is_larger_than_the_database_holds_fails_with_what_to_do(caller: httpx.Client):
    texts = ["a"] * 1000
    job = ended(caller, {"requests": [{"text": texts}] * 40})
    assert (job["state"], job["problem"]["type"]) == ("failed", "urn:slipway:problem:result-too-large")
    assert "JOBS_RESULT_PREFIX" in job["problem"]["detail"]


def test_the_worker_logs_no_text_of_a_job(jobs_worker: RunningServer, caller: httpx.Client):
    ended(caller, {"request": {"text": "a sentence that only this job has"}})
    assert "only this job has" not in jobs_worker.log_text
