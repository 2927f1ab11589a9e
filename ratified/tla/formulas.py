"""TLA+ text: quantifiers, what stands between brackets, and formulas as people write them. See syntax.py for the rest.

Guarantees: those of syntax.py; and a formula that is made of others says what they say, in fewer words where there are such.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

from ratified.tla.syntax import (
    LOOSE,
    If,
    Infix,
    Junction,
    Leaf,
    Pattern,
    Prefix,
    TextLines,
    Tla,
    Wrapped,
    closing,
    flats,
    hang,
    indent,
    joined,
    names_in,
)

Binder = tuple[tuple[str | Pattern, ...], Tla]
r"""`x, y \in S`; a pattern takes a pair apart."""


def bounds_text(bounds: Sequence[Binder]) -> str | None:
    """The bounds of a quantifier, on one line."""
    texts = flats(domain for _, domain in bounds)
    if texts is None:
        return None
    return ", ".join(
        f"{', '.join(map(str, names))} \\in {text}" for (names, _), text in zip(bounds, texts, strict=True)
    )


def bounds_block(bounds: Sequence[Binder], width: int) -> TextLines:
    """The bounds of a quantifier, on as many lines as they need."""
    text = bounds_text(bounds)
    if text is not None and len(text) <= width:
        return [text]
    return joined([hang(f"{', '.join(map(str, n))} \\in ", d.block(width - 8)) for n, d in bounds], "", "")


@dataclass(frozen=True, eq=False)
class QuantifiedTla(Tla):
    r"""`\A x \in S : P`, `\E x \in S : P`, `CHOOSE x \in S : P`."""

    op: str
    bounds: tuple[Binder, ...]
    body: Tla
    level = LOOSE
    binds = True

    @cached_property
    def flat(self) -> str | None:
        """See Tla."""
        text = bounds_text(self.bounds)
        return None if text is None or self.body.flat is None else f"{self.op} {text} : {self.body.flat}"

    def broken(self, width: int) -> TextLines:
        """See Tla."""
        lead = f"{self.op} "
        head = closing(hang(lead, bounds_block(self.bounds, width - len(lead) - 2)), " :")
        beside = self.body.block(width - len(head[-1]) - 1)
        below = self.body.block(width - 4)
        short = len(head) == 1 and len(head[0]) < 30 and not isinstance(self.body, QuantifiedTla)
        if short and len(beside) <= len(below) and len(head[0]) + 1 + max(map(len, beside)) <= width:
            return hang(f"{head[0]} ", beside)
        return [*head, *indent(4, below)]


def quantified(op: str, bounds: Sequence[Binder], body: Tla) -> Tla:
    """The body under all bounds, of which one may be about names of those before it: that one is a quantifier of its own."""
    for i, (_, domain) in enumerate(bounds):
        if not domain.names.isdisjoint(names_in(names for names, _ in bounds[:i])):
            return QuantifiedTla(op, tuple(bounds[:i]), quantified(op, bounds[i:], body))
    return QuantifiedTla(op, tuple(bounds), body) if bounds else body


@dataclass(frozen=True, eq=False)
class Comprehension(Tla):
    r"""`{e : x \in S}`, `{x \in S : P}`, `[x \in S |-> e]`."""

    open: str
    first: str
    """What stands first: `element` or `bounds`."""
    separator: str
    bounds: tuple[Binder, ...]
    body: Tla
    close: str
    binds = True

    @cached_property
    def names(self) -> frozenset[str]:
        """See Tla."""
        return names_in((self.bounds, self.body))

    @cached_property
    def flat(self) -> str | None:
        """See Tla."""
        text = bounds_text(self.bounds)
        if text is None or self.body.flat is None:
            return None
        sides = (text, self.body.flat) if self.first == "bounds" else (self.body.flat, text)
        return f"{self.open}{sides[0]} {self.separator} {sides[1]}{self.close}"

    def broken(self, width: int) -> TextLines:
        """See Tla."""
        space = width - 2
        parts = (bounds_block(self.bounds, space - 4), self.body.block(space - 3))
        first, second = parts if self.first == "bounds" else (parts[1], parts[0])
        lines = closing(hang(self.open, first), f" {self.separator}")
        if len(lines) == 1 and len(lines[0]) < width // 2 and self.first == "bounds":
            beside = self.body.block(width - len(lines[0]) - 2)
            if len(lines[0]) + 2 + max(map(len, beside)) <= width:
                return closing(hang(f"{lines[0]} ", beside), self.close)
        return [*lines, *closing(indent(4, second), self.close)]


def set_of(element: Tla, *bounds: Binder) -> Tla:
    r"""`{element : x \in S}`."""
    return Comprehension("{", "element", ":", bounds, element, "}")


def filtered(name: str | Pattern, domain: Tla, test: Tla) -> Tla:
    r"""`{name \in domain : test}`."""
    return Comprehension("{", "bounds", ":", (((name,), domain),), test, "}")


def function(body: Tla, *bounds: Binder) -> Tla:
    r"""`[x \in S |-> body]`."""
    return Comprehension("[", "bounds", "|->", bounds, body, "]")


@dataclass(frozen=True, eq=False)
class Bracketed(Tla):
    """Items between brackets: `{a, b}`, `<<a, b>>`, `[a |-> 1, b |-> 2]`, `[a : S]`."""

    open: str
    items: tuple[tuple[str, Tla], ...]
    close: str
    bracketed = True

    @cached_property
    def names(self) -> frozenset[str]:
        """See Tla."""
        return names_in(item for _, item in self.items)

    @cached_property
    def flat(self) -> str | None:
        """See Tla."""
        texts = flats(item for _, item in self.items)
        if texts is None:
            return None
        inner = ", ".join(lead + text for (lead, _), text in zip(self.items, texts, strict=True))
        return f"{self.open}{inner}{self.close}"

    def broken(self, width: int) -> TextLines:
        """See Tla."""
        space = width - len(self.open) - len(self.close)
        names = all(isinstance(item, Leaf) and not lead for lead, item in self.items)
        if names or (len(self.items) <= 4 and self._fits(space)):
            return self._filled(space)
        parts = [hang(lead, item.block(space - len(lead))) for lead, item in self.items]
        return joined(parts, self.open, self.close)

    def _fits(self, space: int) -> bool:
        """Whether each item fits into a line."""
        return all(item.flat is not None and len(lead) + len(item.flat) < space for lead, item in self.items)

    def _filled(self, space: int) -> TextLines:
        """As many items in a line as there is room for."""
        rows: list[list[str]] = [[]]
        for lead, item in self.items:
            text = f"{lead}{item}"
            if rows[-1] and len(", ".join([*rows[-1], text])) + 1 > space:
                rows.append([])
            rows[-1].append(text)
        return joined([[", ".join(row)] for row in rows], self.open, self.close)


def braces(*items: Tla) -> Tla:
    """`{a, b}`."""
    return Bracketed("{", tuple(("", item) for item in items), "}")


def tuple_of(*items: Tla) -> Tla:
    """`<<a, b>>`."""
    return Bracketed("<<", tuple(("", item) for item in items), ">>") if items else Leaf("<< >>")


def record_of(fields: Iterable[tuple[str, Tla]], sign: str = "|->") -> Tla:
    """`[a |-> 1]`, or `[a : S]`."""
    return Bracketed("[", tuple((f"{name} {sign} ", value) for name, value in fields), "]")


@dataclass(frozen=True, eq=False)
class Except(Tla):
    """`[base EXCEPT ![i] = v, !.f = w]`. `updates` are `![i]` with their values; a field is its name."""

    base: Tla
    updates: tuple[tuple[tuple[Tla | str, ...], Tla], ...]

    def _leads(self) -> list[str] | None:
        leads = []
        for path, _ in self.updates:
            if any(isinstance(key, Tla) and key.flat is None for key in path):
                return None
            keys = (f".{key}" if isinstance(key, str) else f"[{key.flat}]" for key in path)
            leads.append(f"!{''.join(keys)} = ")
        return leads

    @cached_property
    def flat(self) -> str | None:
        """See Tla."""
        values, leads = flats(value for _, value in self.updates), self._leads()
        if values is None or leads is None or self.base.flat is None:
            return None
        inner = ", ".join(lead + value for lead, value in zip(leads, values, strict=True))
        return f"[{self.base.flat} EXCEPT {inner}]"

    def broken(self, width: int) -> TextLines:
        """See Tla."""
        leads = self._leads()
        if leads is None:
            return self._all_broken(width)
        head = hang("[", closing(self.base.block(width - 10), " EXCEPT "))
        space = width - len(head[-1]) - 1
        parts = [
            hang(lead, value.block(max(20, space - len(lead))))
            for lead, (_, value) in zip(leads, self.updates, strict=True)
        ]
        beside = [*head[:-1], *hang(head[-1], joined(parts, "", "]"))]
        if max(map(len, beside)) <= width:
            return beside
        parts = []
        for lead, (_, value) in zip(leads, self.updates, strict=True):
            after = hang(lead, value.block(width - 5 - len(lead)))
            if max(map(len, after)) > width - 5 and not isinstance(value, Leaf):
                after = [lead.rstrip(), *indent(4, value.block(width - 9))]
            parts.append(after)
        return [*closing(head, "")[:-1], head[-1].rstrip(), *joined(parts, "    ", "]")]

    def _all_broken(self, width: int) -> TextLines:
        """With keys that need lines of their own."""
        parts = []
        for path, value in self.updates:
            lines = ["!"]
            for key in path:
                one = [f".{key}"] if isinstance(key, str) else closing(hang("[", key.block(width - 12)), "]")
                lines = [*lines[:-1], *hang(lines[-1], one)]
            parts.append([*closing(lines, " ="), *indent(4, value.block(width - 12))])
        return [*hang("[", closing(self.base.block(width - 10), " EXCEPT")), *joined(parts, "    ", "]")]


@dataclass(frozen=True, eq=False)
class FunctionSet(Tla):
    """`[S -> T]`."""

    keys: Tla
    values: Tla

    @cached_property
    def flat(self) -> str | None:
        """See Tla."""
        texts = flats((self.keys, self.values))
        return None if texts is None else f"[{texts[0]} -> {texts[1]}]"

    def broken(self, width: int) -> TextLines:
        """See Tla."""
        keys = closing(hang("[", self.keys.block(width - 5)), " ->")
        return [*keys, *closing(indent(4, self.values.block(width - 5)), "]")]


TRUE, FALSE, ZERO, ONE = Leaf("TRUE"), Leaf("FALSE"), Leaf("0"), Leaf("1")


def number(value: int) -> Tla:
    """An integer. The least that TLC computes with it cannot read: it takes the minus for an operation."""
    if value == -(2**31):
        return Wrapped(Infix("-", number(value + 1), ONE))
    return Leaf(str(value)) if value >= 0 else Prefix("-", Leaf(str(-value)))


def string(text: str) -> Tla:
    """A string. What is not ASCII stands in messages alone, and there as `?`: TLC does not read it."""
    text = re.sub("[^ -~]", "?", text)
    return Leaf('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"')


def folded(op: str, parts: Sequence[Tla]) -> Tla:
    """Parts with an operator between them, grouped to the left."""
    return reduce(lambda left, right: Infix(op, left, right), parts)


def all_of(items: Iterable[Tla], *, listed: bool = False) -> Tla:
    """A conjunction, nested ones made one."""
    return _junction("/\\", items, TRUE, listed)


def any_of(items: Iterable[Tla]) -> Tla:
    """A disjunction, nested ones made one."""
    return _junction("\\/", items, FALSE, False)


def _junction(op: str, items: Iterable[Tla], neutral: Leaf, listed: bool) -> Tla:
    parts: list[Tla] = []
    for item in items:
        if isinstance(item, Junction) and item.op == op:
            parts += item.items
        elif not (isinstance(item, Leaf) and item.text == neutral.text):
            parts.append(item)
    if not parts:
        return neutral
    return parts[0] if len(parts) == 1 else Junction(op, tuple(parts), listed)


_OPPOSITE = {
    "=": "#",
    "#": "=",
    "<": ">=",
    ">=": "<",
    ">": "<=",
    "<=": ">",
    "\\in": "\\notin",
    "\\notin": "\\in",
}


class Evaluated(Prefix):
    """`~ P` that stays one: what it is about must not come to stand in an action, where TLC would not just compute it."""


def negated(part: Tla) -> Tla:
    r"""Its negation, as people write it: `a # b`, `x \notin S`."""
    if isinstance(part, Infix) and part.op in _OPPOSITE:
        return Infix(_OPPOSITE[part.op], part.left, part.right)
    if isinstance(part, Prefix) and part.op == "~" and not isinstance(part, Evaluated):
        return part.operand
    if isinstance(part, Leaf) and part.text in ("TRUE", "FALSE"):
        return FALSE if part.text == "TRUE" else TRUE
    return Prefix("~", part)


def if_else(test: Tla, then: Tla, orelse: Tla, *, truth: bool = False) -> Tla:
    """A choice; one between truth values (`truth`) as the formula it is."""
    sides = tuple(side.text if isinstance(side, Leaf) else "" for side in (then, orelse))
    if str(then) == str(orelse):
        return then
    if sides == ("TRUE", "FALSE"):
        return test
    if sides == ("FALSE", "TRUE"):
        return negated(test)
    if truth and sides[0] == "TRUE":
        return Infix("=>", negated(test), orelse)
    if truth and sides[0] == "FALSE":
        return all_of((negated(test), orelse))
    if truth and sides[1] == "FALSE":
        return all_of((test, then))
    if truth and sides[1] == "TRUE":
        return Infix("=>", test, then)
    return If(test, then, orelse)
