"""TLA+ text: expressions as small trees, and their layout.

Guarantees: what is laid out parses as the tree it came from (parentheses where precedences need or readers want them, the
items of a junction list aligned, everything inside an item to its right); the same tree gives the same text; lines keep
within the width wherever an expression can be broken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

WIDTH = 80

TextLines = list[str]
"""Lines, the first of which begins where the expression begins; all relative to that column."""

LOOSE, IMPLIES, JUNCTION, NOT, RELATION, MERGE, PAIR, SETS, DOTS, PLUS, MINUS, TIMES, CLOSED = range(13)
"""Precedences, loosest first. What is LOOSE extends to the right as far as it can."""

_PRECEDENCE = {
    "=>": IMPLIES,
    "~>": IMPLIES,
    "<=>": IMPLIES,
    "/\\": JUNCTION,
    "\\/": JUNCTION,
    "=": RELATION,
    "#": RELATION,
    "<": RELATION,
    "<=": RELATION,
    ">": RELATION,
    ">=": RELATION,
    "\\in": RELATION,
    "\\notin": RELATION,
    "\\subseteq": RELATION,
    "@@": MERGE,
    ":>": PAIR,
    "\\union": SETS,
    "\\intersect": SETS,
    "\\": SETS,
    "\\X": SETS,
    "..": DOTS,
    "+": PLUS,
    "(+)": PLUS,
    "-": MINUS,
    "(-)": MINUS,
    "%": PLUS,
    "*": TIMES,
    "\\div": TIMES,
    "\\o": TIMES,
}
_CHAINS = {"\\X", "\\union", "\\intersect", "+", "-", "*", "\\o", "(+)", "/\\", "\\/"}
"""Operators of which `a op b op c` needs no parentheses, grouping to the left."""


def names_in(things: Iterable[object]) -> frozenset[str]:
    """The names that stand in expressions, definitions, bounds and rows of these; a text is a name."""
    found = set[str]()
    for thing in things:
        if isinstance(thing, str):
            found.add(thing)
        elif isinstance(thing, Tla | Definition | Pattern):
            found |= thing.names
        elif isinstance(thing, tuple):
            found |= names_in(thing)
    return frozenset(found)


class Tla:
    """An expression. `level` is its precedence; `flat` its text on one line, None if it must be broken."""

    level = CLOSED
    bracketed = False
    """Whether it is a list between brackets, which may stand right after a parenthesis."""

    @property
    def open_ended(self) -> bool:
        """Whether it would take in what follows it: its end is an IF, a LET or a quantifier without parentheses."""
        return self.level == LOOSE

    @cached_property
    def names(self) -> frozenset[str]:
        """The names that stand in it, of what it binds too."""
        return names_in(getattr(self, f.name) for f in fields(self))  # type: ignore[arg-type]  # each kind is a dataclass

    @cached_property
    def binds(self) -> bool:
        """Whether it binds names of its own somewhere."""
        return any(isinstance(part, Tla) and part.binds for part in _parts(self))

    @cached_property
    def flat(self) -> str | None:
        """The whole on one line."""
        raise NotImplementedError

    def broken(self, width: int) -> TextLines:
        """The whole on several lines."""
        raise NotImplementedError

    def block(self, width: int) -> TextLines:
        """On one line if that fits, else on several."""
        flat = self.flat
        if flat is not None and len(flat) <= width:
            return [flat]
        return self.broken(width)

    def __str__(self) -> str:
        return self.flat if self.flat is not None else "\n".join(self.block(WIDTH))


def _parts(thing: object) -> Iterator[object]:
    """What stands directly in an expression, through rows and definitions."""
    inside = thing if isinstance(thing, tuple) else [getattr(thing, f.name) for f in fields(thing)]  # type: ignore[arg-type]  # a dataclass
    for part in inside:
        if isinstance(part, tuple | Definition):
            yield from _parts(part)
        else:
            yield part


@dataclass(frozen=True, slots=True)
class Pattern:
    """`<<a, b>>`, where it binds these names."""

    of: tuple[str, ...]

    @property
    def names(self) -> frozenset[str]:
        """See Tla."""
        return frozenset(self.of)

    def __str__(self) -> str:
        return f"<<{', '.join(self.of)}>>"


def hang(lead: str, block: TextLines) -> TextLines:
    """A block after a lead, its further lines below its first."""
    return [lead + block[0], *(" " * len(lead) + line for line in block[1:])]


def indent(by: int, block: TextLines) -> TextLines:
    """A block moved to the right."""
    return [" " * by + line for line in block]


def closing(block: TextLines, text: str) -> TextLines:
    """A block with text after its last line."""
    return [*block[:-1], block[-1] + text]


def joined(parts: Sequence[TextLines], lead: str, end: str, separator: str = ",") -> TextLines:
    """Blocks below each other between brackets."""
    lines: TextLines = []
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        lines += hang(lead if number == 0 else " " * len(lead), closing(part, end if last else separator))
    return lines or [lead + end]


def flats(parts: Iterable[Tla]) -> list[str] | None:
    """Each on one line; None if one of them must be broken."""
    texts = [part.flat for part in parts]
    return None if any(t is None for t in texts) else [t for t in texts if t is not None]


@dataclass(frozen=True, eq=False)
class Leaf(Tla):
    """A name, number, string or other text that is never broken."""

    text: str

    @cached_property
    def flat(self) -> str | None:
        """See Tla."""
        return self.text

    def broken(self, width: int) -> TextLines:  # noqa: ARG002  # it is as wide as it is
        """See Tla."""
        return [self.text]


@dataclass(frozen=True, eq=False)
class Wrapped(Tla):
    """Parentheses."""

    inner: Tla

    @cached_property
    def flat(self) -> str | None:
        """See Tla."""
        return None if self.inner.flat is None else f"({self.inner.flat})"

    def broken(self, width: int) -> TextLines:
        """See Tla."""
        return closing(hang("(", self.inner.block(width - 2)), ")")


def inside(part: Tla, level: int, *, last: bool = False) -> Tla:
    """An operand, in parentheses if it binds no tighter than what it stands in, or would take in what follows it."""
    if last and part.level == LOOSE:
        return part
    return part if part.level > level and not (part.open_ended and not last) else Wrapped(part)


@dataclass(frozen=True, eq=False)
class Infix(Tla):
    """`left op right`."""

    op: str
    left: Tla
    right: Tla

    @property
    def level(self) -> int:  # type: ignore[override]  # it depends on the operator
        """See Tla."""
        return _PRECEDENCE[self.op]

    @cached_property
    def _sides(self) -> tuple[Tla, Tla]:
        left, right = self.left, self.right
        chain = isinstance(left, Infix) and self.op in _CHAINS
        if chain and isinstance(left, Infix) and (left.op == self.op or {left.op, self.op} == {"+", "-"}):
            return left, inside(right, max(self.level, _PRECEDENCE["-"] if self.op in "+-" else 0))
        if self.op == "\\X":
            return inside(left, TIMES), inside(right, TIMES)
        if self.op in ("+", "-", "%", "(+)", "(-)"):
            return inside(left, MINUS), inside(right, MINUS)
        return inside(left, self.level), inside(right, self.level, last=self.level <= RELATION)

    @property
    def open_ended(self) -> bool:
        """See Tla."""
        return self._sides[1].open_ended

    @cached_property
    def flat(self) -> str | None:
        """See Tla."""
        texts = flats(self._sides)
        if texts is None:
            return None
        return (
            f"{texts[0]}..{texts[1]}"
            if self.op == ".." and " " not in "".join(texts)
            else f" {self.op} ".join(texts)
        )

    def broken(self, width: int) -> TextLines:
        """See Tla."""
        left, right = self._sides
        first = left.block(width)
        if isinstance(left, Junction) and len(first) > 1:
            first = Wrapped(left).block(width)  # else the operator would belong to the last item
        lead = f"{first[-1]} {self.op} "
        if self.op in ("\\union", "(+)", "\\o", "@@") and len(first[-1]) + 1 + len(self.op) <= width:
            return [*closing(first, f" {self.op}"), *indent(4, right.block(width - 4))]
        if self.op not in ("=>", "~>", "\\in", "\\notin") and len(lead) < width // 2 and len(first) == 1:
            beside = right.block(width - len(lead))
            if len(lead) + max(map(len, beside)) <= width:
                return hang(lead, beside)
        return [*first, *indent(2, hang(f"{self.op} ", right.block(width - 3 - len(self.op))))]


@dataclass(frozen=True, eq=False)
class Prefix(Tla):
    """`~ P`, `DOMAIN f`, `SUBSET S`, `UNION S`, `-n`, `UNCHANGED x`."""

    op: str
    operand: Tla

    @property
    def level(self) -> int:  # type: ignore[override]  # it depends on the operator
        """See Tla."""
        return {"~": NOT, "-": MINUS}.get(self.op, SETS)

    @cached_property
    def _inner(self) -> Tla:
        operand = self.operand
        if isinstance(operand, Prefix) and self.op != "-":
            return Wrapped(operand)
        return inside(operand, RELATION if self.op == "~" else TIMES)

    @property
    def _lead(self) -> str:
        return self.op if self.op in "~-" else f"{self.op} "

    @cached_property
    def flat(self) -> str | None:
        """See Tla."""
        return None if self._inner.flat is None else self._lead + self._inner.flat

    def broken(self, width: int) -> TextLines:
        """See Tla."""
        return hang(self._lead, self._inner.block(width - len(self._lead)))


@dataclass(frozen=True, eq=False)
class Junction(Tla):
    r"""`/\` or `\/` of items; `listed` if always one below the other."""

    op: str
    items: tuple[Tla, ...]
    listed: bool = False
    level = JUNCTION

    @cached_property
    def flat(self) -> str | None:
        """See Tla."""
        if self.listed and len(self.items) > 1:
            return None
        last = len(self.items) - 1
        texts = flats(inside(item, JUNCTION, last=n == last) for n, item in enumerate(self.items))
        return None if texts is None else f" {self.op} ".join(texts)

    @property
    def open_ended(self) -> bool:
        """See Tla."""
        return self.items[-1].open_ended

    def broken(self, width: int) -> TextLines:
        """See Tla."""
        return [line for item in self.items for line in hang(f"{self.op} ", item.block(width - 3))]


@dataclass(frozen=True, eq=False)
class Commented(Tla):
    """An expression with a comment above it, or to its right if there is room."""

    inner: Tla
    comment: tuple[str, ...]
    level = CLOSED

    @cached_property
    def names(self) -> frozenset[str]:
        """See Tla."""
        return self.inner.names

    @cached_property
    def flat(self) -> str | None:
        """See Tla."""
        return None

    def broken(self, width: int) -> TextLines:
        """See Tla."""
        block = self.inner.block(width)
        beside = f"{block[0]}  \\* {self.comment[0]}"
        if len(block) == 1 and len(self.comment) == 1 and len(beside) <= width:
            return [beside]
        return [*(f"\\* {line}" for line in self.comment), *block]


@dataclass(frozen=True, eq=False)
class Apply(Tla):
    """`op(a, b)`, or `op` alone without arguments."""

    op: str
    arguments: tuple[Tla, ...] = ()

    @cached_property
    def flat(self) -> str | None:
        """See Tla."""
        if not self.arguments:
            return self.op
        texts = flats(self.arguments)
        return None if texts is None else f"{self.op}({', '.join(texts)})"

    def broken(self, width: int) -> TextLines:
        """See Tla."""
        if not self.arguments:
            return [self.op]
        lead = f"{self.op}("
        beside = joined([a.block(width - len(lead) - 1) for a in self.arguments], lead, ")")
        if len(self.arguments) == 1 and self.arguments[0].bracketed:
            return beside
        if max(map(len, beside)) <= width and (len(lead) < 20 or len(beside) <= len(self.arguments)):
            return beside
        return [lead, *joined([a.block(width - 5) for a in self.arguments], "    ", ")")]


@dataclass(frozen=True, eq=False)
class Primed(Tla):
    """`e'`."""

    inner: Tla

    @cached_property
    def _body(self) -> Tla:
        return self.inner if isinstance(self.inner, Leaf | Apply) else Wrapped(self.inner)

    @cached_property
    def flat(self) -> str | None:
        """See Tla."""
        return None if self._body.flat is None else f"{self._body.flat}'"

    def broken(self, width: int) -> TextLines:
        """See Tla."""
        return closing(self._body.block(width - 1), "'")


