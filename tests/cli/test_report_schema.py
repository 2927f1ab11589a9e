"""The JSON report has the keys that docs/reports.md lists, and no other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from ratified.cli.report.checks import Checked, OtherOutcome, RefusedCheck, Report
from ratified.cli.report.render import render
from ratified.results.result import Verdict
from tests.cli import samples

OPEN = ("sizes", "parameters", "arguments", "state", "initial", "place", "others", "refused")
"""Objects whose keys are the model's own, places, which are described once for all, and what is described in one row."""


def paths(value: object, prefix: str = "") -> Iterator[str]:
    """Yield the path of every value in a report."""
    if isinstance(value, dict):
        for key, held in value.items():
            path = f"{prefix}.{key}" if prefix else key
            yield path
            if key not in OPEN:
                yield from paths(held, path)
            elif isinstance(held, list):
                yield f"{path}[]"
    elif isinstance(value, list):
        for item in value:
            yield f"{prefix}[]"
            yield from paths(item, f"{prefix}[]")


def test_the_keys_are_those_that_are_documented(folder: Path, checkout: Path) -> None:
    results = [made() for made in samples.RESULTS.values()]
    checks = tuple(Checked("synod", result) for result in results)
    proved = OtherOutcome("synod", "proof", Verdict.HOLDS, "PROVED", "", 1.0)
    whole = Report(checks, others=(proved,), refused=(RefusedCheck("two", "no"),), notes=("no cache",))
    report = json.loads(render(whole, "json"))
    present = set(paths(report))
    section = (checkout / "docs" / "reports.md").read_text().partition("## JSON")[2].partition("## JUnit")[0]
    documented = set(re.findall(r"^\| `([\w.\[\]]+)` \|", section, flags=re.MULTILINE))
    # A container is documented by what it holds.
    inner = {
        path for path in present if any(other.startswith((f"{path}.", f"{path}[")) for other in documented)
    }
    assert documented - present == set()
    assert present - documented - inner == set()


def test_a_place_has_the_keys_that_are_documented(folder: Path, checkout: Path) -> None:
    report = json.loads(render(Report((Checked("synod", samples.violated()),)), "json"))
    place = report["checks"][0]["violation"]["place"]
    assert place == {"file": "model.py", "line": 7, "column": 9, "end_line": 7, "end_column": 18}
    described = (
        (checkout / "docs" / "reports.md").read_text().partition("A place is an object:")[2].partition(";")[0]
    )
    assert re.findall(r"`(\w+)`", described) == list(place)
