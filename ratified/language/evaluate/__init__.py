"""The plain evaluator of the intermediate form: its executable definition, written for clarity.

Guarantees: for every function of a module, the same values, guards, left bounds and errors as CPython running the source it was
compiled from (held to that by differential tests on generated models).
"""

from ratified.language.evaluate.evaluator import EXPRESSIONS, STATEMENTS, Evaluator
from ratified.language.evaluate.frame import BoundLeftAt, Env, Frame, Returned
from ratified.language.evaluate.machine import TreeMachine

__all__ = ["EXPRESSIONS", "STATEMENTS", "BoundLeftAt", "Env", "Evaluator", "Frame", "Returned", "TreeMachine"]
