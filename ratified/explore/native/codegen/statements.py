"""Rules for statements: local names, branches, loops, guards and the changes of variables; and for calls.

Guarantees: names that are assigned on several ways are brought together; the state before a step (`s`) never changes, the one
after it (`t`) is a whole copy before its first change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from ratified.explore.native.codegen import build
from ratified.explore.native.codegen.asking import index, key_code, length
from ratified.explore.native.codegen.bounds import fitted
from ratified.explore.native.codegen.choosing import select
from ratified.explore.native.codegen.code import Block, Line
from ratified.explore.native.codegen.joins import joined, joined_all, shape_of
from ratified.explore.native.codegen.leaves import entries, leaves
from ratified.explore.native.codegen.loops import (
    counted,
    domain_of,
    loop,
    size,
    stem,
    two_ways,
    written_out,
)
from ratified.explore.native.codegen.nodes import ALL, CExpr, Word
from ratified.explore.native.codegen.numbers import FALSE, Num, compare, const
from ratified.explore.native.codegen.packing import entry, load, part, value_of, where
from ratified.explore.native.codegen.shapes import (
    FULL,
    PackedShape,
    SMap,
    SSeq,
    SSlots,
    Unsupported,
    widths,
)
from ratified.explore.native.codegen.terms import CValue, HeldValue, MapV, Ref, as_num, same
from ratified.explore.native.codegen.writer import (
    BlockEnded,
    CodeEnv,
    CVariable,
    FunctionWriter,
    Here,
    Returns,
)
from ratified.language import ir
from ratified.language.rules import Rules
from ratified.language.types import TupleType, Type, resolved

calls: Rules[Here, HeldValue] = Rules("C of calls")
statements: Rules[Here, None] = Rules("C of statements")


# --- functions ---


@calls.rule(ir.Call)
def _(node: ir.Call, here: Here) -> HeldValue:
    w = here.w
    function = w.shared.module.functions[node.function]
    given = [w.named(here.ev(a)) for a in node.arguments]
    env = dict(zip((a.name for a in function.arguments), given, strict=True))
    with w.variables_of(node.which):
        return value_of_call(w, function, env)


def value_of_call(w: FunctionWriter, function: ir.Function, env: CodeEnv) -> HeldValue:
    """What a function gives."""
    if w.shared.fact(_simple, function.body):
        return _expression(w, function.body, env)
    found = run_body(w, function, env)
    assert found is not None
    return found


def _simple(body: Sequence[ir.Node]) -> bool:
    """Whether statements are names, conditionals and returns alone, so that they come to one expression."""
    *names, last = body or (None,)
    if not all(isinstance(statement, ir.Let) for statement in names):
        return False
    match last:
        case ir.Return(_, value):
            return value is not None
        case ir.If(_, _, then, orelse):
            return _simple(then) and _simple(orelse)
    return False


def _expression(w: FunctionWriter, body: Sequence[ir.Node], env: CodeEnv) -> HeldValue:
    """The value of statements that `_simple` is true of."""
    for statement in body:
        here = Here(w, env)
        match statement:
            case ir.Let():
                env = _let(statement, here)
            case ir.Return(_, value):
                assert value is not None
                return here.ev(value)
            case ir.If(_, test, then, orelse):
                found = w.pinned_num(here.num(test))
                return two_ways(
                    w, found, partial(_expression, w, then, env), partial(_expression, w, orelse, env)
                )
    raise AssertionError(body)


def _let(node: ir.Let, here: Here) -> CodeEnv:
    """The names as they are after an assignment."""
    value = here.w.named(here.ev(node.value))
    return here.bind(node.names, value).env


def run_body(w: FunctionWriter, function: ir.Function, env: CodeEnv) -> HeldValue | None:
    """A function's body as statements: its value, or None for a procedure."""
    saved = w.returns, w.flow
    w.returns = returns = Returns(w.name("L"))
    w.flow = None
    try:
        body, _, ended = w.branch(lambda: run(w, function.body, dict(env)))
    finally:
        w.returns, w.flow = saved
    if not returns.found:
        w.extend(body)
        if ended or function.returns is not None:
            raise BlockEnded
        return None
    if len(returns.found) == 1 and body.statements and body.statements[-1] is returns.found[0][0]:
        w.extend(body)
        return returns.found[0][1]
    values = [value for _, value in returns.found if value is not None]
    found: CVariable | None = None
    if values:
        found = w.variable(joined_all(w.shapes, [shape_of(w.shapes, v) for v in values]))
        w.declare(found)
    for slot, value in returns.found:
        if found is not None and value is not None:
            slot.statements.extend(w.assign(found, value))
        slot.statements.append(Line((f"goto {returns.label};",)))
    w.region(body, returns.label)
    return found.value if found is not None else None


