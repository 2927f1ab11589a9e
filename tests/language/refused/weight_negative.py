"""A weight that is none."""

from ratified import Model, action


class Blinker(Model):
    on: bool

    @action(weight=-1)
    def blink(self) -> None:
        self.on = not self.on
