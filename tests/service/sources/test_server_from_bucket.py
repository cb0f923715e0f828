"""The whole server, in a process of its own, with its model in a bucket."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from slipway.service.settings import BUNDLED_MODEL
from tests.service.running_server import (
    AUTHORIZED,
    SPAM,
    RunningServer,
    environment,
    failed_start,
    running_server,
)
from tests.service.sources.buckets import Bucket, GcsBucket, S3Bucket
from tests.service.sources.fetching import files_in
from tests.service.sources.front import Fault


def environ_for(bucket: Bucket, tmp_path: Path) -> dict[str, Any]:
    source = bucket.put_folder(BUNDLED_MODEL)
    return bucket.environ | {"MODEL_SOURCE": source, "MODEL_CACHE_DIR": str(tmp_path / "cache")}


def lines_with(server: RunningServer, begin: str) -> Callable[[], list[dict[str, Any]]]:
    return lambda: [line for line in server.log if line["message"].startswith(begin)]


def assert_answers(server: RunningServer) -> None:
    answer = httpx.post(f"{server.url}/predict", json={"text": SPAM}, headers=AUTHORIZED).json()
    assert answer["label"] == "spam"
    assert answer["model_version"].startswith("fetched-1.0.0+")


def assert_told(environ: dict[str, Any], cause: str, *parts: str) -> None:
    code, lines, stderr = failed_start(**environ)
    assert (code, stderr) == (2, "")
    error = lines[-1]
    assert error.keys() == {"time", "level", "kind", "message", "cause"}
    assert (error["level"], error["cause"]) == ("error", cause)
    assert [line["level"] for line in lines].count("error") == 1
    for part in parts:
        assert part in error["message"]


def test_it_answers_with_the_model_of_the_bucket_and_the_next_start_fetches_nothing(
    bucket: Bucket, tmp_path: Path
):
    environ = environ_for(bucket, tmp_path)
    for start in ("first", "second"):
        with running_server(tmp_path / start, **environ) as server:
            assert_answers(server)
            fetched = [line["file"] for line in server.log if line["message"].startswith("Fetched ")]
            assert fetched == (["model.onnx", "tokenizer.json"] if start == "first" else [])
    assert len(bucket.front.gets("model.onnx")) == 1
    assert len(bucket.front.gets("manifest.json")) == 2


def test_while_the_model_is_fetched_it_is_alive_but_not_ready(gs: GcsBucket, tmp_path: Path):
    environ = environ_for(gs, tmp_path)
    gs.front.faults = [Fault("model.onnx", stall_seconds=5)]
    with running_server(tmp_path / "log", False, **environ) as server:
        assert httpx.get(f"{server.url}/alive").status_code == 200
        assert httpx.get(f"{server.url}/health").json()["model"] == "fetched"
        not_ready = httpx.get(f"{server.url}/ready")
        assert (not_ready.status_code, not_ready.json()["detail"]) == (503, "the model is still loading")
        server.wait_until_ready()
        assert_answers(server)


def test_a_stop_during_a_download_is_prompt_and_the_next_start_goes_on_from_there(
    s3: S3Bucket, tmp_path: Path
):
    environ = environ_for(s3, tmp_path)
    s3.front.faults = [
        Fault("model.onnx", cut_after_bytes=600_000),
        Fault("model.onnx", stall_seconds=15),
    ]
    with running_server(tmp_path / "log", False, **environ) as server:
        server.wait_for(lines_with(server, "Try 1 of"), 1)
        server.wait_for(lambda: [{}] * len(s3.front.gets("model.onnx")), 2)
        begun = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - begun < 3
        assert server.log[-1]["message"] == "Stopped"
        assert "Traceback" not in server.log_text
    assert "model.onnx.part" in files_in(tmp_path / "cache")
    s3.front.requests.clear()
    with running_server(tmp_path / "again", **environ) as server:
        assert_answers(server)
    (asked,) = [request.headers["range"] for request in s3.front.gets("model.onnx")]
    assert int(asked.removeprefix("bytes=").removesuffix("-")) >= 256_000


def test_a_stop_while_the_store_does_not_answer_is_prompt(gs: GcsBucket, tmp_path: Path):
    environ = environ_for(gs, tmp_path)
    gs.front.faults = [Fault("manifest.json", silent_seconds=5)]
    command = [sys.executable, "-m", "service"]
    with subprocess.Popen(
        command, env=environment(**environ), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as server:
        while not gs.front.gets("manifest.json"):
            assert server.poll() is None
            time.sleep(0.005)
        begun = time.monotonic()
        server.terminate()
        output, _ = server.communicate(timeout=10)
    assert (server.returncode, b"Traceback" in output) == (0, False), output
    assert time.monotonic() - begun < 3


def test_a_folder_without_permission_is_told(s3: S3Bucket, tmp_path: Path):
    environ = environ_for(s3, tmp_path)
    s3.front.faults = [Fault("manifest.json", times=9, status=403, code="AccessDenied")]
    assert_told(environ, "model_access_denied", "AccessDenied", environ["MODEL_SOURCE"])


def test_a_file_that_is_not_the_manifests_is_told(gs: GcsBucket, tmp_path: Path):
    environ = environ_for(gs, tmp_path)
    gs.front.faults = [Fault("model.onnx", times=9, flip=True)]
    assert_told(environ, "bad_model", "model.onnx has sha256", "manifest.json says")
    assert files_in(tmp_path / "cache") == set()


def test_a_source_without_a_pin_is_told(s3: S3Bucket, tmp_path: Path):
    environ = environ_for(s3, tmp_path)
    unpinned = environ["MODEL_SOURCE"].partition("@")[0]
    assert_told(environ | {"MODEL_SOURCE": unpinned}, "bad_settings", f"MODEL_SOURCE: got '{unpinned}'")


def test_the_bundled_model_starts_without_the_client(server: RunningServer):
    assert "obstore" not in Path(f"/proc/{server.process.pid}/maps").read_text()
