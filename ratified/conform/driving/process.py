"""A system in another process, driven over its standard input and output; docs/drive-protocol.md.

Each request is a line of JSON with a number, and so is its answer, with the same number. Guarantees: a process that ends, that
does not answer in time, or that answers what is no answer, is one ProcessError, with the line; its standard error is read, and
the end of it told there; once a driver is closed nothing that it started is left.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ratified.conform.driving.driver import Driver, DriverError, NotAsked, Observation, Refused, SystemFailed
from ratified.follow.strict import RepeatedKeyError, once
from ratified.interchange.plain import written
from ratified.language.ir import Kind
from ratified.language.model import Model

VERSION: Final = 1
MOST_LINE: Final = 4 << 20
"""The longest answer that is read, in bytes."""
TOLD: Final = 10
"""Lines of standard error that a message has."""
ANSWER_WITHIN: Final = 10.0
CHUNK: Final = 1 << 16

_decode = json.JSONDecoder(object_pairs_hook=once).decode
_encode = json.JSONEncoder(ensure_ascii=False).encode

ANSWERS: Final = ("hello", "observed", "refused", "cannot", "error", "bye")


class ProcessError(DriverError):
    """A driven process that ends, is silent, or says what makes no sense."""


class Child:
    """A process that answers. Requests are numbered from 1, as are the lines that it writes."""

    def __init__(
        self, command: Sequence[str], answer_within: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = shlex.join(command)
        self.within = answer_within
        self._clock = clock
        self._requests = self._lines = 0
        self._read, self._errors = b"", b""
        try:
            self._process = subprocess.Popen(  # noqa: S603 - it is what was asked for
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            raise ProcessError(
                f"{self.name} cannot be started: {error.strerror or error}",
                remedy="after -- comes the command that starts the system",
            ) from None
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._in, self._out, self._err = (f.fileno() for f in (process.stdin, process.stdout, process.stderr))
        self._waiting = selectors.DefaultSelector()
        for file in (self._in, self._out, self._err):
            os.set_blocking(file, False)
        self._waiting.register(self._out, selectors.EVENT_READ)
        self._waiting.register(self._err, selectors.EVENT_READ)

    def request(self, what: Mapping[str, Any], told: str) -> dict[str, Any]:
        """Ask for something, of which errors speak as `told`, and return the answer. Raises ProcessError."""
        self._requests += 1
        number = self._requests
        text = _encode({"id": number, **what}) + "\n"
        self._told = f"{told} (request {number})"
        until = self._clock() + self.within
        self._send(text.encode(), until)
        answer = self._parsed(self._line(until))
        given = answer.get("id")
        if type(given) is not int or given != number:
            raise self._wrong(
                f"answers request {json.dumps(given):.20} instead of request {number}: {told}",
                'each request has one answer, with its "id"',
            )
        kinds = [kind for kind in ANSWERS if kind in answer]
        unknown = [name for name in answer if name not in (*ANSWERS, "id")]
        if unknown or not kinds or (len(kinds) > 1 and kinds != ["observed", "refused"]):
            problem = f"has an unknown field {unknown[0]!r}" if unknown else "is no answer"
            raise self._wrong(f"{problem}: {told}", f"an answer has one of {', '.join(ANSWERS)}")
        return answer

    def _send(self, data: bytes, until: float) -> None:
        self._waiting.register(self._in, selectors.EVENT_WRITE)
        try:
            while data:
                try:
                    data = data[os.write(self._in, data) :]
                except BlockingIOError:
                    self._wait(until)
                except BrokenPipeError:
                    raise self._ended(until) from None
        finally:
            self._waiting.unregister(self._in)

    def _line(self, until: float) -> bytes:
        """The next line that it writes."""
        while True:
            line, found, rest = self._read.partition(b"\n")
            if len(line) > MOST_LINE:
                self._lines += 1
                raise self._wrong(f"is longer than {MOST_LINE:,} bytes", "an answer is one line")
            if found:
                self._read = rest
                self._lines += 1
                return line
            self._wait(until)

    def _wait(self, until: float) -> None:
        """Wait until there is something to be read (or, where that is waited for, written), and read it."""
        left = until - self._clock()
        if left <= 0:
            error = ProcessError(
                f"{self.name} did not answer within {self.within:g} s: {self._told}",
                remedy=self._with_errors("--answer-within S sets a longer limit"),
            )
            error.slow = True
            raise error
        events = self._waiting.select(left)
        for key, _ in events:
            if key.fd == self._out and not self._fill_output():
                raise self._ended(until)
            if key.fd == self._err:
                self._fill_errors()

    def _fill_output(self) -> bool:
        try:
            data = os.read(self._out, CHUNK)
        except BlockingIOError:
            return True
        self._read += data
        return bool(data)

    def _fill_errors(self) -> bool:
        try:
            data = os.read(self._err, CHUNK)
        except BlockingIOError:
            return False
        if not data:
            with contextlib.suppress(KeyError):
                self._waiting.unregister(self._err)
        self._errors = (self._errors + data)[-CHUNK:]
        return bool(data)

    def _parsed(self, line: bytes) -> dict[str, Any]:
        remedy = "standard output is for answers, one object a line; anything else can go to standard error"
        try:
            answer = _decode(line.decode("utf-8"))
        except UnicodeDecodeError:
            raise self._wrong("is not UTF-8 text", remedy) from None
        except json.JSONDecodeError as error:
            text = line.decode("utf-8", "replace")
            piece = "".join(c if c.isprintable() else "?" for c in text[max(0, error.colno - 37) :][:72])
            caret = " " * min(error.colno - 1, 36) + "^"
            raise self._wrong(
                f"is not JSON at column {error.colno}", f"{remedy}\n\n    {piece}\n    {caret}"
            ) from None
        except RecursionError:
            raise self._wrong("is nested too deeply", remedy) from None
        except (RepeatedKeyError, ValueError) as error:
            raise self._wrong(f"cannot be read: {error}", remedy) from None
        if not isinstance(answer, dict):
            raise self._wrong("is not an object", remedy)
        return answer

    def _wrong(self, problem: str, remedy: str) -> ProcessError:
        return ProcessError(f"line {self._lines} of {self.name} {problem}", remedy=self._with_errors(remedy))

    def _ended(self, until: float) -> ProcessError:
        """The error of a process that closed its output: how it ended, if it did."""
        slow = False
        try:
            status = self._process.wait(max(0.0, until - self._clock()))
        except subprocess.TimeoutExpired:
            how, slow = "has closed its standard output", True
        else:
            how = f"was ended by {_signal(-status)}" if status < 0 else f"has ended with status {status}"
        for _ in range(CHUNK):  # what it started may write on and on
            if not self._fill_errors():
                break
        error = ProcessError(
            f"{self.name} {how}: {self._told}",
            remedy=self._with_errors("it must answer, and keep running until it gets bye"),
        )
        error.slow = slow
        return error

    def _with_errors(self, remedy: str) -> str:
        lines = self._errors.decode("utf-8", "replace").splitlines()[-TOLD:]
        told = ["".join(c if c.isprintable() or c == "\t" else "?" for c in line)[:200] for line in lines]
        return "\n".join(
            [remedy, *(["  on its standard error:"] if told else []), *(f"    {t}" for t in told)]
        )

    def close(self, *, politely: bool) -> None:
        """End it, and all that it started."""
        if politely and self._process.poll() is None:
            with contextlib.suppress(ProcessError):
                self.request({"bye": {}}, "bye")
            with contextlib.suppress(OSError):
                self._process.stdin.close()  # type: ignore[union-attr]  # it is a pipe
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(min(1.0, self.within))
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._waiting.close()
        for file in (self._process.stdin, self._process.stdout, self._process.stderr):
            with contextlib.suppress(OSError):
                file.close()  # type: ignore[union-attr]  # each is a pipe
        self._process.wait()


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class ProcessDriver(Driver):
    """Drives a process started by a command. Derive from it for a system with other names than the model's.

    `told` translates an action's arguments (JSON, by name) for the process; `seen` translates what the process observes to
    variables of the model. `command` and `answer_within` (in seconds) are set in the class or given.
    """

    command: Sequence[str] = ()
    answer_within: float = ANSWER_WITHIN

    def __init__(
        self,
        command: Sequence[str] = (),
        answer_within: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._command = tuple(command or self.command)
        self._within = self.answer_within if answer_within is None else answer_within
        self._child: Child | None = None
        self._observed: Mapping[str, Any] | None = None
        self._healthy = False
        self._failed = False

    @property
    def title(self) -> str:
        """The command line."""
        return shlex.join(self._command)

    def told(self, action: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG002 - for those who override it
        """Translate an action's arguments for the process, both as JSON."""
        return arguments

    def seen(self, observed: Mapping[str, Any]) -> Observation:
        """Translate what the process observes, by variable of the model."""
        return observed

    def begin(self, model: Model) -> None:
        """Start the process and read its abilities. Raises ProcessError."""
        if not self._command:
            raise DriverError(
                f"{type(self).__name__} has no command",
                remedy="give it after --, as in `ratified drive MODEL -- ./node`",
            )
        module = model.module
        self._actions = {f.name: {a.name: a.type for a in f.arguments} for f in module.of_kind(Kind.ACTION)}
        init = next(iter(module.of_kind(Kind.INIT)), None)
        self._init = {a.name: a.type for a in init.arguments} if init is not None else {}
        self._hello = {
            "protocol": VERSION,
            "model": module.name,
            "sizes": {sort.__name__: size for sort, size in model.scope.sizes.items()},
            "parameters": {
                p.name: written(p.type, model.scope.parameters[p.name]) for p in module.parameters
            },
            "actions": {name: list(arguments) for name, arguments in self._actions.items()},
            "variables": [d.name for d in module.variables],
        }
        answer = self._start()
        self.cannot = {**self.cannot, **answer.get("cannot", {})}
        self.cannot_ask = {**self.cannot_ask, **answer.get("cannot_ask", {})}
        self.refuses = answer.get("refuses", self.refuses)
        self.takes = answer.get("takes", {})
        self.begins = tuple(answer.get("begins", ()))

    def _start(self) -> dict[str, Any]:
        """Start the process, and return what it answers to hello."""
        self._child = Child(self._command, self._within, self._clock)
        answer: dict[str, Any] = self._asked({"hello": self._hello}, "hello", "hello")["hello"]
        self._check_hello(answer)
        return answer

    def _check_hello(self, answer: object) -> None:
        """That an answer to hello makes sense. Raises ProcessError."""
        name = shlex.join(self._command)
        said = answer.get("protocol") if isinstance(answer, dict) else None
        if not isinstance(answer, dict) or type(said) is not int or said != VERSION:
            raise ProcessError(
                f"{name} speaks version {json.dumps(said)} of the protocol, not {VERSION}",
                remedy=f'it answers hello with {{"hello": {{"protocol": {VERSION}}}}}',
            )
        for field, value in answer.items():
            match field, value:
                case ("protocol", _):
                    continue
                case (("cannot" | "cannot_ask"), dict()) if all(isinstance(v, str) for v in value.values()):
                    names, known, what = list(value), tuple(self._actions), "action"
                case ("takes", dict()) if all(isinstance(v, list) for v in value.values()):
                    names, known, what = list(value), tuple(self._actions), "action"
                    for action, arguments in value.items():
                        has: tuple[str, ...] = tuple(self._actions.get(action) or arguments)
                        if wrong := [a for a in arguments if a not in has]:
                            names, known, what = wrong, has, f"argument of {action}"
                case ("refuses", bool()):
                    continue
                case ("begins", list()):
                    names, known, what = value, tuple(self._init), "argument of init"
                case _:
                    raise ProcessError(
                        f"{name} answers hello with {field!r}: {json.dumps(value):.60}",
                        remedy="it may have protocol, cannot, cannot_ask, refuses, takes, begins (docs/drive-protocol.md)",
                    )
            for one in names:
                if one not in known:
                    raise ProcessError(
                        f"{name} answers hello with {field}: {one!r} is no {what} of the model",
                        remedy=f"there are {', '.join(known) or 'none'}",
                    )

    def reset(self, **arguments: Any) -> None:
        """Tell the process to start over. After a failed walk each reset starts a new process, so that a walk can be repeated."""
        if self._failed:
            self.close()
            self._start()
        values = {n: written(self._init[n], v) for n, v in arguments.items()}
        self._observed = self._asked({"reset": values}, "reset", "observed")["observed"]

    def take(self, action: str, arguments: Mapping[str, Any]) -> None:
        """Ask the process for an action. Raises Refused, NotAsked, SystemFailed, ProcessError."""
        types = self._actions[action]
        values = {n: written(types[n], v) for n, v in arguments.items()}
        told = f"{action}({', '.join(f'{n}={json.dumps(v)}' for n, v in values.items())})"
        self._observed = None
        answer = self._asked(
            {"do": action, "arguments": self.told(action, values)}, told, "observed", "refused", "cannot"
        )
        self._observed = answer.get("observed")
        if "refused" in answer:
            raise Refused(_text(answer["refused"]))
        if "cannot" in answer:
            raise NotAsked(_text(answer["cannot"]))

    def observe(self) -> Observation:
        """Return what the process observed last; ask it if it has not said."""
        if self._observed is None:
            self._observed = self._asked({"observe": {}}, "observe", "observed")["observed"]
        return self.seen(self._observed)

    def _asked(self, what: Mapping[str, Any], told: str, *kinds: str) -> dict[str, Any]:
        """The answer to a request, of one of some kinds. Raises ProcessError, SystemFailed."""
        self._healthy, failed, self._failed = False, self._failed, True
        assert self._child is not None
        answer = self._child.request(what, told)
        given = next(kind for kind in ANSWERS if kind in answer)
        if given not in (*kinds, "error"):
            raise ProcessError(
                f"{self._child.name} answers {told} with {given!r}",
                remedy=f"its answer has one of {', '.join((*kinds, 'error'))}",
            )
        if not isinstance(answer.get("observed", {}), dict):
            raise ProcessError(
                f"{self._child.name} observes {json.dumps(answer['observed']):.60}: {told}",
                remedy='an observation is an object: {"observed": {"variable": value}}',
            )
        self._healthy, self._failed = True, failed
        if "error" in answer:
            _system_failed(_text(answer["error"]))
        return answer

    def close(self) -> None:
        """Say bye, and end the process with all that it started."""
        child, self._child = self._child, None
        if child is not None:
            child.close(politely=self._healthy)


def _system_failed(text: str) -> None:
    raise SystemFailed(text)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
