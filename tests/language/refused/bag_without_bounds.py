

class M(Model):
    mail: Map[Client, Bag[Ask]]
