

class M(Model):
    holder: Client | None
    term: Term
    role: Map[Client, Role]
    count: Annotated[int, Range(0, 3)]
    inbox: Set[Ask | Answer]
    log: Annotated[Seq[Term], AtMost(3)]

    @action
    def act(self, c: Client) -> None:
        pass

    @classmethod
    def idle(cls) -> bool:
        return True
