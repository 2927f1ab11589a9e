"""A model stepped by the evaluator."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from ratified.language.api import Disabled
from ratified.language.errors import ModelError, RatifiedError
from ratified.language.evaluate.evaluator import Evaluator
from ratified.language.evaluate.frame import BoundLeftAt
from ratified.language.ir import Argument, Function, Kind
from ratified.language.machine import (
    BoundExceeded,
    Choices,
    OutOfBounds,
    Pulse,
    StepError,
    Values,
    abstract_model,
    image_of,
)
from ratified.language.model import Model
from ratified.language.scope import running


class TreeMachine:
    """A machine that runs the intermediate form: the same answers as PythonMachine, from the compiler's output alone."""

    def __init__(self, model: Model) -> None:
        self.model = model.twin()
        self.module = model.module
        self.actions = self.module.of_kind(Kind.ACTION)
        self._names = tuple(d.name for d in self.module.variables)
        self._evaluator = Evaluator(self.module, model.scope)
        self._probe = Evaluator(self.module, model.scope)
        self._abstract: dict[str, Model] = {}
        with running(model.scope):
            self._choices = {
                f.name: Choices(f, model.scope, self._domain(f))
                for f in self.module.functions.values()
                if f.key == f.name and f.kind is not Kind.HELPER
            }

    def _domain(self, function: Function) -> Callable[[Argument], Callable[[Values], Any]]:
        names = [a.name for a in function.arguments]

        def domain(argument: Argument) -> Callable[[Values], Any]:
            container = argument.domain
            assert container is not None
            return lambda chosen: self._evaluator.expr(container, dict(zip(names, chosen, strict=False)))

        return domain

    def initial(self) -> list[tuple[Values, Values | OutOfBounds]]:
        """See Machine."""
        found: list[tuple[Values, Values | OutOfBounds]] = []
        init = self.module.functions.get("init")
        with running(self.model.scope):
            zeros = self.model.zeros()
            for arguments in self._choices["init"] if init else [()]:
                self._evaluator.now = dict(zeros)
                try:
                    if init:
                        self._evaluator.call(init, arguments)
                except Disabled:
                    continue
                except BoundLeftAt as left:
                    found.append((arguments, OutOfBounds(left.what, left.span, left.kind)))
                    continue
                except RatifiedError as problem:
                    raise StepError(problem, "init", arguments, None) from None
                missing = [n for n in self._names if n not in self._evaluator.now]
                if init and missing:
                    problem_ = ModelError(
                        f"init does not assign `{missing[0]}`",
                        span=init.span,
                        remedy="assign it on every path",
                    )
                    raise StepError(problem_, "init", arguments, None)
                found.append((arguments, tuple(self._evaluator.now[n] for n in self._names)))
        return found

    def steps(self, state: Values) -> list[tuple[int, Values, Values | OutOfBounds]]:
        """See Machine."""
        evaluator = self._evaluator
        found: list[tuple[int, Values, Values | OutOfBounds]] = []
        with running(self.model.scope):
            for index, action in enumerate(self.actions):
                evaluator.now = dict(zip(self._names, state, strict=True))
                try:
                    choices = list(self._choices[action.name])
                except RatifiedError as problem:
                    raise StepError(problem, action.name, (), state) from None
                for arguments in choices:
                    evaluator.now = dict(zip(self._names, state, strict=True))
                    try:
                        evaluator.call(action, arguments)
                    except Disabled:
                        continue
                    except BoundLeftAt as left:
                        found.append((index, arguments, OutOfBounds(left.what, left.span, left.kind)))
                    except RatifiedError as problem:
                        raise StepError(problem, action.name, arguments, state) from None
                    else:
                        found.append((index, arguments, tuple(evaluator.now[n] for n in self._names)))
        return found

    def each_initial(self, pulse: Pulse | None = None) -> Generator[tuple[Values, Values | OutOfBounds]]:
        """See Machine; all are made at once."""
        del pulse
        yield from self.initial()

    def each_step(
        self, state: Values, pulse: Pulse | None = None
    ) -> Generator[tuple[int, Values, Values | OutOfBounds]]:
        """See Machine; all are made at once."""
        del pulse
        yield from self.steps(state)

    def _ask(self, name: str, arguments: Values, state: Values) -> Any:
        try:
            return self._probe.call(self.module.functions[name], arguments)
        except BoundLeftAt as left:
            raise StepError(BoundExceeded(left.what, left.span), name, arguments, state) from None
        except RatifiedError as wrong:
            raise StepError(wrong, name, arguments, state) from None

    def refuted_by(self, name: str, state: Values) -> Values | None:
        """See Machine."""
        self._probe.now = dict(zip(self._names, state, strict=True))
        with running(self.model.scope):
            return next((a for a in self._choices[name] if not self._ask(name, a, state)), None)

    def answers(self, name: str, state: Values) -> list[tuple[Values, Any]]:
        """See Machine."""
        self._probe.now = dict(zip(self._names, state, strict=True))
        with running(self.model.scope):
            return [(a, self._ask(name, a, state)) for a in self._choices[name]]

    def step_holds(self, name: str, old: Values, new: Values) -> bool:
        """See Machine."""
        self._probe.now = dict(zip(self._names, new, strict=True))
        self._probe.old = dict(zip(self._names, old, strict=True))
        with running(self.model.scope):
            return bool(self._ask(name, (), new))

    def image(self, name: str, state: Values) -> Values:
        """See Machine."""
        if name not in self._abstract:
            self._abstract[name] = abstract_model(self.model, name)
        abstract = self._abstract[name].module
        self._probe.now = dict(zip(self._names, state, strict=True))
        self._probe.abstract = {}
        with running(self.model.scope):
            self._ask(name, (), state)
        names = [d.name for d in abstract.variables]
        return image_of(self.module.functions[name], names, self._probe.abstract, state)