@dataclass(frozen=True, eq=False)
class Index(Tla):
    """`f[x]`."""

    function: Tla
    arguments: tuple[Tla, ...]

    @cached_property
    def _base(self) -> Tla:
        return inside(self.function, TIMES)

    @cached_property
    def flat(self) -> str | None:
        """See Tla."""
        texts = flats([self._base, *self.arguments])
        return None if texts is None else f"{texts[0]}[{', '.join(texts[1:])}]"

    def broken(self, width: int) -> TextLines:
        """See Tla."""
        base = self._base.block(width)
        lead = f"{base[-1]}["
        inner = joined([a.block(width - len(lead) - 1) for a in self.arguments], "", "]")
        return [*base[:-1], *hang(lead, inner)]


@dataclass(frozen=True, eq=False)
class Dot(Tla):
    """`r.field`."""

    record: Tla
    field: str

    @cached_property
    def names(self) -> frozenset[str]:
        """See Tla."""
        return self.record.names

    @cached_property
    def _base(self) -> Tla:
        number = isinstance(self.record, Leaf) and self.record.text.isdigit()
        return Wrapped(self.record) if number else inside(self.record, TIMES)

    @cached_property
    def flat(self) -> str | None:
        """See Tla."""
        return None if self._base.flat is None else f"{self._base.flat}.{self.field}"

    def broken(self, width: int) -> TextLines:
        """See Tla."""
        return closing(self._base.block(width - 1 - len(self.field)), f".{self.field}")


