"""The checker follows a lock server, and a counter whose model is not quite what happened."""

from __future__ import annotations

import linecache
from collections.abc import Mapping
from typing import Annotated, Any

import pytest

from ratified import (
    Map,
    Model,
    Param,
    Range,
    Sort,
    action,
    eventually,
    invariant,
    require,
    step_invariant,
)
from ratified.follow.binding import Binding, BindingError, Event, EventError, Names, Observed, TooSmallError
from ratified.follow.follower import ConformanceError, Follower
from ratified.follow.mismatch import explain, told
from ratified.follow.steps import Steps, change, do, either, holds, maybe, repeat
from ratified.language.errors import RatifiedError
from ratified.language.scope import running
from ratified.results.result import Verdict

Count = Annotated[int, Range(0, "most")]


class Counter(Sort):
    """Counts."""


class Counters(Model):
    """Some counters that go up by one or two, and down by one; only the first may be odd when the second is above 5."""

    most: Param[int] = 10
    count: Map[Counter, Count]
    reset: bool

    @action
    def up(self, c: Counter, by: Annotated[int, Range(1, 2)]) -> None:
        self.count[c] += by

    @action
    def down(self, c: Counter) -> None:
        require(self.count[c] > 0)
        self.count[c] -= 1

    def even(self, c: Counter) -> bool:
        return self.count[c] % 2 == 0

    @invariant
    def not_seven(self) -> bool:
        return all(self.count[c] != 7 for c in Counter)


class Staying(Counters):
    """A counter may stay where it is."""

    @action
    def stay(self, c: Counter) -> None:
        require(self.count[c] >= 0)


class Counting(Binding):
    """What happened to each counter, in several ways of saying it."""

    def __init__(self, most: int = 10) -> None:
        self.most = most
        self.counter = Names(Counter, 2, ["a", "b"])

    def model(self) -> Counters:
        return Counters(Counter=2, most=self.most)

    def on_up(self, node: str, by: int) -> Steps:
        return do("up", c=self.counter(node), by=by)

    def on_up_by_some(self, node: str) -> Steps:
        return do("up", c=self.counter(node))

    def on_up_somewhere(self) -> Steps:
        return do("up", by=1)

    def on_many(self, node: str, most: int = 5) -> Steps:
        return repeat(do("up", c=self.counter(node), by=1), most)

    def on_up_and_down(self, node: str) -> Steps:
        c = self.counter(node)
        return (maybe(do("up", c=c, by=2)), either(do("down", c=c), do("up", c=c, by=1)))

    def on_is_even(self, node: str) -> Steps:
        return holds("even", self.counter(node))

    def on_wiped(self, node: str) -> Steps:
        c = self.counter(node)

        def wipe(m: Any) -> None:
            require(m.count[c] > 1)
            m.count[c] = 0

        return change("wiped", wipe)

    def on_sideways(self) -> Steps:
        return do("sideways")

    def on_nothing(self) -> Steps:
        return ()

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:
        return {("count", self.counter(node)): variables["count"]}


class Leaky(Counting):
    """A counter may go down without a word."""

    unobserved = ("down",)


def at(node: str, action: str, count: int | None = None, **arguments: Any) -> Event:
    return Event(action, arguments, node, None if count is None else {"count": count})


def followed(*events: Event, binding: Binding | None = None, **how: Any) -> Follower:
    follower = Follower(binding or Counting(), **how)
    follower.follow(events)
    return follower


def counts(follower: Follower) -> set[tuple[int, ...]]:
    """Return what the counters may be."""
    return {tuple(state[follower.variables["count"]].values()) for state in follower.states}


