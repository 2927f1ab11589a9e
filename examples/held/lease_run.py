"""A lease server and its clients, as processes, while the server is killed and clients are stopped; the log is written down.

    python examples/held/lease_run.py run.ndjson --kills 20
    ratified trace examples/held/lease_held.py:Log run.ndjson

The server is killed (SIGKILL) after every so many events. Datagrams wait for the next one; one that was taken and not answered is
lost, and sent again. With the server, who has the lease is stopped (SIGSTOP) until somebody else has it: then it goes on
(SIGCONT), and believes to have it still.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import select
import signal
import socket
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from lease_server import LeaseClient, Leases, listening, serve

FORK = multiprocessing.get_context("fork")
LENGTH = 50  # milliseconds of a lease
ANSWER_WITHIN = 0.05  # seconds
CLIENTS = 4


def work(number: int, folder: Path) -> None:
    """What a client does: it wants the lease, and does something with it, longer than it has it if that happens."""
    random, name, serial = Random(number), f"c{number}", count(1)  # noqa: S311 - no secret
    with listening(folder / name) as answers:

        def ask(what: str, *arguments: Any) -> Any:
            asked = next(serial)
            told = json.dumps({"id": asked, "do": what, "with": arguments}).encode()
            while True:
                answers.sendto(told, str(folder / "server"))
                while select.select([answers], [], [], ANSWER_WITHIN)[0]:
                    answer = json.loads(answers.recv(1 << 16))
                    if answer["id"] == asked:  # and not late, to something before
                        return answer["answer"]

        client = LeaseClient(name, ask)
        while True:
            if not client.token and not client.acquire():
                time.sleep(random.uniform(0, LENGTH / 5_000))
            elif random.random() < 0.2:
                client.renew()
            elif random.random() < 0.1:
                client.release()
            elif client.token:
                client.write()
                time.sleep(random.uniform(0, LENGTH / 20_000))


def server(folder: Path, requests: socket.socket) -> None:
    """Serve."""
    serve(Leases(folder / "leases.db", LENGTH), requests)


def started(target: Any, *arguments: Any) -> Any:
    """A process that ends with this one."""
    process = FORK.Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def run(kills: int, every: int, folder: Path) -> None:
    """Until the server was killed so often, each time after so many events."""
    with listening(folder / "server") as requests:
        serving = started(server, folder, requests)
        clients = {f"c{n}": started(work, n, folder) for n in range(CLIENTS)}
        stopped: str | None = None
        killed = last = 0
        try:
            for events, holder in watched(folder / "leases.db"):
                if stopped is not None and holder != stopped:
                    os.kill(clients[stopped].pid, signal.SIGCONT)
                    stopped = None
                if stopped is not None or events < last + every:
                    continue
                if killed == kills:
                    break
                serving.kill()
                serving.join()
                serving = started(server, folder, requests)
                killed, last = killed + 1, events
                if holder is not None:
                    os.kill(clients[holder].pid, signal.SIGSTOP)
                    stopped = holder
        finally:
            for process in (serving, *clients.values()):
                process.kill()
                process.join()


def watched(database: Path) -> Iterator[tuple[int, str | None]]:
    """How many events there are, and who had the lease last, now and then.

    The database is closed by then: a server that is forked while it is open takes SQLite's locks for its own, and loses commits
    when this process closes it (sqlite.org, "How to corrupt an SQLite database file", section 2.6).
    """
    while True:
        time.sleep(0.002)
        with contextlib.suppress(sqlite3.Error):
            with contextlib.closing(sqlite3.connect(database)) as reading:
                (events,) = reading.execute("SELECT coalesce(max(id), 0) FROM log").fetchone()
                (holder,) = reading.execute("SELECT holder FROM lease").fetchone()
            yield events, holder


def main() -> None:
    """Run, and write the log."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("trace", type=Path)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--every", type=int, default=50, help="events between two of them, at least")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(given.kills, given.every, folder)
        with given.trace.open("w", encoding="utf-8") as file:
            for event in Leases(folder / "leases.db", LENGTH).log():
                file.write(event + "\n")


if __name__ == "__main__":
    main()
