"""A model at a size as circuits: its initial states, its steps from any state, and what it claims of states and steps.

Call inside `running(model.scope)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ratified.language.ir import Argument, Function, Kind, Module, Which
from ratified.language.lower.desugar import desugared
from ratified.language.lower.domains import through_keys
from ratified.language.machine import Values
from ratified.language.model import Model
from ratified.language.rules import Rules
from ratified.language.types import OptionalType, Type, records_of
from ratified.smt.finite import comprehensions, containers, expressions, statements
from ratified.smt.finite.circuit import FALSE, TRUE
from ratified.smt.finite.context import Hazard, SharedRuns, SymbolicContext, SymbolicEnv
from ratified.smt.finite.conversion import narrowed, there_in, widened
from ratified.smt.finite.symbolic import Cases, LiteralTruth, Symbolic, decoded

EXPRESSIONS: Rules[SymbolicContext, Symbolic] = Rules.joined(
    "circuits of expressions", expressions.rules, containers.rules, comprehensions.rules
)
STATEMENTS = statements.rules


@dataclass(frozen=True, slots=True)
class SymbolicStep:
    """One way on: an action (None for the beginning) with its arguments, whether it is possible, and the variables after it."""

    action: Function | None
    arguments: tuple[Symbolic, ...]
    possible: int
    after: SymbolicEnv


@dataclass(frozen=True, slots=True)
class Moves:
    """All ways on from a state, and what computing them may come upon."""

    ways: tuple[SymbolicStep, ...]
    events: tuple[Hazard, ...]


def _lowered(module: Module) -> Module:
    """Return a module in fewer words. What returns early, and loops, are run as they are."""
    functions = {key: through_keys(desugared(f)) for key, f in module.functions.items()}
    return replace(module, functions=functions)


class CircuitSteps:
    """Makes circuits of one model at one size."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.module = _lowered(model.module)
        self._shared = SharedRuns(self.module, model.scope, EXPRESSIONS, STATEMENTS)
        self.circuit = self._shared.circuit
        self.algebra = self._shared.algebra
        self.types = self._shared.types
        self._constraints = self.module.of_kind(Kind.CONSTRAINT)

    def beginning(self) -> Moves:
        """Return the ways to begin."""
        zeros = {n: self.algebra.lift(v, self.types[n]) for n, v in self.model.zeros().items()}
        init = self.module.functions.get("init")
        if init is None:
            return Moves((SymbolicStep(None, (), TRUE, zeros),), ())
        return self._moves([init], zeros)

    def moves(self, state: SymbolicEnv) -> Moves:
        """Return the ways on from a state."""
        return self._moves(self.module.of_kind(Kind.ACTION), state)

    def _moves(self, functions: Sequence[Function], state: SymbolicEnv) -> Moves:
        ways: list[SymbolicStep] = []
        met: list[Hazard] = []
        for function in functions:
            for start, arguments in self._starts(function, state, {}, met):
                end = start.block(function.body)
                events = self._shared.settled(end.events)
                possible = self.circuit.every([*end.path, *(-e.literal for e in events)])
                met += events
                if missing := [n for n in self.types if n not in end.now]:
                    what = f"init does not assign `{missing[0]}`"
                    met.append(Hazard(possible, True, what, function.span))
                elif possible != FALSE:
                    action = function if function.kind is Kind.ACTION else None
                    ways.append(
                        SymbolicStep(action, arguments, possible, {n: end.now[n] for n in self.types})
                    )
        return Moves(tuple(ways), tuple(met))

    def _starts(
        self, function: Function, now: SymbolicEnv, old: SymbolicEnv, met: list[Hazard]
    ) -> Iterator[tuple[SymbolicContext, tuple[Symbolic, ...]]]:
        """Yield where runs of a function begin, with which arguments; `met` gets what finding these out comes upon."""

        def rest(
            start: SymbolicContext, chosen: tuple[Symbolic, ...]
        ) -> Iterator[tuple[SymbolicContext, tuple[Symbolic, ...]]]:
            if len(chosen) == len(function.arguments):
                yield start, chosen
                return
            argument = function.arguments[len(chosen)]
            begun = replace(start, events=[])
            values = list(self._values(argument, begun))
            met.extend(self._shared.settled(begun.events))
            for there, value in values:
                inner = start.bound((argument.name,), value).under(there)
                if not inner.dead:
                    yield from rest(replace(inner, events=[]), (*chosen, value))

        return rest(SymbolicContext(self._shared, now, old, {}, []), ())

    def _values(self, argument: Argument, context: SymbolicContext) -> Iterator[tuple[int, Symbolic]]:
        """Yield the values that an argument may have, and whether it may."""
        if argument.domain is None:
            for known in self.algebra.types.listed(argument.type):
                yield TRUE, self.algebra.lifted(known, argument.type)
            return
        item = containers.item_of(argument.domain.type)
        for there, value in self.algebra.elements(context.expr(argument.domain), item):
            fits, value_of_type = self._of_type(value, item, argument.type)
            if (literal := self.circuit.both(there, fits)) != FALSE:
                yield literal, value_of_type

    def _of_type(self, value: Symbolic, t: Type, into: Type) -> tuple[int, Symbolic]:
        """Return whether an element is of a parameter's type, and it as a value of that."""
        if t == into:
            return TRUE, value
        literal = there_in(self.circuit, value, into)
        smaller = isinstance(t, OptionalType) and not isinstance(into, OptionalType)
        if smaller or (isinstance(value, Cases) and records_of(into)):
            return literal, narrowed(value, into) if literal != FALSE else value
        return literal, widened(self.algebra, value, t, into)

    def any_state(self) -> tuple[SymbolicEnv, int]:
        """Return any values of the variables, and what makes them values of their types."""
        conditions: list[int] = []
        state = {name: self.algebra.unknown(t, conditions) for name, t in self.types.items()}
        return state, self.circuit.every(conditions)

    def within(self, state: SymbolicEnv) -> tuple[int, int]:
        """Return whether no constraint leaves a state out, and whether one has no answer, those before it having agreed."""
        within, undefined = TRUE, FALSE
        for constraint in self._constraints:
            holds, events = self.claim(constraint.name, state)
            unanswered = self.circuit.both(within, self.circuit.some([e.literal for e in events]))
            undefined = self.circuit.either(undefined, unanswered)
            within = self.circuit.every([within, holds, -unanswered])
        return within, undefined

    def claim(
        self, name: str, state: SymbolicEnv, old: SymbolicEnv | None = None
    ) -> tuple[int, tuple[Hazard, ...]]:
        """Return whether an invariant holds in a state, or a step invariant of a step."""
        function = self.module.functions[name]
        holds: list[int] = []
        met: list[Hazard] = []
        for start, arguments in self._starts(function, state, old or {}, met):
            answer = containers.call(function.key, arguments, Which.NOW, start)
            assert isinstance(answer, int)
            holds.append(self.circuit.either(-self.circuit.every(start.path), answer))
            met += self._shared.settled(start.events)
        return self.circuit.every(holds), tuple(met)

    def equal(self, a: SymbolicEnv, b: SymbolicEnv) -> int:
        """Return whether two states are the same."""
        return self.circuit.every([self.algebra.equal(a[n], b[n]) for n in self.types])

    def chosen(self, ways: Sequence[SymbolicStep], chosen: Sequence[int]) -> SymbolicEnv:
        """Return the variables after the one way that is chosen."""
        return {
            n: self.algebra.select([(o, way.after[n]) for o, way in zip(chosen, ways, strict=True)], t)
            for n, t in self.types.items()
        }

    def known(self, state: SymbolicEnv, true: LiteralTruth) -> Values:
        """Return the state that an assignment of truth values gives. The machine's own value types are used."""
        return tuple([decoded(state[n], true) for n in self.types])
