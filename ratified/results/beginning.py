"""What is said of a model that cannot begin, by every engine alike: nothing that it claims would be put to the test."""

from __future__ import annotations

from ratified.language.errors import ModelError
from ratified.language.ir import Function, Module


def no_beginning(module: Module, constraint: Function | None, times: int | None = None) -> ModelError:
    """The error of a model without an initial state: `constraint` leaves out all, which are so many (if that is known)."""
    if constraint is not None:
        what = "all that init admits" if times is None else f"all {times}"
        return ModelError(
            f"{module.name} has no initial state: `{constraint.name}` excludes {what}",
            span=constraint.span,
            remedy="a constraint must be true in some initial state",
        )
    init = module.functions.get("init")
    return ModelError(
        f"{module.name} has no initial state: no choice of init's arguments passes its guards",
        span=init.span if init else module.span,
        remedy="weaken a `require` in init, or choose larger sizes",
    )
