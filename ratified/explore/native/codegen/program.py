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

VERSION = 5
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


def _defined(program: Program, unit: Unit, symmetry: Symmetry | None) -> dict[str, int]:
    """A program's macros; with room for more bounds, whose number is not known when compiling begins."""
    numbers = dict(zip(_COUNTED, program.counts, strict=True))
    room = max(6, (len(program.written.bounds) - 1).bit_length())
    macros = {
        **{f"MODEL_{name}": number for name, number in numbers.items()},
        "MODEL_BOUNDS": 1 << room,
        "MODEL_REFINEMENTS": len(program.refinements),
        "MODEL_CLAIMS": len(program.goals),
        "MODEL_SYMMETRY": int(symmetry is not None),
        # The sets of instances of a reduction have one width in Python and in C.
        "ROOM_INSTANCES": numbers["INSTANCES"] if unit.reduced else _room(numbers["INSTANCES"], 8),
        "ROOM_CONSTRAINTS": _room(numbers["CONSTRAINTS"], 4),
        "ROOM_REFINEMENTS": 1,
        "ROOM_CLAIMS": numbers["GOALS"] and _room(len(program.goals), 4),
        "ROOM_GOALS": -(-numbers["GOALS"] // 32) * 32,  # two bits for each: whole words
    }
    return {**macros, "MODEL_REDUCTION": 1} if unit.reduced else macros


def _room(number: int, least: int) -> int:
    """So many or more: few numbers, so that many models have the same. What is very large is left as it is."""
    bits = max(least, number.bit_length())
    return number if bits > 16 else (1 << bits + bits % 2) - 1


_EXPLORED = "MODEL_WORDS", "MODEL_BOUNDS", "MODEL_SYMMETRY", "MODEL_REDUCTION"
"""Macros that, beside rooms, the explorer is compiled for; others it is told (apart.h)."""


def _explorer(defined: dict[str, int]) -> str:
    chosen = {name: n for name, n in defined.items() if name in _EXPLORED or name.startswith("ROOM_")}
    return "\n".join([*_lines(chosen), '#include "contract.h"', '#include "explorer.c"', ""])


def _lines(defined: dict[str, int]) -> list[str]:
    return [f"#define {name} {number}" for name, number in defined.items()]


def _canonical(unit: Unit, symmetry: Symmetry | None) -> list[str]:
    return (
        canonical_text(unit, symmetry)
        if symmetry
        else ["static inline void model_canonical(uint64_t *s) { (void)s; }"]
    )


def _text(unit: Unit, functions: Sequence[str], macros: dict[str, int]) -> str:
    defined = _lines(macros)
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
