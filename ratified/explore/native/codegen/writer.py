"""What writes one C function: statements, exits, names, and the variables of the model.

Guarantees: an expression is emitted only where it may be evaluated; what may fail leaves through the exits of the function that
is being written, in the order in which CPython would come to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

from ratified.explore.native.codegen import build
from ratified.explore.native.codegen.code import Block, Let, Line, Loop, Piece, Region, Statement, When
from ratified.explore.native.codegen.layout import Layout
from ratified.explore.native.codegen.leaves import leaves
from ratified.explore.native.codegen.nodes import Word
from ratified.explore.native.codegen.numbering import BoundPlace
from ratified.explore.native.codegen.numbers import Num, negation, num, truth
from ratified.explore.native.codegen.packing import CHANGING, load, value_of
from ratified.explore.native.codegen.printing import ConstantArrays
from ratified.explore.native.codegen.shapes import PackedShape, PackedShapes, widths
from ratified.explore.native.codegen.terms import (
    BagV,
    Bits,
    CValue,
    HeldValue,
    InArray,
    InState,
    ListedRow,
    MapV,
    Opt,
    Rec,
    Ref,
    RowSource,
    SeqV,
    SlotV,
    Tup,
    Uni,
    with_row,
)
from ratified.language import ir
from ratified.language.errors import Span
from ratified.language.rules import Rules

T = TypeVar("T")

READ_MOST = 8
"""A value of up to so many leaves is read out of a state that changes; of a larger one the state is copied."""

Pieces = tuple[Piece, ...]
CodeEnv = dict[str, HeldValue]


class BlockEnded(Exception):
    """What was written last always leaves: nothing after it is reached."""


class FunctionTooLong(Exception):
    """The function would grow past its budget: write it with loops."""


@dataclass(slots=True)
class Exits:
    """How the function being written is left: each makes a C statement."""

    disabled: Callable[[], Pieces]
    fault: Callable[[int], Pieces]
    bound: Callable[[int], Pieces] | None
    action: str = ""
    refused: Callable[[ir.Expr], Pieces] | None = None
    """By a guard's condition, where it matters which one that is; else as `disabled`."""


@dataclass(slots=True, eq=False)
class SharedText:
    """What the functions of one model have in common.

    `unit` comes before the names of the model's functions and of all that they call: two models may stand in one program.
    `numbers` are for names: models in one program share them, since a name stands for one node, with one interval.
    `evaluated` is what expressions came to that needed no statements, by the node, the state it reads, and the names it uses.
    """

    shapes: PackedShapes
    layout: Layout
    module: ir.Module
    expressions: Rules[Here, HeldValue]
    tables: ConstantArrays = field(default_factory=ConstantArrays)
    errors: list[tuple[str, Span | None]] = field(default_factory=list)
    bounds: list[BoundPlace] = field(default_factory=list)
    unit: str = ""
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    evaluated: dict[tuple[object, ...], tuple[HeldValue, object]] = field(default_factory=dict)
    used: dict[int, tuple[frozenset[str], object]] = field(default_factory=dict)
    facts: dict[tuple[object, int], tuple[bool, object]] = field(default_factory=dict)

    def fact(self, question: Callable[[T], bool], node: T) -> bool:
        """The answer to a question about a part of the model, asked once."""
        key = question, id(node)
        if key not in self.facts:
            self.facts[key] = question(node), node
        return self.facts[key][0]

    def names_in(self, node: ir.Node | ir.Clause) -> frozenset[str]:
        """The local names that a part of the model uses and does not bind."""
        found = self.used.get(id(node))
        if found is None:
            found = self.used[id(node)] = self._names_in(node), node
        return found[0]

    def _names_in(self, node: ir.Node | ir.Clause) -> frozenset[str]:
        if isinstance(node, ir.Local):
            return frozenset((node.name,))
        found = frozenset[str]().union(*map(self.names_in, ir.children(node)))
        if isinstance(node, ir.Collect):  # what it binds stands for nothing else in its function
            found -= {name for clause in node.clauses for name in clause.names}
        return found


