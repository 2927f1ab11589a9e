"""What writing a function needs to know: the model at its size, what names stand for where a node stands, what was written.

An expression becomes text that CPython evaluates. What a loop runs through becomes a function of its own, whose parameters are
what it depends on: names of functions are quicker than those of generators around them. `raw` text is of what a container
holds (a tuple, a frozenset, a dict), which needs no call to be looked into.

Guarantees: the text does what the evaluator does, or raises an exception of any kind: whoever runs it then asks the machine
that knows what is to be said. What has no rule raises NoRuleError, and is not written at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import CodeType
from typing import Any, Final, NoReturn

from ratified.language import ir
from ratified.language.ir import Clause, Expr, Function, Module, Node, Which
from ratified.language.partial import PartialMap
from ratified.language.rules import Rules
from ratified.language.scope import Scope
from ratified.language.types import BagType, MapType, SeqType, SetType, Type
from ratified.language.uses import Uses, free, nodes, place
from ratified.language.values import Bag, Map, Seq, Set

Variable = tuple[Which, str]

_CONTAINERS: Final[Mapping[type[Type], type]] = {MapType: Map, SetType: Set, SeqType: Seq, BagType: Bag}


class OddError(Exception):
    """Written text met what only the reference can speak of: an error of the model, or a bound that is left."""


def odd() -> NoReturn:
    """Give up."""
    raise OddError


def with_key(container: Map[Any, Any], key: Any, value: Any) -> Map[Any, Any]:
    """A map with another value at a key that it has. It stands nowhere, so that it is attached as a whole where it has to be."""
    data = container._data
    if key not in data:
        raise OddError
    data = data.copy()
    data[key] = value
    return type(container)._of(data)


def with_path(container: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A container with another value at the end of a path of keys."""
    key, *rest = path
    inner = with_path(container._data[key], tuple(rest), value) if rest else value
    if isinstance(container, Map):
        return with_key(container, key, inner)
    items = list(container._data)
    items[key] = inner
    return Seq._of(tuple(items))


def fitted(check: Callable[[Any], None], value: Any) -> Any:
    """A value that is within its bounds."""
    check(value)
    return value


class Starts:
    """Whether two sequences begin alike, asked of the same two for one length after the other, as claims about logs are."""

    __slots__ = ("_common", "_left", "_right")

    def __init__(self) -> None:
        self._left: tuple[Any, ...] = ()
        self._right: tuple[Any, ...] = ()
        self._common = 0

    def same(self, left: tuple[Any, ...], right: tuple[Any, ...], length: int) -> bool:
        """The same as `left[:length] == right[:length]`."""
        if length < 0:
            return left[:length] == right[:length]
        if left is not self._left or right is not self._right:
            self._left, self._right, self._common = left, right, common(left, right)
        if length <= self._common:
            return True
        return left == right  # the shorter one ends before that, or they differ there


def common(left: tuple[Any, ...], right: tuple[Any, ...]) -> int:
    """How long the longest common beginning is."""
    known, end = 0, min(len(left), len(right))
    step = end
    while step:
        if known + step <= end and left[known : known + step] == right[known : known + step]:
            known += step
        else:
            step //= 2
    return known


