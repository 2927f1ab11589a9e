"""Smooth weighted turns: how far ahead an endpoint can be, and what a round serves, for every number of nodes and any weights.

What one is picked for it pays to the others, so credits add up to zero. All together have one pick's cost when the next is
picked, so that the one with most has the mean of that, and is left with as much less than a pick to make good; the others only
gain. What an endpoint has gained and paid since the round began are its weight as often as there were picks, and a pick's cost as
often as it was served: so its credit is what it is owed, and as it is never a whole pick ahead, it is not served more often than
its weight.

These are products of numbers that are not known. What is taken as a step is therefore linear, about what is written down here
beside the model: what each had before the last pick, and when that was decided; what it gained and paid. The products are put
in only where no step is taken (`follows`), or where one is its own last value and one more term.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from ratified.language import Map, Param, Range, action, invariant, require
from ratified.models.services.balancing import Node, SmoothWeighted
from ratified.models.services.reweighting import Node as Weighing
from ratified.models.services.reweighting import Reweighted
from ratified.smt.script import Goals, lemma


def within(most: int, paid: int, gained: int) -> bool:
    """Whether a credit stays within a bound, whether its node is picked and pays or not."""
    return -most <= gained - paid and gained <= most


class SmoothSafety(SmoothWeighted):
    """Any number of nodes and any weights, while credits and counts stay within a bound: any bound."""

    goals: ClassVar[Goals] = {
        "credits_add_up_to_zero": ("credits_add_up_to_zero",),
        "not_far_ahead": ("not_far_ahead",),
        "credit_is_what_is_owed": ("credit_is_gained_less_paid", "gained_is_weights", "paid_is_picks"),
        "a_round_serves_each_its_weight": ("less_than_another_pick",),
        "who_is_down_is_not_picked": (),
    }

    most: Param[Annotated[int, Range(0, 1_000_000)]] = 1000
    credit: Map[Node, Annotated[int, Range("-most", "most")]]
    served: Map[Node, Annotated[int, Range(0, "most")]]
    before: Map[Node, Annotated[int, Range("-most", "most")]]  # credits before the last pick
    decided: Map[Node, Annotated[int, Range("-most", "most")]]  # with what each gained by it
    cost: Annotated[int, Range(0, "most")] = 0  # of the last pick
    gains: Map[Node, Annotated[int, Range(0, "most")]]  # since the round began
    payments: Map[Node, Annotated[int, Range(0, "most")]]

    @lemma(uses=())
    def credits_add_up_to_zero(self) -> bool:
        """What one has more than its share, others have less."""
        return super().credits_add_up_to_zero()

    @lemma(uses=())
    def steady_is_all_up(self) -> bool:
        """A round that nobody was down in has nobody down."""
        return not self.steady or len(self.down) == 0

    @lemma(uses=("credits_add_up_to_zero",))
    def all_have_the_cost(self) -> bool:
        """When a pick is decided, all have together what it costs."""
        return sum(self.decided[n] for n in Node) == self.cost

    @lemma(uses=())
    def the_picked_has_paid(self) -> bool:
        """What each has is what it had when the last pick was decided, but for the one that paid."""
        return all(self.credit[n] == self.decided[n] - (self.cost if self.last == n else 0) for n in Node)

    @lemma(uses=("steady_is_all_up",))
    def a_pick_costs_all_weights(self) -> bool:
        """While all are up, the cost is what the weights add up to."""
        return not self.steady or self.last is None or self.cost == self.total()

    @lemma(uses=("steady_is_all_up",))
    def nobody_loses_by_waiting(self) -> bool:
        """With what it gains, each has as much as before, or more."""
        return not self.steady or all(self.before[n] <= self.decided[n] for n in Node)

    @lemma(uses=("steady_is_all_up",))
    def the_picked_had_most(self) -> bool:
        """Nobody had more than the one that was picked."""
        return not self.steady or all(
            self.decided[n] <= self.decided[m] for n in Node for m in Node if self.last == m
        )

    @lemma(follows=("all_have_the_cost", "a_pick_costs_all_weights", "the_picked_had_most"))
    def the_picked_had_the_mean(self) -> bool:
        """Whoever was picked had at least its part of what all had."""
        return not self.steady or all(
            len(Node) * self.decided[n] >= self.total() for n in Node if self.last == n
        )

    @lemma(uses=("not_far_ahead", "steady_is_all_up"))
    def not_far_ahead_before(self) -> bool:
        """Before the last pick nobody was further ahead than it may be."""
        return not self.steady or all(self.near(self.before[n]) for n in Node)

    @lemma(follows=("not_far_ahead_before", "nobody_loses_by_waiting"))
    def not_far_ahead_when_decided(self) -> bool:
        """Nor with what it gained."""
        return not self.steady or all(self.near(self.decided[n]) for n in Node)

    @lemma(
        follows=(
            "the_picked_has_paid",
            "the_picked_had_the_mean",
            "a_pick_costs_all_weights",
            "not_far_ahead_when_decided",
        )
    )
    def not_far_ahead(self, n: Node) -> bool:
        """Who paid had the mean, and is short of a pick by no less."""
        return super().not_far_ahead(n)

    def near(self, credit: int) -> bool:
        """Such a credit is not far ahead: by no more than 1 - 1/n picks."""
        return len(Node) * credit >= -(len(Node) - 1) * self.total()

    @lemma(uses=("steady_is_all_up",))
    def credit_is_gained_less_paid(self) -> bool:
        """While all are up, credits are what was gained, less what was paid."""
        return not self.steady or all(self.credit[n] == self.gains[n] - self.payments[n] for n in Node)

    @lemma(uses=())
    def gained_is_weights(self) -> bool:
        """Each gains its weight with each pick."""
        return not self.steady or all(self.gains[n] == self.picks() * self.weights[n] for n in Node)

    @lemma(uses=("steady_is_all_up",))
    def paid_is_picks(self) -> bool:
        """Each pays what all weights add up to whenever it is served."""
        return not self.steady or all(self.payments[n] == self.served[n] * self.total() for n in Node)

    @lemma(uses=())
    def the_round_goes_on(self) -> bool:
        """A round has had fewer picks than weights add up to, or it would be over."""
        return self.picks() < self.total()

    @lemma(follows=("gained_is_weights", "the_round_goes_on"))
    def gained_in_a_round(self) -> bool:
        """So none has gained more than its weight as often as a round may have picks."""
        total = self.total()
        return not self.steady or all(self.gains[n] <= total * self.weights[n] for n in Node)

    @lemma(follows=("the_round_goes_on",))
    def a_pick_costs_something(self) -> bool:
        """A round is of one pick at least."""
        return self.total() > 0

    @lemma(follows=("not_far_ahead", "credit_is_gained_less_paid", "a_pick_costs_something"))
    def as_many_paid_less(self) -> bool:
        """As nobody is a whole pick ahead, as many as there are nodes have paid less than they gained, with a pick for each."""
        return not self.steady or all(
            len(Node) * self.payments[n] < len(Node) * (self.gains[n] + self.total()) for n in Node
        )

    @lemma(follows=("as_many_paid_less",))
    def paid_less_than_a_pick_more(self) -> bool:
        """So none has paid as much as it has gained and one pick."""
        return not self.steady or all(self.payments[n] < self.gains[n] + self.total() for n in Node)

    @lemma(follows=("paid_less_than_a_pick_more", "gained_in_a_round"))
    def paid_less_than_for_one_more(self) -> bool:
        """So none has paid as much as its weight and one more cost."""
        total = self.total()
        return not self.steady or all(self.payments[n] < total * self.weights[n] + total for n in Node)

    @lemma(follows=("paid_is_picks", "paid_less_than_for_one_more"))
    def less_than_another_pick(self) -> bool:
        """What an endpoint was served for is less than its weight and one more would be."""
        total = self.total()
        return not self.steady or all(self.served[n] * total < (self.weights[n] + 1) * total for n in Node)

    @action
    def pick(self, n: Node) -> None:
        """Node n is picked, if what comes of it is within the bound."""
        require(self.served[n] < self.most)
        require(all(within(self.most, self.pays(), self.gained(m)) for m in Node))
        require(self.pays() <= self.most and self.payments[n] + self.pays() <= self.most)
        require(all(self.gains[m] + self.weights[m] <= self.most for m in Node))
        self.cost = self.pays()
        self.before = self.credit
        self.decided = Map({m: self.gained(m) for m in Node})
        self.gains = Map({m: self.gains[m] + self.weights[m] for m in Node})
        self.payments[n] += self.cost
        super().pick(n)

    def begin_round(self) -> None:
        """What was before a round counts for nothing."""
        super().begin_round()
        self.before = Map({m: 0 for m in Node})
        self.gains = Map({m: 0 for m in Node})
        self.payments = Map({m: 0 for m in Node})


class ReweightedSafety(Reweighted):
    """Any number of nodes, and weights that change, while credits and what a pick costs stay within a bound: any bound."""

    goals: ClassVar[Goals] = {
        "credits_add_up_to_zero": ("credits_add_up_to_zero",),
        "never_a_dearest_pick_ahead": ("less_than_the_dearest",),
        "not_far_ahead": ("less_than_the_dearest", "the_dearest_is_of_the_heaviest"),
    }

    most: Param[Annotated[int, Range(0, 1_000_000)]] = 1000
    credit: Map[Weighing, Annotated[int, Range("-most", "most")]]
    before: Map[Weighing, Annotated[int, Range("-most", "most")]]  # credits before the last pick
    decided: Map[Weighing, Annotated[int, Range("-most", "most")]]  # with what each gained by it
    cost: Annotated[int, Range(0, "most")] = 0  # of the last pick
    dearest: Annotated[int, Range(0, "most")] = 0  # the most that a pick has cost

    def near(self, credit: int) -> bool:
        """Such a credit is ahead by no more than 1 - 1/n of the dearest pick."""
        return len(Weighing) * credit >= -(len(Weighing) - 1) * self.dearest

    @invariant
    def never_a_dearest_pick_ahead(self, n: Weighing) -> bool:
        """Nobody is ahead of its share by more than 1 - 1/n of what the dearest pick has cost, whatever weights are by now."""
        return self.near(self.credit[n])

    @lemma(uses=())
    def credits_add_up_to_zero(self) -> bool:
        """What one has more than its share, others have less."""
        return super().credits_add_up_to_zero()

    @lemma(uses=("credits_add_up_to_zero",))
    def all_have_the_cost(self) -> bool:
        """When a pick is decided, all have together what it costs."""
        return sum(self.decided[n] for n in Weighing) == self.cost

    @lemma(uses=())
    def the_picked_has_paid(self) -> bool:
        """What each has is what it had when the last pick was decided, but for the one that paid."""
        return all(
            self.credit[n] == self.decided[n] - (self.cost if self.picked == n else 0) for n in Weighing
        )

    @lemma(uses=())
    def nobody_loses_by_waiting(self) -> bool:
        """With what it gains, each has as much as before, or more."""
        return all(self.before[n] <= self.decided[n] for n in Weighing)

    @lemma(uses=())
    def the_picked_had_most(self) -> bool:
        """Nobody had more than the one that was picked."""
        return all(self.decided[n] <= self.decided[m] for n in Weighing for m in Weighing if self.picked == m)

    @lemma(uses=())
    def none_cost_more(self) -> bool:
        """No pick has cost more than the dearest."""
        return self.cost <= self.dearest

    @lemma(follows=("all_have_the_cost", "the_picked_had_most"))
    def the_picked_had_the_mean(self) -> bool:
        """Whoever was picked had at least its part of what all had."""
        return all(len(Weighing) * self.decided[n] >= self.cost for n in Weighing if self.picked == n)

    @lemma(uses=("less_than_the_dearest",))
    def not_far_ahead_before(self) -> bool:
        """Before the last pick nobody was further ahead than it may be."""
        return all(self.near(self.before[n]) for n in Weighing)

    @lemma(follows=("not_far_ahead_before", "nobody_loses_by_waiting"))
    def not_far_ahead_when_decided(self) -> bool:
        """Nor with what it gained."""
        return all(self.near(self.decided[n]) for n in Weighing)

    @lemma(
        follows=(
            "the_picked_has_paid",
            "the_picked_had_the_mean",
            "none_cost_more",
            "not_far_ahead_when_decided",
        )
    )
    def less_than_the_dearest(self) -> bool:
        """Who paid had the mean, and is short of a pick by no less."""
        return all(self.near(self.credit[n]) for n in Weighing)

    @lemma(follows=())
    def weights_are_of_the_heaviest(self) -> bool:
        """All weigh no more together than as many of the heaviest would."""
        return self.paid() <= self.heaviest * len(Weighing)

    @lemma(uses=("weights_are_of_the_heaviest",))
    def the_dearest_is_of_the_heaviest(self) -> bool:
        """No pick costs more than it would if all were as heavy as they may be."""
        return self.dearest <= self.heaviest * len(Weighing)

    def paid(self) -> int:
        """What the one that is picked pays: what all have gained."""
        return sum(self.weight[m] for m in Weighing)

    @action
    def pick(self, n: Weighing) -> None:
        """Node n is picked, if what comes of it is within the bound."""
        require(self.paid() <= self.most)
        require(all(within(self.most, self.paid(), self.gained(m)) for m in Weighing))
        self.cost = self.paid()
        self.dearest = max(self.dearest, self.cost)
        self.before = self.credit
        self.decided = Map({m: self.gained(m) for m in Weighing})
        super().pick(n)
