"""CircuitExpressions of the intermediate form on symbolic values: leaves, logic, numbers, types.

Guarantees: see execute.py, where a run begins.
"""

from __future__ import annotations

import dataclasses
import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ratified.language import ir
from ratified.language.errors import ModelError, Span
from ratified.language.evaluate import BoundLeftAt, Evaluator
from ratified.language.ir import Expr, Function, Node, Which
from ratified.language.scope import Scope, running
from ratified.language.sorts import Ordered, members, past_last
from ratified.language.types import (
    SetType,
    SortType,
    Type,
    resolved,
)
from ratified.smt.finite.algebra import Algebra
from ratified.smt.finite.circuit import FALSE, TRUE
from ratified.smt.finite.conversion import fitted, narrowed, widened
from ratified.smt.finite.symbolic import (
    Cases,
    Choice,
    Items,
    Symbolic,
    TooLarge,
)

Env = dict[str, Symbolic]


@dataclass(frozen=True, slots=True)
class Event:
    """What a run comes upon if a literal is true: a bound left, or (`error`) an operation without an answer."""

    literal: int
    error: bool
    message: str
    span: Span | None


class CircuitExpressions(ABC):
    """Computes expressions of one module. `now` and `old` hold variables by name; `path` is what must be so to come here."""

    def __init__(self, module: ir.Module, algebra: Algebra) -> None:
        self.module = module
        self.algebra = algebra
        self.circuit = algebra.circuit
        self.scope: Scope = algebra.scope
        self.now: Env = {}
        self.old: Env = {}
        self.path = TRUE
        self.events: list[Event] = []
        self._concrete = Evaluator(module, algebra.scope)
        self._constants: dict[int, tuple[Expr, Symbolic]] = {}
        self._types: dict[Type, Type] = {}
        self._table: dict[type[Node], Callable[[Any, Env], Symbolic]] = {
            kind: getattr(self, f"_{name}", self._one_by_one) for kind, name in ir.EXPRESSIONS.items()
        }

    def expr(self, node: Expr, env: Env) -> Symbolic:
        """Return the value of an expression here."""
        return self._table[type(node)](node, env)

    @property
    def aborted(self) -> int:
        """Whether the run has come upon something that ends it."""
        return self.circuit.some(e.literal for e in self.events)

    # --- what ends a run ---

    def _event(self, literal: int, node: Node, message: str, *, error: bool) -> None:
        met = self.circuit.every((literal, self.path, -self.aborted))
        if met != FALSE:
            self.events.append(Event(met, error, message, node.span))

    def _problem(self, literal: int, node: Node, message: str) -> None:
        if literal != FALSE:
            self._event(literal, node, message, error=True)

    def _left(self, literal: int, node: Node, what: str) -> None:
        if literal != FALSE:
            self._event(literal, node, what, error=False)

    def _restrict(self, since: int, literal: int) -> None:
        """Let the events since a number happen only if a literal is true."""
        if literal != TRUE:
            for i in range(since, len(self.events)):
                event = self.events[i]
                self.events[i] = dataclasses.replace(event, literal=self.circuit.both(event.literal, literal))

    # --- leaves ---

    def _constant(self, node: Expr, value: Callable[[], Any]) -> Symbolic:
        known = self._constants.get(id(node))
        if known is None:
            with running(self.scope):
                known = self._constants[id(node)] = node, self.algebra.lift(value(), node.type)
        return known[1]

    def _literal(self, node: ir.Literal, env: Env) -> Symbolic:
        return self._constant(node, lambda: node.value)

    def _parameter(self, node: ir.Parameter, env: Env) -> Symbolic:
        return self._constant(node, lambda: self.scope.parameters[node.name])

    def _universe(self, node: ir.Universe, env: Env) -> Symbolic:
        return self._constant(node, lambda: self._concrete.expr(node, {}))

    _endpoint = _universe

    def _local(self, node: ir.Local, env: Env) -> Symbolic:
        return env[node.name]

    def _variable(self, node: ir.Variable, env: Env) -> Symbolic:
        return (self.now if node.which is Which.NOW else self.old)[node.name]

    # --- logic ---

    def _truth(self, node: Expr, env: Env) -> int:
        value = self.expr(node, env)
        assert isinstance(value, int)
        return value

    def _not(self, node: ir.Not, env: Env) -> int:
        return -self._truth(node.operand, env)

    def _and(self, node: ir.And, env: Env) -> int:
        result, outer = TRUE, self.path
        for operand in node.operands:
            self.path = self.circuit.both(outer, result)
            result = self.circuit.both(result, self._truth(operand, env))
            if result == FALSE:
                break
        self.path = outer
        return result

    def _or(self, node: ir.Or, env: Env) -> int:
        result, outer = FALSE, self.path
        for operand in node.operands:
            self.path = self.circuit.both(outer, -result)
            result = self.circuit.either(result, self._truth(operand, env))
            if result == TRUE:
                break
        self.path = outer
        return result

    def _if_else(self, node: ir.IfElse, env: Env) -> Symbolic:
        test = self._truth(node.test, env)
        if test in (TRUE, FALSE):
            return self.expr(node.then if test == TRUE else node.orelse, env)
        outer = self.path
        self.path = self.circuit.both(outer, test)
        then = self.expr(node.then, env)
        self.path = self.circuit.both(outer, -test)
        orelse = self.expr(node.orelse, env)
        self.path = outer
        return self.algebra.choose(test, then, orelse)

    def _compare(self, node: ir.Compare, env: Env) -> int:
        left, right = self.expr(node.left, env), self.expr(node.right, env)
        if node.op in ("==", "!="):
            same = self.algebra.equal(left, right)
            return same if node.op == "==" else -same
        if node.op in (">", ">="):
            left, right = right, left
        if isinstance(node.left.type, SetType):
            inside = self._inside(left, right, node.left.type.item)
            if node.op in ("<=", ">="):
                return inside
            return self.circuit.both(inside, -self.algebra.equal(left, right))
        less = self._less(left, right)
        return less if node.op in ("<", ">") else -self._less(right, left)

    def _inside(self, left: Symbolic, right: Symbolic, item: Type) -> int:
        return self.circuit.every(
            [
                self.circuit.either(-there, self.algebra.contains(right, x, item))
                for there, x in self.algebra.elements(left, item)
            ]
        )

    def _less(self, left: Symbolic, right: Symbolic) -> int:
        match left, right:
            case Choice(xs), Choice(ys):
                return self.circuit.some(
                    [self.circuit.both(a, b) for x, a in xs.items() for y, b in ys.items() if x < y]
                )
            case Items(xi), Items(yi):
                less = FALSE
                for x, y in reversed(list(zip(xi, yi, strict=True))):
                    less = self.circuit.either(
                        self._less(x, y), self.circuit.both(self.algebra.equal(x, y), less)
                    )
                return less
            case int(), int():
                return self.circuit.both(-left, right)
        raise TooLarge("these values are not compared in a circuit")

    def _in(self, node: ir.In, env: Env) -> int:
        item, container = self.expr(node.item, env), self.expr(node.container, env)
        return self.algebra.contains(container, item, node.item.type)

    def _is_none(self, node: ir.IsNone, env: Env) -> int:
        match self.expr(node.operand, env):
            case Choice(options):
                return options.get(None, FALSE)
            case Cases(cases):
                return cases[None][0] if None in cases else FALSE
        return FALSE

    def _is_record(self, node: ir.IsRecord, env: Env) -> int:
        operand = self.expr(node.operand, env)
        if isinstance(operand, Choice):
            return FALSE  # None, whatever the type
        assert isinstance(operand, Cases)
        return self.circuit.some(
            [operand.cases[r.record][0] for r in node.records if r.record in operand.cases]
        )

    # --- numbers and sorts ---

    def _mapped(self, operand: Symbolic, value: Callable[[Any, int], Any]) -> Choice:
        """Return the choice of what a function makes of each option; those of which it makes None are left out."""
        assert isinstance(operand, Choice)
        found: dict[Any, int] = {}
        for known, literal in operand.options.items():
            made = value(known, literal)
            if made is not None:
                found[made] = self.circuit.either(found.get(made, FALSE), literal)
        return Choice(found)

    def _arithmetic(self, node: ir.Arithmetic, env: Env) -> Choice:
        left, right = self.expr(node.left, env), self.expr(node.right, env)
        return self._combined(node, left, right)

    def _combined(self, node: ir.Arithmetic | None, left: Symbolic, right: Symbolic) -> Choice:
        """Return two numbers combined; their sum without a node."""
        assert isinstance(left, Choice)
        assert isinstance(right, Choice)
        found: dict[int, int] = {}
        for (x, a), (y, b) in itertools.product(left.options.items(), right.options.items()):
            literal = self.circuit.both(a, b)
            if literal == FALSE:
                continue
            if node is not None and node.op in ("//", "%") and y == 0:
                self._problem(literal, node, "division by zero")
                continue
            value = _OPERATIONS[node.op if node else "+"](x, y)
            found[value] = self.circuit.either(found.get(value, FALSE), literal)
        return Choice(found)

    def _negative(self, node: ir.Negative, env: Env) -> Choice:
        return self._mapped(self.expr(node.operand, env), lambda v, _: -v)

    def _absolute(self, node: ir.Absolute, env: Env) -> Choice:
        return self._mapped(self.expr(node.operand, env), lambda v, _: abs(v))

    def _shift(self, node: ir.Shift, env: Env) -> Choice:
        assert isinstance(node.type, SortType)
        left, right = self.expr(node.operand, env), self.expr(node.steps, env)
        moved = self._combined(None, self._mapped(left, lambda v, _: int(v)), right)
        return self._valued(node, node.type, moved)

    def _numbered(self, node: ir.Numbered, env: Env) -> Choice:
        assert isinstance(node.type, SortType)
        return self._valued(node, node.type, self.expr(node.index, env))

    def _valued(self, node: Node, t: SortType, index: Symbolic) -> Choice:
        """Return the value of a sort with a number."""
        with running(self.scope):
            values, sort = members(t.sort), t.sort

            def value(i: int, literal: int) -> Any:
                if 0 <= i < len(values):
                    return values[i]
                if i > 0 and issubclass(sort, Ordered):
                    self._left(literal, node, past_last(sort))
                else:
                    self._problem(literal, node, f"{sort.__name__} has no value number {i}")
                return None

            return self._mapped(index, value)

    def _is_last(self, node: ir.IsLast, env: Env) -> int:
        operand = self.expr(node.operand, env)
        assert isinstance(operand, Choice)
        assert isinstance(node.operand.type, SortType)
        last = self.scope.sizes[node.operand.type.sort] - 1
        return self.circuit.some([o for v, o in operand.options.items() if int(v) == last])

    def _number(self, node: ir.Number, env: Env) -> Choice:
        operand = self.expr(node.operand, env)
        if isinstance(operand, int):
            return Choice({1: operand, 0: -operand})
        return self._mapped(operand, lambda v, _: int(v))

    # --- types ---

    def _narrow(self, node: ir.Narrow, env: Env) -> Symbolic:
        return narrowed(self.expr(node.operand, env), node.operand.type, node.type)

    def _widen(self, node: ir.Widen, env: Env) -> Symbolic:
        return widened(self.algebra, self.expr(node.operand, env), node.operand.type, node.type)

    def _fit(self, node: ir.Fit, env: Env) -> Symbolic:
        return self._fitting(node, self.expr(node.operand, env), node.type, node.name)

    def _fitting(self, node: Node, value: Symbolic, t: Type, name: str) -> Symbolic:
        known = self._types.get(t)
        if known is None:
            known = self._types[t] = resolved(t, self.scope)
        fine, value = fitted(self.algebra, value, known)
        self._left(-fine, node, f"the bound of {name}")
        return value

    def _anything(self, t: Type) -> Symbolic:
        """Return a value for where none is ever looked at."""
        return self.algebra.unknown(resolved(t, self.scope), [])

    def _one_by_one(self, node: Expr, env: Env) -> Symbolic:
        """Return what the evaluator makes of every value that the operands may have."""
        fields = [f.name for f in dataclasses.fields(node) if isinstance(getattr(node, f.name), Expr)]
        operands: list[Expr] = [getattr(node, name) for name in fields]
        values = [self.expr(operand, env) for operand in operands]
        ways: list[tuple[Any, int]] = []
        with running(self.scope):
            for known, literal in self.algebra.combinations(values, [o.type for o in operands]):
                given: dict[str, Any] = {
                    name: ir.Literal(operand.span, operand.type, value)
                    for name, operand, value in zip(fields, operands, known, strict=True)
                }
                try:
                    ways.append((self._concrete.expr(dataclasses.replace(node, **given), {}), literal))
                except BoundLeftAt as left:
                    self._left(literal, node, left.what)
                except ModelError as problem:
                    self._problem(literal, node, problem.message)
        return self.algebra.gathered(ways, node.type) if ways else self._anything(node.type)

    @abstractmethod
    def _pure(self, function: Function, arguments: Sequence[Symbolic], which: Which) -> Symbolic:
        """Return what a function that changes nothing answers."""

    def _call(self, node: ir.Call, env: Env) -> Symbolic:
        arguments = [self.expr(a, env) for a in node.arguments]
        return self._pure(self.module.functions[node.function], arguments, node.which)


_OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "//": lambda x, y: x // y,
    "%": lambda x, y: x % y,
}
