"""Branches and loops, and what is known after them: only what holds on every path."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from ratified.language import ir
from ratified.language.compile.context import UNREACHABLE, Context, Made, NarrowedTypes, TypeEnv, one_of_both
from ratified.language.compile.displays import bind, has_keys, in_order, item_of, iterable, note_tuples
from ratified.language.compile.jumps import Leave, is_left, jumpless
from ratified.language.compile.plain import check_turns
from ratified.language.ir import Node
from ratified.language.rules import Rules
from ratified.language.types import BOOL

rules: Rules[Context, Made] = Rules("branches")


def block(c: Context, statements: Sequence[ast.stmt], facts: NarrowedTypes) -> tuple[tuple[Node, ...], bool]:
    """A nested block under what is known in it. The environment after it stays in force: see `merge`."""
    c.env.facts.update(facts)
    return c.body(statements)


@rules.rule(ast.If)
def _if(node: ast.If, c: Context) -> Made:
    test, body, orelse = node.test, node.body, node.orelse
    condition, true, false = c.test(test)
    before = c.env.copy()
    then, then_ends = block(c, body, true)
    if not orelse and UNREACHABLE in false:
        return list(then), then_ends  # the last of all that there is: the condition is true
    after_then = c.env
    c.env = before
    other, other_ends = block(c, orelse, false)
    if then_ends and other_ends:
        return [ir.If(c.span(test), condition, then, other)], True
    if other_ends:
        c.env = after_then
    elif not then_ends:
        merge(c, after_then)
    return [ir.If(c.span(test), condition, then, other)], False


def merge(c: Context, other: TypeEnv) -> None:
    """After two paths meet: only what holds on both is known."""
    c.env.assigned &= other.assigned
    c.env.types = {**other.types, **c.env.types}
    c.env.facts = {k: t for k, t in c.env.facts.items() if other.facts.get(k) == t}
    both = c.env.plain.keys() | other.plain.keys()
    c.env.plain = {n: one_of_both(c.env.plain.get(n, ""), other.plain.get(n, "")) for n in both}


@rules.rule(ast.Break)
def _break(node: ast.Break, c: Context) -> Made:
    return [Leave(c.span(node), loop=True)], True


@rules.rule(ast.Continue)
def _continue(node: ast.Continue, c: Context) -> Made:
    return [Leave(c.span(node), loop=False)], True


@rules.rule(ast.For)
def _for(node: ast.For, c: Context) -> Made:
    target, domain, body = node.target, node.iter, node.body
    in_order(c, [domain])
    made = iterable(c, domain)
    changed = {
        n.id for s in body for n in ast.walk(s) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    c.forget(changed | set(c.receivers))  # the body may run again after changing these
    before = c.env.copy()
    names = bind(c, target, item_of(c, made, domain))
    note_tuples(c, names, domain)
    if c.pure:  # what it runs through is what it was: nothing is taken out meanwhile
        c.env.facts.update(has_keys(c, target, domain))
    for name in names:
        if name in c.declarations:
            c.fail(target, f"`{name}` is already defined in this function", "use another name for the loop")
    inside, _ = block(c, body, {})
    after = c.env
    check_turns(c, target, before, after)
    c.env = before
    c.env.types = {**{n: t for n, t in after.types.items() if n not in names}, **c.env.types}
    c.env.plain = {**{n: k for n, k in after.plain.items() if n not in names}, **c.env.plain}
    c.env.facts = {k: t for k, t in c.env.facts.items() if after.facts.get(k) == t}
    span = c.span(target)
    loop = ir.For(span, names, made, inside)
    left = c.another_name("left") if is_left(loop) else None
    orelse, ends = block(c, node.orelse, {})
    if left is not None and orelse:
        orelse = (ir.If(span, ir.Not(span, BOOL, ir.Local(span, BOOL, left)), orelse, ()),)
    return [*jumpless(loop, left), *orelse], ends and left is None
