"""What has gone wrong in implementations of Multi-Paxos."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ratified.conform.mutants import Mutant
from ratified.conformance.multipaxos.hidden import HIDDEN
from ratified.impl.contract import WriteRecord
from ratified.impl.multipaxos.messages import NO_OP
from ratified.impl.multipaxos.state import State
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


def half(self: Any, proposal: Any) -> bool:
    return 2 * len(proposal.voters) >= len(self._state.members)


def any_vote(self: Any, ballot: Ballot, entry: Any) -> bool:
    return entry is not None


def _votes_above() -> Any:
    original = State.votes_above

    def but_the_last(self: Any, slot: int) -> Any:
        return original(self, slot)[:-1]

    return but_the_last


MUTANTS: Mapping[str, Mutant] = {
    "stale-promise": Mutant(((f"{CANDIDATE}.counts", always),)),
    "ignores-promise": Mutant(((f"{ACCEPTOR}.may_accept", always),)),
    "ignores-votes": Mutant(((f"{CANDIDATE}.choose_value", no_vote_counts),)),
    "smallest-vote": Mutant(((f"{CANDIDATE}.choose_value", smallest_vote),)),
    "half-quorums": Mutant((("ratified.impl.multipaxos.leader:Leader.is_chosen", half),), nodes=4),
    "learns-older-vote": Mutant((("ratified.impl.multipaxos.learner:Learner.is_proposal_of", any_vote),)),
    "last-vote-dropped": Mutant(((f"{STATE}.votes_above", _votes_above()),)),
    "forgotten-promise": Mutant(((f"{STATE}.keep", keep_no_promise),)),
    "forgotten-vote": Mutant(((f"{STATE}.vote", vote_unwritten),), first=1),
    "answered-early": Mutant(((f"{ACCEPTOR}.once_durable", at_once),)),
    "sessions-not-kept": Mutant((("ratified.impl.sessions:Sessions.table", lambda self: ()),), first=14),
    **HIDDEN,
}
"""By the names of the bugs, as `ratified.bundled` has them."""
