"""Trees as C: what stands several times gets a name where all that use it come by, and the rest is printed in place.

Guarantees: the same trees give the same text; a name is declared before it is used, and depends on nothing that changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ratified.explore.native.codegen.code import (
    Block,
    Let,
    Line,
    Loop,
    Piece,
    Region,
    Statement,
    When,
    blocks_of,
    words_of,
)
from ratified.explore.native.codegen.nodes import (
    HIGH,
    LOW,
    Add,
    AtMost,
    BitAnd,
    BitOr,
    BitTest,
    BitXor,
    Both,
    Choose,
    Either,
    Equal,
    Field,
    Invoke,
    Less,
    Load,
    Multiply,
    Negation,
    Node,
    ShiftLeft,
    Subtract,
    Table,
    Truth,
    Var,
    Without,
    Word,
)
from ratified.language.rules import Rules

SHORT = 20
"""What is printed shorter may stand several times."""

TEST = 60
"""The same of a comparison: what is tested as it is computed costs less than what is kept."""

SAVED = 24
"""How many characters a name must save, beside the first use, to be worth its line."""

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
class Tables:
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
class Printer:
    """What one function's text is made with: the program's tables, and the names of shared expressions."""

    tables: Tables
    names: dict[Node, str] = field(default_factory=dict)
    texts: dict[Node, str] = field(default_factory=dict)
    lazy: dict[tuple[Node, int], Spot] = field(default_factory=dict)  # operands that may not be evaluated

    def maybe(self, node: Node, index: int, show: Callable[[Word], str]) -> str:
        """An operand that is evaluated only sometimes, with the names that are declared in it."""
        word: Word = node.args[index]  # type: ignore[assignment]  # a word
        spot = self.lazy.get((node, index))
        if spot is None or not spot.names:
            return show(word)
        made = " ".join(map(self.declaration, spot.names[0]))
        return f"({{ {made} {show(word)}; }})"

    def declaration(self, node: Node) -> str:
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
            case Invoke(args=("__builtin_popcountll", *_)):
                return True
            case Add() | Subtract() | Multiply():
                return all(self.narrow(a) for a in word.args)  # type: ignore[arg-type]  # words
        return False

    def signed(self, word: Word) -> str:
        """The same as a signed number."""
        if isinstance(word, int):
            return plain(word)
        return f"(int64_t){self.word(word)}"


expressions: Rules[Printer, str] = Rules("C expressions")


@expressions.rule(Var)
def _(node: Var, _: Printer) -> str:
    return str(node.args[0])


@expressions.rule(Load)
def _(node: Load, p: Printer) -> str:
    return f"{node.args[0]}[{bare(p.word(node.args[1]))}]"  # type: ignore[arg-type]  # a word


@expressions.rule(Table)
def _(node: Table, p: Printer) -> str:
    values, index = node.args
    return f"{p.tables.name(values)}[{bare(p.word(index))}]"  # type: ignore[arg-type]  # as its kind says


@expressions.rule(Field)
def _(node: Field, p: Printer) -> str:
    word, shift, mask = node.args
    whole = p.bits(word)  # type: ignore[arg-type]  # a word
    if shift == 0:
        return f"({whole} & {literal(mask)})"  # type: ignore[arg-type]  # a mask
    top = isinstance(shift, int) and mask == ALL >> shift
    moved = f"{whole} >> {p.word(shift)}"  # type: ignore[arg-type]  # a word
    return f"({moved})" if top else f"({moved} & {literal(mask)})"  # type: ignore[arg-type]  # a mask


def _between(node: Node, operator: str, show: Callable[[Word], str]) -> str:
    return "(" + f" {operator} ".join(show(a) for a in node.args) + ")"  # type: ignore[arg-type]  # words


def _as_needed(node: Node, operator: str, p: Printer) -> str:
    first = p.word(node.args[0])  # type: ignore[arg-type]  # a word
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
    return f"({p.bits(a)} & ~{p.wide(b)})"  # type: ignore[arg-type]  # words


@expressions.rule(ShiftLeft)
def _(node: ShiftLeft, p: Printer) -> str:
    a, places = node.args
    return f"({p.wide(a)} << {p.word(places)})"  # type: ignore[arg-type]  # words


@expressions.rule(Add)
def _(node: Add, p: Printer) -> str:
    a, b = node.args
    if isinstance(b, int) and LOW < b < 0:
        return f"({p.word(a)} - {plain(-b)})"  # type: ignore[arg-type]  # a word
    return f"({p.word(a)} + {p.bits(b) if b == LOW else p.word(b)})"  # type: ignore[arg-type]  # words


@expressions.rule(Subtract)
def _(node: Subtract, p: Printer) -> str:
    return _between(node, "-", p.word)


@expressions.rule(Multiply)
def _(node: Multiply, p: Printer) -> str:
    return _between(node, "*", p.word)


@expressions.rule(Invoke)
def _(node: Invoke, p: Printer) -> str:
    name, *args = node.args
    return f"{name}({', '.join(map(p.word, args))})"  # type: ignore[arg-type]  # words


@expressions.rule(Choose)
def _(node: Choose, p: Printer) -> str:
    test = p.word(node.args[0])  # type: ignore[arg-type]  # a word
    return f"({test} ? {p.maybe(node, 1, p.wide)} : {p.maybe(node, 2, p.wide)})"


@expressions.rule(BitTest)
def _(node: BitTest, p: Printer) -> str:
    same, word, mask, value = node.args
    whole = isinstance(word, Node) and word.low >= 0 and mask == (1 << word.high.bit_length()) - 1
    masked = p.bits(word) if whole else f"({p.bits(word)} & {literal(mask)})"  # type: ignore[arg-type]  # as its kind says
    if value == 0:
        return f"!{masked}" if same else f"({masked} != 0)"
    return f"({masked} {'==' if same else '!='} {literal(value)})"  # type: ignore[arg-type]  # a value


@expressions.rule(Less, AtMost)
def _(node: Less | AtMost, p: Printer) -> str:
    a, b = node.args
    operator = "<" if isinstance(node, Less) else "<="
    sides = [w for w in (a, b) if isinstance(w, Node)]
    if all(w.low >= 0 and w.high <= HIGH for w in sides) and all(
        w >= 0 for w in (a, b) if isinstance(w, int)
    ):
        return f"({p.word(a)} {operator} {p.word(b)})"  # type: ignore[arg-type]  # words
    return f"({p.signed(a)} {operator} {p.signed(b)})"  # type: ignore[arg-type]  # words


@expressions.rule(Equal)
def _(node: Equal, p: Printer) -> str:
    a, b = node.args
    return f"({p.wide(a)} == {p.wide(b)})"  # type: ignore[arg-type]  # words


@expressions.rule(Both)
def _(node: Both, p: Printer) -> str:
    return _as_needed(node, "&&", p)


@expressions.rule(Either)
def _(node: Either, p: Printer) -> str:
    return _as_needed(node, "||", p)


@expressions.rule(Negation)
def _(node: Negation, p: Printer) -> str:
    return f"!{p.word(node.args[0])}"  # type: ignore[arg-type]  # a word


# --- functions ---


@dataclass(slots=True, eq=False)
class Spot:
    """A place among statements: a block's number, its depth, the spot of the statement that it stands in, and its statements."""

    statements: list[Statement]
    above: Spot | None
    index: int  # of the statement in the block above
    depth: int
    names: dict[int, list[Node]] = field(default_factory=dict)  # declared before the statement of an index


