"""How sets, bags and sequences are put together: with one more element, or from elements that loops meet one by one.

Guarantees: sets of a small universe are words of bits throughout; rows are ordered and distinct where their kind says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ratified.explore.native.codegen import build
from ratified.explore.native.codegen.asking import contains
from ratified.explore.native.codegen.code import Block, Line
from ratified.explore.native.codegen.joins import (
    bag_item,
    element_universe,
    inside,
    item_shape,
    joined,
    joined_all,
    joined_item,
    shape_of,
)
from ratified.explore.native.codegen.leaves import bit_words, code_of, leaves
from ratified.explore.native.codegen.lifting import element, lift_set, lower
from ratified.explore.native.codegen.loops import domain_of, loop, settled, to_array, under
from ratified.explore.native.codegen.numbers import TRUE, Num, const, negation
from ratified.explore.native.codegen.packing import loaded
from ratified.explore.native.codegen.shapes import PackedShape, SNum, STup, Unsupported
from ratified.explore.native.codegen.terms import (
    BagV,
    Bits,
    CValue,
    HeldValue,
    InArray,
    RowSource,
    SeqV,
    SlotV,
    empty,
    known,
    listed,
    numbers_of,
)
from ratified.explore.native.codegen.writer import FunctionWriter
from ratified.language.types import Type
from ratified.language.values import Set

ROOM_MOST = 4096
"""The largest set, bag or sequence that a comprehension may come to."""

OUTSIDE = "an element outside of its set's universe"


# --- one more element ---


def make_set(w: FunctionWriter, item: Type, values: Sequence[HeldValue]) -> Bits | SlotV:
    """A set of these."""
    given = [loaded(v) for v in values]
    shape = joined_all(w.shapes, [shape_of(w.shapes, v) for v in given]) if given else None
    universe = element_universe(w.shapes, item, shape)
    if universe is not None:
        found = empty(universe)
        for value in given:
            found = add_bit(w, found, value)
        return found
    if all(map(known, given)):
        return lift_set(w.shapes, list(Set(lower(w.shapes, v, item) for v in given)), item)
    assert shape is not None
    row = to_array(w, listed(()), inside(w.shapes, shape), len(given))
    for value in given:
        insert(w, row, value)
    return SlotV(settled(w, row))


def add_bit(w: FunctionWriter, value: Bits, one: HeldValue) -> Bits:
    """A set of bits with one more element."""
    code, valid = code_of(w.shapes, one, value.universe)
    if valid.c != 1:
        raise Unsupported(OUTSIDE, remedy="explore with engine='reference'")
    words, possible = list(value.words), list(value.possible)
    for k, bit in enumerate(bit_words(code, value.universe)):
        if bit != 0:
            words[k] = build.bit_or(words[k], bit)
            possible[k] |= bit if isinstance(bit, int) else value.universe.mask(k)
    return Bits(value.universe, tuple(words), tuple(possible))


def packed_element(w: FunctionWriter, value: HeldValue, shape: PackedShape) -> str:
    """The leaves of a value as a C array: its name."""
    words = leaves(w.shapes, value, shape) or [0]
    name = w.name("e")
    w.line(f"const uint64_t {name}[] = {{", *[p for word in words for p in (word, ", ")][:-1], "};")
    return name


def insert(w: FunctionWriter, row: InArray, value: HeldValue) -> None:
    """Put an element into a set under construction."""
    own, n = packed_element(w, value, row.item), row.length.c
    w.line(n, f" = rt_insert({row.name}, ", n, f", {row.stride}, {own});")


def add_copies(w: FunctionWriter, row: InArray, value: HeldValue, copies: Num) -> None:
    """Put copies of an element into a bag under construction."""
    assert isinstance(row.item, STup)
    own, n = packed_element(w, value, row.item.items[0]), row.length.c
    w.line(n, f" = rt_bag_add({row.name}, ", n, f", {row.stride - 1}, {own}, ", copies.c, ");")


def append(w: FunctionWriter, row: InArray, value: HeldValue) -> None:
    """Put an element at the end of a row under construction."""
    n = row.length.c
    for k, word in enumerate(leaves(w.shapes, value, row.item)):
        w.line(f"{row.name}[", n, f" * {row.stride} + {k}] = ", word, ";")
    w.line(n, "++;")


def bag_array(w: FunctionWriter, value: BagV, more_of: PackedShape | None, more: int, copies: int) -> InArray:
    """A bag in a C array, with room for `more` elements and as many more copies."""
    item = joined_item(w.shapes, bag_item(w.shapes, value.row), more_of)
    assert item is not None
    shape = STup((inside(w.shapes, item), SNum(0, value.copies + copies)))
    return to_array(w, value.row, shape, value.row.most + more)


def bag_with(w: FunctionWriter, value: BagV, one: HeldValue) -> BagV:
    """A bag with one more copy."""
    row = bag_array(w, value, inside(w.shapes, shape_of(w.shapes, one)), 1, 1)
    add_copies(w, row, one, const(1))
    return BagV(settled(w, row), value.copies + 1)


def set_with(w: FunctionWriter, value: SlotV, one: HeldValue) -> SlotV:
    """A large set with one more element."""
    own, more = item_shape(w.shapes, value.row), inside(w.shapes, shape_of(w.shapes, one))
    row = to_array(w, value.row, joined(w.shapes, own, more) if own else more, value.row.most + 1)
    insert(w, row, one)
    return SlotV(settled(w, row))


def without(w: FunctionWriter, value: SlotV | BagV, one: HeldValue) -> SlotV | BagV:
    """A row with one (copy of an) element less."""
    own = item_shape(w.shapes, value.row)
    if own is None:
        return value
    more = inside(w.shapes, shape_of(w.shapes, one))
    if isinstance(value, BagV):
        assert isinstance(own, STup)
        shape = joined(w.shapes, own.items[0], more)
        row = to_array(w, value.row, STup((shape, own.items[1])), value.row.most)
        n, name = row.length.c, packed_element(w, one, shape)
        w.line(n, f" = rt_bag_remove({row.name}, ", n, f", {row.stride - 1}, {name});")
        return BagV(settled(w, row), value.copies)
    shape = joined(w.shapes, own, more)
    row = to_array(w, value.row, shape, value.row.most)
    n, name = row.length.c, packed_element(w, one, shape)
    w.line(n, f" = rt_remove({row.name}, ", n, f", {row.stride}, {name});")
    return SlotV(settled(w, row))


# --- from elements that are met one by one ---


@dataclass(frozen=True, slots=True, eq=False)
class Put:
    """An element that statements come to: where it is put in, and its copies."""

    slot: Block
    value: HeldValue
    copies: Num = TRUE


class Gathering:
    """Elements as they are met: what they come to is declared before them, when all are known."""

    def __init__(self, w: FunctionWriter) -> None:
        self.w = w
        self.before = w.later()
        self.met: list[Put] = []
        self.begun, self.room = w.room, 0

    def put(self, value: HeldValue) -> None:
        """An element is here."""
        self.room += self.w.room // self.begun
        named = self.w.named(value)  # before the place where it is put in
        self.met.append(Put(self.w.later(), named))

    def row(self, kind: str) -> Bits | SeqV | SlotV | BagV:
        """A row of them, whatever they are: a "set", "seq" or "bag"."""
        w = self.w
        if not self.met:
            nothing = listed(())
            return SlotV(nothing) if kind == "set" else SeqV(nothing) if kind == "seq" else BagV(nothing, 1)
        if self.room > ROOM_MOST:
            raise Unsupported(
                f"a comprehension over {self.room:,} combinations, and the native explorer takes {ROOM_MOST:,}",
                remedy="explore with engine='reference'",
            )
        shape = joined_all(w.shapes, [shape_of(w.shapes, m.value) for m in self.met])
        if kind != "seq":
            shape = inside(w.shapes, shape)
        if kind == "bag":
            shape = STup((shape, SNum(0, self.room)))
        block, made, _ = w.branch(lambda: to_array(w, listed(()), shape, self.room))
        assert made is not None
        self.before.statements.append(block)
        for met in self.met:
            met.slot.statements.append(w.branch(lambda met=met: self._put(kind, made, met))[0])  # type: ignore[misc]  # bound here
        done = settled(w, made)
        return SlotV(done) if kind == "set" else BagV(done, self.room) if kind == "bag" else SeqV(done)

    def _put(self, kind: str, row: InArray, met: Put) -> None:
        if kind == "set":
            insert(self.w, row, met.value)
        elif kind == "bag":
            add_copies(self.w, row, met.value, met.copies)
        else:
            append(self.w, row, met.value)

    def set(self, item: Type) -> Bits | SlotV:
        """The set of them: of bits, if there is a universe for it."""
        w = self.w
        if not self.met:
            return make_set(w, item, [])
        shape = joined_all(w.shapes, [shape_of(w.shapes, m.value) for m in self.met])
        universe = element_universe(w.shapes, item, shape)
        if universe is None:
            found = self.row("set")
            assert isinstance(found, SlotV)
            return found
        name, several = w.name("a"), universe.words > 1
        declared = f"uint64_t {name}[{universe.words}] = {{0}};" if several else f"uint64_t {name} = 0;"
        self.before.statements.append(w.branch(lambda: w.line(declared))[0])
        for met in self.met:
            code = code_of(w.shapes, met.value, universe)[0].c
            bit, word = build.one_bit(build.bit_and(code, 63)), build.shift_right(code, 6)
            pieces = (f"{name}[", word, "] |= ", bit, ";") if several else (f"{name} |= ", bit, ";")
            met.slot.statements.append(Line(pieces))
        masks = [universe.mask(k) for k in range(universe.words)]
        words = [build.load(name, k) if several else build.var(name, 0, mask) for k, mask in enumerate(masks)]
        return Bits(universe, tuple(words), tuple(masks))


def as_row(w: FunctionWriter, value: HeldValue) -> RowSource:
    """The elements of a container in canonical order, copies repeated."""
    domain = domain_of(value)
    if isinstance(domain, SlotV | SeqV):
        return domain.row
    if isinstance(domain, Bits) and known(domain):
        return listed(element(w.shapes, domain.universe, k) for k in numbers_of(domain))
    gathering = Gathering(w)
    loop(w, domain, gathering.put)
    found = gathering.row("seq")
    assert isinstance(found, SeqV)
    return found.row


def row_operation(w: FunctionWriter, op: str, a: CValue, b: CValue) -> Bits | SlotV:
    """`| & - ^` where one of the sets is a row."""
    if op == "^":
        return row_operation(w, "|", row_operation(w, "-", a, b), row_operation(w, "-", b, a))
    gathering = Gathering(w)

    def take(item: CValue) -> None:
        keep = contains(w, b, item)
        under(w, keep if op == "&" else negation(keep), lambda: gathering.put(item))

    if op == "|":
        loop(w, a, gathering.put, unroll=True)
        loop(w, b, gathering.put, unroll=True)
    else:
        loop(w, a, take, unroll=True)
    t = next((x.universe.type for x in (a, b) if isinstance(x, Bits)), None)
    if t is not None:
        return gathering.set(t)
    found = gathering.row("set")
    assert isinstance(found, SlotV)
    return found
