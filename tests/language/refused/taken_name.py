from ratified import Model


class M(Model):
    zeros: bool
