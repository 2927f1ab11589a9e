"""Loops whose turns cannot see each other: all turns at once, each as if it were alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ratified.language import ir
from ratified.language.ir import Node, Which
from ratified.language.types import BOOL, SetType
from ratified.language.uses import Uses, is_name, stores
from ratified.smt.first_order import shapes as sh
from ratified.smt.first_order.containers import updated
from ratified.smt.first_order.context import Failing, LogicContext
from ratified.smt.first_order.running import PathState
from ratified.smt.first_order.shapes import Shape
from ratified.smt.terms import FALSE, TRUE, Term, conj

ITEMS = "items\0"
"""The name, which no source can have, for what a loop runs through, as it was found before the first turn."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A statement of a loop's body, for which values of the loop's name it is reached."""

    name: str
    statement: Node
    clause: ir.Clause


def turns_of(node: ir.For, uses: Uses) -> list[Turn] | None:
    """What each turn of a loop does, if it is plain that no turn sees what another did; None otherwise."""
    if not isinstance(node.domain.type, SetType) or len(node.names) > 1:
        return None
    changed = stores(node.body)
    elements = _by_element(changed, node.names[0])
    if any(uses.reads(node.domain, Which.NOW) & uses.writes(s) for s in _flattened(node.body)[:-1]):
        node = replace(node, domain=ir.Local(node.domain.span, node.domain.type, ITEMS))
    found = list(_flat(node.body, (), node))
    written = uses.writes(node.body, Which.NOW)
    for turn in found:
        own = _of_its_own(turn.statement, turn.name, elements)
        if own is None:
            return None
        parts = (*turn.clause.conditions, *own)
        if any(_reads(part, v, turn.name, uses, elements) for part in parts for v in written):
            return None
    # What comes after a change that a test sees would be told apart by what is changed.
    for statement in (n for s in node.body for n in ir.walk(s)):
        if isinstance(statement, ir.If):
            earlier = uses.writes([turn.statement for turn in _flat([statement], (), node)][:-1])
            if uses.reads(statement.test, Which.NOW) & earlier:
                return None
    ways = {(s.variable, type(s.value)) for s in changed if not s.path and s.variable not in elements}
    if len(ways) > len({variable for variable, _ in ways}):  # what one turn adds, another may take
        return None
    return found


def _by_element(changed: Iterable[ir.Store], name: str) -> frozenset[str]:
    """The sets of which every turn changes only whether its own element is in it."""
    others = {store.variable for store in changed if not _is_of_an_element(store, name)}
    return frozenset(store.variable for store in changed) - others


def _is_of_an_element(store: ir.Store, name: str) -> bool:
    match store:
        case ir.Store(path=(), value=ir.Insert(item=item) | ir.Remove(item=item) as value):
            return isinstance(value.type, SetType) and is_name(item, name)
    return False


def _flattened(body: Sequence[Node]) -> list[Node]:
    """The statements of a body, those in branches too, in their order."""
    found: list[Node] = []
    for s in body:
        found += _flattened((*s.then, *s.orelse)) if isinstance(s, ir.If) else [s]
    return found


def _flat(body: Sequence[Node], tests: tuple[ir.Expr, ...], loop: ir.For) -> Iterator[Turn]:
    for statement in body:
        if isinstance(statement, ir.If):
            yield from _flat(statement.then, (*tests, statement.test), loop)
            yield from _flat(statement.orelse, (*tests, ir.Not(statement.span, BOOL, statement.test)), loop)
        else:
            yield Turn(loop.names[0], statement, ir.Clause(loop.names, loop.domain, tests))


def _of_its_own(statement: Node, name: str, elements: frozenset[str]) -> Sequence[Node] | None:
    """The parts of a statement that no turn may find changed by another; None if it is none that turns do apart."""
    match statement:
        case ir.Require(_, test) | ir.Assert(_, test):
            return (test,)
        case ir.Store(
            _, variable, (), (ir.Insert(container=container) | ir.Remove(container=container)) as value
        ):
            sure = isinstance(value, ir.Insert) or not value.strict or variable in elements
            same = isinstance(container, ir.Variable) and container.name == variable
            return (value.item,) if same and sure and isinstance(value.type, SetType) else None
        case ir.Store(path=(key, *_)) if isinstance(key, ir.Local) and key.name == name:
            return (statement,)
    return None


