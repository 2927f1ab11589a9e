"""Mistakes planted into a module, one at a time, each put to a driver: what the driving notices, and what it does not.

Every comparison, sum, constant, condition and statement of the module, and every call's first two arguments, is mistaken in turn
(`ratified.conform.operators`). Each mutant is driven in a process of its own, which never sees another one's.

Guarantees: the same module gives the same mutants in the same order; a mutant is caught only where the module as it is holds and
the mutant does not, ends, or gives no answer in time. A line that is never run while the module is driven is told as such.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import importlib.machinery
import json
import os
import selectors
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from random import Random
from types import CodeType, FrameType
from typing import Any, Final

from ratified.conform.operators import (
    DROPPED,
    Where,
    changed,
    count_turns,
    instead,
    is_text,
    text,
    turn_counter,
)
from ratified.language.errors import RatifiedError
from ratified.results.result import Verdict

TURNS_MOST: Final = 1_000_000
"""Turns of a loop in the function that has the mistake, in one call, after which it is taken not to end."""
LEAST_WITHIN: Final = 10.0
TIMES_WITHIN: Final = 20
"""A mutant is given so many times what the module took as it is."""

SKIPPED_FIELDS: Final = frozenset({"annotation", "returns", "args", "decorator_list", "type_params"})
SKIPPED_NAMES: Final = frozenset({"__all__", "__slots__", "TYPE_CHECKING", "__name__"})
SKIPPED: Final = (ast.Import, ast.ImportFrom, ast.JoinedStr, ast.Global, ast.Nonlocal)
TURNS: Final = "_ratified_turns"


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake: where in the tree, what stands there instead, and how one says it. Lines count from 1."""

    where: Where
    new: ast.AST = field(compare=False)
    what: str
    line: int
    lines: range
    """Those of the statement, of which at least one is run if it is."""


class MutantOutcome(Enum):
    """What came of a mutant."""

    CAUGHT = "caught"
    ENDED = "ended"
    SLOW = "no answer in time"
    SURVIVED = "survived"
    NOT_RUN = "never run"

    @property
    def is_caught(self) -> bool:
        """Whether it was noticed."""
        return self in (MutantOutcome.CAUGHT, MutantOutcome.ENDED, MutantOutcome.SLOW)


@dataclass(frozen=True, slots=True)
class Tried:
    """A mistake and what came of it; `by` says what was noticed."""

    mistake: Mistake
    outcome: MutantOutcome
    by: str = ""


@dataclass(frozen=True, slots=True)
class DrivingAnswer:
    """What a process says of a driving: its verdict, what went wrong; where it was watched, the lines that were run, too.

    `modules` are those of the workbench that it took.
    """

    verdict: str
    why: str = ""
    lines: tuple[int, ...] = ()
    modules: tuple[str, ...] = ()


def mistakes(source: str) -> list[Mistake]:
    """Every mistake that there is a rule for, in the order of the source."""
    found: list[Mistake] = []
    for where, node, lines in _nodes(ast.parse(source)):
        line = getattr(node, "lineno", lines.start)
        for new in (*instead(node), *_swapped(node)):
            before, after = text(node), text(new)
            if before != after:
                found.append(Mistake(where, new, f"{before} becomes {after}", line, lines))
        if isinstance(node, DROPPED):
            found.append(Mistake(where, ast.Pass(), f"without {text(node)}", line, lines))
    return found


def _swapped(node: ast.AST) -> Iterator[ast.AST]:
    """A call whose first two arguments have changed places; a number with a fraction that is another one."""
    if isinstance(node, ast.Call) and len(node.args) > 1 and not _is_symmetric(node.func):
        first, second = node.args[:2]
        if not isinstance(first, ast.Starred) and not isinstance(second, ast.Starred):
            new = deepcopy(node)
            new.args[:2] = new.args[1::-1]
            yield new
    if isinstance(node, ast.Constant) and isinstance(node.value, float):
        yield ast.Constant(node.value + 1.0)


def _is_symmetric(function: ast.expr) -> bool:
    """Of several numbers the largest is the same in any order."""
    return isinstance(function, ast.Name) and function.id in ("max", "min")


