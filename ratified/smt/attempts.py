"""What is asked about an obligation, one question after the other, by what was answered before.

Guarantees: an obligation is proved only if a solver answered `unsat` to all of its facts; a counterexample is as small as those
that were looked for, sort by sort; what nobody decided is undecided, and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec

from ratified.language.model import Model
from ratified.smt.confirming import denied, refuted, shown
from ratified.smt.facts import Fact, Role, refuted_at_once
from ratified.smt.first_order import small
from ratified.smt.first_order.concrete import Concrete
from ratified.smt.first_order.names import is_content, is_majority, is_of, is_size, is_worked_out
from ratified.smt.first_order.obligations import Obligation, Part, Translation, settled
from ratified.smt.result import Cell, Counterexample, Opinion, Status
from ratified.smt.smtlib import script, uses_numbers
from ratified.smt.solving import Job, SolverAnswer
from ratified.smt.terms import TRUE, symbols_of


def _without_the_rare(facts: Sequence[Fact]) -> list[Fact]:
    """Facts without those that few proofs need, and without the laws of what only these mention."""
    return _with_their_laws([f for f in facts if not f.rare])


def _without_sums_by_turns(facts: Sequence[Fact]) -> list[Fact]:
    """Facts without how sums are worked out, place after place."""
    return _with_their_laws([f for f in facts if f.role is not Role.ADDED])


def _with_their_laws(facts: Sequence[Fact]) -> list[Fact]:
    """Facts without the laws of what no other mentions."""
    others = symbols_of(f.formula for f in facts if f.role is not Role.TURNS)
    return [f for f in facts if f.role is not Role.TURNS or any(is_of(s, f.about) for s in others)]


def rarely_needed(facts: Sequence[Fact]) -> frozenset[int]:
    """The facts that few proofs need, by their numbers, from 1, among those that a script asserts."""
    needed = set(map(id, _without_the_rare(facts)))
    asserted = [f for f in facts if f.formula != TRUE]
    return frozenset(number for number, fact in enumerate(asserted, 1) if id(fact) not in needed)


ORDERS: tuple[Callable[[Sequence[Fact]], Sequence[Fact]], ...] = (
    lambda facts: facts,
    lambda facts: (facts[-1], *facts[:-1]),
    lambda facts: (*facts[1::2], *facts[::2]),
    lambda facts: facts[::-1],
    lambda facts: (*facts[len(facts) // 2 :], *facts[: len(facts) // 2]),
    _without_the_rare,
    lambda facts: _without_the_rare(facts)[::-1],
    _without_sums_by_turns,
)
"""The orders in which an obligation's facts are given to Z3: how long it takes depends on little else, and not to be foreseen.
The last ones leave out what is rarely needed: what is refuted without is refuted with it, and nothing else is known then."""

FEWER = (5, 6, 7)
"""Which orders these are."""

CVC5 = -1
"""In the place of an order: cvc5 is asked, if it is installed and not the second solver. It does at once what Z3 may not do in
hours: to try all elements of a sort that has one or two, say."""

QUICK: tuple[tuple[int, int], ...] = (
    *((0, 250_000), (1, 250_000), (0, 1_000_000), (2, 250_000), (3, 250_000), (4, 250_000)),
    *((CVC5, 50_000), (1, 1_000_000), (0, 5_000_000)),
)
"""The first tries, before a counterexample is looked for: which order, and with how much effort (the solver's own steps, of which
Z3 takes some two million in a second, cvc5 two hundred thousand). What is proved at all is mostly proved by some order at once,
and by another perhaps never."""

SIZED: tuple[tuple[int, int], ...] = ((5, 250_000), (6, 250_000), (5, 1_000_000), *QUICK)
"""The first tries where sizes of sets are spoken of, of which much is known that matters rarely."""

SUMMED: tuple[tuple[int, int], ...] = ((5, 250_000), (7, 250_000), (5, 1_000_000), (7, 1_000_000), *QUICK)
"""The first tries where sums are spoken of, which are rarely to be worked out place after place."""

LONG: tuple[tuple[int, int], ...] = ((0, 20_000_000), *((n, 20_000_000) for n in range(1, 5)), (0, 0))
"""The last ones, where there is no counterexample of few elements: for all the time that there is, but for the share below."""

OTHER = 0.25
"""The share of the time that cvc5 has at the end, if Z3 has not decided."""

SEARCHING = 0.5
"""How much time there is to look for a counterexample to an obligation, for each second that there is to refute it."""

SEARCH = 20_000_000
"""Effort of looking for a counterexample with sorts of some size."""

SMALL = range(1, 5)
"""How many elements of each sort a counterexample is looked for with."""


ROUNDS: tuple[frozenset[str], ...] = (
    frozenset({"quick"}),
    frozenset({"small", "written out", "shrink", "read"}),
    frozenset({"long", "mixed"}),
    frozenset({"second"}),
)
"""The stages of each round of questions. A round begins when the one before it has ended for all obligations, so that one that is
hard keeps nobody from what is decided at once."""

LOOK = 2
"""Before which round CPython looks for counterexamples (`proving.py`)."""


@dataclass(frozen=True, slots=True)
class SolverEffort:
    """Who is asked: a solver, and perhaps a `second` one for its opinion; how long, and whether for counterexamples.

    `timeout` is in seconds, for refuting one obligation; a counterexample is looked for half as long.
    """

    solver: str
    second: str | None
    timeout: float
    counterexamples: bool


def title(obligation: Obligation) -> str:
    """What the comment at the top of an obligation's file says."""
    return f"{obligation.name}\n{obligation.says}.\nIt is so if there is no model: the answer is to be unsat."


