"""Analyses texts, each in a process of its own that is stopped when it takes too long or nobody waits for it any more.

Guarantees: whatever a module does when it is imported (loops, exits, dies, writes to standard output, starts processes), an
answer comes for its text within the limit and a second, or none if a later text of the same key came first. A process is
forked from one that has imported Ratified, so that an answer does not wait for that.

A line of standard input is a request, {"id", "key", "path", "text"}; one of standard output the answer, {"id", "analysis"}.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import selectors
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ratified.editor.analysis import BEGINNING, Analysis, Problem, TooLongError, analysed

MEMORY = 4 << 30
"""Bytes that an analysis may have."""
GRACE = 1.0
"""Seconds in which a module that is told to stop has to do so."""


@dataclass(slots=True)
class _Child:
    id: int
    key: str
    process: int
    pipe: int
    deadline: float
    said: bytearray = field(default_factory=bytearray)


class Worker:
    """Reads requests, keeps a process for each key, writes answers."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.output = os.dup(1)
        self.selector = selectors.DefaultSelector()
        self.children: dict[str, _Child] = {}

    def serve(self) -> None:
        """Go on until standard input ends."""
        self.selector.register(0, selectors.EVENT_READ)
        waiting = b""
        while True:
            for ready, _ in self.selector.select(self._patience()):
                if ready.data is not None:
                    self._hear(ready.data)
                elif more := os.read(0, 1 << 16):
                    *lines, waiting = (waiting + more).split(b"\n")
                    for line in lines:
                        self._begin(json.loads(line))
                else:
                    for child in list(self.children.values()):
                        self._end(child)
                    return
            now = time.monotonic()
            for child in [c for c in self.children.values() if c.deadline <= now]:
                self._answer(child, _failed(f"importing this takes more than {self.seconds:g} s"))

    def _patience(self) -> float | None:
        deadlines = [c.deadline for c in self.children.values()]
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None

    def _begin(self, request: dict[str, Any]) -> None:
        key = request["key"]
        if key in self.children:
            self._end(self.children[key])
        if "text" not in request:
            return
        reading, writing = os.pipe()
        process = os.fork()
        if process == 0:
            self._child(request["path"], request["text"], writing)
        os.close(writing)
        deadline = time.monotonic() + self.seconds + GRACE
        child = self.children[key] = _Child(request["id"], key, process, reading, deadline)
        self.selector.register(reading, selectors.EVENT_READ, child)

    def _hear(self, child: _Child) -> None:
        if self.children.get(child.key) is not child:
            return  # it was ended by what was read before
        more = os.read(child.pipe, 1 << 16)
        child.said += more
        if child.said.endswith(b"\n"):
            self._answer(child, json.loads(child.said))
        elif not more:
            self._answer(child, _failed("Python crashes when this is imported"))

    def _answer(self, child: _Child, analysis: dict[str, Any]) -> None:
        self._end(child)
        _write(self.output, json.dumps({"id": child.id, "analysis": analysis}).encode() + b"\n")

    def _end(self, child: _Child) -> None:
        """Stop a process and all that it started."""
        del self.children[child.key]
        self.selector.unregister(child.pipe)
        os.close(child.pipe)
        for kill in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError):
                kill(child.process, signal.SIGKILL)
        os.waitpid(child.process, 0)

    def _child(self, path: str, text: str, pipe: int) -> NoReturn:
        """Analyse, say what came of it, and leave."""
        gc.disable()  # it would walk over all that was imported, and all is given back soon
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        os.close(self.output)
        self.selector.close()
        me, leave = os.getpid(), os._exit
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGALRM, self._too_long)
        signal.setitimer(signal.ITIMER_REAL, self.seconds)
        try:
            found = analysed(path, text).plain()
        except TooLongError as error:
            found = _failed(str(error))
        except BaseException as error:  # noqa: BLE001 - an answer is due whatever a person's file has done
            found = _failed(f"this cannot be analysed: {type(error).__name__}: {error}")
        signal.setitimer(signal.ITIMER_REAL, 0)
        if os.getpid() == me:
            _write(pipe, json.dumps(found).encode() + b"\n")
        leave(0)

    def _too_long(self, *_: object) -> NoReturn:
        raise TooLongError(f"importing this takes more than {self.seconds:g} s, and was stopped here")


def _failed(message: str) -> dict[str, Any]:
    return Analysis((Problem(message, "", BEGINNING),)).plain()


def _write(number: int, text: bytes) -> None:
    while text:
        text = text[os.write(number, text) :]


if __name__ == "__main__":
    Worker(float(sys.argv[1])).serve()
