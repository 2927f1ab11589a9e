"""A model's states and steps as a driver sees them: what can be asked for in a state, what it may lead to, what is forbidden.

Guarantees: states have numbers, 0 stands for "not begun", and its steps lead to the initial states; the same model gives the same
numbers. What leaves a declared bound, or a constraint of the model, is *beyond*: neither asked for nor forbidden.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Final

from ratified.conform.cover import Edge
from ratified.conform.driving.driver import DriverMethod
from ratified.interchange.plain import read, written
from ratified.language.ir import Function, Kind
from ratified.language.machine import OutOfBounds, PythonMachine, Values
from ratified.language.model import Model
from ratified.language.scope import running
from ratified.language.types import Type, cardinality, values_of
from ratified.language.values import show

BEGIN: Final = "init"  # no action can have the name of what begins
ROOT: Final = 0
MOST_CHOICES: Final = 1_000
"""Where an action has more choices of arguments than this, only those that it has in some state are asked for."""


class TooManyStatesError(Exception):
    """There are more states than were to be looked at."""


@dataclass(frozen=True, slots=True, repr=False)
class Ask:
    """An action to attempt, with those of its arguments that the driver passes."""

    action: str
    arguments: Values
    names: tuple[str, ...] | None = None  # where they are not all that the action has

    def __repr__(self) -> str:
        texts = [show(a) for a in self.arguments]
        if self.names is not None:
            texts = [f"{n}={v}" for n, v in zip(self.names, texts, strict=True)]
        return f"{self.action}({', '.join(texts)})"


class ModelGraph:
    """The states of a model, found when they are asked for. Raises TooManyStatesError past `most`."""

    def __init__(
        self, model: Model, methods: Mapping[str, DriverMethod], begins: tuple[str, ...], most: int
    ) -> None:
        self.machine = PythonMachine(model)
        self.model = model
        self.most = most
        self._actions = {f.name: f for f in self.machine.actions}
        self._names = [f.name for f in self.machine.actions]
        self._constraints = [f.name for f in self.machine.module.of_kind(Kind.CONSTRAINT)]
        self._methods = methods
        self._found: dict[Values, int] = {}
        self.states: list[Values] = [()]
        self._edges: dict[int, list[Edge]] = {}
        self._beyond: dict[int, set[Ask]] = {}
        self.bounds: dict[str, int] = {}
        """How many steps would leave a declared bound, by which."""
        self._asks: dict[int, dict[Ask, list[int]]] = {}
        self._options: dict[int, tuple[Ask, ...]] = {}
        self._forbidden: dict[int, list[Ask]] = {}
        self._occurring: dict[str, dict[Ask, None]] = defaultdict(dict)
        init = next(iter(self.machine.module.of_kind(Kind.INIT)), None)
        names = [a.name for a in init.arguments] if init else []
        self._begin_places = tuple(n for n, a in enumerate(names) if a in begins)
        self._begin_names = None if len(begins) == len(names) else begins
        with running(model.scope):
            self._every = {name: self._choices(self._actions[name], m) for name, m in methods.items()}
        self.not_every = tuple(name for name, made in self._every.items() if made is None)
        """Actions of which not every choice of arguments is asked for where it is forbidden."""

    @property
    def count(self) -> int:
        """How many steps were found, beginnings not counted."""
        return sum(len(edges) for state, edges in self._edges.items() if state != ROOT)

    def all(self) -> None:
        """Find every state. Raises TooManyStatesError."""
        index = 0
        while index < len(self.states):
            self.edges(index)
            index += 1

    def edges(self, index: int) -> list[Edge]:
        """The steps from a state, in the order of actions and arguments."""
        known = self._edges.get(index)
        if known is None:
            known = self._edges[index] = []
            self._beyond[index] = beyond = set()
            for action, arguments, after in self._steps(index):
                if isinstance(after, OutOfBounds):
                    self.bounds[after.what] = self.bounds.get(after.what, 0) + 1
                target = None if isinstance(after, OutOfBounds) else self._number(after)
                edge = Edge(action, arguments, ROOT if target is None else target)
                if target is None:
                    beyond.add(self.ask_of(edge))
                elif index != ROOT or edge.target not in {e.target for e in known}:
                    known.append(edge)
        return known

    def _steps(self, index: int) -> list[tuple[str, Values, Values | OutOfBounds]]:
        if index == ROOT:
            return [(BEGIN, arguments, state) for arguments, state in self.machine.initial()]
        return [(self._names[n], a, after) for n, a, after in self.machine.steps(self.states[index])]

    def _number(self, state: Values) -> int | None:
        """The number of a state, None for one outside of a constraint."""
        number = self._found.get(state)
        if number is None:
            if any(self.machine.refuted_by(c, state) is not None for c in self._constraints):
                return None
            if len(self.states) > self.most:
                raise TooManyStatesError
            number = self._found[state] = len(self.states)
            self.states.append(state)
        return number

    def ask_of(self, edge: Edge) -> Ask:
        """What is asked for so that a step may be taken."""
        if edge.action == BEGIN:
            return Ask(BEGIN, tuple(edge.arguments[n] for n in self._begin_places), self._begin_names)
        method = self._methods.get(edge.action)
        if method is None or not method.chooses:
            return Ask(edge.action, edge.arguments)
        return Ask(edge.action, tuple(edge.arguments[n] for n in method.places), method.parameters)

    def asks(self, index: int) -> dict[Ask, list[int]]:
        """What a driver can ask for in a state that the model allows, with the places of the steps that it may come to."""
        known = self._asks.get(index)
        if known is None:
            known = self._asks[index] = {}
            for place, edge in enumerate(self.edges(index)):
                if index == ROOT or edge.action in self._methods:
                    known.setdefault(self.ask_of(edge), []).append(place)
            for ask in known:
                self._occurring[ask.action][ask] = None
        return known

    def options(self, index: int) -> Sequence[Ask]:
        """The same without where it leads."""
        known = self._options.get(index)
        if known is None:
            known = self._options[index] = tuple(self.asks(index))
        return known

    def is_beyond(self, index: int, ask: Ask) -> bool:
        """Whether something asked for may lead beyond a bound or constraint."""
        self.edges(index)
        return ask in self._beyond[index]

    def forbidden(self, index: int) -> list[Ask]:
        """What a driver can ask for that the model forbids in a state."""
        known = self._forbidden.get(index)
        if known is not None:
            return known
        allowed, beyond = self.asks(index), self._beyond[index]
        found = [
            ask
            for action in self._methods
            for ask in self._universe(action)
            if ask not in allowed and ask not in beyond and not self.is_another(index, ask)
        ]
        if not self.not_every:
            self._forbidden[index] = found
        return found

    def is_another(self, index: int, ask: Ask) -> bool:
        """Whether another action that is the same request may be taken in a state."""
        allowed, beyond = self.asks(index), self._beyond[index]
        others = (replace(ask, action=action) for action in self._methods[ask.action].others)
        return any(other in allowed or other in beyond for other in others)

    def _universe(self, action: str) -> list[Ask]:
        """Every choice of arguments; where these are too many, those that occur."""
        known = self._every.get(action)
        return list(self._occurring[action]) if known is None else known

    def _choices(self, function: Function, method: DriverMethod) -> list[Ask] | None:
        scope = self.model.scope
        types = [function.arguments[n].type for n in method.places]
        count = 1.0
        for t in types:
            count *= cardinality(t, scope)
        if count > MOST_CHOICES:
            return None
        names = method.parameters if method.chooses else None
        return [Ask(function.name, v, names) for v in product(*(list(values_of(t, scope)) for t in types))]

    def arguments(self, ask: Ask) -> dict[str, Any]:
        """What is asked for, by name."""
        method = self._methods[ask.action]
        return dict(zip(method.parameters, ask.arguments, strict=True))

    def written(self, ask: Ask) -> dict[str, Any]:
        """What is asked for, by name, as JSON."""
        types = self._types_of(ask.action)
        names = ask.names if ask.names is not None else tuple(types)
        return {n: written(types[n], v) for n, v in zip(names, ask.arguments, strict=True)}

    def read(self, action: str, arguments: Mapping[str, Any]) -> Ask:
        """What JSON asks for: an action (BEGIN for a beginning) and its arguments, of which the system may choose some.

        Raises NotOfType, or LookupError with what is wrong.
        """
        if action != BEGIN and action not in self._actions:
            raise LookupError(f"there is no action {action!r}; there are {', '.join(self._actions)}")
        types = self._types_of(action)
        for name in arguments:
            if name not in types:
                raise LookupError(f"{action} has no argument {name!r}; it has {', '.join(types) or 'none'}")
        names = tuple(n for n in types if n in arguments)
        with running(self.model.scope):
            values = tuple(read(types[n], arguments[n], self.model.scope) for n in names)
        return Ask(action, values, None if len(names) == len(types) else names)

    def narrowed(self, ask: Ask) -> Ask:
        """What a driver asks for in place of something with all its arguments, some of which it may leave to the system."""
        return self.ask_of(Edge(ask.action, ask.arguments, ROOT))

    def names(self, action: str) -> tuple[str, ...]:
        """The names of an action's arguments."""
        return tuple(self._types_of(action))

    def _types_of(self, action: str) -> dict[str, Type]:
        function = self.machine.module.functions.get("init") if action == BEGIN else self._actions[action]
        return {a.name: a.type for a in function.arguments} if function is not None else {}
