"""Choices inside of choices, and sums of many: what is said of them grows no faster than they do; held to CPython, and broken."""

from __future__ import annotations

from functools import reduce
from pathlib import Path

import pytest

from ratified.language import Model
from ratified.results.result import Verdict
from ratified.smt.first_order.defining import canonical
from ratified.smt.first_order.obligations import Translation
from ratified.smt.proving import entries_of, prove
from ratified.smt.result import Status
from ratified.smt.script import script_of
from ratified.smt.terms import BOOL, Apply, Bound, Symbol, Term, conj, disj, every, some
from ratified.smt.validation.validate import validate
from tests.generate.engines import load_script
from tests.generate.models import GeneratedModel
from tests.generate.planting import Kind, planted

TEXT = '''
from __future__ import annotations
from enum import Enum
from typing import Annotated
from ratified import Map, Model, Range, Set, Sort, action, lemma

Level = Annotated[int, Range(0, 5)]


class Lamp(Sort):
    """Is lit."""


class Part(Enum):
    """Of a lamp."""

    {parts}


class Lit(Model):
    level: Level
    other: Level
    of: Map[Lamp, Level]
    seen: Set[Part]
    marked: Map[Part, bool]

    @action
    def turn(self, a: Level, b: Level) -> None:
        self.level = {nested}

    @action
    def turn_all(self, a: Level, b: Level) -> None:
        self.of = Map({{lamp: {nested_of} for lamp in Lamp}})

    @action
    def look(self, part: Part) -> None:
        self.seen.add(part)
        self.marked[part] = True

    @lemma(uses=())
    def within(self, lamp: Lamp) -> bool:
        return 0 <= self.level <= 5 and self.of[lamp] >= 0

    @lemma
    def marked_is_seen(self) -> bool:
        return self.seen == Set({{p for p in Part if self.marked[p]}})

    @lemma(follows=("marked_is_seen",))
    def as_many(self) -> bool:
        return len(self.seen) == sum(1 if self.marked[p] else 0 for p in Part)
'''


def script(folder: Path, depth: int) -> type[Model]:
    """A model with so many extrema one in another, and as many things to be added up."""
    steps = [("max" if i % 2 else "min", "ab@"[i % 3]) for i in range(depth)]
    nested = reduce(lambda inner, step: f"{step[0]}({inner}, {step[1]})", steps, "self.other")
    text = TEXT.format(
        nested=nested.replace("@", "self.level"),
        nested_of=nested.replace("@", "self.of[lamp]"),
        parts="; ".join(f"P{i} = {i}" for i in range(depth)),
    )
    return load_script(GeneratedModel(text, "Lit", {}), folder)


def test_what_is_said_grows_with_the_choices(tmp_path: Path) -> None:
    few, many = (sum(len(e.text) for e in entries_of(script(tmp_path, depth))) for depth in (8, 16))
    assert many < 2 * few


def test_choices_of_choices_are_proved(tmp_path: Path) -> None:
    assert prove(script(tmp_path, 6)).verdict is Verdict.HOLDS


def test_a_fault_is_noticed_before_anything_is_proved(tmp_path: Path) -> None:
    cls = script(tmp_path, 6)
    depends_on_nothing = Kind(
        "given", "ratified.smt.first_order.defining", "list(variables_of([term]))", "[]"
    )
    with planted(depends_on_nothing):
        translation = Translation(script_of(cls))
        with pytest.raises(KeyError):
            validate(cls, translation, translation.obligations())


def test_terms_that_differ_in_what_is_bound_say_different_things() -> None:
    x, y, z = (Bound(name, "sort/Lamp") for name in "xyz")

    def either(a: Bound, b: Bound) -> Term:
        left, right = (Apply(Symbol(n, ("sort/Lamp",), BOOL), (v,)) for n, v in (("p", a), ("q", b)))
        return disj(left, right)

    assert canonical([every([x], either(x, y))]) == canonical([every([z], either(z, x))])
    assert canonical([every([x], either(x, y))]) != canonical([every([y], either(x, y))])
    nested, other = (every([x], some([y], either(*order))) for order in ((x, y), (y, x)))
    assert canonical([nested]) != canonical([other])
    hidden = every([x], conj(either(x, y), some([x], either(x, y))))
    assert canonical([hidden]) != canonical([every([z], conj(either(z, y), some([x], either(z, y))))])


LINKED = '''
from __future__ import annotations
from enum import Enum
from ratified import Map, Model, Set, action, lemma


class Colour(Enum):
    RED = 1
    GREEN = 2
    BLUE = 3


class Linked(Model):
    """Each turn of a loop looks at what the turns before it have stored."""

    beyond: Map[Colour, Set[Colour]]

    @action
    def link(self, a: Colour, b: Colour) -> None:
        self.beyond[a].add(b)
        for c in Colour:
            if a in self.beyond[c]:
                self.beyond[c] |= self.beyond[a]

    @lemma
    def closed(self) -> bool:
        return all(self.beyond[b] <= self.beyond[a] for a in Colour for b in self.beyond[a])
'''


def test_what_is_stored_again_and_again_is_said_once(tmp_path: Path) -> None:
    linked, of_two = (
        load_script(GeneratedModel(text, "Linked", {}), tmp_path)
        for text in (LINKED, LINKED.replace("    BLUE = 3\n", ""))
    )
    (link,) = (e.text for e in entries_of(linked) if "closed" in e.file and "link" in e.file)
    assert len(link) < 1_000_000
    failed = prove(of_two).of(Status.FAILED)
    assert [cell.name for cell in failed] == ["closed / link"]
    assert failed[0].counterexample is not None
    assert failed[0].counterexample.confirmed
