"""SVG, written by hand: shapes and text in letters of one width, so that what is measured here fits when it is shown.

Guarantees: whatever text is given is escaped; the same shapes give the same text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape
from textwrap import TextWrapper

from ratified.diagram.palette import FONTS, INK, PAPER

LETTER = 0.602
"""How wide a letter is, as a part of its size: that of DejaVu Sans Mono, the widest of the fonts that are asked for."""

SPACING = 1.25
"""From one line to the next, as a part of the letters' size."""


def width_of(text: str, size: float) -> float:
    """How wide a text is, in the units of the picture. Letters outside of ASCII may be as wide as two."""
    return sum(LETTER if ord(c) < 0x2E80 else 2 * LETTER for c in text) * size


class _Wrapper(TextWrapper):
    """Breaks what is called with values, `Report(executed=Order(view=v0,`, behind a bracket before it breaks a name."""

    def _split(self, text: str) -> list[str]:
        words = super()._split(text)
        return [
            part
            for word in words
            for part in (
                re.findall(r"[^(\[{]*[(\[{]+|[^(\[{]+", word)
                if len(word) > self.width - len(self.subsequent_indent)
                else [word]
            )
        ]


def folded(text: str, width: int) -> list[str]:
    """A text in lines of at most so many letters; at least one line."""
    wrapper = _Wrapper(width, subsequent_indent="  ", break_on_hyphens=False)
    return wrapper.wrap(text) or [""]


def number(value: float) -> str:
    """A number as SVG has it: no more digits than are seen."""
    return f"{value:.1f}".removesuffix(".0")


@dataclass(slots=True)
class Canvas:
    """What is drawn, in order."""

    shapes: list[str] = field(default_factory=list)

    def add(self, shape: str) -> None:
        """Something else, as it stands."""
        self.shapes.append(shape)

    def rect(
        self,
        x: float,
        y: float,
        w: float,
        h: float,
        *,
        fill: str = PAPER,
        stroke: str = INK,
        width: float = 1.2,
        radius: float = 4,
        more: str = "",
    ) -> None:
        """A box."""
        self.add(
            f'<rect x="{number(x)}" y="{number(y)}" width="{number(w)}" height="{number(h)}" rx="{number(radius)}" '
            f'fill="{fill}" stroke="{stroke}" stroke-width="{number(width)}"{more}/>'
        )

    def line(
        self,
        x1: float,
        y1: float,
        x2: float,
        y2: float,
        *,
        stroke: str = INK,
        width: float = 1.2,
        dashes: str = "",
        more: str = "",
    ) -> None:
        """A straight line."""
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        self.add(
            f'<line x1="{number(x1)}" y1="{number(y1)}" x2="{number(x2)}" y2="{number(y2)}" stroke="{stroke}" '
            f'stroke-width="{number(width)}"{dashed}{more}/>'
        )

    def path(
        self, d: str, *, stroke: str = INK, width: float = 1.2, dashes: str = "", more: str = ""
    ) -> None:
        """A line of any form."""
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        self.add(
            f'<path d="{d}" fill="none" stroke="{stroke}" stroke-width="{number(width)}"{dashed}{more}/>'
        )

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 11,
        fill: str = INK,
        anchor: str = "start",
        bold: bool = False,
        halo: bool = False,
        more: str = "",
    ) -> None:
        """A line of text, its foot at y. With a halo, lines that pass under it do not strike it out."""
        text = "\u00a0" * (len(text) - len(text.lstrip(" "))) + text.lstrip(
            " "
        )  # not all viewers keep blanks
        placed = "" if anchor == "start" else f' text-anchor="{anchor}"'
        heavy = ' font-weight="bold"' if bold else ""
        around = (
            f' paint-order="stroke" stroke="{PAPER}" stroke-width="3" stroke-linejoin="round"' if halo else ""
        )
        self.add(
            f'<text x="{number(x)}" y="{number(y)}" font-size="{number(size)}" fill="{fill}"{placed}{heavy}{around}'
            f"{more}>{escape(text)}</text>"
        )

    def document(self, width: float, height: float, title: str) -> str:
        """The whole picture."""
        w, h = number(width), number(height)
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" '
                f'font-family="{FONTS}" role="img">',
                f"<title>{escape(title)}</title>",
                f'<rect width="100%" height="100%" fill="{PAPER}"/>',
                *self.shapes,
                "</svg>",
                "",
            ]
        )


def arrow(marker: str, colour: str, *, hollow: bool = False) -> str:
    """The definition of an arrow head, to be used as `marker-end="url(#marker)"`."""
    fill = PAPER if hollow else colour
    return (
        f'<marker id="{marker}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" '
        f'markerUnits="userSpaceOnUse" orient="auto-start-reverse"><path d="M 0 1 L 9 5 L 0 9 z" fill="{fill}" '
        f'stroke="{colour}"/></marker>'
    )
