"""A model class as a whole: its declarations, the functions it consists of, and what they call.

Guarantees: every method is compiled for the class it is called on, so an override is used everywhere; a function that calls
itself is as many functions as it may go deep.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import FunctionType
from typing import Any

from ratified.language import ir
from ratified.language.compile.context import Context, Declarations, FunctionSignature
from ratified.language.compile.declarations import ClassSource, check_zeros, declarations_of
from ratified.language.compile.doubles import refuse_doubles
from ratified.language.compile.function import FunctionCompiler, head
from ratified.language.compile.methods import Method, abstract_class, methods_of
from ratified.language.compile.recursion import calls_itself, endless, written_out
from ratified.language.compile.restricting import asked_where_it_has_a_value
from ratified.language.compile.steps import constrained
from ratified.language.errors import ModelError, Refusals
from ratified.language.ir import WEIGHT_MOST, Function, Kind, Module
from ratified.language.recursion import DEEPEST
from ratified.language.sorts import Sort, tell_apart
from ratified.language.source import definition, of_the_author, span_of
from ratified.language.types import IntType, SortType, Type, names_in_bounds, sorts_of, unbounded
from ratified.language.uses import nodes


def _of_the_mark(method: Method, names: Sequence[str], message: str, remedy: str) -> ModelError:
    """What is wrong with what a decorator was given, at the place where that stands."""
    node, file = definition(method.function)
    keywords = [k for d in node.decorator_list if isinstance(d, ast.Call) for k in d.keywords]
    at = next((k.value for k in reversed(keywords) if k.arg in names), head(node))
    return ModelError(message, span=span_of(at, file), remedy=remedy)


def _giver(method: Method) -> type | None:
    """The class whose instance a method is given; None of a staticmethod."""
    return None if method.static else method.owner


def _told_apart(action: Function) -> dict[str, Type]:
    """The parameters for whose values an action is fair one by one, and their types."""
    assert action.fair is not None
    return {a.name: a.type for a in action.arguments if a.name in action.fair.each}


_OWN = frozenset({"module", "sizes", "symmetric_sizes", "scope", "twin", "claiming", "zeros"})
"""What `Model` itself has under names that a method could take."""


class ModuleCompiler:
    """Compiles one class."""

    def __init__(self, cls: type, names: Mapping[str, Any], line: int) -> None:
        self.cls = cls
        self.names = names
        self.source = ClassSource.of(cls, names, line)
        refuse_doubles(cls, self.source.node, self.source.file)
        if "__init__" in vars(cls):
            node, file = definition(vars(cls)["__init__"])
            raise ModelError(
                "a model has no __init__: its instances are made from sizes and parameters",
                span=span_of(head(node), file),
                remedy="give the variables their first values in `def init(self) -> None`, or as defaults",
            )
        self.methods = methods_of(cls)
        self.signatures: dict[str, FunctionSignature] = {}
        self.functions: dict[str, Function] = {}
        self._compilers: dict[str, FunctionCompiler] = {}
        self._path: list[str] = []
        declared = declarations_of(self.source, self.methods)
        self.variables, self.parameters = declared.variables, declared.parameters
        if "init" not in self.methods:
            check_zeros(self.source, self.variables)

    def compile(self) -> Module:
        """The whole class. Raises ModelError for the first thing that is not the language, with those in other methods."""
        refusals = Refusals()
        for name, method in self.methods.items():
            with refusals.collected():
                if name in _OWN:
                    node, file = definition(method.function)
                    raise ModelError(
                        f"every model has a `{name}` of its own",
                        span=span_of(head(node), file),
                        remedy="choose another name for the method",
                    )
                if name in self.variables or name in self.parameters:
                    self.source.refuse(
                        name, f"`{name}` is both a variable and a method", "rename one of them"
                    )
                self._ensure(name, method.function, _giver(method), method.kind, None)
        refusals.raise_any()
        functions = {
            name: self._weighed(self._fair(self.functions[name], method), method)
            for name, method in self.methods.items()
        }
        self._check_groups(functions)
        functions.update({key: f for key, f in self.functions.items() if key not in functions})
        functions = constrained(functions, self.variables)
        module = Module(
            self.cls.__name__,
            inspect.cleandoc(vars(self.cls).get("__doc__") or ""),
            self._sorts(functions),
            tuple(self.parameters.values()),
            tuple(self.variables.values()),
            functions,
            self.source.span,
        )
        return asked_where_it_has_a_value(module)

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
        named: dict[str, SortType] = {}
        for t in found:
            if (other := named.setdefault(t.sort.__name__, t)) is not t:
                raise ModelError(
                    f"{self.cls.__name__} has two sorts named {other}",
                    span=self.source.span,
                    remedy="rename one of them: sizes are given by the names of sorts",
                )
            if str(t) in self.parameters:
                self.source.refuse(
                    str(t),
                    f"`{t}` is both a sort and a parameter",
                    f"rename one of them: {t}=... would give either",
                )
        tell_apart(t.sort for t in found)
        return tuple(found)

    # --- functions ---

    def _fair(self, function: Function, method: Method) -> Function:
        """An action with what it was marked with: `@action(fair=..., each=...)`."""
        if method.fair is None:
            return function
        strength, each, group = method.fair
        names = [a.name for a in function.arguments]
        known = f"its parameters: {', '.join(names) or 'none'}"
        if strength not in ("weak", "strong"):
            what = (
                "`each` has no meaning without `fair`"
                if strength is None and group is None
                else "`group` has no meaning without `fair`"
                if strength is None
                else f"{strength!r} is not a kind of fairness"
            )
            problem = what, 'write fair="weak" or fair="strong"'
        elif not isinstance(each, tuple | list) or not all(isinstance(name, str) for name in each):
            problem = "`each` is a tuple of names", f'write each=("name",); {known}'
        elif unknown := [name for name in each if name not in names]:
            problem = f"`{function.name}` has no parameter {unknown[0]!r}", known
        elif group is not None and not (isinstance(group, str) and group.isidentifier()):
            problem = "`group` must be a name that the actions of the group share", 'write group="name"'
        elif len(set(each)) < len(each):
            problem = "`each` names a parameter twice", "name it once"
        else:
            return replace(
                function, fair=ir.Fairness(strength == "strong", tuple(n for n in names if n in each), group)
            )
        raise _of_the_mark(method, ("fair", "each", "group"), *problem)

    def _check_groups(self, functions: Mapping[str, Function]) -> None:
        """Refuse a group of actions that are not fair in the same way."""
        first: dict[str, Function] = {}
        for name, function in functions.items():
            if function.fair is None or function.fair.group is None:
                continue
            other = first.setdefault(function.fair.group, function)
            assert other.fair is not None
            whole = f"`{other.name}` and `{name}` of the group {function.fair.group!r}"
            if other.fair.strong != function.fair.strong:
                message, remedy = (
                    f"{whole} differ in fairness",
                    "write the same fair= for every action of a group",
                )
            elif _told_apart(other) != _told_apart(function):
                message = f"{whole} are not fair for each value of the same parameters"
                remedy = "write the same each= for every action of a group, of parameters of the same types"
            else:
                continue
            raise _of_the_mark(self.methods[name], ("each", "fair"), message, remedy)

    def _weighed(self, function: Function, method: Method) -> Function:
        """An action with its `@action(weight=...)`: a number, or a helper that takes what the action takes."""
        weight = method.weight
        if weight is None:
            return function
        if type(weight) is int and 0 <= weight <= WEIGHT_MOST:
            return replace(function, weight=weight)
        helpers = {n: self.functions[n] for n, m in self.methods.items() if m.kind is Kind.HELPER}
        wanted = ", ".join(["self", *(a.name for a in function.arguments)])
        if not isinstance(weight, str):
            problem = (
                f"{weight!r} is not a weight",
                f"write a number from 0 to {WEIGHT_MOST:,}, or the name of a helper that returns one",
            )
        elif weight not in helpers:
            problem = (
                f"the model has no helper {weight!r}",
                f"write def {weight}({wanted}) -> int; its helpers: {', '.join(helpers) or 'none'}",
            )
        elif not isinstance(helpers[weight].returns, IntType):
            problem = f"the helper `{weight}` must return an int, the weight", "write `-> int`"
        elif [(a.name, unbounded(a.type)) for a in function.arguments] != [
            (a.name, a.type) for a in helpers[weight].arguments
        ]:
            problem = (
                f"`{weight}` must have the parameters of `{function.name}`",
                f"write def {weight}({wanted}) -> int, with parameters of the same types",
            )
        else:
            return replace(function, weight=weight)
        raise _of_the_mark(method, ("weight",), *problem)

    def abstract_of(self, context: Context) -> Declarations:
        """The declarations of the model that the refinement being compiled maps to."""
        module = getattr(abstract_class(self.cls, context.function.__name__), "module", None)
        if not isinstance(module, Module):
            context.fail(head(context.node), "@refines needs a model class", "write @refines(Abstract)")
        return Declarations({d.name: d for d in module.variables}, {d.name: d for d in module.parameters})

    def method(self, context: Context, node: ast.AST, name: str) -> str:
        """The key of a method of the class, compiled."""
        method = self.methods.get(name)
        if method is None:
            if name in self.variables or name in self.parameters:
                context.fail(node, f"`{name}` is a variable, not a method", f"write self.{name}")
            known = ", ".join(n for n, m in self.methods.items() if m.kind is Kind.HELPER) or "none"
            context.fail(node, f"the model has no method `{name}`", f"its helpers: {known}")
        return self._ensure(name, method.function, _giver(method), method.kind, (context, node))

    def super_function(self, context: Context, node: ast.AST, name: str, *, read: bool = False) -> str:
        """The key of the method that `super().name(...)` means where it stands, or `super().name` (`read`), compiled."""
        assert context.owner is not None
        mro = self.cls.__mro__
        for klass in mro[mro.index(context.owner) + 1 :]:
            if name in vars(klass) and isinstance(found := vars(klass)[name], property) is read:
                function = found.fget if read else inspect.unwrap(found)
                if isinstance(function, FunctionType):
                    kind = self.methods[name].kind
                    return self._ensure(f"{klass.__name__}.{name}", function, klass, kind, (context, node))
        what = "property" if read else "method"
        context.fail(node, f"no base class has a {what} `{name}`", f"use a {what} of self")

    def made(self, function: Function) -> str:
        """The key of a function that the language itself defines, which is one of the model's from now on."""
        return self.functions.setdefault(function.key, function).key

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

    def _apart(self, made: Function, function: FunctionType) -> dict[str, Function]:
        """A function, as several if it calls itself."""
        most = getattr(function, "ratified_most", None)
        if most is None:
            return {made.key: made}
        node, file = definition(function)
        if type(most) is not int or not 1 <= most <= DEEPEST:
            raise ModelError(
                f"{most!r} is not a depth for `{made.name}`",
                span=span_of(node.decorator_list[0], file),
                remedy=f"write a number from 1 to {DEEPEST}: @recursive(most=8)",
            )
        if not calls_itself(made):
            raise ModelError(
                f"`{made.name}` does not call itself", span=made.span, remedy="leave out @recursive"
            )
        if (call := endless(made)) is not None:
            raise ModelError(
                f"`{made.name}` calls itself with what it was given, and does not end",
                span=call.span,
                remedy="let something get less in each call: n - 1, s[1:], s - {x}",
            )
        return written_out(made, most)

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
            if self._path[-1] != key:
                context.fail(
                    node,
                    f"`{function.__name__}` calls itself, by way of `{context.function.__name__}`",
                    "write the two as one function, marked @recursive(most=8), or as a `for` loop",
                )
            if kind is not Kind.HELPER:
                context.fail(
                    node, f"`{function.__name__}` calls itself, and is no helper", "call a helper that does"
                )
            if getattr(function, "ratified_most", None) is None:
                context.fail(
                    node,
                    f"`{function.__name__}` calls itself",
                    "say how deep: @recursive(most=8) above its def; or write a `for` loop with a local name",
                )
            return key
        if key not in self._compilers:
            compiler = FunctionCompiler(self, key, function, owner, kind, receiver)
            self._compilers[key] = compiler
            self._path.append(key)
            try:
                self.signatures[key] = compiler.signature()
                self.functions.update(self._apart(compiler.compile(), function))
            except ModelError:
                del self._compilers[key]  # so that whoever else calls it is refused for the same reason
                raise
            finally:
                self._path.pop()
        return key
