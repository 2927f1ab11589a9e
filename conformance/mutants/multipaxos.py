"""What has gone wrong in implementations of Multi-Paxos."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ratified.conformance.mutants import Mutant
from ratified.impl.contract import WriteRecord
from ratified.impl.multipaxos.messages import NO_OP
from ratified.impl.paxos.ballots import Ballot

ACCEPTOR = "ratified.impl.multipaxos.acceptor:Acceptor"
CANDIDATE = "ratified.impl.multipaxos.candidate:Candidate"
STATE = "ratified.impl.multipaxos.state:State"
CORE = "ratified.impl.multipaxos.core:MultiPaxosCore"


def always(*_: Any) -> bool:
    return True


def no_vote_counts(self: Any, votes: Any) -> Any:
    return NO_OP


def smallest_vote(self: Any, votes: Any) -> Any:
    return min(votes, key=lambda v: v.ballot).value if votes else NO_OP


def keep_no_promise(self: Any) -> None:
    from ratified.impl.multipaxos.state import Record

    record = replace(Record(self.members, self.promised, self.chosen), promised=self._record.promised)
    if record != self._record:
        self._record = record
        self.out.write(WriteRecord(record))


def vote_unwritten(self: Any, ballot: Ballot, first: int, values: tuple[Any, ...]) -> None:
    from ratified.impl.paxos.ballots import Vote

    for slot, value in enumerate(values, first):
        vote: Any = Vote(ballot, value)
        if slot > self.chosen and self.entries.get(slot) != vote:
            self.entries[slot] = vote
            if self.note:
                self.note("accept", ballot=ballot, slot=slot, value=value)


def at_once(self: Any) -> int:
    return 0


MUTANTS = (
    Mutant(
        "stale-promises",
        "a promise of an older ballot is counted towards a newer one",
        ((f"{CANDIDATE}.counts", always),),
        "MyPaxos",
    ),
    Mutant(
        "accepts-below-promise",
        "an acceptor accepts below its promise",
        ((f"{ACCEPTOR}.may_accept", always),),
    ),
    Mutant(
        "ignores-votes",
        "a leader proposes nothing where a vote is reported",
        ((f"{CANDIDATE}.choose_value", no_vote_counts),),
    ),
    Mutant(
        "smallest-vote",
        "a leader takes the vote with the smallest ballot",
        ((f"{CANDIDATE}.choose_value", smallest_vote),),
    ),
    Mutant("promise-not-durable", "a promise is not written", ((f"{STATE}.keep", keep_no_promise),)),
    Mutant("vote-not-durable", "a vote is not written", ((f"{STATE}.vote", vote_unwritten),), first=1),
    Mutant(
        "answered-early",
        "promises and votes are told before they are written",
        ((f"{ACCEPTOR}.once_durable", at_once),),
    ),
)
"""Numbers 22 to 26 of the catalogue in docs/conformance.md."""
