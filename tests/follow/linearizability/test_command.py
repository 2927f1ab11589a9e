"""`ratified linearizable`: the report, the picture, the exit status, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ratified.cli import main as cli
from tests.follow.linearizability.test_check import busy

Capture = pytest.CaptureFixture[str]

STALE = """\
{"process": 0, "type": "invoke", "f": "put", "key": "x", "value": 1}
{"process": 0, "type": "ok", "f": "put", "key": "x", "value": 1}
{"process": 1, "type": "invoke", "f": "put", "key": "x", "value": 2}
{"process": 0, "type": "invoke", "f": "get", "key": "x"}
{"process": 3, "type": "invoke", "f": "get", "key": "y"}
{"process": 0, "type": "ok", "f": "get", "key": "x", "value": 2}
{"process": 2, "type": "invoke", "f": "get", "key": "x"}
{"process": 1, "type": "info", "f": "put", "key": "x"}
{"process": 2, "type": "ok", "f": "get", "key": "x", "value": 1}
{"process": 0, "type": "invoke", "f": "get", "key": "x"}
{"process": 0, "type": "ok", "f": "get", "key": "x", "value": 2}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stale.ndjson").write_text(STALE)
    (tmp_path / "fine.ndjson").write_text("".join(STALE.splitlines(keepends=True)[:6]))
    return tmp_path


