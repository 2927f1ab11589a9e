"""How long it is from a command to the first state that generated C explores, with nothing kept from before.

    python benchmarks/compile.py [--tiny] [--repeat N] [--json FILE]

Each row is a process of its own with an empty cache, as a first `ratified check MODEL --engine native` is. In seconds of
processor time: importing Ratified and the model, importing the generator, generating, and compiling each of the three parts,
which is done at the same time (apart.h); the explorer's begins while the rest is generated. Then lines of C, and in seconds by
the clock: from the start of the process until the program is loaded, and `again`, compiling another model whose explorer is there
already, since it has the same counts. Of several runs the best is shown. On a machine that does other things too only processor
time means anything.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

ROWS = ("two-phase-commit", "paxos", "multi-paxos", "raft", "raft-as-built")
COLUMNS = ("model_import", "generator_import", "generate", "explorer", "steps", "asked")


def processor(who: int = resource.RUSAGE_SELF) -> float:
    """Seconds of processor time so far."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def one(name: str, started: float) -> None:
    """A first run of a model up to the loaded program; prints its figures."""
    from ratified.cli.instances import instance, is_symmetric
    from ratified.cli.loading import load
    from ratified.explore.native import compile as compiling
    from ratified.explore.native.library import loaded
    from ratified.explore.symmetry import symmetry_of

    cls = load(name)
    model = instance(cls, None, {})
    figures: dict[str, Any] = {"name": name, "model_import": processor()}
    before = processor()
    from ratified.explore.native.codegen.program import generate

    figures["generator_import"] = processor() - before
    before = processor()
    with compiling.ExplorerAhead() as ahead:
        generated = generate(
            model, symmetry_of(model) if is_symmetric(cls, None) else None, ahead=ahead.begin
        )
        figures["generate"] = processor() - before
        figures["lines"] = generated.text.count("\n")
        loaded(generated.text, explorer=generated.explorer, ahead=ahead)
    figures["until_loaded"] = time.time() - started
    # What each of the parts took, one after the other.
    command = compiling._command(())
    with tempfile.TemporaryDirectory() as folder:
        parts = (
            ("steps", generated.text, 1),
            ("explorer", generated.explorer, 2),
            ("asked", generated.text, 3),
        )
        for part, text, number in parts:
            source = Path(folder) / f"{part}.part.c"
            source.write_text(text, encoding="utf-8")
            before = processor(resource.RUSAGE_CHILDREN)
            made = ["-o", f"{source}.o", f"-DRX_APART={number}"]
            subprocess.run([*command, "-c", str(source), *made], check=True)  # noqa: S603 - the compiler
            figures[part] = processor(resource.RUSAGE_CHILDREN) - before
    another = f"/* another */ {generated.text}"
    begun = time.perf_counter()
    compiling.compile_text(another, explorer=generated.explorer)
    figures["again"] = time.perf_counter() - begun
    print(json.dumps(figures))


def measured(name: str) -> dict[str, Any]:
    """One first run, in a process of its own with a cache of its own."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "RATIFIED_CACHE": cache}
        command = [sys.executable, __file__, "--one", name, "--started", str(time.time())]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)  # noqa: S603
    if done.returncode:
        raise SystemExit(done.stderr)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tiny", action="store_true", help="only what takes no time: that it runs")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--started", type=float, default=0.0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        one(arguments.one, arguments.started)
        return
    heads = ("imports", "generator", "generate", "explorer", "steps", "asked")
    print(f"{'model':20}" + "".join(f"{head:>10}" for head in (*heads, "lines", "clock", "again")))
    results = []
    for name in ROWS[:1] if arguments.tiny else ROWS:
        runs = [measured(name) for _ in range(1 if arguments.tiny else arguments.repeat)]
        best = {key: min(run[key] for run in runs) for key in runs[0]}
        results.append(best)
        times = "".join(f"{best[key]:10.2f}" for key in COLUMNS)
        print(
            f"{name:20}{times}{best['lines']:10,}{best['until_loaded']:10.2f}{best['again']:10.2f}",
            flush=True,
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
