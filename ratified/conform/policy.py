"""Implementations that are plain objects, held to their models: by random runs, by Hypothesis, and along the model's graph.

What holds an object is its *subject*: it makes the object, calls it, and tells as events what that came to. Each of a subject's
`calls` is a method of that name which takes so many numbers, each below a limit, and makes sense in whatever state the object is;
so a script is a list of calls that can be replayed, shortened, and kept as a test.

    class Turns(Subject):
        calls = {"pick": (), "fail": (3,)}

        def pick(self) -> Iterable[Event]:
            yield self.event("pick", node=self.balancer.pick().name)

Guarantees: a run is a function of (policy, number, script); what an object raises that its subject did not expect is found like
what the model does not allow. No clock, and no randomness but the seed's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, ClassVar

from ratified.conform.cover import Edge, EdgeDriver, LazyGraph, NothingToTryError
from ratified.conform.mutants import Mutant
from ratified.follow.binding import Binding, Event
from ratified.follow.follower import Follower
from ratified.follow.mismatch import place_text, told
from ratified.follow.steps import Steps
from ratified.language.machine import Values
from ratified.language.model import Model
from ratified.language.scope import running
from ratified.language.values import show
from ratified.results.result import Verdict
from ratified.simulator.shrinking import leave_out

REFUSALS = 60
"""More than there are wrong things that are asked of any one object."""

CONFIGURATIONS = 1_000
"""Numbers from which a subject draws its configuration: weights, limits, how many there are."""


class PolicyBinding(Binding):
    """A binding that knows what is wrong: it is refused, and all is as before."""

    def on_wrong(self) -> Steps:
        """Nothing happens."""
        return ()


class Subject:
    """Derive from this: an object, what can be done to it, and the binding that maps that to the model.

    Beside its own, every subject has the call `refuse`: something `wrong` is asked of the object, each a function that must raise
    one of `refusals`, whose message says what is wrong and must be the one given, where one is.
    """

    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {}
    refusals: ClassVar[tuple[type[Exception], ...]] = (ValueError,)

    def __init__(self, number: int) -> None:
        self.number = number

    def binding(self) -> Binding:
        """A binding for the model in the configuration of this subject."""
        raise NotImplementedError(f"{type(self).__name__} must implement binding()")

    def seen(self) -> Mapping[str, Any]:
        """What can be seen of the object: the variables of every event."""
        return {}

    def wrong(self) -> Sequence[tuple[Callable[[], object], str]]:
        """What cannot be asked of the object as it is now, and the beginning of what it says."""
        return ()

    def right(self) -> Sequence[Callable[[], object]]:
        """What is only just not wrong: each must be true, and changes nothing."""
        return ()

    def refuse(self, number: int) -> Iterable[Event]:
        """Something wrong is asked, which must be refused; what can be seen is then as before."""
        for n, ask in enumerate(self.right()):
            if not ask():
                raise AssertionError(f"what is only just not wrong is wrong: number {n}")
        wrong = self.wrong()
        if wrong:
            ask, says = wrong[number % len(wrong)]
            try:
                answer = ask()
            except self.refusals as refusal:
                if not str(refusal).startswith(says):
                    raise AssertionError(f"it says {str(refusal)!r} and not {says!r}") from None
                yield self.event("wrong")
            else:
                raise AssertionError(
                    f"what is wrong was not refused, with {says!r}; the answer was {answer!r}"
                )

    def event(self, action: str, **arguments: Any) -> Event:
        """An event, with what can be seen now."""
        return Event(action, arguments, variables=self.seen())

    def take(self, action: str, *arguments: Any) -> None:
        """Take one step of the model. Raises NothingToTryError where nothing does that."""
        raise NothingToTryError(f"{type(self).__name__} takes no {action}{arguments}")

    def impossible(self, state: Values, edge: Edge) -> str | None:  # noqa: ARG002 - for those who override it
        """The reason why the object cannot take a step of the model, if there is one."""
        return None


@dataclass(frozen=True, slots=True)
class Policy:
    """An object and its model.

    `place` is where a test can import it from, as `module:expression`; `subject` is given a number, from which it may draw a
    configuration. Systematic mistakes are planted into the functions of `sources`; `survivors` says why those that nobody
    catches are none.
    """

    name: str
    place: str
    subject: Callable[[int], Subject]
    mutants: Callable[[], Mapping[str, Mutant]]
    graph: Callable[[], tuple[Model, Subject]] | None = None
    sources: tuple[str, ...] = ()
    survivors: Callable[[], Mapping[str, str]] = dict


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """One call of a script."""

    name: str
    numbers: tuple[int, ...] = ()

    def __str__(self) -> str:
        return " ".join([self.name, *map(str, self.numbers)])


def read_script(text: str) -> tuple[ScriptCall, ...]:
    """Read what `ScriptCall` prints, a call a line."""
    words = (line.split() for line in text.splitlines() if line.strip())
    return tuple(ScriptCall(name, tuple(map(int, numbers))) for name, *numbers in words)


@dataclass(slots=True)
class PolicyRun:
    """What came of a script. `found` is by what: the checker, or an exception; `actions` counts the model's steps."""

    number: int
    script: tuple[ScriptCall, ...]
    events: int = 0
    actions: Counter[str] = field(default_factory=Counter)
    verdict: Verdict = Verdict.HOLDS
    found: str | None = None
    why: str = ""


