"""Rules for comprehensions: an expression where no element needs statements, else statements, one by one or in loops.

Guarantees: elements are met in canonical order; `all` and `any` stop where CPython stops.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from ratified.explore.native.codegen import build
from ratified.explore.native.codegen.asking import comparison
from ratified.explore.native.codegen.choosing import chosen_value
from ratified.explore.native.codegen.code import Block, Line, When
from ratified.explore.native.codegen.containers import make_map
from ratified.explore.native.codegen.gathering import OUTSIDE, Gathering, Put, make_set
from ratified.explore.native.codegen.joins import element_universe, joined_all, shape_of
from ratified.explore.native.codegen.leaves import bit_words, code_of, leaves, moved
from ratified.explore.native.codegen.loops import (
    PURE_MOST,
    Domain,
    DomainElement,
    chain,
    counted,
    domain_of,
    over,
    places_of,
    size,
    two_ways,
    written_out,
)
from ratified.explore.native.codegen.nodes import ALL, Word
from ratified.explore.native.codegen.numbers import (
    FALSE,
    TRUE,
    Num,
    both,
    chosen,
    compare,
    const,
    either,
    negation,
    tested,
    truth,
)
from ratified.explore.native.codegen.shapes import NumberedValues, PackedShape, SNum, Unsupported
from ratified.explore.native.codegen.sums import conditions, domain_under, summed
from ratified.explore.native.codegen.terms import Bits, CValue, HeldValue, SeqV, SlotV, Tup, known, listed
from ratified.explore.native.codegen.writer import BlockEnded, FunctionWriter, Here
from ratified.language import ir
from ratified.language.ir import Clause
from ratified.language.rules import Rules
from ratified.language.types import IntType, MapType, SetType

comprehensions: Rules[Here, HeldValue] = Rules("C of comprehensions")


@comprehensions.rule(ir.Collect)
def _(node: ir.Collect, here: Here) -> HeldValue:
    match node.kind:
        case "all" | "any":
            return _quantified(node, node.clauses, here)
        case "sum":
            return summed(node, node.clauses, here)
        case "seq" | "bag":
            return _sequence(node, here)
        case "set":
            return _set(node, here)
        case "min" | "max":
            return _extreme(node, here)
    return _map(node, here)


# --- all and any ---


def _quantified(node: ir.Collect, clauses: tuple[Clause, ...], here: Here) -> Num:
    if not clauses:
        return here.num(node.element)
    clause, rest = clauses[0], clauses[1:]
    universal = node.kind == "all"

    def test(one: CValue) -> Num:
        inner = here.bind(clause.names, one)
        guards: list[Callable[[], Num]] = [partial(inner.num, c) for c in clause.conditions]
        if universal:
            guards = [partial(_negated, g) for g in guards]
        return chain(here.w, [*guards, lambda: _quantified(node, rest, inner)], conjunction=not universal)

    return over(here.w, domain_under(clause, here), test, universal=universal)


def _negated(test: Callable[[], Num]) -> Num:
    return negation(test())


# --- elements, one by one ---


@dataclass(frozen=True, slots=True, eq=False)
class ClauseStart:
    """Where a clause begins: what must be true there; of an element of a set, also the set and the number."""

    here: Here
    test: Num = TRUE
    bits: Bits | None = None
    number: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Met:
    """An element of a comprehension: what is computed of it, the place behind that, and whether it is there."""

    slot: Block
    values: tuple[CValue, ...]
    at: ClauseStart
    room: int

    @property
    def present(self) -> Num:
        """Whether the element is there."""
        if self.at.bits is None:
            return self.at.test
        word = self.at.bits.words[self.at.number >> 6]
        return both(tested("some", word, 1 << (self.at.number & 63)), self.at.test)


class Collected:
    """What the clauses of a comprehension come to, met in order, and what is computed `of` each.

    If nothing had to be written for it, `met` says it all (`plain`), and what is in `block` need not be kept.
    """

    def __init__(
        self,
        node: ir.Collect,
        here: Here,
        of: Callable[[Here], tuple[HeldValue, ...]],
        *,
        copies: bool,
        unroll: bool = False,
    ) -> None:
        self.w, self.of, self.copies, self.unroll = here.w, of, copies, unroll
        self.met: list[Met] = []
        self.begun, self.looped, before = self.w.room, False, self.w.emitted
        self.block, _, self.ended = self.w.branch(lambda: self._run(node.clauses, ClauseStart(here)))
        self.plain = not self.looped and not self.ended and _vacuous(self.block)
        if self.plain:
            self.w.emitted = before

    def written(self) -> None:
        """Keep what was written."""
        self.w.extend(self.block)
        self.w.emitted += 1
        if self.ended:
            raise BlockEnded

    def _run(self, clauses: tuple[Clause, ...], at: ClauseStart) -> None:
        w = self.w
        if not clauses:
            values = tuple(w.named_value(v) for v in self.of(at.here))
            self.met.append(Met(w.later(), values, at, w.room // self.begun))
            return
        clause, rest = clauses[0], clauses[1:]
        domain = domain_under(clause, at.here)
        count = size(domain)
        if w.multiplicity * count > PURE_MOST and not self.unroll:
            self._loop(clause, rest, at, domain)
            return
        w.multiplicity *= max(1, count)
        met = len(self.met)
        try:
            for place in places_of(w, domain):
                block, _, _ = w.branch(partial(self._place, clause, rest, at, place))
                if not written_out(w) and not self.unroll and not _vacuous(block):
                    break
                w.put(block)
            else:
                return
        finally:
            w.multiplicity //= max(1, count)
        # A loop in C after all. What was looked at before did not need statements.
        del self.met[met:]
        self._loop(clause, rest, at, domain)

    def _loop(self, clause: Clause, rest: tuple[Clause, ...], at: ClauseStart, domain: Domain) -> None:
        self.looped = True

        def each(one: CValue) -> None:
            self._conditional(clause, rest, replace(at, here=at.here.bind(clause.names, one)))

        counted(self.w, domain, each, copies=self.copies)

    def _place(self, clause: Clause, rest: tuple[Clause, ...], at: ClauseStart, place: DomainElement) -> None:
        at = replace(at, here=at.here.bind(clause.names, place.value))
        for c in range(place.copies.high if self.copies else 1):
            present = (
                both(place.present, compare("<", const(c), place.copies)) if self.copies else place.present
            )
            if place.bits is not None and at.bits is None:
                inner = replace(at, bits=place.bits, number=place.number)
            else:
                inner = replace(at, test=both(at.test, present))
            self._under(present, partial(self._conditional, clause, rest, inner))

    def _conditional(self, clause: Clause, rest: tuple[Clause, ...], at: ClauseStart) -> None:
        fine = conditions(clause, at.here)
        self._under(fine, partial(self._run, rest, replace(at, test=both(at.test, fine))))

    def _under(self, test: Num, write: Callable[[], None]) -> None:
        if test.c == 1:
            write()
        elif test.c != 0:
            block, _, _ = self.w.branch(write)
            self.w.put(When(test.c, block, Block()))


def _vacuous(block: Block) -> bool:
    """Whether there is nothing but conditions in a block."""
    return all(isinstance(s, When) and _vacuous(s.then) and not s.orelse for s in block.flat())


def _gathering(elements: Collected) -> Gathering:
    """The same elements, to be put where they belong by statements."""
    gathering = Gathering(elements.w)
    elements.written()
    gathering.room = sum(m.room for m in elements.met)
    gathering.met = [Put(m.slot, m.values[0]) for m in elements.met]
    return gathering


# --- sequences, bags and maps ---


def _sequence(node: ir.Collect, here: Here) -> HeldValue:
    elements = Collected(node, here, lambda inner: (inner.ev(node.element),), copies=True)
    if elements.plain and node.kind == "seq":
        if all(m.present.known for m in elements.met):
            return SeqV(listed(m.values[0] for m in elements.met))
        if len(node.clauses) == 1 and not node.clauses[0].conditions:
            domain = domain_of(here.ev(node.clauses[0].domain))
            if isinstance(domain, SeqV | SlotV) and len(elements.met) == domain.row.most:
                # As long as what it is made from.
                return SeqV(listed((m.values[0] for m in elements.met), domain.row.length))
    return _gathering(elements).row(node.kind)


def _map(node: ir.Collect, here: Here) -> HeldValue:
    assert isinstance(node.type, MapType)
    elements = Collected(node, here, lambda inner: (inner.ev(node.element),), copies=True, unroll=True)
    if not elements.plain:
        elements.written()
    if any(m.present.c != 1 for m in elements.met):
        raise Unsupported(
            "a map whose keys depend on conditions cannot be compiled",
            span=node.span,
            remedy="explore with engine='reference'",
        )
    pairs = [m.values[0] for m in elements.met]
    return make_map(here.w, node.type, [(p.items[0], p.items[1]) for p in pairs if isinstance(p, Tup)])


# --- sets ---


def _set(node: ir.Collect, here: Here) -> HeldValue:
    assert isinstance(node.type, SetType)
    w, inner_type = here.w, node.type.item
    elements = Collected(node, here, lambda inner: (inner.ev(node.element),), copies=False)
    if not elements.plain:
        return _gathering(elements).set(inner_type)
    made = [m.values[0] for m in elements.met]
    shape = joined_all(w.shapes, [shape_of(w.shapes, m) for m in made]) if made else None
    universe = element_universe(w.shapes, inner_type, shape)
    if universe is not None:
        return _set_of_bits(w, elements.met, universe)
    if all(map(known, made)) and all(m.present.c == 1 for m in elements.met):
        return make_set(w, inner_type, made)
    return _gathering(elements).set(inner_type)


def _set_of_bits(w: FunctionWriter, met: list[Met], universe: NumberedValues) -> Bits:
    """A set in one expression: what are bits of one word, and go the same way, is moved together."""
    words: list[Word] = [0] * universe.words
    possible = [0] * universe.words

    def put(part: Bits, test: Num) -> None:
        for k, (word, may) in enumerate(zip(part.words, part.possible, strict=True)):
            if may:
                words[k] = build.bit_or(words[k], chosen(test, word, 0))
                possible[k] |= may

    groups: dict[tuple[int, Word], tuple[Bits, Num, list[tuple[int, int]]]] = {}
    wide: dict[Word, Bits] = {}
    for one in met:
        code, valid = code_of(w.shapes, one.values[0], universe)
        if valid.c != 1:
            raise Unsupported(OUTSIDE, remedy="explore with engine='reference'")
        at = one.at
        if isinstance(code.c, int) and at.bits is not None:
            group = groups.setdefault((id(at.bits), at.test.c), (at.bits, at.test, []))
            group[2].append((at.number, code.c))
        elif isinstance(code.c, int) and (found := _one_bit(at.test)) and at.bits is None:
            # A condition that is one bit of a word: its bit is moved like that of a set.
            own = wide.setdefault(found[0], Bits(w.shapes.needed(IntType(0, 63)), (found[0],), (ALL,)))
            groups.setdefault((id(own), 1), (own, TRUE, []))[2].append((found[1], code.c))
        else:
            bits = bit_words(code, universe)
            put(
                Bits(universe, tuple(bits), tuple(_may(b, universe.mask(k)) for k, b in enumerate(bits))),
                one.present,
            )
    for bits_of, test, pairs in groups.values():
        put(moved(bits_of, pairs, universe), test)
    return Bits(universe, tuple(words), tuple(possible))


def _may(word: Word, mask: int) -> int:
    return word if isinstance(word, int) else mask


def _one_bit(test: Num) -> tuple[Word, int] | None:
    """The word and bit, if a condition is that one bit is set."""
    own = build.said(build.test_of(test.c), equal=True)
    if own is None or own[3] != own[2] or own[2] & (own[2] - 1):
        return None
    return own[1], own[2].bit_length() - 1


# --- min and max ---


def _extreme(node: ir.Collect, here: Here) -> HeldValue:
    def of(inner: Here) -> tuple[HeldValue, ...]:
        element = inner.ev(node.element)
        return element, element if node.key is None else inner.ev(node.key)

    w = here.w
    elements = Collected(node, here, of, copies=False)
    if elements.plain:
        if all(known(m.values[1]) for m in elements.met):
            return _best_known(node, here, elements.met)
        if len(elements.met) <= 4 and all(m.present.c == 1 for m in elements.met):
            (best, best_key), *others = (m.values for m in elements.met)
            for element, key in others:
                better = _better(w, node, key, best_key)
                best, best_key = (
                    chosen_value(w.shapes, better, element, best),
                    chosen_value(w.shapes, better, key, best_key),
                )
            return best
    return _best_by_statements(node, here, elements)


def _better(w: FunctionWriter, node: ir.Collect, key: HeldValue, best: HeldValue) -> Num:
    return comparison(w, "<", key, best) if node.kind == "min" else comparison(w, "<", best, key)


def _best_known(node: ir.Collect, here: Here, met: list[Met]) -> HeldValue:
    """Where all keys are known: a chain of tests, from the best on."""
    w = here.w
    shape: PackedShape = (
        joined_all(w.shapes, [shape_of(w.shapes, m.values[1]) for m in met]) if met else SNum(0, 0)
    )

    def words(one: Met) -> list[int]:
        return [x for x in leaves(w.shapes, one.values[1], shape) if isinstance(x, int)]

    keyed = sorted(met, key=words, reverse=node.kind == "max")
    found: HeldValue
    if node.default is None:
        w.fault_unless(either(FALSE, *(m.present for m in keyed)), node.why_nothing, node)
        found = keyed.pop().values[0]
    else:
        found = here.ev(node.default)
    for one in reversed(keyed):
        found = chosen_value(w.shapes, one.present, one.values[0], found)
    return found


def _best_by_statements(node: ir.Collect, here: Here, elements: Collected) -> HeldValue:
    w = here.w
    have, before = w.flag(begins=False), w.later()
    elements.written()
    nothing = node.why_nothing
    if not elements.met:
        if node.default is None:
            w.fault_unless(FALSE, nothing, node)
        assert node.default is not None
        return here.ev(node.default)
    best = w.variable(joined_all(w.shapes, [shape_of(w.shapes, m.values[0]) for m in elements.met]))
    best_key = w.variable(joined_all(w.shapes, [shape_of(w.shapes, m.values[1]) for m in elements.met]))
    w.declare(best, before)
    w.declare(best_key, before)
    for one in elements.met:
        better = _better(w, node, one.values[1], best_key.now)
        test = either(negation(truth(build.var(have, 0, 1, stable=False))), better)
        body = [Line((f"{have} = 1;",)), *w.assign(best_key, one.values[1]), *w.assign(best, one.values[0])]
        one.slot.statements.append(When(test.c, Block(list(body)), Block()))
    found = truth(build.var(have, 0, 1))
    if node.default is None:
        w.fault_unless(found, nothing, node)
        return best.value
    return two_ways(w, found, lambda: best.value, partial(here.ev, node.default))
