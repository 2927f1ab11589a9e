"""Quorums that are defined by thresholds: protocols are proved for all sizes; what is known of sizes is true, and tight."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from ratified.cli import main as cli
from ratified.cli.loading import load
from ratified.language.types import BoolType
from ratified.results.result import Verdict
from ratified.smt.first_order.shapes import Atom, Members, Shape
from ratified.smt.first_order.sizes import Sized, laws
from ratified.smt.proving import prove
from ratified.smt.result import Status
from ratified.smt.structure import Structure
from ratified.smt.terms import (
    BOOL,
    INT,
    TRUE,
    Apply,
    Arithmetic,
    Number,
    Symbol,
    Term,
    conj,
    constant,
    equal,
    every,
    fresh,
    implies,
    rebuilt,
    some,
)
from tests.generate.engines import held_to_cpython, load_script
from tests.generate.planting import Kind, planted
from tests.generate.thresholds import threshold_model

PUBLISHED = Path("examples/published")
SCRIPTS = {
    "reliable_broadcast.py:BroadcastSafety": 11,
    "strict_quorums.py:QuorumSafety": 25,
    "bully_election.py:ElectionSafety": 9,
    "chain_replication.py:ChainSafety": 7,
    "abd_register.py:RegisterSafety": 13,
    "atomic_commit.py:CommitSafety": 45,
    "in_sync_replicas.py:ReplicaSafety": 24,
    "redlock.py:LockSafety": 6,
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_published_protocol_is_proved_for_every_size(script: str) -> None:
    proof = prove(load(f"{PUBLISHED}/{script}"))
    assert proof.verdict is Verdict.HOLDS
    assert len(proof.of(Status.PROVED)) == SCRIPTS[script]
    assert proof.held is not None
    assert all("at larger sizes" in note or "leads-to" in note for note in proof.notes)


def test_one_less_is_not_enough(tmp_path: Path) -> None:
    text = (PUBLISHED / "strict_quorums.py").read_text()
    assert "self.w + self.r > len(Node)" in text
    broken = tmp_path / "one_less.py"
    broken.write_text(text.replace("self.w + self.r > len(Node)", "self.w + self.r >= len(Node)"))
    proof = prove(load(f"{broken}:QuorumSafety"))
    assert proof.verdict is Verdict.VIOLATED
    (failed,) = proof.of(Status.FAILED)
    assert failed.name == "reads_are_fresh (goal)"
    assert failed.counterexample is not None
    assert (failed.counterexample.sizes, failed.counterexample.confirmed) == ({"Node": 2, "Version": 2}, True)
    assert failed.counterexample.parameters == {"w": 1, "r": 1}


# --- the laws --------------------------------------------------------------------------------------------------------------

HAS, SIZE = Symbol("has", ("set", "thing"), BOOL), Symbol("size", ("set",), INT)


def _members(has: Callable[[Term], Term]) -> Members:
    def over(universal: bool) -> Callable[[Callable[[Shape], Term]], Term]:
        def quantify(f: Callable[[Shape], Term]) -> Term:
            x = fresh("x", "thing")
            if universal:
                return every([x], implies(has(x), f(Atom(x))))
            return some([x], conj(has(x), f(Atom(x))))

        return quantify

    def inside(x: Shape) -> Term:
        assert isinstance(x, Atom)
        return has(x.term)

    return Members(BoolType(), inside, over(True), over(False))


SETS = Sized(
    "set",
    lambda s: _members(lambda x: Apply(HAS, (s, x))),
    lambda s: Apply(SIZE, (s,)),
    (_members(lambda _: TRUE), constant("whole", INT)),
    lambda x, y: equal(x.term, y.term) if isinstance(x, Atom) and isinstance(y, Atom) else TRUE,
)
LAWS = {law.says: law.formula for law in laws(SETS)}


def _all_sets(things: int) -> Structure:
    sets = [set(c) for k in range(things + 1) for c in itertools.combinations(range(things), k)]
    tables: dict[str, dict[tuple[int, ...], int]] = {
        "has": {(i, x): int(x in s) for i, s in enumerate(sets) for x in range(things)},
        "size": {(i,): len(s) for i, s in enumerate(sets)},
        "whole": {(): things},
    }
    return Structure({"set": len(sets), "thing": things}, tables)


def _weaker(term: Term) -> Term:
    """With one element less that is enough."""
    if isinstance(term, Arithmetic) and term.op in ("<", "<="):
        return Arithmetic(term.op, (term.operands[0], Arithmetic("+", (term.operands[1], Number(1)))))
    return rebuilt(term, _weaker)


@pytest.mark.parametrize("says", LAWS)
def test_a_law_is_true_of_all_sets_and_not_with_one_element_less(says: str) -> None:
    structures = [_all_sets(things) for things in range(1, 4)]
    assert all(s.holds(LAWS[says]) for s in structures)
    assert not all(s.holds(_weaker(LAWS[says])) for s in structures)


LOGIC = "ratified.smt.first_order"
FAULTS = (
    Kind("<", f"{LOGIC}.sizes", "less(_sum(fewer), _sum(more))", "at_most(_sum(fewer), _sum(more))"),
    Kind("the whole", f"{LOGIC}.sizes", "[many] * abs(inside - 1)", "[many] * (inside > 1)"),
    Kind("parts", f"{LOGIC}.sizes", "disj(one.some(other.has), *beyond)", "disj(*beyond)"),
    Kind("two", f"{LOGIC}.sizes", "plus(sets.size(t), Number(1))", "sets.size(t)"),
    Kind("as many", f"{LOGIC}.sizes", "conj(at_most(sets.size(s), sets.size(t)), more)", "more"),
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.says)
def test_a_fault_in_a_law_is_noticed_before_anything_is_proved(fault: Kind, tmp_path: Path) -> None:
    script = load_script(threshold_model(0), tmp_path)
    with planted(fault):
        assert "what is taken as given does not hold" in held_to_cpython(script)
    assert held_to_cpython(script) == ""


# --- what can be stated ----------------------------------------------------------------------------------------------------

MODELS = '''
from __future__ import annotations
from typing import Annotated
from ratified import Map, Model, Ordered, Range, Set, Sort, action, invariant, lemma, majorities, require


class Node(Sort):
    """A node."""


class Fine(Model):
    """Is said for every size."""

    seen: Set[Node]

    @action
    def see(self, n: Node) -> None:
        self.seen.add(n)

    @invariant
    def few(self) -> bool:
        return 3 * len(self.seen) <= 3 * len(Node)


class Ordering(Fine):
    """Depends on the order of quorums, twice."""

    last: Node

    def init(self, n: Node) -> None:
        self.last = n

    def some(self) -> Node:
        found = self.last
        for q in majorities(Node):
            for n in q:
                found = n if found in q else found
        return found

    @action
    def pick(self) -> None:
        self.last = self.some()

    @invariant
    def same(self) -> bool:
        found = self.last
        for q in majorities(Node):
            found = self.last if found in q else found
            for n in q:
                found = n if found in q else found
        return found == self.last
'''


def test_all_that_cannot_be_stated_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.py").write_text(MODELS)
    monkeypatch.chdir(tmp_path)
    assert cli.run(["prove", "own.py:Ordering"]) == 2
    assert (
        capsys.readouterr().err
        == """\
