"""Conditions, ways and loops: what is evaluated only sometimes, or several times.

What needs no statements comes to an expression, whatever it is made of; else it comes to a conditional, or to a loop: written out
if it is short, a loop in C if it is not.

Guarantees: elements are met in canonical order; `all` and `any` stop where CPython stops.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from ratified.explore.native.codegen import build
from ratified.explore.native.codegen.choosing import explode, select
from ratified.explore.native.codegen.code import Block, Let, Line
from ratified.explore.native.codegen.joins import item_shape, joined, shape_of
from ratified.explore.native.codegen.leaves import row_leaves
from ratified.explore.native.codegen.lifting import element
from ratified.explore.native.codegen.nodes import Word
from ratified.explore.native.codegen.numbers import (
    FALSE,
    TRUE,
    Num,
    both,
    compare,
    const,
    either,
    negation,
    num,
    tested,
    truth,
)
from ratified.explore.native.codegen.packing import at_place, item, loaded, there
from ratified.explore.native.codegen.shapes import PackedShape, SMap
from ratified.explore.native.codegen.terms import (
    BagV,
    Bits,
    CValue,
    HeldValue,
    InArray,
    InState,
    ListedRow,
    MapV,
    Ref,
    RowSource,
    SeqV,
    SlotV,
    full,
    numbers_of,
    pair_of,
    same,
)
from ratified.explore.native.codegen.writer import BlockEnded, CodeEnv, FunctionWriter

PURE_MOST = 3000
"""How many elements (of nested loops, multiplied) are looked at to make one expression."""

UNROLLED_MOST = 8
"""How many copies of a loop's body (of nested loops, multiplied) are written out; longer ones are loops in C."""

Domain = Bits | SeqV | SlotV | BagV

T = TypeVar("T")


# --- and, or, if ---


def chain(w: FunctionWriter, parts: Sequence[Callable[[], Num]], *, conjunction: bool) -> Num:
    """`and` or `or`, evaluated from the left and only as far as needed."""
    join, end = (both, 0) if conjunction else (either, 1)
    found: list[Num] = []
    for part in parts:
        if found and found[-1].c == end:
            break
        block, one, _ = w.branch(part)
        if one is not None and not block:
            found.append(one)
            continue
        so_far = join(*found) if found else const(1 - end)
        if so_far.c == end:
            break
        if so_far.known:
            w.extend(block)
            if one is None:
                raise BlockEnded
            found = [one]
            continue
        found = [_guarded(w, so_far if conjunction else negation(so_far), block, one, end)]
    return join(*found) if found else const(1 - end)


def _guarded(w: FunctionWriter, enter: Num, block: Block, one: Num | None, end: int) -> Num:
    """A further part that needs statements: they stand in a block of their own."""
    if one is None:
        w.when(enter, block)
        return const(end)
    flag = w.flag(begins=bool(end))
    block.statements.append(Line((f"{flag} = ", one.c, ";")))
    w.when(enter, block)
    return truth(build.var(flag, 0, 1))


def two_ways(
    w: FunctionWriter, test: Num, then: Callable[[], HeldValue], orelse: Callable[[], HeldValue]
) -> HeldValue:
    """A value computed in one of two ways."""
    if test.known:
        return then() if test.c else orelse()
    a_block, a, _ = w.branch(then)
    b_block, b, _ = w.branch(orelse)
    if a is None:
        w.when(test, a_block)
        w.extend(b_block)
        if b is None:
            raise BlockEnded
        return b
    if b is None:
        w.when(negation(test), b_block)
        w.extend(a_block)
        return a
    if not a_block and not b_block:
        return select(w.shapes, test, a, b)
    shape = joined(w.shapes, shape_of(w.shapes, a), shape_of(w.shapes, b))
    either_way = w.variable(shape)
    w.declare(either_way)
    a_block.statements.extend(w.assign(either_way, a))
    b_block.statements.extend(w.assign(either_way, b))
    w.when(test, a_block, b_block)
    return either_way.value


