"""A queue of jobs in SQLite: each is done at least once, or given up after so many attempts. It knows nothing of models.

Who takes a job has it for a time, under a receipt; a job that is not done in time is taken again. An answer under an old receipt
changes nothing. Times are whole numbers of a clock that is handed in.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass

SCHEMA = """
CREATE TABLE IF NOT EXISTS job (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, state TEXT NOT NULL DEFAULT 'waiting',
    attempts INTEGER NOT NULL DEFAULT 0, until INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS by_state ON job (state, id);
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """A job that somebody has: `receipt` is the number of the attempt."""

    name: str
    receipt: int


class JobQueue:
    """Jobs, each for `within` units of time and `most` attempts."""

    def __init__(self, database: str, clock: Callable[[], int], within: int = 30, most: int = 5) -> None:
        self.clock, self.within, self.most = clock, within, most
        self.database = sqlite3.connect(database, isolation_level=None)
        self.database.executescript(SCHEMA)

    def put(self, name: str) -> bool:
        """Add a job at the end, unless there is one of that name."""
        with self._transaction() as database:
            done = database.execute("INSERT INTO job (name) VALUES (?) ON CONFLICT DO NOTHING", (name,))
            return done.rowcount == 1

    def take(self) -> Taken | None:
        """The oldest job that waits, if there is one."""
        with self._transaction() as database:
            self._expire(database)
            row = database.execute(
                "SELECT id, name, attempts FROM job WHERE state = 'waiting' ORDER BY id LIMIT 1"
            ).fetchone()
            if row is None:
                return None
            key, name, attempts = row
            database.execute(
                "UPDATE job SET state = 'taken', attempts = ?, until = ? WHERE id = ?",
                (attempts + 1, self.clock() + self.within, key),
            )
            return Taken(name, attempts + 1)

    def done(self, job: Taken) -> bool:
        """A job is done, in time."""
        with self._transaction() as database:
            self._expire(database)
            return self._settle(database, job, "done")

    def failed(self, job: Taken) -> bool:
        """An attempt came to nothing: the job waits again, or is given up."""
        with self._transaction() as database:
            self._expire(database)
            return self._settle(database, job, self._after(job.receipt))

    def more_time(self, job: Taken) -> bool:
        """Who has a job needs longer."""
        with self._transaction() as database:
            self._expire(database)
            done = database.execute(
                "UPDATE job SET until = ? WHERE name = ? AND state = 'taken' AND attempts = ?",
                (self.clock() + self.within, job.name, job.receipt),
            )
            return done.rowcount == 1

    def states(self) -> dict[str, tuple[str, int]]:
        """Of each job its state and how many attempts there were."""
        with self._transaction() as database:
            self._expire(database)
            rows = database.execute("SELECT name, state, attempts FROM job ORDER BY id")
            return {name: (state, attempts) for name, state, attempts in rows}

    def _after(self, attempts: int) -> str:
        return "waiting" if attempts < self.most else "dead"

    def _settle(self, database: sqlite3.Connection, job: Taken, state: str) -> bool:
        done = database.execute(
            "UPDATE job SET state = ? WHERE name = ? AND state = 'taken' AND attempts = ?",
            (state, job.name, job.receipt),
        )
        return done.rowcount == 1

    def _expire(self, database: sqlite3.Connection) -> None:
        """What was not done in time waits again, or is given up."""
        late = database.execute(
            "SELECT id, attempts FROM job WHERE state = 'taken' AND until <= ?", (self.clock(),)
        ).fetchall()
        for key, attempts in late:
            database.execute("UPDATE job SET state = ? WHERE id = ?", (self._after(attempts), key))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self.database.execute("BEGIN IMMEDIATE")
        with self.database:
            yield self.database
