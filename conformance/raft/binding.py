"""Raft: `ratified.impl.raft` held to `ratified.models.raft.servers.RaftServers`.

What the model has as steps of their own happens in one step of the implementation: a candidate stands as it votes for itself, a
message of a newer term is handled at once, all that conflicts is replaced. The model does not know of messages: what a server
accepts must be a piece of its leader's log, and the binding compares the entries that a message brings. A pre-candidate is a
follower; reads and sessions are seen by clients only.

What every server has committed and thrown away is dropped from the model's logs, too. The entry at index 1 of the model then
stands for all that were before the second: its term counts, and it holds the configuration in force there. An index below
is 0 in the model: nothing that the model says depends on which of them it is.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from ratified.follow.binding import (
    Binding,
    Claim,
    Event,
    EventError,
    Names,
    Observed,
    States,
    TooSmallError,
)
from ratified.follow.steps import Steps, change, do, either, maybe
from ratified.language import Map, Seq, Set, require
from ratified.models.raft.servers import Candidacy, Held, RaftServers, Reign
from ratified.models.raft.sorts import Entry, Role, Server, Value, last_term, term_at

VALUES, TERMS, ENTRIES = 1024, 1_000_000, 1_000_000

MESSAGES = {
    "handle_append_entries": "AppendEntries",
    "handle_append_response": "AppendResponse",
    "handle_pre_vote": "PreVote",
    "handle_pre_vote_response": "PreVoteResponse",
    "handle_request_vote": "RequestVote",
    "handle_vote_response": "VoteResponse",
}

ORDER = Claim("log_start - 1 <= snapshot <= applied <= commit <= last index")
WHOLE = Claim("what all have committed is in the log")

ROLES = {
    "follower": Role.FOLLOWER,
    "pre-candidate": Role.FOLLOWER,
    "candidate": Role.CANDIDATE,
    "leader": Role.LEADER,
}


class RaftBinding(Binding):
    """Every event is a step of the model, several, or nothing that it has."""

    def __init__(
        self, nodes: Sequence[str] = ("n1", "n2", "n3"), voters: Sequence[str] = (), values: int = VALUES
    ) -> None:
        self.nodes = list(nodes)
        self.voters = list(voters or nodes)
        self.values = values
        self.server = Names(Server, len(self.nodes), self.nodes)
        self._value_of: dict[Any, Value] = {}  # what entries hold, while it is in some log
        self._unused = list(range(values))[::-1]
        self._used: set[Value] = set()  # of these, what is in logs or was given since that was looked at
        self._start = dict.fromkeys(self.nodes, 0)  # up to where each disk has thrown its log away
        self._configuration: dict[str, Any] = {}  # voters and outgoing, likewise
        self._seen: dict[str, tuple[Any, int, Seq[Entry]]] = {}  # logs as they were seen last
        self._latest: dict[
            str, tuple[set[str], set[str], set[str]]
        ] = {}  # voters, outgoing and learners, likewise

    def begin(self, heading: Mapping[str, Any]) -> None:
        """A trace's heading may name the nodes, and those of them that vote at first."""
        if "nodes" in heading:
            self.__init__(heading["nodes"], heading.get("voters", ()))  # type: ignore[misc]  # anew, for other nodes

    def model(self) -> RaftServers:
        """Room for whatever comes."""
        voters = [Server(i) for i, n in enumerate(self.nodes) if n in self.voters]
        few = len(voters) // 2 + 1
        return RaftServers(
            Server=len(self.nodes),
            Value=self.values,
            max_term=TERMS,
            max_log=ENTRIES,
            reconfigures=True,
            first_voters=Set(Set(q) for q in _choose(voters, few)),
        )

    def value(self, given: Mapping[str, Any]) -> Value:
        """What an entry holds: a command, nothing, or a configuration. What is in no log any more makes room for others."""
        key = tuple([(k, tuple(v) if isinstance(v, list) else v) for k, v in given.items()])
        known = self._value_of.get(key)
        if known is None:
            if not self._unused:
                gone = [k for k, v in self._value_of.items() if v not in self._used]
                self._unused = [int(self._value_of.pop(k)) for k in gone]
            if not self._unused:
                raise TooSmallError(f"more than {self.values:,} commands and configurations in logs")
            known = self._value_of[key] = Value(self._unused.pop())
        self._used.add(known)
        return known

    def entry(self, given: Mapping[str, Any]) -> Entry:
        """An entry of the log."""
        if given["type"] != "Entry":
            raise EventError(f"{given['type']!r} is no entry")
        return Entry(given["term"], self.value(given["value"]))

    def steps(self, event: Event) -> Steps:
        """What an event means. A message is of the kind that it is handled as, and whoever it names is a node."""
        self.server(event.node)
        if "sender" in event.arguments:
            self.server(event.arguments["sender"])
        kind, message = MESSAGES.get(event.action), event.arguments.get("message")
        if kind is not None and isinstance(message, dict) and message.get("type") != kind:
            raise EventError(f"{event.action} has a message that is no {kind}")
        return super().steps(event)

    def index(self, given: int) -> int:
        """An index as the model counts."""
        if given < 0:
            raise EventError(f"{given} is no index")
        return max(given - self.dropped, 0)

    @property
    def floor(self) -> int:
        """Up to here, the model has one entry in place of all that were."""
        return self.dropped + 1 if self.dropped else 0

    def kept(self, prev: int, entries: Sequence[Any]) -> tuple[int, list[Entry]]:
        """Entries that follow an index, as far as the model keeps them; and that index as the model counts."""
        return self.index(max(prev, self.floor)), [
            self.entry(e) for e in entries[max(self.floor - prev, 0) :]
        ]

    # Starting, and what is on disks

    def on_start(self, node: str, variables: Mapping[str, Any]) -> Steps:
        """A node starts with what its disk has."""
        return do("restart", i=self.server(node), n=self.index(variables["commit"]))

    def on_persisted(self) -> Steps:
        """The node hears what its disk has: that was told when it had it."""
        return ()

    def on_durable(self, node: str, record: Any, first: int, entries: list[Any], snapshot: int) -> Steps:
        """The disk has this now: no older term than before, no other vote in it, and the log from `first` on."""
        i = self.server(node)
        if record and record["type"] != "HardState":
            raise EventError(f"{record['type']!r} is no HardState")
        term = record["term"] if record else 0
        vote = self.server.maybe(record["voted_for"]) if record else None
        self._start[node] = first - 1 if entries else snapshot
        start, tail = self.kept(self._start[node], entries)
        lost = self._start[node] + len(entries) < self.floor  # every server had committed these

        def has_had(m: Any, n: int, entry: Entry) -> bool:
            """Server i has it there, or had it: then some leader had, too."""
            logs = (m.log[i], m.disk_log[i], *(r.log for r in m.reigns))
            return any(n <= len(log) and log[n - 1] == entry for log in logs)

        def written(m: Any) -> None:
            old, new = m.disk_log[i], m.log[i]
            before = new if len(new) >= start else old
            require(self._start[node] <= snapshot and self.index(snapshot) <= m.commit_index[i])
            require(all(has_had(m, n, e) for n, e in enumerate(tail, start + 1)))
            require(not lost and len(before) >= start)
            require(m.disk_term[i] <= term <= m.current_term[i])
            require(term > m.disk_term[i] or m.disk_vote[i] in (None, vote))
            # A vote that was cast in the term: the last one, or one that was overtaken before it was written.
            require(
                vote is None
                or (term == m.current_term[i] and vote == m.voted_for[i])
                or any(c.term == term < m.current_term[i] and c.server == vote for c in m.candidacies)
            )
            m.put_on_disk(i, term, vote, Seq([*before[:start], *tail]))

        return change("what is on the disk", written)

    # Elections

    def on_campaign(self, node: str) -> Steps:
        """A term begins, with a vote for oneself."""
        return do("stand", i=self.server(node))

    def on_pre_campaign(self, node: str) -> Steps:
        """Nobody's term changes; who stood before does no longer."""
        return maybe(do("stand_back", i=self.server(node)))

    def on_become_follower(self, node: str, term: int) -> Steps:
        """In a newer term that some server has, or in the same."""
        i = self.server(node)

        def of_term(m: Any) -> None:
            require(m.current_term[i] == term)

        return (
            either((), do("learn_term", i=i, t=term), do("stand_back", i=i)),
            change(f"the term of {node} is {term}", of_term),
        )

    def on_become_leader(self, node: str) -> Steps:
        """With the votes of a majority."""
        return do("win", i=self.server(node))

    def on_handle_request_vote(self, node: str, sender: str, message: dict[str, Any], granted: bool) -> Steps:
        """Whoever asks has stood, with that log, and has its term on disk; to give no vote is always allowed."""
        i, c = self.server(node), self.server(sender)
        term, length, last = message["term"], self.index(message["last_index"]), message["last_term"]

        def has_stood(m: Any) -> None:
            stood = any(
                x.term == term and x.server == c and x.last_log_index == length and x.last_log_term == last
                for x in m.candidacies
            )
            require((stood and m.disk_term[c] >= term) or term < min(m.disk_term.values()))

        asked = change(f"{sender} stands in {term}", has_stood)
        return (asked, do("vote", i=i, c=c)) if granted else asked

    def on_handle_vote_response(self) -> Steps:
        """What is counted is seen when a candidate wins."""
        return ()

    def on_handle_pre_vote(self, node: str, message: dict[str, Any], granted: bool) -> Steps:
        """Nobody who leads consents, nor to a term that is not newer, nor to who lacks what it has."""
        i = self.server(node)

        def may_consent(m: Any) -> None:
            mine = (last_term(m.log[i]), len(m.log[i]))
            theirs = (message["last_term"], message["last_index"])
            require(m.role[i] != Role.LEADER and message["term"] > m.current_term[i] and theirs >= mine)

        return change(f"{node} may consent", may_consent) if granted else ()

    def on_handle_pre_vote_response(self) -> Steps:
        """It decides only whether a term is begun, which is allowed at any time."""
        return ()

    def on_transfer_leadership(self) -> Steps:
        """Nothing that the model has."""
        return ()

    # The log

    def on_append(self, node: str, index: int, value: dict[str, Any]) -> Steps:
        """The leader's log goes on, with a command or a configuration."""
        i, v, n = self.server(node), self.value(value), self.index(index)

        def is_next(m: Any) -> None:
            require(n == len(m.log[i]) + 1)

        there = change(f"{index} is next in the log of {node}", is_next)
        if value["type"] != "Membership":
            return (there, do("append", i=i, v=v))
        voters = Set(self.server(n) for n in value["voters"])
        outgoing = Set(self.server(n) for n in value["outgoing"])
        changed = do("reconfigure", i=i, v=v, voters=voters, outgoing=outgoing)
        return (
            there,
            self._overlaps(node, value),
            changed,
            *(maybe(do("forget", i=i, j=self.server(n))) for n in self.nodes if n != node),
        )

    def _overlaps(self, node: str, value: dict[str, Any]) -> Steps:
        """Majorities of a configuration and the next meet: one voter comes or goes, or, until that ends, both sets must agree."""
        voters, outgoing, learners = (set(value[k]) for k in ("voters", "outgoing", "learners"))
        before = self._latest.get(node)
        self._latest[node] = voters, outgoing, learners
        if before is None:
            return ()
        if before[1]:
            due = not outgoing and (voters, learners) == (before[0], before[2])
        else:
            due = outgoing == before[0] if outgoing else len(voters ^ before[0]) <= 1

        def follows(_: Any) -> None:
            require(due)

        return change(f"the configuration may follow that of {node}", follows)

    def on_refuse_membership(self) -> Steps:
        """Not to change is always allowed."""
        return ()

    def on_handle_append_entries(self, node: str, sender: str, message: dict[str, Any]) -> Steps:
        """The entries are the leader's; they are taken over, unless the message is old or what is before them is missing."""
        i, leader = self.server(node), self.server(sender)
        term = message["term"]
        prev, entries = self.kept(message["prev_index"], message["entries"])

        before = message["prev_term"] if prev == message["prev_index"] - self.dropped else None

        def are_the_leaders(m: Any) -> None:
            end = prev + len(entries)
            sent = any(
                r.term == term
                and r.leader == leader
                and list(r.log[prev:end]) == entries
                and before in (None, term_at(r.log, prev) if prev <= len(r.log) else -1)
                for r in m.reigns
            )
            require(sent or term < min(m.disk_term.values()))  # those of older terms are forgotten

        def follows(m: Any) -> None:
            require(m.current_term[i] == term)

        return (
            change(f"the entries are those of the leader of {term}", are_the_leaders),
            either((), (change("of its term", follows), do("accept", i=i, prev=prev, n=len(entries)))),
        )

    def on_handle_append_response(self, node: str, sender: str, message: dict[str, Any]) -> Steps:
        """If it agrees, the leader knows up to where; from a rejection it learns nothing of that."""
        if not message["success"]:
            return ()
        heard = do("hear", i=self.server(node), j=self.server(sender), n=self.index(message["index"]))
        return maybe(heard)

    def on_handle_install_snapshot(self, node: str, index: int) -> Steps:
        """A snapshot is loaded, unless all that is in it is known."""
        return maybe(do("load", i=self.server(node), n=self.index(index)))

    def on_advance_commit(self, node: str, index: int) -> Steps:
        """A leader by counting, a follower as it is told."""
        i, n = self.server(node), self.index(index)
        return either(do("commit", i=i, n=n), do("follow_commit", i=i, n=n))

    def on_apply(self, node: str, index: int) -> Steps:
        """What is committed is executed."""
        i, n = self.server(node), self.index(index)

        def is_committed(m: Any) -> None:
            require(n <= m.commit_index[i])

        return change(f"{index} is committed", is_committed)

    def on_compact(self) -> Steps:
        """The model keeps the log."""
        return ()

    # What is seen

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:
        """The variables of Figure 2, the configuration, and what must be true of the others.

        Not compared: to whom a leader hands over, and how it paces what it sends. Up to where a node has heard from its own disk
        is no more than is there.
        """
        i, role, leader = self.server(node), variables["role"], variables["leader"]
        start, commit = variables["log_start"], variables["commit"]
        known = self._seen.get(node)
        prev, log = self._log_seen(node, start - 1, variables["log"])
        seen: dict[tuple[Any, ...], Any] = {
            ("current_term", i): variables["term"],
            ("voted_for", i): self.server.maybe(variables["voted_for"]),
            ("role", i): ROLES[role],
            ("commit_index", i): self.index(commit),
            ("is_on_disk", i, self.index(variables["durable"])): True,
            ("log_from", i, prev + 1): log,
        }
        configuration = variables["voters"], variables["outgoing"], variables["learners"]
        if known is not self._seen[node] or self._configuration.get(node) != configuration:
            # As long as the log is the same, so is this.
            self._configuration[node] = configuration
            seen["voters", i] = Set(self.server(n) for n in configuration[0])
            seen["outgoing", i] = Set(self.server(n) for n in configuration[1])
            self._latest[node] = (set(configuration[0]), set(configuration[1]), set(variables["learners"]))
        if leader is not None:
            seen["is_led_by", i, self.server(leader)] = True
        if role == "candidate":
            votes = Set(self.server(n) for n, granted in variables["votes"].items() if granted)
            seen["have_voted_for", votes, i] = True
        last = start + len(variables["log"]) - 1
        for claim, holds in (
            (ORDER, start - 1 <= variables["snapshot"] <= variables["applied"] <= commit <= last),
            (WHOLE, last >= self.floor),
        ):
            if not holds:
                seen[(claim,)] = False
        if role == "leader":
            for peer, match in variables["match"].items():
                seen["match_index", i, self.server(peer)] = self.index(match)
                if not match < variables["next"][peer] <= last + 1:
                    seen[(Claim(f"match[{peer}] < next[{peer}] <= last index + 1"),)] = False
        return seen

    def _log_seen(self, node: str, prev: int, entries: list[Any]) -> tuple[int, Seq[Entry]]:
        """What is seen of a log, which is most often what was seen before."""
        asked = (entries, prev, self.dropped)
        known = self._seen.get(node)
        if known is not None and known[0] == asked:
            return known[1:]
        start, kept = self.kept(prev, entries)
        log = Seq(kept)
        self._seen[node] = (asked, start, log)
        return start, log

    # What cannot matter any more

    def tidy_all(self, states: States) -> None:
        """What every server has committed and thrown away goes, and so do terms that all have left."""
        states.change(_forget_terms)
        count = min(min(self._start.values()) - 1 - self.dropped, *states.ask(_common))
        if count > 0:
            states.change(lambda m: _drop(m, count))
            self.dropped += count
        self._used = set().union(*states.ask(_values))


