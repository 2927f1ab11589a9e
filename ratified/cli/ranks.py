"""A command as one rank of several: what mpiexec has started N times is one command, with one report and one message.

Guarantees: rank 0 speaks, the others are silent and leave with 0; whatever goes wrong on any rank ends all of them. Importing
this imports neither the language nor an engine, nor MPI.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from ratified.cli.ending import Ended
from ratified.cli.output import complain

if TYPE_CHECKING:
    from ratified.cli.exploring import ExploreOptions
    from ratified.cli.progress import RunsLine
    from ratified.cli.requests import Sharing
    from ratified.explore.world import RankWorld
    from ratified.language import Model
    from ratified.results.result import Result

LAUNCHED = "RATIFIED_LAUNCHED"
"""Set where `launching.py` has started mpiexec, and reads what rank 0 tells it."""

MARK = "\x1eratified "
"""Begins a line on standard error that is for the launcher: JSON follows."""

BETWEEN_LINES = 10.0
"""Seconds between two lines about progress, where they go into a log."""

SHARED = ("check", "simulate")
"""Commands whose work ranks share."""

NOT_SHARED = {
    "verify": "start it without mpiexec, or check its models one by one",
    "graph": "start it without mpiexec",
    "prove": "start it without mpiexec",
    "bmc": "start it without mpiexec",
}
"""Commands that one might take to share their work among ranks, and what to do instead."""

_STARTED = ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK")
_SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE")


def started_by_mpi(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether mpiexec, or a batch system, has started this process as one of several, or `--ranks` as the only one."""
    alone = LAUNCHED not in environment and any(environment.get(name) == "1" for name in _SIZES)
    return not alone and any(environment.get(name, "").isdigit() for name in _STARTED)


def not_shared(command: str) -> int:
    """Refuse a command that ranks do not share, once, and return the exit status."""
    if not _is_first():
        return 0
    complain(
        f"Error: mpiexec has started several processes, and only `check` and `simulate` are shared among them, not `{command}`\n"
        f"  {NOT_SHARED[command]}"
    )
    return 2


def _is_first() -> bool:
    """Whether this process is rank 0, from what mpiexec has set."""
    return next(os.environ[name] for name in _STARTED if name in os.environ) == "0"


