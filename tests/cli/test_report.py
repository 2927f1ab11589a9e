"""Reports, held to texts that a reader can read: `golden/NAME.txt` and its siblings."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from ratified.cli.commands.options import FORMATS
from ratified.cli.report.checks import Checked, Report
from ratified.cli.report.junit import Stamp
from ratified.cli.report.render import render
from ratified.cli.report.text import duration, size
from ratified.cli.report.words import plural
from ratified.language.values import Set
from ratified.results.result import Result, Verdict
from ratified.results.words import listed
from tests.cli import samples

STAMP = Stamp("2001-02-03T04:05:06", "here")
Golden = Callable[[str, str], None]
SUFFIX = {
    "text": "txt",
    "json": "json",
    "junit": "xml",
    "sarif": "sarif",
    "github": "github",
    "gitlab": "gitlab.json",
}


def one(made: Result) -> Report:
    return Report((Checked("synod", made, "a sample"),))


def protocol(**answers: Result) -> Report:
    """Return a report on a protocol; a name that starts with `broken` is broken on purpose."""
    checks = (
        Checked(n.replace("_", "-"), r, "a sample", broken=n.startswith("broken")) for n, r in answers.items()
    )
    return Report(tuple(checks), protocol="synod")


def verified() -> Report:
    return protocol(
        consensus=samples.holds_with_warnings(), synod=samples.result(), broken_promise=samples.violated()
    )


def not_verified() -> Report:
    return protocol(
        synod=samples.violated_at_once(), large=samples.out_of_states(), broken_votes=samples.result()
    )


@pytest.mark.parametrize("name", samples.RESULTS)
def test_text(name: str, folder: Path, golden: Golden) -> None:
    golden(f"{name}.txt", render(one(samples.RESULTS[name]()), "text"))


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "text"])
@pytest.mark.parametrize("name", ["holds", "violated", "out_of_bounds"])
def test_for_programs(name: str, form: str, folder: Path, golden: Golden) -> None:
    golden(f"{name}.{SUFFIX[form]}", render(one(samples.RESULTS[name]()), form, stamp=STAMP))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("made", [verified, not_verified])
def test_a_protocol(made: Callable[[], Report], form: str, folder: Path, golden: Golden) -> None:
    golden(f"{made.__name__}.{SUFFIX[form]}", render(made(), form, stamp=STAMP))


@pytest.mark.parametrize("name", samples.RESULTS)
def test_no_line_is_wider_than_100_columns(name: str, folder: Path) -> None:
    lines = render(one(samples.RESULTS[name]()), "text").splitlines()
    assert max(map(len, lines)) <= 100
    assert not [line for line in lines if line != line.rstrip()]


def test_a_long_value_is_broken_and_hangs_beside_its_place(folder: Path) -> None:
    long = Set(samples.Promise(a, b, c) for a in samples.A for b in samples.B for c in (None, *samples.B))
    text = render(one(samples.result(parameters={"seen": long})), "text")
    shown = text[text.index("parameters") : text.index("engine")]
    lines = shown.splitlines()
    assert len(lines) > 5
    assert max(map(len, lines)) <= 100
    assert all(line.startswith(" " * 12) for line in lines[1:])
    assert " ".join(shown.split()) == f"parameters seen={long!r}"


@pytest.mark.parametrize("name", samples.RESULTS)
def test_colour_adds_colour_and_nothing_else(name: str, folder: Path) -> None:
    report = one(samples.RESULTS[name]())
    colored = render(report, "text", color=True)
    assert colored.startswith("\x1b[")
    assert re.sub(r"\x1b\[[\d;]*m", "", colored) == render(report, "text")


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        ({"a": Verdict.HOLDS}, Verdict.HOLDS),
        ({"a": Verdict.HOLDS, "b": Verdict.VIOLATED}, Verdict.VIOLATED),
        ({"a": Verdict.UNDECIDED, "b": Verdict.VIOLATED}, Verdict.VIOLATED),
        ({"a": Verdict.UNDECIDED, "b": Verdict.HOLDS}, Verdict.UNDECIDED),
        ({"a": Verdict.HOLDS, "broken": Verdict.VIOLATED}, Verdict.HOLDS),
        ({"a": Verdict.HOLDS, "broken": Verdict.HOLDS}, Verdict.VIOLATED),
        ({"a": Verdict.HOLDS, "broken": Verdict.UNDECIDED}, Verdict.UNDECIDED),
    ],
)
def test_the_verdict_of_many_checks(answers: dict[str, Verdict], verdict: Verdict) -> None:
    assert protocol(**{name: samples.result(answer) for name, answer in answers.items()}).verdict is verdict


@pytest.mark.parametrize("name", samples.RESULTS)
def test_junit_passes_what_holds_and_nothing_that_is_vacuous_or_undecided(name: str, folder: Path) -> None:
    made = samples.RESULTS[name]()
    suite = ET.fromstring(render(one(made), "junit"))[0]
    cases = suite.findall("testcase")
    passed = [case.get("name") for case in cases if len(case) == 0]
    holding = [p for p in made.properties if p.verdict is Verdict.HOLDS and not p.vacuous]
    assert passed == [f"{p.kind.value}: {p.name}" for p in holding]
    assert int(suite.get("tests", "")) == len(cases)
    for tag, count in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert int(suite.get(count, "")) == len(suite.findall(f"*/{tag}"))


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_says_what_is_vacuous_and_what_never_fired(form: str, folder: Path) -> None:
    said = render(one(samples.holds_with_warnings()), form)
    assert "one_leader" in said
    assert "vacuous" in said
    assert "abdicate" in said


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ("text", "no property to check"),
        ("json", '"properties": []'),
        ("junit", "there is no property to check"),
        ("sarif", "there is no property to check"),
        ("github", "::warning title=ratified synod::synod: there is no property to check"),
    ],
)
def test_every_format_says_that_a_model_claims_nothing(form: str, says: str, folder: Path) -> None:
    assert says in render(one(samples.result(properties=())), form)


def test_json_says_what_the_text_says_of_a_trace(folder: Path) -> None:
    violation = json.loads(render(one(samples.lasso()), "json"))["checks"][0]["violation"]
    steps = violation["trace"]["steps"]
    assert [step["action"] for step in steps] == [
        "prepare",
        "promise",
        "learn",
        "wait",
        "forget",
        "learn_again",
    ]
    assert violation["trace"]["loop"] == 3
    assert steps[1]["changes"][0] == {
        "path": "max_ballot[a1]",
        "kind": "replaced",
        "old": "None",
        "new": "b1",
        "copies": 1,
    }
    assert steps[3]["changes"] == []
    assert steps[3]["state"] == steps[2]["state"]


def test_a_github_command_is_one_line_however_long_its_message(folder: Path) -> None:
    (line,) = render(one(samples.violated()), "github").splitlines()
    assert line.startswith(
        "::error file=model.py,line=7,col=9,title=ratified synod::VIOLATED  synod: agreement fails"
    )
    assert "%0A" in line


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (10, "10 s"), (59.4, "59 s"), (61, "1:01 min"), (3600, "60:00 min")],
)
def test_a_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_amounts_and_lists() -> None:
    assert [size(n) for n in (5_000_000, 999_000_000, 1_400_000_000)] == ["5 MB", "999 MB", "1.4 GB"]
    assert [plural(n, "state") for n in (0, 1, 2_000)] == ["0 states", "1 state", "2,000 states"]
    assert [listed(n) for n in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]
