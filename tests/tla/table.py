"""The tables of docs/tla.md: a row for each model that both sides find the same of."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ratified.cli.instances import sizes_of
from ratified.cli.loading import load
from ratified.explore import check
from ratified.language.values import show
from ratified.results.result import Result, Verdict
from ratified.tla import compare, export, timed, tlc
from tests.tla.service import Service
from tests.tla.sizes import Size

PAGE = Path(__file__).parents[2] / "docs" / "tla.md"
MANY = 100_000
"""States that TLC finds faster with two workers than with one."""


def row(service: Service, name: str, size: Size, seconds: float, *, symmetry: bool = False) -> str:
    """A row: the model, its size, and what both sides find, which must be the same."""
    cls = load(name)
    given = {**next(iter(sizes_of(cls).values())), **size}
    model = cls(**given)
    ours, _ = timed(check, model, symmetry=symmetry)
    exported = export(model, symmetry=symmetry)
    if isinstance(ours, Result) and ours.violation is None and ours.distinct > MANY:
        # With more than one worker TLC counts the same states, but its counterexamples are not always shortest.
        theirs = tlc.run(service.tool, exported.files, exported.name, seconds=seconds, workers=2)
        agreement = compare(model, exported, ours, theirs)
    else:
        agreement = service.compared(model, exported, ours, seconds)
    assert agreement.verdict is Verdict.HOLDS, (name, agreement.differences, agreement.undecided)
    assert isinstance(ours, Result)
    at = " ".join(f"{n}={show(v)}" for n, v in given.items()) + (", symmetric" if symmetry else "")
    if ours.violation is not None:
        found = f"`{ours.violation.name}` is violated, {len(ours.violation.trace)} states | |"
    else:
        found = f"{ours.distinct:,} | {ours.depth} |"
    return f"| `{name}` | {at} | {found}"


def engines_agree(name: str, size: Size, *, symmetry: bool = False) -> None:
    """CPython and generated code visit the same number of states, to the same depth."""
    cls = load(name)
    model = cls(**{**next(iter(sizes_of(cls).values())), **size})
    found = [check(model, symmetry=symmetry, engine=engine) for engine in ("reference", "native")]
    assert len({(result.verdict, result.distinct, result.depth) for result in found}) == 1, name


def rows(title: str) -> list[str]:
    """The rows of a table of the page, without its head."""
    _, _, rest = PAGE.read_text(encoding="utf-8").partition(_begin(title))
    return rest.partition(_end(title))[0].splitlines()[2:]


def names(title: str) -> list[str]:
    """The models in a table of the page."""
    return [made.split("`")[1] for made in rows(title)]


def _begin(title: str) -> str:
    return f"<!-- {title}: written by the tests -->\n"


def _end(title: str) -> str:
    return f"<!-- end of {title} -->\n"


def hold(
    title: str, made: Iterable[str], *, rewrite: bool = bool(os.environ.get("RATIFIED_UPDATE_GOLDENS"))
) -> None:
    """Hold the page to its table of a title, between the marks that name it; rewritten with RATIFIED_UPDATE_GOLDENS=1."""
    begin, end = _begin(title), _end(title)
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    table = "\n".join(["| model | size | states | depth |", "|---|---|---|---|", *made]) + "\n"
    page = before + begin + table + end + after
    if rewrite:
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page
