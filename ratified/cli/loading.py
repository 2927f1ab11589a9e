"""From what a person types to a model's class: a bundled name, `path.py`, `path.py:Class` or `package.module:Class`.

Guarantees: whatever is wrong with a name or a file is a RatifiedError with the place and the remedy, never a traceback; what a
file prints while it is imported does not get into a report; nothing is written beside the file.
"""

from __future__ import annotations

import atexit
import contextlib
import inspect
import json
import linecache
import os
import sys
import traceback
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, ParamSpec, TypeVar

from ratified.bundled import Bug, bugs, models
from ratified.cli.folders import import_in, module_of
from ratified.language.errors import RatifiedError, Span

if TYPE_CHECKING:
    from ratified.conform.driving.driver import Driver
    from ratified.follow.binding import Binding
    from ratified.follow.linearizability.models import SequentialModel
    from ratified.language import Model

P = ParamSpec("P")
T = TypeVar("T")


class TargetError(RatifiedError):
    """A model that cannot be found or imported."""


def load(target: str) -> type[Model]:
    """Return the model class that a target names.

    Raises:
        TargetError: there is no such model, file, module or class, or importing it fails.
        ModelError: the language refuses the model.
    """
    if target in models:
        return load(models[target].target)
    path, _, name = target.rpartition(":")
    if target.endswith(".py") and (not path.strip() or _is_there(target)):  # the path may have a colon
        path, name = target.removeprefix(":"), ""
    if path.endswith(".py"):
        return _choose(_import_file(Path(path)), name, str(Path(path)))
    if Path(target).suffix == ".py" or "/" in target or _is_there(target):
        _refuse_file(Path(target))
    if path:
        return _choose(_import_module(path), name, path)
    if target in bugs:
        raise _no_model(target, bugs[target])
    raise nothing_bundled(target)


def _is_there(path: str) -> bool:
    """Whether a file has this path; none has one that is too long for the system."""
    try:
        return Path(path).exists()
    except OSError:
        return False


def nothing_bundled(target: str) -> TargetError:
    """Return the error to raise for a name of nothing that is bundled."""
    return TargetError(f"there is no bundled model {target!r}", remedy=_bundled_like(target))


def _no_model(target: str, bug: Bug) -> TargetError:
    """A bug that no bundled model has: say where it is."""
    if bug.relational:
        return TargetError(f"only the model of the proof has {target}", remedy=f"ratified prove {target}")
    implementation = bug.planted_in[0]
    return TargetError(
        f"only implementations have {target}", remedy=f"ratified mutants {implementation} {bug.name}"
    )


def name_of(target: str, cls: type) -> str:
    """Return the name under which reports speak of a model: that of a bundled one, or its class's."""
    return target if target in models else cls.__name__


def described(name: str) -> str:
    """Return a line about a bundled model; of any other, nothing."""
    return models[name].description if name in models else ""


def load_module(path: str) -> types.ModuleType:
    """Return the module that `path.py` or `package.module` names. Raises TargetError."""
    return _import_file(Path(path)) if path.endswith(".py") else _import_module(path)


def load_class(target: str) -> type:
    """Return any class that `path.py:Class` or `package.module:Class` names. Raises TargetError."""
    path, _, name = target.rpartition(":")
    module = load_module(path)
    found = getattr(module, name, None)
    if not inspect.isclass(found):
        own = [k for k, v in vars(module).items() if inspect.isclass(v) and v.__module__ == module.__name__]
        raise TargetError(f"{path} has no class `{name}`", remedy=f"it has {', '.join(own) or 'none'}")
    return found


def load_binding(target: str) -> Binding:
    """Return a bundled binding, or an instance of a person's class. Raises RatifiedError."""
    from ratified.bundled.conformance import PROTOCOLS
    from ratified.follow.binding import Binding, BindingError, mistakes_told

    if target in PROTOCOLS:
        return PROTOCOLS[target].binding()
    if ":" not in target:
        raise RatifiedError(
            f"there is no binding {target!r}",
            remedy=f"bundled: {', '.join(PROTOCOLS)}; write your own as path.py:Class or module:Class",
        )
    found = load_class(target)
    if not issubclass(found, Binding):
        raise RatifiedError(
            f"{found.__name__} is not a binding",
            remedy="derive it from ratified.Binding (docs/conformance.md)",
        )
    try:
        with mistakes_told(found, "__init__"):
            return found()
    except BindingError as problem:
        problem.remedy = problem.remedy or "it is instantiated without arguments"
        raise


def check_heading(target: str, binding: Binding, heading: Mapping[str, object], name: str) -> None:
    """Raise RatifiedError where a trace says that it is of another system than the binding's."""
    from ratified.bundled.conformance import PROTOCOLS

    system, mine = heading.get("trace"), binding.system
    if target in PROTOCOLS and system != target and system in PROTOCOLS:
        raise RatifiedError(
            f"{name} is a trace of {system}, not of {target}", remedy=f"ratified trace {system} {name}"
        )
    if system and mine and system != mine:
        raise RatifiedError(
            f"{name} is a trace of {system}, not of {mine}",
            remedy=f"follow it with a binding of its own; {mine!r} is the `system` of {type(binding).__name__}",
        )


