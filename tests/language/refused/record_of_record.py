from ratified import Model, Sort, action, invariant, record


class Node(Sort): ...


@record
class Ask:
    n: Node


@record
class Tell(Ask):
    m: Node
