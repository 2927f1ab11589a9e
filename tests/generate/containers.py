"""Generated expressions about sets, bags, sequences and maps: how to make one, how to run over one.

`Core` is what the expression writers share; `Containers` adds these; `expressions.py` adds the rest.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from tests.generate.choices import Chooser
from tests.generate.scope import Name, Scope, collection_item, constants, wrap
from tests.generate.types import (
    BagType,
    BoolType,
    EnumType,
    IntType,
    MapType,
    OptionType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    TupleType,
    Type,
    UnionType,
    erase,
    fits,
)

Option = tuple[int, Callable[[], str]]


@dataclass(frozen=True, slots=True)
class Clause:
    """`for target in source`, and what is in scope inside."""

    target: str
    source: str
    scope: Scope

    def __str__(self) -> str:
        return f"for {self.target} in {self.source}"


class Core(ABC):
    """Choices, fresh names, and the simplest expression of each type.

    `careless` is the percentage of partial operations that are left without the test that makes them safe.
    """

    def __init__(self, choose: Chooser, careless: int = 4) -> None:
        self.choose = choose
        self.careless = careless
        self._number = 0

    def fresh(self, prefix: str) -> str:
        """A name that is used nowhere else in the file, so that each local name has one type."""
        self._number += 1
        return f"{prefix}{self._number}"

    @abstractmethod
    def expr(self, scope: Scope, kind: Type, depth: int) -> str:
        """An expression of a type; `can` says whether there is one."""

    @abstractmethod
    def boolean(self, scope: Scope, depth: int) -> str:
        """An expression of type `bool`."""

    @abstractmethod
    def condition(self, scope: Scope, depth: int) -> str:
        """Something to test: a `boolean`, or a collection that stands for one."""

    @abstractmethod
    def narrowings(self, scope: Scope) -> list[tuple[str, Scope, Scope]]:
        """Tests that narrow a local name, each with the scope where it is true and the one where it is false."""

    def can(self, scope: Scope, kind: Type) -> bool:
        """Whether the scope can express a value of the type."""
        return self.simplest(scope, kind) is not None

    def simplest(self, scope: Scope, kind: Type) -> str | None:
        """The simplest expression of a type; None if the scope has none (a symmetric value, where no name holds one)."""
        found = [*scope.of(kind), *constants(kind)]
        if found:
            return found[0]
        match kind:
            case RecordType(name, fields):
                return self._all(scope, [each for _, each in fields], f"{name}(", ")")
            case UnionType(members):
                return next((text for member in members if (text := self.simplest(scope, member))), None)
            case TupleType(items):
                return self._all(scope, list(items), "(", ")")
            case MapType(key, value):
                if isinstance(key, BoolType):
                    inner = self.simplest(scope, value)
                    return f"Map({{False: {inner}, True: {inner}}})" if inner else None
                target = self.fresh("k")
                domain = self._domain(key)
                inner = self.simplest(scope.having(Name(target, key)), value)
                return f"Map({{{target}: {inner} for {target} in {domain}}})" if inner else None
            case SetType():
                return "Set()"
            case BagType():
                return "Bag()"
            case SeqType():
                return "Seq()"
            case _:
                return None

    def _all(self, scope: Scope, kinds: list[Type], opening: str, closing: str) -> str | None:
        texts = [self.simplest(scope, kind) for kind in kinds]
        return opening + ", ".join(text for text in texts if text) + closing if all(texts) else None

    def _domain(self, key: Type) -> str:
        match key:
            case IntType(low, high):
                return f"range({high + 1})" if low == 0 else f"range({low}, {high + 1})"
            case SortType(name) | EnumType(name):
                return name
            case _:
                raise AssertionError(f"maps have small keys, not {key}")


class Containers(Core):
    """Expressions whose value is a container, and clauses that run over one."""

    def set_expr(self, scope: Scope, kind: SetType, depth: int) -> list[Option]:
        """Ways to make a set."""
        item = kind.item
        one = (
            [(2, lambda: f"Set({self._display(scope, item, depth, '{}')})")] if self.can(scope, item) else []
        )
        known = scope.of(SetType(item)) or scope.of(kind)
        algebra: list[Option] = [(4, lambda: self._algebra(scope, kind, known, depth))] if known else []
        all_of: list[Option] = (
            [(1, lambda: f"Set({item.name})")] if isinstance(item, SortType | EnumType) else []
        )
        other = [
            atom.text
            for atom in scope.atoms()
            if isinstance(atom.kind, SeqType | BagType) and fits(atom.kind.item, item)
        ]
        bags = [
            atom.text
            for atom in scope.atoms()
            if isinstance(atom.kind, BagType) and fits(atom.kind.item, item)
        ]
        return [
            *one,
            *algebra,
            *all_of,
            *([(1, lambda: f"Set({self.choose.pick(other)})")] if other else []),
            *([(1, lambda: f"{self.choose.pick(bags)}.distinct()")] if bags else []),
            (1, lambda: "Set()"),
            (2, lambda: self._comprehended(scope, item, depth, "Set({", "})")),
            (1, lambda: self._comprehended(scope, item, depth, "Set(", ")")),
            *self._quorum_systems(item),
        ]

    def _quorum_systems(self, item: Type) -> list[Option]:
        if not (isinstance(item, SetType) and isinstance(item.item, SortType)):
            return []
        sort = item.item
        systems = [
            f"majorities({sort.name})",
            f"subsets({sort.name})",
            f"subsets({sort.name}, {min(2, sort.size)})",
        ]
        return [(3, lambda: self.choose.pick(systems))]

    def _algebra(self, scope: Scope, kind: SetType, known: list[str], depth: int) -> str:
        left = self.choose.pick(known)
        operator = self.choose.pick(["|", "&", "-", "^"])
        if self.can(scope, kind.item) and self.choose.chance(50):
            return f"{left} {operator} {self._display(scope, kind.item, depth, '{}')}"
        return f"{left} {operator} {wrap(self.expr(scope, kind, depth - 1))}"

    def _display(self, scope: Scope, item: Type, depth: int, brackets: str, most: int = 3) -> str:
        items = [self.expr(scope, item, depth - 1) for _ in self.choose.several(1, most, 30)]
        return brackets[0] + ", ".join(items) + brackets[1]

    def _comprehended(self, scope: Scope, item: Type, depth: int, opening: str, closing: str) -> str:
        clauses, inner = self.clauses(scope, depth - 1)
        if not self.can(inner, item):
            clause = self.over(scope, item)
            if clause is None:
                return self.simplest(scope, SetType(item)) or "Set()"
            clauses, inner = str(clause), clause.scope
        return f"{opening}{wrap_element(self.expr(inner, item, depth - 1))} {clauses}{closing}"

    def seq_expr(self, scope: Scope, kind: SeqType, depth: int) -> list[Option]:
        """Ways to make a sequence."""
        item = kind.item
        known = [
            atom.text
            for atom in scope.atoms()
            if isinstance(atom.kind, SeqType) and fits(atom.kind.item, item)
        ]
        options: list[Option] = [(1, lambda: "Seq()")]
        if known:
            options += [
                (3, lambda: f"{self.choose.pick(known)}[{self._slice(scope, depth)}]"),
                (2, lambda: f"{self.choose.pick(known)} + {wrap(self.expr(scope, kind, depth - 1))}"),
                (1, lambda: f"Seq(reversed({self.choose.pick(known)}))"),
            ]
        if self.can(scope, item):
            most = max(1, kind.limit)
            options += [
                (3, lambda: f"Seq({self._display(scope, item, depth, '[]', most)})"),
                (1, lambda: f"Seq({self._comprehended(scope, item, depth, '[', ']')})"),
            ]
        if isinstance(item, IntType) or (isinstance(item, SortType) and item.ordered):
            options.append((2, lambda: self._sorted(scope, item, depth)))
        return options

    def _sorted(self, scope: Scope, item: Type, depth: int) -> str:
        source = self.expr(scope, SetType(item), depth - 1)
        return "Seq()" if source == "Set()" else f"Seq(sorted({source}))"

    def _slice(self, scope: Scope, depth: int) -> str:
        bound = [
            lambda: self.choose.pick(["0", "1", "-1", "2"]),
            lambda: self.expr(scope, IntType(0, 2), depth - 1),
        ]
        low = "" if self.choose.chance(30) else self.choose.pick(bound)()
        high = "" if self.choose.chance(40) else self.choose.pick(bound)()
        return f"{low}:{high}"

    def bag_expr(self, scope: Scope, kind: BagType, depth: int) -> list[Option]:
        """Ways to make a bag."""
        known = scope.of(kind)
        options: list[Option] = [(1, lambda: "Bag()")]
        if self.can(scope, kind.item):
            options += [
                (2, lambda: f"Bag({self._display(scope, kind.item, depth, '[]', 2)})"),
                (1, lambda: self._comprehended(scope, kind.item, depth, "Bag(", ")")),
            ]
        if known:
            options.append(
                (2, lambda: f"{self.choose.pick(known)} + {wrap(self.expr(scope, kind, depth - 1))}")
            )
        return options

    def map_expr(self, scope: Scope, kind: MapType, depth: int) -> list[Option]:
        """Ways to make a map, which must have every key."""
        options: list[Option] = []
        inside = scope if isinstance(kind.key, BoolType) else scope.having(Name("k", kind.key))
        if self.can(inside, kind.value):
            options.append((3, lambda: self._total(scope, kind, depth)))
        known = scope.of(kind)
        if known and self.can(scope, kind.key) and self.can(scope, kind.value):
            options.append((3, lambda: self._changed(scope, kind, self.choose.pick(known), depth)))
        if known:
            options.append((1, lambda: self._revised(scope, kind, self.choose.pick(known), depth)))
        return options

    def _total(self, scope: Scope, kind: MapType, depth: int) -> str:
        displayed = isinstance(kind.key, EnumType) and self.can(scope, kind.value) and self.choose.chance(25)
        if displayed or isinstance(kind.key, BoolType):
            pairs = [f"{each}: {self.expr(scope, kind.value, depth - 1)}" for each in constants(kind.key)]
            return f"Map({{{', '.join(pairs)}}})"
        key = self.fresh("k")
        value = self.expr(scope.having(Name(key, kind.key)), kind.value, depth - 1)
        return f"Map({{{key}: {value} for {key} in {self._domain(kind.key)}}})"

    def _changed(self, scope: Scope, kind: MapType, known: str, depth: int) -> str:
        key, value = self.expr(scope, kind.key, depth - 1), self.expr(scope, kind.value, depth - 1)
        return f"{known} | {{{key}: {value}}}"

    def _revised(self, scope: Scope, kind: MapType, known: str, depth: int) -> str:
        key, old = self.fresh("k"), self.fresh("v")
        value = self.expr(scope.having(Name(key, kind.key), Name(old, kind.value)), kind.value, depth - 1)
        return f"Map({{{key}: {value} for {key}, {old} in {known}.items()}})"

    # --- clauses ------------------------------------------------------------------------------------------------------

    def clauses(self, scope: Scope, depth: int) -> tuple[str, Scope]:
        """`for x in X`, perhaps twice, perhaps with an `if`; and what is in scope inside."""
        text: list[str] = []
        for _ in self.choose.several(1, 2, 20):
            clause = self.clause(scope, depth)
            text.append(str(clause))
            scope = clause.scope
        if self.choose.chance(40):
            tests = self.narrowings(scope)
            if tests and self.choose.chance(50):
                test, scope, _ = self.choose.pick(tests)
                text.append(f"if {test}")
            else:
                text.append(f"if {wrap_element(self.condition(scope, depth - 1))}")
        return " ".join(text), scope

    def over(self, scope: Scope, item: Type) -> Clause | None:
        """A clause whose target has a given type; None if there is nothing to run over."""
        target = self.fresh("x")
        inside = scope.having(Name(target, item))
        sources = [
            atom.text for atom in scope.atoms() if (its := collection_item(atom.kind)) and fits(its, item)
        ]
        if isinstance(item, SortType | EnumType):
            sources.insert(0, item.name)
        return Clause(target, self.choose.pick(sources), inside) if sources else None

    def clause(self, scope: Scope, depth: int) -> Clause:
        """`for` over anything finite."""
        atoms = scope.atoms()
        collections = [atom for atom in atoms if collection_item(atom.kind)]
        maps = [atom for atom in atoms if isinstance(atom.kind, MapType)]
        sequences = [atom for atom in atoms if isinstance(atom.kind, SeqType)]
        options: list[tuple[int, Callable[[], Clause]]] = [(5, lambda: self._over_class(scope))]
        if collections:
            options.append((6, lambda: self._over_collection(scope, collections)))
        if maps:
            options.append((3, lambda: self._over_map(scope, maps)))
        if sequences:
            options.append((3, lambda: self._over_sequence(scope, sequences)))
        options += [
            (1, lambda: self._over_range(scope, sequences)),
            (1, lambda: self._over_display(scope, depth)),
            (1, lambda: self._over_quorums(scope)),
        ]
        return self.choose.weighted(options)

    def _inside(self, scope: Scope, source: str, item: Type, prefix: str = "x") -> Clause:
        if isinstance(item, TupleType) and self.choose.chance(50):
            names = tuple(Name(self.fresh("t"), each) for each in item.items)
            return Clause(", ".join(name.text for name in names), source, scope.having(*names))
        target = self.fresh(prefix)
        return Clause(target, source, scope.having(Name(target, item)))

    def _over_class(self, scope: Scope) -> Clause:
        kinds: list[SortType | EnumType] = [*scope.world.sorts, *scope.world.enums]
        kind = self.choose.pick(kinds)
        return self._inside(scope, kind.name, kind)

    def _over_collection(self, scope: Scope, collections: list[Name]) -> Clause:
        atom = self.choose.pick(collections)
        item = collection_item(atom.kind)
        assert item is not None
        source = atom.text
        if isinstance(atom.kind, BagType) and self.choose.chance(30):
            source = f"{source}.distinct()"
        elif (
            isinstance(item, IntType) or (isinstance(item, SortType) and item.ordered)
        ) and self.choose.chance(25):
            source = f"sorted({source})"
        return self._inside(scope, source, item)

    def _over_map(self, scope: Scope, maps: list[Name]) -> Clause:
        atom = self.choose.pick(maps)
        assert isinstance(atom.kind, MapType)
        match self.choose.below(4):
            case 0:
                key, value = self.fresh("k"), self.fresh("v")
                names = (Name(key, atom.kind.key), Name(value, atom.kind.value))
                return Clause(f"{key}, {value}", f"{atom.text}.items()", scope.having(*names))
            case 1:
                return self._inside(scope, f"{atom.text}.values()", atom.kind.value, "v")
            case 2:
                return self._inside(scope, f"{atom.text}.keys()", atom.kind.key, "k")
            case _:
                return self._inside(scope, atom.text, atom.kind.key, "k")

    def _over_sequence(self, scope: Scope, sequences: list[Name]) -> Clause:
        atom = self.choose.pick(sequences)
        assert isinstance(atom.kind, SeqType)
        if self.choose.chance(30):
            return self._inside(scope, f"reversed({atom.text})", atom.kind.item)
        one, two = self.fresh("i"), self.fresh("x")
        if self.choose.chance(50):
            other = self.choose.pick(sequences)
            assert isinstance(other.kind, SeqType)
            names = (Name(one, atom.kind.item), Name(two, other.kind.item))
            return Clause(f"{one}, {two}", f"zip({atom.text}, {other.text})", scope.having(*names))
        names = (Name(one, IntType(0, max(0, atom.kind.limit - 1))), Name(two, atom.kind.item))
        return Clause(f"{one}, {two}", f"enumerate({atom.text})", scope.having(*names))

    def _over_range(self, scope: Scope, sequences: list[Name]) -> Clause:
        if sequences and self.choose.chance(60):
            atom = self.choose.pick(sequences)
            assert isinstance(atom.kind, SeqType)
            target = self.fresh("i")
            item = Name(f"{atom.text}[{target}]", atom.kind.item)
            index = Name(target, IntType(0, max(0, atom.kind.limit - 1)))
            return Clause(target, f"range(len({atom.text}))", scope.having(index, item))
        if self.choose.chance(30):
            return self._inside(scope, f"range({self.expr(scope, IntType(0, 3), 1)})", IntType(0, 2), "i")
        low, length = self.choose.below(3), 1 + self.choose.below(3)
        text = f"range({length})" if low == 0 else f"range({low}, {low + length})"
        return self._inside(scope, text, IntType(low, low + length - 1), "i")

    def _over_display(self, scope: Scope, depth: int) -> Clause:
        kinds = [atom.kind for atom in scope.atoms() if isinstance(atom.kind, SortType | IntType | EnumType)]
        if not kinds:
            return self._over_class(scope)
        kind = self.choose.pick(kinds)
        return self._inside(scope, self._display(scope, kind, depth, "[]"), kind)

    def _over_quorums(self, scope: Scope) -> Clause:
        sort = self.choose.pick(scope.world.sorts)
        system = self.choose.pick(
            [f"majorities({sort.name})", f"subsets({sort.name})", f"subsets({sort.name}, 1)"]
        )
        return self._inside(scope, system, SetType(sort), "q")


def wrap_element(text: str) -> str:
    """An expression where a conditional one would be misread."""
    return f"({text})" if " if " in text and not text.startswith("(") else text


def unoptional(kind: Type) -> Type:
    """The type without `None`."""
    return kind.inner if isinstance(kind, OptionType) else kind


def erased_fits(given: Type, wanted: Type) -> bool:
    """Whether a type checker lets the one stand for the other."""
    return erase(given) == erase(wanted)
