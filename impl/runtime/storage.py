"""What a node must not forget, in an SQLite database: record, entries, snapshot, each with a checksum.

A write is handed over and done by a thread, in one transaction with all others that have gathered meanwhile (group commit); after
it is on the disk its token is told. While the disk is quick, a few short entries are written at once, without the thread, which
would take longer to wake. What only adds entries is a single statement, a transaction by itself. With a write-ahead
log and synchronous=FULL, SQLite has a transaction whole or not at all after any crash, in order: so a torn write of the contract
does not occur.

Guarantees: a token is told only when all up to it is durable; nothing is written after a write has failed; at the start every
checksum is verified, and what is not as it was written is a RefusedData that says where.
"""

from __future__ import annotations

import gc
import os
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from struct import Struct
from typing import Any

from ratified.impl.contract import (
    Durable,
    NodeId,
    Token,
    Truncate,
    Write,
    WriteEntries,
    WriteRecord,
    WriteSnapshot,
)
from ratified.impl.runtime.codec import Codec, CodecError
from ratified.impl.runtime.errors import DiskFault, RefusedData, RuntimeFault

FORMAT = 1
"""The version of what is in the database. One that is older would be converted here; a newer one is refused."""

CHUNK = 1 << 20
"""Bytes of a snapshot in one row."""

MOST_ADDED = 64
"""Entries that one statement adds."""

SHORT = 1 << 10
"""Bytes of entries that may be written at once: more are a batch of many callers, and the loop has other things to do."""

QUICK_SECONDS = 1e-3
"""How soon the disk must have had the last write, so that the next one may stop the loop."""

MARK = Struct(">3Q")
"""Of the file beside the database: commits, and the last entry that was added after them, with its checksum."""

TABLES = """
CREATE TABLE IF NOT EXISTS identity (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS record (one INTEGER PRIMARY KEY, body BLOB NOT NULL, sum INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS entries (at INTEGER PRIMARY KEY, body BLOB NOT NULL, sum INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS commits (count INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS snapshot (part INTEGER PRIMARY KEY, body BLOB NOT NULL, sum INTEGER NOT NULL);
"""

Row = tuple[int, bytes, int]
Told = Callable[[Token], None]
Failed = Callable[[RuntimeFault], None]


