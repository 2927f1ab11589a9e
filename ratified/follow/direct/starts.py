"""How far sequences begin alike: claims about logs ask it of the same few, for one length after the other.

Guarantees: what is said of two sequences is what comparing them item by item would say. Of a sequence that was made of another,
by an item at its end or by cutting it, what is known of that other is not compared again.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

Items: TypeAlias = tuple[Any, ...]

MOST_ALIKE: Final = 64
"""So many pairs of sequences are remembered with how far they begin alike."""

MOST_MADE: Final = 16
"""So many sequences are remembered with what they were made of."""

SHORT: Final = 64
"""What is shorter is compared as quickly as it is looked up."""


class Starts:
    """Remembers them by identity, with the sequences themselves, so that nothing else gets their identities."""

    __slots__ = ("_known", "_made")

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], tuple[int, Items, Items]] = {}
        self._made: dict[
            int, tuple[Items, Items, int]
        ] = {}  # what was made, of what, and how far they are alike

    def longer(self, items: Items, item: Any) -> Items:
        """The same with an item more."""
        return self._made_of((*items, item), items, len(items))

    def cut(self, items: Items, end: int) -> Items:
        """The same as `items[:end]`."""
        made = items[:end]
        return self._made_of(made, items, len(made))

    def _made_of(self, made: Items, items: Items, alike: int) -> Items:
        if made is not items:
            if len(self._made) >= MOST_MADE:
                del self._made[next(iter(self._made))]
            self._made[id(made)] = made, items, alike
        return made

    def same(self, left: Items, right: Items, length: int) -> bool:
        """The same as `left[:length] == right[:length]`."""
        if length < SHORT:
            return left[:length] == right[:length]
        if left is right or length <= self.alike(left, right):
            return True
        return left == right  # the shorter one ends before that, or they differ there

    def begins(self, items: Items, length: int, with_: Items) -> bool:
        """The same as `items[:length] == with_`."""
        if length < 0:
            return items[:length] == with_
        most = len(with_)
        return min(length, len(items)) == most and (items is with_ or most <= self.alike(items, with_))

    def alike(self, left: Items, right: Items) -> int:
        """How long the longest common beginning is."""
        known = self._known
        found = known.get((id(left), id(right))) or known.get((id(right), id(left)))
        if found is None:
            if len(known) >= MOST_ALIKE:
                del known[next(iter(known))]
            found = known[id(left), id(right)] = self._compared(left, right), left, right
        return found[0]

    def _compared(self, left: Items, right: Items) -> int:
        known, alike = self._known, 0
        for made, other in ((left, right), (right, left)):
            origin = self._made.get(id(made))
            if origin is None:
                continue
            _, of, most = origin
            if of is other:
                alike = max(alike, most)
                continue
            found = known.get((id(of), id(other))) or known.get((id(other), id(of)))
            if found is not None:
                if found[0] < most:  # the other ends there, or differs from both
                    return found[0]
                alike = max(alike, most)
        return common(left, right, alike)

    def number_since(self, low: int, was_high: int, *pairs: tuple[Items, Items]) -> int:
        """The first number, from `low` on, that was not counted before, or up to which a sequence has changed: (now, before)."""
        known = was_high - 1
        for now, was in pairs:
            alike = len(now) if now is was else self.alike(now, was)
            if alike < known:
                known = alike
        return known + 1 if known >= low else low


def common(left: Items, right: Items, known: int = 0) -> int:
    """How long the longest common beginning is; it is as long as is known, or longer."""
    end = min(len(left), len(right))
    step = end - known
    while step:
        if known + step <= end and left[known : known + step] == right[known : known + step]:
            known += step
        else:
            step //= 2
    return known
