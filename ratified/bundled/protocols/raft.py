"""Raft as published and as built, and what it refines. Its proofs are about a relational model of it."""

from __future__ import annotations

from ratified.bundled.description import Bug, BundledModel, BundledProtocol, Implementation
from ratified.bundled.hidden import RAFT, hidden

MODELS = "ratified.models.raft"
RELATIONAL = "ratified.models.raft.relational_broken"
PROOFS = "ratified.proofs.raft"

CORES = tuple(
    f"ratified.impl.raft.{name}"
    for name in (
        [
            "clients",
            "core",
            "election",
            "log",
            "membership",
            "operators",
            "progress",
            "reads",
            "replication",
            "state",
        ]
    )
)
UNCHANGED = "the servers of the relational Raft do not change"

PROTOCOL = BundledProtocol(
    "raft",
    "Raft as published, the abstract Raft that it refines, and what breaks without each of its rules",
    models=(
        BundledModel(
            "abstract-raft", f"{MODELS}.abstract:AbstractRaft", "Raft without messages: terms, votes and logs"
        ),
        BundledModel(
            "raft",
            f"{MODELS}.raft:Raft",
            "Raft as published: leader election, log replication",
            proof=f"{PROOFS}.raft:RaftSafety",
        ),
        BundledModel(
            "raft-with-history",
            f"{MODELS}.history:RaftWithHistory",
            "Raft with history variables; refines abstract-raft",
        ),
        BundledModel(
            "raft-elections",
            f"{MODELS}.elections:RaftElections",
            "Raft with pre-vote, check-quorum and leadership transfer, each optional",
            proof=f"{PROOFS}.built:RaftElectionsSafety",
        ),
        BundledModel(
            "raft-clients",
            f"{MODELS}.clients:RaftClients",
            "Raft with no-ops, client sessions and reads, each optional",
            proof=f"{PROOFS}.built:RaftClientsSafety",
        ),
        BundledModel(
            "raft-compaction",
            f"{MODELS}.compaction:RaftCompaction",
            "Raft with optional log compaction and snapshots",
        ),
        BundledModel(
            "raft-membership",
            f"{MODELS}.membership:RaftMembership",
            "Raft with changes of configuration, one server at a time or by joint consensus",
        ),
        BundledModel(
            "raft-as-built",
            f"{MODELS}.built:RaftAsBuilt",
            "Raft with all that implementations add, each optional",
        ),
    ),
    bugs=(
        Bug(
            "half-quorums",
            "half of the servers are a majority",
            model=f"{MODELS}.broken:HalfQuorums",
            relational=f"{RELATIONAL}:HalfQuorums",
            planted_in=("raft",),
        ),
        Bug(
            "forgets-vote",
            "a server that restarts has lost its vote",
            model=f"{MODELS}.broken:ForgottenVote",
            relational=f"{RELATIONAL}:ForgottenVote",
            planted_in=("raft",),
            seen_in=("PySyncObj", "raft-java", "seaweedfs"),
        ),
        Bug(
            "stale-votes",
            "a candidate counts answers to an earlier term's requests",
            model=f"{MODELS}.broken:StaleVotes",
            relational=f"{RELATIONAL}:StaleVotes",
            planted_in=("raft",),
            seen_in=("Xraft", "akka-raft"),
        ),
        Bug(
            "stubborn-leader",
            "a leader that learns of a newer term continues to lead",
            model=f"{MODELS}.broken:StubbornLeader",
            relational=f"{RELATIONAL}:StubbornLeader",
            planted_in=("raft",),
            seen_in=("hashicorp/raft",),
        ),
        Bug(
            "shorter-history",
            "logs are compared by their lengths only",
            model=f"{MODELS}.broken:ShorterHistory",
            relational=f"{RELATIONAL}:ShorterHistory",
            planted_in=("raft",),
            seen_in=("liferaft", "jgroups-raft"),
        ),
        Bug(
            "counted-old-entries",
            "a leader commits entries of earlier terms by counting (Figure 8)",
            model=f"{MODELS}.broken:CountedOldEntries",
            relational=f"{RELATIONAL}:CountedOldEntries",
            planted_in=("raft",),
            seen_in=("PySyncObj", "LogCabin", "CCF"),
        ),
        Bug(
            "commit-goes-back",
            "a follower's commit index goes back on an old message",
            model=f"{MODELS}.broken:CommitGoesBack",
            relational=f"{RELATIONAL}:CommitGoesBack",
            planted_in=("raft",),
            seen_in=("PySyncObj",),
        ),
        Bug(
            "truncating-append",
            "an old or empty message truncates a follower's log",
            model=f"{MODELS}.broken:TruncatingAppend",
            relational=f"{RELATIONAL}:TruncatingAppend",
            planted_in=("raft",),
            seen_in=("RaftOS", "PySyncObj"),
        ),
        Bug(
            "kept-conflict",
            "a follower keeps entries that conflict with its leader's",
            model=f"{MODELS}.broken:KeptConflict",
            relational=f"{RELATIONAL}:KeptConflict",
            planted_in=("raft",),
            seen_in=("mofa",),
        ),
        Bug(
            "counted-rejections",
            "a leader takes a rejection as an acknowledgement",
            model=f"{MODELS}.broken:CountedRejections",
            relational=f"{RELATIONAL}:CountedRejections",
            planted_in=("raft",),
            seen_in=("CCF",),
        ),
        Bug(
            "torn-vote",
            "term and vote are two writes, and a crash comes between them",
            model=f"{MODELS}.broken:TornVote",
            relational=f"{RELATIONAL}:TornVote",
            planted_in=("raft",),
            seen_in=("hashicorp/raft", "braft"),
        ),
        Bug(
            "match-goes-back",
            "a leader that gets an old answer forgets what it has learned since",
            model=f"{MODELS}.broken:MatchGoesBack",
            relational=f"{RELATIONAL}:MatchGoesBack",
            planted_in=("raft",),
            seen_in=("PySyncObj", "RaftOS", "WRaft"),
        ),
        Bug(
            "next-behind-match",
            "a leader that gets an old rejection sends entries that it knows are there",
            model=f"{MODELS}.broken:NextBehindMatch",
            no_proof="a leader of the relational Raft may send whatever it has: no index says what comes next",
        ),
        Bug(
            "repeated-append",
            "entries at the beginning of a log are appended without the consistency check",
            model=f"{MODELS}.broken:RepeatedAppend",
            relational=f"{RELATIONAL}:RepeatedAppend",
            planted_in=("raft",),
            seen_in=("WRaft",),
        ),
        Bug(
            "lost-entry",
            "a server acknowledges an entry before it is on disk",
            model=f"{MODELS}.broken:LostEntry",
            relational=f"{RELATIONAL}:LostEntry",
            planted_in=("raft",),
        ),
        Bug(
            "consenting-leader",
            "a leader grants a pre-vote against itself",
            model=f"{MODELS}.broken_built:ConsentingLeader",
            relational=f"{RELATIONAL}:ConsentingLeader",
            planted_in=("raft",),
            seen_in=("DaosRaft",),
        ),
        Bug(
            "costly-pre-vote",
            "a server that is asked for a pre-vote adopts its term",
            model=f"{MODELS}.broken_built:CostlyPreVote",
            relational=f"{RELATIONAL}:CostlyPreVote",
            planted_in=("raft",),
            seen_in=("DaosRaft",),
        ),
        Bug(
            "disturbed-follower",
            "a server that hears its leader grants votes to a candidate that does not",
            model=f"{MODELS}.broken_built:DisturbedFollower",
            relational=f"{RELATIONAL}:DisturbedFollower",
        ),
        Bug(
            "hasty-transfer",
            "a leader hands over to a server that lacks part of its log",
            model=f"{MODELS}.broken_built:HastyTransfer",
            relational=f"{RELATIONAL}:HastyTransfer",
        ),
        Bug(
            "unconfirmed-read",
            "a leader answers reads without asking whether it still leads",
            model=f"{MODELS}.broken_built:UnconfirmedRead",
            relational=f"{RELATIONAL}:UnconfirmedRead",
            planted_in=("raft",),
            seen_in=("etcd", "RedisRaft"),
        ),
        Bug(
            "repeated-command",
            "a command that a client retries is executed again",
            model=f"{MODELS}.broken_built:RepeatedCommand",
            relational=f"{RELATIONAL}:RepeatedCommand",
            planted_in=("raft",),
        ),
        Bug(
            "append-for-snapshot",
            "an empty append is sent where a snapshot is needed",
            model=f"{MODELS}.broken_built:AppendForSnapshot",
            relational=f"{RELATIONAL}:AppendForSnapshot",
            planted_in=("raft",),
            seen_in=("WRaft",),
        ),
        Bug(
            "snapshot-lowers-term",
            "a server that loads a snapshot adopts the snapshot's term",
            model=f"{MODELS}.broken_built:SnapshotLowersTerm",
            relational=f"{RELATIONAL}:SnapshotLowersTerm",
            planted_in=("raft",),
            seen_in=("WRaft",),
        ),
        Bug(
            "hasty-change",
            "a configuration is changed before an entry of the current term is committed",
            model=f"{MODELS}.broken_built:HastyChange",
            no_proof=UNCHANGED,
            planted_in=("raft",),
            seen_in=("the published algorithm",),
        ),
        Bug(
            "union-majority",
            "a majority of the old and new servers together is enough",
            model=f"{MODELS}.broken_built:UnionMajority",
            no_proof=UNCHANGED,
            planted_in=("raft",),
            seen_in=("CCF",),
        ),
        Bug(
            "lost-log",
            "a server that restarts has lost its log, which it had acknowledged",
            relational=f"{RELATIONAL}:LostLog",
        ),
        Bug(
            "forgotten-term",
            "a server that restarts goes back to an earlier term",
            relational=f"{RELATIONAL}:ForgottenTerm",
        ),
        Bug(
            "vote-answered-early",
            "a vote is sent before it is written",
            planted_in=("raft",),
            seen_in=("cornerstone",),
        ),
        Bug("any-log-wins", "votes are granted whatever the candidate's log is", planted_in=("raft",)),
        Bug("match-too-high", "the match index is one more than was acknowledged", planted_in=("raft",)),
        Bug(
            "commit-beyond-new",
            "a follower commits entries that its leader has not confirmed",
            planted_in=("raft",),
        ),
        Bug(
            "incoming-elect",
            "while configurations change, a majority of the new one elects",
            planted_in=("raft",),
        ),
        Bug(
            "incoming-commit",
            "while configurations change, a majority of the new one commits",
            planted_in=("raft",),
        ),
        Bug(
            "sessions-not-kept",
            "a snapshot omits which client commands were executed",
            planted_in=("raft",),
        ),
        *hidden("raft", RAFT),
    ),
    implementations=(
        Implementation(
            "raft",
            system="ratified.impl.raft.system:raft_system",
            config="ratified.impl.raft.system:SMALL",
            drawn="ratified.impl.raft.system:drawn_config",
            binding="ratified.conformance.raft.binding:RaftBinding",
            mutants="ratified.conformance.raft.mutants:MUTANTS",
            graph="ratified.conformance.raft.edges:graph",
            disks=True,
            hosted=True,
            pending="ratified.conformance.raft.calm:pending",
            voters="ratified.conformance.raft.calm:voters",
            left="ratified.conformance.raft.calm:left",
            reference="ratified.conformance.raft.reference:reference",
            inputs="ratified.conformance.raft.inputs:drawn",
            cores=CORES,
            survivors="ratified.conformance.raft.survivors:SURVIVORS",
            caught="ratified.conformance.raft.caught:CAUGHT",
        ),
    ),
)
