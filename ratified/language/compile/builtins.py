"""The functions that the language has: `all`, `max`, `len`, `sorted`, `majorities`, `replace` and the others."""

from __future__ import annotations

import ast
import dataclasses
import itertools

from ratified.language import api, ir, records, sorts
from ratified.language.compile import partial
from ratified.language.compile.arguments import in_order_of, keyword_argument, positional
from ratified.language.compile.constructors import ITEM, map_from_keys
from ratified.language.compile.context import MISSING, Context, fitted
from ratified.language.compile.displays import (
    bind,
    collect,
    comprehended,
    elements,
    in_order,
    item_of,
    iterable,
)
from ratified.language.compile.families import as_set, permutations_of, sequences_of, subsets_of
from ratified.language.compile.idioms import HANDLERS, Handler, counted_from, stepped
from ratified.language.compile.operators import numeric
from ratified.language.compile.steps import possible
from ratified.language.ir import Clause, Expr
from ratified.language.lower.trees import substituted
from ratified.language.types import (
    BOOL,
    INT,
    BagType,
    BoolType,
    EnumType,
    IntType,
    MapType,
    OptionalType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    TupleType,
    Type,
    comparable,
    element_type,
    unbounded,
)
from ratified.language.values import Bag, Map, Seq, Set


def _aggregate(c: Context, node: ast.Call, kind: str) -> Expr:
    """`all(...)`, `any(...)`, `sum(...)`."""
    argument, *start = positional(c, node, 1, 2 if kind == "sum" else 1, ("start",) if kind == "sum" else ())
    if kind == "sum" and (named := keyword_argument(c, node, "start")) is not None:
        start = [named]
    if start:
        whole = ast.copy_location(ast.Call(node.func, [argument], []), node)
        more = numeric(c, start[0])
        return ir.Arithmetic(c.span(node), INT, "+", more, _aggregate(c, whole, kind))
    match argument:
        case ast.GeneratorExp(element, generators) | ast.ListComp(element, generators):
            return collect(c, node, kind, element, generators, None)
    span = c.span(node)
    domain = iterable(c, argument)
    item = item_of(c, domain, argument)
    wanted = (BoolType,) if kind != "sum" else (IntType, BoolType)
    if not isinstance(item, wanted):
        c.fail(argument, f"{kind} does not take {item} values", f"write {kind}(... for x in ...)")
    each: Expr = ir.Local(span, item, ITEM)
    if kind == "sum" and isinstance(item, BoolType):
        each = ir.Number(span, INT, each)
    return ir.Collect(span, INT if kind == "sum" else BOOL, kind, each, (Clause((ITEM,), domain, ()),))


def _extreme(c: Context, node: ast.Call, kind: str) -> Expr:
    """`min(...)` and `max(...)` of an iterable or of several arguments, with `key=lambda` and `default=`."""
    span = c.span(node)
    arguments = positional(c, node, 1, 99, ("key", "default"))
    key, default = keyword_argument(c, node, "key"), keyword_argument(c, node, "default")
    if key is not None:
        first = arguments[0]
        generators = first.generators if isinstance(first, ast.GeneratorExp | ast.ListComp) else []
        in_order(c, [g.iter for g in generators] or arguments[:1])

    def finish(element: Expr, source: ast.expr) -> tuple[Expr, Expr | None]:
        made_key = None if key is None else _key(c, key, element)
        ranked = element.type if made_key is None else made_key.type
        if not comparable(ranked):
            remedy = "give a key= of ints or ordered values"
            if isinstance(ranked, OptionalType):
                remedy = "leave out None first, with an `if`"
            c.fail(source, f"{kind} needs values with an order, and these are {ranked}", remedy)
        return element, made_key

    match arguments:
        case [
            ast.GeneratorExp(element, generators)
            | ast.ListComp(element, generators)
            | ast.SetComp(element, generators) as whole
        ] if not (isinstance(whole, ast.SetComp)):
            clauses, (made, made_key) = comprehended(c, generators, lambda: finish(c.kept(element), element))
        case [argument]:
            domain = iterable(c, argument)
            made, made_key = finish(ir.Local(span, item_of(c, domain, argument), ITEM), argument)
            clauses = (Clause((ITEM,), domain, ()),)
        case _:
            t, items = elements(c, node, arguments, None)
            made, made_key = finish(ir.Local(span, t, ITEM), node)
            clauses = (Clause((ITEM,), ir.MakeSeq(span, SeqType(t), items), ()),)
    t = unbounded(made.type)
    fallback: Expr | None = None
    if default is not None:
        fallback = c.kept(default, made.type)
        t = unbounded(c.join(node, made.type, fallback.type))
        fallback = c.coerce(fallback, t, default)
        made = c.coerce(made, t, node)
    return ir.Collect(span, t, kind, made, clauses, made_key, fallback)


