"""`python -m bench.preview`: how long a preview takes, and how that grows with the number of services.

Seconds of the command are wall time, the best of several, shown with the time that importing what it needs
takes by itself; milliseconds for a service are CPU time, which a busy machine does not lengthen. --against
compares this checkout with its own last commit.
"""

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from slipway.components.cloud_run import CloudRunService, CloudRunServiceArgs
from slipway.infra.cost.stack import cost_of
from slipway.infra.cost.usage import Usage
from slipway.infra.diff.compare import difference_of
from slipway.infra.diff.model import StackSource
from slipway.infra.diff.risks import risks_of
from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import Plan, plan_of, without_collector
from slipway.infra.policy.judge import judged
from slipway.infra.preview.command import Shown
from slipway.infra.preview.document import document_of
from slipway.infra.preview.markdown import comment_of
from slipway.infra.preview.page import page_of
from slipway.infra.preview.stack import StackPreview
from slipway.infra.preview.text import text_of
from slipway.infra.settings.reading import settings_of
from slipway.infra.settings.stackfile import settings_from, stack_config, stack_names
from slipway.infra.targets.registry import target_named
from slipway.stacks.settings.common import Settings

Made = TypeVar("Made")
ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 5
SERVICES = (50, 100, 200, 500)
_COMMAND = "from slipway.infra.cli.app import main; main()"


def command_seconds(*arguments: str) -> float:
    """Return the best of ROUNDS runs of `slipway preview`."""
    return _best([sys.executable, "-c", _COMMAND, "preview", *arguments])


def import_seconds() -> float:
    """Return the seconds to import the stacks and their SDKs, in a process that does nothing else."""
    settings = [settings_from(stack_config(ROOT, stack)) for stack in stack_names(ROOT)]
    modules = sorted({target_named(each.target).stack_module for each in settings})
    built = (
        "import pulumi_docker_build, pulumi_random" if any(not each.image for each in settings) else "pass"
    )
    return _best([sys.executable, "-c", f"import {', '.join(modules)}\n{built}"])


def _best(command: list[str]) -> float:
    times: list[float] = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
        )
        times.append(time.perf_counter() - begun)
        assert done.returncode in (0, 1), done.stderr.decode()
    return min(times)


@dataclass(frozen=True, slots=True)
class Growth:
    """CPU milliseconds per service, by step. services: how many in one stack."""

    services: int
    steps: dict[str, float]

    @property
    def total(self) -> float:
        return sum(self.steps.values())


def growth(services: int) -> Growth:
    """Measure every step of a preview against another commit, on a stack of Cloud Run services."""
    steps: dict[str, float] = {}

    def timed(name: str, step: Callable[[], Made]) -> Made:
        begun = time.process_time()
        made = step()
        steps[name] = (time.process_time() - begun) * 1000 / services
        return made

    with without_collector():
        plan = timed("plan", lambda: _plan(services, 2.0))
        other = _plan(services, 1.0)
        settings = _settings()
        today = datetime.now(UTC).date()
        cost = timed("cost", lambda: cost_of("dev", plan.resources, Usage(), today))
        judgement = timed("policy", lambda: judged("dev", plan.resources, settings, cost))
        diff = timed("diff", lambda: difference_of("dev", StackSource(other), StackSource(plan)))
        risks = timed("risks", lambda: risks_of(diff))
        findings = [each.as_finding() for each in judgement.violations]
        shown = Shown([StackPreview("dev", plan, settings, findings, (), cost, diff, None, tuple(risks))])
        timed("text", lambda: _text(shown))
        timed("json", lambda: json.dumps(document_of(shown)))
        timed("markdown", lambda: comment_of(shown))
        timed("html", lambda: page_of(shown))
    return Growth(services, steps)


def _plan(services: int, memory_gib: float) -> Plan:
    def program() -> None:
        for number in range(services):
            args: CloudRunServiceArgs = {
                "image_ref": f"europe-west4-docker.pkg.dev/p/r/i@sha256:{'0' * 64}",
                "project": "acme-ml",
                "region": "europe-west4",
                "model": "bundled:sms-spam",
                "memory_gib": memory_gib,
            }
            CloudRunService(f"service-{number}", args)

    return plan_of(program, StackConfig("bench", "dev", {}, frozenset(), {}))


def _settings() -> Settings:
    return settings_of("dev", {"target": "cloud-run", "project": "acme-ml", "region": "europe-west4"})


def _text(shown: Shown) -> str:
    console = Console(file=io.StringIO(), width=120)
    for part in text_of(shown):
        console.print(part)
    return str(console.file)


def main() -> None:
    imports = import_seconds()
    every = command_seconds()
    against = command_seconds("--against", "HEAD")
    print(f"imports of the SDKs      {imports:.2f} s")
    print(f"slipway preview          {every:.2f} s, {every / imports:.2f} times that")
    print(f"slipway preview --against {against:.2f} s")
    growth(5)  # what is imported and cached once
    measured = [growth(services) for services in SERVICES]
    names = list(measured[0].steps)
    print(f"CPU ms for a service     {'  '.join(f'{name:>8}' for name in [*names, 'all'])}")
    for each in measured:
        numbers = "  ".join(f"{each.steps[name]:8.2f}" for name in names)
        print(f"{each.services:>5} services           {numbers}  {each.total:8.2f}")
    first, last = measured[0].total, measured[-1].total
    print(f"{SERVICES[-1]} against {SERVICES[0]}: {100 * (last / first - 1):+.0f} % for a service")


if __name__ == "__main__":
    main()
