"""The policy pack on the real engine beside the offline judge, on the same program."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pulumi_gcp as gcp
import pytest

from slipway.infra.cost.assume import usage_of
from slipway.infra.cost.stack import cost_of
from slipway.infra.plan.run import plan_of
from slipway.infra.policy.judge import judged
from slipway.infra.settings.stackfile import settings_from, stack_config
from tests.checkout import copy_of_the_checkout
from tests.infra.plain import TODAY
from tests.pulumi_engine import standin
from tests.pulumi_engine.conftest import ROOT, Engine, engine_in
from tests.releases.cut import version_of

pytestmark = pytest.mark.pulumi_engine

STACK = """config:
  slipway:target: cloud-run
  slipway:project: acme-ml
  slipway:region: europe-west4
  slipway:budget: "50"
  slipway:policy:
    budget: mandatory
    image-digest: mandatory
    probe: "off"
"""
DIGEST = f"europe-west4-docker.pkg.dev/acme/slipway/api@sha256:{'a' * 64}"


def program(kept: bool = False) -> None:
    """One service that keeps every rule, or one that breaks most of them."""
    account = gcp.serviceaccount.Account("account", account_id="api", project="acme-ml")
    container: gcp.cloudrunv2.ServiceTemplateContainerArgsDict = {
        "image": DIGEST if kept else "gcr.io/acme/api:1",
        "ports": {"container_port": 8080},
        "resources": {
            "limits": {"cpu": "1", "memory": "512Mi"} if kept else {"cpu": "1"},
            "cpu_idle": True,
        },
        "envs": [{"name": "GREETING" if kept else "DB_PASSWORD", "value": "hello"}],
    }
    service = gcp.cloudrunv2.Service(
        "service",
        name="api",
        location="europe-west4",
        project="acme-ml",
        scaling={"max_instance_count": 1 if kept else 100},
        template={"service_account": account.email, "containers": [container]},
    )
    gcp.cloudrunv2.ServiceIamMember(
        "invoker",
        name=service.name,
        project="acme-ml",
        location="europe-west4",
        role="roles/run.invoker",
        member=account.member if kept else "allUsers",
    )
    if not kept:
        gcp.projects.IAMMember("role", project="acme-ml", role="roles/editor", member=account.member)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    if shutil.which("pulumi") is None:
        pytest.skip("no `pulumi` on PATH")
    if not (ROOT / "policy/.venv").is_dir():
        pytest.skip("the policy pack has no environment: `make setup-policy`")
    clone = copy_of_the_checkout(tmp_path / "clone")
    (clone / ".venv").symlink_to(ROOT / ".venv")
    (clone / "policy/.venv").symlink_to(ROOT / "policy/.venv")
    (clone / "Pulumi.dev.yaml").write_text(STACK)
    log = tmp_path / "log"
    log.touch()
    engine = engine_in(clone, tmp_path / "backend")
    engine.environment |= {
        "PULUMI_HOME": str(tmp_path / "home"),
        "TMPDIR": os.environ.get("TMPDIR", "/tmp"),
    }
    with standin.standing_in(log, "gcp") as environment:
        engine.environment |= environment
        engine("stack", "init", "dev")
        yield engine


def run_with_the_pack(engine: Engine, kept: bool) -> set[tuple[str, str]]:
    """Return what the engine reports as broken, as (level, rule)."""
    call = "from tests.pulumi_engine.test_policy_pack import program"
    (engine.project / "__main__.py").write_text(f"{call}\nprogram({kept})\n")
    said = engine("preview", "--policy-pack", "policy", ok=kept)
    assert f"slipway@v{version_of(ROOT)} (local: policy)" in said
    return {
        (level, rule.removesuffix("-advisory"))
        for level, rule in re.findall(r"- \[(mandatory|advisory)\]\s+(\S+)", said)
    }


def judged_offline(engine: Engine, kept: bool) -> set[tuple[str, str]]:
    config = stack_config(engine.project, "dev")
    settings = settings_from(config)
    plan = plan_of(lambda: program(kept), config)
    cost = cost_of("dev", plan.resources, usage_of(settings), TODAY)
    return {(one.level, one.rule) for one in judged("dev", plan.resources, settings, cost).violations}


def test_the_pack_refuses_what_the_offline_judge_refuses(engine: Engine) -> None:
    found = run_with_the_pack(engine, kept=False)
    assert found == judged_offline(engine, kept=False)
    assert found == {
        ("mandatory", "public"),
        ("mandatory", "plain-secret"),
        ("mandatory", "image-digest"),
        ("mandatory", "budget"),
        ("advisory", "memory-limit"),
        ("advisory", "wide-role"),
    }


def test_the_pack_lets_pass_what_keeps_the_rules(engine: Engine) -> None:
    engine("config", "set", "budget", "100")
    assert run_with_the_pack(engine, kept=True) == judged_offline(engine, kept=True) == set()
