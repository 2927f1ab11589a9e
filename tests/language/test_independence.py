"""Loops that are said not to depend on the order of their turns are run in another order, and come to the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from ratified.language import (
    AtMost,
    Bag,
    Map,
    Model,
    Range,
    RatifiedError,
    Set,
    action,
    ir,
    require,
)
from ratified.language.independence import interference
from ratified.language.ir import Function, Module
from ratified.language.types import SeqType, children
from ratified.language.uses import Uses, loops
from tests.generate.running import of_seed
from tests.language.test_uses import Run, cases
from tests.shared.sorts import Slot
from tests.shared.symmetric import Node


def backwards(function: Function, loop: ir.For) -> Function:
    """A function that runs the turns of one of its loops from the last to the first."""
    items = ir.Convert(
        loop.domain.span, SeqType(children(loop.domain.type)[0]), "reversed", _listed(loop.domain)
    )

    def change(node: Any) -> Any:
        return replace(loop, domain=items) if node is loop else ir.rebuild(node, change)

    return replace(function, body=tuple(map(change, function.body)))


def _listed(domain: ir.Expr) -> ir.Expr:
    """A container as a sequence of what a loop runs through."""
    item = ir.Local(domain.span, children(domain.type)[0], "each")
    clause = ir.Clause(("each",), domain, ())
    return ir.Collect(domain.span, SeqType(item.type), "seq", item, (clause,))


def test_turns_that_cannot_see_each_other_may_be_run_in_another_order() -> None:
    """Each loop of generated models alone; where it is said that turns interfere, they often do."""
    agreed = differed = 0
    for seed in range(150):
        try:
            model = of_seed(seed)
        except RatifiedError:
            continue
        uses = Uses(model.module)
        changed = {
            function.key: [
                (bool(interference(uses, loop, after)), backwards(function, loop))
                for loop, after in loops(function.body)
            ]
            for function in model.module.functions.values()
        }
        if not any(changed.values()):
            continue
        run = Run(model)
        for function, arguments, now, old, _ in cases(run):
            for interferes, turned in changed[function.key]:
                first = run.outcome(function, arguments, now, old)
                second = run.outcome(turned, arguments, now, old)
                if interferes:
                    differed += first != second
                elif first.ended == second.ended == "done":
                    agreed += 1
                    assert first == second
    assert agreed > 100
    assert differed > 5


Small = Annotated[int, Range(0, 3)]


class Loops(Model):
    """Loops whose turns do not interfere, and loops whose turns do."""

    number: Map[Slot, Small]
    other: Map[Slot, Small]
    seen: Set[Slot]
    last: Slot | None
    nodes: Map[Node, Set[Slot]]
    total: Annotated[int, Range(0, 99)]
    waiting: Annotated[Bag[Slot], AtMost(3)]

    @action
    def apart(self) -> None:
        """A place of its own for each turn, read there alone."""
        for s in Slot:
            if self.number[s] < 3:
                self.number[s] = self.number[s] + 1
                self.other[s] = self.number[s]

    @action
    def gathered(self) -> None:
        """Elements of a set; and a sum in a local name."""
        total = 0
        for s in Slot:
            if self.number[s] > 1:
                self.seen.add(s)
                total += self.number[s]
        require(total > 0)
        self.total = total

    @action
    def hidden(self) -> None:
        """The name of the loop is that of a comprehension, which reads every place."""
        for s in Slot:
            self.number[s] = sum(self.number[s] for s in Slot) % 4

    @action
    def innermost(self) -> None:
        """What is stored last depends on the turn, by way of an inner loop."""
        for n in Node:
            for s in self.nodes[n]:
                self.last = s

    @action
    def carried(self) -> None:
        """A turn sees what the one before has left."""
        before = 0
        for s in Slot:
            self.number[s] = before
            before = self.other[s]

    @action
    def undone(self) -> None:
        """What one turn adds another takes away."""
        for s in Slot:
            if self.number[s] > 1:
                self.seen.add(s)
            else:
                self.seen.clear()

    def helped(self) -> int:
        """Reads every place."""
        return sum(self.number[s] for s in Slot)

    @action
    def called(self) -> None:
        """A turn reads the places of others, in a function that it calls."""
        for s in Slot:
            self.number[s] = self.helped() % 4

    @action
    def rebound(self) -> None:
        """The name of the loop is not the turn's own all through it."""
        for s in Slot:
            for s in self.seen:  # noqa: PLW2901  # that is what is tried
                self.number[s] = (self.number[s] * 2 + 1) % 4

    @action
    def stopped(self) -> None:
        """What comes after the one that returns is not done."""
        for s in Slot:
            if self.number[s] > 2:
                return
            self.seen.add(s)

    @action
    def once(self) -> None:
        """Every iteration assigns the same, and yet only one finds what was there before."""
        none_yet = True
        for s in Slot:
            if none_yet:
                self.seen.add(s)
            none_yet = False

    @action
    def spreading(self) -> None:
        """What is added depends on what others have added."""
        for s in Slot:
            self.seen.update(t for t in Slot if s in self.seen)

    def some(self) -> bool:
        """Returns one constant, whichever comes first."""
        for s in Slot:  # noqa: SIM110  # a loop is what is tried
            if self.number[s] > 2:
                return True
        return False

    def which(self) -> Slot | None:
        """Returns what depends on which comes first."""
        for s in Slot:
            if self.number[s] > 2:
                return s
        return None

    @action
    def doubled(self) -> None:
        """Two turns may be at one place: a bag may have an element twice."""
        for s in self.waiting:
            self.number[s] = (self.number[s] * 2 + 1) % 4


def reasons(module: Module, name: str) -> list[str]:
    function = module.functions[name]
    return [why for loop, after in loops(function.body) for why in interference(Uses(module), loop, after)]


def test_what_is_kept_apart_or_gathered_does_not_interfere() -> None:
    assert reasons(Loops.module, "apart") == []
    assert reasons(Loops.module, "gathered") == []
    assert reasons(Loops.module, "some") == []


def test_what_interferes_is_told() -> None:
    assert reasons(Loops.module, "hidden") == ["one iteration may read what another has written to `number`"]
    assert reasons(Loops.module, "innermost") == [
        "a later iteration may undo what an earlier one did to `last`",
        "a later iteration may undo what an earlier one did to `last`",
    ]
    assert reasons(Loops.module, "carried") == ["`before` is carried from one iteration to the next"]
    assert reasons(Loops.module, "stopped") == ["it returns from the first iteration that reaches it"]
    assert reasons(Loops.module, "which") == ["it returns from the first iteration that reaches it"]
    assert reasons(Loops.module, "once") == ["`none_yet` is carried from one iteration to the next"]
    assert reasons(Loops.module, "spreading") == [
        "a later iteration may undo what an earlier one did to `seen`"
    ]
    assert reasons(Loops.module, "undone") == ["a later iteration may undo what an earlier one did to `seen`"]
    assert reasons(Loops.module, "doubled") == [
        "a later iteration may undo what an earlier one did to `number`"
    ]
    assert reasons(Loops.module, "called") == ["one iteration may read what another has written to `number`"]


def test_a_name_that_an_inner_loop_takes_is_no_place_of_its_own() -> None:
    outer = list(loops(Loops.module.functions["rebound"].body))[-1]
    assert interference(Uses(Loops.module), *outer) == (
        "a later iteration may undo what an earlier one did to `number`",
    )
