"""Which instances of a script's clauses to look at: those that Z3's own proofs have.

Z3 is given the formulas as the checker flattens them: without existential quantifiers, which are Skolem functions already. They
keep their shape otherwise (`nested`), or are given as clauses; each way is quick where the other is not.

Guarantees: nothing; what comes out is a guess that is made good, or not, by what is done with it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product
from random import Random
from typing import Any, Literal

from ratified.certified import DECLARED, Clause, Flattening, Script, Symbol, Terms
from ratified.smt.certificate.text import FormulaNode, QuantifierBlock, SolverText

PAIRS = 16
"""Pairs of places of a formula that is said to be true and to be false that are looked at, at most."""

MOST = 3_000
"""Instances of a clause that are looked at, at most."""


@dataclass(frozen=True, slots=True)
class ClauseSource:
    """A clause of a script's flattening: its assertion and its place there, both from 1, and its variables."""

    assertion: int
    place: int
    clause: Clause
    variables: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Instance:
    """A clause with a term for each of its variables."""

    source: ClauseSource
    values: tuple[int, ...]


Given = Literal["all", "relevant", "most"]


@dataclass(frozen=True, slots=True)
class Z3Run:
    """One way to ask Z3: a limit in its own steps, a seed (0: formulas in order), the shape of formulas, and options.

    If `live`, every instance that Z3 looks at is taken, while it searches, instead of those of a proof: without proofs, Z3
    simplifies more, and reasons about products. Terms with Skolem functions of its variables are then no patterns of a quantifier
    (of two sets, say, something that is in one of them only), since Z3 would have to know such a term before it makes one.

    Of all assertions, those are given that are `relevant`, or that `most` proofs need.
    """

    effort: int = 0
    seed: int = 0
    nested: bool = True
    live: bool = False
    given: Given = "all"
    options: tuple[tuple[str, object], ...] = ()


class Recorded(Flattening):
    """A flattening that remembers how it went."""

    def __init__(self, terms: Terms, formula: int) -> None:
        self._open = [FormulaNode(formula, positive=True)]
        super().__init__(terms, formula)
        self.root = self._open[0].parts[0]

    def of(self, term: int, positive: bool) -> list[Clause]:
        """The clauses of a formula, or of its negation."""
        node = FormulaNode(term, positive)
        self._open[-1].parts.append(node)
        self._open.append(node)
        node.clauses = super().of(term, positive)
        self._open.pop()
        return node.clauses

    def new(self, formula: int, result: str) -> int:
        """A new function, of the variables that are free in a formula."""
        made = super().new(formula, result)
        self._open[-1].made.append(made)
        return made


def flattened(script: Script) -> tuple[list[FormulaNode], list[ClauseSource]]:
    """The assertions of a script, and their clauses. Raises CertificateRejected if one is too large."""
    nodes, sources = [], []
    for number, formula in enumerate(script.assertions, 1):
        flat = script.terms.flat.get(formula) or Recorded(script.terms, formula)
        assert isinstance(flat, Recorded)
        nodes.append(flat.root)
        for place, clause in enumerate(flat.clauses, 1):
            sources.append(ClauseSource(number, place, clause, script.terms.variables(map(abs, clause))))
    return nodes, sources


@dataclass(frozen=True, slots=True)
class Twins:
    """A quantified formula, without variables of others, that is said to be true in some places and false in others.

    A place is an assertion, by its number, and a node in it.
    """

    true: tuple[tuple[int, FormulaNode], ...]
    false: tuple[tuple[int, FormulaNode], ...]


def twins(terms: Terms, nodes: Iterable[FormulaNode]) -> list[Twins]:
    """The quantified formulas that are said to be true and to be false, whatever their variables are called."""
    found: dict[object, dict[bool, list[tuple[int, FormulaNode]]]] = defaultdict(
        lambda: {True: [], False: []}
    )
    for number, root in enumerate(nodes, 1):
        waiting = [root]
        while waiting:
            node = waiting.pop()
            if terms.names[node.term] == "forall" and not terms.free[node.term]:
                found[_shape(terms, node.term, {})][node.positive].append((number, node))
            waiting += node.parts
    return [Twins(tuple(t[True]), tuple(t[False])) for t in found.values() if t[True] and t[False]]


