"""What weakens a verdict is said in every format: claims never put to the test, actions that never fired, no claims at all."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest

from ratified.cli.report.checks import Checked, Report
from ratified.cli.report.render import render
from ratified.cli.report.simulation import simulation_headline
from ratified.explore import check
from ratified.explore.simulate import simulate
from ratified.language import Map, Model, Sort, action, eventually, invariant, leads_to, require
from ratified.results.result import Limits, Result, Verdict


class Node(Sort):
    """A place."""


class Silent(Model):
    """Claims nothing."""

    up: Map[Node, bool]

    @action
    def rise(self, n: Node) -> None:
        self.up[n] = True


class Hollow(Silent):
    """Claims something of what never comes up, and has an action that is never possible."""

    @action
    def fall(self, n: Node) -> None:
        require(self.up[n] and not self.up[n])
        self.up[n] = False

    @invariant
    def never_both(self) -> bool:
        return all(not self.up[n] for n in Node if self.up[n] and not self.up[n])


class Stuck(Silent):
    """What it claims of states holds; of what it claims of runs, something does, and something does not."""

    @invariant
    def fine(self) -> bool:
        return sum(1 for n in Node if self.up[n]) <= len(Node)

    @eventually
    def begun(self) -> bool:
        return True

    @leads_to
    def on_and_on(self, n: Node) -> tuple[bool, bool]:
        return not self.up[n], self.up[n]


def told(result: Result, form: str) -> str:
    return render(Report((Checked("mine", result),)), form)


def sarif(result: Result) -> list[tuple[str, str, str, int | None]]:
    (run,) = json.loads(told(result, "sarif"))["runs"]
    return [
        (
            r["ruleId"],
            r["level"],
            r["message"]["text"].partition("\n")[0],
            r["locations"][0]["physicalLocation"]["region"]["startLine"] if "locations" in r else None,
        )
        for r in run["results"]
    ]


def line(model: type[Model], name: str) -> int:
    span = model.module.functions[name].span
    assert span is not None
    return span.line


VACUOUS = "mine: never_both is vacuous: its conclusion was never put to the test"
NEVER = "mine: fall never fired: it was possible in no state"


@pytest.mark.parametrize("engine", ["reference", "native"])
def test_what_is_vacuous_and_what_never_fired(engine: str) -> None:
    result = check(Hollow(Node=2), engine=engine)
    assert result.verdict is Verdict.HOLDS
    assert sarif(result) == [
        ("vacuous", "warning", VACUOUS, line(Hollow, "never_both")),
        ("never-fired", "note", NEVER, line(Hollow, "fall")),
    ]
    (checked,) = json.loads(told(result, "json"))["checks"]
    assert [(w["rule"], w["message"]) for w in checked["warnings"]] == [
        ("vacuous", VACUOUS),
        ("never-fired", NEVER),
    ]
    assert ET.fromstring(told(result, "junit")).findtext("testsuite/system-out") == f"{VACUOUS}\n{NEVER}\n"
    warning, notice, holds = told(result, "github").splitlines()
    assert warning.startswith("::warning file=")
    assert warning.endswith(f"::{VACUOUS}")
    assert notice.startswith("::notice file=")
    assert notice.endswith(f"::{NEVER}")
    assert holds.startswith("::notice title=ratified mine::HOLDS")


def test_a_model_that_claims_nothing() -> None:
    result = check(Silent(Node=2))
    nothing = "mine claims nothing: no invariant, no other property, and no check for deadlock"
    assert told(result, "text").startswith("HOLDS  mine: no property to check; all 4 states visited")
    assert sarif(result) == [
        ("no-claims", "warning", nothing, Silent.module.span and Silent.module.span.line)
    ]
    (checked,) = json.loads(told(result, "json"))["checks"]
    assert [w["message"] for w in checked["warnings"]] == [nothing]
    suite = ET.fromstring(told(result, "junit"))[0]
    assert (suite.get("tests"), suite.get("skipped"), suite.findtext("system-out")) == (
        "1",
        "1",
        f"{nothing}\n",
    )
    assert told(result, "github").splitlines()[0].endswith(f"::{nothing}")


def test_random_walks_of_a_model_that_claims_nothing_say_so() -> None:
    walked = simulate(Silent(Node=2), runs=3, depth=4)
    assert simulation_headline("mine", walked) == (
        "UNDECIDED  mine: no property to check in 3 runs; this is not a proof"
    )


def test_nothing_is_warned_of_before_all_is_seen() -> None:
    result = check(Hollow(Node=3), limits=Limits(depth=2))
    assert result.verdict is Verdict.UNDECIDED
    assert [rule for rule, *_ in sarif(result)] == ["undecided"]
    assert json.loads(told(result, "json"))["checks"][0]["warnings"] == []


@pytest.mark.parametrize("engine", ["reference", "native"])
def test_a_claim_about_runs_that_fails_hides_no_other(engine: str) -> None:
    result = check(Stuck(Node=2), engine=engine)
    assert result.verdict is Verdict.VIOLATED
    verdicts = {p.name: p.verdict.value for p in result.properties}
    assert verdicts == {"fine": "holds", "begun": "holds", "on_and_on": "violated"}
    (checked,) = json.loads(told(result, "json"))["checks"]
    assert {p["name"]: p["verdict"] for p in checked["properties"]} == verdicts
    cases = ET.fromstring(told(result, "junit")).iter("testcase")
    assert {c.get("name"): [child.tag for child in c] for c in cases} == {
        "invariant: fine": [],
        "liveness: begun": [],
        "liveness: on_and_on": ["failure"],
    }
    rows = [
        line.split() for line in told(result, "text").splitlines() if line.startswith(("fine ", "begun "))
    ]
    assert rows == [["fine", "invariant", "holds"], ["begun", "liveness", "vacuous"]]


def test_what_is_not_decided_holds_for_no_property() -> None:
    stopped = check(Stuck(Node=3), limits=Limits(depth=2))
    assert {p.verdict for p in stopped.properties} <= {Verdict.UNDECIDED, Verdict.VIOLATED}
