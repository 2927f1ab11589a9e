"""The nodes of a run of pytest: a file, a model at a size, and an item for each of its claims."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Generator, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from _pytest._code.code import ReprEntryNative, ReprExceptionInfo, ReprFileLocation, ReprTraceback

from ratified.cli.gate.configuration import ConfiguredEntry, ConformanceEntry, ModelEntry, ProofEntry
from ratified.cli.gate.running import PreparedEntry, prepare_class
from ratified.language.errors import RatifiedError, Span
from ratified.testing import RatifiedWarning
from ratified.testing.decorator import ModelTests, entry_of
from ratified.testing.gate import ASKED, UNCHANGED, Gate
from ratified.testing.outcomes import ItemOutcome, ItemOutcomes, names_of, span_of


class NotPassed(Exception):
    """What an item came to; it is told as a report, not as a traceback."""

    def __init__(self, part: ItemOutcome) -> None:
        super().__init__(part.headline)
        self.part = part


class Files:
    """A plugin of pytest itself, beside the gate: which files are collected as such."""

    def __init__(self, gate: Gate) -> None:
        """What is configured is the gate's."""
        self._gate = gate

    @pytest.hookimpl(wrapper=True)
    def pytest_collect_file(
        self, file_path: Path, parent: pytest.Collector
    ) -> Generator[None, list[Any], list[Any]]:
        """Collect what is configured of a file. A file that is no test by its name is not imported as one."""
        found = yield
        if file_path not in self._gate.files:
            return found
        if not any(fnmatch(file_path.name, pattern) for pattern in self._gate.config.getini("python_files")):
            found = [node for node in found if type(node) is not pytest.Module]
        return [*found, GateFile.from_parent(parent, path=file_path, gate=self._gate)]


