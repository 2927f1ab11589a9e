"""`--ranks N`: the same command, started N times by mpiexec, and what becomes of it.

Guarantees: the exit status is rank 0's; of ranks that were killed one message tells which, and how to go on. Ctrl-C asks the
ranks to stop and report; a second one ends them. Nothing that was started is left running.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import click

from ratified.cli.ending import INTERRUPTED
from ratified.cli.output import colorful, echo
from ratified.cli.progress import LiveText
from ratified.cli.ranks import LAUNCHED, MARK
from ratified.cli.report.words import plural
from ratified.cli.requests import Output, Sharing
from ratified.extras import install
from ratified.language.errors import RatifiedError

MISSING = "exploring on several ranks needs MPI, which is not installed"

_NOISE = re.compile(
    r"=====|=   |YOUR APPLICATION TERMINATED|This typically refers|Please see the FAQ|\[(proxy|mpiexec)|Abort\(|"
    r"application called MPI_Abort|\s*$"
)
"""What mpiexec says of ranks that ended badly, which is told otherwise here."""


class LostRankError(RatifiedError):
    """Ranks ended without an answer. Nothing is known to be wrong with the model: the verdict is undecided."""

    exit_status = 3


@dataclass(slots=True)
class _Heard:
    """What came over standard error: who the ranks are, how rank 0 ended, what mpiexec said; and what is not passed on yet."""

    ranks: list[tuple[str, int]] = field(default_factory=list)
    status: int | None = None
    noise: list[str] = field(default_factory=list)
    early: list[str] = field(default_factory=list)


def launch(sharing: Sharing, output: Output, *, saved: bool | None) -> int:
    """Run the command under way on several ranks and return its exit status.

    `saved` says whether the command saves its progress, None that there is none to save.

    Raises:
        LostRankError: a rank was killed, or mpiexec failed.
        RatifiedError: MPI or mpiexec is not there, or the hosts have no room for the ranks.
    """
    assert sharing.ranks is not None
    arguments: list[str] = click.get_current_context().find_root().obj
    command = [_mpiexec(), "-n", str(sharing.ranks)]
    if sharing.hosts is not None:
        slots = slots_of(sharing.hosts)
        if slots < sharing.ranks:
            raise RatifiedError(
                f"{sharing.hosts} has {plural(slots, 'slot')}, too few for --ranks {sharing.ranks}",
                remedy="list more hosts, or say how many ranks a host takes: name:8",
            )
        command += ["-hostfile", str(sharing.hosts)]
    command += [sys.executable, "-m", "ratified", *arguments]
    if output.color is None and colorful(sys.stdout, None):
        command.append("--color")
    heard, out, returned = _run(command, quiet=output.quiet)
    if heard.status is not None:
        _pass_on(heard)
        if out:
            echo(out)
        return heard.status
    heard.noise.append(out)  # where mpiexec says what became of whom
    raise _lost(heard, returned, sharing, shlex.join(["ratified", *arguments]), saved=saved)


def _mpiexec() -> str:
    """The mpiexec of this environment, or else the system's."""
    if importlib.util.find_spec("mpi4py") is None:
        raise RatifiedError(MISSING, remedy=install("mpi"))
    beside = Path(sys.executable).parent / "mpiexec"
    found = str(beside) if beside.exists() else shutil.which("mpiexec")
    if found is None:
        raise RatifiedError("there is no mpiexec to start ranks with", remedy=install("mpi"))
    return found


def slots_of(hosts: Path) -> int:
    """How many ranks a file of hosts has room for: a host a line, `name`, `name:8` or `name slots=8`. Raises RatifiedError."""
    slots = 0
    try:
        lines = hosts.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RatifiedError(
            f"{hosts} cannot be read: {getattr(error, 'strerror', 'it is not text')}"
        ) from None
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        found = re.fullmatch(r"[^\s:]+(?::(\d+)|\s+slots\s*=\s*(\d+))?(\s+\S+)*", text)
        if found is None:
            raise RatifiedError(f"{hosts}:{number}: {text!r} is no host", remedy="write name or name:8")
        slots += int(found[1] or found[2] or 1)
    return slots


