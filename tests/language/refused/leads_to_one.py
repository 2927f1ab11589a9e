"""What leads to what?"""

from ratified import Model, leads_to


class Blinker(Model):
    on: bool

    @leads_to
    def shines(self) -> bool:
        return self.on
