"""What is bundled is there, can be made at each size it names, and is listed."""

from __future__ import annotations

import json

import pytest

from ratified import Model
from ratified.cli import main as cli
from ratified.cli.catalogue import bundled, protocols
from ratified.cli.instances import instance, sizes_of
from ratified.cli.loading import load


@pytest.mark.parametrize("name", bundled)
def test_a_bundled_model_can_be_made_at_every_size_it_names(name: str) -> None:
    cls = load(name)
    assert issubclass(cls, Model)
    assert "standard" in sizes_of(cls)
    for size in sizes_of(cls):
        assert isinstance(instance(cls, size, {}), cls)


def test_every_model_belongs_to_one_protocol_and_broken_ones_come_last() -> None:
    members = [name for protocol in protocols.values() for name in protocol.models]
    assert sorted(members) == sorted(bundled)
    for protocol in protocols.values():
        broken = [bundled[name].broken for name in protocol.models]
        assert broken == sorted(broken)
        assert not broken[0]


def test_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for model in bundled.values():
        assert (
            len(
                [
                    line
                    for line in lines
                    if line.split("  ")[0] == model.name and line.endswith(model.description)
                ]
            )
            == 1
        )
    assert max(map(len, lines)) <= 100
    at = next(n for n, line in enumerate(lines) if line.startswith("paxos "))
    assert lines[at + 1 : at + 4] == [
        "    small: Acceptor=3 Value=2 Ballot=2",
        "    standard: Acceptor=3 Value=2 Ballot=3",
        "    large: Acceptor=3 Value=2 Ballot=4",
    ]
    at = next(n for n, line in enumerate(lines) if line.startswith("raft "))
    assert [line.endswith(", with symmetry") for line in lines[at + 1 : at + 3]] == [False, True]


def test_the_list_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["list", "--format", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["schema"] == "ratified-list/1"
    assert [model["name"] for model in listed["models"]] == list(bundled)
    assert [model["broken"] for model in listed["models"]] == [model.broken for model in bundled.values()]
    (paxos,) = (model for model in listed["models"] if model["name"] == "paxos")
    assert paxos["sizes"]["small"] == {"Acceptor": 3, "Value": 2, "Ballot": 2}
    assert [m["symmetric_sizes"] for m in listed["models"] if m["name"] in ("paxos", "raft")] == [
        [],
        ["standard", "large"],
    ]
