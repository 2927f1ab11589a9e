"""Viewstamped Replication Revisited: a replica that recovers has forgotten what it promised, and a committed request is lost.

Liskov, Cowling: *Viewstamped replication revisited* (MIT, 2012), section 4.3, keeps nothing on disk: a replica that has
crashed asks the others what the state is. Michael, Ports, Sharma, Szekeres: *Recovering shared objects without stable
storage* (DISC 2017) found that it may come back into a view that it has already left: its old word for the next view
still counts. One request is enough. The mended protocol keeps the number of the view on disk.
"""

from __future__ import annotations

from enum import Enum
from typing import ClassVar

from ratified import Lifelines, Map, Model, Ordered, Set, Sort, action, first, invariant, record, require


class Replica(Sort):
    """Each leads a view in turn."""


class View(Ordered):
    """Numbers the periods of one primary."""


class Status(Enum):
    """What a replica takes part in."""

    NORMAL = 0
    CHANGING = 1
    CRASHED = 2


@record
class Prepare:
    """The primary of the view has the request."""

    view: View


@record
class PrepareOk:
    """So has the sender, in this view."""

    sender: Replica
    view: View


@record
class DoViewChange:
    """The sender is for the view; the last one that it was at work in, and whether it has the request."""

    sender: Replica
    view: View
    last: View
    has_request: bool


@record
class StartView:
    """The view begins, with the request or without."""

    view: View
    has_request: bool


class Recovery(Model):
    """As published. Who recovers hears from all that are at work, and takes the state of the newest view."""

    sizes: ClassVar = {"standard": {"Replica": 3, "View": 2}}
    lifelines: ClassVar = Lifelines({Replica: "replica"})

    view: Map[Replica, View]
    last: Map[Replica, View]
    status: Map[Replica, Status]
    has_request: Map[Replica, bool]
    committed: View | None
    messages: Set[Prepare | PrepareOk | DoViewChange | StartView]

    def leads(self, r: Replica, v: View) -> bool:
        return int(r) == int(v) % len(Replica)

    @action
    def request(self, r: Replica) -> None:
        """A client asks the primary."""
        require(self.status[r] == Status.NORMAL and self.leads(r, self.view[r]) and not self.has_request[r])
        self.has_request[r] = True
        self.messages.add(Prepare(self.view[r]))

    @action
    def prepare(self, r: Replica) -> None:
        """A replica hears of the request from the primary of its view."""
        require(self.status[r] == Status.NORMAL and not self.leads(r, self.view[r]))
        require(Prepare(self.view[r]) in self.messages)
        self.has_request[r] = True
        self.messages.add(PrepareOk(r, self.view[r]))

    @action
    def commit(self, r: Replica) -> None:
        """The primary knows that a majority has it, and answers the client."""
        require(self.status[r] == Status.NORMAL and self.leads(r, self.view[r]) and self.has_request[r])
        oks = Set(s for s in Replica if PrepareOk(s, self.view[r]) in self.messages)
        require(self.committed is None and 2 * (len(oks) + 1) > len(Replica))
        self.committed = self.view[r]

    @action
    def change_view(self, r: Replica) -> None:
        """A replica gives the primary up."""
        require(self.status[r] != Status.CRASHED and not self.view[r].is_last())
        self.view[r] += 1
        self.status[r] = Status.CHANGING
        self.messages.add(DoViewChange(r, self.view[r], self.last[r], self.has_request[r]))

    @action
    def start_view(self, r: Replica) -> None:
        """The next primary has heard from a majority, and begins with the newest state among theirs."""
        require(self.status[r] == Status.CHANGING and self.leads(r, self.view[r]))
        words = Set(m for m in self.messages if isinstance(m, DoViewChange) and m.view == self.view[r])
        require(2 * len(words) > len(Replica))
        newest = max(m.last for m in words)
        self.has_request[r] = any(m.has_request for m in words if m.last == newest)
        self.status[r] = Status.NORMAL
        self.last[r] = self.view[r]
        self.messages.add(StartView(self.view[r], self.has_request[r]))

    @action
    def enter_view(self, r: Replica, m: StartView) -> None:
        """A replica hears that a view has begun."""
        require(m in self.messages and self.status[r] != Status.CRASHED and self.last[r] < m.view)
        require(self.view[r] <= m.view)
        self.view[r] = m.view
        self.last[r] = m.view
        self.status[r] = Status.NORMAL
        self.has_request[r] = m.has_request

    @action
    def crash(self, r: Replica) -> None:
        """A replica loses all that it knows. No more than one is down at a time."""
        require(all(self.status[s] != Status.CRASHED for s in Replica))
        self.status[r] = Status.CRASHED
        self.has_request[r] = False
        self.last[r] = first(View)
        self.view[r] = self.remembered(r)

    def remembered(self, r: Replica) -> View:
        """What a crash leaves of the view."""
        return first(View)

    @action
    def recover(self, r: Replica) -> None:
        """A majority that is at work answers, the primary of its newest view among it."""
        require(self.status[r] == Status.CRASHED)
        others = Set(s for s in Replica if self.status[s] == Status.NORMAL)
        require(2 * len(others) > len(Replica))
        newest = max(self.view[s] for s in others)
        require(newest >= self.view[r])
        require(any(self.leads(s, newest) for s in others))
        self.view[r] = newest
        self.last[r] = newest
        self.status[r] = Status.NORMAL
        self.has_request[r] = any(self.has_request[s] for s in others if self.leads(s, newest))

    @invariant
    def what_is_committed_is_kept(self) -> bool:
        """No view begins without a request that was committed in an earlier one."""
        return not any(
            isinstance(m, StartView)
            and not m.has_request
            and self.committed is not None
            and self.committed < m.view
            for m in self.messages
        )


class ViewOnDisk(Recovery):
    """Mended: the number of the view is kept on disk, and a replica does not come back into an earlier one."""

    def remembered(self, r: Replica) -> View:
        """The view itself."""
        return self.view[r]
