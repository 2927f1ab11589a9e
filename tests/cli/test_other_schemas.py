"""The JSON reports of commands other than check have the keys that docs/reports.md lists, in its order."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ratified.cli import main as cli

HISTORY = """\
{"process": 0, "type": "invoke", "f": "write", "value": 1}
{"process": 0, "type": "ok", "f": "write", "value": 1}
"""

COMMANDS = {
    "ratified-list/1": ["list", "consensus"],
    "ratified-run/1": ["run", "paxos", "--steps", "20"],
    "ratified-services/1": ["run", "services", "--requests", "20"],
    "ratified-trace/1": ["trace", "paxos", "run.ndjson"],
    "ratified-itf/1": ["trace", "consensus", "run.itf.json"],
    "ratified-conform-policy/1": ["conform", "round-robin", "--events", "100"],
    "ratified-linearizable/1": ["linearizable", "history.ndjson", "--model", "register"],
}


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """Work in a folder with a run of each kind."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "history.ndjson").write_text(HISTORY)
    assert cli.run(["conform", "paxos", "--record", "run.ndjson", "--events", "20"]) == 0
    assert cli.run(["simulate", "consensus", "--format", "itf", "-o", "run.itf.json"]) == 3
    capsys.readouterr()
    return tmp_path


@pytest.mark.parametrize("schema", COMMANDS)
def test_the_keys_are_those_that_are_documented(
    schema: str, recorded: Path, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([*COMMANDS[schema], "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["schema"] == schema
    section = (checkout / "docs" / "reports.md").read_text(encoding="utf-8").partition(f"`{schema}`")[2]
    table = section.partition("`ratified ")[0].partition("\n#")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE) == list(report)


@pytest.mark.parametrize(
    "schema",
    [
        "ratified-conform/1",
        "ratified-crosscheck/1",
        "ratified-proof/1",
        "ratified-certified/1",
        "ratified-drive/1",
        "ratified-sweep/1",
        "ratified-cores/1",
        "ratified-induct/1",
        "ratified-mutants/1",
    ],
)
def test_a_report_that_takes_longer_is_documented_too(schema: str, checkout: Path) -> None:
    """Its keys are read off what renders it."""
    module = (checkout / "ratified" / "cli" / "report" / f"{schema[9:-2]}.py").read_text(encoding="utf-8")
    object_ = module.partition('"schema": SCHEMA,')[2].partition("\n    }\n")[0]
    keys = ["schema", *re.findall(r'^        "(\w+)": ', object_, flags=re.MULTILINE)]
    section = (checkout / "docs" / "reports.md").read_text(encoding="utf-8").partition(f"`{schema}`")[2]
    table = section.partition("`ratified ")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE) == keys
