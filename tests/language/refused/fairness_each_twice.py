"""A parameter named twice."""

from ratified import Map, Model, Sort, action


class Lamp(Sort):
    """Shines."""


class Lamps(Model):
    on: Map[Lamp, bool]

    @action(fair="strong", each=("lamp", "lamp"))
    def blink(self, lamp: Lamp) -> None:
        self.on[lamp] = not self.on[lamp]
