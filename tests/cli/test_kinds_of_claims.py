"""Every engine checks a claim or says, in every format, that it does not; a kind that is new to it it does not check."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import pytest

from ratified.cli.report.bounded import bounded_json, bounded_text
from ratified.cli.report.checks import Checked, Report
from ratified.cli.report.induct import houdini_text
from ratified.cli.report.proof import proof_json, proof_text
from ratified.cli.report.render import render
from ratified.cli.report.simulation import simulation_json, simulation_text
from ratified.explore import check
from ratified.explore.simulate import simulate
from ratified.language import (
    Model,
    Range,
    RatifiedError,
    action,
    claims,
    eventually,
    eventually_always,
    invariant,
    leads_to,
    refines,
    require,
    step_invariant,
    view,
)
from ratified.language.ir import Kind
from ratified.results.result import Verdict
from ratified.smt.finite.bounded import bounded
from ratified.smt.houdini import houdini
from ratified.smt.proving import prove
from ratified.smt.script import lemma
from ratified.tla import compare
from ratified.tla.module import export
from ratified.tla.tlc import TlcResult


class Once(Model):
    """Goes up once."""

    up: bool

    @action
    def rise(self) -> None:
        require(not self.up)
        self.up = True


class Counter(Model):
    """Claims something of each kind that all explorers check."""

    n: Annotated[int, Range(0, 2)]

    @action(fair="weak")
    def rise(self) -> None:
        require(self.n < 2)
        self.n += 1

    @lemma
    @invariant
    def small(self) -> bool:
        return 0 <= self.n <= 2

    @step_invariant
    def grows(self, old: Counter) -> bool:
        return old.n <= self.n

    @refines(Once)
    def as_once(self, once: Once) -> None:
        once.up = self.n > 0

    @eventually
    def full(self) -> bool:
        return self.n == 2

    @leads_to
    def goes_on(self) -> tuple[bool, bool]:
        return self.n == 1, self.n == 2

    @view
    def shown(self) -> bool:
        return self.n == 0


class Settling(Counter):
    """Claims something of each kind."""

    @eventually_always
    def stays(self) -> bool:
        return self.n == 2


@dataclass(frozen=True)
class Told:
    """What an engine says: the claims that it checked and those that it did not, and its report by format."""

    checked: set[str]
    unchecked: set[str]
    verdict: Verdict
    reports: dict[str, str]


def _check(engine: str) -> Told:
    found = check(Settling(), engine=engine)
    report = Report((Checked("counter", found),))
    forms = {form: render(report, form) for form in ("text", "json", "junit", "sarif", "github")}
    return Told({p.name for p in found.properties}, _names(found), found.verdict, forms)


def _bmc(*, induction: bool) -> Told:
    found = bounded(Settling(), 4, induction=induction)
    forms = {"text": bounded_text("counter", found), "json": bounded_json("counter", found)}
    return Told(set(found.claims), _names(found), found.verdict, forms)


def _prove() -> Told:
    found = prove(Settling)
    forms = {"text": proof_text("counter", found), "json": proof_json("counter", found)}
    return Told({*found.lemmas, *found.goals}, _names(found), found.verdict, forms)


def _houdini() -> Told:
    found = houdini(Settling)
    return Told(set(found.kept), _names(found), Verdict.HOLDS, {"text": houdini_text("counter", found)})


def _simulate() -> Told:
    found = simulate(Settling(), runs=2, length=4)
    forms = {"text": simulation_text("counter", found), "json": simulation_json("counter", found)}
    return Told({name for _, name, _ in found.checked}, _names(found), found.verdict, forms)


def _tla() -> Told:
    model = Settling()
    made = export(model)
    ours = check(model, engine="reference")
    said = compare(model, made, ours, TlcResult("holds", distinct=ours.distinct, depth=ours.depth))
    forms = {"module": made.modules[f"{made.name}.tla"]}
    return Told(set(made.claims.values()), _names(made), said.verdict, forms)


def _names(found: Any) -> set[str]:
    return {claim.name for claim in found.unchecked}


ENGINES: dict[str, Callable[[], Told]] = {
    "the reference engine": lambda: _check("reference"),
    "the native engine": lambda: _check("native"),
    "bmc": lambda: _bmc(induction=False),
    "bmc with induction": lambda: _bmc(induction=True),
    "prove": _prove,
    "houdini": _houdini,
    "simulate": _simulate,
    "TLC": _tla,
}

SAFETY = {Kind.INVARIANT, Kind.STEP_INVARIANT}
CHECKS = {
    "the reference engine": set(claims.CLAIMS),
    "the native engine": set(claims.CLAIMS),
    "bmc": SAFETY,
    "bmc with induction": SAFETY,
    "prove": SAFETY,
    "houdini": {Kind.INVARIANT},
    "simulate": {*SAFETY, Kind.REFINEMENT},
    "TLC": set(claims.CLAIMS),
}
"""The kinds that each engine checks."""


def says_so(told: Told, engine: str, name: str, kind: Kind) -> None:
    """Hold every report of an engine to saying that a claim was not checked."""
    for form, report in told.reports.items():
        if form == "json":
            listed = json.loads(report)
            listed = listed["checks"][0] if "checks" in listed else listed
            assert {"name": name, "kind": kind.value} in listed["not_checked"]
        elif form == "junit":
            assert f'name="{kind.value}: {name}"' in report
            assert f"not checked by {engine}" in report
        else:
            assert f"not checked by {engine.removesuffix(' with induction')}: " in report, form
            assert f"{name} ({kind.value})" in " ".join(report.split()), form


def test_a_claim_is_there_of_each_kind() -> None:
    assert {f.kind for f in claims.claims_of(Settling.module)} == set(claims.CLAIMS)


@pytest.mark.parametrize("engine", ENGINES)
def test_each_kind_is_checked_or_said_not_to_be(engine: str) -> None:
    told = ENGINES[engine]()
    for claim in claims.claims_of(Settling.module):
        assert (claim.name in told.checked) is (claim.kind in CHECKS[engine])
        assert (claim.name in told.unchecked) is (claim.kind not in CHECKS[engine])
        if claim.kind not in CHECKS[engine]:
            says_so(told, engine, claim.name, claim.kind)
    if not told.unchecked:
        assert "not checked" not in "".join(told.reports.values())


@pytest.mark.parametrize("engine", ENGINES)
def test_a_kind_that_is_new_is_one_that_is_not_checked(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "CLAIMS", (*claims.CLAIMS, Kind.VIEW))
    told = ENGINES[engine]()
    assert "shown" in told.unchecked
    says_so(told, engine, "shown", Kind.VIEW)
    if CHECKS[engine] > SAFETY and engine != "simulate":  # all claims were asked for
        assert told.verdict is Verdict.UNDECIDED


@pytest.mark.parametrize("engine", ["reference", "native"])
def test_what_was_violated_is_violated_whatever_was_not_checked(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Wrong(Counter):
        @invariant
        def never_two(self) -> bool:
            return self.n < 2

    monkeypatch.setattr(claims, "CLAIMS", (*claims.CLAIMS, Kind.VIEW))
    found = check(Wrong(), engine=engine)
    assert (found.verdict, _names(found)) == (Verdict.VIOLATED, {"shown"})
    report = Report((Checked("counter", found),))
    forms = {form: render(report, form) for form in ("text", "json", "junit", "sarif", "github")}
    says_so(Told(set(), {"shown"}, found.verdict, forms), f"the {engine} engine", "shown", Kind.VIEW)


@pytest.mark.parametrize("engine", ["reference", "native", "auto"])
def test_nothing_holds_where_all_that_was_asked_for_is_not_checked(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "CLAIMS", (*claims.CLAIMS, Kind.VIEW))
    found = check(Counter(), claims=["shown"], engine=engine)
    assert (found.verdict, found.properties) == (Verdict.UNDECIDED, ())
    assert found.stopped == f"not checked by the {found.engine} engine: shown (view)"
    cases = render(Report((Checked("counter", found),)), "junit")
    assert 'errors="1"' in cases
    assert 'tests="1"' in cases


@pytest.mark.parametrize("name", ["as_once", "full", "goes_on", "stays"])
def test_a_claim_that_cannot_be_checked_is_refused_by_name(name: str) -> None:
    with pytest.raises(
        RatifiedError, match=f"{name} of Settling is neither an invariant nor a step invariant"
    ):
        bounded(Settling(), 2, claims=[name])
    with pytest.raises(RatifiedError, match=f"Counter has no claim '{name}'"):
        prove(Counter, goals=[name])
    with pytest.raises(RatifiedError, match=f"Counter has no invariant '{name}'"):
        houdini(Counter, [name])
