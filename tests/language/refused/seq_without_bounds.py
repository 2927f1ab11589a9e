

class M(Model):
    log: Seq[Term]
