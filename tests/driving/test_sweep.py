"""Every mistake of a module is put to a driver; what nobody notices is told with its line."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ratified.cli.main import run
from ratified.conform.driving.sweep import DrivingAnswer, MutantOutcome, mistakes, planted, sweep
from ratified.results.result import Verdict
from tests.driving.systems import passing_once

SOURCE = '''\
"""What is mistaken."""

import os
from typing import Final

LIMIT: Final = 3
__all__ = ["Gate"]


class Gate:
    """Lets some in."""

    count: int
    share = 0.5

    def __init__(self, most: int = LIMIT) -> None:
        """Begin."""
        self.count = 0

    async def enter(self, who: str, when: int) -> bool:
        while self.count < LIMIT and who not in self.names:
            self.note(when, who)
        if who:
            raise ValueError(f"no {who} {LIMIT + 1}")
        return True


if __name__ == "__main__":
    print(Gate(1, 2))
'''

MISTAKES = [
    "6: without LIMIT: Final = 3",
    "6: 3 becomes 4",
    "6: 3 becomes 2",
    "14: without share = 0.5",
    "14: 0.5 becomes 1.5",
    "18: without self.count = 0",
    "18: 0 becomes 1",
    "18: 0 becomes -1",
    "21: while self.count < LIMIT and who not in self.names becomes while False",
    "21: while self.count < LIMIT and who not in self.names becomes while True",
    "21: self.count < LIMIT and who not in self.names becomes self.count < LIMIT or who not in self.names",
    "21: self.count < LIMIT becomes self.count <= LIMIT",
    "21: self.count < LIMIT becomes self.count >= LIMIT",
    "21: who not in self.names becomes who in self.names",
    "22: without self.note(when, who)",
    "22: self.note(when, who) becomes self.note(who, when)",
    "23: if who becomes if False",
    "23: if who becomes if True",
    "24: without raise ValueError",
    "25: without return True",
    "25: True becomes False",
]


def test_every_mistake_that_there_is_a_rule_for() -> None:
    found = mistakes(SOURCE)
    assert sorted(f"{m.line}: {m.what}" for m in found) == sorted(MISTAKES)
    assert [m.line for m in found] == sorted(m.line for m in found)
    for mistake in found:
        planted(SOURCE, mistake, "gate.py")


SERVER = """\
class Server:
    def __init__(self):
        self.count = 0

    def up(self):
        if self.count < 3:
            self.count += 1
            return True
        return False

    def unused(self):
        return 1
