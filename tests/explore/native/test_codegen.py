"""Generated C explores what the model means: published counts, the reference engine's on random models."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Annotated, Self

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ratified.explore.native.codegen.layout import Layout
from ratified.explore.native.codegen.program import generate
from ratified.explore.native.codegen.shapes import PackedShapes, Unsupported
from ratified.explore.native.compile import RUNTIME, find_compiler
from ratified.explore.native.engine import check_native
from ratified.language import AtMost, Range, Set, action, invariant, require, step_invariant
from ratified.language.errors import RatifiedError
from ratified.language.machine import OutOfBounds, PythonMachine
from ratified.language.model import Model
from ratified.models.commit.two_phase import TwoPhase
from ratified.models.paxos.consensus import Consensus
from ratified.models.paxos.paxos import Paxos
from ratified.models.paxos.voting import Voting
from ratified.results.result import Verdict
from tests.explore.native.differential import TooLarge, differences
from tests.generate.cases import random_case
from tests.generate.models import random_model
from tests.generate.running import load

HERE = Path(__file__).parent

ROWS = [
    (Consensus, {"Value": 3}, 4, 2),
    (Voting, {"Acceptor": 3, "Value": 2, "Ballot": 3}, 6_752, 16),
    (Paxos, {"Acceptor": 3, "Value": 2, "Ballot": 2}, 3_921, 17),
    (Paxos, {"Acceptor": 3, "Value": 2, "Ballot": 3}, 185_369, 25),
    pytest.param(Paxos, {"Acceptor": 3, "Value": 2, "Ballot": 4}, 8_220_065, 33, marks=pytest.mark.slow),
    (TwoPhase, {"ResourceManager": 3}, 288, 11),
    (TwoPhase, {"ResourceManager": 4}, 1_568, 14),
    (TwoPhase, {"ResourceManager": 5}, 8_832, 17),
    (TwoPhase, {"ResourceManager": 6}, 50_816, 20),
    (TwoPhase, {"ResourceManager": 7}, 296_448, 23),
    pytest.param(TwoPhase, {"ResourceManager": 8}, 1_745_408, 26, marks=pytest.mark.slow),
]
SYMMETRIC_ROWS = [
    (Voting, {"Acceptor": 3, "Value": 2, "Ballot": 2}, 77, 11),
    (Paxos, {"Acceptor": 3, "Value": 2, "Ballot": 2}, 443, 17),
    (Paxos, {"Acceptor": 3, "Value": 2, "Ballot": 3}, 17_153, 25),
]


@pytest.mark.parametrize(("model", "sizes", "distinct", "depth"), ROWS)
def test_published_counts(model: type[Model], sizes: dict[str, int], distinct: int, depth: int) -> None:
    result = check_native(model(**sizes))
    assert (result.distinct, result.depth, result.verdict) == (distinct, depth, Verdict.HOLDS)
    assert result.vacuous == ()


@pytest.mark.parametrize(("model", "sizes", "distinct", "depth"), SYMMETRIC_ROWS)
def test_published_counts_with_symmetry(
    model: type[Model], sizes: dict[str, int], distinct: int, depth: int
) -> None:
    result = check_native(model(**sizes), symmetry=True)
    assert (result.distinct, result.depth, result.verdict) == (distinct, depth, Verdict.HOLDS)
    assert result.symmetry == ("Acceptor", "Value")


# Seeds come ten at a time: one that the language refuses, or that has too many states to step through one by one, is passed
# over, but most must have been compared.
TEN = 10


@pytest.mark.sampled(every=3)
@pytest.mark.parametrize("first", range(5_000, 5_030, TEN))
def test_random_models_are_explored_as_the_reference_machine_steps(first: int, tmp_path: Path) -> None:
    _compare(first, tmp_path, ("-O0",))


@pytest.mark.long(suite="random")
@pytest.mark.parametrize("first", range(6_000, 6_200, TEN))
def test_more_random_models(first: int, tmp_path: Path) -> None:
    _compare(first, tmp_path, ("-O1",))


@pytest.mark.sampled(every=2)
@pytest.mark.parametrize("first", range(5_000, 5_020, TEN))
def test_random_models_with_symmetry(first: int, tmp_path: Path) -> None:
    _compare(first, tmp_path, ("-O0",), symmetry=True)


def _compare(first: int, folder: Path, flags: tuple[str, ...], *, symmetry: bool = False) -> None:
    compared = 0
    for seed in range(first, first + TEN):
        try:
            model = load(random_model(seed), folder)
        except RatifiedError:
            continue
        try:
            assert differences(model, flags=flags, symmetry=symmetry) == [], seed
        except (TooLarge, Unsupported):
            continue
        compared += 1
    assert compared >= TEN // 2


@pytest.mark.sampled(every=4)
@pytest.mark.parametrize("seed", range(20))
def test_expressions_have_the_values_that_the_reference_machine_computes(seed: int, tmp_path: Path) -> None:
    model = load(random_case(seed), tmp_path)
    assert differences(model, flags=("-O0",)) == []


@pytest.mark.slow
@pytest.mark.parametrize("models", [3, pytest.param(TEN, marks=pytest.mark.long(suite="random"))])
def test_generated_code_is_clean_under_sanitizers(models: int, tmp_path: Path) -> None:
    """Memory and undefined behaviour: whatever CPython would not evaluate, C does not evaluate either."""
    ran = 0
    for seed in range(7_000, 7_000 + models):
        try:
            text = generate(load(random_model(seed), tmp_path)).text
        except RatifiedError:
            continue
        source, binary = tmp_path / "model.c", tmp_path / "main"
        source.write_text(text)
        flags = ["-std=c11", "-O0", "-w", "-pthread", "-fsanitize=address,undefined"]
        folders = ["-fno-sanitize-recover=all", f"-I{RUNTIME}", f"-I{HERE}", f'-DMODEL_FILE="{source}"']
        command = [*find_compiler(), *flags, *folders, str(HERE / "main.c"), "-o", str(binary)]
        built = subprocess.run(command, capture_output=True, text=True, check=False)
        assert built.returncode == 0, built.stderr
        done = subprocess.run([str(binary), "1"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        ran += 1
    assert ran > models // 2


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000))
def test_states_are_packed_and_unpacked_as_they_were(seed: int, tmp_path: Path) -> None:
    try:
        model = load(random_model(seed), tmp_path)
        layout = Layout(model, PackedShapes(model.scope))
        machine = PythonMachine(model)
        states = [s for _, s in machine.initial() if not isinstance(s, OutOfBounds)][:20]
        states += [
            s for state in states[:5] for *_, s in machine.steps(state) if not isinstance(s, OutOfBounds)
        ]
    except RatifiedError:
        return
    packed = [layout.pack(state) for state in states]
    assert [layout.unpack(words) for words in packed] == states
    assert len(set(packed)) == len(set(states))
    assert all(0 <= word < 2**64 for words in packed for word in words)


def test_the_same_model_gives_the_same_text() -> None:
    sizes = {"Acceptor": 3, "Value": 2, "Ballot": 2}
    assert generate(Paxos(**sizes)).text == generate(Paxos(**sizes)).text


def test_generated_code_can_be_read(tmp_path: Path) -> None:
    dump = tmp_path / "model.c"
    check_native(TwoPhase(ResourceManager=3), dump=dump)
    text = dump.read_text()
    assert "TwoPhase(ResourceManager=3)" in text
    assert "/* rm_prepare(r=rm1), two_phase.py:" in text
    with pytest.raises(RatifiedError) as caught:
        check_native(TwoPhase(ResourceManager=3), dump=Path("/dev/full"))
    assert str(caught.value) == "/dev/full cannot be written: No space left on device"


def body_of(text: str, name: str) -> str:
    """A function's text, by the comment before it."""
    return text[text.index(f"/* {name}") :].partition("\n}\n")[0]


