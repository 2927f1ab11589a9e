"""Why an event is not explained, for people: what was expected beside what was observed, which guard is false, what was possible.

Guarantees: pure; the same mismatch gives the same text, within 100 columns where names allow it.
"""

from __future__ import annotations

import inspect
import linecache
import re
import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from ratified.follow.binding import Names, ObservedPlace
from ratified.follow.steps import Change, Do, Holds, Refusal
from ratified.follow.tracker import Mismatch, Tracker
from ratified.language.errors import RatifiedError, Span
from ratified.language.machine import OutOfBounds, Values
from ratified.language.values import show

MOST_SHOWN = 8
MOST_LINES = 8  # of a guard, or of an event
MOST_CHOICES = 200  # of an action's arguments that are tried, to say what was possible


@dataclass(frozen=True, slots=True)
class Difference:
    """One place of what was observed: what the model has there beside what was seen."""

    place: str
    expected: object
    observed: object

    @property
    def differs(self) -> bool:
        """Whether they are not the same."""
        return self.expected != self.observed


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A way the model could have gone: its actions, and how what it leads to compares with what was seen."""

    path: tuple[str, ...]
    differences: tuple[Difference, ...]

    @property
    def distance(self) -> int:
        """In how many places they differ."""
        return sum(d.differs for d in self.differences)


@dataclass(frozen=True, slots=True)
class Blocked:
    """A step that the event stands for and the model did not allow."""

    step: str
    reason: str
    excerpt: str = ""
    variables: tuple[tuple[str, str], ...] = ()  # that the guard speaks of, and what the model has there
    but: str = "is not enabled"

    def __str__(self) -> str:
        return f"{self.step}, which {self.but}"


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that can be said of a mismatch. `meant` are the ways that the event stands for, the nearest first."""

    mismatch: Mismatch
    meant: tuple[NearMiss, ...]
    blocked: tuple[Blocked, ...]
    possible: tuple[tuple[str, int], ...]
    nearest: NearMiss | None


@dataclass(slots=True)
class _Notes:
    """Which steps were possible, and from where; and which were not."""

    paths: dict[Values, tuple[str, ...]] = field(default_factory=dict)
    refusals: list[tuple[int, Values, Do | Holds | Change | Refusal]] = field(default_factory=list)

    def taken(self, before: Values, step: Do, arguments: Values, after: Values) -> None:  # noqa: ARG002 - as Notes has it
        if not self.paths.get(after):  # a step may change nothing
            self.paths[after] = (*self.paths.get(before, ()), str(step))

    def passed_over(self, before: Values, step: Do | Holds) -> None:
        """Nothing that stands in the way."""

    def refused(self, before: Values, step: Do | Holds | Change | Refusal) -> None:
        self.refusals.append((len(self.paths.get(before, ())), before, step))


def explain(follower: Tracker) -> Explanation:
    """Find out why the event was not explained."""
    mismatch = follower.result.mismatch
    assert mismatch is not None
    notes = _Notes(dict.fromkeys(mismatch.states, ()))
    ends = follower.run(mismatch.steps, mismatch.states, notes)
    meant = sorted(
        (NearMiss(notes.paths.get(end, ()), _compared(follower, end, mismatch)) for end in ends),
        key=lambda n: n.distance,
    )
    possible, nearest = _possible(follower, mismatch)
    # Where steps are tried one after another, what stopped the longest attempt is what matters.
    depth = max((d for d, _, _ in notes.refusals), default=0)
    blocked = dict.fromkeys(
        _blocked(follower, state, step) for d, state, step in notes.refusals if d == depth
    )
    return Explanation(mismatch, tuple(meant), tuple(blocked) if not meant else (), possible, nearest)


def _compared(follower: Tracker, state: Values, mismatch: Mismatch) -> tuple[Difference, ...]:
    return tuple(
        Difference(place_text(place), follower.value(state, place), seen)
        for place, seen in mismatch.observed.items()
    )


def _blocked(follower: Tracker, state: Values, step: Do | Holds | Change | Refusal) -> Blocked:
    if isinstance(step, Refusal):
        why = f"{step.step.action} is enabled here, so the model does not refuse it"
        return Blocked(str(step), why, but="is not so")
    if isinstance(step, Holds):
        found = follower.machine.ask(state, step.method, step.arguments)
        return Blocked(str(step), f"the model has {show(found)}", but="is not so")
    if isinstance(step, Change):
        span = follower.machine.why_unchanged(state, step.how)
        return (
            _at(follower, state, str(step), span)
            if span
            else Blocked(str(step), "the state does not allow it")
        )
    parameters = [a.name for a in follower.machine.module.functions[step.action].arguments]
    if any(p not in step.arguments for p in parameters):
        return Blocked(str(step), "no values of its other arguments make it possible")
    span = follower.machine.why_not(state, step.action, tuple(step.arguments[p] for p in parameters))
    why = "its guards are true: the model does not let one of its arguments have this value"
    return _at(follower, state, str(step), span) if span else Blocked(str(step), why)


def _at(follower: Tracker, state: Values, step: str, span: Span) -> Blocked:
    """A step, the guard that does not allow it, and what the variables are that it speaks of."""
    last = min(span.end_line, span.line + MOST_LINES - 1)
    lines = [linecache.getline(span.file, n).rstrip() for n in range(span.line, last + 1)]
    excerpt = span.excerpt()
    if len(lines) > 1:
        excerpt = "\n".join(f"{n:5d} | {line}" for n, line in enumerate(lines, span.line))
    named = _named(" ".join(lines))
    for helper in [n for n in named if n in follower.machine.module.functions]:
        named |= _named(inspect.getsource(getattr(type(follower.model), helper)))
    values = [(n, show(state[follower.variables[n]])) for n in named if n in follower.variables]
    return Blocked(step, str(span), excerpt, tuple(values))


