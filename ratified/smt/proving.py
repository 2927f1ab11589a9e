"""`prove`: obligations to solvers and back.

Guarantees: an obligation counts as proved only if a solver answered `unsat` to it; whatever a solver did not decide in its
time is undecided, by name; a contradiction between two solvers is undecided too, and said.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ratified.language.errors import RatifiedError
from ratified.language.ir import Argument, Kind
from ratified.language.machine import Left, PythonMachine
from ratified.language.model import Model
from ratified.language.scope import running
from ratified.language.sorts import BoundLeft
from ratified.smt.first_order import small
from ratified.smt.first_order.alternation import cycle, described, edges_of
from ratified.smt.first_order.concrete import Concrete, false_part
from ratified.smt.first_order.obligations import Obligation, Part, Translation
from ratified.smt.result import Cell, Counterexample, Opinion, Proof, Status
from ratified.smt.script import Script, script_of
from ratified.smt.smtlib import refuted_at_once, script
from ratified.smt.solving import Answer, Job, Pool, needs
from ratified.smt.terms import Term
from ratified.smt.validation.validate import validated

LIMIT = 60.0
"""Seconds that a solver has for an obligation, unless something else is said."""

QUICK = 5_000_000
"""Effort (Z3's own steps, some seconds) of the first try, before a counterexample is looked for."""

SEARCH = 20_000_000
"""Effort of looking for a counterexample with sorts of some size."""

SMALL = range(1, 5)
"""How many elements of each sort a counterexample is looked for with."""

ROOM = (1, 8)
"""By what factors bounds are widened that a counterexample does not speak of, for CPython to take its step."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a proof has come."""

    seconds: float
    done: int
    obligations: int
    failed: int


@dataclass(frozen=True, slots=True)
class Options:
    """How to prove. `second` is the solver that is asked for its opinion of everything; `smt2` a folder for the obligations."""

    solver: str = "z3"
    second: str | None = None
    seconds: float = LIMIT
    processes: int | None = None
    smt2: Path | None = None
    counterexamples: bool = True
    progress: Callable[[Progress], None] | None = None


def prove(
    script_class: type[Model],
    *,
    options: Options | None = None,
    without: Collection[str] = (),
    goals: Collection[str] | None = None,
) -> Proof:
    """Prove a script's goals for every size, by induction.

    `without` leaves lemmas out; `goals` are other goals than the script's.

    Raises:
        ModelError: the script has no lemmas, or names what there is not; or the model cannot be said in first-order logic.
        TranslationFault: everything is proved, and CPython says otherwise at a small size.
        RatifiedError: a solver is missing.
    """
    return prove_script(script_of(script_class, without=without, goals=goals), script_class, options)


def prove_script(
    wanted: Script,
    cls: type[Model],
    options: Options | None = None,
    *,
    only: Collection[str] | None = None,
    by: Collection[str] | None = None,
) -> Proof:
    """Prove what a script says, or only that certain actions preserve certain claims."""
    how = options or Options()
    solvers = (how.solver, *([how.second] if how.second else []))
    for solver in solvers:
        needs(solver)
    started = time.monotonic()
    translation = Translation(wanted)
    obligations = translation.obligations(only, by)
    if how.smt2 is not None:
        write_all(how.smt2, obligations)
    attempts = [_Attempt(o, how) for o in obligations]
    with Pool(how.processes, solvers) as pool:
        _run(pool, attempts, how, started)
    cells = tuple(a.cell(translation, cls) for a in attempts)
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
    )
    held = validated(proof, cls, translation, obligations, complete=only is None and by is None)
    return replace(proof, held=held, seconds=time.monotonic() - started)


