"""Small models, each around one word that people bring from other languages."""

from __future__ import annotations

import dataclasses
from enum import Enum
from itertools import chain, pairwise, permutations, product
from typing import Annotated, ClassVar, Literal, Self, assert_never

from ratified import (
    AtMost,
    Bag,
    Map,
    Model,
    Param,
    PartialMap,
    Range,
    Seq,
    Set,
    Sort,
    action,
    action_constraint,
    choose,
    constraint,
    enabled,
    invariant,
    maps,
    record,
    recursive,
    require,
    sequences,
    step_invariant,
    subsets,
)
from ratified import permutations as permuted


class P(Sort):
    """Processes."""


class Color(Enum):
    """Three of them."""

    RED = 1
    GREEN = 2
    BLUE = 3


@record
class Ask:
    """A question."""

    p: P


@record
class Tell:
    """An answer."""

    p: P
    yes: bool


@record
class Dated:
    """When somebody was seen."""

    p: P
    at: int


Small = Annotated[int, Range(0, 3)]


def after(c: Color) -> Color:
    """By `match`, no case left."""
    match c:
        case Color.RED:
            return Color.GREEN
        case Color.GREEN:
            return Color.BLUE
        case Color.BLUE:
            return Color.RED


def before(c: Color) -> Color:
    """By `if`, no case left; the last line is for those who like to say so."""
    if c == Color.RED:
        return Color.BLUE
    elif c is Color.GREEN:  # noqa: RET505  # the word itself
        return Color.RED
    elif c == Color.BLUE:
        return Color.GREEN
    assert_never(c)


def asker(m: Ask | Tell | None) -> P | None:
    """By `match` over a union and None."""
    match m:
        case Ask(p=x):
            return x
        case Tell(p=y, yes=_):
            return y
        case None:
            return None
    assert False  # noqa: B011, PT015  # the word itself


def warm(c: Color) -> bool:
    """Two at a time, and one line behind."""
    if c in (Color.GREEN, Color.BLUE):
        return False
    if c == Color.RED:
        return True
    raise AssertionError("there is no other color")


def spoken(m: Ask | Tell | Dated) -> P | None:
    """The records of the last case together are all that is left."""
    match m:
        case Dated():
            return None
        case Ask() | Tell():
            return m.p


class Exhaustive(Model):
    """`match` and `if` over all that there is need no `else`."""

    c: Color
    m: Ask | Tell | None

    @action
    def turn(self) -> None:
        self.c = after(self.c)

    @action
    def back(self) -> None:
        require(warm(self.c))
        self.c = before(self.c)

    @action
    def say(self, m: Ask | Tell | None) -> None:
        require(asker(m) is None or asker(m) != asker(self.m))
        self.m = m

    @invariant
    def inverse(self) -> bool:
        return before(after(self.c)) == self.c and after(before(self.c)) == self.c

    @invariant
    def heard(self) -> bool:
        return self.m is None or spoken(self.m) == asker(self.m)


class Jumps(Model):
    """`break`, `continue`, `else` of a loop."""

    x: Small
    found: P | None
    busy: Set[P]

    def free(self) -> P | None:
        """The first that is not busy, by a loop that is left."""
        best: P | None = None
        for p in P:
            if p in self.busy:
                continue
            best = p
            break
        return best

    def pairs(self) -> int:
        """A loop inside of a loop, each left on its own."""
        n = 0
        for i in range(3):
            if i > self.x:
                break
            for p in P:
                if p in self.busy:
                    if i == 1:
                        continue
                    if i == 2:
                        break
                    n += 1
                n += 1
        return n

    @action
    def take(self) -> None:
        p = self.free()
        require(p is not None)
        assert p is not None
        self.found = p
        self.busy.add(p)

    @action
    def release(self, p: P) -> None:
        require(p in self.busy)
        self.busy.remove(p)

    @action
    def count(self) -> None:
        for i in range(4):
            if i == self.x:
                if i < 3:
                    self.x = i + 1
                break
        else:
            self.x = 0

    @invariant
    def counted(self) -> bool:
        return self.pairs() <= 2 * 3 * len(P)


