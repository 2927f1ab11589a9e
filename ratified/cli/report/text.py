"""The report that a person reads: the verdict first, then what it rests on, and a run that shows what went wrong.

Guarantees: at most 100 columns wherever text can be broken; no colour unless asked for; a step of a trace shows what it
changed and nothing else.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ratified.cli.report.checks import UNTESTED, Checked, Report
from ratified.cli.report.words import model_and_settings, plural
from ratified.language.claims import not_checked
from ratified.language.errors import Span
from ratified.language.values import show
from ratified.results.changes import ChangeKind, StateDifference, compact, step_changes
from ratified.results.result import (
    BEYOND_BOUNDS,
    BoundReport,
    ConstraintReport,
    PropertyKind,
    PropertyReport,
    Ranks,
    Result,
    Trace,
    Verdict,
    Violation,
)
from ratified.results.words import listed

WIDTH = 100

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_VERDICT_STYLE = {Verdict.HOLDS: "green", Verdict.VIOLATED: "red", Verdict.UNDECIDED: "yellow"}
_CHANGE_STYLE = {ChangeKind.ADDED: "green", ChangeKind.REMOVED: "red", ChangeKind.REPLACED: "yellow"}


class Paint:
    """Colours text for a terminal, or leaves it alone."""

    def __init__(self, color: bool) -> None:
        self._color = color

    def __call__(self, text: str, *styles: str) -> str:
        """Return the text in these styles."""
        if not self._color or not text:
            return text
        return f"\x1b[{';'.join(_CODES[style] for style in styles)}m{text}\x1b[0m"


def text(report: Report, *, color: bool = False) -> str:
    """Return the report as text, ending in a newline."""
    paint = Paint(color)
    if report.several is not None:
        lines = list(_several(report, paint))
    elif report.protocol is None:
        lines = [line for check in report.checks for line in _full(check, paint)]
    else:
        lines = list(_overview(report, paint))
    return "\n".join(line.rstrip() for line in lines).rstrip("\n") + "\n"


def headline(check: Checked) -> str:
    """Return the first line of a check's report, without colour."""
    return "  ".join(_headline(check))


def verify_headline(report: Report) -> str:
    """Return the first line of a protocol's report, without colour."""
    return "  ".join(_verify_headline(report))


def several_headline(report: Report) -> str:
    """Return the first line of a report on many, without colour."""
    return "  ".join(_several_headline(report))


def _headline(check: Checked) -> tuple[str, str]:
    result = check.result
    properties = plural(len(result.properties), "property", "properties")
    if result.verdict is Verdict.HOLDS:
        hold = "hold" if len(result.properties) != 1 else "holds"
        what = f"{properties} {hold} in all {plural(result.distinct, 'state')}"
        if not result.properties:
            what = f"no property to check; all {plural(result.distinct, 'state')} visited"
    elif result.violation is not None:
        what = what_failed(result.violation)
    else:
        what = f"no violation in the {plural(result.distinct, 'state')} visited; {_why_undecided(result)}"
    if check.expected is not None:
        what += f"; but {' and '.join(check.surprises)}" if check.surprises else "; as expected"
    if check.since is not None:
        what += f"; unchanged since {check.since}"
    return result.verdict.value.upper(), f"{check.name}: {what}"


def what_failed(violation: Violation) -> str:
    """Return which property fails, and where."""
    steps = len(violation.trace.steps)
    where = f"after {plural(steps, 'step')}" if steps else "in an initial state"
    if violation.kind is PropertyKind.DEADLOCK:
        return f"deadlock {where}"
    if violation.trace.loop is not None:
        again = steps - violation.trace.loop
        stutters = f"stutters forever {where}"
        then = f"repeats {plural(again, 'step')} forever" if again else stutters
        return f"{violation.name} fails: a run {then}"
    return f"{violation.name} fails {where}"


def _why_undecided(result: Result) -> str:
    if result.stopped:
        # What ran out is named ("the limit of 1,000 states"); anything else stands as it is ("interrupted").
        return f"stopped by {result.stopped}" if result.stopped.startswith("the ") else result.stopped
    return "the exploration is incomplete"


