"""A system is driven along every step of its model, and asked for what the model forbids; what deviates is a short walk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Annotated

import pytest

from ratified import (
    Driver,
    DriverError,
    Limits,
    Map,
    Model,
    NotAsked,
    Observation,
    Range,
    RatifiedError,
    Refused,
    Verdict,
    action,
    constraint,
    drive,
    require,
)
from ratified.conform.driving.result import Driven
from tests.driving.systems import Client, Counter, Granting, Grants, Lock, Locks, Server, Unasked


def walk(result: Driven) -> list[str]:
    """The steps of the walk that deviates."""
    assert result.deviation is not None
    return [str(asked.ask) for asked in result.deviation.walk]


def test_a_system_that_does_what_the_model_does_is_driven_along_every_step() -> None:
    result = drive(Locks, Lock(Client=3)).expect(Verdict.HOLDS, states=4, edges=6, taken=6, walks=1, least=1)
    # In the first state three releases, in each other state three requests and two releases.
    assert (result.forbidden, result.refused, result.ignored) == (3 + 3 * 5, 18, 0)
    assert (result.steps, result.observed, result.unobserved, result.never) == (6, ("holder",), (), ())


class Anybody(Server):
    """Anybody's release frees the lock."""

    def unlock(self, who: str) -> bool:
        self.holder = None
        return True


class Late(Server):
    """Forgets the holder after ten calls, one way or the other."""

    def lock(self, who: str) -> bool:
        done = super().lock(who)
        if self.calls >= 10:
            self.holder = None
        return done


class Strict(Server):
    """The third client never has it."""

    def lock(self, who: str) -> bool:
        return who != "c3" and super().lock(who)


class Crash(Server):
    """Fails where it is released."""

    def unlock(self, who: str) -> bool:
        known: dict[str, bool] = {}
        return known[who] if self.holder == who else False


class Strange(Server):
    """Says that somebody has it whom there is not."""

    def lock(self, who: str) -> bool:
        done = super().lock(who)
        self.holder = "root"
        return done


DEVIATIONS = [
    (
        Anybody,
        "release(c2) is not refused, but the model forbids it: holder is None, the model has c1",
        ["acquire(c1)", "release(c2)"],
    ),
    (Strict, "acquire(c3) is refused, but the model allows it", ["acquire(c3)"]),
    (Crash, "release(c1) raises KeyError: 'c1'", ["acquire(c1)", "release(c1)"]),
    (Strange, "after acquire(c1): 'root' is not a value of type Client", ["acquire(c1)"]),
]


def driver_of(make: type[Server]) -> type[Locks]:
    return type("Locks", (Locks,), {"make": make})


@pytest.mark.parametrize(("system", "what", "steps"), DEVIATIONS)
def test_what_a_system_does_otherwise_is_told_by_a_shortest_walk(
    system: type[Server], what: str, steps: list[str]
) -> None:
    result = drive(driver_of(system), Lock(Client=3), walks=3)
    assert result.verdict is Verdict.VIOLATED
    assert result.deviation is not None
    assert (result.deviation.what, result.deviation.repeats) == (what, True)
    assert walk(result) == steps


def test_what_depends_on_how_a_state_was_come_to_is_found_and_made_as_short_as_it_can_be() -> None:
    result = drive(driver_of(Late), Lock(Client=2), edges=False, walks=5)
    assert result.deviation is not None
    assert result.deviation.found_after >= len(walk(result)) >= 10
    again = drive(driver_of(Late), Lock(Client=2), edges=False, walks=5)
    assert again.deviation == result.deviation


def test_a_change_that_is_seen_only_later_is_found_since_the_walk_goes_on() -> None:
    class Hidden(Server):
        """A release that is refused is remembered, and done as soon as somebody asks for the lock."""

        asked = False

        def unlock(self, who: str) -> bool:
            self.asked = self.asked or self.holder != who
            return super().unlock(who)

        def lock(self, who: str) -> bool:
            if self.asked and self.holder is not None:
                self.holder = None
            return super().lock(who)

    result = drive(driver_of(Hidden), Lock(Client=2))
    assert walk(result)[-1].startswith("acquire")
    assert any(step.startswith("release") for step in walk(result))
    assert drive(driver_of(Hidden), Lock(Client=2), forbidden=False).holds


