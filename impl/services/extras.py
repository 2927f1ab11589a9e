"""What is said where a module needs a package that a plain installation has not."""

from __future__ import annotations


def missing(module: str, package: str, extra: str, error: ModuleNotFoundError) -> ModuleNotFoundError:
    """Return the error that names the extra; if another package is missing, that error as it is."""
    if error.name != module:
        return error
    return ModuleNotFoundError(
        f"this needs {package}: pip install {package}  (the extra `{extra}`)", name=error.name
    )
