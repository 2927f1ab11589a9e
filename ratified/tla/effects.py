"""Statements in TLA+: what an action changes, one after the other, as one formula over the state before and after it.

Guarantees: the formula allows the steps that the statements take, and no other. Guards come first, in their order; each variable
is given its value once, local names become LETs, both ways of an `if` are joined variable by variable, and a loop becomes a
quantifier, a set, a function of the loop's variable, or, where nothing simpler says the same, a recursive function of its turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ratified.language import ir
from ratified.language.ir import Expr, Function, Node
from ratified.language.types import (
    BoolType,
    IntType,
    MapType,
    RecordType,
    SeqType,
    SortType,
    TupleType,
    Type,
    resolved,
)
from ratified.tla.formulas import (
    FALSE,
    TRUE,
    Except,
    Quantified,
    all_of,
    if_else,
    string,
    tuple_of,
)
from ratified.tla.linear import plus
from ratified.tla.loops import DONE, VALUE, Choice, Loops, assigned, returns, with_definitions
from ratified.tla.scope import Elsewhere, Frame, NotApart, Place, Run
from ratified.tla.syntax import Apply, Atom, Commented, If, Infix, Prefix, Primed, Tla


class Effects(Loops):
    """Translates bodies of functions of one module."""

    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]  # handed on
        self.written_out: set[str] = set()

    # --- values -------------------------------------------------------------------------------------------------------

    def body_value(self, called: Function, f: Frame) -> Tla:
        """What a function returns, as one expression."""
        return self._returned(called.body, f, called.returns == BoolType())

    def _returned(self, body: Sequence[Node], f: Frame, truth: bool) -> Tla:
        """What statements return; `truth` if that is true or false."""
        if not body:
            return self.none()  # after a loop that always returns; never reached
        first, rest = body[0], body[1:]
        if isinstance(first, ir.Return):
            return TRUE if first.value is None else self.expr(first.value, f)
        if isinstance(first, ir.If) and returns(first):
            test = self.expr(first.test, f)
            then = self._returned((*first.then, *rest), self.learned(first.test, True, f.inside()), truth)
            orelse = self._returned(
                (*first.orelse, *rest), self.learned(first.test, False, f.inside()), truth
            )
            return if_else(test, then, orelse, truth=truth)
        if isinstance(first, ir.For) and (found := self._search(first, rest, f, truth)) is not None:
            return found
        run = self.start(replace(f.inside(), names=f.names.inner()), hoisted=False)
        ended = self.run((first,), run)
        after = run.frame.env.get(VALUE) if ended is None else None
        value = self._returned(rest, run.frame, truth)
        if after is not None:
            value = if_else(run.frame.env[DONE], after, value, truth=truth)
        for guard in reversed(run.guards):
            value = If(guard, value, FALSE)  # an assertion: it stops TLC by itself
        return with_definitions(run.definitions, value)

    def _search(self, loop: ir.For, rest: Sequence[Node], f: Frame, truth: bool) -> Tla | None:
        """A loop that only looks for something: it returns one literal, and changes nothing around it."""
        values = [n.value for s in loop.body for n in ir.walk(s) if isinstance(n, ir.Return)]
        literals = {v.value for v in values if isinstance(v, ir.Literal) and isinstance(v.value, bool)}
        if not values or len(literals) != 1 or not all(isinstance(v, ir.Literal) for v in values):
            return None
        if assigned(loop.body) & f.env.keys() or any(isinstance(n, ir.Assert) for n in ir.walk(loop)):
            return None
        inner, bound = self.bind(ir.Clause(loop.names, loop.domain, ()), f)
        met = Quantified("\\E", (bound,), self._reached(loop.body, inner))
        found = TRUE if literals.pop() else FALSE
        return if_else(met, found, self._returned(rest, f, truth), truth=truth)

    def _reached(self, body: Sequence[Node], f: Frame) -> Tla:
        """Whether statements return, rather than coming to their end."""
        if not body:
            return FALSE
        first, rest = body[0], body[1:]
        if isinstance(first, ir.Return):
            return TRUE
        if isinstance(first, ir.If) and returns(first):
            then = self._reached((*first.then, *rest), self.learned(first.test, True, f.inside()))
            orelse = self._reached((*first.orelse, *rest), self.learned(first.test, False, f.inside()))
            return if_else(self.expr(first.test, f), then, orelse, truth=True)
        if isinstance(first, ir.For) and returns(first):
            inner, bound = self.bind(ir.Clause(first.names, first.domain, ()), f)
            met = Quantified("\\E", (bound,), self._reached(first.body, inner))
            return if_else(met, TRUE, self._reached(rest, f), truth=True)
        run = self.start(replace(f.inside(), names=f.names.inner()), hoisted=False)
        self.run((first,), run)
        return with_definitions(run.definitions, self._reached(rest, run.frame))

    # --- statements ---------------------------------------------------------------------------------------------------

    def run(self, body: Sequence[Node], r: Run) -> bool | None:
        """Statements in order. True if they certainly returned, None if a loop among them may have."""
        for number_, statement in enumerate(body):
            rest = body[number_ + 1 :]
            match statement:
                case ir.Return(_, value):
                    r.frame.env[DONE] = TRUE
                    if value is not None:
                        r.frame.env[VALUE] = self.expr(value, r.frame)
                    return True
                case ir.If() if returns(statement):
                    return self._branches(statement, rest, r)
                case ir.If():
                    self._branches(statement, (), r)
                case ir.For():
                    if (ended := self._for(statement, rest, r)) is not False:
                        return ended
                case _:
                    self._simple(statement, r)
        return False

    def _simple(self, statement: Node, r: Run) -> None:
        match statement:
            case ir.Let(_, names, value):
                self._let(statement, names, value, r)
            case ir.Require(_, test):
                self._require(statement, test, r)
            case ir.Assert(_, test):
                self.need("TLC")
                text = f"the assertion in line {statement.span.line} is false"
                r.guards.append(Apply("Assert", (self.expr(test, r.frame), string(text))))
                self._learn(test, r)
            case ir.Store():
                self._store(statement, r)
            case ir.Do():
                self._do(statement, r)
            case _:
                raise AssertionError(statement)

    def _learn(self, test: Expr, r: Run) -> None:
        known = self.learned(test, True, r.frame)
        r.frame.facts, r.frame.present = known.facts, known.present

    def _let(self, node: ir.Let, names: tuple[str, ...], value: Expr, r: Run) -> None:
        f = r.frame
        r.guards += self.within(value, f)
        if len(names) > 1 and isinstance(value, ir.MakeTuple):
            parts = [self.expr(item, f) for item in value.items]
            for name, part in zip(names, parts, strict=True):
                f.env[name] = part if isinstance(part, Atom) else r.define(name, part)
                f.sums.pop(name, None)
            return
        made = self.expr(value, f)
        whole = made if isinstance(made, Atom) else None
        if whole is None:
            whole = r.define(names[0] if len(names) == 1 else "pair", made, self.comments_at(node.span))
        for name, part in self.unpacked(names, whole).items():
            f.env[name] = part
            f.sums.pop(name, None)
        if len(names) == 1 and isinstance(value.type, IntType | SortType):
            meant = self.sum(value, f)
            natural = self.natural(meant, f)
            term = {self.term(whole, natural=natural): 1}
            f.sums[names[0]] = term
            f.facts = (*f.facts, plus(term, meant, -1), plus(meant, term, -1))

    def _require(self, node: ir.Require, test: Expr, r: Run) -> None:
        comment = self.comments_at(node.span)
        for conjunct in test.operands if isinstance(test, ir.And) else (test,):
            r.guards += self.within(conjunct, r.frame)
            made = self.expr(conjunct, r.frame)
            if str(made) not in self.said and not (isinstance(made, Atom) and made.text == "TRUE"):
                r.guards.append(Commented(made, comment) if comment else made)
                comment = ()
            self._learn(conjunct, r)

    # --- variables ----------------------------------------------------------------------------------------------------

    def _store(self, node: ir.Store, r: Run) -> None:
        f, name = r.frame, node.variable
        if node.which is ir.Which.ABSTRACT:
            f.env[f"\0{name}"] = self.expr(node.value, f)
            return
        current = f.standing(name, self.variables[name])
        r.guards += self.within(node.value, f, stored=True)
        for key in node.path:
            r.guards += self.within(key, f)
        if name in f.now and name not in r.shrunk and not self.initial and self.bounded(self.declared(name)):
            current = f.variable(name, ir.Which.NOW, self.variables[name])
            r.guards += self.belongs(current, self.declared(name), f.names)
        if comment := self.comments_at(node.span):
            r.notes[name] = (*r.notes.get(name, ()), *comment)
        (r.shrunk.add if _shrinks(node.value) else r.shrunk.discard)(name)
        value = self._replaced(node, current, r) if node.path else self.expr(node.value, replace(f, own=name))
        f.now[name] = value

    def _replaced(self, node: ir.Store, current: Tla, r: Run) -> Tla:
        """The variable with another value at a path."""
        f, name = r.frame, node.variable
        plain = isinstance(current, Atom)
        if not plain and not (isinstance(current, Except) and isinstance(current.base, Atom)):
            current = f.variable(name, ir.Which.NOW, self.variables[name])
        t = self.declared(name)
        keys: list[Tla] = []
        for key in node.path:
            if isinstance(t, SeqType):
                break
            assert isinstance(t, MapType)
            made = self.expr(key, f)
            if not self._certain_key(key.type, t.key):
                self.need("TLC")
                keys_of = self.type_set(t.key)
                if keys_of is not None:
                    test = Infix("\\in", made, keys_of)
                    r.guards.append(Apply("Assert", (test, string(f"{name} has no such key"))))
            keys.append(made)
            t = t.value
        place = Place(name, tuple(str(k) for k in keys))
        inner = replace(f, place=place)
        value = self.expr(node.value, inner)
        if len(keys) < len(node.path):  # the last step is a position of a sequence
            here: Tla = Atom("@") if keys else current
            position = self.use("Position", here, self.expr(node.path[-1], f))
            value = self.use("Replaced", here, position, value)
            if not keys:
                return value
        updates = ((tuple(keys), value),)
        if isinstance(current, Except):
            return Except(current.base, (*current.updates, *updates))
        return Except(current, updates)

    def _certain_key(self, given: Type, wanted: Type) -> bool:
        """Whether every value of a type is a key of a map with keys of another."""
        if isinstance(wanted, IntType):
            try:
                a, b = resolved(given, self.model.scope), resolved(wanted, self.model.scope)
            except Exception:  # noqa: BLE001  # a bound that cannot be known here
                return False
            return a == b
        return not isinstance(wanted, TupleType | RecordType)

    def _do(self, node: ir.Do, r: Run) -> None:
        called = self.module.functions[node.function]
        for argument in node.arguments:
            r.guards += self.within(argument, r.frame, stored=True)
        if self._apart(called, r):
            arguments = tuple(self.expr(a, r.frame) for a in node.arguments)
            r.calls.append(Apply(self.operator(called.key), arguments))
            for name in self.writes(called):
                r.frame.now[name] = Elsewhere(called.key)
            return
        outer = dict(r.frame.env), dict(r.frame.sums)
        env: dict[str, Tla] = {}
        for parameter, argument in zip(called.arguments, node.arguments, strict=True):
            made = self.expr(argument, r.frame)
            env[parameter.name] = made if isinstance(made, Atom) else r.define(parameter.name, made)
        r.frame.env, r.frame.sums = env, {}
        self.run(called.body, r)
        r.frame.env, r.frame.sums = outer

    def _apart(self, called: Function, r: Run) -> bool:
        """Whether a procedure can be an operator of its own here: all that it reads and changes is as it was before the step."""
        touched = self.reads(called) | self.writes(called)
        if not r.top or self.initial or called.key in self.written_out or touched & r.frame.now.keys():
            return False
        return bool(self.writes(called))

    # --- two ways -----------------------------------------------------------------------------------------------------

    def _branches(self, node: ir.If, rest: Sequence[Node], r: Run) -> bool | None:
        r.guards += self.within(node.test, r.frame)
        test = self.expr(node.test, r.frame)
        ways, ended = [], []
        for truth, body in ((True, node.then), (False, node.orelse)):
            way = r.fork()
            known = self.learned(node.test, truth, way.frame)
            way.frame.facts, way.frame.present = known.facts, known.present
            ended.append(self.run((*body, *rest), way))
            ways.append(way)
        self.join(test, ways[0], ways[1], r)
        return True if all(e is True for e in ended) else (None if rest or any(ended) else False)

    def join(self, test: Tla, then: Run, orelse: Run, r: Run) -> None:
        """What two ways have in common afterwards."""
        guards = (all_of(then.guards), all_of(orelse.guards))
        both = if_else(test, *guards, truth=True)
        if not (isinstance(both, Atom) and both.text == "TRUE"):
            r.guards.append(both)
        r.notes.update({**then.notes, **orelse.notes})
        r.shrunk = then.shrunk & orelse.shrunk
        for name in self.variables:
            sides = [way.frame.now.get(name) for way in (then, orelse)]
            if sides[0] is sides[1]:
                if sides[0] is not None:
                    r.frame.now[name] = sides[0]
                continue
            for side in sides:
                if isinstance(side, Elsewhere):
                    raise NotApart(side.key)
            plain = [Atom(self.variables[name]) if side is None else side for side in sides]
            r.frame.now[name] = Choice(test, *plain)
        self._join_names(test, then.frame, orelse.frame, r)

    def _join_names(self, test: Tla, then: Frame, orelse: Frame, r: Run) -> None:
        env = r.frame.env
        for name in {**then.env, **orelse.env}:
            a, b = then.env.get(name), orelse.env.get(name)
            if name == DONE:
                a, b = a or env.get(DONE, FALSE), b or env.get(DONE, FALSE)
            elif name == VALUE:
                a, b = a or b, b or a
            if a is None or b is None or (a is b):
                if a is b and a is not None:
                    env[name] = a
                else:
                    env.pop(name, None)  # it has no value on one of the ways, and so is not read any more
                continue
            joined = if_else(test, a, b, truth=name == DONE)
            env[name] = joined if isinstance(joined, Atom) or name[0] == "\0" else r.define(name, joined)
            r.frame.sums.pop(name, None)

    # --- formulas -----------------------------------------------------------------------------------------------------

    def formula(self, r: Run, names: Sequence[str], *, primed: bool = True) -> Tla:
        """A run of statements as a formula that gives these variables their values."""
        items = [*r.guards, *r.calls, *self._given({n: r.frame.now.get(n) for n in names}, primed, r)]
        return with_definitions(r.definitions, all_of(items, listed=True))

    def _given(self, values: dict[str, Tla | None], primed: bool, r: Run) -> list[Tla]:
        """Variables with their values; what is not changed at the end."""
        made: list[Tla] = []
        unchanged: list[str] = []
        together: dict[int, list[str]] = {}
        for name, value in values.items():
            if isinstance(value, Choice):
                together.setdefault(id(value.test), []).append(name)
        told: set[str] = set()
        for name, value in values.items():
            text = self.variables[name]
            if name in told or isinstance(value, Elsewhere):
                continue
            if value is None or (isinstance(value, Atom) and value.text == text and primed):
                unchanged.append(text)
            elif isinstance(value, Choice) and len(group := together[id(value.test)]) > 1:
                told.update(group)
                sides = []
                for side in ("then", "orelse"):
                    part = self._given({n: getattr(values[n], side) for n in group}, primed, r)
                    sides.append(all_of(part, listed=True))
                made.append(If(value.test, *sides))
            else:
                given: Tla = Infix("=", Primed(Atom(text)) if primed else Atom(text), value)
                made.append(Commented(given, r.notes.pop(name)) if name in r.notes else given)
        if not primed:
            for text in unchanged:
                self.need("TLC")
                made.append(Apply("Assert", (Atom("FALSE"), string(f"{text} has no value"))))
        elif len(unchanged) == 1:
            made.append(Prefix("UNCHANGED", Atom(unchanged[0])))
        elif unchanged:
            made.append(Prefix("UNCHANGED", tuple_of(*map(Atom, unchanged))))
        return made

    # --- to be given --------------------------------------------------------------------------------------------------

    said: frozenset[str] = frozenset()
    """Guards that are said elsewhere: where a parameter comes from."""

    initial = False
    """Whether initial states are being computed."""

    def comments_at(self, span: object) -> tuple[str, ...]:
        """The comments of the author that belong to a statement."""
        raise NotImplementedError


def _shrinks(value: Expr) -> bool:
    """Whether a stored value is certainly within the bounds of its type if what stood there is."""
    while isinstance(value, ir.Fit | ir.Widen | ir.Narrow):
        value = value.operand
    if isinstance(value, ir.Remove | ir.Pop):
        return isinstance(value.container, ir.Variable | ir.At)
    return isinstance(value, ir.Literal) or (isinstance(value, ir.MakeSet | ir.MakeSeq) and not value.items)
