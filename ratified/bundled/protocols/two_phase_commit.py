"""Two-phase commit, and what it refines."""

from __future__ import annotations

from ratified.bundled.description import Bug, BundledModel, BundledProtocol

MODELS = "ratified.models.commit"
PROOFS = "ratified.proofs.commit.two_phase"

PROTOCOL = BundledProtocol(
    "two-phase-commit",
    "two-phase commit, the transaction commit that it refines, and what breaks it",
    models=(
        BundledModel(
            "transaction-commit",
            f"{MODELS}.transaction_commit:TransactionCommit",
            "resource managers all commit or none does",
            proof=f"{PROOFS}:TransactionCommitSafety",
        ),
        BundledModel(
            "two-phase-commit",
            f"{MODELS}.two_phase:TwoPhase",
            "a transaction manager decides; refines transaction-commit",
            proof=f"{PROOFS}:TwoPhaseSafety",
        ),
    ),
    bugs=(
        Bug(
            "by-majority",
            "a transaction manager commits once a majority is prepared",
            model=f"{MODELS}.broken:MajorityCommit",
        ),
        Bug(
            "impatient",
            "a prepared resource manager that hears nothing aborts on its own",
            model=f"{MODELS}.broken:ImpatientManager",
        ),
        Bug(
            "forgets",
            "a transaction manager announces its decision before it is on disk",
            model=f"{MODELS}.broken:ForgottenDecision",
        ),
    ),
)
