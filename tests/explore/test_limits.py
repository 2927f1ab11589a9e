"""Limits hold wherever an exploration is: in the middle of one state, among initial states, in code generation, in the compiler.

Nothing here waits for a clock: what counts time is replaced by a counter of looks at it, or there is no time from the start.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest

from ratified.cli.report.checks import Checked, Report
from ratified.cli.report.text import text
from ratified.explore import check, engines
from ratified.explore.native import compile as compiling
from ratified.explore.native import engine as engine_module
from ratified.explore.native.codegen import program
from ratified.explore.native.codegen.shapes import Unsupported
from ratified.explore.native.compile import CompilerTooLarge, compile_text
from ratified.explore.native.driver import in_background
from ratified.explore.native.engine import check_native
from ratified.explore.native.preparing import BuildRequest, Preparation
from ratified.explore.simulate import simulate
from ratified.language import Map, Model, Range, RatifiedError, action, invariant, require
from ratified.results import limits as limits_module
from ratified.results.background import CLEANING_UP, STARTING, Background
from ratified.results.limits import LimitWatch, Reached, memory_share, resident
from ratified.results.result import Limits, Progress, Verdict
from tests.shared.sorts import Node

Million = Annotated[int, Range(0, 999_999)]
Thousand = Annotated[int, Range(0, 999)]


class Leap(Model):
    """From one state into a million."""

    x: Million

    @action
    def leap(self, high: Thousand, low: Thousand) -> None:
        self.x = 1000 * high + low

    @invariant
    def fine(self) -> bool:
        return self.x >= 0


class Everywhere(Model):
    """A million initial states."""

    x: Million

    def init(self, high: Thousand, low: Thousand) -> None:
        self.x = 1000 * high + low

    @action
    def stay(self) -> None:
        self.x = self.x

    @invariant
    def fine(self) -> bool:
        return self.x >= 0


class Barred(Model):
    """Choices without end, of which none is possible."""

    up: Map[Node, bool]

    @action
    def rise(self, a: Node, b: Node, c: Node, d: Node) -> None:
        require(self.up[a] and self.up[b] and self.up[c] and self.up[d])
        self.up[a] = False

    @invariant
    def fine(self) -> bool:
        return True


class Grown(Model):
    """More states than `auto` leaves to the reference engine."""

    x: Annotated[int, Range(0, 1999)]

    @action
    def step(self) -> None:
        require(self.x < 1999)
        self.x += 1

    @invariant
    def fine(self) -> bool:
        return self.x < 2000


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Every look at the clock of a watch is a millisecond later, from so many looks on a day."""

    def after(looks: int) -> None:
        began = time.perf_counter()  # of whatever: a watch may have begun before
        clock = (began + (n / 1000 if n < looks else 86_400) for n in itertools.count())
        monkeypatch.setattr(time, "perf_counter", lambda: next(clock))

    return after


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RATIFIED_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("model", [Leap(), Everywhere()], ids=repr)
@pytest.mark.parametrize("engine", ["auto", "reference"])
def test_states_are_counted_while_one_is_expanded(model: Model, engine: str) -> None:
    found = check(model, limits=Limits(states=100), engine=engine)
    assert (found.verdict, found.stopped) == (Verdict.UNDECIDED, "the limit of 100 states")
    assert (found.distinct, found.generated <= 102) == (100, True)


@pytest.mark.parametrize("model", [Leap(), Everywhere()], ids=repr)
def test_the_native_engine_stops_in_the_middle_of_a_state(model: Model) -> None:
    found = check(model, limits=Limits(states=5_000), engine="native")
    assert (found.verdict, found.stopped) == (Verdict.UNDECIDED, "the limit of 5,000 states")
    assert 5_000 <= found.distinct < 50_000


