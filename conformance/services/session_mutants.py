"""What goes wrong with sessions, locks and passive checks, planted into ours: the bugs of the models' variants."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from ratified.conform.mutants import Mutant
from ratified.impl.services.endpoints import whole
from ratified.impl.services.failover import DelayingGrantor, Grant, Grantor
from ratified.impl.services.keepalive import KeepAlive, SessionState
from ratified.impl.services.passive import MaxFails
from ratified.impl.services.recovery import Reattachment, Session

SESSION = "ratified.impl.services.recovery:Session"
GRANTOR = "ratified.impl.services.failover:DelayingGrantor"
KEEPING = "ratified.impl.services.keepalive:KeepAlive"
PASSIVE = "ratified.impl.services.passive:MaxFails"
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


def delay_forgotten(original: Any) -> Any:
    """Who has just started waits for a lease, but not for its delay."""

    def ask(self: Any, name: str, now_ms: int) -> Grant | None:
        anew = self.holder is None and self._until_ms != 0
        answer: Grant | None = (Grantor.ask if anew else original)(self, name, now_ms)
        return answer

    return ask


def renewal_ends(self: Any, now_ms: int) -> None:
    """No further question is planned."""
    self._moments.at(now_ms)


def grace_is_safe(original: Any) -> Any:
    """Until the grace period is over."""

    def state(self: Any, now_ms: int) -> SessionState:
        found: SessionState = original(self, now_ms)
        return SessionState.SAFE if found is SessionState.JEOPARDY else found

    return state


def no_grace(self: Any, now_ms: int) -> SessionState:
    """None."""
    self._expired = self._expired or self._moments.at(now_ms) >= self._until_ms
    return SessionState.EXPIRED if self._expired else SessionState.SAFE


def comes_back(original: Any) -> Any:
    """Whatever there was."""

    def renewed(self: Any, now_ms: int, lasts_ms: int) -> Any:
        whole(lasts_ms=lasts_ms)
        if self._asked_ms is not None and now_ms < self._asked_ms + lasts_ms:
            self._expired = False
            self._until_ms = max(self._until_ms, self._asked_ms + lasts_ms)
        return original(self, now_ms, lasts_ms)

    return renewed


def all_come_back(original: Any) -> Any:
    """Each request is let through once the rest is over, and the rest stays over."""

    def request(self: Any, now_ms: int) -> int | None:
        checked, epoch = self._checked_ms, self._epoch
        ticket: int | None = original(self, now_ms)
        self._checked_ms, self._epoch = checked, epoch
        return ticket if ticket is None else epoch

    return request


def late_answer_readmits(original: Any) -> Any:
    """Any success counts."""

    def ended(self: Any, ticket: int, now_ms: int, *, ok: bool) -> None:
        original(self, self._epoch if ok else ticket, now_ms, ok=ok)

    return ended


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
    "lock-delay": {
        "no-lock-delay": Mutant(((f"{GRANTOR}.ask", Grantor.ask),)),
        "delay-forgotten": Mutant(((f"{GRANTOR}.ask", delay_forgotten(DelayingGrantor.ask)),)),
    },
    "keep-alive": {
        "renewal-ends": Mutant(((f"{KEEPING}.failed", renewal_ends),)),
        "error-is-the-end": Mutant(((f"{KEEPING}.failed", KeepAlive.unknown),)),
        "no-grace": Mutant(((f"{KEEPING}.state", no_grace),)),
        "cached-in-jeopardy": Mutant(((f"{KEEPING}.state", grace_is_safe(KeepAlive.state)),)),
        "comes-back": Mutant(((f"{KEEPING}.renewed", comes_back(KeepAlive.renewed)),)),
    },
    "max-fails": {
        "all-come-back": Mutant(((f"{PASSIVE}.request", all_come_back(MaxFails.request)),)),
        "late-answer-readmits": Mutant(((f"{PASSIVE}.ended", late_answer_readmits(MaxFails.ended)),)),
    },
}
