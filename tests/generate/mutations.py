"""Models that must be refused: valid ones with one thing put in that is not of the language.

Each must raise a ModelError that says where (a span in the file), when the class is defined or the model is instantiated; no
other exception, and nothing accepted in silence.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from tests.generate.choices import Chooser, HypothesisSource, RandomSource
from tests.generate.models import LANGUAGE, GeneratedModel, ModelWriter


@dataclass(frozen=True, slots=True, repr=False)
class Refused:
    """A model with something wrong in it: `what`, for the message of a failing test."""

    model: GeneratedModel
    what: str

    def __repr__(self) -> str:
        return f"\n{self}"

    def __str__(self) -> str:
        return f"# must be refused: {self.what}\n{self.model}"


STATEMENTS = (
    "while True:\n    pass",
    "things = Set([1])\nothers = things\nthings.add(2)",
    "first = next([1])",
    "try:\n    pass\nfinally:\n    pass",
    "with self:\n    pass",
    "global unknown",
    "print(1)",
    "del self",
    "import math",
    "yield 1",
    "raise ValueError",
    "def inner() -> None:\n    pass",
    "class Inner:\n    pass",
    "async def later() -> None:\n    pass",
    "nothing = unknown_name",
    "unknown_function()",
    "self.unknown_method()",
    "self.unknown_variable = True",
    "nothing = self.unknown_variable",
    "word = 'text'",
    "number = 1.5",
    "pair = (1, 2)\npair.count = 3",
    "number = 1\nnumber = True if number > 0 else None",
    "flag = True\nflag = None",
    "number = 1 + None",
    "flag = 1 < None",
    "flag = 1 == True == None and 1 in 2",
    "number = len(5)",
    "for q in 5:\n    pass",
    "number = [1, 2].append(3)",
    "things = [1]\nthings.append(2)",
    "things = {1}\nthings.add(2)",
    "things = {1: 2}\nthings[1] = 3",
    "mixed = [1, None, (1, 2)]",
    "mixed = {1, (2, 3)}",
    "f = lambda x: x",
    "if True and (n := 1) > 0:\n    pass",
    "number = 1 / 2",
    "number = 2 ** (1 - 2)",
    "number = 1 << 2",
    "number = ~1",
    "number = 1 & 2",
    "number, other = 1",
    "one, two = (1, 2, 3)",
    "*some, last_one = (1, 2, 3)",
    "require()",
    "require(True, True)",
    "require(5)",
    "number = require(True)",
    "number = sorted([1], reverse=1.5)",
    "number = min()",
    "number = abs(None)",
    "number = (1, 2)[5]",
    "number = (1, 2)[0:1].x",
    "number = max(1, None)",
    "number = sum([None])",
    "flag = isinstance(1, int)",
    "flag = self is self",
    "kind = type(self)",
    "flag = getattr(self, 'x')",
    "number = eval('1')",
    "number = int('1')",
    "number = id(self)",
    "number = hash(1)",
    "text = f'{1}'",
    "match 1:\n    case 'a':\n        pass",
    "match (1, 2):\n    case (1, 2, 3):\n        pass",
    "match 1:\n    case [*rest]:\n        pass",
    "match 1:\n    case {'a': 1}:\n        pass",
    "match 1:\n    case Unknown():\n        pass",
    "assert 5",
    "return 5",
    "number = ...",
    "self = 1",
    "number += 1",
    "if True:\n    late = 1\nelse:\n    pass\nlater = late + unknown_later",
)
"""Statements that no action may have. (Some are not even valid for a type checker.)"""

MEMBERS = (
    "text: str",
    "ratio: float",
    "anything: object",
    "items: list[int]",
    "table: dict[int, int]",
    "unbounded: Seq[bool]",
    "nested: Map[Seq[bool], bool]",
    "either: bool | int",
    "wrong: Annotated[bool, Range(0, 1)]",
    "wrong: Annotated[int, AtMost(2)]",
    "wrong: Map[bool]",
    "initially: bool = 5",
    "@action\ndef wild(self, *values: bool) -> None:\n    pass",
    "@action\ndef wild(self, **values: bool) -> None:\n    pass",
    "@action\ndef wild(self, x) -> None:\n    pass",
    "@action\ndef wild(self, x: str) -> None:\n    pass",
    "@action\ndef wild(self, x: bool = True) -> bool:\n    return x",
    "@action\ndef wild() -> None:\n    pass",
    "@invariant\ndef claim(self) -> int:\n    return 5",
    "@invariant\ndef claim(self) -> bool:\n    pass",
    "@invariant\ndef claim(self) -> bool:\n    self.claimed = True\n    return True",
    "@invariant\ndef claim(self) -> bool:\n    require(True)\n    return True",
    "@step_invariant\ndef claim(self) -> bool:\n    return True",
    "@constraint\ndef claim(self, old: 'Base') -> bool:\n    return True",
    "def help_me(self) -> bool:\n    return self.help_me()\n@invariant\ndef claim(self) -> bool:\n    return self.help_me()",
    "def help_me(self) -> bool:\n    if True:\n        return 5\n    return None\n@invariant\ndef claim(self) -> bool:\n"
    "    return self.help_me()",
    "async def later(self) -> bool:\n    return True",
)
"""Members that no model may have."""

EXPRESSIONS: tuple[tuple[str, Callable[[ast.expr], ast.expr]], ...] = (
    ("an unknown name in place of an expression", lambda _: ast.Name("unknown_name", ast.Load())),
    ("a string in place of an expression", lambda _: ast.Constant("text")),
    ("an attribute() of an empty container", lambda old: ast.Attribute(old, "no_such_attribute", ast.Load())),
    ("a call of what cannot be called", lambda old: ast.Call(ast.Name("self", ast.Load()), [old], [])),
    ("an awaited expression", lambda old: ast.Call(ast.Attribute(old, "unknown", ast.Load()), [], [])),
    ("a float in place of an expression", lambda _: ast.Constant(0.5)),
)
"""What may take the place of an expression and is wrong wherever it stands."""


def random_refused(seed: int) -> Refused:
    """The refused model of a seed."""
    return _refused(Chooser(RandomSource(seed)))


@st.composite
def refused_models(draw: st.DrawFn) -> Refused:
    """Models that must be refused."""
    return _refused(Chooser(HypothesisSource(draw)))


def _refused(choose: Chooser) -> Refused:
    what = choose.below(3)
    detail = choose.below((len(STATEMENTS), len(MEMBERS), 10 * len(EXPRESSIONS))[what])
    model = ModelWriter(choose).model()
    tree = ast.parse(model.text)
    base = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Base")
    if what == 0:
        said = _with_statement(base, STATEMENTS[detail])
    elif what == 1:
        base.body += ast.parse(MEMBERS[detail]).body
        said = MEMBERS[detail]
    else:
        said = _with_expression(base, EXPRESSIONS[detail % len(EXPRESSIONS)], detail // len(EXPRESSIONS))
    names = "AtMost Map Range Seq action constraint invariant require step_invariant"
    extra = ast.parse(f"from typing import Annotated\nfrom {LANGUAGE} import {', '.join(names.split())}").body
    tree.body[1:1] = extra
    return Refused(
        replace(model, text=ast.unparse(ast.fix_missing_locations(tree)) + "\n", name="Base"), said
    )


def _actions(base: ast.ClassDef) -> list[ast.FunctionDef]:
    found = [node for node in base.body if isinstance(node, ast.FunctionDef)]
    return [node for node in found if any(ast.unparse(mark) == "action" for mark in node.decorator_list)]


def _with_statement(base: ast.ClassDef, statement: str) -> str:
    action = _actions(base)[0]
    action.body[0:0] = ast.parse(statement).body
    return statement


class _Placing(ast.NodeTransformer):
    """Puts something in the place of the expression with a given number, in the order of the text."""

    def __init__(self, number: int, make: Callable[[ast.expr], ast.expr]) -> None:
        self.left = number
        self.make = make
        self.done = False
        self.kept: set[int] = set()

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.Call):
            self.kept.add(id(node.func))  # Python itself warns of a call of a constant
        if isinstance(node, ast.Compare):
            self.kept.update(id(each) for each in (node.left, *node.comparators))  # and of `is` with one
        if isinstance(node, ast.Expr):
            self.kept.add(id(node.value))  # a text as a whole statement is a comment
        loaded = isinstance(getattr(node, "ctx", None), ast.Load | None)
        if isinstance(node, ast.expr) and loaded and id(node) not in self.kept and not self.done:
            if self.left == 0:
                self.done = True
                return self.make(node)
            self.left -= 1
        return self.generic_visit(node)


def _with_expression(
    base: ast.ClassDef, change: tuple[str, Callable[[ast.expr], ast.expr]], number: int
) -> str:
    """One expression of the first action, or its guard, replaced; a new guard if there are not so many."""
    action = _actions(base)[0]
    placing = _Placing(number, change[1])
    for statement in action.body:
        if not isinstance(
            statement, ast.Match | ast.AnnAssign
        ):  # patterns and annotations are no expressions
            placing.visit(statement)
    if not placing.done:
        action.body.insert(
            0, ast.Expr(ast.Call(ast.Name("require", ast.Load()), [change[1](ast.Constant(True))], []))
        )
    return change[0]
