"""What has gone wrong in implementations of Paxos."""

from __future__ import annotations

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


MUTANTS = (
    Mutant(
        "stale-promises",
        "a promise of an older ballot is counted towards a newer one",
        ((f"{PROPOSER}.counts", any_promise),),
        "MyPaxos",
    ),
    Mutant(
        "accepts-below-promise",
        "an acceptor accepts below its promise",
        ((f"{ACCEPTOR}.may_accept", always),),
    ),
    Mutant(
        "own-value",
        "a proposer proposes its own value though an answer carries a vote",
        ((f"{PROPOSER}.choose_value", own_value),),
    ),
    Mutant(
        "smallest-vote",
        "a proposer takes the vote with the smallest ballot",
        ((f"{PROPOSER}.choose_value", smallest_vote),),
        first=320,  # seldom: two votes that differ must be there, and the later one be chosen
    ),
    Mutant(
        "ballot-reused",
        "a proposer that restarts uses its ballot again",
        ((f"{PROPOSER}.next_ballot", same_ballot), (f"{CORE}._keep", _forgetting("attempted"))),
    ),
    Mutant(
        "half-promised",
        "half of an even cluster is a quorum of promises",
        (("ratified.impl.paxos.proposer:is_quorum", half),),
        nodes=4,
    ),
    Mutant(
        "votes-across-ballots",
        "a learner counts votes of different ballots together",
        (("ratified.impl.paxos.learner:Learner.accepted", votes_of_any_ballot),),
    ),
    Mutant(
        "promise-forgets-vote",
        "an acceptor that promises forgets its vote",
        ((f"{ACCEPTOR}.promise", forget_the_vote),),
    ),
    Mutant("promise-not-durable", "a promise is not written", ((f"{CORE}._keep", _forgetting("promised")),)),
    Mutant("vote-not-durable", "a vote is not written", ((f"{CORE}._keep", _forgetting("voted")),)),
)
"""What each is of, is told in docs/conformance.md."""
