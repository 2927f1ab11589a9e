"""A process that is one node, from its settings to its exit status.

Guarantees: SIGTERM and SIGINT stop it gracefully, with 0; whatever else ends it is one line of the log and a status that says of
what kind it was (`errors.py`); with `parent`, it does not outlive the process that started it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from ratified.impl.runtime.errors import RuntimeFault, Unwell
from ratified.impl.runtime.links import Log
from ratified.impl.runtime.node import MakeStorage, Node
from ratified.impl.runtime.observing import Observing
from ratified.impl.runtime.services import service
from ratified.impl.runtime.settings import Settings
from ratified.impl.runtime.storage import Storage
from ratified.impl.services.extras import missing

try:
    import structlog
except ModuleNotFoundError as error:
    raise missing("structlog", "structlog", "serve", error) from None

FILES = 8_192

DIE_WITH_PARENT = 1  # prctl's PR_SET_PDEATHSIG


def logger(node: str, out: TextIO | None = None) -> Log:
    """Return a structured log: a line of JSON for each event."""
    log: Log = structlog.wrap_logger(
        structlog.PrintLogger(out or sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        node=node,
    )
    return log


def serve(
    settings: Settings,
    *,
    parent: bool = False,
    storage: MakeStorage = Storage,
    core: Callable[[Node], None] | None = None,
    log: Log | None = None,
) -> int:
    """Run a node until somebody stops it; return the exit status.

    `storage` and `core` are for tests of those who test clusters: another storage, and what is done to a node before it starts.
    """
    log = log or logger(settings.node)
    if parent:
        follow_parent()
    take_files()
    try:
        with asyncio.Runner(loop_factory=_loop()) as runner:
            return runner.run(_serve(settings, log, storage, core, parent))
    except RuntimeFault as fault:
        log.error("not started", why=str(fault))
        return fault.status


def take_files() -> None:
    """Have as many files, and so connections, as are served: many shells begin with 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def follow_parent() -> None:
    """End with the process that started this one, even while stopped by a signal (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)


async def _serve(
    settings: Settings,
    log: Log,
    storage: MakeStorage,
    core: Callable[[Node], None] | None,
    parent: bool,
) -> int:
    loop = asyncio.get_running_loop()
    with _stopping(loop) as stopped:
        if parent:
            loop.add_reader(0, _until_end, loop, stopped)
        tls = None
        if settings.tls is not None:
            from ratified.impl.runtime.tls import contexts

            tls = contexts(settings.tls)
        serves = service(settings.machine)
        node = Node(settings, serves.machine(), log, tls=tls, storage=storage)
        loop.set_exception_handler(lambda _, context: _unexpected(node, log, context))
        if core is not None:
            core(node)
        http = Observing(settings.http, node.report, tls[0] if tls else None) if settings.http else None
        try:
            await node.start()
            assert node.failed is not None
            async with contextlib.AsyncExitStack() as stack:
                if serves.front_end is not None:
                    await stack.enter_async_context(serves.front_end(node, settings, log))
                asked = asyncio.ensure_future(stopped.wait())
                either: list[asyncio.Future[Any]] = [asked, node.failed]
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                asked.cancel()
            fault = node.failed.result() if node.failed.done() else None
        finally:
            await node.stop()
            if http is not None:
                http.close()
        log.info("ended", why="it was asked to" if fault is None else str(fault))
        return 0 if fault is None else fault.status


@contextlib.contextmanager
def _stopping(loop: asyncio.AbstractEventLoop) -> Iterator[asyncio.Event]:
    """What SIGTERM and SIGINT set. uvloop's handlers would stay when it is closed."""
    numbers, stopped = (signal.SIGTERM, signal.SIGINT), asyncio.Event()
    for number in numbers:
        loop.add_signal_handler(number, stopped.set)
    try:
        yield stopped
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def _until_end(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    """The pipe from the process that started this one is at its end."""
    if not os.read(0, 1024):
        loop.remove_reader(0)
        stopped.set()


def _unexpected(node: Node, log: Log, context: dict[str, Any]) -> None:
    """Something raised where nothing may. A node that is not what it should be does not go on."""
    error = context.get("exception")
    log.error("unexpected", what=context.get("message", ""), error=repr(error))
    if error is not None and not isinstance(error, OSError):
        node.fail(Unwell(f"unexpected {error!r}"))


def _loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, where it is installed."""
    try:
        import uvloop
    except ModuleNotFoundError:
        return None
    made: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return made
