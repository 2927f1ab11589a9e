"""Solvers of circuits: literals are asserted and asked about, as the circuit grows.

Guarantees: importing this imports no solver; what a solver does not answer in time is None, never a yes or no; the same
questions get the same answers on every run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from threading import TIMEOUT_MAX, Timer
from typing import Any

from ratified.results.background import start
from ratified.smt.finite.circuit import FALSE, TRUE, Circuit
from ratified.smt.solving import installed

SOLVERS = ("sat", "z3")
"""Glucose, a SAT solver, which is some ten times as fast on circuits; and Z3's own."""


def _imported(module: str) -> Any:
    installed(module.partition(".")[0])
    return import_module(module)


class _Glucose:
    """Glucose 4, through PySAT. Gates are its variables (Tseitin's encoding)."""

    def __init__(self) -> None:
        self._solver: Any = _imported("pysat.solvers").Glucose4()
        self._solver.add_clause([TRUE])
        self._model: list[int] = []  # each variable or its negation, in their order

    def __del__(self) -> None:
        """Give back what the solver holds outside of Python."""
        solver = getattr(self, "_solver", None)
        if solver is not None:
            solver.delete()

    def interrupt(self) -> None:
        """Let a question that another thread waits for end without an answer."""
        self._solver.interrupt()

    def define(self, gate: int, joined: Sequence[int] | None) -> None:
        """Know a gate whose literals are known, or a variable."""
        if joined is not None:
            for literal in joined:
                self._solver.add_clause([-gate, literal])
            self._solver.add_clause([gate, *(-literal for literal in joined)])

    def require(self, literal: int) -> None:
        """Let a literal be true."""
        self._solver.add_clause([literal])

    def solve(self, literals: Sequence[int], seconds: float | None) -> bool | None:
        """Return whether literals can be true together; None if that is not known in time."""
        # Without the lock of Python's interpreter, so that the keyboard is heeded.
        alarm = Timer(seconds if seconds is not None else TIMEOUT_MAX, self._solver.interrupt)
        alarm.daemon = True
        start(alarm)
        try:
            answer: bool | None = self._solver.solve_limited(assumptions=literals, expect_interrupt=True)
        finally:
            alarm.cancel()
            alarm.join()
            self._solver.clear_interrupt()
        self._model = self._solver.get_model() if answer else []
        return answer

    def found(self, gate: int) -> bool:
        """Return whether a variable, or a gate that was known, is true in what was found."""
        return gate <= len(self._model) and self._model[gate - 1] > 0


class _Z3:
    """Z3's solver of finite domains."""

    def __init__(self) -> None:
        self._z3: Any = _imported("z3")
        self._solver = self._z3.SolverFor("QF_FD")
        self._terms: dict[int, Any] = {TRUE: self._z3.BoolVal(True)}
        self._model: Any = None

    def interrupt(self) -> None:
        self._z3.main_ctx().interrupt()

    def define(self, gate: int, joined: Sequence[int] | None) -> None:
        if joined is None:
            self._terms[gate] = self._z3.Bool(f"v{gate}")
        else:
            self._terms[gate] = self._z3.And([self._term(literal) for literal in joined])

    def _term(self, literal: int) -> Any:
        if literal not in self._terms:
            self._terms[literal] = self._z3.Not(self._terms[-literal])
        return self._terms[literal]

    def require(self, literal: int) -> None:
        self._solver.add(self._term(literal))

    def solve(self, literals: Sequence[int], seconds: float | None) -> bool | None:
        # Without a limit of its own a question would be held to that of the last one.
        self._solver.set("timeout", 2**32 - 1 if seconds is None else max(1, int(seconds * 1000)))
        answer = self._solver.check(*map(self._term, literals))
        if answer == self._z3.sat:
            self._model = self._solver.model()
            return True
        return False if answer == self._z3.unsat else None

    def found(self, gate: int) -> bool:
        return bool(self._z3.is_true(self._model.eval(self._terms[gate], model_completion=True)))


class BooleanSolver:
    """A solver for the literals of one circuit."""

    def __init__(self, circuit: Circuit, name: str) -> None:
        """`name` is one of SOLVERS. Raises RatifiedError where that is not installed."""
        self._circuit = circuit
        self._solver = _Glucose() if name == "sat" else _Z3()
        self._told: set[int] = {TRUE}  # the gates that the solver knows
        self._later: set[int] = set()  # those that it has not been asked about yet
        self._values: dict[int, bool] = {}
        self._valued: set[int] = set()
        self.interrupt = self._solver.interrupt

    def require(self, literal: int) -> None:
        """Let a literal be true from now on."""
        if literal != TRUE:
            self._tell(literal)
            self._solver.require(literal)

    def check(self, assumed: Iterable[int], seconds: float | None = None) -> bool | None:
        """Return whether all can be true together; None if that was not found out in time."""
        literals = [literal for literal in assumed if literal != TRUE]
        if FALSE in literals:
            return False
        for literal in literals:
            self._tell(literal)
        self._values, self._valued = {TRUE: True}, {TRUE}
        self._later.clear()
        return self._solver.solve(literals, seconds)

    def true(self, literal: int) -> bool:
        """Return whether a literal is true in what the last check found."""
        gate = abs(literal)
        if gate in self._told and gate not in self._later:
            return self._solver.found(gate) == (literal > 0)
        for inner in self._circuit.inside([gate], self._valued):
            joined = self._circuit.gates[inner]
            if joined is None:
                self._values[inner] = inner in self._told and self._solver.found(inner)
            else:
                self._values[inner] = all(self._values[abs(n)] == (n > 0) for n in joined)
        return self._values[gate] == (literal > 0)

    def _tell(self, literal: int) -> None:
        for gate in self._circuit.inside([literal], self._told):
            self._later.add(gate)
            self._solver.define(gate, self._circuit.gates[gate])
