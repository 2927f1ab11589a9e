"""What constants, conditions, comparisons and numbers mean in first-order logic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ratified.language import ir
from ratified.language.errors import Span
from ratified.language.ir import Which
from ratified.language.rules import Rules
from ratified.language.sorts import Sort
from ratified.language.types import (
    NoneType,
    OptionalType,
    RecordType,
    SetType,
    SortType,
    TupleType,
    Type,
    records_of,
)
from ratified.smt.first_order import shapes as sh
from ratified.smt.first_order.adding import added_up
from ratified.smt.first_order.constants import numbered
from ratified.smt.first_order.context import Failing, LogicContext
from ratified.smt.first_order.counting import counted, size_is, size_of
from ratified.smt.first_order.equality import as_number, is_none
from ratified.smt.first_order.names import sort_name
from ratified.smt.first_order.ordering import LoopRange, chosen
from ratified.smt.first_order.shapes import (
    Atom,
    Maybe,
    Members,
    Nothing,
    OneOf,
    ProductShape,
    Shape,
    either,
)
from ratified.smt.first_order.symbols import known_of
from ratified.smt.first_order.theory import COUNTED, Axiom
from ratified.smt.terms import (
    BOOL,
    FALSE,
    TRUE,
    Apply,
    Arithmetic,
    Number,
    Term,
    at_most,
    choice,
    conj,
    disj,
    equal,
    every,
    fresh,
    implies,
    less,
    minus,
    neg,
    plus,
    sort_of,
)

leaves: Rules[LogicContext, Shape] = Rules("leaves in first-order logic")
connectives: Rules[LogicContext, Shape] = Rules("conditions in first-order logic")
numbers: Rules[LogicContext, Shape] = Rules("numbers in first-order logic")
types: Rules[LogicContext, Shape] = Rules("types in first-order logic")

# --- leaves -----------------------------------------------------------------------------------------------------------


@leaves.rule(ir.Local)
def _(node: ir.Local, context: LogicContext) -> Shape:
    return sh.known(context.env[node.name])


@leaves.rule(ir.Variable)
def _(node: ir.Variable, context: LogicContext) -> Shape:
    if node.which is Which.OLD:
        return sh.known(context.old[node.name])
    if node.name in context.unset:
        context.demand(Failing.ERROR, FALSE, f"reading `{node.name}` before it has a value", node.span)
    return sh.known(context.now[node.name])


@leaves.rule(ir.Parameter)
def _(node: ir.Parameter, context: LogicContext) -> Shape:
    return context.theory.parameters[node.name]


@leaves.rule(ir.Universe)
def _(node: ir.Universe, context: LogicContext) -> Shape:
    assert isinstance(node.type, SetType)
    return context.shapes.universe(node.type.item)


@leaves.rule(ir.Subsets)
def _(node: ir.Subsets, context: LogicContext) -> Shape:
    if node.majorities:
        return context.theory.majorities(node.sort)
    if node.size is None:
        return context.shapes.universe(SetType(node.sort))
    size = context.number(node.size)

    def sized(x: Shape) -> Term:
        assert isinstance(x, Members)
        if isinstance(size, Number) and size.value < COUNTED:
            return size_is(x, "==", size.value, context, node)
        return equal(size_of(x, context), size)

    return where(context.shapes.universe(SetType(node.sort)), sized)


def where(members: Members, test: Callable[[Shape], Term]) -> Members:
    """What is in a set and passes a test."""
    return Members(
        members.item,
        lambda x: conj(members.has(x), test(x)),
        lambda f: members.every(lambda x: implies(test(x), f(x))),
        lambda f: members.some(lambda x: conj(test(x), f(x))),
        typed=members.typed,
        parts=tuple(where(part, test) for part in members.parts),
        times=members.times,
        values=members.values,
    )


@leaves.rule(ir.Endpoint)
def _(node: ir.Endpoint, context: LogicContext) -> Shape:
    assert isinstance(node.type, SortType)
    return Atom(context.theory.endpoint(node.type, last=node.last))


@leaves.rule(ir.Call)
def _(node: ir.Call, context: LogicContext) -> Shape:
    arguments = [context.expr(a) for a in node.arguments]
    function = context.logic.module.functions[node.function]
    if node.which is Which.OLD:
        # A helper called on the state before the step reads that state as its own.
        context = replace(context, now=context.old, old={})
    return context.call(function, arguments)


# --- conditions -------------------------------------------------------------------------------------------------------


@connectives.rule(ir.Not)
def _(node: ir.Not, context: LogicContext) -> Shape:
    return Atom(neg(context.formula(node.operand)))


@connectives.rule(ir.And)
def _(node: ir.And, context: LogicContext) -> Shape:
    found: list[Term] = []
    for operand in node.operands:
        found.append(context.under(conj(*found)).formula(operand))
        if found[-1] == FALSE:
            break
    return Atom(conj(*found))


@connectives.rule(ir.Or)
def _(node: ir.Or, context: LogicContext) -> Shape:
    found: list[Term] = []
    for operand in node.operands:
        found.append(context.under(neg(disj(*found))).formula(operand))
        if found[-1] == TRUE:
            break
    return Atom(disj(*found))


@connectives.rule(ir.IfElse)
def _(node: ir.IfElse, context: LogicContext) -> Shape:
    test = context.formula(node.test)
    if test in (TRUE, FALSE):
        return context.expr(node.then if test == TRUE else node.orelse)
    then, orelse = context.under(test).expr(node.then), context.under(neg(test)).expr(node.orelse)
    return either(test, then, orelse)


@connectives.rule(ir.IsNone)
def _(node: ir.IsNone, context: LogicContext) -> Shape:
    return Atom(is_none(context.expr(node.operand)))


@connectives.rule(ir.IsRecord)
def _(node: ir.IsRecord, context: LogicContext) -> Shape:
    operand, there = context.expr(node.operand), TRUE
    if isinstance(operand, Maybe):
        there, operand = operand.some, operand.value
    match operand:
        case ProductShape(t, _):
            return Atom(conj(there, TRUE if t in node.records else FALSE))
        case OneOf(cases):
            return Atom(conj(there, disj(*(test for r, test, _ in cases if r in node.records))))
    return Atom(FALSE)


@connectives.rule(ir.Compare)
def _(node: ir.Compare, context: LogicContext) -> Shape:
    if (number := counted(node, context)) is not None:
        return Atom(number)
    left, right = context.expr(node.left), context.expr(node.right)
    if node.op in ("==", "!="):
        same = context.logic.same(left, right)
        return Atom(same if node.op == "==" else neg(same))
    if node.op in (">", ">="):
        left, right = right, left
    return Atom(before(node.left.type, left, right, context, strict=node.op in ("<", ">"), span=node.span))


def before(t: Type, left: Shape, right: Shape, context: LogicContext, *, strict: bool, span: Span) -> Term:
    """`left < right` if `strict`, else `left <= right`: of ints, ordered values, tuples of these, and sets."""
    match left, right:
        case Atom(a), Atom(b):
            if isinstance(t, SortType):
                order = context.theory.order(t)
                return neg(order(b, a)) if strict else order(a, b)
            if sort_of(a) == BOOL and sort_of(b) == BOOL:
                return conj(neg(a), b) if strict else implies(a, b)
            a, b = as_number(a), as_number(b)
            return less(a, b) if strict else at_most(a, b)
        case ProductShape(TupleType(items), xs), ProductShape(_, ys):
            found: Term = FALSE if strict else TRUE
            for item, x, y in reversed(list(zip(items, xs, ys, strict=True))):
                first = before(item, x, y, context, strict=True, span=span)
                found = disj(first, conj(context.logic.same(x, y), found))
            return found
        case Members(count=None), Members(count=None):
            inside = left.every(right.has)
            return conj(inside, neg(right.every(left.has))) if strict else inside
    raise sh.refuse(span, f"an order of {t}", "compare ints and ordered sorts")


# --- numbers ----------------------------------------------------------------------------------------------------------


@numbers.rule(ir.Arithmetic)
def _(node: ir.Arithmetic, context: LogicContext) -> Shape:
    left, right = context.number(node.left), context.number(node.right)
    match node.op:
        case "+":
            return Atom(plus(left, right))
        case "-":
            return Atom(minus(left, right))
        case "*":
            if isinstance(left, Number) and isinstance(right, Number):
                return Atom(Number(left.value * right.value))
            return Atom(Arithmetic("*", (left, right)))
    context.demand(Failing.ERROR, neg(equal(right, Number(0))), "a division by zero", node.span)
    return Atom(_divided(node.op, left, right))


def _divided(op: str, left: Term, right: Term) -> Term:
    """Python's floor division, and what it leaves: SMT-LIB's for a positive divisor, and of both negated for a negative one."""

    def nothing(t: Term) -> Term:
        return minus(Number(0), t)

    if isinstance(left, Number) and isinstance(right, Number) and right.value:
        return Number(left.value // right.value if op == "//" else left.value % right.value)
    up: Term
    down: Term
    if op == "//":
        up, down = Arithmetic("div", (left, right)), Arithmetic("div", (nothing(left), nothing(right)))
    else:
        up = Arithmetic("mod", (left, right))
        down = nothing(Arithmetic("mod", (nothing(left), nothing(right))))
    return choice(less(Number(0), right), up, down)


@numbers.rule(ir.Shift)
def _(node: ir.Shift, context: LogicContext) -> Shape:
    steps, t = context.number(node.steps), node.type
    assert isinstance(t, SortType)
    if not isinstance(steps, Number):
        place = _place(t, context.expr(node.operand), node.span, context)
        return _at_place(t, plus(place, steps), node.span, context)
    term, up = context.term(node.operand), steps.value > 0
    there: Term = TRUE
    for _ in range(abs(steps.value)):
        there = conj(there, context.theory.beyond(t, term, up=up))
        term = context.theory.neighbour(t, term, up=up)
    what = f"{steps.value:+} from the {'last' if up else 'first'} {t}"
    context.demand(Failing.LAST if up else Failing.ERROR, there, what, node.span)
    return Atom(term)


@numbers.rule(ir.Number)
def _(node: ir.Number, context: LogicContext) -> Shape:
    if isinstance(node.operand, ir.Literal) and isinstance(node.operand.value, Sort):
        context.expr(node.operand)
        return Atom(Number(int(node.operand.value)))
    if isinstance(node.operand.type, SortType):
        return Atom(_place_of(node, context))
    return Atom(context.number(node.operand))


def _place_of(node: ir.Number, context: LogicContext) -> Term:
    """The number of a sort's value: how many come before it."""
    if isinstance(node.operand, ir.Numbered) and isinstance(node.operand.index, ir.Literal):
        context.expr(node.operand)
        return context.number(node.operand.index)
    t = node.operand.type
    assert isinstance(t, SortType)
    return _place(t, Atom(context.term(node.operand)), node.span, context)


