"""What is bundled: every model by its name on the command line, where its class is, and what it is, in a line.

Guarantees: importing this imports no model; a name is looked up only when it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Bundled:
    """A bundled model. `target` is `module:Class`; `broken` ones are wrong on purpose, and checking them must refute them."""

    name: str
    target: str
    description: str
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Protocol:
    """What `ratified verify` runs for a protocol, in order: its models, most abstract first, then broken variants."""

    name: str
    description: str
    models: tuple[str, ...]


_MODELS = (
    Bundled("consensus", "ratified.models.paxos.consensus:Consensus", "choosing a single value, once"),
    Bundled(
        "voting",
        "ratified.models.paxos.voting:Voting",
        "how ballots and votes choose a value; refines consensus",
    ),
    Bundled(
        "paxos", "ratified.models.paxos.paxos:Paxos", "the Synod: Paxos for a single decree; refines voting"
    ),
    Bundled(
        "flexible-paxos",
        "ratified.models.paxos.flexible:FlexiblePaxos",
        "Paxos with a quorum system for each phase",
    ),
    Bundled(
        "multi-paxos",
        "ratified.models.paxos.multi:MultiPaxos",
        "a log of slots, each filled by Paxos; refines paxos at a slot",
    ),
    Bundled(
        "abstract-raft",
        "ratified.models.raft.abstract:AbstractRaft",
        "Raft without messages: terms, votes and logs",
    ),
    Bundled("raft", "ratified.models.raft.raft:Raft", "Raft as published: leader election, log replication"),
    Bundled(
        "raft-with-history",
        "ratified.models.raft.history:RaftWithHistory",
        "Raft that remembers what it has been; refines abstract-raft",
    ),
    Bundled(
        "raft-elections",
        "ratified.models.raft.elections:RaftElections",
        "Raft with pre-vote, check-quorum and leadership transfer, each to be switched on",
    ),
    Bundled(
        "raft-clients",
        "ratified.models.raft.clients:RaftClients",
        "Raft with no-ops, client sessions and reads, each to be switched on",
    ),
    Bundled(
        "raft-compaction",
        "ratified.models.raft.compaction:RaftCompaction",
        "Raft with log compaction and snapshots, to be switched on",
    ),
    Bundled(
        "raft-membership",
        "ratified.models.raft.membership:RaftMembership",
        "Raft with changes of configuration, one server at a time or by joint consensus",
    ),
    Bundled(
        "raft-as-built",
        "ratified.models.raft.built:RaftAsBuilt",
        "Raft with all that implementations add, each to be switched on",
    ),
    Bundled(
        "transaction-commit",
        "ratified.models.commit.transaction_commit:TransactionCommit",
        "resource managers that commit all or none",
    ),
    Bundled(
        "two-phase-commit",
        "ratified.models.commit.two_phase:TwoPhase",
        "a transaction manager decides; refines transaction-commit",
    ),
    Bundled(
        "paxos-ignores-promise",
        "ratified.models.paxos.broken:IgnoredPromise",
        "an acceptor votes below its promise",
        broken=True,
    ),
    Bundled(
        "paxos-ignores-votes",
        "ratified.models.paxos.broken:IgnoredVotes",
        "a proposer proposes its own value though an answer carries a vote",
        broken=True,
    ),
    Bundled(
        "paxos-smallest-vote",
        "ratified.models.paxos.broken:SmallestVote",
        "a proposer takes the vote with the smallest ballot",
        broken=True,
    ),
    Bundled(
        "paxos-half-quorums",
        "ratified.models.paxos.broken:HalfQuorums",
        "half of the acceptors are a quorum, so that two need not intersect",
        broken=True,
    ),
    Bundled(
        "paxos-stale-promise",
        "ratified.models.paxos.broken:StalePromise",
        "a promise of an older ballot is counted towards a newer one",
        broken=True,
    ),
    Bundled(
        "paxos-reused-ballot",
        "ratified.models.paxos.broken:ReusedBallot",
        "a proposer that restarts begins its ballot once more",
        broken=True,
    ),
    Bundled(
        "paxos-forgotten-promise",
        "ratified.models.paxos.broken:ForgottenPromise",
        "an acceptor that restarts has lost its promise",
        broken=True,
    ),
    Bundled(
        "paxos-forgotten-vote",
        "ratified.models.paxos.broken:ForgottenVote",
        "an acceptor that restarts has lost its vote",
        broken=True,
    ),
    Bundled(
        "raft-half-quorums",
        "ratified.models.raft.broken:HalfQuorums",
        "half of the servers are a majority",
        broken=True,
    ),
    Bundled(
        "raft-forgets-vote",
        "ratified.models.raft.broken:ForgottenVote",
        "a server that restarts has lost its vote",
        broken=True,
    ),
    Bundled(
        "raft-stale-votes",
        "ratified.models.raft.broken:StaleVotes",
        "a candidate counts answers to an earlier term's requests",
        broken=True,
    ),
    Bundled(
        "raft-stubborn-leader",
        "ratified.models.raft.broken:StubbornLeader",
        "a leader that learns of a newer term goes on leading",
        broken=True,
    ),
    Bundled(
        "raft-shorter-history",
        "ratified.models.raft.broken:ShorterHistory",
        "logs are compared by their lengths only",
        broken=True,
    ),
    Bundled(
        "raft-counted-old-entries",
        "ratified.models.raft.broken:CountedOldEntries",
        "a leader commits entries of earlier terms by counting (Figure 8)",
        broken=True,
    ),
    Bundled(
        "raft-commit-goes-back",
        "ratified.models.raft.broken:CommitGoesBack",
        "a follower's commit index goes back with an old message",
        broken=True,
    ),
    Bundled(
        "raft-truncating-append",
        "ratified.models.raft.broken:TruncatingAppend",
        "an old or empty message cuts a follower's log",
        broken=True,
    ),
    Bundled(
        "raft-kept-conflict",
        "ratified.models.raft.broken:KeptConflict",
        "a follower keeps entries that conflict with its leader's",
        broken=True,
    ),
    Bundled(
        "raft-counted-rejections",
        "ratified.models.raft.broken:CountedRejections",
        "a leader takes a rejection for an agreement",
        broken=True,
    ),
    Bundled(
        "raft-torn-vote",
        "ratified.models.raft.broken:TornVote",
        "term and vote are two writes, and a crash comes between them",
        broken=True,
    ),
    Bundled(
        "raft-match-goes-back",
        "ratified.models.raft.broken:MatchGoesBack",
        "a leader that gets an old answer forgets what it knew since",
        broken=True,
    ),
    Bundled(
        "raft-next-behind-match",
        "ratified.models.raft.broken:NextBehindMatch",
        "a leader that gets an old rejection sends what it knows to be there",
        broken=True,
    ),
    Bundled(
        "raft-repeated-append",
        "ratified.models.raft.broken:RepeatedAppend",
        "entries for the beginning of a log are appended without looking",
        broken=True,
    ),
    Bundled(
        "raft-lost-entry",
        "ratified.models.raft.broken:LostEntry",
        "a server says that it has an entry before it is on disk",
        broken=True,
    ),
    Bundled(
        "raft-consenting-leader",
        "ratified.models.raft.broken_built:ConsentingLeader",
        "a leader consents to being replaced",
        broken=True,
    ),
    Bundled(
        "raft-costly-pre-vote",
        "ratified.models.raft.broken_built:CostlyPreVote",
        "a server that is asked for a pre-vote takes over the term",
        broken=True,
    ),
    Bundled(
        "raft-disturbed-follower",
        "ratified.models.raft.broken_built:DisturbedFollower",
        "a server that hears its leader gives in to a candidate that does not",
        broken=True,
    ),
    Bundled(
        "raft-hasty-transfer",
        "ratified.models.raft.broken_built:HastyTransfer",
        "a leader hands over to a server that lacks a part of its log",
        broken=True,
    ),
    Bundled(
        "raft-unconfirmed-read",
        "ratified.models.raft.broken_built:UnconfirmedRead",
        "a leader answers reads without asking whether it still leads",
        broken=True,
    ),
    Bundled(
        "raft-repeated-command",
        "ratified.models.raft.broken_built:RepeatedCommand",
        "a command that a client has repeated is executed once more",
        broken=True,
    ),
    Bundled(
        "raft-append-for-snapshot",
        "ratified.models.raft.broken_built:AppendForSnapshot",
        "an append with nothing in it is sent where a snapshot is needed",
        broken=True,
    ),
    Bundled(
        "raft-snapshot-lowers-term",
        "ratified.models.raft.broken_built:SnapshotLowersTerm",
        "a server that loads a snapshot takes its term",
        broken=True,
    ),
    Bundled(
        "raft-hasty-change",
        "ratified.models.raft.broken_built:HastyChange",
        "a configuration is changed before an entry of the term is committed",
        broken=True,
    ),
    Bundled(
        "raft-union-majority",
        "ratified.models.raft.broken_built:UnionMajority",
        "a majority of the old and new servers together is enough",
        broken=True,
    ),
    Bundled(
        "two-phase-commit-by-majority",
        "ratified.models.commit.broken:MajorityCommit",
        "a transaction manager commits once a majority is prepared",
        broken=True,
    ),
    Bundled(
        "two-phase-commit-impatient",
        "ratified.models.commit.broken:ImpatientManager",
        "a prepared resource manager that hears nothing aborts by itself",
        broken=True,
    ),
    Bundled(
        "two-phase-commit-forgets",
        "ratified.models.commit.broken:ForgottenDecision",
        "a transaction manager tells its decision before it is on disk",
        broken=True,
    ),
)


def _broken(prefix: str) -> tuple[str, ...]:
    return tuple(model.name for model in _MODELS if model.broken and model.name.startswith(f"{prefix}-"))


_PROTOCOLS = (
    Protocol(
        "paxos",
        "single-decree Paxos, what it refines, flexible quorums, and what breaks without each of its rules",
        (
            "consensus",
            "voting",
            "paxos",
            "flexible-paxos",
            "multi-paxos",
            *_broken("paxos"),
        ),
    ),
    Protocol(
        "raft",
        "Raft as published, the abstract Raft that it refines, and what breaks without each of its rules",
        (
            "abstract-raft",
            "raft",
            "raft-with-history",
            "raft-elections",
            "raft-clients",
            "raft-compaction",
            "raft-membership",
            "raft-as-built",
            *_broken("raft"),
        ),
    ),
    Protocol(
        "two-phase-commit",
        "two-phase commit, the transaction commit that it refines, and what breaks it",
        ("transaction-commit", "two-phase-commit", *_broken("two-phase-commit")),
    ),
)

bundled: Mapping[str, Bundled] = MappingProxyType({model.name: model for model in _MODELS})
"""The bundled models by name, in the order in which they are listed."""

protocols: Mapping[str, Protocol] = MappingProxyType({protocol.name: protocol for protocol in _PROTOCOLS})
"""What can be verified, by name."""
