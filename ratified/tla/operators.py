"""The operators that the functions of a model become: helpers, actions, claims.

Guarantees: an operator is written after those that it needs; an action's parameters range over what its guards say.
"""

from __future__ import annotations

from collections.abc import Sequence

from ratified.language import ir
from ratified.language.claims import LIVENESS
from ratified.language.errors import ModelError
from ratified.language.ir import Argument, Function, Kind
from ratified.language.types import BoolType, OptionalType, records_of
from ratified.tla import comments
from ratified.tla.bodies import body_value
from ratified.tla.comprehensions import as_set
from ratified.tla.context import NeedsInlining, TlaContext, TranslatedStatements
from ratified.tla.formulas import Binder, quantified
from ratified.tla.formulating import formula
from ratified.tla.literals import is_one_of
from ratified.tla.page import commented, section
from ratified.tla.syntax import Definition, Infix, Leaf, TextLines, Tla
from ratified.tla.translation import TRANSLATION
from ratified.tla.typesets import type_set
from ratified.tla.vocabulary import Vocabulary


class TranslationError(ModelError):
    """Something that a model says and TLA+, as we write it, cannot."""


class Operators:
    """The operators of one module, each written when it is first asked for."""

    def __init__(self, words: Vocabulary) -> None:
        self.words = words
        self.blocks: list[TextLines] = []
        self._done: set[str] = set()
        self.called = {
            n.function
            for f in words.module.functions.values()
            for s in f.body
            for n in ir.walk(s)
            if isinstance(n, ir.Call | ir.Do)
        }

        acting = [f for f in words.module.functions.values() if f.returns is None]
        self._acting = words.uses.calls([s for f in acting for s in f.body])

    def emit(self, keys: Sequence[str]) -> None:
        """Write the operators of functions, each after those that it needs."""
        for key in dict.fromkeys(keys):
            one = self.words.module.functions[key]
            if key in self._done or one.kind in (*LIVENESS, Kind.REFINEMENT):
                continue
            self._done.add(key)
            lines = self._function(one)
            if one.key == one.name:
                above = comments.heading(one.span)
                lines = [*(section(above) if above else []), *lines]
            self.blocks.append([*lines, ""])

    def emit_referenced(self) -> None:
        """Write the operators that have been asked for."""
        wanted, self.words.referenced = self.words.referenced, []
        self.emit(wanted)

    def frame(self, arguments: Sequence[Argument] = (), *, step: bool = False) -> TlaContext:
        """A context at the top of an operator with these parameters."""
        names = self.words.names.operator()
        env: dict[str, Tla] = {a.name: Leaf(names.give(a.name)) for a in arguments}
        return TlaContext(self.words, TRANSLATION, names, env, step=step)

    def _function(self, one: Function) -> TextLines:
        before, written_out = self.words.referenced, set[str]()
        while True:
            self.words.referenced = []
            try:
                made = self._definition(one, frozenset(written_out))
            except NeedsInlining as conflict:
                written_out.add(conflict.key)
                continue
            break
        self.emit_referenced()
        self.words.referenced = before
        return [*(commented(one.doc) if one.doc else []), *made]

    def _definition(self, one: Function, written_out: frozenset[str]) -> TextLines:
        of_steps = one.kind is Kind.STEP_INVARIANT
        frame = self.frame(() if of_steps else one.arguments, step=of_steps)
        frame.acting = one.returns is None or one.key in self._acting
        params = tuple(map(str, frame.env.values()))
        name = self.words.operators[one.key]
        if one.returns is None:
            return Definition(name, self._effect(one, frame, written_out), params).lines()
        body = body_value(one, frame)
        asked = (Kind.INVARIANT, Kind.CONSTRAINT, Kind.ASSUMPTION)
        if one.kind in asked and params and one.key not in self.called:
            return Definition(name, self.for_all(one.arguments, body, frame)).lines()
        return Definition(name, body, params).lines()

    # --- parameters ---

    def for_all(self, arguments: Sequence[Argument], body: Tla, frame: TlaContext) -> Tla:
        """That something is so for all arguments."""
        return quantified("\\A", self.bounds(arguments, frame), body)

    def bounds(self, arguments: Sequence[Argument], frame: TlaContext) -> list[Binder]:
        """What arguments range over."""
        bounds: list[Binder] = []
        for a in arguments:
            domain = self._domain(a, frame)
            name = str(frame.env[a.name])
            if bounds and str(bounds[-1][1]) == str(domain) and a.domain is None:
                bounds[-1] = ((*bounds[-1][0], name), domain)
            else:
                bounds.append(((name,), domain))
        return bounds

    def _domain(self, a: Argument, frame: TlaContext) -> Tla:
        if a.domain is not None:
            return as_set(a.domain, frame)
        made = type_set(a.type, self.words)
        if made is None:
            raise TranslationError(
                f"the parameter `{a.name}` ranges over infinitely many values",
                span=self.words.module.span,
                remedy="give its type bounds",
            )
        return made

    # --- actions ---

    def _effect(self, one: Function, frame: TlaContext, written_out: frozenset[str]) -> Tla:
        """What an action or procedure does."""
        own = one.kind is Kind.ACTION and one.key == one.name
        kinds: list[Tla] = []
        said: set[str] = set()
        run = TranslatedStatements(frame, [], written_out=written_out)
        for a in one.arguments if own else ():
            if a.domain is not None:
                value = frame.env[a.name]
                inside = _in_text(value, a.domain, frame)
                if not (one.fair and one.fair.each and a.name in one.fair.each):
                    said.add(inside)
                frame.present |= {inside}
                kinds += self._kind_of(value, a)
        run.said = frozenset(said)
        run.statements(one.body)
        run.guards[:0] = kinds
        written = self.words.writes(one)
        return formula(run, [n for n in self.words.variables if own or n in written])

    def _kind_of(self, value: Tla, a: Argument) -> list[Tla]:
        """That an element of a container is of the type of a parameter that ranges over it."""
        assert a.domain is not None
        element = getattr(a.domain.type, "item", getattr(a.domain.type, "key", a.type))
        made: list[Tla] = []
        optional = isinstance(element, OptionalType)
        if records_of(a.type) and records_of(element):
            narrow = optional and not isinstance(a.type, OptionalType)
            possible, wanted = records_of(element), records_of(a.type)
            test = is_one_of(value, possible, wanted, self.words, optional=narrow)
            if isinstance(a.type, OptionalType) and str(test) != "TRUE":
                test = Infix("=>", Infix("#", value, self.words.none()), test)
            made.append(test)
        elif optional and not isinstance(a.type, OptionalType):
            made.append(Infix("#", value, self.words.none()))
        return [m for m in made if str(m) != "TRUE"]


def _in_text(value: Tla, domain: ir.Expr, frame: TlaContext) -> str:
    """That a value is in what a parameter ranges over, as guards say it."""
    inner = frame.inside({"\0item": value})
    item = ir.Local(domain.span, BoolType(), "\0item")
    return str(inner.expr(ir.In(domain.span, BoolType(), item, domain)))