# --- elements of domains ---


def domain_of(value: HeldValue) -> Domain:
    """What is run through: a set of bits or a row; for a map its keys."""
    if isinstance(value, Ref) and isinstance(value.shape, SMap):
        return full(value.shape.keys)
    value = loaded(value)
    if isinstance(value, MapV):
        return full(value.keys)
    assert isinstance(value, Domain)
    return value


def size(value: Domain) -> int:
    """How many places a domain has."""
    return sum(p.bit_count() for p in value.possible) if isinstance(value, Bits) else value.row.most


@dataclass(frozen=True, slots=True, eq=False)
class DomainElement:
    """An element of a domain: whether it is there, and its value. Of a set that is not known also the set and the number."""

    present: Num
    value: CValue
    bits: Bits | None = None
    number: int = 0
    copies: Num = TRUE


def places_of(w: FunctionWriter, value: Domain) -> list[DomainElement]:
    """The elements that a domain may have, in canonical order."""
    found = []
    if isinstance(value, Bits):
        for k in numbers_of(value):
            word = value.words[k >> 6]
            present = tested("some", word, 1 << (k & 63))
            own = None if isinstance(word, int) else value
            found.append(DomainElement(present, element(w.shapes, value.universe, k), own, k))
        return found
    for k in range(value.row.most):
        present = there(value.row, k)
        if present.c == 0:
            break
        own_value = item(value.row, k)
        if isinstance(value, BagV):
            own_value, copies = pair_of(own_value)
            found.append(DomainElement(present, own_value, copies=copies))
        else:
            found.append(DomainElement(present, own_value))
    return found


def without(w: FunctionWriter, value: Domain, excluded: Callable[[CValue], bool]) -> Domain:
    """A set of bits without the elements, known by their numbers, that are excluded; any other domain as it is."""
    if not isinstance(value, Bits):
        return value
    kept = [0] * value.universe.words
    for k in numbers_of(value):
        if not excluded(element(w.shapes, value.universe, k)):
            kept[k >> 6] |= 1 << (k & 63)
    if tuple(kept) == value.possible:
        return value
    return Bits(value.universe, tuple(map(build.bit_and, value.words, kept)), tuple(kept))


# --- all and any ---


def over(w: FunctionWriter, value: HeldValue, test: Callable[[CValue], Num], *, universal: bool) -> Num:
    """`all` or `any` of a test of elements."""
    domain = domain_of(value)
    count = size(domain)
    places = places_of(w, domain) if w.multiplicity * count <= PURE_MOST else []
    if not places and count:
        return _looped(w, domain, test, universal=universal)
    tries: list[tuple[DomainElement, Block, Num | None]] = []
    w.multiplicity *= max(1, count)
    try:
        for place in places:
            block, found, _ = w.branch(partial(test, place.value))
            if (block or found is None) and not written_out(w):
                break
            tries.append((place, block, found))
    finally:
        w.multiplicity //= max(1, count)
    if len(tries) < len(places):
        return _looped(w, domain, test, universal=universal)
    if all(found is not None and not block for _, block, found in tries):
        return _grouped(domain, [(place, found) for place, _, found in tries if found is not None], universal)
    return _one_by_one(w, tries, universal)


def written_out(w: FunctionWriter) -> bool:
    """Whether statements for each element are written one after another, not as a loop."""
    return w.multiplicity <= UNROLLED_MOST and not w.rolled


def _grouped(domain: Domain, tries: Sequence[tuple[DomainElement, Num]], universal: bool) -> Num:
    """All in one expression: elements of a set with the same condition are one test of bits."""
    join, split, skip = (both, either, 1) if universal else (either, both, 0)
    parts: list[Num] = []
    if not isinstance(domain, Bits):
        for place, found in tries:
            parts.append(split(negation(place.present) if universal else place.present, found))
        return join(*parts) if parts else const(int(universal))
    groups: dict[Word, tuple[Num, list[int]]] = {}
    for place, found in tries:
        if found.c != skip:
            masks = groups.setdefault(found.c, (found, [0] * domain.universe.words))[1]
            masks[place.number >> 6] |= 1 << (place.number & 63)
    kind = "none" if universal else "some"
    for found, masks in groups.values():
        several = [tested(kind, word, mask) for word, mask in zip(domain.words, masks, strict=True) if mask]
        parts.append(split(join(*several), found))
    return join(*parts) if parts else const(int(universal))