def _place(t: SortType, value: Shape, span: Span, context: LogicContext) -> Term:
    """How many values of a sort come before one."""
    return _places(t, span, context)(value)


def _places(t: SortType, span: Span, context: LogicContext) -> Callable[[Shape], Term]:
    """The numbers of a sort's values. That they are in order follows from their laws by induction, which no solver does."""
    run = LoopRange(t, context.shapes.universe(t), lambda x: x)
    place = added_up(run, lambda _: Number(1), context, span)[0]
    x, y = (fresh(n, sort_name(t)) for n in "xy")
    one, other = place(Atom(x)), place(Atom(y))
    says, theory = f"the numbers of {t} are in its order", context.theory
    if (
        isinstance(one, Apply)
        and one.symbol.name in theory.laws
        and says not in {a.says for a in theory.axioms}
    ):
        in_order = every([x, y], equal(theory.order(t)(x, y), at_most(one, other)))
        theory.axioms.append(Axiom(says, one.symbol.name, in_order))
    return place


def _at_place(t: SortType, number: Term, span: Span, context: LogicContext) -> Shape:
    """The value of a sort that has a number, which is computed."""
    place = _places(t, span, context)
    there = context.shapes.universe(t).some(lambda x: equal(place(x), number))
    natural, beyond = at_most(Number(0), number), Failing.LAST if t.ordered else Failing.ERROR
    context.demand(Failing.ERROR, natural, f"a number of {t} below 0", span)
    context.demand(beyond, implies(natural, there), f"a number beyond the last {t}", span)
    return chosen(t, there, lambda x: equal(place(x), number), context, "numbered")