class FunctionWriter:
    """Writes one C function.

    `around` are the blocks that are being written, one inside the other. `computed` is what expressions came to that did need
    statements, and the block of these: wherever control has come through that block the names in it hold what they held.
    """

    def __init__(
        self, shared: SharedText, exits: Exits, *, rolled: bool = False, budget: int = 1 << 60
    ) -> None:
        self.shared = shared
        self.shapes = shared.shapes
        self.exits = exits
        self.rolled = rolled
        self.budget = budget
        self.block = Block()
        self.around: list[Block] = [self.block]
        self.computed: dict[tuple[object, ...], tuple[HeldValue, Block, object]] = {}
        self.emitted = 0
        self.reused = 0
        self.memory: dict[str, str] = {}
        self.base = "s"
        self.old_base: str | None = None
        self.version = 0
        self.copied = False
        self.abstract: Layout | None = None
        self.unassigned: dict[str, int] = {}
        self.imageless: dict[str, int] = {}
        self.multiplicity = 1
        self.room = 1
        self.granted: tuple[ir.Expr, ...] = ()
        self.returns: Returns | None = None
        self.flow: CodeEnv | None = None

    def close(self) -> None:
        """Let go of everything: what the exits know of the writer would keep it until the garbage collector comes by."""
        self.__dict__.clear()

    # --- statements ---

    def put(self, statement: Statement | Block) -> None:
        """Write a statement."""
        self.emitted += 1
        self.budget -= 1
        if self.budget < 0:
            raise FunctionTooLong
        self.block.statements.append(statement)
        if isinstance(statement, Block):
            statement.within = self.block

    def line(self, *pieces: Piece) -> None:
        """Write a statement without blocks."""
        self.put(Line(pieces))

    def name(self, stem: str) -> str:
        """A new name."""
        return f"{stem}{next(self.shared.numbers)}"

    def branch(self, write: Callable[[], T]) -> tuple[Block, T | None, bool]:
        """What is written apart: the block, what `write` gave, and whether control never comes to its end."""
        outer, self.block = self.block, Block()
        self.around.append(self.block)
        try:
            found = write()
            return self.block, found, False
        except BlockEnded:
            return self.block, None, True
        finally:
            self.around.pop()
            self.block = outer

    def extend(self, block: Block) -> None:
        """Write what was written apart."""
        block.within = self.block
        if block:
            self.block.statements.append(block)

    def when(self, test: Num, then: Block, orelse: Block | None = None) -> None:
        """A conditional, as far as there is anything to do."""
        orelse = orelse or Block()
        if then:
            self.put(When(test.c, then, orelse))
        elif orelse:
            self.put(When(negation(test).c, orelse, Block()))

    @contextmanager
    def loop(self, *head: Piece) -> Iterator[None]:
        """A loop in C around what is written inside."""
        outer, self.block = self.block, Block()
        self.around.append(self.block)
        try:
            yield
        finally:
            self.around.pop()
            inner, self.block = self.block, outer
        self.put(Loop(head, inner))

    def region(self, body: Block, label: str) -> None:
        """Statements that may jump to the label behind them."""
        self.put(Region(body, label))

    def later(self) -> Block:
        """A place among the statements, to be filled in later."""
        slot = Block()
        self.put(slot)
        return slot

    def passed(self, block: Block | None) -> bool:
        """Whether control has come through a block wherever it comes to what is written next, and its names are known there."""
        while block is not None and not any(b is block for b in self.around):
            block = block.within
        return block is not None

    # --- exits ---

    def leave(self, pieces: Pieces) -> None:
        """Leave here, always."""
        self.line(*pieces)
        raise BlockEnded

    def leave_unless(self, fine: Num, pieces: Callable[[], Pieces]) -> None:
        """Leave where a condition is false."""
        if fine.c == 1:
            return
        if fine.c == 0:
            self.leave(pieces())
        self.put(When(negation(fine).c, Block([Line(pieces())]), Block()))

    def fault_unless(self, fine: Num, message: str, at: ir.Node | Span) -> None:
        """A partial operation has no answer where `fine` is false."""
        span = at if isinstance(at, Span) else at.span
        self.leave_unless(fine, lambda: self.exits.fault(self.error(message, span)))

    def bound_unless(self, fine: Num, what: str, span: Span | None) -> None:
        """A declared bound is left where `fine` is false."""

        def pieces() -> Pieces:
            if self.exits.bound is None:
                return self.exits.fault(self.error(f"this exceeds {what}, outside of a step", span))
            place = BoundPlace(what, self.exits.action, span)
            if place not in self.shared.bounds:
                self.shared.bounds.append(place)
            return self.exits.bound(self.shared.bounds.index(place))

        self.leave_unless(fine, pieces)

    def error(self, message: str, span: Span | None) -> int:
        """The number of an error."""
        entry = message, span
        if entry not in self.shared.errors:
            self.shared.errors.append(entry)
        return self.shared.errors.index(entry)

    # --- names for values ---

    def let(self, word: Word, stem: str = "x") -> Word:
        """A word that is evaluated here, under a name."""
        if isinstance(word, int):
            return word
        name = self.name(stem)
        self.put(Let(name, word))
        return build.var(name, word.low, word.high)

    def pinned(self, word: Word) -> Word:
        """A word that later stores do not change."""
        return word if isinstance(word, int) or word.stable else self.let(word)

    def pinned_num(self, value: Num) -> Num:
        """The same of a number."""
        return (
            value
            if isinstance(value.c, int) or value.c.stable
            else num(self.let(value.c), value.low, value.high)
        )

    def named(self, value: HeldValue) -> HeldValue:
        """A value that does not change any more: what a local name stands for."""
        if not self.version:
            return value  # nothing that is read changes
        match value:
            case Num():
                return self.pinned_num(value)
            case Ref():
                return self._snapshot(value)
            case SeqV() | SlotV() | BagV():
                return with_row(value, self._named_row(value.row))
            case Bits():
                return Bits(value.universe, tuple(map(self.pinned, value.words)), value.possible)
            case MapV():
                return MapV(value.keys, tuple(map(self.named_value, value.entries)))
        read = tuple((s, tuple(map(self.pinned, words))) for s, words in value.read)
        code = (value.code[0], self.pinned(value.code[1])) if value.code else None
        match value:
            case Opt():
                item = None if value.item is None else self.named_value(value.item)
                return Opt(self.pinned_num(value.some), item, code, read)
            case Rec():
                return Rec(value.type, tuple(map(self.named_value, value.fields)), code, read)
            case Tup():
                return Tup(tuple(map(self.named_value, value.items)), code, read)
            case Uni():
                made = tuple(None if a is None else self._named_record(a) for a in value.alternatives)
                return Uni(value.type, self.pinned_num(value.tag), made, code, read)
        raise AssertionError(value)

    def named_value(self, value: HeldValue) -> CValue:
        """The same, read."""
        found = self.named(value)
        return load(found) if isinstance(found, Ref) else found

    def _named_record(self, value: Rec) -> Rec:
        found = self.named(value)
        assert isinstance(found, Rec)
        return found

    def _named_row(self, row: RowSource) -> RowSource:
        match row:
            case InArray():
                return InArray(row.name, row.item, self.pinned_num(row.length), row.most, row.stride)
            case InState():
                found = self.named_value(row.ref)
                assert isinstance(found, SeqV | SlotV | BagV)
                return found.row
        read = tuple((s, tuple(map(self.pinned, words))) for s, words in row.read)
        return ListedRow(self.pinned_num(row.length), tuple(map(self.named_value, row.items)), row.item, read)

    def _snapshot(self, ref: Ref) -> HeldValue:
        """A packed value that later stores do not change: its leaves, or a copy of the state."""
        ref = Ref(ref.memory, ref.shape, ref.places, self.pinned_num(ref.index))
        if ref.memory != CHANGING:
            return ref
        if len(ref.places[0]) <= READ_MOST:
            return value_of([self.pinned(w) for w in leaves(self.shapes, ref, ref.shape)], ref.shape)
        copy, unit = self.name("w"), self.shared.unit
        self.line(f"uint64_t {copy}[{unit}W]; {unit}rt_copy({copy}, t);")
        return Ref(copy, ref.shape, ref.places, ref.index)

    # --- variables of C ---

    def variable(self, shape: PackedShape, stem: str = "v") -> CVariable:
        """C variables for the leaves of a shape. Where `declare` is written they come into being."""
        return CVariable(tuple(self.name(stem) if width else "" for width in widths(shape)), shape)

    def declare(self, variable: CVariable, at: Block | None = None) -> None:
        """Declare the C variables of a value; they begin as 0."""
        names = [n for n in variable.names if n]
        if names:
            line = Line((f"uint64_t {', '.join(f'{n} = 0' for n in names)};",))
            (self.block if at is None else at).statements.append(line)
            self.emitted += 1

    def assign(self, variable: CVariable, value: HeldValue) -> list[Statement]:
        """Statements that put a value into variables."""
        words = leaves(self.shapes, value, variable.shape)
        return [Line((f"{n} = ", w, ";")) for n, w in zip(variable.names, words, strict=True) if n]

    def flag(self, begins: bool) -> str:
        """A variable that is 0 or 1."""
        name = self.name("r")
        self.line(f"uint64_t {name} = {int(begins)};")
        return name

    def array(self, item: PackedShape, most: int, length: Num, at: Block | None = None) -> InArray:
        """A C array for a row. Its words begin as 0."""
        stride = len(widths(item))
        name = self.name("q")
        line = Line((f"uint64_t {name}[{max(1, most * stride)}] = {{0}};",))
        (self.block if at is None else at).statements.append(line)
        self.emitted += 1
        return InArray(name, item, length, most, stride)

    # --- the model's variables ---

    def read(self, name: str, which: ir.Which, node: ir.Node) -> Ref:
        """A variable, not read yet."""
        layout = self.shared.layout
        if which is ir.Which.OLD:
            assert self.old_base is not None
            return layout.ref(name, self.old_base)
        if name in self.unassigned:
            self.fault_unless(have(self.unassigned[name]), f"`{name}` has no value yet", node)
        return layout.ref(name, self.memory.get(name, self.base))

    def changed(self, name: str | None = None) -> None:
        """The state after the step is another now, and (if a name is given) holds that variable."""
        if name is not None:
            self.memory[name] = CHANGING
        self.version = next(self.shared.numbers)

    @contextmanager
    def variables_of(self, which: ir.Which) -> Iterator[None]:
        """Read the variables of a state."""
        if which is ir.Which.NOW:
            yield
            return
        saved = self.base, self.memory, self.old_base, self.unassigned, self.version
        assert self.old_base is not None
        self.base, self.memory, self.old_base, self.unassigned, self.version = self.old_base, {}, None, {}, 0
        try:
            yield
        finally:
            self.base, self.memory, self.old_base, self.unassigned, self.version = saved


