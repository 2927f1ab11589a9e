"""What is said of steps: `@action_constraint`, which becomes a last guard of every action, and `enabled(action)`.

Guarantees: the actions of a compiled class hold what its action constraints say, so that no engine needs to know of them; what
`enabled` asks is whether the guards of an action let it pass, which stand before its changes or are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from ratified.language import ir
from ratified.language.errors import ModelError, Span
from ratified.language.guards import Guards
from ratified.language.ir import Argument, Declaration, Expr, Function, Kind, Node, Which
from ratified.language.lower.trees import everywhere, names_in
from ratified.language.types import BOOL, unbounded
from ratified.language.uses import nodes

_WITH_CHANGES = ir.Store | ir.Do


def constrained(
    functions: Mapping[str, Function], variables: Mapping[str, Declaration]
) -> dict[str, Function]:
    """Functions in which each action ends with what the action constraints say of its step; these are helpers then."""
    found = {k: f for k, f in functions.items() if f.kind is not Kind.ACTION_CONSTRAINT}
    for constraint in functions.values():
        if constraint.kind is not Kind.ACTION_CONSTRAINT:
            continue
        if asking := next((f for f in functions.values() if f.key.startswith("ratified.enabled_")), None):
            raise ModelError(
                f"`enabled` cannot be used with the action constraint `{constraint.name}`",
                span=asking.span,
                remedy="write the guard as a helper, and test that",
            )
        asked = list(dict.fromkeys(_old(constraint)))
        helper = _between(constraint, asked, variables)
        found[helper.key] = helper
        for key, f in list(found.items()):
            if f.kind is Kind.ACTION and f.key == f.name:
                found[key] = _guarded(f, helper, asked, variables)
    return found


def _old(constraint: Function) -> list[str]:
    read = []
    for node in nodes(constraint.body):
        if isinstance(node, ir.Variable) and node.which is Which.OLD:
            read.append(node.name)
        if isinstance(node, ir.Call) and node.which is Which.OLD:
            raise ModelError(
                "helpers cannot be called on the old state here",
                span=node.span,
                remedy="read its variables: old.x",
            )
    return read


def _between(constraint: Function, asked: Sequence[str], variables: Mapping[str, Declaration]) -> Function:
    """An action constraint as a helper that is given what it asks of the state before."""
    names = _names(asked, names_in(constraint))

    def change(node: ir.Expr) -> ir.Expr:
        if isinstance(node, ir.Variable) and node.which is Which.OLD:
            return ir.Local(node.span, node.type, names[node.name])
        return node

    arguments = tuple(Argument(names[n], unbounded(variables[n].type)) for n in asked)
    made = everywhere(constraint, change)
    return replace(made, key=f"ratified.{constraint.name}", kind=Kind.HELPER, arguments=arguments)


def _names(asked: Sequence[str], taken: set[str]) -> dict[str, str]:
    found = {}
    for name in asked:
        new = f"old_{name}"
        while new in taken:
            new += "_"
        found[name] = new
    return found


def _guarded(
    action: Function, helper: Function, asked: Sequence[str], variables: Mapping[str, Declaration]
) -> Function:
    """An action that ends with a guard; what it asks of the state before is kept before the first change."""
    names = _names(asked, names_in(action))
    span = helper.span
    kept = [ir.Let(span, (names[n],), ir.Variable(span, variables[n].type, n, Which.NOW)) for n in asked]
    given = tuple(ir.Local(span, unbounded(variables[n].type), names[n]) for n in asked)
    guard = ir.Require(span, ir.Call(span, BOOL, helper.key, given, Which.NOW))
    first = next(
        (
            i
            for i, s in enumerate(action.body)
            if any(isinstance(n, _WITH_CHANGES | ir.Return) for n in nodes((s,)))
        ),
        len(action.body),
    )
    body, ends = _before_returns(action.body[first:], guard)
    return replace(action, body=(*action.body[:first], *kept, *body, *(() if ends else (guard,))))


def _before_returns(body: Sequence[Node], guard: Node) -> tuple[tuple[Node, ...], bool]:
    """Statements with a guard before each return, and whether the last one is a return."""
    found: list[Node] = []
    for statement in body:
        match statement:
            case ir.Return():
                return (*found, guard, statement), True
            case ir.If(span, test, then, orelse):
                found.append(
                    ir.If(span, test, _before_returns(then, guard)[0], _before_returns(orelse, guard)[0])
                )
            case ir.For(span, names, domain, inner):
                found.append(ir.For(span, names, domain, _before_returns(inner, guard)[0]))
            case _:
                found.append(statement)
    return tuple(found), False


def possible(
    action: Function,
    functions: Mapping[str, Function],
    made: Callable[[Function], str],
    refuse: Callable[[str, str], None],
) -> Function:
    """A helper that says whether the guards of an action let it pass with its arguments."""
    guards = Guards(functions)
    if guards.late(action.body):
        refuse(
            f"`{action.name}` has a guard after a change, or in a loop that changes something",
            "put all guards of the action before its changes",
        )

    def asking(body: Iterable[Node]) -> list[Node]:
        """Statements in which a guard that is false, and a return, give an answer."""
        found: list[Node] = []
        for statement in body:
            match statement:
                case ir.Require(span, test):
                    found.append(_unless(span, test))
                case ir.Do(span, key, given) if guards.guarded((statement,)):
                    asked = made(helper(functions[key]))
                    found.append(_unless(span, ir.Call(span, BOOL, asked, given, Which.NOW)))
                case ir.Do():
                    pass
                case ir.Return(span):
                    return [*found, _answer(span, True)]
                case ir.If(span, test, then, orelse):
                    found.append(ir.If(span, test, tuple(asking(then)), tuple(asking(orelse))))
                case ir.For(span, names, domain, inner):
                    found.append(ir.For(span, names, domain, tuple(asking(inner))))
                case _:
                    found.append(statement)
        return found

    def helper(one: Function) -> Function:
        return Function(
            f"ratified.enabled_{one.key}",
            f"enabled_{one.key.replace('.', '_')}",
            Kind.HELPER,
            tuple(Argument(a.name, unbounded(a.type)) for a in one.arguments),
            BOOL,
            _cut((*asking(guards.until_last(one.body)), _answer(one.span, True))),
            one.span,
            "",
        )

    return helper(action)


def _unless(span: Span, test: Expr) -> Node:
    """False is the answer if a test is false."""
    return ir.If(span, ir.Not(span, BOOL, test), (_answer(span, False),), ())


def _answer(span: Span, said: bool) -> Node:
    return ir.Return(span, ir.Literal(span, BOOL, said))


def _cut(body: Sequence[Node]) -> tuple[Node, ...]:
    """Statements up to the first return."""
    end = next((i for i, s in enumerate(body) if isinstance(s, ir.Return)), len(body))
    return tuple(body[: end + 1])
