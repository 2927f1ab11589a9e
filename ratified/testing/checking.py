"""`ratified_check`: a model checked in an ordinary test, which fails with the counterexample."""

from __future__ import annotations

import warnings
from dataclasses import replace

import pytest

from ratified.cli.exploring import ExploreOptions
from ratified.cli.gate.running import checked_or_known
from ratified.cli.report.checks import Checked, Expected, Report, doubts
from ratified.cli.report.render import render
from ratified.language.model import Model
from ratified.results.result import Limits, Result, Verdict
from ratified.testing import RatifiedWarning
from ratified.testing.gate import Gate


class Checker:
    """What the fixture is: a function, and whether it was called at all."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._called = False

    def __call__(
        self,
        model: Model,
        expect: Verdict = Verdict.HOLDS,
        *,
        claim: str | None = None,
        states: int | None = None,
        depth: int | None = None,
        claims: tuple[str, ...] | None = None,
        engine: str = "auto",
        symmetry: bool = False,
        reduction: bool = False,
        deadlock: bool = False,
    ) -> Result:
        """Check a model and return what was found; the test fails unless that is as expected.

        `claim` is the one that is to be violated, `states` and `depth` are exact counts. The limit of time is that of the run
        (`--ratified-seconds`) or of the configuration. Raises RatifiedError.
        """
        __tracebackhide__ = True
        self._called = True
        gate = self._gate
        configured = gate.configuration.limits if gate.configuration is not None else Limits()
        seconds = gate.asked.limits.seconds
        limits = configured if seconds is None else replace(configured, seconds=seconds)
        how = ExploreOptions(limits, symmetry, deadlock, engine, claims, reduction=reduction)
        result, since = checked_or_known(model, how, gate.root, gate.cache, gate.explore)
        checked = Checked(repr(model), result, expected=Expected(expect, claim, states, depth), since=since)
        for doubt in doubts(checked):
            warnings.warn(f"{checked.name}: {doubt.says}", RatifiedWarning, stacklevel=2)
        if checked.verdict is not Verdict.HOLDS:
            pytest.fail(render(Report((checked,)), "text"), pytrace=False)
        return result

    def close(self) -> None:
        """Fail a test that asked for this and never used it: it has checked nothing."""
        if not self._called:
            pytest.fail("ratified_check was never called: this test checked no model", pytrace=False)