def _key(c: Context, key: ast.expr, element: Expr) -> Expr:
    name, body = _applied(c, key)
    with c.scoped() as env:
        env.aliases[name] = element
        return c.expr(body)


def _applied(c: Context, function: ast.expr) -> tuple[str, ast.expr]:
    """What a function of one argument makes of it, and what the argument is called: a lambda, or a call of what is named."""
    match function:
        case ast.Lambda(ast.arguments([], [ast.arg(name)], None, [], [], None, []), body):
            return name, body
        case ast.Lambda():
            c.fail(function, "this lambda must have one parameter", "write lambda x: ...")
        case ast.Name() | ast.Attribute():
            call = ast.Call(function, [ast.Name(ITEM, ast.Load())], [])
            return ITEM, ast.fix_missing_locations(ast.copy_location(call, function))
    c.fail(function, "a function of one argument is needed here", "write lambda x: ...")


def _run_through(
    c: Context, node: ast.Call, function: ast.expr, source: ast.expr, *, filtering: bool
) -> Expr:
    """`filter` and `map`, as the comprehensions that they are."""
    name, body = _applied(c, function)
    item = ast.copy_location(ast.Name(name, ast.Load()), source)
    target = ast.copy_location(ast.Name(name, ast.Store()), source)
    domain = iterable(c, source)
    kind = "seq"
    if filtering:
        kinds = {SeqType: "seq", BagType: "bag"}
        kind = kinds.get(type(domain.type), "set")
    generator = ast.comprehension(target, source, [body] if filtering else [], 0)
    return collect(c, node, kind, item if filtering else body, [generator], None)


def _filter(c: Context, node: ast.Call) -> Expr:
    function, source = positional(c, node, 2, 2)
    return _run_through(c, node, function, source, filtering=True)


def _map(c: Context, node: ast.Call) -> Expr:
    function, source = positional(c, node, 2, 2)
    return _run_through(c, node, function, source, filtering=False)


def _sorted(c: Context, node: ast.Call) -> Expr:
    """`sorted(s, key=f)`: the positions of a sequence sorted by key and then by themselves, since sorting is stable."""
    key = keyword_argument(c, node, "key")
    if key is None:
        return _sequence_view("sorted")(c, node)
    (argument,) = positional(c, node, 1, 1, ("key", "reverse"))
    way = "sorted-reversed" if _is_reversed(c, node) else "sorted"
    in_order(c, [argument])
    span, source = c.span(node), iterable(c, argument)
    item = item_of(c, source, argument)
    if not isinstance(source.type, SeqType):
        each = ir.Local(span, item, ITEM)
        source = ir.Collect(span, SeqType(item), "seq", each, (Clause((ITEM,), source, ()),))
    at = ir.At(span, item, source, ir.Local(span, INT, _POSITION))
    ranked = _key(c, key, at)
    if not comparable(ranked.type):
        c.fail(key, f"keys of type {ranked.type} have no order", "give a key= of ints or ordered values")
    pair = TupleType((unbounded(ranked.type), INT))
    position: Expr = ir.Local(span, INT, _POSITION)
    if way != "sorted":  # equals stay in their order: the pairs of later ones are less
        position = ir.Negative(span, INT, position)
    made = ir.MakeTuple(span, pair, (ranked, position))
    length = ir.Length(span, INT, source)
    positions = ir.IntRange(span, SeqType(INT), ir.Literal(span, INT, 0), length)
    pairs = ir.Collect(span, SeqType(pair), "seq", made, (Clause((_POSITION,), positions, ()),))
    in_turn = ir.Convert(span, SeqType(pair), way, pairs)
    if way != "sorted":
        index = ir.Negative(span, INT, ir.Local(span, INT, _POSITION))
        at = ir.At(span, item, source, index)
    return ir.Collect(span, SeqType(item), "seq", at, (Clause(("key_", _POSITION), in_turn, ()),))