def _shape(terms: Terms, term: int, bound: dict[int, int], positive: bool = True) -> object:
    """What formulas share that differ in the names of bound variables, and in where negations stand, only."""
    name, parts = terms.names[term], terms.parts[term]
    if name == "not":
        return _shape(terms, parts[0], bound, not positive)
    if name == "and" and len(parts) == 1:
        return _shape(terms, parts[0], bound, positive)
    if name == "and":
        return ("and" if positive else "or", *(_shape(terms, p, bound, positive) for p in parts))
    if name == "forall":
        inner = {**bound, **{v: len(bound) + i for i, v in enumerate(parts[:-1])}}
        sorts = terms.sorts(parts[:-1])
        return ("forall" if positive else "exists", sorts, _shape(terms, parts[-1], inner, positive))
    return (positive, _named(terms, term, bound))


def _named(terms: Terms, term: int, bound: dict[int, int]) -> object:
    if not terms.free[term]:
        return (term,)
    if term in bound:
        return bound[term]
    parts = [_named(terms, p, bound) for p in terms.parts[term]]
    return (terms.heads[term], *(sorted(parts, key=str) if terms.names[term] == "=" else parts))


def _core(terms: Terms, node: FormulaNode) -> FormulaNode:
    """A node without what changes nothing but the sign."""
    while len(node.parts) == 1 and terms.names[node.term] in ("not", "and"):
        node = node.parts[0]
    return node


def opposed(terms: Terms, one: FormulaNode, other: FormulaNode) -> dict[int, int]:
    """Values of the variables of both that make one and the negation of the other contradict each other, part by part."""
    values: dict[int, int] = {}
    waiting = [(one, other)]
    while waiting:
        left, right = (_core(terms, node) for node in waiting.pop())
        if terms.names[left.term] == "forall":
            general, special = (left, right) if left.positive else (right, left)
            made = [terms.replace(m, dict(values)) for m in special.made]
            values.update(zip(terms.parts[general.term][:-1], made, strict=True))
        waiting += zip(left.parts, right.parts, strict=False)
    return values


@dataclass(frozen=True, slots=True)
class Use:
    """What a quantifier's variables were in a step of a proof, and the terms that its formula has inside."""

    values: dict[int, int]
    inside: frozenset[int]


def relevant(script: Script) -> frozenset[int]:
    """The numbers of assertions that the last one speaks of, directly or not, by their rarest symbols.

    An assertion is about what few others mention (K. Hoder and A. Voronkov, Sine qua non for large theory reasoning, 2011).
    """
    mentioned = [_symbols(script.terms, formula) for formula in script.assertions]
    counts = Counter(symbol for symbols in mentioned for symbol in symbols)
    about = [
        {s for s in symbols if counts[s] == min(map(counts.__getitem__, symbols))} for symbols in mentioned
    ]
    found, known = {len(mentioned) - 1}, mentioned[-1]
    while more := {
        i for i, symbols in enumerate(about) if i not in found and (not symbols or symbols & known)
    }:
        found |= more
        known = known.union(*(mentioned[i] for i in more))
    return frozenset(i + 1 for i in found)


def _symbols(terms: Terms, formula: int) -> set[Symbol]:
    """The declared functions in a formula."""
    waiting, seen = [formula], {formula}
    while waiting:
        new = [p for p in terms.parts[waiting.pop()] if p not in seen]
        seen.update(new)
        waiting += new
    return {terms.heads[t] for t in seen if terms.heads[t].owner == DECLARED}


