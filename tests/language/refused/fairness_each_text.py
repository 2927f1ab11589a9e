"""A name in place of a tuple of names."""

from ratified import Map, Model, Sort, action


class Lamp(Sort):
    """Shines."""


class Lamps(Model):
    on: Map[Lamp, bool]

    @action(fair="weak", each="lamp")  # type: ignore
    def blink(self, lamp: Lamp) -> None:
        self.on[lamp] = not self.on[lamp]
