"""Faults of each engine, planted into its source one at a time: which pairs of engines notice, on generated models.

A fault is a stretch of source and what stands in its place (`kinds.planted`). Only the engine that has it is asked again; what
the others said of the same models stands. An engine that falls over is counted as that, and not as a disagreement.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from ratified.language.errors import RatifiedError
from tests.generate.kinds import KINDS, Kind, planted
from tests.generate.pairs import NOTHING, Asked, Case, Held, Pair, Said, ask, judged

LANGUAGE = "ratified.language.evaluate"
SEARCH = "ratified.explore.search"
NATIVE = "ratified.explore.native.codegen"
FINITE = "ratified.smt.finite"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault, what it is planted into (the engines that are asked again), and under which names these answer."""

    kind: Kind
    engines: tuple[str, ...]
    names: tuple[str, ...]


def _faults(engines: tuple[str, ...], names: tuple[str, ...], *kinds: Kind) -> tuple[Fault, ...]:
    return tuple(Fault(kind, engines, names) for kind in kinds)


_PROVER = (
    "None is in no universe and no set",
    "bags are compared by what is in them",
    "the first value of a range is 0",
    "numbered values exist at every size",
    "quorums of the user meet, whatever they are",
    "an assumption is dropped",
    "a map with int keys has all integers for keys",
    "a quantifier captures what has the same text",
)

FAULTS = (
    *_faults(
        ("evaluator",),
        ("evaluator",),
        Kind(
            "`<=` is `<`",
            f"{LANGUAGE}.expressions",
            "return bool(left <= right)",
            "return bool(left < right)",
        ),
        Kind(
            "`and` evaluates all operands",
            f"{LANGUAGE}.expressions",
            "return all(frame.expr(operand) for operand in node.operands)",
            "return all([frame.expr(operand) for operand in node.operands])",
        ),
        Kind(
            "`//` rounds towards zero",
            f"{LANGUAGE}.expressions",
            'return int(left // right) if node.op == "//"',
            'return int(left / right) if node.op == "//"',
        ),
        Kind(
            "what was before a step is read after it",
            f"{LANGUAGE}.machine",
            "self._probe.old = dict(zip(self._names, old, strict=True))",
            "self._probe.old = dict(zip(self._names, new, strict=True))",
        ),
        Kind(
            "an update forgets the other path",
            f"{LANGUAGE}.statements",
            "inner = _replaced(node, value_at(node, container, key), rest, value) if rest else value",
            "inner = value_at(node, container, key) if rest else value",
        ),
    ),
    *_faults(
        ("reference",),
        ("reference",),
        Kind(
            "step invariants are asked about steps to new states only",
            SEARCH,
            "if asked is not None and target not in asked:",
            "if asked is not None and after >= self._end and target not in asked:",
        ),
        Kind(
            "initial states are not asked",
            SEARCH,
            "if machine.refuted_by(invariant.name, state) is not None:",
            "if len(self.found.levels) and machine.refuted_by(invariant.name, state) is not None:",
        ),
        Kind(
            "constraints leave nothing out",
            SEARCH,
            "refuted = self._machine.refuted_by(constraint.name, state) is not None",
            "refuted = False",
        ),
        Kind(
            "transitions to known states are not counted",
            SEARCH,
            "standing = target if canonical is None else canonical(target)",
            "standing = target if canonical is None else canonical(target)\n            found.generated -= standing in seen",
        ),
    ),
    *_faults(
        ("symmetry",),
        ("symmetry",),
        Kind(
            "of renamings that do as well, the first is kept",
            "ratified.explore.symmetry",
            "winners |= bit",
            "pass",
        ),
        Kind(
            "representatives are greatest in one variable, and least in another",
            "ratified.explore.symmetry",
            "candidate[0] < best[0]",
            "(candidate[0] < best[0]) == (variable == 0)",
        ),
    ),
    *_faults(
        ("walks",),
        ("walks",),
        Kind(
            "walks leave the constraints",
            "ratified.explore.simulate",
            "if self._admitted(target):",
            "if True:",
        ),
    ),
    *_faults(
        ("native",),
        ("native",),
        Kind(
            "an interval is too narrow",
            f"{NATIVE}.arithmetic",
            "low, high = min(ends), max(ends)",
            "low, high = min(ends), max(ends[:1])",
        ),
        Kind(
            "a bound is left one later",
            f"{NATIVE}.arithmetic",
            'w.bound_unless(compare("<", index, const(size)), what, node.span)',
            'w.bound_unless(compare("<=", index, const(size)), what, node.span)',
        ),
        Kind(
            "what may be positive is its own absolute value",
            f"{NATIVE}.arithmetic",
            "    if value.low >= 0:\n        return value",
            "    if value.high >= 0:\n        return value",
        ),
        Kind(
            "the arguments of an action are taken in another order",
            f"{NATIVE}.actions",
            "picks.insert(0, values[chosen % len(values)])",
            "picks.insert(0, values[-1 - chosen % len(values)])",
        ),
        Kind(
            "a step invariant reads the state after a step",
            f"{NATIVE}.properties",
            'if step:\n        w.base, w.old_base = "new", "old"',
            'if step:\n        w.base, w.old_base = "new", "new"',
        ),
    ),
    *_faults(
        ("bmc", "bmc by Z3"),
        ("bmc", "bmc by Z3", "k-induction"),
        Kind(
            "a step need not be possible",
            f"{FINITE}.unrolled",
            "self.solver.require(circuit.either(-literal, way.possible))",
            "self.solver.require(circuit.either(-literal, TRUE))",
        ),
        Kind(
            "what was before a step is what is after it",
            f"{FINITE}.unrolled",
            "self.steps.claim(claim.name, state, self.stages[-2].state)",
            "self.steps.claim(claim.name, state, state)",
        ),
        Kind(
            "constraints leave nothing out",
            f"{FINITE}.unrolled",
            "if state and self._constrained:",
            "if False:",
        ),
        Kind(
            "`or` forgets where it is evaluated",
            f"{FINITE}.expressions",
            "self.path = self.circuit.both(outer, -result)",
            "self.path = outer",
        ),
        Kind(
            "`<=` is `<`",
            f"{FINITE}.expressions",
            'return less if node.op in ("<", ">") else -self._less(right, left)',
            "return less",
        ),
        Kind(
            "the last state of a path is new, of step invariants too",
            f"{FINITE}.bounded",
            "wrong.append((claim.name, literal if of_step else circuit.both(fresh, literal)))",
            "wrong.append((claim.name, circuit.both(fresh, literal)))",
        ),
        Kind(
            "the states of a path need not keep the claims",
            f"{FINITE}.unrolled",
            "self.solver.require(-literal)",
            "pass",
        ),
    ),
    *_faults(("prover",), ("prover", "prover (cvc5)"), *(kind for kind in KINDS if kind.says in _PROVER)),
    *_faults(
        ("TLC",),
        ("TLC",),
        Kind(
            "in TLA+ the first value of a sort is its last",
            "ratified.tla.expressions",
            "if node.last else ZERO",
            "if not node.last else ZERO",
        ),
        Kind(
            "in TLA+ the order of tuples is not strict",
            "ratified.tla.expressions",
            'return lower if node.op in ("<", ">") else negated(lower)',
            "return negated(lower)",
        ),
        Kind(
            "in TLA+ claims are made beyond the constraints",
            "ratified.tla.claims",
            'inner = Infix("=>", bounds, Atom(name))',
            "inner = Atom(name)",
        ),
    ),
    *_faults(
        ("ITF",),
        ("ITF",),
        Kind(
            "in ITF a bag is a set",
            "ratified.itf.format",
            "pairs = [(v, value.count(v)) for v in value.distinct()]",
            "pairs = [(v, 1) for v in value.distinct()]",
        ),
        Kind(
            "in ITF a sequence is written backwards",
            "ratified.itf.format",
            "return [_written(form, v, item) for v in value]",
            "return [_written(form, v, item) for v in reversed(tuple(value))]",
        ),
    ),
)


