"""A weight of something else."""

from ratified import Map, Model, Sort, action


class Lamp(Sort):
    pass


class Blinker(Model):
    on: Map[Lamp, bool]

    @action(weight="often")
    def blink(self, lamp: Lamp) -> None:
        self.on[lamp] = not self.on[lamp]

    def often(self) -> int:
        return 1
