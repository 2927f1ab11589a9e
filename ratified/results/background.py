"""Work in a thread of its own that can be ended: what takes long and looks at no limits, while these and the keyboard are heeded.

Guarantees: what the work returns or raises is what `result` does; after `end` returns, the work is over, and what it had under
way was cleaned up as after any exception (a compiler that it runs is ended). Whether it is over is never asked of the thread:
`Thread.join`, when Ctrl-C interrupts it, takes a thread that runs for one that has ended (python/cpython#89437).
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")

BETWEEN_LOOKS = 0.05
"""Seconds."""

CLEANING_UP = 20
"""So many half seconds work that was ended may take for cleaning up before it is ended again."""


STARTING = threading.Lock()
"""Held by work while it starts something that has to be ended with it, a thread or a process, until that is known to be there.

Work that was ended halfway would leave a process that nobody knows. And until a thread runs, Python takes it for the one that
starts it, and would end it instead.
"""


def start(thread: threading.Thread) -> None:
    """Start a thread from work that may be ended."""
    with STARTING:
        thread.start()


def interrupt(thread: int, kind: type[BaseException]) -> bool:
    """Have an exception raised in a thread, by its identifier, wherever it is in Python's own code; whether it is there.

    Such a one is never taken back: CPython would look for it for ever.
    """
    return bool(ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(kind)))


class _Ended(BaseException):
    """What the thread of the work is sent. No handler of exceptions takes it for one of the work's own."""


@contextmanager
def _lost() -> Iterator[threading.Event]:
    """Tells whether work that was ended went on, because it was in code that lets no exception out.

    That is a destructor, say: Python prints what is raised there ("Exception ignored in"), and goes on.
    """
    lost, before = threading.Event(), sys.unraisablehook

    def heard(unraisable: sys.UnraisableHookArgs) -> None:
        if issubclass(unraisable.exc_type, _Ended):
            lost.set()
        else:
            before(unraisable)

    sys.unraisablehook = heard
    try:
        yield lost
    finally:
        sys.unraisablehook = before


class Background(Generic[T]):
    """Work that has begun in another thread. `interrupt` lets what it waits for outside of Python end."""

    def __init__(self, work: Callable[[], T], interrupt: Callable[[], None] = lambda: None) -> None:
        self._work = work
        self._interrupt = interrupt
        self._returned: list[T] = []
        self._raised: BaseException | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="preparing", daemon=True)
        start(self._thread)

    def _run(self) -> None:
        try:
            self._returned.append(self._work())
        except BaseException as problem:  # noqa: BLE001  # it is raised again where the result is asked for
            self._raised = problem
        finally:
            self._done.set()

    def over(self, seconds: float) -> bool:
        """Whether the work is over, after at most so many seconds."""
        return self._done.wait(seconds)

    @property
    def failed(self) -> BaseException | None:
        """What the work raised, if it is over and did."""
        return self._raised if self._done.is_set() else None

    def result(self) -> T:
        """What the work returned, once it is over. Raises what it raised."""
        self._done.wait()
        if self._raised is not None:
            raise self._raised
        return self._returned[0]

    def attend(self, look: Callable[[], None], most: float | None = None) -> bool:
        """Whether the work is over, after at most so many seconds; until then `look` is called now and then.

        Whatever that raises, or the keyboard, ends the work and is raised again.
        """
        begun = time.monotonic()
        try:
            while not self.over(BETWEEN_LOOKS):
                look()
                if most is not None and time.monotonic() - begun >= most:
                    return False
        except BaseException:
            self.end()
            raise
        return True

    def end(self) -> None:
        """End the work, wherever it is in Python's own code, and wait for that."""
        with _lost() as lost:
            while not self._done.is_set():
                lost.clear()
                with STARTING:
                    sent = interrupt(self._thread.ident or 0, _Ended)
                # Where there is no such thread any more, the last one came when it was about to say so.
                if not sent:
                    self._done.set()
                for _ in range(CLEANING_UP):  # which another of these would disturb
                    self._interrupt()
                    if self.over(0.5):
                        return
                    if lost.is_set():
                        break