def test_a_system_that_changes_nothing_and_says_nothing_is_right_unless_it_was_to_refuse() -> None:
    class Silent(Locks):
        def acquire(self, c: Client) -> None:  # type: ignore[override]  # it says nothing
            self.server.lock(str(c))

    class MustRefuse(Silent):
        refuses = True

    assert drive(Silent, Lock(Client=2)).expect(Verdict.HOLDS).ignored == 4
    deviation = drive(MustRefuse, Lock(Client=2)).deviation
    assert deviation is not None
    assert deviation.what == (
        "acquire(c1) is not refused, but the model forbids it; nothing that is observed changed"
    )


def test_what_the_system_chooses_is_followed() -> None:
    result = drive(Granting, Grants(Client=2, Ticket=3)).expect(Verdict.HOLDS, states=22, edges=56, taken=46)
    # The office never leaves out a ticket, which the model allows.
    assert result.reasons == {"the system makes another choice": 10}
    assert result.never == ()


def test_what_the_system_chooses_must_be_one_of_the_models_steps() -> None:
    class Again(Granting):
        def grant(self, c: Client) -> bool:
            self.office.last -= self.office.last == 1  # the second ticket is given out for ever
            return super().grant(c)

    result = drive(Again, Grants(Client=2, Ticket=4))
    assert result.deviation is not None
    assert result.deviation.what.startswith("after grant(c=c1): ")
    assert len(result.deviation.walk) == 3


def test_steps_that_cannot_be_driven_have_a_reason() -> None:
    class NoRelease(Locks):
        cannot = {"release": "the server has no such call"}  # noqa: RUF012 - as the documentation has it
        cannot_ask = {"acquire": "it would wait"}  # noqa: RUF012 - likewise

    result = drive(NoRelease, Lock(Client=2)).expect(Verdict.HOLDS, edges=4, taken=2)
    assert result.reasons == {"release: the server has no such call": 2}
    assert result.unasked == {"acquire: it would wait": 4}
    assert result.never == ("release",)


class Line(Model):
    """One is served and one may wait."""

    served: Client | None = None
    waiting: Client | None = None

    @action
    def enter(self, c: Client) -> None:
        require(self.served is None)
        self.served = c

    @action
    def wait(self, c: Client) -> None:
        require(self.served is not None and self.waiting is None and self.served != c)
        self.waiting = c

    @action
    def leave(self) -> None:
        require(self.served is not None)
        self.served, self.waiting = self.waiting, None


class Counters(Driver):
    """Whoever comes asks for the same, and is told what comes of it."""

    model = Line
    refuses = True
    same_request = (("enter", "wait"),)
    pushes = False  # in front of who waits

    def reset(self) -> None:
        self.line: list[str] = []

    def asked(self, who: str) -> str:
        if who in self.line or (len(self.line) == 2 and not self.pushes):
            return "full"
        self.line.append(who)
        return "wait" if len(self.line) > 1 else "enter"

    def enter(self, c: Client) -> bool:
        return self.asked(str(c)) == "enter"

    def wait(self, c: Client) -> bool:
        return self.asked(str(c)) == "wait"

    def leave(self) -> None:
        if not self.line:
            raise Refused("nobody is there")
        self.line.pop(0)

    def observe(self) -> Observation:
        return {"served": next(iter(self.line), None), "waiting": next(iter(self.line[-1:0:-1]), None)}


def test_what_may_be_either_is_attempted_where_neither_is_allowed() -> None:
    result = drive(Counters, Line(Client=3)).expect(Verdict.HOLDS, states=10, edges=18, taken=18)
    assert (result.forbidden, result.unasked) == (1 + 3 * 2 + 6 * 6, {})

    class Pushing(Counters):
        pushes = True

    assert walk(drive(Pushing, Line(Client=3))) == ["enter(c1)", "wait(c2)", "enter(c3)"]

    class Different(Counters):
        same_request = (("enter", "leave"),)

    with pytest.raises(
        DriverError, match="Different has enter and leave as the same request, but their arguments differ"
    ):
        drive(Different, Line(Client=3))


