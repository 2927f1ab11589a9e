"""What goes wrong when a session is taken up again, planted into ours: the bugs of the models' variants, under the same names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from ratified.conform.mutants import Mutant
from ratified.impl.services.endpoints import whole
from ratified.impl.services.recovery import Reattachment, Session

SESSION = "ratified.impl.services.recovery:Session"
Reattaching: TypeAlias = Callable[[Session, int], Reattachment]


def watched_from_now(original: Reattaching) -> Any:
    """A watch names no revision."""

    def reattach(self: Any, now_ms: int) -> Reattachment:
        return replace(original(self, now_ms), watches={})

    return reattach


def told_again(self: Any, key: str, revision: int) -> bool:
    """All is new."""
    whole(revision=revision)
    self.watches[key] = revision
    return True


def asked_anew(original: Reattaching) -> Any:
    """Under new numbers."""

    def reattach(self: Any, now_ms: int) -> Reattachment:
        again = original(self, now_ms)
        self.unanswered.clear()
        return replace(again, requests=tuple(self.begin() for _ in again.requests))

    return reattach


def answer_not_awaited(original: Reattaching) -> Any:
    """Nothing is sent again."""

    def reattach(self: Any, now_ms: int) -> Reattachment:
        return replace(original(self, now_ms), requests=())

    return reattach


def counted_from_the_answer(original: Any) -> Any:
    """From now."""

    def renewed(self: Any, lease: int, asked_ms: int, lasts_ms: int) -> bool:  # noqa: ARG001 - that is the mistake
        return bool(original(self, lease, self._moments.now_ms, lasts_ms))

    return renewed


def lost_again(self: Any, now_ms: int) -> Sequence[int]:
    """It is kept."""
    now = self._moments.at(now_ms)
    return [lease for lease, until in self.leases.items() if now >= until]


MUTANTS: Mapping[str, Mapping[str, Mutant]] = {
    "reattachment": {
        "watched-from-now": Mutant(((f"{SESSION}.reattach", watched_from_now(Session.reattach)),)),
        "told-again": Mutant(((f"{SESSION}.seen", told_again),)),
        "asked-anew": Mutant(((f"{SESSION}.reattach", asked_anew(Session.reattach)),)),
        "answer-not-awaited": Mutant(((f"{SESSION}.reattach", answer_not_awaited(Session.reattach)),)),
    },
    "kept-leases": {
        "counted-from-the-answer": Mutant(
            ((f"{SESSION}.renewed", counted_from_the_answer(Session.renewed)),)
        ),
        "lost-again": Mutant(((f"{SESSION}.lost", lost_again),)),
    },
}
