"""The text of a function: what stands several times gets a name where all that use it come by.

Guarantees: the same trees give the same text; a name is declared before it is used, where what it stands for is evaluated in any
case or costs little, and depends on nothing that changes.
"""

from __future__ import annotations

from collections.abc import Sequence

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
    AnyOf,
    Both,
    CExpr,
    Choose,
    Load,
    Truth,
    Var,
    Word,
)
from ratified.explore.native.codegen.printing import ConstantArrays, Printer, Spot, bare

SHORT = 20
"""What is printed shorter may stand several times."""

TEST = 60
"""The same of a comparison: what is tested as it is computed costs less than what is kept."""

SAVED = 24
"""How many characters a name must save, beside the first use, to be worth its line."""


class BodyText:
    """The text of one function's body."""

    def __init__(self, body: Block, tables: ConstantArrays) -> None:
        self.printer = Printer(tables)
        self.spots: dict[int, Spot] = {}
        self.uses: dict[CExpr, list[tuple[Spot, int]]] = {}
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
        if isinstance(word, CExpr):
            self.uses.setdefault(word, []).append((spot, index))

    def _place(self) -> None:
        """Give names to what is used several times, each before the first of its uses, in the innermost block around all."""
        nodes = self._reached()
        homes: dict[CExpr, tuple[Spot, int]] = {}
        counts: dict[CExpr, int] = {}
        for node in reversed(nodes):  # what uses a node was made after it
            home = _meeting(self.uses[node])
            homes[node], counts[node] = home, len(self.uses[node])
            for k, operand in enumerate(node.args):
                if isinstance(operand, CExpr):
                    self.uses.setdefault(operand, []).append(self._inside(node, k, home))
        lengths: dict[CExpr, int] = {}
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

    def _inside(self, node: CExpr, index: int, home: tuple[Spot, int]) -> tuple[Spot, int]:
        """Where an operand is evaluated: perhaps only if those before it say so."""
        if index == 0 or not isinstance(node, Both | AnyOf | Choose):
            return home
        spot = self.printer.lazy[node, index] = Spot([], *home, home[0].depth + 1)
        return spot, 0

    def _reached(self) -> list[CExpr]:
        seen: set[CExpr] = set()
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


def _worth(node: CExpr, length: int, several: int) -> bool:
    """Whether a name for an expression that stands once and several times more saves enough."""
    if not node.stable or isinstance(node, Var):
        return False
    least = TEST if isinstance(node, Truth) and not isinstance(node, Both | AnyOf) else SHORT
    return length > least and several * (length - 5) > SAVED


def _length(node: CExpr, lengths: dict[CExpr, int]) -> int:
    """About how long it is, printed."""
    if isinstance(node, Load) and isinstance(node.args[0], int):
        return 4
    found = 4 + (len(node.of) if isinstance(node.of, str) else 0)
    for a in node.args:
        found += 3 + (lengths[a] if isinstance(a, CExpr) else len(f"{a:x}") if a > 9 else 0)
    return found
