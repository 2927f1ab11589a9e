"""Parts of a graph: what lies around some states, the steps of an action, or a counterexample."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ratified.diagram.space import Space
from ratified.explore import check
from ratified.language.errors import ModelError, RatifiedError
from ratified.language.query import Query, condition, one_of_many
from ratified.results.result import Limits, PropertyKind, Trace

COUNTEREXAMPLE = "counterexample"


@dataclass(frozen=True, slots=True)
class Focus:
    """The states that a part is around. `widened` if their neighbours belong to it, `run` if they are a run, in order."""

    name: str
    states: tuple[int, ...]
    widened: bool = True
    run: bool = False


def focus_of(space: Space, text: str, limits: Limits, engine: str) -> Focus:
    """The states that a person means: by a condition on states, an action's name, or `counterexample`.

    Raises:
        RatifiedError: it is none of these, or there are no such states.
    """
    if text == COUNTEREXAMPLE:
        return _counterexample(space, limits, engine)
    if text in space.actions:
        return _steps_of(space, text)
    try:
        query = condition(space.model, text)
    except ModelError as problem:
        raise RatifiedError(
            f"{space.model.module.name} has no action {text!r}, and it is no condition on its states\n{problem}",
            remedy=f"its actions: {', '.join(space.actions)}; or `{COUNTEREXAMPLE}`",
        ) from None
    if space.symmetry is not None:
        told_apart(query)
    of, values = space.asked(query)
    true = {k for k, (value,) in enumerate(values) if value}
    found = tuple(n for n, k in enumerate(of) if k in true)
    if not found:
        raise RatifiedError(
            f"of the {space.size:,} states explored none satisfies `{text}`", remedy="weaken the condition"
        )
    return Focus(text, found)


def told_apart(query: Query) -> None:
    """Refuse to fold by what names one of several interchangeable values: it is not the same after renaming. RatifiedError."""
    if (value := one_of_many(query)) is not None:
        raise RatifiedError(
            f"`{query.text}` names {value}, and folding makes interchangeable values one",
            remedy=f"ask about all of them: any(... for x in {type(value).__name__}), or draw without --fold",
        )


def _steps_of(space: Space, action: str) -> Focus:
    wanted = space.actions.index(action)
    offsets, targets, actions = space.steps.offsets, space.steps.targets, space.steps.actions
    found: set[int] = set()
    for n in range(space.size):
        for e in range(offsets[n], offsets[n + 1]):
            if actions[e] == wanted:
                found |= {n, targets[e]}
    if not found:
        raise RatifiedError(
            f"`{action}` is never possible", remedy="`ratified check` says how often each action is"
        )
    return Focus(action, tuple(sorted(found)), widened=False)


def _counterexample(space: Space, limits: Limits, engine: str) -> Focus:
    result = check(space.model, limits=limits, engine=engine)
    violation = result.violation
    if violation is None:
        raise RatifiedError(
            f"no claim of {space.model.module.name} is violated, so there is no counterexample to draw",
            remedy="`ratified check` has the whole report",
        )
    kind = "" if violation.kind is PropertyKind.DEADLOCK else f" to {violation.name}"
    return Focus(f"the counterexample{kind}", numbers_of(space, violation.trace), run=True)


def numbers_of(space: Space, trace: Trace) -> tuple[int, ...]:
    """The numbers of the states of a run."""
    canonical = space.symmetry.canonical if space.symmetry else lambda state: state
    wanted = [canonical(tuple(state.values())) for state in trace.states]
    offsets, targets = space.steps.offsets, space.steps.targets
    found: list[int] = []
    among: Sequence[int] = range(space.levels[1])
    for state in wanted:
        number = next((n for n in among if space.states.values(n) == state), None)
        if number is None:
            break  # a step out of what was explored
        found.append(number)
        among = targets[offsets[number] : offsets[number + 1]]
    return tuple(found)


def within(space: Space, of: Sequence[int], classes: set[int], radius: int) -> list[int]:
    """The classes at most `radius` steps from some of these, forwards or backwards."""
    if radius <= 0:
        return sorted(classes)
    offsets, targets = space.steps.offsets, space.steps.targets
    near: dict[int, set[int]] = defaultdict(set)
    for n in range(space.size):
        c = of[n]
        for t in targets[offsets[n] : offsets[n + 1]]:
            d = of[t]
            if c != d:
                near[c].add(d)
                near[d].add(c)
    found, border = set(classes), set(classes)
    for _ in range(radius):
        border = {d for c in border for d in near[c]} - found
        found |= border
    return sorted(found)