def test_what_there_is_no_way_to_ask_for_is_counted_by_reason() -> None:
    result = drive(Unasked, Lock(Client=2)).expect(Verdict.HOLDS, edges=4, taken=4)
    assert result.unasked == {"release: nobody holds it": 2}

    class Never(Locks):
        def acquire(self, c: Client) -> bool:
            raise NotAsked("no line to the server")

    left = drive(Never, Lock(Client=2)).expect(Verdict.UNDECIDED, taken=0, refused=2)
    assert left.reasons == {
        "acquire: no line to the server": 2,
        "reached only by steps that cannot be taken": 2,
    }
    assert left.stopped == "nothing was driven: each step has a reason why it could not be attempted"


class Silent(Driver):
    """Says nothing of what it does, which is nothing."""

    model = Lock

    def reset(self) -> None: ...

    def acquire(self, c: Client) -> None: ...

    def release(self, c: Client) -> None: ...

    def observe(self) -> Observation:
        return {}


def test_a_system_of_which_nothing_is_known_conforms_to_nothing() -> None:
    result = drive(Silent, Lock(Client=2)).expect(Verdict.UNDECIDED, edges=4, taken=4, observed=())
    assert result.stopped == "nothing was compared: `observe` said nothing, and no step was refused"

    class Telling(Locks):
        def observe(self) -> Observation:
            return {}

    # What it refuses says what it is in.
    drive(Telling, Lock(Client=2)).expect(Verdict.HOLDS, edges=4, taken=4, observed=())


class Counting(Driver):
    """Counts, and knows no bound."""

    model = Counter

    def reset(self) -> None:
        self.count = 0

    def up(self) -> None:
        self.count += 1

    def observe(self) -> Observation:
        return {"count": self.count}


def test_a_bound_that_steps_would_leave_makes_it_undecided_and_a_constraint_does_not() -> None:
    result = drive(Counting, Counter()).expect(Verdict.UNDECIDED, edges=3, taken=3)
    assert result.stopped == "1 step would exceed the range 0..3 of count and could not be driven"

    class Few(Counter):
        @constraint
        def few(self) -> bool:
            return self.count < 3

    drive(Counting, Few()).expect(Verdict.HOLDS, states=3, edges=2, taken=2, forbidden=0)


def test_what_runs_out_makes_it_undecided() -> None:
    result = drive(Locks, Lock(Client=5), limits=Limits(states=3)).expect(Verdict.UNDECIDED)
    assert result.stopped == (
        "there are more than 3 states; choose smaller sizes, or take random walks only (--no-edges --walks 100)"
    )
    ticks = count()
    late = drive(Locks, Lock(Client=3), limits=Limits(seconds=9), clock=lambda: next(ticks))
    late.expect(Verdict.UNDECIDED)
    assert late.stopped == "stopped after 9 seconds"
    assert late.taken < late.edges
    assert late.reasons == {}
    with pytest.raises(RatifiedError, match="drive has no limit depth"):
        drive(Locks, Lock(Client=3), limits=Limits(depth=3))


def test_walks_alone_hold_for_models_that_have_no_end() -> None:
    class Endless(Model):
        count: Annotated[int, Range(0, 1 << 60)]

        @action
        def up(self) -> None:
            self.count += 1

    result = drive(Counting, Endless(), edges=False, walks=2, length=7).expect(Verdict.HOLDS)
    assert (result.random_walks, result.random_steps) == (2, 14)


class Chosen(Model):
    """Somebody has it from the beginning."""

    holder: Client
    told: Map[Client, bool]

    def init(self, first: Client) -> None:
        self.holder = first
        self.told = Map({c: False for c in Client})

    @action
    def hand(self, c: Client) -> None:
        require(self.holder != c)
        self.holder = c

    @action
    def tell(self, c: Client) -> None:
        require(not self.told[c])
        self.told[c] = True