def said(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    status = cli.run(["linearizable", *arguments])
    out, err = capsys.readouterr()
    return status, re.sub(r"(time +)\S+ s", r"\1- s", out), err


def test_the_report_and_the_picture(
    folder: Path, capsys: Capture, golden: Callable[[str, str], None]
) -> None:
    status, out, err = said(capsys, "stale.ndjson", "--html", "why.html")
    assert (status, err) == (1, "")
    golden("stale.txt", out)
    golden("stale.html", (folder / "why.html").read_text())


def test_what_holds(folder: Path, capsys: Capture) -> None:
    status, out, err = said(capsys, "fine.ndjson", "--html", "why.html")
    assert (status, err) == (0, "")
    assert out == (
        "HOLDS  4 operations: linearizable\n\n"
        "history     fine.ndjson\n"
        "operations  4, 2 of them pending\n"
        "parts       2\n"
        "searched    3 configurations\n"
        "time        - s\n"
    )
    assert not (folder / "why.html").exists()


def test_json(capsys: Capture) -> None:
    status, out, _ = said(capsys, "stale.ndjson", "--format", "json")
    told = json.loads(out)
    del told["seconds"]
    assert status == 1
    assert told == {
        "schema": "ratified-linearizable/1",
        "verdict": "violated",
        "history": "stale.ndjson",
        "operations": 6,
        "parts": 2,
        "configurations": told["configurations"],
        "stopped": None,
        "failure": {
            "key": "x",
            "process": 2,
            "operation": 'get("x") -> 1',
            "events_before": 8,
            "line": 9,
            "exact": True,
            "states": [2],
            "order": ['put("x", 1) -> 1', 'put("x", 2)', 'get("x") -> 2'],
        },
    }


def test_nothing_in_a_history_becomes_markup(folder: Path, capsys: Capture) -> None:
    (folder / "evil.ndjson").write_text(STALE.replace('"x"', '"<script>alert(1)</script>"'))
    assert said(capsys, "evil.ndjson", "--html", "why.html")[0] == 1
    assert "<script" not in (folder / "why.html").read_text()


def test_of_a_long_history_what_matters_is_drawn(folder: Path, capsys: Capture) -> None:
    lines = []
    for o in busy(1, 2_000, clients=5, keys=1):
        event = {"process": o.process, "f": o.function, "key": o.key}
        lines.append((o.call, {**event, "type": "invoke", "value": o.argument}))
        lines.append((o.end or 0, {**event, "type": "ok", "value": o.result}))
    at = next(i for i, (_, e) in enumerate(lines) if i > 3_000 and e["f"] == "get" and e["type"] == "ok")
    lines[at][1]["value"] = "never written"
    (folder / "long.ndjson").write_text(
        "".join(json.dumps(e) + "\n" for _, e in sorted(lines, key=lambda x: x[0]))
    )
    status, out, _ = said(capsys, "long.ndjson", "--html", "why.html")
    assert status == 1
    assert '-> "never written" of process' in out
    page = (folder / "why.html").read_text()
    assert page.count("<rect") == 60
    assert page.count('class="bad"') == 1
    assert re.search(r"<p>1,\d\d\d earlier operations are not drawn\.</p>", page)


COUNTER = """
from ratified.follow.linearizability import UNKNOWN


class Counter:
    functions = ("add", "read")

    def initial(self):
        return 0

    def part(self, operation):
        return None

    def step(self, state, operation):
        if operation.function == "add":
            return (state + operation.argument,)
        return (state,) if operation.result in (UNKNOWN, state) else ()


class Other:
    pass
"""


@pytest.mark.parametrize(("answer", "status"), [(3, 0), (2, 1)])
def test_a_model_of_ones_own(answer: int, status: int, folder: Path, capsys: Capture) -> None:
    (folder / "mine.py").write_text(COUNTER)
    lines = []
    for f, value, result in [("add", 1, None), ("add", 2, None), ("read", None, answer)]:
        lines.append(json.dumps({"process": 0, "type": "invoke", "f": f, "value": value}))
        lines.append(json.dumps({"process": 0, "type": "ok", "f": f, "value": result}))
    (folder / "adds.ndjson").write_text("\n".join(lines))
    assert said(capsys, "adds.ndjson", "--model", "mine.py:Counter")[0] == status


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["none.ndjson"], 2, "Error: none.ndjson cannot be read: No such file or directory\n"),
        (
            ["stale.ndjson", "--model", "kw"],
            2,
            "Error: there is no model 'kw'\n  the models are register, kv, queue, lock, list, set, counter;",
        ),
        (
            ["stale.ndjson", "--model", "queue"],
            2,
            "Error: stale.ndjson:1: Queue has no operation 'put'\n  it has enqueue, ",
        ),
        (["stale.ndjson", "--model", "queue", "--initial", "1"], 2, "Error: a queue has no initial value\n"),
        (["stale.ndjson", "--model", "register", "--initial", "{"], 2, "Error: --initial { is not JSON\n"),
        (
            ["stale.ndjson", "--html", "no/why.html"],
            2,
            "Error: no/why.html cannot be written: there is no folder no\n",
        ),
        (
            ["stale.ndjson", "--model", "mine.py:Other"],
            2,
            "Error: Other is not a sequential model: it has no `functions`\n",
        ),
        (
            ["stale.ndjson", "--model", "mine.py:Counte"],
            2,
            "Error: mine.py has no class `Counte`\n  it has Counter, Other\n",
        ),
        (["nokey.ndjson"], 2, "Error: nokey.ndjson:1: get() -> 1 has no key\n"),
    ],
)
def test_what_is_refused(arguments: list[str], status: int, told: str, folder: Path, capsys: Capture) -> None:
    (folder / "mine.py").write_text(COUNTER)
    (folder / "nokey.ndjson").write_text(
        '{"process": 0, "type": "invoke", "f": "get"}\n{"process": 0, "type": "ok", "f": "get", "value": 1}\n'
    )
    found, out, err = said(capsys, *arguments)
    assert (found, out) == (status, "")
    assert err.startswith(told)


def test_what_is_too_much_is_undecided(capsys: Capture) -> None:
    status, out, err = said(capsys, "stale.ndjson", "--operations", "2")
    assert (status, err) == (3, "")
    assert out == "UNDECIDED  stale.ndjson:4: more than 2 operations\n  --operations N keeps more\n"
