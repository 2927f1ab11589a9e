"""A model as a TLA+ module and its configuration.

Guarantees: TLC finds the states that our explorers count, and judges each claim as they do: what is left out by a bound or a
constraint is left out there too. The module itself does not depend on a size (but where a model tells the values of a sort apart
by number); the configuration holds sizes and parameters. The same model at the same size gives the same text.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ratified.interchange.representation import Representation, family, refined_by
from ratified.language import ir
from ratified.language.claims import LIVENESS, Unchecked, not_checked, unchecked
from ratified.language.deferred import Deferred
from ratified.language.ir import Function, Kind, Module
from ratified.language.kinds import refuse_other_types
from ratified.language.model import Model
from ratified.language.types import IntType, MapType, SortType, Type
from ratified.language.values import Map
from ratified.tla import comments
from ratified.tla.claims import ClaimWriter
from ratified.tla.config import config, in_config
from ratified.tla.context import TlaContext, TranslatedStatements, Unassigned
from ratified.tla.definitions import with_definitions
from ratified.tla.formulas import FALSE, Binder, QuantifiedTla, all_of, any_of, function, quantified, tuple_of
from ratified.tla.formulating import formula
from ratified.tla.library import LIBRARY, needed
from ratified.tla.literals import value_of
from ratified.tla.names import NameSupply, module_name
from ratified.tla.operators import Operators
from ratified.tla.page import LINE, boxed, commented, declared, spaced
from ratified.tla.syntax import (
    WIDTH,
    Apply,
    Definition,
    Infix,
    Junction,
    Leaf,
    Prefix,
    Primed,
    TextLines,
    Tla,
    Wrapped,
    hang,
    indent,
)
from ratified.tla.typesets import SETS, belongs, type_set
from ratified.tla.vocabulary import NOTHING, Vocabulary


@dataclass(frozen=True, slots=True)
class Export:
    """A model in TLA+: the text of each module by file name, the first being the model's, and the configuration of that one.

    `variables` are the names of the model's variables in it; `claims` says which of the model's claims each name is of that the
    configuration asks about, `operators` what its functions are called. `symmetric` if states that differ by renaming are one.
    `unchecked` are claims that it does not ask about.
    """

    name: str
    modules: Mapping[str, str]
    config: str
    form: Representation
    variables: Mapping[str, str]
    claims: Mapping[str, str]
    operators: Mapping[str, str]
    symmetric: bool = False
    unchecked: tuple[Unchecked, ...] = ()

    @property
    def files(self) -> dict[str, str]:
        """All files by name."""
        return {**self.modules, f"{self.name}.cfg": self.config}


def export(model: Model, *, symmetry: bool = False) -> Export:
    """Write a model in TLA+, with the models that it refines.

    Raises:
        ModelError: it says something that TLA+ cannot.
    """
    whole = family(model)
    for one in whole:
        refuse_other_types(one.module, SETS, "TLA+")
    form = Representation(model)
    names: dict[type[Model], str] = {}
    for one in whole:
        names[type(one)] = module_name(one.module.name, {name.lower() for name in names.values()})
    own, *others = (written(one, form, names, symmetric=symmetry and one is model) for one in whole)
    modules = {f"{one.name}.tla": one.whole for one in (own, *others)}
    words = own.words
    operators = {"init": "Init", **words.operators}
    return Export(
        own.name,
        modules,
        own.config(),
        form,
        words.variables,
        own.claims.names,
        operators,
        symmetry,
        own.unchecked,
    )


def written(
    model: Model, form: Representation, names: Mapping[type[Model], str], *, symmetric: bool = False
) -> ModuleWriter:
    """A module that has been written. Values of sorts that it comes to tell apart are names that nothing else in it has."""
    writer = ModuleWriter(model, form, names, symmetric=symmetric)
    apart = writer.words.named_sorts
    if apart:
        taken = [name for sort in apart for name in form.value_names[sort]]
        if any(writer.words.names.was_given(name) for name in taken):
            writer = ModuleWriter(model, form, names, taken, symmetric=symmetric)
    return writer


class ModuleWriter:
    """Writes one module: its words, the operators that its functions are, the claims, and what stands around them."""

    def __init__(
        self,
        model: Model,
        form: Representation,
        names: Mapping[type[Model], str],
        taken: Iterable[str] = (),
        *,
        symmetric: bool = False,
    ) -> None:
        self.model = model
        self.name = names[type(model)]
        self.words = Vocabulary(model, form, taken)
        self.module = self.words.module
        self._names = names
        self.operators = Operators(self.words)
        self.claims = ClaimWriter(self.operators)
        self._instances: list[TextLines] = []
        self._symmetric = symmetric
        self.words.need(*(["TLC"] if symmetric else []))
        changing = [f for f in self.module.functions.values() if f.returns is None]
        self._bounded = any(self.words.uses.may_leave(f.body) for f in changing)
        self.whole = self._text()

    # --- the whole ----------------------------------------------------------------------------------------------------

    def _text(self) -> str:
        """The module."""
        init = self._init()
        type_ok = self._type_ok()
        silent = (Kind.HELPER, Kind.INIT, Kind.VIEW)
        own = [f for f in self.module.functions.values() if f.key == f.name]
        self.operators.emit([f.key for f in own if f.kind not in silent])
        self._claims()
        assumed = self.module.of_kind(Kind.ASSUMPTION)
        following = [f"ASSUME {self.claims.for_all_arguments(f)}" for f in assumed]
        following = [*following, *([""] if assumed else []), *self._next(), *self._spec()]
        body = [
            *self._variables(),
            *type_ok,
            *init,
            *(line for block in self.operators.blocks for line in block),
            *following,
            *(line for block in self._instances for line in block),
            *(line for block in self.claims.blocks for line in block),
        ]
        symmetric = self._symmetry()
        others = self._parameters(numbers=False)
        definitions = [*self._parameters(numbers=True), *self._definitions(), *others]
        # These say what all of the above has come to need.
        lines = [*self._head(), *self._constants(), *definitions, *body, *symmetric, "=" * WIDTH]
        return "\n".join(line.rstrip() for line in spaced(lines)) + "\n"

    def config(self) -> str:
        """The configuration."""
        symmetry = bool(self._renamed_sorts())
        return config(self.words, self.claims, bounded=self._bounded, symmetry=symmetry)

    def _head(self) -> TextLines:
        title = f" MODULE {self.name} "
        left = (WIDTH - len(title)) // 2
        lines = ["-" * left + title + "-" * (WIDTH - left - len(title))]
        text = self._about()
        if text:
            lines += boxed(text)
        modules = self.words.extends()
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

    # --- declarations -------------------------------------------------------------------------------------------------

    def _constants(self) -> TextLines:
        words = self.words
        entries: list[tuple[str, str]] = []
        for sort, name in words.sorts.items():
            about = (sort.__doc__ or "").split("\n")[0]
            if sort in words.lasts:
                entries.append((words.lasts[sort], f"the last {name}"))
            else:
                entries.append((name, about))
        entries += [
            (words.constants[p.name], " ".join(comments.beside(p.span)))
            for p in self.module.parameters
            if in_config(p, words)
        ]
        if words.has_none:
            entries.append(("None", "stands for no value"))
        for sort in words.named_sorts:
            entries += [(name, "") for name in words.form.value_names[sort]]
        lines = declared("CONSTANT", entries)
        for sort, name in words.sorts.items():
            if sort in words.lasts:
                about = (sort.__doc__ or "").split("\n")[0]
                lines += [*commented(about), f"{name} == 0..{words.lasts[sort]}", ""]
        for sort, name in words.named_sorts.items():
            values = tuple_of(*map(Leaf, words.form.value_names[sort]))
            lines += [
                f"\\* The values of {words.sorts[sort]} in their order.",
                *Definition(name, values).lines(),
                "",
            ]
        return lines

    def _parameters(self, *, numbers: bool) -> TextLines:
        """Parameters whose values no configuration can hold; numbers, which types may speak of, apart from the others."""
        lines: TextLines = []
        for p in self.module.parameters:
            if not in_config(p, self.words) and isinstance(p.type, IntType) is numbers:
                names = self.words.names.operator()
                made = value_of(self.model.scope.parameters[p.name], p.type, self.words, names)
                lines += [*Definition(self.words.constants[p.name], made).lines(), ""]
        return lines

    def _definitions(self) -> TextLines:
        """What the library, the types and the orders of this module are."""
        lines: TextLines = []
        for name in needed(self.words.used):
            one = LIBRARY[name]
            lines += [*commented(one.comment), *one.lines(self.words.names.operator()), ""]
        for definition in self.words.type_definitions.values():
            lines += [*self._about_type(definition.name), *definition.lines(), ""]
        for definition in self.words.key_definitions.values():
            lines += [*definition.lines(), ""]
        return lines

    def _about_type(self, name: str) -> TextLines:
        for t, given in self.words.classes.items():
            doc = getattr(getattr(t, "record", getattr(t, "enum", None)), "__doc__", None)
            if given == name and doc and not doc.startswith(f"{name}("):
                return commented(doc.split("\n\n")[0])
        return []

    def _variables(self) -> TextLines:
        names = self.words.variables
        lines = ["VARIABLES"] if len(names) != 1 else ["VARIABLE"]
        width = max((len(v) for v in names.values()), default=0) + 1
        for place, declaration in enumerate(self.module.variables):
            text = names[declaration.name]
            text += "," if place < len(names) - 1 else ""
            for line in comments.above(declaration.span):
                lines += indent(4, commented(line, WIDTH - 4))
            note = " ".join(comments.beside(declaration.span))
            beside = f"    {text:{width}}  \\* {note}"
            if note and len(beside) <= WIDTH:
                lines.append(beside)
            else:
                lines += [*(indent(4, commented(note, WIDTH - 4)) if note else []), f"    {text}"]
        whole = Definition("vars", tuple_of(*map(Leaf, names.values())))
        return [*lines, "", *whole.lines(), ""]

    def _type_ok(self) -> TextLines:
        items: list[Tla] = []
        for declaration in self.module.variables:
            items += belongs(Leaf(self.words.variables[declaration.name]), declaration.type, self.words)
        comment = ["\\* The types of the variables."]
        if self._bounded:
            comment = commented(
                "The types of the variables, bounds included: a step that would exceed them is not taken."
            )
        return [*comment, *Definition("TypeOK", all_of(items, listed=True)).lines(), ""]

    # --- what happens -------------------------------------------------------------------------------------------------

    def _init(self) -> TextLines:
        one = self.module.functions.get("init")
        zeros = self.model.zeros()
        frame = self.operators.frame(one.arguments if one else ())
        frame.acting = True
        for declaration in self.module.variables:
            zero: Tla | None = FALSE if declaration is NOTHING else None
            if declaration.name in zeros:
                zero = self._zero(declaration, zeros[declaration.name], frame.names.inner())
            frame.now[declaration.name] = zero or Unassigned(self.words.variables[declaration.name])
        doc = ["\\* The initial state."]
        bounds: list[Binder] = []
        run = TranslatedStatements(frame, [], initial=True)
        if one is not None:
            bounds = self.operators.bounds(one.arguments, frame)
            run.statements(one.body)
            doc = commented(one.doc) if one.doc else ["\\* The initial states."] if one.arguments else doc
        ends: list[Tla] = [Leaf("TypeOK")] if one is not None and self.words.uses.may_leave(one.body) else []
        made = formula(run, list(self.words.variables), primed=False)
        made = all_of([made, *ends], listed=True) if ends else made
        lines = [*doc, *Definition("Init", quantified("\\E", bounds, made)).lines(), ""]
        self.operators.emit_referenced()
        first = [line for block in self.operators.blocks for line in block]
        self.operators.blocks.clear()
        return [*first, *lines]

    def _zero(self, declaration: ir.Declaration, value: object, names: NameSupply) -> Tla:
        if declaration.default is not None and not isinstance(declaration.default.value, Deferred):
            return value_of(value, declaration.type, self.words, names)
        return self._zero_of(declaration.type, value, names)

    def _zero_of(self, t: Type, value: object, names: NameSupply) -> Tla:
        if isinstance(t, MapType) and isinstance(value, Map):
            keys = type_set(t.key, self.words)
            inner = next((v for _, v in value.entries()), None)
            if keys is not None:
                name = names.give(self.words.short(t.key))
                return function(self._zero_of(t.value, inner, names), ((name,), keys))
        return value_of(value, t, self.words, names)

    def _next(self) -> TextLines:
        ways: list[Tla] = []
        for one in self.module.of_kind(Kind.ACTION):
            frame = self.operators.frame(one.arguments)
            step = Apply(self.words.operators[one.key], tuple(frame.env[a.name] for a in one.arguments))
            ways.append(quantified("\\E", self.operators.bounds(one.arguments, frame), step))
        steps: Tla = Junction("\\/", tuple(ways), listed=True) if ways else Prefix("UNCHANGED", Leaf("vars"))
        if self._bounded:
            steps = Junction("/\\", (steps, Primed(Leaf("TypeOK"))), listed=True)
        return [LINE, "\\* The steps.", *Definition("Next", steps).lines(), ""]

    def _spec(self) -> TextLines:
        fair = [self._fairness(together) for together in _fair_together(self.module)]
        box = Leaf("[][Next]_vars")
        if not fair:
            return ["Spec == Init /\\ [][Next]_vars", ""]
        return [*Definition("Spec", all_of([Leaf("Init"), box, *fair], listed=True)).lines(), ""]

    def _fairness(self, together: Sequence[Function]) -> Tla:
        r"""`\A c \in Client : WF_vars(\E ... : action(c, ...))`; of a group, of any of its actions."""
        first = together[0]
        assert first.fair is not None
        frames = [self.operators.frame(one.arguments) for one in together]
        told = first.fair.each
        for frame in frames[1:]:
            frame.env.update({name: frames[0].env[name] for name in told})
        steps = [self._step(one, frame, told) for one, frame in zip(together, frames, strict=True)]
        if len(steps) > 1:
            steps = [Wrapped(step) if isinstance(step, QuantifiedTla) else step for step in steps]
        fair = Apply("SF_vars" if first.fair.strong else "WF_vars", (any_of(steps),))
        each = [replace(a, domain=None) for a in first.arguments if a.name in told]
        outer = self.operators.bounds(each, frames[0])
        return quantified("\\A", outer, fair)

    def _step(self, one: Function, frame: TlaContext, told: Sequence[str]) -> Tla:
        """A step of an action, with any arguments but those that are told apart."""
        others = [a for a in one.arguments if a.name not in told]
        step = Apply(self.words.operators[one.key], tuple(frame.env[a.name] for a in one.arguments))
        return quantified("\\E", self.operators.bounds(others, frame), step)

    def _renamed_sorts(self) -> list[str]:
        """The sorts whose values TLC may take for each other."""
        words = self.words
        symmetric = [s for s in words.sorts if SortType(s).symmetric and s not in words.named_sorts]
        return [words.sorts[s] for s in symmetric] if self._symmetric else []

    def _symmetry(self) -> TextLines:
        """The renamings that turn runs into runs, for whoever wants TLC to use them."""
        made: list[Tla] = [Apply("Permutations", (Leaf(name),)) for name in self._renamed_sorts()]
        if not made:
            return []
        whole = made[0]
        for one in made[1:]:
            whole = Infix("\\union", whole, one)
        return ["\\* Renamings that turn runs into runs.", *Definition("Symmetry", whole).lines(), ""]

    # --- claims -------------------------------------------------------------------------------------------------------

    def _claims(self) -> None:
        """What TLC is asked, beyond the definitions of the claims themselves."""
        bounds = self.claims.in_bounds()
        for one in self.module.of_kind(Kind.INVARIANT):
            self.claims.invariant(one, bounds)
        for one in self.module.of_kind(Kind.STEP_INVARIANT):
            self.claims.step_invariant(one, bounds)
        for name, abstract in refined_by(self.model):
            self._refinement(self.module.functions[name], abstract, bounds)
        for one in (f for kind in LIVENESS for f in self.module.of_kind(kind)):
            self.claims.liveness(one)
        if bounds is not None:
            self.claims.tell_of_constraints()
        self.unchecked = unchecked(self.module, set(self.claims.names.values()))
        if self.unchecked:
            self.claims.blocks.append([*commented(not_checked("TLC", self.unchecked)), ""])

    def _refinement(self, one: Function, abstract: Model, bounds: Leaf | None) -> None:
        frame = self.operators.frame()
        run = TranslatedStatements(frame, [])
        run.statements(one.body)
        other = written(abstract, self.words.form, self._names)
        given: list[tuple[str, Tla]] = []
        for declaration in abstract.module.variables:
            value = frame.env[f"\0{declaration.name}"]
            made = with_definitions(run.definitions, value)
            given.append((other.words.variables[declaration.name], made))
        if not abstract.module.variables:
            given.append((other.words.variables[NOTHING.name], FALSE))
        given += self._given_constants(other.words)
        self.operators.emit_referenced()
        instance = self.words.names.give_late(abstract.module.name)
        lines = [f"{instance} == INSTANCE {self._names[type(abstract)]}"]
        if given:
            lines[0] += " WITH"
            for place, (name, made) in enumerate(given):
                part = hang(f"{name} <- ", made.block(WIDTH - 8 - len(name)))
                if place < len(given) - 1:
                    part[-1] += ","
                lines += indent(4, part)
        self._instances.append([LINE, *(commented(one.doc) if one.doc else []), *lines, ""])
        # `[][Next]_vars` of the abstract module says the same; but TLC looks for a step of it before it sees that none is needed.
        begin: Tla = Leaf(f"{instance}!Init")
        step = f"UNCHANGED {instance}!vars \\/ {instance}!Next"
        if bounds is not None:
            begin = Infix("=>", bounds, begin)
            step = f"{Primed(bounds)} => {step}"
        name = self.words.operators[one.key]
        self.claims.define(name, all_of([begin, Leaf(f"[][{step}]_vars")], listed=True))
        self.claims.ask(name, one)

    def _given_constants(self, other: Vocabulary) -> list[tuple[str, Tla]]:
        """What the abstract module's constants are, where they are not constants of the same name here."""
        words = self.words
        given: list[tuple[str, Tla]] = []
        for sort in other.sorts:
            theirs = other.lasts.get(sort, other.sorts[sort])
            mine = words.lasts.get(sort, words.sorts[sort])
            if theirs != mine:
                given.append((theirs, Leaf(mine)))
        here = {p.name: p for p in self.module.parameters}
        for p in other.module.parameters:
            if not in_config(p, other):
                continue
            own, theirs = here.get(p.name), other.constants[p.name]
            if own is None:
                value = other.model.scope.parameters[p.name]
                given.append((theirs, value_of(value, p.type, words, words.names.operator())))
            elif words.constants[p.name] != theirs or not in_config(own, words):
                given.append((theirs, Leaf(words.constants[p.name])))
        if other.has_none:
            words.none()
        for sort in other.named_sorts:
            words.sequence_of(sort)
        return given


def _fair_together(module: Module) -> list[list[Function]]:
    """The fair actions, those of one group together."""
    found: dict[str, list[Function]] = {}
    for one in module.of_kind(Kind.ACTION):
        if one.fair is not None:
            found.setdefault(f"group {one.fair.group}" if one.fair.group else one.key, []).append(one)
    return list(found.values())
