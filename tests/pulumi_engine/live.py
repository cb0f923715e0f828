"""Live stacks of one component on the real engine: changed, changed back, and failed on the way."""

import json
import os
import shutil
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.pulumi_engine.serving import LiveStack, served_provider
from tests.pulumi_engine.strict.account import EXISTING, Account, Fault
from tests.pulumi_engine.strict.provider import StrictProvider

Args = dict[str, Any]
# Arguments before and after a change, by its name.
Changes = Mapping[str, tuple[Args, Args]]
Program = Callable[[Mapping[str, Any]], Callable[[], None]]

# What the guide on stuck stacks says of things that the state does not know.
IN_THE_WAY = ("DependencyViolation", "already exists", "AlreadyAssociated", "Conflict")
# Every call of a change fails once with FULL, else one in its middle and the last.
FULL = bool(os.environ.get("SLIPWAY_TEST_FULL"))


def each_of(changes: Changes) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("one", "other"), changes.values(), ids=changes)


@dataclass
class Live:
    """account: where the stack's service runs. program: of the component with these arguments."""

    account: Account
    stack: LiveStack
    program: Program

    def up(self, *options: str, **args: Any) -> str:
        return self.stack.up(self.program(args), *options)

    def fails(self, **args: Any) -> str:
        return self.stack.up(self.program(args), ok=False)

    def being_created(self) -> set[str]:
        """Return the names of what a killed engine was creating, as its state lists them."""
        state = json.loads(self.stack.run("stack", "export"))["deployment"]
        return {each["resource"]["urn"].split("::")[-1] for each in state.get("pending_operations", ())}

    def up_and_delete(self, listed: set[str], **args: Any) -> None:
        """Update and delete in the cloud what the state does not know; update again if it was in the way.

        listed: the names of all that the state may not know.
        """
        try:
            self.up(**args)
        except AssertionError as refused:
            if not any(text in str(refused) for text in IN_THE_WAY):
                raise
            self._delete_unknown(listed)
            self.up(**args)
        self._delete_unknown(listed)

    def _delete_unknown(self, listed: set[str]) -> None:
        state = json.loads(self.stack.run("stack", "export"))["deployment"]
        known = {resource.get("id") for resource in state["resources"]} | self.account.let_go
        made = [each for each in self.account.things.values() if not each.name.startswith(EXISTING)]
        unknown = [each for each in made if each.id not in known]
        # A part that the state let go of is deleted with what it is a part of.
        missed = {each.name for each in unknown if self.account.owner_of(each) not in known} - listed
        assert not missed, f"made, and neither in the state nor in its list: {', '.join(sorted(missed))}"
        for thing in unknown:
            if thing.name in listed:
                self.account.delete(thing.id)

    def preview(self, *options: str, ok: bool = True, **args: Any) -> str:
        return self.stack.preview(self.program(args), *options, ok=ok)

    def is_as_wanted(self, **args: Any) -> bool:
        """Whether the state is the program's and the cloud is as the state says."""
        return "unchanged" in self.up("--refresh", "--expect-no-changes", **args)

    def calls_of(self, **args: Any) -> int:
        """Change to these arguments and return the number of calls to the cloud that it takes."""
        before = len(self.account.calls)
        self.up(**args)
        return len(self.account.calls) - before

    def fail_go_on_and_go_back(self, one: Args, other: Args) -> None:
        """Fail the change from `one` to `other` at a call, take it back; fail it again, go on, and go back.

        That at one call in its middle and at the last, or, with FULL, at every call.
        """
        self.up(**one)
        calls = self.calls_of(**other)
        self.up(**one)
        for number in range(1, calls + 1) if FULL else sorted({max(calls // 2, 1), calls}):
            self.account.fault = Fault(number)
            self.fails(**other)
            self.up(**one)
            self.account.fault = Fault(number)
            self.fails(**other)
            self.up(**other)
            self.up(**one)


@contextmanager
def lives(folder: Path, account: Account, program: Program, *packages: str) -> Generator[Live]:
    """Run an engine on the account for the providers of these packages; destroy the stack at the end."""
    if shutil.which("pulumi") is None:
        pytest.skip("no `pulumi` on PATH; `.ci/pulumi` builds one")
    with served_provider(StrictProvider(account)) as port:
        live = Live(account, LiveStack(folder, dict.fromkeys((*packages, "random"), port)), program)
        yield live
        live.stack.destroy()