@dataclass(frozen=True, eq=False)
class If(Tla):
    """`IF test THEN then ELSE orelse`."""

    test: Tla
    then: Tla
    orelse: Tla
    level = LOOSE

    @cached_property
    def flat(self) -> str | None:
        """See Tla."""
        texts = flats((self.test, self.then, self.orelse))
        return None if texts is None else f"IF {texts[0]} THEN {texts[1]} ELSE {texts[2]}"

    def broken(self, width: int) -> TextLines:
        """See Tla."""
        lines = hang("IF ", self.test.block(width - 3))
        lines += hang("  THEN ", self.then.block(width - 7))
        orelse = self.orelse
        while isinstance(orelse, If) and (orelse.flat is None or len(orelse.flat) > width - 7):
            lines += hang("  ELSE IF ", orelse.test.block(width - 10))
            lines += hang("  THEN ", orelse.then.block(width - 7))
            orelse = orelse.orelse
        return lines + hang("  ELSE ", orelse.block(width - 7))


@dataclass(frozen=True, eq=False)
class Definition:
    r"""`name(parameters) == body`, or `name[k \in S] == body` if `domain` is S."""

    name: str
    body: Tla
    parameters: tuple[str, ...] = ()
    domain: tuple[str, Tla] | None = None
    comment: tuple[str, ...] = ()

    @cached_property
    def names(self) -> frozenset[str]:
        """See Tla."""
        return names_in((self.name, self.body, self.parameters, self.domain))

    @property
    def head(self) -> str:
        """What stands before the body."""
        if self.domain is not None:
            return f"{self.name}[{self.domain[0]} \\in {self.domain[1]}] =="
        return f"{self.name}({', '.join(self.parameters)}) ==" if self.parameters else f"{self.name} =="

    def block(self, width: int) -> TextLines:
        """Within a LET."""
        comment = [f"\\* {line}" for line in self.comment]
        beside = hang(f"{self.head} ", self.body.block(width - len(self.head) - 1))
        if len(self.head) < 24 and max(map(len, beside)) <= width:
            return comment + beside
        return [*comment, self.head, *indent(4, self.body.block(width - 4))]

    def lines(self) -> TextLines:
        """At the top of a module."""
        flat = self.body.flat
        if flat is not None and len(self.head) + 1 + len(flat) <= WIDTH:
            return [f"{self.head} {flat}"]
        return [self.head, *indent(4, self.body.block(WIDTH - 4))]


@dataclass(frozen=True, eq=False)
class Let(Tla):
    """`LET definitions IN body`."""

    definitions: tuple[Definition, ...]
    body: Tla
    level = LOOSE
    binds = True

    @cached_property
    def flat(self) -> str | None:
        """See Tla."""
        if len(self.definitions) != 1 or self.definitions[0].comment:
            return None
        (one,) = self.definitions
        texts = flats((one.body, self.body))
        if texts is None or len(texts[0]) + len(texts[1]) > 40:
            return None
        return f"LET {one.head} {texts[0]} IN {texts[1]}"

    def broken(self, width: int) -> TextLines:
        """See Tla."""
        lines = [line for d in self.definitions for line in d.block(width - 4)]
        return [*hang("LET ", lines), *hang("IN  ", self.body.block(width - 4))]
