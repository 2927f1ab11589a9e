"""What has no value, or more than TLC can compute with: both sides find the same, or it is told why they cannot be compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ratified.cli.loading import load
from ratified.cli.main import run as ratified
from ratified.explore import check
from ratified.language import Model
from ratified.results.errors import EvaluationError
from ratified.results.result import Verdict
from ratified.tla import compare, export, timed
from ratified.tla.crosscheck import Agreement
from ratified.tla.tlc import TlcResult
from tests.tla.service import Service

pytestmark = pytest.mark.xdist_group("tlc")

MODELS = '''
from enum import Enum
from typing import Annotated, Self

from ratified import (
    AtMost, Bag, Map, Model, Range, Seq, Set, Sort, action, eventually, invariant, leads_to, record, refines, require,
)

Size = Annotated[int, Range(0, 3)]


class Place(Sort):
    """Where something is."""


class Shelf(Model):
    """Looks along a sequence, and never as far as its end."""

    books: Annotated[Seq[Size], AtMost(3)]
    read: Map[Place, Size]

    @action
    def add(self, size: Size) -> None:
        require(len(self.books) < 2)
        self.books.append(size)

    def stands(self, size: Size) -> bool:
        for at in range(9):
            if self.books[at] == size:
                return True
        return False

    @action
    def find(self) -> None:
        require(len(self.books) == 2 and self.books[1] == 1)
        require(any(self.books[at] == 1 for at in range(9)))
        require(self.stands(1))
        self.books.clear()

    @action
    def miss(self, place: Place) -> None:
        require(len(self.books) == 2 and self.books[0] == 2)
        require(not all(6 // size == 2 for size in self.books))
        self.read[place] = 2

    @action
    def hunt(self) -> None:
        require(len(self.books) == 2 and self.books[1] < 3)
        for at in range(9):
            require(self.books[at] == 3)

    @action
    def weigh(self) -> None:
        require(self.read[Place(0)] == 2 and any(4 // self.read[p] == 2 for p in Place))
        self.read[Place(1)] = 3


class Backwards(Model):
    """Meets what has no answer first, because it looks from the end."""

    level: Size

    @action
    def rise(self) -> None:
        require(self.level < 2)
        self.level += 1

    @invariant
    def divides(self) -> bool:
        return any(6 // (2 - k) >= self.level for k in reversed(range(3)))


class Window(Model):
    """Ranges that end before they begin."""

    log: Annotated[Seq[Size], AtMost(3)]
    seen: Size

    @action
    def write(self, size: Size) -> None:
        require(len(self.log) < 2)
        self.log.append(size)

    @action
    def cut(self, since: Size) -> None:
        self.log = Seq(self.log[k] for k in range(since, len(self.log)))
        self.seen = len(range(since, 2)) + sum(range(self.seen, since)) % 2

    @action
    def number(self, since: Size) -> None:
        total = 0
        for at, k in enumerate(range(since, self.seen)):
            total = (total * 2 + at + k) % 4
        self.seen = total

    @invariant
    def short(self) -> bool:
        return self.seen < 3


class Twins(Model):
    """Has a local name like one of its variables, and hands both from turn to turn."""

    count: Map[Place, Size]
    total: Size

    @action
    def step(self) -> None:
        total = 0
        count = 1
        for place in Place:
            if self.count[place] < 3:
                self.count[place] += count
                count = 0
                self.total = total
            total = (total + self.count[place]) % 4

    @invariant
    def low(self) -> bool:
        return self.total < 3


class Nested(Model):
    """Runs through what is made by running through something, and calls variables as the export calls positions."""

    at: Map[Place, Size]
    log: Annotated[Seq[Size], AtMost(3)]
    k: Size
    seq: Size

    @action
    def rise(self, place: Place) -> None:
        self.at[place] = (self.at[place] + 1) % 3

    @action
    def write(self) -> None:
        self.log = Seq(a for a, b in zip(range(2), [self.at[p] for p in Place]) if b < 2)
        self.k = len([1 for v in Map({p: self.at[p] for p in Place}).values() if v > 0])

    @action
    def add(self) -> None:
        least = min([self.at[p] for p in Place])
        self.seq = sum(v for _, v in Map({p: least for p in Place}).items()) % 4
        self.log = Seq(q for k in range(2) for seq in Seq([Seq([k, least])]) for q in seq if q < 2)[:3]

    @invariant
    def in_order(self) -> bool:
        return all(j <= i for i, j in enumerate([k for k in range(len(self.log)) if self.log[k] >= 0]))


class Heavy(Model):
    """Weighs more than 32 bits hold."""

    grams: Annotated[int, Range(0, 5_000_000_000)]

    @action
    def load(self) -> None:
        self.grams = 3_000_000_000


class Brim(Model):
    """Weighs as much as 32 bits hold."""

    grams: Annotated[int, Range(-(2**31), 2**31 - 1)]

    @action
    def most(self) -> None:
        self.grams = 2_147_483_647

    @action
    def least(self) -> None:
        self.grams = -2_147_483_648


class Square(Model):
    """Computes what 32 bits do not hold."""

    side: Annotated[int, Range(0, 50_000)]

    @action
    def grow(self) -> None:
        self.side = 50_000

    @invariant
    def positive(self) -> bool:
        return self.side * self.side >= 0


class Idle(Model):
    """Passes on what is not there, to what does not look at it."""

    queue: Annotated[Seq[Size], AtMost(2)]

    def head(self) -> int:
        return self.queue[0]

    def always(self, size: int) -> bool:
        return True

    @action
    def serve(self) -> None:
        require(self.always(self.head()))
        self.queue.clear()


class Unfilled(Model):
    """Fills place by place what has no value yet."""

    at: Map[Place, tuple[Place, Size]]

    def init(self) -> None:
        for place in Place:
            self.at[place] = (place, 0)

    @action
    def move(self, place: Place) -> None:
        self.at[place] = (place, 1)


class Forgetful(Model):
    """Begins without a value on one of two ways."""

    where: Place
    size: Size

    def init(self, size: Size) -> None:
        if size > 0:
            self.where = Place(0)
        self.size = size

    @action
    def stay(self) -> None:
        self.size = 0


class Sack(Model):
    """Takes more than it may."""

    inside: Annotated[Bag[Place], AtMost(3, copies=2)]

    @action
    def put(self, place: Place) -> None:
        self.inside.add(place)

    @action
    def double(self) -> None:
        self.inside = self.inside + self.inside


class Counter(Model):
    """Counts to three."""

    count: Size

    @action
    def up(self) -> None:
        require(self.count < 3)
        self.count += 1


class Steps(Model):
    """Counts beyond what it says that it counts."""

    taken: Annotated[int, Range(0, 4)]

    @action
    def step(self) -> None:
        require(self.taken < 4)
        self.taken += 1

    @refines(Counter)
    def counted(self, other: Counter) -> None:
        other.count = self.taken


class Form(Enum):
    Some = 1
    Other = 2


@record
class Signed:
    tag: Form
    value: Size


@record
class Held:
    tag: Size
    value: Place


class Tagged(Model):
    """Has records that look like what others write for a value or none."""

    last: Signed | None
    held: Set[Held]

    @action
    def sign(self, form: Form, size: Size) -> None:
        self.last = Signed(form, size)

    @action
    def hold(self, held: Held) -> None:
        require(self.last is not None and self.last.value == 2)
        self.held.add(held)

    @invariant
    def few(self) -> bool:
        return len(self.held) < 2


class Fork(Model):
    """Fails one claim on one way, and another on the other."""

    left: Size
    right: Size

    @action
    def go_left(self) -> None:
        require(self.left == self.right == 0)
        self.left = 1

    @action
    def go_right(self) -> None:
        require(self.left == self.right == 0)
        self.right = 1

    @invariant
    def no_right(self) -> bool:
        return self.right == 0

    @invariant
    def no_left(self) -> bool:
        return self.left == 0


class Mixed(Model):
    """Fails a claim where another has no value."""

    level: Size

    @action
    def rise(self) -> None:
        require(self.level < 2)
        self.level += 1

    @invariant
    def low(self) -> bool:
        return self.level < 2

    @invariant
    def divides(self) -> bool:
        return 4 // (2 - self.level) >= 2


class Wait(Model):
    """Promises several things, and keeps one of them."""

    at: Size

    @action(fair="weak")
    def forth(self) -> None:
        require(self.at < 3)
        self.at += 1

    @action
    def back(self) -> None:
        require(self.at == 2)
        self.at = 0

    @eventually
    def begins(self) -> bool:
        return self.at == 1

    @eventually
    def ends(self) -> bool:
        return self.at == 3

    @leads_to
    def goes_on(self) -> tuple[bool, bool]:
        return self.at == 1, self.at == 3


class Both(Model):
    """An action that takes another one's step, and changes more."""

    at: Size
    turned: bool

    @action
    def turn(self) -> None:
        self.turned = not self.turned

    @action
    def turn_and_go(self) -> None:
        self.turn()
        self.at = min(self.at + 1, 3)
