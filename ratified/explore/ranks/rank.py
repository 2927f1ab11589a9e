"""One rank's share of an exploration: the C explorer between two exchanges (`native/ranks.h`).

Guarantees: nothing here talks to other ranks, and nothing here decides; `search.py` does both.
"""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ratified.explore.native.driver import (
    ExplorationCounts,
    NativeExploration,
    NativeFinding,
    Packed,
    RunOptions,
)
from ratified.explore.native.library import NativeError, NativeLibrary, RankStatusStruct
from ratified.explore.world import Box

HEADER_WORDS = 8
"""Of a level's file: what it is, of which run, level and rank, how many states, their checksum."""


@dataclass(frozen=True, slots=True)
class RankStatus:
    """How far a rank is: states of the level that are not expanded, states and transitions so far, why it has to stop."""

    left: int
    distinct: int
    generated: int
    stopping: int
    abandoned: bool


class Rank(NativeExploration):
    """An exploration that is one rank of several. `wanted` records for one rank end a round."""

    def __init__(
        self, program: NativeLibrary, options: RunOptions, rank: int, ranks: int, wanted: int
    ) -> None:
        super().__init__(program, replace(options, checkpoint=None))
        self.rank, self.ranks = rank, ranks
        self.library = program.library
        self.record: int = self.library.rx_rank_record()
        self._read = RankStatusStruct()
        if self.library.rx_rank_open(self._handle, rank, ranks, wanted):
            self.close()
            raise NativeError(
                "not enough memory to start exploring",
                remedy="free some memory, or raise the limit on address space (ulimit -v)",
            )

    @property
    def status(self) -> RankStatus:
        """How far it is; while it is at work, too."""
        seen = self._read
        self.library.rx_rank_read(self._handle, ctypes.byref(seen))
        return RankStatus(seen.left, seen.distinct, seen.generated, seen.stopping, bool(seen.abandoned))

    @property
    def message(self) -> str:
        """What went wrong with files."""
        return self._message()

    def ask_to_stop(self) -> None:
        """Stop as if interrupted; may be called from anywhere."""
        self.library.rx_ask_to_stop(self._handle)

    def stop(self, why: int) -> None:
        """Stop for this reason."""
        self.library.rx_rank_stop(self._handle, why)

    # --- a level ---

    def initial(self) -> None:
        """The initial states that are its own."""
        self.library.rx_rank_initial(self._handle)

    def begin(self, *, closing: bool, given: bool) -> None:
        """Begin a level: what follows the newest, or what is `given` from files."""
        self.library.rx_rank_begin(self._handle, closing, given)

    def expand(self, box: int) -> None:
        """One round."""
        self.library.rx_rank_expand(self._handle, box)

    def receive(self, address: int, size: int) -> None:
        """Take the records that others sent."""
        self.library.rx_rank_receive(self._handle, address, size // self.record)

    def give(self, box: int, states: bytes) -> None:
        """Take states from a file: those of others go into the box."""
        self.library.rx_rank_give(self._handle, box, states, len(states) // (8 * self.program.words))

    def again(self, *, given: bool) -> None:
        """Do the level again, from its beginning."""
        self.library.rx_rank_again(self._handle, given)

    def finish(self) -> int:
        """End the level: how many states of it are new here."""
        return int(self.library.rx_rank_finish(self._handle))

    def keep(self, fresh: int) -> None:
        """The level is one."""
        self.library.rx_rank_keep(self._handle, fresh)

    def forget(self) -> None:
        """The level lies behind the depth limit: nothing of it counts."""
        self.library.rx_rank_forget(self._handle)

    def box(self, which: int) -> Box:
        """What it has for others."""
        if self.ranks == 1:
            return Box((0,), (0,))
        counts = self.library.rx_rank_counts(self._handle, which)[: self.ranks]
        starts = tuple(self.library.rx_rank_box(self._handle, which, k) for k in range(self.ranks))
        return Box(starts, tuple(count * self.record for count in counts))

    # --- what was found ---

    @property
    def finding(self) -> bytes | None:
        """What it found, as it is in memory."""
        found = self.library.rx_rank_finding(self._handle)
        raw = ctypes.string_at(found, ctypes.sizeof(self.program.found_type))
        return raw if self.program.found_type.from_buffer_copy(raw).kind else None

    def adopt(self, finding: bytes) -> None:
        """Take what another rank found, if it comes first."""
        self.library.rx_rank_adopt(self._handle, finding)

    def found(self) -> Any:
        """What is the first of all that was found."""
        found = self.program.found_type()
        ctypes.memmove(ctypes.byref(found), self.library.rx_rank_finding(self._handle), ctypes.sizeof(found))
        return found

    def untraced(self) -> NativeFinding | None:
        """The same, without a run to it; None if nothing was found."""
        return self._finding(self.found(), traced=False)

    def back(self, level: int, target: Packed) -> Packed | None:
        """The smallest of its states of a level that leads to `target`."""
        words = (ctypes.c_uint64 * self.program.words)(*target)
        return tuple(words) if self.library.rx_rank_back(self._handle, level, words) else None

    def forward(self, representatives: Sequence[Packed]) -> NativeFinding:
        """The run along one state of each level. Raises NativeError."""
        flat = [word for state in representatives for word in state]
        if representatives and not self.library.rx_rank_forward(
            self._handle, (ctypes.c_uint64 * len(flat))(*flat)
        ):
            raise NativeError("a violation was found, but its run could not be read back")
        found = self._finding(self.found())
        assert found is not None
        return found

    def counted(self) -> ExplorationCounts:
        """What it counted; without what was found."""
        return self._outcome(with_finding=False)

    # --- files ---

    def save(self, level: int, path: Path, header: Sequence[int]) -> None:
        """Write what it has of a level. Raises NativeError."""
        words = (ctypes.c_uint64 * HEADER_WORDS)(*header)
        if self.library.rx_rank_save(self._handle, level, bytes(path), words, HEADER_WORDS):
            raise NativeError(self.message)

    def checksum(self, so_far: int, states: bytes) -> int:
        """Of packed states, piece by piece."""
        return int(self.library.rx_rank_checksum(so_far, states, len(states) // 8))

    def count_from(self, numbers: Sequence[int], counts: Sequence[Sequence[int]]) -> None:
        """Let the counters say what a checkpoint says."""
        given = [array("Q", [*some, 0]) for some in (numbers, *counts)]
        self.library.rx_rank_counters(
            self._handle,
            *((ctypes.c_uint64 * len(some)).from_buffer(some) for some in given),
        )


def merge(counted: list[ExplorationCounts]) -> ExplorationCounts:
    """What ranks counted, together."""
    first = counted[0]

    def added(name: str) -> tuple[int, ...]:
        return tuple(map(sum, zip(*(getattr(one, name) for one in counted), strict=True)))

    expanded = sum(one.expanded for one in counted)
    fired = added("fired")
    degrees = [one.out_degree for one in counted if one.expanded]
    least = min((low for low, _, _ in degrees), default=0)
    most = max((high for _, _, high in degrees), default=0)
    mean = min(max(sum(fired) / expanded if expanded else 0.0, least), most)
    missing, missing_step = first.unwitnessed, first.unwitnessed_step
    for one in counted:
        missing, missing_step = missing & one.unwitnessed, missing_step & one.unwitnessed_step
    return replace(
        first,
        distinct=sum(one.distinct for one in counted),
        generated=sum(one.generated for one in counted),
        out_degree=(least, mean, most),
        fired=fired,
        new=added("new"),
        left=added("left"),
        constrained=added("constrained"),
        unwitnessed=missing,
        unwitnessed_step=missing_step,
        memory=sum(one.memory for one in counted),
        disk=sum(one.disk for one in counted),
        threads=sum(one.threads for one in counted),
        expanded=expanded,
    )
