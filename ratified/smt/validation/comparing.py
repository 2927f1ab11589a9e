"""Formulas held to CPython at one size: the state, the steps from it, and what is claimed of them.

Guarantees: in the structure that stands for a state (and the arguments of an action), what is given is true, for some values
of the constants that the translation introduces; a lemma is true exactly if CPython says so; a step is taken exactly if CPython
takes it, to the very state; a conclusion is refuted exactly if the claim is true after the step. Where CPython has no answer (an
error, a bound that is left) no step is taken, and an obligation says that something is wrong: that the step is not well-defined,
or not within bounds. What is not so raises `Disagreement`.
"""

from __future__ import annotations

import functools
import itertools
import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ratified.language.errors import Span
from ratified.language.ir import Function, Kind
from ratified.language.machine import OutOfBounds, PythonMachine, StepError, Values
from ratified.language.model import Model
from ratified.language.scope import running
from ratified.language.sorts import BoundKind
from ratified.language.types import cardinality, values_of
from ratified.language.values import show
from ratified.smt.first_order.obligations import Part
from ratified.smt.first_order.steps import ActionPath
from ratified.smt.terms import FALSE, Symbol
from ratified.smt.validation.encoding import Encoding, Unlike
from ratified.smt.validation.evaluation import Evaluate, Key, TooMuch, WorkLeft
from ratified.smt.validation.plan import ComparisonPlan, Conclusion, StatedFact, Taken
from ratified.smt.validation.reading import Reading
from ratified.smt.validation.text import Unreadable

SOLUTIONS_MOST = 4
"""So many choices of the constants that the translation introduces are looked at."""

TRIED_MOST = 400
"""The choices of an action's arguments that are tried are among so many."""

STEP, CLAIM = 60, 120
"""Units of effort for CPython to take a step, and to say whether a claim is true."""


@dataclass(frozen=True, slots=True)
class Share:
    """How much is asked of an action in one state.

    So many choices of its arguments are tried; of these, so many that lead somewhere, and that do not, are compared; of a step so
    many conclusions are asked, others of the next.
    """

    tried: int = 30
    leading: int = 4
    others: int = 3
    conclusions: int = 8


@dataclass(frozen=True, slots=True)
class _ConstantSearch:
    """Constants in the order in which they are given values; after each, the facts about it and those before it.

    `closed` are the constants that had values already.
    """

    order: Sequence[str]
    facts: Sequence[Sequence[StatedFact]]
    closed: frozenset[str]


class NoStep(Enum):
    """Why there is no step."""

    GUARD = "a guard is false"
    ERROR = "an operation has no answer"
    LAST = "it would pass the last value of a sort"
    LEFT = "it would leave the range of an int"
    SIZE = "it would leave the size of a container, which is a bound for exploring"


StepOutcome = Values | NoStep

_SPOKEN_OF = {NoStep.ERROR: Part.WELL_DEFINED, NoStep.LEFT: Part.BOUNDS}
"""Why there is no step, and the obligation that it is never so."""


_LEFT = {BoundKind.RANGE: NoStep.LEFT, BoundKind.LAST: NoStep.LAST, BoundKind.SIZE: NoStep.SIZE}
"""Why there is no step, by the bound that it would leave."""


class Disagreement(Exception):
    """A formula and CPython differ. `lines` tell where, in what state, and what each says."""

    def __init__(self, what: str, span: Span | None, lines: Sequence[str]) -> None:
        super().__init__(what)
        self.what, self.span, self.lines = what, span, tuple(lines)


@dataclass(slots=True)
class _ComparedStep:
    """What is asked of an action's steps. `constants` are those of the translation that it is known to depend on."""

    taken: Taken
    constants: set[str]
    readers: dict[int, Sequence[Callable[[], Any]]] = field(default_factory=dict)
    turn: int = 0