class Member:
    """This process among the others. They `meet` once, when each knows what to explore, or what is wrong."""

    def __init__(self, world: RankWorld) -> None:
        self.world = world
        self.met = self.done = False
        self._asked = False
        self._stop: Callable[[], None] | None = None

    def meet(self, problem: str | None) -> None:
        """Tell the others whether anything is wrong. Collective. Raises RatifiedError if it is, anywhere."""
        from ratified.explore.world import agree

        self.met = True
        agree(self.world, problem)

    def explored(self, model: Model, how: ExploreOptions, name: str, *, quiet: bool) -> Result:
        """Explore together. Raises RatifiedError, on every rank."""
        from ratified.cli.progress import line
        from ratified.explore.ranks import RankOptions, check_on_ranks

        if how.claims is not None:
            model = model.claiming(how.claims)
        options = RankOptions(how.options.threads, how.options.checkpoint, listen=self._listen)
        tell = _teller()
        with self.alike():
            return check_on_ranks(
                model,
                self.world,
                limits=how.limits,
                symmetry=how.symmetry,
                deadlock=how.deadlock,
                progress=None if quiet else lambda progress: tell(line(name, progress)),
                options=options,
            )

    @contextmanager
    def alike(self) -> Iterator[None]:
        """What ends alike on every rank, with an answer or a RatifiedError."""
        from ratified.language.errors import RatifiedError

        try:
            yield
        except RatifiedError:
            self.done = True
            raise
        self.done = True

    def heeds(self, line: RunsLine | None) -> Callable[[int], None]:
        """What shows how many runs are done, and stops them where the launcher has asked to."""

        def progress(done: int) -> None:
            if self._asked:
                raise KeyboardInterrupt
            if line is not None:
                line(done)

        return progress

    def attend(self) -> None:
        """Heed the launcher, which asks on standard input to stop."""

        def listen() -> None:
            # Not through `sys.stdin`, whose lock this thread would hold when Python ends.
            while said := os.read(0, 64):
                if b"stop" in said:
                    self._asked = True
                    if self._stop is not None:
                        self._stop()

        threading.Thread(target=listen, name="launcher", daemon=True).start()

    def _listen(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        if self._asked:
            stop()


_member: list[Member] = []


def member_of(sharing: Sharing) -> Member | None:
    """This process among the others, if there are any. Raises a usage error if they are not as many as was asked for."""
    if not _member:
        return None
    size = _member[0].world.size
    if sharing.ranks not in (None, size):
        raise click.UsageError(f"mpiexec has started {size} ranks, and --ranks says {sharing.ranks}.")
    return _member[0]


def as_rank(do: Callable[[], Ended], tell: Callable[[Ended], None]) -> int:
    """Do a command together with the other ranks, and return its exit status: 0 on all but rank 0.

    `do` is the command, `tell` reports how it ended.
    """
    from ratified.explore.ranks import join
    from ratified.language.errors import RatifiedError

    try:
        world = join()
    except RatifiedError as problem:
        if _is_first():
            complain(f"Error: {problem}")
        return 2
    stderr = sys.stderr
    me = Member(world)
    _member[:] = [me]
    if world.rank == 0 and LAUNCHED in os.environ:
        me.attend()
    if world.rank:
        sys.stdout = sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # as long as the process
    if LAUNCHED in os.environ:
        pids = world.gather((world.host, os.getpid()))
        if world.rank == 0:
            say({"ranks": pids})
    ended = do()
    status, message = ended.status, ended.message
    try:
        if not me.met:
            me.meet(message or None)
        elif message and not me.done:
            # The others wait for this rank, and would for ever.
            sys.stderr = stderr
            if world.rank:
                complain(f"Error: rank {world.rank} of {world.size} on {world.host}: {message}")
            if world.rank == 0:
                say({"status": status})
            world.abort(status)
    except RatifiedError as problem:
        if not message and world.rank == 0:
            complain(f"Error: {problem}")
            ended = Ended(2, str(problem))
    try:
        if world.rank == 0:
            tell(ended)
            say({"status": ended.status})
    finally:
        world.gather(None)  # leaving MPI waits for all, too, but keeps a processor busy
    return 0 if world.rank else ended.status


def say(what: Mapping[str, object]) -> None:
    """Tell the launcher, if there is one."""
    if LAUNCHED in os.environ:
        with suppress(OSError):
            sys.stderr.write(f"{MARK}{json.dumps(what)}\n")
            sys.stderr.flush()


@contextmanager
def random_runs(
    name: str, asked: int, sharing: Sharing, *, quiet: bool
) -> Iterator[tuple[Callable[[int], None] | None, RankWorld]]:
    """What random runs tell their progress to, and who shares them."""
    from ratified.cli.progress import LiveText, RunsLine
    from ratified.explore.world import Alone

    me = member_of(sharing)
    if me is not None:
        line = None if quiet or me.world.rank else RunsLine(name, asked, _teller())
        me.meet(None)
        with me.alike():
            yield me.heeds(line), me.world
    elif quiet or not sys.stderr.isatty():
        yield None, Alone()
    else:
        with LiveText(sys.stderr) as live:
            yield RunsLine(name, asked, live.show), Alone()


def _teller() -> Callable[[str], None]:
    """What shows how far it is: to the launcher, or as a line now and then."""
    if LAUNCHED in os.environ:
        return lambda text: say({"progress": text})
    return _Lines(sys.stderr)


class _Lines:
    """Writes a line every few seconds: standard error of a rank is no terminal, but goes to one or into a log."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._next = time.monotonic() + BETWEEN_LINES

    def __call__(self, text: str) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + BETWEEN_LINES
        with suppress(OSError):
            self._stream.write(text + "\n")
            self._stream.flush()


def refuse_what_is_not_for_ranks(*, engine: str, dump: Path | None, reduce: bool = False) -> None:
    """Raise RatifiedError for what several ranks do not do."""
    from ratified.language.errors import RatifiedError

    if engine == "reference":
        raise RatifiedError("several ranks need the native engine", remedy="use engine native or auto")
    if reduce:
        raise RatifiedError("--reduce is for a single process", remedy="leave out --ranks")
    if dump is not None:
        raise RatifiedError("--dump-c is for a single process", remedy="leave out --ranks")
