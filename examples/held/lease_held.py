"""The lease server held to its model: driven along every step, killed in every state, and followed by its log.

ratified conform examples/held/lease_held.py:Service --size standard
ratified trace examples/held/lease_held.py:Log run.ndjson
"""

from __future__ import annotations

import json
import multiprocessing
import select
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from lease_model import Client, LeaseService
from lease_server import LeaseClient, Leases, listening, serve

from ratified import (
    Binding,
    Driver,
    Event,
    Names,
    Observation,
    Observed,
    Refused,
    Steps,
    attempt,
    do,
    drive,
    holds,
    refused,
)
from ratified.conform.driving.result import Driven

PATIENCE: Final = 10.0  # seconds that a server may take for an answer
MEMORY = Path("/dev/shm")  # a database that outlives processes, and needs no disk
FORK = multiprocessing.get_context("fork")


class Service(Driver):
    """A process that serves, on a database in a file, with a clock that is moved by hand; clients that ask it."""

    model = LeaseService

    def begin(self, model: Any) -> None:
        """How long a lease lasts; a database and a socket, for all that is driven."""
        self.length: int = model.length
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
        self.requests = listening(self.folder / "server")
        self.answers = listening(self.folder / "clients")
        self.clock = FORK.Value("q", 0, lock=False)  # memory that both processes have: it outlives servers
        self.server: Any = None

    def close(self) -> None:
        """End the process, and leave no file."""
        self.kill()
        self.requests.close()
        self.answers.close()
        shutil.rmtree(self.folder)

    def reset(self) -> None:
        """A new database, and a server on it."""
        self.kill()
        for file in self.folder.glob("leases.db*"):
            file.unlink()
        self.start()
        self.clients = {str(c): LeaseClient(str(c), self.ask) for c in Client}

    def start(self) -> None:
        """A server, which goes on with what the database has."""
        self.server = FORK.Process(target=self.run, daemon=True)
        self.server.start()

    def run(self) -> None:
        """What the server's process does."""
        leases = Leases(self.folder / "leases.db", self.length, lambda: self.clock.value)
        serve(leases, self.requests)

    def kill(self) -> None:
        """SIGKILL."""
        if self.server is not None:
            self.server.kill()
            self.server.join()
            self.server.close()
            self.server = None

    def ask(self, what: str, *arguments: Any) -> Any:
        """Ask the server, as its clients do."""
        told = json.dumps({"id": 0, "do": what, "with": arguments}).encode()
        self.answers.sendto(told, str(self.folder / "server"))
        ready, _, _ = select.select([self.answers, self.server.sentinel], [], [], PATIENCE)
        assert ready, f"no answer within {PATIENCE:g} s"
        assert self.answers in ready, "the server has ended"
        return json.loads(self.answers.recv(1 << 16))["answer"]

    def acquire(self, c: Client) -> None:
        """By a client's library, as all that follows."""
        self.must(self.clients[str(c)].acquire())

    def renew(self, c: Client) -> None:
        """In time."""
        self.must(self.clients[str(c)].renew())

    def release(self, c: Client) -> None:
        """In time."""
        self.must(self.clients[str(c)].release())

    cannot_ask = dict.fromkeys(
        ("renew", "release", "write", "late", "stale"),
        "what is asked for is the same, and the answer says which it was",
    )

    def late(self, c: Client) -> None:
        """The same as to renew, and what is not possible is to be told."""
        self.must(not self.clients[str(c)].renew())

    def write(self, c: Client) -> None:
        """As a client does that believes to have the lease."""
        self.must(self.clients[str(c)].write())

    def stale(self, c: Client) -> None:
        """The same, and what is not possible is to be told."""
        self.must(not self.clients[str(c)].write())

    def elapse(self, n: int) -> None:
        """Move the clock."""
        self.clock.value += n

    def crash(self) -> None:
        """The server is killed, and started again."""
        self.kill()
        self.start()

    def must(self, done: bool) -> None:
        """What was asked was done."""
        if not done:
            raise Refused("the server says no")

    def observe(self) -> Observation:
        """What the server has, and what clients believe."""
        return {**self.ask("state"), "mine": {name: client.token for name, client in self.clients.items()}}


def driven() -> Driven:
    """Every step, in few walks. Random ones would be killed too often to be quick."""
    return drive(Service, LeaseService(Client=2))


class Log(Binding):
    """The server's log, whose events have the time in milliseconds. The first event says when it began."""

    def __init__(self, clients: int = 20, length: int = 50) -> None:
        self.client = Names(Client, clients)
        self.clients, self.length = clients, length
        self.now: int | None = None

    def model(self) -> LeaseService:
        """Room for a long run."""
        return LeaseService(Client=self.clients, length=self.length, most=1_000_000_000)

    def steps(self, event: Event) -> Steps:
        """For all events: time goes by, and then there is what the event means."""
        meant = super().steps(event)
        now: int = event.arguments["now"]
        passed = 0 if self.now is None else now - self.now
        if passed < 0:
            raise ValueError(f"the clock runs backwards by {-passed} ms")
        self.now = now
        return (do("elapse", n=min(passed, self.length)), meant) if passed else meant

    def on_started(self, now: int) -> Steps:
        """For the first time, or again: what it begins with is compared."""
        return do("crash")

    def on_granted(self, now: int, client: str, token: int) -> Steps:
        """Under a new token, which is compared."""
        c = self.client(client)
        return do("acquire", c=c), self.under(c, token)

    def on_busy(self, now: int, client: str) -> Steps:
        """The lease must run."""
        return refused(do("acquire", c=self.client(client)))

    def on_renewed(self, now: int, client: str, token: int) -> Steps:
        """In time."""
        c = self.client(client)
        return self.under(c, token), do("renew", c=c)

    def on_released(self, now: int, client: str, token: int) -> Steps:
        """In time."""
        c = self.client(client)
        return self.under(c, token), do("release", c=c)

    def on_late(self, now: int, client: str, token: int) -> Steps:
        """It must be too late. Who did not hear an answer asks again, under a token that it has no more."""
        c = self.client(client)
        return refused(do("renew", c=c)), attempt(do("late", c=c))

    def on_written(self, now: int, client: str, token: int) -> Steps:
        """A write."""
        c = self.client(client)
        return self.under(c, token), do("write", c=c)

    def on_stale(self, now: int, client: str, token: int) -> Steps:
        """A refusal, for which there must be a reason; it too may be asked for again."""
        c = self.client(client)
        return refused(do("write", c=c)), attempt(do("stale", c=c))

    def under(self, c: Client, token: int) -> Steps:
        """It is the token that the client has."""
        return holds("believes", c, expected=token)

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:
        """All that the server knows."""
        return {
            ("holder",): self.client.maybe(variables["holder"]),
            ("left",): variables["left"],
            ("last",): variables["last"],
            ("seen",): variables["seen"],
        }
