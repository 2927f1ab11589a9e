"""A model at a size as circuits: its initial states, its steps from any state, and what it claims of states and steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ratified.language.ir import Argument, Function, Kind
from ratified.language.machine import Values
from ratified.language.model import Model
from ratified.language.scope import running
from ratified.language.types import OptionalType, Type, records_of, resolved
from ratified.smt.finite.algebra import Algebra
from ratified.smt.finite.circuit import FALSE, TRUE, Circuit
from ratified.smt.finite.containers import item_of
from ratified.smt.finite.conversion import narrowed, widened
from ratified.smt.finite.decode import Truth, decoded
from ratified.smt.finite.execute import Executor
from ratified.smt.finite.expressions import Env, Event
from ratified.smt.finite.symbolic import Cases, Choice, Symbolic


@dataclass(frozen=True, slots=True)
class Way:
    """One way on: an action (None for the beginning) with its arguments, whether it is possible, and the variables after it."""

    action: Function | None
    arguments: tuple[Symbolic, ...]
    possible: int
    after: Env


@dataclass(frozen=True, slots=True)
class Moves:
    """All ways on from a state, and what computing them may come upon."""

    ways: tuple[Way, ...]
    events: tuple[Event, ...]


class CircuitSteps:
    """Makes circuits of one model at one size."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.module = model.module
        self.circuit = Circuit()
        self.algebra = Algebra(self.circuit, model.scope)
        self.types: dict[str, Type] = {d.name: resolved(d.type, model.scope) for d in self.module.variables}
        self._executor = Executor(self.module, self.algebra)
        self._constraints = self.module.of_kind(Kind.CONSTRAINT)

    def beginning(self) -> Moves:
        """Return the ways to begin."""
        with running(self.model.scope):
            zeros = {n: self.algebra.lift(v, self.types[n]) for n, v in self.model.zeros().items()}
        init = self.module.functions.get("init")
        if init is None:
            return Moves((Way(None, (), TRUE, zeros),), ())
        return self._moves([init], zeros, beginning=True)

    def moves(self, state: Env) -> Moves:
        """Return the ways on from a state."""
        return self._moves(self.module.of_kind(Kind.ACTION), state, beginning=False)

    def _moves(self, functions: Sequence[Function], state: Env, *, beginning: bool) -> Moves:
        ways: list[Way] = []
        events: list[Event] = []
        for function in functions:
            for there, arguments in self._arguments(function, state, (), events):
                possible, after = self._executor.run(function, arguments, state)
                events += self._met(there)
                possible = self.circuit.both(possible, there)
                if missing := [n for n in self.types if n not in after]:
                    events.append(
                        Event(possible, True, f"init does not assign `{missing[0]}`", function.span)
                    )
                elif possible != FALSE:
                    action = None if beginning else function
                    ways.append(Way(action, arguments, possible, {n: after[n] for n in self.types}))
        return Moves(tuple(ways), tuple(events))

    def _met(self, there: int) -> Iterator[Event]:
        """Yield what the executor came upon, where the arguments are there to be taken."""
        for event in self._executor.events:
            if (literal := self.circuit.both(event.literal, there)) != FALSE:
                yield replace(event, literal=literal)

    def _arguments(
        self,
        function: Function,
        state: Env,
        chosen: tuple[Symbolic, ...],
        events: list[Event],
        there: int = TRUE,
    ) -> Iterator[tuple[int, tuple[Symbolic, ...]]]:
        """Yield when a function may have which arguments in a state; `events` gets what finding them out comes upon.

        `chosen` are those of the first parameters, which are possible if `there`.
        """
        if len(chosen) == len(function.arguments):
            yield there, chosen
            return
        argument = function.arguments[len(chosen)]
        values = list(self._values(function, argument, state, chosen))
        if argument.domain is not None:
            events += self._met(there)
        for literal, value in values:
            found = self.circuit.both(there, literal)
            if found != FALSE:
                yield from self._arguments(function, state, (*chosen, value), events, found)

    def _values(
        self, function: Function, argument: Argument, state: Env, chosen: tuple[Symbolic, ...]
    ) -> Iterator[tuple[int, Symbolic]]:
        if argument.domain is None:
            for known in self.algebra.listed(argument.type):
                yield TRUE, self.algebra.lift(known, argument.type)
            return
        env = dict(zip((a.name for a in function.arguments), chosen, strict=False))
        container = self._executor.value(argument.domain, env, state)
        item = item_of(argument.domain.type)
        for there, value in self.algebra.elements(container, item):
            literal, value_of_type = self._of_type(value, item, argument.type)
            if self.circuit.both(there, literal) != FALSE:
                yield self.circuit.both(there, literal), value_of_type

    def _of_type(self, value: Symbolic, t: Type, into: Type) -> tuple[int, Symbolic]:
        """Return whether an element is of a parameter's type, and it as a value of that."""
        if t == into:
            return TRUE, value
        if isinstance(value, Cases):
            wanted: set[type | None] = {r.record for r in records_of(into)}
            if isinstance(into, OptionalType):
                wanted.add(None)
            literal = self.circuit.some([o for c, (o, _) in value.cases.items() if c in wanted])
            return literal, narrowed(value, t, into) if literal != FALSE else value
        if isinstance(value, Choice) and isinstance(t, OptionalType) and not isinstance(into, OptionalType):
            return -value.options.get(None, FALSE), narrowed(value, t, into)
        return TRUE, widened(self.algebra, value, t, into)

    def any_state(self) -> tuple[Env, int]:
        """Return any values of the variables, and what makes them values of their types."""
        conditions: list[int] = []
        state = {name: self.algebra.unknown(t, conditions) for name, t in self.types.items()}
        return state, self.circuit.every(conditions)

    def within(self, state: Env) -> tuple[int, int]:
        """Return whether no constraint leaves a state out, and whether one has no answer, those before it having agreed."""
        within, undefined = TRUE, FALSE
        for constraint in self._constraints:
            holds, events = self._all_of([constraint], state, None)
            unanswered = self.circuit.both(within, self.circuit.some([e.literal for e in events]))
            undefined = self.circuit.either(undefined, unanswered)
            within = self.circuit.every([within, holds, -unanswered])
        return within, undefined

    def claim(self, name: str, state: Env, old: Env | None = None) -> tuple[int, tuple[Event, ...]]:
        """Return whether an invariant holds in a state, or a step invariant of a step."""
        return self._all_of([self.module.functions[name]], state, old)

    def _all_of(
        self, functions: Sequence[Function], state: Env, old: Env | None
    ) -> tuple[int, tuple[Event, ...]]:
        holds: list[int] = []
        events: list[Event] = []
        for function in functions:
            for there, arguments in self._arguments(function, state, (), events):
                answer = self._executor.ask(function, arguments, state, old)
                assert isinstance(answer, int)
                holds.append(self.circuit.either(-there, answer))
                events += self._met(there)
        return self.circuit.every(holds), tuple(events)

    def equal(self, a: Env, b: Env) -> int:
        """Return whether two states are the same."""
        return self.circuit.every([self.algebra.equal(a[n], b[n]) for n in self.types])

    def chosen(self, ways: Sequence[Way], chosen: Sequence[int]) -> Env:
        """Return the variables after the one way that is chosen."""
        return {
            n: self.algebra.select([(o, way.after[n]) for o, way in zip(chosen, ways, strict=True)])
            for n in self.types
        }

    def known(self, state: Env, true: Truth) -> Values:
        """Return the state that an assignment of truth values gives. The machine's own value types are used."""
        return tuple(self.value(state[n], t, true) for n, t in self.types.items())

    def value(self, value: Symbolic, t: Type, true: Truth) -> object:
        """Return the value that an assignment of truth values gives to a symbolic one."""
        with running(self.model.scope):
            return decoded(value, t, true)
