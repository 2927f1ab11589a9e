"""The table of rules that every translator is made from."""

from __future__ import annotations

import pytest

from ratified.language.rules import NoRuleError, Rules


class Leaf:
    pass


class Twig(Leaf):
    pass


class Branch:
    def __init__(self, *parts: object) -> None:
        self.parts = parts


leaves: Rules[str, str] = Rules("leaves")
branches: Rules[str, str] = Rules("branches")


@leaves.rule(Leaf)
def _leaf(node: Leaf, context: str) -> str:
    return context


@branches.rule(Branch)
def _branch(node: Branch, context: str) -> str:
    return f"({' '.join(trees(part, context + '.') for part in node.parts)})"


trees = Rules.joined("trees", leaves, branches)


def test_the_rule_of_a_nodes_class_is_applied_in_its_context() -> None:
    assert trees(Branch(Leaf(), Branch(Leaf())), "x") == "(x. (x..))"


def test_a_rule_for_a_class_is_none_for_its_subclasses() -> None:
    with pytest.raises(NoRuleError, match=r"^trees: no rule for Twig$"):
        trees(Branch(Twig()), "x")


def test_a_kind_has_one_rule() -> None:
    with pytest.raises(AssertionError, match="both: a second rule for Leaf"):
        Rules.joined("both", leaves, leaves)


def test_kinds_without_a_rule_are_told() -> None:
    assert trees.lacking([Leaf, Twig, Branch]) == {Twig}


def test_a_table_tells_for_what_it_has_a_rule() -> None:
    assert Leaf in leaves
    assert Twig not in leaves
