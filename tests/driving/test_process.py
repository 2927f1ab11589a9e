"""A process is driven in lines of JSON; whatever it does wrong is one message, and nothing that it started is left."""

from __future__ import annotations

import json
import os
import select
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import ratified.conform.driving
from ratified import Limits, ProcessDriver, Verdict, drive
from ratified.conform.driving.process import Child, ProcessError
from ratified.conformance.drive.locks import Locks as Waiting
from tests.driving.systems import Client, Lock, passing_once

NODE = Path(__file__).parent / "node.py"
SERVICE = Path(__file__).parents[2] / "conformance" / "drive" / "python" / "locks.py"
SCHEMA = Path(ratified.conform.driving.__file__).parent / "schemas" / "drive-1.json"


def told(driver: ProcessDriver) -> str:
    """The error of driving a node, which is called `node` in it."""
    with pytest.raises(ProcessError) as raised:
        drive(driver, Lock(Client=2), forbidden=False)
    return str(raised.value).replace(f"{sys.executable} -I -S {NODE}", "node")


def node(*arguments: object) -> ProcessDriver:
    return ProcessDriver((sys.executable, "-I", "-S", str(NODE), *map(str, arguments)), 30.0)


def silent(*arguments: object, since: Callable[[ProcessDriver], bool]) -> ProcessDriver:
    """A node for whose answer no time passes until it says nothing more."""
    clock = passing_once(lambda: since(driver))
    driver = ProcessDriver((sys.executable, "-I", "-S", str(NODE), *map(str, arguments)), 0.5, clock)
    return driver


def is_asked_a_fourth_time(driver: ProcessDriver) -> bool:
    return driver._child is not None and driver._child._requests == 4


def test_a_process_is_driven_along_every_step() -> None:
    driver = node()
    result = drive(driver, Lock(Client=3), walks=2, length=10)
    result.expect(Verdict.HOLDS, states=4, edges=6, taken=6)
    assert driver._child is None


def test_the_same_service_broken_is_found_by_a_shortest_walk() -> None:
    driver = ProcessDriver((sys.executable, "-I", "-S", str(SERVICE), "broken"))
    result = drive(driver, Waiting(Client=2, most=3))
    assert result.deviation is not None
    assert [str(asked.ask) for asked in result.deviation.walk] == ["acquire(c1)", "wait(c2)", "release(c2)"]


ENDS = "\n  it must answer, and keep running until it gets bye"
FULL = "\n  on its standard error:\n    the disk is full"
JUNK = "\n  standard output is for answers, one object a line; anything else can go to standard error"
KINDS = "\n  an answer has one of hello, observed, refused, cannot, error, bye"
NUMBER = '\n  each request has one answer, with its "id"'
WALK = "\n  the walk that led there:\n    1  release(c1)  forbidden"

WRONG: list[tuple[Sequence[object], str]] = [
    ((1, "exit"), "node 1 exit has ended with status 1: hello (request 1)" + ENDS + FULL),
    ((4, "exit"), "node 4 exit has ended with status 1: observe (request 4)" + ENDS + FULL + WALK),
    ((4, "abort"), "node 4 abort was ended by SIGKILL: observe (request 4)" + ENDS + WALK),
    (
        (4, "other"),
        "line 4 of node 4 other answers request 3 instead of request 4: observe" + NUMBER + WALK,
    ),
    (
        (2, "twice"),
        'line 3 of node 2 twice answers request 2 instead of request 3: acquire(c="c1")'
        + NUMBER
        + "\n  the walk that led there:\n    1  acquire(c1)",
    ),
    (
        (4, "raw", "ready."),
        "line 4 of node 4 raw ready. is not JSON at column 1" + JUNK + "\n\n    ready.\n    ^" + WALK,
    ),
    ((4, "raw", "[]"), "line 4 of node 4 raw '[]' is not an object" + JUNK + WALK),
    ((4, "raw", '{"id": 4}'), "line 4 of node 4 raw '{\"id\": 4}' is no answer: observe" + KINDS + WALK),
    (
        (4, "raw", '{"id": 4, "observed": {}, "x": 1}'),
        'line 4 of node 4 raw \'{"id": 4, "observed": {}, "x": 1}\' has an unknown field \'x\': observe'
        + KINDS
        + WALK,
    ),
    (
        (4, "raw", '{"id": 4, "bye": {}}'),
        "node 4 raw '{\"id\": 4, \"bye\": {}}' answers observe with 'bye'\n"
        "  its answer has one of observed, error" + WALK,
    ),
    (
        (4, "raw", '{"id": 4, "observed": []}'),
        'node 4 raw \'{"id": 4, "observed": []}\' observes []: observe\n'
        '  an observation is an object: {"observed": {"variable": value}}' + WALK,
    ),
    (
        (4, "raw", '{"id": 4, "id": 4}'),
        "line 4 of node 4 raw '{\"id\": 4, \"id\": 4}' cannot be read: an object has the key 'id' twice"
        + JUNK
        + WALK,
    ),
    (
        (1, "raw", '{"id": 1, "hello": {"protocol": 2}}'),
        'node 1 raw \'{"id": 1, "hello": {"protocol": 2}}\' speaks version 2 of the protocol, not 1\n'
        '  it answers hello with {"hello": {"protocol": 1}}',
    ),
    (
        (1, "raw", '{"id": 1, "hello": {"protocol": 1, "cannot": {"expire": "no"}}}'),
        'node 1 raw \'{"id": 1, "hello": {"protocol": 1, "cannot": {"expire": "no"}}}\' answers hello with cannot: '
        "'expire' is no action of the model\n  there are acquire, release",
    ),
    (
        (1, "raw", '{"id": 1, "hello": {"protocol": 1, "speed": 3}}'),
        'node 1 raw \'{"id": 1, "hello": {"protocol": 1, "speed": 3}}\' answers hello with \'speed\': 3\n'
        "  it may have protocol, cannot, cannot_ask, refuses, takes, begins (docs/drive-protocol.md)",
    ),
    ((4, "flood"), "line 4 of node 4 flood is longer than 4,194,304 bytes\n  an answer is one line" + WALK),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=[" ".join(map(str, a)) for a, _ in WRONG])
