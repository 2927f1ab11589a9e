"""Reports of proofs: the matrix of lemmas and actions, and counterexamples to induction, as text or JSON.

Guarantees: rendering is pure; nothing here decides anything that a `Proof` does not say.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ratified.cli.report.machine import json_place, json_unchecked
from ratified.cli.report.text import WIDTH, Paint, duration, excerpt, facts, labelled, table
from ratified.cli.report.words import plural
from ratified.language.claims import not_checked
from ratified.language.values import show
from ratified.results.changes import changes, compact
from ratified.results.result import Verdict
from ratified.results.words import listed
from ratified.smt.certificate.ethos import Ethos
from ratified.smt.certificate.making import Certificates
from ratified.smt.first_order.obligations import Part
from ratified.smt.result import Cell, Counterexample, Held, Proof, Status
from ratified.version import __version__

SCHEMA = "ratified-proof/1"
SLOWEST = 10

_WORDS = {Verdict.HOLDS: "PROVED", Verdict.VIOLATED: "NOT PROVED", Verdict.UNDECIDED: "UNDECIDED"}
STYLES = {Verdict.HOLDS: "green", Verdict.VIOLATED: "red", Verdict.UNDECIDED: "yellow"}


def proof_headline(name: str, proof: Proof) -> str:
    """Return the first line of the report, without colour."""
    return "  ".join(_headline(name, proof))


def _headline(name: str, proof: Proof) -> tuple[str, str]:
    word = _WORDS[proof.verdict]
    if proof.verdict is Verdict.HOLDS:
        goals = listed(proof.goals or proof.lemmas)
        what = f"{goals} {'hold' if len(proof.goals or proof.lemmas) > 1 else 'holds'} at every size"
        what += where(proof.assumes)
    else:
        failed, open_ = proof.of(Status.FAILED), proof.of(Status.UNDECIDED)
        parts = [f"{plural(len(failed), 'obligation')} failed"] if failed else []
        parts += [f"{len(open_)} undecided: {', '.join(c.name for c in open_)}"] if open_ else []
        what = f"{', '.join(parts)} (of {len(proof.cells)})"
    return word, f"{name}: {what}"


def proof_text(name: str, proof: Proof, *, color: bool = False) -> str:
    """Return the report as text; it ends in a newline."""
    lines = list(_lines(name, proof, Paint(color)))
    return "\n".join(line.rstrip() for line in lines).rstrip("\n") + "\n"


def _lines(name: str, proof: Proof, paint: Paint) -> Iterator[str]:
    word, what = _headline(name, proof)
    yield from labelled(word, what, STYLES[proof.verdict], paint, gap=2)
    yield ""
    yield from facts(_about(proof), paint)
    yield ""
    yield from _matrix(proof, paint)
    yield ""
    if proof.vacuous:
        yield from labelled("vacuous", stateless(tuple(proof.vacuous)), "yellow", paint)
        yield ""
    notes = [*proof.notes, *([not_checked("prove", proof.unchecked)] if proof.unchecked else [])]
    for note in notes:
        yield from labelled("note", note, "cyan", paint)
    if notes:
        yield ""
    if proof.cycles and proof.of(Status.UNDECIDED):
        why = "functions and quantifiers alternate in cycles, so that solvers may not terminate: "
        yield from labelled("cycle", why + "; ".join(proof.cycles), "cyan", paint)
        yield ""
    slow = sorted((c for c in proof.cells if c.seconds >= 0.1), key=lambda c: -c.seconds)[:SLOWEST]
    if slow:
        yield paint("slowest obligations", "bold")
        yield from (f"  {c.seconds:6.2f} s  {c.name}" for c in slow)
        yield ""
    for solver in proof.solvers[1:]:
        open_ = [
            c.name for c in proof.cells for o in c.opinions if (o.solver, o.answer) == (solver, "unknown")
        ]
        if open_:
            yield from labelled(f"unknown to {solver}", f"{len(open_)}: {', '.join(open_)}", "yellow", paint)
            yield ""
    for cell in proof.cells:
        if cell.status is not Status.PROVED:
            yield from open_lines(cell, paint)
            yield ""


def stateless(names: tuple[str, ...]) -> str:
    """What is said of claims that do not depend on the state."""
    return f"{listed(names)} {'does' if len(names) == 1 else 'do'} not depend on the state"


def where(assumes: Collection[str]) -> str:
    """What a script assumes beyond its model, to be said beside the verdict."""
    return f" where {listed(tuple(assumes))} {'is' if len(assumes) == 1 else 'are'} so" if assumes else ""


def _about(proof: Proof) -> Iterator[tuple[str, str]]:
    yield "model", proof.model
    yield "lemmas", str(len(proof.lemmas))
    proved = len(proof.of(Status.PROVED))
    trivial = sum(not c.opinions for c in proof.of(Status.PROVED))
    plain = f"; {trivial} trivial: the step changes nothing they mention" if trivial else ""
    yield "obligations", f"{proved:,} of {len(proof.cells):,} proved{plain}"
    for solver in proof.solvers:
        answers = [o for c in proof.cells for o in c.opinions if o.solver == solver]
        refuted = sum(o.answer == "unsat" for o in answers)
        spent = sum(o.seconds for o in answers)
        yield solver, f"{refuted} of {len(answers)} unsat, {spent:.1f} s of CPU time"
    if proof.held is not None:
        yield "CPython", _held(proof.held)
    yield "time", duration(proof.seconds)
    if proof.certificates is not None:
        yield "certificates", _certificates(proof.certificates)
        if proof.certificates.ethos is not None:
            yield "ethos", _ethos(proof.certificates.ethos)


def _certificates(made: Certificates) -> str:
    """What was written, and what was not."""
    total = made.found + len(made.missing)
    missing = f"; none for {listed(made.missing)}" if made.missing else ""
    spent = f"{made.solving:.1f} s of CPU time"
    return f"{made.found:,} of {total:,} obligations in {made.folder}, {made.size:,} bytes, {spent}{missing}"


def _ethos(said: Ethos) -> str:
    """What it says of cvc5's proofs."""
    total = said.right + len(said.wrong) + len(said.not_found)
    wrong = f"; wrong are those of {listed(said.wrong)}" if said.wrong else ""
    lacking = f"; none found for {listed(said.not_found)}" if said.not_found else ""
    return f"{said.right:,} of {total:,} proofs of cvc5 are correct{wrong}{lacking}"


