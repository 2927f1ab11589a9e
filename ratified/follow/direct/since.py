"""An invariant asked only where a step has changed what it reads: of the new log, say, and not of every log there is.

    all(self.log[i][:n] == self.log[j][:n] for i in Server for j in Server for n in range(1, ...) if ...)

is asked, after a step that appended to `log[s1]`, of the pairs in which s1 is, and of numbers that reach the new entry. Of what
runs through a set, it is asked of elements that are new.

Guarantees: where the invariant was true before a step, the answer is the same as if all of it were asked. What is not of this
form is asked as a whole, once something that it reads has changed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from ratified.follow.direct.containers import each, run_through
from ratified.follow.direct.python import Py, call, constant, logical, py, tuple_of
from ratified.follow.direct.writer import Library, PythonBody, variable_name
from ratified.language import ir
from ratified.language.ir import Clause, Expr, Function, Node, Which
from ratified.language.types import MapType, SeqType, SetType
from ratified.language.uses import bound, conjuncts, core, nodes, place


def asked_since(function: Function, here: PythonBody) -> bool:
    """Write an invariant's body, of variables now and before; false if it is no expression of which parts can be asked."""
    match function.body:
        case (ir.Return(_, Expr() as value),) if not function.arguments:
            parts = [(part, _run_of(part)) for part in conjuncts(value)]
        case _:
            return False
    for part, run in parts:
        if run is None:
            changed = _one_changed(r for r in _reads(here.library, [part], {}))
            here.add("if changed and not part: return False", changed=changed, part=here.expr(part))
        else:
            _RunWriter(run, here).write()
    here.add("return True")
    return any(run for _, run in parts)


@dataclass(frozen=True, slots=True)
class _Run:
    """`all(...)`, or `not any(...)`: the first few clauses run through all of a type, or through a set that is a variable."""

    node: ir.Collect
    first: tuple[Clause, ...]
    counting: tuple[str, ir.IntRange] | None  # the clause after these, if it counts from 1 or more


def _run_of(part: Expr) -> _Run | None:
    match part:
        case ir.Collect(_, _, "all") as node:
            pass
        case ir.Not(_, _, ir.Collect(_, _, "any") as node):
            pass
        case _:
            return None
    names = [name for clause in node.clauses for name in clause.names]
    first = 0
    while first < len(node.clauses) and _is_known(node.clauses[first]):
        first += 1
    if not first or len(set(names)) < len(names):
        return None
    counting = None
    match node.clauses[first : first + 1]:
        case (Clause((name,), ir.IntRange(_, _, ir.Literal(_, _, int(low)), _) as numbers),) if low > 0:
            counting = name, numbers
    return _Run(node, node.clauses[:first], counting)


def _is_known(clause: Clause) -> bool:
    match clause:
        case Clause((_,), ir.Universe()):
            return True
        case Clause((_,), ir.Variable(_, SetType(), _, Which.NOW)):
            return True
    return False


def _is_mirrored(run: _Run) -> bool:
    """Whether the same is said of two elements whichever comes first: a pair need not be asked both ways then."""
    match run.first:
        case (Clause((one,), domain, ()), Clause((other,), as_well)) if ir.alike(domain, as_well):
            said = (run.node.element, run.first[1].conditions, run.node.clauses[2:])
            return _mirrored(said, said, {one: other, other: one})
    return False


def _mirrored(left: object, right: object, names: Mapping[str, str]) -> bool:
    """Whether two trees are the same where one has other names, in whichever order two are compared."""
    match left, right:
        case ir.Local(), ir.Local():
            return names.get(left.name, left.name) == right.name
        case ir.Compare(_, _, "==" | "!=" as op, a, b), ir.Compare(_, _, _, c, d) if op == right.op:
            return _mirrored((a, b), (c, d), names) or _mirrored((a, b), (d, c), names)
        case (
            ir.Collect(_, _, "min" | "max", _, (Clause((_,), ir.MakeSeq(_, _, (a, b)), ()),), None, None),
            ir.Collect(_, _, kind, _, (Clause((_,), ir.MakeSeq(_, _, (c, d)), ()),), None, None),
        ) if kind == left.kind and ir.alike(left.element, right.element):
            return _mirrored((a, b), (c, d), names) or _mirrored((a, b), (d, c), names)
    if isinstance(left, Node | Clause):
        return type(left) is type(right) and all(
            _mirrored(getattr(left, name), getattr(right, name), names)
            for name in left.__dataclass_fields__
            if name != "span"
        )
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(
            _mirrored(one, other, names) for one, other in zip(left, right, strict=True)
        )
    return type(left) is type(right) and left == right


