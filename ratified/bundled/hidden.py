"""Bugs in state that only the timing of disks, snapshots and changes of configuration reach, and bugs that stop progress."""

from __future__ import annotations

from collections.abc import Mapping

from ratified.bundled.description import Bug

RAFT = {
    # Disks
    "truncated-still-durable": "entries that were durable are truncated, and those that replace them count as durable",
    "truncated-still-written": "entries being written are truncated, and their write makes those that replace them durable",
    "unwritten-counted": "a leader counts its own entries before they are on its disk",
    "any-write-persists-all": "one durable write makes the writes after it count as durable",
    "snapshot-not-durable": "a snapshot that is on disk is not counted as durable",
    "own-vote-at-once": "a candidate counts its own vote before it is on disk",
    "own-vote-of-another-write": "a candidate counts its own vote once any write is on disk",
    "term-told-early": "a message names a term that is not on disk",
    "snapshot-vouched-early": "a follower acknowledges a snapshot before it is on disk",
    "snapshot-before-cut": "a snapshot is on disk before the entries it conflicts with are removed",
    "suffix-not-cut": "entries that conflict with a snapshot stay on disk after it",
    "vote-not-read-back": "a restarted node does not read its vote",
    "commits-its-log-at-start": "a restarted node takes all of its log as committed",
    "durable-beyond-its-write": "a write makes the next entry count as durable, too",
    # Snapshots
    "snapshot-drops-suffix": "loading a snapshot drops entries that it does not cover",
    "snapshot-keeps-conflict": "loading a snapshot keeps entries that conflict with it",
    "snapshot-without-state": "a snapshot is loaded without its state machine",
    "state-not-read-back": "a restarted node does not read the state machine of its snapshot",
    "snapshot-not-executed": "commands that a loaded snapshot covers are executed again",
    "old-snapshot-loaded": "a snapshot older than what has been executed is loaded",
    "snapshot-vouches-for-log": "a follower that has loaded a snapshot acknowledges all of its log",
    "snapshot-of-no-term": "the last entry that a loaded snapshot covers has no term",
    "compaction-forgets-term": "the last compacted entry gets the term of an earlier one",
    "compaction-drops-unapplied": "compaction drops entries that were not executed",
    "snapshot-of-last-term": "a snapshot gets the term of the last entry of the log",
    "snapshot-sent-once": "a lost snapshot is not sent again",
    # Configurations
    "stays-joint": "a new leader stays in the joint configuration of the one before",
    "leaves-joint-early": "a joint configuration is left before it is committed",
    "leaves-joint-backwards": "a joint configuration is left for the old configuration",
    "leaves-joint-without-learners": "learners are forgotten when a joint configuration is left",
    "removed-leader-stays": "a leader that was removed continues to lead",
    "two-changes-at-once": "a change begins before the previous one is committed",
    "learners-elect": "learners confirm that a leader still leads",
    "configuration-not-cut": "a configuration that was truncated from the log stays in force",
    "configuration-not-read-back": "a restarted node does not look for configurations in its log",
    "snapshot-without-configuration": "a snapshot is loaded without its configuration",
    "snapshot-of-coming-configuration": "a snapshot carries a configuration from after it",
    "compaction-drops-configuration": "compaction forgets configurations that follow it",
    "new-member-left-out": "a new member is sent nothing",
    "new-configuration-not-used": "a configuration in the log is not used",
    # Progress
    "pre-vote-of-own-term": "a pre-vote is answered with the voter's own term",
    "quorum-never-checked": "a leader that nobody hears continues to lead",
    "followers-active-for-ever": "a leader takes followers as active that answered once",
    "transfer-never-ends": "a leadership transfer to a node that does not take over never ends",
    "transfer-never-begins": "the target of a leadership transfer is not notified",
    "deaf-transferee": "the target of a leadership transfer does not stand for election",
    "hasty-hand-over": "a leader hands over to a node that lacks part of its log",
    "window-stays-full": "messages that were answered still count as in flight",
    "no-heartbeats": "a leader with nothing to replicate sends no heartbeats",
    "restless-follower": "a follower that hears from its leader stands for election all the same",
    "timeouts-all-alike": "all nodes wait equally long before they stand for election",
    "never-campaigns-again": "a candidate that was not elected does not stand again",
    "reads-wait-for-ever": "a leader that is confirmed does not answer its reads",
    "new-leader-reads-early": "a new leader answers reads before it knows what is committed",
    "commit-not-told": "followers without new entries are not told what is committed",
    "commit-waits-for-all": "a leader commits only what all voters have",
    "command-remembered-as-waiting": "a leader that has led before takes a command as still pending",
    "waits-for-what-was-lost": "a leader that has led before answers commands for others at their indices",
}

MULTI_PAXOS = {
    "learned-before-known": "a learned value is written without recording that all before it is chosen",
    "votes-chosen-at-start": "a restarted node takes its votes as chosen",
    "promise-not-read-back": "a restarted node does not read its promise",
    "snapshot-without-state": RAFT["snapshot-without-state"],
    "state-not-read-back": RAFT["state-not-read-back"],
    "compaction-drops-votes": "compaction drops votes for slots after the snapshot",
    "snapshot-not-executed": RAFT["snapshot-not-executed"],
    "never-repeats": "a leader does not send lost proposals again",
    "quorum-never-checked": RAFT["quorum-never-checked"],
    "asks-once": "a node that lacks what is chosen does not ask again",
    "new-leader-reads-early": RAFT["new-leader-reads-early"],
    "batches-stay-on-the-way": "batches that were chosen still count as in flight",
    "reads-wait-for-ever": RAFT["reads-wait-for-ever"],
}


def hidden(implementation: str, what: Mapping[str, str]) -> tuple[Bug, ...]:
    """Return these bugs, as they are planted in an implementation."""
    return tuple(Bug(name, told, planted_in=(implementation,)) for name, told in what.items())
