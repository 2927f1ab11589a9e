"""Generated models that claim more: liveness under fairness, assumptions, refinements, and with fewer guards before their bounds.

`claiming_model(seed)` is for the engines that can check all of it. Its models are those of `random_model` in everything else.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from tests.explore.native.refined import refining
from tests.generate.choices import Chooser, RandomSource
from tests.generate.models import GeneratedModel, ModelWriter
from tests.generate.scope import Name, Scope, wrap
from tests.generate.types import IntType, annotation, cardinality
from tests.generate.updates import Frame, Lines

TURNS_MOST = 3
"""Fairness is for each value of parameters that have so few: TLC multiplies the conditions out."""


def claiming_model(seed: int) -> GeneratedModel:
    """The model of a seed."""
    made = ClaimingWriter(Chooser(RandomSource(seed))).model()
    return refining(made, random.Random(seed)) if seed % 5 == 4 else made  # nothing is secret here


class ClaimingWriter(ModelWriter):
    """Writes one file."""

    def model(self) -> GeneratedModel:
        """See ModelWriter."""
        self.loose = self.choose.chance(45)
        self.lively = self.choose.chance(45)
        made = super().model()
        live = made.text.replace("from ratified import ", "from ratified import eventually, leads_to, ", 1)
        return replace(made, text=live) if self.lively else made

    # --- bounds that are left -----------------------------------------------------------------------------------------

    def _unless(self, test: str, line: str, percent: int) -> Lines:
        return super()._unless(test, line, max(percent, 55) if self.loose else percent)

    def _integer(self, scope: Scope, kind: IntType, depth: int) -> str:
        """One that may be just outside of its bounds."""
        if not self.loose or self.choose.chance(60):
            return super()._integer(scope, kind, depth)
        inner = replace(kind, low=kind.low + 1, high=kind.high) if kind.low < kind.high else kind
        sign = self.choose.pick(["+ 1", "- 1", "- 2", "+ 2"])
        return f"{wrap(self.expr(scope, inner, depth - 1))} {sign}"

    # --- what happens in the end ----------------------------------------------------------------------------------------

    def _action(self, scope: Scope, frame: Frame, name: str) -> Lines:
        lines = super()._action(scope, frame, name)
        if not self.lively or not self.choose.chance(65):
            return lines
        small = [one.text for one in self.methods[-1].parameters if cardinality(one.kind) <= TURNS_MOST]
        each = [text for text in small if self.choose.chance(50)][:2]
        by = f", each=({''.join(f'{text!r}, ' for text in each)})" if each else ""
        mark = f'@action(fair="{self.choose.pick(["weak", "strong"])}"{by})'
        return [line.replace("@action", mark) if line.strip() == "@action" else line for line in lines]

    def _properties(self, scope: Scope) -> Lines:
        lines = super()._properties(scope)
        if self.choose.chance(10):
            sort = self.choose.pick(self.world.sorts).name
            lines += _method("assume", "enough", "bool", f"len({sort}) > 0")
        if not self.lively:
            return lines
        ways: list[Callable[[Scope, str, str], Lines]] = [self._eventually, self._leads_to]
        for number in self.choose.several(1, 2, 40):
            one = Name(self.fresh("a"), self.choose.pick(self.world.sorts))
            given = (one,) if self.choose.chance(35) else ()
            written = "".join(f", {name.text}: {annotation(name.kind)}" for name in given)
            lines += self.choose.pick(ways)(scope.having(*given), f"live{number}", written)
        return lines

    def _eventually(self, scope: Scope, name: str, written: str) -> Lines:
        return _method("eventually", name, "bool", self.boolean(scope, 1), written)

    def _leads_to(self, scope: Scope, name: str, written: str) -> Lines:
        pair = f"({wrap(self.boolean(scope, 1))}, {wrap(self.boolean(scope, 1))})"
        return _method("leads_to", name, "tuple[bool, bool]", pair, written)


def _method(decorator: str, name: str, result: str, value: str, written: str = "") -> Lines:
    head = f"    def {name}(self{written}) -> {result}:"
    return ["", f"    @{decorator}", head, f"        return {value}"]
