"""Symmetry reduction: of the states that differ only by a renaming of interchangeable values, one is explored.

Guarantees: the representative of a state is the least state, in canonical order, that any permutation of the symmetric sorts
which leaves every parameter unchanged turns it into; so two states have the same one exactly if they are in the same orbit, and
what is explored has one state per orbit. (Ip & Dill, "Better verification through symmetry", 1996: sound if no step and no
property tells two values of a symmetric sort apart. The language gives no way to name one; `risks.py` refuses the ways to tell
by order.)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Sequence
from typing import Any

from ratified.explore.risks import order_risks
from ratified.language.compile.methods import abstract_class
from ratified.language.errors import ModelError
from ratified.language.ir import Kind, Module
from ratified.language.machine import Values
from ratified.language.model import Model
from ratified.language.partial import PartialMap
from ratified.language.sorts import Ordered, Sort
from ratified.language.types import SortType, Type, parts
from ratified.language.values import Bag, Map, Seq, Set, order_key

MOST_PERMUTATIONS = 50_000
"""Beyond this a state takes longer to bring into canonical form than symmetry saves."""

_MOST_KEPT = 250_000

Permutation = dict[type[Sort], tuple[Sort, ...]]
"""By sort, what each value becomes, in order. By sort, because values of different sorts with the same number are equal."""


class Renaming:
    """One permutation, applied to values. Records, which are many times the same, are renamed once."""

    def __init__(self, permutation: Permutation) -> None:
        self.permutation = permutation
        self._records: dict[object, object] = {}

    def __call__(self, value: Any) -> Any:
        """The value with every value of a permuted sort replaced."""
        kind = type(value)
        if kind in self.permutation:
            return self.permutation[kind][int(value)]
        if kind is Set:
            return Set._of(frozenset(map(self, value._data)))
        if kind is Map or kind is PartialMap:
            return kind({self(k): self(v) for k, v in value._data.items()})
        if kind is Bag:
            return Bag._of({self(k): n for k, n in value._data.items()})
        if kind is Seq:
            return Seq._of(tuple(map(self, value._data)))
        if kind is tuple:
            return tuple(map(self, value))
        if hasattr(value, "__record_types__"):
            renamed = self._records.get(value)
            if renamed is None:
                renamed = self._records[value] = kind(
                    *[self(getattr(value, n)) for n in value.__match_args__]
                )
            return renamed
        return value


class Symmetry:
    """The permutations under which a model at a size is unchanged, and the representatives of orbits of its states."""

    def __init__(self, model: Model) -> None:
        self._renamings, self.sorts = _renamings(model)
        self._every = (1 << len(self._renamings)) - 1
        # By variable: of a value and the permutations still in play, the least value it becomes, and which lead there.
        self._least: list[dict[tuple[Any, int], tuple[Any, int]]] = [{} for _ in model.module.variables]

    @property
    def trivial(self) -> bool:
        """Whether there is nothing to permute."""
        return len(self._renamings) == 1

    @property
    def permutations(self) -> list[Permutation]:
        """The permutations that are used, the identity among them."""
        return [renaming.permutation for renaming in self._renamings]

    def canonical(self, state: Values) -> Values:
        """The representative of a state's orbit."""
        # Least in lexicographic order: the first variable decides, and leaves fewer permutations to the next.
        playing = self._every
        found: list[Renaming] = []
        for least, value in zip(self._least, state, strict=True):
            known = least.get((value, playing))
            if known is None:
                known = self._decide(len(found), value, playing)
            found.append(known[0])
            playing = known[1]
        return tuple(found)

    def _decide(self, variable: int, value: Any, playing: int) -> tuple[Any, int]:
        least = self._least[variable]
        if len(least) >= _MOST_KEPT:
            least.clear()
        best: tuple[Any, Any] | None = None
        winners = 0
        rest = playing
        while rest:
            bit = rest & -rest
            rest ^= bit
            becomes = self._renamings[bit.bit_length() - 1](value)
            candidate = order_key(becomes), becomes
            if best is None or candidate[0] < best[0]:
                best, winners = candidate, bit
            elif candidate[0] == best[0]:
                winners |= bit
        assert best is not None, "the identity leads somewhere"
        known = least[value, playing] = best[1], winners
        return known


