"""The providers around a container, with a `docker` that answers from a file."""

import http.server
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slipway.components.local import process
from slipway.components.local.container_provider import ContainerImageProvider, ContainerReadyProvider
from slipway.components.local.docker import DockerError
from slipway.components.local.record import Lease, ProcessId, ProcessRecord
from tests.fake_docker import FakeDocker, described

CONTAINER = "c" * 64
DIGEST = f"host/slipway@sha256:{'0' * 64}"


class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/ready" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    fake = FakeDocker(tmp_path / "bin")
    monkeypatch.setenv("PATH", fake.path)
    return fake


@pytest.fixture
def server() -> Iterator[http.server.HTTPServer]:
    """Answers `/ready`, as the server in the container would."""
    server = http.server.HTTPServer(("127.0.0.1", 0), Ready)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def image(tmp_path: Path, free_port: int) -> dict[str, Any]:
    folder = str(tmp_path / "run")
    return {"image": "slipway", "service": "slipway-local", "run_folder": folder, "port": float(free_port)}


def ready_props(port: int) -> dict[str, Any]:
    return {"service": "slipway-local", "container": CONTAINER, "url": f"http://127.0.0.1:{port}"}


def faults(props: dict[str, Any], olds: dict[str, Any] | None = None) -> dict[str, str]:
    found = ContainerImageProvider().check(olds or {}, props)
    return {failure.property: failure.reason for failure in found.failures}


def test_a_name_becomes_the_id_that_it_stands_for_now(engine: FakeDocker, image: dict[str, Any]) -> None:
    engine.has(images={"slipway": "sha256:1"})
    provider = ContainerImageProvider()
    checked = provider.check({}, image)
    assert (checked.failures, checked.inputs["image_id"]) == ([], "sha256:1")
    made = provider.create(checked.inputs)
    assert (made.id, (made.outs or {})["image_id"]) == ("slipway-local", "sha256:1")
    assert provider.diff("", checked.inputs, provider.check(checked.inputs, image).inputs).changes is False

    engine.has(described(), images={"slipway": "sha256:2"})
    again = provider.check(checked.inputs, image).inputs
    assert provider.diff("", checked.inputs, again).changes is True
    assert (provider.update("", checked.inputs, again).outs or {})["image_id"] == "sha256:2"


def test_an_image_that_the_engine_lacks_is_refused_with_the_command_that_makes_it(
    engine: FakeDocker, image: dict[str, Any]
) -> None:
    assert (
        "has no image 'slipway'. In a checkout of Slipway `make image` makes `slipway`"
        in faults(image)["image"]
    )


def test_a_digest_reference_that_the_engine_lacks_is_pulled_once(
    engine: FakeDocker, image: dict[str, Any]
) -> None:
    provider, props = ContainerImageProvider(), {**image, "image": DIGEST}
    checked = provider.check({}, props)
    assert (checked.failures, "image_id" in checked.inputs) == ([], False)
    made = provider.create(checked.inputs).outs or {}
    assert made["image_id"] == "sha256:pulled"
    assert provider.diff("", made, provider.check(made, props).inputs).changes is False
    assert [line for line in engine.asked if line.startswith("pull")] == [f"pull --quiet {DIGEST}"]


def test_an_engine_that_does_not_answer_is_a_fault_in_the_preview(
    engine: FakeDocker, image: dict[str, Any]
) -> None:
    engine.has(down=True)
    assert "Cannot connect to the Docker daemon" in faults(image)["image"]


def test_a_port_in_use_is_refused_unless_the_service_itself_runs_there(
    engine: FakeDocker, image: dict[str, Any], server: http.server.HTTPServer
) -> None:
    taken = {**image, "port": float(server.server_port)}
    engine.has(images={"slipway": "sha256:1"})
    assert f"Port {server.server_port} on 127.0.0.1 cannot be used" in faults(taken)["port"]
    engine.has(described(), images={"slipway": "sha256:1"})
    assert faults(taken, olds=taken) == {}


def test_a_strangers_container_of_the_same_name_is_refused(engine: FakeDocker, image: dict[str, Any]) -> None:
    engine.has(described(), images={"slipway": "sha256:1"})
    assert "`docker rm -f slipway-local`" in faults(image)["service"]


def test_a_process_of_the_stack_is_stopped_first(engine: FakeDocker, image: dict[str, Any]) -> None:
    engine.has(images={"slipway": "sha256:1"})
    folder, own = Path(image["run_folder"]), ProcessId.of(os.getpid())
    Lease("slipway up", "slipway-local", "http://127.0.0.1:8000", "m", "v").write(folder)
    ProcessRecord(own, own, 1, "watchdog", time.time()).write(folder)
    assert faults(image) == {
        "service": "it runs as a process at http://127.0.0.1:8000, started by `slipway up`. "
        "Stop it first: `slipway down` (or `make down`)."
    }


def test_it_is_made_when_the_server_answers_and_is_no_change_while_it_does(
    engine: FakeDocker, server: http.server.HTTPServer
) -> None:
    engine.has(described())
    provider, props = ContainerReadyProvider(), ready_props(server.server_port)
    made = provider.create(props)
    assert made.outs == props
    assert provider.diff("", props, props).changes is False
    assert provider.diff("", props, {**props, "container": "another"}).changes is True


def test_a_container_that_ended_is_a_change_and_is_started_again(
    engine: FakeDocker, server: http.server.HTTPServer
) -> None:
    engine.has(described(Status="exited", ExitCode=137))
    provider, props = ContainerReadyProvider(), ready_props(server.server_port)
    assert provider.diff("", props, props).changes is True
    provider.update("", props, props)
    assert f"start {CONTAINER}" in engine.asked


def test_a_container_that_is_gone_names_the_command_that_makes_it_anew(engine: FakeDocker) -> None:
    with pytest.raises(
        process.StartFailed, match=r"slipway-local is gone\. `pulumi up --refresh` recreates it"
    ):
        ContainerReadyProvider().update("", {}, ready_props(1))


def test_a_kill_for_memory_comes_with_limit_peak_setting_and_last_lines(engine: FakeDocker) -> None:
    killed = described(restarts=1, memory_mib=64, Status="restarting", ExitCode=137, OOMKilled=True)
    engine.has(killed, log='{"message":"Loading model"}\n')
    with pytest.raises(process.StartFailed) as caught:
        ContainerReadyProvider().create(ready_props(1))
    said = str(caught.value)
    assert "ran out of memory: its limit is 64 MiB, it reached 64 MiB and was killed. Raise `memory`" in said
    assert said.endswith('Last lines of its log:\n  {"message":"Loading model"}')


def test_the_servers_own_last_error_is_the_cause_where_it_gave_one(engine: FakeDocker) -> None:
    line = '{"message":"/model cannot be read (Permission denied)","cause":"bad_settings"}\n'
    engine.has(described(Status="restarting", ExitCode=2), log=line)
    with pytest.raises(process.StartFailed, match=r"^/model cannot be read"):
        ContainerReadyProvider().create(ready_props(1))


def test_an_engine_that_does_not_answer_is_told_while_waiting_too(engine: FakeDocker) -> None:
    engine.has(down=True)
    with pytest.raises(DockerError, match="Cannot connect"):
        ContainerReadyProvider().create(ready_props(1))
