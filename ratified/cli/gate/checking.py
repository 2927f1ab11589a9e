"""`ratified check` of many: all that a project has configured, or several models that are named.

Guarantees: one report, whatever happens; what cannot be checked keeps nothing else from being checked, and is told with status 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from ratified.cli.exploring import ExploreOptions, emit, explored
from ratified.cli.gate.configuration import (
    Configuration,
    ConfigurationError,
    ConfiguredEntry,
    ModelEntry,
    read,
)
from ratified.cli.gate.finding import find
from ratified.cli.gate.running import (
    Overrides,
    PreparedEntry,
    check_entry,
    checked_or_known,
    loader,
    prepare,
    settle,
)
from ratified.cli.gate.verdicts import Cache, checked_folder
from ratified.cli.named import named
from ratified.cli.report.checks import Checked, OtherOutcome, RefusedCheck, Report
from ratified.cli.report.text import whole_message
from ratified.cli.requests import CheckRequest
from ratified.language.errors import RatifiedError
from ratified.language.model import Model
from ratified.results.result import Limits, Result, Verdict
from ratified.results.seen import INTERRUPTED


def cache_of(request: CheckRequest, configured: Path | None = None) -> Cache:
    """Return the cache to use: the folder asked for, or else what is configured. Raises RatifiedError."""
    if request.no_cache:
        return Cache(None)
    return Cache(configured if request.cache is None else checked_folder(request.cache))


def configured_from(folder: Path) -> Configuration | None:
    """Return the configuration of a folder, or None. Raises ConfigurationError."""
    file = find(folder)
    return read(file) if file is not None else None


def check_configured(request: CheckRequest) -> int:
    """Check all that is configured and return the exit status."""
    try:
        configuration = configured_from(Path.cwd())
        if configuration is None:
            raise ConfigurationError(
                "there is nothing to check: no model is named, and no pyproject.toml here or above has [tool.ratified]",
                remedy="name a model (`ratified list` shows what is bundled), or begin with `ratified init` (docs/ci.md)",
            )
        if not configuration.entries:
            raise ConfigurationError(
                f"{configuration.file.name} configures nothing to check",
                remedy="list models there: [[tool.ratified.models]]",
            )
        cache = cache_of(request, configuration.cache)
    except RatifiedError as error:
        return _refused(error, request)
    return emit(_checked(configuration, request, cache), request.output)


def _refused(error: RatifiedError, request: CheckRequest) -> int:
    """Report that nothing could be checked. Where reports are read by programs, they are told as well."""
    if request.output.form == "text" and request.output.file is None:
        raise error
    return emit(
        Report((), several="configuration", refused=(refused("configuration", error),)), request.output
    )


def refused(name: str, error: RatifiedError) -> RefusedCheck:
    """Return what a report says of something that could not be checked; if a run of a model led there, with the run."""
    return RefusedCheck(name, whole_message(error), error.span)


def _checked(configuration: Configuration, request: CheckRequest, cache: Cache) -> Report:
    exploring, root, load_ = request.exploring, configuration.root, loader()
    asked = Overrides(
        limits=Limits(exploring.depth, exploring.states, exploring.seconds, exploring.memory),
        symmetry=exploring.symmetry,
        engine=None if exploring.engine == "auto" else exploring.engine,
        threads=exploring.threads,
    )
    failed: list[RefusedCheck] = []
    ready: list[PreparedEntry | ConfiguredEntry] = []
    # All are prepared before the first is explored, so that what is wrong is known before hours have passed.
    for entry in configuration.entries:
        try:
            ready.append(prepare(entry, root, load_, asked) if isinstance(entry, ModelEntry) else entry)
        except RatifiedError as error:
            failed.append(refused(entry.label, error))
    name = _shown(configuration)

    def one(what: PreparedEntry | ConfiguredEntry) -> Checked | OtherOutcome:
        if isinstance(what, PreparedEntry):
            return check_entry(what, root, cache, _explore(what.label, request))
        assert not isinstance(what, ModelEntry)  # those are prepared
        return settle(what, root, cache)

    return _report(name, [(w.label, lambda w=w: one(w)) for w in ready], failed, cache)  # type: ignore[misc]  # mypy sees no default


def _shown(configuration: Configuration) -> str:
    file = configuration.file
    return file.name if file.parent == Path.cwd() else str(file)


def _explore(name: str, request: CheckRequest) -> Callable[[Model, ExploreOptions], Result]:
    return lambda model, how: explored(name, model, how, quiet=request.output.quiet)


def _report(
    name: str,
    jobs: Iterable[tuple[str, Callable[[], Checked | OtherOutcome]]],
    failed: list[RefusedCheck],
    cache: Cache,
) -> Report:
    """Do one job after another. After Ctrl-C the others are told by name."""
    done: list[Checked | OtherOutcome] = []
    left: list[str] = []
    stopped = False
    for label, job in jobs:
        if stopped:
            left.append(label)
            continue
        try:
            found = job()
        except RatifiedError as error:
            failed.append(refused(label, error))
        except KeyboardInterrupt:
            stopped = True
            left.append(label)
        else:
            done.append(found)
            stopped = isinstance(found, Checked) and found.result.stopped == INTERRUPTED
    notes = [cache.trouble] if cache.trouble else []
    for label in left:
        says = f"UNDECIDED  {label}: not checked, since the run was interrupted"
        done.append(OtherOutcome(label, "not-checked", Verdict.UNDECIDED, says, says, 0.0))
    return Report(
        tuple(d for d in done if isinstance(d, Checked)),
        several=name,
        others=tuple(d for d in done if isinstance(d, OtherOutcome)),
        refused=tuple(failed),
        notes=tuple(notes),
    )


def check_several(request: CheckRequest) -> int:
    """Explore several models that are named and return the exit status."""
    cache = cache_of(request)
    failed: list[RefusedCheck] = []
    jobs: list[tuple[str, Callable[[], Checked | OtherOutcome]]] = []
    met: set[str] = set()
    for target, settings in request.models:
        label = target + (f"[{','.join(f'{k}={v}' for k, v in settings.items())}]" if settings else "")
        if label in met:
            raise RatifiedError(f"{label} is named twice", remedy="name it once, or at two sizes")
        met.add(label)
        try:
            jobs.append((label, _job(target, settings, label, request, cache)))
        except RatifiedError as error:
            failed.append(refused(label, error))
    return emit(_report(f"{len(met)} models", jobs, failed, cache), request.output)


def _job(
    target: str, settings: Mapping[str, str], label: str, request: CheckRequest, cache: Cache
) -> Callable[[], Checked]:
    one = named(request, target, settings)

    def job() -> Checked:
        result, since = checked_or_known(one.model, one.how, Path.cwd(), cache, _explore(label, request))
        return Checked(label, result, one.description, since=since)

    return job
