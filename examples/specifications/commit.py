"""All commit or all abort: what is to be achieved, by Paxos, and with failures that are only suspected."""

from __future__ import annotations

from typing import Literal

from ratified import (
    Map,
    Model,
    Ordered,
    Set,
    Sort,
    action,
    first,
    invariant,
    majorities,
    record,
    refines,
    require,
)


class Manager(Sort):
    """A resource manager."""


class TransactionCommit(Model):
    """What a commit protocol is to achieve (Gray and Lamport, *Consensus on transaction commit*, 2006)."""

    state: Map[Manager, Literal["working", "prepared", "committed", "aborted"]]

    @action
    def prepare(self, r: Manager) -> None:
        require(self.state[r] == "working")
        self.state[r] = "prepared"

    @action
    def commit(self, r: Manager) -> None:
        require(self.state[r] == "prepared")
        require(all(self.state[s] in ("prepared", "committed") for s in Manager))
        self.state[r] = "committed"

    @action
    def abort(self, r: Manager) -> None:
        require(self.state[r] in ("working", "prepared"))
        require(all(self.state[s] != "committed" for s in Manager))
        self.state[r] = "aborted"

    @invariant
    def consistent(self) -> bool:
        return not any(
            self.state[r] == "aborted" and self.state[s] == "committed" for r in Manager for s in Manager
        )


class Acceptor(Sort):
    """Remembers what the managers have said."""


class Ballot(Ordered):
    """An attempt to find out what a manager has said; in the first one it says so itself."""


Vote = Literal["prepared", "aborted"]


@record
class Phase1a:
    """A ballot for a manager's vote begins."""

    manager: Manager
    ballot: Ballot


@record
class Phase1b:
    """An acceptor will take part in no earlier one, and says what it has accepted."""

    acceptor: Acceptor
    manager: Manager
    ballot: Ballot
    voted: Ballot | None
    vote: Vote | None


@record
class Phase2a:
    """A vote is to be accepted: the manager's own, in the first ballot."""

    manager: Manager
    ballot: Ballot
    vote: Vote


@record
class Phase2b:
    """An acceptor has accepted it."""

    acceptor: Acceptor
    manager: Manager
    ballot: Ballot
    vote: Vote


@record
class Outcome:
    """What has come of it."""

    committed: bool


@record
class Memory:
    """What an acceptor remembers of one manager's vote."""

    ballot: Ballot
    voted: Ballot | None
    vote: Vote | None


