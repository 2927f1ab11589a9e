"""Steps: a function for each action, or for each choice of its static parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from ratified.explore.native.codegen.asking import equal
from ratified.explore.native.codegen.functions import (
    INSTANCES_MOST,
    STATEMENTS_MOST,
    Unit,
    comment,
    for_each,
    where_text,
)
from ratified.explore.native.codegen.lifting import lift
from ratified.explore.native.codegen.logic import narrow, widen
from ratified.explore.native.codegen.loops import counted, domain_of, loop, size, under, without
from ratified.explore.native.codegen.numbering import Instances
from ratified.explore.native.codegen.numbers import (
    FALSE,
    TRUE,
    Num,
    both,
    compare,
    const,
    either,
    negation,
    plus,
    times,
)
from ratified.explore.native.codegen.packing import loaded
from ratified.explore.native.codegen.statements import copy, run_body, value_of_call
from ratified.explore.native.codegen.terms import BagV, CValue, HeldValue, Opt, Rec, SeqV, SlotV, Uni, as_num
from ratified.explore.native.codegen.writer import (
    CodeEnv,
    Exits,
    FunctionTooLong,
    FunctionWriter,
    Here,
    Pieces,
)
from ratified.explore.reduction.footprints import leading
from ratified.language.ir import WEIGHT_MOST, Argument, Expr, Which
from ratified.language.types import OptionalType, RecordType, Type, UnionType, records_of
from ratified.language.values import show


def successors(unit: Unit) -> str:
    """All functions of the actions, and the one that calls them."""
    functions, calls = [], []
    for number, instances in enumerate(unit.instances):
        for name, text in _action(unit, number, instances):
            functions.append(text)
            calls.append(f"    {name}(s, batch);")
    if unit.within is not None and not any(f"{unit.name}rx_fault(" in text for text in functions):
        # One step is looked for, and none of those behind it can be without an answer.
        calls = [f"{call} if (batch->found) return;" for call in calls]
    body = "\n".join(calls) if calls else "    (void)s; (void)batch;"
    head = f"static inline void {unit.name}model_successors(const uint64_t *restrict s, {unit.name}rx_batch *batch)"
    return "\n\n".join([*functions, f"{head} {{\n{body}\n}}"])


def _action(unit: Unit, number: int, instances: Instances) -> list[tuple[str, str]]:
    name = f"{unit.name}action_{number}"
    if instances.count == 0:
        return []
    if instances.count <= INSTANCES_MOST:
        budget = STATEMENTS_MOST // instances.count
        try:
            return [_function(unit, f"{name}_{k}", instances, k, budget) for k in range(instances.count)]
        except FunctionTooLong:
            pass
    return [_function(unit, name, instances, None, STATEMENTS_MOST)]


def _function(
    unit: Unit, name: str, instances: Instances, chosen: int | None, budget: int
) -> tuple[str, str]:
    action = instances.action
    picks = None if chosen is None else _picks(instances, chosen)

    def write(w: FunctionWriter) -> None:
        step = StepWriter(unit, w, instances, const(instances.first + (chosen or 0)))
        w.exits.fault, w.exits.bound, w.exits.disabled = step.fault, step.bound, step.disabled
        if unit.reduced:
            w.exits.refused = step.refused
        step.choices(picks)

    exits = Exits(tuple, lambda _: (), lambda _: (), action.name)
    if chosen is None or instances.count == 1:
        lines = unit.lines(exits, write, budget)
    else:
        lines = unit.printed(unit.body_once(exits, write, budget, rolled=False))
    static = [a for a in action.arguments if a.domain is None]
    described = ", ".join(f"{a.name}={show(v)}" for a, v in zip(static, picks or (), strict=False))
    head = f"/* {comment(f'{action.name}({described})')}, {comment(where_text(action.span))} */"
    signature = f"static void {name}(const uint64_t *restrict s, {unit.name}rx_batch *batch) {{"
    return name, "\n".join([head, signature, *lines, "}"])


def _picks(instances: Instances, chosen: int) -> list[object]:
    picks: list[object] = []
    for values in reversed(instances.values):
        picks.insert(0, values[chosen % len(values)])
        chosen //= len(values)
    return picks


@dataclass(slots=True, eq=False)
class StepWriter:
    """Writes the steps of some instances of an action: the number that is meant, and where a step that is none goes."""

    unit: Unit
    w: FunctionWriter
    instances: Instances
    number: Num
    label: str = ""
    conditions: dict[int, int] = field(init=False)
    """The numbers of the first conditions, from 1, by which an instance that is not possible tells why."""

    def __post_init__(self) -> None:
        first = (
            [c for c in leading(self.instances.action) if isinstance(c, Expr)] if self.unit.reduced else []
        )
        self.conditions = {id(c): k for k, c in enumerate(first, 1)}

    def refused(self, test: Expr) -> Pieces:
        """This is no step, since a condition is false."""
        number = self.conditions.get(id(test))
        if number is None:
            return self.disabled()
        return "{ rx_refused(batch, ", self.number.c, f", {number}); ", *self.disabled(), " }"

    def disabled(self) -> Pieces:
        """This is no step."""
        return (f"goto {self.label};",) if self.label else ("return;",)

    def fault(self, error: int) -> Pieces:
        """This step has no answer."""
        return f"{{ {self.unit.name}rx_fault(batch, {error}, ", self.number.c, "); ", *self.disabled(), " }"

    def bound(self, place: int) -> Pieces:
        """This step leaves a bound."""
        return f"{{ {self.unit.name}rx_bound(batch, {place}, ", self.number.c, "); ", *self.disabled(), " }"

    def choices(self, picks: Sequence[object] | None) -> None:
        """The static parameters first (given, or as loops), then those that a guard restricts, then the body."""
        action, w = self.instances.action, self.w
        static = [a for a in action.arguments if a.domain is None]
        if picks is not None:
            env: CodeEnv = {a.name: lift(w.shapes, v, a.type) for a, v in zip(static, picks, strict=True)}
            self._dynamic([a for a in action.arguments if a.domain is not None], env)
        else:
            self._static(static, 0, {}, FALSE)

    def _static(self, static: Sequence[Argument], index: int, env: CodeEnv, code: Num) -> None:
        if index == len(static):
            self.number = plus(const(self.instances.first), code)
            self._dynamic([a for a in self.instances.action.arguments if a.domain is not None], env)
            return
        argument, values = static[index], self.instances.values[index]

        def body(item: HeldValue, position: Num) -> None:
            self._static(
                static, index + 1, {**env, argument.name: item}, plus(times(code, len(values)), position)
            )

        for_each(self.w, argument, values, body)

    def _dynamic(self, arguments: Sequence[Argument], env: CodeEnv) -> None:
        if not arguments:
            self._body(env)
            return
        w, argument, rest = self.w, arguments[0], arguments[1:]
        assert argument.domain is not None
        domain = without(
            w,
            domain_of(w.named(Here(w, env).ev(argument.domain))),
            lambda item: of_type(w, item, argument.type)[0].c == 0,
        )
        before: list[tuple[Num, CValue]] = []

        def body(item: CValue) -> None:
            fine, own = of_type(w, item, argument.type)
            if isinstance(domain, SeqV):
                # An element that occurs twice is one choice.
                new = [either(negation(there), negation(equal(w, item, other))) for there, other in before]
                before.append((TRUE, item))
                fine = both(fine, *new)
            under(w, fine, partial(self._dynamic, rest, {**env, argument.name: own}))

        outer = self.label
        if isinstance(domain, SlotV | BagV) and size(domain) > 1:
            # What is chosen is read from the state, not known now: written out for each place the body would be no faster.
            counted(w, domain, body, copies=False)
        else:
            loop(w, domain, body, copies=False, unroll=isinstance(domain, SeqV))
        self.label = outer

    def _body(self, env: CodeEnv) -> None:
        w, action = self.w, self.instances.action
        w.copied, w.memory, w.version = False, {}, 0
        # What a parameter is chosen from need not be asked again: it was the guard that said so.
        w.granted = tuple(a.domain for a in action.arguments if a.domain is not None)
        outer, self.label = self.label, w.name("L")
        label = self.label

        def write() -> None:
            run_body(w, action, env)
            copy(w)
            if self.unit.weights is not None:
                self._weigh(self.unit.weights[action.name], env)
            w.line(f"{self.unit.name}rx_emit(batch, ", self.number.c, ");")

        body, _, _ = w.branch(write)
        self.label = outer
        w.copied, w.memory, w.version = False, {}, 0
        w.region(body, label)

    def _weigh(self, weight: int | str, env: CodeEnv) -> None:
        """Say how likely this step is: a helper speaks of the state before it."""
        w = self.w
        if isinstance(weight, int):
            w.line("rx_weigh(batch, ", weight, ");")
            return
        function = self.unit.module.functions[weight]
        given = {
            own.name: env[a.name]
            for own, a in zip(function.arguments, self.instances.action.arguments, strict=True)
        }
        w.old_base = "s"
        with w.variables_of(Which.OLD):
            found = as_num(loaded(value_of_call(w, function, given)))
        fine = both(compare("<=", FALSE, found), compare("<=", found, const(WEIGHT_MOST)))
        w.fault_unless(fine, f"`{weight}` must return a weight", function.span)
        w.line("rx_weigh(batch, (int64_t)", found.c, ");")


def of_type(w: FunctionWriter, item: HeldValue, t: Type) -> tuple[Num, CValue]:
    """Whether an element is of a parameter's type (a union's set may restrict a parameter of one record), and as that."""
    item = loaded(item)
    fine = TRUE
    inner = t.item if isinstance(t, OptionalType) else t
    if isinstance(item, Opt):
        if not isinstance(t, OptionalType):
            if item.item is None:
                return FALSE, item
            fine, item = item.some, item.item
        elif isinstance(inner, RecordType | UnionType) and item.item is not None:
            own, narrowed = of_type(w, item.item, inner)
            return either(negation(item.some), own), Opt(item.some, narrowed)
    wanted = records_of(inner)
    if isinstance(item, Uni) and wanted and item.type != inner:
        possible = [
            compare("==", item.tag, const(k))
            for k, r in enumerate(item.type.records)
            if r in wanted and item.alternatives[k]
        ]
        fine = both(fine, either(FALSE, *possible))
        if fine.c == 0:
            return FALSE, item
        item = narrow(w.shapes, item, inner)
    elif isinstance(item, Rec) and wanted and item.type not in wanted:
        return FALSE, item
    return fine, widen(w.shapes, item, t)
