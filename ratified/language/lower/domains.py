"""Comprehensions over the values or items of a map run through its keys, in the same order."""

from __future__ import annotations

from dataclasses import replace

from ratified.language import ir
from ratified.language.ir import Clause, Expr, Function
from ratified.language.lower.trees import NewName, everywhere, names_in, new_names, substituted
from ratified.language.types import BOOL, MapType, SetType, TupleType
from ratified.language.uses import is_name


def through_keys(function: Function) -> Function:
    """A function in which nothing is asked of all values of a map, or of all items, but by its keys."""
    new = new_names(names_in(function))

    def change(node: Expr) -> Expr:
        match node:
            case ir.Collect():
                return _collect(node, new)
            case ir.In(span, _, item, ir.Convert(what="values", operand=container)):
                value, k, keys = _value(container, new)
                same = ir.Compare(span, BOOL, "==", item, value)
                return ir.Collect(span, BOOL, "any", same, (Clause((k,), keys, ()),))
            case ir.Convert(span, t, "distinct", ir.Convert(what="values", operand=container)):
                value, k, keys = _value(container, new)
                return ir.Collect(span, t, "set", value, (Clause((k,), keys, ()),))
        return node

    return everywhere(function, change)


def _value(container: Expr, new: NewName) -> tuple[Expr, str, Expr]:
    """The value at a key, the key's name, and the keys of a map."""
    assert isinstance(container.type, MapType)
    t, span, k = container.type, container.span, new("k")
    value = ir.At(span, t.value, container, ir.Local(span, t.key, k))
    return value, k, ir.Convert(span, SetType(t.key), "keys", container)


def _collect(node: ir.Collect, new: NewName) -> ir.Collect:
    clauses = list(node.clauses)
    element, key = node.element, node.key
    for i, clause in enumerate(clauses):
        found = _through(clause, new)
        if found is None:
            continue
        clauses[i], values = found
        rest = replace(node, element=element, clauses=tuple(clauses[i + 1 :]), key=key, default=None)
        rest = substituted(rest, values)
        clauses[i + 1 :], element, key = rest.clauses, rest.element, rest.key
    if tuple(clauses) == node.clauses:
        return node
    return ir.Collect(node.span, node.type, node.kind, element, tuple(clauses), key, node.default)


def _through(clause: Clause, new: NewName) -> tuple[Clause, dict[str, Expr]] | None:
    """A clause that runs through keys, and what its names stand for."""
    match clause.domain:
        case ir.Convert(span, _, "values" | "items" as what, operand):
            value, k, keys = _value(operand, new)
            assert isinstance(keys.type, SetType)
            here: Expr = ir.Local(span, keys.type.item, k)
            match what, clause.names:
                case "values", (name,):
                    values = {name: value}
                case "items", (name, other):
                    values = {name: here, other: value}
                case "items", (name,):
                    pair = TupleType((here.type, value.type))
                    values = {name: ir.MakeTuple(span, pair, (here, value))}
                case _:
                    return None  # a value that is a tuple, taken apart
            inner = Clause((k,), keys, ())
        case ir.Collect(_, _, "seq", made, (inner,), None) if _of_a_partial_map(made, inner):
            match made, clause.names:
                case ir.MakeTuple(_, _, (first, second)), (name, other):
                    values = {name: first, other: second}
                case _, (name,):
                    values = {name: made}
                case _:
                    return None
        case _:
            return None
    conditions = tuple(substituted(c, values) for c in clause.conditions)
    return Clause(inner.names, inner.domain, (*inner.conditions, *conditions)), values


def _of_a_partial_map(made: Expr, clause: Clause) -> bool:
    """Whether a sequence is of what a partial map has, none of which goes wrong: each may be looked at alone."""
    held = made.items[-1] if isinstance(made, ir.MakeTuple) else made
    match clause:
        case Clause(
            (name,), ir.Convert(_, _, "keys"), (ir.Not(_, _, ir.IsNone(_, _, ir.At(_, _, _, key) as at)),)
        ):
            return isinstance(held, ir.Narrow) and held.operand == at and is_name(key, name)
    return False
