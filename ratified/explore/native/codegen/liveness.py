"""What claims of liveness say of a state, for every choice of their arguments."""

from __future__ import annotations

from functools import partial

from ratified.explore.native.codegen.functions import Unit, comment, where_text
from ratified.explore.native.codegen.numbering import GoalNumbers
from ratified.explore.native.codegen.numbers import FALSE, Num
from ratified.explore.native.codegen.packing import loaded
from ratified.explore.native.codegen.properties import STATE, for_all
from ratified.explore.native.codegen.statements import value_of_call
from ratified.explore.native.codegen.terms import HeldValue, Tup, as_num
from ratified.explore.native.codegen.writer import CodeEnv, Exits, FunctionWriter
from ratified.language.ir import Function

_SIGNATURE = f"({STATE}, uint64_t *out)"


def claims_text(unit: Unit, claims: tuple[GoalNumbers, ...]) -> str:
    """The functions of all claims, and the table of them."""
    texts = []
    for k, goals in enumerate(claims):
        claim = unit.module.functions[goals.claim.name]
        exits = Exits(lambda: ("return RX_OK;",), lambda e: (f"return RX_FAULT({e});",), None, claim.name)
        lines = unit.lines(exits, partial(_claim, unit=unit, claim=claim))
        text = [
            f"/* {comment(claim.name)}, {comment(where_text(claim.span))} */",
            f"static int claim_{k}{_SIGNATURE} {{",
            "    (void)s;",
            f"    uint64_t goal = {goals.first};",
            *lines,
            "    return RX_OK;",
            "}",
        ]
        texts.append("\n".join(text))
    if claims:
        names = ", ".join(f"claim_{k}" for k in range(len(claims)))
        texts.append(f"static int (*const model_claims[]){_SIGNATURE} = {{{names}}};")
    return "\n\n".join(texts)


def _claim(w: FunctionWriter, unit: Unit, claim: Function) -> None:
    def asked(env: CodeEnv) -> None:
        wanted, reached = _said(loaded(value_of_call(w, claim, env)))
        bits = ("(uint64_t)(", reached.c, ") | (uint64_t)(", wanted.c, ") << 1")
        w.line("out[goal >> 5] |= (", *bits, ") << (2 * (goal & 31)); goal++;")

    for_all(w, unit, claim, asked)


def _said(found: HeldValue) -> tuple[Num, Num]:
    """Whether something is wanted, and whether it is reached."""
    if isinstance(found, Tup):
        wanted, reached = found.items
        return as_num(wanted), as_num(reached)
    return FALSE, as_num(found)
