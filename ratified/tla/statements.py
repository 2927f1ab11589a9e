"""Statements in TLA+: what an action changes, one after the other, as one formula over the state before and after it.

Guarantees: the formula allows the steps that the statements take, and no other. Guards come first, in their order; each variable
is given its value once, local names become LETs, both ways of an `if` are joined variable by variable, and a loop becomes a
quantifier, a set, a function of the loop's variable, or, where nothing simpler says the same, a recursive function of its turns.
"""

from __future__ import annotations

from ratified.language import ir
from ratified.language.ir import Expr, Function, Kind
from ratified.language.rules import Rules
from ratified.language.types import IntType, SortType
from ratified.language.uses import returns
from ratified.tla import comments
from ratified.tla.bounds import within
from ratified.tla.comprehensions import unpacked
from ratified.tla.context import GivenByCall, TranslatedStatements
from ratified.tla.formulas import TRUE, string
from ratified.tla.joins import DONE, VALUE, join
from ratified.tla.known import learned, natural, sum_of
from ratified.tla.linear import plus
from ratified.tla.syntax import Apply, Commented, Leaf, Tla

STATEMENTS: Rules[TranslatedStatements, bool | None] = Rules("TLA+ of statements")


@STATEMENTS.rule(ir.Return)
def _return(node: ir.Return, r: TranslatedStatements) -> bool:
    r.frame.env[DONE] = TRUE
    if node.value is not None:
        r.frame.env[VALUE] = r.frame.expr(node.value)
    return True


@STATEMENTS.rule(ir.If)
def _if(node: ir.If, r: TranslatedStatements) -> bool | None:
    """Both ways, each with what comes after it if one of them may return."""
    rest = r.rest if returns(node) else ()
    r.guards += within(node.test, r.frame)
    test = r.frame.expr(node.test)
    ways, ended = [], []
    for truth, body in ((True, node.then), (False, node.orelse)):
        way = r.fork()
        known = learned(node.test, truth, way.frame)
        way.frame.facts, way.frame.present = known.facts, known.present
        ended.append(way.statements((*body, *rest)))
        ways.append(way)
    join(test, ways[0], ways[1], r)
    if not returns(node):
        return False
    return True if all(e is True for e in ended) else (None if rest or any(ended) else False)


@STATEMENTS.rule(ir.Assert)
def _assert(node: ir.Assert, r: TranslatedStatements) -> bool:
    r.frame.words.need("TLC")
    text = f"the assertion in line {node.span.line} is false"
    r.guards.append(Apply("Assert", (r.frame.expr(node.test), string(text))))
    _learn(node.test, r)
    return False


def _learn(test: Expr, r: TranslatedStatements) -> None:
    known = learned(test, True, r.frame)
    r.frame.facts, r.frame.present = known.facts, known.present


@STATEMENTS.rule(ir.Let)
def _let(node: ir.Let, r: TranslatedStatements) -> bool:
    f, names, value = r.frame, node.names, node.value
    r.guards += within(value, f)
    if len(names) > 1 and isinstance(value, ir.MakeTuple):
        parts = [f.expr(item) for item in value.items]
        for name, part in zip(names, parts, strict=True):
            f.env[name] = part if isinstance(part, Leaf) else r.define(name, part)
            f.sums.pop(name, None)
        return False
    made = f.expr(value)
    whole = made if isinstance(made, Leaf) else None
    if whole is None:
        whole = r.define(names[0] if len(names) == 1 else "pair", made, comments.around(node.span))
    for name, part in unpacked(names, whole).items():
        f.env[name] = part
        f.sums.pop(name, None)
    if len(names) == 1 and isinstance(value.type, IntType | SortType):
        meant = sum_of(value, f)
        term = {f.words.terms.of(whole, natural=natural(meant, f)): 1}
        f.sums[names[0]] = term
        f.facts = (*f.facts, plus(term, meant, -1), plus(meant, term, -1))
    return False


@STATEMENTS.rule(ir.Require)
def _require(node: ir.Require, r: TranslatedStatements) -> bool:
    comment = comments.around(node.span)
    for conjunct in node.test.operands if isinstance(node.test, ir.And) else (node.test,):
        r.guards += within(conjunct, r.frame)
        made = r.frame.expr(conjunct)
        if str(made) not in r.said and not (isinstance(made, Leaf) and made.text == "TRUE"):
            r.guards.append(Commented(made, comment) if comment else made)
            comment = ()
        _learn(conjunct, r)
    return False


@STATEMENTS.rule(ir.Do)
def _do(node: ir.Do, r: TranslatedStatements) -> bool:
    words = r.frame.words
    called = words.module.functions[node.function]
    for argument in node.arguments:
        r.guards += within(argument, r.frame, stored=True)
    if _apart(called, r):
        arguments = tuple(r.frame.expr(a) for a in node.arguments)
        r.calls.append(Apply(words.operator(called.key), arguments))
        for name in words.writes(called):
            r.frame.now[name] = GivenByCall(called.key)
        return False
    outer = dict(r.frame.env), dict(r.frame.sums)
    env: dict[str, Tla] = {}
    for parameter, argument in zip(called.arguments, node.arguments, strict=True):
        made = r.frame.expr(argument)
        env[parameter.name] = made if isinstance(made, Leaf) else r.define(parameter.name, made)
    r.frame.env, r.frame.sums = env, {}
    r.statements(called.body)
    r.frame.env, r.frame.sums = outer
    return False


def _apart(called: Function, r: TranslatedStatements) -> bool:
    """Whether a procedure can be an operator of its own here: all that it reads and changes is as it was before the step.

    The operator of an action says what stays as it is, which another action that calls it may change.
    """
    words = r.frame.words
    if called.kind is Kind.ACTION and called.key == called.name:
        return False
    touched = words.reads(called) | words.writes(called)
    if not r.top or r.initial or called.key in r.written_out or touched & r.frame.now.keys():
        return False
    return bool(words.writes(called))
