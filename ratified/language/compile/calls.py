"""Calls in expressions: the built-in functions the language has, constructors, methods of values, and helpers.

Guarantees: a function that is not known here or defined by the model is refused by name.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Hashable
from types import FunctionType

from ratified.language import api, ir, records, sorts
from ratified.language.compile.context import MISSING
from ratified.language.compile.expressions import Expressions, comparable, element_type, fit
from ratified.language.ir import Clause, Expr, Which
from ratified.language.sorts import Sort
from ratified.language.types import (
    BOOL,
    INT,
    BagType,
    BoolType,
    IntType,
    MapType,
    OptionalType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    TupleType,
    Type,
    fits,
    records_of,
    unbounded,
)
from ratified.language.values import Bag, Map, Seq, Set

_ITEM = "item_"  # the name of an element where the source gives it none

Handler = Callable[["Calls", ast.Call], Expr]


class Calls(Expressions):
    """Compiles calls."""

    def call(self, node: ast.Call, expected: Type | None) -> Expr:
        """A call, by what is called."""
        for keyword in node.keywords:
            if keyword.arg is None:
                self.fail(
                    keyword.value, "** is not part of the modelling language", "write the arguments out"
                )
        function = self.static(node.func)
        if function is not MISSING:
            return self._static_call(node, function, expected)
        match node.func:
            case ast.Attribute(ast.Name(name), method) if name in self.receivers:
                return self._helper(node, self.receivers[name], method)
            case ast.Attribute(ast.Call(ast.Name("super"), []), method):
                return self._pure_call(node, self.module.super_function(self, node, method), Which.NOW)
            case ast.Attribute(value, method):
                return self._method(node, value, method)
            case ast.Name(name):
                self.fail(node.func, f"unknown name `{name}`", "define or import it above the model")
        self.fail(node.func, "only named functions and methods can be called", "give the function a name")

    def _static_call(self, node: ast.Call, function: object, expected: Type | None) -> Expr:
        if not isinstance(function, Hashable):
            self.fail(
                node.func,
                f"`{ast.unparse(node.func)}` is a value, and cannot be called",
                "name a function or method",
            )
        if isinstance(function, type):
            if "__record_types__" in vars(function):
                return self._make_record(node, RecordType(function))
            if issubclass(function, Sort):
                return self._numbered(node, function)
        if function in _CONTAINERS:
            return self.container(node, _CONTAINERS[function], expected)
        if function is Map:
            return self.make_map(node, expected)
        if function in _HANDLERS:
            return _HANDLERS[function](self, node)
        if function is api.require:
            self.fail(node, "require is a statement, not a value", "put it on a line of its own")
        if isinstance(function, FunctionType) and function.__module__ != "builtins":
            return self._pure_call(node, self.module.plain_function(self, node, function), Which.NOW)
        name = ast.unparse(node.func)
        remedy = (
            "models see no outside world: leave it out"
            if name in ("print", "open", "input")
            else "write it as a helper method or typed function"
        )
        self.fail(node.func, f"`{name}` is not part of the modelling language", remedy)

    # --- arguments ---

    def plain(self, node: ast.Call, least: int, most: int, keywords: tuple[str, ...] = ()) -> list[ast.expr]:
        """The positional arguments of a built-in, as many as it takes."""
        name = ast.unparse(node.func)
        for keyword in node.keywords:
            if keyword.arg not in keywords:
                self.fail(
                    keyword.value,
                    f"{name} takes no argument `{keyword.arg}` here",
                    f"it knows: {', '.join(keywords) or 'none by name'}",
                )
        if not least <= len(node.args) <= most:
            takes = str(least) if least == most else f"{least} to {most}"
            self.fail(
                node,
                f"{name} takes {takes} argument{'' if takes == '1' else 's'} here, not {len(node.args)}",
                "see docs/language.md",
            )
        return node.args

    def keyword(self, node: ast.Call, name: str) -> ast.expr | None:
        """A keyword argument, if it is given."""
        return next((k.value for k in node.keywords if k.arg == name), None)

    def arguments(
        self, node: ast.Call, name: str, signature: list[tuple[str, Type]], defaults: dict[str, object]
    ) -> list[Expr]:
        """The arguments of a call brought into the order and types of a signature."""
        if len(node.args) > len(signature):
            self.fail(
                node,
                f"{name} takes {len(signature)} argument{'' if len(signature) == 1 else 's'}, not {len(node.args)}",
                f"its parameters: {_listed(signature)}",
            )
        given: dict[str, ast.expr] = {n: a for (n, _), a in zip(signature, node.args, strict=False)}
        for keyword in node.keywords:
            assert keyword.arg is not None
            if keyword.arg not in dict(signature) or keyword.arg in given:
                self.fail(
                    keyword.value,
                    f"{name} has no parameter `{keyword.arg}` to give here",
                    f"its parameters: {_listed(signature)}",
                )
            given[keyword.arg] = keyword.value
        made: list[Expr] = []
        for parameter, t in signature:
            if parameter in given:
                made.append(self.value(given[parameter], t))
            elif parameter in defaults:
                made.append(self.coerce(self.constant(defaults[parameter], node, t), t, node))
            else:
                self.fail(
                    node,
                    f"{name} needs an argument for `{parameter}`",
                    f"its parameters: {_listed(signature)}",
                )
        return made

    # --- constructors ---

    def _make_record(self, node: ast.Call, t: RecordType) -> Expr:
        fields = dataclasses.fields(t.record)
        defaults = {f.name: f.default for f in fields if f.default is not dataclasses.MISSING}
        made = self.arguments(node, str(t), list(t.fields.items()), defaults)
        at = self.span(node)
        fitted = (fit(m, f, f"{t}.{name}", at) for m, (name, f) in zip(made, t.fields.items(), strict=True))
        return ir.MakeRecord(at, t, tuple(fitted))

    def _numbered(self, node: ast.Call, sort: type[Sort]) -> Expr:
        t = self.typed(sort, node)
        assert isinstance(t, SortType)
        if t.symmetric:
            self.fail(
                node,
                f"the values of {sort.__name__} are interchangeable and have no numbers",
                "use a parameter or a loop",
            )
        (index,) = self.plain(node, 1, 1)
        return ir.Numbered(self.span(node), t, self.number(index))

    def container(self, node: ast.Call, kind: str, expected: Type | None) -> Expr:
        """`Set(...)`, `Seq(...)`, `Bag(...)`, and `set(...)`, `list(...)`."""
        span = self.span(node)
        arguments = self.plain(node, 0, 1)
        if isinstance(expected, OptionalType):
            expected = expected.item
        if not arguments:
            item, _ = self.elements(node, [], expected)
            make = {"set": ir.MakeSet(span, SetType(item), ()), "seq": ir.MakeSeq(span, SeqType(item), ())}
            return make.get(kind) or ir.Literal(span, BagType(item), Bag())
        match arguments[0]:
            case (
                ast.GeneratorExp(element, generators)
                | ast.SetComp(element, generators)
                | ast.ListComp(element, generators)
            ) if not (isinstance(arguments[0], ast.SetComp) and kind != "set"):
                return self.collect(node, kind, element, generators, expected)
        wanted = element_type(expected) if expected is not None else None
        if kind == "seq":
            self.in_order([arguments[0]])
        inner = self.domain_of(arguments[0], SetType(wanted) if wanted is not None else None)
        item = self.item_of(inner, arguments[0])
        if wanted is not None and fits(item, wanted):
            item = unbounded(wanted)
        if {"set": SetType, "seq": SeqType, "bag": BagType}[kind] is type(inner.type):
            return inner
        t = {"set": SetType, "seq": SeqType, "bag": BagType}[kind](unbounded(item))
        each = self.coerce(ir.Local(span, self.item_of(inner, arguments[0]), _ITEM), item, arguments[0])
        return ir.Collect(span, t, kind, each, (Clause((_ITEM,), inner, ()),))

    def domain_of(self, node: ast.expr, expected: Type | None) -> Expr:
        """A container to be converted: like a loop's domain, with an expected type for displays."""
        if isinstance(node, ast.Tuple):
            return self.domain(node)
        return self.expr(node, expected)

    def make_map(self, node: ast.Call, expected: Type | None) -> Expr:
        """`Map(...)`: total by construction, or refused."""
        span = self.span(node)
        (argument,) = self.plain(node, 1, 1)
        if isinstance(expected, OptionalType):
            expected = expected.item
        key_type = expected.key if isinstance(expected, MapType) else None
        value_type = expected.value if isinstance(expected, MapType) else None
        match argument:
            case ast.DictComp(key, value, generators):
                return self._map_comprehension(node, key, value, generators, key_type, value_type)
            case ast.GeneratorExp(ast.Tuple([key, value]), generators):
                return self._map_comprehension(node, key, value, generators, key_type, value_type)
            case ast.Dict(keys, values) if keys and None not in keys:
                present = [k for k in keys if k is not None]
                made_keys = [self.expr(k, key_type) for k in present]
                made_values = [self.kept(v, value_type) for v in values]
                k = unbounded(key_type or self.join(node, *(m.type for m in made_keys)))
                v = self._value_type(node, made_values, value_type)
                pairs = tuple(
                    (self.coerce(a, k, n), self.coerce(b, v, m))
                    for a, b, n, m in zip(made_keys, made_values, present, values, strict=True)
                )
                return ir.MakeMap(span, MapType(key_type or k, v), pairs)
        found = self.expr(argument, expected)
        if isinstance(found.type, MapType):
            return found
        self.fail(argument, "a Map is made from keys and values", "write Map({k: value for k in K})")

    def _value_type(self, node: ast.expr, made: list[Expr], wanted: Type | None) -> Type:
        if wanted is not None and all(fits(m.type, wanted) for m in made):
            return unbounded(wanted)
        return unbounded(self.join(node, *(m.type for m in made)))

    def _map_comprehension(
        self,
        node: ast.expr,
        key: ast.expr,
        value: ast.expr,
        generators: list[ast.comprehension],
        key_type: Type | None,
        value_type: Type | None,
    ) -> Expr:
        def finish() -> tuple[Expr, Expr, Type]:
            made_key = self.expr(key, key_type)
            made = self.kept(value, value_type)
            t = self._value_type(value, [made], value_type)
            return made_key, self.coerce(made, t, value), t

        clauses, (made_key, made, t) = self.clauses(generators, finish)
        names = [
            p.name
            for p in (made_key.items if isinstance(made_key, ir.MakeTuple) else (made_key,))
            if isinstance(p, ir.Local)
        ]
        bound = [name for clause in clauses for name in clause.names]
        whole = all(not c.conditions and _complete(c.domain) for c in clauses)
        if not whole or not set(names) <= set(bound) or len(names) != len(set(names)) or not names:
            self.fail(
                key,
                "a Map is total: its keys must run through a whole type",
                "write {k: value for k in K}, and choose inside the value",
            )
        k = key_type or made_key.type
        pair = ir.MakeTuple(
            self.span(node), TupleType((unbounded(k), t)), (self.coerce(made_key, unbounded(k), key), made)
        )
        return ir.Collect(self.span(node), MapType(k, t), "map", pair, clauses)

    # --- aggregates ---

    def aggregate(self, node: ast.Call, kind: str) -> Expr:
        """`all(...)`, `any(...)`, `sum(...)`."""
        (argument,) = self.plain(node, 1, 1)
        match argument:
            case ast.GeneratorExp(element, generators) | ast.ListComp(element, generators):
                return self.collect(node, kind, element, generators, None)
        span = self.span(node)
        domain = self.domain(argument)
        item = self.item_of(domain, argument)
        wanted = (BoolType,) if kind != "sum" else (IntType, BoolType)
        if not isinstance(item, wanted):
            self.fail(argument, f"{kind} is not for {item} values", f"write {kind}(... for x in ...)")
        each: Expr = ir.Local(span, item, _ITEM)
        if kind == "sum" and isinstance(item, BoolType):
            each = ir.Number(span, INT, each)
        return ir.Collect(span, INT if kind == "sum" else BOOL, kind, each, (Clause((_ITEM,), domain, ()),))

    def extreme(self, node: ast.Call, kind: str) -> Expr:
        """`min(...)` and `max(...)` of an iterable or of several arguments, with `key=lambda` and `default=`."""
        span = self.span(node)
        arguments = self.plain(node, 1, 99, ("key", "default"))
        key, default = self.keyword(node, "key"), self.keyword(node, "default")
        if key is not None:
            first = arguments[0]
            generators = first.generators if isinstance(first, ast.GeneratorExp | ast.ListComp) else []
            self.in_order([g.iter for g in generators] or arguments[:1])

        def finish(element: Expr, source: ast.expr) -> tuple[Expr, Expr | None]:
            made_key = None if key is None else self._key(key, element)
            ranked = element.type if made_key is None else made_key.type
            if not comparable(ranked):
                remedy = "give a key= of ints or ordered values"
                if isinstance(ranked, OptionalType):
                    remedy = "leave out None first, with an `if`"
                self.fail(source, f"{kind} needs values with an order, and these are {ranked}", remedy)
            return element, made_key

        match arguments:
            case [
                ast.GeneratorExp(element, generators)
                | ast.ListComp(element, generators)
                | ast.SetComp(element, generators) as whole
            ] if not (isinstance(whole, ast.SetComp)):
                clauses, (made, made_key) = self.clauses(
                    generators, lambda: finish(self.expr(element), element)
                )
            case [argument]:
                domain = self.domain(argument)
                made, made_key = finish(ir.Local(span, self.item_of(domain, argument), _ITEM), argument)
                clauses = (Clause((_ITEM,), domain, ()),)
            case _:
                t, items = self.elements(node, arguments, None)
                made, made_key = finish(ir.Local(span, t, _ITEM), node)
                clauses = (Clause((_ITEM,), ir.MakeSeq(span, SeqType(t), items), ()),)
        t = unbounded(made.type)
        fallback: Expr | None = None
        if default is not None:
            fallback = self.expr(default, made.type)
            t = unbounded(self.join(node, made.type, fallback.type))
            fallback = self.coerce(fallback, t, default)
            made = self.coerce(made, t, node)
        return ir.Collect(span, t, kind, made, clauses, made_key, fallback)

    def _key(self, key: ast.expr, element: Expr) -> Expr:
        if (
            not isinstance(key, ast.Lambda)
            or len(key.args.args) != 1
            or key.args.posonlyargs
            or key.args.kwonlyargs
        ):
            self.fail(key, "a key is written as a lambda of one name", "write key=lambda x: ...")
        with self.scoped() as env:
            env.aliases[key.args.args[0].arg] = element
            return self.expr(key.body)

    # --- methods of values, helpers ---

    def _method(self, node: ast.Call, value: ast.expr, method: str) -> Expr:
        span = self.span(node)
        operand = self.expr(value)
        match operand.type, method:
            case SetType(), "isdisjoint":
                (other,) = self.plain(node, 1, 1)
                a, b, _ = self.same(node, operand, self.expr(other, operand.type), value, other)
                return ir.Disjoint(span, BOOL, a, b)
            case ((BagType(item) | SeqType(item)), "count"):
                return ir.Count(span, INT, operand, self.value(self.plain(node, 1, 1)[0], item))
            case BagType(item), "distinct":
                self.plain(node, 0, 0)
                return ir.Convert(span, SetType(item), "distinct", operand)
            case SeqType(item), "index":
                return ir.IndexOf(span, INT, operand, self.value(self.plain(node, 1, 1)[0], item))
            case MapType(key, _), "keys":
                self.plain(node, 0, 0)
                return ir.Convert(span, SetType(key), "keys", operand)
            case MapType(_, item), "values":
                self.plain(node, 0, 0)
                return ir.Convert(span, SeqType(item), "values", operand)
            case MapType(key, item), "items":
                self.plain(node, 0, 0)
                return ir.Convert(span, SeqType(TupleType((key, item))), "items", operand)
            case SortType(), "is_last" if operand.type.ordered:
                self.plain(node, 0, 0)
                return ir.IsLast(span, BOOL, operand)
            case OptionalType(), _:
                self.fail(
                    value,
                    f"this may be None, and None has no `{method}`",
                    "test it for None first (give it a local name)",
                )
        if isinstance(operand.type, RecordType):
            function = vars(operand.type.record).get(method)
            if isinstance(function, FunctionType):
                return self._pure_call(
                    node, self.module.plain_function(self, node, function, operand.type), Which.NOW, operand
                )
        if len(records_of(operand.type)) > 1:
            self.fail(
                value,
                f"this is one of several records: {operand.type}",
                "tell them apart first with isinstance or match",
            )
        if method in _MUTATORS:
            self.fail(
                node,
                f".{method}() changes a value in place, and has no value itself",
                "update a variable: self.x.add(...), on a line of its own",
            )
        self.fail(node, f"{operand.type} has no method `{method}`", "see docs/language.md for what it has")

    def _helper(self, node: ast.Call, which: Which, method: str) -> Expr:
        if which is Which.ABSTRACT:
            self.fail(
                node,
                "the abstract model's methods cannot be called here",
                "compute from the variables of self",
            )
        return self._pure_call(node, self.module.method(self, node, method), which)

    def _pure_call(self, node: ast.Call, key: str, which: Which, receiver: Expr | None = None) -> Expr:
        signature = self.module.signatures[key]
        if signature.returns is None:
            self.fail(
                node, f"`{signature.name}` returns nothing, and has no value", "call it on a line of its own"
            )
        made = self.arguments(
            node, signature.name, signature.parameters[1 if receiver else 0 :], signature.defaults
        )
        everything = (receiver, *made) if receiver else tuple(made)
        return ir.Call(self.span(node), signature.returns, key, everything, which)


