"""What is to happen is a condition."""

from ratified import Model, eventually


class Blinker(Model):
    on: bool

    @eventually
    def shines(self) -> int:
        return 1
