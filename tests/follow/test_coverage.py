"""What traces never exercised of a model: actions, branches, reasons for refusal; and steps that are attempted or refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import pytest

from ratified import Map, Model, Param, Range, Sort, action, require
from ratified.cli import main as cli
from ratified.follow.binding import Binding, BindingError, Event, Names
from ratified.follow.coverage import BRANCH, REFUSAL, Coverage
from ratified.follow.follower import Follower
from ratified.follow.mismatch import told
from ratified.follow.steps import Steps, attempt, do, either, holds, maybe, refused
from ratified.results.result import Verdict


class Holder(Sort):
    """Who may have a lease."""


class Leases(Model):
    """A lease that ends at a time; what comes late is refused."""

    most: Param[int] = 9
    holder: Holder | None
    until: Annotated[int, Range(0, "most")]
    renewals: Map[Holder, Annotated[int, Range(0, 2)]]

    def left(self, now: int) -> int:
        """How long the lease goes on."""
        return self.until - now if now < self.until else 0

    @action
    def grant(self, h: Holder, now: Annotated[int, Range(0, "most")]) -> None:
        """To whom asks first."""
        require(self.holder is None or now >= self.until)
        self.holder = h
        self.until = now + 3

    @action
    def renew(self, h: Holder, now: Annotated[int, Range(0, "most")]) -> None:
        """By who has it, in time."""
        require(self.holder == h)
        require(self.left(now) > 0)
        if self.renewals[h] < 2:
            self.renewals[h] += 1
            self.until = now + 3
        else:
            match self.renewals[h]:
                case 2:
                    self.until = now + 2
                case _:
                    self.until = now + 1

    @action
    def clear(self) -> None:
        """By hand."""
        self.holder = None


class Long(Leases):
    """With a method of its own that goes on to the one it overrides."""

    @action
    def clear(self) -> None:
        """By hand, where there is one."""
        require(self.holder is not None)
        super().clear()


class Server(Binding):
    """What it says, and what it refuses."""

    def __init__(self) -> None:
        self.holder = Names(Holder, 2, ["a", "b"])

    def model(self) -> Leases:
        return Leases(Holder=2)

    def on_grant(self, node: str, now: int) -> Steps:
        return do("grant", h=self.holder(node), now=now)

    def on_renew(self, node: str, now: int) -> Steps:
        return do("renew", h=self.holder(node), now=now)

    def on_refuse(self, node: str, now: int) -> Steps:
        return refused(do("renew", h=self.holder(node), now=now))

    def on_ask(self, node: str, now: int) -> Steps:
        return attempt(do("renew", h=self.holder(node), now=now))

    def on_try(self, node: str, now: int) -> Steps:
        return either(do("renew", h=self.holder(node), now=now), ())

    def on_none_left(self, now: int) -> Steps:
        return holds("left", now, expected=0)

    def on_refuse_any(self, now: int) -> Steps:
        return refused(do("renew", now=now))

    def on_two(self, node: str) -> Steps:
        return refused(maybe(do("clear")))  # type: ignore[arg-type]  # that is what is tested


def at(action: str, node: str = "a", now: int | None = None) -> Event:
    return Event(action, {} if now is None else {"now": now}, node)


def covered(*events: Event, model: Leases | None = None) -> Coverage:
    binding = Server()
    if model is not None:
        binding.model = lambda: model  # type: ignore[method-assign]  # another model for the same events
    follower = Follower(binding)
    follower.coverage = Coverage(follower.model)
    assert follower.follow(events).verdict is Verdict.HOLDS
    return follower.coverage


def never(coverage: Coverage, kind: str) -> list[str]:
    return [f"{p.method}: {p}" for p in coverage.never(kind)]


LATE = "renew: require(self.left(now) > 0)"
FOREIGN = "renew: require(self.holder == h)"


def test_at_first_nothing_was_exercised() -> None:
    coverage = covered()
    assert coverage.never_taken == ("grant", "renew", "clear")
    assert never(coverage, BRANCH) == [
        "left: now < self.until is true",
        "left: now < self.until is false",
        "renew: self.renewals[h] < 2 is true",
        "renew: self.renewals[h] < 2 is false",
        "renew: 2 is true",
        "renew: _ is true",
    ]
    assert never(coverage, REFUSAL) == [
        "grant: require(self.holder is None or now >= self.until)",
        FOREIGN,
        LATE,
    ]


def test_branches_and_cases_of_the_steps_that_explain() -> None:
    coverage = covered(at("grant", now=0), at("renew", now=1), at("renew", now=2), at("renew", now=3))
    assert coverage.never_taken == ("clear",)
    assert never(coverage, BRANCH) == ["left: now < self.until is false", "renew: _ is true"]


@pytest.mark.parametrize(
    ("event", "missing"),
    [
        (at("refuse", now=3), [FOREIGN]),  # too late
        (at("refuse", "b", now=1), [LATE]),  # not the holder
        (at("ask", now=3), [FOREIGN]),
        (at("try", now=3), [FOREIGN]),
        (at("ask", now=1), [FOREIGN, LATE]),  # was possible, so that nothing was refused
        (at("refuse_any", now=3), [FOREIGN, LATE]),  # of many holders there is no one reason
    ],
)
def test_the_reason_why_a_step_was_refused(event: Event, missing: list[str]) -> None:
    coverage = covered(at("grant", now=0), event)
    assert [r for r in never(coverage, REFUSAL) if r.startswith("renew")] == missing


def test_a_condition_that_is_asked_goes_through_its_branches() -> None:
    coverage = covered(at("grant", now=0), at("none_left", now=5))
    assert "left: now < self.until is false" not in never(coverage, BRANCH)
    assert "left: now < self.until is true" in never(coverage, BRANCH)


def test_what_explains_nothing_does_not_count() -> None:
    follower = Follower(Server())
    follower.coverage = Coverage(follower.model)
    assert follower.step(at("grant", now=0))
    assert not follower.step(at("renew", "b", now=1))
    assert follower.coverage.actions == {"grant": 1, "renew": 0, "clear": 0}
    assert FOREIGN in never(follower.coverage, REFUSAL)


def test_methods_that_call_what_they_override() -> None:
    coverage = covered(at("grant", now=0), model=Long(Holder=2))
    assert "clear: require(self.holder is not None)" in never(coverage, REFUSAL)
    before = Long(Holder=2)
    state = next(after for _, after in Follower(_bound(before)).machine.initial())
    points = coverage.points_of("clear", state, ())  # type: ignore[arg-type]  # an initial state is within bounds
    assert [str(p) for p in points] == ["require(self.holder is not None)"]


def _bound(model: Leases) -> Server:
    binding = Server()
    binding.model = lambda: model  # type: ignore[method-assign]  # as above
    return binding


def test_an_attempt_is_one_state_and_a_refusal_must_be_one() -> None:
    follower = Follower(Server())
    for event, renewals in ((at("grant", now=0), 0), (at("ask", now=1), 1), (at("ask", "b", now=1), 1)):
        assert follower.step(event)
        (state,) = follower.states
        assert state[follower.variables["renewals"]][Holder(0)] == renewals
    assert not follower.step(at("refuse", now=2))
    assert follower.result.verdict is Verdict.VIOLATED
    assert "it stands for a refusal of renew(h=h1, now=2), which is not so\n" in told(follower)
    assert "  renew is enabled here, so the model does not refuse it\n" in told(follower)


def test_what_there_is_no_room_for_is_not_refused() -> None:
    follower = Follower(Server())
    assert follower.step(at("grant", now=6))
    assert not follower.step(at("refuse", now=8))  # it would go on until 11
    assert follower.result.verdict is Verdict.UNDECIDED
    assert follower.result.stopped is not None
    assert follower.result.stopped.startswith("the sizes in the binding are too small: renew exceeds")


def test_only_one_step_can_be_refused() -> None:
    with pytest.raises(BindingError) as problem:
        Follower(Server()).step(at("two"))
    assert problem.value.message.startswith("Server.on_two attempts Either(")
    assert problem.value.remedy == 'give one step: attempt(do("action", ...)), refused(do("action", ...))'


RUN = (
    {"action": "acquire", "arguments": {"client": "a", "token": 1}},
    {"action": "write", "arguments": {"client": "a"}},
)
MORE = (
    {"action": "acquire", "arguments": {"client": "b", "token": 7}},
    {"action": "release", "arguments": {"client": "b"}},
)


@pytest.fixture
def binding(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    for name, events in (("run.ndjson", RUN), ("more.ndjson", MORE)):
        Path(name).write_text("".join(json.dumps(e) + "\n" for e in events), encoding="utf-8")
    return f"{checkout / 'examples' / 'lock_binding.py'}:LockServer"


def test_the_report_of_several_traces(
    binding: str, capsys: pytest.CaptureFixture[str], golden: Callable[[str, str], None]
) -> None:
    assert cli.run(["trace", binding, "run.ndjson", "more.ndjson", "--coverage"]) == 0
    golden("trace_coverage.txt", re.sub(r"time     .*", "time     -", capsys.readouterr().out))


def test_the_report_as_json(binding: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["trace", binding, "run.ndjson", "more.ndjson", "--coverage", "--format", "json"]
    assert cli.run(arguments) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["verdict"] == "holds"
    assert [run["trace"] for run in report["runs"]] == ["run.ndjson", "more.ndjson"]
    coverage = report["coverage"]
    # Leases may have ended unobserved, so that each of these may have come after that, too.
    assert coverage["actions"] == {"acquire": 2, "expire": 2, "release": 2, "write": 2}
    assert [(b["condition"], b["outcome"], b["met"]) for b in coverage["branches"]] == [
        ("self.granted == c", True, 1),
        ("self.granted == c", False, 1),
    ]
    assert {r["met"] for r in coverage["refusals"]} == {0}


def test_the_worst_of_several_traces_is_the_answer(binding: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.ndjson").write_text(json.dumps(RUN[1]) + "\n", encoding="utf-8")
    assert cli.run(["trace", binding, "bad.ndjson", "run.ndjson"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("VIOLATED  bad.ndjson: after 0 events")
    assert "\nHOLDS  run.ndjson: 2 events" in out
    assert cli.run(["trace", binding, "run.ndjson", "more.ndjson", "--follow"]) == 2
    assert "Error: --follow is for one trace" in capsys.readouterr().err


def test_the_graph_marks_what_was_not_exercised(
    binding: str, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["trace", binding, "run.ndjson", "--coverage", "--format", "json"]
    assert cli.run(arguments) == 0
    Path("report.json").write_text(capsys.readouterr().out, encoding="utf-8")
    model = [f"{checkout / 'examples' / 'lock_service.py'}:FencedLock", "Client=1", "Token=1"]
    assert cli.run(["graph", *model, "--coverage", "report.json", "-o", "graph.json"]) == 0
    edges = json.loads(Path("graph.json").read_text(encoding="utf-8"))["edges"]
    missed = {(e["action"], e["missed"]) for e in edges}
    assert missed == {("acquire", False), ("write", False), ("expire", False), ("release", True)}
    capsys.readouterr()
    assert cli.run(["graph", *model, "--coverage", "report.json"]) == 0
    dot = capsys.readouterr().out
    assert dot.count('style="dotted"') == sum(e["missed"] for e in edges if e["source"] != e["target"])
    assert "no trace exercised what such a step does" in dot
    capsys.readouterr()
    assert cli.run(["graph", *model, "--coverage", "run.ndjson"]) == 2
    assert capsys.readouterr().err == (
        "Error: run.ndjson is not a report of coverage\n"
        "  ratified trace BINDING TRACE... --coverage --format json > report.json\n"
    )
    assert cli.run(["graph", "consensus", "--coverage", "report.json"]) == 2
    assert capsys.readouterr().err == (
        "Error: report.json is of another model\n  it covers acquire, expire, release, write\n"
    )
