"""A driver is a state machine of Hypothesis in a few lines."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from ratified import DriverError, Observation
from ratified.conform.driving.machine import DeviationError, DriverMachine
from tests.driving.systems import Client, Granting, Grants, Lock, Locks, Server

QUICK = settings(
    max_examples=20,
    stateful_step_count=15,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=tuple(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
    print_blob=False,
)


class LockMachine(DriverMachine):
    driver = Locks
    model = Lock(Client=2)


class GrantMachine(DriverMachine):
    driver = Granting
    model = Grants(Client=2, Ticket=4)


def tried(machine: type[DriverMachine]) -> None:
    run_state_machine_as_test(machine, settings=QUICK)


def test_a_system_that_does_what_the_model_does_passes() -> None:
    tried(LockMachine)
    tried(GrantMachine)


class Third(Server):
    """The third time that it is locked nothing is noted."""

    times = 0

    def lock(self, who: str) -> bool:
        done = super().lock(who)
        self.times += done
        if self.times == 3:
            self.holder = None
        return done


def test_what_is_found_is_told_with_the_walk() -> None:
    class ThirdLocks(Locks):
        make: ClassVar[type[Server]] = Third

    class Machine(LockMachine):
        driver = ThirdLocks
        forbidden = False

    with pytest.raises(DeviationError) as raised:
        tried(Machine)
    lines = str(raised.value).splitlines()
    assert lines[0] == "after acquire(c1): holder is None, the model has c1"
    assert [line.split()[1].partition("(")[0] for line in lines[1:]] == [
        "acquire",
        "release",
        "acquire",
        "release",
        "acquire",
    ]


def test_the_driver_is_closed_after_each_run() -> None:
    open_: list[Any] = []

    class Closing(Locks):
        def reset(self) -> None:
            super().reset()
            open_.append(self)

        def close(self) -> None:
            open_.remove(self)

    class Machine(LockMachine):
        driver = Closing

    tried(Machine)
    assert open_ == []


def test_a_machine_that_makes_no_sense_is_told() -> None:
    class NoDriver(DriverMachine):
        pass

    class NoSize(DriverMachine):
        driver = Locks

    class Wrong(Locks):
        def observe(self) -> Observation:
            return {"owner": Client(0)}

    class WrongPlace(LockMachine):
        driver = Wrong

    with pytest.raises(
        DriverError, match="NoDriver does not say its driver\n  write `driver = Locks` in the class"
    ):
        tried(NoDriver)
    with pytest.raises(DriverError, match="NoSize does not say its model at a size\n"):
        tried(NoSize)
    with pytest.raises(DriverError, match=r"Wrong\.observe reports 'owner', which Lock does not have"):
        tried(WrongPlace)