def _named(source: str) -> dict[str, None]:
    """The variables and methods of a model that a piece of its source speaks of."""
    return dict.fromkeys(re.findall(r"\b(?:self|m)\.(\w+)", source))


def _possible(follower: Tracker, mismatch: Mismatch) -> tuple[tuple[tuple[str, int], ...], NearMiss | None]:
    """How often each action was possible in the states before, and the step that comes nearest to what was seen.

    None does that comes no nearer than no step at all.
    """
    counts: Counter[str] = Counter()
    nearest: NearMiss | None = None
    machine = follower.machine
    for state in mismatch.states[:MOST_SHOWN]:
        still = sum(d.differs for d in _compared(follower, state, mismatch))
        for action in machine.actions:
            try:
                steps = machine.take(state, action.name, {}, MOST_CHOICES)
            except RatifiedError:
                continue  # a parameter ranges over too much to be tried
            counts[action.name] += len(steps)
            for arguments, after in steps:
                if isinstance(after, OutOfBounds) or not mismatch.observed:
                    continue
                given = {p.name: a for p, a in zip(action.arguments, arguments, strict=True)}
                near = NearMiss((str(Do(action.name, given)),), _compared(follower, after, mismatch))
                if near.distance < (still if nearest is None else nearest.distance):
                    nearest = near
    return tuple(sorted((name, count) for name, count in counts.items() if count)), nearest


def place_text(place: ObservedPlace) -> str:
    """A place as it is written in a model."""
    name, *keys = place
    return str(name) + "".join(f"[{show(k)}]" for k in keys)


def told(follower: Tracker, source: str = "") -> str:
    """The explanation as text."""
    if follower.result.mismatch is None:
        return f"undecided: {follower.result.stopped}"
    return "\n".join(_lines(explain(follower), follower, source))


def _lines(why: Explanation, follower: Tracker, source: str) -> Iterator[str]:
    mismatch = why.mismatch
    source = mismatch.event.source or source
    line = f"{source}:{mismatch.event.line}: " if mismatch.event.line else ""
    yield f"{line}the model does not explain event {mismatch.number:,}"
    yield from _wrapped_text(str(mismatch.event), MOST_LINES)
    if mismatch.claim:
        yield f"  it explains the event, but then {mismatch.claim} is false"
    if follower.recent:
        yield ""
        yield "explained before it, last"
        yield from (f"  {_short(e, 96)}" for e in follower.recent)
    yield from _names(follower)
    for blocked in why.blocked[:MOST_SHOWN]:
        yield ""
        yield f"it stands for {blocked}"
        yield f"  {blocked.reason}"
        yield from (f"  {text}" for text in blocked.excerpt.splitlines())
        for name, value in blocked.variables:
            yield from _wrapped_text(f"{name} is {value}", 3)
    if why.meant:
        yield ""
        path = ", ".join(why.meant[0].path) or "no step"
        yield f"it stands for {_short(path, 80)}; observed beside expected"
        yield from _table(why.meant[0])
    elif mismatch.observed:
        yield ""
        yield "observed beside what the model has before it"
        yield from _table(NearMiss((), _compared(follower, mismatch.states[0], mismatch)))
    if len(mismatch.states) > 1:
        yield ""
        yield f"{len(mismatch.states):,} states of the model could have been before it; the nearest is shown"
    if why.possible:
        yield ""
        yield "possible before it"
        yield from _wrapped(f"{name} ({count})" if count > 1 else name for name, count in why.possible)
    if why.nearest is not None:
        near = why.nearest
        yield ""
        yield f"of these the nearest is {_short(near.path[0], 70)}"
        yield from _table(near)


def _table(near: NearMiss) -> Iterator[str]:
    rows = [
        (d.place, _short(show(d.observed), 34), _short(show(d.expected), 34), d.differs)
        for d in near.differences
    ]
    if not rows:
        yield "  nothing was observed"
        return
    rows.sort(key=lambda r: not r[3])
    place = max(len(r[0]) for r in rows)
    seen = max(8, *(len(r[1]) for r in rows))
    yield f"    {'place':{place}}  {'observed':{seen}}  expected"
    for name, observed, expected, differs in rows:
        yield f"  {'!' if differs else ' '} {name:{place}}  {observed:{seen}}  {expected}"


def _wrapped(words: Iterator[str]) -> Iterator[str]:
    line = " "
    for word in words:
        if len(line) + len(word) > 96:
            yield line
            line = " "
        line += f" {word}"
    yield line


def _names(follower: Tracker) -> Iterator[str]:
    """What the model calls those that the implementation names, and from where it counts."""
    binding = follower.binding
    said = [f"{n} is {v}" for x in vars(binding).values() if isinstance(x, Names) for n, v in x.known()]
    if said:
        yield ""
        yield _short("in the model " + ", ".join(said), 98)
    if binding.dropped:
        yield f"indices of the model start at {binding.dropped:,}: all nodes have discarded what was before"


def _wrapped_text(text: str, lines: int) -> list[str]:
    return textwrap.wrap(
        _printable(text), 98, initial_indent="  ", subsequent_indent="    ", max_lines=lines, placeholder=" …"
    )


def _short(value: object, width: int) -> str:
    text = _printable(str(value))
    return text if len(text) <= width else text[: width - 1] + "…"


def _printable(text: str) -> str:
    """What an implementation calls things is not to reach a terminal as it is."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
