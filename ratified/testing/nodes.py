"""The nodes of a run of pytest: a file, a model at a size, and an item for each of its claims."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from _pytest._code.code import ReprEntryNative, ReprExceptionInfo, ReprFileLocation, ReprTraceback

from ratified.cli.gate.configuration import Entry, ModelEntry
from ratified.cli.gate.running import Prepared, prepare_class
from ratified.language.errors import RatifiedError, Span
from ratified.testing import RatifiedWarning
from ratified.testing.decorator import ModelTests, entry_of
from ratified.testing.gate import ASKED, UNCHANGED, Gate
from ratified.testing.outcomes import Part, Parts, names_of, span_of


class NotPassed(Exception):
    """What an item came to; it is told as a report, not as a traceback."""

    def __init__(self, part: Part) -> None:
        super().__init__(part.headline)
        self.part = part


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
            node = self._node(entry)
            if node.name not in met:  # at the size that was asked for, two may be one
                met.add(node.name)
                yield node

    def _node(self, entry: Entry) -> pytest.Item | pytest.Collector:
        if not isinstance(entry, ModelEntry):
            item: pytest.Item = SettledItem.from_parent(self, name=entry.label, gate=self.gate, entry=entry)
            return item
        try:
            prepared = self.gate.prepared(entry)
        except RatifiedError as error:
            wrong: pytest.Collector = Wrong.from_parent(self, name=entry.label, says=str(error))
            return wrong
        node: pytest.Collector = ModelNode.from_parent(
            self, name=prepared.label, gate=self.gate, prepared=prepared
        )
        return node


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

    def __init__(self, *, gate: Gate, prepared: Prepared, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.gate, self.prepared = gate, prepared
        # One process explores for all of its claims where tests are distributed by groups.
        if self.config.pluginmanager.hasplugin("xdist"):
            self.add_marker(pytest.mark.xdist_group(prepared.label))

    def collect(self) -> Iterator[pytest.Item]:
        """Yield an item for each claim."""
        for name in names_of(self.prepared):
            yield ClaimItem.from_parent(self, name=name, gate=self.gate, prepared=self.prepared)


class GateItem(pytest.Item):
    """An item that a report stands for."""

    gate: Gate
    span: Span

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.user_properties.append((ASKED, f"{_title(self.parent)}{self.name}"))

    def parts(self) -> Parts:
        """Return what came of all that was explored for this item."""
        raise NotImplementedError

    def runtest(self) -> None:
        """Raise NotPassed unless what this item stands for is known."""
        found = self.parts()
        if found.since is not None:
            self.user_properties.append((UNCHANGED, found.since))
        part = found.parts[self.name]
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
        return Path(self.span.file), self.span.line - 1, f"{_title(self.parent)}{self.name}"


def _title(parent: object) -> str:
    """The model that an item belongs to, before its name."""
    return f"{parent.name}::" if isinstance(parent, ModelNode) else ""


class ClaimItem(GateItem):
    """A claim of a model at a size, or what else is expected of it."""

    def __init__(self, *, gate: Gate, prepared: Prepared, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.gate, self.prepared = gate, prepared
        self.span = span_of(prepared, self.name)

    def parts(self) -> Parts:
        """Explore the model, if no other item has done so."""
        return self.gate.parts(self.prepared)


class SettledItem(GateItem):
    """A proof, or an implementation that is held to its model."""

    def __init__(self, *, gate: Gate, entry: Entry, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.gate, self.entry, self.span = gate, entry, entry.span

    def parts(self) -> Parts:
        """Prove it, or drive it."""
        return self.gate.settled(self.entry)


def nodes_of_class(parent: pytest.Collector, name: str, cls: type, gate: Gate) -> list[pytest.Collector]:
    """Return a node for each size of a model that is marked with `@model_test`."""
    tests: ModelTests = vars(cls)["__ratified_tests__"]
    names = list(tests.sizes)
    nodes: list[pytest.Collector] = []
    for values in itertools.product(*tests.sizes.values()):
        entry = entry_of(cls, name, dict(zip(names, values, strict=True)), tests)
        try:
            prepared = prepare_class(entry, cls, gate.asked)
        except RatifiedError as error:
            nodes.append(Wrong.from_parent(parent, name=entry.label, says=str(error)))
            continue
        if not any(node.name == prepared.label for node in nodes):
            nodes.append(ModelNode.from_parent(parent, name=prepared.label, gate=gate, prepared=prepared))
    return nodes
