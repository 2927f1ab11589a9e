"""A weight that is no number."""

from ratified import Model, action


class Blinker(Model):
    on: bool

    @action(weight="often")
    def blink(self) -> None:
        self.on = not self.on

    def often(self) -> bool:
        return self.on
