"""What a model's methods are marked with, and the words it may call: decorators, `require`, quorum systems.

Guarantees: a marked method is an ordinary function; called on an instance it runs within that instance's sizes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Annotated, Any, Literal, NoReturn, TypeVar, overload

from ratified.language.deferred import Deferred
from ratified.language.errors import ModelError
from ratified.language.ir import Kind
from ratified.language.scope import running, scope_if_any
from ratified.language.sorts import Sort
from ratified.language.values import Map, Seq, Set

T = TypeVar("T")
K = TypeVar("K")
S = TypeVar("S", bound=Sort)
F = TypeVar("F", bound=Callable[..., Any])

PARAMETER = "ratified parameter"
Param = Annotated[T, PARAMETER]
"""`limit: Param[int] = 3`: a constant of the model, given when it is instantiated."""


class Disabled(Exception):
    """A guard failed: this step is not possible here."""


@overload
def require(condition: Literal[False]) -> NoReturn: ...
@overload
def require(condition: bool) -> None: ...
def require(condition: bool) -> None:
    """A guard of an action: if the condition is false, the step is not enabled."""
    if not condition:
        raise Disabled


def _article(kind: Kind) -> str:
    return f"{'an' if kind.value[0] in 'aeiou' else 'a'} {kind.value}"


def _marker(kind: Kind, fair: tuple[object, ...] | None = None, weight: object = None) -> Callable[[F], F]:
    def mark(function: F | None = None, /) -> F:
        if function is None:
            raise ModelError(
                f"a decorator that makes {_article(kind)} has no parentheses",
                remedy=f"write @{kind.name.lower()} above the def",
            )

        @wraps(function)
        def run(self: Any, *arguments: Any, **named: Any) -> Any:
            with running(self.scope):
                return function(self, *arguments, **named)

        run.ratified_kind = kind  # type: ignore[attr-defined]  # our mark on the wrapper
        if fair:
            run.ratified_fair = fair  # type: ignore[attr-defined]  # likewise
        if weight is not None:
            run.ratified_weight = weight  # type: ignore[attr-defined]  # likewise
        return run  # type: ignore[return-value]  # the same signature

    return mark


@overload
def action(function: F, /) -> F: ...
@overload
def action(
    *,
    fair: Literal["weak", "strong"] | None = None,
    each: tuple[str, ...] = (),
    group: str | None = None,
    weight: int | str | None = None,
) -> Callable[[F], F]: ...
def action(
    function: F | None = None,
    /,
    *,
    fair: object = None,
    each: object = (),
    group: object = None,
    weight: object = None,
) -> F | Callable[[F], F]:
    """Mark an action: a step that may be taken. With `fair` a run must not postpone it for ever.

    `fair="weak"`: not if it stays enabled; `fair="strong"`: not if it is enabled again and again. `each` names parameters for
    each of whose values this must hold separately. Actions of the same `group` (a name) are fair together: some step of one
    of them must be taken. `weight` is the relative probability of each step of the action in random runs (`ratified simulate
    --measure`): a number, or the name of a helper with the same parameters that returns one; 1 by default. Errors are
    reported when the class is defined.
    """
    if function is not None:
        return _marker(Kind.ACTION)(function)
    unmarked = fair is None and each == () and group is None
    return _marker(Kind.ACTION, None if unmarked else (fair, each, group), weight)


def invariant(function: F) -> F:
    """Mark `def f(self) -> bool`, which must be true in every reachable state."""
    return _marker(Kind.INVARIANT)(function)


def step_invariant(function: F) -> F:
    """Mark `def f(self, old: Self) -> bool`, which must be true of every step; `old` is the state before it."""
    return _marker(Kind.STEP_INVARIANT)(function)


def constraint(function: F) -> F:
    """Mark `def f(self) -> bool`: states in which it is false are neither counted, checked nor expanded."""
    return _marker(Kind.CONSTRAINT)(function)


def action_constraint(function: F) -> F:
    """Mark `def f(self, old: Self) -> bool`, a last guard of every action; `old` is the state before the step."""
    return _marker(Kind.ACTION_CONSTRAINT)(function)


def assume(function: F) -> F:
    """Mark `def f(self) -> bool` about sizes and parameters, which is checked when the model is instantiated."""
    return _marker(Kind.ASSUMPTION)(function)


def eventually(function: F) -> F:
    """Mark `def f(self) -> bool`, which must become true in every fair run."""
    return _marker(Kind.EVENTUALLY)(function)


def eventually_always(function: F) -> F:
    """Mark `def f(self) -> bool`, which must become and stay true in every fair run."""
    return _marker(Kind.EVENTUALLY_ALWAYS)(function)


def leads_to(function: F) -> F:
    """Mark `def f(self) -> tuple[bool, bool]`: in every fair run, whenever the first is true, the second becomes true."""
    return _marker(Kind.LEADS_TO)(function)


def view(function: F) -> F:
    """Mark `def f(self) -> T`, what matters in a state: graphs merge states in which it is equal."""
    return _marker(Kind.VIEW)(function)


def refines(abstract: type[Any]) -> Callable[[F], F]:
    """Mark `def f(self, abstract: Abstract)`, which gives every variable of the abstract model a value."""

    def mark(function: F) -> F:
        marked = _marker(Kind.REFINEMENT)(function)
        marked.ratified_abstract = abstract  # type: ignore[attr-defined]  # our mark on the wrapper
        return marked

    return mark


@dataclass(frozen=True, slots=True)
class Lifelines:
    """How runs of a model are drawn as sequence diagrams: `lifelines: ClassVar[Lifelines] = ...`.

    `processes` are sorts with a lifeline for each value, and the word before the value ("" for none); `network` are variables
    that hold messages, () if none does (None: they are recognised); `owner` names the lifeline of variables that belong to no
    process of a sort.
    """

    processes: Mapping[type[Sort], str] = field(default_factory=dict)
    network: tuple[str, ...] | None = None
    owner: Mapping[str, str] = field(default_factory=dict)


def at_size(compute: Callable[[], T]) -> T:
    """Give a parameter a default that depends on sizes, computed when a model is instantiated: pass a lambda."""
    return Deferred(compute)  # type: ignore[return-value]  # Model computes it


MOST_IN_SUBSETS = 16
"""So many elements may a set have all of whose subsets are asked for."""


def subsets(of: Iterable[T], size: int | None = None) -> Set[Set[T]]:
    """All subsets of a finite set (a sort, an Enum, a `Set`), or those with `size` members.

    In a class body, of a sort: the default of a parameter, at any size. Raises ModelError if the set has too many subsets.
    """
    if not isinstance(of, type):
        return _subsets("a set", tuple(Set(of)), size)
    scope = scope_if_any()
    if scope is None:
        return at_size(lambda: subsets(of, size))
    key = ("subsets", of, size)
    if key not in scope.cache:
        scope.cache[key] = _subsets(of.__name__, tuple(of), size)
    return scope.cache[key]  # type: ignore[return-value]  # the cache is keyed by what was computed


def _subsets(what: str, values: tuple[T, ...], size: int | None) -> Set[Set[T]]:
    sizes = range(len(values) + 1) if size is None else [size]
    if size is None and len(values) > MOST_IN_SUBSETS:
        raise ModelError(
            f"{what} of {len(values)} elements has too many subsets",
            remedy="ask for those of one size: subsets(s, k)",
        )
    return Set(Set(c) for k in sizes if k >= 0 for c in itertools.combinations(values, k))


MOST_MAPS = 65_536
"""So many maps may be run through."""


@overload
def maps(keys: Iterable[K], values: type[bool], /) -> Set[Map[K, bool]]: ...
@overload
def maps(keys: Iterable[K], values: Iterable[T], /) -> Set[Map[K, T]]: ...
def maps(keys: Iterable[Any], values: Any, /) -> Set[Map[Any, Any]]:
    """Every total map from a sort or Enum to a sort, an Enum or `bool`, for iteration: `for f in ...`.

    Raises ModelError if there are too many.
    """
    inner = tuple(keys)
    outer = (False, True) if values is bool else tuple(values)
    if len(outer) ** len(inner) > MOST_MAPS:
        raise ModelError(
            f"there are {len(outer):,} to the power of {len(inner):,} such maps",
            remedy="choose a value for each key where it is needed, or smaller sizes",
        )
    return Set(Map(zip(inner, chosen, strict=True)) for chosen in itertools.product(outer, repeat=len(inner)))


MOST_SEQUENCES = 65_536
"""So many sequences may be run through."""


def sequences(of: Iterable[T], most: int) -> Set[Seq[T]]:
    """Every sequence of at most `most` elements of a finite set (a sort, an Enum, a `Set`), for iteration.

    Raises ModelError if there are too many.
    """
    values = tuple(Set(of))
    if most < 0:
        raise ModelError(
            f"no sequence has at most {most} elements", remedy="ask for those of at most 0 or more"
        )
    if sum(len(values) ** k for k in range(most + 1)) > MOST_SEQUENCES:
        raise ModelError(
            f"there are too many sequences of up to {most} of {len(values)} elements",
            remedy="ask for shorter ones, or of fewer elements",
        )
    return Set(Seq(items) for k in range(most + 1) for items in itertools.product(values, repeat=k))


def permutations(of: Iterable[T]) -> Set[Seq[T]]:
    """Every sequence that has each element of a finite set (a sort, an Enum, a `Set`) exactly once."""
    values = tuple(Set(of))
    if len(values) > MOST_PERMUTED:
        raise ModelError(
            f"there are too many permutations of {len(values)} elements", remedy="ask for those of fewer"
        )
    return Set(Seq(items) for items in itertools.permutations(values))


MOST_PERMUTED = 8
"""So many elements may be permuted."""

_machines: list[Callable[[Any], Any]] = []


def answering(make: Callable[[Any], Any]) -> None:
    """Say what makes the machine of a model that `enabled` asks: machines know of this module, which must not know of them."""
    _machines[:] = [make]


def enabled(action: Callable[..., None], *arguments: object) -> bool:
    """Whether an action of the model is enabled: `enabled(self.act, p)`; without arguments, for any arguments."""
    model: Any = action.__self__  # type: ignore[attr-defined]  # a bound method
    machine = vars(model).get("_asked")
    if machine is None:
        machine = _machines[0](model)
        object.__setattr__(model, "_asked", machine)
    return bool(
        machine.possible(
            tuple(vars(model)[d.name] for d in model.module.variables), action.__name__, arguments
        )
    )


def choose(items: Iterable[T], where: Callable[[T], bool] | None = None) -> T:
    """The first element, in canonical order, for which `where` is true. Raises ModelError if there is none."""
    for item in items:
        if where is None or where(item):
            return item
    raise ModelError(
        "there is nothing to choose from: the container is empty",
        remedy="test first that it is not empty, or use next(..., default)",
    )


def majorities(sort: type[S]) -> Set[Set[S]]:
    """The smallest majorities of a sort; any two of them intersect. Usable in a class body, as `subsets`."""
    scope = scope_if_any()
    if scope is None:
        return Deferred(lambda: majorities(sort), majorities=True)  # type: ignore[return-value]  # Model computes it
    known: Any = scope.cache.get((majorities, sort))
    if known is None:
        known = scope.cache[majorities, sort] = subsets(sort, len(sort) // 2 + 1)
    return known  # type: ignore[no-any-return]  # the cache is keyed by what was computed
