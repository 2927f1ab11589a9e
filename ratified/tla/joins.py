"""Where two ways of a body meet, and what the variables are then.

Guarantees: a variable is after an IF what it is on the way that was taken.
"""

from __future__ import annotations

from ratified.tla.context import GivenByCall, NeedsInlining, TlaContext, TranslatedStatements, Unassigned
from ratified.tla.formulas import FALSE, all_of, if_else
from ratified.tla.syntax import If, Leaf, Tla

DONE, VALUE = "\0done", "\0value"
"""What a loop that returns remembers: whether it has, and what."""


class Join(If):
    """Where two ways meet: a value that depends on which was taken. Choices of one test share it."""


def join(
    test: Tla, then: TranslatedStatements, orelse: TranslatedStatements, r: TranslatedStatements
) -> None:
    """What two ways have in common afterwards."""
    guards = (all_of(then.guards), all_of(orelse.guards))
    both = if_else(test, *guards, truth=True)
    if not (isinstance(both, Leaf) and both.text == "TRUE"):
        r.guards.append(both)
    r.notes.update({**then.notes, **orelse.notes})
    r.shrunk = then.shrunk & orelse.shrunk
    for name in r.frame.words.variables:
        sides = [way.frame.now.get(name) for way in (then, orelse)]
        if sides[0] is sides[1]:
            if sides[0] is not None:
                r.frame.now[name] = sides[0]
            continue
        for side in sides:
            if isinstance(side, GivenByCall):
                raise NeedsInlining(side.key)
            if isinstance(side, Unassigned):
                r.frame.words.need("TLC")
        plain = [Leaf(r.frame.words.variables[name]) if side is None else side for side in sides]
        r.frame.now[name] = Join(test, *plain)
    _join_names(test, then.frame, orelse.frame, r)


def _join_names(test: Tla, then: TlaContext, orelse: TlaContext, r: TranslatedStatements) -> None:
    env = r.frame.env
    for name in {**then.env, **orelse.env}:
        a, b = then.env.get(name), orelse.env.get(name)
        if name == DONE:
            a, b = a or env.get(DONE, FALSE), b or env.get(DONE, FALSE)
        elif name == VALUE:
            a, b = a or b, b or a
        if a is None or b is None or (a is b):
            if a is b and a is not None:
                env[name] = a
            else:
                env.pop(name, None)  # it has no value on one of the ways, and so is not read any more
            continue
        joined = if_else(test, a, b, truth=name == DONE)
        env[name] = joined if isinstance(joined, Leaf) or name[0] == "\0" else r.define(name, joined)
        r.frame.sums.pop(name, None)
