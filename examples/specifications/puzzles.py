"""Puzzles: what is asked for is claimed never to be, and the shortest run that refutes it is the solution."""

from __future__ import annotations

from typing import Annotated, Literal

from ratified import (
    AtMost,
    Map,
    Model,
    Param,
    Range,
    Seq,
    Set,
    Sort,
    action,
    choose,
    eventually,
    invariant,
    require,
    step_invariant,
    subsets,
)


class CoffeeCan(Model):
    """Two beans are taken out and one is put in, until one is left (Gries, *The science of programming*, 1981)."""

    beans: Param[int] = 100
    black: Annotated[int, Range(0, "beans")]
    white: Annotated[int, Range(0, "beans")]

    def init(
        self, black: Annotated[int, Range(0, "beans")], white: Annotated[int, Range(0, "beans")]
    ) -> None:
        require(1 <= black + white <= self.beans)
        self.black, self.white = black, white

    @action
    def two_black(self) -> None:
        require(self.black >= 2)
        self.black -= 1

    @action
    def two_white(self) -> None:
        require(self.white >= 2)
        self.white -= 2
        self.black += 1

    @action
    def one_of_each(self) -> None:
        require(self.black >= 1 and self.white >= 1)
        self.black -= 1

    @step_invariant
    def white_ones_keep_their_parity(self, old: CoffeeCan) -> bool:
        return self.white % 2 == old.white % 2

    @invariant
    def never_empty(self) -> bool:
        return self.black + self.white >= 1


class Ingredient(Sort):
    """Paper, tobacco, matches: each smoker has plenty of one."""


class Smokers(Model):
    """An agent puts all ingredients but one on the table, and who has that one smokes (Patil, 1971)."""

    table: Set[Ingredient]
    smokes: Map[Ingredient, bool]

    def init(self, offer: Set[Ingredient]) -> None:
        require(offer in subsets(Ingredient, len(Ingredient) - 1))
        self.table = offer

    @action
    def light(self) -> None:
        require(len(self.table) > 0)
        self.smokes[choose(Ingredient, where=lambda i: i not in self.table)] = True
        self.table.clear()

    @action
    def stop(self, offer: Set[Ingredient]) -> None:
        require(offer in subsets(Ingredient, len(Ingredient) - 1) and len(self.table) == 0)
        self.smokes[choose(Ingredient, where=lambda i: self.smokes[i])] = False
        self.table = offer

    @invariant
    def one_at_a_time(self) -> bool:
        return sum(1 for smokes in self.smokes.values() if smokes) <= 1


class Prisoner(Sort):
    """All but the first switch twice; the first one counts."""


class Prisoners(Model):
    """One at a time is led into a room with two switches, and somebody is to know when all have been there."""

    up: bool
    other: bool
    switched: Map[Prisoner, int]
    count: int

    def init(self, up: bool, other: bool) -> None:
        self.up, self.other = up, other

    @action
    def visit(self, p: Prisoner) -> None:
        if p == Prisoner(0) and self.up:
            self.up = False
            self.count += 1
        elif p != Prisoner(0) and not self.up and self.switched[p] < 2:
            self.up = True
            self.switched[p] += 1
        else:
            self.other = not self.other

    @invariant
    def known_only_if_so(self) -> bool:
        enough = 2 * (len(Prisoner) - 1)
        return self.count < enough or all(self.switched[p] > 0 for p in Prisoner if p != Prisoner(0))


class Jug(Sort):
    """A jug without a scale."""


class Jugs(Model):
    """To have so much water, by filling, emptying and pouring until a jug is full or another one empty."""

    capacity: Param[Map[Jug, Annotated[int, Range(1, 9)]]]
    goal: Param[int] = 4
    contents: Map[Jug, Annotated[int, Range(0, 9)]]

    @action
    def fill(self, j: Jug) -> None:
        self.contents[j] = self.capacity[j]

    @action
    def empty(self, j: Jug) -> None:
        self.contents[j] = 0

    @action
    def pour(self, j: Jug, k: Jug) -> None:
        require(j != k)
        poured = min(self.contents[j], self.capacity[k] - self.contents[k])
        self.contents[j] -= poured
        self.contents[k] += poured

    @invariant
    def unsolved(self) -> bool:
        return all(self.contents[j] != self.goal for j in Jug)


class Missionary(Sort):
    """Not to be outnumbered."""


class Cannibal(Sort):
    """Not to be in the majority where there are missionaries."""


Bank = Literal["east", "west"]


class River(Model):
    """Missionaries and cannibals cross a river in a boat for two."""

    boat: Bank
    missionaries: Map[Bank, Set[Missionary]]
    cannibals: Map[Bank, Set[Cannibal]]

    def init(self) -> None:
        self.missionaries["east"] = Set(Missionary)
        self.cannibals["east"] = Set(Cannibal)

    def safe(self, bank: Bank) -> bool:
        missionaries, cannibals = len(self.missionaries[bank]), len(self.cannibals[bank])
        return missionaries == 0 or cannibals <= missionaries

    @action
    def cross(self, some: Set[Missionary], others: Set[Cannibal]) -> None:
        here: Bank = self.boat
        there: Bank = "west" if here == "east" else "east"
        require(some <= self.missionaries[here] and others <= self.cannibals[here])
        require(1 <= len(some) + len(others) <= 2)
        self.missionaries[here] -= some
        self.missionaries[there] |= some
        self.cannibals[here] -= others
        self.cannibals[there] |= others
        self.boat = there
        require(self.safe(here) and self.safe(there))

    @invariant
    def unsolved(self) -> bool:
        return len(self.missionaries["east"]) + len(self.cannibals["east"]) > 0