class Handing(Driver):
    """Is told with whom to begin."""

    def reset(self, first: Client) -> None:
        self.holder, self.told = first, {str(c): False for c in Client}

    def hand(self, c: Client) -> bool:
        if self.holder == c:
            return False
        self.holder = c
        return True

    def tell(self, c: Client) -> bool:
        known, self.told[str(c)] = self.told[str(c)], True
        return not known

    def observe(self) -> Observation:
        return {("told", c): v for c, v in self.told.items()} | {"holder": self.holder}


def test_a_system_begins_as_it_is_told_or_as_it_chooses() -> None:
    drive(Handing, Chosen(Client=2)).expect(Verdict.HOLDS, states=8, edges=8 + 8, taken=16)

    class OwnChoice(Handing):
        def reset(self) -> None:  # type: ignore[override]  # it begins as it likes
            super().reset(Client(1))

    result = drive(OwnChoice, Chosen(Client=2)).expect(Verdict.HOLDS, taken=16)
    assert result.reasons == {}

    class Wrong(Handing):
        def reset(self, first: Client) -> None:
            super().reset(Client(0))

    deviation = drive(Wrong, Chosen(Client=2)).deviation
    assert deviation is not None
    assert (deviation.what, deviation.beginning) == (
        "after init(c2): holder is c1, the model has c2",
        "init(c2)",
    )


def test_what_fails_once_and_not_again_is_told_as_such() -> None:
    answers: Iterator[bool] = iter([True])

    class Unlucky(Server):
        def lock(self, who: str) -> bool:
            return False if next(answers, False) else super().lock(who)

    deviation = drive(driver_of(Unlucky), Lock(Client=2)).deviation
    assert deviation is not None
    assert (deviation.what, deviation.repeats) == ("acquire(c1) is refused, but the model allows it", False)


# --- drivers that make no sense ---


class NoMethod(Driver):
    def reset(self) -> None:
        """Begin."""

    def acquire(self, c: Client) -> None:
        """Ask."""

    def observe(self) -> Observation:
        return {}


class OtherParameter(NoMethod):
    def release(self, client: Client) -> None:
        """Give back."""


class Unknown(Locks):
    cannot = {"relase": "no"}  # noqa: RUF012 - as the documentation has it


class NoPlace(Locks):
    def observe(self) -> Observation:
        return {"owner": None}


class NoValue(Locks):
    def observe(self) -> Observation:
        return {"holder": 3}


class Nothing(Locks):
    def observe(self) -> Observation:
        return None  # type: ignore[return-value]  # that is what is tested


class Typo(Locks):
    def observe(self) -> Observation:
        return {"holder": self.sever.holder}  # type: ignore[attr-defined]  # that is what is tested


class LateTypo(Locks):
    def release(self, c: Client) -> None:
        self.sever.unlock(c)  # type: ignore[attr-defined]  # that is what is tested


SENSELESS = [
    (
        NoMethod,
        "NoMethod has no method for release, which Lock may do\n"
        "{line} | class NoMethod(Driver):\n"
        "      | ^^^^^^^^^^^^^^\n"
        '  write `def release(self, c)`, or say why not: cannot = {{"release": "its clock cannot be moved"}}',
    ),
    (
        OtherParameter,
        "OtherParameter.release has the parameter `client`, which release of the model does not have\n"
        "{line} |     def release(self, client: Client) -> None:\n"
        "      |     ^^^^^^^^^^^\n"
        "  its parameters: c",
    ),
    (
        Unknown,
        "Unknown names 'relase', which is not an action of Lock\n  its actions: acquire, release",
    ),
    (
        NoPlace,
        "NoPlace.observe reports 'owner', which Lock does not have\n"
        "{line} |     def observe(self) -> Observation:\n"
        "      |     ^^^^^^^^^^^\n"
        "  its variables: holder",
    ),
    (
        NoValue,
        "NoValue.observe: 3 is not a value of type Client\n"
        "{line} |     def observe(self) -> Observation:\n"
        "      |     ^^^^^^^^^^^",
    ),
    (
        Nothing,
        "Nothing.observe returns None\n"
        "{line} |     def observe(self) -> Observation:\n"
        "      |     ^^^^^^^^^^^\n"
        '  return values by variable: {{"holder": None}}',
    ),
    (
        Typo,
        "observe raises AttributeError: 'Typo' object has no attribute 'sever'\n"
        '{line} |         return {{"holder": self.sever.holder}}  # type: ignore[attr-defined]  # that is what is tested\n'
        "      |                           ^^^^^^^^^^",
    ),
    (
        LateTypo,
        "release(c1) raises AttributeError: 'LateTypo' object has no attribute 'sever'\n"
        "{line} |         self.sever.unlock(c)  # type: ignore[attr-defined]  # that is what is tested\n"
        "      |         ^^^^^^^^^^\n"
        "  the walk that led there:\n"
        "    1  release(c1)  forbidden",
    ),
]


