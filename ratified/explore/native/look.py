"""Questions about many packed states at once: expressions and invariants, compiled to C apart from the explorer.

Guarantees: the answers are those of the model's own source; a question that has no answer in some state, and what the generated
code does not take, are told as such (`NoAnswer`, `Unsupported`), so that the reference machine can be asked instead.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ratified.explore.native.codegen import nodes
from ratified.explore.native.codegen.functions import Unit
from ratified.explore.native.codegen.layout import Layout
from ratified.explore.native.codegen.program import SUPPORT
from ratified.explore.native.codegen.properties import properties
from ratified.explore.native.codegen.refinement import write_image
from ratified.explore.native.codegen.writer import Exits
from ratified.explore.native.compile import compile_text
from ratified.language import ir
from ratified.language.ir import Declaration, Function, Kind, Which
from ratified.language.lower import CODE_PASSES
from ratified.language.machine import Values
from ratified.language.model import Model
from ratified.language.query import Query


class NoAnswer(Exception):
    """The question has no answer in the state of this number."""


class Looked:
    """The answers of a query in every state: `columns` of words, equal where the answers are."""

    def __init__(self, layout: Layout, words: Any) -> None:
        self._layout = layout
        self._words = words

    def keys(self) -> Sequence[Any]:
        """What tells the answer in each state apart."""
        width = self._layout.words
        if width == 1:
            return self._words.tolist()  # type: ignore[no-any-return]  # a list of ints
        return list(zip(*(self._words[k::width].tolist() for k in range(width)), strict=True))

    def answer(self, key: Any) -> Values:
        """The value of each part of the query."""
        return self._layout.unpack((key,) if self._layout.words == 1 else key)


def ask(model: Model, query: Query, states: Any) -> Looked:
    """Ask a query in every state; `states` is a memoryview of packed words, one state after another.

    Raises:
        NoAnswer: it has none in some state.
        Unsupported, CompilerMissing, CompilerFailed: it cannot be compiled here.
    """
    span = query.parts[0][1].span
    names = [f"part_{k}" for k in range(len(query.parts))]
    exprs = [expr for _, expr in query.parts]
    declared = tuple(Declaration(n, e.type, None, span) for n, e in zip(names, exprs, strict=True))
    body = tuple(ir.Store(span, n, (), e, Which.ABSTRACT) for n, e in zip(names, exprs, strict=True))
    function = Function("look", "look", Kind.REFINEMENT, (), None, body, span, "")
    for one in CODE_PASSES:
        function = one(function)
    exits = Exits(lambda: ("return RX_OK;",), lambda e: (f"return RX_FAULT({e});",), None, "look")
    with nodes.alone:
        nodes.forget()
        unit = _unit(model, query.module)
        layout = Layout(_with_variables(model, declared), unit.shapes)
        lines = unit.lines(exits, lambda w: write_image(w, function, layout))
        nodes.forget()
    text = "\n".join(
        [
            "static int look(const uint64_t *restrict s, uint64_t *restrict t) {",
            "    (void)s;",
            *lines,
            "    return RX_OK;",
            "}",
        ]
    )
    return Looked(layout, _run(unit, text, layout.words, states))


def refuted(model: Model, invariants: Sequence[Function], states: Any) -> Sequence[int]:
    """For each state the bits of the invariants (at most 64) that are false there, or have no answer.

    Raises: as `ask`, without NoAnswer.
    """
    with nodes.alone:
        nodes.forget()
        unit = _unit(model, model.module)
        text = properties(unit, "model_invariants", "invariant", invariants)
        nodes.forget()
    asked = "\n".join(
        f"    t[0] |= (uint64_t)(invariant_{k}(s) != RX_OK) << {k};" for k in range(len(invariants))
    )
    look = f"static int look(const uint64_t *restrict s, uint64_t *restrict t) {{\n    t[0] = 0;\n{asked}\n    return RX_OK;\n}}"
    found: Sequence[int] = _run(unit, f"{text}\n\n{look}", 1, states).tolist()
    return found


def _unit(model: Model, module: ir.Module) -> Unit:
    other = model.twin()
    object.__setattr__(other, "module", module)
    return Unit(other)


def _with_variables(model: Model, declared: tuple[Declaration, ...]) -> Model:
    """Something that has these variables: all that a layout asks of a model."""
    other = model.twin()
    object.__setattr__(other, "module", replace(model.module, variables=declared))
    return other


_LOOP = """
__attribute__((visibility("default"))) uint64_t rx_look(const uint64_t *states, uint64_t count, uint64_t *out) {
    for (uint64_t i = 0; i < count; i++)
        if (look(states + i * W, out + i * LOOK_WORDS) != RX_OK) return i;
    return UINT64_MAX;
}
"""


def _run(unit: Unit, text: str, width: int, states: Any) -> Any:
    words = unit.layout.words
    macros = {
        "WORDS": words,
        "INSTANCES": 1,
        "BOUNDS": 0,
        "CONSTRAINTS": 0,
        "INVARIANTS": 0,
        "STEP_INVARIANTS": 0,
        "SYMMETRY": 0,
    }
    program = "\n".join(
        [
            *(f"#define MODEL_{name} {value}" for name, value in macros.items()),
            f"#define LOOK_WORDS {width}",
            '#pragma GCC diagnostic ignored "-Wunused-function"',
            '#include "contract.h"',
            SUPPORT,
            *unit.shared.tables.text(),
            text,
            _LOOP,
        ]
    )
    library = ctypes.CDLL(str(compile_text(program).path))
    library.rx_look.restype = ctypes.c_uint64
    library.rx_look.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_void_p]
    count = len(states) // words
    out = (ctypes.c_uint64 * (count * width))()
    given = (ctypes.c_uint64 * len(states)).from_buffer(states)
    failed = library.rx_look(given, count, out)
    if failed != 0xFFFFFFFFFFFFFFFF:
        raise NoAnswer(failed)
    return memoryview(out).cast("B").cast("Q")
