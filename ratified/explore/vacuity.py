"""Vacuity: an invariant may hold only because what it speaks of never comes up. Then it says nothing, and is reported.

A property's *witnesses* are conditions of which each must be true in some state (or step) for its conclusion to have been put
to the test: for `all(P for x in S if C)`, that there is an x that passes C, and P is witnessed for it; for `not A or P`, that A
holds and P is witnessed.

Guarantees: a property is called vacuous only if one of its witnesses was false in every state visited; where the form of a
property says nothing, or a witness has no value, it counts as witnessed. (After Beer, Ben-David, Eisner & Rodeh, "Efficient
detection of vacuity in temporal model checking", 2001: a subformula that does not matter.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ratified.language import ir
from ratified.language.errors import RatifiedError, Span
from ratified.language.evaluate import Evaluator
from ratified.language.inline import Inliner
from ratified.language.ir import Expr, Function, Kind, Module
from ratified.language.machine import Machine, OutOfBounds, StepError, Values
from ratified.language.scope import Scope, running
from ratified.language.sorts import BoundLeft
from ratified.language.types import BOOL, EnumType, SetType, SortType, cardinality, values_of
from ratified.language.values import Set
from ratified.results.seen import Exploration

MOST_CHOICES = 10_000
"""A property with a parameter of more values counts as witnessed."""


def witnesses(module: Module, function: Function, scope: Scope) -> tuple[Expr, ...]:
    """The witnesses of an invariant or step invariant, closed over its parameters; none if its form says nothing."""
    deriving = _Deriving(module)
    claim = deriving.inliner.value(
        function, [ir.Local(function.span, a.type, a.name) for a in function.arguments]
    )
    if claim is None:
        return ()
    found = []
    for goal in deriving.goals(claim, True):
        if _is(goal, True):
            continue
        closed = _closed(goal, function, scope)
        if closed is not None and closed not in found:
            found.append(closed)
    return tuple(found)


def _closed(goal: Expr, function: Function, scope: Scope) -> Expr | None:
    """A witness for some choice of the property's parameters."""
    clauses = []
    for argument in function.arguments:
        domain = argument.domain
        if domain is None and isinstance(argument.type, SortType | EnumType):
            domain = ir.Universe(function.span, SetType(argument.type))
        if domain is None:
            if cardinality(argument.type, scope) > MOST_CHOICES:
                return None
            with running(scope):
                domain = ir.Literal(
                    function.span, SetType(argument.type), Set(values_of(argument.type, scope))
                )
        clauses.append(ir.Clause((argument.name,), domain, ()))
    return ir.Collect(goal.span, BOOL, "any", goal, tuple(clauses)) if clauses else goal


def untested(
    machine: Machine,
    found: Exploration,
    *,
    representatives: bool,
    steps: bool = True,
    tick: Callable[[], None] = lambda: None,
) -> frozenset[str]:
    """The properties of which a witness was false in every state, or every step, that a search has seen.

    Late states are asked first: what comes up at all has mostly come up by then. `representatives` if states stand for orbits;
    claims of steps are asked about only if all `steps` were taken.
    `tick` is called at every look at a state, and may raise.
    """
    asked = _WitnessedState(machine, tick)
    never = set()
    for invariant in machine.module.of_kind(Kind.INVARIANT):
        for goal in witnesses(machine.module, invariant, machine.model.scope):
            if not any(asked.true(goal, state, ()) for state in reversed(found.states)):
                never.add(invariant.name)
                break
    for invariant in machine.module.of_kind(Kind.STEP_INVARIANT) if steps else ():
        for goal in witnesses(machine.module, invariant, machine.model.scope):
            pairs = _steps(machine, found, representatives)
            if not any(asked.true(goal, new, old) for old, new in pairs):
                never.add(invariant.name)
                break
    return frozenset(never)


def _steps(machine: Machine, found: Exploration, representatives: bool) -> Iterator[tuple[Values, Values]]:
    """The steps seen: those that first led to a state, if these are states of their own, and then all, computed once more."""
    states = found.states
    if not representatives:
        for number in range(len(states) - 1, -1, -1):
            if found.predecessor[number] >= 0:
                yield states[found.predecessor[number]], states[number]
    constraints = [c.name for c in machine.module.of_kind(Kind.CONSTRAINT)]
    for number in range(found.degrees[0] - 1, -1, -1):
        try:
            for _, _, target in machine.steps(states[number]):
                if not isinstance(target, OutOfBounds) and all(
                    machine.refuted_by(c, target) is None for c in constraints
                ):
                    yield states[number], target
        except StepError:
            continue  # told elsewhere


