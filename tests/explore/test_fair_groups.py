"""Actions that are fair together: some step of one of them is taken, whichever."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from ratified.explore import check
from ratified.language import Map, Model, ModelError, Sort, action, eventually, require
from ratified.results.result import Result, Verdict
from ratified.tla import export


class Side(Sort):
    """Left and right."""


class Doors(Model):
    """Somebody goes out by one door or the other."""

    out: bool
    tries: Map[Side, bool]

    @action(fair="weak", group="leaving")
    def by_the_door(self, s: Side) -> None:
        require(self.tries[s] and not self.out)
        self.out = True

    @action(fair="weak", group="leaving")
    def by_the_window(self) -> None:
        require(not self.tries[Side(0)] and not self.out)
        self.out = True

    @action
    def try_it(self, s: Side) -> None:
        require(not self.out)
        self.tries[s] = not self.tries[s]

    @eventually
    def gone(self) -> bool:
        return self.out


class EachAlone(Doors):
    """Either may be impossible again and again, and so neither is ever owed."""

    @action(fair="weak")
    def by_the_door(self, s: Side) -> None:
        require(self.tries[s] and not self.out)
        self.out = True

    @action(fair="weak")
    def by_the_window(self) -> None:
        require(not self.tries[Side(0)] and not self.out)
        self.out = True


@pytest.mark.parametrize("engine", ["reference", "native"])
def test_one_of_a_group_is_taken_if_one_of_them_stays_possible(engine: str) -> None:
    held, alone = check(Doors(Side=1), engine=engine), check(EachAlone(Side=1), engine=engine)
    assert (held.verdict, held.distinct) == (Verdict.HOLDS, 4)
    assert (alone.verdict, steps(alone)) == (Verdict.VIOLATED, 2)


def steps(result: Result) -> int:
    assert result.violation is not None
    assert result.violation.detail is not None
    assert "by_the_door is disabled again and again" in result.violation.detail
    return len(result.violation.trace.steps)


def test_tla_says_it_of_a_disjunction() -> None:
    text = "\n".join(export(Doors(Side=1)).files.values())
    assert "WF_vars((\\E s \\in Side : by_the_door(s)) \\/ by_the_window)" in text, text


class Houses(Model):
    """Each side has a door and a window: in each, whoever wants out takes one or the other."""

    out: Map[Side, bool]
    tries: Map[Side, bool]

    @action(fair="weak", group="leaving", each=("s",))
    def by_the_door(self, t: bool, s: Side) -> None:
        require(self.tries[s] and not self.out[s] and t)
        self.out[s] = True

    @action(fair="weak", group="leaving", each=("s",))
    def by_the_window(self, s: Side) -> None:
        require(not self.tries[s] and not self.out[s])
        self.out[s] = True

    @action
    def try_it(self, s: Side) -> None:
        require(not self.out[s])
        self.tries[s] = not self.tries[s]

    @eventually
    def all_gone(self) -> bool:
        return all(self.out[s] for s in Side)


class SomeHouse(Houses):
    """Of both houses together somebody is owed a way out: not of each."""

    @action(fair="weak", group="leaving")
    def by_the_door(self, t: bool, s: Side) -> None:
        require(self.tries[s] and not self.out[s] and t)
        self.out[s] = True

    @action(fair="weak", group="leaving")
    def by_the_window(self, s: Side) -> None:
        require(not self.tries[s] and not self.out[s])
        self.out[s] = True

    @action
    def come_back(self, s: Side) -> None:
        require(self.out[s])
        self.out[s] = False


@pytest.mark.parametrize("engine", ["reference", "native"])
def test_a_group_is_fair_for_each_value_of_what_its_actions_share(engine: str) -> None:
    each, together = check(Houses(Side=2), engine=engine), check(SomeHouse(Side=2), engine=engine)
    assert (each.verdict, each.distinct) == (Verdict.HOLDS, 16)
    assert (together.verdict, together.distinct) == (Verdict.VIOLATED, 16)


def test_tla_says_it_for_each() -> None:
    text = "\n".join(export(Houses(Side=2)).files.values())
    fair = r"\A s \in Side : WF_vars((\E t \in BOOLEAN : by_the_door(t, s)) \/ by_the_window(s))"
    assert fair in " ".join(text.split()), text


SOURCE = """
from ratified import Model, action, require

class M(Model):
    on: bool

    @action(fair="weak", group="both")
    def up(self) -> None:
        require(not self.on)
        self.on = True

    @action({})
    def down(self, b: bool) -> None:
        require(self.on == b)
        self.on = False
"""


@pytest.mark.parametrize(
    ("given", "told", "remedy"),
    [
        (
            'fair="strong", group="both"',
            "`up` and `down` of the group 'both' differ in fairness",
            "write the same fair= for every action of a group",
        ),
        (
            'fair="weak", each=("b",), group="both"',
            "`up` and `down` of the group 'both' are not fair for each value of the same parameters",
            "write the same each= for every action of a group, of parameters of the same types",
        ),
        (
            'fair="weak", group="both of them"',
            "`group` must be a name that the actions of the group share",
            'write group="name"',
        ),
        (
            'group="both"',
            "`group` has no meaning without `fair`",
            'write fair="weak" or fair="strong"',
        ),
    ],
)
def test_a_group_that_makes_no_sense(given: str, told: str, remedy: str, tmp_path: Path) -> None:
    file = tmp_path / "groups.py"
    file.write_text(SOURCE.replace("{}", given))
    with pytest.raises(ModelError) as caught:
        runpy.run_path(str(file))
    assert (caught.value.message, caught.value.remedy) == (told, remedy)
    assert caught.value.span is not None
    assert caught.value.span.line == 12
