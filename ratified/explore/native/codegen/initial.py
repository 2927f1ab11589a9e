"""Initial states: the variables as they begin, and what `init` makes of them for each choice of its parameters.

Where `init` has no parameters, or what it makes on the way has no fixed width, the evaluator runs it: its states are constants.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ratified.explore.native.codegen.actions import of_type
from ratified.explore.native.codegen.functions import Unit, each, for_each
from ratified.explore.native.codegen.leaves import leaves
from ratified.explore.native.codegen.lifting import lift
from ratified.explore.native.codegen.loops import UNROLLED_MOST, domain_of, loop, under
from ratified.explore.native.codegen.numbering import count_for, values_for
from ratified.explore.native.codegen.printing import literal
from ratified.explore.native.codegen.shapes import Unsupported
from ratified.explore.native.codegen.statements import run_body
from ratified.explore.native.codegen.terms import CValue, HeldValue
from ratified.explore.native.codegen.writer import CodeEnv, Exits, FunctionWriter, Here, Pieces, have
from ratified.language.evaluate import TreeMachine
from ratified.language.ir import Argument, Function
from ratified.language.machine import OutOfBounds, StepError
from ratified.language.scope import running

EVALUATED_MOST = 4096
"""So many choices are tried by the evaluator, where C cannot."""


def initial(unit: Unit) -> str:
    """The function that makes every initial state."""
    init, name = unit.module.functions.get("init"), unit.name
    with running(unit.shapes.scope):
        zeros = unit.model.zeros()
    words = [0] * unit.layout.words
    for variable, value in zeros.items():
        held = lift(unit.shapes, value, unit.layout.variables[variable].type)
        row = leaves(unit.shapes, held, unit.layout.shapes[variable])
        for pos, leaf in zip(unit.layout.places[variable], row, strict=True):
            assert isinstance(leaf, int)
            words[pos.word] |= leaf << pos.shift
    begin = [f"t[{k}] = {literal(word)};" for k, word in enumerate(words)]
    if init is not None and not init.arguments and (states := _evaluated(unit, init)):
        return _constants(unit, states)
    missing = {d.name: k for k, d in enumerate(d for d in unit.module.variables if d.name not in zeros)}

    def write(w: FunctionWriter) -> None:
        if init is None:
            _slot(w, begin)
            w.line(f"{name}rx_emit(batch, 0);")
            return
        states = InitialStates(unit, w, init, begin, missing)
        w.exits.fault, w.exits.bound, w.exits.disabled = states.fault, states.bound, states.disabled
        w.base, w.copied = "t", True
        w.changed()
        states.choices(0, {})

    try:
        lines = unit.lines(Exits(tuple, lambda _: (), lambda _: (), "init"), write)
    except Unsupported:
        if init is None or not (states := _evaluated(unit, init)):
            raise
        return _constants(unit, states)
    return "\n".join([f"static void {name}model_initial({name}rx_batch *batch) {{", *lines, "}"])


def _evaluated(unit: Unit, init: Function) -> list[tuple[int, ...]]:
    """The words of each initial state; none where there are too many choices, or one goes wrong, which C then tells."""
    if any(a.domain is not None for a in init.arguments):
        return []
    if math.prod(count_for(unit.shapes, a) for a in init.arguments) > EVALUATED_MOST:
        return []
    try:
        states = TreeMachine(unit.model).initial()
    except StepError:
        return []
    whole = [unit.layout.pack(s) for _, s in states if not isinstance(s, OutOfBounds)]
    return whole if len(whole) == len(states) else []


def _constants(unit: Unit, states: list[tuple[int, ...]]) -> str:
    name, width = unit.name, unit.layout.words
    rows = ["{" + ", ".join(map(literal, state)) + "}" for state in states]
    return "\n".join(
        [
            f"static void {name}model_initial({name}rx_batch *batch) {{",
            f"static const uint64_t all[{len(states)}][{width}] = {{",
            *(f"{row}," for row in rows),
            "};",
            f"for (int i = 0; i < {len(states)}; i++) {{",
            f"uint64_t *restrict t = {unit.shared.unit}rx_slot(batch);",
            f"for (int k = 0; k < {width}; k++) t[k] = all[i][k];",
            f"{name}rx_emit(batch, 0);",
            "}",
            "}",
        ]
    )


def _slot(w: FunctionWriter, begin: list[str]) -> None:
    w.line(f"uint64_t *restrict t = {w.shared.unit}rx_slot(batch);")
    for line in begin:
        w.line(line)


@dataclass(slots=True, eq=False)
class InitialStates:
    """Writes the initial states: one for each choice of the parameters of `init`."""

    unit: Unit
    w: FunctionWriter
    init: Function
    begin: list[str]
    missing: dict[str, int]
    label: str = ""

    def disabled(self) -> Pieces:
        """This is no initial state."""
        return (f"goto {self.label};",) if self.label else ("return;",)

    def fault(self, error: int) -> Pieces:
        """This state has no answer."""
        return f"{{ {self.unit.name}rx_fault(batch, {error}, 0); ", *self.disabled(), " }"

    def bound(self, place: int) -> Pieces:
        """This state leaves a bound."""
        return f"{{ {self.unit.name}rx_bound(batch, {place}, 0); ", *self.disabled(), " }"

    def choices(self, index: int, env: CodeEnv) -> None:
        """Choose the parameters from a place on."""
        w = self.w
        if index == len(self.init.arguments):
            outer, self.label = self.label, w.name("L")
            label = self.label
            body, _, _ = w.branch(lambda: self._one(env))
            self.label = outer
            w.region(body, label)
            return
        argument = self.init.arguments[index]

        def chosen(item: HeldValue) -> None:
            self.choices(index + 1, {**env, argument.name: item})

        if argument.domain is None:
            self._all(argument, chosen)
            return
        body, _, _ = w.branch(lambda: self._domain(argument, env, chosen))
        w.region(body, w.name("L"))

    def _all(self, argument: Argument, chosen: Callable[[HeldValue], None]) -> None:
        """A parameter that no guard restricts: all of its values, for whose order nobody asks."""
        if count_for(self.unit.shapes, argument) <= UNROLLED_MOST:
            for_each(self.w, argument, values_for(self.unit.shapes, argument), lambda item, _: chosen(item))
        else:
            each(self.w, argument, argument.type, chosen)

    def _domain(self, argument: Argument, env: CodeEnv, chosen: Callable[[HeldValue], None]) -> None:
        """A parameter of init that a guard restricts: the guard reads the variables as they begin."""
        w = self.w
        assert argument.domain is not None
        w.line(f"uint64_t t[{self.unit.name}W];")
        for line in self.begin:
            w.line(line)
        w.changed()
        domain = domain_of(w.named(Here(w, env).ev(argument.domain)))

        def choose(item: CValue) -> None:
            fine, own = of_type(w, item, argument.type)
            under(w, fine, partial(chosen, w.named(own)))

        loop(w, domain, choose, copies=False)

    def _one(self, env: CodeEnv) -> None:
        w = self.w
        w.memory, w.unassigned = {}, self.missing
        _slot(w, self.begin)
        if self.missing:
            w.line("uint64_t have = 0;")
        w.changed()
        run_body(w, self.init, env)
        for name, bit in self.missing.items():
            w.fault_unless(have(bit), f"init does not assign `{name}`", self.init.span)
        w.line(f"{self.unit.name}rx_emit(batch, 0);")
