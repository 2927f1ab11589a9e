"""Loops: unrolled, or in C; and tests of all or some elements, as tests of bits where that can be.

Guarantees: elements are met in canonical order; `all` and `any` stop where CPython stops.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any

from ratified.explore.native.codegen.bounds import Bounds
from ratified.explore.native.codegen.containers import empty_bits
from ratified.explore.native.codegen.expressions import Env
from ratified.explore.native.codegen.numbers import (
    Num,
    both,
    compare,
    const,
    either,
    negation,
    num,
    tested,
    truth,
    word_text,
)
from ratified.explore.native.codegen.shapes import Universe
from ratified.explore.native.codegen.terms import BagV, Bits, ListArr, MapV, Ref
from ratified.explore.native.codegen.writer import Ended, Impure
from ratified.language.types import IntType

PURE_MOST = 3000
"""How many elements (of nested loops, multiplied) are looked at to make one expression."""

UNROLLED_MOST = 24
"""How many copies of a loop's body (of nested loops, multiplied) are written out; longer ones are loops in C."""


class Loops(Bounds):
    """Writes loops, and `all` and `any` of a test."""

    room = 1

    @property
    def bits_of_word(self) -> Universe:
        """A universe of 64 numbers, for words that are no set's."""
        return self.v.needed(IntType(0, 63))

    # --- elements of domains, one by one ---

    def domain(self, value: Any) -> Any:
        """What is run through: a set of bits or a row; for a map its keys."""
        if isinstance(value, Ref) and hasattr(value.shape, "keys"):
            return empty_bits(value.shape.keys, full=True)
        value = self.v.loaded(value)
        return empty_bits(value.keys, full=True) if isinstance(value, MapV) else value

    def size(self, value: Any) -> int:
        """How many places a domain has."""
        if isinstance(value, Bits):
            return sum(p.bit_count() for p in value.possible)
        return value.row.most  # type: ignore[no-any-return]  # a row

    def numbers(self, value: Bits) -> list[int]:
        """The numbers of the elements that a set may have."""
        return [k for k in range(value.universe.size) if value.possible[k >> 6] >> (k & 63) & 1]

    def bound_to(self, env: Env, names: tuple[str, ...], item: Any) -> Env:
        """An environment with an element's names."""
        if len(names) == 1:
            return {**env, names[0]: item}
        return {**env, **dict(zip(names, self.v.loaded(item).items, strict=True))}

    def worth(self, places: int) -> None:
        """Refuse to look at too many elements one by one."""
        if self.multiplicity * places > PURE_MOST:
            raise Impure

    # --- all and any as expressions ---

    def over(self, value: Any, test: Callable[[Any], Num], *, universal: bool) -> Num:
        """`all` or `any` of a test, as one expression."""
        value = self.domain(value)
        self.worth(self.size(value))
        self.multiplicity *= max(1, self.size(value))
        try:
            return self._over(value, test, universal)
        finally:
            self.multiplicity //= max(1, self.size(value))

    def _over(self, value: Any, test: Callable[[Any], Num], universal: bool) -> Num:
        join, split, skip = (both, either, 1) if universal else (either, both, 0)
        parts: list[Num] = []
        if isinstance(value, Bits):
            groups: dict[int | str, tuple[Num, list[int]]] = {}
            for k in self.numbers(value):
                found = test(self.v.element(value.universe, k))
                if found.c != skip:
                    masks = groups.setdefault(found.c, (found, [0] * value.universe.words))[1]
                    masks[k >> 6] |= 1 << (k & 63)
            for found, masks in groups.values():
                kind = "none" if universal else "some"
                several = [tested(kind, w, m) for w, m in zip(value.words, masks, strict=True) if m]
                parts.append(split(join(*several), found))
            return join(*parts)
        for k in range(value.row.most):
            there = compare("<", const(k), value.row.length)
            if there.c == 0:
                break
            item = value.row.get(const(k))
            found = test(item.items[0] if isinstance(value, BagV) else item)
            parts.append(split(negation(there) if universal else there, found))
        return join(*parts)

    def every(self, container: Any, test: Callable[[Any], Num]) -> Num:
        """Whether a test holds of every element."""
        if self.pure_depth:
            return self.over(container, test, universal=True)
        found = self.pure(lambda: self.over(container, test, universal=True))
        return self.looped(container, test, universal=True) if found is None else found

    def looped(self, container: Any, test: Callable[[Any], Num], *, universal: bool) -> Num:
        """`all` or `any` by a loop that stops early."""
        result, end = self.name("r"), self.name("L")
        self.line(f"int {result} = {int(universal)};")

        def body(item: Any) -> None:
            found = test(item)
            if universal:
                found = negation(found)
            if found.c == 0:
                return
            leave = f"{{ {result} = {int(not universal)}; goto {end}; }}"
            if found.c == 1:
                self.leave(leave)
            self.line(f"if ({found.text()}) {leave}")

        with suppress(Ended):
            self.loop(container, body, copies=False)
        self.line(f"{end}:;")
        return truth(result)

    def search(self, container: Any, item: Any) -> Num:
        """Membership by a loop."""
        if self.pure_depth:
            raise Impure
        item = self.named(item)
        return self.looped(container, lambda own: self.equal(own, item), universal=False)

    # --- loops ---

    def loop(
        self, value: Any, body: Callable[[Any], None], *, copies: bool = True, unroll: bool = False
    ) -> None:
        """Write `body` for each element in canonical order (each copy of a bag's, unless `copies` is False)."""
        if self.pure_depth:
            raise Impure
        value = self.domain(value)
        places = self.size(value)
        if unroll or places <= 1 or (places * self.multiplicity <= UNROLLED_MOST and not self.rolled):
            self.multiplicity *= max(1, places)
            try:
                self._unrolled(value, body, copies)
            finally:
                self.multiplicity //= max(1, places)
            return
        self.room *= places
        try:
            self._counted(value, body, copies)
        finally:
            self.room //= places

    def _unrolled(self, value: Any, body: Callable[[Any], None], copies: bool) -> None:
        if isinstance(value, Bits):
            for k in self.numbers(value):
                present = tested("some", value.words[k >> 6], 1 << (k & 63))
                self._if(present, partial(body, self.v.element(value.universe, k)))
            return
        row = value.row
        for k in range(row.most):
            there = compare("<", const(k), row.length)
            if there.c == 0:
                break
            item = row.get(const(k))
            if not isinstance(value, BagV):
                self._if(there, partial(body, item))
                continue
            times = item.items[1] if copies else const(1)
            for c in range(times.high):
                self._if(both(there, compare("<", const(c), times)), partial(body, item.items[0]))

    def _if(self, test: Num, body: Callable[[], None]) -> None:
        """What `body` writes, under a test. A hook: local names that it changes are brought together afterwards."""
        if test.c == 1:
            body()
        elif test.c != 0:
            self.guarded(test, body)

    def guarded(self, test: Num, body: Callable[[], None]) -> None:
        """What `body` writes, in a block under a test."""
        lines, _, _ = self.branch(body)
        if lines:
            self.put(f"if ({test.text()}) {{", lines)

    def _counted(self, value: Any, body: Callable[[Any], None], copies: bool) -> None:
        i = self.name("i")
        if isinstance(value, Bits):
            universe, b = value.universe, self.name("b")
            at = num(i, 0, universe.size - 1)
            with ExitStack() as stack:
                if universe.words == 1:
                    stack.enter_context(
                        self.block(
                            f"for (uint64_t {b} = {word_text(value.words[0])}; {b}; {b} &= {b} - 1) {{"
                        )
                    )
                    self.line(f"const int64_t {i} = __builtin_ctzll({b});")
                else:
                    words, k = self.name("u"), self.name("k")
                    self.line(f"const uint64_t {words}[] = {{{', '.join(map(word_text, value.words))}}};")
                    stack.enter_context(self.block(f"for (int {k} = 0; {k} < {universe.words}; {k}++)"))
                    self.lines[-1] += f" for (uint64_t {b} = {words}[{k}]; {b}; {b} &= {b} - 1) {{"
                    self.line(f"const int64_t {i} = 64 * {k} + __builtin_ctzll({b});")
                self._ended(lambda: body(self.v.explode(universe, at)))
            return
        row = value.row
        shape = self.item_shape(row)
        if isinstance(row, ListArr) and shape is not None:
            row = self.to_memory(row, shape, row.most)
        at = num(i, 0, max(0, row.most - 1))
        with self.block(f"for (int64_t {i} = 0; {i} < {row.length.text()}; {i}++) {{"):
            item = row.get(at)
            if not isinstance(value, BagV):
                self._ended(lambda: body(item))
            elif not copies or item.items[1].high <= 1:
                self._ended(lambda: body(item.items[0]))
            else:
                c, times = self.name("c"), self.named_num(item.items[1])
                self.room *= times.high
                with self.block(f"for (int64_t {c} = 0; {c} < {times.text()}; {c}++) {{"):
                    self._ended(lambda: body(item.items[0]))
                self.room //= times.high

    @staticmethod
    def _ended(write: Callable[[], None]) -> None:
        with suppress(Ended):
            write()
