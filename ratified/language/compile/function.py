"""One function of a model: its signature, from its annotations, and its body."""

from __future__ import annotations

import ast
from types import FunctionType

from ratified.language import ir
from ratified.language.compile.conditions import condition
from ratified.language.compile.context import Context, FunctionSignature, Surroundings, Tables
from ratified.language.compile.copies import changed_names, refuse_sharing
from ratified.language.compile.expressions import expression
from ratified.language.compile.jumps import answering, fails_last
from ratified.language.compile.restricting import RESTRICTED, restriction
from ratified.language.compile.statements import statement
from ratified.language.ir import Argument, Function, Kind, Node, Which
from ratified.language.source import definition, names_in
from ratified.language.types import BOOL, TupleType, Type, infinite, unbounded

TABLES = Tables(expression(), condition, statement, refuse_sharing)

_WITH_VALUE = {
    Kind.INVARIANT: BOOL,
    Kind.STEP_INVARIANT: BOOL,
    Kind.CONSTRAINT: BOOL,
    Kind.ACTION_CONSTRAINT: BOOL,
    Kind.ASSUMPTION: BOOL,
    Kind.EVENTUALLY: BOOL,
    Kind.EVENTUALLY_ALWAYS: BOOL,
    Kind.LEADS_TO: TupleType((BOOL, BOOL)),
}
_SECOND_RECEIVER = {
    Kind.STEP_INVARIANT: Which.OLD,
    Kind.ACTION_CONSTRAINT: Which.OLD,
    Kind.REFINEMENT: Which.ABSTRACT,
}