class FollowedSubject:
    """A subject that is run and followed, a call at a time."""

    def __init__(self, policy: Policy, number: int, claims_every: int = 0) -> None:
        self.run = PolicyRun(number, ())
        self._calls: list[ScriptCall] = []
        self._follower: Follower | None = None
        try:
            self._subject = policy.subject(number)
            self._follower = Follower(self._subject.binding(), claims_every=claims_every)
        except Exception as error:  # noqa: BLE001 - whatever a mistake raises has been found
            self._fail("exception", _said(error))

    @property
    def is_over(self) -> bool:
        """Whether nothing more can be said."""
        return self.run.verdict is not Verdict.HOLDS

    def call(self, call: ScriptCall) -> bool:
        """Make a call and follow what it comes to; whether that is explained."""
        follower, run = self._follower, self.run
        if self.is_over or follower is None:
            return False
        self._calls.append(call)
        try:
            for event in getattr(self._subject, call.name)(*call.numbers):
                if not follower.step(event):
                    break
        except Exception as error:  # noqa: BLE001 - likewise
            self._fail("exception", _said(error))
        result = follower.result
        run.script, run.events, run.actions = tuple(self._calls), result.events, result.actions
        if result.mismatch is not None and result.verdict is Verdict.VIOLATED:
            self._fail("checker", told(follower))
        elif result.verdict is Verdict.UNDECIDED and not run.found:
            run.verdict, run.why = Verdict.UNDECIDED, result.stopped or ""
        return not self.is_over

    def _fail(self, found: str, why: str) -> None:
        self.run.verdict, self.run.found, self.run.why = Verdict.VIOLATED, found, why
        self.run.script = tuple(self._calls)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def calls_of(subject: Subject) -> Mapping[str, tuple[int, ...]]:
    """The calls of a subject, with that for what is wrong."""
    return {**subject.calls, "refuse": (REFUSALS,)} if subject.wrong() else subject.calls


def drawn(calls: Mapping[str, tuple[int, ...]], random: Random, steps: int) -> tuple[ScriptCall, ...]:
    """A random script."""
    names = list(calls)

    def call() -> ScriptCall:
        name = names[random.randrange(len(names))]
        return ScriptCall(name, tuple(map(random.randrange, calls[name])))

    return tuple(call() for _ in range(steps))


