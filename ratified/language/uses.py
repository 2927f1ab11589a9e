"""Questions about trees: what a piece of a model reads, changes and calls, and in what ways it may end.

Guarantees, each held to the evaluator on generated models (tests/language/test_uses.py):

- a variable, parameter or local name that is not among what a piece reads may have any value: the piece does the same;
- a variable that is not among what it writes has the same value after it;
- where `may_fail`, `may_leave` or `may_refuse` says no, running the piece raises no error, leaves no bound, fails no guard.

`Uses` answers for the trees of a module: variables, parameters, calls, and ways to end. Plain functions answer for local names
and forms. Whether the iterations of a loop may be run in another order is asked in `independence.py`.

The answers are by the text alone, functions that are called included, and so on the safe side: what is said to be read may turn
out not to matter. Variables are taken to have values: that `init` may read one too early is not among the answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ratified.language import ir
from ratified.language.api import MOST_IN_SUBSETS, MOST_MAPS
from ratified.language.errors import SizeError
from ratified.language.ir import Clause, Expr, Function, Module, Node, Which
from ratified.language.scope import Scope
from ratified.language.sorts import BoundLeft
from ratified.language.types import (
    IntType,
    MapType,
    SeqType,
    SetType,
    SortType,
    TupleType,
    Type,
    cardinality,
    children,
    fit_of,
    names_in_bounds,
    parts_outside_records,
    resolved,
    surely_within,
)

Tree = Node | Clause | Function | Iterable[Node | Clause]
"""A piece of a model: an expression, a statement, a block of statements, or a whole function with its parameters' domains."""

VariableKey = tuple[Which, str]
"""A variable of one state."""


def roots(tree: Tree) -> tuple[Node | Clause, ...]:
    """The outermost nodes of a piece."""
    if isinstance(tree, Node | Clause):
        return (tree,)
    if isinstance(tree, Function):
        return (*(a.domain for a in tree.arguments if a.domain is not None), *tree.body)
    return tuple(tree)


def nodes(tree: Tree) -> Iterator[Node | Clause]:
    """Every node of a piece, outer before inner."""
    for root in roots(tree):
        yield from ir.walk(root)


# --- local names ------------------------------------------------------------------------------------------------------


def free(node: Node | Clause | None) -> frozenset[str]:
    """The local names whose values an expression, clause or statement depends on: those that it reads and does not bind."""
    match node:
        case None:
            return frozenset()
        case ir.Local(_, _, name):
            return frozenset((name,))
        case ir.Collect(_, _, _, element, clauses, key, default):
            inner = free(element) | free(key)
            for clause in reversed(clauses):
                inner = ((inner | _free_of_all(clause.conditions)) - set(clause.names)) | free(clause.domain)
            return inner | free(default)
        case Clause(names, domain, conditions):
            return (_free_of_all(conditions) - set(names)) | free(domain)
        case ir.If() | ir.For() | ir.Let():
            return live((node,))
    return _free_of_all(ir.children(node))


def _free_of_all(several: Iterable[Node | Clause]) -> frozenset[str]:
    return frozenset().union(*map(free, several))


def live(body: Iterable[Node], after: frozenset[str] = frozenset()) -> frozenset[str]:
    """The local names that a block reads before it assigns them, and those of `after` that it may leave as they were.

    `after` are the names that are read once the block is done.
    """
    found = after
    for statement in reversed(tuple(body)):
        match statement:
            case ir.Let(_, names, value):
                found = (found - set(names)) | free(value)
            case ir.If(_, test, then, orelse):
                found = live(then, found) | live(orelse, found) | free(test)
            case ir.For(_, _, domain):
                found |= live_in_iterations(statement, found) | free(domain)
            case ir.Return():
                found = free(statement)
            case _:
                found |= free(statement)
    return found


def live_in_iterations(loop: ir.For, after: frozenset[str]) -> frozenset[str]:
    """The local names, other than the loop's own, that an iteration reads as it finds them, or what comes later does."""
    again = live(loop.body, after) - set(loop.names)
    return live(loop.body, after | again) - set(loop.names)


