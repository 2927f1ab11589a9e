"""Phase 2: a leader proposes, a batch of commands to a message and several batches on their way, and answers reads.

Guarantees: in one slot it proposes one value; what it counts as chosen a quorum has voted for in its ballot; a read is answered
from a state that is no older than the read, because a quorum confirmed afterwards that it had not promised a higher ballot.
"""

from __future__ import annotations

from collections import deque

from ratified.impl.contract import Busy, Command, Done, Lost, NodeId, NotLeader, Query
from ratified.impl.multipaxos.acceptor import Acceptor
from ratified.impl.multipaxos.candidate import Mandate
from ratified.impl.multipaxos.learner import Learner
from ratified.impl.multipaxos.messages import Accept, Accepted, Alive, Heartbeat, Message, Value
from ratified.impl.multipaxos.state import State
from ratified.impl.paxos.ballots import Ballot, is_quorum


class Proposal:
    """What the leader has proposed in a slot that is not chosen yet."""

    __slots__ = ("sent", "value", "voters")

    def __init__(self, value: Value, sent: int) -> None:
        self.value = value
        self.sent = sent  # when, by the leader's clock
        self.voters: set[NodeId] = set()


class Leader:
    """A node's time as leader: made when a quorum has promised its ballot, thrown away when it hears of a higher one."""

    __slots__ = (
        "_acceptor",
        "_asking",
        "_batches",
        "_clock",
        "_confirmed",
        "_floor",
        "_heard",
        "_learner",
        "_next",
        "_progress",
        "_proposals",
        "_queue",
        "_reads",
        "_recovered",
        "_round",
        "_rounds",
        "_since_check",
        "_since_heartbeat",
        "_state",
        "_waiting",
        "ballot",
    )

    def __init__(
        self, state: State, acceptor: Acceptor, learner: Learner, ballot: Ballot, mandate: Mandate
    ) -> None:
        self._state = state
        self._acceptor = acceptor
        self._learner = learner
        self.ballot = ballot
        self._floor = mandate.floor
        self._next = mandate.floor + 1  # the first slot in which nothing is proposed
        self._proposals: dict[int, Proposal] = {}  # by slot, from the first that is not chosen on
        self._batches: deque[int] = deque()  # the last slot of each batch of commands on its way
        self._queue: deque[Command] = deque()  # not proposed yet
        self._waiting: set[tuple[str, int]] = set()  # commands whose clients wait here, proposed or not
        self._clock = 0
        self._since_heartbeat = 0
        self._since_check = 0
        self._progress = -1
        self._round = 0  # of heartbeats
        self._rounds: dict[NodeId, int] = {}  # the last that each follower has answered
        self._heard = dict.fromkeys(mandate.supporters, 0)  # when
        self._confirmed = 0  # the last that a quorum has answered
        self._asking: list[Query] = []  # reads that need a new round
        self._reads: deque[tuple[int, int, Query]] = deque()  # and those that wait for a round, and a slot
        # Whatever was chosen before this leader led is not after this slot.
        self._recovered = mandate.floor + len(mandate.values)

    # Proposing

    def begin(self, mandate: Mandate) -> None:
        """Propose again what may have been chosen, and fill the gaps (section 3)."""
        if mandate.floor > self._state.chosen:
            self._learner.told(mandate.floor, mandate.source)
            self._learner.ask()
        if self._state.note:
            for slot, (value, gap) in enumerate(mandate.values, self._next):
                if gap:
                    self._state.note("fill_gap", ballot=self.ballot, slot=slot)
                else:
                    self._state.note("propose_again", ballot=self.ballot, slot=slot, value=value)
        values = tuple(value for value, _ in mandate.values)
        for at in range(0, len(values), self._state.config.max_batch):
            self._propose(values[at : at + self._state.config.max_batch])
        self._heartbeat()

    def _propose(self, values: tuple[Value, ...]) -> None:
        first = self._next
        for value in values:
            self._proposals[self._next] = Proposal(value, self._clock)
            self._next += 1
        accept = Accept(self.ballot, first, values, self._state.chosen)
        self._to_others(accept)
        self._acceptor.on_accept(self._state.node, accept)

    def submit(self, command: Command) -> None:
        """Take up a command. An overloaded leader does nothing about it, and says so."""
        name = (command.client, command.serial)
        if name in self._waiting:
            return
        if len(self._queue) >= self._state.config.max_queue:
            self._state.out.answer(*name, Busy())
            return
        self._waiting.add(name)
        self._queue.append(command)

    def flush(self) -> None:
        """Propose what waits, as far as flow control lets it: while enough is on its way, more waits to become larger batches."""
        config = self._state.config
        while self._queue and len(self._batches) < config.pipeline:
            room = self._state.chosen + config.window + 1 - self._next
            size = min(len(self._queue), config.max_batch, room)
            if size <= 0:
                return
            values = tuple(self._queue.popleft() for _ in range(size))
            if self._state.note:
                for slot, value in enumerate(values, self._next):
                    self._state.note("propose", ballot=self.ballot, slot=slot, value=value)
            self._propose(values)
            self._batches.append(self._next - 1)

    # Counting

    def on_accepted(self, acceptor: NodeId, message: Accepted) -> None:
        """Count votes of this ballot."""
        if message.ballot != self.ballot or message.first + message.count > self._next:
            return
        for slot in range(message.first, message.first + message.count):
            proposal = self._proposals.get(slot)
            if proposal is not None:
                proposal.voters.add(acceptor)

    def advance(self) -> None:
        """Find out how far the log is chosen; what is chosen one way or another is a proposal no longer."""
        state, proposals = self._state, self._proposals
        slot = state.chosen
        while (proposal := proposals.get(slot + 1)) is not None and self.is_chosen(proposal):
            slot += 1
        state.choose(slot)
        while proposals and (first := next(iter(proposals))) <= slot:
            del proposals[first]
        while self._batches and self._batches[0] <= slot:
            self._batches.popleft()

    def is_overtaken(self) -> bool:
        """Whether something is known to be chosen where this leader has proposed nothing: then somebody else leads."""
        return self._next <= self._state.chosen

    def is_chosen(self, proposal: Proposal) -> bool:
        """Whether a quorum has voted for it."""
        return is_quorum(proposal.voters, self._state.members)

    def on_result(self, command: Command, result: bytes | None) -> None:
        """Tell the client that waits for it."""
        name = (command.client, command.serial)
        if name in self._waiting:
            self._waiting.remove(name)
            if result is not None:
                self._state.out.answer(*name, Done(result))

    # Time

    def tick(self, ticks: int) -> bool:
        """Let time pass; whether this node should go on leading."""
        config = self._state.config
        self._clock += ticks
        self._since_heartbeat += ticks
        if self._since_heartbeat >= config.heartbeat:
            self._since_heartbeat = 0
            self._heartbeat()
            self._repeat()
        self._since_check += ticks
        if self._since_check >= 2 * config.election:
            self._since_check = 0
            return (self.is_followed() or not config.check_quorum) and not self._is_stuck()
        return True

    def _heartbeat(self) -> None:
        """Begin a round; reads that have been waiting for one belong to it."""
        self._round += 1
        index = max(self._state.chosen, self._recovered)
        self._reads.extend((self._round, index, query) for query in self._asking)
        self._asking.clear()
        self._to_others(Heartbeat(self.ballot, self._state.chosen, self._round))
        self._confirm()

    def _repeat(self) -> None:
        """Send again, to each who has not voted, what has been on its way for long; a message full of it at most."""
        config = self._state.config
        due = [
            slot
            for slot, proposal in self._proposals.items()
            if self._clock - proposal.sent >= config.heartbeat
        ]
        for slot in due:
            self._proposals[slot].sent = self._clock
        for other in self._state.others:
            run: list[int] = []
            for slot in (slot for slot in due if other not in self._proposals[slot].voters):
                if run and (slot != run[-1] + 1 or len(run) == config.max_batch):
                    break
                run.append(slot)
            if run:
                values = tuple(self._proposals[slot].value for slot in run)
                self._state.out.send(other, Accept(self.ballot, run[0], values, self._state.chosen))

    def is_followed(self) -> bool:
        """Whether a quorum has been heard of within an election time-out: otherwise somebody else may lead by now."""
        since = self._clock - self._state.config.election
        heard = {node for node, when in self._heard.items() if when >= since}
        return is_quorum(heard | {self._state.node}, self._state.members)

    def _is_stuck(self) -> bool:
        """Whether nobody tells what is chosen up to where this leader began: another attempt may find others to ask."""
        before, self._progress = self._progress, self._state.chosen
        return before == self._state.chosen < self._floor

    # Reading

    def query(self, query: Query) -> None:
        """Take up a read; unless a round is on its way, which cannot confirm what came later, begin one."""
        if len(self._asking) + len(self._reads) >= self._state.config.max_queue:
            self._state.out.answer(query.client, query.serial, Busy())
            return
        self._asking.append(query)
        if self._confirmed == self._round:
            self._heartbeat()

    def on_alive(self, follower: NodeId, message: Alive) -> None:
        """Count an answer to a heartbeat."""
        if message.ballot != self.ballot or message.round > self._round:
            return
        self._heard[follower] = self._clock
        self._rounds[follower] = max(message.round, self._rounds.get(follower, 0))
        self._confirm()

    def _confirm(self) -> None:
        """Find the last round in which a quorum, this node included, had promised no higher ballot."""
        rounds = {self._state.node: self._round, **self._rounds}
        for confirmed in sorted(set(rounds.values()), reverse=True):
            if is_quorum([node for node, last in rounds.items() if last >= confirmed], self._state.members):
                self._confirmed = max(self._confirmed, confirmed)
                break
        if self._asking and self._confirmed == self._round:
            self._heartbeat()

    def serve(self) -> None:
        """Answer the reads whose round is confirmed, and whose slot is executed."""
        while self._reads:
            number, index, query = self._reads[0]
            if not self.may_serve(number, index):
                return
            self._reads.popleft()
            result = self._learner.sessions.machine.query(query.payload)
            self._state.out.answer(query.client, query.serial, Done(result))

    def may_serve(self, number: int, index: int) -> bool:
        """Whether a read of that round can be answered."""
        return number <= self._confirmed and index <= self._learner.applied

    # The end

    def resign(self, leader: NodeId | None) -> None:
        """Tell all clients that wait that this node leads no longer."""
        queued = {(command.client, command.serial) for command in self._queue}
        for name in sorted(self._waiting):
            self._state.out.answer(*name, NotLeader(leader) if name in queued else Lost(leader))
        for query in [*self._asking, *(query for _, _, query in self._reads)]:
            self._state.out.answer(query.client, query.serial, NotLeader(leader))

    def _to_others(self, message: Message) -> None:
        for other in self._state.others:
            self._state.out.send(other, message)
