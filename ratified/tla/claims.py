"""What TLC is asked of a module: invariants, properties, refinements, liveness, each within the model's constraints.

Guarantees: nothing is claimed of states that a constraint leaves out; what TLC would misjudge is written so that it does not.
"""

from __future__ import annotations

from ratified.interchange.representation import Representation, refined_by
from ratified.language import ir
from ratified.language.ir import Function, Kind
from ratified.language.model import Model
from ratified.language.types import (
    BoolType,
    EnumType,
    IntType,
    SetType,
    SortType,
    Type,
)
from ratified.language.values import Set
from ratified.tla.formulas import Quantified, all_of, number
from ratified.tla.loops import with_definitions
from ratified.tla.names import mentions, module_name
from ratified.tla.operators import Operators
from ratified.tla.page import LINE, commented
from ratified.tla.scope import Frame
from ratified.tla.syntax import (
    WIDTH,
    Apply,
    Atom,
    Block,
    Definition,
    Index,
    Infix,
    Prefix,
    Primed,
    Tla,
    Wrapped,
    hang,
    indent,
)


class Claims(Operators):
    """Writes claims."""

    def __init__(self, model: Model, form: Representation) -> None:
        super().__init__(model, form)
        self._temporal: list[Block] = []
        self._instances: list[Block] = []
        self._invariants: list[str] = []
        self._properties: list[str] = []
        self._constraints = self.module.of_kind(Kind.CONSTRAINT)
        self._next_names = {
            name: self.names.give(name) for name in ("in_bounds",) if len(self._constraints) > 1
        }

    def text(self) -> str:
        """The module, to be given by what writes the whole."""
        raise NotImplementedError

    def _claims(self) -> None:
        """What TLC is asked, beyond the definitions of the claims themselves."""
        bounds = self._in_bounds()
        for one in self.module.of_kind(Kind.INVARIANT):
            name = self._claimed_for_all(one)
            if bounds is not None:
                inner = Infix("=>", bounds, Atom(name))
                name = self.names.give(f"{name}_in_bounds")
                self._temporal.append([*Definition(name, inner).lines(), ""])
            self._invariants.append(name)
        for one in self.module.of_kind(Kind.STEP_INVARIANT):
            name = self.names.give(f"{self.operators[one.key]}_always")
            step = Atom(self.operators[one.key])
            claim: Tla = step if bounds is None else Infix("=>", Primed(bounds), step)
            self._temporal.append([*Definition(name, Atom(f"[][{claim}]_vars")).lines(), ""])
            self._properties.append(name)
        for name, abstract in refined_by(self.model):
            self._refinement(self.module.functions[name], abstract, bounds)
        for one in (*self.module.of_kind(Kind.EVENTUALLY), *self.module.of_kind(Kind.LEADS_TO)):
            self._liveness(one)
        if bounds is not None and (self._invariants or self._properties):
            self._temporal.insert(
                0,
                commented(
                    "TLC asks invariants also of states that a constraint leaves out, where nothing is claimed."
                ),
            )

    def _in_bounds(self) -> Atom | None:
        """The constraints, as one name."""
        if not self._constraints:
            return None
        names = [self._claimed_for_all(one) for one in self._constraints]
        if len(names) == 1:
            return Atom(names[0])
        name = self._next_names["in_bounds"]
        self._temporal.append([*Definition(name, all_of(map(Atom, names), listed=True)).lines(), ""])
        return Atom(name)

    def _claimed_for_all(self, one: Function) -> str:
        """The name of a claim without parameters."""
        name = self.operators[one.key]
        if not one.arguments or one.key not in self._called:
            return name
        names = self.names.operator()
        frame = Frame(names, {a.name: Atom(names.give(a.name)) for a in one.arguments})
        body = Apply(name, tuple(frame.env[a.name] for a in one.arguments))
        whole = self.names.give(f"{name}_for_all")
        self._temporal.append([*Definition(whole, self._for_all(one.arguments, body, frame)).lines(), ""])
        return whole

    def _refinement(self, one: Function, abstract: Model, bounds: Atom | None) -> None:
        names = self.names.operator()
        frame = Frame(names)
        run = self.start(frame)
        self.run(one.body, run)
        other = type(self)(abstract, self.form)
        other.text()
        given: list[tuple[str, Tla]] = []
        for declaration in abstract.module.variables:
            made = with_definitions(run.definitions, frame.env[f"\0{declaration.name}"])
            given.append((other.variables[declaration.name], made))
        given += self._given_constants(other)
        wanted, self.referenced = self.referenced, []
        for key in dict.fromkeys(wanted):
            self._emit(key)
        instance = self.names.give(abstract.module.name)
        doc = commented(one.doc) if one.doc else []
        head = f"{instance} == INSTANCE {module_name(abstract.module.name)}"
        lines = [head]
        if given:
            lines[0] += " WITH"
            for place, (name, made) in enumerate(given):
                part = hang(f"{name} <- ", made.block(WIDTH - 8 - len(name)))
                if place < len(given) - 1:
                    part[-1] += ","
                lines += indent(4, part)
        self._instances.append([LINE, *doc, *lines, ""])
        # `[][Next]_vars` of the abstract module says the same; but TLC looks for a step of it before it sees that none is needed.
        begin: Tla = Atom(f"{instance}!Init")
        step = f"UNCHANGED {instance}!vars \\/ {instance}!Next"
        if bounds is not None:
            begin = Infix("=>", bounds, begin)
            step = f"{Primed(bounds)} => {step}"
        always = Atom(f"[][{step}]_vars")
        name = self.operators[one.key]
        self._temporal.append([*Definition(name, all_of([begin, always], listed=True)).lines(), ""])
        self._properties.append(name)

    def _given_constants(self, other: Claims) -> list[tuple[str, Tla]]:
        """What the abstract module's constants are, where they are not constants of the same name here."""
        given: list[tuple[str, Tla]] = []
        for sort in other.sorts:
            theirs = other.lasts.get(sort, other.sorts[sort])
            mine = self.lasts.get(sort, self.sorts[sort])
            if theirs != mine:
                given.append((theirs, Atom(mine)))
        for p in other.module.parameters:
            if not other._in_config(p.name):
                continue
            mine_ = self.constants.get(p.name)
            if mine_ is None or not self._in_config(p.name):
                value = other.model.scope.parameters[p.name]
                given.append((other.constants[p.name], Atom(mine_) if mine_ else self.value(value, p.type)))
            elif mine_ != other.constants[p.name]:
                given.append((other.constants[p.name], Atom(mine_)))
        if other.has_none:
            self.none()
        for sort in other.named_sorts:
            self.sequence_of(sort)
        return given

    def _liveness(self, one: Function) -> None:
        names = self.names.operator()
        frame = Frame(names, {a.name: Atom(names.give(a.name)) for a in one.arguments})
        body = self.body_value(one, frame)
        claim: Tla
        if one.kind is Kind.EVENTUALLY:
            body = self._of_the_state(body)
            claim = Prefix("<>", Wrapped(body) if not isinstance(body, Apply | Atom) else body)
        else:
            parts = [self._of_the_state(part) for part in self._pair(one, frame)]
            claim = Infix("~>", *(Wrapped(p) if isinstance(p, Quantified) else p for p in parts))
        wanted, self.referenced = self.referenced, []
        for key in dict.fromkeys(wanted):
            self._emit(key)
        whole = self._for_all(one.arguments, claim, frame)
        name = self.operators[one.key]
        doc = commented(one.doc) if one.doc else []
        self._temporal.append([*doc, *Definition(name, whole).lines(), ""])
        self._properties.append(name)

    def _of_the_state(self, claim: Tla) -> Tla:
        """A claim as one about states, also where it speaks of no variable: TLC misjudges `<>TRUE`."""
        text = str(claim)
        called = [self.module.functions[key] for key, name in self.operators.items() if mentions(text, name)]
        read = [*self.variables.values(), *(self.operators[f.key] for f in called if self.reads(f))]
        heeded = all(
            any(isinstance(n, ir.Local) and n.name == a.name for s in f.body for n in ir.walk(s))
            for f in called
            if not self.reads(f)
            for a in f.arguments
        )
        if heeded and any(mentions(text, name) for name in read):
            return claim
        return all_of([claim, Infix("=", Atom("vars"), Atom("vars"))])

    def _pair(self, one: Function, frame: Frame) -> tuple[Tla, Tla]:
        """What leads, and what it leads to."""
        last = one.body[-1] if one.body else None
        if isinstance(last, ir.Return) and isinstance(last.value, ir.MakeTuple) and len(one.body) == 1:
            premise, conclusion = last.value.items
            return self.expr(premise, frame), self.expr(conclusion, frame)
        whole = self.body_value(one, frame)
        return Index(Wrapped(whole), (number(1),)), Index(Wrapped(whole), (number(2),))

    # --- values that a configuration can hold -------------------------------------------------------------------------------

    def _in_config(self, name: str) -> bool:
        """Whether a parameter's value can be written in a configuration."""
        declaration = next(p for p in self.module.parameters if p.name == name)
        return self._config_value(declaration.type, self.model.scope.parameters[name]) is not None

    def _config_value(self, t: Type, value: object) -> str | None:
        match t:
            case BoolType():
                return "TRUE" if value else "FALSE"
            case IntType() if isinstance(value, int) and value >= 0:
                return str(int(value))
            case EnumType():
                return f'"{self.form.member(value)}"'  # type: ignore[arg-type]  # a member
            case SortType(sort) if isinstance(value, int):
                return str(int(value)) if t.ordered else self.form.value_names[sort][int(value)]
            case SetType(item) if isinstance(value, Set):
                parts = [self._config_value(item, v) for v in value]
                return None if any(p is None for p in parts) else "{" + ", ".join(p for p in parts if p) + "}"
        return None
