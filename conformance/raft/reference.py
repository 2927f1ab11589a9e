"""Raft written down once more, plainly, to be given what a core is given: what must come of each step, not only what may.

The model says what a node may do. This says what is due: every write, message and answer of a step, and every variable that can
be observed, as Figure 2 of the Raft paper and the sections named below have it. It is slow and plain (a log is a dict,
configurations are read from it each time), and shares nothing with the cores but the messages. See `ratified.conform.reference`.

Guarantees: it sees what a core is given, all of it from correct nodes, and draws from a copy of its generator; nothing else.
"""

from __future__ import annotations

from typing import Any

from ratified.conform.reference import differing
from ratified.conformance.raft.reference_state import ASKING, CANDIDATE, FOLLOWER, LEADER, Kept, Peer
from ratified.impl.contract import (
    Applied,
    Busy,
    Campaign,
    Command,
    Compact,
    Core,
    Done,
    Durable,
    Effects,
    Input,
    Lost,
    NodeId,
    NotLeader,
    Persisted,
    Query,
    Receive,
    Refused,
    Restored,
    Submit,
    Tick,
    Token,
)
from ratified.impl.machines import KeyValue
from ratified.impl.raft.core import RaftCore
from ratified.impl.raft.membership import Membership
from ratified.impl.raft.messages import (
    AppendEntries,
    AppendResponse,
    Entry,
    InstallSnapshot,
    NoOp,
    PreVote,
    PreVoteResponse,
    RequestVote,
    Snapshot,
    TimeoutNow,
    VoteResponse,
)
from ratified.impl.raft.operators import AddVoter, ChangeMembership, RemoveNode, TransferLeadership


