"""Questions about values: equal, less, in, how many.

Guarantees: the answers are CPython's; what needs a loop is written as one.
"""

from __future__ import annotations

from collections.abc import Callable

from ratified.explore.native.codegen import build
from ratified.explore.native.codegen.choosing import get
from ratified.explore.native.codegen.joins import joined, joined_universe, shape_of
from ratified.explore.native.codegen.leaves import as_bits, code_of, entries, leaves
from ratified.explore.native.codegen.loops import over
from ratified.explore.native.codegen.nodes import Word
from ratified.explore.native.codegen.numbers import (
    FALSE,
    TRUE,
    Num,
    both,
    chosen_num,
    clipped,
    compare,
    const,
    count_bits,
    either,
    minus,
    negation,
    plus,
    same_word,
    tested,
    total,
    truth,
)
from ratified.explore.native.codegen.packing import entry, item, loaded, there
from ratified.explore.native.codegen.shapes import NumberedValues, SMap, SPacked
from ratified.explore.native.codegen.terms import (
    BagV,
    Bits,
    CValue,
    HeldValue,
    ListedRow,
    MapV,
    Opt,
    Ref,
    RowSource,
    SeqV,
    SlotV,
    Tup,
    ValueWithParts,
    as_num,
    full,
    pair_of,
)
from ratified.explore.native.codegen.writer import FunctionWriter
from ratified.language.ir import Node

FIND_MOST = 12
"""Up to so many places a search is one expression."""

NO_KEY = "the map has no key of that value"
NO_INDEX = "the sequence has no such index"


# --- comparisons ---


def comparison(w: FunctionWriter, op: str, left: HeldValue, right: HeldValue) -> Num:
    """A comparison of two values of one type."""
    if op in ("==", "!="):
        same = equal(w, left, right)
        return same if op == "==" else negation(same)
    left, right = _there(left), _there(right)
    if isinstance(left, Num) and isinstance(right, Num):
        return compare(op, left, right)
    if isinstance(left, Tup) and isinstance(right, Tup):
        return _tuples(w, op, left, right)
    if op in (">", ">="):
        left, right, op = right, left, "<" if op == ">" else "<="
    inside = included(w, left, right)
    return inside if op == "<=" else both(inside, negation(equal(w, left, right)))


def _there(value: HeldValue) -> CValue:
    """Min and max with default=None compare what is there, as optionals."""
    value = loaded(value)
    if not isinstance(value, Opt):
        return value
    assert value.item is not None
    return loaded(value.item)


def _tuples(w: FunctionWriter, op: str, left: Tup, right: Tup) -> Num:
    found = const(int(op in ("<=", ">=")))
    for a, b in reversed(list(zip(left.items, right.items, strict=True))):
        found = either(comparison(w, op[0], a, b), both(equal(w, a, b), found))
    return found


def equal(w: FunctionWriter, a: HeldValue, b: HeldValue) -> Num:
    """Whether two values of one type are equal."""
    a, b = loaded(a), loaded(b)
    if isinstance(a, Num) and isinstance(b, Num):
        return compare("==", a, b)
    if isinstance(a, Tup) and isinstance(b, Tup):
        return both(*(equal(w, x, y) for x, y in zip(a.items, b.items, strict=True))) if a.items else TRUE
    if isinstance(a, MapV) and isinstance(b, MapV):
        if set(a.keys.values) != set(b.keys.values):
            return FALSE
        pairs = list(zip(a.entries, entries(b, a.keys), strict=True))
        return both(*(equal(w, x, y) for x, y in pairs)) if pairs else TRUE
    if isinstance(a, Bits | SlotV) and isinstance(b, Bits | SlotV) and type(a) is not type(b):
        return both(included(w, a, b), included(w, b, a))
    shape = joined(w.shapes, shape_of(w.shapes, a), shape_of(w.shapes, b))
    if isinstance(a, ValueWithParts) and isinstance(b, ValueWithParts):
        both_read = {own for own, _ in a.read} & {own for own, _ in b.read}
        shape = next((own for own in both_read if isinstance(own, SPacked)), shape)
    found = []
    for x, y in zip(leaves(w.shapes, a, shape), leaves(w.shapes, b, shape), strict=True):
        found.append(same_word(x, y))
        if found[-1].c == 0:
            return FALSE
    return both(*found) if found else TRUE


def included(w: FunctionWriter, a: HeldValue, b: HeldValue) -> Num:
    """Whether one set is included in another."""
    a, b = loaded(a), loaded(b)
    if not (isinstance(a, Bits) and isinstance(b, Bits)):
        return over(w, a, lambda one: contains(w, b, one), universal=True)
    a, b = common(w, a, b)
    parts = []
    for p, q in zip(a.words, b.words, strict=True):
        if isinstance(p, int):
            parts.append(tested("all", q, p))
        else:
            parts.append(same_word(build.without(p, q), 0))
    return both(*parts)


