from ratified import Model, view


class Curious(Model):
    """A view that asks back."""

    on: bool

    @view
    def something(self, really: bool) -> bool:
        return self.on and really