@pytest.mark.parametrize(
    ("events", "possible"),
    [
        ([], {(0, 0)}),
        ([at("a", "up", by=2)], {(2, 0)}),
        ([at("a", "up", 2, by=2), at("b", "nothing", 0)], {(2, 0)}),
        ([at("a", "up_by_some")], {(1, 0), (2, 0)}),
        ([at("a", "up_by_some"), at("a", "up_by_some")], {(2, 0), (3, 0), (4, 0)}),
        ([at("a", "up_by_some"), at("a", "up_by_some", 3)], {(3, 0)}),
        ([at("", "up_somewhere")], {(1, 0), (0, 1)}),
        ([at("", "up_somewhere"), at("b", "nothing", 0)], {(1, 0)}),
        ([at("a", "many")], {(n, 0) for n in range(6)}),
        ([at("a", "many", most=2)], {(0, 0), (1, 0), (2, 0)}),
        ([at("a", "up_and_down")], {(1, 0), (3, 0)}),
        ([at("b", "up_by_some"), at("b", "is_even")], {(0, 2)}),
        ([at("b", "up", by=2), at("b", "wiped")], {(0, 0)}),
        ([Event("up", {"by": 1}, "a", {"count": 9}, certain=False)], {(0, 0), (1, 0)}),
        ([Event("up", {"by": 1}, "a", certain=False), at("a", "nothing", 0)], {(0, 0)}),
    ],
)
def test_the_states_that_explain_what_was_seen(events: list[Event], possible: set[Any]) -> None:
    follower = followed(*events)
    assert (follower.result.verdict, follower.result.events) == (Verdict.HOLDS, len(events))
    assert counts(follower) == possible


def test_unobserved_steps_are_searched_for_up_to_a_bound() -> None:
    up = [at("a", "up", by=2), at("a", "up", by=2)]
    assert counts(followed(*up, binding=Leaky())) == {(n, 0) for n in (2, 3, 4)}
    assert followed(*up, at("a", "nothing", 1), binding=Leaky()).result.verdict is Verdict.HOLDS
    assert followed(*up, at("a", "nothing", 1)).result.verdict is Verdict.VIOLATED
    few = followed(*up, at("a", "nothing", 0), binding=Leaky(), most_unobserved=1)
    # With more of them it might have been explained: that is not known to be a violation.
    assert (few.result.verdict, few.result.stopped) == (
        Verdict.UNDECIDED,
        "no explanation with up to 1 unobserved steps between two events",
    )
    # All there are were tried: it is one.
    all_ = followed(at("a", "up", by=1), at("a", "nothing", 2), binding=Leaky())
    assert all_.result.verdict is Verdict.VIOLATED


def test_the_first_event_that_nothing_explains_ends_it() -> None:
    follower = followed(at("a", "up", 1, by=1), at("b", "up", 3, by=2), at("a", "up", 9, by=1))
    mismatch = follower.result.mismatch
    assert mismatch is not None
    assert (mismatch.number, mismatch.event.node, follower.result.events) == (2, "b", 1)
    why = explain(follower)
    assert [(d.place, d.expected, d.observed, d.differs) for d in why.meant[0].differences] == [
        ("count[c2]", 2, 3, True)
    ]
    assert why.meant[0].path == ("up(c=c2, by=2)",)
    assert why.possible == (("down", 1), ("up", 4))
    assert not follower.step(at("a", "nothing"))
    assert follower.result.events == 1


def test_a_step_that_is_not_possible_names_its_guard() -> None:
    follower = followed(at("a", "up", 1, by=1), Event("up_and_down", {}, "b", {"count": 0}))
    why = explain(follower)
    assert [near.path for near in why.meant] == [
        ("up(c=c2, by=2)", "down(c=c2)"),
        ("up(c=c2, by=2)", "up(c=c2, by=1)"),
    ]
    follower = followed(at("a", "up", 1, by=1), at("b", "wiped"))
    assert explain(follower).blocked[0].step == "wiped"
    follower = followed(at("a", "up", 1, by=1), at("a", "is_even"))
    assert explain(follower).blocked[0].reason == "the model has False"


def test_a_step_that_changes_nothing_is_told_as_a_step() -> None:
    class Idle(Counting):
        def on_idle(self, node: str) -> Steps:
            return do("stay", c=self.counter(node))

        def model(self) -> Counters:
            return Staying(Counter=2)

    why = explain(followed(at("a", "up", 1, by=1), at("a", "idle", 2), binding=Idle()))
    assert [near.path for near in why.meant] == [("stay(c=c1)",)]


