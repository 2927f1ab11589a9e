"""`prove`: obligations to solvers and back.

Guarantees: an obligation counts as proved only if a solver answered `unsat` to it; whatever a solver did not decide in its
time is undecided, by name; a contradiction between two solvers is undecided too, and said.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path

from ratified.language.claims import unchecked
from ratified.language.errors import ModelError, RatifiedError
from ratified.language.ir import Function, Kind
from ratified.language.model import Model
from ratified.results.limits import Reached, Watch
from ratified.results.result import Limits
from ratified.smt.certificate.folder import Entry, Heading
from ratified.smt.certificate.making import Certificates, Wanted, certify
from ratified.smt.confirming import shown
from ratified.smt.first_order import small
from ratified.smt.first_order.alternation import cycle, described, edges_of
from ratified.smt.first_order.concrete import Concrete
from ratified.smt.first_order.context import Failing
from ratified.smt.first_order.obligations import Obligation, Part, Translation, settled
from ratified.smt.result import Cell, Counterexample, Opinion, Proof, Status
from ratified.smt.script import CLAIMS, Script, assumed_by, script_of
from ratified.smt.smtlib import Fact, refuted_at_once, script
from ratified.smt.solving import Answer, Job, Pool, installed, needs
from ratified.smt.terms import TRUE, symbols_of
from ratified.smt.validation.validate import validated

LIMIT = 60.0
"""Seconds that a solver has for an obligation, unless something else is said."""

ORDERS: tuple[Callable[[Sequence[Fact]], Sequence[Fact]], ...] = (
    lambda facts: facts,
    lambda facts: (facts[-1], *facts[:-1]),
    lambda facts: (*facts[1::2], *facts[::2]),
    lambda facts: facts[::-1],
    lambda facts: (*facts[len(facts) // 2 :], *facts[: len(facts) // 2]),
)
"""The orders in which an obligation's facts are given to Z3: how long it takes depends on little else, and not to be foreseen."""

QUICK: tuple[tuple[int, int], ...] = (
    *((0, 250_000), (1, 250_000), (0, 1_000_000), (2, 250_000), (3, 250_000), (4, 250_000)),
    *((1, 1_000_000), (0, 5_000_000)),
)
"""The first tries, before a counterexample is looked for: which order, and with how much effort (Z3's own steps, some two million
in a second). What is proved at all is mostly proved by some order at once, and by another perhaps never."""

LONG: tuple[tuple[int, int], ...] = ((0, 20_000_000), *((n, 20_000_000) for n in range(1, 5)), (0, 0))
"""The last ones, where there is no counterexample of few elements: for all the time that there is, but for the share below."""

OTHER = 0.25
"""The share of the time that cvc5 has at the end, if Z3 has not decided."""

SEARCH = 20_000_000
"""Effort of looking for a counterexample with sorts of some size."""

SMALL = range(1, 5)
"""How many elements of each sort a counterexample is looked for with."""


@dataclass(frozen=True, slots=True)
class ProofProgress:
    """How far a proof has come."""

    seconds: float
    done: int
    obligations: int
    failed: int


@dataclass(frozen=True, slots=True)
class ProofOptions:
    """How to prove.

    `second` is the solver that is asked for its opinion of everything; `timeout` is in seconds, for one question to a solver;
    `smt2` is a folder for the obligations, `certificate` one for obligations and certificates.
    """

    solver: str = "z3"
    second: str | None = None
    timeout: float = LIMIT
    processes: int | None = None
    smt2: Path | None = None
    certificate: Path | None = None
    counterexamples: bool = True


_UNLIMITED = Limits()
USUAL = ProofOptions()


