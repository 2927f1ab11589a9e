"""A whole program for the explorer: the functions that `contract.h` asks for, and what their numbers mean.

Guarantees: instances are numbered in the order of the actions, then of their static parameters' values; the same model at the
same size gives the same text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ratified.explore.native.codegen.functions import (
    Instances,
    comment,
    indented,
    where_text,
)
from ratified.explore.native.codegen.layout import Layout
from ratified.explore.native.codegen.properties import Properties, asking
from ratified.explore.native.codegen.refinement import reads, refinement_text, write_image
from ratified.explore.native.codegen.shapes import Unsupported
from ratified.explore.native.codegen.symmetry import canonical_text
from ratified.explore.native.codegen.writer import Exits, Place
from ratified.explore.symmetry import Symmetry
from ratified.language.errors import Span
from ratified.language.ir import Function, Kind
from ratified.language.machine import abstract_model
from ratified.language.model import Model

VERSION = 1
"""Changes when the same model would give another program."""

INSTANCES_MOST = 2**22
"""So many instances of actions, each of which is counted by every thread."""

SUPPORT = (Path(__file__).resolve().parent / "support.h").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Program:
    """C text, and the tables that say what its numbers stand for."""

    text: str
    layout: Layout
    instances: tuple[Instances, ...]
    bounds: tuple[Place, ...]
    errors: tuple[tuple[str, Span | None], ...]
    invariants: tuple[Function, ...]
    step_invariants: tuple[Function, ...]
    refinements: tuple[Function, ...]
    constraints: tuple[Function, ...]
    witnesses: tuple[str, ...]
    step_witnesses: tuple[str, ...]

    def action_of(self, instance: int) -> int:
        """The number of the action that an instance belongs to."""
        return next(k for k, i in enumerate(self.instances) if i.first <= instance < i.first + i.count)


class Generator(Properties):
    """Generates the program of one model at one size.

    For an abstract model in it: `unit` as in Shared, `within` of the program, whose tables and numbers of errors are used.
    """

    def tables(self, text: str = "") -> Program:
        """What the numbers of a program stand for."""
        return Program(
            text,
            self.layout,
            tuple(self.instances),
            tuple(self.shared.bounds),
            tuple(self.shared.errors),
            self.module.of_kind(Kind.INVARIANT),
            self.module.of_kind(Kind.STEP_INVARIANT),
            self.module.of_kind(Kind.REFINEMENT),
            self.module.of_kind(Kind.CONSTRAINT),
            *self.witnessed,
        )

    def program(self) -> Program:
        """The whole program. Raises Unsupported for what has no bound or is not compiled."""
        asked = Kind.INVARIANT, Kind.STEP_INVARIANT, Kind.REFINEMENT, Kind.CONSTRAINT
        kinds = {k: self.module.of_kind(k) for k in asked}
        functions = [self._initial(), self._successors()]
        if (count := sum(i.count for i in self.instances)) > INSTANCES_MOST:
            raise Unsupported(
                f"the parameters of the actions have {count:,} values, and the native explorer numbers {INSTANCES_MOST:,}",
                remedy="explore a smaller size, or with engine='reference'",
            )
        functions.append(self._properties("model_constraints", "constraint", kinds[Kind.CONSTRAINT]))
        functions.append(self._properties("model_invariants", "invariant", kinds[Kind.INVARIANT]))
        functions += self._refinements(kinds[Kind.REFINEMENT])
        functions.append(
            self._properties(
                "model_step_invariants", "step", kinds[Kind.STEP_INVARIANT], kinds[Kind.REFINEMENT]
            )
        )
        functions.append(self._witness())
        canonical = "    (void)s;"
        if self.symmetry:
            renaming, canonical = canonical_text(self.model, self.shared, self.symmetry)
            functions += renaming
        functions.append(f"static inline void model_canonical(uint64_t *s) {{\n{canonical}\n}}")
        body = "\n\n".join([SUPPORT, *self.values.table_text(), *functions])
        macros = {
            "WORDS": self.layout.words,
            "INSTANCES": max(1, sum(i.count for i in self.instances)),
            "BOUNDS": len(self.shared.bounds),
            "CONSTRAINTS": len(kinds[Kind.CONSTRAINT]),
            "INVARIANTS": len(kinds[Kind.INVARIANT]),
            "STEP_INVARIANTS": len(kinds[Kind.STEP_INVARIANT]) + len(kinds[Kind.REFINEMENT]),
            "REFINEMENTS": len(kinds[Kind.REFINEMENT]),
            "SYMMETRY": int(self.symmetry is not None),
        }
        digest = hashlib.sha256(
            "\n".join([str(VERSION), repr(self.model), *self.layout.describe(), str(macros), body]).encode()
        )
        lines = [
            f"/* {comment(repr(self.model))}",
            *(f" *   {comment(line)}" for line in self.layout.describe()),
            " */",
        ]
        lines += [f"#define MODEL_{name} {value}" for name, value in macros.items()]
        lines += [
            f'#define MODEL_DIGEST "{digest.hexdigest()}"',
            '#include "contract.h"',
            "",
            body,
            '#include "explorer.c"',
            "",
        ]
        return self.tables("\n".join(lines))

    # --- refinements ---

    def _refinements(self, functions: Sequence[Function]) -> list[str]:
        """For each refinement the abstract model and what asks it; then what is asked of initial states."""
        texts: list[str] = []
        for k, function in enumerate(functions):
            unit = f"r{k}_"
            abstract = Generator(
                abstract_model(self.model, function.name), None, unit=unit, within=self.shared
            )
            steps = [abstract._initial(), abstract._successors()]
            exits = Exits(lambda: "return RX_OK;", lambda e: f"return RX_FAULT({e});", None, function.name)
            lines = self._write(exits, partial(write_image, function=function, abstract=abstract.layout))
            image = [
                f"/* {comment(function.name)}, {comment(where_text(function.span))} */",
                f"static int {unit}image(const uint64_t *restrict s, uint64_t *restrict t) {{",
                "    (void)s;",
                *indented(lines),
                "    return RX_OK;",
                "}",
            ]
            read = reads(self.module, function)
            texts.append(
                refinement_text(unit, [*steps, "\n".join(image)], abstract.layout, self.layout, read)
            )
        if functions:
            calls = [(f"r{k}_begins(s)", k) for k in range(len(functions))]
            texts.append(asking("static inline int model_beginning(const uint64_t *s)", "(void)s;", calls))
        return texts


def generate(model: Model, symmetry: Symmetry | None = None) -> Program:
    """The program of a model. Raises Unsupported (a SizeError) for what the native explorer does not take."""
    return Generator(model, symmetry).program()


def recalled(
    model: Model,
    bounds: Sequence[Place],
    errors: Sequence[tuple[str, Span | None]],
    witnessed: tuple[tuple[str, ...], tuple[str, ...]],
) -> Program:
    """The tables of a program that was generated before; its text is not made again, and empty."""
    generator = Generator(model, None)
    generator.shared.bounds.extend(bounds)
    generator.shared.errors.extend(errors)
    generator.witnessed = witnessed
    return generator.tables()
