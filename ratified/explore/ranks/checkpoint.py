"""Checkpoints of several ranks: a file a rank and level, and one that says which of them count.

A folder with `level-K.rank-R` (the states that rank R had of level K, behind a header), `ranks` (of which levels there are how
many files, all counters) and `lock`. Files are synced before `ranks` speaks of them, and `ranks` is replaced by renaming: a kill
at any moment leaves the last complete checkpoint. A file of a complete level is never written again. Who reads a file need not
be who wrote it: states find their ranks by their hash, as ever.

Guarantees: what is missing, torn, or of another run or model is refused with its name, by all ranks, before anything is explored.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ratified.explore.native.driver import ExplorationCounts, RunOptions
from ratified.explore.native.library import NativeError, NativeLibrary
from ratified.explore.ranks.rank import HEADER_WORDS, Rank, merge
from ratified.explore.world import RankWorld, agree

MANIFEST = "ranks"
"""The file that says which others count."""

_MAGIC = int.from_bytes(b"ratified", "little")
_VERSION = 1
_HEADER = struct.Struct("<8Q")
_PIECE = 1 << 20
"""Bytes that are read at once, about."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """Where a level was complete: what this rank had counted by then, and what all had taken and sent."""

    levels: int
    counted: ExplorationCounts
    seconds: float
    sent: int


class Checkpoint:
    """A folder, seen from one rank. `boundary` is the last complete level; `levels` is what each file of each level holds."""

    def __init__(self, folder: Path, world: RankWorld, program: NativeLibrary, options: RunOptions) -> None:
        """Take the folder, and read what it says. Collective.

        Raises:
            RatifiedError: it cannot be used, on every rank.
        """
        self.folder = folder
        self.levels: list[list[int]] = []
        self.boundary: Boundary | None = None
        self._world = world
        self._program = program
        self._options = options
        self._said: dict[str, Any] = {}
        self._run = 0
        self._at = time.perf_counter()
        self._took = 0.0
        self._lock: int | None = None
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        world = self._world
        agree(world, self._attempt(self._take) if world.rank == 0 else None, tell_who=False)
        self._see_the_same()
        agree(world, self._attempt(self._read) if world.rank == 0 else None, tell_who=False)
        self._said, self.levels, self._run = world.gather((self._said, self.levels, self._run))[0]
        agree(world, self._attempt(self._verify), tell_who=False)

    def close(self) -> None:
        """Give the folder back."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def refused(self, what: str) -> NativeError:
        """An error that says what is wrong with it."""
        return NativeError(f"the checkpoint in {self.folder} {what}")

    @property
    def seconds(self) -> float:
        """How long had been explored."""
        return float(self._said.get("seconds", 0.0))

    @property
    def sent(self) -> int:
        """The bytes that had been sent."""
        return int(self._said.get("sent", 0))

    # --- reading ---

    def _attempt(self, work: Any) -> str | None:
        """What goes wrong."""
        try:
            work()
        except NativeError as problem:
            return str(problem)
        except OSError as problem:
            return f"the checkpoint in {self.folder} cannot be used: {problem.filename}: {problem.strerror}"
        return None

    def _take(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise self.refused("is in use by another process") from None
        if (self.folder / "header").exists():
            raise NativeError(
                f"the checkpoint in {self.folder} was made by a single process",
                remedy="continue without --ranks, or name another folder",
            )

    def _see_the_same(self) -> None:
        """Rank 0 leaves a file, which every other rank has to find."""
        world = self._world
        if world.size == 1:
            return
        token = self.folder / f"shared-{secrets.token_hex(8)}"
        if world.rank == 0:
            agree(world, self._attempt(token.touch))
        else:
            agree(world, None)
        token = world.gather(token)[0]
        found = world.gather((token.exists(), world.host))
        if world.rank == 0:
            with suppress(OSError):
                token.unlink()
        without = [f"{rank} ({host})" for rank, (there, host) in enumerate(found) if not there]
        if without:
            raise NativeError(
                f"the checkpoint folder {self.folder} is not the same for all ranks: "
                f"what rank 0 ({found[0][1]}) writes there is not seen by rank {', '.join(without)}",
                remedy="name a folder on a file system that all machines share",
            )

    def _read(self) -> None:
        path = self.folder / MANIFEST
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            self._run = secrets.randbits(63)
            return
        first, _, body = text.partition(b"\n")
        if not first.startswith(b"ratified ranks "):
            raise self.refused(f"is of another version, or none: {path}")
        if first.split()[-1].decode() != hashlib.sha256(body).hexdigest():
            raise self.refused(f"is damaged: {path} does not match its checksum")
        said = json.loads(body)
        if said["version"] != _VERSION:
            raise self.refused(f"is of another version, or none: {path}")
        if said["model"] != self._program.digest:
            raise self.refused(
                f'is of another model, size or version: it says "{said["model"][:200]}", '
                f'this is "{self._program.digest[:200]}"'
            )
        if said["asked"] != self._asked():
            raise self.refused("was made by a check of other properties")
        self._said, self.levels, self._run = said, said["levels"], said["run"]

    def _asked(self) -> list[int]:
        options = self._options
        return [int(options.deadlock), options.witness, options.witness_step]

    def _verify(self) -> None:
        """Read this rank's part of all files through, once, before anything is explored."""
        width = 8 * self._program.words
        checksum = self._program.library.rx_rank_checksum
        for level, number in self._files():
            path, count = self._path(level, number), self.levels[level][number]
            try:
                file = path.open("rb")
            except FileNotFoundError:
                raise self.refused(f"is incomplete: {path} is missing") from None
            with file:
                head = file.read(_HEADER.size)
                if (
                    len(head) < _HEADER.size
                    or os.fstat(file.fileno()).st_size != _HEADER.size + count * width
                ):
                    raise self.refused(f"is incomplete: {path} does not have the right length")
                magic, version, run, at, of, _, states, total = _HEADER.unpack(head)
                if (magic, version) != (_MAGIC, _VERSION):
                    raise self.refused(f"is damaged: {path} is another file")
                if (run, at, of, states) != (self._run, level, number, count):
                    raise self.refused(f"is incomplete: {path} is of another run")
                found = 0
                while piece := file.read(_PIECE):
                    found = checksum(found, piece, len(piece) // 8)
                if found != total:
                    raise self.refused(f"is damaged: {path} does not match its checksum")

    def _files(self, level: int | None = None) -> Iterator[tuple[int, int]]:
        """The files (level, number) that this rank reads, of one level or of all."""
        every = [(k, r) for k, counts in enumerate(self.levels) for r in range(len(counts))]
        mine = every[self._world.rank :: self._world.size]
        return iter([file for file in mine if level is None or file[0] == level])

    def _path(self, level: int, number: int) -> Path:
        return self.folder / f"level-{level + 1}.rank-{number}"

    def pieces(self, level: int) -> Iterator[bytes]:
        """The states in this rank's files of a level, some at a time."""
        width = 8 * self._program.words
        most = max(_PIECE // width, 1) * width
        for _, number in self._files(level):
            with self._path(level, number).open("rb") as file:
                file.seek(_HEADER.size)
                while piece := file.read(most):
                    yield piece

    def counters(self) -> tuple[list[int], tuple[list[int], ...]]:
        """What this rank begins to count from: rank 0 with everything, the others with nothing."""
        said = self._said
        counts = tuple(said[name] for name in ("fired", "new", "left", "constrained"))
        if self._world.rank == 0:
            return said["numbers"], counts
        return [0, 0, 0, 0, *self._asked()[1:]], tuple([0] * len(some) for some in counts)

    # --- writing ---

    def due(self) -> bool:
        """Whether it is time for one: so that a twentieth of a run's time, about, goes into writing them."""
        return time.perf_counter() - self._at >= min(20 * self._took, self._options.checkpoint_seconds)

    def write(self, rank: Rank) -> str | None:
        """Write what this rank has of the levels that are not written yet; what went wrong."""
        assert self.boundary is not None
        begun = time.perf_counter()
        for level in range(len(self.levels), self.boundary.levels):
            header = (_MAGIC, _VERSION, self._run, level, self._world.rank, 0, 0, 0)
            assert len(header) == HEADER_WORDS
            try:
                rank.save(level, self._path(level, self._world.rank), header)
            except NativeError as problem:
                return problem.message
        self._took = time.perf_counter() - begun
        return None

    def commit(self) -> str | None:
        """Say that what all wrote counts. Collective; what went wrong, on rank 0."""
        boundary = self.boundary
        assert boundary is not None
        sizes = self._world.gather([self._size(k) for k in range(len(self.levels), boundary.levels)])
        levels = [*self.levels, *(list(counts) for counts in zip(*sizes, strict=True))]
        counted = self._world.gather(boundary.counted)
        problem = None
        if self._world.rank == 0:
            problem = self._replace(levels, merge(counted), boundary)
        if self._world.gather(problem)[0] is None:
            self.levels = levels
            self._at = time.perf_counter()
        return problem

    def _size(self, level: int) -> int:
        """The states in a file that this rank wrote."""
        return (self._path(level, self._world.rank).stat().st_size - _HEADER.size) // (
            8 * self._program.words
        )

    def _replace(self, levels: list[list[int]], counted: ExplorationCounts, boundary: Boundary) -> str | None:
        least, _, most = counted.out_degree
        said = {
            "version": _VERSION,
            "run": self._run,
            "model": self._program.digest,
            "asked": self._asked(),
            "levels": levels,
            "numbers": [
                counted.generated, counted.expanded, least, most,
                counted.unwitnessed, counted.unwitnessed_step,
            ],
            "fired": counted.fired,
            "new": counted.new,
            "left": counted.left,
            "constrained": counted.constrained,
            "seconds": boundary.seconds,
            "sent": boundary.sent,
        }  # fmt: skip
        body = json.dumps(said).encode()
        path, new = self.folder / MANIFEST, self.folder / f"{MANIFEST}.new"
        try:
            with new.open("wb") as file:
                file.write(b"ratified ranks " + hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
        except OSError as problem:
            return f"cannot write {new}: {problem.strerror}"
        with suppress(OSError):
            folder = os.open(self.folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        return None
