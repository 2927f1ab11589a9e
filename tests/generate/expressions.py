"""Generated expressions: well typed, of every form of the language, deep enough to be worth comparing.

`Expressions(choose).expr(scope, kind, depth)` gives the text of an expression of that type over the names of the scope. Integers
stay within the bounds of the type they are for, and partial operations are tested first, except now and then.
"""

from __future__ import annotations

from tests.generate.containers import Containers, Option, wrap_element
from tests.generate.scope import Function, Name, Scope, collection_item, constants, wrap
from tests.generate.types import (
    BOOL,
    INTEGER,
    BagType,
    BoolType,
    DisplayType,
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

EMPTY = ("Set()", "Bag()", "Seq()")


class Expressions(Containers):
    """Writes expressions."""

    def expr(self, scope: Scope, kind: Type, depth: int) -> str:
        """An expression of a type. The scope must be able to express one (`can`)."""
        if depth <= 0:
            return self.leaf(scope, kind)
        options: list[Option] = [(5, lambda: self.leaf(scope, kind)), *self._of_kind(scope, kind, depth)]
        options += [(1, lambda: self._conditional(scope, kind, depth)), *self._general(scope, kind, depth)]
        return self.choose.weighted(options)

    def leaf(self, scope: Scope, kind: Type) -> str:
        """A name, a path or a constant; a record or tuple of such."""
        atoms, known = scope.of(kind), constants(kind)
        if atoms and (not known or self.choose.chance(75)):
            return self.choose.pick(atoms)
        if known and not (
            isinstance(kind, OptionType) and self.choose.chance(40) and self.can(scope, kind.inner)
        ):
            return self.choose.pick(known)
        if isinstance(kind, OptionType):
            return self.leaf(scope, kind.inner) if self.can(scope, kind.inner) else "None"
        if isinstance(kind, RecordType):
            return self._record(scope, kind, 0)
        return self.simplest(scope, kind) or "None"

    # --- any type -----------------------------------------------------------------------------------------------------

    def _conditional(self, scope: Scope, kind: Type, depth: int) -> str:
        tests = self.narrowings(scope)
        if tests and self.choose.chance(50):
            test, true, false = self.choose.pick(tests)
        else:
            test, true, false = self.condition(scope, depth - 1), scope, scope
        if not self.can(false, kind):
            return self.leaf(scope, kind)
        yes, no = self.expr(true, kind, depth - 1), self.expr(false, kind, depth - 1)
        return f"({yes} if {test} else {no})"

    def _general(self, scope: Scope, kind: Type, depth: int) -> list[Option]:
        options: list[Option] = []
        calls = [
            function
            for function in scope.functions
            if fits(function.result, kind) and all(self.can(scope, each) for each in function.parameters)
        ]
        if calls:
            options.append((3, lambda: self._call_one(scope, calls, depth)))
        sequences = [
            atom for atom in scope.atoms() if isinstance(atom.kind, SeqType) and fits(atom.kind.item, kind)
        ]
        if sequences:
            options.append((2, lambda: self._element(scope, self.choose.pick(sequences), kind, depth)))
        maps = [
            atom for atom in scope.atoms() if isinstance(atom.kind, MapType) and fits(atom.kind.value, kind)
        ]
        maps = [atom for atom in maps if isinstance(atom.kind, MapType) and self.can(scope, atom.kind.key)]
        if maps:
            options.append((2, lambda: self._value(scope, self.choose.pick(maps), depth)))
        if isinstance(kind, EnumType | SortType | RecordType | TupleType) and self.can(scope, kind):
            options.append((1, lambda: self._best(scope, kind, depth)))
        return options

    def _call_one(self, scope: Scope, calls: list[Function], depth: int) -> str:
        function = self.choose.pick(calls)
        arguments = [self.expr(scope, kind, depth - 1) for kind in function.parameters]
        if function.method:
            return f"{wrap(arguments[0])}.{function.text}({', '.join(arguments[1:])})"
        return f"{function.text}({', '.join(arguments)})"

    def _element(self, scope: Scope, atom: Name, kind: Type, depth: int) -> str:
        index = self.choose.pick(["0", "-1"])
        if self.choose.chance(30):
            index = self.expr(scope, IntType(0, 1), depth - 1)
        read = f"{atom.text}[{index}]"
        if self.choose.chance(self.careless) or not self.can(scope, kind):
            return read
        test = (
            atom.text
            if index in ("0", "-1") and self.choose.chance(60)
            else f"{wrap(index)} < len({atom.text})"
        )
        return f"({read} if {test} else {self.expr(scope, kind, 0)})"

    def _value(self, scope: Scope, atom: Name, depth: int) -> str:
        assert isinstance(atom.kind, MapType)
        return f"{atom.text}[{self.expr(scope, atom.kind.key, depth - 1)}]"

    def _best(self, scope: Scope, kind: Type, depth: int) -> str:
        source = self._some_of(scope, kind, depth)
        if source is None:
            return self.leaf(scope, kind)
        function = self.choose.pick(["min", "max"])
        key = self._key(scope, kind, depth)
        return f"{function}({source}, key={key}, default={self.expr(scope, kind, 0)})"

    def _key(self, scope: Scope, kind: Type, depth: int) -> str:
        name = self.fresh("z")
        return f"lambda {name}: {self.expr(scope.having(Name(name, kind)), INTEGER, depth - 1)}"

    def _some_of(self, scope: Scope, kind: Type, depth: int) -> str | None:
        """An iterable of a type, as an argument that is followed by others."""
        clause = self.over(scope, kind)
        if clause is None:
            return None
        if self.choose.chance(50):
            return clause.source
        test = (
            f" if {wrap_element(self.condition(clause.scope, depth - 1))}" if self.choose.chance(60) else ""
        )
        return f"({clause.target} {clause}{test})"

    # --- by type ------------------------------------------------------------------------------------------------------

    def _of_kind(self, scope: Scope, kind: Type, depth: int) -> list[Option]:
        match kind:
            case BoolType():
                return [(8, lambda: self.boolean(scope, depth))]
            case IntType():
                return [(6, lambda: self._integer(scope, kind, depth))]
            case SortType():
                return self._ordered(scope, kind, depth) if kind.ordered else []
            case OptionType(inner):
                return self._option(scope, inner, depth)
            case RecordType():
                return [(3, lambda: self._record(scope, kind, depth)), *self._replacing(scope, kind, depth)]
            case UnionType(members):
                ready = [member for member in members if self.can(scope, member)]
                return [(4, lambda: self.expr(scope, self.choose.pick(ready), depth))] if ready else []
            case TupleType(items) if all(self.can(scope, item) for item in items):
                return [(4, lambda: f"({', '.join(self.expr(scope, item, depth - 1) for item in items)})")]
            case SetType():
                return self.set_expr(scope, kind, depth)
            case SeqType():
                return self.seq_expr(scope, kind, depth)
            case BagType():
                return self.bag_expr(scope, kind, depth)
            case MapType():
                return self.map_expr(scope, kind, depth)
            case _:
                return []

    def _option(self, scope: Scope, inner: Type, depth: int) -> list[Option]:
        options: list[Option] = [(1, lambda: "None")]
        if self.can(scope, inner):
            options.insert(0, (4, lambda: self.expr(scope, inner, depth)))
        ordered = isinstance(inner, IntType) or (isinstance(inner, SortType) and inner.ordered)
        if ordered and self.over(scope, inner):
            options.append((2, lambda: f"max({self._some_of(scope, inner, depth)}, default=None)"))
        return options

    def _record(self, scope: Scope, kind: RecordType, depth: int) -> str:
        if not self.can(scope, kind):
            return self.simplest(scope, kind) or "None"
        named = self.choose.chance(25)
        values = [(name, self.expr(scope, each, depth - 1)) for name, each in kind.fields]
        return f"{kind.name}({', '.join(f'{name}={value}' if named else value for name, value in values)})"

    def _replacing(self, scope: Scope, kind: RecordType, depth: int) -> list[Option]:
        known = scope.of(kind)
        fields = [(name, each) for name, each in kind.fields if self.can(scope, each)]
        if not known or not fields:
            return []

        def text() -> str:
            name, each = self.choose.pick(fields)
            return f"replace({self.choose.pick(known)}, {name}={self.expr(scope, each, depth - 1)})"

        return [(2, text)]

    def _ordered(self, scope: Scope, kind: SortType, depth: int) -> list[Option]:
        leaf = self.leaf(scope, kind)

        def next_of() -> str:
            if self.choose.chance(self.careless):
                return f"{leaf} + 1"
            return f"({leaf} if {leaf}.is_last() else {leaf} + 1)"

        def one_before() -> str:
            if self.choose.chance(self.careless):
                return f"{leaf} - 1"
            return f"({leaf} - 1 if {leaf} > first({kind.name}) else {leaf})"

        def extreme() -> str:
            function = self.choose.pick(["max", "min"])
            source = self._some_of(scope, kind, depth)
            if source is None or self.choose.chance(40):
                return f"{function}({leaf}, {self.expr(scope, kind, depth - 1)})"
            return f"{function}({source}, default={leaf})"

        return [(2, next_of), (1, one_before), (2, extreme)]

    # --- integers -----------------------------------------------------------------------------------------------------

    def _integer(self, scope: Scope, kind: IntType, depth: int) -> str:
        if kind == INTEGER:
            return self._any_integer(scope, depth)
        low, high = kind.low, kind.high
        inner = self._any_integer(scope, depth)
        if self.choose.chance(self.careless):
            return inner
        if low == 0 and self.choose.chance(50):
            return f"{wrap(inner)} % {high + 1}"
        return (
            f"min({high}, max({low}, {inner}))"
            if self.choose.chance(50)
            else f"max({low}, min({inner}, {high}))"
        )

    def _any_integer(self, scope: Scope, depth: int) -> str:
        def operand() -> str:
            return wrap(self.expr(scope, INTEGER, depth - 1))

        return self.choose.weighted(
            [
                (
                    4,
                    lambda: (
                        f"{operand()} {self.choose.pick(['+', '-'])} {self.choose.pick(['1', '2', operand()])}"
                    ),
                ),
                (1, lambda: f"{operand()} * {operand()}"),
                (2, lambda: self._division(scope, depth)),
                (1, lambda: f"-{operand()}"),
                (1, lambda: f"abs({self.expr(scope, INTEGER, depth - 1)})"),
                (1, lambda: f"{self.choose.pick(['min', 'max'])}({operand()}, {operand()})"),
                (4, lambda: self._length(scope, depth)),
                (3, lambda: self._sum(scope, depth)),
                (2, lambda: self._extreme(scope, depth)),
                (2, lambda: self._numbered(scope, depth)),
                (5, lambda: self._count(scope, depth)),
            ]
        )

    def _division(self, scope: Scope, depth: int) -> str:
        left, right = wrap(self.expr(scope, INTEGER, depth - 1)), self.choose.pick(["2", "3", "-2"])
        operator = self.choose.pick(["//", "%"])
        if self.choose.chance(30):
            right = wrap(self.expr(scope, INTEGER, depth - 1))
            if right.isdigit() and right != "0":
                return f"{left} {operator} {right}"
            if not self.choose.chance(self.careless):
                return f"({left} {operator} {right} if {right} != 0 else 0)"
        return f"{left} {operator} {wrap(right)}"

    def _length(self, scope: Scope, depth: int) -> str:
        collections = [
            atom for atom in scope.atoms() if collection_item(atom.kind) or isinstance(atom.kind, MapType)
        ]
        if collections and self.choose.chance(60):
            return f"len({self.choose.pick(collections).text})"
        if self.choose.chance(40):
            return f"len({self.choose.pick([*(s.name for s in scope.world.sorts), *(e.name for e in scope.world.enums)])})"
        some = self._some_set(scope, depth)
        return "0" if some in EMPTY else f"len({some})"

    def _some_set(self, scope: Scope, depth: int) -> str:
        sets = [atom.kind for atom in scope.atoms() if isinstance(atom.kind, SetType)]
        if sets and self.choose.chance(60):
            return self.expr(scope, self.choose.pick(sets), depth)
        clauses, inner = self.clauses(scope, depth - 1)
        brackets = self.choose.pick(["{}", "{}", "[]"])
        kinds = [
            atom.kind
            for atom in inner.atoms()
            if isinstance(atom.kind, BoolType | IntType | EnumType | SortType)
        ]
        kind = self.choose.pick(kinds) if kinds else BOOL
        return f"{brackets[0]}{wrap_element(self.expr(inner, kind, depth - 1))} {clauses}{brackets[1]}"

    def _sum(self, scope: Scope, depth: int) -> str:
        clauses, inner = self.clauses(scope, depth - 1)
        if self.choose.chance(50):
            return f"sum({wrap_element(self.expr(inner, INTEGER, depth - 1))} {clauses})"
        return (
            f"sum(1 {clauses})"
            if " if " in clauses
            else f"sum(1 {clauses} if {wrap_element(self.condition(inner, depth - 1))})"
        )

    def _extreme(self, scope: Scope, depth: int) -> str:
        clauses, inner = self.clauses(scope, depth - 1)
        element = wrap_element(self.expr(inner, INTEGER, depth - 1))
        function = self.choose.pick(["min", "max"])
        if self.choose.chance(self.careless):
            return f"{function}({element} {clauses})"
        return f"{function}(({element} {clauses}), default={self.choose.pick(['0', '1'])})"

    def _numbered(self, scope: Scope, depth: int) -> str:
        kinds: list[Type] = [kind for kind in scope.world.sorts if kind.numbered and self.can(scope, kind)]
        if self.choose.chance(15):
            kinds = [BOOL]
        return (
            f"int({self.expr(scope, self.choose.pick(kinds), depth - 1)})"
            if kinds
            else self._length(scope, depth)
        )

    def _count(self, scope: Scope, depth: int) -> str:
        atoms = [atom for atom in scope.atoms() if isinstance(atom.kind, SeqType | BagType)]
        ready = [atom for atom in atoms if (item := collection_item(atom.kind)) and self.can(scope, item)]
        if not ready:
            return self._sum(scope, depth)
        atom = self.choose.pick(ready)
        item = collection_item(atom.kind)
        assert item is not None
        wanted = self.expr(scope, item, depth - 1)
        if isinstance(atom.kind, SeqType) and self.choose.chance(60):
            read = f"{atom.text}.index({wanted})"
            return (
                read
                if self.choose.chance(self.careless)
                else f"({read} if {wrap(wanted)} in {atom.text} else 0)"
            )
        return f"{atom.text}.count({wanted})"

    # --- conditions ---------------------------------------------------------------------------------------------------

    def condition(self, scope: Scope, depth: int) -> str:
        """Something to test: a `boolean`, or a collection that stands for one."""
        collections = [atom.text for atom in scope.atoms() if collection_item(atom.kind)]
        if collections and self.choose.chance(8):
            return self.choose.pick(collections)
        return self.boolean(scope, depth)

    def boolean(self, scope: Scope, depth: int) -> str:
        """An expression of type `bool`."""
        if depth <= 0:
            return self.choose.weighted(
                [(3, lambda: self._comparison(scope, 0)), (1, lambda: self.leaf(scope, BOOL))]
            )
        tests = self.narrowings(scope)
        options: list[Option] = [
            (6, lambda: self._comparison(scope, depth)),
            (4, lambda: self._membership(scope, depth)),
            (3, lambda: self._quantified(scope, depth)),
            (2, lambda: f"not {wrap(self.condition(scope, depth - 1))}"),
            (3, lambda: self._connected(scope, depth)),
            (2, lambda: self._of_sets(scope, depth)),
            (1, lambda: self.leaf(scope, BOOL)),
            (2, lambda: self._none_test(scope)),
        ]
        if tests:
            options.append((5, lambda: self._narrowed(scope, depth)))
        calls = [
            one
            for one in scope.functions
            if one.result == BOOL and all(self.can(scope, p) for p in one.parameters)
        ]
        if calls:
            options.append((2, lambda: self._call_one(scope, calls, depth)))
        return self.choose.weighted(options)

    def _comparison(self, scope: Scope, depth: int) -> str:
        atoms = [atom for atom in scope.atoms() if depth > 0 or not isinstance(atom.kind, MapType | SetType)]
        if not atoms:
            return self.choose.pick(["True", "False"])
        atom = self.choose.pick(atoms)
        kind = atom.kind
        ordered = isinstance(kind, IntType) or (isinstance(kind, SortType) and kind.ordered)
        other = wrap(self.expr(scope, erase(kind) if isinstance(kind, IntType) else kind, depth - 1))
        if other == atom.text:
            others = [text for text in (*constants(kind), *scope.of(kind)) if text != other]
            other = self.choose.pick(others) if others else other
        if isinstance(kind, SortType) and kind.ordered and self.choose.chance(10):
            return f"{atom.text}.is_last()"
        operators = ["==", "!=", "<", "<=", ">", ">="] if ordered else ["==", "!="]
        operator = self.choose.pick(operators)
        if self.choose.chance(12) and other not in EMPTY:
            third = wrap(self.expr(scope, erase(kind) if isinstance(kind, IntType) else kind, depth - 1))
            if third in EMPTY:  # which has no type of its own
                return f"{atom.text} {operator} {other}"
            return f"{third} {self.choose.pick(operators)} {atom.text} {operator} {other}"
        return f"{atom.text} {operator} {other}"

    def _membership(self, scope: Scope, depth: int) -> str:
        operator = self.choose.pick(["in", "in", "not in"])
        ready = [
            atom for atom in scope.atoms() if (item := self._member(atom.kind)) and self.can(scope, item)
        ]
        if ready and self.choose.chance(75):
            atom = self.choose.pick(ready)
            item = self._member(atom.kind)
            assert item is not None
            member = self.expr(scope, item, depth - 1)
            if isinstance(atom.kind, MapType) and isinstance(atom.kind.value, OptionType):
                return f"{atom.text}[{member}] is {'not ' if operator == 'in' else ''}None"
            return f"{wrap(member)} {operator} {atom.text}"
        atoms = [atom for atom in scope.atoms() if not isinstance(atom.kind, MapType | DisplayType)]
        if not atoms:
            return self._comparison(scope, depth)
        atom = self.choose.pick(atoms)
        if isinstance(atom.kind, SortType | EnumType) and self.choose.chance(20):
            return f"{atom.text} {operator} {atom.kind.name}"
        container = self._display(scope, atom.kind, depth, self.choose.pick(["{}", "[]"]), 2)
        return f"{atom.text} {operator} {container}"

    def _member(self, kind: Type) -> Type | None:
        return kind.key if isinstance(kind, MapType) else collection_item(kind)

    def _quantified(self, scope: Scope, depth: int) -> str:
        clauses, inner = self.clauses(scope, depth - 1)
        return f"{self.choose.pick(['all', 'any'])}({wrap_element(self.boolean(inner, depth - 1))} {clauses})"

    def _connected(self, scope: Scope, depth: int) -> str:
        operator = self.choose.pick(["and", "or"])
        operands = [wrap(self.boolean(scope, depth - 1)) for _ in self.choose.several(2, 3, 20)]
        return f" {operator} ".join(operands)

    def _of_sets(self, scope: Scope, depth: int) -> str:
        sets = [atom for atom in scope.atoms() if isinstance(atom.kind, SetType)]
        if not sets:
            return self._comparison(scope, depth)
        atom = self.choose.pick(sets)
        other = self.expr(scope, atom.kind, depth - 1)
        if self.choose.chance(30):
            return f"{atom.text}.isdisjoint({other})"
        return f"{atom.text} {self.choose.pick(['<=', '<', '>=', '>', '=='])} {wrap(other)}"

    def _none_test(self, scope: Scope) -> str:
        options = [atom for atom in scope.atoms() if isinstance(atom.kind, OptionType) and not atom.local]
        unions = [
            (atom.text, atom.kind.members) for atom in scope.atoms() if isinstance(atom.kind, UnionType)
        ]
        if unions and (not options or self.choose.chance(40)):
            text, members = self.choose.pick(unions)
            if len(members) > 2 and self.choose.chance(40):
                return f"isinstance({text}, ({members[0].name}, {members[-1].name}))"
            return f"isinstance({text}, {self.choose.pick(members).name})"
        if not options:
            return self._comparison(scope, 0)
        return f"{self.choose.pick(options).text} {self.choose.pick(['is', 'is not'])} None"

    def _narrowed(self, scope: Scope, depth: int) -> str:
        test, true, _ = self.choose.pick(self.narrowings(scope))
        if self.choose.chance(60):
            return f"{test} and {wrap(self.boolean(true, depth - 1))}"
        opposite = test.replace("is not None", "is None") if "is not None" in test else f"not {test}"
        return f"{opposite} or {wrap(self.boolean(true, depth - 1))}"

    def narrowings(self, scope: Scope) -> list[tuple[str, Scope, Scope]]:
        """Tests that narrow a local name, each with the scope where it is true and the one where it is false."""
        found: list[tuple[str, Scope, Scope]] = []
        for name in scope.names:
            if not name.local:
                continue
            if isinstance(name.kind, OptionType):
                found.append(
                    (f"{name.text} is not None", scope.having(Name(name.text, name.kind.inner)), scope)
                )
                inner = name.kind.inner
                members = (
                    inner.members
                    if isinstance(inner, UnionType)
                    else (inner,)
                    if isinstance(inner, RecordType)
                    else ()
                )
                found += [
                    (f"isinstance({name.text}, {one.name})", scope.having(Name(name.text, one)), scope)
                    for one in members
                ]
            elif isinstance(name.kind, UnionType):
                found += [self._instance_test(scope, name, name.kind, member) for member in name.kind.members]
        return found

    def _instance_test(
        self, scope: Scope, name: Name, kind: UnionType, member: RecordType
    ) -> tuple[str, Scope, Scope]:
        rest = tuple(other for other in kind.members if other != member)
        left: Type = rest[0] if len(rest) == 1 else UnionType(rest)
        true, false = scope.having(Name(name.text, member)), scope.having(Name(name.text, left))
        return f"isinstance({name.text}, {member.name})", true, false
