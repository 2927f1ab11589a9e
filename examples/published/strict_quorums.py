"""Reads of R replicas and writes of W with R + W > N, proved for every N, R and W: no read returns what is too old.

Gifford, Weighted voting for replicated data, 1979; DeCandia et al., Dynamo, 2007, whose sloppy quorums are left out.

    ratified prove examples/published/strict_quorums.py:QuorumSafety
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from ratified import (
    Goals,
    Map,
    Model,
    Ordered,
    Param,
    Range,
    Set,
    Sort,
    action,
    assume,
    first,
    invariant,
    lemma,
    require,
)


class Node(Sort):
    """A replica."""


class Version(Ordered):
    """A version of the one value that there is; the first one is there from the beginning."""


class Quorums(Model):
    """One writer, which writes one version after the other, and one reader."""

    sizes: ClassVar = {"standard": {"Node": 3, "Version": 3}}

    w: Param[Annotated[int, Range(1, "len(Node)")]] = 2
    r: Param[Annotated[int, Range(1, "len(Node)")]] = 2
    stored: Map[Node, Version]
    writing: Version
    written: Version
    reading: bool
    least: Version
    asked: Set[Node]
    best: Version

    @assume
    def quorums_meet(self) -> bool:
        """Of R and W replicas one is in both."""
        return self.w + self.r > len(Node)

    @action
    def write(self, n: Node) -> None:
        """A replica stores what is being written."""
        self.stored[n] = self.writing

    @action
    def end_write(self) -> None:
        """W replicas have stored it: the writer goes on with the next version."""
        require(len({n for n in Node if self.stored[n] >= self.writing}) >= self.w)
        self.written = self.writing
        self.writing = self.writing + 1

    @action
    def begin_read(self) -> None:
        """From now on nothing older will do than what has been written."""
        require(not self.reading)
        self.reading = True
        self.least = self.written
        self.asked = Set()
        self.best = first(Version)

    @action
    def ask(self, n: Node) -> None:
        """A replica answers with what it stores."""
        require(self.reading)
        self.asked.add(n)
        self.best = max(self.best, self.stored[n])

    @action
    def end_read(self) -> None:
        """R replicas have answered."""
        require(self.reading and len(self.asked) >= self.r)
        self.reading = False

    @invariant
    def reads_are_fresh(self) -> bool:
        """When R replicas have answered, the best answer is none that is too old."""
        return not self.reading or len(self.asked) < self.r or self.best >= self.least


class QuorumSafety(Quorums):
    """W replicas store what was written; whichever of them has been asked has said so."""

    goals: ClassVar[Goals] = {"reads_are_fresh": None}

    @lemma
    def what_was_written_is_stored(self) -> bool:
        """W replicas have what was written, or later versions."""
        stored = Set(n for n in Node if self.stored[n] >= self.written)
        return self.written == first(Version) or len(stored) >= self.w

    @lemma
    def nothing_is_newer_than_what_is_being_written(self) -> bool:
        """Versions are written in order."""
        return self.written <= self.writing and all(self.stored[n] <= self.writing for n in Node)

    @lemma
    def who_was_asked_has_said_so(self) -> bool:
        """W replicas have what a read wants at least, and have said so if they were asked."""
        enough = Set(
            n
            for n in Node
            if self.stored[n] >= self.least
            and (not self.reading or n not in self.asked or self.best >= self.least)
        )
        return self.least == first(Version) or len(enough) >= self.w

    @lemma
    def a_read_wants_what_was_written(self) -> bool:
        """Not more than that."""
        return self.least <= self.written
