"""`python -m service.sources`, as an init container runs it before the server."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.service.running_server import environment, running_server
from tests.service.sources.buckets import Bucket, GcsBucket
from tests.service.sources.fetching import files_in
from tests.service.sources.front import Fault
from tests.service.sources.test_server_from_bucket import assert_answers, environ_for


def run(environ: dict[str, Any]) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and log lines; nothing else may stand anywhere."""
    done = subprocess.run(
        [sys.executable, "-m", "service.sources"],
        env=environment(**environ),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == b""
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def test_the_server_afterwards_fetches_nothing_but_the_manifest(bucket: Bucket, tmp_path: Path):
    environ = environ_for(bucket, tmp_path)
    code, lines = run(environ)
    assert (code, [line["level"] for line in lines if line["level"] != "info"]) == (0, [])
    assert files_in(tmp_path / "cache") == {"model.onnx", "tokenizer.json"}
    with running_server(tmp_path / "log", **environ) as server:
        assert_answers(server)
    assert len(bucket.front.gets("model.onnx")) == 1


def test_it_goes_on_after_a_break(gs: GcsBucket, tmp_path: Path):
    environ = environ_for(gs, tmp_path)
    gs.front.faults = [Fault("model.onnx", cut_after_bytes=600_000)]
    assert run(environ)[0] == 0
    whole, rest = [request.headers.get("range") for request in gs.front.gets("model.onnx")]
    assert whole is None
    assert rest is not None
    assert int(rest.removeprefix("bytes=").removesuffix("-")) > 0


def test_what_cannot_be_had_is_told_and_ends_with_2(gs: GcsBucket, tmp_path: Path):
    environ = environ_for(gs, tmp_path)
    gs.front.faults = [Fault("model.onnx", times=9, flip=True)]
    code, lines = run(environ)
    assert (code, lines[-1]["level"], lines[-1]["cause"]) == (2, "error", "bad_model")


def test_without_a_source_there_is_nothing_to_fetch():
    code, lines = run({})
    assert code == 2
    assert "MODEL_SOURCE: not set" in lines[-1]["message"]
