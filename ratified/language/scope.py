"""The scope a model runs in: how large its sorts are now, and what its parameters are.

Guarantees: a sort can be iterated, and a bound evaluated, only inside a scope; scopes nest, and are separate per thread and task.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from dataclasses import dataclass, field

from ratified.language.errors import SizeError


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """Sizes by sort class and parameters by name. `cache` holds what was derived from them (sort members, quorums).

    `room` is for engines that lay states out: how many elements they give to a set without a bound; 0 if they may not.
    """

    sizes: Mapping[type, int]
    parameters: Mapping[str, object] = field(default_factory=dict)
    cache: dict[object, object] = field(default_factory=dict)
    room: int = 0


_current: ContextVar[Scope | None] = ContextVar("ratified_scope", default=None)


def scope_if_any() -> Scope | None:
    """The scope in force, if there is one."""
    return _current.get()


def current_scope() -> Scope:
    """The scope in force. Raises SizeError outside of one."""
    scope = _current.get()
    if scope is None:
        raise SizeError(
            "no model is running here, so sorts have no size",
            remedy="in the body of a class, set the variable in `init`, or write Map.fromkeys(K, v); elsewhere call it "
            "through an action or invariant of an instance, or inside `with model:`",
        )
    return scope


enter: Callable[[Scope], Token[Scope | None]] = _current.set
"""Put a scope in force until `leave`, given what this returned: `running` for what is done too often to pay for a block."""

leave: Callable[[Token[Scope | None]], None] = _current.reset


class running:  # noqa: N801  # reads as a verb where it is used: `with running(scope):`
    """Put a scope in force for the duration of the block."""

    __slots__ = ("_scope", "_token")

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __enter__(self) -> None:
        self._token = _current.set(self._scope)

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)


def size_of(sort: type) -> int:
    """How many values a sort has in the scope in force."""
    size = current_scope().sizes.get(sort)
    if size is None:
        raise SizeError(f"the sort {sort.__name__} has no size here", remedy=f"give one: {sort.__name__}=3")
    return size
