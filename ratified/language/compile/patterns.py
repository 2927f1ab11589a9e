"""`match`, as a chain of tests; and patterns, each as a test and what its names stand for.

Guarantees: the subject is evaluated once; a case that cannot be reached is refused.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from ratified.language import ir
from ratified.language.compile.assignments import assign_name, introduce
from ratified.language.compile.branches import block, merge
from ratified.language.compile.conditions import record_classes, without
from ratified.language.compile.context import UNREACHABLE, Condition, Context, Made, NarrowedTypes
from ratified.language.errors import Span
from ratified.language.ir import Expr, Node
from ratified.language.rules import Rules
from ratified.language.types import (
    BOOL,
    NoneType,
    OptionalType,
    RecordType,
    SeqType,
    TupleType,
    fits,
    unbounded,
)

rules: Rules[Context, Made] = Rules("match")

Matched = tuple[Expr, NarrowedTypes, NarrowedTypes, dict[str, Expr]]
"""A pattern's test, what is known where it matches and where not, and what its names stand for."""


@dataclass(frozen=True, slots=True)
class Matching:
    """What a pattern is matched with."""

    c: Context
    subject: ast.expr


_patterns: Rules[Matching, Matched] = Rules("patterns")


@rules.rule(ast.Match)
def _match(node: ast.Match, c: Context) -> Made:
    """`match` as a chain of tests. The subject must be something that can be named, so that it is evaluated once."""
    subject, cases = node.subject, node.cases
    if c.python_kind(subject):
        c.held(subject, c.expr(subject).type)  # a case may give it another name
    if not isinstance(subject, ast.Name):
        name = ast.Name("subject_", ast.Store())
        while name.id in c.declarations:
            name.id += "_"
        ast.copy_location(name, subject)
        made = c.expr(subject)
        if isinstance(made.type, NoneType):
            c.fail(subject, "this is always None here", "leave out the match")
        let = assign_name(c, node, name, made, subject)
        read = ast.copy_location(ast.Name(name.id, ast.Load()), subject)
        nodes, ended = _cases(c, read, cases)
        return [*let, *nodes], ended
    return _cases(c, subject, cases)


def _cases(c: Context, subject: ast.Name, cases: list[ast.match_case]) -> Made:
    if not cases:
        return [], False
    case, rest = cases[0], cases[1:]
    before = c.env.copy()
    test, true, false, captures = _matched(c, case.pattern, subject)
    c.env.facts.update(true)
    c.env.aliases.update(captures)
    if case.guard is not None:
        for name in captures:
            c.env.types.pop(name, None)
        guard, more, _ = c.test(case.guard)
        true, false = {**true, **more}, {}
        test = guard if _always(test) else ir.And(c.span(case.guard), BOOL, (test, guard))
    c.env = before.copy()
    c.env.facts.update(true)
    lets: list[Node] = []
    for name, value in captures.items():
        introduce(c, ast.copy_location(ast.Name(name, ast.Store()), case.pattern), value.type, subject)
        lets.append(ir.Let(value.span, (name,), value))
    then, then_ends = block(c, case.body, {k: t for k, t in true.items() if k not in captures})
    after = c.env
    if _always(test):
        if rest:
            c.fail(rest[0].pattern, "this case is unreachable", "the one before it matches everything")
        return [*lets, *then], then_ends
    c.env = before
    c.env.facts.update(false)
    if not rest and case.guard is None:
        exhausted = not false and _exhausts(c, subject, case.pattern)
        if exhausted or UNREACHABLE in false:
            c.env = after
            return [*lets, *then], then_ends
    other, other_ends = _cases(c, subject, rest)
    span = c.span(case.pattern)
    if then_ends and other_ends:
        return [ir.If(span, test, (*lets, *then), tuple(other))], True
    if other_ends:
        c.env = after
    elif not then_ends:
        merge(c, after)
    return [ir.If(span, test, (*lets, *then), tuple(other))], False


def _exhausts(c: Context, subject: ast.Name, pattern: ast.pattern) -> bool:
    """Whether the last case takes all that is left: the one record, or the one None, that the subject can still be."""
    left = c.expr(subject).type
    match pattern:
        case ast.MatchSingleton(None):
            return isinstance(left, NoneType)
        case ast.MatchClass(cls, [], []):
            return isinstance(left, RecordType) and record_classes(c, cls) == (left,)
    return False


def _matched(c: Context, pattern: ast.pattern, subject: ast.expr) -> Matched:
    if type(pattern) not in _patterns:
        c.fail(
            pattern,
            "this pattern is not part of the modelling language",
            "match records, None, values, tuples and names",
        )
    return _patterns(pattern, Matching(c, subject))


@_patterns.rule(ast.MatchAs)
def _named(pattern: ast.MatchAs, m: Matching) -> Matched:
    if pattern.name is None:
        return _true(m.c.span(pattern)), {}, {}, {}
    if pattern.pattern is None:
        return _true(m.c.span(pattern)), {}, {}, {pattern.name: m.c.expr(m.subject)}
    test, true, false, captures = _matched(m.c, pattern.pattern, m.subject)
    with m.c.scoped(true):
        return test, true, false, {**captures, pattern.name: m.c.expr(m.subject)}