def test_what_a_process_does_wrong_is_one_message(arguments: Sequence[object], message: str) -> None:
    assert told(node(*arguments)) == message


def test_what_it_says_on_standard_error_is_shown_where_something_goes_wrong_alone(
    capfd: pytest.CaptureFixture[str],
) -> None:
    drive(node(3, "chatter"), Lock(Client=2)).expect(Verdict.HOLDS)
    assert capfd.readouterr() == ("", "")


def ticking(step: float) -> Any:
    """A clock that is later at each look."""
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += step
        return now

    return clock


@pytest.mark.parametrize("what", ["hang", "flood-errors", "close"])
def test_a_process_that_does_not_answer_is_not_waited_for_longer_than_one_was_told(what: str) -> None:
    # One that closes its output is told from one that is silent however long it takes to.
    text = told(silent(4, what, since=lambda driver: what != "close" and is_asked_a_fourth_time(driver)))
    did = "has closed its standard output" if what == "close" else "did not answer within 0.5 s"
    assert text.startswith(f'node 4 {what} {did}: release(c="c1") (request 4)\n')
    assert text.endswith("\n  the walk that led there:\n    1  acquire(c1)\n    2  release(c1)")
    assert ("--answer-within S sets a longer limit" in text) == (what != "close")


def has_ended(pid: int) -> bool:
    """Whether a process that was killed is gone, as it is at once, or when the machine comes round to it."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], 60)[0])
    finally:
        os.close(process)


def test_nothing_that_it_started_is_left(tmp_path: Path) -> None:
    pids_of = tmp_path / "pids"

    def has_started_both(_: ProcessDriver) -> bool:
        return pids_of.exists() and len(pids_of.read_text().split()) == 2

    told(silent(4, "hang-with-a-child", pids_of, since=has_started_both))
    pids = list(map(int, pids_of.read_text().split()))
    assert len(pids) == 2
    assert all(map(has_ended, pids))


def test_a_command_that_is_not_there_is_told() -> None:
    with pytest.raises(ProcessError) as raised:
        drive(ProcessDriver(["./no-such-node"]), Lock(Client=2))
    assert str(raised.value) == (
        "./no-such-node cannot be started: No such file or directory\n"
        "  after -- comes the command that starts the system"
    )


def test_a_system_that_says_that_it_failed_deviates() -> None:
    result = drive(
        node(5, "raw", '{"id": 5, "error": "index out of range"}'), Lock(Client=2), forbidden=False
    )
    assert result.verdict is Verdict.VIOLATED
    assert result.deviation is not None
    assert result.deviation.what == "acquire(c2) fails: index out of range"


def test_a_driver_translates_what_a_process_calls_otherwise() -> None:
    class Named(ProcessDriver):
        def told(self, action: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
            return {"c": {"c1": "ann", "c2": "bob"}[arguments["c"]]}

        def seen(self, observed: Mapping[str, Any]) -> Mapping[str, Any]:
            return {"holder": {"ann": Client(0), "bob": Client(1), None: None}[observed["holder"]]}

    command = (sys.executable, "-I", "-S", str(NODE))
    drive(Named(command), Lock(Client=2)).expect(Verdict.HOLDS, taken=4)


def test_all_that_is_said_is_of_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validators = {
        kind: jsonschema.Draft202012Validator({**schema, "oneOf": [{"$ref": f"#/$defs/{kind}"}]})
        for kind in ("request", "answer")
    }
    said: list[tuple[str, Any]] = []
    request = Child.request

    def recorded(self: Child, what: Mapping[str, Any], told: str) -> dict[str, Any]:
        answer = request(self, what, told)
        said.extend([("request", {"id": answer["id"], **what}), ("answer", answer)])
        return answer

    monkeypatch.setattr(Child, "request", recorded)
    drive(node(), Lock(Client=2)).expect(Verdict.HOLDS)
    drive(ProcessDriver((sys.executable, "-I", "-S", str(SERVICE))), Waiting(Client=2, most=2)).expect(
        Verdict.HOLDS
    )
    kinds = {name for _, one in said for name in one}
    assert kinds == {"id", "hello", "reset", "do", "arguments", "observe", "observed", "refused", "bye"}
    for kind, one in said:
        validators[kind].validate(one)
    for wrong in ({"id": 1}, {"id": 0, "observe": {}}, {"id": 1, "observe": {}, "extra": 1}):
        assert not validators["request"].is_valid(wrong)


def test_time_that_runs_out_ends_the_process_too() -> None:
    driver = node()
    drive(driver, Lock(Client=2), limits=Limits(seconds=1), clock=ticking(0.2)).expect(Verdict.UNDECIDED)
    assert driver._child is None
