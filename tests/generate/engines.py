"""One proof script through every engine that decides it, and what they make of it together.

`compared(cls)` explores it at sizes 1 to 3 by the reference machine, proves it (both solvers), and asks bounded model checking
with k-induction. Failures are what cannot be: proved and false, a formula that differs from CPython, a counterexample that it
does not confirm, solvers or engines that contradict each other, an error that is not one of the model's.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import signal
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from ratified.language.errors import RatifiedError
from ratified.language.model import Model
from ratified.results.result import Limits, Verdict
from ratified.smt import proving
from ratified.smt.finite.bounded import bounded
from ratified.smt.first_order.obligations import Translation
from ratified.smt.first_order.shapes import Inexpressible
from ratified.smt.proving import ProofOptions, prove
from ratified.smt.result import Proof, Status
from ratified.smt.script import script_of
from ratified.smt.solving import Job, Pool, SolverAnswer
from ratified.smt.validation.validate import TranslationFault, validate
from ratified.smt.worker import SOLVERS
from tests.generate.models import GeneratedModel
from tests.generate.running import Run, run

SIZES = {1: 300, 2: 300, 3: 120}
"""Elements of each sort, and how many states are explored at most."""

UNITS = 150_000
"""Effort for holding one small model to CPython."""

NO_BEGINNING = ": nothing can be proved of it"
"""How the message ends that a model cannot begin, or assumes what is so at no size."""

OUT_OF_TIME = re.compile(
    r"time|cancel|(max\. )?resource|\(?incomplete|the solver answered unknown", re.IGNORECASE
)
"""Why a solver does not know, where its time or its ways have come to an end."""

EFFORT: Mapping[str, int] = {"z3": 500_000, "cvc5": 100_000, "expanded": 4_000_000}
"""What a solver may do for one question at most, in its own steps: a quarter of a second, say, and the same on a busy machine."""

UNANSWERED = 10
"""After so many questions about a model that no solver has an answer to, it is not asked any more."""

RAN_OUT = "unknown (RESOURCEOUT)"
"""What is heard then."""

TIMEOUT = 60.0
"""Seconds for a question, which a solver that counts its steps does not need."""

DEPTH = 3
SECONDS = 4.0
SECOND_EVERY, FINITE_EVERY = 4, 3
"""Of so many scripts one is asked of the second solver, and of bounded model checking."""

MODEL_SECONDS = 60.0
"""Processor time for all that is asked about one model."""


def load_script(generated: GeneratedModel, folder: Path) -> type[Model]:
    """Write the file and import it. The module stays loaded: its source is needed. Raises what the file raises."""
    name = f"script_{hashlib.sha256(generated.text.encode()).hexdigest()[:16]}"
    path = folder / f"{name}.py"
    path.write_text(generated.text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    made: type[Model] = getattr(module, generated.name)
    return made


class Here(Pool):
    """Solvers in this process: none is started for a model that takes some milliseconds.

    No question has more than the effort that there is for one (`EFFORT`), so that answers do not depend on how busy the machine
    is; what is asked twice is answered once.
    """

    def run(
        self,
        jobs: list[Job],
        done: Callable[[SolverAnswer], list[Job]],
        waiting: Callable[[int], None] | None = None,
    ) -> None:
        """See Pool."""
        queue = deque(jobs)
        known: dict[tuple[str, str, int], str] = {}
        left = UNANSWERED
        while queue:
            job = queue.popleft()
            started = time.process_time()
            effort = min(job.effort or EFFORT[job.solver], EFFORT[job.solver])
            question = job.solver, job.text, effort
            if question not in known and left == 0:
                known[question] = RAN_OUT
            elif question not in known:
                try:
                    known[question] = SOLVERS[job.solver](job.text, job.seconds, effort)
                except Exception as problem:  # noqa: BLE001  # as in a process of its own
                    known[question] = f'(error "{problem}")'
                left -= known[question].startswith("unknown")
            told = {"said": known[question], "seconds": time.process_time() - started}
            worker: Any = SimpleNamespace(job=job)
            for answer in self._heard(worker, told):
                queue.extendleft(reversed(done(answer)))


@contextmanager
def in_this_process() -> Iterator[None]:
    """Solvers are asked without starting processes."""
    with mock.patch.object(proving, "Pool", Here):
        yield


@dataclass(slots=True)
class Compared:
    """What the engines say. `word` is the prover's: proved, not proved, undecided, refused, unreadable, no size."""

    word: str = ""
    reason: str = ""
    violated: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    bounded: str = ""

    @property
    def noticed(self) -> str:
        """What a run is to stop at: a failure, or a verdict for which there is no reason that a model can have."""
        if self.failures:
            return self.failures[0].splitlines()[0]
        unexplained = self.word == "not proved" and self.reason == "not explained"
        # An example that the explorer has, and no solver found: the claim is refuted all the same.
        missed = self.reason.startswith("the axioms of") and bool(self.violated)
        unknown = self.word == "undecided" and not OUT_OF_TIME.match(self.reason) and not missed
        return f"{self.word}: {self.reason}" if unexplained or unknown else ""

    def fails(self, what: str) -> None:
        """Note what cannot be."""
        self.failures.append(what)


