"""Statements: local names, branches, loops, guards and the changes of variables.

Guarantees: names that are assigned on several ways are brought together in C variables; the state before a step (`s`) never
changes, the one after it (`t`) is a whole copy before its first change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ratified.explore.native.codegen.comprehensions import Comprehensions
from ratified.explore.native.codegen.expressions import Env
from ratified.explore.native.codegen.loops import UNROLLED_MOST
from ratified.explore.native.codegen.numbers import FALSE, Num, literal, negation, word_text
from ratified.explore.native.codegen.shapes import Shape, SMap, SSeq, STup, Unsupported, widths
from ratified.explore.native.codegen.terms import MapV, Ref, RefArr, Tup, known
from ratified.explore.native.codegen.writer import Ended, Lines
from ratified.language import ir
from ratified.language.ir import Node
from ratified.language.types import Type, resolved


@dataclass(slots=True)
class Frame:
    """A function being run: where it returns, and what."""

    label: str
    returns: list[tuple[Lines, Any]] = field(default_factory=list)


class Statements(Comprehensions):
    """Writes statements."""

    granted: tuple[ir.Expr, ...] = ()
    frame: Frame | None = None
    flow: Env | None = None

    # --- functions ---

    def run_body(self, function: ir.Function, env: Env) -> Any:
        """A function's body as statements: its value, or None for a procedure."""
        saved = self.frame, self.flow
        self.frame = frame = Frame(self.name("L"))
        self.flow = None
        try:
            lines, _, ended = self.branch(lambda: self.run(function.body, dict(env)))
        finally:
            self.frame, self.flow = saved
        if function.returns is None:
            self.lines.extend(lines)
            if ended and not frame.returns:
                raise Ended
            for slot, _ in frame.returns:
                slot.append(f"goto {frame.label};")
            if frame.returns:
                self.line(f"{frame.label}:;")
            return None
        if not frame.returns:
            self.lines.extend(lines)
            raise Ended
        if len(frame.returns) == 1 and lines and lines[-1] is frame.returns[0][0]:
            self.lines.extend(lines[:-1])
            return frame.returns[0][1]
        shape = self.v.joined_all([self.v.shape_of(value) for _, value in frame.returns])
        names, found, declared = self.variable(shape)
        self.lines.extend(declared)
        for slot, value in frame.returns:
            slot.extend([*self.assign(names, value, shape), f"goto {frame.label};"])
        self.lines.extend(lines)
        self.line(f"{frame.label}:;")
        return found

    def run(self, body: Sequence[Node], env: Env) -> None:
        """Statements in order. `env` is changed. Raises Ended if control never comes past them."""
        for statement in body:
            if stores(statement) and not self.copies_itself(statement):
                self.copy()
            match statement:
                case ir.Let(_, (name,), value):
                    env[name] = self.named(self.ev(value, env))
                case ir.Let(_, names, value):
                    env.update(zip(names, map(self.named, self.val(value, env).items), strict=True))
                case ir.Store():
                    self.store(statement, env)
                case ir.Require(_, test):
                    self.require(test, env)
                case ir.Assert(_, test):
                    self.fault_unless(self.val(test, env), "the assertion is false", statement)
                case ir.If():
                    self.if_(statement, env)
                case ir.For():
                    self.for_(statement, env)
                case ir.Return(_, value):
                    assert self.frame is not None
                    found = None if value is None else self.ev(value, env)
                    self.frame.returns.append((self.later(), found))
                    raise Ended
                case ir.Do(_, key, arguments):
                    self.do(self.module.functions[key], [self.named(self.ev(a, env)) for a in arguments])
                case _:
                    raise AssertionError(statement)

    def do(self, procedure: ir.Function, given: Sequence[Any]) -> None:
        """A procedure's body in place of its call. Guards there may be about other values: all are asked."""
        saved, self.granted = self.granted, ()
        try:
            self.run_body(procedure, dict(zip((a.name for a in procedure.arguments), given, strict=True)))
        finally:
            self.granted = saved

    def copies_itself(self, statement: Node) -> bool:
        """Whether a call may leave the copy to the procedure, whose guards then come first.

        It may if the procedure has one end: with several, some would come without a copy.
        """
        return isinstance(statement, ir.Do) and not any(
            isinstance(n, ir.Return)
            for s in self.module.functions[statement.function].body
            for n in ir.walk(s)
        )

    def require(self, test: ir.Expr, env: Env) -> None:
        """A guard, condition by condition."""
        if isinstance(test, ir.And):
            for operand in test.operands:
                self.require(operand, env)
            return
        if isinstance(test, ir.In) and test.container in self.granted and not self.copied:
            return
        self.leave_unless(self.val(test, env), self.exits.disabled)

    # --- branches ---

    def if_(self, node: ir.If, env: Env) -> None:
        """A conditional, and the names that both ways give a value."""
        test = self.val(node.test, env)
        if test.known:
            self.run(node.then if test.c else node.orelse, env)
            return
        if not node.orelse and test.test is None and not isinstance(test.c, int) and len(test.c) > 400:
            test = self.named_num(test)
        a_env, b_env = dict(env), dict(env)
        a_lines, _, a_ended = self._way(node.then, a_env)
        b_lines, _, b_ended = self._way(node.orelse, b_env)
        if a_ended:
            self.put(f"if ({test.text()}) {{", a_lines)
            self.lines.extend(b_lines)
            if b_ended:
                raise Ended
            _become(env, b_env)
            return
        if b_ended:
            self.put(f"if ({negation(test).text()}) {{", b_lines)
            self.lines.extend(a_lines)
            _become(env, a_env)
            return
        merged: Env = {}
        for name in a_env.keys() & b_env.keys():
            a, b = a_env[name], b_env[name]
            if a is b or same(a, b):
                merged[name] = a
                continue
            shape = self.v.joined(self.v.shape_of(a), self.v.shape_of(b))
            names, merged[name], declared = self.variable(shape, name_stem(name))
            self.lines.extend(declared)
            a_lines = [*a_lines, *self.assign(names, a, shape)]
            b_lines = [*b_lines, *self.assign(names, b, shape)]
        if a_lines:
            self.put(f"if ({test.text()}) {{", a_lines, "}" if not b_lines else "} else {")
            if b_lines:
                self.lines.extend([*b_lines, "}"])
        elif b_lines:
            self.put(f"if ({negation(test).text()}) {{", b_lines)
        _become(env, merged)

    def _way(self, body: Sequence[Node], env: Env) -> tuple[Lines, None, bool]:
        saved, self.flow = self.flow, None
        try:
            return self.branch(lambda: self.run(body, env))
        finally:
            self.flow = saved

    def guarded(self, test: Num, body: Callable[[], None]) -> None:
        """What `body` writes, in a block under a test; names of the loop's environment that it changes are brought together."""
        env = self.flow
        if env is None:
            super().guarded(test, body)
            return
        before = dict(env)
        lines, _, ended = self.branch(body)
        after = dict(env)
        _become(env, before)
        if not ended:
            for name, old in before.items():
                new = after.get(name, old)
                if new is old or same(new, old):
                    continue
                shape = self.v.joined(self.v.shape_of(old), self.v.shape_of(new))
                names, env[name], declared = self.variable(shape, name_stem(name))
                self.lines.extend([*declared, *self.assign(names, old, shape)])
                lines = [*lines, *self.assign(names, new, shape)]
        if lines:
            self.put(f"if ({test.text()}) {{", lines)

    # --- loops ---

    def for_(self, node: ir.For, env: Env) -> None:
        """A loop: unrolled, or in C with its names in C variables."""
        domain = self.named(self.domain(self.ev(node.domain, env)))
        changed = {n: t for n, t in assigned(node.body) if n in env and n not in node.names}
        shapes: dict[str, Shape] = {}
        unroll = False
        for name, t in changed.items():
            try:
                shapes[name] = self.v.joined(self.v.shape(t), self.v.shape_of(env[name]))
            except (Unsupported, AssertionError):
                unroll = True
        places = self.size(domain)
        rolled = not unroll and places > 1 and (self.rolled or places * self.multiplicity > UNROLLED_MOST)
        saved, self.flow = self.flow, None if rolled else env
        try:
            if rolled:
                self._rolled(node, env, domain, shapes)
            else:
                self.loop(domain, lambda item: self._once(node, env, item), unroll=True)
        finally:
            self.flow = saved
        for name in node.names:
            env.pop(name, None)

    def _once(self, node: ir.For, env: Env, item: Any) -> None:
        env.update(self.bound_to({}, node.names, self.named(item)))
        self.run(node.body, env)

    def _rolled(self, node: ir.For, env: Env, domain: Any, shapes: dict[str, Shape]) -> None:
        names: dict[str, list[str]] = {}
        for name, shape in shapes.items():
            own, value, declared = self.variable(shape, name_stem(name))
            self.lines.extend([*declared, *self.assign(own, env[name], shape)])
            names[name], env[name] = own, value
        for variable in changes(node.body, self.module):
            self.memory[variable] = "t"

        def body(item: Any) -> None:
            inner = dict(env)
            self._once(node, inner, item)
            # All new values are read before any name gets its own: they may be made of one another.
            whole = STup(tuple(shapes.values()))
            every = [n for name in shapes for n in names[name]]
            self.lines.extend(self.assign(every, Tup(tuple(inner[name] for name in shapes)), whole))

        self.loop(domain, body)

    # --- variables ---

    def copy(self) -> None:
        """Make the state after the step a copy of the one before it, once."""
        if not self.copied:
            self.copied = True
            self.line(f"uint64_t *restrict t = {self.shared.unit}rx_slot(batch);")
            self.line(f"{self.shared.unit}rt_copy(t, s);")

    def store(self, node: ir.Store, env: Env) -> None:
        """Give a variable, or a part of it, another value."""
        # CPython evaluates the value, then the path, and checks the bound last, when all is written.
        fit = node.value if isinstance(node.value, ir.Fit) else None
        value = self.named(self.ev(fit.operand if fit else node.value, env))
        path = [self.named(self.val(step, env)) for step in node.path]
        if path:
            self.read(node.variable, node.which, node)
        abstract = self.abstract if node.which is ir.Which.ABSTRACT else None
        layout = abstract or self.layout
        ref = layout.ref(node.variable, "t")
        for step in path:
            if isinstance(ref.shape, SMap):
                ref = self.v.entry(ref, self.key_code(ref.shape.keys, step, node))
                continue
            assert isinstance(ref.shape, SSeq)
            assert ref.shape.item is not None
            row = self.v.load(ref).row
            assert isinstance(row, RefArr)
            index = self.fixed_num(self.index(row, step, node))
            ref = self.v._part(ref, 1, len(widths(ref.shape.item)), ref.shape.most, index, ref.shape.item)
        if not path:
            self.check_keys(value, ref.shape, node)
        if fit:
            value = self.fitted(value, resolved(fit.type, layout.values.scope), fit.name, fit)
        self.write(ref, value)
        if abstract is None:
            self.memory[node.variable] = "t"
        # The names in an abstract model are its own.
        missing = self.unassigned if abstract is None else self.imageless
        if node.variable in missing:
            self.line(f"have |= {literal(1 << missing[node.variable])};")

    def check_keys(self, value: Any, shape: Shape, node: Node) -> None:
        """A map must have a value for every key, at every depth."""
        if isinstance(shape, SMap) and isinstance(value, MapV):
            if set(value.keys.values) != set(shape.keys.values):
                self.fault_unless(FALSE, "the map does not have a value for every key", node)
            for entry in value.entries:
                self.check_keys(entry, shape.value, node)

    def write(self, ref: Ref, value: Any) -> None:
        """Put a value at its place in the state after the step."""
        leaves = self.v.leaves(value, ref.shape)
        leaves = [w if isinstance(w, int) else self.fixed(w) for w in leaves]
        for k, leaf in enumerate(leaves):
            word, shift, width = self.v.where(ref, k)
            if width == 0:
                continue
            at = f"t[{word}]"
            if width == 64:
                self.line(f"{at} = {word_text(leaf)};")
                continue
            mask = (1 << width) - 1
            if isinstance(shift, int):
                moved = (
                    literal(leaf << shift)
                    if isinstance(leaf, int)
                    else f"({leaf} << {shift})"
                    if shift
                    else leaf
                )
                clear = literal(~(mask << shift))
            else:
                moved, clear = f"({word_text(leaf)} << {shift})", f"~({literal(mask)} << {shift})"
            kept = f"({at} & {clear})"
            self.line(f"{at} = {kept};" if leaf == 0 else f"{at} = {kept} | {moved};")