@pytest.mark.parametrize("model", [Leap(), Everywhere(), Barred(Node=200)], ids=repr)
def test_time_runs_out_in_the_middle_of_a_state(model: Model, ticking: Callable[[int], None]) -> None:
    """200**4 choices, one after the other, would take a quarter of an hour."""
    ticking(40)
    found = check(model, limits=Limits(seconds=60), engine="reference")
    assert (found.verdict, found.stopped) == (Verdict.UNDECIDED, "the time limit of 60 s")
    assert found.distinct < 1000


@pytest.mark.parametrize("model", [Leap(), Everywhere(), Barred(Node=200)], ids=repr)
def test_a_walk_ends_in_the_middle_of_a_state(model: Model, ticking: Callable[[int], None]) -> None:
    """To draw one step of a million, all of them are made."""
    ticking(40)
    walked = simulate(model, runs=2, length=3, limits=Limits(seconds=60))
    assert (walked.verdict, walked.stopped) == (Verdict.UNDECIDED, "the time limit of 60 s")
    assert (walked.steps, len(walked.first)) == (0, 1)


class Endless(Model):
    n: Annotated[int, Range(0, 9)]

    @action
    def up(self) -> None:
        require(self.n < 9)
        self.n += 1

    @invariant
    def counted(self) -> bool:
        return self.n == 0 or sum(1 for i in range(99_999) for j in range(99_999) if i < j) > 0


def test_time_runs_out_in_the_middle_of_a_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits_module, "PATIENCE", 0.0)
    limits = Limits(seconds=0.05)
    found = check(Endless(), limits=limits, engine="reference")
    assert (found.verdict, found.stopped) == (Verdict.UNDECIDED, "the time limit of 0.05 s")
    assert simulate(Endless(), runs=1, limits=limits).stopped == "the time limit of 0.05 s"


class Unlikely(Model):
    """None of a million choices is an initial state."""

    x: Million

    def init(self, high: Thousand, low: Thousand) -> None:
        require(high + low < 0)
        self.x = 0

    @invariant
    def fine(self) -> bool:
        return True


def test_a_limit_before_there_is_an_initial_state(ticking: Callable[[int], None]) -> None:
    ticking(40)
    with pytest.raises(RatifiedError) as caught:
        simulate(Unlikely(), limits=Limits(seconds=60))
    assert str(caught.value) == (
        "there was no initial state within the time limit of 60 s\n  set a larger limit"
    )


def test_a_state_that_was_cut_short_has_no_number_of_successors() -> None:
    found = check(Leap(), limits=Limits(states=100), engine="reference")
    told = text(Report((Checked("leap", found),)))
    assert "successors  unknown\n" in told


def test_an_average_is_between_the_least_and_the_greatest() -> None:
    """The steps of a state that a limit cuts short are counted, and the state is not."""
    found = check(Leap(), limits=Limits(states=5_000), engine="native")
    least, mean, greatest = found.out_degree
    assert least <= mean <= greatest


def test_an_interrupt_in_the_middle_of_a_state() -> None:
    def interrupt(_: Progress) -> None:
        raise KeyboardInterrupt

    found = check(Barred(Node=60), engine="reference", progress=interrupt)
    assert (found.verdict, found.stopped, found.distinct) == (Verdict.UNDECIDED, "interrupted", 1)


def test_there_is_always_a_limit_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits_module, "memory_share", lambda: 1_000)
    found = check(Leap(), engine="reference")
    assert found.verdict is Verdict.UNDECIDED
    assert found.stopped == (
        "the memory limit of 1,000 bytes, the default on this machine (--memory sets another)"
    )
    assert found.distinct >= 1