def prove(
    script_class: type[Model],
    *,
    without: Collection[str] = (),
    goals: Collection[str] | None = None,
    limits: Limits = _UNLIMITED,
    options: ProofOptions = USUAL,
    progress: Callable[[ProofProgress], None] | None = None,
) -> Proof:
    """Prove a script's goals for every size, by induction.

    `without` leaves lemmas out; `goals` are other goals than the script's. When `limits.seconds` have passed, whatever a solver
    has not answered is undecided; there are no other limits. `progress` is called some five times a second.

    Raises:
        ModelError: the script has no lemmas, or names what there is not; or the model cannot be said in first-order logic.
        TranslationFault: everything is proved, and CPython says otherwise at a small size.
        RatifiedError: a solver is missing; a limit other than `seconds`.
    """
    script = script_of(script_class, without=without, goals=goals)
    return prove_script(script, script_class, options, limits=limits, progress=progress)


def prove_script(
    wanted: Script,
    cls: type[Model],
    options: ProofOptions = USUAL,
    *,
    limits: Limits = _UNLIMITED,
    progress: Callable[[ProofProgress], None] | None = None,
    only: Collection[str] | None = None,
    by: Collection[str] | None = None,
) -> Proof:
    """Prove what a script says, or only that certain actions preserve certain claims."""
    how = options
    limits.only("the prover", "seconds")
    solvers = (how.solver, *([how.second] if how.second else []))
    for solver in solvers:
        needs(solver)
    installed("pysat")  # which decides small sizes
    watch, started = Watch(limits), time.monotonic()
    translation = Translation(wanted)
    assumed = {f.name: f.span for f in assumed_by(cls)}
    translation.notes[:0] = [f"the script assumes {_what(f)} ({f.span})" for f in assumed_by(cls)]
    obligations = translation.obligations(only, by)
    if how.smt2 is not None:
        write_all(how.smt2, obligations)
    attempts = [_Attempt(o, how) for o in obligations]
    beginning = _Beginning(translation.beginning(), translation.assumed(), how)
    try:
        with Pool(how.processes, solvers) as pool:
            _run(pool, attempts, beginning, progress, watch)
    except Reached as stop:
        beginning.why = str(stop)
        for attempt in attempts:
            attempt.end(str(stop))
    cells = (*beginning.cells(translation), *(a.cell(translation, cls) for a in attempts))
    found = cycle(edges_of((f.says, f.formula) for o in obligations for f in o.facts))
    proof = Proof(
        wanted.name,
        wanted.module.name,
        tuple(lemma.function.name for lemma in wanted.lemmas),
        tuple(g.function.name for g in wanted.goals),
        tuple(f.name for f in wanted.module.of_kind(Kind.ACTION)),
        cells,
        tuple(translation.notes),
        () if found is None else (described(found),),
        solvers,
        time.monotonic() - started,
        unchecked=unchecked(wanted.module, {f.name for kind in CLAIMS for f in wanted.module.of_kind(kind)}),
        assumes=assumed,
    )
    held = validated(proof, cls, translation, obligations, complete=only is None and by is None)
    if held is not None and held.outside and not held.beginnings:
        # Of a sequence that is too long, say, of which the formulas do not speak.
        proof = replace(proof, cells=(_no_beginning("each initial state leaves a bound"), *proof.cells))
    proof = replace(proof, held=held, seconds=time.monotonic() - started)
    if how.certificate is None:
        return proof
    return replace(proof, certificates=_certified(how.certificate, proof, attempts, how))


def _what(function: Function) -> str:
    doc = function.doc.partition("\n")[0].rstrip(".")
    return f"{function.name}: {doc}" if doc else function.name


def _run(
    pool: Pool,
    attempts: list[_Attempt],
    beginning: _Beginning,
    progress: Callable[[ProofProgress], None] | None,
    watch: Watch,
) -> None:
    """Ask the solvers. Raises Reached."""
    by_id: dict[int, _Attempt | _Beginning] = {id(beginning): beginning, **{id(a): a for a in attempts}}
    finished = 0

    def done(answer: Answer) -> list[Job]:
        nonlocal finished
        _no_error(answer)
        attempt = by_id[answer.job.key]  # type: ignore[index]  # keys are these ids
        jobs = attempt.heard(answer)
        if not jobs:
            attempt.ended = True
            finished += attempt is not beginning
        return jobs

    def waiting(_: int) -> None:
        watch.tick()
        if progress:
            failed = sum(a.status is Status.FAILED for a in attempts)
            trivial = sum(a.trivial for a in attempts)
            progress(ProofProgress(watch.seconds, finished + trivial, len(attempts), failed))

    pool.run([*beginning.begin(), *(job for a in attempts for job in a.begin())], done, waiting)


