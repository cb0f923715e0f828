"""The `slipway` command from outside, with the real server."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.conftest import write_stack
from tests.infra.command import COMMAND, ENVIRONMENT, ROOT, pasted, refused, report, slipway


def test_up_prints_a_url_and_a_request_that_works_when_pasted(running: Path) -> None:
    said = slipway(running, "up").stdout
    assert json.loads(pasted(running, said))["label"] == "spam"
    assert report(running, "output")["url"] in said


def test_the_key_is_shown_once_and_in_no_command(project: Path) -> None:
    first, second = (slipway(project, "up").stdout for _ in range(2))
    key = slipway(project, "output", "apiKey", "--show-secrets").stdout.strip()
    header = slipway(project, "output", "apiKey", "--as-header").stdout
    slipway(project, "down")
    assert first.count(key) == 1
    assert f"  Key   {key}\n" in first
    assert key not in second
    assert "output apiKey --show-secrets" in second
    assert header == f"Authorization: Bearer {key}\n"
    assert "--as-header is for the key" in refused(project, "output", "url", "--as-header")


@pytest.mark.parametrize("option", ["--version", "-h", "--help"])
def test_version_and_help_need_no_project(tmp_path: Path, option: str) -> None:
    done = slipway(tmp_path, option)
    assert done.returncode == 0, done.stderr
    assert ("Usage" in done.stdout) is (option != "--version")
    assert ("slipway 0." in done.stdout) is (option == "--version")


def test_status_tells_what_runs(started: Path) -> None:
    status = report(started, "status")
    assert (status["stack"], status["target"], status["state"]) == ("local", "local", "ready")
    assert status["limits"]["memory_mib"] == 1024
    assert (status["model"], status["device"]) == ("bundled:sms-spam", "cpu")
    assert 10 < status["rss_mib"] < 500
    assert {"url", "pid", "started_at", "version"} <= set(status)
    os.kill(status["pid"], signal.SIGKILL)
    time.sleep(0.5)
    dead = report(started, "status")
    assert dead["state"] == "failed"
    assert "SIGKILL" in dead["reason"]
    assert report(started, "up")["result"] == "updated"


def test_status_shows_the_signals_since_the_last_look(running: Path) -> None:
    outputs = report(running, "output", "--show-secrets")
    headers = {"Authorization": f"Bearer {outputs['apiKey']}"}
    report(running, "status")
    for text in ("one", "two", ""):
        httpx.post(f"{outputs['url']}/predict", json={"text": text}, headers=headers)
    signals = report(running, "status")["signals"]
    assert (signals["since"], signals["requests"], signals["error_share"]) == ("last-look", 3, 0)
    assert 0 < signals["p50_ms"] <= signals["p99_ms"]
    assert (signals["queue_calls"], signals["memory_limit_mib"]) == (0, 1024)
    assert 0 < signals["memory_mib"] < 1024
    words = slipway(running, "status").stdout
    assert "0/s (since the last look, " in words
    assert "no answers in this time" in words
    assert "of 1024 MiB" in words


def test_a_second_up_changes_nothing_and_a_changed_setting_restarts(started: Path, free_port: int) -> None:
    before = report(started, "status")
    assert report(started, "up")["result"] == "unchanged"
    assert report(started, "status")["pid"] == before["pid"]
    write_stack(started, {"target": "local", "memory": "512Mi", "port": str(free_port)})
    assert report(started, "up")["result"] == "updated"
    after = report(started, "status")
    assert after["pid"] != before["pid"]
    assert after["limits"]["memory_mib"] == 512


def test_outputs_hide_the_key_until_asked(running: Path) -> None:
    key = slipway(running, "output", "apiKey", "--show-secrets").stdout.strip()
    assert len(key) >= 32
    assert key not in slipway(running, "output").stdout
    assert report(running, "output")["apiKey"] == "[secret]"
    assert key not in slipway(running, "up", "--format", "json").stdout
    assert "no output 'nothing'; it has apiKey, consoleUrl" in refused(running, "output", "nothing")


def test_up_prints_a_link_that_opens_the_page_once(started: Path) -> None:
    first, second = (re.search(r"Page +(http://\S+)", slipway(started, "up").stdout) for _ in range(2))
    assert first
    assert second
    assert first[1] != second[1]
    opened = httpx.get(second[1])
    cookie = {"Cookie": opened.headers["set-cookie"].partition(";")[0]}
    url = report(started, "output")["url"]
    assert httpx.post(f"{url}/predict", json={"text": "x"}, headers=cookie).status_code == 200
    assert "set-cookie" not in httpx.get(second[1]).headers
    assert "set-cookie" not in httpx.get(url).headers


def test_the_run_folder_is_its_owners_alone(started: Path) -> None:
    folder = started / ".slipway/slipway-local"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "server.log").stat().st_mode & 0o777 == 0o600


def test_quality_asks_the_stacks_own_server(running: Path) -> None:
    assert "predictions" in report(running, "quality")
    done = slipway(running, "quality")
    assert (done.returncode, "predictions" in done.stdout) == (0, True)


def test_a_comparison_with_nothing_is_refused(running: Path) -> None:
    """As where a variable that should name the base is empty."""
    assert "name a branch, a tag or a commit" in refused(running, "preview", "--against", "")


def test_logs_show_each_request_as_json_without_its_text(running: Path) -> None:
    outputs = report(running, "output", "--show-secrets")
    httpx.post(
        f"{outputs['url']}/predict",
        json={"text": "a private message"},
        headers={"Authorization": f"Bearer {outputs['apiKey']}"},
    )
    lines = [json.loads(line) for line in slipway(running, "logs").stdout.splitlines()]
    assert any(line.get("route") == "/predict" and line.get("status") == 200 for line in lines)
    assert "a private message" not in str(lines)
    assert outputs["apiKey"] not in str(lines)
    assert len(slipway(running, "logs", "--tail", "1").stdout.splitlines()) == 1


def test_logs_follow_goes_on_until_interrupted(running: Path) -> None:
    url = report(running, "output")["url"]
    with subprocess.Popen(
        [*COMMAND, "logs", "-f", "--tail", "1"],
        cwd=running,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        text=True,
    ) as following:
        assert following.stdout
        patience = threading.Timer(60, following.kill)  # else a reader that gets nothing waits for ever
        patience.start()
        assert following.stdout.readline()  # of what was there: from now on it follows
        httpx.post(f"{url}/predict", json={"text": "x"})
        assert json.loads(following.stdout.readline())["status"] == 401
        following.send_signal(signal.SIGINT)
        assert following.wait(10) == 0
        patience.cancel()


def test_a_reader_that_has_enough_is_no_error(running: Path) -> None:
    command = " ".join(shlex.quote(part) for part in [*COMMAND, "logs"])
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command} | head -n 1"],
        cwd=running,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_down_leaves_no_process_and_no_state_and_lists_what_remains(started: Path) -> None:
    pid = report(started, "status")["pid"]
    said = report(started, "down")
    assert said == {"stack": "local", "stopped": True, "remains": [".slipway/slipway-local/server.log"]}
    assert not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2]
    assert [path.name for path in (started / ".slipway/slipway-local").iterdir()] == ["server.log"]
    assert report(started, "status")["state"] == "stopped"
    assert report(started, "down")["stopped"] is False


def test_a_model_from_a_folder_is_served(project: Path, free_port: int, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "service/models/sms-spam", tmp_path / "mine")
    write_stack(project, {"target": "local", "model": f"file:{tmp_path / 'mine'}", "port": str(free_port)})
    try:
        assert report(project, "up")["result"] == "created"
        assert report(project, "status")["model"] == f"file:{tmp_path / 'mine'}"
    finally:
        slipway(project, "down")


def test_preview_is_data_for_programs(project: Path) -> None:
    (stack,) = report(project, "preview", "local", "--set", "memory=4Gi")["stacks"]
    assert (stack["name"], stack["findings"]) == ("local", [])
    always = {"urn", "type", "name", "parent", "custom", "inputs", "dependencies"}
    assert all(always <= set(one) for one in stack["resources"])
    process = next(one for one in stack["resources"] if one["name"] == "slipway-local-process")
    assert process["inputs"]["memory_gib"] == 4
    assert stack["outputs"]["apiKey"] == "[unknown]"
    assert not (project / ".slipway").exists()


def test_preview_finds_what_has_no_effect(project: Path) -> None:
    (stack,) = report(project, "preview", "--set", "maxInstances=10")["stacks"]
    (finding,) = stack["findings"]
    assert set(finding) == {"severity", "title", "reason", "fix"}
    assert "maxInstances" in slipway(project, "preview", "--set", "maxInstances=10").stdout


def test_an_interrupted_up_leaves_nothing_half_made(project: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "up"],
        cwd=project,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while not (project / ".slipway/slipway-local/lease.json").exists():
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert "Interrupted" in err
    assert "Traceback" not in err
    assert report(project, "status")["state"] == "stopped"
    left = {path.name for path in (project / ".slipway/slipway-local").iterdir()}
    assert left <= {"lock", "server.log"}


def test_another_stack_is_handed_over_to_pulumi(project: Path, tmp_path: Path) -> None:
    write_stack(project, {"target": "cloud-run", "project": "acme-prod", "region": "europe-west4"}, "prod")
    message = refused(project, "up", "prod", PATH="/nowhere")
    assert "`pulumi up --stack prod`" in message
    assert "make setup-cloud" in message
    fake = tmp_path / "bin" / "pulumi"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\necho "pulumi $*"\n')
    fake.chmod(0o755)
    done = slipway(project, "up", "prod", PATH=f"{fake.parent}:{os.environ['PATH']}")
    assert (done.returncode, done.stdout) == (0, "pulumi up --stack prod\n")


def pulumi_after(folder: Path, result: str, pending: str = "[]") -> str:
    """Return a PATH with a `pulumi` whose last run had that result, and which prints its arguments."""
    fake = folder / "bin" / "pulumi"
    fake.parent.mkdir()
    fake.write_text(
        '#!/bin/sh\ncase "$2" in\n'
        f"""export) echo '{{"deployment": {{"pending_operations": {pending}}}}}';;\n"""
        f"""history) echo '[{{"kind": "update", "result": "{result}"}}]';;\n"""
        '*) echo "pulumi $*";;\nesac\n'
    )
    fake.chmod(0o755)
    return f"{fake.parent}:{os.environ['PATH']}"


@pytest.mark.parametrize(
    ("result", "pending", "said", "options"),
    [
        ("succeeded", "[]", "", ""),
        ("failed", "[]", "The last run of stack prod failed", " --refresh"),
        ("succeeded", '[{"type": "creating"}]', "The last run of stack prod was interrupted", " --refresh"),
    ],
)
def test_up_reads_first_what_is_there_after_a_run_that_did_not_end_well(
    project: Path, tmp_path: Path, result: str, pending: str, said: str, options: str
) -> None:
    write_stack(project, {"target": "cloud-run", "project": "acme-prod", "region": "europe-west4"}, "prod")
    path = pulumi_after(tmp_path, result, pending)
    done = slipway(project, "up", "prod", PATH=path)
    assert (done.returncode, done.stdout) == (0, f"pulumi up --stack prod{options}\n")
    assert said in " ".join(done.stderr.split())
    assert ("docs/guides/stuck-stacks.md" in done.stderr) is bool(said)
    assert slipway(project, "up", "prod", "--no-refresh", PATH=path).stdout == "pulumi up --stack prod\n"
    assert (
        slipway(project, "up", "prod", "--refresh", PATH=path).stdout == "pulumi up --stack prod --refresh\n"
    )
