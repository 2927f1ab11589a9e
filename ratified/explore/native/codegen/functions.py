"""What writes the functions of a program: shared by the parts that write actions, initial states and properties."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ratified.explore.native.codegen.layout import Layout
from ratified.explore.native.codegen.loops import UNROLLED_MOST
from ratified.explore.native.codegen.numbers import (
    Num,
    const,
    num,
)
from ratified.explore.native.codegen.shapes import Unsupported
from ratified.explore.native.codegen.statements import Statements
from ratified.explore.native.codegen.values import Values
from ratified.explore.native.codegen.writer import Ended, Exits, Shared, TooLong, flat
from ratified.explore.symmetry import Symmetry
from ratified.language.errors import Span
from ratified.language.ir import Argument, Function, Kind
from ratified.language.machine import MOST_CHOICES
from ratified.language.model import Model
from ratified.language.scope import running
from ratified.language.types import (
    cardinality,
    values_of,
)

INSTANCES_MOST = 96
"""An action of up to so many static choices is written out for each."""

TEXT_MOST = 400_000
"""How much text an action or property may take before it is written with loops."""

LISTED_MOST = 16_384
"""How many values a parameter may have that no guard restricts."""

WITNESSES_MOST = 64
"""The explorer looks for so many witnesses at once; properties past that count as put to the test."""


@dataclass(frozen=True, slots=True)
class Instances:
    """The instances of an action: numbers from `first`, one for each choice of the static parameters (`values` of each)."""

    action: Function
    first: int
    values: tuple[tuple[Any, ...], ...]

    @property
    def count(self) -> int:
        """How many there are."""
        return math.prod(len(v) for v in self.values)


class Functions:
    """Writes functions of one model at one size. `unit` and `within` as in Generator."""

    def __init__(
        self, model: Model, symmetry: Symmetry | None, *, unit: str = "", within: Shared | None = None
    ) -> None:
        self.model = model
        self.module = model.module
        self.values = Values(model.scope)
        self.layout = Layout(model, self.values)
        self.unit = unit
        self.shared = Shared(self.values, self.layout, self.module, unit=unit)
        if within is not None:
            self.values.tables = within.values.tables
            self.shared.errors = within.errors
        self.symmetry = symmetry
        self.witnessed: tuple[tuple[str, ...], tuple[str, ...]] = (), ()
        self.instances: list[Instances] = []
        for action in self.module.of_kind(Kind.ACTION):
            first = sum(i.count for i in self.instances)
            static = tuple(self._values(a) for a in action.arguments if a.domain is None)
            self.instances.append(Instances(action, first, static))

    def _write(self, exits: Exits, write: Callable[[Statements], None], budget: int = TEXT_MOST) -> list[str]:
        """First with everything unrolled, with loops if that grows too long."""
        for rolled in (False, True):
            try:
                return self._write_once(exits, write, 1 << 60 if rolled else budget, rolled=rolled)
            except TooLong:
                continue
        raise AssertionError("a budget without end was exceeded")

    def _write_once(
        self, exits: Exits, write: Callable[[Statements], None], budget: int, *, rolled: bool
    ) -> list[str]:
        writer = Statements(self.shared, exits, rolled=rolled, budget=budget)
        try:
            with suppress(Ended):
                write(writer)
        except Unsupported as problem:
            raise self._located(problem, exits.action) from None
        return list(flat(writer.lines))

    def _located(self, problem: Unsupported, name: str) -> Unsupported:
        """What is not compiled, with the function that it stands in if it has no better place."""
        function = self.module.functions.get(name)
        if problem.span is not None or function is None:
            return problem
        return Unsupported(f"{problem.message} (in `{name}`)", span=function.span, remedy=problem.remedy)

    def _values(self, argument: Argument) -> tuple[Any, ...]:
        size = cardinality(argument.type, self.values.scope)
        if size > MOST_CHOICES:
            raise Unsupported(
                f"the parameter `{argument.name}` ranges over too many values",
                remedy="say where it comes from with a guard at the top",
            )
        with running(self.values.scope):
            return tuple(values_of(argument.type, self.values.scope))

    @staticmethod
    def _for_each(
        w: Statements, argument: Argument, values: Sequence[Any], body: Callable[[Any, Num], None]
    ) -> None:
        """What `body` writes of each value and its place: written out for a few, a loop over a table for many."""
        if len(values) <= UNROLLED_MOST:
            for k, value in enumerate(values):
                with w.block("{"):
                    quietly(partial(body, w.v.lift(value, argument.type), const(k)))
            return
        if len(values) > LISTED_MOST:
            raise Unsupported(
                f"the parameter `{argument.name}` ranges over {len(values):,} values, "
                f"and the native explorer takes {LISTED_MOST:,}",
                remedy="say where it comes from with a guard at the top",
            )
        i, universe = w.name("i"), w.v.universe(argument.type)
        with w.block(f"for (int64_t {i} = 0; {i} < {len(values)}; {i}++) {{"):
            at = num(i, 0, len(values) - 1)
            item = w.v.explode(universe, at) if universe else w.v.listed(values, argument.type, at)
            quietly(partial(body, w.named(item), at))


def quietly(write: Callable[[], None]) -> None:
    """Write, whether or not what is written always leaves."""
    with suppress(Ended):
        write()


def where_text(span: Span | None) -> str:
    """A place as people say it."""
    return f"{Path(span.file).name}:{span.line}" if span else ""


def comment(text: str) -> str:
    """Text as it may stand in a comment in C."""
    return text.replace("*/", "* /").replace("\\", "/").replace("\n", " ")


def indented(lines: Sequence[str]) -> list[str]:
    """The lines of a body, indented by their braces."""
    made, depth = [], 1
    for line in lines:
        opens = line.endswith("{")
        closes = line.startswith("}")
        if closes:
            depth = max(1, depth - 1)
        made.append("    " * depth + line)
        if opens:
            depth += 1
    return made