class Functions(Model):
    """`filter`, `map`, `sorted` and `max` with a function."""

    s: Set[P]
    log: Annotated[Seq[P], AtMost(3)]
    rank: Map[P, Small]

    def number(self, p: P) -> int:
        return self.rank[p]

    @action
    def put(self, p: P) -> None:
        require(p in Set(filter(lambda q: q not in self.s, P)))
        self.s.add(p)
        self.rank[p] = min(3, sum(map(lambda q: self.rank[q] + 1, self.s)))  # noqa: C417  # the word itself

    @action
    def order(self) -> None:
        require(len(self.s) > 0)
        self.log = Seq(sorted(self.s, key=lambda p: -self.rank[p]))

    @action
    def drop(self) -> None:
        require(len(self.s) > 0)
        self.s.remove(max(self.s, key=self.number))

    @invariant
    def sorted_as_said(self) -> bool:
        by_rank = sorted(self.log, key=self.number)
        return all(self.rank[by_rank[i]] <= self.rank[by_rank[i + 1]] for i in range(len(by_rank) - 1))


class Choices(Model):
    """`choose`, `next(iter(...))` and `next(... for ...)`."""

    s: Set[P]
    asked: Set[Ask | Tell]
    last: P | None

    @action
    def put(self, p: P) -> None:
        self.s.add(p)
        self.asked.add(Tell(p, len(self.s) > 1))

    @action
    def take(self) -> None:
        require(len(self.s) > 0)
        self.last = next(iter(self.s))
        self.s.remove(choose(self.s, where=lambda p: p == self.last))

    @action
    def other(self) -> None:
        self.last = next((p for p in P if p not in self.s), None)

    @action
    def answer(self) -> None:
        require(any(isinstance(m, Tell) and m.yes for m in self.asked))
        self.asked = Set(m for m in self.asked if m != choose(self.asked))


class Copies(Model):
    """Local copies that are changed in place."""

    s: Set[P]
    log: Annotated[Seq[P], AtMost(3)]
    bag: Annotated[Bag[P], AtMost(3, copies=2)]
    rank: Map[P, Small]

    def without(self, p: P) -> Set[P]:
        left = Set(self.s)
        left.discard(p)
        return left

    @action
    def put(self, p: P) -> None:
        t = Set(self.s)
        t.add(p)
        self.s = t
        t.clear()
        assert p in self.s
        assert len(t) == 0

    @action
    def tell(self, p: P) -> None:
        require(len(self.log) < 3 and len(self.bag) < 3)
        own = Seq(self.log)
        own.append(p)
        own[0] = p
        self.log = own
        copies = Bag(self.bag)
        for q in own:
            if copies.count(q) < 2 and len(copies) < 3:
                copies.add(q)
        self.bag = copies

    @action
    def level(self, p: P) -> None:
        ranks = Map(self.rank)
        for q in P:
            if q in self.s:
                ranks[q] = min(3, ranks[q] + 1)
        ranks[p] = 0
        self.rank = ranks

    @action
    def remove(self, p: P) -> None:
        self.s = self.without(p)


class Families(Model):
    """All subsets, permutations and maps."""

    s: Set[P]
    colors: Set[Color]
    picked: Set[P]

    @action
    def put(self, p: P, c: Color) -> None:
        self.s.add(p)
        self.colors.add(c)

    @action
    def pick(self, some: Set[P]) -> None:
        require(some in subsets(self.s, 2))
        self.picked = some

    @invariant
    def counted(self) -> bool:
        return sum(1 for _ in subsets(self.s)) == sum(1 for t in subsets(P) if t <= self.s)

    @invariant
    def two_colors(self) -> bool:
        n = len(self.colors)
        return len(subsets(self.colors, 2)) * 2 == n * (n - 1) and any(
            t == self.colors for t in subsets(Color)
        )

    @invariant
    def in_some_order(self) -> bool:
        return any(all(q[i] in self.s for i in range(len(self.s))) for q in permutations(P))

    @invariant
    def as_a_map(self) -> bool:
        return any(all(f[p] == (p in self.s) for p in P) for f in maps(P, bool))

    @invariant
    def in_some_sequence(self) -> bool:
        few = Set(p for p in self.s if p in self.picked)
        return any(q == Seq(few) for q in sequences(self.s, 3)) and sum(
            1 for q in sequences(Color, 2) if len(q) == 2 and q[0] != q[1]
        ) == len(Color) * (len(Color) - 1)

    @invariant
    def painted(self) -> bool:
        return sum(1 for f in maps(Color, P) if f[Color.RED] == f[Color.BLUE]) == len(P) * len(P)


