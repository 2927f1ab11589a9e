"""Comprehensions over the values or items of a map run through its keys, in the same order."""

from __future__ import annotations

from ratified.language import ir
from ratified.language.ir import Clause, Expr, Function
from ratified.language.lower.trees import NewName, everywhere, names_in, new_names, substituted
from ratified.language.types import BOOL, MapType, SetType, TupleType


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
        domain = clause.domain
        if not (isinstance(domain, ir.Convert) and domain.what in ("values", "items")):
            continue
        value, k, keys = _value(domain.operand, new)
        assert isinstance(keys.type, SetType)
        here: Expr = ir.Local(domain.span, keys.type.item, k)
        match domain.what, clause.names:
            case "values", (name,):
                values = {name: value}
            case "items", (name, other):
                values = {name: here, other: value}
            case "items", (name,):
                pair = TupleType((here.type, value.type))
                values = {name: ir.MakeTuple(domain.span, pair, (here, value))}
            case _:
                continue  # a value that is a tuple, taken apart
        conditions = tuple(substituted(c, values) for c in clause.conditions)
        clauses[i] = Clause((k,), keys, conditions)
        for j in range(i + 1, len(clauses)):
            clauses[j] = substituted(clauses[j], values)
        element = substituted(element, values)
        key = None if key is None else substituted(key, values)
    if tuple(clauses) == node.clauses:
        return node
    return ir.Collect(node.span, node.type, node.kind, element, tuple(clauses), key, node.default)
