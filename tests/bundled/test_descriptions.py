"""What is bundled is there, can be made at each size it names, and is listed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ratified import Model
from ratified.bundled import bugs, hosted, implementations, models, policies, protocols
from ratified.bundled.conformance import POLICIES, PROTOCOLS
from ratified.bundled.description import resolve
from ratified.bundled.systems import make_system
from ratified.cli import main as cli
from ratified.cli.instances import instance, sizes_of
from ratified.cli.loading import load
from ratified.conform.operators import mutations
from ratified.follow.binding import Binding
from ratified.impl.runtime.hosted import PROTOCOLS as HOSTED
from ratified.smt.script import has_lemmas


@pytest.mark.parametrize("name", models)
def test_a_bundled_model_can_be_made_at_every_size_it_names(name: str) -> None:
    cls = load(name)
    assert issubclass(cls, Model)
    assert "standard" in sizes_of(cls)
    for size in sizes_of(cls):
        assert isinstance(instance(cls, size, {}), cls)


def test_models_that_hold_come_before_broken_ones() -> None:
    broken = [model.broken for model in models.values()]
    assert broken == sorted(broken)
    assert len(models) == sum(len(protocol.models) + len(protocol.broken) for protocol in protocols.values())


@pytest.mark.parametrize("name", [name for name, model in models.items() if model.proof])
def test_a_proof_script_is_about_a_model_and_has_lemmas(name: str) -> None:
    proof = models[name].proof
    assert proof is not None
    assert has_lemmas(load(proof))


@pytest.mark.parametrize("name", bugs)
def test_a_bug_is_planted_somewhere_and_what_has_it_is_there(name: str) -> None:
    bug = bugs[name]
    assert bug.model or bug.relational or bug.planted_in
    for place in (bug.model, bug.relational):
        assert place is None or issubclass(resolve(place), Model)
    assert not (bug.relational and bug.no_proof)
    assert not bug.seen_in or bug.planted_in


@pytest.mark.parametrize("name", implementations)
def test_an_implementation_has_the_bugs_that_are_planted_in_it_and_no_others(name: str) -> None:
    (protocol,) = (p for p in protocols.values() if implementations[name] in p.implementations)
    planted = {bug.name for bug in protocol.bugs if name in bug.planted_in}
    assert set(PROTOCOLS[name].mutants()) == planted


def test_what_runs_on_real_nodes_is_what_the_runtime_hosts() -> None:
    assert set(hosted) == set(HOSTED)


@pytest.mark.parametrize("name", policies)
def test_a_policy_has_the_bugs_that_are_planted_in_it_and_can_be_made_and_mutated(name: str) -> None:
    (protocol,) = (p for p in protocols.values() if policies[name] in p.policies)
    held = POLICIES[name]
    assert set(held.mutants()) == {bug.name for bug in protocol.bugs if name in bug.planted_in}
    assert policies[name].model in models
    assert isinstance(held.subject(0).binding(), Binding)
    known = {mutation.name for mutation in mutations(held.sources)}
    assert set(held.survivors()) <= known


def test_a_bug_is_planted_in_an_implementation_of_its_protocol() -> None:
    for protocol in protocols.values():
        names = {made.name for made in protocol.implementations} | {made.name for made in protocol.policies}
        assert all(set(bug.planted_in) <= names for bug in protocol.bugs)
        assert len({bug.name for bug in protocol.bugs}) == len(protocol.bugs)


@pytest.mark.parametrize("name", implementations)
def test_an_implementation_can_be_made_bound_and_driven(name: str) -> None:
    assert make_system(name).name == name
    assert make_system(name, seed=1).name == name
    assert isinstance(PROTOCOLS[name].binding(), Binding)
    graph = PROTOCOLS[name].graph
    assert graph is not None
    assert len(graph(True)) == 2


def test_a_description_imports_nothing_that_it_describes() -> None:
    """Only text: so that help and completion come at once."""
    program = (
        "import sys; import ratified.bundled; "
        "print(*sorted(m for m in sys.modules if m.startswith('ratified.') and not m.startswith('ratified.bundled')))"
    )
    made = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert made.stdout.split() == ["ratified.results", "ratified.results.pictures", "ratified.version"]


LOCK = """
from ratified.bundled.description import Bug, BundledModel, BundledProtocol