class Storage:
    """The database of one node. Opening it verifies all that is in it.

    Raises:
        RefusedData: it is another node's, or of a newer version, or not as it was written.
        DiskFault: it cannot be read or written.
    """

    clock = staticmethod(time.monotonic)

    def __init__(
        self,
        path: Path,
        kept: Codec,
        identity: dict[str, str],
        first: Callable[[], Durable],
        *,
        gapless: bool = True,
    ) -> None:
        self.path = path
        self._kept = kept
        self._gapless = gapless
        self.added = 0  # bytes of entries that were added, and how many that had been at the last snapshot
        self.added_before = 0
        self.snapshot_bytes = 0
        self.commits = 0  # transactions, but for those that only added entries
        self._added = (0, 0)  # the last entry that was added since the last of them, and its checksum
        self._pending: SimpleQueue[tuple[Token, Sequence[Write]] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._quick = False
        self._made: tuple[Sequence[Write], list[Row]] = (), []  # what was made of what is being written
        try:
            self._mark = os.open(path.with_suffix(".mark"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise DiskFault(f"{path.with_suffix('.mark')} cannot be written: {error.strerror}") from None
        try:
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._prepare(identity, first)
            self.durable: Durable = self._read()
            self.starts = self._count()
        except sqlite3.DatabaseError as error:
            raise _fault(path, error) from None

    # Opening

    def _prepare(self, identity: dict[str, str], first: Callable[[], Durable]) -> None:
        do = self._database.execute
        version = do("PRAGMA user_version").fetchone()[0]
        if version > FORMAT:
            raise RefusedData(
                f"{self.path} is of format {version}, written by a newer version; this one reads up to {FORMAT}"
            )
        do("PRAGMA locking_mode=EXCLUSIVE")  # the folder is this process's; so no transaction asks for locks
        do("PRAGMA journal_mode=WAL")
        do("PRAGMA synchronous=FULL")
        do("PRAGMA journal_size_limit=16777216")
        do("PRAGMA cache_size=-8192")
        if version == 0:
            do("BEGIN IMMEDIATE")
            for statement in filter(None, map(str.strip, TABLES.split(";"))):
                do(statement)
            for name, value in identity.items():
                do("INSERT INTO identity VALUES (?, ?)", (name, value))
            do("INSERT INTO commits VALUES (0)")
            self._put_durable(first())
            do(f"PRAGMA user_version={FORMAT}")
            do("COMMIT")
        found = dict(do("SELECT name, value FROM identity"))
        # A folder from before the machine was kept is of the one that it is opened with.
        unsaid = "machine" not in found
        found.setdefault("machine", identity["machine"])
        for name, value in identity.items():
            if found.get(name) != value:
                raise RefusedData(
                    f"{self.path} belongs to {name} {found.get(name)!r}, not {value!r}; give each node a folder of its own"
                )
        if unsaid:
            do("INSERT INTO identity VALUES ('machine', ?)", (identity["machine"],))

    def _count(self) -> int:
        """How often the node has been started, this time included."""
        do = self._database.execute
        do(
            "INSERT INTO identity VALUES ('starts', '1') "
            "ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INTEGER) + 1"
        )
        return int(do("SELECT value FROM identity WHERE name = 'starts'").fetchone()[0])

    def _put_durable(self, durable: Durable) -> None:
        if durable.record is not None:
            self._put(WriteRecord(durable.record))
        if durable.snapshot is not None:
            self._put(WriteSnapshot(getattr(durable.snapshot, "index", 0), durable.snapshot))
        for at, entry in durable.entries.items():
            self._put(WriteEntries(at, (entry,)))

    def _read(self) -> Durable:
        do = self._database.execute
        # A million entries are some millions of objects that are here to stay: counting them again and again is for nothing.
        gc.disable()
        try:
            record = self._decoded("the record", self._verified("record", do("SELECT * FROM record")))
            body = self._verified("snapshot", do("SELECT * FROM snapshot ORDER BY part"))
            self.snapshot_bytes = len(body)
            snapshot = self._decoded("the snapshot", body)
            decode = self._kept.decode
            entries: dict[int, Any] = {}
            at = 0
            try:
                for at, body in self._verified_rows(
                    "entry", do("SELECT at, body, sum FROM entries ORDER BY at")
                ):
                    entries[at] = decode(body)
                    self.added += len(body)
            except CodecError as error:
                raise RefusedData(f"{self.path}: entry {at} is none: {error}; {REMEDY}") from None
        finally:
            gc.enable()
        self.commits = int(do("SELECT count FROM commits").fetchone()[0])
        self._whole(entries, getattr(snapshot, "index", 0))
        return Durable(record, entries, snapshot)

    def _whole(self, entries: dict[int, Any], index: int) -> None:
        """No entry is missing between others, where the protocol has none missing; nor was a commit taken back."""
        if self._gapless:
            missing = next((n for n, at in enumerate(entries, index + 1) if n != at), None)
            if missing is not None:
                raise RefusedData(f"{self.path}: entry {missing} is missing; {REMEDY}")
        told, at, checksum = self._told()
        if self.commits < told:
            raise RefusedData(
                f"{self.path}: {told - self.commits} of {told} commits are gone that were on the disk; {REMEDY}"
            )
        found = self._database.execute("SELECT sum FROM entries WHERE at = ?", (at,)).fetchone()
        if self.commits == told and at and (found is None or found[0] != checksum):
            raise RefusedData(f"{self.path}: entry {at} is gone that was on the disk; {REMEDY}")

    def _told(self) -> tuple[int, int, int]:
        """How many commits were told, and what was added after the last of them: the last entry, and its checksum.

        What is in that file is not synced, so it may be older after a power cut, never newer.
        """
        found = os.pread(self._mark, MARK.size, 0)
        if len(found) < MARK.size:  # as it was before entries were added without counting
            found = (found[:8] if len(found) >= 8 else b"").ljust(MARK.size, b"\0")
        commits, at, checksum = MARK.unpack(found)
        return commits, at, checksum

    def _verified(self, table: str, rows: Iterator[Any]) -> bytes:
        return b"".join(body for _, body in self._verified_rows(table, rows))

    def _verified_rows(self, table: str, rows: Iterator[Any]) -> Iterator[tuple[int, bytes]]:
        crc = zlib.crc32
        for at, body, checksum in rows:
            if not isinstance(body, bytes) or crc(body, at & 0xFFFFFFFF) != checksum:
                what = f"{table} {at}" if table == "entry" else f"the {table}"
                raise RefusedData(f"{self.path}: {what} is not as it was written; {REMEDY}")
            yield at, body

    def _decoded(self, what: str, body: bytes) -> Any:
        try:
            return self._kept.decode(body) if body else None
        except CodecError as error:
            raise RefusedData(f"{self.path}: {what} is none: {error}; {REMEDY}") from None

    # Writing

    def begin(self, told: Told, failed: Failed) -> None:
        """Begin to write. `told` and `failed` are called in the thread that writes."""
        self._thread = threading.Thread(target=self._run, args=(told, failed), name="storage", daemon=True)
        self._thread.start()

    def write(self, token: Token, writes: Sequence[Write]) -> None:
        """Hand over what is to be made durable, after all that was before."""
        self._pending.put((token, writes))

    def write_at_once(self, writes: Sequence[Write]) -> bool:
        """Make writes durable now, if that takes no time; nothing may be pending. False: they are to be handed over.

        Raises:
            RuntimeFault: it failed, and nothing more may be written.
        """
        if not self._quick:
            return False
        rows = self._rows(writes)
        if not rows or sum(len(body) for _, body, _ in rows) > SHORT:
            return False
        self._made = writes, rows
        try:
            self._commit(writes)
        except (sqlite3.Error, CodecError) as error:
            raise self._failure(error) from None
        return True

    def close(self) -> None:
        """Write what is pending, and end."""
        self._pending.put(None)
        if self._thread is not None:
            self._thread.join()
        self._database.close()
        os.close(self._mark)

    def forget(self) -> None:
        """Keep no longer in memory what was read: the core has it now."""
        self.durable = Durable()

    def size(self) -> int:
        """Return the bytes on the disk, the write-ahead log included."""
        total = 0
        for path in (self.path, self.path.with_name(self.path.name + "-wal")):
            try:
                total += path.stat().st_size
            except OSError:
                continue
        return total

    def _run(self, told: Told, failed: Failed) -> None:
        over = False
        while not over:
            taken = [self._pending.get()]
            while taken[-1] is not None and not self._pending.empty():
                taken.append(self._pending.get())
            over = taken[-1] is None
            some = [each for each in taken if each is not None]
            if not some:
                return
            try:
                self._commit([write for _, writes in some for write in writes])
            except (sqlite3.Error, CodecError) as error:
                failed(self._failure(error))
                return
            told(some[-1][0])

    def _commit(self, writes: Sequence[Write]) -> None:
        began = self.clock()
        self.commit(writes)
        self._quick = self.clock() - began < QUICK_SECONDS
        os.pwrite(self._mark, MARK.pack(self.commits, *self._added), 0)

    def _failure(self, error: sqlite3.Error | CodecError) -> RuntimeFault:
        if isinstance(error, CodecError):
            return DiskFault(f"{self.path}: {error}")
        return _fault(self.path, error)

    def commit(self, writes: Sequence[Write]) -> None:
        """Make writes durable, all or none."""
        if self._add(writes):
            return
        do = self._database.execute
        do("BEGIN IMMEDIATE")
        try:
            for write in writes:
                self._put(write)
            do("UPDATE commits SET count = count + 1")
            do("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                do("ROLLBACK")
            raise
        self.commits += 1
        self._added = (0, 0)

    def _add(self, writes: Sequence[Write]) -> bool:
        """Make entries durable where there were none, all or none; False if that is not all that there is to write."""
        of, rows = self._made
        if of is not writes:
            rows = self._rows(writes)
        if not rows:
            return False
        try:
            self._database.execute(_adding(len(rows)), [value for row in rows for value in row])
        except sqlite3.IntegrityError:
            return False  # one is there already, and is to be replaced
        self._added = rows[-1][0], rows[-1][2]
        self.added += sum([len(body) for _, body, _ in rows])
        return True

    def _rows(self, writes: Sequence[Write]) -> list[Row]:
        """Return entries as they are kept; none if there is anything else to write, or more than one statement adds."""
        rows: list[Row] = []
        for write in writes:
            if type(write) is not WriteEntries or len(rows) + len(write.entries) > MOST_ADDED:
                return []
            rows += [
                _row(at, self._kept.encode(entry)) for at, entry in enumerate(write.entries, write.first)
            ]
        return rows

    def _put(self, write: Write) -> None:
        do, encode = self._database.execute, self._kept.encode
        match write:
            case WriteEntries(first, entries):
                rows = [_row(at, encode(entry)) for at, entry in enumerate(entries, first)]
                self._database.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)", rows)
                self.added += sum(len(body) for _, body, _ in rows)
            case WriteRecord(record):
                do("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", _row(1, encode(record)))
            case Truncate(first):
                do("DELETE FROM entries WHERE at >= ?", (first,))
            case WriteSnapshot(index, snapshot):
                body = encode(snapshot)
                do("DELETE FROM snapshot")
                self._database.executemany(
                    "INSERT INTO snapshot VALUES (?, ?, ?)",
                    [
                        _row(part, body[start : start + CHUNK])
                        for part, start in enumerate(range(0, len(body), CHUNK))
                    ],
                )
                do("DELETE FROM entries WHERE at <= ?", (index,))
                self.added_before, self.snapshot_bytes = self.added, len(body)


REMEDY = "nothing of it is used: move the folder away, and let the node join anew so that the others send it what it had"


@cache
def _adding(count: int) -> str:
    """Return a statement that adds so many entries."""
    return f"INSERT INTO entries VALUES {', '.join(['(?, ?, ?)'] * count)}"  # noqa: S608 - of question marks


def _row(at: int, body: bytes) -> Row:
    return at, body, zlib.crc32(body, at & 0xFFFFFFFF)


def _fault(path: Path, error: sqlite3.Error) -> RuntimeFault:
    """What an error of SQLite comes to: the disk, or what is on it."""
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return RefusedData(f"{path} is damaged: {error}; {REMEDY}")
    return DiskFault(f"{path}: {error}")


def identity(cluster: str, node: NodeId, protocol: str, machine: str) -> dict[str, str]:
    """Return what a folder says of whose it is."""
    return {"cluster": cluster, "node": node, "protocol": protocol, "machine": machine}
