"""Multi-Paxos: `ratified.impl.multipaxos` held to `ratified.models.paxos.servers.MultiPaxosServers`.

Ballots are numbered as for single-decree Paxos. Two things the implementation does not do that the model does: it forgets votes
for what it knows to be chosen, and a leader does not propose again what it knows to be chosen but takes it over from others. In
the model it does, and may: whatever is chosen is reported by some member of every quorum. So a leader's proposal stands for
those of what is chosen in the slots before it, too.

Nothing is searched for. What a crash left of the writes that were under way is seen when the node starts again: they are durable
in their order, so the last that shows tells of all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from ratified.follow.binding import Binding, Claim, Event, Names, Observed, TooSmallError
from ratified.follow.steps import Change, Steps, change, do, holds
from ratified.language import Seq, require
from ratified.models.paxos.servers import Cast, MultiPaxosServers, at_most
from ratified.models.paxos.sorts import Acceptor, Value

VALUES, BALLOTS, SLOTS = 1_024, 10_000_000, 10_000_000
KEPT = 16  # slots that all nodes know to be chosen and that are followed all the same: a crash may undo that
FAR = 1_000_000  # slots beyond what all nodes know to be chosen, and more than a log can be behind
REMEMBERED = 4_096  # slots before these, of which only what is chosen is known


class MultiPaxosBinding(Binding):
    """Every event is a step of the model, or something that must be true of it."""

    def __init__(self, nodes: Sequence[str] = ("n1", "n2", "n3")) -> None:
        self.nodes = sorted(nodes)
        self.acceptor = Names(Acceptor, len(nodes), self.nodes)
        self.base = 0  # the model's
        self._values: dict[Any, Value] = {}
        self._chosen: dict[int, Value] = {}  # by slot
        self._known = dict.fromkeys(self.nodes, 0)  # up to where a node knows what is chosen
        self._first: dict[int, int] = {}  # the slot that promises are asked from
        self._proposed: dict[int, set[int]] = {}  # what the leader was told of, or has been explained by
        self._stray: dict[tuple[int, int], Value] = {}  # asked for in slots up to base, and not chosen
        self._promised = dict.fromkeys(self.nodes, -1)  # up to which ballot a node is known to have answered
        self._asked: set[int] = set()  # ballots in which votes were asked for
        self._torn: dict[str, list[Event]] = {}  # by node, what a crash may have undone
        self._highest = 0  # round

    def begin(self, heading: Mapping[str, Any]) -> None:
        """A trace's heading may name the nodes."""
        if "nodes" in heading:
            self.__init__(heading["nodes"])  # type: ignore[misc]  # anew, for other nodes

    def model(self) -> MultiPaxosServers:
        """Room for whatever comes."""
        return MultiPaxosServers(
            Acceptor=len(self.nodes), Value=VALUES, Ballot=1, ballots=BALLOTS, slots=SLOTS
        )

    # Names

    def ballot(self, given: Sequence[Any]) -> int:
        """A ballot [round, node]: round r of the k-th node, from 0, is (r - 1) * n + k."""
        turn, node = given
        if turn > self._highest + 10_000:
            raise TooSmallError(f"round {turn:,} after {self._highest:,}")
        self._highest = max(self._highest, turn)
        number: int = (turn - 1) * len(self.nodes) + int(self.acceptor(node))
        return number

    def value(self, command: Mapping[str, Any]) -> Value:
        """A client's command, or what fills gaps, which is the model's first value. Others are reused after a thousand."""
        if command["type"] == "NoOp":
            return Value(0)
        key = (command["client"], command["serial"], command["payload"])
        known = self._values.pop(key, None)
        if known is None:
            full = len(self._values) == VALUES - 1
            known = self._values.pop(next(iter(self._values))) if full else Value(len(self._values) + 1)
        self._values[key] = known  # now the last that was used
        return known

    # Starting anew

    def steps(self, event: Event) -> Steps:
        """What an event means; what may have been undone waits until the node starts again."""
        node, seen = event.node, event.variables
        if not event.certain:
            self._torn.setdefault(node, []).append(event)
            return ()
        meant = super().steps(event)
        if event.action in ("promise", "accept"):
            self._promised[node] = self.ballot(event.arguments["ballot"])
        if seen is None or seen["promised"] is None or self.ballot(seen["promised"]) <= self._promised[node]:
            return meant
        # It was asked to vote for what it knows to be chosen: it answers, and does not tell.
        b = self._promised[node] = self.ballot(seen["promised"])
        raised = self._promises(self.acceptor(node), b) if b in self._asked else _false(f"{b} has asked")
        return (meant, raised) if event.action == "start" else (raised, meant)

    def on_start(self, node: str, variables: Mapping[str, Any]) -> Steps:
        """A node is there, perhaps again, with what is on its disk."""
        torn = self._torn.pop(node, [])
        done = list(takewhile(lambda e: self._shows(e, variables), torn))
        self._known[node] = variables["chosen"]
        for event in done:
            self._promised[node] = self.ballot(event.arguments["ballot"])
        return tuple(super(MultiPaxosBinding, self).steps(e) for e in done)

    def _shows(self, event: Event, variables: Mapping[str, Any]) -> bool:
        """Whether a node that starts has what an event wrote, or something later in its place."""
        if event.action == "accept":
            slot = event.arguments["slot"]
            entry = variables["log"].get(str(slot))
            return slot <= variables["chosen"] or (
                entry is not None and entry["ballot"] >= event.arguments["ballot"]
            )
        return variables["promised"] is not None and event.arguments["ballot"] <= variables["promised"]

    def _promises(self, a: Acceptor, b: int) -> Change:
        """An acceptor's promise, without an answer."""

        def raised(m: Any) -> None:
            require(b in m.begun and at_most(m.max_ballot[a], b))
            m.max_ballot[a] = b

        return change(f"{a} may answer in {b}", raised)

    # Phase 1

    def on_prepare(self, node: str, ballot: list[Any], first: int) -> Steps:
        """1a comes about as the node's own promise does; the ballot is its own, and nobody has used it."""
        b = self.ballot(ballot)
        self._first[b] = first

        def is_new(m: Any) -> None:
            require(ballot[1] == node and b not in m.begun and b >= m.first)

        return change(f"{b} is a new ballot of {node}", is_new)

    def on_promise(self, node: str, ballot: list[Any], chosen: int, votes: dict[str, Any]) -> Steps:
        """1b, which reports the votes from where it is asked to, and which are not for what is known to be chosen."""
        a, b = self.acceptor(node), self.ballot(ballot)
        after = max(chosen, self._first.get(b, 1) - 1)
        reported = holds("votes_after", a, max(after, self.base), expected=self._votes(votes, after))
        begun = do("prepare", b=b) if ballot[1] == node else ()
        return (begun, reported, do("promise", a=a, b=b))

    # Phase 2

    def _own(self, node: str, ballot: list[Any], slot: int, value: Value | None, steps: Steps) -> Steps:
        """A proposal in a ballot of the node's own. In slots that are settled it is of what is chosen."""
        b = self.ballot(ballot)
        if node != ballot[1]:
            return _false(f"{b} is a ballot of {node}")
        self._asked.add(b)
        if slot <= self.base:
            return self._settled(slot, value)
        self._proposed.setdefault(b, set()).add(slot)
        return steps

    def _settled(self, slot: int, value: Value | None) -> Steps:
        chosen = self._chosen.get(slot)
        if chosen is None:
            raise TooSmallError(f"slot {slot:,} was chosen long ago, and is not remembered")
        return () if value == chosen else _false(f"{value} is chosen in slot {slot}")

    def on_propose(self, node: str, ballot: list[Any], slot: int, value: dict[str, Any]) -> Steps:
        """2a, in the first slot that is free; where others are chosen before, they count as proposed again."""
        if slot > self.base + FAR:
            raise TooSmallError(f"slot {slot:,} is far beyond any that is known to be chosen")
        b, v = self.ballot(ballot), self.value(value)
        known = self._proposed.setdefault(b, set())
        missing = [s for s in range(self.base + 1, slot) if s not in known and s in self._chosen]
        known.update(missing)
        before = tuple(do("propose_again", b=b, s=s, v=self._chosen[s]) for s in missing)
        return self._own(node, ballot, slot, v, (*before, do("propose", b=b, s=slot, v=v)))

    def on_propose_again(self, node: str, ballot: list[Any], slot: int, value: dict[str, Any]) -> Steps:
        """2a, where a vote was reported."""
        b, v = self.ballot(ballot), self.value(value)
        return self._own(node, ballot, slot, v, do("propose_again", b=b, s=slot, v=v))

    def on_fill_gap(self, node: str, ballot: list[Any], slot: int) -> Steps:
        """2a, where none was, though one was for a later slot."""
        return self._own(node, ballot, slot, Value(0), do("fill_gap", b=self.ballot(ballot), s=slot))

    def on_accept(self, node: str, ballot: list[Any], slot: int, value: dict[str, Any]) -> Steps:
        """2b."""
        a, b, v = self.acceptor(node), self.ballot(ballot), self.value(value)
        if slot > self.base:
            return do("accept", a=a, b=b, s=slot, v=v)
        known = () if self._stray.get((b, slot)) == v else self._settled(slot, v)
        return (known, self._promises(a, b))

    # Leading and learning

    def on_lead(self) -> Steps:
        """A leader's right is seen by what it proposes."""
        return ()

    def on_resign(self) -> Steps:
        """To stop leading is always right."""
        return ()

    def on_learn(self, node: str, slot: int, value: dict[str, Any]) -> Steps:
        """What is learned, slot after slot, has been chosen."""
        v = self.value(value)
        due = self._known[node] + 1
        self._known[node] = slot
        if slot != due:
            return _false(f"{node} learns what is in slot {due}")
        if slot <= self.base:
            return self._settled(slot, v)
        self._chosen.setdefault(slot, v)
        return holds("chosen", slot, v)

    def on_restore(self, node: str, slot: int) -> Steps:
        """A snapshot is taken over, of what others have learned."""
        self._known[node] = slot
        return self.on_compact(slot)

    def on_compact(self, slot: int) -> Steps:
        """A snapshot is taken of what is chosen."""
        return () if self._are_chosen(slot) else _false(f"all is chosen up to slot {slot}")

    def _are_chosen(self, upto: int) -> bool:
        return all(slot in self._chosen for slot in range(self.base + 1, upto + 1))

    # What is seen

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:
        """The acceptor's promise, its votes for what it does not know to be chosen, and that it knows the truth of the rest."""
        a, chosen = self.acceptor(node), variables["chosen"]
        promised = variables["promised"]
        after = max(chosen, self.base)
        log = {int(slot): entry for slot, entry in variables["log"].items()}
        told = all(
            self.value(e["value"]) == self._chosen.get(s) for s, e in log.items() if self.base < s <= chosen
        )
        return {
            ("max_ballot", a): None if promised is None else self.ballot(promised),
            ("votes_after", a, after): self._votes(variables["log"], after),
            (Claim("what it knows to be chosen is"),): told and self._are_chosen(chosen),
        }

    def _votes(self, log: Mapping[str, Any], after: int) -> Seq[Cast | None]:
        """The votes in the slots after one, up to the last."""
        votes = {int(slot): entry for slot, entry in log.items() if int(slot) > max(after, self.base)}
        slots = range(max(after, self.base) + 1, max(votes, default=0) + 1)
        return Seq(
            Cast(self.ballot(votes[s]["ballot"]), self.value(votes[s]["value"])) if s in votes else None
            for s in slots
        )

    # What cannot matter any more

    def tidy(self, m: Any) -> None:
        """Leave out slots that all nodes know to be chosen, but for the last of them, and ballots that nobody can answer in."""
        base = max(self.base, min(self._known.values()) - KEPT)
        least = min((-1 if b is None else b for b in m.max_ballot.values()), default=-1)
        for k, asked in enumerate(m.asked):
            b = m.first + k
            for slot, v in enumerate(asked[: base - m.base], m.base + 1):
                if b >= least and v is not None and v != self._chosen[slot]:
                    self._stray[b, slot] = v
        cut = base - m.base
        m.voted = m.voted | {a: votes[cut:] for a, votes in m.voted.items()}
        m.promises = Seq(
            p | {a: votes[cut:] for a, votes in p.items() if votes is not None} for p in m.promises
        )
        m.asked, m.voters = Seq(x[cut:] for x in m.asked), Seq(x[cut:] for x in m.voters)
        m.base = base
        decided = [k for at in range(max(map(len, m.asked), default=0)) for k in m.deciding(at)[-1:]]
        old = max(0, min([least - m.first, len(m.asked), *decided]))
        m.begun = m.begun - set(range(m.first, m.first + old))
        m.promises, m.asked, m.voters = m.promises[old:], m.asked[old:], m.voters[old:]
        m.first += old
        self._forget(base, m.first)

    def _forget(self, base: int, first: int) -> None:
        """The same for what is kept here."""
        self.base = base
        for slot in range(base - REMEMBERED, 0, -1):
            if self._chosen.pop(slot, None) is None:
                break
        for kept in (self._first, self._proposed):
            for b in [b for b in kept if b < first]:
                del kept[b]
        for b, slot in [k for k in self._stray if k[0] < first]:
            del self._stray[b, slot]
        self._asked = {b for b in self._asked if b >= first}
        for slots in self._proposed.values():
            slots.difference_update([s for s in slots if s <= base])


def _false(what: str) -> Change:
    """Something that is not so."""
    return change(what, lambda _: require(False))
