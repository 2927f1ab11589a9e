"""Which engines there are, and which one `auto` means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ratified.models.language.errors import RatifiedError
from ratified.models.language.model import Model
from ratified.proofs.explore.reference import check_reference
from ratified.proofs.explore.result import Limits, Progress, Result

ENGINES = ("auto", "reference", "native")


class Engine(Protocol):
    """Explores a model and reports. All engines give the same results but for time, memory and the engine's name."""

    def __call__(
        self,
        model: Model,
        *,
        limits: Limits,
        symmetry: bool,
        deadlock: bool,
        progress: Callable[[Progress], None] | None,
    ) -> Result:
        """See `ratified.proofs.explore.check`."""


def native_engine() -> Engine | None:
    """The native engine where it can be used. This is where it is plugged in."""
    return None


def engine_named(name: str) -> Engine:
    """The engine of that name. Raises RatifiedError if there is none, or it cannot be used here."""
    if name not in ENGINES:
        raise RatifiedError(f"there is no engine {name!r}", remedy=f"choose one of {', '.join(ENGINES)}")
    if name != "native":
        return check_reference
    native = native_engine()
    if native is None:
        raise RatifiedError(
            "the native engine is not available here", remedy="use the reference engine: engine='reference'"
        )
    return native