class _WitnessedState:
    """Evaluates witnesses in states."""

    def __init__(self, machine: Machine, tick: Callable[[], None]) -> None:
        self._tick = tick
        self._evaluator = Evaluator(machine.module, machine.model.scope)
        self._names = tuple(d.name for d in machine.module.variables)
        self._scope = machine.model.scope

    def true(self, goal: Expr, now: Values, old: Values) -> bool:
        """Whether a witness is true, or has no value."""
        self._tick()
        self._evaluator.now = dict(zip(self._names, now, strict=True))
        self._evaluator.old = dict(zip(self._names, old, strict=False))
        with running(self._scope):
            try:
                return bool(self._evaluator.expr(goal, {}))
            except (RatifiedError, BoundLeft):
                return True


class _Deriving:
    """Derives witnesses from a claim by its form."""

    def __init__(self, module: Module) -> None:
        self.inliner = Inliner(module)

    def goals(self, claim: Expr, positive: bool) -> list[Expr]:
        """What must each be seen to be true for a claim (or its negation) to have been put to the test."""
        match claim:
            case ir.Not(_, _, operand):
                return self.goals(operand, not positive)
            case ir.Narrow(_, _, operand) | ir.Widen(_, _, operand) | ir.Fit(_, _, operand):
                return self.goals(operand, positive)
            case ir.Literal(span, _, bool(value)):
                return [_literal(span, value is not positive)]
            case ir.And(_, _, operands):
                return self._each(operands, True) if positive else self._implied(operands, False)
            case ir.Or(_, _, operands):
                if not positive:
                    return self._each(operands, False)
                if all(map(_is_antecedent, operands[:-1])):
                    return self._implied(operands, True)
                return [_literal(claim.span, True)]
            case ir.Collect(_, _, "all" | "any" as kind, element, clauses):
                if (kind == "all") is not positive:
                    return [_literal(claim.span, True)]
                return [
                    ir.Collect(claim.span, BOOL, "any", goal, clauses)
                    for goal in self.goals(element, positive)
                ]
            case ir.IfElse(span, _, test, then, orelse):
                return self._either(span, test, then, orelse, positive)
            case ir.Call():
                written = self.inliner.call(claim)
                return [_literal(claim.span, True)] if written is None else self.goals(written, positive)
            case _:
                return [_literal(claim.span, True)]

    def _each(self, parts: tuple[Expr, ...], positive: bool) -> list[Expr]:
        """A conjunction: each part is put to the test on its own. Parts that are always true claim nothing."""
        claims = [p for p in parts if not _is(p, positive)] or list(parts[:1])
        found = []
        for index, part in enumerate(claims):
            before = [p if positive else _not(p) for p in claims[:index]]
            goals = self.goals(part, positive)
            found += [goal if _is(goal, True) else _and(part, [*before, goal]) for goal in goals]
        return found

    def _implied(self, parts: tuple[Expr, ...], positive: bool) -> list[Expr]:
        """A disjunction read as an implication: the last part matters where the others are false."""
        before = [_not(p) if positive else p for p in parts[:-1]]
        return [_and(parts[-1], [*before, goal]) for goal in self.goals(parts[-1], positive)]

    def _either(self, span: Span, test: Expr, then: Expr, orelse: Expr, positive: bool) -> list[Expr]:
        def rest(part: Expr) -> Expr:
            return part if positive else _not(part)

        if _is(then, not positive):  # `if c: return False`: that c is false, and what comes after it
            return self._each((_not(test), rest(orelse)), True)
        if _is(orelse, not positive):
            return self._each((test, rest(then)), True)
        if _is(then, positive):  # `if c: return True`, and something else after it
            return [_and(test, [_not(test), goal]) for goal in self.goals(orelse, positive)]
        if _is(orelse, positive):
            return [_and(test, [test, goal]) for goal in self.goals(then, positive)]
        first, second = (_and(test, self.goals(part, positive)) for part in (then, orelse))
        return [ir.IfElse(span, BOOL, test, first, second)]


def _is_antecedent(part: Expr) -> bool:
    """Whether a disjunct is written as the negation of what the claim presupposes."""
    match part:
        case ir.Not() | ir.IsNone():
            return True
        case ir.Compare(_, _, op, left, right):
            empty = isinstance(left, ir.Length) and isinstance(right, ir.Literal) and right.value == 0
            return op == "!=" or (op == "==" and empty)
    return False


def _literal(span: Span, value: bool) -> Expr:
    return ir.Literal(span, BOOL, value)


def _is(expr: Expr, value: bool) -> bool:
    return isinstance(expr, ir.Literal) and expr.value is value


def _not(expr: Expr) -> Expr:
    if isinstance(expr, ir.Literal):
        return _literal(expr.span, expr.value is False)
    return expr.operand if isinstance(expr, ir.Not) else ir.Not(expr.span, BOOL, expr)


def _and(at: Expr, parts: list[Expr]) -> Expr:
    """A conjunction, simplified: guards before nothing but `true` would only cost time where they are the claim itself."""
    if any(_is(p, False) for p in parts):
        return _literal(at.span, False)
    kept = tuple(p for p in parts if not _is(p, True))
    if not kept:
        return _literal(at.span, True)
    return kept[0] if len(kept) == 1 else ir.And(at.span, BOOL, kept)
