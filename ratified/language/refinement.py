"""Refinement: each step of a model is, seen through a mapping, a step of a more abstract one, or changes nothing there.

Guarantees: exact, for the states and steps that it is asked about. The abstract model's constraints do not bound it: they
say what is explored of that model, not what it may do. A chain of refinements is checked link by link, each where its own
model is checked. (Abadi & Lamport, "The existence of refinement mappings", 1991: a refinement mapping preserves the
externally visible state, initial states, and steps up to stuttering.)
"""

from __future__ import annotations

from ratified.language.machine import Machine, OutOfBounds, PythonMachine, Values, abstract_model, state_dict
from ratified.language.values import show


class Refinement:
    """One refinement of a model. Images of states, and what the abstract model may do after them, are kept once computed."""

    def __init__(self, machine: Machine, name: str) -> None:
        self.name = name
        self._machine = machine
        self._abstract = PythonMachine(abstract_model(machine.model, name))
        self._initial: frozenset[Values] | None = None
        self._images: dict[Values, Values] = {}
        self._same: dict[Values, Values] = {}
        self._successors: dict[Values, frozenset[Values]] = {}

    def image(self, state: Values) -> Values:
        """What a state is in the abstract model. Raises StepError."""
        image = self._images.get(state)
        if image is None:
            image = self._machine.image(self.name, state)
            image = self._images[state] = self._same.setdefault(image, image)
        return image

    def begins(self, state: Values) -> bool:
        """Whether the image of an initial state is an initial state of the abstract model. Raises StepError."""
        if self._initial is None:
            self._initial = frozenset(
                s for _, s in self._abstract.initial() if not isinstance(s, OutOfBounds)
            )
        return self.image(state) in self._initial

    def explains(self, state: Values, target: Values) -> bool:
        """Whether a step maps to a step of the abstract model, or to none. Raises StepError."""
        before, after = self.image(state), self.image(target)
        if before is after:
            return True
        successors = self._successors.get(before)
        if successors is None:
            successors = self._successors[before] = self._possible(before)
        return after in successors

    def _possible(self, state: Values) -> frozenset[Values]:
        return frozenset(s for _, _, s in self._abstract.steps(state) if not isinstance(s, OutOfBounds))

    def because_of_beginning(self, state: Values) -> str:
        """Why `begins` said no."""
        name = self._abstract.module.name
        return f"the initial state maps to {self._shown(self.image(state))}, which is not an initial state of {name}"

    def because_of_step(self, step: str, state: Values, target: Values) -> str:
        """Why `explains` said no; `step` is the concrete step as people read it."""
        before, after = self.image(state), self.image(target)
        name = self._abstract.module.name
        change = f"a step of {name} from {self._shown(before)} to {self._shown(after)}"
        return f"{step} maps to {change}, and no action of {name} does that"

    def _shown(self, image: Values) -> str:
        return ", ".join(f"{name}={show(value)}" for name, value in state_dict(self._abstract, image).items())
