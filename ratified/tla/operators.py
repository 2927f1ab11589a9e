"""The operators that the functions of a model become: helpers, actions, claims.

Guarantees: an operator is written after those that it needs; an action's parameters range over what its guards say.
"""

from __future__ import annotations

from collections.abc import Sequence

from ratified.interchange.representation import Representation
from ratified.language import ir
from ratified.language.ir import Argument, Function, Kind
from ratified.language.model import Model
from ratified.language.types import (
    BoolType,
    OptionalType,
    records_of,
)
from ratified.tla import comments
from ratified.tla.effects import Effects
from ratified.tla.expressions import Cannot
from ratified.tla.formulas import Bound, quantified
from ratified.tla.page import commented, section
from ratified.tla.scope import Frame, NotApart
from ratified.tla.syntax import Atom, Block, Definition, Infix, Tla


class Operators(Effects):
    """Writes operators."""

    def __init__(self, model: Model, form: Representation) -> None:
        super().__init__(model, form)
        self._done: dict[str, Block] = {}
        self._written: list[Block] = []
        self._called = {
            n.function
            for f in self.module.functions.values()
            for s in f.body
            for n in ir.walk(s)
            if isinstance(n, ir.Call | ir.Do)
        }

    def _emit(self, key: str) -> None:
        """Write a function's operator, after those that it needs."""
        if key in self._done:
            return
        self._done[key] = []
        one = self.module.functions[key]
        if one.kind in (Kind.EVENTUALLY, Kind.LEADS_TO, Kind.REFINEMENT):
            return
        lines = self._function(one)
        if one.key == one.name:
            above = comments.heading(one.span)
            lines = [*(section(above) if above else []), *lines]
        self._written.append([*lines, ""])

    def _function(self, one: Function) -> Block:
        while True:
            before, self.referenced = self.referenced, []
            try:
                made = self._definition(one)
            except NotApart as conflict:
                self.written_out.add(conflict.key)
                self.referenced = before
                continue
            wanted, self.referenced = self.referenced, before
            break
        for key in dict.fromkeys(wanted):
            self._emit(key)
        self.written_out.clear()
        doc = commented(one.doc) if one.doc else []
        return [*doc, *made]

    def _definition(self, one: Function) -> Block:
        names = self.names.operator()
        params = {a.name: names.give(a.name) for a in one.arguments if one.kind is not Kind.STEP_INVARIANT}
        env: dict[str, Tla] = {name: Atom(text) for name, text in params.items()}
        frame = Frame(names, env, step=one.kind is Kind.STEP_INVARIANT)
        name = self.operators[one.key]
        if one.returns is None:
            body = self._effect(one, frame)
            return Definition(name, body, tuple(params.values())).lines()
        body = self.body_value(one, frame)
        asked = (Kind.INVARIANT, Kind.CONSTRAINT, Kind.ASSUMPTION)
        if one.kind in asked and params and one.key not in self._called:
            return Definition(name, self._for_all(one.arguments, body, frame)).lines()
        return Definition(name, body, tuple(params.values())).lines()

    def _for_all(self, arguments: Sequence[Argument], body: Tla, frame: Frame) -> Tla:
        """That something is so for all arguments."""
        return quantified("\\A", self._bounds(arguments, frame), body)

    def _bounds(self, arguments: Sequence[Argument], frame: Frame) -> list[Bound]:
        bounds: list[Bound] = []
        for a in arguments:
            domain = self._domain(a, frame)
            name = str(frame.env[a.name])
            if bounds and str(bounds[-1][1]) == str(domain) and a.domain is None:
                bounds[-1] = ((*bounds[-1][0], name), domain)
            else:
                bounds.append(((name,), domain))
        return bounds

    def _domain(self, a: Argument, frame: Frame) -> Tla:
        """What an argument ranges over."""
        if a.domain is not None:
            return self.as_set(a.domain, frame)
        made = self.type_set(a.type)
        if made is None:
            raise Cannot(
                f"the parameter `{a.name}` ranges over infinitely many values",
                span=self.module.span,
                remedy="give its type bounds",
            )
        return made

    def _effect(self, one: Function, frame: Frame) -> Tla:
        """What an action or procedure does."""
        run = self.start(frame)
        kinds: list[Tla] = []
        said: set[str] = set()
        for a in one.arguments if one.kind is Kind.ACTION and one.key == one.name else ():
            if a.domain is not None:
                value = frame.env[a.name]
                inside = self._in_text(value, a.domain, frame)
                if not (one.fair and one.fair.each and a.name in one.fair.each):
                    said.add(inside)
                frame.present |= {inside}
                kinds += self._kind_of(value, a)
        self.said = frozenset(said)
        self.run(one.body, run)
        run.guards[:0] = kinds
        self.said = frozenset()
        written = self.writes(one)
        names = [
            n for n in self.variables if (one.kind is Kind.ACTION and one.key == one.name) or n in written
        ]
        return self.formula(run, names)

    def _in_text(self, value: Tla, domain: ir.Expr, frame: Frame) -> str:
        frame.env["\0item"] = value
        item = ir.Local(domain.span, BoolType(), "\0item")
        made = str(self.expr(ir.In(domain.span, BoolType(), item, domain), frame))
        del frame.env["\0item"]
        return made

    def _kind_of(self, value: Tla, a: Argument) -> list[Tla]:
        """That an element of a container is of the type of a parameter that ranges over it."""
        assert a.domain is not None
        element = getattr(a.domain.type, "item", getattr(a.domain.type, "key", a.type))
        made: list[Tla] = []
        optional = isinstance(element, OptionalType)
        if records_of(a.type) and records_of(element):
            narrow = optional and not isinstance(a.type, OptionalType)
            possible, wanted = records_of(element), records_of(a.type)
            test = self.is_one_of(value, possible, wanted, narrow)
            if isinstance(a.type, OptionalType) and str(test) != "TRUE":
                test = Infix("=>", Infix("#", value, self.none()), test)
            made.append(test)
        elif optional and not isinstance(a.type, OptionalType):
            made.append(Infix("#", value, self.none()))
        return [m for m in made if str(m) != "TRUE"]

    def comments_at(self, span: object) -> tuple[str, ...]:
        """See Effects."""
        found = (*comments.above(span), *comments.beside(span))  # type: ignore[arg-type]  # a span
        return tuple(line for text in found for line in comments.wrapped(text, 68))
