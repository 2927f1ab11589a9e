"""Actions and initial states, executed symbolically: each way through a body gives a guard and the state after it.

Guarantees: the paths of an action together allow every step that CPython takes, for every size; a step that leaves a bound or has
no answer may be allowed although CPython does not take it, which can only make a proof harder. What cannot be said is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ratified.models.language import ir
from ratified.models.language.ir import Function, Node
from ratified.models.language.types import (
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
from ratified.proofs.smt.first_order import shapes as sh
from ratified.proofs.smt.first_order import variants as vs
from ratified.proofs.smt.first_order.reading import Env, Reader
from ratified.proofs.smt.first_order.shapes import Atom, Case, Listing, Nothing, Row, Shape
from ratified.proofs.smt.first_order.theory import Theory
from ratified.proofs.smt.first_order.translate import Translator
from ratified.proofs.smt.terms import FALSE, TRUE, Number, Term, conj, neg

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

    def _read(self, path: _Running) -> tuple[Reader, list[Term]]:
        return Reader(dict(path.state), guards=path.guard, step=True), path.guard

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
        if not (isinstance(node.domain, ir.Universe) and len(node.names) == 1):
            raise sh.refuse(
                node.span, "this loop", "loop over a sort, or write the whole map: Map({k: ... for k in K})"
            )
        name = node.names[0]
        written = {s.variable for s in _stores(node.body)}
        for statement in node.body:
            plain = isinstance(statement, ir.Store) and _keyed(statement, name)
            if not plain or any(_reads(statement, v, name) for v in written):
                raise sh.refuse(
                    statement.span,
                    "a loop whose turns may depend on each other",
                    f"store at [{name}] only, and read what the loop changes at [{name}] only",
                )
        for statement in node.body:
            assert isinstance(statement, ir.Store)
            self._store_everywhere(statement, name, path)
        return [path]

    def _store_everywhere(self, node: ir.Store, name: str, path: _Running) -> None:
        base, state, env = path.state[node.variable], dict(path.state), dict(path.env)
        assert isinstance(base, sh.Function)

        def at(key: Shape) -> Shape:
            reader = Reader(state, sealed=True, step=True, depth=1)
            inner = {**env, name: key}
            rest = [self.translator.expr(k, inner, reader) for k in node.path[1:]]
            return self.translator.updated(
                base.at(key), rest, self.translator.expr(node.value, inner, reader)
            )

        path.state[node.variable] = sh.Function(base.type, at)


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
