"""Which instances of a script's clauses to look at: those that Z3's own proof has.

Guarantees: nothing; what comes out is a guess that is made good, or not, by what is done with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from ratified.certified import DECLARED, VARIABLE, Clause, Flattening, Script, Symbol, Terms


@dataclass(frozen=True, slots=True)
class Source:
    """A clause of a script's flattening: its assertion and its place there, both from 1, and its variables."""

    assertion: int
    place: int
    clause: Clause
    variables: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Instance:
    """A clause with a term for each of its variables."""

    source: Source
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to ask Z3: a limit in its own steps, a seed (0: the clauses in order), and options."""

    effort: int
    seed: int = 0
    options: tuple[tuple[str, object], ...] = ()


def sources(script: Script) -> list[Source]:
    """The clauses of a script. Raises Refused if an assertion is too large."""
    found = []
    for number, formula in enumerate(script.assertions, 1):
        flat = script.terms.flat.get(formula) or Flattening(script.terms, formula)
        for place, clause in enumerate(flat.clauses, 1):
            found.append(Source(number, place, clause, script.terms.variables(abs(x) for x in clause)))
    return found


class _Text:
    """Clauses as text for Z3, under names that cannot clash with anything."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.sorts = {"Bool": "Bool", "Int": "Int"}
        self.symbols: dict[Symbol, str] = {}

    def sort(self, name: str) -> str:
        return self.sorts.setdefault(name, f"S{len(self.sorts)}")

    def head(self, symbol: Symbol) -> str:
        if symbol.owner < 0:
            return f"v{symbol.name}" if symbol.owner == VARIABLE else symbol.name
        return self.symbols.setdefault(symbol, f"f{len(self.symbols)}")

    def term(self, term: int) -> str:
        name, parts = self.head(self.terms.heads[term]), self.terms.parts[term]
        return f"({name} {' '.join(map(self.term, parts))})" if parts else name

    def clause(self, number: int, source: Source) -> str:
        literals = [self.term(x) if x > 0 else f"(not {self.term(-x)})" for x in source.clause]
        body = f"(or {' '.join(literals)})" if len(literals) > 1 else literals[0]
        if not source.variables:
            return f"(assert {body})"
        heads = [self.terms.heads[v] for v in source.variables]
        binders = " ".join(f"({self.head(h)} {self.sort(h.result)})" for h in heads)
        return f"(assert (forall ({binders}) (! {body} :qid q{number})))"

    def declarations(self) -> list[str]:
        found = [
            f"(declare-fun {name} ({' '.join(map(self.sort, s.arguments))}) {self.sort(s.result)})"
            for s, name in self.symbols.items()
        ]
        return [f"(declare-sort {name} 0)" for name in [*self.sorts.values()][2:]] + found


def instances(terms: Terms, clauses: list[Source], attempt: Attempt) -> list[Instance] | None:
    """The instances of a proof that Z3 found; None if it found none."""
    import z3

    z3.set_param(proof=True)  # read when a context is made
    text = _Text(terms)
    order = list(enumerate(clauses))
    if attempt.seed:
        Random(attempt.seed).shuffle(order)  # noqa: S311  # another order, not a secret
    lines = [text.clause(number, source) for number, source in order]
    solver = z3.Solver(ctx=z3.Context())
    solver.set("rlimit", attempt.effort)
    solver.set("random_seed", attempt.seed)
    for option, value in attempt.options:
        solver.set(option, value)
    solver.from_string("\n".join([*text.declarations(), *lines]))
    if solver.check() != z3.unsat:
        return None
    return list(dict.fromkeys(_read(terms, clauses, text, solver.proof())))


def _read(terms: Terms, clauses: list[Source], text: _Text, proof: Any) -> Iterator[Instance]:
    import z3

    symbols = {name: symbol for symbol, name in text.symbols.items()}
    sorts = {name: sort for sort, name in text.sorts.items()}
    known: dict[int, int] = {}

    def term(e: Any) -> int:
        if e.get_id() not in known:
            name, parts = e.decl().name(), [term(p) for p in e.children()]
            if z3.is_int_value(e):
                value = terms.make(str(abs(e.as_long())))
                known[e.get_id()] = value if e.as_long() >= 0 else terms.make("-", value)
            elif name in symbols:
                known[e.get_id()] = terms.make(symbols[name], *parts)
            elif z3.is_true(e) or z3.is_false(e) or name in ("+", "-", "*", "div", "mod"):
                known[e.get_id()] = terms.make(name, *parts)
            elif not parts and e.sort().name() in sorts:
                known[e.get_id()] = some_value(terms, sorts[e.sort().name()])  # made up by Z3: any will do
            else:
                raise LookupError(name)
        return known[e.get_id()]

    for step in _steps(proof):
        quantifier = step.arg(0)
        while not z3.is_quantifier(quantifier):  # (or (not (forall ...)) instance), or without the `or`
            quantifier = quantifier.arg(0)
        names = [quantifier.var_name(i) for i in range(quantifier.num_vars())]
        if not quantifier.qid().startswith("q"):
            continue
        source = clauses[int(quantifier.qid()[1:])]
        try:
            values = dict(zip(names, map(term, step.decl().params()), strict=True))
        except LookupError:
            continue  # a term of Z3's own making
        yield _complete(terms, source, values)


def _steps(proof: Any) -> Iterator[Any]:
    """The steps of a proof that are instances of quantified formulas."""
    import z3

    seen, waiting = set(), [proof]
    while waiting:
        step = waiting.pop()
        if step.get_id() in seen or not z3.is_app(step):
            continue
        seen.add(step.get_id())
        kind = step.decl().kind()
        if kind == z3.Z3_OP_PR_QUANT_INST:
            yield step
        elif z3.Z3_OP_PR_UNDEF <= kind <= z3.Z3_OP_PR_HYPER_RESOLVE:
            waiting += step.children()


def _complete(terms: Terms, source: Source, values: dict[str, int]) -> Instance:
    """An instance, with values for variables that Z3 did away with: what they are said to be equal to, or anything."""
    known = {v: values[name] for v in source.variables if (name := f"v{terms.heads[v].name}") in values}
    changed = True
    while changed and len(known) < len(source.variables):
        changed = False
        for atom in (-x for x in source.clause if x < 0 and terms.name(-x) == "="):
            for one, other in (terms.parts[atom], terms.parts[atom][::-1]):
                if one in source.variables and one not in known and terms.free[other] <= known.keys():
                    known[one] = terms.replace(other, dict(known))
                    changed = True
    rest = {v: some_value(terms, terms.heads[v].result) for v in source.variables if v not in known}
    return Instance(source, tuple({**rest, **known}[v] for v in source.variables))


def some_value(terms: Terms, sort: str) -> int:
    """Some value of a sort: none is empty."""
    return {"Bool": terms.true, "Int": terms.make("0")}.get(sort) or terms.make(
        Symbol(f"@0.{sort}", (), sort, DECLARED)
    )
