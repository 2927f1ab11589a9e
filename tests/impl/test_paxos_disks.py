"""Disks in scripts, for Paxos and Multi-Paxos: what they say, and what is said where they say nothing sensible."""

from __future__ import annotations

import pytest

from ratified.bundled.systems import play
from ratified.simulator.steps import ScheduleError


@pytest.mark.parametrize(
    ("disk", "message"),
    [
        ("color=red", "a disk has promised=BALLOT, voted=BALLOT:NAME and attempted=BALLOT"),
        ("promised=3", "a ballot is ROUND.NODE, such as 2.n1, not '3'"),
        ("promised=0.a", "a ballot is ROUND.NODE, such as 2.n1, not '0.a'"),
        ("voted=1.a", "a vote is BALLOT:NAME, such as 2.n1:red, not '1.a'"),
    ],
)
def test_a_disk_that_paxos_cannot_have(disk: str, message: str) -> None:
    with pytest.raises(ScheduleError) as error:
        play(f"system paxos\nnodes a b c\ndisk a {disk}\n", "duel")
    assert str(error.value) == f"duel:3: {message}"


@pytest.mark.parametrize(
    ("disk", "message"),
    [
        ("term=3", "a disk has promised=BALLOT, log=BALLOT:NAME,... and chosen=NUMBER"),
        ("log=1.a:red,blue", "a vote is BALLOT:NAME, such as 2.n1:red, not 'blue'"),
        ("chosen=two", "chosen is the number of a slot, not 'two'"),
        ("log=1.a:red,- chosen=2", "there is no vote in every slot up to 2, and yet all are chosen"),
    ],
)
def test_a_disk_that_multi_paxos_cannot_have(disk: str, message: str) -> None:
    with pytest.raises(ScheduleError) as error:
        play(f"system multi-paxos\nnodes a b c\ndisk a {disk}\n", "gaps")
    assert str(error.value) == f"gaps:3: {message}"


def test_a_vote_on_a_disk_promises_its_ballot() -> None:
    script = "nodes a b\ndisk a {}\nquiet\nshow\n"
    shown = play("system paxos\n" + script.format("voted=2.b:red promised=1.b attempted=1.a"))
    assert "    a  idle      promised 2.b   attempted 1.a   voted 2.b red/1 put x red, chosen none\n" in shown
    shown = play("system multi-paxos\n" + script.format("log=2.b:red,-,3.a:blue chosen=1"))
    assert "    a  follower  promised 3.a   chosen 1   log 1 red 2.b | 3 blue 3.a\n" in shown


def test_a_violation_in_a_script_ends_its_transcript() -> None:
    script = "system paxos\nnodes a b c\ndisk a voted=1.a:red\ndisk b voted=1.a:blue\nshow\n"
    assert play(script).splitlines()[-1] == (
        "VIOLATION: one value in a ballot: b votes for blue/1 put x blue at 1 in 1.a; red/1 put x red was proposed"
    )
