"""From entries of a configuration to what came of them: each is prepared, then explored, proved or held to its model.

Guarantees: whatever is wrong with an entry is a RatifiedError that says where it is configured; what a cache has is used only for
what `verdicts.key_of` says is the same; what was found is judged against the entry's expectation every time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ratified.cli.exploring import ExploreOptions
from ratified.cli.gate.configuration import (
    ConfiguredEntry,
    ConformanceEntry,
    Expectation,
    ModelEntry,
    ProofEntry,
)
from ratified.cli.gate.sources import UnknownSourcesError
from ratified.cli.gate.verdicts import Cache, digest_of, key_of, restored, sources_of, surroundings, written
from ratified.cli.instances import instance, is_symmetric
from ratified.cli.loading import described, load
from ratified.cli.report.checks import Checked, Expected, OtherOutcome, allowed
from ratified.explore import NativeOptions
from ratified.explore.native.keys import portable_digest_of_class
from ratified.language.claims import claims_of
from ratified.language.errors import RatifiedError, Span
from ratified.language.model import Model
from ratified.results.result import Limits, Result, Verdict


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a run asks for in place of what is configured. None, or nothing: as configured.

    `sizes` are of sorts; an entry whose model has none of them stays as it is. With other sizes or limits, counts that are
    pinned are those of something else, and are not asked.
    """

    sizes: Mapping[str, int] | None = None
    limits: Limits = field(default_factory=Limits)
    symmetry: bool | None = None
    engine: str | None = None
    threads: int | None = None


NOTHING = Overrides()


@dataclass(frozen=True, slots=True)
class PreparedEntry:
    """An entry whose model was found and is one at its size: what is explored, how, and what is expected."""

    entry: ModelEntry
    label: str
    model: Model
    how: ExploreOptions
    expected: Expected | None
    resized: bool

    @property
    def claims(self) -> tuple[str, ...]:
        """The names of the claims that are checked."""
        names = (f.name for f in claims_of(self.model.module))
        return tuple(n for n in names if not self.how.claims or n in self.how.claims)


Loader = Callable[[str], type[Model]]


def loader() -> Loader:
    """Return what loads models, each target once."""
    known: dict[str, type[Model]] = {}

    def loaded(target: str) -> type[Model]:
        if target not in known:
            known[target] = load(target)
        return known[target]

    return loaded


def located(target: str, root: Path) -> str:
    """Return a target as it is named from where we are: a file is configured from the folder of the configuration."""
    path, colon, name = target.rpartition(":")
    file, name = (path, colon + name) if path else (name, "")
    return os.path.relpath(root / file) + name if file.endswith(".py") else target


def prepare(entry: ModelEntry, root: Path, load_: Loader, asked: Overrides = NOTHING) -> PreparedEntry:
    """Find a model, at its size, before anything is explored. Raises RatifiedError."""
    with _configured(entry.span, entry.span):
        cls = load_(located(entry.target, root))
    return prepare_class(entry, cls, asked)


def prepare_class(entry: ModelEntry, cls: type[Model], asked: Overrides = NOTHING) -> PreparedEntry:
    """Do so for a class that is there. Raises RatifiedError."""
    with _configured(entry.span, entry.spans["sizes"]):
        settings, resized = _settings(entry, cls, asked)
        model = instance(cls, entry.size, settings)
    with _configured(entry.span, entry.spans.get("claims")):
        model.claiming(entry.claims)
    with _configured(entry.span, entry.spans.get("expect")):
        if entry.expect.claim not in (None, "deadlock"):
            model.claiming([str(entry.expect.claim)])
    expect = entry.expect
    # What is explored otherwise has other counts; nothing is known of them.
    if resized or asked.symmetry is not None:
        expect = replace(expect, states=None, depth=None)
    limits = Limits(
        **{
            name: getattr(asked.limits, name)
            if getattr(asked.limits, name) is not None
            else getattr(entry.limits, name)
            for name in ("depth", "states", "seconds", "memory")
        }
    )
    symmetry = entry.symmetry if asked.symmetry is None else asked.symmetry
    how = ExploreOptions(
        limits,
        is_symmetric(cls, entry.size) and not entry.reduction if symmetry is None else symmetry,
        bool(entry.deadlock),
        asked.engine or entry.engine,
        entry.claims or None,
        NativeOptions(asked.threads) if asked.threads else NativeOptions(),
        entry.reduction,
    )
    label = entry.label if not resized else _resized(entry, settings)
    prepared = PreparedEntry(entry, label, model, how, _expected(expect), resized)
    if (
        not prepared.claims
        and not how.deadlock
        and expect == Expectation(undecided_allowed=expect.undecided_allowed)
    ):
        raise RatifiedError(
            f"{cls.__name__} claims nothing, so nothing would be checked",
            span=entry.span,
            remedy="give it an @invariant, or write deadlock = true, or pin the number of its states",
        )
    return prepared


def _settings(entry: ModelEntry, cls: type[Model], asked: Overrides) -> tuple[dict[str, object], bool]:
    """What a model is given, and whether that is another size than is configured."""
    given = entry.settings
    sorts = {s.sort.__name__ for s in cls.module.sorts}
    others = {
        name: size for name, size in (asked.sizes or {}).items() if name in sorts and given.get(name) != size
    }
    return {**given, **others}, bool(others)


def _resized(entry: ModelEntry, settings: Mapping[str, object]) -> str:
    name = entry.label.partition("[")[0]
    shown = [*([entry.size] if entry.size else []), *(f"{k}={v}" for k, v in settings.items())]
    return f"{name}[{','.join(shown)}]"