def _complete(domain: Expr) -> bool:
    """Whether a domain runs through a whole key type (a range of ints is checked when the map is stored)."""
    if isinstance(domain, ir.Convert):
        return domain.what in ("keys", "items")
    return isinstance(domain, ir.Universe | ir.IntRange) or isinstance(domain.type, MapType)


def _listed(signature: list[tuple[str, Type]]) -> str:
    return ", ".join(name for name, _ in signature) or "none"


_MUTATORS = frozenset({"add", "remove", "discard", "clear", "update", "append", "extend", "pop"})


def _len(c: Calls, node: ast.Call) -> Expr:
    (argument,) = c.plain(node, 1, 1)
    operand = c.expr(argument)
    if element_type(operand.type) is None:
        c.fail(argument, f"{operand.type} has no length", "len is for sorts and containers")
    return ir.Length(c.span(node), INT, operand)


def _abs(c: Calls, node: ast.Call) -> Expr:
    return ir.Absolute(c.span(node), INT, c.number(c.plain(node, 1, 1)[0]))


def _int(c: Calls, node: ast.Call) -> Expr:
    (argument,) = c.plain(node, 1, 1)
    operand = c.expr(argument)
    match operand.type:
        case IntType():
            return operand
        case BoolType():
            return ir.Number(c.span(node), INT, operand)
        case SortType() if not operand.type.symmetric:
            return ir.Number(c.span(node), INT, operand)
    c.fail(argument, f"{operand.type} has no number", "int(...) is for bools, ordered and plain sorts")


