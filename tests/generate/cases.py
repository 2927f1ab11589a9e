"""Expressions on their own: a model whose one action evaluates one expression for every value of the names in it.

The variables that the expression reads are chosen by `init`, so each initial state is an environment, and its successors are
the expression's values for every choice of the action's parameters.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from tests.generate import worlds
from tests.generate.choices import Chooser, HypothesisSource, RandomSource
from tests.generate.models import GeneratedModel, ModelWriter, assemble
from tests.generate.scope import Name
from tests.generate.types import BOOL, INTEGER, IntType, Type, annotation, cardinality, has_zero
from tests.generate.updates import Lines, indented

ENVIRONMENTS_MOST = 300
DEPTH = 3


def random_case(seed: int) -> GeneratedModel:
    """The expression of a seed."""
    return CaseWriter(Chooser(RandomSource(seed))).case()


@st.composite
def expression_cases(draw: st.DrawFn) -> GeneratedModel:
    """Models around one expression, which shrink to a smaller one over fewer names."""
    return CaseWriter(Chooser(HypothesisSource(draw))).case()


class CaseWriter(ModelWriter):
    """Writes a file around one expression."""

    def case(self) -> GeneratedModel:
        """A model with an action `evaluate`, which stores the expression's value in `result`."""
        self.world = worlds.draw_world(self.choose)
        scope, top = self._functions()
        budget = ENVIRONMENTS_MOST
        variables: list[Name] = []
        arguments: list[Name] = []
        for number in self.choose.several(1, 4, 65):
            kind = worlds.variable(self.choose, self.world, budget)
            budget = max(2, budget // cardinality(kind))
            if number % 2:
                arguments.append(Name(f"b{number}", kind))
            else:
                variables.append(Name(f"self.x{number}", kind))
        scope = scope.having(*variables, *arguments)
        result = self._result_type()
        if not self.can(scope, result):
            result = BOOL
        expression = self.expr(scope, INTEGER if isinstance(result, IntType) else result, DEPTH)
        lines = [
            *worlds.declarations(self.world),
            *top,
            *_class(
                variables, arguments, annotation(result) + ("" if has_zero(result) else " | None"), expression
            ),
        ]
        return GeneratedModel(assemble(lines), "Base", {sort.name: sort.size for sort in self.world.sorts})

    def _result_type(self) -> Type:
        options: list[tuple[int, Callable[[], Type]]] = [
            (4, lambda: BOOL),
            (3, lambda: IntType(-99, 99)),
            (2, lambda: worlds.argument(self.choose, self.world)),
            (4, lambda: worlds.variable(self.choose, self.world, 100_000)),
        ]
        return self.choose.weighted(options)


def _class(variables: list[Name], arguments: list[Name], result: str, expression: str) -> Lines:
    fields = [(name.text.removeprefix("self."), annotation(name.kind)) for name in variables]
    chosen = "".join(f", {field}: {kind}" for field, kind in fields)
    given = "".join(f", {name.text}: {annotation(name.kind)}" for name in arguments)
    return [
        *("", "", "class Base(Model):", '    """One expression."""', ""),
        *indented([*(f"{field}: {kind}" for field, kind in fields), f"result: {result}", "done: bool"]),
        *("", f"    def init(self{chosen}) -> None:"),
        *indented(indented([f"self.{field} = {field}" for field, _ in fields])),
        *("", "    @action", f"    def evaluate(self{given}) -> None:"),
        *indented(indented(["require(not self.done)", "self.done = True", f"self.result = {expression}"])),
    ]