def test_there_is_a_limit_of_memory_for_the_native_engine_too(monkeypatch: pytest.MonkeyPatch) -> None:
    program = Preparation(BuildRequest(Leap()), LimitWatch())
    assert program.wait(None)
    monkeypatch.setattr(limits_module, "memory_share", lambda: 1_000)
    monkeypatch.setattr(engine_module, "LEAST", 26 * 2**20)  # of which 16 are counters of a million instances
    found = check_native(Leap(), preparation=program, threads=1)
    assert found.verdict is Verdict.UNDECIDED
    assert (found.stopped or "").startswith("the memory limit of 1,000 bytes, the default on this machine")
    assert 0 < found.distinct < 1_000_000
    walked = simulate(Leap(), runs=1, length=1)
    assert (walked.stopped or "").startswith("the memory limit of 1,000 bytes")


def test_the_share_is_of_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resident() < memory_share()
    monkeypatch.setattr(limits_module, "_there", lambda: iter([4_000_000, 1_000_000]))
    assert memory_share() == 750_000


def test_control_groups_are_heeded(tmp_path: Path) -> None:
    inner = tmp_path / "slice" / "job"
    inner.mkdir(parents=True)
    (tmp_path / "slice" / "memory.max").write_text("5000\n")
    (inner / "memory.max").write_text("max\n")
    assert list(limits_module._groups(tmp_path, "/slice/job", "memory.max")) == [5000]
    (tmp_path / "memory.max").write_text("7000\n")
    assert list(limits_module._groups(tmp_path, "/not/here", "memory.max")) == [7000]


def test_memory_that_the_system_refuses_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: LimitWatch) -> None:
        raise MemoryError

    monkeypatch.setattr(LimitWatch, "tick", full)
    found = check(Leap(), engine="reference")
    assert (found.verdict, found.stopped) == (
        Verdict.UNDECIDED,
        "the memory that the system gives this process",
    )


# --- making the program ---


@pytest.mark.usefixtures("cache")
def test_code_generation_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, ended = threading.Event(), threading.Event()

    def without_end(*_: object, **__: object) -> None:
        begun.set()
        try:
            for _n in itertools.count():
                pass
        finally:
            ended.set()

    monkeypatch.setattr(program, "generate", without_end)

    def interrupt(progress: Progress) -> None:
        assert progress.doing == "generating C"
        if begun.is_set():
            raise KeyboardInterrupt

    found = check_native(Grown(), progress=interrupt)
    assert (found.verdict, found.stopped, found.distinct) == (Verdict.UNDECIDED, "interrupted", 0)
    assert found.notes == ("the model was still being compiled",)
    assert ended.is_set()
    timed_out = check_native(Grown(), limits=Limits(seconds=0))
    assert timed_out.stopped == "the time limit of 0 s"
    assert [p.verdict for p in timed_out.properties] == [Verdict.UNDECIDED]