def compared(
    cls: type[Model],
    *,
    second: bool = True,
    finite: bool = True,
    held: bool = True,
) -> Compared:
    """Ask all engines; with `held`, what is not proved is held to CPython too."""
    found = Compared()
    runs = explored(cls, found)
    proof: Proof | None = None
    try:
        with in_this_process():
            proof = prove(cls, options=ProofOptions("z3", "cvc5" if second else None, TIMEOUT, 1))
    except TranslationFault as fault:
        found.word = "fault"
        found.fails(f"validation: {fault.message}")
        return found
    except RatifiedError as problem:
        _refused(problem, runs, found)
    except Exception as crash:  # noqa: BLE001  # whatever it is, it is a failure
        found.word = "crash"
        found.fails(f"crash: {type(crash).__name__}: {str(crash)[:200]}")
        return found
    if proof is not None:
        _proof(proof, found)
        begins = any(r.states or r.error for r in runs.values())
        if proof.verdict is Verdict.HOLDS and runs and not begins:
            found.fails("proved of what cannot begin")
        if held and proof.verdict is not Verdict.HOLDS and (wrong := held_to_cpython(cls)):
            found.fails(f"validation: {wrong}")
    if finite and 2 in runs:
        _bounded(cls, runs[2], found)
    return found


def _refused(problem: RatifiedError, runs: Mapping[int, Run], found: Compared) -> None:
    """Why there is no proof: what cannot be said, or that the model cannot begin; anything else is a failure."""
    refused = isinstance(problem, Inexpressible)
    found.word, found.reason = "refused" if refused else "error", problem.message
    if refused:
        return
    if not problem.message.endswith(NO_BEGINNING):
        found.fails(f"error: {problem.message}")
    elif any(r.states for r in runs.values()):
        found.fails("an error that it cannot begin, and it does")


def explored(cls: type[Model], found: Compared) -> dict[int, Run]:
    """What the reference machine comes to, by size."""
    runs: dict[int, Run] = {}
    for size, most in SIZES.items():
        try:
            model = cls(**{t.sort.__name__: size for t in cls.module.sorts})
        except RatifiedError:
            continue  # what it assumes is not so at this size
        runs[size] = run(model, most)
        for claim in runs[size].violated:
            found.violated.setdefault(claim, f"size {size}")
    return runs


def held_to_cpython(cls: type[Model]) -> str:
    """What holding the formulas of a script to CPython finds wrong."""
    try:
        translation = Translation(script_of(cls))
        validate(cls, translation, translation.obligations(), units=UNITS)
    except TranslationFault as fault:
        return fault.message
    return ""


def _proof(proof: Proof, found: Compared) -> None:
    words = {Verdict.HOLDS: "proved", Verdict.VIOLATED: "not proved", Verdict.UNDECIDED: "undecided"}
    found.word = words[proof.verdict]
    wrong = sorted({*proof.lemmas, *proof.goals} & found.violated.keys())
    if proof.verdict is Verdict.HOLDS and wrong:
        found.fails(f"proved and false: {wrong[0]} at {found.violated[wrong[0]]}")
    if any(c.contradicted for c in proof.cells):
        found.fails("the solvers contradict each other")
    counterexamples = [c.counterexample for c in proof.cells if c.counterexample is not None]
    if any(c.confirmed is False for c in counterexamples):
        found.fails("a counterexample that CPython does not confirm")
    if found.word == "not proved":
        failed = [c for c in proof.cells if c.status is Status.FAILED]
        shown = any(c.confirmed for c in counterexamples) or any(c.action is None for c in failed)
        found.reason = "violated" if wrong else "not inductive" if shown else "not explained"
    elif found.word == "undecided":
        found.reason = next(c.why for c in proof.cells if c.status is Status.UNDECIDED)[:80]


