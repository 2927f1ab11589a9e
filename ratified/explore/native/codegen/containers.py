"""Rules for sets, bags and maps: how they are made, asked and changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ratified.explore.native.codegen import build
from ratified.explore.native.codegen.asking import at, common, contains, key_code, length, matches
from ratified.explore.native.codegen.choosing import chosen_value
from ratified.explore.native.codegen.gathering import (
    add_bit,
    add_copies,
    bag_array,
    bag_with,
    make_set,
    row_operation,
    set_with,
    without,
)
from ratified.explore.native.codegen.joins import bag_item, element_universe, joined, shape_of
from ratified.explore.native.codegen.leaves import as_bits, bit_words, code_of
from ratified.explore.native.codegen.lifting import lower
from ratified.explore.native.codegen.loops import over, settled
from ratified.explore.native.codegen.nodes import Word
from ratified.explore.native.codegen.numbers import (
    FALSE,
    Num,
    both,
    chosen,
    chosen_num,
    compare,
    const,
    either,
    negation,
    same_word,
    total,
)
from ratified.explore.native.codegen.packing import item, there
from ratified.explore.native.codegen.sequences import concat, with_item
from ratified.explore.native.codegen.shapes import Unsupported
from ratified.explore.native.codegen.terms import (
    BagV,
    Bits,
    CValue,
    HeldValue,
    MapV,
    SeqV,
    SlotV,
    as_num,
    hull,
    known,
    listed,
    pair_of,
)
from ratified.explore.native.codegen.writer import FunctionWriter, Here
from ratified.language import ir
from ratified.language.rules import Rules
from ratified.language.types import MapType, SetType

containers: Rules[Here, HeldValue] = Rules("C of sets, bags and maps")

_OPERATIONS: dict[str, tuple[Callable[[Word, Word], Word], Callable[[int, int], int]]] = {
    "|": (build.bit_or, int.__or__),
    "&": (build.bit_and, int.__and__),
    "-": (build.without, lambda x, _: x),
    "^": (build.bit_xor, int.__or__),
}
"""What becomes of words, and of the bits that they may have."""


# --- making ---


@containers.rule(ir.MakeSet)
def _(node: ir.MakeSet, here: Here) -> HeldValue:
    assert isinstance(node.type, SetType)
    return make_set(here.w, node.type.item, [here.ev(i) for i in node.items])


@containers.rule(ir.MakeMap)
def _(node: ir.MakeMap, here: Here) -> HeldValue:
    assert isinstance(node.type, MapType)
    return make_map(here.w, node.type, [(here.val(k), here.val(v)) for k, v in node.pairs])


def make_map(w: FunctionWriter, t: MapType, pairs: Sequence[tuple[CValue, CValue]]) -> MapV:
    """A map from pairs of a key and a value, later ones winning."""
    universe = w.shapes.universe(t.key)
    if universe is None and all(known(k) for k, _ in pairs):
        universe = w.shapes.universe(hull([lower(w.shapes, k, t.key) for k, _ in pairs], t.key))
    if universe is None:
        raise Unsupported(
            f"a map whose keys are computed cannot be compiled for keys of type {t.key}",
            remedy="explore with engine='reference'",
        )
    entries: list[CValue | None] = [None] * universe.size
    for key, value in pairs:
        code, valid = code_of(w.shapes, key, universe)
        if valid.c != 1:
            raise Unsupported("a map with keys outside of its type", remedy="explore with engine='reference'")
        if isinstance(code.c, int):
            entries[code.c] = value
            continue
        for k, entry in enumerate(entries):
            if entry is not None:
                entries[k] = chosen_value(w.shapes, compare("==", code, const(k)), value, entry)
    found = [e for e in entries if e is not None]
    if len(found) < len(entries):
        raise Unsupported(
            "a map without a value for every key cannot be compiled",
            remedy="explore with engine='reference'",
        )
    return MapV(universe, tuple(found))


# --- asking ---


@containers.rule(ir.In)
def _(node: ir.In, here: Here) -> HeldValue:
    container = here.ev(node.container)
    return contains(here.w, container, here.ev(node.item))


@containers.rule(ir.Length)
def _(node: ir.Length, here: Here) -> HeldValue:
    return length(here.ev(node.operand))


@containers.rule(ir.Count)
def _(node: ir.Count, here: Here) -> HeldValue:
    container, one = here.val(node.container), here.ev(node.item)
    assert isinstance(container, BagV | SeqV)
    counts = []
    for k, found in enumerate(matches(here.w, container, one)):
        times = pair_of(item(container.row, k))[1] if isinstance(container, BagV) else const(1)
        counts.append(chosen_num(found, times, FALSE))
    return total(counts)


@containers.rule(ir.IndexOf)
def _(node: ir.IndexOf, here: Here) -> HeldValue:
    container, one = here.val(node.container), here.ev(node.item)
    assert isinstance(container, SeqV)
    tests = matches(here.w, container, one)
    here.w.fault_unless(either(FALSE, *tests), "the sequence has no such element", node)
    found = const(max(0, container.row.most - 1))
    for k in range(container.row.most - 2, -1, -1):
        found = chosen_num(tests[k], const(k), found)
    return found


@containers.rule(ir.At)
def _(node: ir.At, here: Here) -> HeldValue:
    container, key = here.ev(node.container), here.ev(node.key)
    return at(here.w, container, key, node)


@containers.rule(ir.Disjoint)
def _(node: ir.Disjoint, here: Here) -> HeldValue:
    w, a, b = here.w, here.val(node.left), here.val(node.right)
    if isinstance(a, Bits) and isinstance(b, Bits):
        a, b = common(w, a, b)
        return both(*(same_word(build.bit_and(x, y), 0) for x, y in zip(a.words, b.words, strict=True)))
    if isinstance(a, Bits):
        a, b = b, a
    return over(w, a, lambda one: negation(contains(w, b, one)), universal=True)


# --- changing ---


@containers.rule(ir.SetOp)
def _(node: ir.SetOp, here: Here) -> HeldValue:
    a, b = here.val(node.left), here.val(node.right)
    if not (isinstance(a, Bits) and isinstance(b, Bits)):
        return row_operation(here.w, node.op, a, b)
    a, b = common(here.w, a, b)
    make, may = _OPERATIONS[node.op]
    words, possible = [], []
    for x, y, p, q in zip(a.words, b.words, a.possible, b.possible, strict=True):
        word = make(x, y)
        left = word if isinstance(word, int) else may(p, q)
        words.append(word if left else 0)
        possible.append(left)
    return Bits(a.universe, tuple(words), tuple(possible))


@containers.rule(ir.Insert)
def _(node: ir.Insert, here: Here) -> HeldValue:
    w, container, one = here.w, here.val(node.container), here.val(node.item)
    if isinstance(container, SeqV):
        return concat(w, container.row, listed([one]))
    if isinstance(container, BagV):
        return bag_with(w, container, one)
    if isinstance(container, SlotV):
        return set_with(w, container, one)
    assert isinstance(container, Bits)
    assert isinstance(node.type, SetType)
    if code_of(w.shapes, one, container.universe)[1].c == 1:
        return add_bit(w, container, one)
    shape = joined(w.shapes, w.shapes.shape(container.universe.type), shape_of(w.shapes, one))
    universe = element_universe(w.shapes, node.type.item, shape)
    if universe is None:
        raise Unsupported(
            "a set of many ints cannot be compiled", span=node.span, remedy="bound the ints with Range"
        )
    return add_bit(w, as_bits(w.shapes, container, universe), one)


@containers.rule(ir.Remove)
def _(node: ir.Remove, here: Here) -> HeldValue:
    w, container, one = here.w, here.val(node.container), here.val(node.item)
    if node.strict:
        w.fault_unless(contains(w, container, one), "there is no such element to remove", node)
    if not isinstance(container, Bits):
        assert isinstance(container, SlotV | BagV)
        return without(w, container, one)
    code, valid = code_of(w.shapes, one, container.universe)
    words, possible = [], []
    for k, (word, bit) in enumerate(zip(container.words, bit_words(code, container.universe), strict=True)):
        left = build.without(word, chosen(valid, bit, 0))
        may = container.possible[k]
        if isinstance(left, int):
            may &= left
        elif isinstance(code.c, int) and valid.c == 1 and code.c >> 6 == k:
            may &= ~(1 << (code.c & 63))
        words.append(left)
        possible.append(may)
    return Bits(container.universe, tuple(words), tuple(possible))


@containers.rule(ir.With)
def _(node: ir.With, here: Here) -> HeldValue:
    w, container, key, value = here.w, here.val(node.container), here.val(node.key), here.val(node.value)
    if not isinstance(container, MapV):
        assert isinstance(container, SeqV)
        return with_item(w, container, as_num(key), value, node)
    code = key_code(w, container.keys, key, node)
    entries = [
        chosen_value(w.shapes, compare("==", code, const(k)), value, entry)
        for k, entry in enumerate(container.entries)
    ]
    return MapV(container.keys, tuple(entries))


@containers.rule(ir.Concat)
def _(node: ir.Concat, here: Here) -> HeldValue:
    w, a, b = here.w, here.val(node.left), here.val(node.right)
    if isinstance(a, SeqV) and isinstance(b, SeqV):
        return concat(w, a.row, b.row)
    assert isinstance(a, BagV)
    assert isinstance(b, BagV)
    own = bag_item(w.shapes, b.row)
    if own is None:
        return a
    row = bag_array(w, a, own, b.row.most, b.copies)
    for k in range(b.row.most):
        value, times = pair_of(item(b.row, k))
        block, _, _ = w.branch(lambda value=value, times=times: add_copies(w, row, value, times))  # type: ignore[misc]  # bound here
        present: Num = there(b.row, k)
        if present.c == 1:
            w.extend(block)
        elif present.c != 0:
            w.when(present, block)
    return BagV(settled(w, row), a.copies + b.copies)