def _is_reversed(c: Context, node: ast.Call) -> bool:
    match keyword_argument(c, node, "reverse"):
        case None:
            return False
        case ast.Constant(bool(flag)):
            return flag
        case other:
            c.fail(other, "reverse= must be the constant True or False", "write reverse=True")


_POSITION = "position_"


def _first(
    c: Context, node: ast.Call, domain: ast.expr, where: ast.expr | None, default: ast.expr | None
) -> Expr:
    """The first element, in canonical order: the least by a key that is the same for all."""
    span = c.span(node)
    in_order(c, [domain])
    match domain:
        case ast.GeneratorExp(element, generators):
            in_order(c, [g.iter for g in generators])
            clauses, made = comprehended(c, generators, lambda: c.kept(element))
        case _:
            source = iterable(c, domain)
            name, test = _applied(c, where) if where is not None else (ITEM, None)
            with c.scoped():
                bind(c, ast.copy_location(ast.Name(name, ast.Store()), domain), item_of(c, source, domain))
                made = c.expr(ast.copy_location(ast.Name(name, ast.Load()), domain))
                conditions = () if test is None else (c.test(test)[0],)
            clauses = (Clause((name,), source, conditions),)
    t = unbounded(made.type)
    fallback: Expr | None = None
    if default is not None:
        fallback = c.kept(default, made.type)
        t = unbounded(c.join(node, made.type, fallback.type))
        fallback = c.coerce(fallback, t, default)
        made = c.coerce(made, t, node)
    return ir.Collect(span, t, "min", made, clauses, ir.Literal(span, INT, 0), fallback)


def _choose(c: Context, node: ast.Call) -> Expr:
    """`choose(s)`, `choose(s, where)`."""
    arguments = positional(c, node, 1, 2, ("where",))
    where = arguments[1] if len(arguments) == 2 else keyword_argument(c, node, "where")
    return _first(c, node, arguments[0], where, None)


def _next(c: Context, node: ast.Call) -> Expr:
    """`next(iter(s))`, `next(x for x in s if ...)`, `next(..., default)`."""
    arguments = positional(c, node, 1, 2)
    default = arguments[1] if len(arguments) == 2 else None
    match arguments[0]:
        case ast.Call(function, [source], []) if c.static(function) is iter:
            return _first(c, node, source, None, default)
        case ast.GeneratorExp() as source:
            return _first(c, node, source, None, default)
    c.fail(
        arguments[0],
        "models have no iterators",
        "write next(iter(s)), or next(x for x in s if ...)",
    )


def _len(c: Context, node: ast.Call) -> Expr:
    (argument,) = positional(c, node, 1, 1)
    operand = c.expr(argument)
    if c.python_kind(argument) == "iterator":
        c.fail(argument, "a Python iterator has no length", "write len(Seq(...)), or sum(1 for ...)")
    if element_type(operand.type) is None:
        c.fail(argument, f"{operand.type} has no length", "len is for sorts and containers")
    if partial.is_partial(operand.type):
        operand = partial.keys_of(operand, c.span(argument))
    return ir.Length(c.span(node), INT, operand)


def _abs(c: Context, node: ast.Call) -> Expr:
    return ir.Absolute(c.span(node), INT, numeric(c, positional(c, node, 1, 1)[0]))


def _int(c: Context, node: ast.Call) -> Expr:
    (argument,) = positional(c, node, 1, 1)
    operand = c.expr(argument)
    match operand.type:
        case IntType():
            return operand
        case BoolType():
            return ir.Number(c.span(node), INT, operand)
        case SortType() if not operand.type.symmetric:
            return ir.Number(c.span(node), INT, operand)
    c.fail(
        argument,
        f"{operand.type} cannot be converted to int",
        "int(...) takes bools, ordered and plain sorts",
    )


