"""A model's functions in C: what the parts that write actions, initial states and properties share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ratified.explore.native.codegen import build
from ratified.explore.native.codegen.arithmetic import numbers
from ratified.explore.native.codegen.choosing import explode, from_list
from ratified.explore.native.codegen.code import Block
from ratified.explore.native.codegen.comprehensions import comprehensions
from ratified.explore.native.codegen.containers import containers
from ratified.explore.native.codegen.layout import Layout
from ratified.explore.native.codegen.lifting import lift
from ratified.explore.native.codegen.logic import logic
from ratified.explore.native.codegen.loops import UNROLLED_MOST, ended_quietly
from ratified.explore.native.codegen.numbering import Instances, instances_of
from ratified.explore.native.codegen.numbers import Num, const, num
from ratified.explore.native.codegen.sequences import sequences
from ratified.explore.native.codegen.shapes import PackedShapes, Unsupported
from ratified.explore.native.codegen.sharing import BodyText as Printed
from ratified.explore.native.codegen.statements import calls
from ratified.explore.native.codegen.terms import Bits, CValue, HeldValue, MapV, Rec, Tup
from ratified.explore.native.codegen.writer import (
    BlockEnded,
    Exits,
    FunctionTooLong,
    FunctionWriter,
    Here,
    SharedText,
)
from ratified.explore.reduction.reducible import reducible
from ratified.language import ir
from ratified.language.errors import Span
from ratified.language.ir import Argument
from ratified.language.lower import CODE_PASSES, lowered
from ratified.language.model import Model
from ratified.language.rules import Rules
from ratified.language.scope import running
from ratified.language.types import (
    MapType,
    RecordType,
    SetType,
    TupleType,
    Type,
    cardinality,
    record_fields,
    resolved,
    values_of,
)

EXPRESSIONS: Rules[Here, HeldValue] = Rules.joined(
    "C of expressions", logic, numbers, containers, sequences, comprehensions, calls
)

INSTANCES_MOST = 96
"""An action of up to so many static choices is written out for each."""

STATEMENTS_MOST = 4_000
"""How many statements an action or property may take before it is written with loops."""

LISTED_MOST = 16_384
"""How many values a parameter may have that no guard restricts."""


@dataclass(slots=True, eq=False)
class Unit:
    """One model at one size, as it is written into a program, lowered.

    `name` comes before the names of its functions: two models may stand in one program. `within` is the program of an abstract
    model, whose tables and numbers of errors are used. `weights` are those of actions, where steps are to be drawn. `reduced` if
    an instance that is not possible is to tell why.
    """

    model: Model
    name: str = ""
    within: SharedText | None = None
    weights: Mapping[str, int | str] | None = None
    reduced: bool = False
    module: ir.Module = field(init=False)
    shapes: PackedShapes = field(init=False)
    layout: Layout = field(init=False)
    shared: SharedText = field(init=False)
    instances: tuple[Instances, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.module = reducible(self.model) if self.reduced else lowered(self.model.module, CODE_PASSES)
        self.shapes = PackedShapes(self.model.scope)
        self.layout = Layout(self.model, self.shapes)
        self.shared = SharedText(self.shapes, self.layout, self.module, EXPRESSIONS, unit=self.name)
        if self.within is not None:
            self.shared.tables, self.shared.errors = self.within.tables, self.within.errors
            self.shared.numbers = self.within.numbers
        self.instances = instances_of(self.module, self.shapes)

    def body(
        self, exits: Exits, write: Callable[[FunctionWriter], None], budget: int = STATEMENTS_MOST
    ) -> Block:
        """A function's body. What grows too long is written once more, with loops."""
        try:
            return self.body_once(exits, write, budget, rolled=False)
        except FunctionTooLong:
            return self.body_once(exits, write, 1 << 60, rolled=True)

    def body_once(
        self, exits: Exits, write: Callable[[FunctionWriter], None], budget: int, *, rolled: bool
    ) -> Block:
        """The same, in one way. Raises TooLong."""
        writer = FunctionWriter(self.shared, exits, rolled=rolled, budget=budget)
        try:
            with suppress(BlockEnded):
                write(writer)
            return writer.block
        except Unsupported as problem:
            raise self._located(problem, exits.action) from None
        finally:
            writer.close()

    def printed(self, body: Block) -> list[str]:
        """The text of a body."""
        return Printed(body, self.shared.tables).lines()

    def lines(
        self, exits: Exits, write: Callable[[FunctionWriter], None], budget: int = STATEMENTS_MOST
    ) -> list[str]:
        """The text of a function's body."""
        return self.printed(self.body(exits, write, budget))

    def _located(self, problem: Unsupported, name: str) -> Unsupported:
        """What is not compiled, with the function that it stands in if it has no better place."""
        function = self.module.functions.get(name)
        if problem.span is not None or function is None:
            return problem
        return Unsupported(f"{problem.message} (in `{name}`)", span=function.span, remedy=problem.remedy)


