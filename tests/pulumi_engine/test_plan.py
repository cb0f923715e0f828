"""The offline plan beside the real engine, on a program with nested components."""

import json
import shutil
from pathlib import Path

import pytest

from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import plan_of
from tests.infra.plan.test_plan import nested
from tests.pulumi_engine.conftest import ROOT, engine_in

pytestmark = pytest.mark.pulumi_engine


def test_a_nested_program_has_the_engines_urns_parents_and_inputs(tmp_path: Path) -> None:
    if shutil.which("pulumi") is None:
        pytest.skip("no `pulumi` on PATH")
    project = tmp_path / "demo"
    project.mkdir()
    (project / "Pulumi.yaml").write_text(
        f"name: demo\nruntime:\n  name: python\n  options: {{virtualenv: {ROOT / '.venv'}}}\n"
    )
    (project / "__main__.py").write_text(
        f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from tests.infra.plan.test_plan import nested\nnested()\n"
    )
    engine = engine_in(project, tmp_path / "backend")
    engine("stack", "init", "dev")
    engine("config", "set", "size", "4")
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    steps = [step["newState"] for step in engine.preview()["steps"]]
    theirs = {
        state["urn"]: (
            state.get("parent"),
            {k: v for k, v in state.get("inputs", {}).items() if k != "__provider"},
            sorted(state.get("dependencies", [])),
        )
        for state in steps
        if not state["type"].startswith("pulumi:providers:")
    }
    plan = plan_of(nested, StackConfig("demo", "dev", {"demo:size": "4"}, frozenset(), {}))
    ours = {r.urn: (r.parent, r.inputs, list(r.dependencies)) for r in plan.resources}
    assert json.loads(json.dumps(ours).replace("[unknown]", unknown)) == json.loads(json.dumps(theirs))