def _range(c: Context, node: ast.Call) -> Expr:
    arguments = positional(c, node, 1, 3)
    span = c.span(node)
    if len(arguments) == 3:
        low, high, step = map(numeric, [c] * 3, arguments)
        if isinstance(step, ir.Literal) and isinstance(step.value, int) and step.value:
            return stepped(c, node, low, high, step.value)
        c.fail(arguments[2], "the step of a range must be a number, and not 0", "write range(0, n, 2)")
    first: Expr = ir.Literal(span, INT, 0) if len(arguments) == 1 else numeric(c, arguments[0])
    return ir.IntRange(span, SeqType(INT), first, numeric(c, arguments[-1]))


def _sequence_view(what: str) -> Handler:
    def view(c: Context, node: ast.Call) -> Expr:
        keywords = {"sorted": ("reverse",), "enumerate": ("start",)}.get(what, ())
        argument, *rest = positional(c, node, 1, 2 if what == "enumerate" else 1, keywords)
        start = rest[0] if rest else keyword_argument(c, node, "start")
        operand = iterable(c, argument)
        item, name = item_of(c, operand, argument), what
        if what == "sorted":
            if not comparable(item):
                c.fail(
                    argument,
                    f"{item} values cannot be sorted",
                    "sorted takes ints, ordered sorts, tuples of these, or a key=; Seq(s) is in canonical order",
                )
            name = "sorted-reversed" if _is_reversed(c, node) else "sorted"
        elif not isinstance(operand.type, SeqType):
            c.fail(
                argument,
                f"{what} needs a sequence, and this is {operand.type}",
                "write Seq(...), which is in canonical order, or sorted(..., key=...)",
            )
        if what == "enumerate":
            item = TupleType((INT, item))
        made = ir.Convert(c.span(node), SeqType(item), name, operand)
        return made if start is None else counted_from(c, node, made, start)

    return view


def _zip(c: Context, node: ast.Call) -> Expr:
    first, second = positional(c, node, 2, 2, ("strict",))
    if (strict := keyword_argument(c, node, "strict")) is not None and not (
        isinstance(strict, ast.Constant) and strict.value is False
    ):
        c.fail(strict, "zip(strict=True) may fail", "compare the lengths first, and write strict=False")
    a, b = iterable(c, first), iterable(c, second)
    for made, source in ((a, first), (b, second)):
        if not isinstance(made.type, SeqType):
            c.fail(
                source,
                f"zip needs sequences, and this is {made.type}",
                "write Seq(...), which is in canonical order, or sorted(..., key=...)",
            )
    item = TupleType((item_of(c, a, first), item_of(c, b, second)))
    return ir.Zip(c.span(node), SeqType(item), a, b)


def _endpoint(*, last: bool) -> Handler:
    def make(c: Context, node: ast.Call) -> Expr:
        return ir.Endpoint(c.span(node), _sort(c, positional(c, node, 1, 1)[0], ordered=True), last)

    return make


def _sort(c: Context, node: ast.expr, *, ordered: bool = False) -> SortType:
    found = c.static(node)
    t = c.typed(found, node) if found is not MISSING else None
    if not isinstance(t, SortType) or (ordered and not t.ordered):
        c.fail(
            node,
            f"{ast.unparse(node)} is not {'an ordered' if ordered else 'a'} sort",
            "pass the class of a sort",
        )
    return t


def _subsets(c: Context, node: ast.Call) -> Expr:
    arguments = positional(c, node, 1, 2, ("size",))
    given = arguments[1] if len(arguments) == 2 else keyword_argument(c, node, "size")
    size = None if given is None else numeric(c, given)
    static = c.static(arguments[0])
    if isinstance(static, type) and issubclass(static, sorts.Sort):
        t = _sort(c, arguments[0])
        return ir.Subsets(c.span(node), SetType(SetType(t)), t, size)
    source = as_set(c, iterable(c, arguments[0]), arguments[0])
    key = c.module.made(subsets_of(source.type, c.span(node), sized=size is not None))
    given_too = () if size is None else (size,)
    return ir.Call(c.span(node), SetType(source.type), key, (source, *given_too), ir.Which.NOW)


