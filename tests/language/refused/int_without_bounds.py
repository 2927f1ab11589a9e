

class M(Model):
    count: int
