"""Mistakes that are planted systematically: every comparison, sum, constant, condition and statement of a source, one at a time.

What no machine notices is either no mistake (an *equivalent* mutant) or a gap in the machines (DeMillo, Lipton & Sayward, "Hints
on test data selection", 1978).

Guarantees: the same source gives the same mutations in the same order, each under a name that does not depend on line numbers;
nothing is chosen by hand. Left alone: annotations, docstrings, defaults of parameters, what an error says. A mutant that loops
for ever is stopped after LOOPS_MOST turns of a loop of its own, and raises EndlessError.
"""

from __future__ import annotations
import __future__

import ast
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from importlib import import_module
from inspect import getsource
from types import CodeType, ModuleType
from typing import Any, TypeAlias, TypeVar

from ratified.conform.mutants import Mutant

N = TypeVar("N", bound=ast.AST)

LOOPS_MOST = 100_000

Where: TypeAlias = tuple[tuple[str, int | None], ...]
"""A node in a function: fields, and places in them where they are lists."""


class EndlessError(Exception):
    """A loop of a mutant did not end."""


COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
CALLED = {
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "add": "discard",
    "discard": "add",
}
DROPPED = (
    ast.Expr,
    ast.Assign,
    ast.AugAssign,
    ast.AnnAssign,
    ast.Return,
    ast.Raise,
    ast.Delete,
    ast.Break,
    ast.Continue,
)
LEFT_ALONE = (ast.JoinedStr, ast.Raise)
"""What errors say is no policy."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """A mistake: `name` says where and what; `mutant` makes what is planted."""

    name: str
    place: str
    tree: ast.FunctionDef

    def mutant(self) -> Mutant:
        """Compile it."""
        module_name, _, path = self.place.partition(":")
        module = import_module(module_name)
        owner: Any = module
        *outer, name = path.split(".")
        for part in outer:
            owner = getattr(owner, part)
        original = vars(owner)[name]
        made = _compiled(self.tree, module, owner if outer else None)
        if outer:
            return Mutant(((self.place, made),))
        package = module_name.partition(".")[0]
        users = [
            user
            for user, its in sorted(sys.modules.items())
            if user.partition(".")[0] == package and vars(its).get(name) is original
        ]
        return Mutant(tuple((f"{user}:{name}", made) for user in users))


def mutations(sources: Iterable[str]) -> Iterator[Mutation]:
    """Every mutation of the functions at these places: `module:function`, `module:Class` or `module:Class.method`."""
    for source in sources:
        module_name, _, path = source.partition(":")
        tree = ast.parse(getsource(import_module(module_name)))
        for place, function in _functions(tree, path):
            seen: Counter[str] = Counter()
            for what, changed in _changes(function):
                seen[what] += 1
                again = f" ({seen[what]})" if seen[what] > 1 else ""
                yield Mutation(f"{place}: {what}{again}", f"{module_name}:{place}", changed)


def _functions(tree: ast.AST, path: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    first, _, rest = path.partition(".")
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef) and node.name == first:
            yield first, node
        elif isinstance(node, ast.ClassDef) and node.name == first:
            for member in node.body:
                if isinstance(member, ast.FunctionDef) and rest in ("", member.name):
                    yield f"{first}.{member.name}", member


def _changes(function: ast.FunctionDef) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every change of a function, and what it comes to in words."""
    for where, node in _nodes(function):
        for new in instead(node):
            before, after = text(node), text(new)
            if before != after:
                yield f"{before} becomes {after}", changed(function, where, new)
        if isinstance(node, DROPPED):
            yield f"without {text(node)}", changed(function, where, ast.Pass())


def _nodes(function: ast.FunctionDef) -> Iterator[tuple[Where, ast.AST]]:
    """The nodes of a function's body that can be mistaken, the outer before the inner."""

    def within(node: ast.AST, where: Where) -> Iterator[tuple[Where, ast.AST]]:
        if isinstance(node, LEFT_ALONE):
            if isinstance(node, ast.Raise):
                yield where, node
            return
        yield where, node
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "args", "decorator_list") and not isinstance(node, ast.Call):
                continue
            if isinstance(value, ast.AST):
                yield from within(value, (*where, (name, None)))
            elif isinstance(value, list):
                for i, item in enumerate(value):
                    if isinstance(item, ast.AST):
                        yield from within(item, (*where, (name, i)))

    for i, statement in enumerate(function.body):
        if i or not is_text(statement):
            yield from within(statement, (("body", i),))