def loops(
    body: Iterable[Node], after: frozenset[str] = frozenset()
) -> Iterator[tuple[ir.For, frozenset[str]]]:
    """Every loop in a block, with the local names that are read once it is done."""
    for statement in reversed(tuple(body)):
        match statement:
            case ir.If(_, _, then, orelse):
                yield from loops(then, after)
                yield from loops(orelse, after)
            case ir.For(_, _, _, inner):
                yield from loops(inner, after | live_in_iterations(statement, after))
                yield statement, after
        after = live((statement,), after)


def assigned(body: Iterable[Node]) -> dict[str, Type]:
    """The local names that statements give a value, with its type; names of loops are not among them."""
    found: dict[str, Type] = {}
    for node in nodes(body):
        if isinstance(node, ir.Let):
            several = node.value.type.items if isinstance(node.value.type, TupleType) else ()
            types = (node.value.type,) if len(node.names) == 1 else several
            for name, t in zip(node.names, types, strict=True):
                found.setdefault(name, t)
    return found


def bound(body: Iterable[Node]) -> frozenset[str]:
    """The local names that statements give a value, in assignments and as names of loops."""
    return frozenset(n for node in nodes(body) if isinstance(node, ir.Let | ir.For) for n in node.names)


# --- forms ------------------------------------------------------------------------------------------------------------


def conjuncts(test: Expr) -> Iterator[Expr]:
    """What a conjunction is made of, from the left; a test that is none is its only part."""
    if isinstance(test, ir.And):
        for operand in test.operands:
            yield from conjuncts(operand)
    else:
        yield test


def core(expr: Expr) -> Expr:
    """An expression without what only changes its type or checks its bounds."""
    while isinstance(expr, ir.Widen | ir.Narrow | ir.Fit):
        expr = expr.operand
    return expr


def place(expr: Expr) -> tuple[ir.Variable, tuple[Expr, ...]] | None:
    """The variable that an expression reads at a path of keys, and that path; None if it is no such expression."""
    path: list[Expr] = []
    expr = core(expr)
    while isinstance(expr, ir.At):
        path.append(expr.key)
        expr = core(expr.container)
    return (expr, tuple(reversed(path))) if isinstance(expr, ir.Variable) else None


def is_name(expr: Expr, name: str) -> bool:
    """Whether an expression is a local name, perhaps as a value of a larger type."""
    while isinstance(expr, ir.Widen):
        expr = expr.operand
    return isinstance(expr, ir.Local) and expr.name == name


def returns(tree: Tree) -> list[ir.Return]:
    """The returns in a piece."""
    return [node for node in nodes(tree) if isinstance(node, ir.Return)]


def stores(tree: Tree) -> list[ir.Store]:
    """The stores in a piece, not those of procedures that it calls."""
    return [node for node in nodes(tree) if isinstance(node, ir.Store)]


def guards_first(body: Iterable[Node]) -> bool:
    """Whether certainly every guard comes before any change, so that a failed one leaves nothing to undo."""
    changed = False
    for node in nodes(body):
        if isinstance(node, ir.For | ir.Do):
            return False  # a procedure may hold guards, a loop may come round to them
        if isinstance(node, ir.Require) and changed:
            return False
        changed = changed or isinstance(node, ir.Store)
    return True


# --- variables, calls, and ways to end ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a piece. `calls` are the keys of functions and procedures that it comes to, directly or not."""

    reads: frozenset[VariableKey] = frozenset()
    writes: frozenset[VariableKey] = frozenset()
    parameters: frozenset[str] = frozenset()
    calls: frozenset[str] = frozenset()
    fails: bool = False
    narrows: bool = False
    leaves: bool = False
    refuses: bool = False

    def __or__(self, other: Facts) -> Facts:
        if self is other or other is NOTHING:
            return self
        if self is NOTHING:
            return other
        return Facts(
            self.reads | other.reads,
            self.writes | other.writes,
            self.parameters | other.parameters,
            self.calls | other.calls,
            self.fails or other.fails,
            self.narrows or other.narrows,
            self.leaves or other.leaves,
            self.refuses or other.refuses,
        )


NOTHING = Facts()
_FAILS, _LEAVES, _NARROWS = Facts(fails=True), Facts(leaves=True), Facts(narrows=True)