@dataclass(slots=True)
class PendingObligation:
    """An obligation under way.

    What is asked next depends on what was answered last: a quick try; if it is not refuted, small models of growing size; one
    that is found is made smaller sort by sort, and then read; if none is found, a try with all the time there is; then the
    second solver.
    """

    obligation: Obligation
    how: SolverEffort
    translation: Translation
    cls: type[Model]
    status: Status = Status.UNDECIDED
    opinions: list[Opinion] = field(default_factory=list)
    why: str = ""
    trivial: bool = False
    stage: str = "quick"
    text: str = ""
    settled: Sequence[Fact] = ()
    tried: int = 0
    sizes: dict[str, int] = field(default_factory=dict)
    smallest: dict[str, int] = field(default_factory=dict)
    shrinking: list[tuple[str, int]] = field(default_factory=list)
    mixed: list[dict[str, int]] = field(default_factory=list)
    ruled_out: int = 0
    asked: small.Question | None = None
    read: str = ""
    searching: float = 0.0
    refuting: float = 0.0
    order: int = 0
    spent: float = 0.0
    ended: bool = False
    waiting: list[Job] = field(default_factory=list)
    """What is asked in a later round."""
    looked: bool = False
    """Whether CPython has looked for a counterexample,"""
    found: Counterexample | None = None
    """and what it has found."""
    suggested: bool = False
    """Whether a counterexample is looked for with integers in a window, so that it is CPython's word that counts."""
    then: str = ""

    @property
    def name(self) -> str:
        """Its claim, and where that is to hold."""
        return self.obligation.name

    def begin(self) -> list[Job]:
        """Return the first questions; none if there is nothing to ask."""
        if refuted_at_once(self.obligation.facts):
            self.trivial, self.status, self.ended = True, Status.PROVED, True
            return []
        self.text = self._ordered(0)
        return self._quick()

    def _quick(self) -> list[Job]:
        """The next of the first tries."""
        tries = self._tries()
        if self.how.solver == "z3" and self.order < len(tries):
            order, effort = tries[self.order]
            left = self.how.timeout - self.refuting
            if order == CVC5:
                return [Job(id(self), "cvc5", self.text, left, effort)]
            return [Job(id(self), "z3", self._ordered(order), left, effort)]
        return [self._job(self.how.solver, self.text, QUICK[-1][1] if self.how.counterexamples else 0)]

    def _tries(self) -> tuple[tuple[int, int], ...]:
        facts = self.obligation.facts
        summed, sized = any(f.role is Role.ADDED for f in facts), any(f.rare for f in facts)
        tries = SUMMED if summed else SIZED if sized else QUICK
        if self.how.second is None and find_spec("cvc5"):
            return tries
        return tuple(t for t in tries if t[0] != CVC5)

    def _ordered(self, order: int) -> str:
        self.settled = self.settled or settled(self.obligation.facts)
        return script(title(self.obligation), ORDERS[order](self.settled))

    def _job(self, solver: str, text: str, effort: int = 0) -> Job:
        return Job(id(self), solver, text, self.how.timeout, effort)

    def resumed(self, number: int) -> list[Job]:
        """Return the questions that have waited for a round; none if they have to wait longer, or there are none."""
        if self.stage not in frozenset().union(*ROUNDS[: number + 1]):
            return []
        jobs, self.waiting = self.waiting, []
        return jobs

    def heard(self, answer: SolverAnswer, number: int) -> list[Job]:
        """Return the next questions of a round after an answer; none if that was the last one, or what is next has to wait."""
        self.waiting = self._heard(answer)
        self.ended = not self.waiting
        return self.resumed(number)

    def refuted(self, counterexample: Counterexample) -> None:
        """CPython has found a counterexample: nothing is left to ask but for the second opinion."""
        self.status, self.why, self.found = Status.FAILED, "", counterexample
        self.waiting = self._second()
        self.ended = not self.waiting

    def _heard(self, answer: SolverAnswer) -> list[Job]:
        match self.stage:
            case "quick":
                return self._after_quick(answer)
            case "small":
                return self._after_small(answer)
            case "shrink":
                return self._after_shrink(answer)
            case "read":
                self.searching += answer.seconds
                self.read = answer.rest if answer.verdict == "sat" else ""
                if self.suggested and not self._believed():
                    self.read, self.tried = "", len(SMALL)
                    return self._try_written_out()
                self.status = Status.FAILED
                self.why = "" if self.read else "there is a model, but it could not be read"
                return self._second()
            case "long":
                return self._after_long(answer)
            case "mixed":
                return self._after_mixed(answer)
            case "written out":
                return self._after_written_out(answer)
        self._note(answer)  # the second opinion
        answers = {o.answer for o in self.opinions}
        if {"sat", "unsat"} <= answers:
            self.status, self.why = Status.UNDECIDED, "the solvers contradict each other"
        return []

    def _settle(self, answer: SolverAnswer) -> None:
        if answer.verdict == "unsat":
            self.status = Status.PROVED
        elif answer.verdict == "sat":
            # Of majorities and sizes more is true than the axioms say.
            symbols = symbols_of(f.formula for f in self.obligation.facts).values()
            loose = [
                word
                for word, is_one in (
                    ("majorities and sizes", lambda s: is_majority(s) or is_size(s)),
                    ("loops and sums", lambda s: is_worked_out(s.name)),
                )
                if any(map(is_one, symbols))
            ]
            self.status = Status.UNDECIDED if loose else Status.FAILED
            self.why = (
                f"the axioms of {' and '.join(loose)} allow it to fail, but no counterexample was found"
                if loose
                else "there is a counterexample, but no small one was found"
            )
        else:
            self.why = answer.rest.strip("()\n ") or "the solver answered unknown"
            if self.ruled_out:
                self.why += f"; with up to {self.ruled_out} values of each sort there is no counterexample"

    def _note(self, answer: SolverAnswer) -> None:
        self.opinions.append(Opinion(answer.job.solver, answer.verdict, answer.seconds + self.spent))
        self.spent = 0.0

    def _after_quick(self, answer: SolverAnswer) -> list[Job]:
        self.refuting += answer.seconds
        tries, z3 = self._tries(), self.how.solver == "z3"
        open_ = answer.verdict == "unknown" or (answer.verdict == "sat" and tries[self.order][0] in FEWER)
        if z3 and open_ and self.order < len(tries) - 1 and self.refuting < self.how.timeout:
            self.order += 1
            self.spent += answer.seconds
            return self._quick()
        self._note(answer)
        if answer.verdict == "unsat":
            self.status = Status.PROVED
            return self._second()
        if not self.how.counterexamples:
            self._settle(answer)
            return self._second()
        symbols = symbols_of(f.formula for f in self.obligation.facts).values()
        if any(is_worked_out(s.name) or is_size(s) for s in symbols):
            return self._write_out("small")  # of which Z3 finds none, or takes long
        self.stage = "small"
        return self._try_small()

    def _search_left(self) -> float:
        """The seconds that are left to look for a counterexample."""
        return self.how.timeout * SEARCHING - self.searching

    def _try_small(self) -> list[Job]:
        self.tried += 1
        if self.tried > len(SMALL) or self._search_left() <= 0:
            return self._long()
        sorts = small.sorts_of_facts(self.obligation.facts)
        self.sizes = dict.fromkeys(sorts, SMALL[self.tried - 1])
        return [self._small_job(self.sizes)]

    def _small_job(self, sizes: Mapping[str, int], *, values: bool = False) -> Job:
        facts, about = self.obligation.facts, title(self.obligation)
        question = small.written_out(about, facts, sizes, values=values) if self.suggested else None
        self.asked = question or small.at_sizes(about, facts, sizes, values=values)
        return self._search_job(self.asked)

    def _search_job(self, asked: small.Question) -> Job:
        return Job(id(self), asked.solver, asked.text, max(1.0, self._search_left()), SEARCH)

    def _after_small(self, answer: SolverAnswer) -> list[Job]:
        self.searching += answer.seconds
        if answer.verdict != "sat":
            decided = (
                answer.verdict == "unsat" and answer.job.solver != "z3"
            )  # which is told to keep integers small
            if decided and self.ruled_out == SMALL[self.tried - 1] - 1:
                self.ruled_out += 1
            return self._try_small()
        return self._found()

    def _found(self) -> list[Job]:
        """There is a counterexample of these sizes: it is made smaller."""
        if not self.suggested:
            self.status, self.why = Status.FAILED, ""
        self.smallest = dict(self.sizes)
        self.stage, self.shrinking = "shrink", [(sort, 1) for sort in self.sizes]
        return self._shrink()

    def _shrink(self) -> list[Job]:
        while self.shrinking and self._search_left() > 0:
            sort, size = self.shrinking[0]
            if size < self.smallest[sort]:
                self.sizes = {**self.smallest, sort: size}
                return [self._small_job(self.sizes)]
            self.shrinking.pop(0)
        self.stage = "read"
        return [self._small_job(self.smallest, values=True)]

    def _after_shrink(self, answer: SolverAnswer) -> list[Job]:
        self.searching += answer.seconds
        if answer.verdict == "sat":
            self.smallest = dict(self.sizes)
        else:
            sort, size = self.shrinking[0]
            self.shrinking[0] = sort, size + 1
        return self._shrink()

    def _long(self) -> list[Job]:
        self.opinions.clear()
        self.stage, self.order, self.spent = "long", 0, 0.0
        if self.how.solver != "z3":
            return [self._job(self.how.solver, self.text)]
        return self._next_long()

    def _next_long(self) -> list[Job]:
        """The next of the last tries, in the time that is left; cvc5's is the very last."""
        share = OTHER if find_spec("cvc5") else 0.0
        left = self.how.timeout * (1 - share) - self.refuting
        if self.order < len(LONG) and left > 0:
            order, effort = LONG[self.order]
            return [Job(id(self), "z3", self._ordered(order), left, effort)]
        if share and self.how.second is None:
            return [Job(id(self), "cvc5", self.text, max(1.0, self.how.timeout - self.refuting))]
        return []

    def _after_long(self, answer: SolverAnswer) -> list[Job]:
        """Z3 gives up with one order of the facts, and not with another."""
        self.refuting += answer.seconds
        if answer.verdict == "unknown" and answer.job.solver == "z3":
            self.order += 1
            self.spent += answer.seconds
            if jobs := self._next_long():
                if jobs[0].solver == "cvc5":
                    self.opinions.append(Opinion("z3", "unknown", self.spent))
                    self.spent = 0.0
                return jobs
            self.spent -= answer.seconds
        self._note(answer)
        self._settle(answer)
        if answer.verdict == "sat" and self.how.counterexamples:
            self.mixed = small.mixed_sizes(list(self.sizes), SMALL)
        if answer.verdict != "unsat" and self.how.counterexamples and self._has_numbers():
            return self._write_out("mixed")
        self.stage = "mixed"
        return self._try_mixed()

    def _has_numbers(self) -> bool:
        return self.then != "small" and uses_numbers(f.formula for f in self.obligation.facts)

    def _write_out(self, then: str) -> list[Job]:
        """Sizes with all quantifiers written out, integers in a window; and then another stage."""
        self.stage, self.tried, self.suggested, self.then = "written out", 0, True, then
        return self._try_written_out()

    def _try_written_out(self) -> list[Job]:
        """The next size."""
        facts = self.obligation.facts
        while self.tried < len(SMALL) and self._search_left() > 0:
            self.tried += 1
            self.sizes = dict.fromkeys(small.sorts_of_facts(facts), SMALL[self.tried - 1])
            self.asked = small.written_out(title(self.obligation), facts, self.sizes, values=False)
            if self.asked is not None:
                return [self._search_job(self.asked)]
        self.suggested, self.stage, self.tried = False, self.then, 0
        return self._try_small() if self.then == "small" else self._try_mixed()

    def _after_written_out(self, answer: SolverAnswer) -> list[Job]:
        self.searching += answer.seconds
        return self._found() if answer.verdict == "sat" else self._try_written_out()

    def _try_mixed(self) -> list[Job]:
        """There is a counterexample, and none where all sorts are as large: the next sizes that differ."""
        if not self.mixed or self._search_left() <= 0:
            return self._second()
        self.sizes = self.mixed.pop(0)
        return [self._small_job(self.sizes)]

    def _after_mixed(self, answer: SolverAnswer) -> list[Job]:
        self.searching += answer.seconds
        return self._found() if answer.verdict == "sat" else self._try_mixed()

    def _second(self) -> list[Job]:
        if self.how.second is None or self.stage == "second":
            return []
        self.stage = "second"
        return [self._job(self.how.second, self.text)]

    # --- what it came to ---

    def end(self, why: str) -> None:
        """A limit was reached. What was refuted stays so; what awaits its second opinion is undecided."""
        if not self.ended and self.status is not Status.FAILED:
            self.status, self.why = Status.UNDECIDED, why

    def _counterexample(self, asked: small.Question) -> Counterexample | None:
        theory = self.translation.theory
        # What has a definition is spoken of by states, and not by each obligation.
        structure = replace(small.read_structure(asked, self.smallest, self.read), laws=theory.laws)
        concrete = Concrete(theory, structure)
        found = shown(self.obligation, self.translation, concrete, self.cls)
        if found is None:
            return found
        if not self.suggested:
            # Of sets as values the facts do not say that there is one for each content.
            symbols = symbols_of(f.formula for f in self.obligation.facts).values()
            loose = any(is_content(sort) for s in symbols for sort in (*s.arguments, s.result))
            denied_ = loose and denied(self.obligation, found, self.cls)
            return replace(found, confirmed=False) if denied_ else found
        return replace(found, confirmed=True) if refuted(self.obligation, found, self.cls) else None

    def _believed(self) -> bool:
        """Whether CPython says so of what was read with integers in a window."""
        return bool(self.read) and self.asked is not None and self._counterexample(self.asked) is not None

    def cell(self) -> Cell:
        """Return what it came to."""
        obligation = self.obligation
        counterexample = self.found
        if counterexample is None and self.read and self.asked is not None:
            counterexample = self._counterexample(self.asked)
        if self.status is Status.FAILED:
            self._weighed(counterexample)
        return Cell(
            obligation.name,
            obligation.part,
            obligation.about,
            obligation.action.name if obligation.action else None,
            obligation.says,
            self.status,
            tuple(self.opinions),
            self.why,
            counterexample,
        )

    def _weighed(self, counterexample: Counterexample | None) -> None:
        """A counterexample that CPython does not confirm refutes nothing; beyond a bound nothing is known."""
        if counterexample is not None and counterexample.confirmed is False:
            self.status = Status.UNDECIDED
            self.why = "there is a counterexample in logic, but not in CPython"
        elif self.obligation.part is Part.BOUNDS:
            self.status = Status.UNDECIDED
            self.why = "a step may exceed these bounds, beyond which nothing is known"
