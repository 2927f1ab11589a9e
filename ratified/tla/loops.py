"""Loops in TLA+, and what they are made of: see effects.py.

Guarantees: a loop becomes the simplest of what says the same: a quantifier, a function of its variable, a set, or a recursive
function of the number of its turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ratified.interchange.names import apart
from ratified.language import ir
from ratified.language.ir import Expr
from ratified.language.rules import Rules
from ratified.language.types import BagType, MapType, SeqType, SortType
from ratified.language.uses import assigned, core, free, returns
from ratified.tla.bounds import within
from ratified.tla.comprehensions import as_seq, bind, gathered, in_turn, quantified_by, unpacked
from ratified.tla.context import Frame, Run, Valueless
from ratified.tla.definitions import with_definitions
from ratified.tla.formulas import (
    FALSE,
    TRUE,
    ZERO,
    Except,
    Quantified,
    all_of,
    any_of,
    function,
    negated,
    number,
    record_of,
)
from ratified.tla.joins import DONE, VALUE, join
from ratified.tla.syntax import Apply, Atom, Definition, Dot, If, Index, Infix, Let, Tla
from ratified.tla.totality import total_loop

LOOPS: Rules[Run, bool | None] = Rules("TLA+ of loops")


@LOOPS.rule(ir.For)
def _for(loop: ir.For, r: Run) -> bool | None:
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


def _only_guards(loop: ir.For, r: Run) -> bool:
    r"""A loop of guards: `\A x \in S : ...`."""
    kinds = {type(n) for s in loop.body for n in ir.walk(s) if not isinstance(n, Expr)} - {ir.Clause}
    if not kinds <= {ir.Require, ir.Let, ir.If, ir.Assert} or assigned(loop.body).keys() & r.frame.env.keys():
        return False
    clause = ir.Clause(loop.names, loop.domain, ())

    def guards(inner: Frame) -> Tla:
        turn = Run(inner, [])
        turn.statements(loop.body)
        return with_definitions(turn.definitions, all_of(turn.guards))

    made = quantified_by if total_loop(loop, r.frame) else in_turn
    whole = made("all", (clause,), guards, r.frame)
    if not (isinstance(whole, Quantified) and str(whole.body) == "TRUE"):
        r.guards.append(whole)
    return True


def _each_key(loop: ir.For, r: Run) -> bool:
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
    if any(isinstance(r.frame.now.get(name), Valueless) for name in changed):
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
        if within(s.value, r.frame.inside({name: Atom(name)}), stored=True):
            return False
    for s in stores:
        inner, bound = bind(ir.Clause(loop.names, loop.domain, ()), r.frame)
        whole = function(inner.expr(s.value), bound)
        if len(s.path) == 1:
            r.frame.now[s.variable] = whole
        else:
            current = r.frame.standing(s.variable, r.frame.words.variables[s.variable])
            if not isinstance(current, Atom):
                current = r.frame.variable(s.variable, ir.Which.NOW, r.frame.words.variables[s.variable])
            keys = tuple(r.frame.expr(key) for key in s.path[:-1])
            r.frame.now[s.variable] = Except(current, ((keys, whole),))
    return True


def _each_element(loop: ir.For, r: Run) -> bool:
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


def _turns(loop: ir.For, r: Run) -> Tla | None:
    """Any loop: a recursive function of the number of turns. Whether it has returned, if it may."""
    f = r.frame
    r.frame.words.need("Integers", "Sequences")
    variables = [n for n in r.frame.words.variables if n in r.frame.words.uses.writes(loop.body)]
    names = [n for n in f.env if n in assigned(loop.body) and n[0] != "\0"]
    may_return = bool(returns(loop))
    gives = any(isinstance(n, ir.Return) and n.value is not None for s in loop.body for n in ir.walk(s))
    items = r.define("items", as_seq(loop.domain, f))
    after = f.names.give_apart("after")
    inner_names = f.names.inner()
    n, before = inner_names.give_apart("n"), inner_names.give_apart("before")
    keys = _distinct([*variables, *names, "possible", "done", "value"])
    fields = dict(zip([*variables, *names, "\0possible", DONE, VALUE], keys, strict=True))

    def dot(whole: Tla, key: str) -> Tla:
        return Dot(whole, fields[key])

    inner = replace(f.inside(), names=inner_names)
    turn = Run(inner, [])
    item = Index(items, (Atom(n),))
    item_name = Atom(inner_names.give_apart(loop.names[0] if len(loop.names) == 1 else "item"))
    inner.env.update(unpacked(loop.names, item_name))
    for name in variables:
        inner.now[name] = dot(Atom(before), name)
    for name in names:
        inner.env[name] = dot(Atom(before), name)
        inner.sums.pop(name, None)
    for name in loop.names:
        inner.sums.pop(name, None)
    inner.env.pop(DONE, None)
    inner.env.pop(VALUE, None)
    turn.statements(loop.body)
    start: list[tuple[str, Tla]] = []
    step: list[tuple[str, Tla]] = []
    for name in variables:
        start.append((fields[name], _beginning(loop, name, f)))
        step.append((fields[name], inner.now[name]))
    for name in names:
        start.append((fields[name], f.env[name]))
        step.append((fields[name], inner.env.get(name, dot(Atom(before), name))))
    if turn.guards:
        start.append((fields["\0possible"], TRUE))
        step.append((fields["\0possible"], TRUE))
    if may_return:
        start.append((fields[DONE], FALSE))
        step.append((fields[DONE], inner.env.get(DONE, FALSE)))
    if gives:
        start.append((fields[VALUE], r.frame.words.none()))
        step.append((fields[VALUE], inner.env.get(VALUE, dot(Atom(before), VALUE))))
    made: Tla = record_of(step)
    if turn.guards:
        possible = fields["\0possible"]
        made = If(all_of(turn.guards), made, Atom(f"[{before} EXCEPT !.{possible} = FALSE]"))
    made = with_definitions(turn.definitions, made)
    stops = [dot(Atom(before), DONE)] if may_return else []
    if turn.guards:
        stops.append(negated(dot(Atom(before), "\0possible")))
    if stops:
        made = If(any_of(stops), Atom(before), made)
    last = Index(Atom(after), (Infix("-", Atom(n), number(1)),))
    made = Let((Definition(before, last), Definition(item_name.text, item)), made)
    body = If(Infix("=", Atom(n), ZERO), record_of(start), made)
    upto = Infix("..", ZERO, Apply("Len", (items,)))
    r.definitions.append(Definition(after, body, domain=(n, upto)))
    end = Index(Atom(after), (Apply("Len", (items,)),))
    whole = r.define("end", end)
    for name in variables:
        f.now[name] = r.define(f"new_{name}", dot(whole, name))
        r.shrunk.discard(name)
    for name in names:
        f.env[name] = r.define(name, dot(whole, name))
        f.sums.pop(name, None)
    if turn.guards:
        r.guards.append(dot(whole, "\0possible"))
    if gives:
        f.env[VALUE] = dot(whole, VALUE)
    return dot(whole, DONE) if may_return else None


def _beginning(loop: ir.For, name: str, f: Frame) -> Tla:
    """What a variable is before the first turn. Where it has no value yet, and gets one in each turn, it does not matter."""
    value = f.standing(name, f.words.variables[name])
    wanted = any(
        (isinstance(n, ir.Variable) and n.name == name)
        or (isinstance(n, ir.Store) and n.variable == name and n.path)
        for s in loop.body
        for n in ir.walk(s)
    )
    if isinstance(value, Valueless) and not wanted and isinstance(loop.domain, ir.Universe):
        return f.words.none()
    f.words.need(*(["TLC"] if isinstance(value, Valueless) else []))
    return value


def _distinct(names: Sequence[str]) -> list[str]:
    """These names as fields, told apart."""
    made: list[str] = []
    for name in names:
        made.append(apart(name, made))
    return made
