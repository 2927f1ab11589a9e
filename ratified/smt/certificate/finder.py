"""Finding a certificate: instances from Z3's proofs, a ground core of them, and a propositional proof, written down.

Guarantees: nothing. Who wants a certificate has the checker accept what is found; that nothing is found says nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from ratified.certified import Clause, Flattening, Script, Symbol, Terms
from ratified.smt.certificate.ground import TheoryLemma, contradiction
from ratified.smt.certificate.instances import Instance, Z3Run, flattened, instances
from ratified.smt.certificate.propagation import PropagationStep, steps

WAYS = (
    Z3Run(given="most"),
    Z3Run(live=True, given="most"),
    Z3Run(nested=False, given="most"),
    Z3Run(nested=False),
    Z3Run(live=True),
    Z3Run(nested=False, given="relevant"),
    Z3Run(given="relevant"),
    Z3Run(live=True, given="relevant"),
    Z3Run(),
    Z3Run(options=(("auto_config", False), ("smt.case_split", 3))),
    Z3Run(options=(("smt.mbqi", False),)),
)
"""The shapes of queries: none is best, and each loses some obligation that another one proves."""

EFFORTS = (200_000, 600_000, 2_000_000, 6_000_000, 20_000_000, 60_000_000)

FEW = 5_000
"""So many instances are looked at in the first attempts, twice as many in each round: others may find fewer."""

ATTEMPTS = tuple(
    replace(way, effort=effort, seed=seed) for seed, effort in enumerate(EFFORTS) for way in WAYS
)
"""The ways to ask Z3, in turn."""


class NotFound(Exception):
    """No certificate was found, and why."""


def certificate(text: str, seconds: float, rare: frozenset[int] = frozenset(), like: str = "") -> str:
    """A certificate of a script, which the checker has yet to accept. `seconds` are of processor time.

    Few proofs need assertions that are `rare`, by their numbers. What the script shares with another one that it is `like` is
    read once for all scripts.

    Raises:
        NotFound: none is found in that time.
        CertificateRejected: the script cannot be read.
    """
    deadline = time.process_time() + seconds
    script = Script(text, _terms_of(like))
    nodes, clauses = flattened(script)
    if plain := [s for s in clauses if not s.clause]:
        return _said_at_once(plain[0].assertion, plain[0].place)
    ground = [Instance(s, ()) for s in clauses if not s.variables]
    for attempt in (a for a in ATTEMPTS if rare or a.given != "most"):
        if time.process_time() > deadline:
            break
        found = instances(script, nodes, clauses, attempt, rare)
        if found is None or len(found) > FEW << attempt.seed:
            continue
        if lines := _proof(script, [*ground, *found]):
            return lines
    raise NotFound("no proof was found in which a certificate could be read")


def _terms_of(text: str) -> Terms:
    """The terms of a script, to which others may be added: the same ones each time, so that the same is found."""
    read, terms = _read(text), Terms()
    for name, held in vars(read).items():
        setattr(terms, name, held.copy() if isinstance(held, dict | list) else held)
    return terms


@lru_cache(maxsize=1)
def _read(text: str) -> Terms:
    terms = Terms()
    if text:
        flattened(Script(text, terms))
    return terms


def at_once(text: str, terms: Terms) -> str:
    """The certificate of a script that asserts `false`, or what is flattened to it; empty if there is none."""
    script = Script(text, terms)
    for number, formula in enumerate(script.assertions, 1):
        clauses = (terms.flat.get(formula) or Flattening(terms, formula)).clauses
        if () in clauses:
            return _said_at_once(number, clauses.index(()) + 1)
    return ""


def _said_at_once(assertion: int, place: int) -> str:
    return f"i {assertion}.{place}\n"


def _proof(script: Script, chosen: Sequence[Instance]) -> str:
    """The lines of a certificate from instances; empty if they do not contradict each other."""
    terms = script.terms
    clauses = [_ground(terms, i) for i in chosen]
    found = contradiction(terms, clauses)
    if found is None:
        return ""
    places, lemmas = found
    given = [*(clauses[p] for p in places), *(lemma.clause for lemma in lemmas)]
    rest = steps(given)
    return _written(script, [chosen[p] for p in places], lemmas, rest) if rest else ""


def _ground(terms: Terms, instance: Instance) -> Clause:
    done = dict(zip(instance.source.variables, instance.values, strict=True))
    return tuple(
        terms.replace(x, done) if x > 0 else -terms.replace(-x, done) for x in instance.source.clause
    )


class _Writer:
    """Lines of a certificate; a term gets a line when it is first needed."""

    def __init__(self, script: Script) -> None:
        self.terms = script.terms
        self.lines: list[str] = []
        self.numbers: dict[int, int] = {}
        self.heads: dict[Symbol, str] = {}
        for number, formula in enumerate(script.assertions, 1):
            for place, symbol in enumerate(self.terms.flat[formula].made, 1):
                self.heads.setdefault(symbol, f"@{number}.{place}")

    def term(self, term: int) -> str:
        if term not in self.numbers:
            head = self.terms.heads[term]
            parts = [self.term(p) for p in self.terms.parts[term]]
            self.lines.append(" ".join(["t", self.heads.get(head, head.name), *parts]))
            self.numbers[term] = len(self.numbers) + 1
        return str(self.numbers[term])

    def literal(self, literal: int) -> str:
        return f"{'-' if literal < 0 else ''}{self.term(abs(literal))}"


def _written(
    script: Script, chosen: Sequence[Instance], lemmas: Sequence[TheoryLemma], rest: Sequence[PropagationStep]
) -> str:
    """The lines of a certificate."""
    to = _Writer(script)
    for instance in chosen:
        source = instance.source
        values = [to.term(v) for v in instance.values]
        to.lines.append(" ".join(["i", f"{source.assertion}.{source.place}", *values]))
    for lemma in lemmas:
        said = lemma.said or [(x,) for x in lemma.clause]
        words = ["*".join(map(to.literal, factors)) for factors in said]
        to.lines.append(" ".join([lemma.kind, *words]))
    for step in rest:
        words = [to.literal(x) for x in step.clause]
        to.lines.append(" ".join(["u", *words, ":", *(str(h + 1) for h in step.hints)]))
    return "\n".join(to.lines) + "\n"
