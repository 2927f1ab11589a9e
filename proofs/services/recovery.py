"""Why all that was acknowledged is there after any crash, for every number of processes and entries.

Nothing is acknowledged that is not on disk, and what is on disk is in the memory of the process that has the folder: so what it
writes next holds all of it.
"""

from __future__ import annotations

from typing import ClassVar

from ratified.models.services.recovery import Entry, Process, Recovery
from ratified.smt.script import Goals, lemma


class RecoverySafety(Recovery):
    """A log in a folder with one owner."""

    goals: ClassVar[Goals] = {
        "one_owner": ("one_at_a_time",),
        "nothing_acknowledged_is_taken_back": (),
    }

    @lemma(uses=())
    def one_at_a_time(self) -> bool:
        """At most one process runs."""
        return all(p == q for p in self.running for q in self.running)

    @lemma(uses=("one_at_a_time",))
    def the_owner_knows_the_disk(self) -> bool:
        """What is on disk is in the memory of the process that runs."""
        return all(e in self.memory[p] for p in Process if p in self.running for e in Entry if e in self.disk)

    @lemma(uses=("the_owner_knows_the_disk",))
    def acknowledged_is_durable(self) -> bool:
        """What a client was told is there, whatever crashes now."""
        return super().acknowledged_is_durable()