def _become(env: Env, other: Env) -> None:
    other = dict(other)
    env.clear()
    env.update(other)


def same(a: Any, b: Any) -> bool:
    """Whether two values are the same constant or expression."""
    try:
        return bool(type(a) is type(b) and a == b and (known(a) or isinstance(a, Num | Ref)))
    except (TypeError, ValueError):
        return False


def name_stem(name: str) -> str:
    """A model's name as the beginning of one in C."""
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in name) + "_"


def stores(node: Node) -> bool:
    """Whether a statement may change variables."""
    return any(isinstance(n, ir.Store | ir.Do) for n in ir.walk(node))


def assigned(body: Sequence[Node]) -> list[tuple[str, Type]]:
    """The local names that statements give a value, with its type."""
    found: list[tuple[str, Type]] = []
    for statement in body:
        for node in ir.walk(statement):
            if isinstance(node, ir.Let):
                if len(node.names) == 1:
                    found.append((node.names[0], node.value.type))
                else:
                    found += list(zip(node.names, node.value.type.items, strict=True))  # type: ignore[attr-defined]  # a tuple
    return found


def changes(body: Sequence[Node], module: ir.Module) -> set[str]:
    """The variables that statements may change, procedures' included."""
    found: set[str] = set()
    for statement in body:
        for node in ir.walk(statement):
            if isinstance(node, ir.Store) and node.which is not ir.Which.ABSTRACT:
                found.add(node.variable)
            elif isinstance(node, ir.Do):
                found |= changes(module.functions[node.function].body, module)
    return found