class Reference(Kept):
    """A node, and the rules."""

    # A step

    def step(self, event: Input) -> list[str]:
        match event:
            case Receive(sender, message) if sender != self.me:
                self.receive(sender, message)
            case Tick(ticks) if ticks > 0:
                self.tick(ticks)
            case Persisted(token) if self.persisted < token <= self.token:
                self.written(token)
            case Submit(command):
                self.submit(command)
            case Query():
                self.query(event)
            case Campaign():
                self.stand()
            case Compact():
                self.compact()
            case ChangeMembership(voters, learners):
                self.change(voters, learners)
            case AddVoter(node):
                voters, learners = self.without(node)
                self.change((*voters, node), learners)
            case RemoveNode(node):
                self.change(*self.without(node))
            case TransferLeadership(to):
                self.hand_over(to)
        return self.said.actions

    def written(self, token: Token) -> None:
        """What was written counts from now on: entries of the leader, and the vote of a candidate for itself."""
        self.persisted, before = token, self.durable
        for _, upto in [w for w in self.writing if w[0] <= token]:
            self.durable = max(self.durable, upto)
        self.writing = [w for w in self.writing if w[0] > token]
        if self.durable > before:
            self.acts("persisted")
            if self.role == LEADER:
                self.count()
        if self.role == CANDIDATE and self.record_token <= token and self.me not in self.votes:
            self.votes[self.me] = True
            self.lead_if_elected()

    # Time (sections 3.4 and 6.2 of the dissertation)

    def tick(self, ticks: int) -> None:
        if self.role != LEADER:
            self.waited += ticks
            self.silence += ticks
            if self.waited >= self.patience:
                silence = self.silence
                self.reset_timer()
                self.silence = silence
                self.stand()
            return
        self.since_check += ticks
        self.since_heartbeat += ticks
        if self.since_check >= self.config.election_ticks:
            self.since_check, self.heir = 0, None
            followed = {self.me, *(n for n, peer in self.peers.items() if peer.spoke)}
            if self.config.check_quorum and not self.is_quorum(followed):
                self.follow(self.term, None)
                return
            for peer in self.peers.values():
                peer.spoke = False
                if peer.flow == "snapshot":
                    self.probe(peer, peer.match + 1)
        if self.since_heartbeat >= self.config.heartbeat_ticks:
            self.since_heartbeat = 0
            self.broadcast(heartbeat=True)

    def reset_timer(self) -> None:
        self.waited = self.silence = 0
        self.patience = self.config.election_ticks + self.random.randrange(self.config.election_ticks)

    def hears_leader(self) -> bool:
        return self.role == LEADER or (self.leader is not None and self.silence < self.config.election_ticks)

    # Elections (5.2 and 5.4.1 of the paper; 9.6 and 4.2.2 of the dissertation)

    def stand(self) -> None:
        committed = max(n for n, _ in self.configurations() if n <= self.commit)
        may = any(self.me in (*m.voters, *m.outgoing) for n, m in self.configurations() if n >= committed)
        if self.role == LEADER or not may:
            return
        if not self.config.pre_vote:
            self.campaign(False)
            return
        self.role, self.leader, self.votes = ASKING, None, {self.me: True}
        for peer in self.voters():
            self.send(peer, PreVote(self.term + 1, self.last, self.last_term))
        self.acts("pre_campaign")
        self.campaign_if_welcome()

    def voters(self) -> list[NodeId]:
        return [n for n in dict.fromkeys((*self.members.voters, *self.members.outgoing)) if n != self.me]

    def campaign_if_welcome(self) -> None:
        if self.is_quorum([n for n, granted in self.votes.items() if granted]):
            self.campaign(False)

    def campaign(self, transfer: bool) -> None:
        self.acts("campaign")
        self.role, self.leader, self.votes = CANDIDATE, None, {}
        self.set_record(self.term + 1, self.me)
        for peer in self.voters():
            self.send(peer, RequestVote(self.term, self.last, self.last_term, transfer))

    def lead_if_elected(self) -> None:
        if not self.is_quorum([n for n, granted in self.votes.items() if granted]):
            return
        self.role, self.leader, self.votes, self.heir = LEADER, self.me, {}, None
        self.peers = {}
        self.know_peers()
        self.since_heartbeat = self.since_check = 0
        self.acts("become_leader")
        if self.config.no_op:
            self.put(NoOp())
        self.broadcast(heartbeat=True)
        self.count()

    def follow(self, term: int, leader: NodeId | None) -> None:
        self.acts("become_follower")
        if term > self.term:
            self.set_record(term, None)
        if self.role != FOLLOWER or leader is not None:
            self.reset_timer()
        self.role, self.leader, self.votes, self.peers, self.heir = FOLLOWER, leader, {}, {}, None
        for command in self.waiting.values():
            self.said.answer(command.client, command.serial, Lost(leader))
        for query, _, _ in self.reads:
            self.said.answer(query.client, query.serial, NotLeader(leader))
        self.waiting, self.reads = {}, []

    def is_up_to_date(self, index: int, term: int) -> bool:
        return (term, index) >= (self.last_term, self.last)

    # Messages

    def receive(self, sender: NodeId, m: Any) -> None:
        of_nobody = isinstance(m, PreVote) or (isinstance(m, PreVoteResponse) and m.granted)
        if m.term > self.term and not of_nobody:
            disturbs = isinstance(m, RequestVote) and not m.transfer
            if disturbs and self.config.check_quorum and self.hears_leader():
                return
            self.follow(m.term, sender if isinstance(m, AppendEntries | InstallSnapshot) else None)
        match m:
            case PreVote():
                self.acts("handle_pre_vote")
                would = m.term > self.term and not self.hears_leader()
                granted = would and self.is_up_to_date(m.last_index, m.last_term)
                self.reply(sender, PreVoteResponse(m.term if granted else self.term, granted))
            case PreVoteResponse() if self.role == ASKING and m.term == self.term + m.granted:
                self.acts("handle_pre_vote_response")
                self.votes[sender] = m.granted
                self.campaign_if_welcome()
            case RequestVote():
                self.acts("handle_request_vote")
                may = m.term == self.term and self.vote in (None, sender)
                granted = may and self.is_up_to_date(m.last_index, m.last_term)
                if granted:
                    if self.vote is None:
                        self.set_record(self.term, sender)
                    self.waited = 0
                self.reply(sender, VoteResponse(self.term, granted))
            case VoteResponse() if self.role == CANDIDATE and m.term == self.term:
                self.acts("handle_vote_response")
                self.votes[sender] = m.granted
                self.lead_if_elected()
            case TimeoutNow() if m.term == self.term and sender == self.leader and self.votes_now(self.me):
                self.reset_timer()
                self.campaign(transfer=True)
            case AppendEntries():
                self.take_entries(sender, m)
            case InstallSnapshot():
                self.take_snapshot(sender, m)
            case AppendResponse():
                self.hear(sender, m)

    def is_led_by(self, sender: NodeId) -> bool:
        if self.role == LEADER or self.leader not in (None, sender):
            return False
        if self.role != FOLLOWER or self.leader is None:
            self.follow(self.term, sender)
        self.waited = self.silence = 0
        return True

    def take_entries(self, sender: NodeId, m: AppendEntries) -> None:
        """Receiver implementation, 1 to 5 (Figure 2)."""
        if m.term < self.term:
            return self.reply(sender, AppendResponse(self.term, False, m.prev_index))
        if not self.is_led_by(sender):
            return None
        self.acts("handle_append_entries")
        sent = {n: e for n, e in enumerate(m.entries, m.prev_index + 1) if n > self.start}
        if m.prev_index >= self.start and self.term_at(m.prev_index) != m.prev_term:
            index = min(m.prev_index, self.last)
            while index > self.start and self.term_at(index) > m.prev_term:
                index -= 1
            hint = self.term_at(index)
            return self.reply(sender, AppendResponse(self.term, False, m.prev_index, index, hint, m.read))
        new = [n for n, e in sent.items() if self.term_at(n) != e.term]
        if new:
            if new[0] <= self.commit:
                return None  # which cannot be
            if new[0] <= self.last:
                self.cut(new[0])
            self.append(e for n, e in sent.items() if n >= new[0])
        last = m.prev_index + len(m.entries)
        self.commit_to(min(m.commit, last))
        return self.reply(sender, AppendResponse(self.term, True, last, read=m.read))

    def take_snapshot(self, sender: NodeId, m: InstallSnapshot) -> None:
        """Receiver implementation, 1 to 8 (Figure 13), of a snapshot in one piece."""
        snapshot = m.snapshot
        if m.term < self.term:
            return self.reply(sender, AppendResponse(self.term, False, snapshot.index))
        if not self.is_led_by(sender):
            return None
        self.acts("handle_install_snapshot")
        if snapshot.index > self.commit:
            try:
                self.load(snapshot)
            except ValueError:
                return None  # it is none: nothing is said, so that it is sent again
            if self.term_at(snapshot.index) == snapshot.term:
                self.forget(snapshot.index)
            else:
                if self.last > snapshot.index:
                    self.cut(snapshot.index + 1)
                self.log, self.start, self.start_term = {}, snapshot.index, snapshot.term
                self.durable = min(self.durable, snapshot.index)
            self.keep(snapshot)
            self.commit = self.applied = snapshot.index
            self.said.applied.append(Restored(snapshot.index))
        return self.reply(sender, AppendResponse(self.term, True, snapshot.index))

    # A leader and its followers (5.3; 10.2.1 of the dissertation)

    def know_peers(self) -> None:
        now = self.members
        names = dict.fromkeys(n for n in (*now.voters, *now.outgoing, *now.learners) if n != self.me)
        self.peers = {n: self.peers.get(n) or Peer(self.last + 1) for n in names}

    def put(self, value: Any) -> None:
        self.append([Entry(self.term, value)])
        self.acts("append")
        if type(value) is Membership:
            self.know_peers()

    def broadcast(self, heartbeat: bool = False) -> None:
        for name, peer in self.peers.items():
            self.feed(name, peer, heartbeat)

    def feed(self, name: NodeId, peer: Peer, heartbeat: bool = False) -> None:
        """One message to one that is probed; to others as many as there is room for; then a heartbeat, unless one has left."""

        def entries_from(first: int, entries: tuple[Entry, ...]) -> None:
            term = self.term_at(first - 1) if first > 1 else 0
            peer.told = min(self.commit, first - 1 + len(entries))
            self.send(name, AppendEntries(self.term, first - 1, term, entries, self.commit, self.round))

        def whole() -> None:
            peer.flow, peer.sent, peer.snapshot = "snapshot", [], self.snapshot.index
            self.send(name, InstallSnapshot(self.term, self.snapshot))

        while (peer.flow == "probe" and not peer.asked) or (
            peer.flow == "replicate" and len(peer.sent) < self.config.max_inflight
        ):
            if self.term_at(peer.next - 1) < 0:
                whole()
                break
            upto = min(self.last, peer.next - 1 + self.config.max_batch)
            entries = tuple(self.log[n] for n in range(peer.next, upto + 1))
            if not entries:
                if heartbeat or peer.told < self.commit or peer.flow == "probe":
                    entries_from(peer.next, ())
                    peer.asked = True
                return
            entries_from(peer.next, entries)
            if peer.flow == "probe":
                peer.asked = True
            else:
                peer.sent.append(upto)
                peer.next = upto + 1
            heartbeat = False
        if not heartbeat:
            return
        if peer.flow == "snapshot":
            entries_from(1, ())
        elif self.term_at(peer.next - 1) < 0:
            whole()
        else:
            entries_from(peer.next, ())

    def probe(self, peer: Peer, first: int) -> None:
        peer.flow, peer.asked, peer.sent, peer.snapshot = "probe", False, [], 0
        peer.next = max(first, peer.match + 1)

    def hear(self, sender: NodeId, m: AppendResponse) -> None:
        peer = self.peers.get(sender)
        if peer is None or self.role != LEADER or m.term != self.term:
            return None
        peer.spoke = True
        if peer.confirmed < m.read <= self.round:
            peer.confirmed = m.read
            self.answer_reads()
        if m.success:
            if m.index > self.last:
                return None
            if m.index + 1 >= peer.next:
                peer.asked = False
            peer.sent = [n for n in peer.sent if n > m.index]
            if peer.flow == "snapshot" and m.index >= peer.snapshot:
                self.probe(peer, m.index + 1)
            news, peer.match = m.index > peer.match, max(peer.match, m.index)
            peer.next = max(peer.next, peer.match + 1)
            if peer.flow == "probe" and m.index + 1 >= peer.next:
                peer.flow, peer.sent = "replicate", []
            if news:
                self.count()
            if self.role != LEADER:
                return self.acts("handle_append_response")
            self.urge(sender)
        else:
            if (peer.flow == "probe" and m.index != peer.next - 1) or (
                peer.flow != "probe" and (peer.flow == "snapshot" or m.index <= peer.match)
            ):
                return None
            first = m.index
            if self.config.fast_backoff:
                index = min(m.hint_index, self.last)
                while index > self.start and self.term_at(index) > m.hint_term:
                    index -= 1
                first = min(first, index + 1)
            self.probe(peer, first)
        self.feed(sender, peer)
        self.acts("handle_append_response")

    # What is committed (5.4.2), and executed

    def count(self) -> None:
        """The largest index of the present term that a quorum has on its disks."""

        def has(node: NodeId, index: int) -> bool:
            mine = self.durable if node == self.me else 0
            return (self.peers[node].match if node in self.peers else mine) >= index

        everyone = {self.me, *self.members.voters, *self.members.outgoing}
        for index in range(self.last, self.commit, -1):
            if self.is_quorum([n for n in everyone if has(n, index)]):
                break
        else:
            return
        if self.term_at(index) != self.term:
            return
        self.commit_to(index)
        self.begin_reads()
        self.answer_reads()
        self.broadcast()
        at, now = self.configurations()[-1]
        if at > self.commit:
            return
        if now.outgoing:
            self.put(Membership(now.voters, (), now.learners))
            self.broadcast()
            self.count()
        elif not self.votes_now(self.me):
            self.follow(self.term, None)

    def commit_to(self, index: int) -> None:
        if index <= self.commit:
            return
        self.commit = index
        self.acts("advance_commit")
        while self.applied < index:
            self.applied += 1
            self.acts("apply")
            value = self.log[self.applied].value
            result = self.execute(value) if type(value) is Command else None
            self.said.applied.append(Applied(self.applied, value, result))
            command = self.waiting.pop(self.applied, None)
            if command is not None and result is not None:
                self.said.answer(command.client, command.serial, Done(result))
        every = self.config.snapshot_every
        if every and self.applied - self.snapshot.index >= every:
            self.compact()

    def execute(self, command: Command) -> bytes | None:
        """Once, where there are sessions (6.3 of the dissertation)."""
        serial, result = self.clients.get(command.client, (0, b""))
        if self.config.sessions and command.serial <= serial:
            return result if command.serial == serial else None
        result = self.machine.apply(command.payload)
        if self.config.sessions:
            self.clients[command.client] = (command.serial, result)
        return result

    def compact(self) -> None:
        if self.applied <= self.snapshot.index:
            return
        _, members = max((n, m) for n, m in self.configurations() if n <= self.applied)
        sessions = tuple((client, *last) for client, last in sorted(self.clients.items()))
        term = self.term_at(self.applied)
        self.keep(Snapshot(self.applied, term, members, sessions, self.machine.snapshot()))
        self.forget(self.applied - self.config.snapshot_keep)
        self.acts("compact")

    # Clients (sections 6.4 and 8)

    def elsewhere(self) -> NotLeader:
        return NotLeader(self.heir if self.role == LEADER else self.leader)

    def submit(self, command: Command) -> None:
        def answer(outcome: Any) -> None:
            self.said.answer(command.client, command.serial, outcome)

        known = self.clients.get(command.client, (0, b""))
        if command.serial < 1:
            answer(Refused("commands are numbered from 1"))
        elif self.role != LEADER or self.heir is not None:
            answer(self.elsewhere())
        elif self.config.sessions and command.serial <= known[0]:
            if command.serial == known[0]:
                answer(Done(known[1]))
        elif any((c.client, c.serial) == (command.client, command.serial) for c in self.waiting.values()):
            pass
        elif self.last - self.commit >= self.config.max_uncommitted and self.term_at(self.last) == self.term:
            answer(Busy())
        else:
            self.put(command)
            self.waiting[self.last] = command
            self.broadcast()
            self.count()

    def query(self, query: Query) -> None:
        if self.role != LEADER:
            return self.said.answer(query.client, query.serial, self.elsewhere())
        if any(asked == query for asked, _, _ in self.reads):
            return None
        self.reads.append((query, 0, 0))
        if self.term not in (self.term_at(self.commit), self.last_term):
            self.put(NoOp())
        self.begin_reads()
        return self.answer_reads()

    def begin_reads(self) -> None:
        """What is committed by now is what a read must show, once something of this term is."""
        if self.term_at(self.commit) == self.term and any(not begun for _, _, begun in self.reads):
            self.round += 1
            self.reads = [(q, n, r) if r else (q, self.commit, self.round) for q, n, r in self.reads]
            self.broadcast(heartbeat=True)

    def answer_reads(self) -> None:
        def is_due(index: int, begun: int) -> bool:
            agree = {self.me, *(n for n, peer in self.peers.items() if peer.confirmed >= begun)}
            return begun > 0 and self.applied >= index and self.is_quorum(agree)

        for query, index, begun in self.reads:
            if is_due(index, begun):
                self.said.answer(query.client, query.serial, Done(self.machine.query(query.payload)))
        self.reads = [(q, n, r) for q, n, r in self.reads if not is_due(n, r)]

    # Operators (6; 3.10 and 4 of the dissertation)

    def without(self, node: NodeId) -> tuple[tuple[NodeId, ...], tuple[NodeId, ...]]:
        now = self.members
        return tuple(v for v in now.voters if v != node), tuple(n for n in now.learners if n != node)

    def change(self, voters: tuple[NodeId, ...], learners: tuple[NodeId, ...]) -> None:
        """One at a time, by a leader that has committed something of its term (Ongaro, raft-dev, 2015)."""
        at, now = self.configurations()[-1]
        in_term = self.term_at(self.commit) == self.term
        if self.role != LEADER or self.heir is not None or at > self.commit or not in_term:
            return None
        named = (*voters, *learners)
        if now.outgoing or not voters or len(set(named)) < len(named):
            return self.acts("refuse_membership")
        outgoing = now.voters if len(set(now.voters) ^ set(voters)) > 1 else ()
        wanted = Membership(voters, outgoing, learners)
        if wanted == now:
            return self.acts("refuse_membership")
        self.put(wanted)
        self.broadcast()
        self.count()

    def hand_over(self, to: NodeId) -> None:
        if self.role != LEADER or to == self.me or to not in self.peers or not self.votes_now(to):
            return
        self.heir, self.since_check = to, 0
        self.acts("transfer_leadership")
        self.urge(to)
        self.feed(to, self.peers[to])

    def urge(self, node: NodeId) -> None:
        """Once it has everything."""
        if node == self.heir and self.peers[node].match == self.last:
            self.send(node, TimeoutNow(self.term))

    # What is compared

    def differences(self, core: Core, effects: Effects) -> list[str]:
        """What a core says and has that it must not, in words."""
        assert isinstance(core, RaftCore)
        state = core.state
        pairs: list[tuple[str, object, object]] = [
            ("timeout", self.patience, state.timeout),
            ("term", self.term, state.term),
            ("voted_for", self.vote, state.voted_for),
            ("role", self.role, str(state.role)),
            ("leader", self.leader, state.leader),
            ("commit", self.commit, state.commit),
            ("applied", self.applied, state.applied),
            ("snapshot", self.snapshot, state.snapshot),
            ("durable", self.durable, state.durable_index),
            ("log_start", self.start, state.log.offset),
            ("log", tuple(self.log.values()), state.log.entries()),
            ("membership", self.members, state.membership),
            ("votes", self.votes, state.votes),
            ("transferee", self.heir, state.transferee),
            ("peers", [(n, p.match, p.next, p.flow) for n, p in self.peers.items()],
             [(n, p.match, p.next, str(p.flow)) for n, p in state.progress.items()]),
        ]  # fmt: skip
        return self.said.differences(effects, self.token) + differing(pairs)


def reference(core: Core, durable: Durable) -> Reference:
    """What a core that begins with this is held to."""
    assert isinstance(core, RaftCore)
    return Reference(core, durable, KeyValue())