def plant(
    asked: Asked,
    models: Collection[Case],
    said: Mapping[int, Mapping[str, Said]],
    table: Mapping[Pair, Held],
    *,
    most: int,
    told: Callable[[str], object] | None = None,
) -> list[str]:
    """Plant each fault, and note in the table which pairs find it among models, of which one is looked at `most` times.

    `said` is what the engines say of each model, by its seed, without a fault. A line for each fault, in markdown.
    """
    rows = ["| fault | planted into | models | found by |", "|---|---|---|---|"]
    for fault in FAULTS:
        found: dict[Pair, int] = {}
        fell = tried = after = 0
        pairs = [p for p in table if set(p) & set(fault.names)]
        for case in models:
            before = said[case.seed]
            tried += 1
            with planted(fault.kind):
                try:
                    now = {**before, **dict.fromkeys(fault.names, NOTHING), **ask(asked, case, fault.engines)}
                    open_ = [pair for pair in pairs if pair not in found]
                    for pair, (_, wrong) in judged(asked, case, now, open_).items():
                        if wrong:
                            found[pair] = tried
                except RatifiedError:
                    pass
                except Exception:  # noqa: BLE001  # whatever a fault leads to
                    fell += 1
            after = after or (tried if found else 0)
            if tried >= most or (found and tried >= after + FURTHER):
                break
        for pair in found:
            table[pair].found.append(fault.kind.says)
        by = "; ".join(f"{a}, {b} ({n})" for (a, b), n in found.items()) or "none"
        rows.append(
            f"| {fault.kind.says} | {fault.engines[0]} | {tried}{f', {fell} fell over' if fell else ''} | {by} |"
        )
        if told:
            told(rows[-1])
    return rows


FURTHER = 6
"""So many more models are looked at once a fault has been found, for other pairs to find it too."""