def run(w: FunctionWriter, body: Sequence[ir.Node], env: CodeEnv) -> None:
    """Statements in order. `env` is changed. Raises BlockEnded if control never comes past them."""
    here = Here(w, env)
    for statement in body:
        if w.shared.fact(stores, statement) and not _copies_itself(w, statement):
            copy(w)
        statements(statement, here)


@statements.rule(ir.Let)
def _(node: ir.Let, here: Here) -> None:
    here.env.update(_let(node, here))


@statements.rule(ir.Require)
def _(node: ir.Require, here: Here) -> None:
    _require(node.test, here)


def _require(test: ir.Expr, here: Here) -> None:
    """A guard, condition by condition."""
    w = here.w
    if isinstance(test, ir.And):
        for operand in test.operands:
            _require(operand, here)
    elif not (isinstance(test, ir.In) and test.container in w.granted and not w.copied):
        refused = w.exits.refused
        w.leave_unless(here.num(test), partial(refused, test) if refused else w.exits.disabled)


@statements.rule(ir.Assert)
def _(node: ir.Assert, here: Here) -> None:
    here.w.fault_unless(here.num(node.test), "the assertion is false", node)


@statements.rule(ir.Return)
def _(node: ir.Return, here: Here) -> None:
    w = here.w
    assert w.returns is not None
    found = None if node.value is None else here.ev(node.value)
    w.returns.found.append((w.later(), found))
    raise BlockEnded


@statements.rule(ir.Do)
def _(node: ir.Do, here: Here) -> None:
    w = here.w
    procedure = w.shared.module.functions[node.function]
    given = [w.named(here.ev(a)) for a in node.arguments]
    # Guards there may be about other values: all are asked.
    saved, w.granted = w.granted, ()
    try:
        run_body(w, procedure, dict(zip((a.name for a in procedure.arguments), given, strict=True)))
    finally:
        w.granted = saved


def _copies_itself(w: FunctionWriter, statement: ir.Node) -> bool:
    """Whether a call may leave the copy to the procedure, whose guards then come first.

    It may if the procedure has one end: with several, some would come without a copy.
    """
    if not isinstance(statement, ir.Do):
        return False
    body = w.shared.module.functions[statement.function].body
    return not any(isinstance(n, ir.Return) for s in body for n in ir.walk(s))


# --- branches ---


@statements.rule(ir.If)
def _(node: ir.If, here: Here) -> None:
    w, env = here.w, here.env
    test = here.num(node.test)
    if test.known:
        run(w, node.then if test.c else node.orelse, env)
        return
    if w.shared.fact(stores, node):
        test = w.pinned_num(test)
    before = w.memory, w.version
    ways: list[tuple[Block, CodeEnv, bool]] = []
    memory: dict[str, str] = {}
    for body in (node.then, node.orelse):
        own = dict(env)
        w.memory, w.version = dict(before[0]), before[1]
        block, ended = _way(w, body, own)
        ways.append((block, own, ended))
        if not ended:
            memory |= w.memory
    w.memory = memory
    if w.shared.fact(stores, node):
        w.changed()
    else:
        w.version = before[1]
    (then, a, a_ended), (orelse, b, b_ended) = ways
    if a_ended or b_ended:
        w.when(test, then if a_ended else Block(), orelse if b_ended else Block())
        if a_ended and b_ended:
            raise BlockEnded
        w.extend(orelse if a_ended else then)
        _become(env, b if a_ended else a)
        return
    _become(env, _together(w, test, then, orelse, a, b))


def _way(w: FunctionWriter, body: Sequence[ir.Node], env: CodeEnv) -> tuple[Block, bool]:
    saved, w.flow = w.flow, None
    copied = w.copied
    try:
        block, _, ended = w.branch(lambda: run(w, body, env))
        assert w.copied == copied, "a copy made on one path only"
        return block, ended
    finally:
        w.flow = saved


