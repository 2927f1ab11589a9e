"""Generated models in the words that people bring from other languages.

Loops that are left, `match` and `if` over all that there is, `filter`, `map`, `sorted` and `next` with functions, `choose`, local
copies that are changed, fields of records that are assigned, subsets, permutations and maps that are run through, texts,
`@action_constraint`, `@eventually_always` and `enabled`. `wordy_model(seed)` is for every engine. Its models are those of
`claiming_model` in everything else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from tests.generate.choices import Chooser, RandomSource
from tests.generate.claiming import ClaimingWriter
from tests.generate.containers import Clause, Option, wrap_element
from tests.generate.models import GeneratedModel
from tests.generate.scope import Name, Scope, World, collection_item, constants, wrap
from tests.generate.types import (
    BOOL,
    INTEGER,
    BagType,
    BoolType,
    DisplayType,
    EnumType,
    IntType,
    MapType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    TextType,
    Type,
    UnionType,
    annotation,
    cardinality,
)
from tests.generate.updates import Frame, Lines, indented

DICT = "table"
"""What the partial map of a model is called, if it has one."""

FAMILY_MOST = 8
"""Sets have at most so many elements whose subsets are run through; so do the domains of maps, in values to the keys."""


def wordy_model(seed: int) -> GeneratedModel:
    """The model of a seed."""
    return WordyWriter(Chooser(RandomSource(seed))).model()


class WordyWriter(ClaimingWriter):
    """Writes one file."""

    asks: bool
    stays: bool
    askable: list[tuple[str, tuple[Type, ...]]]
    dict_of: tuple[SortType | EnumType, Type] | None

    def model(self) -> GeneratedModel:
        """See ModelWriter."""
        self.asks = self.choose.chance(50)
        self.stays = self.choose.chance(40)
        self.askable = []
        self.dict_of = None
        made = super().model()
        if ": PartialMap[" in made.text:
            imported = re.sub(r"^from ratified import ", r"\g<0>PartialMap, ", made.text, flags=re.MULTILINE)
            made = replace(made, text=imported)
        imported = "eventually_always, leads_to"
        return replace(made, text=made.text.replace("leads_to", imported, 1)) if self.lively else made

    def draw_world(self) -> World:
        """Texts as well."""
        world = super().draw_world()
        texts = ("calm", "cross", "busy")[: 2 + self.choose.below(2)]
        return replace(world, texts=(TextType("Mood", texts),)) if self.choose.chance(45) else world

    def _variables(self) -> tuple[list[tuple[str, Type]], Lines]:
        """Some ints without a range: they stay within it all the same, or nearly so."""
        variables, lines = super()._variables()
        for number, (name, kind) in enumerate(variables):
            if isinstance(kind, IntType) and kind.low <= 0 <= kind.high and self.choose.chance(30):
                default = lines[number].partition(" = ")[2]
                lines[number] = f"{name}: int" + (f" = {default}" if default else "")
        if self.choose.chance(30):
            self.dict_of = self._keys_and_values()
            key, value = self.dict_of
            lines.append(f"{DICT}: PartialMap[{key.name}, {annotation(value)}]")
        return variables, lines

    def _keys_and_values(self) -> tuple[SortType | EnumType, Type]:
        kinds: list[SortType | EnumType] = [*self.world.sorts, *self.world.enums]
        return self.choose.pick(kinds), self.choose.pick([BOOL, IntType(0, 2), *kinds])

    # --- a dict -------------------------------------------------------------------------------------------------------

    def _dict(self, scope: Scope) -> tuple[SortType | EnumType, Type] | None:
        """The keys and the values of the partial map, where there is one, and the state is spoken of."""
        spoken = any(name.text.startswith("self.") and name.text != "self.limit" for name in scope.names)
        found = self.dict_of if spoken else None
        return found if found and all(self.can(scope, kind) for kind in found) else None

    def boolean(self, scope: Scope, depth: int) -> str:
        """What a partial map has, too."""
        found = self._dict(scope)
        if found is None or depth <= 0 or not self.choose.chance(10):
            return super().boolean(scope, depth)
        x, y = self.fresh("k"), self.fresh("v")
        inside = scope.having(Name(x, found[0]), Name(y, found[1]))
        all_or_any = self.choose.pick(["all", "any"])
        alike = self.expr(scope.having(Name(x, found[0])), found[1], 0)
        has = f"self.{DICT}[{x}] == {alike} for {x} in self.{DICT}"
        return self.choose.pick(
            [
                f"{wrap_element(self.expr(scope, found[0], 0))} in self.{DICT}",
                f"len(self.{DICT}) > {self.choose.below(2)}",
                f"{all_or_any}({has})",
                f"{all_or_any}({self.boolean(inside, depth - 1)} for {x}, {y} in self.{DICT}.items())",
                f"self.{DICT} == PartialMap({self._dict_made(scope, found)})",
            ]
        )

    def _dict_made(self, scope: Scope, found: tuple[SortType | EnumType, Type]) -> str:
        """A dict, written out or made by running through something."""
        key, value = found
        clause = self.over(scope, key)
        if clause is None or self.choose.chance(40):
            return f"{{{self.expr(scope, key, 0)}: {self.expr(scope, value, 1)}}}"
        x = clause.target
        return f"{{{x}: {self.expr(clause.scope, value, 1)} {clause}}}"

    def _dict_changed(self, scope: Scope, found: tuple[SortType | EnumType, Type]) -> Lines:
        """A change of the partial map."""
        key, value = self.expr(scope, found[0], 1), self.expr(scope, found[1], 1)
        x, own = self.fresh("k"), self.fresh("own")
        inside = scope.having(Name(x, found[0]))
        return self.choose.pick(
            [
                [f"self.{DICT}[{key}] = {value}"],
                [f"self.{DICT}.pop({key}, None)"],
                [
                    f"{own} = self.{DICT}.pop({key}, None)",
                    f"if {own} is None:",
                    f"    self.{DICT}[{key}] = {value}",
                ],
                [f"require({key} in self.{DICT})", f"del self.{DICT}[{key}]"],
                [f"{own} = PartialMap(self.{DICT})", f"{own}[{key}] = {value}", f"self.{DICT} = {own}"],
                [f"self.{DICT} = PartialMap({self._dict_made(scope, found)})"],
                [f"self.{DICT} = self.{DICT} | {self._dict_made(scope, found)}"],
                [
                    f"for {x} in self.{DICT}:",
                    f"    if {wrap_element(self.condition(inside, 1))}:",
                    f"        self.{DICT}.pop({x})",
                ],
                [f"self.{DICT}.clear()"],
            ]
        )

    # --- expressions --------------------------------------------------------------------------------------------------

    def _general(self, scope: Scope, kind: Type, depth: int) -> list[Option]:
        options = super()._general(scope, kind, depth)
        found = self._dict(scope)
        if found is not None and found[1] == kind:
            x = self.expr(scope, found[0], 0)
            other = self.expr(scope, kind, 0)
            options.append((3, lambda: f"self.{DICT}.get({x}, {other})"))
            options.append((2, lambda: f"(self.{DICT}[{x}] if {x} in self.{DICT} else {other})"))
        if self.can(scope, kind) and not isinstance(kind, BoolType | IntType | DisplayType):
            options.append((4, lambda: self._chosen(scope, kind, depth)))
        return options

    def _chosen(self, scope: Scope, kind: Type, depth: int) -> str:
        """The first one of some."""
        clause = self.over(scope, kind)
        if clause is None:
            return self.leaf(scope, kind)
        source, x = clause.source, clause.target
        test = wrap_element(self.boolean(clause.scope, depth - 1))
        never_empty = isinstance(kind, SortType | EnumType) and source == kind.name
        match self.choose.below(4):
            case 0:
                made = f"choose({source})" if self.choose.chance(60) else f"next(iter({source}))"
                if never_empty or self.choose.chance(self.careless):
                    return made
                return f"({made} if len({source}) > 0 else {self.leaf(scope, kind)})"
            case 1:
                where = f"lambda {x}: {test}"
                made = f"choose({source}, {'where=' if self.choose.chance(50) else ''}{where})"
                if self.choose.chance(self.careless):
                    return made
                return f"({made} if any({test} {clause}) else {self.leaf(scope, kind)})"
            case _:
                return f"next(({x} {clause} if {test}), {self.expr(scope, kind, 0)})"

    def set_expr(self, scope: Scope, kind: SetType, depth: int) -> list[Option]:
        """`filter` and `map` as well."""
        options = super().set_expr(scope, kind, depth)
        if (clause := self.over(scope, kind.item)) is not None:
            options.append((3, lambda: f"Set({self._filtered(clause, depth)})"))
        if self.can(scope, kind.item):
            options.append((1, lambda: f"Set({self._mapped(scope, kind.item, depth)})"))
        return options

    def seq_expr(self, scope: Scope, kind: SeqType, depth: int) -> list[Option]:
        """`filter`, and `sorted` with a key."""
        options = super().seq_expr(scope, kind, depth)
        if (clause := self.over(scope, kind.item)) is not None:
            key = f"lambda {clause.target}: {wrap(self.expr(clause.scope, INTEGER, 1))}"
            options += [
                (2, lambda: f"Seq({self._filtered(clause, depth)})"),
                (2, lambda: f"Seq(sorted({clause.source}, key={key}))"),
                (2, lambda: f"Seq(sorted({clause.source}, key={key}, reverse=True))"),
            ]
        rows = [a.text for a in scope.atoms() if isinstance(a.kind, SeqType) and a.kind.item == kind.item]
        if rows and self.can(scope, kind.item):
            row, x = self.choose.pick(rows), self.expr(scope, kind.item, 0)
            options += [(2, lambda: f"{row}[::-1]"), (2, lambda: f"Seq([{x}, *{row}[1:]])")]
        return options

    def _filtered(self, clause: Clause, depth: int) -> str:
        return f"filter(lambda {clause.target}: {self.boolean(clause.scope, depth - 1)}, {clause.source})"

    def _mapped(self, scope: Scope, item: Type, depth: int) -> str:
        clause = self._over_class(scope)
        return f"map(lambda {clause.target}: {self.expr(clause.scope, item, depth - 1)}, {clause.source})"

    def _sum(self, scope: Scope, depth: int) -> str:
        if not self.choose.chance(20):
            return super()._sum(scope, depth)
        start = self.choose.pick(["", ", 1", ", start=2"])
        return f"sum({self._mapped(scope, INTEGER, depth)}{start})"

    # --- what is run through ------------------------------------------------------------------------------------------

    def _over_quorums(self, scope: Scope) -> Clause:
        ways = [
            super()._over_quorums,
            self._over_subsets,
            self._over_permutations,
            self._over_maps,
            self._over_sequences,
            self._over_pairs,
        ]
        return self.choose.pick(ways)(scope)

    def clause(self, scope: Scope, depth: int) -> Clause:
        """Families of values more often."""
        return self._over_quorums(scope) if self.choose.chance(12) else super().clause(scope, depth)

    def _over_subsets(self, scope: Scope) -> Clause:
        sets: list[tuple[str, Type]] = [(e.name, e) for e in scope.world.enums]
        sets += [
            (atom.text, atom.kind.item)
            for atom in scope.atoms()
            if isinstance(atom.kind, SetType) and cardinality(atom.kind.item) <= FAMILY_MOST
        ]
        if not sets:
            return super()._over_quorums(scope)
        text, item = self.choose.pick(sets)
        size = f", {self.choose.pick(['1', '2', '0'])}" if self.choose.chance(40) else ""
        return self._inside(scope, f"subsets({text}{size})", SetType(item), "q")

    def _over_permutations(self, scope: Scope) -> Clause:
        kinds: list[SortType | EnumType] = [*scope.world.sorts, *scope.world.enums]
        kind = self.choose.pick(kinds)
        row = self.fresh("q")
        ends = (Name(f"{row}[0]", kind), Name(f"{row}[-1]", kind))
        return Clause(row, f"permutations({kind.name})", scope.having(*ends))

    def _over_sequences(self, scope: Scope) -> Clause:
        kinds: list[SortType | EnumType] = [*scope.world.sorts, *scope.world.enums]
        kind = self.choose.pick(kinds)
        sets = [a.text for a in scope.atoms() if isinstance(a.kind, SetType) and a.kind.item == kind]
        source = self.choose.pick([kind.name, *sets])
        most = self.choose.pick([1, 2])
        return self._inside(scope, f"sequences({source}, {most})", SeqType(kind, most), "q")

    def _over_pairs(self, scope: Scope) -> Clause:
        """Neighbours in a sequence, or any two of two sorts."""
        rows = [(a.text, a.kind.item) for a in scope.atoms() if isinstance(a.kind, SeqType)]
        x, y = self.fresh("x"), self.fresh("y")
        if rows and self.choose.chance(50):
            text, item = self.choose.pick(rows)
            return Clause(f"{x}, {y}", f"pairwise({text})", scope.having(Name(x, item), Name(y, item)))
        kinds: list[SortType | EnumType] = [*scope.world.sorts, *scope.world.enums]
        a, b = self.choose.pick(kinds), self.choose.pick(kinds)
        return Clause(f"{x}, {y}", f"product({a.name}, {b.name})", scope.having(Name(x, a), Name(y, b)))

    def _over_maps(self, scope: Scope) -> Clause:
        kinds: list[SortType | EnumType] = [*scope.world.sorts, *scope.world.enums]
        keys, values = self.choose.pick(kinds), self.choose.pick((BOOL, *kinds))
        if cardinality(MapType(keys, values)) > FAMILY_MOST:
            values = BOOL
        named = "bool" if isinstance(values, BoolType) else values.name
        return self._inside(scope, f"maps({keys.name}, {named})", MapType(keys, values), "f")

    # --- statements ---------------------------------------------------------------------------------------------------

    def statement(self, scope: Scope, frame: Frame) -> tuple[Lines, Scope]:
        """Changes of local copies too."""
        if self.choose.chance(15):
            own = self.plain if self.choose.chance(20) else self._copied
            return own(scope, frame), scope
        found = self._dict(scope)
        if found is not None and frame.places and self.choose.chance(20):
            return self._dict_changed(scope, found), scope
        return super().statement(scope, frame)

    def _updates(self, scope: Scope, text: str, kind: Type) -> list[tuple[int, Callable[[], Lines]]]:
        options = super()._updates(scope, text, kind)
        if isinstance(kind, RecordType):
            fields = [(name, each) for name, each in kind.fields if self.can(scope, each)]
            options += [(4, partial(self._field, scope, f"{text}.{name}", each)) for name, each in fields]
        return options

    def _field(self, scope: Scope, text: str, kind: Type) -> Lines:
        """A field of a record that a variable holds."""
        if isinstance(kind, IntType) and self.choose.chance(50):
            return self._unless(f"{text} < {kind.high}", f"{text} += 1", 12)
        if isinstance(kind, RecordType) and kind.fields and self.choose.chance(50):
            name, each = self.choose.pick(kind.fields)
            if self.can(scope, each):
                return self._field(scope, f"{text}.{name}", each)
        return [f"{text} = {self.expr(scope, kind, 1)}"]

    def _copied(self, scope: Scope, frame: Frame) -> Lines:
        """A copy of some variable, which is changed and stored again, or asked."""
        atoms = [a for a in scope.atoms() if isinstance(a.kind, SetType | BagType | SeqType | MapType)]
        atoms = [a for a in atoms if a.text.startswith("self.")]
        if not atoms:
            return self.update(scope, frame)
        atom = self.choose.pick(atoms)
        name = self.fresh("own")
        make = {SetType: "Set", BagType: "Bag", SeqType: "Seq", MapType: "Map"}[type(atom.kind)]
        lines = [f"{name} = {make}({atom.text})"]
        for _ in self.choose.several(1, 3, 60):
            change = self._changing(scope, name, atom.kind)
            if change and self.choose.chance(35):
                change = [f"if {self.condition(scope, 1)}:", *indented(change)]
            elif change and self.choose.chance(25):
                change = [f"{self.clause(scope, 1)}:", *indented(change)]
            lines += change
        stored = any(atom.text == place.text for place in frame.places)
        if stored:
            lines.append(f"{atom.text} = {name}")
            if self.choose.chance(30) and not isinstance(atom.kind, MapType):
                lines.append(f"{name}.clear()")
        flags = [p.text for p in frame.places if isinstance(p.kind, BoolType)]
        if flags and not isinstance(atom.kind, MapType) and self.choose.chance(50):
            lines.append(f"{self.choose.pick(flags)} = len({name}) > {self.choose.below(2)}")
        return lines

    def _changing(self, scope: Scope, name: str, kind: Type) -> Lines:
        if isinstance(kind, MapType):
            if not (self.can(scope, kind.key) and self.can(scope, kind.value)):
                return []
            return [f"{name}[{self.expr(scope, kind.key, 1)}] = {self.expr(scope, kind.value, 1)}"]
        item = collection_item(kind)
        if item is None or not self.can(scope, item):
            return []
        value = self.expr(scope, item, 1)
        match kind:
            case SetType():
                known = self.expr(scope, SetType(item), 1)
                return [
                    f"{name}.{self.choose.pick([f'add({value})', f'discard({value})', f'update({known})'])}"
                ]
            case BagType(_, limit, copies):
                if self.choose.chance(30):
                    return [f"{name}.discard({value})"]
                test = f"len({name}) < {limit} and {name}.count({value}) < {copies or limit}"
                return [f"if {test}:", f"    {name}.add({value})"]
            case SeqType(_, limit):
                if self.choose.chance(30):
                    return [f"if len({name}) > 0:", f"    {name}[{self.choose.pick(['0', '-1'])}] = {value}"]
                if self.choose.chance(20):
                    taken = self.fresh("taken")
                    pop = f"{name}.pop({self.choose.pick(['', '0', '-1'])})"
                    if self.choose.chance(50):
                        return [f"if len({name}) > 0:", f"    {pop}"]
                    return [f"if len({name}) > 1:", f"    {taken} = {pop}", f"    {name}[0] = {taken}"]
                return [f"if len({name}) < {limit}:", f"    {name}.append({value})"]
            case _:
                return []

    def _for(self, scope: Scope, frame: Frame) -> Lines:
        """A loop that may be left, or a turn of it."""
        if not self.choose.chance(60):
            return super()._for(scope, frame)
        clause = self.clause(scope, 1)
        body = self.effects(clause.scope, frame.deeper(), 2)
        jump = [f"if {self.condition(clause.scope, 1)}:", f"    {self.choose.pick(['break', 'continue'])}"]
        if self.choose.chance(30):
            jump = [*jump[:1], *indented(self.effects(clause.scope, frame.deeper(), 1)), *jump[1:]]
        lines = [f"{clause}:", *indented([*jump, *body] if self.choose.chance(65) else [*body, *jump])]
        if self.choose.chance(30):
            lines += ["else:", *indented(self.effects(scope, frame.deeper(), 1))]
        return lines

    def pure(self, scope: Scope, result: Type, depth: int = 2) -> Lines:
        """Over all that there is, or a loop that is left when something is found."""
        if self.choose.chance(25) and (lines := self._exhausted(scope, result, depth)):
            return lines
        if self.choose.chance(15) and self.can(scope, result):
            clause = self.clause(scope, 1)
            jump = self.choose.pick(["break", "continue"])
            return [
                f"{clause}:",
                f"    if {wrap_element(self.condition(clause.scope, 1))}:",
                f"        {jump}",
                f"    if {wrap_element(self.condition(clause.scope, 1))}:",
                f"        return {self.expr(clause.scope, result, 1)}",
                f"return {self.expr(scope, result, depth)}",
            ]
        return super().pure(scope, result, depth)

    def _exhausted(self, scope: Scope, result: Type, depth: int) -> Lines:
        """`match` or `if` over all members of something, without an `else`; nothing if there is no such thing."""
        atoms = [a for a in scope.atoms() if isinstance(a.kind, EnumType | TextType | UnionType)]
        if not atoms:
            return []
        atom = self.choose.pick(atoms)
        assert isinstance(atom.kind, EnumType | TextType | UnionType)
        name = Name(self.fresh("y"), atom.kind)
        lines = [f"{name.text} = {atom.text}"]
        inside = scope.having(name)
        if isinstance(atom.kind, UnionType):
            cases = [(f"{one.name}()", scope.having(Name(name.text, one))) for one in atom.kind.members]
            tests = [f"isinstance({name.text}, {one.name})" for one in atom.kind.members]
        else:
            cases = [(text, scope) for text in constants(atom.kind)]
            signs = ("==", "is") if isinstance(atom.kind, EnumType) else ("==",)
            tests = [f"{name.text} {self.choose.pick(signs)} {text}" for text, _ in cases]
        if len(cases) > 2 and not isinstance(atom.kind, UnionType) and self.choose.chance(25):
            cases = [(f"{cases[0][0]} | {cases[1][0]}", scope), *cases[2:]]
            tests = [f"{name.text} in ({cases[0][0].replace(' | ', ', ')})", *tests[2:]]
        if not all(self.can(where, result) for _, where in cases):
            return []
        if isinstance(atom.kind, UnionType) or self.choose.chance(60):
            lines.append(f"match {name.text}:")
            for text, where in cases:
                lines += [f"    case {text}:", f"        return {self.expr(where, result, depth)}"]
            return lines
        for number, (test, (_, where)) in enumerate(zip(tests, cases, strict=True)):
            value = self.expr(where if number else inside, result, depth)
            lines += [f"{'elif' if number else 'if'} {test}:", f"    return {value}"]
        return lines

    # --- steps --------------------------------------------------------------------------------------------------------

    def _action(self, scope: Scope, frame: Frame, name: str) -> Lines:
        lines = super()._action(scope, frame, name)
        head = next(i for i, line in enumerate(lines) if line.strip().startswith("def "))
        body = [line for line in lines[head + 1 :] if '"""' not in line]
        first = next((i for i, line in enumerate(body) if not line.strip().startswith("require(")), len(body))
        guarded = any(re.search(r"require\(|self\.note|super\(", line) for line in body[first:])
        if not guarded and "-> None" in lines[head]:
            self.askable.append((name, tuple(p.kind for p in self.methods[-1].parameters)))
        return lines

    def _claimed(self, scope: Scope) -> str:
        claim = super()._claimed(scope)
        if not self.asks or not self.askable or not self.choose.chance(55):
            return claim
        name, kinds = self.choose.pick(self.askable)
        simple = all(isinstance(kind, SortType | EnumType | BoolType) for kind in kinds)
        if kinds and all(self.can(scope, kind) for kind in kinds) and not (simple and self.choose.chance(40)):
            given = "".join(f", {self.expr(scope, kind, 1)}" for kind in kinds)
        elif simple:
            given = ""
        else:
            return claim
        asked = f"enabled(self.{name}{given})"
        return f"{self.choose.pick(['', 'not '])}{asked} {self.choose.pick(['or', 'and'])} {wrap(claim)}"

    def _eventually(self, scope: Scope, name: str, written: str) -> Lines:
        lines = super()._eventually(scope, name, written)
        return [line.replace("@eventually", "@eventually_always") for line in lines] if self.stays else lines

    def _properties(self, scope: Scope) -> Lines:
        lines = super()._properties(scope)
        if "enabled(" in "\n".join(lines) or not self.choose.chance(30):
            return lines
        self.askable = []
        old = [
            Name(n.text.replace("self.", "old.", 1), n.kind) for n in scope.names if n.text != "self.limit"
        ]
        claim = self._claimed(scope.having(*old))
        head = ["    @action_constraint", "    def narrow(self, old: Self) -> bool:"]
        return [*lines, "", *head, f"        return {claim}"]
