"""What writing a function needs to know: the model at its size, what names stand for where a node stands, what was written.

An expression becomes a tree that CPython compiles. What a loop runs through becomes a function of its own, whose parameters are
what it depends on: names of functions are quicker than those of generators around them. A `raw` tree is of what a container
holds (a tuple, a frozenset, a dict), which needs no call to be looked into.

Guarantees: the function does what the evaluator does, or raises an exception of any kind: whoever runs it then asks the machine
that knows what is to be said. What has no rule raises NoRuleError, and is not written at all.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import CodeType
from typing import Any, Final, NoReturn

from ratified.follow.direct.python import (
    Py,
    call,
    constant,
    definition,
    loop,
    py,
    statement,
    tuple_of,
)
from ratified.follow.direct.starts import Starts
from ratified.language import ir
from ratified.language.ir import Clause, Expr, Function, Module, Node, Which
from ratified.language.partial import PartialMap
from ratified.language.rules import Rules
from ratified.language.scope import Scope
from ratified.language.types import BagType, MapType, SeqType, SetType, Type
from ratified.language.uses import Uses, VariableKey, free, nodes, place
from ratified.language.values import Bag, Map, Seq, Set

_CONTAINERS: Final[Mapping[type[Type], type]] = {MapType: Map, SetType: Set, SeqType: Seq, BagType: Bag}


class OddError(Exception):
    """A written function met what only the reference can speak of: an error of the model, or a bound that is left."""


def odd() -> NoReturn:
    """Give up."""
    raise OddError


def with_key(container: Map[Any, Any], key: Any, value: Any) -> Map[Any, Any]:
    """A map with another value at a key that it has. It stands nowhere, so that it is attached as a whole where it has to be."""
    data = container._data
    if key not in data:
        raise OddError
    if data[key] is value:
        return container  # so that nothing has to be asked of it again
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


def with_item(container: Set[Any], item: Any) -> Set[Any]:
    """A set with another element; the same one if that is in it, so that nothing has to be asked of it again."""
    data = container._data
    return container if item in data else Set._of(data | {item})


@dataclass(slots=True)
class Library:
    """The functions that were written of one model at one size. They refer to values and to each other by name."""

    module: Module
    scope: Scope
    expressions: Rules[PythonBody, Py]
    raws: Rules[PythonBody, Py]
    statements: Rules[PythonBody, None]
    names: dict[str, Any] = field(default_factory=dict)
    uses: Uses = field(init=False)
    _constants: dict[int, str] = field(default_factory=dict)
    _needs: dict[str, frozenset[str]] = field(default_factory=dict)
    _changes: dict[str, frozenset[str]] = field(default_factory=dict)
    _written: dict[str, str] = field(default_factory=dict)
    _number: int = 0
    starts: Starts = field(default_factory=Starts)

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
            "with_item": with_item,
            "fitted": fitted,
        }

    def fresh(self, prefix: str) -> str:
        """A name that nothing has."""
        self._number += 1
        return f"{prefix}{self._number}"

    def value(self, value: Any) -> Py:
        """A value: a constant of Python, or under a name."""
        if value is None or type(value) in (int, bool):
            return constant(value)
        name = self._constants.get(id(value))
        if name is None:
            name = self._constants[id(value)] = self.fresh("k")
            self.names[name] = value
        return py("name", name=name)

    def starting(self, method: str) -> Py:
        """A method of `starts`."""
        return ast.Attribute(self.value(self.starts), method, ast.Load())

    def define(self, name: str, parameters: Iterable[str], body: list[ast.stmt]) -> None:
        """Compile a function."""
        tree = definition(name, parameters, body)
        code: CodeType = compile(tree, f"<{self.module.name}: {name}>", "exec")
        exec(code, self.names)  # noqa: S102  # written by the rules, of names that are numbered

    # What functions read and change, by their names

    def needs(self, tree: Node | Clause | Iterable[Node | Clause]) -> list[VariableKey]:
        """The variables that a piece depends on, those of what it calls among them, in the order of the model."""
        found: set[VariableKey] = set()
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
            source = self.module.functions[key]
            variables = self.in_order(self.needs_of(key))
            here = self.beginning(source, variables)
            if source.returns is None:
                here.ends = tuple_of(map(variable_name, self.in_order(self.changes_of(key))))
            here.block(source.body)
            here.finish()
            parameters = [*map(variable_name, variables), *(local_name(a.name) for a in source.arguments)]
            self.define(name, parameters, here.body)
            self._written[key] = name
        return name

    def beginning(self, function: Function, variables: Iterable[str], old: Iterable[str] = ()) -> PythonBody:
        """Where a function begins, with its variables and arguments under their own names."""
        names: dict[VariableKey, str] = {(Which.NOW, v): variable_name(v) for v in variables}
        names |= {(Which.OLD, v): variable_name(v, Which.OLD) for v in old}
        here = PythonBody(self, {}, names)
        here.bind([a.name for a in function.arguments])
        return here


def variable_name(name: str, which: Which = Which.NOW) -> str:
    """What a variable of the model is called."""
    return f"{'v' if which is Which.NOW else 'o'}_{name}"


def local_name(name: str) -> str:
    """What an argument or a local name of the model is called."""
    return f"l_{name}"


@dataclass(slots=True)
class PythonBody:
    """A place in a function: what local names and variables are called, what was computed before, and the statements so far."""

    library: Library
    locals: dict[str, Py]
    variables: dict[VariableKey, str]
    body: list[ast.stmt] = field(default_factory=list)
    ends: Py | None = None  # what a procedure gives at its end
    known: dict[tuple[str, ...], str] = field(default_factory=dict)  # paths that were looked up before
    raw_of: dict[str, str] = field(default_factory=dict)  # names of containers, and of what they hold

    def add(self, template: str, **parts: Py | str) -> None:
        """Write a statement."""
        self.body.append(statement(template, **parts))

    @contextmanager
    def loop(self, names: Sequence[str], runs: Py) -> Iterator[None]:
        """A loop, into which goes what is written meanwhile."""
        around, self.body = self.body, []
        yield
        around.append(loop(names, runs, self.body))
        self.body = around

    def branch(self, test: Py, then: Iterable[Node], orelse: Iterable[Node]) -> None:
        """Write a branch."""
        around, branches = self.body, []
        for part in (then, orelse):
            self.body = []
            self.block(part)
            branches.append(self.body)
        around.append(ast.If(test, branches[0] or [ast.Pass()], branches[1]))
        self.body = around

    def bind(self, names: Iterable[str]) -> list[str]:
        """Have local names mean variables of Python, which are called like this."""
        found = {name: local_name(name) for name in names}
        self.locals |= {name: py("name", name=own) for name, own in found.items()}
        return list(found.values())

    def expr(self, node: Expr) -> Py:
        """An expression."""
        library = self.library
        if type(node) in library.raws and type(node) not in library.expressions:
            return self.wrapped(node.type, library.raws(node, self))
        return library.expressions(node, self)

    def wrapped(self, t: Type, raw: Py) -> Py:
        """A container that holds this."""
        return call(f"{_CONTAINERS[type(t)].__name__}_of", [raw])

    def raw(self, node: Expr) -> Py:
        """What a container holds."""
        if type(node) in self.library.raws:
            return self.library.raws(node, self)
        found = self.library.expressions(node, self)
        if isinstance(found, ast.Name) and found.id in self.raw_of:
            return py("raw", raw=self.raw_of[found.id])
        return py("container._data", container=found)

    def is_container(self, node: Expr) -> bool:
        """Whether an expression is surely a container: not None, for one."""
        return type(node.type) in _CONTAINERS

    def block(self, body: Iterable[Node]) -> None:
        """Write statements."""
        for node in body:
            self.library.statements(node, self)

    def finish(self) -> None:
        """The end of a function."""
        self.add("return ends", ends=self.ends or py("odd()"))

    def called(self, key: str, arguments: Iterable[Py], which: Which) -> Py:
        """A call of a function of the model."""
        library = self.library
        given: list[Py | str] = [self.variables[which, v] for v in library.in_order(library.needs_of(key))]
        return call(library.function(key), [*given, *arguments])

    def apart(self, node: Expr) -> tuple[PythonBody, Callable[[], Py]]:
        """A function of its own for an expression: where it begins, and what ends it and gives the call of it."""
        library = self.library
        names = sorted(free(node))
        variables = {v: variable_name(v[1], v[0]) for v in library.needs(node)}
        inner = PythonBody(library, {}, variables)
        parameters = [*variables.values(), *inner.bind(names)]
        given: list[Py | str] = [*(self.variables[v] for v in variables), *(self.locals[n] for n in names)]

        def end() -> Py:
            name = library.fresh("q")
            library.define(name, parameters, inner.body)
            return call(name, given)

        return inner, end

    def path(self, node: Expr) -> tuple[str, ...] | None:
        """A variable and local names as keys of its maps, if that is what an expression reads."""
        found = place(node)
        if found is None or not found[1] or not _is_map_path(node):
            return None
        variable, keys = found
        path = [self.variables.get((variable.which, variable.name))]
        for key in keys:
            local = self.locals.get(key.name) if isinstance(key, ir.Local) else None
            path.append(local.id if isinstance(local, ast.Name) else None)
        known = tuple(name for name in path if name is not None)
        return known if len(known) == len(path) else None

    def look_up(self, several: Iterable[Node | Clause], already: frozenset[str]) -> None:
        """Look up, before a loop, what is read in it and depends on names that have a value already, and on no other."""
        for node in _within(several):
            if not isinstance(node, ir.At) or not free(node) <= already:
                continue
            path = self.path(node)
            if path is None or path in self.known:
                continue
            name = self.library.fresh("t")
            self.add("name = value", name=name, value=self.library.expressions(node, self))
            if self.is_container(node):
                self.raw_of[name] = self.library.fresh("t")
                self.add("raw = name._data", raw=self.raw_of[name], name=name)
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