_RAN_OUT = re.compile("cancel|timeout|time limit|resource|memory|interrupt|not available", re.IGNORECASE)


def _no_error(answer: Answer) -> None:
    """Raise RatifiedError if a solver refuses its script, which is not the same as not to know."""
    if answer.verdict == "unknown" and "(error" in answer.rest and not _RAN_OUT.search(answer.rest):
        asked = answer.job.text.partition("\n")[0].removeprefix("; ")
        raise RatifiedError(
            f"{answer.job.solver} refuses what it was asked for {asked}: {answer.rest.strip()}",
            remedy="this is a bug in Ratified: please report it with the model",
        )


def write_all(folder: Path, obligations: list[Obligation]) -> None:
    """Write each obligation as an SMT-LIB 2 file. Raises RatifiedError if that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, obligation in enumerate(obligations, 1):
            name = f"{file_name(number, obligation)}.smt2"
            (folder / name).write_text(script(title(obligation), obligation.facts), encoding="utf-8")
    except OSError as problem:
        raise RatifiedError(f"{folder} cannot be written: {problem.strerror}") from None


def file_name(number: int, obligation: Obligation) -> str:
    """What the files of an obligation are called: its number, its claim, and where that is to hold."""
    where = obligation.action.name if obligation.action else obligation.part.value
    return f"{number:03d}-{obligation.about.replace(' ', '-')}-{where.replace(' ', '-')}"


def _certified(folder: Path, proof: Proof, attempts: list[_Attempt], how: ProofOptions) -> Certificates:
    wanted = [
        Wanted(file_name(n, a.obligation), _text(a.obligation), a.status is Status.PROVED)
        for n, a in enumerate(attempts, 1)
    ]
    heading = Heading(proof.name, proof.model, proof.lemmas, proof.goals)
    return certify(folder, heading, wanted, seconds=how.timeout, processes=how.processes)


def entries_of(script_class: type[Model]) -> list[Entry]:
    """The obligations of a proof script as a folder of certificates lists them, without certificates.

    Raises:
        ModelError: as `prove` does.
    """
    numbered = enumerate(Translation(script_of(script_class)).obligations(), 1)
    return [Entry(file_name(n, o), _text(o), None) for n, o in numbered]


def _text(obligation: Obligation) -> str:
    return script(title(obligation), obligation.facts)


def title(obligation: Obligation) -> str:
    """What the comment at the top of an obligation's file says."""
    return f"{obligation.name}\n{obligation.says}.\nIt is so if there is no model: the answer is to be unsat."