class PlainSets(Model):
    """A set of Python's own, which is asked and not kept."""

    s: Set[P]

    @action
    def others(self, p: P) -> None:
        x = {q for q in P if q != p}
        require(p not in x)
        self.s = self.s | x

    @action
    def meet(self, p: P, q: P) -> None:
        few = {p}
        few |= {q}
        own = Set(self.s)
        own ^= {p}  # a Set as before
        self.s = own & few

    def size(self, more: int = 1, *, twice: bool = False) -> int:
        return len(self.s) * (2 if twice else 1) + more

    @invariant
    def parameters_that_are_named_have_defaults_of_their_own(self) -> bool:
        return self.size() == len(self.s) + 1 and self.size(0, twice=True) == 2 * len(self.s)


class Steps(Model):
    """`@action_constraint` and `enabled`."""

    s: Set[P]
    n: Small
    log: Annotated[Seq[P], AtMost(2)]

    @action
    def put(self, p: P) -> None:
        require(p not in self.s)
        self.s.add(p)
        if self.n == 3:
            return
        self.n += 1

    @action
    def take(self, p: P) -> None:
        require(p in self.s)
        self.s.remove(p)

    @action
    def write(self) -> None:
        self.log = Seq(self.s)[:2]

    @action_constraint
    def nothing_is_lost(self, old: Self) -> bool:
        return len(self.s) >= len(old.s) or old.n == 3 or self.n > old.n

    @step_invariant
    def as_said(self, old: Self) -> bool:
        return len(self.s) >= len(old.s) or old.n == 3


class Asking(Model):
    """What is possible, asked of the model's own actions."""

    s: Set[P]
    asked: Set[Ask | Tell]
    stuck: bool

    @action
    def put(self, p: P) -> None:
        require(p not in self.s)
        q = choose(P)
        if p == q:
            require(len(self.asked) < 2)
        self.s.add(p)
        self.asked.add(Ask(p))

    @action
    def answer(self, m: Ask) -> None:
        require(m in self.asked and not self.stuck)
        self.asked.remove(m)

    @action
    def stop(self) -> None:
        require(enabled(self.answer))
        self.stuck = any(enabled(self.put, p) for p in P)

    @invariant
    def can_go_on(self) -> bool:
        return enabled(self.put) == any(
            p not in self.s and (p != choose(P) or len(self.asked) < 2) for p in P
        ) and enabled(self.answer) == (not self.stuck and len(self.asked) > 0)


class Guarded(Model):
    """Guards in procedures, of a base class too."""

    x: Small

    @action
    def up(self, most: Small) -> None:
        require(self.x < most)
        self.x += 1


class AskingThrough(Guarded):
    """What is possible, where the guards stand in procedures and what comes after them goes wrong."""

    log: Annotated[Seq[Small], AtMost(2)]
    seen: bool

    def room(self) -> None:
        require(len(self.log) < 2)

    @action
    def up(self, most: Small) -> None:
        if most == 2:
            return
        self.room()
        super().up(most)
        self.log.append(most)

    @action
    def take(self, at: Small) -> None:
        for k in range(at):
            require(k != self.x)
        if len(self.log) > at:
            first = self.log[at]
            self.x = first // at if at > 0 else first

    @action
    def see(self) -> None:
        require(not enabled(self.up, 3) and enabled(self.up, 2) and not enabled(self.take, 3))
        self.seen = True

    @invariant
    def as_guarded(self, most: Small) -> bool:
        return enabled(self.up, most) == (most == 2 or (len(self.log) < 2 and self.x < most))