class _RunWriter:
    """Writes loops through combinations in which something changed. `every` is all that a name may be, `those` what changed."""

    def __init__(self, run: _Run, here: PythonBody) -> None:
        self.run, self.here = run, here
        fresh = here.library.fresh
        self.names = [clause.names[0] for clause in run.first]
        self.every = {name: fresh("u") for name in self.names}
        self.those = {name: fresh("d") for name in self.names}
        self.whole = fresh("c")

    def write(self) -> None:
        """Return false where an element is not as it should be."""
        here, node = self.here, self.run.node
        conditions = (c for clause in self.run.first for c in clause.conditions)
        rest: list[Node | Clause] = [node.element, *conditions, *node.clauses[len(self.names) :]]
        reads = _reads(here.library, rest, {name: _KeyName(name) for name in self.names})
        here.add("c = changed", c=self.whole, changed=_one_changed(r for r in reads if r.key is None))
        for number, clause in enumerate(self.run.first):
            (name,) = clause.names
            keyed = [r for r in reads if r.key == name]
            if not self._shared(number, keyed, reads):
                every = self.every[name]
                here.add("u = runs", u=every, runs=each(clause.domain, here, in_order=False))
                changed = _those_changed(clause, every, keyed, here.library.fresh("x"))
                here.add(
                    "d = u if c else changed", d=self.those[name], u=every, c=self.whole, changed=changed
                )
        broken = "if element: return False" if node.kind == "any" else "if not element: return False"
        around, here.body = here.body, []
        run_through(
            node,
            here,
            lambda: here.add(broken, element=here.expr(node.element)),
            through=self._through,
        )
        something = logical(ast.Or, [py("d", d=d) for d in dict.fromkeys(self.those.values())])
        around.append(ast.If(something, here.body, []))
        here.body = around

    def _shared(self, number: int, keyed: list[_ReadPlace], reads: list[_ReadPlace]) -> bool:
        """Whether a clause before runs through the same, and reads the same at it."""
        name, clause = self.names[number], self.run.first[number]
        for before, other in zip(self.names[:number], self.run.first, strict=False):
            same = [replace(r, key=name) for r in reads if r.key == before] == keyed
            if same and ir.alike(clause.domain, other.domain):
                self.every[name], self.those[name] = self.every[before], self.those[before]
                return True
        return False

    def _through(self, number: int) -> Py | None:
        """What the loop of a clause runs through."""
        if number == len(self.names):
            return self._counted()
        if number > len(self.names):
            return None
        name = self.names[number]
        every, those = py("u", u=self.every[name]), py("d", d=self.those[name])
        if _is_mirrored(self.run):
            return every if number else those
        if number < len(self.names) - 1:
            return every
        before = [py("x in d", x=self.here.locals[n], d=self.those[n]) for n in self.names[:number]]
        return ast.IfExp(logical(ast.Or, before), every, those) if before else those

    def _counted(self) -> Py | None:
        """A clause that counts, from the first number at which what is read of sequences reaches what changed."""
        if self.run.counting is None:
            return None
        here, (name, numbers) = self.here, self.run.counting
        known = {n: _KeyName(n) for n in self.names}
        clause, *later = self.run.node.clauses[len(self.names) :]
        before_it = (c for first in self.run.first for c in first.conditions)
        rest: list[Node | Clause] = [self.run.node.element, *before_it, *clause.conditions, *later]
        reads = _reads(here.library, rest, {**known, name: _CountingName()})
        begins, others = [r for r in reads if r.begins], [r for r in reads if not r.begins]
        before = PythonBody(
            here.library,
            dict(here.locals),
            {(Which.NOW, v): variable_name(v, Which.OLD) for w, v in here.variables if w is Which.NOW},
        )
        was_high = before.expr(numbers.high)
        if not begins or before.body:
            return None
        pairs = [
            tuple_of(py("held._data", held=r.held(here, which)) for which in (Which.NOW, Which.OLD))
            for r in begins
        ]
        same = [py("not c", c=self.whole)] if any(r.key is None for r in others) else []
        same += [
            py("x in was._data", x=here.locals[n], was=variable_name(first.domain.name, Which.OLD))
            for n, first in zip(self.names, self.run.first, strict=True)
            if isinstance(first.domain, ir.Variable)
        ]
        same += [
            py("now is was", now=r.held(here, Which.NOW), was=r.held(here, Which.OLD))
            for r in others
            if r.key
        ]
        low = here.expr(numbers.low)
        since = py("starts.number_since", starts=here.library.value(here.library.starts))
        low = ast.IfExp(logical(ast.And, same), call(since, [low, was_high, *pairs]), low)
        return call("range", [low, here.expr(numbers.high)])


@dataclass(frozen=True, slots=True)
class _KeyName:
    """A local name that is known by this name outside, where it is a key."""

    name: str


@dataclass(frozen=True, slots=True)
class _CountingName:
    """A local name that counts, from 1 or more."""


@dataclass(frozen=True, slots=True, order=True)
class _ReadPlace:
    """What is read: a variable, at a key if it has one; of a sequence there, if `begins`, so many as the number that counts."""

    variable: str
    key: str | None = None
    begins: bool = False

    def held(self, here: PythonBody, which: Which) -> Py:
        """What a state has there."""
        variable = py("v", v=variable_name(self.variable, which))
        return variable if self.key is None else py("v._data[x]", v=variable, x=here.locals[self.key])


