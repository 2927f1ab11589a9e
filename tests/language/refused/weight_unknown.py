"""A weight that nothing gives."""

from ratified import Model, action


class Blinker(Model):
    on: bool

    @action(weight="often")
    def blink(self) -> None:
        self.on = not self.on

    def seldom(self) -> int:
        return 1
