"""What an event stands for: an expression over the model's actions, which a binding returns and the checker follows.

    do("promise", a=acceptor, b=ballot)            one step of the model
    do("propose", b=ballot)                        the same; arguments left out may have any value
    (do(...), do(...))                             one after the other; () is nothing
    maybe(do(...))                                 this or nothing
    either(do(...), do(...))                       one of these
    repeat(do(...), most=9)                        this, up to that many times
    attempt(do(...))                               this if it is enabled, otherwise nothing
    refused(do(...))                               no step, but this must not be enabled
    holds("chosen", value)                         no step, but a method of the model must be true
    change("forget", lambda m: ...)                a change for which the model has no action: a function of its variables

Guarantees: frozen values; what they mean is defined in `explain`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ratified.follow.made import maker, quickly_made
from ratified.language.values import quoted, show


@quickly_made
@dataclass(frozen=True, slots=True)
class Do:
    """One step of the model."""

    action: str
    arguments: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.action}({', '.join(f'{n}={quoted(v)}' for n, v in self.arguments.items())})"


@quickly_made
@dataclass(frozen=True, slots=True)
class Either:
    """One of several alternatives."""

    ways: tuple[Steps, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A step repeated, from zero times up to a maximum."""

    steps: Steps
    most: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """A step if it is enabled, otherwise nothing: one possible state, where `maybe` would keep both."""

    step: Do

    def __str__(self) -> str:
        return f"an attempt at {self.step}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """No step, but a step that must not be enabled."""

    step: Do

    def __str__(self) -> str:
        return f"a refusal of {self.step}"


@quickly_made
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
    """A change of the variables that is not a step of the model."""

    name: str
    how: Callable[[Any], None]

    def __str__(self) -> str:
        return self.name


Steps: TypeAlias = "Do | Either | Repeat | Attempt | Refusal | Holds | Change | tuple[Steps, ...]"


_do, _either, _holds = maker(Do), maker(Either), maker(Holds)


def do(action: str, /, **arguments: Any) -> Do:
    """One step of the model; arguments left out may have any value."""
    return _do(action, arguments)


def either(*ways: Steps) -> Either:
    """One of several alternatives."""
    return _either(ways)


def maybe(steps: Steps) -> Either:
    """These steps, or nothing."""
    return _either((steps, ()))


def repeat(steps: Steps, most: int) -> Repeat:
    """These steps up to `most` times, or not at all."""
    return Repeat(steps, most)


def attempt(step: Do) -> Attempt:
    """A step if it is enabled, otherwise nothing."""
    return Attempt(step)


def refused(step: Do) -> Refusal:
    """No step, but this step must not be enabled, with any values of the arguments left out."""
    return Refusal(step)


def holds(method: str, *arguments: Any, expected: Any = True) -> Holds:
    """No step, but a method of the model must return `expected`."""
    return _holds(method, arguments, expected)


def change(name: str, how: Callable[[Any], None]) -> Change:
    """A change that is not a step of the model; `how` is called with the model, and may `require`."""
    return Change(name, how)
