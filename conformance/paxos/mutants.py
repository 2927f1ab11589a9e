"""What has gone wrong in implementations of Paxos."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ratified.conform.mutants import Mutant
from ratified.impl.contract import WriteRecord
from ratified.impl.paxos.ballots import Ballot
from ratified.impl.paxos.proposer import Phase

CORE = "ratified.impl.paxos.core:PaxosCore"
ACCEPTOR = "ratified.impl.paxos.acceptor:Acceptor"
PROPOSER = "ratified.impl.paxos.proposer:Proposer"


def any_promise(self: Any, ballot: Ballot) -> bool:
    return bool(self.phase is Phase.PREPARING)


def always(*_: Any) -> bool:
    return True


def own_value(self: Any, wish: Any) -> Any:
    votes = [vote for vote in self.promises.values() if vote is not None]
    return wish if wish is not None or not votes else max(votes, key=lambda v: v.ballot).value


def smallest_vote(self: Any, wish: Any) -> Any:
    votes = [vote for vote in self.promises.values() if vote is not None]
    return min(votes, key=lambda v: v.ballot).value if votes else wish


def _forgetting(*names: str) -> Any:
    def keep(self: Any, **changed: Any) -> None:
        kept = {name: value for name, value in changed.items() if name not in names}
        self._record = replace(self._record, **kept)
        self._out.write(WriteRecord(self._record))

    return keep


def same_ballot(self: Any, seen: Ballot) -> Ballot:
    return Ballot(max(1, seen.round), self.node)


def half(some: Any, members: Any) -> bool:
    return 2 * len(some) >= len(members)


def votes_of_any_ballot(self: Any, acceptor: str, ballot: Ballot, members: Any) -> bool:
    voters = self._votes.setdefault(Ballot(1, ""), set())
    voters.add(acceptor)
    return 2 * len(voters) > len(members)


def forget_the_vote(self: Any, ballot: Ballot) -> None:
    self.promised, self.voted = ballot, None


MUTANTS: Mapping[str, Mutant] = {
    "stale-promise": Mutant(((f"{PROPOSER}.counts", any_promise),)),
    "ignores-promise": Mutant(((f"{ACCEPTOR}.may_accept", always),)),
    "ignores-votes": Mutant(((f"{PROPOSER}.choose_value", own_value),)),
    # Seldom: two votes that differ must be there, and the later one be chosen.
    "smallest-vote": Mutant(((f"{PROPOSER}.choose_value", smallest_vote),), first=320),
    "reused-ballot": Mutant(
        ((f"{PROPOSER}.next_ballot", same_ballot), (f"{CORE}._keep", _forgetting("attempted")))
    ),
    "half-quorums": Mutant((("ratified.impl.paxos.proposer:is_quorum", half),), nodes=4),
    "votes-across-ballots": Mutant((("ratified.impl.paxos.learner:Learner.accepted", votes_of_any_ballot),)),
    "promise-forgets-vote": Mutant(((f"{ACCEPTOR}.promise", forget_the_vote),)),
    "forgotten-promise": Mutant(((f"{CORE}._keep", _forgetting("promised")),)),
    "forgotten-vote": Mutant(((f"{CORE}._keep", _forgetting("voted")),)),
}
"""By the names of the bugs, as `ratified.bundled` has them."""
