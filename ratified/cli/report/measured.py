"""Reports of what was measured of runs, as text or JSON.

Guarantees: rendering is pure; there is no time, no amount of memory and no engine in it, so that the same runs give the same
bytes. Lines have at most 100 columns, but for expressions that are longer.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from fractions import Fraction

from ratified.cli.report.machine import json_cuts
from ratified.cli.report.text import Paint, cuts, facts, labelled, table, trace_lines
from ratified.cli.report.words import model_and_settings, plural
from ratified.explore.measure import Figure, Measured
from ratified.explore.measuring import WORDS, End, MeasuredAt
from ratified.language.values import show
from ratified.results.estimates import Estimate, IntOrFraction
from ratified.results.result import Trace
from ratified.results.words import listed
from ratified.version import __version__

SCHEMA = "ratified-measure/1"

COLUMNS = 100
VALUES_MOST = 20
"""So many values have a bar each; of more, several share one."""


def measured_headline(name: str, measured: Measured) -> str:
    """Return the first line of the report, without colour."""
    return "  ".join(_headline(name, measured))


def _headline(name: str, measured: Measured) -> tuple[str, str]:
    what = f"{name}: {plural(measured.runs, 'run')}"
    if measured.complete:
        return "MEASURED", what
    why = []
    if measured.missed:
        within = plural(measured.length, "step")
        why.append(f"{measured.missed:,} of them did not reach `{measured.until}` within {within}")
    if measured.early:
        why.append(f"{measured.early:,} of them ended before step {measured.since:,}, and are not counted")
    if measured.bounds:
        why.append("a bound was exceeded; the figures leave out what lies beyond it")
    if measured.stopped:
        why.append(measured.stopped)
    return "UNDECIDED", "; ".join([what, *why])


def measured_text(name: str, measured: Measured, *, first: Trace | None = None, color: bool = False) -> str:
    """Return the report as text, with the first run in it if there is one to show; it ends in a newline."""
    lines = list(_lines(name, measured, first, Paint(color)))
    return "\n".join(line.rstrip() for line in lines).rstrip("\n") + "\n"


def _lines(name: str, measured: Measured, first: Trace | None, paint: Paint) -> Iterator[str]:
    verdict, what = _headline(name, measured)
    yield from labelled(verdict, what, "green" if measured.complete else "yellow", paint, gap=2)
    yield ""
    yield from facts(_about(measured), paint)
    yield ""
    for figure in measured.figures:
        yield from _figure(figure, measured, paint)
    warnings = [*cuts(measured.bounds, measured.constraints, paint)]
    warnings += [line for note in measured.notes for line in labelled("note", note, "cyan", paint)]
    yield from [*warnings, ""] if warnings else []
    if first is not None:
        yield paint(f"the first run ({plural(len(first.steps), 'step')})", "bold")
        yield ""
        yield from trace_lines(first, paint)


def _about(measured: Measured) -> Iterator[tuple[str, str]]:
    yield from model_and_settings(measured)
    yield "seed", str(measured.seed)
    begun = "" if measured.runs == measured.asked else f" of {measured.asked:,}"
    yield "runs", f"{measured.runs:,}{begun}, of at most {plural(measured.length, 'step')}; {_ends(measured)}"
    yield "steps", f"{measured.steps:,}, {_drawn(measured)}"
    yield "intervals", f"each holds with probability {measured.figures[0].estimate.confidence:.12g}"


def _ends(measured: Measured) -> str:
    words = {
        End.UNTIL: f"reached `{measured.until}`",
        End.STUCK: "ended in a state without successors",
        End.DEPTH: "took all steps",
    }
    found = [f"{measured.ended[end]:,} {words[end]}" for end in words if measured.ended[end]]
    return listed(found) or "none ended"


def _drawn(measured: Measured) -> str:
    """How steps were drawn."""
    if not measured.weights:
        return "each drawn evenly among those enabled"
    weights = ", ".join(f"{action} {weight}" for action, weight in measured.weights.items())
    return f"each drawn among those enabled, by weight: {weights}"


def _figure(figure: Figure, measured: Measured, paint: Paint) -> Iterator[str]:
    found = figure.estimate
    since = f", since step {measured.since:,}" if measured.since and figure.at is not MeasuredAt.END else ""
    yield f"{paint(figure.text, 'bold')}, {WORDS[figure.at]}{since}"
    yield ""
    rows = list(_rows(figure, measured.length))
    yield from table(("", "", "interval", "method"), rows, "<><<", paint)
    yield ""
    if not found.proportion:
        yield from _histogram(found)
        yield ""


def _rows(figure: Figure, length: int) -> Iterator[tuple[str, str, str, str]]:
    found = figure.estimate
    if not found.count + found.missing:
        yield "no run", "", "", ""
        return
    if found.proportion:
        assert found.mean is not None
        between = f"{_percent(found.low)} to {_percent(found.high)}"
        yield "true", _percent(found.mean), between, found.method
        return
    if found.mean is not None:
        between = "" if found.low is None else f"{_number(found.low)} to {_number(found.high)}"
        yield "mean", _number(found.mean), between, found.method if between else ""
    if found.deviation is not None:
        yield "deviation", _number(found.deviation), "", ""
    for q in found.quantiles:
        name = "median" if q.share == Fraction(1, 2) else f"{float(q.share):.6g} quantile"
        yield name, _ranked(q.value, length), _between(q.low, q.high, length), "order statistics"
    if found.missing:
        yield "never", f"{found.missing:,}", "", f"in {plural(length, 'step')}"


def _between(low: IntOrFraction | float | None, high: IntOrFraction | float | None, length: int) -> str:
    """An interval that may have one end, or none: there were too few to give the other."""
    if low is None or high is None:
        if low is None and high is None:
            return "any: too few runs"
        return f"at least {_ranked(low, length)}" if high is None else f"at most {_ranked(high, length)}"
    if low == high == math.inf:
        return _ranked(low, length)
    return f"{_ranked(low, length)} to {_ranked(high, length)}"


def _ranked(value: IntOrFraction | float | None, length: int) -> str:
    return f"> {length:,}" if value == math.inf else _number(value)


def _number(value: IntOrFraction | float | None, digits: int = 6) -> str:
    assert value is not None
    return f"{value:,}" if isinstance(value, int) else f"{float(value):,.{digits}g}"


def _percent(value: float | None) -> str:
    assert value is not None
    return f"{100 * value:.4g}%"


def _histogram(found: Estimate) -> Iterator[str]:
    """A bar for each value, or for several that lie together."""
    bars = list(_bars(found))
    if found.missing:
        bars.append(("never", found.missing))
    if not bars:
        return
    most = max(times for _, times in bars)
    names, counts = max(len(name) for name, _ in bars), len(f"{most:,}")
    room = COLUMNS - names - counts - 6
    for name, times in bars:
        length = times * room // most
        bar = "#" * length or (":" if times else "")
        yield f"  {name:>{names}}  {times:>{counts},}  {bar}"


def _bars(found: Estimate) -> Iterator[tuple[str, int]]:
    values = found.values
    if not values:
        return
    least, most = values[0][0], values[-1][0]
    whole = all(isinstance(value, int) for value, _ in values)
    if len(values) <= VALUES_MOST and (not whole or most - least < 2 * VALUES_MOST):
        yield from ((_number(value), times) for value, times in values)
        return
    width = Fraction(most - least) / VALUES_MOST
    if whole:
        width = Fraction(-(-(int(most - least) + 1) // VALUES_MOST))
    counted: dict[int, int] = {}
    for value, times in values:
        place = min(int((value - least) / width), VALUES_MOST - 1)
        counted[place] = counted.get(place, 0) + times
    for place in range(max(counted) + 1):
        low = least + place * width
        upto = low + width - 1 if whole else low + width
        ends = (int(low), int(upto)) if whole else (low, upto)
        yield f"{_number(ends[0], 4)} to {_number(ends[1], 4)}", counted.get(place, 0)


def measured_json(name: str, measured: Measured) -> str:
    """Return everything that is known, as one JSON object."""
    report = {
        "schema": SCHEMA,
        "ratified": __version__,
        "name": name,
        "exit_status": 0 if measured.complete else 3,
        "stopped": measured.stopped,
        "model": measured.model,
        "sizes": dict(measured.sizes),
        "parameters": {parameter: show(value) for parameter, value in measured.parameters.items()},
        "seed": measured.seed,
        "runs": measured.runs,
        "runs_asked": measured.asked,
        "depth": measured.length,
        "steps": measured.steps,
        "since": measured.since,
        "early": measured.early,
        "until": measured.until,
        "ended": {
            "until": measured.ended[End.UNTIL],
            "stuck": measured.ended[End.STUCK],
            "depth": measured.ended[End.DEPTH],
        },
        "weights": dict(measured.weights),
        "measures": [_json_figure(figure) for figure in measured.figures],
        **json_cuts(measured.bounds, measured.constraints),
        "notes": list(measured.notes),
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def _json_figure(figure: Figure) -> dict[str, object]:
    found = figure.estimate
    return {
        "expression": figure.text,
        "at": figure.at.value,
        "count": found.count,
        "missing": found.missing,
        "confidence": found.confidence,
        "mean": found.mean,
        "low": found.low,
        "high": found.high,
        "method": found.method,
        "deviation": found.deviation,
        "quantiles": [
            {
                "share": float(q.share),
                "value": _json_number(q.value),
                "low": _json_number(q.low),
                "high": _json_number(q.high),
            }
            for q in found.quantiles
        ],
        "values": [[_json_number(value), times] for value, times in found.values],
    }


def _json_number(value: IntOrFraction | float | None) -> object:
    if value is None or isinstance(value, int):
        return value
    return "never" if value == math.inf else float(value)