class GateFile(pytest.File):
    """A file of which something is configured."""

    def __init__(self, *, gate: Gate, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.gate = gate

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """Yield a node for each entry. Raises CollectError if the configuration is wrong."""
        if self.gate.error is not None:
            raise self.CollectError(str(self.gate.error))
        try:
            self.gate.check_sizes()
        except RatifiedError as error:
            raise self.CollectError(str(error)) from None
        met: set[str] = set()
        for entry in self.gate.files[self.path]:
            for node in self._nodes(entry):
                if node.name not in met:  # at the size that was asked for, two may be one
                    met.add(node.name)
                    yield node

    def _nodes(self, entry: ConfiguredEntry) -> list[pytest.Item | pytest.Collector]:
        if not isinstance(entry, ModelEntry):
            return [SettledItem.from_parent(self, name=entry.label, gate=self.gate, entry=entry)]
        try:
            prepared = self.gate.prepared(entry)
        except RatifiedError as error:
            return [Wrong.from_parent(self, name=entry.label, says=str(error))]
        return nodes_of(self, self.gate, prepared)


def nodes_of(
    parent: pytest.Collector, gate: Gate, prepared: PreparedEntry
) -> list[pytest.Item | pytest.Collector]:
    """Return the nodes of a model: an item for each claim, or one node for all of them where that is what was asked for.

    In an argument pytest takes all from the first bracket on for the name of one node: `lock.py::Lock[Client=3]` is found only
    if there is a node of that name, and `lock.py::Lock[Client=3]::mutual_exclusion` only if there is one of this. Ids are the
    same either way.
    """
    if any(str(arg).endswith(f"::{prepared.label}") for arg in gate.config.args):
        return [ModelNode.from_parent(parent, name=prepared.label, gate=gate, prepared=prepared)]
    return [
        ClaimItem.from_parent(
            parent, name=f"{prepared.label}::{claim}", claim=claim, gate=gate, prepared=prepared
        )
        for claim in names_of(prepared)
    ]


class Wrong(pytest.Collector):
    """An entry that cannot be checked."""

    def __init__(self, *, says: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.says = says

    def collect(self) -> Iterator[pytest.Item]:
        """Raise CollectError."""
        raise self.CollectError(self.says)


class ModelNode(pytest.Collector):
    """A model at a size."""

    def __init__(self, *, gate: Gate, prepared: PreparedEntry, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.gate, self.prepared = gate, prepared

    def collect(self) -> Iterator[pytest.Item]:
        """Yield an item for each claim."""
        for claim in names_of(self.prepared):
            yield ClaimItem.from_parent(self, name=claim, claim=claim, gate=self.gate, prepared=self.prepared)


class GateItem(pytest.Item):
    """An item that a report stands for: `title` is its full name, `part` what it is called among what was explored for it."""

    gate: Gate
    span: Span

    def __init__(self, *, title: str, part: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.title, self.part = title, part
        self.user_properties.append((ASKED, title))

    def parts(self) -> ItemOutcomes:
        """Return what came of all that was explored for this item."""
        raise NotImplementedError

    def runtest(self) -> None:
        """Raise NotPassed unless what this item stands for is known."""
        found = self.parts()
        if found.since is not None:
            self.user_properties.append((UNCHANGED, found.since))
        part = found.parts[self.part]
        trouble = self.gate.trouble()
        for says in (*part.warnings, *([trouble] if trouble else [])):
            warnings.warn_explicit(says, RatifiedWarning, self.span.file, self.span.line)
        if part.headline:
            raise NotPassed(part)

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """Return the report as it is."""
        if not isinstance(excinfo.value, NotPassed):
            return super().repr_failure(excinfo, style)
        part = excinfo.value.part
        place = ReprFileLocation(
            str(Span(self.span.file, 1, 0, 1, 0)).rsplit(":", 2)[0], self.span.line, part.headline
        )
        lines = ReprTraceback([ReprEntryNative([part.text])], None, "native")
        return ReprExceptionInfo(lines, place)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return where the claim stands, for every report of pytest's."""
        return Path(self.span.file), self.span.line - 1, self.title


class ClaimItem(GateItem):
    """A claim of a model at a size, or what else is expected of it."""

    def __init__(self, *, claim: str, gate: Gate, prepared: PreparedEntry, **kwargs: Any) -> None:
        super().__init__(title=f"{prepared.label}::{claim}", part=claim, **kwargs)
        self.gate, self.prepared = gate, prepared
        self.span = span_of(prepared, claim)
        # One process explores for all of them where tests are distributed by groups.
        if self.config.pluginmanager.hasplugin("xdist"):
            # Behind a bracket it looks for no group.
            self.add_marker(pytest.mark.xdist_group(prepared.label.replace("[", "(").replace("]", ")")))

    def parts(self) -> ItemOutcomes:
        """Explore the model, if no other item has done so."""
        return self.gate.parts(self.prepared)


class SettledItem(GateItem):
    """A proof, or an implementation that is held to its model."""

    def __init__(self, *, gate: Gate, entry: ProofEntry | ConformanceEntry, **kwargs: Any) -> None:
        super().__init__(title=entry.label, part=entry.label, **kwargs)
        self.gate, self.entry, self.span = gate, entry, entry.span

    def parts(self) -> ItemOutcomes:
        """Prove it, or drive it."""
        return self.gate.settled(self.entry)


def nodes_of_class(
    parent: pytest.Collector, name: str, cls: type, gate: Gate
) -> list[pytest.Item | pytest.Collector]:
    """Return a node for each size of a model that is marked with `@model_test`."""
    tests: ModelTests = vars(cls)["__ratified_tests__"]
    names = list(tests.sizes)
    nodes: list[pytest.Item | pytest.Collector] = []
    for values in itertools.product(*tests.sizes.values()):
        entry = entry_of(cls, name, dict(zip(names, values, strict=True)), tests)
        try:
            prepared = prepare_class(entry, cls, gate.asked)
        except RatifiedError as error:
            nodes.append(Wrong.from_parent(parent, name=entry.label, says=str(error)))
            continue
        met = {node.name for node in nodes}  # at the size that was asked for, two may be one
        nodes += [node for node in nodes_of(parent, gate, prepared) if node.name not in met]
    return nodes
