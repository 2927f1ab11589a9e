"""What an editor shows of a file of models: what is wrong with it, which models it has, and what their variables are.

Guarantees: it is the text that is compiled, never what lies on the disk under its name. Every statement of the module is run
by itself, so that one that fails hides no other; what fails only because an earlier one did is not told. All that is wrong
with a model is told, a mistake once. Importing a module runs it: call this in a process that may be stopped (`worker`).

Positions are lines and columns from 0, columns in characters: [line, column, end line, end column].
"""

from __future__ import annotations
import __future__

import ast
import io
import linecache
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from ratified.cli.folders import module_of
from ratified.cli.instances import sizes_of
from ratified.cli.loading import explained
from ratified.language.claims import claims_of
from ratified.language.errors import RatifiedError, Span
from ratified.language.ir import Declaration, Kind
from ratified.language.model import Model
from ratified.language.scope import Scope, running
from ratified.language.source import class_node
from ratified.language.types import cardinality

TextRange = tuple[int, int, int, int]
BEGINNING: TextRange = (0, 0, 0, 1)
GUESSED = 3
"""How large each sort is where a model names no size."""

_SPEAKS_OF_RATIFIED = re.compile(r"^[ \t]*(?:from|import)[ \t]+ratified\b", re.MULTILINE)


class TooLongError(BaseException):
    """Raised by an alarm in the code of a module that goes on for too long; no `except Exception` catches it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong: what, where, and what to do."""

    message: str
    remedy: str
    place: TextRange


@dataclass(frozen=True, slots=True)
class PlacedClaim:
    """A claim of a model, and where its name stands."""

    name: str
    kind: str
    place: TextRange


@dataclass(frozen=True, slots=True)
class Hover:
    """What is said of a name where it stands."""

    place: TextRange
    text: str


