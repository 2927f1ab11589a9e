"""A claim that does what it claims."""

from ratified import Model, eventually


class Blinker(Model):
    on: bool

    @eventually
    def shines(self) -> bool:
        self.on = True
        return self.on
