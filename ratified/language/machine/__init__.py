"""A model at a size as something that can be stepped, and the reference machine: CPython running the model's own methods."""

from ratified.language.machine.choices import MOST_CHOICES, Choices
from ratified.language.machine.failures import BoundExceeded, StepError
from ratified.language.machine.python import PythonMachine
from ratified.language.machine.steps import (
    Machine,
    OutOfBounds,
    Pulse,
    Values,
    abstract_model,
    image_of,
    state_dict,
)

__all__ = [
    "MOST_CHOICES",
    "BoundExceeded",
    "Choices",
    "Machine",
    "OutOfBounds",
    "Pulse",
    "PythonMachine",
    "StepError",
    "Values",
    "abstract_model",
    "image_of",
    "state_dict",
]