@dataclass(frozen=True, slots=True)
class ModelFound:
    """A model: `settings` are what one gives to `ratified check` for it, none where it names a size itself."""

    name: str
    place: TextRange
    claims: tuple[PlacedClaim, ...]
    settings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Analysis:
    """All of it."""

    problems: tuple[Problem, ...] = ()
    models: tuple[ModelFound, ...] = ()
    hovers: tuple[Hover, ...] = ()

    def plain(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


def is_of_models(text: str) -> bool:
    """Whether a file is to be looked at, which runs it: it imports ratified."""
    return bool(_SPEAKS_OF_RATIFIED.search(text))


def lines_of(text: str) -> list[str]:
    """Return the lines of a text as Python and editors count them: a form feed ends none."""
    return io.StringIO(text, newline=None).readlines()


def analysed(path: str, text: str) -> Analysis:
    """Analyse a text as the content of a file, which need not exist. Runs it."""
    lines = lines_of(text)
    # An entry without a time is never compared with the disk.
    linecache.cache[path] = (len(text), None, lines, path)
    try:
        with explained(Path(path).name, path):
            tree = ast.parse("".join(lines), path)
    except RatifiedError as error:
        return Analysis(tuple(_problems(error, path)))
    except (RecursionError, MemoryError):
        return Analysis((Problem("this is nested too deeply for Python to parse", "", BEGINNING),))
    module, problems = _run(tree, path)
    models: list[ModelFound] = []
    hovers: list[Hover] = []
    for cls in _models_of(module):
        if any(_refusal(base) for base in cls.__mro__[1:]):
            continue  # it is told of the base
        if refusal := _refusal(cls):
            problems += _problems(refusal, path, _name_place(cls, path))
            continue
        models.append(_model(cls, path))
        hovers += _hovers(cls, path)
    once = {(p.message, p.place): p for p in problems}
    ordered = sorted(once.values(), key=lambda p: p.place)
    return Analysis(tuple(ordered), tuple(models), tuple(hovers))


# --- running it ---


def _run(tree: ast.Module, path: str) -> tuple[ModuleType, list[Problem]]:
    """Run a module statement by statement; return it, and what was wrong."""
    module = module_of(Path(path))
    flags = _future_flags(tree)
    problems: list[Problem] = []
    lost: set[str] = set()
    for statement in tree.body:
        try:
            with explained(Path(path).name, path):
                code = compile(ast.Module([statement], []), path, "exec", flags=flags, dont_inherit=True)
                exec(code, module.__dict__)  # noqa: S102 - it is what an import does
        except RatifiedError as error:
            if not any(f"'{name}'" in error.message for name in lost):
                problems += _problems(error, path, _head(statement))
        except TooLongError as error:
            place = _innermost(error, path) or _head(statement)
            problems.append(Problem(str(error), "move slow code into a function", place))
            break
        except BaseException as error:  # noqa: BLE001 - a person's file may raise anything
            problems.append(
                Problem(f"importing this fails with {type(error).__name__}", "", _head(statement))
            )
        else:
            continue
        lost.update(_bound(statement))
    return module, problems


def _future_flags(tree: ast.Module) -> int:
    flags = 0
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            for alias in node.names:
                feature = getattr(__future__, alias.name, None)
                flags |= getattr(feature, "compiler_flag", 0)
    return flags


def _bound(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement would have given a value."""
    for node in ast.walk(statement):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.alias(name=name, asname=other):
                yield other or name.partition(".")[0]


def _innermost(error: BaseException, path: str) -> TextRange | None:
    found = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            found = trace.tb_lineno
        trace = trace.tb_next
    if found is None:
        return None
    line = linecache.getline(path, found).rstrip("\n")
    return found - 1, len(line) - len(line.lstrip()), found - 1, len(line)


# --- what is wrong ---


def _problems(error: RatifiedError, path: str, elsewhere: TextRange = BEGINNING) -> Iterator[Problem]:
    """What an error says, and all others with it; what stands in another file is told at a place of this one."""
    for each in (error, *error.others):
        if each.span is not None and each.span.file == path:
            yield Problem(each.message, each.remedy, _place(each.span))
        else:
            where = f"{each.span}: " if each.span else ""
            yield Problem(where + each.message, each.remedy, elsewhere)


def _refusal(cls: type) -> RatifiedError | None:
    """Why the language refuses a class, if it does."""
    try:
        getattr(cls, "module", None)
    except RatifiedError as error:
        return error
    return None


def _place(span: Span) -> TextRange:
    return span.line - 1, span.column, span.end_line - 1, span.end_column


def _head(statement: ast.stmt) -> TextRange:
    line = statement.lineno - 1
    end = statement.end_col_offset if statement.end_lineno == statement.lineno else None
    return line, statement.col_offset, line, end or statement.col_offset + 1


# --- what there is ---


def _models_of(module: ModuleType) -> list[type[Model]]:
    """The models that a module defines, in order."""
    found: dict[type[Model], None] = {}
    waiting: list[type[Model]] = [Model]
    while waiting:
        for cls in waiting.pop().__subclasses__():
            if cls not in found:
                found[cls] = None
                waiting.append(cls)
    return [
        cls for cls in found if cls.__module__ == module.__name__ and vars(module).get(cls.__name__) is cls
    ]


def _name_place(cls: type, path: str) -> TextRange:
    node = class_node(path, cls.__name__, 1)
    return _head(node) if node else BEGINNING


def _model(cls: type[Model], path: str) -> ModelFound:
    module = cls.module
    claims = tuple(
        PlacedClaim(f.name, f.kind.value, _place(f.span)) for f in claims_of(module) if f.span.file == path
    )
    settings = () if sizes_of(cls) else tuple(f"{s.sort.__name__}={GUESSED}" for s in module.sorts)
    place = _place(module.span) if module.span else BEGINNING
    return ModelFound(cls.__name__, place, claims, settings)


def _scope(cls: type[Model]) -> tuple[Scope, str] | None:
    """A size to count at, and how it is called; None if there is none without more being given."""
    sizes = sizes_of(cls)
    name = "standard" if "standard" in sizes else next(iter(sizes), None)
    given = sizes[name] if name else {s.sort.__name__: GUESSED for s in cls.module.sorts}
    try:
        return cls(**given).scope, f"at its size {name}" if name else _said(given)
    except RatifiedError:
        return None


def _said(given: Mapping[str, object]) -> str:
    return f"with {', '.join(f'{n}={v}' for n, v in given.items())}" if given else "at every size"


def _hovers(cls: type[Model], path: str) -> Iterator[Hover]:
    """What is said of each variable and parameter, wherever a class names it, and of the parameters of its methods."""
    module = cls.module
    if module.span is None or module.span.file != path:
        return
    node = class_node(path, cls.__name__, module.span.line)
    assert node is not None  # the span is this node's
    counting = _scope(cls)
    texts = {d.name: _described(d, "variable", counting) for d in module.variables}
    texts |= {d.name: _described(d, "parameter", counting) for d in module.parameters}
    for inner in ast.walk(node):
        match inner:
            case ast.Attribute(value=ast.Name("self" | "old"), attr=name) if name in texts:
                line, end = (inner.end_lineno or 1) - 1, inner.end_col_offset or 0
                yield Hover(_columns(path, line, end - len(name.encode()), end), texts[name])
            case ast.AnnAssign(target=ast.Name(id=name) as target) if name in texts:
                yield Hover(
                    _columns(path, target.lineno - 1, target.col_offset, target.end_col_offset or 0),
                    texts[name],
                )
    methods = {n.lineno: n for n in node.body if isinstance(n, ast.FunctionDef)}
    for function in module.functions.values():
        method = methods.get(function.span.line)
        if function.span.file != path or function.kind is Kind.HELPER or method is None:
            continue
        types = {a.name: Declaration(a.name, a.type, None, None) for a in function.arguments}
        for named in (*method.args.args, *method.args.kwonlyargs):
            if named.arg in types:
                text = _described(types[named.arg], f"parameter of {function.name}", counting)
                end = named.col_offset + len(named.arg.encode())
                yield Hover(_columns(path, named.lineno - 1, named.col_offset, end), text)


def _columns(path: str, line: int, start: int, end: int) -> TextRange:
    """A place within a line, of columns in bytes."""
    text = linecache.getline(path, line + 1).encode()
    first, last = (len(text[:n].decode(errors="replace")) for n in (start, end))
    return line, first, line, last


def _described(declaration: Declaration, what: str, counting: tuple[Scope, str] | None) -> str:
    lines = [f"```python\n{declaration.name}: {declaration.type}\n```", f"{what}"]
    if counting is not None:
        scope, size = counting
        with running(scope):
            many = cardinality(declaration.type, scope)
        lines[1] += ", without a bound" if math.isinf(many) else f", {_counted(many)} {size}"
    return "\n".join(lines)


def _counted(many: float) -> str:
    if many >= 1e15:
        return f"about {many:.0e} values"
    return f"{int(many):,} value{'' if many == 1 else 's'}"