@dataclass(slots=True)
class _Beginning:
    """Whether there is an initial state at some size. Without one, everything would be true of all of them."""

    facts: list[Fact]
    assumed: list[Fact]
    how: ProofOptions
    tried: int = 0
    answer: str = ""
    never: bool | None = None
    """Whether what is assumed is true at no size."""
    ended: bool = False
    why: str = ""

    def begin(self) -> list[Job]:
        if all(f.formula == TRUE for f in self.facts):
            self.answer = "sat"
            return []
        return [self._job()]

    def _job(self) -> Job:
        title = "there is an initial state\nIt is so if there is a model: the answer is to be sat."
        if self.tried == len(SMALL):
            return Job(id(self), "z3", script(title, self.facts), self.how.timeout)
        sizes = dict.fromkeys(small.sorts_of_facts(self.facts), SMALL[self.tried])
        asked = small.at_sizes(title, self.facts, sizes, values=False, near=False)
        return Job(id(self), asked.solver, asked.text, self.how.timeout, SEARCH)

    def heard(self, answer: Answer) -> list[Job]:
        if self.never is not None:
            self.never = answer.verdict == "unsat"
            return []
        self.answer = answer.verdict
        self.tried += 1
        if answer.verdict == "sat" or self.tried > len(SMALL):
            self.never = False
            title = (
                "what is assumed is true at some size\nIt is so if there is a model: the answer is to be sat."
            )
            job = Job(id(self), "z3", script(title, self.assumed), self.how.timeout)
            return [job] if answer.verdict == "unsat" and self.assumed else []
        return [self._job()]

    def cells(self, translation: Translation) -> list[Cell]:
        """None if there is one, or an open one if that is not known. Raises ModelError if there is none."""
        if self.answer == "sat":
            return []
        module = translation.module
        raises = translation.steps.initial(translation.state)[0].demanded(Failing.ERROR)
        if self.answer == "unsat" and not raises:
            init, assumed = module.functions.get("init"), module.of_kind(Kind.ASSUMPTION)
            what = [f"the assumption {f.name}" for f in assumed]
            if self.never:
                raise ModelError(
                    f"{module.name} assumes what is so at no size: nothing can be proved of it",
                    span=assumed[0].span,
                    remedy=f"weaken {' or '.join(what)}",
                )
            what[:0] = ["what init requires"] if init else []
            raise ModelError(
                f"{module.name} has no initial state, at any size: nothing can be proved of it",
                span=init.span if init else assumed[0].span if assumed else module.span,
                remedy=f"weaken {' or '.join(what)}"
                if what
                else "give its variables values that they can have",
            )
        none = self.why or f"none was found with up to {SMALL[-1]} values of each sort"
        return [_no_beginning("init may raise" if raises else none)]


def _no_beginning(why: str) -> Cell:
    says = "there is an initial state at some size"
    return Cell("a beginning / init", Part.INITIATION, "a beginning", None, says, Status.UNDECIDED, (), why)


