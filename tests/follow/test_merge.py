"""Traces of several nodes merged by clocks: what a clock orders stays so, and what it does not is tried in every order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ratified.cli import main as cli

BINDING = '''
from typing import Annotated

from ratified import Binding, Model, Param, Range, action, require, do


class Turns(Model):
    """A number that may go up only from an even one by a, and from an odd one by b."""

    most: Param[int] = 100
    count: Annotated[int, Range(0, "most")]

    @action
    def a(self) -> None:
        """From an even number."""
        require(self.count % 2 == 0)
        self.count += 1

    @action
    def b(self) -> None:
        """From an odd one."""
        require(self.count % 2 == 1)
        self.count += 1


class Both(Binding):
    def model(self):
        return Turns()

    def on_a(self):
        return do("a")

    def on_b(self):
        return do("b")


class Twice(Both):
    duplicated = 2


class Loose(Both):
    reordered = 1
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("turns.py").write_text(BINDING, encoding="utf-8")
    return tmp_path


def written(name: str, *stamped: tuple[str, Any]) -> None:
    lines = [json.dumps({"action": a} if at is None else {"action": a, "at": at}) for a, at in stamped]
    Path(name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def traced(
    capsys: pytest.CaptureFixture[str], *arguments: str, binding: str = "Both"
) -> tuple[int, str, str]:
    status = cli.run(["trace", f"turns.py:{binding}", *arguments])
    out, err = capsys.readouterr()
    return status, out, err


@pytest.mark.parametrize(
    ("clock", "n1", "n2", "status"),
    [
        # Nothing is known of the order: there is one that the model allows.
        ("vector:at", [{"1": 1}, {"1": 2}], [{"2": 1}, {"2": 2}], 0),
        # The second b is known to have come before the second a: there is such an order, too.
        ("vector:at", [{"1": 1}, {"1": 2, "2": 1}], [{"2": 1}, {"2": 2}], 0),
        # Both a come before the first b.
        ("vector:at", [{"1": 1}, {"1": 2}], [{"1": 2, "2": 1}, {"1": 2, "2": 2}], 1),
        ("hlc:at", [[1, 0], [2, 0]], [[1, 1], [2, 1]], 0),
        ("hlc:at", [[1, 0], [1, 1]], [[1, 2], [2, 0]], 1),
        ("hlc:at", [[1, 0], [2, 0]], [[1, 0], [2, 0]], 0),  # equal stamps order nothing
        ("wall:at", [0.0, 0.001], [0.002, 0.003], 0),
        ("wall:at", [0.0, 0.001], [0.1, 0.2], 1),
        ("wall:at:ms", [0, 1], [2, 3], 0),
        ("wall:at", ["2024-01-01T00:00:00Z", "2024-01-01T00:00:02Z"], ["2024-01-01T00:00:01Z", "2024-01-01T00:00:03Z"], 0),
    ],
)  # fmt: skip
def test_an_order_that_is_open_is_not_held_against_a_system(
    clock: str, n1: list[Any], n2: list[Any], status: int, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written("n1.ndjson", *(("a", at) for at in n1))
    written("n2.ndjson", *(("b", at) for at in n2))
    error = ["--error", "5ms"] if clock.startswith("wall") else []
    out = ""
    for files in (["n1.ndjson", "n2.ndjson"], ["n2.ndjson", "n1.ndjson"]):
        found, out, err = traced(capsys, *files, "--clock", clock, *error)
        assert (found, err) == (status, ""), out
    assert ("VIOLATED  n2.ndjson + n1.ndjson: after 1 event" in out) is (status == 1)


def test_the_order_within_a_file_is_kept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written("n1.ndjson", ("b", {"1": 1}), ("a", {"1": 2}))
    written("n2.ndjson", ("a", {"2": 1}), ("b", {"2": 2}))
    assert traced(capsys, "n1.ndjson", "n2.ndjson", "--clock", "vector:at")[0] == 0
    written("n2.ndjson")
    assert traced(capsys, "n1.ndjson", "n2.ndjson", "--clock", "vector:at")[0] == 1


def test_a_mismatch_names_its_file_and_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written("n1.ndjson", ("a", 1), ("a", 7))
    written("n2.ndjson", ("b", 3), ("b", 5))
    status, out, _ = traced(capsys, "n1.ndjson", "n2.ndjson", "--clock", "wall:at", "--error", "0s")
    assert status == 1
    assert "\nn2.ndjson:2: the model does not explain event 3\n" in out
    assert "\norders   at most 1 orders of the events so far were considered at once\n" in out


def test_where_orders_were_left_out_nothing_is_blamed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written("n1.ndjson", *(("a", {"1": n}) for n in range(1, 6)))
    written("n2.ndjson", *(("b", {"2": n}) for n in range(1, 6)))
    written("n3.ndjson", *(("b", {"3": n}) for n in range(1, 6)))
    files = ["n1.ndjson", "n2.ndjson", "n3.ndjson", "--clock", "vector:at"]
    status, out, _ = traced(capsys, *files)
    assert status == 1, out
    status, out, _ = traced(capsys, *files, "--orders", "2")
    assert status == 3
    assert "none of the 2 orders tried explains it, and there are more" in out


def test_events_that_are_told_twice_or_late(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written("run.ndjson", ("a", None), ("a", None), ("b", None))
    assert traced(capsys, "run.ndjson")[0] == 1
    assert traced(capsys, "run.ndjson", binding="Twice")[0] == 0
    written("run.ndjson", ("b", None), ("a", None), ("a", None))
    assert traced(capsys, "run.ndjson")[0] == 1
    assert traced(capsys, "run.ndjson", binding="Loose")[0] == 0
    written("run.ndjson", ("b", None), ("b", None), ("a", None), ("a", None))
    assert traced(capsys, "run.ndjson", binding="Loose")[0] == 1  # the a would be two places late


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--clock", "wall:at", "--error", "5ms"],
            "n1.ndjson:2: the clock 'at' runs backwards\n  each file is of one node, in the order in which it "
            "happened there; --error says how far clocks may be off\n",
        ),
        (
            ["--clock", "wall:then", "--error", "5ms"],
            "n1.ndjson:1: the event has an unknown field 'at'\n  it may have node, action, arguments, variables, certain; "
            "anything else goes into `arguments`, or --clock names it\n",
        ),
        (
            ["--clock", "vector:at"],
            "n1.ndjson:1: the clock 'at' is 3, not an object of counts: {\"n1\": 3, \"n2\": 1}\n",
        ),
        (["--clock", "hlc:at"], "n1.ndjson:1: the clock 'at' is 3, not a list of a time and a counter: [1700000000000, 2]\n"),
        (
            ["--clock", "wall:at"],
            "wall clocks need --error, the most that they may be off\n  --error 5ms, or --error 0s if they agree\n",
        ),
        (["--clock", "sun:at"], "'sun:at' is not a clock\n  vector:FIELD, hlc:FIELD, wall:FIELD, or wall:FIELD:ms\n"),
        (["--clock", "wall:at:h", "--error", "5ms"], "'h' is not a unit of time\n  units are s, ms, us, ns\n"),
        (["--clock", "wall:at", "--error", "5"], "'5' is not a duration\n  write 5ms, 0.5s, 200us\n"),
        (["--clock", "hlc:at", "--error", "5ms"], "--error is for wall clocks, not for hlc\n"),
    ],
)  # fmt: skip
def test_clocks_that_make_no_sense(
    arguments: list[str], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written("n1.ndjson", ("a", 3), ("a", 1))
    written("n2.ndjson", ("b", 2))
    assert traced(capsys, "n1.ndjson", "n2.ndjson", *arguments) == (2, "", f"Error: {message}")


def test_an_event_without_a_clock(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written("n1.ndjson", ("a", None))
    assert traced(capsys, "n1.ndjson", "n1.ndjson", "--clock", "hlc:at") == (
        2,
        "",
        "Error: n1.ndjson:1: the event has no clock 'at'\n"
        "  it may be a field of the event, of its arguments, or of its variables\n",
    )
