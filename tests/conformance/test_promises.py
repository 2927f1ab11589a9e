"""What the store promises of watches, leases and locks: what breaks one of them is found, and said."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ratified.conformance.cluster.promises import (
    Change,
    Tenancy,
    history_faults,
    lease_faults,
    lock_faults,
    watch_faults,
)

TRUTH = [
    Change(2, b"a", b"1", 2),
    Change(3, b"a", b"2", 2),
    Change(3, b"b", b"1", 3),
    Change(4, b"a", None, 0),
]


@pytest.mark.parametrize("after", [1, 2, 3, 4])
def test_a_watch_that_tells_what_was_so_far_is_right(after: int) -> None:
    due = [change for change in TRUTH if change.revision > after]
    for count in range(len(due) + 1):
        assert watch_faults(due[:count], after, TRUTH) == []


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (
            [TRUTH[0], TRUTH[2]],
            "change 2, of b in revision 3, is told, where there is another change",
        ),  # one is left out
        ([TRUTH[1]], "change 1, of a in revision 3, is told, where there is another change"),
        ([TRUTH[0], TRUTH[0]], "change 2, of a in revision 2, is told again"),
        ([*TRUTH, TRUTH[2]], "change 5, of b in revision 3, is told again"),
        ([*TRUTH, Change(5, b"c", b"", 5)], "change 5, of c in revision 5, is made up"),
        ([Change(2, b"a", b"x", 2)], "change 1, of a in revision 2, is told, where there is another change"),
    ],
)
def test_a_watch_that_leaves_out_repeats_or_makes_up_is_found(seen: Sequence[Change], told: str) -> None:
    assert watch_faults(seen, 1, TRUTH) == [f"a watch: {told}"]


def test_a_history_leads_from_revision_to_revision_to_what_is_there() -> None:
    there = {b"b": (b"1", 3, 3, 1)}
    assert history_faults(TRUTH, there) == []
    assert history_faults(TRUTH[:2], {b"a": (b"2", 2, 3, 2)}) == []
    assert history_faults(TRUTH[:2], {b"a": (b"2", 2, 3, 1)}) == [
        "the history: a is not as its changes left it"
    ]
    assert history_faults([TRUTH[0], TRUTH[3]], {}) == ["the history: nothing is told of revision 3"]
    assert history_faults([TRUTH[0], TRUTH[1], TRUTH[3]], there) == [
        "the history: b is not as its changes left it"
    ]
    assert history_faults(TRUTH, {}) == ["the history: b is not as its changes left it"]


def test_a_lease_that_ends_early_is_found_and_one_that_nobody_renewed_may_end() -> None:
    kept = Tenancy(0xA, b"leased/a", 3, confirmed=10.0)
    left = Tenancy(0xB, b"leased/b", 3, confirmed=10.0)
    never = Tenancy(0xC, b"leased/c", 3, confirmed=10.0)
    assert lease_faults([kept, left, never], {b"leased/a": 12.5, b"leased/b": 13.0}) == [
        "lease a was renewed for 3 s, and its key was gone 2.50 s after that was asked for"
    ]


def stand(revision: int, name: str) -> Change:
    """Somebody stands in line."""
    return Change(revision, f"line/{name}".encode(), b"", revision)


def leave(revision: int, name: str) -> Change:
    """Somebody leaves it."""
    return Change(revision, f"line/{name}".encode(), None, 0)


def write(revision: int, token: int) -> Change:
    """Somebody writes under the lock."""
    return Change(revision, b"guarded", b"%d" % token, 3)


def test_who_is_first_in_line_may_write() -> None:
    said = [stand(2, "x"), write(3, 2), stand(4, "y"), write(5, 2), leave(6, "x"), write(7, 4), leave(8, "y")]
    assert lock_faults(said) == []


@pytest.mark.parametrize(
    ("truth", "told"),
    [
        (
            [stand(2, "x"), stand(3, "y"), write(4, 3)],
            "3 wrote in revision 4, when 2 was first in line, and 0 had written",
        ),
        (
            [stand(2, "x"), write(3, 2), leave(4, "x"), write(5, 2)],
            "2 wrote in revision 5, when nobody stood in line, and 2 had written",
        ),
        (
            [stand(2, "x"), stand(3, "y"), leave(4, "x"), write(5, 3), write(6, 2)],
            "2 wrote in revision 6, when 3 was first in line, and 3 had written",
        ),
    ],
)
def test_who_writes_out_of_turn_is_found(truth: Sequence[Change], told: str) -> None:
    assert lock_faults(truth) == [f"a lock: {told}"]
