"""Describes what is wrong with a component's arguments, as values that a program can rephrase."""

import re
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar

# How a sentence names an argument.
_NAMED = re.compile(r"`([a-z][a-z0-9_]*)`")
_WORDS: ContextVar[Mapping[str, str]] = ContextVar("words", default=MappingProxyType({}))
Value = TypeVar("Value")


class ComponentError(Exception):
    """The base class of the errors that a component raises."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One argument that a component does not accept.

    The sentence is `<argument> is <given> <reason>; <allowed>; nearest: <nearest>.`
    argument: its name, or a path such as `env.NAME` or `zones[0]`; '' for the component as a whole, whose
    sentence then begins with `given`.
    given: what was given, as a person reads it; a secret's value is never in it.
    allowed, reason: clauses, in which `name` in backquotes is another argument.
    nearest: a value that is allowed, in the argument's own unit; None if none is known.
    verb: `has` where one part of the argument is wrong, such as an item of a list.
    needs_memory: whether the model needs more memory than is set, as measured or estimated.
    """

    argument: str
    given: str
    allowed: str = ""
    reason: str = ""
    nearest: float | str | None = None
    verb: str = "is"
    needs_memory: bool = False

    @property
    def arguments(self) -> frozenset[str]:
        """Return every argument that the sentence names."""
        return frozenset({self.root, *_NAMED.findall(f"{self.reason} {self.allowed}")} - {""})

    @property
    def root(self) -> str:
        """Return the argument without its path."""
        return re.split(r"[.\[]", self.argument, maxsplit=1)[0]

    def __str__(self) -> str:
        words = _WORDS.get()
        name = words.get(self.root, self.root) + self.argument[len(self.root) :]
        start = f"{name} {self.verb} {self.given}" if self.argument else self.given
        text = with_clauses(start, self.reason, self.allowed)
        if self.nearest is not None:
            text += f"; nearest: {shown(self.nearest)}"
        return in_words(text if text.endswith((".", "?")) else f"{text}.", words)


class ArgumentsError(ComponentError, ValueError):
    """Every fault of one component's arguments, one per line. name: of the component."""

    def __init__(self, name: str, faults: Iterable[Fault]) -> None:
        self.name = name
        self.faults = tuple(faults)
        super().__init__("\n".join(f"{name}: {fault}" for fault in self.faults))


@dataclass(slots=True)
class Faults:
    """Collects the faults of several checks, so that one run reports all of them before anything is made."""

    found: list[Fault] = field(default_factory=list[Fault])

    def of(self, check: Callable[[], Value]) -> Value | None:
        """Return what `check` returns, or None if it raised ArgumentsError, whose faults are kept.

        A fault of a value in which an earlier check found one is left out, because two components report the
        same cause; too little memory for the model is a cause of its own.
        """
        try:
            return check()
        except ArgumentsError as error:
            wrong = {(fault.argument, fault.given, fault.verb) for fault in self.found}
            self.found += [
                fault
                for fault in error.faults
                if (fault.argument, fault.given, fault.verb) not in wrong
                or (fault.needs_memory and fault not in self.found)
            ]
            return None

    def refuse(self, name: str) -> None:
        """Raise ArgumentsError if any fault was collected."""
        refuse(name, self.found)


def refuse(name: str, faults: Iterable[Fault]) -> None:
    """Raise one ArgumentsError with every fault of the component `name`; do nothing if there are none."""
    if found := list(faults):
        raise ArgumentsError(name, found)


def with_clauses(start: str, reason: str, allowed: str) -> str:
    """Join the clauses of a fault, skipping empty ones; a reason may begin with its own `,` or `:`."""
    text = start + (f"{'' if reason[:1] in ',:' else ' '}{reason}" if reason else "")
    return text + (f"; {allowed}" if allowed else "")


def shown(value: float | str) -> str:
    """Return a value as a sentence shows it: a number in few digits, a string unchanged."""
    return value if isinstance(value, str) else f"{value:.15g}"


def in_words(text: str, words: Mapping[str, str] | None = None) -> str:
    """Return `text` with every argument in backquotes renamed to the reader's name for it."""
    words = _WORDS.get() if words is None else words
    return _NAMED.sub(lambda found: f"`{words.get(found[1], found[1])}`", text) if words else text


@contextmanager
def reader_words(words: Mapping[str, str]) -> Generator[None]:
    """Use the reader's names for arguments while the context lasts. words: argument -> name."""
    token = _WORDS.set(words)
    try:
        yield
    finally:
        _WORDS.reset(token)
