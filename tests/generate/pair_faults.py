"""Faults of each engine, planted into its source one at a time: which pairs of engines notice, on generated models.

A fault is a stretch of source and what stands in its place (`kinds.planted`). It is looked for among models whose text has what
it takes to come to it (`needs`): a comparison, a constraint, a bag. Only the engine that has the fault is asked with it, and some
that are quick without. One that falls over is counted as that, and not as a disagreement.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from ratified.language.errors import RatifiedError
from tests.generate.kinds import FAULTS as OF_KINDS
from tests.generate.pairs import PAIRS, Asked, Case, Held, Pair, ask, cases, judged, text_of
from tests.generate.planting import Kind, planted
from tests.generate.said import NOTHING, Said

LANGUAGE = "ratified.language.evaluate"
SEARCH = "ratified.explore.search"
NATIVE = "ratified.explore.native.codegen"
FINITE = "ratified.smt.finite"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault, what it is planted into (the engines that are asked with it), and under which names these answer.

    `needs` is a regular expression that the text of a model has to have for the fault to matter, `scripts` for it to be a proof
    script.
    """

    kind: Kind
    engines: tuple[str, ...]
    names: tuple[str, ...]
    needs: str = ""
    scripts: bool = False


def _faults(
    engines: tuple[str, ...], names: tuple[str, ...], *found: tuple[str, Kind], scripts: bool = False
) -> tuple[Fault, ...]:
    return tuple(Fault(kind, engines, names, needs, scripts) for needs, kind in found)


_PROVER = {
    "None is in no universe and no set": r"None",
    "bags are compared as sets": r"Bag",
    "the first value of a range is 0": r"Range\([1-9]",
    "numbered values exist at every size": r"\b[A-Z]\w*\([12]\)",
    "user-defined quorums always intersect": r"Param\[Set\[Set",
    "an assumption is dropped": r"@assume",
    "a map with int keys has every integer as a key": r"Map\[Small",
    "a quantifier captures a symbol with the same name": r"all\(|any\(",
}

