"""What the parameters of a function range over, in a state."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ratified.language.errors import ModelError
from ratified.language.ir import Argument, Function
from ratified.language.machine.steps import Values
from ratified.language.scope import Scope
from ratified.language.types import OptionalType, Type, cardinality, records_of, values_of

MOST_CHOICES = 1_000_000
"""How many values a parameter may range over before it is refused: beyond this nobody waits for one step."""


MOST_LISTED = 100_000
"""So many choices of arguments are kept in a list; more are made anew each time."""


def _many(size: float) -> str:
    return "infinitely many" if size == float("inf") else f"{size:,.0f}"


class Choices:
    """The values that the parameters of a function range over, guards at its top taken into account."""

    def __init__(
        self,
        function: Function,
        scope: Scope,
        domain: Callable[[Argument], Callable[[Values], Iterable[Any]]],
    ) -> None:
        self._sources: list[Sequence[Any] | Callable[[Values], Iterable[Any]]] = []
        for argument in function.arguments:
            if argument.domain is not None:
                self._sources.append(_of_type(argument.type, domain(argument)))
                continue
            size = cardinality(argument.type, scope)
            if size > MOST_CHOICES:
                raise ModelError(
                    f"the parameter `{argument.name}` ranges over {_many(size)} values",
                    span=function.span,
                    remedy=f"restrict it with a guard at the top: require({argument.name} in self.messages)",
                )
            self._sources.append(list(values_of(argument.type, scope)))
        self._names = [argument.name for argument in function.arguments]
        self._static: list[Values] | None = None
        lists = [s for s in self._sources if isinstance(s, list)]
        if len(lists) == len(self._sources) and math.prod(map(len, lists)) <= MOST_LISTED:
            self._static = list(itertools.product(*lists))

    def __iter__(self) -> Iterator[Values]:
        """All choices, asking the state in force where a guard restricts them."""
        return iter(self._static) if self._static is not None else self._dynamic(0, ())

    def among(self, given: Mapping[str, Any]) -> Iterator[Values]:
        """The choices that have the values given for some of the parameters, whatever these range over."""
        return self._dynamic(0, (), given)

    def _dynamic(
        self, index: int, chosen: Values, given: Mapping[str, Any] | None = None
    ) -> Iterator[Values]:
        if index == len(self._sources):
            yield chosen
            return
        source = self._sources[index]
        if given and self._names[index] in given:
            source = [given[self._names[index]]]
        for value in list(source(chosen) if callable(source) else source):
            yield from self._dynamic(index + 1, (*chosen, value), given)


class Lazily(dict[str, Choices]):
    """The choices of each function, made when they are first asked for: what is never enumerated may range over anything."""

    def __init__(self, make: Callable[[str], Choices]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, name: str) -> Choices:
        made = self[name] = self._make(name)
        return made


def _of_type(t: Type, source: Callable[[Values], Iterable[Any]]) -> Callable[[Values], Iterable[Any]]:
    """The distinct elements of a container that are of a type (a union's set may restrict a parameter of one record)."""
    records = {r.record for r in records_of(t)}
    optional = isinstance(t, OptionalType)

    def elements(chosen: Values) -> Iterable[Any]:
        found = dict.fromkeys(source(chosen))
        if records:
            return [v for v in found if type(v) in records or (optional and v is None)]
        return [v for v in found if v is not None or optional]

    return elements
