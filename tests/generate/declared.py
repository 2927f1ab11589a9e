"""What generated proof scripts declare: variables with the actions that move them, parameters, and assumptions about these."""

from __future__ import annotations

VARIABLES: dict[str, tuple[str, tuple[str, ...]]] = {
    "cur": ("cur: Ballot", ("def move_cur(self, n: Ballot) -> None:", "    self.cur = n")),
    "who": ("who: Node | None", ("def move_who(self, n: Node | None) -> None:", "    self.who = n")),
    "phase": ("phase: Phase", ("def move_phase(self, n: Phase) -> None:", "    self.phase = n")),
    "level": (
        "level: Small",
        ("def move_level(self, n: Small) -> None:", "    require(n >= self.level)", "    self.level = n"),
    ),
    "flip": (
        "flip: Map[Node, bool]",
        ("def move_flip(self, n: Node) -> None:", "    self.flip[n] = not self.flip[n]"),
    ),
    "rank": (
        "rank: Map[Node, Ballot | None]",
        ("def move_rank(self, n: Node, m: Ballot) -> None:", "    self.rank[n] = m"),
    ),
    "score": (
        "score: Map[Node, Small]",
        ("def move_score(self, n: Node, m: Small) -> None:", "    self.score[n] = m"),
    ),
    "slot": (
        "slot: Map[Small, bool]",
        ("def move_slot(self, n: Small) -> None:", "    self.slot[n] = not self.slot[n]"),
    ),
    "room": (
        'room: Map[Annotated[int, Range(0, "limit")], bool]',
        (
            'def move_room(self, n: Annotated[int, Range(0, "limit")]) -> None:',
            "    self.room[n] = not self.room[n]",
        ),
    ),
    "seen": (
        "seen: Set[Node]",
        (
            "def move_seen(self, n: Node) -> None:",
            "    if n in self.seen:",
            "        self.seen.remove(n)",
            "    else:",
            "        self.seen.add(n)",
        ),
    ),
    "maybe": (
        "maybe: Set[Node | None]",
        ("def move_maybe(self, n: Node | None) -> None:", "    self.maybe.add(n)"),
    ),
    "sent": (
        "sent: Set[Ask | Grant]",
        (
            "def move_sent(self, n: Node, m: Ballot) -> None:",
            "    self.sent.add(Ask(n, m))",
            "    if len(self.sent) > 1:",
            "        self.sent.add(Grant(n, None))",
        ),
    ),
    "last_sent": (
        "last_sent: Ask | Grant | None",
        (
            "def move_last_sent(self, n: Node, m: Ballot | None) -> None:",
            "    if m is None:",
            "        self.last_sent = Grant(n, self.last_sent is None)",
            "    else:",
            "        self.last_sent = Ask(n, m)",
        ),
    ),
    "bag": (
        "bag: Annotated[Bag[Node], AtMost(2)]",
        ("def move_bag(self, n: Node) -> None:", "    require(len(self.bag) < 2)", "    self.bag.add(n)"),
    ),
    "log": (
        "log: Annotated[Seq[Node], AtMost(2)]",
        ("def move_log(self, n: Node) -> None:", "    require(len(self.log) < 2)", "    self.log.append(n)"),
    ),
    "other": (
        "other: Map[Node, bool]",
        ("def move_other(self, n: Node) -> None:", "    self.other[n] = not self.other[n]"),
    ),
    "logs": (
        "logs: Map[Node, Annotated[Seq[Ballot], AtMost(2)]]",
        (
            "def move_logs(self, n: Node, m: Ballot) -> None:",
            "    require(len(self.logs[n]) < 2)",
            "    self.logs[n].append(m)",
        ),
    ),
    "pairs": (
        "pairs: Set[Ask | Other.Ask]",
        ("def move_pairs(self, n: Node, m: Ballot) -> None:", "    self.pairs.add(Ask(n, m))"),
    ),
    "vote": (
        "vote: Grant | None",
        (
            "def move_vote(self, n: Node, m: bool | None) -> None:",
            "    self.vote = Grant(n, m)",
        ),
    ),
    "asked": (
        "asked: Ask | None",
        ("def move_asked(self, n: Node, m: Ballot) -> None:", "    self.asked = Ask(n, m)"),
    ),
    "height": (
        'height: Annotated[int, Range("limit", 4)]',
        ('def move_height(self, n: Annotated[int, Range("limit", 4)]) -> None:', "    self.height = n"),
    ),
    "tried": (
        "tried: Set[Ballot]",
        ("def move_tried(self, n: Ballot) -> None:", "    self.tried.add(n)"),
    ),
    "held": (
        "held: Map[bool, Node | None]",
        ("def move_held(self, n: bool, m: Node | None) -> None:", "    self.held[n] = m"),
    ),
}
"""Variables: how each is declared, and the action that changes it."""

DECLARED: dict[str, str] = {
    "limit": "limit: Param[int] = 2",
    "quorums": "quorums: Param[Set[Set[Node]]] = majorities(Node)",
    "steep": "steep: Param[Map[Ballot, bool]] = at_size(lambda: Map({z: False for z in Ballot}))",
}
"""Parameters."""

ASSUMES: dict[str, tuple[str, str]] = {
    "positive": ("limit", "self.limit >= 1 and self.limit <= 3"),
    "meet": ("quorums", "all(not g.isdisjoint(h) for g in self.quorums for h in self.quorums)"),
    "inhabited": ("quorums", "all(any(x in g for x in Node) for g in self.quorums)"),
    "rising": ("steep", "all(z == first(Ballot) or self.steep[z - 1] <= self.steep[z] for z in Ballot)"),
    "never_steep": ("steep", "all(True if z.is_last() else not self.steep[z + 1] for z in Ballot)"),
    "several": ("", "len(Node) >= 2"),
    "never_so": ("", "len(Node) > 2 and len(Ballot) < 2 and len(Node) < 3"),
}
"""Assumptions: the parameter that each is about, and what it says."""