class Partial(Model):
    """A map with some keys, in the words of dicts."""

    age: Map[P, Small | None]
    eldest: P | None

    def oldest(self) -> int:
        return max(self.age.get(p, 0) for p in P)

    @action
    def born(self, p: P) -> None:
        require(self.age.get(p) is None)
        self.age[p] = 0

    @action
    def grow(self, p: P) -> None:
        age = self.age[p]
        require(age is not None and age < 2)
        self.age[p] = self.age.get(p, 0) + 1
        if self.age.get(p, 0) == self.oldest():
            self.eldest = p

    @action
    def die(self, p: P) -> None:
        require(self.age[p] == 2)
        del self.age[p]
        own = Map(self.age)
        del own[p]
        for q in P:
            if own[q] == 2:
                own.pop(q)
        self.age = own

    @action
    def leave(self, p: P) -> None:
        require(self.age[p] == 0)
        self.age.pop(p)

    @invariant
    def few(self) -> bool:
        return self.oldest() <= 2 and sum(1 for age in self.age.values() if age is not None) <= len(P)


@recursive(most=3)
def total(s: Seq[int], n: int) -> int:
    """By a number that falls."""
    return 0 if n == 0 else s[n - 1] + total(s, n - 1)


@recursive(most=2)
def common(a: int, b: int) -> int:
    """By what is left over."""
    if b == 0:
        return a
    return common(b, a % b)


class Recursion(Model):
    """Helpers that call themselves, so deep at most."""

    s: Annotated[Seq[Annotated[int, Range(0, 2)]], AtMost(3)]
    parent: Map[P, P | None]
    marked: Set[P]

    @recursive(most=3)
    def depth(self, p: P) -> int:
        q = self.parent[p]
        return 0 if q is None else 1 + self.depth(q)

    @recursive(most=3)
    def longest(self, s: Seq[int]) -> int:
        return 0 if len(s) == 0 else max(s[0], self.longest(s[1:]))

    @recursive(most=3)
    def mark(self, ps: Set[P]) -> None:
        if len(ps) > 0:
            p = choose(ps)
            self.marked.add(p)
            self.mark(ps - {p})

    @action
    def put(self, n: Annotated[int, Range(0, 2)]) -> None:
        require(len(self.s) < 3)
        self.s.append(n)

    @action
    def hang(self, p: P, q: P) -> None:
        require(p != q and self.parent[p] is None and self.parent[q] is None and len(self.s) == 0)
        require(all(self.parent[r] != p for r in P))
        self.parent[p] = q
        self.mark(Set(P))

    @invariant
    def computed(self) -> bool:
        return total(self.s, len(self.s)) == sum(self.s) and self.longest(self.s) <= 2

    @invariant
    def shallow(self) -> bool:
        return all(self.depth(p) < len(P) for p in P) and common(12, 8) == 4


class Grade(Enum):
    """Members that have numbers."""

    LOW = 1
    HIGH = 4

    def top(self) -> bool:
        """Whether there is no higher one."""
        return self is Grade.HIGH


@record
class Mark:
    """A grade for somebody."""

    p: P
    grade: Grade

    @property
    def good(self) -> bool:
        """Whether it is."""
        return self.grade.value >= Grade.HIGH.value


ODD = [1, 3]


