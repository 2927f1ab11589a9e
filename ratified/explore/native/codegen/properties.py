"""What is asked of states and steps: invariants, constraints, and what puts them to the test."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from ratified.explore.native.codegen.expressions import Env
from ratified.explore.native.codegen.functions import (
    WITNESSES_MOST,
    comment,
    indented,
    where_text,
)
from ratified.explore.native.codegen.initial import Initial
from ratified.explore.native.codegen.numbers import (
    negation,
)
from ratified.explore.native.codegen.statements import Statements
from ratified.explore.native.codegen.terms import Bits
from ratified.explore.native.codegen.writer import Exits
from ratified.explore.vacuity import witnesses
from ratified.language.ir import Expr, Function, Kind


class Properties(Initial):
    """Writes properties and witnesses."""

    def _properties(
        self, name: str, stem: str, functions: Sequence[Function], refinements: Sequence[Function] = ()
    ) -> str:
        """What asks properties and, of steps, refinements, whose numbers follow."""
        step = stem == "step"
        states = (
            "const uint64_t *restrict old, const uint64_t *restrict new"
            if step
            else "const uint64_t *restrict s"
        )
        passed = "old, new" if step else "s"
        exits = Exits(lambda: "return RX_OK;", lambda e: f"return RX_FAULT({e});", None)
        texts: list[str] = []
        calls: list[tuple[str, int]] = []
        for k, function in enumerate(functions):
            lines = self._write(
                Exits(exits.disabled, exits.fault, None, function.name),
                partial(self._property, function=function, number=k, step=step),
            )
            text = [
                f"/* {comment(function.name)}, {comment(where_text(function.span))} */",
                f"static int {stem}_{k}({states}) {{",
                *indented(lines),
                "    return RX_OK;",
                "}",
            ]
            texts.append("\n".join(text))
            calls.append((f"{stem}_{k}({passed})", k))
        calls += [(f"r{k}_explains(old, new)", len(functions) + k) for k in range(len(refinements))]
        unused = "(void)old; (void)new;" if step else "(void)s;"
        asked = asking(f"static inline int {name}({states})", unused, calls, first=stem == "constraint")
        return "\n\n".join([*texts, asked])

    def _property(self, w: Statements, function: Function, number: int, step: bool) -> None:
        if step:
            w.base, w.old_base = "new", "old"

        def choose(index: int, env: Env) -> None:
            if index == len(function.arguments):
                found = w.pure(lambda: w.pure_body(function.body, env))
                found = w.v.loaded(w.run_body(function, env) if found is None else found)
                w.leave_unless(found, lambda: f"return {number};")
                return
            argument = function.arguments[index]
            universe = w.v.universe(argument.type)

            def body(item: Any) -> None:
                choose(index + 1, {**env, argument.name: item})

            if universe is None:
                self._for_each(w, argument, self._values(argument), lambda item, _: body(item))
                return
            words = tuple(universe.mask(k) for k in range(universe.words))
            w.loop(Bits(universe, words, words), body)

        choose(0, {})

    # --- witnesses ---

    def _witness(self) -> str:
        """Conditions that put properties to the test: bit i stands for witness i, whose property `witnessed` names."""
        states, step = self._witnesses(Kind.INVARIANT), self._witnesses(Kind.STEP_INVARIANT)
        self.witnessed = tuple(name for name, _ in states), tuple(name for name, _ in step)
        return "\n\n".join(
            [
                *self._asked("model_witness", "const uint64_t *restrict s", "s", states),
                *self._asked(
                    "model_witness_step",
                    "const uint64_t *restrict old, const uint64_t *restrict new",
                    "old, new",
                    step,
                ),
            ]
        )

    def _witnesses(self, kind: Kind) -> list[tuple[str, Expr]]:
        found = [
            (f.name, goal)
            for f in self.module.of_kind(kind)
            for goal in witnesses(self.module, f, self.model.scope)
        ]
        return found[:WITNESSES_MOST]

    def _asked(self, name: str, states: str, passed: str, goals: Sequence[tuple[str, Expr]]) -> list[str]:
        texts, calls = [], []
        for k, (of, goal) in enumerate(goals):
            # Where a witness has no value it counts as seen.
            exits = Exits(lambda: "return 1;", lambda _: "return 1;", None, of)

            def write(w: Statements, goal: Expr = goal) -> None:
                if passed != "s":
                    w.base, w.old_base = "new", "old"
                w.leave_unless(negation(w.val(goal, {})), lambda: "return 1;")

            lines = self._write(exits, write)
            text = [f"static int {name}_{k}({states}) {{", *indented(lines), "    return 0;", "}"]
            texts.append("\n".join([f"/* what puts {comment(of)} to the test */", *text]))
            calls.append(f"    if (wanted >> {k} & 1) found |= (uint64_t){name}_{k}({passed}) << {k};")
        unused = "".join(f"(void){p}; " for p in passed.split(", "))
        body = [f"    {unused}(void)wanted;", "    uint64_t found = 0;", *calls, "    return found;"]
        return [
            *texts,
            "\n".join([f"static inline uint64_t {name}({states}, uint64_t wanted) {{", *body, "}"]),
        ]


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
