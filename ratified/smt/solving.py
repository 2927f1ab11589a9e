"""Solvers at work: scripts are answered in parallel processes, each within a time limit.

Guarantees: an answer is `unsat`, `sat` or `unknown`, and whatever is not one of the first two is `unknown`, with the reason; a
solver that overruns its limit is ended; no process outlives the pool.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import selectors
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from types import TracebackType
from typing import IO, Any

from ratified.extras import install
from ratified.language.errors import RatifiedError

SOLVERS = {"z3": "z3-solver", "cvc5": "cvc5"}
"""The solvers of formulas, and the packages they come in."""

PACKAGES = {**SOLVERS, "pysat": "python-sat"}

GRACE = 2.0
"""Seconds by which a solver may overrun its limit before its process is ended."""


@dataclass(frozen=True, slots=True)
class Job:
    """A script for a solver. `key` is the asker's own.

    `effort` is a limit in the solver's own steps, which come out the same on a busy machine (0: none).
    """

    key: object
    solver: str
    text: str
    seconds: float
    effort: int = 0


@dataclass(frozen=True, slots=True)
class SolverAnswer:
    """What a solver said: `verdict` is unsat, sat or unknown, `rest` what came after it (values, or why it does not know)."""

    job: Job
    verdict: str
    rest: str
    seconds: float


def needs(solver: str) -> None:
    """Raise RatifiedError unless the solver is there."""
    if solver not in SOLVERS:
        raise RatifiedError(f"there is no solver {solver!r}", remedy=f"choose one of {', '.join(SOLVERS)}")
    installed(solver)


def installed(module: str) -> None:
    """Raise RatifiedError unless what a solver comes in can be imported."""
    if find_spec(module) is None:
        raise RatifiedError(f"proofs need the package {PACKAGES[module]}", remedy=install("prove"))


class _Worker:
    def __init__(self, solvers: tuple[str, ...]) -> None:
        command = [sys.executable, "-m", "ratified.smt.worker", *solvers]
        self.process = subprocess.Popen(  # noqa: S603  # our own module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.job: Job | None = None
        self.begun = 0.0
        self.deadline = 0.0
        self.ready = False

    @property
    def output(self) -> IO[str]:
        assert self.process.stdout
        return self.process.stdout

    def give(self, job: Job) -> None:
        self.job = job
        self.begun = time.monotonic()
        self.deadline = self.begun + job.seconds + GRACE
        assert self.process.stdin
        with contextlib.suppress(BrokenPipeError):
            told = {"solver": job.solver, "text": job.text, "seconds": job.seconds, "effort": job.effort}
            self.process.stdin.write(json.dumps(told) + "\n")
            self.process.stdin.flush()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()


class Pool:
    """A few solver processes. Used as a context manager; `run` gives jobs and takes answers until there are none."""

    def __init__(self, processes: int | None = None, solvers: tuple[str, ...] = ("z3",)) -> None:
        for solver in solvers:
            needs(solver)
        self._solvers = solvers
        self._most = processes or os.cpu_count() or 1
        self._workers: list[_Worker] = []
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.end()
        self._selector.close()

    def run(
        self,
        jobs: list[Job],
        done: Callable[[SolverAnswer], list[Job]],
        waiting: Callable[[int], None] | None = None,
    ) -> None:
        """Answer the jobs in order of asking; `done` is told each answer and may give more jobs, which come first.

        `waiting` is called about five times a second with the number of jobs that are still open.
        """
        queue = deque(jobs)
        while len(self._workers) < min(self._most, len(queue)):
            self._start()
        running = 0
        while queue or running:
            for worker in self._workers:
                if worker.job is None and worker.ready and queue:
                    worker.give(queue.popleft())
                    running += 1
            for answer in self._finished():
                running -= 1
                queue.extendleft(reversed(done(answer)))
                while len(self._workers) < min(self._most, len(queue)):
                    self._start()
            if waiting:
                waiting(running + len(queue))

    def _start(self) -> None:
        worker = _Worker(self._solvers)
        self._workers.append(worker)
        self._selector.register(worker.output, selectors.EVENT_READ, worker)

    def _finished(self) -> list[SolverAnswer]:
        answers = []
        for key, _ in self._selector.select(0.2):
            worker: _Worker = key.data
            line = worker.output.readline()
            if not line:
                answers += self._lost(worker, "the solver's process ended")
            elif not worker.ready:
                worker.ready = True
            else:
                answers += self._heard(worker, json.loads(line))
        now = time.monotonic()
        for worker in list(self._workers):
            if worker.job is not None and now > worker.deadline:
                answers += self._lost(worker, "timeout")
        return answers

    def _heard(self, worker: _Worker, told: dict[str, Any]) -> list[SolverAnswer]:
        job, worker.job = worker.job, None
        assert job
        said, seconds = told["said"].strip(), told["seconds"]
        found = re.match(r"(unsat|sat|unknown)\b", said)
        verdict = found[1] if found else "unknown"
        rest = said[found.end() :].strip() if found else said
        if verdict == "unknown" and not rest and seconds > 0.9 * job.seconds:
            rest = "timeout"
        return [SolverAnswer(job, verdict, rest, seconds)]

    def _lost(self, worker: _Worker, why: str) -> list[SolverAnswer]:
        self._selector.unregister(worker.output)
        self._workers.remove(worker)
        worker.end()
        if worker.job is None:
            raise RatifiedError(f"a solver's process cannot be started: {why}")
        self._start()
        return [SolverAnswer(worker.job, "unknown", why, time.monotonic() - worker.begun)]


def read_values(text: str) -> list[tuple[Any, Any]]:
    """The pairs of a `get-value` answer as nested lists of words."""
    tokens = re.findall(r"\(|\)|\|[^|]*\||[^\s()]+", text)
    stack: list[list[Any]] = [[]]
    for token in tokens:
        if token == "(":  # noqa: S105  # a parenthesis
            stack.append([])
        elif token == ")":  # noqa: S105  # a parenthesis
            closed = stack.pop()
            stack[-1].append(closed)
        else:
            stack[-1].append(token)
    pairs = stack[0][0] if stack[0] else []
    return [(left, right) for left, right in pairs]
