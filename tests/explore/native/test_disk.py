"""Less memory than the states want, a process killed at any moment, and disks that fail."""

from __future__ import annotations

import ctypes
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ratified.explore.native.driver import ExplorationCounts, NativeExploration, RunOptions, Stop
from ratified.explore.native.library import NativeError
from ratified.results.result import Limits
from tests.explore.native import maze as oracle
from tests.explore.native.maze import Maze
from tests.explore.native.programs import maze_program, program
from tests.explore.native.test_counts import agree, random_maze

MIB = 1 << 20
SIGKILL = 9


def run(name: str, options: RunOptions, **macros: int) -> ExplorationCounts:
    with NativeExploration(program(name, **macros), options) as exploration:
        return exploration.run()


def counts(outcome: ExplorationCounts) -> tuple[object, ...]:
    """What does not depend on threads, memory, or how often a run was interrupted."""
    return tuple(
        getattr(outcome, name)
        for name in (
            "distinct",
            "generated",
            "depth",
            "out_degree",
            "fired",
            "new",
            "left",
            "constrained",
            "finding",
            "stopped",
        )
    )


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("memory", [2 * MIB, 3 * MIB])
def test_less_memory_than_it_wants(threads: int, memory: int, tmp_path: Path) -> None:
    whole = run("paxos", RunOptions(threads=1), BALLOTS=3)
    assert whole.memory > 2 * memory * 9 / 10
    spilled = run(
        "paxos", RunOptions(threads=threads, limits=Limits(memory=memory), spill=tmp_path), BALLOTS=3
    )
    assert counts(spilled) == counts(whole)
    assert spilled.disk == whole.distinct * 16
    assert spilled.memory <= memory
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("depth", "stopped"), [(25, None), (24, Stop.DEPTH)])
def test_a_depth_limit_on_disk(depth: int, stopped: Stop | None, tmp_path: Path) -> None:
    """Looking behind the limit leaves no trace: neither in the counts, nor in the checkpoint."""
    whole = run("paxos", RunOptions(limits=Limits(depth=depth)), BALLOTS=3)
    options = RunOptions(
        limits=Limits(depth=depth, memory=2 * MIB), spill=tmp_path, checkpoint=tmp_path / "c"
    )
    assert counts(run("paxos", options, BALLOTS=3)) == counts(whole)
    assert whole.stopped is stopped
    resumed = run("paxos", replace(options, limits=Limits(memory=2 * MIB)), BALLOTS=3)
    assert counts(resumed) == counts(run("paxos", RunOptions(), BALLOTS=3))
    assert resumed.resumed


def test_many_runs_in_a_level(tmp_path: Path) -> None:
    """So little memory that a level's candidates are written in many runs and merged in many pieces."""
    limits = Limits(memory=1_500_000)
    whole = run("twophase", RunOptions(), MANAGERS=7)
    assert counts(
        run("twophase", RunOptions(threads=2, limits=limits, spill=tmp_path), MANAGERS=7, RX_RECENT_LOG=4)
    ) == counts(whole)


@pytest.mark.sampled(every=3)
@pytest.mark.parametrize("seed", range(25))
def test_any_maze_on_disk(seed: int, tmp_path: Path) -> None:
    """On disk from the first level: `RX_BATCH` and the recent cache are small, so that the least possible memory is little."""
    maze = replace(random_maze(seed), nodes=6000, span=(5, 900)[seed % 2])
    expected = oracle.explore(maze, 2, deadlock=True)
    for threads in (1, 2):
        loaded = maze_program(maze, 2, RX_BATCH=16, RX_RECENT_LOG=4)
        options = RunOptions(
            threads=threads, deadlock=True, limits=Limits(memory=600_000 * threads), spill=tmp_path
        )
        with NativeExploration(loaded, options) as exploration:
            outcome = exploration.run()
        agree(outcome, expected)
        assert outcome.stopped is None


def test_a_counterexample_from_disk(tmp_path: Path) -> None:
    options = RunOptions(threads=2)
    whole = run("paxos", options, BALLOTS=4, BROKEN=1)
    spilled = run(
        "paxos", replace(options, limits=Limits(memory=2 * MIB), spill=tmp_path), BALLOTS=4, BROKEN=1
    )
    assert spilled.disk
    assert counts(spilled) == counts(whole)