def is_text(statement: ast.stmt) -> bool:
    """Whether a statement is a text that stands by itself, as a docstring does."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def instead(node: ast.AST) -> Iterator[ast.AST]:
    """What a node could have been by mistake."""
    match node:
        case ast.Compare():
            for i, op in enumerate(node.ops):
                for other in COMPARED.get(type(op), ()):
                    new = deepcopy(node)
                    new.ops[i] = other()
                    yield new
        case ast.BoolOp():
            new_bool = deepcopy(node)
            new_bool.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield new_bool
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield deepcopy(node.operand)
        case ast.BinOp() | ast.AugAssign() if type(node.op) in COMPUTED:
            new_op = deepcopy(node)
            new_op.op = COMPUTED[type(node.op)]()
            yield new_op
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield ast.Constant(value + 1)
            yield ast.Constant(value - 1)
        case ast.Name(id=name, ctx=ast.Load()) if name in CALLED:
            yield ast.Name(CALLED[name], ast.Load())
        case ast.Attribute(attr=name, ctx=ast.Load()) if name in CALLED:
            new_attribute = deepcopy(node)
            new_attribute.attr = CALLED[name]
            yield new_attribute
        case ast.If() | ast.IfExp() | ast.While():
            for value in (True, False):
                if not (isinstance(node, ast.While) and isinstance(node.test, ast.Constant)):
                    new_test = deepcopy(node)
                    new_test.test = ast.Constant(value)
                    yield new_test
        case ast.comprehension():
            for i in range(len(node.ifs)):
                new_ifs = deepcopy(node)
                del new_ifs.ifs[i]
                yield new_ifs


def text(node: ast.AST) -> str:
    """A node in one line: of a statement that has others, its head."""
    if isinstance(node, ast.If | ast.While):
        return f"{'if' if isinstance(node, ast.If) else 'while'} {ast.unparse(node.test)}"
    if isinstance(node, ast.comprehension):
        return ast.unparse(node).strip()
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
        return f"raise {ast.unparse(node.exc.func)}"
    return " ".join(ast.unparse(node).split())


def changed(tree: N, where: Where, new: ast.AST) -> N:
    """A copy of a tree with something else at a place in it."""
    copy = deepcopy(tree)
    node: Any = copy
    *outer, (name, index) = where
    for field, i in outer:
        node = getattr(node, field) if i is None else getattr(node, field)[i]
    if index is None:
        setattr(node, name, new)
    else:
        getattr(node, name)[index] = new
    return copy


_TURN = "_ratified_turn"


class _CountedLoops(ast.NodeTransformer):
    def _loop(self, node: ast.While | ast.For) -> ast.AST:
        self.generic_visit(node)
        node.body.insert(0, ast.Expr(ast.Call(ast.Name(_TURN, ast.Load()), [], [])))
        return node

    visit_While = _loop  # noqa: N815 - as the visitor wants it
    visit_For = _loop  # noqa: N815 - likewise


def count_turns(function: ast.FunctionDef | ast.AsyncFunctionDef, counter: str) -> None:
    """Have each turn of a function's loops counted; where it stands, `counter` is the name of a `turn_counter`."""
    _CountedLoops().visit(function)
    made = ast.Call(ast.Name(counter, ast.Load()), [], [])
    function.body.insert(0, ast.Assign([ast.Name(_TURN, ast.Store())], made))


def turn_counter(most: int) -> Callable[[], Callable[[], None]]:
    """What makes a counter for each call of a function; it raises EndlessError after `most` turns."""

    def begin() -> Callable[[], None]:
        count = 0

        def turn() -> None:
            nonlocal count
            count += 1
            if count > most:
                raise EndlessError(f"a loop did not end after {most:,} turns")

        return turn

    return begin


def _compiled(function: ast.FunctionDef, module: ModuleType, owner: type | None) -> Any:
    """Make a function of a tree, in its module; `super()` works, since its class is where it is looked for."""
    make = ast.parse("def _make(__class__, _turns): pass").body[0]
    assert isinstance(make, ast.FunctionDef)
    inner = deepcopy(function)
    count_turns(inner, "_turns")
    make.body = [inner, ast.Return(ast.Name(function.name, ast.Load()))]
    tree = ast.fix_missing_locations(ast.Module([make], []))
    flags = __future__.annotations.compiler_flag
    code: CodeType = compile(tree, f"<{function.name}>", "exec", flags=flags, dont_inherit=True)
    scope: dict[str, Any] = {}
    exec(code, vars(module), scope)  # noqa: S102 - our own source, with one mistake
    return scope["_make"](owner, turn_counter(LOOPS_MOST))