def _together(w: FunctionWriter, test: Num, then: Block, orelse: Block, a: CodeEnv, b: CodeEnv) -> CodeEnv:
    """The names as they are after either way."""
    merged: CodeEnv = {}
    simple = not then and not orelse
    for name in sorted(a.keys() & b.keys()):
        if same(a[name], b[name]):
            merged[name] = a[name]
        elif simple:
            merged[name] = select(w.shapes, test, a[name], b[name])
        else:
            shape = joined(w.shapes, shape_of(w.shapes, a[name]), shape_of(w.shapes, b[name]))
            variable = w.variable(shape, stem(name))
            w.declare(variable)
            then.statements.extend(w.assign(variable, a[name]))
            orelse.statements.extend(w.assign(variable, b[name]))
            merged[name] = variable.value
    w.when(test, then, orelse)
    return merged


def _become(env: CodeEnv, other: CodeEnv) -> None:
    other = dict(other)
    env.clear()
    env.update(other)


# --- loops ---


@statements.rule(ir.For)
def _(node: ir.For, here: Here) -> None:
    w, env = here.w, here.env
    domain = domain_of(w.named(here.ev(node.domain)))
    changed = {n: t for n, t in assigned(node.body) if n in env and n not in node.names}
    shapes: dict[str, PackedShape] = {}
    unroll = False
    for name, t in changed.items():
        try:
            shapes[name] = joined(w.shapes, w.shapes.shape(t), shape_of(w.shapes, env[name]))
        except (Unsupported, AssertionError):
            unroll = True
    count = size(domain)
    w.multiplicity *= max(1, count)
    rolled = not unroll and count > 1 and not written_out(w)
    w.multiplicity //= max(1, count)
    saved, w.flow = w.flow, None if rolled else env
    try:
        if rolled:
            _rolled(node, here, domain, shapes)
        else:
            loop(w, domain, lambda one: _once(node, here, one), unroll=True)
    finally:
        w.flow = saved
    for name in node.names:
        env.pop(name, None)


def _once(node: ir.For, here: Here, one: HeldValue) -> None:
    inner = Here(here.w, {}).bind(node.names, here.w.named(one))
    here.env.update(inner.env)
    run(here.w, node.body, here.env)


def _rolled(node: ir.For, here: Here, domain: HeldValue, shapes: dict[str, PackedShape]) -> None:
    w, env = here.w, here.env
    carried: dict[str, CVariable] = {}
    for name, shape in shapes.items():
        carried[name] = w.variable(shape, stem(name))
        w.declare(carried[name])
        for statement in w.assign(carried[name], env[name]):
            w.put(statement)
    stored = changes(node.body, w.shared.module)
    for name in stored:
        w.changed(name)

    def body(one: CValue) -> None:
        if stored:
            w.changed()
        inner = dict(env)
        for name, variable in carried.items():
            inner[name] = _frozen(w, variable)
        _once(node, Here(w, inner), one)
        for name, variable in carried.items():
            for statement in w.assign(variable, inner[name]):
                w.put(statement)

    counted(w, domain_of(domain), body, copies=True)
    if stored:
        w.changed()
    for name, variable in carried.items():
        env[name] = variable.value


def _frozen(w: FunctionWriter, variable: CVariable) -> CValue:
    """What C variables hold as a turn of a loop begins."""
    words = leaves(w.shapes, variable.now, variable.shape)
    return value_of([w.let(x) if isinstance(x, CExpr) else x for x in words], variable.shape)


# --- variables ---


def copy(w: FunctionWriter) -> None:
    """Make the state after the step a copy of the one before it, once."""
    if not w.copied:
        w.copied = True
        unit = w.shared.unit
        w.line(f"uint64_t *restrict t = {unit}rx_slot(batch);")
        w.line(f"{unit}rt_copy(t, s);")


