"""Actions and initial states, executed symbolically: each way through a body gives a guard and the state after it.

Guarantees: the paths of an action together allow every step that CPython takes, for every size; a step that leaves a bound or has
no answer may be allowed although CPython does not take it, which can only make a proof harder. What cannot be said is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ratified.language import ir
from ratified.language.ir import Function, Node
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
from ratified.smt.first_order.reading import Env, Reader
from ratified.smt.first_order.shapes import Atom, Case, Listing, Nothing, Row, Shape
from ratified.smt.first_order.theory import Theory
from ratified.smt.first_order.translate import Translator
from ratified.smt.terms import FALSE, TRUE, Number, Term, conj, neg

State = Mapping[str, Shape]


@dataclass(frozen=True, slots=True)
class Path:
    """One way through an action: what must be true for it, and the variables after it."""

    guard: Term
    after: State


@dataclass(slots=True)
class _Running:
    """A path under way. `ended` once a `return` was met."""

    guard: list[Term]
    env: Env
    state: dict[str, Shape]
    ended: bool = False

    def fork(self, test: Term) -> _Running:
        return _Running([*self.guard, test], dict(self.env), dict(self.state))


class Steps:
    """Executes the procedures of one module."""

    def __init__(self, translator: Translator) -> None:
        self.translator = translator
        self.module = translator.module
        self.theory: Theory = translator.theory

    def action(self, function: Function, arguments: Sequence[Shape], before: State) -> list[Path]:
        """The paths of an action from a state."""
        env = {a.name: v for a, v in zip(function.arguments, arguments, strict=True)}
        found = self._block(function.body, [_Running([], env, dict(before))])
        return [Path(guard, p.state) for p in found if (guard := conj(*p.guard)) != FALSE]

    def initial(self, unset: State) -> tuple[list[Path], list[tuple[str, Shape]]]:
        """The paths to an initial state, and the arguments of `init`. `unset` gives variables without a first value one."""
        state: dict[str, Shape] = {}
        for declaration in self.module.variables:
            if declaration.default is not None:
                made = self.translator.constant(
                    declaration.default.value, declaration.default.type, declaration.span
                )
            else:
                zero = self.zero(declaration.type)
                made = unset[declaration.name] if zero is None else zero
            state[declaration.name] = made
        init = self.module.functions.get("init")
        if init is None:
            return [Path(TRUE, state)], []
        shapes = [vs.constant_shape(self.theory.shapes, f"init.{a.name}", a.type) for a in init.arguments]
        named = [(a.name, s) for a, (s, _) in zip(init.arguments, shapes, strict=True)]
        within = conj(*(known for _, known in shapes))
        paths = self.action(init, [s for s, _ in shapes], state)
        return [Path(conj(within, p.guard), p.after) for p in paths], named

    def zero(self, t: Type) -> Shape | None:
        """The value that variables of a type have at first; None if there is none."""
        match t:
            case BoolType():
                return Atom(FALSE)
            case OptionalType():
                return Nothing()
            case IntType(low, _):
                return Atom(Number(0) if not isinstance(low, int) or low <= 0 else Number(low))
            case EnumType(enum):
                return Case(enum, tuple(TRUE if i == 0 else FALSE for i in range(len(enum))))
            case SortType() if t.ordered:
                return Atom(self.theory.endpoint(t, last=False))
            case MapType(_, value):
                inner = self.zero(value)
                return None if inner is None else sh.Function(t, lambda _: inner)
            case SetType(item) | BagType(item):
                empty = self.translator.listed(item, [])
                return replace(empty, loose=isinstance(t, BagType))
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

    def _statement(self, node: Node, path: _Running) -> list[_Running]:
        reader = Reader(dict(path.state), guards=path.guard, step=True)
        translator, env = self.translator, path.env
        match node:
            case ir.Let():
                translator.let(node, env, reader)
            case ir.Store():
                self._store(node, path, reader)
            case ir.Require(_, test):
                for each in test.operands if isinstance(test, ir.And) else (test,):
                    path.guard.append(translator.formula(each, env, reader))
            case ir.If(_, test, then, orelse):
                holds = translator.formula(test, env, reader)
                reader.sealed = True
                found = [] if holds == FALSE else self._block(then, [path.fork(holds)])
                return found + ([] if holds == TRUE else self._block(orelse, [path.fork(neg(holds))]))
            case ir.Return():
                path.ended = True
            case ir.Do(_, function, arguments):
                given = [translator.expr(a, env, reader) for a in arguments]
                reader.sealed = True
                return self._call(self.module.functions[function], given, path)
            case ir.For():
                reader.sealed = True
                return self._loop(node, path)
            case ir.Assert():
                pass
            case _:
                raise AssertionError(node)
        reader.sealed = True
        return [] if FALSE in path.guard else [path]

    def _store(self, node: ir.Store, path: _Running, reader: Reader) -> None:
        value = self.translator.expr(node.value, path.env, reader)
        keys = [self.translator.expr(k, path.env, reader) for k in node.path]
        path.state[node.variable] = self.translator.updated(path.state[node.variable], keys, value)

    def _call(self, function: Function, arguments: Sequence[Shape], path: _Running) -> list[_Running]:
        env = {a.name: v for a, v in zip(function.arguments, arguments, strict=True)}
        inner = _Running(path.guard, env, path.state)
        found = self._block(function.body, [inner])
        return [_Running(p.guard, dict(path.env), p.state) for p in found]

    def _loop(self, node: ir.For, path: _Running) -> list[_Running]:
        """A loop over constants is unrolled; one over a sort that only writes at its own key writes everywhere at once."""
        if isinstance(node.domain, ir.MakeSet | ir.MakeSeq):
            paths = [path]
            for item in node.domain.items:
                for each in paths:
                    reader = Reader(dict(each.state), guards=each.guard, step=True)
                    self.translator.bind(node.names, self.translator.expr(item, each.env, reader), each.env)
                    reader.sealed = True
                paths = self._block(node.body, paths)
            return paths
        if (
            not (isinstance(node.domain, ir.Universe) or isinstance(node.domain.type, SetType))
            or len(node.names) > 1
        ):
            raise sh.refuse(
                node.span,
                "this loop",
                "loop over a sort or a set, or write the whole: Map({k: ... for k in K})",
            )
        for turn in self._turns(node):
            match turn.statement:
                case ir.Store(_, variable, (), value) if isinstance(value, ir.Insert | ir.Remove):
                    path.state[variable] = self._changed_set(turn, value, path)
                case ir.Store():
                    self._store_everywhere(turn, turn.statement, path)
                case ir.Require(span, test):
                    whole = ir.Collect(span, BOOL, "all", test, (turn.clause,))
                    path.guard.append(self.translator.formula(whole, path.env, self._now(path)))
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

    def _now(self, path: _Running) -> Reader:
        return Reader(dict(path.state), sealed=True, step=True)

    def _changed_set(self, turn: _Turn, value: ir.Insert | ir.Remove, path: _Running) -> Shape:
        """A set that every turn adds an element to, or takes one from."""
        elements = ir.Collect(value.span, value.type, "set", value.item, (turn.clause,))
        operator = "|" if isinstance(value, ir.Insert) else "-"
        whole = ir.SetOp(value.span, value.type, operator, value.container, elements)
        return self.translator.expr(whole, path.env, self._now(path))

    def _store_everywhere(self, turn: _Turn, node: ir.Store, path: _Running) -> None:
        """A map that every turn gives another value at its own key."""
        base, state, env = path.state[node.variable], dict(path.state), dict(path.env)
        assert isinstance(base, sh.Function)

        def at(key: Shape) -> Shape:
            reader = Reader(state, sealed=True, step=True, depth=1)
            inner = {**env, turn.name: key}
            rest = [self.translator.expr(k, inner, reader) for k in node.path[1:]]
            before = base.at(key)
            after = self.translator.updated(before, rest, self.translator.expr(node.value, inner, reader))
            tests = [self.translator.formula(t, inner, reader) for t in turn.tests(node.path[0])]
            return sh.either(conj(*tests), after, before)

        path.state[node.variable] = sh.Function(base.type, at)


@dataclass(frozen=True, slots=True)
class _Turn:
    """A statement of a loop's body, for which values of the loop's name it is reached."""

    name: str
    statement: Node
    clause: ir.Clause

    def tests(self, key: ir.Expr) -> tuple[ir.Expr, ...]:
        """What must be true of the loop's name."""
        domain = self.clause.domain
        member = () if isinstance(domain, ir.Universe) else (ir.In(key.span, BOOL, key, domain),)
        return (*member, *self.clause.conditions)


def _of_its_own(statement: Node, name: str) -> Sequence[Node]:
    """The parts of a statement that no turn may find changed by another; refused if it is none that turns do apart."""
    match statement:
        case ir.Require(_, test):
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