@pytest.fixture
def slow_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A compiler that says who it is, and never ends."""
    log = tmp_path / "log"
    os.mkfifo(tmp_path / "never")
    script = tmp_path / "cc"
    script.write_text(
        f"#!/bin/sh\necho $$ $TMPDIR > {log}.new\nmv {log}.new {log}\nread line < {tmp_path}/never\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("CC", str(script))
    return log


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.usefixtures("cache")
def test_a_compiler_is_ended_with_all_that_it_left(slow_compiler: Path) -> None:
    told: list[str | None] = []

    def interrupt(progress: Progress) -> None:
        told.append(progress.doing)
        if slow_compiler.exists():
            raise KeyboardInterrupt

    found = check_native(Grown(), progress=interrupt)
    assert (found.verdict, found.stopped) == (Verdict.UNDECIDED, "interrupted")
    assert told[-1] == "compiling C"
    pid, folder = slow_compiler.read_text().split()
    assert not running(int(pid))
    assert not Path(folder).exists()


@pytest.mark.usefixtures("cache")
def test_auto_goes_on_with_the_reference_engine_while_it_compiles(
    slow_compiler: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "PATIENCE", 0.0)
    found = check(Grown())
    assert (found.engine, found.verdict, found.distinct) == ("reference", Verdict.HOLDS, 2_000)
    assert "the native engine was not used: compiling it took too long" in found.notes
    if slow_compiler.exists():
        assert not running(int(slow_compiler.read_text().split()[0]))


@pytest.mark.usefixtures("cache")
def test_auto_changes_over_when_the_program_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "PATIENCE", 0.0)
    monkeypatch.setattr(engines, "SOON", 1)
    over = Background.over
    monkeypatch.setattr(
        Background, "over", lambda self, _: over(self, 20.0)
    )  # the reference engine lets it be first
    found = check(Grown())
    assert (found.engine, found.verdict, found.distinct, found.notes) == ("native", Verdict.HOLDS, 2_000, ())


@pytest.mark.usefixtures("cache")
def test_auto_compiles_what_takes_long_however_few_its_states_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "LONG", 0.0)
    monkeypatch.setattr(engines, "SOON", 2_001)
    over = Background.over
    monkeypatch.setattr(Background, "over", lambda self, _: over(self, 20.0))
    found = check(Grown())
    assert (found.engine, found.verdict, found.distinct, found.notes) == ("native", Verdict.HOLDS, 2_000, ())


@pytest.mark.usefixtures("cache")
def test_what_auto_compiles_is_ended_when_the_reference_engine_is_done(
    slow_compiler: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "LONG", 0.0)
    monkeypatch.setattr(engines, "SOON", 2_001)
    found = check(Grown())
    assert (found.engine, found.verdict, found.distinct, found.notes) == (
        "reference",
        Verdict.HOLDS,
        2_000,
        (),
    )
    assert not [thread for thread in threading.enumerate() if thread.name == "preparing"]
    if slow_compiler.exists():
        assert not running(int(slow_compiler.read_text().split()[0]))


@pytest.mark.usefixtures("cache")
def test_a_compiler_is_not_ended_halfway_through_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is being made there is ended from another thread, and would leave a process that nobody knows."""
    protected: list[bool] = []

    class Started(subprocess.Popen[str]):
        def __init__(self, *words: Any, **options: Any) -> None:
            protected.append(STARTING.locked())
            super().__init__(*words, **options)

    monkeypatch.setattr(subprocess, "Popen", Started)
    assert check(Grown(), engine="native").distinct == 2_000
    assert set(protected) == {True}
    assert not STARTING.locked()


@pytest.mark.usefixtures("cache", "slow_compiler")
def test_auto_that_is_stopped_while_it_compiles_tells_what_was_seen() -> None:
    def interrupt(progress: Progress) -> None:
        if progress.doing:
            raise KeyboardInterrupt

    found = check(Grown(), progress=interrupt)
    assert (found.engine, found.stopped, found.distinct) == ("reference", "interrupted", 1_000)


