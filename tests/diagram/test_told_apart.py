"""Values of two sorts are not taken for each other, in text or in pictures; and a picture has room for what is written in it."""

from __future__ import annotations

from ratified import Map, Model, Ordered, Sort, action, check, invariant, require, sequence
from ratified.diagram.rows import Ending
from ratified.diagram.sequence import DiagramRecorder
from ratified.diagram.svg import folded
from ratified.models.paxos.broken import HalfQuorums
from ratified.models.paxos.sorts import Acceptor, Ballot
from ratified.results.counterexample import narrated


class Cell(Sort):
    """Owned by a process."""


class Porter(Sort):
    """Takes cells."""


class Count(Ordered):
    """How often a cell was taken; its letter is that of a cell."""


class Corner(Sort):
    """So is that of a corner, and the next one is that of a count."""


class Taking(Model):
    """A porter takes the cell of its own number."""

    owner: Map[Cell, Porter | None]
    busy: Map[Porter, bool]
    count: Count
    corner: Map[Corner, bool]

    @action
    def take(self, p: Porter) -> None:
        """Porter p takes its cell. Nothing else."""
        require(not self.busy[p])
        self.busy[p] = True
        for c in Cell:
            if int(c) == int(p):
                self.owner[c] = p

    @invariant
    def not_the_second(self) -> bool:
        return all(self.owner[c] is None or int(c) == 0 for c in Cell)


def test_two_sorts_do_not_print_alike() -> None:
    """The later one gets more letters of its name, as few as will do."""
    with Taking(Cell=2, Porter=2, Count=2, Corner=1):
        assert [str(sort(0)) for sort in (Cell, Porter, Count, Corner)] == ["c1", "p1", "co0", "cor1"]


def test_the_actor_is_who_acts_though_another_sorts_value_has_the_same_number() -> None:
    drawn = sequence(check(Taking(Cell=2, Porter=2, Count=1, Corner=1)))
    assert [drawn.lifelines[row.actor] for row in drawn.rows if row.actor is not None] == ["p2"]
    ((cell, told), (porter, busy)) = drawn.rows[0].changes
    assert (drawn.lifelines[cell], told) == ("c2", ("owner: None \u2192 p2",))
    assert (drawn.lifelines[porter], busy) == ("p2", ("busy: False \u2192 True",))


def test_a_step_is_told_in_the_words_of_its_docstring() -> None:
    trace = check(Taking(Cell=2, Porter=2, Count=1, Corner=1)).violation
    assert trace is not None
    assert [step.told for step in trace.trace.steps] == ["Porter p2 takes its cell."]


def test_a_letter_that_is_a_word_is_a_parameter_only_behind_what_it_is() -> None:
    promise = HalfQuorums.module.functions["promise"]
    with HalfQuorums(Acceptor=2, Value=2, Ballot=2):
        told = narrated(promise, (Acceptor(1), Ballot(0)))
    assert told == "1b: acceptor a2 answers a ballot larger than any that it has answered in."


def test_a_headline_has_room() -> None:
    recorder = DiagramRecorder("x")
    recorder.lifeline("a")
    recorder.step("f()", "a")
    headline = "a_claim_whose_name_is_longer_than_the_picture_would_be_wide fails after 1 step"
    svg = recorder.diagram(Ending(headline)).to_svg()
    width = float(svg.partition('width="')[2].partition('"')[0])
    assert width > len(headline) * 7


def test_long_values_break_behind_a_bracket() -> None:
    assert folded("reports: None -> Report(executed=Order(view=v0, request=x1))", 30) == [
        "reports: None -> Report(",
        "  executed=Order(view=v0,",
        "  request=x1))",
    ]
    assert folded("", 30) == [""]
