"""Which proof script to try a model with: its own, a bundled one, or that of the bundled model it is a variant of."""

from __future__ import annotations

from typing import Any

from ratified.cli.loading import load
from ratified.language.errors import RatifiedError

SCRIPTS = {
    "consensus": "ratified.proofs.paxos.single:ConsensusSafety",
    "voting": "ratified.proofs.paxos.single:VotingSafety",
    "paxos": "ratified.proofs.paxos.single:PaxosSafety",
    "flexible-paxos": "ratified.proofs.paxos.single:FlexiblePaxosSafety",
    "multi-paxos": "ratified.proofs.paxos.single:MultiPaxosSafety",
    "raft": "ratified.proofs.raft.raft:RaftSafety",
    "raft-elections": "ratified.proofs.raft.built:RaftElectionsSafety",
    "raft-clients": "ratified.proofs.raft.built:RaftClientsSafety",
    "transaction-commit": "ratified.proofs.commit.two_phase:TransactionCommitSafety",
    "two-phase-commit": "ratified.proofs.commit.two_phase:TwoPhaseSafety",
}
"""The bundled proof scripts, by the names of the models that they are about. Those of Raft are about the relational one."""

_RELATIONAL = "ratified.models.raft.relational_broken"
RELATIONAL = {
    "raft-half-quorums": f"{_RELATIONAL}:HalfQuorums",
    "raft-forgets-vote": f"{_RELATIONAL}:ForgottenVote",
    "raft-stale-votes": f"{_RELATIONAL}:StaleVotes",
    "raft-stubborn-leader": f"{_RELATIONAL}:StubbornLeader",
    "raft-shorter-history": f"{_RELATIONAL}:ShorterHistory",
    "raft-counted-old-entries": f"{_RELATIONAL}:CountedOldEntries",
    "raft-commit-goes-back": f"{_RELATIONAL}:CommitGoesBack",
    "raft-truncating-append": f"{_RELATIONAL}:TruncatingAppend",
    "raft-kept-conflict": f"{_RELATIONAL}:KeptConflict",
    "raft-counted-rejections": f"{_RELATIONAL}:CountedRejections",
    "raft-torn-vote": f"{_RELATIONAL}:TornVote",
    "raft-match-goes-back": f"{_RELATIONAL}:MatchGoesBack",
    "raft-repeated-append": f"{_RELATIONAL}:RepeatedAppend",
    "raft-lost-entry": f"{_RELATIONAL}:LostEntry",
    "raft-consenting-leader": f"{_RELATIONAL}:ConsentingLeader",
    "raft-costly-pre-vote": f"{_RELATIONAL}:CostlyPreVote",
    "raft-disturbed-follower": f"{_RELATIONAL}:DisturbedFollower",
    "raft-hasty-transfer": f"{_RELATIONAL}:HastyTransfer",
    "raft-unconfirmed-read": f"{_RELATIONAL}:UnconfirmedRead",
    "raft-repeated-command": f"{_RELATIONAL}:RepeatedCommand",
    "raft-append-for-snapshot": f"{_RELATIONAL}:AppendForSnapshot",
    "raft-snapshot-lowers-term": f"{_RELATIONAL}:SnapshotLowersTerm",
}
"""What broken variants of Raft are in the relational Raft, by their names."""

UNSAID = {
    "raft-next-behind-match": "a leader of the relational Raft may send whatever it has: no index says what comes next",
    "raft-hasty-change": "the servers of the relational Raft do not change",
    "raft-union-majority": "the servers of the relational Raft do not change",
}
"""Broken variants of Raft that the relational one cannot have, and why."""


def script_for(target: str) -> Any:
    """Return the proof script for what was asked for: a script itself, a model's, or that of the model it is a variant of.

    Raises:
        RatifiedError: there is no such model, or no script for it.
    """
    from ratified.smt.script import about_of, applied, has_lemmas

    if target in SCRIPTS:
        return load(SCRIPTS[target])
    if target in UNSAID:
        raise RatifiedError(
            f"there is no proof to try {target} with: {UNSAID[target]}", remedy=f"ratified check {target}"
        )
    cls: Any = load(RELATIONAL.get(target, target))
    if has_lemmas(cls):
        return cls
    scripts: list[Any] = [s for s in map(load, SCRIPTS.values()) if issubclass(cls, about_of(s))]
    for script in scripts:
        if not any(issubclass(about_of(s), about_of(script)) for s in scripts if s is not script):
            return applied(script, cls)  # the one that knows most of it
    raise RatifiedError(
        f"{cls.__name__} has no lemmas, and there is no proof script for it",
        remedy="derive a class from it with methods marked @lemma (docs/proving.md); "
        f"scripts are bundled for {', '.join(SCRIPTS)}",
    )


def own_script(target: str) -> Any:
    """Return the bundled proof script of a model, or the class that a target names."""
    return load(SCRIPTS.get(target, target))
