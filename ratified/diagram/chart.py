"""Sequence diagrams as SVG: time runs downwards, a row for each step, messages as arrows from sending to receipt.

Guarantees: boxes and labels have room of their own (a row is as high as what stands in it); arrows run beneath boxes, and labels
have a halo; lost, repeated, overtaking and late messages differ in form, not in colour alone.
"""

from __future__ import annotations

from collections import defaultdict
from html import escape
from pathlib import Path
from textwrap import wrap
from typing import Protocol

from ratified.diagram.palette import BAD_FILL, BAD_LINE, INK, PAPER, QUIET
from ratified.diagram.render import check_writable, kind_of, write
from ratified.diagram.rows import Fate, Message, SequencePicture
from ratified.diagram.svg import SPACING, Canvas, arrow, folded, width_of

SIZE = 11.0
SMALL = 10.0
LINE = SIZE * SPACING
ARROW, COPY, LATE = "#00629a", "#9c3f74", "#a84a00"
CALL_WIDEST, BOX_WIDEST, LABEL_WIDEST = 40, 30, 30
TOP = 58.0
KINDS = ("svg", "html", "mmd", "md")


def to_svg(diagram: SequencePicture) -> str:
    """The picture."""
    return _Chart(diagram).drawn()


class Diagram(Protocol):
    """What can be drawn and told to Mermaid."""

    @property
    def title(self) -> str:
        """What it is of."""

    def to_svg(self) -> str:
        """The picture."""

    def to_mermaid(self) -> str:
        """The same for Markdown."""


def save(diagram: Diagram, file: Path) -> None:
    """Write a diagram to a file, as its name ends. Raises RatifiedError."""
    kind = kind_of(file, KINDS)
    check_writable(file)
    if kind == "svg":
        write(file, diagram.to_svg())
    elif kind == "html":
        write(
            file,
            f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(diagram.title)}</title></head>\n'
            f"<body>{diagram.to_svg()}</body></html>\n",
        )
    else:
        text = diagram.to_mermaid()
        write(file, f"```mermaid\n{text}```\n" if kind == "md" else text)


