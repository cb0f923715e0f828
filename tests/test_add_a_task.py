"""docs/guides/add-a-task.md: its excerpts are the code's, its commands run, its smallest task serves."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.checkout import copy_of_the_checkout
from tests.docs.pages import commands
from tests.service.running_server import AUTHORIZED, environment
from tests.service.tasks.table_model import EXAMPLE, classifier, expected

ROOT = Path(__file__).resolve().parents[1]
GUIDE = (ROOT / "docs/guides/add-a-task.md").read_text()
CONVERT, *EXCERPTS, SMALLEST = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
[SERVE] = commands(GUIDE)


def test_every_excerpt_stands_in_the_code_as_it_is() -> None:
    code = (ROOT / "service/tasks/tabular.py").read_text() + (ROOT / "components/tasks.py").read_text()
    assert len(EXCERPTS) == 8
    for excerpt in EXCERPTS:
        assert excerpt in code, excerpt


def serve(clone: Path, port: int) -> str:
    """Run the guide's commands in a copy of the checkout that has models/iris; what they print."""
    (clone / ".venv").symlink_to(ROOT / ".venv")
    settings = clone / "Pulumi.local.yaml"
    settings.write_text(settings.read_text().replace('"8000"', f'"{port}"'))
    # `make` would see to the installation first, which here is this checkout's own.
    script = SERVE.replace("make up", ".venv/bin/slipway up").replace("make down", ".venv/bin/slipway down")
    env = os.environ | {"PYTHONPATH": str(clone)}
    command = ["bash", "-euo", "pipefail", "-c", script]
    try:
        done = subprocess.run(command, cwd=clone, env=env, capture_output=True, text=True, timeout=300)
    finally:
        subprocess.run([".venv/bin/slipway", "down"], cwd=clone, env=env, check=False, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_model_is_served_as_the_guide_says(tmp_path: Path, free_port: int) -> None:
    clone = copy_of_the_checkout(tmp_path / "clone")
    (clone / "models").mkdir()
    classifier(clone / "models/iris")
    said = serve(clone, free_port)
    assert '"label":"setosa"' in said
    assert '"model_version":"iris-1.0.0+' in said


@pytest.mark.skipif(
    importlib.util.find_spec("skl2onnx") is None,
    reason="skl2onnx is not installed here; `make test-torch` runs this where it is",
)
def test_what_scikit_learn_learned_is_converted_and_served_as_the_guide_says(
    tmp_path: Path, free_port: int
) -> None:
    clone = copy_of_the_checkout(tmp_path / "clone")
    subprocess.run([sys.executable, "-W", "ignore", "-c", CONVERT], cwd=clone, check=True, timeout=120)
    assert '{"label":"setosa","proba":0.98' in serve(clone, free_port)


def test_the_smallest_task_is_served_from_its_one_file(tmp_path: Path) -> None:
    clone = copy_of_the_checkout(tmp_path / "clone")
    (clone / "service/tasks/scores.py").write_text(SMALLEST)
    model = classifier(tmp_path / "iris", task="scores")
    manifest = json.loads((model / "manifest.json").read_text())
    of_another_task = ("features", "labels", "example")
    kept = {key: value for key, value in manifest.items() if key not in of_another_task}
    (model / "manifest.json").write_text(json.dumps(kept))
    log = tmp_path / "log"
    env = environment(MODEL_DIR=str(model)) | {"PYTHONPATH": str(clone)}
    with log.open("wb") as file:
        process = subprocess.Popen([sys.executable, "-m", "service"], cwd=clone, env=env, stdout=file)
    try:
        url = listening(log)
        while httpx.get(f"{url}/ready").status_code != 200:
            assert process.poll() is None, log.read_text()
        answer = httpx.post(f"{url}/scores", json={"row": list(EXAMPLE)}, headers=AUTHORIZED).json()
        refused = httpx.post(f"{url}/scores", json={"row": ["a"]}, headers=AUTHORIZED)
        document = httpx.get(f"{url}/openapi.json").json()
        page = httpx.get(url).text
    finally:
        process.kill()
        process.wait()
    assert answer["scores"] == pytest.approx(expected(EXAMPLE).tolist(), abs=1e-5)
    assert answer["model_version"].startswith("iris-1.0.0+")
    assert 'data-route="scores" data-field=""' in page
    assert "row[0] is not a number" in refused.json()["detail"]
    assert document["paths"]["/scores"]["post"]["operationId"] == "scores"


def listening(log: Path) -> str:
    for _ in range(600):
        for line in log.read_text().rpartition("\n")[0].splitlines():
            if (message := json.loads(line)["message"]).startswith("Listening on "):
                return message.removeprefix("Listening on ")
        subprocess.run(["sleep", "0.05"], check=True)
    raise AssertionError(log.read_text())
