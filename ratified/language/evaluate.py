"""The plain evaluator of the intermediate form: its executable definition, written for clarity.

Guarantees: for every function of a module, the same values, guards, left bounds and errors as CPython running the source it was
compiled from (held to that by differential tests on generated models).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, NoReturn

from ratified.language import api, ir
from ratified.language.api import Disabled
from ratified.language.errors import ModelError, RatifiedError, Span
from ratified.language.given import check_total
from ratified.language.ir import Argument, Expr, Function, Kind, Node, Which
from ratified.language.machine import Choices, Left, Pulse, StepError, Values, abstract_model, image_of
from ratified.language.model import Model
from ratified.language.scope import Scope, running
from ratified.language.sorts import BoundLeft, members
from ratified.language.types import (
    EnumType,
    Fit,
    RecordType,
    SetType,
    SortType,
    Type,
    fit_of,
    resolved,
)
from ratified.language.values import Bag, Map, Seq, Set

Env = dict[str, Any]


class BoundLeftAt(BoundLeft):
    """A bound left, with the place in the source."""

    def __init__(self, what: str, span: Span) -> None:
        super().__init__(what)
        self.span = span


class Evaluator:
    """Evaluates the functions of one module in one scope. `now`, `old` and `abstract` hold variables by name."""

    def __init__(self, module: ir.Module, scope: Scope) -> None:
        self.module = module
        self.scope = scope
        self.now: Env = {}
        self.old: Env = {}
        self.abstract: Env = {}
        self.declared = {d.name: d.type for d in module.variables}
        self.abstract_declared: dict[str, Type] = {}
        self._fits: dict[int, tuple[Expr, Fit | None]] = {}
        self._table: dict[type[Node], Callable[[Any, Env], Any]] = {
            kind: getattr(self, f"_{name}") for kind, name in _METHODS.items()
        }

    # --- the ways in ---

    def expr(self, node: Expr, env: Env) -> Any:
        """The value of an expression. Call inside `running(scope)`."""
        return self._table[type(node)](node, env)

    def call(self, function: Function, arguments: Sequence[Any]) -> Any:
        """Run a function's body; its value, or None for a procedure."""
        env = {a.name: v for a, v in zip(function.arguments, arguments, strict=True)}
        _, value = self._block(function.body, env)
        return value

    def _fail(self, node: Node, message: str, remedy: str) -> NoReturn:
        raise ModelError(message, span=node.span, remedy=remedy)

    # --- statements ---

    def _block(self, body: Sequence[Node], env: Env) -> tuple[bool, Any]:
        """Run statements; whether a return was met, and its value."""
        for statement in body:
            match statement:
                case ir.Let(_, names, value):
                    self._bind(env, names, self.expr(value, env))
                case ir.Store():
                    self._store(statement, env)
                case ir.Require(_, test):
                    if not self.expr(test, env):
                        raise Disabled
                case ir.Assert(_, test):
                    if not self.expr(test, env):
                        self._fail(statement, "the assertion is false", "guards are written require(...)")
                case ir.If(_, test, then, orelse):
                    ended, value = self._block(then if self.expr(test, env) else orelse, env)
                    if ended:
                        return True, value
                case ir.For(_, names, domain, inner):
                    for item in list(self.expr(domain, env)):
                        self._bind(env, names, item)
                        ended, value = self._block(inner, env)
                        if ended:
                            return True, value
                case ir.Return(_, value):
                    return True, None if value is None else self.expr(value, env)
                case ir.Do(_, function, arguments):
                    self.call(self.module.functions[function], [self.expr(a, env) for a in arguments])
                case _:
                    raise AssertionError(statement)
        return False, None

    @staticmethod
    def _bind(env: Env, names: tuple[str, ...], value: Any) -> None:
        if len(names) == 1:
            env[names[0]] = value
        else:
            env.update(zip(names, value, strict=True))

    def _store(self, node: ir.Store, env: Env) -> None:
        if node.which is Which.ABSTRACT:
            self.abstract[node.variable] = self.expr(node.value, env)
            return
        value = self.expr(node.value, env)
        path = [self.expr(step, env) for step in node.path]
        if not path:
            check_total(self.declared[node.variable], value, self.scope, node.variable)
        self.now[node.variable] = (
            self._replaced(node, self.now[node.variable], path, value) if path else value
        )

    def _replaced(self, node: ir.Store, container: Any, path: list[Any], value: Any) -> Any:
        key, rest = path[0], path[1:]
        inner = self._replaced(node, _at(node, container, key), rest, value) if rest else value
        return _with(node, container, key, inner)

    # --- leaves ---

    def _literal(self, node: ir.Literal, env: Env) -> Any:
        return node.value

    def _local(self, node: ir.Local, env: Env) -> Any:
        return env[node.name]

    def _variable(self, node: ir.Variable, env: Env) -> Any:
        variables = self.now if node.which is Which.NOW else self.old
        if node.name not in variables:
            self._fail(node, f"`{node.name}` has no value yet", "assign it first in init")
        return variables[node.name]

    def _parameter(self, node: ir.Parameter, env: Env) -> Any:
        return self.scope.parameters[node.name]

    def _universe(self, node: ir.Universe, env: Env) -> Any:
        assert isinstance(node.type, SetType)
        item = node.type.item
        return Set(item.enum) if isinstance(item, EnumType) else Set(members(item.sort))  # type: ignore[attr-defined]  # a sort

    def _subsets(self, node: ir.Subsets, env: Env) -> Any:
        if node.majorities:
            return api.majorities(node.sort.sort)
        return api.subsets(node.sort.sort, None if node.size is None else self.expr(node.size, env))

    def _endpoint(self, node: ir.Endpoint, env: Env) -> Any:
        assert isinstance(node.type, SortType)
        return members(node.type.sort)[-1 if node.last else 0]

    # --- logic and numbers ---

    def _not(self, node: ir.Not, env: Env) -> bool:
        return not self.expr(node.operand, env)

    def _and(self, node: ir.And, env: Env) -> bool:
        return all(self.expr(operand, env) for operand in node.operands)

    def _or(self, node: ir.Or, env: Env) -> bool:
        return any(self.expr(operand, env) for operand in node.operands)

    def _compare(self, node: ir.Compare, env: Env) -> bool:
        left, right = self.expr(node.left, env), self.expr(node.right, env)
        match node.op:
            case "==":
                return bool(left == right)
            case "!=":
                return bool(left != right)
            case "<":
                return bool(left < right)
            case "<=":
                return bool(left <= right)
            case ">":
                return bool(left > right)
        return bool(left >= right)

    def _in(self, node: ir.In, env: Env) -> bool:
        return self.expr(node.item, env) in self.expr(node.container, env)

    def _is_none(self, node: ir.IsNone, env: Env) -> bool:
        return self.expr(node.operand, env) is None

    def _is_record(self, node: ir.IsRecord, env: Env) -> bool:
        return isinstance(self.expr(node.operand, env), tuple(r.record for r in node.records))

    def _if_else(self, node: ir.IfElse, env: Env) -> Any:
        return self.expr(node.then if self.expr(node.test, env) else node.orelse, env)

    def _arithmetic(self, node: ir.Arithmetic, env: Env) -> int:
        left, right = self.expr(node.left, env), self.expr(node.right, env)
        match node.op:
            case "+":
                return int(left + right)
            case "-":
                return int(left - right)
            case "*":
                return int(left * right)
        if right == 0:
            self._fail(node, "division by zero", "test the divisor first")
        return int(left // right) if node.op == "//" else int(left % right)

    def _negative(self, node: ir.Negative, env: Env) -> int:
        return -int(self.expr(node.operand, env))

    def _absolute(self, node: ir.Absolute, env: Env) -> int:
        return abs(int(self.expr(node.operand, env)))

    def _shift(self, node: ir.Shift, env: Env) -> Any:
        operand, steps = self.expr(node.operand, env), self.expr(node.steps, env)
        return self._within(node, lambda: operand + steps)

    def _numbered(self, node: ir.Numbered, env: Env) -> Any:
        assert isinstance(node.type, SortType)
        sort, index = node.type.sort, self.expr(node.index, env)
        return self._within(node, lambda: sort(index))

    def _within(self, node: Node, compute: Callable[[], Any]) -> Any:
        """A computation whose left bounds and errors are placed at a node."""
        try:
            return compute()
        except BoundLeft as left:
            raise BoundLeftAt(left.what, node.span) from None
        except ModelError as problem:
            self._fail(node, problem.message, problem.remedy)

    def _is_last(self, node: ir.IsLast, env: Env) -> bool:
        return bool(self.expr(node.operand, env).is_last())

    def _number(self, node: ir.Number, env: Env) -> int:
        return int(self.expr(node.operand, env))

    # --- types ---

    def _same(self, node: ir.Narrow | ir.Widen, env: Env) -> Any:
        return self.expr(node.operand, env)

    def _fit(self, node: ir.Fit, env: Env) -> Any:
        value = self.expr(node.operand, env)
        if id(node) not in self._fits:
            self._fits[id(node)] = node, fit_of(resolved(node.type, self.scope), node.name)
        check = self._fits[id(node)][1]
        if check:
            self._within(node, lambda: check(value))
        return value

    # --- records, tuples, containers ---

    def _make_record(self, node: ir.MakeRecord, env: Env) -> Any:
        assert isinstance(node.type, RecordType)
        record, fields = node.type.record, [self.expr(f, env) for f in node.fields]
        return self._within(node, lambda: record(*fields))

    def _make_tuple(self, node: ir.MakeTuple, env: Env) -> Any:
        return tuple(self.expr(i, env) for i in node.items)

    def _make_set(self, node: ir.MakeSet, env: Env) -> Any:
        return Set([self.expr(i, env) for i in node.items])

    def _make_seq(self, node: ir.MakeSeq, env: Env) -> Any:
        return Seq([self.expr(i, env) for i in node.items])

    def _make_map(self, node: ir.MakeMap, env: Env) -> Any:
        return Map([(self.expr(k, env), self.expr(v, env)) for k, v in node.pairs])

    def _field(self, node: ir.Field, env: Env) -> Any:
        return getattr(self.expr(node.operand, env), node.name)

    def _item(self, node: ir.Item, env: Env) -> Any:
        return self.expr(node.operand, env)[node.index]

    def _at(self, node: ir.At, env: Env) -> Any:
        return _at(node, self.expr(node.container, env), self.expr(node.key, env))

    def _slice(self, node: ir.Slice, env: Env) -> Any:
        operand = self.expr(node.operand, env)
        low, high = (None if bound is None else self.expr(bound, env) for bound in (node.low, node.high))
        return Seq(tuple(operand)[low:high])

    def _length(self, node: ir.Length, env: Env) -> int:
        return len(self.expr(node.operand, env))

    def _count(self, node: ir.Count, env: Env) -> int:
        return int(self.expr(node.container, env).count(self.expr(node.item, env)))

    def _index_of(self, node: ir.IndexOf, env: Env) -> int:
        container, item = self.expr(node.container, env), self.expr(node.item, env)
        for position, element in enumerate(container):
            if element == item:
                return position
        self._fail(node, f"the sequence has no element {item!r}", "test with `in` first")

    def _set_op(self, node: ir.SetOp, env: Env) -> Any:
        left, right = frozenset(self.expr(node.left, env)), frozenset(self.expr(node.right, env))
        match node.op:
            case "|":
                return Set(left | right)
            case "&":
                return Set(left & right)
            case "-":
                return Set(left - right)
        return Set(left ^ right)

    def _disjoint(self, node: ir.Disjoint, env: Env) -> bool:
        return frozenset(self.expr(node.left, env)).isdisjoint(self.expr(node.right, env))

    def _concat(self, node: ir.Concat, env: Env) -> Any:
        left, right = self.expr(node.left, env), self.expr(node.right, env)
        return type(left)([*left, *right])

    def _insert(self, node: ir.Insert, env: Env) -> Any:
        container, item = self.expr(node.container, env), self.expr(node.item, env)
        return type(container)([*container, item])

    def _remove(self, node: ir.Remove, env: Env) -> Any:
        container, item = self.expr(node.container, env), self.expr(node.item, env)
        if item not in container:
            if node.strict:
                self._fail(
                    node, f"there is no element {item!r} to remove", "require that it is there, or discard"
                )
            return container
        items = list(container)
        items.remove(item)
        return type(container)(items)

    def _pop(self, node: ir.Pop, env: Env) -> Any:
        items, index = list(self.expr(node.container, env)), self.expr(node.index, env)
        if not -len(items) <= index < len(items):
            self._fail(
                node, f"the sequence has length {len(items)}, and no index {index}", "test the length first"
            )
        del items[index]
        return Seq(items)

    def _with(self, node: ir.With, env: Env) -> Any:
        container = self.expr(node.container, env)
        return _with(node, container, self.expr(node.key, env), self.expr(node.value, env))

    def _convert(self, node: ir.Convert, env: Env) -> Any:
        operand = self.expr(node.operand, env)
        match node.what:
            case "distinct":
                return Set(operand)
            case "keys":
                return Set(operand.keys())
            case "values":
                return Seq(operand.values())
            case "items":
                return Seq(operand.items())
            case "reversed":
                return Seq(list(operand)[::-1])
            case "enumerate":
                return Seq(enumerate(operand))
        return Seq(sorted(operand, reverse=node.what == "sorted-reversed"))

    def _zip(self, node: ir.Zip, env: Env) -> Any:
        return Seq(zip(self.expr(node.left, env), self.expr(node.right, env), strict=False))

    def _int_range(self, node: ir.IntRange, env: Env) -> Any:
        return Seq(range(self.expr(node.low, env), self.expr(node.high, env)))

    def _collect(self, node: ir.Collect, env: Env) -> Any:
        def elements() -> Iterator[Any]:
            return (self.expr(node.element, inner) for inner in self._bindings(node.clauses, env))

        match node.kind:
            case "all":
                return all(elements())
            case "any":
                return any(elements())
            case "sum":
                return sum(elements())
            case "set":
                return Set(elements())
            case "seq":
                return Seq(elements())
            case "bag":
                return Bag(elements())
            case "map":
                return Map(elements())
        ranked = []
        for inner in self._bindings(node.clauses, env):
            element = self.expr(node.element, inner)
            ranked.append((self.expr(node.key, inner) if node.key else element, element))
        if not ranked:
            if node.default is None:
                self._fail(
                    node, f"{node.kind} of nothing", "give a default=, or test that there is something"
                )
            return self.expr(node.default, env)
        return (min if node.kind == "min" else max)(ranked, key=lambda pair: pair[0])[1]

    def _bindings(self, clauses: tuple[ir.Clause, ...], env: Env) -> Iterator[Env]:
        """The environments of a comprehension's element, in order."""
        if not clauses:
            yield env
            return
        clause, rest = clauses[0], clauses[1:]
        for item in self.expr(clause.domain, env):
            inner = dict(env)
            self._bind(inner, clause.names, item)
            if all(self.expr(condition, inner) for condition in clause.conditions):
                yield from self._bindings(rest, inner)

    def _call(self, node: ir.Call, env: Env) -> Any:
        arguments = [self.expr(a, env) for a in node.arguments]
        function = self.module.functions[node.function]
        if node.which is Which.NOW:
            return self.call(function, arguments)
        self.now, self.old, saved = self.old, {}, (self.now, self.old)
        try:
            return self.call(function, arguments)
        finally:
            self.now, self.old = saved


def _at(node: Node, container: Any, key: Any) -> Any:
    if isinstance(container, Map):
        if key not in container:
            raise ModelError(
                f"the map has no key {key!r}",
                span=node.span,
                remedy="a Map has a value for every key of its key type only",
            )
        return container[key]
    if not -len(container) <= key < len(container):
        raise ModelError(
            f"the sequence has length {len(container)}, and no index {key}",
            span=node.span,
            remedy="test the length first",
        )
    return container[key]


def _with(node: Node, container: Any, key: Any, value: Any) -> Any:
    _at(node, container, key)
    if isinstance(container, Map):
        return Map({**container, key: value})
    items = list(container)
    items[key] = value
    return Seq(items)


_SAME = (ir.Narrow, ir.Widen)
_METHODS: dict[type[Node], str] = {
    kind: "same" if kind in _SAME else name for kind, name in ir.EXPRESSIONS.items()
}


class TreeMachine:
    """A machine that runs the intermediate form: the same answers as PythonMachine, from the compiler's output alone."""

    def __init__(self, model: Model) -> None:
        self.model = model.twin()
        self.module = model.module
        self.actions = self.module.of_kind(Kind.ACTION)
        self._names = tuple(d.name for d in self.module.variables)
        self._evaluator = Evaluator(self.module, model.scope)
        self._probe = Evaluator(self.module, model.scope)
        self._abstract: dict[str, Model] = {}
        with running(model.scope):
            self._choices = {
                f.name: Choices(f, model.scope, self._domain(f))
                for f in self.module.functions.values()
                if f.key == f.name and f.kind is not Kind.HELPER
            }

    def _domain(self, function: Function) -> Callable[[Argument], Callable[[Values], Any]]:
        names = [a.name for a in function.arguments]

        def domain(argument: Argument) -> Callable[[Values], Any]:
            container = argument.domain
            assert container is not None
            return lambda chosen: self._evaluator.expr(container, dict(zip(names, chosen, strict=False)))

        return domain

    def initial(self) -> list[tuple[Values, Values | Left]]:
        """See Machine."""
        found: list[tuple[Values, Values | Left]] = []
        init = self.module.functions.get("init")
        with running(self.model.scope):
            zeros = self.model.zeros()
            for arguments in self._choices["init"] if init else [()]:
                self._evaluator.now = dict(zeros)
                try:
                    if init:
                        self._evaluator.call(init, arguments)
                except Disabled:
                    continue
                except BoundLeftAt as left:
                    found.append((arguments, Left(left.what, left.span)))
                    continue
                except RatifiedError as problem:
                    raise StepError(problem, "init", arguments, None) from None
                missing = [n for n in self._names if n not in self._evaluator.now]
                if init and missing:
                    problem_ = ModelError(
                        f"init gives `{missing[0]}` no value", span=init.span, remedy="assign it on every way"
                    )
                    raise StepError(problem_, "init", arguments, None)
                found.append((arguments, tuple(self._evaluator.now[n] for n in self._names)))
        return found

    def steps(self, state: Values) -> list[tuple[int, Values, Values | Left]]:
        """See Machine."""
        evaluator = self._evaluator
        found: list[tuple[int, Values, Values | Left]] = []
        with running(self.model.scope):
            for index, action in enumerate(self.actions):
                evaluator.now = dict(zip(self._names, state, strict=True))
                try:
                    choices = list(self._choices[action.name])
                except RatifiedError as problem:
                    raise StepError(problem, action.name, (), state) from None
                for arguments in choices:
                    evaluator.now = dict(zip(self._names, state, strict=True))
                    try:
                        evaluator.call(action, arguments)
                    except Disabled:
                        continue
                    except BoundLeftAt as left:
                        found.append((index, arguments, Left(left.what, left.span)))
                    except RatifiedError as problem:
                        raise StepError(problem, action.name, arguments, state) from None
                    else:
                        found.append((index, arguments, tuple(evaluator.now[n] for n in self._names)))
        return found

    def each_initial(self, pulse: Pulse | None = None) -> Generator[tuple[Values, Values | Left]]:
        """See Machine; all are made at once."""
        del pulse
        yield from self.initial()

    def each_step(
        self, state: Values, pulse: Pulse | None = None
    ) -> Generator[tuple[int, Values, Values | Left]]:
        """See Machine; all are made at once."""
        del pulse
        yield from self.steps(state)

    def _ask(self, name: str, arguments: Values, state: Values) -> Any:
        try:
            return self._probe.call(self.module.functions[name], arguments)
        except BoundLeftAt as left:
            problem: RatifiedError = ModelError(
                f"this leaves {left.what}, and is not in a step",
                span=left.span,
                remedy="test for the bound first",
            )
            raise StepError(problem, name, arguments, state) from None
        except RatifiedError as wrong:
            raise StepError(wrong, name, arguments, state) from None

    def refuted_by(self, name: str, state: Values) -> Values | None:
        """See Machine."""
        self._probe.now = dict(zip(self._names, state, strict=True))
        with running(self.model.scope):
            return next((a for a in self._choices[name] if not self._ask(name, a, state)), None)

    def answers(self, name: str, state: Values) -> list[tuple[Values, Any]]:
        """See Machine."""
        self._probe.now = dict(zip(self._names, state, strict=True))
        with running(self.model.scope):
            return [(a, self._ask(name, a, state)) for a in self._choices[name]]

    def step_holds(self, name: str, old: Values, new: Values) -> bool:
        """See Machine."""
        self._probe.now = dict(zip(self._names, new, strict=True))
        self._probe.old = dict(zip(self._names, old, strict=True))
        with running(self.model.scope):
            return bool(self._ask(name, (), new))

    def image(self, name: str, state: Values) -> Values:
        """See Machine."""
        if name not in self._abstract:
            self._abstract[name] = abstract_model(self.model, name)
        abstract = self._abstract[name].module
        self._probe.now = dict(zip(self._names, state, strict=True))
        self._probe.abstract = {}
        with running(self.model.scope):
            self._ask(name, (), state)
        names = [d.name for d in abstract.variables]
        return image_of(self.module.functions[name], names, self._probe.abstract, state)
