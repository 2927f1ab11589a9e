"""Faults planted into the translation to logic, one at a time, and which of them generated proof scripts find.

Faults are made from the source of the translation, whatever is in it: a conjunction for a disjunction, a quantifier for another,
an operand left out, a negation dropped, branches exchanged, the state before for the state after, a bound off by one. A fault is
planted by exchanging a function's code, so that whoever has imported the function has the fault too.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import functools
import gc
import importlib
import inspect
import itertools
import pkgutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import ratified.smt.first_order
from ratified.language.errors import RatifiedError
from ratified.language.model import Model
from ratified.smt.first_order.obligations import Translation
from ratified.smt.script import script_of
from ratified.smt.validation.validate import TranslationFault, validate
from tests.generate.engines import UNITS, load_script
from tests.generate.provable import provable_model

BESIDE = ("ratified.smt.normal", "ratified.smt.smtlib")
"""Modules beside the translation's own through which every formula goes."""

NOT_MEANING = ("alternation", "concrete", "small")
"""Modules of the translation that make no formula that is to be proved."""

_PAIRS = (
    ("conj", "disj"),
    ("every", "some"),
    ("less", "at_most"),
    ("TRUE", "FALSE"),
    ("plus", "minus"),
    ("now", "old"),
)
EXCHANGED = {a: b for pair in _PAIRS for a, b in (pair, pair[::-1])}
"""Names for which others are put."""

ASKED_MOST = 40
"""So many models that come to a function at all are tried with each of its faults."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault: where, what was changed, the function, and what gives the code that it has instead."""

    where: str
    what: str
    function: FunctionType
    compiled: Callable[[], CodeType | None]


@contextlib.contextmanager
def planted(fault: Fault) -> Iterator[None]:
    """The translation, with a fault in it."""
    right = fault.function.__code__
    code = fault.compiled()
    right = fault.function.__code__
    fault.function.__code__ = right if code is None else code
    try:
        yield
    finally:
        fault.function.__code__ = right


# --- which faults there are ----------------------------------------------------------------------------------------------


def modules() -> list[ModuleType]:
    """Whose functions get faults."""
    names = [m.name for m in pkgutil.iter_modules(ratified.smt.first_order.__path__)]
    own = [f"{ratified.smt.first_order.__name__}.{n}" for n in names if n not in NOT_MEANING]
    return [importlib.import_module(name) for name in (*own, *BESIDE)]


def faults(module: ModuleType) -> Iterator[Fault]:
    """All faults of a module, in the order of its source."""
    tree = ast.parse(inspect.getsource(module))
    live = dict(_live(module))
    for path, definition in _definitions(tree):
        function = live.get((definition.name, _first_line(definition)))
        if function is None:
            continue
        for line, what, changed in _changes(definition):
            where = f"{module.__name__}.{function.__qualname__}:{line}"
            code = functools.partial(_compiled, tree, path, changed, function, module)
            yield Fault(where, what, function, code)


def _first_line(definition: ast.FunctionDef) -> int:
    return min([definition.lineno, *(d.lineno for d in definition.decorator_list)])


def functions_of(module: ModuleType) -> list[FunctionType]:
    """All functions of a module, those of its table of rules too, which have no names of their own."""
    # Who refers to the module's names: looking at every object there is takes ten times as long.
    found = gc.get_referrers(vars(module))
    return [f for f in found if isinstance(f, FunctionType) and f.__module__ == module.__name__]


def _live(module: ModuleType) -> Iterator[tuple[tuple[str, int], FunctionType]]:
    """The functions and methods of a module, by name and line."""
    for function in functions_of(module):
        yield (function.__name__, function.__code__.co_firstlineno), function


def _definitions(tree: ast.Module) -> Iterator[tuple[tuple[int, ...], ast.FunctionDef]]:
    for i, node in enumerate(tree.body):
        if isinstance(node, ast.FunctionDef):
            yield (i,), node
        elif isinstance(node, ast.ClassDef):
            for j, inner in enumerate(node.body):
                if isinstance(inner, ast.FunctionDef):
                    yield (i, j), inner


def _compiled(
    tree: ast.Module,
    path: tuple[int, ...],
    changed: ast.FunctionDef,
    function: FunctionType,
    module: ModuleType,
) -> CodeType | None:
    whole = copy.copy(tree)
    whole.body = list(tree.body)
    if len(path) == 1:
        whole.body[path[0]] = changed
    else:
        outer = copy.copy(tree.body[path[0]])
        assert isinstance(outer, ast.ClassDef)
        outer.body = list(outer.body)
        outer.body[path[1]] = changed
        whole.body[path[0]] = outer
    ast.fix_missing_locations(whole)
    made = compile(whole, module.__file__ or "", "exec")
    wanted = function.__code__
    for code in all_codes(made):
        if (code.co_name, code.co_firstlineno) == (wanted.co_name, wanted.co_firstlineno):
            return code if code.co_freevars == wanted.co_freevars else None
    return None


