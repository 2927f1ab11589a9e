"""Scenario scripts: what their lines do, and what is said of lines that are none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ratified.bundled.systems import make_system, play
from ratified.impl.raft import raft_system
from ratified.impl.system import SettingError
from ratified.simulator import ScheduleError, scenario

BEGIN = "system raft\nnodes a b c\n"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("campaign a", "s.txt:1: a script begins with `system NAME` and `nodes NAME...`"),
        ("system", "s.txt:1: write: system NAME [SETTING=VALUE]..."),
        (
            "\nsystem zab",
            "s.txt:2: there is no implementation 'zab'; there are: paxos, multi-paxos, raft",
        ),
        ("system raft pre_vote", "s.txt:1: 'pre_vote' is not NAME=VALUE"),
        ("system raft pre_vote=maybe", "s.txt:1: pre_vote is yes or no, not 'maybe'"),
        ("system raft max_batch=many", "s.txt:1: max_batch is a number, not 'many'"),
        ("system raft max_batch=0", "s.txt:1: max_batch is 0; it must be at least 1"),
        ("nodes a a", "s.txt:1: write: nodes NAME..., each once"),
        ("seed x", "s.txt:1: write: seed NUMBER"),
        ("disk a", "s.txt:1: there is no node 'a'; a disk comes after `system` and `nodes`"),
        (
            BEGIN + "disk a color=red",
            "s.txt:3: a disk has term=NUMBER, vote=NODE, log=TERM,TERM,... and members=NODE,NODE,...",
        ),
        (BEGIN + "campaign a\nseed 1", "s.txt:4: seed must come before the first step"),
        (BEGIN + "campaign d", "s.txt:3: there is no node 'd'; there are: a, b, c"),
        (BEGIN + "deliver a d", "s.txt:3: there is no node 'd'; there are: a, b, c"),
        (BEGIN + "deliver a b", "s.txt:3: no message is in transit from a to b"),
        (BEGIN + "crash d", "s.txt:3: there is no node 'd'; there are: a, b, c"),
        (BEGIN + "stabilise a", "s.txt:3: stabilise takes no arguments"),
        (BEGIN + "campaign a b", "s.txt:3: unexpected 'b' after campaign; expected: nothing"),
        (BEGIN + "transfer-leadership a", "s.txt:3: transfer-leadership needs to=..."),
        (BEGIN + "tick a x", "s.txt:3: cannot read 'tick a x'; write: tick NODE [TICKS]"),
        (
            BEGIN + "dance",
            "s.txt:3: unknown command 'dance'; there are: add-voter, aloud, calm, campaign, change-membership, "
            "compact, crash, cut, deliver, disk, heal, isolate, lose, nodes, order, partition, persist, propose, "
            "query, quiet, remove-node, restart, seed, show, stabilise, submit, system, tick, transfer-leadership",
        ),
    ],
)
def test_a_line_that_cannot_be_read_is_told_with_its_number(script: str, message: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        play(script, "s.txt")
    assert str(caught.value) == message


@pytest.mark.parametrize("script", ["", "\n", "# Nothing.\n", "nodes a b c\n"])
def test_a_script_in_which_nothing_is_played(script: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        play(script, "s.txt")
    assert str(caught.value) == (
        "s.txt: there is nothing to play: a script begins with `system NAME` and `nodes NAME...`"
    )


def test_a_protocol_may_not_know_how_to_be_given_a_disk() -> None:
    with pytest.raises(ScheduleError) as caught:
        scenario.play(BEGIN + "disk a term=1", lambda *_: replace(raft_system(), preset=None), "s.txt")
    assert str(caught.value) == "s.txt:3: raft cannot be given a disk"


def test_what_is_quiet_shows_comments_and_nodes_only() -> None:
    transcript = play(BEGIN + "quiet\n# An election.\ncampaign a\nstabilise\nshow")
    assert transcript == (
        "# An election.\n> campaign a\n> stabilise\n"
        "    a  leader        term 1   commit 1   log 1\n"
        "    b  follower      term 1   commit 1   log 1\n"
        "    c  follower      term 1   commit 1   log 1\n"
    )


def test_a_node_with_too_much_to_do_says_so() -> None:
    transcript = play(
        "system raft max_uncommitted=1 no_op=no\nnodes a b c\ncampaign a\nstabilise\npropose a put x 1\npropose a put x 2"
    )
    assert transcript.count("is to come again later: there is too much to do") == 1


def test_the_seed_makes_a_difference_where_clocks_tick() -> None:
    scripts = [BEGIN + f"seed {seed}\ntick a 7\ntick b 7\ntick c 7" for seed in range(8)]
    assert len({play(script) for script in scripts}) > 1


@pytest.mark.parametrize("name", ["raft", "multi-paxos", "paxos"])
def test_every_protocol_has_scripts(name: str) -> None:
    script = (
        f"system {name}\nnodes a b c\nquiet\ncampaign a\nstabilise\npropose a put x 1\nstabilise\ncalm\nshow"
    )
    transcript = play(script)
    assert "VIOLATION" not in transcript
    assert transcript.count("\n    ") == 3


def test_a_setting_that_is_none_is_told() -> None:
    with pytest.raises(SettingError) as caught:
        make_system("raft", {"speed": "1"})
    assert str(caught.value) == (
        "raft has no setting 'speed'; it has: election_ticks, heartbeat_ticks, pre_vote, check_quorum, no_op, "
        "max_batch, max_inflight, max_uncommitted, fast_backoff, snapshot_every, snapshot_keep, sessions"
    )
