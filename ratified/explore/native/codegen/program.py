"""A whole program for the explorer: the functions that `contract.h` asks for, and what their numbers mean.

Guarantees: instances are numbered in the order of the actions, then of their static parameters' values; the same model at the
same size gives the same text.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ratified.explore.native.codegen import nodes
from ratified.explore.native.codegen.actions import successors
from ratified.explore.native.codegen.functions import Unit, comment, where_text
from ratified.explore.native.codegen.initial import initial
from ratified.explore.native.codegen.liveness import claims_text
from ratified.explore.native.codegen.numbering import NOTHING_WRITTEN, Program, ProgramMeanings, goals_of
from ratified.explore.native.codegen.properties import STATE, asking, properties, witness, witnessed
from ratified.explore.native.codegen.reading import bits_read
from ratified.explore.native.codegen.refinement import memory_text, refinement_text, write_image
from ratified.explore.native.codegen.shapes import Unsupported
from ratified.explore.native.codegen.symmetry import canonical_text
from ratified.explore.native.codegen.writer import Exits
from ratified.explore.symmetry import Symmetry
from ratified.language.ir import Function, Kind
from ratified.language.machine import abstract_model
from ratified.language.model import Model

INSTANCES_MOST = 2**22
"""So many instances of actions, each of which is counted by every thread."""

VERSION = 4
"""Changes when the same model would give another program."""

SUPPORT = (Path(__file__).resolve().parent / "support.h").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Generated:
    """C text, and the tables that say what its numbers stand for. `explorer` is the text of its other part (apart.h)."""

    text: str
    program: Program
    explorer: str


_COUNTED = "WORDS", "INSTANCES", "BOUNDS", "CONSTRAINTS", "INVARIANTS", "STEP_INVARIANTS", "GOALS"

_ASKED = Kind.CONSTRAINT, Kind.INVARIANT, Kind.STEP_INVARIANT, Kind.REFINEMENT


def generate(
    model: Model,
    symmetry: Symmetry | None = None,
    *,
    reduced: bool = False,
    ahead: Callable[[str], None] = lambda _: None,
) -> Generated:
    """The program of a model. `ahead` is told early on what the explorer's text will be if there are not very many bounds.

    Raises Unsupported (a SizeError) for what the native explorer does not take.
    """
    with nodes.alone, _uncollected():
        nodes.forget()
        try:
            return _generate(Unit(model, reduced=reduced), symmetry, ahead)
        finally:
            nodes.forget()


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector, which would look at every node again and again, and of which none is garbage meanwhile."""
    collected = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collected:
            gc.enable()


def _generate(unit: Unit, symmetry: Symmetry | None, ahead: Callable[[str], None]) -> Generated:
    if (count := sum(i.count for i in unit.instances)) > INSTANCES_MOST:
        raise Unsupported(
            f"the parameters of the actions have {count:,} values, and the native explorer numbers {INSTANCES_MOST:,}",
            remedy="explore a smaller size, or with engine='reference'",
        )
    kinds = {k: unit.module.of_kind(k) for k in _ASKED}
    goals = goals_of(unit.module, unit.shapes)
    program = Program(unit.model.module, unit.layout, unit.instances, goals, NOTHING_WRITTEN)
    ahead(_explorer(_defined(program, unit, symmetry)))
    states, steps = witnessed(unit, Kind.INVARIANT), witnessed(unit, Kind.STEP_INVARIANT)
    functions = [
        initial(unit),
        successors(unit),
        properties(unit, "model_constraints", "constraint", kinds[Kind.CONSTRAINT]),
        properties(unit, "model_invariants", "invariant", kinds[Kind.INVARIANT]),
        *_refinements(unit, kinds[Kind.REFINEMENT]),
        properties(unit, "model_step_invariants", "step", kinds[Kind.STEP_INVARIANT], kinds[Kind.REFINEMENT]),
        witness(unit, states, step=False),
        witness(unit, steps, step=True),
        *_canonical(unit, symmetry),
        claims_text(unit, goals),
    ]
    written = ProgramMeanings(
        tuple(unit.shared.bounds),
        tuple(unit.shared.errors),
        tuple(name for name, _ in states),
        tuple(name for name, _ in steps),
    )
    program = replace(program, written=written)
    defined = _defined(program, unit, symmetry)
    return Generated(_text(unit, functions, defined), program, _explorer(defined))


def _defined(program: Program, unit: Unit, symmetry: Symmetry | None) -> list[str]:
    """The definitions of a program's macros; with room for more bounds, whose number is not known when compiling begins."""
    room = max(6, (len(program.written.bounds) - 1).bit_length())
    macros = {
        **dict(zip(_COUNTED, program.counts, strict=True)),
        "BOUNDS": 1 << room,
        "REFINEMENTS": len(program.refinements),
        "CLAIMS": len(program.goals),
        "SYMMETRY": int(symmetry is not None),
    }
    if unit.reduced:
        macros["REDUCTION"] = 1
    return [f"#define MODEL_{name} {value}" for name, value in macros.items()]


def _explorer(defined: Sequence[str]) -> str:
    return "\n".join([*defined, '#include "contract.h"', '#include "explorer.c"', ""])


def _canonical(unit: Unit, symmetry: Symmetry | None) -> list[str]:
    return (
        canonical_text(unit, symmetry)
        if symmetry
        else ["static inline void model_canonical(uint64_t *s) { (void)s; }"]
    )


def _text(unit: Unit, functions: Sequence[str], defined: Sequence[str]) -> str:
    body = "\n\n".join([SUPPORT, "\n".join(unit.shared.tables.text()), *functions])
    named = [repr(unit.model), *unit.layout.describe()]
    digest = hashlib.sha256("\n".join([str(VERSION), *named, *defined, body]).encode()).hexdigest()
    lines = [
        f"/* {comment(repr(unit.model))}",
        *(f" *   {comment(line)}" for line in unit.layout.describe()),
        " */",
        *defined,
        f"#define MODEL_PLACES {len(unit.shared.bounds)}",
        f'#define MODEL_DIGEST "{digest}"',
        '#include "contract.h"',
        "",
        body,
        '#include "explorer.c"',
        "",
    ]
    return "\n".join(lines)


def _refinements(unit: Unit, functions: Sequence[Function]) -> list[str]:
    """For each refinement the abstract model and what asks it; then what is asked of initial states."""
    texts: list[str] = []
    for k, function in enumerate(functions):
        name = f"r{k}_"
        abstract = Unit(abstract_model(unit.model, function.name), name, unit.shared)
        steps = [initial(abstract), successors(abstract)]
        exits = Exits(lambda: ("return RX_OK;",), lambda e: (f"return RX_FAULT({e});",), None, function.name)
        body = unit.body(exits, partial(write_image, function=function, abstract=abstract.layout))
        image = [
            f"/* {comment(function.name)}, {comment(where_text(function.span))} */",
            f"static int {name}image(const uint64_t *restrict s, uint64_t *restrict t) {{",
            "    (void)s;",
            *unit.printed(body),
            "    return RX_OK;",
            "}",
        ]
        read = bits_read(body, ("s",), unit.layout.words)
        texts.append(refinement_text(name, [*steps, "\n".join(image)], abstract.layout, read))
    if functions:
        texts.append(memory_text(len(functions)))
        calls = [(f"r{k}_begins(s)", k) for k in range(len(functions))]
        texts.append(asking(f"static inline int model_beginning({STATE})", "(void)s;", calls))
    return texts