def replayed(
    policy: Policy, number: int, script: Iterable[ScriptCall], *, claims_every: int = 0
) -> PolicyRun:
    """Run a script, following each call."""
    running_ = FollowedSubject(policy, number, claims_every)
    for call in script:
        if not running_.call(call):
            break
    return running_.run


def by_chance(policy: Policy, seed: int, *, steps: int = 40, claims_every: int = 0) -> PolicyRun:
    """Run a script that a seed draws, in a configuration of the seed's number."""
    try:
        calls = calls_of(policy.subject(seed))
    except Exception:  # noqa: BLE001 - which the run will tell
        calls = {}
    script = drawn(calls, Random(seed), steps) if calls else ()  # noqa: S311 - no secret
    return replayed(policy, seed, script, claims_every=claims_every)


def shortened(policy: Policy, run: PolicyRun, attempts: int = 400) -> PolicyRun:
    """A run with fewer calls in which the same is found."""
    if not run.found:
        return run
    best = run
    # Claims are asked only where nothing else shows it.
    claims = int(replayed(policy, run.number, run.script).found != run.found)

    def same(fewer: Sequence[ScriptCall]) -> bool:
        nonlocal best
        tried = replayed(policy, run.number, fewer, claims_every=claims)
        if tried.found == run.found:
            best = tried
        return best is tried

    leave_out(run.script, same, attempts)
    return best


def kept_as_test(policy: Policy, run: PolicyRun) -> str:
    """What was found as a test that can be run: a script, which must conform."""
    lines = "".join(f"    {call}\n" for call in run.script)
    module, _, expression = policy.place.partition(":")
    return (
        f"from {module} import {expression.partition('[')[0]}\n"
        "from ratified.conform.policy import read_script, replayed\n"
        "from ratified.results.result import Verdict\n\n"
        f'SCRIPT = """\n{lines}"""\n\n\n'
        "def test_it_conforms() -> None:\n"
        f"    run = replayed({expression}, {run.number}, read_script(SCRIPT), claims_every=1)\n"
        "    assert run.verdict is Verdict.HOLDS, run.why\n"
    )


class SubjectDriver(EdgeDriver):
    """A subject that is driven along the edges of its model's graph."""

    def __init__(self, model: Model, make: Callable[[], Subject]) -> None:
        self._model, self._make = model, make
        self._follower: Follower | None = None
        self.reset()

    def reset(self) -> None:
        """See EdgeDriver."""
        self._subject = self._make()
        if self._follower is None:
            self._follower = Follower(self._subject.binding())

    def impossible(self, state: Values, edge: Edge) -> str | None:
        """See EdgeDriver."""
        with running(self._model.scope):
            return self._subject.impossible(state, edge)

    def consequence(
        self,
        before: Values,  # noqa: ARG002 - as EdgeDriver has it
        taken: Sequence[Edge],  # noqa: ARG002 - likewise
        state: Values,  # noqa: ARG002 - likewise
        edges: Sequence[Edge],  # noqa: ARG002 - likewise
    ) -> Edge | None:
        """See EdgeDriver. An object does one thing at a time."""
        return None

    def drive(self, state: Values, edge: Edge) -> None:  # noqa: ARG002 - as EdgeDriver has it
        """See EdgeDriver."""
        self._subject.take(edge.action, *edge.arguments)

    def differences(self, state: Values) -> list[str]:
        """See EdgeDriver."""
        follower = self._follower
        assert follower is not None
        with running(self._model.scope):
            observed = follower.binding.observe("", self._subject.seen())
            return [
                f"{place_text(place)} is {show(seen)}, the model's {show(due)}"
                for place, seen in observed.items()
                if (due := follower.value(state, place)) != seen
            ]


def graph_of(policy: Policy) -> tuple[LazyGraph, EdgeDriver] | None:
    """The states of a policy's model at a small size, and what drives its subject along them."""
    if policy.graph is None:
        return None
    model, subject = policy.graph()
    number, make = subject.number, type(subject)
    return LazyGraph(model).all(), SubjectDriver(model, lambda: make(number))
