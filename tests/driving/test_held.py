"""Systems held to their models, examples/held: what conforms, and what released libraries do that their models forbid."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from ratified.cli import main as cli


def ratified(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own: what is driven forks."""
    program = [sys.executable, "-m", "ratified", *map(str, arguments)]
    return subprocess.run(program, cwd=cwd, capture_output=True, text=True, check=False, timeout=300)


def test_all_of_them_pass_as_a_ci_job(checkout: Path) -> None:
    run = ratified("check", "--no-cache", "--format", "json", cwd=checkout / "examples" / "held")
    assert run.returncode == 0, run.stdout + run.stderr
    report = json.loads(run.stdout)
    models = {entry["name"]: entry["verdict"] for entry in report["checks"]}
    assert [name for name, verdict in models.items() if verdict != "holds"] == [
        "persist-queue-1.1.0",
        "aiolimiter-1.3.0",
    ]
    assert {entry["name"]: entry["verdict"] for entry in report["others"]} == {
        "driven[conformance]": "holds",
        "Queue[conformance]": "holds",
        "Cache[conformance]": "holds",
        "CallsAsReleased[conformance]": "holds",
        "RequestsAsReleased[conformance]": "holds",
        "QueueAsReleased[conformance]": "holds",
    }


DEVIATIONS = [
    (
        ("circuitbreaker", "2.1.3"),
        ("breaker_held.py:Calls", "Call=2"),
        "begin(c2) is not refused, but the model forbids it: under_way is {c1, c2}, the model has {c1}",
        [
            "begin(c1)",
            "begin(c2)",
            "fail(c1)",
            "fail(c2)",
            "elapse()",
            "begin(c1)",
            "begin(c2)  forbidden",
        ],
    ),
    (
        ("circuitbreaker", "2.1.3"),
        ("breaker_held.py:CallsAnyTrial", "Call=2"),
        "after succeed(c2): state is closed, the model has open",
        ["begin(c1)", "begin(c2)", "fail(c1)", "begin(c1)", "fail(c1)", "succeed(c2)"],
    ),
    (
        ("persist-queue", "1.1.0"),
        ("acked_queue_held.py:Queue", "Item=2"),
        "ack(i1) is not refused, but the model forbids it: state[i1] is acked, the model has ready",
        ["put(i1)", "ack(i1)  forbidden"],
    ),
    (
        ("persist-queue", "1.1.0"),
        ("acked_queue_held.py:QueueAnyAnswer", "Item=2"),
        "nack(i1) is not refused, but the model forbids it: state[i1] is ready, the model has acked",
        ["put(i1)", "ack(i1)", "nack(i1)  forbidden"],
    ),
    (
        ("aiolimiter", "1.3.0"),
        ("limiter_held.py:Requests", "Request=3"),
        "after elapse(): state[r3] is idle, the model has waiting",
        ["ask(r1)", "ask(r1)", "ask(r3)", "elapse()"],
    ),
]


@pytest.mark.parametrize(("released", "driven", "what", "walk"), DEVIATIONS, ids=lambda given: given[0])
def test_a_library_deviates(
    released: tuple[str, str], driven: tuple[str, str], what: str, walk: list[str], checkout: Path
) -> None:
    name, number = released
    assert version(name) == number
    run = ratified("conform", *driven, "--walks", 0, cwd=checkout / "examples" / "held")
    assert run.returncode == 1, run.stderr
    lines = run.stdout.splitlines()
    assert lines[2] == f"  {what}"
    assert [line.split(maxsplit=1)[1] for line in lines[4 : 4 + len(walk)]] == walk
    assert not lines[4 + len(walk)] or lines[4 + len(walk)].startswith("  the shortest that was found")


def lines(*events: str | tuple[Any, ...]) -> str:
    """Events of a trace: each an action, its arguments, and what is observed if anything is."""
    told = []
    for event in events:
        action, arguments, *seen = (event, {}) if isinstance(event, str) else event
        told.append({"action": action, "arguments": arguments} | ({"variables": seen[0]} if seen else {}))
    return "".join(json.dumps(one) + "\n" for one in told)


