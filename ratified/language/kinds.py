"""Whether a backend has rules for every kind of type in a model: asked before it translates anything.

Guarantees: a model with a type that a backend does not know is refused by it, at the place where that type is declared.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

from ratified.language.errors import ModelError, RatifiedError, Span
from ratified.language.ir import Module
from ratified.language.types import Type, parts


def refuse_other_types(
    module: Module, known: Container[type[Type]], what: str, error: type[RatifiedError] = ModelError
) -> None:
    """Refuse a model with a type of a kind that is not among those known. `what` names the backend in the message.

    Raises:
        error: there is such a type among those of variables, parameters and functions, or inside of one.
    """
    for name, t, span in _declared(module):
        for part in parts(t):
            if type(part) not in known:
                raise error(
                    f"{what} has no rule for {type(part).__name__}, in the type of `{name}`: {t}",
                    span=span,
                    remedy="use another type, or an engine that supports it",
                )


def _declared(module: Module) -> Iterator[tuple[str, Type, Span | None]]:
    for declaration in (*module.variables, *module.parameters):
        yield declaration.name, declaration.type, declaration.span
    for function in module.functions.values():
        for argument in function.arguments:
            yield argument.name, argument.type, function.span
        if function.returns is not None:
            yield function.name, function.returns, function.span
