"""Needham and Schroeder's public-key protocol: a man in the middle, found seventeen years after it was published.

Lowe: *An attack on the Needham-Schroeder public-key authentication protocol* (Information Processing Letters, 1995). A
sends {A, Na} to B; B answers {Na, Nb}; A confirms {Nb}; each message is readable by the one whose key it is sealed
with. An honest agent begins a run with the intruder, who passes its first message on to another, and learns that one's
nonce from the answer that the honest agent opens for him. `Lowe` puts the answerer's name into the second message.
"""

from __future__ import annotations

from typing import ClassVar

from ratified import Lifelines, Map, Model, Set, Sort, action, invariant, record, require


class Agent(Sort):
    """Honest agents; each has a nonce for its run as initiator and one as responder. The intruder is None."""


@record
class Nonce:
    """A fresh number of an honest agent, in one of its roles."""

    owner: Agent
    first: bool


@record
class Hello:
    """{claimed, nonce} sealed for `to`; None is the intruder, whose own nonce is None."""

    to: Agent | None
    claimed: Agent | None
    nonce: Nonce | None


@record
class Reply:
    """{first, second} sealed for `to`, and who answers, where the protocol says so."""

    to: Agent | None
    first: Nonce | None
    second: Nonce | None
    answerer: Agent | None


@record
class Confirm:
    """{second} sealed for `to`."""

    to: Agent | None
    second: Nonce | None


class NeedhamSchroeder(Model):
    """Runs among honest agents and one intruder, who sees all messages and makes any that he can."""

    sizes: ClassVar = {"standard": {"Agent": 2}}
    lifelines: ClassVar = Lifelines({Agent: "agent"}, owner={"known": "intruder"})

    begun: Map[Agent, bool]
    partner: Map[Agent, Agent | None]
    answered: Map[Agent, bool]
    believed: Map[Agent, Agent | None]
    finished: Set[Agent]
    messages: Set[Hello | Reply | Confirm]
    known: Set[Nonce]

    def says_who(self) -> bool:
        """Whether the second message names who answers."""
        return False

    def learn(self, to: Agent | None, nonce: Nonce | None) -> None:
        """What the intruder opens."""
        if to is None and nonce is not None:
            self.known.add(nonce)

    @action
    def begin(self, a: Agent, b: Agent | None) -> None:
        """An agent begins a run with another, or with the intruder."""
        require(not self.begun[a] and a != b)
        self.begun[a] = True
        self.partner[a] = b
        self.messages.add(Hello(b, a, Nonce(a, True)))
        self.learn(b, Nonce(a, True))

    @action
    def answer(self, m: Hello) -> None:
        """An agent answers the one that the message is from, as it says."""
        require(m in self.messages)
        require(m.to is not None and m.claimed is not None and m.claimed != m.to)
        assert m.to is not None
        require(not self.answered[m.to])
        self.answered[m.to] = True
        self.believed[m.to] = m.claimed
        self.messages.add(Reply(m.claimed, m.nonce, Nonce(m.to, False), m.to if self.says_who() else None))

    @action
    def confirm(self, a: Agent, m: Reply) -> None:
        """Who has begun finds its own nonce in an answer, and sends back the other."""
        require(m in self.messages)
        require(m.to == a and self.begun[a] and m.first == Nonce(a, True))
        require(not self.says_who() or m.answerer == self.partner[a])
        self.messages.add(Confirm(self.partner[a], m.second))
        self.learn(self.partner[a], m.second)

    @action
    def finish(self, b: Agent) -> None:
        """Who has answered gets its nonce back, and believes to know with whom it has talked."""
        require(self.answered[b] and Confirm(b, Nonce(b, False)) in self.messages)
        self.finished.add(b)

    @action
    def fake_hello(self, m: Hello) -> None:
        """The intruder says what he knows in another's name."""
        require(m.to is not None and m.claimed is not None and m.nonce is not None and m.nonce in self.known)
        self.messages.add(m)

    @action
    def fake_confirm(self, m: Confirm) -> None:
        """The intruder confirms with what he knows."""
        require(m.to is not None and m.second is not None and m.second in self.known)
        self.messages.add(m)

    @invariant
    def secret(self) -> bool:
        """What an honest agent made for another honest one stays between them."""
        return all(Nonce(b, False) not in self.known for b in Agent if self.believed[b] is not None)

    @invariant
    def authentic(self) -> bool:
        """Whoever has finished has been talking with the one it believes in."""
        return all(any(self.believed[b] == a and self.partner[a] == b for a in Agent) for b in self.finished)


class Lowe(NeedhamSchroeder):
    """The mended protocol."""

    def says_who(self) -> bool:
        return True
