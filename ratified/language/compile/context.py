"""What compiling one function needs to know: names, their types, and what is known about them at this point.

Guarantees: every refusal is a ModelError with a span and a remedy; a static name is resolved the way CPython will resolve it.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from ratified.language import ir
from ratified.language.errors import ModelError, Span
from ratified.language.ir import Expr, Which
from ratified.language.sorts import Sort
from ratified.language.source import span_of
from ratified.language.types import (
    BOOL,
    INT,
    NONE,
    AnnotationProblem,
    BagType,
    EnumType,
    MapType,
    OptionalType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    TupleType,
    Type,
    fits,
    from_annotation,
    join,
    unbounded,
)
from ratified.language.values import Bag, Map, Seq, Set, show

if TYPE_CHECKING:
    from ratified.language.compile.module import ModuleCompiler

Facts = dict[str, Type]
"""What is known here beyond declared types: the source text of an expression, and the smaller type it has."""


_PLAIN: dict[object, str] = {
    set: "set",
    frozenset: "set",
    list: "list",
    sorted: "list",
    reversed: "iterator",
    enumerate: "iterator",
    zip: "iterator",
    range: "range",
}


class Missing(Enum):
    """The absence of a static value (None is one)."""

    MISSING = 0


MISSING = Missing.MISSING


@dataclass(slots=True)
class Env:
    """The names in scope: their types, expressions they stand for, which certainly have a value, and what is known of them."""

    types: dict[str, Type] = field(default_factory=dict)
    aliases: dict[str, Expr] = field(default_factory=dict)
    assigned: set[str] = field(default_factory=set)
    facts: Facts = field(default_factory=dict)

    def copy(self) -> Env:
        """An independent copy."""
        return Env(dict(self.types), dict(self.aliases), set(self.assigned), dict(self.facts))


class Context:
    """The state of compiling one function: the base of the expression and statement compilers."""

    def __init__(
        self,
        module: ModuleCompiler,
        node: ast.FunctionDef,
        file: str,
        function: FunctionType,
        receivers: dict[str, Which],
        owner: type | None,
    ) -> None:
        self.module = module
        self.node = node
        self.file = file
        self.function = function
        self.receivers = receivers
        self.owner = owner
        self.env = Env()
        self.plain_names: dict[str, str] = {}
        self.returns: Type | None = None
        self.pure = False
        self.kind = ir.Kind.HELPER

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
        if isinstance(expr.type, OptionalType) and fits(expr.type.item, into):
            self.fail(
                node,
                f"this may be None, and a {into} is needed",
                "test it for None first (give it a local name)",
            )
        self.fail(node, f"this is of type {expr.type}, and {into} is needed", "use a value of that type")

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
            case ast.Call(ast.Attribute(_, "keys" | "values" | "items")):
                return "view"
            case ast.Call(function):
                return _PLAIN.get(self.static(function), "")
            case ast.BinOp(left, _, right):
                a, b = self.python_kind(left), self.python_kind(right)
                return a and b
            case ast.IfExp(_, body, orelse):
                return self.python_kind(body) or self.python_kind(orelse)
            case ast.Name(name):
                return self.plain_names.get(name, "")
        return ""

    def held(self, node: ast.expr, t: Type) -> None:
        """Refuse a plain Python container where a value is kept, passed or returned."""
        if isinstance(t, SetType | SeqType | BagType | MapType) and (what := self.python_kind(node)):
            make = "Set" if isinstance(t, SetType) else "Seq"
            self.fail(node, f"this is a Python {what}, not a value of the language", f"write {make}(...)")

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
        return MISSING

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
            case ast.Subscript(value, _) if self.static(value) in (Map, Set, Bag, Seq):
                return self.static(value)  # Set[Server](...) is Set(...)
        return MISSING

    def constant(self, value: object, node: ast.AST, expected: Type | None = None) -> Expr:
        """A Python value as a literal, or a refusal if the language has no such value."""
        return ir.Literal(self.span(node), self.type_of(value, node, expected), value)

    def type_of(self, value: object, node: ast.AST, expected: Type | None = None) -> Type:
        """The type of a constant. The empty container takes the type that is expected."""
        match value:
            case None:
                return NONE
            case bool():
                return BOOL
            case Sort():
                kind = SortType(type(value))
                if kind.symmetric:
                    self.fail(
                        node,
                        f"{value} is one particular {kind}",
                        "symmetric values have no numbers: use a parameter or a loop",
                    )
                return kind
            case int():
                return INT
            case Enum():
                return EnumType(type(value))
            case Set() | frozenset() | Seq() | Bag() | Map() if not value and expected is not None:
                return unbounded(expected.item if isinstance(expected, OptionalType) else expected)
            case Set() | frozenset() if value:
                return SetType(self._item(value, node, getattr(expected, "item", None)))
            case Seq() if value:
                return SeqType(self._item(value, node, getattr(expected, "item", None)))
            case Bag() if value:
                return BagType(self._item(value, node, getattr(expected, "item", None)))
            case Map() if value:
                items = self._item(value.values(), node, getattr(expected, "value", None))
                return MapType(self._item(value, node, None), items)
            case tuple() if type(value) is tuple and value:
                return TupleType(tuple(self.type_of(v, node) for v in value))
        if hasattr(type(value), "__record_types__"):
            return RecordType(type(value))
        if isinstance(value, str | float | bytes | complex):
            self.fail(
                node,
                f"{type(value).__name__} is not a type of the modelling language",
                "use an Enum, a sort, or a bounded int",
            )
        self.fail(
            node,
            f"{show(value)[:60]} cannot be used as a value in a model",
            "see docs/language.md for the types there are",
        )

    def _item(self, values: Any, node: ast.AST, expected: Type | None) -> Type:
        return self.join(node, *(self.type_of(v, node, expected) for v in values))

    # --- what is known here ---

    @contextmanager
    def scoped(self, facts: Facts | None = None) -> Iterator[Env]:
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

    def forget(self, names: set[str]) -> None:
        """Drop what is known of expressions that mention any of these names."""
        keep = {}
        for key, known in self.env.facts.items():
            mentioned = {n.id for n in ast.walk(ast.parse(key, mode="eval")) if isinstance(n, ast.Name)}
            if not mentioned & names:
                keep[key] = known
        self.env.facts = keep
