"""Steps: a function for each action, or for each choice of its static parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ratified.explore.native.codegen.expressions import Env
from ratified.explore.native.codegen.functions import (
    INSTANCES_MOST,
    TEXT_MOST,
    Functions,
    Instances,
    comment,
    indented,
    where_text,
)
from ratified.explore.native.codegen.numbers import (
    FALSE,
    TRUE,
    Num,
    both,
    compare,
    const,
    either,
    negation,
    num,
)
from ratified.explore.native.codegen.statements import Statements
from ratified.explore.native.codegen.terms import Opt, SeqV, Uni
from ratified.explore.native.codegen.writer import Exits, TooLong
from ratified.language.ir import Function
from ratified.language.types import (
    OptionalType,
    RecordType,
    Type,
    UnionType,
    records_of,
)
from ratified.language.values import show


class Actions(Functions):
    """Writes the successors of a state."""

    def _successors(self) -> str:
        functions, calls = [], []
        for number, instances in enumerate(self.instances):
            made = self._action(number, instances)
            functions += [text for _, text in made]
            calls += [f"    {name}(s, batch);" for name, _ in made]
        body = "\n".join(calls) if calls else "    (void)s; (void)batch;"
        head = f"static inline void {self.unit}model_successors(const uint64_t *restrict s, {self.unit}rx_batch *batch)"
        return "\n\n".join([*functions, f"{head} {{\n{body}\n}}"])

    def _action(self, number: int, instances: Instances) -> list[tuple[str, str]]:
        if instances.count == 0:
            return []
        if instances.count <= INSTANCES_MOST:
            try:
                return self._written_out(number, instances)
            except TooLong:
                pass
        return [self._function(f"{self.unit}action_{number}", instances, None, TEXT_MOST)]

    def _written_out(self, number: int, instances: Instances) -> list[tuple[str, str]]:
        """A function for each choice of the static parameters."""
        budget, name = TEXT_MOST // instances.count, f"{self.unit}action_{number}"
        return [self._function(f"{name}_{k}", instances, k, budget) for k in range(instances.count)]

    def _function(self, name: str, instances: Instances, chosen: int | None, budget: int) -> tuple[str, str]:
        action, unit = instances.action, self.unit
        label, number = ["return;"], [str(instances.first)]

        def fault(error: int) -> str:
            return f"{{ {unit}rx_fault(batch, {error}, (uint32_t)({number[0]})); {label[0]} }}"

        exits = Exits(
            lambda: label[0],
            fault,
            lambda place: f"{{ {unit}rx_bound(batch, {place}); {label[0]} }}",
            action.name,
        )
        picks: list[Any] = []
        if chosen is not None:
            number[0] = str(instances.first + chosen)
            rest = chosen
            for values in reversed(instances.values):
                picks.insert(0, values[rest % len(values)])
                rest //= len(values)

        def write(w: Statements) -> None:
            label[0] = "return;"
            if chosen is None:
                number[0] = str(instances.first)
            self._choices(w, instances, picks if chosen is not None else None, label, number)

        try:
            lines = self._write_once(exits, write, budget, rolled=False)
        except TooLong:
            if chosen is not None and instances.count > 1:
                raise
            lines = self._write_once(exits, write, 1 << 60, rolled=True)
        described = ", ".join(
            f"{a.name}={show(v)}"
            for a, v in zip([a for a in action.arguments if a.domain is None], picks, strict=False)
        )
        head = f"/* {comment(f'{action.name}({described})')}, {comment(where_text(action.span))} */"
        text = [
            head,
            f"static void {name}(const uint64_t *restrict s, {unit}rx_batch *batch) {{",
            *indented(lines),
            "}",
        ]
        return name, "\n".join(text)

    def _choices(
        self,
        w: Statements,
        instances: Instances,
        picks: Sequence[Any] | None,
        label: list[str],
        number: list[str],
    ) -> None:
        """The static parameters first (given, or as loops), then those that a guard restricts, then the body."""
        action = instances.action
        static = [a for a in action.arguments if a.domain is None]
        code: Num = const(0)

        def one_static(index: int, env: Env, code: Num) -> None:
            if index == len(static):
                number[0] = f"{instances.first} + {code.text()}" if code.c != 0 else str(instances.first)
                self._dynamic(w, action, 0, env, label, number)
                return
            argument, values = static[index], instances.values[index]

            def body(item: Any, position: Num) -> None:
                inner = {**env, argument.name: item}
                total = (
                    w.total([num(_scaled(code, len(values)), 0, 2**31), position])
                    if code.c != 0
                    else position
                )
                one_static(index + 1, inner, total)

            self._for_each(w, argument, values, body)

        if picks is None:
            one_static(0, {}, code)
        else:
            env = {a.name: w.v.lift(v, a.type) for a, v in zip(static, picks, strict=True)}
            self._dynamic(w, action, 0, env, label, number)

    def _dynamic(
        self, w: Statements, action: Function, index: int, env: Env, label: list[str], number: list[str]
    ) -> None:
        dynamic = [a for a in action.arguments if a.domain is not None]
        if index == len(dynamic):
            self._body(w, action, env, label, number)
            return
        argument = dynamic[index]
        assert argument.domain is not None
        domain = w.domain(w.ev(argument.domain, env))
        domain = w.named(domain)
        before: list[tuple[Num, Any]] = []

        def body(item: Any) -> None:
            fine, own = self._of_type(w, item, argument.type)

            def go() -> None:
                self._dynamic(w, action, index + 1, {**env, argument.name: w.named(own)}, label, number)

            if isinstance(domain, SeqV):
                # An element that occurs twice is one choice.
                new = both(
                    *(either(negation(there), negation(w.equal(item, other))) for there, other in before)
                )
                before.append((TRUE, item))
                fine = both(fine, new)
            w._if(fine, go)

        outer = label[0]
        w.loop(domain, body, copies=False, unroll=isinstance(domain, SeqV))
        label[0] = outer

    def _of_type(self, w: Statements, item: Any, t: Type) -> tuple[Num, Any]:
        """Whether an element is of a parameter's type (a union's set may restrict a parameter of one record), and as that."""
        item = w.v.loaded(item)
        fine = TRUE
        inner = t.item if isinstance(t, OptionalType) else t
        if isinstance(item, Opt):
            if not isinstance(t, OptionalType):
                if item.item is None:
                    return FALSE, item
                fine, item = item.some, w.v.loaded(item.item)
            elif isinstance(inner, RecordType | UnionType) and item.item is not None:
                own, narrowed = self._of_type(w, item.item, inner)
                return either(negation(item.some), own), Opt(item.some, narrowed)
        wanted = records_of(inner)
        if isinstance(item, Uni) and wanted and item.type != inner:
            fine = both(
                fine,
                either(
                    *(
                        compare("==", item.tag, const(k))
                        for k, r in enumerate(item.type.records)
                        if r in wanted and item.alternatives[k]
                    )
                ),
            )
            if fine.c == 0:
                return FALSE, item
            item = w.narrow(item, inner)
        elif wanted and not isinstance(item, Uni | Opt) and item.type not in wanted:
            return FALSE, item
        return fine, w.widen(item, t)

    def _body(self, w: Statements, action: Function, env: Env, label: list[str], number: list[str]) -> None:
        w.copied, w.memory = False, {}
        # What a parameter is chosen from need not be asked again: it was the guard that said so.
        w.granted = tuple(a.domain for a in action.arguments if a.domain is not None)
        own = w.name("L")
        outer, label[0] = label[0], f"goto {own};"

        def write() -> None:
            w.run_body(action, env)
            w.copy()
            w.line(f"{self.unit}rx_emit(batch, (uint32_t)({number[0]}));")

        lines, _, _ = w.branch(write)
        label[0] = outer
        w.copied, w.memory = False, {}
        w.put("{", [*lines, f"{own}:;"])  # one body may come after another: each has names of its own


def _scaled(code: Num, times: int) -> int | str:
    return code.c * times if isinstance(code.c, int) else f"({code.c} * {times})"