def _full(check: Checked, paint: Paint) -> Iterator[str]:
    """Everything that is known about one check."""
    result = check.result
    verdict, what = _headline(check)
    yield from labelled(verdict, what, _VERDICT_STYLE[result.verdict], paint, gap=2)
    yield ""
    yield from facts(_about(result), paint)
    yield ""
    yield from _action_table(result, paint)
    yield from _property_table(result, paint)
    yield from _warnings(result, paint)
    if result.violation is not None:
        yield from violation_lines(result.violation, paint)


def _about(result: Result) -> Iterator[tuple[str, str]]:
    yield from model_and_settings(result)
    yield "engine", result.engine
    yield "symmetry", ", ".join(result.symmetry) or "not used"
    if result.reduction:
        yield "reduction", "one order of steps that come to the same in any order"
    distinct, generated = f"{result.distinct:,} distinct", f"{result.generated:,} generated"
    yield "states", f"{distinct}, {generated}, depth {result.depth}"
    least, mean, greatest = result.out_degree
    cut_short = not greatest and result.stopped not in (None, BEYOND_BOUNDS)
    yield "successors", "unknown" if cut_short else f"{least} to {greatest}, {mean:.1f} on average"
    rate = f", {result.distinct / result.seconds:,.0f} states/s" if result.seconds >= 0.1 else ""
    yield "time", f"{duration(result.seconds)}{rate}"
    if result.memory:
        yield "memory", size(result.memory) + (" in the largest rank" if result.ranks else "")
    if result.ranks is not None:
        yield "ranks", _about_ranks(result.ranks, result.distinct)


def _about_ranks(ranks: Ranks, distinct: int) -> str:
    on = f" on {plural(ranks.machines, 'machine')}" if ranks.machines > 1 else ""
    sent = ranks.sent / distinct if distinct else 0.0
    threads = plural(ranks.threads, "thread")
    return (
        f"{ranks.ranks}{on}, {threads} in all; imbalance {ranks.imbalance:.2f}, {sent:.1f} bytes sent a state"
    )


def _action_table(result: Result, paint: Paint) -> Iterator[str]:
    if result.actions:
        rows = [(action.name, f"{action.fired:,}", f"{action.new:,}") for action in result.actions]
        yield from table(("action", "fired", "new states"), rows, "<>>", paint)
        yield ""


def _property_table(result: Result, paint: Paint) -> Iterator[str]:
    if result.properties:
        rows = [(prop.name, prop.kind.value, _property_standing(prop)) for prop in result.properties]
        yield from table(("property", "kind", ""), rows, "<<<", paint)
        yield ""


def _property_standing(prop: PropertyReport) -> str:
    if prop.verdict is Verdict.HOLDS:
        return "vacuous" if prop.vacuous else "holds"
    return "VIOLATED" if prop.verdict is Verdict.VIOLATED else "undecided"


def _warnings(result: Result, paint: Paint) -> Iterator[str]:
    """What a reader must know before trusting the verdict; every kind of warning is followed by an empty line."""
    lines: list[str] = []
    if result.never_fired:
        lines += labelled("never fired", listed(result.never_fired), "yellow", paint)
    if result.switched_off:
        lines += labelled("switched off", listed(result.switched_off), "cyan", paint, gap=2)
    if result.vacuous:
        lines += labelled(
            "vacuous",
            f"{listed(result.vacuous)}: {UNTESTED}",
            "yellow",
            paint,
        )
    lines += cuts(result.bounds, result.constraints, paint)
    left_out = [not_checked(f"the {result.engine} engine", result.unchecked)] if result.unchecked else []
    for note in (*result.notes, *left_out):
        lines += labelled("note", note, "cyan", paint)
    if lines:
        yield from lines
        yield ""


def cuts(
    bounds: Iterable[BoundReport], constraints: Iterable[ConstraintReport], paint: Paint
) -> Iterator[str]:
    """Yield where bounds would have been exceeded, and what constraints exclude."""
    for bound in bounds:
        place = f", at {bound.span}" if bound.span else ""
        excess = f"{bound.what}: {plural(bound.times, 'time')} in {bound.action}{place}"
        yield from labelled("bound exceeded", excess, "yellow", paint, gap=2)
        yield from excerpt(bound.span)
    for constraint in constraints:
        excluded = f"{constraint.name} excludes {plural(constraint.times, 'generated state')}"
        yield from labelled("constraint", excluded, "cyan", paint)