def _range(c: Calls, node: ast.Call) -> Expr:
    arguments = c.plain(node, 1, 2)
    span = c.span(node)
    low: Expr = ir.Literal(span, INT, 0) if len(arguments) == 1 else c.number(arguments[0])
    return ir.IntRange(span, SeqType(INT), low, c.number(arguments[-1]))


def _sequence_view(what: str) -> Handler:
    def view(c: Calls, node: ast.Call) -> Expr:
        (argument,) = c.plain(node, 1, 1, ("reverse",) if what == "sorted" else ())
        operand = c.domain(argument)
        item, name = c.item_of(operand, argument), what
        if what == "sorted":
            if not comparable(item):
                c.fail(
                    argument,
                    f"{item} values have no order to sort by",
                    "sorted is for ints, ordered sorts, and tuples of these",
                )
            match c.keyword(node, "reverse"):
                case ast.Constant(bool(flag)):
                    name = "sorted-reversed" if flag else "sorted"
                case None:
                    pass
                case other:
                    c.fail(other, "reverse= is True or False, written out", "write reverse=True")
        elif not isinstance(operand.type, SeqType):
            c.fail(
                argument,
                f"{what} needs a sequence, and this is {operand.type}",
                "only a Seq has an order: Seq(...) or sorted(...)",
            )
        if what == "enumerate":
            item = TupleType((INT, item))
        return ir.Convert(c.span(node), SeqType(item), name, operand)

    return view


