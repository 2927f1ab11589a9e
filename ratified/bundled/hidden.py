"""Bugs in state that only the timing of disks, snapshots and changes of configuration reach, and bugs that stop progress."""

from __future__ import annotations

from collections.abc import Mapping

from ratified.bundled.description import Bug

RAFT = {
    # Disks
    "truncated-still-durable": "what was durable is removed, and what comes in its place counts as durable",
    "truncated-still-written": "what was being written is removed, and its write vouches for what comes in its place",
    "unwritten-counted": "a leader counts entries of its own that are not on its disk",
    "any-write-persists-all": "a write that is durable vouches for those after it",
    "snapshot-not-durable": "a snapshot that is on disk counts for nothing",
    "own-vote-at-once": "a candidate counts its own vote before it is on disk",
    "own-vote-of-another-write": "a candidate counts its own vote once any write is on disk",
    "term-told-early": "a message names a term that is not on disk",
    "snapshot-vouched-early": "a follower says that it has a snapshot before it is on disk",
    "snapshot-before-cut": "a snapshot is on disk before the entries are gone that do not follow it",
    "suffix-not-cut": "entries that do not follow a snapshot stay on disk behind it",
    "vote-not-read-back": "a node that starts does not read its vote",
    "commits-its-log-at-start": "a node that starts takes all of its log for committed",
    "durable-beyond-its-write": "a write vouches for the next entry, too",
    # Snapshots
    "snapshot-drops-suffix": "a snapshot takes the entries with it that it does not cover",
    "snapshot-keeps-conflict": "entries stay behind a snapshot that do not follow it",
    "snapshot-without-state": "a snapshot is loaded without the state machine",
    "state-not-read-back": "a node that starts does not read the state machine of its snapshot",
    "snapshot-not-executed": "what a loaded snapshot stands for is executed again",
    "old-snapshot-loaded": "a snapshot is loaded of what has been executed long since",
    "snapshot-vouches-for-log": "a follower that has loaded a snapshot says that all of its log agrees",
    "snapshot-of-no-term": "the last entry that a loaded snapshot stands for has no term",
    "compaction-forgets-term": "the last entry that was compacted keeps the term of an earlier one",
    "compaction-drops-unapplied": "compaction takes entries that were not executed",
    "snapshot-of-last-term": "a snapshot has the term of the last entry of the log",
    "snapshot-sent-once": "a snapshot that was lost is not sent again",
    # Configurations
    "stays-joint": "a new leader stays in the joint configuration of the one before",
    "leaves-joint-early": "a joint configuration is left before it is committed",
    "leaves-joint-backwards": "a joint configuration is left for the old one",
    "leaves-joint-without-learners": "who learns is forgotten as a joint configuration is left",
    "removed-leader-stays": "a leader that is no member goes on leading",
    "two-changes-at-once": "a change begins before the last is committed",
    "learners-elect": "votes of learners count",
    "configuration-not-cut": "a configuration that was removed from the log stays in force",
    "configuration-not-read-back": "a node that starts does not look for configurations in its log",
    "snapshot-without-configuration": "a snapshot is loaded without its configuration",
    "snapshot-of-coming-configuration": "a snapshot has a configuration from after it",
    "compaction-drops-configuration": "compaction forgets configurations that come after it",
    "new-member-left-out": "a new member is sent nothing",
    "new-configuration-not-used": "a configuration in the log is not in force",
    # Progress
    "pre-vote-of-own-term": "a pre-vote is answered with one's own term",
    "quorum-never-checked": "a leader that nobody hears goes on leading",
    "followers-active-for-ever": "a leader takes those for there that have spoken once",
    "transfer-never-ends": "a leader hands over for ever to who does not take over",
    "transfer-never-begins": "who is to lead is not told so",
    "deaf-transferee": "who is told to lead does not",
    "hasty-hand-over": "a leader hands over to who lacks a part of its log",
    "rejection-waits-for-ever": "a leader that was rejected does not try what is before",
    "window-stays-full": "messages that were answered count as on their way",
    "no-heartbeats": "a leader that has nothing to say says nothing",
    "restless-follower": "who hears from its leader stands for election all the same",
    "timeouts-all-alike": "all wait equally long before they stand",
    "never-campaigns-again": "who stood in vain does not stand again",
    "reads-wait-for-ever": "a leader that was confirmed does not answer reads",
    "new-leader-reads-early": "a leader reads before it knows what is committed",
    "commit-not-told": "followers without new entries are not told what is committed",
    "commit-waits-for-all": "a leader commits what all voters have",
    "command-remembered-as-waiting": "a leader that led before takes a command for being on its way",
    "waits-for-what-was-lost": "a leader that led before answers for commands at the places of others",
}

MULTI_PAXOS = {
    "learned-before-known": "what is learned is written without saying that all before it is chosen",
    "votes-chosen-at-start": "a node that starts takes its votes for chosen",
    "promise-not-read-back": "a node that starts does not read its promise",
    "snapshot-without-state": RAFT["snapshot-without-state"],
    "state-not-read-back": RAFT["state-not-read-back"],
    "compaction-drops-votes": "compaction takes votes that come after the snapshot",
    "snapshot-not-executed": RAFT["snapshot-not-executed"],
    "never-repeats": "a leader does not repeat proposals that were lost",
    "quorum-never-checked": RAFT["quorum-never-checked"],
    "asks-once": "a node that lacks what is chosen does not ask again",
    "new-leader-reads-early": RAFT["new-leader-reads-early"],
    "batches-stay-on-the-way": "batches that were chosen count as on their way",
    "reads-wait-for-ever": RAFT["reads-wait-for-ever"],
}


def hidden(implementation: str, what: Mapping[str, str]) -> tuple[Bug, ...]:
    """Return these bugs, as they are planted in an implementation."""
    return tuple(Bug(name, told, planted_in=(implementation,)) for name, told in what.items())