def for_each(
    w: FunctionWriter, argument: Argument, values: Sequence[object], body: Callable[[HeldValue, Num], None]
) -> None:
    """What `body` writes of each value and its place: written out for a few, a loop over a table for many."""
    if len(values) <= UNROLLED_MOST:
        for k, value in enumerate(values):
            ended_quietly(partial(body, lift(w.shapes, value, argument.type), const(k)))
        return
    if len(values) > LISTED_MOST:
        raise _too_many(argument, len(values))
    _each_listed(w, values, argument.type, body)


def each(w: FunctionWriter, argument: Argument, t: Type, body: Callable[[HeldValue], None]) -> None:
    """What `body` writes of each value of a type, in any order: of sets, maps and tuples of many values, part by part.

    Raises Unsupported, with the parameter's name, where the values are too many for a table.
    """
    shapes = w.shapes
    if cardinality(t, shapes.scope) <= LISTED_MOST:
        with running(shapes.scope):
            values = list(values_of(t, shapes.scope))
        _each_listed(w, values, t, lambda item, _: body(item))
        return
    match resolved(t, shapes.scope):
        case SetType(item, most) if (universe := shapes.universe(item)) is not None and universe.size < 63:
            i, mask = w.name("i"), universe.mask(0)
            with w.loop(f"for (uint64_t {i} = 0; {i} <= {mask}u; {i}++)"):
                if most is not None:
                    w.line(f"if (__builtin_popcountll({i}) > {most}) continue;")
                body(Bits(universe, (build.var(i, 0, mask),), (mask,)))
        case MapType(key, value) if (keys := shapes.universe(key)) is not None:
            _each_row(w, argument, [value] * keys.size, lambda row: body(MapV(keys, row)))
        case TupleType(items):
            _each_row(w, argument, items, lambda row: body(Tup(row)))
        case RecordType() as made:
            fields = list(record_fields(made, shapes.scope).values())
            _each_row(w, argument, fields, lambda row: body(Rec(made, row)))
        case _:
            raise _too_many(argument, cardinality(t, shapes.scope))


def _too_many(argument: Argument, values: float) -> Unsupported:
    return Unsupported(
        f"the parameter `{argument.name}` ranges over {values:,} values, "
        f"and the native explorer takes {LISTED_MOST:,}",
        remedy="restrict it with a guard at the top",
    )


def _each_row(
    w: FunctionWriter, argument: Argument, types: Sequence[Type], body: Callable[[tuple[CValue, ...]], None]
) -> None:
    def rest(row: tuple[CValue, ...]) -> None:
        if len(row) == len(types):
            body(row)
        else:
            each(w, argument, types[len(row)], lambda item: rest((*row, w.named_value(item))))

    rest(())


def _each_listed(
    w: FunctionWriter, values: Sequence[object], t: Type, body: Callable[[HeldValue, Num], None]
) -> None:
    """A loop over a table of all values of a type, in their order."""
    i, universe = w.name("i"), w.shapes.universe(t)
    at = num(build.var(i, 0, len(values) - 1), 0, len(values) - 1)
    with w.loop(f"for (uint64_t {i} = 0; {i} < {len(values)}; {i}++)"):
        item = explode(w.shapes, universe, at) if universe else from_list(w.shapes, values, t, at)
        ended_quietly(partial(body, item, at))


def where_text(span: Span | None) -> str:
    """A place as people say it."""
    return f"{Path(span.file).name}:{span.line}" if span else ""


def comment(text: str) -> str:
    """Text as it may stand in a comment in C."""
    return text.replace("*/", "* /").replace("\\", "/").replace("\n", " ")
