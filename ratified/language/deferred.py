"""Values that depend on sizes, and are computed when a model is instantiated."""

from __future__ import annotations

from collections.abc import Callable

NOTHING = object()


class Deferred:
    """A value that depends on sizes, as a default: it is computed when a model is instantiated.

    `majorities` says that it is the smallest majorities of a sort; `each`, if it is not `NOTHING`, what a map has at every key.
    """

    __slots__ = ("compute", "each", "majorities")

    def __init__(
        self, compute: Callable[[], object], *, majorities: bool = False, each: object = NOTHING
    ) -> None:
        self.compute = compute
        self.majorities = majorities
        self.each = each
