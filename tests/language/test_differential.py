"""The evaluator of the intermediate form is held to CPython on random models; what is not the language is refused politely."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import event, given, reject

from ratified.language import ModelError, RatifiedError
from tests.generate.agreement import agree
from tests.generate.cases import expression_cases
from tests.generate.constructs import EXPECTED, constructs
from tests.generate.models import GeneratedModel, model_texts, random_model
from tests.generate.mutations import Refused, refused_models
from tests.generate.profile import examples
from tests.generate.running import load, of_seed
from tests.generate.wordy import wordy_model

STATES_MOST = 60
"""States of one model whose steps are compared."""

TOLERATED = re.compile(
    r"\bNone\b|never|ranges over|not an expression over parameters|empty container is unknown"
)
"""A generated text may test for None, or for a record, what cannot be that any more; the compiler may say so."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("generated")


def same_as_cpython(generated: GeneratedModel, folder: Path) -> None:
    try:
        model = load(generated, folder)
    except RatifiedError as problem:
        if not TOLERATED.search(problem.message):
            raise
        reject()
    states = agree(model, STATES_MOST)
    event(f"{'some' if states > 1 else 'one' if states else 'no'} states")


@examples(80, 5_000)
@given(generated=model_texts())
def test_models_do_the_same(generated: GeneratedModel, folder: Path) -> None:
    same_as_cpython(generated, folder)


@examples(120, 10_000)
@given(generated=expression_cases())
def test_expressions_have_the_same_values(generated: GeneratedModel, folder: Path) -> None:
    same_as_cpython(generated, folder)


@examples(160, 5_000)
@given(refused=refused_models())
def test_what_is_not_the_language_is_refused_with_its_place(refused: Refused, folder: Path) -> None:
    with pytest.raises(ModelError) as caught:
        load(refused.model, folder)
    assert caught.value.span is not None
    assert caught.value.message


def test_every_construct_is_generated() -> None:
    missing = set(EXPECTED)
    for seed in range(1_000):
        missing -= constructs(random_model(seed).text)
        if not missing:
            break
    assert missing == set()


def test_seeded_models_do_the_same_and_most_of_them_move() -> None:
    """Larger models than Hypothesis likes to try."""
    refused: Counter[str] = Counter()
    sizes = []
    for seed in range(60):
        try:
            sizes.append(agree(of_seed(seed), STATES_MOST))
        except RatifiedError as problem:
            refused[problem.message] += 1
    assert refused.total() <= 3, refused
    assert sum(states >= 5 for states in sizes) >= 27
    assert sum(states >= 20 for states in sizes) >= 9


@pytest.mark.slow
def test_models_type_check(tmp_path: Path) -> None:
    """As they stand, but for one thing: the generator writes comparisons of what cannot be equal."""
    for seed in range(40):
        (tmp_path / f"generated_{seed}.py").write_text(random_model(seed).text)
        (tmp_path / f"wordy_{seed}.py").write_text(wordy_model(seed).text)
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--no-strict-equality",
        "--follow-imports=silent",
        "--config-file=",
    ]
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=False)
    problems = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert problems == []
    assert done.returncode == 0, done.stderr