class Habits(Model):
    """What a Python programmer writes without thinking of it."""

    MOST: ClassVar[int] = 2
    log: Annotated[Seq[P], AtMost(3)]
    rank: Map[P, Small]
    mark: Mark | None
    flag: bool
    n: Small = 2**0

    @property
    def full(self) -> bool:
        return len(self.log) == Habits.MOST

    @staticmethod
    def twice(n: int) -> int:
        return n * 2

    @action
    def put(self, p: P, grade: Grade) -> None:
        require(not self.full)
        if (k := len(self.log)) > 0 and not grade.top():
            self.log.insert(k - 1, p)
        else:
            self.log = Seq([p, *self.log])
        self.mark = Mark(p, grade)
        self.rank.update({p: min(3, grade.value - 1)})
        self.flag ^= True

    @action
    def drop(self, p: P) -> None:
        require(p in self.log)
        self.log.remove(p)
        self.log = self.log[::-1]
        halves, self.n = divmod(self.twice(len(self.log)) + 1, 3)
        assert halves <= 1
        if self.mark is not None:
            self.mark = dataclasses.replace(
                self.mark, grade=Grade["HIGH"] if self.flag else Grade(self.n**0 * 4)
            )

    @invariant
    def ranked(self) -> bool:
        rows = sorted(self.log, key=lambda p: self.rank[p], reverse=True)
        return all(self.rank[a] >= self.rank[b] for a, b in pairwise(rows)) and rows == sorted(
            rows, key=lambda p: -self.rank[p]
        )

    @invariant
    def counted(self) -> bool:
        return (
            sum((self.rank[p] for p in P), 1) == 1 + sum(self.rank.values())
            and sum(1 for p, q in product(P, P) if p != q) == len(P) ** 2 - len(P)
            and [i for i in range(5, -1, -2)] == [5, 3, 1]  # noqa: C416  # the word itself
            and [i for i, _ in enumerate(self.log, start=1)] == list(range(1, len(self.log) + 1))
            and all(i in (0, 2, 4) for i in range(0, 5, 2))
        )

    @invariant
    def told(self) -> bool:
        return (
            all(p in P for p in chain(self.log, self.log))
            and (self.flag is True) == self.flag
            and bool(self.log) != (not self.log)
            and (self.n not in ODD or self.n in {*ODD, 0})
            and (self.mark is None or self.mark.good == (self.mark.grade.value == +4))
        )


@record
class Found:
    """Who has seen whom."""

    seen: PartialMap[P, bool]


class Dicts(Model):
    """`PartialMap`, with the habits of a dict, and one value for every key at first."""

    age: PartialMap[P, Small]
    pairs: PartialMap[tuple[P, bool], P]
    slots: PartialMap[Small, P]
    friends: Map[P, PartialMap[P, bool]]
    groups: PartialMap[Color, Set[P]]
    found: Set[Found]
    left: Map[P, Small] = Map.fromkeys(P, 2)

    def init(self, first: P) -> None:
        self.age = PartialMap({first: 1})
        self.pairs[first, True] = first

    @action
    def born(self, p: P) -> None:
        require(p not in self.age and self.left[p] > 0)
        self.age[p] = 0
        self.left[p] -= 1
        self.groups[Color.RED] = self.groups.get(Color.RED, Set()) | {p}

    @action
    def grow(self, p: P) -> None:
        require(p in self.age and self.age[p] < 2)
        self.age[p] += 1
        if p not in self.friends[p]:
            self.friends[p][p] = True
        if Color.RED in self.groups:
            self.groups[Color.RED].discard(p)

    @action
    def die(self, p: P) -> None:
        require(self.age.get(p) == 2)
        last = self.age.pop(p)
        assert last == 2
        self.pairs.pop((p, True), None)
        friend = self.friends[p].pop(p, None)
        assert friend is None or p not in self.friends[p]
        self.slots.pop(7, None)
        if 1 in self.slots and 5 not in self.slots:
            del self.slots[1]

    @action
    def see(self, p: P) -> None:
        require(len(self.found) == 0 and p in self.age)
        self.found.add(Found(PartialMap({q: q == p for q in self.age})))
        self.slots[1] = p

    @action
    def start_again(self) -> None:
        require(len(self.age) == 0 and len(self.groups) > 0)
        self.left = Map.fromkeys(P, 1) | {p: 2 for p in P if p in self.friends[p]}
        self.groups.clear()
        self.age = self.age | {p: 0 for p in P if any(p in s.seen for s in self.found)}

    @invariant
    def as_in_a_dict(self) -> bool:
        own = PartialMap(self.age)
        for p in P:
            if p in own:
                del own[p]
        return (
            len(own) == 0
            and own == PartialMap()
            and self.age.keys() == Set(self.age)
            and all(self.age[p] == self.age.get(p) for p in self.age)
            and all(self.age[p] == n for p, n in self.age.items())
            and sum(self.age.values()) <= 2 * len(self.age)
            and max(self.age.values(), default=0) <= 2
        )

    @invariant
    def one_of_them(self) -> bool:
        return all(
            sum(1 for p in f.seen if f.seen[p]) == 1
            and all(f.seen.get(p) is not True or f.seen[p] for p in P)
            for f in self.found
        )


Letter = Literal["a", "b"]