class PaxosCommit(Model):
    """A consensus for each manager's vote (Gray and Lamport, *Consensus on transaction commit*, 2006, section 4)."""

    state: Map[Manager, Literal["working", "prepared", "committed", "aborted"]]
    memory: Map[Manager, Map[Acceptor, Memory]]
    messages: Set[Phase1a | Phase1b | Phase2a | Phase2b | Outcome]

    def init(self) -> None:
        self.memory = Map({r: Map({a: Memory(first(Ballot), None, None) for a in Acceptor}) for r in Manager})

    def begin(self, r: Manager, vote: Vote) -> None:
        require(self.state[r] == "working")
        self.state[r] = "prepared" if vote == "prepared" else "aborted"
        self.messages.add(Phase2a(r, first(Ballot), vote))

    @action
    def prepare(self, r: Manager) -> None:
        self.begin(r, "prepared")

    @action
    def choose_to_abort(self, r: Manager) -> None:
        self.begin(r, "aborted")

    @action
    def learn(self, r: Manager, m: Outcome) -> None:
        require(m in self.messages)
        self.state[r] = "committed" if m.committed else "aborted"

    @action
    def phase1a(self, r: Manager, b: Ballot) -> None:
        require(b > first(Ballot))
        self.messages.add(Phase1a(r, b))

    @action
    def phase1b(self, a: Acceptor, m: Phase1a) -> None:
        require(m in self.messages)
        known = self.memory[m.manager][a]
        require(known.ballot < m.ballot)
        self.memory[m.manager][a].ballot = m.ballot
        self.messages.add(Phase1b(a, m.manager, m.ballot, known.voted, known.vote))

    @action
    def phase2a(self, r: Manager, b: Ballot, quorum: Set[Acceptor]) -> None:
        require(b > first(Ballot) and quorum in majorities(Acceptor))
        require(not any(isinstance(m, Phase2a) and m.manager == r and m.ballot == b for m in self.messages))
        answers = Set(
            m
            for m in self.messages
            if isinstance(m, Phase1b) and m.manager == r and m.ballot == b and m.acceptor in quorum
        )
        require(all(any(m.acceptor == a for m in answers) for a in quorum))
        latest = max(answers, key=lambda m: -1 if m.voted is None else int(m.voted))
        self.messages.add(Phase2a(r, b, "aborted" if latest.vote is None else latest.vote))

    @action
    def phase2b(self, a: Acceptor, m: Phase2a) -> None:
        require(m in self.messages)
        require(self.memory[m.manager][a].ballot <= m.ballot)
        self.memory[m.manager][a] = Memory(m.ballot, m.ballot, m.vote)
        self.messages.add(Phase2b(a, m.manager, m.ballot, m.vote))

    def decided(self, r: Manager, vote: Vote) -> bool:
        return any(
            all(Phase2b(a, r, b, vote) in self.messages for a in quorum)
            for b in Ballot
            for quorum in majorities(Acceptor)
        )

    @action
    def commit(self) -> None:
        require(all(self.decided(r, "prepared") for r in Manager))
        self.messages.add(Outcome(committed=True))

    @action
    def abort(self) -> None:
        require(any(self.decided(r, "aborted") for r in Manager))
        self.messages.add(Outcome(committed=False))

    @refines(TransactionCommit)
    def as_transaction(self, abstract: TransactionCommit) -> None:
        abstract.state = self.state


class Process(Sort):
    """Votes, and hears of the others' votes."""


class NonBlockingCommit(Model):
    """Whoever suspects a failure aborts (Raynal, *A case study of agreement problems*, 1997)."""

    at: Map[Process, Literal["yes", "no", "sent", "abort", "commit", "crash"]]
    received: Map[Process, Set[tuple[Process, bool]]]
    sent: Set[tuple[Process, bool]]
    suspects: Map[Process, bool]

    def init(self, votes: Map[Process, bool], suspects: Map[Process, bool]) -> None:
        self.at = Map({p: "yes" if votes[p] else "no" for p in Process})
        self.suspects = suspects

    def hear(self, p: Process, news: Set[tuple[Process, bool]], suspects: bool) -> None:
        """With every step come some of the messages that were sent, and another opinion about failures."""
        require(news <= self.sent and news >= self.received[p])
        self.received[p] = news
        self.suspects[p] = suspects

    @action
    def listen(self, p: Process, news: Set[tuple[Process, bool]], suspects: bool) -> None:
        self.hear(p, news, suspects)

    @action
    def vote(self, p: Process, news: Set[tuple[Process, bool]], suspects: bool) -> None:
        self.hear(p, news, suspects)
        require(self.at[p] in ("yes", "no"))
        self.sent.add((p, self.at[p] == "yes"))
        self.at[p] = "sent"

    @action
    def crash(self, p: Process, news: Set[tuple[Process, bool]], suspects: bool) -> None:
        self.hear(p, news, suspects)
        require(self.at[p] != "crash")
        self.at[p] = "crash"

    @action
    def abort(self, p: Process, news: Set[tuple[Process, bool]], suspects: bool) -> None:
        require(self.at[p] == "sent")
        require(suspects or any(not yes for _, yes in self.received[p]))
        self.hear(p, news, suspects)
        self.at[p] = "abort"

    @action
    def commit(self, p: Process, news: Set[tuple[Process, bool]], suspects: bool) -> None:
        self.hear(p, news, suspects)
        require(self.at[p] == "sent" and not suspects)
        require(all((q, True) in news for q in Process))
        self.at[p] = "commit"

    @invariant
    def nobody_commits_against_a_vote(self) -> bool:
        against = any((p, False) in self.sent for p in Process)
        return not (against and any(self.at[p] == "commit" for p in Process))
