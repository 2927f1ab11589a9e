"""Initial states: the variables as they begin, and what `init` makes of them for each choice of its parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ratified.explore.native.codegen.actions import Actions
from ratified.explore.native.codegen.expressions import Env
from ratified.explore.native.codegen.functions import (
    indented,
)
from ratified.explore.native.codegen.numbers import (
    Num,
    literal,
)
from ratified.explore.native.codegen.statements import Statements
from ratified.explore.native.codegen.writer import Exits
from ratified.language.ir import Argument, Function
from ratified.language.scope import running


class Initial(Actions):
    """Writes the initial states."""

    def _initial(self) -> str:
        init, unit = self.module.functions.get("init"), self.unit
        with running(self.values.scope):
            zeros = self.model.zeros()
        words = [0] * self.layout.words
        for name, value in zeros.items():
            leaves = self.values.leaves(
                self.values.lift(value, self.layout.variables[name].type), self.layout.shapes[name]
            )
            for pos, leaf in zip(self.layout.places[name], leaves, strict=True):
                words[pos.word] |= int(leaf) << pos.shift
        begin = [f"t[{k}] = {literal(word)};" for k, word in enumerate(words)]
        missing = {d.name: k for k, d in enumerate(d for d in self.module.variables if d.name not in zeros)}
        label = [""]
        exits = Exits(
            lambda: label[0],
            lambda e: f"{{ {unit}rx_fault(batch, {e}, 0); {label[0]} }}",
            lambda place: f"{{ {unit}rx_bound(batch, {place}); {label[0]} }}",
            "init",
        )

        def write(w: Statements) -> None:
            w.base, w.copied = "t", True
            self._init_choices(w, init, 0, {}, begin, missing, label)

        if init is None:
            lines = [f"uint64_t *restrict t = {unit}rx_slot(batch);", *begin, f"{unit}rx_emit(batch, 0);"]
        else:
            lines = self._write(exits, write)
        return "\n".join(
            [f"static void {unit}model_initial({unit}rx_batch *batch) {{", *indented(lines), "}"]
        )

    def _init_choices(
        self,
        w: Statements,
        init: Function | None,
        index: int,
        env: Env,
        begin: list[str],
        missing: dict[str, int],
        label: list[str],
    ) -> None:
        assert init is not None
        if index == len(init.arguments):
            own = w.name("L")
            label[0] = f"goto {own};"
            lines, _, _ = w.branch(lambda: self._one_initial(w, init, env, begin, missing))
            w.put("{", [*lines, f"{own}:;"])
            return
        argument = init.arguments[index]

        def body(item: Any) -> None:
            self._init_choices(w, init, index + 1, {**env, argument.name: item}, begin, missing, label)

        if argument.domain is not None:
            lines, _, _ = w.branch(lambda: self._init_domain(w, argument, env, begin, body))
            w.put("{", lines)
            return
        self._for_each(w, argument, self._values(argument), lambda item, _: body(item))

    def _init_domain(
        self, w: Statements, argument: Argument, env: Env, begin: list[str], body: Callable[[Any], None]
    ) -> None:
        """A parameter of init that a guard restricts: the guard reads the variables as they begin."""
        assert argument.domain is not None
        w.line(f"uint64_t t[{self.unit}W];")
        for line in begin:
            w.line(line)
        domain = w.named(w.domain(w.ev(argument.domain, env)))

        def choose(item: Any) -> None:
            fine, own = self._of_type(w, item, argument.type)
            w._if(fine, lambda: body(w.named(own)))

        w.loop(domain, choose, copies=False)

    def _one_initial(
        self, w: Statements, init: Function, env: Env, begin: list[str], missing: dict[str, int]
    ) -> None:
        w.memory, w.unassigned = {}, missing
        w.line(f"uint64_t *restrict t = {self.unit}rx_slot(batch);")
        for line in begin:
            w.line(line)
        if missing:
            w.line("uint64_t have = 0;")
        w.run_body(init, env)
        for name, bit in missing.items():
            w.fault_unless(Num(f"(have >> {bit} & 1)", 0, 1), f"init does not assign `{name}`", init.span)
        w.line(f"{self.unit}rx_emit(batch, 0);")