@pytest.mark.parametrize(
    ("binding", "run", "status"),
    [
        (
            "breaker_held.py:Log",
            lines(
                ("begun", {"call": "a"}),
                ("failed", {"call": "a"}),
                ("begun", {"call": "b"}),
                ("failed", {"call": "b"}),
                ("rejected", {"call": "c"}),
                "elapsed",
                ("begun", {"call": "d"}),
            ),
            0,
        ),
        (
            "breaker_held.py:Log",
            lines(
                ("begun", {"call": "a"}),
                ("begun", {"call": "b"}),
                ("failed", {"call": "a"}),
                ("failed", {"call": "b"}),
                "elapsed",
                ("begun", {"call": "c"}),
                ("begun", {"call": "d"}),
            ),
            1,
        ),
        (
            "acked_queue_held.py:Log",
            lines(
                ("put", {"item": "a"}),
                ("get", {"item": "a"}),
                ("nack", {"item": "a"}),
                ("get", {"item": "a"}),
            ),
            0,
        ),
        (
            "acked_queue_held.py:Log",
            lines(
                ("put", {"item": "a"}),
                ("get", {"item": "a"}),
                ("ack", {"item": "a"}),
                ("nack", {"item": "a"}),
            ),
            1,
        ),
        (
            "limiter_held.py:Log",
            lines(
                ("ask", {"request": "large"}, {"waiting": []}),
                ("ask", {"request": "large"}, {"waiting": ["large"]}),
                ("second", {}, {"waiting": ["large"]}),
                ("ask", {"request": "1"}, {"waiting": ["1", "large"]}),
            ),
            0,
        ),
        (
            "limiter_held.py:Log",
            lines(
                ("ask", {"request": "large"}, {"waiting": []}),
                ("ask", {"request": "large"}, {"waiting": ["large"]}),
                ("second", {}, {"waiting": ["large"]}),
                ("ask", {"request": "1"}, {"waiting": ["large"]}),
            ),
            1,
        ),
    ],
)
def test_what_a_program_notes_of_them_is_followed(
    binding: str,
    run: str,
    status: int,
    checkout: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    trace = tmp_path / "run.ndjson"
    trace.write_text(run, encoding="utf-8")
    assert cli.run(["trace", f"{checkout}/examples/held/{binding}", str(trace)]) == status, (
        capsys.readouterr()
    )


def test_a_server_that_is_killed_and_clients_that_are_stopped(checkout: Path, tmp_path: Path) -> None:
    trace = tmp_path / "run.ndjson"
    held = checkout / "examples" / "held"
    program = [sys.executable, str(held / "lease_run.py"), str(trace), "--kills", "3", "--every", "20"]
    subprocess.run(program, cwd=tmp_path, check=True, timeout=300)
    events = [json.loads(line) for line in trace.read_text(encoding="utf-8").splitlines()]
    assert len(events) > 60
    assert sum(event["action"] == "started" for event in events) >= 4  # and once more, to read the log
    run = ratified("trace", held / "lease_held.py:Log", trace, cwd=tmp_path)
    assert run.returncode == 0, run.stdout
    assert run.stdout.splitlines()[0] == (
        f"HOLDS  run.ndjson: {len(events):,} events, each a step of LeaseService"
    )
    # A write, had it been accepted, under a token that nobody has:
    now = events[-1]["arguments"]["now"]
    write = {"action": "written", "arguments": {"client": "c0", "token": 1_000_000, "now": now}}
    with trace.open("a", encoding="utf-8") as file:
        file.write(json.dumps(write) + "\n")
    run = ratified("trace", held / "lease_held.py:Log", trace, cwd=tmp_path)
    assert run.returncode == 1
    assert f"the model does not explain event {len(events) + 1:,}" in " ".join(run.stdout.split())
    assert "== 1000000" in run.stdout


BROKEN = [
    (
        "the token is not compared",
        'if token < lease["seen"]:',
        "if False:",
    ),
    (
        "who had the lease has it after it is over",
        'lease["until"] > event["now"])',
        "True)",
    ),
    ("a token is given twice", 'lease["token"] += 1', 'lease["token"] = max(lease["token"], 1)'),
]


@pytest.mark.parametrize(("right", "wrong"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_a_broken_server_is_found(right: str, wrong: str, checkout: Path, tmp_path: Path) -> None:
    for file in ("lease_server.py", "lease_model.py", "lease_held.py"):
        text = (checkout / "examples" / "held" / file).read_text(encoding="utf-8")
        if file == "lease_server.py":
            assert text.count(right) == 1
            text = text.replace(right, wrong)
        (tmp_path / file).write_text(text, encoding="utf-8")
    run = ratified("conform", "lease_held.py:Service", "--size", "standard", "--walks", 0, cwd=tmp_path)
    assert run.returncode == 1, run.stdout + run.stderr
    assert run.stdout.startswith("VIOLATED  Service: does not conform to LeaseService")
