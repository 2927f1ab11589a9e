"""Loops: what is left when all their turns are done, said without a turn after the other.

What a loop carries from turn to turn (a local name, a variable, a map's value at one key, whether one value is in a set) is found
at a turn as the last turn before it has left it that changed it. That is a formula, as soon as what a turn makes of it does not
depend on what it finds, or only on what else is carried that is known already. What is true or false may depend on what it was:
both are tried, and no turn may turn each into the other. What a number has been added to is the sum of what is added.

Guarantees: what is said is exactly what CPython comes to, one turn after the other. A loop that cannot be said so is refused.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from ratified.language import ir
from ratified.language.errors import Span
from ratified.language.ir import Node, Which
from ratified.language.types import BagType, Type
from ratified.language.uses import assigned, free, stores
from ratified.smt.first_order import shapes as sh
from ratified.smt.first_order.clauses import written_out
from ratified.smt.first_order.context import LogicContext
from ratified.smt.first_order.folding import tallied
from ratified.smt.first_order.ordering import LoopRange, first_of, run_of
from ratified.smt.first_order.outcomes import added_to, as_term, depends_not, follows, terms_of
from ratified.smt.first_order.recursion import copy_by_copy, worked_out
from ratified.smt.first_order.running import PathState, RunBlock
from ratified.smt.first_order.shapes import (
    Atom,
    Changed,
    Dependent,
    FunctionShape,
    Inexpressible,
    Kept,
    Later,
    Lost,
    Members,
    Shape,
    either,
    known,
)
from ratified.smt.first_order.turns import ITEMS, at_once, turns_of
from ratified.smt.terms import (
    BOOL,
    FALSE,
    INT,
    TRUE,
    Bound,
    Term,
    conj,
    disj,
    fresh,
    neg,
    plus,
    sort_of,
)
from ratified.smt.terms import (
    free as free_in,
)

ElementFunction = Callable[[Shape], Shape]
"""What is found at each place that a loop comes to."""

TurnFunction = Callable[[Shape, Shape], Shape]
"""What a turn makes of what it finds, at a place."""

READINGS_MOST = 300
"""So often the bodies of a loop and of those inside it are read."""

TURNS_MOST = 4
"""Loops over so many values that are the same at each size are done turn by turn, where nothing else will do."""


def looped(node: ir.For, path: PathState, block: RunBlock) -> list[PathState]:
    """A loop on a path: the paths after it. Raises Inexpressible."""
    turns = turns_of(node, path.logic.uses)
    if turns is not None:
        path.env[ITEMS] = path.context().expr(node.domain)
        at_once(turns, path)
        del path.env[ITEMS]
        return [] if FALSE in path.guard else [path]
    try:
        return _Loop(node, path, block).paths()
    except (Dependent, Inexpressible) as problem:
        if (found := _turn_by_turn(node, path, block)) is not None:
            return found
        with contextlib.suppress(Dependent, Inexpressible):
            return _Loop(node, path, block, working_out=True).paths()
        if isinstance(problem, Inexpressible) or path.tried:
            raise
    raise _dependent(node)


def _dependent(node: ir.For) -> Inexpressible:
    return sh.refuse(
        node.span,
        "a loop whose turns depend on each other",
        "let each turn set, add, take or count the same whatever it finds",
    )


def _turn_by_turn(node: ir.For, path: PathState, block: RunBlock) -> list[PathState] | None:
    """A loop over values that may be there, in their order; None if they are many, or not the same at each size."""
    if isinstance(node.domain.type, BagType):
        return None
    places = written_out(node.domain, path.context())
    if places is None or len(places) > TURNS_MOST:
        return None
    paths = [path]
    for there, _, item in places:
        following: list[PathState] = []
        for each in paths:
            if each.ended:
                following.append(each)
                continue
            if there != TRUE:
                following.append(each.fork(neg(there)))
            inside = each.fork(there) if there != TRUE else each
            inside.env = dict(inside.context().bound(node.names, item).env)
            following += block(node.body, [inside])
        paths = following
    return paths


@dataclass(frozen=True, slots=True)
class _CarriedShape:
    """Something that a loop carries from turn to turn: what a turn finds of it at each place, and what the last one leaves."""

    found: ElementFunction
    left: Callable[[], Shape]
    total: Bound | None = None
    """What stands for a sum before the end, on which nothing may depend."""


class _Loop:
    """With `working_out`, what no formula says at once is worked out turn after turn (`recursion.py`)."""

    def __init__(self, node: ir.For, path: PathState, block: RunBlock, *, working_out: bool = False) -> None:
        self.node = node
        self.path = path
        self.block = block
        self.span: Span = node.span
        self.left = [READINGS_MOST] if path.left is None else path.left
        self.working_out = working_out
        context = path.context()
        run = run_of(node.domain, context)
        self.run: LoopRange = copy_by_copy(run) if working_out else run
        self.quiet = context.silent()
        uses = path.logic.uses
        lasting = _lasting(node.body)
        self.locals = {n: t for n, t in assigned(lasting).items() if n in path.env}
        written = uses.writes(lasting, Which.NOW)
        self.variables = {d.name: d.type for d in path.logic.module.variables if d.name in written}
        if path.unset & uses.writes(node.body, Which.NOW):
            raise Dependent
        self.carried: dict[tuple[bool, str], _CarriedShape] = {}
        self.problem: Dependent | Inexpressible = Dependent()
        names = [(True, n) for n in self.locals] + [(False, n) for n in self.variables]
        while names:
            left = [n for n in names if not self._solve(*n)]
            if len(left) == len(names):
                if not working_out:
                    raise self.problem
                self._work_out(left)
                return
            names = left

    # --- a turn ---

    def _turn(
        self,
        place: Shape,
        found: Mapping[tuple[bool, str], Shape],
        before: Collection[tuple[bool, str]] | None = None,
        *,
        hearing: LogicContext | None = None,
        tried: bool = True,
    ) -> list[PathState]:
        """The paths through a turn, which finds this at what is carried, and what is known of what was worked out `before`.

        On anything else that is carried it may not depend.
        """
        self.left[0] -= 1
        if self.left[0] < 0:
            raise sh.refuse(self.span, "a loop that carries so much from turn to turn", "split it")
        env, state = _not_kept(self.path.env), _not_kept(self.path.state)
        for local, name in [*((True, n) for n in self.locals), *((False, n) for n in self.variables)]:
            key = (local, name)
            known_now = before is None or key in before
            what = found.get(key) or (self._found(key, place, solving=bool(found)) if known_now else Lost())
            (env if local else state)[name] = what
        item = self.run.item(place)
        env = dict(replace(self.quiet, env=env).bound(self.node.names, item).env)
        known_ = () if hearing is None else tuple(hearing.known)
        path = PathState(self.path.logic, [], env, state, [], known=known_, old=self.path.old)
        path.tried, path.deaf, path.left = tried, hearing is None, self.left
        return self.block(self.node.body, [path])

    def _found(self, key: tuple[bool, str], place: Shape, *, solving: bool) -> Shape:
        if key not in self.carried or self.run.copies:  # a turn of another copy would find it changed
            return Lost()
        carried = self.carried[key]
        if carried.total is None:
            return Later(lambda: _lost_if_kept(carried.found(place)))
        return Lost() if solving else Atom(carried.total)

    # --- what is carried ---

    def _solve(self, local: bool, name: str) -> bool:
        """Work out something that is carried, if that can be done by now."""
        key = (local, name)
        begin = (self.path.env if local else self.path.state)[name]
        before = frozenset(self.carried)

        def outcome(found: Shape, place: Shape) -> Shape:
            return self._outcome(key, found, self._turn(place, {key: found}, before))

        t = self.locals[name] if local else self.variables[name]
        try:
            self.carried[key] = self._carried(begin, outcome, t, name)
        except (Dependent, Inexpressible) as problem:
            self.problem = problem
            return False
        return True

    @staticmethod
    def _outcome(key: tuple[bool, str], found: Shape, ways: Sequence[PathState]) -> Shape:
        """What the paths through a turn leave of what it finds."""
        (local, name), result = key, None
        for way in reversed(ways):
            after = found if way.ended else sh.resolved((way.env if local else way.state)[name])
            result = after if result is None else either(conj(*way.tests), after, result)
        if isinstance(result, Lost):
            raise Dependent
        return found if result is None else result

    def _work_out(self, keys: Sequence[tuple[bool, str]]) -> None:
        """Work out all that is left together, turn after turn."""
        before = frozenset(self.carried)
        names = {f"{name}{'/local' if local else ''}": (local, name) for local, name in keys}
        types = {n: (self.locals if key[0] else self.variables)[key[1]] for n, key in names.items()}
        begin = {n: (self.path.env if local else self.path.state)[name] for n, (local, name) in names.items()}

        def turn(place: Shape, found: Mapping[str, Shape]) -> Mapping[str, Shape]:
            ways = self._turn(place, {key: found[n] for n, key in names.items()}, before)
            return {n: self._outcome(key, found[n], ways) for n, key in names.items()}

        at, end = worked_out(self.run, types, begin, turn, self.quiet, self.span)
        left = functools.cache(end)
        for n, key in names.items():
            self.carried[key] = _CarriedShape(functools.partial(at, n), lambda n=n: left()[n])  # type: ignore[misc]  # as bound here

    def _carried(self, begin: Shape, outcome: TurnFunction, t: Type, variable: str) -> _CarriedShape:
        """What is carried, by the first way that will do."""
        places = self._any_places()
        with contextlib.suppress(Dependent):
            return self._replaced(begin, outcome, places)
        begin = known(begin)
        match begin:
            case Atom(term) if sort_of(term) == BOOL:
                return self._truth(term, lambda was, x: as_term(outcome(Atom(was), x)), places)
            case Atom(term) if sort_of(term) == INT and not self.working_out:
                return self._sum(term, outcome)
            case Members(count=None):
                return self._set(begin, outcome, places)
            case FunctionShape():
                return self._map(begin, outcome, variable)
        raise Dependent

    def _any_places(self) -> list[Shape]:
        """Any place, as a shape for each case that it may be."""
        variants = self.quiet.shapes.variants(self.run.index)
        return [v.build([fresh("turn", s) for s in v.sorts]) for v in variants]

    def _passing(self, place: Shape, before: Shape | None) -> Term:
        return TRUE if before is None else self.run.before(place, before, self.quiet, self.span)

    def _some(self, test: Callable[[Shape], Term], before: Shape | None) -> Term:
        """That a test is true at some place, or at one before another."""

        def one(x: Shape) -> Term:
            found = test(x)
            return found if found == FALSE else conj(found, self._passing(x, before))

        return self.run.places.some(one)

    def _replaced(self, begin: Shape, outcome: TurnFunction, places: Sequence[Shape]) -> _CarriedShape:
        """What each turn leaves or replaces, whatever it was: the last that replaced it has said what it is."""

        def changes(x: Shape) -> Term:
            match outcome(Kept(), x):
                case Kept():
                    return FALSE
                case Changed(test):
                    return test
            return TRUE

        def value(x: Shape) -> Shape:
            made = outcome(Kept(), x)
            return made.value if isinstance(made, Changed) else made

        if all(changes(x) == FALSE for x in places):
            return _CarriedShape(lambda _: begin, lambda: begin)
        values = [value(x) for x in places]
        same = all(depends_not(v, x) and v == values[0] for v, x in zip(values, places, strict=True))

        def at(before: Shape | None) -> Shape:
            some = self._some(changes, before)
            if some == FALSE:
                return begin
            if same:
                return either(some, values[0], begin)
            last = first_of(
                self.run,
                lambda x: conj(changes(x), self._passing(x, before)),
                some,
                self.quiet,
                self.span,
                last=True,
            )
            return either(some, value(last), begin)

        return _CarriedShape(at, lambda: at(None))

    def _truth(
        self, begin: Term, outcome: Callable[[Term, Shape], Term], places: Sequence[Shape]
    ) -> _CarriedShape:
        """What is true or false: a turn leaves it, or makes it true, or false."""
        for x in places:
            if not follows(outcome(FALSE, x), outcome(TRUE, x)):
                raise Dependent  # what is false becomes true, and what is true false

        def at(before: Shape | None) -> Shape:
            return Atom(self._true(begin, outcome, places, before))

        return _CarriedShape(at, lambda: at(None))

    def _true(
        self,
        begin: Term,
        outcome: Callable[[Term, Shape], Term],
        places: Sequence[Shape],
        before: Shape | None,
    ) -> Term:
        def sets(x: Shape) -> Term:
            return outcome(FALSE, x)

        def clears(x: Shape) -> Term:
            return neg(outcome(TRUE, x))

        if all(clears(x) == FALSE for x in places):
            return disj(begin, self._some(sets, before))
        if all(sets(x) == FALSE for x in places):
            return conj(begin, neg(self._some(clears, before)))

        def last_set(x: Shape) -> Term:
            def cleared(y: Shape) -> Term:
                return conj(clears(y), self._passing(y, before), self.run.before(x, y, self.quiet, self.span))

            return conj(sets(x), neg(self.run.places.some(cleared)))

        return disj(self._some(last_set, before), conj(begin, neg(self._some(clears, before))))

    def _sum(self, begin: Term, outcome: TurnFunction) -> _CarriedShape:
        """What a number has been added to in each turn. How much it is before the end would have to be counted."""
        was = fresh("was", INT)

        def added(x: Shape) -> Term:
            return added_to(as_term(outcome(Atom(was), x)), was)

        for x in self._any_places():
            if was in free_in(added(x)):
                raise Dependent

        def left() -> Shape:
            return Atom(plus(begin, tallied(self.run, lambda _: TRUE, added, self.quiet, self.node)))

        return _CarriedShape(lambda _: Atom(was), left, was)

    def _set(self, begin: Members, outcome: TurnFunction, places: Sequence[Shape]) -> _CarriedShape:
        """A set: of each value it is carried whether it is in it."""
        shapes, item = self.quiet.shapes, begin.item

        def member(e: Shape) -> Callable[[Term, Shape], Term]:
            def outcome_of(was: Term, x: Shape) -> Term:
                made = outcome(_only(item, e, was), x)
                made = known(made)
                assert isinstance(made, Members)
                return made.has(e)

            return outcome_of

        for variant in shapes.variants(item):
            e = variant.build([fresh("item", s) for s in variant.sorts])
            for x in places:
                if not follows(member(e)(FALSE, x), member(e)(TRUE, x)):
                    raise Dependent

        def at(before: Shape | None) -> Shape:
            def has(e: Shape) -> Term:
                return self._true(begin.has(e), member(e), places, before)

            return shapes.members(item, lambda v, columns: has(v.build(columns)))

        return _CarriedShape(at, lambda: at(None))

    def _map(self, begin: FunctionShape, outcome: TurnFunction, variable: str) -> _CarriedShape:
        """A map that every turn changes at one key, which does not depend on what is carried: its values, key by key."""
        key = self._own_key(variable)
        t = begin.type

        def at_key(k: Shape) -> _CarriedShape:
            def inner(was: Shape, x: Shape) -> Shape:
                item = self.run.item(x)
                own = self.quiet.bound(self.node.names, item).expr(key)

                def value(y: Shape) -> Shape:
                    if y is k or y == own:
                        return was
                    raise Dependent

                made = known(outcome(replace(begin, at=value, origin=None), x))
                assert isinstance(made, FunctionShape)
                return made.at(k)

            return self._carried(begin.at(k), inner, t.value, "")

        for variant in self.quiet.shapes.variants(t.key):
            at_key(variant.build([fresh("key", s) for s in variant.sorts]))

        def at(place: Shape | None) -> Shape:
            def value(k: Shape) -> Shape:
                carried = at_key(k)
                return carried.left() if place is None else carried.found(place)

            return replace(
                begin,
                at=lambda k: self.quiet.shapes.by_case(t.key, k, lambda v, c: value(v.build(c))),
                origin=None,
            )

        return _CarriedShape(at, lambda: at(None))

    def _own_key(self, variable: str) -> ir.Expr:
        mine = [s for s in stores(self.node.body) if s.variable == variable]
        uses = self.path.logic.uses
        if not mine or any(not s.path for s in mine) or any(isinstance(n, ir.Do) for n in _nodes(self.node)):
            raise Dependent
        key = mine[0].path[0]
        varying = {
            *assigned(self.node.body),
            *(n for f in _nodes(self.node) if isinstance(f, ir.For) for n in f.names),
        }
        if (
            any(not ir.alike(s.path[0], key) for s in mine)
            or free(key) & (varying - set(self.node.names))
            or uses.reads(key, Which.NOW) & self.variables.keys()
        ):
            raise Dependent
        return key

    # --- the paths after it ---

    def paths(self) -> list[PathState]:
        """The path past all turns, and those on which a turn returns."""
        self._demands()
        path, places = self.path, self._any_places()
        ends = any(way.ended for x in places for way in self._turn(x, {}, tried=path.tried))
        after = replace(
            path, env=dict(path.env), state=dict(path.state), guard=[*path.guard], tests=[*path.tests]
        )
        for (local, name), carried in self.carried.items():
            (after.env if local else after.state)[name] = Later(self._once(carried.left))
        passed = self.run.places.every(self._goes_on)
        found = []
        if passed != FALSE:
            if passed != TRUE:
                after.guard.append(passed)
                if ends:
                    after.tests.append(self.run.places.every(lambda x: neg(self._stops(x))))
            found.append(after)
        return [*self._ended(places), *found] if ends else found

    def _once(self, make: Callable[[], Shape]) -> Callable[[], Shape]:
        """What is made when it is read first."""
        made: list[Shape] = []

        def read() -> Shape:
            try:
                if not made:
                    made.append(make())
            except Dependent:
                if self.path.tried:
                    raise
                raise _dependent(self.node) from None
            return made[0]

        return read

    def _goes_on(self, place: Shape) -> Term:
        """That a turn comes to its end, and another follows."""
        ways = self._turn(place, {}, tried=self.path.tried)
        return self._without_totals(disj(*(conj(*w.guard) for w in ways if not w.ended)))

    def _stops(self, place: Shape) -> Term:
        """That a turn returns."""
        ways = self._turn(place, {}, tried=self.path.tried)
        return self._without_totals(disj(*(conj(*w.guard) for w in ways if w.ended)))

    def _without_totals(self, term: Term) -> Term:
        totals = {c.total for c in self.carried.values() if c.total is not None}
        if totals and totals & free_in(term):
            raise Dependent
        return term

    def _ended(self, places: Sequence[Shape]) -> list[PathState]:
        """The paths on which a turn returns: the first that does not go on."""
        stops = lambda x: neg(self._goes_on(x))  # noqa: E731
        some = self.run.places.some(stops)
        if self._alike(places):
            (way,) = (w for w in self._turn(places[0], {}, tried=self.path.tried) if w.ended)
            there = self.run.places.some(self._stops)
            return [self._on(way, [there])]
        first = first_of(self.run, stops, some, self.quiet, self.span)
        ways = [w for w in self._turn(first, {}, tried=self.path.tried) if w.ended]
        return [self._on(way, [some, *way.guard]) for way in ways]

    def _on(self, way: PathState, tests: Sequence[Term]) -> PathState:
        guard, path = conj(*tests), self.path
        if any(c.total is not None for c in self.carried.values()):
            terms = [] if way.value is None else terms_of(way.value)
            if terms is None or any(c.total and not local for (local, _), c in self.carried.items()):
                raise Dependent
            for term in terms:
                self._without_totals(term)
        return replace(
            path,
            guard=[*path.guard, guard],
            tests=[*path.tests, guard],
            env=dict(path.env),
            state=way.state,
            ended=True,
            value=way.value,
        )

    def _alike(self, places: Sequence[Shape]) -> bool:
        """Whether it is the same which turn returns: there is one way to do so, and nothing is left by other turns."""
        uses, body = self.path.logic.uses, self.node.body
        if uses.writes(body) or (not self.path.tried and uses.may_refuse(body)):
            return False
        ways = [[w for w in self._turn(x, {}, tried=self.path.tried) if w.ended] for x in places]
        if any(len(way) != 1 for way in ways):
            return False
        values = [way[0].value for way in ways]
        return all(
            v is None or (depends_not(v, x) and v == values[0]) for v, x in zip(values, places, strict=True)
        )

    def _demands(self) -> None:
        """Demand what is demanded in each turn that is come to."""
        context = self.path.context()
        body, uses = self.node.body, self.path.logic.uses
        if context.deaf or not (self.path.unset or uses.may_fail(body) or uses.may_leave(body)):
            return
        stopping = any(isinstance(n, ir.Return) for n in _nodes(self.node))

        def within(here: LogicContext, place: Shape) -> None:
            ways = self._turn(place, {}, hearing=here, tried=False)
            demands = dict.fromkeys(d for way in ways for d in way.demands)
            if stopping and demands:
                reached = neg(self._some(self._stops, place))
                here = here.under(reached)
            for demand in demands:
                self._without_totals(demand.holds)
                here.hear(demand)

        context.each(self.run.places, within)


def _lasting(body: Sequence[Node]) -> list[Node]:
    """The statements after which another turn may follow."""
    if any(isinstance(s, ir.Return) for s in body):
        return []
    return [
        ir.If(s.span, s.test, tuple(_lasting(s.then)), tuple(_lasting(s.orelse)))
        if isinstance(s, ir.If)
        else s
        for s in body
    ]


def _nodes(loop: ir.For) -> list[Node | ir.Clause]:
    return [n for s in loop.body for n in ir.walk(s)]


def _not_kept(shapes: Mapping[str, Shape]) -> dict[str, Shape]:
    """What a turn finds of what a loop around it is being asked about: its `Kept` is not the one of the loop itself."""
    return {name: _lost_if_kept(shape) for name, shape in shapes.items()}


def _lost_if_kept(shape: Shape) -> Shape:
    return Lost() if isinstance(shape, Kept | Changed) else shape


def _only(item: Type, e: Shape, there: Term) -> Members:
    """A set of which only one thing may be asked: whether this is in it."""

    def has(x: Shape) -> Term:
        if x is not e:
            raise Dependent
        return there

    def asked(_: Callable[[Shape], Term]) -> Term:
        raise Dependent

    return Members(item, has, asked, asked)
