"""A driver as a state machine of Hypothesis: a class of a few lines.

    from ratified.conform.driving.machine import DriverMachine

    class Machine(DriverMachine):
        driver = Locks
        model = Lock(Client=2)                  # where the driver's class does not say one with sizes

    TestLocks = Machine.TestCase

Guarantees: each step is one that the model allows where it is, or one that it forbids, which must be refused or change nothing;
what fails is told with the whole walk, whatever raised it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from ratified.conform.driving.driver import Driver, DriverError, begins_with, methods_of
from ratified.conform.driving.graph import ROOT, Ask, ModelGraph
from ratified.conform.driving.shorter import walk_lines
from ratified.conform.driving.walk import DrivingFailure, Session
from ratified.language.model import Model

FORBIDDEN_MOST = 1_000
"""What is forbidden in a state is drawn from so many at most."""


class DeviationError(AssertionError):
    """A system does what its model does not allow; the text has the walk."""


class DriverMachine(RuleBasedStateMachine):
    """Derive from this, and say the `driver`, and the `model` at its size where the driver does not."""

    driver: ClassVar[Callable[[], Driver]]
    model: ClassVar[Model | None] = None
    forbidden: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        cls = type(self)
        if not hasattr(cls, "driver"):
            raise DriverError(
                f"{cls.__name__} does not say its driver", remedy="write `driver = Locks` in the class"
            )
        self._driver: Driver = cls.driver()
        model: object = cls.model if cls.model is not None else self._driver.model
        if not isinstance(model, Model):
            raise DriverError(
                f"{cls.__name__} does not say its model at a size",
                remedy="write `model = Lock(Client=2)` in the class",
            )
        self._driver.begin(model)
        methods = methods_of(self._driver, model)
        self._graph = _graph(model, self._driver)
        self._session = Session(self._driver, self._graph, methods)

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        """Begin anew."""
        asks = self._graph.options(ROOT)
        ask = asks[0] if len(asks) == 1 else data.draw(st.sampled_from(asks))
        self._told(lambda: self._session.begin(ask))

    @precondition(lambda self: self._options())
    @rule(data=st.data())
    def step(self, data: st.DataObject) -> None:
        """Do something that the model allows."""
        ask = data.draw(st.sampled_from(self._options()))
        self._told(lambda: self._session.ask(ask))

    @precondition(lambda self: self._wrong())
    @rule(data=st.data())
    def ask_what_is_forbidden(self, data: st.DataObject) -> None:
        """Ask for something that the model forbids."""
        ask = data.draw(st.sampled_from(self._wrong()))
        self._told(lambda: self._session.ask(ask))

    def teardown(self) -> None:
        """Free what the driver took."""
        self._driver.close()

    def _options(self) -> list[Ask]:
        return list(
            dict.fromkeys(a for s in self._session.possible if s != ROOT for a in self._graph.options(s))
        )

    def _wrong(self) -> list[Ask]:
        at = self._session.at
        if not self.forbidden or at is None or at == ROOT:
            return []
        cannot = self._driver.cannot_ask
        return [ask for ask in self._graph.forbidden(at)[:FORBIDDEN_MOST] if ask.action not in cannot]

    def _told(self, act: Callable[[], Any]) -> None:
        """Do it; what fails is told with the walk."""
        try:
            act()
        except DrivingFailure as failure:
            lines = walk_lines("", self._session.walk)
            raise DeviationError("\n".join([failure.what, *failure.details, *lines])) from None


_graphs: dict[tuple[int, tuple[Any, ...]], ModelGraph] = {}


def _graph(model: Model, driver: Driver) -> ModelGraph:
    """The graph of a model, the same for each example."""
    methods, begins = methods_of(driver, model), begins_with(driver, model)
    key = (id(model), (type(driver), *methods.items()))
    if key not in _graphs:
        _graphs[key] = ModelGraph(model, methods, begins, 1 << 62)
    return _graphs[key]
