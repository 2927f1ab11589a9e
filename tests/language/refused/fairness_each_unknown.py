"""Fairness for each value of a parameter that is not there."""

from ratified import Map, Model, Sort, action


class Lamp(Sort):
    """Shines."""


class Lamps(Model):
    on: Map[Lamp, bool]

    @action(fair="weak", each=("l",))
    def blink(self, lamp: Lamp) -> None:
        self.on[lamp] = not self.on[lamp]
