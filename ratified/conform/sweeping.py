"""Every mistake that there is a rule for, planted into the cores of a protocol, one at a time, and put to what holds them.

What is asked is cut into *checks* of a tenth of a second to a few: runs of chaos, runs under stress with progress asked for in
calm, examples of Hypothesis, the walks along the model's graph. A mutant is put only to checks that run the line of its mistake
("never run" if none does), first to the one that caught it last time, then to those that have caught most, and no further once
it is caught. Each mutant has a process of its own.

Guarantees: which mutants are planted, and whether one is caught, depends on the source alone, and on no order or memory, but
for the processor time that a mutant is given. A share of a sample comes with its confidence interval.
"""

from __future__ import annotations

import ast
import hashlib
import json
import math
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from inspect import getsource
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any, Final

from ratified.conform.alone import alone
from ratified.conform.driving.sweep import DrivingAnswer, Mistake, MutantOutcome, answers, mistakes
from ratified.conform.machine import explore
from ratified.conform.mutants import planted
from ratified.conform.operators import EndlessError, Mutation, changed
from ratified.conform.protocol import Protocol
from ratified.conform.simulation import simulated
from ratified.conform.stress import stressed
from ratified.conform.suite import covered, nodes_of, runs_alone
from ratified.results.result import Verdict

RUNS: Final = 48
"""So many runs under stress are checks of a sweep, and of chaos, which comes to less, a quarter."""
ALONE: Final = 40
"""And so many of one core alone, which take a twentieth of a second each."""
EXAMPLES: Final = 8
"""So many examples of Hypothesis are one check, and there are two of these."""
PROCESSOR: Final = 120
"""Seconds of processor time that one mutant is given."""
NORMAL_95: Final = 1.959964
"""The quantile of the normal distribution for an interval of 95 %."""


@dataclass(frozen=True, slots=True)
class Check:
    """Something that a mutant is put to: why it fails, None where it does not.

    Of one that is known to take so many `seconds` it is not found out first which lines it runs: every mutant that quicker ones
    have not caught is put to it.
    """

    name: str
    run: Callable[[], str | None]
    seconds: float = 0.0


