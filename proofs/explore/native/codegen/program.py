"""A whole program for the explorer: the functions that `contract.h` asks for, and what their numbers mean.

Guarantees: instances are numbered in the order of the actions, then of their static parameters' values; the same model at the
same size gives the same text.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ratified.models.language.errors import Span
from ratified.models.language.ir import Argument, Expr, Function, Kind
from ratified.models.language.machine import MOST_CHOICES, abstract_model
from ratified.models.language.model import Model
from ratified.models.language.scope import running
from ratified.models.language.types import (
    OptionalType,
    RecordType,
    Type,
    UnionType,
    cardinality,
    records_of,
    values_of,
)
from ratified.models.language.values import show
from ratified.proofs.explore.native.codegen.expressions import Env
from ratified.proofs.explore.native.codegen.layout import Layout
from ratified.proofs.explore.native.codegen.loops import UNROLLED_MOST
from ratified.proofs.explore.native.codegen.numbers import (
    FALSE,
    TRUE,
    Num,
    both,
    compare,
    const,
    either,
    literal,
    negation,
    num,
)
from ratified.proofs.explore.native.codegen.refinement import reads, refinement_text, write_image
from ratified.proofs.explore.native.codegen.shapes import Unsupported
from ratified.proofs.explore.native.codegen.statements import Statements
from ratified.proofs.explore.native.codegen.symmetry import canonical_text
from ratified.proofs.explore.native.codegen.values import Bits, Opt, SeqV, Uni, Values
from ratified.proofs.explore.native.codegen.writer import Ended, Exits, Place, Shared, TooLong, flat
from ratified.proofs.explore.symmetry import Symmetry
from ratified.proofs.explore.vacuity import witnesses

VERSION = 1
"""Changes when the same model would give another program."""

INSTANCES_MOST = 96
"""An action of up to so many static choices is written out for each."""

TEXT_MOST = 400_000
"""How much text an action or property may take before it is written with loops."""

LISTED_MOST = 16_384
"""How many values a parameter may have that no guard restricts."""

WITNESSES_MOST = 64
"""The explorer looks for so many witnesses at once; properties past that count as put to the test."""

SUPPORT = (Path(__file__).resolve().parent / "support.h").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Instances:
    """The instances of an action: numbers from `first`, one for each choice of the static parameters (`values` of each)."""

    action: Function
    first: int
    values: tuple[tuple[Any, ...], ...]

    @property
    def count(self) -> int:
        """How many there are."""
        return math.prod(len(v) for v in self.values)


@dataclass(frozen=True, slots=True)
class Program:
    """C text, and the tables that say what its numbers stand for."""

    text: str
    layout: Layout
    instances: tuple[Instances, ...]
    bounds: tuple[Place, ...]
    errors: tuple[tuple[str, Span | None], ...]
    invariants: tuple[Function, ...]
    step_invariants: tuple[Function, ...]
    refinements: tuple[Function, ...]
    constraints: tuple[Function, ...]
    witnesses: tuple[str, ...]
    step_witnesses: tuple[str, ...]

    def action_of(self, instance: int) -> int:
        """The number of the action that an instance belongs to."""
        return next(k for k, i in enumerate(self.instances) if i.first <= instance < i.first + i.count)


class Generator:
    """Generates the program of one model at one size.

    For an abstract model in it: `unit` as in Shared, `within` of the program, whose tables and numbers of errors are used.
    """

    def __init__(
        self, model: Model, symmetry: Symmetry | None, *, unit: str = "", within: Shared | None = None
    ) -> None:
        self.model = model
        self.module = model.module
        self.values = Values(model.scope)
        self.layout = Layout(model, self.values)
        self.unit = unit
        self.shared = Shared(self.values, self.layout, self.module, unit=unit)
        if within is not None:
            self.values.tables = within.values.tables
            self.shared.errors = within.errors
        self.symmetry = symmetry
        self.witnessed: tuple[tuple[str, ...], tuple[str, ...]] = (), ()
        self.instances: list[Instances] = []
        for action in self.module.of_kind(Kind.ACTION):
            first = sum(i.count for i in self.instances)
            static = tuple(self._values(a) for a in action.arguments if a.domain is None)
            self.instances.append(Instances(action, first, static))

    def tables(self, text: str = "") -> Program:
        """What the numbers of a program stand for."""
        return Program(
            text,
            self.layout,
            tuple(self.instances),
            tuple(self.shared.bounds),
            tuple(self.shared.errors),
            self.module.of_kind(Kind.INVARIANT),
            self.module.of_kind(Kind.STEP_INVARIANT),
            self.module.of_kind(Kind.REFINEMENT),
            self.module.of_kind(Kind.CONSTRAINT),
            *self.witnessed,
        )

    def program(self) -> Program:
        """The whole program. Raises Unsupported for what has no bound or is not compiled."""
        asked = Kind.INVARIANT, Kind.STEP_INVARIANT, Kind.REFINEMENT, Kind.CONSTRAINT
        kinds = {k: self.module.of_kind(k) for k in asked}
        functions = [self._initial(), self._successors()]
        functions.append(self._properties("model_constraints", "constraint", kinds[Kind.CONSTRAINT]))
        functions.append(self._properties("model_invariants", "invariant", kinds[Kind.INVARIANT]))
        functions += self._refinements(kinds[Kind.REFINEMENT])
        functions.append(
            self._properties(
                "model_step_invariants", "step", kinds[Kind.STEP_INVARIANT], kinds[Kind.REFINEMENT]
            )
        )
        functions.append(self._witness())
        canonical = "    (void)s;"
        if self.symmetry:
            renaming, canonical = canonical_text(self.model, self.shared, self.symmetry)
            functions += renaming
        functions.append(f"static inline void model_canonical(uint64_t *s) {{\n{canonical}\n}}")
        body = "\n\n".join([SUPPORT, *self.values.table_text(), *functions])
        macros = {
            "WORDS": self.layout.words,
            "INSTANCES": max(1, sum(i.count for i in self.instances)),
            "BOUNDS": len(self.shared.bounds),
            "CONSTRAINTS": len(kinds[Kind.CONSTRAINT]),
            "INVARIANTS": len(kinds[Kind.INVARIANT]),
            "STEP_INVARIANTS": len(kinds[Kind.STEP_INVARIANT]) + len(kinds[Kind.REFINEMENT]),
            "REFINEMENTS": len(kinds[Kind.REFINEMENT]),
            "SYMMETRY": int(self.symmetry is not None),
        }
        digest = hashlib.sha256(
            "\n".join([str(VERSION), repr(self.model), *self.layout.describe(), str(macros), body]).encode()
        )
        lines = [
            f"/* {_comment(repr(self.model))}",
            *(f" *   {_comment(line)}" for line in self.layout.describe()),
            " */",
        ]
        lines += [f"#define MODEL_{name} {value}" for name, value in macros.items()]
        lines += [
            f'#define MODEL_DIGEST "{digest.hexdigest()}"',
            '#include "contract.h"',
            "",
            body,
            '#include "explorer.c"',
            "",
        ]
        return self.tables("\n".join(lines))

    # --- writing a function: first with everything unrolled, with loops if that grows too long ---

    def _write(self, exits: Exits, write: Callable[[Statements], None], budget: int = TEXT_MOST) -> list[str]:
        for rolled in (False, True):
            try:
                return self._write_once(exits, write, 1 << 60 if rolled else budget, rolled=rolled)
            except TooLong:
                continue
        raise AssertionError("a budget without end was exceeded")

    # --- actions ---

    def _values(self, argument: Argument) -> tuple[Any, ...]:
        size = cardinality(argument.type, self.values.scope)
        if size > MOST_CHOICES:
            raise Unsupported(
                f"the parameter `{argument.name}` ranges over too many values",
                remedy="say where it comes from with a guard at the top",
            )
        with running(self.values.scope):
            return tuple(values_of(argument.type, self.values.scope))

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
        head = f"/* {_comment(f'{action.name}({described})')}, {_comment(_where(action.span))} */"
        text = [
            head,
            f"static void {name}(const uint64_t *restrict s, {unit}rx_batch *batch) {{",
            *_indented(lines),
            "}",
        ]
        return name, "\n".join(text)

    def _write_once(
        self, exits: Exits, write: Callable[[Statements], None], budget: int, *, rolled: bool
    ) -> list[str]:
        writer = Statements(self.shared, exits, rolled=rolled, budget=budget)
        try:
            with suppress(Ended):
                write(writer)
        except Unsupported as problem:
            raise self._located(problem, exits.action) from None
        return list(flat(writer.lines))

    def _located(self, problem: Unsupported, name: str) -> Unsupported:
        """What is not compiled, with the function that it stands in if it has no better place."""
        function = self.module.functions.get(name)
        if problem.span is not None or function is None:
            return problem
        return Unsupported(f"{problem.message} (in `{name}`)", span=function.span, remedy=problem.remedy)

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

    @staticmethod
    def _for_each(
        w: Statements, argument: Argument, values: Sequence[Any], body: Callable[[Any, Num], None]
    ) -> None:
        """What `body` writes of each value and its place: written out for a few, a loop over a table for many."""
        if len(values) <= UNROLLED_MOST:
            for k, value in enumerate(values):
                with w.block("{"):
                    _quietly(partial(body, w.v.lift(value, argument.type), const(k)))
            return
        if len(values) > LISTED_MOST:
            raise Unsupported(
                f"the parameter `{argument.name}` ranges over {len(values):,} values, "
                f"and the native explorer takes {LISTED_MOST:,}",
                remedy="say where it comes from with a guard at the top",
            )
        i, universe = w.name("i"), w.v.universe(argument.type)
        with w.block(f"for (int64_t {i} = 0; {i} < {len(values)}; {i}++) {{"):
            at = num(i, 0, len(values) - 1)
            item = w.v.explode(universe, at) if universe else w.v.listed(values, argument.type, at)
            _quietly(partial(body, w.named(item), at))

    # --- initial states ---

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
            [f"static void {unit}model_initial({unit}rx_batch *batch) {{", *_indented(lines), "}"]
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
            w.fault_unless(Num(f"(have >> {bit} & 1)", 0, 1), f"init gives `{name}` no value", init.span)
        w.line(f"{self.unit}rx_emit(batch, 0);")

    # --- refinements ---

    def _refinements(self, functions: Sequence[Function]) -> list[str]:
        """For each refinement the abstract model and what asks it; then what is asked of initial states."""
        texts: list[str] = []
        for k, function in enumerate(functions):
            unit = f"r{k}_"
            abstract = Generator(
                abstract_model(self.model, function.name), None, unit=unit, within=self.shared
            )
            steps = [abstract._initial(), abstract._successors()]
            exits = Exits(lambda: "return RX_OK;", lambda e: f"return RX_FAULT({e});", None, function.name)
            lines = self._write(exits, partial(write_image, function=function, abstract=abstract.layout))
            image = [
                f"/* {_comment(function.name)}, {_comment(_where(function.span))} */",
                f"static int {unit}image(const uint64_t *restrict s, uint64_t *restrict t) {{",
                "    (void)s;",
                *_indented(lines),
                "    return RX_OK;",
                "}",
            ]
            read = reads(self.module, function)
            texts.append(
                refinement_text(unit, [*steps, "\n".join(image)], abstract.layout, self.layout, read)
            )
        if functions:
            calls = [(f"r{k}_begins(s)", k) for k in range(len(functions))]
            texts.append(_asking("static inline int model_beginning(const uint64_t *s)", "(void)s;", calls))
        return texts

    # --- properties ---

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
                f"/* {_comment(function.name)}, {_comment(_where(function.span))} */",
                f"static int {stem}_{k}({states}) {{",
                *_indented(lines),
                "    return RX_OK;",
                "}",
            ]
            texts.append("\n".join(text))
            calls.append((f"{stem}_{k}({passed})", k))
        calls += [(f"r{k}_explains(old, new)", len(functions) + k) for k in range(len(refinements))]
        unused = "(void)old; (void)new;" if step else "(void)s;"
        asking = _asking(f"static inline int {name}({states})", unused, calls, first=stem == "constraint")
        return "\n\n".join([*texts, asking])

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
            text = [f"static int {name}_{k}({states}) {{", *_indented(lines), "    return 0;", "}"]
            texts.append("\n".join([f"/* what puts {_comment(of)} to the test */", *text]))
            calls.append(f"    if (wanted >> {k} & 1) found |= (uint64_t){name}_{k}({passed}) << {k};")
        unused = "".join(f"(void){p}; " for p in passed.split(", "))
        body = [f"    {unused}(void)wanted;", "    uint64_t found = 0;", *calls, "    return found;"]
        return [
            *texts,
            "\n".join([f"static inline uint64_t {name}({states}, uint64_t wanted) {{", *body, "}"]),
        ]


def generate(model: Model, symmetry: Symmetry | None = None) -> Program:
    """The program of a model. Raises Unsupported (a SizeError) for what the native explorer does not take."""
    return Generator(model, symmetry).program()


def recalled(
    model: Model,
    bounds: Sequence[Place],
    errors: Sequence[tuple[str, Span | None]],
    witnessed: tuple[tuple[str, ...], tuple[str, ...]],
) -> Program:
    """The tables of a program that was generated before; its text is not made again, and empty."""
    generator = Generator(model, None)
    generator.shared.bounds.extend(bounds)
    generator.shared.errors.extend(errors)
    generator.witnessed = witnessed
    return generator.tables()


def _asking(signature: str, unused: str, calls: Sequence[tuple[str, int]], *, first: bool = False) -> str:
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


def _quietly(write: Callable[[], None]) -> None:
    with suppress(Ended):
        write()


def _scaled(code: Num, times: int) -> int | str:
    return code.c * times if isinstance(code.c, int) else f"({code.c} * {times})"


def _where(span: Span | None) -> str:
    return f"{Path(span.file).name}:{span.line}" if span else ""


def _comment(text: str) -> str:
    return text.replace("*/", "* /").replace("\\", "/").replace("\n", " ")


def _indented(lines: Sequence[str]) -> list[str]:
    made, depth = [], 1
    for line in lines:
        opens = line.endswith("{")
        closes = line.startswith("}")
        if closes:
            depth = max(1, depth - 1)
        made.append("    " * depth + line)
        if opens:
            depth += 1
    return made
