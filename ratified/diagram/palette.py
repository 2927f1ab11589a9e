"""How actions and marks look: colours that people with any colour vision tell apart, each with a line style of its own for grey.

The colours are those of Okabe & Ito, "Color Universal Design" (2008), without yellow and black; darker where they are text,
so that it stands out from white at least 4.5 to 1 (WCAG 2.1, 1.4.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

INK = "#1a1a1a"
QUIET = "#595959"
PAPER = "#ffffff"
BAD_FILL, BAD_LINE = "#fbe4d8", "#b34700"
STILL_FILL = "#d9d9d9"
START_FILL = "#e3eefa"

FONTS = "DejaVu Sans Mono, Menlo, Consolas, Liberation Mono, Courier New, monospace"
"""Letters of one width, so that what was laid out for one of them fits in another."""

_LINES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f")
_TEXTS = ("#00629a", "#a84a00", "#00745a", "#9c3f74", "#8a5f00", "#1f6f9e", "#5c5c5c")
_DASHES = ("solid", "dashed", "dotted")
_SAMPLES = {"solid": "\u2501\u2501\u2501", "dashed": "\u2501 \u2501", "dotted": "\u2505\u2505\u2505"}


@dataclass(frozen=True, slots=True)
class Look:
    """How the edges of an action are drawn: colour of the line, of text, and the style of the line in Graphviz's words."""

    line: str
    text: str
    style: str

    @property
    def sample(self) -> str:
        """The line, as characters."""
        return _SAMPLES[self.style]

    @property
    def dashes(self) -> str:
        """The line, as SVG's stroke-dasharray."""
        return {"solid": "", "dashed": "6,4", "dotted": "2,3"}[self.style]


MISSED = Look(BAD_LINE, BAD_LINE, "dotted")
"""How an edge is drawn that traces never exercised, whatever its action."""


def looks(actions: Sequence[str]) -> dict[str, Look]:
    """A look for each action: no two the same for up to 21, and neighbours differ in both colour and style."""
    found = {}
    for k, action in enumerate(actions):
        colour = k % len(_LINES)
        style = _DASHES[(k + k // len(_LINES)) % len(_DASHES)]
        found[action] = Look(_LINES[colour], _TEXTS[colour], style)
    return found
