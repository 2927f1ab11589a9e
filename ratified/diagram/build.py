"""From a model to its state graph: explored, projected, folded, cut to a part, and put into words.

Guarantees: nothing is decoded or worded that is not drawn; what is refused for its size is refused before that.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise, repeat
from typing import Any

from ratified.diagram.focus import Focus, focus_of, told_apart, within
from ratified.diagram.graph import StateGraph
from ratified.diagram.picture import GraphEdge, GraphNode
from ratified.diagram.size import EXPORTED, FEW, NODES, too_large
from ratified.diagram.space import Progressing, Space, explore
from ratified.diagram.views import View, change_lines, view_lines, view_of, views_of, whole_lines
from ratified.explore.symmetry import Symmetry
from ratified.language.errors import ModelError
from ratified.language.machine import OutOfBounds, Values
from ratified.language.model import Model
from ratified.language.values import order_key, show
from ratified.results.limits import LimitWatch
from ratified.results.result import Limits

WHOLE = "state"
"""The view that tells every state apart, where the model has nothing else of that name."""


Exercised = Callable[[str, Values, Values], bool]
"""Whether traces came to all that a step does: its action, the state before it, and its arguments."""


@dataclass(frozen=True, slots=True)
class Classes:
    """States put together: for each its class, and of each class the value of the view (None if states are drawn one by one).

    Classes are numbered in the order in which they are met.
    """

    of: Sequence[int]
    values: Sequence[tuple[Any, ...]] | None
    count: int


def graph(
    model: Model,
    *,
    view: str | None = None,
    fold: bool = False,
    focus: str | None = None,
    radius: int = 1,
    loops: bool = False,
    most: int | None = None,
    limits: Limits = Limits(),  # noqa: B008  # frozen
    engine: str = "auto",
    progress: Progressing = None,
    exercised: Exercised | None = None,
) -> StateGraph:
    """The state graph of a model at a size, or a part or projection of it.

    `view` names a view of the model, or has expressions over its variables (`"role, current_term"`): states that agree on it
    are one node. Without it, every state is a node if there are few; otherwise the model's first view is used. `"state"`
    draws every state (`"self"`, for a model that has a `state`). `fold` merges states that differ by renaming interchangeable
    values. `focus` keeps what is within `radius` steps of the states that satisfy a condition, of the steps of an action, or
    of a `"counterexample"`. `loops` draws edges from a node to itself. `exercised` says whether traces exercised a step; it
    requires every state to be a node. With `most`, a larger graph is refused with the views that would help; without it, one
    of more than 200,000 nodes is, and smaller ones only when they are drawn.

    Raises:
        RatifiedError: no such view, focus or engine; or nothing is violated and a counterexample is requested.
        TooLarge: there are more than `most` nodes.
        ModelError: `fold` for a model that distinguishes symmetric values; no initial state; a view without a value.
        EvaluationError: an operation has no value in a reachable state.
    """
    watch = LimitWatch(limits)
    whole = view == "self" or (view == WHOLE and not hasattr(model, WHOLE))
    seen = view_of(model, view) if view is not None and not whole else None
    if fold and seen is not None:
        told_apart(seen.query)
    space = explore(model, fold=fold, limits=limits, engine=engine, progress=progress)
    if view is None and space.size > FEW and focus is None and (names := views_of(model)):
        seen = view_of(model, names[0])
    classes = classes_of(space, seen)
    around = focus_of(space, focus, limits, engine) if focus is not None else None
    if around is None:
        kept: Collection[int] = range(classes.count)
    else:
        kept = within(
            space, classes.of, {classes.of[n] for n in around.states}, radius if around.widened else 0
        )
    helping: tuple[tuple[str, int], ...] | None = ()
    if len(kept) > (most or NODES):
        helping = views_that_help(space, most or NODES, seen, lambda: watch.over)
        if most is not None or len(kept) > EXPORTED:
            raise too_large(model.module.name, f"{len(kept):,} nodes", most or EXPORTED, helping)
    made = _Builder(space, classes, seen, kept, around, exercised).build()
    made = _unmarked(*made)
    return StateGraph(
        model.module.name,
        {sort.__name__: size for sort, size in model.scope.sizes.items()},
        _told_parameters(model),
        space.actions,
        space.size,
        len(space.steps.targets),
        len(space.levels) - 1,
        *made,
        view=seen.name if seen else "",
        focus=around.name if around else "",
        folded=space.symmetry.sorts if space.symmetry else (),
        stopped=space.stopped,
        left_out=space.left_out,
        bounds=space.bounds,
        notes=space.notes,
        views=helping,
        loops=loops,
        most=most,
    )


def _unmarked(
    nodes: tuple[GraphNode, ...], edges: tuple[GraphEdge, ...]
) -> tuple[tuple[GraphNode, ...], tuple[GraphEdge, ...]]:
    """Where all is what the picture is around, nothing need be marked."""
    if all(node.focused for node in nodes):
        nodes = tuple(replace(node, focused=False) for node in nodes)
    return nodes, edges


def _told_parameters(model: Model) -> dict[str, object]:
    """The parameters that are not what they are by themselves."""
    try:
        usual = type(model)(**{s.__name__: n for s, n in model.scope.sizes.items()}).scope.parameters
    except ModelError:
        usual = {}
    return {n: v for n, v in model.scope.parameters.items() if n not in usual or usual[n] != v}


def classes_of(space: Space, view: View | None) -> Classes:
    """The states of a space put together by a view; with folding, also what differs by renaming."""
    if view is None:
        return Classes(range(space.size), None, space.size)
    of, values = space.asked(view.query)
    if space.symmetry is None:
        return Classes(of, values, len(values))
    numbers: dict[tuple[Any, ...], int] = {}
    folded = [numbers.setdefault(value, len(numbers)) for value in _folded(values, space.symmetry)]
    return Classes([folded[c] for c in of], list(numbers), len(numbers))


def _folded(values: Sequence[tuple[Any, ...]], symmetry: Symmetry | None) -> Iterable[tuple[Any, ...]]:
    """For each value the one that stands for all that differ from it by renaming."""
    if symmetry is None:
        return values
    renamings = symmetry._renamings
    return (
        min((tuple(r(v) for v in value) for r in renamings), key=lambda v: tuple(map(order_key, v)))
        for value in values
    )


def views_that_help(
    space: Space, most: int, but: View | None, over: Callable[[], bool]
) -> tuple[tuple[str, int], ...] | None:
    """Views that give at most so many nodes, those with the most to see first: the model's own, then single variables.

    None if time was `over` before they were found.
    """
    own = [name for name in views_of(space.model) if but is None or name != but.name]
    found: list[list[tuple[str, int]]] = []
    for name in (*own, *(declaration.name for declaration in space.model.module.variables)):
        if over():
            return None
        found.append(_counted(space, name, most))
    single = sorted([s for some in found[len(own) :] for s in some if s[1] > 1], key=lambda s: -s[1])
    return tuple([*(view for some in found[: len(own)] for view in some), *single][:5])


def _counted(space: Space, name: str, most: int) -> list[tuple[str, int]]:
    try:
        view = view_of(space.model, name)
        renamings = 1 if space.symmetry is None else len(space.symmetry._renamings)
        if space.exceeds(view.query, most * renamings):
            return []
        count = len(set(_folded(space.answers(view.query), space.symmetry)))
    except ModelError:
        return []
    return [(name, count)] if count <= most else []


class _Builder:
    """Puts the kept classes of a space into nodes and edges."""

    def __init__(
        self,
        space: Space,
        classes: Classes,
        view: View | None,
        kept: Collection[int],
        around: Focus | None,
        exercised: Exercised | None,
    ) -> None:
        self.exercised = exercised or (lambda *_: True)
        self.space = space
        self.classes = classes
        self.view = view
        self.names = tuple(d.name for d in space.machine.module.variables)
        of = classes.of
        keeping = kept if isinstance(kept, range) else set(kept)
        self.members: dict[int, list[int]] = defaultdict(list)
        for number, c in enumerate(of):
            if c in keeping:
                self.members[c].append(number)
        # By the number of the first state, that is by level.
        self.order = sorted(self.members, key=lambda c: self.members[c][0])
        self.number = {c: k for k, c in enumerate(self.order)}
        self.focused = set(around.states) if around else set[int]()
        self.run = around.states if around and around.run else ()
        self.level = space.level_of()

    def build(self) -> tuple[tuple[GraphNode, ...], tuple[GraphEdge, ...]]:
        """All nodes and edges."""
        path = self._path()
        if self.classes.values is None:
            return self._states(path)
        counts, having = self._counted()
        steps = {(self.number[c], self.number[t]) for c, t in path}
        edges = []
        for (c, action, t), times in counts.items():
            sources = having[c, action, t]
            partial = sources < len(self.members[c])
            s, d = self.number[c], self.number[t]
            name = self.space.actions[action]
            edges.append(GraphEdge(s, d, name, times, sources, partial, on_path=(s, d) in steps and s != d))
        order = {name: k for k, name in enumerate(self.space.actions)}
        edges.sort(key=lambda e: (e.source, e.target, order[e.action]))
        return tuple(self._merged(c) for c in self.order), tuple(edges)

    def _merged(self, c: int) -> GraphNode:
        assert self.classes.values is not None
        assert self.view is not None
        names = [text for text, _ in self.view.query.parts]
        parts = dict(zip(names, self.classes.values[c], strict=True))
        first = self.members[c][0]
        return self._node(c, view_lines(parts), self.space.states.values(first), None, parts)

    def _node(
        self,
        c: int,
        lines: tuple[str, ...],
        example: Values,
        parent: int | None,
        view: dict[str, object] | None,
    ) -> GraphNode:
        members, space = self.members[c], self.space
        first = members[0]
        violated = space.violated()
        return GraphNode(
            self.number[c],
            lines,
            self.level[first],
            len(members),
            dict(zip(self.names, example, strict=True)),
            view,
            parent,
            sum(1 for n in members if n < space.levels[1]),
            _shared(members, space.deadlocked()),
            {name: count for name, bad in violated.items() if (count := _shared(members, bad))},
            bool(self.focused) and any(n in self.focused for n in members),
        )

    # --- projections ---

    def _counted(self) -> tuple[Counter[tuple[int, int, int]], Counter[tuple[int, int, int]]]:
        """By class, action and class: how many steps there are, and how many states have one."""
        of, steps = self.classes.of, self.space.steps
        offsets, targets, actions = steps.offsets, steps.targets, steps.actions
        count, kinds = self.classes.count, len(self.space.actions)
        # One number for all three: numbers are counted many times faster than tuples.
        sources = chain.from_iterable(
            repeat(of[n], offsets[n + 1] - offsets[n]) for n in range(self.space.size)
        )
        codes = [
            (c * kinds + action) * count + of[t]
            for c, action, t in zip(sources, actions, targets, strict=True)
        ]
        all_steps = Counter(codes)
        having = Counter(
            chain.from_iterable(set(codes[offsets[n] : offsets[n + 1]]) for n in range(self.space.size))
        )
        return self._decoded(all_steps), self._decoded(having)

    def _decoded(self, counted: Counter[int]) -> Counter[tuple[int, int, int]]:
        count, kinds = self.classes.count, len(self.space.actions)
        found: Counter[tuple[int, int, int]] = Counter()
        for code, times in counted.items():
            rest, target = divmod(code, count)
            source, action = divmod(rest, kinds)
            if source in self.number and target in self.number:
                found[source, action, target] = times
        return found

    # --- every state a node ---

    def _states(
        self, path: Collection[tuple[int, int]]
    ) -> tuple[tuple[GraphNode, ...], tuple[GraphEdge, ...]]:
        lines: dict[int, tuple[str, ...]] = {}
        parents: dict[int, int] = {}
        edges: list[GraphEdge] = []
        on_path = set(path)
        for n in self.order:
            if n not in lines:
                lines[n] = whole_lines(self.names, self.space.states.values(n))
            calls: dict[tuple[int, int], list[str]] = defaultdict(list)
            came: set[tuple[int, int]] = set()
            for action, arguments, target, actual in told_steps(self.space, n):
                if target not in self.number:
                    continue
                if self.exercised(self.space.actions[action], self.space.states.values(n), arguments):
                    came.add((target, action))
                calls[target, action].append(", ".join(map(show, arguments)))
                if target not in lines and self.level[target] > self.level[n]:
                    parents[target] = n
                    lines[target] = change_lines(self.names, self.space.states.values(n), actual)
            first: set[int] = set()
            for (target, action), texts in sorted(calls.items()):
                tree = parents.get(target) == n and target not in first
                first.add(target)
                edges.append(
                    GraphEdge(
                        self.number[n],
                        self.number[target],
                        self.space.actions[action],
                        len(texts),
                        1,
                        False,
                        tuple(texts),
                        tree,
                        (n, target) in on_path,
                        (target, action) not in came,
                    )
                )
        nodes = tuple(
            self._node(
                n,
                lines[n],
                self.space.states.values(n),
                self.number[parents[n]] if n in parents else None,
                None,
            )
            for n in self.order
        )
        return nodes, tuple(edges)

    # --- the way to a violation ---

    def _path(self) -> list[tuple[int, int]]:
        """The classes along the run that the part is around, or a shortest run to the first violating state that is drawn."""
        bad = [
            n
            for numbers in self.space.violated().values()
            for n in numbers
            if self.classes.of[n] in self.number
        ]
        if not bad and not self.run:
            return []
        run = self.run or run_to(self.space, min(bad))
        of = self.classes.of
        return [(of[a], of[b]) for a, b in pairwise(run) if of[a] in self.number and of[b] in self.number]


def run_to(space: Space, number: int) -> list[int]:
    """The states of a shortest run to a state: of each the first predecessor, in the level before."""
    level = next(k for k, first in enumerate(space.levels[1:]) if number < first)
    offsets, targets = space.steps.offsets, space.steps.targets
    run = [number]
    for k in range(level - 1, -1, -1):
        run.append(
            next(
                n
                for n in range(space.levels[k], space.levels[k + 1])
                if run[-1] in targets[offsets[n] : offsets[n + 1]]
            )
        )
    return run[::-1]


def told_steps(space: Space, number: int) -> Iterable[tuple[int, Values, int, Values]]:
    """The steps of a state in the model's order: the action, its arguments, the number of the state after it, and that state.

    With folding the last is the state as the step makes it, which the number stands for.
    """
    offsets, targets = space.steps.offsets, space.steps.targets
    after = {space.states.values(t): t for t in dict.fromkeys(targets[offsets[number] : offsets[number + 1]])}
    canonical = space.symmetry.canonical if space.symmetry else None
    for action, arguments, target in space.machine.steps(space.states.values(number)):
        if isinstance(target, OutOfBounds):
            continue
        found = after.get(canonical(target) if canonical else target)
        if found is not None:
            yield action, arguments, found, target


def _shared(members: list[int], numbers: set[int]) -> int:
    if len(members) == 1:
        return int(members[0] in numbers)
    return len(numbers.intersection(members)) if numbers else 0
