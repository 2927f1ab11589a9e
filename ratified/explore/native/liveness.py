"""Liveness on what was explored natively: the graph is the explorer's, claims are asked by the reference machine.

Guarantees: as `ratified/explore/liveness.py`. What the graph does not know is refused before anything is said: which steps a
constraint or a bound cut off, and which of the values that a guard gives a parameter a step was taken with.
"""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast, overload

from ratified.explore.graph import Graph
from ratified.explore.liveness import UNTOLD, Labels, LivenessCheck, liveness_claims
from ratified.explore.native.codegen.layout import Layout
from ratified.explore.native.codegen.numbering import Program
from ratified.explore.native.codegen.shapes import Unsupported
from ratified.explore.native.driver import Exploration, Outcome, Stop
from ratified.language.machine import Machine, Values
from ratified.language.model import Model
from ratified.results.seen import NOWHERE
from ratified.results.seen import Exploration as Seen


def refuse_what_is_not_told(model: Model, program: Program) -> None:
    """Raise Unsupported where fairness is for each value of a parameter that the explorer does not number."""
    if not liveness_claims(model.module):
        return
    for instances in program.instances:
        action = instances.action
        given = [a.name for a in action.arguments if a.domain is not None]
        untold = [name for name in (action.fair.each if action.fair else ()) if name in given]
        if untold:
            raise Unsupported(
                f"`{action.name}` is fair for each `{untold[0]}`, which a guard gives its values: "
                "the native explorer does not tell them apart",
                remedy="explore with engine='reference'",
            )


def refuse_what_was_cut(outcome: Outcome) -> None:
    """Raise Unsupported where steps were cut off: they count as possible, and the graph does not have them."""
    if any(outcome.left) or any(outcome.constrained):
        raise Unsupported(
            "a constraint or a bound cuts steps off, and the native explorer does not keep which, as liveness needs",
            remedy="explore with engine='reference'",
        )


def check_of(
    machine: Machine, program: Program, exploration: Exploration, outcome: Outcome, tick: Callable[[], None]
) -> LivenessCheck:
    """The check of a model's liveness claims. Raises NativeError where the graph does not fit into memory."""
    made = exploration.graph()
    # The last level was not expanded if a limit of depth struck, nor was the one before, whole, if another did.
    back = {None: 0, Stop.DEPTH: 1}.get(outcome.stopped, 2)
    expanded = made.levels[max(0, len(made.levels) - 1 - back)]
    end = made.offsets[expanded]
    offsets = made.offsets[: expanded + 1].tolist() + [end] * (outcome.distinct - expanded)
    targets, instances = made.targets[:end].tolist(), made.instances[:end].tolist()
    initial = range(made.levels[1] if len(made.levels) > 1 else 0)
    predecessor = array("q", [NOWHERE]) * outcome.distinct
    for state in range(expanded):
        for edge in range(offsets[state], offsets[state + 1]):
            target = targets[edge]
            if target >= len(initial) and predecessor[target] == NOWHERE:
                predecessor[target] = state
    states = cast("list[Values]", Unpacked(program.layout, exploration, outcome.distinct))
    graph = Graph(offsets, targets, instances, initial, expanded)
    return LivenessCheck(
        machine,
        Seen((), states=states, predecessor=predecessor),
        tick,
        (graph, Labels(tuple(_labels(program)))),
    )


def _labels(program: Program) -> Iterator[tuple[int, Values]]:
    for index, instances in enumerate(program.instances):
        for values in itertools.product(*instances.values):
            static = iter(values)
            yield (
                index,
                tuple(next(static) if a.domain is None else UNTOLD for a in instances.action.arguments),
            )


class Unpacked(Sequence[Values]):
    """The states of an exploration by number, each made when it is asked for."""

    def __init__(self, layout: Layout, exploration: Exploration, size: int) -> None:
        self._layout = layout
        self._exploration = exploration
        self._size = size

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, number: int) -> Values: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Values]: ...
    def __getitem__(self, number: Any) -> Any:
        if isinstance(number, slice):
            return [self[n] for n in range(*number.indices(self._size))]
        if not 0 <= number < self._size:
            raise IndexError(number)
        return self._layout.unpack(self._exploration.state(number))
