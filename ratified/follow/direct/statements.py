"""Lines for statements: variables are local names, and an action ends with a new state."""

from __future__ import annotations

from ratified.follow.direct.containers import each
from ratified.follow.direct.writer import PythonBody, variable_name
from ratified.language import ir
from ratified.language.ir import Which
from ratified.language.rules import NoRuleError, Rules
from ratified.language.types import MapType

rules: Rules[PythonBody, None] = Rules("Python of statements")


@rules.rule(ir.Let)
def _let(node: ir.Let, here: PythonBody) -> None:
    text = here.expr(node.value)
    here.line(f"{', '.join(_bind(node.names, here))} = {text}")


def _bind(names: tuple[str, ...], here: PythonBody) -> list[str]:
    here.locals |= {n: f"l_{n}" for n in names}
    return [here.locals[n] for n in names]


@rules.rule(ir.Store)
def _store(node: ir.Store, here: PythonBody) -> None:
    if node.which is not Which.NOW:
        raise NoRuleError(rules.what, node)
    variable, value = here.variables[Which.NOW, node.variable], here.expr(node.value)
    declared = next(d.type for d in here.library.module.variables if d.name == node.variable)
    path = [here.expr(key) for key in node.path]
    if not path:
        if isinstance(declared, MapType):
            raise NoRuleError(rules.what, node)  # it would have to be seen whether it has all keys
        here.line(f"{variable} = {value}")
    elif len(path) == 1 and isinstance(declared, MapType):
        here.line(f"{variable} = with_key({variable}, {path[0]}, {value})")
    else:
        here.line(f"{variable} = with_path({variable}, ({', '.join(path)},), {value})")


@rules.rule(ir.If)
def _if(node: ir.If, here: PythonBody) -> None:
    here.line(f"if {here.expr(node.test)}:")
    here.inside(node.then)
    if node.orelse:
        here.line("else:")
        here.inside(node.orelse)


@rules.rule(ir.For)
def _for(node: ir.For, here: PythonBody) -> None:
    runs = each(node.domain, here)
    here.line(f"for {', '.join(_bind(node.names, here))} in {runs}:")
    here.inside(node.body)


@rules.rule(ir.Require)
def _require(node: ir.Require, here: PythonBody) -> None:
    here.line(f"if not {here.expr(node.test)}: return None")


@rules.rule(ir.Assert)
def _assert(node: ir.Assert, here: PythonBody) -> None:
    here.line(f"if not {here.expr(node.test)}: odd()")


@rules.rule(ir.Return)
def _return(node: ir.Return, here: PythonBody) -> None:
    here.line(f"return {here.ends if node.value is None else here.expr(node.value)}")


@rules.rule(ir.Do)
def _do(node: ir.Do, here: PythonBody) -> None:
    changed = here.library.in_order(here.library.changes_of(node.function))
    call = here.called(node.function, map(here.expr, node.arguments), Which.NOW)
    done = here.library.fresh("d")
    here.line(f"{done} = {call}")
    here.line(f"if {done} is None: return None")
    if changed:
        here.line(f"{''.join(f'{variable_name(v)}, ' for v in changed)} = {done}")
