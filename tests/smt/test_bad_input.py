"""What cannot be proved for want of sense is told as such, with its place, in every format; it is never PROVED."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ratified.cli.main import run

HEAD = '''"""A switch, and proofs of it that cannot be."""

from __future__ import annotations

from typing import Annotated

from ratified import (
    AtMost, Map, Model, Param, PartialMap, Range, Seq, Set, Sort, action, assume, invariant, lemma, majorities, require
)


class Node(Sort):
    """May be on."""


class Switch(Model):
    """At most one node is on."""

    on: Set[Node]

    @action
    def put(self, n: Node) -> None:
        """The first is put on."""
        require(not self.on)
        self.on.add(n)

    @invariant
    def at_most_one(self) -> bool:
        """Two are one."""
        return all(a == b for a in self.on for b in self.on)


class Wrong(Switch):
'''
LEMMA = '''
    @lemma
    def one(self) -> bool:
        """As claimed."""
        return super().at_most_one()
'''

ERRORS = {
    "a contradictory assumption": (
        '''    limit: Param[Annotated[int, Range(0, 5)]]

    @assume
    def limits(self) -> bool:
        """Two at once."""
        return self.limit > 3 and self.limit < 2
''',
        "    def limits(self) -> bool:",
        "the assumptions of Wrong hold at no size: nothing can be proved of it",
        "weaken the assumption limits",
    ),
    "an axiom that no size satisfies": (
        '''    quorums: Param[Set[Set[Node]]] = majorities(Node)

    @assume
    def some_do_not_meet(self) -> bool:
        """Not even with themselves."""
        return any(not any(n in r for n in q) for q in self.quorums for r in self.quorums) and all(
            any(n in r for n in q) for q in self.quorums for r in self.quorums
        )
''',
        "    def some_do_not_meet(self) -> bool:",
        "the assumptions of Wrong hold at no size: nothing can be proved of it",
        "weaken the assumption some_do_not_meet",
    ),
    "an empty initial condition": (
        '''    def init(self) -> None:
        """One is on, and none is yet."""
        require(len(self.on) >= 1)
''',
        "    def init(self) -> None:",
        "Wrong has no initial state, at any size: nothing can be proved of it",
        "weaken what init requires",
    ),
    "an initial condition that is empty where the assumption is so": (
        '''    limit: Param[Annotated[int, Range(0, 5)]]

    @assume
    def is_large(self) -> bool:
        """Four or five."""
        return self.limit > 3

    def init(self) -> None:
        """Only with a small one."""
        require(self.limit < 2)
''',
        "    def init(self) -> None:",
        "Wrong has no initial state, at any size: nothing can be proved of it",
        "weaken what init requires or the assumption is_large",
    ),
}


def said(
    folder: Path, body: str, capsys: pytest.CaptureFixture[str], *options: str
) -> tuple[Path, int, str, str]:
    file = folder / "own.py"
    file.write_text(HEAD + body + LEMMA)
    status = run(["prove", f"{file}:Wrong", *options])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return file, status, out, err


def assert_said_once(out: str, err: str, form: str) -> None:
    """The message is on standard error; where a program reads the report, that says the same."""
    if form == "text":
        assert out == ""
    else:
        assert f"Error: {json.loads(out)['refused'][0]['message']}\n" == err


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("kind", ERRORS)
def test_what_holds_of_nothing_is_an_error(
    kind: str, form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body, where, message, remedy = ERRORS[kind]
    file, status, out, err = said(tmp_path, body, capsys, "--format", form)
    line = (HEAD + body).splitlines().index(where) + 1
    assert status == 2
    assert_said_once(out, err, form)
    assert err.startswith(f"Error: {file}:{line}:5: {message}\n")
    assert err.endswith(f"  {remedy}\n")
    assert f"{line} | {where}" in err


PARTIAL = '''    queue: Annotated[Seq[Node], AtMost(2)]

    @action
    def push(self, n: Node) -> None:
        """Behind the others."""
        require(len(self.queue) < 2)
        self.queue.append(n)

    @lemma
    def first_is_itself(self) -> bool:
        """Whatever it is."""
        return self.queue[0] == self.queue[0]
'''


def test_a_lemma_that_has_no_answer_is_refuted_where_it_has_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, status, out, _ = said(tmp_path, PARTIAL, capsys)
    assert out.startswith("NOT PROVED  Wrong: 1 obligation failed (of 8)\n")
    where = "        return self.queue[0] == self.queue[0]"
    line = (HEAD + PARTIAL).splitlines().index(where) + 1
    assert status == 1
    told = f"first_is_itself has no answer: the sequence has length 0, and no index 0 ({file}:{line}:16)"
    assert told.replace(" ", "") in "".join(out.split())  # wherever its lines are broken
    assert f"{line} | {where}" in out


PARTIAL_MAP = '''    since: PartialMap[Node, bool]

    @lemma
    def known(self) -> bool:
        """Whatever is on is known."""
        return all(self.since[n] or True for n in self.on)
'''


def test_a_key_that_a_partial_map_lacks_is_called_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, status, out, _ = said(tmp_path, PARTIAL_MAP, capsys)
    assert status == 1
    assert "known has then no answer: a key that is not there" in out


def test_a_lemma_that_has_no_answer_is_told_to_programs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, status, out, _ = said(tmp_path, PARTIAL, capsys, "--format", "json")
    (cell,) = [c for c in json.loads(out)["obligations"] if c["status"] != "proved"]
    part = cell["counterexample"]["false"]
    assert (status, cell["name"]) == (1, "first_is_itself / init")
    assert (part["text"], part["why"]) == ("self.queue[0]", "the sequence has length 0, and no index 0")
    assert part["place"]["file"] == str(file)


ASSUMES = '''    @assume
    def one_node(self) -> bool:
        """There is one node."""
        return all(a == b for a in Node for b in Node)
'''


def test_what_a_script_assumes_is_named_beside_the_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, status, out, _ = said(tmp_path, ASSUMES, capsys)
    line = (HEAD + ASSUMES).splitlines().index("    def one_node(self) -> bool:") + 1
    assert status == 0
    assert out.startswith("PROVED  Wrong: at_most_one holds at every size where one_node is so\n")
    note = f"note the script assumes one_node: There is one node ({file}:{line}:5)"
    assert note.replace(" ", "") in "".join(out.split())
    file, status, out, _ = said(tmp_path, ASSUMES, capsys, "--format", "json")
    report = json.loads(out)
    assert (status, report["verdict"]) == (0, "holds")
    ((assumed),) = report["assumes"]
    assert (assumed["name"], assumed["place"]["line"]) == ("one_node", line)


OWN = '''    @action
    def put(self, n: Node) -> None:
        require(all(a == n for a in self.on))
        self.on.add(n)

    @lemma
    def at_most_one(self) -> bool:
        """It says more than it must."""
        return super().at_most_one() and len(self.on) <= 1
'''


def test_a_step_of_a_scripts_own_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, status, out, _ = said(tmp_path, OWN, capsys)
    line = (HEAD + OWN).splitlines().index("        require(all(a == n for a in self.on))")
    assert status == 0
    assert f"note the script has its own action `put` ({file}:{line}:5)".replace(" ", "") in "".join(
        out.split()
    )
    assert "its own invariant" not in out


VACUOUS = '''    @lemma
    def sizes_add_up(self) -> bool:
        """No step can change this."""
        return len(Node) + 1 > len(Node)
'''


def test_a_claim_that_no_step_can_change_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, status, out, _ = said(tmp_path, VACUOUS, capsys)
    line = (HEAD + VACUOUS).splitlines().index("    def sizes_add_up(self) -> bool:") + 1
    assert status == 0
    assert "\nvacuous     sizes_add_up does not depend on the state\n" in out
    file, status, out, _ = said(tmp_path, VACUOUS, capsys, "--format", "json")
    ((vacuous),) = json.loads(out)["vacuous"]
    assert (status, vacuous["name"], vacuous["place"]["line"]) == (0, "sizes_add_up", line)
    file, status, out, _ = said(tmp_path, VACUOUS, capsys, "--format", "github")
    assert out.startswith(
        f"::warning file={file},line={line},col=5,title=ratified Wrong::sizes_add_up does not"
    )


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = run(list(arguments))
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return status, out, err


def test_induct_names_what_a_script_assumes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "own.py"
    file.write_text(HEAD + ASSUMES + LEMMA)
    status, out, _ = told(capsys, "induct", f"{file}:Wrong", "--claim", "one")
    assert (status, out) == (0, "INDUCTIVE  Wrong: one, with its lemmas where one_node is so\n")
    status, out, _ = told(capsys, "induct", f"{file}:Wrong", "--houdini")
    assert (status, out.splitlines()[0]) == (0, "INDUCTIVE  Wrong: 2 of 2 invariants where one_node is so")


def test_induct_blames_the_lemma_that_is_false(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "own.py"
    file.write_text(HEAD + PARTIAL + LEMMA)
    status, out, _ = told(capsys, "induct", f"{file}:Wrong", "--claim", "one")
    assert status == 1
    assert out.startswith("NOT INDUCTIVE  Wrong: one has 1 counterexample\n")
    assert "first_is_itself has no answer: the sequence has length 0, and no index 0" in out
    assert out.endswith("  this state is reachable: the lemma first_is_itself is not an invariant\n")


@pytest.mark.parametrize("kind", ERRORS)
def test_induct_refuses_what_holds_of_nothing(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body, where, message, remedy = ERRORS[kind]
    file = tmp_path / "own.py"
    file.write_text(HEAD + body + LEMMA)
    line = (HEAD + body).splitlines().index(where) + 1
    for how in (("--claim", "one"), ("--houdini",)):
        status, out, err = told(capsys, "induct", f"{file}:Wrong", *how)
        assert (status, out) == (2, "")
        assert err.startswith(f"Error: {file}:{line}:5: {message}\n")
        assert err.endswith(f"  {remedy}\n")


AT_A_SIZE = {
    "a contradictory assumption": (
        ("limit=4",),
        "Wrong(Node=2, limit=4) violates an assumption: Two at once",
    ),
    "an axiom that no size satisfies": ((), "Wrong(Node=2) violates an assumption: Not even with themselves"),
    "an empty initial condition": (
        (),
        "Wrong has no initial state: no choice of init's arguments passes its guards",
    ),
    "an initial condition that is empty where the assumption is so": (
        ("limit=4",),
        "Wrong has no initial state: no choice of init's arguments passes its guards",
    ),
}


@pytest.mark.parametrize(
    "how", [(), ("--induction",), ("--format", "json"), ("--induction", "--format", "json")]
)
@pytest.mark.parametrize("kind", AT_A_SIZE)
def test_bmc_refuses_what_holds_of_nothing(
    kind: str, how: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body, where, *_ = ERRORS[kind]
    given, message = AT_A_SIZE[kind]
    file = tmp_path / "own.py"
    file.write_text(HEAD + body + LEMMA)
    line = (HEAD + body).splitlines().index(where) + 1
    status, out, err = told(capsys, "bmc", f"{file}:Wrong", "Node=2", *given, *how)
    assert status == 2
    assert_said_once(out, err, "json" if "json" in how else "text")
    assert err.startswith(f"Error: {file}:{line}:5: {message}\n")


@pytest.mark.parametrize("how", [(), ("--induction",)])
def test_bmc_tells_where_a_lemma_has_no_answer(
    how: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "own.py"
    file.write_text(HEAD + PARTIAL + LEMMA)
    where = "        return self.queue[0] == self.queue[0]"
    line = (HEAD + PARTIAL).splitlines().index(where) + 1
    status, out, err = told(capsys, "bmc", f"{file}:Wrong", "Node=1", *how)
    assert status == 2
    assert_said_once(out, err, "json" if "json" in how else "text")
    assert err.startswith(f"Error: {file}:{line}:16: the sequence has length 0, and no index 0\n")
    assert "  in first_is_itself(), in an initial state:\n" in err


UNANSWERED = '''    parts: Param[Annotated[int, Range(0, 3)]] = 2

    @assume
    def thirds(self) -> bool:
        """Three in each part."""
        return 6 // self.parts == 3
'''


@pytest.mark.parametrize("command", ["check", "bmc", "simulate"])
def test_an_assumption_without_an_answer_is_told_with_its_place(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "own.py"
    file.write_text(HEAD + UNANSWERED + LEMMA)
    where = "        return 6 // self.parts == 3"
    line = (HEAD + UNANSWERED).splitlines().index(where) + 1
    status, out, err = told(capsys, command, f"{file}:Wrong", "Node=1", "parts=0")
    assert (status, out) == (2, "")
    assert err.startswith(
        f"Error: {file}:{line}:16: the assumption thirds cannot be evaluated here: division by zero\n"
    )
