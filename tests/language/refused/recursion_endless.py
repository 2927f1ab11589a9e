from ratified import Model, Seq, Sort, action, invariant, recursive, require


class Node(Sort): ...


class M(Model):
    parent: Node = Node(0)

    @recursive(most=3)
    def root(self, n: Node) -> Node:
        return n if n == self.parent else self.root(n)

    @invariant
    def rooted(self) -> bool:
        return all(self.root(n) == self.parent for n in Node)