def test_the_graph_is_refused_on_disk(tmp_path: Path) -> None:
    with NativeExploration(
        program("paxos", BALLOTS=3), RunOptions(limits=Limits(memory=2 * MIB), spill=tmp_path)
    ) as exploration:
        exploration.run()
        with pytest.raises(NativeError, match="does not fit into memory"):
            exploration.graph()


def test_a_full_disk(tmp_path: Path) -> None:
    options = RunOptions(threads=2, limits=Limits(memory=2 * MIB), spill=tmp_path)
    loaded = program("paxos", BALLOTS=3, RX_TESTING=1)
    for operation in (1, 2, 20):
        loaded.library.rx_test_files(ctypes.c_int64(operation), ctypes.c_int64(0))
        with NativeExploration(loaded, options) as exploration:
            outcome = exploration.run()
        assert (outcome.stopped, outcome.finding) == (Stop.DISK, None)
        assert outcome.message.endswith("No space left on device")
        assert 0 < outcome.distinct < 185_369
    loaded.library.rx_test_files(ctypes.c_int64(0), ctypes.c_int64(0))


def test_resuming_after_a_full_disk(tmp_path: Path) -> None:
    whole = run("paxos", RunOptions(), BALLOTS=3)
    loaded = program("paxos", BALLOTS=3, RX_TESTING=1)
    for memory in (None, 2 * MIB):
        folder = tmp_path / f"checkpoint-{memory}"
        options = RunOptions(
            limits=Limits(memory=memory), spill=tmp_path, checkpoint=folder, checkpoint_seconds=0
        )
        for operation in (3, 17, 31, 41):
            loaded.library.rx_test_files(ctypes.c_int64(operation), ctypes.c_int64(0))
            with NativeExploration(loaded, options) as exploration:
                assert exploration.run().stopped is Stop.DISK
        loaded.library.rx_test_files(ctypes.c_int64(0), ctypes.c_int64(0))
        with NativeExploration(loaded, options) as exploration:
            outcome = exploration.run()
        assert outcome.resumed
        assert counts(outcome) == counts(whole)


def test_more_initial_states_than_memory_holds(tmp_path: Path) -> None:
    maze = Maze(seed=31, nodes=60_000, span=60_000, starts=90_000, dead_modulus=2)
    expected = oracle.explore(maze)
    options = RunOptions(threads=1, limits=Limits(memory=700_000), spill=tmp_path)
    with NativeExploration(maze_program(maze, RX_BATCH=16, RX_RECENT_LOG=4), options) as exploration:
        outcome = exploration.run()
    assert outcome.disk
    agree(outcome, expected)


def test_a_spill_folder_that_is_not_there(tmp_path: Path) -> None:
    options = RunOptions(limits=Limits(memory=2 * MIB), spill=tmp_path / "missing")
    with NativeExploration(program("paxos", BALLOTS=3), options) as exploration:
        outcome = exploration.run()
    assert outcome.stopped is Stop.DISK
    assert re.search(r"cannot make a file in .*missing", outcome.message)


@pytest.mark.parametrize("memory", [None, 2 * MIB])
@pytest.mark.parametrize("depth", [1, 12, 24])
def test_resuming(memory: int | None, depth: int, tmp_path: Path) -> None:
    whole = run("paxos", RunOptions(), BALLOTS=3)
    options = RunOptions(
        threads=2,
        limits=Limits(depth=depth, memory=memory),
        spill=tmp_path,
        checkpoint=tmp_path / "checkpoint",
    )
    first = run("paxos", options, BALLOTS=3)
    assert (first.stopped, first.depth, first.resumed) == (Stop.DEPTH, depth, False)
    second = run("paxos", replace(options, limits=Limits(memory=memory)), BALLOTS=3)
    assert second.resumed
    assert counts(second) == counts(whole)


@pytest.mark.parametrize(
    ("before", "after"), [(None, 2 * MIB), (2 * MIB, None), (2 * MIB, 4 * MIB), (None, 1_500_000)]
)
def test_resuming_with_another_memory(before: int | None, after: int | None, tmp_path: Path) -> None:
    whole = run("paxos", RunOptions(), BALLOTS=3)
    options = RunOptions(
        limits=Limits(depth=20, memory=before), spill=tmp_path, checkpoint=tmp_path / "checkpoint"
    )
    run("paxos", options, BALLOTS=3)
    second = run("paxos", replace(options, threads=1, limits=Limits(memory=after)), BALLOTS=3)
    assert second.resumed
    assert counts(second) == counts(whole)