def violation_lines(
    violation: Violation, paint: Paint, which: str = "shortest counterexample"
) -> Iterator[str]:
    """Yield the run that shows a violation, and what it violates."""
    trace = violation.trace
    steps = plural(len(trace.steps), "step")
    if violation.kind is PropertyKind.LIVENESS:
        which = "counterexample"
    yield paint(f"{which} ({steps})", "bold")
    yield ""
    yield from trace_lines(trace, paint)
    if violation.kind is PropertyKind.DEADLOCK:
        yield paint("     the final state, where no action is enabled", "bold")
        yield from _state(trace.states[-1], "")
        yield ""
    place = f"  {violation.span}" if violation.span else ""
    kind = "" if violation.kind is PropertyKind.DEADLOCK else f"  ({violation.kind.value})"
    yield paint(what_failed(violation), "red", "bold") + kind + place
    yield from excerpt(violation.span)
    if violation.detail:
        yield from textwrap.wrap(violation.detail, WIDTH, initial_indent="  ", subsequent_indent="  ")


def trace_lines(trace: Trace, paint: Paint | None = None) -> Iterator[str]:
    """Yield a trace step by step, an empty line after each; the initial state is step 0. A lasso's loop is marked with `|`."""
    paint = paint or Paint(color=False)

    def gutter(index: int) -> str:
        return "| " if trace.loop is not None and index > trace.loop else ""

    yield f"{0:3d}  " + paint("initial state", "bold")
    yield from _state(trace.initial, gutter(0))
    yield ""
    for number, (step, changed) in enumerate(zip(trace.steps, step_changes(trace), strict=True), start=1):
        arguments = ", ".join(f"{name}={show(value)}" for name, value in step.arguments)
        lead = f"{number:3d}  {gutter(number)}"
        first, *rest = _fold(f"{step.action}({arguments})", len(lead) + 2, WIDTH - len(lead))
        yield lead + paint(first, "bold")
        yield from (" " * 5 + gutter(number) + paint(line, "bold") for line in rest)
        margin = " " * 5 + gutter(number)
        yield from (margin + paint(line, "dim") for line in textwrap.wrap(step.told, WIDTH - len(margin)))
        yield from _changes(changed, gutter(number), paint)
        yield ""
    if trace.loop is not None:
        yield from _loop(trace, paint)
        yield ""


def whole_message(error: Exception) -> str:
    """Return all that there is to say of an error; if a run of the model led there, the run first."""
    trace = getattr(error, "trace", None)
    lines = [line.rstrip() for line in trace_lines(trace)] if isinstance(trace, Trace) and trace.steps else []
    return "\n".join([*lines, str(error)])


def _loop(trace: Trace, paint: Paint) -> Iterator[str]:
    last = len(trace.steps)
    if trace.loop == last:
        yield "     " + paint("the run stutters in this state forever", "bold")
        return
    back = f"the state after step {trace.loop}" if trace.loop else "the initial state"
    yield "     " + paint(f"the run returns to {back} and repeats the steps marked | forever", "bold")


def _state(state: Mapping[str, object], gutter: str) -> Iterator[str]:
    """A whole state, compactly, one variable a line."""
    width = max((len(name) for name in state), default=0)
    for name, value in state.items():
        lead = f"{'':5}{gutter}  {name:{width}}  "
        yield from _hang(lead, compact(value), " " * 5 + gutter)


def _changes(changed: Sequence[StateDifference], gutter: str, paint: Paint) -> Iterator[str]:
    if not changed:
        yield f"{'':5}{gutter}  " + paint("(no change)", "dim")
    width = min(max((len(change.path) for change in changed), default=0), 30)
    for change in changed:
        lead = f"{'':5}{gutter}  {change.path:{width}}  "
        lines = _hang(lead, change.described, " " * 5 + gutter)
        style = _CHANGE_STYLE[change.kind]
        yield from (line[: len(lead)] + paint(line[len(lead) :], style) for line in lines)


