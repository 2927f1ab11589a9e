"""Circuits of generated models say what the evaluator says, in every state that is tried."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import event, given, reject

from ratified.language import RatifiedError
from ratified.smt.finite import expressions
from ratified.smt.finite.circuit import Circuit
from ratified.smt.finite.symbolic import CircuitTooLarge
from tests.generate.agreement import Disagreement
from tests.generate.models import GeneratedModel, model_texts, random_model
from tests.generate.profile import examples
from tests.generate.running import load
from tests.smt.finite.agreement import agree


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("generated")


@examples(40, 3_000)
@given(generated=model_texts())
def test_circuits_say_what_the_evaluator_says(generated: GeneratedModel, folder: Path) -> None:
    try:
        model = load(generated, folder)
        states = agree(model, most=10, symbolic=3)
    except RatifiedError as problem:
        event("refused" if isinstance(problem, CircuitTooLarge) else "no model")
        reject()
    event(f"{'some' if states > 1 else 'one' if states else 'no'} states")


def test_hardly_any_generated_model_is_refused(folder: Path) -> None:
    outcomes: Counter[str] = Counter()
    for seed in range(40):
        try:
            model = load(random_model(seed), folder)
        except RatifiedError:
            continue
        try:
            agree(model, most=6, symbolic=1)
            outcomes["agree"] += 1
        except CircuitTooLarge as problem:
            outcomes[problem.message] += 1
    assert outcomes["agree"] >= 0.9 * outcomes.total(), outcomes


@pytest.mark.parametrize("fault", ["`and` that forgets an operand", "a comparison that is off by one"])
def test_a_fault_in_a_circuit_is_noticed(fault: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if fault.startswith("`and`"):
        every = Circuit.every
        monkeypatch.setattr(Circuit, "every", lambda self, literals: every(self, list(literals)[:3]))
    else:
        monkeypatch.setattr(
            expressions,
            "less",
            lambda left, right, context: -context.algebra.equal(left, right),
        )
    for seed in range(12):
        try:
            agree(load(random_model(seed), folder), most=4, symbolic=1)
        except Disagreement:
            return
        except (RatifiedError, AssertionError, KeyError, StopIteration):
            pass
    pytest.fail("no model notices it")
