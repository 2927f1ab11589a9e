"""A picture of a history that is not linearizable: one file of HTML that needs nothing else.

Time goes to the right and each process has a row; a bar is an operation from its call to its return. Bars that an order explains
carry its numbers; the one that nothing explains is red. Of a long history, what happened around the failure is drawn.

Guarantees: the same failure gives the same bytes; whatever is in a history is shown as text, never as markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from ratified.follow.linearizability.check import Linearizability
from ratified.follow.linearizability.history import Operation

MOST_DRAWN = 60
LEFT, STEP, ROW, BAR = 90, 34, 34, 24
LIKELY_WIDTH = 7  # of a letter, in pixels


def picture(failure: Linearizability, title: str) -> str:
    """Return the page."""
    drawn = _around(failure)
    places = {
        p: i for i, p in enumerate(sorted({x for o in drawn for x in (o.call, o.end) if x is not None}))
    }
    rows = list(dict.fromkeys(o.process for o in drawn))
    width = LEFT + STEP * (len(places) + 3)
    height = ROW * (len(rows) + 1)
    left_out = len(failure.operations) - len(drawn)
    parts = [
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">',
        *_rows(rows, width),
        *(line for o in drawn for line in _bar(o, failure, places, rows)),
        "</svg>",
    ]
    note = f"<p>{left_out:,} earlier operations are not drawn.</p>" if left_out else ""
    order = "".join(
        f"<li>{escape(str(o))}, process {escape(str(o.process))}</li>" for o in failure.order[-30:]
    )
    start = max(1, len(failure.order) - 29)
    return _PAGE.format(
        title=escape(title),
        sentence=escape(sentence(failure)),
        picture="\n".join(parts),
        note=note,
        start=start,
        order=order,
    )


def sentence(failure: Linearizability) -> str:
    """Return what cannot be, in words."""
    where = f" (key {failure.part})" if failure.part is not None else ""
    what = f"{failure.operation} of process {failure.operation.process}{where}"
    if not failure.states:
        return f"{what}: all that came before is explained only if it returned something else"
    could = ", ".join("nothing" if s is None else repr(s) for s in failure.states)
    return f"{what}: the state could only have been {could}"


def _around(failure: Linearizability) -> list[Operation]:
    """The operations to draw: those under way at the failure, then the latest before it."""
    at = failure.operation.call
    near = [o for o in failure.operations if o.end is None or o.end >= at]
    rest = [o for o in failure.operations if o.end is not None and o.end < at]
    room = max(0, MOST_DRAWN - len(near))
    chosen = {*near[-MOST_DRAWN:], *(sorted(rest, key=lambda o: o.end or 0)[-room:] if room else ())}
    return [o for o in failure.operations if o in chosen]


def _rows(rows: Sequence[object], width: int) -> Iterator[str]:
    for i, process in enumerate(rows):
        y = ROW * i + ROW // 2
        yield f'<line class="row" x1="{LEFT}" y1="{y}" x2="{width}" y2="{y}"/>'
        yield f'<text class="name" x="{LEFT - 8}" y="{y + 4}">{escape(str(process))}</text>'


def _bar(
    operation: Operation, failure: Linearizability, places: dict[int, int], rows: Sequence[object]
) -> Iterator[str]:
    x = LEFT + STEP * places[operation.call] + 4
    last = places[operation.end] if operation.end is not None else len(places) + 2
    width = max(STEP * last + LEFT - 4 - x, 10)
    y = ROW * rows.index(operation.process) + (ROW - BAR) // 2
    number = failure.order.index(operation) + 1 if operation in failure.order else None
    # An operation that had not returned yet stands in the order under what was known of it then.
    kind = "bad" if operation == failure.operation else "open" if operation.end is None else "good"
    label = f"{number}. {operation}" if number else str(operation)
    fits = int(width / LIKELY_WIDTH)
    short = label if len(label) <= fits else label[: max(fits - 1, 0)] + "…"
    yield f'<g class="{kind}"><title>{escape(label)}</title>'
    yield f'<rect x="{x}" y="{y}" width="{width}" height="{BAR}" rx="4"/>'
    yield f'<text x="{x + 4}" y="{y + BAR - 8}">{escape(short)}</text></g>'


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 14px system-ui, sans-serif; margin: 2em; color: #222; background: #fff }}
svg {{ display: block }} div {{ overflow-x: auto }}
text {{ font: 11px ui-monospace, monospace; fill: #222 }}
.name {{ text-anchor: end }} .row {{ stroke: #ddd }}
rect {{ stroke-width: 1 }}
.good rect {{ fill: #dbeadf; stroke: #4b8a5c }}
.open rect {{ fill: #eee; stroke: #888; stroke-dasharray: 4 3 }}
.bad rect {{ fill: #f6c9c4; stroke: #b3261e; stroke-width: 2 }}
ol {{ font-family: ui-monospace, monospace; font-size: 12px }}
</style>
</head>
<body>
<h1>{title}</h1>
<p><strong>{sentence}</strong></p>
<div>
{picture}
</div>
{note}
<h2>An order that explains what came before (its end)</h2>
<ol start="{start}">{order}</ol>
</body>
</html>
"""
