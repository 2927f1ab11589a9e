"""The bundled bindings, by the name of their protocol."""

from __future__ import annotations

from collections.abc import Callable

from ratified.conformance.binding import Binding

bindings: dict[str, Callable[[], Binding]] = {}
