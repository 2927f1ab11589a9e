"""Numbers near and past 64 bits: the native engine is exact or refuses, and `auto` is always exact."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import pytest

from ratified.explore import check, engines
from ratified.explore.native.codegen.shapes import Unsupported
from ratified.explore.native.engine import check_native
from ratified.explore.reference import check_reference
from ratified.language import (
    AtMost,
    Bag,
    Map,
    Model,
    Param,
    Range,
    RatifiedError,
    action,
    invariant,
    record,
    require,
)
from ratified.results.result import Limits, Result, Verdict
from tests.explore.native.differential import outcome, told
from tests.explore.native.wide import wide_model
from tests.shared.sorts import Node

LEAST, MOST = -9223372036854775808, 9223372036854775807
"""The ends of what 64 bits hold."""


class Doubling(Model):
    """Grows to a number that takes 65 bits."""

    x: Annotated[int, Range(0, 18446744073709551616)] = 1

    @action
    def double(self) -> None:
        require(self.x < 18446744073709551616)
        self.x *= 2

    @invariant
    def small(self) -> bool:
        return self.x < 2 * MOST


class AllOfThem(Model):
    """A range of every number that 64 bits hold, and steps out of it."""

    x: Annotated[int, Range(LEAST, MOST)] = 1

    @action
    def double(self) -> None:
        require(self.x >= -MOST - 1)
        self.x *= -2

    @invariant
    def inside(self) -> bool:
        return abs(self.x) <= MOST + 1


class TwoSided(Model):
    """A range that is wider than its ends."""

    x: Annotated[int, Range(-9000000000000000000, 9000000000000000000)] = 9000000000000000000
    was: Annotated[int, Range(-1, 9)]

    @action
    def turn(self) -> None:
        require(self.was < 5)
        self.x = -self.x
        self.was += 1

    @invariant
    def never_negative(self) -> bool:
        return self.x > 0


class Product(Model):
    """Products past 64 bits, of numbers far below."""

    a: Annotated[int, Range(0, 1099511627776)] = 1
    b: Annotated[int, Range(0, 1099511627776)] = 1

    @action
    def grow(self) -> None:
        require(self.a < 1099511627776)
        self.a *= 2
        self.b *= 2

    @invariant
    def below(self) -> bool:
        return self.a * self.b < 1208925819614629174706176


class Total(Model):
    """Sums past 64 bits, of numbers within."""

    a: Annotated[int, Range(0, 4611686018427387904)] = 1
    of: Map[Node, bool]

    @action
    def grow(self) -> None:
        require(self.a < 4611686018427387904)
        self.a *= 2

    @action
    def join(self, n: Node) -> None:
        self.of[n] = True

    @invariant
    def not_all(self) -> bool:
        return sum(self.a for n in Node if self.of[n]) != 4 * 4611686018427387904


class Quotient(Model):
    """The one quotient of two 64-bit numbers that is none."""

    x: Annotated[int, Range(LEAST, 0)] = -1
    y: Annotated[int, Range(-3, -1)] = -1

    @action
    def grow(self) -> None:
        require(self.x > LEAST)
        self.x *= 2

    @invariant
    def small(self) -> bool:
        return self.x // self.y <= MOST


class Constants(Model):
    """Numbers in the text and parameters that 64 bits do not hold."""

    big: Param[int] = 18446744073709551619
    x: Annotated[int, Range(0, 9)]

    @action
    def grow(self) -> None:
        require(self.x < 9)
        self.x += 1

    @invariant
    def listed(self) -> bool:
        return self.x in {0, 1, 2, 3, 4, 18446744073709551621} or self.x + self.big > 18446744073709551616

    @invariant
    def no_wrap(self) -> bool:
        return self.x + self.big != self.x + 3 and max(self.x, self.big) != 3

    @invariant
    def chosen(self) -> bool:
        return (self.big if self.x > 5 else self.x) < 18446744073709551616


class Copies(Model):
    """A bag whose copies are many."""

    mail: Annotated[Bag[Node], AtMost(3, copies=2)]
    worth: Param[int] = 4611686018427387904

    @action
    def send(self, n: Node) -> None:
        self.mail.add(n)

    @invariant
    def cheap(self) -> bool:
        return sum(self.worth for m in self.mail) < 3 * 4611686018427387904


@record
class Account:
    """Who has how much."""

    owner: Node
    amount: Annotated[int, Range(0, 36893488147419103232)]


class Ledger(Model):
    """A wide number within a record."""

    last: Account | None

    @action
    def put(self, n: Node) -> None:
        require(self.last is None)
        self.last = Account(n, 1)

    @action
    def grow(self) -> None:
        last = self.last
        require(last is not None)
        assert last is not None
        require(last.amount < 36893488147419103232)
        self.last = Account(last.owner, last.amount * 2)

    @invariant
    def poor(self) -> bool:
        last = self.last
        return last is None or last.amount != 18446744073709551616


MODELS: list[Model] = [
    Doubling(),
    AllOfThem(),
    TwoSided(),
    Product(),
    Total(Node=4),
    Quotient(),
    Constants(),
    Constants(big=3),
    Copies(Node=2),
    Ledger(Node=2),
]


def native_or_refusal(model: Model) -> Result | Unsupported:
    """What the native engine says, or why it does not."""
    try:
        return check(model, engine="native")
    except Unsupported as refusal:
        return refusal


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """`auto` leaves the reference engine after the first state."""
    monkeypatch.setattr(engines, "SOON", 1)


@pytest.mark.parametrize("model", MODELS, ids=repr)
@pytest.mark.usefixtures("impatient")
def test_no_engine_is_wrong(model: Model) -> None:
    expected = told(check(model, engine="reference"))
    assert told(check(model, engine="auto")) == expected
    native = native_or_refusal(model)
    if isinstance(native, Unsupported):
        assert "64" in native.message or "too large" in native.message
        assert "reference" in (native.remedy or "")
    else:
        assert told(native) == expected


def test_a_range_past_64_bits_is_refused_with_its_place() -> None:
    with pytest.raises(
        RatifiedError, match=r"variable `x`: 18446744073709551616 is past the 64-bit"
    ) as refusal:
        check(Doubling(), engine="native")
    assert refusal.value.span is not None


@pytest.mark.usefixtures("impatient")
def test_auto_says_why_it_took_the_reference_engine() -> None:
    result = check(Doubling())
    assert (result.engine, result.verdict, result.distinct) == ("reference", Verdict.VIOLATED, 65)
    assert [n for n in result.notes if n.startswith("the native engine was not used: ")]


@pytest.mark.usefixtures("impatient")
def test_a_number_that_grows_too_large_on_the_way_is_no_error_of_the_model() -> None:
    with pytest.raises(Unsupported, match="a number is too large"):
        check(Product(), engine="native")
    result = check(Product())
    assert (result.engine, result.verdict, result.distinct) == ("reference", Verdict.VIOLATED, 41)


@pytest.mark.parametrize("first", [0, 12])
def test_generated_models_of_wide_numbers(first: int, tmp_path: Path) -> None:
    """What the native engine says is what the reference engine says, or it refuses; both come up."""
    met: Counter[str] = Counter()
    for seed in range(first, first + 12):
        model = wide_model(seed, tmp_path)
        expected = outcome(check_reference, model, limits=Limits(), symmetry=False)
        try:
            found = outcome(check_native, model, limits=Limits(), symmetry=False, flags=("-O0",))
        except Unsupported:
            met["refused"] += 1
            continue
        assert found == expected, seed
        met["exact"] += 1
    assert met["exact"] >= 3, met
    assert met["refused"] >= 1, met
