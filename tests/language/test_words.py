"""Words that people bring from other languages: CPython, the evaluator and the compiled explorer make the same of each."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest

from ratified import (
    EvaluationError,
    Map,
    Model,
    ModelError,
    Ordered,
    Seq,
    Set,
    Verdict,
    action,
    check,
    choose,
    enabled,
    first,
    invariant,
    lemma,
    prove,
    record,
    recursive,
    require,
    sequences,
)
from ratified.explore.native.engine import check_native
from ratified.tla import export
from tests.explore.native.differential import TooLarge, differences
from tests.generate.agreement import agree
from tests.generate.running import load
from tests.generate.wordy import wordy_model
from tests.language import words
from tests.language.test_differential import TOLERATED as NEVER


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
    words.Fields: 175,
    words.Numbers: 707,
    words.Partial: 137,
    words.Dicts: 828,
    words.Wider: 57,
    words.Recursion: 400,
    words.Habits: 529,
    words.Offered: 3705,
}
"""Each model, and how many states it has with three processes, of copies with two."""

TOLERATED = re.compile(
    f"{NEVER.pattern}|has a guard after a change|only where a Literal|unreachable|may be shared"
)
"""What a generated text may say that is no model; a variant may put guards where `enabled` cannot see them."""

COMPILED = (2, 5, 9, 12)
"""Some random models in these words."""

WORDS = (
    *(
        r"break\n",
        r"continue\n",
        r"filter\(",
        r"map\(lambda",
        r"sorted\(\w+, key=",
        r"choose\(",
        r"next\(iter",
        r"next\(\(",
    ),
    *(
        r"own\d+ = Set",
        r"own\d+\.add",
        r"plain\d+ \|= {",
        r"plain\d+ \+= \[",
        r"plain\d+ = plain\d+\n",
        r"self\.\w+(\[\w+\])?\.\w+ (\+=|=) ",
        r"subsets\([\w.]+\)",
        r"subsets\([\w.]+, ",
        r"permutations\(",
        r"maps\(",
        r"sequences\(",
        r"    \w+: int\b",
        r"Literal\[",
        r": PartialMap\[",
        r" in self\.table\b",
        r"self\.table\[.*\] = ",
        r"self\.table\.pop\(",
        r"del self\.table",
        r"PartialMap\(\{.* for ",
    ),
    *("@eventually_always", "@action_constraint", r"enabled\(", r"case \"", r"elif \w+ ==", r"else:\n"),
)
"""What some of them use."""


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__)
def test_every_engine_makes_the_same_of_it(model: type[Model]) -> None:
    sizes = (
        {"P": 2 if model in (words.Copies, words.Dicts, words.Offered) else 3} if model.module.sorts else {}
    )
    instance = model(**sizes)
    assert agree(instance, 40) > 1
    reference = check(instance, engine="reference")
    native = check_native(instance, flags=("-O0",))
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


def test_too_many_sequences_are_an_error_of_the_model() -> None:
    class Many(Model):
        last: words.P | None

        @action
        def take(self, p: words.P) -> None:
            require(any(len(q) > 7 and q[0] == p for q in sequences(words.P, 9)))
            self.last = p

    with pytest.raises(EvaluationError, match="there are too many sequences of up to 9 of 4 elements"):
        check(Many(P=4), engine="reference")
    assert check(Many(P=2), engine="reference").distinct == 3


class TooDeep(words.Recursion):
    """Goes deeper than it may, where the sequence is longer than one."""

    @recursive(most=1)
    def longest(self, s: Seq[int]) -> int:
        return 0 if len(s) == 0 else max(s[0], self.longest(s[1:]))


@pytest.mark.parametrize("engine", ["reference", "native"])
def test_what_calls_itself_too_deep_is_an_error_of_the_model(engine: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        check(TooDeep(P=1), engine=engine)
    assert caught.value.message == "`longest` calls itself more than 1 deep"
    assert caught.value.span is not None
    assert (caught.value.span.column, caught.value.span.end_column) == (47, 66)


def test_an_int_without_a_range_has_a_wide_one() -> None:
    class Tripled(Model):
        x: int = 1

        @action
        def grow(self) -> None:
            self.x *= 3

    for engine in ("reference", "native"):
        result = check(Tripled(), engine=engine)
        assert (result.verdict, result.distinct) == (Verdict.UNDECIDED, 20)
        assert [b.what for b in result.bounds] == ["the range -2147483647..2147483647 of x"]


def test_tla_says_of_ints_without_a_range_that_they_are_ints() -> None:
    text = "\n".join(export(words.Numbers(P=2)).files.values())
    for line in (r"/\ time \in Int", r"/\ last \in [P -> Int]", r"/\ Len(seen) <= 1"):
        assert line in text, text
    assert "2147483647" not in text


def test_a_step_that_goes_wrong_is_enabled_all_the_same() -> None:
    class Wrong(Model):
        s: Set[words.P]
        last: words.P | None

        @action
        def take(self) -> None:
            require(self.last is None)
            if len(self.s) == 0:
                self.last = choose(self.s)

        @invariant
        def free(self) -> bool:
            return enabled(self.take)

    assert agree(Wrong(P=2), 5) == 1
    for engine in ("reference", "native"):
        with pytest.raises(EvaluationError) as caught:
            check(Wrong(P=2), engine=engine)
        assert "take" in str(caught.value)


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


def test_random_models_in_these_words_do_the_same(tmp_path: Path) -> None:
    sizes = []
    refused = []
    for seed in range(34):
        try:
            sizes.append(agree(load(wordy_model(seed), tmp_path), 15))
        except ModelError as problem:
            refused.append(problem.message)
    assert [message for message in refused if not TOLERATED.search(message)] == []
    assert len(refused) <= 3
    assert sum(size >= 5 for size in sizes) >= 10


def test_every_word_is_generated() -> None:
    used = "".join(wordy_model(seed).text for seed in range(150))
    assert [word for word in WORDS if not re.search(word, used)] == []


def test_random_models_in_these_words_are_compiled_to_the_same(tmp_path: Path) -> None:
    compared = 0
    for seed in COMPILED:
        with contextlib.suppress(TooLarge):
            assert differences(load(wordy_model(seed), tmp_path), most=300, flags=("-O0",)) == [], seed
            compared += 1
    assert compared >= 3


class Lamp(Ordered):
    """Of a row."""


@record
class Panel:
    """What is seen."""

    lit: bool


class NamedLikeASort(Model):
    """Has an action with the name of a sort, which asks for the sort, and changes a field."""

    panel: Panel = Panel(False)

    @action
    def Lamp(self) -> None:  # noqa: N802
        """Light it."""
        self.panel.lit = len(Lamp) == 2


def test_an_action_named_like_a_sort_may_change_fields() -> None:
    assert agree(NamedLikeASort(Lamp=2), 15) == 2