def _permutations(c: Context, node: ast.Call) -> Expr:
    """`permutations(S)` of a sort, Enum or set, as a set of sequences: their canonical order is the order of `itertools`."""
    (argument,) = positional(c, node, 1, 1)
    domain = iterable(c, argument)
    if not isinstance(domain.type, SetType) or c.python_kind(argument) not in ("", "class"):
        c.fail(
            argument,
            f"permutations of {domain.type} are not part of the modelling language",
            "write permutations(Set(...)), or of a sort",
        )
    most = api.MOST_PERMUTED if c.static(node.func) is api.permutations else None
    key = c.module.made(permutations_of(domain.type, c.span(node), most))
    return ir.Call(c.span(node), SetType(SeqType(unbounded(domain.type.item))), key, (domain,), ir.Which.NOW)


def _sequences(c: Context, node: ast.Call) -> Expr:
    """`sequences(S, 3)`: those of at most so many elements."""
    domain_node, most = positional(c, node, 2, 2, ("most",))
    domain = as_set(c, iterable(c, domain_node), domain_node)
    length = numeric(c, most)
    if (bound := _bound_of(length)) is None:
        c.fail(
            most,
            "the greatest length of the sequences depends on the state",
            "write sequences(Node, 2), or sequences(Node, self.most) with a parameter",
        )
    assert isinstance(domain.type, SetType)
    key = c.module.made(sequences_of(domain.type, bound, length, c.span(node)))
    return ir.Call(c.span(node), SetType(SeqType(unbounded(domain.type.item))), key, (domain,), ir.Which.NOW)


def _bound_of(length: Expr) -> int | str | None:
    """A number that does not depend on the state, as the bound of a type; None if it does."""
    match length:
        case ir.Literal(value=int(number)) if number >= 0:
            return number
        case ir.Parameter(name=name):
            return name
        case ir.Length(operand=ir.Universe(type=SetType(SortType(sort)))):
            return f"len({sort.__name__})"
        case ir.Arithmetic(op="+" | "-" | "*" | "//" as op, left=left, right=right):
            a, b = _bound_of(left), _bound_of(right)
            return None if a is None or b is None else f"({a} {op} {b})"
    return None


def _maps(c: Context, node: ast.Call) -> Expr:
    """`maps(K, V)`: the values of a type of maps."""
    keys, values = positional(c, node, 2, 2)
    inner = _values_of(c, keys, "the keys")
    outer = BOOL if c.static(values) is bool else _values_of(c, values, "the values")
    return ir.Universe(c.span(node), SetType(MapType(inner, outer)))


def _values_of(c: Context, node: ast.expr, what: str) -> Type:
    found = c.static(node)
    t = c.typed(found, node) if isinstance(found, type) else None
    if not isinstance(t, SortType | EnumType):
        c.fail(
            node,
            f"{what} of maps(...) must be a sort or an Enum",
            "write maps(Node, bool), and test the condition where the maps are used",
        )
    return t