def all_codes(code: CodeType) -> Iterator[CodeType]:
    """A piece of code and all inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from all_codes(constant)


# --- changes of a function -----------------------------------------------------------------------------------------------


def _changes(definition: ast.FunctionDef) -> Iterator[tuple[int, str, ast.FunctionDef]]:
    """A function with one thing changed, for each that there is."""
    for index, node in enumerate(ast.walk(definition)):
        if not isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.IfExp | ast.Compare):
            continue
        for way in _WAYS:
            if way(copy.deepcopy(node)) is not None:
                changed = copy.deepcopy(definition)
                found = way(next(itertools.islice(ast.walk(changed), index, None)))
                yield node.lineno, f"{found}: {ast.unparse(node)[:90]}", changed


def _another_name(node: ast.AST) -> str | None:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in EXCHANGED:
        node.id = EXCHANGED[node.id]
        return f"{node.id} instead"
    if isinstance(node, ast.Attribute) and node.attr in ("now", "old", "every", "some"):
        node.attr = EXCHANGED[node.attr]
        return f".{node.attr} instead"
    return None


def _called(node: ast.AST, *names: str) -> ast.Call | None:
    return (
        node
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
        else None
    )


def _operand_left_out(node: ast.AST) -> str | None:
    call = _called(node, "conj", "disj")
    if call is None or len(call.args) < 2:
        return None
    call.args.pop(0)
    return "the first operand is left out"


def _last_operand_left_out(node: ast.AST) -> str | None:
    call = _called(node, "conj", "disj")
    if call is None or len(call.args) < 2:
        return None
    call.args.pop()
    return "the last operand is left out"


def _not_negated(node: ast.AST) -> str | None:
    call = _called(node, "neg")
    if call is None:
        return None
    call.func = ast.Name("conj", ast.Load())
    return "not negated"


def _exchanged(node: ast.AST) -> str | None:
    call = _called(node, "choice", "either")
    if call is None or len(call.args) != 3:
        return None
    call.args[1], call.args[2] = call.args[2], call.args[1]
    return "the branches are exchanged"


def _turned(node: ast.AST) -> str | None:
    call = _called(node, "less", "at_most", "implies", "minus")
    if call is None or len(call.args) != 2:
        return None
    call.args.reverse()
    return "the operands are exchanged"


def _off_by_one(node: ast.AST) -> str | None:
    call = _called(node, "Number")
    if call is None:
        return None
    call.args[0] = ast.BinOp(call.args[0], ast.Add(), ast.Constant(1))
    return "one more"


def _test_turned(node: ast.AST) -> str | None:
    if not isinstance(node, ast.IfExp):
        return None
    node.body, node.orelse = node.orelse, node.body
    return "the branches are exchanged"


def _equality_turned(node: ast.AST) -> str | None:
    if not (isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq)):
        return None
    node.ops[0] = ast.NotEq() if isinstance(node.ops[0], ast.Eq) else ast.Eq()
    return "equality is turned"


_WAYS: tuple[Callable[[ast.AST], str | None], ...] = (
    _another_name,
    _operand_left_out,
    _last_operand_left_out,
    _not_negated,
    _exchanged,
    _turned,
    _off_by_one,
    _test_turned,
    _equality_turned,
)


# --- finding them --------------------------------------------------------------------------------------------------------


def scripts(number: int, folder: Path) -> list[type[Model]]:
    """The first generated proof scripts that can be read and translated."""
    found: list[type[Model]] = []
    for seed in range(number):
        with contextlib.suppress(RatifiedError):
            found.append(load_script(provable_model(seed), folder))
    return found


def _translated(cls: type[Model]) -> bool:
    try:
        Translation(script_of(cls)).obligations()
    except RatifiedError:
        return False
    return True


def holds(cls: type[Model]) -> str:
    """What holding a model's formulas to CPython finds: `found`, `crash`, or nothing (also where it is refused)."""
    try:
        translation = Translation(script_of(cls))
        validate(cls, translation, translation.obligations(), units=UNITS)
    except TranslationFault:
        return "found"
    except RatifiedError:
        return ""
    except Exception:  # noqa: BLE001  # whatever a fault leads to
        return "crash"
    return ""


def users(models: list[type[Model]], most: int) -> dict[CodeType, list[tuple[int, type[Model]]]]:
    """For each function of the translation, the first models that come to it, with their numbers."""
    found: dict[CodeType, list[tuple[int, type[Model]]]] = {}
    for number, cls in enumerate(models, 1):
        seen: set[CodeType] = set()

        def note(frame: FrameType, event: str, _: object, seen: set[CodeType] = seen) -> None:
            if event == "call":
                seen.add(frame.f_code)

        sys.setprofile(note)
        try:
            Translation(script_of(cls)).obligations()
        finally:
            sys.setprofile(None)
        for code in seen:
            if len(found.setdefault(code, [])) < most:
                found[code].append((number, cls))
    return found


def first_found(fault: Fault, models: list[tuple[int, type[Model]]]) -> tuple[int, str]:
    """After which model a fault is found, and how; (0, "") if it is not."""
    with planted(fault):
        for number, cls in models:
            if how := holds(cls):
                return number, how
    return 0, ""


def sweep(number: int, folder: Path, *, every: int = 1, told: Any = None) -> list[str]:
    """Plant one of every so many faults, and tell which are found by so many models."""
    models = [cls for cls in scripts(number, folder) if not holds(cls)]
    using = users([cls for cls in models if _translated(cls)], ASKED_MOST)
    counted: Counter[str] = Counter()
    lines: list[str] = []
    all_faults = [fault for module in modules() for fault in faults(module)]
    for fault in all_faults[::every]:
        after, how = first_found(fault, using.get(fault.function.__code__, []))
        how = how or ("not found" if fault.function.__code__ in using else "not used")
        counted[how] += 1
        lines.append(f"  {how:9s} {after or '':>4}  {fault.where}  {fault.what}")
        if told is not None:
            told(lines[-1])
    share = ", ".join(f"{n} {how}" for how, n in counted.most_common())
    return [f"{len(lines)} of {len(all_faults)} faults, {len(models)} models: {share}", *lines]
