"""Histories in files: what they say, and what is wrong with them, with its line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ratified.follow.linearizability import UNKNOWN, HistoryError, HistoryRecorder, Operation, read_history
from ratified.follow.linearizability.history import HistoryTooLong, freeze

CALL = '{"process": 0, "type": "invoke", "f": "read"}'
OK = '{"process": 0, "type": "ok", "f": "read", "value": 1}'


def written(folder: Path, *lines: str | bytes) -> Path:
    file = folder / "h.ndjson"
    file.write_bytes(b"".join((x if isinstance(x, bytes) else x.encode()) + b"\n" for x in lines))
    return file


def test_what_a_file_says(tmp_path: Path) -> None:
    events = [
        {"process": 0, "type": "invoke", "f": "put", "key": "x", "value": [1, {"a": 2}], "time": 17},
        {"process": "b", "type": "invoke", "f": "get", "key": "x"},
        {"process": 0, "type": "fail", "f": "put"},
        {"process": "b", "type": "ok", "f": "get", "key": "x", "value": None},
        {"process": 0, "type": "invoke", "f": "get", "key": "y"},
        {"process": 0, "type": "info", "f": "get", "error": "timeout"},
        {"process": 0, "type": "invoke", "f": "put", "key": ["a", 1], "value": 3},
    ]
    history = read_history(
        written(tmp_path, *(json.dumps(e) for e in events[:4]), "", *map(json.dumps, events[4:]))
    )
    assert history.operations == (
        Operation("b", "get", None, None, 1, 3, "x"),
        Operation(0, "get", None, UNKNOWN, 4, None, "y"),
        Operation(0, "put", 3, UNKNOWN, 6, None, ("a", 1)),
    )
    assert (history.line(3), history.line(4)) == (4, 6)


@pytest.mark.parametrize(
    ("lines", "line", "message"),
    [
        ([CALL, OK[:20]], 2, "the line is not JSON at column 21\n  was it cut? each line is one object"),
        ([CALL, b"\xff\xfe"], 2, "the line is not UTF-8 text"),
        ([CALL, "[" * 100_000], 2, "the line is not JSON"),
        ([CALL, "[1, 2]"], 2, "the line is not an object"),
        ([OK], 1, "process 0 has no operation to end"),
        ([CALL, CALL], 2, "process 0 calls read before its read has returned"),
        ([CALL, OK, OK], 3, "process 0 has no operation to end"),
        ([CALL, OK.replace("read", "write")], 2, "process 0 ends write, but it had called read"),
        ([CALL, OK.replace('"value"', '"key"')], 2, "process 0 ends read of 1, but it had called read"),
        ([CALL.replace("invoke", "call")], 1, "'call' is not a type of event"),
        (['{"process": 0, "type": "invoke"}'], 1, "the event has no 'f'"),
        (['{"type": "invoke", "f": "read"}'], 1, "the event has no 'process'"),
        ([CALL.replace("0", "true")], 1, "'process' is true, not a number or text"),
        ([CALL.replace('"read"', "3")], 1, "'f' is 3, not text"),
        ([CALL.replace("0", '0, "process": 1')], 1, "an object has the key 'process' twice"),
        ([CALL, OK.replace('"type"', '"value": NaN, "type"')], 2, "NaN is no value of JSON"),
        (
            ['{"process": "nemesis", "type": "ok", "f": "start"}'],
            1,
            "process nemesis has no operation to end",
        ),
        ([CALL, '"' + "x" * (1 << 20) + '"'], 2, "the line is longer than 1,048,576 bytes"),
    ],
)
def test_what_is_no_history_is_refused_with_its_line(
    lines: list[str | bytes], line: int, message: str, tmp_path: Path
) -> None:
    file = written(tmp_path, *lines)
    with pytest.raises(HistoryError) as raised:
        read_history(file)
    assert str(raised.value).startswith(f"{file}:{line}: {message}")


def test_an_empty_file_and_one_that_is_not_there(tmp_path: Path) -> None:
    assert read_history(written(tmp_path)).operations == ()
    with pytest.raises(HistoryError, match=r"none cannot be read: No such file or directory$"):
        read_history(tmp_path / "none")


def test_what_the_nemesis_does_is_read_over(tmp_path: Path) -> None:
    nemesis = '{"process": "nemesis", "type": "info", "f": "partition", "value": null}'
    history = read_history(written(tmp_path, nemesis, CALL, nemesis, OK))
    assert [(o.function, o.call, o.end, history.line(o.call)) for o in history.operations] == [
        ("read", 0, 1, 2)
    ]


def test_an_object_is_no_list_of_its_pairs() -> None:
    same = freeze({"a": [1], "b": None})
    assert same == freeze({"b": None, "a": (1,)})
    assert hash(same) == hash(freeze({"b": None, "a": [1]}))
    assert same != freeze([["a", [1]], ["b", None]])
    assert freeze([["a", [1]], ["b", None]]) != same
    assert str(same) == "{'a': (1,), 'b': None}"


def test_more_operations_than_are_kept(tmp_path: Path) -> None:
    file = written(tmp_path, CALL, OK, CALL, OK)
    assert len(read_history(file, most=2).operations) == 2
    with pytest.raises(HistoryTooLong, match=r"h\.ndjson:3: more than 1 operations\n"):
        read_history(file, most=1)


def test_a_process_has_one_operation_at_a_time() -> None:
    recorder = HistoryRecorder()
    recorder.call(1, "read")
    with pytest.raises(HistoryError, match="process 1 calls write before its read has returned"):
        recorder.call(1, "write", 2)
    recorder.lose(1)
    recorder.call(1, "write", 2)
    assert [o.pending for o in recorder.history().operations] == [True, True]
