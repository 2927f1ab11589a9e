"""Going through trees of the intermediate form, on every function of generated models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import pytest

from ratified.language import RatifiedError, ir
from ratified.language.errors import Span
from tests.generate.running import of_seed

ELSEWHERE = Span("elsewhere.py", 1, 0, 1, 1)


@pytest.fixture(scope="module")
def statements() -> list[ir.Node]:
    """The statements of some generated models."""
    found = list[ir.Node]()
    for seed in range(30):
        try:
            module = of_seed(seed).module
        except RatifiedError:
            continue
        found += [statement for function in module.functions.values() for statement in function.body]
    return found


def inside(value: object) -> Iterator[object]:
    """All nodes in a value, found by looking at every field of every dataclass, whatever it is called."""
    if isinstance(value, ir.Node | ir.Clause):
        yield value
        for field in fields(value):
            yield from inside(getattr(value, field.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from inside(item)


def test_every_node_is_met_once_outer_before_inner(statements: list[ir.Node]) -> None:
    assert len(statements) > 200
    for statement in statements:
        assert list(map(id, ir.walk(statement))) == list(map(id, inside(statement)))


def test_children_are_the_nodes_directly_inside(statements: list[ir.Node]) -> None:
    for statement in statements:
        for node in ir.walk(statement):
            below = [n for child in ir.children(node) for n in ir.walk(child)]
            assert [node, *below] == list(ir.walk(node))


def test_what_is_not_changed_is_the_same_tree(statements: list[ir.Node]) -> None:
    for statement in statements:
        assert ir.rebuild(statement, lambda child: child) is statement


def moved(node: Any) -> Any:
    """A tree that stands elsewhere."""
    made = ir.rebuild(node, moved)
    return replace(made, span=ELSEWHERE) if isinstance(made, ir.Node) else made


def test_a_tree_that_stands_elsewhere_is_alike_and_one_with_another_leaf_is_not(
    statements: list[ir.Node],
) -> None:
    for statement in statements:
        other = moved(statement)
        assert other != statement
        assert all(n.span == ELSEWHERE for n in ir.walk(other) if isinstance(n, ir.Node))
        assert ir.alike(statement, other)
        assert ir.alike((statement, other), (other, statement))
        assert len(list(ir.walk(other))) == len(list(ir.walk(statement)))
        for leaf in [n for n in ir.walk(statement) if isinstance(n, ir.Local)][:3]:

            def renamed(node: Any, leaf: ir.Local = leaf) -> Any:
                return replace(leaf, name="another") if node is leaf else ir.rebuild(node, renamed)

            assert not ir.alike(statement, renamed(statement))


def test_size_is_counted_no_further_than_is_asked(statements: list[ir.Node]) -> None:
    for statement in statements:
        whole = len(list(ir.walk(statement)))
        assert ir.size(statement, 10_000) == whole
        assert ir.size(statement, 3) == min(whole, 4)
