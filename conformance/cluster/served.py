"""A node's process under torture: `ratified serve` with a disk that can be slow, and a bug that may be planted.

    python -m ratified.conformance.cluster.served --parent [--plant NAME] CONFIG.toml

Bugs are those of the protocol's cores (`ratified.conformance.raft.mutants`, `multipaxos.mutants`), those of what is around
a core (`planted`), and `no-fsync`: what is written is acknowledged before it is on the disk, as if nobody had waited for it; what
a power cut would lose is lost when the process is killed.

Guarantees: without a bug, and without a file `slow` in the node's folder, it is what `ratified serve` is.
"""

from __future__ import annotations

import contextlib
import select
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ratified.conform.mutants import Mutant, planted
from ratified.impl.contract import Token, Write
from ratified.impl.runtime.errors import RuntimeFault
from ratified.impl.runtime.serve import logger, serve
from ratified.impl.runtime.settings import read_settings
from ratified.impl.runtime.storage import Failed, Storage, Told

SLOW = "slow"
"""A file of this name in a node's folder says for how many milliseconds each of its commits waits."""

NO_FSYNC = "no-fsync"
FLUSHED_EVERY = 0.5


def wait(seconds: float) -> None:
    """Wait. `time.sleep` raises OSError where libfaketime is loaded."""
    select.select([], [], [], seconds)


class SlowStorage(Storage):
    """A disk that is slow while it is told to be."""

    def commit(self, writes: Sequence[Write]) -> None:
        """Wait, then write."""
        with contextlib.suppress(OSError, ValueError):
            wait(min(2_000, int((self.path.parent / SLOW).read_text())) / 1000)
        super().commit(writes)


class UnsyncedStorage(SlowStorage):
    """A disk that says that it has what it may lose: it is flushed now and then."""

    def begin(self, told: Told, failed: Failed) -> None:
        """Begin; what is written is told at once, and not when it is there."""
        self._told_early = told
        super().begin(lambda _: None, failed)

    def write(self, token: Token, writes: Sequence[Write]) -> None:
        """Say that it is written."""
        super().write(token, writes)
        self._told_early(token)

    def commit(self, writes: Sequence[Write]) -> None:
        """Write it, some time."""
        wait(FLUSHED_EVERY)
        super().commit(writes)


def mutants(protocol: str, machine: str) -> Mapping[str, Mutant]:
    """Return the bugs that can be planted into nodes of a protocol and a state machine."""
    from ratified.conformance.cluster.planted import HOST, HOST_OF_RAFT, SERVER

    around = {**HOST, **(SERVER if machine == "etcd" else {})}
    if protocol == "raft":
        from ratified.conformance.raft.mutants import MUTANTS

        return {**MUTANTS, **HOST_OF_RAFT, **around}
    from ratified.conformance.multipaxos.mutants import MUTANTS

    return {**MUTANTS, **around}


def main(arguments: Sequence[str]) -> int:
    """Run a node; return the exit status."""
    words = list(arguments)
    plant = None
    if "--plant" in words:
        at = words.index("--plant")
        plant = words[at + 1]
        del words[at : at + 2]
    parent = "--parent" in words
    (file,) = (word for word in words if word != "--parent")
    try:
        settings = read_settings(Path(file))
    except RuntimeFault as fault:
        logger("?").error("not started", why=str(fault))
        return fault.status
    with contextlib.ExitStack() as stack:
        storage: Any = SlowStorage
        if plant == NO_FSYNC:
            storage = UnsyncedStorage
        elif plant is not None:
            stack.enter_context(planted(mutants(settings.protocol, settings.machine)[plant]))
        return serve(settings, parent=parent, storage=storage)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
