"""One mechanism for whatever goes through trees: a table of functions, one for each kind of node.

    logic: Rules[Context, Tla] = Rules("TLA+ of logic")

    @logic.rule(ir.Not)
    def _(node: ir.Not, context: Context) -> Tla:
        return Negation(context.expr(node.operand))

    expressions = Rules.joined("TLA+ of expressions", leaves.rules, logic, containers.rules)
    expressions(node, context)

A translator is a context, which says what is known where a node stands and holds the joined table, and rules in as many files as
read well: parts that are put together, not a class that inherits from parts of itself.

Types are such nodes too: a table for types has a rule for each of `types.KINDS`. A new kind of type is refused wherever it has no
rule yet, and taken for no other one.

Guarantees: a kind of node has one rule; a rule for a class is not one for its subclasses; what has no rule is a NoRuleError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar, overload

from ratified.language.errors import RatifiedError, Span

N = TypeVar("N")
M = TypeVar("M")
K = TypeVar("K")
L = TypeVar("L")
C = TypeVar("C")
R = TypeVar("R")


class NoRuleError(RatifiedError):
    """A node of a kind for which there is no rule. `node` is that node."""

    def __init__(self, what: str, node: object, span: Span | None = None) -> None:
        span = span or getattr(node, "span", None)
        super().__init__(f"{what}: no rule for {type(node).__name__}", span=span)
        self.node = node


class Rules(Generic[C, R]):
    """Functions by the class of the node that they take, beside a context. `what` names the table in errors."""

    __slots__ = ("_table", "what")

    def __init__(self, what: str) -> None:
        self.what = what
        self._table: dict[type, Callable[[Any, C], R]] = {}

    @overload
    def rule(self, kind: type[N], /) -> Callable[[Callable[[N, C], R]], Callable[[N, C], R]]: ...
    @overload
    def rule(
        self, kind: type[N], other: type[M], /
    ) -> Callable[[Callable[[N | M, C], R]], Callable[[N | M, C], R]]: ...
    @overload
    def rule(
        self, kind: type[N], other: type[M], third: type[K], /
    ) -> Callable[[Callable[[N | M | K, C], R]], Callable[[N | M | K, C], R]]: ...
    @overload
    def rule(
        self, kind: type[N], other: type[M], third: type[K], fourth: type[L], /
    ) -> Callable[[Callable[[N | M | K | L, C], R]], Callable[[N | M | K | L, C], R]]: ...
    @overload
    def rule(self, *kinds: type[N]) -> Callable[[Callable[[N, C], R]], Callable[[N, C], R]]: ...
    def rule(self, *kinds: type) -> Callable[[Callable[[Any, C], R]], Callable[[Any, C], R]]:
        """Make a function the rule for these kinds of nodes."""

        def enter(function: Callable[[Any, C], R]) -> Callable[[Any, C], R]:
            for kind in kinds:
                assert kind not in self._table, f"{self.what}: a second rule for {kind.__name__}"
                self._table[kind] = function
            return function

        return enter

    @classmethod
    def joined(cls, what: str, *parts: Rules[C, R]) -> Rules[C, R]:
        """Return a table of the rules of all parts, which have none for the same kind."""
        whole = cls(what)
        for part in parts:
            for kind, function in part._table.items():
                whole.rule(kind)(function)
        return whole

    def __contains__(self, kind: object) -> bool:
        return kind in self._table

    def __call__(self, node: object, context: C) -> R:
        """Apply the rule for a node. Raises NoRuleError."""
        function = self._table.get(type(node))
        if function is None:
            raise NoRuleError(self.what, node)
        return function(node, context)

    def lacking(self, kinds: Iterable[type]) -> set[type]:
        """Those of these kinds that have no rule."""
        return set(kinds) - set(self._table)
