"""Generated proof scripts about thresholds: a flag is set if sets of nodes are so large, and so related to each other.

`threshold_model(seed)` requires an inequality between sizes of sets, of the sort and a parameter, and a relation between the
sets, which it may exclude: about half of the conditions are true at no size. Some sets are arguments, others variables, or what a
comprehension makes of a map for an argument, so that sizes stand under quantifiers too.
"""

from __future__ import annotations

from tests.generate.choices import Chooser, RandomSource
from tests.generate.models import GeneratedModel

SETS = ("s", "t", "u", "self.seen", "self.who_has(a)", "self.who_has(b)", "self.faulty")
RELATIONS = {
    1: ("all($0.isdisjoint({n}) for n in Node)", "$0 != Set(Node)", "any(n not in $0 for n in Node)"),
    2: (
        "$0.isdisjoint($1)",
        "all(n in $1 for n in $0)",
        "all(n in self.faulty for n in $0 if n in $1)",
        "all(n in $0 or n in $1 for n in Node)",
        "$0 < $1",
        "a in $0 and a not in $1 and all(n in $1 for n in $0 if n != a)",
        "a in $1 and a not in $0 and all(n in $0 for n in $1 if n != a)",
    ),
    3: (
        "$0.isdisjoint($1) and all(n in $2 for n in $0) and all(n in $2 for n in $1)",
        "all(n in $2 for n in $0 if n in $1)",
        "all(n in $1 or n in $2 for n in $0)",
        "not any(n in $1 and n in $2 for n in $0)",
    ),
}

HEAD = '''"""A generated proof script."""

from __future__ import annotations

from typing import Annotated

from ratified import Map, Model, Param, Range, Set, Sort, action, assume, lemma, require


class Node(Sort):
    """A node."""


class Value(Sort):
    """A value."""


class Script(Model):
    """Sets a flag, or does not."""

    f: Param[Annotated[int, Range(0, "len(Node)")]] = 0
    faulty: Param[Set[Node]] = Set()
    seen: Set[Node]
    vote: Map[Node, Value | None]
    bad: bool

    @assume
    def few(self) -> bool:
        return len(self.faulty) <= self.f and {bound}

    @action
    def see(self, n: Node) -> None:
        self.seen.add(n)

    @action
    def choose(self, n: Node, v: Value) -> None:
        self.vote[n] = v

    def who_has(self, v: Node) -> Set[Node]:
        return Set(n for n in Node if n in self.faulty or (self.vote[n] is not None and n != v))

    @action
    def reach(self, a: Node, b: Node, s: Set[Node], t: Set[Node], u: Set[Node]) -> None:
        require({relation})
        require({sizes})
        self.bad = True

    @lemma
    def never(self) -> bool:
        return {claim}
'''


def threshold_model(seed: int) -> GeneratedModel:
    """The proof script of a seed."""
    choose = Chooser(RandomSource(seed))
    bound = choose.pick(["3 * self.f < len(Node)", "2 * self.f < len(Node)", "self.f < len(Node)"])
    left = list(SETS)
    sets = [left.pop(choose.below(len(left))) for _ in choose.several(1, 3)]
    relation = choose.pick(RELATIONS[len(sets)])
    for i, each in enumerate(sets):
        relation = relation.replace(f"${i}", each)
    negated = choose.chance(20)
    claim = "not self.bad"
    if choose.chance(30):
        claim += f" and (not {_sizes(choose, ['self.who_has(a)', 'self.seen'])} or True)"
        claim = f"all({claim} for a in Node)"
    text = HEAD.format(
        bound=bound,
        relation=f"not ({relation})" if negated else relation,
        sizes=_sizes(choose, sets),
        claim=claim,
    )
    return GeneratedModel(text, "Script", ())


def _sizes(choose: Chooser, sets: list[str]) -> str:
    """An inequality between the sizes of sets and of all there is."""
    terms = [f"len({s})" for s in sets]
    heavy = terms[0] if choose.chance(70) or len(terms) == 1 else " + ".join(terms[:2])
    rest = [t for t in terms if t not in heavy]
    times = choose.pick(["", "", "2 * ", "3 * "])
    heavy = f"{times}({heavy})" if times else heavy
    against = [*rest[: choose.below(2)], *choose.pick([["len(Node)"], ["2 * len(Node)"], [], ["self.f"]])]
    against += choose.pick([[], [], ["self.f"], ["1"], ["len(self.faulty)"]])
    return f"{heavy} {choose.pick(['>', '>', '>=', '==', '<'])} {' + '.join(against) or '2'}"
