"""A server that grants a lease, kept in SQLite, to processes that ask for it by datagrams. It knows nothing of models.

Guarantees: what was answered survives the server's end, however that comes (SQLite commits before the answer; WAL with
`synchronous=NORMAL` is proof against the end of the process, not against that of the machine). An event stands in the log
exactly if its change was made: both are one transaction.

    python lease_server.py leases.db leases.sock --length 2000      serve
    python lease_server.py leases.db --log                          the log, for `ratified trace`
"""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS lease (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    holder TEXT, token INTEGER NOT NULL, until INTEGER NOT NULL, seen INTEGER NOT NULL);
INSERT OR IGNORE INTO lease VALUES (1, NULL, 0, 0, 0);
CREATE TABLE IF NOT EXISTS log (id INTEGER PRIMARY KEY, event TEXT NOT NULL);
"""


def milliseconds() -> int:
    """A clock that goes on while the server does not run."""
    return time.monotonic_ns() // 1_000_000


class Leases:
    """One lease, for `length` milliseconds at a time, and a register that only its holder may write.

    Each grant has a token, larger than those before. A write under an older token than the register has seen is refused: who
    was stopped for a while may not know that its lease is over.
    """

    def __init__(self, path: Path, length: int, clock: Callable[[], int] = milliseconds) -> None:
        self.length, self.clock = length, clock
        self.database = sqlite3.connect(path, isolation_level=None)
        self.database.execute("PRAGMA journal_mode=WAL")
        self.database.execute("PRAGMA synchronous=NORMAL")
        self.database.executescript(SCHEMA)
        with self._changing("started", ""):
            pass

    def acquire(self, client: str) -> int | None:
        """Grant the lease, unless it runs: the token, or None."""
        with self._changing("granted", client) as (lease, event):
            if lease["until"] > event["now"]:
                event["action"] = "busy"
                return None
            lease["holder"] = client
            lease["token"] += 1
            lease["until"] = event["now"] + self.length
            event["token"] = lease["token"]
            return int(lease["token"])

    def renew(self, client: str, token: int) -> bool:
        """Give a lease that still runs all of its time again."""
        with self._changing("renewed", client, token) as (lease, event):
            if not self._holds(lease, event):
                event["action"] = "late"
                return False
            lease["until"] = event["now"] + self.length
            return True

    def release(self, client: str, token: int) -> bool:
        """End a lease that still runs."""
        with self._changing("released", client, token) as (lease, event):
            if not self._holds(lease, event):
                event["action"] = "late"
                return False
            lease["until"] = event["now"]
            return True

    def write(self, client: str, token: int) -> bool:
        """Write the register, unless a newer token was seen there."""
        with self._changing("written", client, token) as (lease, event):
            if token < lease["seen"]:
                event["action"] = "stale"
                return False
            lease["seen"] = token
            return True

    def state(self) -> dict[str, Any]:
        """Who has the lease and for how long, the last token, and the newest that the register has seen."""
        return _shown(self._lease(), self.clock())

    def answer(self, request: Mapping[str, Any]) -> Any:
        """What a method that is named answers."""
        methods = {m.__name__: m for m in (self.acquire, self.renew, self.release, self.write, self.state)}
        return methods[request["do"]](*request["with"])

    def log(self) -> Iterator[str]:
        """The events, as lines of JSON."""
        for (event,) in self.database.execute("SELECT event FROM log ORDER BY id"):
            yield event

    def _holds(self, lease: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
        return bool(lease["token"] == event["token"] and lease["until"] > event["now"])

    def _lease(self) -> dict[str, Any]:
        row = self.database.execute("SELECT holder, token, until, seen FROM lease").fetchone()
        return dict(zip(("holder", "token", "until", "seen"), row, strict=True))

    @contextlib.contextmanager
    def _changing(
        self, action: str, client: str, token: int = 0
    ) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """The lease, to be changed, and what the log will say, both in one transaction."""
        self.database.execute("BEGIN IMMEDIATE")
        with self.database:
            lease, now = self._lease(), self.clock()
            event = {"action": action, "client": client, "token": token, "now": now}
            yield lease, event
            self.database.execute(
                "UPDATE lease SET holder = :holder, token = :token, until = :until, seen = :seen", lease
            )
            told = {
                "action": event.pop("action"),
                "arguments": event,
                "variables": _shown(lease, now),
            }
            self.database.execute("INSERT INTO log (event) VALUES (?)", (json.dumps(told),))


def _shown(lease: Mapping[str, Any], now: int) -> dict[str, Any]:
    left = max(lease["until"] - now, 0)
    return {
        "holder": lease["holder"] if left else None,
        "left": left,
        "last": lease["token"],
        "seen": lease["seen"],
    }


class LeaseClient:
    """A client of the server, which asks by `ask`. `token` is that of the lease that it believes to have, or 0."""

    def __init__(self, name: str, ask: Callable[..., Any]) -> None:
        self.name, self.ask, self.token = name, ask, 0

    def acquire(self) -> bool:
        """Ask for the lease."""
        token = self.ask("acquire", self.name)
        if token is not None:
            self.token = token
        return token is not None

    def renew(self) -> bool:
        """Ask for more time; if it is too late the lease is lost."""
        return self._while_held("renew")

    def release(self) -> bool:
        """Give the lease back; whether there was one."""
        held = self._while_held("release")
        self.token = 0
        return held

    def write(self) -> bool:
        """Write the register; if that is refused the lease is lost."""
        return self._while_held("write")

    def _while_held(self, what: str) -> bool:
        if not self.token:
            return False
        held: bool = self.ask(what, self.name, self.token)
        if not held:
            self.token = 0
        return held


def listening(path: Path) -> socket.socket:
    """A socket that datagrams can be sent to. It may be handed to one server after another: what was sent waits there."""
    path.unlink(missing_ok=True)
    found = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    found.bind(str(path))
    return found


def serve(leases: Leases, requests: socket.socket) -> None:
    """Answer what comes, for ever."""
    while True:
        data, sender = requests.recvfrom(1 << 16)
        request = json.loads(data)
        answer = {"id": request["id"], "answer": leases.answer(request)}
        with contextlib.suppress(OSError):  # who asked is there no more
            requests.sendto(json.dumps(answer).encode(), sender)


def main() -> None:
    """Serve, or print the log."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("database", type=Path)
    parser.add_argument("socket", type=Path, nargs="?")
    parser.add_argument("--length", type=int, default=2_000, help="milliseconds")
    parser.add_argument("--log", action="store_true", help="print the log")
    given = parser.parse_args()
    leases = Leases(given.database, given.length)
    if given.log or given.socket is None:
        sys.stdout.writelines(f"{event}\n" for event in leases.log())
        return
    with listening(given.socket) as requests:
        serve(leases, requests)


if __name__ == "__main__":
    main()