class Comparison:
    """One size of a model beside its formulas. Raises TooMuch if it cannot be written as a structure."""

    def __init__(
        self, plan: ComparisonPlan, model: Model, seed: int, effort: WorkLeft, share: Share | None = None
    ) -> None:
        self.plan = plan
        self.model = model
        self.machine = PythonMachine(model)
        self.counted: Counter[str] = Counter()
        self._effort = effort
        self._share = share or Share()
        self._rng = random.Random(f"{seed} {model!r}")  # noqa: S311  # nothing is secret here
        self._salt = seed
        self._names = [d.name for d in model.module.variables]
        self._before: Values = ()
        self._asks: dict[int, Evaluate] = {}
        self._searches: dict[tuple[int, frozenset[str]], _ConstantSearch] = {}
        self._answers: dict[tuple[str, Values], bool | None] = {}
        with running(model.scope):
            try:
                self._prepare(effort)
            except Unlike as problem:
                what = f"a value of the model has no symbols of its own: {problem}"
                raise Disagreement(what, None, [repr(model)]) from None

    def _prepare(self, effort: WorkLeft) -> None:
        plan, translation = self.plan, self.plan.translation
        self.encoding = Encoding(translation.theory, self.model.scope, self._junk, effort)
        self.reading = Reading(self.encoding)
        self._types = [(d.name, d.type, translation.state[d.name]) for d in self.model.module.variables]
        for _, t, _ in self._types:
            self.encoding.prepare(t)
        for taken in (*plan.actions, *([plan.beginning] if plan.beginning else [])):
            for argument, _ in taken.arguments:
                self.encoding.prepare(argument.type)
        self.encoding.prepare_reified()
        self._readers = [self.reading.reader(t, shape) for _, t, shape in self._types]
        self._steps = [_ComparedStep(taken, set()) for taken in plan.actions]
        self._beginning = None if plan.beginning is None else _ComparedStep(plan.beginning, set())

    def _ask(self, said: StatedFact) -> Evaluate:
        if id(said) not in self._asks:
            try:
                self._asks[id(said)] = self.encoding.ask(said.formula)
            except (Unlike, Unreadable) as problem:
                raise self._mismatch(
                    f"what says `{said.says}` means nothing: {problem}", None, self._before
                ) from None
        self.encoding.noted |= said.constants
        return self._asks[id(said)]

    def _so(self, said: StatedFact) -> bool:
        """Whether a fact is true."""
        return bool(self._ask(said)())

    def _ended_by(self, step: _ComparedStep, path: ActionPath) -> Sequence[Callable[[], Any]]:
        """What reads the state at the end of a path, a variable each."""
        if id(path) not in step.readers:
            step.readers[id(path)] = [
                self._kept(i) if path.after[name] is before else self.reading.reader(t, path.after[name])
                for i, (name, t, before) in enumerate(self._types)
            ]
        return step.readers[id(path)]

    def _guard(self, path: ActionPath) -> Evaluate:
        if id(path) not in self._asks:
            self._asks[id(path)] = self.encoding.ask(path.guard)
        return self._asks[id(path)]

    def _kept(self, index: int) -> Callable[[], Any]:
        return lambda: self._before[index]

    def _junk(self, name: str, key: Key) -> int:
        return random.Random(f"{self._salt} {name} {key}").randrange(1 << 16)  # noqa: S311  # likewise

    # --- one state ----------------------------------------------------------------------------------------------------

    def state(self, state: Values) -> None:
        """Compare what is said of a state, and of the steps from it. Raises Disagreement, and TooMuch at the end of its time."""
        with running(self.model.scope):
            self._put(state)
            self.counted["states"] += 1
            self._claims(state)
            for step in self._steps:
                self._action(step, state)

    def beginning(self) -> None:
        """Compare what is said of initial states."""
        step = self._beginning
        if step is None:
            return
        try:
            found: dict[Values, Values | OutOfBounds | NoStep] = dict(self.machine.initial())
        except StepError:  # which choice goes wrong is not told
            self._spoken_of(step, (), (), NoStep.ERROR)
            found = {(): NoStep.ERROR}
            if step.taken.arguments:
                return
        with running(self.model.scope):
            for given in self._choices(step.taken, list(found)):
                after: Values | OutOfBounds | NoStep = found.get(given, NoStep.GUARD)
                self._compare(step, (), given, _LEFT[after.kind] if isinstance(after, OutOfBounds) else after)

    def _put(self, state: Values) -> None:
        self._before = state
        try:
            for (name, t, shape), value in zip(self._types, state, strict=True):
                self.encoding.put(name, t, shape, value)
                self.reading.expect(t, value)
            read = tuple([reader() for reader in self._readers])
        except Unlike as problem:
            raise self._mismatch(f"two values of the model have one symbol: {problem}", None, state) from None
        if not self._same(read, state):
            what = "a state that is written as symbols is read back as another"
            raise self._mismatch(what, None, state, [f"read back: {self._shown(read)}"])

    def _same(self, read: Values, state: Values) -> bool:
        return read == state

    def _claims(self, state: Values) -> None:
        """Lemmas and goals: a goal's fact says that it is false."""
        asked = [(f, said, True) for f, said in self.plan.lemmas]
        asked += [
            (c.obligation.claim, c.said, False) for c in self.plan.goals if c.obligation.claim is not None
        ]
        answers = [(f, said, positive, self._holds(f, state, None)) for f, said, positive in asked]
        answers = [a for a in answers if a[3] is not None]
        constants = {c for _, said, _, _ in answers for c in said.constants}
        found = [
            [self._so(said) is positive for _, said, positive, _ in answers]
            for _ in self._solutions(constants, state, None, ())
        ]
        for index, (function, _, _, holds) in enumerate(answers):
            self.counted["claims"] += 1
            if {f[index] for f in found} - {holds}:
                words = ("true", "false") if holds else ("false", "true")
                what = f"`{function.name}` is {words[0]} to CPython, and {words[1]} in logic"
                raise self._mismatch(what, function.span, state)

    def _holds(self, function: Function, state: Values, old: Values | None) -> bool | None:
        """What CPython says of a claim; None if it is about a step, and there is none."""
        try:
            if function.kind is Kind.STEP_INVARIANT:
                self._effort.spend(CLAIM)
                return None if old is None else self.machine.step_holds(function.name, old, state)
            key = (function.name, state)
            if key not in self._answers:
                self._effort.spend(CLAIM)
                self._answers[key] = self.machine.refuted_by(function.name, state) is None
            return self._answers[key]
        except StepError:
            return False  # a claim is true if it can be evaluated and is true

    # --- steps -----------------------------------------------------------------------------------------------------------

    def _choices(self, taken: Taken, possible: Iterable[Values]) -> Iterator[Values]:
        """Arguments: those that lead somewhere, and some others."""
        likely = list(possible)[: self._share.leading]
        yield from likely
        types = [a.type for a, _ in taken.arguments]
        if any(cardinality(t, self.model.scope) > TRIED_MOST for t in types):
            return
        spaces = [list(values_of(t, self.model.scope)) for t in types]
        others = [g for g in itertools.islice(itertools.product(*spaces), TRIED_MOST) if g not in likely]
        yield from self._rng.sample(others, min(len(others), self._share.others))

    def _action(self, step: _ComparedStep, state: Values) -> None:
        outcomes = self._outcomes(step, state)
        leading = [g for g, after in outcomes.items() if not isinstance(after, NoStep)]
        others = [g for g, after in outcomes.items() if isinstance(after, NoStep)]
        for chosen, most in ((leading, self._share.leading), (others, self._share.others)):
            for given in self._rng.sample(chosen, min(len(chosen), most)):
                self._compare(step, state, given, outcomes[given])

    def _outcomes(self, step: _ComparedStep, state: Values) -> dict[Values, StepOutcome]:
        """Where CPython goes with some choices of an action's arguments."""
        function = step.taken.function
        assert function is not None
        types = [a.type for a, _ in step.taken.arguments]
        try:
            if all(cardinality(t, self.model.scope) <= TRIED_MOST for t in types):
                spaces = [list(values_of(t, self.model.scope)) for t in types]
                every = list(itertools.islice(itertools.product(*spaces), TRIED_MOST))
                tried = self._rng.sample(every, min(len(every), self._share.tried))
            else:
                found = self.machine.take(state, function.name, {}, TRIED_MOST)
                self._effort.spend(STEP * TRIED_MOST)
                tried = [given for given, _ in found]
        except StepError:
            return {}
        outcomes: dict[Values, StepOutcome] = {}
        names = [a.name for a, _ in step.taken.arguments]
        for given in tried:
            self._effort.spend(STEP)
            try:
                taken = self.machine.take(state, function.name, dict(zip(names, given, strict=True)))
            except StepError:
                outcomes[given] = NoStep.ERROR
                continue
            after = taken[0][1] if taken else NoStep.GUARD
            outcomes[given] = _LEFT[after.kind] if isinstance(after, OutOfBounds) else after
        return outcomes

    def _compare(self, step: _ComparedStep, state: Values, given: Values, after: StepOutcome) -> None:
        """One step, or one that is not possible."""
        if after is NoStep.SIZE:
            return  # of such bounds nothing is claimed
        self._spoken_of(step, state, given, after)
        for (argument, shape), value in zip(step.taken.arguments, given, strict=True):
            self.encoding.put(f"{self._called(step)}: {argument.name}", argument.type, shape, value)
        for (_, t, _), value in zip(self._types, () if isinstance(after, NoStep) else after, strict=False):
            self.reading.expect(t, value)
        before = state if step.taken.function is not None else None
        step.turn += 1
        number, most = len(step.taken.conclusions), self._share.conclusions
        turns = {(step.turn * most + i) % number for i in range(min(number, most))}
        chosen = [pair for i, pair in enumerate(step.taken.conclusions) if i in turns]
        expected = [self._concluded(c, before, after) for c in chosen]
        while True:
            self.encoding.noted.clear()
            ended, concluded, taken = self._said(step, state, given, chosen)
            if self.encoding.noted <= step.constants:
                break
            step.constants |= self.encoding.noted  # what was just met has to be defined as well
        self._ended(step, state, given, after, ended, taken)
        for want, said_, conclusion in zip(expected, concluded, chosen, strict=True):
            if want is not None and said_ - {want}:
                obligation = conclusion.obligation
                claim = obligation.claim or obligation.action
                about = (
                    f"`{obligation.claim.name}` holds after"
                    if obligation.claim
                    else f"{obligation.part.value} is"
                )
                what = f"whether {about} {self._called(step)}: CPython and logic differ"
                how = f"CPython: {'no' if want else 'yes'}" + (
                    f", for {after.value}" if isinstance(after, NoStep) else ""
                )
                raise self._mismatch(
                    what, claim.span if claim else None, state, [*self._arguments(step, given), how]
                )
        self.counted["disabled" if isinstance(after, NoStep) else "steps"] += 1

    def _spoken_of(self, step: _ComparedStep, state: Values, given: Values, after: StepOutcome) -> None:
        """Raise Disagreement if a step goes wrong, and there is no obligation that it does not."""
        part = _SPOKEN_OF.get(after) if isinstance(after, NoStep) and self.plan.complete else None
        if part is not None and all(c.obligation.part is not part for c in step.taken.conclusions):
            what = f"no obligation says that {self._called(step)} is {part.value}, and to CPython it is not"
            raise self._mismatch(what, self._span(step), state, self._arguments(step, given))

    def _said(
        self, step: _ComparedStep, state: Values, given: Values, chosen: Sequence[Conclusion]
    ) -> tuple[list[Values], list[set[bool]], set[bool]]:
        """What the formulas say: where the step ends, which conclusions are true, and whether it is taken."""
        ended: list[Values] = []
        taken: set[bool] = set()
        concluded: list[set[bool]] = [set() for _ in chosen]
        for _ in self._solutions(step.constants, state, step, given):
            try:
                possible = [path for path in step.taken.paths if self._guard(path)()]
                ended += [tuple([read() for read in self._ended_by(step, path)]) for path in possible]
            except Unlike as problem:
                what = f"the state after {self._called(step)} is none in logic: {problem}"
                raise self._mismatch(what, self._span(step), state, self._arguments(step, given)) from None
            taken.update(map(self._so, step.taken.taken))
            for said_, conclusion in zip(concluded, chosen, strict=True):
                said_.add(self._so(conclusion.said))
        return ended, concluded, taken

    def _concluded(self, conclusion: Conclusion, before: Values | None, after: StepOutcome) -> bool | None:
        """Whether the conclusion, that something is wrong with a step, is to be true. None if nothing is known."""
        obligation, said = conclusion.obligation, conclusion.said
        claim = obligation.claim
        if claim is None:
            wrong = NoStep.ERROR if obligation.part is Part.WELL_DEFINED else NoStep.LEFT
            return after is wrong
        if isinstance(after, NoStep):
            return False
        holds = self._holds(claim, after, before)
        if holds is None:
            return None
        if said.formula == FALSE and claim.kind is not Kind.STEP_INVARIANT and before is not None:
            # It is said that the claim speaks of nothing that changed: it is what it was.
            return (not holds) and self._holds(claim, before, None) is not False
        return not holds

    def _ended(
        self,
        step: _ComparedStep,
        state: Values,
        given: Values,
        after: StepOutcome,
        ended: list[Values],
        taken: set[bool],
    ) -> None:
        where = self._arguments(step, given)
        if isinstance(after, NoStep):
            if ended or True in taken:
                what = f"{self._called(step)} is possible in logic, and not in CPython"
                led = [f"CPython: {after.value}", *(f"logic:   {self._shown(e)}" for e in ended[:1])]
                raise self._mismatch(what, self._span(step), state, [*where, *led])
            return
        if not ended or False in taken:
            what = f"{self._called(step)} is possible in CPython, and not in logic"
            raise self._mismatch(what, self._span(step), state, [*where, f"CPython: {self._shown(after)}"])
        right = [e for e in ended if self._same(e, after)]
        if len(right) < len(ended):
            wrong = next(e for e in ended if e not in right)
            what = f"{self._called(step)} leads to another state in logic than in CPython"
            lines = [*where, f"CPython: {self._shown(after)}", f"logic:   {self._shown(wrong)}"]
            raise self._mismatch(what, self._span(step), state, lines)

    # --- constants that the translation introduces ------------------------------------------------------------------------

    def _solutions(
        self, wanted: Collection[str], state: Values, step: _ComparedStep | None, given: Values
    ) -> Iterator[None]:
        """The structure, with some values for the constants that nothing has fixed, so that all that is given of them is true.

        Raises Disagreement if there are none.
        """
        search = self._search(wanted, step)
        tables = self.encoding.evaluation.tables
        found = 0
        try:
            for _ in self._assigned(search, 0):
                found += 1
                yield
                if found == SOLUTIONS_MOST:
                    return
        finally:
            for name in search.order:
                if name in tables:  # it has none yet where there was too much to evaluate before
                    tables[name].pop((), None)
        if not found:
            false = [s for s in search.facts[0] if not self._so(s)]
            facts = false[:1] or [s for each in search.facts for s in each][:4]
            what = f"what is taken as given does not hold: {' and '.join(f'`{s.says}`' for s in facts)}"
            raise self._mismatch(what, None, state, [] if step is None else self._arguments(step, given))

    def _search(self, wanted: Collection[str], step: _ComparedStep | None) -> _ConstantSearch:
        """Which constants are to be found, and which facts are asked as soon as they have values.

        A fact that speaks of nothing unknown is asked once for each state.
        """
        open_ = {n for n in wanted if self._missing(n)}
        key = (id(step), frozenset(open_))
        if key in self._searches and not any(map(self._missing, self._searches[key].closed)):
            return self._searches[key]
        facts = [s for s in self.plan.given if s.constants & open_ or step is None]
        waiting, closed = list(open_), set[str]()
        while waiting:
            name = waiting.pop()
            if name in self.plan.definitions:
                facts.append(self.plan.definitions[name])
                more = {n for n in facts[-1].constants if self._missing(n)} - open_
                closed |= facts[-1].constants - more - open_
                open_ |= more
                waiting += more
        facts = [s for s in facts if not any(map(self._missing, s.constants - open_))]
        order = [
            n for n in dict.fromkeys(n for s in reversed(facts) for n in sorted(s.constants)) if n in open_
        ]
        place = {name: i for i, name in enumerate(order, 1)}
        ready: list[list[StatedFact]] = [[] for _ in range(len(order) + 1)]
        for said in facts:
            ready[max((place[n] for n in said.constants if n in place), default=0)].append(said)
        found = self._searches[key] = _ConstantSearch(order, ready, frozenset(closed))
        return found

    def _missing(self, constant: str) -> bool:
        if constant in self.encoding.theory.laws:
            return False  # it is worked out
        table = self.encoding.evaluation.tables.get(constant)
        return table is None or (() not in table and table.other is not None)

    @functools.cached_property
    def _constants(self) -> dict[str, Symbol]:
        """The constants that what is given speaks of."""
        said = [*self.plan.given, *self.plan.definitions.values()]
        return {n: symbol for s in said for n, symbol in s.symbols.items() if not symbol.arguments}

    def _assigned(self, search: _ConstantSearch, index: int) -> Iterator[None]:
        """All ways to give constants values, each fact asked as soon as all its constants have one."""
        if not all(map(self._so, search.facts[index])):
            return
        if index == len(search.order):
            yield
            return
        symbol = self._constants[search.order[index]]
        table = self.encoding.evaluation.table(symbol.name, symbol.result)
        values = list(self.encoding.evaluation.elements(symbol.result))
        self._rng.shuffle(values)
        for value in values:
            table[()] = value
            yield from self._assigned(search, index + 1)

    # --- telling -----------------------------------------------------------------------------------------------------------

    def _mismatch(
        self, what: str, span: Span | None, state: Values, more: Sequence[str] = ()
    ) -> Disagreement:
        return Disagreement(
            what,
            span,
            [f"at:      {self.model!r}", *([f"state:   {self._shown(state)}"] if state else []), *more],
        )

    def _shown(self, state: Values) -> str:
        return ", ".join(f"{n}={show(v)}" for n, v in zip(self._names, state, strict=True))

    @staticmethod
    def _arguments(step: _ComparedStep, given: Values) -> list[str]:
        named = ", ".join(
            f"{a.name}={show(v)}" for (a, _), v in zip(step.taken.arguments, given, strict=True)
        )
        return [f"step:    {step.taken.function.name if step.taken.function else 'init'}({named})"]

    @staticmethod
    def _called(step: _ComparedStep) -> str:
        return f"`{step.taken.function.name}`" if step.taken.function else "the beginning"

    def _span(self, step: _ComparedStep) -> Span | None:
        function = step.taken.function or self.model.module.functions.get("init")
        return function.span if function else self.model.module.span


__all__ = ["Comparison", "Disagreement", "TooMuch"]
