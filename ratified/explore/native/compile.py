"""From C text to a loaded shared library: finds a compiler, and compiles each text once per machine.

A program that comes apart (apart.h) is compiled by several compilers at once, the first of which may begin early.

Guarantees: a library in the cache was compiled from exactly this text, these runtime files, by this compiler with these
flags for this kind of processor; two processes that compile at once do not disturb each other (each writes a file of its own
and renames it); whatever goes wrong is a `RatifiedError` that says what to do, and a cache that cannot be written costs a
note, not the run.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ratified.language.errors import RatifiedError
from ratified.results.background import STARTING

RUNTIME = Path(__file__).resolve().parent
"""Where `contract.h`, `explorer.c` and the files that they include are."""

FLAGS = ("-std=c11", "-march=native", "-fPIC", "-shared", "-pthread", "-fvisibility=hidden", "-fwrapv")

_GCC = (
    *("-O1", "-ftree-pre", "-fcode-hoisting", "-fstore-merging", "-ftree-tail-merge"),
    *("-fno-tree-dominator-opts", "-fno-tree-bit-ccp"),
)
"""What makes generated code as fast as -O2 does (measured on Paxos, two-phase commit and Raft), in half its time."""

_ERROR_LINES_MAX = 12

LEAST_MEMORY = 2**30
"""What a compiler may have in any case: limits of memory are mostly about states."""

_NO_MEMORY = ("out of memory", "memory exhausted", "Cannot allocate memory", "bad_alloc")


class CompilerMissing(RatifiedError):
    """No C compiler was found, or the one that `CC` names cannot be run."""


class CompilerFailed(RatifiedError):
    """The compiler ran and did not accept the generated text, or could not write its output."""


class CompilerTooLarge(CompilerFailed):
    """The compiler wants more memory than it may have."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A shared library on disk. `seconds` is what compiling took, 0 if it was in the cache; `notes` are for the report."""

    path: Path
    source: Path
    cached: bool
    seconds: float
    notes: tuple[str, ...] = ()


def find_compiler() -> tuple[str, ...]:
    """The command that compiles C: `CC` if set, then cc, gcc, clang, then the `ziglang` wheel.

    Raises:
        CompilerMissing: there is none, or `CC` names something that is not there.
    """
    asked = shlex.split(os.environ.get("CC", ""))
    if asked:
        found = shutil.which(asked[0])
        if found is None:
            raise CompilerMissing(
                f"the C compiler that CC names was not found: {asked[0]}",
                remedy="set CC to a compiler, or unset it to let Ratified look for cc, gcc, clang and the ziglang wheel",
            )
        return (found, *asked[1:])
    for name in ("cc", "gcc", "clang"):
        if found := shutil.which(name):
            return (found,)
    if importlib.util.find_spec("ziglang") is not None:
        return (sys.executable, "-m", "ziglang", "cc")
    raise CompilerMissing(
        "no C compiler: looked for CC, cc, gcc, clang and the ziglang wheel",
        remedy="install one (`apt install gcc`, or `pip install ziglang`), or explore with engine='reference'",
    )


def cache_folder() -> Path:
    """`RATIFIED_CACHE`, or `ratified` in `XDG_CACHE_HOME`, or `~/.cache/ratified`."""
    if own := os.environ.get("RATIFIED_CACHE"):
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache") / "ratified"


def compile_text(
    text: str,
    *,
    flags: Sequence[str] = (),
    memory: int | None = None,
    explorer: str | None = None,
    ahead: ExplorerAhead | None = None,
) -> Compiled:
    """Compiles `text` (a whole program as `contract.h` describes it), or finds it in the cache.

    Where the text of its other part, the `explorer`, is given, its parts are compiled at the same time, unless the explorer's was
    compiled before, or is being compiled `ahead`. A compiler may have so many bytes of `memory`. Whatever is raised meanwhile,
    Ctrl-C for one, ends it.

    Raises:
        CompilerMissing, CompilerFailed.
        CompilerTooLarge: it wants more memory.
    """
    command = _command(flags)
    notes: list[str] = []
    folder = _writable(cache_folder() / "native", notes)
    library, source = _files(folder, text_digest(text), command)
    if library.exists():
        return Compiled(library, source, True, 0.0, tuple(notes))
    begun = time.perf_counter()
    if explorer is None:
        _compile(text, command, _with_memory(command, memory), library, source)
    else:
        kept = folder / f"{_key(explorer, command)}.o"
        begun_ahead = ahead.begun if ahead and ahead.begun and ahead.begun.kept == kept else None
        _compile_apart(text, explorer, command, memory, library, source, kept, begun_ahead)
    return Compiled(library, source, False, time.perf_counter() - begun, tuple(notes))


