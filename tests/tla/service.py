"""TLC for thousands of small models: one Java machine for many of them, where Java can compile what that needs.

Guarantees: what it tells is what TLC printed; one that does not answer in time is stopped, and the next question asked of a new
machine. Without a Java compiler each model has a machine of its own, which takes five times as long and says the same.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from ratified.language.model import Model
from ratified.results.errors import EvaluationError
from ratified.results.result import Result, Verdict
from ratified.tla import crosscheck, tlc
from ratified.tla.crosscheck import Agreement
from ratified.tla.module import Export
from ratified.tla.tlc import Tlc, TlcResult

SOURCE = Path(__file__).with_name("Runner.java")
OPTIONS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx1g", "-Xss4m", "-XX:MaxDirectMemorySize=512m")
MODELS_EACH = 150
"""After so many a machine is given up: threads and memory that TLC leaves behind add up."""


class Service:
    """Explores models, one after the other."""

    def __init__(self, tool: Tlc) -> None:
        self.tool = tool
        self._folder = tempfile.TemporaryDirectory(prefix="ratified-tlc-")
        self._process: subprocess.Popen[bytes] | None = None
        self._answered = 0
        compiler = shutil.which("javac")
        self.shared = compiler is not None and self._compiled(compiler)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, at: TracebackType | None) -> None:
        self._end()
        self._folder.cleanup()

    def explore(self, files: Mapping[str, str], name: str, seconds: float) -> TlcResult:
        """What TLC tells of a module."""
        if not self.shared:
            return tlc.run(self.tool, files, name, seconds=seconds)
        began = time.perf_counter()
        with tempfile.TemporaryDirectory(dir=self._folder.name) as folder:
            for file, text in files.items():
                (Path(folder) / file).write_text(text, encoding="utf-8")
            output, status = self._asked(f"{folder}\t{name}\n", seconds)
        taken = time.perf_counter() - began
        if status is None:
            return TlcResult(
                "unfinished", message=f"TLC did not finish within {seconds:g} seconds", seconds=taken
            )
        return tlc.read(output, status, taken, files)

    def compared(
        self, model: Model, exported: Export, ours: Result | EvaluationError | None, seconds: float
    ) -> Agreement:
        """What we found, held against TLC; where that differs, against TLC by itself, to be sure that the model does it."""
        found = crosscheck(model, exported, ours, lambda e: self.explore(e.files, e.name, seconds))
        if self.shared and found.verdict is not Verdict.HOLDS:
            found = crosscheck(
                model, exported, ours, lambda e: tlc.run(self.tool, e.files, e.name, seconds=seconds)
            )
        return found

    def _compiled(self, compiler: str) -> bool:
        command = [compiler, "-cp", str(self.tool.jar), "-d", self._folder.name, str(SOURCE)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def _asked(self, question: str, seconds: float) -> tuple[str, int | None]:
        if self._process is None or self._answered >= MODELS_EACH:
            self._end()
            self._begin()
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        impatient = threading.Timer(seconds, process.kill)
        impatient.start()
        try:
            process.stdin.write(question.encode())
            process.stdin.flush()
            status, _, size = process.stdout.readline().decode().partition(" ")
            output = process.stdout.read(int(size or 0)).decode()
        except BrokenPipeError:
            status, output = "", ""
        finally:
            impatient.cancel()
        self._answered += 1
        if not status:
            self._end()
            return "", None
        return output, int(status)

    def _begin(self) -> None:
        classes = f"{self.tool.jar}:{self._folder.name}"
        command = [
            self.tool.java,
            *OPTIONS,
            f"-Djava.io.tmpdir={self._folder.name}",
            "-cp",
            classes,
            "Runner",
        ]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._answered = 0

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None
