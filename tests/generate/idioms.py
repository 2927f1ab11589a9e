"""Idioms at the edges of the language: conditions of a step that sets a flag, true nowhere, at some sizes, or in some states.

Placeholders: `$a $b` are nodes, `$c $d $e` ballots, `$i $j $k` small integers, `$o` a node or None, `$s $t` sets of nodes, `$p` a
phase, `$x $y` names that the idiom itself binds (for nodes; `$z` for ballots). Each idiom names the variables that it reads, and
what it does before it requires its condition; each of its conditions is one model. Whether the flag can be set, exploring says.
"""

from __future__ import annotations

from tests.generate.idiom import Idiom
from tests.generate.looping import LOOPS

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
}
"""Assumptions: the parameter that each is about, and what it says."""

IDIOMS = (
    Idiom(
        "nested extrema",
        (
            "max(max($i, $j), $k) < $i",
            "max($i, max($j, $k)) < $k",
            "min(max($i, $j), $k) > $k",
            "max(1, min($i, 2)) > 2",
            "min(max($i, 1), 3) < 1",
            "max(max($i, $j), $k) != max($i, $j, $k)",
            "max(max($i, $j), $k) == $i",
            "min($i, $j) > max($j, $k)",
            "max(max($c, $d), $e) < $d",
            "min(max($c, $d), $e) > $e",
            "max($c, $d) < min($d, $e)",
            "max(max($c, $d), $e) > max($d, $e)",
            "max((self.score[$x] for $x in Node), default=0) < self.score[$a]",
            "min((self.score[$x] for $x in Node), default=0) > self.score[$a]",
            "max((self.score[$x] for $x in Node if $x in $s), default=0) > max((self.score[$x] for $x in Node), default=0)",
        ),
        variables=("score",),
    ),
    Idiom(
        "neighbours of ballots",
        (
            "not $c.is_last() and $c + 1 <= $c",
            "$c != first(Ballot) and $c - 1 >= $c",
            "any($c < $z and not $c.is_last() and $z < $c + 1 for $z in Ballot)",
            "any($z + 1 <= $c for $z in Ballot if $z > $c and not $z.is_last())",
            "not all($z.is_last() or $z + 1 > $z for $z in Ballot)",
            "any(True if $z.is_last() else $z + 1 == first(Ballot) for $z in Ballot) and any(not $z.is_last() for $z in Ballot)",
            "not $c.is_last() and ($c + 1) - 1 != $c",
            "(last(Ballot) if $c.is_last() else $c + 1) < $c",
            "(first(Ballot) if $c == first(Ballot) else $c - 1) > $c",
            "not $c.is_last() and not (max($c, $d) + 1 > $c if not max($c, $d).is_last() else True)",
            "not $c.is_last() and $c + 1 == last(Ballot)",
            "all($z != $c for $z in Ballot if $z >= $c)",
        ),
        variables=("cur",),
    ),
    Idiom(
        "partial in a branch that is not taken",
        (
            "(False if $c.is_last() else $c + 1 == $c)",
            "($c == $c) if $c < $c else (not $c.is_last() and $c + 1 < $d and $d <= $c)",
            "not (self.log[0] == self.log[0] if len(self.log) > 0 else True)",
            "len(self.log) > 1 and self.log[1] != self.log[-1]",
            "len(self.log) > 0 and self.log[-1] not in self.log",
            "(self.log[1] == $a if len(self.log) > 1 else $a != $a)",
            "all(len(self.log) > 1 and self.log[1] == $x for $x in Node) and len(Node) == 1 and len(self.log) < 2",
            "any($x == self.log[0] for $x in Node if len(self.log) > 0) != (len(self.log) > 0)",
            "self.rank[$a] is not None and False if self.rank[$a] is None else self.rank[$a] is None",
        ),
        variables=("log", "rank"),
    ),
    Idiom(
        "options",
        (
            "$o in Node and $o is None",
            "None in {$o} and $o is not None",
            "$o not in {$o, None}",
            "(None in Set([$o])) != ($o is None)",
            "any($x is None for $x in {$o, self.who}) and $o is not None and self.who is not None",
            "{None} == {$o} and $o is not None",
            "Set([$o, self.who]) != Set([self.who, $o])",
            "None in self.maybe and all($x is not None for $x in self.maybe)",
            "len(self.maybe) >= 1 and None not in self.maybe and not any($x in self.maybe for $x in Node)",
            "self.maybe == {None} and any($x in self.maybe for $x in Node)",
            "($o is None or $o == $a) and $o not in {None, $a}",
            "self.who == $o and $o != self.who",
            "self.who is None and self.who in self.maybe and None not in self.maybe",
            "None in self.maybe and self.who is None",
        ),
        variables=("who", "maybe"),
    ),
    Idiom(
        "numbered values",
        (
            "len(Node) > 1 and Node(1) == Node(0)",
            "all($x == Node(0) for $x in Node) and any($x != $a for $x in Node)",
            "$a != Node(0) and $b != Node(0) and $a != $b",
            "all($x == $y for $x in Node for $y in Node) or (len(Node) > 1 and Node(1) == Node(0))",
            "len(Node) > 2 and Node(2) in {Node(0), Node(1)}",
            "Node(0) not in Node",
            "Node(1) == Node(0)",
            "Node(1) not in Node",
            "any($x == Node(1) for $x in Node) and all($x == $y for $x in Node for $y in Node)",
            "Ballot(0) != first(Ballot)",
        ),
    ),
    Idiom(
        "maps with int keys",
        (
            "any($i2 < 2 for $i2 in self.slot)",
            "any($i2 > 4 for $i2 in self.slot.keys())",
            "max($i2 for $i2 in self.slot) != 4",
            "min($i2 for $i2 in self.slot) == 0",
            "1 in self.slot",
            "$i not in self.slot",
            "all(not self.slot[$i2] for $i2 in self.slot) and self.slot[$i]",
            "all(self.slot.values()) and not self.slot[$i]",
            "any(not $v2 for $k2, $v2 in self.slot.items()) and all(self.slot[$i2] for $i2 in self.slot)",
            "self.slot != self.slot",
            "self.slot == Map({$i2: False for $i2 in self.slot}) and self.slot[$i]",
            "self.room == Map({$i2: False for $i2 in self.room}) and self.room[0]",
            "any($i2 > self.limit for $i2 in self.room)",
            "all(self.room[$i2] for $i2 in self.room) and not self.room[self.limit]",
            "all(not self.slot[$i2] for $i2 in self.slot)",
        ),
        variables=("slot", "room"),
        assumes=("positive",),
    ),
    Idiom(
        "user quorums",
        (
            "any(g.isdisjoint(h) for g in self.quorums for h in self.quorums)",
            "any(all($x in g for $x in $s) and all($x not in h for $x in g) for g in self.quorums for h in self.quorums)",
            "any(g <= self.seen for g in self.quorums) and any(g.isdisjoint(self.seen) for g in self.quorums)",
            "any(not any($x in g for $x in Node) for g in self.quorums)",
            "not any(True for g in self.quorums)",
            "any($s == g for g in self.quorums) and not any($x in $s for $x in Node)",
            "$s in self.quorums and $t in self.quorums and $s.isdisjoint($t)",
        ),
        variables=("seen",),
        assumes=("meet", "inhabited"),
    ),
    Idiom(
        "majorities",
        (
            "2 * len($s) > len(Node) and 2 * len($t) > len(Node) and $s.isdisjoint($t)",
            "2 * len(self.seen) > len(Node) and not any($x in self.seen for $x in Node)",
            "2 * len(self.seen) > len(Node) and len(self.seen) == 1",
            "2 * len(self.seen) >= len(Node) and self.seen.isdisjoint($s) and 2 * len($s) > len(Node)",
            "all(2 * len(g) > len(Node) for g in majorities(Node)) == False",
            "any(g <= self.seen for g in majorities(Node)) and any(g.isdisjoint(self.seen) for g in majorities(Node))",
            "all($x in self.seen for $x in Node) and not 2 * len(self.seen) > len(Node)",
        ),
        variables=("seen",),
    ),
    Idiom(
        "bags",
        (
            "Bag([$a, $a]) == Bag([$a])",
            "Bag([$a, $b]) != Bag([$b, $a])",
            "$a in self.bag and self.bag.count($a) == 0",
            "self.bag.count($a) > 1 and self.bag == Bag([$a])",
            "self.bag == Bag([$a, $b]) and $a not in self.bag",
            "len(self.bag) == 2 and all($x == $a for $x in self.bag) and self.bag.count($a) == 1",
            "2 * len(self.bag) > len(Node) and len(self.bag) == 0",
        ),
        variables=("bag",),
    ),
    Idiom(
        "bags that lose a copy",
        (
            "$a in self.bag and self.bag.count($a) != was - 1",
            "len(self.bag) == 0 and was > 1",
            "$a in self.bag",
        ),
        lines=("require($a in self.bag)", "was = self.bag.count($a)", "self.bag.remove($a)"),
        variables=("bag",),
    ),
    Idiom(
        "a loop over a display: each item once",
        ("was == self.flip[$a]", "$a != $b and also == self.flip[$b]", "$a == $b and was == self.flip[$a]"),
        lines=(
            "was = self.flip[$a]",
            "also = self.flip[$b]",
            "for $x in Set({$a, $b}):",
            "    self.flip[$x] = not self.flip[$x]",
        ),
        variables=("flip",),
    ),
    Idiom(
        "a loop over a sequence: equal items twice",
        ("$a == $b and was != self.flip[$a]", "$a != $b and was == self.flip[$a]", "was != self.flip[$a]"),
        lines=("was = self.flip[$a]", "for $x in [$a, $b]:", "    self.flip[$x] = not self.flip[$x]"),
        variables=("flip",),
    ),
    Idiom(
        "a loop over a display: in order",
        ("self.cur < $c", "self.cur != max($c, $d)", "self.cur != $d"),
        lines=("for $z in Set({$c, $d}):", "    self.cur = $z"),
        variables=("cur",),
    ),
    Idiom(
        "a loop over a sequence: in order",
        ("self.cur != $d", "self.cur < $d", "self.cur == $c and $c != $d"),
        lines=("for $z in ($c, $d):", "    self.cur = $z"),
        variables=("cur",),
    ),
    Idiom(
        "items of a loop are read before it",
        ("self.flip[$b] != was", "self.flip[$b] != first_was", "$a != $b and self.flip[$a] != first_was"),
        lines=(
            "first_was = self.flip[$a]",
            "was = self.flip[$b]",
            "for $q in [self.flip[$a], self.flip[$b]]:",
            "    self.flip[$a] = not $q",
            "    self.flip[$b] = $q",
        ),
        variables=("flip",),
    ),
    Idiom(
        "a loop over a sort",
        (
            "any(not self.flip[$x] for $x in Node)",
            "any(self.flip[$x] for $x in Node if $x != $a)",
            "not self.flip[$a]",
            "any(self.flip[$x] != ($x in self.seen) for $x in Node)",
        ),
        lines=(
            "for $x in Node:",
            "    if $x == $a or $x in self.seen:",
            "        self.flip[$x] = True",
            "    else:",
            "        self.flip[$x] = False",
        ),
        variables=("flip", "seen"),
    ),
    Idiom(
        "a name that is bound again",
        (
            "$b != u",
            "not all($y in picked for $y in Node if $y == $a)",
            "u in picked and u != $a",
            "len(picked) > 1",
            "u in picked",
        ),
        lines=("u = $a", "picked = Set($x for $x in Node if $x == u)", "u = $b"),
    ),
    Idiom(
        "a value kept before it changes",
        (
            "was != $c and was == self.cur",
            "kept[$a] != was",
            "self.cur != $d",
            "all(kept[$x] == $d for $x in Node) and was != $d",
        ),
        lines=(
            "self.cur = $c",
            "was = self.cur",
            "kept = Map({$x: self.cur for $x in Node})",
            "self.cur = $d",
        ),
        variables=("cur",),
    ),
    Idiom(
        "one name in two scopes",
        (
            "not any($x == $a for $x in Node) or $a not in Node",
            "any(all($x == $y for $x in Node) != all($x == $y for $x in Node) for $y in Node)",
            "all($x in $s for $x in Node) and any($x not in $s for $x in Node)",
            "any($x in $s and all($x not in $t for $x in $s) for $x in $t)",
            "all(any($x == $y for $x in $s) for $y in $s) == False",
            "any($x == $a and any($x != $a for $x in Node if $x == $a) for $x in Node)",
        ),
    ),
    Idiom(
        "values of maps as sequences",
        (
            "Seq(self.flip.values()) == Seq(self.other.values()) and self.flip != self.other",
            "self.flip == self.other and Seq(self.flip.values()) != Seq(self.other.values())",
            "any(self.flip.values()) and not any(self.flip[$x] for $x in Node)",
            "all(self.flip.values()) and not self.flip[$a]",
            "any($q != self.flip[$x] for $x, $q in self.flip.items())",
            "Set(self.flip.values()) == Set(self.other.values()) and self.flip != self.other",
        ),
        variables=("flip", "other"),
    ),
    Idiom(
        "sequences",
        (
            "len(self.log) > 2",
            "self.log == Seq([$a]) and len(self.log) != 1",
            "(self.log + Seq([$a]))[-1] != $a",
            "self.log[1:] == self.log and len(self.log) > 0",
            "len(self.log) == 2 and self.log[-2] != self.log[0]",
            "$a in self.log and all($x != $a for $x in self.log)",
            "self.log == Seq([$a, $b]) and self.log == Seq([$b, $a]) and $a != $b",
            "self.log[:1] == Seq([$a]) and $a not in self.log",
            "len(self.log) == 2 and self.log[0] == self.log[1]",
        ),
        variables=("log",),
    ),
    Idiom(
        "a store at a negative index",
        (
            "self.log[-1] != $b",
            "len(self.log) == 2 and self.log[0] != was",
            "self.log[0] == was and len(self.log) == 1 and was != $b",
        ),
        lines=("require(len(self.log) > 0)", "was = self.log[0]", "self.log[-1] = $b"),
        variables=("log",),
    ),
    Idiom(
        "records and unions",
        (
            "Ask($a, $c) in self.sent and not any(isinstance(r, Ask) for r in self.sent)",
            "any(isinstance(r, Ask) and isinstance(r, Grant) for r in self.sent)",
            "any(r.sender == $a for r in self.sent) and all(r.sender != $a for r in self.sent)",
            "any(isinstance(r, Ask) and r.ballot > last(Ballot) for r in self.sent)",
            "Grant($a, None) in self.sent and Grant($a, None) not in self.sent",
            "any(isinstance(r, Grant) and r.mark is not None for r in self.sent)",
            "self.last_sent is not None and self.last_sent in self.sent and not any(self.last_sent == r for r in self.sent)",
            "self.last_sent == Ask($a, $c) and self.last_sent == Grant($a, True)",
            "Ask($a, $c) == Ask($b, $d) and ($a != $b or $c != $d)",
            "Ask($a, $c) in self.sent and Ask($b, $d) in self.sent and $a != $b",
        ),
        variables=("sent", "last_sent"),
    ),
    Idiom(
        "enums",
        (
            "self.phase == Phase.IDLE and self.phase == Phase.BUSY",
            "all(self.phase != f for f in Phase)",
            "$p not in {Phase.IDLE, Phase.BUSY, Phase.DONE}",
            "$p in {self.phase} and $p != self.phase",
            "self.phase != Phase.IDLE and self.phase != Phase.BUSY",
        ),
        variables=("phase",),
    ),
    Idiom(
        "ranges that do not hold 0",
        (
            "self.level < 2",
            "self.level == 0",
            "any(self.score[$x] == 0 for $x in Node)",
            "sum_of_two < 4",
            "self.level > 4",
            "self.level == $i and not (2 <= $i and $i <= 4)",
            "sum_of_two == 8",
        ),
        lines=("sum_of_two = self.level + self.score[$a]",),
        variables=("level", "score"),
    ),
    Idiom(
        "assumptions",
        (
            "self.steep[$c]",
            "any(self.steep[$z] for $z in Ballot) and not self.steep[last(Ballot)]",
            "not self.steep[$c]",
            "self.steep[$c] and $c == first(Ballot)",
        ),
        assumes=("rising", "never_steep"),
    ),
    Idiom(
        "conditional guards",
        (
            "($a in $s if $a in $t else $a not in $s) and $a in $s and $a not in $t",
            "all($x in $s if $x in $t else False for $x in Node) and not $t <= $s",
            "any($x in $t for $x in $s) != any($x in $s for $x in $t)",
            "($s | $t) - $t != $s and $s.isdisjoint($t)",
            "$s ^ $t == $s & $t and ($a in $s or $a in $t)",
            "$s < $t and $t <= $s",
            "not $s <= $s | $t",
        ),
    ),
    *LOOPS,
)
