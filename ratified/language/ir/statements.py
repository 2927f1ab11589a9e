"""Statements: what changes local names and variables, branches, repeats, and ends a step or a function."""

from __future__ import annotations

from dataclasses import dataclass

from ratified.language.ir.expressions import Expr, Node, Which


@dataclass(frozen=True, slots=True)
class Let(Node):
    """Give local names a value; several names unpack a tuple."""

    names: tuple[str, ...]
    value: Expr


@dataclass(frozen=True, slots=True)
class Store(Node):
    """Change a variable, at a path of map keys (and perhaps a last sequence index)."""

    variable: str
    path: tuple[Expr, ...]
    value: Expr
    which: Which


@dataclass(frozen=True, slots=True)
class If(Node):
    """A conditional."""

    test: Expr
    then: tuple[Node, ...]
    orelse: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class For(Node):
    """A loop over a finite container, in canonical order. Several names unpack a tuple."""

    names: tuple[str, ...]
    domain: Expr
    body: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Require(Node):
    """A guard: where it is false, the step is not possible."""

    test: Expr


@dataclass(frozen=True, slots=True)
class Assert(Node):
    """A claim of the model's author: where it is false, the model is in error."""

    test: Expr


@dataclass(frozen=True, slots=True)
class Return(Node):
    """The end of a function."""

    value: Expr | None


@dataclass(frozen=True, slots=True)
class Do(Node):
    """A call of a procedure: a helper that may change variables and `require`."""

    function: str
    arguments: tuple[Expr, ...]