Peg = Annotated[int, Range(0, 2)]


class Disk(Sort):
    """The first is the smallest."""


class Hanoi(Model):
    """A tower of disks is moved from one peg to another, disk by disk, and none ever onto a smaller one."""

    peg: Map[Disk, Peg]

    @action
    def move(self, d: Disk, to: Peg) -> None:
        require(to != self.peg[d])
        require(all(self.peg[e] not in (to, self.peg[d]) for e in Disk if int(e) < int(d)))
        self.peg[d] = to

    @invariant
    def unsolved(self) -> bool:
        return any(self.peg[d] != 2 for d in Disk)


Board = Annotated[Seq[Annotated[int, Range(0, "queens - 1")]], AtMost("queens")]


class Queens(Model):
    """All ways to put queens on a board so that none attacks another, row by row."""

    queens: Param[int] = 4
    open: Set[Board]
    solutions: Set[Board]

    def init(self) -> None:
        self.open = Set({Seq()})

    def attacks(self, board: Board, column: int) -> bool:
        """Whether a queen in the next row would be attacked."""
        rows = len(board)
        return any(board[i] == column or abs(board[i] - column) == rows - i for i in range(rows))

    @action(fair="weak")
    def place(self, board: Board) -> None:
        require(board in self.open)
        free = [column for column in range(self.queens) if not self.attacks(board, column)]
        longer = Set(board + Seq([column]) for column in free)
        self.open.remove(board)
        if len(board) + 1 == self.queens:
            self.solutions |= longer
        else:
            self.open |= longer

    @eventually
    def ends(self) -> bool:
        return len(self.open) == 0


class Cat(Model):
    """A cat moves to the next box every night; who looks up and down the row, twice at its ends, finds it."""

    boxes: Param[int] = 6
    cat: Annotated[int, Range(1, "boxes")]
    looked: Annotated[int, Range(2, "boxes - 1")]
    up: bool

    def init(
        self, cat: Annotated[int, Range(1, "boxes")], looked: Annotated[int, Range(2, "boxes - 1")], up: bool
    ) -> None:
        self.cat, self.looked, self.up = cat, looked, up

    @action(fair="weak")
    def night(self, up: bool) -> None:
        require(self.cat < self.boxes if up else self.cat > 1)
        self.cat += 1 if up else -1
        beside = self.looked + 1 if self.up else self.looked - 1
        if 2 <= beside <= self.boxes - 1:
            self.looked = beside
        else:
            self.up = not self.up

    @eventually
    def found(self) -> bool:
        return self.cat == self.looked


Cell = tuple[Annotated[int, Range(1, "side")], Annotated[int, Range(1, "side")]]


class Life(Model):
    """Conway's game on a small board, from every position (Gardner, 1970)."""

    side: Param[int] = 4
    alive: Set[Cell]

    def init(self, alive: Set[Cell]) -> None:
        self.alive = alive

    def neighbours(self, x: int, y: int) -> int:
        return sum(1 for a, b in self.alive if max(abs(a - x), abs(b - y)) == 1)

    @action
    def tick(self) -> None:
        rows = range(1, self.side + 1)
        self.alive = Set(
            (x, y)
            for x in rows
            for y in rows
            if self.neighbours(x, y) == 3 or (self.neighbours(x, y) == 2 and (x, y) in self.alive)
        )


X = Annotated[int, Range(0, 3)]
Y = Annotated[int, Range(0, 4)]
Piece = Annotated[Set[tuple[X, Y]], AtMost(4)]
Shift = Annotated[int, Range(-1, 1)]


class Klotski(Model):
    """Ten blocks slide on a board, until the large one is at the exit."""

    board: Annotated[Set[Piece], AtMost(10)]

    def init(self) -> None:
        large = Set({(1, 0), (2, 0), (1, 1), (2, 1)})
        upright = Set(Set({(x, y), (x, y + 1)}) for x in (0, 3) for y in (0, 2))
        small = Set(Set({p}) for p in ((1, 3), (2, 3), (0, 4), (3, 4)))
        self.board = upright | small | Set({large, Set({(1, 2), (2, 2)})})

    @action
    def slide(self, piece: Piece, dx: Shift, dy: Shift) -> None:
        require(piece in self.board and abs(dx) + abs(dy) == 1)
        require(all(0 <= x + dx <= 3 and 0 <= y + dy <= 4 for x, y in piece))
        moved = Set((x + dx, y + dy) for x, y in piece)
        others = self.board - Set({piece})
        require(all(moved.isdisjoint(other) for other in others))
        self.board = others | Set({moved})

    @invariant
    def unsolved(self) -> bool:
        return Set({(1, 3), (1, 4), (2, 3), (2, 4)}) not in self.board
