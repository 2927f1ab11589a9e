"""ITF: what is written is ITF and comes back the same; a run that is not one of the model's is told where it goes wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import itf_py
import pytest

from ratified.cli.main import run as ratified
from ratified.explore import check
from ratified.explore.simulate import simulate
from ratified.itf import as_itf, follow, read_itf
from ratified.itf.format import typed
from ratified.language import RatifiedError
from ratified.models.paxos.broken import IgnoredPromise
from ratified.results.errors import EvaluationError
from tests.generate.models import random_model
from tests.generate.running import load

MODELS = 40


@pytest.fixture
def counterexample(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A run that ends with a vote below a promise."""
    file = tmp_path / "run.itf.json"
    given = ["check", "paxos-ignores-promise", "--size", "small", "--format", "itf", "-o", str(file)]
    assert ratified(given) == 1
    assert capsys.readouterr().out.startswith("VIOLATED  paxos-ignores-promise: promises_only_rise fails")
    return file


def test_what_is_written_is_itf(counterexample: Path) -> None:
    trace = itf_py.trace_from_json(json.loads(counterexample.read_text()))
    assert trace.vars == ["max_ballot", "voted", "messages"]
    assert [s.meta["index"] for s in trace.states] == list(range(7))
    assert [s.meta.get("action") for s in trace.states][1:] == [
        *("prepare", "promise", "propose", "prepare", "promise", "accept")
    ]
    assert trace.states[0].values["max_ballot"] == {"a1": "None"}
    assert trace.states[6].values["max_ballot"] == {"a1": 0}
    assert trace.loop is None


