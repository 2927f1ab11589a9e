"""Expressions that are asked about a model's states: text that a person types, read by the language's own front end.

Guarantees: the text is parsed and compiled, and never evaluated as Python: what is not an expression of the language over the
model's variables is a `ModelError` with a caret. In it variables, parameters and methods may be named without `self`, values of
sorts by how they print (`s1`, `b0`), members of an Enum without their class and variables by their last word (`term` for
`current_term`), where that is unambiguous.
"""

from __future__ import annotations

import ast
import builtins
import linecache
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from ratified.language import ir
from ratified.language.compile import names
from ratified.language.compile.conditions import condition as compile_condition
from ratified.language.compile.context import MISSING, Context, Tables
from ratified.language.compile.copies import refuse_sharing
from ratified.language.compile.expressions import expression
from ratified.language.compile.module import ModuleCompiler
from ratified.language.compile.statements import statement
from ratified.language.errors import ModelError, Span
from ratified.language.evaluate import Evaluator
from ratified.language.ir import Expr, Module, Which
from ratified.language.machine import Values
from ratified.language.model import Model
from ratified.language.rules import Rules
from ratified.language.scope import running
from ratified.language.sorts import BoundLeft, Symmetric
from ratified.language.types import EnumType, IntType, RecordType, SortType, Type, parts, unbounded
from ratified.language.uses import Uses, nodes

FILE = "<expression>"
"""Where an expression stands, as messages name it."""

LONGEST = 2_000
"""Characters in an expression. Nobody types more, and the parser is recursive."""


@dataclass(frozen=True, slots=True)
class Query:
    """Expressions over the variables of a model, each with its text. `module` has all functions that they call."""

    parts: tuple[tuple[str, Expr], ...]
    module: Module

    @property
    def text(self) -> str:
        """The whole, as it may be typed again."""
        return ", ".join(text for text, _ in self.parts)


def condition(model: Model, text: str, given: Sequence[str] = ()) -> Query:
    """A condition on states. `given` are names of numbers besides, which `Answers` is given. Raises ModelError if it is none."""

    def read() -> Query:
        asked, node = _reader(model, text, given)
        test, _, _ = asked.context.test(node)
        return Query(((text.strip(), test),), asked.module.compiled())

    return _shallow(read)


def expressions(model: Model, text: str, given: Sequence[str] = ()) -> Query:
    """One or several expressions on states, with commas between them; otherwise as `condition`."""

    def read() -> Query:
        asked, node = _reader(model, text, given)
        nodes = node.elts if isinstance(node, ast.Tuple) and node.elts else [node]
        made = tuple((ast.get_source_segment(text, n) or text.strip(), asked.context.kept(n)) for n in nodes)
        return Query(made, asked.module.compiled())

    return _shallow(read)


class Answers:
    """Answers a query in one state after another."""

    def __init__(self, model: Model, query: Query) -> None:
        self._scope = model.scope
        self._names = [d.name for d in query.module.variables]
        self._exprs = [expr for _, expr in query.parts]
        self._evaluator = Evaluator(query.module, model.scope)

    def __call__(self, state: Values, given: Mapping[str, int] = MappingProxyType({})) -> tuple[Any, ...]:
        """The value of each part. Raises ModelError where the expression has no answer in the state."""
        self._evaluator.now = dict(zip(self._names, state, strict=True))
        with running(self._scope):
            try:
                return tuple(self._evaluator.expr(expr, dict(given)) for expr in self._exprs)
            except BoundLeft as left:
                raise ModelError(f"this exceeds {left.what}", remedy="test for the bound first") from None


class _Compiler(ModuleCompiler):
    """Compiles what an expression calls, as methods of the model's class."""

    def compiled(self) -> Module:
        """The model's module, with every function that was compiled since."""
        module = self.cls.module  # type: ignore[attr-defined]  # a model class
        return Module(
            module.name,
            module.doc,
            module.sorts,
            module.parameters,
            module.variables,
            {**module.functions, **{k: f for k, f in self.functions.items() if k not in module.functions}},
            module.span,
        )


_naming: Rules[Context, Expr] = Rules("names, as a person types them")


@_naming.rule(ast.Name)
def _name(node: ast.Name, c: Context) -> Expr:
    name = node.id
    known = name in c.env.aliases or name in c.env.types or name in c.receivers
    if not known and name in c.module.methods:
        c.fail(node, f"`{name}` is a method of the model", f"call it: {name}(...)")
    if not known and c.static_name(name) is MISSING:
        variables = [*c.module.variables, *c.module.parameters]
        near = [v for v in variables if name in v] or get_close_matches(
            name, [*variables, *c.env.aliases], n=1
        )
        hint = f"did you mean `{near[0]}`? " if near else ""
        c.fail(node, f"the model has no variable `{name}`", f"{hint}its variables: {', '.join(variables)}")
    return names.rules(node, c)


@_naming.rule(ast.Attribute)
def _attribute(node: ast.Attribute, c: Context) -> Expr:
    return names.rules(node, c)


_TABLES = Tables(expression(_naming), compile_condition, statement, refuse_sharing)