@numbers.rule(ir.Numbered)
def _(node: ir.Numbered, context: LogicContext) -> Shape:
    assert isinstance(node.type, SortType)
    index = context.number(node.index)
    if not isinstance(index, Number):
        return _at_place(node.type, index, node.span, context)
    return numbered(node.type, index.value, node.span, context)


# --- types ------------------------------------------------------------------------------------------------------------


@types.rule(ir.Narrow)
def _(node: ir.Narrow, context: LogicContext) -> Shape:
    return narrowed(context.expr(node.operand), node.type, context)


def narrowed(found: Shape, t: Type, context: LogicContext) -> Shape:
    """A shape as one of a smaller type, which the value is known to be of where it is used."""
    if isinstance(t, NoneType):
        return Nothing()
    if isinstance(t, OptionalType):
        return found
    if isinstance(found, Nothing):
        return context.theory.unknown(t)
    if isinstance(found, Maybe):
        found = found.value
    wanted = records_of(t)
    if isinstance(found, ProductShape) and isinstance(found.type, RecordType) and found.type not in wanted:
        return context.theory.unknown(t)
    if isinstance(found, OneOf):
        cases = [c for c in found.cases if c[0] in wanted]
        if not cases:
            return context.theory.unknown(t)
        return cases[0][2] if isinstance(t, RecordType) else OneOf(tuple(cases))
    return found


@types.rule(ir.Widen)
def _(node: ir.Widen, context: LogicContext) -> Shape:
    return context.expr(node.operand)


@types.rule(ir.Fit)
def _(node: ir.Fit, context: LogicContext) -> Shape:
    found = context.expr(node.operand)
    within = known_of(context.shapes, node.type, found)
    context.demand(Failing.LEFT, within, f"the bounds of {node.name}", node.span)
    return found
