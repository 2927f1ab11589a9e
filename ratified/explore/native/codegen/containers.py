"""Sets, bags, sequences and maps: how they are made, asked and changed, and the bounds that they are checked against.

Guarantees: sets of a small universe are words of bits throughout; rows (sequences, large sets, bags) are ordered and distinct
where their kind says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ratified.explore.native.codegen.expressions import Env, Expressions
from ratified.explore.native.codegen.numbers import (
    FALSE,
    TRUE,
    Num,
    Word,
    both,
    chosen,
    chosen_num,
    compare,
    const,
    count_bits,
    either,
    negation,
    num,
    tested,
    truth,
    word_and,
    word_or,
    word_text,
    word_without,
    word_xor,
)
from ratified.explore.native.codegen.shapes import (
    Shape,
    SMap,
    SNum,
    STup,
    Universe,
    Unsupported,
)
from ratified.explore.native.codegen.terms import (
    Arr,
    BagV,
    Bits,
    ListArr,
    MapV,
    MemArr,
    Ref,
    SeqV,
    SlotV,
    hull,
    known,
)
from ratified.explore.native.codegen.writer import Impure
from ratified.language import ir
from ratified.language.ir import Node
from ratified.language.types import (
    MapType,
    SetType,
    Type,
)

PLACES_MOST = 4096
"""The longest row that is taken place by place."""

FIND_MOST = 12
"""Up to so many places a search is written out."""

NO_KEY = "the map has no key of that value"
NO_INDEX = "the sequence has no such index"


class Containers(Expressions):
    """Writes expressions on containers."""

    # --- rows ---

    def listed(self, length: Num, items: Iterable[Any]) -> ListArr:
        """A row of known places."""
        return ListArr(self.v, length, list(items))

    def places(self, row: Arr) -> list[Any]:
        """The values at all places of a row."""
        if row.most > PLACES_MOST:
            raise Unsupported(
                f"a collection with room for {row.most:,} elements, and the native explorer takes {PLACES_MOST:,}",
                remedy="bound it with AtMost, or explore with engine='reference'",
            )
        return [row.get(const(k)) for k in range(row.most)]

    def item_shape(self, row: Arr) -> Shape | None:
        """The shape of the values of a row."""
        return self.v._item_shape(row)

    def to_memory(self, row: Arr, item: Shape, most: int) -> MemArr:
        """A copy of a row in a C array, with room for `most`."""
        if self.pure_depth:
            raise Impure
        length = self.name("n")
        found = self.array(item, most, Num(length, 0, most))
        leaves = self.v._row_leaves(row, item, row.most)
        self.line(f"int64_t {length} = {row.length.text()};")
        for k, leaf in enumerate(leaves[1:]):
            if leaf != 0:
                self.line(f"{found.name}[{k}] = {word_text(leaf)};")
        return found

    def element(self, value: Any, shape: Shape) -> str:
        """The leaves of a value as a C array."""
        leaves = self.v.leaves(value, shape)
        name = self.name("e")
        self.line(f"const uint64_t {name}[] = {{{', '.join(map(word_text, leaves)) or '0'}}};")
        return name

    def settle(self, row: MemArr) -> MemArr:
        """The row with its length fixed under a name of its own."""
        name = self.temp(row.length.text(), "int64_t", "n")
        return MemArr(self.v, row.name, row.item, Num(name, 0, row.most), row.most, row.stride)

    # --- making ---

    def _ev_make_set(self, node: ir.MakeSet, env: Env) -> Any:
        assert isinstance(node.type, SetType)
        return self.make_set(node.type.item, [self.ev(i, env) for i in node.items])

    def make_set(self, item: Type, values: list[Any]) -> Any:
        """A set of these."""
        values = [self.v.loaded(v) for v in values]
        shape = self.v.joined_all([self.v.shape_of(v) for v in values]) if values else None
        universe = self.element_universe(item, shape)
        if universe is not None:
            return self.add_all(empty_bits(universe), values)
        if all(map(known, values)):
            return self.v.lift_set(sorted_distinct([self.v.lower(v, item) for v in values]), item)
        assert shape is not None
        inner = self.inside(shape)
        row = self.to_memory(self.listed(const(0), []), inner, len(values))
        for value in values:
            self.insert_slot(row, value)
        return SlotV(self.settle(row))

    def insert_slot(self, row: MemArr, value: Any) -> None:
        """Put an element into a set under construction."""
        n = row.length.text()
        self.line(f"{n} = rt_insert({row.name}, {n}, {row.stride}, {self.element(value, row.item)});")

    def add_all(self, value: Bits, items: list[Any]) -> Bits:
        """A set of bits with more elements."""
        for item in items:
            value = self.add_bit(value, item)
        return value

    def add_bit(self, value: Bits, item: Any) -> Bits:
        """A set of bits with one more element."""
        code, valid = self.v.code_of(item, value.universe)
        if valid.c != 1:
            raise Unsupported(
                "an element outside of its set's universe", remedy="explore with engine='reference'"
            )
        words, possible = list(value.words), list(value.possible)
        for k, bit in enumerate(self.bit_words(code, value.universe)):
            if bit != 0:
                words[k] = word_or(words[k], bit)
                possible[k] |= bit if isinstance(bit, int) else value.universe.mask(k)
        return Bits(value.universe, tuple(words), tuple(possible))

    def bit_words(self, code: Num, universe: Universe) -> list[Word]:
        """The words of a set with one element."""
        if isinstance(code.c, int):
            return [1 << (code.c & 63) if code.c >> 6 == k else 0 for k in range(universe.words)]
        if universe.words == 1:
            return [f"(1ull << {code.c})"]
        code = self.hold(code)
        return [f"(({code.c} >> 6) == {k} ? 1ull << ({code.c} & 63) : 0)" for k in range(universe.words)]

    def _ev_make_seq(self, node: ir.MakeSeq, env: Env) -> Any:
        return SeqV(self.listed(const(len(node.items)), [self.ev(i, env) for i in node.items]))

    def _ev_make_map(self, node: ir.MakeMap, env: Env) -> Any:
        assert isinstance(node.type, MapType)
        pairs = [(self.val(k, env), self.ev(v, env)) for k, v in node.pairs]
        return self.make_map(node.type, pairs)

    def make_map(self, t: MapType, pairs: list[tuple[Any, Any]]) -> MapV:
        """A map from pairs of a key and a value, later ones winning."""
        universe = self.v.universe(t.key)
        if universe is None and all(known(k) for k, _ in pairs):
            universe = self.v.universe(hull([self.v.lower(k, t.key) for k, _ in pairs], t.key))
        if universe is None:
            raise Unsupported(
                f"a map whose keys are computed is not compiled for keys of type {t.key}",
                remedy="explore with engine='reference'",
            )
        entries: list[Any] = [None] * universe.size
        for key, value in pairs:
            code, valid = self.v.code_of(key, universe)
            if valid.c != 1:
                raise Unsupported(
                    "a map with keys outside of its type", remedy="explore with engine='reference'"
                )
            if isinstance(code.c, int):
                entries[code.c] = value
                continue
            for k, entry in enumerate(entries):
                if entry is not None:
                    entries[k] = self.v.select(compare("==", code, const(k)), value, entry)
        if any(e is None for e in entries):
            raise Unsupported(
                "a map without a value for every key is not compiled",
                remedy="explore with engine='reference'",
            )
        return MapV(universe, tuple(entries))

    # --- asking ---

    def _ev_in(self, node: ir.In, env: Env) -> Num:
        return self.contains(self.ev(node.container, env), self.ev(node.item, env))

    def contains(self, container: Any, item: Any) -> Num:
        """Membership of a set, bag or sequence, or among the keys of a map."""
        if isinstance(container, Ref) and isinstance(container.shape, SMap):
            container = empty_bits(container.shape.keys, full=True)
        container = self.v.loaded(container)
        if isinstance(container, MapV):
            container = empty_bits(container.keys, full=True)
        if isinstance(container, Bits):
            code, valid = self.v.code_of(item, container.universe)
            return both(valid, self.bit(container, code))
        row = container.row
        if row.most <= FIND_MOST or isinstance(row, ListArr):
            return either(*(self._there(row, k, container, item) for k in range(row.most)))
        return self.search(container, item)

    def bit(self, value: Bits, code: Num) -> Num:
        """Whether the element of a number is in a set."""
        if isinstance(code.c, int):
            if not value.possible[code.c >> 6] >> (code.c & 63) & 1:
                return FALSE
            return tested("some", value.words[code.c >> 6], 1 << (code.c & 63))
        if all(w == value.universe.mask(k) for k, w in enumerate(value.words)):
            return TRUE
        if len(value.words) == 1:
            return truth(f"({word_text(value.words[0])} >> {code.c} & 1)")
        code = self.hold(code)
        word: Word = value.words[-1]
        for k in range(len(value.words) - 2, -1, -1):
            word = chosen(
                truth(f"({code.c} >> 6 == {k})"),
                value.words[k],
                word,
            )
        return truth(f"({word_text(word)} >> ({code.c} & 63) & 1)")

    def _there(self, row: Arr, k: int, container: Any, item: Any) -> Num:
        """Whether the value at a place is there and is the item."""
        there = compare("<", const(k), row.length)
        if there.c == 0:
            return FALSE
        value = row.get(const(k))
        if isinstance(container, BagV):
            value = value.items[0]
        return both(there, self.equal(value, item))

    def search(self, container: Any, item: Any) -> Num:
        """Membership by a loop. Defined where loops are."""
        raise NotImplementedError

    def _ev_length(self, node: ir.Length, env: Env) -> Num:
        return self.length(self.ev(node.operand, env))

    def length(self, value: Any) -> Num:
        """How many elements there are, copies counted."""
        if isinstance(value, Ref) and isinstance(value.shape, SMap):
            return const(value.shape.keys.size)
        value = self.v.loaded(value)
        match value:
            case MapV():
                return const(value.keys.size)
            case Bits():
                found = count_bits(list(value.words))
                most = sum(p.bit_count() for p in value.possible)
                return num(found.c, min(found.low, most), most)
            case BagV():
                counts = [
                    chosen_num(
                        compare("<", const(k), value.row.length), value.row.get(const(k)).items[1], const(0)
                    )
                    for k in range(value.row.most)
                ]
                return self.total(counts)
        found = value.row.length
        assert isinstance(found, Num)
        return found

    def total(self, counts: list[Num]) -> Num:
        """A sum of small numbers."""
        counts = [c for c in counts if c.c != 0]
        if all(c.known for c in counts):
            return const(sum(c.c for c in counts))  # type: ignore[misc]  # all are ints
        low, high = sum(c.low for c in counts), sum(c.high for c in counts)
        return num("(" + " + ".join(c.text() for c in counts) + ")", low, high)

    def _ev_count(self, node: ir.Count, env: Env) -> Num:
        container, item = self.val(node.container, env), self.ev(node.item, env)
        row = container.row
        counts = []
        for k in range(row.most):
            times = row.get(const(k)).items[1] if isinstance(container, BagV) else const(1)
            counts.append(chosen_num(self._there(row, k, container, item), times, const(0)))
        return self.total(counts)

    def _ev_index_of(self, node: ir.IndexOf, env: Env) -> Num:
        container, item = self.val(node.container, env), self.ev(node.item, env)
        row = container.row
        tests = [self._there(row, k, container, item) for k in range(row.most)]
        self.fault_unless(either(*tests), "the sequence has no such element", node)
        found = const(max(0, row.most - 1))
        for k in range(row.most - 2, -1, -1):
            found = chosen_num(tests[k], const(k), found)
        return found

    def _ev_at(self, node: ir.At, env: Env) -> Any:
        container, key = self.ev(node.container, env), self.ev(node.key, env)
        return self.at(container, key, node)

    def key_code(self, keys: Universe, key: Any, node: Node) -> Num:
        """The number of a key, which must be one."""
        code, valid = self.v.code_of(key, keys)
        self.fault_unless(valid, NO_KEY, node)
        return num(code.c, max(0, code.low), min(keys.size - 1, code.high))

    def at(self, container: Any, key: Any, node: Node) -> Any:
        """The value of a map's key or at a sequence's index."""
        if isinstance(container, Ref) and isinstance(container.shape, SMap):
            return self.v.entry(container, self.key_code(container.shape.keys, key, node))
        container = self.v.loaded(container)
        if isinstance(container, MapV):
            code = self.key_code(container.keys, key, node)
            return ListArr(self.v, const(container.keys.size), list(container.entries)).get(code)
        row = container.row
        return row.get(self.index(row, self.v.loaded(key), node))

    def index(self, row: Arr, key: Num, node: Node) -> Num:
        """A position within a row, negative ones counting from the end."""
        if not key.known and len(key.text()) > 40:
            key = self.hold(key)
        fine = both(compare("<=", negated(row.length), key), compare("<", key, row.length))
        self.fault_unless(fine, NO_INDEX, node)
        if key.low < 0:
            from_end = self.arithmetic("+", key, row.length, node)
            key = chosen_num(compare("<", key, const(0)), from_end, key)
        return num(key.c, max(0, key.low), min(row.most - 1, key.high))

    def _ev_disjoint(self, node: ir.Disjoint, env: Env) -> Num:
        a, b = self.val(node.left, env), self.val(node.right, env)
        if isinstance(a, Bits) and isinstance(b, Bits):
            a, b = self.common(a, b)
            return both(
                *(
                    tested("none", y, x)
                    if isinstance(x, int)
                    else tested("none", x, y)
                    if isinstance(y, int)
                    else truth(f"(({x} & {y}) == 0)")
                    for x, y in zip(a.words, b.words, strict=True)
                )
            )
        if isinstance(a, Bits):
            a, b = b, a
        return self.every(a, lambda item: negation(self.contains(b, item)))

    # --- sets ---

    def common(self, a: Bits, b: Bits) -> tuple[Bits, Bits]:
        """Two sets in one universe."""
        universe = self.v.joined_universe(a.universe, b.universe)
        return self.v.as_bits(a, universe), self.v.as_bits(b, universe)

    def _ev_set_op(self, node: ir.SetOp, env: Env) -> Any:
        a, b = self.val(node.left, env), self.val(node.right, env)
        if isinstance(a, Bits) and isinstance(b, Bits):
            a, b = self.common(a, b)
            apply: dict[str, Callable[[Any, Any], Any]] = {
                "|": word_or,
                "&": word_and,
                "-": word_without,
                "^": word_xor,
            }
            may: dict[str, Callable[[int, int], int]] = {
                "|": int.__or__,
                "&": int.__and__,
                "-": lambda x, _: x,
                "^": int.__or__,
            }
            words = tuple(map(apply[node.op], a.words, b.words))
            possible = tuple(
                w if isinstance(w, int) else may[node.op](x, y)
                for w, x, y in zip(words, a.possible, b.possible, strict=True)
            )
            return Bits(
                a.universe, tuple(0 if not p else w for w, p in zip(words, possible, strict=True)), possible
            )
        return self.slot_operation(node.op, a, b)

    def slot_operation(self, op: str, a: Any, b: Any) -> Any:
        """An operation on large sets. Defined where loops are."""
        raise NotImplementedError

    def _ev_insert(self, node: ir.Insert, env: Env) -> Any:
        container, item = self.val(node.container, env), self.val(node.item, env)
        if isinstance(container, SeqV):
            return self.concat(container.row, self.listed(const(1), [item]))
        if isinstance(container, BagV):
            return self.bag_with(container, item)
        assert isinstance(node.type, SetType)
        if isinstance(container, Bits):
            code_valid = self.v.code_of(item, container.universe)[1]
            if code_valid.c == 1:
                return self.add_bit(container, item)
            universe = self.element_universe(
                node.type.item, self.v.joined(self.v.shape(container.universe.type), self.v.shape_of(item))
            )
            if universe is None:
                raise Unsupported(
                    "a set of many ints is not compiled", span=node.span, remedy="bound the ints with Range"
                )
            return self.add_bit(self.v.as_bits(container, universe), item)
        inner = self.inside(self.v.shape_of(item))
        own = self.item_shape(container.row)
        row = self.to_memory(
            container.row, self.v.joined(own, inner) if own else inner, container.row.most + 1
        )
        self.insert_slot(row, item)
        return SlotV(self.settle(row))

    def _ev_remove(self, node: ir.Remove, env: Env) -> Any:
        container, item = self.val(node.container, env), self.val(node.item, env)
        if node.strict:
            self.fault_unless(self.contains(container, item), "there is no such element to remove", node)
        if isinstance(container, Bits):
            code, valid = self.v.code_of(item, container.universe)
            words = [
                word_without(w, chosen(valid, bit, 0))
                for w, bit in zip(container.words, self.bit_words(code, container.universe), strict=True)
            ]
            possible = tuple(
                p & w if isinstance(w, int) else p for p, w in zip(container.possible, words, strict=True)
            )
            if isinstance(code.c, int) and valid.c == 1:
                possible = tuple(
                    p & ~(1 << (code.c & 63)) if code.c >> 6 == k else p for k, p in enumerate(possible)
                )
            return Bits(container.universe, tuple(words), possible)
        own = self.item_shape(container.row)
        if own is None:
            return container
        if isinstance(container, BagV):
            assert isinstance(own, STup)
            inner = self.v.joined(own.items[0], self.inside(self.v.shape_of(item)))
            row = self.to_memory(container.row, STup((inner, own.items[1])), container.row.most)
            n = row.length.text()
            self.line(f"{n} = rt_bag_remove({row.name}, {n}, {row.stride - 1}, {self.element(item, inner)});")
            return BagV(self.settle(row), container.copies)
        inner = self.v.joined(own, self.inside(self.v.shape_of(item)))
        row = self.to_memory(container.row, inner, container.row.most)
        n = row.length.text()
        self.line(f"{n} = rt_remove({row.name}, {n}, {row.stride}, {self.element(item, inner)});")
        return SlotV(self.settle(row))

    # --- bags ---

    def bag_memory(self, value: BagV, inner: Shape | None, more: int, copies: int) -> MemArr:
        """A bag in a C array, with room for `more` elements and as many more copies."""
        own = self.item_shape(value.row)
        assert own is None or isinstance(own, STup)
        item = self.v._joined_item(own.items[0] if own else None, inner)
        assert item is not None
        shape = STup((self.inside(item), SNum(0, value.copies + copies)))
        return self.to_memory(value.row, shape, value.row.most + more)

    def bag_add(self, row: MemArr, item: Any, copies: Num) -> None:
        """Put copies into a bag under construction."""
        assert isinstance(row.item, STup)
        n = row.length.text()
        self.line(
            f"{n} = rt_bag_add({row.name}, {n}, {row.stride - 1}, "
            f"{self.element(item, row.item.items[0])}, (uint64_t){copies.text()});"
        )

    def bag_with(self, value: BagV, item: Any) -> BagV:
        """A bag with one more copy."""
        if self.pure_depth:
            raise Impure
        row = self.bag_memory(value, self.inside(self.v.shape_of(item)), 1, 1)
        self.bag_add(row, item, const(1))
        return BagV(self.settle(row), value.copies + 1)

    def concat(self, a: Arr, b: Arr) -> SeqV:
        """Two sequences, one after the other. Defined where sequences are."""
        raise NotImplementedError


def empty_bits(universe: Universe, *, full: bool = False) -> Bits:
    """The empty set of a universe, or the full one."""
    words = tuple(universe.mask(k) if full else 0 for k in range(universe.words))
    return Bits(universe, words, words)


def sorted_distinct(values: list[Any]) -> list[Any]:
    """Values in canonical order, each once."""
    from ratified.language.values import Set

    return list(Set(values))


def negated(value: Num) -> Num:
    """`-value`, for a small value."""
    if isinstance(value.c, int):
        return const(-value.c)
    return num(f"(-{value.c})", -value.high, -value.low)
