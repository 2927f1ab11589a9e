"""Words that people bring from other languages: CPython, the evaluator and the compiled explorer make the same of each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ratified import (
    EvaluationError,
    Map,
    Model,
    Ordered,
    Set,
    Verdict,
    action,
    check,
    choose,
    enabled,
    first,
    lemma,
    prove,
    require,
)
from tests.generate.agreement import agree
from tests.generate.models import random_model
from tests.generate.running import load
from tests.generate.wording import reworded
from tests.language import words


class Level(Ordered):
    """A total order."""


MODELS = {
    words.Exhaustive: 30,
    words.Jumps: 100,
    words.Functions: 1493,
    words.Choices: 1218,
    words.Copies: 308,
    words.Families: 92,
    words.PlainSets: 8,
    words.Steps: 75,
    words.Asking: 43,
    words.AskingThrough: 14,
    words.Texts: 325,
    words.ConstantTexts: 70,
}
"""Each model, and how many states it has with three processes, of copies with two."""


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__)
def test_every_engine_makes_the_same_of_it(model: type[Model]) -> None:
    sizes = {"P": 2 if model is words.Copies else 3} if model.module.sorts else {}
    instance = model(**sizes)
    assert agree(instance, 40) > 1
    reference = check(instance, engine="reference")
    native = check(instance, engine="native")
    assert reference.verdict is native.verdict is Verdict.HOLDS
    assert reference.distinct == native.distinct == MODELS[model]
    assert reference.generated == native.generated


def test_a_choice_from_nothing_is_an_error_of_the_model_with_its_place() -> None:
    class Nothing(Model):
        s: Set[words.P]

        @action
        def take(self) -> None:
            self.s.discard(choose(self.s))

    for engine in ("reference", "native"):
        with pytest.raises(EvaluationError) as caught:
            check(Nothing(P=2), engine=engine)
        assert caught.value.span is not None
        assert caught.value.span.line == caught.value.span.end_line


class AskingAbove(Model):
    """A guard that is asked leaves a bound; what comes after one that is asked does too."""

    b: Level
    seen: Map[Level, bool]

    @action
    def rise(self, far: bool) -> None:
        require(not far or self.b + 1 > first(Level))
        self.b = self.b + 1

    @action
    def see(self, far: bool) -> None:
        require(enabled(self.rise, far))
        self.seen[self.b] = True


def test_a_guard_that_is_asked_may_leave_a_bound_as_any_expression() -> None:
    instance = AskingAbove(Level=2)
    assert agree(instance, 40) > 1
    for engine in ("reference", "native"):
        found = check(instance, engine=engine)
        assert sorted((b.action, b.times) for b in found.bounds) == [("rise", 4), ("rise", 4), ("see", 4)]
        assert found.distinct == 6


class Proved(words.Texts):
    """What holds at every size."""

    @lemma
    def chosen_is_there(self) -> bool:
        return len(self.seen) == 0 or choose(self.seen) in self.seen

    @lemma
    def texts_are_all(self) -> bool:
        return all(self.phase[p] in ("idle", "wanting", "busy") for p in words.P)


class NotProved(words.Texts):
    """What does not."""

    @lemma
    def nobody_waits(self) -> bool:
        return all(self.phase[p] != "wanting" for p in words.P)


@pytest.mark.slow
def test_words_are_proved_or_refuted_at_every_size() -> None:
    assert prove(Proved, goals=("ordered",)).verdict is Verdict.HOLDS
    assert prove(NotProved, goals=("ordered",)).verdict is Verdict.VIOLATED


def test_reworded_models_do_the_same(tmp_path: Path) -> None:
    """Random models with loops that are left and filters put in."""
    words_put_in = 0
    for seed in range(40):
        generated = random_model(seed)
        text, count = reworded(generated.text, seed)
        if count:
            agree(load(replace(generated, text=text), tmp_path), 20)
            words_put_in += count
    assert words_put_in >= 6
