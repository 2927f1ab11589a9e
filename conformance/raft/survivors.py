"""Mistakes in the cores of Raft that nobody catches, and why each is none: by the name that a sweep gives it."""

from __future__ import annotations

from collections.abc import Mapping

AGAIN = (
    "what is done once more changes nothing: the same is set again, or what was answered is there no longer"
)
GUARDED = "whoever calls it has made sure of that already"
SET_LATER = "it is set anew before it is looked at"
IDLY = "it only sends more messages, or fewer: what is sent idly is left out where something follows to the same node"
HALFWAY = (
    "a joint configuration that is committed is left in the same step, and before it is committed nothing may "
    "be changed"
)
WAITING = (
    "a probe that was agreed to ends the probing, and only probes wait; the next one begins with `probe`, "
    "which says that none is on its way"
)
FOLLOWED = "every voter but the leader has a progress"
EMPTIED = "who stops leading has emptied it"
PROBED = "a follower is probed first, which sets what it was told"
CLEARED = "it is looked at only where entries are sent one after the other, and cleared when that begins"
MATCHED = "`probe` begins after what matches"
NOTED = "what matches is taken note of next, and moves it on"
HEARD = "it is asked for only where there is a leader, and is set when that is heard from"
NOT_DURABLE = "what was appended in this step is not durable yet"
NOTHING_OLD = "where nothing is to be forgotten, nothing is removed"
NO_EFFECTS = "what a step without effects asks for is empty as well"
NO_TICK = "a tick of nothing changes nothing"
SMALLER = "what a smaller quorum has is committed with the next answer"
HEARTBEAT = "the next heartbeat brings it"
NO_LEADER = "who has stepped down hands over to nobody"
OWN_TERM = "who has stepped down in this step sends at most entries of its own term once more"

