

class M(Model):
    holder: Client | None
    term: Term
    role: Map[Client, Role]
    count: Annotated[int, Range(0, 3)]
    inbox: Set[Ask | Answer]
    log: Annotated[Seq[Term], AtMost(3)]

    @action
    def act(self, c: Client) -> None:
        if c == c and (x := self.count) > 1:
            self.count = x
