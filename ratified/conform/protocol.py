"""An implementation, its model and what lies between them, as one value that chaos, Hypothesis and the model's graph are given.

Guarantees: making one imports nothing; each part is made when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from ratified.conform.cover import EdgeDriver, LazyGraph
from ratified.conform.mutants import Mutant
from ratified.conform.reference import Reference
from ratified.follow.binding import Binding
from ratified.impl.contract import Core, Durable, Input
from ratified.impl.system import System


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a protocol is run, watched and broken.

    `place` is where a test that is kept can import it from, as `module:expression`. `system` is given a seed, from which it may
    draw a configuration; `binding` the names of the nodes, or nothing for a trace that says them. `graph` gives the states of the
    model at a size that takes a second or so, or about a minute, and what drives the implementation along them. Events named in
    `at_once` tell others what needs nothing to be written; with `disks`, the model knows what is on them. Of the variables of a
    leader, `pending` says what it has not finished, and `voters` who votes; without it everybody does. `left` says of a
    member, once all is calm, what it has still to do; `reference` makes what a core is held to step by step,
    and `inputs` draws what one of these nodes, the first, could be given next.
    """

    name: str
    place: str
    system: Callable[[int], System]
    binding: Callable[..., Binding]
    mutants: Callable[[], Mapping[str, Mutant]]
    graph: Callable[[bool], tuple[LazyGraph, EdgeDriver]] | None = None
    at_once: Collection[str] = ()
    disks: bool = False
    pending: Callable[[Mapping[str, Any]], str | None] | None = None
    voters: Callable[[Mapping[str, Any]], Collection[str]] | None = None
    left: Callable[[Core], str | None] | None = None
    reference: Callable[[Core, Durable], Reference] | None = None
    inputs: Callable[[Random, Core, Sequence[str]], Input] | None = None

    def patched(self, change: Callable[[System], System]) -> Protocol:
        """This protocol with another implementation."""
        return replace(self, system=lambda seed: change(self.system(seed)))


def names_of(count: int) -> Sequence[str]:
    """The nodes of a simulated cluster."""
    return [f"n{i}" for i in range(1, count + 1)]