@dataclass(frozen=True, slots=True)
class CVariable:
    """The C variables of a value of a shape ("" for a leaf that takes no bits)."""

    names: tuple[str, ...]
    shape: PackedShape

    @property
    def value(self) -> CValue:
        """What they hold when they do not change any more."""
        return self._value(stable=True)

    @property
    def now(self) -> CValue:
        """What they hold, while they still change."""
        return self._value(stable=False)

    def _value(self, *, stable: bool) -> CValue:
        sizes = zip(self.names, widths(self.shape), strict=True)
        return value_of(
            [build.var(n, 0, (1 << w) - 1, stable=stable) if w else 0 for n, w in sizes], self.shape
        )


@dataclass(slots=True)
class Returns:
    """A function being run: the label behind it, and where it returns what."""

    label: str
    found: list[tuple[Block, HeldValue | None]] = field(default_factory=list)


def have(bit: int) -> Num:
    """Whether a variable that begins without a value has one by now."""
    return truth(build.field(build.var("have", stable=False), bit, 1))


@dataclass(frozen=True, slots=True, eq=False)
class Here:
    """What expressions are translated in: what writes, and what the local names stand for."""

    w: FunctionWriter
    env: CodeEnv

    def ev(self, node: ir.Expr) -> HeldValue:
        """The value of an expression (a Ref where it stands in a packed state)."""
        if isinstance(node, ir.Local):
            return self.env[node.name]
        w, shared = self.w, self.w.shared
        names = shared.names_in(node)
        held = [self.env[n] for n in names]
        key = (id(node), w.base, w.old_base, w.version, *map(id, held))
        known = shared.evaluated.get(key)
        if known is not None:
            return known[0]
        done = w.computed.get(key)
        if done is not None and w.passed(done[1]):
            w.reused += 1
            return done[0]
        before = w.emitted, w.reused
        found = shared.expressions(node, self)
        if (w.emitted, w.reused) == before:
            shared.evaluated[key] = found, (node, held)
        else:  # with names that only this function has
            w.computed[key] = found, w.block, (node, held)
        return found

    def val(self, node: ir.Expr) -> CValue:
        """The value of an expression, read."""
        found = self.ev(node)
        return load(found) if isinstance(found, Ref) else found

    def num(self, node: ir.Expr) -> Num:
        """The value of an expression that is a number or truth value."""
        found = self.val(node)
        assert isinstance(found, Num), node
        return found

    def bind(self, names: Sequence[str], item: HeldValue) -> Here:
        """Here, with an element's names."""
        if len(names) == 1:
            return Here(self.w, {**self.env, names[0]: item})
        whole = load(item) if isinstance(item, Ref) else item
        assert isinstance(whole, Tup)
        return Here(self.w, {**self.env, **dict(zip(names, whole.items, strict=True))})
