"""`ratified run services`: the report, its formats and picture, and a message with a place for everything that is wrong."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from ratified.cli import main as cli
from ratified.impl.services.balancing import BALANCERS
from ratified.impl.services.retry import Failure

Capture = pytest.CaptureFixture[str]

SHORT = ["--requests", "1400", "--nodes", "a=5,b=1,c=1", "--fail", "a@500ms..1s", "--pause", "c@1.2s..1.5s"]


def said(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    status = cli.run(["run", "services", *arguments])
    return (status, *capsys.readouterr())


def test_the_report(capsys: Capture, golden: Callable[[str, str], None]) -> None:
    policies = ("--policy", "smooth-weighted", "--policy", "two-choices")
    status, out, err = said(capsys, *policies, *SHORT, "--seed", "3")
    assert (status, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 100
    golden("run_services.txt", out)


def test_large_numbers_stay_within_the_page(capsys: Capture) -> None:
    nodes = ",".join(f"10.0.0.{k}:50051={10**k}" for k in range(7))
    faults = [word for k in range(7) for word in ("--slow", f"10.0.0.{k}:50051@{k}ms..1440m")]
    status, out, _ = said(capsys, "--nodes", nodes, "--requests", "200", *faults, "--health", "breaker")
    assert status == 0
    assert max(map(len, out.splitlines())) <= 100


@pytest.mark.parametrize("policy", BALANCERS)
def test_each_policy_runs(policy: str, capsys: Capture) -> None:
    status, out, _ = said(capsys, "--policy", policy, "--requests", "50", "-q")
    assert (status, out) == (
        0,
        "HOLDS  services: no write was applied twice, and every acknowledged write was applied\n",
    )


def test_budgets_health_and_hedges_are_compared_in_every_combination(capsys: Capture) -> None:
    more = [f"--budget={b}" for b in ("throttle", "share", "in-flight", "adaptive", "none")]
    more += [f"--health={h}" for h in ("eject", "breaker", "none")] + ["--hedge=none", "--hedge=20ms"]
    status, out, _ = said(
        capsys, *more, "--requests", "200", "--fail", "a@0ms..1s", "--policy", "earliest-deadline"
    )
    assert status == 0
    assert max(map(len, out.splitlines())) <= 100
    names = [line for line in out.splitlines() if line.startswith("earliest-deadline/")]
    assert len(set(names)) == 5 * 3 * 2
    assert "earliest-deadline/in-flight/breaker/hedge 20 ms" in names


def test_json_has_what_the_text_has(capsys: Capture, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    status, out, _ = said(capsys, *SHORT, "--seed", "3", "--format", "json", "-o", str(file), "-q")
    assert (status, out.split()[0]) == (0, "HOLDS")
    report = json.loads(file.read_text(encoding="utf-8"))
    assert (report["schema"], report["verdict"], report["seed"]) == ("ratified-services/1", "holds", 3)
    assert report["nodes"] == {"a": 5, "b": 1, "c": 1}
    assert report["faults"][0] == {"trouble": "fail", "node": "a", "from_ms": 500, "until_ms": 1000}
    (policy,) = report["policies"]
    assert policy["attempts"] == sum(node["requests"] for node in policy["nodes"])
    assert (policy["applied_twice"], policy["lost"]) == (0, 0)


def test_the_same_seed_gives_the_same_bytes(capsys: Capture, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("one.svg", "two.svg")]
    reports = [said(capsys, *SHORT, "--format", "json", "--diagram", str(file)) for file in files]
    assert reports[0] == reports[1]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_the_picture_has_what_happened(capsys: Capture, tmp_path: Path) -> None:
    file = tmp_path / "load.svg"
    assert (
        said(capsys, "--policy", "random", "--policy", "two-choices", *SHORT, "--diagram", str(file))[0] == 0
    )
    texts = ["".join(t.itertext()) for t in ET.parse(file).iter("{http://www.w3.org/2000/svg}text")]
    assert texts[0] == (
        "1,400 requests, 700 a second; retries: up to 3 attempts, back-off from 50 ms, budget throttle"
    )
    assert [t.partition(":")[0] for t in texts if "% succeed" in t] == ["random", "two-choices"]
    assert [texts.count(name) for name in ("a (5)", "b (1)", "fails", "paused")] == [2, 2, 2, 2]
    page = tmp_path / "load.html"
    assert said(capsys, *SHORT, "--diagram", str(page))[0] == 0
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_client_that_sends_a_write_twice_is_a_violation(capsys: Capture) -> None:
    with patch.object(Failure, "surely_not_executed", property(lambda _: True)):
        status, out, _ = said(
            capsys, "--requests", "600", "--pause", "a@200ms..2s", "--timeout", "50ms", "-q"
        )
    assert status == 1
    assert out.startswith("VIOLATED  services: smooth-weighted had ")
    assert out.endswith(" writes applied twice, and lost 0\n")


def pointed(option: str, text: str, at: int, length: int, why: str, remedy: str) -> str:
    return f"Error: {option}: {why}\n  {text}\n  {' ' * at}{'^' * length}\n  {remedy}\n"


SPAN, TIME = "write NODE@FROM..UNTIL, as in a@2s..4s", "write 500ms, 2s or 1.5s"
NODES = "write NAME=WEIGHT,... as in a=5,b=1; with a zone and a level, a=5@east/1"
LETTERS = "letters, digits, '.', ':', '-' and '_'"


@pytest.mark.parametrize(
    ("option", "text", "at", "length", "why", "remedy"),
    [
        ("--nodes", "", 0, 1, "a node has no name", NODES),
        ("--nodes", "a=5,,b", 4, 1, "a node has no name", NODES),
        ("--nodes", "a=5,=2", 4, 2, "a node has no name", NODES),
        ("--nodes", "a, b", 2, 2, "' b' is not a name", "letters, digits, '.', ':', '-' and '_'"),
        ("--nodes", "a=5,a=1", 4, 1, "a appears twice", "each node has a name of its own"),
        ("--nodes", "a=", 2, 1, "a: a weight is missing", "a weight is a whole number"),
        ("--nodes", "a=1.5", 2, 3, "a: '1.5' is not a weight", "a weight is a whole number"),
        (
            "--nodes",
            "a=1,b=-2",
            6,
            2,
            "b: weight -2 is not in 1 to 1,000,000",
            "leave out a node that is to get nothing",
        ),
        (
            "--nodes",
            "a=1000001",
            2,
            7,
            "a: weight 1000001 is not in 1 to 1,000,000",
            "leave out a node that is to get nothing",
        ),
        ("--nodes", "a@east,b@", 9, 1, "b: a zone is missing", LETTERS),
        ("--nodes", "a@x!", 2, 2, "a: 'x!' is not a zone", LETTERS),
        ("--nodes", "a=5@east/", 9, 1, "a: a level is missing", "a level is a whole number"),
        ("--nodes", "a/first", 2, 5, "a: 'first' is not a level", "a level is a whole number"),
        ("--nodes", "a,b=2@x/128", 8, 3, "b: level 128 is not in 0 to 127", "level 0 is asked first"),
        (
            "--zone",
            "east",
            0,
            4,
            "there is no node in zone 'east'",
            "say where nodes are: --nodes a@east,b@west",
        ),
        ("--fail", "a", 1, 1, "the time is missing: there is no @", SPAN),
        ("--fail", "d@1s..2s", 0, 1, "there is no node 'd'", "--nodes has a, b, c"),
        ("--slow", "@1s..2s", 0, 1, "a node is missing", "--nodes has a, b, c"),
        ("--slow", "a@1s-2s", 2, 5, "there is no .. between two times", SPAN),
        ("--pause", "a@1s..", 6, 1, "a time is missing", TIME),
        ("--pause", "a@soon..2s", 2, 4, "'soon' is not a time", TIME),
        ("--fail", "a@4s..2s", 2, 6, "it ends at 2s, before it starts at 4s", SPAN),
        ("--fail", "a@2s..2s", 2, 6, "it takes no time", SPAN),
        ("--service", "0ms", 0, 3, "0ms is not in 1ms to 1440m", TIME),
        ("--deadline", "1e3ms", 0, 5, "'1e3ms' is not a time", TIME),
        ("--timeout", "0.5ms", 0, 5, "0.5ms is not a whole number of milliseconds", TIME),
        ("--backoff", "-1s", 0, 3, "'-1s' is not a time", TIME),
        ("--hedge", "nan", 0, 3, "'nan' is not a time", TIME),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    option: str, text: str, at: int, length: int, why: str, remedy: str, capsys: Capture
) -> None:
    assert said(capsys, f"{option}={text}") == (2, "", pointed(option, text, at, length, why, remedy))


def test_nodes_may_have_zones_and_levels(capsys: Capture) -> None:
    """A client keeps to its zone while it can, and to the first level while enough of it is there."""
    nodes = ("--nodes", "a@east,b@east,c@west,d@west,e@west/1", "--requests", "800", "--rate", "100")
    told: dict[str, dict[str, int]] = {}
    report: dict[str, Any] = {}
    for zone in ((), ("--zone", "east"), ("--zone", "west", "--fail", "d@1ms..60s")):
        status, out, _ = said(capsys, *nodes, *zone, "--format", "json")
        report = json.loads(out)
        assert status == 0
        told["".join(zone[1:2])] = {n["node"]: n["requests"] for n in report["policies"][0]["nodes"]}
    assert (report["zones"]["e"], report["levels"]) == ("west", {"e": 1})
    assert report["client"]["zone"] == ["the client is in west"]
    assert told[""] == {"a": 200, "b": 200, "c": 200, "d": 200, "e": 0}
    assert told["east"] == {"a": 400, "b": 400, "c": 0, "d": 0, "e": 0}
    assert told["west"]["d"] < told["west"]["c"]
    assert told["west"]["a"] + told["west"]["b"] > 0
    status, out, _ = said(capsys, *nodes, "--zone", "west")
    assert "nodes       a=1@east   b=1@east   c=1@west   d=1@west   e=1@west/1" in out.splitlines()
    assert said(capsys, *nodes, "--zone", "north") == (
        2,
        "",
        pointed("--zone", "north", 0, 5, "there is no node in zone 'north'", "--nodes has east, west"),
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--requests", "0"], "Invalid value for '--requests': 0 is not in the range x>=1."),
        (["--policy", "best"], "Invalid value for '--policy': 'best' is not one of 'round-robin', "),
        (["--attempts", "6"], "Invalid value for '--attempts': 6 is not in the range 1<=x<=5."),
        (["--writes", "200"], "Invalid value for '--writes': 200 is not in the range 0<=x<=100."),
        (["--rate", "0"], "Invalid value for '--rate': 0 is not in the range x>=1."),
        (["--seed", "x"], "Invalid value for '--seed': 'x' is not a valid integer."),
        (["raft"], "Got unexpected extra argument (raft)"),
    ],
)
def test_so_is_what_click_finds(arguments: list[str], message: str, capsys: Capture) -> None:
    status, out, err = said(capsys, *arguments)
    assert (status, out, err.splitlines()[0]) == (2, "", "Usage: ratified run services [OPTIONS]")
    assert f"Error: {message}" in err


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("load.png", "load.png: .png files cannot be written\n  end it with one of .svg, .html"),
        ("nowhere/load.svg", "nowhere/load.svg cannot be written: there is no folder nowhere"),
    ],
)
def test_a_picture_that_cannot_be_written_is_refused_first(file: str, message: str, capsys: Capture) -> None:
    assert said(capsys, "--diagram", file) == (2, "", f"Error: {message}\n")


def test_help_leads_from_one_to_the_other(capsys: Capture) -> None:
    assert cli.run(["run", "--help"]) == 0
    assert "`ratified run services --help`" in " ".join(capsys.readouterr().out.split())
    status, out, _ = said(capsys, "--help")
    assert (status, out.splitlines()[0]) == (0, "Usage: ratified run services [OPTIONS]")
