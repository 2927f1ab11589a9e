"""Names: what an expression binds is bound nowhere else in its function, and neither is what a body binds twice in a row.

A name that branches or turns of a loop bind, and that is read after them, is one name: which of the values it has is not known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ratified.language import ir
from ratified.language.ir import Clause, Function, Node
from ratified.language.lower.trees import names_in, new_names, rebuilt, with_body

NameMap = Mapping[str, str]


def named_apart(function: Function) -> Function:
    """A function whose comprehensions, loops and local names do not shadow one another."""
    return with_body(function, tuple(_Renaming(function).body(function.body)))


class _Renaming:
    def __init__(self, function: Function) -> None:
        self._new: Callable[[str], str] = new_names(names_in(function))
        self._taken = {a.name for a in function.arguments}
        bound = Counter(a.name for a in function.arguments)
        within = Counter[str]()
        for statement in function.body:
            for node in ir.walk(statement):
                if isinstance(node, ir.Let | ir.For):
                    bound.update(node.names)
                    if node is not statement:
                        within.update(node.names)
        self._statements = set(bound)
        self._shared = set(
            within
        )  # bound inside of a branch or a turn: which binding is meant is not known after it

    def body(self, body: Sequence[Node]) -> list[Node]:
        found, names = list[Node](), dict[str, str]()
        for statement in body:
            if isinstance(statement, ir.Let) and not self._shared & {*statement.names}:
                value = self._tree(statement.value, names)
                new = tuple(self._fresh(n) for n in statement.names)
                names.update(zip(statement.names, new, strict=True))
                found.append(ir.Let(statement.span, new, value))
            else:
                found.append(self._tree(statement, names))
        return found

    def _fresh(self, name: str) -> str:
        made = self._new(name) if name in self._taken else name
        self._taken.add(made)
        return made

    def _tree(self, node: Any, names: NameMap) -> Any:
        match node:
            case ir.Local(span, t, name):
                return node if names.get(name, name) == name else ir.Local(span, t, names[name])
            case ir.Collect():
                return self._collect(node, names)
            case ir.For():
                return self._loop(node, names)
        return rebuilt(node, lambda part: self._tree(part, names))

    def _loop(self, node: ir.For, names: NameMap) -> ir.For:
        domain = self._tree(node.domain, names)
        inside = {n: names.get(n, n) for n in node.names}
        body = tuple(self._tree(s, {**names, **inside}) for s in node.body)
        return ir.For(node.span, tuple(inside[n] for n in node.names), domain, body)

    def _collect(self, node: ir.Collect, names: NameMap) -> ir.Collect:
        inner, clauses = dict(names), []
        for clause in node.clauses:
            domain = self._tree(clause.domain, inner)
            new = tuple(self._apart(n) for n in clause.names)
            inner.update(zip(clause.names, new, strict=True))
            conditions = tuple(self._tree(c, inner) for c in clause.conditions)
            clauses.append(Clause(new, domain, conditions))
        element = self._tree(node.element, inner)
        key = None if node.key is None else self._tree(node.key, inner)
        default = None if node.default is None else self._tree(node.default, names)
        return ir.Collect(node.span, node.type, node.kind, element, tuple(clauses), key, default)

    def _apart(self, name: str) -> str:
        """A name for what an expression binds."""
        made = self._new(name) if name in self._taken or name in self._statements else name
        self._taken.add(made)
        return made