@dataclass(slots=True)
class Library:
    """The functions that were written of one model at one size. Text refers to values and to functions by name."""

    module: Module
    scope: Scope
    expressions: Rules[PythonBody, str]
    raws: Rules[PythonBody, str]
    statements: Rules[PythonBody, None]
    names: dict[str, Any] = field(default_factory=dict)
    uses: Uses = field(init=False)
    _constants: dict[int, str] = field(default_factory=dict)
    _needs: dict[str, frozenset[str]] = field(default_factory=dict)
    _changes: dict[str, frozenset[str]] = field(default_factory=dict)
    _written: dict[str, str] = field(default_factory=dict)
    _number: int = 0

    def __post_init__(self) -> None:
        self.uses = Uses(self.module, self.scope)
        self.names |= {
            "Map": Map,
            "PartialMap": PartialMap,
            "Set": Set,
            "Seq": Seq,
            "Bag": Bag,
            **{f"{t.__name__}_of": t._of for t in (Map, Set, Seq, Bag)},
            "odd": odd,
            "with_key": with_key,
            "with_path": with_path,
            "fitted": fitted,
        }

    def fresh(self, prefix: str) -> str:
        """A name that nothing has."""
        self._number += 1
        return f"{prefix}{self._number}"

    def constant(self, value: Any) -> str:
        """A name for a value."""
        if value is None or type(value) in (int, bool):
            return f"({value!r})"
        name = self._constants.get(id(value))
        if name is None:
            name = self._constants[id(value)] = self.fresh("k")
            self.names[name] = value
        return name

    def define(self, name: str, parameters: Iterable[str], lines: Iterable[str]) -> None:
        """Compile a function of these lines."""
        text = f"def {name}({', '.join(parameters)}):\n" + "\n".join(f" {line}" for line in lines)
        code: CodeType = compile(text, f"<{self.module.name}: {name}>", "exec")
        exec(code, self.names)  # noqa: S102  # written by the rules, of names that are numbered

    # What functions read and change, by their names

    def needs(self, tree: Node | Clause | Iterable[Node | Clause]) -> list[Variable]:
        """The variables that a piece depends on, those of what it calls among them, in the order of the model."""
        found: set[Variable] = set()
        for node in nodes(tree):
            if isinstance(node, ir.Variable):
                found.add((node.which, node.name))
            elif isinstance(node, ir.Store):
                found.add((Which.NOW, node.variable))
            elif isinstance(node, ir.Call):
                found |= {(node.which, name) for name in self.needs_of(node.function)}
            elif isinstance(node, ir.Do):
                found |= {(Which.NOW, name) for name in self.needs_of(node.function)}
        order = {d.name: i for i, d in enumerate(self.module.variables)}
        return sorted(found, key=lambda v: (v[0] is not Which.NOW, order[v[1]]))

    def needs_of(self, key: str) -> frozenset[str]:
        """The variables that a function depends on."""
        if key not in self._needs:
            body = self.module.functions[key].body
            self._needs[key] = frozenset(name for _, name in self.needs(body))
        return self._needs[key]

    def changes_of(self, key: str) -> frozenset[str]:
        """The variables that a function changes."""
        if key not in self._changes:
            found: set[str] = set()
            for node in nodes(self.module.functions[key].body):
                if isinstance(node, ir.Store):
                    found.add(node.variable)
                elif isinstance(node, ir.Do):
                    found |= self.changes_of(node.function)
            self._changes[key] = frozenset(found)
        return self._changes[key]

    def in_order(self, variables: Iterable[str]) -> list[str]:
        """Variables in the order of the model."""
        several = set(variables)
        return [d.name for d in self.module.variables if d.name in several]

    # Functions

    def function(self, key: str) -> str:
        """The name of what was written of a pure function, or of a procedure: of its variables, then of its arguments.

        A procedure gives the variables that it changes, None where it is not possible.
        """
        name = self._written.get(key)
        if name is None:
            name = self.fresh("f")
            function = self.module.functions[key]
            variables = self.in_order(self.needs_of(key))
            here = self.beginning(function, variables)
            if function.returns is None:
                here.ends = (
                    f"({''.join(f'{variable_name(v)}, ' for v in self.in_order(self.changes_of(key)))})"
                )
            here.block(function.body)
            here.finish()
            self.define(name, [*map(variable_name, variables), *here.arguments(function)], here.lines)
            self._written[key] = name
        return name

    def beginning(self, function: Function, variables: Iterable[str], old: Iterable[str] = ()) -> PythonBody:
        """Where a function begins, with its variables and arguments under their own names."""
        texts: dict[Variable, str] = {(Which.NOW, v): variable_name(v) for v in variables}
        texts |= {(Which.OLD, v): f"o_{v}" for v in old}
        return PythonBody(self, {a.name: f"l_{a.name}" for a in function.arguments}, texts)


def variable_name(name: str) -> str:
    """What a variable of the model is called in text."""
    return f"v_{name}"


