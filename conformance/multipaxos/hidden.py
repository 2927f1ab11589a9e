"""Bugs of Multi-Paxos in state that only the timing of disks and snapshots reach, and bugs that stop progress.

Each is an edit of the source of one method. They were written down before anybody looked which of them are caught.
"""

from __future__ import annotations

from collections.abc import Mapping

from ratified.conform.mutants import Edit, Mutant

STATE = "ratified.impl.multipaxos.state:State"
CORE = "ratified.impl.multipaxos.core:MultiPaxosCore"
ACCEPTOR = "ratified.impl.multipaxos.acceptor:Acceptor"
CANDIDATE = "ratified.impl.multipaxos.candidate:Candidate"
LEADER = "ratified.impl.multipaxos.leader:Leader"
LEARNER = "ratified.impl.multipaxos.learner:Learner"


def edit(place: str, before: str, after: str) -> Mutant:
    """A bug of one edit."""
    return Mutant(((place, Edit(before, after)),))


HIDDEN: Mapping[str, Mutant] = {
    "learned-before-known": edit(f"{STATE}.learn", "self.keep()", "pass"),
    "votes-chosen-at-start": edit(
        f"{STATE}.__init__",
        "while isinstance(self.entries.get(self.chosen + 1), Learned):",
        "while self.entries.get(self.chosen + 1) is not None:",
    ),
    "promise-not-read-back": edit(f"{STATE}.__init__", "= self._record.promised", "= NO_BALLOT"),
    "snapshot-without-state": edit(
        f"{LEARNER}.on_install", "self.sessions.restore(snapshot.sessions, snapshot.state)", "pass"
    ),
    "state-not-read-back": edit(
        f"{LEARNER}.__init__", "self.sessions.restore(state.snapshot.sessions, state.snapshot.state)", "pass"
    ),
    "compaction-drops-votes": edit(f"{STATE}.compact", "if slot <= snapshot.index - trailing", ""),
    "snapshot-not-executed": edit(f"{LEARNER}.on_install", "self.applied = snapshot.index", "pass"),
    "never-repeats": edit(f"{LEADER}.tick", "self._repeat()", "pass"),
    "quorum-never-checked": edit(f"{LEADER}.tick", "(self.is_followed() or not config.check_quorum)", "True"),
    "asks-once": edit(f"{LEARNER}.tick", "self.ask()", "pass"),
    "new-leader-reads-early": edit(
        f"{LEADER}._heartbeat", "max(self._state.chosen, self._recovered)", "self._state.chosen"
    ),
    "batches-stay-on-the-way": edit(f"{LEADER}.advance", "self._batches.popleft()", "break"),
    "reads-wait-for-ever": edit(f"{CORE}._settle", "self._leading.serve()", "pass"),
}