def compiled_before(digest: str, flags: Sequence[str] = ()) -> Compiled | None:
    """What the text of a digest was compiled to, if it is in the cache. Raises CompilerMissing."""
    library, source = _files(cache_folder() / "native", digest, _command(flags))
    return Compiled(library, source, True, 0.0) if library.exists() else None


def text_digest(text: str) -> str:
    """What stands for a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def _command(flags: Sequence[str]) -> tuple[str, ...]:
    compiler = find_compiler()
    return (*compiler, *FLAGS, *_optimization(compiler), *flags, f"-I{RUNTIME}")


def _files(folder: Path, digest: str, command: Sequence[str]) -> tuple[Path, Path]:
    """Where the library is, and the text that it was compiled from."""
    name = _key(digest, command)
    return folder / f"{name}.so", folder / f"{name}.c"


def _optimization(compiler: Sequence[str]) -> tuple[str, ...]:
    """For gcc, by whatever name; others do not know its flags."""
    return _GCC if "gcc" in Path(compiler[0]).resolve().name else ("-O2",)


def _compile(text: str, command: Sequence[str], limited: Sequence[str], library: Path, source: Path) -> None:
    """Writes both files under names of this process's own, then renames: others see a whole file or none."""
    with _written(library.parent) as work:
        own_source, own_library = work / source.name, work / library.name
        own_source.write_text(text, encoding="utf-8")
        _run([[*limited, str(own_source), "-o", str(own_library)]], command, work)
        own_source.replace(source)
        own_library.replace(library)


def _compile_apart(
    text: str,
    explorer: str,
    command: Sequence[str],
    memory: int | None,
    library: Path,
    source: Path,
    kept: Path,
    ahead: _Begun | None,
) -> None:
    """The same of a program that comes apart, of which the explorer's object is kept."""
    limited = _with_memory(command, memory)
    with _written(library.parent) as work:
        own_source, own_library = work / source.name, work / library.name
        own_source.write_text(text, encoding="utf-8")
        explored, commands = work / kept.name, list[list[str]]()
        parts = [(_MODEL, work / "steps.o"), (_ASKED, work / "asked.o")]
        if not _linked(kept, explored):
            if ahead is None:
                commands.append(_part(limited, _EXPLORER, _text(work / "other.c", explorer), explored))
            else:
                explored = ahead.object
        commands += [_part(limited, number, own_source, made) for number, made in parts]
        _run(commands, command, work, [ahead.process] if ahead and explored == ahead.object else [])
        objects = [str(made) for _, made in parts]
        _run([[*limited, *objects, str(explored), "-o", str(own_library)]], command, work)
        explored.replace(kept)
        own_source.replace(source)
        own_library.replace(library)


_MODEL, _EXPLORER, _ASKED = 1, 2, 3
"""RX_APART of a part."""


def _text(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def _part(limited: Sequence[str], number: int, source: Path, made: Path) -> list[str]:
    return [*limited, "-c", f"-DRX_APART={number}", str(source), "-o", str(made)]


def _linked(kept: Path, own: Path) -> bool:
    """Whether an object is there, which now stays, whoever removes the other."""
    try:
        own.hardlink_to(kept)
    except OSError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Begun:
    """A compiler of an explorer's part, what it makes, and where that is to be kept."""

    process: subprocess.Popen[str]
    object: Path
    kept: Path


class ExplorerAhead:
    """The explorer's part of a program, compiled while the model's is still generated, unless it was compiled before.

    Whatever keeps it from that is told when all parts are compiled. At the end of a `with` statement, the compiler is ended.
    """

    def __init__(self, flags: Sequence[str] = (), memory: int | None = None) -> None:
        self._flags = flags
        self._memory = memory
        self._work = ExitStack()
        self.begun: _Begun | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.begun:
            _end([self.begun.process])
        self._work.close()

    def begin(self, explorer: str) -> None:
        """Begin with a text."""
        with suppress(RatifiedError, OSError):
            command = _command(self._flags)
            kept = cache_folder() / "native" / f"{_key(explorer, command)}.o"
            if kept.exists():
                return
            kept.parent.mkdir(parents=True, exist_ok=True)
            work = self._work.enter_context(_written(kept.parent))
            limited, made = _with_memory(command, self._memory), work / kept.name
            part = _part(limited, _EXPLORER, _text(work / "other.c", explorer), made)
            with STARTING:
                self.begun = _Begun(_started(part, command, work), made, kept)


@contextmanager
def _written(folder: Path) -> Iterator[Path]:
    """A folder for files that are being made for another, removed at the end. Raises CompilerFailed if it cannot be used."""
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".compiling-") as work:
            yield Path(work)
    except OSError as error:
        raise CompilerFailed(
            f"cannot write compiled code to {folder}: {error.strerror or error}",
            remedy="free some space there, or set RATIFIED_CACHE to another folder",
        ) from error