@dataclass(slots=True)
class _Attempt:
    """An obligation under way.

    What is asked next depends on what was answered last: a quick try; if it is not refuted, small models of growing size; one
    that is found is made smaller sort by sort, and then read; if none is found, a try with all the time there is; then the
    second solver.
    """

    obligation: Obligation
    how: ProofOptions
    status: Status = Status.UNDECIDED
    opinions: list[Opinion] = field(default_factory=list)
    why: str = ""
    trivial: bool = False
    stage: str = "quick"
    text: str = ""
    tried: int = 0
    sizes: dict[str, int] = field(default_factory=dict)
    smallest: dict[str, int] = field(default_factory=dict)
    shrinking: list[tuple[str, int]] = field(default_factory=list)
    mixed: list[dict[str, int]] = field(default_factory=list)
    ruled_out: int = 0
    asked: small.Question | None = None
    read: str = ""
    searching: float = 0.0
    order: int = 0
    spent: float = 0.0
    ended: bool = False

    def begin(self) -> list[Job]:
        if refuted_at_once(self.obligation.facts):
            self.trivial, self.status, self.ended = True, Status.PROVED, True
            return []
        self.text = self._ordered(0)
        return self._quick()

    def _quick(self) -> list[Job]:
        """The next of the first tries."""
        if self.how.solver == "z3" and self.order < len(QUICK):
            order, effort = QUICK[self.order]
            return [self._job("z3", self._ordered(order), effort)]
        return [self._job(self.how.solver, self.text, QUICK[-1][1] if self.how.counterexamples else 0)]

    def _ordered(self, order: int) -> str:
        return script(title(self.obligation), ORDERS[order](settled(self.obligation.facts)))

    def _job(self, solver: str, text: str, effort: int = 0) -> Job:
        return Job(id(self), solver, text, self.how.timeout, effort)

    def heard(self, answer: Answer) -> list[Job]:
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
                self.why = "" if self.read else "there is a model, but it could not be read"
                return self._second()
            case "long":
                return self._after_long(answer)
            case "mixed":
                return self._after_mixed(answer)
        self._note(answer)  # the second opinion
        answers = {o.answer for o in self.opinions}
        if {"sat", "unsat"} <= answers:
            self.status, self.why = Status.UNDECIDED, "the solvers contradict each other"
        return []

    def _settle(self, answer: Answer) -> None:
        if answer.verdict == "unsat":
            self.status = Status.PROVED
        elif answer.verdict == "sat":
            # Of majorities and sizes more is true than the axioms say.
            symbols = symbols_of(f.formula for f in self.obligation.facts).values()
            sure = not any(small.is_majority(s) or small.is_size(s) for s in symbols)
            self.status = Status.FAILED if sure else Status.UNDECIDED
            self.why = (
                "there is a counterexample, but no small one was found"
                if sure
                else "what is known of majorities and sizes allows it to fail, but no example of it was found"
            )
        else:
            self.why = answer.rest.strip("()\n ") or "the solver does not know"
            if self.ruled_out:
                self.why += f"; with up to {self.ruled_out} values of each sort there is no counterexample"

    def _note(self, answer: Answer) -> None:
        self.opinions.append(Opinion(answer.job.solver, answer.verdict, answer.seconds + self.spent))
        self.spent = 0.0

    def _after_quick(self, answer: Answer) -> list[Job]:
        if answer.verdict == "unknown" and answer.job.solver == "z3" and self.order < len(QUICK) - 1:
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
        self.stage = "small"
        return self._try_small()

    def _try_small(self) -> list[Job]:
        self.tried += 1
        if self.tried > len(SMALL):
            return self._long()
        sorts = small.sorts_of_facts(self.obligation.facts)
        self.sizes = dict.fromkeys(sorts, SMALL[self.tried - 1])
        return [self._small_job(self.sizes)]

    def _small_job(self, sizes: Mapping[str, int], *, values: bool = False) -> Job:
        facts = self.obligation.facts
        self.asked = small.at_sizes(title(self.obligation), facts, sizes, values=values)
        return self._job(self.asked.solver, self.asked.text, SEARCH)

    def _after_small(self, answer: Answer) -> list[Job]:
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
        self.status, self.why = Status.FAILED, ""
        self.smallest = dict(self.sizes)
        self.stage, self.shrinking = "shrink", [(sort, 1) for sort in self.sizes]
        return self._shrink()

    def _shrink(self) -> list[Job]:
        while self.shrinking:
            sort, size = self.shrinking[0]
            if size < self.smallest[sort]:
                self.sizes = {**self.smallest, sort: size}
                return [self._small_job(self.sizes)]
            self.shrinking.pop(0)
        self.stage = "read"
        return [self._small_job(self.smallest, values=True)]

    def _after_shrink(self, answer: Answer) -> list[Job]:
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
        left = self.how.timeout * (1 - share) - self.spent
        if self.order < len(LONG) and left > 0:
            order, effort = LONG[self.order]
            return [Job(id(self), "z3", self._ordered(order), left, effort)]
        if share and self.how.second is None:
            return [Job(id(self), "cvc5", self.text, max(1.0, self.how.timeout - self.spent))]
        return []

    def _after_long(self, answer: Answer) -> list[Job]:
        """Z3 gives up with one order of the facts, and not with another."""
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
            self.stage, self.mixed = "mixed", small.mixed_sizes(list(self.sizes), SMALL)
        return self._try_mixed()

    def _try_mixed(self) -> list[Job]:
        """There is a counterexample, and none where all sorts are as large: the next sizes that differ."""
        if not self.mixed:
            return self._second()
        self.sizes = self.mixed.pop(0)
        return [self._small_job(self.sizes)]

    def _after_mixed(self, answer: Answer) -> list[Job]:
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

    def cell(self, translation: Translation, cls: type[Model]) -> Cell:
        obligation = self.obligation
        counterexample = None
        if self.read and self.asked is not None:
            structure = small.read_structure(self.asked, self.smallest, self.read)
            concrete = Concrete(translation.theory, structure)
            counterexample = shown(obligation, translation, concrete, cls)
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
            self.why = "a step may leave these bounds, and beyond them nothing is known"