def _held(held: Held) -> str:
    """What the formulas were held against."""
    if not held.states:
        whys = (*held.left_out, held.cut_short, "the assumptions hold at none of the sizes that were tried")
        why = next(filter(None, whys))
        return f"the formulas were not compared with CPython: {why}"
    steps = plural(held.steps + held.disabled, "step")
    cut = f"; cut short by {held.cut_short}" if held.cut_short else ""
    return (
        f"the formulas agree with CPython on {steps} and {plural(held.states, 'state')} of "
        f"{plural(held.sizes, 'size')}{cut}"
    )


def _mark(cell: Cell | None) -> str:
    if cell is None:
        return ""
    if cell.status is Status.FAILED:
        return "FAILS"
    if cell.status is Status.UNDECIDED:
        return "?"
    return f"{cell.seconds:.2f}" if cell.opinions else "-"


def _matrix(proof: Proof, paint: Paint) -> Iterator[str]:
    """A row for each claim, and for what is shown of steps; columns are the initial state, the actions, and a state as such."""
    cells = {(c.claim, c.action or ("" if c.part is Part.GOAL else "init")): c for c in proof.cells}
    goals = [g for g in proof.goals if g not in proof.lemmas]
    columns = ["init", *proof.actions, *([""] if any((g, "") in cells for g in goals) else [])]
    head = ["init", *proof.actions, *(["implied"] if columns[-1] == "" else [])]
    of_steps = {c.claim: None for c in proof.cells if c.part in (Part.WELL_DEFINED, Part.BOUNDS)}
    names = [*proof.lemmas, *goals, *of_steps]
    first = max((len(n) for n in names), default=0)
    width = first + sum(2 + max(5, len(h)) for h in head)
    if width > WIDTH:  # the columns are numbered instead
        numbered = [str(i) for i in range(len(head))]
        keys = [f"{number}={h}" for number, h in zip(numbered, head, strict=True)]
        yield from labelled("columns", ", ".join(keys), "dim", paint)
        head = numbered
    rows = [(n, *(_mark(cells.get((n, c))) for c in columns)) for n in names]
    lines = list(table(("lemma or goal", *head), rows, "<" + ">" * len(head), paint))
    if max(len(line) for line in lines) <= WIDTH:
        yield from lines
        return
    half = (len(head) + 1) // 2
    for chosen in (range(half), range(half, len(head))):
        part = [(row[0], *(row[1 + i] for i in chosen)) for row in rows]
        yield from table(("lemma or goal", *(head[i] for i in chosen)), part, "<" + ">" * len(chosen), paint)
        yield ""


def open_lines(cell: Cell, paint: Paint) -> Iterator[str]:
    """Yield what is open about an obligation that was not proved."""
    style = "red" if cell.status is Status.FAILED else "yellow"
    yield from labelled(cell.name, f"{cell.status.value}: cannot show that {cell.says}", style, paint, gap=2)
    if cell.why:
        yield f"  {cell.why}"
    if cell.counterexample is not None:
        yield ""
        yield from counterexample_lines(cell, cell.counterexample, paint)


