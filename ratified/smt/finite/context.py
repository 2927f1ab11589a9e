"""Where a symbolic run is: what names and variables stand for there, what must be so to come there, and what was met on the way.

One symbolic run stands for every run of a function at a size. Some of these leave a bound, or come to an operation without an
answer, and end; what is computed for them afterwards means nothing, and nothing after it counts (`settled`).

Guarantees: a context is never changed, only the list of what was met grows, in the order in which any one run meets it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from ratified.language import ir
from ratified.language.errors import Span
from ratified.language.evaluate import Evaluator
from ratified.language.ir import Expr, Node
from ratified.language.rules import NoRuleError, Rules
from ratified.language.scope import Scope
from ratified.language.types import Type, resolved
from ratified.language.uses import Uses
from ratified.smt.finite.algebra import Algebra
from ratified.smt.finite.circuit import FALSE, TRUE, Circuit
from ratified.smt.finite.symbolic import Cases, CircuitTooLarge, Symbolic

SymbolicEnv = Mapping[str, Symbolic]
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Hazard:
    """What a run comes upon if a literal is true: a bound left, or (`error`) an operation without an answer."""

    literal: int
    error: bool
    message: str
    span: Span | None


class SharedRuns:
    """What all runs of a module at a size share: the circuit, the rules, and what was computed before."""

    def __init__(
        self,
        module: ir.Module,
        scope: Scope,
        expressions: Rules[SymbolicContext, Symbolic],
        statements: Rules[SymbolicContext, SymbolicContext],
    ) -> None:
        self.module = module
        self.scope = scope
        self.expressions = expressions
        self.statements = statements
        self.circuit = Circuit()
        self.algebra = Algebra(self.circuit, scope)
        self.uses = Uses(module)
        self.types = {d.name: resolved(d.type, scope) for d in module.variables}
        self.evaluator = Evaluator(module, scope)
        self.constants: dict[int, tuple[Expr, Symbolic]] = {}
        """By the node, which is held so that its number stays its own."""
        self.calls: dict[tuple[object, ...], tuple[object, Symbolic, tuple[Hazard, ...]]] = {}
        """By function, arguments, and the variables that it reads, which are held."""
        self._resolved: dict[Type, Type] = {}

    def resolved(self, t: Type) -> Type:
        """Return a type with every bound a number."""
        if t not in self._resolved:
            self._resolved[t] = resolved(t, self.scope)
        return self._resolved[t]

    def settled(self, events: Iterable[Hazard]) -> list[Hazard]:
        """Return what was met with only the first of it counted in any run."""
        found, before = [], FALSE
        for event in events:
            literal = self.circuit.both(event.literal, -before)
            if literal != FALSE:
                found.append(replace(event, literal=literal))
                before = self.circuit.either(before, event.literal)
        return found


@dataclass(frozen=True, slots=True)
class SymbolicContext:
    """A place in a symbolic run. `returned` is whether the function has returned before, with `answer` if it has a value."""

    shared: SharedRuns
    now: SymbolicEnv
    old: SymbolicEnv
    env: SymbolicEnv
    events: list[Hazard]
    path: frozenset[int] = frozenset()
    """What must be so for a run to come here and to be possible; FALSE is in it if none does."""
    returned: int = FALSE
    answer: Symbolic | None = None

    @property
    def circuit(self) -> Circuit:
        """The circuit."""
        return self.shared.circuit

    @property
    def algebra(self) -> Algebra:
        """What can be done with values."""
        return self.shared.algebra

    @property
    def dead(self) -> bool:
        """Whether no run comes here."""
        return FALSE in self.path

    # --- other contexts ---

    def under(self, literal: int) -> SymbolicContext:
        """Where a literal is true."""
        if literal == TRUE or literal in self.path:
            return self
        return self._at(self.env, self.path | {FALSE if -literal in self.path else literal})

    def _at(self, env: SymbolicEnv, path: frozenset[int]) -> SymbolicContext:
        """`replace`, which takes much longer."""
        return SymbolicContext(
            self.shared, self.now, self.old, env, self.events, path, self.returned, self.answer
        )

    def bound(self, names: Sequence[str], value: Symbolic) -> SymbolicContext:
        """With names for a value, or for the items of a tuple."""
        if len(names) == 1:
            return self._at({**self.env, names[0]: value}, self.path)
        return self._at({**self.env, **dict(zip(names, items(value), strict=True))}, self.path)

    def since(self, outer: SymbolicContext) -> int:
        """Return what must be so to come here from an outer context."""
        return self.circuit.every(self.path - outer.path)

    # --- what is met ---

    def problem(self, literal: int, node: Node, message: str) -> None:
        """Note that there is no answer if a literal is true."""
        self.meet([Hazard(literal, True, message, node.span)])

    def left(self, literal: int, node: Node, what: str) -> None:
        """Note that a bound is left if a literal is true."""
        self.meet([Hazard(literal, False, what, node.span)])

    def meet(self, events: Iterable[Hazard]) -> None:
        """Note what is met here."""
        for event in events:
            if event.literal != FALSE and (met := self.circuit.every((*self.path, event.literal))) != FALSE:
                self.events.append(replace(event, literal=met))

    def only_if(self, literal: int, since: int) -> None:
        """Let what was met since there were so many events be met only if a literal is true."""
        if literal != TRUE:
            both = self.circuit.both
            self.events[since:] = [replace(e, literal=both(e.literal, literal)) for e in self.events[since:]]

    # --- reading ---

    def expr(self, node: Expr) -> Symbolic:
        """Return the value of an expression here. Raises CircuitTooLarge, with its place."""
        return _applied(self.shared.expressions, node, self)

    def truth(self, node: Expr) -> int:
        """Return whether a condition is true here."""
        value = self.expr(node)
        assert isinstance(value, int)
        return value

    # --- statements ---

    def block(self, body: Sequence[Node]) -> SymbolicContext:
        """Return where a run is after some statements."""
        return self.follow([partial(_applied, self.shared.statements, statement) for statement in body])

    def follow(self, steps: Sequence[Callable[[SymbolicContext], SymbolicContext]]) -> SymbolicContext:
        """Return where a run is that has taken steps as long as it has not returned."""
        here = self
        for i, step in enumerate(steps):
            if here.dead or here.returned == TRUE:
                break
            if here.returned != FALSE:
                return here.branch(
                    here.returned,
                    lambda c: replace(c, returned=TRUE),
                    lambda c: replace(c, returned=FALSE).follow(steps[i:]),  # noqa: B023  # called at once
                )
            here = step(here)
        return here

    def branch(
        self,
        test: int,
        then: Callable[[SymbolicContext], SymbolicContext],
        orelse: Callable[[SymbolicContext], SymbolicContext],
    ) -> SymbolicContext:
        """Return where a run is that has gone one way or the other."""
        a, b = self.under(test), self.under(-test)
        if a.dead or test == FALSE:
            return orelse(self)
        if b.dead or test == TRUE:
            return then(self)
        a, b = then(a), orelse(b)
        if a.dead or b.dead:
            return b if a.dead else a
        every, choose = self.circuit.every, self.circuit.choose
        possible = choose(test, every(a.path - self.path - {test}), every(b.path - self.path - {-test}))
        return replace(
            self.under(possible),
            env=self._joined(test, a.env, b.env),
            now=self._joined(test, a.now, b.now),
            returned=choose(test, a.returned, b.returned),
            answer=self._either(test, a.answer, b.answer),
        )

    def _joined(self, test: int, then: SymbolicEnv, orelse: SymbolicEnv) -> SymbolicEnv:
        if then is orelse:
            return then
        return {n: self._either(test, then.get(n), orelse.get(n)) for n in {**then, **orelse}}

    def _either(self, test: int, then: Any, orelse: Any) -> Any:
        """Return a value that only one way may have given."""
        return orelse if then is None else then if orelse is None else self.algebra.choose(test, then, orelse)


def _applied(rules: Rules[SymbolicContext, R], node: Node, context: SymbolicContext) -> R:
    try:
        return rules(node, context)
    except NoRuleError:
        raise refused(node, f"there are no circuits of {type(node).__name__}") from None
    except CircuitTooLarge as problem:
        problem.span = problem.span or node.span
        raise


def items(value: Symbolic) -> tuple[Symbolic, ...]:
    """Return the items of a tuple."""
    assert isinstance(value, Cases)
    ((_, found),) = value.cases.values()
    return found


def refused(node: Node, message: str) -> CircuitTooLarge:
    """Return the error for what is not done in a circuit."""
    return CircuitTooLarge(message, span=node.span, remedy="`ratified check` explores it")
