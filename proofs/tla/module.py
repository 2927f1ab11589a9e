"""A model as a TLA+ module and its configuration.

Guarantees: TLC finds the states that our explorers count, and judges each claim as they do: what is left out by a bound or a
constraint is left out there too. The module itself does not depend on a size (but where a model tells the values of a sort apart
by number); the configuration holds sizes and parameters. The same model at the same size gives the same text.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ratified.models.language import ir
from ratified.models.language.ir import Argument, Function, Kind
from ratified.models.language.model import Model
from ratified.models.language.types import (
    BoolType,
    EnumType,
    IntType,
    MapType,
    OptionalType,
    SetType,
    SortType,
    Type,
    records_of,
)
from ratified.models.language.values import Map, Set
from ratified.proofs.tla import comments
from ratified.proofs.tla.effects import Effects, with_definitions
from ratified.proofs.tla.expressions import Cannot
from ratified.proofs.tla.library import LIBRARY, needed
from ratified.proofs.tla.names import RESERVED, Names, mentions, module_name
from ratified.proofs.tla.page import LINE, boxed, commented, declared, section, spaced
from ratified.proofs.tla.representation import Representation, family, refined_by
from ratified.proofs.tla.scope import Frame, NotApart
from ratified.proofs.tla.syntax import (
    WIDTH,
    Apply,
    Atom,
    Block,
    Bound,
    Definition,
    Index,
    Infix,
    Junction,
    Prefix,
    Primed,
    Quantified,
    Tla,
    Wrapped,
    all_of,
    function,
    hang,
    indent,
    number,
    tuple_of,
)


@dataclass(frozen=True, slots=True)
class Export:
    """A model in TLA+: the text of each module by file name, the first being the model's, and the configuration of that one.

    `variables` are the names of the model's variables in it.
    """

    name: str
    modules: Mapping[str, str]
    config: str
    form: Representation
    variables: Mapping[str, str]

    @property
    def files(self) -> dict[str, str]:
        """All files by name."""
        return {**self.modules, f"{self.name}.cfg": self.config}


def export(model: Model, *, symmetry: bool = False) -> Export:
    """Write a model in TLA+, with the models that it refines.

    Raises:
        ModelError: it says something that TLA+ cannot.
    """
    form = Representation(model)
    modules: dict[str, str] = {}
    config = ""
    variables: Mapping[str, str] = {}
    for one in family(model):
        writer = ModuleWriter(one, form, symmetric=symmetry and one is model)
        modules[f"{module_name(one.module.name)}.tla"] = writer.text()
        if one is model:
            config, variables = writer.config(), writer.variables
    return Export(module_name(model.module.name), modules, config, form, variables)


class ModuleWriter(Effects):
    """Writes one module."""

    def __init__(self, model: Model, form: Representation, *, symmetric: bool = False) -> None:
        super().__init__(model, form)
        self._symmetric = symmetric
        self.need(*(["TLC"] if symmetric else []))
        self._done: dict[str, Block] = {}
        self._written: list[Block] = []
        self._temporal: list[Block] = []
        self._instances: list[Block] = []
        self._invariants: list[str] = []
        self._properties: list[str] = []
        self._called = {
            n.function
            for f in self.module.functions.values()
            for s in f.body
            for n in ir.walk(s)
            if isinstance(n, ir.Call | ir.Do)
        }
        self._constraints = self.module.of_kind(Kind.CONSTRAINT)
        self._bounded = any(self.may_leave(f) for f in self.module.functions.values() if f.returns is None)
        self._next_names = {
            name: self.names.give(name) for name in ("in_bounds",) if len(self._constraints) > 1
        }

    # --- the whole ----------------------------------------------------------------------------------------------------

    def text(self) -> str:
        """The module."""
        init = self._init()
        type_ok = self._type_ok()
        order = [f for f in self.module.functions.values() if f.key == f.name]
        for one in order:
            if one.kind in (Kind.HELPER, Kind.INIT, Kind.VIEW):
                continue
            self._emit(one.key)
        self._claims()
        assumed = [f"ASSUME {self._claimed_for_all(f)}" for f in self.module.of_kind(Kind.ASSUMPTION)]
        following = [*assumed, *([""] if assumed else []), *self._next(), *self._spec()]
        body = [
            *self._variables(),
            *type_ok,
            *init,
            *(line for block in self._written for line in block),
            *following,
            *(line for block in self._instances for line in block),
            *(line for block in self._temporal for line in block),
        ]
        symmetric = self._symmetry()
        others = self._parameters(numbers=False)
        definitions = [*self._parameters(numbers=True), *self._definitions(), *others]
        # These say what all of the above has come to need.
        lines = [*self._head(), *self._constants(), *definitions, *body, *symmetric, "=" * WIDTH]
        return "\n".join(line.rstrip() for line in spaced(lines)) + "\n"

    def _head(self) -> Block:
        title = f" MODULE {module_name(self.module.name)} "
        left = (WIDTH - len(title)) // 2
        lines = ["-" * left + title + "-" * (WIDTH - left - len(title))]
        text = self._about()
        if text:
            lines += boxed(text)
        modules = self.extends()
        if modules:
            lines += [f"EXTENDS {', '.join(modules)}", ""]
        return lines

    def _about(self) -> str:
        """What the author says of the model: the class, and the file if it is about this class alone."""
        cls = type(self.model)
        source = sys.modules.get(cls.__module__)
        models = [
            v
            for v in (vars(source) if source else {}).values()
            if isinstance(v, type) and issubclass(v, Model) and v.__module__ == cls.__module__
        ]
        parts = [self.module.doc] if self.module.doc else []
        if source is not None and source.__doc__ and models == [cls]:
            parts.append(source.__doc__)
        return "\n\n".join(parts)

    def _constants(self) -> Block:
        entries: list[tuple[str, str]] = []
        for sort, name in self.sorts.items():
            about = (sort.__doc__ or "").split("\n")[0]
            if sort in self.lasts:
                entries.append((self.lasts[sort], f"the last {name}"))
            else:
                entries.append((name, about))
        entries += [
            (self.constants[p.name], " ".join(comments.beside(p.span)))
            for p in self.module.parameters
            if self._in_config(p.name)
        ]
        if self.has_none:
            entries.append(("None", "stands for no value"))
        for sort in self.named_sorts:
            entries += [(name, "") for name in self.form.value_names[sort]]
        lines = declared("CONSTANT", entries)
        for sort, name in self.sorts.items():
            if sort in self.lasts:
                about = (sort.__doc__ or "").split("\n")[0]
                lines += [*commented(about), f"{name} == 0..{self.lasts[sort]}", ""]
        for sort, name in self.named_sorts.items():
            values = tuple_of(*map(Atom, self.form.value_names[sort]))
            lines += [
                f"\\* The values of {self.sorts[sort]} in their order.",
                *Definition(name, values).lines(),
                "",
            ]
        return lines

    def _parameters(self, *, numbers: bool) -> Block:
        """Parameters whose values no configuration can hold; numbers, which types may speak of, apart from the others."""
        lines: Block = []
        for p in self.module.parameters:
            if not self._in_config(p.name) and isinstance(p.type, IntType) is numbers:
                made = self.value(self.model.scope.parameters[p.name], p.type)
                lines += [*Definition(self.constants[p.name], made).lines(), ""]
        return lines

    def _definitions(self) -> Block:
        """Operators of the library, types, and orders."""
        lines: Block = []
        for name in needed(self.used):
            one = LIBRARY[name]
            lines += [*commented(one.comment), *self._with_other_names(one.text).split("\n"), ""]
        for definition in self.type_definitions.values():
            lines += [*self._about_type(definition.name), *definition.lines(), ""]
        for definition in self.key_definitions.values():
            lines += [*definition.lines(), ""]
        return lines

    def _with_other_names(self, text: str) -> str:
        """An operator of the library, in which nothing is bound that the module has a name for."""
        for word in sorted(set(re.findall(r"[A-Za-z]\w*", text))):
            if word in self.names and word not in RESERVED | {name.rstrip("*") for name in LIBRARY}:
                text = re.sub(rf"\b{word}\b", f"{word}_", text)
        return text

    def _about_type(self, name: str) -> Block:
        for t, given in self.classes.items():
            doc = getattr(getattr(t, "record", getattr(t, "enum", None)), "__doc__", None)
            if given == name and doc and not doc.startswith(f"{name}("):
                return commented(doc.split("\n\n")[0])
        return []

    def _variables(self) -> Block:
        lines = ["VARIABLES"] if len(self.variables) != 1 else ["VARIABLE"]
        width = max((len(v) for v in self.variables.values()), default=0) + 1
        for place, declaration in enumerate(self.module.variables):
            text = self.variables[declaration.name]
            text += "," if place < len(self.variables) - 1 else ""
            for line in comments.above(declaration.span):
                lines += indent(4, commented(line, WIDTH - 4))
            note = " ".join(comments.beside(declaration.span))
            beside = f"    {text:{width}}  \\* {note}"
            if note and len(beside) <= WIDTH:
                lines.append(beside)
            else:
                lines += [*(indent(4, commented(note, WIDTH - 4)) if note else []), f"    {text}"]
        whole = Definition("vars", tuple_of(*map(Atom, self.variables.values())))
        return [*lines, "", *whole.lines(), ""]

    def _type_ok(self) -> Block:
        items: list[Tla] = []
        for declaration in self.module.variables:
            items += self.belongs(Atom(self.variables[declaration.name]), declaration.type)
        comment = ["\\* What the variables hold."]
        if self._bounded:
            comment = commented(
                "What the variables hold, bounds included: a step that would leave them is not taken."
            )
        return [*comment, *Definition("TypeOK", all_of(items, listed=True)).lines(), ""]

    # --- functions ----------------------------------------------------------------------------------------------------

    def _emit(self, key: str) -> None:
        """Write a function's operator, after those that it needs."""
        if key in self._done:
            return
        self._done[key] = []
        one = self.module.functions[key]
        if one.kind in (Kind.EVENTUALLY, Kind.LEADS_TO, Kind.REFINEMENT):
            return
        lines = self._function(one)
        if one.key == one.name:
            above = comments.heading(one.span)
            lines = [*(section(above) if above else []), *lines]
        self._written.append([*lines, ""])

    def _function(self, one: Function) -> Block:
        while True:
            before, self.referenced = self.referenced, []
            try:
                made = self._definition(one)
            except NotApart as conflict:
                self.written_out.add(conflict.key)
                self.referenced = before
                continue
            wanted, self.referenced = self.referenced, before
            break
        for key in dict.fromkeys(wanted):
            self._emit(key)
        self.written_out.clear()
        doc = commented(one.doc) if one.doc else []
        return [*doc, *made]

    def _definition(self, one: Function) -> Block:
        names = self.names.operator()
        params = {a.name: names.give(a.name) for a in one.arguments if one.kind is not Kind.STEP_INVARIANT}
        env: dict[str, Tla] = {name: Atom(text) for name, text in params.items()}
        frame = Frame(names, env, step=one.kind is Kind.STEP_INVARIANT)
        name = self.operators[one.key]
        if one.returns is None:
            body = self._effect(one, frame)
            return Definition(name, body, tuple(params.values())).lines()
        body = self.body_value(one, frame)
        asked = (Kind.INVARIANT, Kind.CONSTRAINT, Kind.ASSUMPTION)
        if one.kind in asked and params and one.key not in self._called:
            return Definition(name, self._for_all(one.arguments, body, frame)).lines()
        return Definition(name, body, tuple(params.values())).lines()

    def _for_all(self, arguments: Sequence[Argument], body: Tla, frame: Frame) -> Tla:
        """That something is so for all arguments."""
        return Quantified("\\A", tuple(self._bounds(arguments, frame)), body) if arguments else body

    def _bounds(self, arguments: Sequence[Argument], frame: Frame) -> list[Bound]:
        bounds: list[Bound] = []
        for a in arguments:
            domain = self._domain(a, frame)
            name = str(frame.env[a.name])
            if bounds and str(bounds[-1][1]) == str(domain) and a.domain is None:
                bounds[-1] = ((*bounds[-1][0], name), domain)
            else:
                bounds.append(((name,), domain))
        return bounds

    def _domain(self, a: Argument, frame: Frame) -> Tla:
        """What an argument ranges over."""
        if a.domain is not None:
            return self.as_set(a.domain, frame)
        made = self.type_set(a.type)
        if made is None:
            raise Cannot(
                f"the parameter `{a.name}` ranges over infinitely many values",
                span=self.module.span,
                remedy="give its type bounds",
            )
        return made

    def _effect(self, one: Function, frame: Frame) -> Tla:
        """What an action or procedure does."""
        run = self.start(frame)
        kinds: list[Tla] = []
        said: set[str] = set()
        for a in one.arguments if one.kind is Kind.ACTION and one.key == one.name else ():
            if a.domain is not None:
                value = frame.env[a.name]
                inside = self._in_text(value, a.domain, frame)
                if not (one.fair and one.fair.each and a.name in one.fair.each):
                    said.add(inside)
                frame.present |= {inside}
                kinds += self._kind_of(value, a)
        self.said = frozenset(said)
        self.run(one.body, run)
        run.guards[:0] = kinds
        self.said = frozenset()
        written = self.writes(one)
        names = [
            n for n in self.variables if (one.kind is Kind.ACTION and one.key == one.name) or n in written
        ]
        return self.formula(run, names)

    def _in_text(self, value: Tla, domain: ir.Expr, frame: Frame) -> str:
        frame.env["\0item"] = value
        item = ir.Local(domain.span, BoolType(), "\0item")
        made = str(self.expr(ir.In(domain.span, BoolType(), item, domain), frame))
        del frame.env["\0item"]
        return made

    def _kind_of(self, value: Tla, a: Argument) -> list[Tla]:
        """That an element of a container is of the type of a parameter that ranges over it."""
        assert a.domain is not None
        element = getattr(a.domain.type, "item", getattr(a.domain.type, "key", a.type))
        made: list[Tla] = []
        optional = isinstance(element, OptionalType)
        if records_of(a.type) and records_of(element):
            narrow = optional and not isinstance(a.type, OptionalType)
            possible, wanted = records_of(element), records_of(a.type)
            test = self.is_one_of(value, possible, wanted, narrow)
            if isinstance(a.type, OptionalType) and str(test) != "TRUE":
                test = Infix("=>", Infix("#", value, self.none()), test)
            made.append(test)
        elif optional and not isinstance(a.type, OptionalType):
            made.append(Infix("#", value, self.none()))
        return [m for m in made if str(m) != "TRUE"]

    def comments_at(self, span: object) -> tuple[str, ...]:
        """See Effects."""
        found = (*comments.above(span), *comments.beside(span))  # type: ignore[arg-type]  # a span
        return tuple(line for text in found for line in comments.wrapped(text, 68))

    # --- what happens -------------------------------------------------------------------------------------------------

    def _init(self) -> Block:
        names = self.names.operator()
        zeros = self.model.zeros()
        frame = Frame(names)
        one = self.module.functions.get("init")
        for a in one.arguments if one else ():
            frame.env[a.name] = Atom(names.give(a.name))
        for declaration in self.module.variables:
            if declaration.name in zeros:
                frame.now[declaration.name] = self._zero(declaration, zeros[declaration.name], names.inner())
        doc = ["\\* The initial state."]
        bounds: list[Bound] = []
        self.initial = True
        run = self.start(frame)
        if one is not None:
            bounds = self._bounds(one.arguments, frame)
            self.run(one.body, run)
            doc = commented(one.doc) if one.doc else ["\\* The initial states."] if one.arguments else doc
        self.initial = False
        ends: list[Tla] = [Atom("TypeOK")] if one is not None and self.may_leave(one) else []
        made = self.formula(run, list(self.variables), primed=False)
        made = all_of([made, *ends], listed=True) if ends else made
        whole = Quantified("\\E", tuple(bounds), made) if bounds else made
        wanted, self.referenced = self.referenced, []
        lines = [*doc, *Definition("Init", whole).lines(), ""]
        for key in dict.fromkeys(wanted):
            self._emit(key)
        first = [line for block in self._written for line in block]
        self._written = []
        return [*first, *lines]

    def _zero(self, declaration: ir.Declaration, value: object, names: Names) -> Tla:
        if declaration.default is not None:
            return self.value(value, declaration.type)
        return self._zero_of(declaration.type, value, names)

    def _zero_of(self, t: Type, value: object, names: Names) -> Tla:
        if isinstance(t, MapType) and isinstance(value, Map):
            keys = self.type_set(t.key)
            inner = next(iter(value.values()), None)
            if keys is not None:
                name = names.give(self.short(t.key))
                return function(self._zero_of(t.value, inner, names), ((name,), keys))
        return self.value(value, t)

    def _next(self) -> Block:
        ways: list[Tla] = []
        for one in self.module.of_kind(Kind.ACTION):
            names = self.names.operator()
            frame = Frame(names, {a.name: Atom(names.give(a.name)) for a in one.arguments})
            step = Apply(self.operators[one.key], tuple(frame.env[a.name] for a in one.arguments))
            bounds = self._bounds(one.arguments, frame)
            ways.append(Quantified("\\E", tuple(bounds), step) if bounds else step)
        steps: Tla = Junction("\\/", tuple(ways), listed=True) if ways else Prefix("UNCHANGED", Atom("vars"))
        if self._bounded:
            steps = Junction("/\\", (steps, Primed(Atom("TypeOK"))), listed=True)
        return [LINE, "\\* What may happen.", *Definition("Next", steps).lines(), ""]

    def _spec(self) -> Block:
        fair = [self._fairness(one) for one in self.module.of_kind(Kind.ACTION) if one.fair is not None]
        box = Atom("[][Next]_vars")
        if not fair:
            return ["Spec == Init /\\ [][Next]_vars", ""]
        return [*Definition("Spec", all_of([Atom("Init"), box, *fair], listed=True)).lines(), ""]

    def _fairness(self, one: Function) -> Tla:
        r"""`\A c \in Client : WF_vars(\E ... : action(c, ...))`."""
        assert one.fair is not None
        names = self.names.operator()
        frame = Frame(names, {a.name: Atom(names.give(a.name)) for a in one.arguments})
        each = [a for a in one.arguments if a.name in one.fair.each]
        others = [a for a in one.arguments if a.name not in one.fair.each]
        step: Tla = Apply(self.operators[one.key], tuple(frame.env[a.name] for a in one.arguments))
        bounds = self._bounds(others, frame)
        step = Quantified("\\E", tuple(bounds), step) if bounds else step
        fair = Apply("SF_vars" if one.fair.strong else "WF_vars", (step,))
        outer = self._bounds([replace(a, domain=None) for a in each], frame)
        return Quantified("\\A", tuple(outer), fair) if outer else fair

    # --- claims -------------------------------------------------------------------------------------------------------

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
        other = ModuleWriter(abstract, self.form)
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

    def _given_constants(self, other: ModuleWriter) -> list[tuple[str, Tla]]:
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

    def _symmetry(self) -> Block:
        """The renamings that turn runs into runs, for whoever wants TLC to use them."""
        sorts = [s for s in self.sorts if SortType(s).symmetric and s not in self.named_sorts]
        if not self._symmetric or not sorts:
            return []
        made = [Apply("Permutations", (Atom(self.sorts[s]),)) for s in sorts]
        whole: Tla = made[0]
        for one in made[1:]:
            whole = Infix("\\union", whole, one)
        return ["\\* Renamings that turn runs into runs.", *Definition("Symmetry", whole).lines(), ""]

    # --- the configuration --------------------------------------------------------------------------------------------

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

    def config(self) -> str:
        """The configuration: sizes, parameters, and what is asked. Call after `text`."""
        lines = ["SPECIFICATION Spec", ""]
        entries: list[tuple[str, str]] = []
        for sort, name in self.sorts.items():
            if sort in self.lasts:
                entries.append((self.lasts[sort], str(self.model.scope.sizes[sort] - 1)))
            else:
                entries.append((name, "{" + ", ".join(self.form.value_names[sort]) + "}"))
        for p in self.module.parameters:
            if self._in_config(p.name):
                text = self._config_value(p.type, self.model.scope.parameters[p.name])
                entries.append((self.constants[p.name], text or ""))
        if self.has_none:
            entries.append(("None", "None"))
        for sort in self.named_sorts:
            entries += [(v, v) for v in self.form.value_names[sort]]
        if entries:
            lines += ["CONSTANTS", *(f"    {name} = {text}" for name, text in entries), ""]
        for one in self._constraints:
            name = self.operators[one.key]
            whole = f"{name}_for_all" if one.arguments and one.key in self._called else name
            lines += [f"CONSTRAINT {whole}", ""]
        asked = [*([] if self._bounded else ["TypeOK"]), *self._invariants]
        if asked:
            lines += ["INVARIANTS", *(f"    {name}" for name in asked), ""]
        if self._properties:
            lines += ["PROPERTIES", *(f"    {name}" for name in self._properties), ""]
        if self._symmetric and any(SortType(s).symmetric and s not in self.named_sorts for s in self.sorts):
            lines += ["SYMMETRY Symmetry", ""]
        return "\n".join(lines).rstrip("\n") + "\n"
