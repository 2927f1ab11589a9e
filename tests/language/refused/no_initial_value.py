

class M(Model):
    first: Client
