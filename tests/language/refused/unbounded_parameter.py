from ratified import Model, action


class M(Model):
    flag: bool

    @action
    def act(self, n: int) -> None:
        self.flag = n > 0
