"""Vacuity."""

from __future__ import annotations

from ratified.models.language.machine import Machine, Values


class Witnesses:
    """Stub."""

    def __init__(self, machine: Machine) -> None:
        self.open_states: list[str] = []
        self.open_steps: list[str] = []

    def mark(self) -> object:
        return None

    def reset(self, mark: object) -> None:
        pass

    def see_state(self, state: Values) -> None:
        pass

    def see_step(self, old: Values, new: Values) -> None:
        pass

    def never(self, name: str) -> bool:
        return False
