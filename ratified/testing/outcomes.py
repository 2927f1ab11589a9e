"""What an exploration came to, as the items of a test run need it: text, which one process can leave to another.

Guarantees: an item passes only if what it stands for is known to hold, or is as expected; if the whole is not as expected, at
least one of its items fails.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ratified.cli.gate.running import PreparedEntry
from ratified.cli.report.checks import Checked, Expected, Report, doubts
from ratified.cli.report.render import render
from ratified.cli.report.text import headline
from ratified.language.claims import claims_of
from ratified.language.errors import Span
from ratified.results.result import PropertyReport, Result, Verdict

COUNTS = "counts"
DEADLOCK = "deadlock"
NOT_PASSED = 'an undecided model has not passed; undecided = "allow" in the configuration lets it pass'


@dataclass(frozen=True, slots=True)
class ItemOutcome:
    """What came of one item: nothing if it passed, else a line and a text that say why not. `warnings` are told either way."""

    headline: str = ""
    text: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemOutcomes:
    """What came of each item of an exploration, by its name. `since` is when it was made, if that is not just now."""

    parts: dict[str, ItemOutcome]
    since: str | None = None


def names_of(prepared: PreparedEntry) -> tuple[str, ...]:
    """Return the names of a model's items: its claims, or what else is expected."""
    expected = prepared.expected or Expected()
    if expected.verdict is not Verdict.HOLDS:
        return (f"{expected.verdict.value}:{expected.claim}" if expected.claim else expected.verdict.value,)
    pinned = (expected.states, expected.depth) != (None, None)
    return (
        *prepared.claims,
        *((DEADLOCK,) if prepared.how.deadlock else ()),
        *((COUNTS,) if pinned else ()),
    )


def span_of(prepared: PreparedEntry, name: str) -> Span:
    """Return where an item's claim stands; of what is no claim, its class."""
    module = prepared.model.module
    claims = {f.name: f.span for f in claims_of(module)}
    return claims.get(name.rpartition(":")[2]) or module.span or prepared.entry.span


def parts_of(prepared: PreparedEntry, checked: Checked) -> ItemOutcomes:
    """Return what came of each item."""
    names, expected = names_of(prepared), prepared.expected or Expected()
    plain = replace(checked, expected=None)  # of claims it is plain what is expected
    general = tuple(_general(prepared, checked))
    if expected.verdict is not Verdict.HOLDS:
        parts = {names[0]: _whole(checked) if checked.verdict is not Verdict.HOLDS else ItemOutcome()}
    else:
        allowed = expected.undecided_allowed and checked.verdict is Verdict.HOLDS
        parts = {name: _part(name, plain, expected, undecided_allowed=allowed) for name in names}
    if checked.verdict is not Verdict.HOLDS and not any(part.headline for part in parts.values()):
        parts = dict.fromkeys(names, _whole(checked))
    told = {name: ItemOutcome(p.headline, p.text, (*p.warnings, *general)) for name, p in parts.items()}
    return ItemOutcomes(told, checked.since)


def _part(name: str, checked: Checked, expected: Expected, *, undecided_allowed: bool) -> ItemOutcome:
    result = checked.result
    if name == COUNTS:
        return _counts(checked, expected, undecided_allowed=undecided_allowed)
    prop = _property(result, name)
    verdict = Verdict.UNDECIDED if prop is None else prop.verdict
    if verdict is Verdict.HOLDS:
        mine = [d.says for d in doubts(checked) if d.kind == "vacuous" and prop is not None and prop.vacuous]
        return ItemOutcome(warnings=tuple(f"{checked.name}: {s}" for s in mine if s.startswith(f"{name} ")))
    if verdict is Verdict.VIOLATED:
        return _whole(checked)
    if result.violation is not None:
        says = f"{name} is undecided: the exploration stopped where {result.violation.name} fails"
        return ItemOutcome(says, f"{says}\n")
    if undecided_allowed:
        return ItemOutcome(warnings=(f"{checked.name}: {_line(checked)}; allowed",))
    return _whole(checked)


def _property(result: Result, name: str) -> PropertyReport | None:
    return next((p for p in result.properties if p.name == name), None)


def _counts(checked: Checked, expected: Expected, *, undecided_allowed: bool) -> ItemOutcome:
    """Whether there are as many states as are pinned; of a search that was cut short that is not known."""
    result = checked.result
    if undecided_allowed and result.verdict is Verdict.UNDECIDED:
        return ItemOutcome()
    if result.verdict is not Verdict.HOLDS:
        says = f"not every state was counted: {_line(checked)}"
        return ItemOutcome(says, f"{says}\n")
    surprises = expected.surprises(result)
    if not surprises:
        return ItemOutcome()
    found = f"there are {result.distinct:,} states, depth {result.depth:,}"
    return ItemOutcome(f"{found}; but {' and '.join(surprises)}", _text(checked))


def _whole(checked: Checked) -> ItemOutcome:
    """The failure of an item that stands for all of it: the report as `ratified check` prints it."""
    text = _text(checked)
    if checked.verdict is Verdict.UNDECIDED:
        text += f"\n{NOT_PASSED}\n"
    return ItemOutcome(_line(checked), text)


def _line(checked: Checked) -> str:
    """The first line of its report without its name, which an item has already."""
    verdict, _, what = headline(checked).partition(f"  {checked.name}: ")
    return f"{verdict}: {what}"


def _text(checked: Checked) -> str:
    return render(Report((checked,)), "text")


def _general(prepared: PreparedEntry, checked: Checked) -> list[str]:
    """Doubts about the whole of an exploration."""
    found = [d.says for d in doubts(checked) if d.kind == "never-fired"]
    result = checked.result
    stuck = result.verdict is Verdict.HOLDS and result.distinct and result.out_degree[0] == 0
    if stuck and prepared.entry.deadlock is None:
        found.append(
            "there is a state from which no step is possible; deadlock = true makes that a violation, "
            "deadlock = false says that it is intended"
        )
    return [f"{checked.name}: {says}" for says in found]


def failed(names: tuple[str, ...], message: str) -> ItemOutcomes:
    """Return that an exploration came to nothing, for a reason."""
    first = next((line for line in reversed(message.splitlines()) if not line.startswith(" ")), message)
    return ItemOutcomes(dict.fromkeys(names, ItemOutcome(first, f"{message}\n")))
