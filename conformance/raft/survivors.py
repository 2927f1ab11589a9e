"""Mistakes in the cores of Raft that nobody catches, and why each is none: by the name that a sweep gives it."""

from __future__ import annotations

from collections.abc import Mapping

AGAIN = (
    "what is done once more changes nothing: the same is set again, or what was answered is there no longer"
)
SLOWER = "it only takes longer: a leader that looks for where logs agree goes back by one at the least, and gets there"
GUARDED = "whoever calls it has made sure of that already"

SET_LATER = "it is set anew before it is looked at"

SURVIVORS: Mapping[str, str] = {
    "core RaftCore.step: ticks > 0 becomes ticks >= 0": "a tick of nothing changes nothing",
    "election Election.__init__: without self.heartbeat_elapsed = 0": SET_LATER,
    "election Election.__init__: 0 becomes -1 (2)": SET_LATER,
    "election Election.tick_leader: without return": "who has stepped down has no followers to tell anything",
    "election Election.tick_leader: progress.match + 1 becomes progress.match - 1": "`probe` begins after what matches",
    "membership majority_index: if not voters becomes if False": GUARDED,
    "progress FollowerProgress.__init__: 0 becomes 1 (2)": SET_LATER,
    "progress FollowerProgress.__init__: without self.snapshot = 0": SET_LATER,
    "progress FollowerProgress.__init__: 0 becomes -1 (4)": "a follower is probed first, which sets what it was told",
    "progress FollowerProgress.probe: 0 becomes -1": SET_LATER,
    "state State.__init__: 0 becomes 1 (3)": SET_LATER,
    "state State.__init__: without self.elapsed = 0": SET_LATER,
    "state State.compact: m[0] > self.applied becomes m[0] >= self.applied": "it only lists a configuration twice",
    "replication Replication.accept_leader: if self.state.role is not Role.FOLLOWER or self.state.leader is None "
    "becomes if True": "a follower becomes one again, of the same leader: the timer, which is set anyway, is drawn anew",
    "replication Replication.handle_append_response: progress.read < m.read <= self.reads.round becomes "
    "progress.read <= m.read <= self.reads.round": AGAIN,
    "replication Replication.next_after_rejection: 1 becomes 2": SLOWER,
    "progress FollowerProgress.matched: without self.waiting = False": "a probe that was agreed to ends the probing, and only "
    "probes wait; the next one begins with `probe`, which says that none is on its way",
    "state State.persisted: without return False": GUARDED,
    "membership change: if now.joint becomes if False": "a joint configuration that is committed is left in the same step, and "
    "before it is committed nothing may be changed",
    "log Log.truncate: 0 becomes -1": "nothing is cut at or before the snapshot: that is committed",
    "progress FollowerProgress.matched: without self.inflight.clear()": "`probe` has cleared it, and probes are not counted",
    "progress FollowerProgress.probe: without self.inflight.clear()": "it is looked at only where entries are sent one after the "
    "other, and cleared when that begins",
    "reads Reads.take: False becomes True": "what is on the way has begun or waits for the term's first commit: no round begins",
    "replication Replication.handle_append_entries: self.commit_of_follower(m.commit, last) becomes "
    "self.commit_of_follower(last, m.commit)": "it is the smaller of the two",
    "replication Replication.handle_append_response: if self.state.role is Role.LEADER becomes if True": "who has stepped down "
    "hands over to nobody",
    "state State.persisted: self._persisted < token <= self._token becomes self._persisted <= token <= self._token": AGAIN,
}
