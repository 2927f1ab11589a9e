#!/usr/bin/env python3
"""Sets up what this checkout needs, then does one of three things.

    python3 dev.py ratified verify paxos     runs the `ratified` command with the arguments that follow
    python3 dev.py test                      runs every check that a change must pass; arguments go to pytest
    python3 dev.py long [SUITE]              runs the tests that take too long for that; CONTRIBUTING.md lists them

Guarantees: needs nothing but Python's standard library; writes only inside `.venv` (which it may delete and make again) and
the tools' own caches; installs nothing when what is there is still right; exits with the status of what it ran, 2 where the
set-up itself is not possible, 130 when interrupted.
"""

# This file keeps to the grammar of Python 3.6, so that an old Python gets as far as being told that it is too old.

import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

if sys.version_info < (3, 11):  # noqa: UP036 - people run this file with whatever `python3` is
    sys.exit(
        "dev.py: Ratified needs Python 3.11 or later; this is {}.{} ({}).\n"
        "  Run it with a newer one, for example: python3.12 dev.py ...".format(
            *sys.version_info[:2], sys.executable
        )
    )

from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
PYTHON = BIN / "python"
STAMP = VENV / "ratified-stamp.json"

CHECKS = (
    ("format", ("ruff", "format", "--check", ".")),
    ("lint", ("ruff", "check", ".")),
    ("imports", ("lint-imports", "--no-logo")),
)
TYPES = ("mypy",)
WORKERS = ("-n", "2", "--dist", "loadgroup")
BUDGET = 1500
"""Seconds that all of it may take on two cores, making `.venv` included."""


class SetupError(Exception):
    """The environment could not be made; the message says why and what to do."""


def main(arguments: list[str]) -> int:
    """Do what the command line says and return the exit status."""
    command, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    try:
        if command == "ratified":
            prepare(())
            # The command takes this process's place: signals, the terminal and the exit status are its own.
            os.execve(BIN / "ratified", [str(BIN / "ratified"), *rest], environment())
        if command == "test":
            prepare(("dev",))
            return test(rest)
        if command == "long":
            prepare(("dev",))
            return long(rest)
    except SetupError as error:
        say(str(error))
        return 2
    except KeyboardInterrupt:
        return 130
    usage = "\n".join((__doc__ or "").splitlines()[2:5])
    if command in ("-h", "--help"):
        print(usage)
        return 0
    say((f"there is no command {command!r}; there are:" if command else "say what to do:") + f"\n{usage}")
    return 2


def test(pytest_arguments: list[str]) -> int:
    """Run format, lint, import contracts and the tests, and types beside them; stop at the first that fails.

    At the end it is told what each took.
    """
    clock = Clock()
    with tempfile.TemporaryFile() as output:
        # mypy keeps one core busy for a minute, and nothing else waits for it.
        say("types: {}, beside the rest".format(" ".join(TYPES)))
        types = subprocess.Popen([str(BIN / TYPES[0]), *TYPES[1:]], env=environment(), stdout=output)
        try:
            for name, command in CHECKS:
                say(f"{name}: {' '.join(command)}")
                status = run([str(BIN / command[0]), *command[1:]])
                clock.ended(name)
                if status:
                    say(
                        f"{name} failed"
                        + (": `ruff format .` (in .venv) fixes it" if name == "format" else "")
                    )
                    return status
            status = beside(types, pytest_arguments)
            clock.ended("tests")
            wrong = exit_status(types.wait())
        finally:
            types.kill()
            types.wait()
        output.seek(0)
        sys.stdout.write(output.read().decode(errors="replace"))
        sys.stdout.flush()
    if wrong:
        say("types failed")
        return wrong
    say(clock.told())
    return status


def beside(types: "subprocess.Popen[bytes]", pytest_arguments: list[str]) -> int:
    """Run the tests and return their status; they are interrupted when types fail."""
    # Whoever asks for a number of workers, or a debugger, gets that instead.
    chosen = any(a.startswith(("-n", "--numprocesses", "--pdb")) for a in pytest_arguments)
    say("tests: pytest")
    sys.stdout.flush()
    command = pytest(*([] if chosen else WORKERS), *pytest_arguments)
    tests = subprocess.Popen(command, env=environment())

    def watch() -> None:
        if types.wait():
            tests.send_signal(signal.SIGINT)

    threading.Thread(target=watch, daemon=True).start()
    try:
        return exit_status(tests.wait())
    except BaseException:
        tests.kill()
        raise


def long(arguments: list[str]) -> int:
    """Run the long tests of a suite, or of all; what begins with `-` goes to pytest."""
    suites = [a for a in arguments if not a.startswith("-")]
    which = " or ".join(f"long(suite='{suite}')" for suite in suites) or "long"
    return run(pytest("-m", which, "--durations=10", *(a for a in arguments if a.startswith("-"))))


def pytest(*arguments: str) -> list[str]:
    """The command that runs tests."""
    return [str(PYTHON), "-m", "pytest", *arguments]


