"""Raft's change of one server at a time: two majorities that have nobody in common, and a committed change is lost.

Ongaro: *Consensus: bridging theory and practice* (Stanford, 2014), section 4.1: majorities of two configurations that
differ by one server meet. They do; those of two changes that began from the same configuration need not. Ongaro: *Bug
in single-server membership changes* (raft-dev, July 2015), with the mend: a leader first commits an entry of its own
term.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from ratified import AtMost, Map, Model, Ordered, Seq, Set, Symmetric, action, invariant, record, require


class Server(Symmetric):
    """A server, in the cluster at first."""


class Term(Ordered):
    """The time of one leader."""


@record
class Entry:
    """What is to be the cluster from here on."""

    term: Term
    members: Set[Server]


Log = Annotated[Seq[Entry], AtMost(2)]


class SingleServer(Model):
    """Logs hold configurations alone, and the last one counts as soon as it is there. Votes and appends are one step each."""

    sizes: ClassVar = {"standard": {"Server": 4, "Term": 4}}
    symmetric_sizes: ClassVar = ("standard",)

    term: Map[Server, Term]
    leads: Map[Server, bool]
    log: Map[Server, Log]
    committed: Set[Entry]

    def members(self, s: Server) -> Set[Server]:
        """The configuration that a server goes by."""
        return self.log[s][-1].members if len(self.log[s]) > 0 else Set(Server)

    def last_term(self, s: Server) -> int:
        return int(self.log[s][-1].term) if len(self.log[s]) > 0 else 0

    def up_to_date(self, s: Server, voter: Server) -> bool:
        """Whether the log of a candidate is no older than a voter's."""
        return (self.last_term(s), len(self.log[s])) >= (self.last_term(voter), len(self.log[voter]))

    @action
    def elect(self, s: Server, t: Term) -> None:
        """A majority of its configuration, as a server knows it, votes for the server."""
        voters = Set(v for v in self.members(s) if self.term[v] < t and self.up_to_date(s, v))
        require(s in voters and 2 * len(voters) > len(self.members(s)))
        require(all(self.term[v] < t for v in Server))
        for v in voters:
            self.term[v] = t
            self.leads[v] = v == s

    def may_change(self, s: Server) -> bool:
        """Whether a leader may change the configuration: not while its last change is not committed."""
        return len(self.log[s]) == 0 or self.log[s][-1] in self.committed

    @action
    def remove(self, s: Server, gone: Server) -> None:
        """A leader appends a configuration without one server."""
        require(self.leads[s] and gone != s and gone in self.members(s) and self.may_change(s))
        require(len(self.log[s]) < 2)
        self.log[s].append(Entry(self.term[s], self.members(s) - Set({gone})))

    @action
    def replicate(self, s: Server, to: Server) -> None:
        """A leader's log comes to be that of another server."""
        require(
            self.leads[s]
            and to in self.members(s)
            and self.term[to] <= self.term[s]
            and self.log[to] != self.log[s]
        )
        self.term[to] = self.term[s]
        self.leads[to] = to == s
        self.log[to] = self.log[s]

    @action
    def commit(self, s: Server) -> None:
        """A majority of the new configuration has the last entry of a leader, which is of its term."""
        require(self.leads[s] and len(self.log[s]) > 0)
        entry = self.log[s][-1]
        require(entry not in self.committed and entry.term == self.term[s])
        have = Set(m for m in entry.members if self.log[m] == self.log[s])
        require(2 * len(have) > len(entry.members))
        self.committed.add(entry)

    @invariant
    def leaders_have_what_is_committed(self) -> bool:
        """Who leads has every entry that was committed in an earlier term."""
        return all(
            e in self.log[s] for s in Server if self.leads[s] for e in self.committed if e.term < self.term[s]
        )


class OwnTermFirst(SingleServer):
    """Mended: a leader first commits an entry of its own term, which here names the configuration that there is."""

    @action
    def confirm(self, s: Server) -> None:
        """A leader appends the configuration as it is."""
        require(self.leads[s] and self.last_term(s) < int(self.term[s]) and len(self.log[s]) < 2)
        self.log[s].append(Entry(self.term[s], self.members(s)))

    def may_change(self, s: Server) -> bool:
        return (
            len(self.log[s]) > 0
            and self.log[s][-1] in self.committed
            and self.log[s][-1].term == self.term[s]
        )
