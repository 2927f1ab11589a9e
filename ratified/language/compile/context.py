"""What compiling one function needs to know: names, their types, and what is known about them at this point.

Guarantees: every refusal is a ModelError with a span and a remedy; a static name is resolved the way CPython will resolve it.

The forms of source are compiled by rules over a context, a table each for expressions, conditions and statements, which the
context holds: so no part of the compiler imports one that imports it.
"""

from __future__ import annotations

import ast
import builtins
import itertools
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, EnumType
from functools import lru_cache
from types import FunctionType, ModuleType
from typing import Any, NoReturn, Protocol

from ratified.language import ir
from ratified.language.compile.constants import constant_of, texts_of, type_of
from ratified.language.compile.walrus import hoisted
from ratified.language.compile.wording import with_more_words, word_too_many, words_fit
from ratified.language.errors import ModelError, Span
from ratified.language.ir import Declaration, Expr, Function, Node, Which
from ratified.language.partial import PartialMap
from ratified.language.source import span_of
from ratified.language.types import (
    BOOL,
    AnnotationProblem,
    BagType,
    MapType,
    OptionalType,
    SeqType,
    SetType,
    Type,
    fits,
    from_annotation,
    has_bounds,
    join,
    unbounded,
)
from ratified.language.values import Bag, Map, Seq, Set

NarrowedTypes = dict[str, Type]
"""What is known here beyond declared types: the source text of an expression, and the smaller type it has. Of a value of an
Enum `x != Color.RED` may be known, with any type."""

UNREACHABLE = "False"
"""What is known where control never comes: all members of an Enum, or all records of a union, have been asked for."""


_PLAIN: dict[object, str] = {
    set: "set",
    frozenset: "set",
    list: "list",
    sorted: "list",
    reversed: "iterator",
    enumerate: "iterator",
    zip: "iterator",
    filter: "iterator",
    map: "iterator",
    range: "range",
    itertools.pairwise: "iterator",
    itertools.product: "iterator",
    itertools.chain: "iterator",
}


class Missing(Enum):
    """The absence of a static value (None is one)."""

    MISSING = 0


MISSING = Missing.MISSING


def one_of_both(one: str, other: str) -> str:
    """The container that CPython has where it may have either: one of its own, if one of them is."""
    if "iterator" in (one, other):
        return "iterator"
    return one or other if one == other or not (one and other) else "container"


@dataclass(slots=True)
class TypeEnv:
    """The names in scope: their types, expressions they stand for, which certainly have a value, and what is known of them."""

    types: dict[str, Type] = field(default_factory=dict)
    aliases: dict[str, Expr] = field(default_factory=dict)
    assigned: set[str] = field(default_factory=set)
    facts: NarrowedTypes = field(default_factory=dict)
    plain: dict[str, str] = field(default_factory=dict)
    """Local names that hold a container of Python's own, and which."""

    def copy(self) -> TypeEnv:
        """An independent copy."""
        return TypeEnv(
            dict(self.types), dict(self.aliases), set(self.assigned), dict(self.facts), dict(self.plain)
        )


Condition = tuple[Expr, NarrowedTypes, NarrowedTypes]
"""A compiled condition, what is known where it is true, and what is known where it is false."""

Made = tuple[list[Node], bool]
"""A compiled statement, and whether control never goes past it."""


@dataclass(frozen=True, slots=True)
class FunctionSignature:
    """How a function is called: its parameters by name, and what it returns (None: it is a procedure)."""

    name: str
    parameters: list[tuple[str, Type]]
    returns: Type | None
    defaults: dict[str, object] = field(default_factory=dict)
    named: int = 0
    """How many of the parameters, the last ones, are given by their names only."""


@dataclass(frozen=True, slots=True)
class Declarations:
    """The variables and parameters of a model, by name."""

    variables: Mapping[str, Declaration]
    parameters: Mapping[str, Declaration]


class Surroundings(Protocol):
    """The class around a function, and what the function may name and call there; what is called is compiled first."""

    cls: type
    names: Mapping[str, Any]
    variables: Mapping[str, Declaration]
    parameters: Mapping[str, Declaration]
    signatures: dict[str, FunctionSignature]
    functions: dict[str, Function]

    @property
    def methods(self) -> Mapping[str, object]:
        """The methods of the class."""

    def abstract_of(self, context: Context) -> Declarations:
        """The declarations of the model that the refinement being compiled maps to."""

    def method(self, context: Context, node: ast.AST, name: str) -> str:
        """The key of a method of the class, compiled."""

    def super_function(self, context: Context, node: ast.AST, name: str, *, read: bool = False) -> str:
        """The key of the method that `super().name(...)` means where it stands, or `super().name` (`read`), compiled."""

    def made(self, function: Function) -> str:
        """The key of a function that the language itself defines, which is one of the model's from now on."""

    def plain_function(
        self, context: Context, node: ast.AST, function: FunctionType, receiver: Type | None = None
    ) -> str:
        """The key of a function of a module (or a method of a record, whose first parameter is the record), compiled."""


