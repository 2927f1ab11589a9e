"""A versioned store with watches, leases and locks, as etcd has them."""

from __future__ import annotations

from ratified.bundled.description import Bug, BundledModel, BundledProtocol, PolicyObject

MODELS = "ratified.models.etcd"
PROOFS = "ratified.proofs.etcd"
HELD = "ratified.conformance.etcd"
MUTANTS = f"{HELD}.mutants:MUTANTS"

EXPLORED = "its model is explored, and has no proof"

PROTOCOL = BundledProtocol(
    "etcd",
    "a versioned store with transactions, watches, leases and locks",
    models=(
        BundledModel(
            "etcd-watches",
            f"{MODELS}.watching:Watching",
            "each change once and in order, across compaction and reconnects",
        ),
        BundledModel(
            "etcd-leases",
            f"{MODELS}.leases:Leasing",
            "leases that only the latest leader ends, and never early",
            proof=f"{PROOFS}.leases:LeaseSafety",
        ),
        BundledModel(
            "etcd-locks",
            f"{MODELS}.locks:Locking",
            "a queue of leased keys, and writes that compare the fencing token",
            proof=f"{PROOFS}.locks:LockSafety",
        ),
        BundledModel(
            "etcd-keys",
            f"{MODELS}.keys:Keys",
            "keys with revisions, transactions and compaction",
        ),
    ),
    bugs=(
        Bug(
            "progress-overtakes",
            "progress is reported while events are pending",
            model=f"{MODELS}.watching:ProgressOvertakes",
            no_proof=EXPLORED,
            planted_in=("etcd-watches",),
            seen_in=("etcd",),
        ),
        Bug(
            "moved-forward",
            "a slow watch resumes after a compaction without an error",
            model=f"{MODELS}.watching:MovedForward",
            no_proof=EXPLORED,
            planted_in=("etcd-watches",),
            seen_in=("etcd",),
        ),
        Bug(
            "resumed-from-now",
            "a new connection delivers only events from then on",
            model=f"{MODELS}.watching:ResumedFromNow",
            no_proof=EXPLORED,
            planted_in=("etcd-watches",),
        ),
        Bug(
            "older-events",
            "a watch from a future revision gets older events",
            model=f"{MODELS}.watching:OlderEvents",
            no_proof=EXPLORED,
            planted_in=("etcd-watches",),
            seen_in=("etcd",),
        ),
        Bug(
            "deletion-forgotten",
            "a compaction loses the deletion at its own revision",
            model=f"{MODELS}.watching:DeletionForgotten",
            no_proof=EXPLORED,
            planted_in=("etcd-watches",),
            seen_in=("etcd",),
        ),
        Bug(
            "deposed-leader-ends",
            "a deposed leader's command ends a lease that its successor has renewed",
            model=f"{MODELS}.leases:DeposedLeaderEnds",
            planted_in=("etcd-leases",),
            seen_in=("etcd",),
        ),
        Bug(
            "counted-on",
            "a new leader continues with the times it counted when it led before",
            model=f"{MODELS}.leases:CountedOn",
            planted_in=("etcd-leases",),
        ),
        Bug(
            "lost-with-the-leader",
            "leases are kept in the leader's memory, and are lost with it",
            model=f"{MODELS}.leases:LostWithTheLeader",
            planted_in=("etcd-leases",),
        ),
        Bug(
            "unconfirmed",
            "a node that only believes it leads answers renewals",
            model=f"{MODELS}.leases:Unconfirmed",
            planted_in=("etcd-leases",),
        ),
        Bug(
            "renewed-while-ending",
            "a lease is renewed while the command that ends it is in flight",
            model=f"{MODELS}.leases:RenewedWhileEnding",
            planted_in=("etcd-leases",),
        ),
        Bug(
            "counted-from-the-answer",
            "a client counts its lease from when it got the answer",
            model=f"{MODELS}.leases:CountedFromTheAnswer",
            planted_in=("etcd-leases",),
        ),
        Bug(
            "not-looked-again",
            "a client that waited for a lock does not check its own key again",
            model=f"{MODELS}.locks:NotLookedAgain",
            planted_in=("etcd-locks",),
            seen_in=("etcd 3.4.3",),
        ),
        Bug(
            "unguarded",
            "writes under a lock do not compare its token",
            model=f"{MODELS}.locks:Unguarded",
            planted_in=("etcd-locks",),
        ),
        Bug(
            "out-of-turn",
            "a client does not look at those ahead of it in the queue",
            model=f"{MODELS}.locks:OutOfTurn",
            planted_in=("etcd-locks",),
        ),
        Bug(
            "guarded-by-name",
            "writes compare that a key exists, not when it was created",
            model=f"{MODELS}.locks:GuardedByName",
            planted_in=("etcd-locks",),
        ),
        Bug(
            "forgets-the-compacted",
            "a compaction loses the first revision that it should keep",
            model=f"{MODELS}.keys:ForgetsTheCompacted",
            no_proof=EXPLORED,
            planted_in=("etcd-keys",),
        ),
        Bug(
            "version-goes-on",
            "a key that is created again continues its old version count",
            model=f"{MODELS}.keys:VersionGoesOn",
            no_proof=EXPLORED,
            planted_in=("etcd-keys",),
        ),
        Bug(
            "two-revisions",
            "each operation of a transaction has a revision of its own",
            model=f"{MODELS}.keys:TwoRevisions",
            no_proof=EXPLORED,
            planted_in=("etcd-keys",),
        ),
        Bug(
            "compares-again",
            "a transaction evaluates its comparisons before each operation",
            model=f"{MODELS}.keys:ComparesAgain",
            no_proof=EXPLORED,
            planted_in=("etcd-keys",),
        ),
    ),
    policies=(
        PolicyObject(
            "etcd-watches",
            model="etcd-watches",
            subject=f"{HELD}.watching:WatchingSubject",
            mutants=MUTANTS,
            sources=(),
        ),
        PolicyObject(
            "etcd-leases",
            model="etcd-leases",
            subject=f"{HELD}.leasing:LeasingSubject",
            mutants=MUTANTS,
            sources=(),
        ),
        PolicyObject(
            "etcd-locks",
            model="etcd-locks",
            subject=f"{HELD}.locking:LockingSubject",
            mutants=MUTANTS,
            sources=(),
        ),
        PolicyObject(
            "etcd-keys",
            model="etcd-keys",
            subject=f"{HELD}.keys:KeysSubject",
            mutants=MUTANTS,
            sources=(),
        ),
    ),
)
