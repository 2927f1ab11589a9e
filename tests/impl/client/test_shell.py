"""`ratified client`, against a cluster in the test's own loop."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ratified.cli import main as cli
from tests.impl.etcd.serving import Serving, serving


def test_keys_are_set_read_watched_and_deleted_and_locks_held(capfd: pytest.CaptureFixture[str]) -> None:
    async def client(s: Serving, *arguments: str) -> tuple[str, str, int]:
        """What the command prints, and its exit status."""
        command = ["client", arguments[0], "--endpoints", s.endpoints, *arguments[1:]]
        status = await asyncio.to_thread(cli.run, command)
        out, err = capfd.readouterr()
        return out, err, status

    async def main() -> None:
        async with serving() as s:
            assert await client(s, "put", "a/1", "x") == ("2\n", "", 0)
            assert await client(s, "get", "a/1") == ("x\n", "", 0)
            assert await client(s, "get", "none") == ("", "", 1)
            assert await client(s, "get", "a/", "--prefix") == ("a/1\nx\n", "", 0)
            assert await client(s, "del", "a/1") == ("1\n", "", 0)
            told = "2 put a/1 x\n3 del a/1\n"
            assert await client(s, "watch", "a/", "--prefix", "--after", "1", "--count", "2") == (told, "", 0)
            held = await client(s, "lock", "door", "--", "sh", "-c", "echo $RATIFIED_LOCK_TOKEN; exit 5")
            assert held == ("4\n", "", 5)
            out, err, status = await client(s, "get", "a", "--revision", "99")
            assert (out, status) == ("", 2)
            assert err == "Error: etcdserver: mvcc: required revision is a future revision\n"

    asyncio.run(main())


def test_where_no_cluster_is_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["client", "get", "k", "--data", str(tmp_path)]) == 2
    told = f"Error: {tmp_path} is not the folder of a cluster\n  ratified cluster start --data FOLDER\n"
    assert capsys.readouterr().err == told


def test_a_certificate_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["client", "get", "k", "--endpoints", "127.0.0.1:1", "--certificates", str(tmp_path)]
    assert cli.run(asked) == 2
    told = f"Error: {tmp_path}/ca.pem cannot be read: No such file or directory\n"
    assert capsys.readouterr().err.startswith(told)