def counterexample_lines(cell: Cell, found: Counterexample, paint: Paint) -> Iterator[str]:
    """Yield the states and the step of a counterexample, and which part of the claim is false."""
    where = " ".join(f"{name}={n}" for name, n in found.sizes.items())
    given = " ".join(f"{name}={show(value)}" for name, value in found.parameters.items())
    if where or given:
        yield from labelled("  at", f"{where}  {given}".strip(), "dim", paint)
    if found.before is not None:
        yield "  " + paint("a state that satisfies the hypotheses", "bold")
        yield from _state(found.before)
    if found.after is not None:
        arguments = ", ".join(f"{name}={show(value)}" for name, value in found.arguments.items())
        action = f"{cell.action}({arguments})" if cell.action else f"init({arguments})"
        yield "  " + paint(action, "bold")
        if found.before is None:
            yield from _state(found.after)
        else:
            changed = changes(found.before, found.after)
            width = min(max((len(c.path) for c in changed), default=0), 30)
            for change in changed:
                yield from labelled(f"    {change.path:{width}}", change.described, "yellow", paint, gap=2)
            if not changed:
                yield "    " + paint("(no change)", "dim")
    yield from _false(cell, found, paint)
    if found.confirmed is False:
        what = "take this step" if found.after is not None else "say so"
        yield f"  CPython does not {what}: the translation allows more than the model at this size"


def _state(state: Mapping[str, object]) -> Iterator[str]:
    width = max((len(name) for name in state), default=0)
    for name, value in state.items():
        yield from labelled(f"    {name:{width}}", compact(value), "dim", Paint(color=False), gap=2)


def _false(cell: Cell, found: Counterexample, paint: Paint) -> Iterator[str]:
    part = found.false_part
    when = " then" if cell.action else ""
    if part is None:
        yield "  " + paint(f"{cell.claim} is{when} false", "red")
        return
    names = ", ".join(f"{name}={value}" for name, value in part.names.items())
    said = f"has{when} no answer" if part.why else f"is{when} false"
    why = f": {part.why}" if part.why else ""
    where = said + (f" for {names}" if names else "") + f"{why}  ({part.span})"
    yield from labelled(f"  {cell.claim}", where, "red", paint, gap=1)
    yield from excerpt(part.span)


def proof_json(name: str, proof: Proof) -> str:
    """Return everything that is known, as one JSON object."""
    report = {
        "schema": SCHEMA,
        "ratified": __version__,
        "name": name,
        "model": proof.model,
        "verdict": proof.verdict.value,
        "exit_status": proof.verdict.exit_status,
        "lemmas": list(proof.lemmas),
        "goals": list(proof.goals),
        "solvers": list(proof.solvers),
        "seconds": round(proof.seconds, 3),
        "solving_seconds": round(proof.solving, 3),
        "assumes": [{"name": name, "place": json_place(span)} for name, span in proof.assumes.items()],
        "vacuous": [{"name": name, "place": json_place(span)} for name, span in proof.vacuous.items()],
        "notes": list(proof.notes),
        "not_checked": json_unchecked(proof.unchecked),
        "cycles": list(proof.cycles),
        "held": None if proof.held is None else _json_held(proof.held),
        "certificates": None if proof.certificates is None else _json_certificates(proof.certificates),
        "obligations": [json_cell(cell) for cell in proof.cells],
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def _json_held(held: Held) -> dict[str, Any]:
    return {
        "sizes": held.sizes,
        "states": held.states,
        "steps": held.steps,
        "disabled": held.disabled,
        "claims": held.claims,
        "explored": held.explored,
        "left_out": list(held.left_out),
        "cut_short": held.cut_short or None,
    }


def _json_certificates(made: Certificates) -> dict[str, Any]:
    return {
        "folder": str(made.folder),
        "found": made.found,
        "missing": list(made.missing),
        "bytes": made.size,
        "seconds": round(made.seconds, 3),
        "solving_seconds": round(made.solving, 3),
        "ethos": None
        if made.ethos is None
        else {
            "correct": made.ethos.right,
            "wrong": list(made.ethos.wrong),
            "not_found": list(made.ethos.not_found),
        },
    }


def json_cell(cell: Cell) -> dict[str, Any]:
    """Return an obligation for JSON."""
    return {
        "name": cell.name,
        "part": cell.part.value,
        "claim": cell.claim,
        "action": cell.action,
        "says": cell.says,
        "status": cell.status.value,
        "why": cell.why,
        "answers": [
            {"solver": o.solver, "answer": o.answer, "seconds": round(o.seconds, 3)} for o in cell.opinions
        ],
        "counterexample": None if cell.counterexample is None else _json_found(cell.counterexample),
    }


def _json_found(found: Counterexample) -> dict[str, Any]:
    def shown(values: Mapping[str, object] | None) -> dict[str, str] | None:
        return None if values is None else {name: show(value) for name, value in values.items()}

    part = found.false_part
    return {
        "sizes": dict(found.sizes),
        "parameters": shown(found.parameters),
        "arguments": shown(found.arguments),
        "before": shown(found.before),
        "after": shown(found.after),
        "confirmed": found.confirmed,
        "false": None
        if part is None
        else {
            "text": part.text,
            "names": dict(part.names),
            "place": json_place(part.span),
            "why": part.why or None,
        },
    }
