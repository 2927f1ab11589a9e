from ratified import Model, Set, Sort, action, require, sequences


class Node(Sort): ...


class M(Model):
    s: Set[Node]
    known: Set[Node]

    @action
    def act(self) -> None:
        require(any(len(q) > 1 for q in sequences(Node, len(self.known))))
        self.s = self.known
