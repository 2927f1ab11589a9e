"""A checkpoint that is not whole, or not this run's, is refused with the name of what is wrong; so are ranks that differ."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

from ratified.explore import NativeOptions, check
from ratified.explore.native.driver import ExplorationCounts, RunOptions, Stop
from ratified.explore.ranks import Alone, RankOptions, check_on_ranks
from ratified.explore.ranks.checkpoint import Checkpoint
from ratified.explore.ranks.engine import _refuse_others
from ratified.explore.ranks.rank import Rank
from ratified.explore.ranks.search import RankedSearch
from ratified.explore.world import Box, Flight, Told, agree
from ratified.language.errors import RatifiedError
from ratified.models.paxos.paxos import Paxos
from ratified.results.result import Limits
from tests.explore.native.programs import program

T = TypeVar("T")


def explored(folder: Path, *, ballots: int = 2, **options: Any) -> ExplorationCounts:
    loaded = program("paxos", BALLOTS=ballots)
    run = RunOptions(threads=1, checkpoint_seconds=0.0, **options)
    with Rank(loaded, run, 0, 1, 500) as rank:
        checkpoint = Checkpoint(folder, Alone(), loaded, run)
        try:
            return RankedSearch(Alone(), rank, run, checkpoint).run()[0]
        finally:
            checkpoint.close()


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run left after nine levels."""
    folder = tmp_path_factory.mktemp("left") / "c"
    assert explored(folder, limits=Limits(depth=9)).stopped is Stop.DEPTH
    return folder


@pytest.fixture
def own(left: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(left, tmp_path / "c"))


def refused(folder: Path, **options: Any) -> str:
    with pytest.raises(RatifiedError) as caught:
        explored(folder, **options)
    return str(caught.value).replace(str(folder), "C")


def test_a_file_a_rank_and_level(own: Path) -> None:
    names = {path.name for path in own.iterdir()}
    assert names == {"ranks", "lock", *(f"level-{k}.rank-0" for k in range(1, 10))}


def test_what_is_missing(own: Path) -> None:
    (own / "level-4.rank-0").unlink()
    assert refused(own) == "the checkpoint in C is incomplete: C/level-4.rank-0 is missing"


def test_what_is_torn(own: Path) -> None:
    path = own / "level-9.rank-0"
    path.write_bytes(path.read_bytes()[:-16])
    assert (
        refused(own) == "the checkpoint in C is incomplete: C/level-9.rank-0 does not have the right length"
    )


def test_a_state_that_was_changed(own: Path) -> None:
    path = own / "level-9.rank-0"
    text = bytearray(path.read_bytes())
    text[-1] ^= 1
    path.write_bytes(text)
    assert refused(own) == "the checkpoint in C is damaged: C/level-9.rank-0 does not match its checksum"


def test_a_file_of_something_else(own: Path) -> None:
    path = own / "level-2.rank-0"
    path.write_bytes(b"x" * path.stat().st_size)
    assert refused(own) == "the checkpoint in C is damaged: C/level-2.rank-0 is another file"


def test_a_file_of_another_run(own: Path, tmp_path: Path) -> None:
    explored(tmp_path / "other", limits=Limits(depth=9))
    shutil.copy(tmp_path / "other" / "level-3.rank-0", own)
    assert refused(own) == "the checkpoint in C is incomplete: C/level-3.rank-0 is of another run"


def test_a_list_that_was_changed(own: Path) -> None:
    path = own / "ranks"
    path.write_bytes(path.read_bytes().replace(b'"generated"', b'"generates"').replace(b"[[1]", b"[[2]"))
    assert refused(own) == "the checkpoint in C is damaged: C/ranks does not match its checksum"


def test_a_list_that_is_none(own: Path) -> None:
    (own / "ranks").write_text("something else\n")
    assert refused(own) == "the checkpoint in C is of another version, or none: C/ranks"


def test_another_model(own: Path) -> None:
    assert refused(own, ballots=3) == (
        "the checkpoint in C is of another model, size or version: "
        'it says "paxos 3 2 2 0", this is "paxos 3 2 3 0"'
    )


def test_other_properties(own: Path) -> None:
    assert refused(own, deadlock=True) == "the checkpoint in C was made by a check of other properties"


def test_a_folder_in_use(own: Path) -> None:
    loaded = program("paxos", BALLOTS=2)
    checkpoint = Checkpoint(own, Alone(), loaded, RunOptions())
    assert refused(own) == "the checkpoint in C is in use by another process"
    checkpoint.close()
    assert explored(own).distinct == 3_921


def test_what_a_single_process_left(tmp_path: Path) -> None:
    model = Paxos(Acceptor=3, Value=2, Ballot=2)
    check(model, engine="native", options=NativeOptions(checkpoint=tmp_path / "c"), limits=Limits(depth=9))
    with pytest.raises(RatifiedError) as caught:
        check_on_ranks(model, Alone(), options=RankOptions(checkpoint=tmp_path / "c"))
    assert str(caught.value).replace(str(tmp_path), "") == (
        "the checkpoint in /c was made by a single process\n  continue without --ranks, or name another folder"
    )


def test_a_single_process_goes_on(tmp_path: Path) -> None:
    """By the usual call, which finds that several ranks have been there."""
    model, folder = Paxos(Acceptor=3, Value=2, Ballot=2), tmp_path / "c"
    check_on_ranks(model, Alone(), limits=Limits(depth=9), options=RankOptions(checkpoint=folder))
    result = check(model, engine="native", options=NativeOptions(checkpoint=folder))
    assert result.notes == ("resumed from a checkpoint",)
    assert (result.distinct, result.depth) == (3_921, 17)


class Two:
    """The first of two ranks; what the other says is made from what this one does."""

    rank, size, host = 0, 2, "one"
    neighbours: tuple[int, ...] = (0,)

    def __init__(self, other: Callable[[Any], Any]) -> None:
        self._other = other

    def gather(self, mine: T) -> list[T]:
        return [mine, self._other(mine)]

    def tell(self, each: Sequence[Told]) -> list[Told]:
        raise NotImplementedError

    def send(self, box: Box, sizes: Sequence[int]) -> Flight:
        raise NotImplementedError

    def abort(self, status: int) -> None:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (
            lambda mine: (mine[0] + "0", mine[1] + ".1", "two"),
            "rank 1 of 2 on two runs Ratified 1.0.1, and rank 0 on one runs 1.0\n"
            "  install the same version on all machines",
        ),
        (
            lambda mine: (mine[0] + "0", mine[1], "two"),
            "rank 1 of 2 on two was asked to check something other than rank 0 on one\n"
            "  give all ranks the same command",
        ),
    ],
)
def test_ranks_that_differ(other: Callable[[Any], Any], says: str) -> None:
    with pytest.raises(RatifiedError) as caught:
        _refuse_others(Two(lambda mine: other(mine) if isinstance(mine, tuple) else mine), ("1.0", "Paxos"))
    assert str(caught.value) == says


def test_what_goes_wrong_on_all_is_told_once() -> None:
    with pytest.raises(RatifiedError, match=r"^no disk$"):
        agree(Two(lambda mine: mine), "no disk")
    with pytest.raises(RatifiedError, match=r"^rank 1 of 2 on two: no disk$"):
        agree(Two(lambda _: ("no disk", "two", True)), None)
