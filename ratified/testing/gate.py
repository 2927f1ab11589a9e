"""A run of pytest in a project with a configuration: what is collected from it, and the explorations that its items share.

Guarantees: whatever is wrong with the configuration is an error of collection, in every report of pytest's, whichever tests were
asked for; what is configured is collected wherever it lies when pytest is run without arguments; what is left out because of
arguments is told.
"""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from _pytest.junitxml import xml_key

from ratified.cli.exploring import ExploreOptions, explore
from ratified.cli.gate.configuration import (
    Configuration,
    ConfigurationError,
    ConfiguredEntry,
    ConformanceEntry,
    ModelEntry,
    ProofEntry,
    read,
)
from ratified.cli.gate.finding import FILES, find
from ratified.cli.gate.running import Overrides, PreparedEntry, check_entry, loader, named, prepare, settle
from ratified.cli.gate.verdicts import Cache, checked_folder
from ratified.cli.report.text import whole_message
from ratified.language.errors import RatifiedError
from ratified.language.model import Model
from ratified.results.result import Limits, Result, Verdict
from ratified.results.seen import INTERRUPTED
from ratified.testing.outcomes import ItemOutcome, ItemOutcomes, failed, names_of, parts_of
from ratified.testing.scope import WORKER_INPUT, scope
from ratified.testing.sharing import shared

NAME = "ratified-gate"
UNCHANGED = "ratified: unchanged since"
ASKED = "ratified: asked"
"""Properties of items, under which every report of pytest's has them."""


