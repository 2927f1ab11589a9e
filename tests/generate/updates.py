"""Generated updates: every way in which a statement changes a variable.

A change that could leave a bound or fail has a guard before it, or an `if` around it, except now and then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.generate.expressions import Expressions
from tests.generate.scope import Function, Name, Scope, constants, wrap
from tests.generate.types import (
    BagType,
    BoolType,
    EnumType,
    IntType,
    MapType,
    OptionType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    TextType,
    Type,
)

Lines = list[str]


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a statement stands: what may be changed there (`places`), which procedures may be called, how deep to nest."""

    places: tuple[Name, ...] = ()
    procedures: tuple[Function, ...] = ()
    depth: int = 2

    def deeper(self) -> Frame:
        """Inside one more block."""
        return Frame(self.places, self.procedures, self.depth - 1)


def indented(lines: Lines) -> Lines:
    """A block one level deeper."""
    return [f"    {line}" for line in lines]


class Updates(Expressions):
    """Writes changes of variables."""

    def update(self, scope: Scope, frame: Frame) -> Lines:
        """A change of some variable; a guard comes before it where it could fail."""
        places = [place for place in frame.places if self.can(scope, place.kind)]
        if not places:
            return ["pass"]
        place = self.choose.pick(places)
        text, kind = place.text, place.kind
        while isinstance(kind, MapType):
            if not self.can(scope, kind.key) or self.choose.chance(8):
                return [self._set_to(scope, text, kind)]
            text, kind = (
                f"{text}[{self.expr(scope, kind.key, 0 if self.choose.chance(80) else 1)}]",
                kind.value,
            )
        if not self.can(scope, kind):
            return ["pass"]
        others = [other for other in places if other != place and not isinstance(other.kind, MapType)]
        if others and self.choose.chance(6):
            other = self.choose.pick(others)
            values = [
                self.expr(scope, kind, 1),
                text if other.kind == kind else self.expr(scope, other.kind, 1),
            ]
            return [f"{text}, {other.text} = {', '.join(values)}"]
        return self.choose.weighted(self._updates(scope, text, kind))

    def _updates(self, scope: Scope, text: str, kind: Type) -> list[tuple[int, Callable[[], Lines]]]:
        options: list[tuple[int, Callable[[], Lines]]] = [
            (4, lambda: [f"{text} = {self.expr(scope, kind, 2)}"])
        ]
        match kind:
            case IntType(low, high):
                options = [(2, options[0][1]), (4, lambda: self._counted(scope, text, low, high))]
            case BoolType():
                options.append((2, lambda: [f"{text} = not {text}"]))
            case SortType() if kind.ordered:
                options.append((3, lambda: self._raised(text)))
            case RecordType() | OptionType() | EnumType():
                pass
            case SetType():
                options = self._set_updates(scope, text, kind)
            case BagType():
                options = self._bag_updates(scope, text, kind)
            case SeqType():
                options = self._seq_updates(scope, text, kind)
            case _:
                pass
        return options

    def _set_to(self, scope: Scope, text: str, kind: Type) -> str:
        value = self.expr(scope, kind, 2)
        if value == text:  # something that changes the variable makes for more states
            others = [other for other in (*scope.of(kind), *constants(kind)) if other != text]
            value = self.choose.pick(others) if others else value
        return f"{text} = {value}"

    def _unless(self, test: str, line: str, percent: int) -> Lines:
        """The line, its guard before it (or around it) except in some of a hundred cases."""
        if self.choose.chance(percent):
            return [line]
        if self.choose.chance(30):
            return [f"if {test}:", f"    {line}"]
        return [f"require({test})", line]

    def _counted(self, scope: Scope, text: str, low: int, high: int) -> Lines:
        if self.choose.chance(20):
            return self._unless(f"{text} > {low}", f"{text} -= 1", 12)
        if self.choose.chance(15):
            return [f"{text} += {self.expr(scope, IntType(0, 1), 1)}"]
        return self._unless(f"{text} < {high}", f"{text} += 1", 12)

    def _raised(self, text: str) -> Lines:
        return self._unless(
            f"not {text}.is_last()", f"{text} = {text} + 1" if self.choose.chance(60) else f"{text} += 1", 12
        )

    def _one(self, scope: Scope, item: Type) -> str:
        return self.expr(scope, item, 1)

    def _set_updates(self, scope: Scope, text: str, kind: SetType) -> list[tuple[int, Callable[[], Lines]]]:
        options: list[tuple[int, Callable[[], Lines]]] = [
            (1, lambda: [f"{text}.clear()"]),
            (2, lambda: [self._set_to(scope, text, kind)]),
        ]
        if self.can(scope, kind.item):
            options = [
                (8, lambda: self._added(scope, text, kind)),
                (3, lambda: [f"{text}.discard({self._one(scope, kind.item)})"]),
                (2, lambda: self._taken(text, self._one(scope, kind.item))),
                (1, lambda: [f"{text} |= {{{self._one(scope, kind.item)}}}"]),
                (1, lambda: [f"{text} -= {{{self._one(scope, kind.item)}}}"]),
                (1, lambda: [f"{text}.update({self.expr(scope, SetType(kind.item), 1)})"]),
                *options,
            ]
        return options

    def _added(self, scope: Scope, text: str, kind: SetType) -> Lines:
        line = f"{text}.add({self._one(scope, kind.item)})"
        return [line] if kind.limit is None else self._unless(f"len({text}) < {kind.limit}", line, 15)

    def _taken(self, text: str, item: str) -> Lines:
        return self._unless(f"{wrap(item)} in {text}", f"{text}.remove({item})", self.careless)

    def _bag_updates(self, scope: Scope, text: str, kind: BagType) -> list[tuple[int, Callable[[], Lines]]]:
        options: list[tuple[int, Callable[[], Lines]]] = [
            (1, lambda: [f"{text}.clear()"]),
            (1, lambda: [f"{text} = {self.expr(scope, kind, 1)}"]),
        ]
        if self.can(scope, kind.item):
            options = [
                (7, lambda: self._bagged(scope, text, kind)),
                (2, lambda: [f"{text}.discard({self._one(scope, kind.item)})"]),
                (3, lambda: self._taken(text, self._one(scope, kind.item))),
                *options,
            ]
        return options

    def _bagged(self, scope: Scope, text: str, kind: BagType) -> Lines:
        return self._put(text, kind, self._one(scope, kind.item))

    def _put(self, text: str, kind: BagType, item: str) -> Lines:
        test = f"len({text}) < {kind.limit}"
        if kind.copies is not None and not self.choose.chance(15):
            test += f" and {text}.count({item}) < {kind.copies}"
        return self._unless(test, f"{text}.add({item})", 12)

    def _seq_updates(self, scope: Scope, text: str, kind: SeqType) -> list[tuple[int, Callable[[], Lines]]]:
        options: list[tuple[int, Callable[[], Lines]]] = [
            (
                2,
                lambda: self._unless(
                    f"len({text}) > 0", f"{text}.pop({self.choose.pick(['', '', '0'])})", self.careless
                ),
            ),
            (1, lambda: [f"{text}.clear()"]),
            (2, lambda: [self._set_to(scope, text, kind)]),
            (1, lambda: self._unless(f"len({text}) < 2", f"{text}.extend({self.expr(scope, kind, 1)})", 15)),
        ]
        if self.can(scope, kind.item):
            bound = f"len({text}) < {kind.limit}"
            options = [
                (7, lambda: self._unless(bound, f"{text}.append({self._one(scope, kind.item)})", 12)),
                (3, lambda: self._placed(scope, text, kind)),
                (1, lambda: self._unless(bound, f"{text} = {text} + [{self._one(scope, kind.item)}]", 12)),
                *options,
            ]
        return options

    def _placed(self, scope: Scope, text: str, kind: SeqType) -> Lines:
        index = self.choose.pick(["0", "-1", "1"])
        test = f"len({text}) > {1 if index == '1' else 0}"
        return self._unless(test, f"{text}[{index}] = {self._one(scope, kind.item)}", self.careless)

    def plain(self, scope: Scope, frame: Frame) -> Lines:
        """A list or set of Python's own that an operator changes, perhaps under another name, and a value made of it."""
        found = [(p.text, p.kind) for p in frame.places if isinstance(p.kind, SetType | SeqType)]
        found = [(t, k) for t, k in found if self.can(scope, k.item) and not isinstance(k.item, TextType)]
        if not found:
            return self.update(scope, frame)
        text, kind = self.choose.pick(found)
        first = changed = self.fresh("plain")
        make, op, shape = ("Set", "|", "{{{}}}") if isinstance(kind, SetType) else ("Seq", "+", "[{}]")
        lines = [f"{first} = {shape.format(self.expr(scope, kind.item, 1))}"]
        if self.choose.chance(25):
            lines.append(f"{(second := self.fresh('plain'))} = {first}")
            changed = self.choose.pick([first, second])
        more = shape.format(self.expr(scope, kind.item, 1))
        change = self.choose.pick([f"{changed} {op}= {more}", f"{changed} = {changed} {op} {more}"])
        few = [f"if len({first}) <= {kind.limit}:"] if isinstance(kind, SeqType) else ["if True:"]
        return [
            *lines,
            f"if {self.condition(scope, 1)}:",
            f"    {change}",
            *few,
            f"    {text} = {make}({first})",
        ]
