"""An answer cannot be taken for true, and what a test expects of it is told with the counterexample where it is not so."""

from __future__ import annotations

import pytest

from ratified import Unexpected
from ratified.explore import check
from ratified.explore.simulate import simulate
from ratified.language import Map, Model, action, invariant, require
from ratified.results.result import Decided, Limits, Verdict
from ratified.smt.finite.bounded import bounded
from ratified.smt.proving import prove
from ratified.smt.script import lemma
from tests.shared.sorts import Node


class Doors(Model):
    """Doors that open one by one; that one stays shut is true of some numbers of them only where it is said with a bound."""

    open: Map[Node, bool]

    @action
    def push(self, n: Node) -> None:
        require(not self.open[n])
        self.open[n] = True

    @invariant
    def one_is_shut(self) -> bool:
        return not all(self.open[n] for n in Node)

    @invariant
    def open_or_shut(self) -> bool:
        return all(self.open[n] or not self.open[n] for n in Node)


class Shut(Doors):
    """A proof that cannot be one."""

    @lemma
    def all_are_shut(self) -> bool:
        return not any(self.open[n] for n in Node)


def answers() -> list[Decided]:
    model = Doors(Node=2)
    return [check(model), simulate(model, runs=3), bounded(model), prove(Shut)]


def test_an_answer_is_neither_true_nor_false() -> None:
    for answer in answers():
        kind = type(answer).__name__
        with pytest.raises(
            TypeError, match=rf"^a {kind} is neither true nor false: write \.holds, or \.expect"
        ):
            assert answer
        with pytest.raises(TypeError, match="neither true nor false"):
            not answer  # noqa: B018  # it raises
        assert not answer.holds


def test_what_is_expected_and_is_so() -> None:
    found = check(Doors(Node=3))
    assert found.expect(Verdict.VIOLATED, states=8, depth=4, claim="one_is_shut") is found
    held = check(Doors(Node=3), claims=["open_or_shut"])
    assert held.holds
    assert held.expect(states=8, depth=4, claim=None) is held


def test_what_is_not_so_is_told_with_the_counterexample() -> None:
    found = check(Doors(Node=3))
    with pytest.raises(Unexpected) as raised:
        found.expect(states=8, depth=5)
    told = str(raised.value)
    assert told.startswith(
        "violated, not holds; depth is 4, not 5\n\nVIOLATED  Doors: one_is_shut fails after 3 steps\n"
    )
    assert "counterexample (3 steps)" in told
    assert "  3  push(n=n3)\n" in told
    with pytest.raises(Unexpected, match=r"^claim is 'one_is_shut', not 'open_or_shut'\n"):
        found.expect(Verdict.VIOLATED, claim="open_or_shut")
    for answer in answers():
        with pytest.raises(Unexpected, match=r"one_is_shut|all_are_shut"):
            answer.expect()


def test_undecided_is_not_as_expected_either() -> None:
    found = check(Doors(Node=3), claims=["open_or_shut"], limits=Limits(states=5))
    assert not found.holds
    with pytest.raises(Unexpected, match=r"^undecided, not holds\n"):
        found.expect()
    assert found.expect(Verdict.UNDECIDED) is found


def test_what_an_answer_does_not_have_cannot_be_expected_of_it() -> None:
    with pytest.raises(TypeError, match=r"^a Result has no 'state' to expect$"):
        check(Doors(Node=1)).expect(Verdict.VIOLATED, state=2)
    with pytest.raises(TypeError, match=r"^a Result has no '_verdict' to expect$"):
        check(Doors(Node=1)).expect(Verdict.VIOLATED, _verdict=None)
