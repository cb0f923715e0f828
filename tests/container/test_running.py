"""The container at work: what it may do, how it is checked, how it ends."""

import json
import shutil
import subprocess
import threading
import time
from pathlib import Path

import httpx
import pytest

from slipway.service.settings import BUNDLED_MODEL
from tests.container.engine import Container, Image, container
from tests.service.running_server import AUTHORIZED, HAM, KEY, SPAM

pytestmark = pytest.mark.container

ASK_WITHIN = f"""
import json, urllib.request
headers = {{"Authorization": "Bearer {KEY}", "Content-Type": "application/json"}}
body = json.dumps({{"text": {SPAM!r}}}).encode()
request = urllib.request.Request("http://127.0.0.1:8080/predict", body, headers)
print(urllib.request.urlopen(request).read().decode())
"""


def ended(image: Image, *options: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr of a container that does not live long."""
    command = ["docker", "run", "--rm", "--network=none", *options, image.reference]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_it_runs_as_the_fixed_user_and_can_write_nowhere(server: Container) -> None:
    assert server.python("import os; print(os.getuid(), os.getgid())") == "10001 10001"
    for folder in ("/app", "/opt/packages", "/tmp", "/home"):
        wrote = subprocess.run(
            ["docker", "exec", server.name, "python", "-c", f"open('{folder}/x', 'w')"],
            capture_output=True,
            text=True,
        )
        assert "Read-only file system" in wrote.stderr or "Permission denied" in wrote.stderr, folder


def test_it_answers_where_there_is_no_network_and_no_shell(image: Image, tmp_path: Path) -> None:
    options = ("--network=none", "--volume=/dev/null:/bin/sh:ro", "--publish-all=false")
    with container(image, tmp_path / "log", *options, ready=False) as isolated:
        isolated.wait_for(lambda: [li for li in isolated.log if li["message"].startswith("Model ready")], 1)
        assert json.loads(isolated.python(ASK_WITHIN))["label"] == "spam"


def test_every_line_of_its_output_is_a_json_object(image: Image, tmp_path: Path) -> None:
    with container(image, tmp_path / "log") as running:  # stderr is in this log too
        httpx.post(f"{running.url}/predict", json={"text": HAM}, headers=AUTHORIZED)
        assert running.stop() == 0
        assert [line["message"] for line in running.log][-1] == "Stopped"
        assert KEY not in running.log_text


def test_docker_calls_it_healthy_on_the_port_that_it_was_given(image: Image, tmp_path: Path) -> None:
    with container(image, tmp_path / "log", "--env=PORT=9000", port=9000) as running:
        end = time.monotonic() + 30
        while (health := running.state()["Health"])["Status"] == "starting":
            assert time.monotonic() < end, health
            time.sleep(0.1)
        assert health["Status"] == "healthy", health


def test_a_stop_while_requests_are_under_way_answers_them_and_ends_with_exit_code_0(
    image: Image, tmp_path: Path
) -> None:
    statuses: list[int] = []
    with container(image, tmp_path / "log") as running, httpx.Client(headers=AUTHORIZED) as client:

        def ask() -> None:
            answer = client.post(f"{running.url}/predict", json={"text": [SPAM] * 1000}, timeout=60)
            statuses.append(answer.status_code)

        callers = [threading.Thread(target=ask) for _ in range(3)]
        for caller in callers:
            caller.start()
        time.sleep(0.2)
        assert running.stop() == 0
        for caller in callers:
            caller.join()
        assert statuses == [200, 200, 200]
        assert running.state()["OOMKilled"] is False


def test_a_memory_limit_that_is_too_small_shows_as_oom_killed_while_the_model_loads(
    image: Image, tmp_path: Path
) -> None:
    small = ("--memory=48m", "--memory-swap=48m")
    with container(image, tmp_path / "log", *small, ready=False) as running:
        assert running.process.wait(timeout=30) == 137
        assert running.state()["OOMKilled"] is True
        assert running.log[-1]["message"].startswith("Loading model sms-spam-")


def test_without_a_key_it_ends_with_exit_code_2_and_one_line_that_names_it(image: Image) -> None:
    code, stdout, stderr = ended(image)
    assert (code, stderr) == (2, "")
    line = json.loads(stdout)
    assert (line["level"], line["cause"]) == ("error", "bad_settings")
    assert "MODEL_API_KEY: not set" in line["message"]


def test_a_model_folder_that_is_mounted_is_served(image: Image, tmp_path: Path) -> None:
    model = another_model(tmp_path / "model")
    mounted = (f"--volume={model}:/model:ro", "--env=MODEL_DIR=/model")
    with container(image, tmp_path / "log", *mounted) as running:
        assert httpx.get(f"{running.url}/health").json()["model"] == "another"
        answer = httpx.post(f"{running.url}/predict", json={"text": SPAM}, headers=AUTHORIZED)
        assert answer.json()["label"] == "unwanted"


def test_a_model_folder_that_its_user_cannot_read_is_told_by_name(image: Image, tmp_path: Path) -> None:
    model = another_model(tmp_path / "model")
    model.chmod(0o700)
    options = (f"--env=MODEL_API_KEY={KEY}", f"--volume={model}:/model:ro", "--env=MODEL_DIR=/model")
    code, stdout, stderr = ended(image, *options)
    assert (code, stderr) == (2, "")
    assert "/model cannot be read (Permission denied)" in json.loads(stdout)["message"]


def another_model(folder: Path) -> Path:
    """Copy the bundled model under another name and with other labels."""
    shutil.copytree(BUNDLED_MODEL, folder)
    folder.chmod(0o755)
    manifest = folder / "manifest.json"
    changed = {"name": "another", "labels": ["wanted", "unwanted"]}
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | changed))
    return folder