def _zip(c: Calls, node: ast.Call) -> Expr:
    first, second = c.plain(node, 2, 2, ("strict",))
    if (strict := c.keyword(node, "strict")) is not None and not (
        isinstance(strict, ast.Constant) and strict.value is False
    ):
        c.fail(
            strict, "zip(strict=True) may fail on its way", "compare the lengths yourself; write strict=False"
        )
    a, b = c.domain(first), c.domain(second)
    for made, source in ((a, first), (b, second)):
        if not isinstance(made.type, SeqType):
            c.fail(
                source,
                f"zip needs sequences, and this is {made.type}",
                "only a Seq has an order: Seq(...) or sorted(...)",
            )
    item = TupleType((c.item_of(a, first), c.item_of(b, second)))
    return ir.Zip(c.span(node), SeqType(item), a, b)


def _endpoint(*, last: bool) -> Handler:
    def make(c: Calls, node: ast.Call) -> Expr:
        return ir.Endpoint(c.span(node), _sort(c, c.plain(node, 1, 1)[0], ordered=True), last)

    return make


def _sort(c: Calls, node: ast.expr, *, ordered: bool = False) -> SortType:
    found = c.static(node)
    t = c.typed(found, node) if found is not MISSING else None
    if not isinstance(t, SortType) or (ordered and not t.ordered):
        c.fail(
            node,
            f"{ast.unparse(node)} is not {'an ordered' if ordered else 'a'} sort",
            "name the class of one",
        )
    return t