def _overview(report: Report, paint: Paint) -> Iterator[str]:
    """A protocol's checks, one a line; then, in full, those that are not as expected."""
    verdict, what = _verify_headline(report)
    yield from labelled(verdict, what, _VERDICT_STYLE[report.verdict], paint, gap=2)
    yield ""
    sound = [check for check in report.checks if not check.broken]
    broken = [check for check in report.checks if check.broken]
    sized = [(*_row(check), _sizes(check.result)) for check in sound]
    yield from table(("model", "", "states", "time", "sizes"), sized, "<<>><", paint)
    yield ""
    if broken:
        rows = [_row(check) for check in broken]
        yield from table(("broken variant", "", "states", "time"), rows, "<<>>", paint)
        yield ""
    for check in report.checks:
        if check.verdict is not Verdict.HOLDS:
            yield paint("-" * WIDTH, "dim")
            lines = list(_full(check, paint))
            yield from lines
            yield from [""] if lines[-1] else []
        elif not check.broken:
            lines = list(_warnings(check.result, paint))
            if lines:
                yield paint(check.name, "bold")
                yield from lines
    if any(check.broken and check.result.violation for check in report.checks):
        yield "`ratified check MODEL` shows the run that refutes a broken variant."


def _several(report: Report, paint: Paint) -> Iterator[str]:
    """Many checks, one a line; then, in full, those that are not as expected."""
    verdict, what = _several_headline(report)
    style = "red" if report.refused else _VERDICT_STYLE[report.verdict]
    yield from labelled(verdict, what, style, paint, gap=2)
    yield ""
    rows = [
        (c.name, _stands(c), f"{c.result.distinct:,}", *_when(c.result.seconds, c.since))
        for c in report.checks
    ]
    rows += [(o.name, _WORDS_OF[o.verdict], "", *_when(o.seconds, o.since)) for o in report.others]
    rows += [(r.name, "REFUSED", "", "", "") for r in report.refused]
    yield from table(("checked", "", "states", "time", ""), rows, "<<>><", paint)
    yield ""
    for note in report.notes:
        yield from labelled("note", note, "cyan", paint)
        yield ""
    for refused in report.refused:
        yield paint("-" * WIDTH, "dim")
        yield paint("REFUSED", "red", "bold") + f"  {refused.name}"
        yield from refused.says.splitlines()
        yield ""
    for check in report.checks:
        if check.verdict is not Verdict.HOLDS:
            yield paint("-" * WIDTH, "dim")
            lines = list(_full(check, paint))
            yield from lines
            yield from [""] if lines[-1] else []
        elif check.expected is None:
            lines = list(_warnings(check.result, paint))
            if lines:
                yield paint(check.name, "bold")
                yield from lines
    for other in report.others:
        if other.verdict is not Verdict.HOLDS:
            yield paint("-" * WIDTH, "dim")
            yield from other.text.rstrip("\n").split("\n")
            yield ""


_WORDS_OF = {Verdict.HOLDS: "holds", Verdict.VIOLATED: "VIOLATED", Verdict.UNDECIDED: "UNDECIDED"}


def _several_headline(report: Report) -> tuple[str, str]:
    everything = report.everything
    number = len(everything) + len(report.refused)
    right = sum(one.verdict is Verdict.HOLDS for one in everything)
    what = f"{right:,} of {number:,} {'is' if right == 1 else 'are'} as expected"
    if report.refused:
        what += f", {len(report.refused):,} refused"
    kept = sum(one.since is not None for one in everything)
    if kept:
        what += f"; {kept:,} unchanged"
    return "ERROR" if report.refused else report.verdict.value.upper(), f"{report.several}: {what}"


def _stands(check: Checked) -> str:
    """How a check stands among many; what is not as expected stands in capitals."""
    standing = _standing(check)
    if check.verdict is Verdict.HOLDS:
        return (
            f"{standing.lower()}, as expected" if standing.isupper() or check.result.violation else standing
        )
    return standing if check.result.verdict is not Verdict.HOLDS else f"HOLDS, but {check.surprises[0]}"


