"""A log in memory: the entries after some index, all before being in a snapshot. Indices begin at 1 (Raft paper, Figure 2).

Guarantees: terms never fall from one index to the next; what is not in memory has no term (-1), but for the entry just before
the first.
"""

from __future__ import annotations

from collections.abc import Iterable

from ratified.impl.raft.messages import Entry

UNKNOWN_TERM = -1


class Log:
    """Entries `offset + 1` to `last`."""

    __slots__ = ("_entries", "offset", "offset_term")

    def __init__(self, offset: int = 0, offset_term: int = 0, entries: Iterable[Entry] = ()) -> None:
        self.offset = offset
        self.offset_term = offset_term
        self._entries = list(entries)

    @property
    def last(self) -> int:
        """The index of the last entry."""
        return self.offset + len(self._entries)

    @property
    def last_term(self) -> int:
        """The term of the last entry."""
        return self._entries[-1].term if self._entries else self.offset_term

    def term_at(self, index: int) -> int:
        """Return the term of an entry; UNKNOWN_TERM if it is not here."""
        at = index - self.offset
        if 0 < at <= len(self._entries):
            return self._entries[at - 1].term
        return self.offset_term if at == 0 else UNKNOWN_TERM

    def matches(self, index: int, term: int) -> bool:
        """Whether there is an entry of that term at that index."""
        return self.term_at(index) == term

    def entry(self, index: int) -> Entry:
        """Return an entry that is here."""
        return self._entries[index - self.offset - 1]

    def slice(self, first: int, count: int) -> tuple[Entry, ...]:
        """Return at most so many entries, from an index on."""
        at = first - self.offset - 1
        return tuple(self._entries[at : at + count])

    def entries(self) -> tuple[Entry, ...]:
        """Return all that is here."""
        return tuple(self._entries)

    def append(self, entries: Iterable[Entry]) -> None:
        """Add entries at the end."""
        self._entries.extend(entries)

    def truncate(self, first: int) -> None:
        """Remove the entries from an index on."""
        del self._entries[max(0, first - self.offset - 1) :]

    def compact(self, upto: int) -> None:
        """Forget the entries up to an index that is here."""
        if upto > self.offset:
            term = self.term_at(upto)
            del self._entries[: upto - self.offset]
            self.offset, self.offset_term = upto, term

    def reset(self, index: int, term: int) -> None:
        """Become empty, after a snapshot."""
        self._entries.clear()
        self.offset, self.offset_term = index, term

    def is_up_to_date(self, last_index: int, last_term: int) -> bool:
        """Whether a log that ends so is at least as up to date as this one (section 5.4.1)."""
        return last_term > self.last_term or (last_term == self.last_term and last_index >= self.last)

    def first_conflict(self, first: int, entries: tuple[Entry, ...]) -> int:
        """Return where, of entries to put from `first` on, there first is another term or nothing; 0: nowhere."""
        for index, entry in enumerate(entries, first):
            if not self.matches(index, entry.term):
                return index
        return 0

    def last_not_after(self, index: int, term: int) -> int:
        """Return the largest index up to `index` whose entry is of no later term than `term`.

        Of two logs, one cannot agree with the other at any index above, if the other has an entry of `term` at `index`.
        """
        index = min(index, self.last)
        while index > self.offset and self.term_at(index) > term:
            index -= 1
        return index
