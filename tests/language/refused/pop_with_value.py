

class M(Model):
    log: Annotated[Seq[Term], AtMost(3)]
    last: Term

    @action
    def act(self) -> None:
        self.last = min(self.log.pop(0), self.last)
