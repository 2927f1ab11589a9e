"""Policies of services and parts of the store conform; bugs are caught, and every mistake that is planted systematically."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from ratified.bundled.conformance import POLICIES
from ratified.cli import main as cli
from ratified.conform.mutants import planted
from ratified.conform.operators import mutations
from ratified.conform.policies import RUNS_MOST, covered, explore, kills, systematic_kills
from ratified.conform.policy import ScriptCall, by_chance, kept_as_test, read_script, replayed, shortened
from ratified.language.errors import RatifiedError
from ratified.results.result import Verdict

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize("name", POLICIES)
def test_whatever_is_done_is_a_step_of_the_model(name: str) -> None:
    policy = POLICIES[name]
    runs = [by_chance(policy, seed, claims_every=3) for seed in range(8)]
    assert {(run.verdict, run.why) for run in runs} == {(Verdict.HOLDS, "")}
    assert sum(run.events for run in runs) > 35
    tried = explore(policy, examples=6, steps=20)
    assert tried.run is None
    assert tried.examples >= 6


GRAPHS = {
    "smooth-weighted": (176, 414, 414, 4),
    "round-robin": (84, 286, 286, 32),
    "earliest-deadline": (4, 8, 8, 1),
    "least-outstanding": (30, 96, 96, 1),
    "two-choices": (140, 720, 720, 1),
    "ejection": (1_136, 7_952, 7_952, 1),
    "random": (28, 120, 120, 12),
    "draining": (21, 101, 101, 1),
    "max-fails": (94, 347, 347, 3),
    "lock-delay": (20, 74, 47, 1),
    "keep-alive": (176, 601, 601, 90),
    "hedging": (56, 276, 276, 196),
    "leader-hints": (39, 229, 229, 46),
    "priorities": (300, 1_125, 1_125, 75),
    "circuit-breaker": (108, 372, 372, 1),
    "retries-in-flight": (16, 41, 41, 1),
    "throttle": (46, 122, 122, 1),
    "overload": (29, 40, 40, 9),
    "failover": (271, 792, 792, 192),
    "reattachment": (325, 1_017, 1_017, 106),
    "kept-leases": (54, 163, 163, 44),
}
"""States, steps, steps that were taken, and walks."""


@pytest.mark.parametrize("name", POLICIES)
def test_it_is_driven_along_every_step_of_a_small_graph(name: str) -> None:
    done = covered(POLICIES[name])
    if name not in GRAPHS:
        assert done is None
        return
    assert done is not None
    assert done.holds, done
    assert (done.states, done.edges, done.taken, done.walks) == GRAPHS[name]
    assert done.taken + sum(done.reasons.values()) == done.edges


BUGS = [(name, bug) for name, policy in POLICIES.items() for bug in policy.mutants()]


@pytest.mark.sampled(every=4)
@pytest.mark.parametrize(("name", "bug"), BUGS)
def test_every_bug_is_caught_and_shown_by_a_script_that_can_be_kept(name: str, bug: str) -> None:
    policy = POLICIES[name]
    with planted(policy.mutants()[bug]):
        found = next(run for n in range(RUNS_MOST) if (run := by_chance(policy, n, claims_every=5)).found)
        short = shortened(policy, found, attempts=60)
        assert (short.found, len(short.script) <= len(found.script)) == (found.found, True)
        scope: dict[str, object] = {}
        exec(compile(kept_as_test(policy, short), "kept.py", "exec"), scope)  # noqa: S102 - we have written it
        test = scope["test_it_conforms"]
        assert callable(test)
        with pytest.raises(AssertionError):
            test()
    test()


def table() -> dict[tuple[str, str], tuple[str, ...]]:
    """The kill tables of docs/store.md and docs/services.md."""
    docs = Path(__file__).parents[3] / "docs"
    text = "".join((docs / page).read_text(encoding="utf-8") for page in ("store.md", "services.md"))
    rows = re.findall(r"^\| `([a-z-]+)` \| `([a-z-]+)` \| (\d*) \| (\d*) \| (\d*) \|$", text, re.MULTILINE)
    return {(row[0], row[1]): row[2:] for row in rows}


def test_the_table_of_the_page_has_every_bug() -> None:
    assert list(table()) == BUGS


QUICK = ("round-robin", "recovery", "throttle", "supervision")
"""Whose mistakes are all planted in no time; `python3 dev.py long mutants` plants the others'. In CI the page is held to two."""


