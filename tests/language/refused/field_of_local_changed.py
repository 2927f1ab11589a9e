from typing import Annotated

from ratified import AtMost, Model, Seq, Set, Sort, action, record, require


class Node(Sort): ...


@record
class Post:
    author: Node
    likes: Set[Node]


class M(Model):
    feed: Annotated[Seq[Post], AtMost(2)]

    @action
    def like(self, n: Node) -> None:
        require(len(self.feed) > 0)
        post = self.feed[0]
        post.likes.add(n)