Error: 2 things in Ordering cannot be proved for every size
  own.py:35:13: a loop whose turns depend on each other
    let each turn set, add, take or count the same whatever it finds
  own.py:47:13: a loop whose turns depend on each other
    let each turn set, add, take or count the same whatever it finds
"""
    )


BAGS = '''
from __future__ import annotations
from ratified import Bag, Map, Model, Sort, action, lemma, require


class Node(Sort):
    """A node."""


class Flips(Model):
    """Is bad where two are up."""

    up: Map[Node, bool]
    bad: bool

    @action
    def see(self) -> None:
        require(Bag(self.up[n] for n in Node).count(True) > 1)
        self.bad = True

    @lemma
    def never(self) -> bool:
        return not self.bad
'''


def test_what_is_counted_in_a_bag_has_a_counterexample(tmp_path: Path) -> None:
    (tmp_path / "flips.py").write_text(BAGS)
    proof = prove(load(f"{tmp_path}/flips.py:Flips"))
    (failed,) = proof.of(Status.FAILED)
    assert failed.name == "never / see"
    assert failed.counterexample is not None
    assert (failed.counterexample.sizes, failed.counterexample.confirmed) == ({"Node": 2}, True)
    assert failed.counterexample.before is not None
    assert [*failed.counterexample.before["up"].values()] == [True, True]  # type: ignore[attr-defined]  # a map
