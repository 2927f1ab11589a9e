"""Expressions without loops: leaves, logic, numbers, records, tuples, comparisons and calls.

Guarantees: each method gives the value that the evaluator defines; parts that CPython would not evaluate are not evaluated, and
what fails there fails here, in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial
from typing import Any

from ratified.explore.native.codegen.numbers import (
    FALSE,
    TRUE,
    Num,
    both,
    chosen_num,
    compare,
    const,
    either,
    negation,
    num,
    same_word,
    tested,
    truth,
    word_without,
)
from ratified.explore.native.codegen.shapes import (
    HIGH,
    LOW,
    SBag,
    SBits,
    Shape,
    SMap,
    SNum,
    SOpt,
    SOptNum,
    SOrderedBag,
    SPacked,
    SRec,
    SSeq,
    SSlots,
    STup,
    SUni,
    Universe,
    Unsupported,
    optional,
    packed,
)
from ratified.explore.native.codegen.terms import (
    BagV,
    Bits,
    ListArr,
    MapV,
    Opt,
    Rec,
    SeqV,
    SlotV,
    Tup,
    Uni,
    known,
)
from ratified.explore.native.codegen.values import in_union
from ratified.explore.native.codegen.writer import SHORT, TEXT_MOST, Ended, Impure, Writer
from ratified.language import api, ir
from ratified.language.ir import Expr, Node, Which
from ratified.language.scope import running
from ratified.language.sorts import past_last
from ratified.language.types import (
    IntType,
    MapType,
    OptionalType,
    RecordType,
    SetType,
    SortType,
    TupleType,
    Type,
    UnionType,
    resolved,
)

Env = dict[str, Any]


class Expressions(Writer):
    """Writes expressions."""

    decls: list[str] | None = None

    def ev(self, node: Expr, env: Env) -> Any:
        """The value of an expression (a Ref where it stands in a packed state)."""
        found = getattr(self, _method(type(node).__name__))(node, env)
        return self.check_text(found) if self.pure_depth else found

    def val(self, node: Expr, env: Env) -> Any:
        """The value of an expression, read."""
        return self.v.loaded(self.ev(node, env))

    # --- leaves ---

    def _ev_literal(self, node: ir.Literal, _: Env) -> Any:
        return self.v.lift(node.value, node.type)

    def _ev_local(self, node: ir.Local, env: Env) -> Any:
        return env[node.name]

    def _ev_variable(self, node: ir.Variable, _: Env) -> Any:
        return self.read(node.name, node.which, node)

    def _ev_parameter(self, node: ir.Parameter, _: Env) -> Any:
        return self.v.lift(self.v.scope.parameters[node.name], resolved(node.type, self.v.scope))

    def _ev_universe(self, node: ir.Universe, _: Env) -> Any:
        assert isinstance(node.type, SetType)
        universe = self.v.universe(node.type.item)
        if universe is None:
            size = self.v.scope.sizes[node.type.item.sort] if isinstance(node.type.item, SortType) else 0
            return SlotV(ListArr(self.v, const(size), [const(k) for k in range(size)], SNum(0, size - 1)))
        words = tuple(universe.mask(k) for k in range(universe.words))
        return Bits(universe, words, words)

    def _ev_subsets(self, node: ir.Subsets, env: Env) -> Any:
        size = None
        if node.size is not None:
            size = self.val(node.size, env)
            if not size.known:
                raise Unsupported(
                    "subsets of a size that is computed are not compiled",
                    span=node.span,
                    remedy="write the size as a number or parameter",
                )
            size = size.c
        with running(self.v.scope):
            found = list(
                api.majorities(node.sort.sort) if node.majorities else api.subsets(node.sort.sort, size)
            )
        # A row, not bits of bits: a system of quorums is there to be run through.
        return SlotV(ListArr(self.v, const(len(found)), [self.v.lift(v, SetType(node.sort)) for v in found]))

    def _ev_endpoint(self, node: ir.Endpoint, _: Env) -> Any:
        assert isinstance(node.type, SortType)
        return const(self.v.scope.sizes[node.type.sort] - 1 if node.last else 0)

    # --- logic ---

    def _ev_not(self, node: ir.Not, env: Env) -> Num:
        return negation(self.val(node.operand, env))

    def _ev_and(self, node: ir.And, env: Env) -> Num:
        return self.chain([partial(self.val, o, env) for o in node.operands], node.operands, conjunction=True)

    def _ev_or(self, node: ir.Or, env: Env) -> Num:
        return self.chain(
            [partial(self.val, o, env) for o in node.operands], node.operands, conjunction=False
        )

    def chain(self, parts: Sequence[Callable[[], Num]], keys: Sequence[object], *, conjunction: bool) -> Num:
        """`and` or `or`, evaluated from the left and only as far as needed."""
        join, end = (both, 0) if conjunction else (either, 1)
        found: list[Num] = []
        for part, key in zip(parts, keys, strict=True):
            if found and found[-1].c == end:
                break
            if self.pure_depth:
                found.append(part())
                continue
            one = self.pure(part, key)
            if one is not None:
                found.append(one)
                continue
            so_far = join(*found)
            if so_far.known:
                if so_far.c == end:
                    break
                found = [part()]
                continue
            found = [self._guarded(so_far, part, conjunction)]
        return join(*found)

    def _guarded(self, so_far: Num, part: Callable[[], Num], conjunction: bool) -> Num:
        """A further part that needs statements: they stand in a block of their own."""
        lines, one, ended = self.branch(part)
        enter = so_far if conjunction else negation(so_far)
        if ended:
            self.put(f"if ({enter.text()}) {{", lines)
            return FALSE if conjunction else TRUE
        assert one is not None
        name = self.name("r")
        self.line(f"int {name} = {0 if conjunction else 1};")
        self.put(f"if ({enter.text()}) {{", [*lines, f"{name} = {one.text()};"])
        return truth(name)

    def _ev_if_else(self, node: ir.IfElse, env: Env) -> Any:
        test = self.val(node.test, env)
        if test.known:
            return self.ev(node.then if test.c else node.orelse, env)
        return self.two_ways(test, lambda: self.ev(node.then, env), lambda: self.ev(node.orelse, env), node)

    def two_ways(self, test: Num, then: Callable[[], Any], orelse: Callable[[], Any], key: object) -> Any:
        """A value computed in one of two ways."""
        if self.pure_depth:
            return self.v.select(test, then(), orelse())
        found = self.pure(lambda: self.v.select(test, then(), orelse()), key)
        if found is not None:
            return found
        a_lines, a, a_ended = self.branch(then)
        b_lines, b, b_ended = self.branch(orelse)
        if a_ended:
            self.put(f"if ({test.text()}) {{", a_lines)
            self.lines.extend(b_lines)
            if b_ended:
                raise Ended
            return b
        if b_ended:
            self.put(f"if ({negation(test).text()}) {{", b_lines)
            self.lines.extend(a_lines)
            return a
        shape = self.v.joined(self.v.shape_of(a), self.v.shape_of(b))
        names, value, declared = self.variable(shape)
        self.lines.extend(declared)
        self.put(f"if ({test.text()}) {{", [*a_lines, *self.assign(names, a, shape)], "} else {")
        self.lines.extend([*b_lines, *self.assign(names, b, shape), "}"])
        return value

    # --- comparisons ---

    def _ev_compare(self, node: ir.Compare, env: Env) -> Num:
        left, right = self.val(node.left, env), self.val(node.right, env)
        return self.comparison(node.op, left, right)

    def comparison(self, op: str, left: Any, right: Any) -> Num:
        """A comparison of two values of one type."""
        if op in ("==", "!="):
            same = self.equal(left, right)
            return same if op == "==" else negation(same)
        # min and max with default=None compare what is there, as optionals.
        left, right = (self.v.loaded(x.item) if isinstance(x, Opt) else x for x in (left, right))
        if isinstance(left, Num) and isinstance(right, Num):
            return compare(op, left, right)
        if isinstance(left, Tup):
            return self._tuples(op, left, right)
        if op in (">", ">="):
            left, right, op = right, left, {">": "<", ">=": "<="}[op]
        included = self.included(left, right)
        return included if op == "<=" else both(included, negation(self.equal(left, right)))

    def _tuples(self, op: str, left: Tup, right: Tup) -> Num:
        found = const(int(op in ("<=", ">=")))
        strict = op[0]
        pairs = [(self.v.loaded(a), self.v.loaded(b)) for a, b in zip(left.items, right.items, strict=True)]
        for a, b in reversed(pairs):
            found = either(self.comparison(strict, a, b), both(self.equal(a, b), found))
        return found

    def equal(self, a: Any, b: Any) -> Num:
        """Whether two values of one type are equal."""
        a, b = self.v.loaded(a), self.v.loaded(b)
        if isinstance(a, Num) and isinstance(b, Num):
            return compare("==", a, b)
        if isinstance(a, Tup) and isinstance(b, Tup):
            return both(*map(self.equal, a.items, b.items))
        if isinstance(a, MapV) and isinstance(b, MapV):
            if set(a.keys.values) != set(b.keys.values):
                return FALSE
            return both(*map(self.equal, a.entries, self.v.entries(b, a.keys)))
        if isinstance(a, Bits | SlotV) and isinstance(b, Bits | SlotV) and type(a) is not type(b):
            return both(self.included(a, b), self.included(b, a))
        shape = self.v.joined(self.v.shape_of(a), self.v.shape_of(b))
        both_read = {own for own, _ in getattr(a, "read", ())} & {own for own, _ in getattr(b, "read", ())}
        shape = next((own for own in both_read if isinstance(own, SPacked)), shape)
        found = []
        for x, y in zip(self.v.leaves(a, shape), self.v.leaves(b, shape), strict=True):
            found.append(same_word(x, y))
            if found[-1].c == 0:
                return FALSE
        return both(*found)

    def included(self, a: Any, b: Any) -> Num:
        """Whether one set is included in another."""
        a, b = self.v.loaded(a), self.v.loaded(b)
        if isinstance(a, Bits) and isinstance(b, Bits):
            universe = self.v.joined_universe(a.universe, b.universe)
            x, y = self.v.as_bits(a, universe), self.v.as_bits(b, universe)
            parts = []
            for p, q, may in zip(x.words, y.words, x.possible, strict=True):
                rest = word_without(p, q)
                if isinstance(p, int) and isinstance(q, str):
                    parts.append(tested("all", q, p))
                else:
                    parts.append(
                        tested("none", rest, 2**64 - 1 if may else 0)
                        if isinstance(rest, int)
                        else truth(f"({rest} == 0)")
                    )
            return both(*parts)
        return self.every(a, lambda item: self.contains(b, item))

    def every(self, container: Any, test: Callable[[Any], Num]) -> Num:
        """Whether a test holds of every element. Defined where loops are."""
        raise NotImplementedError

    def contains(self, container: Any, item: Any) -> Num:
        """Membership. Defined where containers are."""
        raise NotImplementedError

    def _ev_is_none(self, node: ir.IsNone, env: Env) -> Num:
        value = self.val(node.operand, env)
        return negation(value.some) if isinstance(value, Opt) else FALSE

    def _ev_is_record(self, node: ir.IsRecord, env: Env) -> Num:
        value = self.val(node.operand, env)
        some = TRUE
        if isinstance(value, Opt):
            some = value.some
            if value.item is None:
                return FALSE
            value = self.v.loaded(value.item)
        if isinstance(value, Rec):
            return both(some, const(int(value.type in node.records)))
        wanted = [k for k, r in enumerate(value.type.records) if r in node.records]
        if len(wanted) == len(value.type.records):
            return some
        return both(some, either(*(compare("==", value.tag, const(k)) for k in wanted)))

    # --- numbers ---

    def _ev_arithmetic(self, node: ir.Arithmetic, env: Env) -> Num:
        a, b = self.val(node.left, env), self.val(node.right, env)
        return self.arithmetic(node.op, a, b, node)

    def arithmetic(self, op: str, a: Num, b: Num, node: Node) -> Num:
        """`+ - * // %` of ints."""
        if op in ("//", "%"):
            return self._divide(op, a, b, node)
        apply: dict[str, Callable[[int, int], int]] = {
            "+": lambda x, y: x + y,
            "-": lambda x, y: x - y,
            "*": lambda x, y: x * y,
        }
        ends = [apply[op](x, y) for x in (a.low, a.high) for y in (b.low, b.high)]
        low, high = min(ends), max(ends)
        if a.known and b.known:
            return const(ends[0])
        if op == "+" and 0 in (a.c, b.c):
            return b if a.c == 0 else a
        if low >= LOW and high <= HIGH:
            return num(f"({a.text()} {op} {b.text()})", low, high)
        if self.pure_depth:
            raise Impure
        name, function = self.name("n"), {"+": "add", "-": "sub", "*": "mul"}[op]
        self.line(f"int64_t {name};")
        overflow = truth(f"__builtin_{function}_overflow({a.text()}, {b.text()}, &{name})")
        self.fault_unless(negation(overflow), "a number is too large for the native explorer", node)
        return Num(name, max(low, LOW), min(high, HIGH))

    def _divide(self, op: str, a: Num, b: Num, node: Node) -> Num:
        if b.low <= 0 <= b.high:
            self.fault_unless(compare("!=", b, const(0)), "division by zero", node)
        if isinstance(a.c, int) and isinstance(b.c, int):
            return const(a.c // b.c if op == "//" else a.c % b.c)
        if op == "//":
            if a.low <= LOW and b.low <= -1 <= b.high:
                fits = either(compare("!=", a, const(LOW)), compare("!=", b, const(-1)))
                self.fault_unless(fits, "a number is too large for the native explorer", node)
            most = max(abs(a.low), abs(a.high))
            low, high = (a.low // b.low, a.high // b.low) if b.known and b.low > 0 else (-most, most)
            return num(f"rt_floor({a.text()}, {b.text()})", max(low, LOW), min(high, HIGH))
        low, high = min(0, b.low + 1), max(0, b.high - 1)
        return num(f"rt_mod({a.text()}, {b.text()})", low, high)

    def _ev_negative(self, node: ir.Negative, env: Env) -> Num:
        return self.arithmetic("-", const(0), self.val(node.operand, env), node)

    def _ev_absolute(self, node: ir.Absolute, env: Env) -> Num:
        value = self.val(node.operand, env)
        assert isinstance(value, Num)
        if value.low >= 0:
            return value
        negative = self.arithmetic("-", const(0), value, node)
        found = chosen_num(compare("<", value, const(0)), negative, value)
        return num(found.c, 0, max(abs(value.low), abs(value.high)) if value.low > LOW else HIGH)

    def _ev_shift(self, node: ir.Shift, env: Env) -> Num:
        moved = self.arithmetic("+", self.val(node.operand, env), self.val(node.steps, env), node)
        assert isinstance(node.type, SortType)
        return self._numbered(
            moved, node.type, node, past=TRUE, before=f"there is no {node.type} before the first"
        )

    def _ev_numbered(self, node: ir.Numbered, env: Env) -> Num:
        assert isinstance(node.type, SortType)
        index = self.val(node.index, env)
        return self._numbered(
            index,
            node.type,
            node,
            past=const(int(node.type.ordered)),
            before=f"{node.type} has no value of that number",
        )

    def _numbered(self, index: Num, t: SortType, node: Node, *, past: Num, before: str) -> Num:
        size = self.v.scope.sizes[t.sort]
        if not index.known and (index.low < 0 or index.high >= size):
            index = self.hold(index)
        if past.c:
            with running(self.v.scope):
                what = past_last(t.sort)
            self.bound_unless(compare("<", index, const(size)), what, node.span)
        else:
            self.fault_unless(compare("<", index, const(size)), before, node)
        self.fault_unless(compare("<=", const(0), index), before, node)
        return num(index.c, max(0, index.low), min(size - 1, index.high))

    def hold(self, value: Num) -> Num:
        """A number that is about to be used more than once."""
        return value if self.pure_depth else self.named_num(value)

    def _ev_is_last(self, node: ir.IsLast, env: Env) -> Num:
        assert isinstance(node.operand.type, SortType)
        return compare(
            "==", self.val(node.operand, env), const(self.v.scope.sizes[node.operand.type.sort] - 1)
        )

    def _ev_number(self, node: ir.Number, env: Env) -> Num:
        found = self.val(node.operand, env)
        assert isinstance(found, Num)
        return found

    # --- types ---

    def _ev_narrow(self, node: ir.Narrow, env: Env) -> Any:
        return self.narrow(self.val(node.operand, env), node.type)

    def narrow(self, value: Any, t: Type) -> Any:
        """A value that is known to be of a smaller type."""
        if isinstance(t, OptionalType):
            if not isinstance(value, Opt) or value.item is None:
                return value
            return Opt(value.some, self.narrow(self.v.loaded(value.item), t.item))
        if isinstance(value, Opt):
            if t == ir_none() or value.item is None:
                return Opt(FALSE, None)
            value = self.v.loaded(value.item)
        if isinstance(value, Uni):
            if isinstance(t, RecordType):
                return self.v.narrow_to(value, t)
            if isinstance(t, UnionType):
                left = [
                    a if r in t.records else None
                    for r, a in zip(value.type.records, value.alternatives, strict=True)
                ]
                if sum(a is not None for a in left) == 1:
                    return self.widen(next(a for a in left if a is not None), t)
                numbers = [t.records.index(r) if r in t.records else 0 for r in value.type.records]
                tag = num(_as_number(self.v.table(numbers, value.tag)), 0, len(t.records) - 1)
                by_type = dict(zip(value.type.records, value.alternatives, strict=True))
                return Uni(t, tag, tuple(by_type.get(r) for r in t.records))
        return value

    def _ev_widen(self, node: ir.Widen, env: Env) -> Any:
        return self.widen(self.ev(node.operand, env), node.type)

    def widen(self, value: Any, t: Type) -> Any:
        """A value as one of a larger type."""
        value = self.v.loaded(value)
        match t:
            case OptionalType(item):
                if isinstance(value, Opt):
                    return value if value.item is None else widened(value, self.widen(value.item, item))
                return Opt(TRUE, self.widen(value, item))
            case UnionType(records):
                if isinstance(value, Rec):
                    held = tuple(value if r == value.type else None for r in records)
                    return Uni(t, const(records.index(value.type)), held, read=in_union(value))
                if isinstance(value, Uni) and value.type != t:
                    numbers = [records.index(r) for r in value.type.records]
                    by_type = dict(zip(value.type.records, value.alternatives, strict=True))
                    tag = num(_as_number(self.v.table(numbers, value.tag)), 0, len(records) - 1)
                    return Uni(t, tag, tuple(by_type.get(r) for r in records))
                return value
            case TupleType(items):
                return Tup(tuple(map(self.widen, value.items, items)))
            case MapType(_, item):
                return MapV(value.keys, tuple(self.widen(e, item) for e in value.entries))
            case SetType(item) if isinstance(value, Bits):
                universe = self.v.universe(item) or value.universe
                return self.v.as_bits(value, universe) if _int_free(item) else value
        if isinstance(value, SeqV | SlotV | BagV) and isinstance(value.row, ListArr):
            inner = t.item  # type: ignore[attr-defined]  # a container
            if isinstance(value, BagV):
                pairs = [Tup((self.widen(p.items[0], inner), p.items[1])) for p in value.row.items]
                return BagV(ListArr(self.v, value.row.length, list(pairs)), value.copies)
            return type(value)(
                ListArr(self.v, value.row.length, [self.widen(i, inner) for i in value.row.items])
            )
        return self.widen_row(value, t)

    def widen_row(self, value: Any, t: Type) -> Any:
        """A row in memory, of a larger type: read place by place."""
        if not isinstance(value, SeqV | SlotV | BagV):
            return value
        row = value.row
        items = [row.get(const(k)) for k in range(row.most)]
        listed = ListArr(self.v, row.length, items)
        whole = BagV(listed, value.copies) if isinstance(value, BagV) else type(value)(listed)
        return self.widen(whole, t)

    # --- records and tuples ---

    def _ev_make_record(self, node: ir.MakeRecord, env: Env) -> Any:
        assert isinstance(node.type, RecordType)
        # CPython evaluates all fields before it checks any.
        made = [self.ev(f.operand if isinstance(f, ir.Fit) else f, env) for f in node.fields]
        fitted = []
        for f, value in zip(node.fields, made, strict=True):
            fitted.append(
                self.fitted(value, resolved(f.type, self.v.scope), f.name, node)
                if isinstance(f, ir.Fit)
                else value
            )
        return Rec(node.type, tuple(fitted))

    def _ev_fit(self, node: ir.Fit, env: Env) -> Any:
        return self.fitted(self.ev(node.operand, env), resolved(node.type, self.v.scope), node.name, node)

    def fitted(self, value: Any, t: Type, name: str, node: Node) -> Any:
        """A value checked against bounds. Defined where containers are."""
        raise NotImplementedError

    def _ev_make_tuple(self, node: ir.MakeTuple, env: Env) -> Any:
        return Tup(tuple(self.ev(i, env) for i in node.items))

    def _ev_field(self, node: ir.Field, env: Env) -> Any:
        value = self.val(node.operand, env)
        if isinstance(value, Rec):
            return value.fields[list(value.type.fields).index(node.name)]
        assert isinstance(value, Uni)
        possible = [(k, a) for k, a in enumerate(value.alternatives) if a is not None]
        found = None
        for k, a in reversed(possible):
            own = a.fields[list(a.type.fields).index(node.name)]
            own = self.widen(own, node.type)
            found = own if found is None else self.v.select(compare("==", value.tag, const(k)), own, found)
        return found

    def _ev_item(self, node: ir.Item, env: Env) -> Any:
        value = self.val(node.operand, env)
        return value.items[node.index]

    # --- calls ---

    def _ev_call(self, node: ir.Call, env: Env) -> Any:
        function = self.module.functions[node.function]
        arguments = [self.ev(a, env) for a in node.arguments]
        if not self.pure_depth:
            arguments = [self.named(a) for a in arguments]
        inner = dict(zip((a.name for a in function.arguments), arguments, strict=True))
        with self.variables_of(node.which):
            if self.pure_depth:
                return self.pure_body(function.body, inner)
            found = self.pure(lambda: self.pure_body(function.body, inner), node)
            return self.run_body(function, inner) if found is None else found

    @contextmanager
    def variables_of(self, which: Which):  # type: ignore[no-untyped-def]  # a context manager
        """Read the variables of a state."""
        if which is Which.NOW:
            yield
            return
        saved = self.base, self.memory, self.old_base, self.unassigned
        assert self.old_base is not None
        self.base, self.memory, self.old_base, self.unassigned = self.old_base, {}, None, {}
        try:
            yield
        finally:
            self.base, self.memory, self.old_base, self.unassigned = saved

    def run_body(self, function: ir.Function, env: Env) -> Any:
        """A function's body as statements. Defined where statements are."""
        raise NotImplementedError

    def pure_body(self, body: Sequence[Node], env: Env) -> Any:
        """A function's body as one expression: names become names inside it where it has one value."""
        saved = self.decls
        try:
            self.decls = []
            found = self._pure_block(body, env)
            if not self.decls:
                return found
            if isinstance(found, Num) and isinstance(found.c, str):
                return Num("({ " + " ".join(self.decls) + f" {found.c}; }})", found.low, found.high)
            if known(found):
                return found
            self.decls = None
            return self._pure_block(body, env)
        finally:
            self.decls = saved

    def _pure_block(self, body: Sequence[Node], env: Env) -> Any:
        for index, statement in enumerate(body):
            match statement:
                case ir.Let(_, (name,), value):
                    env = {**env, name: self.pure_named(self.ev(value, env))}
                case ir.Let(_, names, value):
                    items = self.val(value, env).items
                    env = {**env, **dict(zip(names, map(self.pure_named, items), strict=True))}
                case ir.Return(_, value) if value is not None:
                    return self.ev(value, env)
                case ir.If(_, test, then, orelse):
                    condition = self.val(test, env)
                    rest = body[index + 1 :]
                    if condition.known:
                        return self._pure_block([*(then if condition.c else orelse), *rest], env)
                    if len(rest) > 8:
                        raise Impure
                    a = self.pure_body([*then, *rest], env)
                    return self.v.select(condition, a, self.pure_body([*orelse, *rest], env))
                case _:
                    raise Impure
        raise Impure

    def pure_named(self, value: Any) -> Any:
        """A value under names that live inside the expression."""
        if self.decls is None or known(value):
            return value
        match value:
            case Num(c=str(c)) if len(c) > SHORT:
                return Num(self._declared(c, "int64_t"), value.low, value.high)
            case Bits():
                words = tuple(
                    w if isinstance(w, int) or len(w) <= SHORT else self._declared(w, "uint64_t")
                    for w in value.words
                )
                return replace(value, words=words)
            case Tup():
                return replace(value, items=tuple(map(self.pure_named, value.items)))
            case Opt() | Uni() if not value.code:
                shape = self.v.shape_of(value)
                leaves = self.v.leaves(value, shape)
                if sum(len(w) for w in leaves if isinstance(w, str)) <= SHORT:
                    return value
                return self.v.value(
                    [
                        w if isinstance(w, int) or len(w) <= SHORT else self._declared(w, "uint64_t")
                        for w in leaves
                    ],
                    shape,
                )
        return value

    def _declared(self, text: str, kind: str) -> str:
        if len(text) > TEXT_MOST:
            raise Impure
        assert self.decls is not None
        name = self.name("p")
        self.decls.append(f"const {kind} {name} = {text};")
        return name

    # --- the universe that elements need ---

    def element_universe(self, t: Type, shape: Shape | None) -> Universe | None:
        """A universe for elements of a type, with the bounds that a shape tells where the type has none."""
        found = self.v.universe(t)
        if found is None and shape is not None:
            refined = refine(t, shape)
            found = self.v.universe(refined) if refined is not None else None
        return found

    def inside(self, shape: Shape) -> Shape:
        """The shape of an element of a set or bag: its leaves in canonical order, side by side."""
        return packed(self._inside(shape))

    def _inside(self, shape: Shape) -> Shape:
        match shape:
            case SPacked(inner):
                return inner
            case SBits(universe):
                return self.v.ordered_set(universe)
            case SBag(item, most, copies):
                return SOrderedBag(item, most, copies)
            case SOpt(item):
                return optional(self._inside(item))
            case STup(items):
                return STup(tuple(map(self._inside, items)))
            case SRec(t, _) | SUni(t, _):
                return self.v.shape(t, inside=True)
            case SMap(keys, value):
                return SMap(keys, self._inside(value))
            case SSeq(item, most):
                return SSeq(self._inside(item) if item else None, most)
            case SSlots(item, most):
                return SSlots(self._inside(item) if item else None, most)
        return shape