class FunctionCompiler:
    """Compiles one function of the class around it. `record` is the type of its first parameter, if it is a record's method."""

    def __init__(
        self,
        module: Surroundings,
        key: str,
        function: FunctionType,
        owner: type | None,
        kind: Kind,
        record: Type | None,
    ) -> None:
        node, file = definition(function)
        assignments, used = names_in(node)
        self.c = Context(
            module,
            TABLES,
            node,
            file,
            function,
            {},
            owner,
            kind,
            # What is changed in place is assigned, and may outgrow the bounds of its first value.
            assignments={n: 2 if n in changed_names(node) else k for n, k in assignments.items()},
            names_used=used,
        )
        self.key = key
        self.record = record
        self.arguments: list[Argument] = []

    def signature(self) -> FunctionSignature:
        """How the function is called, from its annotations."""
        c = self.c
        node = c.node
        rest = node.args
        if rest.vararg or rest.kwarg or rest.posonlyargs:
            c.fail(
                rest.vararg or rest.kwarg or rest.posonlyargs[0],
                "only plain parameters are part of the modelling language",
                "name each parameter, or take a Set or Seq of them",
            )
        if rest.kwonlyargs and c.kind is not Kind.HELPER:
            c.fail(
                rest.kwonlyargs[0],
                f"the parameters of {c.kind.value}s have no names to be given by",
                "leave out the *",
            )
        parameters = [*rest.args, *rest.kwonlyargs]
        parameters = self._receivers(parameters)
        for parameter in parameters:
            t = self.record if parameter is rest.args[0] and self.record else None
            if t is None:
                t = c.declared(parameter.annotation, parameter, f"parameter `{parameter.arg}`")
            if c.kind is Kind.HELPER:
                t = unbounded(t)
            self.arguments.append(Argument(parameter.arg, t))
        if node.returns is None:
            c.fail(head(node), f"`{node.name}` has no return annotation", "write `-> None`, `-> bool`...")
        none = isinstance(node.returns, ast.Constant) and node.returns.value is None
        c.returns = None if none else unbounded(c.declared(node.returns, node, "the result"))
        self._check_kind(none)
        c.pure = c.returns is not None or c.kind is Kind.REFINEMENT
        names = [p.arg for p in rest.args]
        given = c.function.__defaults__ or ()
        defaults: dict[str, object] = (
            dict(zip(names[len(names) - len(given) :], given, strict=False)) if given else {}
        )
        defaults.update(c.function.__kwdefaults__ or {})
        if defaults and c.kind is not Kind.HELPER:
            c.fail(
                head(node),
                f"the parameters of {c.kind.value}s have no defaults: they range over their types",
                "leave the default out",
            )
        taken = [(a.name, a.type) for a in self.arguments]
        return FunctionSignature(node.name, taken, c.returns, defaults, len(rest.kwonlyargs))

    def _receivers(self, parameters: list[ast.arg]) -> list[ast.arg]:
        """Take `self`, and `old` or `abstract`, off the parameters."""
        c = self.c
        if c.owner is None:
            return parameters
        if not parameters:
            c.fail(head(c.node), "a method needs `self`", "write it as the first parameter")
        c.receivers[parameters[0].arg] = Which.NOW
        if second := _SECOND_RECEIVER.get(c.kind):
            if len(parameters) != 2:
                shape = (
                    "(self, old: Self) -> bool"
                    if second is Which.OLD
                    else "(self, abstract: Abstract) -> None"
                )
                c.fail(
                    head(c.node),
                    f"{_article(c.kind)} has two parameters",
                    f"write def {c.node.name}{shape}",
                )
            c.receivers[parameters[1].arg] = second
            return []
        return parameters[1:]

    def _check_kind(self, none: bool) -> None:
        c = self.c
        wanted = _WITH_VALUE.get(c.kind)
        if wanted is not None and c.returns != wanted:
            c.fail(
                c.node.returns or c.node,
                f"{_article(c.kind)} returns {wanted}",
                f"write `-> {wanted}`",
            )
        if c.kind in (Kind.ACTION, Kind.INIT, Kind.REFINEMENT) and not none:
            c.fail(
                c.node.returns or c.node,
                f"{_article(c.kind)} returns nothing",
                "write `-> None`",
            )
        if c.kind is Kind.VIEW and none:
            c.fail(
                c.node.returns or c.node,
                "a view must return what it shows of a state",
                "write the type of a value, a tuple, a record or a Map",
            )
        if c.kind in (Kind.CONSTRAINT, Kind.ASSUMPTION, Kind.VIEW) and self.arguments:
            c.fail(
                head(c.node),
                f"{_article(c.kind)} has no parameters but self",
                "quantify inside: all(... for x in S)",
            )

    def compile(self) -> Function:
        """The typed body."""
        c = self.c
        for argument in self.arguments:
            c.env.types[argument.name] = argument.type
            c.env.assigned.add(argument.name)
            c.declarations[argument.name] = (
                unbounded(argument.type) if c.assignments.get(argument.name) else argument.type
            )
        body, ended = c.body(c.node.body)
        if c.returns is not None:
            body = answering(body)
        if c.returns is not None and (not ended or fails_last(body)):
            c.fail(
                head(c.node),
                f"`{c.node.name}` may end without returning a value",
                "return one on every path",
            )
        if c.kind is Kind.REFINEMENT:
            self._check_complete(body)
        arguments = tuple(self._with_domain(i, body) for i in range(len(self.arguments)))
        doc = ast.get_docstring(c.node) or ""
        return Function(
            self.key,
            c.node.name,
            c.kind,
            arguments,
            c.returns,
            body,
            c.span(head(c.node)),
            doc,
        )

    def _check_complete(self, body: tuple[Node, ...]) -> None:
        c = self.c
        stored = {s.variable for s in body if isinstance(s, ir.Store)}
        missing = [name for name in c.module.abstract_of(c).variables if name not in stored]
        if missing:
            c.fail(
                head(c.node),
                f"the abstract variable `{missing[0]}` is not assigned",
                f"write abstract.{missing[0]} = ...",
            )

    def _with_domain(self, index: int, body: tuple[Node, ...]) -> Argument:
        """A parameter with the set that a guard at the top of the body restricts it to, if one does."""
        c = self.c
        argument = self.arguments[index]
        if c.kind not in RESTRICTED:
            return argument
        earlier = frozenset(a.name for a in self.arguments[:index])
        if found := restriction(argument.name, earlier, body, c.module.functions):
            return Argument(argument.name, argument.type, found.container)
        if why := infinite(argument.type):
            remedy = f"{why[1]}, or restrict it with a guard at the top: require({argument.name} in ...)"
            parameter = next(
                a for a in ast.walk(c.node.args) if isinstance(a, ast.arg) and a.arg == argument.name
            )
            c.fail(parameter, f"`{argument.name}` ranges over infinitely many values: {why[0]}", remedy)
        return argument


def head(node: ast.FunctionDef) -> ast.AST:
    """Something to point at for a whole function: `def name`."""
    end = node.col_offset + len("def ") + len(node.name.encode())
    return ast.Pass(
        lineno=node.lineno, end_lineno=node.lineno, col_offset=node.col_offset, end_col_offset=end
    )


def _article(kind: Kind) -> str:
    return f"{'an' if kind.value[0] in 'aeiou' else 'a'} {kind.value}"
