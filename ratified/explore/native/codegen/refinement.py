"""A refinement in C: the image of a state as a packed state of the abstract model, and what asks whether that model has a step.

Guarantees: the answers are those of `ratified.language.refinement`; what the mapping or the abstract model has no answer to
is a fault. The abstract model's constraints are not asked, and a step of it that leaves a bound is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ratified.explore.native.codegen.layout import Layout
from ratified.explore.native.codegen.printing import literal
from ratified.explore.native.codegen.statements import run_body
from ratified.explore.native.codegen.writer import BlockEnded, FunctionWriter, have
from ratified.language import ir
from ratified.language.ir import Function

TEMPLATE = (Path(__file__).resolve().parent / "refinement.h").read_text(encoding="utf-8")

_MODEL = "/* --- the abstract model --- */\n"
"""Where the abstract model's functions and the mapping stand in the template."""

KEPT_BYTES = 1 << 16
"""What each thread remembers of the abstract model's steps; more or less of it measured no better."""


def refinement_text(unit: str, functions: Sequence[str], abstract: Layout, read: Sequence[int]) -> str:
    """All of a refinement: its mapping and the abstract model's functions, and what asks them.

    `read` are the bits that the mapping reads, of each word of a state.
    """
    log = max(4, (KEPT_BYTES // (16 * abstract.words)).bit_length() - 1)
    before, after = TEMPLATE.replace("R_", unit).split(_MODEL)
    macros = [
        f"#define {unit}W {abstract.words}",
        f"#define {unit}KEPT_LOG {log}",
        f"#define {unit}READ {{{', '.join(map(literal, read))}}}",
    ]
    return "\n".join([*macros, "", before, *(f"{text}\n" for text in functions), after])


def memory_text(count: int) -> str:
    """What a thread remembers for all refinements: one variable, since to find it is a call."""
    fields = " ".join(f"r{k}_memory r{k};" for k in range(count))
    return f"typedef struct model_memory {{ {fields} }} model_memory;\nstatic _Thread_local model_memory model_kept;"


def write_image(w: FunctionWriter, function: Function, abstract: Layout) -> None:
    """The body of a mapping: from the state `s` to the abstract state `t`."""
    w.copied, w.abstract = True, abstract
    for k in range(abstract.words):
        w.line(f"t[{k}] = 0;")
    early = any(isinstance(n, ir.Return) for statement in function.body for n in ir.walk(statement))
    if early:
        # Every variable is assigned in the body itself, but perhaps behind a return.
        w.imageless = {name: k for k, name in enumerate(abstract.variables)}
        w.line("uint64_t have = 0;")
    try:
        run_body(w, function, {})
    except BlockEnded:
        if not early:
            raise
    for name, bit in w.imageless.items():
        w.fault_unless(have(bit), f"{function.name} does not assign `{name}`", function.body[0])