PROTOCOL = BundledProtocol(
    "lock",
    "a lock",
    models=(BundledModel("lock-service", "ratified.models.paxos.consensus:Consensus", "grants a lock"),),
    bugs=(Bug("twice", "grants it twice", model="ratified.models.paxos.consensus:Consensus"),),
)
"""


def test_adding_a_protocol_touches_one_file(tmp_path: Path, checkout: Path) -> None:
    shutil.copytree(checkout / "ratified" / "bundled", tmp_path / "bundled")
    (tmp_path / "bundled" / "protocols" / "lock.py").write_text(LOCK)
    program = (
        "import sys, ratified; ratified.__path__.insert(0, sys.argv[1]); "
        "from ratified.cli.main import run; run(['list']); run(['verify', '--help']); run(['check', 'lock-twice', '-q'])"
    )
    made = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    listed = [re.split("  +", line.strip()) for line in made.stdout.splitlines()]
    assert ["lock: a lock"] in listed
    assert ["lock-service", "grants a lock"] in listed
    assert ["lock-twice", "grants it twice"] in listed
    together = "".join(made.stdout.split())  # help breaks the line at a hyphen
    assert f"{{{'|'.join(sorted((*protocols, 'lock')))}}}" in together
    assert "HOLDS  lock-twice: " in made.stdout


def test_the_list_has_a_line_for_every_model_by_protocol(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 120
    wanted = [
        (model.name, model.description)
        for protocol in protocols.values()
        for model in (*protocol.models, *protocol.broken)
    ]
    assert [tuple(re.split("  +", line.strip())) for line in lines if line.startswith("    ")] == wanted
    assert [line.partition(":")[0] for line in lines if re.match(r"[a-z]", line)] == list(protocols)


def test_a_model_in_detail(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["list", "paxos", "raft"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:7] == [
        "paxos: the Synod: Paxos for a single decree; refines voting",
        "    class: ratified.models.paxos.paxos:Paxos",
        "    proof: ratified.proofs.paxos.single:PaxosSafety",
        "    small: Acceptor=3 Value=2 Ballot=2",
        "    standard: Acceptor=3 Value=2 Ballot=3",
        "    large: Acceptor=3 Value=2 Ballot=4",
        "",
    ]
    assert [line.endswith(", with symmetry") for line in lines[10:12]] == [False, True]
    assert max(map(len, lines)) <= 100


def test_a_bug_in_detail(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["list", "raft-torn-vote"]) == 0
    assert capsys.readouterr().out.splitlines()[:5] == [
        "raft-torn-vote: term and vote are two writes, and a crash comes between them",
        "    class: ratified.models.raft.broken:TornVote",
        "    in the model of the proof: ratified.models.raft.relational_broken:TornVote",
        "    planted in the implementation of: raft",
        "    seen in: hashicorp/raft, braft",
    ]


def test_a_model_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["list", "paxos", "zab"]) == 2
    assert capsys.readouterr().err.startswith("Error: there is no bundled model 'zab'\n  ")


def test_a_protocol_in_detail(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["list", "services", "consensus"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"services: {protocols['services'].description}\n\n    ")
    assert "\n    retries  " in out
    assert "\nconsensus: " in out
    assert "the Synod" not in out
    assert cli.run(["list", "services", "retries", "--format", "json"]) == 0
    found = [model["name"] for model in json.loads(capsys.readouterr().out)["models"]]
    assert found == [model.name for model in protocols["services"].models]


def test_the_list_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["list", "--format", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["schema"] == "ratified-list/1"
    assert [model["name"] for model in listed["models"]] == list(models)
    assert [model["broken"] for model in listed["models"]] == [model.broken for model in models.values()]
    (paxos,) = (model for model in listed["models"] if model["name"] == "paxos")
    assert paxos["sizes"]["small"] == {"Acceptor": 3, "Value": 2, "Ballot": 2}
    assert [m["symmetric_sizes"] for m in listed["models"] if m["name"] in ("paxos", "raft")] == [
        [],
        ["standard", "thorough", "large"],
    ]
    assert paxos["proof"] == "ratified.proofs.paxos.single:PaxosSafety"
