

class M(Model):
    first: 'Colour'
