"""Pictures of load: how much each node has to do over time, what happened to it, and who stayed away from it.

Guarantees: values hold numbers and text only, whatever they were measured at; all lanes of a picture have one scale, so that
they can be compared; what is told by colour is told by form as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from ratified.diagram.palette import BAD_FILL, BAD_LINE, INK, PAPER, QUIET
from ratified.diagram.render import check_writable, kind_of, write
from ratified.diagram.svg import Canvas, width_of

KINDS = ("svg", "html")

ANSWERED, FAILED, AGAIN, OUT = "#0072b2", "#d55e00", "#9c3f74", "#5c5c5c"
CANCELLED, PALE = "#56b4e9", "#cfe8f7"
LEFT, WIDE, RIGHT = 96.0, 720.0, 24.0
LANE, GAP = 76.0, 26.0
SMALL = 10.0
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)


@dataclass(frozen=True, slots=True)
class LoadSpan:
    """Something that lasts, in seconds from the beginning; its label says what."""

    start: float
    end: float
    label: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """A node. What is counted is counted in slices of time, all of the same length.

    `failed`, `cancelled` and `again` are parts of `total`; `troubles` is what happened to it, `out` when it was avoided.
    """

    name: str
    total: tuple[int, ...]
    failed: tuple[int, ...]
    cancelled: tuple[int, ...]
    again: tuple[int, ...]
    troubles: tuple[LoadSpan, ...] = ()
    out: tuple[LoadSpan, ...] = ()


@dataclass(frozen=True, slots=True)
class Panel:
    """Nodes under one heading."""

    heading: str
    lanes: tuple[Lane, ...]


@dataclass(frozen=True, slots=True)
class LoadPicture:
    """Load of nodes over time; `slice_s` is how long a slice is, in seconds."""

    title: str
    slice_s: float
    panels: tuple[Panel, ...]

    def to_svg(self) -> str:
        """The picture."""
        return _drawn(self)

    def save(self, file: str | Path) -> None:
        """Write it to a file: .svg or .html. Raises RatifiedError for what cannot be written."""
        path = Path(file)
        kind = kind_of(path, KINDS)
        check_writable(path)
        svg = self.to_svg()
        if kind == "html":
            head = f'<head><meta charset="utf-8"><title>{escape(self.title)}</title></head>'
            svg = f'<!DOCTYPE html>\n<html lang="en">{head}\n<body>{svg}</body></html>\n'
        write(path, svg)


def _drawn(picture: LoadPicture) -> str:
    lanes = [lane for panel in picture.panels for lane in panel.lanes]
    slices = max((len(lane.total) for lane in lanes), default=0) or 1
    most = max((count for lane in lanes for count in lane.total), default=0) or 1
    scale = _Scale(slices, picture.slice_s, most)
    canvas = Canvas()
    canvas.add(
        '<defs><pattern id="trouble" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<rect width="6" height="6" fill="{BAD_FILL}"/><line x1="0" y1="0" x2="0" y2="6" stroke="{BAD_LINE}" '
        'stroke-opacity="0.35" stroke-width="1.5"/></pattern></defs>'
    )
    canvas.text(12, 22, picture.title, bold=True)
    y = 34.0
    for panel in picture.panels:
        y += GAP
        canvas.text(12, y - 8, panel.heading, bold=True)
        for lane in panel.lanes:
            _lane(canvas, lane, y, scale)
            y += LANE + 14
        _axis(canvas, y - 8, scale)
        y += 14
    y = _legend(canvas, y + 8, lanes)
    texts = [picture.title, *(panel.heading for panel in picture.panels)]
    wide = max(LEFT + WIDE + RIGHT, *(width_of(text, 11) + 24 for text in texts))
    return canvas.document(wide, y + 6, picture.title)


@dataclass(frozen=True, slots=True)
class _Scale:
    slices: int
    slice_s: float
    most: int

    @property
    def seconds(self) -> float:
        """How long it all takes."""
        return self.slices * self.slice_s

    @property
    def bar(self) -> float:
        """How wide a slice is."""
        return WIDE / self.slices

    def x(self, seconds: float) -> float:
        """Where a moment is."""
        return LEFT + WIDE * min(max(seconds / self.seconds, 0.0), 1.0)

    def high(self, count: int) -> float:
        """How high a count stands."""
        return LANE * count / self.most


def _lane(canvas: Canvas, lane: Lane, top: float, scale: _Scale) -> None:
    foot = top + LANE
    for span in lane.troubles:
        if span.start < scale.seconds:
            width = scale.x(span.end) - scale.x(span.start)
            canvas.rect(
                scale.x(span.start), top, width, LANE, fill="url(#trouble)", stroke="none", width=0, radius=0
            )
    for n, (total, failed, cancelled) in enumerate(zip(lane.total, lane.failed, lane.cancelled, strict=True)):
        stacked = (
            (total - failed - cancelled, ANSWERED, ANSWERED),
            (cancelled, PALE, CANCELLED),
            (failed, PAPER, FAILED),
        )
        below = 0
        for count, fill, stroke in stacked:
            if count:
                below += count
                top_of_bar = foot - scale.high(below)
                x = LEFT + n * scale.bar
                _bar(canvas, x, top_of_bar, scale.bar, scale.high(count), fill=fill, stroke=stroke)
    for n, again in enumerate(lane.again):
        if again:
            high = max(3.0, scale.high(again))
            x = LEFT + (n + 0.5) * scale.bar
            canvas.line(x, foot, x, foot - high - 1, stroke=PAPER, width=4.5)
            canvas.line(x, foot, x, foot - high, stroke=AGAIN, width=2.5)
    for span in lane.troubles:
        if span.start < scale.seconds:
            canvas.text(scale.x(span.start) + 4, top + 12, span.label, size=SMALL, fill=BAD_LINE, halo=True)
    for span in lane.out:
        canvas.line(scale.x(span.start), top - 3, scale.x(span.end), top - 3, stroke=OUT, width=4)
    canvas.line(LEFT, foot, LEFT + WIDE, foot, stroke=INK, width=1)
    canvas.text(LEFT - 8, top + LANE / 2 + 2, lane.name, anchor="end", bold=True)
    canvas.text(LEFT - 8, top + LANE / 2 + 16, f"{sum(lane.total):,}", anchor="end", size=SMALL, fill=QUIET)
    rate = f"{scale.most / scale.slice_s:,.0f}/s"
    canvas.line(LEFT - 4, top, LEFT, top, stroke=QUIET, width=1)
    canvas.text(LEFT - 8, top + 6, rate, anchor="end", size=9, fill=QUIET)


def _bar(canvas: Canvas, x: float, y: float, width: float, height: float, *, fill: str, stroke: str) -> None:
    """A bar, its outline inside it, so that neighbours do not run into each other."""
    canvas.rect(
        x + 0.6,
        y + 0.4,
        max(0.6, width - 1.2),
        max(0.4, height - 0.8),
        fill=fill,
        stroke=stroke,
        width=0.8,
        radius=0,
    )


def _axis(canvas: Canvas, y: float, scale: _Scale) -> None:
    step = next((t for t in TICKS if scale.seconds / t <= 16), TICKS[-1])
    count = int(scale.seconds / step + 1e-9)
    for k in range(count + 1):
        x = scale.x(k * step)
        canvas.line(x, y - 6, x, y - 2, stroke=QUIET, width=1)
        canvas.text(x, y + 9, f"{round(k * step, 3):g} s", size=9, fill=QUIET, anchor="middle")


_BARS = {"answered": (ANSWERED, ANSWERED), "cancelled": (PALE, CANCELLED), "failed": (PAPER, FAILED)}


def _legend(canvas: Canvas, y: float, lanes: Sequence[Lane]) -> float:
    """What the forms mean, of those that are there."""
    words = [("attempts that were answered, by when they began", "answered")]
    if any(any(lane.failed) for lane in lanes):
        words.append(("hollow: attempts that failed", "failed"))
    if any(any(lane.cancelled) for lane in lanes):
        words.append(("pale: attempts that were cancelled, another was faster", "cancelled"))
    if any(any(lane.again) for lane in lanes):
        words.append(("dark line: of these, retries and hedges", "again"))
    if any(lane.troubles for lane in lanes):
        words.append(("hatched: something is wrong with the node", "trouble"))
    if any(lane.out for lane in lanes):
        words.append(("bar on top: the client avoids the node", "out"))
    for text, kind in words:
        y += 16
        if kind in _BARS:
            fill, stroke = _BARS[kind]
            _bar(canvas, 20, y - 10, 12, 11, fill=fill, stroke=stroke)
        elif kind == "again":
            canvas.line(26, y + 1, 26, y - 10, stroke=AGAIN, width=2)
        elif kind == "trouble":
            canvas.rect(16, y - 10, 20, 11, fill="url(#trouble)", stroke="none", width=0, radius=0)
        else:
            canvas.line(14, y - 4, 38, y - 4, stroke=OUT, width=4)
        canvas.text(48, y, text, size=SMALL, fill=QUIET)
    return y + 4
