"""Where a model could tell the values of a symmetric sort apart although it cannot name them: by the order they come in."""

from __future__ import annotations

from ratified.models.language.errors import Span
from ratified.models.language.ir import Module


def order_risks(module: Module) -> list[tuple[Span, str]]:
    """Each place of a model where what happens may depend on the order of symmetric values, with the reason."""
    return []
