"""An account of a cloud that keeps what was made in it and refuses what the real service would refuse.

A rule is a function of the account and a request; it yields the service's own error. A fault makes one call
fail on purpose: before anything was made, or after, so that only the answer is lost.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

Inputs = Mapping[str, Any]
# How the names of things begin that were there before the program.
EXISTING = "existing "


class Verb(Enum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class Refusal(Exception):
    """The service's error; nothing was made or changed."""


class AnswerLost(Exception):
    """The call did what it should, but whoever made it was told that it failed."""


class NotReady(Exception):
    """What is made does not get ready, and whoever made it knows that it is there. thing: what was made."""

    thing: "Thing | None" = None


@dataclass(slots=True)
class Thing:
    """kind: such as `lb.LoadBalancer`. name: as the program calls it. outputs: what the cloud adds."""

    id: str
    type: str
    name: str
    inputs: Inputs
    outputs: Inputs = field(default_factory=dict[str, Any])

    @property
    def kind(self) -> str:
        return kind_of(self.type)


@dataclass(frozen=True, slots=True)
class Request:
    """inputs: those wanted. thing: what is changed or deleted; None where it is made."""

    verb: Verb
    type: str
    inputs: Inputs
    thing: Thing | None = None

    @property
    def kind(self) -> str:
        return kind_of(self.type)


@dataclass(frozen=True, slots=True)
class Fault:
    """The call of this number, from 1, among those that `matches` fails; after: once it has done its work."""

    number: int
    after: bool = False
    matches: Callable[[Request], bool] = lambda request: True


Rule = Callable[["Account", Request], Iterator[str]]
# The account after a call; yields what callers of the service would notice then.
Invariant = Callable[["Account"], Iterator[str]]
# The answer to a function of a provider, by its token and arguments; None: what is asked for is not there.
Answerer = Callable[["Account", str, Inputs], Inputs | None]
Maker = Callable[["Account", str, Inputs], Inputs]


@dataclass
class Account:
    """make: the outputs of what is made from inputs, its id among them. calls: in order, as (verb, name).

    parts: kind -> the kind of what is deleted with it, and the input or output that names it there.
    stays: whether a thing is still there when the provider was told to delete it.
    noticed: what the invariants found, once each. never_ready: ids of what was made and did not get ready
    yet. let_go: ids of what was deleted by the provider and stays.
    """

    rules: Mapping[str, Iterable[Rule]]
    make: Maker
    invariants: tuple[Invariant, ...] = ()
    parts: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    things: dict[str, Thing] = field(default_factory=dict[str, Thing])
    calls: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    noticed: list[str] = field(default_factory=list[str])
    never_ready: set[str] = field(default_factory=set[str])
    let_go: set[str] = field(default_factory=set[str])
    fault: Fault | None = None
    made: int = 0
    stays: Callable[[Thing], bool] = lambda thing: False
    answer: Answerer = lambda account, token, arguments: None
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def create(self, type_: str, name: str, inputs: Inputs) -> Thing:
        with self._lock:
            answer_lost, not_ready = None, None
            try:
                answer_lost = self._asked(Request(Verb.CREATE, type_, inputs), name)
            except AnswerLost as error:
                answer_lost = error
            except NotReady as error:
                not_ready = error
            self.made += 1
            outputs = dict(self.make(self, type_, inputs))
            thing = Thing(str(outputs["id"]), type_, name, inputs, outputs)
            self.things[thing.id] = thing
            if not_ready:
                self.never_ready.add(thing.id)
                not_ready.thing = thing
                raise not_ready
            self._watch()
            if answer_lost:
                raise answer_lost
            return thing

    def update(self, id_: str, inputs: Inputs) -> Thing:
        with self._lock:
            thing = self.things.get(id_)
            if thing is None:
                raise Refusal(f"NotFound: {id_}")
            answer_lost = self._asked(Request(Verb.UPDATE, thing.type, inputs, thing), thing.name)
            thing.inputs = inputs
            self.never_ready.discard(id_)
            self._watch()
            if answer_lost:
                raise answer_lost
            return thing

    def delete(self, id_: str) -> None:
        """Do nothing where it is not there, as providers do."""
        with self._lock:
            thing = self.things.get(id_)
            if thing is None:
                return
            answer_lost = self._asked(Request(Verb.DELETE, thing.type, thing.inputs, thing), thing.name)
            if self.stays(thing):
                self.let_go.add(id_)
            else:
                del self.things[id_]
                self._take_along(thing)
            self._watch()
            if answer_lost:
                raise answer_lost

    def of_kind(self, *kinds: str) -> list[Thing]:
        return [thing for thing in self.things.values() if thing.kind in kinds]

    def left(self) -> set[str]:
        """Return the names of what a program made and did not delete."""
        made = (thing for thing in self.things.values() if thing.id not in self.let_go)
        return {thing.name for thing in made if not thing.name.startswith(EXISTING)}

    def get(self, id_: object) -> Thing | None:
        return self.things.get(str(id_))

    def owner_of(self, thing: Thing) -> str:
        """Return the id of what this thing is deleted with; ''."""
        keys = (key for kind, key in self.parts.values() if kind == thing.kind)
        return next((str({**thing.inputs, **thing.outputs}.get(key, "")) for key in keys), "")

    def _take_along(self, thing: Thing) -> None:
        kind, key = self.parts.get(thing.kind, ("", ""))
        for part in self.of_kind(kind):
            if {**part.inputs, **part.outputs}.get(key) == thing.id:
                del self.things[part.id]

    def _asked(self, request: Request, name: str) -> AnswerLost | None:
        """Raise Refusal where a rule refuses it. Returns what to raise once the work is done, if anything."""
        fails = self._fails(request)
        if fails and fails.after is False:
            raise Refusal(f"{name}: InternalError: injected before the {request.verb.value}")
        rules = self.rules.get(request.kind, ())
        refusal = next((text for rule in rules for text in rule(self, request)), "")
        if refusal:
            raise Refusal(f"{name}: {refusal}")
        self.calls.append((request.verb.value, name))
        return AnswerLost(f"{name}: the connection was lost") if fails else None

    def _fails(self, request: Request) -> Fault | None:
        """Return the fault for this call; each fault strikes once."""
        fault = self.fault
        if fault is None or not fault.matches(request):
            return None
        if fault.number > 1:
            self.fault = Fault(fault.number - 1, fault.after, fault.matches)
            return None
        self.fault = None
        return fault

    def _watch(self) -> None:
        for invariant in self.invariants:
            for text in invariant(self):
                if text not in self.noticed:
                    self.noticed.append(text)


def kind_of(type_: str) -> str:
    """`aws:lb/loadBalancer:LoadBalancer` -> `lb.LoadBalancer`."""
    _, module, name = type_.split(":")
    return f"{module.split('/')[0]}.{name}"


def values_at(value: Any, key: str) -> Iterator[Any]:
    """Every value that stands under `key`, at any depth."""
    if isinstance(value, Mapping):
        for name, inner in value.items():  # pyright: ignore[reportUnknownVariableType]
            if name == key:
                yield inner
            yield from values_at(inner, key)
    elif isinstance(value, list):
        for inner in value:  # pyright: ignore[reportUnknownVariableType]
            yield from values_at(inner, key)


def strings_in(value: Any) -> Iterator[str]:
    """List every string, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():  # pyright: ignore[reportUnknownVariableType]
            yield from strings_in(inner)
    elif isinstance(value, list):
        for inner in value:  # pyright: ignore[reportUnknownVariableType]
            yield from strings_in(inner)
