"""Snapshot isolation lets two transactions break what each of them keeps: write skew.

Berenson, Bernstein, Gray, Melton, O'Neil, O'Neil: *A critique of ANSI SQL isolation levels* (SIGMOD 1995), anomaly A5B.
A transaction reads a snapshot, and commits unless another has written the same item since. Two doctors are on call;
each may leave if the other is there. Each reads that both are, each writes an item of its own, and nobody is left.
`Serializable` looks at what was read as well (Cahill, Röhm, Fekete, SIGMOD 2008, in its plainest form).
"""

from __future__ import annotations

from typing import ClassVar, Literal

from ratified import Map, Model, Set, Sort, action, invariant, require

Phase = Literal["waiting", "running", "committed", "aborted"]


class Doctor(Sort):
    """Each leaves in a transaction of its own, which writes one item: whether the doctor is on call."""


class SnapshotIsolation(Model):
    """The first committer wins, of those that write the same item."""

    sizes: ClassVar = {"standard": {"Doctor": 2}}

    on_call: Map[Doctor, bool]
    phase: Map[Doctor, Phase]
    snapshot: Map[Doctor, Set[Doctor]]
    written_since: Map[Doctor, Set[Doctor]]

    def init(self) -> None:
        self.on_call = Map({d: True for d in Doctor})

    @action
    def begin(self, d: Doctor) -> None:
        """The transaction of doctor d begins, with a snapshot of who is on call."""
        require(self.phase[d] == "waiting")
        self.phase[d] = "running"
        self.snapshot[d] = Set(e for e in Doctor if self.on_call[e])

    @action
    def commit(self, d: Doctor) -> None:
        """Doctor d, who has seen another on call, leaves."""
        require(self.phase[d] == "running" and len(self.snapshot[d]) >= 2)
        require(not self.conflict(d))
        self.phase[d] = "committed"
        self.on_call[d] = False
        for e in Doctor:
            if self.phase[e] == "running":
                self.written_since[e].add(d)

    @action
    def abort(self, d: Doctor) -> None:
        """The transaction of doctor d is given up."""
        require(self.phase[d] == "running")
        self.phase[d] = "aborted"

    def conflict(self, d: Doctor) -> bool:
        """Whether what the transaction writes was written since it began."""
        return d in self.written_since[d]

    @invariant
    def somebody_is_on_call(self) -> bool:
        return any(self.on_call[d] for d in Doctor)


class Serializable(SnapshotIsolation):
    """What was read must not have been written either."""

    def conflict(self, d: Doctor) -> bool:
        return any(e in self.snapshot[d] for e in self.written_since[d])
