"""`prove`: obligations to solvers and back.

Guarantees: an obligation counts as proved only if a solver answered `unsat` to it; whatever a solver did not decide in its
time is undecided, by name; a contradiction between two solvers is undecided too, and said.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ratified.language.claims import unchecked
from ratified.language.errors import RatifiedError, Span
from ratified.language.ir import Function, Kind
from ratified.language.model import Model
from ratified.language.uses import Uses
from ratified.results.background import Background
from ratified.results.limits import LimitWatch, Reached
from ratified.results.result import Limits
from ratified.results.seen import INTERRUPTED
from ratified.smt.attempts import (
    LOOK,
    ROUNDS,
    PendingObligation,
    SolverEffort,
    rarely_needed,
    title,
)
from ratified.smt.beginning import Beginning, beyond_bounds, no_beginning
from ratified.smt.certificate.folder import CertifiedObligation, Heading
from ratified.smt.certificate.making import Certificates, Wanted, certify
from ratified.smt.first_order.alternation import cycle, described, edges_of
from ratified.smt.first_order.obligations import Obligation, Part, Translation
from ratified.smt.first_order.shapes import Inexpressible
from ratified.smt.result import Cell, Proof, Status
from ratified.smt.script import CLAIMS, ProofScript, assumed_by, changed_by, script_of
from ratified.smt.searching import searched
from ratified.smt.smtlib import script
from ratified.smt.solving import Job, Pool, SolverAnswer, installed, needs
from ratified.smt.statable import together
from ratified.smt.validation.validate import validated

LIMIT = 60.0
"""Seconds that a solver has to refute an obligation, unless something else is said."""

TOGETHER = 300.0
"""Seconds that there are for all obligations, for each of the solvers, unless something else is said."""


@dataclass(frozen=True, slots=True)
class ProofProgress:
    """The progress of a proof."""

    seconds: float
    done: int
    obligations: int
    failed: int


@dataclass(frozen=True, slots=True)
class ProofOptions:
    """How to prove.

    `second` is a second solver for every obligation; `timeout` is in seconds, for each obligation and solver (a counterexample is
    looked for for half as long); `smt2` is a folder for the obligations, `certificate` one for obligations and certificates.
    """

    solver: str = "z3"
    second: str | None = None
    timeout: float = LIMIT
    processes: int | None = None
    smt2: Path | None = None
    certificate: Path | None = None
    counterexamples: bool = True


ALONE = (
    "no lemmas are given: the induction has the model's own invariants alone. If the state before such a step is not reachable "
    "(`ratified induct` tells), a lemma must exclude it (docs/proving.md)"
)
UNLIMITED = Limits()
USUAL = ProofOptions()


def prove(
    script_class: type[Model],
    *,
    without: Collection[str] = (),
    goals: Collection[str] | None = None,
    limits: Limits = UNLIMITED,
    options: ProofOptions = USUAL,
    progress: Callable[[ProofProgress], None] | None = None,
) -> Proof:
    """Prove a script's goals for every size, by induction.

    `without` leaves lemmas out; `goals` replaces the script's goals. After `limits.seconds` (by default five minutes for
    each solver), obligations without an answer are undecided; there are no other limits. `progress` is called some five
    times a second.

    Raises:
        ModelError: the script claims nothing, or names something that does not exist; or the model cannot be expressed in
            first-order logic.
        TranslationFault: everything is proved, and CPython disagrees at a small size.
        RatifiedError: a solver is missing; a limit other than `seconds`.
    """
    script = script_of(script_class, without=without, goals=goals)
    return prove_script(script, script_class, options, limits=limits, progress=progress)


def prove_script(
    wanted: ProofScript,
    cls: type[Model],
    options: ProofOptions = USUAL,
    *,
    limits: Limits = UNLIMITED,
    progress: Callable[[ProofProgress], None] | None = None,
    only: Collection[str] | None = None,
    by: Collection[str] | None = None,
) -> Proof:
    """Prove what a script says, or only that certain actions preserve certain claims."""
    how = options
    solvers = (how.solver, *([how.second] if how.second else []))
    usual, limits = limits.seconds is None, limits_of(limits, how)
    limits.only("the prover", "seconds")
    for solver in solvers:
        needs(solver)
    installed("pysat")  # which decides small sizes
    watch, started = LimitWatch(limits), time.monotonic()
    complete = only is None and by is None
    translation = Translation(wanted)
    assumed = {f.name: f.span for f in assumed_by(cls)}
    translation.notes[:0] = [f"the script assumes {_what(f)} ({f.span})" for f in assumed_by(cls)]
    translation.notes += [
        f"the script has its own {f.kind.value} `{f.name}` ({f.span})" for f in changed_by(cls)
    ]
    stating = Background(lambda: translation.obligations(only, by))
    try:
        stating.attend(watch.tick)
        obligations = stating.result()
    except Inexpressible as problem:
        raise together(wanted.name, translation.refusals() or [problem]) from None
    except (Reached, KeyboardInterrupt) as stop:
        if not complete:
            raise
        return _not_stated(wanted, translation, _stopped(stop, watch, usual=usual), solvers, watch.seconds)
    if how.smt2 is not None:
        write_all(how.smt2, obligations)
    effort = SolverEffort(how.solver, how.second, how.timeout, how.counterexamples)
    attempts = [PendingObligation(o, effort, translation, cls) for o in obligations]
    beginning = Beginning(translation.beginning(), translation.assumed(), effort, cls)
    look = usual
    try:
        with Pool(how.processes, solvers) as pool:
            _run(pool, attempts, beginning, translation, progress, watch)
        look = True
    except (Reached, KeyboardInterrupt) as stop:
        if isinstance(stop, KeyboardInterrupt):
            if not complete:
                raise  # a part of something larger, which would go on
            look = False
        beginning.why = _stopped(stop, watch, usual=usual)
        for attempt in attempts:
            attempt.end(beginning.why)
    if look:
        _look(attempts)
    cells = (*beginning.cells(translation), *(a.cell() for a in attempts))
    if wanted.alone and any(cell.status is not Status.PROVED for cell in cells):
        translation.notes.append(ALONE)
    found = cycle(edges_of((f.says, f.formula) for o in obligations for f in o.facts))
    proof = Proof(
        wanted.name,
        wanted.module.name,
        tuple(lemma.function.name for lemma in wanted.lemmas),
        tuple(g.function.name for g in ((*wanted.lemmas, *wanted.goals) if wanted.alone else wanted.goals)),
        tuple(f.name for f in wanted.module.of_kind(Kind.ACTION)),
        cells,
        tuple(translation.notes),
        () if found is None else (described(found),),
        solvers,
        time.monotonic() - started,
        unchecked=unchecked(wanted.module, {f.name for kind in CLAIMS for f in wanted.module.of_kind(kind)}),
        assumes=assumed,
        vacuous=_vacuous(wanted),
    )
    held = validated(proof, cls, translation, obligations, complete=complete, watch=watch)
    if held is not None and held.outside and not held.beginnings:
        # Of a sequence that is too long, say, of which the formulas do not speak.
        left = beyond_bounds(cls) or no_beginning("every initial state exceeds a bound")
        proof = replace(proof, cells=(left, *(c for c in proof.cells if c.name != left.name)))
    if held is not None and held.cut_short and not held.states:
        why = f"they were not compared with CPython: {_limit(held.cut_short, watch, usual=usual)}"
        proof = replace(proof, cells=(_of_formulas("they say what the model says", why), *proof.cells))
    proof = replace(proof, held=held, seconds=time.monotonic() - started)
    if how.certificate is None:
        return proof
    return replace(proof, certificates=_certified(how.certificate, proof, attempts, how))


def limits_of(limits: Limits, options: ProofOptions) -> Limits:
    """The limits that are given; of time there is always one."""
    if limits.seconds is not None:
        return limits
    return replace(limits, seconds=TOGETHER * (1 if options.second is None else 2))


def _stopped(stop: Reached | KeyboardInterrupt, watch: LimitWatch, *, usual: bool) -> str:
    """Why a proof stopped before its end; `usual` if by limits that nobody has set."""
    return _limit(str(stop) or INTERRUPTED, watch, usual=usual)


def _limit(why: str, watch: LimitWatch, *, usual: bool) -> str:
    """A limit, with how to set another if nobody has set it."""
    if usual and why == watch.time_limit():
        return f"{why}, the default for all obligations together (--seconds sets another)"
    return why


def _look(attempts: Sequence[PendingObligation]) -> None:
    """Let CPython look for counterexamples, once, where solvers have found none that it confirms."""
    open_ = [a for a in attempts if not a.looked and a.how.counterexamples and _is_open(a.cell())]
    if not open_:
        return
    for attempt in open_:
        attempt.looked = True
    for place, shown in searched(open_[0].cls, [a.obligation for a in open_]).items():
        open_[place].refuted(shown)


def _is_open(cell: Cell) -> bool:
    """Whether a counterexample would tell more than is known."""
    if cell.status is Status.UNDECIDED:
        return not cell.contradicted
    shown = cell.counterexample
    unasked = shown is None or (cell.action is not None and shown.confirmed is None)
    return cell.status is Status.FAILED and unasked


def _of_formulas(says: str, why: str) -> Cell:
    """What stands for all obligations where their formulas cannot be relied on."""
    return Cell("the formulas", Part.INITIATION, "the formulas", None, says, Status.UNDECIDED, (), why)


def _not_stated(
    wanted: ProofScript, translation: Translation, why: str, solvers: tuple[str, ...], seconds: float
) -> Proof:
    """What is known where a limit is reached before the formulas are there."""
    cell = _of_formulas("what is claimed holds: its formulas were not made in time", why)
    return Proof(
        wanted.name,
        wanted.module.name,
        tuple(lemma.function.name for lemma in wanted.lemmas),
        tuple(g.function.name for g in ((*wanted.lemmas, *wanted.goals) if wanted.alone else wanted.goals)),
        tuple(f.name for f in wanted.module.of_kind(Kind.ACTION)),
        (cell,),
        tuple(translation.notes),
        (),
        solvers,
        seconds,
    )


def _vacuous(wanted: ProofScript) -> dict[str, Span]:
    """The claims that read no variable: whatever the actions do, they are as they were."""
    uses = Uses(wanted.module)
    claims = (claim.function for claim in (*wanted.lemmas, *wanted.goals))
    return {f.name: f.span for f in claims if not uses.reads(f.body)}


def _what(function: Function) -> str:
    doc = function.doc.partition("\n")[0].rstrip(".")
    return f"{function.name}: {doc}" if doc else function.name


def _run(
    pool: Pool,
    attempts: list[PendingObligation],
    beginning: Beginning,
    translation: Translation,
    progress: Callable[[ProofProgress], None] | None,
    watch: LimitWatch,
) -> None:
    """Ask the solvers. Raises Reached, and ModelError if the model has no initial state."""
    by_id = {id(a): a for a in attempts}
    number = 0

    def done(answer: SolverAnswer) -> list[Job]:
        if answer.job.key == id(beginning):
            _no_error(answer, beginning.name)
            jobs = beginning.heard(answer)
            if not jobs:
                beginning.cells(translation)  # of what cannot begin, nothing else is worth asking
            return jobs
        attempt = by_id[answer.job.key]  # type: ignore[index]  # keys are these ids
        _no_error(answer, attempt.name)
        return attempt.heard(answer, number)

    def waiting(_: int) -> None:
        watch.tick()
        if progress:
            failed = sum(a.status is Status.FAILED for a in attempts)
            ended = sum(a.ended for a in attempts)
            progress(ProofProgress(watch.seconds, ended, len(attempts), failed))

    pool.run([*beginning.begin(), *(job for a in attempts for job in a.begin())], done, waiting)
    for number in range(1, len(ROUNDS)):
        if number == LOOK:
            watch.tick()
            _look(attempts)
        pool.run([job for a in attempts for job in a.resumed(number)], done, waiting)


_RAN_OUT = re.compile("cancel|timeout|time limit|resource|memory|interrupt|not available", re.IGNORECASE)


def _no_error(answer: SolverAnswer, asked: str) -> None:
    """Raise RatifiedError if a solver refuses the script of what it was asked, which is not the same as not to know."""
    if answer.verdict == "unknown" and "(error" in answer.rest and not _RAN_OUT.search(answer.rest):
        raise RatifiedError(
            f"{answer.job.solver} rejects the query of {asked}: {answer.rest.strip()}",
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


def _certified(
    folder: Path, proof: Proof, attempts: list[PendingObligation], how: ProofOptions
) -> Certificates:
    proved = [a.status is Status.PROVED for a in attempts]
    wanted = _wanted([a.obligation for a in attempts], proved)
    heading = Heading(proof.name, proof.model, proof.lemmas, proof.goals)
    return certify(folder, heading, wanted, seconds=how.timeout, processes=how.processes)


def _wanted(obligations: Sequence[Obligation], proved: Sequence[bool]) -> list[Wanted]:
    """Obligations as those who look for certificates are told them."""
    return [
        Wanted(file_name(n, o), _text(o), done, rarely_needed(o.facts))
        for n, (o, done) in enumerate(zip(obligations, proved, strict=True), 1)
    ]


def wanted_of(script_class: type[Model]) -> list[Wanted]:
    """The obligations of a proof script that is known to be proved, to be certified anew. Raises ModelError, as `prove` does."""
    obligations = Translation(script_of(script_class)).obligations()
    return _wanted(obligations, [True] * len(obligations))


def entries_of(script_class: type[Model]) -> list[CertifiedObligation]:
    """The obligations of a proof script as a folder of certificates lists them, without certificates.

    Raises:
        ModelError: as `prove` does.
    """
    numbered = enumerate(Translation(script_of(script_class)).obligations(), 1)
    return [CertifiedObligation(file_name(n, o), _text(o), None) for n, o in numbered]


def _text(obligation: Obligation) -> str:
    return script(title(obligation), obligation.facts)
