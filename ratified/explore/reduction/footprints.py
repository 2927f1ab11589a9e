"""What a piece of a model may read and change, for given arguments: locations, without a state.

Guarantees: whatever a step reads or changes in any state is among what is found here (a piece that is too large to follow reads
and changes all its variables, whole). What is added to a set or bag counts as an addition only if no bound is asked about it.

Trees are run without a state: what needs none has its value (the evaluator's), of records some fields may be known, anything else
may be anything. Both branches of a test that is not known are taken, and a loop over elements that are not known is taken once,
for any of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as own
from itertools import islice

from ratified.explore.reduction.locations import (
    Abstract,
    Access,
    How,
    KnownValue,
    Location,
    RecordPattern,
    field,
)
from ratified.explore.reduction.reducible import reducible
from ratified.language import ir
from ratified.language.errors import RatifiedError
from ratified.language.evaluate import Evaluator
from ratified.language.ir import Clause, Expr, Function, Node, Which
from ratified.language.model import Model
from ratified.language.sorts import BoundLeft
from ratified.language.types import BOOL, BagType, MapType, RecordType, SetType, Type, UnionType, records_of
from ratified.language.uses import Uses, assigned, bound, conjuncts, core, free, place, returns

AbstractEnv = dict[str, Abstract]

MOST_NODES = 20_000
"""So many nodes are looked at for one piece."""

MOST_ELEMENTS = 64
"""So many elements of a known container are told apart."""

_DEEPEST = 40
"""So deep do calls go."""


class TooLarge(Exception):
    """A piece takes too long to follow."""


@dataclass(slots=True)
class Found:
    """What is read and changed so far; `dead` if a guard is false in every state."""

    accesses: set[Access] = own(default_factory=set)
    dead: bool = False

    def add(self, location: Location, how: How) -> None:
        """Note something that is done."""
        self.accesses.add((location, how))


class Footprints:
    """Answers for one model at a size. To be used within its scope."""

    def __init__(self, model: Model) -> None:
        self.module = reducible(model)
        self.uses = Uses(self.module, model.scope)
        self._evaluator = Evaluator(self.module, model.scope)
        self._declared = {d.name: d.type for d in model.module.variables}
        self._names: dict[int, tuple[Expr, frozenset[str]]] = {}
        self._nodes = 0
        self._depth = 0

    # --- the questions ---

    def step(self, action: Function, given: Mapping[str, object]) -> Found:
        """What an action reads and changes, with values for the parameters that no guard restricts."""
        found = Found()
        try:
            env = self._begin(action, given, found)
            self._block(action.body, env, found, guarding=True)
        except TooLarge:
            return self._whole(action)
        return found

    def claim(self, function: Function, given: Mapping[str, object]) -> list[frozenset[Location]]:
        """What each part of a claim reads: a claim that says several things at once is false where one of them is."""
        parts: list[frozenset[Location]] = []
        try:
            env = self._begin(function, given, begun := Found())
            match function.body:
                case (ir.Return(_, value),) if value is not None and not begun.accesses:
                    parts += map(_locations, self._parts(value, env))
                case _:
                    self._block(function.body, env, begun)
                    parts.append(_locations(begun))
        except TooLarge:
            return [_locations(self._whole(function))]
        return parts

    def guards(self, action: Function, given: Mapping[str, object]) -> list[frozenset[Access]]:
        """What each condition reads that the action asks first of all (`leading`), by itself and by the names it uses."""
        self._nodes = self._depth = 0
        env: AbstractEnv = {n: KnownValue(v) for n, v in given.items()}
        behind: dict[str, set[Access]] = {}  # what the value of a name depends on
        failing: set[Access] = (
            set()
        )  # what it depends on whether a condition is come to at all, and is not an error
        several: list[frozenset[Access]] = []
        for statement in leading(action):
            found = Found()
            asked = statement.value if isinstance(statement, ir.Let) else statement
            self._condition(asked, env, found)
            for name in self._free(asked):
                found.accesses |= behind.get(name, set())
            if isinstance(statement, ir.Let):
                self._bind(env, statement.names, self._known(asked, env))
                behind.update(dict.fromkeys(statement.names, found.accesses))
            else:
                several.append(frozenset(found.accesses | failing))
            if self._uncertain(asked):
                failing |= found.accesses
        return several

    def _uncertain(self, expr: Expr) -> bool:
        return self.uses.may_fail(expr) or self.uses.may_leave(expr)

    def _condition(self, test: Expr, env: AbstractEnv, found: Found) -> None:
        """Note what a condition reads; of one that may have no value, all of it."""
        if self._uncertain(test):
            self._read(test, env, found)
        else:
            self._guard(test, env, found)

    # --- beginnings ---

    def _begin(self, function: Function, given: Mapping[str, object], found: Found) -> AbstractEnv:
        self._nodes = self._depth = 0
        env: AbstractEnv = {}
        for argument in function.arguments:
            if argument.name in given:
                env[argument.name] = KnownValue(given[argument.name])
                continue
            env[argument.name] = _any_of(argument.type)
            if argument.domain is not None:
                self._domain(argument.domain, env[argument.name], env, found, How.HAS)
        return env

    def _whole(self, function: Function) -> Found:
        facts = self.uses.facts(function)
        found = Found()
        for which, name in facts.reads:
            if which is not Which.ABSTRACT:
                found.add(Location(name), How.READ)
        for which, name in facts.writes:
            if which is not Which.ABSTRACT:
                found.add(Location(name), How.READ)
                found.add(Location(name), How.SET)
        return found

    def _parts(self, claim: Expr, env: AbstractEnv) -> Iterator[Found]:
        """What each thing that is claimed reads: `and` and `all` claim several."""
        match claim:
            case ir.And(_, _, operands):
                for operand in operands:
                    yield from self._parts(operand, env)
                return
            case ir.Collect(_, _, "all", element, clauses):
                domains = [self._known(c.domain, env) for c in clauses]
                if all(isinstance(d, KnownValue) for d in domains):
                    for choice, read in self._choices(clauses, env):
                        for part in self._parts(element, choice):
                            part.accesses |= read
                            yield part
                    return
        found = Found()
        self._read(claim, env, found)
        yield found

    def _choices(
        self, clauses: tuple[Clause, ...], env: AbstractEnv
    ) -> Iterator[tuple[AbstractEnv, set[Access]]]:
        """The names of clauses over known containers, and what their conditions read."""
        if not clauses:
            yield env, set()
            return
        clause, rest = clauses[0], clauses[1:]
        for inner in self._each(clause, env):
            found = Found()
            if self._holds(clause.conditions, inner, found) is False:
                continue
            for choice, read in self._choices(rest, inner):
                yield choice, read | found.accesses

    def _each(self, clause: Clause | ir.For, env: AbstractEnv) -> Iterator[AbstractEnv]:
        """The names of a clause for each element of a known container; for any element, where they are many."""
        domain = self._known(clause.domain, env)
        assert isinstance(domain, KnownValue)
        items = list(islice(iter(domain.value), MOST_ELEMENTS + 1))  # type: ignore[call-overload]  # a container
        for item in [KnownValue(i) for i in items] if len(items) <= MOST_ELEMENTS else [None]:
            inner = dict(env)
            self._bind(inner, clause.names, item)
            yield inner

    def _holds(self, conditions: Iterable[Expr], env: AbstractEnv, found: Found) -> bool | None:
        """Whether conditions hold, if that is known; what they read is noted, up to one that is known to be false."""
        sure: bool | None = True
        for condition in conditions:
            match self._known(condition, env):
                case KnownValue(value):
                    if not value:
                        return False
                case _:
                    self._read(condition, env, found)
                    sure = None
        return sure

    # --- values ---

    def _known(self, expr: Expr, env: AbstractEnv) -> Abstract:
        """What is known of a value without a state."""
        match bare := core(expr):
            case ir.Local(_, _, name):
                return env.get(name)
            case ir.Field(_, _, operand, name):
                if (inside := field(self._known(operand, env), name)) is not None:
                    return inside
        names = self._free(expr)
        if all(isinstance(env.get(n), KnownValue) for n in names) and self.uses.stateless(expr):
            given = {n: v.value for n in names if isinstance(v := env[n], KnownValue)}
            try:
                return KnownValue(self._evaluator.expr(expr, given))
            except (RatifiedError, BoundLeft):
                return None
        if isinstance(bare, ir.MakeRecord) and isinstance(bare.type, RecordType):
            values = zip(bare.type.fields, (self._known(f, env) for f in bare.fields), strict=True)
            known = tuple((n, v) for n, v in values if v is not None)
            return RecordPattern(frozenset((bare.type.record,)), known)
        return None

    def _free(self, expr: Expr) -> frozenset[str]:
        kept = self._names.get(id(expr))
        if kept is None:
            kept = self._names[id(expr)] = expr, free(expr)  # held, so that its number stays its own
        return kept[1]

    def _bind(self, env: AbstractEnv, names: tuple[str, ...], value: Abstract) -> None:
        if len(names) == 1:
            env[names[0]] = value
        elif isinstance(value, KnownValue):
            env.update(zip(names, map(KnownValue, value.value), strict=True))  # type: ignore[call-overload]  # a tuple
        else:
            env.update(dict.fromkeys(names))

    # --- places ---

    def _place(self, expr: Expr, env: AbstractEnv, found: Found) -> tuple[Location, Type] | None:
        """The location of a variable at a path of keys of maps, with its type; what the keys read is noted."""
        at = place(expr)
        if at is None or at[0].which is Which.ABSTRACT:
            return None
        for key in at[1]:
            self._read(key, env, found)
        return self._located(at[0].name, at[1], env)[:2]

    def _located(
        self, variable: str, path: tuple[Expr, ...], env: AbstractEnv
    ) -> tuple[Location, Type, bool]:
        """The same, and whether the whole path goes through maps; keys are not read."""
        t, keys = self._declared[variable], list[Abstract]()
        for key in path:
            if not isinstance(t, MapType):
                return Location(variable, tuple(keys)), t, False
            keys.append(self._known(key, env))
            t = t.value
        return Location(variable, tuple(keys)), t, True

    def _domain(self, domain: Expr, item: Abstract, env: AbstractEnv, found: Found, how: How) -> None:
        """Running through a container of which only such items matter."""
        at = self._place(domain, env, found)
        if at is not None and isinstance(at[1], SetType | BagType):
            found.add(Location(at[0].variable, (*at[0].path, item)), how)
        else:
            self._read(domain, env, found)

    # --- expressions ---

    def _open(self, operands: Iterable[Expr], env: AbstractEnv, *, enough: bool) -> Iterator[Expr]:
        """The operands of `and` and `or` whose value is not known, up to one that is known and decides."""
        for operand in operands:
            known = self._known(operand, env)
            if not isinstance(known, KnownValue):
                yield operand
            elif bool(known.value) is enough:
                return

    def _read(self, expr: Node | Clause, env: AbstractEnv, found: Found) -> None:
        """Note what an expression reads."""
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise TooLarge
        if isinstance(expr, Expr) and isinstance(self._known(expr, env), KnownValue):
            return
        match expr:
            case ir.Variable(_, _, name, which):
                if which is not Which.ABSTRACT:
                    found.add(Location(name), How.READ)
            case ir.At() if at := self._place(expr, env, found):
                found.add(at[0], How.READ)
            case ir.In(_, _, item, container) | ir.Count(_, _, container, item):
                self._element(item, container, env, found, How.READ)
            case ir.And(_, _, operands) | ir.Or(_, _, operands):
                for operand in self._open(operands, env, enough=isinstance(expr, ir.Or)):
                    self._read(operand, env, found)
            case ir.IfElse(_, _, test, then, orelse) if isinstance(
                known := self._known(test, env), KnownValue
            ):
                self._read(then if known.value else orelse, env, found)
            case ir.Collect():
                if expr.default is not None:
                    self._read(expr.default, env, found)
                for inner in self._elements(expr.clauses, env, found, How.READ):
                    for part in (expr.element, *([expr.key] if expr.key else [])):
                        self._read(part, inner, found)
            case ir.Call(_, _, key, arguments):
                self._call(key, arguments, env, found)
            case _:
                for child in ir.children(expr):
                    self._read(child, env, found)

    def _element(self, item: Expr, container: Expr, env: AbstractEnv, found: Found, how: How) -> None:
        """Asking for an element of a container, or a key of a map."""
        self._read(item, env, found)
        at = self._place(container, env, found)
        if at is None:
            self._read(container, env, found)
        elif isinstance(at[1], SetType | BagType):
            found.add(Location(at[0].variable, (*at[0].path, self._known(item, env))), how)
        elif isinstance(at[1], MapType):
            found.add(Location(at[0].variable, (*at[0].path, self._known(item, env))), How.READ)
        else:
            found.add(at[0], How.READ)

    def _elements(
        self, clauses: tuple[Clause, ...], env: AbstractEnv, found: Found, how: How
    ) -> Iterator[AbstractEnv]:
        """The names of clauses for what can be told apart of their elements; what is read on the way is noted."""
        if not clauses:
            yield env
            return
        clause, rest = clauses[0], clauses[1:]
        if isinstance(self._known(clause.domain, env), KnownValue):
            for inner in self._each(clause, env):
                if self._holds(clause.conditions, inner, found) is not False:
                    yield from self._elements(rest, inner, found, how)
            return
        inner = dict(env)
        self._bind(inner, clause.names, None)
        item = self._picked(clause, inner) if len(clause.names) == 1 else None
        self._domain(clause.domain, item, env, found, how)
        if len(clause.names) == 1:
            inner[clause.names[0]] = item
        if self._holds(clause.conditions, inner, found) is not False:
            yield from self._elements(rest, inner, found, how)

    def _picked(self, clause: Clause, env: AbstractEnv) -> Abstract:
        """What is known of the elements that the first conditions of a clause let through: their classes and fields.

        These conditions have a value for every element, so that it does not matter which others there are.
        """
        name = clause.names[0]
        t = getattr(clause.domain.type, "item", None)
        picked = _any_of(t) if t is not None else None
        if not isinstance(picked, RecordPattern):
            return None
        fields: dict[str, KnownValue | RecordPattern] = {}
        records = picked.records
        for condition in (c for several in clause.conditions for c in conjuncts(several)):
            match condition:
                case ir.IsRecord(_, _, operand, wanted) if _is(operand, name):
                    records &= {r.record for r in wanted}
                case ir.Compare(_, _, "==", left, right):
                    one, other = core(left), right
                    if not _is_field(one, name):
                        one, other = core(right), left
                    value = self._known(other, env)
                    if not (_is_field(one, name) and isinstance(value, KnownValue)):
                        break
                    assert isinstance(one, ir.Field)
                    fields[one.name] = value
                case _:
                    break
        return RecordPattern(records, tuple(sorted(fields.items(), key=lambda f: f[0])))

    def _call(self, key: str, arguments: tuple[Expr, ...], env: AbstractEnv, found: Found) -> None:
        for argument in arguments:
            self._read(argument, env, found)
        function = self.module.functions[key]
        inner = {a.name: self._known(v, env) for a, v in zip(function.arguments, arguments, strict=True)}
        self._inside(function, inner, found)

    def _inside(self, function: Function, env: AbstractEnv, found: Found) -> None:
        if self._depth >= _DEEPEST:
            raise TooLarge
        self._depth += 1
        self._block(function.body, env, found)
        self._depth -= 1

    # --- guards ---

    def _guard(self, test: Expr, env: AbstractEnv, found: Found) -> None:
        """Note what a guard reads. Where additions to a set can only make it true, it asks whether something is there."""
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise TooLarge
        if isinstance(self._known(test, env), KnownValue):
            return
        match test:
            case ir.And(_, _, operands) | ir.Or(_, _, operands):
                for operand in self._open(operands, env, enough=isinstance(test, ir.Or)):
                    self._guard(operand, env, found)
            case ir.In(_, _, item, container):
                self._element(item, container, env, found, How.HAS)
            case ir.Collect(_, _, "any" | "all" as kind, element, clauses):
                known = all(isinstance(self._known(c.domain, env), KnownValue) for c in clauses[:1])
                if len(clauses) != 1 or not (known or kind == "any"):
                    self._read(test, env, found)
                    return
                for inner in self._elements(clauses, env, found, How.READ if known else How.HAS):
                    self._guard(element, inner, found)
            case ir.Call(_, _, key, arguments):
                function = self.module.functions[key]
                match function.body:
                    case (ir.Return(_, value),) if value is not None and self._depth < _DEEPEST:
                        for argument in arguments:
                            self._read(argument, env, found)
                        inner = {
                            a.name: self._known(v, env)
                            for a, v in zip(function.arguments, arguments, strict=True)
                        }
                        self._depth += 1
                        self._guard(value, inner, found)
                        self._depth -= 1
                    case _:
                        self._read(test, env, found)
            case _:
                self._read(test, env, found)

    # --- statements ---

    def _block(self, body: Iterable[Node], env: AbstractEnv, found: Found, *, guarding: bool = False) -> None:
        """Note what statements read and change. `env` is changed; `guarding` if a false guard here ends the step."""
        for statement in body:
            self._statement(statement, env, found, guarding)
            if found.dead:
                return
            guarding = guarding and not returns(statement)

    def _statement(self, statement: Node, env: AbstractEnv, found: Found, guarding: bool) -> None:
        match statement:
            case ir.Let(_, names, value):
                self._read(value, env, found)
                self._bind(env, names, self._known(value, env))
            case ir.Store():
                self._store(statement, env, found)
            case ir.Require(_, test):
                for part in conjuncts(test):
                    known = self._known(part, env)
                    if isinstance(known, KnownValue) and not known.value and guarding:
                        found.dead = True
                        return
                    self._condition(part, env, found)
            case ir.If(_, test, then, orelse):
                known = self._known(test, env)
                if isinstance(known, KnownValue):
                    self._block(then if known.value else orelse, env, found)
                    return
                self._read(test, env, found)
                other = dict(env)
                self._block(then, env, found)
                self._block(orelse, other, found)
                for name in env.keys() | other.keys():
                    if env.get(name) != other.get(name):
                        env[name] = None
            case ir.For():
                self._loop(statement, env, found)
            case ir.Do(_, key, arguments):
                self._call(key, arguments, env, found)
            case _:
                for child in ir.children(statement):
                    self._read(child, env, found)

    def _loop(self, loop: ir.For, env: AbstractEnv, found: Found) -> None:
        changed = dict.fromkeys(assigned(loop.body).keys() | bound(loop.body))
        if isinstance(self._known(loop.domain, env), KnownValue):
            for inner in self._each(loop, env):
                inner.update(changed)  # an iteration that returns may not be the last to assign them
                self._block(loop.body, inner, found)
        else:
            self._domain(loop.domain, _any_of(getattr(loop.domain.type, "item", None)), env, found, How.READ)
            inner = {**env, **changed, **dict.fromkeys(loop.names)}
            self._block(loop.body, inner, found)
        env.update(changed)
        env.update(dict.fromkeys(loop.names))

    def _store(self, store: ir.Store, env: AbstractEnv, found: Found) -> None:
        if store.which is Which.ABSTRACT:
            for child in ir.children(store):
                self._read(child, env, found)
            return
        for key in store.path:
            self._read(key, env, found)
        location, t, all_maps = self._located(store.variable, store.path, env)
        if not all_maps or self._may_lack(store):
            found.add(location, How.READ)
        if all_maps and self._commuting(store, location, t, env, found):
            return
        self._read(store.value, env, found)
        found.add(location, How.SET)

    def _may_lack(self, store: ir.Store) -> bool:
        """Whether there may be nothing at the path of a store."""
        bare = replace(store, value=ir.Literal(store.span, BOOL, True))
        return (Which.NOW, store.variable) in self.uses.facts(bare).reads

    def _commuting(
        self, store: ir.Store, location: Location, t: Type, env: AbstractEnv, found: Found
    ) -> bool:
        """Whether a change is one of an element alone, or of steps that commute; then it is noted."""
        value = store.value
        while isinstance(value, ir.Fit | ir.Widen | ir.Narrow):
            if isinstance(value, ir.Fit) and not self.uses.certain(value):
                return False
            value = value.operand

        def same(expr: Expr) -> bool:
            at = place(expr)
            return (
                at is not None
                and (at[0].name, at[0].which) == (store.variable, Which.NOW)
                and ir.alike(at[1], store.path)
            )

        def element(item: Abstract, how: How) -> None:
            found.add(Location(location.variable, (*location.path, item)), how)

        gathers = isinstance(t, SetType | BagType)
        match value:
            case ir.Insert(_, _, container, item) if gathers and same(container):
                self._read(item, env, found)
                element(self._known(item, env), How.ADD)
            case ir.SetOp(_, _, "|", container, more) if same(container):
                self._read(more, env, found)
                items = more.items if isinstance(more, ir.MakeSet) else ()
                for known in [self._known(i, env) for i in items] or [None]:
                    element(known, How.ADD)
            case ir.Remove(_, _, container, item, strict) if gathers and same(container):
                self._read(item, env, found)
                element(self._known(item, env), How.SET)
                if strict:
                    element(self._known(item, env), How.READ)
            case ir.Arithmetic(_, _, "+" | "-", container, item) if same(container):
                if not isinstance(self._known(item, env), KnownValue):
                    return False
                found.add(location, How.COUNT)
            case _:
                return False
        return True


def leading(action: Function) -> list[ir.Let | Expr]:
    """What an action does first of all, up to anything but assignments to names and guards: these, condition by condition.

    Nothing, where a guard gives a parameter its values: then there are several choices, each with guards of its own.
    """
    found: list[ir.Let | Expr] = []
    if any(a.domain is not None for a in action.arguments):
        return found
    for statement in action.body:
        match statement:
            case ir.Let():
                found.append(statement)
            case ir.Require(_, test):
                found += conjuncts(test)
            case _:
                break
    return found


def _any_of(t: Type | None) -> Abstract:
    """What is known of any value of a type: its classes, if it is a record."""
    return (
        RecordPattern(frozenset(r.record for r in records_of(t)))
        if isinstance(t, RecordType | UnionType)
        else None
    )


def _is(expr: Expr, name: str) -> bool:
    bare = core(expr)
    return isinstance(bare, ir.Local) and bare.name == name


def _is_field(expr: Expr, name: str) -> bool:
    return isinstance(expr, ir.Field) and _is(expr.operand, name)


def _locations(found: Found) -> frozenset[Location]:
    return frozenset(location for location, _ in found.accesses)