def _with_memory(command: Sequence[str], memory: int | None) -> Sequence[str]:
    """The command, with a limit on what it and the programs that it starts may have; never less than what is usual."""
    if memory is None or os.name != "posix" or "ziglang" in command:
        return command
    kilobytes = max(memory, LEAST_MEMORY) // 1024
    return ("/bin/sh", "-c", f'ulimit -v {kilobytes} 2>/dev/null; exec "$@"', "sh", *command)


def _run(
    commands: Sequence[Sequence[str]],
    shown: Sequence[str],
    folder: Path,
    begun: Sequence[subprocess.Popen[str]] = (),
) -> None:
    """Runs the commands of a compiler side by side, beside what has begun. The first that fails ends the others."""
    running = list(begun)
    try:
        for command in commands:
            with STARTING:
                running.append(_started(command, shown, folder))
        for process in running:
            _judge(process, *_attended(process), shown)
    finally:
        _end(running)


def _end(running: Sequence[subprocess.Popen[str]]) -> None:
    for process in running:
        if process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def _started(command: Sequence[str], shown: Sequence[str], folder: Path) -> subprocess.Popen[str]:
    try:
        # The command is the one that the user's own environment names. In a session of its own it can be ended as a whole.
        return subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
            env={**os.environ, "TMPDIR": str(folder)},  # what it leaves behind is removed with the folder
        )
    except OSError as error:
        raise CompilerMissing(
            f"the C compiler cannot be run: {shown[0]}: {error.strerror or error}",
            remedy="set CC to a compiler that works here",
        ) from error


def _judge(process: subprocess.Popen[str], out: str, err: str, shown: Sequence[str]) -> None:
    """Raises what a compiler that has ended failed of."""
    if process.returncode == 0:
        return
    if any(word in err for word in _NO_MEMORY):
        raise CompilerTooLarge(
            f"the C compiler exceeded its memory limit: {shlex.join(shown[:3])} ...",
            remedy="give more with --memory, explore a smaller size, or explore with engine='reference'",
        )
    lines = (err or out).splitlines()
    # The first error is the cause; the context lines that compilers print before it are not.
    first = next((i for i, line in enumerate(lines) if "error" in line.lower()), 0)
    told = "\n".join(f"    {line}" for line in lines[first : first + _ERROR_LINES_MAX])
    status = process.returncode
    how = f"exit status {status}" if status > 0 else f"killed by signal {-status}"
    raise CompilerFailed(
        f"the C compiler failed ({how}): {shlex.join(shown[:3])} ...\n{told}".rstrip(),
        remedy="set CC to another compiler, or explore with engine='reference'; if the generated code is wrong, please report it",
    )


def _attended(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What a process prints until it ends. Python comes back now and then, to look at what it is sent."""
    while True:
        with suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=0.1)


def _writable(folder: Path, notes: list[str]) -> Path:
    """The folder, made if need be; a temporary one, with a note, if it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        other = Path(tempfile.mkdtemp(prefix="ratified-"))
        notes.append(
            f"the cache {folder} cannot be written ({error.strerror or error}): compiled in {other} and not kept; "
            "set RATIFIED_CACHE to a folder that can"
        )
        return other
    return folder


def identity(command: Sequence[str]) -> tuple[str, ...]:
    """What a library depends on beside its text: the command, the compiler that it is at present, the processor."""
    return (*command, _compiler_identity(command), _processor())


def _key(text: str, command: Sequence[str]) -> str:
    """A name for what the text of a digest is compiled to."""
    digest = hashlib.sha256()
    parts = [text, *identity(command)]
    parts += [path.read_text(encoding="utf-8") for path in sorted(RUNTIME.glob("*.[ch]"))]
    for part in parts:
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return digest.hexdigest()[:40]


def _compiler_identity(command: Sequence[str]) -> str:
    """Changes when the compiler is upgraded; asking `--version` would cost as much as the rest of a cached start."""
    if "ziglang" in command:
        found = importlib.util.find_spec("ziglang")
        path = Path(found.origin) if found and found.origin else Path(command[0])
    else:
        path = Path(command[0]).resolve()
    status = path.stat()
    return f"{path} {status.st_size} {status.st_mtime_ns}"


def _processor() -> str:
    """What `-march=native` depends on: a cache folder may be shared by unlike machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    wanted = ("model name", "flags", "Features", "CPU part")
    seen = {line.split(":", 1)[0].strip(): line for line in reversed(lines) if line.startswith(wanted)}
    return platform.machine() + "".join(seen[key] for key in sorted(seen))