def _nodes(tree: ast.Module) -> Iterator[tuple[Where, ast.AST, range]]:
    """The nodes that can be mistaken, the outer before the inner, with the lines of their statements."""

    def within(node: ast.AST, where: Where, lines: range) -> Iterator[tuple[Where, ast.AST, range]]:
        if isinstance(node, SKIPPED) or _is_left_alone(node):
            return
        if isinstance(node, ast.stmt):
            lines = _lines(node)
        yield where, node, lines
        if isinstance(node, ast.Raise):
            return  # what errors say is no behaviour
        for name, value in ast.iter_fields(node):
            if name in SKIPPED_FIELDS and not isinstance(node, ast.Call):
                continue
            if isinstance(value, ast.AST):
                yield from within(value, (*where, (name, None)), lines)
            elif isinstance(value, list):
                for i, item in enumerate(value):
                    documents = name == "body" and i == 0 and isinstance(item, ast.stmt) and is_text(item)
                    if isinstance(item, ast.AST) and not documents:
                        yield from within(item, (*where, (name, i)), lines)

    for where, node, lines in within(tree, (), range(1, 2)):
        if where:
            yield where, node, lines


def _is_left_alone(node: ast.AST) -> bool:
    """A statement that is about the module, not about what it does."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name in SKIPPED_NAMES or (isinstance(node, ast.AnnAssign) and node.value is None)
        case ast.If(test=test):
            return any(isinstance(n, ast.Name) and n.id in SKIPPED_NAMES for n in ast.walk(test))
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _lines(node: ast.stmt) -> range:
    """The lines of a statement; of one that has others, those before them."""
    body = getattr(node, "body", None)
    end = node.end_lineno or node.lineno
    if isinstance(body, list) and body:
        end = max(node.lineno, body[0].lineno - 1)
    return range(node.lineno, end + 1)


def planted(source: str, mistake: Mistake, file: str) -> CodeType:
    """The module with a mistake, compiled."""
    tree: Any = changed(ast.parse(source), mistake.where, mistake.new)
    node, function = tree, None
    for name, i in mistake.where:
        node = getattr(node, name) if i is None else getattr(node, name)[i]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function = node
    if function is not None:
        count_turns(function, TURNS)
    code: CodeType = compile(ast.fix_missing_locations(tree), file, "exec", dont_inherit=True)
    return code


class _Loader(importlib.machinery.SourceFileLoader):
    """Loads one module from code that is given."""

    code: CodeType

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - as importlib has it
        return self.code

    def exec_module(self, module: Any) -> None:
        module.__dict__[TURNS] = turn_counter(TURNS_MOST)
        super().exec_module(module)


class _MutantFinder:
    """Finds one file before anybody else does, and has it loaded from other code."""

    def __init__(self, file: Path, code: CodeType) -> None:
        self.file, self.code, self.found = file, code, False

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """See importlib."""
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or spec.origin is None or Path(spec.origin).resolve() != self.file:
            return None
        self.found = True
        loader = _Loader(name, spec.origin)
        loader.code = self.code
        spec.loader = loader
        return spec


@dataclass(frozen=True, slots=True)
class Swept:
    """A module that was swept."""

    module: Path
    source: str
    tried: tuple[Tried, ...]
    within: float
    drawn_of: int | None = None
    """Of how many mistakes, in lines that are run, those that were tried were drawn; None if all were tried."""

    @property
    def caught(self) -> int:
        """How many mistakes were noticed."""
        return sum(t.outcome.is_caught for t in self.tried)

    @property
    def survivors(self) -> tuple[Tried, ...]:
        """Those that were not."""
        return tuple(t for t in self.tried if not t.outcome.is_caught)

    @property
    def verdict(self) -> Verdict:
        """Violated if one survives; undecided if there was nothing to plant, or not everything was."""
        if self.survivors:
            return Verdict.VIOLATED
        drawn = self.drawn_of is not None and self.drawn_of > len(self.tried)
        return Verdict.UNDECIDED if drawn or not self.tried else Verdict.HOLDS


def sweep(
    module: Path,
    run: Callable[[], DrivingAnswer],
    *,
    jobs: int = 1,
    within: float | None = None,
    sample: int | None = None,
    seed: int = 0,
    told: Callable[[int, int], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Swept:
    """Plant every mistake into a module. `run` imports what it needs, drives, and answers; it is called in other processes.

    `within` is how many seconds a mutant is given: by default 20 times what the module takes, and at least 10. `sample`: only so
    many, drawn from `seed` among those in lines that are run.

    Raises RatifiedError where the module cannot be read, or is not what `run` imports; or where it does not hold as it is.
    """
    file, source, code = _read(module)
    began = clock()
    asis = next(answers([lambda: _watched(file, code, run)], 1, None))[1]
    if isinstance(asis, MutantOutcome) or asis.verdict != Verdict.HOLDS.value:
        why = "it ends the process" if isinstance(asis, MutantOutcome) else asis.why
        raise RatifiedError(f"{module} cannot be swept: without a mistake it does not pass\n{why}")
    if not asis.lines:
        raise RatifiedError(
            f"{module} is not driven: the driver does not import it",
            remedy="the system is a module of its own, which the driver imports",
        )
    limit = within if within is not None else max(LEAST_WITHIN, TIMES_WITHIN * (clock() - began))
    for name in asis.modules:
        importlib.import_module(name)  # here once, instead of in the process of each mutant
    every = mistakes(source)
    lines = set(asis.lines)
    tried: dict[int, Tried] = {
        n: Tried(m, MutantOutcome.NOT_RUN) for n, m in enumerate(every) if not lines.intersection(m.lines)
    }
    rest = [n for n in range(len(every)) if n not in tried]
    drawn_of = None if sample is None else len(rest)
    if sample is not None:
        tried = {}
        rest = sorted(Random(seed).sample(rest, min(sample, len(rest))))  # noqa: S311 - no secret
    work = [lambda n=n: _driven(file, planted(source, every[n], str(file)), run) for n in rest]
    for at, answer in answers(work, jobs, limit, clock):
        mistake = every[rest[at]]
        tried[rest[at]] = _judged(mistake, answer, limit)
        if told is not None:
            told(len(tried), len(every) if sample is None else len(rest))
    return Swept(module, source, tuple(tried[n] for n in sorted(tried)), limit, drawn_of)


def _judged(mistake: Mistake, answer: DrivingAnswer | MutantOutcome, limit: float) -> Tried:
    if answer is MutantOutcome.SLOW:
        return Tried(mistake, MutantOutcome.SLOW, f"no answer within {limit:.0f} s")
    if isinstance(answer, MutantOutcome):
        return Tried(mistake, answer, "the process ends")
    if answer.verdict == Verdict.HOLDS.value:
        return Tried(mistake, MutantOutcome.SURVIVED)
    if answer.verdict == Verdict.UNDECIDED.value:
        return Tried(mistake, MutantOutcome.SURVIVED, answer.why)
    return Tried(mistake, MutantOutcome.CAUGHT, answer.why)


def _read(module: Path) -> tuple[Path, str, CodeType]:
    try:
        source = module.read_text(encoding="utf-8")
        return module.resolve(), source, compile(source, str(module.resolve()), "exec", dont_inherit=True)
    except OSError as error:
        raise RatifiedError(f"{module} cannot be read: {error.strerror}") from None
    except (SyntaxError, UnicodeDecodeError) as error:
        raise RatifiedError(f"{module} is not Python source: {error}") from None


# --- in another process ---


def _driven(file: Path, code: CodeType, run: Callable[[], DrivingAnswer]) -> DrivingAnswer:
    """Drive with a module's code in place of its own."""
    finder = _MutantFinder(file, code)
    sys.meta_path.insert(0, finder)
    for name, module in list(sys.modules.items()):
        if getattr(module, "__file__", None) == str(file):
            del sys.modules[name]
    return run()