FAULTS = (
    *_faults(
        ("evaluator",),
        ("evaluator",),
        (
            "<=",
            Kind(
                "`<=` is `<`",
                f"{LANGUAGE}.expressions",
                "return bool(left <= right)",
                "return bool(left < right)",
            ),
        ),
        (
            " and ",
            Kind(
                "`and` evaluates all operands",
                f"{LANGUAGE}.expressions",
                "return all(frame.expr(operand) for operand in node.operands)",
                "return all([frame.expr(operand) for operand in node.operands])",
            ),
        ),
        (
            "//",
            Kind(
                "`//` rounds towards zero",
                f"{LANGUAGE}.expressions",
                'return int(left // right) if node.op == "//"',
                'return int(left / right) if node.op == "//"',
            ),
        ),
        (
            "@step_invariant",
            Kind(
                "the old state is read after the step",
                f"{LANGUAGE}.machine",
                "self._probe.old = dict(zip(self._names, old, strict=True))",
                "self._probe.old = dict(zip(self._names, new, strict=True))",
            ),
        ),
        (
            r"self\.\w+\[[^=]*\]\[[^=]*\] = ",
            Kind(
                "a nested update is lost",
                f"{LANGUAGE}.statements",
                "inner = _replaced(node, value_at(node, container, key), rest, value) if rest else value",
                "inner = value_at(node, container, key) if rest else value",
            ),
        ),
    ),
    *_faults(
        ("reference",),
        ("reference",),
        (
            "@step_invariant",
            Kind(
                "step invariants are checked only on steps to new states",
                SEARCH,
                "if asked is not None and target not in asked:",
                "if asked is not None and after >= self._end and target not in asked:",
            ),
        ),
        (
            "@invariant",
            Kind(
                "invariants are not checked in initial states",
                SEARCH,
                "if machine.refuted_by(invariant.name, state) is not None:",
                "if len(self.found.levels) and machine.refuted_by(invariant.name, state) is not None:",
            ),
        ),
        (
            "@constraint",
            Kind(
                "constraints exclude nothing",
                SEARCH,
                "refuted = self._machine.refuted_by(constraint.name, state) is not None",
                "refuted = False",
            ),
        ),
        (
            "@action",
            Kind(
                "transitions to known states are not counted",
                SEARCH,
                "standing = target if canonical is None else canonical(target)",
                "standing = target if canonical is None else canonical(target)\n            found.generated -= standing in seen",
            ),
        ),
    ),
    *_faults(
        ("symmetry",),
        ("symmetry",),
        (
            r"Symmetric\)",
            Kind(
                "of several best renamings, only the first is kept",
                "ratified.explore.symmetry",
                "winners |= bit",
                "pass",
            ),
        ),
        (
            r"Symmetric\)",
            Kind(
                "representatives are the greatest in one variable and the least in another",
                "ratified.explore.symmetry",
                "candidate[0] < best[0]",
                "(candidate[0] < best[0]) == (variable == 0)",
            ),
        ),
    ),
    *_faults(
        ("walks",),
        ("walks",),
        (
            "@constraint",
            Kind(
                "walks ignore constraints",
                "ratified.explore.simulate",
                "if self._admitted(target):",
                "if True:",
            ),
        ),
    ),
    *_faults(
        ("native",),
        ("native",),
        (
            " - ",
            Kind(
                "an interval is too narrow",
                f"{NATIVE}.arithmetic",
                "low, high = min(ends), max(ends)",
                "low, high = min(ends), max(ends[:1])",
            ),
        ),
        (
            r"\(Ordered",
            Kind(
                "a bound is exceeded one value too late",
                f"{NATIVE}.arithmetic",
                'w.bound_unless(compare("<", index, const(size)), what, node.span)',
                'w.bound_unless(compare("<=", index, const(size)), what, node.span)',
            ),
        ),
        (
            r"abs\(",
            Kind(
                "any value that may be positive is its own absolute value",
                f"{NATIVE}.arithmetic",
                "    if value.low >= 0:\n        return value",
                "    if value.high >= 0:\n        return value",
            ),
        ),
        (
            "@step_invariant",
            Kind(
                "a step invariant reads the new state as the old one",
                f"{NATIVE}.properties",
                'w.base, w.old_base = "new", "old"',
                'w.base, w.old_base = "new", "new"',
            ),
        ),
    ),
    *_faults(
        ("bmc", "bmc by Z3"),
        ("bmc", "bmc by Z3", "k-induction"),
        (
            "@step_invariant",
            Kind(
                "the new state of a step is taken as the old one",
                f"{FINITE}.unrolled",
                "self.steps.claim(claim.name, state, self.stages[-2].state)",
                "self.steps.claim(claim.name, state, state)",
            ),
        ),
        (
            r"(?s)(?=.*@constraint).*@invariant",
            Kind(
                "constraints exclude nothing",
                f"{FINITE}.unrolled",
                "        if self._constrained:\n",
                "        if False:\n",
            ),
        ),
        (
            r"(?s) or .*@invariant",
            Kind(
                "the operands of `or` are evaluated unconditionally",
                f"{FINITE}.expressions",
                "context.under(-result).truth(operand)",
                "context.truth(operand)",
            ),
        ),
        (
            r"(?s)<=.*@invariant",
            Kind(
                "`<=` is `<`",
                f"{FINITE}.expressions",
                "else -less(right, left, context)",
                "else less(left, right, context)",
            ),
        ),
        (
            "@step_invariant",
            Kind(
                "the last state of a path must be new, for step invariants too",
                f"{FINITE}.bounded",
                "wrong.append((claim.name, literal if of_step else circuit.both(fresh, literal)))",
                "wrong.append((claim.name, circuit.both(fresh, literal)))",
            ),
        ),
    ),
    *_faults(
        ("bmc", "prover"),
        ("bmc", "k-induction"),
        (
            "",
            Kind(
                "the states of a path need not satisfy the claims",
                f"{FINITE}.unrolled",
                "self.solver.require(-literal)",
                "pass",
            ),
        ),
        scripts=True,
    ),
    *_faults(
        ("bmc",),
        ("bmc", "k-induction"),
        (
            "",
            Kind(
                "a step need not be enabled",
                f"{FINITE}.unrolled",
                "self.solver.require(circuit.either(-literal, way.possible))",
                "self.solver.require(circuit.either(-literal, TRUE))",
            ),
        ),
        scripts=True,
    ),
    *_faults(
        ("prover",),
        ("prover", "prover (cvc5)"),
        *((_PROVER[kind.says], kind) for kind in OF_KINDS if kind.says in _PROVER),
        scripts=True,
    ),
    *_faults(
        ("TLC",),
        ("TLC",),
        (
            r"first\(|last\(",
            Kind(
                "in TLA+ the first value of a sort is its last",
                "ratified.tla.expressions",
                "if node.last else ZERO",
                "if not node.last else ZERO",
            ),
        ),
        (
            r"sorted\(|key=|\) < \(",
            Kind(
                "in TLA+ the order of tuples is not strict",
                "ratified.tla.expressions",
                'return lower if node.op in ("<", ">") else negated(lower)',
                "return negated(lower)",
            ),
        ),
        (
            "@constraint",
            Kind(
                "in TLA+ claims apply beyond the constraints too",
                "ratified.tla.claims",
                'inner = Infix("=>", bounds, Leaf(name))',
                "inner = Leaf(name)",
            ),
        ),
    ),
    *_faults(
        ("ITF",),
        ("ITF",),
        (
            r"Bag\[",
            Kind(
                "in ITF a bag is a set",
                "ratified.itf.format",
                "pairs = [(v, value.count(v)) for v in value.distinct()]",
                "pairs = [(v, 1) for v in value.distinct()]",
            ),
        ),
        (
            r"Seq\[",
            Kind(
                "in ITF a sequence is written backwards",
                "ratified.itf.format",
                "return [_written(form, v, t.item) for v in value]",
                "return [_written(form, v, t.item) for v in reversed(tuple(value))]",
            ),
        ),
    ),
)


