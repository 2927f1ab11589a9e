"""`ratified trace`: a lock server's log against its model; the reports to the byte; and whatever can be wrong with a file."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import re
import sys
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from ratified.cli import main as cli

Capture = pytest.CaptureFixture[str]

CHECKOUT = Path(__file__).resolve().parents[2]

FINE: list[dict[str, Any]] = [
    {
        "action": "acquire",
        "arguments": {"client": "anna", "token": 1},
        "variables": {"granted": "anna", "written": None},
    },
    {"action": "write", "arguments": {"client": "anna"}, "variables": {"granted": "anna", "written": 1}},
    {
        "action": "acquire",
        "arguments": {"client": "bert", "token": 2},
        "variables": {"granted": "bert", "written": 1},
    },
    {"action": "write", "arguments": {"client": "anna"}, "variables": {"granted": "bert", "written": 1}},
    {"action": "write", "arguments": {"client": "bert"}, "variables": {"granted": "bert", "written": 2}},
    {"action": "refuse", "arguments": {"client": "anna", "token": 1}},
    {"action": "release", "arguments": {"client": "bert"}, "variables": {"granted": None, "written": 2}},
]
STALE = {"action": "write", "arguments": {"client": "anna"}, "variables": {"granted": None, "written": 1}}


@pytest.fixture
def binding(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(checkout / "examples")
    return "examples/lock_binding.py:LockServer"


def said(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    status = cli.run(["trace", *arguments])
    out, err = capsys.readouterr()
    return status, re.sub(r"time     .*", "time     -", out).replace(f"{CHECKOUT}/", ""), err


def written(*events: dict[str, Any] | str, name: str = "run.ndjson") -> str:
    Path(name).write_text("".join((e if isinstance(e, str) else json.dumps(e)) + "\n" for e in events))
    return name


@pytest.mark.parametrize(("name", "events", "status"), [("fine", FINE, 0), ("stale", [*FINE, STALE], 1)])
def test_the_report(
    name: str,
    events: list[dict[str, Any]],
    status: int,
    binding: str,
    capsys: Capture,
    golden: Callable[[str, str], None],
) -> None:
    found, out, err = said(capsys, binding, written(*events))
    assert (found, err) == (status, "")
    assert max(map(len, out.splitlines())) <= 100
    golden(f"trace_{name}.txt", out)


def test_json(binding: str, capsys: Capture) -> None:
    status, out, _ = said(capsys, binding, written(*FINE, STALE), "--format", "json")
    told = json.loads(out)
    assert status == 1
    assert (told["verdict"], told["events"], told["actions"]) == (
        "violated",
        7,
        {"acquire": 2, "release": 1, "write": 3},
    )
    mismatch = told["mismatch"]
    assert (mismatch["event"], mismatch["line"], mismatch["blocked"][0]["step"]) == (8, 8, "write(c=c1)")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"action": "wri', "run.ndjson:2: the line is not JSON at column 16\n  was it cut?"),
        ("[1]", "run.ndjson:2: the line is not an object"),
        ('{"arguments": {}}', "run.ndjson:2: the event has no 'action'"),
        (
            '{"action": "write", "argument": {}}',
            "run.ndjson:2: the event has an unknown field 'argument'",
        ),
        ('{"action": "write", "arguments": []}', "run.ndjson:2: 'arguments' is [], not an object"),
        (
            '{"action": "write", "arguments": {}}',
            "run.ndjson:2: write has no 'client'\n  its arguments: client",
        ),
        ('{"action": "write", "arguments": {"client": 3}}', "run.ndjson:2: write has client = 3, not text"),
        (
            '{"action": "jump"}',
            "run.ndjson:2: LockServer has no handler for the event 'jump'\n  known events: acquire, refuse, ",
        ),
        (
            '{"action": "write", "arguments": {"client": "anna"}, "variables": {}}',
            "run.ndjson:2: write does not report the variable 'written'",
        ),
        (
            '{"action": "write", "arguments": {"client": "anna"}, "variables": {"written": "x", "granted": null}}',
            "run.ndjson:2: the variables of write cannot be interpreted",
        ),
        ('{"action": "write", "action": "write"}', "run.ndjson:2: an object has the key 'action' twice\n"),
        (
            '{"action": "write", "arguments": {"client": NaN}}',
            "run.ndjson:2: NaN is not a number\n",
        ),
        (
            '{"action": "acquire", "arguments": {"client": "b", "token": ' + "9" * 5000 + "}}",
            "run.ndjson:2: a number has too many digits\n",
        ),
        (
            '{"action": "acquire", "arguments": {"client": "b", "token": -3}}',
            "run.ndjson:2: the arguments of acquire cannot be interpreted: Token has no value number -3\n",
        ),
        ('{"action": "\\ud800"}', "run.ndjson:2: a text has half of a character that takes two\n"),
        ("[" * 100_000, "run.ndjson:2: the line is nested too deeply"),
    ],
)
def test_what_is_no_trace_is_refused_with_its_line(
    line: str, message: str, binding: str, capsys: Capture
) -> None:
    status, out, err = said(capsys, binding, written(FINE[0], line))
    assert (status, out) == (2, "")
    assert err.startswith(f"Error: {message}")


def test_events_out_of_order_do_not_conform(binding: str, capsys: Capture) -> None:
    assert said(capsys, binding, written(FINE[1], FINE[0]))[0] == 1


def test_a_cut_line_is_shown_with_a_caret(binding: str, capsys: Capture) -> None:
    _, _, err = said(capsys, binding, written(FINE[0], '{"action": "wri'))
    assert err.splitlines()[1:] == [
        "  was it cut? each line is one object",
        "",
        '    {"action": "wri',
        "                   ^",
    ]


def test_a_trace_that_ends_within_a_line_is_told_from_one_that_is_none(binding: str, capsys: Capture) -> None:
    path = written(FINE[0], FINE[1])
    Path(path).write_text(Path(path).read_text(encoding="utf-8")[:-3], encoding="utf-8")
    _, _, err = said(capsys, binding, path)
    assert err.startswith("Error: run.ndjson:2: the line is not JSON at column ")
    assert err.splitlines()[1] == (
        "  the trace ends within this line: leave it out (head -n -1), or wait for the rest with --follow"
    )


def test_traces_one_behind_the_other_and_of_another_system(
    binding: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    heading = '{"trace": "paxos", "nodes": ["n1", "n2", "n3"]}'
    path = written(FINE[0], heading, FINE[1])
    assert said(capsys, binding, path) == (
        2,
        "",
        "Error: run.ndjson:2: another trace begins here\n"
        "  a heading is the first line; give each trace as a file of its own\n",
    )
    path = written(heading, FINE[0])
    assert said(capsys, "raft", path) == (
        2,
        "",
        "Error: run.ndjson is a trace of paxos, not of raft\n  ratified trace paxos run.ndjson\n",
    )
    own = "from lock_binding import LockServer\n\nclass Own(LockServer):\n    system = 'locks'\n"
    Path("own.py").write_text(own)
    monkeypatch.syspath_prepend("examples")
    assert said(capsys, "own.py:Own", path) == (
        2,
        "",
        "Error: run.ndjson is a trace of paxos, not of locks\n"
        "  follow it with a binding of its own; 'locks' is the `system` of Own\n",
    )


def test_what_a_model_has_no_room_for_is_not_decided(binding: str, capsys: Capture) -> None:
    far = {"action": "acquire", "arguments": {"client": "b", "token": 10**20}}
    status, out, _ = said(
        capsys,
        binding,
        written(
            FINE[0],
            FINE[-1] | {"arguments": {"client": "anna"}, "variables": {"granted": None, "written": None}},
            far,
        ),
    )
    assert (status, out.partition("\n")[0]) == (
        3,
        "UNDECIDED  run.ndjson: after 2 events: the sizes in the binding are too small: acquire exceeds the last Token, t999",
    )


def test_what_would_command_a_terminal_is_told_and_not_sent(binding: str, capsys: Capture) -> None:
    event = {"action": "write", "arguments": {"client": "\x1b[31m"}}
    status, out, _ = said(capsys, binding, written(FINE[0], event))
    assert (status, "\x1b" in out, r"write(client=\x1b[31m)" in out) == (1, False, True)


@pytest.mark.parametrize(
    ("heading", "message"),
    [
        ({"nodes": 3}, "'nodes' are the names of the nodes, each once, not 3"),
        ({"nodes": []}, "'nodes' are the names of the nodes, each once, not []"),
        ({"nodes": ["a", "a"]}, '\'nodes\' are the names of the nodes, each once, not ["a", "a"]'),
        ({"nodes": ["a", "b"], "voters": ["z"]}, "'voters' are some of the nodes, each once, not [\"z\"]"),
    ],
)
def test_headings_that_make_no_sense(
    heading: dict[str, Any], message: str, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = said(capsys, "raft", written({"trace": "raft", **heading}, {"action": "start"}))
    assert (status, out, err) == (2, "", f"Error: run.ndjson:1: {message}\n")


MISTAKEN = {
    "def __init__(self): 1 / 0": "Mistaken.__init__ raises ZeroDivisionError: division by zero",
    "def begin(self, heading): heading['voters']": "Mistaken.begin raises KeyError: 'voters'",
    "def model(self): return Lock(Client=2)": "Mistaken.model raises NameError: name 'Lock' is not defined",
    "def steps(self, event): return stepz": "run.ndjson:1: acquire cannot be interpreted: NameError: name 'stepz' is not defined",
    "def on_acquire(self): assert False, 'no'": "run.ndjson:1: acquire cannot be interpreted: AssertionError: no",
    "def observe(self, node, variables): return 1 / 0": "run.ndjson:1: acquire cannot be interpreted: "
    "ZeroDivisionError: division by zero",
    "def on_acquire(self): return change('x', lambda m: 1 / 0)": "run.ndjson:1: the arguments of acquire cannot be interpreted: "
    "ZeroDivisionError: division by zero",
}


@pytest.mark.parametrize("method", MISTAKEN)
def test_whatever_a_binding_raises_is_told_at_its_line(method: str, binding: str, capsys: Capture) -> None:
    lines = [
        "from examples.lock_binding import LockServer",
        "from ratified import change",
        "class Mistaken(LockServer):",
        f"    {method}",
    ]
    Path("mistaken.py").write_text("\n".join(lines) + "\n")
    assert binding.endswith("LockServer")
    status, out, err = said(capsys, "mistaken.py:Mistaken", written(FINE[0]))
    assert (status, out) == (2, "")
    first, second, *_ = err.splitlines()
    assert first == f"Error: {MISTAKEN[method]}"
    assert second.startswith("  raised at mistaken.py:4:")


@pytest.mark.parametrize(("events", "status"), [(FINE, 0), ([*FINE, STALE], 1)])
def test_a_trace_may_come_through_a_pipe(
    events: list[dict[str, Any]], status: int, binding: str, tmp_path: Path, capsys: Capture
) -> None:
    """It is opened once: what was read of it cannot be read again."""
    heading = {"trace": "lock", "nodes": ["n1"]}
    text = "".join(f"{json.dumps(line)}\n" for line in (heading, *events))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(text,))
    writer.start()
    assert cli.run(["trace", binding, str(pipe)]) == status
    writer.join()
    word = {0: "HOLDS", 1: "VIOLATED"}[status]
    assert capsys.readouterr().out.startswith(f"{word}  pipe: {'after ' if status else ''}{len(FINE)} events")


def test_a_trace_may_come_through_standard_input(
    binding: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    out = ""
    for events, status, first in [
        (FINE, 0, "HOLDS  standard input: 7 events, each a step of FencedLock"),
        ([*FINE, STALE], 1, "VIOLATED  standard input: after 7 events, one that FencedLock does not allow"),
    ]:
        text = "".join(json.dumps(e) + "\n" for e in events)
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        found, out, _ = said(capsys, binding, "-")
        assert (found, out.partition("\n")[0]) == (status, first)
    assert "\nstandard input:8: the model does not explain event 8\n" in out


COMPRESSED: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd.compress,
}


@pytest.mark.parametrize("kind", COMPRESSED)
def test_a_trace_may_be_compressed(kind: str, binding: str, capsys: Capture) -> None:
    """Whatever its name is; and where it was cut, what is left is no trace that holds."""
    text = "".join(json.dumps(e) + "\n" for e in [*FINE, STALE]).encode()
    data = COMPRESSED[kind](text)
    Path("run").write_bytes(data)
    status, out, _ = said(capsys, binding, "run")
    assert (status, out.partition("\n")[0]) == (
        1,
        "VIOLATED  run: after 7 events, one that FencedLock does not allow",
    )
    Path("cut").write_bytes(data[: len(data) // 2])
    status, out, err = said(capsys, binding, "cut")
    assert (status, out) == (2, "")
    assert err.startswith("Error: cut cannot be decompressed: ")
    assert err.endswith("\n  was it cut?\n")


def test_a_compression_that_cannot_be_read_here_is_told(
    binding: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    for missing in ("backports.zstd", "compression.zstd"):
        monkeypatch.setitem(sys.modules, missing, None)
    Path("run.zst").write_bytes(COMPRESSED["zstd"](b"{}"))
    status, _, err = said(capsys, binding, "run.zst")
    assert (status, err) == (
        2,
        "Error: run.zst is compressed by zstd, which this Python cannot read\n"
        "  pip install backports.zstd, or zstd -dc run.zst | ratified trace BINDING -\n",
    )


def test_a_file_that_is_not_what_it_begins_like_is_told(binding: str, capsys: Capture) -> None:
    Path("run.zst").write_bytes(b"\x28\xb5\x2f\xfd and so on")
    status, out, err = said(capsys, binding, "run.zst")
    assert (status, out) == (2, "")
    assert err.startswith("Error: run.zst cannot be decompressed: ")


def _zipped() -> Callable[[bytes], bytes]:
    """What a writer that compresses has written once it flushes."""
    by = zlib.compressobj(wbits=31)
    return lambda piece: by.compress(piece) + by.flush(zlib.Z_SYNC_FLUSH)


@pytest.mark.parametrize(("last", "status"), [(FINE[-1], 0), (STALE, 1)])
@pytest.mark.parametrize("written_by", [lambda: bytes, _zipped], ids=["plain", "gz"])
def test_a_trace_that_is_still_being_written_is_followed(
    written_by: Callable[[], Callable[[bytes], bytes]],
    last: dict[str, Any],
    status: int,
    binding: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    """To where somebody interrupts it; a line that has no end yet is none."""
    whole = "".join(json.dumps(e) + "\n" for e in [*FINE[:-1], last])
    pieces = [whole[40:200], whole[200:], '{"action": "wri']
    write = written_by()
    Path("run.ndjson").write_bytes(write(whole[:40].encode()))

    def more(seconds: float) -> None:
        assert seconds > 0
        if not pieces:
            raise KeyboardInterrupt
        with Path("run.ndjson").open("ab") as file:
            file.write(write(pieces.pop(0).encode()))

    monkeypatch.setattr("ratified.cli.commands.trace.time.sleep", more)
    found, out, err = said(capsys, binding, "run.ndjson", "--follow")
    assert (found, err) == (status, "")
    assert out.startswith(("HOLDS  run.ndjson: 7 events", "VIOLATED  run.ndjson: after 6 events")[status])


def test_files_that_are_none(binding: str, capsys: Capture) -> None:
    status, _, err = said(capsys, binding, written())
    assert (status, err) == (2, 'Error: run.ndjson has no events\n  each line is an event: {"action": ...}\n')
    status, _, err = said(capsys, binding, "none.ndjson")
    assert (status, err) == (2, "Error: none.ndjson cannot be read: No such file or directory\n")
    Path("bytes").write_bytes(b"\xff\xfe\n")
    status, _, err = said(capsys, binding, "bytes")
    assert (status, err) == (2, "Error: bytes:1: the line is not UTF-8 text\n")
    Path("long").write_bytes(b"x" * (5 << 20))
    status, _, err = said(capsys, binding, "long")
    assert (status, err) == (
        2,
        "Error: long:1: the line is longer than 4,194,304 bytes\n  one event a line\n",
    )


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--events", "3"], "after 3 events: stopped after 3 events"),
        (["--seconds", "0"], "after 0 events: stopped after 0 seconds"),
        (["--states", "1"], "after 1 event: more than 1 states could explain what was observed"),
    ],
)
def test_where_a_bound_ends_it_nothing_is_claimed(
    options: list[str], why: str, binding: str, capsys: Capture
) -> None:
    status, out, _ = said(capsys, binding, written(*FINE), *options)
    assert status == 3
    assert out.partition("\n")[0] == f"UNDECIDED  run.ndjson: {why}"


def test_a_server_without_unobserved_steps_needs_them(binding: str, capsys: Capture) -> None:
    assert said(capsys, binding, written(*FINE), "--unobserved", "0")[0] == 1


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("zab", "there is no binding 'zab'\n  bundled: "),
        (
            "examples/lock_binding.py:Lock",
            "examples/lock_binding.py has no class `Lock`\n  it has LockServer\n",
        ),
        ("examples/lock_service.py:Lock", "Lock is not a binding\n  derive it from "),
    ],
)
def test_bindings_that_are_none(target: str, message: str, binding: str, capsys: Capture) -> None:
    status, _, err = said(capsys, target, written(*FINE))
    assert status == 2
    assert err.startswith(f"Error: {message}")