_Meant: TypeAlias = "_KeyName | _CountingName | _ReadPlace"


def _reads(library: Library, trees: Iterable[Node | Clause], names: Mapping[str, _Meant]) -> list[_ReadPlace]:
    """What trees read, where local names mean this."""
    return sorted(
        set(_reading(library, tuple(trees), names)), key=lambda p: (p.variable, p.key or "", p.begins)
    )


def _reading(
    library: Library, trees: tuple[Node | Clause, ...], names: Mapping[str, _Meant]
) -> Iterator[_ReadPlace]:
    again = {n for node in nodes(trees) if isinstance(node, Clause) for n in node.names} | bound(
        node for tree in trees for node in nodes(tree) if isinstance(node, ir.Let | ir.For)
    )
    names = {name: meant for name, meant in names.items() if name not in again}
    waiting = list(trees)
    while waiting:
        node = waiting.pop()
        match node:
            case ir.Slice(_, _, operand, None, Expr() as end) if _counts(end, names, 0, 1):
                if (at := _place(operand, names)) is not None and _is_seq(operand):
                    yield _ReadPlace(at.variable, at.key, begins=True)
                    continue
            case ir.At(_, _, operand, key) if _counts(key, names, 1) and _is_seq(operand):
                if (at := _place(operand, names)) is not None:
                    yield _ReadPlace(at.variable, at.key, begins=True)
                    continue
            case ir.Call():
                function = library.module.functions[node.function]
                given: dict[str, _Meant] = {}
                for parameter, argument in zip(function.arguments, node.arguments, strict=True):
                    meant = _meant(argument, names)
                    if meant is None:
                        waiting.append(argument)
                    else:
                        given[parameter.name] = meant
                yield from _reading(library, function.body, given)
                continue
        if isinstance(node, Expr) and (at := _place(node, names)) is not None:
            yield at
            read = place(node)
            waiting += read[1] if read else ()
            continue
        waiting += ir.children(node)


def _meant(argument: Expr, names: Mapping[str, _Meant]) -> _Meant | None:
    """What a parameter means, if that is nothing but a name, or what is read at a place."""
    expr = core(argument)
    if isinstance(expr, ir.Local):
        return names.get(expr.name)
    read = place(expr)
    if read is not None and len(read[1]) <= 1:
        at = _place(expr, names)
        if at is not None and (at.key is not None or not read[1]):
            return at
    return None


def _place(expr: Expr, names: Mapping[str, _Meant]) -> _ReadPlace | None:
    """The place that an expression reads, or that it reads something in."""
    expr = core(expr)
    if isinstance(expr, ir.Local):
        meant = names.get(expr.name)
        return meant if isinstance(meant, _ReadPlace) else None
    read = place(expr)
    if read is None:
        return None
    variable, keys = read
    first = core(keys[0]) if keys else None
    if isinstance(variable.type, MapType) and isinstance(first, ir.Local):
        meant = names.get(first.name)
        if isinstance(meant, _KeyName):
            return _ReadPlace(variable.name, meant.name)
    return _ReadPlace(variable.name)


def _is_seq(expr: Expr) -> bool:
    """Whether an expression is a sequence at a place, and not within what is there."""
    read = place(expr)
    return isinstance(core(expr).type, SeqType) and (
        read is None or len(read[1]) == isinstance(read[0].type, MapType)
    )


def _counts(expr: Expr, names: Mapping[str, _Meant], *less: int) -> bool:
    """Whether an expression is the number that counts, less one of these."""
    match expr:
        case ir.Local(_, _, name):
            return 0 in less and isinstance(names.get(name), _CountingName)
        case ir.Arithmetic(_, _, "-", ir.Local(_, _, name), ir.Literal(_, _, int(by))):
            return by in less and isinstance(names.get(name), _CountingName)
    return False


def _those_changed(clause: Clause, every: str, keyed: list[_ReadPlace], x: str) -> Py:
    """Of what a clause runs through, what is new, or has something else at it than before."""
    tests = [
        py(
            "n._data[x] is not w._data[x]",
            n=variable_name(r.variable),
            w=variable_name(r.variable, Which.OLD),
            x=x,
        )
        for r in keyed
    ]
    if isinstance(clause.domain, ir.Variable):
        before = py("was._data", was=variable_name(clause.domain.name, Which.OLD))
        if not tests:
            return py("u - before", u=every, before=before)
        tests.insert(0, py("x not in before", x=x, before=before))
    if not tests:
        return tuple_of(())
    return py("[x for x in u if test]", x=x, u=every, test=logical(ast.Or, tests))


def _one_changed(reads: Iterable[_ReadPlace]) -> Py:
    """Whether a variable has changed of which all may be read."""
    names = sorted({r.variable for r in reads})
    if not names:
        return constant(False)
    pairs = [(variable_name(n), variable_name(n, Which.OLD)) for n in names]
    return logical(ast.Or, [py("n is not w and n != w", n=n, w=w) for n, w in pairs])