def test_in_a_test_it_is_an_assertion_that_tells_why() -> None:
    follower = Follower(Counting())
    follower.expect(at("a", "up", 1, by=1))
    with pytest.raises(ConformanceError) as raised:
        follower.expect(at("a", "up", 2, by=2))
    assert str(raised.value) == (
        "the model does not explain event 2\n"
        "  a: up(by=2)\n"
        "\n"
        "explained before it, last\n"
        "  a: up(by=1)\n"
        "\n"
        "in the model a is c1, b is c2\n"
        "\n"
        "it stands for up(c=c1, by=2); observed beside expected\n"
        "    place      observed  expected\n"
        "  ! count[c1]  2         3\n"
        "\n"
        "possible before it\n"
        "  down up (4)\n"
        "\n"
        "of these the nearest is up(c=c1, by=1)\n"
        "    place      observed  expected\n"
        "    count[c1]  2         2"
    )


def test_what_a_run_says_nothing_about_is_told() -> None:
    follower = followed(at("a", "up", by=2), at("b", "wiped"))
    assert follower.result.verdict is Verdict.VIOLATED
    assert follower.actions_never_taken == ("down",)
    assert follower.events_never_met == (
        "is_even",
        "many",
        "nothing",
        "sideways",
        "up_and_down",
        "up_by_some",
        "up_somewhere",
        "wiped",
    )
    assert followed(at("a", "up", by=2), at("a", "up_by_some", 3), binding=Leaky()).actions_never_taken == ()


def test_the_models_claims_are_asked() -> None:
    events = [at("a", "up", by=2)] * 3 + [at("a", "up", by=1), at("a", "up", by=1)]
    assert followed(*events, claims_every=0).result.verdict is Verdict.HOLDS
    assert followed(*events, claims_every=5).result.verdict is Verdict.HOLDS
    for every in (1, 2, 4):
        asked = followed(*events, claims_every=every)
        assert asked.result.mismatch is not None
        assert (asked.result.mismatch.number, asked.result.mismatch.claim) == (4, "not_seven")
        assert followed(*events).result.mismatch == asked.result.mismatch


def test_claims_are_asked_of_what_a_run_passes_through() -> None:
    """Also between two steps of one event, after steps that nobody saw, and after a change that is no step."""
    at_six = [at("a", "up", by=2)] * 3
    assert followed(*at_six, at("a", "many", 7)).result.mismatch is not None
    through = followed(*at_six, at("a", "many", 8))
    assert through.result.mismatch is not None
    assert (through.result.mismatch.number, through.result.mismatch.claim) == (4, "not_seven")
    assert "it explains the event, but then not_seven is false" in told(through)
    unseen = followed(*at_six, at("a", "up", 8, by=2), at("a", "is_even", 6), binding=Leaky())
    assert unseen.result.mismatch is not None
    assert (unseen.result.mismatch.number, unseen.result.mismatch.claim) == (5, "not_seven")
    changed = followed(*at_six, at("a", "set", to=7), binding=Setting())
    assert changed.result.mismatch is not None
    assert (changed.result.mismatch.number, changed.result.mismatch.claim) == (4, "not_seven")


def test_one_way_that_breaks_no_claim_is_enough() -> None:
    follower = followed(*[at("a", "up", by=2)] * 3, at("a", "up_by_some"), at("a", "is_even"))
    assert (follower.result.verdict, follower.result.most_states) == (Verdict.HOLDS, 1)


class Rising(Counters):
    """Counters that, it is claimed, never fall, and all come to their bound."""

    @step_invariant
    def never_falls(self, old: Rising) -> bool:
        return all(self.count[c] >= old.count[c] for c in Counter)

    @eventually
    def full(self) -> bool:
        return all(self.count[c] == self.most for c in Counter)


class RisingCounts(Counting):
    """The same counters."""

    def model(self) -> Rising:
        return Rising(Counter=2, most=self.most)

    def on_down(self, node: str) -> Steps:
        return do("down", c=self.counter(node))


