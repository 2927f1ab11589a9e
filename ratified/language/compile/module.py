"""A model class as a whole: its declarations, the functions it consists of, and what they call.

Guarantees: every method is compiled for the class it is called on, so an override is used everywhere; recursion is refused.
"""

from __future__ import annotations

import ast
import inspect
import sys
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import FunctionType
from typing import Any

from ratified.language import ir
from ratified.language.api import PARAMETER, Deferred, Param
from ratified.language.compile.context import Context
from ratified.language.compile.names import refuse_doubles
from ratified.language.compile.statements import Statements
from ratified.language.errors import ModelError, Span
from ratified.language.ir import Argument, Declaration, Expr, Function, Kind, Module, Node, Which
from ratified.language.sorts import Sort
from ratified.language.source import (
    class_field_span,
    class_node,
    definition,
    head_span,
    names_in,
    of_the_author,
    span_of,
)
from ratified.language.types import (
    BOOL,
    AnnotationProblem,
    BagType,
    IntType,
    OptionalType,
    RecordType,
    SeqType,
    SortType,
    TupleType,
    Type,
    fits,
    from_annotation,
    names_in_bounds,
    parts,
    records_of,
    sorts_of,
    unbounded,
)
from ratified.language.uses import conjuncts, free, is_name, nodes

_WITH_VALUE = {
    Kind.INVARIANT: BOOL,
    Kind.STEP_INVARIANT: BOOL,
    Kind.CONSTRAINT: BOOL,
    Kind.ASSUMPTION: BOOL,
    Kind.EVENTUALLY: BOOL,
    Kind.LEADS_TO: TupleType((BOOL, BOOL)),
}
_SECOND_RECEIVER = {Kind.STEP_INVARIANT: Which.OLD, Kind.REFINEMENT: Which.ABSTRACT}


