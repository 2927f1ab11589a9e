"""What the tests cost: the processor time of each, of what it set up and of what it started, told in sum at the end of a run.

Guarantees: it reports and fails nothing. Processor time, not the clock's, so that figures of a busy machine can be compared.
Fixtures that tests share are counted where they are first asked for; a process that nobody waited for is not counted.
"""

from __future__ import annotations

import resource
from collections import Counter
from collections.abc import Generator

import pytest

PROPERTY = "processor-seconds"
TOLD = 15
"""How many files are listed, of those that cost most."""

WORTH_A_LIST = 60.0
"""Seconds in all from which on it is told where they went."""


def spent() -> float:
    """Processor seconds of this process and of all that it started and waited for."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


class Accounting:
    """A plugin: in each worker it notes what a test costs, in the process that gathers reports it adds up."""

    def __init__(self) -> None:
        self._began = 0.0
        self.tests = 0
        self.files: Counter[str] = Counter()
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        """A test begins."""
        self._began = spent()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note in the last report of a test what all its phases cost."""
        report = yield
        if call.when == "teardown":
            report.user_properties.append((PROPERTY, spent() - self._began))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up, by file."""
        cost = dict(report.user_properties).get(PROPERTY)
        if isinstance(cost, float):
            file = report.nodeid.partition("::")[0]
            self.files[file] += 1
            self.seconds[file] = self.seconds.get(file, 0.0) + cost

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell the sum, and where most of it went."""
        for line in self.told():
            terminalreporter.write_line(line)

    def told(self) -> list[str]:
        """Lines for the end of the report; none where no test ran."""
        total = sum(self.seconds.values())
        if not self.files:
            return []
        lines = [f"processor time of {self.files.total():,} tests: {total:,.0f} s"]
        if total >= WORTH_A_LIST:
            most = sorted(self.seconds.items(), key=lambda one: (-one[1], one[0]))[:TOLD]
            lines += [f"{seconds:8.1f} s  {self.files[file]:5,}  {file}" for file, seconds in most]
        return lines