def test_claims_of_steps_are_asked_and_what_is_not_asked_is_said() -> None:
    events = [at("a", "up", by=2), at("a", "down"), at("a", "up", by=1)]
    fell = followed(*events, binding=RisingCounts())
    assert fell.result.mismatch is not None
    assert (fell.result.mismatch.number, fell.result.mismatch.claim) == (2, "never_falls")
    assert fell.claims.asked == ("not_seven", "never_falls")
    assert [(c.name, fell.claims.why_not(c)) for c in fell.claims.unasked] == [
        ("full", "a run that has not ended cannot break it")
    ]
    rarely = followed(*events, binding=RisingCounts(), claims_every=2)
    assert (rarely.result.verdict, rarely.claims.asked) == (Verdict.HOLDS, ("not_seven",))
    assert [(c.name, rarely.claims.why_not(c)) for c in rarely.claims.unasked] == [
        ("never_falls", "claims were asked after every 2 events only"),
        ("full", "a run that has not ended cannot break it"),
    ]
    off = followed(*events, binding=RisingCounts(), claims_every=0)
    assert (off.result.verdict, off.claims.asked) == (Verdict.HOLDS, ())
    assert [c.name for c in off.claims.unasked] == ["not_seven", "never_falls", "full"]


class Pressed(Counters):
    """Counters of which, it is claimed, none is high when they are to be reset."""

    @action
    def press(self) -> None:
        self.reset = True

    @invariant
    def all_are_low_at_a_reset(self) -> bool:
        return not self.reset or all(self.count[c] < 3 for c in Counter)


class Pressing(Counting):
    """The same counters."""

    def model(self) -> Pressed:
        return Pressed(Counter=2, most=self.most)

    def on_press(self) -> Steps:
        return do("press")


def test_a_claim_is_asked_whichever_of_what_it_reads_has_changed() -> None:
    high = [at("a", "up", by=2)] * 2
    for events in ([*high, at("a", "press")], [at("a", "press"), *high]):
        pressed = followed(*events, binding=Pressing()).result
        assert pressed.mismatch is not None
        assert (pressed.mismatch.number, pressed.mismatch.claim) == (3, "all_are_low_at_a_reset")


class Seven(Counters):
    """A model that is wrong from the beginning."""

    def init(self) -> None:
        self.count = Map({c: 7 for c in Counter})
        self.reset = False


class SevenCounts(Counting):
    """The same counters."""

    def model(self) -> Seven:
        return Seven(Counter=2)


def test_a_model_that_begins_with_a_claim_false_is_refused() -> None:
    with pytest.raises(
        RatifiedError, match=r"^Seven starts with not_seven false, so no run can be checked against it"
    ):
        Follower(SevenCounts())
    assert Follower(SevenCounts(), claims_every=0).states


class Setting(Counting):
    """A counter that is set."""

    def on_set(self, node: str, to: int) -> Steps:
        c = self.counter(node)

        def put(m: Any) -> None:
            m.count[c] = to

        return change("set", put)


def test_a_model_that_is_too_small_decides_nothing() -> None:
    events = [at("a", "up", by=2)] * 3
    assert followed(*events, binding=Counting(most=6)).result.verdict is Verdict.HOLDS
    small = followed(*events, binding=Counting(most=5)).result
    assert (small.verdict, small.events) == (Verdict.UNDECIDED, 2)
    assert small.stopped == "the sizes in the binding are too small: up exceeds the range 0..5 of count"
    many = followed(*[at("a", "many", most=1)] * 4, most_states=3).result
    assert (many.verdict, many.stopped) == (
        Verdict.UNDECIDED,
        "more than 3 states could explain what was observed",
    )


class Tidying(Counting):
    """What is above 3 does not matter."""

    def tidy(self, m: Any) -> None:
        m.count = Map({c: min(m.count[c], 3) for c in Counter})


def test_states_are_tidied_now_and_then() -> None:
    follower = followed(*[at("a", "up", by=1)] * 5, *[at("a", "nothing")] * 59, binding=Tidying())
    assert counts(follower) == {(3, 0)}


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (
            Event("jump"),
            "Counting has no handler for the event 'jump'\n  known events: is_even, many, nothing, sideways, up,",
        ),
        (at("c", "up", by=1), "there is no counter 'c'\n  there are a, b"),
        (at("a", "up"), "up has no 'by'\n  its arguments: by"),
        (at("a", "up", by="x"), "up has by = 'x', not a number"),
        (at("a", "up", by=True), "up has by = True, not a number"),
        (Event("up", {"by": 1}, "a", {"cont": 1}), "up does not report the variable 'count'"),
    ],
)
def test_events_that_make_no_sense_are_told_from_a_mismatch(event: Event, message: str) -> None:
    with pytest.raises(EventError) as raised:
        followed(event)
    assert str(raised.value).startswith(message)


