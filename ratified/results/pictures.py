"""How a result looks in a notebook. What draws it is handed in by the package's front door: results know nothing of diagrams."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any


def _plain(result: Any) -> str:
    return f"<pre>{escape(repr(result))}</pre>"


html: Callable[[Any], str] = _plain
"""Returns a result as HTML: its counterexample, or its states, as a picture."""