def load_driver(target: str) -> type[Driver]:
    """Return the class of a driver. Raises RatifiedError."""
    from ratified.conform.driving.driver import Driver

    if ":" not in target:
        raise RatifiedError(
            f"there is no driver {target!r}", remedy="a driver is given as path.py:Class or module:Class"
        )
    found = load_class(target)
    if not issubclass(found, Driver):
        raise RatifiedError(
            f"{found.__name__} is not a driver", remedy="derive it from ratified.Driver (docs/driving.md)"
        )
    return found


def load_sequential(name: str, initial: str | None) -> SequentialModel:
    """Return the model of a name, or an instance of a person's class. Raises RatifiedError."""
    from ratified.follow.linearizability.models import MODELS, Register

    if name in MODELS:
        cls = MODELS[name]
        if initial is None:
            return cls()
        if not (isinstance(cls, type) and issubclass(cls, Register)):
            raise RatifiedError(f"a {name} has no initial value", remedy="--initial is for registers")
        try:
            return cls(json.loads(initial))
        except ValueError:
            raise RatifiedError(
                f"--initial {initial} is not JSON", remedy="text has quotes: --initial '\"a\"'"
            ) from None
    if ":" not in name:
        raise RatifiedError(
            f"there is no model {name!r}",
            remedy=f"the models are {', '.join(MODELS)}; write your own as path.py:Class or module:Class",
        )
    found = load_class(name)
    missing = [m for m in ("functions", "initial", "step", "part") if not hasattr(found, m)]
    if missing:
        raise RatifiedError(
            f"{found.__name__} is not a sequential model: it has no `{missing[0]}`",
            remedy="it needs functions, initial(), step(state, operation) and part(operation)",
        )
    try:
        made: SequentialModel = found()
    except TypeError as problem:
        raise RatifiedError(
            f"{found.__name__} cannot be instantiated: {problem}",
            remedy="it is instantiated without arguments",
        ) from None
    return made