class Function:
    """The text of one function's body."""

    def __init__(self, body: Block, tables: Tables) -> None:
        self.printer = Printer(tables)
        self.spots: dict[int, Spot] = {}
        self.uses: dict[Node, list[tuple[Spot, int]]] = {}
        self.root = self._spot(body, None, 0)
        self._place()

    def _spot(self, block: Block, above: Spot | None, index: int) -> Spot:
        spot = Spot(list(block.flat()), above, index, above.depth + 1 if above else 0)
        self.spots[id(block)] = spot
        for k, statement in enumerate(spot.statements):
            for word in words_of(statement):
                self._use(word, spot, k)
            for inner in blocks_of(statement):
                self._spot(inner, spot, k)
        return spot

    def _use(self, word: Word, spot: Spot, index: int) -> None:
        if isinstance(word, Node):
            self.uses.setdefault(word, []).append((spot, index))

    def _place(self) -> None:
        """Give names to what is used several times, each before the first of its uses, in the innermost block around all."""
        nodes = self._reached()
        homes: dict[Node, tuple[Spot, int]] = {}
        counts: dict[Node, int] = {}
        for node in reversed(nodes):  # what uses a node was made after it
            home = _meeting(self.uses[node])
            homes[node], counts[node] = home, len(self.uses[node])
            for k, operand in enumerate(node.args):
                if isinstance(operand, Node):
                    self.uses.setdefault(operand, []).append(self._inside(node, k, home))
        lengths: dict[Node, int] = {}
        number = 0
        for node in nodes:
            length = _length(node, lengths)
            several = counts[node] - 1
            if several and _worth(node, length, several):
                spot, index = homes[node]
                spot.names.setdefault(index, []).append(node)
                self.printer.names[node] = f"z{number}"
                number += 1
                length = 4
            lengths[node] = length

    def _inside(self, node: Node, index: int, home: tuple[Spot, int]) -> tuple[Spot, int]:
        """Where an operand is evaluated: perhaps only if those before it say so."""
        if index == 0 or not isinstance(node, Both | Either | Choose):
            return home
        spot = self.printer.lazy[node, index] = Spot([], *home, home[0].depth + 1)
        return spot, 0

    def _reached(self) -> list[Node]:
        seen: set[Node] = set()
        todo = list(self.uses)
        while todo:
            node = todo.pop()
            if node not in seen:
                seen.add(node)
                todo.extend(node.operands())
        return sorted(seen, key=lambda n: n.number)

    # --- text ---

    def lines(self) -> list[str]:
        """The body, indented by one."""
        found: list[str] = []
        self._print(self.root, 1, found)
        return found

    def _print(self, spot: Spot, depth: int, found: list[str]) -> None:
        indent = "    " * depth
        for k, statement in enumerate(spot.statements):
            found += [indent + self.printer.declaration(node) for node in spot.names.get(k, ())]
            self._statement(statement, depth, found)

    def _statement(self, statement: Statement, depth: int, found: list[str]) -> None:
        indent = "    " * depth
        match statement:
            case Line(pieces):
                found.append(indent + self._pieces(pieces))
            case Let(name, value):
                found.append(f"{indent}const uint64_t {name} = {bare(self.printer.word(value))};")
            case When(test, then, orelse):
                self._when(test, then, orelse, depth, found)
            case Loop(head, body):
                shown = "".join(p if isinstance(p, str) else self.printer.word(p) for p in head)
                found.append(f"{indent}{shown} {{")
                self._print(self.spots[id(body)], depth + 1, found)
                found.append(f"{indent}}}")
            case Region(body, label):
                found.append(f"{indent}{{")
                self._print(self.spots[id(body)], depth + 1, found)
                found.append(f"{indent}}}")
                found.append(f"{indent}{label}:;")

    def _when(self, test: Word, then: Block, orelse: Block, depth: int, found: list[str]) -> None:
        indent = "    " * depth
        inside = self.spots[id(then)]
        head = f"if ({bare(self.printer.word(test))})"
        if (
            len(inside.statements) == 1
            and isinstance(inside.statements[0], Line)
            and not inside.names
            and not orelse
        ):
            found.append(f"{indent}{head} {self._pieces(inside.statements[0].pieces)}")
            return
        found.append(f"{indent}{head} {{")
        self._print(inside, depth + 1, found)
        if orelse:
            found.append(f"{indent}}} else {{")
            self._print(self.spots[id(orelse)], depth + 1, found)
        found.append(f"{indent}}}")

    def _pieces(self, pieces: Sequence[Piece]) -> str:
        return "".join(p if isinstance(p, str) else bare(self.printer.word(p)) for p in pieces)


