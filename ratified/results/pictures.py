"""How a result looks in a notebook and in a failing test.

What draws and tells it is handed in by the package's front door: results know nothing of diagrams and reports.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any


def _plain(result: Any) -> str:
    return f"<pre>{escape(repr(result))}</pre>"


html: Callable[[Any], str] = _plain
"""Returns a result as HTML: its counterexample, or its states, as a picture."""


text: Callable[[Any], str] = repr
"""Returns a result as a report, with its counterexample."""
