"""Operators that exported modules define for themselves where they need them, each with what it is for.

Guarantees: an operator is defined after those that it uses.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from string import Template

from ratified.tla.names import NameSupply


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator, the comment above it, and the operators and modules that it uses.

    What it binds is marked with `$` in its text: a module gives other names to what it has a name for.
    """

    comment: str
    text: str
    uses: tuple[str, ...] = ()
    modules: tuple[str, ...] = ("Integers",)

    def lines(self, names: NameSupply) -> list[str]:
        """How it is defined where these names are taken."""
        text = Template(self.text)
        own = {name: names.give(name) for name in sorted(text.get_identifiers())}
        return text.substitute(own).split("\n")


SEQUENCES = ("Integers", "Sequences")
SETS = ("Integers", "FiniteSets")
BOTH = ("Integers", "FiniteSets", "Sequences")

LIBRARY: dict[str, Operator] = {
    "Max": Operator(
        "The largest element of a set of numbers.", "Max($S) == CHOOSE $x \\in $S : \\A $y \\in $S : $y <= $x"
    ),
    "Min": Operator(
        "The smallest element of a set of numbers.",
        "Min($S) == CHOOSE $x \\in $S : \\A $y \\in $S : $x <= $y",
    ),
    "Abs": Operator("The absolute value of a number.", "Abs($n) == IF $n < 0 THEN -$n ELSE $n"),
    "Modulo": Operator(
        "The remainder of a divided by b, with the sign of b.", "Modulo($a, $b) == $a - $b * ($a \\div $b)"
    ),
    "Down": Operator(
        "The value k places before n in an order that begins with 0.",
        'Down($n, $k) ==\n    IF $k <= $n THEN $n - $k ELSE Assert(FALSE, "there is none before the first")',
        modules=("Integers", "TLC"),
    ),
    "Range": Operator(
        "The elements of a sequence, or the values of a function.",
        "Range($f) == {$f[$x] : $x \\in DOMAIN $f}",
    ),
    "BoundedSeq": Operator(
        "The sequences over a set of at most n elements.",
        "BoundedSeq($S, $n) == UNION {[1..$k -> $S] : $k \\in 0..$n}",
    ),
    "BoundedSets": Operator(
        "The subsets of a set of at most n elements.",
        "BoundedSets($S, $n) == {$T \\in SUBSET $S : Cardinality($T) <= $n}",
        modules=SETS,
    ),
    "BoundedBags": Operator(
        "The bags over a set of at most n elements in all, and c equal ones.",
        "BoundedBags($S, $n, $c) ==\n    {$B \\in UNION {[$T -> 1..$c] : $T \\in SUBSET $S} : BagCardinality($B) <= $n}",
        modules=("Integers", "Bags"),
    ),
    "Singles": Operator("The tuples of one element.", "Singles($S) == {<<$x>> : $x \\in $S}", modules=()),
    "Numbers": Operator(
        "The numbers from a to one less than b, as a sequence.",
        "Numbers($a, $b) == [$k \\in 1..(IF $a < $b THEN $b - $a ELSE 0) |-> $a + $k - 1]",
        modules=SEQUENCES,
    ),
    "SubsetsOfSize": Operator(
        "The subsets of a set that have n elements.",
        "SubsetsOfSize($S, $n) == {$T \\in SUBSET $S : Cardinality($T) = $n}",
        modules=SETS,
    ),
    "Majorities": Operator(
        "The smallest sets that are more than half of a set.",
        "Majorities($S) ==\n    {$T \\in SUBSET $S : Cardinality($T) = (Cardinality($S) \\div 2) + 1}",
        modules=SETS,
    ),
    "Nth": Operator(
        "The element of a sequence at position k, counted from 0, or from its end if k is negative.",
        "Nth($s, $k) == $s[IF $k < 0 THEN Len($s) + $k + 1 ELSE $k + 1]",
        modules=SEQUENCES,
    ),
    "Position": Operator(
        "Position k, counted from 0 or, if negative, from the end, as TLA+ counts them. It must be there.",
        "Position($s, $k) ==\n    LET $n == IF $k < 0 THEN Len($s) + $k + 1 ELSE $k + 1\n"
        '    IN  IF $n \\in 1..Len($s) THEN $n ELSE Assert(FALSE, "no such position")',
        modules=(*SEQUENCES, "TLC"),
    ),
    "Clip": Operator(
        "A position counted from 0, or from the end if negative, within the ends of a sequence.",
        "Clip($s, $k) ==\n    LET $n == IF $k < 0 THEN Len($s) + $k ELSE $k\n"
        "    IN  IF $n < 0 THEN 0 ELSE IF $n > Len($s) THEN Len($s) ELSE $n",
        modules=SEQUENCES,
    ),
    "Prefix*": Operator(
        "The elements of a sequence before position n, counted from 0, or from its end if n is negative.",
        "Prefix($s, $n) == SubSeq($s, 1, Clip($s, $n))",
        uses=("Clip",),
        modules=SEQUENCES,
    ),
    "Suffix*": Operator(
        "The elements of a sequence from position n, counted from 0, or from its end if n is negative.",
        "Suffix($s, $n) == SubSeq($s, Clip($s, $n) + 1, Len($s))",
        uses=("Clip",),
        modules=SEQUENCES,
    ),
    "Slice*": Operator(
        "The elements of a sequence from position i up to but not including j, counted from 0, or from its end if negative.",
        "Slice($s, $i, $j) == SubSeq($s, Clip($s, $i) + 1, Clip($s, $j))",
        uses=("Clip",),
        modules=SEQUENCES,
    ),
    "Prefix": Operator(
        "The first n elements of a sequence, or all if it has fewer.",
        "Prefix($s, $n) == SubSeq($s, 1, IF $n < Len($s) THEN $n ELSE Len($s))",
        modules=SEQUENCES,
    ),
    "Suffix": Operator(
        "A sequence without its first n elements.",
        "Suffix($s, $n) == SubSeq($s, $n + 1, Len($s))",
        modules=SEQUENCES,
    ),
    "Slice": Operator(
        "The elements of a sequence from position i, counted from 0, up to but not including j.",
        "Slice($s, $i, $j) == SubSeq($s, $i + 1, IF $j < Len($s) THEN $j ELSE Len($s))",
        modules=SEQUENCES,
    ),
    "Without": Operator(
        "A sequence without the element at position n, counted from 1.",
        "Without($s, $n) == SubSeq($s, 1, $n - 1) \\o SubSeq($s, $n + 1, Len($s))",
        modules=SEQUENCES,
    ),
    "Front": Operator(
        "A sequence without its last element, which must be there.",
        "Front($s) ==\n    IF $s # << >> THEN SubSeq($s, 1, Len($s) - 1)\n"
        '    ELSE Assert(FALSE, "there is no element to take")',
        modules=(*SEQUENCES, "TLC"),
    ),
    "Replaced": Operator(
        "A sequence or function with another value at one place, which must be there.",
        'Replaced($f, $x, $v) ==\n    IF $x \\in DOMAIN $f THEN [$f EXCEPT ![$x] = $v] ELSE Assert(FALSE, "no such key")',
        modules=("TLC",),
    ),
    "SetWithout": Operator(
        "A set without an element, which must be there.",
        'SetWithout($S, $x) ==\n    IF $x \\in $S THEN $S \\ {$x} ELSE Assert(FALSE, "no such element")',
        modules=("TLC",),
    ),
    "BagWithout": Operator(
        "A bag without one copy of an element, which must be there.",
        "BagWithout($B, $x) ==\n    IF BagIn($x, $B) THEN $B (-) SetToBag({$x})\n"
        '    ELSE Assert(FALSE, "no such element")',
        modules=("Bags", "TLC"),
    ),
    "Reversed": Operator(
        "A sequence, from its end to its beginning.",
        "Reversed($s) == [$k \\in 1..Len($s) |-> $s[Len($s) + 1 - $k]]",
        modules=SEQUENCES,
    ),
    "Sum": Operator(
        "The sum of a sequence of numbers.",
        "Sum($s) ==\n    LET $upto[$k \\in 0..Len($s)] == IF $k = 0 THEN 0 ELSE $upto[$k - 1] + $s[$k]\n    IN  $upto[Len($s)]",
        modules=SEQUENCES,
    ),
    "Flattened": Operator(
        "The sequences of a sequence, one after the other.",
        "Flattened($s) ==\n    LET $upto[$k \\in 0..Len($s)] == IF $k = 0 THEN << >> ELSE $upto[$k - 1] \\o $s[$k]\n"
        "    IN  $upto[Len($s)]",
        modules=SEQUENCES,
    ),
    "FirstIn": Operator(
        "The first position of an element in a sequence, counted from 0.",
        "FirstIn($s, $x) ==\n    (CHOOSE $k \\in 1..Len($s) :\n"
        "        $s[$k] = $x /\\ \\A $j \\in 1..($k - 1) : $s[$j] # $x) - 1",
        modules=SEQUENCES,
    ),
    "Occurrences": Operator(
        "How often an element occurs in a sequence.",
        "Occurrences($s, $x) == Cardinality({$k \\in DOMAIN $s : $s[$k] = $x})",
        modules=BOTH,
    ),
    "BagOf": Operator(
        "The elements of a sequence, as a bag.",
        "BagOf($s) == [$x \\in Range($s) |-> Occurrences($s, $x)]",
        uses=("Range", "Occurrences"),
        modules=BOTH,
    ),
    "Lower": Operator(
        "Whether one sequence of numbers is lexicographically less than another.",
        "Lower($s, $t) ==\n    \\E $k \\in 1..Len($t) :\n        /\\ $k <= Len($s) + 1\n"
        "        /\\ \\A $j \\in 1..($k - 1) : $s[$j] = $t[$j]\n"
        "        /\\ $k = Len($s) + 1 \\/ $s[$k] < $t[$k]",
        modules=SEQUENCES,
    ),
    "Sorted": Operator(
        "The elements of a set in the order of their keys, which are sequences of numbers and differ.",
        "Sorted($S, $Key(_)) ==\n    << >> \\o  \\* which has TLC compute each element once\n"
        "    [$k \\in 1..Cardinality($S) |->\n        CHOOSE $x \\in $S :\n"
        "            Cardinality({$y \\in $S : Lower($Key($y), $Key($x))}) = $k - 1]",
        uses=("Lower",),
        modules=BOTH,
    ),
    "SortedBag": Operator(
        "The elements of a bag, copies included, in the order of their keys.",
        "SortedBag($B, $Key(_)) ==\n    LET $one == Sorted(BagToSet($B), $Key)\n"
        "    IN  Flattened([$k \\in DOMAIN $one |-> [$j \\in 1..$B[$one[$k]] |-> $one[$k]]])",
        uses=("Sorted", "Flattened"),
        modules=(*BOTH, "Bags"),
    ),
    "SortedSeq": Operator(
        "The elements of a sequence in the order of their keys.",
        "SortedSeq($s, $Key(_)) ==\n    LET $one == Sorted(Range($s), $Key)\n"
        "    IN  Flattened([$k \\in DOMAIN $one |->\n"
        "            [$j \\in 1..Occurrences($s, $one[$k]) |-> $one[$k]]])",
        uses=("Sorted", "Range", "Flattened", "Occurrences"),
        modules=BOTH,
    ),
    "Worst": Operator(
        "Of a sequence of <<key, element>>, the first element with the lowest key.",
        "Worst($s) ==\n    $s[CHOOSE $k \\in 1..Len($s) :\n        /\\ \\A $j \\in 1..Len($s) : ~ Lower($s[$j][1], $s[$k][1])\n"
        "        /\\ \\A $j \\in 1..($k - 1) : Lower($s[$k][1], $s[$j][1])][2]",
        uses=("Lower",),
        modules=SEQUENCES,
    ),
    "Best": Operator(
        "Of a sequence of <<key, element>>, the first element with the highest key.",
        "Best($s) ==\n    $s[CHOOSE $k \\in 1..Len($s) :\n        /\\ \\A $j \\in 1..Len($s) : ~ Lower($s[$k][1], $s[$j][1])\n"
        "        /\\ \\A $j \\in 1..($k - 1) : Lower($s[$j][1], $s[$k][1])][2]",
        uses=("Lower",),
        modules=SEQUENCES,
    ),
    "MapOf": Operator(
        "The function of a sequence of <<key, value>>, later ones before earlier ones.",
        "MapOf($s) ==\n    [$x \\in {$s[$k][1] : $k \\in DOMAIN $s} |->\n"
        "        $s[CHOOSE $k \\in DOMAIN $s :\n"
        "            $s[$k][1] = $x /\\ \\A $j \\in ($k + 1)..Len($s) : $s[$j][1] # $x][2]]",
        modules=SEQUENCES,
    ),
}


def needed(wanted: Collection[str]) -> list[str]:
    """The operators that these need, themselves included, in an order in which they can be defined."""
    found: dict[str, None] = {}

    def add(name: str) -> None:
        for used in LIBRARY[name].uses:
            add(used)
        found[name] = None

    for name in LIBRARY:
        if name in wanted and f"{name}*" not in wanted:  # what is starred says the same, and more
            add(name)
    return list(found)