class Gate:
    """One run. It is a plugin of pytest itself; its hooks are those below."""

    def __init__(self, config: pytest.Config) -> None:
        """Read what is configured. Raises pytest.UsageError for options that make no sense."""
        self.config = config
        self.error: ConfigurationError | None = None
        self.configuration: Configuration | None = None
        self.root = config.rootpath
        try:
            file = find(scope(config))
            self.configuration = read(file) if file is not None else None
            if file is not None:
                self.root = file.parent
        except ConfigurationError as error:
            self.error = error
            self.root = Path(error.span.file).parent if error.span else scope(config)
        self.asked = Overrides(_sizes(config.getoption("ratified_size")), Limits(seconds=_seconds(config)))
        self.cache = self._cache()
        self.load = loader()
        self._known: dict[str, ItemOutcomes] = {}
        self._troubled = False
        self._made: Path | None = None
        given = getattr(config, "workerinput", {}).get("ratified_shared")
        self._shared = Path(given) if given else None
        self.files = self._files()
        self._everything = self._ask_for_all()
        self._opened: set[Path] = set()

    def _cache(self) -> Cache:
        option = self.config.getoption("ratified_cache")
        if self.config.getoption("ratified_no_cache"):
            return Cache(None)
        if option is not None:
            try:
                return Cache(checked_folder(Path(option)))
            except RatifiedError as error:
                raise pytest.UsageError(str(error)) from None
        return Cache(self.configuration.cache if self.configuration is not None else None)

    def _files(self) -> dict[Path, list[ConfiguredEntry]]:
        """The files under which entries are collected: their own, or that of the configuration for what is in no file here."""
        found: dict[Path, list[ConfiguredEntry]] = {}
        if self.error is not None:
            place = Path(self.error.span.file) if self.error.span else self._any_file()
            found[place] = []
        for entry in self.configuration.entries if self.configuration else ():
            found.setdefault(self._file_of(entry), []).append(entry)
        return found

    def _any_file(self) -> Path:
        return next(p for name in FILES if (p := self.root / name).exists())

    def _file_of(self, entry: ConfiguredEntry) -> Path:
        assert self.configuration is not None
        path, _, name = entry.target.rpartition(":")
        target = path or name
        file = self.root / (target if target.endswith(".py") else f"{target.replace('.', '/')}.py")
        return Path(file.resolve()) if file.is_file() else self.configuration.file

    def _ask_for_all(self) -> bool:
        """Without arguments of a person's, ask for all that is configured, wherever it lies; say whether that is so."""
        config = self.config
        chosen = config.args_source is pytest.Config.ArgsSource.ARGS
        everything = not chosen and config.invocation_params.dir == self.root
        if everything or self.error is not None:
            config.args = [*config.args, *(str(file) for file in self.files if not self._is_asked_for(file))]
        return everything or "workerinput" in vars(config)

    def _is_asked_for(self, file: Path) -> bool:
        """Whether a file is under one of the arguments."""
        folder = self.config.invocation_params.dir
        asked = [(folder / str(arg).partition("::")[0]).resolve() for arg in self.config.args]
        return any(file == path or path in file.parents for path in asked)

    # --- what pytest asks ---

    @pytest.hookimpl(wrapper=True)
    def pytest_ignore_collect(self, collection_path: Path) -> Generator[None, bool | None, bool | None]:
        """Let pytest look into a folder that it passes over (`build`, `.hidden`) for what is configured there alone."""
        ignored = yield
        if not self._everything:
            return ignored
        needed = any(file == collection_path or collection_path in file.parents for file in self.files)
        if needed and ignored and str(collection_path) not in self._ignored_by_name():
            self._opened.add(collection_path)
            return False
        inside = any(folder in self._opened for folder in collection_path.parents)
        return True if inside and not needed else ignored

    def _ignored_by_name(self) -> set[str]:
        folder = self.config.invocation_params.dir
        return {str((folder / path).resolve()) for path in self.config.getoption("ignore") or ()}

    def pytest_report_header(self) -> str | None:
        """Say what is configured."""
        if self.configuration is None:
            return None
        return f"ratified: {self.configuration.file.name}: {named(self.configuration.entries)}"

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Name a claim and its model as such in every report: read from text, an id is taken to end with its first bracket."""
        asked = dict(report.user_properties).get(ASKED)
        if not isinstance(asked, str) or "::" not in asked:
            return
        before, found_name, group = report.nodeid.partition(f"::{asked}")
        if not found_name or not (group == "" or group.startswith("@")):  # the group of pytest-xdist
            return
        path, *above = before.split("::")
        model, _, name = asked.rpartition("::")
        found = getattr(report, "_id", None)  # since pytest 9
        if found is not None:
            report._id = dataclasses.replace(found, names=(*above, model, name + group), params=None)
        xml = self.config.stash.get(xml_key, None)
        if xml is not None:
            reporter = xml.node_reporter(report)
            dotted = path.removesuffix(".py").replace("/", ".")
            reporter.add_attribute("classname", ".".join([dotted, *above, model]))
            reporter.add_attribute("name", name)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say what was not explored again, and what was not asked for."""
        reports = [r for several in terminalreporter.stats.values() for r in several]
        since = sorted({v for r in reports for k, v in getattr(r, "user_properties", ()) if k == UNCHANGED})
        if since:
            when = since[0] if len(since) == 1 else f"{since[0]}, the latest {since[-1]}"
            terminalreporter.write_line(f"{UNCHANGED} {when} (--ratified-no-cache explores again)")
        if left := self._left_out():
            terminalreporter.write_line(f"ratified: not part of this run: {', '.join(left)}", yellow=True)

    def _left_out(self) -> list[str]:
        """Entries whose files are under none of the arguments."""
        return [
            entry.label
            for file, entries in self.files.items()
            if not self._is_asked_for(file)
            for entry in entries
        ]

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Give a process of xdist's the folder in which processes share what they explore."""
        if self._made is None:
            self._made = Path(tempfile.mkdtemp(prefix="ratified-"))
        node.workerinput["ratified_shared"] = str(self._made)
        node.workerinput[WORKER_INPUT] = str(scope(self.config))

    def pytest_unconfigure(self) -> None:
        """Leave nothing behind."""
        if self._made is not None:
            shutil.rmtree(self._made, ignore_errors=True)

    # --- what items ask ---

    def prepared(self, entry: ModelEntry) -> PreparedEntry:
        """Return a model at its size. Raises RatifiedError."""
        return prepare(entry, self.root, self.load, self.asked)

    def check_sizes(self) -> None:
        """Raise RatifiedError if a size was asked for of a sort that no model has."""
        wanted = set(self.asked.sizes or ())
        if not wanted or self.configuration is None:
            return
        sorts: set[str] = set()
        for entry in self.configuration.models:
            try:
                sorts |= {s.sort.__name__ for s in self.prepared(entry).model.module.sorts}
            except RatifiedError:
                continue  # told where it is collected
        if unknown := sorted(wanted - sorts):
            raise RatifiedError(
                f"--ratified-size {unknown[0]}: no model has a sort {unknown[0]!r}",
                remedy=f"they have {', '.join(sorted(sorts)) or 'none'}",
            )

    def parts(self, prepared: PreparedEntry) -> ItemOutcomes:
        """Return what came of a model's items; it is explored when this is first asked, once in a run."""
        label = prepared.label
        if label not in self._known:
            self._known[label] = self._once(label, lambda: self._explored(prepared))
        return self._known[label]

    def _once(self, label: str, make: Any) -> ItemOutcomes:
        made: ItemOutcomes = make() if self._shared is None else shared(self._shared, label, make)
        return made

    def _explored(self, prepared: PreparedEntry) -> ItemOutcomes:
        try:
            return parts_of(prepared, check_entry(prepared, self.root, self.cache, self.explore))
        except RatifiedError as error:
            return failed(names_of(prepared), whole_message(error))

    def explore(self, model: Model, how: ExploreOptions) -> Result:
        """Explore a model. Ctrl-C ends the run of tests, not only the exploration."""
        result = explore(model, how, None)
        if result.stopped == INTERRUPTED:
            raise KeyboardInterrupt
        return result

    def settled(self, entry: ProofEntry | ConformanceEntry) -> ItemOutcomes:
        """Return what came of a proof, or of an implementation that was held to its model."""
        if entry.label not in self._known:
            self._known[entry.label] = self._once(entry.label, lambda: self._settled(entry))
        return self._known[entry.label]

    def _settled(self, entry: ProofEntry | ConformanceEntry) -> ItemOutcomes:
        try:
            found = settle(entry, self.root, self.cache)
        except RatifiedError as error:
            return failed((entry.label,), whole_message(error))
        passed = found.verdict is Verdict.HOLDS
        return ItemOutcomes(
            {entry.label: ItemOutcome() if passed else ItemOutcome(found.headline, found.text)}, found.since
        )

    def trouble(self) -> str | None:
        """Return what is wrong with the cache, the first time that this is asked."""
        if self._troubled or self.cache.trouble is None:
            return None
        self._troubled = True
        return self.cache.trouble


def _sizes(given: list[str]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for text in given:
        name, _, number = text.partition("=")
        if not name.isidentifier() or not number.isdecimal() or int(number) < 1:
            raise pytest.UsageError(f"--ratified-size {text}: write a sort and a number, as Client=3")
        if sizes.setdefault(name, int(number)) != int(number):
            raise pytest.UsageError(f"--ratified-size: {name} is given twice: {sizes[name]} and {number}")
    return sizes


def _seconds(config: pytest.Config) -> float | None:
    seconds: float | None = config.getoption("ratified_seconds")
    if seconds is not None and not 0 <= seconds < float("inf"):
        raise pytest.UsageError(f"--ratified-seconds {seconds}: write a number of seconds")
    return seconds
