"""Paxos for one value and for a log, and what it refines."""

from __future__ import annotations

from ratified.bundled.description import Bug, BundledModel, BundledProtocol, Implementation
from ratified.bundled.hidden import MULTI_PAXOS, hidden

MODELS = "ratified.models.paxos"
PROOFS = "ratified.proofs.paxos"

UNWRITTEN = (
    "propose",
    "propose_again",
    "fill_gap",
    "lead",
    "resign",
    "learn",
    "give_up",
    "restore",
    "compact",
)
"""What a node of Paxos tells others without having written anything of its own."""

CORES = tuple(
    f"ratified.impl.multipaxos.{name}"
    for name in ("acceptor", "candidate", "core", "leader", "learner", "state")
)

PROTOCOL = BundledProtocol(
    "paxos",
    "single-decree Paxos, what it refines, flexible quorums, and what breaks without each of its rules",
    models=(
        BundledModel(
            "consensus",
            f"{MODELS}.consensus:Consensus",
            "choosing a single value, once",
            proof=f"{PROOFS}.single:ConsensusSafety",
        ),
        BundledModel(
            "voting",
            f"{MODELS}.voting:Voting",
            "how ballots and votes choose a value; refines consensus",
            proof=f"{PROOFS}.single:VotingSafety",
        ),
        BundledModel(
            "paxos",
            f"{MODELS}.paxos:Paxos",
            "the Synod: Paxos for a single decree; refines voting",
            proof=f"{PROOFS}.single:PaxosSafety",
        ),
        BundledModel(
            "flexible-paxos",
            f"{MODELS}.flexible:FlexiblePaxos",
            "Paxos with a quorum system for each phase",
            proof=f"{PROOFS}.single:FlexiblePaxosSafety",
        ),
        BundledModel(
            "multi-paxos",
            f"{MODELS}.multi:MultiPaxos",
            "a log of slots, each filled by Paxos; refines paxos at a slot",
            proof=f"{PROOFS}.single:MultiPaxosSafety",
        ),
    ),
    bugs=(
        Bug(
            "ignores-promise",
            "an acceptor votes below its promise",
            model=f"{MODELS}.broken:IgnoredPromise",
            planted_in=("paxos", "multi-paxos"),
        ),
        Bug(
            "ignores-votes",
            "a proposer proposes its own value although a promise reports a vote",
            model=f"{MODELS}.broken:IgnoredVotes",
            planted_in=("paxos", "multi-paxos"),
        ),
        Bug(
            "smallest-vote",
            "a proposer takes the vote with the smallest ballot",
            model=f"{MODELS}.broken:SmallestVote",
            planted_in=("paxos", "multi-paxos"),
        ),
        Bug(
            "half-quorums",
            "half of the acceptors are a quorum, so that two need not intersect",
            model=f"{MODELS}.broken:HalfQuorums",
            planted_in=("paxos", "multi-paxos"),
        ),
        Bug(
            "stale-promise",
            "a promise of an older ballot is counted towards a newer one",
            model=f"{MODELS}.broken:StalePromise",
            planted_in=("paxos", "multi-paxos"),
            seen_in=("MyPaxos",),
        ),
        Bug(
            "reused-ballot",
            "a proposer that restarts uses its ballot again",
            model=f"{MODELS}.broken:ReusedBallot",
            planted_in=("paxos",),
        ),
        Bug(
            "forgotten-promise",
            "an acceptor that restarts has lost its promise",
            model=f"{MODELS}.broken:ForgottenPromise",
            planted_in=("paxos", "multi-paxos"),
        ),
        Bug(
            "forgotten-vote",
            "an acceptor that restarts has lost its vote",
            model=f"{MODELS}.broken:ForgottenVote",
            planted_in=("paxos", "multi-paxos"),
        ),
        Bug(
            "votes-across-ballots",
            "a learner counts votes of different ballots together",
            planted_in=("paxos",),
        ),
        Bug("promise-forgets-vote", "an acceptor that promises forgets its vote", planted_in=("paxos",)),
        Bug(
            "learns-older-vote",
            "a follower takes its vote in an older ballot as chosen",
            planted_in=("multi-paxos",),
        ),
        Bug("last-vote-dropped", "a promise does not report the last vote", planted_in=("multi-paxos",)),
        Bug(
            "answered-early",
            "promises and votes are sent before they are written",
            planted_in=("multi-paxos",),
        ),
        Bug(
            "sessions-not-kept",
            "a snapshot omits which client commands were executed",
            planted_in=("multi-paxos",),
        ),
        *hidden("multi-paxos", MULTI_PAXOS),
    ),
    implementations=(
        Implementation(
            "paxos",
            system="ratified.impl.paxos.system:paxos_system",
            config="ratified.impl.paxos.system:SMALL",
            binding="ratified.conformance.paxos.binding:PaxosBinding",
            mutants="ratified.conformance.paxos.mutants:MUTANTS",
            graph="ratified.conformance.paxos.edges:graph",
            at_once=UNWRITTEN,
        ),
        Implementation(
            "multi-paxos",
            system="ratified.impl.multipaxos.system:multipaxos_system",
            config="ratified.impl.multipaxos.system:SMALL",
            drawn="ratified.impl.multipaxos.system:drawn_config",
            hosted=True,
            binding="ratified.conformance.multipaxos.binding:MultiPaxosBinding",
            mutants="ratified.conformance.multipaxos.mutants:MUTANTS",
            graph="ratified.conformance.multipaxos.edges:graph",
            at_once=UNWRITTEN,
            reference="ratified.conformance.multipaxos.reference:reference",
            inputs="ratified.conformance.multipaxos.inputs:drawn",
            cores=CORES,
            survivors="ratified.conformance.multipaxos.survivors:SURVIVORS",
            caught="ratified.conformance.multipaxos.caught:CAUGHT",
        ),
    ),
)
