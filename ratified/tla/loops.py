"""Loops in TLA+, and what they are made of: see effects.py.

Guarantees: a loop becomes the simplest of what says the same: a quantifier, a function of its variable, a set, or a recursive
function of the number of its turns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ratified.interchange.names import apart
from ratified.language import ir
from ratified.language.ir import Expr
from ratified.language.rules import Rules
from ratified.language.types import BagType, MapType, SeqType, SortType
from ratified.language.uses import assigned, core, free, returns
from ratified.tla.bounds import within
from ratified.tla.comprehensions import as_seq, bind, gathered, in_turn, quantified_by, unpacked
from ratified.tla.context import TlaContext, TranslatedStatements, Unassigned
from ratified.tla.definitions import with_definitions
from ratified.tla.formulas import (
    FALSE,
    ONE,
    TRUE,
    ZERO,
    Except,
    QuantifiedTla,
    all_of,
    any_of,
    function,
    negated,
    record_of,
)
from ratified.tla.joins import DONE, VALUE, join
from ratified.tla.syntax import Apply, Definition, Dot, If, Index, Infix, Leaf, Let, Tla
from ratified.tla.totality import total_loop

LOOPS: Rules[TranslatedStatements, bool | None] = Rules("TLA+ of loops")


@LOOPS.rule(ir.For)
def _for(loop: ir.For, r: TranslatedStatements) -> bool | None:
    """A loop, and if it may return, what comes after it. False if what comes after it is still to be done."""
    rest = r.rest
    r.guards += within(loop.domain, r.frame)
    if _only_guards(loop, r) or _each_key(loop, r) or _each_element(loop, r):
        return False
    done = _turns(loop, r)
    if done is None:
        return False
    if VALUE in r.frame.env and not rest:
        r.frame.env[DONE] = done
        return None
    stopped, going_on = r.fork(), r.fork()
    stopped.frame.env[DONE] = TRUE
    going_on.frame.env.pop(VALUE, None)
    ended = going_on.statements(rest)
    if VALUE in r.frame.env:
        stopped.frame.env[VALUE] = r.frame.env[VALUE]
    join(done, stopped, going_on, r)
    return True if ended is True else None


def _only_guards(loop: ir.For, r: TranslatedStatements) -> bool:
    r"""A loop of guards: `\A x \in S : ...`."""
    kinds = {type(n) for s in loop.body for n in ir.walk(s) if not isinstance(n, Expr)} - {ir.Clause}
    if not kinds <= {ir.Require, ir.Let, ir.If, ir.Assert} or assigned(loop.body).keys() & r.frame.env.keys():
        return False
    clause = ir.Clause(loop.names, loop.domain, ())

    def guards(inner: TlaContext) -> Tla:
        turn = TranslatedStatements(inner, [])
        turn.statements(loop.body)
        return with_definitions(turn.definitions, all_of(turn.guards))

    made = quantified_by if total_loop(loop, r.frame) else in_turn
    whole = made("all", (clause,), guards, r.frame)
    if not (isinstance(whole, QuantifiedTla) and str(whole.body) == "TRUE"):
        r.guards.append(whole)
    return True


def _each_key(loop: ir.For, r: TranslatedStatements) -> bool:
    """A loop that gives a map another value at each of its turns' keys: a function of the key."""
    stores = [s for s in loop.body if isinstance(s, ir.Store)]
    if len(loop.names) != 1 or len(stores) != len(loop.body) or not stores:
        return False
    (name,) = loop.names
    changed = {s.variable for s in stores}
    item = getattr(loop.domain.type, "item", getattr(loop.domain.type, "key", None))
    if (
        len(changed) < len(stores)
        or not isinstance(loop.domain, ir.Universe)
        or not isinstance(item, SortType)
    ):
        return False
    if any(isinstance(r.frame.now.get(name), Unassigned) for name in changed):
        return False
    for s in stores:
        t = r.frame.words.declared(s.variable)
        for _ in s.path[:-1]:
            t = t.value if isinstance(t, MapType) else t
        last = s.path[-1] if s.path else None
        if not (isinstance(last, ir.Local) and last.name == name and isinstance(t, MapType)):
            return False
        if any(name in free(key) for key in s.path[:-1]):
            return False
        if r.frame.words.uses.reads((*s.path[:-1], s.value)) & changed:
            return False
        if within(s.value, r.frame.inside({name: Leaf(name)}), stored=True):
            return False
    for s in stores:
        inner, bound = bind(ir.Clause(loop.names, loop.domain, ()), r.frame)
        whole = function(inner.expr(s.value), bound)
        if len(s.path) == 1:
            r.frame.now[s.variable] = whole
        else:
            current = r.frame.standing(s.variable, r.frame.words.variables[s.variable])
            if not isinstance(current, Leaf):
                current = r.frame.variable(s.variable, ir.Which.NOW, r.frame.words.variables[s.variable])
            keys = tuple(r.frame.expr(key) for key in s.path[:-1])
            r.frame.now[s.variable] = Except(current, ((keys, whole),))
    return True


