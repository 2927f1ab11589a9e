"""What is simulated: how the cores of a protocol are made, and what is asked of that protocol beyond what is asked of all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

from ratified.impl.contract import Control, Core, Durable, Effects, Input, MakeCore, NodeId, StateMachine
from ratified.impl.machines import KeyValue


class BrokenPromise(Exception):
    """A run broke a promise: `promise` is its short name, `how` says what happened."""

    def __init__(self, promise: str, how: str) -> None:
        super().__init__(f"{promise}: {how}")
        self.promise = promise
        self.how = how


class SettingError(ValueError):
    """There is no such system or setting, or not with such a value; the message says what there is."""


class Inspector(Protocol):
    """Watches a cluster for what is a promise of one protocol, such as one leader in a term. One is made for each run."""

    def started(self, core: Core, durable: Durable) -> None:
        """A core was made from what is durable. Raises BrokenPromise if that shows something that must not be."""

    def stepped(self, core: Core, event: Input, effects: Effects) -> None:
        """A core took a step. Raises BrokenPromise if it must not have."""


class NoInspector:
    """Watches nothing."""

    def started(self, core: Core, durable: Durable) -> None:
        """Nothing is asked."""

    def stepped(self, core: Core, event: Input, effects: Effects) -> None:
        """Nothing is asked."""


@dataclass(frozen=True, slots=True)
class System:
    """A protocol, configured.

    `bootstrap` says what is on a node's disk before its first start, given the cluster's nodes; `make` makes its core, then
    and after every crash. `machine` is the state machine that `make` hands to the cores.
    """

    name: str
    bootstrap: Callable[[NodeId, tuple[NodeId, ...]], Durable]
    make: MakeCore
    machine: Callable[[], StateMachine] = KeyValue
    controls: tuple[type[Control], ...] = ()  # the orders that it knows, beside those of the contract
    order: Callable[[Random, Sequence[NodeId]], Control] | None = None  # draws an order to give during chaos
    change: Callable[[Sequence[NodeId], Sequence[NodeId]], Control] | None = (
        None  # the order to have these voters and learners, where they can change
    )
    transfer: Callable[[NodeId], Control] | None = (
        None  # the order to hand over to this node, where there is one
    )
    gives_up: int | None = None  # ticks within which a leader that is cut off leads no more, if it does
    members: Callable[[Core], Iterable[NodeId]] | None = (
        None  # who must catch up, as the leader knows; None: everybody
    )
    inspector: Callable[[], Inspector] = NoInspector
    preset: Callable[[Durable, Mapping[str, str]], Durable] | None = (
        None  # a script's disk, from its name=value words
    )
    describe: Callable[[Core], str] | None = None  # a node in one line, for scripts
    elects: bool = True  # whether there must be a leader when all is calm
    sessions: bool = True  # whether a command that a client repeats must be executed once only