def each(quick: Sequence[str]) -> pytest.MarkDecorator:
    """All policies, of which those are quick."""
    long = pytest.mark.long(suite="mutants")
    return pytest.mark.parametrize(
        "name", [pytest.param(name, marks=[] if name in quick else long) for name in POLICIES]
    )


@each(QUICK[:2])
def test_who_catches_which_bug_is_as_the_page_says(name: str) -> None:
    """In a process of its own, as on the command line: Hypothesis tries constants of all modules that happen to be loaded."""
    made = subprocess.run(
        [sys.executable, "-m", "ratified", "mutants", name], capture_output=True, text=True, check=True
    )
    rows = [line.split() for line in made.stdout.partition("\n\n")[0].splitlines()[1:]]
    found = {(name, bug): tuple("" if n == "-" else n for n in cells) for bug, *cells in rows}
    assert found == {key: cells for key, cells in table().items() if key[0] == name}


@each(QUICK)
def test_every_systematic_mistake_is_caught_or_is_none(name: str) -> None:
    policy = POLICIES[name]
    kills = list(systematic_kills(policy, quick=True))
    assert {kill.name for kill in kills if not kill.caught} == set(policy.survivors())


@pytest.mark.parametrize(
    ("name", "count"), [("round-robin", 25), ("recovery", 28), ("throttle", 43), ("supervision", 88)]
)
def test_mistakes_are_planted_everywhere(name: str, count: int) -> None:
    made = [mutation.name for mutation in mutations(POLICIES[name].sources)]
    assert len(made) == len(set(made)) == count


def test_scripts_are_read_as_they_are_written() -> None:
    script = (ScriptCall("pick"), ScriptCall("unwell", (1, 5)))
    assert read_script("\n".join(map(str, script))) == script
    run = replayed(POLICIES["smooth-weighted"], 3, script)
    assert (run.verdict, run.events, run.script) == (Verdict.HOLDS, 7, script)


@pytest.mark.parametrize("most", [1, 2, 40, 150, 151, 400])
def test_hypothesis_ends_wherever_it_is(most: int) -> None:
    looks = itertools.count()
    tried = explore(
        POLICIES["round-robin"], examples=60, over=lambda: "out of time" if next(looks) >= most else None
    )
    assert tried.run is None
    assert tried.calls <= most


def test_conform(capsys: Capture) -> None:
    assert cli.run(["conform", "failover", "--seconds", "0"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert re.match(r"HOLDS  failover: [\d,]+ events, each a step of the model\n", out)
    assert "271 states, 792 steps: 792 taken, in 192 walks" in out
    assert cli.run(["conform", "throttle", "--events", "500", "--seed", "3", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["verdict"], told["runs"], told["failure"]) == (
        "ratified-conform-policy/1",
        "holds",
        3,
        None,
    )


def test_conform_tells_what_does_not(capsys: Capture) -> None:
    with planted(POLICIES["round-robin"].mutants()["same-start"]):
        assert cli.run(["conform", "round-robin", "--seconds", "0"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("VIOLATED  round-robin: the implementation does not conform\n")
    assert "run = replayed(POLICIES" in out


def test_mutants(capsys: Capture) -> None:
    assert cli.run(["mutants", "throttle", "--quick", "--scripts"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["bug", "random", "hypothesis", "edges"]
    assert lines[1].split() == ["throttle-at-half", "1", "-", "-"]
    assert lines[-1] == "1 of 1 caught; numbers are runs, examples and steps until caught"
    assert cli.run(["mutants", "round-robin", "--systematic", "--quick"]) == 0
    out = capsys.readouterr().out
    assert "25 of 25 caught" in out
    assert 64 < max(map(len, out.splitlines())) <= 100


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["mutants", "throttle", "gremlin"],
            "there is no bug 'gremlin' of throttle\n  there are throttle-at-half",
        ),
        (
            ["mutants", "raft", "--systematic"],
            "raft runs in a cluster: systematic mistakes are planted in policies",
        ),
        (
            ["conform", "throttle", "--record", "x"],
            "throttle does not run as a cluster, so there are no node events",
        ),
    ],
)
def test_what_is_refused(arguments: list[str], message: str, capsys: Capture) -> None:
    assert cli.run(arguments) == 2
    assert f"Error: {message}" in capsys.readouterr().err


def test_what_fails_without_a_mistake_catches_none() -> None:
    policy = POLICIES["keep-alive"]
    name, mutant = next(iter(policy.mutants().items()))
    with planted(mutant), pytest.raises(RatifiedError, match="without one it does not conform"):
        list(kills(policy, [name], quick=True))
