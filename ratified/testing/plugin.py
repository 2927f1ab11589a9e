"""The plugin for pytest (docs/ci.md): what is configured is collected as tests, and models can be tested in ordinary tests.

Guarantees: importing this imports nothing of Ratified but its version and names; where nothing is configured and no test asks for
it, nothing else is imported at all.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ratified.testing import RatifiedWarning
from ratified.testing.scope import configuration_of, scope

if TYPE_CHECKING:
    from ratified.testing.checking import Checker
    from ratified.testing.gate import Gate


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Add what a run may ask for in place of what is configured."""
    _leave_our_assertions(pluginmanager)
    group = parser.getgroup("ratified", "models of protocols (Ratified)")
    group.addoption(
        "--ratified-size",
        action="append",
        default=[],
        metavar="SORT=N",
        help="check models at another size (may be repeated)",
    )
    group.addoption(
        "--ratified-seconds", type=float, metavar="S", help="explore each model for at most S seconds"
    )
    group.addoption(
        "--ratified-cache", metavar="DIR", help="folder of the verdict cache, in place of the configured one"
    )
    group.addoption(
        "--ratified-no-cache", action="store_true", help="explore everything again, even what is in the cache"
    )


def _leave_our_assertions(pluginmanager: pytest.PytestPluginManager) -> None:
    """Keep pytest from rewriting the assertions of all of Ratified, which takes seconds and is for tests.

    It does so for every package that brings a plugin, and has no other way to be told; where it has no such set any more, imports
    are slower and nothing else is different.
    """
    hook = pluginmanager.rewrite_hook
    marked, known = (getattr(hook, name, None) for name in ("_must_rewrite", "_marked_for_rewrite_cache"))
    if isinstance(marked, set) and isinstance(known, dict):
        marked.discard("ratified")
        known.clear()


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Begin where something is configured."""
    if configuration_of(scope(config)) is not None:
        gate_of(config)


@pytest.hookimpl(tryfirst=True)
def pytest_collect_directory(path: Path, parent: pytest.Collector) -> None:
    """Warn of a configuration below that of the run, which has only one: nothing that is listed there is checked."""
    if scope(parent.config).is_relative_to(path):
        return
    below = configuration_of(path, itself=True)
    if below is None:
        return
    here = os.path.relpath(path, parent.config.invocation_params.dir)
    says = f"what is configured here is not part of this run: pytest {here}"
    warnings.warn_explicit(says, RatifiedWarning, str(below), 1)


def gate_of(config: pytest.Config) -> Gate:
    """Return what holds a run's configuration, its explorations and its cache; it is made when it is first asked for."""
    from ratified.testing.gate import NAME, Gate
    from ratified.testing.nodes import Files

    found = config.pluginmanager.get_plugin(NAME)
    if found is None:
        found = Gate(config)
        config.pluginmanager.register(found, NAME)
        config.pluginmanager.register(Files(found), f"{NAME}-files")
    assert isinstance(found, Gate)
    return found


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a group on one process of pytest-xdist.

    With `--dist loadgroup` it writes the group into `_nodeid`, up to its version 3.8; since 9.2 pytest reads `_id`.
    """
    for item in items:
        grouped = getattr(item, "_nodeid", item.nodeid)
        if grouped != item.nodeid:
            item._id = type(item._id).parse(grouped)


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class, name: str, obj: object
) -> list[pytest.Item | pytest.Collector] | None:
    """Collect models that are marked with `@ratified.model_test`."""
    if not isinstance(obj, type) or "__ratified_tests__" not in vars(obj):
        return None
    from ratified.testing.nodes import nodes_of_class

    return nodes_of_class(collector, name, obj, gate_of(collector.config))


@pytest.fixture
def ratified_check(request: pytest.FixtureRequest) -> Iterator[Checker]:
    """Check a model in an ordinary test: `ratified_check(Lock(Client=3), states=8)` fails with the counterexample."""
    from ratified.testing.checking import Checker

    checker = Checker(gate_of(request.config))
    yield checker
    checker.close()