def _one_by_one(
    w: FunctionWriter, tries: Sequence[tuple[DomainElement, Block, Num | None]], universal: bool
) -> Num:
    flag, label = w.flag(begins=universal), w.name("L")

    def write() -> None:
        for place, block, found in tries:
            stop = FALSE
            if found is not None:
                stop = negation(found) if universal else found
                done, _, _ = w.branch(partial(_stop, w, flag, label, universal, stop))
                block.statements.append(done)
            if place.present.c == 1:
                w.extend(block)
                if found is None or stop.c == 1:
                    raise BlockEnded
            else:
                w.when(place.present, block)

    body, _, _ = w.branch(write)
    w.region(body, label)
    return truth(build.var(flag, 0, 1))


def _stop(w: FunctionWriter, flag: str, label: str, universal: bool, stop: Num) -> None:
    line = Line((f"{{ {flag} = {int(not universal)}; goto {label}; }}",))
    if stop.c == 1:
        w.put(line)
        raise BlockEnded
    if stop.c != 0:
        w.when(stop, Block([line]))


def _looped(w: FunctionWriter, domain: Domain, test: Callable[[CValue], Num], *, universal: bool) -> Num:
    """`all` or `any` by a loop that stops early."""
    flag, label = w.flag(begins=universal), w.name("L")

    def write(one: CValue) -> None:
        found = test(one)
        _stop(w, flag, label, universal, negation(found) if universal else found)

    body, _, _ = w.branch(lambda: counted(w, domain, write, copies=False))
    w.region(body, label)
    return truth(build.var(flag, 0, 1))


# --- loops ---


def loop(
    w: FunctionWriter,
    value: HeldValue,
    body: Callable[[CValue], None],
    *,
    copies: bool = True,
    unroll: bool = False,
) -> None:
    """Write `body` for each element in canonical order (each copy of a bag's, unless `copies` is False)."""
    domain = domain_of(value)
    count = size(domain)
    if unroll or count <= 1 or (count * w.multiplicity <= UNROLLED_MOST and not w.rolled):
        w.multiplicity *= max(1, count)
        try:
            for place in places_of(w, domain):
                several = range(place.copies.high if copies else 1)
                for c in several:
                    more = compare("<", const(c), place.copies) if copies else TRUE
                    under(w, both(place.present, more), partial(body, place.value))
        finally:
            w.multiplicity //= max(1, count)
        return
    counted(w, domain, body, copies=copies)


def under(w: FunctionWriter, test: Num, body: Callable[[], None]) -> None:
    """What `body` writes, under a test; names of the loop's environment that it changes are brought together afterwards."""
    if test.c == 1:
        body()
    elif test.c != 0 and w.flow is not None:
        _bringing_together(w, w.flow, test, body)
    elif test.c != 0:
        block, _, _ = w.branch(body)
        w.when(test, block)


def _bringing_together(w: FunctionWriter, env: CodeEnv, test: Num, body: Callable[[], None]) -> None:
    before = dict(env)
    block, _, ended = w.branch(body)
    after = dict(env)
    env.clear()
    env.update(before)
    for name, old in before.items() if not ended else ():
        new = after.get(name, old)
        if same(new, old):
            continue
        if not block:
            env[name] = select(w.shapes, test, new, old)
            continue
        shape = joined(w.shapes, shape_of(w.shapes, old), shape_of(w.shapes, new))
        variable = w.variable(shape, stem(name))
        w.declare(variable)
        for statement in w.assign(variable, old):
            w.put(statement)
        block.statements.extend(w.assign(variable, new))
        env[name] = variable.value
    w.when(test, block)


