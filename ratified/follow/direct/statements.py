"""Python of statements: variables are local names, and an action ends with a new state."""

from __future__ import annotations

from ratified.follow.direct.containers import each
from ratified.follow.direct.python import assigned, call, constant, tuple_of, unpacked
from ratified.follow.direct.writer import PythonBody, variable_name
from ratified.language import ir
from ratified.language.ir import Which
from ratified.language.rules import NoRuleError, Rules
from ratified.language.types import MapType

rules: Rules[PythonBody, None] = Rules("Python of statements")


@rules.rule(ir.Let)
def _let(node: ir.Let, here: PythonBody) -> None:
    value = here.expr(node.value)
    here.body.append(assigned(here.bind(node.names), value))


@rules.rule(ir.Store)
def _store(node: ir.Store, here: PythonBody) -> None:
    if node.which is not Which.NOW:
        raise NoRuleError(rules.what, node)
    name, value = here.variables[Which.NOW, node.variable], here.expr(node.value)
    declared = next(d.type for d in here.library.module.variables if d.name == node.variable)
    path = [here.expr(key) for key in node.path]
    if not path:
        if isinstance(declared, MapType):
            raise NoRuleError(rules.what, node)  # it would have to be seen whether it has all keys
        made = value
    elif len(path) == 1 and isinstance(declared, MapType):
        made = call("with_key", [name, path[0], value])
    else:
        made = call("with_path", [name, tuple_of(path), value])
    here.body.append(assigned([name], made))


@rules.rule(ir.If)
def _if(node: ir.If, here: PythonBody) -> None:
    here.branch(here.expr(node.test), node.then, node.orelse)


@rules.rule(ir.For)
def _for(node: ir.For, here: PythonBody) -> None:
    runs = each(node.domain, here)
    with here.loop(here.bind(node.names), runs):
        here.block(node.body)


@rules.rule(ir.Require)
def _require(node: ir.Require, here: PythonBody) -> None:
    here.add("if not test: return None", test=here.expr(node.test))


@rules.rule(ir.Assert)
def _assert(node: ir.Assert, here: PythonBody) -> None:
    here.add("if not test: odd()", test=here.expr(node.test))


@rules.rule(ir.Return)
def _return(node: ir.Return, here: PythonBody) -> None:
    value = here.ends if node.value is None else here.expr(node.value)
    here.add("return value", value=value or constant(None))


@rules.rule(ir.Do)
def _do(node: ir.Do, here: PythonBody) -> None:
    changed = here.library.in_order(here.library.changes_of(node.function))
    made = here.called(node.function, map(here.expr, node.arguments), Which.NOW)
    done = here.library.fresh("d")
    here.add("done = made", done=done, made=made)
    here.add("if done is None: return None", done=done)
    if changed:
        here.body.append(unpacked(map(variable_name, changed), done))
