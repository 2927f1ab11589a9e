"""Proof scripts: a class that derives from a model and adds lemmas, in the modelling language.

    class PaxosSafety(Paxos):
        goals: ClassVar[Goals] = {"agreement": ("votes_are_kept",)}

        @lemma
        def votes_are_kept(self) -> bool: ...

A lemma is an invariant (the explorer can check it), and one of the hypotheses of the induction.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar, overload

from ratified.language import ir
from ratified.language.api import invariant
from ratified.language.errors import ModelError
from ratified.language.ir import Function, Kind, Module
from ratified.language.model import Model

F = TypeVar("F", bound=Callable[..., Any])

Goals = Mapping[str, tuple[str, ...] | None]
"""The claims that a script proves, each with the lemmas that it follows from (None: from all)."""


@overload
def lemma(function: F, /) -> F: ...
@overload
def lemma(
    *, uses: tuple[str, ...] | None = None, follows: tuple[str, ...] | None = None
) -> Callable[[F], F]: ...
def lemma(
    function: F | None = None,
    /,
    *,
    uses: tuple[str, ...] | None = None,
    follows: tuple[str, ...] | None = None,
) -> F | Callable[[F], F]:
    """Mark a lemma: a part of an inductive invariant, proved by induction together with the other lemmas.

    It must be true in every reachable state. `uses` names the lemmas that its induction step needs, besides itself; without
    it, all are used. A lemma that `follows` from others in the same state needs no induction.
    """

    def mark(f: F) -> F:
        marked = invariant(f)
        marked.__dict__["ratified_lemma"] = follows if follows is not None else uses, follows is not None
        return marked

    return mark if function is None else mark(function)


@dataclass(frozen=True, slots=True)
class Lemma:
    """A lemma or a goal of a script. `uses` are the names of the lemmas that it rests on; None for all.

    `derived` if it follows from these in the same state, as a goal does.
    """

    function: Function
    uses: tuple[str, ...] | None
    derived: bool = False


@dataclass(frozen=True, slots=True)
class ProofScript:
    """What is to be proved of a model: lemmas by induction, and goals that follow from them.

    It is `alone` if no lemma was given: the model's invariants are the lemmas then.
    """

    name: str
    module: Module
    lemmas: tuple[Lemma, ...]
    goals: tuple[Lemma, ...]
    alone: bool = False


CLAIMS = (Kind.INVARIANT, Kind.STEP_INVARIANT)
"""The kinds of claims that are proved."""


def script_of(
    cls: type[Model], *, without: Collection[str] = (), goals: Collection[str] | None = None
) -> ProofScript:
    """Read a proof script, perhaps without some of its lemmas, or for other goals. A model without lemmas is one, too.

    Raises:
        ModelError: nothing is claimed, or a lemma or goal that is named does not exist.
    """
    module = cls.module
    claims = {f.name: f for kind in CLAIMS for f in module.of_kind(kind)}
    marked = {name: _mark(cls, name) for name in claims}
    uses = {name: found[0] for name, found in marked.items() if found is not None}
    if not claims:
        raise ModelError(
            f"{module.name} claims nothing that can be proved",
            span=module.span,
            remedy="add an @invariant or a @step_invariant",
        )
    alone = not uses
    if alone:
        uses = {f.name: None for f in module.of_kind(Kind.INVARIANT)}
    _known(cls, without, uses, "lemma")
    derived = [name for name, found in marked.items() if found is not None and found[1]]
    for name, used in uses.items():
        _known(cls, used or (), uses, "lemma", claims[name])
    for name in derived:
        if name in _rests_on(name, uses, derived):
            raise ModelError(
                f"`{name}` follows from itself",
                span=claims[name].span,
                remedy="show one of the lemmas that it follows from by induction: @lemma(uses=...)",
            )
    wanted = _goals(cls, claims, uses)
    if goals is not None:
        wanted = {name: wanted.get(name) for name in goals}
    _known(cls, wanted, claims, "claim")
    for used in wanted.values():
        _known(cls, used or (), uses, "lemma")
    kept = [name for name in uses if name not in without]

    def made(name: str, used: tuple[str, ...] | None) -> Lemma:
        return Lemma(claims[name], used if used is None else tuple(u for u in used if u in kept))

    lemmas = tuple(replace(made(name, uses[name]), derived=name in derived) for name in kept)
    goals_made = tuple(made(n, used) for n, used in wanted.items())
    return ProofScript(module.name, module, lemmas, goals_made, alone)


def _goals(cls: type[Model], claims: Collection[str], lemmas: Collection[str]) -> Goals:
    """The goals that a class names, and the claims that classes derived from it add; all claims, if no class names any."""
    named = next((c for c in cls.__mro__ if "goals" in vars(c)), None)
    if named is None:
        return dict.fromkeys(n for n in claims if n not in lemmas)
    own: Goals = vars(named)["goals"]
    later = cls.__mro__[: cls.__mro__.index(named)]
    added = [n for n in claims if n not in own and n not in lemmas and any(n in vars(c) for c in later)]
    return {**own, **dict.fromkeys(added)}


def _rests_on(name: str, uses: Mapping[str, tuple[str, ...] | None], derived: Collection[str]) -> set[str]:
    """The lemmas that a derived one follows from, through other derived ones too."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        more = set(uses[waiting.pop()] or ()) - found
        found |= more
        waiting += [m for m in more if m in derived]
    return found


