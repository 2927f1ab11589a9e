"""What an engine says of a model, and what two of them say differently.

Guarantees: what one of them has not said is compared with nothing; which of several things that are wrong is met first is a
matter of the order in which one looks, and no difference.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ratified.language.ir import Kind
from ratified.language.machine import Machine, OutOfBounds, StepError, Values

STATES_MOST = 400


@dataclass(frozen=True, slots=True)
class Said:
    """What an engine says of a model at a size. None, or no verdict, is what it does not say.

    `states`, `levels` and `transitions` are of all that is reachable within the model's bounds. `verdict` is holds, violated,
    error (something has no value) or nothing (there is no initial state), and is about `claims` (None: all that are invariants
    or step invariants), `liveness` about the others. A violation or error is at the end of a run of `shortest` states, of which
    there is no shorter one (`at_least`: there may be); there is none at the end of runs of up to `clear`. `met` states were
    seen, and perhaps more. `against` is how CPython contradicts it, which an engine that asks it first has noticed itself.
    """

    states: int | None = None
    levels: int | None = None
    transitions: int | None = None
    verdict: str = ""
    claims: frozenset[str] | None = None
    failed: str = ""
    liveness: str = ""
    shortest: int | None = None
    at_least: bool = False
    clear: int = 0
    met: int | None = None
    against: str = ""
    raw: Any = field(default=None, compare=False)


NOTHING = Said()


def differ(one: Said, other: Said) -> tuple[set[str], list[str]]:
    """What both speak of (counts, verdict, runs), and what they say differently."""
    compared: set[str] = set()
    wrong: list[str] = []
    for what in ("states", "levels", "transitions"):
        mine, theirs = getattr(one, what), getattr(other, what)
        if mine is not None and theirs is not None:
            compared.add("counts")
            wrong += [f"{mine} and {theirs} {what}"] if mine != theirs else []
    for a, b in ((one, other), (other, one)):
        if a.met is not None and b.states is not None:
            compared.add("counts")
            wrong += [f"{a.met} states met of {b.states}"] if a.met > b.states else []
        if a.verdict and b.clear and _about(b, a):
            compared.add("runs")
            if a.shortest is not None and not a.at_least and a.shortest <= b.clear:
                wrong.append(f"{a.verdict} after {a.shortest} states, and nothing within {b.clear}")
    if one.verdict and other.verdict and _about(one, other) and _about(other, one):
        compared.add("verdicts")
        wrong += _verdicts(one, other)
        if one.shortest is not None and other.shortest is not None:
            compared.add("runs")
            wrong += _lengths(one, other)
    if one.liveness and other.liveness:
        compared.add("verdicts")
        wrong += [f"{one.liveness} and {other.liveness}"] if one.liveness != other.liveness else []
    return compared, wrong


def _about(one: Said, other: Said) -> bool:
    """Whether the one speaks of what the other found wrong. An error is in no claim of any name."""
    if one.claims is None or other.verdict == "holds":
        return True
    return other.verdict == "violated" and other.failed in one.claims


def _verdicts(one: Said, other: Said) -> list[str]:
    said = {one.verdict, other.verdict}
    # Which of several things that are wrong is met first is a matter of the order in which one looks, unless lengths tell.
    if len(said) == 1 or said == {"violated", "error"}:
        return []
    return [f"{one.verdict} and {other.verdict}"]


def _lengths(one: Said, other: Said) -> list[str]:
    assert one.shortest is not None
    assert other.shortest is not None
    if one.verdict != other.verdict:
        return []  # see above
    right = one.shortest == other.shortest
    if one.at_least or other.at_least:
        short, long = (other, one) if one.at_least else (one, other)
        right = long.shortest >= short.shortest  # type: ignore[operator]  # both are there
    return [] if right else [f"shortest runs of {one.shortest} and {other.shortest} states"]


def searched(machine: Machine, most: int = STATES_MOST) -> Said:
    """A breadth-first search of a dozen lines, level by level, that ends with the first level in which something is wrong."""
    seen: set[Values] = set()
    steps = transitions = levels = 0
    module = machine.module
    try:
        found: list[tuple[Values | None, Values | OutOfBounds]] = [(None, s) for _, s in machine.initial()]
    except StepError:
        return Said(verdict="error", shortest=0)
    first = True
    while True:
        wrong, error, level = "", False, list[Values]()
        for before, after in found:
            if isinstance(after, OutOfBounds):
                continue
            transitions += 1
            try:
                if any(
                    machine.refuted_by(c.name, after) is not None for c in module.of_kind(Kind.CONSTRAINT)
                ):
                    continue
                if after not in seen:
                    seen.add(after)
                    level.append(after)
                    wrong = wrong or _refuted(machine, after)
                if before is not None:
                    wrong = wrong or _broken(machine, before, after)
            except StepError:
                error = True
        if first and not level and not error:
            left = any(isinstance(after, OutOfBounds) for _, after in found)
            return NOTHING if left else Said(verdict="nothing")
        if error or wrong:
            return Said(verdict="error" if error else "violated", failed=wrong, shortest=steps + 1)
        if len(seen) > most:
            return Said(clear=steps + 1)
        if not level:
            return Said(len(seen), levels, transitions, "holds")
        first, levels, steps, found = False, levels + 1, steps + 1, []
        try:
            for state in level:
                found += [(state, after) for _, _, after in machine.steps(state)]
        except StepError:
            return Said(verdict="error", shortest=steps)


def _refuted(machine: Machine, state: Values) -> str:
    named = (c.name for c in machine.module.of_kind(Kind.INVARIANT))
    return next((name for name in named if machine.refuted_by(name, state) is not None), "")


def _broken(machine: Machine, before: Values, after: Values) -> str:
    named = (c.name for c in machine.module.of_kind(Kind.STEP_INVARIANT))
    return next((name for name in named if not machine.step_holds(name, before, after)), "")