@dataclass(frozen=True, slots=True)
class Tables:
    """How each form of source is compiled."""

    expression: Callable[[ast.expr, Context], Expr]
    condition: Callable[[ast.expr, Context], Condition]
    statement: Callable[[ast.stmt, Context], Made]
    shared: Callable[[Context, ast.expr], None]
    """Refuses an expression whose value is changed in place, where something else is to hold it."""


@dataclass(slots=True)
class Context:
    """The state of compiling one function."""

    module: Surroundings
    tables: Tables
    node: ast.FunctionDef
    file: str
    function: FunctionType
    receivers: dict[str, Which]
    """What stands for a whole state: `self`, and `old` or the abstract model."""
    owner: type | None
    """The class that the function is a method of."""
    kind: ir.Kind = ir.Kind.HELPER
    env: TypeEnv = field(default_factory=TypeEnv)
    expected: Type | None = None
    """The type that the expression being compiled should have, where it has none of its own."""
    returns: Type | None = None
    pure: bool = False
    """Whether the function may neither change variables nor have guards."""
    declarations: dict[str, Type] = field(default_factory=dict)
    """The types of local names, for good."""
    assignments: dict[str, int] = field(default_factory=dict)
    """How often the source assigns a local name."""
    names_used: frozenset[str] = frozenset()

    # --- the forms ---

    def expr(self, node: ast.expr, expected: Type | None = None) -> Expr:
        """An expression; `expected` helps to type what has no type of its own, such as `Set()`."""
        around, self.expected = self.expected, expected
        found = self.tables.expression(node, self)
        self.expected = around
        key = self.fact_key(node) if self.env.facts else None
        known = self.env.facts.get(key) if key else None
        if known is not None and unbounded(known) != unbounded(found.type):
            return ir.Narrow(found.span, known, found)
        return found

    def value(self, node: ast.expr, into: Type) -> Expr:
        """An expression as a value of a given type."""
        made = self.coerce(self.expr(node, into), into, node)
        self.held(node, made.type)
        return made

    def kept(self, node: ast.expr, expected: Type | None = None) -> Expr:
        """An expression whose value becomes part of another, is passed or returned: no plain Python container."""
        made = self.expr(node, expected)
        self.held(node, made.type)
        return made

    def test(self, node: ast.expr) -> Condition:
        """A condition, with what it tells."""
        return self.tables.condition(node, self)

    def body(self, statements: Sequence[ast.stmt]) -> tuple[tuple[Node, ...], bool]:
        """Statements in order, and whether they always return. What comes after one that does is refused as unreachable."""
        made: list[Node] = []
        ended = False
        for statement in statements:
            if ended:
                if self.says_unreachable(statement):
                    continue
                self.fail(statement, "this is unreachable", "delete it, or the return before it")
            before, whole = hoisted(statement)
            for each in (*before, whole):
                nodes, ended = self.tables.statement(each, self)
                made.extend(nodes)
        return tuple(made), ended

    def says_unreachable(self, statement: ast.stmt) -> bool:
        """Whether a statement says that control does not come here: `assert False`, `raise AssertionError`, `assert_never(x)`."""
        match statement:
            case ast.Assert(ast.Constant(False)):
                return True
            case ast.Raise(ast.Name() as error, None) | ast.Raise(ast.Call(ast.Name() as error), None):
                return self.static(error) is AssertionError
            case ast.Expr(ast.Call(function)):
                return self.static(function) is typing.assert_never
        return False

    # --- refusing ---

    def span(self, node: ast.AST) -> Span:
        """Where a syntax node stands."""
        return span_of(node, self.file)

    def fail(self, node: ast.AST, message: str, remedy: str) -> NoReturn:
        """Refuse a piece of source."""
        raise ModelError(message, span=self.span(node), remedy=remedy)

    # --- types ---

    def join(self, node: ast.AST, *types: Type) -> Type:
        """The least common type, or a refusal at `node`."""
        try:
            return join(*types)
        except AnnotationProblem as problem:
            self.fail(node, problem.message, problem.remedy)

    def coerce(self, expr: Expr, into: Type, node: ast.AST) -> Expr:
        """An expression as a value of a larger type, or a refusal at `node`."""
        if unbounded(expr.type) == unbounded(into):
            return expr
        if fits(expr.type, into):
            return ir.Widen(expr.span, into, expr)
        if words_fit(expr.type, into):
            key = self.module.made(with_more_words(expr.type, unbounded(into), expr.span))
            return ir.Call(expr.span, unbounded(into), key, (expr,), Which.NOW)
        if isinstance(expr.type, OptionalType) and fits(expr.type.item, into):
            self.fail(
                node,
                f"this may be None, and a {into} is needed",
                "test it for None first (give it a local name)",
            )
        remedy = "use a value of that type"
        if word := word_too_many(expr.type, into):
            remedy = f"it may be {word!r}: declare the wider Literal there"
        self.fail(node, f"this is of type {expr.type}, and {into} is needed", remedy)

    def declared(self, annotation: ast.expr | None, node: ast.AST, what: str) -> Type:
        """The type that an annotation in this function means."""
        if annotation is None:
            self.fail(
                node, f"{what} has no type annotation", "annotate it: the compiler and mypy need its type"
            )
        try:
            value = self.evaluate_annotation(annotation)
        except ModelError:
            raise
        except Exception as problem:  # noqa: BLE001  # whatever evaluating an annotation raises is the author's to see
            self.fail(
                annotation,
                f"this annotation cannot be evaluated: {problem}",
                "define its names above the model",
            )
        return self.typed(value, annotation)

    def typed(self, annotation: object, node: ast.AST) -> Type:
        """The type that an evaluated annotation means, or a refusal at `node`."""
        try:
            return from_annotation(annotation)
        except AnnotationProblem as problem:
            self.fail(node, problem.message, problem.remedy)

    def evaluate_annotation(self, annotation: ast.expr) -> Any:
        """What an annotation evaluates to, quoted or not."""
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            annotation = ast.parse(annotation.value, mode="eval").body
        names = {n.id: self.static_name(n.id) for n in ast.walk(annotation) if isinstance(n, ast.Name)}
        for name, value in names.items():
            if value is MISSING:
                raise NameError(f"name {name!r} is not defined")
        if isinstance(annotation, ast.Name):
            return names[annotation.id]
        code = compile(ast.Expression(annotation), self.file, "eval")
        return eval(code, names)  # noqa: S307  # the model's own source

    def python_kind(self, node: ast.expr) -> str:
        """The Python container ("set", "list"...) that CPython makes of an expression; "" if it makes a value of the language.

        A plain container may be asked (len, in, all...), but has no canonical order and cannot be part of a state.
        """
        match node:
            case ast.Set() | ast.SetComp():
                return "set"
            case ast.List() | ast.ListComp():
                return "list"
            case ast.Call(ast.Attribute(owner, "keys" | "values" | "items")):
                return "" if isinstance(owner, ast.Name) and owner.id in self.receivers else "view"
            case ast.Call(function):
                return _PLAIN.get(self.static(function), "")
            case ast.Subscript(value, ast.Slice()) | ast.NamedExpr(value=value):
                return self.python_kind(value)
            case ast.BinOp(left, op, right):
                a, b = self.python_kind(left), self.python_kind(right)
                if isinstance(op, ast.Add):
                    return a and b
                return "set" if a == "view" or (a and b) else ""
            case ast.IfExp(_, body, orelse):
                return one_of_both(self.python_kind(body), self.python_kind(orelse))
            case ast.Name() | ast.Attribute():
                local = self.env.plain.get(node.id, "") if isinstance(node, ast.Name) else ""
                return local or ("class" if isinstance(self.static(node), type) else "")
        return ""

    def value_instead(self, node: ast.expr, t: Type) -> str:
        """What to write in place of a container of Python's own."""
        make = "Set" if isinstance(t, SetType) else "Seq"
        text = ast.unparse(node)
        if text in ("[]", "{}", "set()", "list()", "frozenset()"):
            return f"write {make}()"
        return f"write {make}({text if len(text) <= 40 else '...'})"

    def held(self, node: ast.expr, t: Type) -> None:
        """Refuse a plain Python container, or a local copy that is changed, where a value is kept, passed or returned."""
        if not isinstance(t, SetType | SeqType | BagType | MapType):
            return
        if what := self.python_kind(node):
            problem = f"this is a Python {what}, not a value of the language"
            self.fail(node, problem, self.value_instead(node, t))
        self.tables.shared(self, node)

    # --- names ---

    def static_name(self, name: str) -> object:
        """What a name that is not local stands for when the model is defined; MISSING if nothing."""
        closure = dict(zip(self.function.__code__.co_freevars, self.function.__closure__ or (), strict=True))
        if name in closure:
            try:
                return closure[name].cell_contents
            except ValueError:
                return MISSING
        for names in (self.function.__globals__, self.module.names, vars(builtins)):
            if name in names:
                return names[name]
        return self.module.cls if name == self.module.cls.__name__ else MISSING

    def static(self, node: ast.expr) -> object:
        """The Python object that an expression names statically (a class, function, constant); MISSING if it does not."""
        match node:
            case ast.Name(name) if (
                name not in self.env.types and name not in self.env.aliases and name not in self.receivers
            ):
                return self.static_name(name)
            case ast.Attribute(value, attribute):
                base = self.static(value)
                if isinstance(base, ModuleType | type) and hasattr(base, attribute):
                    return getattr(base, attribute)
            case ast.Subscript(value, ast.Constant(str(name))) if isinstance(
                named := self.static(value), EnumType
            ):
                return named.__members__.get(name, MISSING)
            case ast.Subscript(value, _) if self.static(value) in (Map, PartialMap, Set, Bag, Seq):
                return self.static(value)  # Set[Server](...) is Set(...)
        return MISSING

    def member(self, node: ast.expr, beside: ast.expr | None = None) -> Enum | None:
        """The member of an Enum that an expression names, if it names one; a text does beside what has the type of texts."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and beside is not None:
            if isinstance(beside, ast.Constant):
                return None
            words = texts_of(self.expr(beside).type)
            return words.enum.__members__.get(node.value) if words else None
        found = self.static(node)
        return found if isinstance(found, Enum) and found is not MISSING else None

    def constant(self, value: object, node: ast.AST, expected: Type | None = None) -> Expr:
        """A Python value as a literal, or a refusal if the language has no such value."""
        try:
            t = type_of(value, expected)
            return ir.Literal(self.span(node), t, constant_of(value, t))
        except AnnotationProblem as problem:
            self.fail(node, problem.message, problem.remedy)

    # --- what is known here ---

    @contextmanager
    def scoped(self, facts: NarrowedTypes | None = None) -> Iterator[TypeEnv]:
        """A copy of the environment, with more known in it, for the duration of the block."""
        saved = self.env
        self.env = saved.copy()
        self.env.facts.update(facts or {})
        try:
            yield self.env
        finally:
            self.env = saved

    def fact_key(self, node: ast.expr) -> str | None:
        """The text under which something may be known about an expression: names, attributes and subscripts only."""
        match node:
            case ast.Name():
                return node.id
            case ast.Attribute(value, _):
                return ast.unparse(node) if self.fact_key(value) else None
            case ast.Subscript(value, index):
                known = self.fact_key(value) and (isinstance(index, ast.Constant) or self.fact_key(index))
                return ast.unparse(node) if known else None
        return None

    def another_name(self, name: str) -> str:
        """A name that the function does not use, for what its source does not name."""
        while name in self.names_used or name in self.declarations:
            name += "_"
        self.declarations[name] = BOOL
        return name

    def forget(self, names: set[str]) -> None:
        """Drop what is known of expressions that mention any of these names."""
        self.env.facts = {k: known for k, known in self.env.facts.items() if not _mentioned(k) & names}

    def forget_variable(self, name: str) -> None:
        """Drop what is known of expressions that read a variable of the model."""
        facts = self.env.facts.items()
        self.env.facts = {
            k: known for k, known in facts if name not in _read_of(k, frozenset(self.receivers))
        }


@lru_cache(maxsize=1024)
def _read_of(fact: str, receivers: frozenset[str]) -> frozenset[str]:
    """The attributes of the model in the text of an expression."""
    attributes = [node for node in ast.walk(ast.parse(fact, mode="eval")) if isinstance(node, ast.Attribute)]
    return frozenset(a.attr for a in attributes if isinstance(a.value, ast.Name) and a.value.id in receivers)


@lru_cache(maxsize=1024)
def _mentioned(fact: str) -> frozenset[str]:
    """The names in the text of an expression."""
    tree = ast.parse(fact, mode="eval")
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))


def fitted(value: Expr, into: Type, name: str, at: Span | None = None) -> Expr:
    """A value about to be stored as a given type, at a place: with a check, where the type has bounds that it may leave."""
    value = value if unbounded(value.type) == unbounded(into) else ir.Widen(value.span, into, value)
    return ir.Fit(at or value.span, into, value, name) if has_bounds(into) else value