def test_a_counterexample_after_resuming(tmp_path: Path) -> None:
    whole = run("paxos", RunOptions(), BALLOTS=3, BROKEN=1)
    options = RunOptions(limits=Limits(depth=7), checkpoint=tmp_path)
    run("paxos", options, BALLOTS=3, BROKEN=1)
    assert counts(run("paxos", replace(options, limits=Limits()), BALLOTS=3, BROKEN=1)) == counts(whole)


KILLED = """
import ctypes
import re, sys
from pathlib import Path
from ratified.explore.native.driver import NativeExploration, RunOptions
from ratified.results.result import Limits
from tests.explore.native.maze import Maze
from tests.explore.native.programs import program
loaded = program("paxos", BALLOTS=3, RX_TESTING=1)
folder, memory, kill_in = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
loaded.library.rx_test_files(ctypes.c_int64(0), ctypes.c_int64(kill_in))
options = RunOptions(limits=Limits(memory=memory or None), spill=folder, checkpoint=folder / "checkpoint", checkpoint_seconds=0)
with NativeExploration(loaded, options) as exploration:
    exploration.run()
"""


@pytest.mark.parametrize("memory", [0, 2 * MIB])
def test_killed_again_and_again(memory: int, tmp_path: Path) -> None:
    """Killed at its n-th operation on a file, n growing until a run gets to the end; each goes on from the last checkpoint."""
    whole = run("paxos", RunOptions(), BALLOTS=3)
    root = Path(__file__).parents[3]
    kill_in, runs = 1, 0
    while True:
        command = [sys.executable, "-c", KILLED, str(tmp_path), str(memory), str(kill_in)]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        runs += 1
        if done.returncode == 0:
            break
        assert done.returncode == -SIGKILL, done.stderr
        kill_in += 1 if runs < 8 else 12
    assert runs > 10
    options = RunOptions(
        limits=Limits(memory=memory or None), spill=tmp_path, checkpoint=tmp_path / "checkpoint"
    )
    outcome = run("paxos", options, BALLOTS=3)
    assert outcome.resumed
    assert counts(outcome) == counts(whole)


def test_another_models_checkpoint(tmp_path: Path) -> None:
    run("paxos", RunOptions(limits=Limits(depth=5), checkpoint=tmp_path), BALLOTS=3)
    for other in (program("paxos", BALLOTS=2), program("twophase", MANAGERS=3)):
        with pytest.raises(
            NativeError, match=r'is of another model, size or version: it says "paxos 3 2 3 0", this is'
        ):
            NativeExploration(other, RunOptions(checkpoint=tmp_path))
    with pytest.raises(NativeError, match="was made by a check of other properties"):
        NativeExploration(program("paxos", BALLOTS=3), RunOptions(checkpoint=tmp_path, deadlock=True))


def test_a_checkpoint_in_use(tmp_path: Path) -> None:
    options = RunOptions(checkpoint=tmp_path)
    with (
        NativeExploration(program("paxos", BALLOTS=2), options),
        pytest.raises(NativeError, match="is in use by another process"),
    ):
        NativeExploration(program("paxos", BALLOTS=2), options)


@pytest.mark.parametrize("memory", [None, 2 * MIB])
def test_a_damaged_checkpoint(memory: int | None, tmp_path: Path) -> None:
    options = RunOptions(limits=Limits(depth=20, memory=memory), spill=tmp_path, checkpoint=tmp_path / "c")
    run("paxos", options, BALLOTS=3)
    states = next((tmp_path / "c").glob("states-*"))
    header = tmp_path / "c" / "header"
    kept = header.read_bytes()

    def refused(match: str) -> None:
        with pytest.raises(NativeError, match=match):
            NativeExploration(program("paxos", BALLOTS=3), options)

    for cut, match in (
        (10, "another version"),
        (len(kept) - 8, "damaged: its header"),
        (100, "damaged: its header"),
    ):
        header.write_bytes(kept[:cut])
        refused(match)
    header.write_bytes(kept[:700] + bytes([kept[700] ^ 1]) + kept[701:])
    refused("damaged: its header")
    header.write_bytes(kept)
    whole = states.read_bytes()
    states.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    refused("damaged: its states")
    states.write_bytes(whole[:5000])
    refused("cut short")
    states.unlink()
    refused("its states file is not there")


def test_a_checkpoint_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NativeError, match="cannot make the folder"):
        NativeExploration(program("paxos", BALLOTS=2), RunOptions(checkpoint=tmp_path / "file" / "below"))
