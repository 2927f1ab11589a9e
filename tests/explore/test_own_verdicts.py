"""Each property has its own verdict where that is known: a claim about runs that fails hides no invariant that holds."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest

from ratified.cli.report.checks import Checked, Report
from ratified.cli.report.render import render
from ratified.explore import check
from ratified.language import (
    Map,
    Model,
    action,
    constraint,
    eventually,
    invariant,
    leads_to,
    require,
)
from ratified.results.result import Limits, Result, Verdict
from tests.shared.sorts import Node


class Stuck(Model):
    """What it claims of states holds; of what it claims of runs, something does, and something does not."""

    up: Map[Node, bool]

    @action
    def rise(self, n: Node) -> None:
        require(not self.up[n])
        self.up[n] = True

    @invariant
    def fine(self) -> bool:
        return sum(1 for n in Node if self.up[n]) <= len(Node)

    @eventually
    def begun(self) -> bool:
        return True

    @leads_to
    def on_and_on(self, n: Node) -> tuple[bool, bool]:
        return not self.up[n], self.up[n]


class Wrong(Stuck):
    """An invariant fails besides: then nothing else is known."""

    @invariant
    def not_two(self) -> bool:
        return sum(1 for n in Node if self.up[n]) < 2


class Bounded(Stuck):
    """A constraint bounds what is claimed of states; what is claimed of runs is not known to hold."""

    @constraint
    def few(self) -> bool:
        return sum(1 for n in Node if self.up[n]) < 2


def verdicts(result: Result) -> dict[str, str]:
    return {p.name: p.verdict.value for p in result.properties}


@pytest.mark.parametrize("engine", ["reference", "native", "auto"])
def test_a_claim_about_runs_that_fails_hides_no_other(engine: str) -> None:
    result = check(Stuck(Node=2), engine=engine)
    assert result.verdict is Verdict.VIOLATED
    assert verdicts(result) == {"fine": "holds", "begun": "holds", "on_and_on": "violated"}


@pytest.mark.parametrize("engine", ["reference", "native"])
def test_after_an_invariant_has_failed_nothing_else_is_known(engine: str) -> None:
    known = verdicts(check(Wrong(Node=2), engine=engine))
    assert known == {
        "not_two": "violated",
        "fine": "undecided",
        "begun": "undecided",
        "on_and_on": "undecided",
    }


def test_a_constraint_leaves_claims_about_runs_undecided() -> None:
    known = verdicts(check(Bounded(Node=2), engine="reference"))
    assert known == {"fine": "holds", "begun": "undecided", "on_and_on": "violated"}


@pytest.mark.parametrize("engine", ["reference", "native"])
def test_what_is_cut_short_holds_for_no_property(engine: str) -> None:
    stopped = check(Stuck(Node=3), limits=Limits(depth=2), engine=engine)
    assert "holds" not in verdicts(stopped).values()


def test_every_format_tells_them() -> None:
    report = Report((Checked("mine", check(Stuck(Node=2))),))
    (checked,) = json.loads(render(report, "json"))["checks"]
    assert [p["verdict"] for p in checked["properties"]] == ["holds", "holds", "violated"]
    cases = {
        c.get("name"): [e.tag for e in c] for c in ET.fromstring(render(report, "junit")).iter("testcase")
    }
    assert cases["invariant: fine"] == []
    assert cases["liveness: on_and_on"] == ["failure"]
    assert [row.split() for row in render(report, "text").splitlines() if row.startswith("fine ")] == [
        ["fine", "invariant", "holds"]
    ]
