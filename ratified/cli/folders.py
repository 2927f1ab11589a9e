"""Where the imports of a person's files are looked for: in their own folder first, whatever else was loaded.

Guarantees: a file that was loaded, and whatever it imports from its folder, gets what stands there, also when a module of that
name was imported from elsewhere before, and when it imports it late, in a function; the other one stays as it was. Only the
standard library and Ratified come before the folder. Each module has a name of its own in `sys.modules`, so that what finds
things by their module's name (pickle, `inspect`, `typing.get_type_hints`) finds the right one of two.

A module keeps the name that an import gives it, unless another has that name already: then it is a part of a package that stands
for its folder, `<folder/>.lock`. Who imports is known to `__import__` alone, which is why that is wrapped, and no finder added.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import importlib
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

_PACKAGES: dict[str, str] = {}
"""Folders that were loaded from, and the name of the package that stands for each."""

_FILES: dict[str, str] = {}
"""Plain names of modules that were made of files, and the files that have them."""

_import = builtins.__import__
_import_module = importlib.import_module


def import_from(folder: Path) -> None:
    """Let what is in a folder be imported: before what is installed, but never in the standard library's place."""
    here = str(folder)
    if here not in _PACKAGES:
        name = _plain(folder.name)
        several = sum(other.endswith(f" {name}/>") or other == f"<{name}/>" for other in _PACKAGES.values())
        _PACKAGES[here] = f"<{several + 1} {name}/>" if several else f"<{name}/>"
    builtins.__import__ = _importing
    importlib.import_module = _importing_module
    if here in sys.path:
        return
    installed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    found = (
        n for n, p in enumerate(sys.path) if p in installed or p.endswith(("site-packages", "dist-packages"))
    )
    sys.path.insert(next(found, len(sys.path)), here)


def module_of(file: Path) -> ModuleType:
    """Return an empty module for a file, with its folder as the place of its imports.

    No import can mean its name, so that a model in queue.py does not stand in for the standard library's queue; nor has another
    file this name.
    """
    path, name = str(file), f"<{_plain(file.stem)}>"
    import_from(file.parent)
    if _FILES.setdefault(name, path) != path:
        name = f"{_package(str(file.parent))}.{name}"
    spec = importlib.util.spec_from_file_location(name, path)
    module = ModuleType(name) if spec is None else importlib.util.module_from_spec(spec)
    module.__file__ = path
    sys.modules[name] = module
    return module


def import_in(folder: Path, name: str) -> ModuleType:
    """Import a module by its name, as a file in that folder would."""
    import_from(folder)
    meant = _in(str(folder), name)
    with _as_written(meant.removesuffix(name)):
        return _import_module(meant)


def imported_name(name: str, importer: Mapping[str, object]) -> str:
    """Return the name in `sys.modules` of what a name means in an absolute import, in a module with these globals."""
    folder = _folder_of(importer)
    return name if folder is None else _in(folder, name)


# --- which module is meant ---


def _in(folder: str, name: str) -> str:
    """The name in `sys.modules` of what a name means for an importer in a folder."""
    top = name.partition(".")[0]
    package = _PACKAGES[folder]
    if f"{package}.{top}" in sys.modules:
        return f"{package}.{name}"
    if not top or top in sys.stdlib_module_names or top == "ratified":
        return name
    own = PathFinder.find_spec(top, [folder])
    if own is None:
        return name
    try:
        usual = importlib.util.find_spec(top)
    except (ImportError, ValueError):  # something without a specification has the name
        usual = ModuleSpec(top, None)
    # A folder without __init__.py has no origin. It gives way to a module, as Python has it.
    if usual is None or (usual.origin == own.origin and own.origin is not None):
        return name
    if own.origin is None and (usual.origin is not None or _first(usual) == os.path.join(folder, top)):  # noqa: PTH118 - text
        return name
    return f"{_package(folder)}.{name}"


def _package(folder: str) -> str:
    """The name of the package that stands for a folder; it is there from now on."""
    name = _PACKAGES[folder]
    if name not in sys.modules:
        sys.modules[name] = ModuleType(name)
        sys.modules[name].__path__ = [folder]
    return name


def _first(spec: ModuleSpec) -> str | None:
    """The first of the folders that a package without a file of its own is made of."""
    return next(iter(spec.submodule_search_locations or ()), None)


def _folder_of(importer: Mapping[str, object]) -> str | None:
    """The folder that a module was loaded from, if it is one that files are loaded from."""
    name, folder = importer.get("__name__"), importer.get("__file__")
    if not isinstance(name, str) or not isinstance(folder, str):
        return None
    levels = name.count(".") + ("__path__" in importer)
    if "/>." in name:  # it is in the package of its folder
        levels -= 1
    for _ in range(levels + 1):
        folder = folder.rpartition(os.sep)[0]
    return folder if folder in _PACKAGES else None


def _plain(name: str) -> str:
    """A name without dots, which part a module's name from its package's."""
    return name.replace(".", "_")


# --- in the place of Python's own ---


@functools.wraps(builtins.__import__)  # to whoever looks at it, it is what it stands for
def _importing(
    name: str,
    globals: Mapping[str, object] | None = None,  # noqa: A002 - as Python has it
    locals: Mapping[str, object] | None = None,  # noqa: A002 - as Python has it
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> ModuleType:
    """`__import__`, for which an absolute name begins in the importer's folder."""
    __tracebackhide__ = True
    meant = imported_name(name, globals) if globals and not level else name
    if meant == name:
        return _import(name, globals, locals, fromlist or (), level)
    with _as_written(meant.removesuffix(name)):
        if fromlist:
            return _import(meant, globals, locals, fromlist, 0)
        _import_module(meant)
        return sys.modules[meant.removesuffix(name) + name.partition(".")[0]]


def _importing_module(name: str, package: str | None = None) -> ModuleType:
    """`importlib.import_module`, for which an absolute name begins in its caller's folder."""
    __tracebackhide__ = True
    meant = name if name.startswith(".") else imported_name(name, sys._getframe(1).f_globals)
    with _as_written(meant.removesuffix(name)):
        return _import_module(meant, package)


@contextlib.contextmanager
def _as_written(prefix: str) -> Iterator[None]:
    """Tell of a module that is not there by the name that was asked for."""
    try:
        yield
    except ModuleNotFoundError as error:
        if prefix and error.name and error.name.startswith(prefix):
            error.name, error.msg = error.name.removeprefix(prefix), error.msg.replace(prefix, "")
        raise
