

class Thing: ...


class M(Model):
    thing: Thing