def _each_element(loop: ir.For, r: TranslatedStatements) -> bool:
    r"""A loop that puts an element into one set at each turn: `S \union {e : x \in T}`."""
    body, conditions = loop.body, list[Expr]()
    while len(body) == 1 and isinstance(body[0], ir.If) and not body[0].orelse:
        conditions.append(body[0].test)
        body = body[0].then
    if len(body) != 1 or not isinstance(body[0], ir.Store) or body[0].path:
        return False
    store, value = body[0], core(body[0].value)
    if not isinstance(value, ir.Insert) or isinstance(value.container.type, BagType | SeqType):
        return False
    container = value.container
    if not (isinstance(container, ir.Variable) and container.name == store.variable):
        return False
    if store.variable in r.frame.words.uses.reads((*conditions, value.item)):
        return False
    clause = ir.Clause(loop.names, loop.domain, tuple(conditions))
    if within(value.item, bind(clause, r.frame)[0], stored=True) or getattr(store.value.type, "size", None):
        return False
    item = value.item
    added = gathered((clause,), lambda inner: inner.expr(item), r.frame)
    current = r.frame.variable(store.variable, ir.Which.NOW, r.frame.words.variables[store.variable])
    r.frame.now[store.variable] = Infix("\\union", current, added)
    return True


@dataclass(frozen=True, slots=True)
class _Carried:
    """What a loop hands from turn to turn, each in a field: variables, local names, and whether and how the turns may end."""

    variables: dict[str, str]
    locals: dict[str, str]
    possible: str
    done: str
    value: str

    @classmethod
    def by(cls, loop: ir.For, f: TlaContext) -> _Carried:
        """What a loop hands on where it stands."""
        written, bound = f.words.uses.writes(loop.body), assigned(loop.body)
        variables = [n for n in f.words.variables if n in written]
        names = [n for n in f.env if n in bound and n[0] != "\0"]
        fields: list[str] = []
        for name in (*variables, *names, "possible", "done", "value"):
            fields.append(apart(name, fields))
        split = len(variables)
        return cls(
            dict(zip(variables, fields, strict=False)),
            dict(zip(names, fields[split:], strict=False)),
            *fields[-3:],
        )


def _turns(loop: ir.For, r: TranslatedStatements) -> Tla | None:
    """Any loop: a recursive function of the number of turns. Whether it has returned, if it may."""
    f = r.frame
    f.words.need("Integers", "Sequences")
    carried = _Carried.by(loop, f)
    items = r.define("items", as_seq(loop.domain, f))
    after = f.names.give_apart("after")
    names = f.names.inner()
    n, before = Leaf(names.give_apart("n")), Leaf(names.give_apart("before"))
    item = names.give_apart(loop.names[0] if len(loop.names) == 1 else "item")
    turn = _turn(loop, carried, before, Leaf(item), replace(f.inside(), names=names))
    start, step = _fields(loop, carried, before, f, turn)
    made: Tla = record_of(step)
    stops: list[Tla] = [Dot(before, carried.done)] if returns(loop) else []
    if turn.guards:
        made = If(all_of(turn.guards), made, Except(before, (((carried.possible,), FALSE),)))
        stops.append(negated(Dot(before, carried.possible)))
    made = with_definitions(turn.definitions, made)
    if stops:
        made = If(any_of(stops), before, made)
    last = Index(Leaf(after), (Infix("-", n, ONE),))
    made = Let((Definition(before.text, last), Definition(item, Index(items, (n,)))), made)
    upto = Infix("..", ZERO, Apply("Len", (items,)))
    body = If(Infix("=", n, ZERO), record_of(start), made)
    r.definitions.append(Definition(after, body, domain=(n.text, upto)))
    return _ended(loop, carried, Index(Leaf(after), (Apply("Len", (items,)),)), r, guarded=bool(turn.guards))


