"""Raft's membership as built: the servers that form the cluster change while it works.

`single_server`    one server is added or removed at a time (Ongaro's dissertation, 2014, section 4.1), by a leader that has
                   committed an entry of its own term: without that two leaders' changes may disagree (Ongaro, raft-dev, 2015)
`joint_consensus`  any change, by way of a configuration in which both the old and the new majority must agree (section 4.3;
                   paper, section 6)

Both are off by default, and then this is `Raft`, state by state. A configuration is a command in the log, in force on a server as
soon as it is in its log, committed or not. What a command stands for is decided when a leader first puts it there. A change is an
incident (`incidents`), counted where a check bounds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ratified.language import (
    Map,
    Param,
    Set,
    action,
    assume,
    at_size,
    invariant,
    record,
    require,
    subsets,
)
from ratified.models.raft.incidents import FewIncidents
from ratified.models.raft.sorts import AppendEntries, Entry, Role, Server, Value, last_term, term_at


@record
class Configuration:
    """The servers whose majority decides; with two sets, which are then joint, a majority of each must agree."""

    old: Set[Server]
    new: Set[Server]


FEW: Mapping[str, object] = {"max_term": 3, "max_log": 2, "max_messages": 1, "calm": True}


class RaftMembership(FewIncidents):
    """Raft with changes of configuration."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Server": 2, "Value": 2, "max_log": 2, "max_messages": 1, "single_server": True},
        "standard": {"Server": 3, "Value": 2, **FEW, "max_incidents": 2, "single_server": True},
        "joint": {"Server": 3, "Value": 2, **FEW, "max_term": 2, "joint_consensus": True},
        "large": {"Server": 3, "Value": 2, **FEW, "single_server": True},
    }
    symmetric_sizes: ClassVar[tuple[str, ...]] = ("standard", "joint", "large")

    single_server: Param[bool] = False
    joint_consensus: Param[bool] = False
    initial: Param[Set[Server]] = at_size(lambda: Set(Server))  # the cluster at the beginning

    configurations: Map[Value, Configuration | None]  # what a command stands for, if it is not a client's

    @assume
    def one_way_to_change(self) -> bool:
        """`single_server` and `joint_consensus` exclude each other: a cluster changes its configuration in one way.

        Switch one of them off.
        """
        return not (self.single_server and self.joint_consensus)

    @assume
    def somebody_begins(self) -> bool:
        """The initial configuration must have a server.

        Name servers in `initial`, or leave it out for all of them.
        """
        return len(self.initial) > 0

    @assume
    def there_are_commands(self) -> bool:
        """A change takes a command, and a client's is needed beside it: with changes there must be at least two values.

        Write Value=2 or more.
        """
        return len(Value) > 1 or not (self.single_server or self.joint_consensus)

    # Which configuration is in force

    def configuration_index(self, i: Server) -> int:
        """Where the latest configuration in the log of server i is, 0 if there is none."""
        return max(
            (
                n
                for n in range(1, len(self.log[i]) + 1)
                if self.configurations[self.log[i][n - 1].value] is not None
            ),
            default=0,
        )

    def configuration(self, i: Server) -> Configuration:
        """The latest configuration in the log of server i, committed or not (section 4.1)."""
        n = self.configuration_index(i)
        found = self.configurations[self.log[i][n - 1].value] if n > 0 else None
        return Configuration(self.initial, self.initial) if found is None else found

    def is_member(self, i: Server, j: Server) -> bool:
        """As server i sees it, j is one of the cluster."""
        c = self.configuration(i)
        return j in c.old or j in c.new

    def is_quorum(self, i: Server, members: Set[Server]) -> bool:
        """As server i sees it, these are a majority, or one of each of two joint configurations."""
        c = self.configuration(i)
        return all(2 * len(members & servers) > len(servers) for servers in (c.old, c.new))

    # Who takes part (section 4.2)

    def begin_election(self, i: Server) -> None:
        """Who is not of the cluster does not stand for election."""
        require(self.is_member(i, i))
        super().begin_election(i)

    @action
    def request_vote(self, i: Server, j: Server) -> None:
        """Members are asked for votes; who is asked votes, whatever configuration it knows of."""
        require(self.is_member(i, j))
        super().request_vote(i, j)

    @action
    def append_entries(self, i: Server, j: Server) -> None:
        """Members are sent entries, from the time on that their being one is in the leader's log."""
        require(self.is_member(i, j))
        super().append_entries(i, j)

    @action
    def leave(self, i: Server) -> None:
        """A leader that is no longer of the cluster steps down when that is committed (section 4.2.2)."""
        require(self.role[i] == Role.LEADER and not self.is_member(i, i))
        require(self.configuration_index(i) <= self.commit_index[i])
        self.role[i] = Role.FOLLOWER

    # Changing it

    @action
    def client_request(self, i: Server, v: Value) -> None:
        """Clients do not ask for configurations."""
        require(self.configurations[v] is None)
        super().client_request(i, v)

    def is_new(self, v: Value) -> bool:
        """Nobody has used the command yet."""
        return (
            self.configurations[v] is None
            and all(e.value != v for i in Server for e in self.log[i])
            and all(e.value != v for m in self.messages if isinstance(m, AppendEntries) for e in m.entries)
        )

    def may_change(self, i: Server) -> bool:
        """Leader i's configuration is committed, and so is an entry of its own term (the amendment of 2015)."""
        known = self.commit_index[i]
        return self.configuration_index(i) <= known and term_at(self.log[i], known) == self.current_term[i]

    def append_configuration(self, i: Server, v: Value, c: Configuration) -> None:
        """Leader i puts a configuration, which from now on is what v stands for, into its log."""
        require(self.role[i] == Role.LEADER and self.is_new(v))
        self.configurations[v] = c
        self.log[i].append(Entry(self.current_term[i], v))

    @action
    def add_or_remove(self, i: Server, j: Server, v: Value) -> None:
        """Leader i adds server j to the cluster, or removes it, maybe itself (section 4.1)."""
        require(self.single_server and self.may_change(i))
        members = self.configuration(i).new
        changed = members ^ Set([j])
        require(len(changed) > 0)
        self.append_configuration(i, v, Configuration(changed, changed))
        self.incident()

    @action
    def begin_change(self, i: Server, new: Set[Server], v: Value) -> None:
        """Leader i begins to replace its configuration, which is committed, by a new one (section 4.3)."""
        require(self.joint_consensus and new in subsets(Server) and len(new) > 0)
        c = self.configuration(i)
        require(c.old == c.new and c.new != new and self.configuration_index(i) <= self.commit_index[i])
        self.append_configuration(i, v, Configuration(c.old, new))
        self.incident()

    @action
    def finish_change(self, i: Server, v: Value) -> None:
        """Leader i, whose joint configuration is committed, goes on to the new one alone."""
        require(self.joint_consensus)
        c = self.configuration(i)
        require(c.old != c.new and self.configuration_index(i) <= self.commit_index[i])
        self.append_configuration(i, v, Configuration(c.new, c.new))

    # What it guarantees, beside Figure 3

    def electors(self, i: Server) -> Set[Server]:
        """Who would vote for server i in a new term: those whose logs are no more up to date (section 5.4.1)."""
        mine = last_term(self.log[i])
        return Set(
            j
            for j in Server
            if mine > last_term(self.log[j])
            or (mine == last_term(self.log[j]) and len(self.log[i]) >= len(self.log[j]))
        )

    @invariant
    def no_disjoint_majorities(self, i: Server, j: Server) -> bool:
        """No two servers, each by its own configuration, could be elected by majorities that have no server in common."""
        first, second = self.electors(i), self.electors(j)
        return not any(
            self.is_quorum(i, first & some) and self.is_quorum(j, second - some) for some in subsets(Server)
        )

    @invariant
    def committed_is_on_a_majority(self) -> bool:
        """As in `Raft`, until a configuration is changed: then it need not be one of those that are known any more."""
        return (
            any(c is not None for c in self.configurations.values()) or super().committed_is_on_a_majority()
        )

    @invariant
    def committed_is_not_lost(self, i: Server, j: Server) -> bool:
        """What server i knows to be committed is in its own log, and in that of any server j that could be elected."""
        return self.commit_index[i] <= len(self.log[i]) and (
            not self.is_quorum(j, self.electors(j))
            or self.log[j][: self.commit_index[i]] == self.committed(i)
        )
