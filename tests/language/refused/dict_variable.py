

class M(Model):
    table: dict[Client, int]
