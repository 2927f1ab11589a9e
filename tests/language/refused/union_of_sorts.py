

class M(Model):
    either: Client | Node | None