class Clock:
    """How long each check took, and what all of them cost."""

    def __init__(self) -> None:
        self.began = self.last = time.monotonic()
        self.checks: list[str] = []

    def ended(self, name: str) -> None:
        """Note that a check has ended just now."""
        now = time.monotonic()
        self.checks.append(f"{name} {now - self.last:,.0f} s")
        self.last = now

    def told(self) -> str:
        """A line for the end."""
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        took = time.monotonic() - self.began
        return (
            f"{', '.join(self.checks)}: {took:,.0f} s by the clock, "
            f"{used.ru_utime + used.ru_stime:,.0f} s of processor time; CI has {BUDGET:,} s by the clock"
        )


def prepare(extras: tuple[str, ...]) -> None:
    """Make `.venv` hold this checkout, editable, with these extras and whatever it held before.

    Raises:
        SetupError: no venv or pip here, or pip could not install.
    """
    wanted = fingerprint()
    found = read_stamp()
    had = tuple(found.pop("extras", ()))
    if found == wanted and set(extras) <= set(had) and PYTHON.exists():
        return
    if {**found, "pyproject": ""} != {**wanted, "pyproject": ""} or not PYTHON.exists():
        create_environment()
        had = ()
    extras = tuple(sorted({*had, *extras}))
    STAMP.unlink(missing_ok=True)  # an installation that is cut short must not pass for a whole one
    target = f"{ROOT}[{','.join(extras)}]" if extras else str(ROOT)
    what = "its dependencies" + (" and the tools of the tests" if "dev" in extras else "")
    say(f"installing Ratified and {what} into {VENV.name} (once; takes about a minute)")
    pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--editable", target]
    status = run([str(PYTHON), *pip], quietly=True)
    if status:
        raise SetupError(
            f"pip could not install what Ratified needs (status {status}, its words are above).\n"
            "  It needs to reach a Python package index, or one that pip is configured to use instead."
        )
    STAMP.write_text(json.dumps({**wanted, "extras": extras}, indent=1) + "\n", encoding="utf-8")


def fingerprint() -> dict[str, str]:
    """What an environment depends on: where it is, which Python made it, and what it was asked to hold."""
    return {
        "root": str(ROOT),
        "python": sys.version,
        "prefix": sys.base_prefix,
        "pyproject": hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest(),
    }


def read_stamp() -> dict[str, Any]:
    """What the environment was made from, as noted when it was; empty if there is no telling."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def create_environment() -> None:
    """Make an empty `.venv`, in place of any that is there.

    Raises:
        SetupError: this Python comes without venv or ensurepip, or `.venv` is something else.
    """
    if VENV.is_symlink() or (VENV.exists() and not (VENV / "pyvenv.cfg").exists() and any(VENV.iterdir())):
        raise SetupError(f"{VENV} exists and is no virtual environment; move it out of the way.")
    try:
        import ensurepip  # noqa: F401 - Debian leaves it out, and `venv` then fails half-way
        import venv  # noqa: F401
    except ImportError as error:
        version = "{}.{}".format(*sys.version_info[:2])
        raise SetupError(
            f"this Python ({sys.executable}) comes without {error.name}, which makes environments.\n"
            f"  On Debian or Ubuntu: apt-get install python3-venv (or python{version}-venv)"
        ) from None
    say(f"making {VENV.name} with Python {sys.version.split()[0]}")
    shutil.rmtree(VENV, ignore_errors=True)
    status = run([sys.executable, "-m", "venv", str(VENV)], quietly=True)
    if status:
        raise SetupError(f"`{sys.executable} -m venv {VENV}` failed (status {status}, its words are above).")


def run(command: list[str], quietly: bool = False) -> int:
    """Run a command in the environment and return its status; `quietly` shows its output only if it fails."""
    sys.stdout.flush()
    if not quietly:
        return exit_status(subprocess.run(command, env=environment(), check=False).returncode)
    with tempfile.TemporaryFile() as output:
        made = subprocess.run(
            command, env=environment(), stdout=output, stderr=subprocess.STDOUT, check=False
        )
        if made.returncode:
            output.seek(0)
            sys.stderr.write(output.read().decode(errors="replace"))
    return made.returncode


def exit_status(returned: int) -> int:
    """What a shell makes of it where a signal has ended a process."""
    return 128 - returned if returned < 0 else returned


def environment() -> dict[str, str]:
    """Return this process's environment with `.venv` switched on, where compiled Python is kept as well."""
    left = ("PYTHONHOME", "__PYVENV_LAUNCHER__", "PYTHONDONTWRITEBYTECODE")
    inherited = {k: v for k, v in os.environ.items() if k not in left}
    path = os.pathsep.join([str(BIN), inherited.get("PATH", os.defpath)])
    kept = {"PYTHONPYCACHEPREFIX": str(VENV / "bytecode")}
    return {**inherited, "PATH": path, "VIRTUAL_ENV": str(VENV), **kept}


def say(text: str) -> None:
    """Tell the person, on standard error, so that a command's own output stays clean."""
    print(f"dev.py: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