'''


def model(name: str, folder: Path) -> Model:
    """A model of the file above; two places, where it has any."""
    (folder / "evaluated.py").write_text(MODELS)
    cls = load(f"{folder / 'evaluated.py'}:{name}")
    made: Model = cls(**({"Place": 2} if cls.module.sorts else {}))
    return made


def compared(name: str, folder: Path, service: Service) -> Agreement:
    """What both sides find of a model."""
    one = model(name, folder)
    ours, _ = timed(check, one, engine="reference")
    return service.compared(one, export(one), ours, 60)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("Shelf", 105),
        ("Backwards", "division by zero"),
        ("Window", 63),
        ("Twins", "low"),
        ("Nested", 207),
        ("Brim", 3),
        ("Unfilled", "'Unfilled' object has no attribute 'at'"),
        ("Forgetful", "init does not assign `where`"),
        ("Sack", 8),
        ("Tagged", "few"),
        ("Fork", "no_right"),
        ("Wait", "ends"),
        ("Both", 8),
    ],
)
def test_both_find_the_same(name: str, what: int | str, service: Service, tmp_path: Path) -> None:
    found = compared(name, tmp_path, service)
    assert (found.verdict, found.differences, found.undecided) == (Verdict.HOLDS, (), "")
    ours = found.ours
    assert ours is not None
    if isinstance(ours, EvaluationError):
        assert ours.message == what
    else:
        assert (ours.violation.name if ours.violation else ours.distinct) == what


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Heavy", "TLC has integers of 32 bits, and 5000000000 does not fit"),
        ("Square", "TLC cannot evaluate the model: "),
        ("Mixed", "a claim fails and something has no value in the same state"),
        ("Idle", "TLC evaluates only what is needed"),
        ("Steps", "in counted: this exceeds the range 0..3 of count"),
    ],
)
def test_it_is_told_why_both_cannot_be_compared(
    name: str, why: str, service: Service, tmp_path: Path
) -> None:
    found = compared(name, tmp_path, service)
    assert found.verdict is Verdict.UNDECIDED
    assert why in found.undecided


def test_a_number_that_is_too_large_is_told_with_its_place(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "evaluated.py").write_text(MODELS)
    assert ratified(["crosscheck", f"{tmp_path / 'evaluated.py'}:Heavy", "-q"]) == 3
    line = MODELS.split("\n").index("    grams: Annotated[int, Range(0, 5_000_000_000)]") + 1
    assert f"evaluated.py:{line}:5: TLC has integers" in capsys.readouterr().out


# --- no agreement by mistake ----------------------------------------------------------------------------------------------


def test_what_tlc_cannot_read_agrees_with_nothing(service: Service, tmp_path: Path) -> None:
    one = model("Backwards", tmp_path)
    ours, _ = timed(check, one, engine="reference")
    made = export(one)
    broken = replace(made, modules={n: t.replace("level' =", "level' = (") for n, t in made.modules.items()})
    theirs = service.explore(broken.files, broken.name, 60)
    assert (theirs.verdict, theirs.kind) == ("error", "unread")
    found = compare(one, broken, ours, theirs)
    assert found.verdict is Verdict.VIOLATED
    assert found.differences[0].startswith("TLC rejects the exported module: ")
    unset = replace(made, config=made.config.replace("INVARIANTS", "INVARIANTS\n    nobody"))
    assert service.explore(unset.files, unset.name, 60).kind == "unread"


def test_an_error_of_another_kind_or_elsewhere_is_another_error(service: Service, tmp_path: Path) -> None:
    one = model("Backwards", tmp_path)
    ours, _ = timed(check, one, engine="reference")
    made = export(one)
    theirs = service.explore(made.files, made.name, 60)
    assert compare(one, made, ours, theirs).verdict is Verdict.HOLDS

    def differs(told: TlcResult) -> str:
        found = compare(one, made, ours, told)
        assert found.verdict is Verdict.VIOLATED
        return found.differences[0]

    other = "Attempted to apply tuple <<1>> to integer 3 which is out of domain."
    assert "TLC: Attempted" in differs(replace(theirs, message=other, states=()))
    state = {"level": 0}
    assert "after 1 states, TLC after 2" in differs(replace(theirs, states=(state, {"level": 1})))
    assert "Ratified finds: division by zero" in differs(replace(theirs, message=other, states=(state,)))
    elsewhere = replace(theirs, states=(), within=("rise",))
    assert compare(one, made, ours, elsewhere).undecided == "Ratified finds an error in divides, TLC in rise"


def test_a_claim_that_tlc_is_not_asked_about_is_missed(service: Service, tmp_path: Path) -> None:
    one = model("Fork", tmp_path)
    ours = check(one)
    made = export(one)
    silent = replace(made, config=made.config.replace("    no_right\n", "").replace("    no_left\n", ""))
    found = compare(one, silent, ours, service.explore(silent.files, silent.name, 60))
    assert found.differences == ("Ratified finds a violation, TLC no violation",)


def test_a_claim_is_compared_by_its_name(service: Service, tmp_path: Path) -> None:
    one = model("Fork", tmp_path)
    ours = check(one)
    made = export(one)
    theirs = service.explore(made.files, made.name, 60)
    assert ours.violation is not None
    assert (ours.violation.name, theirs.violated) == ("no_right", "no_left")
    found = compare(one, made, ours, theirs)
    assert (found.verdict, found.ask_about) == (Verdict.UNDECIDED, "no_right")
    wrong = compare(one, made, ours, replace(theirs, violated="no_right"))
    assert wrong.differences == ("TLC reports that its run violates no_right, but it does not",)
