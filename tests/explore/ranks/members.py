"""What the tests of several ranks explore, in one MPI world for all of it: starting one takes longer than most explorations.

    mpiexec -n 3 python -m tests.explore.ranks.members FILE FOLDER

The first two ranks explore each case, then all three; rank 0 leaves what was told in FILE, for the tests to compare with what a
single process tells.
"""

from __future__ import annotations

import pickle
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from mpi4py import MPI

from ratified.cli.report.measured import measured_json
from ratified.cli.report.simulation import simulation_json
from ratified.cli.report.text import trace_lines
from ratified.explore.liveness import liveness_claims
from ratified.explore.measure import measure
from ratified.explore.native.driver import ExplorationCounts, NativeExploration, RunOptions
from ratified.explore.native.engine import check_native
from ratified.explore.ranks import RankOptions, RankWorld, check_on_ranks, join
from ratified.explore.ranks.checkpoint import Checkpoint
from ratified.explore.ranks.rank import Rank
from ratified.explore.ranks.search import RankedSearch
from ratified.explore.simulate import simulate_on_ranks
from ratified.language.errors import RatifiedError
from ratified.language.model import Model
from ratified.models.commit.two_phase import TwoPhase
from ratified.models.paxos.broken import ForgottenVote, SmallestVote
from ratified.models.paxos.paxos import Paxos
from ratified.results.result import Limits, Result
from tests.explore.native.differential import told
from tests.explore.native.maze import Maze
from tests.explore.native.programs import maze_program, program
from tests.explore.native.test_counts import random_maze
from tests.generate.models import random_model
from tests.generate.running import load

MIB = 1 << 20
RANKS = (2, 3)
MAZES = range(24)
SEEDS = range(5_000, 5_015)
SYMMETRIC_SEEDS = range(5_000, 5_005)
WALKED_SEEDS = (5_015, 5_016, 5_017, 5_018, 5_019, 5_026, 5_028, 5_030)


