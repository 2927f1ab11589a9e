"""Expressions as C: a rule for each kind of node, in parentheses wherever another operator may come next.

Guarantees: the C has the value of the tree: 64 bits, compared as signed where numbers may be negative, and `&&`, `||`, `?:` only
where the tree has them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ratified.explore.native.codegen.code import (
    Statement,
)
from ratified.explore.native.codegen.nodes import (
    HIGH,
    LOW,
    Add,
    AnyOf,
    BitAnd,
    BitField,
    BitOr,
    BitTest,
    BitXor,
    Both,
    CExpr,
    Choose,
    ConstantArray,
    Equal,
    Invoke,
    Less,
    LessOrEqual,
    Load,
    Multiply,
    Negation,
    ShiftLeft,
    Subtract,
    Truth,
    Var,
    Without,
    Word,
)
from ratified.language.rules import Rules

ALL = 2**64 - 1


def literal(value: int) -> str:
    """A uint64_t constant."""
    value &= ALL
    return f"{value}ull" if value < 10 else f"{value:#x}ull"


def plain(value: int) -> str:
    """A constant of whatever type holds it."""
    if value == LOW:
        return "INT64_MIN"
    if value > HIGH:
        return literal(value)
    return f"{value}" if abs(value) < 2**31 else f"{value}ll"


@dataclass(slots=True)
class ConstantArrays:
    """The constant arrays of a program, by their entries."""

    names: dict[tuple[int, ...], str] = field(default_factory=dict)

    def name(self, values: tuple[int, ...]) -> str:
        """The name of an array."""
        return self.names.setdefault(values, f"T{len(self.names)}")

    def text(self) -> list[str]:
        """The arrays in C."""
        lines = []
        for values, name in self.names.items():
            bits = max(values).bit_length() if min(values) >= 0 else 64
            kind = next(k for k in (8, 16, 32, 64) if bits <= k)
            entries = ", ".join(plain(v) if v >= 0 else literal(v) for v in values)
            lines.append(f"static const uint{kind}_t {name}[] = {{{entries}}};")
        return lines


@dataclass(slots=True, eq=False)
class Spot:
    """A place among statements: a block's number, its depth, the spot of the statement that it stands in, and its statements."""

    statements: list[Statement]
    above: Spot | None
    index: int  # of the statement in the block above
    depth: int
    names: dict[int, list[CExpr]] = field(default_factory=dict)  # declared before the statement of an index


def bare(text: str) -> str:
    """Without the outer parentheses, if they belong together."""
    if text[:1] != "(" or text[-1] != ")":
        return text
    depth = 0
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return text[1:-1] if at == len(text) - 1 else text
    return text


@dataclass(slots=True, eq=False)
class Printer:
    """What one function's text is made with: the program's tables, and the names of shared expressions."""

    tables: ConstantArrays
    names: dict[CExpr, str] = field(default_factory=dict)
    texts: dict[CExpr, str] = field(default_factory=dict)
    lazy: dict[tuple[CExpr, int], Spot] = field(default_factory=dict)  # operands that may not be evaluated

    def maybe(self, node: CExpr, index: int, show: Callable[[Word], str]) -> str:
        """An operand that is evaluated only sometimes, with the names that are declared in it."""
        word: Word = node.args[index]
        spot = self.lazy.get((node, index))
        if spot is None or not spot.names:
            return show(word)
        made = " ".join(map(self.declaration, spot.names[0]))
        return f"({{ {made} {show(word)}; }})"

    def declaration(self, node: CExpr) -> str:
        """Give a shared expression its name, here."""
        name = self.names.pop(node)
        text = bare(self.word(node))
        self.names[node] = name
        return f"const uint64_t {name} = {text};"

    def word(self, word: Word) -> str:
        """An expression, in parentheses if it needs any."""
        if isinstance(word, int):
            return plain(word)
        name = self.names.get(word)
        if name is not None:
            return name
        found = self.texts.get(word)
        if found is None:
            found = self.texts[word] = expressions(word, self)
        return found

    def bits(self, word: Word) -> str:
        """The same where it is taken as 64 bits."""
        return literal(word) if isinstance(word, int) else self.word(word)

    def wide(self, word: Word) -> str:
        """The same as a uint64_t, whatever it is."""
        if isinstance(word, int):
            return literal(word)
        return f"(uint64_t){self.word(word)}" if self.narrow(word) else self.word(word)

    def narrow(self, word: Word) -> bool:
        """Whether C takes it as an int."""
        if isinstance(word, int):
            return -(2**31) <= word < 2**31
        if word in self.names:
            return False
        match word:
            case Truth():
                return True
            case Invoke(of="__builtin_popcountll"):
                return True
            case Add() | Subtract() | Multiply():
                return all(self.narrow(a) for a in word.args)
        return False

    def signed(self, word: Word) -> str:
        """The same as a signed number."""
        if isinstance(word, int):
            return plain(word)
        return f"(int64_t){self.word(word)}"


