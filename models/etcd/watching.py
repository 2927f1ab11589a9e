"""Watches: each change once, in order, none left out, through compaction and from one node to the next.

A client watches some keys of a store; whatever happens is one revision, and concerns it or not. The node that it watches at may
be behind the cluster. All up to `place` was told, as far as the client knows; that is where it goes on at another node. The
claims are those that etcd makes of its watches: ordered, unique, reliable, resumable, bookmarkable (etcd, tests/robustness).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from ratified.language import (
    AtMost,
    Model,
    Param,
    Range,
    Seq,
    action,
    invariant,
    require,
    step_invariant,
    view,
)

Revision = Annotated[int, Range(0, "revisions")]


class Watching(Model):
    """The history of the cluster, one node, one watch of one client."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"revisions": 3},
        "standard": {"revisions": 4},
        "large": {"revisions": 6, "piece": 2},
    }

    revisions: Param[Annotated[int, Range(1, 12)]] = 3
    piece: Param[Annotated[int, Range(1, 12)]] = 2  # revisions that are looked through at once

    concerns: Annotated[Seq[bool], AtMost("revisions")]  # of each revision: whether the watch is to see it
    compacted: Revision = 0  # what is before this is forgotten
    forgot_at: Revision = 0  # the revision that there was when it was
    applied: Revision = 0  # by the node
    next: Annotated[int, Range(1, "revisions + 1")] = 1  # what the node looks at next
    behind: bool = True  # whether there may be something from there on that the watch is to see
    asked: bool = False  # for progress
    over: bool = False  # the client was told that what comes next is forgotten
    told: Annotated[Seq[Annotated[int, Range(1, "revisions")]], AtMost("revisions")]
    place: Revision = 0  # all up to here was told, as far as the client knows

    @action
    def change(self, concerns: bool) -> None:
        """Something happens in the cluster."""
        require(len(self.concerns) < self.revisions)
        self.concerns.append(concerns)

    @action
    def apply(self) -> None:
        """The node learns of the next revision; a watch that was up to date begins there if it is to see it."""
        require(self.applied < len(self.concerns))
        self.applied += 1
        if self.concerns[self.applied - 1] and not self.behind and self.next <= self.applied:
            self.behind = True
            self.next = self.applied

    @action
    def compact(self, to: Annotated[int, Range(1, "revisions")]) -> None:
        """What was before a revision is forgotten, when all that there is was applied."""
        require(self.applied == len(self.concerns))
        require(self.compacted < to <= self.applied)
        self.compacted = to
        self.forgot_at = self.applied

    @action
    def ask(self) -> None:
        """The client wants to know how far it is."""
        require(not self.asked and not self.over)
        self.asked = True

    @action
    def take(self) -> None:
        """The node looks through the history, from where the watch is, and tells what it is to see."""
        require(not self.over)
        if self.behind and self.next < self.compacted:
            self.forgotten()
        else:
            self.look()

    def forgotten(self) -> None:
        """What comes next is not known any more: the watch is over, and its client is told."""
        self.over = True

    def look(self) -> None:
        """Tell a piece."""
        begins = self.begins()
        last = min(self.applied, begins + self.piece - 1)
        found = any(self.sees(r) for r in range(begins, last + 1))
        for r in range(begins, last + 1):
            if self.sees(r):
                self.told.append(r)
        self.next = max(begins, last + 1)
        self.behind = self.next <= self.applied
        if found:
            self.place = max(self.place, self.told[len(self.told) - 1])
        elif self.asked and self.may_tell_progress():
            self.asked = False
            self.place = max(self.place, self.applied)

    def begins(self) -> int:
        """Where there is something to see: a watch that is up to date has nothing to see in what was applied."""
        return self.next if self.behind else max(self.next, self.applied + 1)

    def sees(self, revision: int) -> bool:
        """Whether the watch is told of a revision."""
        return self.concerns[revision - 1]

    def may_tell_progress(self) -> bool:
        """Once all that was applied was looked through, and nothing else is awaited."""
        return not self.behind and self.next <= self.applied + 1

    @action
    def reattach(self, applied: Revision) -> None:
        """The client goes on at another node, which knows of the compaction, and may be further behind or ahead."""
        require(not self.over and self.forgot_at <= applied <= len(self.concerns))
        self.applied = applied
        self.next = self.resumes_at()
        self.behind = True
        self.asked = False

    def resumes_at(self) -> int:
        """The revision that the client asks for."""
        return self.place + 1

    @view
    def how_far_it_is(self) -> tuple[int, int, bool]:
        """What was told, how far the client knows, and whether the watch is over."""
        return len(self.told), self.place, self.over

    @invariant
    def told_in_order_and_once(self) -> bool:
        """No event comes after a later one, and none twice."""
        return all(self.told[i] < self.told[i + 1] for i in range(len(self.told) - 1))

    @invariant
    def no_gap(self) -> bool:
        """All that concerns the watch was told, up to where the client believes that it was."""
        return all(r in self.told for r in range(1, self.place + 1) if self.concerns[r - 1])

    @invariant
    def nothing_of_no_concern(self) -> bool:
        """Only what concerns the watch is told."""
        return all(self.concerns[r - 1] for r in self.told)

    @invariant
    def what_was_told_is_behind_the_place(self) -> bool:
        """The client knows of all that it was told."""
        return all(r <= self.place for r in self.told)

    @step_invariant
    def the_place_does_not_go_back(self, old: Self) -> bool:
        """Progress is for good."""
        return old.place <= self.place


class ProgressOvertakes(Watching):
    """Progress is told while events wait (etcd, issue 15220)."""

    def may_tell_progress(self) -> bool:
        """At any time."""
        return True


class MovedForward(Watching):
    """A watch whose next revision is forgotten goes on behind it, and says nothing (etcd, issue 17529)."""

    def forgotten(self) -> None:
        """It looks at what is left."""
        self.next = self.compacted


class ResumedFromNow(Watching):
    """A new connection tells what happens from then on."""

    def resumes_at(self) -> int:
        """After all that the node has applied."""
        return max(self.place, self.applied) + 1


class OlderEvents(Watching):
    """A watch of a revision that the node has not come to yet is told what was before it (etcd, issues 15271 and 20221)."""

    def resumes_at(self) -> int:
        """Not in the future."""
        return max(1, min(self.place + 1, self.applied))


class DeletionForgotten(Watching):
    """A compaction forgets the deletion at its own revision, where a watch may begin (etcd, issues 18089 and 19179)."""

    def sees(self, revision: int) -> bool:
        """If it is still there."""
        return super().sees(revision) and revision != self.compacted