def instances(
    script: Script,
    nodes: list[FormulaNode],
    sources: list[ClauseSource],
    attempt: Z3Run,
    rare: frozenset[int] = frozenset(),
) -> list[Instance] | None:
    """The instances of a proof that Z3 found; None if it found none. Few proofs need assertions that are `rare`."""
    import z3

    terms = script.terms
    wanted = relevant(script) if attempt.given == "relevant" else frozenset(range(1, len(nodes) + 1))
    if attempt.given == "most":
        wanted -= rare
    sources = [source for source in sources if source.assertion in wanted]
    z3.set_param(proof=not attempt.live)  # read when a context is made
    text = SolverText(terms, without_skolem=attempt.live or attempt.given != "all")
    pairs = twins(terms, nodes)
    for place, two in enumerate(pairs):
        text.atoms |= {id(node): f"t{place}" for _, node in (*two.true, *two.false)}
    if attempt.nested:
        lines = [text.formula(number, node) for number, node in enumerate(nodes, 1) if number in wanted]
    else:
        lines = [
            text.quantified(s.assertion, s.variables, text.clause(s.clause), [s.clause]) for s in sources
        ]
    if attempt.seed:
        Random(attempt.seed).shuffle(lines)  # noqa: S311  # another order, not a secret
    solver = z3.Solver(ctx=z3.Context())
    solver.set("rlimit", attempt.effort)
    solver.set("random_seed", attempt.seed)
    for option, value in attempt.options:
        solver.set(option, value)
    solver.from_string("\n".join([*text.declarations(), *(f"(assert {line})" for line in lines)]))
    clauses: list[Any] = []
    if attempt.live:
        z3.OnClause(solver, lambda why, *_: clauses.append(why))
    if solver.check() != z3.unsat:
        return None
    uses: dict[QuantifierBlock, list[Use]] = defaultdict(list)
    for block, use in _TermReader(terms, text).uses(
        _looked_at(clauses) if attempt.live else _steps(solver.proof())
    ):
        if use not in uses[block]:
            uses[block].append(use)
    for two in pairs:
        for (number, one), (another, other) in islice(product(two.true, two.false), PAIRS):
            values = opposed(terms, one, other)
            for block in text.blocks:
                if block.assertion in (number, another) and values.keys() >= set(block.variables):
                    use = Use({v: values[v] for v in block.variables}, frozenset(values.values()))
                    uses[block].append(use)
    return [i for source in sources for i in islice(_instances(terms, source, uses), MOST)]


def _instances(
    terms: Terms, source: ClauseSource, uses: dict[QuantifierBlock, list[Use]]
) -> Iterator[Instance]:
    """The instances of a clause that the uses of its variables' quantifiers make together."""
    wanted = set(source.variables)
    blocks = [b for b in uses if b.assertion == source.assertion and wanted & set(b.variables)]
    blocks.sort(key=lambda b: (len(b.around), b.variables))  # those outside first
    seen: set[tuple[int, ...]] = set()

    def choose(place: int, values: dict[int, int]) -> Iterator[dict[int, int]]:
        if place == len(blocks):
            yield values
            return
        block = blocks[place]
        if wanted & set(block.variables) <= values.keys():
            yield from choose(place + 1, values)  # a second quantifier of the same variables
            return
        for use in uses[block]:
            if all(values[v] in use.inside for v in block.around & values.keys()):
                yield from choose(place + 1, {**values, **use.values})

    for values in choose(0, {}):
        made = _complete(terms, source, values)
        if made.values not in seen:
            seen.add(made.values)
            yield made