def checks_of(protocol: Protocol, runs: int = RUNS) -> list[Check]:
    """What holds a protocol to its model, in small parts."""

    def graph() -> str | None:
        done = covered(protocol, small=True)
        return None if done is None else done.failure or (", ".join(done.left_out) or None)

    def chaos(seed: int) -> Callable[[], str | None]:
        def run() -> str | None:
            done = simulated(protocol, seed, nodes=nodes_of(seed), claims_every=50)
            return f"{done.found}: {done.why}" if done.found else None

        return run

    def stress(seed: int) -> Callable[[], str | None]:
        def run() -> str | None:
            done = stressed(protocol, seed, nodes=nodes_of(seed), claims_every=50)
            return f"{done.found}: {done.why}" if done.found else None

        return run

    def hypothesis(seed: int) -> Callable[[], str | None]:
        def run() -> str | None:
            done = explore(protocol, examples=EXAMPLES, steps=50, with_seed=seed, shrink=False)
            return f"{done.found}: {done.why}" if done.found else None

        return run

    def by_itself(seed: int) -> Callable[[], str | None]:
        def run() -> str | None:
            done = alone(protocol, seed)
            return f"{done.found}: {done.why}" if done.found else None

        return run

    slow = runs_alone(protocol)  # beside what is quick
    return [
        *(Check(f"alone {seed}", by_itself(seed)) for seed in range(ALONE if runs_alone(protocol) else 0)),
        *(Check(f"chaos {seed}", chaos(seed), 0.1 * slow) for seed in range((runs + 3) // 4)),
        *(Check(f"stress {seed}", stress(seed), 0.3 * slow) for seed in range(runs)),
        *(Check(f"hypothesis {seed}", hypothesis(seed), 1.0 * slow) for seed in range(2)),
        Check("graph", graph, 1.5 * slow),
    ]


# Mistakes


@dataclass(frozen=True, slots=True)
class Planting:
    """A mistake in a function of a module; its name says neither line nor column, so that it lasts."""

    name: str
    module: str
    file: str
    mistake: Mistake
    mutation: Mutation = field(compare=False)

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return f"{self.file}:{self.mistake.line}"


def plantings(modules: Iterable[str]) -> list[Planting]:
    """Every mistake in the functions of these modules; texts, tables outside functions, and what is configured are left alone."""
    found = []
    for name in modules:
        module = import_module(name)
        source = getsource(module)
        tree = ast.parse(source)
        seen: Counter[str] = Counter()
        for mistake in mistakes(source):
            at, path = _function(tree, mistake)
            if at is None or path.endswith(("__str__", "__repr__", "__post_init__")):
                continue
            label = f"{path}: {mistake.what}"
            seen[label] += 1
            again = f" ({seen[label]})" if seen[label] > 1 else ""
            # The mistake, where it is counted from the function.
            function: Any = _node(tree, mistake.where[:at])
            mutated = changed(function, mistake.where[at:], mistake.new)
            short = name.rpartition(".")[2]
            found.append(
                Planting(
                    f"{short} {label}{again}",
                    name,
                    f"{name.removeprefix('ratified.').replace('.', '/')}.py",
                    mistake,
                    Mutation(label, f"{name}:{path}", mutated),
                )
            )
    return found


def _function(tree: ast.Module, mistake: Mistake) -> tuple[int | None, str]:
    """The outermost function that a mistake is in: how long the path to it is, and its name in the module."""
    names: list[str] = []
    for at in range(1, len(mistake.where) + 1):
        node = _node(tree, mistake.where[:at])
        if isinstance(node, ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.FunctionDef):
            return (at if at < len(mistake.where) else None), ".".join([*names, node.name])
    return None, ""


def _node(tree: ast.AST, where: Sequence[tuple[str, int | None]]) -> Any:
    node: Any = tree
    for name, i in where:
        node = getattr(node, name) if i is None else getattr(node, name)[i]
    return node


# Which lines a check runs


class Lines:
    """Notes which lines of some files are run, within a block; a function all of whose lines have been is watched no longer."""

    def __init__(self, files: Iterable[str]) -> None:
        self.run: dict[str, set[int]] = {file: set() for file in files}
        self._left: dict[Any, set[int]] = {}

    def _call(self, frame: FrameType, event: str, argument: object) -> Any:  # noqa: ARG002 - as settrace has it
        code = frame.f_code
        run = self.run.get(code.co_filename)
        if run is None:
            return None
        left = self._left.get(code)
        if left is None:
            left = self._left[code] = {line for *_, line in code.co_lines() if line is not None}
        if not left:
            return None
        left.discard(frame.f_lineno)
        run.add(frame.f_lineno)

        def line(frame: FrameType, event: str, argument: object) -> Any:  # noqa: ARG001 - likewise
            run.add(frame.f_lineno)
            left.discard(frame.f_lineno)
            return line

        return line

    def __enter__(self) -> Lines:
        sys.settrace(self._call)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)


# The sweep


@dataclass(frozen=True, slots=True)
class PlantingResult:
    """What came of a planting; `by` is the check that caught it, `why` what it found."""

    planting: Planting
    outcome: MutantOutcome
    by: str = ""
    why: str = ""
    explained: str = ""


@dataclass(frozen=True, slots=True)
class CoresSwept:
    """A protocol whose cores were swept: all `total` mistakes in them, or a sample."""

    protocol: str
    total: int
    fates: tuple[PlantingResult, ...]

    @property
    def killed(self) -> int:
        """How many were caught."""
        return sum(f.outcome.is_caught for f in self.fates)

    @property
    def explained(self) -> int:
        """How many were not, and are argued to be no mistakes."""
        return sum(bool(f.explained) and not f.outcome.is_caught for f in self.fates)

    @property
    def survivors(self) -> tuple[PlantingResult, ...]:
        """Those that were not caught, and for which nobody has argued."""
        return tuple(f for f in self.fates if not f.outcome.is_caught and not f.explained)

    @property
    def score(self) -> float:
        """The share that was caught of those not argued to be equivalent."""
        counted = len(self.fates) - self.explained
        return self.killed / counted if counted else 1.0

    @property
    def interval(self) -> tuple[float, float]:
        """Of a sample, where the share of all is, with 95 % confidence (Wilson, 1927), corrected for how much was looked at."""
        return wilson(self.killed, len(self.fates) - self.explained, len(self.fates) / max(1, self.total))

    @property
    def verdict(self) -> Verdict:
        """Violated if one survives; undecided of a sample in which none does."""
        if self.survivors:
            return Verdict.VIOLATED
        return Verdict.HOLDS if len(self.fates) == self.total and self.fates else Verdict.UNDECIDED


def wilson(successes: int, of: int, share: float = 0.0) -> tuple[float, float]:
    """Return the interval of Wilson for a share; of a finite number of things of which `share` was looked at, it is narrower."""
    if not of:
        return 0.0, 1.0
    z = NORMAL_95 * math.sqrt(max(0.0, 1.0 - share))
    p = successes / of
    middle = (p + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(slots=True)
class Memory:
    """What is remembered from one sweep to the next: it decides in which order checks are made, never what they say."""

    path: Path | None
    caught: dict[str, str] = field(default_factory=dict)
    lines: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path | None) -> Memory:
        """Read it; where there is none, or it cannot be read, begin anew."""
        if path is not None:
            with suppress(OSError, ValueError, KeyError, TypeError):
                kept = json.loads(path.read_text(encoding="utf-8"))
                return cls(path, dict(kept["caught"]), dict(kept["lines"]))
        return cls(path)

    def write(self) -> None:
        """Keep it. Where that cannot be, nothing is remembered."""
        if self.path is not None:
            with suppress(OSError):
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.path.write_text(
                    json.dumps({"caught": self.caught, "lines": self.lines}), encoding="utf-8"
                )


class Sweep:
    """The cores of a protocol, the mistakes in them, and the checks."""

    def __init__(
        self,
        protocol: Protocol,
        modules: Sequence[str],
        explained: Mapping[str, str],
        memory: Memory,
        checks: Sequence[Check] | None = None,
    ) -> None:
        self.protocol = protocol
        self.modules = modules
        self.explained = explained
        self.memory = memory
        self.plantings = plantings(modules)
        self.checks = {check.name: check for check in checks or checks_of(protocol)}
        self.kills: Counter[str] = Counter()
        self.near: dict[str, Counter[str]] = {}  # by function
        self.took: dict[str, float] = {}
        self.lines: dict[str, dict[str, frozenset[int]]] = {}
        self.unheld: set[str] = set()  # checks that were not made without a mistake

    def watch(self, told: Callable[[str], None] | None = None) -> None:
        """Make every quick check once without a mistake, and note which lines it runs. Raises ValueError if one fails."""
        files = {name: str(import_module(name).__file__) for name in self.modules}
        key = self._key()
        known = self.memory.lines if self.memory.lines.get("key") == key else {}
        self.memory.lines = {"key": key}
        for name, check in self.checks.items():
            if check.seconds:
                self.took[name] = check.seconds
                self.unheld.add(name)
                continue
            if name in known:
                took, run = known[name]
            else:
                if told is not None:
                    told(f"{name}, without a mistake")
                began = time.process_time()
                with Lines(files.values()) as lines:
                    why = check.run()
                if why is not None:
                    raise ValueError(f"{name}: {why}")
                took = time.process_time() - began
                run = {module: sorted(lines.run[file]) for module, file in files.items()}
            self.memory.lines[name] = (took, run)
            self.took[name] = took
            self.lines[name] = {module: frozenset(numbers) for module, numbers in run.items()}
        self.memory.write()

    def _key(self) -> str:
        """Of all that a check runs."""
        text = hashlib.sha256(sys.version.encode())
        for name in sorted(
            n for n in sys.modules if n.startswith(("ratified.conform", "ratified.impl", *self.modules))
        ):
            file = getattr(sys.modules[name], "__file__", None)
            if file is not None:
                text.update(Path(file).read_bytes())
        return text.hexdigest()

    def order(self, planting: Planting) -> list[str]:
        """Which checks run the line, in the order in which they are made."""
        lines = frozenset(planting.mistake.lines)
        reach = [
            name
            for name in self.checks
            if name not in self.lines or lines & self.lines[name].get(planting.module, frozenset())
        ]
        last = self.memory.caught.get(planting.name)
        near = self.near.get(planting.mutation.place, Counter())

        def rank(name: str) -> tuple[bool, int, float, float]:
            took = self.took[name]
            return name != last, -near[name], -self.kills[name] / (0.05 + took), took

        return sorted(reach, key=rank)

    def run(
        self,
        sample: int | None = None,
        seed: int = 0,
        jobs: int = 1,
        told: Callable[[int, int], None] | None = None,
        over: Callable[[], object] = lambda: None,
    ) -> CoresSwept:
        """Plant them all, or a sample that is drawn with a seed; once it is `over`, what is left is not looked at.

        Raises ValueError where a check that caught a mistake fails without one, too.
        """
        chosen = self.plantings
        if sample is not None and sample < len(chosen):
            at = sorted(Random(seed).sample(range(len(chosen)), sample))  # noqa: S311 - to repeat it, not to keep secrets
            chosen = [chosen[i] for i in at]
        # In an order of no meaning, so that a sweep that is ended early has looked at a sample.
        Random(seed).shuffle(chosen := list(chosen))  # noqa: S311 - likewise
        fates: dict[int, PlantingResult] = {}
        reached = []
        for i, planting in enumerate(chosen):
            if self.order(planting):
                reached.append(i)
            else:
                fates[i] = self._fate(planting, MutantOutcome.NOT_RUN)

        def work() -> Iterable[Callable[[], DrivingAnswer]]:
            for i in reached:
                if over():
                    return
                yield partial(self._put, chosen[i].mutation, self.order(chosen[i]))

        for number, answer in answers(work(), jobs, None):
            i = reached[number]
            fates[i] = self._heard(chosen[i], answer)
            if told is not None:
                told(len(fates), len(chosen))
        # If it was ended early: those up to the last that was begun, so that lines which are never run do not count more.
        looked = set(fates) if len(fates) == len(chosen) else set(range(max([*fates, -1]) + 1)) & set(fates)
        self.memory.write()
        done = sorted(
            (fates[i] for i in looked),
            key=lambda f: (f.planting.file, f.planting.mistake.line, f.planting.name),
        )
        return CoresSwept(self.protocol.name, len(self.plantings), tuple(done))

    def _put(self, mutation: Mutation, order: Sequence[str]) -> DrivingAnswer:
        """Put a mutant to checks until one fails; in a process of its own."""
        resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR, PROCESSOR + 5))
        signal.signal(signal.SIGXCPU, _spent)
        name = order[0]
        try:
            with planted(mutation.mutant()):
                for name in order:
                    why = self.checks[name].run()
                    if why is not None:
                        return DrivingAnswer(Verdict.VIOLATED.value, f"{name}\n{why}")
        except Exception as error:  # noqa: BLE001 - a mistake may raise anything, which is noticed
            return DrivingAnswer(Verdict.VIOLATED.value, f"{name}\n{type(error).__name__}: {error}")
        return DrivingAnswer(Verdict.HOLDS.value)

    def _heard(self, planting: Planting, answer: DrivingAnswer | MutantOutcome) -> PlantingResult:
        if isinstance(answer, MutantOutcome):
            return self._fate(planting, answer)
        if answer.verdict == Verdict.HOLDS.value:
            self.memory.caught.pop(planting.name, None)
            return self._fate(planting, MutantOutcome.SURVIVED)
        by, _, why = answer.why.partition("\n")
        if by in self.unheld:
            self.unheld.discard(by)
            if (spoilt := self.checks[by].run()) is not None:
                raise ValueError(f"{by}: {spoilt}")
        self.kills[by] += 1
        self.near.setdefault(planting.mutation.place, Counter())[by] += 1
        self.memory.caught[planting.name] = by
        return self._fate(planting, MutantOutcome.CAUGHT, by, why)

    def _fate(
        self, planting: Planting, outcome: MutantOutcome, by: str = "", why: str = ""
    ) -> PlantingResult:
        return PlantingResult(planting, outcome, by, why, self.explained.get(planting.name, ""))


def _spent(*_: object) -> None:
    raise EndlessError(f"{PROCESSOR} s of processor time")
