"""Which run caught which bug of Multi-Paxos the last time that somebody looked: it is tried first, and decides nothing else.

Bugs that are not here are caught by the reference alone, as far as runs go.
"""

from __future__ import annotations

from collections.abc import Mapping

CAUGHT: Mapping[str, str] = {
    "stale-promise": "stress 1",
    "ignores-promise": "chaos 1",
    "ignores-votes": "stress 0",
    "smallest-vote": "stress 2",
    "half-quorums": "chaos 0",
    "learns-older-vote": "chaos 2",
    "last-vote-dropped": "chaos 0",
    "forgotten-promise": "chaos 0",
    "forgotten-vote": "chaos 1",
    "answered-early": "chaos 0",
    "sessions-not-kept": "chaos 14",
    "learned-before-known": "stress 3",
    "votes-chosen-at-start": "stress 2",
    "promise-not-read-back": "chaos 0",
    "snapshot-without-state": "stress 6",
    "state-not-read-back": "stress 6",
    "compaction-drops-votes": "chaos 0",
    "snapshot-not-executed": "stress 0",
    "never-repeats": "stress 2",
    "quorum-never-checked": "stress 1",
    "asks-once": "stress 0",
    "batches-stay-on-the-way": "stress 0",
    "reads-wait-for-ever": "stress 0",
}