def _enabled(c: Context, node: ast.Call) -> Expr:
    """`enabled(self.act, ...)`."""
    named, *arguments = positional(c, node, 1, 99)
    match named:
        case ast.Attribute(ast.Name(me), name) if (
            c.receivers.get(me) is ir.Which.NOW and name in c.module.methods
        ):
            key = c.module.method(c, named, name)
        case _:
            c.fail(named, "enabled takes an action of the model", "write enabled(self.act, ...)")
    action = c.module.functions.get(key)
    if action is None or action.kind is not ir.Kind.ACTION:
        c.fail(
            named,
            f"`{name}` is not an action",
            "enabled takes methods marked @action; call a helper directly",
        )

    def refuse(message: str, remedy: str) -> None:
        c.fail(named, message, remedy)

    span = c.span(node)
    asked = c.module.made(possible(action, c.module.functions, c.module.made, refuse))
    if arguments:
        signature = [(a.name, a.type) for a in action.arguments]
        if len(arguments) < len(signature):
            every = ", ".join(n for n, _ in signature)
            c.fail(
                node,
                f"enabled({ast.unparse(named)}) takes all arguments of {name}, or none: then it is with any",
                f"for some, write any(enabled({ast.unparse(named)}, {every}) for ... in ...)",
            )
        made = in_order_of(c, node, f"enabled({ast.unparse(named)})", signature, {}, arguments)
        return ir.Call(span, BOOL, asked, tuple(made), ir.Which.NOW)
    names = {a.name: c.another_name(f"any_{a.name}") for a in action.arguments}
    given = {a.name: ir.Local(span, unbounded(a.type), names[a.name]) for a in action.arguments}
    call = ir.Call(span, BOOL, asked, tuple(given.values()), ir.Which.NOW)
    clauses = []
    for a in action.arguments:
        domain = None if a.domain is None else substituted(a.domain, dict(given))
        if domain is None and not isinstance(a.type, SortType | EnumType | BoolType):
            c.fail(
                named,
                f"`{a.name}` of {name} ranges over every {a.type}",
                f"give the arguments: enabled(self.{name}, ...)",
            )
        clauses.append(Clause((names[a.name],), domain or ir.Universe(span, SetType(a.type)), ()))
    return ir.Collect(span, BOOL, "any", call, tuple(clauses)) if clauses else call


def _majorities(c: Context, node: ast.Call) -> Expr:
    t = _sort(c, positional(c, node, 1, 1)[0])
    return ir.Subsets(c.span(node), SetType(SetType(t)), t, None, majorities=True)


def _replace(c: Context, node: ast.Call) -> Expr:
    if len(node.args) != 1:
        c.fail(
            node, "replace takes one record, and its new fields by name", "write replace(record, field=value)"
        )
    return replaced(c, node, c.expr(node.args[0]), node.args[0])


def replaced(c: Context, node: ast.Call, operand: Expr, source: ast.expr) -> Expr:
    """A record with the fields that a call gives by name."""
    t = operand.type
    if not isinstance(t, RecordType):
        c.fail(
            source,
            f"replace needs a record, and this is {t}",
            "tell a union apart first; test an optional for None",
        )
    given = {k.arg: k.value for k in node.keywords if k.arg}
    for name, value in given.items():
        if name not in t.fields:
            c.fail(value, f"{t} has no field `{name}`", f"its fields: {', '.join(t.fields)}")
    made = [
        fitted(c.value(given[name], field), field, f"{t}.{name}", c.span(node))
        if name in given
        else ir.Field(operand.span, field, operand, name)
        for name, field in t.fields.items()
    ]
    return ir.MakeRecord(c.span(node), t, tuple(made))


def _isinstance(c: Context, node: ast.Call) -> Expr:
    positional(c, node, 2, 2)
    return c.test(node)[0]


CONTAINERS: dict[object, str] = {
    set: "set",
    frozenset: "set",
    Set: "set",
    list: "seq",
    Seq: "seq",
    Bag: "bag",
}
FUNCTIONS: dict[object, Handler] = {
    all: lambda c, node: _aggregate(c, node, "all"),
    any: lambda c, node: _aggregate(c, node, "any"),
    sum: lambda c, node: _aggregate(c, node, "sum"),
    min: lambda c, node: _extreme(c, node, "min"),
    max: lambda c, node: _extreme(c, node, "max"),
    len: _len,
    abs: _abs,
    int: _int,
    range: _range,
    isinstance: _isinstance,
    sorted: _sorted,
    filter: _filter,
    map: _map,
    next: _next,
    itertools.permutations: _permutations,
    api.permutations: _permutations,
    api.maps: _maps,
    api.sequences: _sequences,
    api.enabled: _enabled,
    api.choose: _choose,
    reversed: _sequence_view("reversed"),
    enumerate: _sequence_view("enumerate"),
    zip: _zip,
    sorts.first: _endpoint(last=False),
    sorts.last: _endpoint(last=True),
    api.majorities: _majorities,
    api.subsets: _subsets,
    records.replace: _replace,
    dataclasses.replace: _replace,
    Map.fromkeys: map_from_keys,
    **HANDLERS,
}