@statements.rule(ir.Store)
def _(node: ir.Store, here: Here) -> None:
    # CPython evaluates the value, then the path, and checks the bound last, when all is written.
    w = here.w
    fit = node.value if isinstance(node.value, ir.Fit) else None
    value = w.named(here.ev(fit.operand if fit else node.value))
    path = [w.named(here.val(step)) for step in node.path]
    if path:
        w.read(node.variable, node.which, node)
    abstract = w.abstract if node.which is ir.Which.ABSTRACT else None
    layout = abstract or w.shared.layout
    ref = layout.ref(node.variable, "t")
    for step in path:
        if isinstance(ref.shape, SMap):
            ref = entry(ref, key_code(w, ref.shape.keys, step, node))
            continue
        assert isinstance(ref.shape, SSeq)
        assert ref.shape.item is not None
        found = load(ref)
        at = w.pinned_num(index(w, found.row, as_num(step), node))  # type: ignore[union-attr]  # a sequence
        ref = part(ref, 1, len(widths(ref.shape.item)), ref.shape.most, at, ref.shape.item)
    if not path:
        _check_keys(w, value, ref.shape, node)
    if fit:
        value = fitted(w, value, resolved(fit.type, layout.of.scope), fit.name, fit)
    if layout.of.scope.room:
        _check_room(w, value, ref.shape, node)
    write(w, ref, value)
    if abstract is None:
        w.changed(node.variable)
    # The names in an abstract model are its own.
    missing = w.unassigned if abstract is None else w.imageless
    if node.variable in missing:
        w.line(f"have |= {1 << missing[node.variable]:#x}ull;")


def _check_keys(w: FunctionWriter, value: HeldValue, shape: PackedShape, node: ir.Node) -> None:
    """A map must have a value for every key, at every depth."""
    if isinstance(shape, SMap) and isinstance(value, MapV):
        if set(value.keys.values) != set(shape.keys.values):
            w.fault_unless(FALSE, "the map does not have a value for every key", node)
        for one in value.entries:
            _check_keys(w, one, shape.value, node)


def _check_room(w: FunctionWriter, value: HeldValue, shape: PackedShape, node: ir.Node) -> None:
    """A set without a bound must not have more elements than there is room for."""
    if isinstance(shape, SMap):
        if isinstance(shape.value, SMap | SSlots):
            for one in entries(value, shape.keys):
                _check_room(w, one, shape.value, node)
    elif isinstance(shape, SSlots) and shape.unbounded:
        w.fault_unless(compare("<=", length(value), const(shape.most)), FULL, node)


def write(w: FunctionWriter, ref: Ref, value: HeldValue) -> None:
    """Put a value at its place in the state after the step."""
    words = [w.pinned(x) for x in leaves(w.shapes, value, ref.shape)]
    together: dict[int, tuple[int, list[Word]]] = {}
    for k, word in enumerate(words):
        at, shift, width = where(ref, k)
        if width == 0:
            continue
        mask = (1 << width) - 1
        if isinstance(at, int) and isinstance(shift, int):
            covered, moved = together.setdefault(at, (0, []))
            together[at] = covered | mask << shift, moved
            moved.append(build.shift_left(word, shift))
            continue
        here = build.load("t", at, stable=False)
        kept = build.without(here, build.shift_left(mask, shift)) if width < 64 else 0
        _put(w, at, build.bit_or(kept, build.shift_left(word, shift)))
    for place, (covered, moved) in together.items():
        kept = build.bit_and(build.load("t", place, stable=False), ALL & ~covered)
        _put(w, place, build.bit_or(kept, *moved))


def _put(w: FunctionWriter, at: Word, value: Word) -> None:
    w.line("t[", at, "] = ", value, ";")


# --- what statements do ---


def stores(node: ir.Node) -> bool:
    """Whether a statement may change variables."""
    return any(isinstance(n, ir.Store | ir.Do) for n in ir.walk(node))


def assigned(body: Sequence[ir.Node]) -> Iterator[tuple[str, Type]]:
    """The local names that statements give a value, with its type."""
    for statement in body:
        for node in ir.walk(statement):
            if isinstance(node, ir.Let) and len(node.names) == 1:
                yield node.names[0], node.value.type
            elif isinstance(node, ir.Let):
                assert isinstance(node.value.type, TupleType)
                yield from zip(node.names, node.value.type.items, strict=True)


def changes(body: Sequence[ir.Node], module: ir.Module) -> set[str]:
    """The variables that statements may change, procedures' included."""
    found: set[str] = set()
    for statement in body:
        for node in ir.walk(statement):
            if isinstance(node, ir.Store) and node.which is not ir.Which.ABSTRACT:
                found.add(node.variable)
            elif isinstance(node, ir.Do):
                found |= changes(module.functions[node.function].body, module)
    return found