def _when(seconds: float, since: str | None) -> tuple[str, str]:
    return ("", f"unchanged since {since}") if since is not None else (duration(seconds), "")


def _sizes(result: Result) -> str:
    """What was explored, in the overview."""
    sizes = " ".join(f"{name}={n}" for name, n in result.sizes.items())
    return (
        f"{sizes}, with symmetry" if result.symmetry else f"{sizes}, reduced" if result.reduction else sizes
    )


def _row(check: Checked) -> tuple[str, str, str, str]:
    result = check.result
    return check.name, _standing(check), f"{result.distinct:,}", duration(result.seconds)


def _standing(check: Checked) -> str:
    """How a check stands in the overview; what is not as expected stands in capitals."""
    result = check.result
    if check.broken and result.verdict is Verdict.HOLDS:
        return "NOT REFUTED"
    if result.violation is None:
        return "holds" if result.verdict is Verdict.HOLDS else "UNDECIDED"
    found = f"{result.violation.name}, {plural(len(result.violation.trace.steps), 'step')}"
    return f"refuted: {found}" if check.broken else f"VIOLATED: {found}"


def _verify_headline(report: Report) -> tuple[str, str]:
    sound = [check for check in report.checks if not check.broken]
    broken = [check for check in report.checks if check.broken]
    hold = sum(check.verdict is Verdict.HOLDS for check in sound)
    refuted = sum(check.verdict is Verdict.HOLDS for check in broken)
    what = f"{hold} of {plural(len(sound), 'model')} {'hold' if hold != 1 else 'holds'} at the sizes below"
    if broken:
        what += f", {refuted} of {plural(len(broken), 'broken variant')} refuted"
    return report.verdict.value.upper(), f"{report.protocol}: {what}"


def facts(rows: Iterable[tuple[str, str]], paint: Paint) -> Iterator[str]:
    """Yield labels with text beside them."""
    for name, value in rows:
        yield from labelled(name, value, "dim", paint)


def labelled(label: str, value: str, style: str, paint: Paint, gap: int = 0) -> Iterator[str]:
    """A label in a column of its own (or followed by a gap), and text that hangs beside it."""
    lead = label + " " * gap if gap else f"{label:11} "
    first, *rest = _hang(lead, value, "")
    yield paint(label, style, *(["bold"] if gap else [])) + first[len(label) :]
    yield from rest


def _hang(lead: str, value: str, margin: str) -> list[str]:
    """Text after a lead, broken into lines that hang beside it below the margin."""
    indent = len(lead) if len(lead) <= WIDTH // 2 else len(margin) + 4
    first, *rest = _fold(value, indent, WIDTH - len(lead))
    return [lead + first, *(margin + " " * (indent - len(margin)) + line for line in rest)]


def _fold(value: str, indent: int, first_width: int) -> list[str]:
    """Break text at spaces: the first line as wide as given, the others to the right of an indent."""
    lines = textwrap.wrap(
        value,
        WIDTH - indent,
        initial_indent=" " * max(0, WIDTH - indent - first_width),
        break_on_hyphens=False,
    )
    return [line.strip() if n == 0 else line for n, line in enumerate(lines)] or [""]


def excerpt(span: Span | None) -> list[str]:
    """Return a place in the source as lines with a caret."""
    lines = span.excerpt() if span else ""
    return [f"  {line}" for line in lines.splitlines()]


def table(head: Sequence[str], rows: Sequence[Sequence[str]], align: str, paint: Paint) -> Iterator[str]:
    """Yield the lines of a table: its head, and a row for each."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for number, row in enumerate((head, *rows)):
        cells = [f"{cell:{side}{width}}" for cell, side, width in zip(row, align, widths, strict=True)]
        line = "  ".join(cells).rstrip()
        yield paint(line, "dim") if number == 0 else line


def duration(seconds: float) -> str:
    """Return a length of time as people say it: `0.4 s`, `12 s`, `3:05 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d} min"


def size(amount: int) -> str:
    """Return an amount of memory, from bytes: `96 MB`, `1.4 GB`."""
    return f"{amount / 1e6:.0f} MB" if amount < 1e9 else f"{amount / 1e9:.1f} GB"
