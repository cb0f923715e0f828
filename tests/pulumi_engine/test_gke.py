"""The stack `prod` on the real engine, with stand-ins for the providers: no account, no cloud, no cluster."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.components.gke.nodes import POOL_LABEL
from tests.checkout import copy_of_the_checkout
from tests.pulumi_engine import standin
from tests.pulumi_engine.conftest import ROOT, Engine, engine_in

pytestmark = pytest.mark.pulumi_engine

IMAGE = f"europe-west4-docker.pkg.dev/my-project/slipway-prod-image/server@sha256:{'0' * 64}"
PLUGIN = "gke-gcloud-auth-plugin"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log"
    path.touch()
    return path


@pytest.fixture
def engine(tmp_path: Path, log: Path) -> Iterator[Engine]:
    if shutil.which("pulumi") is None:
        pytest.skip("no `pulumi` on PATH")
    clone = copy_of_the_checkout(tmp_path / "clone")
    (clone / ".venv").symlink_to(ROOT / ".venv")
    engine = engine_in(clone, tmp_path / "backend")
    engine.environment |= {
        "PULUMI_HOME": str(tmp_path / "home"),
        "PATH": f"{with_plugin(tmp_path / 'bin')}:{engine.environment['PATH']}",
    }
    with standin.standing_in(log, "gcp", "kubernetes", "random") as environment:
        engine.environment |= environment
        engine("stack", "init", "prod")
        engine("config", "set", "image", IMAGE)
        engine("config", "set", "--secret", "--path", "secrets.HF_TOKEN", "hush-hush-hush")
        engine("config", "set", "--secret", "apiKey", "hush-hush-hush-hush")
        yield engine


def with_plugin(folder: Path) -> Path:
    folder.mkdir()
    (folder / PLUGIN).write_text("#!/bin/sh\nexit 1\n")
    (folder / PLUGIN).chmod(0o755)
    return folder


def without_plugin(path: str, scratch: Path) -> str:
    """Return the PATH without the plugin: its folder becomes one with links to everything else in it."""
    folders: list[str] = []
    for number, folder in enumerate(map(Path, path.split(os.pathsep))):
        if not (folder / PLUGIN).exists():
            folders.append(str(folder))
            continue
        linked = scratch / str(number)
        linked.mkdir(parents=True)
        for program in folder.iterdir():
            if program.name != PLUGIN:
                (linked / program.name).symlink_to(program)
        folders.append(str(linked))
    return os.pathsep.join(folders)


def done(log: Path, since: int = 0) -> list[tuple[str, str]]:
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [(line["call"], line["name"]) for line in lines[since:]]


def test_a_cluster_and_its_service_are_made_changed_and_taken_down_in_order(
    engine: Engine, log: Path
) -> None:
    first = engine.up()
    made = [name for _, name in done(log)]
    order = ["slipway-prod-image-repository", "slipway-prod-nodes", "slipway-prod-cluster"]
    order += ["slipway-prod-cpu-pool", "slipway-prod-gpu-pool", "slipway-prod-namespace"]
    order += ["slipway-prod-deployment"]
    assert [name for name in made if name in order] == order

    assert engine.up() == {"same": first["create"]}
    assert len(done(log)) == len(made)

    engine("config", "set", "memory", "10Gi")
    engine.up()
    assert done(log, len(made)) == [("update", "slipway-prod-deployment")]

    engine("config", "set", "maxNodes", "6")
    engine.up()
    assert done(log, len(made) + 1) == [("update", "slipway-prod-gpu-pool")]

    engine("config", "set", "machineType", "g2-standard-8")
    engine.up()
    assert done(log, len(made) + 2) == [
        ("create", "slipway-prod-gpu-pool-suffix"),
        ("create", "slipway-prod-gpu-pool"),  # under another name, next to the old one
        ("update", "slipway-prod-deployment"),
        ("delete", "slipway-prod-gpu-pool"),
        ("delete", "slipway-prod-gpu-pool-suffix"),
    ]
    assert "hush" not in engine("stack", "export") + engine("preview", "--json", "--diff")
    unharmed = len(done(log))
    engine("destroy", "--yes", ok=False)
    assert len(done(log)) == unharmed

    engine("config", "set", "deletionProtection", "false")
    engine.up()
    engine("destroy", "--yes", "--skip-preview")
    deleted = [name for call, name in done(log)[unharmed:] if call == "delete"]
    wanted = ["slipway-prod-namespace", "slipway-prod-gpu-pool"]
    wanted += ["slipway-prod-cpu-pool", "slipway-prod-cluster"]
    assert [name for name in deleted if name in wanted] == wanted
    assert "slipway-prod-deployment" not in deleted  # it goes with its namespace


def fail_and_take_back(engine: Engine) -> None:
    """Change settings together with an image that does not start; then restore the stack file."""
    before = (engine.project / "Pulumi.prod.yaml").read_text()
    engine("config", "set", "image", IMAGE.replace("0" * 64, standin.BROKEN))
    engine("config", "set", "machineType", "g2-standard-8")
    engine("config", "set", "--path", "env.LOG_LEVEL", "debug")
    engine("config", "set", "--secret", "apiKey", "another-another-another")
    assert "its pods do not get ready" in engine("up", "--yes", "--skip-preview", ok=False)
    (engine.project / "Pulumi.prod.yaml").write_text(before)
    engine.up()


def used_by_the_pods(log: Path) -> set[str]:
    """Ids of the ConfigMap, the Secret and the node pool that the last Deployment names."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    deployment = [line for line in lines if line["name"] == "slipway-prod-deployment"][-1]["inputs"]
    pod, namespace = deployment["spec"]["template"]["spec"], deployment["metadata"]["namespace"]
    [container] = pod["containers"]
    keys = [variable["valueFrom"]["secretKeyRef"] for variable in container["env"]]
    names = {container["envFrom"][0]["configMapRef"]["name"], *(key["name"] for key in keys)}
    [pool] = {line["id"] for line in lines if line["id"].endswith("/" + pod["nodeSelector"][POOL_LABEL])}
    return {*(f"{namespace}/{name}" for name in names), pool}


