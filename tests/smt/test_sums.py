"""Sums over all values of a sort: what a step does to them is seen at every size, held to CPython, and broken."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest

from ratified import Model, PartialMap, Range, Set, action, lemma, require
from ratified.results.result import Verdict
from ratified.smt.first_order.obligations import Translation
from ratified.smt.proving import prove
from ratified.smt.result import Status
from ratified.smt.script import script_of
from ratified.smt.validation.validate import TranslationFault, validate
from tests.generate.engines import load_script
from tests.generate.models import GeneratedModel
from tests.generate.planting import Kind, planted
from tests.shared.sorts import Node, Round

BANK = '''
from __future__ import annotations
from typing import Annotated, ClassVar
from ratified import Map, Model, Range, Set, Symmetric, action, lemma, require

Amount = Annotated[int, Range(0, 4)]


class Account(Symmetric):
    """Holds money."""


class Bank(Model):
    """Accounts that are opened, closed, charged, and between which money is moved."""

    balance: Map[Account, Amount]
    owed: Map[Account, Amount]
    open_: Set[Account]
    taken: Annotated[int, Range(0, "4 * len(Account)")]

    def init(self, a: Account) -> None:
        self.balance = Map({b: 2 for b in Account})
        self.open_ = Set([a])

    @action
    def move(self, a: Account, b: Account, k: Annotated[int, Range(1, 2)]) -> None:
        require(a in self.open_ and b in self.open_ and a != b)
        require(self.balance[a] >= k and self.balance[b] + k <= 4)
        self.balance[a] -= k
        self.balance[b] += k

    @action
    def change(self, a: Account) -> None:
        require(self.balance[a] == 2)
        if a in self.open_:
            self.open_.remove(a)
        else:
            self.open_.add(a)

    @action
    def charge(self, a: Account) -> None:
        require(self.balance[a] >= 1 and self.taken + 1 <= 4 * len(Account))
        self.balance[a] -= 1
        self.taken += 1

    @action
    def lend(self) -> None:
        require(all(self.owed[a] == 0 for a in Account))
        self.owed = Map({a: self.balance[a] for a in Account})


class Conserved(Bank):
    """What all have, and what was taken, is what there was."""

    @lemma(uses=())
    def nothing_is_lost(self) -> bool:
        return sum(self.balance[a] for a in Account) + self.taken == 2 * len(Account)

    @lemma(uses=())
    def both_parts_are_the_whole(self) -> bool:
        shut = sum(self.balance[a] for a in Account if a not in self.open_)
        return sum(self.balance[a] for a in self.open_) + shut == sum(self.balance[a] for a in Account)

    @lemma(follows=())
    def a_choice_is_of_both(self) -> bool:
        mixed = sum(self.balance[a] if a in self.open_ else self.owed[a] for a in Account)
        shut = sum(self.owed[a] for a in Account if a not in self.open_)
        return mixed == sum(self.balance[a] for a in self.open_) + shut

    @lemma(follows=())
    def a_part_is_no_more(self, a: Account) -> bool:
        return self.balance[a] <= sum(self.balance[b] for b in Account)

    @lemma(uses=())
    def twice_is_twice(self) -> bool:
        twice = sum(2 * self.balance[a] - 1 for a in Account)
        return twice == 2 * sum(self.balance[a] for a in Account) - len(Account)

    @lemma(uses=())
    def more_comes_to_more(self) -> bool:
        return sum(self.balance[a] + self.owed[a] for a in Account) >= sum(self.balance[a] for a in Account)

    @lemma(uses=())
    def no_more_than_as_often_the_most(self) -> bool:
        most = Set({b for b in Account if all(self.owed[a] <= self.owed[b] for a in Account)})
        return all(sum(self.owed[a] for a in Account) <= self.owed[b] * len(Account) for b in most)


class Lost(Bank):
    """One action loses something."""

    @lemma(uses=())
    def nothing_is_lost(self) -> bool:
        return sum(self.balance[a] for a in Account) + self.taken == 2 * len(Account)

    @action
    def charge(self, a: Account) -> None:
        require(self.balance[a] >= 1)
        self.balance[a] -= 1
'''


LEDGER = '''
from __future__ import annotations
from typing import Annotated
from ratified import Map, Model, Ordered, Range, Set, Sort, action, lemma, require

Amount = Annotated[int, Range(0, 3)]


class Account(Sort):
    """Pays others."""


class Day(Ordered):
    """When."""


class Ledger(Model):
    """Who has paid whom how much on which day, and on how many days somebody did."""

    paid: Map[tuple[Day, Account, Account], Amount]
    received: Map[tuple[Day, Account], Amount]
    days: Set[Day]

    def init(self) -> None:
        self.paid = Map({(d, a, b): 0 for b in Account for d in Day for a in Account})
        self.received = Map({(d, a): 0 for d in Day for a in Account})

    @action
    def forgive(self, d: Day) -> None:
        self.paid = Map({(e, a, b): 0 if d == e else self.paid[e, a, b] for e in Day for a in Account for b in Account})
        self.received = Map({(e, a): 0 if d == e else self.received[e, a] for a in Account for e in Day})

    @action
    def pay(self, d: Day, a: Account, b: Account) -> None:
        require(a != b and self.paid[d, a, b] < 3 and self.received[d, b] < 3)
        self.paid[d, a, b] += 1
        self.received[d, b] += 1
        self.days.add(d)

    @action
    def close(self, d: Day) -> None:
        require(d in self.days and len(self.days) > 1)
        self.days.remove(d)


class Balanced(Ledger):
    """Sums over pairs, of parameters, of what a greatest decides; and sizes of sets."""

    @lemma(uses=())
    def all_that_is_paid_is_received(self, d: Day) -> bool:
        paid = sum(self.paid[d, a, b] for a in Account for b in Account)
        return paid == sum(self.received[d, b] for b in Account)

    @lemma(follows=())
    def two_are_picked(self, d: Day, a: Account, b: Account) -> bool:
        two = sum(self.received[d, c] for c in Account if c == a or c == b)
        return two == self.received[d, a] + (self.received[d, b] if a != b else 0)

    @lemma(follows=())
    def of_the_last_day(self, a: Account) -> bool:
        return len(self.days) == 0 or (
            sum(self.received[max(self.days), a] for b in Account)
            == len(Account) * self.received[max(self.days), a]
        )

    @lemma(follows=())
    def one_day_more(self, d: Day) -> bool:
        more, less = self.days | Set([d]), Set({x for x in self.days if x != d})
        return len(more) == len(less) + 1 and len(less) == len(self.days) - (1 if d in self.days else 0)

    @lemma(follows=())
    def equals_add_up_to_equals(self, d: Day, e: Day) -> bool:
        same = all(self.received[d, a] == self.received[e, a] for a in Account)
        return not same or sum(self.received[d, a] for a in Account) == sum(
            self.received[e, a] for a in Account
        )


class Mistaken(Ledger):
    """What is paid on one day is not what is on another, nor are two always two."""

    @lemma(follows=())
    def days_are_alike(self, d: Day, e: Day) -> bool:
        paid = sum(self.received[d, a] for a in Account)
        return paid == sum(self.received[e, a] for a in Account)

    @lemma(follows=())
    def always_two(self, d: Day, a: Account, b: Account) -> bool:
        two = sum(self.received[d, c] for c in Account if c == a or c == b)
        return two == self.received[d, a] + self.received[d, b]
'''

LINEAR = "ratified.smt.first_order.linear"
TOTALS = "ratified.smt.first_order.totals"
FAULTS = (
    Kind("what changes", LINEAR, "minus(self.at(term, one), self.at(otherwise, one))", "self.at(term, one)"),
    Kind(
        "minus",
        LINEAR,
        "return minus(self.total(left), self.total(right))",
        "return plus(self.total(left), self.total(right))",
    ),
    Kind("factor", LINEAR, "return times(factor, self.total(rest))", "return self.total(rest)"),
    Kind("in common", LINEAR, "found = _signed(found, sign, self.where(neg(test), part))", "found = found"),
    Kind("constant", LINEAR, "return times(term, self.counted(TRUE))", "return term"),
    Kind("where", TOTALS, "only_if(inside, number(here))", "number(here)"),
    Kind("sign", TOTALS, "zero = every([place], low(Number(0), term))", "zero = TRUE"),
    Kind(
        "mean", TOTALS, "implies(first, low(times(theirs, size), total))", "low(times(theirs, size), total)"
    ),
    Kind(
        "compared", TOTALS, "less = implies(every([place], at_most(term, another)),", "less = implies(TRUE,"
    ),
)


class Wallets(Model):
    """What some nodes have, as a dict, and what all of it comes to."""

    has: PartialMap[Node, Annotated[int, Range(0, 3)]]
    total: Annotated[int, Range(0, 9)]

    @action
    def put(self, n: Node, k: Annotated[int, Range(0, 3)]) -> None:
        require(0 <= self.total + k - self.has.get(n, 0) <= 9)
        self.total += k - self.has.get(n, 0)
        self.has[n] = k

    @action
    def close(self, n: Node) -> None:
        require(n in self.has and self.has[n] <= self.total)
        self.total -= self.has[n]
        del self.has[n]

    @lemma
    def total_is_of_all_values(self) -> bool:
        return self.total == sum(self.has.values())


class Votes(Model):
    """Rounds in which some nodes are; what lies behind is forgotten."""

    at: PartialMap[Node, Round]
    least: Round

    @action
    def join(self, n: Node, r: Round) -> None:
        require(r >= self.least)
        self.at[n] = r

    @action
    def forget(self, r: Round) -> None:
        for n in Set(self.at.keys()):
            if self.at[n] < r:
                self.at.pop(n)
        self.least = r

    @lemma
    def none_is_behind(self) -> bool:
        return all(self.least <= r for _, r in self.at.items())


class OneTooFew(Votes):
    """Some of what lies behind stays."""

    @action
    def forget(self, r: Round) -> None:
        for n in Set(self.at.keys()):
            if self.at[n] < self.least:
                self.at.pop(n)
        self.least = r


def test_what_a_partial_map_has_is_looked_at_key_by_key() -> None:
    assert prove(Wallets).verdict is prove(Votes).verdict is Verdict.HOLDS
    failed = prove(OneTooFew).of(Status.FAILED)
    assert [cell.name for cell in failed] == ["none_is_behind / forget"]


def script(folder: Path, name: str, text: str = BANK) -> type[Model]:
    return load_script(GeneratedModel(text, name, {}), folder)


def test_sums_are_followed_at_every_size(tmp_path: Path) -> None:
    proof = prove(script(tmp_path, "Conserved"))
    assert proof.verdict is Verdict.HOLDS
    assert len(proof.of(Status.PROVED)) == 30


def test_pairs_parameters_and_sizes(tmp_path: Path) -> None:
    proof = prove(script(tmp_path, "Balanced", LEDGER))
    assert proof.verdict is Verdict.HOLDS
    assert len(proof.of(Status.PROVED)) == 10


def test_what_is_not_so_is_refuted(tmp_path: Path) -> None:
    failed = prove(script(tmp_path, "Mistaken", LEDGER)).of(Status.FAILED)
    assert {cell.claim for cell in failed} == {"days_are_alike", "always_two"}
    assert all(cell.counterexample is not None for cell in failed)


def test_what_is_lost_is_found(tmp_path: Path) -> None:
    proof = prove(script(tmp_path, "Lost"), goals=["nothing_is_lost"])
    failed = proof.of(Status.FAILED)
    assert [cell.name for cell in failed] == ["nothing_is_lost / charge"]
    assert failed[0].counterexample is not None
    assert failed[0].counterexample.confirmed


def disagreement(cls: type[Model]) -> str:
    """What holding the formulas to CPython finds wrong."""
    translation = Translation(script_of(cls))
    try:
        validate(cls, translation, translation.obligations())
    except TranslationFault as fault:
        return fault.message
    return ""


CAPTURED = Kind(
    "what is bound in one sum is the place of another",
    TOTALS,
    "for b in _in_order(free(other.total))",
    "for b in ()",
)


def test_names_of_one_sum_are_kept_from_another(tmp_path: Path) -> None:
    balanced = script(tmp_path, "Balanced", LEDGER)
    with planted(CAPTURED):
        assert disagreement(balanced)
    assert disagreement(balanced) == ""


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.says)
def test_a_fault_is_noticed_before_anything_is_proved(fault: Kind, tmp_path: Path) -> None:
    conserved = script(tmp_path, "Conserved")  # of which the test of its proof shows that nothing disagrees
    with planted(fault):
        assert disagreement(conserved)
