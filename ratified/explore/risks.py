"""Where a model could tell the values of a symmetric sort apart although it cannot name them: by the order they come in.

Guarantees: in a model without risks, renaming symmetric values turns every step, property and refinement into one. The converse
does not hold: what is refused here might do no harm.

A set of symmetric values is run through in some order, and another order would be as good. Nothing can depend on it where the
result is a set, bag, map, sum, `all` or `any`. It can where the result is a sequence, where equals are told apart by which came
first (`min` and `max` by a key), and in a loop where one iteration sees what another did (`language/independence.py`).
"""

from __future__ import annotations

from collections.abc import Collection

from ratified.language import ir
from ratified.language.errors import Span
from ratified.language.independence import interference
from ratified.language.ir import Clause, Expr, Function, Kind, Module, Node
from ratified.language.sorts import Sort
from ratified.language.types import BagType, MapType, SeqType, SetType, SortType, Type, parts
from ratified.language.uses import Uses, core, free, loops
from ratified.language.values import show, values_in

Risk = tuple[Span, str]


def order_risks(module: Module, sorts: Collection[type[Sort]] | None = None) -> list[Risk]:
    """Each place where what a model does may depend on the order of symmetric values, with the reason; in order of source.

    Those are the values of `sorts`, or if none are given of all that are declared symmetric.
    """
    uses = Uses(module)
    symmetric = {s.sort for s in module.sorts if s.symmetric} if sorts is None else frozenset(sorts)
    checker = _Checker(uses, symmetric)
    for function in _reachable(module, uses):
        checker.function(function)
    return sorted(dict.fromkeys(checker.risks), key=lambda risk: (risk[0].file, risk[0].line, risk[0].column))


def _reachable(module: Module, uses: Uses) -> list[Function]:
    """The functions that say what a model does; assumptions are about parameters, which no permutation used changes."""
    functions = module.functions.values()
    own = [f for f in functions if f.key == f.name and f.kind not in (Kind.HELPER, Kind.ASSUMPTION)]
    wanted = {f.key for f in own}.union(*map(uses.calls, own))
    return [f for f in functions if f.key in wanted]


def _harmless(parent: Node | Clause, child: Node | Clause) -> bool:
    """Whether a sequence in no particular order may stand here, since its order is not looked at."""
    match parent:
        case ir.Length() | ir.For() | Clause():
            return True
        case ir.In(_, _, _, container) | ir.Count(_, _, container, _):
            return child is container
        case ir.Convert() | ir.Zip() | ir.Narrow() | ir.Widen() | ir.Fit() | ir.IfElse():
            return True  # judged where these stand themselves
    return False


class _Checker:
    def __init__(self, uses: Uses, sorts: Collection[type[Sort]]) -> None:
        self._uses = uses
        self._sorts = sorts
        self.risks: list[Risk] = []

    def _symmetric(self, t: Type) -> bool:
        """Whether values of a type have symmetric values in them."""
        return any(isinstance(p, SortType) and p.sort in self._sorts for p in parts(t))

    def _names_one(self, value: object) -> bool:
        return type(value) in self._sorts or any(map(self._names_one, values_in(value)))

    def _unordered(self, domain: Expr) -> bool:
        """Whether the elements of a container come in an order that depends on symmetric values."""
        match domain:
            case ir.Convert(_, _, "keys" | "values" | "items", operand):
                return isinstance(operand.type, MapType) and self._symmetric(operand.type.key)
            case (
                ir.Convert(_, _, "reversed", operand)
                | ir.Narrow(_, _, operand)
                | ir.Widen(_, _, operand)
                | ir.Fit(_, _, operand)
            ):
                return self._unordered(operand)
            case ir.Collect(_, _, "seq", _, clauses):
                return any(self._unordered(c.domain) for c in clauses)
            case ir.IfElse(_, _, _, then, orelse):
                return self._unordered(then) or self._unordered(orelse)
        if isinstance(domain.type, MapType):
            return self._symmetric(domain.type.key)
        return isinstance(domain.type, SetType | BagType) and self._symmetric(domain.type.item)

    def _last_wins(self, made: ir.Collect) -> bool:
        """Whether a map may have two values for a key, of which the one that comes last depends on symmetric values."""
        assert isinstance(made.element, ir.MakeTuple)
        key, value = map(core, made.element.items)
        told = {e.name for e in map(core, getattr(key, "items", (key,))) if isinstance(e, ir.Local)}
        untold: set[str] = set()
        for clause in made.clauses:
            if (self._unordered(clause.domain) and not told.issuperset(clause.names)) or free(
                clause.domain
            ) & untold:
                untold.update(clause.names)
        return not untold.isdisjoint(free(value))

    def function(self, function: Function) -> None:
        for argument in function.arguments:
            if argument.domain is not None:
                self._expressions(argument.domain)
        for statement in function.body:
            self._expressions(statement)
        for loop, after in loops(function.body):
            if self._unordered(loop.domain):
                for reason in interference(self._uses, loop, after):
                    what = f"this loop visits symmetric values in order, and {reason}"
                    self.risks.append((loop.span, what))

    def _expressions(self, node: Node | Clause) -> None:
        self._expression(node)
        for child in ir.children(node):
            if not isinstance(child, Expr) or _harmless(node, child):
                pass
            elif isinstance(child.type, SeqType) and self._unordered(child):
                self.risks.append(
                    (child.span, "the order of this sequence depends on that of symmetric values")
                )
            self._expressions(child)

    def _expression(self, node: Node | Clause) -> None:
        match node:
            case ir.Collect(span, _, "min" | "max" as kind, element, clauses, key):
                if (key is not None or self._symmetric(element.type)) and any(
                    self._unordered(c.domain) for c in clauses
                ):
                    self.risks.append(
                        (
                            span,
                            f"of several with the same key, {kind} takes the first of the symmetric values",
                        )
                    )
            case ir.Collect(span, _, "map") if self._last_wins(node):
                self.risks.append(
                    (span, "of several with the same key, this takes the last of the symmetric values")
                )
            case ir.Convert(span, _, "enumerate", operand) if self._unordered(operand):
                self.risks.append((span, "enumerate numbers symmetric values"))
            case ir.Convert(span, _, "sorted" | "sorted-reversed", operand) if self._symmetric(operand.type):
                self.risks.append((span, "this sorts symmetric values"))
            case ir.Zip(span, _, left, right) if self._unordered(left) or self._unordered(right):
                self.risks.append((span, "zip pairs symmetric values by their order"))
            case ir.Number(span, _, operand) if self._symmetric(operand.type):
                self.risks.append((span, "this numbers symmetric values"))
            case ir.Literal(span, t, value) if self._symmetric(t) and self._names_one(value):
                self.risks.append((span, f"this names {show(value)}"))
            case ir.Numbered(span, t) if self._symmetric(t):
                self.risks.append((span, "this names a symmetric value by its number"))
            case ir.Compare(span, _, "<" | "<=" | ">" | ">=", left) if self._symmetric(left.type):
                if not isinstance(left.type, SetType):
                    self.risks.append((span, "this compares symmetric values by their order"))
