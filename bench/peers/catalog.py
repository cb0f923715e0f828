"""The peers, each with its defaults, with its own batching if it has one, and both tuned.

Tuned means what its documentation recommends for a CPU: a process per CPU, and its own faster options.
Each has a folder here (app.py and locked requirements) and an environment in `.venv-bench-<peer>`.
"""

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from bench.contender import Contender
from bench.workload import post
from slipway.service.cpus import usable_cpus

PEERS = Path(__file__).parent
ROOT = PEERS.parents[1]
DEFAULT, BATCHING, TUNED, TUNED_BATCHING = "default", "batching", "tuned", "tuned, batching"
NO_KEY = "none"
CPUS = str(usable_cpus())


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to run a peer.

    command: after the environment's `bin/`. env: in addition to MODEL_DIR. {port} and {scratch} are filled
    in. as_list: the request holds a list of one text under `texts`, and the answer is a list.
    """

    name: str
    setup: str
    command: Sequence[str]
    env: Mapping[str, str]
    as_list: bool = False

    def request(self, peer: "Peer", text: str) -> bytes:
        return post(peer.path, {"texts": [text]} if self.as_list else peer.body(text), NO_KEY)

    def numbers(self, peer: "Peer", answer: Any) -> Sequence[float]:
        return peer.numbers(answer[0] if self.as_list else answer)


@dataclass(frozen=True, slots=True)
class Peer:
    """Another server to compare with.

    key: names its folder and environment. package: whose version is shown.
    """

    key: str
    name: str
    package: str
    variants: Sequence[Variant]
    path: str = "/predict"
    body: Callable[[str], dict[str, Any]] = lambda text: {"text": text}
    numbers: Callable[[Any], Sequence[float]] = lambda answer: _plain_numbers(answer)

    @property
    def environment(self) -> Path:
        return ROOT / f".venv-bench-{self.key}"

    def install(self) -> None:
        """Install the peer into its own environment, once for each state of its list.

        Raises CalledProcessError.
        """
        wanted = (PEERS / self.key / "requirements.txt").read_bytes()
        installed = self.environment / "installed.txt"
        if installed.is_file() and installed.read_bytes() == wanted:
            return
        subprocess.run([sys.executable, "-m", "venv", "--clear", self.environment], check=True)
        requirements = PEERS / self.key / "requirements.txt"
        pip = [self.environment / "bin/pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        subprocess.run([*pip, "-r", requirements], check=True)
        installed.write_bytes(wanted)

    def version(self) -> str:
        asked = f"import importlib.metadata as m; print(m.version({self.package!r}))"
        return subprocess.run(
            [self.environment / "bin/python", "-c", asked], check=True, capture_output=True, text=True
        ).stdout.strip()

    def contenders(self, model: Path) -> list[Contender]:
        version = self.version()
        return [
            Contender(
                name=self.name,
                variant=variant.name,
                setup=variant.setup,
                version=version,
                folder=PEERS / self.key,
                command=[str(self.environment / "bin" / variant.command[0]), *variant.command[1:]],
                env={**_environment(model), **variant.env},
                request=partial(variant.request, self),
                numbers=partial(variant.numbers, self),
            )
            for variant in self.variants
        ]


def _environment(model: Path) -> dict[str, str]:
    return {"MODEL_DIR": str(model.resolve()), "PORT": "{port}", "PYTHONPATH": str(PEERS)}


def _plain_numbers(answer: Any) -> list[float]:
    return answer["embedding"] if "embedding" in answer else [answer["proba"]]


def _variants(
    command: Sequence[str], batching: str, tuned: str, extra: Mapping[str, str]
) -> tuple[Variant, ...]:
    """Return the four variants of an app that reads BATCH, WORKERS and FAST."""
    one = {"BATCH": "0", "WORKERS": "1", "FAST": "0", **extra}
    many = one | {"WORKERS": CPUS, "FAST": "1"}
    return (
        Variant(DEFAULT, "one process", command, one),
        Variant(BATCHING, f"one process, {batching}", command, one | {"BATCH": "1"}),
        Variant(TUNED, tuned, command, many),
        Variant(TUNED_BATCHING, f"{tuned}, {batching}", command, many | {"BATCH": "1"}),
    )


UVICORN = ("uvicorn", "app:app", "--host", "127.0.0.1", "--port", "{port}")
FASTAPI = Peer(
    "fastapi",
    "FastAPI, sync def",
    "fastapi",
    (
        Variant(DEFAULT, "one process, 40 threads", UVICORN, {}),
        Variant(
            TUNED,
            "a process per CPU, no access log",
            (*UVICORN, "--workers", CPUS, "--no-access-log"),
            {},
        ),
    ),
)
_BENTOML = _variants(
    ("bentoml", "serve", "app:Text", "--host", "127.0.0.1", "--port", "{port}"),
    batching="batchable=True",
    tuned="a process per CPU",
    extra={"BENTOML_DO_NOT_TRACK": "True", "BENTOML_HOME": "{scratch}"},
)
BENTOML = Peer(
    "bentoml",
    "BentoML",
    "bentoml",
    [replace(variant, as_list=BATCHING in variant.name) for variant in _BENTOML],
)
LITSERVE = Peer(
    "litserve",
    "LitServe",
    "litserve",
    _variants(
        ("python", "app.py"),
        batching="batches of 8, 10 ms",
        tuned="a worker per CPU, fast_queue",
        extra={"API_SERVERS": "1"},
    ),
)
MOSEC = Peer(
    "mosec",
    "mosec",
    "mosec",
    _variants(
        ("python", "app.py"),
        batching="batches of 4, 10 ms",
        tuned="a worker per CPU, orjson",
        extra={"MOSEC_PORT": "{port}", "MOSEC_ADDRESS": "127.0.0.1"},
    ),
    path="/inference",
)
MLSERVER_ENV = {
    "MLSERVER_HOST": "127.0.0.1",
    "MLSERVER_HTTP_PORT": "{port}",
    "MLSERVER_GRPC_PORT": "{second}",
    "MLSERVER_METRICS_PORT": "{third}",
    "MLSERVER_METRICS_DIR": "{scratch}",
    "MLSERVER_MODEL_NAME": "text",
    "MLSERVER_MODEL_IMPLEMENTATION": "app.Text",
}
MLSERVER_COMMAND = ("mlserver", "start", ".")
MLSERVER_TUNED = MLSERVER_ENV | {"MLSERVER_PARALLEL_WORKERS": CPUS, "MLSERVER_DEBUG": "false"}
MLSERVER_BATCHES = {"MLSERVER_MODEL_MAX_BATCH_SIZE": "8", "MLSERVER_MODEL_MAX_BATCH_TIME": "0.01"}
MLSERVER = Peer(
    "mlserver",
    "MLServer",
    "mlserver",
    (
        Variant(DEFAULT, "one process", MLSERVER_COMMAND, MLSERVER_ENV),
        Variant(
            BATCHING,
            "one process, batches of 8, 10 ms",
            MLSERVER_COMMAND,
            MLSERVER_ENV | MLSERVER_BATCHES,
        ),
        Variant(TUNED, "a worker per CPU, no debug log", MLSERVER_COMMAND, MLSERVER_TUNED),
        Variant(
            TUNED_BATCHING,
            "a worker per CPU, no debug log, batches of 8, 10 ms",
            MLSERVER_COMMAND,
            MLSERVER_TUNED | MLSERVER_BATCHES,
        ),
    ),
    path="/v2/models/text/infer",
    body=lambda text: {"inputs": [{"name": "text", "shape": [1, 1], "datatype": "BYTES", "data": [text]}]},
    numbers=lambda answer: answer["outputs"][0]["data"],
)
_RAY = _variants(
    ("python", "app.py"),
    batching="batches of 8, 100 ms",
    tuned="a replica per CPU, 64 requests each, high-throughput mode",
    extra={"RAY_USAGE_STATS_ENABLED": "0", "RAY_TMPDIR": "{scratch}"},
)
RAY = Peer(
    "ray",
    "Ray Serve",
    "ray",
    # docs.ray.io/en/latest/serve/advanced-guides/performance.html
    [replace(each, env={**each.env, "RAY_SERVE_THROUGHPUT_OPTIMIZED": each.env["FAST"]}) for each in _RAY],
)
ALL = (FASTAPI, BENTOML, LITSERVE, MOSEC, MLSERVER, RAY)