@pytest.mark.parametrize(("driver", "message"), SENSELESS)
def test_a_driver_that_makes_no_sense_is_told_at_its_own_line(driver: type[Driver], message: str) -> None:
    with pytest.raises(DriverError) as raised:
        drive(driver, Lock(Client=2))
    error = raised.value
    place, told = f"{error.span}: " if error.span else "", str(error)
    line = f"{error.span.line:5d}" if error.span else ""
    assert told.removeprefix(place) == message.format(line=line)


def test_an_action_with_a_name_of_the_drivers_own_is_written_with_do() -> None:
    class Resets(Model):
        count: Annotated[int, Range(0, 1)]

        @action
        def reset(self) -> None:
            self.count = 0

    class Resetting(Driver):
        def reset(self) -> None:
            self.count = 0

        def observe(self) -> Observation:
            return {"count": self.count}

    with pytest.raises(DriverError, match=r"write `def do_reset\(self\)`"):
        drive(Resetting, Resets())

    class Both(Resetting):
        def do_reset(self) -> None:
            self.count = 0

    drive(Both, Resets()).expect(Verdict.HOLDS, edges=1, taken=1)


def test_a_driver_is_closed_whatever_happens() -> None:
    closed: list[str] = []

    class Closing(Locks):
        def close(self) -> None:
            closed.append(type(self.server).__name__)

    drive(Closing, Lock(Client=2))
    drive(type("Closing", (Closing,), {"make": Crash}), Lock(Client=2))
    with pytest.raises(DriverError):
        drive(type("Closing", (Closing,), {"release": LateTypo.release}), Lock(Client=2))
    assert closed == ["Server", "Crash", "Server"]


def test_many_choices_of_arguments_are_asked_for_only_where_they_occur() -> None:
    class Wide(Model):
        value: Annotated[int, Range(0, 5000)]

        @action
        def put(self, n: Annotated[int, Range(0, 5000)]) -> None:
            require(self.value == 0 and n in (1, 2))
            self.value = n

    class Putting(Driver):
        def reset(self) -> None:
            self.value = 0

        def put(self, n: int) -> None:
            if self.value or n not in (1, 2):
                raise Refused
            self.value = n

        def observe(self) -> Observation:
            return {"value": self.value}

    result = drive(Putting, Wide()).expect(Verdict.HOLDS, edges=2, taken=2, forbidden=4)
    assert result.not_every == ("put",)


def test_an_answer_is_neither_true_nor_false_and_tells_its_walk() -> None:
    result = drive(driver_of(Strict), Lock(Client=3))
    with pytest.raises(TypeError):
        bool(result)
    with pytest.raises(AssertionError, match="acquire\\(c3\\) is refused, but the model allows it"):
        result.expect(Verdict.HOLDS)