class _OwnMethods(ast.NodeTransformer):
    """Puts `self.` before the model's methods where they are called without it."""

    def __init__(self, methods: Mapping[str, object]) -> None:
        self.methods = methods

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in self.methods:
            me = ast.copy_location(ast.Name("self", ast.Load()), node.func)
            node.func = ast.copy_location(ast.Attribute(me, node.func.id, ast.Load()), node.func)
        return node


_NODE = ast.FunctionDef(
    name="expression",
    args=ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[]),
    body=[],
    decorator_list=[],
    lineno=1,
    col_offset=0,
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What compiles an expression: as in a method of the model, with more names."""

    module: _Compiler
    context: Context


def _reader(model: Model, text: str, given: Sequence[str] = ()) -> tuple[_Asked, ast.expr]:
    """What compiles the text, and the text parsed."""
    if len(text) > LONGEST:
        raise ModelError(
            f"the expression has {len(text):,} characters", remedy=f"at most {LONGEST:,} are read"
        )
    # So that messages can quote it; an entry without a time stays until it is replaced.
    linecache.cache[FILE] = (len(text), None, [text + "\n"], FILE)
    if not text.strip():
        raise ModelError("there is no expression", remedy="write one over the model's variables")
    try:
        node = ast.parse(text, FILE, mode="eval").body
    except SyntaxError as problem:
        column = max((problem.offset or 1) - 1, 0)
        span = Span(FILE, problem.lineno or 1, column, problem.lineno or 1, column + 1)
        raise ModelError(f"this is not an expression: {problem.msg}", span=span, remedy=_AS_IN) from None
    except (ValueError, RecursionError, MemoryError) as problem:
        raise ModelError(f"this is not an expression: {problem}", remedy=_AS_IN) from None
    known = _names(type(model))
    module = _Compiler(type(model), known, 1)
    node = _OwnMethods(module.methods).visit(node)
    function = types.FunctionType((lambda: None).__code__, dict(known))
    context = Context(module, _TABLES, _NODE, FILE, function, {"self": Which.NOW}, type(model))
    at = Span(FILE, 1, 0, 1, 1)
    context.env.aliases.update({name: ir.Local(at, IntType(), name) for name in given})
    context.env.aliases.update(_aliases(model))
    return _Asked(module, context), node


_AS_IN = "write one as in the model: a comparison, all(...), a call of a helper method"


def _shallow(read: Callable[[], Query]) -> Query:
    """Read a text; one that is nested too deeply is none."""
    try:
        return read()
    except RecursionError:
        raise ModelError(
            "this expression is nested too deeply",
            remedy="simplify it",
        ) from None


def _names(cls: type) -> dict[str, Any]:
    """What the files name in which the model and what it derives from are written."""
    names: dict[str, Any] = {}
    for klass in reversed(cls.__mro__[:-2]):
        module = sys.modules.get(klass.__module__)
        if module is not None and not hasattr(builtins, klass.__name__):
            names.update(vars(module))
    for t in _types(cls.module):  # type: ignore[attr-defined]  # a model class
        match t:
            case SortType(one) | EnumType(one) | RecordType(one):
                names.setdefault(one.__name__, one)
    return names


def _types(module: Module) -> Iterator[Type]:
    """Every type that a model's variables and parameters consist of."""
    for declaration in (*module.variables, *module.parameters):
        yield from parts(declaration.type)


def _aliases(model: Model) -> dict[str, Expr]:
    """The names that stand for something without more ado; variables first, so that nothing hides them."""
    span = Span(FILE, 1, 0, 1, 1)
    module = model.module
    found: dict[str, Expr] = {}
    ends: dict[str, list[ir.Variable]] = {}
    for v in module.variables:
        ends.setdefault(v.name.rpartition("_")[2], []).append(ir.Variable(span, v.type, v.name, Which.NOW))
    found.update({end: several[0] for end, several in ends.items() if len(several) == 1})
    members: dict[str, list[ir.Literal]] = {}
    for t in dict.fromkeys(_types(module)):
        if isinstance(t, EnumType):
            for member in t.enum:
                members.setdefault(member.name, []).append(ir.Literal(span, t, member))
    found.update({name: several[0] for name, several in members.items() if len(several) == 1})
    for sort in module.sorts:
        with running(model.scope):
            found.update({repr(value): ir.Literal(span, sort, value) for value in sort.sort})
    found.update({p.name: ir.Parameter(span, p.type, p.name) for p in module.parameters})
    found.update({v.name: ir.Variable(span, v.type, v.name, Which.NOW) for v in module.variables})
    return found


def read_by(query: Query) -> frozenset[str]:
    """The variables that a query reads, itself or through what it calls."""
    return Uses(query.module).reads([expr for _, expr in query.parts])


def one_of_many(query: Query) -> Symmetric | None:
    """A value of a symmetric sort that a query names, if it names one: its answers change when values are renamed."""
    named = (n.value for n in nodes([expr for _, expr in query.parts]) if isinstance(n, ir.Literal))
    return next((value for value in named if isinstance(value, Symmetric)), None)


def view_query(model: Model, name: str) -> Query:
    """The call of a view (or of a helper without parameters) as a query."""
    function = model.module.functions[name]
    assert function.returns is not None
    span = function.span
    call = ir.Call(span, unbounded(function.returns), name, (), Which.NOW)
    return Query(((name, call),), model.module)