def bare(text: str) -> str:
    """Without the outer parentheses, if they belong together."""
    if not text.startswith("("):
        return text
    depth = 0
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return text[1:-1] if at == len(text) - 1 else text
    return text


def _meeting(uses: Sequence[tuple[Spot, int]]) -> tuple[Spot, int]:
    """The innermost block around several places, and the first statement there that one of them stands in."""
    found = uses[0]
    for other in uses[1:]:
        found = (found[0], min(found[1], other[1])) if other[0] is found[0] else _meet(found, other)
    return found


def _meet(one: tuple[Spot, int], other: tuple[Spot, int]) -> tuple[Spot, int]:
    """The same of two places in different blocks: all blocks meet in the root."""
    while one[0].depth > other[0].depth:
        one = _above(one[0])
    while other[0].depth > one[0].depth:
        other = _above(other[0])
    while one[0] is not other[0]:
        one, other = _above(one[0]), _above(other[0])
    return one[0], min(one[1], other[1])


def _above(spot: Spot) -> tuple[Spot, int]:
    """The place of a block in the block around it."""
    assert spot.above is not None
    return spot.above, spot.index


def _worth(node: Node, length: int, several: int) -> bool:
    """Whether a name for an expression that stands once and several times more saves enough."""
    if not node.stable or isinstance(node, Var):
        return False
    least = TEST if isinstance(node, Truth) and not isinstance(node, Both | Either) else SHORT
    return length > least and several * (length - 5) > SAVED


def _length(node: Node, lengths: dict[Node, int]) -> int:
    """About how long it is, printed."""
    found = 4
    for a in node.args:
        if isinstance(a, Node):
            found += lengths[a] + 3
        elif isinstance(a, str):
            found += len(a)
        elif isinstance(a, int):
            found += 3 + (len(f"{a:x}") if a > 9 else 0)
    return found