def test_a_system_that_goes_other_ways_again_and_again_is_not_driven_for_ever() -> None:
    class Moody(Model):
        """Goes left or right, and from the left near or far."""

        place: Annotated[int, Range(0, 4)]

        @action
        def go(self, left: bool) -> None:
            require(self.place == 0)
            self.place = 1 if left else 2

        @action
        def on(self, far: bool) -> None:
            require(self.place == 1)
            self.place = 3 if far else 4

    turns = count()

    class Once(Driver):
        """Goes left the first time, and never again."""

        def reset(self) -> None:
            self.place, self.turn = 0, next(turns)

        def go(self) -> bool:
            if self.place:
                return False
            self.place = 1 if self.turn == 0 else 2
            return True

        def on(self) -> bool:
            if self.place != 1:
                return False
            self.place = 3
            return True

        def observe(self) -> Observation:
            return {"place": self.place}

    result = drive(Once, Moody()).expect(Verdict.HOLDS, edges=4, taken=3)
    assert result.reasons == {"the system makes another choice": 1}
    assert result.walks == 103  # one to the left, one to the right, and a hundred and one in vain


def test_what_only_an_action_may_raise_and_an_exit_are_told() -> None:
    class Resetting(Locks):
        def reset(self) -> None:
            raise Refused("no")

    class Exits(Server):
        def lock(self, who: str) -> bool:
            raise SystemExit(3)

    with pytest.raises(DriverError, match="reset raises Refused, which only an action may"):
        drive(Resetting, Lock(Client=2))
    deviation = drive(driver_of(Exits), Lock(Client=2)).deviation
    assert deviation is not None
    assert deviation.what == "acquire(c1) raises SystemExit: 3"


class Post(Model):
    """Letters, which arrive only if they were sent."""

    sent: Map[Client, bool]
    arrived: Map[Client, bool]

    @action
    def send(self, c: Client) -> None:
        self.sent[c] = True

    @action
    def deliver(self, c: Client) -> None:
        require(self.sent[c])
        self.arrived[c] = True


class Losing(Driver):
    """The second letter that arrives is lost; one that was not sent cannot be asked for."""

    model = Post
    cannot_ask: Mapping[str, str] = {"deliver": "only what was sent can be delivered"}

    def reset(self) -> None:
        self.sent: set[Client] = set()
        self.arrived: set[Client] = set()

    def send(self, c: Client) -> None:
        self.sent.add(c)

    def deliver(self, c: Client) -> None:
        assert c in self.sent, "it was not sent"
        if not self.arrived:
            self.arrived.add(c)

    def observe(self) -> Observation:
        return {"arrived": {c: c in self.arrived for c in Client}}


def test_a_walk_is_not_made_short_by_what_cannot_be_asked_for() -> None:
    result = drive(Losing, Post(Client=2))
    assert result.deviation is not None
    assert result.deviation.what == "after deliver(c2): arrived[c2] is False, the model has True"
    assert walk(result) == ["send(c1)", "send(c2)", "deliver(c1)", "deliver(c2)"]


class Taking(Driver):
    """Has a method for the action `take` that has the name of one of the driver's own."""

    def take(self, c: Client) -> None:  # type: ignore[override]  # which is the mistake
        """Not as a driver takes any action."""


class Taken(Model):
    taken: bool

    @action
    def take(self, c: Client) -> None:
        self.taken = True


def test_a_method_of_the_name_of_one_of_the_drivers_own_is_refused() -> None:
    with pytest.raises(DriverError) as refused:
        drive(Taking, Taken(Client=1))
    assert refused.value.message == (
        "Taking.take has parameters of its own, but must take any action: take(self, action, arguments)"
    )
    assert refused.value.remedy == "a method for an action `take` is called do_take"


class Beginning(Model):
    began: bool

    @action
    def begin(self) -> None:
        require(not self.began)
        self.began = True


class Begun(Driver):
    """An action is called as a beginning is."""

    def reset(self) -> None:
        self.began = False

    def do_begin(self) -> bool:
        done, self.began = not self.began, True
        return done

    def observe(self) -> Observation:
        return {"began": self.began}


def test_an_action_may_be_called_begin() -> None:
    drive(Begun, Beginning()).expect(Verdict.HOLDS, states=2, edges=1, taken=1, refused=1)
