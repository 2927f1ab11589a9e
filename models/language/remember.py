"""Helpers of a model that answer a repeated question from memory.

Guarantees: an instance made to remember gives the same answers as before. A helper that returns a value changes nothing, so
what it returns depends on its arguments and the variables it reads; an error is never remembered. Claims ask the same of many
states that differ in other variables, and of a state once for each step from it and each step into it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

from ratified.models.language import ir
from ratified.models.language.ir import Function, Kind, Module, Which
from ratified.models.language.model import Model

MOST_REMEMBERED = 200_000
"""Answers kept of one helper before it begins anew."""


def remember(instances: list[Model], functions: Mapping[str, FunctionType]) -> None:
    """Make these instances of one model, all at the same size, share what their helpers once returned."""
    module = instances[0].module
    for name in sorted(_asked_by_claims(module) & functions.keys()):
        function = module.functions[name]
        if function.returns is None or not _loops(module, function):
            continue  # as quick to compute as to look up
        reads = sorted(variables_read(module, function))
        answers: dict[object, object] = {}
        for instance in instances:
            instance.__dict__[name] = _remembering(instance, functions[name], reads, answers)


def _remembering(
    instance: Model, function: FunctionType, reads: list[str], answers: dict[object, object]
) -> Callable[..., object]:
    variables = instance.__dict__

    def ask(*arguments: Any, **named: Any) -> object:
        if named:
            return function(instance, *arguments, **named)
        try:
            question = (arguments, *[variables[name] for name in reads])
        except KeyError:  # a variable without a value yet: the function says so
            return function(instance, *arguments)
        try:
            return answers[question]
        except KeyError:
            pass
        answer = function(instance, *arguments)
        if len(answers) >= MOST_REMEMBERED:
            answers.clear()
        answers[question] = answer
        return answer

    return ask


def _asked_by_claims(module: Module) -> set[str]:
    """The helpers that claims call themselves: what these call in turn is asked again only if they are."""
    claims = [f for f in module.functions.values() if f.kind not in (Kind.HELPER, Kind.ACTION, Kind.INIT)]
    nodes = (n for claim in claims for statement in claim.body for n in ir.walk(statement))
    return {n.function for n in nodes if isinstance(n, ir.Call)}


def variables_read(module: Module, function: Function) -> set[str]:
    """The variables that a function reads, in functions that it calls too."""
    return {
        n.name for n in _nodes(module, function) if isinstance(n, ir.Variable) and n.which is not Which.ABSTRACT
    }


def _loops(module: Module, function: Function) -> bool:
    return any(isinstance(n, ir.Collect | ir.For) for n in _nodes(module, function))


def _nodes(module: Module, function: Function) -> list[ir.Node | ir.Clause]:
    """All nodes of a function and of those that it calls."""
    found: list[ir.Node | ir.Clause] = []
    seen = {function.key}
    todo = [function]
    while todo:
        for statement in todo.pop().body:
            for node in ir.walk(statement):
                found.append(node)
                if isinstance(node, ir.Call | ir.Do) and node.function not in seen:
                    seen.add(node.function)
                    todo.append(module.functions[node.function])
    return found
