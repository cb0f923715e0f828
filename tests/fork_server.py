"""Starts a command many times for the price of one: it imports once, and each run is a fork of it.

`python -m tests.fork_server DESCRIPTOR MODULE:FUNCTION MODULE...` imports the modules and serves the Unix
socket of that descriptor until its other end closes. A request is the words, the folder and the environment
of a run as JSON, with three descriptors: its standard output, its standard error, and a socket. On the
socket it answers the process's id, then its status as `os.waitpid` gives it. tests/forked.py asks.
"""

import atexit
import gc
import importlib
import json
import os
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

_LARGEST_REQUEST = 1 << 20


def serve(requests: socket.socket, function: Callable[[], Any], imposed: Mapping[str, str]) -> None:
    """imposed: variables of the environment that the imports set; each run has them too."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(requests, _LARGEST_REQUEST, 3)
        if not message:
            return
        if os.fork() == 0:
            requests.close()
            _watch(json.loads(message), descriptors, function, imposed)
            os._exit(0)
        for descriptor in descriptors:
            os.close(descriptor)
        _reap(os.WNOHANG)


def _watch(
    request: Mapping[str, Any],
    descriptors: list[int],
    function: Callable[[], Any],
    imposed: Mapping[str, str],
) -> None:
    """Fork the run, and answer what becomes of it. Keeps neither of its streams open."""
    output, errors, answering = descriptors
    pid = os.fork()
    if pid == 0:
        os.close(answering)
        os.dup2(output, 1)
        os.dup2(errors, 2)
    os.close(output)
    os.close(errors)
    if pid == 0:
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update({**imposed, **request["environment"]})
        sys.argv[1:] = request["words"]
        os._exit(_exit_code(function))
    with socket.socket(fileno=answering) as answers, suppress(BrokenPipeError):
        answers.sendall(f"{pid}\n".encode())
        _, status = os.waitpid(pid, 0)
        answers.sendall(f"{status}\n".encode())


def _exit_code(function: Callable[[], Any]) -> int:
    """Run it as `python -c "sys.exit(function())"` would, with its threads and its atexit functions."""
    try:
        sys.exit(function())
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 1
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage]
    sys.stdout.flush()
    sys.stderr.flush()
    return code or 0


def _reap(options: int) -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, options)[0]:
            pass


def main(descriptor: int, entry: str, modules: list[str]) -> None:
    before = set(os.environ)
    gc.disable()
    for name in modules:
        _ = importlib.import_module(name).__doc__  # the modules of Pulumi's SDKs load when they are used
    module, _, name = entry.partition(":")
    function = getattr(importlib.import_module(module), name)
    gc.collect()
    gc.freeze()  # else the search for garbage in a run copies every page of what was imported
    gc.enable()
    sys.argv = ["-c"]
    with socket.socket(fileno=descriptor) as requests:
        serve(requests, function, {key: value for key, value in os.environ.items() if key not in before})
    _reap(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
