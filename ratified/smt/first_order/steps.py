"""Actions and initial states, executed symbolically: each way through a body gives a guard and the state after it.

Guarantees: where its demands are met, the paths of an action together allow exactly the steps that CPython takes, for every size;
where one is not met, no step is taken. What cannot be said is refused with its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ratified.language.deferred import Deferred
from ratified.language.errors import Span
from ratified.language.ir import Declaration, Function
from ratified.language.rules import Rules
from ratified.language.types import (
    BagType,
    BoolType,
    EnumType,
    IntType,
    MapType,
    NoneType,
    OptionalType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    TupleType,
    Type,
    UnionType,
    unbounded,
)
from ratified.smt.first_order import shapes as sh
from ratified.smt.first_order.constants import bag_of, literal
from ratified.smt.first_order.context import Demand, Failing, Logic, LogicContext
from ratified.smt.first_order.names import argument_name
from ratified.smt.first_order.running import PathState
from ratified.smt.first_order.shapes import Atom, Case, Listing, Nothing, ProductShape, Shape
from ratified.smt.first_order.statements import block
from ratified.smt.first_order.symbols import constant_shape, known_of
from ratified.smt.terms import FALSE, TRUE, Number, Term, choice, conj

ShapeState = Mapping[str, Shape]


@dataclass(frozen=True, slots=True)
class ActionPath:
    """One way through an action: what must be true for it, and the variables after it."""

    guard: Term
    after: ShapeState


@dataclass(frozen=True, slots=True)
class Execution:
    """All ways through an action, and what is demanded on any of them, under the condition that it is come to."""

    paths: tuple[ActionPath, ...]
    demands: tuple[Demand, ...]

    def demanded(self, failing: Failing) -> list[Demand]:
        """The demands whose failing means this."""
        return [d for d in self.demands if d.failing is failing and d.holds != TRUE]


class SymbolicSteps:
    """Executes the procedures of one module."""

    def __init__(self, logic: Logic) -> None:
        self.logic = logic
        self.module = logic.module
        self.theory = logic.theory

    def action(
        self, function: Function, arguments: Sequence[Shape], before: ShapeState, within: Term = TRUE
    ) -> Execution:
        """The paths of an action from a state. `within` is known of the arguments."""
        return self._run(
            function, arguments, PathState(self.logic, [], {}, dict(before), [], known=(within,))
        )

    def initial(self, unset: ShapeState) -> tuple[Execution, list[tuple[str, Shape]]]:
        """The paths to an initial state, and the arguments of `init`. `unset` stands for variables without a first value."""
        path = PathState(self.logic, [], {}, {}, [])
        lacking = set[str]()
        for declaration in self.module.variables:
            made = self._first(declaration, path)
            if made is None:
                lacking.add(declaration.name)
            path.state[declaration.name] = unset[declaration.name] if made is None else made
        path.unset = frozenset(lacking)
        init = self.module.functions.get("init")
        if init is None:
            return Execution((ActionPath(conj(*path.guard), path.state),), tuple(path.demands)), []
        shapes = [
            constant_shape(self.theory.shapes, argument_name("init", a.name), a.type) for a in init.arguments
        ]
        named = [(a.name, s) for a, (s, _) in zip(init.arguments, shapes, strict=True)]
        path.guard += [known for _, known in shapes if known != TRUE]
        return self._run(init, [s for s, _ in shapes], path), named

    def _first(self, declaration: Declaration, path: PathState) -> Shape | None:
        """The value that a variable has before `init`; None if it has none.

        It is within its bounds: a model is refused at sizes at which it is not.
        """
        if declaration.default is None:
            made = self.zero(declaration.type)
        else:
            context = LogicContext(self.logic, {}, {}, {}, path.hear)
            made = self._default(declaration.default.value, declaration.type, declaration.span, context)
        if made is not None:
            within = known_of(self.theory.shapes, declaration.type, made)
            path.guard += [within] if within != TRUE else []
        return made

    def _default(self, value: object, t: Type, span: Span | None, context: LogicContext) -> Shape:
        if isinstance(value, Deferred) and isinstance(t, MapType):
            inner = self._default(value.each, t.value, span, context)
            return self.theory.shapes.whole(t, lambda _: inner)
        return literal(value, unbounded(t), span, context)

    def _run(self, function: Function, arguments: Sequence[Shape], path: PathState) -> Execution:
        path.env = {a.name: v for a, v in zip(function.arguments, arguments, strict=True)}
        found = block(function.body, [path])
        for each in found:
            for name in sorted(each.unset):
                lacking = Demand(Failing.ERROR, FALSE, f"leaving `{name}` without a value", function.span)
                each.hear(lacking)
        ways = ((conj(*p.guard), {n: sh.known(v) for n, v in p.state.items()}) for p in found)
        paths = tuple(ActionPath(guard, state) for guard, state in ways if guard != FALSE)
        return Execution(paths, tuple(dict.fromkeys(path.demands)))

    def zero(self, t: Type) -> Shape | None:
        """The value that variables of a type have at first; None if there is none."""
        return _ZERO(t, self)


_ZERO: Rules[SymbolicSteps, Shape | None] = Rules("the first values of types in logic")


@_ZERO.rule(NoneType, RecordType, UnionType)
def _(t: Type, steps: SymbolicSteps) -> None:
    return None


@_ZERO.rule(BoolType)
def _(t: BoolType, steps: SymbolicSteps) -> Shape:
    return Atom(FALSE)


@_ZERO.rule(OptionalType)
def _(t: OptionalType, steps: SymbolicSteps) -> Shape:
    return Nothing()


@_ZERO.rule(IntType)
def _(t: IntType, steps: SymbolicSteps) -> Shape | None:
    if t.low is None or t.high is None:
        return None
    within, least = steps.theory.shapes.within(t, Number(0)), steps.theory.shapes.bound(t.low)
    return Atom(choice(within, Number(0), least))


@_ZERO.rule(EnumType)
def _(t: EnumType, steps: SymbolicSteps) -> Shape:
    return Case(t.enum, tuple(TRUE if member is t.first else FALSE for member in t.enum))


@_ZERO.rule(SortType)
def _(t: SortType, steps: SymbolicSteps) -> Shape | None:
    return Atom(steps.theory.endpoint(t, last=False)) if t.ordered else None


@_ZERO.rule(MapType)
def _(t: MapType, steps: SymbolicSteps) -> Shape | None:
    inner = steps.zero(t.value)
    return None if inner is None else steps.theory.shapes.whole(t, lambda _: inner)


@_ZERO.rule(SetType)
def _(t: SetType, steps: SymbolicSteps) -> Shape:
    return LogicContext(steps.logic, {}, {}, {}).listed(t.item, [])


@_ZERO.rule(BagType)
def _(t: BagType, steps: SymbolicSteps) -> Shape:
    return bag_of(t.item, [], LogicContext(steps.logic, {}, {}, {}))


@_ZERO.rule(SeqType)
def _(t: SeqType, steps: SymbolicSteps) -> Shape:
    return Listing(t.item, Number(0), lambda _: steps.theory.unknown(t.item))


@_ZERO.rule(TupleType)
def _(t: TupleType, steps: SymbolicSteps) -> Shape | None:
    made = [steps.zero(i) for i in t.items]
    return None if None in made else ProductShape(t, tuple(m for m in made if m is not None))