"""


def counted() -> DrivingAnswer:
    """Drive the server by hand: it counts to three."""
    from server_that_is_swept import Server  # type: ignore[import-not-found]  # the module of the test

    server = Server()
    seen = [(server.up(), server.count) for _ in range(4)]
    holds = seen == [(True, 1), (True, 2), (True, 3), (False, 3)]
    return DrivingAnswer((Verdict.HOLDS if holds else Verdict.VIOLATED).value, repr(seen))


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    file = tmp_path / "server_that_is_swept.py"
    file.write_text(SERVER)
    return file


def test_mistakes_are_caught_and_lines_that_are_never_run_are_told_apart(server: Path) -> None:
    swept = sweep(server, counted, jobs=2)
    outcomes = {f"{t.mistake.line}: {t.mistake.what}": t.outcome for t in swept.tried}
    assert {what for what, outcome in outcomes.items() if outcome is MutantOutcome.NOT_RUN} == {
        "12: without return 1",
        "12: 1 becomes 2",
        "12: 1 becomes 0",
    }
    assert {outcome for what, outcome in outcomes.items() if not what.startswith("12")} == {
        MutantOutcome.CAUGHT
    }
    assert (swept.caught, len(swept.tried), swept.verdict) == (
        len(outcomes) - 3,
        len(outcomes),
        Verdict.VIOLATED,
    )
    assert sweep(server, counted).tried == swept.tried
    assert "server_that_is_swept" not in sys.modules


def test_some_are_drawn_of_those_that_are_run(server: Path) -> None:
    every = [
        t.mistake for t in sweep(server, counted, jobs=2).tried if t.outcome is not MutantOutcome.NOT_RUN
    ]
    swept = sweep(server, counted, sample=3, seed=1)
    drawn = [t.mistake for t in swept.tried]
    assert len(drawn) == 3
    assert set(drawn) < set(every)
    assert drawn == sorted(drawn, key=every.index)
    assert [t.mistake for t in sweep(server, counted, sample=3, seed=1).tried] == drawn
    assert (swept.caught, swept.drawn_of, swept.verdict) == (3, len(every), Verdict.UNDECIDED)
    assert (
        sweep(server, counted, sample=1_000).verdict is Verdict.HOLDS
    )  # of those that are run all were drawn


def test_what_nobody_looks_at_survives(server: Path) -> None:
    def careless() -> DrivingAnswer:
        from server_that_is_swept import Server

        Server().up()
        return DrivingAnswer(Verdict.HOLDS.value)

    swept = sweep(server, careless)
    survivors = [t.mistake.what for t in swept.survivors if t.outcome is MutantOutcome.SURVIVED]
    assert "self.count < 3 becomes self.count <= 3" in survivors
    assert {t.outcome for t in swept.tried} == {
        MutantOutcome.SURVIVED,
        MutantOutcome.NOT_RUN,
        MutantOutcome.CAUGHT,
    }


def test_a_mutant_that_ends_its_process_or_hangs_is_caught(server: Path) -> None:
    def ending() -> DrivingAnswer:
        from server_that_is_swept import Server

        server = Server()
        if not server.up():
            os._exit(3)
        while server.count != 1:
            endless.touch()
        return DrivingAnswer(Verdict.HOLDS.value)

    def next_one(_: int, __: int) -> None:
        endless.unlink(missing_ok=True)

    endless = server.with_name("endless")
    swept = sweep(server, ending, within=0.5, told=next_one, clock=passing_once(endless.exists))
    outcomes = {t.mistake.what: t.outcome for t in swept.tried}
    assert outcomes["True becomes False"] is MutantOutcome.ENDED
    assert outcomes["without self.count += 1"] is MutantOutcome.SLOW


def test_a_loop_of_a_mutant_that_does_not_end_is_ended_without_waiting(server: Path) -> None:
    server.write_text("def down(n):\n    while n > 0:\n        n -= 1\n    return n\n")

    def driven() -> DrivingAnswer:
        from server_that_is_swept import down

        return DrivingAnswer((Verdict.HOLDS if down(3) == 0 else Verdict.VIOLATED).value)

    tried = {t.mistake.what: t for t in sweep(server, driven).tried}
    assert tried["without n -= 1"].outcome is MutantOutcome.CAUGHT
    assert tried["without n -= 1"].by == "EndlessError: a loop did not end after 1,000,000 turns"


def test_the_report(
    capsys: pytest.CaptureFixture[str],
    golden: Callable[[str, str], None],
    tmp_path: Path,
    checkout: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("lock_driver.py", "lock_server.py", "lock_service.py"):
        shutil.copy(checkout / "examples" / name, tmp_path)
    # What other tests have imported of the examples is not what is driven here.
    monkeypatch.setattr(sys, "path", [p for p in sys.path if not Path(p, "lock_server.py").exists()])
    for name in ("lock_server", "lock_service"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.chdir(tmp_path)
    command = ["mutants", "lock_driver.py:Locks", "Client=2", "--sweep", "lock_server.py", "--walks", "2"]
    assert run(command) == 0
    assert capsys.readouterr().out.startswith("HOLDS  lock_server.py: 17 of 17 mistakes caught, 100.0 %\n")
    driver = tmp_path / "lock_driver.py"
    driver.write_text(driver.read_text().replace("    refuses = True", "    refuses = False"))
    assert run(command) == 1
    text = capsys.readouterr().out
    golden("sweep.txt", text[: text.index("time  ")])
    assert run([*command, "--format", "json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["schema"], report["mistakes"], report["caught"]) == ("ratified-sweep/1", 17, 15)
    assert [t["line"] for t in report["tried"] if t["outcome"] == "survived"] == [15, 22]
