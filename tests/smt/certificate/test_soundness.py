"""What the checker accepts is so, says Z3: flattening, lemmas, propagation; and nothing is found for what has a model."""

from __future__ import annotations

from itertools import product
from math import prod
from random import Random

import pytest
import z3

from ratified.certified import (
    CertificateRejected,
    Clause,
    Flattening,
    Script,
    Terms,
    check,
    propagates,
)
from ratified.smt.certificate import finder
from ratified.smt.certificate.finder import NotFound, certificate
from ratified.smt.certificate.instances import Z3Run, flattened, instances

HEAD = """(declare-sort S 0)
(declare-fun p (S) Bool)
(declare-fun r (S S) Bool)
(declare-fun f (S) S)
(declare-fun c () S)
(declare-fun d () S)
(declare-fun b () Bool)
"""


class Formulas:
    """Random formulas over HEAD, with quantifiers under anything, `let`, `ite`, and names that are bound again."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def term(self, names: tuple[str, ...], depth: int) -> str:
        kind = self.random.randrange(8) if depth else 0
        if kind < 3:
            return f"(f {self.term(names, 0)})" if kind else self.random.choice(("c", "d", *names))
        if kind == 3:
            test = self.random.choice(
                ("b", f"(p {self.term(names, 0)})", f"(exists ((x S)) (r x {self.term(names, 0)}))")
            )
            return f"(ite {test} {self.term(names, 0)} {self.term(names, 0)})"
        return self.random.choice(("c", "d", *names, *names))

    def atom(self, names: tuple[str, ...]) -> str:
        one, other = self.term(names, 1), self.term(names, 1)
        return self.random.choice((f"(p {one})", f"(r {one} {other})", f"(= {one} {other})", "b"))

    def formula(self, names: tuple[str, ...], depth: int) -> str:
        if depth == 0:
            return self.atom(names)
        kind = self.random.choice(
            ["not", "and", "or", "=>", "=", "xor", "ite", "distinct", "forall", "exists", "let"]
        )
        name = self.random.choice("xyc")

        def inner(*more: str) -> str:
            return self.formula((*names, *more), depth - 1)

        match kind:
            case "not":
                return f"(not {inner()})"
            case "ite":
                return f"(ite {inner()} {inner()} {inner()})"
            case "distinct":
                return f"(distinct {self.term(names, 1)} {self.term(names, 1)})"
            case "forall" | "exists":
                return f"({kind} (({name} S)) {inner(name)})"
            case "let":
                return f"(let (({name} {self.term(names, 1)})) {inner(name)})"
        return f"({kind} {inner()} {inner()})"


def text_of(assertions: list[str], head: str = HEAD) -> str:
    return head + "".join(f"(assert {a})\n" for a in assertions) + "(check-sat)\n"


def formula_of(terms: Terms, clauses: list[Clause]) -> str:
    """Clauses as SMT-LIB text that declares what is new in them."""
    sorts, symbols, lines = {"S", "Bool", "Int"}, {}, []

    def term(t: int) -> str:
        symbol, parts = terms.heads[t], terms.parts[t]
        name = f"v{symbol.name}" if symbol.owner == -2 else symbol.name
        if symbol.owner > 0:
            name = f"new{symbol.owner}_{symbol.name[1:]}"
            symbols[name] = symbol
        return f"({' '.join([name, *map(term, parts)])})" if parts else name

    for clause in clauses:
        body = " ".join(term(x) if x > 0 else f"(not {term(-x)})" for x in clause)
        variables = " ".join(
            f"({term(v)} {terms.heads[v].result})" for v in terms.variables(map(abs, clause))
        )
        matrix = f"(or false {body})"
        lines.append(f"(assert (forall ({variables}) {matrix}))" if variables else f"(assert {matrix})")
    made = [f"(declare-fun {n} ({' '.join(s.arguments)}) {s.result})" for n, s in symbols.items()]
    assert {s.result for s in symbols.values()} <= sorts
    return "\n".join([*made, *lines])


def answers(text: str) -> str:
    solver = z3.Solver()
    solver.set("timeout", 2_000)
    solver.set("smt.mbqi", True)
    solver.from_string(text)
    return str(solver.check())


def test_clauses_have_a_model_exactly_if_the_formula_has_one() -> None:
    told = {"sat": 0, "unsat": 0, "unknown": 0}
    for seed in range(250):
        formulas = Formulas(seed)
        assertions = [formulas.formula((), 3) for _ in range(2)]
        script = Script(text_of(assertions), Terms())
        clauses = [c for a in script.assertions for c in Flattening(script.terms, a).clauses]
        said = (
            answers(HEAD + formula_of(script.terms, clauses)),
            answers(text_of(assertions).replace("(check-sat)", "")),
        )
        if "unknown" in said:
            told["unknown"] += 1
            continue
        assert said[0] == said[1], assertions
        told[said[0]] += 1
    assert told["sat"] >= 60, told
    assert told["unsat"] >= 30, told
    assert told["unknown"] <= 60, told


def test_what_has_a_model_gets_no_certificate_and_what_has_none_gets_one_that_is_accepted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(finder, "ATTEMPTS", finder.ATTEMPTS[:4])
    found = {"sat": 0, "unsat": 0}
    for seed in range(1_000, 1_040):
        formulas = Formulas(seed)
        text = text_of([formulas.formula((), 3) for _ in range(4)])
        try:
            lines = certificate(text, 60.0)
        except NotFound:
            said = answers(text.replace("(check-sat)", ""))
            assert said != "unsat", text
            found["sat"] += said == "sat"
            continue
        check(Script(text, Terms()), lines)
        assert answers(text.replace("(check-sat)", "")) == "unsat"
        found["unsat"] += 1
    assert found["sat"] >= 10, found
    assert found["unsat"] >= 5, found


GROUND = """(declare-sort S 0)
(declare-fun f (S) S)
(declare-fun g (S S) S)
(declare-fun p (S) Bool)
(declare-fun a () S)
(declare-fun b () S)
(declare-fun c () S)
(declare-fun n (Int) Int)
(declare-fun i () Int)
(declare-fun j () Int)
"""


def holds(script: Script, clause: Clause) -> bool:
    """Whether a ground clause holds always, says Z3."""
    negated: list[Clause] = [(-x,) for x in clause]
    return answers(GROUND + formula_of(script.terms, negated)) == "unsat"


def test_lemmas_of_equality_are_those_that_hold_in_every_structure() -> None:
    random = Random(7)
    script = Script(text_of([], GROUND), Terms())
    level = [script.apply(name, ()) for name in "abc"]
    level += [script.apply("f", (t,)) for t in level] + [
        script.apply("g", two) for two in product(level[:2], repeat=2)
    ]
    atoms = [script.apply("=", (x, y)) for x in level for y in level if x < y]
    atoms += [script.apply("p", (t,)) for t in level] + [script.terms.true, script.terms.false]
    valid = 0
    for _ in range(600):
        clause = tuple(random.choice((1, -1, -1)) * random.choice(atoms) for _ in range(random.randint(1, 6)))
        accepted = script.terms.by_equality(clause)
        assert accepted == holds(script, clause), clause
        valid += accepted
    assert valid >= 60, valid


def test_lemmas_of_arithmetic_hold_of_integers() -> None:
    random = Random(11)
    script = Script(text_of([], GROUND), Terms())
    level = [script.apply(name, ()) for name in ("i", "j", "0", "1", "3")]
    level += [script.apply("-", (level[0],)), script.apply("n", (level[1],))]
    level += [script.apply(op, (x, y)) for op in ("+", "-") for x, y in product(level[:4], repeat=2)]
    atoms = [script.apply("<=", (x, y)) for x in level for y in level]
    valid = 0
    for _ in range(4_000):
        clause = tuple(random.choice((1, -1)) * random.choice(atoms) for _ in range(random.randint(1, 3)))
        if script.terms.by_arithmetic([(x,) for x in clause]):
            valid += 1
            assert holds(script, clause), clause
    assert valid >= 200, valid


def test_products_that_are_said_to_be_at_least_0_are() -> None:
    """Of a product that is accepted, no integers make all its literals false and the product as a sum negative."""
    random = Random(17)
    script = Script(text_of([], GROUND), Terms())
    i, j, two = (script.apply(name, ()) for name in ("i", "j", "2"))
    level = [i, j, two, *(script.apply(op, (i, j)) for op in ("+", "-", "*")), script.apply("-", (j,))]
    atoms = [script.apply(name, (x, y)) for name in ("<=", "=") for x in level for y in level]
    accepted, kinds = 0, {"<=": 0, "=": 0, "": 0}
    for _ in range(1_500):
        factors = tuple(
            random.choice((1, -1)) * random.choice((*atoms, *level)) for _ in range(random.randint(1, 3))
        )
        try:
            script.terms.by_arithmetic([factors])
        except CertificateRejected:
            continue
        accepted += 1
        total = script.terms.added([factors])
        for a, b in product(range(-3, 4), repeat=2):
            values = {i: a, j: b}
            if all(
                (x > 0 and script.terms.sorts([x]) == ("Int",)) or not true(script, x, values)
                for x in factors
            ):
                worth = sum(n * prod(values[t] for t in p) for p, n in total.items())
                assert worth >= 0, (factors, a, b)
        for x in factors:
            kinds[script.terms.names[abs(x)] if script.terms.names[abs(x)] in kinds else ""] += 1
    assert accepted >= 300, accepted
    assert min(kinds.values()) >= 20, kinds


def value(script: Script, term: int, values: dict[int, int]) -> int:
    """What an integer is."""
    parts = [value(script, p, values) for p in script.terms.parts[term]]
    match script.terms.names[term]:
        case "+":
            return sum(parts)
        case "*":
            return prod(parts)
        case "-":
            return parts[0] - sum(parts[1:]) if parts[1:] else -parts[0]
        case "":
            return values[term]
        case numeral:
            return int(numeral)


def true(script: Script, literal: int, values: dict[int, int]) -> bool:
    """Whether a literal of integers is true."""
    left, right = (value(script, p, values) for p in script.terms.parts[abs(literal)])
    holds = left <= right if script.terms.names[abs(literal)] == "<=" else left == right
    return holds is (literal > 0)


PRODUCTS = {
    "a square that is negative": ("t i\nt * 1 1\nt 0\nt <= 3 2\n", "l 4", "does not hold"),
    "an inequality times an unknown": ("t i\nt j\nt <= 1 2\n", "l 3*1", "a product of integers"),
    "an inequality times a negative number": (
        "t i\nt 2\nt - 2\nt <= 1 2\n",
        "l 4*3",
        "a product of integers",
    ),
    "a product of unknowns alone": ("t i\nt 2\n", "l 1*2", "a product of integers"),
    "an integer that is negated": ("t i\nt j\nt = 1 2\n", "l -3*-1", "a product of integers"),
    "an equality that is to be false": ("t i\nt j\nt = 1 2\n", "l 3*1", "a product of integers"),
    "an equality of another sort": ("t a\nt b\nt = 1 2\n", "l -3", "a product of integers"),
    "an equality times what is no integer": ("t i\nt j\nt a\nt = 1 2\n", "l -4*3", "a product of integers"),
    "a proposition": ("t a\nt p 1\n", "l 2", "a product of integers"),
    "a wrong coefficient": (
        "t i\nt j\nt 2\nt * 1 3\nt <= 4 2\nt <= 1 2\nt <= 3 1\n",
        "l -5 6*3 -7",
        "does not hold",
    ),
    "what only strict inequalities give": ("t i\nt j\nt <= 1 2\nt <= 2 1\n", "l -3 -4", "does not hold"),
    "no factor": ("t i\nt <= 1 1\n", "l 2*", "there is no  so far"),
    "a factor that does not exist": ("t i\nt <= 1 1\n", "l 2*9", "there is no 9 so far"),
    "nothing": ("", "l", "does not hold"),
}


@pytest.mark.parametrize("kind", PRODUCTS)
def test_a_lemma_of_arithmetic_that_does_not_hold_is_refused(kind: str) -> None:
    before, line, why = PRODUCTS[kind]
    number = before.count("\n") + 1
    with pytest.raises(CertificateRejected, match=rf"^line {number}: .*{why}"):
        check(Script(text_of([], GROUND), Terms()), f"{before}{line}\n")


def test_a_sum_that_grows_without_end_is_refused() -> None:
    doubled = "t i\n" + "".join(f"t + {n} {n}\n" for n in range(1, 60)) + "t <= 60 1\n"
    squared = "t 2\n" + "".join(f"t * {n} {n}\n" for n in range(1, 60)) + "t <= 60 1\n"
    script = Script(text_of([], GROUND), Terms())
    for lines in (doubled, squared):
        with pytest.raises(CertificateRejected, match=r"^line 62: a sum is too large$"):
            check(script, f"{lines}l 61\n")


def test_products_of_unknowns_are_compared() -> None:
    """If i is 0 or more and j at most k, i times j is at most k times i: the product of two inequalities."""
    head = "".join(f"(declare-fun {name} () Int)\n" for name in "ijk")
    text = text_of(["(<= 0 i)", "(<= j k)", "(< (* k i) (* i j))"], head)
    lines = certificate(text, 10.0)
    check(Script(text, Terms()), lines)
    assert "*-" in lines, lines
    text = text_of(["(= i (+ j 1))", "(not (= (* i k) (+ (* k j) k)))"], head)
    check(Script(text, Terms()), certificate(text, 10.0))
    with pytest.raises(NotFound):
        certificate(text_of(["(<= 0 i)", "(<= j k)", "(< (* k i) (* i (+ j 1)))"], head), 0.5)


def test_two_integers_are_equal_if_each_is_at_most_the_other() -> None:
    script = Script(text_of([], GROUND), Terms())
    with pytest.raises(CertificateRejected, match=r"^line 3: the line does not hold, or is not understood$"):
        check(script, "t a\nt = 1 1\no 2\n")
    with pytest.raises(CertificateRejected, match=r"^line 4: the line does not hold, or is not understood$"):
        check(script, "t i\nt j\nt <= 1 2\no 3\n")


def test_clauses_that_follow_by_propagation_follow() -> None:
    random = Random(13)
    accepted = 0
    for _ in range(20_000):
        given = [
            tuple(random.choice((1, -1)) * random.randint(1, 4) for _ in range(random.randint(1, 3)))
            for _ in range(random.randint(1, 3))
        ]
        clause = tuple(random.choice((1, -1)) * random.randint(1, 4) for _ in range(random.randint(0, 2)))
        if not propagates(clause, given):
            continue
        accepted += 1
        for values in product((1, -1), repeat=4):
            true = {value * (place + 1) for place, value in enumerate(values)}
            if all(true & set(c) for c in given):
                assert true & set(clause), (given, clause)
    assert accepted >= 100, accepted


NOT_PROOFS = {
    "a quantifier under a disjunction": (
        ["(or b (forall ((x S)) (p x)))", "(not (p c))"],
        "t c\nt p 1\ni 1.1 1\ni 2.1\nu : 1 2\n",
    ),
    "a witness of another value": (
        ["(forall ((x S)) (exists ((y S)) (r x y)))", "(not (r c c))"],
        "t c\nt r 1 1\ni 1.1 1\ni 2.1\nu : 1 2\n",
    ),
    "a witness that is shared": (
        ["(exists ((x S)) (p x))", "(exists ((x S)) (not (p x)))"],
        "t @1.1\nt @2.1\ni 1.1\ni 2.1\nu : 1 2\n",
    ),
}


@pytest.mark.parametrize("kind", NOT_PROOFS)
def test_what_does_not_follow_is_refused(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assertions, lines = NOT_PROOFS[kind]
    text = text_of(assertions)
    assert answers(text.replace("(check-sat)", "")) == "sat"
    with pytest.raises(CertificateRejected, match=r"^line 5: the line does not hold, or is not understood$"):
        check(Script(text, Terms()), lines)
    monkeypatch.setattr(finder, "ATTEMPTS", finder.ATTEMPTS[:4])
    with pytest.raises(NotFound):
        certificate(text, 60.0)


def test_integers_go_together_with_functions() -> None:
    head = "(declare-fun g (Int) Int)\n(declare-fun i () Int)\n(declare-fun j () Int)\n"
    text = text_of(["(< i (+ j 1))", "(not (< i j))", "(distinct (g i) (g j))"], head)
    lines = certificate(text, 10.0)
    check(Script(text, Terms()), lines)
    assert {line[0] for line in lines.splitlines()} == {"t", "i", "l", "o", "e", "u"}


NUMBERS = "".join(f"(declare-fun {name} () Int)\n" for name in "ijk")
LINE_O = "t i\nt j\nt k\n"


@pytest.mark.parametrize(
    ("lines", "clause"),
    [
        (["t = 1 2", "o 4"], "(or (= i j) (not (<= i j)) (not (<= j i)))"),
        (["t div 1 2", "t <= 3 4", "o 5"], "(or (<= k (div i j)) (<= j 0) (not (<= (* k j) i)))"),
        (["t div 1 2", "t <= 3 4", "o -5"], "(or (not (<= k (div i j))) (<= j 0) (<= (* k j) i))"),
        (
            ["t div 1 2", "t <= 4 4", "o -5"],
            "(or (not (<= (div i j) (div i j))) (<= j 0) (<= (* (div i j) j) i))",
        ),
    ],
)
def test_what_is_said_of_integers_holds(lines: list[str], clause: str) -> None:
    """Denied, it contradicts the clause that the line states, and no model of integers denies the clause."""
    text = text_of([f"(not {clause})"], NUMBERS)
    script = Script(text, Terms())
    hints = " ".join(map(str, range(1, 5)))
    check(script, LINE_O + "\n".join(lines) + f"\ni 1.1\ni 1.2\ni 1.3\nu : {hints[2:]} 1\n")
    assert answers(text.replace("(check-sat)", "")) == "unsat"


@pytest.mark.parametrize(
    "lines",
    [
        ["t = 1 2", "o -4"],
        ["t mod 1 2", "t <= 3 4", "o 5"],
        ["t div 1 2 3", "t <= 3 4", "o 5"],
        ["t div 1 2", "t <= 4 3", "o 5"],
        ["t div 1 2", "t = 4 3", "t not 5", "o 6"],
        ["t true", "t = 4 4", "o 5"],
        ["t div 1 2", "o 4"],
    ],
)
def test_nothing_else_is_said_of_integers(lines: list[str]) -> None:
    with pytest.raises(CertificateRejected, match=rf"^line {len(lines) + 3}: the line does not hold"):
        check(Script(text_of(["(= i i)"], NUMBERS), Terms()), LINE_O + "\n".join(lines) + "\n")


def test_quotients_are_what_they_are() -> None:
    """Rounded down, with a remainder that is less than what they are by; not so if that may be negative."""
    between = "(and (<= (* j (div i j)) i) (< i (* j (+ (div i j) 1))))"
    lines = certificate(text_of(["(<= 1 j)", f"(not {between})"], NUMBERS), 20.0)
    check(Script(text_of(["(<= 1 j)", f"(not {between})"], NUMBERS), Terms()), lines)
    with pytest.raises(CertificateRejected):
        check(Script(text_of(["(<= (- 9) j)", f"(not {between})"], NUMBERS), Terms()), lines)


def test_integers_that_are_equal_by_congruence_are_equal_in_sums() -> None:
    head = """(declare-sort S 0)
