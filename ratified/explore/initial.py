"""Where random runs begin, and which states constraints let in, with what was left out counted.

Guarantees: initial states come in the order of the model's choices, each once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from ratified.language.errors import Span
from ratified.language.machine import OutOfBounds, PythonMachine, Values


def admitted(
    machine: PythonMachine, constraints: Sequence[str], state: Values, left_out: Counter[str]
) -> bool:
    """Whether constraints let a state in; the first that does not is counted."""
    for name in constraints:
        if machine.refuted_by(name, state) is not None:
            left_out[name] += 1
            return False
    return True


def initial_states(
    machine: PythonMachine,
    constraints: Sequence[str],
    tick: Callable[[], object],
    bounds: Counter[tuple[str, str, Span | None]],
    left_out: Counter[str],
) -> Iterator[Values]:
    """The initial states that constraints let in. Bounds that init exceeds are counted. Raises StepError and what `tick` does."""
    found: set[Values] = set()
    for _, state in machine.each_initial(tick):
        if isinstance(state, OutOfBounds):
            bounds[state.what, "init", state.span] += 1
        elif state not in found and admitted(machine, constraints, state, left_out):
            found.add(state)
            yield state
