"""Walking a model: states by the way that leads to them, what is possible there, and what is wrong there.

Guarantees: nothing is explored ahead; a link is the run that leads to its state, as the numbers of its steps, so it works for
models of any size, and a link that leads nowhere (of another model, another size, or made up) is told from one that does.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache

from ratified.diagram.palette import looks
from ratified.language.errors import ModelError, RatifiedError
from ratified.language.ir import Kind
from ratified.language.machine import OutOfBounds, PythonMachine, StepError, Values, state_dict
from ratified.language.model import Model, given_to
from ratified.language.values import show
from ratified.results.result import Step, Trace

StepNumbers = tuple[int, ...]
"""The number of an initial state, then of each step among those that are possible."""

REMEMBERED = 20_000
"""States of which it is remembered where they are: walking on from one of them costs one step."""

LONGEST = 5_000
"""Steps in a link. A run that was walked by hand is shorter, and so are those that a search finds."""


class NoSuchState(RatifiedError):
    """A link that leads to no state of this model at this size."""


@dataclass(frozen=True, slots=True)
class Option:
    """A step that is possible in a state: the action, its arguments, and the state after it.

    `number` is its place among those that can be taken; None if it cannot be, and then `why`.
    """

    action: str
    arguments: tuple[tuple[str, object], ...]
    state: Values | None
    number: int | None
    why: str = ""

    @property
    def call(self) -> str:
        """The step as it is called."""
        return f"{self.action}({', '.join(f'{n}={show(v)}' for n, v in self.arguments)})"


class Walker:
    """Walks one model at one size."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.machine = PythonMachine(model)
        self.names = tuple(d.name for d in model.module.variables)
        self.looks = looks([a.name for a in self.machine.actions])
        self._seen: OrderedDict[StepNumbers, Values] = OrderedDict()
        self._salt = (
            repr(sorted((name, show(value)) for name, value in given_to(model).items())) + model.module.name
        )
        self.options = lru_cache(maxsize=2_000)(self._options)

    # --- links ---

    def link(self, path: StepNumbers) -> str:
        """The link of the state that a path leads to."""
        data = bytearray()
        for step in path:
            number = step
            while number > 0x7F:
                data.append(number & 0x7F | 0x80)
                number >>= 7
            data.append(number)
        check = self._check(path).to_bytes(3, "big")
        return base64.urlsafe_b64encode(check + bytes(data)).decode().rstrip("=")

    def _check(self, path: StepNumbers) -> int:
        """Three bytes that tell the state apart from what another model has there."""
        state = self.state(path)
        return zlib.crc32(f"{self._salt} {show_state(self.names, state)}".encode()) & 0xFFFFFF

    def path(self, link: str) -> StepNumbers:
        """The path that a link stands for. Raises NoSuchState."""
        try:
            data = base64.b64decode(link + "=" * (-len(link) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise _nowhere("it was not made by this page") from None
        numbers: list[int] = []
        value = shift = 0
        for byte in data[3:]:
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                numbers.append(value)
                value = shift = 0
            elif shift > 28:
                raise _nowhere("it was not made by this page")
        if shift or not numbers or len(numbers) > LONGEST:
            raise _nowhere("it was cut off, or not made by this page")
        path = tuple(numbers)
        if self._check(path).to_bytes(3, "big") != data[:3]:
            raise _nowhere("it is of another model, or of this one at another size or before it changed")
        return path

    # --- states ---

    def initial(self) -> list[Values]:
        """The initial states. Raises ModelError if there are none, or the model has no answer there."""
        found = dict.fromkeys(
            state
            for _, state in self.machine.initial()
            if not isinstance(state, OutOfBounds) and self._outside(state) is None
        )
        if not found:
            raise ModelError(
                f"{self.model.module.name} has no initial state", remedy="`ratified check` says why"
            )
        return list(found)

    def state(self, path: StepNumbers) -> Values:
        """The state that a path leads to. Raises NoSuchState."""
        known = len(path)
        while known and path[:known] not in self._seen:
            known -= 1
        if known:
            state = self._seen[path[:known]]
            self._seen.move_to_end(path[:known])
        else:
            initial = self.initial()
            if path[0] >= len(initial):
                raise _nowhere("there is no such initial state")
            state, known = initial[path[0]], 1
            self._remember(path[:1], state)
        for length in range(known + 1, len(path) + 1):
            options = [o for o in self.options(state) if o.number is not None]
            if path[length - 1] >= len(options):
                raise _nowhere(f"there is no such step after {length - 2} steps")
            after = options[path[length - 1]].state
            assert after is not None
            state = after
            self._remember(path[:length], state)
        return state

    def _remember(self, path: StepNumbers, state: Values) -> None:
        self._seen[path] = state
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)

    def _options(self, state: Values) -> tuple[Option, ...]:
        """What may happen in a state, in the model's order. Raises StepError where the model has no answer."""
        found: list[Option] = []
        number = 0
        for index, arguments, target in self.machine.steps(state):
            action = self.machine.actions[index]
            named = tuple((a.name, v) for a, v in zip(action.arguments, arguments, strict=True))
            if isinstance(target, OutOfBounds):
                found.append(Option(action.name, named, None, None, f"it would exceed {target.what}"))
            elif (constraint := self._outside(target)) is not None:
                found.append(
                    Option(action.name, named, target, None, f"`{constraint}` leaves out what it leads to")
                )
            else:
                found.append(Option(action.name, named, target, number))
                number += 1
        return tuple(found)

    def _outside(self, state: Values) -> str | None:
        """The constraint that leaves a state out, if one does."""
        for constraint in self.model.module.of_kind(Kind.CONSTRAINT):
            if self.machine.refuted_by(constraint.name, state) is not None:
                return constraint.name
        return None

    def wrong(self, path: StepNumbers) -> list[str]:
        """What is wrong in a state, or with the step into it, in words."""
        state = self.state(path)
        found: list[str] = []
        for f in self.model.module.of_kind(Kind.INVARIANT):
            try:
                refuted = self.machine.refuted_by(f.name, state)
            except StepError as problem:
                found.append(f"{f.name} has no answer: {problem.message}")
                continue
            if refuted is not None:
                choice = ", ".join(f"{a.name}={show(v)}" for a, v in zip(f.arguments, refuted, strict=True))
                found.append(f"{f.name} is false{f' for {choice}' if choice else ''}")
        if len(path) > 1:
            old = self.state(path[:-1])
            for f in self.model.module.of_kind(Kind.STEP_INVARIANT):
                try:
                    fine = self.machine.step_holds(f.name, old, state)
                except StepError as problem:
                    found.append(f"{f.name} has no answer of this step: {problem.message}")
                    continue
                if not fine:
                    found.append(f"{f.name} is false for the step here")
        return found

    # --- runs ---

    def trace(self, path: StepNumbers) -> Trace:
        """The run that a path is."""
        steps: list[Step] = []
        for length in range(2, len(path) + 1):
            option = self.taken(path[:length])
            assert option.state is not None
            steps.append(Step(option.action, option.arguments, state_dict(self.machine, option.state)))
        return Trace(state_dict(self.machine, self.state(path[:1])), tuple(steps))

    def taken(self, path: StepNumbers) -> Option:
        """The last step of a path."""
        return next(o for o in self.options(self.state(path[:-1])) if o.number == path[-1])

    def path_along(self, states: list[Values]) -> StepNumbers:
        """The path of a run that is given by its states."""
        path: tuple[int, ...] = (self.initial().index(states[0]),)
        for state in states[1:]:
            options = self.options(self.state(path))
            path = (*path, next(o.number for o in options if o.state == state and o.number is not None))
        return path


def show_state(names: tuple[str, ...], state: Values) -> str:
    """A state as text, all of it."""
    return ", ".join(f"{name}={show(value)}" for name, value in zip(names, state, strict=True))


def _nowhere(why: str) -> NoSuchState:
    return NoSuchState(
        f"this link leads to no state of the model: {why}", remedy="begin at the initial state"
    )
