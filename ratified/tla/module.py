"""A model as a TLA+ module and its configuration.

Guarantees: TLC finds the states that our explorers count, and judges each claim as they do: what is left out by a bound or a
constraint is left out there too. The module itself does not depend on a size (but where a model tells the values of a sort apart
by number); the configuration holds sizes and parameters. The same model at the same size gives the same text.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ratified.interchange.representation import Representation, family
from ratified.language import ir
from ratified.language.ir import Function, Kind
from ratified.language.model import Model
from ratified.language.types import (
    IntType,
    MapType,
    SortType,
    Type,
)
from ratified.language.values import Map
from ratified.tla import comments
from ratified.tla.claims import Claims
from ratified.tla.formulas import Bound, all_of, function, quantified, tuple_of
from ratified.tla.library import LIBRARY, needed
from ratified.tla.names import RESERVED, Names, module_name
from ratified.tla.page import LINE, boxed, commented, declared, spaced
from ratified.tla.scope import Frame
from ratified.tla.syntax import (
    WIDTH,
    Apply,
    Atom,
    Block,
    Definition,
    Infix,
    Junction,
    Prefix,
    Primed,
    Tla,
    indent,
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


class ModuleWriter(Claims):
    """Writes one module."""

    def __init__(self, model: Model, form: Representation, *, symmetric: bool = False) -> None:
        super().__init__(model, form)
        self._symmetric = symmetric
        self.need(*(["TLC"] if symmetric else []))
        self._bounded = any(self.may_leave(f) for f in self.module.functions.values() if f.returns is None)

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
        own = RESERVED | {name.rstrip("*") for name in LIBRARY}
        for word in sorted(set(re.findall(r"[A-Za-z]\w*", text)) - own):
            if word in self.names:
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
        whole = quantified("\\E", bounds, made)
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
            ways.append(quantified("\\E", bounds, step))
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
        step = quantified("\\E", bounds, step)
        fair = Apply("SF_vars" if one.fair.strong else "WF_vars", (step,))
        outer = self._bounds([replace(a, domain=None) for a in each], frame)
        return quantified("\\A", outer, fair)

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
