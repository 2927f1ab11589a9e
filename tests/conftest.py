"""What every test shares: where the checkout is, and an environment that changes no output."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ratified.version import __version__
from tests.accounting import Accounting

# Variables that change what programs print. A test that is about one of them sets it itself.
MOODS = (
    "NO_COLOR",
    "TERM",
    "FORCE_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLUMNS",
    "LINES",
    "PYTHONWARNINGS",
    "GITHUB_ACTIONS",
)


# Cycles are rare, and looking for them among all that a long run has made takes a tenth of its time.
gc.set_threshold(50_000, 20, 20)


# What is started in the background of a script ignores Ctrl-C, and so does all that it starts. The tests of Ctrl-C need it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """Whatever a test runs leaves Ctrl-C to the tests that come after it."""
    yield
    found = signal.getsignal(signal.SIGINT)
    if found is not signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        raise AssertionError(f"Ctrl-C is left to {found}")


def pytest_configure(config: pytest.Config) -> None:
    """Count what the tests cost."""
    config.pluginmanager.register(Accounting(), "accounting")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of a table that is sampled all but every so manieth row is long, of the suite `rows`; and what is long is slow.

    `-m "not slow"`, which takes the place of the usual `-m "not long"`, leaves out both.
    """
    seen: Counter[str] = Counter()
    for item in items:
        if (sampled := item.get_closest_marker("sampled")) is not None:
            table = item.nodeid.partition("[")[0]
            if seen[table] % sampled.kwargs["every"]:
                item.add_marker(pytest.mark.long(suite="rows"))
            seen[table] += 1
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what a person's terminal or a CI service may have set."""
    for name in MOODS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def checkout() -> Path:
    """Return the root of this checkout."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory, checkout: Path) -> tuple[Path, Path]:
    """Build the sdist, and the wheel out of the sdist, as a release would; for tests of the xdist group `archives`."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(checkout)],
        check=True,
        capture_output=True,
    )
    return folder / f"ratified-{__version__}.tar.gz", folder / f"ratified-{__version__}-py3-none-any.whl"


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with a file in `golden/` beside the test; see CONTRIBUTING.md on how to write it anew."""
    folder = request.path.parent / "golden"

    def compare(name: str, text: str) -> None:
        file = folder / name
        expected = file.read_text(encoding="utf-8") if file.exists() else None
        if text != expected and os.environ.get("RATIFIED_UPDATE_GOLDENS"):
            folder.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
            pytest.fail(f"wrote {name}: read it, and run again without RATIFIED_UPDATE_GOLDENS")
        assert text == expected

    return compare
