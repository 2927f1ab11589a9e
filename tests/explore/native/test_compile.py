"""Compilers that are missing or fail, caches that cannot be written, and processes that compile at once."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Self

import pytest

from ratified.explore.native import compile as compiling
from ratified.explore.native.codegen.program import generate
from ratified.explore.native.compile import (
    CompilerFailed,
    CompilerMissing,
    ExplorerAhead,
    compile_text,
    find_compiler,
)
from ratified.explore.native.driver import NativeExploration, RunOptions
from ratified.explore.native.library import load, loaded
from ratified.language import (
    Model,
    Param,
    Range,
    action,
    constraint,
    invariant,
    require,
    step_invariant,
)

ROOT = Path(__file__).parents[3]
SMALL = '__attribute__((visibility("default"))) int answer(void) { return 42; }\n'


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RATIFIED_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_compiled_once(cache: Path) -> None:
    first, second = compile_text(SMALL), compile_text(SMALL)
    assert (first.cached, second.cached) == (False, True)
    assert first.path == second.path
    assert first.path.is_relative_to(cache)
    assert first.source.read_text() == SMALL
    assert not first.notes
    assert compile_text(SMALL, flags=("-DX",)).path != first.path


def test_the_cache_is_where_people_look_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RATIFIED_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert compiling.cache_folder() == tmp_path / "ratified"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert compiling.cache_folder() == tmp_path / ".cache" / "ratified"


@pytest.mark.usefixtures("cache")
def test_a_compiler_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler -m64")
    with pytest.raises(CompilerMissing, match="the C compiler that CC names was not found: no-such-compiler"):
        compile_text(SMALL)


def test_no_compiler_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(
        CompilerMissing, match=r"looked for CC, cc, gcc, clang and the ziglang wheel\n.*pip install ziglang"
    ):
        find_compiler()


def test_the_zig_wheel_is_the_last_resort(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    assert find_compiler() == (sys.executable, "-m", "ziglang", "cc")


@pytest.mark.usefixtures("cache")
def test_what_the_compiler_says_is_shown() -> None:
    with pytest.raises(CompilerFailed) as caught:
        compile_text("int f(void) { return undeclared_name; }\n")
    message = str(caught.value)
    assert message.startswith("the C compiler failed (exit status 1)")
    assert "undeclared_name" in message
    assert len(message.splitlines()) < 20


@pytest.mark.usefixtures("cache")
def test_a_compiler_that_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "cc"
    script.write_text("#!/bin/sh\nkill -9 $$\n")
    script.chmod(0o755)
    monkeypatch.setenv("CC", str(script))
    with pytest.raises(CompilerFailed, match="killed by signal 9"):
        compile_text(SMALL)


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RATIFIED_CACHE", str(tmp_path / "file" / "cache"))
    compiled = compile_text(SMALL)
    assert compiled.path.exists()
    assert len(compiled.notes) == 1
    assert "cannot be written (Not a directory)" in compiled.notes[0]


def test_a_damaged_library_is_compiled_again(cache: Path) -> None:
    text = (Path(__file__).parent / "paxos.c").read_text()
    compiled = compile_text(text, flags=("-O0",))
    compiled.path.write_bytes(b"not a library")
    assert load(text, flags=("-O0",)).words == 2
    assert compiled.path.is_relative_to(cache)


def test_the_explorer_is_compiled_once_for_models_of_the_same_width(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a second such model the explorer is not compiled, whatever is claimed of it; a wider one has an explorer of its own."""
    script, log = tmp_path / "cc", tmp_path / "log"
    script.write_text(f'#!/bin/sh\necho "$*" >>{log}\nexec {find_compiler()[0]} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("CC", str(script))

    def compiled(model: Model) -> list[str]:
        log.write_text("")
        with ExplorerAhead(("-O0",)) as ahead:
            program = generate(model, ahead=ahead.begin)
            library, _ = loaded(program.text, ("-O0",), explorer=program.explorer, ahead=ahead)
        assert library.counts == program.program.counts
        with NativeExploration(library, RunOptions(threads=1)) as exploration:
            assert exploration.run().distinct == 4
        lines = log.read_text().splitlines()
        return sorted(word for line in lines for word in line.split() if "RX_APART" in word)

    assert compiled(Counter(by=1)) == ["-DRX_APART=1", "-DRX_APART=2", "-DRX_APART=3"]
    assert compiled(Counter(by=3)) == ["-DRX_APART=1", "-DRX_APART=3"]
    assert compiled(CounterThatIsAsked(by=1)) == ["-DRX_APART=1", "-DRX_APART=3"]
    assert compiled(WideCounter(by=1)) == ["-DRX_APART=1", "-DRX_APART=2", "-DRX_APART=3"]
    assert sorted(path.suffix for path in (cache / "native").iterdir()) == [
        *[".c"] * 4,
        *[".o"] * 2,
        *[".so"] * 4,
    ]


class Counter(Model):
    """Goes round."""

    by: Param[int]
    n: Annotated[int, Range(0, 3)]

    @action
    def go(self) -> None:
        self.n = (self.n + self.by) % 4


class CounterThatIsAsked(Counter):
    """The same, and claims, another action and a constraint."""

    @action
    def stay(self, m: Annotated[int, Range(0, 3)]) -> None:
        require(m == self.n)

    @constraint
    def never_four(self) -> bool:
        return self.n != 4

    @invariant
    def in_range(self) -> bool:
        return self.n < 4

    @step_invariant
    def in_steps(self, old: Self) -> bool:
        return self.n in (old.n, (old.n + self.by) % 4)


class WideCounter(Counter):
    """The same, in a state of two words."""

    m: Annotated[int, Range(0, 2**62)]


AT_ONCE = """
import ctypes, sys
from ratified.explore.native.compile import compile_text
sys.stdin.readline()
assert ctypes.CDLL(str(compile_text(sys.argv[1]).path)).answer() == 42
"""


def test_processes_that_compile_at_once(cache: Path) -> None:
    """Four processes, all let go at the same moment: each gets a whole library."""
    environment = {**os.environ, "RATIFIED_CACHE": str(cache)}
    command = [sys.executable, "-c", AT_ONCE, SMALL]
    started = [subprocess.Popen(command, stdin=subprocess.PIPE, cwd=ROOT, env=environment) for _ in range(4)]
    for process in started:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.close()
    assert [process.wait() for process in started] == [0, 0, 0, 0]
    assert sorted(path.suffix for path in (cache / "native").iterdir()) == [".c", ".so"]