def _expected(expect: Expectation) -> Expected | None:
    """What reports compare with; nothing where a model simply holds, which is what they are about anyway."""
    plain = expect == Expectation()
    return (
        None
        if plain
        else Expected(expect.verdict, expect.claim, expect.states, expect.depth, expect.undecided_allowed)
    )


@contextmanager
def _configured(entry: Span, place: Span | None) -> Iterator[None]:
    """Say of an error where what is wrong is configured, if it has no place of its own; and if it has one, who asked."""
    try:
        yield
    except RatifiedError as error:
        if error.span is None:
            error.span = place or entry
        elif f"configured at {entry}" not in error.remedy:
            error.remedy = "\n  ".join(filter(None, [error.remedy, f"configured at {entry}"]))
        raise


def check_entry(
    prepared: PreparedEntry, root: Path, cache: Cache, explore: Callable[[Model, ExploreOptions], Result]
) -> Checked:
    """Explore what was prepared, or find what is known of it. Raises RatifiedError."""
    result, since = checked_or_known(prepared.model, prepared.how, root, cache, explore)
    return Checked(
        prepared.label, result, described(prepared.entry.target), expected=prepared.expected, since=since
    )


def checked_or_known(
    model: Model,
    how: ExploreOptions,
    root: Path,
    cache: Cache,
    explore: Callable[[Model, ExploreOptions], Result],
) -> tuple[Result, str | None]:
    """Return what an exploration comes to, and when it was made if that is not just now."""
    try:
        key = key_of(model, how, root) if cache.folder is not None else None
    except UnknownSourcesError:
        key = None
    kept = cache.find(key)
    if kept is not None and (known := restored(kept, model, root)) is not None:
        return known, str(kept["when"])
    result = explore(model, how)
    # What the clock had a part in may have warnings that are missing.
    late = how.limits.seconds is not None and result.seconds >= how.limits.seconds
    if key is not None and not late and (facts := written(result, root)) is not None:
        cache.keep(key, {"name": repr(model), **facts})
    return result, None


def settle(entry: ProofEntry | ConformanceEntry, root: Path, cache: Cache) -> OtherOutcome:
    """Prove something, or hold an implementation to its model. Raises RatifiedError."""
    with _configured(entry.span, entry.span):
        if isinstance(entry, ProofEntry):
            return _proved(entry, root, cache)
        from ratified.cli.gate.conformance import held

        return held(entry, located(entry.target, root))


def _proved(entry: ProofEntry, root: Path, cache: Cache) -> OtherOutcome:
    from ratified.cli.report.proof import proof_headline, proof_text
    from ratified.cli.scripts import script_for
    from ratified.smt import proving

    script = script_for(located(entry.target, root))
    key = _key_of_proof(entry, script, root) if cache.folder is not None else None
    kept = cache.find(key)
    if kept is not None and {"headline", "text"} <= kept.keys():
        return OtherOutcome(
            entry.label,
            "proof",
            Verdict.HOLDS,
            f"{kept['headline']}; unchanged since {kept['when']}",
            str(kept["text"]),
            0.0,
            entry.span,
            str(kept["when"]),
        )
    second = {"z3": "cvc5", "cvc5": "z3"}[entry.solver] if entry.cross_check else None
    began = time.monotonic()
    proof = proving.prove(
        script,
        goals=entry.goals or None,
        limits=Limits(seconds=entry.seconds),
        options=proving.ProofOptions(entry.solver, second, entry.timeout),
    )
    headline, text = proof_headline(entry.label, proof), proof_text(entry.label, proof)
    if proof.verdict is Verdict.HOLDS and not proof.unchecked:
        cache.keep(key, {"name": entry.label, "headline": headline, "text": text})
    verdict, headline = allowed(proof.verdict, headline, entry.undecided_allowed)
    return OtherOutcome(entry.label, "proof", verdict, headline, text, time.monotonic() - began, entry.span)


def _key_of_proof(entry: ProofEntry, script: type[Model], root: Path) -> str | None:
    """What stands for all that a proof depends on; None where that cannot be said."""
    meaning = portable_digest_of_class(script, root)
    try:
        if meaning is None:
            return None
        asked = (entry.label, entry.goals, entry.solver, entry.cross_check, entry.timeout, entry.seconds)
        parts = ["proof", meaning, repr(asked), *_versions(), *sources_of(script, root), *surroundings()]
        return digest_of(parts)
    except UnknownSourcesError:
        return None


def _versions() -> Iterator[str]:
    for package in ("z3-solver", "cvc5", "python-sat"):
        try:
            yield f"{package} {version(package)}"
        except PackageNotFoundError:
            yield f"no {package}"


def sorts_of(entries: Mapping[str, PreparedEntry]) -> set[str]:
    """Return the names of all sorts of some models."""
    return {s.sort.__name__ for p in entries.values() for s in p.model.module.sorts}


def named(entries: tuple[ConfiguredEntry, ...]) -> str:
    """Return what a configuration lists, in a phrase."""
    counts = [
        (sum(isinstance(e, kind) for e in entries), *words)
        for kind, words in (
            (ModelEntry, ("model", "models")),
            (ProofEntry, ("proof", "proofs")),
            (ConformanceEntry, ("implementation", "implementations")),
        )
    ]
    return ", ".join(f"{n} {one if n == 1 else many}" for n, one, many in counts if n) or "nothing"