def _watched(file: Path, code: CodeType, run: Callable[[], DrivingAnswer]) -> DrivingAnswer:
    """The same for the module as it is, with the lines that are run."""
    lines: set[int] = set()
    name = str(file)

    def local(frame: FrameType, event: str, argument: object) -> Any:  # noqa: ARG001 - as settrace has it
        lines.add(frame.f_lineno)
        return local

    def trace(frame: FrameType, event: str, argument: object) -> Any:  # noqa: ARG001 - likewise
        if frame.f_code.co_filename != name:
            return None
        lines.add(frame.f_lineno)
        return local

    threading.settrace(trace)
    sys.settrace(trace)
    try:
        answer = _driven(file, code, run)
    finally:
        sys.settrace(None)
        threading.settrace(None)
    return DrivingAnswer(answer.verdict, answer.why, tuple(sorted(lines)), _of_the_workbench(file))


def _of_the_workbench(file: Path) -> tuple[str, ...]:
    """Modules of the workbench that are loaded; none where mistakes are planted into one of them."""
    found = {n: m for n, m in sys.modules.items() if n.startswith("ratified.")}
    planted_into = str(file) in {os.path.realpath(getattr(m, "__file__", None) or "") for m in found.values()}
    return () if planted_into else tuple(found)


@dataclass(slots=True)
class _Process:
    """A process that works on one thing."""

    number: int
    pid: int
    until: float | None
    data: bytes = b""