def widened(value: Opt, item: Any) -> Opt:
    """An optional with its item as a value of a larger type."""
    return value if item is value.item or isinstance(item, Num) else Opt(value.some, item)


@cache
def _method(name: str) -> str:
    """The method for a node: `_ev_make_set` for MakeSet."""
    return "_ev" + "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def ir_none() -> Type:
    """The type of None."""
    from ratified.language.types import NONE

    return NONE


def _as_number(word: int | str) -> int | str:
    return word if isinstance(word, int) else f"(int64_t){word}"


def _int_free(t: Type) -> bool:
    from ratified.language.types import parts

    return not any(isinstance(p, IntType) and p.low is None for p in parts(t))


def refine(t: Type, shape: Shape) -> Type | None:
    """A type with the bounds of a shape."""
    match t, shape:
        case IntType(), SNum(low, high):
            return IntType(low, high) if high - low < 2**20 else None
        case OptionalType(item), SOptNum(low, high):
            inner = refine(item, SNum(low, high))
            return OptionalType(inner) if inner else None
        case OptionalType(item), SOpt(part):
            inner = refine(item, part)
            return OptionalType(inner) if inner else None
        case OptionalType(IntType()), _:
            return OptionalType(IntType(0, 0))
        case TupleType(items), STup(shapes):
            made = [refine(i, s) for i, s in zip(items, shapes, strict=True)]
            return TupleType(tuple(made)) if all(made) else None  # type: ignore[arg-type]  # none is None
        case SetType(), SBits(universe):
            return SetType(universe.type)
    return t
