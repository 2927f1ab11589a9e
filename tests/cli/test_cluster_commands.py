"""`ratified cluster` and `ratified serve`: a cluster from start to stop, and what is said where there is none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ratified.cli.main import run as cli


def test_a_cluster_from_start_to_stop(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(tmp_path / "demo")]
    try:
        assert cli(["cluster", "start", "--nodes", "3", "--insecure", *data]) == 0
        table = capfd.readouterr().out.splitlines()
        assert table[0].split() == [
            "node", "state", "role", "term", "committed", "applied", "lag", "disk", "restarts",
        ]  # fmt: skip
        assert [line.split()[:2] for line in table[1:]] == [[f"n{i}", "running"] for i in (1, 2, 3)]
        assert sum("leader" in line for line in table) == 1
        assert cli(["cluster", "start", "--nodes", "3", "--insecure", *data]) == 2
        assert capfd.readouterr().err == (
            f"Error: a cluster is already running in {tmp_path}/demo\n  ratified cluster stop --data {tmp_path}/demo\n"
        )
        follower = next(line.split()[0] for line in table if "follower" in line)  # so that a leader is known
        assert cli(["cluster", "pause", follower, *data]) == 0
        assert cli(["cluster", "status", "--format", "json", *data]) == 0
        out = capfd.readouterr().out
        assert out.startswith(f"{follower} is paused\n")
        rows = json.loads(out.partition("\n")[2])["nodes"]
        assert [row["node"] for row in rows if row["paused"]] == [follower]
        assert cli(["cluster", "resume", follower, *data]) == 0
        assert cli(["cluster", "kill", "n9", *data]) == 2
        assert capfd.readouterr().err == "Error: there is no node 'n9'\n  there are n1, n2, n3\n"
        assert cli(["cluster", "kill", "n1", *data]) == 0
    finally:
        assert cli(["cluster", "stop", *data]) == 0
    capfd.readouterr()
    for row in rows:
        with pytest.raises(ProcessLookupError):
            os.kill(row["process"], 0)
    assert cli(["cluster", "status", *data]) == 2
    assert capfd.readouterr().err == (
        f"Error: the cluster in {tmp_path}/demo is not running\n  ratified cluster start --data {tmp_path}/demo\n"
    )


def test_what_cannot_be_started_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(tmp_path / "demo")]
    assert cli(["cluster", "start", *data]) == 2
    assert capfd.readouterr().err == (
        "Error: nodes need certificates to trust each other\n  --certificates DIR (ratified cluster certificates makes "
        "some), or --insecure to use none, on loopback\n"
    )
    (allowed := tmp_path / "allowed.toml").write_text("[etcd.permissions.alice\n")
    with_store = ["cluster", "start", "--machine", "etcd", "--permissions", str(allowed), *data]
    assert cli([*with_store, "--insecure"]) == 2
    assert capfd.readouterr().err == (
        "Error: permissions are for names in certificates, and for the store\n  --machine etcd --certificates DIR\n"
    )
    assert cli([*with_store, "--foreground", "--certificates", str(tmp_path)]) == 2
    assert capfd.readouterr().err == (
        f"Error: {allowed} is not TOML: Expected ']' at the end of a table declaration (at line 1, column 24)\n"
    )
    assert cli(["cluster", "status", *data]) == 2
    assert capfd.readouterr().err == (
        f"Error: {tmp_path}/demo is not the folder of a cluster\n  ratified cluster start --data FOLDER\n"
    )
    assert cli(["serve", str(tmp_path / "n1.toml")]) == 2
    assert capfd.readouterr().err == f"Error: {tmp_path}/n1.toml cannot be read: No such file or directory\n"


def test_certificates(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli(["cluster", "certificates", str(tmp_path), "--nodes", "1", "--name", "alice"]) == 0
    assert capfd.readouterr().out == "".join(
        f"wrote {tmp_path}/{name}\n"
        for name in (
            "ca.key", "ca.pem", "n1.key", "n1.pem", "operator.key", "operator.pem", "alice.key", "alice.pem",
        )
    )  # fmt: skip


def test_a_node_whose_data_is_another_nodes_says_so_by_its_exit_status(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = 'node = "{0}"\ndata = "data"\ninsecure = true\n[nodes]\n{0} = {{ peer = "127.0.0.1:0" }}\n'
    (tmp_path / "n1.toml").write_text(settings.format("n1"))
    (tmp_path / "n2.toml").write_text(settings.format("n2"))
    first = subprocess.Popen(
        [sys.executable, "-m", "ratified", "serve", str(tmp_path / "n1.toml")],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert first.stderr is not None
    assert json.loads(first.stderr.readline())["event"] == "started"
    assert cli(["serve", str(tmp_path / "n2.toml")]) == 69
    assert json.loads(capfd.readouterr().err)["why"] == (
        f"{tmp_path}/data is in use by process {first.pid}; stop it, or give another folder"
    )
    first.terminate()
    first.stderr.read()
    first.stderr.close()
    assert first.wait() == 0
    assert cli(["serve", str(tmp_path / "n2.toml")]) == 65
    assert json.loads(capfd.readouterr().err)["why"] == (
        f"{tmp_path}/data/node.db belongs to node 'n1', not 'n2'; give each node a folder of its own"
    )
