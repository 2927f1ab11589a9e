"""Real servers that are killed, paused and slowed, with several policies in one run: nothing twice, nothing lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "services_faults.py"


@pytest.mark.parametrize("by", ["http", "grpc"])
def test_nothing_is_applied_twice_and_nothing_that_was_acknowledged_is_lost(by: str) -> None:
    policies = ("one attempt", "retry, eject", "hedge reads")
    arguments = [word for policy in policies for word in ("--policy", policy)]
    done = subprocess.run(
        [sys.executable, SCRIPT, "--requests", "60", "--clients", "4", "--by", by, "--json", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    rows = json.loads(done.stdout)
    assert [(row["by"], row["policy"], row["requests"]) for row in rows] == [(by, p, 60) for p in policies]
    assert [(row["twice"], row["lost"]) for row in rows] == [(0, 0)] * 3
    # Whatever the machine does: in turn, attempts go to the server that is killed and to the one that is paused, and none of
    # those is answered; with one attempt that is the end of the request.
    first = rows[0]
    assert first["attempts"] == 60
    assert first["failures"]["a"]
    assert first["failures"]["b"]["timed out"]
    assert first["succeeded"] == 60 - sum(sum(kinds.values()) for kinds in first["failures"].values())


def test_too_few_requests_are_refused() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--requests", "3"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("error: there are 20 requests or more, and 1 client or more\n")
