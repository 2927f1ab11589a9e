"""The page on bindings to the bundled models is what `ratified list --actions` prints, and a log can be bound by it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ratified.bundled import protocols
from ratified.cli import main as cli

HEAD = """\
# Bindings to the bundled models

To check a system of your own against a bundled model, write a [binding](conformance.md) whose `model()` returns it. For each
model this page lists the actions and arguments for `do(...)`, the variables and methods for `observe` and `holds(...)`, the types
of their values, and the events of the bundled bindings. `ratified list NAME --actions` prints the same for one model or protocol,
and `ratified list NAME` where to import it from; `--format json` gives JSON. For the log of an implementation use the model that
implementations are checked against: it has memories and disks rather than single messages.
"""


def page(capsys: pytest.CaptureFixture[str]) -> str:
    parts = [HEAD]
    for name, protocol in protocols.items():
        assert cli.run(["list", name, "--actions"]) == 0
        out = capsys.readouterr().out
        assert max(map(len, out.splitlines())) <= 100
        parts.append(f"## {name}\n\n{protocol.description}.\n\n```\n{out}```\n")
    return "\n".join(parts)


def test_the_page_is_what_the_command_says(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = checkout / "docs" / "bindings.md"
    made = page(capsys)
    if os.environ.get("RATIFIED_UPDATE_GOLDENS") and (not file.exists() or file.read_text("utf-8") != made):
        file.write_text(made, encoding="utf-8")
        pytest.fail("wrote docs/bindings.md: read it, and run again without RATIFIED_UPDATE_GOLDENS")
    assert file.read_text(encoding="utf-8") == made


def test_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["list", "consensus", "--actions", "--format", "json"]) == 0
    (model,) = json.loads(capsys.readouterr().out)["models"]
    assert [a["name"] for a in model["actions"]] == ["choose"]
    assert model["actions"][0]["arguments"] == {"v": "Value"}
    assert [(v["name"], v["type"]) for v in model["variables"]] == [("chosen", "Set[Value]")]


LOG = [
    {"node": "x", "action": "stand"},
    {"node": "y", "action": "vote", "arguments": {"to": "x"}},
    {"node": "x", "action": "win", "variables": {"role": "LEADER", "term": 1}},
]

BINDING = """
from ratified import Binding, Names, Set, do
from ratified.models.raft.servers import RaftServers
from ratified.models.raft.sorts import Role, Server


class Stranger(Binding):
    def __init__(self):
        self.server = Names(Server, 3)

    def model(self):
        return RaftServers(Server=3, Value=2, max_term=9, max_log=9)

    def on_stand(self, node: str):
        return do("stand", i=self.server(node)), do("write", i=self.server(node))

    def on_vote(self, node: str, to: str):
        i = self.server(node)
        return do("learn_term", i=i, t=1), do("vote", i=i, c=self.server(to)), do("write", i=i)

    def on_win(self, node: str):
        return do("win", i=self.server(node))

    def observe(self, node, variables):
        i = self.server(node)
        return {("role", i): Role[variables["role"]], ("current_term", i): variables["term"]}
"""


def test_a_log_of_another_kind_is_bound_to_raft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("stranger.py").write_text(BINDING, encoding="utf-8")
    for events, status in ((LOG, 0), (LOG[::2], 1)):
        Path("log.ndjson").write_text("".join(json.dumps(e) + "\n" for e in events), encoding="utf-8")
        assert cli.run(["trace", "stranger.py:Stranger", "log.ndjson"]) == status, capsys.readouterr()
