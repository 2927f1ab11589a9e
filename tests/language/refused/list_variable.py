

class M(Model):
    table: list[Client]
