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
            *_broken("paxos"),
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