def _reads(node: Node | ir.Clause, variable: str, name: str, uses: Uses, elements: frozenset[str]) -> bool:
    """Whether a statement reads a variable elsewhere than at the key, or asks for another element, than the loop is at."""
    if isinstance(node, ir.In) and isinstance(node.container, ir.Variable):
        own = variable in elements and is_name(node.item, name)
        return (node.container.name == variable and not own) or _reads(
            node.item, variable, name, uses, elements
        )
    if (
        isinstance(node, ir.At)
        and isinstance(node.container, ir.Variable)
        and node.container.name == variable
    ):
        return not is_name(node.key, name)
    if isinstance(node, ir.Variable):
        return node.name == variable
    if isinstance(node, ir.Call):
        return True
    if variable not in uses.reads(node) and not isinstance(node, ir.Store):
        return False
    return any(_reads(child, variable, name, uses, elements) for child in ir.children(node))


def at_once(turns: Sequence[Turn], path: PathState) -> None:
    """Do all turns of a loop at once."""
    for turn in turns:
        match turn.statement:
            case ir.Store(_, variable, (), value) if isinstance(value, ir.Insert | ir.Remove):
                path.state[variable] = _changed_set(turn, value, path)
            case ir.Store():
                _store_everywhere(turn, turn.statement, path)
            case ir.Require(span, test) if not path.tried:
                whole = ir.Collect(span, BOOL, "all", test, (turn.clause,))
                path.guard.append(path.context().formula(whole))
            case ir.Assert(span, test) if not path.tried:
                whole = ir.Collect(span, BOOL, "all", test, (turn.clause,))
                context = path.context()
                context.demand(Failing.ERROR, context.formula(whole), "an assertion that is false", span)


def _changed_set(turn: Turn, value: ir.Insert | ir.Remove, path: PathState) -> Shape:
    """A set that every turn adds an element to, or takes one from."""
    if isinstance(value, ir.Remove) and value.strict:
        context = path.context()
        domain = context.silent().expr(turn.clause.domain)
        assert isinstance(domain, sh.Members)

        def demanded(here: LogicContext, key: Shape) -> None:
            _passed(turn, here, key)[1].expr(value)

        context.each(domain, demanded)
    elements = ir.Collect(value.span, value.type, "set", value.item, (turn.clause,))
    operator = "|" if isinstance(value, ir.Insert) else "-"
    whole = ir.SetOp(value.span, value.type, operator, value.container, elements)
    return path.context().expr(whole)


def _passed(turn: Turn, here: LogicContext, key: Shape) -> tuple[Term, LogicContext]:
    """Whether the turn at a key comes to its statement, and what that is read with."""
    inner, passed = here.bound((turn.name,), key), TRUE
    for test in turn.clause.conditions:
        passed = conj(passed, inner.under(passed).formula(test))
    return passed, inner.under(passed)


def _store_everywhere(turn: Turn, node: ir.Store, path: PathState) -> None:
    """A map that every turn gives another value at its own key."""
    base, context = sh.known(path.state[node.variable]), path.context()
    if node.variable in path.unset:
        context.demand(Failing.ERROR, FALSE, f"reading `{node.variable}` before it has a value", node.span)
    assert isinstance(base, sh.FunctionShape)
    domain = context.silent().expr(turn.clause.domain)
    assert isinstance(domain, sh.Members)

    def changed(here: LogicContext, key: Shape) -> tuple[Term, Shape]:
        """Whether a turn comes to this key, and the value that it gives it."""
        passed, inner = _passed(turn, here, key)
        value, rest = inner.expr(node.value), [inner.expr(k) for k in node.path[1:]]
        inner.demand(Failing.ERROR, base.keys.has(key), "a key that is not there", node.span)
        return passed, updated(base.at(key), rest, value, inner, node.span)

    def demanded(here: LogicContext, key: Shape) -> None:
        changed(here, key)

    context.each(domain, demanded)
    quiet = context.silent()

    def at(key: Shape) -> Shape:
        passed, after = changed(quiet, key)
        return sh.either(conj(domain.has(key), passed), after, base.at(key))

    path.state[node.variable] = replace(base, at=at, origin=None)