@pytest.mark.usefixtures("cache")
def test_a_compiler_that_wants_too_much_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "cc"
    script.write_text(
        "#!/bin/sh\necho limit $(ulimit -v) >&2\necho 'cc1: out of memory allocating 64 bytes' >&2\nexit 1\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("CC", str(script))
    with pytest.raises(CompilerTooLarge, match="exceeded its memory limit"):
        compile_text("int x;", memory=2**31)
    found = check_native(Grown())
    assert found.verdict is Verdict.UNDECIDED
    assert "the C compiler exceeded its memory limit" in (found.stopped or "")
    assert check(Grown()).engine == "reference"


@pytest.mark.skipif(sys.platform != "linux", reason="other shells may not limit address space")
def test_the_compiler_is_held_to_its_limit(tmp_path: Path) -> None:
    command = [*compiling._with_memory(("/bin/sh", "-c", "ulimit -v >&2; exit 3"), 3 * 2**30)]
    with pytest.raises(compiling.CompilerFailed, match=f"{3 * 2**20}"):
        compiling._run([command], ["cc"], tmp_path)
    least = [*compiling._with_memory(("/bin/sh", "-c", "ulimit -v >&2; exit 3"), 1)]
    with pytest.raises(compiling.CompilerFailed, match=f"{2**20}"):
        compiling._run([least], ["cc"], tmp_path)


def test_more_instances_than_can_be_counted_are_refused() -> None:
    with pytest.raises(Unsupported, match="the parameters of the actions have 1,600,000,000 values"):
        check(Barred(Node=200), engine="native")


class Pairs(Model):
    """Half a million instances: their counters are too large for a stack."""

    x: Annotated[int, Range(0, 3)]

    @action
    def go(self, a: Node, b: Node, to: Annotated[int, Range(0, 3)]) -> None:
        require(a == b and to == self.x + 1)
        self.x = to

    @invariant
    def fine(self) -> bool:
        return self.x >= 0


def test_very_many_instances() -> None:
    found = check(Pairs(Node=400), engine="native")
    assert (found.verdict, found.distinct, found.generated) == (Verdict.HOLDS, 4, 1201)


def test_work_in_the_background_returns_or_raises() -> None:
    assert Background(lambda: 7).result() == 7

    def wrong() -> int:
        raise Reached("something")

    failing: Background[int] = Background(wrong)
    with pytest.raises(Reached):
        failing.result()
    assert isinstance(failing.failed, Reached)
    done: Background[int] = Background(lambda: 1)
    assert done.over(20.0)
    done.end()  # of what is over nothing happens
    assert done.result() == 1


def test_work_in_a_destructor_when_it_is_ended_is_ended_again_and_nothing_is_printed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a destructor raises Python prints, and goes on; what goes wrong there otherwise is still told."""
    inside, looks, told = threading.Event(), [], []
    hook = lambda unraisable: told.append(unraisable.exc_type)  # noqa: E731  # the same object is asked for below
    monkeypatch.setattr(sys, "unraisablehook", hook)

    class Lingering:
        def __del__(self) -> None:
            inside.set()
            while True:
                pass

    class Broken:
        def __del__(self) -> None:
            raise LookupError

    def work() -> None:
        Lingering()
        Broken()
        while True:
            pass

    lingering = Background(work, lambda: looks.append(True))
    inside.wait()
    lingering.end()
    assert lingering.over(0)
    assert told == [LookupError]
    assert len(looks) < CLEANING_UP
    assert sys.unraisablehook is hook


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    """Ctrl-C is not left to a handler that a test has put in its place."""
    before = signal.getsignal(signal.SIGINT)
    yield
    assert signal.getsignal(signal.SIGINT) is before


def control_c() -> None:
    """Interrupt the main thread wherever it waits."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def test_control_c_while_waiting_takes_no_work_for_over() -> None:
    begun, asked, again, ended = threading.Event(), threading.Event(), threading.Event(), []

    def work() -> None:
        begun.wait()
        control_c()
        asked.wait()
        again.wait()
        ended.append(True)

    def report(_seconds: float) -> None:
        (again if asked.is_set() else begun).set()

    try:
        in_background(work, asked.set, report)
        assert ended == [True]
    finally:
        again.set()


def test_work_that_control_c_interrupts_has_ended_when_that_is_told() -> None:
    begun, cleaned_up = threading.Event(), []

    def work() -> None:
        begun.wait()
        try:
            control_c()
            while True:
                threading.Event().wait(0.01)
        finally:
            cleaned_up.append(True)

    with pytest.raises(KeyboardInterrupt):
        Background(work).attend(begun.set)
    assert cleaned_up == [True]


def test_python_can_be_traced_after_a_limit_that_was_not_reached() -> None:
    """CPython looks for ever for an interrupt that was taken back: what traces functions does not come out of that."""
    lines = (
        "import sys",
        "from ratified.results.limits import Limits, LimitWatch",
        "with LimitWatch(Limits(seconds=60)).enforced(): pass",
        "sys.settrace(lambda *_: None)",
        "(lambda: None)()",
    )
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True, timeout=60)
