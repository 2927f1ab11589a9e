"""A program that measures runs: the model's steps with their weights, and what is asked of states on the way (`measure.h`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from ratified.explore.measuring import TIMES, MeasuredAt, MeasurePlan
from ratified.explore.native.codegen import build, nodes
from ratified.explore.native.codegen.actions import successors
from ratified.explore.native.codegen.functions import Unit
from ratified.explore.native.codegen.numbers import num
from ratified.explore.native.codegen.packing import loaded
from ratified.explore.native.codegen.program import SUPPORT
from ratified.explore.native.codegen.properties import properties
from ratified.explore.native.codegen.shapes import Unsupported
from ratified.explore.native.codegen.statements import value_of_call
from ratified.explore.native.codegen.terms import as_num
from ratified.explore.native.codegen.writer import CodeEnv, Exits, FunctionWriter
from ratified.language.ir import Argument, Expr, Function, Kind, Module, Return
from ratified.language.types import IntType, unbounded

_SIGNATURE = "(const uint64_t *restrict s, uint64_t steps, const uint64_t *restrict times, int64_t *out)"

_AT = {
    MeasuredAt.END: "RM_END",
    MeasuredAt.MAX: "RM_MAX",
    MeasuredAt.MIN: "RM_MIN",
    MeasuredAt.MEAN: "RM_MEAN",
    MeasuredAt.FIRST: "RM_FIRST",
}


def measuring(plan: MeasurePlan) -> tuple[str, Unit]:
    """The text of the program, and what its numbers mean. Raises Unsupported, as `generate` does."""
    with nodes.alone:
        nodes.forget()
        try:
            return _measuring(plan)
        finally:
            nodes.forget()


def _measuring(plan: MeasurePlan) -> tuple[str, Unit]:
    asked = [(f"measure_{k}", m.query.parts[0][1]) for k, m in enumerate(plan.measures)]
    until = [] if plan.until is None else [("model_until", plan.until.parts[0][1])]
    # As functions of the model they are lowered with it.
    asking = {name: _function(plan.module, name, expr) for name, expr in [*asked, *until]}
    other = plan.model.twin()
    module = replace(plan.module, functions={**plan.module.functions, **asking})
    object.__setattr__(other, "module", module)
    unit = Unit(other, weights=plan.weights)
    constraints = unit.module.of_kind(Kind.CONSTRAINT)
    functions = [
        successors(unit),
        properties(unit, "model_constraints", "constraint", constraints),
        *(_asking(unit, name, plan.length) for name in asking),
    ]
    if not until:
        nothing = "(void)s; (void)steps; (void)times; *out = 0;"
        functions.append(f"static int model_until{_SIGNATURE} {{ {nothing} return RX_OK; }}")
    macros = {
        "WORDS": unit.layout.words,
        "INSTANCES": max(1, sum(i.count for i in unit.instances)),
        "BOUNDS": len(unit.shared.bounds),
        "CONSTRAINTS": len(constraints),
        "INVARIANTS": 0,
        "STEP_INVARIANTS": 0,
        "SYMMETRY": 0,
        "MEASURES": len(plan.measures),
        "ACTIONS": len(unit.instances),
    }
    text = [
        *(f"#define MODEL_{name} {value}" for name, value in macros.items()),
        '#pragma GCC diagnostic ignored "-Wunused-function"',
        '#include "contract.h"',
        '#include "weigh.h"',
        SUPPORT,
        *unit.shared.tables.text(),
        *functions,
        _took(unit),
        f"static int (*const model_measures[]){_SIGNATURE} = {{{', '.join(name for name, _ in asked)}}};",
        f"static const enum rm_at model_at[] = {{{', '.join(_AT[m.at] for m in plan.measures)}}};",
        '#include "measure.h"',
        "",
    ]
    return "\n\n".join(text), unit


def _function(module: Module, name: str, expr: Expr) -> Function:
    """An expression as a function of the state and the counts of the run."""
    names = ("steps", *(TIMES + action.name for action in module.of_kind(Kind.ACTION)))
    arguments = tuple(Argument(count, IntType()) for count in names)
    body = (Return(expr.span, expr),)
    return Function(name, name, Kind.HELPER, arguments, unbounded(expr.type), body, expr.span, "")


def _asking(unit: Unit, name: str, length: int) -> str:
    """The same in C."""
    exits = Exits(lambda: ("return RX_OK;",), lambda e: (f"return RX_FAULT({e});",), None, name)
    lines = unit.lines(exits, partial(_value, unit=unit, name=name, length=length))
    unused = "    (void)s; (void)steps; (void)times;"
    return "\n".join([f"static int {name}{_SIGNATURE} {{", unused, *lines, "    return RX_OK;", "}"])


def _value(w: FunctionWriter, unit: Unit, name: str, length: int) -> None:
    env: CodeEnv = {"steps": num(build.var("steps", 0, length), 0, length)}
    for k, instances in enumerate(unit.instances):
        count = num(build.load("times", k, length), 0, length)
        env[TIMES + instances.action.name] = count
    function = unit.module.functions[name]
    found = as_num(loaded(value_of_call(w, function, env)))
    if found.low < -(2**63) or found.high >= 2**63:
        raise Unsupported("what is measured may be a number of more than 64 bits", span=function.span)
    w.line("*out = (int64_t)", found.c, ";")


def _took(unit: Unit) -> str:
    counted: Sequence[str] = [
        f"    if (instance >= {i.first} && instance < {i.first + i.count}) times[{k}]++;"
        for k, i in enumerate(unit.instances)
    ]
    head = "static void model_took(uint32_t instance, uint64_t *times) {"
    return "\n".join([head, "    (void)instance; (void)times;", *counted, "}"])