class Reporting(Counting):
    def on_up(self, node: str, by: int, **rest: int) -> Steps:
        return do("up", c=self.counter(node), by=by + sum(rest.values()))


def test_arguments_that_a_handler_does_not_name_are_ignored_or_given_to_the_rest() -> None:
    event = at("a", "up", by=1, more=1)
    assert counts(followed(event)) == {(1, 0)}
    follower = Follower(Reporting())
    follower.expect(event)
    assert counts(follower) == {(2, 0)}
    with pytest.raises(EventError, match=r"^up has no 'by'\n"):
        follower.expect(at("a", "up", more=2))


def test_a_step_is_one_that_the_model_has() -> None:
    """Whatever an action would do with arguments outside of its bounds: the model does not take it with them."""
    assert followed(at("a", "up", by=2)).result.verdict is Verdict.HOLDS
    beyond = followed(at("a", "up", by=3)).result
    assert (beyond.verdict, beyond.mismatch is not None) == (Verdict.VIOLATED, True)

    class Bounded(Counters):
        """A counter that is set to a number within the size of the model."""

        @action
        def put(self, c: Counter, to: Count) -> None:
            self.count[c] = min(to, 3)

    class Putting(Counting):
        def model(self) -> Bounded:
            return Bounded(Counter=2, most=self.most)

        def on_put(self, node: str, to: int) -> Steps:
            return do("put", c=self.counter(node), to=to)

    assert followed(at("a", "put", to=10), binding=Putting()).result.verdict is Verdict.HOLDS
    large = followed(at("a", "put", to=11), binding=Putting()).result
    assert (large.verdict, large.stopped) == (
        Verdict.UNDECIDED,
        "the sizes in the binding are too small: put exceeds the range 0..10 of to",
    )


class Mistaken(Counting):
    """A binding with a mistake of each kind."""

    def on_nothing_said(self) -> Any:
        do("down", c=self.counter("a"))

    def on_nested(self, node: str) -> Any:
        return (maybe(either(do("down", c=self.counter(node)), "down")),)  # type: ignore[arg-type]  # the mistake

    def on_lift(self, node: str) -> Steps:
        return do("up", c=node, by=1)

    def on_lift_one(self, node: str) -> Steps:
        return do("up", c=0, by=1)

    def on_lift_true(self, node: str) -> Steps:
        return do("up", c=self.counter(node), by=True)

    def on_climb(self, node: str) -> Steps:
        return do("up", c=self.counter(node), to=1)

    def on_asked(self, node: str) -> Steps:
        return holds("odd", self.counter(node))

    def on_asked_of_none(self, node: str) -> Steps:
        return either((holds("even", self.counter(node)), holds("even")))

    def on_fails(self, node: str) -> Steps:
        return do("up", c=self.counters[node], by=1)  # type: ignore[attr-defined]  # the mistake

    def observe(self, node: str, variables: Mapping[str, Any]) -> Any:
        return variables["seen"]


def seen(value: object) -> Event:
    return Event("nothing", {}, "a", {"seen": value})


NODE = "make one of a name: Names(Counter, how_many)(name), or of a number: Counter(0)"


