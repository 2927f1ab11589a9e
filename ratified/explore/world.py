"""The processes that explore or walk together, and what they tell each other: MPI (mpi4py), or a process that is alone.

Guarantees: every method but `advance` is collective: all ranks call it, in the same order. Waiting does not keep a processor
busy. Nothing here knows of states.
"""

from __future__ import annotations

import os
import pickle
import socket
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ratified.extras import install
from ratified.language.errors import RatifiedError
from ratified.results.limits import cores

if TYPE_CHECKING:
    from mpi4py import MPI

T = TypeVar("T")

Told = tuple[int, ...]
"""What one rank told another in a round: the records it has for it, then what it tells all."""

_EAGER = 10
"""How often a request is looked at before the first pause."""

_PAUSES = (2e-5, 5e-3)
"""The shortest and the longest pause between two looks, in seconds."""

MISSING = "exploring on several ranks needs MPI, which is not installed"


@dataclass(frozen=True, slots=True)
class Box:
    """Records to send: where those for each rank begin in memory, and how many bytes there are for each."""

    starts: tuple[int, ...]
    sizes: tuple[int, ...]


class Flight(Protocol):
    """Records on the way. `arrived` waits for them, and gives those for this rank: an address, and how many bytes."""

    def advance(self) -> bool:
        """Let them move on; whether they are there."""

    def arrived(self) -> tuple[int, int]:
        """Wait for them."""


class RankWorld(Protocol):
    """All ranks, seen from one of them. `neighbours` are the ranks on this machine, itself among them."""

    rank: int
    size: int
    neighbours: tuple[int, ...]
    host: str

    def gather(self, mine: T) -> list[T]:
        """Everyone's, by rank."""

    def tell(self, each: Sequence[Told]) -> list[Told]:
        """Send each rank its numbers; what each rank sent here. All have as many numbers."""

    def send(self, box: Box, sizes: Sequence[int]) -> Flight:
        """Send a box; `sizes` are the bytes that come from each rank."""

    def abort(self, status: int) -> None:
        """End all ranks at once."""


@dataclass(frozen=True, slots=True)
class _Nothing:
    """Nothing is on the way to a process that is alone."""

    def advance(self) -> bool:
        """It is there."""
        return True

    def arrived(self) -> tuple[int, int]:
        """Nothing has come."""
        return 0, 0


class Alone:
    """A world of one rank, which needs no MPI."""

    rank, size, host = 0, 1, ""
    neighbours: tuple[int, ...] = (0,)

    def gather(self, mine: T) -> list[T]:
        """Its own."""
        return [mine]

    def tell(self, each: Sequence[Told]) -> list[Told]:
        """Its own."""
        return list(each)

    def send(self, box: Box, sizes: Sequence[int]) -> Flight:  # noqa: ARG002  # there is nobody to send to
        """Send nothing."""
        return _Nothing()

    def abort(self, status: int) -> None:
        """Raise, as there is nobody else to end."""
        raise SystemExit(status)


