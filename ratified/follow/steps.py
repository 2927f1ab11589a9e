"""What an event means in a model: an expression over the model's actions, which a binding writes and the checker follows.

    do("promise", a=acceptor, b=ballot)            one step of the model
    do("propose", b=ballot)                        the same; arguments that are not given may be any
    (do(...), do(...))                             one after the other; () is nothing at all
    maybe(do(...))                                 it or nothing
    either(do(...), do(...))                       one of them
    repeat(do(...), most=9)                        it, up to so many times
    attempt(do(...))                               it where it is possible, else nothing
    refused(do(...))                               nothing, but it must not be possible
    holds("chosen", value)                         nothing, but a method of the model must be true
    change("forget", lambda m: ...)                what the model has no action for: a function that changes its variables

Guarantees: values; what they mean is in `explain`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ratified.language.values import quoted, show


@dataclass(frozen=True, slots=True)
class Do:
    """One step of the model."""

    action: str
    arguments: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.action}({', '.join(f'{n}={quoted(v)}' for n, v in self.arguments.items())})"


@dataclass(frozen=True, slots=True)
class Either:
    """One of several."""

    ways: tuple[Steps, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same, from none to so many times."""

    steps: Steps
    most: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """A step where it is possible, and nothing where it is not: one state each, where `maybe` would keep both."""

    step: Do

    def __str__(self) -> str:
        return f"an attempt at {self.step}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """No step, but one that must not be possible."""

    step: Do

    def __str__(self) -> str:
        return f"a refusal of {self.step}"


@dataclass(frozen=True, slots=True)
class Holds:
    """No step, but a condition."""

    method: str
    arguments: tuple[Any, ...]
    expected: Any = True

    def __str__(self) -> str:
        asked = f"{self.method}({', '.join(map(show, self.arguments))})"
        return asked if self.expected is True else f"{asked} == {show(self.expected)}"


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the variables that is no step of the model."""

    name: str
    how: Callable[[Any], None]

    def __str__(self) -> str:
        return self.name


Steps: TypeAlias = "Do | Either | Repeat | Attempt | Refusal | Holds | Change | tuple[Steps, ...]"


def do(action: str, /, **arguments: Any) -> Do:
    """One step of the model; arguments that are not given may be any."""
    return Do(action, arguments)


def either(*ways: Steps) -> Either:
    """One of several."""
    return Either(ways)


def maybe(steps: Steps) -> Either:
    """It, or nothing."""
    return Either((steps, ()))


def repeat(steps: Steps, most: int) -> Repeat:
    """It, up to so many times, or not at all."""
    return Repeat(steps, most)


def attempt(step: Do) -> Attempt:
    """A step where it is possible, else nothing."""
    return Attempt(step)


def refused(step: Do) -> Refusal:
    """No step; one that must not be possible, with any values of the arguments that are not given."""
    return Refusal(step)


def holds(method: str, *arguments: Any, expected: Any = True) -> Holds:
    """No step; what a method of the model answers."""
    return Holds(method, arguments, expected)


def change(name: str, how: Callable[[Any], None]) -> Change:
    """A change that is no step of the model; `how` is handed the model, and may `require`."""
    return Change(name, how)
