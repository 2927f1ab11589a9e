"""Two machines of one model, compared transition for transition.

Guarantees: values are compared with their types, all the way down, for to Python `True == 1`, and the first values of two
sorts are equal. Errors are the same if they are in the same step and line; their words may differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

from ratified.language import Bag, Map, Model, Seq, Set, Sort
from ratified.language.evaluate import TreeMachine
from ratified.language.ir import Kind
from ratified.language.machine import Machine, OutOfBounds, PythonMachine, StepError, Values
from ratified.language.values import show

Exact = tuple[object, ...]


class Disagreement(AssertionError):
    """What one machine does and the other does not."""


def exact(value: Any) -> Exact:
    """A value together with its type, and so on for its parts."""
    if isinstance(value, OutOfBounds):
        return ("left", value.what)
    if value is None or type(value) in (bool, int):
        return (type(value).__name__, value)
    if isinstance(value, str):
        return ("str", show(value))
    if isinstance(value, Sort | Enum):
        return (type(value).__name__, repr(value))
    if isinstance(value, Map):
        return ("Map", *((exact(key), exact(each)) for key, each in value.items()))
    if isinstance(value, Set | Bag | Seq) or type(value) is tuple:
        return (type(value).__name__, *(exact(each) for each in value))
    return (type(value).__name__, *(exact(getattr(value, field)) for field in value.__match_args__))


def agree(model: Model, most: int) -> int:
    """Hold the evaluator to CPython on up to `most` reachable states; how many there were. Raises Disagreement."""
    python, tree = PythonMachine(model), TreeMachine(model)
    first = _both("the initial states", python, tree, _of_initial)
    queue = [after for _, after in python.initial() if not isinstance(after, OutOfBounds)] if first else []
    seen = set(map(exact, queue))
    for number, state in enumerate(queue):
        if number >= most:
            break
        _same_claims(python, tree, state)
        if not _both(_in(state), python, tree, lambda machine, at=state: _of_steps(machine, at)):  # type: ignore[misc]
            continue
        for _, _, after in python.steps(state):
            if isinstance(after, OutOfBounds):
                continue
            _same_step_claims(python, tree, state, after)
            if exact(after) not in seen:
                seen.add(exact(after))
                queue.append(after)
    return len(queue)


def _of_initial(machine: Machine) -> list[Exact]:
    return [(exact(arguments), exact(after)) for arguments, after in machine.initial()]


def _of_steps(machine: Machine, state: Values) -> list[Exact]:
    steps = machine.steps(state)
    return [(machine.actions[index].name, exact(given), exact(after)) for index, given, after in steps]


def _same_claims(python: Machine, tree: Machine, state: Values) -> None:
    for kind in (Kind.INVARIANT, Kind.CONSTRAINT):
        for claim in python.module.of_kind(kind):

            def refuting(machine: Machine, name: str = claim.name) -> list[Exact]:
                found = machine.refuted_by(name, state)
                return [("holds",)] if found is None else [exact(found)]

            _both(f"{claim.name}, {_in(state)}", python, tree, refuting)


def _same_step_claims(python: Machine, tree: Machine, old: Values, new: Values) -> None:
    for claim in python.module.of_kind(Kind.STEP_INVARIANT):

        def holds(machine: Machine, name: str = claim.name) -> list[Exact]:
            return [exact(machine.step_holds(name, old, new))]

        _both(f"{claim.name}, {_in(old)} and then {_in(new)}", python, tree, holds)


def _both(what: str, python: Machine, tree: Machine, ask: Callable[[Machine], list[Exact]]) -> bool:
    """Whether both machines have an answer, the same one; False if both go wrong in the same way."""
    (one, wrong), (other, also_wrong) = _answer(python, ask), _answer(tree, ask)
    if wrong != also_wrong:
        raise Disagreement(f"{what}\nCPython:   {wrong or 'no error'}\nevaluator: {also_wrong or 'no error'}")
    if one != other:
        only = "\n".join([*_only("CPython", one, other), *_only("evaluator", other, one)])
        raise Disagreement(f"{what}\n{only or 'the order is different'}")
    return wrong is None


def _only(who: str, these: Iterable[Exact], others: Iterable[Exact]) -> list[str]:
    others = list(others)
    return [f"only {who}: {one}" for one in these if one not in others]


def _answer(machine: Machine, ask: Callable[[Machine], list[Exact]]) -> tuple[list[Exact], Exact | None]:
    try:
        return ask(machine), None
    except StepError as error:
        line = error.span.line if error.span else 0
        return [], (error.function, exact(error.arguments), line)


def _in(state: Values) -> str:
    return f"in the state {show(state)}"