class Wider(Model):
    """A `Literal` as one with more words; families whose size is a parameter; permutations in a guard; a variable `given`.

    Maps whose keys are of a type that is no set of values in Python.
    """

    most: Param[Small] = 2
    told: Map[Letter, Map[tuple[P, Small], bool]] = Map.fromkeys(Letter, Map.fromkeys(tuple[P, Small], False))
    x: Literal["a", "b", "c"] = "a"
    y: Literal["b", "a"] = "a"
    z: Literal["b"] | None = None
    given: Set[P]
    line: Annotated[Seq[P], AtMost("len(P)")]

    def named(self) -> int:
        match self.x:
            case "a" | "b" as known:
                return 1 if known == "a" else 3
            case _:
                return 2

    @action
    def give(self, p: P) -> None:
        self.given.add(p)
        self.x = self.y
        self.y = "b"
        if self.z is not None:
            self.x = self.z
            self.y = self.z
            self.z = None

    @action
    def order(self, line: Annotated[Seq[P], AtMost("len(P)")]) -> None:
        require(line in permuted(self.given))
        self.line = line
        self.told["b"] = Map.fromkeys(tuple[P, Small], len(line) > 0)
        self.z = "b"
        self.x = "c" if self.z == self.y else self.y

    @invariant
    def all_told(self) -> bool:
        empty = Map.fromkeys(Small, Map.fromkeys(bool, 0))
        return self.told["b"][choose(P), 3] == (len(self.line) > 0) and empty[3][True] == 0

    @invariant
    def counted(self) -> bool:
        longest = sum(1 for s in sequences(P, self.most) if len(s) == self.most)
        return self.named() <= 3 and longest == (len(P) * len(P) if self.most == 2 else 1)


class Numbers(Model):
    """Ints that are declared without a range, and kept within one by a constraint."""

    time: int
    last: Map[P, int]
    newest: int | None
    seen: Annotated[Seq[Dated], AtMost(1)]

    @action
    def tick(self) -> None:
        self.time += 1

    @action
    def back(self, p: P) -> None:
        require(self.last[p] == self.time)
        self.time -= 3
        self.newest = max(self.last[q] for q in P)

    @action
    def see(self, p: P) -> None:
        self.last[p] = self.time
        self.seen = Seq([Dated(p, self.time * self.time)])

    @constraint
    def not_for_ever(self) -> bool:
        return -2 <= self.time <= 1

    @invariant
    def squares(self) -> bool:
        return all(0 <= d.at <= 9 and (self.newest is None or self.newest <= 2) for d in self.seen)


@record
class Counts:
    """How much of something."""

    n: Small
    last: P


@record
class Account:
    """A record in a record."""

    owner: P
    counts: Counts
    log: Annotated[Seq[P], AtMost(2)]


class Fields(Model):
    """Fields of records that variables hold are assigned; records that were read stay what they were."""

    accounts: Map[P, Account]
    kept: Counts | None
    past: Annotated[Seq[Counts], AtMost(1)]

    def init(self) -> None:
        self.accounts = Map({p: Account(p, Counts(0, p), Seq()) for p in P})

    @action
    def put(self, p: P, q: P) -> None:
        require(self.accounts[p].counts.n < 1 and len(self.accounts[p].log) < 1)
        before = self.accounts[p]
        self.accounts[p].counts.n += 1
        self.accounts[p].counts.last = q
        self.accounts[p].log = self.accounts[p].log + Seq([q])
        assert before.counts.n == self.accounts[p].counts.n - 1
        assert len(before.log) == 0

    @action
    def keep(self, p: P) -> None:
        require(self.accounts[p].counts.n == 1)
        self.kept = self.accounts[p].counts
        self.kept.n = 2
        self.past = Seq([self.kept])
        self.past[0].n -= 1

    @invariant
    def owners(self) -> bool:
        return all(self.accounts[p].owner == p for p in P)

    @invariant
    def one_less(self) -> bool:
        return self.kept is None or self.past[0] == Counts(self.kept.n - 1, self.kept.last)


Phase = Literal["idle", "wanting", "busy"]


@record
class Said:
    """A text in a record."""

    p: P
    phase: Phase = "busy"


