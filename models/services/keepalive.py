"""A session that is kept alive: renewed again and again, through errors, and through a while without any server.

When its lease is over for the client, the session is in jeopardy, not lost: caches are off and calls wait, for as long as `grace`
lasts, since a new server may know the session still (Burrows, "The Chubby lock service", 2006, section 2.8). What is lost stays
lost: only the last calls of a session fail, and none after one that failed succeeds. Real clients gave up at the first error of
a renewal (Consul, issue 912), or took an error for the end of the session (Consul, issue 1162).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Annotated, ClassVar, Self

from ratified.language import Model, Param, Range, action, invariant, require, step_invariant, view


class Session(Enum):
    """What the client believes."""

    SAFE = "safe"
    JEOPARDY = "in jeopardy"
    EXPIRED = "expired"


class KeptAlive(Model):
    """One session, as its client and its servers see it. Both count ticks at the same rate; servers only while there is one."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {},
        "standard": {"length": 3, "grace": 3},
        "large": {"length": 6, "grace": 9},
    }

    length: Param[Annotated[int, Range(1, 100)]] = 2  # ticks of a lease
    grace: Param[Annotated[int, Range(1, 100)]] = 2  # ticks that jeopardy lasts

    session: Session = Session.SAFE
    believed: Annotated[int, Range(0, "length")] = 0  # ticks that the client believes are left
    jeopardy: Annotated[int, Range(0, "grace")] = 0  # ticks until it gives up
    planned: bool = True  # it will ask for more time
    asking: bool = False  # a question is on the way
    renewed: bool = False  # an answer is on the way: so much more time
    unknown: bool = False  # an answer is on the way: there is no such session
    age: Annotated[int, Range(0, "length")] = 0  # ticks since it asked, or more

    master: bool = True  # there is a server
    known: bool = True  # which knows the session
    left: Annotated[int, Range(0, "length")] = 0  # ticks that it has left there

    def init(self) -> None:
        """It begins this moment."""
        self.believed = self.length
        self.left = self.length

    @action
    def ask(self) -> None:
        """The client asks for more time."""
        require(self.planned)
        self.planned = False
        self.asking = True
        self.age = 0

    @action
    def extend(self) -> None:
        """A server answers."""
        require(self.asking and self.master)
        self.asking = False
        if self.known:
            self.left = self.length
            self.renewed = True
        else:
            self.unknown = True

    @action
    def error(self) -> None:
        """An error comes back, or nothing: there is no server, or a message was lost."""
        require(self.asking or self.renewed or self.unknown)
        self.asking = False
        self.renewed = False
        self.unknown = False
        if self.session != Session.EXPIRED:
            self.after_error()

    def after_error(self) -> None:
        """It asks again."""
        self.planned = True

    @action
    def hear_renewed(self) -> None:
        """There is more time, counted from the question; not for a session that is lost."""
        require(self.renewed)
        self.renewed = False
        if self.takes_it():
            self.session = Session.SAFE
            self.believed = self.length - self.age
            self.jeopardy = 0
        self.planned = self.session != Session.EXPIRED

    def takes_it(self) -> bool:
        """Whether there is a session to be renewed, by an answer that is not too late."""
        return self.session != Session.EXPIRED and self.age < self.length

    @action
    def hear_unknown(self) -> None:
        """The session is lost."""
        require(self.unknown)
        self.unknown = False
        self.give_up()

    def give_up(self) -> None:
        """It stays so."""
        self.session = Session.EXPIRED
        self.planned = False
        self.believed = 0
        self.jeopardy = 0

    @action
    def tick(self) -> None:
        """Time goes by: for the client, for what is on the way, and for the server, if there is one."""
        self.age = min(self.length, self.age + 1)
        if self.master:
            self.left = max(0, self.left - 1)
            self.known = self.left > 0
        if self.session == Session.JEOPARDY:
            self.jeopardy = max(0, self.jeopardy - 1)
            if self.jeopardy == 0:
                self.give_up()
        elif self.session == Session.SAFE:
            self.believed = max(0, self.believed - 1)
            if self.believed == 0:
                self.is_over()

    def is_over(self) -> None:
        """The lease is over for the client."""
        self.session = Session.JEOPARDY
        self.jeopardy = self.grace

    @action
    def fall(self) -> None:
        """There is no server for a while."""
        require(self.master)
        self.master = False

    @action
    def rise(self) -> None:
        """A new one knows the sessions, and gives each as much time as the old one may have given."""
        require(not self.master)
        self.master = True
        if self.known:
            self.left = self.length

    @invariant
    def what_is_cached_is_current(self) -> bool:
        """A session that is safe for the client is known to the server, for as long at least."""
        return self.session != Session.SAFE or (
            self.believed > 0 and self.believed <= self.left and self.known
        )

    @invariant
    def it_goes_on_asking(self) -> bool:
        """Until the session is lost, the client asks, or will, or an answer is on the way."""
        on_the_way = self.asking or self.renewed or self.unknown
        return self.session == Session.EXPIRED or self.planned or on_the_way

    @step_invariant
    def nobody_gives_up_early(self, old: Self) -> bool:
        """A session is lost when a server says so, or when the grace period is over."""
        lost = self.session == Session.EXPIRED and old.session != Session.EXPIRED
        return not lost or old.unknown or old.jeopardy == 1

    @step_invariant
    def what_is_lost_stays_lost(self, old: Self) -> bool:
        """No session comes back."""
        return old.session != Session.EXPIRED or self.session == Session.EXPIRED

    @view
    def how_it_is(self) -> tuple[Session, bool, bool]:
        """What the client believes, whether there is a server, and whether it knows the session."""
        return self.session, self.master, self.known


class RenewalEnds(KeptAlive):
    """The first error ends the renewals: an election loses all sessions (Consul, issue 912)."""

    def after_error(self) -> None:
        """It does not ask again."""


class ErrorIsTheEnd(KeptAlive):
    """An error is taken for the end: a lock that is held is given up because there is no leader (Consul, issue 1162)."""

    def after_error(self) -> None:
        """It gives up."""
        self.give_up()


class NoGrace(KeptAlive):
    """A session whose lease is over is lost at once, though a new server would have known it."""

    def is_over(self) -> None:
        """It gives up."""
        self.give_up()


class CachedInJeopardy(KeptAlive):
    """What is cached is used through the grace period; the server may have let others write by then."""

    def is_over(self) -> None:
        """Nothing happens."""


class ComesBack(KeptAlive):
    """A late answer makes a lost session safe: calls fail in between, and what follows does not know."""

    def takes_it(self) -> bool:
        """Whatever there is."""
        return self.age < self.length
