"""Lowering: a model in fewer words, for backends that have to say what each word means.

Every pass is small, has a name, and stands in the one list that says their order. What is left after all of them:

- no `Negative Absolute IsLast Disjoint IndexOf Zip`;
- comprehensions run through the keys of a map, not through its values or items;
- no loop over a display or a constant range;
- `return` only where nothing follows it, outside of loops;
- no name that is bound inside of an expression, or at the top of a body, stands for two things in one function.

Guarantees: each pass keeps what a function does: values, guards, changes, left bounds and errors, as the evaluator says;
arguments of functions keep their names; new names are none that a source could have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ratified.language.ir import Function, Module
from ratified.language.lower.desugar import desugared
from ratified.language.lower.domains import through_keys
from ratified.language.lower.names import named_apart
from ratified.language.lower.returns import returning_last
from ratified.language.lower.unroll import unrolled

Pass = Callable[[Function], Function]

PASSES: tuple[Pass, ...] = (desugared, through_keys, unrolled, returning_last, named_apart)


def lowered(module: Module) -> Module:
    """A module with all functions lowered."""
    functions = dict(module.functions)
    for one in PASSES:
        functions = {key: one(function) for key, function in functions.items()}
    return replace(module, functions=functions)
