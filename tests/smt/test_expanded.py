"""Quantifiers written out over few elements say what they said: Z3, which is told the sizes in words, agrees."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from random import Random

import pytest
import z3

from ratified.smt import expanded
from ratified.smt.expanded import Interpretations, Unsaid, solved
from tests.smt.certificate.test_soundness import HEAD, Formulas, text_of

SYMBOLS = {"p": ("S",), "r": ("S", "S"), "f": ("S",), "c": (), "d": (), "b": ()}


def with_sizes(text: str, size: int) -> z3.Solver:
    names = [f"S!{i}" for i in range(size)]
    declared = "".join(f"(declare-fun {n} () S)" for n in names)
    only = f"(assert (forall ((x S)) (or false {' '.join(f'(= x {n})' for n in names)})))"
    apart = f"(assert (distinct {' '.join(names)}))" if size > 1 else ""
    solver = z3.Solver()
    solver.from_string(
        f"{text.replace('(assert', declared + '(assert', 1).replace('(check-sat)', '')}{only}{apart}"
    )
    return solver


def structure(tables: Interpretations, size: int) -> str:
    """A structure as assertions."""
    lines = []
    for symbol, sorts in SYMBOLS.items():
        for key in product(range(size), repeat=len(sorts)):
            value = tables.get(symbol, {}).get(key, 0)
            applied = f"({symbol} {' '.join(f'S!{k}' for k in key)})" if key else symbol
            means = ("false", "true")[value] if symbol in "prb" else f"S!{value}"
            lines.append(f"(assert (= {applied} {means}))")
    return "".join(lines)


def agreed(text: str, size: int) -> str:
    """What is found for a script at a size, after Z3 has agreed."""
    found = solved(text, {"S": size}, -1)
    assert found is not None
    assert found is not True
    if found is False:
        assert with_sizes(text, size).check() == z3.unsat, text
        return "unsat"
    solver = with_sizes(text + structure(found, size), size)
    assert solver.check() == z3.sat, (text, found)
    return "sat"


def test_at_each_size_there_is_a_model_exactly_if_z3_says_so() -> None:
    told = {"sat": 0, "unsat": 0}
    for seed in range(150):
        formulas = Formulas(seed)
        text = text_of([formulas.formula((), 3) for _ in range(3 + seed % 3)])
        for size in (1, 2, 3):
            told[agreed(text, size)] += 1
    assert min(told.values()) >= 90, told


def test_elements_that_are_named_are_not_taken_for_one_another() -> None:
    """Of constants only the first may be any element: not if other elements have names."""
    random = Random(3)
    head = f"{HEAD}(declare-fun S!0 () S)\n(declare-fun S!1 () S)\n"
    told = {"sat": 0, "unsat": 0}
    for _ in range(60):
        atoms = ["(p c)", "(p d)", "(= c d)", "(p S!0)", "(p S!1)", "(= c S!1)", "(= (f S!1) d)"]
        chosen = [a if random.random() < 0.5 else f"(not {a})" for a in random.sample(atoms, 5)]
        text = text_of([*chosen, "(forall ((x S)) (= (p x) (p (f x))))"], head)
        found = solved(text, {"S": 2}, -1)
        plain = text_of([*chosen, "(forall ((x S)) (= (p x) (p (f x))))"])
        assert (found is not False) == (with_sizes(plain, 2).check() == z3.sat), text
        told["unsat" if found is False else "sat"] += 1
    assert min(told.values()) >= 10, told


def pigeons(size: int) -> tuple[str, Mapping[str, int]]:
    head = "(declare-sort P 0)\n(declare-sort H 0)\n(declare-fun in (P) H)\n"
    apart = "(forall ((x P) (y P)) (or (= x y) (not (= (in x) (in y)))))"
    return text_of([apart], head), {"P": size + 1, "H": size}


def test_what_takes_too_long_is_not_known() -> None:
    text, sizes = pigeons(8)
    assert solved(text, sizes, 10) is None
    text, sizes = pigeons(3)
    assert solved(text, sizes, -1) is False
    found = solved(text, {"P": 3, "H": 3}, -1)
    assert isinstance(found, Mapping)
    assert sorted(found["in"].values()) == [0, 1, 2]


@pytest.mark.parametrize(
    "formula", ["(<= n 1)", "(= n 0)", "(forall ((x Int)) (= x n))", "(exists ((x Int)) (q x))"]
)
def test_integers_are_refused(formula: str) -> None:
    head = "(declare-fun n () Int)\n(declare-fun q (Int) Bool)\n"
    with pytest.raises(Unsaid, match=r"^integers$"):
        solved(text_of([formula], head), {}, -1)


def test_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expanded, "ROOM", 5_000)
    variables = " ".join(f"(x{i} S)" for i in range(9))
    mentioned = " ".join(f"x{i}" for i in range(9))
    head = f"(declare-sort S 0)\n(declare-fun q ({'S ' * 9}) Bool)\n"
    with pytest.raises(Unsaid, match=r"^there is too much to be written out$"):
        solved(text_of([f"(forall ({variables}) (q {mentioned}))"], head), {"S": 3}, -1)