def _turn(loop: ir.For, carried: _Carried, before: Tla, item: Tla, inner: TlaContext) -> TranslatedStatements:
    """One turn, of what the turns before it have come to."""
    turn = TranslatedStatements(inner, [])
    inner.env.update(unpacked(loop.names, item))
    inner.env.update({name: Dot(before, field) for name, field in carried.locals.items()})
    inner.now.update({name: Dot(before, field) for name, field in carried.variables.items()})
    for name in (*loop.names, *carried.locals):
        inner.sums.pop(name, None)
    inner.env.pop(DONE, None)
    inner.env.pop(VALUE, None)
    turn.statements(loop.body)
    return turn


def _fields(
    loop: ir.For, carried: _Carried, before: Tla, f: TlaContext, turn: TranslatedStatements
) -> tuple[list[tuple[str, Tla]], list[tuple[str, Tla]]]:
    """What is carried before the first turn, and after one."""
    start: list[tuple[str, Tla]] = []
    step: list[tuple[str, Tla]] = []
    env = turn.frame.env
    for name, field in carried.variables.items():
        start.append((field, _beginning(loop, name, f)))
        step.append((field, turn.frame.now[name]))
    for name, field in carried.locals.items():
        start.append((field, f.env[name]))
        step.append((field, env.get(name, Dot(before, field))))
    if turn.guards:
        start.append((carried.possible, TRUE))
        step.append((carried.possible, TRUE))
    if returns(loop):
        start.append((carried.done, FALSE))
        step.append((carried.done, env.get(DONE, FALSE)))
    if _gives(loop):
        start.append((carried.value, f.words.none()))
        step.append((carried.value, env.get(VALUE, Dot(before, carried.value))))
    return start, step


def _ended(
    loop: ir.For, carried: _Carried, end: Tla, r: TranslatedStatements, *, guarded: bool
) -> Tla | None:
    """What all turns have come to. Whether they have returned, if they may."""
    f = r.frame
    whole = r.define("end", end)
    for name, field in carried.variables.items():
        f.now[name] = r.define(f"new_{name}", Dot(whole, field))
        r.shrunk.discard(name)
    for name, field in carried.locals.items():
        f.env[name] = r.define(name, Dot(whole, field))
        f.sums.pop(name, None)
    if guarded:
        r.guards.append(Dot(whole, carried.possible))
    if _gives(loop):
        f.env[VALUE] = Dot(whole, carried.value)
    return Dot(whole, carried.done) if returns(loop) else None


def _gives(loop: ir.For) -> bool:
    return any(node.value is not None for node in returns(loop))


def _beginning(loop: ir.For, name: str, f: TlaContext) -> Tla:
    """What a variable is before the first turn. Where it has no value yet, and gets one in each turn, it does not matter."""
    value = f.standing(name, f.words.variables[name])
    wanted = any(
        (isinstance(n, ir.Variable) and n.name == name)
        or (isinstance(n, ir.Store) and n.variable == name and n.path)
        for s in loop.body
        for n in ir.walk(s)
    )
    if isinstance(value, Unassigned) and not wanted and isinstance(loop.domain, ir.Universe):
        return f.words.none()
    f.words.need(*(["TLC"] if isinstance(value, Unassigned) else []))
    return value
