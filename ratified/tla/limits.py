"""What TLC cannot compute with although TLA+ can say it: numbers of more than 32 bits.

Guarantees: a number that is found too large stands in the model, its types or its parameters; none is passed over that the
exported text has.
"""

from __future__ import annotations

from collections.abc import Iterator

from ratified.interchange.representation import family
from ratified.language import ir
from ratified.language.deferred import Deferred
from ratified.language.errors import SizeError, Span
from ratified.language.ir import Expr
from ratified.language.model import Model
from ratified.language.types import IntType, Type, parts, resolved
from ratified.language.uses import nodes
from ratified.language.values import Map

LEAST, MOST = -(2**31), 2**31 - 1


def too_large(model: Model) -> tuple[int, Span | None] | None:
    """A number that TLC cannot read, and where it stands; None if there is none."""
    found = (one for each in family(model) for one in _numbers(each))
    return next(((n, span) for n, span in found if not LEAST <= n <= MOST), None)


def _numbers(model: Model) -> Iterator[tuple[int, Span | None]]:
    module = model.module
    for declared in (*module.parameters, *module.variables):
        for n in _of_type(declared.type, model):
            yield n, declared.span
        if declared.default is not None:
            for n in _of_value(declared.default.value):
                yield n, declared.span
    for parameter in module.parameters:
        for n in _of_value(model.scope.parameters[parameter.name]):
            yield n, parameter.span
    for function in module.functions.values():
        for argument in function.arguments:
            for n in _of_type(argument.type, model):
                yield n, function.span
        for node in nodes(function):
            if isinstance(node, ir.Literal):
                for n in _of_value(node.value):
                    yield n, node.span
            elif isinstance(node, ir.Fit | ir.Universe | ir.MakeRecord) and isinstance(node, Expr):
                for n in _of_type(node.type, model):
                    yield n, node.span


def _of_type(t: Type, model: Model) -> Iterator[int]:
    for part in parts(t):
        if isinstance(part, IntType):
            try:
                at_size = resolved(part, model.scope)
            except SizeError:  # the bounds of a record may name what this model does not have
                continue
            assert isinstance(at_size, IntType)
            yield from (b for b in (at_size.low, at_size.high) if isinstance(b, int))


def _of_value(value: object) -> Iterator[int]:
    if isinstance(value, Deferred):
        value = value.each
    if isinstance(value, int) and not isinstance(value, bool):
        yield int(value)
    elif isinstance(value, Map):
        for pair in value.entries():
            yield from _of_value(pair)
    elif hasattr(value, "__iter__") and not isinstance(value, str):
        for item in value:
            yield from _of_value(item)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            yield from _of_value(getattr(value, name))