QUICK = ("CPython", "evaluator", "reference", "walks", "bmc")
"""Engines that are asked without the fault, for what the one with the fault says to be held against."""

FURTHER = 2
"""So many more models are looked at once a fault has been found, for other pairs to find it too."""

LOOKED_AT = 2_000
"""Seeds among which models for a fault are looked for, by their texts."""


@dataclass(slots=True)
class Corpus:
    """Generated models by their texts; those that were looked at are kept with what the quick engines say of them."""

    asked: Asked
    folder: Path
    texts: dict[int, str] = field(default_factory=dict)
    known: dict[int, tuple[Case, dict[str, Said]] | None] = field(default_factory=dict)

    def having(self, needs: str, *, scripts: bool) -> Iterator[tuple[Case, dict[str, Said]]]:
        """Those whose text has something, and what is said of them."""
        for seed in range(int(scripts), LOOKED_AT, 2):
            if seed not in self.texts:
                self.texts[seed] = text_of(seed)
            if not re.search(needs, self.texts[seed]):
                continue
            if seed not in self.known:
                case = next(cases([seed], self.folder), None)
                self.known[seed] = None if case is None else (case, ask(self.asked, case, QUICK))
            if (found := self.known[seed]) is not None:
                yield found


def plant(
    asked: Asked,
    folder: Path,
    table: Mapping[Pair, Held],
    *,
    most: int,
    told: Callable[[str], object] | None = None,
) -> list[str]:
    """Plant each fault, and note in the table which pairs find it among at most so many models. A line for each, in markdown."""
    rows = ["| fault | planted into | models | found by (after so many) |", "|---|---|---|---|"]
    corpus = Corpus(asked, folder)
    for fault in FAULTS:
        row, found = _looked_for(fault, corpus, most)
        rows.append(row)
        for pair in found:
            table[pair].found.append(fault.kind.says)
        if told:
            told(rows[-1])
    return rows


def _looked_for(fault: Fault, corpus: Corpus, most: int) -> tuple[str, dict[Pair, int]]:
    """The row of a fault, and after how many models each pair found it."""
    found: dict[Pair, int] = {}
    fell = tried = 0
    pairs = [pair for pair in PAIRS if set(pair) & set(fault.names)]
    for case, quick in islice(corpus.having(fault.needs, scripts=fault.scripts), most):
        tried += 1
        with planted(fault.kind):
            try:
                now = {
                    **quick,
                    **dict.fromkeys(fault.names, NOTHING),
                    **ask(corpus.asked, case, fault.engines),
                }
                open_ = [pair for pair in pairs if pair not in found]
                compared = judged(corpus.asked, case, now, open_)
                found |= {pair: tried for pair, (_, wrong) in compared.items() if wrong}
            except RatifiedError:
                pass
            except Exception:  # noqa: BLE001  # whatever a fault leads to
                fell += 1
        if found and tried >= min(found.values()) + FURTHER:
            break
    by = "; ".join(f"{a}, {b} ({n})" for (a, b), n in found.items()) or "none"
    over = f", {fell} fell over" if fell else ""
    return f"| {fault.kind.says} | {fault.engines[0]} | {tried}{over} | {by} |", found