class _Mpi:
    """`MPI.COMM_WORLD`, or another communicator."""

    def __init__(self, mpi: Any, world: MPI.Intracomm) -> None:
        self._mpi = mpi
        self._world = world
        self.rank, self.size = world.Get_rank(), world.Get_size()
        self.host = socket.gethostname()
        here = world.Split_type(mpi.COMM_TYPE_SHARED)
        self.neighbours = tuple(here.allgather(self.rank))
        here.Free()
        self._in = _Memory()

    def gather(self, mine: T) -> list[T]:
        # By hand, as waiting in `allgather` keeps a processor busy.
        out, byte = pickle.dumps(mine), self._mpi.BYTE
        sizes = array("Q", bytes(8 * self.size))
        self._wait(self._world.Iallgather(array("Q", [len(out)]), sizes))
        into, places = bytearray(sum(sizes)), [sum(sizes[:k]) for k in range(self.size)]
        self._wait(self._world.Iallgatherv([out, byte], [into, (list(sizes), places), byte]))
        return [pickle.loads(into[at : at + size]) for at, size in zip(places, sizes, strict=True)]  # noqa: S301  # ours

    def tell(self, each: Sequence[Told]) -> list[Told]:
        width = len(each[0])
        out = array("Q", [number for told in each for number in told])
        into = array("Q", bytes(8 * width * self.size))
        self._wait(self._world.Ialltoall([out, self._mpi.UINT64_T], [into, self._mpi.UINT64_T]))
        return [tuple(into[k * width : (k + 1) * width]) for k in range(self.size)]

    def send(self, box: Box, sizes: Sequence[int]) -> Flight:
        first = min(box.starts)
        whole = max(start + size for start, size in zip(box.starts, box.sizes, strict=True)) - first
        out = _view(self._mpi, first, whole)
        room = self._in.room(sum(sizes))
        places = [sum(sizes[:k]) for k in range(self.size)]
        byte = self._mpi.BYTE
        away = [start - first for start in box.starts]
        request = self._world.Ialltoallv(
            [out, (list(box.sizes), away), byte],
            [_view(self._mpi, room, sum(sizes)), (list(sizes), places), byte],
        )
        return _Flying(request, lambda: self._wait(request), room, sum(sizes))

    def abort(self, status: int) -> None:
        self._world.Abort(status)

    def _wait(self, request: MPI.Request) -> None:
        """Wait for a request: eagerly first, then with pauses, since others may want the processor.

        A pause is a fifth longer than the last: few looks, and at most about a fifth of the time is waited in vain.
        """
        for _ in range(_EAGER):
            if request.Test():
                return
        pause = _PAUSES[0]
        while not request.Test():
            time.sleep(pause)
            pause = min(pause * 1.2, _PAUSES[1])


def _view(mpi: Any, address: int, size: int) -> Any:
    """Memory that is C's, as MPI takes it."""
    return mpi.buffer.fromaddress(address, size)


class _Memory:
    """Room for what comes in, which grows."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def room(self, size: int) -> int:
        """The address of so many bytes."""
        import ctypes

        if len(self._kept) < size or len(self._kept) > 8 * max(size, 1 << 22):
            self._kept = bytearray(size)
        return ctypes.addressof(ctypes.c_char.from_buffer(self._kept)) if self._kept else 0


@dataclass(frozen=True, slots=True)
class _Flying:
    """An Ialltoallv under way."""

    request: MPI.Request
    wait: Callable[[], None]
    into: int
    size: int

    def advance(self) -> bool:
        """Let MPI do some of it."""
        return bool(self.request.Test())

    def arrived(self) -> tuple[int, int]:
        """Wait for it."""
        self.wait()
        return self.into, self.size


def join(communicator: MPI.Intracomm | None = None) -> RankWorld:
    """The world of this process: `MPI.COMM_WORLD`, or the communicator given. Raises RatifiedError if there is no MPI."""
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # the latter if the library itself is not there
        raise RatifiedError(MISSING, remedy=install("mpi")) from error
    return _Mpi(MPI, communicator or MPI.COMM_WORLD)


def agree(
    world: RankWorld, problem: RatifiedError | str | None, *, tried: bool = True, tell_who: bool = True
) -> None:
    """Raise, on every rank, what went wrong on any; the first of those, where they differ. Collective.

    `tried` if this rank did what can go wrong; `tell_who` if it matters where it did.
    """
    problems = world.gather((None if problem is None else str(problem), world.host, tried))
    told = [(rank, text, host) for rank, (text, host, _) in enumerate(problems) if text is not None]
    if not told:
        return
    rank, text, host = told[0]
    all_alike = len(told) == sum(by for *_, by in problems) and len({text for _, text, _ in told}) == 1
    if all_alike and isinstance(problem, RatifiedError):
        raise problem
    if all_alike or not tell_who:
        raise RatifiedError(text)
    raise RatifiedError(f"{named(rank, host, world)}: {text}")


@contextmanager
def alike(world: RankWorld) -> Iterator[None]:
    """Raise, on every rank, what a block raises on any, but for an interrupt. Collective."""
    problem: RatifiedError | None = None
    try:
        yield
    except RatifiedError as error:
        problem = error
    agree(world, problem, tell_who=False)


def named(rank: int, host: str, world: RankWorld) -> str:
    """How a rank is told of."""
    return f"rank {rank} of {world.size} on {host}"


def cores_of(world: RankWorld) -> int:
    """This rank's share of its machine; where ranks are bound to processors of their own, all of those. Collective."""
    mine = tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else ()
    others = world.gather(mine)
    here = [others[k] for k in world.neighbours]
    return max(1, cores() // sum(some == mine for some in here))
