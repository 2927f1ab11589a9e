"""What a node must not forget: all or nothing of what was written, and no word of what is not as it was."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from ratified.impl.contract import (
    Command,
    Durable,
    Truncate,
    Write,
    WriteEntries,
    WriteRecord,
    WriteSnapshot,
)
from ratified.impl.raft.membership import Membership
from ratified.impl.raft.messages import Entry, HardState, Snapshot
from ratified.impl.runtime.errors import DiskFault, InUse, RefusedData, RuntimeFault
from ratified.impl.runtime.folder import Folder, holder
from ratified.impl.runtime.hosted import hosted
from ratified.impl.runtime.storage import QUICK_SECONDS, SHORT, Storage, identity

REMEDY = "nothing of it is used: move the folder away, and let the node join anew so that the others send it what it had"
RAFT = hosted("raft")


def entry(number: int) -> Entry:
    return Entry(1, Command("alice", number, f"put x {number}".encode()))


@contextmanager
def opened(path: Path, node: str = "n1", machine: str = "kv") -> Iterator[Storage]:
    storage = Storage(
        path, RAFT.kept, identity("c", node, "raft", machine), lambda: RAFT.bootstrap(["n1", "n2", "n3"])
    )
    try:
        yield storage
    finally:
        storage.close()


def write(storage: Storage, *steps: tuple[Write, ...]) -> list[int]:
    """Have steps written by the thread; the tokens that were told."""
    told: list[int] = []
    done = threading.Event()

    def tell(token: int) -> None:
        told.append(token)
        if token == len(steps):
            done.set()

    storage.begin(tell, lambda fault: pytest.fail(str(fault)))
    for token, writes in enumerate(steps, 1):
        storage.write(token, writes)
    done.wait()
    return told


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "node.db"


def test_what_was_written_is_there(path: Path) -> None:
    snapshot = Snapshot(2, 1, Membership(("n1",)), (("alice", 2, b""),), bytes(3 << 20))
    expected = Durable(record=None)
    with opened(path) as storage:
        expected = storage.durable
        steps: list[tuple[Write, ...]] = [
            (WriteRecord(HardState(1, "n1")), WriteEntries(1, tuple(entry(n) for n in range(1, 6)))),
            (Truncate(5),),
            (WriteSnapshot(2, snapshot), WriteEntries(5, (entry(50),))),
        ]
        told = write(storage, *steps)
        assert told[-1] == 3
        assert told == sorted(set(told))
        for writes in steps:
            for one in writes:
                expected = expected.after(one)
    with opened(path) as storage:
        assert storage.durable == expected
        assert sorted(expected.entries) == [3, 4, 5]
        assert storage.starts == 2


def test_a_transaction_that_a_crash_cut_is_not_there(path: Path, tmp_path: Path) -> None:
    """Behind what was synced stands the beginning of something, as a crash leaves it."""
    with opened(path) as storage:
        write(storage, (WriteEntries(1, (entry(1),)),))
        crashed = copied(path, tmp_path / "crashed")
    wal = crashed.with_name("node.db-wal")
    data = wal.read_bytes()
    wal.write_bytes(data + data[-2000:])
    with opened(crashed) as storage:
        assert dict(storage.durable.entries) == {1: entry(1)}


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (WriteRecord(HardState(1, "n1")), "1 of 1 commits are gone that were on the disk"),
        (WriteEntries(1, (entry(1), entry(2))), "entry 2 is gone that was on the disk"),
    ],
)
def test_commits_that_are_gone_are_missed(path: Path, tmp_path: Path, step: Write, why: str) -> None:
    """What was on the disk, and told, is no longer there: not a crash, but a disk that lost it."""
    with opened(path) as storage:
        write(storage, (step,))
        crashed = copied(path, tmp_path / "crashed")
    wal = crashed.with_name("node.db-wal")
    wal.write_bytes(wal.read_bytes()[:-100])
    with pytest.raises(RefusedData) as refused, opened(crashed):
        pass
    assert str(refused.value) == f"{crashed}: {why}; {REMEDY}"


def test_an_entry_that_was_replaced_is_not_missed(path: Path) -> None:
    """What is replaced, removed or covered by a snapshot after it was told is gone for a reason."""
    other = Entry(2, Command("bob", 1, b""))
    with opened(path) as storage:
        write(storage, (WriteEntries(1, (entry(1), entry(2))),), (WriteEntries(2, (other,)),))
    with opened(path) as storage:
        assert dict(storage.durable.entries) == {1: entry(1), 2: other}
        write(storage, (WriteEntries(3, (entry(3),)),), (Truncate(2),))
    with opened(path) as storage:
        assert dict(storage.durable.entries) == {1: entry(1)}


def test_a_mark_that_only_counts_is_read(path: Path) -> None:
    """So it was before entries were added without counting."""
    with opened(path) as storage:
        write(storage, (WriteRecord(HardState(1, "n1")),), (WriteEntries(1, (entry(1),)),))
    mark = path.with_suffix(".mark")
    mark.write_bytes(mark.read_bytes()[:8])
    with opened(path) as storage:
        assert dict(storage.durable.entries) == {1: entry(1)}
    mark.write_bytes((2).to_bytes(8, "big"))
    with pytest.raises(RefusedData) as refused, opened(path):
        pass
    assert str(refused.value) == f"{path}: 1 of 2 commits are gone that were on the disk; {REMEDY}"


def copied(path: Path, folder: Path) -> Path:
    """The files as they are while the database is open, which is how a crash leaves them."""
    folder.mkdir()
    for file in path.parent.iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    return folder / path.name


def _ten(path: Path) -> None:
    with opened(path) as storage:
        write(
            storage, (WriteRecord(HardState(1, "n1")), WriteEntries(1, tuple(entry(n) for n in range(1, 11))))
        )


def sql(path: Path, statement: str) -> None:
    database = sqlite3.connect(path)
    with database:
        database.execute(statement)
    database.close()


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE entries SET body = zeroblob(length(body)) WHERE at = 5", "entry 5 is not as it was written"),
        ("UPDATE entries SET sum = sum + 1 WHERE at = 7", "entry 7 is not as it was written"),
        ("UPDATE entries SET at = 50 WHERE at = 10", "entry 50 is not as it was written"),
        ("DELETE FROM entries WHERE at = 4", "entry 4 is missing"),
        ("DELETE FROM entries WHERE at = 1", "entry 1 is missing"),
        ("UPDATE record SET body = x'00'", "the record is not as it was written"),
        ("UPDATE snapshot SET sum = 0", "the snapshot is not as it was written"),
    ],
)
def test_what_is_not_as_it_was_is_refused_by_its_place(path: Path, statement: str, why: str) -> None:
    _ten(path)
    sql(path, statement)
    with pytest.raises(RefusedData) as refused, opened(path):
        pass
    assert str(refused.value) == f"{path}: {why}; {REMEDY}"


def test_a_damaged_database_is_refused(path: Path) -> None:
    _ten(path)
    data = bytearray(path.read_bytes())
    data[:100] = bytes(100)
    path.write_bytes(bytes(data))
    with pytest.raises(RefusedData) as refused, opened(path):
        pass
    assert str(refused.value) == f"{path} is damaged: file is not a database; {REMEDY}"


def test_another_nodes_data_is_refused(path: Path) -> None:
    _ten(path)
    with pytest.raises(RefusedData) as refused, opened(path, "n2"):
        pass
    assert str(refused.value) == f"{path} belongs to node 'n1', not 'n2'; give each node a folder of its own"


def test_data_of_another_state_machine_is_refused(path: Path) -> None:
    _ten(path)
    sql(path, "DELETE FROM identity WHERE name = 'machine'")  # as it was before that was kept
    with opened(path, machine="etcd"):
        pass
    with (
        pytest.raises(RefusedData, match="belongs to machine 'etcd', not 'kv'; give each node a folder"),
        opened(path),
    ):
        pass


def test_data_of_a_newer_version_is_refused(path: Path) -> None:
    _ten(path)
    sql(path, "PRAGMA user_version = 9")
    with pytest.raises(RefusedData) as refused, opened(path):
        pass
    assert str(refused.value) == f"{path} is of format 9, written by a newer version; this one reads up to 1"


def test_a_full_disk_ends_the_writing_and_loses_nothing(path: Path) -> None:
    failed: list[RuntimeFault] = []
    told: list[int] = []
    over = threading.Event()

    def fail(fault: RuntimeFault) -> None:
        failed.append(fault)
        over.set()

    with opened(path) as storage:
        write_: Callable[[int, Write], None] = lambda token, what: storage.write(token, (what,))  # noqa: E731
        pages = storage._database.execute("PRAGMA page_count").fetchone()[0]
        storage._database.execute(f"PRAGMA max_page_count = {pages + 20}")
        storage.begin(told.append, fail)
        for token in range(1, 40):
            big = Entry(1, Command("alice", token, bytes(20_000)))
            write_(token, WriteEntries(token, (big,)))
        over.wait()
    assert [str(fault) for fault in failed] == [f"{path}: database or disk is full"]
    assert isinstance(failed[0], DiskFault)
    with opened(path) as storage:
        there = sorted(storage.durable.entries)
        assert there == list(range(1, (told[-1] if told else 0) + 1))


def test_while_the_disk_is_quick_a_short_entry_is_written_at_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows at first how quick it is, nor what a record or a batch may take."""
    now, takes = [0.0], [0.0]
    commit = Storage.commit

    def committed(storage: Storage, writes: Sequence[Write]) -> None:
        now[0] += takes[0]
        commit(storage, writes)

    monkeypatch.setattr(Storage, "commit", committed)
    monkeypatch.setattr(Storage, "clock", staticmethod(lambda: now[0]))
    long = Entry(1, Command("alice", 9, bytes(SHORT)))
    with opened(path) as storage:
        assert not storage.write_at_once((WriteEntries(1, (entry(1),)),))
        write(storage, (WriteEntries(1, (entry(1),)),))
        assert storage.write_at_once((WriteEntries(2, (entry(2),)), WriteEntries(3, (entry(3),))))
        for other in (WriteEntries(4, (long,)), WriteRecord(HardState(1, "n1")), Truncate(3)):
            assert not storage.write_at_once((WriteEntries(4, (entry(4),)), other))
        takes[0] = QUICK_SECONDS
        assert storage.write_at_once((WriteEntries(4, (entry(4),)),))
        assert not storage.write_at_once((WriteEntries(5, (entry(5),)),))
    with opened(path) as storage:
        assert storage.durable.entries == {n: entry(n) for n in range(1, 5)}


def test_a_folder_has_one_process(tmp_path: Path) -> None:
    import os

    first = Folder(tmp_path / "n1")
    with pytest.raises(InUse) as refused:
        Folder(tmp_path / "n1")
    assert (
        str(refused.value)
        == f"{tmp_path / 'n1'} is in use by process {os.getpid()}; stop it, or give another folder"
    )
    assert holder(tmp_path / "n1") == os.getpid()
    first.close()
    assert holder(tmp_path / "n1") is None
    Folder(tmp_path / "n1").close()


def test_a_folder_where_nothing_may_be_written_is_told() -> None:
    folder = Path("/sys/n1")  # nobody may write there, the superuser included
    with pytest.raises(OSError, match="/sys/n1") as told:
        folder.mkdir()
    with pytest.raises(DiskFault) as refused:
        Folder(folder)
    assert str(refused.value) == (
        f"{folder} cannot be written: {told.value.strerror}; give a folder that this user may write, as `data`"
    )


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskFault) as refused:
        Folder(tmp_path / "file" / "n1")
    assert str(refused.value) == (
        f"{tmp_path / 'file' / 'n1'} cannot be written: Not a directory; give a folder that this user may write, as `data`"
    )
