"""At which sizes the bundled models are held against TLC: all that are not named here at their smallest.

CI's take TLC a few seconds each. The larger ones, at which every broken variant is refuted that TLC can refute within minutes,
and those of the literature that it ends within a minute, are for the longer run: python -m tests.tla --large.
"""

from __future__ import annotations

from collections.abc import Mapping

from ratified.bundled import protocols
from ratified.cli.instances import sizes_of
from ratified.cli.loading import load

Size = Mapping[str, object]

_TWO = {"Server": 2, "Value": 1, "max_term": 2, "max_log": 1, "max_messages": 1}

_SHORT = {**_TWO, "max_log": 0}

_PLAIN = {name: False for name in ("pre_vote", "check_quorum", "transfer", "read_index", "sessions")}

SMALL: dict[str, Size] = {
    "paxos": {"Acceptor": 2, "Value": 2, "Ballot": 2},
    "flexible-paxos": {"Acceptor": 2, "Value": 2, "Ballot": 2},
    "multi-paxos": {"Acceptor": 1, "Value": 2, "Ballot": 2},
    "paxos-smallest-vote": {"Acceptor": 1, "Value": 2, "Ballot": 2},
    "raft": _TWO,
    "raft-elections": {**_SHORT, "calm": True, "pre_vote": False, "check_quorum": False},
    "raft-clients": {**_SHORT, "sessions": False},
    "raft-compaction": {**_TWO, "calm": True},
    "raft-membership": {**_TWO, "Value": 2, "calm": True},
    "raft-as-built": {**_TWO, "Value": 2, "calm": True, **_PLAIN},
    "raft-disturbed-follower": _SHORT,
    "raft-forgets-vote": _SHORT,
    "raft-torn-vote": _SHORT,
    "raft-stale-votes": _SHORT,
    "raft-stubborn-leader": _SHORT,
    "raft-shorter-history": _TWO,
    "raft-counted-old-entries": _TWO,
    "raft-commit-goes-back": _TWO,
    "raft-truncating-append": _TWO,
    "raft-kept-conflict": _TWO,
    "raft-counted-rejections": _TWO,
    "raft-match-goes-back": _TWO,
    "raft-next-behind-match": {**_TWO, "max_copies": 1},
    "raft-repeated-append": _TWO,
    "raft-lost-entry": _TWO,
    "raft-consenting-leader": {**_SHORT, "pre_vote": True},
    "raft-costly-pre-vote": _SHORT,
    "raft-hasty-transfer": _SHORT,
    "raft-unconfirmed-read": {**_SHORT, "read_index": True},
    "raft-repeated-command": {**_TWO, "sessions": True},
    "raft-append-for-snapshot": _TWO,
    "raft-snapshot-lowers-term": _TWO,
    "raft-hasty-change": {**_TWO, "Value": 2, "calm": True},
    "raft-union-majority": {**_TWO, "Value": 2, "calm": True},
}

_PAXOS: Size = {"Acceptor": 3, "Value": 2, "Ballot": 2}

LARGE: tuple[tuple[str, Size, bool], ...] = (
    *(("two-phase-commit", {"ResourceManager": n}, False) for n in (3, 4, 5, 6, 7, 8)),
    ("consensus", {"Value": 3}, False),
    ("voting", {**_PAXOS, "Ballot": 3}, False),
    ("voting", _PAXOS, True),
    ("paxos", _PAXOS, False),
    ("paxos", {**_PAXOS, "Ballot": 3}, False),
    ("paxos", _PAXOS, True),
    ("paxos", {**_PAXOS, "Ballot": 3}, True),
    ("flexible-paxos", _PAXOS, False),
    ("raft", {"Server": 2, "Value": 1, "max_term": 2, "max_log": 1, "max_messages": 2}, False),
    ("raft-stale-votes", {}, False),
    ("raft-stubborn-leader", {}, False),
    ("raft-commit-goes-back", {}, False),
    ("raft-truncating-append", {}, False),
    ("raft-counted-rejections", {}, False),
    ("raft-consenting-leader", {}, False),
    ("raft-repeated-command", {}, False),
)
"""Models with sizes, for the longer run, and whether states that differ by renaming count as one; where no size is said, the
smallest that the model names."""

_LONG = ("maglev", "ejection", "failover")

SERVICES: tuple[tuple[str, Size, bool], ...] = tuple(
    (model.name, sizes_of(load(model.name))["small" if model.name in _LONG else "standard"], False)
    for model in protocols["services"].models
)
"""The models of services at their standard sizes, and small where CPython takes minutes, of states that are all told apart."""
