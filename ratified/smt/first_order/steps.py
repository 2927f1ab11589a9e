"""Actions and initial states, executed symbolically: each way through a body gives a guard and the state after it.

Guarantees: where its demands are met, the paths of an action together allow exactly the steps that CPython takes, for every size;
where one is not met, no step is taken. What cannot be said is refused with its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ratified.language import ir
from ratified.language.ir import Declaration, Function, Node
from ratified.language.types import (
    BOOL,
    BagType,
    BoolType,
    EnumType,
    IntType,
    MapType,
    OptionalType,
    SeqType,
    SetType,
    SortType,
    TupleType,
    Type,
)
from ratified.smt.first_order import shapes as sh
from ratified.smt.first_order import variants as vs
from ratified.smt.first_order.containers import updated
from ratified.smt.first_order.context import Context, Demand, Failing, Logic
from ratified.smt.first_order.logic import bag_of, literal
from ratified.smt.first_order.names import argument_name
from ratified.smt.first_order.shapes import Atom, Case, Listing, Nothing, Row, Shape
from ratified.smt.terms import FALSE, TRUE, Number, Term, choice, conj, implies, neg

State = Mapping[str, Shape]


@dataclass(frozen=True, slots=True)
class Path:
    """One way through an action: what must be true for it, and the variables after it."""

    guard: Term
    after: State


@dataclass(frozen=True, slots=True)
class Run:
    """All ways through an action, and what is demanded on any of them, under the condition that it is come to."""

    paths: tuple[Path, ...]
    demands: tuple[Demand, ...]

    def demanded(self, failing: Failing) -> list[Demand]:
        """The demands whose failing means this."""
        return [d for d in self.demands if d.failing is failing and d.holds != TRUE]


@dataclass(slots=True)
class _Running:
    """A path under way. `ended` once a `return` was met; `demands` are those of all paths."""

    guard: list[Term]
    env: dict[str, Shape]
    state: dict[str, Shape]
    demands: list[Demand]
    unset: frozenset[str] = frozenset()
    ended: bool = False
    known: tuple[Term, ...] = ()

    def fork(self, test: Term) -> _Running:
        return replace(self, guard=[*self.guard, test], env=dict(self.env), state=dict(self.state))

    def hear(self, demand: Demand) -> None:
        """A demand on the path so far. Beyond it the path goes on only where it is met."""
        self.demands.append(replace(demand, holds=implies(conj(*self.guard), demand.holds)))
        self.guard.append(demand.holds)


class SymbolicSteps:
    """Executes the procedures of one module."""

    def __init__(self, logic: Logic) -> None:
        self.logic = logic
        self.module = logic.module
        self.theory = logic.theory

    def action(
        self, function: Function, arguments: Sequence[Shape], before: State, within: Term = TRUE
    ) -> Run:
        """The paths of an action from a state. `within` is known of the arguments."""
        return self._run(function, arguments, _Running([], {}, dict(before), [], known=(within,)))

    def initial(self, unset: State) -> tuple[Run, list[tuple[str, Shape]]]:
        """The paths to an initial state, and the arguments of `init`. `unset` stands for variables without a first value."""
        path = _Running([], {}, {}, [])
        lacking = set[str]()
        for declaration in self.module.variables:
            made = self._first(declaration, path)
            if made is None:
                lacking.add(declaration.name)
            path.state[declaration.name] = unset[declaration.name] if made is None else made
        path.unset = frozenset(lacking)
        init = self.module.functions.get("init")
        if init is None:
            return Run((Path(conj(*path.guard), path.state),), tuple(path.demands)), []
        shapes = [
            vs.constant_shape(self.theory.shapes, argument_name("init", a.name), a.type)
            for a in init.arguments
        ]
        named = [(a.name, s) for a, (s, _) in zip(init.arguments, shapes, strict=True)]
        path.guard += [known for _, known in shapes if known != TRUE]
        return self._run(init, [s for s, _ in shapes], path), named

    def _first(self, declaration: Declaration, path: _Running) -> Shape | None:
        """The value that a variable has before `init`; None if it has none."""
        if declaration.default is None:
            return self.zero(declaration.type)
        default = declaration.default
        context = Context(self.logic, {}, {}, {}, path.hear)
        made = literal(default.value, default.type, declaration.span, context)
        within = vs.known_of(self.theory.shapes, declaration.type, made)
        context.demand(Failing.LEFT, within, f"the bounds of {declaration.name}", declaration.span)
        return made

    def _run(self, function: Function, arguments: Sequence[Shape], path: _Running) -> Run:
        path.env = {a.name: v for a, v in zip(function.arguments, arguments, strict=True)}
        found = self._block(function.body, [path])
        for each in found:
            for name in sorted(each.unset):
                lacking = Demand(Failing.ERROR, FALSE, f"a value for `{name}`", function.span)
                each.hear(lacking)
        ways = ((conj(*p.guard), p.state) for p in found)
        paths = tuple(Path(guard, state) for guard, state in ways if guard != FALSE)
        return Run(paths, tuple(dict.fromkeys(path.demands)))

    def zero(self, t: Type) -> Shape | None:
        """The value that variables of a type have at first; None if there is none."""
        match t:
            case BoolType():
                return Atom(FALSE)
            case OptionalType():
                return Nothing()
            case IntType(low, high) if low is not None and high is not None:
                within = self.theory.shapes.within(t, Number(0))
                least = self.theory.shapes.bound(low)
                return Atom(choice(within, Number(0), least))
            case EnumType(enum):
                return Case(enum, tuple(TRUE if i == 0 else FALSE for i in range(len(enum))))
            case SortType() if t.ordered:
                return Atom(self.theory.endpoint(t, last=False))
            case MapType(_, value):
                inner = self.zero(value)
                return None if inner is None else self.theory.shapes.whole(t, lambda _: inner)
            case SetType(item):
                return Context(self.logic, {}, {}, {}).listed(item, [])
            case BagType(item):
                return bag_of(item, [], Context(self.logic, {}, {}, {}))
            case SeqType(item):
                return Listing(item, Number(0), lambda _: self.theory.unknown(item))
            case TupleType(items):
                made = [self.zero(i) for i in items]
                return None if None in made else Row(t, tuple(m for m in made if m is not None))
        return None

    # --- statements ---

    def _block(self, body: Sequence[Node], paths: list[_Running]) -> list[_Running]:
        for statement in body:
            following: list[_Running] = []
            for path in paths:
                following += [path] if path.ended else self._statement(statement, path)
            paths = following
        return paths

    def _context(self, path: _Running) -> Context:
        context = Context(self.logic, dict(path.env), dict(path.state), {}, path.hear, path.unset)
        return context.knowing(*path.known, *path.guard)

    def _statement(self, node: Node, path: _Running) -> list[_Running]:
        context = self._context(path)
        match node:
            case ir.Let(_, names, value):
                path.env = dict(context.bound(names, context.expr(value)).env)
            case ir.Store():
                self._store(node, path, context)
            case ir.Require(_, test):
                for each in test.operands if isinstance(test, ir.And) else (test,):
                    path.guard.append(context.formula(each))
            case ir.Assert(span, test):
                context.demand(Failing.ERROR, context.formula(test), "the assertion", span)
            case ir.If(_, test, then, orelse):
                holds = context.formula(test)
                found = [] if holds == FALSE else self._block(then, [path.fork(holds)])
                return found + ([] if holds == TRUE else self._block(orelse, [path.fork(neg(holds))]))
            case ir.Return():
                path.ended = True
            case ir.Do(_, function, arguments):
                given = [context.expr(a) for a in arguments]
                return self._call(self.module.functions[function], given, path)
            case ir.For():
                return self._loop(node, path)
            case _:
                raise AssertionError(node)
        return [] if FALSE in path.guard else [path]

    def _store(self, node: ir.Store, path: _Running, context: Context) -> None:
        if node.which is not ir.Which.NOW:
            raise sh.refuse(node.span, "this", "change variables of the model itself")
        value, name = context.expr(node.value), node.variable
        if not node.path:
            self._total(node, value, context)
            path.state[name], path.unset = value, path.unset - {name}
            return
        if name in path.unset:
            context.demand(Failing.ERROR, FALSE, f"`{name}` before it has a value", node.span)
        keys = [context.expr(k) for k in node.path]
        path.state[name] = updated(path.state[name], keys, value, context, node.span)

    def _total(self, node: ir.Store, value: Shape, context: Context) -> None:
        """A map that is stored has a value for every key of its type, at every depth."""
        declared = next(d.type for d in self.module.variables if d.name == node.variable)

        def total(t: Type, shape: Shape, here: Context) -> None:
            if not (isinstance(t, MapType) and isinstance(shape, sh.Function)):
                return
            if not (shape.total and shape.type.key == t.key):
                every_key = self.theory.shapes.universe(t.key)
                same = conj(every_key.every(shape.keys.has), shape.keys.every(every_key.has))
                here.demand(Failing.ERROR, same, "a value for every key", node.span)
            if isinstance(t.value, MapType):
                inner = t.value
                here.each(shape.keys, lambda each, k: total(inner, shape.at(k), each))

        total(declared, value, context)

    def _call(self, function: Function, arguments: Sequence[Shape], path: _Running) -> list[_Running]:
        env = {a.name: v for a, v in zip(function.arguments, arguments, strict=True)}
        found = self._block(function.body, [replace(path, env=env)])
        return [replace(p, env=dict(path.env), ended=False) for p in found]

    def _loop(self, node: ir.For, path: _Running) -> list[_Running]:
        """A loop whose turns cannot see each other does all of them at once."""
        if not isinstance(node.domain.type, SetType) or len(node.names) > 1:
            raise sh.refuse(
                node.span,
                "this loop",
                "loop over a sort or a set, or write the whole: Map({k: ... for k in K})",
            )
        self._context(path).expr(node.domain)
        for turn in self._turns(node):
            match turn.statement:
                case ir.Store(_, variable, (), value) if isinstance(value, ir.Insert | ir.Remove):
                    path.state[variable] = self._changed_set(turn, value, path)
                case ir.Store():
                    self._store_everywhere(turn, turn.statement, path)
                case ir.Require(span, test):
                    whole = ir.Collect(span, BOOL, "all", test, (turn.clause,))
                    path.guard.append(self._context(path).formula(whole))
                case ir.Assert(span, test):
                    whole = ir.Collect(span, BOOL, "all", test, (turn.clause,))
                    context = self._context(path)
                    context.demand(Failing.ERROR, context.formula(whole), "the assertion", span)
        return [path]

    def _turns(self, node: ir.For) -> list[_Turn]:
        """What each turn of a loop does, if no turn sees what another did."""
        (name,) = node.names
        written = {s.variable for s in _stores(node.body)}
        found: list[_Turn] = []

        def flatten(body: Sequence[Node], tests: tuple[ir.Expr, ...]) -> None:
            for statement in body:
                if isinstance(statement, ir.If):
                    # What comes after a change that the test sees would be told apart by what is changed.
                    earlier = _stores(_leaves(statement)[:-1])
                    if any(_mentions(statement.test, s.variable) for s in earlier):
                        raise _dependent(statement.test, name)
                    flatten(statement.then, (*tests, statement.test))
                    flatten(statement.orelse, (*tests, ir.Not(statement.span, BOOL, statement.test)))
                    continue
                seen = (*tests, *_of_its_own(statement, name))
                if any(_reads(part, v, name) for part in seen for v in written):
                    raise _dependent(statement, name)
                found.append(_Turn(name, statement, ir.Clause(node.names, node.domain, tests)))

        flatten(node.body, ())
        ways = {(s.variable, type(s.value)) for s in _stores(node.body) if not s.path}
        if len(ways) > len({variable for variable, _ in ways}):  # what one turn adds, another may take
            raise _dependent(node, name)
        if any(_mentions(node.domain, s.variable) for turn in found[:-1] for s in _stores([turn.statement])):
            raise _dependent(node.domain, name)
        return found

    def _changed_set(self, turn: _Turn, value: ir.Insert | ir.Remove, path: _Running) -> Shape:
        """A set that every turn adds an element to, or takes one from."""
        elements = ir.Collect(value.span, value.type, "set", value.item, (turn.clause,))
        operator = "|" if isinstance(value, ir.Insert) else "-"
        whole = ir.SetOp(value.span, value.type, operator, value.container, elements)
        return self._context(path).expr(whole)

    def _store_everywhere(self, turn: _Turn, node: ir.Store, path: _Running) -> None:
        """A map that every turn gives another value at its own key."""
        base, context = path.state[node.variable], self._context(path)
        if node.variable in path.unset:
            context.demand(Failing.ERROR, FALSE, f"`{node.variable}` before it has a value", node.span)
        assert isinstance(base, sh.Function)
        domain = context.silent().expr(turn.clause.domain)
        assert isinstance(domain, sh.Members)

        def changed(here: Context, key: Shape) -> tuple[Term, Shape]:
            """Whether a turn comes to this key, and the value that it gives it."""
            inner, passed = here.bound((turn.name,), key), TRUE
            for test in turn.clause.conditions:
                passed = conj(passed, inner.under(passed).formula(test))
            inner = inner.under(passed)
            value, rest = inner.expr(node.value), [inner.expr(k) for k in node.path[1:]]
            inner.demand(Failing.ERROR, base.keys.has(key), "the key", node.span)
            return passed, updated(base.at(key), rest, value, inner, node.span)

        def demanded(here: Context, key: Shape) -> None:
            changed(here, key)

        context.each(domain, demanded)
        quiet = context.silent()

        def at(key: Shape) -> Shape:
            passed, after = changed(quiet, key)
            return sh.either(conj(domain.has(key), passed), after, base.at(key))

        path.state[node.variable] = replace(base, at=at, origin=None)


@dataclass(frozen=True, slots=True)
class _Turn:
    """A statement of a loop's body, for which values of the loop's name it is reached."""

    name: str
    statement: Node
    clause: ir.Clause


def _of_its_own(statement: Node, name: str) -> Sequence[Node]:
    """The parts of a statement that no turn may find changed by another; refused if it is none that turns do apart."""
    match statement:
        case ir.Require(_, test) | ir.Assert(_, test):
            return (test,)
        case ir.Store(
            _,
            variable,
            (),
            (
                ir.Insert(container=ir.Variable(name=same)) | ir.Remove(container=ir.Variable(name=same))
            ) as value,
        ):
            sure = isinstance(value, ir.Insert) or not value.strict
            if same == variable and isinstance(value.type, SetType) and sure:
                return (value.item,)
        case ir.Store() if _keyed(statement, name):
            return (statement,)
    raise _dependent(statement, name)


def _dependent(node: Node, name: str) -> Exception:
    return sh.refuse(
        node.span,
        "a loop whose turns may depend on each other",
        f"store at [{name}] or add to a set, and read what the loop changes at [{name}] only",
    )


def _leaves(node: Node) -> list[Node]:
    """What a conditional comes down to."""
    return [n for s in (*node.then, *node.orelse) for n in _leaves(s)] if isinstance(node, ir.If) else [node]


def _mentions(node: Node, variable: str) -> bool:
    return any(
        isinstance(n, ir.Call) or (isinstance(n, ir.Variable) and n.name == variable) for n in ir.walk(node)
    )


def _stores(body: Sequence[Node]) -> Iterator[ir.Store]:
    for statement in body:
        for node in ir.walk(statement):
            if isinstance(node, ir.Store):
                yield node


def _keyed(node: ir.Store, name: str) -> bool:
    return bool(node.path) and isinstance(node.path[0], ir.Local) and node.path[0].name == name


def _reads(node: Node, variable: str, name: str) -> bool:
    """Whether a statement reads a variable elsewhere than at the key that the loop is at, or calls what may."""

    def inside(n: object) -> bool:
        if isinstance(n, ir.At) and isinstance(n.container, ir.Variable) and n.container.name == variable:
            return not (isinstance(n.key, ir.Local) and n.key.name == name)
        if isinstance(n, ir.Variable):
            return n.name == variable
        if isinstance(n, ir.Call):
            return True
        assert isinstance(n, ir.Node | ir.Clause)
        return any(inside(child) for child in ir.children(n))

    return inside(node)