def _run(command: list[str], *, quiet: bool) -> tuple[_Heard, str, int]:
    """Run mpiexec to its end. In a session of its own: what the keyboard sends comes here first."""
    live = LiveText(sys.stderr) if sys.stderr.isatty() and not quiet else None
    heard = _Heard()
    process = subprocess.Popen(  # noqa: S603  # the program of this environment, the user's own arguments
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
        env={**os.environ, LAUNCHED: "1"},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    out: list[str] = []
    readers = [
        threading.Thread(target=lambda: out.append(process.stdout.read()), daemon=True),  # type: ignore[union-attr]
        threading.Thread(target=_hear, args=(process.stderr, heard, live), daemon=True),
    ]
    for reader in readers:
        reader.start()
    asked = False
    try:
        while True:
            try:
                process.wait()
                break
            except KeyboardInterrupt:
                if asked:
                    heard.status = INTERRUPTED
                    break
                asked = True
                with suppress(OSError):
                    process.stdin.write("stop\n")
                    process.stdin.flush()
    finally:
        _end(process)
        if live:
            live.clear()
    for reader, stream in zip(readers, (process.stdout, process.stderr), strict=True):
        reader.join(5)
        if not reader.is_alive():
            stream.close()
    with suppress(OSError):
        process.stdin.close()
    return heard, "".join(out), process.returncode


def _end(process: subprocess.Popen[str]) -> None:
    """Make sure that mpiexec, and what it has started here, is over."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
            return


def _hear(stream: object, heard: _Heard, live: LiveText | None) -> None:
    """Read what ranks and mpiexec say; what is for people is passed on."""
    for line in stream:  # type: ignore[attr-defined]  # a stream of text
        before, mark, told = line.partition(MARK)
        if mark:
            said = json.loads(told)
            heard.ranks = [(host, pid) for host, pid in said.get("ranks", heard.ranks)]
            _pass_on(heard)
            heard.status = said.get("status", heard.status)
            if live and "progress" in said:
                live.show(said["progress"])
        if _NOISE.match(before):
            heard.noise.append(before)
        elif before:
            if live:
                live.clear()
            heard.early.append(before)
            if heard.ranks:
                _pass_on(heard)


def _pass_on(heard: _Heard) -> None:
    """Show what is for people. Before there are ranks it is kept: it may be why there are none."""
    with suppress(OSError):
        sys.stderr.writelines(heard.early)
        sys.stderr.flush()
    heard.early.clear()


def _lost(heard: _Heard, returned: int, sharing: Sharing, again: str, *, saved: bool | None) -> RatifiedError:
    """What to say of ranks that ended without an answer."""
    noise = "".join(heard.noise)
    place = re.search(r"PID (\d+) RUNNING AT (\S+)", noise)
    killed = re.search(r"EXIT STRING: (.*)", noise)
    who = f"a rank of {sharing.ranks}"
    if place:
        known = [k for k, (_, pid) in enumerate(heard.ranks) if pid == int(place[1])]
        who = f"rank {known[0]} of {sharing.ranks} on {place[2]}" if known else f"a process on {place[2]}"
    how = f"was lost: {killed[1]}" if killed else f"was lost; mpiexec ended with status {returned}"
    if not place and not killed and not heard.ranks:
        where = f"-hostfile {shlex.quote(str(sharing.hosts))} " if sharing.hosts else ""
        said = " ".join(line.strip() for line in heard.early if line.strip())[:300]
        return LostRankError(
            f"mpiexec could not start the ranks (status {returned}){': ' + said if said else ''}",
            remedy=f"see whether it starts anything there: mpiexec {where}-n 2 hostname",
        )
    if saved is None:
        return LostRankError(f"{who} {how}", remedy=f"start it again: {again}")
    if saved:
        return LostRankError(
            f"{who} {how}",
            remedy=f"continue from the last complete level saved, on any number of ranks: {again}",
        )
    return LostRankError(
        f"{who} {how}",
        remedy="with --checkpoint DIR the same command would continue from the last complete level",
    )