def _renamings(model: Model) -> tuple[list[Renaming], tuple[str, ...]]:
    """The permutations that leave every parameter unchanged, and the names of the sorts that they move."""
    scope = model.scope
    sorts = [s.sort for s in model.module.sorts if s.symmetric and scope.sizes[s.sort] > 1]
    count = math.prod(math.factorial(scope.sizes[s]) for s in sorts)
    if count > MOST_PERMUTATIONS:
        sizes = ", ".join(f"{s.__name__}={scope.sizes[s]}" for s in sorts)
        many = f"{count:,}" if count < 10**12 else f"more than 10^{int(math.log10(count))}"
        raise ModelError(
            f"{model.module.name} has {many} permutations of its symmetric sorts at {sizes}, too many to look through",
            span=model.module.span,
            remedy="check a smaller size, or without symmetry",
        )
    with model:
        values = [tuple(sort) for sort in sorts]
        found: list[Renaming] = []
        moved: set[type[Sort]] = set()
        for images in itertools.product(*(itertools.permutations(v) for v in values)):
            renaming = Renaming(dict(zip(sorts, images, strict=True)))
            if all(renaming(p) == p for p in scope.parameters.values()):
                found.append(renaming)
                moved |= {s for s, v, i in zip(sorts, values, images, strict=True) if v != i}
    return found, tuple(s.__name__ for s in sorts if s in moved)


def interchangeable(model: Model) -> frozenset[type[Sort]]:
    """The sorts, declared symmetric or not, of which any renaming turns each run of a model into one, and keeps its claims."""
    scope, modules = model.scope, _modules(model)
    found = set()
    for declared in model.module.sorts:
        sort = declared.sort
        if issubclass(sort, Ordered) or scope.sizes[sort] < 2 or any(order_risks(m, [sort]) for m in modules):
            continue
        with model:
            values = tuple(sort)
            # Of these two all permutations are made.
            both = (values[1:] + values[:1], (values[1], values[0], *values[2:]))
            renamings = [Renaming({sort: images}) for images in both]
            if all(renaming(p) == p for renaming in renamings for p in scope.parameters.values()):
                found.add(sort)
    return frozenset(found)


def renamed_alike(types: Sequence[Type], choice: Values, sorts: Collection[type[Sort]]) -> tuple[object, ...]:
    """What choices of arguments of some types have in common if renamings of `sorts` turn one into the other: equal if so."""
    inside = {
        p.sort for t in types if not isinstance(t, SortType) for p in parts(t) if isinstance(p, SortType)
    }
    firsts: dict[type[Sort], list[object]] = {}
    key: list[object] = []
    for t, value in zip(types, choice, strict=True):
        if isinstance(t, SortType) and t.sort in sorts and t.sort not in inside:
            seen = firsts.setdefault(t.sort, [])
            if value not in seen:
                seen.append(value)
            key.append(seen.index(value))
        else:
            key.append(value)
    return tuple(key)


def _modules(model: Model) -> list[Module]:
    """A model's own, and those of what it refines."""
    own = model.module
    return [own, *(abstract_class(type(model), f.name).module for f in own.of_kind(Kind.REFINEMENT))]


def symmetry_of(model: Model) -> Symmetry:
    """The symmetry of a model. Raises ModelError if the model, or what it refines, can tell symmetric values apart."""
    symmetry = Symmetry(model)
    if not symmetry.trivial:
        for module in _modules(model):
            for span, reason in order_risks(module):
                raise ModelError(
                    f"symmetry cannot be used with {module.name}: {reason}",
                    span=span,
                    remedy="make it independent of the order, make the sort a plain Sort, or check without symmetry",
                )
    return symmetry


__all__ = [
    "MOST_PERMUTATIONS",
    "Renaming",
    "Symmetry",
    "interchangeable",
    "order_risks",
    "renamed_alike",
    "symmetry_of",
]