def _bounded(cls: type[Model], seen: Run, found: Compared) -> None:
    model = cls(**{t.sort.__name__: 2 for t in cls.module.sorts})
    try:
        said = bounded(model, DEPTH, induction=True, limits=Limits(seconds=SECONDS))
    except RatifiedError as problem:
        found.bounded = f"refused: {problem.message[:60]}"
        if "disagree" in problem.message:
            found.fails(f"bmc: {problem.message}")
        return
    except Exception as crash:  # noqa: BLE001  # whatever it is, it is a failure
        found.fails(f"bmc: crash: {type(crash).__name__}: {str(crash)[:200]}")
        return
    found.bounded = said.verdict.value
    if said.verdict is Verdict.HOLDS and not seen.states and seen.error is None and not seen.left:
        found.fails("bmc holds of what cannot begin")
    if said.verdict is Verdict.HOLDS and seen.violated:
        found.fails(f"bmc holds, and false: {min(seen.violated)}")
    if said.verdict is Verdict.VIOLATED and seen.complete and not seen.violated and not seen.left:
        found.fails("bmc finds a violation that is none")


# --- many -----------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Tally:
    """Figures of many models; failures with their seeds."""

    words: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    bounded: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[int, str]] = field(default_factory=list)
    unexplained: list[tuple[int, str]] = field(default_factory=list)
    """Verdicts without a reason that a model can have."""

    def add(self, seed: int, found: Compared) -> None:
        """Count one."""
        self.words[found.word] += 1
        self.bounded[found.bounded.partition(":")[0] or "not asked"] += 1
        if found.reason:
            self.reasons[f"{found.word}: {found.reason}"] += 1
        self.failures += [(seed, failure) for failure in found.failures]
        if found.noticed and not found.failures:
            self.unexplained.append((seed, found.noticed))

    @property
    def total(self) -> int:
        """How many models."""
        return self.words.total()

    def lines(self) -> list[str]:
        """As text."""
        shares = [
            f"  {100 * n / max(1, self.total):5.1f} %  {n:6d}  {w}" for w, n in self.words.most_common()
        ]
        reasons = [f"  {n:6d}  {reason}" for reason, n in self.reasons.most_common(30)]
        finite = ", ".join(f"{n} {word}" for word, n in self.bounded.most_common())
        failures = [f"  seed {seed}: {failure.splitlines()[0]}" for seed, failure in self.failures]
        unexplained = [f"  seed {seed}: {what}" for seed, what in self.unexplained]
        return [
            f"{self.total} models",
            *shares,
            "reasons:",
            *reasons,
            f"bmc with induction at size 2: {finite}",
            f"failures: {len(failures)}",
            *failures,
            f"not explained: {len(unexplained)}",
            *unexplained,
        ]


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raises OutOfTimeError once this process has worked so long; a solver is let finish what it was asked."""

    def stop(*_: object) -> None:
        raise OutOfTimeError

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


class OutOfTimeError(BaseException):
    """A model took longer than it may: no error of an engine, which would be told as one."""


def one(
    make: Callable[[int], GeneratedModel], seed: int, folder: Path, *, second_every: int = SECOND_EVERY
) -> Compared:
    """The model of a seed through all engines. The second solver is asked about one of so many."""
    try:
        with limited(MODEL_SECONDS):
            cls = load_script(make(seed), folder)
            return compared(cls, second=seed % second_every == 0, finite=seed % FINITE_EVERY == 0)
    except OutOfTimeError:
        return Compared("out of time")
    except RatifiedError as problem:
        return Compared("unreadable", problem.message[:60])


def many(
    make: Callable[[int], GeneratedModel], seeds: Iterable[int], folder: Path, *, kept: Path | None = None
) -> Tally:
    """The models of some seeds through all engines.

    With `kept`, a line is written into that file for each, and those that have one there are not asked again: a run that was
    stopped goes on where it was.
    """
    known = {} if kept is None else read_lines(kept)
    tally = Tally()
    for seed in seeds:
        found = known.get(seed)
        if found is None:
            found = one(make, seed, folder)
            if kept is not None:
                with kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"seed": seed, **asdict(found)}) + "\n")
        tally.add(seed, found)
    return tally


def read_lines(kept: Path) -> dict[int, Compared]:
    """What was written about models, by seed. A last line that was cut short is taken off."""
    if not kept.exists():
        return {}
    text = kept.read_text(encoding="utf-8")
    if not text.endswith("\n"):
        text = text[: text.rfind("\n") + 1]
        kept.write_text(text, encoding="utf-8")
    found: dict[int, Compared] = {}
    for line in text.splitlines():
        said = json.loads(line)
        seed = said.pop("seed")
        found[seed] = Compared(**said)
    return found