def _logs(m: Any) -> list[Seq[Entry]]:
    return [*m.log.values(), *m.disk_log.values(), *(r.log for r in m.reigns)]


def _values(m: Any) -> set[Value]:
    return {e.value for log in _logs(m) for e in log}


def _forget_terms(m: Any) -> None:
    """What belongs to terms that every server has left cannot matter any more, nor do configurations that nobody has."""
    old = min(m.disk_term.values())
    m.ballots = Set(b for b in m.ballots if b.term >= old)
    m.candidacies = Set(c for c in m.candidacies if c.term >= old)
    m.held = Set(h for h in m.held if h.term >= old)
    m.reigns = Set(r for r in m.reigns if r.term >= old)
    values = _values(m) if m.changes else ()
    m.changes = Set(c for c in m.changes if c.value in values)


def _common(m: Any) -> int:
    """How many entries all logs begin with that all servers have committed, less one."""
    most = min(m.commit_index.values())
    same = itertools.takewhile(lambda column: len(set(column)) == 1, zip(*_logs(m), strict=False))
    return sum(1 for _ in itertools.islice(same, most)) - 1


def _drop(m: Any, count: int) -> None:
    """Of the first entries of all logs only the last is kept, with the configuration in force."""
    first = next(iter(m.log.values()))[: count + 1]
    configurations = {c.value for c in m.changes}
    value = next((e.value for e in reversed(first) if e.value in configurations), first[count].value)
    stands_for_all = Entry(first[count].term, value)

    def cut(log: Seq[Entry]) -> Seq[Entry]:
        return Seq([stands_for_all, *log[count + 1 :]])

    def less(index: int) -> int:
        return max(index - count, 0)

    m.log = Map({i: cut(log) for i, log in m.log.items()})
    m.disk_log = Map({i: cut(log) for i, log in m.disk_log.items()})
    m.commit_index = Map({i: less(n) for i, n in m.commit_index.items()})
    m.match_index = Map({i: Map({j: less(n) for j, n in of.items()}) for i, of in m.match_index.items()})
    m.candidacies = Set(
        Candidacy(c.term, c.server, less(c.last_log_index), c.last_log_term) for c in m.candidacies
    )
    m.held = Set(Held(h.term, h.server, less(h.index)) for h in m.held)
    m.reigns = Set(Reign(r.term, r.leader, cut(r.log), less(r.commit)) for r in m.reigns)


def _choose(items: Sequence[Server], count: int) -> list[list[Server]]:
    if count == 0:
        return [[]]
    return [[x, *rest] for n, x in enumerate(items) for rest in _choose(items[n + 1 :], count - 1)]
