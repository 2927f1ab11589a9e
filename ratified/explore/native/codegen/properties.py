"""What is asked of states and steps: invariants, constraints, and what puts them to the test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from ratified.explore.native.codegen.code import Block
from ratified.explore.native.codegen.functions import Unit, comment, for_each, where_text
from ratified.explore.native.codegen.loops import loop
from ratified.explore.native.codegen.numbering import values_for
from ratified.explore.native.codegen.numbers import negation
from ratified.explore.native.codegen.packing import loaded
from ratified.explore.native.codegen.printing import literal
from ratified.explore.native.codegen.reading import bits_read, never_leaves
from ratified.explore.native.codegen.statements import value_of_call
from ratified.explore.native.codegen.terms import HeldValue, as_num, full
from ratified.explore.native.codegen.writer import CodeEnv, Exits, FunctionWriter, Here
from ratified.explore.vacuity import witnesses
from ratified.language.ir import Expr, Function, Kind

WITNESSES_MOST = 64
"""The explorer looks for so many witnesses at once; properties past that count as put to the test."""

STATE = "const uint64_t *restrict s"
STEP = "const uint64_t *restrict old, const uint64_t *restrict new"


def properties(
    unit: Unit, name: str, stem: str, functions: Sequence[Function], refinements: Sequence[Function] = ()
) -> str:
    """What asks properties and, of steps, refinements, whose numbers follow."""
    step = stem == "step"
    states, passed = (STEP, "old, new") if step else (STATE, "s")
    texts: list[str] = []
    calls: list[tuple[str, int]] = []
    for k, function in enumerate(functions):
        exits = Exits(lambda: ("return RX_OK;",), lambda e: (f"return RX_FAULT({e});",), None, function.name)
        write = partial(_property, unit=unit, function=function, number=k)
        body = unit.body(exits, partial(write, states=("new", "old") if step else ("s", None)))
        text = [
            f"/* {comment(function.name)}, {comment(where_text(function.span))} */",
            f"static int {stem}_{k}({states}) {{",
            *(
                _unless_untouched(unit, body, unit.body(exits, partial(write, states=("s", "s"))))
                if step
                else ()
            ),
            *unit.printed(body),
            "    return RX_OK;",
            "}",
        ]
        texts.append("\n".join(text))
        calls.append((f"{stem}_{k}({passed})", k))
    calls += [(f"r{k}_explains(old, new, &kept->r{k})", len(functions) + k) for k in range(len(refinements))]
    if refinements:
        states += ", model_memory *kept"
    unused = "(void)old; (void)new;" if step else "(void)s;"
    asked = asking(f"static inline int {name}({states})", unused, calls, first=stem == "constraint")
    return "\n\n".join([*texts, asked])


def _unless_untouched(unit: Unit, body: Block, still: Block) -> list[str]:
    """A step that leaves all that a property reads as it was needs no asking, if one that changes nothing has it (`still`)."""
    if not never_leaves(still):
        return []
    masks = bits_read(body, ("old", "new"), unit.layout.words)
    differ = [f"((old[{k}] ^ new[{k}]) & {literal(mask)})" for k, mask in enumerate(masks) if mask]
    return [f"    if (!({' | '.join(differ) or '0'})) return RX_OK;"]


def _property(
    w: FunctionWriter, unit: Unit, function: Function, number: int, states: tuple[str, str | None]
) -> None:
    """What asks a property. `states` are the names of the state now, and before."""
    w.base, w.old_base = states

    def asked(env: CodeEnv) -> None:
        found = as_num(loaded(value_of_call(w, function, env)))
        w.leave_unless(found, lambda: (f"return {number};",))

    for_all(w, unit, function, asked)


def for_all(
    w: FunctionWriter,
    unit: Unit,
    function: Function,
    body: Callable[[CodeEnv], None],
    env: CodeEnv | None = None,
) -> None:
    """What `body` writes for all values of a function's parameters, from the one behind those in the environment on."""
    env = env or {}
    if len(env) == len(function.arguments):
        body(env)
        return
    argument = function.arguments[len(env)]
    universe = unit.shapes.universe(argument.type)

    def rest(item: HeldValue) -> None:
        for_all(w, unit, function, body, {**env, argument.name: item})

    if universe is None:
        for_each(w, argument, values_for(unit.shapes, argument), lambda item, _: rest(item))
    else:
        loop(w, full(universe), rest)


# --- witnesses ---


def witnessed(unit: Unit, kind: Kind) -> list[tuple[str, Expr]]:
    """Conditions that put properties to the test, and the properties' names."""
    found = [
        (f.name, goal)
        for f in unit.module.of_kind(kind)
        for goal in witnesses(unit.module, f, unit.model.scope)
    ]
    return found[:WITNESSES_MOST]


def witness(unit: Unit, goals: Sequence[tuple[str, Expr]], *, step: bool) -> str:
    """What tells which conditions hold: bit i stands for witness i."""
    name, states, passed = ("model_witness_step", STEP, "old, new") if step else ("model_witness", STATE, "s")
    texts, calls = [], []
    for k, (of, goal) in enumerate(goals):
        # Where a witness has no value it counts as seen.
        exits = Exits(lambda: ("return 1;",), lambda _: ("return 1;",), None, of)

        def write(w: FunctionWriter, goal: Expr = goal) -> None:
            if step:
                w.base, w.old_base = "new", "old"
            w.leave_unless(negation(Here(w, {}).num(goal)), lambda: ("return 1;",))

        lines = unit.lines(exits, write)
        text = [f"static int {name}_{k}({states}) {{", *lines, "    return 0;", "}"]
        texts.append("\n".join([f"/* what puts {comment(of)} to the test */", *text]))
        calls.append(f"    if (wanted >> {k} & 1) found |= (uint64_t){name}_{k}({passed}) << {k};")
    unused = "".join(f"(void){p}; " for p in passed.split(", "))
    body = [f"    {unused}(void)wanted;", "    uint64_t found = 0;", *calls, "    return found;"]
    whole = "\n".join([f"static inline uint64_t {name}({states}, uint64_t wanted) {{", *body, "}"])
    return "\n\n".join([*texts, whole])


def asking(signature: str, unused: str, calls: Sequence[tuple[str, int]], *, first: bool = False) -> str:
    """A function that asks: a fault, wherever it is, or else the number of the first call that does not give RX_OK.

    With `first` nothing more is asked after a call that does not give RX_OK.
    """
    body = [f"    {unused}", "    int found = RX_OK, r = RX_OK;", "    (void)r;"]
    for call, number in calls:
        body.append(f"    if (RX_UNLIKELY((r = {call}) != RX_OK)) {{")
        body.append("        if (r < RX_OK) return r;")
        body.append(f"        {f'return {number};' if first else f'if (found == RX_OK) found = {number};'}")
        body.append("    }")
    return "\n".join([f"{signature} {{", *body, "    return found;", "}"])
