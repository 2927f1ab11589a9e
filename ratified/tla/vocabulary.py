"""The words of an exported module: what its constants, variables, operators and types are called, and what it needs besides.

Guarantees: a name is decided before anything is translated that could take it; a definition that is asked for is written before
what asks for it.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence

from ratified.interchange.names import legal
from ratified.interchange.representation import Representation, refined_by, types_in
from ratified.language import ir
from ratified.language.ir import Function, Kind, Which
from ratified.language.model import Model
from ratified.language.sorts import Sort
from ratified.language.types import (
    AnnotationProblem,
    BagType,
    BoolType,
    Bound,
    EnumType,
    IntType,
    MapType,
    NoneType,
    OptionalType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    TupleType,
    Type,
    UnionType,
    from_annotation,
    has_bounds,
    parts,
    resolved,
)
from ratified.tla.formulas import (
    ZERO,
    Quantified,
    all_of,
    braces,
    function,
    number,
    record_of,
    set_of,
    string,
    tuple_of,
)
from ratified.tla.library import LIBRARY, needed
from ratified.tla.names import Names
from ratified.tla.syntax import Apply, Atom, Definition, Dot, If, Index, Infix, Prefix, Tla, Wrapped

ORDER = ("Integers", "FiniteSets", "Sequences", "Bags", "TLC")
"""The standard modules, in the order in which they are named."""


class Vocabulary:
    """What one module can say so far."""

    def __init__(self, model: Model, form: Representation) -> None:
        self.model = model
        self.module = model.module
        self.form = form
        self.names = Names(name.rstrip("*") for name in LIBRARY)
        self.modules: set[str] = set()
        self.used: set[str] = set()
        self.terms: dict[str, Tla] = {}
        self.naturals: set[str] = set()
        self.has_none = False
        self.named_sorts: dict[type[Sort], str] = {}
        self.type_definitions: dict[str, Definition] = {}
        self.key_definitions: dict[str, Definition] = {}
        self.referenced: list[str] = []
        self._types: dict[Type, Tla] = {}
        self._key_names: dict[Type, str] = {}
        self._reads: dict[str, frozenset[str]] = {}
        sorts = [s.sort for s in self.module.sorts]
        self.sorts = {sort: self.names.give(sort.__name__) for sort in sorts}
        self.lasts = {s: self.names.give(f"Max{s.__name__}") for s in sorts if SortType(s).ordered}
        self.constants = {p.name: self.names.give(p.name) for p in self.module.parameters}
        self.variables = {v.name: self.names.give(v.name) for v in self.module.variables}
        self.classes = {
            t: self.names.give(name)
            for t in dict.fromkeys(types_in(model))
            if (name := _class_name(t)) is not None
        }
        self.aliases = {t: self.names.give(name) for t, name in _aliases(model).items()}
        self._abstract = {legal(v.name) for _, m in refined_by(model) for v in m.module.variables}
        self.operators = self._operator_names()
        self.need("Integers")

    def _operator_names(self) -> dict[str, str]:
        names: dict[str, str] = {}
        own = [f for f in self.module.functions.values() if f.key == f.name]
        others = [f for f in self.module.functions.values() if f.key != f.name]
        for one in own:
            if one.kind is not Kind.INIT:
                names[one.key] = self._operator_name(one)
        for one in others:
            plain = legal(one.name)
            if plain in self.names and "." in one.key:  # a base class's, or a record's, of the same name
                plain = f"{legal(one.key.split('.')[-2])}_{plain}"
            names[one.key] = self.names.give(plain)
        return names

    def _operator_name(self, one: Function) -> str:
        """A function's own name; an instance would take an operator for the variable of that name of the model it is of."""
        if legal(one.name) in self._abstract and one.arguments:
            return self.names.give(f"{one.name}_of")
        return self.names.give(one.name)

    # --- what is needed besides ---

    def need(self, *modules: str) -> None:
        """Standard modules."""
        self.modules.update(modules)

    def use(self, name: str, *arguments: Tla) -> Tla:
        """An operator of the library, applied."""
        self.used.add(name)
        return Apply(name.rstrip("*"), arguments)

    def extends(self) -> list[str]:
        """The standard modules that the module extends."""
        modules = {*self.modules, *(m for name in needed(self.used) for m in LIBRARY[name].modules)}
        return [name for name in ORDER if name in modules]

    def none(self) -> Tla:
        """The value None."""
        self.has_none = True
        return Atom("None")

    def operator(self, key: str) -> str:
        """The name of the operator that a function is."""
        self.referenced.append(key)
        return self.operators[key]

    def reads(self, called: Function) -> frozenset[str]:
        """The variables that a function reads, also through others."""
        found = self._reads.get(called.key)
        if found is None:
            read: set[str] = set()
            for statement in called.body:
                for node in ir.walk(statement):
                    if isinstance(node, ir.Variable) and node.which is not Which.ABSTRACT:
                        read.add(node.name)
                    elif isinstance(node, ir.Store) and node.path:
                        read.add(node.variable)
                    elif isinstance(node, ir.Call | ir.Do):
                        read |= self.reads(self.module.functions[node.function])
            found = self._reads[called.key] = frozenset(read)
        return found

    def writes(self, called: Function) -> frozenset[str]:
        """The variables that a procedure changes, also through others."""
        written: set[str] = set()
        for statement in called.body:
            for node in ir.walk(statement):
                if isinstance(node, ir.Store) and node.which is not Which.ABSTRACT:
                    written.add(node.variable)
                elif isinstance(node, ir.Do):
                    written |= self.writes(self.module.functions[node.function])
        return frozenset(written)

    # --- sorts ---

    def last_of(self, sort: type[Sort]) -> str:
        """The last value of an ordered sort."""
        return self.lasts[sort]

    def sequence_of(self, sort: type[Sort]) -> str:
        """The values of a sort that is not ordered, in their order; asking for it makes them constants of the module."""
        if sort not in self.named_sorts:
            self.named_sorts[sort] = self.names.give(f"{sort.__name__}Seq")
        self.need("Sequences")
        return self.named_sorts[sort]

    def named(self, sort: type[Sort], index: int) -> Tla:
        """One value of a sort that is not ordered."""
        self.sequence_of(sort)
        return Atom(self.form.value_names[sort][index])

    def sort_number(self, sort: type[Sort], value: Tla) -> Tla:
        """The number of a value of a sort that is not ordered, from 0."""
        return self.use("FirstIn", Atom(self.sequence_of(sort)), value)

    def short(self, t: Type) -> str:
        """A short name for something of a type."""
        return t.sort.prefix if isinstance(t, SortType) and t.sort.prefix.isalpha() else "k"

    # --- types as sets ---

    def resolved(self, t: Type) -> IntType:
        """An integer type with its bounds as numbers, where they can be known."""
        try:
            made = resolved(t, self.model.scope)
        except Exception:  # noqa: BLE001  # the bounds of a record may name what this model does not have
            made = IntType()
        return made if isinstance(made, IntType) else IntType()

    def bound(self, bound: Bound) -> Tla:
        """A bound, as it stands in the model."""
        return (
            number(bound)
            if isinstance(bound, int)
            else self._bound(ast.parse(bound.strip(), mode="eval").body)
        )

    def _bound(self, node: ast.expr) -> Tla:
        self.need("Integers")
        match node:
            case ast.Constant(int(n)):
                return number(n)
            case ast.Name(name):
                return Atom(self.constants[name])
            case ast.Call(ast.Name("len"), [ast.Name(name)]):
                sort = next(s for s in self.sorts if s.__name__ == name)
                if sort in self.lasts:
                    return Infix("+", Atom(self.lasts[sort]), number(1))
                self.need("FiniteSets")
                return Apply("Cardinality", (Atom(self.sorts[sort]),))
            case ast.Call(ast.Name(name), arguments):
                return self.use(name.capitalize(), braces(*map(self._bound, arguments)))
            case ast.UnaryOp(ast.USub(), operand):
                return Prefix("-", self._bound(operand))
            case ast.BinOp(left, op, right):
                sign = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "\\div"}[type(op)]
                return Infix(sign, self._bound(left), self._bound(right))
        raise AssertionError(ast.dump(node))

    def type_set(self, t: Type) -> Tla | None:
        """The set of a type's values; None if they are infinitely many."""
        found = self._types.get(t)
        if found is None:
            made = self._type_set(t)
            if made is None:
                return None
            name = self.classes.get(t) or self.aliases.get(t)
            if name is not None:
                self.type_definitions[name] = Definition(name, made)
                made = Atom(name)
            found = self._types[t] = made
        return found

    def _type_set(self, t: Type) -> Tla | None:
        match t:
            case BoolType():
                return Atom("BOOLEAN")
            case NoneType():
                return braces(self.none())
            case IntType(low, high):
                if low is None or high is None:
                    return None
                self.need("Integers")
                return Infix("..", self.bound(low), _grouped(self.bound(high)))
            case EnumType(enum):
                return braces(*(string(self.form.member(m)) for m in enum))
            case SortType(sort):
                return Atom(self.sorts[sort])
            case OptionalType(item):
                inner = self.type_set(item)
                return None if inner is None else Infix("\\union", inner, braces(self.none()))
            case RecordType(record):
                return self._record_set(t, record)
            case UnionType(records):
                sets = [s for r in records if (s := self.type_set(r)) is not None]
                return _folded("\\union", sets) if len(sets) == len(records) else None
            case TupleType(items):
                sets = [
                    Wrapped(s) if isinstance(s, Infix) else s
                    for i in items
                    if (s := self.type_set(i)) is not None
                ]
                if len(sets) < len(items):
                    return None
                if len(sets) == 1:
                    return set_of(tuple_of(Atom("x")), (("x",), sets[0]))
                return _folded("\\X", sets)
            case MapType(key, value):
                keys, values = self.type_set(key), self.type_set(value)
                return None if keys is None or values is None else Functions(keys, values)
        return self._collection_set(t)

    def _collection_set(self, t: Type) -> Tla | None:
        item = self.type_set(t.item) if isinstance(t, SetType | SeqType | BagType) else None
        if item is None:
            return None
        match t:
            case SetType(_, None):
                return Prefix("SUBSET", item)
            case SetType(_, size) if size is not None:
                return self.use("BoundedSets", item, self.bound(size))
            case SeqType(_, size) if size is not None:
                return self.use("BoundedSeq", item, self.bound(size))
            case BagType(_, size, copies) if size is not None or copies is not None:
                each = self.bound(copies) if copies is not None else self._most(t, item)
                return self.use("BoundedBags", item, self._most(t, item), each)
        return None

    def _most(self, t: BagType, item: Tla) -> Tla:
        """The greatest number of elements in a bag."""
        if t.size is not None:
            return self.bound(t.size)
        self.need("FiniteSets")
        assert t.copies is not None
        return Infix("*", self.bound(t.copies), Apply("Cardinality", (item,)))

    def _record_set(self, t: RecordType, record: type) -> Tla | None:
        fields: list[tuple[str, Tla]] = []
        if self.form.tagged(record):
            fields.append((self.form.kind, braces(string(record.__name__))))
        for name, field_type in t.fields.items():
            values = self.type_set(field_type)
            if values is None:
                return None
            fields.append((self.form.field(record, name), values))
        return record_of(fields, ":")

    def belongs(self, value: Tla, t: Type, around: Names | None = None) -> list[Tla]:
        """That a value is of a type, bounds included, as conjuncts that TLC decides without listing the type's values."""
        names = around.inner() if around else self.names.operator()
        if isinstance(t, BagType):
            self.need("Bags")
            item = self.type_set(t.item)
            made: list[Tla] = [] if item is None else [Infix("\\subseteq", Apply("BagToSet", (value,)), item)]
            if t.size is not None:
                made.append(Infix("<=", Apply("BagCardinality", (value,)), self.bound(t.size)))
            if t.copies is not None:
                name = names.give("m")
                copies = Infix("<=", Apply("CopiesIn", (Atom(name), value)), self.bound(t.copies))
                made.append(Quantified("\\A", (((name,), Apply("BagToSet", (value,))),), copies))
            return made
        if isinstance(t, MapType) and _has_bag(t.value):
            keys = self.type_set(t.key)
            assert keys is not None
            name = names.give(self.short(t.key))
            inner = self.belongs(Index(value, (Atom(name),)), t.value, names)
            return [
                Infix("=", Prefix("DOMAIN", value), keys),
                Quantified("\\A", (((name,), keys),), all_of(inner)),
            ]
        if isinstance(t, SetType) and t.size is None:
            item = self.type_set(t.item)
            return [] if item is None else [Infix("\\subseteq", value, item)]
        made_set = self.type_set(t)
        return [] if made_set is None else [Infix("\\in", value, made_set)]

    def bounded(self, t: Type) -> bool:
        """Whether a type has bounds that a step may leave."""
        return any(has_bounds(p) or (isinstance(p, SortType) and p.ordered) for p in parts(t))

    # --- orders ---

    def key(self, t: Type, value: Tla) -> Tla:
        """What sorts a value of a type, as a sequence of numbers."""
        match t:
            case IntType():
                return tuple_of(value)
            case SortType() if t.ordered:
                return tuple_of(value)
        return Apply(self.key_operator(t), (value,))

    def key_operator(self, t: Type) -> str:
        """The name of the operator that gives what sorts a value of a type."""
        name = self._key_names.get(t)
        if name is None:
            body = self._key_body(t, Atom("x"))
            name = self._key_names[t] = self.names.give(
                f"KeyOf{''.join(c for c in str(t).title() if c.isalnum())}"
            )
            self.key_definitions[name] = Definition(name, body, ("x",))
        return name

    def sorted(self, elements: Tla, t: Type) -> Tla:
        """The elements of a set in canonical order."""
        return self.use("Sorted", elements, Atom(self.key_operator(t)))

    def _key_body(self, t: Type, x: Tla) -> Tla:
        self.need("Sequences")
        match t:
            case BoolType():
                return tuple_of(If(x, number(1), ZERO))
            case NoneType():
                return tuple_of()
            case EnumType(enum):
                members = tuple_of(*(string(self.form.member(m)) for m in enum))
                return tuple_of(self.use("FirstIn", members, x))
            case SortType(sort) if not t.ordered:
                return tuple_of(self.sort_number(sort, x))
            case OptionalType(item):
                some = Infix("\\o", tuple_of(number(1)), self.key(item, x))
                return If(Infix("=", x, self.none()), tuple_of(ZERO), some)
            case RecordType(record):
                keys = [self.key(ft, Dot(x, self.form.field(record, n))) for n, ft in t.fields.items()]
                return _folded("\\o", keys) if keys else tuple_of()
            case UnionType(records):
                return self._union_key(records, x)
            case TupleType(items):
                return _folded("\\o", [self.key(i, Index(x, (number(n + 1),))) for n, i in enumerate(items)])
            case SetType(item):
                return self._sized_key(self.sorted(x, item), item)
            case BagType(item):
                return self._sized_key(self.use("SortedBag", x, Atom(self.key_operator(item))), item)
            case SeqType(item):
                return self._sized_key(x, item)
            case MapType(key, item):
                order = self.sorted(Prefix("DOMAIN", x), key)
                body = self.key(item, Index(x, (Index(order, (Atom("k"),)),)))
                return self.use("Flattened", function(body, (("k",), Prefix("DOMAIN", order))))
        return tuple_of(x)

    def _union_key(self, records: Sequence[RecordType], x: Tla) -> Tla:
        made: Tla | None = None
        ranked = sorted(records, key=lambda r: r.record.__name__)
        for rank, one in reversed(list(enumerate(ranked))):
            part = Infix("\\o", tuple_of(number(rank)), self.key(one, x))
            test = Infix("=", Dot(x, self.form.kind), string(one.record.__name__))
            made = part if made is None else If(test, part, made)
        assert made is not None
        return made

    def _sized_key(self, sequence: Tla, item: Type) -> Tla:
        body = self.key(item, Index(sequence, (Atom("k"),)))
        items = self.use("Flattened", function(body, (("k",), Prefix("DOMAIN", sequence))))
        return Infix("\\o", tuple_of(Apply("Len", (sequence,))), items)


