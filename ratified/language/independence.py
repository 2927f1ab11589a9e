"""Loops whose iterations cannot see each other: run in any order, they come to the same.

Guarantees: of a loop for which `interference` finds no reason, the iterations may be run in any order: where all goes well in two
orders, the variables after them, the local names that are read later, and what is returned are the same. (Where a guard fails, a
bound is left or an error is raised, another order may meet something else first, or return before it: `Uses` tells whether that
may be.) The converse does not hold: what is found here might do no harm. Held to the evaluator on generated models
(tests/language/test_independence.py).

Iterations cannot see each other if all that they change is put into sets and bags, or stands at places of their own, or is
the same for all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ratified.language import ir
from ratified.language.inline import Inliner
from ratified.language.ir import Clause, Expr, Node, Which
from ratified.language.types import BagType, MapType, SetType
from ratified.language.uses import Uses, bound, core, free, is_name, live_in_iterations, place


def interference(uses: Uses, loop: ir.For, after: frozenset[str]) -> tuple[str, ...]:
    """Why the order of a loop's iterations may matter, a reason each; `after` are the local names that are read after it."""
    one = _Iteration(uses, Inliner(uses.module), loop, _distinct_names(loop), set(loop.names))
    one.gather(loop.body)
    return (*one.of_returns(), *one.of_lets(after | live_in_iterations(loop, after)), *one.of_stores())


def _distinct_names(loop: ir.For) -> frozenset[str]:
    """The names of a loop that have another value in each iteration, all through it."""
    domain = loop.domain
    while isinstance(domain, ir.Convert) and domain.what in ("reversed", "sorted", "sorted-reversed"):
        domain = domain.operand
    if isinstance(domain, ir.Convert) and domain.what in ("items", "enumerate"):
        names = loop.names[:1]
    elif isinstance(domain, ir.IntRange) or isinstance(domain.type, SetType | MapType):
        names = loop.names if len(loop.names) == 1 else ()
    else:
        names = ()
    return frozenset(names) - bound(loop.body)


