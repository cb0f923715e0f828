"""The smoke test of a stack that Pulumi applied: through its public URL, as a caller would send it.

What came of it is kept next to the stack's other files of this machine, where `slipway status` reads it.
"""

import http.client
import ipaddress
import json
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from slipway.components.local.deploy import SMOKE
from slipway.components.local.private import make_private
from slipway.components.local.record import write_json
from slipway.components.model import model_version
from slipway.components.smoke import Ask, Case, SmokeResult, Unanswered, file_cases, smoke_cases, smoke_test
from slipway.components.spec import ROUTES
from slipway.components.tasks import TASKS
from slipway.infra.plan.config import StackConfig
from slipway.infra.settings.stackfile import settings_from
from slipway.infra.targets.model_interface import manifest_of
from slipway.stacks.settings.common import Settings

# A load balancer registers its targets, and a service at zero instances starts one.
READY_SECONDS = 120.0
_PAUSE_SECONDS = 2.0
_REQUEST_SECONDS = 65.0
# Reached in a cluster alone: kubernetes.io/docs/concepts/services-networking/dns-pod-service.
_IN_CLUSTER = (".svc", ".svc.cluster.local", ".internal")


def run_smoke_test(
    config: StackConfig,
    outputs: Mapping[str, Any],
    headers: Mapping[str, str],
    say: Callable[[str], None],
    ready_seconds: float = READY_SECONDS,
) -> SmokeResult | None:
    """Ask the service that a stack's outputs name, and keep the result. None: it is not reached from here.

    headers: what its platform requires of a caller, besides the key. Raises ValueError for an unusable file.
    """
    settings = settings_from(config)
    url, key = str(outputs["url"]), str(outputs.get("apiKey", ""))
    if is_internal(url):
        say(f"Smoke test left out: {url} is not reached from this machine")
        return None
    task, expected, cases = _cases(config, settings)
    ask = asking(url, {**headers, "Authorization": f"Bearer {key}"})
    _wait(ask, say, ready_seconds)
    result = smoke_test(ask, task, cases, expected)
    folder = config.run_folder
    make_private(folder)
    write_json(folder / SMOKE, {"release": None, "at": time.time(), **result.to_json()})
    return result


def is_internal(url: str) -> bool:
    """Return whether an address belongs to a private network: one that exists there means nothing here."""
    host = urlsplit(url).hostname or ""
    if host.endswith(_IN_CLUSTER) or ("." not in host and host != "localhost"):
        return True
    try:
        addresses = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except OSError:  # no name yet: it is waited for
        return False
    found = [ipaddress.ip_address(str(address).partition("%")[0]) for address in addresses]
    return all(address.is_private and not address.is_loopback for address in found)


def asking(url: str, headers: Mapping[str, str]) -> Ask:
    """Return the function that sends requests there, with these headers."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection

    def ask(method: str, path: str, body: Any) -> tuple[int, Any]:
        connection = kind(parts.hostname or "", parts.port, timeout=_REQUEST_SECONDS)
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, {**headers, "Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unanswered(str(error) or type(error).__name__) from None
        finally:
            connection.close()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, None

    return ask


def _cases(config: StackConfig, settings: Settings) -> tuple[str, str, list[Case]]:
    """Return the task, the model's version if this machine has the model, and the requests."""
    file = settings.smoke_tests
    manifest = manifest_of(config.stack, settings)
    if manifest is None:
        example = Case(TASKS[settings.task].example, place=f"the task's example for {ROUTES[settings.task]}")
        return settings.task, "", [example, *(file_cases(Path(file)) if file else ())]
    return manifest["task"], model_version(manifest), smoke_cases(manifest, file)


def _wait(ask: Ask, say: Callable[[str], None], ready_seconds: float) -> None:
    """Wait until the service answers at all, or for so long."""
    deadline, is_said = time.monotonic() + ready_seconds, False
    while time.monotonic() < deadline:
        try:
            if ask("GET", "/ready", None)[0] < 500:
                return
        except Unanswered:
            pass
        if not is_said:
            say("Waiting for the service's first answer")
            is_said = True
        time.sleep(_PAUSE_SECONDS)


def with_advice(result: SmokeResult) -> SmokeResult:
    """Name the way out where no answer came, which may be the network's fault."""
    if not result.fault.startswith("no answer"):
        return result
    more = "; if this machine may not reach the service, use `slipway up --no-smoke-test`"
    return replace(result, fault=result.fault + more)
