"""Nothing that a lowered model can say falls through the tables of the translation to first-order logic."""

from __future__ import annotations

from ratified.language import ir
from ratified.smt.first_order.translate import EXPRESSIONS


def test_what_has_no_rule_is_what_lowering_takes_away() -> None:
    rare = {ir.Absolute, ir.Disjoint, ir.IndexOf, ir.IsLast, ir.Negative, ir.Zip}
    assert EXPRESSIONS.lacking(ir.EXPRESSIONS) == rare
