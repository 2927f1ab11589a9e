"""Fairness of another strength."""

from ratified import Model, action


class Blinker(Model):
    on: bool

    @action(fair="week")  # type: ignore
    def blink(self) -> None:
        self.on = not self.on
