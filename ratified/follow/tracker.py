"""The checker: follows an implementation step by step, and keeps the states of the model that could explain what was seen.

An event is explained from a state by the steps that its binding names, preceded by up to `most_unobserved` steps that nobody
sees, if what is observed after it is so in the state they lead to. The first event that is explained from no state is a
mismatch: the implementation did what the model does not allow. There is no shorter prefix that shows it, since everything
before was explained.

Guarantees: memory and the time for an event depend on the states kept, not on how many events there were; the same events give
the same answer. Where the model as bound has no room (a bound is left, too many states could explain), or where more unobserved
steps might have helped, the answer is UNDECIDED.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from ratified.follow.binding import (
    Binding,
    Claim,
    Event,
    EventError,
    Observed,
    ObservedPlace,
    TooSmallError,
    known_events,
    mistakes_told,
    raised_at,
)
from ratified.follow.claims import ClaimChecker
from ratified.follow.coverage import Coverage, Explanations
from ratified.follow.direct.machine import DirectMachine
from ratified.follow.meaning import Meaning, Room, checked_model
from ratified.follow.quick import Quick
from ratified.follow.steps import Attempt, Change, Do, Either, Holds, Refusal, Repeat, Steps
from ratified.language.errors import RatifiedError
from ratified.language.machine import OutOfBounds, PythonMachine, Values
from ratified.language.records import forget_unused, known_records
from ratified.language.scope import enter, leave, running
from ratified.language.sorts import BoundLeft
from ratified.results.result import Verdict

A = TypeVar("A")

MOST_STATES = 10_000
TIDY_EVERY = 64
RECORDS_EVERY = 1024
MOST_RECORDS = 20_000  # of the model's that may pile up before it is asked which are still in use


_HOLDS: Final = Verdict.HOLDS

Meant: TypeAlias = "tuple[Steps, Observed]"
"""What an event stands for, and what it shows."""


class Notes(Protocol):
    """Told of what becomes of each step that is tried, where a mismatch is to be explained."""

    def taken(self, before: Values, step: Do, arguments: Values, after: Values) -> None:
        """An action was possible."""

    def passed_over(self, before: Values, step: Do | Holds) -> None:
        """An action was not possible, as the event says; or a condition was what it has to be."""

    def refused(self, before: Values, step: Do | Holds | Change | Refusal) -> None:
        """An action was not possible, or one that must not be was; or a condition was not true."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """An event that no state of the model explains.

    `number` counts events from 1: it is the length of the shortest failing prefix. `steps` are those for which the event
    stands according to the binding, kept because calling it again may return others.
    """

    number: int
    event: Event
    steps: Steps
    observed: Observed
    states: tuple[Values, ...]  # that explained everything before it
    claim: str | None = None  # a claim that is false, if every way to explain the event breaks one


@dataclass(slots=True)
class Followed:
    """The result of following a run. `actions` counts the steps of the model that explain the events."""

    verdict: Verdict = Verdict.HOLDS
    events: int = 0
    steps: int = 0
    most_states: int = 0
    unobserved: int = 0
    actions: Counter[str] = field(default_factory=Counter)
    names: Counter[str] = field(default_factory=Counter)
    mismatch: Mismatch | None = None
    stopped: str | None = None


class Tracker:
    """Follows one run.

    `claims_every`: 1 asks the model's claims of each step that is taken; N asks its invariants of the states after every N
    events, which is quicker; 0 asks nothing. Raises RatifiedError where an initial state breaks an invariant.
    """

    def __init__(
        self,
        binding: Binding,
        *,
        claims_every: int = 1,
        most_unobserved: int | None = None,
        most_states: int = MOST_STATES,
    ) -> None:
        self.binding = binding
        self.model = checked_model(binding)
        self.machine = PythonMachine(self.model)
        self._direct = DirectMachine(self.machine)
        self._meaning = Meaning(binding, self.machine)
        self.result = Followed()
        self.most_unobserved = binding.most_unobserved if most_unobserved is None else most_unobserved
        self._most_states = most_states
        self.claims = ClaimChecker(self._direct, claims_every)
        self._quick = Quick(self, self._direct, self._meaning)
        self._scope = self.model.scope
        self._is_plain = claims_every < 2 and not (
            binding.duplicated or (binding.unobserved and self.most_unobserved)
        )
        self.coverage: Coverage | None = None  # told what explains the events, if it is set
        self._asking = False  # whether claims are asked of each step that is taken
        self._broken: str | None = None  # a claim that a step would have broken, which was not taken for that
        self.variables = {d.name: i for i, d in enumerate(self.machine.module.variables)}
        # Whether unobserved steps were searched to the bound, and there would have been more.
        self._unfinished = False
        self._left: str | None = None
        self._taken: list[
            str
        ] = []  # actions that were possible for the event at hand, and whether unobserved ones were
        self._hid = False
        self._told: deque[tuple[str, ...]] = deque()  # the events before, if some may be told twice
        self._most_records = known_records() + MOST_RECORDS
        _check_unobserved(binding, [a.name for a in self.machine.actions])
        begins = dict.fromkeys(s for _, s in self.machine.initial() if not isinstance(s, OutOfBounds))
        with running(self.model.scope):
            self.states: list[Values] = self._without_broken(list(begins)) if claims_every else list(begins)
        self.recent: deque[Event] = deque(maxlen=5)  # explained last

    @property
    def is_over(self) -> bool:
        """Whether nothing more can be said: there was a mismatch, or something ran out."""
        return self.result.verdict is not Verdict.HOLDS

    @property
    def actions_never_taken(self) -> tuple[str, ...]:
        """The model's actions that explained nothing so far: what the run says nothing about."""
        hidden = self.binding.unobserved if self.result.unobserved else ()
        return tuple(
            a.name for a in self.machine.actions if not self.result.actions[a.name] and a.name not in hidden
        )

    @property
    def events_never_met(self) -> tuple[str, ...]:
        """The events that the binding knows and that did not come."""
        return tuple(name for name in known_events(type(self.binding)) if not self.result.names[name])

    def step(self, event: Event) -> bool:
        """Follow one event; whether it is explained. Raises EventError for one that makes no sense."""
        result = self.result
        if result.verdict is not _HOLDS:
            return False
        quick, binding, certain, led = self._quick, self.binding, event.certain, None
        before = enter(self._scope)
        try:
            # In the model's scope sorts have their size, so that a value past it is told, and not made.
            try:
                steps = binding.steps(event)
                if self._is_plain and certain and len(self.states) == 1 and self.coverage is None:
                    led = quick.lead(event, steps, self.states[0])
                if led is None:
                    self._meaning.check_steps(event, steps)
                observed = binding.observed(event) if certain else {}
                if type(observed) is not dict:
                    self._meaning.check_observed(observed)
                if led is not None and not quick.shows(led, observed):
                    led = None
            except Exception as problem:  # noqa: BLE001  # of any kind: those that are nobody's matter go on from there
                return self._without_meaning(event, problem)
            if led is not None:
                self._explained_by(event, [led], quick.taken)
            elif not self._explains(event, (self._told_twice(event, steps), observed)):
                return False
            if result.events % TIDY_EVERY == 0:
                self.tidy()
        finally:
            leave(before)
        return True

    def meaning(self, event: Event) -> Meant | None:
        """What the binding says of an event; None if the model as bound has no room for it. Raises EventError."""
        with running(self._scope):
            try:
                steps = self.binding.steps(event)
                self._meaning.check_steps(event, steps)
                observed = self.binding.observed(event) if event.certain else {}
                self._meaning.check_observed(observed)
            except Exception as problem:  # noqa: BLE001  # as in `step`
                self._without_meaning(event, problem)
                return None
            return self._told_twice(event, steps), observed

    def _without_meaning(self, event: Event, problem: Exception) -> bool:
        """What comes of an event that the binding had no answer for: there was no room, or the error is raised."""
        match problem:
            case TooSmallError():
                return self._stop(problem.message)
            case BoundLeft():
                return self._stop(
                    f"the sizes in the binding are too small: {event.action} exceeds {problem.what}"
                )
            case RatifiedError() | MemoryError():
                raise problem
        told = str(problem) if type(problem) is ValueError else f"{type(problem).__name__}: {problem}"
        raise EventError(f"{event.action} cannot be interpreted: {told}", remedy=raised_at(problem)) from None

    def _told_twice(self, event: Event, steps: Steps) -> Steps:
        """The steps of an event, or nothing where that is possible, too."""
        if not event.certain or (self.binding.duplicated and self._may_repeat(event)):
            return Either((steps, ()))
        return steps

    def _may_repeat(self, event: Event) -> bool:
        """Whether an event may be one of those before it, told once more."""
        most = self.binding.duplicated
        told = (event.node, event.action, repr(event.arguments), repr(event.variables))
        known = told in self._told
        self._told.append(told)
        while len(self._told) > most:
            self._told.popleft()
        return known

    def explain(self, event: Event, meant: Meant) -> bool:
        """Follow an event whose meaning is known; whether it is explained."""
        with running(self.model.scope):
            return self._explains(event, meant)

    def _explains(self, event: Event, meant: Meant) -> bool:
        result = self.result
        steps, observed = meant
        self._left = None
        try:
            states, found = self._explained(steps, observed, asking=self.claims.every == 1)
            if states and not found:
                # So much is at stake that the reference has the last word.
                self._direct.trusting = False
                states, found = self._explained(steps, observed, asking=self.claims.every == 1)
            if states and not found and self._broken:
                states, found = self._explained(steps, observed, asking=False)
                if found:
                    return self._mismatch(
                        Mismatch(result.events + 1, event, steps, observed, tuple(states), self._broken)
                    )
        except (RatifiedError, MemoryError):
            raise
        except Exception as problem:  # noqa: BLE001  # of a `change`, say
            told = f"{type(problem).__name__}: {problem}"
            raise EventError(
                f"the arguments of {event.action} cannot be interpreted: {told}", remedy=raised_at(problem)
            ) from None
        finally:
            self._direct.trusting = True
        if not states:
            return False
        if not found:
            return self._unexplained(event, steps, observed, states)
        if len(found) > self._most_states:
            return self._stop(f"more than {self._most_states:,} states could explain what was observed")
        every = self.claims.every
        if every > 1 and (result.events + 1) % every == 0:
            kept = [s for s in found if self.claims.broken_in(s) is None]
            if not kept:
                broken = self.claims.broken_in(found[0])
                return self._mismatch(
                    Mismatch(result.events + 1, event, steps, observed, tuple(states), broken)
                )
            found = kept
        result.unobserved += self._hid
        self._explained_by(event, found, self._taken)
        return True

    def _explained_by(self, event: Event, states: list[Values], taken: Sequence[str]) -> None:
        """Count an event that is explained, by the states that are kept and the actions that were possible."""
        result = self.result
        self.states = states
        if len(states) > result.most_states:
            result.most_states = len(states)
        result.events += 1
        result.names[event.action] += 1
        self.recent.append(event)
        if taken:
            for action in taken:
                result.actions[action] += 1
            result.steps += len(taken)

    def _explained(
        self, steps: Steps, observed: Observed, *, asking: bool
    ) -> tuple[list[Values], list[Values]]:
        """The states that an event may have come in, and those that it may have led to."""
        self._asking = asking
        self._broken = None if asking else self._broken
        self._taken, self._hid = [], False
        try:
            notes = Explanations() if self.coverage else None
            states = self._closed(self.states, notes)
            found = self._matching(self._run(steps, states, notes), observed)
            if notes and self.coverage:
                notes.count(self.coverage, found)
            return states, found
        finally:
            self._asking = False

    def _without_broken(self, begins: list[Values]) -> list[Values]:
        kept = [s for s in begins if self.claims.broken_in(s) is None]
        if begins and not kept:
            claim, name = self.claims.broken_in(begins[0]), self.machine.module.name
            raise RatifiedError(
                f"{name} starts with {claim} false, so no run can be checked against it",
                remedy="`ratified check` shows the state",
            )
        return kept

    def _breaks(self, before: Values, after: Values, *, is_step: bool = True) -> bool:
        """Whether a step of the model, or a change that is none, breaks a claim; false if claims are not asked."""
        if not self._asking:
            return False
        claims = self.claims
        broken = claims.broken_by(before, after) if is_step else claims.broken_in(after, before)
        if broken is None:
            return False
        self._broken = broken
        return True

    def tidy(self) -> None:
        """Let the binding drop from the states what cannot matter any more."""
        with mistakes_told(type(self.binding), "tidy"):
            self.binding.tidy_all(self)
        if self.result.events % RECORDS_EVERY == 0 and known_records() > self._most_records:
            forget_unused()
            self._most_records = 2 * known_records() + MOST_RECORDS

    def ask(self, about: Callable[[Any], A]) -> list[A]:
        """What a function answers of each state that could explain what was seen."""
        answers: list[A] = []
        for state in self.states:
            self.machine.change(state, lambda m: answers.append(about(m)))
        return answers

    def change(self, how: Callable[[Any], None]) -> None:
        """Change each of these states; one that is the same as another then is no longer told from it."""
        self.states = _distinct([t for s in self.states if (t := self.machine.change(s, how)) is not None])

    def follow(self, events: Iterable[Event]) -> Followed:
        """Follow events to their end, or to where nothing more can be said."""
        for event in events:
            if not self.step(event):
                break
        return self.result

    # How an event is explained

    def run(self, steps: Steps, states: Sequence[Values], notes: Notes | None = None) -> list[Values]:
        """The states that steps lead to, each once."""
        with running(self.model.scope):
            return list(self._run(steps, list(states), notes))

    def _run(self, steps: Steps, states: list[Values], notes: Notes | None) -> list[Values]:
        if not states:
            return []
        if isinstance(steps, Do):
            return self._do(steps, states, notes)
        if isinstance(steps, tuple):
            for one in steps:
                states = self._run(one, states, notes)
            return states
        if isinstance(steps, Holds):
            return self._holds(steps, states, notes)
        if isinstance(steps, Either):
            return _distinct([s for way in steps.ways for s in self._run(way, states, notes)])
        if isinstance(steps, Attempt):
            return self._attempted(steps.step, states, notes)
        if isinstance(steps, Refusal):
            return self._refused(steps, states, notes)
        if isinstance(steps, Repeat):
            every = dict.fromkeys(states)
            last = list(states)
            for _ in range(steps.most):
                last = [s for s in self._run(steps.steps, last, notes) if s not in every]
                if not last:
                    break
                every.update(dict.fromkeys(last))
            return list(every)
        changed = []
        for state in states:
            after = self.machine.change(state, steps.how)
            if after is not None:
                if after is state or not self._breaks(state, after, is_step=False):
                    changed.append(after)
            elif notes:
                notes.refused(state, steps)
        return _distinct(changed)

    def _do(
        self, step: Do, states: Sequence[Values], notes: Notes | None, *, is_attempt: bool = False
    ) -> list[Values]:
        within = True
        if step.action in self._meaning.bounded:
            room, left = self._meaning.room(step)
            within = room is Room.WITHIN
            if room is Room.TOO_SMALL:
                self._left = left
        if within and notes is None:
            lead = self._direct.leads(states, step.action, step.arguments)
            if lead is not None:
                if self._asking and lead:
                    lead = [pair for pair in lead if not self._breaks(*pair)]
                if lead:
                    self._taken.append(step.action)
                return _distinct([after for _, after in lead])
        found: list[Values] = []
        for state in states:
            taken = self._direct.take(state, step.action, step.arguments) if within else []
            for arguments, after in taken:
                if isinstance(after, OutOfBounds):
                    self._left = f"{step.action} exceeds {after.what}"
                    continue
                if self._breaks(state, after):
                    continue
                found.append(after)
                if notes:
                    notes.taken(state, step, arguments, after)
            if not taken and notes and not is_attempt:
                notes.refused(state, step)
        if found:
            self._taken.append(step.action)
        return _distinct(found)

    def _attempted(self, step: Do, states: Sequence[Values], notes: Notes | None) -> list[Values]:
        found = []
        for state in states:
            after = self._do(step, [state], notes, is_attempt=True)
            if after or self._possible(state, step):
                found += after
            else:
                found.append(state)
                if notes:
                    notes.passed_over(state, step)
        return _distinct(found)

    def _refused(self, refusal: Refusal, states: Sequence[Values], notes: Notes | None) -> list[Values]:
        found = []
        for state in states:
            if not self._possible(state, refusal.step):
                found.append(state)
                if notes:
                    notes.passed_over(state, refusal.step)
            elif notes:
                notes.refused(state, refusal)
        return found

    def _possible(self, state: Values, step: Do) -> bool:
        """Whether the model has a step in a state, or might if it had room for it; whatever its claims say of that."""
        room, left = self._meaning.room(step)
        if room is Room.TOO_SMALL:
            self._left = left
            return True
        if room is Room.OUTSIDE:
            return False
        taken = self._direct.take(state, step.action, step.arguments)
        outside = [after for _, after in taken if isinstance(after, OutOfBounds)]
        if taken and len(outside) == len(taken):
            self._left = f"{step.action} exceeds {outside[0].what}"
        return bool(taken)

    def _holds(self, step: Holds, states: Sequence[Values], notes: Notes | None) -> list[Values]:
        kept = []
        for state in states:
            if self._direct.ask(state, step.method, step.arguments) == step.expected:
                kept.append(state)
                if notes:
                    notes.passed_over(state, step)
            elif notes:
                notes.refused(state, step)
        return kept

    def _matching(self, states: list[Values], observed: Observed) -> list[Values]:
        return [state for state in states if self._quick.shows(state, observed)]

    def value(self, state: Values, place: ObservedPlace) -> Any:
        """What a state has at a place."""
        name = place[0]
        index = self.variables.get(name)
        if index is None:
            return True if isinstance(name, Claim) else self._direct.ask(state, name, place[1:])
        value = state[index]
        for key in place[1:]:
            value = value[key]
        return value

    def _closed(self, states: list[Values], notes: Notes | None) -> list[Values]:
        """The states and those that unobserved steps lead to; none, if these are too many."""
        hidden = self.binding.unobserved
        if not hidden or not self.most_unobserved:
            return states
        every = dict.fromkeys(states)
        last = states
        for _ in range(self.most_unobserved):
            new: dict[Values, None] = {}
            for state in last:
                for action in hidden:
                    for arguments, after in self._direct.take(state, action, {}):
                        if isinstance(after, OutOfBounds) or after in every or self._breaks(state, after):
                            continue
                        new[after] = None
                        if notes:
                            notes.taken(state, Do(action, {}), arguments, after)
            every.update(new)
            last = list(new)
            if not last:
                break
            if len(every) > self._most_states:
                self._stop(f"more than {self._most_states:,} states could explain what was observed")
                return []
        else:
            self._unfinished = True
        self._hid = len(every) > len(states)
        return list(every)

    # What is not explained

    def _unexplained(self, event: Event, steps: Steps, observed: Observed, states: list[Values]) -> bool:
        self._meaning.check_observed(observed)
        if self._left is not None:
            return self._stop(f"the sizes in the binding are too small: {self._left}")
        if self._unfinished:
            self.result.stopped = (
                f"no explanation with up to {self.most_unobserved} unobserved steps between two events"
            )
        for place, seen in observed.items():
            self._meaning.check_value(place, seen, self.value(states[0], place))
        return self._mismatch(Mismatch(self.result.events + 1, event, steps, observed, tuple(states)))

    def _mismatch(self, mismatch: Mismatch) -> bool:
        self.result.mismatch = mismatch
        self.result.verdict = Verdict.UNDECIDED if self.result.stopped else Verdict.VIOLATED
        return False

    def _stop(self, why: str) -> bool:
        self.result.verdict = Verdict.UNDECIDED
        self.result.stopped = why
        return False


def _distinct(states: list[Values]) -> list[Values]:
    return states if len(states) < 2 else list(dict.fromkeys(states))


def _check_unobserved(binding: Binding, actions: Sequence[str]) -> None:
    if isinstance(binding.unobserved, str):
        raise RatifiedError(
            f"{type(binding).__name__}.unobserved is a text, not names of actions",
            remedy=f"write unobserved = ({binding.unobserved!r},)",
        )
    for name in binding.unobserved:
        if name not in actions:
            raise RatifiedError(
                f"{type(binding).__name__} allows {name!r} unobserved, which is not an action of its model",
                remedy=f"its actions: {', '.join(actions)}",
            )
