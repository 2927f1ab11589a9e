"""A model as a reduction looks at it: with more instances, whose guards are more conditions, each of less.

Guarantees: steps are those of the model, in the same order but for the choices of one action. What a guard gives a parameter is a
parameter like others, if it has few values; a guard that asks something of several values asks it of one after another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ratified.explore.reduction.fixed import values_without_state
from ratified.language import ir
from ratified.language.inline import Inliner
from ratified.language.ir import Argument, Expr, Function, Kind, Module, Node
from ratified.language.lower import CODE_PASSES, lowered
from ratified.language.model import Model
from ratified.language.scope import Scope
from ratified.language.types import BOOL, cardinality, element_type
from ratified.language.uses import Uses, conjuncts, free

MOST_VALUES = 64
"""A parameter of so many values is told apart by them."""

MOST_CHOICES = 256
"""So many instances an action may have for it."""

MOST_CONDITIONS = 32
"""So many conditions a guard is split into."""


def reducible(model: Model) -> Module:
    """The module of a model, lowered as for code, as a reduction looks at it."""
    module = lowered(model.module, CODE_PASSES)
    splitting = _Splitting(module, model.scope)
    functions = {
        key: splitting.action(_told_apart(f, model.scope)) if f.kind is Kind.ACTION and f.key == f.name else f
        for key, f in module.functions.items()
    }
    return replace(module, functions=functions)


def _told_apart(action: Function, scope: Scope) -> Function:
    """An action whose parameters of few values are given by nothing but their types; the guards that said which stay."""
    choices = 1.0
    for argument in action.arguments:
        if argument.domain is None:
            choices *= cardinality(argument.type, scope)
    arguments: list[Argument] = []
    for argument in action.arguments:
        count = cardinality(argument.type, scope)
        if argument.domain is not None and count <= MOST_VALUES and choices * count <= MOST_CHOICES:
            choices *= count
            argument = replace(argument, domain=None)  # noqa: PLW2901  # that one is meant from here on
        arguments.append(argument)
    return replace(action, arguments=tuple(arguments))


class _Splitting:
    """Splits the guards that an action begins with."""

    def __init__(self, module: Module, scope: Scope) -> None:
        self._uses = Uses(module, scope)
        self._module = module
        self._scope = scope
        self._inliner = Inliner(module)

    def action(self, action: Function) -> Function:
        """An action with its first guards split."""
        body: list[Node] = []
        for at, statement in enumerate(action.body):
            match statement:
                case ir.Let():
                    body.append(statement)
                case ir.Require(span, test):
                    parts = [part for c in conjuncts(test) for part in self._parts(c, 2)]
                    body += [ir.Require(span, part) for part in parts]
                case _:
                    body += action.body[at:]
                    break
        return replace(action, body=tuple(body))

    def _parts(self, test: Expr, deeper: int) -> list[Expr]:
        match test:
            case ir.And(_, _, operands) if deeper:
                return [part for o in operands for part in self._parts(o, deeper)]
            case ir.Call() if deeper and (written := self._inliner.call(test)) is not None:
                split = self._parts(written, deeper - 1)
                return split if len(split) > 1 else [test]
            case ir.Collect(_, _, "all", element, (clause,)) if deeper and len(clause.names) == 1:
                split = list(self._each(test, element, clause))
                if 1 < len(split) <= MOST_CONDITIONS:
                    return split
        return [test]

    def _each(self, test: ir.Collect, element: Expr, clause: ir.Clause) -> Iterator[Expr]:
        """What `all` asks, element by element, of a container that needs no state; nothing of another."""
        if free(clause.domain) or not self._uses.stateless(clause.domain):
            return
        t = element_type(clause.domain.type)
        if t is None:
            return
        for value in values_without_state(self._module, self._scope, clause.domain):
            name = {clause.names[0]: ir.Literal(test.span, t, value)}
            asked = self._inliner.rewritten(element, name)
            if clause.conditions:
                but = [ir.Not(test.span, BOOL, self._inliner.rewritten(c, name)) for c in clause.conditions]
                asked = ir.Or(test.span, BOOL, (*but, asked))
            yield asked