class Uses:
    """Answers for the trees of one module. In a scope, bounds and numbers of values are known, and fewer pieces may fail.

    Answers are kept by node and by function; nodes are held, so that none is taken for another.
    """

    def __init__(self, module: Module, scope: Scope | None = None) -> None:
        self.module = module
        self.scope = scope
        self._declared = {d.name: d.type for d in module.variables}
        self._parameters = {d.name for d in module.parameters}
        self._functions: dict[str, Facts] = {}
        self._nodes: dict[int, tuple[Node | Clause, Facts]] = {}

    # --- the questions ---

    def facts(self, tree: Tree) -> Facts:
        """Everything that is known of a piece."""
        found = NOTHING
        for root in roots(tree):
            found |= self._node(root)
        return found

    def function(self, key: str) -> Facts:
        """Everything that is known of a function or procedure when it is called."""
        found = self._functions.get(key)
        if found is None:
            found = self._functions[key] = self.facts(self.module.functions[key].body)
        return found

    def reads(self, tree: Tree, *which: Which) -> frozenset[str]:
        """The variables that a piece reads in one of these states (in any, if none is named), in functions that it calls too.

        A store at a path does not read its variable, the rest of which is kept, unless there may be nothing at that path.
        """
        return _of(self.facts(tree).reads, which)

    def writes(self, tree: Tree, *which: Which) -> frozenset[str]:
        """The variables that a piece may change, in procedures that it calls too."""
        return _of(self.facts(tree).writes, which)

    def parameters(self, tree: Tree) -> frozenset[str]:
        """The parameters of the model that a piece reads, or that bounds are made of which it is held to."""
        return self.facts(tree).parameters

    def calls(self, tree: Tree) -> frozenset[str]:
        """The keys of the functions and procedures that a piece calls, directly or not."""
        return self.facts(tree).calls

    def pure(self, tree: Tree) -> bool:
        """Whether a piece changes no variable and has no guard."""
        facts = self.facts(tree)
        return not facts.writes and not facts.refuses

    def stateless(self, tree: Tree) -> bool:
        """Whether a piece reads no variable of any state."""
        return not self.facts(tree).reads

    def may_fail(self, tree: Tree, *, moved: bool = False) -> bool:
        """Whether a piece may have no value, or fail an assertion: the model is then in error.

        A value that is narrowed never fails where it stands, behind the test that says so. `moved` asks whether the piece may
        fail anywhere else.
        """
        facts = self.facts(tree)
        return facts.fails or (moved and facts.narrows)

    def may_leave(self, tree: Tree) -> bool:
        """Whether a piece may leave a declared bound: the step is then not taken, and reported."""
        return self.facts(tree).leaves

    def may_refuse(self, tree: Tree) -> bool:
        """Whether a guard in a piece may be false: the step is then not possible."""
        return self.facts(tree).refuses

    # --- nodes ---

    def _node(self, node: Node | Clause) -> Facts:
        known = self._nodes.get(id(node))
        if known is None:
            facts = self._own(node)
            for child in ir.children(node):
                facts |= self._node(child)
            known = self._nodes[id(node)] = node, facts
        return known[1]

    def _own(self, node: Node | Clause) -> Facts:
        """What a node adds to what is inside it."""
        match node:
            case ir.Variable(_, _, name, which):
                return Facts(reads=frozenset(((which, name),)))
            case ir.Parameter(_, _, name):
                return Facts(parameters=frozenset((name,)))
            case ir.Call(_, _, key, _, which):
                return _seen_from(replace(self._called(key), narrows=False), which)
            case ir.Do(_, key, _):
                return replace(self._called(key), narrows=False)
            case ir.Store():
                return self._store(node)
            case ir.Require():
                return Facts(refuses=True)
            case ir.Fit(_, t):
                return NOTHING if self.certain(node) else _LEAVES | self._bounds(t)
            case ir.Shift(_, _, _, steps):
                return _shift(steps)
            case ir.Numbered(_, t):
                return Facts(fails=True, leaves=isinstance(t, SortType) and t.ordered)
            case ir.Narrow():
                return _NARROWS
        return _FAILS if self._partial(node) else NOTHING

    def _called(self, key: str) -> Facts:
        return self.function(key) | Facts(calls=frozenset((key,)))

    def _store(self, node: ir.Store) -> Facts:
        place_ = frozenset(((node.which, node.variable),))
        declared = self._declared.get(node.variable)
        if node.which is Which.ABSTRACT or declared is None:
            return Facts(writes=place_)
        if not node.path:
            total = Facts(writes=place_, fails=_has_int_keys(declared))
            return total | self._bounds(declared) if total.fails else total
        partial, inside = False, declared
        for _ in node.path:
            partial = partial or _may_lack(inside)
            inside = children(inside)[-1]
        return Facts(reads=place_, writes=place_, fails=True) if partial else Facts(writes=place_)

    def _bounds(self, t: Type) -> Facts:
        """The parameters that the bounds of a type are made of."""
        return Facts(parameters=frozenset(names_in_bounds(t) & self._parameters))

    def _partial(self, node: Node | Clause) -> bool:
        """Whether a node may have no value although all that is inside it has one."""
        match node:
            case ir.IndexOf() | ir.Pop() | ir.Assert() | ir.Remove(_, _, _, _, True):
                return True
            case ir.Arithmetic(_, _, "//" | "%", _, right):
                return not isinstance(right, ir.Literal) or right.value == 0
            case ir.At(_, _, container) | ir.With(_, _, container):
                return _may_lack(container.type)
            case ir.Collect(_, _, "min" | "max", _, _, _, None):
                return True
            case ir.Subsets(_, _, sort, None, False):
                return self.scope is None or self.scope.sizes.get(sort.sort, 99) > MOST_IN_SUBSETS
            case ir.Universe(type=SetType(MapType() as t)):
                return self.scope is None or cardinality(t, self.scope) > MOST_MAPS
        return False

    def certain(self, node: ir.Fit) -> bool:
        """Whether a value certainly fits where it is put."""
        given, wanted = core(node.operand), node.type
        if self.scope is not None:
            try:
                wanted = resolved(wanted, self.scope)
            except SizeError:
                return False
        if isinstance(given, ir.Literal):
            return _literal_fits(given.value, wanted)
        return self._within(given.type, wanted) or self._within(node.operand.type, wanted)

    def _within(self, given: Type, wanted: Type) -> bool:
        if self.scope is not None:
            try:
                given = resolved(given, self.scope)
            except SizeError:
                return False
        return surely_within(given, wanted)