def test_a_change_that_failed_and_is_taken_back_leaves_the_pods_what_they_use(
    engine: Engine, log: Path
) -> None:
    first = engine.up()
    used = used_by_the_pods(log)
    assert len(used) == 3
    fail_and_take_back(engine)
    assert used_by_the_pods(log) <= standin.there(log)
    assert used_by_the_pods(log).isdisjoint(used)  # no name returned
    assert engine.up() == {"same": first["create"]}
    assert used.isdisjoint(standin.there(log))  # and nothing is left of what was replaced


def test_pools_and_log_buckets_that_have_a_name_keep_it(engine: Engine, log: Path) -> None:
    file = engine.project / "components" / "drawn_names.py"
    drawn = file.read_text()
    by_choices = "def drawn_name(resource, base, keepers, parent):\n    return f'{base}-abc123'\n"
    file.write_text(f"{drawn}\n\n{by_choices}")
    engine.up()
    made = len(done(log))
    file.write_text(drawn)
    engine.up()
    named = ("cpu-pool", "gpu-pool", "logs")
    assert sorted(done(log, made)) == [("create", f"slipway-prod-{each}-suffix") for each in named]
    assert {pool.rpartition("/")[2] for pool in standin.there(log) if "/nodePools/" in pool} == {
        "cpu-abc123",
        "gpu-abc123",
    }


def test_without_the_plugin_nothing_is_made_but_a_preview_is_shown(
    engine: Engine, log: Path, tmp_path: Path
) -> None:
    engine.environment["PATH"] = without_plugin(engine.environment["PATH"], tmp_path / "linked")
    steps = engine.preview()["steps"]
    assert "slipway-prod-gpu-pool" in {step["urn"].split("::")[-1] for step in steps}
    said = engine("up", "--yes", "--skip-preview", ok=False)
    assert f"`{PLUGIN}`, which is not on PATH; nothing was changed" in said
    assert done(log) == []


def test_a_stack_whose_service_had_its_former_type_is_taken_over_as_it_is(engine: Engine, log: Path) -> None:
    file = engine.project / "components" / "kubernetes" / "component.py"
    current = file.read_text()
    former = re.sub(r"\n +aliases = .*\n +opts = .*", "", current).replace(
        '"slipway:index:KubernetesService"', '"slipway:index:GkeService"'
    )
    assert "Alias" not in former
    file.write_text(former)
    first = engine.up()
    assert "slipway:index:GkeService$kubernetes:apps/v1:Deployment" in engine("stack", "export")
    made = len(done(log))

    file.write_text(current)
    steps = [step for step in engine.preview()["steps"] if step["op"] != "same"]
    assert steps == []
    assert engine.up() == {"same": first["create"]}
    assert len(done(log)) == made
    assert "GkeService" not in json.dumps(
        [resource["urn"] for resource in json.loads(engine("stack", "export"))["deployment"]["resources"]]
    )
