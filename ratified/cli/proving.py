"""What `prove` does: find the proof script, prove, and put the report where it belongs."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from ratified.cli.catalogue import bundled
from ratified.cli.checking import Output, colorful, echo, write
from ratified.cli.loading import load
from ratified.cli.progress import SHOWN_AFTER, LiveText
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


def prove_model(target: str, how: Mapping[str, Any], to: Output) -> int:
    """Prove one model and return the exit status."""
    from ratified.cli.drawing import draw_proof, ready_to_draw
    from ratified.cli.report.proof import proof_headline, proof_json, proof_text
    from ratified.smt.proving import Options, prove

    ready_to_draw(how.get("diagram"))
    cls = script_for(target)
    name = target if target in bundled else cls.__name__
    live = ProofLine(name) if sys.stderr.isatty() and not to.quiet else None
    second = {"z3": "cvc5", "cvc5": "z3"}[how["solver"]] if how["cross_check"] else None
    with live or nullcontext():
        proof = prove(
            cls,
            options=Options(
                how["solver"], second, how["timeout"], how["processes"], how["smt2"], progress=live
            ),
            without=how["without"],
            goals=how["goals"] or None,
        )

    draw_proof(proof, how.get("diagram"))

    def rendered(form: str, *, color: bool = False) -> str:
        return proof_json(name, proof) if form == "json" else proof_text(name, proof, color=color)

    form = to.form
    if to.file is not None:
        write(to.file, rendered(form))
        form = "text"
    if to.quiet and form == "text":
        echo(proof_headline(name, proof) + "\n")
    else:
        echo(rendered(form, color=colorful(sys.stdout, to.color)))
    return proof.verdict.exit_status


class ProofLine(LiveText):
    """A callback for `prove` that shows how far it has come."""

    def __init__(self, title: str) -> None:
        super().__init__(sys.stderr)
        self._title = title

    def __call__(self, progress: Any) -> None:
        """Draw the line, if it is time to show one."""
        if progress.seconds < SHOWN_AFTER:
            return
        failed = f"  {progress.failed} failed" if progress.failed else ""
        minutes, seconds = divmod(int(progress.seconds), 60)
        told = f"{self._title}  {progress.done} of {progress.obligations} obligations{failed}"
        self.show(f"{told}  {minutes}:{seconds:02d}")


def induct_model(target: str, claim: str | None, timeout: float) -> int:
    """Try one candidate, or (without one) keep what is inductive of all invariants; return the exit status."""
    from ratified.cli.report.proof import houdini_text, induction_text
    from ratified.smt.houdini import houdini
    from ratified.smt.induct import induct
    from ratified.smt.proving import Options

    cls: Any = load(SCRIPTS.get(target, target))
    options = Options(seconds=timeout)
    color = colorful(sys.stdout, None)
    if claim is None:
        kept = houdini(cls, options=options)
        echo(houdini_text(cls.__name__, kept, color=color))
        return 0 if kept.kept else 1
    found = induct(cls, claim, options)
    echo(induction_text(cls.__name__, claim, found, color=color))
    return found.proof.verdict.exit_status