def answers(
    work: Iterable[Callable[[], DrivingAnswer]],
    jobs: int,
    within: float | None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[tuple[int, DrivingAnswer | MutantOutcome]]:
    """What comes of each, in processes of their own, so many at a time; none is left when this ends, however it does."""
    waiting = selectors.DefaultSelector()
    running: dict[int, _Process] = {}
    todo = iter(enumerate(work))
    try:
        while True:
            for number, task in _some(todo, jobs - len(running)):
                fd, pid = _forked(task)
                until = None if within is None else clock() + within
                running[fd] = _Process(number, pid, until)
                waiting.register(fd, selectors.EVENT_READ)
            if not running:
                return
            limits = [p.until for p in running.values() if p.until is not None]
            ready = waiting.select(max(0.0, min(limits) - clock()) if limits else None)
            for key, _ in ready:
                process = running[key.fd]
                data = os.read(key.fd, 1 << 16)
                process.data += data
                if not data:
                    yield _finished(waiting, running, key.fd, slow=False)
            for fd, process in list(running.items()):
                if process.until is not None and clock() > process.until:
                    yield _finished(waiting, running, fd, slow=True)
    finally:
        for fd in list(running):
            _finished(waiting, running, fd, slow=True)
        waiting.close()


def _some(todo: Iterable[Any], count: int) -> Iterator[Any]:
    for _, item in zip(range(count), todo, strict=False):
        yield item


def _finished(
    waiting: selectors.BaseSelector, running: dict[int, _Process], fd: int, *, slow: bool
) -> tuple[int, DrivingAnswer | MutantOutcome]:
    """End a process, and all that it started, and say what came of it."""
    process = running.pop(fd)
    waiting.unregister(fd)
    os.close(fd)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(process.pid, 0)
    if slow:
        return process.number, MutantOutcome.SLOW
    try:
        said = json.loads(process.data)
    except ValueError:
        return process.number, MutantOutcome.ENDED
    return process.number, DrivingAnswer(
        **{**said, "lines": tuple(said["lines"]), "modules": tuple(said["modules"])}
    )


def _forked(task: Callable[[], DrivingAnswer]) -> tuple[int, int]:
    """Start a process that works on something: what it will write its answer to, and its number."""
    sys.stdout.flush()
    sys.stderr.flush()
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write)
        return read, pid
    status = 1
    try:
        os.setsid()
        os.close(read)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(nowhere, fd)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        answer = _answered(task)
        with os.fdopen(write, "w", encoding="utf-8") as file:
            json.dump({name: getattr(answer, name) for name in DrivingAnswer.__slots__}, file)
        status = 0
    finally:
        os._exit(status)


def _answered(task: Callable[[], DrivingAnswer]) -> DrivingAnswer:
    try:
        return task()
    except RatifiedError as error:
        return DrivingAnswer(Verdict.VIOLATED.value, str(error))
    except Exception as error:  # noqa: BLE001 - a mistake may raise anything, which is noticed
        return DrivingAnswer(Verdict.VIOLATED.value, f"{type(error).__name__}: {error}")


def counted(tried: Iterable[Tried]) -> Counter[MutantOutcome]:
    """How many came to what."""
    return Counter(t.outcome for t in tried)
