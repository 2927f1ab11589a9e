"""Raft: `ratified.impl.raft` held to `ratified.models.raft.servers.RaftServers`.

What the model has as steps of their own happens in one step of the implementation: a candidate stands as it votes for itself, a
message of a newer term is handled at once, all that conflicts is replaced. The model does not know of messages: what a server
accepts must be a piece of its leader's log, and the binding compares the entries that a message brings. A pre-candidate is a
follower; reads and sessions are seen by clients only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ratified.conformance.binding import Binding, Claim, Names, Observed
from ratified.conformance.steps import Steps, change, do, either, maybe
from ratified.models.language import Seq, Set, require
from ratified.models.raft.servers import RaftServers
from ratified.models.raft.sorts import Entry, Role, Server, Value, last_term

VALUES, TERMS, ENTRIES = 1024, 1_000_000, 1_000_000

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
        self._values = Names(Value, values)
        self._recent: dict[Any, Value] = {}

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
        """What an entry holds: a command, nothing, or a configuration.

        Values are reused after a thousand others: entries so far apart are told apart by their places.
        """
        key = tuple((k, tuple(v) if isinstance(v, list) else v) for k, v in given.items())
        known = self._recent.get(key)
        if known is None:
            configuration = given["type"] == "Membership"
            spare = 64  # configurations are never reused
            count = len(self._recent)
            number = count % (self.values - spare) if not configuration else self._configuration(key)
            known = self._recent[key] = Value(number)
            if len(self._recent) > 4 * self.values:
                for old in list(self._recent)[: 2 * self.values]:
                    if int(self._recent[old]) < self.values - spare:
                        del self._recent[old]
        return known

    def _configuration(self, key: Any) -> int:
        """Configurations count from the end."""
        self._configurations = getattr(self, "_configurations", 0) + 1
        return self.values - self._configurations % 64 - 1 if key else 0

    def entry(self, given: Mapping[str, Any]) -> Entry:
        """An entry of the log."""
        return Entry(given["term"], self.value(given["value"]))

    # Starting, and what is on disks

    def on_start(self, node: str, variables: Mapping[str, Any]) -> Steps:
        """A node starts with what its disk has."""
        return do("restart", i=self.server(node), n=variables["commit"])

    def on_persisted(self) -> Steps:
        """The node hears what its disk has: that was told when it had it."""
        return ()

    def on_durable(self, node: str, record: Any, first: int, entries: list[Any], snapshot: int) -> Steps:
        """The disk has this now: no older term than before, no other vote in it, and the log from `first` on."""
        i = self.server(node)
        term = record["term"] if record else 0
        vote = self.server.maybe(record["voted_for"]) if record else None
        tail = [self.entry(e) for e in entries]

        def written(m: Any) -> None:
            start = first - 1 if entries else snapshot
            old, new = m.disk_log[i], m.log[i]
            before = new if len(new) >= start else old
            require(len(before) >= start)
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

    def on_handle_request_vote(self, node: str, sender: str, granted: bool) -> Steps:
        """A vote, or none: that is always allowed."""
        return do("vote", i=self.server(node), c=self.server(sender)) if granted else ()

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

    def on_append(self, node: str, value: dict[str, Any]) -> Steps:
        """The leader's log goes on, with a command or a configuration."""
        i, v = self.server(node), self.value(value)
        if value["type"] != "Membership":
            return do("append", i=i, v=v)
        voters = Set(self.server(n) for n in value["voters"])
        outgoing = Set(self.server(n) for n in value["outgoing"])
        changed = do("reconfigure", i=i, v=v, voters=voters, outgoing=outgoing)
        return (changed, *(maybe(do("forget", i=i, j=self.server(n))) for n in self.nodes if n != node))

    def on_refuse_membership(self) -> Steps:
        """Not to change is always allowed."""
        return ()

    def on_handle_append_entries(self, node: str, sender: str, message: dict[str, Any]) -> Steps:
        """The entries are the leader's, and are taken over, unless the message is old or what is before them is missing."""
        i, leader = self.server(node), self.server(sender)
        term, prev = message["term"], message["prev_index"]
        entries = [self.entry(e) for e in message["entries"]]

        def are_the_leaders(m: Any) -> None:
            end = prev + len(entries)
            require(
                any(
                    r.term == term and r.leader == leader and list(r.log[prev:end]) == entries
                    for r in m.reigns
                )
            )

        brought = change(f"the entries are those of the leader of {term}", are_the_leaders)

        def follows(m: Any) -> None:
            require(m.current_term[i] == term)

        return either(
            (), (brought, change("of its term", follows), do("accept", i=i, prev=prev, n=len(entries)))
        )

    def on_handle_append_response(self, node: str, sender: str, message: dict[str, Any]) -> Steps:
        """If it agrees, the leader knows up to where; from a rejection it learns nothing of that."""
        if not message["success"]:
            return ()
        heard = do("hear", i=self.server(node), j=self.server(sender), n=message["index"])
        return maybe(heard)

    def on_handle_install_snapshot(self, node: str, index: int) -> Steps:
        """A snapshot is loaded, unless all that is in it is known."""
        return maybe(do("load", i=self.server(node), n=index))

    def on_advance_commit(self, node: str, index: int) -> Steps:
        """A leader by counting, a follower as it is told."""
        i = self.server(node)
        return either(do("commit", i=i, n=index), do("follow_commit", i=i, n=index))

    def on_apply(self) -> Steps:
        """What is committed is executed."""
        return ()

    def on_compact(self) -> Steps:
        """The model keeps the log."""
        return ()

    # What is seen

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:
        """The variables of Figure 2; of the log, what is still there; and that `next` is beyond `match`."""
        i = self.server(node)
        seen: dict[tuple[Any, ...], Any] = {
            ("current_term", i): variables["term"],
            ("voted_for", i): self.server.maybe(variables["voted_for"]),
            ("role", i): ROLES[variables["role"]],
            ("commit_index", i): variables["commit"],
            ("log_from", i, variables["log_start"]): Seq(self.entry(e) for e in variables["log"]),
        }
        if variables["role"] == "leader":
            for peer, match in variables["match"].items():
                seen["match_index", i, self.server(peer)] = match
                seen[(Claim(f"next[{peer}] > match[{peer}]"),)] = variables["next"][peer] > match
        return seen

    def tidy(self, m: Any) -> None:
        """What belongs to terms that every server has left cannot matter any more; of leaders, the last is kept."""
        old = min(m.disk_term.values())
        m.ballots = Set(b for b in m.ballots if b.term >= old)
        m.candidacies = Set(c for c in m.candidacies if c.term >= old)
        m.held = Set(h for h in m.held if h.term >= old)
        m.reigns = Set(r for r in m.reigns if r.term >= old)


def _choose(items: Sequence[Server], count: int) -> list[list[Server]]:
    if count == 0:
        return [[]]
    return [[x, *rest] for n, x in enumerate(items) for rest in _choose(items[n + 1 :], count - 1)]
