"""A set that many conditions have changed: what is said of its members is said once, and means what it did."""

from __future__ import annotations

import itertools
from pathlib import Path

from ratified.language.model import Model
from ratified.results.result import Verdict
from ratified.smt.first_order.obligations import Translation
from ratified.smt.proving import ProofOptions, prove
from ratified.smt.script import script_of
from ratified.smt.terms import walk
from tests.generate.engines import held_to_cpython, load_script
from tests.generate.models import GeneratedModel

HEAD = '''
from __future__ import annotations
from ratified import Map, Model, Set, Sort, action, invariant, lemma, require


class Node(Sort):
    """A node."""


class Script(Model):
    """Changes a set under many conditions, and then looks at all pairs of its members."""

    seen: Set[Node]
    up: Map[Node, bool]
    bad: bool

    @action
    def turn(self, n: Node) -> None:
        self.up[n] = not self.up[n]

    @action
    def look(self, n: Node, m: Node) -> None:
        self.seen.add(m)
'''

CHANGE = """\
        self.seen = self.seen {op} Set([{other}]) if self.up[{who}] else self.seen
"""

TAIL = """\
        if all(all(x == y or x in self.seen for y in self.seen) for x in self.seen) and {what}:
            self.bad = True

    @lemma
    def never(self) -> bool:
        return not self.bad
"""


def script(conditions: int, what: str, folder: Path) -> type[Model]:
    turns = zip("|-||" * conditions, "mnnmn" * conditions, "nmn" * conditions, strict=False)
    changes = [CHANGE.format(op=op, other=m, who=n) for op, m, n in itertools.islice(turns, conditions)]
    text = HEAD + "".join(changes) + TAIL.format(what=what)
    return load_script(GeneratedModel(text, "Script", {"Node": 2}), folder)


def size(cls: type[Model]) -> int:
    obligations = Translation(script_of(cls)).obligations()
    return sum(1 for o in obligations for f in o.facts for _ in walk(f.formula))


def test_formulas_grow_with_the_number_of_conditions_and_not_with_how_they_can_be_met(tmp_path: Path) -> None:
    few, more = (size(script(n, "n == m", tmp_path)) for n in (4, 8))
    assert more < 2 * few


def test_what_is_said_of_its_members_is_what_cpython_says(tmp_path: Path) -> None:
    never = script(4, "m not in self.seen and n == m and not self.up[n]", tmp_path)
    assert held_to_cpython(never) == ""
    seldom = script(4, "n not in self.seen and n != m and self.up[m]", tmp_path)
    assert held_to_cpython(seldom) == ""
    proof = prove(seldom, options=ProofOptions(processes=1))
    assert proof.verdict is Verdict.VIOLATED
    (failed,) = [c for c in proof.cells if c.counterexample]
    assert failed.name == "never / look"
    assert failed.counterexample is not None
    assert failed.counterexample.confirmed is True
