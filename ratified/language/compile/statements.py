"""Statements: names, branches, loops, match, guards, and updates of variables at a path.

Guarantees: a name has one type and is never read before it certainly has a value; only `self` is changed, and only where the
function may.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from ratified.language import api, ir
from ratified.language.compile.calls import Calls
from ratified.language.compile.context import MISSING, Env, Facts
from ratified.language.compile.expressions import Condition, fit, literal_true
from ratified.language.ir import Expr, Node, Which
from ratified.language.types import (
    BOOL,
    INT,
    NONE,
    BagType,
    MapType,
    NoneType,
    OptionalType,
    RecordType,
    SeqType,
    SetType,
    TupleType,
    Type,
    fits,
    records_of,
    unbounded,
)
from ratified.language.values import Bag

_INSTEAD: dict[type[ast.stmt], tuple[str, str]] = {
    ast.While: ("while", "write a `for` over something finite, or split the loop into actions"),
    ast.Break: ("break", "use any(...), or `return` from a helper"),
    ast.Continue: ("continue", "turn the condition round and put the rest inside the `if`"),
    ast.Try: ("try", "test before you read: a partial operation without an answer is an error of the model"),
    ast.With: ("with", "leave it out: models see no outside world"),
    ast.Raise: ("raise", "guards are written require(...), claims assert"),
    ast.Delete: ("del", "maps are total: store None, or use .discard on a Set"),
    ast.Global: ("global", "keep the state in variables of the model"),
    ast.Nonlocal: ("nonlocal", "keep the state in variables of the model"),
    ast.Import: ("import", "import at the top of the file"),
    ast.ImportFrom: ("import", "import at the top of the file"),
    ast.FunctionDef: ("a nested function", "write a helper method"),
    ast.ClassDef: ("a nested class", "define it at the top of the file"),
}


class Statements(Calls):
    """Compiles a function's body."""

    mutates = False

    def body(self, statements: Sequence[ast.stmt]) -> tuple[Node, ...]:
        """Statements in order. What comes after one that always returns is refused as unreachable."""
        made: list[Node] = []
        ended = False
        for statement in statements:
            if ended:
                self.fail(statement, "this is never reached", "delete it, or the return before it")
            nodes, ended = self.statement(statement)
            made.extend(nodes)
        self.ended = ended
        return tuple(made)

    def block(self, statements: Sequence[ast.stmt], facts: Facts) -> tuple[tuple[Node, ...], bool]:
        """A nested block under what is known in it. The environment after it stays in force: see `branches`."""
        self.env.facts.update(facts)
        made = self.body(statements)
        return made, self.ended

    def statement(self, node: ast.stmt) -> tuple[list[Node], bool]:
        """One statement, and whether control never goes past it."""
        span = self.span(node)
        match node:
            case ast.Expr(ast.Constant(str())) | ast.Pass():
                return [], False
            case ast.Expr(ast.Constant(value)) if value is Ellipsis:
                self.fail(node, "... is an empty body", "write `pass` where nothing happens")
            case ast.Expr(ast.Call() as call):
                return self._call_statement(call)
            case ast.Expr(value):
                self.fail(
                    value,
                    "this value is computed and dropped",
                    "did you mean require(...), or an assignment?",
                )
            case ast.Assign([target], value):
                return self._assign(node, target, value), False
            case ast.Assign():
                self.fail(node, "one assignment gives one target its value", "write a line for each")
            case ast.AnnAssign(ast.Name() as target, annotation, value):
                return self._annotated(target, annotation, value), False
            case ast.AugAssign(target, op, value):
                return self._augmented(node, target, op, value), False
            case ast.If(test, body, orelse):
                return self._if(node, test, body, orelse)
            case ast.For(target, domain, body, []):
                return self._for(node, target, domain, body)
            case ast.For():
                self.fail(
                    node.orelse[0],
                    "`else` of a loop is not part of the modelling language",
                    "put it after the loop",
                )
            case ast.Match(subject, cases):
                return self._match(node, subject, cases)
            case ast.Return(value):
                return [self._return(node, value)], True
            case ast.Assert(test, _):
                condition, true, _ = self.test(test)
                self.env.facts.update(true)
                return [ir.Assert(span, condition)], False
        what, remedy = _INSTEAD.get(type(node), (type(node).__name__.lower(), "see docs/language.md"))
        self.fail(node, f"{what} is not part of the modelling language", remedy)

    # --- calls as statements ---

    def _call_statement(self, call: ast.Call) -> tuple[list[Node], bool]:
        span = self.span(call)
        if self.static(call.func) is api.require:
            (argument,) = self.plain(call, 1, 1)
            if self.pure:
                self.fail(
                    call,
                    "require belongs into actions and procedures",
                    "return a bool here, and require it in the action",
                )
            condition, true, _ = self.test(argument)
            self.env.facts.update(true)
            never = isinstance(condition, ir.Literal) and condition.value is False
            return [ir.Require(span, condition)], never
        if self.static(call.func) is not MISSING:
            self.call(call, None)  # refused in its own words, if it is not a function of the language
            self.fail(call, "the value of this call is dropped", "assign it, return it, or require it")
        match call.func:
            case ast.Attribute(ast.Name(name), method) if name in self.receivers:
                if self.receivers[name] is not Which.NOW:
                    self.fail(call, f"`{name}` cannot be changed", "call a procedure of self")
                return [self._procedure(call, self.module.method(self, call, method))], False
            case ast.Attribute(ast.Call(ast.Name("super"), []), method):
                return [self._procedure(call, self.module.super_function(self, call, method))], False
            case ast.Attribute(target, method):
                return self._mutation(call, target, method), False
        self.fail(call, "the value of this call is dropped", "assign it, return it, or require it")

    def _procedure(self, call: ast.Call, key: str) -> Node:
        signature = self.module.signatures[key]
        if signature.returns is not None:
            self.fail(
                call, f"the value of `{signature.name}` is dropped", "assign it, return it, or require it"
            )
        if self.pure:
            self.fail(
                call,
                f"`{signature.name}` may change variables, and a function with a value may not",
                "call it from an action",
            )
        made = self.arguments(call, signature.name, signature.parameters, signature.defaults)
        self.mutates = True
        self.forget(set(self.receivers))
        return ir.Do(self.span(call), key, tuple(made))

    def _mutation(self, call: ast.Call, target: ast.expr, method: str) -> list[Node]:
        """`self.x[i].add(e)` and its like: a store of the changed value at the same place."""
        if not self._is_place(target):
            self.expr(target)  # a better message, if the target itself is wrong
            self.fail(
                target,
                "only variables of self can be changed",
                "a value is changed by making a new one, with | - +",
            )
        span = self.span(call)
        now, _ = self._read(target)
        container = now.type

        def item(t: Type) -> Expr:
            return self.value(self.plain(call, 1, 1)[0], t)

        match container, method:
            case ((SetType(e) | BagType(e)), "add"):
                value: Expr = ir.Insert(span, unbounded(container), now, item(e))
            case SeqType(e), "append":
                value = ir.Insert(span, unbounded(container), now, item(e))
            case ((SetType(e) | BagType(e)), ("discard" | "remove")):
                value = ir.Remove(span, unbounded(container), now, item(e), method == "remove")
            case SetType(e), "update":
                other = self.coerce(self.container(call, "set", container), unbounded(container), call)
                value = ir.SetOp(span, unbounded(container), "|", now, other)
            case SeqType(e), "extend":
                other = self.coerce(self.container(call, "seq", container), unbounded(container), call)
                value = ir.Concat(span, unbounded(container), now, other)
            case SeqType(), "pop":
                arguments = self.plain(call, 0, 1)
                index = self.number(arguments[0]) if arguments else ir.Literal(span, INT, -1)
                value = ir.Pop(span, unbounded(container), now, index)
            case SetType(e), "clear":
                self.plain(call, 0, 0)
                value = ir.MakeSet(span, unbounded(container), ())
            case SeqType(e), "clear":
                self.plain(call, 0, 0)
                value = ir.MakeSeq(span, unbounded(container), ())
            case BagType(e), "clear":
                self.plain(call, 0, 0)
                value = ir.Literal(span, unbounded(container), Bag())
            case OptionalType(), _:
                self.fail(
                    target, "this may be None, and cannot be changed in place", "assign a new value to it"
                )
            case _:
                self.fail(
                    call,
                    f"{container} has no update `{method}`",
                    "Set, Bag: add, remove, discard, clear; Seq: append, extend, pop, clear",
                )
        return [self._store(call, target, value)]

    # --- places ---

    def _is_place(self, node: ast.expr) -> bool:
        match node:
            case ast.Attribute(ast.Name(name), _):
                return name in self.receivers and self.receivers[name] is not Which.OLD
            case ast.Subscript(value, _):
                return self._is_place(value)
        return False

    def _read(self, node: ast.expr) -> tuple[Expr, tuple[Expr, ...]]:
        """What stands at a place now, with its full declared type, and the path of keys that leads there."""
        match node:
            case ast.Attribute(ast.Name(name), variable):
                which = self.receivers[name]
                module = self.module.abstract_of(self) if which is Which.ABSTRACT else self.module
                declared = module.variables.get(variable)
                if declared is None:
                    if variable in module.parameters:
                        self.fail(
                            node,
                            f"`{variable}` is a parameter, and constant",
                            "make it a variable if it changes",
                        )
                    known = ", ".join(module.variables) or "none yet"
                    self.fail(node, f"the model has no variable `{variable}`", f"its variables: {known}")
                return ir.Variable(self.span(node), declared.type, variable, which), ()
            case ast.Subscript(value, index):
                base, path = self._read(value)
                match base.type:
                    case MapType(key, item):
                        made = self.value(index, key)
                    case SeqType(item) if not isinstance(index, ast.Slice):
                        made = self.number(index)
                    case _:
                        self.fail(
                            node,
                            f"an element of {base.type} cannot be changed in place",
                            "assign a whole new value",
                        )
                if any(isinstance(p, SeqType) for p in self._path_types(base)):
                    self.fail(
                        node,
                        "what is inside an element of a Seq cannot be changed in place",
                        "assign a whole new element",
                    )
                return ir.At(self.span(node), item, base, made), (*path, made)
        raise AssertionError(ast.dump(node))

    def _path_types(self, base: Expr) -> list[Type]:
        return [] if not isinstance(base, ir.At) else [base.container.type, *self._path_types(base.container)]

    def _store(self, node: ast.AST, target: ast.expr, value: Expr) -> Node:
        place, path = self._read(target)
        variable = place
        while isinstance(variable, ir.At):
            variable = variable.container
        assert isinstance(variable, ir.Variable)
        if self.pure and variable.which is not Which.ABSTRACT:
            what = "a function with a value" if self.kind is ir.Kind.HELPER else f"this {self.kind.value}"
            self.fail(
                target,
                f"{what} may not change variables",
                "change them in an action, or in a helper that returns None",
            )
        if variable.which is Which.ABSTRACT and path:
            self.fail(
                target,
                "each variable of the abstract model is given its value whole",
                "build it with Map({...})",
            )
        self.mutates = True
        self.forget(set(self.receivers))
        # Where CPython is when a bound is left: at the call that changes the place, or else at the place assigned to.
        at = self.span(node if isinstance(node, ast.Call) else target)
        stored = fit(value, place.type, variable.name, at)
        return ir.Store(self.span(node), variable.name, path, stored, variable.which)

    # --- assignments ---

    def _assign(self, node: ast.Assign, target: ast.expr, value: ast.expr) -> list[Node]:
        match target:
            case ast.Name():
                return self._let(node, target, self.expr(value, self.env.types.get(target.id)), value)
            case ast.Tuple(targets) if all(isinstance(t, ast.Name) for t in targets):
                made = self.expr(value)
                if not isinstance(made.type, TupleType) or len(made.type.items) != len(targets):
                    self.fail(
                        value,
                        f"{made.type} does not unpack into {len(targets)} names",
                        "use as many names as the tuple has parts",
                    )
                for name, t in zip(targets, made.type.items, strict=True):
                    assert isinstance(name, ast.Name)
                    self._introduce(name, t, value)
                ids = tuple(t.id for t in targets if isinstance(t, ast.Name))
                stored = self.coerce(made, TupleType(tuple(self.env.types[i] for i in ids)), value)
                return [ir.Let(self.span(node), ids, stored)]
            case _ if self._is_place(target):
                place, _ = self._read(target)
                return [self._set(node, target, place.type, self.value(value, unbounded(place.type)))]
            case ast.Tuple(targets) if all(isinstance(t, ast.Name) or self._is_place(t) for t in targets):
                return self._assign_several(node, targets, value)
        self.fail(
            target,
            "only names and variables of self can be assigned",
            "write self.x = ..., self.x[k] = ..., or name = ...",
        )

    def _set(self, node: ast.Assign, target: ast.expr, declared: Type, made: Expr) -> Node:
        store = self._store(node, target, made)
        self._learn(target, declared, made)
        return store

    def _assign_several(self, node: ast.Assign, targets: list[ast.expr], value: ast.expr) -> list[Node]:
        """`self.a, self.b = x, y`: both values first, then both stores, from left to right."""
        names: list[ast.Name] = []
        types: list[Type | None] = []
        for target in targets:
            types.append(None if isinstance(target, ast.Name) else unbounded(self._read(target)[0].type))
            names.append(target if isinstance(target, ast.Name) else self._another_name(target, names))
        lets: list[Node] = []
        if isinstance(value, ast.Tuple) and len(value.elts) == len(targets):
            values = [
                self.expr(item, self.env.types.get(name.id)) if t is None else self.value(item, t)
                for name, item, t in zip(names, value.elts, types, strict=True)
            ]
            for name, item, made in zip(names, value.elts, values, strict=True):
                lets += self._let(node, name, made, item)
        else:
            lets += self._assign(node, ast.copy_location(ast.Tuple([*names], ast.Store()), node), value)
        for name, target, t in zip(names, targets, types, strict=True):
            if t is not None:
                made = self.value(ast.copy_location(ast.Name(name.id, ast.Load()), target), t)
                lets.append(self._set(node, target, self._read(target)[0].type, made))
        return lets

    def _another_name(self, place: ast.expr, taken: list[ast.Name]) -> ast.Name:
        """A name, that the function does not use, for what a place is about to hold."""
        inner = place
        while isinstance(inner, ast.Subscript):
            inner = inner.value
        assert isinstance(inner, ast.Attribute)
        name = f"new_{inner.attr}"
        while name in self.names_used or any(name == t.id for t in taken):
            name += "_"
        self.assignments[name] = 2  # so that its type is the place's, whatever the first value's bounds are
        return ast.copy_location(ast.Name(name, ast.Store()), place)

    def _let(self, node: ast.stmt, target: ast.Name, made: Expr, source: ast.expr) -> list[Node]:
        t = made.type
        if isinstance(t, NoneType) and target.id not in self.env.types:
            self.fail(
                target,
                f"`{target.id}` begins as None, and its type is not known",
                f"annotate it: {target.id}: T | None = None",
            )
        self._introduce(target, t, source)
        if what := self.python_kind(source):
            if what in ("iterator", "set"):
                make = "Set" if what == "set" else "Seq"
                self.fail(source, f"a Python {what} cannot be kept under a name", f"write {make}(...)")
            self.plain_names[target.id] = what
        stored = self.coerce(made, self.env.types[target.id], source)
        self._learn(target, self.env.types[target.id], stored)
        return [ir.Let(self.span(node), (target.id,), stored)]

    def _introduce(self, target: ast.Name, t: Type, source: ast.expr) -> None:
        """A name that gets a value: for the first time, or again with the same type."""
        name = target.id
        if name in self.receivers:
            self.fail(target, f"`{name}` is the model itself", "choose another name")
        self.forget({name})
        known = self.declarations.get(name)
        if known is None:
            # A name that is assigned more than once may outgrow the bounds of its first value.
            known = self.declarations[name] = unbounded(t) if self.assignments.get(name, 0) > 1 else t
        elif not fits(t, known):
            self.fail(
                source,
                f"`{name}` is of type {known}, and this is {t}",
                "one name has one type: annotate it, or use another name",
            )
        self.env.aliases.pop(name, None)
        self.env.types[name] = known
        self.env.assigned.add(name)

    def _learn(self, target: ast.expr, declared: Type, stored: Expr) -> None:
        """What an assignment tells: an optional that was given a value holds one now."""
        key = self.fact_key(target)
        inner = stored.operand if isinstance(stored, ir.Widen) else stored
        smaller = unbounded(inner.type) != unbounded(declared) and fits(inner.type, declared)
        tellable = isinstance(declared, OptionalType) or len(records_of(declared)) > 1
        if key and smaller and tellable and not isinstance(inner.type, NoneType):
            self.env.facts[key] = unbounded(inner.type)

    def _annotated(self, target: ast.Name, annotation: ast.expr, value: ast.expr | None) -> list[Node]:
        t = unbounded(self.declared(annotation, target, f"`{target.id}`"))
        if target.id in self.declarations and unbounded(self.declarations[target.id]) != t:
            self.fail(
                target,
                f"`{target.id}` is of type {self.declarations[target.id]} already",
                "one name has one type",
            )
        self.declarations[target.id] = t
        self.env.types[target.id] = t
        self.env.assigned.discard(target.id)
        if value is None:
            return []
        made = self.value(value, t)  # mypy too would not take a plain container for an annotated value
        self._introduce(target, t, value)
        self._learn(target, t, made)
        return [ir.Let(self.span(target), (target.id,), made)]

    def _augmented(
        self, node: ast.AugAssign, target: ast.expr, op: ast.operator, value: ast.expr
    ) -> list[Node]:
        current = ast.copy_location(_as_read(target), target)
        whole = ast.copy_location(ast.BinOp(current, op, value), node)
        ast.fix_missing_locations(whole)
        if isinstance(target, ast.Name):
            return self._let(node, target, self.expr(whole), value)
        if not self._is_place(target):
            self.fail(
                target,
                "only names and variables of self can be assigned",
                "write self.x += ..., or name += ...",
            )
        place, _ = self._read(target)
        return [
            self._store(node, target, self.coerce(self.expr(whole, place.type), unbounded(place.type), value))
        ]

    def _return(self, node: ast.Return, value: ast.expr | None) -> Node:
        span = self.span(node)
        if self.returns is None:
            if value is not None and not (isinstance(value, ast.Constant) and value.value is None):
                self.fail(
                    value,
                    "this function is annotated to return None",
                    "annotate what it returns, or return nothing",
                )
            return ir.Return(span, None)
        if value is None:
            if fits(NONE, self.returns):
                return ir.Return(span, ir.Widen(span, self.returns, ir.Literal(span, NONE, None)))
            self.fail(node, f"a value of type {self.returns} must be returned", "return one")
        if self.returns == BOOL:
            return ir.Return(span, self.test(value)[0] if _is_condition(value) else self.value(value, BOOL))
        return ir.Return(span, self.value(value, self.returns))

    # --- branches and loops ---

    def _if(
        self, node: ast.If, test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt]
    ) -> tuple[list[Node], bool]:
        condition, true, false = self.test(test)
        before = self.env.copy()
        then, then_ends = self.block(body, true)
        after_then = self.env
        self.env = before
        other, other_ends = self.block(orelse, false)
        if then_ends and other_ends:
            return [ir.If(self.span(test), condition, then, other)], True
        if other_ends:
            self.env = after_then
        elif not then_ends:
            self._merge(after_then)
        return [ir.If(self.span(test), condition, then, other)], False

    def _merge(self, other: Env) -> None:
        """After two ways meet: only what holds on both is known."""
        self.env.assigned &= other.assigned
        self.env.types = {**other.types, **self.env.types}
        self.env.facts = {k: t for k, t in self.env.facts.items() if other.facts.get(k) == t}

    def _for(
        self, node: ast.For, target: ast.expr, domain: ast.expr, body: list[ast.stmt]
    ) -> tuple[list[Node], bool]:
        self.in_order([domain])
        made = self.domain(domain)
        changed = {
            n.id
            for s in body
            for n in ast.walk(s)
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        self.forget(changed | set(self.receivers))  # the body may run again after changing these
        before = self.env.copy()
        names = self.bind(target, self.item_of(made, domain))
        for name in names:
            if name in self.declarations:
                self.fail(
                    target, f"`{name}` is already the name of something else", "use another name for the loop"
                )
        inside, _ = self.block(body, {})
        after = self.env
        self.env = before
        self.env.types = {**{n: t for n, t in after.types.items() if n not in names}, **self.env.types}
        self.env.facts = {k: t for k, t in self.env.facts.items() if after.facts.get(k) == t}
        return [ir.For(self.span(target), names, made, inside)], False

    # --- match ---

    def _match(
        self, node: ast.Match, subject: ast.expr, cases: list[ast.match_case]
    ) -> tuple[list[Node], bool]:
        """`match` as a chain of tests. The subject must be something that can be named, so that it is evaluated once."""
        if not isinstance(subject, ast.Name):
            name = ast.Name("subject_", ast.Store())
            while name.id in self.declarations:
                name.id += "_"
            ast.copy_location(name, subject)
            made = self.expr(subject)
            if isinstance(made.type, NoneType):
                self.fail(subject, "this is always None here", "leave out the match")
            let = self._let(node, name, made, subject)
            read = ast.copy_location(ast.Name(name.id, ast.Load()), subject)
            nodes, ended = self._cases(node, read, cases)
            return [*let, *nodes], ended
        return self._cases(node, subject, cases)

    def _cases(
        self, node: ast.Match, subject: ast.Name, cases: list[ast.match_case]
    ) -> tuple[list[Node], bool]:
        if not cases:
            return [], False
        case, rest = cases[0], cases[1:]
        before = self.env.copy()
        test, true, false, captures = self._pattern(case.pattern, subject)
        self.env.facts.update(true)
        self.env.aliases.update(captures)
        if case.guard is not None:
            for name in captures:
                self.env.types.pop(name, None)
            guard, more, _ = self.test(case.guard)
            true, false = {**true, **more}, {}
            test = guard if _always(test) else ir.And(self.span(case.guard), BOOL, (test, guard))
        self.env = before.copy()
        self.env.facts.update(true)
        lets: list[Node] = []
        for name, value in captures.items():
            self._introduce(ast.copy_location(ast.Name(name, ast.Store()), case.pattern), value.type, subject)
            lets.append(ir.Let(value.span, (name,), value))
        then, then_ends = self.block(case.body, {k: t for k, t in true.items() if k not in captures})
        after = self.env
        if _always(test):
            if rest:
                self.fail(
                    rest[0].pattern, "this case is never reached", "the one before it matches everything"
                )
            return [*lets, *then], then_ends
        self.env = before
        self.env.facts.update(false)
        exhausted = not false and not rest and case.guard is None and self._exhausts(subject, case.pattern)
        other, other_ends = self._cases(node, subject, rest)
        if exhausted:
            return [*lets, *then], then_ends
        span = self.span(case.pattern)
        if then_ends and other_ends:
            return [ir.If(span, test, (*lets, *then), tuple(other))], True
        if other_ends:
            self.env = after
        elif not then_ends:
            self._merge(after)
        return [ir.If(span, test, (*lets, *then), tuple(other))], False

    def _exhausts(self, subject: ast.Name, pattern: ast.pattern) -> bool:
        """Whether the last case takes all that is left: the one record, or the one None, that the subject can still be."""
        left = self.expr(subject).type
        match pattern:
            case ast.MatchSingleton(None):
                return isinstance(left, NoneType)
            case ast.MatchClass(cls, [], []):
                return isinstance(left, RecordType) and self.record_classes(cls) == (left,)
        return False

    def _pattern(self, pattern: ast.pattern, subject: ast.expr) -> tuple[Expr, Facts, Facts, dict[str, Expr]]:
        """A pattern's test, what is known where it matches and where not, and what its names stand for."""
        span = self.span(pattern)
        yes = literal_true(span)
        match pattern:
            case ast.MatchAs(None, None):
                return yes, {}, {}, {}
            case ast.MatchAs(None, str(name)):
                return yes, {}, {}, {name: self.expr(subject)}
            case ast.MatchAs(inner, str(name)) if inner is not None:
                test, true, false, captures = self._pattern(inner, subject)
                with self.scoped(true):
                    return test, true, false, {**captures, name: self.expr(subject)}
            case ast.MatchSingleton(None):
                test, true, false = self.test(
                    ast.copy_location(ast.Compare(subject, [ast.Is()], [ast.Constant(None)]), subject)
                )
                return test, true, false, {}
            case ast.MatchSingleton(value):
                return self._equals(subject, ast.copy_location(ast.Constant(value), subject), pattern)
            case ast.MatchValue(value):
                return self._equals(subject, value, pattern)
            case ast.MatchOr(patterns):
                return self._alternatives(pattern, patterns, subject)
            case ast.MatchClass(cls, patterns, names, keywords):
                return self._class_pattern(pattern, cls, patterns, names, keywords, subject)
            case ast.MatchSequence(patterns):
                return self._tuple_pattern(pattern, patterns, subject)
        self.fail(
            pattern,
            "this pattern is not part of the modelling language",
            "match records, None, values, tuples and names",
        )

    def _equals(
        self, subject: ast.expr, value: ast.expr, pattern: ast.pattern
    ) -> tuple[Expr, Facts, Facts, dict[str, Expr]]:
        left = self.expr(subject)
        inner = left.type.item if isinstance(left.type, OptionalType) else left.type
        made = self.expr(value, inner)
        if not fits(made.type, left.type):
            self.fail(
                pattern,
                f"this is of type {made.type}, and the subject is {left.type}",
                "match values of the subject's type",
            )
        test = ir.Compare(
            self.span(pattern), BOOL, "==", left, self.coerce(made, unbounded(left.type), value)
        )
        key = self.fact_key(subject)
        return test, {key: made.type} if key and isinstance(left.type, OptionalType) else {}, {}, {}

    def _alternatives(
        self, pattern: ast.pattern, patterns: list[ast.pattern], subject: ast.expr
    ) -> tuple[Expr, Facts, Facts, dict[str, Expr]]:
        tests: list[Expr] = []
        trues: list[Facts] = []
        collected: Facts = {}
        for one in patterns:
            with self.scoped(collected):
                test, true, false, captures = self._pattern(one, subject)
            if captures:
                self.fail(one, "alternatives may not bind names here", "write a case for each")
            tests.append(test)
            trues.append(true)
            collected.update(false)
        common = set(trues[0]).intersection(*trues[1:])
        known = {key: self.join(pattern, *(t[key] for t in trues)) for key in sorted(common)}
        return ir.Or(self.span(pattern), BOOL, tuple(tests)), known, collected, {}

    def _class_pattern(
        self,
        pattern: ast.pattern,
        cls: ast.expr,
        patterns: list[ast.pattern],
        names: list[str],
        keywords: list[ast.pattern],
        subject: ast.expr,
    ) -> tuple[Expr, Facts, Facts, dict[str, Expr]]:
        records = self.record_classes(cls)
        isinstance_ = ast.Call(ast.Name("isinstance", ast.Load()), [subject, cls], [])
        ast.copy_location(isinstance_, subject)
        ast.fix_missing_locations(isinstance_)
        operand = self.expr(subject)
        if isinstance(operand.type, RecordType) and records == (operand.type,):
            known: Condition = (literal_true(self.span(pattern)), {}, {})
        else:
            known = self.test(isinstance_)
        test, true, false = known
        fields = list(records[0].fields)
        if len(patterns) > len(fields):
            self.fail(pattern, f"{records[0]} has {len(fields)} fields", f"its fields: {', '.join(fields)}")
        tests, captures, partial = [test], {}, False
        with self.scoped(true):
            for name, inner in [*zip(fields, patterns, strict=False), *zip(names, keywords, strict=True)]:
                if name not in fields:
                    self.fail(
                        inner, f"{records[0]} has no field `{name}`", f"its fields: {', '.join(fields)}"
                    )
                part = ast.copy_location(ast.Attribute(subject, name, ast.Load()), inner)
                more, inner_true, _, inner_captures = self._pattern(inner, part)
                self.env.facts.update(inner_true)
                true = {**true, **inner_true}
                captures.update(inner_captures)
                if not _always(more):
                    tests.append(more)
                    partial = True
        tests = [t for t in tests if not _always(t)] or tests[:1]
        whole = tests[0] if len(tests) == 1 else ir.And(self.span(pattern), BOOL, tuple(tests))
        return whole, true, {} if partial else false, captures

    def _tuple_pattern(
        self, pattern: ast.pattern, patterns: list[ast.pattern], subject: ast.expr
    ) -> tuple[Expr, Facts, Facts, dict[str, Expr]]:
        t = self.expr(subject).type
        if not isinstance(t, TupleType) or len(t.items) != len(patterns):
            self.fail(
                pattern,
                f"{t} does not match a pattern of {len(patterns)} parts",
                "only tuples are matched by parts",
            )
        tests: list[Expr] = []
        captures: dict[str, Expr] = {}
        for index, inner in enumerate(patterns):
            part = ast.copy_location(ast.Subscript(subject, ast.Constant(index), ast.Load()), inner)
            ast.fix_missing_locations(part)
            more, _, _, inner_captures = self._pattern(inner, part)
            captures.update(inner_captures)
            if not _always(more):
                tests.append(more)
        if not tests:
            return literal_true(self.span(pattern)), {}, {}, captures
        return (
            tests[0] if len(tests) == 1 else ir.And(self.span(pattern), BOOL, tuple(tests)),
            {},
            {},
            captures,
        )

    # --- set by the function compiler ---

    ended: bool = False
    declarations: dict[str, Type]
    assignments: dict[str, int]
    names_used: frozenset[str]


def _always(test: Expr) -> bool:
    return isinstance(test, ir.Literal) and test.value is True


def _is_condition(node: ast.expr) -> bool:
    return isinstance(node, ast.BoolOp | ast.Compare) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    )


def _as_read(target: ast.expr) -> ast.expr:
    match target:
        case ast.Name(name):
            return ast.Name(name, ast.Load())
        case ast.Attribute(value, attribute):
            return ast.Attribute(value, attribute, ast.Load())
        case ast.Subscript(value, index):
            return ast.Subscript(value, index, ast.Load())
    return target
