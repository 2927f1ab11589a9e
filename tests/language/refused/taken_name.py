from ratified import Model


class M(Model):
    given: bool
