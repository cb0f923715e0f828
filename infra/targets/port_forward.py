"""Reaches one pod from this machine, past Service and NetworkPolicy, through `kubectl port-forward`."""

import os
import re
import select
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from slipway.infra.errors import Failed
from slipway.infra.targets.kubectl import KubernetesPlace, kubectl

_OPEN_SECONDS = 20.0
_END_SECONDS = 5.0
_FORWARDING = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+) -> (\d+)")


class PodPorts:
    """Ports of a pod, each on a free port of 127.0.0.1, for as long as the block runs.

    local: port of the pod -> of this machine.
    """

    def __init__(self, place: KubernetesPlace, pod: str, ports: Sequence[int]) -> None:
        self.local: dict[int, int] = {}
        self._wanted = set(ports)
        self._pod = pod
        named = [f":{port}" for port in ports]
        flags = ["--address", "127.0.0.1", *place.flags]
        self._process = subprocess.Popen(
            [kubectl.path, "port-forward", f"pod/{pod}", *named, *flags],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # and no session of its own: it goes with a terminal that closes
        )

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def is_open(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _open(self) -> None:
        """Wait until every port is forwarded. Raises Failed."""
        assert self._process.stdout is not None
        deadline, said = time.monotonic() + _OPEN_SECONDS, b""
        while self._wanted - self.local.keys():
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self._process.stdout], [], [], max(left, 0))
            chunk = os.read(self._process.stdout.fileno(), 4096) if ready else b""
            if not chunk:
                raise Failed(f"`kubectl port-forward pod/{self._pod}` forwards no port.")
            said += chunk
            self.local |= {int(pod): int(local) for local, pod in _FORWARDING.findall(said.decode())}