class Functions(Infix):
    """`[S -> T]`."""

    def __init__(self, keys: Tla, values: Tla) -> None:
        super().__init__("->", keys, values)

    level = 12

    @property
    def flat(self) -> str | None:
        """On one line, if it can be."""
        left, right = self.left.flat, self.right.flat
        return None if left is None or right is None else f"[{left} -> {right}]"

    def broken(self, width: int) -> list[str]:
        """On several lines."""
        left, right = self.left.block(width - 5), self.right.block(width - 5)
        first = ["[" + left[0], *(" " + line for line in left[1:])]
        first[-1] += " ->"
        lines = [*first, *("    " + line for line in right)]
        lines[-1] += "]"
        return lines


def _grouped(part: Tla) -> Tla:
    return Wrapped(part) if isinstance(part, Infix) else part


def _folded(op: str, parts: Sequence[Tla]) -> Tla:
    made = parts[0]
    for part in parts[1:]:
        made = Infix(op, made, part)
    return made


def _has_bag(t: Type) -> bool:
    return isinstance(t, BagType) or (isinstance(t, MapType) and _has_bag(t.value))


def _class_name(t: Type) -> str | None:
    """The class that a type is."""
    if isinstance(t, RecordType):
        return t.record.__name__
    return t.enum.__name__ if isinstance(t, EnumType) else None


def _aliases(model: Model) -> dict[Type, str]:
    """What the model's author calls bounded types and unions: `Term = Annotated[int, Range(...)]`."""
    found: dict[Type, str] = {}
    records = [t.record for t in types_in(model) if isinstance(t, RecordType)]
    for module in dict.fromkeys(c.__module__ for c in (*type(model).__mro__, *records)):
        for name, value in vars(sys.modules.get(module, sys)).items():
            if name.startswith("_") or isinstance(value, type):
                continue
            try:
                t = from_annotation(value)
            except (AnnotationProblem, TypeError):
                continue
            if isinstance(t, IntType | SeqType | UnionType) and (has_bounds(t) or isinstance(t, UnionType)):
                found.setdefault(t, name)
    return found
