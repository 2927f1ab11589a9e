"""Words that people bring from other languages: CPython, the evaluator and the compiled explorer make the same of each."""

from __future__ import annotations

import pytest

from ratified import Model, Verdict, check
from tests.generate.agreement import agree
from tests.language import words

MODELS = {
    words.Exhaustive: 30,
    words.Jumps: 100,
    words.Functions: 1493,
    words.Choices: 1218,
    words.Copies: 6512,
    words.Families: 92,
    words.PlainSets: 8,
}
"""Each model, and how many states it has with three processes."""


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__)
def test_every_engine_makes_the_same_of_it(model: type[Model]) -> None:
    instance = model(P=3)
    assert agree(instance, 100) > 1
    reference = check(instance, engine="reference")
    native = check(instance, engine="native")
    assert reference.verdict is native.verdict is Verdict.HOLDS
    assert reference.distinct == native.distinct == MODELS[model]
    assert reference.generated == native.generated
