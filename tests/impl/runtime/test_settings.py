"""What a node is to be: each mistake is told by the name of the setting."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratified.impl.runtime.errors import SettingsError
from ratified.impl.runtime.services import lacking
from ratified.impl.runtime.settings import Place, read_settings

GOOD = """\
node = "n1"
data = "n1"
insecure = true
election = 20

[nodes]
n1 = { peer = "127.0.0.1:7101", client = "127.0.0.1:7102" }
n2 = { peer = "127.0.0.1:7201" }

[limits]
requests = 10

[etcd]
users = ["alice"]
"""


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "n1.toml").write_text(GOOD)
    settings = read_settings(tmp_path / "n1.toml")
    assert settings.data == tmp_path / "n1"
    assert settings.nodes == {"n1": Place("127.0.0.1:7101", "127.0.0.1:7102"), "n2": Place("127.0.0.1:7201")}
    assert settings.voters == ("n1", "n2")
    assert (settings.pace.election, settings.pace.heartbeat, settings.limits.requests) == (20, 2, 10)
    assert settings.extra == {"etcd": {"users": ["alice"]}}


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('node = "n1"', "node = 1", "node: 1 is not text"),
        ('node = "n1"', 'node = "n9"', "nodes: there is no 'n9'; a node is among its cluster's nodes"),
        ('node = "n1"', "", "node: it is missing"),
        ("insecure = true", "insecure = 1", "insecure: 1 is not true or false"),
        (
            "insecure = true",
            "",
            "tls: there are no certificates; `ratified cluster certificates` makes some to try, and "
            "`insecure = true` does without, on this machine only",
        ),
        ("election = 20", "election = true", "election: True is not a whole number"),
        ("election = 20", "election = 4", "election: 4 ticks; it must be more than two heartbeats, 4 ticks"),
        ("election = 20", "tick_ms = 0", "tick_ms: 0; from 1 to 10,000"),
        (
            "election = 20",
            'protocol = "zab"',
            "protocol: there is no 'zab'; there are raft, multi-paxos",
        ),
        ("election = 20", 'founders = ["n3"]', "founders: there is no node 'n3'"),
        ("127.0.0.1:7201", "7201", "nodes.n2.peer: '7201' is not an address: write host:port"),
        ("127.0.0.1:7201", "h:99999", "nodes.n2.peer: 'h:99999' is not an address: write host:port"),
        (
            "127.0.0.1:7101",
            "0.0.0.0:7101",
            "peer: 0.0.0.0:7101 is reached from other machines; without TLS only loopback is, such as 127.0.0.1",
        ),
        ('{ peer = "127.0.0.1:7201" }', "{}", "nodes.n2.peer: it is missing"),
        (
            '{ peer = "127.0.0.1:7201" }',
            '{ per = "" }',
            "nodes.n2.per: there is no such setting; there are peer, client",
        ),
        ("requests = 10", "requests = 0", "limits.requests: 0; it must be more than 0"),
        ("requests = 10", 'requests = "x"', "limits.requests: 'x' is not a whole number"),
        (
            "[limits]",
            '[tls]\nca = "ca.pem"\n[limits]',
            "tls.certificate: it is missing",
        ),
        ("[limits]\nrequests = 10", "limits = 3", "nodes.limits: 3 is not a table"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, old: str, new: str, why: str) -> None:
    file = tmp_path / "n1.toml"
    file.write_text(GOOD.replace(old, new))
    with pytest.raises(SettingsError) as refused:
        read_settings(file)
    assert str(refused.value) == f"{file}: {why}"


def test_an_unknown_setting_is_told_with_those_there_are(tmp_path: Path) -> None:
    (tmp_path / "n1.toml").write_text("elections = 3\n" + GOOD)
    with pytest.raises(
        SettingsError, match=r"elections: there is no such setting; there are node, cluster, data,"
    ):
        read_settings(tmp_path / "n1.toml")


def test_what_is_no_toml_is_told(tmp_path: Path) -> None:
    (tmp_path / "n1.toml").write_text("node")
    with pytest.raises(SettingsError, match=r"n1\.toml is not TOML: "):
        read_settings(tmp_path / "n1.toml")
    with pytest.raises(SettingsError, match=r"n2\.toml cannot be read: No such file or directory"):
        read_settings(tmp_path / "n2.toml")


def test_a_package_that_cannot_be_imported_is_named() -> None:
    """`ngh2` has wheels for common platforms only."""
    told = lacking(ModuleNotFoundError("No module named 'ngh2'", name="ngh2"))
    assert isinstance(told, SettingsError)
    assert str(told).startswith('machine = "etcd" needs ngh2, which cannot be imported: No module named')
    assert "pip install ngh2 " in str(told)
    other = ModuleNotFoundError("No module named 'ratified.x'", name="ratified.x")
    assert lacking(other) is other