@dataclass(slots=True)
class PythonBody:
    """A place in a function: what local names and variables are called, what was computed before, and the lines so far."""

    library: Library
    locals: dict[str, str]
    variables: dict[Variable, str]
    lines: list[str] = field(default_factory=list)
    depth: int = 0
    ends: str | None = None  # what a procedure gives at its end
    known: dict[tuple[Any, ...], str] = field(default_factory=dict)  # paths that were looked up before
    raw_of: dict[str, str] = field(default_factory=dict)  # what text holds, under a name

    def line(self, text: str) -> None:
        """Write a line."""
        self.lines.append(" " * self.depth + text)

    def expr(self, node: Expr) -> str:
        """The text of an expression."""
        if type(node) in self.library.raws:
            return self.wrapped(node.type, self.library.raws(node, self))
        return self.library.expressions(node, self)

    def wrapped(self, t: Type, raw: str) -> str:
        """A container that holds this."""
        return f"{_CONTAINERS[type(t)].__name__}_of({raw})"

    def raw(self, node: Expr) -> str:
        """The text of what a container holds."""
        if type(node) in self.library.raws:
            return self.library.raws(node, self)
        text = self.library.expressions(node, self)
        return self.raw_of.get(text) or f"{text}._data"

    def is_container(self, node: Expr) -> bool:
        """Whether an expression is surely a container: not None, for one."""
        return type(node.type) in _CONTAINERS

    def block(self, body: Iterable[Node]) -> None:
        """Write statements."""
        for statement in body:
            self.library.statements(statement, self)

    def inside(self, body: Iterable[Node]) -> None:
        """Write statements one step further in."""
        self.depth += 1
        before = len(self.lines)
        self.block(body)
        if len(self.lines) == before:
            self.line("pass")
        self.depth -= 1

    def finish(self) -> None:
        """The end of a function."""
        self.line(f"return {self.ends}" if self.ends else "odd()")

    def arguments(self, function: Function) -> list[str]:
        """What the arguments of a function are called."""
        return [self.locals[a.name] for a in function.arguments]

    def called(self, key: str, arguments: Iterable[str], which: Which) -> str:
        """A call of a function of the model."""
        library = self.library
        given = [self.variables[which, v] for v in library.in_order(library.needs_of(key))]
        return f"{library.function(key)}({', '.join([*given, *arguments])})"

    def apart(self, node: Expr) -> tuple[PythonBody, str]:
        """A function of its own for an expression: where it begins, and the call of it. It is to be given to `defined`."""
        library = self.library
        names = sorted(free(node))
        variables = library.needs(node)
        inner = PythonBody(
            library,
            {n: f"l_{n}" for n in names},
            {(which, v): f"{'v' if which is Which.NOW else 'o'}_{v}" for which, v in variables},
        )
        given = [*(self.variables[v] for v in variables), *(self.locals[n] for n in names)]
        name = library.fresh("q")
        inner.lines.append(name)  # until it is defined
        return inner, f"{name}({', '.join(given)})"

    def defined(self, inner: PythonBody) -> None:
        """Define a function that was begun by `apart`."""
        parameters = [*inner.variables.values(), *inner.locals.values()]
        self.library.define(inner.lines[0], parameters, inner.lines[1:])

    def path(self, node: Expr) -> tuple[Any, ...] | None:
        """A variable and local names as keys of its maps, if that is what an expression reads."""
        found = place(node)
        if found is None or not found[1] or not _is_map_path(node):
            return None
        variable, keys = found
        if not all(isinstance(k, ir.Local) for k in keys):
            return None
        texts = [self.locals.get(k.name) for k in keys if isinstance(k, ir.Local)]
        return None if None in texts else (self.variables.get((variable.which, variable.name)), *texts)

    def look_up(self, several: Iterable[Node | Clause], already: frozenset[str]) -> None:
        """Look up, before a loop, what is read in it and depends on names that have a value already, and on no other."""
        for node in _within(several):
            if not isinstance(node, ir.At) or not free(node) <= already:
                continue
            path = self.path(node)
            if path is None or path in self.known:
                continue
            text = self.library.expressions(node, self)
            name = self.library.fresh("t")
            self.line(f"{name} = {text}")
            if self.is_container(node):
                self.line(f"{name}_ = {name}._data")
                self.raw_of[name] = f"{name}_"
            self.known[path] = name


def _is_map_path(node: Expr) -> bool:
    while isinstance(node, ir.At):
        if not isinstance(node.container.type, MapType):
            return False
        node = node.container
        while isinstance(node, ir.Widen | ir.Narrow | ir.Fit):
            node = node.operand
    return True


def _within(several: Iterable[Node | Clause]) -> Iterator[Node | Clause]:
    """The nodes in these, outer before inner, that stand in no comprehension inside of them."""
    waiting = list(several)
    while waiting:
        node = waiting.pop(0)
        yield node
        if not isinstance(node, ir.Collect):
            waiting += ir.children(node)