def test_it_is_a_run_of_the_model(counterexample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ratified(["trace", "paxos-ignores-promise", str(counterexample)]) == 0
    out = capsys.readouterr().out
    assert out.startswith(
        "HOLDS  run.itf.json: 7 states, a run of IgnoredPromise\n\npromises_only_rise is false"
    )
    assert "  6  accept(a=a1, b=b0, v=v1)" in out


def test_where_it_stops_being_one_of_another(
    counterexample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ratified(["trace", "paxos", str(counterexample)]) == 1
    out = capsys.readouterr().out
    assert out.startswith(
        "VIOLATED  run.itf.json: no action of Paxos takes step 6, from states[5] to states[6]\n"
    )
    assert "step 6, as observed\n       max_ballot[a1]  b1 -> b0\n" in out
    assert "enabled actions: propose\nnearest: propose(b=b1, v=v1)" in out
    assert max(map(len, out.splitlines())) <= 100
    assert ratified(["trace", "paxos", str(counterexample), "--format", "json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["wrong"], told["enabled"], told["states"]) == (6, ["propose"], 7)


def test_generated_models_come_back_the_same(tmp_path: Path) -> None:
    seen = 0
    for seed in range(MODELS):
        try:
            model = load(random_model(seed), tmp_path)
            walked = simulate(model, runs=1, length=12, seed=seed)
        except (RatifiedError, EvaluationError):
            continue
        text = as_itf(model, walked.first)
        document = json.loads(text)
        itf_py.trace_from_json(document)
        run = read_itf(text, "run")
        states = typed(model, run, "run")
        assert states == [tuple(s.values()) for s in walked.first.states], seed
        found = follow(model, states)
        assert found.wrong is None, seed
        seen += 1
    assert seen >= MODELS * 3 // 4


def test_a_lasso_says_where_it_goes_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "turn.py").write_text(TURN)
    file = tmp_path / "turn.itf.json"
    assert ratified(["check", f"{tmp_path / 'turn.py'}:Turn", "--format", "itf", "-o", str(file)]) == 1
    document = json.loads(file.read_text())
    assert (len(document["states"]), document["loop"]) == (3, 0)
    assert ratified(["trace", f"{tmp_path / 'turn.py'}:Turn", str(file)]) == 0
    document["loop"] = 1
    file.write_text(json.dumps(document))
    capsys.readouterr()
    assert ratified(["trace", f"{tmp_path / 'turn.py'}:Turn", str(file)]) == 1
    assert (
        "no action of Turn leads from its last state back to the start of its loop" in capsys.readouterr().out
    )


TURN = '''
from typing import Annotated

from ratified import Model, Range, action, eventually


class Turn(Model):
    """Round and round."""

    at: Annotated[int, Range(0, 2)]

    @action(fair="weak")
    def turn(self) -> None:
        self.at = (self.at + 1) % 3

    @eventually
    def out(self) -> bool:
        return self.at > 2
'''


def test_other_ways_to_write_values(counterexample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What Quint and Apalache write: plain numbers, null, variants, functions as records, values with their type's name."""
    document = json.loads(counterexample.read_text())

    def other(value: Any) -> Any:
        match value:
            case {"#bigint": digits}:
                return int(digits)
            case {"#map": [*pairs]} if all(isinstance(k, str) for k, _ in pairs):
                return {k: other(v) for k, v in pairs}
            case {"type": tag, **fields}:
                return {"tag": tag, "value": {k: other(v) for k, v in fields.items()}}
            case dict():
                return {k: other(v) for k, v in value.items()}
            case list():
                return [other(v) for v in value]
            case "None":
                return None
            case "v1":
                return "v1_OF_VALUE"
        return value

    states = [{k: v if k == "#meta" else other(v) for k, v in s.items()} for s in document["states"]]
    counterexample.write_text(json.dumps({"states": states}))
    sizes = ["Acceptor=1", "Value=2", "Ballot=2"]
    assert ratified(["trace", "paxos-ignores-promise", str(counterexample), *sizes]) == 0
    assert capsys.readouterr().out.startswith("HOLDS  run.itf.json: 7 states")


QUINT = """
{"#meta": {"format": "ITF", "format-description": "https://apalache-mc.org/docs/adr/015adr-trace.html", "status": "ok"},
 "vars": ["lock::phase", "lock::waiting", "lock::log", "mbt::actionTaken", "mbt::nondetPicks"],
 "states": [
  {"#meta": {"index": 0},
   "lock::phase": {"#map": [["c1", {"tag": "IDLE", "value": {"#tup": []}}]]},
   "lock::waiting": {"#set": []}, "lock::log": [],
   "mbt::actionTaken": "init", "mbt::nondetPicks": {"c": {"tag": "None", "value": {"#tup": []}}}},
  {"#meta": {"index": 1},
   "lock::phase": {"#map": [["c1", {"tag": "BUSY", "value": {"#tup": []}}]]},
   "lock::waiting": {"#set": ["c1"]}, "lock::log": [{"#tup": ["c1", {"#bigint": "1"}]}],
   "mbt::actionTaken": "ask", "mbt::nondetPicks": {"c": {"tag": "Some", "value": "c1"}}}
 ]}
"""

LOCK = """
from enum import Enum
from typing import Annotated

from ratified import AtMost, Map, Model, Range, Seq, Set, Sort, action, require


class Client(Sort):
    pass


class Phase(Enum):
    IDLE = 1
    BUSY = 2


class Lock(Model):
    phase: Map[Client, Phase]
    waiting: Set[Client]
    log: Annotated[Seq[tuple[Client, Annotated[int, Range(0, 3)]]], AtMost(2)]

    @action
    def ask(self, c: Client) -> None:
        require(self.phase[c] == Phase.IDLE)
        self.phase[c] = Phase.BUSY
        self.waiting.add(c)
        self.log.append((c, 1))
"""


def test_a_file_as_quint_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lock.py").write_text(LOCK)
    file = tmp_path / "run.itf.json"
    file.write_text(QUINT)
    asked = ["trace", f"{tmp_path / 'lock.py'}:Lock", str(file), "Client=1"]
    assert ratified(asked) == 0
    assert "ask(c=c1)" in capsys.readouterr().out
    file.write_text(QUINT.replace('"#bigint": "1"', '"#bigint": "2"'))
    assert ratified(asked) == 1
    out = capsys.readouterr().out
    assert "no action of Lock takes step 1, from states[0] to states[1]" in out
    assert "nearest: ask(c=c1)" in out
    file.write_text(QUINT.replace('"tag": "BUSY"', '"tag": "ASLEEP"'))
    assert ratified(asked) == 2
    assert "states[1]: phase[c1] is [tag |-> ASLEEP" in capsys.readouterr().err


def test_a_run_may_stand_still(counterexample: Path) -> None:
    model = IgnoredPromise(Acceptor=1, Value=2, Ballot=2)
    result = check(model)
    assert result.violation is not None
    states = typed(model, read_itf(counterexample.read_text(), "run"), "run")
    doubled = [s for s in states for _ in range(2)]
    assert follow(model, doubled).wrong is None
    assert follow(model, states[1:]).wrong == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("{", "run.itf.json:1:2: this is not JSON"),
        ("[]", "is not ITF: it has no list of states"),
        ('{"states": []}', "has no states"),
        ('{"states": [1]}', "states[0] is not an object"),
        ('{"states": [{"max_ballot": {"#bigint": "x"}}]}', "states[0].max_ballot: 'x' is not a number"),
        (
            '{"states": [{"voted": {"#unserializable": "Nat"}}]}',
            "the tool that wrote the file could not write this value: Nat",
        ),
        ('{"states": [{"voted": {"#map": [[1]]}}]}', "states[0].voted[0]: an entry of a map is a pair"),
        ('{"states": [{"voted": {"#odd": 1}}]}', "is not an ITF value"),
        ('{"states": [{"voted": 1.5}]}', "1.5 is not an ITF value"),
        ('{"states": [{"voted": {}}]}', "states[0] has no variable 'max_ballot'"),
        ('{"states": [{}], "loop": 1}', "loop is 1, not an index of its 1 states"),
    ],
)
def test_bad_files(change: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "run.itf.json"
    file.write_text(change)
    assert ratified(["trace", "paxos", str(file)]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("max_ballot", {"#map": []}, "states[0]: max_ballot has no value for a1"),
        (
            "max_ballot",
            {"#map": [["a9", "None"]]},
            "a key of max_ballot is a9, which is not a value of type Acceptor",
        ),
        ("max_ballot", {"#map": [["a1", 7]]}, "max_ballot[a1] is 7, which is not a value of type Ballot"),
        ("messages", {"#set": [{"type": "Odd"}]}, "an element of messages is [type |-> Odd]"),
        ("more", 1, "states[0] has 'more', which is not a variable of Paxos"),
    ],
)
def test_bad_values(
    name: str, value: object, says: str, counterexample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(counterexample.read_text())
    document["states"][0][name] = value
    counterexample.write_text(json.dumps(document))
    assert ratified(["trace", "paxos", str(counterexample)]) == 2
    assert says in capsys.readouterr().err


def test_no_such_file_and_no_run_to_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ratified(["trace", "paxos", str(tmp_path / "no.itf.json")]) == 2
    assert "No such file or directory" in capsys.readouterr().err
    assert ratified(["check", "consensus", "Value=2", "--format", "itf"]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert "there is no counterexample to write in ITF" in told.err


def test_simulated_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "run.itf.json"
    given = [
        "simulate",
        "raft",
        "--seed",
        "3",
        "--runs",
        "1",
        "--depth",
        "20",
        "--format",
        "itf",
        "-o",
        str(file),
    ]
    assert ratified(given) == 3
    assert ratified(["trace", "raft", str(file)]) == 0
    assert "21 states, a run of Raft" in capsys.readouterr().out
