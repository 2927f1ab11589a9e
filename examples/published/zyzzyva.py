"""Zyzzyva's view change: an old certificate beats what was executed since, and a request that is done is replaced.

Kotla, Alvisi, Dahlin, Clement, Wong: *Zyzzyva: speculative Byzantine fault tolerance* (SOSP 2007). A request is done
when all replicas have executed it, or when a quorum has seen a certificate that a quorum has. Abraham, Gueta, Malkhi,
Alvisi, Kotla, Martin: *Revisiting fast practical Byzantine fault tolerance* (2017) found that a new primary may not
prefer a certificate, however old it is. One slot is enough. The first of four replicas lies: what it could say need not
be said, but counts where it helps.
"""

from __future__ import annotations

from typing import ClassVar

from ratified import (
    Lifelines,
    Map,
    Model,
    Ordered,
    Set,
    Sort,
    action,
    invariant,
    record,
    require,
    subsets,
)


class Replica(Sort):
    """The first one lies; each is the primary of a view in turn."""


class View(Ordered):
    """The time of one primary."""


class Request(Sort, prefix="x"):
    """What goes into the slot."""


@record
class Order:
    """What a primary has put into the slot, in its view."""

    view: View
    request: Request


@record
class Executed:
    """Its sender has."""

    sender: Replica
    order: Order


@record
class Certified:
    """Its sender has seen that a quorum has executed it."""

    sender: Replica
    order: Order


@record
class Report:
    """For the next primary: what a replica has executed last, and the newest certificate that it has."""

    executed: Order | None
    certificate: Order | None


class Zyzzyva(Model):
    """As published: a certificate decides what a view begins with, else what more than f replicas have executed."""

    sizes: ClassVar = {"standard": {"Replica": 4, "View": 3, "Request": 2}}
    lifelines: ClassVar = Lifelines({Replica: "replica"}, network=())

    view: Map[Replica, View]
    executed: Map[Replica, Order | None]
    certificate: Map[Replica, Order | None]
    orders: Set[Order]
    told: Set[Executed | Certified]
    reports: Map[View, Map[Replica, Report | None]]

    def init(self) -> None:
        """The first primary lies, and gives different orders."""
        self.orders = Set(Order(View(0), x) for x in Request)

    def honest(self) -> Set[Replica]:
        return Set(r for r in Replica if int(r) > 0)

    def executors(self, o: Order) -> Set[Replica]:
        return Set(r for r in Replica if Executed(r, o) in self.told)

    def quorum(self, s: Set[Replica]) -> bool:
        """Whether they are 2f + 1, with the one that lies."""
        return len(s) + 1 >= len(Replica) - 1

    @action
    def execute(self, r: Replica, o: Order) -> None:
        """A replica executes what the primary of its view says, without waiting for others."""
        require(o in self.orders and int(r) > 0 and self.view[r] == o.view)
        last = self.executed[r]
        require(last is None or last.view < o.view)
        self.executed[r] = o
        self.told.add(Executed(r, o))

    @action
    def certify(self, r: Replica, o: Order) -> None:
        """The client shows a replica that a quorum has executed it."""
        require(o in self.orders and int(r) > 0 and self.view[r] == o.view)
        require(self.quorum(self.executors(o)) and self.certificate[r] != o)
        self.certificate[r] = o
        self.told.add(Certified(r, o))

    @action
    def report(self, r: Replica) -> None:
        """A replica gives its primary up, and reports to the next."""
        require(int(r) > 0 and not self.view[r].is_last())
        self.view[r] += 1
        self.reports[self.view[r]][r] = Report(self.executed[r], self.certificate[r])

    @action
    def begin(self, p: Replica, w: View, x: Request, lie: Order | None, shown: Order | None) -> None:
        """The primary of the next view has the reports of a quorum, a lie among them, and begins with what they ask for."""
        require(int(w) > 0 and int(p) == int(w) % len(Replica) and int(p) > 0)
        require(not any(o.view == w for o in self.orders))
        require(lie is None or (lie in self.orders and lie.view < w))
        require(
            shown is None or (shown in self.orders and shown.view < w and self.quorum(self.executors(shown)))
        )
        require(
            any(self.asked_for(x, w, q, lie, shown) for q in subsets(Replica, 2) if self.have_reported(w, q))
        )
        self.orders.add(Order(w, x))

    def have_reported(self, w: View, q: Set[Replica]) -> bool:
        return q <= self.honest() and all(self.reports[w][r] is not None for r in q)

    def asked_for(self, x: Request, w: View, q: Set[Replica], lie: Order | None, shown: Order | None) -> bool:
        """The newest certificate decides; else what more than f have executed; else anything will do."""
        newest = self.newest(w, q, shown)
        if newest >= 0:
            return any(int(o.view) == newest and o.request == x for o in self.certificates(w, q, shown))
        return self.backed(x, w, q, lie, -1) or not any(self.backed(y, w, q, lie, -1) for y in Request)

    def certificates(self, w: View, q: Set[Replica], shown: Order | None) -> Set[Order]:
        """What certificates were reported; the liar has shown one too."""
        return Set(o for o in self.orders if o == shown or any(self.has_certified(r, w, o) for r in q))

    def newest(self, w: View, q: Set[Replica], shown: Order | None) -> int:
        """The newest view that a certificate is from; -1 if there is none."""
        return max((int(o.view) for o in self.certificates(w, q, shown)), default=-1)

    def has_certified(self, r: Replica, w: View, o: Order) -> bool:
        m = self.reports[w][r]
        return m is not None and m.certificate == o

    def has_executed(self, r: Replica, w: View, x: Request, since: int) -> bool:
        """Whether a replica has reported that it executed a request last, later than in a view."""
        m = self.reports[w][r]
        return (
            m is not None
            and m.executed is not None
            and m.executed.request == x
            and int(m.executed.view) > since
        )

    def backed(self, x: Request, w: View, q: Set[Replica], lie: Order | None, since: int) -> bool:
        """More than f have executed it last; the liar says that of one request."""
        lies = 1 if lie is not None and lie.request == x and int(lie.view) > since else 0
        return len(Set(r for r in q if self.has_executed(r, w, x, since))) + lies > 1

    def done(self, o: Order) -> bool:
        """Whether a client counts an order as done."""
        return len(self.executors(o)) == len(self.honest()) or self.quorum(
            Set(r for r in Replica if Certified(r, o) in self.told)
        )

    @invariant
    def what_is_done_stays(self) -> bool:
        """No later view begins with another request."""
        return all(
            o.request == later.request
            for o in self.orders
            if self.done(o)
            for later in self.orders
            if o.view < later.view
        )


class NewestView(Zyzzyva):
    """Mended: what more than f have executed in a later view than any certificate is from comes first."""

    def asked_for(self, x: Request, w: View, q: Set[Replica], lie: Order | None, shown: Order | None) -> bool:
        newest = self.newest(w, q, shown)
        if any(self.backed(y, w, q, lie, newest) for y in Request):
            return self.backed(x, w, q, lie, newest)
        return super().asked_for(x, w, q, lie, shown)
