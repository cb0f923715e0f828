"""Runs a program in this process, with no engine, plugin, cloud or credential, and gives its Plan.

A Plan is what the engine's first preview would register: the resource graph with parents and
dependencies, secrets masked and unknowns named, sorted by URN. Default providers are not in it.
"""

import asyncio
import contextvars
import gc
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi.runtime import rpc
from pulumi.runtime import test as until_complete  # pyright: ignore[reportUnknownVariableType]  untyped
from pulumi.runtime.config import set_all_config
from pulumi.runtime.settings import SETTINGS, set_root_resource
from pulumi.runtime.stack import Stack

from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.invokes import LOOKUPS
from slipway.infra.plan.monitor import Answer, Monitor, masked
from slipway.infra.plan.warning import Warned
from slipway.infra.resources.reading import Resource


@dataclass(frozen=True, slots=True)
class Plan:
    """What one stack's program registers. outputs: name -> plain JSON, masked as the inputs are.

    warnings: what its components report through `pulumi.log.warn`, sorted by the resource's URN.
    """

    project: str
    stack: str
    resources: tuple[Resource, ...]
    outputs: Mapping[str, Any]
    warnings: tuple[Warned, ...] = ()


def plan_of(
    program: Callable[[], None], config: StackConfig, invokes: Mapping[str, Answer] | None = None
) -> Plan:
    """Run `program` as a first preview of the stack.

    invokes: answers to provider functions, token -> result (or a function of the arguments), in addition
    to those of invokes.py.
    Raises PlanError for an undeclared one or a duplicate URN; the program's own errors travel.
    """
    monitor = Monitor(config.project, config.stack, {**LOOKUPS, **(invokes or {})})
    outputs = run(program, config, monitor, preview=True)
    return Plan(
        config.project,
        config.stack,
        tuple(monitor.recorded[urn] for urn in sorted(monitor.recorded)),
        {name: masked(outputs[name]) for name in sorted(outputs)},
        monitor.log.warnings,
    )


def run(
    program: Callable[[], None], config: StackConfig, monitor: Monitor, *, preview: bool
) -> dict[str, Any]:
    """Run `program` against `monitor`; the stack's outputs in Pulumi's wire format.

    Runs in a context of its own: Pulumi keeps the root resource and its settings in context variables.
    """
    with without_collector():
        return contextvars.copy_context().run(_run, program, config, monitor, preview)


@contextmanager
def without_collector() -> Generator[None]:
    """Turn the garbage collector off inside the block.

    Nearly everything in a plan lives as long as the plan, so the collector would visit all of it again and
    again: half of the total time for 50 services, and a growing share for more.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _run(program: Callable[[], None], config: StackConfig, monitor: Monitor, preview: bool) -> dict[str, Any]:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        set_root_resource(None)  # pyright: ignore[reportArgumentType]  None is its initial value
        set_all_config(dict(config.values), sorted(config.secret_keys))
        pulumi.runtime.set_mocks(monitor.mocks, config.project, config.stack, preview, monitor=monitor)
        SETTINGS.engine = monitor.log  # pyright: ignore[reportAttributeAccessIssue]  it has what is called
        until_complete(program)()
        _finish(loop)
        root = pulumi.runtime.get_root_resource()
        assert isinstance(root, Stack)
        return dict(loop.run_until_complete(rpc.serialize_properties(root.outputs, {})).items())
    finally:
        _close(loop)


def _finish(loop: asyncio.AbstractEventLoop) -> None:
    """Let a warning arrive that waits for the URN of its resource: Pulumi does not wait for it."""
    while pending := asyncio.all_tasks(loop):
        loop.run_until_complete(asyncio.wait(pending))


def _close(loop: asyncio.AbstractEventLoop) -> None:
    """Leave nothing behind: after a failure other resources' futures hold the same exception, unread."""
    loop.set_exception_handler(lambda _loop, _context: None)
    pending = asyncio.all_tasks(loop)
    for task in pending:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_default_executor())
    asyncio.set_event_loop(None)
    loop.close()
