"""Why no group of nodes is further behind its share than it may be, for every number of nodes, any weights and any groups.

The groups may be all there are, and what each may have W/(k + 1) + ... + W/n for each of its k nodes: then no node of n is
behind by more than W/2 + ... + W/n, which is the bound of docs/services.md, step for step as it is proved there. Weights that
are all k times as large give the same turns, so that what has to be rounded up here can be made as little as one likes.

A sum over a group and one node more is not seen to be that of the group and what the node has: the logic knows sums over a
sort, and of two groups only which nodes they have. That it is so is said of what is given, and shown of credits pick by pick.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from ratified.language import Map, Range, action, require
from ratified.models.services.balancing import Node
from ratified.models.services.groups import Group, SmoothGroups
from ratified.proofs.services.smooth import within
from ratified.smt.script import Goals, lemma


class GroupsSafety(SmoothGroups):
    """Any number of nodes, weights and groups, while credits and counts stay within a bound: any bound."""

    goals: ClassVar[Goals] = {"no_group_is_far_behind": ("no_group_is_far_behind",)}

    credit: Map[Node, Annotated[int, Range("-most", "most")]]
    served: Map[Node, Annotated[int, Range(0, "most")]]
    before: Map[Node, Annotated[int, Range("-most", "most")]]  # credits before the last pick
    decided: Map[Node, Annotated[int, Range("-most", "most")]]  # with what each gained by it
    cost: Annotated[int, Range(0, "most")] = 0  # of the last pick
    begun: bool = False  # the round has had a pick

    def measured(self) -> bool:
        """There was a pick in a round in which all have been up."""
        return self.steady and self.begun

    def had(self, g: Group) -> int:
        """What a group had before the last pick."""
        return sum(self.before[n] for n in self.members[g])

    def had_then(self, g: Group) -> int:
        """What it had when that was decided."""
        return sum(self.decided[n] for n in self.members[g])

    def weight(self, g: Group) -> int:
        """What it gains."""
        return sum(self.weights[n] for n in self.members[g])

    def picked_from(self, g: Group) -> bool:
        """One of the group was picked last."""
        return any(self.last == n for n in self.members[g])

    def one_more(self, g: Group, n: Node, h: Group) -> bool:
        """Group h is what group g is with a node more, if shares fit."""
        return self.shares_fit() and n not in self.members[g] and h == self.larger[g, n]

    @lemma(follows=())
    def one_more_adds_its_weight(self) -> bool:
        """A group and one node more gains what the group gains, and that one."""
        return all(
            self.weight(h) == self.weight(g) + self.weights[n]
            for g in Group
            for n in Node
            for h in Group
            if self.one_more(g, n, h)
        )

    @lemma(follows=())
    def one_more_may_have_less(self) -> bool:
        """And it may have less, by a pick, than the group and one share."""
        return all(
            self.may_have(h, h) + self.total() <= self.may_have(g, g) + self.share[g, n]
            for g in Group
            for n in Node
            for h in Group
            if self.one_more(g, n, h)
        )

    @lemma(uses=())
    def steady_is_all_up(self) -> bool:
        """A round that nobody was down in has nobody down."""
        return not self.steady or len(self.down) == 0

    @lemma(uses=())
    def a_round_begins_with_nothing(self) -> bool:
        """Before the first pick nobody has anything."""
        return not self.steady or self.begun or all(self.credit[n] == 0 for n in Node)

    @lemma(uses=("steady_is_all_up",))
    def a_pick_costs_all_weights(self) -> bool:
        """While all are up, the cost is what the weights add up to."""
        return not self.measured() or self.cost == self.total()

    @lemma(uses=("steady_is_all_up",))
    def the_picked_had_most(self) -> bool:
        """Somebody was picked, and nobody had more."""
        return not self.measured() or any(
            self.last == m and all(self.decided[n] <= self.decided[m] for n in Node) for m in Node
        )

    @lemma(uses=("steady_is_all_up",))
    def each_gains_its_weight(self) -> bool:
        """When a pick is decided, each has its weight more than before."""
        return not self.measured() or all(self.decided[n] == self.before[n] + self.weights[n] for n in Node)

    @lemma(uses=("steady_is_all_up",))
    def groups_gain_their_weight(self) -> bool:
        """So has each group."""
        return not self.measured() or all(self.had_then(g) == self.had(g) + self.weight(g) for g in Group)

    @lemma(uses=())
    def the_picked_has_paid(self) -> bool:
        """What each has is what it had when the last pick was decided, but for the one that paid."""
        return not self.begun or all(
            self.credit[n] == self.decided[n] - (self.cost if self.last == n else 0) for n in Node
        )

    @lemma(uses=())
    def groups_pay_for_theirs(self) -> bool:
        """So it is with groups, of which one that was picked from paid."""
        return not self.begun or all(
            self.owed(g) == self.had_then(g) - (self.cost if self.picked_from(g) else 0) for g in Group
        )

    @lemma(uses=("one_more_adds_its_credit", "steady_is_all_up"))
    def one_more_added_its_credit(self) -> bool:
        """Before the last pick, a group and one node more had what both had."""
        return not self.measured() or all(
            self.had(h) == self.had(g) + self.before[n]
            for g in Group
            for n in Node
            for h in Group
            if self.one_more(g, n, h)
        )

    @lemma(follows=("a_round_begins_with_nothing",))
    def groups_begin_with_nothing(self) -> bool:
        """Before the first pick no group has anything."""
        return not self.steady or self.begun or all(self.owed(g) == 0 for g in Group)

    @lemma(
        follows=(
            "one_more_added_its_credit",
            "groups_gain_their_weight",
            "each_gains_its_weight",
            "one_more_adds_its_weight",
        )
    )
    def one_more_added_what_it_had(self) -> bool:
        """So it was when that was decided."""
        return not self.measured() or all(
            self.had_then(h) == self.had_then(g) + self.decided[n]
            for g in Group
            for n in Node
            for h in Group
            if self.one_more(g, n, h)
        )

    @lemma(follows=())
    def one_more_is_picked_from_for_one(self) -> bool:
        """Who was picked is in a group and one node more if it was in the group or that node, and cannot have been both."""
        return all(
            self.picked_from(h) == (self.picked_from(g) or self.last == n)
            and not (self.picked_from(g) and self.last == n)
            for g in Group
            for n in Node
            for h in Group
            if self.one_more(g, n, h)
        )

    @lemma(
        follows=(
            "one_more_added_what_it_had",
            "one_more_is_picked_from_for_one",
            "groups_pay_for_theirs",
            "the_picked_has_paid",
            "a_round_begins_with_nothing",
            "groups_begin_with_nothing",
        )
    )
    def one_more_adds_its_credit(self) -> bool:
        """And so it is."""
        return not self.steady or all(
            self.owed(h) == self.owed(g) + self.credit[n]
            for g in Group
            for n in Node
            for h in Group
            if self.one_more(g, n, h)
        )

    @lemma(uses=("no_group_is_far_behind", "steady_is_all_up"))
    def no_group_was_far_behind(self) -> bool:
        """Before the last pick no group had more than it may."""
        return (
            not self.measured()
            or not self.shares_fit()
            or all(self.had(g) <= self.may_have(g, g) for g in Group)
        )

    @lemma(follows=())
    def groups_weigh_no_more_than_all(self) -> bool:
        """No group gains more than all do."""
        return all(self.weight(g) <= self.total() for g in Group)

    @lemma(
        follows=(
            "one_more_added_what_it_had",
            "groups_gain_their_weight",
            "no_group_was_far_behind",
            "groups_weigh_no_more_than_all",
            "one_more_may_have_less",
            "the_picked_had_most",
        )
    )
    def or_nobody_had_a_share(self) -> bool:
        """If a group that was not picked from had too much, who was picked had less than a share, and so had all."""
        return (
            not self.measured()
            or not self.shares_fit()
            or all(
                self.had_then(g) <= self.may_have(g, g)
                or self.picked_from(g)
                or all(self.decided[n] <= self.share[g, n] for n in Node)
                for g in Group
            )
        )

    @lemma(follows=())
    def shares_are_added(self) -> bool:
        """A group of which nobody had more than a share had no more than all shares."""
        return all(
            self.had_then(g) <= self.may_have(g, g)
            or any(self.decided[n] > self.share[g, n] for n in self.members[g])
            for g in Group
        )

    @lemma(follows=("or_nobody_had_a_share", "shares_are_added"))
    def nobody_else_had_too_much(self) -> bool:
        """So no group that was not picked from had too much."""
        return (
            not self.measured()
            or not self.shares_fit()
            or all(self.had_then(g) <= self.may_have(g, g) or self.picked_from(g) for g in Group)
        )

    @lemma(
        follows=(
            "groups_gain_their_weight",
            "no_group_was_far_behind",
            "nobody_else_had_too_much",
            "groups_weigh_no_more_than_all",
            "a_pick_costs_all_weights",
            "groups_pay_for_theirs",
            "groups_begin_with_nothing",
        )
    )
    def no_group_is_far_behind(self) -> bool:
        """One that was picked from has paid for what it gained; no other had too much."""
        return super().no_group_is_far_behind()

    @action
    def pick(self, n: Node) -> None:
        """Node n is picked, if what comes of it is within the bound."""
        require(self.served[n] < self.most and self.pays() <= self.most)
        require(all(within(self.most, self.pays(), self.gained(m)) for m in Node))
        self.cost = self.pays()
        self.before = self.credit
        self.decided = Map({m: self.gained(m) for m in Node})
        self.begun = True
        super().pick(n)

    def begin_round(self) -> None:
        """A round that is measured has had no pick."""
        super().begin_round()
        if self.steady:
            self.begun = False
