"""Two states side by side: a counterexample to induction, or what was expected beside what was observed.

Guarantees: rows are the variables in their order, maps key by key where the two differ; what differs is marked by form, and not
by colour alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any

from ratified.diagram.mermaid import text as in_mermaid
from ratified.diagram.palette import BAD_FILL, BAD_LINE, INK, QUIET
from ratified.diagram.rows import Ending
from ratified.diagram.svg import SPACING, Canvas, arrow, folded, width_of
from ratified.language.values import Map, show
from ratified.results.changes import compact
from ratified.results.result import State, Trace

SIZE = 11.0
LINE = SIZE * SPACING
WIDEST = 40
CHANGED = "#fff3c4"


@dataclass(frozen=True, slots=True)
class PairRow:
    """A place in the state, and what stands there on either side."""

    place: str
    left: str
    right: str

    @property
    def differs(self) -> bool:
        """Whether the sides are not the same."""
        return self.left != self.right


@dataclass(frozen=True, slots=True)
class StatePair:
    """Two states; `heads` say what each is, `between` what leads from one to the other."""

    title: str
    heads: tuple[str, str]
    rows: tuple[PairRow, ...]
    between: str = ""
    ending: Ending | None = None

    def to_svg(self) -> str:
        """The picture."""
        return _svg(self)

    def to_mermaid(self) -> str:
        """Mermaid text: two boxes and an arrow."""
        left = "<br/>".join(map(in_mermaid, (self.heads[0], *(f"{r.place} = {r.left}" for r in self.rows))))
        right = "<br/>".join(map(in_mermaid, (self.heads[1], *(f"{r.place} = {r.right}" for r in self.rows))))
        lines = ["flowchart LR", f'    before["{_quoted(left)}"]', f'    after["{_quoted(right)}"]']
        lines.append(f'    before -->|"{_quoted(in_mermaid(self.between)) or " "}"| after')
        if self.ending is not None:
            lines.append(f'    after --- ending["{_quoted(in_mermaid(self.ending.headline))}"]')
        return "\n".join([*lines, ""])

    def save(self, file: str | Path) -> None:
        """Write it to a file: .svg, .mmd, .md or .html. Raises RatifiedError for what cannot be written."""
        from ratified.diagram.chart import save

        save(self, Path(file))

    def _repr_svg_(self) -> str:
        return self.to_svg()


def side_by_side(
    left: State,
    right: State,
    *,
    title: str,
    heads: tuple[str, str] = ("before", "after"),
    between: str = "",
    ending: Ending | None = None,
) -> StatePair:
    """Two states of one model beside each other."""
    rows = tuple(row for name in left for row in _rows(name, left[name], right.get(name)))
    return StatePair(title, heads, rows, between, ending)


def induction_step(claim: str, trace: Trace, title: str) -> StatePair:
    """A counterexample to induction: the last step of a run from anywhere, and the claim that it breaks."""
    last = trace.steps[-1]
    arguments = ", ".join(f"{name}={show(value)}" for name, value in last.arguments)
    before = trace.states[-2]
    ending = Ending(
        f"{claim} is not inductive",
        ("it holds on the left and not after the step; the left state may be unreachable",),
    )
    return side_by_side(before, last.state, title=title, between=f"{last.action}({arguments})", ending=ending)


def _rows(place: str, left: Any, right: Any) -> Iterator[PairRow]:
    if isinstance(left, Map) and isinstance(right, Map) and left != right and list(left) == list(right):
        for key in left:
            yield from _rows(f"{place}[{show(key)}]", left[key], right[key])
    else:
        yield PairRow(place, compact(left), compact(right))


def _quoted(text: str) -> str:
    return text.replace('"', "#quot;")


def _svg(pair: StatePair) -> str:
    canvas = Canvas()
    canvas.add(f"<defs>{arrow('go', INK)}</defs>")
    cells = [(row, _lines(row.left), _lines(row.right)) for row in pair.rows]
    names = max((width_of(r.place, SIZE) for r in pair.rows), default=0.0) + 16
    wide = [
        max([width_of(head, SIZE), *(width_of(line, SIZE) for lines in column for line in lines)]) + 16
        for head, column in zip(
            pair.heads, ([left for _, left, _ in cells], [right for _, _, right in cells]), strict=True
        )
    ]
    between = wrap(pair.between, 34) or [""]
    gap = max(56.0, max(width_of(line, SIZE) for line in between) + 24)
    x1 = 12 + names
    x2 = x1 + wide[0] + gap
    canvas.text(12, 20, pair.title, bold=True)
    y = 34.0
    for x, width, head in ((x1, wide[0], pair.heads[0]), (x2, wide[1], pair.heads[1])):
        canvas.rect(x, y, width, LINE + 6, fill="#ececec", radius=0)
        canvas.text(x + 8, y + LINE, head, bold=True)
    canvas.line(x1 + wide[0] + 6, y + 10, x2 - 6, y + 10, width=1.6, more=' marker-end="url(#go)"')
    for n, line in enumerate(between):
        canvas.text((x1 + wide[0] + x2) / 2, y + 26 + n * LINE, line, anchor="middle", halo=True)
    y += LINE + 6
    for row, left, right in cells:
        high = max(len(left), len(right)) * LINE + 4
        mark = CHANGED if row.differs else "#ffffff"
        canvas.text(12, y + LINE, ("\u2022 " if row.differs else "") + row.place, bold=row.differs)
        for x, width, lines in ((x1, wide[0], left), (x2, wide[1], right)):
            canvas.rect(x, y, width, high, fill=mark, stroke="#b0b0b0", width=1.0, radius=0)
            for n, line in enumerate(lines):
                canvas.text(x + 8, y + (n + 1) * LINE - 1, line, bold=row.differs)
        y += high
    y = max(y, 34 + 30 + len(between) * LINE) + 10
    right_edge = x2 + wide[1]
    if pair.ending is not None:
        lines = [part for line in pair.ending.lines for part in wrap(line, max(40, int(right_edge / 7)))]
        right_edge = max(
            [right_edge, *(width_of(line, SIZE) + 32 for line in (pair.ending.headline, *lines))]
        )
        high = (1 + len(lines)) * LINE + 12
        canvas.rect(12, y, right_edge - 12, high, fill=BAD_FILL, stroke=BAD_LINE, width=2)
        canvas.text(22, y + LINE + 3, f"\u2717 {pair.ending.headline}", bold=True)
        for n, line in enumerate(lines, 2):
            canvas.text(22, y + n * LINE + 3, line)
        y += high + 8
    canvas.text(12, y + LINE, "\u2022 bold: the two sides differ", size=10, fill=QUIET)
    return canvas.document(max(right_edge, width_of(pair.title, SIZE) + 24) + 12, y + 2 * LINE, pair.title)


def _lines(text: str) -> list[str]:
    return folded(text, WIDEST)