def common(w: FunctionWriter, a: Bits, b: Bits) -> tuple[Bits, Bits]:
    """Two sets in one universe."""
    universe = joined_universe(w.shapes, a.universe, b.universe)
    return as_bits(w.shapes, a, universe), as_bits(w.shapes, b, universe)


# --- membership ---


def contains(w: FunctionWriter, container: HeldValue, one: HeldValue) -> Num:
    """Membership of a set, bag or sequence, or among the keys of a map."""
    if isinstance(container, Ref) and isinstance(container.shape, SMap):
        container = full(container.shape.keys)
    container = loaded(container)
    if isinstance(container, MapV):
        container = full(container.keys)
    if isinstance(container, Bits):
        code, valid = code_of(w.shapes, one, container.universe)
        return both(valid, bit(container, code))
    assert isinstance(container, SeqV | SlotV | BagV)
    row = container.row
    if row.most <= FIND_MOST or isinstance(row, ListedRow):
        found = matches(w, container, one)
        return either(*found) if found else FALSE
    pinned = w.named(one)
    return over(w, container, lambda own: equal(w, own, pinned), universal=False)


def matches(w: FunctionWriter, container: SeqV | SlotV | BagV, one: HeldValue) -> list[Num]:
    """For each place of a row, whether it is there and holds an element."""
    found = []
    for k in range(container.row.most):
        present = there(container.row, k)
        own = item(container.row, k)
        value = pair_of(own)[0] if isinstance(container, BagV) else own
        found.append(FALSE if present.c == 0 else both(present, equal(w, value, one)))
    return found


def bit(value: Bits, code: Num) -> Num:
    """Whether the element of a number is in a set."""
    if isinstance(code.c, int):
        if not value.possible[code.c >> 6] >> (code.c & 63) & 1:
            return FALSE
        return tested("some", value.words[code.c >> 6], 1 << (code.c & 63))
    if all(w == value.universe.mask(k) for k, w in enumerate(value.words)):
        return TRUE
    word: Word = value.words[-1]
    at: Word = code.c
    if len(value.words) > 1:
        number = build.shift_right(at, 6)
        for k in range(len(value.words) - 2, -1, -1):
            word = build.choose(build.equal(number, k), value.words[k], word)
        at = build.bit_and(at, 63)
    return truth(build.field(word, at, 1))


# --- counting ---


def length(value: HeldValue) -> Num:
    """How many elements there are, copies counted."""
    if isinstance(value, Ref) and isinstance(value.shape, SMap):
        return const(value.shape.keys.size)
    value = loaded(value)
    match value:
        case MapV():
            return const(value.keys.size)
        case Bits():
            found = count_bits(value.words)
            return clipped(found, 0, sum(p.bit_count() for p in value.possible))
        case BagV(row):
            return total(list(map(copies_at(row), range(row.most))))
        case SeqV(row) | SlotV(row):
            return row.length
    raise AssertionError(value)


def copies_at(row: RowSource) -> Callable[[int], Num]:
    """How many copies the element at a place of a bag's row has: none, where the row does not reach it."""

    def copies(place: int) -> Num:
        times = pair_of(item(row, place))[1]
        # What is past the end in memory is 0 as it is.
        return (
            chosen_num(there(row, place), times, FALSE)
            if isinstance(row, ListedRow)
            else clipped(times, 0, times.high)
        )

    return copies


# --- indexing ---


def key_code(w: FunctionWriter, keys: NumberedValues, key: HeldValue, node: Node) -> Num:
    """The number of a key, which must be one."""
    code, valid = code_of(w.shapes, key, keys)
    w.fault_unless(valid, NO_KEY, node)
    return clipped(code, 0, keys.size - 1)


def at(w: FunctionWriter, container: HeldValue, key: HeldValue, node: Node) -> HeldValue:
    """The value of a map's key or at a sequence's index."""
    if isinstance(container, Ref) and isinstance(container.shape, SMap):
        return entry(container, key_code(w, container.shape.keys, key, node))
    container = loaded(container)
    if isinstance(container, MapV):
        code = key_code(w, container.keys, key, node)
        return get(w.shapes, ListedRow(const(container.keys.size), container.entries), code)
    assert isinstance(container, SeqV)
    row = container.row
    return get(w.shapes, row, index(w, row, as_num(loaded(key)), node))


def index(w: FunctionWriter, row: RowSource, key: Num, node: Node) -> Num:
    """A position within a row, negative ones counting from the end."""
    fine = both(compare("<=", minus(FALSE, row.length), key), compare("<", key, row.length))
    w.fault_unless(fine, NO_INDEX, node)
    if key.low < 0:
        key = chosen_num(compare("<", key, FALSE), plus(key, row.length), key)
    return clipped(key, 0, row.most - 1)
