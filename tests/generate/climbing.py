"""Proof scripts that climb: counters, sets and phases that only rise, until a last step that may change nothing or go back.

A step invariant says that something changes, or rises, by every step. What breaks it, if anything does, is a step from the top:
one that stays where it is, or one that closes a circle, which only a long run from the beginning comes to.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.generate.choices import Chooser
from tests.generate.updates import Lines, indented


@dataclass(frozen=True, slots=True)
class Climb:
    """A variable that rises: its type, the parameter of its step, when there is one, the step, its top, and a step back."""

    kind: str
    parameter: str
    below: str
    step: str
    top: str
    stay: str
    back: str
    rises: str


CLIMBS = {
    "level": Climb(
        "Small",
        "",
        "self.level < 4",
        "self.level += 1",
        "self.level == 4",
        "self.level = max(self.level, 3)",
        "self.level -= 1",
        "self.level > old.level",
    ),
    "phase": Climb(
        "Phase",
        "",
        "self.phase != Phase.DONE",
        "self.phase = Phase.BUSY if self.phase == Phase.IDLE else Phase.DONE",
        "self.phase == Phase.DONE",
        "self.phase = Phase.DONE",
        "self.phase = Phase.IDLE",
        "self.phase != old.phase and self.phase != Phase.IDLE",
    ),
    "seen": Climb(
        "Set[Node]",
        "n: Node",
        "n not in self.seen",
        "self.seen.add(n)",
        "n in self.seen and len(self.seen) == len(Node)",
        "self.seen.add(n)",
        "self.seen.remove(n)",
        "old.seen < self.seen",
    ),
    "cur": Climb(
        "Ballot",
        "",
        "not self.cur.is_last()",
        "self.cur = self.cur + 1",
        "self.cur.is_last()",
        "self.cur = last(Ballot)",
        "self.cur = first(Ballot)",
        "self.cur > old.cur",
    ),
}


def climbing(choose: Chooser) -> tuple[list[str], Lines]:
    """The declarations and methods of a script that climbs."""
    names = list(CLIMBS)
    chosen = [names.pop(choose.below(len(names))) for _ in choose.several(1, 2, 40)]
    lines = Lines()
    for name in chosen:
        climb = CLIMBS[name]
        lines += _action(f"rise_{name}", climb.parameter, climb.below, climb.step)
    tops = [CLIMBS[name] for name in chosen]
    parameters = ", ".join(dict.fromkeys(c.parameter for c in tops if c.parameter))
    end = choose.pick(["stay", "stay", "back", "none"])
    if end != "none":
        test = " and ".join(c.top for c in tops)
        lines += _action(f"{end}_there", parameters, test, getattr(tops[0], end))
    changes = " or ".join(f"self.{name} != old.{name}" for name in chosen)
    claim = choose.pick([changes, changes, " or ".join(c.rises for c in tops)])
    lines += ["", "@step_invariant", "def moves(self, old: Self) -> bool:", f"    return {claim}"]
    lines += ["", "@lemma", "def never(self) -> bool:", "    return not self.bad"]
    return [*(f"{name}: {CLIMBS[name].kind}" for name in chosen), "bad: bool"], indented(lines)


def _action(name: str, parameters: str, test: str, step: str) -> Lines:
    given = f", {parameters}" if parameters else ""
    return ["", "@action", f"def {name}(self{given}) -> None:", f"    require({test})", f"    {step}"]
