"""How fast systems are driven, in five languages: the lock of conformance/drive, and a driver in Python without a process.

    python benchmarks/driving.py [--clients N] [--most N] [--walks N]

Needs node, javac and java, rustc, and go; what is missing is told and left out. For each: steps of the graph, what was asked for
in all, wall time, and processor time of this process and of the system. Exits with 1 if one deviates that should not, or the
other way round.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ratified import Driver, Observation, ProcessDriver, Verdict, drive
from ratified.conform.driving.result import Driven
from ratified.conformance.drive.locks import Client, Locks

DRIVE = Path(__file__).parents[1] / "conformance" / "drive"


class InPython(Driver):
    """The service of conformance/drive/python, without a process."""

    def reset(self) -> None:
        """Begin anew."""
        sys.path.insert(0, str(DRIVE / "python"))
        from locks import Service  # type: ignore[import-not-found]  # the example's own folder

        self.service = Service()

    def acquire(self, c: Client) -> bool:
        """See the model."""
        return self.service.do("acquire", str(c)) is None

    def wait(self, c: Client) -> bool:
        """See the model."""
        return self.service.do("wait", str(c)) is None

    def release(self, c: Client) -> bool:
        """See the model."""
        return self.service.do("release", str(c)) is None

    def give_up(self, c: Client) -> bool:
        """See the model."""
        return self.service.do("give_up", str(c)) is None

    def observe(self) -> Observation:
        """See the model."""
        return self.service.observed()  # type: ignore[no-any-return]  # its module is not known here


def commands(made: Path) -> Iterator[tuple[str, list[str]]]:
    """The service in each language, built: its language, and how it is started."""
    yield "Python, a process", [sys.executable, "-I", "-S", str(DRIVE / "python" / "locks.py")]
    steps = {
        "JavaScript": ([], ["node", str(DRIVE / "js" / "locks.js")]),
        "Java": (
            ["javac", "-d", str(made / "java"), *map(str, (DRIVE / "java").glob("*.java"))],
            ["java", "-cp", str(made / "java"), "Locks"],
        ),
        "Rust": (
            ["rustc", "-O", "--edition", "2021", "-o", str(made / "rust"), str(DRIVE / "rust" / "locks.rs")],
            [str(made / "rust")],
        ),
        "Go": (["go", "build", "-o", str(made / "go"), "."], [str(made / "go")]),
    }
    for language, (build, start) in steps.items():
        tool = (build or start)[0]
        if shutil.which(tool) is None:
            print(f"{language}: {tool} is missing")
            continue
        if build:
            subprocess.run(build, check=True, cwd=DRIVE / "go" if language == "Go" else None)  # noqa: S603 - what is built here
        yield language, start


def cpu() -> float:
    """Processor seconds of this process, and of those that have ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(u.ru_utime + u.ru_stime for u in used)


def main() -> int:
    """Measure, and print a row for each."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--clients", type=int, default=3)
    options.add_argument("--most", type=int, default=20)
    options.add_argument("--walks", type=int, default=100)
    given = options.parse_args()
    model = Locks(Client=given.clients, most=given.most)
    failed = False

    def row(name: str, driver: Driver) -> None:
        nonlocal failed
        wall, used = time.monotonic(), cpu()
        result: Driven = drive(driver, model, walks=given.walks)
        wall, used = time.monotonic() - wall, cpu() - used
        asked = result.steps + result.asked + result.random_steps
        failed = failed or result.verdict is not Verdict.HOLDS
        driven = f"{result.taken:,} of {result.edges:,}"
        print(
            f"| {name} | {driven} | {asked:,} | {wall:.1f} | {used:.1f} | {asked / used:,.0f} |", flush=True
        )

    print("| | steps of the graph | asked in all | s | processor s | asked a processor second |")
    print("|---|---|---|---|---|---|")
    row("Python, no process", InPython())
    with tempfile.TemporaryDirectory() as folder:
        for name, command in commands(Path(folder)):
            row(name, ProcessDriver(command, 60.0))
            broken = drive(ProcessDriver([*command, "broken"], 60.0), model)
            failed = failed or broken.verdict is not Verdict.VIOLATED
    return failed


if __name__ == "__main__":
    sys.exit(main())
