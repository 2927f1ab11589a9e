"""`python -m tests.generate --seed N` prints a model; `--stats N` measures how N of them are distributed.

`python -m tests.generate prove --models N --seed S` puts N proof scripts through every engine, and exits with 1 if they disagree
(`--what model`: the general models, with their invariants for lemmas; `--lines FILE`: a run that can be stopped, and goes on when
it is started again; `--report FILE`: its figures so far);
`python -m tests.generate faults --models N` plants faults into the translation to logic, and tells which of them N models find;
`python -m tests.generate kinds --models N` those of each kind that such translations have had
(`--keep`: and writes the seeds down).
`python -m tests.generate pairs --models N --faults K` holds every engine against every other on N models, and then plants faults
into each, one at a time, for the pairs to find among K models each; it exits with 1 if engines disagree. With `--what wordy` the
models are in the words that people bring from other languages, and no faults are planted.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from ratified.language.errors import RatifiedError
from ratified.tla import tlc
from tests.generate import pair_faults, pairs
from tests.generate.carrying import carrying_model
from tests.generate.cases import random_case
from tests.generate.constructs import EXPECTED, constructs
from tests.generate.engines import Tally, many, read_lines
from tests.generate.finding import Found, keep, table
from tests.generate.models import random_model
from tests.generate.mutations import random_refused
from tests.generate.planted import sweep
from tests.generate.provable import claimed_model, provable_model
from tests.generate.running import STATES_MOST, Run, load, run
from tests.generate.summing import summing_model
from tests.generate.thresholds import threshold_model
from tests.generate.wordy import wordy_model
from tests.tla.service import Service

BUCKETS = (1, 2, 5, 10, 20, 50, 100, 500, STATES_MOST)


def main() -> int:
    """Print one thing, or statistics of many."""
    parser = argparse.ArgumentParser(prog="python -m tests.generate", description=__doc__)
    parser.add_argument(
        "command", nargs="?", choices=("prove", "faults", "kinds", "pairs"), help="what to do with models"
    )
    parser.add_argument("--models", type=int, default=500, help="how many models")
    parser.add_argument(
        "--faults", type=int, default=20, help="how many models to look for a fault of an engine among"
    )
    parser.add_argument(
        "--lines",
        type=Path,
        metavar="FILE",
        help="write a line for each proof script, and go on from those there are",
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="the figures of such a file")
    parser.add_argument("--keep", action="store_true", help="write down which seeds find the faults of kinds")
    parser.add_argument("--every", type=int, default=1, help="plant one fault of so many")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--stats", type=int, metavar="N", help="measure N models")
    parser.add_argument(
        "--what",
        choices=("model", "carrying", "case", "refused", "proof", "sums", "threshold", "wordy"),
        default=None,
        help="what to print, or to prove",
    )
    given = parser.parse_args()
    if given.report is not None:
        sys.stdout.write("\n".join(_report(given.report)) + "\n")
        return 0
    if given.command == "pairs":
        return _pairs(given)
    if given.command is not None:
        return _proofs(given)
    if given.stats is None:
        makers = {
            "carrying": carrying_model,
            "case": random_case,
            "refused": random_refused,
            "proof": provable_model,
            "sums": summing_model,
            "threshold": threshold_model,
            "wordy": wordy_model,
        }
        make = makers.get(given.what, random_model)
        sys.stdout.write(str(make(given.seed)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write("\n".join(statistics(given.seed, given.stats, Path(folder))) + "\n")
    return 0


def _report(lines: Path) -> list[str]:
    """The figures of a run so far."""
    tally = Tally()
    for seed, found in sorted(read_lines(lines).items()):
        tally.add(seed, found)
    return tally.lines()


def _proofs(given: argparse.Namespace) -> int:
    """Proof scripts through every engine, with the translation as it is or with faults in it."""
    with tempfile.TemporaryDirectory() as name:
        if given.command != "prove":
            folder = Path(name)
            found: dict[str, Found] = {}
            told: Iterable[str] = table(given.models, folder, found)
            if given.command == "faults":
                told = sweep(given.models, folder, every=given.every)
            for line in told:
                sys.stdout.write(line + "\n")
                sys.stdout.flush()
            if given.keep:
                keep(found)
            return 0
        makers = {
            "model": claimed_model,
            "carrying": carrying_model,
            "sums": summing_model,
            "threshold": threshold_model,
        }
        make = makers.get(given.what, provable_model)
        seeds = range(given.seed, given.seed + given.models)
        tally = many(make, seeds, Path(name), kept=given.lines)
    sys.stdout.write("\n".join(tally.lines()) + "\n")
    return 1 if tally.failures else 0


def _pairs(given: argparse.Namespace) -> int:
    """Every engine against every other; TLC too, where it is installed."""
    seeds = range(given.seed, given.seed + given.models)
    make = wordy_model if given.what == "wordy" else None
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        try:
            service = stack.enter_context(Service(tlc.find()))
        except tlc.ToolMissing as missing:
            service = None
            _say(f"TLC is left out: {missing.message}")
        asked, models = pairs.Asked(service), list(pairs.cases(seeds, Path(name), make))
        table = pairs.hold(asked, models, _say)
        for line in pairs.lines(table, len(models)):
            _say(line)
        faults = [] if make else pair_faults.plant(asked, Path(name), table, most=given.faults, told=_say)
    sys.stdout.write("\n".join([*pairs.lines(table, len(models)), "", *faults]) + "\n")
    return 1 if any(held.wrong for held in table.values()) else 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def statistics(seed: int, number: int, folder: Path) -> list[str]:
    """A report on the models of some seeds."""
    used: Counter[str] = Counter()
    runs: list[Run] = []
    refused: Counter[str] = Counter()
    began = time.perf_counter()
    for each in range(seed, seed + number):
        generated = random_model(each)
        used.update(constructs(generated.text))
        try:
            runs.append(run(load(generated, folder)))
        except RatifiedError as problem:
            refused[problem.message] += 1
    seconds = time.perf_counter() - began
    return [
        f"{number} models in {seconds:.1f} s ({1000 * seconds / number:.0f} ms each)",
        *_distribution(runs),
        f"refused {_share(sum(refused.values()), number)}",
        *(f"  {times:5d}  {message}" for message, times in refused.most_common(10)),
        "share of models that use a construct:",
        *(
            f"  {_share(used[name], number)}  {name}"
            for name in sorted(EXPECTED, key=lambda name: used[name])
        ),
        *(f"  unexpected: {name}" for name in sorted(used.keys() - EXPECTED)),
    ]


def _distribution(runs: list[Run]) -> list[str]:
    total = len(runs)
    lines = ["reachable states (an error ends a run early):"]
    before = 0
    for bucket in BUCKETS:
        here = sum(before < each.states <= bucket for each in runs)
        lines.append(f"  {before + 1:5d} to {bucket:5d}  {_share(here, total)}")
        before = bucket
    lines.append(f"  more             {_share(sum(each.states > STATES_MOST for each in runs), total)}")
    lines.append(f"  none             {_share(sum(each.states == 0 for each in runs), total)}")
    shares = {
        "at least 5 states": sum(each.states >= 5 for each in runs),
        "at least 20 states": sum(each.states >= 20 for each in runs),
        "with a violation": sum(bool(each.violated) for each in runs),
        "with a bound left": sum(each.left > 0 for each in runs),
        "with an error": sum(each.error is not None for each in runs),
        "without any of these three": sum(
            not each.violated and not each.left and each.error is None for each in runs
        ),
    }
    lines += [f"{name:30s}{_share(count, total)}" for name, count in shares.items()]
    errors = Counter(each.error.message.split("`")[0] for each in runs if each.error)
    return [*lines, *(f"  {times:5d}  {message}" for message, times in errors.most_common(12))]


def _share(count: int, total: int) -> str:
    return f"{100 * count / max(1, total):5.1f} %"


if __name__ == "__main__":
    sys.exit(main())