@dataclass(frozen=True, slots=True)
class Signature:
    """How a function is called: its parameters by name, and what it returns (None: it is a procedure)."""

    name: str
    parameters: list[tuple[str, Type]]
    returns: Type | None
    defaults: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the class: the function, the class that defines it, and what it is marked as."""

    function: FunctionType
    owner: type
    kind: Kind
    fair: tuple[object, object] | None = None  # as `@action` was given it


class ModuleCompiler:
    """Compiles one class."""

    def __init__(self, cls: type, names: Mapping[str, Any], line: int) -> None:
        self.cls = cls
        self.names = names
        self.file: str = names.get("__file__", "?")
        self.node = class_node(self.file, cls.__name__, line)
        self.span: Span | None = head_span(self.node, self.file) if self.node else None
        refuse_doubles(cls, self.node, self.file)
        self.variables: dict[str, Declaration] = {}
        self.parameters: dict[str, Declaration] = {}
        self.methods = methods_of(cls)
        self.signatures: dict[str, Signature] = {}
        self.functions: dict[str, Function] = {}
        self._compilers: dict[str, FunctionCompiler] = {}
        self._path: list[str] = []
        self._read_declarations(line)

    def compile(self) -> Module:
        """The whole class. Raises ModelError at the first thing that is not the language."""
        for name, method in self.methods.items():
            if name in self.variables or name in self.parameters:
                self._refuse(name, f"`{name}` is both a variable and a method", "rename one of them")
            self._ensure(name, method.function, method.owner, method.kind, None)
        functions = {name: self._fair(self.functions[name], method) for name, method in self.methods.items()}
        functions.update({key: f for key, f in self.functions.items() if key not in functions})
        return Module(
            self.cls.__name__,
            inspect.cleandoc(vars(self.cls).get("__doc__") or ""),
            self._sorts(functions),
            tuple(self.parameters.values()),
            tuple(self.variables.values()),
            functions,
            self.span,
        )

    # --- declarations ---

    def _refuse(self, name: str, message: str, remedy: str) -> typing.NoReturn:
        line = self.node.lineno if self.node else 1
        raise ModelError(
            message, span=class_field_span(self.file, self.cls.__name__, name, line), remedy=remedy
        )

    def _read_declarations(self, line: int) -> None:
        for base in reversed(self.cls.__mro__[1:]):
            inherited = vars(base).get("module")
            if isinstance(inherited, Module):
                self.variables.update({d.name: d for d in inherited.variables})
                self.parameters.update({d.name: d for d in inherited.parameters})
        for name, annotation in vars(self.cls).get("__annotations__", {}).items():
            self._declare(name, annotation, line)
        for table in (self.variables, self.parameters):
            for name, declaration in table.items():
                table[name] = Declaration(
                    name, declaration.type, self._default(name, declaration), declaration.span
                )
        self._check_zeros()

    def _declare(self, name: str, annotation: Any, line: int) -> None:
        root = next(base for base in self.cls.__mro__ if vars(base).get("_ratified_root"))
        if name in vars(root) and name not in ("sizes", "symmetric_sizes"):
            self._refuse(
                name, f"every model has a `{name}` of its own", "choose another name for the variable"
            )
        if isinstance(annotation, str):
            names = {**vars(typing), "Param": Param, **vars(sys.modules[self.cls.__module__]), **self.names}
            try:
                annotation = eval(annotation, names)  # noqa: S307  # the model's own source
            except Exception as problem:  # noqa: BLE001  # whatever evaluating an annotation raises is the author's to see
                self._refuse(
                    name,
                    f"the annotation of `{name}` cannot be evaluated: {problem}",
                    "define its names above the model",
                )
        if annotation is typing.ClassVar or typing.get_origin(annotation) is typing.ClassVar:
            return
        is_parameter = typing.get_origin(annotation) is typing.Annotated and PARAMETER in typing.get_args(
            annotation
        )
        try:
            t = from_annotation(annotation)
        except AnnotationProblem as problem:
            self._refuse(name, f"`{name}`: {problem.message}", problem.remedy)
        if not is_parameter and (why := infinite(t)):
            self._refuse(name, f"`{name}` has no finite size: {why[0]}", why[1])
        if name in self.methods:
            self._refuse(name, f"`{name}` is both a variable and a method", "rename one of them")
        if name in (self.variables if is_parameter else self.parameters):
            what = (
                "a variable of a base class, and a parameter"
                if is_parameter
                else "a parameter of a base class, and a variable"
            )
            self._refuse(name, f"`{name}` is {what} here", "rename it")
        span = class_field_span(self.file, self.cls.__name__, name, line)
        (self.parameters if is_parameter else self.variables)[name] = Declaration(name, t, None, span)

    def _default(self, name: str, declaration: Declaration) -> ir.Literal | None:
        missing = object()
        value = getattr(self.cls, name, missing)
        if value is missing:
            return None
        span = declaration.span or self.span or Span(self.file, 1, 0, 1, 0)
        if isinstance(value, Deferred):
            if name in self.variables:
                self._refuse(name, f"the default of `{name}` depends on sizes", "set it in `init`")
            return ir.Literal(span, unbounded(declaration.type), value)
        node = self.node or ast.Pass(lineno=1, col_offset=0, end_lineno=1, end_col_offset=0)
        reader = Context(self, ast.parse("def f(): pass").body[0], self.file, _nothing, {}, None)  # type: ignore[arg-type]  # a def
        try:
            t = reader.type_of(value, node, declaration.type)
        except ModelError as problem:
            self._refuse(name, f"the default of `{name}`: {problem.message}", problem.remedy)
        if not fits(t, declaration.type):
            self._refuse(
                name,
                f"the default of `{name}` is of type {t}, not {declaration.type}",
                "use a value of its type",
            )
        return ir.Literal(span, unbounded(declaration.type), value)

    def _check_zeros(self) -> None:
        if "init" in self.methods:
            return
        for name, declaration in self.variables.items():
            if declaration.default is None and (lacking := without_zero(declaration.type)):
                message = f"`{name}` has no initial value: {lacking} has none to begin with"
                self._refuse(
                    name, message, f"give a default ({name}: ... = ...), or write `def init(self) -> None`"
                )

    def _sorts(self, functions: Mapping[str, Function]) -> tuple[SortType, ...]:
        found: dict[SortType, None] = {}

        def add(t: Type) -> None:
            found.update(dict.fromkeys(SortType(s) for s in sorts_of(t)))
            for name in names_in_bounds(t):
                sort = self.names.get(name)
                if isinstance(sort, type) and issubclass(sort, Sort):
                    found[SortType(sort)] = None

        for declaration in (*self.variables.values(), *self.parameters.values()):
            add(declaration.type)
        for function in functions.values():
            for argument in function.arguments:
                add(argument.type)
            for node in nodes(function.body):
                if isinstance(node, ir.Universe | ir.Numbered | ir.Endpoint | ir.Subsets | ir.MakeRecord):
                    add(node.type)
        return tuple(found)

    # --- functions ---

    def _fair(self, function: Function, method: Method) -> Function:
        """An action with what it was marked with: `@action(fair=..., each=...)`."""
        if method.fair is None:
            return function
        strength, each = method.fair
        names = [a.name for a in function.arguments]
        known = f"its parameters: {', '.join(names) or 'none'}"
        if strength not in ("weak", "strong"):
            what = (
                "`each` says for which values an action is fair"
                if strength is None
                else f"{strength!r} is no fairness"
            )
            problem = what, 'write fair="weak" or fair="strong"'
        elif not isinstance(each, tuple | list) or not all(isinstance(name, str) for name in each):
            problem = "`each` is a tuple of names", f'write each=("name",); {known}'
        elif unknown := [name for name in each if name not in names]:
            problem = f"`{function.name}` has no parameter {unknown[0]!r}", known
        elif len(set(each)) < len(each):
            problem = "`each` names a parameter twice", "name it once"
        else:
            return replace(
                function, fair=ir.Fairness(strength == "strong", tuple(n for n in names if n in each))
            )
        node, file = definition(method.function)
        keywords = [k for d in node.decorator_list if isinstance(d, ast.Call) for k in d.keywords]
        at = next((k.value for k in reversed(keywords) if k.arg in ("fair", "each")), _head(node))
        raise ModelError(problem[0], span=span_of(at, file), remedy=problem[1])

    def abstract_of(self, context: Context) -> Any:
        """The declarations of the model that the refinement being compiled maps to."""
        module = getattr(abstract_class(self.cls, context.function.__name__), "module", None)
        if not isinstance(module, Module):
            context.fail(context.node, "@refines needs a model class", "write @refines(Abstract)")
        return _Declarations({d.name: d for d in module.variables}, {d.name: d for d in module.parameters})

    def method(self, context: Context, node: ast.AST, name: str) -> str:
        """The key of a method of the class, compiled."""
        method = self.methods.get(name)
        if method is None:
            if name in self.variables or name in self.parameters:
                context.fail(node, f"`{name}` is a variable, not a method", f"write self.{name}")
            known = ", ".join(n for n, m in self.methods.items() if m.kind is Kind.HELPER) or "none"
            context.fail(node, f"the model has no method `{name}`", f"its helpers: {known}")
        return self._ensure(name, method.function, method.owner, method.kind, (context, node))

    def super_function(self, context: Context, node: ast.AST, name: str) -> str:
        """The key of the method that `super().name` means where it stands, compiled."""
        assert context.owner is not None
        mro = self.cls.__mro__
        for klass in mro[mro.index(context.owner) + 1 :]:
            if name in vars(klass):
                function = inspect.unwrap(vars(klass)[name])
                if isinstance(function, FunctionType):
                    kind = self.methods[name].kind
                    return self._ensure(f"{klass.__name__}.{name}", function, klass, kind, (context, node))
        context.fail(node, f"no base class has a method `{name}`", "call a method of self")

    def plain_function(
        self, context: Context, node: ast.AST, function: FunctionType, receiver: Type | None = None
    ) -> str:
        """The key of a function of a module (or a method of a record, whose first parameter is the record), compiled."""
        function = inspect.unwrap(function)
        key = f"{function.__module__}.{function.__qualname__}"
        if key not in self._compilers and not of_the_author(inspect.getsourcefile(function) or "<unknown>"):
            context.fail(
                node,
                f"`{function.__qualname__}` is not part of the modelling language",
                "write it as a helper method",
            )
        return self._ensure(key, function, None, Kind.HELPER, (context, node), receiver)

    def _ensure(
        self,
        key: str,
        function: FunctionType,
        owner: type | None,
        kind: Kind,
        caller: tuple[Context, ast.AST] | None,
        receiver: Type | None = None,
    ) -> str:
        if key in self._path and caller:
            context, node = caller
            context.fail(
                node,
                f"`{function.__name__}` calls itself",
                "recursion is not part of the modelling language: use a loop or a comprehension",
            )
        if key not in self._compilers:
            compiler = FunctionCompiler(self, key, function, owner, kind, receiver)
            self._compilers[key] = compiler
            self.signatures[key] = compiler.signature()
            self._path.append(key)
            self.functions[key] = compiler.compile()
            self._path.pop()
        return key


def abstract_class(cls: type, name: str) -> Any:
    """The model class that a refinement of a class maps to, as @refines says; None if it does not."""
    marked = (getattr(vars(klass).get(name), "ratified_abstract", None) for klass in cls.__mro__)
    return next((abstract for abstract in marked if abstract is not None), None)


@dataclass(frozen=True, slots=True)
class _Declarations:
    variables: dict[str, Declaration]
    parameters: dict[str, Declaration]


def _nothing() -> None:
    """A function without names of its own, for looking at class-level values."""


def methods_of(cls: type) -> dict[str, Method]:
    """The methods of a class that are part of the model, in order of first definition, each as most lately overridden."""
    found: dict[str, Method] = {}
    for klass in reversed(cls.__mro__):
        if klass is object or klass.__dict__.get("_ratified_root"):
            continue
        for name, attribute in vars(klass).items():
            if name.startswith("__"):
                continue
            if isinstance(attribute, staticmethod | classmethod | property):
                inner: Any = attribute.fget if isinstance(attribute, property) else attribute.__func__
                node, file = definition(inner)
                what = type(attribute).__name__
                raise ModelError(
                    f"{what} is not part of the modelling language",
                    span=head_span(node, file),
                    remedy="write a plain method of self",
                )
            if not isinstance(attribute, FunctionType):
                continue
            kind = getattr(attribute, "ratified_kind", Kind.INIT if name == "init" else Kind.HELPER)
            fair = getattr(attribute, "ratified_fair", None)
            if name in found and kind is Kind.HELPER:
                kind, fair = found[name].kind, found[name].fair  # an override is what it overrides
            found[name] = Method(inspect.unwrap(attribute), klass, kind, fair)
    return found


def infinite(t: Type) -> tuple[str, str] | None:
    """Why a type has no finite size, and what to write; None if it has one."""
    for part in parts(t):
        match part:
            case IntType(None, _):
                return "an int without bounds", "write Annotated[int, Range(low, high)]"
            case SeqType(_, None):
                return "a Seq of any length", "write Annotated[Seq[T], AtMost(n)]"
            case BagType(_, None, None):
                return "a Bag of any size", "write Annotated[Bag[T], AtMost(n, copies=m)]"
    return None


def without_zero(t: Type) -> Type | None:
    """The part of a type that has no value to begin with, if there is one."""
    match t:
        case SortType():
            return None if t.ordered else t
        case TupleType(items):
            return next((lacking for i in items if (lacking := without_zero(i))), None)
        case _ if isinstance(t, RecordType) or (records_of(t) and not isinstance(t, OptionalType)):
            return t
    value = getattr(t, "value", None)
    return without_zero(value) if isinstance(value, Type) else None


class FunctionCompiler(Statements):
    """Compiles one function."""

    def __init__(
        self,
        module: ModuleCompiler,
        key: str,
        function: FunctionType,
        owner: type | None,
        kind: Kind,
        receiver: Type | None,
    ) -> None:
        node, file = definition(function)
        super().__init__(module, node, file, function, {}, owner)
        self.key = key
        self.kind = kind
        self.record = receiver
        self.arguments_: list[Argument] = []
        self.declarations = {}
        assignments, self.names_used = names_in(node)
        self.assignments = dict(assignments)

    def signature(self) -> Signature:
        """How the function is called, from its annotations."""
        node = self.node
        rest = node.args
        if rest.vararg or rest.kwarg or rest.posonlyargs:
            self.fail(
                rest.vararg or rest.kwarg or rest.posonlyargs[0],
                "only plain parameters are part of the modelling language",
                "name each",
            )
        parameters = [*rest.args, *rest.kwonlyargs]
        parameters = self._receivers(parameters)
        for parameter in parameters:
            t = self.record if parameter is rest.args[0] and self.record else None
            if t is None:
                t = self.declared(parameter.annotation, parameter, f"parameter `{parameter.arg}`")
            if self.kind is Kind.HELPER:
                t = unbounded(t)
            self.arguments_.append(Argument(parameter.arg, t))
        if node.returns is None:
            self.fail(_head(node), f"`{node.name}` has no return annotation", "write `-> None`, `-> bool`...")
        none = isinstance(node.returns, ast.Constant) and node.returns.value is None
        self.returns = None if none else unbounded(self.declared(node.returns, node, "the result"))
        self._check_kind(none)
        self.pure = self.returns is not None or self.kind is Kind.REFINEMENT
        names = [a.name for a in self.arguments_]
        given = self.function.__defaults__ or ()
        defaults: dict[str, object] = (
            dict(zip(names[len(names) - len(given) :], given, strict=False)) if given else {}
        )
        defaults.update(self.function.__kwdefaults__ or {})
        if defaults and self.kind is not Kind.HELPER:
            self.fail(
                _head(node),
                f"the parameters of {self.kind.value}s have no defaults: they range over their types",
                "leave the default out",
            )
        return Signature(node.name, [(a.name, a.type) for a in self.arguments_], self.returns, defaults)

    def _receivers(self, parameters: list[ast.arg]) -> list[ast.arg]:
        """Take `self`, and `old` or `abstract`, off the parameters."""
        if self.owner is None:
            return parameters
        if not parameters:
            self.fail(_head(self.node), "a method needs `self`", "write it as the first parameter")
        self.receivers[parameters[0].arg] = Which.NOW
        if second := _SECOND_RECEIVER.get(self.kind):
            if len(parameters) != 2:
                shape = (
                    "(self, old: Self) -> bool"
                    if second is Which.OLD
                    else "(self, abstract: Abstract) -> None"
                )
                self.fail(
                    _head(self.node),
                    f"a {self.kind.value} has two parameters",
                    f"write def {self.node.name}{shape}",
                )
            self.receivers[parameters[1].arg] = second
            return []
        return parameters[1:]

    def _check_kind(self, none: bool) -> None:
        wanted = _WITH_VALUE.get(self.kind)
        if wanted is not None and self.returns != wanted:
            self.fail(
                self.node.returns or self.node,
                f"{_article(self.kind)} returns {wanted}",
                f"write `-> {wanted}`",
            )
        if self.kind in (Kind.ACTION, Kind.INIT, Kind.REFINEMENT) and not none:
            self.fail(
                self.node.returns or self.node, f"{_article(self.kind)} returns nothing", "write `-> None`"
            )
        if self.kind is Kind.VIEW and none:
            self.fail(
                self.node.returns or self.node,
                "a view returns what it shows of a state",
                "write the type of a value, a tuple, a record or a Map",
            )
        if self.kind in (Kind.CONSTRAINT, Kind.ASSUMPTION, Kind.VIEW) and self.arguments_:
            self.fail(
                _head(self.node),
                f"{_article(self.kind)} has no parameters but self",
                "quantify inside: all(... for x in S)",
            )

    def compile(self) -> Function:
        """The typed body."""
        for argument in self.arguments_:
            self.env.types[argument.name] = argument.type
            self.env.assigned.add(argument.name)
            self.declarations[argument.name] = (
                unbounded(argument.type) if self.assignments.get(argument.name) else argument.type
            )
        body = self.body(self.node.body)
        if self.returns is not None and not self.ended:
            self.fail(
                _head(self.node),
                f"`{self.node.name}` may end without returning a value",
                "return one on every way",
            )
        if self.kind is Kind.REFINEMENT:
            self._check_complete(body)
        arguments = tuple(self._with_domain(i, body) for i in range(len(self.arguments_)))
        doc = ast.get_docstring(self.node) or ""
        return Function(
            self.key,
            self.node.name,
            self.kind,
            arguments,
            self.returns,
            body,
            self.span(_head(self.node)),
            doc,
        )

    def _check_complete(self, body: tuple[Node, ...]) -> None:
        stored = {s.variable for s in body if isinstance(s, ir.Store)}
        missing = [name for name in self.module.abstract_of(self).variables if name not in stored]
        if missing:
            self.fail(
                _head(self.node),
                f"the abstract variable `{missing[0]}` is given no value",
                f"write abstract.{missing[0]} = ...",
            )

    def _with_domain(self, index: int, body: tuple[Node, ...]) -> Argument:
        """A parameter with the set that a guard at the top of the body restricts it to, if one does."""
        argument = self.arguments_[index]
        if self.kind not in (Kind.ACTION, Kind.INIT):
            return argument
        earlier = {a.name for a in self.arguments_[:index]}
        if (domain := self._guarded(argument.name, earlier, body)) is not None:
            return Argument(argument.name, argument.type, domain)
        if why := infinite(argument.type):
            remedy = f"{why[1]}, or say where it comes from at the top: require({argument.name} in ...)"
            parameter = next(
                a for a in ast.walk(self.node.args) if isinstance(a, ast.arg) and a.arg == argument.name
            )
            self.fail(parameter, f"`{argument.name}` ranges over infinitely many values: {why[0]}", remedy)
        return argument

    def _guarded(self, name: str, earlier: set[str], body: tuple[Node, ...]) -> Expr | None:
        """The set that a guard at the top restricts a parameter to; it may stand at the top of a procedure called there."""
        for statement in body:
            match statement:
                case ir.Let(_, names, _) if {name, *earlier}.isdisjoint(names):
                    continue
                case ir.Require(_, test):
                    for conjunct in conjuncts(test):
                        if domain := _domain_in(conjunct, name, earlier):
                            return domain
                case ir.Do(_, key, given):
                    procedure = self.module.functions[key]
                    for own, value in zip(procedure.arguments, given, strict=True):
                        # There the container may speak of the state alone: names are others.
                        if is_name(value, name) and (
                            domain := self._guarded(own.name, set(), procedure.body)
                        ):
                            return domain
                    if any(isinstance(n, ir.Store | ir.Do) for n in nodes(procedure.body)):
                        return None
                case _:
                    return None
        return None


def _domain_in(test: Expr, name: str, known: set[str]) -> Expr | None:
    """The container in `name in container`, if it depends only on the state and on names that are known by then."""
    found = isinstance(test, ir.In) and is_name(test.item, name) and free(test.container) <= known
    return test.container if found else None  # type: ignore[attr-defined]  # an In


def _head(node: ast.FunctionDef) -> ast.AST:
    """Something to point at for a whole function: `def name`."""
    head = ast.Pass()
    head.lineno = head.end_lineno = node.lineno
    head.col_offset = node.col_offset
    head.end_col_offset = node.col_offset + len("def ") + len(node.name.encode())
    return head


def _article(kind: Kind) -> str:
    return f"{'an' if kind.value[0] in 'aeiou' else 'a'} {kind.value}"