(declare-fun g (S) Int)
(declare-fun c () S)
(declare-fun d () S)
(declare-fun i () Int)
"""
    text = text_of(["(= c d)", "(<= (+ i (g c)) 3)", "(< 3 (+ (g d) i))"], head)
    lines = certificate(text, 10.0)
    check(Script(text, Terms()), lines)
    assert {line[0] for line in lines.splitlines()} == {"t", "i", "l", "e", "u"}


def test_a_witness_of_a_variable_of_a_quantifier_inside_is_found() -> None:
    inner = "(forall ((x S)) (or (p x) (forall ((y S)) (exists ((z S)) (and (r y z) (r x z))))))"
    text = text_of([inner, "(not (p c))", "(forall ((z S)) (not (r d z)))"])
    script = Script(text, Terms())
    nodes, sources = flattened(script)
    assert instances(script, nodes, sources, Z3Run(200_000, live=True))
    check(Script(text, Terms()), certificate(text, 10.0))


def test_no_sort_is_empty() -> None:
    text = text_of(
        ["(forall ((x S)) (p x))", "(forall ((x S)) (not (p x)))"],
        "(declare-sort S 0)\n(declare-fun p (S) Bool)\n",
    )
    assert certificate(text, 10.0) == "t @0.S\ni 1.1 1\ni 2.1 1\nu : 1 2\n"