def _subsets(c: Calls, node: ast.Call) -> Expr:
    arguments = c.plain(node, 1, 2, ("size",))
    t = _sort(c, arguments[0])
    size = arguments[1] if len(arguments) == 2 else c.keyword(node, "size")
    return ir.Subsets(c.span(node), SetType(SetType(t)), t, None if size is None else c.number(size))


def _majorities(c: Calls, node: ast.Call) -> Expr:
    t = _sort(c, c.plain(node, 1, 1)[0])
    return ir.Subsets(c.span(node), SetType(SetType(t)), t, None, majorities=True)


def _replace(c: Calls, node: ast.Call) -> Expr:
    if len(node.args) != 1:
        c.fail(node, "replace takes one record, and fields by name", "write replace(record, field=value)")
    operand = c.expr(node.args[0])
    t = operand.type
    if not isinstance(t, RecordType):
        c.fail(
            node.args[0],
            f"replace is for a record, and this is {t}",
            "tell a union apart first; test an optional for None",
        )
    given = {k.arg: k.value for k in node.keywords if k.arg}
    for name, value in given.items():
        if name not in t.fields:
            c.fail(value, f"{t} has no field `{name}`", f"its fields: {', '.join(t.fields)}")
    made = [
        fit(c.value(given[name], field), field, f"{t}.{name}", c.span(node))
        if name in given
        else ir.Field(operand.span, field, operand, name)
        for name, field in t.fields.items()
    ]
    return ir.MakeRecord(c.span(node), t, tuple(made))


def _isinstance(c: Calls, node: ast.Call) -> Expr:
    c.plain(node, 2, 2)
    return c.test(node)[0]


_CONTAINERS: dict[object, str] = {
    set: "set",
    frozenset: "set",
    Set: "set",
    list: "seq",
    Seq: "seq",
    Bag: "bag",
}
_HANDLERS: dict[object, Handler] = {
    all: lambda c, node: c.aggregate(node, "all"),
    any: lambda c, node: c.aggregate(node, "any"),
    sum: lambda c, node: c.aggregate(node, "sum"),
    min: lambda c, node: c.extreme(node, "min"),
    max: lambda c, node: c.extreme(node, "max"),
    len: _len,
    abs: _abs,
    int: _int,
    range: _range,
    isinstance: _isinstance,
    sorted: _sequence_view("sorted"),
    reversed: _sequence_view("reversed"),
    enumerate: _sequence_view("enumerate"),
    zip: _zip,
    sorts.first: _endpoint(last=False),
    sorts.last: _endpoint(last=True),
    api.majorities: _majorities,
    api.subsets: _subsets,
    records.replace: _replace,
}