def _of(places: frozenset[VariableKey], which: tuple[Which, ...]) -> frozenset[str]:
    return frozenset(name for state, name in places if not which or state in which)


def _seen_from(called: Facts, which: Which) -> Facts:
    """What a call in a state does: a function that is called on the state before reads that as its own."""
    if which is Which.NOW:
        return called
    return replace(called, reads=frozenset((which, name) for _, name in called.reads))


def _shift(steps: Expr) -> Facts:
    """Past the last value a bound is left; before the first one is an error."""
    by = steps.value if isinstance(steps, ir.Literal) else None
    if isinstance(steps, ir.Negative) and isinstance(steps.operand, ir.Literal):
        by = -steps.operand.value  # type: ignore[operator]  # an int
    if not isinstance(by, int):
        return Facts(fails=True, leaves=True)
    return Facts(fails=by < 0, leaves=by > 0)


def _has_ints(t: Type) -> bool:
    return any(isinstance(p, IntType) for p in parts_outside_records(t))


def _may_lack(t: Type) -> bool:
    """Whether there may be no element at a key: maps are total, but a type with ints does not bound its expressions."""
    return isinstance(t, SeqType) or (isinstance(t, MapType) and _has_ints(t.key))


def _has_int_keys(t: Type) -> bool:
    return isinstance(t, MapType) and (_has_ints(t.key) or _has_int_keys(t.value))


def _literal_fits(value: object, t: Type) -> bool:
    """Whether a constant is within a type whose bounds are numbers, as far as they are."""
    if any(isinstance(b, str) for p in parts_outside_records(t) for b in _bounds(p)):
        return False
    check = fit_of(t, "")
    try:
        if check:
            check(value)
    except BoundLeft:
        return False
    return True


def _bounds(t: Type) -> tuple[object, ...]:
    return tuple(getattr(t, name, None) for name in ("low", "high", "size", "copies"))