def has_lemmas(cls: type[Model]) -> bool:
    """Whether a class is a proof script: a model some of whose invariants are marked as lemmas."""
    return any(_mark(cls, f.name) is not None for kind in CLAIMS for f in cls.module.of_kind(kind))


def _mark(cls: type, name: str) -> tuple[tuple[str, ...] | None, bool] | None:
    """What the method that counts, or one that it overrides, is marked with as a lemma."""
    for klass in cls.__mro__:
        found = vars(klass).get(name)
        if found is not None and "ratified_lemma" in vars(found):
            mark: tuple[tuple[str, ...] | None, bool] = vars(found)["ratified_lemma"]
            return mark
    return None


def _known(
    cls: type[Model], names: Collection[str], known: Collection[str], what: str, where: Function | None = None
) -> None:
    for name in names:
        if name not in known:
            raise ModelError(
                f"{cls.module.name} has no {what} {name!r}",
                span=where.span if where else cls.module.span,
                remedy=f"its {what}s: {', '.join(known) or 'none'}",
            )


def about_of(script: type[Model]) -> type[Model]:
    """The model that a script is about: the nearest one that it derives from and that has no lemmas."""
    return next(c for c in script.__mro__ if issubclass(c, Model) and c is not Model and not has_lemmas(c))


def applied(script: type[Model], model: type[Model]) -> type[Model]:
    """The script's lemmas about another model, a variant of the one that the script is about. Raises ModelError."""
    if issubclass(script, model):
        return script
    about = about_of(script)
    if not issubclass(model, about):
        raise ModelError(
            f"{model.__name__} is not a variant of the model of {script.__name__}",
            remedy=f"its model is {about.__name__}, or one derived from it",
        )
    name = f"{script.__name__}Of{model.__name__}"
    made = type(name, (script, model), {"__module__": script.__module__, "__qualname__": name})
    assert issubclass(made, Model)
    own: Goals | None = getattr(script, "goals", None)
    if own is not None:
        # What the variant claims beyond the model is to be shown as well.
        known = {f.name for kind in CLAIMS for f in script.module.of_kind(kind)}
        more = [f.name for kind in CLAIMS for f in made.module.of_kind(kind) if f.name not in known]
        made.goals = {**own, **dict.fromkeys(more)}  # type: ignore[attr-defined]  # as a script has them
    return made


def assumed_by(script: type[Model]) -> list[Function]:
    """The assumptions that a script adds to those of the model that it is about, or changes."""
    about = _about(script)
    if about is None:
        return []  # a model with lemmas of its own: what it assumes is its own too
    known = {f.name: f.span for f in about.module.of_kind(Kind.ASSUMPTION)}
    return [f for f in script.module.of_kind(Kind.ASSUMPTION) if known.get(f.name) != f.span]


def changed_by(script: type[Model]) -> list[Function]:
    """What a script has in place of what the model that it is about has: steps, claims and helpers; and new conditions of steps.

    A claim that is at least as strong (`return super().claim() and ...`) is not meant.
    """
    about = _about(script)
    if about is None:
        return []
    plain = about.module.functions
    return [
        f
        for key, f in script.module.functions.items()
        if f.kind not in (Kind.ASSUMPTION, Kind.VIEW)
        and (key in plain or f.kind is Kind.ACTION_CONSTRAINT)
        and not (key in plain and _as_strong(f, plain[key], script.module))
    ]


def _as_strong(f: Function, original: Function, module: Module) -> bool:
    """Whether a function is the original, or a claim that says what it says, and perhaps more."""
    if f.span == original.span or f.kind not in CLAIMS:
        return f.span == original.span
    match f.body:
        case (ir.Return(_, ir.And(_, _, (ir.Call() as first, *_)) | (ir.Call() as first)),):
            given = [a.name for a in first.arguments if isinstance(a, ir.Local)]
            again = module.functions[first.function].span == original.span
            return again and given == [a.name for a in f.arguments]
    return False


def _about(script: type[Model]) -> type[Model] | None:
    plain = (c for c in script.__mro__ if issubclass(c, Model) and c is not Model and not has_lemmas(c))
    return next(plain, None)
