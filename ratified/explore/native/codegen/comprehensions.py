"""Comprehensions: as tests of bits and masked copies where that can be, else unrolled, else as loops in C.

Guarantees: elements are met in canonical order; `all` and `any` stop where CPython stops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from ratified.explore.native.codegen.containers import empty_bits
from ratified.explore.native.codegen.expressions import Env
from ratified.explore.native.codegen.loops import Loops
from ratified.explore.native.codegen.numbers import (
    ALL_BITS,
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
)
from ratified.explore.native.codegen.shapes import HIGH, LOW, SMALL, SNum, STup, Unsupported
from ratified.explore.native.codegen.terms import Arr, BagV, Bits, MemArr, SeqV, SlotV, known
from ratified.explore.native.codegen.writer import Impure, Lines
from ratified.language import ir
from ratified.language.ir import Clause
from ratified.language.types import BagType, MapType, SeqType, SetType

ROOM_MOST = 4096
"""The largest set, bag or sequence that a comprehension may come to."""


@dataclass(slots=True)
class Source:
    """Where an element of a comprehension came from: one bit of a set (if any), and what else must be true."""

    bits: Bits | None
    number: int
    test: Num
    env: Env

    def present(self) -> Num:
        """Whether the element is there."""
        if self.bits is None:
            return self.test
        return both(tested("some", self.bits.words[self.number >> 6], 1 << (self.number & 63)), self.test)


class Comprehensions(Loops):
    """Writes comprehensions."""

    # --- comprehensions ---

    def _ev_collect(self, node: ir.Collect, env: Env) -> Any:
        if self.pure_depth:
            return self.collect_pure(node, env)
        found = self.pure(lambda: self.collect_pure(node, env), node)
        return self.collect_loops(node, env) if found is None else found

    def collect_pure(self, node: ir.Collect, env: Env) -> Any:
        """A comprehension as one expression, if it can be one."""
        if node.kind in ("all", "any"):
            return self._quantified(node, node.clauses, env)
        if node.kind == "sum":
            return self._sum(node, node.clauses, env)
        if node.kind == "seq":
            return self._mapped(node, env)
        sources = list(self._sources(node.clauses, env, None, 0, TRUE))
        if node.kind == "map":
            assert isinstance(node.type, MapType)
            pairs = [self.val(node.element, s.env).items for s in sources]
            if any(s.present().c != 1 for s in sources):
                raise Impure
            return self.make_map(node.type, [(self.v.loaded(k), v) for k, v in pairs])
        if node.kind == "set":
            return self._set(node, sources)
        if node.kind in ("min", "max"):
            return self._extreme(node, env, sources)
        raise Impure

    def _quantified(self, node: ir.Collect, clauses: tuple[Clause, ...], env: Env) -> Num:
        universal = node.kind == "all"
        if not clauses:
            found = self.val(node.element, env)
            assert isinstance(found, Num)
            return found
        clause, rest = clauses[0], clauses[1:]

        def test(item: Any) -> Num:
            inner = self.bound_to(env, clause.names, item)
            guards: list[Callable[[], Num]] = [partial(self.val, c, inner) for c in clause.conditions]
            if universal:
                guards = [partial(_negated, g) for g in guards]
            parts: list[Callable[[], Num]] = [*guards, partial(self._quantified, node, rest, inner)]
            return self.chain(parts, [None] * len(parts), conjunction=not universal)

        return self.over(self.ev(clause.domain, env), test, universal=universal)

    def _sum(self, node: ir.Collect, clauses: tuple[Clause, ...], env: Env) -> Num:
        if not clauses:
            found = self.val(node.element, env)
            assert isinstance(found, Num)
            return found
        clause, rest = clauses[0], clauses[1:]
        value = self.domain(self.ev(clause.domain, env))
        self.worth(self.size(value))
        parts: list[Num] = []
        by_amount: dict[int, list[int]] = {}

        def amount(item: Any) -> Num:
            inner = self.bound_to(env, clause.names, item)
            test = self.chain(
                [partial(self.val, c, inner) for c in clause.conditions],
                [None] * len(clause.conditions),
                conjunction=True,
            )
            return FALSE if test.c == 0 else chosen_num(test, self._sum(node, rest, inner), const(0))

        if isinstance(value, Bits):
            for k in self.numbers(value):
                found = amount(self.v.element(value.universe, k))
                word = value.words[k >> 6]
                if isinstance(word, int):
                    parts.append(found)
                elif isinstance(found.c, int):
                    by_amount.setdefault(found.c, [0] * value.universe.words)[k >> 6] |= 1 << (k & 63)
                else:
                    parts.append(chosen_num(tested("some", word, 1 << (k & 63)), found, const(0)))
            for times, masks in by_amount.items():
                counted = count_bits([word_and(w, m) for w, m in zip(value.words, masks, strict=True) if m])
                most = sum(m.bit_count() for m in masks)
                counted = num(counted.c, min(counted.low, most), most)
                if times:
                    parts.append(
                        num(
                            f"({const(times).text()} * {counted.text()})",
                            min(0, times * most),
                            max(0, times * most),
                        )
                        if times != 1
                        else counted
                    )
        else:
            for k in range(value.row.most):
                there = compare("<", const(k), value.row.length)
                if there.c == 0:
                    break
                item = value.row.get(const(k))
                if isinstance(value, BagV):
                    found = amount(item.items[0])
                    found = self.arithmetic("*", found, item.items[1], node)
                else:
                    found = amount(item)
                parts.append(chosen_num(there, found, const(0)))
        found = self.total(parts)
        if found.low < LOW or found.high > HIGH:
            raise Impure
        return found

    def _mapped(self, node: ir.Collect, env: Env) -> Any:
        """A sequence that keeps the length of what it is made from."""
        if len(node.clauses) == 1 and not node.clauses[0].conditions:
            (clause,) = node.clauses
            value = self.domain(self.ev(clause.domain, env))
            if isinstance(value, SeqV | SlotV):
                self.worth(value.row.most)
                items = [
                    self.ev(node.element, self.bound_to(env, clause.names, value.row.get(const(k))))
                    for k in range(value.row.most)
                ]
                return SeqV(self.listed(value.row.length, items))
        found = []
        for source in self._sources(node.clauses, env, None, 0, TRUE):
            present = source.present()
            if not present.known:
                raise Impure
            if present.c:
                found.append(self.ev(node.element, source.env))
        return SeqV(self.listed(const(len(found)), found))

    def _sources(
        self, clauses: tuple[Clause, ...], env: Env, bits: Bits | None, number: int, test: Num
    ) -> Iterator[Source]:
        if not clauses:
            yield Source(bits, number, test, env)
            return
        clause, rest = clauses[0], clauses[1:]
        value = self.domain(self.ev(clause.domain, env))
        self.worth(self.size(value))
        self.multiplicity *= max(1, self.size(value))
        try:
            for one, k, present, item in self._elements(value):
                inner = self.bound_to(env, clause.names, item)
                fine = self.chain(
                    [partial(self.val, c, inner) for c in clause.conditions],
                    [None] * len(clause.conditions),
                    conjunction=True,
                )
                fine = both(test, present, fine)
                if fine.c == 0:
                    continue
                if one is not None and bits is not None:
                    fine = both(tested("some", one.words[k >> 6], 1 << (k & 63)), fine)
                yield from self._sources(rest, inner, bits or one, number if bits else k, fine)
        finally:
            self.multiplicity //= max(1, self.size(value))

    def _elements(self, value: Any) -> Iterator[tuple[Bits | None, int, Num, Any]]:
        """Elements: the set and number (where it is not certain that the set has it), whether it is there, its value."""
        if isinstance(value, Bits):
            for k in self.numbers(value):
                item = self.v.element(value.universe, k)
                certain = isinstance(value.words[k >> 6], int)
                yield None if certain else value, k, TRUE, item
            return
        if isinstance(value, BagV):
            raise Impure
        for k in range(value.row.most):
            there = compare("<", const(k), value.row.length)
            if there.c == 0:
                return
            yield None, 0, there, value.row.get(const(k))

    def _set(self, node: ir.Collect, sources: list[Source]) -> Any:
        assert isinstance(node.type, SetType)
        made = [self.val(node.element, s.env) for s in sources]
        shape = self.v.joined_all([self.v.shape_of(m) for m in made]) if made else None
        universe = self.element_universe(node.type.item, shape)
        if universe is None:
            if all(map(known, made)) and all(s.present().c == 1 for s in sources):
                return self.make_set(node.type.item, made)
            raise Impure
        words: list[Word] = [0] * universe.words
        possible = [0] * universe.words

        def put(part: Bits, test: Num) -> None:
            for k, (word, may) in enumerate(zip(part.words, part.possible, strict=True)):
                if may:
                    words[k] = word_or(words[k], chosen(test, word, 0))
                    possible[k] |= may

        groups: dict[tuple[int, int | str], tuple[Bits, Num, list[tuple[int, int]]]] = {}
        wide: dict[str, Bits] = {}
        for source, element in zip(sources, made, strict=True):
            code, valid = self.v.code_of(element, universe)
            if valid.c != 1:
                raise Unsupported(
                    "an element outside of its set's universe", remedy="explore with engine='reference'"
                )
            if isinstance(code.c, int) and source.bits is None and (bit := _one_bit(source.test)):
                # A condition that is one bit of a word: its bit is moved like that of a set.
                word, number = bit
                own = wide.setdefault(word, Bits(self.bits_of_word, (word,), (ALL_BITS,)))
                group = groups.setdefault((id(own), 1), (own, TRUE, []))
                group[2].append((number, code.c))
            elif source.bits is not None and isinstance(code.c, int):
                group = groups.setdefault((id(source.bits), source.test.c), (source.bits, source.test, []))
                group[2].append((source.number, code.c))
            else:
                put(self.add_bit(empty_bits(universe), element), source.present())
        for bits, test, pairs in groups.values():
            put(self.v.moved(bits, pairs, universe), test)
        return Bits(universe, tuple(words), tuple(possible))

    def _extreme(self, node: ir.Collect, env: Env, sources: list[Source]) -> Any:
        """Min or max of elements whose keys are known: a chain of tests from the best on."""
        keyed = []
        for source in sources:
            element = self.val(node.element, source.env)
            keyed.append((self.val(node.key, source.env) if node.key else element, source.present(), element))
        if not all(known(k) for k, _, _ in keyed):
            if len(keyed) > 4 or not all(p.c == 1 for _, p, _ in keyed) or not keyed:
                raise Impure
            best_key, _, best = keyed[0]
            for key, _, element in keyed[1:]:
                better = (
                    self.comparison("<", key, best_key)
                    if node.kind == "min"
                    else self.comparison("<", best_key, key)
                )
                best, best_key = self.v.select(better, element, best), self.v.select(better, key, best_key)
            return best
        shape = self.v.joined_all([self.v.shape_of(k) for k, _, _ in keyed]) if keyed else SNum(0, 0)
        keyed.sort(key=lambda k: self.v.leaves(k[0], shape), reverse=node.kind == "max")
        nothing = negation(either(*(p for _, p, _ in keyed)))
        if node.default is None:
            self.fault_unless(negation(nothing), f"{node.kind} of nothing", node)
            found = keyed[-1][2]
            keyed = keyed[:-1]
        else:
            found = self.val(node.default, env)
        for _, present, element in reversed(keyed):
            found = self.v.select(present, element, found)
        return found

    # --- comprehensions by loops ---

    def collect_loops(self, node: ir.Collect, env: Env) -> Any:
        """A comprehension by loops."""
        match node.kind:
            case "all" | "any":
                return self._quantified_loops(node, env)
            case "sum":
                return self._sum_loops(node, env)
            case "min" | "max":
                return self._extreme_loops(node, env)
            case "map":
                return self._map_loops(node, env)
        return self._gather(node, env)

    def nest(
        self,
        clauses: tuple[Clause, ...],
        env: Env,
        leaf: Callable[[Env], None],
        *,
        copies: bool,
        unroll: bool = False,
    ) -> None:
        """Write nested loops with their conditions around what `leaf` writes."""
        if not clauses:
            leaf(env)
            return
        clause, rest = clauses[0], clauses[1:]

        def body(item: Any) -> None:
            inner = self.bound_to(env, clause.names, item)

            def conditions(index: int) -> None:
                if index == len(clause.conditions):
                    self.nest(rest, inner, leaf, copies=copies, unroll=unroll)
                    return
                self._if(self.val(clause.conditions[index], inner), lambda: conditions(index + 1))

            conditions(0)

        domain = self.ev(clause.domain, env)
        self.loop(self.named(self.domain(domain)), body, copies=copies, unroll=unroll)

    def _quantified_loops(self, node: ir.Collect, env: Env) -> Num:
        universal = node.kind == "all"
        result, end = self.name("r"), self.name("L")
        self.line(f"int {result} = {int(universal)};")
        leave = f"{{ {result} = {int(not universal)}; goto {end}; }}"

        def leaf(inner: Env) -> None:
            found = self.val(node.element, inner)
            if universal:
                found = negation(found)
            if found.c == 1:
                self.leave(leave)
            if found.c != 0:
                self.line(f"if ({found.text()}) {leave}")

        self._ended(lambda: self.nest(node.clauses, env, leaf, copies=False))
        self.line(f"{end}:;")
        return truth(result)

    def _sum_loops(self, node: ir.Collect, env: Env) -> Num:
        total = self.name("n")
        self.line(f"int64_t {total} = 0;")
        ends = [0, 0]
        begun = self.room

        def leaf(inner: Env) -> None:
            found = self.val(node.element, inner)
            times = self.room // begun
            ends[0] += min(0, found.low) * times
            ends[1] += max(0, found.high) * times
            # A loop may come back to here after what other places add: only what is small is added unchecked.
            if ends[0] < LOW or ends[1] > HIGH or max(-found.low, found.high) > SMALL:
                overflow = truth(f"__builtin_add_overflow({total}, {found.text()}, &{total})")
                self.fault_unless(negation(overflow), "a number is too large for the native explorer", node)
            else:
                self.line(f"{total} += {found.text()};")

        self.nest(node.clauses, env, leaf, copies=True)
        return (
            Num(total, max(LOW, ends[0]), min(HIGH, ends[1]))
            if ends[0] < ends[1]
            else num(total, ends[0], ends[1])
        )

    def _map_loops(self, node: ir.Collect, env: Env) -> Any:
        assert isinstance(node.type, MapType)
        pairs: list[tuple[Any, Any]] = []

        def leaf(inner: Env) -> None:
            key, value = self.val(node.element, inner).items
            pairs.append((self.v.loaded(key), self.named(value)))

        self.nest(node.clauses, env, leaf, copies=True, unroll=True)
        return self.make_map(node.type, pairs)

    def _extreme_loops(self, node: ir.Collect, env: Env) -> Any:
        have, before = self.name("r"), self.later()
        self.line(f"int {have} = 0;")
        found: list[tuple[Lines, Any, Any]] = []

        def leaf(inner: Env) -> None:
            element = self.named(self.val(node.element, inner))
            key = self.named(self.val(node.key, inner)) if node.key else element
            found.append((self.later(), key, element))

        self.nest(node.clauses, env, leaf, copies=False)
        if not found:
            if node.default is None:
                self.fault_unless(FALSE, f"{node.kind} of nothing", node)
            assert node.default is not None
            return self.ev(node.default, env)
        key_shape = self.v.joined_all([self.v.shape_of(k) for _, k, _ in found])
        shape = self.v.joined_all([self.v.shape_of(e) for _, _, e in found])
        key_names, best_key, declared = self.variable(key_shape)
        names, best, also = self.variable(shape)
        before.extend([*declared, *also])
        for slot, key, element in found:
            better = (
                self.comparison("<", key, best_key)
                if node.kind == "min"
                else self.comparison("<", best_key, key)
            )
            slot.append(f"if ({either(negation(truth(have)), better).text()}) {{ {have} = 1;")
            slot.extend([*self.assign(key_names, key, key_shape), *self.assign(names, element, shape), "}"])
        if node.default is None:
            self.fault_unless(truth(have), f"{node.kind} of nothing", node)
            return best
        default = node.default
        return self.two_ways(truth(have), lambda: best, lambda: self.ev(default, env), None)

    def later(self) -> Lines:
        """A place among the lines to be filled in later."""
        slot: Lines = []
        self.line(slot)
        return slot

    def _gather(self, node: ir.Collect, env: Env) -> Any:
        """A set, sequence or bag by loops."""
        assert isinstance(node.type, SetType | SeqType | BagType)
        before = self.later()
        found: list[tuple[Lines, Any, Num]] = []
        begun, room = self.room, 0

        def leaf(inner: Env) -> None:
            nonlocal room
            room += self.room // begun
            element = self.named(self.v.loaded(self.ev(node.element, inner)))
            found.append((self.later(), element, const(1)))

        self.nest(node.clauses, env, leaf, copies=node.kind != "set")
        return self.gathered(node.kind, node.type.item, before, found, room)

    def gathered(
        self, kind: str, item: Any, before: Lines, found: list[tuple[Lines, Any, Num]], room: int
    ) -> Any:
        """The container that puts each element in at its place among the lines."""
        if not found:
            if kind == "set":
                return self.make_set(item, [])
            row = self.listed(const(0), [])
            return SeqV(row) if kind == "seq" else BagV(row, 1)
        shape = self.v.joined_all([self.v.shape_of(e) for _, e, _ in found])
        if kind == "set" and (universe := self.element_universe(item, shape)) is not None:
            words = self.name("a")
            before.append(f"uint64_t {words}[{universe.words}] = {{0}};")
            for slot, element, _ in found:
                code, _ = self.v.code_of(element, universe)
                if isinstance(code.c, int):
                    slot.append(f"{words}[{code.c >> 6}] |= {1 << (code.c & 63):#x}ull;")
                else:
                    index = "0" if universe.words == 1 else f"{code.c} >> 6"
                    slot.append(f"{words}[{index}] |= 1ull << ({code.c} & 63);")
            return Bits(
                universe,
                tuple(f"{words}[{k}]" for k in range(universe.words)),
                tuple(universe.mask(k) for k in range(universe.words)),
            )
        if room > ROOM_MOST:
            raise Unsupported(
                f"a comprehension over {room:,} combinations, and the native explorer takes {ROOM_MOST:,}",
                remedy="explore with engine='reference'",
            )
        if kind != "seq":
            shape = self.inside(shape)
        if kind == "bag":
            shape = STup((shape, SNum(0, room)))
        length = self.name("n")
        lines, made, _ = self.branch(lambda: self.array(shape, room, Num(length, 0, room)))
        assert made is not None
        before.extend([*lines, f"int64_t {length} = 0;"])
        for slot, element, times in found:
            slot.extend(self.branch(partial(self._put, kind, made, element, times))[0])
        done = self.settle(made)
        match kind:
            case "set":
                return SlotV(done)
            case "bag":
                return BagV(done, room)
        return SeqV(done)

    def _put(self, kind: str, row: MemArr, element: Any, times: Num) -> None:
        if kind == "set":
            self.insert_slot(row, element)
        elif kind == "bag":
            self.bag_add(row, element, times)
        else:
            self.append(row, element)

    def append(self, row: MemArr, element: Any) -> None:
        """Put an element at the end of a row under construction."""
        n = row.length.text()
        for k, leaf in enumerate(self.v.leaves(element, row.item)):
            self.line(f"{row.name}[{n} * {row.stride} + {k}] = {word_text(leaf)};")
        self.line(f"{n}++;")

    # --- large sets ---

    def slot_operation(self, op: str, a: Any, b: Any) -> Any:
        """`| & - ^` where one of the sets is a row."""
        if self.pure_depth:
            raise Impure
        if op == "^":
            return self.slot_operation("|", self.slot_operation("-", a, b), self.slot_operation("-", b, a))
        before = self.later()
        found: list[tuple[Lines, Any, Num]] = []
        room = 0

        def put(item: Any) -> None:
            nonlocal room
            room += 1
            element = self.named(item)  # before the place where it is put in
            found.append((self.later(), element, const(1)))

        def take(item: Any) -> None:
            keep = self.contains(b, item)
            self._if(keep if op == "&" else negation(keep), lambda: put(item))

        if op == "|":
            self.loop(a, put, unroll=True)
            self.loop(b, put, unroll=True)
        else:
            self.loop(a, take, unroll=True)
        t = next((x.universe.type for x in (a, b) if isinstance(x, Bits)), None)
        if t is None:
            return self.gathered_rows(before, found, room)
        return self.gathered("set", t, before, found, room)

    def gathered_rows(self, before: Lines, found: list[tuple[Lines, Any, Num]], room: int) -> Any:
        """A set as a row, whatever its elements."""
        if not found:
            return SlotV(self.listed(const(0), []))
        shape = self.inside(self.v.joined_all([self.v.shape_of(e) for _, e, _ in found]))
        length = self.name("n")
        lines, row, _ = self.branch(lambda: self.array(shape, room, Num(length, 0, room)))
        assert row is not None
        before.extend([*lines, f"int64_t {length} = 0;"])
        for slot, element, _ in found:
            slot.extend(self.branch(partial(self.insert_slot, row, element))[0])
        return SlotV(self.settle(row))

    def as_row(self, value: Any) -> Arr:
        """The elements of a container in canonical order, copies repeated."""
        value = self.domain(value)
        if isinstance(value, SlotV | SeqV):
            return value.row
        if known(value) and isinstance(value, Bits):
            items = [self.v.element(value.universe, k) for k in self.numbers(value)]
            return self.listed(const(len(items)), items)
        before = self.later()
        found: list[tuple[Lines, Any, Num]] = []
        room, begun = 0, self.room

        def put(item: Any) -> None:
            nonlocal room
            room += self.room // begun
            element = self.named(item)  # before the place where it is put in
            found.append((self.later(), element, const(1)))

        self.loop(value, put)
        made = self.gathered("seq", None, before, found, room)
        assert isinstance(made, SeqV)
        return made.row


def _negated(test: Callable[[], Num]) -> Num:
    return negation(test())


def _one_bit(test: Num) -> tuple[str, int] | None:
    """The word and bit, if a condition is that one bit is set."""
    own = test.test.said(equal=True) if test.test else None
    if own is None or own.value != own.mask or own.mask & (own.mask - 1):
        return None
    return own.word, own.mask.bit_length() - 1
