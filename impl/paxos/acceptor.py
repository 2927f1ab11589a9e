"""The acceptor: promises, and votes. The two rules that all safety rests on are `may_promise` and `may_accept`.

Guarantees: the promise never falls, and a vote is never below it; in one ballot there is one vote. What an
acceptor answers may leave only once its record is durable: it "must remember this information even if it fails and is then
restarted" (section 2.2).
"""

from __future__ import annotations

from ratified.impl.contract import Command
from ratified.impl.paxos.ballots import Ballot, Vote


class Acceptor:
    """What one node has promised, and voted for last."""

    __slots__ = ("promised", "voted")

    def __init__(self, promised: Ballot, voted: Vote[Command] | None) -> None:
        self.promised = promised
        self.voted = voted

    def may_promise(self, ballot: Ballot) -> bool:
        """Whether the ballot is higher than any that a prepare request was answered for (section 2.2, phase 1b)."""
        return ballot > self.promised

    def may_accept(self, ballot: Ballot) -> bool:
        """Whether no prepare request of a higher ballot was answered (P1a)."""
        return ballot >= self.promised

    def is_vote_of(self, ballot: Ballot, value: Command) -> bool:
        """Whether a vote in this ballot can be for this value: an acceptor does not vote twice in one."""
        return self.voted is None or self.voted.ballot != ballot or self.voted.value == value

    def promise(self, ballot: Ballot) -> None:
        """Promise to accept nothing below the ballot."""
        self.promised = ballot

    def accept(self, ballot: Ballot, value: Command) -> None:
        """Vote. This promises the ballot too: of lower ones, a vote in this one would no longer tell the whole truth."""
        self.promised = ballot
        self.voted = Vote(ballot, value)
