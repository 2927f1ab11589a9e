

class M(Model):
    role: Role = 1
