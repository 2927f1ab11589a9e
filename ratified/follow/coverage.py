"""What a set of traces exercised of a model: its actions, the branches of these, and the reasons for refusal.

The model's methods are compiled a second time, with every test of an `if`, a conditional expression, a `case` or a `require`
told as it is evaluated; the steps that explain an event are taken again in that copy, and so are those that the event says were
refused. The copy decides nothing: the model itself does.

Guarantees: what is told as never exercised was so in no explanation of any event. Where several explanations were possible,
what is in any of them counts as exercised, unobserved steps that need not have happened included. What an overridden method does
when `super()` calls it is not counted.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from types import CellType, CodeType, FunctionType
from typing import Any, Final

from ratified.follow.steps import Change, Do, Holds, Refusal
from ratified.language.api import require
from ratified.language.compile.methods import methods_of
from ratified.language.errors import Span
from ratified.language.ir import Kind
from ratified.language.machine import PythonMachine, StepError, Values
from ratified.language.model import Model
from ratified.language.source import definition, span_of

BRANCH: Final = "branch"
REFUSAL: Final = "refusal"

_MET: Final = "__met__"


@dataclass(frozen=True, slots=True)
class Point:
    """A way that a test can go: a branch that is taken where it is `outcome`, or a `require` that is false."""

    kind: str  # BRANCH or REFUSAL
    method: str
    span: Span  # of the condition, or of the pattern of a case
    text: str  # that, as it is written, in a line
    outcome: bool

    def __str__(self) -> str:
        if self.kind == REFUSAL:
            return f"require({self.text})"
        return f"{self.text} is {'true' if self.outcome else 'false'}"


class Coverage:
    """What was exercised of one model so far. A trace may need it at another size: that adds to `before`, what others came to."""

    def __init__(self, model: Model, before: Coverage | None = None) -> None:
        self.model = model
        self.actions: Counter[str] = before.actions if before else Counter()
        self.met: Counter[Point] = before.met if before else Counter()
        self.actions.update({f.name: 0 for f in model.module.of_kind(Kind.ACTION)})
        self._machine = PythonMachine(model)
        self._now: set[Point] = set()
        functions = {name: m.function for name, m in methods_of(type(model)).items()}
        told = {}
        for name in _reached(functions, self.actions):
            told[name], points = _telling(functions[name], self._meet)
            self.met.update(dict.fromkeys(points, 0))
        self._machine.replace(told)

    def _meet(self, at: tuple[Point, Point | None], value: Any) -> Any:
        met = at[0] if value else at[1]
        if met is not None:
            self._now.add(met)
        return value

    def points_of(self, action: str, state: Values, arguments: Values) -> frozenset[Point]:
        """What one step goes through, or the attempt at it. Nothing is counted."""
        self._now.clear()
        parameters = self._machine.module.functions[action].arguments
        given = {p.name: a for p, a in zip(parameters, arguments, strict=True)}
        self._machine.take(state, action, given)
        return frozenset(self._now)

    def took(self, action: str, state: Values, arguments: Values) -> None:
        """Count a step."""
        self.actions[action] += 1
        self._count(self.points_of(action, state, arguments))

    def refused(self, state: Values, step: Do | Holds) -> None:
        """Count a step that was not possible, or a condition that was asked. One that leaves arguments open has no one reason."""
        if isinstance(step, Holds):
            self._now.clear()
            self._machine.ask(state, step.method, step.arguments)
            self._count(self._now)
            return
        parameters = self._machine.module.functions[step.action].arguments
        if all(p.name in step.arguments for p in parameters):
            self._count(self.points_of(step.action, state, tuple(step.arguments[p.name] for p in parameters)))

    def _count(self, points: Iterable[Point]) -> None:
        for point in points:
            if point in self.met:
                self.met[point] += 1

    @property
    def never_taken(self) -> tuple[str, ...]:
        """The actions that explained nothing."""
        return tuple(name for name, times in self.actions.items() if not times)

    def never(self, kind: str) -> tuple[Point, ...]:
        """The points of a kind that were never met, in the order of the source."""
        missed = [p for p, times in self.met.items() if p.kind == kind and not times]
        return tuple(sorted(missed, key=lambda p: (p.span.file, p.span.line, p.span.column, not p.outcome)))

    def count(self, kind: str) -> tuple[int, int]:
        """How many points of a kind were met, of how many."""
        times = [t for p, t in self.met.items() if p.kind == kind]
        return sum(map(bool, times)), len(times)


class Explanations:
    """The steps that were tried for one event; in the end those count that are part of an explanation."""

    def __init__(self) -> None:
        self._taken: list[tuple[Values, str, Values, Values]] = []
        self._refused: list[tuple[Values, Do | Holds]] = []

    def taken(self, before: Values, step: Do, arguments: Values, after: Values) -> None:
        """See Notes."""
        self._taken.append((before, step.action, arguments, after))

    def passed_over(self, before: Values, step: Do | Holds) -> None:
        """See Notes."""
        self._refused.append((before, step))

    def refused(self, before: Values, step: Do | Holds | Change | Refusal) -> None:
        """See Notes."""
        if isinstance(step, Do | Holds):
            self._refused.append((before, step))

    def count(self, coverage: Coverage, found: Iterable[Values]) -> None:
        """Count what led to the states that explain the event."""
        alive = set(found)
        for before, action, arguments, after in reversed(self._taken):
            if after in alive:
                alive.add(before)
                coverage.took(action, before, arguments)
        for before, step in self._refused:
            if before in alive:
                try:
                    coverage.refused(before, step)
                except StepError:  # it has no answer there, so that it is no reason either
                    continue


def _reached(functions: Mapping[str, FunctionType], begin: Iterable[str]) -> list[str]:
    """The methods that actions are made of: themselves, and what they call of `self`."""
    found = dict.fromkeys(begin)
    waiting = list(found)
    while waiting:
        node, _ = definition(functions[waiting.pop()])
        called = [n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute) and n.attr in functions]
        new = [name for name in dict.fromkeys(called) if name not in found]
        found.update(dict.fromkeys(new))
        waiting += new
    return list(found)


class _Telling(ast.NodeTransformer):
    """Wraps every test in a call that tells how it went."""

    def __init__(self, raw: FunctionType, file: str) -> None:
        self.places: list[tuple[Point, Point | None]] = []
        self._raw = raw
        self._file = file

    def _point(self, kind: str, node: ast.AST, outcome: bool) -> Point:
        text = " ".join(ast.unparse(node).split())
        return Point(kind, self._raw.__name__, span_of(node, self._file), text, outcome)

    def _told(self, at: tuple[Point, Point | None], node: ast.expr) -> ast.expr:
        self.places.append(at)
        number = ast.Constant(len(self.places) - 1)
        return ast.copy_location(ast.Call(ast.Name(_MET, ast.Load()), [number, node], []), node)

    def _test(self, test: ast.expr) -> ast.expr:
        at = (self._point(BRANCH, test, True), self._point(BRANCH, test, False))
        return self._told(at, self.visit(test))

    def visit_If(self, node: ast.If) -> ast.AST:
        node.test = self._test(node.test)
        node.body = [self.visit(s) for s in node.body]
        node.orelse = [self.visit(s) for s in node.orelse]
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        node.test = self._test(node.test)
        node.body, node.orelse = self.visit(node.body), self.visit(node.orelse)
        return node

    def visit_match_case(self, node: ast.match_case) -> ast.AST:
        point = self._point(BRANCH, node.pattern, True)
        if node.guard is not None:
            node.guard = self._test(node.guard)
        told = ast.Expr(self._told((point, None), ast.copy_location(ast.Constant(True), node.pattern)))
        node.body = [ast.copy_location(told, node.pattern), *(self.visit(s) for s in node.body)]
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if len(node.args) == 1 and self._is_require(node.func):
            refusal = self._point(REFUSAL, node.args[0], False)
            # A condition that is true is no news: what it guards tells of that.
            self.places.append((refusal, None))
            number = ast.Constant(len(self.places) - 1)
            condition = self.visit(node.args[0])
            asked = ast.Call(ast.Name(_MET, ast.Load()), [number, ast.UnaryOp(ast.Not(), condition)], [])
            node.args = [ast.copy_location(ast.UnaryOp(ast.Not(), asked), condition)]
            return node
        return self.generic_visit(node)

    def _is_require(self, function: ast.expr) -> bool:
        if isinstance(function, ast.Attribute):
            return function.attr == "require"
        return isinstance(function, ast.Name) and self._raw.__globals__.get(function.id) is require


def _telling(raw: FunctionType, meet: Any) -> tuple[FunctionType, list[Point]]:
    """A function with the same effect that tells `meet` how every test goes, and the points that it has."""
    node, file = definition(raw)
    telling = _Telling(raw, file)
    made = deepcopy(node)
    made.decorator_list, made.returns = [], None
    made.args.defaults, made.args.kw_defaults = [], []
    for argument in (*made.args.posonlyargs, *made.args.args, *made.args.kwonlyargs):
        argument.annotation = None
    made.body = [telling.visit(s) for s in made.body]
    # Within a function that has the names that the method takes from around it, `super()`'s `__class__` among them.
    around = [ast.arg(name) for name in (*raw.__code__.co_freevars, _MET)]
    outer = ast.FunctionDef("around", ast.arguments([], around, None, [], [], None, []), [made], [])
    module = ast.fix_missing_locations(ast.Module([outer], []))
    code = _code(_code(compile(module, file, "exec", dont_inherit=True), "around"), made.name)
    places = telling.places
    cells = dict(zip(raw.__code__.co_freevars, raw.__closure__ or (), strict=True))
    cells[_MET] = CellType(lambda number, value: meet(places[number], value))
    closure = tuple(cells[name] for name in code.co_freevars)
    function = FunctionType(code, raw.__globals__, raw.__name__, raw.__defaults__, closure)
    function.__kwdefaults__ = raw.__kwdefaults__
    return function, [p for place in places for p in place if p is not None]


def _code(within: CodeType, name: str) -> CodeType:
    return next(c for c in within.co_consts if isinstance(c, CodeType) and c.co_name == name)