class _Chart:
    def __init__(self, diagram: SequencePicture) -> None:
        self.diagram = diagram
        self.sent: dict[int, list[list[Message]]] = defaultdict(list)  # by row, those that set out together
        self.ended: dict[int, list[Message]] = defaultdict(list)
        for message in diagram.messages:
            self._group(message)
            if message.fate is Fate.RECEIVED:
                self.ended[message.ended].append(message)
        self.calls = [folded(f"{k} {row.call}", CALL_WIDEST) for k, row in enumerate(diagram.rows, 1)]
        self.boxes = [
            {
                place: [part for line in lines for part in folded(line, BOX_WIDEST)]
                for place, lines in row.changes
            }
            for row in diagram.rows
        ]
        self._across()
        self._down()

    def _group(self, message: Message) -> None:
        """One message to several receivers sets out once."""
        for group in self.sent[message.sent]:
            first = group[0]
            if (first.label, first.sender, first.copy) == (message.label, message.sender, message.copy):
                arrived = {m.receiver for m in group}
                if message.receiver not in arrived and Fate.LOST not in (message.fate, first.fate):
                    group.append(message)
                    return
        self.sent[message.sent].append([message])

    def _across(self) -> None:
        d = self.diagram
        self.left = 24.0 + max((width_of(line, SIZE) for lines in self.calls for line in lines), default=60.0)
        if d.loop is not None:
            self.left += 16
        widest = [width_of(name, SIZE) + 20 for name in d.lifelines]
        for boxes in self.boxes:
            for place, lines in boxes.items():
                widest[place] = max(widest[place], max(width_of(line, SIZE) for line in lines) + 20)
        labels = max((width_of(line, SMALL) for m in d.messages for line in _label(m)), default=0.0) + 34
        self.x: list[float] = []
        x = self.left + 16
        for k, width in enumerate(widest):
            x += max(width / 2, 40.0)
            if k:
                x = max(x, self.x[-1] + labels, self.x[-1] + (widest[k - 1] + width) / 2 + 16)
            self.x.append(x)
            x += width / 2
        headline = "" if d.ending is None else f"\u2717 {d.ending.headline}"
        self.right = max([x, *(p + labels for p in self.x[-1:]), width_of(headline, 12) + 28]) + 16
        self.half = [w / 2 for w in widest]

    def _down(self) -> None:
        """Where each row begins, where its boxes are, and where messages leave and arrive."""
        y = TOP
        self.leaves: dict[tuple[int, int], float] = {}
        self.arrives: dict[int, float] = {}
        self.row_y: list[float] = []
        self.box_y: list[float] = []
        y = self._departures(0, y)
        for k in range(1, len(self.diagram.rows) + 1):
            self.row_y.append(y)
            ended = self.ended[k]
            for n, message in enumerate(ended):
                self.arrives[id(message)] = y + 10 + 9 * n
            y += 10 + 9 * len(ended)
            self.box_y.append(y)
            high = max([len(lines) for lines in self.boxes[k - 1].values()], default=0)
            y += high * LINE + 8 if high else 6
            # The call stands at the left, beside all of it.
            y = max(y, self.row_y[-1] + len(self.calls[k - 1]) * LINE + 6)
            y = self._departures(k, y)
        self.end_y = y + 12

    def _departures(self, row: int, y: float) -> float:
        for n, group in enumerate(self.sent[row]):
            y += 8 + len(_label(group[0])) * SMALL * SPACING
            self.leaves[row, n] = y
            y += 6 if any(m.fate is Fate.RECEIVED for m in group) else 14
        return y

    # --- drawing ---

    def drawn(self) -> str:
        d, canvas = self.diagram, Canvas()
        canvas.add("<defs>")
        for name, colour in (("go", ARROW), ("copy", COPY)):
            canvas.add(arrow(name, colour))
        canvas.add(arrow("late", LATE, hollow=True))
        canvas.add("</defs>")
        canvas.text(12, 20, d.title, bold=True)
        for k, x in enumerate(self.x):
            canvas.line(x, 46, x, self.end_y, stroke="#a0a0a0", dashes="4,4")
            canvas.rect(
                x - width_of(d.lifelines[k], SIZE) / 2 - 8,
                28,
                width_of(d.lifelines[k], SIZE) + 16,
                20,
                fill="#ececec",
            )
            canvas.text(x, 42, d.lifelines[k], anchor="middle", bold=True)
        for k in range(len(d.rows)):
            self._row(canvas, k)
        self._arrows(canvas)
        self._row_boxes(canvas)
        self._labels(canvas)
        y = self._ending(canvas, self.end_y)
        y = self._legend(canvas, y)
        return canvas.document(max(self.right, self.wide), y, d.title)

    def _row(self, canvas: Canvas, k: int) -> None:
        y = self.row_y[k]
        canvas.line(12, y, self.right - 12, y, stroke="#e4e4e4", width=1)
        indent = 28 if self.diagram.loop is not None else 12
        for n, line in enumerate(self.calls[k]):
            canvas.text(indent, y + (n + 1) * LINE, line)

    def _row_boxes(self, canvas: Canvas) -> None:
        for k, row in enumerate(self.diagram.rows):
            y = self.box_y[k]
            if row.actor is not None and row.actor not in self.boxes[k]:
                x = self.x[row.actor]
                canvas.add(f'<circle cx="{x:.1f}" cy="{y + 2:.1f}" r="4" fill="{INK}"/>')
            for place, lines in self.boxes[k].items():
                x, width = self.x[place], max(width_of(line, SIZE) for line in lines) + 12
                canvas.rect(
                    x - width / 2, y, width, len(lines) * LINE + 6, width=1.6 if place == row.actor else 1.0
                )
                for n, line in enumerate(lines):
                    canvas.text(x - width / 2 + 6, y + (n + 0.95) * LINE, line)

    def _arrows(self, canvas: Canvas) -> None:
        for row, groups in self.sent.items():
            for n, group in enumerate(groups):
                y = self.leaves[row, n]
                for message in group:
                    self._arrow(canvas, message, y)

    def _arrow(self, canvas: Canvas, m: Message, y: float) -> None:
        colour = COPY if m.copy else LATE if m.overtakes else ARROW
        head = "copy" if m.copy else "late" if m.overtakes else "go"
        dashes = "2,3" if m.copy else ""
        x = self.x[m.sender]
        side = self._side(m)
        if m.copy:
            canvas.add(
                f'<circle cx="{x + side * 14:.1f}" cy="{y:.1f}" r="3.5" fill="{PAPER}" stroke="{COPY}" stroke-width="1.5"/>'
            )
            x += side * 18
        if m.fate is Fate.RECEIVED:
            assert m.receiver is not None
            to, arrives = self.x[m.receiver], self.arrives[id(m)]
            if m.receiver == m.sender:
                # To itself: out to the side and back, later.
                out = 26 + min(60.0, (arrives - y) / 4)
                far = x + side * out
                canvas.path(
                    f"M {x:.1f} {y:.1f} C {far:.1f} {y:.1f} {far:.1f} {arrives:.1f} {to + side * 3:.1f} {arrives:.1f}",
                    stroke=colour,
                    width=1.5,
                    dashes=dashes,
                    more=f' marker-end="url(#{head})"',
                )
                return
            canvas.line(
                x,
                y,
                to - side * 3,
                arrives,
                stroke=colour,
                width=1.5,
                dashes=dashes,
                more=f' marker-end="url(#{head})"',
            )
        elif m.fate is Fate.LOST:
            # Short, wherever it was going: how far it came says nothing, and long dashes hide what else happens.
            cx, cy = x + side * 44, y + 7
            canvas.line(x, y, cx, cy, stroke=LATE, width=1.5, dashes="6,4")
            canvas.path(f"M {cx - 5:.1f} {cy - 5:.1f} l 10 10 m 0 -10 l -10 10", stroke=LATE, width=2.2)
            anchor = "start" if side > 0 else "end"
            words = f"lost in step {m.ended}"
            canvas.text(cx + side * 9, cy + 4, words, size=SMALL, fill=LATE, anchor=anchor, halo=True)
        else:
            to = x + side * 40
            canvas.line(x, y, to, y + 6, stroke=colour, width=1.5, dashes="6,4")
            canvas.add(
                f'<circle cx="{to:.1f}" cy="{y + 6:.1f}" r="3.5" fill="{PAPER}" stroke="{colour}" stroke-width="1.5"/>'
            )

    def _side(self, m: Message) -> int:
        """To which side a message leaves: towards its receiver; one to nobody or to itself where there is room."""
        if m.receiver is not None and m.receiver != m.sender:
            return 1 if self.x[m.receiver] > self.x[m.sender] else -1
        return 1

    def _labels(self, canvas: Canvas) -> None:
        for row, groups in self.sent.items():
            for n, group in enumerate(groups):
                m, y = group[0], self.leaves[row, n]
                lines, side = _label(m), self._side(m)
                for k, line in enumerate(lines):
                    up = (len(lines) - k - 1) * SMALL * SPACING
                    canvas.text(
                        self.x[m.sender] + side * 8,
                        y - (9 if m.copy else 4) - up,
                        line,
                        size=SMALL,
                        halo=True,
                        fill=COPY if m.copy else INK,
                        anchor="start" if side > 0 else "end",
                    )

    # --- below ---

    def _ending(self, canvas: Canvas, y: float) -> float:
        d = self.diagram
        self.wide = width_of(d.title, SIZE) + 40
        if d.loop is not None and d.loop < len(d.rows):
            top = self.row_y[d.loop]
            bottom = self.row_y[-1] + LINE
            canvas.path(
                f"M 22 {bottom:.1f} h -8 V {top + LINE:.1f} h 8",
                stroke=BAD_LINE,
                width=2,
                more=' marker-end="url(#late)"',
            )
        if d.ending is None:
            return y + 6
        room = max(40, int((self.right - 48) / (SIZE * 0.602)))
        lines = [part for line in d.ending.lines for part in wrap(line, room)]
        if d.loop is not None:
            since = "from the beginning" if d.loop == 0 else f"after step {d.loop}"
            again = f"from here it goes on as {since}, for ever (the bracket at the left)"
            lines.append(again if d.loop < len(d.rows) else "and so it stays, for ever")
        mark = "\u2717 " if d.ending.bad else ""
        height = (1 + len(lines)) * LINE + 12
        canvas.rect(
            12,
            y,
            self.right - 24,
            height,
            fill=BAD_FILL if d.ending.bad else PAPER,
            stroke=BAD_LINE if d.ending.bad else INK,
            width=2,
        )
        canvas.text(22, y + LINE + 3, f"{mark}{d.ending.headline}", bold=True, size=12)
        for n, line in enumerate(lines, 2):
            canvas.text(22, y + n * LINE + 3, line)
        return y + height + 8

    def _legend(self, canvas: Canvas, y: float) -> float:
        messages = self.diagram.messages
        found = []
        if any(m.fate is Fate.RECEIVED and not m.copy and not m.overtakes for m in messages):
            found.append(
                ("line", ARROW, "", "go", "a message, from where it is sent to where it takes effect")
            )
        if any(m.overtakes for m in messages):
            found.append(
                ("line", LATE, "", "late", "hollow: it overtakes one sent earlier to the same receiver")
            )
        if any(m.copy for m in messages):
            found.append(("line", COPY, "2,3", "copy", "dotted: the network repeats a message"))
        if any(m.fate is Fate.LOST for m in messages):
            found.append(("cross", LATE, "6,4", "", "a message that is lost"))
        if any(m.fate is Fate.IN_FLIGHT for m in messages):
            found.append(("circle", ARROW, "6,4", "", "a message that nobody has acted on by the end"))
        for kind, colour, dashes, head, words in found:
            y += LINE
            canvas.line(
                14,
                y - 4,
                46,
                y - 4,
                stroke=colour,
                width=1.5,
                dashes=dashes,
                more=f' marker-end="url(#{head})"' if head else "",
            )
            if kind == "cross":
                canvas.path(f"M 42 {y - 9:.1f} l 10 10 m 0 -10 l -10 10", stroke=colour, width=2.2)
            elif kind == "circle":
                canvas.add(
                    f'<circle cx="50" cy="{y - 4:.1f}" r="3.5" fill="{PAPER}" stroke="{colour}" stroke-width="1.5"/>'
                )
            canvas.text(62, y, words, size=SMALL, fill=QUIET)
            self.wide = max(self.wide, 80 + width_of(words, SMALL))
        for note in self.diagram.notes:
            y += LINE
            canvas.text(14, y, note, size=SMALL, fill=QUIET)
            self.wide = max(self.wide, 30 + width_of(note, SMALL))
        return y + 12


def _label(message: Message) -> list[str]:
    return folded(message.label, LABEL_WIDEST)
