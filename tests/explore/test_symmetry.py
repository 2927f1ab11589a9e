"""Symmetry reduction: orbits are counted exactly, counterexamples are real runs, and what would be unsound is refused."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Self

import pytest

from ratified.explore import check
from ratified.explore.hints import MANY, SOME, symmetry_hint, with_hint
from ratified.explore.symmetry import Renaming, Symmetry, interchangeable, order_risks, renamed_alike
from ratified.language import (
    AtMost,
    Bag,
    Map,
    Model,
    ModelError,
    Param,
    Range,
    Seq,
    Set,
    Sort,
    Symmetric,
    action,
    eventually,
    invariant,
    record,
    refines,
    require,
    step_invariant,
)
from ratified.language.machine import PythonMachine, Values, state_dict
from ratified.language.sorts import Sort as AnySort
from ratified.language.types import SortType
from ratified.language.values import order_key
from ratified.results.result import PropertyKind, Trace, Verdict
from tests.shared.sorts import Client, Round


class Item(Symmetric):
    """Interchangeable too; its values have the same numbers as clients."""


class Place(Sort):
    """Told apart."""


@record
class Ask:
    """A message with symmetric values in it."""

    client: Client
    item: Item | None
    others: Set[Client]


class Shelf(Model):
    """Every container there is, with symmetric values at every place."""

    holds: Map[Client, Item | None]
    asked: Set[Ask]
    copies: Annotated[Bag[Item], AtMost(2, copies=2)]
    order: Annotated[Seq[Client], AtMost(2)]
    pairs: Set[tuple[Item, Client]]
    last: Client | None = None

    @action
    def ask(self, c: Client, i: Item) -> None:
        require(len(self.asked) < 1)
        self.asked.add(Ask(c, i, Set(d for d in Client if d != c)))

    @action
    def take(self, c: Client, i: Item) -> None:
        require(self.holds[c] is None and len(self.copies) < 2)
        self.holds[c] = i
        self.copies.add(i)
        self.last = c

    @action
    def queue(self, c: Client) -> None:
        require(len(self.order) < 2)
        self.order.append(c)

    @action
    def pair(self, c: Client, i: Item) -> None:
        require(not self.pairs)
        self.pairs.add((i, c))


def orbits(states: list[Values], sorts: list[type[AnySort]], sizes: list[int]) -> set[object]:
    """Orbits, by brute force: each as the set of all that its states can become."""
    renamings = [
        Renaming({s: tuple(s(i) for i in order) for s, order in zip(sorts, orders, strict=True)})
        for orders in itertools.product(*(itertools.permutations(range(n)) for n in sizes))
    ]
    return {frozenset(tuple(map(order_key, map(r, state))) for r in renamings) for state in states}


def reachable(model: Model) -> list[Values]:
    """All states, by the simplest search there is."""
    machine = PythonMachine(model)
    states = dict.fromkeys(s for _, s in machine.initial() if isinstance(s, tuple))
    todo = list(states)
    while todo:
        for _, _, target in machine.steps(todo.pop()):
            if isinstance(target, tuple) and target not in states:
                states[target] = None
                todo.append(target)
    return list(states)


@pytest.mark.parametrize(("clients", "items"), [(2, 2), (3, 1), (1, 3)])
def test_one_state_of_each_orbit_is_visited(clients: int, items: int) -> None:
    model = Shelf(Client=clients, Item=items)
    states = reachable(model)
    result = check(model)
    reduced = check(model, symmetry=True, engine="reference")
    assert result.distinct == len(states)
    assert reduced.distinct == len(orbits(states, [Client, Item], [clients, items]))
    assert reduced.depth == result.depth
    assert reduced.symmetry == tuple(n for n, size in (("Client", clients), ("Item", items)) if size > 1)


def test_representatives_are_the_least_of_their_orbits() -> None:
    model = Shelf(Client=2, Item=2)
    symmetry = Symmetry(model)
    for state in reachable(model)[:200]:
        found = symmetry.canonical(state)
        assert symmetry.canonical(found) == found
        assert tuple(map(order_key, found)) <= tuple(map(order_key, state))


# --- counterexamples ----------------------------------------------------------------------------------------------------


def assert_real(model: Model, trace: Trace) -> None:
    """A run of the model as it is, from one of its initial states."""
    machine = PythonMachine(model)
    states = {i: s for i, (_, s) in enumerate(machine.initial()) if isinstance(s, tuple)}
    state = next(s for s in states.values() if state_dict(machine, s) == trace.initial)
    for step in trace.steps:
        state = next(
            target
            for index, arguments, target in machine.steps(state)
            if isinstance(target, tuple)
            and machine.actions[index].name == step.action
            and arguments == tuple(v for _, v in step.arguments)
            and state_dict(machine, target) == step.state
        )


class Turns(Model):
    """Clients take turns; which of them does is told nowhere."""

    turn: Client
    served: Set[Client]

    def init(self, c: Client) -> None:
        self.turn = c

    @action
    def serve(self) -> None:
        require(self.turn not in self.served)
        self.served.add(self.turn)

    @action
    def swap(self, c: Client) -> None:
        require(c != self.turn)
        self.turn = c


class BadTurns(Turns):
    @invariant
    def not_all(self) -> bool:
        return len(self.served) < 3


class BadStep(Turns):
    @step_invariant
    def never_from_two_to_a_served_one(self, old: Self) -> bool:
        return not (len(old.served) == 2 and self.turn != old.turn and self.turn in self.served)


@pytest.mark.parametrize(
    ("model", "kind", "length"),
    [(BadTurns(Client=3), PropertyKind.INVARIANT, 6), (BadStep(Client=3), PropertyKind.STEP_INVARIANT, 5)],
)
def test_a_counterexample_found_with_symmetry_is_a_real_run(
    model: Model, kind: PropertyKind, length: int
) -> None:
    for symmetry in (False, True):
        result = check(model, symmetry=symmetry)
        assert result.violation is not None
        assert (result.violation.kind, len(result.violation.trace)) == (kind, length)
        assert_real(model, result.violation.trace)


class Free(Model):
    """Any number may be served."""

    served: Set[Client]

    @action
    def serve(self, c: Client) -> None:
        require(c not in self.served)
        self.served.add(c)


class Twice(Turns):
    """Maps to a model without a way back, which a turn handed to one that was served is not; it is wrong all the same."""

    @action
    def forget(self) -> None:
        require(len(self.served) == 2 and self.turn not in self.served)
        self.served.clear()

    @refines(Free)
    def as_free(self, free: Free) -> None:
        free.served = self.served


def test_a_refinement_is_refuted_by_a_real_run() -> None:
    result = check(Twice(Client=3), symmetry=True, engine="reference")
    assert result.violation is not None
    assert result.violation.kind is PropertyKind.REFINEMENT
    assert_real(Twice(Client=3), result.violation.trace)
    assert [s.action for s in result.violation.trace.steps] == ["serve", "swap", "serve", "swap", "forget"]


# --- what breaks symmetry -----------------------------------------------------------------------------------------------


class Favoured(Model):
    """A parameter names some of the clients."""

    first: Param[Set[Client]]
    served: Set[Client]

    @action
    def serve(self, c: Client) -> None:
        require(c in self.first or self.first <= self.served)
        self.served.add(c)


def test_only_permutations_that_leave_parameters_unchanged_are_used() -> None:
    # Two favoured, two others: 3 orbits before both are served, and 2 more after.
    assert check(Favoured(Client=4, first=["c1", "c2"]), symmetry=True, engine="reference").distinct == 5
    assert check(Favoured(Client=4, first=["c1", "c2"])).distinct == 7
    one = check(Favoured(Client=2, first=["c1"]), symmetry=True, engine="reference")
    assert (one.distinct, one.symmetry) == (3, ())
    assert one.notes == (
        "there is no symmetry to use: parameters distinguish all values of every symmetric sort",
    )


def test_a_sort_of_one_value_adds_nothing() -> None:
    result = check(Shelf(Client=1, Item=1), symmetry=True, engine="reference")
    assert result.symmetry == ()
    assert result.verdict is Verdict.HOLDS


def test_too_many_permutations_are_refused() -> None:
    with pytest.raises(ModelError, match="3,628,800 permutations of its symmetric sorts at Client=10"):
        check(Free(Client=10), symmetry=True, engine="reference")
    with pytest.raises(
        ModelError, match=r"more than 10\^215 permutations of its symmetric sorts at Client=128"
    ):
        check(Free(Client=128), symmetry=True, engine="reference")


# --- order --------------------------------------------------------------------------------------------------------------


class Harmless(Model):
    """Everything here comes to the same in any order."""

    next: Map[Client, Map[Client, Annotated[int, Range(0, 3)]]]
    votes: Map[Client, Set[Client]]
    inbox: Map[Client, Annotated[Seq[Client], AtMost(2)]]
    messages: Set[Ask]
    bag: Annotated[Bag[Client], AtMost(9)]
    count: Annotated[int, Range(0, 9)]
    flag: bool
    best: Round

    def send(self, m: Ask) -> None:
        self.messages.add(m)

    def tell(self, to: Client, what: Client) -> None:
        require(to != what)
        self.inbox[to].append(what)

    def voted(self, c: Client) -> bool:
        for d in Client:  # noqa: SIM110  # a loop is what is tried
            if c in self.votes[d]:
                return True
        return False

    def total(self) -> int:
        n = 0
        for c in Client:
            mine = len(self.votes[c])
            if mine > 1:
                n += mine
        return n

    @action
    def broadcast(self, c: Client) -> None:
        for d in Client:
            self.send(Ask(d, None, Set([c])))
            self.next[c][d] = len(self.votes[d]) % 2
            if d != c:
                self.tell(d, c)
                self.votes[d].add(c)

    @action
    def collect(self, c: Client) -> None:
        seen = False
        for d in self.votes[c]:
            self.bag.add(d)
            self.count += 1
            self.flag = True
            if d == c:
                seen = True
        require(seen)

    @action
    def clean(self) -> None:
        for m in self.messages:
            if m.client in m.others:
                self.messages.discard(m)
        for c, row in self.next.items():
            self.votes[c] = Set(d for d in Client if row[d] > 0)
        self.next = Map({c: Map({d: self.next[d][c] for d in Client}) for c in Client})
        self.best = max((Round(n % 2) for n in [len(self.votes[c]) for c in Client]), default=Round(0))

    @invariant
    def fine(self) -> bool:
        known = sum(len(v) for v in self.votes.values())
        return (
            known >= 0
            and self.total() >= 0
            and len([c for c in Client if self.voted(c)]) <= len(Client)
            and all(c in self.votes for c, _ in self.next.items())
            and len(sorted([len(v) for v in self.votes.values()])) == len(Client)
        )


def test_what_does_not_depend_on_order_is_allowed() -> None:
    assert order_risks(Harmless.module) == []


class Base(Model):
    """What the models below do their harm to."""

    queue: Annotated[Seq[Client], AtMost(3)]
    rounds: Map[Client, Round]
    leader: Client | None = None
    seen: Set[Client]
    number: Annotated[int, Range(0, 9)]


class Listed(Base):
    @action
    def go(self) -> None:
        self.queue = Seq(c for c in Client)


class Appended(Base):
    @action
    def go(self) -> None:
        for c in Client:
            self.queue.append(c)


class Returned(Base):
    def some(self) -> Client | None:
        for c in Client:
            if c in self.seen:
                return c
        return None

    @action
    def go(self) -> None:
        self.leader = self.some()


class Carried(Base):
    @action
    def go(self) -> None:
        last: Client | None = None
        for c in self.seen:
            last = c
        self.leader = last


class Broken(Base):
    @action
    def go(self) -> None:
        for c in Client:
            if c in self.seen:
                self.number = 1
                break


class Greatest(Base):
    @action
    def go(self) -> None:
        self.leader = max(Client, key=lambda c: self.rounds[c])


class Enumerated(Base):
    @action
    def go(self) -> None:
        self.number = sum(i for i, c in enumerate(list(Client)) if c in self.seen)


class Keyed(Base):
    @action
    def go(self) -> None:
        last = Map({r: c for r in Round for c in Client})
        self.leader = last[Round(0)]


class Zipped(Base):
    @action
    def go(self) -> None:
        self.seen = Set(c for c, i in zip(list(Client), range(2), strict=False) if i == 0)


class Overwritten(Base):
    @action
    def go(self) -> None:
        for c in self.seen:
            self.leader = c


class Guarded(Base):
    @action
    def go(self) -> None:
        for c in Client:
            if len(self.seen) < 2:
                self.seen.add(c)


class Elsewhere(Base):
    @action
    def go(self, c: Client) -> None:
        for d in Client:
            self.rounds[d] = self.rounds[c]


class OfValues(Base):
    @action
    def go(self) -> None:
        require(list(self.rounds.values())[1] == Round(0))


class Through(Base):
    def put(self, c: Client) -> None:
        self.queue.append(c)

    @action
    def go(self) -> None:
        for c in Client:
            self.put(c)


RISKS: list[tuple[type[Model], str]] = [
    (Listed, "the order of this sequence depends on that of symmetric values"),
    (Appended, "a later iteration may undo what an earlier one did to `queue`"),
    (Returned, "it returns from the first iteration that reaches it"),
    (Carried, "`last` is carried from one iteration to the next"),
    (Broken, "it breaks at the first iteration that reaches it"),
    (Greatest, "of several with the same key, max takes the first of the symmetric values"),
    (Enumerated, "enumerate numbers symmetric values"),
    (Keyed, "of several with the same key, this takes the last of the symmetric values"),
    (Zipped, "zip pairs symmetric values by their order"),
    (Overwritten, "a later iteration may undo what an earlier one did to `leader`"),
    (Guarded, "one iteration may read what another has written to `seen`"),
    (Elsewhere, "one iteration may read what another has written to `rounds`"),
    (OfValues, "the order of this sequence depends on that of symmetric values"),
    (Through, "a later iteration may undo what an earlier one did to `queue`"),
]


@pytest.mark.parametrize(("model", "reason"), RISKS)
def test_what_may_depend_on_order_is_refused_with_place_and_reason(model: type[Model], reason: str) -> None:
    risks = order_risks(model.module)
    assert len(risks) == 1
    assert risks[0][1].endswith(reason)
    with pytest.raises(ModelError, match=f"symmetry cannot be used with {model.__name__}") as caught:
        check(model(**{s.sort.__name__: 2 for s in model.module.sorts}), symmetry=True, engine="reference")
    assert caught.value.span == risks[0][0]
    assert (
        caught.value.remedy
        == "make it independent of the order, make the sort a plain Sort, or check without symmetry"
    )


def test_order_is_no_risk_where_there_is_nothing_to_permute() -> None:
    assert check(Listed(Client=1, Round=2), symmetry=True, engine="reference").verdict is Verdict.HOLDS


MAKERS: list[Callable[[], Model]] = [lambda: Shelf(Client=2, Item=2), lambda: Turns(Client=3)]


PLACE = Place(0)


class Boss(Model):
    """Plain values, of which an action names one."""

    served: Set[Place]

    @action
    def serve(self, c: Place) -> None:
        require(c != PLACE or len(self.served) > 1)
        self.served.add(c)


class Shared(Model):
    """Plain values that a parameter may tell apart."""

    special: Param[Set[Place]]
    served: Set[Place]

    @action
    def serve(self, c: Place) -> None:
        require(c in self.special or len(self.served) > 1)
        self.served.add(c)


class Served(Shared):
    """The same, and something that happens at last."""

    @eventually
    def served_all(self) -> bool:
        return len(self.served) == len(Place)


def test_what_could_be_declared_symmetric_is_found() -> None:
    assert interchangeable(Harmless(Client=2, Round=2, Item=1)) == {Client}
    assert interchangeable(Boss(Place=3)) == frozenset()
    assert interchangeable(Shared(Place=3, special=["p1"])) == frozenset()
    assert interchangeable(Shared(Place=3, special=["p1", "p2", "p3"])) == {Place}
    with Shared(Place=3, special=set()):
        alike = [renamed_alike([SortType(Place)] * 2, c, [Place]) for c in itertools.product(Place, Place)]
    assert [alike.count(key) for key in dict.fromkeys(alike)] == [3, 6]


def test_a_long_run_without_symmetry_says_what_symmetry_would_save() -> None:
    model = Shared(Place=3, special=["p1", "p2", "p3"])
    short = check(model, engine="reference")
    assert short.notes == ()
    hint = (
        "nothing in the model distinguishes the values of Place: declare Place Symmetric and check with symmetry "
        "(--symmetry), for up to 6 times fewer states"
    )
    assert with_hint(replace(short, distinct=MANY), model).notes == (hint,)
    assert with_hint(replace(short, distinct=SOME, stopped="20,000 states"), model).notes == (hint,)
    assert with_hint(replace(short, distinct=SOME), model).notes == ()
    assert symmetry_hint(Shared(Place=3, special=["p1"])) is None
    assert symmetry_hint(Shared(Place=9, special=[])) is None  # too many permutations to look through
    assert symmetry_hint(Served(Place=2, special=[])) == (
        "nothing in the model distinguishes the values of Place: declare Place Symmetric and check the claims other "
        "than liveness with symmetry (--claim NAME --symmetry), for up to 2 times fewer states"
    )
    declared = symmetry_hint(Shelf(Client=2, Item=2))
    assert declared == (
        "nothing in the model distinguishes the values of Client and Item: check with symmetry (--symmetry), "
        "for up to 4 times fewer states"
    )


@pytest.mark.parametrize("make", MAKERS)
def test_runs_with_symmetry_are_repeatable(make: Callable[[], Model]) -> None:
    one, other = (
        check(make(), symmetry=True, engine="reference"),
        check(make(), symmetry=True, engine="reference"),
    )
    assert (one.distinct, one.generated, one.actions) == (other.distinct, other.generated, other.actions)