def _run(pool: Pool, attempts: list[_Attempt], how: Options, started: float) -> None:
    by_id = {id(a): a for a in attempts}
    finished = 0

    def done(answer: Answer) -> list[Job]:
        nonlocal finished
        attempt = by_id[answer.job.key]  # type: ignore[index]  # keys are these ids
        jobs = attempt.heard(answer)
        finished += not jobs
        return jobs

    def waiting(_: int) -> None:
        if how.progress:
            failed = sum(a.status is Status.FAILED for a in attempts)
            trivial = sum(a.trivial for a in attempts)
            how.progress(Progress(time.monotonic() - started, finished + trivial, len(attempts), failed))

    pool.run([job for a in attempts for job in a.begin()], done, waiting)


def write_all(folder: Path, obligations: list[Obligation]) -> None:
    """Write each obligation as an SMT-LIB 2 file. Raises RatifiedError if that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, obligation in enumerate(obligations, 1):
            where = obligation.action.name if obligation.action else obligation.part.value
            name = f"{number:03d}-{obligation.claim.name}-{where}.smt2"
            (folder / name).write_text(script(title(obligation), obligation.facts), encoding="utf-8")
    except OSError as problem:
        raise RatifiedError(f"{folder} cannot be written: {problem.strerror}") from None


def title(obligation: Obligation) -> str:
    """What the comment at the top of an obligation's file says."""
    return f"{obligation.name}\n{obligation.says}.\nIt is so if there is no model: the answer is to be unsat."


@dataclass(slots=True)
class _Attempt:
    """An obligation under way.

    What is asked next depends on what was answered last: a quick try; if it is not refuted, small models of growing size; one
    that is found is made smaller sort by sort, and then read; if none is found, a try with all the time there is; then the
    second solver.
    """

    obligation: Obligation
    how: Options
    status: Status = Status.UNDECIDED
    opinions: list[Opinion] = field(default_factory=list)
    why: str = ""
    trivial: bool = False
    stage: str = "quick"
    text: str = ""
    tried: int = 0
    sizes: dict[str, int] = field(default_factory=dict)
    smallest: dict[str, int] = field(default_factory=dict)
    shrinking: list[str] = field(default_factory=list)
    asked: list[Term] = field(default_factory=list)
    read: str = ""
    searching: float = 0.0

    def begin(self) -> list[Job]:
        if refuted_at_once(self.obligation.facts):
            self.trivial, self.status = True, Status.PROVED
            return []
        self.text = script(title(self.obligation), self.obligation.facts)
        return [self._job(self.how.solver, self.text, QUICK if self.how.counterexamples else 0)]

    def _job(self, solver: str, text: str, effort: int = 0) -> Job:
        return Job(id(self), solver, text, self.how.seconds, effort)

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
                self._note(answer)
                self._settle(answer)
                return self._second()
        self._note(answer)  # the second opinion
        answers = {o.answer for o in self.opinions}
        if {"sat", "unsat"} <= answers:
            self.status, self.why = Status.UNDECIDED, "the solvers contradict each other"
        return []

    def _settle(self, answer: Answer) -> None:
        if answer.verdict == "unsat":
            self.status = Status.PROVED
        elif answer.verdict == "sat":
            self.status, self.why = Status.FAILED, "there is a model, but none of few elements was found"
        else:
            self.why = answer.rest.strip("()\n ") or "the solver does not know"

    def _note(self, answer: Answer) -> None:
        self.opinions.append(Opinion(answer.job.solver, answer.verdict, answer.seconds))

    def _after_quick(self, answer: Answer) -> list[Job]:
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
        text, self.asked = small.at_sizes(title(self.obligation), facts, sizes, values=values)
        return self._job("z3", text, SEARCH)

    def _after_small(self, answer: Answer) -> list[Job]:
        self.searching += answer.seconds
        if answer.verdict != "sat":
            return self._try_small()
        self.status = Status.FAILED
        self.smallest = dict(self.sizes)
        self.stage, self.shrinking = "shrink", list(self.sizes)
        return self._shrink()

    def _shrink(self) -> list[Job]:
        while self.shrinking:
            sort = self.shrinking[0]
            if self.smallest[sort] > 1:
                self.sizes = {**self.smallest, sort: self.smallest[sort] - 1}
                return [self._small_job(self.sizes)]
            self.shrinking.pop(0)
        self.stage = "read"
        return [self._small_job(self.smallest, values=True)]

    def _after_shrink(self, answer: Answer) -> list[Job]:
        self.searching += answer.seconds
        if answer.verdict == "sat":
            self.smallest = dict(self.sizes)
        else:
            self.shrinking.pop(0)
        return self._shrink()

    def _long(self) -> list[Job]:
        self.opinions.clear()
        self.stage = "long"
        return [self._job(self.how.solver, self.text)]

    def _second(self) -> list[Job]:
        if self.how.second is None or self.stage == "second":
            return []
        self.stage = "second"
        return [self._job(self.how.second, self.text)]

    # --- what it came to ---

    def cell(self, translation: Translation, cls: type[Model]) -> Cell:
        obligation = self.obligation
        counterexample = None
        if self.read:
            structure = small.read_structure(self.smallest, self.asked, self.read)
            counterexample = told(obligation, translation, Concrete(translation.theory, structure), cls)
        return Cell(
            obligation.name,
            obligation.part,
            obligation.claim.name,
            obligation.action.name if obligation.action else None,
            obligation.says,
            self.status,
            tuple(self.opinions),
            self.why,
            counterexample,
        )