def following(phase: Phase) -> Phase:
    """By `match` over texts, no case left."""
    match phase:
        case "idle":
            return "wanting"
        case "wanting":
            return "busy"
        case "busy":
            return "idle"


class Texts(Model):
    """Texts as values."""

    phase: Map[P, Phase]
    last: Literal["raise", "lower"] | None = None
    seen: Set[Phase]
    said: Set[Said]

    @action
    def go_on(self, p: P) -> None:
        if self.phase[p] == "wanting":
            require(self.last != "raise" and all(self.phase[q] in ("idle", "wanting") for q in P))
        self.phase[p] = following(self.phase[p])
        self.seen.add("idle" if self.phase[p] == "idle" else self.phase[p])

    @action
    def say(self, p: P) -> None:
        require(self.phase[p] == "busy" and self.last is None)
        self.last = "raise"
        self.said.add(Said(p))

    @action
    def down(self, phase: Phase) -> None:
        require(self.last == "raise" and phase in self.seen and phase != "wanting")
        self.last = "lower"
        self.seen = Set({"busy", phase})

    @invariant
    def alone(self) -> bool:
        return sum(1 for p in P if self.phase[p] == "busy") <= 1

    @invariant
    def ordered(self) -> bool:
        first: Phase = "wanting"
        for phase in self.seen:
            if phase in ("busy", "idle"):
                first = phase
                break
        return first == min(
            self.seen, key=lambda s: 0 if s == "busy" else 1 if s == "idle" else 2, default="wanting"
        )


FIRST_WORDS: tuple[Phase, ...] = ("idle", "wanting")
TURNS: dict[Phase, int] = {"idle": 2, "wanting": 0, "busy": 1}
SMALL = (0, 2)


class ConstantTexts(Model):
    """Texts in the defaults of containers, and constants of the module that are run through."""

    pair: tuple[Phase, bool] = ("wanting", False)
    turns: Map[Phase, Small] = Map(TURNS)
    log: Annotated[Seq[Phase], AtMost(2)] = Seq(["busy"])
    pairs: Set[tuple[Phase, bool]] = Set({("busy", True)})
    maybe: tuple[Phase, Small] | None = ("idle", 1)

    @action
    def note(self, phase: Phase) -> None:
        require(phase in FIRST_WORDS and self.turns[phase] in SMALL)
        self.pair = (phase, not self.pair[1])
        self.log = Seq([self.log[-1], phase])
        self.pairs.add(self.pair)

    @action
    def turn(self) -> None:
        require(self.maybe is not None)
        for n in SMALL:
            if self.turns["idle"] != n:
                self.turns["idle"] = n
                break
        self.maybe = None

    @invariant
    def known(self) -> bool:
        return self.turns["wanting"] == 0 and all(p in FIRST_WORDS or k for p, k in self.pairs)


class Offered(Model):
    """Parameters chosen from what may not be there: guards before say where it is."""

    offers: PartialMap[P, Set[Color]]
    rows: Annotated[Seq[Set[Color]], AtMost(2)]
    hold: Color | None
    taken: bool

    @action
    def offer(self, p: P, c: Color) -> None:
        self.offers[p] = Set([c]) | (self.offers[p] if p in self.offers and len(self.offers) < 2 else Set())

    @action
    def row(self, c: Color) -> None:
        require(len(self.rows) < 2 and c != Color.BLUE)
        self.rows.append(Set([c]))

    @action
    def aim(self, c: Color) -> None:
        require(c != Color.GREEN)
        self.hold = c

    @action
    def take(self, p: P, c: Color) -> None:
        require(p in self.offers and c in self.offers[p])
        self.offers[p].discard(c)

    @action
    def cross(self, i: Annotated[int, Range(-3, 2)], c: Color) -> None:
        require(0 <= i < len(self.rows))
        self.last(c)
        self.rows[i] = self.rows[i] - {c}

    def last(self, c: Color) -> None:
        require(self.hold is not None)
        require(c in self.rows[-1])

    @action
    def other(self, c: Color) -> None:
        require(self.hold is not None and c != self.hold)
        require(len(self.rows) > 0 and c in self.rows[0])
        self.taken = True

    @invariant
    def no_more_than_two(self) -> bool:
        return len(self.rows) <= 2
