"""What maze.c says, and what an exploration of it must report, in plain Python: the oracle of the differential tests."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, fields

from ratified.explore.native.driver import FindingKind, NativeFinding, Packed

MASK = (1 << 64) - 1
NEVER = MASK
DEGREE = 6


@dataclass(frozen=True, slots=True)
class Maze:
    """The parameters, in the order of the C structure."""

    seed: int
    nodes: int
    span: int
    starts: int = 1
    bad0: int = NEVER
    bad1: int = NEVER
    bad_step0: int = NEVER
    bad_step1: int = NEVER
    fault_step: int = NEVER
    fault_state: int = NEVER
    fault_after: int = NEVER
    dead_modulus: int = 0
    bound_modulus: int = 0
    outside0: int = 0
    outside1: int = 0

    def values(self) -> list[int]:
        return [getattr(self, field.name) for field in fields(self)]

    def mix(self, a: int, b: int) -> int:
        z = (self.seed + a * 0x9E3779B97F4A7C15 + b * 0xBF58476D1CE4E5B9) & MASK
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
        return z ^ z >> 31

    def initial(self) -> list[int]:
        return [self.mix(i, 999) % self.nodes for i in range(self.starts)]

    def steps(self, node: int) -> tuple[list[tuple[int, int]], list[int], list[int]]:
        """Transitions (instance, node), bounds left, instances that fault."""
        transitions: list[tuple[int, int]] = []
        left: list[int] = []
        faults: list[int] = []
        if self.dead_modulus and self.mix(node, 500) % self.dead_modulus == 0:
            return transitions, left, faults
        for i in range(DEGREE):
            h = self.mix(node, i)
            if h % 3 == 0:
                continue
            if node == self.fault_step and i >= 3:
                faults.append(i)
            elif self.bound_modulus and h // 3 % self.bound_modulus == 0:
                left.append(i & 1)
            else:
                transitions.append((i, self._target(node, h >> 40)))
        return transitions, left, faults

    def _target(self, node: int, jump: int) -> int:
        if jump % 8 == 0:
            return node
        if jump % 8 == 1:
            return (node + self.nodes - jump % self.span) % self.nodes
        return (node + 1 + jump % self.span) % self.nodes

    def outside(self, node: int) -> int | None:
        for i, modulus in enumerate((self.outside0, self.outside1)):
            if modulus and self.mix(node, 600 + i) % modulus == 0:
                return i
        return None

    def packed(self, node: int, words: int) -> Packed:
        return (node, *(self.mix(node, 1000 + i) for i in range(1, words)))


@dataclass(slots=True)
class Expected:
    """What an exploration must report."""

    distinct: int
    generated: int
    depth: int
    out_degree: tuple[int, float, int]
    fired: tuple[int, ...]
    new: tuple[int, ...]
    left: tuple[int, ...]
    constrained: tuple[int, ...]
    finding: NativeFinding | None
    levels: list[list[int]]


# A candidate: (length of the run shown, kind, property, keys for ties..., then what to build the finding from).
_Key = tuple[int, int, int, Packed, Packed, int]


class _Search:
    """Breadth first, with the ties broken as run.h says."""

    def __init__(self, maze: Maze, words: int, deadlock: bool) -> None:
        self.maze, self.words, self.deadlock = maze, words, deadlock
        self.generated = 0
        self.degrees: list[int] = []
        self.fired, self.new, self.left, self.constrained = [0] * DEGREE, [0] * DEGREE, [0] * 2, [0] * 2
        self.found: dict[_Key, tuple[FindingKind, int, int | None, int | None, int | None]] = {}
        self.levels: list[list[int]] = []
        self.seen: set[int] = set()
        self.exhausted = False

    def pack(self, node: int) -> Packed:
        return self.maze.packed(node, self.words)

    def add(
        self,
        kind: FindingKind,
        index: int,
        length: int,
        node: int | None,
        instance: int | None,
        after: int | None = None,
    ) -> None:
        shown = length + (kind is FindingKind.STEP_INVARIANT)
        state = self.pack(node) if node is not None else (0,) * self.words
        second = self.pack(after) if after is not None else ()
        number = instance if instance is not None else 0xFFFFFFFF
        self.found[shown, kind.value, index, second, state, number] = (kind, index, node, instance, after)

    def admit(self, old: int | None, node: int, instance: int) -> bool:
        """Judges a step; whether its state is inside."""
        outside = self.maze.outside(node)
        length = len(self.levels)
        if outside is not None:
            self.constrained[outside] += 1
            return False
        if old is not None and node != old:
            if old == self.maze.fault_after:
                self.add(FindingKind.FAULT, 11, length, old, instance)
            elif old in (self.maze.bad_step0, self.maze.bad_step1):
                self.add(
                    FindingKind.STEP_INVARIANT,
                    0 if old == self.maze.bad_step0 else 1,
                    length,
                    old,
                    instance,
                    node,
                )
        return True

    def enter(self, nodes: list[int]) -> None:
        length = len(self.levels) + 1
        for node in nodes:
            if node == self.maze.fault_state:
                self.add(FindingKind.FAULT, 9, length, node, None)
            elif node in (self.maze.bad0, self.maze.bad1):
                self.add(FindingKind.INVARIANT, 0 if node == self.maze.bad0 else 1, length, node, None)
        self.seen.update(nodes)
        if nodes:
            self.levels.append(sorted(nodes, key=self.pack))

    def expand(self) -> None:
        first: dict[int, int] = {}
        length = len(self.levels)
        for node in self.levels[-1]:
            transitions, left, faults = self.maze.steps(node)
            for place in left:
                self.left[place] += 1
            for instance in faults:
                self.add(FindingKind.FAULT, 7, length, node, instance)
            if self.deadlock and not transitions and not left and not faults:
                self.add(FindingKind.DEADLOCK, 0, length, node, None)
            self.degrees.append(len(transitions))
            for instance, target in transitions:
                self.generated += 1
                self.fired[instance] += 1
                if self.admit(node, target, instance) and target not in self.seen:
                    first[target] = min(first.get(target, instance), instance)
        for instance in first.values():
            self.new[instance] += 1
        before = len(self.levels)
        self.enter(list(first))
        if len(self.levels) == before:
            self.exhausted = True

    def run(self, depth: int | None) -> None:
        initial = self.maze.initial()
        self.generated = len(initial)
        self.enter(sorted({node for node in initial if self.admit(None, node, 0)}))
        while (
            self.levels
            and not self.exhausted
            and not self.found
            and (depth is None or len(self.levels) < depth)
        ):
            self.expand()

    def trace_to(self, node: int, length: int) -> tuple[list[int], list[int]]:
        """Backwards by the smallest predecessor, forwards by the smallest instance."""
        nodes = [node]
        for level in reversed(self.levels[: length - 1]):
            nodes.append(next(n for n in level if any(t == nodes[-1] for _, t in self.maze.steps(n)[0])))
        nodes.reverse()
        pairs = itertools.pairwise(nodes)
        return nodes, [min(i for i, t in self.maze.steps(a)[0] if t == b) for a, b in pairs]

    def finding(self) -> NativeFinding | None:
        if not self.found:
            return None
        key = min(self.found)
        kind, index, node, instance, after = self.found[key]
        assert node is not None
        nodes, instances = self.trace_to(node, key[0] - (kind is FindingKind.STEP_INVARIANT))
        if kind is FindingKind.STEP_INVARIANT:
            assert after is not None
            assert instance is not None
            nodes.append(after)
            instances.append(instance)
        return NativeFinding(kind, index, instance, tuple(map(self.pack, nodes)), tuple(instances))


def explore(maze: Maze, words: int = 1, *, deadlock: bool = False, depth: int | None = None) -> Expected:
    """The oracle. Without symmetry."""
    search = _Search(maze, words, deadlock)
    search.run(depth)
    degrees = search.degrees
    mean = sum(degrees) / len(degrees) if degrees else 0.0
    return Expected(
        distinct=len(search.seen),
        generated=search.generated,
        depth=len(search.levels),
        out_degree=(min(degrees, default=0), mean, max(degrees, default=0)),
        fired=tuple(search.fired),
        new=tuple(search.new),
        left=tuple(search.left),
        constrained=tuple(search.constrained),
        finding=search.finding(),
        levels=search.levels,
    )


def unwitnessed(nodes: list[int], maze: Maze, wanted: int) -> int:
    """The bits of `wanted` that none of the nodes witnesses."""

    def witnesses(node: int, bit: int) -> bool:
        return maze.mix(node, 700 + bit) % (1 + bit * bit * 8) == 0

    return sum(1 << i for i in range(64) if wanted >> i & 1 and not any(witnesses(node, i) for node in nodes))
