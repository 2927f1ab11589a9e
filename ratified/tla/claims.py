"""What TLC is asked of a module: invariants, properties, refinements, liveness, each within the model's constraints.

Guarantees: nothing is claimed of states that a constraint leaves out; what TLC would misjudge is written so that it does not.
"""

from __future__ import annotations

from ratified.language import ir
from ratified.language.ir import Function, Kind
from ratified.tla.bodies import body_value
from ratified.tla.context import TlaContext
from ratified.tla.formulas import QuantifiedTla, all_of, number
from ratified.tla.operators import Operators
from ratified.tla.page import commented
from ratified.tla.syntax import Apply, Definition, Index, Infix, Leaf, Prefix, Primed, TextLines, Tla, Wrapped


class ClaimWriter:
    """The claims of one module.

    `invariants` and `properties` are what the configuration asks about, `names` which of the model's claims they are.
    """

    def __init__(self, operators: Operators) -> None:
        self.operators = operators
        self.words = operators.words
        self.blocks: list[TextLines] = []
        self.invariants: list[str] = []
        self.properties: list[str] = []
        self.names: dict[str, str] = {}
        self.constraints = self.words.module.of_kind(Kind.CONSTRAINT)
        self._for_all: dict[str, str] = {}

    def define(self, name: str, body: Tla, doc: str = "") -> None:
        """Add the definition of a claim."""
        self.blocks.append([*(commented(doc) if doc else []), *Definition(name, body).lines(), ""])

    def in_bounds(self) -> Leaf | None:
        """The constraints, as one name."""
        if not self.constraints:
            return None
        names = [self.for_all_arguments(one) for one in self.constraints]
        if len(names) == 1:
            return Leaf(names[0])
        whole = self.words.names.give_late("in_bounds")
        self.define(whole, all_of(map(Leaf, names), listed=True))
        return Leaf(whole)

    def for_all_arguments(self, one: Function) -> str:
        """The name of a claim without parameters."""
        name = self._for_all.get(one.key, self.words.operators[one.key])
        if one.key in self._for_all or not one.arguments or one.key not in self.operators.called:
            return name
        frame = self.operators.frame(one.arguments)
        body = Apply(name, tuple(frame.env[a.name] for a in one.arguments))
        whole = self._for_all[one.key] = self.words.names.give_late(f"{name}_for_all")
        self.define(whole, self.operators.for_all(one.arguments, body, frame))
        return whole

    # --- of states and steps ---

    def invariant(self, one: Function, bounds: Leaf | None) -> None:
        """Ask about an invariant."""
        name = self.for_all_arguments(one)
        if bounds is not None:
            inner = Infix("=>", bounds, Leaf(name))
            name = self.words.names.give_late(f"{name}_in_bounds")
            self.define(name, inner)
        self.invariants.append(name)
        self.names[name] = one.name

    def step_invariant(self, one: Function, bounds: Leaf | None) -> None:
        """Ask about a step invariant."""
        name = self.words.names.give_late(f"{self.words.operators[one.key]}_always")
        step = Leaf(self.words.operators[one.key])
        claim: Tla = step if bounds is None else Infix("=>", Primed(bounds), step)
        self.define(name, Leaf(f"[][{claim}]_vars"))
        self.ask(name, one)

    def tell_of_constraints(self) -> None:
        """Say, before the first claim, why it is one within the constraints."""
        if self.invariants or self.properties:
            text = (
                "TLC also checks invariants in states that a constraint excludes, where nothing is claimed."
            )
            self.blocks.insert(0, commented(text))

    # --- liveness ---

    def liveness(self, one: Function) -> None:
        """Ask about a claim of liveness."""
        frame = self.operators.frame(one.arguments)
        claim: Tla
        if one.kind in (Kind.EVENTUALLY, Kind.EVENTUALLY_ALWAYS):
            body = self._of_the_state(body_value(one, frame))
            sign = "<>" if one.kind is Kind.EVENTUALLY else "<>[]"
            claim = Prefix(sign, Wrapped(body) if not isinstance(body, Apply | Leaf) else body)
        else:
            parts = [self._of_the_state(part) for part in _pair(one, frame)]
            claim = Infix("~>", *(Wrapped(p) if isinstance(p, QuantifiedTla) else p for p in parts))
        self.operators.emit_referenced()
        name = self.words.operators[one.key]
        self.define(name, self.operators.for_all(one.arguments, claim, frame), one.doc)
        self.ask(name, one)

    def ask(self, name: str, one: Function) -> None:
        """Have the configuration ask about a property."""
        self.properties.append(name)
        self.names[name] = one.name

    def _of_the_state(self, claim: Tla) -> Tla:
        """A claim as one about states, also where it speaks of no variable: TLC misjudges `<>TRUE`."""
        words = self.words
        called = [words.module.functions[k] for k, name in words.operators.items() if name in claim.names]
        read = [*words.variables.values(), *(words.operators[f.key] for f in called if words.reads(f))]
        heeded = all(
            any(isinstance(n, ir.Local) and n.name == a.name for s in f.body for n in ir.walk(s))
            for f in called
            if not words.reads(f)
            for a in f.arguments
        )
        if heeded and not claim.names.isdisjoint(read):
            return claim
        return all_of([claim, Infix("=", Leaf("vars"), Leaf("vars"))])


def _pair(one: Function, frame: TlaContext) -> tuple[Tla, Tla]:
    """What leads, and what it leads to."""
    last = one.body[-1] if one.body else None
    if isinstance(last, ir.Return) and isinstance(last.value, ir.MakeTuple) and len(one.body) == 1:
        premise, conclusion = last.value.items
        return frame.expr(premise), frame.expr(conclusion)
    whole = Wrapped(body_value(one, frame))
    return Index(whole, (number(1),)), Index(whole, (number(2),))
