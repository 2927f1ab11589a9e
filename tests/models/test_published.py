"""Protocols that were published with a bug: it is found, and what mends them holds."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from ratified import Model, Verdict, check
from ratified.results.result import Result


def example(checkout: Path, file: str, model: str) -> type[Model]:
    name = f"published_{Path(file).stem}"
    spec = importlib.util.spec_from_file_location(name, checkout / "examples" / file)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: type[Model] = getattr(module, model)
    return found


def standard(checkout: Path, file: str, model: str) -> Result:
    """What the command line does with a model where nothing else is asked for."""
    cls: Any = example(checkout, f"published/{file}.py", model)
    return check(cls(**cls.sizes["standard"]), symmetry="standard" in getattr(cls, "symmetric_sizes", ()))


BROKEN = [
    ("abd_register", "Register", "no_read_goes_back", 7, 330),
    ("viewstamped_recovery", "Recovery", "what_is_committed_is_kept", 8, 1_700),
    ("epaxos_ballot", "OneBallot", "agreement", 13, 57_789),
    ("zyzzyva", "Zyzzyva", "what_is_done_stays", 12, 73_935),
    ("chord", "Chord", "one_ordered_ring", 8, 3_168),
    ("bakery", "NoDoorway", "mutual_exclusion", 8, 49),
    ("atomic_commit", "TwoPhase", "nobody_waits_for_ever", 4, 108),
    ("atomic_commit", "ThreePhase", "consistency", 6, 150),
    ("redlock", "Redlock", "one_holder", 7, 16),
    ("redlock", "Pausing", "no_write_is_undone_by_an_earlier_holder", 10, 143),
    ("snapshot", "Overtaking", "every_coin_is_counted_once", 4, 79),
    ("hyman", "Hyman", "mutual_exclusion", 7, 22),
    ("raft_membership", "SingleServer", "leaders_have_what_is_committed", 7, 295),
    ("in_sync_replicas", "StaleEpoch", "who_may_lead_has_what_is_committed", 6, 572),
    ("garbage_collector", "ShadeFirst", "nothing_in_use_is_freed", 13, 1_996),
    ("treiber_stack", "Stack", "what_is_on_top_is_nobodys", 7, 108),
    ("chain_replication", "NotResent", "what_a_replica_has_those_before_it_have", 5, 438),
    ("chain_replication", "EmptyTail", "the_tail_has_what_was_acknowledged", 4, 200),
    ("bully_election", "LateNews", "one_leader", 7, 200),
    ("needham_schroeder", "NeedhamSchroeder", "secret", 4, 272),
    ("write_skew", "SnapshotIsolation", "somebody_is_on_call", 4, 23),
    ("sloppy_quorum", "SloppyQuorum", "reads_are_fresh", 3, 171),
    ("bracha", "Bracha", "agreement", 6, 165),
]


@pytest.mark.parametrize(("file", "model", "claim", "steps", "states"), BROKEN, ids=[b[1] for b in BROKEN])
def test_the_published_bug_is_found(
    file: str, model: str, claim: str, steps: int, states: int, checkout: Path
) -> None:
    found = standard(checkout, file, model)
    assert found.verdict is Verdict.VIOLATED
    assert found.violation is not None
    assert (found.violation.name, len(found.violation.trace.steps), found.distinct) == (claim, steps, states)


MENDED = [
    ("abd_register", "WriteBack", 670, 14),
    ("viewstamped_recovery", "ViewOnDisk", 1_391, 13),
    ("epaxos_ballot", "TwoBallots", 3_902, 19),
    ("chord", "StableBase", 1_473, 22),
    ("bakery", "Bakery", 103, 22),
    ("atomic_commit", "PerfectDetection", 129, 12),
    ("redlock", "IdealClocks", 9, 5),
    ("redlock", "Fenced", 292, 17),
    ("snapshot", "FirstInFirstOut", 242, 16),
    ("hyman", "Peterson", 20, 7),
    ("raft_membership", "OwnTermFirst", 462, 14),
    ("in_sync_replicas", "BrokerEpoch", 1_944, 17),
    ("garbage_collector", "PointFirst", 1_685, 13),
    ("treiber_stack", "Counted", 568, 14),
    ("chain_replication", "Chain", 1_076, 10),
    ("chain_replication", "CopiedTail", 2_198, 11),
    ("bully_election", "Election", 96, 6),
    ("write_skew", "Serializable", 21, 5),
    ("sloppy_quorum", "Strict", 400, 8),
    ("bracha", "EnoughProcesses", 517, 10),
    ("needham_schroeder", "Lowe", 17_561, 17),
    pytest.param("zyzzyva", "NewestView", 506_391, 27, marks=pytest.mark.long(suite="states")),
]


@pytest.mark.parametrize(("file", "model", "states", "depth"), MENDED)
def test_what_was_mended_holds(file: str, model: str, states: int, depth: int, checkout: Path) -> None:
    found = standard(checkout, file, model)
    assert (found.verdict, found.distinct, found.depth, found.vacuous) == (Verdict.HOLDS, states, depth, ())


def test_the_page_says_what_was_measured(checkout: Path) -> None:
    """A row for each protocol, with the steps and states of its bugs, and the states of what mends them."""
    page = (checkout / "docs" / "published.md").read_text(encoding="utf-8")
    for file in dict.fromkeys(file for file, *_ in BROKEN):
        (row,) = (
            line
            for line in page.splitlines()
            if line.startswith("| [") and f"(#{file.replace('_', '-')})" in line
        )
        cells = [cell.strip() for cell in row.split("|")]
        bugs = [b for b in BROKEN if b[0] == file]
        assert cells[4:6] == [" / ".join(str(b[3]) for b in bugs), " / ".join(f"{b[4]:,}" for b in bugs)]
        mended = [m.values if hasattr(m, "values") else m for m in MENDED]
        assert cells[6] in [f"{m[2]:,}" for m in mended if m[0] == file]