@_patterns.rule(ast.MatchSingleton)
def _singleton(pattern: ast.MatchSingleton, m: Matching) -> Matched:
    constant = ast.copy_location(ast.Constant(pattern.value), m.subject)
    if pattern.value is not None:
        return _equals(m.c, m.subject, constant, pattern)
    compared = ast.Compare(m.subject, [ast.Is()], [ast.Constant(None)])
    test, true, false = m.c.test(ast.copy_location(compared, m.subject))
    return test, true, false, {}


@_patterns.rule(ast.MatchValue)
def _value(pattern: ast.MatchValue, m: Matching) -> Matched:
    return _equals(m.c, m.subject, pattern.value, pattern)


def _equals(c: Context, subject: ast.expr, value: ast.expr, pattern: ast.pattern) -> Matched:
    left = c.expr(subject)
    inner = left.type.item if isinstance(left.type, OptionalType) else left.type
    made = c.expr(value, inner)
    if not fits(made.type, left.type):
        c.fail(
            pattern,
            f"this is of type {made.type}, and the subject is {left.type}",
            "match values of the subject's type",
        )
    test = ir.Compare(c.span(pattern), BOOL, "==", left, c.coerce(made, unbounded(left.type), value))
    key = c.fact_key(subject)
    true: NarrowedTypes = {key: made.type} if key and isinstance(left.type, OptionalType) else {}
    member = c.member(value, subject)
    return test, true, without(c, subject, (member,)) if member else {}, {}


@_patterns.rule(ast.MatchOr)
def _alternatives(pattern: ast.MatchOr, m: Matching) -> Matched:
    c, subject, patterns = m.c, m.subject, pattern.patterns
    tests: list[Expr] = []
    trues: list[NarrowedTypes] = []
    collected: NarrowedTypes = {}
    for one in patterns:
        with c.scoped(collected):
            test, true, false, captures = _matched(c, one, subject)
        if captures:
            c.fail(one, "the alternatives of a pattern cannot bind names", "write a case for each")
        tests.append(test)
        trues.append(true)
        collected.update(false)
    common = set(trues[0]).intersection(*trues[1:])
    known = {key: c.join(pattern, *(t[key] for t in trues)) for key in sorted(common)}
    return ir.Or(c.span(pattern), BOOL, tuple(tests)), known, collected, {}


@_patterns.rule(ast.MatchClass)
def _record(pattern: ast.MatchClass, m: Matching) -> Matched:
    c, subject = m.c, m.subject
    cls, patterns, names, keywords = pattern.cls, pattern.patterns, pattern.kwd_attrs, pattern.kwd_patterns
    records = record_classes(c, cls)
    isinstance_ = ast.Call(ast.Name("isinstance", ast.Load()), [subject, cls], [])
    ast.copy_location(isinstance_, subject)
    ast.fix_missing_locations(isinstance_)
    operand = c.expr(subject)
    if isinstance(operand.type, RecordType) and records == (operand.type,):
        known: Condition = (_true(c.span(pattern)), {}, {UNREACHABLE: BOOL})
    else:
        known = c.test(isinstance_)
    test, true, false = known
    fields = list(records[0].fields)
    if len(patterns) > len(fields):
        c.fail(pattern, f"{records[0]} has {len(fields)} fields", f"its fields: {', '.join(fields)}")
    tests, captures, partial = [test], {}, False
    with c.scoped(true):
        for name, inner in [*zip(fields, patterns, strict=False), *zip(names, keywords, strict=True)]:
            if name not in fields:
                c.fail(inner, f"{records[0]} has no field `{name}`", f"its fields: {', '.join(fields)}")
            part = ast.copy_location(ast.Attribute(subject, name, ast.Load()), inner)
            more, inner_true, _, inner_captures = _matched(c, inner, part)
            c.env.facts.update(inner_true)
            true = {**true, **inner_true}
            captures.update(inner_captures)
            if not _always(more):
                tests.append(more)
                partial = True
    tests = [t for t in tests if not _always(t)] or tests[:1]
    return _all(c.span(pattern), tests), true, {} if partial else false, captures


@_patterns.rule(ast.MatchSequence)
def _parts(pattern: ast.MatchSequence, m: Matching) -> Matched:
    c, subject, patterns = m.c, m.subject, pattern.patterns
    t = c.expr(subject).type
    if not isinstance(t, TupleType) or len(t.items) != len(patterns):
        c.fail(
            pattern,
            f"{t} does not match a pattern of {len(patterns)} parts",
            "only tuples are matched by parts: test len(s) == 0, and read s[0], s[1:]"
            if isinstance(t, SeqType)
            else "only tuples are matched by parts",
        )
    tests: list[Expr] = []
    captures: dict[str, Expr] = {}
    for index, inner in enumerate(patterns):
        part = ast.copy_location(ast.Subscript(subject, ast.Constant(index), ast.Load()), inner)
        ast.fix_missing_locations(part)
        more, _, _, inner_captures = _matched(c, inner, part)
        captures.update(inner_captures)
        if not _always(more):
            tests.append(more)
    return _all(c.span(pattern), tests), {}, {}, captures


def _true(span: Span) -> Expr:
    return ir.Literal(span, BOOL, True)


def _all(span: Span, tests: list[Expr]) -> Expr:
    """That all of these hold."""
    if not tests:
        return _true(span)
    return tests[0] if len(tests) == 1 else ir.And(span, BOOL, tuple(tests))


def _always(test: Expr) -> bool:
    return isinstance(test, ir.Literal) and test.value is True
