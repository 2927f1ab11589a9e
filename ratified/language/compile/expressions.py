"""Expressions: operators, comparisons, attributes, subscripts, displays, comprehensions; narrowing of optionals and unions.

Guarantees: an accepted expression means in the intermediate form what CPython computes from the same source.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from enum import Enum
from typing import TypeVar

from ratified.language import ir
from ratified.language.compile.context import MISSING, Context, Facts
from ratified.language.errors import Span
from ratified.language.ir import Clause, Expr, Which
from ratified.language.sorts import Sort
from ratified.language.types import (
    BOOL,
    INT,
    NONE,
    AnnotationProblem,
    BagType,
    BoolType,
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
    fits,
    has_bounds,
    join,
    records_of,
    unbounded,
)

T = TypeVar("T")

_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.FloorDiv: "//",
    ast.Mod: "%",
}
_SET_OPERATORS: dict[type[ast.operator], str] = {
    ast.BitOr: "|",
    ast.BitAnd: "&",
    ast.Sub: "-",
    ast.BitXor: "^",
}
_INSTEAD = {
    ast.Lambda: "write a helper method, or a comprehension",
    ast.JoinedStr: "models have no strings: use an Enum",
    ast.Await: "a model runs in one piece: leave out await",
    ast.Yield: "use a comprehension, or choose with an action's parameter",
    ast.NamedExpr: "give the value a name on a line of its own",
    ast.Starred: "write the elements out, or use | or + on containers",
    ast.Dict: "write Map({key: value, ...}) where a Map is meant",
    ast.DictComp: "write Map({key: value for ...}) where a Map is meant",
    ast.GeneratorExp: "give it to all, any, sum, min, max, len, Set or Seq",
}

_CALLED: dict[type[ast.expr], str] = {
    ast.JoinedStr: "an f-string",
    ast.NamedExpr: "an assignment expression (:=)",
    ast.GeneratorExp: "a generator by itself",
    ast.DictComp: "a dict by itself",
    ast.Dict: "a dict by itself",
}

Condition = tuple[Expr, Facts, Facts]
"""A compiled condition, what is known where it is true, and what is known where it is false."""


def element_type(t: Type) -> Type | None:
    """What iterating over a value of a type yields; None if it cannot be iterated."""
    match t:
        case SetType(item) | BagType(item) | SeqType(item):
            return item
        case MapType(key, _):
            return key
    return None


def comparable(t: Type) -> bool:
    """Whether values of a type have an order that `<`, min and max may use."""
    match t:
        case IntType() | BoolType():
            return True
        case SortType():
            return t.ordered
        case TupleType(items):
            return all(map(comparable, items))
    return False


class Expressions(Context):
    """Compiles expressions. `call` is added by the subclass that knows the functions."""

    def call(self, node: ast.Call, expected: Type | None) -> Expr:
        """A call."""
        raise NotImplementedError

    # --- the ways in ---

    def expr(self, node: ast.expr, expected: Type | None = None) -> Expr:
        """An expression; `expected` helps to type what has no type of its own, such as `Set()`."""
        found = self._expr(node, expected)
        key = self.fact_key(node)
        known = self.env.facts.get(key) if key else None
        if known is not None and unbounded(known) != unbounded(found.type):
            return ir.Narrow(found.span, known, found)
        return found

    def value(self, node: ast.expr, into: Type) -> Expr:
        """An expression as a value of a given type."""
        made = self.coerce(self.expr(node, into), into, node)
        self.held(node, made.type)
        return made

    def kept(self, node: ast.expr, expected: Type | None = None) -> Expr:
        """An expression whose value becomes part of another, is passed or returned: no plain Python container."""
        made = self.expr(node, expected)
        self.held(node, made.type)
        return made

    def test(self, node: ast.expr) -> Condition:
        """A condition, with what it tells."""
        match node:
            case ast.BoolOp(op, values):
                return self._logic(node, isinstance(op, ast.And), values)
            case ast.UnaryOp(ast.Not(), operand):
                inner, true, false = self.test(operand)
                return ir.Not(self.span(node), BOOL, inner), false, true
            case ast.Compare(left, [ast.Is() | ast.IsNot() as op], [ast.Constant(None)]):
                return self._is_none(node, left, isinstance(op, ast.Is))
            case ast.Compare(left, [ast.Eq() | ast.NotEq() as op], [ast.Constant(None)]):
                return self._is_none(node, left, isinstance(op, ast.Eq))
            case ast.Call(ast.Name("isinstance"), [subject, classes]):
                return self._isinstance(node, subject, classes)
        found = self.expr(node)
        match found.type:
            case BoolType():
                return found, {}, {}
            case SetType() | SeqType() | BagType():
                zero = ir.Literal(found.span, INT, 0)
                return ir.Compare(found.span, BOOL, ">", ir.Length(found.span, INT, found), zero), {}, {}
            case OptionalType() | NoneType():
                self.fail(
                    node, f"a condition must be a bool, and this is {found.type}", "write `is not None`"
                )
        self.fail(node, f"a condition must be a bool, and this is {found.type}", "compare it with something")

    # --- conditions ---

    def _logic(self, node: ast.BoolOp, conjunction: bool, values: list[ast.expr]) -> Condition:
        operands: list[Expr] = []
        trues: list[Facts] = []
        falses: list[Facts] = []
        collected: Facts = {}
        for value in values:
            with self.scoped(collected):
                operand, true, false = self.test(value)
            operands.append(operand)
            trues.append(true)
            falses.append(false)
            collected.update(true if conjunction else false)
        if conjunction:
            return ir.And(self.span(node), BOOL, tuple(operands)), collected, self._either(node, falses)
        return ir.Or(self.span(node), BOOL, tuple(operands)), self._either(node, trues), collected

    def _either(self, node: ast.expr, several: list[Facts]) -> Facts:
        """What is known when one of several is: only what all of them speak of."""
        common = set(several[0]).intersection(*several[1:])
        return {key: self.join(node, *(facts[key] for facts in several)) for key in sorted(common)}

    def _is_none(self, node: ast.expr, left: ast.expr, positive: bool) -> Condition:
        operand = self.expr(left)
        test: Expr
        if isinstance(operand.type, OptionalType):
            test = ir.IsNone(self.span(node), BOOL, operand)
        else:  # decided by the types: the author may still ask
            test = ir.Literal(self.span(node), BOOL, isinstance(operand.type, NoneType))
        key = self.fact_key(left)
        none: Facts = {key: NONE} if key and isinstance(operand.type, OptionalType) else {}
        some: Facts = {key: operand.type.item} if key and isinstance(operand.type, OptionalType) else {}
        if positive:
            return test, none, some
        return ir.Not(self.span(node), BOOL, test), some, none

    def _isinstance(self, node: ast.expr, subject: ast.expr, classes: ast.expr) -> Condition:
        operand = self.expr(subject)
        wanted = self.record_classes(classes)
        possible = records_of(operand.type)
        if not possible:
            self.fail(
                subject,
                f"isinstance asks for the kind of a record, and this is {operand.type}",
                "compare it with ==",
            )
        for record in wanted:
            if record not in possible:
                self.fail(
                    classes, f"this is never a {record}: it is {operand.type}", "ask for one of those records"
                )
        test = ir.IsRecord(self.span(node), BOOL, operand, wanted)
        key = self.fact_key(subject)
        if key is None:
            return test, {}, {}
        rest: list[Type] = [r for r in possible if r not in wanted]
        if isinstance(operand.type, OptionalType):
            rest.append(NONE)
        true: Facts = {key: self.join(node, *wanted)}
        return test, true, {key: self.join(node, *rest)} if rest else {}

    def record_classes(self, node: ast.expr) -> tuple[RecordType, ...]:
        """The record classes that the second argument of isinstance names."""
        match node:
            case ast.Tuple(items):
                return tuple(r for item in items for r in self.record_classes(item))
            case ast.BinOp(left, ast.BitOr(), right):
                return self.record_classes(left) + self.record_classes(right)
        found = self.static(node)
        if hasattr(found, "__record_types__") and isinstance(found, type):
            return (RecordType(found),)
        known = self.typed(found, node) if found is not MISSING else NONE
        if not (several := records_of(known)):
            self.fail(node, f"{ast.unparse(node)} is not a record class", "isinstance is for records")
        return several

    # --- the forms ---

    def _expr(self, node: ast.expr, expected: Type | None) -> Expr:
        span = self.span(node)
        match node:
            case ast.Constant(value):
                return self.constant(value, node)
            case ast.Name(name):
                return self._name(node, name, expected)
            case ast.Attribute(value, attribute):
                return self._attribute(node, value, attribute, expected)
            case ast.BoolOp() | ast.Compare() | ast.UnaryOp(ast.Not(), _):
                return self._condition(node)
            case ast.UnaryOp(ast.USub(), operand):
                inner = self.number(operand)
                if isinstance(inner, ir.Literal):
                    return ir.Literal(span, INT, -inner.value)  # type: ignore[operator]  # an int literal
                return ir.Negative(span, INT, inner)
            case ast.BinOp(left, op, right):
                return self._binary(node, left, op, right, expected)
            case ast.IfExp(test, body, orelse):
                return self._if_else(node, test, body, orelse, expected)
            case ast.Call():
                return self.call(node, expected)
            case ast.Subscript(value, index):
                return self._subscript(node, value, index)
            case ast.Tuple(items) if items:
                wanted = (
                    expected.items
                    if isinstance(expected, TupleType) and len(expected.items) == len(items)
                    else None
                )
                parts = [self.kept(e, wanted[i] if wanted else None) for i, e in enumerate(items)]
                if wanted and all(fits(p.type, w) for p, w in zip(parts, wanted, strict=True)):
                    parts = [self.coerce(p, w, e) for p, w, e in zip(parts, wanted, items, strict=True)]
                return ir.MakeTuple(span, TupleType(tuple(p.type for p in parts)), tuple(parts))
            case ast.Set(items):
                item, made = self.elements(node, items, expected)
                return ir.MakeSet(span, SetType(item), made)
            case ast.List(items):
                item, made = self.elements(node, items, expected)
                return ir.MakeSeq(span, SeqType(item), made)
            case ast.SetComp(element, generators):
                return self.collect(node, "set", element, generators, expected)
            case ast.ListComp(element, generators):
                return self.collect(node, "seq", element, generators, expected)
        what = _CALLED.get(type(node), type(node).__name__.lower())
        self.fail(
            node,
            f"{what} is not part of the modelling language",
            _INSTEAD.get(type(node), "see docs/language.md"),
        )

    def _condition(self, node: ast.expr) -> Expr:
        match node:
            case ast.Compare(left, ops, comparators) if not (
                isinstance(ops[0], ast.Is | ast.IsNot | ast.Eq | ast.NotEq)
                and len(ops) == 1
                and isinstance(comparators[0], ast.Constant)
                and comparators[0].value is None
            ):
                return self._comparison(node, left, ops, comparators)
        return self.test(node)[0]

    def _name(self, node: ast.Name, name: str, expected: Type | None) -> Expr:
        if name in self.env.aliases:
            return self.env.aliases[name]
        if name in self.env.types:
            if name not in self.env.assigned:
                self.fail(
                    node, f"`{name}` may have no value here", "give it one on every way that leads here"
                )
            return ir.Local(self.span(node), self.env.types[name], name)
        if name in self.receivers:
            self.fail(
                node, f"`{name}` is the whole state, not a value", f"name one of its variables: {name}.x"
            )
        value = self.static_name(name)
        if value is MISSING:
            self.fail(
                node, f"unknown name `{name}`", "define or import it above the model, or assign it first"
            )
        if isinstance(value, type) and (universe := self.universe(node, value)):
            return universe
        if callable(value) and not hasattr(type(value), "__record_types__"):
            self.fail(node, f"`{name}` is a function or class, not a value", f"call it: {name}(...)")
        return self.constant(value, node, expected)

    def universe(self, node: ast.expr, value: type) -> Expr | None:
        """A sort or Enum class as the set of its values."""
        if "__record_types__" in vars(value) or not issubclass(value, Sort | Enum):
            return None
        return ir.Universe(self.span(node), SetType(self.typed(value, node)))

    def _attribute(self, node: ast.Attribute, value: ast.expr, attribute: str, expected: Type | None) -> Expr:
        span = self.span(node)
        if isinstance(value, ast.Name) and value.id in self.receivers:
            return self._member(node, self.receivers[value.id], attribute)
        static = self.static(node)
        if static is not MISSING:
            if isinstance(static, type) and (universe := self.universe(node, static)):
                return universe
            return self.constant(static, node, expected)
        operand = self.expr(value)
        records = records_of(operand.type)
        if isinstance(operand.type, OptionalType):
            self.fail(
                value,
                f"this may be None, and None has no `{attribute}`",
                "test it for None first (give it a local name)",
            )
        if not records:
            if isinstance(self.static(value), type):
                self.fail(node, f"{ast.unparse(value)} has no `{attribute}`", "look at its definition")
            self.fail(node, f"{operand.type} has no field `{attribute}`", "only records have fields")
        without = [r for r in records if attribute not in r.fields]
        if len(without) == len(records):
            has = "; ".join(f"{r} has {', '.join(r.fields) or 'none'}" for r in records)
            self.fail(node, f"{operand.type} has no field `{attribute}`", f"the fields: {has}")
        if without:
            remedy = f"tell the records apart first: isinstance(x, {without[0]})"
            self.fail(node, f"{without[0]} has no field `{attribute}`", remedy)
        return ir.Field(span, self.join(node, *(r.fields[attribute] for r in records)), operand, attribute)

    def _member(self, node: ast.Attribute, which: Which, name: str) -> Expr:
        module = self.module.abstract_of(self) if which is Which.ABSTRACT else self.module
        if which is Which.ABSTRACT:
            self.fail(
                node,
                "the abstract model's variables can only be assigned here",
                "compute from the variables of self",
            )
        if name in module.variables:
            if self.kind is ir.Kind.ASSUMPTION:
                self.fail(
                    node,
                    f"an assumption is about sizes and parameters, not the variable `{name}`",
                    "write an invariant",
                )
            return ir.Variable(self.span(node), module.variables[name].type, name, which)
        if name in module.parameters:
            return ir.Parameter(self.span(node), module.parameters[name].type, name)
        if name in module.methods:
            self.fail(node, f"`{name}` is a method", f"call it: {ast.unparse(node)}(...)")
        known = ", ".join([*module.variables, *module.parameters]) or "none yet"
        self.fail(node, f"the model has no variable `{name}`", f"its variables: {known}")

    # --- operators ---

    def number(self, node: ast.expr) -> Expr:
        """An expression that must be an int."""
        found = self.expr(node)
        if not isinstance(found.type, IntType):
            remedy = (
                "int(...) makes a number of it"
                if isinstance(found.type, SortType | BoolType)
                else "use an int"
            )
            if isinstance(found.type, OptionalType):
                remedy = "test it for None first (give it a local name)"
            self.fail(node, f"a number is needed, and this is {found.type}", remedy)
        return found

    def _binary(
        self, node: ast.BinOp, left: ast.expr, op: ast.operator, right: ast.expr, expected: Type | None
    ) -> Expr:
        span = self.span(node)
        first = self.expr(left, expected)
        match first.type:
            case IntType() if type(op) in _ARITHMETIC:
                return ir.Arithmetic(span, INT, _ARITHMETIC[type(op)], first, self.number(right))
            case SortType() if first.type.ordered and isinstance(op, ast.Add | ast.Sub):
                steps = self.number(right)
                if isinstance(op, ast.Sub):
                    steps = ir.Negative(steps.span, INT, steps)
                return ir.Shift(span, first.type, first, steps)
            case SetType() if type(op) in _SET_OPERATORS:
                first, second, t = self.same(
                    node, first, self.expr(right, expected or first.type), left, right
                )
                if not isinstance(t, SetType):
                    self.fail(
                        right, f"a set is needed, and this is {second.type}", "Set(...) makes a set of it"
                    )
                return ir.SetOp(span, t, _SET_OPERATORS[type(op)], first, second)
            case SeqType() | BagType() if isinstance(op, ast.Add):
                first, second, t = self.same(
                    node, first, self.expr(right, expected or first.type), left, right
                )
                return ir.Concat(span, t, first, second)
            case MapType() if isinstance(op, ast.BitOr):
                return self._overridden(node, first, right)
        symbol = _ARITHMETIC.get(type(op)) or _SET_OPERATORS.get(type(op)) or type(op).__name__
        remedy = "int: + - * // %; ordered sorts: + and - with an int; sets: | & - ^; Seq and Bag: +"
        if isinstance(first.type, OptionalType):
            remedy = "it may be None: test that first (give it a local name)"
        self.fail(node, f"{first.type} has no operator {symbol}", remedy)

    def _overridden(self, node: ast.BinOp, base: Expr, right: ast.expr) -> Expr:
        assert isinstance(base.type, MapType)
        if not isinstance(right, ast.Dict) or None in right.keys:
            self.fail(
                right, "a Map is overridden with a display of keys and values", "write m | {key: value, ...}"
            )
        for key, value in zip(right.keys, right.values, strict=True):
            assert key is not None
            k, v = self.value(key, base.type.key), self.value(value, base.type.value)
            base = ir.With(self.span(node), unbounded(base.type), base, k, v)
        return base

    def same(
        self, node: ast.AST, first: Expr, second: Expr, left: ast.expr, right: ast.expr
    ) -> tuple[Expr, Expr, Type]:
        """Two expressions brought to their common type."""
        try:
            t = unbounded(join(first.type, second.type))
        except AnnotationProblem:
            self.fail(
                node, f"{first.type} and {second.type} are different types", "use two values of one type"
            )
        return self.coerce(first, t, left), self.coerce(second, t, right), t

    def _comparison(
        self, node: ast.expr, left: ast.expr, ops: list[ast.cmpop], rights: list[ast.expr]
    ) -> Expr:
        pairs = zip([left, *rights], ops, rights, strict=False)
        tests = [self._one_comparison(node, a, op, b) for a, op, b in pairs]
        return tests[0] if len(tests) == 1 else ir.And(self.span(node), BOOL, tuple(tests))

    def _one_comparison(self, node: ast.expr, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Expr:
        span = self.span(node)
        match op:
            case ast.In() | ast.NotIn():
                test = self._membership(node, left, right)
                return ir.Not(span, BOOL, test) if isinstance(op, ast.NotIn) else test
            case ast.Is() | ast.IsNot():
                enum = isinstance(self.expr(left).type, EnumType)
                if not enum:
                    self.fail(node, "`is` is for None and enum members", "compare values with ==")
                symbol = "==" if isinstance(op, ast.Is) else "!="
            case _:
                symbol = _COMPARE[type(op)]
        first = self.expr(left)
        second = self.expr(right, first.type)
        if isinstance(first, ir.Literal) and not isinstance(second, ir.Literal):
            first = self.expr(left, second.type)
        first, second, t = self.same(node, first, second, left, right)
        if symbol not in ("==", "!=") and not (comparable(t) or isinstance(t, SetType)):
            remedy = "only ints, ordered sorts, tuples of these, and sets (inclusion) have an order"
            if isinstance(t, OptionalType):
                remedy = "it may be None: test that first (give it a local name)"
            self.fail(node, f"{t} values have no order", remedy)
        return ir.Compare(span, BOOL, symbol, first, second)

    def _membership(self, node: ast.expr, left: ast.expr, right: ast.expr) -> Expr:
        container = self._choices(right) or self.expr(right)
        item = element_type(container.type)
        if item is None:
            self.fail(right, f"`in` needs a container, and this is {container.type}", "use ==, or a Set")
        found = self.expr(left, item)
        if fits(found.type, item):
            return ir.In(self.span(node), BOOL, self.coerce(found, item, left), container)
        wide = self.join(node, found.type, item)  # refused if the two can never be equal
        if isinstance(container.type, MapType):
            self.fail(
                left, f"the keys of this map are of type {item}, not {found.type}", "use a value of that type"
            )
        kind = type(container.type)
        widened = ir.Widen(container.span, kind(wide), container)  # type: ignore[call-arg]  # all take their item first
        return ir.In(self.span(node), BOOL, self.coerce(found, wide, left), widened)

    def _choices(self, node: ast.expr) -> Expr | None:
        """`(A, B)` after `in`: as a sequence of choices."""
        if isinstance(node, ast.Tuple) and node.elts:
            item, made = self.elements(node, node.elts, None)
            return ir.MakeSeq(self.span(node), SeqType(item), made)
        return None

    def _if_else(
        self, node: ast.IfExp, test: ast.expr, body: ast.expr, orelse: ast.expr, expected: Type | None
    ) -> Expr:
        condition, true, false = self.test(test)
        with self.scoped(true):
            then = self.expr(body, expected)
        with self.scoped(false):
            other = self.expr(orelse, expected or then.type)
        then, other, t = self.same(node, then, other, body, orelse)
        return ir.IfElse(self.span(node), t, condition, then, other)

    def _subscript(self, node: ast.Subscript, value: ast.expr, index: ast.expr) -> Expr:
        span = self.span(node)
        container = self.expr(value)
        match container.type, index:
            case SeqType(), ast.Slice(lower, upper, None):
                low, high = (None if bound is None else self.number(bound) for bound in (lower, upper))
                return ir.Slice(span, container.type, container, low, high)
            case SeqType(item), _ if not isinstance(index, ast.Slice):
                return ir.At(span, item, container, self.number(index))
            case MapType(key, item), _ if not isinstance(index, ast.Slice):
                return ir.At(span, item, container, self.value(index, key))
            case TupleType(items), ast.Constant(int(number)) if -len(items) <= number < len(items):
                return ir.Item(span, items[number], container, number % len(items))
            case OptionalType(), _:
                self.fail(value, "this may be None", "test it for None first (give it a local name)")
            case TupleType(), _:
                self.fail(
                    index, "a tuple is indexed by a number that is written out", "unpack it: a, b = pair"
                )
        self.fail(
            node,
            f"{container.type} cannot be indexed this way",
            "Map: m[key]; Seq: s[i], s[i:j]; tuple: t[0]",
        )

    # --- displays and comprehensions ---

    def elements(
        self, node: ast.expr, items: list[ast.expr], expected: Type | None
    ) -> tuple[Type, tuple[Expr, ...]]:
        """The elements of a display, of one type: the expected one if they fit it."""
        wanted = element_type(expected) if expected is not None else None
        if not items:
            if wanted is None:
                self.fail(
                    node,
                    "an empty container has no type here",
                    "annotate the name, or use it where its type is known",
                )
            return unbounded(wanted), ()
        made = [self.kept(item, wanted) for item in items]
        if wanted is not None and all(fits(m.type, wanted) for m in made):
            t = unbounded(wanted)
        else:
            t = unbounded(self.join(node, *(m.type for m in made)))
        return t, tuple(self.coerce(m, t, n) for m, n in zip(made, items, strict=True))

    def collect(
        self,
        node: ast.expr,
        kind: str,
        element: ast.expr,
        generators: list[ast.comprehension],
        expected: Type | None,
    ) -> Expr:
        """A comprehension that makes a set, sequence or bag, or computes all, any or a sum."""

        def finish() -> tuple[Expr, Type]:
            if kind in ("all", "any"):
                return self.test(element)[0], BOOL
            if kind == "sum":
                return self.summand(element), INT
            wanted = element_type(expected) if expected is not None else None
            made = self.kept(element, wanted)
            item = unbounded(wanted if wanted is not None and fits(made.type, wanted) else made.type)
            made = self.coerce(made, item, element)
            return made, {"set": SetType, "seq": SeqType, "bag": BagType}[kind](item)

        if kind == "seq":
            self.in_order([g.iter for g in generators])
        clauses, (made, t) = self.clauses(generators, finish)
        return ir.Collect(self.span(node), t, kind, made, clauses)

    def in_order(self, domains: list[ast.expr]) -> None:
        """Refuse a plain set where the order of its elements can be seen."""
        for domain in domains:
            if self.python_kind(domain) == "set":
                self.fail(
                    domain,
                    "the elements of a Python set have no order",
                    "write Set(...): its elements come in canonical order",
                )

    def summand(self, node: ast.expr) -> Expr:
        """An element of a sum: an int, or a bool that counts as 0 or 1."""
        found = self.expr(node)
        if isinstance(found.type, BoolType):
            return ir.Number(found.span, INT, found)
        if not isinstance(found.type, IntType):
            self.fail(node, f"a sum is of ints, and this is {found.type}", "sum(1 for ...) counts")
        return found

    def clauses(
        self, generators: list[ast.comprehension], finish: Callable[[], T]
    ) -> tuple[tuple[Clause, ...], T]:
        """The `for ... if ...` parts of a comprehension; `finish` compiles its element where their names are known."""
        with self.scoped() as env:
            made: list[Clause] = []
            for generator in generators:
                if generator.is_async:
                    self.fail(generator.target, "async is not part of the modelling language", "leave it out")
                domain = self.domain(generator.iter)
                names = self.bind(generator.target, self.item_of(domain, generator.iter))
                conditions: list[Expr] = []
                for condition in generator.ifs:
                    test, true, _ = self.test(condition)
                    conditions.append(test)
                    env.facts.update(true)
                made.append(Clause(names, domain, tuple(conditions)))
            return tuple(made), finish()

    def domain(self, node: ast.expr) -> Expr:
        """What a loop or comprehension runs over."""
        found = self._choices(node) or self.expr(node)
        self.item_of(found, node)
        return found

    def item_of(self, container: Expr, node: ast.expr) -> Type:
        """The type of the elements of a container, or a refusal."""
        item = element_type(container.type)
        if item is None:
            self.fail(
                node, f"{container.type} cannot be iterated over", "use a sort, range(...), or a container"
            )
        return item

    def bind(self, target: ast.expr, item: Type) -> tuple[str, ...]:
        """Give a loop's names their types, in the environment in force."""
        match target:
            case ast.Name(name):
                names, types = [name], [item]
            case ast.Tuple(targets) if all(isinstance(t, ast.Name) for t in targets):
                names = [t.id for t in targets if isinstance(t, ast.Name)]
                if not isinstance(item, TupleType) or len(item.items) != len(names):
                    self.fail(
                        target,
                        f"{item} does not unpack into {len(names)} names",
                        "use as many names as the tuple has parts",
                    )
                types = list(item.items)
            case _:
                self.fail(target, "a loop's target is a name or a tuple of names", "unpack the rest inside")
        for name, t in zip(names, types, strict=True):
            if name in self.receivers:
                self.fail(target, f"`{name}` is the model itself", "choose another name")
            self.forget({name})
            self.env.aliases.pop(name, None)
            self.env.types[name] = t
            self.env.assigned.add(name)
        return tuple(names)


def literal_true(span: Span) -> Expr:
    """The constant True."""
    return ir.Literal(span, BOOL, True)


def fit(value: Expr, into: Type, name: str, at: Span | None = None) -> Expr:
    """A value about to be stored as a given type, at a place: with a check, where the type has bounds that it may leave."""
    value = value if unbounded(value.type) == unbounded(into) else ir.Widen(value.span, into, value)
    return ir.Fit(at or value.span, into, value, name) if has_bounds(into) else value