def stem(name: str) -> str:
    """A model's name as the beginning of one in C."""
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in name) + "_"


def counted(w: FunctionWriter, domain: Domain, body: Callable[[CValue], None], *, copies: bool) -> None:
    """A loop in C."""
    count = size(domain)
    w.room *= max(1, count)
    try:
        if isinstance(domain, Bits):
            _through_bits(w, domain, body)
        else:
            _through_row(w, domain, body, copies)
    finally:
        w.room //= max(1, count)


def _through_bits(w: FunctionWriter, domain: Bits, body: Callable[[CValue], None]) -> None:
    universe, b, i = domain.universe, w.name("b"), w.name("i")
    at = num(build.var(i, 0, universe.size - 1), 0, universe.size - 1)

    def each(index: Word) -> None:
        w.put(Let(i, index))
        ended_quietly(lambda: body(explode(w.shapes, universe, at)))

    bit = build.invoke("__builtin_ctzll", build.var(b, stable=False), low=0, high=63)
    if universe.words == 1:
        with w.loop(f"for (uint64_t {b} = ", domain.words[0], f"; {b}; {b} &= {b} - 1)"):
            each(bit)
        return
    words, k = w.name("u"), w.name("k")
    pieces = [p for word in domain.words for p in (word, ", ")][:-1]
    w.line(f"const uint64_t {words}[] = {{", *pieces, "};")
    with (
        w.loop(f"for (uint64_t {k} = 0; {k} < {universe.words}; {k}++)"),
        w.loop(f"for (uint64_t {b} = {words}[{k}]; {b}; {b} &= {b} - 1)"),
    ):
        each(build.add(build.multiply(build.var(k, 0, universe.words - 1), 64), bit))


def _through_row(
    w: FunctionWriter, domain: SeqV | SlotV | BagV, body: Callable[[CValue], None], copies: bool
) -> None:
    row = in_memory(w, domain.row)
    i = w.name("i")
    at = num(build.var(i, 0, max(0, row.most - 1)), 0, max(0, row.most - 1))
    with w.loop(f"for (uint64_t {i} = 0; {i} < ", row.length.c, f"; {i}++)"):
        own = at_place(row, at)
        if not isinstance(domain, BagV):
            ended_quietly(lambda: body(own))
            return
        value, times = pair_of(own)
        if not copies or times.high <= 1:
            ended_quietly(lambda: body(value))
            return
        c = w.name("c")
        w.room *= times.high
        with w.loop(f"for (uint64_t {c} = 0; {c} < ", times.c, f"; {c}++)"):
            ended_quietly(lambda: body(value))
        w.room //= times.high


def ended_quietly(write: Callable[[], object]) -> None:
    """Write, whether or not what is written always leaves."""
    with suppress(BlockEnded):
        write()


# --- rows in arrays ---


def in_memory(w: FunctionWriter, row: RowSource) -> InArray | InState:
    """A row whose places can be counted through."""
    if not isinstance(row, ListedRow):
        return row
    shape = item_shape(w.shapes, row)
    assert shape is not None
    return to_array(w, row, shape, row.most)


def to_array(w: FunctionWriter, row: RowSource, shape: PackedShape, most: int) -> InArray:
    """A copy of a row in a C array, with room for `most`; its length is a C variable."""
    length = w.name("n")
    found = w.array(shape, most, Num(build.var(length, 0, most, stable=False), 0, most))
    words = row_leaves(w.shapes, row, shape, row.most)
    w.line(f"uint64_t {length} = ", words[0], ";")
    for k, word in enumerate(words[1:]):
        if word != 0:
            w.line(f"{found.name}[{k}] = ", word, ";")
    return found


def settled(w: FunctionWriter, row: InArray) -> InArray:
    """The row with its length fixed under a name of its own."""
    length = num(w.let(row.length.c, "n"), 0, row.most)
    return InArray(row.name, row.item, length, row.most, row.stride)