@dataclass
class _Iteration:
    """What one iteration of a loop does, and why that might be seen by another one."""

    uses: Uses
    inliner: Inliner
    loop: ir.For
    distinct: frozenset[str]
    """The loop's names that have another value in each one."""
    own: set[str]
    """The names that may have: the loop's, those of loops inside it, and those that are assigned."""
    stores: list[ir.Store] = field(default_factory=list)
    lets: list[ir.Let] = field(default_factory=list)
    returns: list[ir.Return] = field(default_factory=list)
    reads: list[Node] = field(default_factory=list)
    """Expressions that are not the values of stores or lets."""

    def gather(self, body: tuple[Node, ...]) -> None:
        """Gather what a block does, procedures written out."""
        for statement in body:
            match statement:
                case ir.Store():
                    self.stores.append(statement)
                case ir.Let():
                    self.lets.append(statement)
                    self.own.update(statement.names)
                case ir.Return():
                    self.returns.append(statement)
                case ir.If(_, test, then, orelse):
                    self.reads.append(test)
                    self.gather(then)
                    self.gather(orelse)
                case ir.For(_, names, domain, inner):
                    self.own.update(names)
                    self.reads.append(domain)
                    self.gather(inner)
                case ir.Do(_, function, arguments):
                    self.gather(self.inliner.body(self.uses.module.functions[function], arguments))
                case _:
                    self.reads.append(statement)

    def of_returns(self) -> Iterator[str]:
        """Why it may matter which iteration returns. One that returns no value may keep others from changing variables."""
        values = {
            (type(r.value.value), r.value.value) if isinstance(r.value, ir.Literal) else None
            for r in self.returns
        }
        if len(values) > 1 or None in values:
            yield "it returns from the first iteration that reaches it"

    def of_lets(self, after: frozenset[str]) -> Iterator[str]:
        """Why it may matter in which order local names are assigned."""
        for name in sorted(after & {n for let in self.lets for n in let.names}):
            mine = [let for let in self.lets if name in let.names]
            others = [
                *self.reads,
                *self.stores,
                *self.returns,
                *(let for let in self.lets if let not in mine),
            ]
            flag = all(
                isinstance(let.value, ir.Literal) and ir.alike(let.value, mine[0].value) for let in mine
            )
            total = len(mine) == 1 and mine[0].names == (name,) and _accumulates(mine[0].value, name)
            if not (flag or total) or any(name in free(other) for other in others):
                yield (
                    "it breaks at the first iteration that reaches it"
                    if self._breaks_by(name)
                    else f"`{name}` is carried from one iteration to the next"
                )

    def _breaks_by(self, name: str) -> bool:
        """Whether a name stands for a `break` (`compile/jumps.py`), and is none of the source."""
        match self.loop.body:
            case (ir.If(span, ir.Not(_, _, ir.Local(_, _, flag)), _, ()),):
                return span == self.loop.span and flag == name
        return False

    def of_stores(self) -> Iterator[str]:
        """Why it may matter in which order variables are changed."""
        stored = {s.variable for s in self.stores}
        read = set[str]()
        for node in (*self.reads, *(let.value for let in self.lets), *self.returns):
            read |= self._now(node)
        for store in self.stores:
            for key in store.path:
                read |= self._now(key)
        for name in sorted(stored):
            mine = [s for s in self.stores if s.variable == name]
            elsewhere = any(name in self._now(s.value) for s in self.stores if s.variable != name)
            reason = self._of_variable(name, mine, name in read or elsewhere, stored)
            if reason:
                yield reason

    def _now(self, node: Node) -> frozenset[str]:
        return self.uses.reads(node, Which.NOW)

    def _of_variable(self, name: str, stores: list[ir.Store], read: bool, stored: set[str]) -> str | None:
        """Why iterations may see what others do to a variable."""
        own = [self._own_place(s) for s in stores]
        if all(position is not None for position in own) and len(set(own)) == 1:
            # Each iteration has a place of its own, and may do there what it likes, if it looks nowhere else in the variable.
            if not any(self._looks_elsewhere(n, name, own[0] or 0, self.distinct) for n in self._all_nodes()):
                return None
            return f"one iteration may read what another has written to `{name}`"
        if read:
            return f"one iteration may read what another has written to `{name}`"
        kinds = {self._kind(s, stored) for s in stores}
        if len(kinds) == 1 and None not in kinds:
            return None
        return f"a later iteration may undo what an earlier one did to `{name}`"

    def _all_nodes(self) -> Iterator[Node]:
        yield from self.reads
        yield from self.lets
        yield from self.returns
        yield from self.stores

    def _own_place(self, store: ir.Store) -> int | None:
        """The position in a store's path of a key that no other iteration has, if there is one."""
        return next((at for at, key in enumerate(store.path) if _is_one_of(key, self.distinct)), None)

    def _looks_elsewhere(
        self, node: Node | Clause, name: str, position: int, distinct: frozenset[str]
    ) -> bool:
        """Whether a node reads a variable other than at the iteration's own key, one of `distinct`, at a position of the path."""
        if name not in self.uses.reads(node, Which.NOW):
            return False
        if isinstance(node, ir.At) and (found := place(node)) is not None:
            variable, path = found
            if variable.name == name and variable.which is Which.NOW:
                own = position < len(path) and _is_one_of(path[position], distinct)
                return not own or any(self._looks_elsewhere(k, name, position, distinct) for k in path)
        if isinstance(node, ir.Variable) or (
            isinstance(node, ir.Call) and (Which.NOW, name) in self.uses.function(node.function).reads
        ):
            return True
        if isinstance(node, ir.Collect):  # a name that it binds hides the iteration's
            distinct -= {n for clause in node.clauses for n in clause.names}
        return any(self._looks_elsewhere(child, name, position, distinct) for child in ir.children(node))

    def _kind(self, store: ir.Store, stored: set[str]) -> str | None:
        """What sort of change a store is, if changes of that sort come to the same in any order."""
        changed: list[Expr] = []
        kind: str | None = None
        match value := core(store.value):
            case ir.Insert(_, SetType() | BagType(), container, item):
                kind, changed = "insert", [container, item]
            case ir.Remove(_, _, container, item):
                kind, changed = "remove", [container, item]
            case ir.SetOp(_, _, "|" | "&" | "-" as op, container, item):
                kind, changed = {"|": "insert", "&": "keep", "-": "remove"}[op], [container, item]
            case ir.Concat(_, BagType(), container, item):
                kind, changed = "insert", [container, item]
            case ir.Arithmetic(_, _, "+" | "-" as op, container, item):
                # By steps of one sign: else a bound might be left in one order and not in another.
                if isinstance(item, ir.Literal) and isinstance(item.value, int) and item.value >= 0:
                    kind, changed = op, [container, item]
        if kind is not None and _same_place(changed[0], store) and not self._now(changed[1]) & stored:
            return kind
        if not store.path and not free(store.value) & self.own and not self._now(store.value) & stored:
            return f"set to {value!r}"
        return None


def _is_one_of(key: Expr, names: frozenset[str]) -> bool:
    return any(is_name(key, name) for name in names)


def _accumulates(value: Expr, name: str) -> bool:
    """Whether a local is given its own value with something added, in a way that comes to the same in any order."""
    match core(value):
        case ir.Arithmetic(_, _, "+" | "*", left, right) | ir.SetOp(_, _, "|" | "&", left, right):
            sides = [left, right]
        case ir.And(_, _, operands) | ir.Or(_, _, operands):
            sides = list(operands)
        case ir.Insert(_, SetType() | BagType(), container, item):
            sides = [container, item]
        case _:
            return False
    own = [isinstance(s, ir.Local) and s.name == name for s in sides]
    return own.count(True) == 1 and not any(
        name in free(s) for s, mine in zip(sides, own, strict=True) if not mine
    )


def _same_place(container: Expr, store: ir.Store) -> bool:
    """Whether an expression reads the very place that a store changes."""
    found = place(container)
    return found is not None and found[0].name == store.variable and ir.alike(found[1], store.path)
