"""The budgets of budgets.py, asked in one way: a client tells what begins and ends, and asks before each retry.

Guarantees: what is asked for a retry is counted once, from when it is decided until it has ended.
"""

from __future__ import annotations

from typing import TypeAlias

from ratified.impl.services.balancing.base import Draw
from ratified.impl.services.budgets import Adaptive, Budget, RetriesInFlight, Throttle

AnyBudget: TypeAlias = Throttle | Budget | RetriesInFlight | Adaptive

FAILING = "too much fails for retries to help"
USED_UP = "the budget for retries is used up"
REFUSED = "servers take so little that this client holds back"


class Allowance:
    """What a budget allows. `draw` is the chance that adaptive throttling needs."""

    def __init__(self, budget: AnyBudget, draw: Draw) -> None:
        self._budget = budget
        self._draw = draw

    def begin(self, now_ms: int) -> str | None:
        """A request begins: None, or why it may not."""
        match self._budget:
            case Budget() as budget:
                budget.request(now_ms)
            case RetriesInFlight() as budget:
                budget.begin()
            case Adaptive() as budget:
                return None if budget.admits(now_ms, self._draw) else REFUSED
        return None

    def end(self) -> None:
        """A request that was begun has ended."""
        if isinstance(self._budget, RetriesInFlight):
            self._budget.end()

    def retry(self, now_ms: int) -> str | None:
        """A retry, or a hedge, is wanted: None, or why it may not be. If it may be, `retried` is to be told when it has ended."""
        match self._budget:
            case Throttle() as budget:
                return None if budget.allows else FAILING
            case Adaptive() as budget:
                return None if budget.admits(now_ms, self._draw) else REFUSED
            case Budget() as budget:
                return None if budget.retry(now_ms) else USED_UP
            case RetriesInFlight() as budget:
                return None if budget.take() else USED_UP

    def retried(self) -> None:
        """A retry has ended, or is not going to be."""
        if isinstance(self._budget, RetriesInFlight):
            self._budget.release()

    def attempted(self, now_ms: int, *, error: bool, failed: bool) -> None:
        """An attempt has ended: with an error or not; and if so, whether in a way that tells against retries."""
        match self._budget:
            case (
                Throttle() as budget
            ):  # an error that is the request's own counts neither way (gRPC proposal A6)
                if failed:
                    budget.failed()
                elif not error:
                    budget.succeeded()
            case Adaptive() as budget:
                if not failed:
                    budget.accepted(now_ms)
            case _:
                pass
