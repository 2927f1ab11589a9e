

@record
class Named:
    name: str
