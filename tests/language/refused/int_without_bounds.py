

class M(Model):
    seen: Map[int, bool]