class _TermReader:
    """From the terms of a proof to those of the script."""

    def __init__(self, terms: Terms, text: SolverText) -> None:
        self.terms, self.text = terms, text
        self.symbols = {name: symbol for symbol, name in text.symbols.items()}
        self.sorts = {name: sort for sort, name in text.sorts.items()}
        self.known: dict[int, int | None] = {}

    def uses(self, steps: Iterable[tuple[Any, Sequence[Any]]]) -> Iterator[tuple[QuantifierBlock, Use]]:
        """The quantifiers of instances, and what their variables are."""
        import z3

        for formula, bound in steps:
            quantifier = formula
            while not z3.is_quantifier(quantifier):  # (or (not (forall ...)) instance), or without the `or`
                quantifier = quantifier.arg(0)
            if not quantifier.qid().startswith("q"):
                continue
            block = self.text.blocks[int(quantifier.qid()[1:])]
            near = [b for b in self.text.blocks if b.assertion == block.assertion]  # Z3 joins quantifiers
            names = {f"v{self.terms.heads[v].name}": v for b in near for v in b.variables}
            values = zip(map(quantifier.var_name, range(quantifier.num_vars())), bound, strict=True)
            found = {names[name]: self.term(value) for name, value in values if name in names}
            inside = self._inside(quantifier.body()) if block.around else frozenset[int]()
            yield block, Use({v: t for v, t in found.items() if t is not None}, inside)

    def _inside(self, body: Any) -> frozenset[int]:
        """The terms without variables in a formula."""
        found, waiting = set(), [body]
        seen: set[int] = set()
        while waiting:
            e = waiting.pop()
            if e.get_id() not in seen:
                seen.add(e.get_id())
                found.add(self.term(e))
                waiting += e.children()
        return frozenset(t for t in found if t is not None)

    def term(self, e: Any) -> int | None:
        """A term; None if it has a variable, or a symbol that is not known."""
        if e.get_id() not in self.known:
            self.known[e.get_id()] = self._term(e)
        return self.known[e.get_id()]

    def _term(self, e: Any) -> int | None:
        import z3

        if not z3.is_app(e):
            return None
        name, parts = e.decl().name(), [self.term(p) for p in e.children()]
        given = [p for p in parts if p is not None]
        if len(given) < len(parts):
            return None
        if z3.is_int_value(e):
            value = self.terms.make(str(abs(e.as_long())))
            return value if e.as_long() >= 0 else self.terms.make("-", value)
        if name in self.symbols:
            return self.terms.make(self.symbols[name], *given)
        if z3.is_true(e) or z3.is_false(e) or name in ("+", "-", "*", "div", "mod"):
            return self.terms.make(name, *given)
        if not parts and e.sort().name() in self.sorts:
            return some_value(self.terms, self.sorts[e.sort().name()])  # made up by Z3: any will do
        return None


def _looked_at(clauses: Sequence[Any]) -> Iterator[tuple[Any, Sequence[Any]]]:
    """Of why Z3 has each of its clauses: the instances, each a quantified formula and the values of its variables."""
    for why in clauses:
        if why.decl().name() == "inst":
            yield why.arg(0), why.arg(2).children()


def _steps(proof: Any) -> Iterator[tuple[Any, Sequence[Any]]]:
    """The instances in a proof, each a quantified formula and the values of its variables."""
    import z3

    seen, waiting = set(), [proof]
    while waiting:
        step = waiting.pop()
        if step.get_id() in seen or not z3.is_app(step):
            continue
        seen.add(step.get_id())
        kind = step.decl().kind()
        if kind == z3.Z3_OP_PR_QUANT_INST:
            yield step.arg(0), step.decl().params()
        elif z3.Z3_OP_PR_UNDEF <= kind <= z3.Z3_OP_PR_HYPER_RESOLVE:
            waiting += step.children()


def _complete(terms: Terms, source: ClauseSource, values: dict[int, int]) -> Instance:
    """An instance, with values for variables that Z3 did away with: what they are said to be equal to, or anything."""
    known = {v: values[v] for v in source.variables if v in values}
    changed = True
    while changed and len(known) < len(source.variables):
        changed = False
        for atom in (-x for x in source.clause if x < 0 and terms.names[-x] == "="):
            for one, other in (terms.parts[atom], terms.parts[atom][::-1]):
                if one in source.variables and one not in known and terms.free[other] <= known.keys():
                    known[one] = terms.replace(other, dict(known))
                    changed = True
    rest = {v: some_value(terms, terms.heads[v].result) for v in source.variables if v not in known}
    return Instance(source, tuple({**rest, **known}[v] for v in source.variables))


def some_value(terms: Terms, sort: str) -> int:
    """Some value of a sort: none is empty."""
    simple = {"Bool": terms.true, "Int": terms.one}
    return simple[sort] if sort in simple else terms.make(Symbol(f"@0.{sort}", (), sort, DECLARED))
