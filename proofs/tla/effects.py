"""Statements in TLA+: what an action changes, one after the other, as one formula over the state before and after it.

Guarantees: the formula allows the steps that the statements take, and no other. Guards come first, in their order; each variable
is given its value once, local names become LETs, both ways of an `if` are joined variable by variable, and a loop becomes a
quantifier, a set, a function of the loop's variable, or, where nothing simpler says the same, a recursive function of its turns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ratified.models.language import ir
from ratified.models.language.ir import Expr, Function, Node
from ratified.models.language.types import (
    BagType,
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
from ratified.proofs.tla.bounds import Bounds
from ratified.proofs.tla.expressions import _mentions
from ratified.proofs.tla.linear import plus
from ratified.proofs.tla.scope import Elsewhere, Frame, NotApart, Place, Run
from ratified.proofs.tla.syntax import (
    FALSE,
    TRUE,
    ZERO,
    Apply,
    Atom,
    Commented,
    Definition,
    Dot,
    Except,
    If,
    Index,
    Infix,
    Let,
    Prefix,
    Primed,
    Quantified,
    Tla,
    all_of,
    any_of,
    function,
    if_else,
    negated,
    number,
    record_of,
    set_of,
    string,
    tuple_of,
)

DONE, VALUE = "\0done", "\0value"
"""What a loop that returns remembers: whether it has, and what."""


class Choice(If):
    """Where two ways meet: a value that depends on which was taken. Choices of one test share it."""


class Effects(Bounds):
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
        if isinstance(first, ir.If) and _returns(first):
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
        if _assigned(loop.body) & f.env.keys() or any(isinstance(n, ir.Assert) for n in ir.walk(loop)):
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
        if isinstance(first, ir.If) and _returns(first):
            then = self._reached((*first.then, *rest), self.learned(first.test, True, f.inside()))
            orelse = self._reached((*first.orelse, *rest), self.learned(first.test, False, f.inside()))
            return if_else(self.expr(first.test, f), then, orelse, truth=True)
        if isinstance(first, ir.For) and _returns(first):
            inner, bound = self.bind(ir.Clause(first.names, first.domain, ()), f)
            met = Quantified("\\E", (bound,), self._reached(first.body, inner))
            return if_else(met, TRUE, self._reached(rest, f), truth=True)
        run = self.start(replace(f.inside(), names=f.names.inner()), hoisted=False)
        self.run((first,), run)
        return with_definitions(run.definitions, self._reached(rest, run.frame))

    # --- statements ---------------------------------------------------------------------------------------------------

    @staticmethod
    def start(frame: Frame, *, hoisted: bool = True) -> Run:
        """A run of statements that begins here."""
        made = Run(frame, [], hoisted=hoisted)
        frame.run = made
        return made

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
                case ir.If() if _returns(statement):
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
        current = f.now.get(name, Atom(self.variables[name]))
        if isinstance(current, Elsewhere):
            raise NotApart(current.key)
        r.guards += self.within(node.value, f, stored=True)
        for key in node.path:
            r.guards += self.within(key, f)
        if name in f.now and name not in r.shrunk and not self.initial and self.bounded(self._declared(name)):
            current = f.variable(name, ir.Which.NOW, self.variables[name])
            r.guards += self.belongs(current, self._declared(name), f.names)
        if comment := self.comments_at(node.span):
            r.notes[name] = (*r.notes.get(name, ()), *comment)
        (r.shrunk.add if _shrinks(node.value) else r.shrunk.discard)(name)
        value = self._replaced(node, current, r) if node.path else self.expr(node.value, replace(f, own=name))
        f.now[name] = value

    def _declared(self, name: str) -> Type:
        return next(d.type for d in self.module.variables if d.name == name)

    def _replaced(self, node: ir.Store, current: Tla, r: Run) -> Tla:
        """The variable with another value at a path."""
        f, name = r.frame, node.variable
        plain = isinstance(current, Atom)
        if not plain and not (isinstance(current, Except) and isinstance(current.base, Atom)):
            current = f.variable(name, ir.Which.NOW, self.variables[name])
        t = self._declared(name)
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
        self._join(test, ways[0], ways[1], r)
        return True if all(e is True for e in ended) else (None if rest or any(ended) else False)

    def _join(self, test: Tla, then: Run, orelse: Run, r: Run) -> None:
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

    # --- loops --------------------------------------------------------------------------------------------------------

    def _for(self, loop: ir.For, rest: Sequence[Node], r: Run) -> bool | None:
        """A loop, and if it may return, what comes after it. False if what comes after it is still to be done."""
        r.guards += self.within(loop.domain, r.frame)
        if self._only_guards(loop, r) or self._each_key(loop, r) or self._each_element(loop, r):
            return False
        done = self._turns(loop, r)
        if done is None:
            return False
        if VALUE in r.frame.env and not rest:
            r.frame.env[DONE] = done
            return None
        stopped, going_on = r.fork(), r.fork()
        stopped.frame.env[DONE] = TRUE
        going_on.frame.env.pop(VALUE, None)
        ended = self.run(rest, going_on)
        if VALUE in r.frame.env:
            stopped.frame.env[VALUE] = r.frame.env[VALUE]
        self._join(done, stopped, going_on, r)
        return True if ended is True else None

    def _only_guards(self, loop: ir.For, r: Run) -> bool:
        r"""A loop of guards: `\A x \in S : ...`."""
        kinds = {type(n) for s in loop.body for n in ir.walk(s) if not isinstance(n, Expr)} - {ir.Clause}
        if not kinds <= {ir.Require, ir.Let, ir.If, ir.Assert} or _assigned(loop.body) & r.frame.env.keys():
            return False
        inner, bound = self.bind(ir.Clause(loop.names, loop.domain, ()), r.frame)
        turn = self.start(inner)
        self.run(loop.body, turn)
        if turn.guards:
            body = with_definitions(turn.definitions, all_of(turn.guards))
            r.guards.append(Quantified("\\A", (bound,), body))
        return True

    def _each_key(self, loop: ir.For, r: Run) -> bool:
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
        for s in stores:
            t = self._declared(s.variable)
            for _ in s.path[:-1]:
                t = t.value if isinstance(t, MapType) else t
            last = s.path[-1] if s.path else None
            if not (isinstance(last, ir.Local) and last.name == name and isinstance(t, MapType)):
                return False
            reads = [n for part in (*s.path[:-1], s.value) for n in ir.walk(part)]
            if any(isinstance(n, ir.Local) and n.name == name for p in s.path[:-1] for n in ir.walk(p)):
                return False
            if any(isinstance(n, ir.Variable) and n.name in changed for n in reads):
                return False
            if any(
                isinstance(n, ir.Call) and self.reads(self.module.functions[n.function]) & changed
                for n in reads
            ):
                return False
            if self.within(s.value, r.frame.inside({name: Atom(name)}), stored=True):
                return False
        for s in stores:
            inner, bound = self.bind(ir.Clause(loop.names, loop.domain, ()), r.frame)
            whole = function(self.expr(s.value, inner), bound)
            if len(s.path) == 1:
                r.frame.now[s.variable] = whole
            else:
                current = r.frame.now.get(s.variable, Atom(self.variables[s.variable]))
                if not isinstance(current, Atom):
                    current = r.frame.variable(s.variable, ir.Which.NOW, self.variables[s.variable])
                keys = tuple(self.expr(key, r.frame) for key in s.path[:-1])
                r.frame.now[s.variable] = Except(current, ((keys, whole),))
        return True

    def _each_element(self, loop: ir.For, r: Run) -> bool:
        r"""A loop that puts an element into one set at each turn: `S \union {e : x \in T}`."""
        body, conditions = loop.body, list[Expr]()
        while len(body) == 1 and isinstance(body[0], ir.If) and not body[0].orelse:
            conditions.append(body[0].test)
            body = body[0].then
        if len(body) != 1 or not isinstance(body[0], ir.Store) or body[0].path:
            return False
        store, value = body[0], body[0].value
        while isinstance(value, ir.Fit | ir.Widen):
            value = value.operand
        if not isinstance(value, ir.Insert) or isinstance(value.container.type, BagType | SeqType):
            return False
        container = value.container
        if not (isinstance(container, ir.Variable) and container.name == store.variable):
            return False
        reads = [n for part in (*conditions, value.item) for n in ir.walk(part)]
        if any(isinstance(n, ir.Variable) and n.name == store.variable for n in reads) or any(
            isinstance(n, ir.Call) and store.variable in self.reads(self.module.functions[n.function])
            for n in reads
        ):
            return False
        clause = ir.Clause(loop.names, loop.domain, tuple(conditions))
        if self.within(value.item, self.bind(clause, r.frame)[0], stored=True) or getattr(
            store.value.type, "size", None
        ):
            return False
        item = value.item
        added = self._gathered((clause,), lambda inner: self.expr(item, inner), r.frame)
        current = r.frame.variable(store.variable, ir.Which.NOW, self.variables[store.variable])
        r.frame.now[store.variable] = Infix("\\union", current, added)
        return True

    def _turns(self, loop: ir.For, r: Run) -> Tla | None:
        """Any loop: a recursive function of the number of turns. Whether it has returned, if it may."""
        f = r.frame
        self.need("Integers", "Sequences")
        variables = [n for n in self.variables if n in self._stored(loop.body)]
        names = [n for n in f.env if n in _assigned(loop.body) and n[0] != "\0"]
        returns = _returns(loop)
        gives = any(isinstance(n, ir.Return) and n.value is not None for s in loop.body for n in ir.walk(s))
        items = r.define("items", self.as_seq(loop.domain, f))
        after = f.names.give_apart("after")
        inner_names = f.names.inner()
        n, before = inner_names.give("n"), inner_names.give("before")
        keys = _distinct([*variables, *names, "possible", "done", "value"])
        fields = dict(zip([*variables, *names, "\0possible", DONE, VALUE], keys, strict=True))

        def dot(whole: Tla, key: str) -> Tla:
            return Dot(whole, fields[key])

        inner = replace(f.inside(), names=inner_names)
        turn = self.start(inner)
        item = Index(items, (Atom(n),))
        item_name = Atom(inner_names.give_apart(loop.names[0] if len(loop.names) == 1 else "item"))
        inner.env.update(self.unpacked(loop.names, item_name))
        for name in variables:
            inner.now[name] = dot(Atom(before), name)
        for name in names:
            inner.env[name] = dot(Atom(before), name)
            inner.sums.pop(name, None)
        for name in loop.names:
            inner.sums.pop(name, None)
        inner.env.pop(DONE, None)
        inner.env.pop(VALUE, None)
        self.run(loop.body, turn)
        start: list[tuple[str, Tla]] = []
        step: list[tuple[str, Tla]] = []
        for name in variables:
            begun = f.now.get(name, Atom(self.variables[name]))
            start.append((fields[name], begun))
            step.append((fields[name], inner.now[name]))
        for name in names:
            start.append((fields[name], f.env[name]))
            step.append((fields[name], inner.env.get(name, dot(Atom(before), name))))
        if turn.guards:
            start.append((fields["\0possible"], TRUE))
            step.append((fields["\0possible"], TRUE))
        if returns:
            start.append((fields[DONE], FALSE))
            step.append((fields[DONE], inner.env.get(DONE, FALSE)))
        if gives:
            start.append((fields[VALUE], self.none()))
            step.append((fields[VALUE], inner.env.get(VALUE, dot(Atom(before), VALUE))))
        made: Tla = record_of(step)
        if turn.guards:
            possible = fields["\0possible"]
            made = If(all_of(turn.guards), made, Atom(f"[{before} EXCEPT !.{possible} = FALSE]"))
        made = with_definitions(turn.definitions, made)
        stops = [dot(Atom(before), DONE)] if returns else []
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
        return dot(whole, DONE) if returns else None

    def _stored(self, body: Iterable[Node]) -> set[str]:
        found: set[str] = set()
        for statement in body:
            for node in ir.walk(statement):
                if isinstance(node, ir.Store):
                    found.add(node.variable)
                elif isinstance(node, ir.Do):
                    found |= self.writes(self.module.functions[node.function])
        return found

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
        if len(unchanged) == 1:
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


def with_definitions(definitions: Sequence[Definition], body: Tla) -> Tla:
    """A LET of the definitions that are used."""
    used: list[Definition] = []
    texts = [str(body)]
    for definition in reversed(definitions):
        if any(_mentions(text, definition.name) for text in texts):
            used.insert(0, definition)
            texts.append(str(definition.body))
            if definition.domain:
                texts.append(str(definition.domain[1]))
    if not used:
        return body
    if isinstance(body, Let):
        return Let((*used, *body.definitions), body.body)
    return Let(tuple(used), body)


def _returns(node: Node) -> bool:
    return any(isinstance(n, ir.Return) for n in ir.walk(node))


def _assigned(body: Iterable[Node]) -> set[str]:
    return {name for s in body for n in ir.walk(s) if isinstance(n, ir.Let) for name in n.names}


def _shrinks(value: Expr) -> bool:
    """Whether a stored value is certainly within the bounds of its type if what stood there is."""
    while isinstance(value, ir.Fit | ir.Widen | ir.Narrow):
        value = value.operand
    if isinstance(value, ir.Remove | ir.Pop):
        return isinstance(value.container, ir.Variable | ir.At)
    return isinstance(value, ir.Literal) or (isinstance(value, ir.MakeSet | ir.MakeSeq) and not value.items)


def _distinct(names: Sequence[str]) -> list[str]:
    """These names as fields, told apart."""
    made: list[str] = []
    for name in names:
        text = name.lstrip("_") or "x"
        while text in made:
            text += "_"
        made.append(text)
    return made


__all__ = ["BoolType", "Choice", "Effects", "set_of", "with_definitions"]