@pytest.mark.parametrize(
    ("event", "method", "told", "remedy"),
    [
        (
            at("a", "sideways"),
            "on_sideways",
            "Mistaken takes 'sideways', which is not an action of Counters",
            "its actions: up, down",
        ),
        (
            at("a", "nothing_said"),
            "on_nothing_said",
            "Mistaken.on_nothing_said returns None, which is not a step",
            'return do("action", ...), or () if nothing happens',
        ),
        (
            at("a", "nested"),
            "on_nested",
            "Mistaken.on_nested returns 'down', which is not a step",
            'return do("action", ...), or () if nothing happens',
        ),
        (at("a", "lift"), "on_lift", "Mistaken takes up(c='a', by=1) where c is a text, not Counter", NODE),
        (
            at("a", "lift_one"),
            "on_lift_one",
            "Mistaken takes up(c=0, by=1) where c is a number, not Counter",
            NODE,
        ),
        (
            at("a", "lift_true"),
            "on_lift_true",
            "Mistaken takes up(c=c1, by=True) where by is a truth value, not int in 1..2",
            "make it one of int in 1..2",
        ),
        (
            at("a", "asked"),
            "on_asked",
            "Mistaken asks 'odd', which is not a method of Counters",
            "holds(...) has the name of a method of Counters, and its arguments",
        ),
        (
            at("a", "asked_of_none"),
            "on_asked_of_none",
            "Mistaken asks even(), but the arguments of Counters.even are: c",
            "holds(...) has the name of a method of Counters, and its arguments",
        ),
        (at("a", "climb"), "on_climb", "Mistaken takes up with to", "its arguments: c, by"),
        (
            seen(None),
            "observe",
            "Mistaken.observe returns None, not what was observed",
            'return {("variable", key): value}, or {} for nothing',
        ),
        (
            seen({"reset": True}),
            "observe",
            "Mistaken observes 'reset', which is not a place",
            'a place is a tuple of a variable and keys: ("granted",) or ("log", n1)',
        ),
        (
            seen({("rest",): True}),
            "observe",
            "Mistaken observes 'rest', which Counters does not have",
            "its variables: count, reset",
        ),
        (
            seen({("reset", Counter(0)): True}),
            "observe",
            "Mistaken observes ('reset', c1), but bool has no keys",
            "keys are those of maps: ('reset',) is the whole variable",
        ),
        (
            seen({("count", 0): 0}),
            "observe",
            "Mistaken observes ('count', 0), where 0 is a number, not Counter",
            NODE,
        ),
        (
            seen({("reset",): 0}),
            "observe",
            "Mistaken observes 0 at ('reset'): that is a number, not bool",
            "there it has False now; make it one of bool",
        ),
        (
            seen({("count", Counter(0)): "0"}),
            "observe",
            "Mistaken observes '0' at ('count', c1): that is a text, not int in 0..most",
            "there it has 0 now; make it one of int in 0..most",
        ),
    ],
)
def test_a_mistake_in_a_binding_is_told_at_its_own_line(
    event: Event, method: str, told: str, remedy: str
) -> None:
    with pytest.raises(BindingError) as raised:
        followed(event, binding=Mistaken())
    assert (raised.value.message, raised.value.remedy) == (told, remedy)
    assert raised.value.span
    assert f"def {method}(" in linecache.getline(raised.value.span.file, raised.value.span.line)


def test_what_a_handler_raises_is_told_with_its_place() -> None:
    with pytest.raises(EventError) as raised:
        followed(at("a", "fails"), binding=Mistaken())
    assert "'Mistaken' object has no attribute 'counters'" in raised.value.message
    assert "c=self.counters[node]" in raised.value.remedy


def test_bindings_without_a_model_or_with_unknown_steps() -> None:
    class Wrong(Counting):
        unobserved = ("sideways",)

    with pytest.raises(RatifiedError, match="Wrong allows 'sideways' unobserved, which is not an action"):
        followed(binding=Wrong())

    class Text(Counting):
        unobserved = "down"

    with pytest.raises(RatifiedError, match=r"Text.unobserved is a text.*\n  write unobserved = \('down',\)"):
        followed(binding=Text())

    class ClassOnly(Counting):
        def model(self) -> Any:
            return Counters

    with pytest.raises(BindingError, match=r"ClassOnly.model returns Counters, which is not a model\n"):
        followed(binding=ClassOnly())
    with pytest.raises(BindingError, match=r"Binding must implement model\(\)\n  it returns the model"):
        followed(binding=Binding())


def test_names_are_given_out_as_they_come_or_are_closed() -> None:
    names = Names(Counter, 2)
    assert [names("x"), names("y"), names("x"), names.maybe(None)] == [
        Counter(0),
        Counter(1),
        Counter(0),
        None,
    ]
    with pytest.raises(RatifiedError, match="more than 2 of Counter"):
        names("z")
    # A model that has fewer is too small as well.
    several = Names(Counter, 20)
    with running(Counters(Counter=1, most=1).scope):
        several("x")
        with pytest.raises(
            TooSmallError, match=r"more than 1 of Counter\n  a binding says how many its model has"
        ):
            several("y")
