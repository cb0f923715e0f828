"""Rolls a local service under load: requests that failed, and p99 beside its quiet value.

Run as `python -m bench.rollouts [REQUESTS]`. Finds the limit of the quiet service first, and then sends half
of that, for a rolling rollout, a canary, a canary that is slow, and a rollback. Prints JSON. The client runs
on the same machine: its numbers are for comparison with each other.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slipway.components.checkout import ROOT
from tests.conftest import a_free_port, project_in, write_stack
from tests.infra.local_load import Load

SLIPWAY = str(ROOT / ".venv/bin/slipway")
QUIET_REQUESTS = 3000
BAKE_MINUTES = "0.3"
SLOW = '["http_server_request_duration_seconds p50 > 0.000001"]'


def main() -> int:
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as folder:
        project, port = Path(folder), a_free_port()
        project_in(project, port)
        try:
            print(json.dumps(_measured(project, port, requests), indent=2))
        finally:
            _slipway(project, "down")
    return 0


def _measured(project: Path, port: int, requests: int) -> dict[str, Any]:
    _slipway(project, "up")
    outputs = json.loads(_slipway(project, "output", "--show-secrets", "--format", "json").stdout)
    url, key = str(outputs["url"]), str(outputs["apiKey"])
    with Load(url, key, rate=1e9, connections=16, most=QUIET_REQUESTS) as load:
        begun = time.perf_counter()
        load.wait()
        limit = QUIET_REQUESTS / (time.perf_counter() - begun)
    with Load(url, key, rate=limit / 2, connections=16, most=QUIET_REQUESTS) as load:
        load.wait()
        quiet_p99_ms = load.p99_ms()
    steps: list[dict[str, Any]] = []
    with Load(url, key, rate=limit / 2, connections=16, most=requests) as load:

        def step(name: str, act: Callable[[], "subprocess.CompletedProcess[str]"]) -> None:
            begun = time.time()
            done = act()
            ended = time.time()
            p99 = load.p99_ms(begun, ended)
            steps.append(
                {
                    "step": name,
                    "exit_code": done.returncode,
                    "seconds": round(ended - begun, 1),
                    "p99_ms": round(p99, 1),
                    "times_quiet": round(p99 / quiet_p99_ms, 1),
                    "said": done.stderr.strip().splitlines()[-1:],
                }
            )

        def up(**settings: str) -> Callable[[], "subprocess.CompletedProcess[str]"]:
            write_stack(project, {"target": "local", "port": str(port), **settings})
            return lambda: _slipway(project, "up")

        canary = {"rollout": "canary", "canaryPercent": "20", "bakeMinutes": BAKE_MINUTES}
        step("rolling", up(memory="1200Mi"))
        step("canary", up(memory="1100Mi", **canary))
        step("bad canary", up(memory="1000Mi", **canary, rollbackOn=SLOW))
        step("rollback", lambda: _slipway(project, "rollback"))
        load.wait()
    return {
        "limit_per_second": round(limit),
        "rate_per_second": round(limit / 2),
        "quiet_p99_ms": round(quiet_p99_ms, 1),
        "requests": len(load.latencies),
        "failed": len(load.failures),
        "failures": load.failures[:5],
        "p99_ms": round(load.p99_ms(), 1),
        "steps": steps,
    }


def _slipway(project: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([SLIPWAY, *arguments], cwd=project, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    sys.exit(main())
