"""One system, walked along its model: each thing that it is asked for, and whether what is then seen is what the model has.

Guarantees: after each step what is observed is compared with every state that the model could be in; what none of them explains
is a DrivingFailure. What the model forbids must be refused, or change nothing that is observed. The walk is kept in any case.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ratified.conform.driving.driver import Driver, DriverError, DriverMethod, NotAsked, Refused, SystemFailed
from ratified.conform.driving.graph import ROOT, Ask, ModelGraph
from ratified.follow.binding import ObservedPlace
from ratified.follow.meaning import method_span
from ratified.follow.mismatch import place_text
from ratified.interchange.plain import NotOfType, entries, key_of, read
from ratified.language.errors import RatifiedError, Span
from ratified.language.machine import Values
from ratified.language.machine.failures import where
from ratified.language.scope import running
from ratified.language.types import MapType, SeqType, Type
from ratified.language.values import show


class Came(Enum):
    """The outcome of an attempt."""

    TAKEN = "taken"
    REFUSED = "refused"
    IGNORED = "changed nothing"
    NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True)
class Asked:
    """An attempt: the action, whether the model allows it there, and the outcome."""

    ask: Ask
    allowed: bool
    came: Came | None = None  # None: it failed
    reason: str = ""


class DrivingFailure(Exception):
    """A system that does not do what its model does. `is_driver` if it is the driver, or the process, that failed instead."""

    def __init__(
        self, what: str, details: tuple[str, ...] = (), *, is_driver: bool = False, slow: bool = False
    ) -> None:
        super().__init__(what)
        self.what = what
        self.details = details
        self.is_driver = is_driver
        self.slow = slow
        """Whether it took as long as one waits: it is not tried again and again."""
        self.error: RatifiedError | None = None


class Session:
    """A system that is walked. `possible` are the states of the model that explain what was seen."""

    def __init__(self, driver: Driver, graph: ModelGraph, methods: Mapping[str, DriverMethod]) -> None:
        self.driver, self.graph, self._methods = driver, graph, methods
        self.possible: tuple[int, ...] = (ROOT,)
        self.walk: list[Asked] = []
        self.observed: dict[ObservedPlace, None] = {}
        """Places that were compared."""
        module = graph.machine.module
        self._index = {d.name: n for n, d in enumerate(module.variables)}
        self._types = {d.name: d.type for d in module.variables}
        self._proven = False  # that the driver can reset and observe

    def order(self, name: str) -> int:
        """The place of a variable among the model's; its methods come last."""
        return self._index.get(name, len(self._index))

    @property
    def at(self) -> int | None:
        """The state of the model, where only one explains what was seen."""
        return self.possible[0] if len(self.possible) == 1 else None

    def begin(self, ask: Ask) -> None:
        """Begin anew. Raises DrivingFailure, or DriverError where the driver cannot even begin."""
        self.walk = []
        self.possible = (ROOT,)
        with running(self.graph.model.scope):
            self._call("reset", self.driver.reset, self._begin_arguments(ask))
        self.possible = self._explaining(self._targets(ask), f"after {ask}" if ask.arguments else "initially")
        self._proven = True

    def _begin_arguments(self, ask: Ask) -> dict[str, Any]:
        init = self.graph.machine.module.functions.get("init")
        names = ask.names if ask.names is not None else [a.name for a in init.arguments] if init else []
        return dict(zip(names, ask.arguments, strict=True))

    def is_allowed(self, ask: Ask) -> bool:
        """Whether the model allows something in a state that it could be in."""
        return any(ask in self.graph.asks(state) for state in self.possible)

    def may_ask(self, ask: Ask) -> bool:
        """Whether the model allows something, or it may be attempted where the model forbids it."""
        return self.is_allowed(ask) or not (
            ask.action in self.driver.cannot_ask or any(self.graph.is_another(s, ask) for s in self.possible)
        )

    def ask(self, ask: Ask) -> Asked:
        """Ask the system for something, and compare. Raises DrivingFailure."""
        if any(self.graph.is_beyond(s, ask) and ask not in self.graph.asks(s) for s in self.possible):
            return Asked(
                ask, allowed=True, came=Came.NOT_ASKED, reason="it would exceed a bound of the model"
            )
        allowed = self.is_allowed(ask)
        self.walk.append(Asked(ask, allowed))
        asked = self._taken(ask) if allowed else self._forbidden(ask)
        self.walk[-1] = asked
        return asked

    def _taken(self, ask: Ask) -> Asked:
        refusal = self._try(ask)
        if isinstance(refusal, NotAsked):
            return Asked(ask, True, Came.NOT_ASKED, str(refusal))
        if refusal is None:
            self.possible = self._explaining(self._targets(ask), f"after {ask}")
            return Asked(ask, True, Came.TAKEN)
        stay = tuple(
            s
            for s in self.possible
            if ask not in self.graph.asks(s) or s in self._leads_to(s, ask)  # the step changes nothing
        )
        if not stay:
            reason = f": {refusal}" if str(refusal) else ""
            raise DrivingFailure(f"{ask} is refused, but the model allows it{reason}")
        self.possible = self._explaining(stay, f"after {ask}, which was refused")
        return Asked(ask, True, Came.REFUSED, str(refusal))

    def _forbidden(self, ask: Ask) -> Asked:
        refusal = self._try(ask)
        if isinstance(refusal, NotAsked):
            return Asked(ask, False, Came.NOT_ASKED, str(refusal))
        told = (
            f"{ask} is not refused, but the model forbids it"
            if refusal is None
            else f"after {ask}, which was refused"
        )
        self.possible = self._explaining(self.possible, told)
        if refusal is None and self.driver.refuses:
            raise DrivingFailure(
                f"{ask} is not refused, but the model forbids it; nothing that is observed changed"
            )
        return Asked(ask, False, Came.IGNORED if refusal is None else Came.REFUSED, str(refusal or ""))

    def _leads_to(self, state: int, ask: Ask) -> list[int]:
        """The states that something asked for may lead to from a state."""
        edges = self.graph.edges(state)
        return [edges[n].target for n in self.graph.asks(state).get(ask, ())]

    def _targets(self, ask: Ask) -> tuple[int, ...]:
        return tuple(dict.fromkeys(t for s in self.possible for t in self._leads_to(s, ask)))

    # --- the driver ---

    def _try(self, ask: Ask) -> Refused | NotAsked | None:
        """Ask for it; None if it was not refused."""
        method = self._methods[ask.action]
        arguments = self.graph.arguments(ask)
        with running(self.graph.model.scope):
            try:
                if method.name is None:
                    given = {"action": ask.action, "arguments": arguments}
                    answer = self._call(str(ask), self.driver.take, given, may_refuse=True)
                else:
                    act = getattr(self.driver, method.name)
                    answer = self._call(str(ask), act, arguments, may_refuse=True)
            except (Refused, NotAsked) as refusal:
                return refusal
        return Refused() if answer is False else None

    def _call(
        self, what: str, function: Any, arguments: Mapping[str, Any], *, may_refuse: bool = False
    ) -> Any:
        """Call the driver. What it raises itself is its own failure; what the system below it raises, the system's."""
        try:
            return function(**arguments)
        except (Refused, NotAsked) as refusal:
            if may_refuse:
                raise
            name = type(refusal).__name__
            problem = f"{what} raises {name}, which only an action may"
            raise self._driver_failed(DriverError(problem, span=where(refusal.__traceback__))) from None
        except DriverError as error:
            raise self._driver_failed(error) from None
        except SystemFailed as error:
            raise DrivingFailure(f"{what} fails: {error}") from None
        except AssertionError as error:
            raise DrivingFailure(
                f"{what}: {str(error) or 'an assertion of the driver is false'}", _at(error)
            ) from None
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a system may raise anything
            told = f"{what} raises {type(error).__name__}" + (f": {error}" if str(error) else "")
            if self._proven and not self._raised_by_driver(error):
                raise DrivingFailure(told, _at(error)) from None
            raise self._driver_failed(DriverError(told, span=where(error.__traceback__))) from None

    def _driver_failed(self, error: DriverError) -> Exception:
        if not self._proven:
            return error
        failure = DrivingFailure(str(error), is_driver=True, slow=error.slow)
        failure.error = error
        return failure

    def _raised_by_driver(self, error: BaseException) -> bool:
        """Whether an exception was raised by a line of the driver's class itself, not by what it calls."""
        trace, codes = error.__traceback__, set()
        for cls in type(self.driver).__mro__[:-1]:
            codes |= {code for f in vars(cls).values() if (code := getattr(f, "__code__", None))}
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        return trace is not None and trace.tb_frame.f_code in codes

    # --- what is seen ---

    def _explaining(self, states: Iterable[int], when: str) -> tuple[int, ...]:
        """Of these states those that have what is observed now. Raises DrivingFailure if none has."""
        states = tuple(states)
        with running(self.graph.model.scope):
            observation = self._call("observe", self.driver.observe, {})
            try:
                seen = list(self._places(observation))
            except DriverError as problem:
                raise self._driver_failed(problem) from None
            except NotOfType as problem:
                if not self._proven:
                    raise DriverError(
                        f"{type(self.driver).__name__}.observe: {problem}",
                        span=method_span(type(self.driver), "observe"),
                    ) from None
                raise DrivingFailure(f"{when}: {problem}") from None
        self.observed.update((place, None) for place, _ in seen)
        differing = {s: list(self._differences(self.graph.states[s], seen)) for s in states}
        kept = tuple(s for s, found in differing.items() if not found)
        if not kept:
            fewest = min(differing.values(), key=len)
            fewest.sort(key=lambda found: self.order(found[0][0]))
            several = f" (the nearest of {len(states)} states)" if len(states) > 1 else ""
            lines = tuple(
                f"{place_text(p)} is {show(v)}, the model has {show(due)}{several}" for p, v, due in fewest
            )
            raise DrivingFailure(f"{when}: {lines[0]}", lines[1:])
        return kept

    def _places(self, observation: object) -> Iterator[tuple[ObservedPlace, Any]]:
        """What is observed, by place of the model. Raises NotOfType, DriverError."""
        if not isinstance(observation, Mapping):
            raise self._wrong(f"returns {show(observation)}", 'return values by variable: {"holder": None}')
        for named, value in observation.items():
            name, *keys = named if isinstance(named, tuple) and named else (named,)
            declared = self._types.get(name) if isinstance(name, str) else None
            if declared is None:
                if not isinstance(name, str) or not callable(getattr(type(self.graph.model), name, None)):
                    raise self._wrong(
                        f"reports {name!r}, which {self.graph.machine.module.name} does not have",
                        f"its variables: {', '.join(self._types)}",
                    )
                function = self.graph.machine.module.functions.get(name)
                returns = function.returns if function is not None else None
                yield (
                    (name, *keys),
                    value if returns is None else read(returns, value, self.graph.model.scope),
                )
                continue
            place: ObservedPlace = (name,)
            for key in keys:
                if isinstance(declared, MapType):
                    place = (*place, key_of(declared.key, key, self.graph.model.scope))
                    declared = declared.value
                elif isinstance(declared, SeqType) and type(key) is int:
                    place, declared = (*place, key), declared.item
                else:
                    raise self._wrong(f"reports {show(named)}: {declared} has no keys", "")
            yield from self._inside(place, declared, value)

    def _inside(
        self, place: ObservedPlace, declared: Type, value: object
    ) -> Iterator[tuple[ObservedPlace, Any]]:
        """A place; of a map each key that was given."""
        scope = self.graph.model.scope
        if not isinstance(declared, MapType):
            yield place, read(declared, value, scope)
            return
        if isinstance(declared.value, MapType):
            if not isinstance(value, Mapping):
                raise NotOfType(value, declared)
            for key, inner in value.items():
                yield from self._inside((*place, key_of(declared.key, key, scope)), declared.value, inner)
            return
        for key, item in entries(declared, value, scope):
            yield (*place, key), item

    def _wrong(self, problem: str, remedy: str) -> DriverError:
        cls = type(self.driver)
        return DriverError(
            f"{cls.__name__}.observe {problem}", span=method_span(cls, "observe"), remedy=remedy
        )

    def _differences(
        self, state: Values, seen: list[tuple[ObservedPlace, Any]]
    ) -> Iterator[tuple[ObservedPlace, Any, Any]]:
        for place, value in seen:
            name, *keys = place
            index = self._index.get(name)
            due: Any = self.graph.machine.ask(state, name, tuple(keys)) if index is None else state[index]
            for key in keys if index is not None else ():
                if isinstance(key, int) and not isinstance(due, Mapping) and key >= len(due):
                    due = None
                    break
                due = due[key]
            if due != value or (isinstance(due, bool) is not isinstance(value, bool)):
                yield place, value, due


def _at(error: BaseException) -> tuple[str, ...]:
    """Where it was raised."""
    span: Span | None = where(error.__traceback__)
    return (f"raised at {span}", *span.excerpt().splitlines()) if span else ()