def test_what_a_condition_excludes_in_every_state_is_not_looked_at() -> None:
    text = generate(Paxos(Acceptor=3, Value=2, Ballot=4)).text
    assert "for (" not in body_of(text, "proposals_are_safe")  # of 144 messages eight are proposals


class Sieve(Model):
    """More numbers than a loop is written out for, and conditions of which the second has no answer where `by` is 0."""

    numbers: Set[Annotated[int, Range(0, 99)]]
    by: Annotated[int, Range(0, 2)] = 2

    @action
    def add(self, n: Annotated[int, Range(0, 99)]) -> None:
        require(n % 25 == 0)
        self.numbers.add(n)

    @action
    def change(self) -> None:
        self.by = (self.by + 1) % 3

    @invariant
    def none_is_odd(self) -> bool:
        return all(n % 4 == 0 for n in self.numbers if n > 70 if n // self.by > 0 if n > 200)

    @invariant
    def few_are_large(self) -> bool:
        return sum(n for n in self.numbers if n > 40 if self.by != 1) < 100


@pytest.mark.parametrize("claim", ["none_is_odd", "few_are_large"])
def test_only_the_first_conditions_exclude_elements_beforehand(claim: str) -> None:
    assert differences(Sieve().claiming([claim])) == []


class Tray(Model):
    """Sets in a set: in order they are kept with their bits turned over."""

    sets: Annotated[Set[Set[Annotated[int, Range(0, 4)]]], AtMost(3)]

    @action
    def take(self, s: Set[Annotated[int, Range(0, 4)]]) -> None:
        require(s in self.sets or len(s) == 2)
        self.sets = (self.sets - Set([s])) | Set([Set((n + 3) % 5 for n in s)])

    @invariant
    def pairs(self) -> bool:
        return all(len(s) == 2 for s in self.sets)


def test_sets_in_sets() -> None:
    assert differences(Tray()) == []


class TwoClocks(Model):
    """One step moves only one of them."""

    left: Annotated[int, Range(0, 3)] = 0
    right: Annotated[int, Range(0, 3)] = 0

    @action
    def tick_left(self) -> None:
        require(self.left < 3)
        self.left += 1

    @action
    def tick_right(self) -> None:
        require(self.right < 3)
        self.right += 1

    @step_invariant
    def left_never_falls(self, old: Self) -> bool:
        return self.left >= old.left

    @step_invariant
    def left_always_moves(self, old: Self) -> bool:
        return self.left != old.left


def test_a_step_that_leaves_what_a_claim_reads_is_not_asked_about_only_if_that_is_no_violation() -> None:
    model = TwoClocks()
    asked_of_some = "    if (!(((old[0] ^ new[0]) & 3ull))) return RX_OK;"
    assert generate(model).text.count(asked_of_some) == 1
    assert check_native(model.claiming(["left_never_falls"])).verdict is Verdict.HOLDS
    broken = check_native(model)
    assert (broken.verdict, broken.violation and broken.violation.name) == (
        Verdict.VIOLATED,
        "left_always_moves",
    )
