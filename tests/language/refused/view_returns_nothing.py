from ratified import Model, view


class Blind(Model):
    """A view that shows nothing."""

    on: bool

    @view
    def nothing(self) -> None:
        pass
