"""Lines of C, control flow and names: what all parts of the generator share.

Guarantees: an expression is emitted only where it may be evaluated; what may fail leaves through the exits of the function that
is being written, in the order in which CPython would come to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from ratified.explore.native.codegen.layout import Layout
from ratified.explore.native.codegen.numbers import Num, Word, negation, word_text
from ratified.explore.native.codegen.shapes import Shape, SPacked, widths
from ratified.explore.native.codegen.terms import (
    BagV,
    Bits,
    ListArr,
    MapV,
    MemArr,
    Opt,
    Rec,
    Ref,
    SeqV,
    SlotV,
    Tup,
    Uni,
    known,
)
from ratified.explore.native.codegen.values import Values
from ratified.language import ir
from ratified.language.errors import Span

T = TypeVar("T")
Lines = list[Any]
"""Lines of C; a list among them is filled in later."""

SHORT = 28
"""An expression up to so many characters may be repeated; a longer one gets a name."""

NAME = 12
"""What a local name of the model stands for is given a name in C if it is longer than one."""

TEXT_MOST = 6000
"""An expression longer than this is taken apart into statements."""


class Ended(Exception):
    """What was written last always leaves: nothing after it is reached."""


class Impure(Exception):
    """This cannot be written as an expression alone."""


class TooLong(Exception):
    """The text would grow past its budget: write it with loops."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place that may leave a declared bound."""

    what: str
    action: str
    span: Span | None


@dataclass(slots=True)
class Exits:
    """How the function being written is left: each makes a C statement."""

    disabled: Callable[[], str]
    fault: Callable[[int], str]
    bound: Callable[[int], str] | None
    action: str = ""


@dataclass(slots=True)
class Shared:
    """What the functions of one model have in common.

    `unit` comes before the names of the model's functions and of all that they call: two models may stand in one program.
    """

    values: Values
    layout: Layout
    module: ir.Module
    errors: list[tuple[str, Span | None]] = field(default_factory=list)
    bounds: list[Place] = field(default_factory=list)
    unit: str = ""
    names: int = 0
    impure: set[tuple[int, str]] = field(default_factory=set)
    kept: list[object] = field(default_factory=list)  # nodes whose identity is in `impure` must not be freed


