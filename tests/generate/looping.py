"""Idioms that are about loops, and about what else a step does before its condition."""

from __future__ import annotations

from tests.generate.idiom import Idiom

LOOPS = (
    Idiom(
        "counting",
        (
            "tally != len($s)",
            "tally > len(Node)",
            "tally == 0 and $a in $s",
            "tally == 1",
            "tally < 2 and {$a, $b} <= $s and $a != $b",
        ),
        lines=("tally = 0", "for $x in Node:", "    if $x in $s:", "        tally += 1"),
    ),
    Idiom(
        "sums",
        (
            "tally < 0",
            "tally == 1",
            "tally > 0 and $s <= $t",
            "tally != sum(2 for $y in $s if $y not in $t)",
            "tally == 2 and $a in $s and $a not in $t",
        ),
        lines=("tally = sum(2 for $x in Node if $x in $s and $x not in $t)",),
    ),
    Idiom(
        "a flag that a loop sets",
        ("hit and $s <= {$a}", "not hit and $b in $s and $a != $b", "hit and $a in $s"),
        lines=("hit = False", "for $x in Node:", "    hit = hit or ($x in $s and $x != $a)"),
    ),
    Idiom(
        "a flag that a loop sets and clears",
        ("on and $c == first(Ballot)", "not on and $c > $d", "on and $c <= $d", "on and $d < $c"),
        lines=(
            *("on = False", "for $z in Ballot:", "    if $z < $c:", "        on = True"),
            *("    elif $z == $d:", "        on = False"),
        ),
    ),
    Idiom(
        "the last of a loop",
        (
            "pick is None and $a in $s",
            "pick is not None and pick not in $s",
            "pick == $a and $a not in $t and $s <= $t",
            "pick is not None and pick == $b",
        ),
        lines=("pick: Node | None = None", "for $x in $s:", "    pick = $x"),
    ),
    Idiom(
        "what earlier turns have found",
        (
            "after and $c == last(Ballot)",
            "after and not $c < $d",
            "not after and $c < $d",
            "after and $d == first(Ballot)",
        ),
        lines=(
            *("hit = False", "after = False", "for $z in Ballot:", "    if hit and $z == $d:"),
            *("        after = True", "    hit = hit or $z == $c"),
        ),
    ),
    Idiom(
        "a ballot that a loop leaves",
        ("pick > $c", "pick < $c and $c < $d", "pick != first(Ballot) and $c == first(Ballot)", "pick == $d"),
        lines=("pick = first(Ballot)", "for $z in Ballot:", "    if $z <= $c:", "        pick = $z"),
    ),
    Idiom(
        "a set that is built",
        (
            "not built.isdisjoint($s)",
            "$a not in built and $a not in $s",
            "built | $s != Set(Node)",
            "$a in built",
        ),
        lines=(
            "built: Set[Node] = Set()",
            "for $x in Node:",
            "    if $x not in $s:",
            "        built = built | {$x}",
        ),
    ),
    Idiom(
        "a loop that reads what it writes",
        (
            "self.flip[$a]",
            "any(self.flip[$y] for $y in Node) and was",
            "self.flip[$b] and not was",
            "self.flip[$b]",
        ),
        lines=(
            *("was = self.flip[$a]", "for $x in Node:", "    if self.flip[$a]:"),
            "        self.flip[$x] = $x != $a",
        ),
        variables=("flip",),
    ),
    Idiom(
        "a loop that adds and takes",
        (
            "$a in self.seen and $a not in $s",
            "$a not in self.seen and $a in $s",
            "self.seen != $s",
            "$a in self.seen",
        ),
        lines=(
            *("for $x in Node:", "    if $x in $s:", "        self.seen.add($x)"),
            *("    else:", "        self.seen.discard($x)"),
        ),
        variables=("seen",),
    ),
    Idiom(
        "a loop that returns",
        ("$a in $s", "self.who is not None and self.who in $s", "$s == $t and $a in $t"),
        lines=("for $x in $s:", "    self.who = $x", "    return"),
        variables=("who",),
    ),
    Idiom(
        "a loop over the positions of a sequence",
        (
            "first_one == $a and $a not in self.log",
            "first_one is None and len(self.log) > 0",
            "first_one == $b",
        ),
        lines=(
            *("first_one: Node | None = None", "for $i2, $x in enumerate(self.log):"),
            *("    if $i2 == 0:", "        first_one = $x"),
        ),
        variables=("log",),
    ),
    Idiom(
        "the best of several",
        (
            "self.score[best] > self.score[$a]",
            "self.score[best] == self.score[$a] and best == $b",
            "any(self.score[$y] < self.score[best] for $y in Node)",
        ),
        lines=("best = min(Node, key=lambda n: self.score[n])",),
        variables=("score",),
    ),
    Idiom(
        "assertions",
        ("$a not in $s", "$c > $d", "self.cur > last(Ballot)"),
        lines=("assert $a in $s or $c <= $d",),
        variables=("cur",),
    ),
    Idiom(
        "assertions that hold",
        ("self.cur > last(Ballot)", "$a in $s and $a not in $s", "self.bad"),
        lines=("assert self.cur <= last(Ballot) and not self.bad",),
        variables=("cur",),
    ),
    Idiom(
        "sequences in a map",
        (
            "len(self.logs[$a]) > 2",
            "$c in self.logs[$a] and all($z != $c for $z in self.logs[$a])",
            "self.logs[$a][-1] != self.logs[$a][len(self.logs[$a]) - 1]",
            "self.logs[$a] == self.logs[$b] and self.logs[$a][0] != self.logs[$b][0]",
            "self.logs[$a][0] == $c",
        ),
        lines=("require(len(self.logs[$a]) > 0)",),
        variables=("logs",),
    ),
    Idiom(
        "two records of one name",
        (
            "Other.Ask($a, $c) in self.pairs",
            "any(isinstance(r, Other.Ask) for r in self.pairs)",
            "any(isinstance(r, Ask) and r.sender == $a for r in self.pairs)",
        ),
        variables=("pairs",),
    ),
)
"""What is required after the statements is often plain, but for one turn of a loop."""
