"""Where a model could tell the values of a symmetric sort apart although it cannot name them: by the order they come in.

Guarantees: in a model without risks, renaming symmetric values turns every step, property and refinement into one. The converse
does not hold: what is refused here might do no harm.

A set of symmetric values is run through in some order, and another order would be as good. Nothing can depend on it where the
result is a set, bag, map, sum, `all` or `any`. It can where the result is a sequence, where equals are told apart by which came
first (`min` and `max` by a key), and in a loop where one round sees what another did. Rounds of a loop cannot see each other if
all that they change is put into sets and bags, or stands at places of their own, or is the same for all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ratified.explore.inline import Inliner
from ratified.language import ir
from ratified.language.errors import Span
from ratified.language.ir import Clause, Expr, Function, Kind, Module, Node, Which
from ratified.language.types import BagType, MapType, SeqType, SetType, SortType, Type, parts

Risk = tuple[Span, str]


def order_risks(module: Module) -> list[Risk]:
    """Each place where what a model does may depend on the order of symmetric values, with the reason; in order of source."""
    checker = _Checker(module)
    for function in _reachable(module):
        checker.function(function)
    return sorted(dict.fromkeys(checker.risks), key=lambda risk: (risk[0].file, risk[0].line, risk[0].column))


def _reachable(module: Module) -> list[Function]:
    """The functions that say what a model does; assumptions are about parameters, which no permutation used changes."""
    wanted = [
        f
        for f in module.functions.values()
        if f.key == f.name and f.kind not in (Kind.HELPER, Kind.ASSUMPTION)
    ]
    found: dict[str, Function] = {}
    while wanted:
        function = wanted.pop()
        if function.key in found:
            continue
        found[function.key] = function
        roots: list[Node] = [*function.body, *(a.domain for a in function.arguments if a.domain)]
        nodes = (n for root in roots for n in ir.walk(root))
        wanted += [module.functions[n.function] for n in nodes if isinstance(n, ir.Call | ir.Do)]
    return list(found.values())


def _symmetric(t: Type) -> bool:
    """Whether values of a type have symmetric values in them."""
    return any(isinstance(p, SortType) and p.symmetric for p in parts(t))


def unordered(domain: Expr) -> bool:
    """Whether the elements of a container come in an order that depends on symmetric values."""
    match domain:
        case ir.Convert(_, _, "keys" | "values" | "items", operand):
            return isinstance(operand.type, MapType) and _symmetric(operand.type.key)
        case (
            ir.Convert(_, _, "reversed", operand)
            | ir.Narrow(_, _, operand)
            | ir.Widen(_, _, operand)
            | ir.Fit(_, _, operand)
        ):
            return unordered(operand)
        case ir.Collect(_, _, "seq", _, clauses):
            return any(unordered(c.domain) for c in clauses)
        case ir.IfElse(_, _, _, then, orelse):
            return unordered(then) or unordered(orelse)
    if isinstance(domain.type, MapType):
        return _symmetric(domain.type.key)
    return isinstance(domain.type, SetType | BagType) and _symmetric(domain.type.item)


def _harmless(parent: Node | Clause, child: Node | Clause) -> bool:
    """Whether a sequence in no particular order may stand here, since its order is not looked at."""
    match parent:
        case ir.Length() | ir.For() | Clause():
            return True
        case ir.In(_, _, _, container) | ir.Count(_, _, container, _):
            return child is container
        case ir.Convert() | ir.Zip() | ir.Narrow() | ir.Widen() | ir.Fit() | ir.IfElse():
            return True  # judged where these stand themselves
    return False


class _Checker:
    def __init__(self, module: Module) -> None:
        self._module = module
        self._inliner = Inliner(module)
        self.risks: list[Risk] = []

    def function(self, function: Function) -> None:
        for argument in function.arguments:
            if argument.domain is not None:
                self._expressions(argument.domain)
        for statement in function.body:
            self._expressions(statement)
        self._loops(function.body, frozenset())

    # --- expressions ---

    def _expressions(self, node: Node | Clause) -> None:
        self._expression(node)
        for child in ir.children(node):
            if not isinstance(child, Expr) or _harmless(node, child):
                pass
            elif isinstance(child.type, SeqType) and unordered(child):
                self.risks.append(
                    (child.span, "the order of this sequence depends on that of symmetric values")
                )
            self._expressions(child)

    def _expression(self, node: Node | Clause) -> None:
        match node:
            case ir.Collect(span, _, "min" | "max" as kind, element, clauses, key):
                if (key is not None or _symmetric(element.type)) and any(
                    unordered(c.domain) for c in clauses
                ):
                    self.risks.append(
                        (
                            span,
                            f"of several with the same key, {kind} takes the first of the symmetric values",
                        )
                    )
            case ir.Convert(span, _, "enumerate", operand) if unordered(operand):
                self.risks.append((span, "enumerate numbers symmetric values"))
            case ir.Convert(span, _, "sorted" | "sorted-reversed", operand) if _symmetric(operand.type):
                self.risks.append((span, "this sorts symmetric values"))
            case ir.Zip(span, _, left, right) if unordered(left) or unordered(right):
                self.risks.append((span, "zip pairs symmetric values by their order"))
            case ir.Number(span, _, operand) if _symmetric(operand.type):
                self.risks.append((span, "this numbers symmetric values"))
            case ir.Numbered(span, t) if _symmetric(t):
                self.risks.append((span, "this names a symmetric value by its number"))
            case ir.Compare(span, _, "<" | "<=" | ">" | ">=", left) if _symmetric(left.type):
                if not isinstance(left.type, SetType):
                    self.risks.append((span, "this compares symmetric values by their order"))

    # --- loops ---

    def _loops(self, body: tuple[Node, ...], after: frozenset[str]) -> None:
        """Look at the loops of a block; `after` are the locals that are read once it is done."""
        live = after
        for statement in reversed(body):
            match statement:
                case ir.If(_, _, then, orelse):
                    self._loops(then, live)
                    self._loops(orelse, live)
                case ir.For(_, names, domain, inner):
                    again = live | (_live(inner, live) - set(names))
                    self._loops(inner, again)
                    if unordered(domain):
                        self._loop(statement, again)
            live = _live((statement,), live)

    def _loop(self, loop: ir.For, live: frozenset[str]) -> None:
        """A loop in no particular order; `live` are the locals that are read after a round of it."""
        round_ = _Round(self._module, self._inliner, loop)
        round_.block(loop.body)
        for reason in round_.reasons(live):
            self.risks.append(
                (loop.span, f"the rounds of this loop come in the order of symmetric values, and {reason}")
            )


def _live(body: tuple[Node, ...], after: frozenset[str]) -> frozenset[str]:
    """The locals that are read, before being assigned, by a block or after it."""
    live = after
    for statement in reversed(body):
        match statement:
            case ir.Let(_, names, value):
                live = (live - set(names)) | _read(value)
            case ir.If(_, test, then, orelse):
                live = _live(then, live) | _live(orelse, live) | _read(test)
            case ir.For(_, names, domain, inner):
                round_ = _live(inner, live)
                round_ |= _live(inner, live | (round_ - set(names)))
                live = live | (round_ - set(names)) | _read(domain)
            case ir.Return():
                live = _read(statement)
            case _:
                live = live | _read(statement)
    return live


def _read(node: Node | Clause) -> frozenset[str]:
    """The local names in an expression (names that it binds itself may be among them: these are fresh or harmless)."""
    return frozenset(n.name for n in ir.walk(node) if isinstance(n, ir.Local))


def variables_read(module: Module, node: Node | Clause) -> frozenset[str]:
    """The variables, as they are now, that an expression or statement reads, in functions that it calls too."""
    found: set[str] = set()
    seen: set[str] = set()
    todo: list[Node | Clause] = [node]
    while todo:
        for inner in ir.walk(todo.pop()):
            if isinstance(inner, ir.Variable) and inner.which is Which.NOW:
                found.add(inner.name)
            elif isinstance(inner, ir.Call | ir.Do) and inner.function not in seen:
                seen.add(inner.function)
                todo.extend(module.functions[inner.function].body)
    return frozenset(found)


@dataclass
class _Round:
    """What one round of a loop does, and why that might be seen by another round."""

    module: Module
    inliner: Inliner
    loop: ir.For
    stores: list[ir.Store] = field(default_factory=list)
    lets: list[ir.Let] = field(default_factory=list)
    returns: list[ir.Return] = field(default_factory=list)
    reads: list[Node] = field(default_factory=list)
    """Expressions that are not the values of stores or lets."""

    def block(self, body: tuple[Node, ...]) -> None:
        """Gather what a block does, procedures written out."""
        for statement in body:
            match statement:
                case ir.Store():
                    self.stores.append(statement)
                case ir.Let():
                    self.lets.append(statement)
                case ir.Return():
                    self.returns.append(statement)
                case ir.If(_, test, then, orelse):
                    self.reads.append(test)
                    self.block(then)
                    self.block(orelse)
                case ir.For(_, _, domain, inner):
                    self.reads.append(domain)
                    self.block(inner)
                case ir.Do(_, function, arguments):
                    self.block(self.inliner.body(self.module.functions[function], arguments))
                case _:
                    self.reads.append(statement)

    def reasons(self, live: frozenset[str]) -> Iterator[str]:
        """Why the order of rounds may matter."""
        yield from self._of_returns()
        yield from self._of_lets(live)
        yield from self._of_stores()

    def _of_returns(self) -> Iterator[str]:
        values = {
            (type(r.value.value), r.value.value) if isinstance(r.value, ir.Literal) else None
            for r in self.returns
        }
        if len(values) > 1 or None in values:
            yield "it returns from the first round that comes to it"
        elif values and self.stores:
            yield "it returns before all rounds are done"

    def _of_lets(self, live: frozenset[str]) -> Iterator[str]:
        for name in sorted(live & {n for let in self.lets for n in let.names}):
            mine = [let for let in self.lets if name in let.names]
            others = [
                *self.reads,
                *self.stores,
                *self.returns,
                *(let for let in self.lets if let not in mine),
            ]
            flag = all(isinstance(let.value, ir.Literal) and _alike(let.value, mine[0].value) for let in mine)
            total = len(mine) == 1 and mine[0].names == (name,) and _accumulates(mine[0].value, name)
            if not (flag or total) or any(name in _read(other) for other in others):
                yield f"`{name}` is carried from one round to the next"

    def _of_stores(self) -> Iterator[str]:
        stored = {s.variable for s in self.stores}
        read: set[str] = set()
        for node in (*self.reads, *(let.value for let in self.lets), *self.returns):
            read |= variables_read(self.module, node)
        for store in self.stores:
            for key in store.path:
                read |= variables_read(self.module, key)
        for name in sorted(stored):
            mine = [s for s in self.stores if s.variable == name]
            elsewhere = any(
                name in variables_read(self.module, s.value) for s in self.stores if s.variable != name
            )
            reason = self._of_variable(name, mine, name in read or elsewhere, stored)
            if reason:
                yield reason

    def _of_variable(self, name: str, stores: list[ir.Store], read: bool, stored: set[str]) -> str | None:
        """Why rounds may see what others do to a variable."""
        own = [self._own_place(s) for s in stores]
        if all(place is not None for place in own) and len(set(own)) == 1:
            # Each round has a place of its own, and may do there what it likes, if it looks nowhere else in the variable.
            if not any(self._looks_elsewhere(n, name, own[0] or 0) for n in self._all_nodes()):
                return None
            return f"one round may read what another has written to `{name}`"
        if read:
            return f"one round may read what another has written to `{name}`"
        kinds = {self._kind(s, stored) for s in stores}
        if len(kinds) == 1 and None not in kinds:
            return None
        return f"a later round may undo what an earlier one did to `{name}`"

    def _all_nodes(self) -> Iterator[Node]:
        yield from self.reads
        yield from self.lets
        yield from self.returns
        yield from self.stores

    def _own_place(self, store: ir.Store) -> int | None:
        """The position in a store's path of a key that no other round has, if there is one."""
        keys = self._distinct_names()
        for position, key in enumerate(store.path):
            if isinstance(key, ir.Local) and key.name in keys:
                return position
        return None

    def _distinct_names(self) -> frozenset[str]:
        """The names of the loop that have another value in each round."""
        domain = self.loop.domain
        if isinstance(domain, ir.Convert) and domain.what == "items":
            return frozenset(self.loop.names[:1])
        distinct = isinstance(domain.type, SetType | MapType) or (
            isinstance(domain, ir.Convert) and domain.what == "keys"
        )
        return frozenset(self.loop.names) if distinct and len(self.loop.names) == 1 else frozenset()

    def _looks_elsewhere(self, node: Node | Clause, name: str, position: int) -> bool:
        """Whether a node reads a variable other than at the round's own key at a position of the path."""
        if isinstance(node, ir.At):
            path: list[Expr] = []
            inner: Expr = node
            while isinstance(inner, ir.At):
                path.insert(0, inner.key)
                inner = inner.container
            if isinstance(inner, ir.Variable) and inner.name == name and inner.which is Which.NOW:
                key = path[position] if position < len(path) else None
                own = isinstance(key, ir.Local) and key.name in self._distinct_names()
                return not own or any(self._looks_elsewhere(k, name, position) for k in path)
        if isinstance(node, ir.Variable):
            return node.name == name and node.which is Which.NOW
        if isinstance(node, ir.Call) and name in variables_read(self.module, node):
            return True
        return any(self._looks_elsewhere(child, name, position) for child in ir.children(node))

    def _kind(self, store: ir.Store, stored: set[str]) -> str | None:
        """What sort of change a store is, if changes of that sort come to the same in any order."""
        value = store.value
        while isinstance(value, ir.Fit | ir.Widen | ir.Narrow):
            value = value.operand
        changed: list[Expr] = []
        kind: str | None = None
        match value:
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
        if (
            kind is not None
            and _same_place(changed[0], store)
            and not variables_read(self.module, changed[1]) & stored
        ):
            return kind
        loop_names = set(self.loop.names) | {n for let in self.lets for n in let.names}
        same_for_all = not (_read(store.value) | {n for key in store.path for n in _read(key)}) & loop_names
        if same_for_all and not variables_read(self.module, store.value) & stored and len(store.path) == 0:
            return f"set to {value!r}"
        return None


def _accumulates(value: Expr, name: str) -> bool:
    """Whether a local is given its own value with something added, in a way that comes to the same in any order."""
    while isinstance(value, ir.Fit | ir.Widen | ir.Narrow):
        value = value.operand
    match value:
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
        name in _read(s) for s, mine in zip(sides, own, strict=True) if not mine
    )


def _same_place(container: Expr, store: ir.Store) -> bool:
    """Whether an expression reads the very place that a store changes."""
    path: list[Expr] = []
    while isinstance(container, ir.At | ir.Fit | ir.Widen | ir.Narrow):
        if isinstance(container, ir.At):
            path.insert(0, container.key)
            container = container.container
        else:
            container = container.operand
    return (
        isinstance(container, ir.Variable)
        and container.name == store.variable
        and _alike(tuple(path), store.path)
    )


def _alike(left: object, right: object) -> bool:
    """Whether two expressions are the same but for where they stand in the source."""
    if isinstance(left, Node) and isinstance(right, Node):
        return type(left) is type(right) and all(
            _alike(getattr(left, n), getattr(right, n)) for n in left.__dataclass_fields__ if n != "span"
        )
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(map(_alike, left, right))
    return left == right
