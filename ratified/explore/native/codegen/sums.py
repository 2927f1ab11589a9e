"""Sums: bits that are counted, amounts that are added in one expression, or a C variable that they are added to."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import takewhile

from ratified.explore.native.codegen import build
from ratified.explore.native.codegen.arithmetic import arithmetic
from ratified.explore.native.codegen.code import Block, Line
from ratified.explore.native.codegen.loops import (
    PURE_MOST,
    Domain,
    DomainElement,
    chain,
    counted,
    domain_of,
    places_of,
    size,
    without,
    written_out,
)
from ratified.explore.native.codegen.nodes import HIGH, LOW
from ratified.explore.native.codegen.numbers import (
    FALSE,
    Num,
    chosen_num,
    const,
    count_bits,
    num,
    total,
)
from ratified.explore.native.codegen.terms import BagV, Bits, CValue, known
from ratified.explore.native.codegen.writer import BlockEnded, FunctionWriter, Here
from ratified.language import ir
from ratified.language.ir import Clause, Expr


def conditions(clause: Clause, here: Here) -> Num:
    """Whether an element fulfils the conditions of a clause."""
    return chain(here.w, [partial(here.num, c) for c in clause.conditions], conjunction=True)


def domain_under(clause: Clause, here: Here) -> Domain:
    """What a clause runs through: of a set, without the elements that its first conditions exclude in every state."""
    domain = domain_of(here.w.named(here.ev(clause.domain)))
    first = list(takewhile(partial(here.w.shared.fact, _of_names_alone), clause.conditions))
    if not first or not all(
        known(here.env[n]) for c in first for n in here.w.shared.names_in(c) - {*clause.names}
    ):
        return domain

    def excluded(one: CValue) -> bool:
        inner = here.bind(clause.names, one)
        block, found, _ = here.w.branch(
            lambda: chain(here.w, [partial(inner.num, c) for c in first], conjunction=True)
        )
        return not block and found is not None and found.c == 0

    return without(here.w, domain, excluded)


def _of_names_alone(condition: Expr) -> bool:
    """Whether a condition is about names, not about the state."""
    return not any(isinstance(n, ir.Variable | ir.Call | ir.Collect) for n in ir.walk(condition))


def summed(node: ir.Collect, clauses: tuple[Clause, ...], here: Here) -> Num:
    """What `sum` comes to from a clause on."""
    if not clauses:
        return here.num(node.element)
    clause, rest, w = clauses[0], clauses[1:], here.w
    domain = domain_under(clause, here)

    def amount(one: CValue) -> Num:
        inner = here.bind(clause.names, one)
        test = conditions(clause, inner)
        if test.c == 0:
            return FALSE
        block, found, _ = w.branch(lambda: summed(node, rest, inner))
        if found is not None and not block:
            return chosen_num(test, found, FALSE)
        return _amount_under(w, test, block, found)

    parts = _written(w, domain, amount)
    if parts is None:
        return _sum_loop(node, w, domain, amount)
    if all(part is not None and not block for _, block, part in parts):
        return _grouped_sum(node, w, domain, [(place, part) for place, _, part in parts if part is not None])
    return _added(node, w, parts)


def _amount_under(w: FunctionWriter, test: Num, block: Block, found: Num | None) -> Num:
    """An amount that needs statements, 0 where there is none."""
    if test.c == 1:
        w.extend(block)
        if found is None:
            raise BlockEnded
        return found
    if found is None:
        w.when(test, block)
        return FALSE
    name = w.name("n")
    w.line(f"uint64_t {name} = 0;")
    block.statements.append(Line((f"{name} = ", found.c, ";")))
    w.when(test, block)
    return num(build.var(name, LOW, HIGH), min(0, found.low), max(0, found.high))


def _written(
    w: FunctionWriter, domain: Domain, what: Callable[[CValue], Num]
) -> list[tuple[DomainElement, Block, Num | None]] | None:
    """What is computed of each element, written apart; None if it is to be a loop in C."""
    count = size(domain)
    if w.multiplicity * count > PURE_MOST:
        return None
    found: list[tuple[DomainElement, Block, Num | None]] = []
    w.multiplicity *= max(1, count)
    try:
        for place in places_of(w, domain):
            block, one, _ = w.branch(partial(what, place.value))
            if (block or one is None) and not written_out(w):
                return None
            found.append((place, block, one))
    finally:
        w.multiplicity //= max(1, count)
    return found


def _grouped_sum(
    node: ir.Collect, w: FunctionWriter, domain: Domain, found: list[tuple[DomainElement, Num]]
) -> Num:
    """A sum in one expression: elements of a set with the same amount are counted together."""
    parts: list[Num] = []
    by_amount: dict[int, list[int]] = {}
    for place, one in found:
        amount = arithmetic(w, "*", one, place.copies, node) if isinstance(domain, BagV) else one
        if place.bits is not None and isinstance(amount.c, int):
            masks = by_amount.setdefault(amount.c, [0] * place.bits.universe.words)
            masks[place.number >> 6] |= 1 << (place.number & 63)
        else:
            parts.append(chosen_num(place.present, amount, FALSE))
    for each, masks in by_amount.items():
        assert isinstance(domain, Bits)
        counted_bits = count_bits(
            [build.bit_and(x, m) for x, m in zip(domain.words, masks, strict=True) if m]
        )
        if each:
            parts.append(arithmetic(w, "*", counted_bits, const(each), node))
    if sum(p.low for p in parts) >= LOW and sum(p.high for p in parts) <= HIGH:
        return total(parts)
    so_far = FALSE
    for part in parts:
        so_far = arithmetic(w, "+", so_far, part, node)
    return so_far


class _Total:
    """A sum that statements come to: the C variable, and how far it may be."""

    def __init__(self, node: ir.Collect, w: FunctionWriter) -> None:
        self.node, self.w, self.name = node, w, w.name("n")
        self.low = self.high = 0
        w.line(f"uint64_t {self.name} = 0;")

    def add(self, amount: Num, several: int = 1) -> None:
        """One amount more, perhaps several times."""
        w = self.w
        self.low, self.high = (
            self.low + several * min(0, amount.low),
            self.high + several * max(0, amount.high),
        )
        if self.low >= LOW and self.high <= HIGH:
            w.line(f"{self.name} += ", amount.c, ";")
            return
        self.low, self.high = LOW, HIGH
        so_far = Num(build.var(self.name, LOW, HIGH, stable=False), LOW, HIGH)
        w.line(f"{self.name} = ", arithmetic(w, "+", so_far, amount, self.node).c, ";")

    def value(self) -> Num:
        """The sum, when all was added."""
        return num(build.var(self.name, LOW, HIGH), self.low, self.high)


def _added(node: ir.Collect, w: FunctionWriter, found: list[tuple[DomainElement, Block, Num | None]]) -> Num:
    """A sum of amounts that need statements, one after another."""
    whole = _Total(node, w)
    for place, block, amount in found:
        if amount is not None:
            several = arithmetic(w, "*", amount, place.copies, node) if place.copies.c != 1 else amount
            block.statements.append(w.branch(partial(whole.add, several))[0])
        if place.present.c != 1:
            w.when(place.present, block)
            continue
        w.extend(block)
        if amount is None:
            raise BlockEnded
    return whole.value()


def _sum_loop(node: ir.Collect, w: FunctionWriter, domain: Domain, amount: Callable[[CValue], Num]) -> Num:
    whole, begun = _Total(node, w), w.room
    counted(w, domain, lambda one: whole.add(amount(one), w.room // begun), copies=True)
    return whole.value()
