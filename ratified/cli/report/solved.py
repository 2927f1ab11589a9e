"""What solvers have found, as summaries for the formats that other programs read: bounded checks, proofs and inductions.

Guarantees: an obligation that failed, or was not decided, never passes.
"""

from __future__ import annotations

from collections.abc import Iterator

from ratified.cli.report.bounded import bounded_headline
from ratified.cli.report.entries import Entry, Finding, Summary, Tested, concluded, not_put
from ratified.cli.report.induct import HOUDINI
from ratified.cli.report.proof import counterexample_lines, proof_headline, stateless
from ratified.cli.report.summary import DOUBTS, explained, rule, run, story
from ratified.cli.report.text import Paint
from ratified.language.claims import not_checked
from ratified.language.ir import Module
from ratified.results.result import Step, Trace, Verdict
from ratified.smt.finite.bounded import Bounded
from ratified.smt.houdini import Houdini
from ratified.smt.induct import Induction, Reach
from ratified.smt.result import Cell, Counterexample, Proof, Status

_VERDICTS = {
    Status.PROVED: Verdict.HOLDS,
    Status.FAILED: Verdict.VIOLATED,
    Status.UNDECIDED: Verdict.UNDECIDED,
}


def bounded_summary(name: str, found: Bounded, module: Module) -> Summary:
    """Return what a bounded check found: an entry for each claim."""
    return concluded(
        name,
        bounded_headline(name, found),
        found.verdict,
        _claims(name, found, module),
        warnings=[not_put(c, not_checked("bmc", [c])) for c in found.unchecked],
        seconds=found.seconds,
        module=module,
    )


def _claims(name: str, found: Bounded, module: Module) -> Iterator[Tested]:
    says, violation = bounded_headline(name, found), found.violation
    if violation is not None:
        yield Tested(
            Entry(violation.name, Verdict.VIOLATED, says, story(violation)),
            rule(violation.kind),
            explained(violation.kind),
            violation.span,
            violation.trace,
        )
    gap = found.induction
    for claim in found.claims:
        if violation is not None:
            if claim != violation.name:
                yield Tested(Entry(claim, None, "undecided: another claim is violated"), "undecided", "")
            continue
        shown = gap is not None and gap.claim == claim and found.proved_by is None
        against = gap.trace if gap is not None and shown else None
        beginning = "a counterexample to induction, whose first state need not be reachable"
        body = f"{beginning}\n\n{run(against)}" if against is not None else ""
        places = {f.name: f.span for f in module.functions.values()}
        yield Tested(
            Entry(claim, found.verdict, says if found.verdict is not Verdict.HOLDS else "", body),
            "undecided",
            "Only runs up to a length were examined.",
            places.get(claim),
            against,
        )


def proof_summary(name: str, proof: Proof, module: Module) -> Summary:
    """Return what a proof came to: an entry for each obligation."""
    return concluded(
        name,
        proof_headline(name, proof),
        proof.verdict,
        (_obligation(cell, module) for cell in proof.cells),
        warnings=[
            *(
                Finding("vacuous", DOUBTS["vacuous"], "warning", stateless((n,)), s, about=n)
                for n, s in proof.vacuous.items()
            ),
            *(not_put(c, not_checked("prove", [c])) for c in proof.unchecked),
        ],
        seconds=proof.seconds,
        module=module,
    )


def _obligation(cell: Cell, module: Module, remark: str = "") -> Tested:
    found, verdict = cell.counterexample, _VERDICTS[cell.status]
    if verdict is Verdict.HOLDS:
        return Tested(Entry(cell.name, verdict), "obligation", "")
    places = {f.name: f.span for f in module.functions.values()}
    lines = list(counterexample_lines(cell, found, Paint(color=False))) if found is not None else []
    body = "\n".join(
        [*([cell.why] if cell.why else []), *map(str.rstrip, lines), *([remark] if remark else [])]
    )
    message = f"{cell.name} {cell.status.value}: cannot show that {cell.says}"
    failed = verdict is Verdict.VIOLATED
    part = found.false_part if found is not None else None
    return Tested(
        Entry(cell.name, verdict, message, body),
        "not-inductive" if failed else "undecided",
        "An obligation of a proof does not hold." if failed else "An obligation of a proof was not decided.",
        part.span if part is not None else places.get(cell.claim),
        _step(cell, found) if found is not None else None,
    )


def _step(cell: Cell, found: Counterexample) -> Trace | None:
    """The states of a counterexample to induction, as a run of at most a step."""
    if found.before is None or found.after is None:
        only = found.after if found.before is None else found.before
        return Trace(only, ()) if only is not None else None
    return Trace(found.before, (Step(cell.action or "", tuple(found.arguments.items()), found.after),))


_REACHED = {
    Reach.REACHABLE: "the state before is reachable",
    Reach.UNREACHABLE: "the state before is not reachable at this size",
    Reach.UNKNOWN: "the state before was not found, but not every state was visited",
}


def induction_headline(name: str, claim: str, found: Induction) -> str:
    """Return the first line of the report, without colour."""
    word = {Verdict.HOLDS: "INDUCTIVE", Verdict.VIOLATED: "NOT INDUCTIVE", Verdict.UNDECIDED: "UNDECIDED"}
    return f"{word[found.proof.verdict]}  {name}: {claim}"


def induction_summary(name: str, claim: str, found: Induction, module: Module) -> Summary:
    """Return what keeps a candidate from being inductive: an entry for each obligation."""
    reached = {id(cell): _REACHED[reach] for cell, reach in found.found}
    return concluded(
        name,
        induction_headline(name, claim, found),
        found.proof.verdict,
        (_obligation(cell, module, reached.get(id(cell), "")) for cell in found.proof.cells),
        seconds=found.proof.seconds,
        module=module,
    )


def houdini_headline(name: str, found: Houdini) -> str:
    """Return the first line of the report, without colour."""
    return f"{HOUDINI[found.verdict]}  {name}: {len(found.kept)} of {len(found.kept) + len(found.dropped)} invariants"


def houdini_summary(name: str, found: Houdini, module: Module) -> Summary:
    """Return what is inductive: an entry for each invariant. One that was dropped is no failure as long as something is kept."""
    places = {f.name: f.span for f in module.functions.values()}
    tested = [Tested(Entry(claim, Verdict.HOLDS), "not-inductive", "") for claim in found.kept]
    for claim, cell in found.dropped:
        says = f"{claim} was dropped: {cell.name} {cell.status.value}"
        ended = None if found.kept else _VERDICTS[cell.status]
        meaning = "No invariant is inductive."
        tested.append(Tested(Entry(claim, ended, says), "not-inductive", meaning, places.get(claim)))
    return concluded(
        name,
        houdini_headline(name, found),
        found.verdict,
        tested,
        warnings=[not_put(c, not_checked("houdini", [c])) for c in found.unchecked],
        module=module,
    )
