"""What statements do: give names and variables values, branch, repeat, require, and return."""

from __future__ import annotations

from typing import Any

from ratified.language import ir
from ratified.language.api import Disabled
from ratified.language.evaluate.containers import value_at, with_value
from ratified.language.evaluate.frame import Frame, Returned, fail
from ratified.language.given import check_total
from ratified.language.ir import Which
from ratified.language.rules import Rules

rules: Rules[Frame, Returned | None] = Rules("steps of statements")


@rules.rule(ir.Let)
def _let(node: ir.Let, frame: Frame) -> None:
    frame.bind(node.names, frame.expr(node.value))


@rules.rule(ir.Store)
def _store(node: ir.Store, frame: Frame) -> None:
    run = frame.run
    value = frame.expr(node.value)
    if node.which is Which.ABSTRACT:
        run.abstract[node.variable] = value
        return
    path = [frame.expr(step) for step in node.path]
    if path:
        value = _replaced(node, run.now[node.variable], path, value)
    else:
        check_total(run.declared[node.variable], value, run.scope, node.variable)
    run.now[node.variable] = value


def _replaced(node: ir.Store, container: Any, path: list[Any], value: Any) -> Any:
    key, rest = path[0], path[1:]
    inner = _replaced(node, value_at(node, container, key), rest, value) if rest else value
    return with_value(node, container, key, inner)


@rules.rule(ir.Require)
def _require(node: ir.Require, frame: Frame) -> None:
    if not frame.expr(node.test):
        raise Disabled


@rules.rule(ir.Assert)
def _assert(node: ir.Assert, frame: Frame) -> None:
    if not frame.expr(node.test):
        fail(node, "the assertion is false", "write guards as require(...)")


@rules.rule(ir.If)
def _if(node: ir.If, frame: Frame) -> Returned | None:
    return frame.block(node.then if frame.expr(node.test) else node.orelse)


@rules.rule(ir.For)
def _for(node: ir.For, frame: Frame) -> Returned | None:
    for item in list(frame.expr(node.domain)):
        frame.bind(node.names, item)
        if ended := frame.block(node.body):
            return ended
    return None


@rules.rule(ir.Return)
def _return(node: ir.Return, frame: Frame) -> Returned:
    return Returned(None if node.value is None else frame.expr(node.value))


@rules.rule(ir.Do)
def _do(node: ir.Do, frame: Frame) -> None:
    frame.run.call(frame.run.module.functions[node.function], [frame.expr(a) for a in node.arguments])