def told(
    obligation: Obligation, translation: Translation, concrete: Concrete, cls: type[Model]
) -> Counterexample | None:
    """A structure as the states and the step that it is; None if it cannot be shown."""
    module = translation.module
    structure = concrete.structure
    scope = concrete.scope()
    with running(scope):
        arguments = {
            name: concrete.value(a.type, shape)
            for a, (name, shape) in zip(
                _arguments(obligation, translation), obligation.arguments, strict=True
            )
        }
        taken = next((p for p in obligation.paths if structure.holds(p.guard)), None)
        if taken is None:
            return None  # it takes integers outside the window
        types = {d.name: d.type for d in module.variables}
        after = {v: concrete.value(types[v], s) for v, s in taken.after.items()}
        before = None
        if obligation.before is not None:
            before = {v: concrete.value(types[v], s) for v, s in obligation.before.items()}
    if obligation.part is Part.GOAL and obligation.action is None:
        before, after_shown = after, None
    else:
        after_shown = after
    part = false_part(module, obligation.claim, scope, after, before)
    sizes = {s.__name__: n for s, n in concrete.sizes.items()}
    confirmed = _confirmed(cls, concrete, obligation, before, arguments, after_shown)
    return Counterexample(sizes, dict(scope.parameters), arguments, before, after_shown, part, confirmed)


def _arguments(obligation: Obligation, translation: Translation) -> tuple[Argument, ...]:
    function = obligation.action or translation.module.functions.get("init")
    if not obligation.arguments or function is None:
        return ()
    return function.arguments


def _confirmed(
    cls: type[Model],
    concrete: Concrete,
    obligation: Obligation,
    before: Mapping[str, object] | None,
    arguments: Mapping[str, object],
    after: Mapping[str, object] | None,
) -> bool | None:
    """Whether CPython, at this size, takes the very step from this very state; None if a bound of exploring forbids it."""
    if obligation.action is None or before is None or after is None:
        return None
    scope = concrete.scope()
    sizes = {s.__name__: n for s, n in scope.sizes.items()}
    for room in ROOM:
        wider = {name: room * scope.parameters[name] for name in concrete.unspoken()}  # type: ignore[operator]  # ints
        try:
            machine = PythonMachine(cls(**sizes, **{**scope.parameters, **wider}))
            names = [d.name for d in machine.model.module.variables]
            found = machine.take(tuple(before[n] for n in names), obligation.action.name, arguments)
        except (RatifiedError, BoundLeft):
            continue
        if not any(isinstance(state, Left) for _, state in found):
            return [state for _, state in found] == [tuple(after[n] for n in names)]
    return None


def with_solver(options: Options, **changes: object) -> Options:
    """The same options but for these."""
    return replace(options, **changes)  # type: ignore[arg-type]  # the fields of Options
