"""What an exploration may use, and whether it has used it up: time, and memory, of which there is always a limit.

Guarantees: where no limit of memory is given, it is a share of what the machine (or the control group that the process is in)
has, so that an exploration that is too large ends undecided, with what it has seen, before the system ends it. Looking costs
little: memory is looked at a few times a second.
"""

from __future__ import annotations

import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from ratified.results import background
from ratified.results.result import Limits

_BETWEEN_LOOKS_AT_MEMORY = 0.05
PATIENCE = 0.5
"""Seconds past the limit of time after which what did not look at it is interrupted."""


class Reached(Exception):
    """A limit was reached: the text says which."""


@dataclass(slots=True)
class LimitWatch:
    """The limits of one exploration, from its beginning on. `also` is called at every look, and may raise."""

    limits: Limits = field(default_factory=Limits)
    started: float = field(default_factory=time.perf_counter)
    also: Callable[[], None] | None = None
    _memory: int | None = None
    _next: float = 0.0

    @property
    def seconds(self) -> float:
        """How long it has been."""
        return time.perf_counter() - self.started

    @property
    def left(self) -> float | None:
        """The seconds that are left, at least a moment; None if there is no limit."""
        limit = self.limits.seconds
        return None if limit is None else max(limit - self.seconds, 0.001)

    @property
    def over(self) -> bool:
        """Whether there is no time left."""
        return self.limits.seconds is not None and self.seconds >= self.limits.seconds

    @property
    def memory(self) -> int:
        """The bytes that the process may have."""
        if self._memory is None:
            self._memory = self.limits.memory or memory_share()
        return self._memory

    def tick(self) -> None:
        """Raise Reached if a limit is reached."""
        if self.also:
            self.also()
        if self.over:
            raise Reached(self.time_limit())
        now = time.perf_counter()
        if now >= self._next:
            self._next = now + _BETWEEN_LOOKS_AT_MEMORY
            if resident() > self.memory:
                raise Reached(self.memory_limit())

    @contextmanager
    def enforced(self) -> Iterator[None]:
        """Raise Reached soon after the limit of time even if nothing looks at it, in the midst of one long evaluation, say."""
        if self.left is None:
            yield
            return
        interrupt = _Interrupt(self.left + PATIENCE)
        try:
            with interrupt:
                yield
        except KeyboardInterrupt:
            if not interrupt.sent:
                raise
            raise Reached(self.time_limit()) from None

    def time_limit(self) -> str:
        """The limit of time in words."""
        return f"the time limit of {self.limits.seconds:g} s"

    def memory_limit(self) -> str:
        """The limit of memory in words."""
        if self.limits.memory is not None:
            return f"the memory limit of {self.limits.memory:,} bytes"
        return (
            f"the memory limit of {self.memory:,} bytes, the default on this machine (--memory sets another)"
        )


class _Interrupt:
    """A KeyboardInterrupt in the thread that makes this, unless it is done in time."""

    def __init__(self, seconds: float) -> None:
        self.sent = False
        self._thread = threading.get_ident()
        self._lock, self._done = threading.Lock(), False
        self._timer = threading.Timer(seconds, self._send)
        self._timer.daemon = True

    def __enter__(self) -> None:
        background.start(self._timer)

    def __exit__(self, *_: object) -> None:
        # One that was sent and has not come yet comes here.
        with self._lock:
            self._done = True
        self._timer.cancel()

    def _send(self) -> None:
        with self._lock:
            if not self._done:
                self.sent = True
                background.interrupt(self._thread, KeyboardInterrupt)


def resident() -> int:
    """The bytes of memory that this process has now (on a system that does not tell: has had at most)."""
    with suppress(OSError):
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * resource.getpagesize()
    return peak_memory()


def peak_memory() -> int:
    """The largest resident size of this process so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def memory_share() -> int:
    """Three quarters of the memory that there is for this process, and nine tenths of what is free of it now, if that is less."""
    there = min(_there())
    free = [there * 9 // 10]
    with suppress(OSError, StopIteration, ValueError, IndexError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        available = next(line for line in lines if line.startswith("MemAvailable:"))
        free.append((int(available.split()[1]) * 1024 + resident()) * 9 // 10)
    return min(there * 3 // 4, *free)


def _there() -> Iterator[int]:
    """What bounds the memory of this process: the machine, its limit on address space, the control groups that it is in."""
    yield os.sysconf("SC_PHYS_PAGES") * resource.getpagesize()
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        yield soft
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                yield from _groups(Path("/sys/fs/cgroup"), path, "memory.max")
            elif "memory" in controllers.split(","):
                yield from _groups(Path("/sys/fs/cgroup/memory"), path, "memory.limit_in_bytes")


def _groups(root: Path, path: str, name: str) -> Iterator[int]:
    """The limits of a control group and of those that it is in; in a container the group itself is the root."""
    group = root / path.lstrip("/")
    for folder in (group, *group.parents):
        if folder != root and root not in folder.parents:
            return
        with suppress(OSError, ValueError):
            yield int((folder / name).read_text(encoding="ascii"))


def cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
