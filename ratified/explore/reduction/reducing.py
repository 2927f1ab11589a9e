"""The reduction of one search by the reference engine: what it needs to know of a state to choose among its steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ratified.explore.reduction.choosing import chosen
from ratified.explore.reduction.footprints import leading
from ratified.explore.reduction.reducible import reducible
from ratified.explore.reduction.relations import relations_of
from ratified.language import ir
from ratified.language.errors import ModelError, RatifiedError
from ratified.language.evaluate import Evaluator
from ratified.language.ir import Function, Kind
from ratified.language.machine import Machine, OutOfBounds, StepError, Values
from ratified.language.scope import running
from ratified.language.sorts import BoundLeft

MachineStep = tuple[int, Values, Values | OutOfBounds]


class Reducing:
    """Chooses among the steps of states of one machine."""

    def __init__(self, machine: Machine) -> None:
        """Raises ModelError where a reduction would be unsound for what is claimed."""
        self._machine = machine
        self._relations = relations_of(machine.model)
        self._scope = machine.model.scope
        self._names = tuple(d.name for d in machine.module.variables)
        module = reducible(machine.model)  # where instances and conditions are counted
        actions = module.of_kind(Kind.ACTION)
        self._evaluator = Evaluator(module, self._scope)
        self._static = [[k for k, a in enumerate(action.arguments) if a.domain is None] for action in actions]
        self._arguments = [tuple(a.name for a in action.arguments if a.domain is None) for action in actions]
        self._leading = [leading(action) for action in actions]
        self._numbers = {(i.action, i.given): k for k, i in enumerate(self._relations.instances)}

    def chosen(
        self, state: Values, steps: Sequence[MachineStep], fresh: Callable[[Values], bool]
    ) -> Sequence[MachineStep]:
        """The steps of a state that are taken. All of them, if one leaves a bound."""
        if any(isinstance(target, OutOfBounds) for _, _, target in steps):
            return steps
        numbers = [self._number(action, arguments) for action, arguments, _ in steps]
        enabled = 0
        for number in numbers:
            enabled |= 1 << number
        kept: dict[int, int] = {}

        def refusing(instance: int) -> int:
            if instance not in kept:
                kept[instance] = self._refusing(state, instance)
            return kept[instance]

        def any_fresh(some: int) -> bool:
            return any(
                some >> number & 1 and fresh(target)  # type: ignore[arg-type]  # none leaves a bound
                for number, (_, _, target) in zip(numbers, steps, strict=True)
            )

        taken = chosen(self._relations, enabled, refusing, any_fresh)
        return [step for number, step in zip(numbers, steps, strict=True) if taken >> number & 1]

    def refuse_sensitive(self, claims: Iterable[Function], state: Values) -> None:
        """Refuse claims of steps that could be violated by one that changes nothing they read: such steps are left out.

        Raises ModelError.
        """
        for claim in claims:
            try:
                if self._machine.step_holds(claim.name, state, state):
                    continue
            except StepError:
                pass
            raise sensitive(self._machine.module.name, claim)

    def _number(self, action: int, arguments: Values) -> int:
        return self._numbers[action, tuple(arguments[k] for k in self._static[action])]

    def _refusing(self, state: Values, number: int) -> int:
        """Which of the first conditions of an instance is false, plus one; 0 if none of them is."""
        instance = self._relations.instances[number]
        env: dict[str, Any] = dict(zip(self._arguments[instance.action], instance.given, strict=True))
        self._evaluator.now = dict(zip(self._names, state, strict=True))
        asked = 0
        with running(self._scope):
            try:
                for statement in self._leading[instance.action]:
                    if isinstance(statement, ir.Let):
                        value = self._evaluator.expr(statement.value, env)
                        env.update(
                            [(statement.names[0], value)]
                            if len(statement.names) == 1
                            else zip(statement.names, value, strict=True)
                        )
                        continue
                    asked += 1
                    if not self._evaluator.expr(statement, env):
                        return asked
            except (RatifiedError, BoundLeft):
                pass  # told where the step is taken
        return 0


def sensitive(model: str, claim: Function) -> ModelError:
    """What is said of a claim that a step violates which changes nothing."""
    return ModelError(
        f"reduction cannot be used with {model}: `{claim.name}` does not hold for a step that changes nothing, and"
        " a reduction leaves out steps that change nothing a claim reads",
        span=claim.span,
        remedy="check without reduction, or choose other claims",
    )