def maze_of(seed: int) -> Maze:
    """A random maze of not too many levels, each of which is a meeting of all ranks."""
    maze = random_maze(seed)
    return replace(maze, span=max(maze.span, maze.nodes // 20, 2))


def explored_maze(world: RankWorld, seed: int) -> ExplorationCounts:
    """In rounds of a few states; every fourth with so little memory that it goes to disk."""
    threads, wanted = 1 + seed % 2, (16, 64, 4096)[seed % 3]
    loaded = maze_program(maze_of(seed), 2, RX_BATCH=16, RX_RECENT_LOG=4, RX_SENT_LOG=4)
    with tempfile.TemporaryDirectory() as spill:
        little = seed % 4 == 0
        options = RunOptions(
            threads=threads,
            deadlock=seed % 3 == 0,
            limits=Limits(memory=600_000 * threads if little else None),
            spill=Path(spill) if little else None,
        )
        with Rank(loaded, options, world.rank, world.size, wanted) as rank:
            return RankedSearch(world, rank, options).run()[0]


@dataclass(frozen=True, slots=True)
class Case:
    """A model, and how to explore it."""

    model: Callable[[], Model]
    limits: Limits = Limits()  # noqa: RUF009  # frozen
    symmetry: bool = False
    deadlock: bool = False
    flags: tuple[str, ...] = ()
    batch: int | None = None
    threads: int = 1


CASES = {
    "paxos": Case(lambda: Paxos(Acceptor=3, Value=2, Ballot=3), batch=20_000, threads=2),
    "paxos, symmetric": Case(lambda: Paxos(Acceptor=3, Value=2, Ballot=3), symmetry=True, batch=4096),
    "paxos, to a depth": Case(lambda: Paxos(Acceptor=3, Value=2, Ballot=3), Limits(depth=10)),
    "paxos, on disk": Case(lambda: Paxos(Acceptor=3, Value=2, Ballot=3), Limits(memory=3 * MIB), batch=20_000),
    "paxos, on disk, to a depth": Case(
        lambda: Paxos(Acceptor=3, Value=2, Ballot=3), Limits(memory=3 * MIB, depth=24), batch=20_000
    ),
    "broken paxos": Case(lambda: ForgottenVote(Acceptor=3, Value=2, Ballot=2), batch=4096),
    "broken paxos, symmetric": Case(lambda: ForgottenVote(Acceptor=3, Value=2, Ballot=2), symmetry=True),
    "broken paxos, on disk": Case(
        lambda: SmallestVote(Acceptor=3, Value=2, Ballot=3), Limits(memory=3 * MIB), batch=20_000
    ),
    "two-phase commit": Case(lambda: TwoPhase(ResourceManager=6)),
}  # fmt: skip


def tell(explore: Callable[[], Result]) -> dict[str, object]:
    """All that is told of a model, the counterexample included, or the error."""
    try:
        result = explore()
    except RatifiedError as problem:
        return {"error": str(problem)}
    violation = result.violation
    return {
        **told(result),
        "verdicts": [(p.name, p.verdict) for p in result.properties],
        "stopped": result.stopped,
        "run": list(trace_lines(violation.trace)) if violation else None,
    }


def alone(case: Case) -> dict[str, object]:
    """What a single process tells."""
    return tell(
        lambda: check_native(
            case.model(),
            limits=replace(case.limits, memory=None),
            symmetry=case.symmetry,
            deadlock=case.deadlock,
            flags=case.flags,
        )
    )


def together(world: RankWorld, case: Case, checkpoint: Path | None = None) -> dict[str, object]:
    """What several tell."""
    options = RankOptions(case.threads, checkpoint, 0.0, case.batch, case.flags)
    return tell(
        lambda: check_on_ranks(
            case.model(),
            world,
            limits=case.limits,
            symmetry=case.symmetry,
            deadlock=case.deadlock,
            options=options,
        )
    )


def generated(seeds: range, folder: Path, *, symmetry: bool) -> Iterator[tuple[int, Case]]:
    """Random models without claims about whole runs, which ranks do not check."""
    for seed in seeds:
        try:
            model = load(random_model(seed), folder)
        except RatifiedError:
            continue
        if not liveness_claims(model.module):
            limits = Limits(states=20_000)
            yield seed, Case(lambda m=model: m, limits, symmetry, flags=("-O0",), batch=64 * (1 + seed % 3))  # type: ignore[misc]


def walked(world: RankWorld, model: Model) -> str:
    """What random runs of a model come to, as a report: of what they check, and of what is measured of them by each engine."""
    found: list[str] = []
    for runs in (1, 40):
        with answered(found):
            found.append(simulation_json("m", simulate_on_ranks(model, world, runs=runs, length=9, seed=5)))
        with answered(found):
            found.append(measured_json("m", measure(model, "mean: steps", runs=runs, length=9, world=world)))
    return "\n".join(found)


@contextmanager
def answered(found: list[str]) -> Iterator[None]:
    """Take an error for an answer."""
    try:
        yield
    except RatifiedError as problem:
        found.append(str(problem))


def walks(folder: Path) -> Iterator[tuple[str, Model]]:
    """Models to walk through: some violate a claim in a run or other, some have no answer in one."""
    yield "broken paxos", SmallestVote(Acceptor=3, Value=2, Ballot=3)
    yield "small paxos", ForgottenVote(Acceptor=2, Value=2, Ballot=2)
    for seed in WALKED_SEEDS:
        with suppress(RatifiedError):
            yield f"model {seed}", load(random_model(seed), folder)


def resumed(world: RankWorld, folder: Path) -> list[ExplorationCounts]:
    """Stops after some levels, and goes on with what is in the folder; by hand, so that there is nothing to compile."""
    found = []
    loaded = program("paxos", BALLOTS=3)
    for limits in (Limits(depth=9), Limits(depth=17), Limits()):
        options = RunOptions(threads=1, limits=limits, checkpoint_seconds=0.0)
        with Rank(loaded, options, world.rank, world.size, 500) as rank:
            checkpoint = Checkpoint(folder, world, loaded, options)
            found.append(RankedSearch(world, rank, options, checkpoint).run()[0])
            checkpoint.close()
    return found


def single(name: str, **macros: int) -> ExplorationCounts:
    """A program explored by a single process."""
    with NativeExploration(program(name, **macros), RunOptions(threads=1)) as exploration:
        return exploration.run()


def main(file: Path, folder: Path) -> None:
    """Explore all cases as one rank."""
    everybody = join()
    with tempfile.TemporaryDirectory() as own:
        # Places are compared, so rank 0 has the files where the test has them.
        models = folder if everybody.rank == 0 else Path(own)
        cases = dict(CASES)
        for symmetry, seeds in ((False, SEEDS), (True, SYMMETRIC_SEEDS)):
            for seed, case in generated(seeds, models, symmetry=symmetry):
                cases[f"model {seed} {symmetry}"] = case
        walked_models = list(walks(models))
        found: dict[int, dict[str, object]] = {}
        for ranks in RANKS:
            some = join(MPI.Intracomm(MPI.COMM_WORLD.Split(everybody.rank < ranks)))
            if everybody.rank < ranks:
                found[ranks] = {
                    **{f"maze {seed}": explored_maze(some, seed) for seed in MAZES},
                    **{name: together(some, case) for name, case in cases.items()},
                    **{f"walks of {name}": walked(some, model) for name, model in walked_models},
                    "resumed": resumed(some, folder / f"left by {ranks}"),
                }
            everybody.gather(None)
    if everybody.rank == 0:
        file.write_bytes(pickle.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