expressions: Rules[Printer, str] = Rules("C expressions")


@expressions.rule(Var)
def _(node: Var, _: Printer) -> str:
    return str(node.of)


@expressions.rule(Load)
def _(node: Load, p: Printer) -> str:
    return f"{node.of}[{bare(p.word(node.args[0]))}]"


@expressions.rule(ConstantArray)
def _(node: ConstantArray, p: Printer) -> str:
    assert isinstance(node.of, tuple)
    return f"(uint64_t){p.tables.name(node.of)}[{bare(p.word(node.args[0]))}]"


@expressions.rule(BitField)
def _(node: BitField, p: Printer) -> str:
    word, shift, mask = node.args[0], node.args[1], node.fixed(2)
    whole = p.bits(word)
    if shift == 0:
        return f"({whole} & {literal(mask)})"
    top = isinstance(shift, int) and mask == ALL >> shift
    moved = f"{whole} >> {p.word(shift)}"
    return f"({moved})" if top else f"({moved} & {literal(mask)})"


def _between(node: CExpr, operator: str, show: Callable[[Word], str]) -> str:
    return "(" + f" {operator} ".join(show(a) for a in node.args) + ")"


def _as_needed(node: CExpr, operator: str, p: Printer) -> str:
    first = p.word(node.args[0])
    rest = [p.maybe(node, k, p.word) for k in range(1, len(node.args))]
    return "(" + f" {operator} ".join([first, *rest]) + ")"


@expressions.rule(BitAnd)
def _(node: BitAnd, p: Printer) -> str:
    return _between(node, "&", p.bits)


@expressions.rule(BitOr)
def _(node: BitOr, p: Printer) -> str:
    return _between(node, "|", p.bits)


@expressions.rule(BitXor)
def _(node: BitXor, p: Printer) -> str:
    return _between(node, "^", p.bits)


@expressions.rule(Without)
def _(node: Without, p: Printer) -> str:
    a, b = node.args
    return f"({p.bits(a)} & ~{p.wide(b)})"


@expressions.rule(ShiftLeft)
def _(node: ShiftLeft, p: Printer) -> str:
    a, places = node.args
    return f"({p.wide(a)} << {p.word(places)})"


@expressions.rule(Add)
def _(node: Add, p: Printer) -> str:
    a, b = node.args
    if isinstance(b, int) and LOW < b < 0:
        return f"({p.word(a)} - {plain(-b)})"
    return f"({p.word(a)} + {p.bits(b) if b == LOW else p.word(b)})"


@expressions.rule(Subtract)
def _(node: Subtract, p: Printer) -> str:
    return _between(node, "-", p.word)


@expressions.rule(Multiply)
def _(node: Multiply, p: Printer) -> str:
    return _between(node, "*", p.word)


@expressions.rule(Invoke)
def _(node: Invoke, p: Printer) -> str:
    return f"{node.of}({', '.join(map(p.word, node.args))})"


@expressions.rule(Choose)
def _(node: Choose, p: Printer) -> str:
    test = p.word(node.args[0])
    return f"({test} ? {p.maybe(node, 1, p.wide)} : {p.maybe(node, 2, p.wide)})"


@expressions.rule(BitTest)
def _(node: BitTest, p: Printer) -> str:
    same, word, mask, value = node.args[0], node.args[1], node.fixed(2), node.fixed(3)
    whole = isinstance(word, CExpr) and word.low >= 0 and mask == (1 << word.high.bit_length()) - 1
    masked = p.bits(word) if whole else f"({p.bits(word)} & {literal(mask)})"
    if value == 0:
        return f"!{masked}" if same else f"({masked} != 0)"
    return f"({masked} {'==' if same else '!='} {literal(value)})"


@expressions.rule(Less, LessOrEqual)
def _(node: Less | LessOrEqual, p: Printer) -> str:
    a, b = node.args
    operator = "<" if isinstance(node, Less) else "<="
    sides = [w for w in (a, b) if isinstance(w, CExpr)]
    if all(w.low >= 0 and w.high <= HIGH for w in sides) and all(
        w >= 0 for w in (a, b) if isinstance(w, int)
    ):
        return f"({p.word(a)} {operator} {p.word(b)})"
    return f"({p.signed(a)} {operator} {p.signed(b)})"


@expressions.rule(Equal)
def _(node: Equal, p: Printer) -> str:
    a, b = node.args
    return f"({p.wide(a)} == {p.wide(b)})"


@expressions.rule(Both)
def _(node: Both, p: Printer) -> str:
    return _as_needed(node, "&&", p)


@expressions.rule(AnyOf)
def _(node: AnyOf, p: Printer) -> str:
    return _as_needed(node, "||", p)


@expressions.rule(Negation)
def _(node: Negation, p: Printer) -> str:
    return f"!{p.word(node.args[0])}"
