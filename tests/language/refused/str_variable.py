

class M(Model):
    name: str
