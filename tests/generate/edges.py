"""Idioms at edges that nothing guards: operations that are partial, bags, bounds that are texts, what loops change."""

from __future__ import annotations

from tests.generate.idiom import Idiom

EDGES = (
    Idiom(
        "neighbours without a test",
        (
            "$c + 1 > $d and $d != first(Ballot)",
            "$c + 1 <= $c",
            "$c == last(Ballot) and $c + 1 != $d",
            "$c + 1 == last(Ballot) or $d == $e",
            "$c - 1 >= $d",
            "$c > $d and $c - 1 < $d",
            "self.cur + 1 != $d and $d == last(Ballot)",
        ),
        variables=("cur",),
    ),
    Idiom(
        "positions without a test",
        (
            "self.log[1] != $a and self.log[0] == $a",
            "self.log[0] == self.log[-1] and $a == $b",
            "len(self.log) == 1 and self.log[1] == $b",
            "self.log[-2] == $a",
            "$a == $b or self.log[0] != $b",
        ),
        variables=("log",),
    ),
    Idiom(
        "what decides before something partial is come to",
        (
            "any($z + 1 > $c for $z in Ballot)",
            "not all($z + 1 <= $c for $z in Ballot)",
            "any($z + 1 == $c for $z in Ballot) and $c != last(Ballot)",
            "all($z + 1 < $c for $z in Ballot)",
            "any($q + 1 == $c for $q in sorted(self.tried)) and $c in self.tried",
            "not all($z != $c and $z + 1 != $c for $z in Ballot) and $c == first(Ballot)",
            "any(self.log[$i2] == $a for $i2 in range(2)) and len(self.log) == 1",
        ),
        variables=("log", "tried"),
    ),
    Idiom(
        "helpers with branches",
        (
            "not $c.is_last() and $c + 1 <= $d and $d < $c",
            "$c != first(Ballot) and $c - 1 > $d and $c == $d",
            "$c.is_last() or $c + 1 == $c",
            "(self.log[0] != $a if len(self.log) > 0 else $a == $b) and $a == $b",
            "len(self.log) > 1 and self.log[1] == $a and self.log[0] != $a",
            "self.vote is not None and self.vote.sender != $a and self.vote.mark is None",
            "not (len(self.log) == 0 or self.log[0] == $a) and $a not in self.log",
        ),
        variables=("log", "vote"),
    ),
    Idiom(
        "an option as a member",
        (
            "self.who in Node and self.who is None",
            "$o in $s and $o is None",
            "self.who not in Node and self.who is not None",
            "any(self.who in g for g in self.quorums) and self.who is None",
            "any(self.who not in g for g in self.quorums) and self.who is not None",
            "self.who in self.seen and all(self.who != $x for $x in self.seen)",
            "Set([self.who]) <= self.maybe and self.who is None and None not in self.maybe",
        ),
        variables=("who", "seen", "maybe"),
        assumes=("inhabited",),
    ),
    Idiom(
        "a step by a quorum",
        (
            "not any($x in self.seen for $x in Node)",
            "any(g.isdisjoint(self.seen) for g in self.quorums)",
            "$a not in self.seen and any($a in g and g <= self.seen for g in self.quorums)",
            "len(self.seen) == 1",
        ),
        lines=("require(any(g <= self.seen for g in self.quorums))",),
        variables=("seen",),
        assumes=("meet", "inhabited"),
    ),
    Idiom(
        "what all quorums have",
        (
            "$a not in self.seen and all($a not in g for g in self.quorums)",
            "self.seen.isdisjoint($s) and any(g <= $s for g in self.quorums)",
            "len($s) == 0",
        ),
        lines=("require(all(any($x in self.seen for $x in g) for g in self.quorums))",),
        variables=("seen",),
        assumes=("meet", "inhabited"),
    ),
    Idiom(
        "an optional record",
        (
            "self.vote is not None and self.vote.mark is None",
            "self.vote is not None and self.vote.mark is not None and not self.vote.mark",
            "self.vote is None and self.vote != None",
            "self.vote == Grant($a, None) and self.vote == Grant($b, True)",
            "self.asked is not None and self.asked.ballot != first(Ballot)",
            "self.asked is not None and self.asked.ballot > last(Ballot)",
            "self.asked == Ask($a, $c) and self.asked.ballot != $c",
        ),
        variables=("vote", "asked"),
    ),
    Idiom(
        "bags written out",
        ("$a in self.bag", "$b in self.bag and $a == $b", "self.bag.count($b) > 1", "self.bag != Bag([$b])"),
        lines=("self.bag = Bag([$a, $b])", "self.bag.remove($a)"),
        variables=("bag",),
    ),
    Idiom(
        "bags of bags",
        (
            "Bag($x for $x in self.bag) != self.bag",
            "Bag($x for $x in self.bag if $x == $a).count($a) > 1",
            "self.bag.count($a) > 1 and Bag($x for $x in self.bag if $x != $b) == Bag([$a])",
            "Bag([$a]) + self.bag == Bag([$a]) and $a in self.bag",
            "(self.bag + self.bag).count($a) == 2 and self.bag.count($a) == 2",
        ),
        variables=("bag",),
    ),
    Idiom(
        "bags of many, and of a map's values",
        (
            "2 * len(self.bag) > len(Node) and 2 * len($s) > len(Node) and not any($x in $s for $x in self.bag)",
            "2 * len(self.bag) > len(Node) and all($x == $a for $x in self.bag)",
            "len(Bag(self.score[$x] for $x in Node)) == 1 and len(Node) > 1",
            "Bag(self.flip[$x] for $x in Node).count(True) > 1",
        ),
        variables=("bag", "score", "flip"),
    ),
    Idiom(
        "bounds that are texts",
        (
            "self.height < self.limit",
            "self.height == 0",
            "self.height != self.limit",
            "self.room == Map({$i2: self.room[$i2] for $i2 in self.room}) and self.room[self.limit]",
            "self.room != Map({$i2: False for $i2 in self.room}) and not any(self.room[$i2] for $i2 in self.room)",
            "all(not self.room[$i2] for $i2 in self.room) and self.room[self.limit]",
            "any($i2 < 0 for $i2 in self.room)",
            "all($i2 <= 2 for $i2 in self.room)",
            "max($i2 for $i2 in self.room) != self.limit",
        ),
        variables=("height", "room"),
        assumes=("positive",),
    ),
    Idiom(
        "a loop over what it changes",
        ("self.flip[$a]", "$a in self.seen", "not self.flip[$a] and was", "self.flip[$a] and not was"),
        lines=(
            *("was = $a in self.seen", "for $x in self.seen:"),
            *("    self.seen.discard($x)", "    self.flip[$x] = True"),
        ),
        variables=("seen", "flip"),
    ),
    Idiom(
        "a loop that empties what it runs through",
        (
            "self.who is None",
            "self.flip[$a] and $a not in $s",
            "any(self.flip[$y] for $y in Node if $y in $s)",
        ),
        lines=(
            *("for $x in self.seen:", "    if $x in $s:", "        self.seen.remove($x)"),
            "    self.flip[$x] = $x in $s",
        ),
        variables=("seen", "flip", "who"),
    ),
    Idiom(
        "items of a map are read before the loop",
        ("self.held[False] != $o", "self.held[False] != self.held[True]", "self.held[False] != was"),
        lines=(
            *(
                "was = self.held[True]",
                "self.held[False] = $o",
                "for $q in (self.held[False], self.held[True]):",
            ),
            *("    self.held[True] = $q",),
        ),
        variables=("held",),
    ),
    Idiom(
        "extrema of what may be empty",
        (
            "max(self.tried, default=first(Ballot)) < $c and $c in self.tried",
            "max(($z + 1 for $z in self.tried if not $z.is_last()), default=first(Ballot)) == first(Ballot)",
            "min(self.tried, default=last(Ballot)) > $c and $c in self.tried",
            "max(self.tried) == $c and $c not in self.tried",
            "max(max(self.tried, default=$c), $d) < $c and len(self.tried) == 0",
            "last(Ballot) in self.tried and max(($z + 1 for $z in self.tried), default=$c) != $c",
            "max($z for $z in self.tried if $z < $c) >= $c",
        ),
        variables=("tried",),
    ),
    Idiom(
        "a clamp in a clamp",
        (
            "min(max(min(max($i, 2), 3), $j), 4) < 2",
            "max(min($c, self.cur), min(max($c, $d), self.cur)) > self.cur",
            "max(next_one, $d) < next_one",
            "next_one > $c and max(max($c, $d), next_one) == max($c, $d)",
        ),
        lines=("next_one = max($c, $d) if max($c, $d).is_last() else max($c, $d) + 1",),
        variables=("cur",),
    ),
)
