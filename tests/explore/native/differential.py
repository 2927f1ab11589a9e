"""Native and reference exploration of one model, compared in everything that both report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ratified.models.language.errors import ModelError
from ratified.models.language.ir import Kind
from ratified.models.language.machine import Left, PythonMachine, StepError, Values
from ratified.models.language.model import Model
from ratified.proofs.explore.counterexample import EvaluationError
from ratified.proofs.explore.native.engine import check_native


@dataclass(slots=True)
class Plain:
    """What a plain breadth-first search over the reference machine finds."""

    distinct: int = 0
    generated: int = 0
    depth: int = 0
    fired: Counter[str] = field(default_factory=Counter)
    left: Counter[tuple[str, str]] = field(default_factory=Counter)
    constrained: Counter[str] = field(default_factory=Counter)
    violated: tuple[str, int] | None = None
    fault: str | None = None


class TooLarge(Exception):
    """More states than the test wants to see."""


def plain(model: Model, most: int) -> Plain:
    """Levels are finished before what went wrong in them is reported: the shortest run, then errors, invariants, step invariants."""
    machine = PythonMachine(model)
    found = Plain()
    problems: list[tuple[int, int, int, str]] = []
    invariants = machine.module.of_kind(Kind.INVARIANT)
    claims = machine.module.of_kind(Kind.STEP_INVARIANT)
    constraints = machine.module.of_kind(Kind.CONSTRAINT)

    def allowed(state: Values) -> bool:
        for one in constraints:
            if machine.refuted_by(one.name, state) is not None:
                found.constrained[one.name] += 1
                return False
        return True

    seen: set[Values] = set()

    def enter(state: Values, fresh: list[Values]) -> None:
        if state in seen:
            return
        seen.add(state)
        fresh.append(state)
        try:
            for k, one in enumerate(invariants):
                if machine.refuted_by(one.name, state) is not None:
                    problems.append((found.depth + 1, 2, k, one.name))
                    break
        except StepError as error:
            problems.append((found.depth + 1, 1, 0, error.message))

    level: list[Values] = []
    try:
        for _, after in machine.initial():
            if isinstance(after, Left):
                found.left[after.what, "init"] += 1
                continue
            found.generated += 1
            if allowed(after):
                enter(after, level)
    except StepError as error:
        found.fault = error.message
        return found
    found.depth = 1 if level else 0
    while level and not problems:
        fresh: list[Values] = []
        for state in level:
            try:
                steps = machine.steps(state)
            except StepError as error:
                problems.append((found.depth, 1, 0, error.message))
                continue
            for index, _, after in steps:
                name = machine.actions[index].name
                if isinstance(after, Left):
                    found.left[after.what, name] += 1
                    continue
                found.generated += 1
                found.fired[name] += 1
                try:
                    if not allowed(after):
                        continue
                    for k, claim in enumerate(claims):
                        if not machine.step_holds(claim.name, state, after):
                            problems.append((found.depth + 1, 3, k, claim.name))
                            break
                except StepError as error:
                    problems.append((found.depth, 1, 0, error.message))
                    continue
                enter(after, fresh)
                if len(seen) > most:
                    raise TooLarge
        level = fresh
        found.depth += bool(fresh)
    found.distinct = len(seen)
    if problems:
        length, kind, _, name = min(problems)
        if kind == 1:
            found.fault = min(p for p in problems if p[:2] == (length, kind))[3]
        else:
            found.violated = name, length
    return found


def differences(model: Model, most: int = 3000, flags: tuple[str, ...] = (), threads: int = 1) -> list[str]:
    """What native and reference exploration say differently about a model."""
    expected = plain(model, most)
    try:
        result = check_native(model, threads=threads, flags=flags)
    except EvaluationError as error:
        return [] if expected.fault else [f"native fault {error.message!r}, reference none: {expected}"]
    except ModelError as error:
        nothing = not expected.distinct and not expected.left and "no initial state" in error.message
        return [] if nothing and not expected.fault else [f"native {error.message!r}, reference {expected}"]
    if expected.fault:
        return [f"reference fault {expected.fault!r}, native none: {result.verdict}"]
    fired = {a.name: a.fired for a in result.actions}
    left: Counter[tuple[str, str]] = Counter()
    for b in result.bounds:
        left[b.what, b.action] += b.times
    violated = (result.violation.name, len(result.violation.trace)) if result.violation else None
    pairs = {
        "distinct": (expected.distinct, result.distinct),
        "generated": (expected.generated, result.generated),
        "depth": (expected.depth, result.depth),
        "fired": ({n: expected.fired[n] for n in fired}, fired),
        "left": (dict(expected.left), dict(left)),
        "constrained": (dict(expected.constrained), {c.name: c.times for c in result.constraints if c.times}),
        "violated": (expected.violated, violated),
    }
    return [f"{what}: reference {a}, native {b}" for what, (a, b) in pairs.items() if a != b]
