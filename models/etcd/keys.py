"""Keys, transactions and compaction: what a store with revisions keeps, and what can be read of it at each.

Values are numbers, 0 for none. A transaction is: if the first key has not been created, put both keys, else delete both, in one
revision; its comparison comes before what it does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from ratified.language import (
    AtMost,
    Map,
    Model,
    Param,
    Range,
    Seq,
    Set,
    Symmetric,
    action,
    invariant,
    require,
    step_invariant,
    view,
)

Count = Annotated[int, Range(0, "changes + 1")]


class Key(Symmetric):
    """Of the store."""


class Keys(Model):
    """The keys as they are, and as each revision left them that is kept."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Key": 2, "changes": 2},
        "standard": {"Key": 2, "changes": 3},
        "large": {"Key": 3, "changes": 4},
    }
    symmetric_sizes: ClassVar[tuple[str, ...]] = ("standard", "large")

    changes: Param[Annotated[int, Range(1, 12)]] = 3

    revision: Annotated[int, Range(1, "changes + 1")] = 1
    compacted: Annotated[int, Range(0, "changes + 1")] = 0
    created: Map[Key, Count]  # in which revision; 0: it is not there
    modified: Map[Key, Count]
    version: Map[Key, Count]
    kept: Annotated[
        Seq[Map[Key, Count]], AtMost("changes + 1")
    ]  # by revision: the version of each key; 0: not there
    past: Annotated[Seq[Map[Key, Count]], AtMost("changes + 1")]  # the same, of which nothing is forgotten
    pair: Set[Key]  # that the last change was a transaction about

    def init(self) -> None:
        """Nothing is there, in revision 1."""
        self.kept = Seq([Map({k: 0 for k in Key})])
        self.past = Seq([Map({k: 0 for k in Key})])

    def set(self, k: Key) -> None:
        """A key is put, in the next revision."""
        if self.created[k] == 0:
            self.created[k] = self.revision + 1
        self.version[k] += 1
        self.modified[k] = self.revision + 1

    def remove(self, k: Key) -> None:
        """A key is deleted, in the next revision."""
        self.created[k] = 0
        self.modified[k] = 0
        self.version[k] = self.version_of_what_is_gone(k)

    def version_of_what_is_gone(self, k: Key) -> int:
        """It begins anew."""
        return 0

    def commit(self) -> None:
        """What was changed is the next revision."""
        self.revision += 1
        now = Map({k: self.version[k] if self.created[k] > 0 else 0 for k in Key})
        self.kept.append(now)
        self.past.append(now)

    @action
    def put(self, k: Key) -> None:
        """Set one key."""
        require(self.revision <= self.changes)
        self.set(k)
        self.pair = Set()
        self.commit()

    @action
    def delete(self, k: Key) -> None:
        """Delete one key; if it is not there nothing happens."""
        require(self.revision <= self.changes and self.created[k] > 0)
        self.remove(k)
        self.pair = Set()
        self.commit()

    @action
    def swap(self, a: Key, b: Key) -> None:
        """If key a has not been created put both, else delete what there is of both: in one revision."""
        require(self.revision <= self.changes and a != b)
        if self.created[a] == 0:
            self.set(a)
            self.between()
            if self.still_holds(a):
                self.set(b)
        else:
            self.remove(a)
            self.between()
            if self.created[b] > 0:
                self.remove(b)
        self.pair = Set((a, b))
        self.commit()

    def between(self) -> None:
        """Between what a transaction does is nothing."""

    def still_holds(self, a: Key) -> bool:
        """The comparison was made before, and is not made again."""
        return True

    @action
    def compact(self, to: Annotated[int, Range(1, "changes + 1")]) -> None:
        """Forget what was before a revision, which can be read itself."""
        require(self.compacted < to <= self.revision)
        self.compacted = to
        for r in range(1, self.revision + 1):
            if self.is_forgotten(r):
                self.kept[r - 1] = Map({k: 0 for k in Key})

    def is_forgotten(self, r: int) -> bool:
        """What is before the compaction."""
        return r < self.compacted

    @view
    def what_is_there(self) -> tuple[int, int]:
        """The revision, and which was compacted."""
        return self.revision, self.compacted

    @invariant
    def what_is_not_compacted_can_be_read(self) -> bool:
        """Each revision from the compaction on is kept as it was."""
        return all(
            self.kept[r - 1] == self.past[r - 1] for r in range(max(1, self.compacted), self.revision + 1)
        )

    @invariant
    def versions_count_since_the_creation(self) -> bool:
        """The version is 0 if the key is not there, and else between 1 and the number of revisions since its creation."""
        return all(
            (self.version[k] == 0) == (self.created[k] == 0)
            and (self.created[k] == 0 or self.version[k] <= self.modified[k] - self.created[k] + 1)
            for k in Key
        )

    @invariant
    def keys_are_of_revisions_that_were(self) -> bool:
        """A key was created before it was last changed, and that in a revision that there is."""
        return all(self.created[k] <= self.modified[k] <= self.revision for k in Key)

    @step_invariant
    def one_revision_at_a_time(self, old: Self) -> bool:
        """What happens, happens in one revision."""
        return old.revision <= self.revision <= old.revision + 1

    @invariant
    def all_or_nothing(self) -> bool:
        """After a transaction both keys are there, or neither is."""
        return all(self.created[k] > 0 for k in self.pair) or all(self.created[k] == 0 for k in self.pair)


class ForgetsTheCompacted(Keys):
    """A compaction forgets the very revision that it leaves as the first."""

    def is_forgotten(self, r: int) -> bool:
        """That as well."""
        return r <= self.compacted


class VersionGoesOn(Keys):
    """A key that is deleted and created again counts on."""

    def version_of_what_is_gone(self, k: Key) -> int:
        """As it was."""
        return self.version[k]


class TwoRevisions(Keys):
    """Each operation of a transaction has a revision of its own: a reader sees the one without the other."""

    def between(self) -> None:
        """The first is there already."""
        if self.revision < self.changes:
            self.commit()


class ComparesAgain(Keys):
    """The comparison is made before each operation, and sees what the first one did."""

    def still_holds(self, a: Key) -> bool:
        """Not any more."""
        return self.created[a] == 0