def _bundled_like(target: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(target, models, n=3, cutoff=0.5)
    meant = f"did you mean {' or '.join(close)}? " if close else ""
    return f"{meant}`ratified list` shows what is bundled; write a model of your own as path.py:Class or module:Class"


def _refuse_file(path: Path) -> NoReturn:
    remedy = "give a file that ends in .py, as path.py or path.py:Class"
    if not path.exists():
        raise TargetError(f"{path}: there is no such file", remedy=remedy)
    kind = "a folder" if path.is_dir() else "not a Python file"
    raise TargetError(f"{path} is {kind}", remedy=remedy)


def _import_file(path: Path) -> types.ModuleType:
    """Run a file as a module of its own, with its folder on the path as for a script."""
    try:
        if path.is_fifo():
            raise TargetError(f"{path} is a pipe", remedy="give a file that ends in .py")
        source = path.read_bytes()
    except IsADirectoryError:
        raise TargetError(f"{path} is a folder", remedy="give a file that ends in .py") from None
    except FileNotFoundError:
        raise TargetError(f"{path}: there is no such file", remedy=_files_near(path)) from None
    except OSError as error:
        raise TargetError(f"{path} cannot be read: {error.strerror}") from None
    file = str(path.resolve())
    module = module_of(Path(file))
    with explained(str(path), file), contextlib.redirect_stdout(sys.stderr):
        # Not through the loader, which would leave a __pycache__ beside the person's file.
        exec(compile(source, file, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - it is what was asked for
    return module


def _files_near(path: Path) -> str:
    near = sorted(p.name for p in path.parent.glob("*.py"))[:5] if path.parent.is_dir() else []
    return f"{path.parent} has {', '.join(near)}" if near else "paths are relative to the folder you are in"


def _import_module(name: str) -> types.ModuleType:
    with contextlib.redirect_stdout(sys.stderr):
        try:
            with explained(name, None):
                return import_in(Path.cwd(), name)  # as `python -m` has it
        except _NoModuleError as error:
            remedy = "it must be importable from here; a file is given as path.py:Class"
            raise TargetError(f"there is no module {error}", remedy=remedy) from None


class _NoModuleError(Exception):
    """The module that was asked for, or a package it lies in, does not exist."""


@contextlib.contextmanager
def explained(what: str, file: str | None) -> Iterator[None]:
    """Turn whatever goes wrong while a person's code is imported into a message with its place in that code."""
    from ratified.language.model import refused_when_used

    register, atexit.register = atexit.register, _register
    try:
        with refused_when_used(), staying():
            yield
    except RatifiedError as error:
        error.span = error.span or _place(error, file)
        raise
    except SyntaxError as error:
        message = f"{type(error).__name__}: {error.msg}"
        span = _syntax_place(error)
        raise TargetError(message if span else f"{what}: {message}", span=span) from None
    except SystemExit as error:
        remedy = 'put the code that runs it as a program under `if __name__ == "__main__":`'
        raise TargetError(
            f"{what} exits when it is imported", span=_place(error, file), remedy=remedy
        ) from None
    except BaseException as error:  # a person's file may raise anything, such as what makes pytest skip it
        if isinstance(error, KeyboardInterrupt) or type(error).__module__.startswith("ratified."):
            raise
        if (
            isinstance(error, ModuleNotFoundError)
            and file is None
            and f"{what}.".startswith(f"{error.name}.")
        ):
            raise _NoModuleError(repr(error.name)) from None
        span = _place(error, file)
        what_failed = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        from ratified.cli.unknown import remedy_for

        failed = f"importing {what} fails with {what_failed}"
        raise TargetError(failed, span=span, remedy=remedy_for(error) or _as_module(error, file)) from None
    finally:
        atexit.register = register


def _as_module(error: BaseException, file: str | None) -> str:
    """What to write for a file that is part of a package: run by itself, it knows none that it could import from."""
    if file is None or "no known parent package" not in str(error):
        return ""
    path = Path(file)
    return f"name it as part of its package, from the folder above: {path.parent.name}.{path.stem}"


@contextlib.contextmanager
def staying() -> Iterator[None]:
    """Without a way to leave at once, with which a person's code could end all of it with the status of a verdict."""
    process, leave = os.getpid(), os._exit

    def stay(status: int) -> NoReturn:
        if os.getpid() != process:  # a child leaves as it likes
            leave(status)
        raise SystemExit(status)

    os._exit = stay
    try:
        yield
    finally:
        os._exit = leave


_at_exit = atexit.register


def _register(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Callable[P, T]:
    """What `atexit.register` is meanwhile: what is called at the end ends nothing."""

    def without_leaving() -> None:
        with staying():
            function(*args, **kwargs)

    _at_exit(without_leaving)
    return function


def _syntax_place(error: SyntaxError) -> Span | None:
    if error.filename is None or not error.lineno:
        return None
    column = max((error.offset or 1) - 1, 0)
    end_line = error.end_lineno or error.lineno
    end = (
        max((error.end_offset or 0) - 1, column + 1)
        if end_line == error.lineno
        else (error.end_offset or 1) - 1
    )
    return Span(error.filename, error.lineno, column, end_line, end)


def _place(error: BaseException, file: str | None) -> Span | None:
    """The innermost place in the file where an exception passed; without a file, in any code but Python's and ours."""
    ours = str(Path(__file__).parents[1])
    found = None
    for frame in traceback.extract_tb(error.__traceback__):
        theirs = not frame.filename.startswith(("<", ours, os.path.dirname(os.__file__)))  # noqa: PTH120 - text compared with text
        if frame.filename == file or (file is None and theirs):
            found = frame
    if found is None or found.lineno is None:
        return None
    line = linecache.getline(found.filename, found.lineno)
    end_line = found.end_lineno or found.lineno
    end = _column(line, found.end_colno) if end_line == found.lineno else 0
    return Span(found.filename, found.lineno, _column(line, found.colno), end_line, end)


def _column(line: str, offset: int | None) -> int:
    """A column in characters, from one in bytes."""
    return len(line.encode()[: offset or 0].decode(errors="replace"))


def _choose(module: types.ModuleType, name: str, where: str) -> type[Model]:
    """The model class of that name, or without a name the only one that the module defines."""
    from ratified.language import Model

    found = {
        key: value
        for key, value in vars(module).items()
        if inspect.isclass(value)
        and issubclass(value, Model)
        and value is not Model
        and not key.startswith("_")
    }
    own = [
        key for key, value in found.items() if value.__module__ == module.__name__ and value.__name__ == key
    ]
    if name:
        if name in found:
            return _accepted(found[name])
        if hasattr(module, name):
            raise TargetError(f"`{name}` in {where} is not a model", remedy=_models(where, own))
        raise TargetError(f"{where} has no class `{name}`", remedy=_models(where, own))
    if len(own) == 1:
        return _accepted(found[own[0]])
    if own:
        raise TargetError(f"{where} has {len(own)} models", remedy=_models(where, own))
    raise TargetError(f"{where} has no model", remedy=_models(where, own))


def _accepted(model: type[Model]) -> type[Model]:
    """A model that the language takes. Raises ModelError if it does not."""
    assert model.module is not None  # reading it raises what is wrong
    return model


def _models(where: str, own: list[str]) -> str:
    if not own:
        return "a model is a class that derives from ratified.Model"
    return f"choose {' or '.join(f'{where}:{name}' for name in own)}"