SURVIVORS: Mapping[str, str] = {
    "clients Clients.submit: without return": "nothing comes after it",
    "clients Clients.submit: without self.replication.advance_commit()": NOT_DURABLE,
    "core RaftCore.step: 0 becomes -1": NO_TICK,
    "core RaftCore.step: ticks > 0 becomes ticks >= 0": NO_TICK,
    "election Election.__init__: 0 becomes -1": SET_LATER,
    "election Election.__init__: 0 becomes -1 (2)": SET_LATER,
    "election Election.__init__: 0 becomes 1": SET_LATER,
    "election Election.__init__: 0 becomes 1 (2)": SET_LATER,
    "election Election.__init__: without self.heartbeat_elapsed = 0": SET_LATER,
    "election Election.__init__: without self.quorum_elapsed = 0": SET_LATER,
    "election Election.become_leader: True becomes False": "a follower is probed first, which is a message in any case",
    "election Election.become_leader: without self.replication.advance_commit()": NOT_DURABLE,
    "election Election.become_leader: without self.state.progress = {}": EMPTIED,
    "election Election.become_leader: without self.state.transferee = None": EMPTIED,
    "election Election.tick_leader: 1 becomes 0": MATCHED,
    "election Election.tick_leader: progress.match + 1 becomes progress.match - 1": MATCHED,
    "election Election.tick_leader: without return": "who has stepped down has no followers to tell anything",
    "log Log.compact: if upto > self.offset becomes if True": NOTHING_OLD,
    "log Log.compact: upto > self.offset becomes upto >= self.offset": NOTHING_OLD,
    "log Log.first_conflict: without return 0": "None is as false as 0",
    "log Log.truncate: 0 becomes -1": "nothing is cut at or before the snapshot: that is committed",
    "membership change: if now.joint becomes if False": HALFWAY,
    "membership change: needs_joint(now.voters, voters) becomes needs_joint(voters, now.voters)": "it is the same of both",
    "membership change: without return 'a change is half-way'": HALFWAY,
    "membership majority_index: 0 becomes -1": GUARDED,
    "membership majority_index: 0 becomes 1": GUARDED,
    "membership majority_index: if not voters becomes if False": GUARDED,
    "membership majority_index: without return 0": GUARDED,
    "operators Operators.change_membership: without self.replication.advance_commit()": SMALLER,
    "operators Operators.transfer_leadership: without self.replication.send_append(to, self.state.progress[to])": HEARTBEAT,
    "progress FollowerProgress.__init__: 0 becomes -1 (2)": SET_LATER,
    "progress FollowerProgress.__init__: 0 becomes -1 (3)": AGAIN,
    "progress FollowerProgress.__init__: 0 becomes -1 (4)": PROBED,
    "progress FollowerProgress.__init__: 0 becomes 1 (2)": SET_LATER,
    "progress FollowerProgress.__init__: 0 becomes 1 (4)": PROBED,
    "progress FollowerProgress.__init__: without self.snapshot = 0": SET_LATER,
    "progress FollowerProgress.await_snapshot: without self.inflight.clear()": CLEARED,
    "progress FollowerProgress.matched: 1 becomes 0": WAITING,
    "progress FollowerProgress.matched: 1 becomes 0 (2)": NOTED,
    "progress FollowerProgress.matched: False becomes True": WAITING,
    "progress FollowerProgress.matched: if index + 1 >= self.next becomes if False": WAITING,
    "progress FollowerProgress.matched: index + 1 >= self.next becomes index + 1 > self.next": WAITING,
    "progress FollowerProgress.matched: index + 1 becomes index - 1": WAITING,
    "progress FollowerProgress.matched: index + 1 becomes index - 1 (2)": NOTED,
    "progress FollowerProgress.matched: index > self.match becomes index >= self.match": AGAIN,
    "progress FollowerProgress.matched: without self.inflight.clear()": "`probe` has cleared it, and probes are not counted",
    "progress FollowerProgress.matched: without self.waiting = False": WAITING,
    "progress FollowerProgress.probe: 0 becomes -1": SET_LATER,
    "progress FollowerProgress.probe: 0 becomes 1": SET_LATER,
    "progress FollowerProgress.probe: without self.inflight.clear()": CLEARED,
    "progress FollowerProgress.probe: without self.snapshot = 0": SET_LATER,
    "reads Reads.take: False becomes True": "what is on the way has begun or waits for the term's first commit: no round begins",
    "replication Replication.append_as_leader: if type(value) is Membership becomes if True": AGAIN,
    "replication Replication.handle_append_entries: self.commit_of_follower(m.commit, last) becomes "
    "self.commit_of_follower(last, m.commit)": "it is the smaller of the two",
    "replication Replication.handle_append_response: if self.state.role is Role.LEADER becomes if True": NO_LEADER,
    "replication Replication.handle_append_response: if self.state.role is Role.LEADER becomes if True (2)": OWN_TERM,
    "replication Replication.handle_append_response: progress.read < m.read <= self.reads.round becomes "
    "progress.read <= m.read <= self.reads.round": AGAIN,
    "replication Replication.match_of: 0 becomes -1": FOLLOWED,
    "replication Replication.match_of: 0 becomes 1": FOLLOWED,
    "replication Replication.match_of: progress.match if progress is not None else 0 becomes progress.match if "
    "True else 0": FOLLOWED,
    "replication Replication.restore: without self.state.durable_index = min(self.state.durable_index, "
    "snapshot.index)": "cutting the log has done so, and a log that is not cut is no longer than the snapshot",
    "replication Replication.send_append: not heartbeat and progress.flow is Flow.REPLICATE becomes not "
    "heartbeat or progress.flow is Flow.REPLICATE": IDLY,
    "replication Replication.send_append: not heartbeat becomes heartbeat": IDLY,
    "replication Replication.send_append: progress.flow is Flow.REPLICATE becomes progress.flow is not "
    "Flow.REPLICATE": IDLY,
    "replication Replication.send_entries: if only_commit becomes if False": IDLY,
    "replication Replication.send_entries: if only_commit becomes if True": IDLY,
    "state State.__init__: 0 becomes -1": SET_LATER,
    "state State.__init__: 0 becomes -1 (2)": SET_LATER,
    "state State.__init__: 0 becomes -1 (3)": SET_LATER,
    "state State.__init__: 0 becomes -1 (5)": SET_LATER,
    "state State.__init__: 0 becomes 1": SET_LATER,
    "state State.__init__: 0 becomes 1 (2)": SET_LATER,
    "state State.__init__: 0 becomes 1 (3)": SET_LATER,
    "state State.__init__: without self.elapsed = 0": SET_LATER,
    "state State.__init__: without self.heard = 0": SET_LATER,
    "state State.__init__: without self.memberships: list[tuple[int, Membership]] = []": SET_LATER,
    "state State.__init__: without self.timeout = 0": SET_LATER,
    "state State.compact: m[0] > self.applied becomes m[0] >= self.applied": "it only lists a configuration twice",
    "state State.persisted: self._persisted < token <= self._token becomes self._persisted <= token <= "
    "self._token": AGAIN,
    "state State.reset_election_timer: 0 becomes -1 (2)": HEARD,
    "state State.reset_election_timer: 0 becomes 1 (2)": HEARD,
    "state State.reset_election_timer: without self.heard = 0": HEARD,
    "state State.send_idly: True becomes False": IDLY,
    "state State.take_effects: if not (self._writes or self._sends or self._answers or self.done) becomes if "
    "False": NO_EFFECTS,
    "state State.take_effects: without return NOTHING": NO_EFFECTS,
}
