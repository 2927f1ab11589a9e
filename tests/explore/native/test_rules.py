"""Nothing that a model can say falls through the C generator's tables."""

from __future__ import annotations

from ratified.explore.native.codegen.functions import EXPRESSIONS
from ratified.explore.native.codegen.statements import statements
from ratified.language import ir


def test_every_kind_of_node_has_a_rule() -> None:
    """A local name is looked up before any rule is; what lowering takes away has none."""
    kinds = {ir.Let, ir.Store, ir.If, ir.For, ir.Require, ir.Assert, ir.Return, ir.Do}
    assert EXPRESSIONS.lacking(ir.EXPRESSIONS) == {ir.Local, ir.Negative, ir.IsLast}
    assert statements.lacking(kinds) == set()