class Writer:
    """Writes one C function."""

    def __init__(self, shared: Shared, exits: Exits, *, rolled: bool = False, budget: int = 1 << 30) -> None:
        self.shared = shared
        self.v = shared.values
        self.layout = shared.layout
        self.module = shared.module
        self.exits = exits
        self.rolled = rolled
        self.budget = budget
        self.lines: Lines = []
        self.pure_depth = 0
        self.memory: dict[str, str] = {}
        self.base = "s"
        self.old_base: str | None = None
        self.copied = False
        self.abstract: Layout | None = None
        self.unassigned: dict[str, int] = {}
        self.imageless: dict[str, int] = {}
        self.multiplicity = 1

    # --- lines ---

    def line(self, text: Any) -> None:
        """Write a line; not where only an expression is wanted."""
        if self.pure_depth:
            raise Impure
        if isinstance(text, str):
            self.budget -= len(text)
            if self.budget < 0:
                raise TooLong
        self.lines.append(text)

    def name(self, stem: str) -> str:
        """A new name."""
        self.shared.names += 1
        return f"{stem}{self.shared.names}"

    def pure(self, compute: Callable[[], T], key: object = None) -> T | None:
        """What `compute` gives if it needs no statements, else None (also when that is already known of `key`)."""
        known_key = (id(key), self.exits.action) if key is not None else None
        if known_key in self.shared.impure:
            if self.pure_depth:
                raise Impure
            return None
        self.pure_depth += 1
        try:
            return compute()
        except (Impure, Ended):
            if known_key is not None:
                self.shared.impure.add(known_key)
                self.shared.kept.append(key)
            return None
        finally:
            self.pure_depth -= 1

    def branch(self, write: Callable[[], T]) -> tuple[Lines, T | None, bool]:
        """Lines written apart: these, what `write` gave, and whether control never comes to their end."""
        if self.pure_depth:
            raise Impure
        outer, self.lines = self.lines, []
        try:
            found = write()
            return self.lines, found, False
        except Ended:
            return self.lines, None, True
        finally:
            self.lines = outer

    def put(self, head: str, lines: Lines, tail: str = "}") -> None:
        """A block."""
        self.line(head)
        self.lines.extend(lines)
        self.line(tail)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """A block around what is written inside."""
        self.line(head)
        try:
            yield
        finally:
            self.lines.append("}")

    # --- exits ---

    def leave(self, statement: str) -> None:
        """Leave here, always."""
        self.line(statement)
        raise Ended

    def leave_unless(self, fine: Num, statement: Callable[[], str]) -> None:
        """Leave where a condition is false."""
        if fine.c == 1:
            return
        if self.pure_depth:
            raise Impure
        if fine.c == 0:
            self.leave(statement())
        self.line(f"if ({negation(fine).text()}) {statement()}")

    def fault_unless(self, fine: Num, message: str, at: ir.Node | Span) -> None:
        """A partial operation has no answer where `fine` is false."""
        span = at if isinstance(at, Span) else at.span
        self.leave_unless(fine, lambda: self.exits.fault(self.error(message, span)))

    def bound_unless(self, fine: Num, what: str, span: Span | None) -> None:
        """A declared bound is left where `fine` is false."""

        def statement() -> str:
            if self.exits.bound is None:
                return self.exits.fault(self.error(f"this leaves {what}, outside of a step", span))
            place = Place(what, self.exits.action, span)
            if place not in self.shared.bounds:
                self.shared.bounds.append(place)
            return self.exits.bound(self.shared.bounds.index(place))

        self.leave_unless(fine, statement)

    def error(self, message: str, span: Span | None) -> int:
        """The number of an error."""
        entry = message, span
        if entry not in self.shared.errors:
            self.shared.errors.append(entry)
        return self.shared.errors.index(entry)

    # --- names for values ---

    def temp(self, word: Word, kind: str = "uint64_t", stem: str = "x") -> str:
        """A name for a word."""
        name = self.name(stem)
        self.line(f"const {kind} {name} = {word_text(word)};")
        return name

    def named_num(self, value: Num) -> Num:
        """A number under a name, if it is long."""
        if isinstance(value.c, int) or len(value.c) <= SHORT:
            return value
        return Num(self.temp(value.c, "int64_t", "n"), value.low, value.high)

    def named(self, value: Any) -> Any:
        """A value whose expressions are short and do not change any more: what a local name stands for."""
        if known(value):
            return value
        if isinstance(value, Opt | Rec | Tup | Uni) and not value.code:
            for shape, words in value.read:
                other = isinstance(value, Uni) and self.v.shape_of(value) not in (
                    shape,
                    getattr(shape, "inner", None),
                )
                if isinstance(shape, SPacked) and not other:
                    found = self.v.value([w if isinstance(w, int) else self.fixed(w) for w in words], shape)
                    return self.v.narrow_to(found, value.type) if isinstance(value, Rec) else found
        match value:
            case Num():
                return self.fixed_num(value)
            case Rec():
                return replace(value, fields=tuple(map(self.named, value.fields)))
            case Tup():
                return replace(value, items=tuple(map(self.named, value.items)))
            case Bits():
                return replace(
                    value, words=tuple(w if isinstance(w, int) else self.fixed(w) for w in value.words)
                )
            case MapV():
                return replace(value, entries=tuple(map(self.named, value.entries)))
            case Opt() | Uni():
                if value.code:
                    return value
                if isinstance(value, Opt) and value.some.c == 1:
                    return Opt(value.some, self.named(value.item))
                if isinstance(value, Uni) and value.tag.known:
                    return Uni(value.type, value.tag, tuple(a and self.named(a) for a in value.alternatives))
                return self.named_leaves(value, self.v.shape_of(value))
            case Ref():
                return self.snapshot(value)
            case SeqV() | SlotV() | BagV():
                return self.named_row(value)
        raise AssertionError(value)

    def named_row(self, value: Any) -> Any:
        """A sequence, set or bag that does not change any more."""
        row = value.row
        if isinstance(row, MemArr):
            return replace(value, row=replace_length(row, self.fixed_num(row.length)))
        if isinstance(row, ListArr) and row.length.known:
            return replace(value, row=ListArr(self.v, row.length, list(map(self.named, row.items)), row.item))
        if not isinstance(row, ListArr):
            ref = self.snapshot(row.ref)
            return self.v.load(ref)
        return self.named_leaves(value, self.v.shape_of(value))

    def named_leaves(self, value: Any, shape: Shape) -> Any:
        """A value read back from names for its leaves."""
        return self.v.value(
            [w if isinstance(w, int) else self.fixed(w) for w in self.v.leaves(value, shape)], shape
        )

    def fixed(self, word: str) -> str:
        """A word that later stores do not change."""
        if len(word) <= SHORT and not self._changes(word):
            return word
        return self.temp(word)

    def fixed_num(self, value: Num) -> Num:
        """A number that later stores do not change."""
        if isinstance(value.c, int) or (len(value.c) <= NAME and not self._changes(value.c)):
            return value
        return Num(self.temp(value.c, "int64_t", "n"), value.low, value.high)

    @staticmethod
    def _changes(text: str) -> bool:
        return "t[" in text

    def snapshot(self, ref: Ref) -> Ref:
        """A packed value that later stores do not change: the state before the step, or a copy."""
        if ref.memory != "t":
            return replace(ref, index=self.fixed_num(ref.index))
        index = self.fixed_num(ref.index)
        copy = self.name("w")
        self.line(f"uint64_t {copy}[{self.shared.unit}W]; {self.shared.unit}rt_copy({copy}, t);")
        return Ref(copy, ref.shape, ref.places, index)

    def variable(self, shape: Shape, stem: str = "v") -> tuple[list[str], Any, Lines]:
        """C variables for the leaves of a shape: their names, the value that they hold, and their declaration (to be placed)."""
        names = [self.name(stem) for _ in widths(shape)]
        lines: Lines = [f"uint64_t {', '.join(f'{n} = 0' for n in names)};"] if names else []
        return names, self.v.value(names, shape), lines

    def assign(self, names: list[str], value: Any, shape: Shape) -> list[str]:
        """Statements that put a value into the variables of a shape."""
        leaves = self.v.leaves(value, shape)
        pairs = [(n, word_text(w)) for n, w in zip(names, leaves, strict=True) if n != w]
        if len(pairs) <= 1:
            return [f"{n} = {w};" for n, w in pairs]
        # All are read before any is written: a value may be made of the variables' own.
        stems = [self.name("y") for _ in pairs]
        made = [f"const uint64_t {s} = {w};" for s, (_, w) in zip(stems, pairs, strict=True)]
        return ["{ " + " ".join(made), *(f"{n} = {s};" for (n, _), s in zip(pairs, stems, strict=True)), "}"]

    # --- the model's variables ---

    def read(self, name: str, which: ir.Which, node: ir.Node) -> Any:
        """A variable, not read yet."""
        if which is ir.Which.OLD:
            assert self.old_base is not None
            return self.layout.ref(name, self.old_base)
        if name in self.unassigned:
            bit = self.unassigned[name]
            fine = Num(f"(have >> {bit} & 1)", 0, 1)
            self.fault_unless(fine, f"`{name}` has no value yet", node)
        return self.layout.ref(name, self.memory.get(name, self.base))

    def array(self, item: Shape, most: int, length: Num, stem: str = "q") -> MemArr:
        """A C array for a row. Its words begin as 0."""
        stride = len(widths(item))
        name = self.name(stem)
        self.line(f"uint64_t {name}[{max(1, most * stride)}] = {{0}};")
        return MemArr(self.v, name, item, length, most, stride)

    def check_text(self, value: Any) -> Any:
        """Refuse expressions that have grown too long."""
        if isinstance(value, Num) and isinstance(value.c, str) and len(value.c) > TEXT_MOST:
            raise Impure
        return value


def replace_length(row: MemArr, length: Num) -> MemArr:
    """The same array with another length."""
    return MemArr(row.world, row.name, row.item, length, row.most, row.stride)


def flat(lines: Lines) -> Iterator[str]:
    """Lines with what was filled in."""
    for line in lines:
        if isinstance(line, str):
            yield line
        else:
            yield from flat(line)
